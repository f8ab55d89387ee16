//! Parameters of Systems Manager, with the versions that Parameter Store keeps of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fleet;

/// Parameter Store keeps this many versions (User Guide, "Working with parameter versions").
const VERSIONS_KEPT: usize = 100;

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterKind {
    /// `String`.
    Text,
    /// `StringList`.
    List,
    /// `SecureString`.
    Secure,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is.
    pub kind: ParameterKind,
    /// Its versions that are kept, oldest first.
    pub versions: Vec<ParameterVersion>,
}

/// A version of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterVersion {
    /// From 1.
    pub version: i64,
    /// The value in clear text.
    pub value: String,
    /// When it was set.
    pub at: Timestamp,
}

/// A setting from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingSeen {
    /// When.
    pub at: Timestamp,
    /// What of, as a change that sets it is called: `parameter:/web/production/timeout`.
    pub name: String,
    /// Its value; nothing where it does not exist any more.
    pub value: Option<String>,
}

impl ParameterKind {
    /// AWS's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::List => "StringList",
            Self::Secure => "SecureString",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::List, Self::Secure]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl Parameter {
    /// The last version.
    pub fn last(&self) -> Option<&ParameterVersion> {
        self.versions.last()
    }
}

impl Fleet {
    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    /// Sets a parameter, as another version of it where it exists; the kind is that of a new one.
    /// Gives the version.
    pub fn set_parameter(&mut self, name: &str, value: &str, kind: ParameterKind) -> i64 {
        let at = self.now();
        let new = || Parameter {
            kind,
            versions: Vec::new(),
        };
        let held = self.parameters.entry(name.to_owned()).or_insert_with(new);
        let kind_held = held.kind;
        let version = held.last().map_or(1, |last| last.version + 1);
        held.versions.push(ParameterVersion {
            version,
            value: value.to_owned(),
            at,
        });
        let excess = held.versions.len().saturating_sub(VERSIONS_KEPT);
        held.versions.drain(..excess);
        if kind_held == ParameterKind::Secure {
            self.keep_secret(value);
        }
        self.note_setting(format!("parameter:{name}"), Some(value.to_owned()));
        version
    }

    /// A value that nobody may see from now on, such as a password in what a task writes.
    pub fn keep_secret(&mut self, value: &str) {
        if !value.is_empty() {
            self.secrets.insert(value.to_owned());
        }
    }

    /// Whether a text has one of them in it.
    pub(crate) fn has_secret(&self, text: &[u8]) -> bool {
        let has = |secret: &String| text.windows(secret.len()).any(|part| part == secret.as_bytes());
        self.secrets.iter().any(has)
    }

    /// Values that nobody may see.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// Deletes a parameter with all its versions; whether it existed.
    pub fn delete_parameter(&mut self, name: &str) -> bool {
        let existed = self.parameters.remove(name).is_some();
        if existed {
            self.note_setting(format!("parameter:{name}"), None);
        }
        existed
    }

    pub(crate) fn note_setting(&mut self, name: String, value: Option<String>) {
        let at = self.now();
        self.settings_log.push(SettingSeen { at, name, value });
    }
}
