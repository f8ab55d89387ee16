//! One attempt of a Task or Parallel state, and its good end.

use serde_json::{Map, Value, json};

use super::enter::resolve_seconds;
use super::{Run, data, later};
use crate::execution::{Activity, Branch, BranchId, Call, Heartbeat, Pending, Stage, Visit};
use crate::failure::Failure;
use crate::history::{EventKind, Integration};
use crate::ids::{TaskId, TaskToken, child_name};
use crate::machine::{Kind, ParallelState, Resource, TaskState};
use crate::path::Scope;

/// A task and the events that tell of it.
struct Prepared {
    pending: Pending,
    scheduled: EventKind,
    started: EventKind,
}

impl Run<'_> {
    /// Begins an attempt of the Task or Parallel state that a branch is in.
    pub(super) fn attempt(&mut self, branch: BranchId) {
        let Some((state, visit)) = self.stay(branch) else {
            return;
        };
        match &state.kind {
            Kind::Task(task) => {
                let visit = visit.clone();
                self.attempt_task(branch, task, &visit);
            }
            Kind::Parallel(parallel) => {
                let context = data::context(self.execution, visit, None);
                let effort = &parallel.effort;
                match data::effective_input(
                    &effort.filters,
                    effort.parameters.as_ref(),
                    &visit.input,
                    &context,
                ) {
                    Ok(input) => self.fork(branch, parallel, &input),
                    Err(failure) => self.fail_state(branch, failure),
                }
            }
            Kind::Choice(_) | Kind::Wait(_) | Kind::Pass(_) | Kind::Succeed(_) | Kind::Fail(_) => {}
        }
    }

    fn attempt_task(&mut self, branch: BranchId, task: &TaskState, visit: &Visit) {
        let id = TaskId(self.execution.next_task);
        self.execution.next_task += 1;
        let prepared = match self.prepare(id, task, visit) {
            Ok(prepared) => prepared,
            Err(failure) => return self.fail_state(branch, failure),
        };
        self.log(branch, prepared.scheduled);
        self.log(branch, prepared.started);
        if self.is_running() {
            self.commands.push(prepared.pending.to_command());
            self.set_activity(branch, Activity::Task(prepared.pending));
        }
    }

    fn prepare(&self, id: TaskId, task: &TaskState, visit: &Visit) -> Result<Prepared, Failure> {
        let token = task
            .resource
            .waits_for_token()
            .then(|| TaskToken::derive(&self.execution.id.arn, id));
        let context = data::context(self.execution, visit, token.as_ref());
        let effort = &task.effort;
        let input = data::effective_input(
            &effort.filters,
            effort.parameters.as_ref(),
            &visit.input,
            &context,
        )?;
        let scope = Scope {
            data: &visit.input,
            context: &context,
        };
        let timeout = task
            .timeout
            .as_ref()
            .map(|seconds| resolve_seconds(seconds, 1, scope))
            .transpose()?;
        let heartbeat = task.heartbeat_seconds.map(|seconds| Heartbeat {
            seconds,
            due: later(self.now, seconds),
        });
        let (scheduled, started) = self.task_events(task, &input, timeout);
        let pending = Pending {
            id,
            call: self.call(id, &task.resource, input)?,
            token,
            confirmed: false,
            deadline: timeout.map(|seconds| later(self.now, seconds)),
            heartbeat,
        };
        Ok(Prepared {
            pending,
            scheduled,
            started,
        })
    }

    fn task_events(
        &self,
        task: &TaskState,
        input: &Value,
        timeout_seconds: Option<u32>,
    ) -> (EventKind, EventKind) {
        match integration(&task.resource) {
            None => {
                let resource = task.resource.as_str().to_owned();
                let scheduled = EventKind::LambdaFunctionScheduled {
                    resource,
                    input: input.clone(),
                    timeout_seconds,
                };
                (scheduled, EventKind::LambdaFunctionStarted)
            }
            Some(integration) => {
                let scheduled = EventKind::TaskScheduled {
                    integration: integration.clone(),
                    region: self.execution.id.region().to_owned(),
                    parameters: input.clone(),
                    timeout_seconds,
                    heartbeat_seconds: task.heartbeat_seconds,
                };
                (scheduled, EventKind::TaskStarted { integration })
            }
        }
    }

    fn call(&self, id: TaskId, resource: &Resource, input: Value) -> Result<Call, Failure> {
        let mut parameters = match (resource, input) {
            (Resource::Function { arn }, payload) => {
                return Ok(Call::Plain {
                    function: arn.clone(),
                    payload,
                });
            }
            (Resource::Invoke { .. } | Resource::StartExecution, Value::Object(fields)) => fields,
            (Resource::Invoke { .. } | Resource::StartExecution, _) => {
                return Err(Failure::runtime(
                    "the parameters of an integration are not an object",
                ));
            }
        };
        let mut take_or_empty = |key: &str| {
            parameters
                .remove(key)
                .unwrap_or_else(|| Value::Object(Map::new()))
        };
        if *resource == Resource::StartExecution {
            let input = take_or_empty("Input");
            let name =
                optional_text(&parameters, "Name")?.unwrap_or_else(|| child_name(&self.execution.id.arn, id));
            Ok(Call::StartExecution {
                machine_arn: required_text(&parameters, "StateMachineArn")?,
                name,
                input,
            })
        } else {
            let payload = take_or_empty("Payload");
            Ok(Call::Invoke {
                function: required_text(&parameters, "FunctionName")?,
                payload,
            })
        }
    }

    fn fork(&mut self, branch: BranchId, parallel: &ParallelState, input: &Value) {
        self.log(branch, EventKind::ParallelStateStarted);
        let Some(last_event) = self.branch(branch).map(|branch| branch.last_event) else {
            return;
        };
        let mut children = Vec::new();
        for start_at in &parallel.branches {
            let child = BranchId(self.execution.next_branch);
            self.execution.next_branch += 1;
            self.execution.branches.insert(
                child,
                Branch {
                    parent: Some(branch),
                    last_event,
                    stage: Stage::Moving,
                },
            );
            self.queue(child, start_at.clone(), input.clone());
            children.push(child);
        }
        self.set_activity(branch, Activity::Parallel { children });
    }

    /// Takes the result of a Task or Parallel state and leaves it.
    pub(super) fn settle(&mut self, branch: BranchId, result: Value) {
        let Some((state, visit)) = self.stay(branch) else {
            return;
        };
        let Some(effort) = state.kind.effort() else {
            return;
        };
        let context = data::context(self.execution, visit, None);
        let output = data::limited(result)
            .and_then(|result| data::effort_output(effort, &visit.input, result, &context));
        match output {
            Ok(output) => self.leave(branch, output, &effort.then),
            Err(failure) => self.fail_state(branch, failure),
        }
    }
}

