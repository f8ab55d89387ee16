//! What the runs have hit, and what they have not.

use std::fmt;

use tidegate_core::event::Event;

use crate::function::OpName;
use crate::machine::{At, Lane};
use crate::script::FaultKind;

/// Kinds of journal entries.
const EVENTS: [&str; 24] = [
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
    "",
];

const STATES: [&str; 16] = [
    "Plan",
    "Prepare",
    "Shift",
    "Validate",
    "Complete",
    "Wait",
    "Gate",
    "Rolled out",
    "Roll back",
    "Record failure",
    "Return traffic",
    "Read back",
    "Restore",
    "Wait in the rollback",
    "the end",
    "",
];

const EXITS: [&str; 5] = ["Completed", "Blocked", "Aborted", "RolledBack", "RollbackFailed"];

const FAULTS: [&str; 6] = [
    "crash before",
    "crash after",
    "reply lost",
    "throttled",
    "pause",
    "skew",
];

/// What was hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covered {
    events: u32,
    states: u32,
    exits: [u64; 5],
    causes: u32,
    faults: [u64; 6],
}

impl Covered {
    /// Entries that were written.
    pub fn events(&mut self, events: &[Event]) {
        for event in events {
            self.events |= 1 << number(event);
            match event {
                Event::Exited { exit } => self.exits[exit.state as usize] += 1,
                Event::AbortRequested { cause } | Event::RollbackStarted { cause, .. } => {
                    self.causes |= 1 << cause_number(cause);
                }
                _ => {}
            }
        }
    }

    /// A state that was entered.
    pub const fn state(&mut self, at: &At) {
        use tidegate_core::deployment::Phase;
        use tidegate_core::phases::RollbackStep;
        let number = match at {
            At::Plan(_) => 0,
            At::Lanes(Lane::Call(phase, _), _) => match phase {
                Phase::Plan | Phase::Prepare => 1,
                Phase::Shift => 2,
                Phase::Validate => 3,
                Phase::Complete | Phase::Rollback => 4,
            },
            At::Lanes(Lane::Wait(..), _) => 5,
            At::Lanes(Lane::Gate(..), _) => 6,
            At::Lanes(Lane::Done, _) => 7,
            At::Child(_) => 8,
            At::Record(_) => 9,
            At::Back(RollbackStep::Traffic, _) => 10,
            At::Back(RollbackStep::Reassert, _) => 11,
            At::Back(RollbackStep::Restore | RollbackStep::Fail, _) => 12,
            At::BackWait(..) => 13,
            At::Over => 14,
        };
        self.states |= 1 << number;
    }

    /// A fault that happened at a call.
    pub fn fault(&mut self, kind: FaultKind, op: OpName) {
        let number = match kind {
            FaultKind::CrashBefore => 0,
            FaultKind::CrashAfter => 1,
            FaultKind::ReplyLost => 2,
            FaultKind::Throttled => 3,
            FaultKind::Pause { .. } => 4,
            FaultKind::Skew { .. } => 5,
        };
        self.faults[number] |= 1 << (op as u32);
    }

    /// Adds what another run has hit.
    pub fn add(&mut self, other: &Self) {
        self.events |= other.events;
        self.states |= other.states;
        self.causes |= other.causes;
        for (mine, theirs) in self.exits.iter_mut().zip(other.exits) {
            *mine += theirs;
        }
        for (mine, theirs) in self.faults.iter_mut().zip(other.faults) {
            *mine |= theirs;
        }
    }

    /// Deployments that ended.
    pub fn ended(&self) -> u64 {
        self.exits.iter().sum()
    }

    /// Kinds of calls at which a fault happened, and how many of them there could be.
    pub fn fault_points(&self) -> (u32, u32) {
        let hit = self.faults.iter().map(|mask| mask.count_ones()).sum();
        (hit, 6 * OpName::ALL.len() as u32)
    }

    /// Kinds of entries and states that were not hit.
    pub fn missed(&self) -> Vec<String> {
        let events = (0..23)
            .filter(|n| self.events & (1 << n) == 0)
            .map(|n| EVENTS[n].to_owned());
        // `Roll back` is entered as its child begins, without being announced.
        let states = (0..15)
            .filter(|n| *n != 8 && self.states & (1 << n) == 0)
            .map(|n| format!("state {}", STATES[n]));
        let causes = (0..CAUSES.len())
            .filter(|n| self.causes & (1 << n) == 0)
            .map(|n| format!("cause {}", CAUSES[n]));
        let faults = self.faults.iter().zip(FAULTS).flat_map(|(mask, fault)| {
            OpName::ALL
                .iter()
                .filter(move |op| mask & (1 << (**op as u32)) == 0)
                .map(move |op| format!("{fault} at {op:?}"))
        });
        events.chain(states).chain(causes).chain(faults).collect()
    }
}

const CAUSES: [&str; 13] = [
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
];

const fn cause_number(cause: &tidegate_core::exit::AbortCause) -> u32 {
    use tidegate_core::exit::AbortCause;
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
    }
}

const fn number(event: &Event) -> u32 {
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
    }
}

impl fmt::Display for Covered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of 23 kinds of entries, ", self.events.count_ones())?;
        write!(f, "{} of {} causes, ", self.causes.count_ones(), CAUSES.len())?;
        let (hit, all) = self.fault_points();
        write!(f, "{hit} of {all} fault points; ended")?;
        for (count, name) in self.exits.iter().zip(EXITS) {
            write!(f, " {name} {count}")?;
        }
        Ok(())
    }
}
