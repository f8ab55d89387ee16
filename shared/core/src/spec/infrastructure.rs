//! `infrastructure`: what is updated as code, and what a person makes or changes by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{consent, duplicate, is_gated};
use super::configuration::{looks_secret, named_values, secret};
use super::fields::{Fields, Items};
use super::model::{Infrastructure, Stack, Terraform};
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::change::{Expected, ResourceKind, Setting, StackWork, TerraformWork};

/// What ECS takes of overrides for a task, characters (API reference, `TaskOverride`: 8192), less what is not
/// variables.
const MAX_VARIABLE_CHARS: usize = 6000;

/// Of those, what it takes to say where generated variables are, and which of them the file's own go before.
const GENERATED_CHARS: usize = 3000;

/// Reads the section; nothing where the file has none, or a wrong one.
pub(super) fn infrastructure(fields: &Fields, problems: &mut Problems) -> Option<Infrastructure> {
    let section = fields.section("infrastructure")?;
    // An ECS service is looked for where those of the file are.
    let home = fields.text("cluster").or_else(|| fields.text("environment"));
    let mut seen: BTreeMap<(ResourceKind, String, Option<String>), Span> = BTreeMap::new();
    let mut verify = Vec::new();
    for item in section.list("verify").into_iter().flat_map(Items::sections) {
        let Some((expected, span)) = resource(item, home, problems) else {
            continue;
        };
        let what = format!("the {}", expected.title());
        let place = (expected.kind, expected.name.clone(), expected.cluster.clone());
        if let Some(first) = seen.insert(place, span) {
            problems.push(duplicate(span, first, &what));
        }
        verify.push(expected);
    }
    let (stack, terraform) = (section.section("stack"), section.section("terraform"));
    let as_code = stack.is_some() || terraform.is_some();
    let consent = consent(section, problems);
    if !as_code && !section.is_given("verify") {
        let draft = Draft::new(
            ProblemCode::MissingKey,
            section.span,
            "`infrastructure` says nothing to do",
        );
        problems.push(draft.help("add `stack` or `terraform`, or `verify` for what a person makes"));
    }
    consent_is_asked(fields, section, as_code, consent.is_some(), problems);
    Some(Infrastructure {
        stack: stack.and_then(|stack| read_stack(stack, problems)),
        terraform: terraform.and_then(|terraform| read_terraform(fields, terraform, problems)),
        threshold: section.whole("threshold"),
        consent,
        verify,
        timeout_seconds: section.whole("timeout")?,
    })
}

/// Whoever loses something must be asked first, and nobody is asked about what a person makes.
fn consent_is_asked(fields: &Fields, section: &Fields, proposes: bool, asks: bool, problems: &mut Problems) {
    let gated = is_gated(fields, "infrastructure");
    let draft = |key: &str, message: &str| {
        Draft::new(ProblemCode::NoEffect, section.key_span(key), message).warning()
    };
    if proposes && !asks && !gated {
        let message =
            "nobody may agree to what would be replaced or deleted: such an update stops the deployment";
        let key = ["stack", "terraform"]
            .into_iter()
            .find(|key| section.is_given(key));
        problems.push(draft(key.unwrap_or("stack"), message).help("add `approvals` to `infrastructure`"));
    }
    for key in ["approvals", "threshold"] {
        if !proposes && section.is_given(key) {
            let message = format!("`{key}` is about what is updated as code, and nothing is");
            problems.push(
                draft(key, &message)
                    .help("add `stack` or `terraform`, or put a gate before `infrastructure`"),
            );
        }
    }
}

fn read_stack(section: &Fields, problems: &mut Problems) -> Option<Stack> {
    let parameters = named_values(section, problems).into_iter();
    let parameters = parameters.map(|(name, value, _)| (name.to_owned(), value.to_owned()));
    let capabilities = section.list("capabilities").into_iter();
    let capabilities = capabilities.flat_map(Items::texts);
    Some(Stack {
        work: StackWork {
            name: section.text("name")?.to_owned(),
            template: section.text("template")?.to_owned(),
            parameters: parameters.collect(),
            capabilities: capabilities.map(|(_, text)| text.to_owned()).collect(),
            role: section.text("role").map(str::to_owned),
            drift: section.flag("drift").unwrap_or(false),
        },
        timeout_seconds: section.whole("timeout")?,
    })
}

