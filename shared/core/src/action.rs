//! What a decision asks of AWS. Every action is idempotent: it says how things shall be.
//!
//! Two interpreters exist, AWS and the simulated world; both match exhaustively.

use serde::{Deserialize, Serialize};

use crate::change::{Before, Change, Direction, Work};
use crate::ids::{DeploymentId, Slot};
use crate::spec::{ContainerConfiguration, HealthCheck, Resources, SuiteName};
use crate::suite::SuiteFunction;
use crate::wiring::Forward;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "action")]
pub enum Action {
    /// Register the candidate's task definition: a copy of `copy_of` with another image and sizes,
    /// tagged with the deployment, so that a second run finds it instead of registering again.
    #[serde(rename_all = "camelCase")]
    RegisterTaskDefinition {
        /// ARN to copy.
        copy_of: String,
        /// `repository@digest`.
        image: String,
        /// Sizes of the file.
        resources: Resources,
        /// What its application's container gets; all other variables stay.
        #[serde(default, skip_serializing_if = "ContainerConfiguration::is_empty")]
        container: ContainerConfiguration,
        /// Tag value.
        deployment: DeploymentId,
    },
    /// Set an ECS service.
    #[serde(rename_all = "camelCase")]
    UpdateService {
        /// Which.
        slot: Slot,
        /// Its task definition.
        task_definition: String,
        /// Tasks wanted.
        desired: u32,
        /// `healthCheckGracePeriodSeconds`, where the file says.
        grace_seconds: Option<u32>,
        /// ECS's deployment circuit breaker on, for a service that rolls by itself.
        circuit_breaker: bool,
    },
    /// Set only the number of tasks.
    #[serde(rename_all = "camelCase")]
    SetDesiredCount {
        /// Which.
        slot: Slot,
        /// Tasks wanted.
        desired: u32,
    },
    /// Set the health check of a slot's target group.
    #[serde(rename_all = "camelCase")]
    ConfigureHealthCheck {
        /// Which.
        slot: Slot,
        /// To what.
        health_check: HealthCheck,
    },
    /// Set the forward action of the listener rule.
    #[serde(rename_all = "camelCase")]
    SetTrafficWeight {
        /// The whole action, weights and stickiness.
        forward: Forward,
    },
    /// Start a test suite against a slot.
    #[serde(rename_all = "camelCase")]
    RunSuite {
        /// Which suite.
        suite: SuiteName,
        /// Against which slot.
        slot: Slot,
        /// `clientToken`, so that a second run starts nothing.
        client_token: String,
    },
    /// Call a suite that is a Lambda function, and wait for its answer. It was put on record together with this
    /// action, so that only one function of ours calls it.
    #[serde(rename_all = "camelCase")]
    CallSuite {
        /// Which suite.
        suite: SuiteName,
        /// Which function.
        function: SuiteFunction,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// Find out what a change of the plan would do, without doing it.
    #[serde(rename_all = "camelCase")]
    ProposeChange {
        /// Which.
        change: Box<Change>,
    },
    /// Make a change of the plan.
    #[serde(rename_all = "camelCase")]
    MakeChange {
        /// Which.
        change: Box<Change>,
        /// What was there before.
        before: Option<Before>,
    },
    /// Undo a change of the plan.
    #[serde(rename_all = "camelCase")]
    UndoChange {
        /// Which.
        change: Box<Change>,
        /// What was there before.
        before: Option<Before>,
    },
}

impl Action {
    /// Whether it may take most of a function's time, so that it is begun only while there is enough of it.
    pub fn takes_long(&self) -> bool {
        let analyzes = |change: &Change| matches!(change.work, Work::Analyze { .. });
        matches!(self, Self::CallSuite { .. }) || self.proposal().is_some_and(analyzes)
    }

    /// The change of which it finds out what it would do, where that is what it is about.
    pub fn proposal(&self) -> Option<&Change> {
        if let Self::ProposeChange { change } = self {
            Some(change)
        } else {
            None
        }
    }

    /// The change of the plan that it makes or undoes, and what was there before, where it is about one.
    pub fn change(&self) -> Option<(&Change, Direction, Option<&Before>)> {
        if let Self::MakeChange { change, before } = self {
            Some((change, Direction::Make, before.as_ref()))
        } else if let Self::UndoChange { change, before } = self {
            Some((change, Direction::Undo, before.as_ref()))
        } else {
            None
        }
    }
}
