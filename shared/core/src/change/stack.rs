//! A stack of CloudFormation: what it shall be, and what it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::sha256_hex;

/// The largest template that is kept so that a rollback can return to it, bytes. The record of a
/// deployment is one DynamoDB item, and those end at 400 KB.
pub const MAX_KEPT_TEMPLATE_BYTES: usize = 30_000;

/// A stack as the file wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackWork {
    /// `name`.
    pub name: String,
    /// `template`: the URL of an object in S3.
    pub template: String,
    /// `parameters`; those that are not named keep their value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// `capabilities`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub capabilities: BTreeSet<String>,
    /// `role`: whom CloudFormation acts as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `drift`: what was changed outside of CloudFormation is looked for, and told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drift: bool,
}

/// A stack as it was before a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackBefore {
    /// Its template; nothing where that is too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<StoredText>,
    /// SHA-256 of its template, in hexadecimal.
    pub template_hash: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, StoredText>,
    /// Parameters whose value CloudFormation hides (`NoEcho`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hidden: BTreeSet<String>,
}

impl StackBefore {
    /// Why a rollback can't return to it; nothing where it can.
    pub fn is_lost(&self, stack: &StackWork) -> Option<String> {
        if self.template.is_none() {
            return Some(format!(
                "its template from before has more than {MAX_KEPT_TEMPLATE_BYTES} bytes and was not kept"
            ));
        }
        let lost = self
            .hidden
            .iter()
            .filter(|name| stack.parameters.contains_key(*name));
        let lost: Vec<&str> = lost.map(String::as_str).collect();
        (!lost.is_empty()).then(|| format!("CloudFormation hides what {} was before", lost.join(" and ")))
    }
}

/// A text that is kept to be put back, and shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredText(pub String);

impl fmt::Debug for StoredText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = sha256_hex(self.0.as_bytes());
        write!(f, "({} bytes, {})", self.0.len(), hash.get(..12).unwrap_or(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_to_be_put_back_is_not_shown() {
        let kept = format!("{:?}", StoredText("hunter2".to_owned()));
        assert!(!kept.contains("hunter2") && kept.starts_with("(7 bytes, "));
    }

    #[test]
    fn a_rollback_returns_only_to_what_is_known() {
        let known = StackBefore {
            template: Some(StoredText("{}".to_owned())),
            template_hash: String::new(),
            parameters: BTreeMap::new(),
            hidden: BTreeSet::new(),
        };
        let mut wanted = StackWork {
            name: "shop".to_owned(),
            template: String::new(),
            parameters: BTreeMap::new(),
            capabilities: BTreeSet::new(),
            role: None,
            drift: false,
        };
        assert_eq!(known.is_lost(&wanted), None);
        let hidden = StackBefore {
            hidden: BTreeSet::from(["Password".to_owned()]),
            ..known.clone()
        };
        // What the file leaves alone keeps its value.
        assert_eq!(hidden.is_lost(&wanted), None);
        wanted.parameters.insert("Password".to_owned(), "x".to_owned());
        assert!(
            hidden
                .is_lost(&wanted)
                .is_some_and(|why| why.contains("Password"))
        );
        let large = StackBefore {
            template: None,
            ..known
        };
        assert!(large.is_lost(&wanted).is_some());
    }
}
