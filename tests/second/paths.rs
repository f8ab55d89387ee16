//! The path of states of an execution, and how two of them differ.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::machines::Lanes;

/// The states that an execution entered, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Names of states in the order in which they were entered, by lane.
    pub lanes: BTreeMap<String, Vec<String>>,
    /// AWS's word for how it ended.
    pub status: String,
    /// The name of the error that it ended with.
    pub error: Option<String>,
}

impl Path {
    /// From the answers of `GetExecutionHistory` and `DescribeExecution`.
    pub fn of(lanes: &Lanes, events: &[Value], described: &Value) -> Self {
        let mut entered: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in entered_states(events) {
            let lane = lanes.lane(name).to_owned();
            entered.entry(lane).or_default().push(name.to_owned());
        }
        let text = |name: &str| described[name].as_str().map(str::to_owned);
        Self {
            lanes: entered,
            status: text("status").unwrap_or_default(),
            error: text("error"),
        }
    }

    /// States entered, over all lanes.
    pub fn len(&self) -> usize {
        self.lanes.values().map(Vec::len).sum()
    }

    /// Where another path is not this one, for people: nothing where they are the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        let mut told = String::new();
        let names: Vec<&String> = self.lanes.keys().chain(other.lanes.keys()).collect();
        let mut names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let lane = |path: &Self| path.lanes.get(name).cloned().unwrap_or_default();
            tell_lane(&mut told, name, &lane(self), &lane(other));
        }
        let end = |path: &Self| format!("{} {}", path.status, path.error.as_deref().unwrap_or(""));
        if end(self) != end(other) {
            write!(told, "\n  ends: ours {}\n        moto {}", end(self), end(other)).ok();
        }
        Some(told)
    }
}

/// Names of the states that a history says were entered.
pub fn entered_states(events: &[Value]) -> impl Iterator<Item = &str> {
    events
        .iter()
        .filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str())
}

/// The last states that two lanes share, and what follows on each side.
fn tell_lane(told: &mut String, name: &str, ours: &[String], moto: &[String]) {
    if ours == moto {
        return;
    }
    let shared = ours
        .iter()
        .zip(moto)
        .take_while(|(one, other)| one == other)
        .count();
    let before = ours.get(shared.saturating_sub(3)..shared).unwrap_or_default();
    let rest = |lane: &[String]| match lane.get(shared..).unwrap_or_default() {
        [] => "(nothing more)".to_owned(),
        rest => rest.join(" > "),
    };
    write!(
        told,
        "\n  lane {name}, after {shared} states: ... {}\n    ours: {}\n    moto: {}",
        before.join(" > "),
        rest(ours),
        rest(moto)
    )
    .ok();
}

/// `deployment` of `arn:...:stateMachine:tidegate-deployment`.
pub fn short_machine(arn: &str) -> &str {
    let name = arn.rsplit(':').next().unwrap_or(arn);
    name.strip_prefix("tidegate-").unwrap_or(name)
}
