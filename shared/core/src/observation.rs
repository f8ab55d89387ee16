//! What a phase has read of the world. Only what AWS says, never what we meant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::analysis::Samples;
use crate::change::index::TableFound;
use crate::change::{Change, Proposed, Seen, SettingNow};
use crate::contract::Contracts;
use crate::cost::CostSeen;
use crate::deployment::{Deployment, Phase, Stage};
use crate::evidence::EvidenceSeen;
use crate::http::{HttpMoment, HttpTry};
use crate::ids::{ChangeId, Digest, Slot};
use crate::permissions;
use crate::phases::later;
use crate::security::SecuritySeen;
use crate::spec::SuiteName;
use crate::suite::SuiteAnswer;
use crate::wiring::Forward;

/// One reading of the world. Parts that a phase does not need are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// ECS services by slot; a slot whose service does not exist is absent.
    pub slots: BTreeMap<Slot, SlotState>,
    /// The forward action of the listener rule.
    pub forward: Option<Forward>,
    /// The watched alarms.
    pub alarms: Vec<Alarm>,
    /// The image of the revision, as ECR has it.
    pub image: Option<ImageState>,
    /// The image of the stable revision.
    pub stable_image: Option<ImageState>,
    /// The task definition that this deployment registered, found by its tag.
    pub registered_task_definition: Option<String>,
    /// Samples of each slot, oldest first.
    pub samples: BTreeMap<Slot, Vec<Samples>>,
    /// Suites that were started for this deployment.
    pub suites: BTreeMap<SuiteName, SuiteRun>,
    /// Suites whose task definition does not exist.
    pub unknown_suites: Vec<SuiteName>,
    /// What functions that are suites have answered just now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suite_answers: BTreeMap<SuiteName, SuiteAnswer>,
    /// Suites whose function does not exist, or can't be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_functions: Vec<String>,
    /// HTTP tests that were tried just now, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub http: BTreeMap<String, HttpTry>,
    /// What concerns the security of the service, where the file asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<SecuritySeen>,
    /// Tasks as far as they cost something, where the file asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostSeen>,
    /// What is known of the image, where the file asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceSeen>,
    /// How the variables that the file sets stand in each slot's task definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub container: BTreeMap<Slot, BTreeMap<String, SettingNow>>,
    /// What has a name that the deployment will use, and was not made by Tidegate: `dashboard web-production`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<String>,
    /// Log groups that the application's container writes to, where the file says how long lines are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_groups: Vec<String>,
    /// Why the flags of the file can't be set, where the file has some and they can't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_flags: Option<String>,
    /// Tables of DynamoDB whose indexes the file changes, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableFound>,
    /// What must be known to say which permissions the functions need, where the file asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<permissions::Known>,
    /// What is known of the target's contracts.
    #[serde(default, skip_serializing_if = "Contracts::is_empty")]
    pub contracts: Contracts,
    /// Changes that are being made or undone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<ChangeId, Seen>,
    /// What changes would do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proposals: BTreeMap<ChangeId, Proposed>,
}

/// An ECS service and the targets behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotState {
    /// ARN of the task definition that the service is set to.
    pub task_definition: String,
    /// Whether that task definition is `INACTIVE`: a service that is on another can't be set to it.
    #[serde(default)]
    pub inactive: bool,
    /// Digest of the image in it; absent where the image is named by tag.
    pub digest: Option<Digest>,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks running.
    pub running: u32,
    /// Healthy targets in the slot's target group, or running tasks without a load balancer.
    pub healthy: u32,
    /// How ECS's own deployment of this service stands.
    pub rollout: Rollout,
    /// Whether the slot's target group has the health check that the file asks for.
    pub health_check_matches: bool,
}

/// `rolloutState` of the service's primary deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "reason")]
pub enum Rollout {
    /// `COMPLETED`.
    Completed,
    /// `IN_PROGRESS`.
    InProgress,
    /// `FAILED`: the circuit breaker opened.
    Failed(String),
}

