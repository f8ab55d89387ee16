//! Answers from outside.

use serde_json::{Value, json};

use super::attempt::{integration, invoke_result};
use super::{Run, data, later};
use crate::command::{Command, Delivery, EndedExecution, Ending};
use crate::error::DeliverError;
use crate::execution::{Activity, BranchId, Call, Pending};
use crate::failure::{Failure, names};
use crate::history::{EventKind, Integration};
use crate::ids::{TaskId, TaskToken};
use crate::machine::Kind;

/// The task that an answer is for, as far as it can still be answered.
struct Answered {
    branch: BranchId,
    pending: Pending,
}

impl Run<'_> {
    pub(crate) fn deliver(mut self, delivery: Delivery) -> Result<Vec<Command>, DeliverError> {
        match delivery {
            Delivery::TaskSucceeded { task, output } => self.function_returned(task, output)?,
            Delivery::TaskFailed { task, error, cause } => {
                self.call_failed(task, Failure::new(&error, cause))?
            }
            Delivery::TokenSucceeded { token, output } => {
                let answered = self.by_token(&token)?;
                self.succeed(&answered, output);
            }
            Delivery::TokenFailed { token, error, cause } => {
                let answered = self.by_token(&token)?;
                self.fail(&answered, Failure::reported(error, cause));
            }
            Delivery::TokenHeartbeat { token } => self.heartbeat(&token)?,
            Delivery::ExecutionStarted { task, arn } => self.child_started(task, &arn)?,
            Delivery::ExecutionEnded { task, result } => self.child_ended(task, &result)?,
            Delivery::Stop { error, cause } => self.end_aborted(error, cause),
        }
        self.work();
        Ok(self.commands)
    }

    /// The task, or `None` where it has ended and a late answer is nothing new.
    fn by_task(&self, task: TaskId) -> Result<Option<Answered>, DeliverError> {
        if !(1..self.execution.next_task).contains(&task.0) {
            return Err(DeliverError::UnknownTask { task });
        }
        Ok(self.find(task))
    }

    fn by_token(&self, token: &TaskToken) -> Result<Answered, DeliverError> {
        let task = self.execution.task_of(token).ok_or(DeliverError::UnknownToken)?;
        let found = self
            .find(task)
            .filter(|answered| answered.pending.token.is_some());
        found.ok_or(DeliverError::TaskEnded { task })
    }

    /// The task while it can be answered. One that is due to time out can't,
    /// even where `tick` has not been called since: otherwise the outcome would
    /// depend on when the host calls.
    fn find(&self, task: TaskId) -> Option<Answered> {
        if self.execution.deadline.is_some_and(|at| at <= self.now) {
            return None;
        }
        let mut branches = self.execution.branches.iter();
        let (branch, pending) = branches.find_map(|(id, branch)| {
            let pending = branch.pending().filter(|pending| pending.id == task)?;
            Some((*id, pending.clone()))
        })?;
        let is_late = pending.due().is_some_and(|at| at <= self.now);
        (!is_late).then_some(Answered { branch, pending })
    }

    fn function_returned(&mut self, task: TaskId, output: Value) -> Result<(), DeliverError> {
        let Some(answered) = self.by_task(task)? else {
            return Ok(());
        };
        let result = match &answered.pending.call {
            Call::Plain { .. } => output,
            Call::Invoke { .. } => invoke_result(output),
            Call::StartExecution { .. } => return Err(DeliverError::WrongAnswer { task }),
        };
        if answered.pending.token.is_none() {
            self.succeed(&answered, result);
        } else if !answered.pending.confirmed {
            self.confirm(&answered, result);
        }
        Ok(())
    }

    fn call_failed(&mut self, task: TaskId, failure: Failure) -> Result<(), DeliverError> {
        // A call that was confirmed can't fail any more: this is the answer to
        // a call that was made twice around a crash.
        if let Some(answered) = self.by_task(task)?.filter(|answered| !answered.pending.confirmed) {
            self.fail(&answered, failure);
        }
        Ok(())
    }

    fn heartbeat(&mut self, token: &TaskToken) -> Result<(), DeliverError> {
        let Answered { branch, mut pending } = self.by_token(token)?;
        if let Some(heartbeat) = &mut pending.heartbeat {
            heartbeat.due = later(self.now, heartbeat.seconds);
            self.set_activity(branch, Activity::Task(pending));
        }
        Ok(())
    }

    fn child_started(&mut self, task: TaskId, arn: &str) -> Result<(), DeliverError> {
        let Some(answered) = self.by_task(task)? else {
            return Ok(());
        };
        match &answered.pending.call {
            Call::StartExecution { .. } if answered.pending.confirmed => {}
            Call::StartExecution { .. } => {
                let output = json!({ "ExecutionArn": arn, "StartDate": self.now.as_millisecond() });
                self.confirm(&answered, output);
            }
            Call::Plain { .. } | Call::Invoke { .. } => {
                return Err(DeliverError::WrongAnswer { task });
            }
        }
        Ok(())
    }

    fn child_ended(&mut self, task: TaskId, child: &EndedExecution) -> Result<(), DeliverError> {
        let Some(answered) = self.by_task(task)? else {
            return Ok(());
        };
        match &answered.pending.call {
            Call::StartExecution { .. } => {}
            Call::Plain { .. } | Call::Invoke { .. } => {
                return Err(DeliverError::WrongAnswer { task });
            }
        }
        let result = child.to_result();
        match &child.ending {
            Ending::Succeeded { .. } => self.succeed(&answered, result),
            Ending::Failed { .. } | Ending::TimedOut { .. } | Ending::Aborted { .. } => {
                self.fail(&answered, Failure::new(names::TASK_FAILED, result.to_string()));
            }
        }
        Ok(())
    }

    /// Notes that the call was made and the task goes on.
    fn confirm(&mut self, answered: &Answered, output: Value) {
        if let Some(integration) = self.integration(answered.branch) {
            self.log(answered.branch, EventKind::TaskSubmitted { integration, output });
        }
        let pending = Pending {
            confirmed: true,
            ..answered.pending.clone()
        };
        self.set_activity(answered.branch, Activity::Task(pending));
    }

    fn succeed(&mut self, answered: &Answered, result: Value) {
        let result = match data::limited(result) {
            Ok(result) => result,
            Err(failure) => return self.fail(answered, failure),
        };
        let output = result.clone();
        let event = match self.integration(answered.branch) {
            None => EventKind::LambdaFunctionSucceeded { output },
            Some(integration) => EventKind::TaskSucceeded { integration, output },
        };
        self.set_activity(answered.branch, Activity::Working);
        self.log(answered.branch, event);
        self.settle(answered.branch, result);
    }

    fn fail(&mut self, answered: &Answered, failure: Failure) {
        let details = (&failure).into();
        let event = match self.integration(answered.branch) {
            None => EventKind::LambdaFunctionFailed(details),
            Some(integration) => EventKind::TaskFailed { integration, details },
        };
        self.set_activity(answered.branch, Activity::Working);
        self.log(answered.branch, event);
        self.fail_state(answered.branch, failure);
    }

    fn integration(&self, branch: BranchId) -> Option<Integration> {
        match &self.stay(branch)?.0.kind {
            Kind::Task(task) => integration(&task.resource),
            Kind::Choice(_)
            | Kind::Wait(_)
            | Kind::Parallel(_)
            | Kind::Pass(_)
            | Kind::Succeed(_)
            | Kind::Fail(_) => None,
        }
    }
}
