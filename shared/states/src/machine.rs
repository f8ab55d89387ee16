//! A definition that was read and found sound.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::choice::Test;
use crate::error::LoadError;
use crate::path::Path;
use crate::retry::{Catcher, Retrier};
use crate::template::{Expression, Template};

/// A state machine, ready to run: every state in it can be reached, can reach
/// an end, and uses only what this interpreter knows.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) comment: Option<String>,
    pub(crate) timeout_seconds: Option<u32>,
    pub(crate) start_at: String,
    /// Every state, those in branches too: names are unique in a machine.
    pub(crate) states: BTreeMap<String, State>,
}

/// The kinds of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateType {
    /// Calls a function or another machine.
    Task,
    /// Goes one of several ways.
    Choice,
    /// Lets time pass.
    Wait,
    /// Runs branches side by side.
    Parallel,
    /// Passes its input on, changed or not.
    Pass,
    /// Ends well.
    Succeed,
    /// Ends badly.
    Fail,
}

impl fmt::Display for StateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Task => "Task",
            Self::Choice => "Choice",
            Self::Wait => "Wait",
            Self::Parallel => "Parallel",
            Self::Pass => "Pass",
            Self::Succeed => "Succeed",
            Self::Fail => "Fail",
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) comment: Option<String>,
    /// The Parallel state and the number of its branch that it stands in.
    pub(crate) inside: Option<(String, usize)>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Task(Box<TaskState>),
    Choice(ChoiceState),
    Wait(WaitState),
    Parallel(Box<ParallelState>),
    Pass(Box<PassState>),
    Succeed(Filters),
    Fail(FailState),
}

/// Where a state leads when it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Next(String),
    End,
}

/// `InputPath` and `OutputPath`; `None` is their `null`, an empty object.
#[derive(Clone, Debug)]
pub(crate) struct Filters {
    pub(crate) input: Option<Path>,
    pub(crate) output: Option<Path>,
}

/// What Task and Parallel states share: they have a result, and can fail.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    pub(crate) filters: Filters,
    pub(crate) parameters: Option<Template>,
    pub(crate) result_selector: Option<Template>,
    /// `None` is `null`: the result is dropped.
    pub(crate) result_path: Option<Path>,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
    pub(crate) then: Then,
}

#[derive(Clone, Debug)]
pub(crate) struct TaskState {
    pub(crate) effort: Effort,
    pub(crate) resource: Resource,
    pub(crate) timeout: Option<Seconds>,
    pub(crate) heartbeat_seconds: Option<u32>,
}

/// What a Task state calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// A function by its ARN: its output is the result.
    Function { arn: String },
    /// `lambda:invoke`, the integration, without or with `.waitForTaskToken`.
    Invoke { wait_for_token: bool },
    /// `states:startExecution.sync:2`.
    StartExecution,
}

/// Seconds as a number or read from the state's data.
#[derive(Clone, Debug)]
pub(crate) enum Seconds {
    Fixed(u32),
    At(Path),
}

#[derive(Clone, Debug)]
pub(crate) struct ChoiceState {
    pub(crate) filters: Filters,
    pub(crate) rules: Vec<Rule>,
    pub(crate) default: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) test: Test,
    pub(crate) next: String,
}

#[derive(Clone, Debug)]
pub(crate) struct WaitState {
    pub(crate) filters: Filters,
    pub(crate) until: Until,
    pub(crate) then: Then,
}

#[derive(Clone, Debug)]
pub(crate) enum Until {
    After(Seconds),
    Timestamp(jiff::Timestamp),
    TimestampAt(Path),
}

#[derive(Clone, Debug)]
pub(crate) struct ParallelState {
    pub(crate) effort: Effort,
    /// The first state of each branch.
    pub(crate) branches: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct PassState {
    pub(crate) filters: Filters,
    pub(crate) parameters: Option<Template>,
    pub(crate) result: Option<Value>,
    pub(crate) result_path: Option<Path>,
    pub(crate) then: Then,
}

/// A text as it stands or computed.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Fixed(String),
    Computed(Expression),
}

#[derive(Clone, Debug)]
pub(crate) struct FailState {
    pub(crate) error: Option<Text>,
    pub(crate) cause: Option<Text>,
}

/// A state as a drawing or a linter sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: StateType,
    /// Its `Comment`.
    pub comment: Option<&'a str>,
    /// The Parallel state and the number of its branch (from 0) in which it
    /// stands; `None` at the outermost level.
    pub inside: Option<(&'a str, usize)>,
    /// Where it leads; empty where a branch or the machine ends here.
    pub nexts: Vec<Edge<'a>>,
    /// First state of each branch of a Parallel state.
    pub branches: Vec<&'a str>,
    /// A Task's `Resource`.
    pub resource: Option<&'a str>,
    /// Whether a Task has a `TimeoutSeconds` or `TimeoutSecondsPath`.
    pub has_timeout: bool,
    /// `ErrorEquals` of each retrier, in order.
    pub retries: Vec<&'a [String]>,
}

/// One way out of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// The state that it leads to.
    pub to: &'a str,
    /// When it is taken.
    pub when: EdgeKind<'a>,
}

/// When a way out of a state is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeKind<'a> {
    /// When the state is done.
    Next,
    /// When this rule of a Choice state holds, in words.
    Rule(String),
    /// When no rule of a Choice state holds.
    Default,
    /// When the state failed with one of these errors.
    Catch(&'a [String]),
}

impl Machine {
    /// Reads a definition, after [`crate::substitute`].
    ///
    /// # Errors
    ///
    /// [`LoadError`] names the state and the field that this interpreter does
    /// not support, or that makes no sense.
    pub fn parse(text: &str) -> Result<Self, LoadError> {
        let machine = crate::load::machine(text)?;
        crate::validate::check(&machine)?;
        Ok(machine)
    }

