//! The decisions that there are: kinds of entries, reasons to stop, and what becomes of each kind of change.

use tidegate_core::change::{Change, Work};
use tidegate_core::event::Event;
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::ChangeId;

/// Kinds of journal entries.
pub(crate) const EVENTS: [&str; 48] = [
    "DeploymentRequested",
    "PhaseEntered",
    "Waiting",
    "Planned",
    "GateOpened",
    "Decided",
    "GatePassed",
    "TaskDefinitionRegistered",
    "ScalingStarted",
    "TestingStarted",
    "SuiteStarted",
    "SuiteEnded",
    "WeightDecided",
    "WeightReached",
    "Checked",
    "ShiftDone",
    "AbortRequested",
    "RollbackStarted",
    "ForwardActionRestored",
    "TrafficReturned",
    "TrafficReasserted",
    "CandidateScaledIn",
    "Exited",
    "ChangeStarted",
    "ChangeMade",
    "ChangeFailed",
    "UndoStarted",
    "ChangeUndone",
    "ChangeHeld",
    "ChangesTakenOver",
    "ChangeProposed",
    "HttpTested",
    "PerformanceMeasured",
    "TestAlarmHeard",
    "WatchAlarmed",
    "WatchEnded",
    "SecurityChecked",
    "SuiteCalled",
    "SuiteNotRun",
    "SuiteAnswered",
    "CostChecked",
    "CostCompared",
    "ContractScheduled",
    "ContractDropped",
    "StableBakeStarted",
    "StableBaked",
    "SuiteOverdue",
    "PersonNeeded",
];

/// Reasons to stop.
pub(crate) const CAUSES: [&str; 15] = [
    "AlarmRaised",
    "AskedFor",
    "Superseded",
    "Rejected",
    "ApprovalExpired",
    "AnalysisFailed",
    "AnalysisInconclusive",
    "ConditionMet",
    "CandidateUnhealthy",
    "SuiteFailed",
    "ChangedOutside",
    "PhaseFailed",
    "TimedOut",
    "ChangeFailed",
    "NotApplied",
];

/// The number of a reason.
pub(crate) const fn cause_number(cause: &AbortCause) -> u32 {
    match cause {
        AbortCause::AlarmRaised { .. } => 0,
        AbortCause::AskedFor { .. } => 1,
        AbortCause::Superseded { .. } => 2,
        AbortCause::Rejected { .. } => 3,
        AbortCause::ApprovalExpired { .. } => 4,
        AbortCause::AnalysisFailed { .. } => 5,
        AbortCause::AnalysisInconclusive { .. } => 6,
        AbortCause::ConditionMet { .. } => 7,
        AbortCause::CandidateUnhealthy { .. } => 8,
        AbortCause::SuiteFailed { .. } => 9,
        AbortCause::ChangedOutside { .. } => 10,
        AbortCause::PhaseFailed { .. } => 11,
        AbortCause::TimedOut => 12,
        AbortCause::ChangeFailed { .. } => 13,
        AbortCause::NotApplied { .. } => 14,
    }
}

/// The number of a kind of entry.
pub(crate) const fn number(event: &Event) -> u32 {
    match event {
        Event::DeploymentRequested { .. } => 0,
        Event::PhaseEntered { .. } => 1,
        Event::Waiting { .. } => 2,
        Event::Planned { .. } => 3,
        Event::GateOpened { .. } => 4,
        Event::Decided { .. } => 5,
        Event::GatePassed { .. } => 6,
        Event::TaskDefinitionRegistered { .. } => 7,
        Event::ScalingStarted { .. } => 8,
        Event::TestingStarted { .. } => 9,
        Event::SuiteStarted { .. } => 10,
        Event::SuiteEnded { .. } => 11,
        Event::WeightDecided { .. } => 12,
        Event::WeightReached { .. } => 13,
        Event::Checked { .. } => 14,
        Event::ShiftDone => 15,
        Event::AbortRequested { .. } => 16,
        Event::RollbackStarted { .. } => 17,
        Event::ForwardActionRestored { .. } => 18,
        Event::TrafficReturned { .. } => 19,
        Event::TrafficReasserted => 20,
        Event::CandidateScaledIn => 21,
        Event::Exited { .. } => 22,
        Event::ChangeStarted { .. } => 23,
        Event::ChangeMade { .. } => 24,
        Event::ChangeFailed { .. } => 25,
        Event::UndoStarted { .. } => 26,
        Event::ChangeUndone { .. } => 27,
        Event::ChangeHeld { .. } => 28,
        Event::ChangesTakenOver { .. } => 29,
        Event::ChangeProposed { .. } => 30,
        Event::HttpTested { .. } => 31,
        Event::PerformanceMeasured { .. } => 32,
        Event::TestAlarmHeard { .. } => 33,
        Event::WatchAlarmed { .. } => 34,
        Event::WatchEnded { .. } => 35,
        Event::SecurityChecked { .. } => 36,
        Event::SuiteCalled { .. } => 37,
        Event::SuiteNotRun { .. } => 38,
        Event::SuiteAnswered { .. } => 39,
        Event::CostChecked { .. } => 40,
        Event::CostCompared { .. } => 41,
        Event::ContractScheduled { .. } => 42,
        Event::ContractDropped { .. } => 43,
        Event::StableBakeStarted { .. } => 44,
        Event::StableBaked { .. } => 45,
        Event::SuiteOverdue { .. } => 46,
        Event::PersonNeeded { .. } => 47,
    }
}

