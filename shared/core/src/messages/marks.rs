//! Where the phases stand: ✅ done, ⏳ underway, ❌ failed, · not begun.

use crate::deployment::{Deployment, Kind, Phase, Stage};
use crate::event::Event;
use crate::exit::ExitState;
use crate::ids::Weight;
use crate::journal::Entry;
use crate::spec::GatePhase;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Done,
    Underway,
    Failed,
    NotBegun,
}

impl Mark {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Done => "✅",
            Self::Underway => "⏳",
            Self::Failed => "❌",
            Self::NotBegun => "·",
        }
    }
}

/// All phases on one line, the way back only where there is one.
pub(super) fn line(deployment: &Deployment, entry: &Entry) -> String {
    let (forward, rollback) = stand(deployment, entry);
    let reached = forward_phase(deployment, entry);
    let mark = |phase: Phase| match phase.cmp(&reached) {
        _ if forward == Mark::Done => Mark::Done,
        std::cmp::Ordering::Less => Mark::Done,
        std::cmp::Ordering::Equal => forward,
        std::cmp::Ordering::Greater => Mark::NotBegun,
    };
    let phases = match deployment.kind {
        Kind::Forward | Kind::Contract { .. } => {
            deployment.phases().map(|phase| (phase, mark(phase))).collect()
        }
        // A reversal goes nowhere but back.
        Kind::Reversal { .. } => Vec::new(),
    };
    phases
        .into_iter()
        .chain(rollback.map(|mark| (Phase::Rollback, mark)))
        .map(|(phase, mark)| format!("{} {}", mark.symbol(), title(phase)))
        .collect::<Vec<_>>()
        .join("  ")
}

/// A change that is undone belongs to the way back.
const fn forward_mark(deployment: &Deployment) -> Mark {
    match deployment.rollback {
        Some(_) => Mark::Failed,
        None => Mark::Underway,
    }
}

const fn title(phase: Phase) -> &'static str {
    match phase {
        Phase::Plan => "Plan",
        Phase::Prepare => "Prepare",
        Phase::Migrate => "Migrate",
        Phase::Infrastructure => "Infrastructure",
        Phase::Configure => "Configure",
        Phase::Monitoring => "Monitoring",
        Phase::Shift => "Shift",
        Phase::Validate => "Validate",
        Phase::Complete => "Complete",
        Phase::Rollback => "Rollback",
    }
}

/// How the phase that was reached stands, and how the rollback does, if there is one.
fn stand(deployment: &Deployment, entry: &Entry) -> (Mark, Option<Mark>) {
    let reversal = deployment.kind.is_reversal();
    let back = |mark| (deployment.rollback.is_some() || reversal).then_some(mark);
    match &entry.event {
        Event::Exited { exit } => match exit.state {
            ExitState::Completed => (Mark::Done, None),
            ExitState::Blocked => (Mark::Failed, back(Mark::Failed)),
            ExitState::Aborted | ExitState::RolledBack => (Mark::Failed, back(Mark::Done)),
            ExitState::RollbackFailed => (Mark::Failed, Some(Mark::Failed)),
        },
        Event::WatchAlarmed { .. }
        | Event::WatchEnded { .. }
        | Event::CostCompared { .. }
        | Event::ContractScheduled { .. }
        | Event::ContractDropped { .. } => (Mark::Done, None),
        Event::RollbackStarted { .. }
        | Event::ForwardActionRestored { .. }
        | Event::TrafficReturned { .. }
        | Event::TrafficReasserted
        | Event::CandidateScaledIn
        | Event::StableBakeStarted { .. }
        | Event::StableBaked { .. } => (Mark::Failed, Some(Mark::Underway)),
        Event::AbortRequested { .. } => (Mark::Failed, back(Mark::Underway)),
        Event::DeploymentRequested { .. }
        | Event::PhaseEntered { .. }
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
        | Event::WeightDecided { .. }
        | Event::WeightReached { .. }
        | Event::Checked { .. }
        | Event::ShiftDone => (Mark::Underway, back(Mark::Underway)),
        Event::ChangeProposed { .. }
        | Event::ChangeStarted { .. }
        | Event::TestAlarmHeard { .. }
        | Event::PersonNeeded { .. }
        | Event::ChangeMade { .. }
        | Event::ChangeFailed { .. }
        | Event::UndoStarted { .. }
        | Event::ChangeUndone { .. }
        | Event::ChangeHeld { .. }
        | Event::ChangesTakenOver { .. } => (forward_mark(deployment), back(Mark::Underway)),
    }
}

