//! The execution's end.

use serde_json::Value;

use super::Run;
use crate::command::{Command, Ending};
use crate::execution::{Branch, BranchId, Ended};
use crate::failure::{Failure, names};
use crate::history::{ErrorDetails, EventKind};

impl From<&Failure> for ErrorDetails {
    fn from(failure: &Failure) -> Self {
        Self {
            error: failure.error.clone(),
            cause: failure.cause.clone(),
        }
    }
}

impl Run<'_> {
    pub(super) fn end_succeeded(&mut self, previous: u64, output: Value) {
        let event = EventKind::ExecutionSucceeded {
            output: output.clone(),
        };
        self.end(previous, event, Ending::Succeeded { output });
    }

    pub(super) fn end_failed(&mut self, previous: u64, failure: &Failure) {
        let Failure { error, cause, .. } = failure.clone();
        self.end(
            previous,
            EventKind::ExecutionFailed(failure.into()),
            Ending::Failed { error, cause },
        );
    }

    pub(super) fn end_timed_out(&mut self) {
        let failure = Failure::new(
            names::TIMEOUT,
            "the execution took longer than the machine's TimeoutSeconds",
        );
        let details = ErrorDetails::from(&failure);
        let Failure { error, cause, .. } = failure;
        self.end(
            self.root_event(),
            EventKind::ExecutionTimedOut(details),
            Ending::TimedOut { error, cause },
        );
    }

    pub(super) fn end_aborted(&mut self, error: Option<String>, cause: Option<String>) {
        let details = ErrorDetails {
            error: error.clone(),
            cause: cause.clone(),
        };
        self.end(
            self.root_event(),
            EventKind::ExecutionAborted(details),
            Ending::Aborted { error, cause },
        );
    }

    fn root_event(&self) -> u64 {
        self.branch(BranchId::ROOT).map_or(0, |branch| branch.last_event)
    }

    /// Ends the execution, once, and cancels what it still waits for.
    fn end(&mut self, previous: u64, event: EventKind, ending: Ending) {
        if !self.is_running() {
            return;
        }
        let branches = std::mem::take(&mut self.execution.branches);
        let pending = branches.values().filter_map(Branch::pending);
        self.commands
            .extend(pending.map(|pending| Command::Cancelled { task: pending.id }));
        self.entries.clear();
        self.push_event(previous, event);
        self.execution.transitions += 1;
        self.execution.ended = Some(Ended { at: self.now, ending });
    }
}
