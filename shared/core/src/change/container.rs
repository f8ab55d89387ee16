//! What the application's container is configured with, in the new revision's task definition. That is
//! part of the revision, so a rollback leaves it behind with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::ContainerConfiguration;

/// One variable of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSetting {
    /// Its name.
    pub name: String,
    /// What the new revision has.
    pub to: SettingTo,
    /// How that compares with the task definition that is copied.
    pub now: SettingNow,
}

/// What a variable becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SettingTo {
    /// A value. The file is not secret, so neither is it.
    Value(String),
    /// What is kept there.
    Reference(String),
}

/// How a variable stands in the task definition that is copied. Its old value may be a secret, so nobody
/// is told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SettingNow {
    /// It is not there.
    Absent,
    /// It is what it shall be.
    Same,
    /// It is something else.
    Other,
}

impl ContainerSetting {
    /// One line of the plan.
    pub fn describe(&self) -> String {
        let to = match &self.to {
            SettingTo::Value(value) => format!("set it to `{}`", super::shortened(value)),
            SettingTo::Reference(place) => format!("take it from {place}"),
        };
        let now = match self.now {
            SettingNow::Absent => "new",
            SettingNow::Same => "as it is",
            SettingNow::Other => "replaces what stable has",
        };
        format!("{}: {to} ({now})", self.name)
    }
}

/// Every variable that the file sets, by name, against what was seen of the one that is copied.
pub fn container_settings(
    asked: &ContainerConfiguration,
    seen: Option<&BTreeMap<String, SettingNow>>,
) -> Vec<ContainerSetting> {
    let value = |(name, value): (&String, &String)| (name.clone(), SettingTo::Value(value.clone()));
    let place = |(name, place): (&String, &String)| (name.clone(), SettingTo::Reference(place.clone()));
    let settings = asked.environment.iter().map(value);
    let settings = settings.chain(asked.secrets.iter().map(place));
    settings
        .map(|(name, to)| ContainerSetting {
            now: seen
                .and_then(|seen| seen.get(&name))
                .copied()
                .unwrap_or(SettingNow::Absent),
            name,
            to,
        })
        .collect()
}
