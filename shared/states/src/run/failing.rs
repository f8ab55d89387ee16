//! What a failure does: it is retried, caught, or fails what is around it.

use super::{Run, after, data};
use crate::command::Command;
use crate::execution::{Activity, BranchId};
use crate::failure::Failure;
use crate::history::EventKind;
use crate::machine::{Effort, Then};
use crate::retry::takes;

impl Run<'_> {
    /// Fails the Task or Parallel state that a branch is in. The first retrier
    /// that names the error decides on retries; when it has none left, the
    /// first catcher that names it takes over.
    pub(super) fn fail_state(&mut self, branch: BranchId, failure: Failure) {
        let Some((state, _)) = self.stay(branch) else {
            return;
        };
        self.set_activity(branch, Activity::Working);
        let Some(effort) = state.kind.effort() else {
            self.fail_branch(branch, failure);
            return;
        };
        if !self.retry(branch, effort, &failure) {
            self.catch(branch, effort, failure);
        }
    }

    /// Whether the failure will be retried.
    fn retry(&mut self, branch: BranchId, effort: &Effort, failure: &Failure) -> bool {
        let Some(index) = effort
            .retry
            .iter()
            .position(|retrier| takes(&retrier.errors, failure))
        else {
            return false;
        };
        let mut random = self.execution.random;
        let now = self.now;
        let (Some(retrier), Some(visit)) = (effort.retry.get(index), self.visit_mut(branch)) else {
            return false;
        };
        let Some(attempts) = visit.attempts.get_mut(index) else {
            return false;
        };
        if *attempts >= retrier.max_attempts {
            return false;
        }
        let delay = retrier.delay(*attempts, &mut random);
        *attempts += 1;
        visit.retries += 1;
        visit.activity = Activity::Backoff {
            until: after(now, delay),
        };
        self.execution.random = random;
        true
    }

    fn catch(&mut self, branch: BranchId, effort: &Effort, failure: Failure) {
        let Some(catcher) = effort
            .catch
            .iter()
            .find(|catcher| takes(&catcher.errors, &failure))
        else {
            self.fail_branch(branch, failure);
            return;
        };
        let Some(visit) = self.visit(branch) else {
            return;
        };
        let output = data::put_result(catcher.result_path.as_ref(), &visit.input, failure.to_output());
        match output.and_then(data::limited) {
            Ok(output) => self.leave(branch, output, &Then::Next(catcher.next.clone())),
            // A catcher does not catch its own failure.
            Err(failure) => self.fail_branch(branch, failure),
        }
    }

    /// Fails a whole branch: the Parallel state around it, or the execution.
    pub(super) fn fail_branch(&mut self, branch: BranchId, failure: Failure) {
        let Some(failed) = self.branch(branch) else {
            return;
        };
        let (parent, last_event) = (failed.parent, failed.last_event);
        let Some(parent) = parent else {
            self.end_failed(last_event, &failure);
            return;
        };
        self.execution.branches.remove(&branch);
        self.cancel_children(parent);
        if let Some(around) = self.execution.branches.get_mut(&parent) {
            around.last_event = last_event;
        }
        self.log(parent, EventKind::ParallelStateFailed);
        self.fail_state(
            parent,
            Failure {
                from_branch: true,
                ..failure
            },
        );
    }

    /// Stops every branch of the Parallel state that a branch is in.
    fn cancel_children(&mut self, parent: BranchId) {
        for child in self.children(parent).unwrap_or_default() {
            self.cancel_children(child);
            if let Some((state, _)) = self.stay(child) {
                self.log(
                    child,
                    EventKind::StateAborted {
                        state: state.kind.state_type(),
                    },
                );
            }
            if let Some(stopped) = self.execution.branches.remove(&child)
                && let Some(pending) = stopped.pending()
            {
                self.commands.push(Command::Cancelled { task: pending.id });
            }
        }
    }
}
