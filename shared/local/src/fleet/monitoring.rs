//! What is put there to watch services: dashboards, and how long log groups keep their lines.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Alarm, Fleet};

impl Fleet {
    /// The body of a dashboard.
    pub fn dashboard(&self, name: &str) -> Option<&str> {
        self.dashboards.get(name).map(String::as_str)
    }

    /// Makes a dashboard, or replaces it.
    pub fn put_dashboard(&mut self, name: &str, body: &str) {
        self.dashboards.insert(name.to_owned(), body.to_owned());
        self.note_setting(format!("dashboard:{name}"), Some(body.to_owned()));
    }

    /// Deletes a dashboard; whether it existed.
    pub fn delete_dashboard(&mut self, name: &str) -> bool {
        let existed = self.dashboards.remove(name).is_some();
        if existed {
            self.note_setting(format!("dashboard:{name}"), None);
        }
        existed
    }

    /// Deletes an alarm; whether it existed.
    pub fn delete_alarm(&mut self, name: &str) -> bool {
        let existed = self.alarms.remove(name).is_some();
        if existed {
            self.note_setting(format!("alarm:{name}"), None);
        }
        existed
    }

    /// Every log group: those that a task definition names.
    pub(crate) fn log_groups(&self) -> BTreeSet<&str> {
        let definitions = self.task_definitions.values().flatten();
        let containers = definitions.filter_map(|one| one.body.get("containerDefinitions")?.as_array());
        containers
            .flatten()
            .filter_map(|container| container["logConfiguration"]["options"]["awslogs-group"].as_str())
            .collect()
    }

    /// How long a log group keeps its lines, days; nothing where it is for ever.
    pub fn retention(&self, group: &str) -> Option<u32> {
        self.retention.get(group).copied()
    }

    /// Sets it.
    pub fn set_retention(&mut self, group: &str, days: Option<u32>) {
        match days {
            Some(days) => self.retention.insert(group.to_owned(), days),
            None => self.retention.remove(group),
        };
        self.note_setting(format!("logs:{group}"), days.map(|days| days.to_string()));
    }
}

/// An alarm without its state.
pub(super) fn defined(alarm: &Alarm) -> String {
    let value: Value = json!([
        alarm.description,
        alarm.subject,
        alarm.comparison,
        alarm.threshold,
        alarm.evaluation_periods,
        alarm.datapoints_to_alarm,
        alarm.treat_missing,
        alarm.actions,
    ]);
    value.to_string()
}
