//! What the runs have hit, and what they have not.

use std::fmt;

use tidegate_core::change::Change;
use tidegate_core::deployment::Phase;
use tidegate_core::event::Event;

use crate::decisions::{
    CAUSES, EVENTS, FATES, SPARED_FATES, UNPLAYED, WORKS, cause_number, fate, fate_bit, fates, number,
    work_number,
};
use crate::function::OpName;
use crate::machine::{At, Lane};
use crate::script::FaultKind;

const STATES: [&str; 17] = [
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
    "Make changes",
    "Undo changes",
    "the end",
];

/// The end, which is also where an execution is before it begins.
const OVER: usize = 16;

const fn to(states: &[u8]) -> u32 {
    let mut mask = 0;
    let mut at = 0;
    while at < states.len() {
        mask |= 1 << states[at];
        at += 1;
    }
    mask
}

/// Which state can follow each state, as the shipped files have them.
const TRANSITIONS: [u32; 17] = [
    to(&[1, 5, 8, 16]),
    to(&[2, 5, 6, 8, 14]),
    to(&[3, 5, 6, 8]),
    to(&[4, 5, 6, 8, 15]),
    to(&[6, 7, 8]),
    to(&[0, 1, 2, 3, 8, 14, 15]),
    to(&[1, 2, 3, 4, 8, 14]),
    to(&[8, 16]),
    to(&[9, 16]),
    to(&[16]),
    to(&[9, 13, 16]),
    to(&[9, 12, 13, 15, 16]),
    to(&[9, 13, 16]),
    to(&[10, 11, 12, 15]),
    to(&[2, 4, 5, 6, 8, 14]),
    to(&[4, 5, 8, 9, 12, 13, 15]),
    to(&[0, 10]),
];

/// Transitions that the shipped files have and no run takes, with the reason.
const SPARE: [(usize, usize, &str); 4] = [
    (0, 5, PLAN_WAITS),
    (5, 0, PLAN_WAITS),
    (
        7,
        8,
        "the last phase releases the handle before its lane ends: only a handle that could not be kept in \
         a rollout shorter than its attempts leads there",
    ),
    (
        11,
        16,
        "after it took the traffic, stable would have to stay without healthy tasks until the time for it \
         is over",
    ),
];

const PLAN_WAITS: &str = "a plan waits only for the scan of an image, and no file here asks for one";

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
    events: u64,
    fates: u64,
    transitions: [u32; 17],
    exits: [u64; 5],
    causes: u32,
    faults: [u64; 6],
}

impl Covered {
    /// Entries that were written for a deployment with these changes.
    pub fn events(&mut self, events: &[Event], changes: &[Change]) {
        for event in events {
            self.events |= 1 << number(event);
            if let Some((id, fate)) = fate(event) {
                let change = changes.iter().find(|change| change.id == *id);
                self.fates |= change.map_or(0, |change| fate_bit(work_number(change), fate));
            }
            match event {
                Event::Exited { exit } => self.exits[exit.state as usize] += 1,
                Event::AbortRequested { cause } | Event::RollbackStarted { cause, .. } => {
                    self.causes |= 1 << cause_number(cause);
                }
                _ => {}
            }
        }
    }

    /// A state that was entered, and from which.
    pub const fn transition(&mut self, from: &At, to: &At) {
        let another = match (several(from), several(to)) {
            (Some(from), Some(to)) => from as u8 != to as u8,
            _ => false,
        };
        let (from, to) = (state(from), state(to));
        // Tried again, or the abort handle was released beside it.
        if from != to || another {
            self.transitions[from] |= 1 << to;
        }
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
        self.fates |= other.fates;
        for (mine, theirs) in self.transitions.iter_mut().zip(other.transitions) {
            *mine |= theirs;
        }
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

    /// Decisions that were hit, as kinds of entries, reasons to stop and what became of each kind of change,
    /// and how many there are.
    pub fn decisions(&self) -> (u32, u32) {
        let known = fates();
        let hit = self.events.count_ones() + self.causes.count_ones() + (self.fates & known).count_ones();
        let all = (EVENTS.len() + CAUSES.len()) as u32 + known.count_ones();
        (hit, all)
    }

    /// Transitions of the state machines that were hit, and how many there are.
    pub fn transitions(&self) -> (u32, u32) {
        let known = self.transitions.iter().zip(TRANSITIONS);
        let hit = known.map(|(mine, all)| (mine & all).count_ones()).sum();
        (hit, TRANSITIONS.iter().map(|all| all.count_ones()).sum())
    }

    /// Transitions that no shipped machine has: the model is wrong where there are any.
    pub fn unknown_transitions(&self) -> Vec<String> {
        named(|from| self.transitions[from] & !TRANSITIONS[from])
    }

    /// Transitions that are there for what no run does, each with its reason; not those that one did.
    pub fn spared(&self) -> Vec<String> {
        let not_hit = SPARE
            .into_iter()
            .filter(|(from, to, _)| self.transitions[*from] & (1 << to) == 0);
        let told = not_hit.map(|(from, to, why)| format!("{} -> {} ({why})", STATES[from], STATES[to]));
        let entries = UNPLAYED.into_iter();
        let entries = entries.filter(|(entry, _)| self.events & (1 << entry) == 0);
        let entries = entries.map(|(entry, why)| format!("entry {} ({why})", EVENTS[entry]));
        let fates = SPARED_FATES.into_iter();
        let fates = fates.filter(|(work, fate, _)| self.fates & fate_bit(*work, *fate) == 0);
        let fates = fates.map(|(work, fate, why)| format!("change {} {} ({why})", WORKS[work], FATES[fate]));
        told.chain(entries).chain(fates).collect()
    }

    /// Names of everything else that was not hit.
    pub fn missed(&self) -> Vec<String> {
        let not_in = |mask: u64, names: &'static [&'static str], kind: &'static str| {
            let missed = names
                .iter()
                .enumerate()
                .filter(move |(n, _)| mask & (1 << n) == 0);
            missed.map(move |(_, name)| format!("{kind} {name}"))
        };
        let unplayed = UNPLAYED.iter().fold(0, |mask, (entry, _)| mask | 1 << entry);
        let events = not_in(self.events | unplayed, &EVENTS, "entry");
        let causes = not_in(self.causes.into(), &CAUSES, "cause");
        let changes = self.missed_fates();
        let transitions = named(|from| TRANSITIONS[from] & !self.transitions[from] & !spare(from));
        let faults = self.faults.iter().zip(FAULTS).flat_map(|(mask, fault)| {
            let missed = OpName::ALL
                .iter()
                .filter(move |op| mask & (1 << (**op as u32)) == 0);
            missed.map(move |op| format!("{fault} at {op:?}"))
        });
        events
            .chain(causes)
            .chain(changes)
            .chain(transitions)
            .chain(faults)
            .collect()
    }
}

