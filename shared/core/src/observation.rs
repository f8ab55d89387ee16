//! What a phase has read of the world. Only what AWS says, never what we meant.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::analysis::Samples;
use crate::ids::{Digest, Slot};
use crate::spec::SuiteName;
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
}

/// An ECS service and the targets behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotState {
    /// ARN of the task definition that the service is set to.
    pub task_definition: String,
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
    /// CloudWatch's `StateReason`.
    pub reason: String,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum SuiteRun {
    /// Not ended.
    Running,
    /// Ended with this exit code.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// 0 passes.
        exit_code: i32,
    },
    /// Stopped without an exit code (could not start, killed).
    Broken,
}

impl Observation {
    /// The alarms that are in `ALARM`.
    pub fn firing(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms
            .iter()
            .filter(|alarm| alarm.state == AlarmState::Alarm)
    }
}
