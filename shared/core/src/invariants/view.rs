//! What can be seen of one target.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::change::Direction;
use crate::deployment::{Deployment, Plan, Traffic};
use crate::event::Event;
use crate::gates::People;
use crate::ids::{ChangeId, DeploymentId, Digest, Slot};
use crate::journal::Entry;
use crate::target::TargetState;
use crate::wiring::Forward;

/// One target at an instant, with the history of what AWS ran for it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The instant.
    pub now: Timestamp,
    /// All has come to rest: no stimulus is left, and sweeps have come by since the last one did
    /// anything. What had to happen within a bound must have happened.
    pub over: bool,
    /// The target's record.
    pub target: TargetState,
    /// Who may decide what.
    pub people: People,
    /// Names of the target's own target groups; empty without a load balancer.
    pub groups: BTreeMap<Slot, String>,
    /// Its deployments, oldest first.
    pub deployments: Vec<Record>,
    /// Weights of the listener rule, oldest first; the first is how the history began.
    pub weights: Vec<WeightReading>,
    /// The listener rule's forward action as it is now.
    pub forward: Option<Forward>,
    /// Changes of the target's ECS services, oldest first.
    pub slots: Vec<SlotReading>,
    /// Task definitions by ARN.
    pub definitions: BTreeMap<String, Definition>,
    /// Changes of alarms, oldest first; an alarm that was never seen does not exist.
    pub alarms: Vec<AlarmReading>,
    /// Tasks that were started to make or undo changes, oldest first.
    pub runs: Vec<ChangeRun>,
    /// Settings by name (`parameter:/web/timeout`), oldest first; the first of each is how its history began.
    pub settings: Vec<SettingReading>,
    /// Values that nobody may see.
    pub secrets: Vec<String>,
    /// Where one of them was met that should not be: what was sent, and by whom.
    pub leaks: Vec<String>,
    /// Ids of the messages that SNS took.
    pub notices: BTreeSet<String>,
}

/// A deployment with all that was written and run for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The head as stored.
    pub deployment: Deployment,
    /// Its journal.
    pub journal: Vec<Entry>,
    /// Its executions, oldest first.
    pub executions: Vec<ExecutionSeen>,
}

/// A task that was started to make or undo a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRun {
    /// When.
    pub at: Timestamp,
    /// For which deployment.
    pub deployment: DeploymentId,
    /// Which change.
    pub change: ChangeId,
    /// Which way.
    pub direction: Direction,
    /// What exactly was executed, of a change that was proposed.
    pub artifact: Option<String>,
}

/// A setting from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingReading {
    /// When it was set.
    pub at: Timestamp,
    /// Which.
    pub name: String,
    /// Its value; nothing while it does not exist.
    pub value: Option<String>,
    /// Who set it.
    pub by: Writer,
}

/// A Step Functions execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionSeen {
    /// When it began.
    pub started: Timestamp,
    /// When it ended, however that was; absent while it runs.
    pub ended: Option<Timestamp>,
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// One of our functions.
    Tidegate,
    /// A person with a console, or another tool.
    Outside,
}

/// The weights of the listener rule from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightReading {
    /// When they were set.
    pub at: Timestamp,
    /// By name of the target group.
    pub weights: BTreeMap<String, u32>,
    /// Who set them.
    pub by: Writer,
}

/// An ECS service from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotReading {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub slot: Slot,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks that serve: healthy in the target group, or running where there is none.
    pub healthy: u32,
    /// Digests of the images of the tasks that serve; none for images of other registries.
    pub digests: BTreeSet<Digest>,
    /// ARN of the task definition that it is set to.
    pub task_definition: String,
}

/// A task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The image's digest, where it is named by digest.
    pub digest: Option<Digest>,
    /// Not deregistered.
    pub active: bool,
}

/// An alarm from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmReading {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub name: String,
    /// Whether it is in `ALARM`.
    pub firing: bool,
}