    /// The machine's `Comment`.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// The machine's own `TimeoutSeconds`.
    #[must_use]
    pub fn timeout_seconds(&self) -> Option<u32> {
        self.timeout_seconds
    }

    /// The state that an execution begins with.
    #[must_use]
    pub fn start_at(&self) -> &str {
        &self.start_at
    }

    /// Every state, in the order in which a reader meets them from the start:
    /// breadth first, a Parallel state's branches before what follows it.
    #[must_use]
    pub fn states(&self) -> Vec<StateView<'_>> {
        let mut order: Vec<&str> = vec![&self.start_at];
        let mut views = Vec::new();
        let mut at = 0;
        while let Some(name) = order.get(at).copied() {
            at += 1;
            let Some(view) = self.view(name) else {
                continue;
            };
            let ways = view
                .branches
                .iter()
                .copied()
                .chain(view.nexts.iter().map(|edge| edge.to));
            for to in ways {
                if !order.contains(&to) {
                    order.push(to);
                }
            }
            views.push(view);
        }
        views
    }

    pub(crate) fn state(&self, name: &str) -> Option<&State> {
        self.states.get(name)
    }

    pub(crate) fn view(&self, name: &str) -> Option<StateView<'_>> {
        let (name, state) = self.states.get_key_value(name)?;
        let effort = state.kind.effort();
        let task = match &state.kind {
            Kind::Task(task) => Some(task),
            Kind::Choice(_)
            | Kind::Wait(_)
            | Kind::Parallel(_)
            | Kind::Pass(_)
            | Kind::Succeed(_)
            | Kind::Fail(_) => None,
        };
        Some(StateView {
            name,
            kind: state.kind.state_type(),
            comment: state.comment.as_deref(),
            inside: state
                .inside
                .as_ref()
                .map(|(parent, branch)| (parent.as_str(), *branch)),
            nexts: state.kind.edges(),
            branches: state.kind.branches().iter().map(String::as_str).collect(),
            resource: task.map(|task| task.resource.as_str()),
            has_timeout: task.is_some_and(|task| task.timeout.is_some()),
            retries: effort.map_or_else(Vec::new, |e| {
                e.retry.iter().map(|r| r.errors.as_slice()).collect()
            }),
        })
    }
}

impl Kind {
    pub(crate) fn state_type(&self) -> StateType {
        match self {
            Self::Task(_) => StateType::Task,
            Self::Choice(_) => StateType::Choice,
            Self::Wait(_) => StateType::Wait,
            Self::Parallel(_) => StateType::Parallel,
            Self::Pass(_) => StateType::Pass,
            Self::Succeed(_) => StateType::Succeed,
            Self::Fail(_) => StateType::Fail,
        }
    }

    /// What Task and Parallel states share; `None` for the others.
    pub(crate) fn effort(&self) -> Option<&Effort> {
        match self {
            Self::Task(task) => Some(&task.effort),
            Self::Parallel(parallel) => Some(&parallel.effort),
            Self::Choice(_) | Self::Wait(_) | Self::Pass(_) | Self::Succeed(_) | Self::Fail(_) => None,
        }
    }

    pub(crate) fn branches(&self) -> &[String] {
        match self {
            Self::Parallel(parallel) => &parallel.branches,
            Self::Task(_)
            | Self::Choice(_)
            | Self::Wait(_)
            | Self::Pass(_)
            | Self::Succeed(_)
            | Self::Fail(_) => &[],
        }
    }

    /// Where the state leads when done; `None` for states with other ways out.
    pub(crate) fn then(&self) -> Option<&Then> {
        match self {
            Self::Task(task) => Some(&task.effort.then),
            Self::Parallel(parallel) => Some(&parallel.effort.then),
            Self::Wait(wait) => Some(&wait.then),
            Self::Pass(pass) => Some(&pass.then),
            Self::Choice(_) | Self::Succeed(_) | Self::Fail(_) => None,
        }
    }

    fn edges(&self) -> Vec<Edge<'_>> {
        let mut edges = Vec::new();
        if let Some(Then::Next(to)) = self.then() {
            edges.push(Edge {
                to,
                when: EdgeKind::Next,
            });
        }
        if let Self::Choice(choice) = self {
            edges.extend(choice.rules.iter().map(|rule| Edge {
                to: &rule.next,
                when: EdgeKind::Rule(rule.test.to_string()),
            }));
            edges.extend(choice.default.iter().map(|to| Edge {
                to,
                when: EdgeKind::Default,
            }));
        }
        let catchers = self.effort().map_or(&[][..], |effort| &effort.catch);
        edges.extend(catchers.iter().map(|catcher| Edge {
            to: &catcher.next,
            when: EdgeKind::Catch(&catcher.errors),
        }));
        edges
    }

    /// Whether a branch or the machine can end with this state.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Succeed(_) | Self::Fail(_)) || self.then() == Some(&Then::End)
    }
}

pub(crate) const INVOKE: &str = "arn:aws:states:::lambda:invoke";
pub(crate) const INVOKE_WITH_TOKEN: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
pub(crate) const START_EXECUTION: &str = "arn:aws:states:::states:startExecution.sync:2";

impl Resource {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Function { arn } => arn,
            Self::Invoke {
                wait_for_token: false,
            } => INVOKE,
            Self::Invoke { wait_for_token: true } => INVOKE_WITH_TOKEN,
            Self::StartExecution => START_EXECUTION,
        }
    }

    pub(crate) fn waits_for_token(&self) -> bool {
        *self == Self::Invoke { wait_for_token: true }
    }
}