impl Covered {
    /// What became of no change of a kind.
    fn missed_fates(&self) -> impl Iterator<Item = String> {
        let spared = SPARED_FATES.iter();
        let spared = spared.fold(0, |mask, (work, fate, _)| mask | fate_bit(*work, *fate));
        let missed = fates() & !self.fates & !spared;
        let all = (0..WORKS.len()).flat_map(|work| (0..FATES.len()).map(move |fate| (work, fate)));
        let missed = all.filter(move |(work, fate)| missed & fate_bit(*work, *fate) != 0);
        missed.map(|(work, fate)| format!("change {} {}", WORKS[work], FATES[fate]))
    }
}

/// Those of a state that no run takes.
fn spare(from: usize) -> u32 {
    let of_it = SPARE.iter().filter(|(state, ..)| *state == from);
    of_it.fold(0, |mask, (_, to, _)| mask | (1 << to))
}

/// Names of the transitions in masks.
fn named(mask: impl Fn(usize) -> u32) -> Vec<String> {
    let pairs = (0..STATES.len()).flat_map(|from| (0..STATES.len()).map(move |to| (from, to)));
    pairs
        .filter(|(from, to)| mask(*from) & (1 << to) != 0)
        .map(|(from, to)| {
            let from = if from == OVER { "the start" } else { STATES[from] };
            format!("{from} -> {}", STATES[to])
        })
        .collect()
}

/// The phase, of a state that each phase with changes has one of.
const fn several(at: &At) -> Option<Phase> {
    match at {
        At::Undo(phase, _) | At::Lanes(Lane::Undo(phase, _) | Lane::Call(phase, _), _) => Some(*phase),
        At::Plan(_)
        | At::Lanes(..)
        | At::Child(_)
        | At::Record(_)
        | At::Back(..)
        | At::BackWait(..)
        | At::UndoWait(..)
        | At::Over => None,
    }
}

/// The number of a state.
const fn state(at: &At) -> usize {
    use tidegate_core::phases::RollbackStep;
    match at {
        At::Plan(_) => 0,
        At::Lanes(Lane::Call(phase, _), _) => match phase {
            Phase::Plan | Phase::Prepare => 1,
            Phase::Migrate | Phase::Infrastructure | Phase::Configure | Phase::Monitoring => 14,
            Phase::Shift => 2,
            Phase::Validate => 3,
            Phase::Complete | Phase::Rollback => 4,
        },
        At::Lanes(Lane::Wait(..) | Lane::UndoWait(..), _) => 5,
        At::Lanes(Lane::Gate(..), _) => 6,
        At::Lanes(Lane::Done, _) => 7,
        At::Child(_) => 8,
        At::Record(_) => 9,
        At::Back(RollbackStep::Traffic, _) => 10,
        At::Back(RollbackStep::Reassert, _) => 11,
        At::Back(RollbackStep::Restore | RollbackStep::Fail, _) => 12,
        At::BackWait(..) | At::UndoWait(..) => 13,
        At::Undo(..) | At::Lanes(Lane::Undo(..), _) => 15,
        At::Over => OVER,
    }
}

impl fmt::Display for Covered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((hit, all), what) in [
            (self.decisions(), "kinds of decisions"),
            (self.transitions(), "transitions"),
            (self.fault_points(), "fault points"),
        ] {
            write!(f, "{hit} of {all} {what}, ")?;
        }
        write!(f, "ended")?;
        for (count, name) in self.exits.iter().zip(EXITS) {
            write!(f, " {name} {count}")?;
        }
        Ok(())
    }
}
