//! What SNS filter policies can ask for.

use std::collections::BTreeMap;

use super::marks::phase_at;
use super::{MessageId, Severity};
use crate::deployment::Deployment;
use crate::event::Event;
use crate::journal::Entry;

/// The attributes of a message about `entry`.
pub(super) fn of(deployment: &Deployment, entry: &Entry, severity: Severity) -> BTreeMap<String, String> {
    let exit_state = if let Event::Exited { exit } = &entry.event {
        Some(exit.state.as_str())
    } else {
        None
    };
    let id = MessageId::of(entry);
    [
        ("messageId", Some(id.as_str())),
        ("service", Some(deployment.target.service.as_str())),
        ("environment", Some(deployment.target.environment.as_str())),
        ("deployment", Some(deployment.id.as_str())),
        ("event", Some(name(&entry.event))),
        ("phase", Some(phase_at(deployment, entry).as_str())),
        ("exitState", exit_state),
        ("severity", Some(severity.as_str())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
    .collect()
}

/// The event's name, as the journal's JSON has it.
const fn name(event: &Event) -> &'static str {
    match event {
        Event::DeploymentRequested { .. } => "deploymentRequested",
        Event::PhaseEntered { .. } => "phaseEntered",
        Event::Waiting { .. } => "waiting",
        Event::Planned { .. } => "planned",
        Event::GateOpened { .. } => "gateOpened",
        Event::Decided { .. } => "decided",
        Event::GatePassed { .. } => "gatePassed",
        Event::TaskDefinitionRegistered { .. } => "taskDefinitionRegistered",
        Event::ScalingStarted { .. } => "scalingStarted",
        Event::TestingStarted { .. } => "testingStarted",
        Event::SuiteStarted { .. } => "suiteStarted",
        Event::SuiteCalled { .. } => "suiteCalled",
        Event::SuiteNotRun { .. } => "suiteNotRun",
        Event::SuiteOverdue { .. } => "suiteOverdue",
        Event::SuiteAnswered { .. } => "suiteAnswered",
        Event::SuiteEnded { .. } => "suiteEnded",
        Event::HttpTested { .. } => "httpTested",
        Event::PerformanceMeasured { .. } => "performanceMeasured",
        Event::SecurityChecked { .. } => "securityChecked",
        Event::CostChecked { .. } => "costChecked",
        Event::WeightDecided { .. } => "weightDecided",
        Event::WeightReached { .. } => "weightReached",
        Event::Checked { .. } => "checked",
        Event::ShiftDone => "shiftDone",
        Event::AbortRequested { .. } => "abortRequested",
        Event::RollbackStarted { .. } => "rollbackStarted",
        Event::ForwardActionRestored { .. } => "forwardActionRestored",
        Event::TrafficReturned { .. } => "trafficReturned",
        Event::TrafficReasserted => "trafficReasserted",
        Event::CandidateScaledIn => "candidateScaledIn",
        Event::StableBakeStarted { .. } => "stableBakeStarted",
        Event::StableBaked { .. } => "stableBaked",
        Event::ChangeProposed { .. } => "changeProposed",
        Event::ChangeStarted { .. } => "changeStarted",
        Event::PersonNeeded { .. } => "personNeeded",
        Event::ChangeMade { .. } => "changeMade",
        Event::ChangeFailed { .. } => "changeFailed",
        Event::UndoStarted { .. } => "undoStarted",
        Event::ChangeUndone { .. } => "changeUndone",
        Event::ChangeHeld { .. } => "changeHeld",
        Event::ChangesTakenOver { .. } => "changesTakenOver",
        Event::TestAlarmHeard { .. } => "testAlarmHeard",
        Event::WatchAlarmed { .. } => "watchAlarmed",
        Event::WatchEnded { .. } => "watchEnded",
        Event::CostCompared { .. } => "costCompared",
        Event::ContractScheduled { .. } => "contractScheduled",
        Event::ContractDropped { .. } => "contractDropped",
        Event::Exited { .. } => "exited",
    }
}