fn read_terraform(file: &Fields, section: &Fields, problems: &mut Problems) -> Option<Terraform> {
    let variables = section.map("variables");
    let image = section.text("imageVariable");
    for one in variables {
        if looks_secret(&one.name, &one.text) {
            problems.push(secret(one.text_span, &one.name));
        }
        if Some(&*one.name) == image {
            let span = section.value_span("imageVariable");
            problems.push(duplicate(
                one.name_span,
                span,
                &format!("the variable `{}`", one.name),
            ));
        }
    }
    let generated = section.flag("generatedVariables") == Some(true);
    if generated && !file.is_given("analyzer") {
        let span = section.key_span("generatedVariables");
        let message = "nothing generates variables: there is no `analyzer`";
        let draft = Draft::new(ProblemCode::Contradiction, span, message);
        problems.push(draft.help("add the section `analyzer`, or take `generatedVariables` out"));
    }
    let most = match generated {
        true => MAX_VARIABLE_CHARS - GENERATED_CHARS,
        false => MAX_VARIABLE_CHARS,
    };
    let chars: usize = variables
        .iter()
        .map(|one| one.name.len() + one.text.len() + 40)
        .sum();
    if chars > most {
        let message = "the variables are longer than what ECS can give to a task";
        let draft = Draft::new(ProblemCode::OutOfRange, section.key_span("variables"), message);
        problems
            .push(draft.help("keep what is long in a file of the configuration, and name that file here"));
    }
    let variables = variables.iter().map(|one| (one.name.clone(), one.text.clone()));
    Some(Terraform {
        work: TerraformWork {
            task_definition: section.text("taskDefinition")?.to_owned(),
            container: section.text("container").map(str::to_owned),
            bucket: section.text("bucket")?.to_owned(),
            prefix: section.text("prefix")?.to_owned(),
            image_variable: image.map(str::to_owned),
            variables: variables.collect(),
            generated,
        },
        timeout_seconds: section.whole("timeout")?,
    })
}

/// The one resource of an item, and where its name stands.
fn resource(item: &Fields, home: Option<&str>, problems: &mut Problems) -> Option<(Expected, Span)> {
    let given: Vec<ResourceKind> = ResourceKind::ALL
        .into_iter()
        .filter(|kind| item.is_given(kind.as_str()))
        .collect();
    let [kind] = given[..] else {
        let (span, message) = match given.get(1) {
            Some(second) => (item.key_span(second.as_str()), "a resource is of one kind"),
            None => (item.span, "a resource needs a kind"),
        };
        let kinds = ResourceKind::ALL.map(ResourceKind::as_str).join(", ");
        let help = format!("begin an item of its own for each resource (one of {kinds})");
        problems.push(Draft::new(ProblemCode::Contradiction, span, message).help(help));
        return None;
    };
    let section = item.section(kind.as_str())?;
    let cluster = match kind {
        ResourceKind::EcsService => section.text("cluster").or(home),
        ResourceKind::TargetGroup
        | ResourceKind::DynamodbTable
        | ResourceKind::EcrRepository
        | ResourceKind::Alarm
        | ResourceKind::Database
        | ResourceKind::DatabaseCluster => None,
    };
    let settings = kind.settings().iter();
    let expected = Expected {
        kind,
        name: section.text("name")?.to_owned(),
        cluster: cluster.map(str::to_owned),
        settings: settings
            .filter_map(|setting| Some((*setting, values(section, *setting)?)))
            .collect(),
    };
    Some((expected, section.value_span("name")))
}

/// What the file says of a setting, in the words in which AWS is read.
fn values(section: &Fields, setting: Setting) -> Option<BTreeSet<String>> {
    let key = setting.as_str();
    if let Some(list) = section.list(key) {
        return Some(list.texts().map(|(_, text)| text.to_owned()).collect());
    }
    let flag = section.flag(key).map(|flag| flag.to_string());
    let text = flag
        .or_else(|| section.whole(key).map(|whole| whole.to_string()))
        .or_else(|| section.number(key).map(|number| number.to_string()))
        .or_else(|| section.text(key).map(str::to_owned))?;
    Some(BTreeSet::from([text]))
}