/// How the history names a service integration; `None` for a function by ARN,
/// which has events of its own.
pub(super) fn integration(resource: &Resource) -> Option<Integration> {
    let (resource_type, resource) = match resource {
        Resource::Function { .. } => return None,
        Resource::Invoke {
            wait_for_token: false,
        } => ("lambda", "invoke"),
        Resource::Invoke { wait_for_token: true } => ("lambda", "invoke.waitForTaskToken"),
        Resource::StartExecution => ("states", "startExecution.sync:2"),
    };
    Some(Integration {
        resource_type: resource_type.to_owned(),
        resource: resource.to_owned(),
    })
}

/// What the `lambda:invoke` integration gives for a function's output.
pub(super) fn invoke_result(output: Value) -> Value {
    json!({ "ExecutedVersion": "$LATEST", "Payload": output, "StatusCode": 200 })
}

fn optional_text(parameters: &Map<String, Value>, key: &str) -> Result<Option<String>, Failure> {
    match parameters.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Failure::runtime(format!(
            "the parameter {key} is {other}, which is not a string"
        ))),
    }
}

fn required_text(parameters: &Map<String, Value>, key: &str) -> Result<String, Failure> {
    optional_text(parameters, key)?.ok_or_else(|| Failure::runtime(format!("the parameter {key} is missing")))
}
