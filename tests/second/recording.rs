//! What happened on our interpreter in one scenario: every execution's path of states, and every
//! answer from outside that it got, in order. From the executions' own histories, so that nothing
//! about the interpreter or the local cloud has to be changed to record it.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_local::engine::Engine;
use tidegate_states::{ErrorDetails, EventKind, Execution, HistoryEvent, Integration, StateType};

use super::machines::{Lanes, TOP};
use super::paths::{Path, short_machine};

/// A wait that is never seen to its end, in real seconds: longer than any run of this suite.
const ENDLESS_SECONDS: u32 = 100_000;

/// A timeout that our interpreter saw come, in real seconds: after the function has answered.
const EXPIRES_SECONDS: u32 = 2;

/// One execution.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its ARN on our interpreter.
    pub arn: String,
    /// The name that it was started under.
    pub name: String,
    /// Its machine's short name.
    pub machine: String,
    /// Its input.
    pub input: Value,
    /// The execution that started it by a state of its own.
    pub parent: Option<String>,
    /// What it got from outside, in order.
    pub moves: Vec<Move>,
    /// Its states.
    pub path: Path,
}

/// Something from outside that an execution got.
#[derive(Debug, Clone)]
pub struct Move {
    /// States that it had entered by then, in all lanes.
    pub entered: usize,
    /// What it got.
    pub what: What,
}

/// What an execution can get.
#[derive(Debug, Clone)]
pub enum What {
    /// A function answered.
    Answer {
        /// Who called it.
        call: Call,
        /// Its answer.
        answer: Answer,
    },
    /// Someone answered a task's token.
    Token {
        /// Whose token.
        call: Call,
        /// The answer.
        answer: Answer,
        /// It came while the function that was to hand out the token was still running.
        early: bool,
    },
    /// A child was started; it runs to its end before anything else happens.
    Child {
        /// Its ARN on our interpreter.
        arn: String,
    },
    /// `StopExecution`.
    Stop(ErrorDetails),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The state that calls.
    pub state: String,
    /// ARN of the function.
    pub function: String,
    /// Its input.
    pub payload: Value,
}

/// The answer of a function, or to a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It went well.
    Good(Value),
    /// It failed.
    Bad {
        /// The error's name.
        error: String,
        /// What happened.
        cause: String,
    },
}

/// All executions of a scenario, in the order of their start.
pub fn record(engine: &Engine) -> Vec<Run> {
    engine
        .executions()
        .into_iter()
        .map(|(_, execution)| run(execution))
        .collect()
}

fn run(execution: &Execution) -> Run {
    let id = execution.id();
    let machine = short_machine(&id.machine_arn).to_owned();
    let lanes = Lanes::of(&machine);
    let mut recorder = Recorder::new(&lanes, execution.history());
    for event in execution.history() {
        recorder.note(event);
    }
    let input = execution.input().clone();
    Run {
        arn: id.arn.clone(),
        name: id.name.clone(),
        parent: input["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"]
            .as_str()
            .map(str::to_owned),
        path: Path {
            lanes: recorder.entered,
            status: execution.status().as_str().to_owned(),
            error: execution.error().map(str::to_owned),
        },
        moves: recorder.moves,
        machine,
        input,
    }
}

/// Reads a history from its beginning to its end.
struct Recorder<'a> {
    lanes: &'a Lanes,
    history: &'a [HistoryEvent],
    /// The lane of each event, by its number.
    lane_of: BTreeMap<u64, String>,
    /// The call that each lane waits for, and whether its function has returned.
    calls: BTreeMap<String, (Call, bool)>,
    entered: BTreeMap<String, Vec<String>>,
    moves: Vec<Move>,
}

impl<'a> Recorder<'a> {
    fn new(lanes: &'a Lanes, history: &'a [HistoryEvent]) -> Self {
        let mut lane_of: BTreeMap<u64, String> = BTreeMap::new();
        for event in history {
            // An event follows another one of its lane; the first of a lane enters a state.
            let lane = if let EventKind::StateEntered { name, .. } = &event.kind {
                lanes.lane(name)
            } else {
                lane_of.get(&event.previous_id).map_or(TOP, String::as_str)
            };
            let lane = lane.to_owned();
            lane_of.insert(event.id, lane);
        }
        Self {
            lanes,
            history,
            lane_of,
            calls: BTreeMap::new(),
            entered: BTreeMap::new(),
            moves: Vec::new(),
        }
    }

    fn lane(&self, event: &HistoryEvent) -> &str {
        self.lane_of.get(&event.id).map_or(TOP, String::as_str)
    }