impl Record {
    /// The plan, where one was made.
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.deployment.plan.as_deref()
    }

    /// How its traffic moves.
    pub(super) fn traffic(&self) -> Option<Traffic> {
        self.plan().map(|plan| plan.traffic)
    }

    /// When something first happened.
    pub(super) fn first(&self, is: impl Fn(&Event) -> bool) -> Option<Timestamp> {
        self.journal
            .iter()
            .find(|entry| is(&entry.event))
            .map(|entry| entry.at)
    }

    pub(super) fn planned_at(&self) -> Option<Timestamp> {
        self.first(|event| matches!(event, Event::Planned { .. }))
    }

    pub(super) fn rollback_at(&self) -> Option<Timestamp> {
        self.first(|event| matches!(event, Event::RollbackStarted { .. }))
    }

    pub(super) fn exited_at(&self) -> Option<Timestamp> {
        self.first(|event| matches!(event, Event::Exited { .. }))
    }

    /// Entries after the first that fits, without it.
    pub(super) fn after(&self, is: impl Fn(&Event) -> bool) -> &[Entry] {
        self.journal
            .iter()
            .position(|entry| is(&entry.event))
            .and_then(|at| self.journal.get(at + 1..))
            .unwrap_or_default()
    }

    /// Whether it went on at an instant: asked for, and not ended.
    pub(super) fn active_at(&self, at: Timestamp) -> bool {
        self.deployment.requested_at <= at && self.exited_at().is_none_or(|end| at < end)
    }

    /// A line with its id in front.
    pub(super) fn says(&self, what: impl std::fmt::Display) -> String {
        format!("{}: {what}", self.deployment.id)
    }
}

/// A change of one target group's weight.
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) slot: Slot,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) by: Writer,
}

impl View {
    /// The deployment that went on at an instant.
    pub(super) fn active_at(&self, at: Timestamp) -> Option<&Record> {
        self.deployments.iter().rev().find(|record| record.active_at(at))
    }

    /// The last reading of a slot at an instant.
    pub(super) fn slot_at(&self, slot: Slot, at: Timestamp) -> Option<&SlotReading> {
        self.slots
            .iter()
            .rev()
            .find(|reading| reading.slot == slot && reading.at <= at)
    }

    /// The weights that held at an instant.
    pub(super) fn weights_at(&self, at: Timestamp) -> Option<&WeightReading> {
        self.weights.iter().rev().find(|reading| reading.at <= at)
    }

    /// The weight of a slot at an instant; nothing without a load balancer.
    pub(super) fn weight_at(&self, slot: Slot, at: Timestamp) -> Option<u32> {
        let group = self.groups.get(&slot)?;
        self.weights_at(at)?.weights.get(group).copied()
    }

    /// Whether an alarm was in `ALARM` at an instant; nothing where it did not exist.
    pub(super) fn alarm_at(&self, name: &str, at: Timestamp) -> Option<bool> {
        self.alarms
            .iter()
            .rev()
            .find(|reading| reading.name == name && reading.at <= at)
            .map(|reading| reading.firing)
    }

    /// Every change of a weight.
    pub(super) fn changes(&self) -> Vec<Change> {
        let mut found = Vec::new();
        for pair in self.weights.windows(2) {
            let [before, after] = pair else { continue };
            for (slot, group) in &self.groups {
                let of = |reading: &WeightReading| reading.weights.get(group).copied().unwrap_or(0);
                let (from, to) = (of(before), of(after));
                if from != to {
                    found.push(Change {
                        at: after.at,
                        slot: *slot,
                        from,
                        to,
                        by: after.by,
                    });
                }
            }
        }
        found
    }

    /// The weights of a forward action by the names that readings have: the second last part of an ARN.
    pub(super) fn named(forward: &Forward) -> BTreeMap<String, u32> {
        forward
            .target_groups
            .iter()
            .map(|(arn, weight)| (arn.rsplit('/').nth(1).unwrap_or(arn).to_owned(), *weight))
            .collect()
    }
}

/// Seconds from one instant to a later one.
pub(super) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}
