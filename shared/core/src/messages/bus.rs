//! Events for other systems, on EventBridge.

use serde::Serialize;
use serde_json::{Value, json};

use super::MessageId;
use super::text::clean;
use crate::deployment::{Deployment, Phase};
use crate::event::Event;
use crate::exit::ExitState;
use crate::journal::Entry;

/// `Source` of every event that Tidegate puts on a bus.
pub const BUS_SOURCE: &str = "tidegate";

/// `DetailType`. Rules match on these words, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum DetailType {
    /// The candidate has all the traffic and the last step is done.
    #[serde(rename = "Deployment executed")]
    DeploymentExecuted,
    /// The validate phase begins: others may look at it now, too.
    #[serde(rename = "Ready for validation")]
    ReadyForValidation,
    /// Exit state `Completed`.
    #[serde(rename = "Deployment Completed")]
    Completed,
    /// Exit state `Blocked`.
    #[serde(rename = "Deployment Blocked")]
    Blocked,
    /// Exit state `Aborted`.
    #[serde(rename = "Deployment Aborted")]
    Aborted,
    /// Exit state `RolledBack`.
    #[serde(rename = "Deployment Rolled Back")]
    RolledBack,
    /// Exit state `RollbackFailed`.
    #[serde(rename = "Deployment Rollback Failed")]
    RollbackFailed,
}

impl DetailType {
    /// The words that rules match on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeploymentExecuted => "Deployment executed",
            Self::ReadyForValidation => "Ready for validation",
            Self::Completed => "Deployment Completed",
            Self::Blocked => "Deployment Blocked",
            Self::Aborted => "Deployment Aborted",
            Self::RolledBack => "Deployment Rolled Back",
            Self::RollbackFailed => "Deployment Rollback Failed",
        }
    }
}

impl From<ExitState> for DetailType {
    fn from(state: ExitState) -> Self {
        match state {
            ExitState::Completed => Self::Completed,
            ExitState::Blocked => Self::Blocked,
            ExitState::Aborted => Self::Aborted,
            ExitState::RolledBack => Self::RolledBack,
            ExitState::RollbackFailed => Self::RollbackFailed,
        }
    }
}

/// One entry for `PutEvents`, under [`BUS_SOURCE`].
#[derive(Debug, Clone, PartialEq)]
pub struct BusEvent {
    /// The id to dedupe on; it is in `detail` too.
    pub id: MessageId,
    /// `DetailType`.
    pub detail_type: DetailType,
    /// `Detail`: `deployment`, `service`, `environment`, `digest`, `tag` (null where there is none),
    /// `reason`, `at` and `messageId`; of a deployment that makes a contract also `contract`.
    pub detail: Value,
}

/// The event that an entry gives, if any.
pub(super) fn event(deployment: &Deployment, entry: &Entry) -> Option<BusEvent> {
    let (detail_type, reason) = signal(deployment, &entry.event)?;
    let id = MessageId::of(entry);
    let mut detail = json!({
        "deployment": deployment.id,
        "service": deployment.target.service,
        "environment": deployment.target.environment,
        "digest": deployment.revision.digest,
        "tag": deployment.revision.tag,
        "reason": clean(&reason),
        "at": entry.at,
        "messageId": id,
    });
    if let Some(title) = deployment.contract_title() {
        detail["contract"] = json!(clean(&title));
    }
    Some(BusEvent {
        id,
        detail_type,
        detail,
    })
}

fn signal(deployment: &Deployment, event: &Event) -> Option<(DetailType, String)> {
    match event {
        Event::ShiftDone => {
            let reason = format!("{} has all the traffic", deployment.revision.label());
            Some((DetailType::DeploymentExecuted, reason))
        }
        Event::PhaseEntered {
            phase: Phase::Validate,
        } => {
            let reason = format!("{} can be validated", deployment.revision.label());
            Some((DetailType::ReadyForValidation, reason))
        }
        Event::Exited { exit } => Some((exit.state.into(), exit.reason.clone())),
        Event::PhaseEntered {
            phase:
                Phase::Plan
                | Phase::Prepare
                | Phase::Migrate
                | Phase::Infrastructure
                | Phase::Configure
                | Phase::Monitoring
                | Phase::Shift
                | Phase::Complete
                | Phase::Rollback,
        }
        | Event::DeploymentRequested { .. }
        | Event::Waiting { .. }
        | Event::Planned { .. }
        | Event::GateOpened { .. }
        | Event::Decided { .. }
        | Event::GatePassed { .. }
        | Event::TaskDefinitionRegistered { .. }
        | Event::ScalingStarted { .. }
        | Event::TestingStarted { .. }
        | Event::SuiteStarted { .. }
        | Event::SuiteCalled { .. }
        | Event::SuiteNotRun { .. }
        | Event::SuiteOverdue { .. }
        | Event::SuiteAnswered { .. }
        | Event::SuiteEnded { .. }
        | Event::HttpTested { .. }
        | Event::PerformanceMeasured { .. }
        | Event::SecurityChecked { .. }
        | Event::CostChecked { .. }
        | Event::CostCompared { .. }
        | Event::WatchAlarmed { .. }
        | Event::WatchEnded { .. }
        | Event::ContractScheduled { .. }
        | Event::ContractDropped { .. }
        | Event::WeightDecided { .. }
        | Event::WeightReached { .. }
        | Event::Checked { .. }
        | Event::AbortRequested { .. }
        | Event::RollbackStarted { .. }
        | Event::ForwardActionRestored { .. }
        | Event::TrafficReturned { .. }
        | Event::TrafficReasserted
        | Event::CandidateScaledIn
        | Event::StableBakeStarted { .. }
        | Event::StableBaked { .. }
        | Event::ChangeProposed { .. }
        | Event::ChangeStarted { .. }
        | Event::TestAlarmHeard { .. }
        | Event::PersonNeeded { .. }
        | Event::ChangeMade { .. }
        | Event::ChangeFailed { .. }
        | Event::UndoStarted { .. }
        | Event::ChangeUndone { .. }
        | Event::ChangeHeld { .. }
        | Event::ChangesTakenOver { .. } => None,
    }
}