    fn note(&mut self, event: &HistoryEvent) {
        let lane = self.lane(event).to_owned();
        match &event.kind {
            EventKind::StateEntered { name, .. } => {
                debug_assert_eq!(self.lanes.lane(name), lane);
                self.entered.entry(lane).or_default().push(name.clone());
            }
            EventKind::TaskScheduled { parameters, .. } => self.call(lane, parameters),
            EventKind::TaskSubmitted { integration, output } => {
                self.submitted(event, &lane, integration, output);
            }
            EventKind::TaskSucceeded { integration, output } => {
                let answer = Answer::Good(output.clone());
                self.answered(event, &lane, integration, answer);
            }
            EventKind::TaskFailed { integration, details } => {
                let answer = Answer::Bad {
                    error: details.error.clone().unwrap_or_default(),
                    cause: details.cause.clone().unwrap_or_default(),
                };
                self.answered(event, &lane, integration, answer);
            }
            EventKind::ExecutionAborted(details) => self.push(What::Stop(details.clone())),
            // These happen by themselves on both.
            EventKind::ExecutionStarted { .. }
            | EventKind::ExecutionSucceeded { .. }
            | EventKind::ExecutionFailed(_)
            | EventKind::ExecutionTimedOut(_)
            | EventKind::StateExited { .. }
            | EventKind::StateAborted { .. }
            | EventKind::ParallelStateStarted
            | EventKind::ParallelStateSucceeded
            | EventKind::ParallelStateFailed
            | EventKind::TaskStarted { .. }
            | EventKind::TaskTimedOut { .. } => {}
            // No machine of ours calls a function by its ARN alone.
            EventKind::LambdaFunctionScheduled { .. }
            | EventKind::LambdaFunctionStarted
            | EventKind::LambdaFunctionSucceeded { .. }
            | EventKind::LambdaFunctionFailed(_)
            | EventKind::LambdaFunctionTimedOut(_) => {}
        }
    }

    fn push(&mut self, what: What) {
        let entered = self.entered.values().map(Vec::len).sum();
        self.moves.push(Move { entered, what });
    }

    fn call(&mut self, lane: String, parameters: &Value) {
        let state = self.entered.get(&lane).and_then(|states| states.last());
        let call = Call {
            state: state.cloned().unwrap_or_default(),
            function: parameters["FunctionName"].as_str().unwrap_or_default().to_owned(),
            payload: parameters["Payload"].clone(),
        };
        self.calls.insert(lane, (call, false));
    }

    fn submitted(&mut self, event: &HistoryEvent, lane: &str, integration: &Integration, output: &Value) {
        if integration.resource_type == "states" {
            let arn = output["ExecutionArn"].as_str().unwrap_or_default().to_owned();
            return self.push(What::Child { arn });
        }
        let Some((call, returned)) = self.calls.get_mut(lane) else {
            return;
        };
        *returned = true;
        let call = call.clone();
        let answer = Answer::Good(self.paced(event, &output["Payload"]));
        self.push(What::Answer { call, answer });
    }

    fn answered(&mut self, event: &HistoryEvent, lane: &str, integration: &Integration, answer: Answer) {
        let Some((call, returned)) = self.calls.get(lane).cloned() else {
            return;
        };
        match integration.resource.as_str() {
            "invoke" => {
                let answer = match answer {
                    Answer::Good(output) => Answer::Good(self.paced(event, &output["Payload"])),
                    bad @ Answer::Bad { .. } => bad,
                };
                self.push(What::Answer { call, answer });
            }
            "invoke.waitForTaskToken" if returned || by_token(&call, &answer) => {
                let early = !returned;
                self.push(What::Token { call, answer, early });
            }
            "invoke.waitForTaskToken" => self.push(What::Answer { call, answer }),
            // A child's end, which happens by itself.
            _ => {}
        }
    }

    /// An answer with its `waitSeconds` such that the wait that follows it takes no time where it was
    /// seen to its end, and all the time that is needed where something came before.
    fn paced(&self, answered: &HistoryEvent, output: &Value) -> Value {
        let mut output = output.clone();
        if output["waitSeconds"].is_number()
            && let Some(seconds) = self.pace(answered)
        {
            output["waitSeconds"] = seconds.into();
        }
        output
    }

    /// How long the Wait or the approval takes that follows an answer; none where another function does.
    fn pace(&self, answered: &HistoryEvent) -> Option<u32> {
        let lane = self.lane(answered);
        let mut later = self
            .history
            .iter()
            .filter(|event| event.id > answered.id && self.lane(event) == lane);
        let entered = |event: &HistoryEvent| {
            let EventKind::StateEntered { state, .. } = &event.kind else {
                return None;
            };
            Some(*state)
        };
        let state = later
            .by_ref()
            .find_map(|event| entered(event).filter(|state| *state != StateType::Choice));
        let left = later.next().map(|event| &event.kind);
        match state? {
            StateType::Wait if matches!(left, Some(EventKind::StateExited { .. })) => Some(0),
            StateType::Wait => Some(ENDLESS_SECONDS),
            StateType::Task => Some(self.patience(answered)),
            StateType::Choice
            | StateType::Parallel
            | StateType::Pass
            | StateType::Succeed
            | StateType::Fail => None,
        }
    }

    /// How long the task after an answer may take: what it has to be given where it is an approval.
    fn patience(&self, answered: &HistoryEvent) -> u32 {
        let lane = self.lane(answered);
        let mut tasks = 0;
        let timed_out = self
            .history
            .iter()
            .filter(|event| event.id > answered.id && self.lane(event) == lane)
            .take_while(|event| {
                if matches!(
                    event.kind,
                    EventKind::StateEntered {
                        state: StateType::Task,
                        ..
                    }
                ) {
                    tasks += 1;
                }
                tasks < 2
            })
            .any(|event| matches!(event.kind, EventKind::TaskTimedOut { .. }));
        if timed_out {
            EXPIRES_SECONDS
        } else {
            ENDLESS_SECONDS
        }
    }
}

/// Whether a task with a token, whose function has not returned, was answered by its token.
fn by_token(call: &Call, answer: &Answer) -> bool {
    match answer {
        Answer::Good(_) => true,
        // The handle's function never fails by this name; whoever stops a deployment fails its token.
        Answer::Bad { error, .. } => call.function.ends_with("abort-handle") && error == "AbortRequested",
    }
}