/// A CloudWatch alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// What CloudWatch says of it.
    pub state: AlarmState,
    /// CloudWatch's `StateReason`; of an alarm that has cleared, the reason for which it fired.
    pub reason: String,
    /// When it last went to `ALARM` since the deployment was planned. Said of an alarm that has
    /// cleared again too: its event may be lost, and it fired all the same (invariant 8).
    pub fired_at: Option<Timestamp>,
}

/// The state of an alarm, with AWS's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmState {
    /// Within its threshold.
    #[serde(rename = "OK")]
    Ok,
    /// Beyond its threshold.
    #[serde(rename = "ALARM")]
    Alarm,
    /// Just made, or without data.
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
    /// It does not exist, or could not be read.
    #[serde(rename = "UNREADABLE")]
    Unreadable,
}

/// What ECR says of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum ImageState {
    /// It is there.
    Found {
        /// `repository_uri@digest`, what a task definition takes.
        uri: String,
        /// When it was pushed.
        pushed_at: Timestamp,
    },
    /// It is not, or its repository is not.
    Missing,
}

/// One run of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum SuiteRun {
    /// Not ended.
    Running {
        /// The last lines that it wrote, where its time is over.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// Ended with this exit code.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// 0 passes.
        exit_code: i32,
        /// The last lines that it wrote, where it did not pass.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// Stopped without an exit code (could not start, killed).
    Broken {
        /// Why, as ECS says.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
}

impl SuiteRun {
    /// Not ended, with nothing read of what it wrote.
    pub const fn running() -> Self {
        let log = Vec::new();
        Self::Running { log }
    }

    /// Ended, with nothing read of what it wrote.
    pub const fn ended(exit_code: i32) -> Self {
        let log = Vec::new();
        Self::Ended { exit_code, log }
    }

    /// Stopped without an exit code, and nothing is said of it.
    pub const fn broken() -> Self {
        let log = Vec::new();
        Self::Broken { log }
    }
}

impl Alarm {
    /// Whether it is in `ALARM`, or was since the deployment was planned.
    pub fn fired(&self) -> bool {
        self.state == AlarmState::Alarm || self.fired_at.is_some()
    }
}

/// ALB metrics of a minute are complete about this long after it (seconds). A window is assessed
/// only then; before, it would look as if requests were missing.
pub const METRICS_LAG_SECONDS: i64 = 60;

/// What a deployment, as it stands, makes a phase read. While nothing was done to the world, an
/// observation serves for every question that it covers: recording an event changes nothing on AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Whether there is a plan that says where to look.
    planned: bool,
    /// Whether alarms are watched.
    alarms: bool,
    /// Since when alarms count.
    alarms_since: Option<Timestamp>,
    /// Samples from here on, where a window of the bake or of validate can be assessed by now.
    samples_from: Option<Timestamp>,
    /// Suites that run.
    suites: BTreeSet<SuiteName>,
    /// Whether security is to be looked at.
    security: bool,
    /// Whether what runs is to be priced.
    cost: bool,
    /// HTTP tests that are due, each with the number of the try.
    http: BTreeMap<String, u32>,
    /// Whether the task definition that this deployment registered is still to be found.
    registered: bool,
    /// The change that is to be made next.
    change: Option<Change>,
    /// The change of which it is to be known what it would do.
    proposal: Option<Change>,
}

