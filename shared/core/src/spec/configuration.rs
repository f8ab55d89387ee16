//! `configuration`: what the new revision is configured with.

use std::collections::BTreeMap;

use super::build::duplicate;
use super::fields::{Fields, Items, Named};
use super::model::{Configuration, ContainerConfiguration, Flags, Parameter};
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::change::flags::{Attribute, FlagTo, FlagsWork};
use crate::secrets::begins_as_key;

/// Reads the section; an empty one where the file has none.
pub(super) fn configuration(fields: &Fields, problems: &mut Problems) -> Configuration {
    let Some(section) = fields.section("configuration") else {
        return Configuration::default();
    };
    Configuration {
        parameters: parameters(section, problems),
        container: container(section, problems),
        flags: flags(section, problems),
    }
}

fn flags(section: &Fields, problems: &mut Problems) -> Option<Flags> {
    let section = section.section("flags")?;
    let mut set: BTreeMap<String, FlagTo> = BTreeMap::new();
    for one in section.map("set") {
        let (flag, attribute) = match one.name.split_once('.') {
            Some((flag, "enabled")) => (flag, None),
            Some((flag, attribute)) => (flag, Some(attribute)),
            None => (one.name.as_str(), None),
        };
        let to = set.entry(flag.to_owned()).or_default();
        match (attribute, one.text.as_str()) {
            (None, "on" | "true") => to.enabled = Some(true),
            (None, "off" | "false") => to.enabled = Some(false),
            (None, _) => {
                let message = format!("`enabled` of the flag `{flag}` takes `on` or `off`");
                problems.push(Draft::new(ProblemCode::InvalidText, one.text_span, message));
            }
            (Some(attribute), text) => {
                if looks_secret(attribute, text) {
                    problems.push(secret(one.text_span, &one.name));
                }
                let value = Attribute::written(text, one.plain);
                to.attributes.insert(attribute.to_owned(), value);
            }
        }
    }
    let text = |key: &str| section.text(key).map(str::to_owned);
    Some(Flags {
        work: FlagsWork {
            application: text("application")?,
            environment: text("environment")?,
            profile: text("profile")?,
            strategy: text("strategy")?,
            set,
        },
        timeout_seconds: section.whole("timeout")?,
    })
}

fn container(section: &Fields, problems: &mut Problems) -> ContainerConfiguration {
    let (environment, secrets) = (section.map("environment"), section.map("secrets"));
    for one in environment {
        if looks_secret(&one.name, &one.text) {
            problems.push(secret(one.text_span, &one.name));
        }
        if let Some(other) = secrets.iter().find(|other| other.name == one.name) {
            let what = format!("the variable `{}`", one.name);
            problems.push(duplicate(other.name_span, one.name_span, &what));
        }
    }
    let texts = |named: &[Named]| {
        let pairs = named.iter();
        pairs.map(|one| (one.name.clone(), one.text.clone())).collect()
    };
    ContainerConfiguration {
        environment: texts(environment),
        secrets: texts(secrets),
    }
}

fn parameters(section: &Fields, problems: &mut Problems) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for (name, value, span) in named_values(section, problems) {
        if looks_secret(name, value) {
            problems.push(secret(span, name));
        }
        parameters.push(Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
    parameters
}

/// Names with their values, and where the values stand, of a section's `parameters`.
pub(super) fn named_values<'a>(
    section: &'a Fields,
    problems: &mut Problems,
) -> Vec<(&'a str, &'a str, Span)> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut named = Vec::new();
    for item in section.list("parameters").into_iter().flat_map(Items::sections) {
        let (Some(name), Some(value)) = (item.text("name"), item.text("value")) else {
            continue;
        };
        let span = item.value_span("name");
        if let Some(first) = seen.insert(name, span) {
            problems.push(duplicate(span, first, &format!("the parameter `{name}`")));
        }
        named.push((name, value, item.value_span("value")));
    }
    named
}

/// The message never has the value: it goes into logs.
pub(super) fn secret(span: Span, name: &str) -> Draft {
    let message = format!("the value of `{name}` looks like a secret, and this file is none");
    Draft::new(ProblemCode::LooksSecret, span, message)
        .help("keep it in Secrets Manager or as a SecureString, name that place under `secrets`, and take the value out \
             of the file's history")
        .warning()
}

/// Words in names of what should be kept secret.
const SECRET_WORDS: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "private_key",
    "credential",
];
/// Whether a value is probably a secret, by the name that it has or by how it begins. A short value or a
/// number under such a name is taken for a setting, such as how long a token lasts.
pub fn looks_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let named = SECRET_WORDS.iter().any(|word| name.contains(word));
    let setting = value.len() < 8
        || value.parse::<f64>().is_ok()
        || value.starts_with('/')
        || value.starts_with("arn:")
        || value.starts_with("https://");
    let begins = begins_as_key(value) || value.starts_with("-----BEGIN") || value.starts_with("eyJhbGciOi");
    (named && !setting) || begins || has_password(value)
}

/// `scheme://user:password@host`.
fn has_password(value: &str) -> bool {
    let rest = value.split_once("://").map(|(_, rest)| rest);
    let authority = rest.and_then(|rest| rest.split('/').next());
    let login = authority.and_then(|authority| authority.rsplit_once('@'));
    login.is_some_and(|(login, _)| login.split_once(':').is_some_and(|(_, word)| !word.is_empty()))
}
