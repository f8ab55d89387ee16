//! Parameter Store of Systems Manager: parameters read by version, set and deleted.

use serde_json::{Value, json};

use super::Fault;
use super::args::{Args, epoch};
use crate::fleet::{Fleet, Parameter, ParameterKind, ParameterVersion};

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "GetParameter" => get(fleet, args),
        "PutParameter" => put(fleet, args),
        "DeleteParameter" => delete(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

fn not_found() -> Fault {
    Fault::new("ParameterNotFound", "")
}

fn name(args: Args<'_>) -> Result<&str, Fault> {
    args.filled("Name").ok_or_else(|| {
        invalid(
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must \
             not be null",
        )
    })
}

/// A name may have a version behind it: `/web/timeout:3`.
fn get(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let asked = name(args)?;
    let (name, selector) = match asked.split_once(':') {
        Some((name, selector)) => (name, Some(selector)),
        None => (asked, None),
    };
    let parameter = fleet.parameter(name).ok_or_else(not_found)?;
    let found = match selector {
        None => parameter.last(),
        Some(selector) => {
            let mut versions = parameter.versions.iter();
            versions.find(|version| version.version.to_string() == selector)
        }
    };
    let version = found.ok_or_else(|| {
        let message = format!(
            "Systems Manager could not find version {} of {name}.",
            selector.unwrap_or("1")
        );
        Fault::new("ParameterVersionNotFound", message)
    })?;
    let mut shown = json!({
        "Name": name,
        "Type": parameter.kind.as_str(),
        "Value": value(parameter, version, args.truth("WithDecryption") == Some(true)),
        "Version": version.version,
        "LastModifiedDate": epoch(version.at),
        "ARN": format!("arn:aws:ssm:{}:{}:parameter{name}", fleet.region, fleet.account),
        "DataType": "text",
    });
    if let Some(selector) = selector {
        shown["Selector"] = json!(format!(":{selector}"));
    }
    Ok(json!({ "Parameter": shown }))
}

/// A secret that is not decrypted is shown as it is stored.
fn value(parameter: &Parameter, version: &ParameterVersion, decrypted: bool) -> String {
    match parameter.kind {
        ParameterKind::Secure if !decrypted => format!("AQICAHencrypted{:032x}", version.version),
        ParameterKind::Text | ParameterKind::List | ParameterKind::Secure => version.value.clone(),
    }
}

fn put(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = name(args)?;
    let value = args
        .filled("Value")
        .ok_or_else(|| invalid("Parameter value can't be empty."))?;
    let kind = match args.filled("Type") {
        Some(text) => Some(ParameterKind::named(text).ok_or_else(|| {
            invalid(format!(
                "1 validation error detected: Value '{text}' at 'type' failed to satisfy constraint: Member \
                 must satisfy enum value set: [SecureString, StringList, String]"
            ))
        })?),
        None => None,
    };
    let held = fleet.parameter(name).map(|held| held.kind);
    let kind = match (held, kind) {
        (Some(_), _) if args.truth("Overwrite") != Some(true) => {
            return Err(Fault::new(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the \
                 request to true.",
            ));
        }
        (Some(held), Some(asked)) if held != asked => {
            return Err(Fault::new(
                "HierarchyTypeMismatchException",
                "Parameter Store doesn't support changing a parameter type in a hierarchy.",
            ));
        }
        (Some(held), _) => held,
        (None, Some(asked)) => asked,
        (None, None) => {
            return Err(invalid(
                "A parameter type is required when you create a parameter.",
            ));
        }
    };
    let version = fleet.set_parameter(name, value, kind);
    Ok(json!({ "Version": version, "Tier": "Standard" }))
}

fn delete(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    if fleet.delete_parameter(name(args)?) {
        Ok(json!({}))
    } else {
        Err(not_found())
    }
}
