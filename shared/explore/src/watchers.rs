//! What watches a target in CloudWatch: dashboards, alarms, how long lines are kept, and the alarm of a test.
//! The last write wins: CloudWatch has no compare-and-set.

use std::collections::BTreeMap;

use tidegate_core::change::test_alarm::TestAlarm;
use tidegate_core::change::{Before, Monitored, StoredText};
use tidegate_core::observation::AlarmState;

use crate::setting::{Ms, Setting, instant};

/// A log group that there is.
pub const LOG_GROUP: &str = "/ecs/web";

/// Everything of a target.
#[derive(Debug, Clone, Default)]
pub struct Watchers {
    there: BTreeMap<String, Monitored>,
    /// Since when the alarm of a test is in `ALARM`, where there is one.
    test: Option<Ms>,
    /// How often it was set.
    raised: u32,
}

impl Watchers {
    /// As a target is found: with an older dashboard of ours, and lines that are kept for ever.
    pub fn new(setting: &Setting) -> Self {
        let mut watchers = Self::default();
        if setting.spec.monitoring.is_some() {
            let target = &setting.target;
            let body = format!("{{\"was\":\"Made by Tidegate for {target}.\"}}");
            let board = Monitored::Dashboard {
                body: StoredText(body),
            };
            watchers.there.insert(setting.dashboard(), board);
            let kept = Monitored::Retention { days: None };
            watchers.there.insert(LOG_GROUP.to_owned(), kept);
        }
        watchers
    }

    /// What there is of a name.
    pub fn get(&self, name: &str) -> Option<&Monitored> {
        self.there.get(name)
    }

    /// Puts something there.
    pub fn put(&mut self, name: &str, wanted: &Monitored) {
        self.there.insert(name.to_owned(), wanted.clone());
    }

    /// Takes something away.
    pub fn remove(&mut self, name: &str) {
        self.there.remove(name);
    }

    /// Brings back what was there; deletes what was not.
    pub fn put_back(&mut self, name: &str, before: Option<&Before>) {
        match before {
            Some(Before::Monitored { held }) => self.put(name, held),
            Some(Before::Absent) => self.remove(name),
            Some(
                Before::Scaling { .. }
                | Before::Parameter { .. }
                | Before::Flags { .. }
                | Before::Index { .. }
                | Before::Stack { .. }
                | Before::TerraformState,
            )
            | None => {}
        }
    }

    /// What there is of a name, as text.
    pub fn told(&self, name: &str) -> Option<String> {
        // Plain types always serialise.
        let text = |one: &Monitored| serde_json::to_string(one).unwrap_or_default();
        self.there.get(name).map(text)
    }

    /// The alarm of a test, as CloudWatch shows it.
    pub fn test(&self) -> Option<TestAlarm> {
        self.test.map(|at| TestAlarm {
            state: AlarmState::Alarm,
            changed_at: Some(instant(at)),
        })
    }

    /// Makes it and sets it.
    pub const fn raise_test(&mut self, now: Ms) {
        self.test = Some(now);
        self.raised += 1;
    }

    /// How often it was set in this run.
    pub const fn raised(&self) -> u32 {
        self.raised
    }

    /// Deletes it.
    pub const fn delete_test(&mut self) {
        self.test = None;
    }
}
