//! What happens by the passing of time.

use jiff::Timestamp;

use super::Run;
use super::attempt::integration;
use crate::command::Command;
use crate::execution::{Activity, BranchId, Pending};
use crate::failure::{Failure, names};
use crate::history::EventKind;
use crate::machine::Kind;

/// What is due. Of several at one instant, what was begun earlier goes first
/// and the execution's own limit last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Branch(BranchId),
    Execution,
}

impl Run<'_> {
    pub(crate) fn tick(mut self) -> Vec<Command> {
        while let Some(due) = self.first_due() {
            match due {
                Due::Branch(branch) => self.fire(branch),
                Due::Execution => self.end_timed_out(),
            }
            self.work();
        }
        self.commands
    }

    fn first_due(&self) -> Option<Due> {
        let branches = self.execution.branches.iter();
        let activities =
            branches.filter_map(|(id, branch)| Some((branch.visit()?.activity.due()?, Due::Branch(*id))));
        let machine = self
            .execution
            .deadline
            .filter(|_| self.is_running())
            .map(|at| (at, Due::Execution));
        let (at, due): (Timestamp, Due) = activities.chain(machine).min()?;
        (at <= self.now).then_some(due)
    }

    fn fire(&mut self, branch: BranchId) {
        match self.visit(branch).map(|visit| visit.activity.clone()) {
            Some(Activity::Wait { .. }) => self.wake(branch),
            Some(Activity::Backoff { .. }) => {
                self.execution.transitions += 1;
                self.set_activity(branch, Activity::Working);
                self.attempt(branch);
            }
            Some(Activity::Task(pending)) => self.time_out(branch, &pending),
            Some(Activity::Working | Activity::Parallel { .. }) | None => {}
        }
    }

    fn time_out(&mut self, branch: BranchId, pending: &Pending) {
        let Some((state, _)) = self.stay(branch) else {
            return;
        };
        let Kind::Task(task) = &state.kind else {
            return;
        };
        // Where both have passed since the last look, the earlier one was it.
        let failure = if pending.deadline == pending.due() {
            Failure::new(names::TIMEOUT, "")
        } else {
            Failure::new(
                names::HEARTBEAT_TIMEOUT,
                "no heartbeat came within the task's HeartbeatSeconds",
            )
        };
        let details = (&failure).into();
        let event = match integration(&task.resource) {
            None => EventKind::LambdaFunctionTimedOut(details),
            Some(integration) => EventKind::TaskTimedOut { integration, details },
        };
        self.log(branch, event);
        if self.is_running() {
            self.commands.push(Command::Cancelled { task: pending.id });
            self.fail_state(branch, failure);
        }
    }
}