/// Entries that no run writes, by number, each with the reason.
pub(crate) const UNPLAYED: [(usize, &str); 4] = [(41, BILL), (44, BAKE), (45, BAKE), (46, SUITE)];

/// What becomes of no change in any run: kind, fate and the reason.
pub(crate) const SPARED_FATES: [(usize, usize, &str); 1] = [(
    12,
    3,
    "deleting an alarm is one call, and no outage here is as long as the time for it",
)];

const BILL: &str = "the bill comes after the watch and changes nothing of the target: the scenarios and the faults \
                    at the wire play it";

const BAKE: &str =
    "no file here has `autoRollback.bake`, which begins when all traffic is back and every change undone";

const SUITE: &str = "every suite here ends within its time; one that does not is stopped as one that fails";

/// Kinds of changes, in the order of their numbers.
pub(crate) const WORKS: [&str; 13] = [
    "task",
    "look at what a person makes",
    "added index",
    "removed index",
    "backup",
    "suspended autoscaling",
    "parameter",
    "flags",
    "stack",
    "Terraform",
    "analysis",
    "watcher",
    "test alarm",
];

/// What becomes of a change, in the order of their numbers.
pub(crate) const FATES: [&str; 4] = ["made", "failed", "taken back", "held"];

/// Decisions about changes that are none: kind, fate, and why.
const NEVER: [(usize, usize); 10] = [
    // Nobody undoes a look, a backup or an analysis.
    (1, 2),
    (1, 3),
    (4, 2),
    (4, 3),
    (10, 2),
    (10, 3),
    // A look finds what differs until its time is over, and so does one whether autoscaling is suspended.
    (1, 1),
    (5, 1),
    // An analysis is heard or done without; neither is a failed change.
    (10, 1),
    // DynamoDB ends every deletion.
    (3, 2),
];

/// Every decision about changes, as a mask of [`fate_bit`]s.
pub(crate) const fn fates() -> u64 {
    let mut mask = (1 << (WORKS.len() * FATES.len())) - 1;
    let mut at = 0;
    while at < NEVER.len() {
        mask &= !fate_bit(NEVER[at].0, NEVER[at].1);
        at += 1;
    }
    mask
}

/// The bit of a kind of change and its fate.
pub(crate) const fn fate_bit(work: usize, fate: usize) -> u64 {
    1 << (work * FATES.len() + fate)
}

/// What an entry says of a change, by number; nothing where it is about something else.
pub(crate) fn fate(event: &Event) -> Option<(&ChangeId, usize)> {
    match event {
        Event::ChangeMade { id, .. } => Some((id, 0)),
        Event::ChangeFailed { id, .. } => Some((id, 1)),
        Event::ChangeUndone { id, .. } => Some((id, 2)),
        Event::ChangeHeld { id, .. } => Some((id, 3)),
        _ => None,
    }
}

/// The number of a kind of change.
pub(crate) const fn work_number(change: &Change) -> usize {
    match &change.work {
        Work::Run { .. } => 0,
        Work::Verify { .. } => 1,
        Work::Index { index, .. } => match index.removes() {
            false => 2,
            true => 3,
        },
        Work::Backup { .. } => 4,
        Work::SuspendScaling { .. } => 5,
        Work::SetParameter { .. } => 6,
        Work::SetFlags { .. } => 7,
        Work::Stack { .. } => 8,
        Work::Terraform { .. } => 9,
        Work::Analyze { .. } => 10,
        Work::Monitor { .. } => 11,
        Work::TestAlarm { .. } => 12,
    }
}
