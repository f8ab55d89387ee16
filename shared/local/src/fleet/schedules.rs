//! One-time schedules of EventBridge Scheduler.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fleet;

/// A schedule that calls a function once, and is then gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// ARN of the function.
    pub function: String,
    /// ARN of the role with which it is called.
    pub role: String,
    /// What the function is given.
    pub input: String,
    /// Client token of the request that made it.
    pub token: String,
}

impl Schedule {
    /// Under what it is known: `group/name`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// Its time, as Scheduler has it.
    pub fn expression(&self) -> String {
        self.at.strftime("at(%Y-%m-%dT%H:%M:%S)").to_string()
    }
}

impl Fleet {
    /// Takes out the schedules that are due.
    pub(crate) fn take_due_schedules(&mut self, now: Timestamp) -> Vec<Schedule> {
        let due = self.schedules.extract_if(.., |_, schedule| schedule.at <= now);
        due.map(|(_, schedule)| schedule).collect()
    }

    /// When the next schedule is due.
    pub(crate) fn next_schedule(&self) -> Option<Timestamp> {
        self.schedules.values().map(|schedule| schedule.at).min()
    }
}
