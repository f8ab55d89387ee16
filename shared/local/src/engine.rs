//! Step Functions: the shipped state machines, run by `tidegate-states`, and its API.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_states::{
    Command, DeliverError, Delivery, EndedExecution, Execution, ExecutionId, Machine, Status, TaskId,
    TaskToken, substitute,
};

use crate::endpoints::{Call, Fault, Reply, fault_reply, value_reply};
use crate::names::{FUNCTIONS, execution_arn, function_arn, machine_arn};

/// The definitions, byte for byte what `sam deploy` ships.
const DEFINITIONS: [(&str, &str); 2] = [
    (
        "deployment",
        include_str!("../../../infra/statemachines/deployment.asl.json"),
    ),
    (
        "rollback",
        include_str!("../../../infra/statemachines/rollback.asl.json"),
    ),
];

/// Step Functions of the local account.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Engine {
    executions: BTreeMap<String, Held>,
    seed: u64,
    started: u64,
    #[serde(skip)]
    machines: Arc<BTreeMap<String, Loaded>>,
    #[serde(skip)]
    outbox: Vec<(String, Command)>,
}

#[derive(Debug)]
struct Loaded {
    machine: Machine,
    definition: String,
}

/// An execution with whoever waits for it.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    execution: Execution,
    parent: Option<(String, TaskId)>,
    number: u64,
}

/// The definitions can't be run. A defect of this build: a test loads them.
#[derive(Debug, Clone, thiserror::Error)]
#[error("failed to load state machine {name}: {reason}")]
pub struct BadDefinition {
    name: &'static str,
    reason: String,
}

fn definitions() -> Result<BTreeMap<String, Loaded>, BadDefinition> {
    let mut machines = BTreeMap::new();
    let mut names: BTreeMap<String, String> = FUNCTIONS
        .iter()
        .map(|name| (format!("{}Function", pascal(name)), function_arn(name)))
        .collect();
    names.insert("RollbackMachine".to_owned(), machine_arn("rollback"));
    for (name, text) in DEFINITIONS {
        let bad = |error: &dyn std::fmt::Display| BadDefinition {
            name,
            reason: error.to_string(),
        };
        let used = names
            .iter()
            .filter(|(key, _)| text.contains(&format!("${{{key}}}")));
        let used = used.map(|(key, value)| (key.clone(), value.clone())).collect();
        let definition = substitute(text, &used).map_err(|error| bad(&error))?;
        let machine = Machine::parse(&definition).map_err(|error| bad(&error))?;
        machines.insert(machine_arn(name), Loaded { machine, definition });
    }
    Ok(machines)
}

impl Engine {
    /// An engine without executions.
    ///
    /// # Errors
    /// A definition that the interpreter refuses.
    pub fn new(seed: u64) -> Result<Self, BadDefinition> {
        let mut engine = Self {
            seed,
            ..Self::default()
        };
        engine.load()?;
        Ok(engine)
    }

    /// Loads the definitions; needed after it was read from disk.
    ///
    /// # Errors
    /// A definition that the interpreter refuses.
    pub fn load(&mut self) -> Result<(), BadDefinition> {
        static MACHINES: OnceLock<Result<Arc<BTreeMap<String, Loaded>>, BadDefinition>> = OnceLock::new();
        // They are a part of this build: once is enough for all clouds of a process.
        self.machines = MACHINES.get_or_init(|| definitions().map(Arc::new)).clone()?;
        Ok(())
    }

    /// Commands that were asked for and not answered when the process ended.
    pub fn resume(&mut self) {
        for (arn, held) in &self.executions {
            if held.execution.status() == Status::Running {
                self.outbox
                    .extend(held.execution.outstanding().into_iter().map(|c| (arn.clone(), c)));
            }
        }
    }

    /// Starts the children that executions ask for, at once: there is no function in between.
    pub(crate) fn start_children(&mut self, now: Timestamp) {
        loop {
            let asked = self
                .outbox
                .iter()
                .position(|(_, command)| matches!(command, Command::StartExecution { .. }));
            let Some((parent, command)) = asked.map(|at| self.outbox.remove(at)) else {
                return;
            };
            if let Command::StartExecution {
                task,
                machine_arn,
                name,
                input,
            } = command
            {
                self.start_child(&parent, task, &machine_arn, &name, input, now);
            }
        }
    }

    /// What is to be done for executions, oldest first.
    pub fn take_outbox(&mut self) -> Vec<(String, Command)> {
        std::mem::take(&mut self.outbox)
    }