impl Question {
    /// What is to be read at `now`.
    pub fn of(deployment: &Deployment, now: Timestamp) -> Self {
        let shift = &deployment.shift;
        let readable = later(now, -METRICS_LAG_SECONDS);
        let baking = shift.stage == Stage::Baking && shift.bake.checked_until.is_none_or(|at| at < readable);
        let proposal = deployment.change_to_propose(deployment.phase).cloned();
        // What runs as a function can't be looked at: its answer comes to who called it.
        let running = |suite: &&SuiteName| {
            !deployment.suites.contains_key(*suite) && !deployment.spec.suite_functions.contains_key(*suite)
        };
        Self {
            planned: deployment.plan.is_some(),
            alarms: true,
            alarms_since: deployment.planned_at,
            // Comparing needs every sample of the step, not only those of the last window.
            samples_from: match deployment.performance_window(now) {
                Some((from, _)) => Some(from),
                None => baking.then_some(shift.since),
            },
            suites: deployment
                .suites_started
                .keys()
                .filter(running)
                .cloned()
                .collect(),
            security: !deployment.spec.validate.security.is_empty()
                && deployment.security.is_none()
                && deployment.http_moment().is_some(),
            cost: deployment.spec.cost.is_some()
                && deployment.cost.is_none()
                && deployment.http_moment() == Some(HttpMoment::AfterShift),
            http: due(deployment, now),
            registered: deployment.revision.task_definition.is_none(),
            // What is not known yet is not made yet.
            change: match &proposal {
                Some(_) => None,
                None => deployment.change_to_make(deployment.phase).cloned(),
            },
            proposal,
        }
    }

    /// What is to be read to undo what a phase changed.
    pub fn undo(deployment: &Deployment, phase: Phase) -> Self {
        Self {
            planned: true,
            alarms: false,
            alarms_since: None,
            samples_from: None,
            suites: BTreeSet::new(),
            security: false,
            cost: false,
            http: BTreeMap::new(),
            registered: false,
            change: deployment.change_to_undo(phase).cloned(),
            proposal: None,
        }
    }

    /// Samples from this instant on are needed.
    pub const fn samples_from(&self) -> Option<Timestamp> {
        self.samples_from
    }

    /// Whether security is to be looked at.
    pub const fn security(&self) -> bool {
        self.security
    }

    /// Whether what runs is to be priced.
    pub const fn cost(&self) -> bool {
        self.cost
    }

    /// HTTP tests to try, each with the number of the try.
    pub const fn http(&self) -> &BTreeMap<String, u32> {
        &self.http
    }

    /// Whether the watched alarms are needed: on the way back they say nothing any more.
    pub const fn alarms(&self) -> bool {
        self.alarms
    }

    /// The change whose progress is needed.
    pub const fn change(&self) -> Option<&Change> {
        self.change.as_ref()
    }

    /// The change of which it is to be known what it would do.
    pub const fn proposal(&self) -> Option<&Change> {
        self.proposal.as_ref()
    }

    /// Whether an answer to this question is one to the `other` too.
    pub fn covers(&self, other: &Self) -> bool {
        self.planned == other.planned
            && (self.alarms || !other.alarms)
            && self.alarms_since == other.alarms_since
            && (other.samples_from.is_none() || self.samples_from == other.samples_from)
            && self.suites.is_superset(&other.suites)
            && other
                .http
                .iter()
                .all(|due| self.http.get_key_value(due.0) == Some(due))
            && (self.security || !other.security)
            && (self.cost || !other.cost)
            && (self.registered || !other.registered)
            && (other.change.is_none() || self.change == other.change)
            && (other.proposal.is_none() || self.proposal == other.proposal)
    }
}

/// HTTP tests of now that may be tried.
fn due(deployment: &Deployment, now: Timestamp) -> BTreeMap<String, u32> {
    let Some(moment) = deployment.http_moment() else {
        return BTreeMap::new();
    };
    let tests = deployment.http_tests(moment);
    let due = tests.filter_map(|test| {
        let (number, from) = deployment.http_next(test)?;
        (from <= now).then(|| (test.name.clone(), number))
    });
    due.collect()
}

impl Observation {
    /// The alarms that are in `ALARM`, or were since the deployment was planned.
    pub fn firing(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter().filter(|alarm| alarm.fired())
    }
}

#[cfg(test)]
#[path = "observation_tests.rs"]
mod tests;