/// The phase that an entry belongs to: its own where it names one, so that a fold which has gone on
/// meanwhile does not change it.
pub(super) fn phase_at(deployment: &Deployment, entry: &Entry) -> Phase {
    match &entry.event {
        Event::PhaseEntered { phase } => *phase,
        Event::GateOpened { before, .. } | Event::Decided { before, .. } | Event::GatePassed { before } => {
            gated(*before)
        }
        Event::DeploymentRequested { .. } | Event::Planned { .. } => Phase::Plan,
        Event::WatchAlarmed { .. }
        | Event::WatchEnded { .. }
        | Event::CostCompared { .. }
        | Event::ContractScheduled { .. }
        | Event::ContractDropped { .. } => Phase::Complete,
        Event::ScalingStarted { .. }
        | Event::TestingStarted { .. }
        | Event::WeightDecided { .. }
        | Event::WeightReached { .. }
        | Event::Checked { .. }
        | Event::ShiftDone => Phase::Shift,
        Event::RollbackStarted { .. }
        | Event::ForwardActionRestored { .. }
        | Event::TrafficReturned { .. }
        | Event::TrafficReasserted
        | Event::CandidateScaledIn
        | Event::StableBakeStarted { .. }
        | Event::StableBaked { .. } => Phase::Rollback,
        Event::Waiting { .. }
        | Event::TaskDefinitionRegistered { .. }
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
        | Event::AbortRequested { .. }
        | Event::ChangeProposed { .. }
        | Event::ChangeStarted { .. }
        | Event::TestAlarmHeard { .. }
        | Event::PersonNeeded { .. }
        | Event::ChangeMade { .. }
        | Event::ChangeFailed { .. }
        | Event::UndoStarted { .. }
        | Event::ChangeUndone { .. }
        | Event::ChangeHeld { .. }
        | Event::ChangesTakenOver { .. }
        | Event::Exited { .. } => deployment.phase,
    }
}

const fn gated(before: GatePhase) -> Phase {
    match before {
        GatePhase::Prepare => Phase::Prepare,
        GatePhase::Migrate | GatePhase::Contract => Phase::Migrate,
        GatePhase::Infrastructure => Phase::Infrastructure,
        GatePhase::Configure => Phase::Configure,
        GatePhase::Shift => Phase::Shift,
        GatePhase::Validate => Phase::Validate,
        GatePhase::Complete => Phase::Complete,
    }
}

/// The last forward phase that began. Once the way back has begun the fold no longer says which that
/// was, so it is read off what that phase left behind.
fn forward_phase(deployment: &Deployment, entry: &Entry) -> Phase {
    let phase = phase_at(deployment, entry);
    if phase != Phase::Rollback {
        return phase;
    }
    let shift = &deployment.shift;
    if deployment.gates.contains_key(&GatePhase::Complete) {
        Phase::Complete
    } else if shift.stage == Stage::Done {
        Phase::Validate
    } else if deployment.peak_weight > Weight::ZERO
        || shift.since > deployment.requested_at
        || deployment.gates.contains_key(&GatePhase::Shift)
    {
        Phase::Shift
    } else if deployment.plan.is_some() {
        deployment.last_changing().unwrap_or(Phase::Prepare)
    } else {
        Phase::Plan
    }
}