    /// The next instant at which an execution moves by itself.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let running = self.running().filter_map(|held| held.execution.next_wake()).min();
        if self.outbox.is_empty() {
            running
        } else {
            Some(Timestamp::MIN)
        }
    }

    fn running(&self) -> impl Iterator<Item = &Held> {
        self.executions
            .values()
            .filter(|held| held.execution.status() == Status::Running)
    }

    /// Whether any execution runs.
    pub fn is_busy(&self) -> bool {
        self.running().next().is_some()
    }

    /// An execution.
    pub fn execution(&self, arn: &str) -> Option<&Execution> {
        self.executions.get(arn).map(|held| &held.execution)
    }

    /// All executions, in the order of their start.
    pub fn executions(&self) -> Vec<(&str, &Execution)> {
        let mut all: Vec<_> = self.executions.iter().collect();
        all.sort_by_key(|(_, held)| held.number);
        all.into_iter()
            .map(|(arn, held)| (arn.as_str(), &held.execution))
            .collect()
    }

    /// State transitions of all executions that were started since then.
    pub fn transitions_since(&self, since: Timestamp) -> u64 {
        let recent = self
            .executions
            .values()
            .filter(|held| held.execution.started() >= since);
        recent.map(|held| held.execution.transitions()).sum()
    }

    /// A machine's states, for drawing.
    pub fn machine(&self, arn: &str) -> Option<&Machine> {
        self.machines.get(arn).map(|loaded| &loaded.machine)
    }

    /// Fires what is due.
    pub fn tick(&mut self, now: Timestamp) {
        let due: Vec<String> = self
            .executions
            .iter()
            .filter(|(_, held)| held.execution.next_wake().is_some_and(|wake| wake <= now))
            .map(|(arn, _)| arn.clone())
            .collect();
        for arn in due {
            self.change(&arn, |execution, machine| Ok(execution.tick(machine, now)), now)
                .ok();
        }
    }

    /// Reports to an execution.
    ///
    /// # Errors
    /// Where the execution does not take it.
    pub fn deliver(&mut self, arn: &str, delivery: Delivery, now: Timestamp) -> Result<(), DeliverError> {
        self.change(
            arn,
            |execution, machine| execution.deliver(machine, now, delivery),
            now,
        )
    }

    fn change(
        &mut self,
        arn: &str,
        change: impl FnOnce(&mut Execution, &Machine) -> Result<Vec<Command>, DeliverError>,
        now: Timestamp,
    ) -> Result<(), DeliverError> {
        let Some(held) = self.executions.get_mut(arn) else {
            return Err(DeliverError::UnknownToken);
        };
        let Some(loaded) = self.machines.get(&held.execution.id().machine_arn) else {
            return Err(DeliverError::UnknownToken);
        };
        let commands = change(&mut held.execution, &loaded.machine)?;
        self.outbox
            .extend(commands.into_iter().map(|command| (arn.to_owned(), command)));
        let ended = held.execution.ended();
        let parent = held.parent.clone();
        if let (Some(result), Some((parent, task))) = (ended, parent) {
            self.report(&parent, task, result, now);
        }
        Ok(())
    }

    fn report(&mut self, parent: &str, task: TaskId, result: EndedExecution, now: Timestamp) {
        // A parent that has gone on without the child does not take its end.
        self.deliver(parent, Delivery::ExecutionEnded { task, result }, now)
            .ok();
    }

    /// Starts an execution.
    ///
    /// # Errors
    /// AWS's own: an unknown machine, or a name that is taken.
    pub fn start(
        &mut self,
        machine_arn: &str,
        name: &str,
        input: Value,
        parent: Option<(String, TaskId)>,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let Some(loaded) = self.machines.get(machine_arn) else {
            let text = format!("State Machine Does Not Exist: '{machine_arn}'");
            return Err(Fault::new("StateMachineDoesNotExist", text));
        };
        let arn = execution_arn(machine_arn, name);
        if let Some(held) = self.executions.get(&arn) {
            // Idempotent only while it runs and with the same input (StartExecution, API reference).
            let same = held.execution.status() == Status::Running && *held.execution.input() == input;
            let taken = || {
                Fault::new(
                    "ExecutionAlreadyExists",
                    format!("Execution Already Exists: '{arn}'"),
                )
            };
            return if same { Ok(arn) } else { Err(taken()) };
        }
        self.started += 1;
        let id = ExecutionId {
            arn: arn.clone(),
            name: name.to_owned(),
            machine_arn: machine_arn.to_owned(),
        };
        let seed = self.seed.wrapping_add(self.started);
        let (execution, commands) = Execution::start(&loaded.machine, id, input, now, seed);
        self.outbox
            .extend(commands.into_iter().map(|command| (arn.clone(), command)));
        self.executions.insert(
            arn.clone(),
            Held {
                execution,
                parent,
                number: self.started,
            },
        );
        Ok(arn)
    }

    /// Starts a child for a task, and reports to the task.
    fn start_child(
        &mut self,
        parent: &str,
        task: TaskId,
        machine: &str,
        name: &str,
        input: Value,
        now: Timestamp,
    ) {
        let report = match self.start(machine, name, input, Some((parent.to_owned(), task)), now) {
            Ok(arn) => Delivery::ExecutionStarted { task, arn },
            Err(fault) => Delivery::TaskFailed {
                task,
                error: format!("StepFunctions.{}Exception", fault.code),
                cause: fault.message,
            },
        };
        self.deliver(parent, report, now).ok();
    }

    /// Answers a call of the API.
    pub(crate) fn handle(&mut self, call: &Call, now: Timestamp) -> Reply {
        let answer = call
            .input()
            .and_then(|input| self.answer(&call.operation, &input, now));
        match answer {
            Ok(value) => value_reply(call, &value, "00000000-0000-4000-8000-000000000000"),
            Err(fault) => fault_reply(call, &fault, "00000000-0000-4000-8000-000000000000"),
        }
    }

    fn answer(&mut self, operation: &str, input: &Value, now: Timestamp) -> Result<Value, Fault> {
        let text = |name: &str| input[name].as_str().unwrap_or_default();
        match operation {
            "StartExecution" => {
                let name = match text("name") {
                    "" => format!("{:08x}", self.started + 1),
                    name => name.to_owned(),
                };
                let parsed = parse_json(input["input"].as_str().unwrap_or("{}"), "InvalidExecutionInput")?;
                let arn = self.start(text("stateMachineArn"), &name, parsed, None, now)?;
                let started = self.execution(&arn).map_or(now, Execution::started);
                Ok(json!({ "executionArn": arn, "startDate": seconds(started) }))
            }
            "DescribeExecution" => self.describe(text("executionArn")),
            "StopExecution" => self.stop(input, now),
            "GetExecutionHistory" => self.history(input),
            "ListExecutions" => Ok(self.list(text("stateMachineArn"), text("statusFilter"))),
            "ListStateMachines" => Ok(json!({ "stateMachines": self.list_machines() })),
            "DescribeStateMachine" => self.describe_machine(text("stateMachineArn")),
            "SendTaskSuccess" => {
                let output = parse_json(text("output"), "InvalidOutput")?;
                self.answer_token(
                    text("taskToken"),
                    |token| Delivery::TokenSucceeded { token, output },
                    now,
                )
            }
            "SendTaskFailure" => {
                let error = input["error"].as_str().map(str::to_owned);
                let cause = input["cause"].as_str().map(str::to_owned);
                self.answer_token(
                    text("taskToken"),
                    |token| Delivery::TokenFailed { token, error, cause },
                    now,
                )
            }
            "SendTaskHeartbeat" => {
                self.answer_token(text("taskToken"), |token| Delivery::TokenHeartbeat { token }, now)
            }
            other => Err(Fault::unknown_operation(other)),
        }
    }

    fn answer_token(
        &mut self,
        token: &str,
        delivery: impl FnOnce(TaskToken) -> Delivery,
        now: Timestamp,
    ) -> Result<Value, Fault> {
        let token = TaskToken::new(token);
        let owner = self
            .executions
            .iter()
            .find(|(_, held)| held.execution.knows_token(&token));
        let Some(arn) = owner.map(|(arn, _)| arn.clone()) else {
            return Err(Fault::new("InvalidToken", "Invalid Token"));
        };
        match self.deliver(&arn, delivery(token), now) {
            Ok(()) => Ok(json!({})),
            Err(DeliverError::UnknownToken) => Err(Fault::new("InvalidToken", "Invalid Token")),
            Err(error) => Err(Fault::new("TaskTimedOut", error.to_string())),
        }
    }

    fn find(&self, arn: &str) -> Result<&Held, Fault> {
        let missing = || {
            Fault::new(
                "ExecutionDoesNotExist",
                format!("Execution Does Not Exist: '{arn}'"),
            )
        };
        self.executions.get(arn).ok_or_else(missing)
    }

    fn describe(&self, arn: &str) -> Result<Value, Fault> {
        let execution = &self.find(arn)?.execution;
        let mut answer = summary(execution);
        answer["input"] = json!(execution.input().to_string());
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                answer[name] = json!(value);
            }
        };
        set("output", execution.output().map(Value::to_string));
        set("error", execution.error().map(str::to_owned));
        set("cause", execution.cause().map(str::to_owned));
        Ok(answer)
    }

    fn stop(&mut self, input: &Value, now: Timestamp) -> Result<Value, Fault> {
        let arn = input["executionArn"].as_str().unwrap_or_default().to_owned();
        self.find(&arn)?;
        let text = |name: &str| input[name].as_str().map(str::to_owned);
        self.deliver(
            &arn,
            Delivery::Stop {
                error: text("error"),
                cause: text("cause"),
            },
            now,
        )
        .ok();
        Ok(json!({ "stopDate": seconds(now) }))
    }

    /// Task tokens are left out: a history is for people.
    fn history(&self, input: &Value) -> Result<Value, Fault> {
        let execution = &self
            .find(input["executionArn"].as_str().unwrap_or_default())?
            .execution;
        let limit = input["maxResults"].as_u64().filter(|n| *n > 0).unwrap_or(1000);
        let limit = usize::try_from(limit).unwrap_or(1000).min(1000);
        let skip: usize = input["nextToken"]
            .as_str()
            .and_then(|token| token.parse().ok())
            .unwrap_or(0);
        let mut events: Vec<Value> = execution
            .history()
            .iter()
            .map(|event| redact(event.to_aws()))
            .collect();
        if input["reverseOrder"].as_bool() == Some(true) {
            events.reverse();
        }
        let total = events.len();
        let page: Vec<Value> = events.into_iter().skip(skip).take(limit).collect();
        let mut answer = json!({ "events": page });
        if skip + limit < total {
            answer["nextToken"] = json!((skip + limit).to_string());
        }
        Ok(answer)
    }

    fn list(&self, machine: &str, status: &str) -> Value {
        let mut all = self.executions();
        all.reverse();
        let of = |execution: &Execution| machine.is_empty() || execution.id().machine_arn == machine;
        let with = |execution: &Execution| status.is_empty() || execution.status().as_str() == status;
        let list: Vec<Value> = all
            .into_iter()
            .filter(|(_, execution)| of(execution) && with(execution))
            .map(|(_, execution)| summary(execution))
            .collect();
        json!({ "executions": list })
    }

    fn list_machines(&self) -> Vec<Value> {
        let one = |arn: &String| {
            json!({
                "stateMachineArn": arn,
                "name": arn.rsplit(':').next().unwrap_or_default(),
                "type": "STANDARD",
                "creationDate": 0.0,
            })
        };
        self.machines.keys().map(one).collect()
    }

    fn describe_machine(&self, arn: &str) -> Result<Value, Fault> {
        let missing = || {
            Fault::new(
                "StateMachineDoesNotExist",
                format!("State Machine Does Not Exist: '{arn}'"),
            )
        };
        let loaded = self.machines.get(arn).ok_or_else(missing)?;
        Ok(json!({
            "stateMachineArn": arn,
            "name": arn.rsplit(':').next().unwrap_or_default(),
            "status": "ACTIVE",
            "definition": loaded.definition,
            "roleArn": "arn:aws:iam::123456789012:role/tidegate",
            "type": "STANDARD",
            "creationDate": 0.0,
        }))
    }
}

fn summary(execution: &Execution) -> Value {
    let id = execution.id();
    let mut answer = json!({
        "executionArn": id.arn,
        "stateMachineArn": id.machine_arn,
        "name": id.name,
        "status": execution.status().as_str(),
        "startDate": seconds(execution.started()),
    });
    if let Some(stopped) = execution.stopped() {
        answer["stopDate"] = json!(seconds(stopped));
    }
    answer
}

/// Takes task tokens out of whatever a history event tells.
fn redact(mut event: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(walk),
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::String(text) if text.contains("\"token\"") => {
                if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                    hide(&mut inner);
                    *text = inner.to_string();
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    fn hide(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if name == "token" {
                        *member = json!("(hidden)");
                    } else {
                        hide(member);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(hide),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    walk(&mut event);
    event
}

fn parse_json(text: &str, code: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::new(code, format!("Invalid JSON: {error}")))
}

/// AWS JSON writes times as seconds.
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// `on-image-push` as `OnImagePush`.
fn pascal(name: &str) -> String {
    name.split('-')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}
