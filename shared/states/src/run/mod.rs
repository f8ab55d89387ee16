//! One call into an execution: works until nothing more can be done at `now`.
//!
//! Entering states goes through a queue, not through recursion, so a loop of
//! states that take no time is ended by the history's limit and not by the
//! stack's. Once the execution has ended its branches are gone, and every
//! function here that finds no branch does nothing.

mod attempt;
mod data;
mod deliver;
mod end;
mod enter;
mod failing;
mod timers;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::command::Command;
use crate::execution::{Activity, Branch, BranchId, Execution, Stage, Visit};
use crate::failure::Failure;
use crate::history::{EventKind, HistoryEvent};
use crate::machine::{Machine, State, Then};

/// AWS page "Step Functions service quotas": an execution's history has at most
/// this many events.
pub const MAX_HISTORY_EVENTS: usize = 25_000;

pub use data::MAX_PAYLOAD_BYTES;

/// `now` and some seconds, at most the end of time.
pub(crate) fn later(now: Timestamp, seconds: u32) -> Timestamp {
    after(now, SignedDuration::from_secs(i64::from(seconds)))
}

fn after(now: Timestamp, delay: SignedDuration) -> Timestamp {
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}

/// A state to enter.
struct Entry {
    branch: BranchId,
    state: String,
    input: Value,
}

pub(crate) struct Run<'a> {
    machine: &'a Machine,
    execution: &'a mut Execution,
    now: Timestamp,
    commands: Vec<Command>,
    entries: VecDeque<Entry>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(machine: &'a Machine, execution: &'a mut Execution, now: Timestamp) -> Self {
        Self {
            machine,
            execution,
            now,
            commands: Vec::new(),
            entries: VecDeque::new(),
        }
    }

    pub(crate) fn start(mut self) -> Vec<Command> {
        let input = self.execution.input.clone();
        self.execution.branches.insert(
            BranchId::ROOT,
            Branch {
                parent: None,
                last_event: 0,
                stage: Stage::Moving,
            },
        );
        self.push_event(0, EventKind::ExecutionStarted { input: input.clone() });
        match data::limited(input) {
            Ok(input) => self.queue(BranchId::ROOT, self.machine.start_at.clone(), input),
            Err(failure) => self.fail_branch(BranchId::ROOT, failure),
        }
        self.work();
        self.commands
    }

    fn queue(&mut self, branch: BranchId, state: String, input: Value) {
        self.entries.push_back(Entry { branch, state, input });
    }

    /// Enters states until each branch waits for something.
    fn work(&mut self) {
        while let Some(Entry { branch, state, input }) = self.entries.pop_front() {
            // The branch is gone where a sibling has failed meanwhile.
            if self.execution.branches.contains_key(&branch) {
                self.enter(branch, state, input);
            }
        }
    }

    fn is_running(&self) -> bool {
        self.execution.ended.is_none()
    }

    fn branch(&self, id: BranchId) -> Option<&Branch> {
        self.execution.branches.get(&id)
    }

    fn visit(&self, id: BranchId) -> Option<&Visit> {
        self.branch(id)?.visit()
    }

    fn visit_mut(&mut self, id: BranchId) -> Option<&mut Visit> {
        match &mut self.execution.branches.get_mut(&id)?.stage {
            Stage::In(visit) => Some(visit),
            Stage::Moving | Stage::Done(_) => None,
        }
    }

    fn set_activity(&mut self, id: BranchId, activity: Activity) {
        if let Some(visit) = self.visit_mut(id) {
            visit.activity = activity;
        }
    }

    /// The state that a branch is in, and what is known of the stay.
    fn stay(&self, id: BranchId) -> Option<(&'a State, &Visit)> {
        let visit = self.visit(id)?;
        Some((self.machine.state(&visit.state)?, visit))
    }

    /// Adds an event of a branch to the history. The last place in a full
    /// history is for the execution's end.
    fn log(&mut self, branch: BranchId, kind: EventKind) {
        let Some(previous) = self.branch(branch).map(|branch| branch.last_event) else {
            return;
        };
        if self.execution.history.len() + 1 >= MAX_HISTORY_EVENTS {
            let cause = format!("the execution reached the limit of {MAX_HISTORY_EVENTS} history events");
            self.end_failed(previous, &Failure::runtime(cause));
            return;
        }
        let id = self.push_event(previous, kind);
        if let Some(branch) = self.execution.branches.get_mut(&branch) {
            branch.last_event = id;
        }
    }

    fn push_event(&mut self, previous_id: u64, kind: EventKind) -> u64 {
        let id = self.execution.history.last().map_or(0, |event| event.id) + 1;
        self.execution.history.push(HistoryEvent {
            id,
            previous_id,
            at: self.now,
            kind,
        });
        id
    }

    /// Leaves a state for what follows it.
    fn leave(&mut self, branch: BranchId, output: Value, then: &Then) {
        let Some((state, visit)) = self.stay(branch) else {
            return;
        };
        let exited = EventKind::StateExited {
            state: state.kind.state_type(),
            name: visit.state.clone(),
            output: output.clone(),
        };
        self.log(branch, exited);
        let Some(left) = self.execution.branches.get_mut(&branch) else {
            return;
        };
        left.stage = Stage::Moving;
        match then {
            Then::Next(next) => self.queue(branch, next.clone(), output),
            Then::End => self.finish_branch(branch, output),
        }
    }

    fn finish_branch(&mut self, branch: BranchId, output: Value) {
        let Some(finished) = self.execution.branches.get_mut(&branch) else {
            return;
        };
        let (parent, last_event) = (finished.parent, finished.last_event);
        finished.stage = Stage::Done(output.clone());
        match parent {
            None => self.end_succeeded(last_event, output),
            Some(parent) => self.join(parent, last_event),
        }
    }

    /// Ends a Parallel state if all its branches have ended.
    fn join(&mut self, parent: BranchId, last_event: u64) {
        let Some(children) = self.children(parent) else {
            return;
        };
        let outputs = children.iter().map(|child| match &self.branch(*child)?.stage {
            Stage::Done(output) => Some(output.clone()),
            Stage::Moving | Stage::In(_) => None,
        });
        let Some(outputs) = outputs.collect::<Option<Vec<Value>>>() else {
            return;
        };
        for child in children {
            self.execution.branches.remove(&child);
        }
        if let Some(branch) = self.execution.branches.get_mut(&parent) {
            branch.last_event = last_event;
        }
        self.set_activity(parent, Activity::Working);
        self.log(parent, EventKind::ParallelStateSucceeded);
        self.settle(parent, Value::Array(outputs));
    }

    /// The branches of the Parallel state that a branch is in.
    fn children(&self, branch: BranchId) -> Option<Vec<BranchId>> {
        match &self.visit(branch)?.activity {
            Activity::Parallel { children } => Some(children.clone()),
            Activity::Working | Activity::Task(_) | Activity::Wait { .. } | Activity::Backoff { .. } => None,
        }
    }
}
