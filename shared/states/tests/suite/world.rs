//! A host for one execution, on a clock that the test moves.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tidegate_states::{Command, DeliverError, Delivery, Execution, ExecutionId, Machine, TaskId, TaskToken};

/// What a function was called with.
pub struct Called {
    pub task: TaskId,
    pub function: String,
    pub payload: Value,
    pub token: Option<TaskToken>,
}

pub struct World {
    pub machine: Machine,
    pub execution: Execution,
    pub now: Timestamp,
    /// Whether the execution is written out and read back before each call.
    pub restarts: bool,
    /// Commands that the test has not looked at.
    pub commands: Vec<Command>,
}

pub fn id() -> ExecutionId {
    ExecutionId {
        arn: "arn:aws:states:eu-west-1:111122223333:execution:rollout:one".to_owned(),
        name: "one".to_owned(),
        machine_arn: "arn:aws:states:eu-west-1:111122223333:stateMachine:rollout".to_owned(),
    }
}

pub fn epoch() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A machine of the given states, which starts at `start`.
pub fn machine(start: &str, states: Value) -> Machine {
    Machine::parse(&json!({ "StartAt": start, "States": states }).to_string()).unwrap()
}

/// A function's Task state.
pub fn task(name: &str, then: Value) -> Value {
    let resource = format!("arn:aws:lambda:eu-west-1:111122223333:function:{name}");
    merge(json!({ "Type": "Task", "Resource": resource }), then)
}

/// A Task state that waits for its token.
pub fn token_task(then: Value) -> Value {
    let parameters = json!({ "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } });
    let resource = "arn:aws:states:::lambda:invoke.waitForTaskToken";
    merge(
        json!({ "Type": "Task", "Resource": resource, "Parameters": parameters }),
        then,
    )
}

pub fn merge(mut base: Value, more: Value) -> Value {
    base.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    base
}

impl World {
    pub fn start(machine: Machine, input: Value) -> Self {
        Self::start_seeded(machine, input, 7)
    }

    pub fn start_seeded(machine: Machine, input: Value, seed: u64) -> Self {
        let (execution, commands) = Execution::start(&machine, id(), input, epoch(), seed);
        Self {
            machine,
            execution,
            now: epoch(),
            restarts: false,
            commands,
        }
    }

    fn restart(&mut self) {
        if self.restarts {
            let stored = serde_json::to_string(&self.execution).unwrap();
            self.execution = serde_json::from_str(&stored).unwrap();
        }
    }

    /// Moves the clock to some seconds after the start, waking the execution
    /// whenever it wants to be woken on the way.
    pub fn run_to(&mut self, seconds: i64) {
        let end = epoch() + SignedDuration::from_secs(seconds);
        while let Some(wake) = self.execution.next_wake().filter(|wake| *wake <= end) {
            self.now = self.now.max(wake);
            self.tick();
        }
        self.now = end;
    }

    /// Moves the clock without waking the execution.
    pub fn oversleep_to(&mut self, seconds: i64) {
        self.now = epoch() + SignedDuration::from_secs(seconds);
    }

    pub fn tick(&mut self) {
        self.restart();
        let commands = self.execution.tick(&self.machine, self.now);
        self.commands.extend(commands);
    }

    pub fn try_deliver(&mut self, delivery: Delivery) -> Result<(), DeliverError> {
        self.restart();
        let commands = self.execution.deliver(&self.machine, self.now, delivery)?;
        self.commands.extend(commands);
        Ok(())
    }

    pub fn deliver(&mut self, delivery: Delivery) {
        self.try_deliver(delivery).unwrap();
    }

    /// Takes the only call that was asked for.
    pub fn called(&mut self) -> Called {
        let mut calls = self.all_called();
        assert_eq!(calls.len(), 1, "one call is expected");
        calls.remove(0)
    }

    /// Takes the calls that were asked for, which must be all commands.
    pub fn all_called(&mut self) -> Vec<Called> {
        let commands = std::mem::take(&mut self.commands).into_iter();
        let calls = commands.map(|command| match command {
            Command::Invoke {
                task,
                function,
                payload,
                token,
            } => Called {
                task,
                function,
                payload,
                token,
            },
            other @ (Command::StartExecution { .. } | Command::Cancelled { .. }) => {
                panic!("not a call: {other:?}")
            }
        });
        calls.collect()
    }

    pub fn succeed(&mut self, output: Value) {
        let task = self.called().task;
        self.deliver(Delivery::TaskSucceeded { task, output });
    }

    pub fn fail(&mut self, error: &str) {
        let task = self.called().task;
        self.deliver(Delivery::TaskFailed {
            task,
            error: error.to_owned(),
            cause: "because".to_owned(),
        });
    }

    pub fn output(&self) -> &Value {
        self.execution.output().expect("the execution has succeeded")
    }

    /// The types of all events.
    pub fn events(&self) -> Vec<String> {
        self.execution
            .history()
            .iter()
            .map(|event| event.kind.type_name())
            .collect()
    }

    /// Milliseconds from the start to the next wake.
    pub fn wakes_in_millis(&self) -> i64 {
        (self.execution.next_wake().unwrap() - epoch())
            .total(jiff::Unit::Millisecond)
            .unwrap() as i64
    }
}

pub fn failed(token: &TaskToken, error: &str) -> Delivery {
    Delivery::TokenFailed {
        token: token.clone(),
        error: Some(error.to_owned()),
        cause: Some("because".to_owned()),
    }
}

pub fn succeeded(token: &TaskToken, output: Value) -> Delivery {
    Delivery::TokenSucceeded {
        token: token.clone(),
        output,
    }
}
