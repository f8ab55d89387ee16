//! One run of a machine: its state, and what can be asked of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{Command, Delivery, EndedExecution, Ending, Status};
use crate::error::DeliverError;
use crate::history::HistoryEvent;
use crate::ids::{ExecutionId, TaskId, TaskToken};
use crate::machine::Machine;
use crate::run::Run;

/// One run of a machine.
///
/// It is plain data: store it (it serialises) after each call and before the
/// commands are carried out, and it survives any crash. The machine is given to
/// each call and must be the one that the execution was started with, since a
/// running execution keeps its definition when the machine is updated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    pub(crate) id: ExecutionId,
    pub(crate) input: Value,
    pub(crate) started: Timestamp,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) ended: Option<Ended>,
    /// Empty once the execution has ended.
    pub(crate) branches: BTreeMap<BranchId, Branch>,
    pub(crate) next_branch: u64,
    pub(crate) next_task: u64,
    pub(crate) random: u64,
    pub(crate) transitions: u64,
    pub(crate) history: Vec<HistoryEvent>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    pub(crate) ending: Ending,
}

/// A line of states: the machine's own, or one of a Parallel state's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct BranchId(pub(crate) u64);

impl BranchId {
    /// The machine's own line.
    pub(crate) const ROOT: Self = Self(0);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Branch {
    /// The branch whose Parallel state this is a branch of.
    pub(crate) parent: Option<BranchId>,
    /// The event that the next one of this branch follows.
    pub(crate) last_event: u64,
    pub(crate) stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Between two states.
    Moving,
    In(Box<Visit>),
    /// Ended with this output, while its siblings go on.
    Done(Value),
}

/// A stay in a state, over all its retries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visit {
    pub(crate) state: String,
    pub(crate) entered: Timestamp,
    /// The raw input, before `InputPath`.
    pub(crate) input: Value,
    /// Attempts made by each retrier.
    pub(crate) attempts: Vec<u32>,
    pub(crate) retries: u32,
    pub(crate) activity: Activity,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Activity {
    /// Nothing that lasts: only seen while the state is worked on.
    Working,
    Task(Pending),
    Wait {
        until: Timestamp,
    },
    Backoff {
        until: Timestamp,
    },
    /// Children in the order of the definition.
    Parallel {
        children: Vec<BranchId>,
    },
}

/// A task without its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) id: TaskId,
    pub(crate) call: Call,
    pub(crate) token: Option<TaskToken>,
    /// Whether the host has confirmed the call: the function of a token task
    /// has returned, or the child execution has been started.
    pub(crate) confirmed: bool,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) heartbeat: Option<Heartbeat>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heartbeat {
    pub(crate) seconds: u32,
    pub(crate) due: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Call {
    /// A function whose output is the result.
    Plain { function: String, payload: Value },
    /// A function by the integration, which wraps the output.
    Invoke { function: String, payload: Value },
    StartExecution {
        machine_arn: String,
        name: String,
        input: Value,
    },
}

impl Pending {
    pub(crate) fn to_command(&self) -> Command {
        match &self.call {
            Call::Plain { function, payload } | Call::Invoke { function, payload } => Command::Invoke {
                task: self.id,
                function: function.clone(),
                payload: payload.clone(),
                token: self.token.clone(),
            },
            Call::StartExecution {
                machine_arn,
                name,
                input,
            } => Command::StartExecution {
                task: self.id,
                machine_arn: machine_arn.clone(),
                name: name.clone(),
                input: input.clone(),
            },
        }
    }

    /// When it times out if nothing comes.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let heartbeat = self.heartbeat.as_ref().map(|heartbeat| heartbeat.due);
        self.deadline.into_iter().chain(heartbeat).min()
    }
}

impl Activity {
    /// When it goes on by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Working | Self::Parallel { .. } => None,
            Self::Task(pending) => pending.due(),
            Self::Wait { until } | Self::Backoff { until } => Some(*until),
        }
    }
}

impl Branch {
    pub(crate) fn visit(&self) -> Option<&Visit> {
        match &self.stage {
            Stage::In(visit) => Some(visit),
            Stage::Moving | Stage::Done(_) => None,
        }
    }

    pub(crate) fn pending(&self) -> Option<&Pending> {
        match &self.visit()?.activity {
            Activity::Task(pending) => Some(pending),
            Activity::Working
            | Activity::Wait { .. }
            | Activity::Backoff { .. }
            | Activity::Parallel { .. } => None,
        }
    }
}

impl Execution {
    /// Starts a machine, and returns the first things to do.
    ///
    /// `seed` feeds the jitter of retries: the same seed and the same
    /// deliveries give the same execution. An input over
    /// [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES) fails the execution at
    /// once with `States.DataLimitExceeded`.
    #[must_use]
    pub fn start(
        machine: &Machine,
        id: ExecutionId,
        input: Value,
        now: Timestamp,
        seed: u64,
    ) -> (Self, Vec<Command>) {
        let mut execution = Self {
            id,
            input,
            started: now,
            deadline: machine
                .timeout_seconds
                .map(|seconds| crate::run::later(now, seconds)),
            ended: None,
            branches: BTreeMap::new(),
            next_branch: 1,
            next_task: 1,
            random: seed,
            transitions: 1,
            history: Vec::new(),
        };
        let commands = Run::new(machine, &mut execution, now).start();
        (execution, commands)
    }

    /// Reports what happened outside.
    ///
    /// An answer that comes at or after its task's deadline no longer counts,
    /// whether [`tick`](Self::tick) has seen the deadline or not. A late answer
    /// of a function or a child execution is ignored without error.
    ///
    /// # Errors
    ///
    /// [`DeliverError`] where the token or the task is not, or no longer, one
    /// to answer; the execution is unchanged then.
    pub fn deliver(
        &mut self,
        machine: &Machine,
        now: Timestamp,
        delivery: Delivery,
    ) -> Result<Vec<Command>, DeliverError> {
        Run::new(machine, self, now).deliver(delivery)
    }

    /// Does what is due at `now`: waits and retries that are over, timeouts,
    /// missed heartbeats. Does nothing before [`next_wake`](Self::next_wake).
    pub fn tick(&mut self, machine: &Machine, now: Timestamp) -> Vec<Command> {
        Run::new(machine, self, now).tick()
    }

    /// When [`tick`](Self::tick) next has something to do, if nothing is
    /// delivered before.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let machine = self.deadline.filter(|_| self.ended.is_none());
        let activities = self
            .branches
            .values()
            .filter_map(|branch| branch.visit()?.activity.due());
        activities.chain(machine).min()
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.ended
            .as_ref()
            .map_or(Status::Running, |ended| ended.ending.status())
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// What it was started with.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.input
    }

    /// Its output, once it has succeeded.
    #[must_use]
    pub fn output(&self) -> Option<&Value> {
        self.ended.as_ref()?.ending.output()
    }

    /// The error that ended it.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.ended.as_ref()?.ending.error()
    }

    /// What happened, where an error ended it.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.ended.as_ref()?.ending.cause()
    }

    /// When it was started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// When it ended.
    #[must_use]
    pub fn stopped(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|ended| ended.at)
    }

    /// The report of its end, for [`Delivery::ExecutionEnded`] to the execution
    /// that started it.
    #[must_use]
    pub fn ended(&self) -> Option<EndedExecution> {
        let ended = self.ended.as_ref()?;
        Some(EndedExecution {
            arn: self.id.arn.clone(),
            name: self.id.name.clone(),
            machine_arn: self.id.machine_arn.clone(),
            input: self.input.clone(),
            started: self.started,
            stopped: ended.at,
            ending: ended.ending.clone(),
        })
    }

    /// The calls and starts that were asked for and not confirmed, to be asked
    /// for again after the host was restarted. A token's task whose function
    /// has returned, and a child that was reported as started, are not among
    /// them.
    #[must_use]
    pub fn outstanding(&self) -> Vec<Command> {
        let pending = self.branches.values().filter_map(Branch::pending);
        pending
            .filter(|pending| !pending.confirmed)
            .map(Pending::to_command)
            .collect()
    }

    /// The child executions that were reported as started and have not ended,
    /// by task, machine and name: a restarted host has to report their end.
    #[must_use]
    pub fn running_children(&self) -> Vec<(TaskId, &str, &str)> {
        let pending = self
            .branches
            .values()
            .filter_map(Branch::pending)
            .filter(|pending| pending.confirmed);
        let children = pending.filter_map(|pending| match &pending.call {
            Call::StartExecution {
                machine_arn, name, ..
            } => Some((pending.id, machine_arn.as_str(), name.as_str())),
            Call::Plain { .. } | Call::Invoke { .. } => None,
        });
        children.collect()
    }

    /// The tokens that can be answered now.
    #[must_use]
    pub fn open_tokens(&self) -> Vec<&TaskToken> {
        self.branches
            .values()
            .filter_map(|branch| branch.pending()?.token.as_ref())
            .collect()
    }

    /// Whether this execution gave out the token, be its task over or not.
    #[must_use]
    pub fn knows_token(&self, token: &TaskToken) -> bool {
        self.task_of(token).is_some()
    }

    /// The task of a token. Tokens are derived, so nothing is kept of those
    /// whose task is over.
    pub(crate) fn task_of(&self, token: &TaskToken) -> Option<TaskId> {
        let tasks = (1..self.next_task).rev().map(TaskId);
        tasks
            .into_iter()
            .find(|task| TaskToken::derive(&self.id.arn, *task) == *token)
    }

    /// What has happened so far, oldest first.
    #[must_use]
    pub fn history(&self) -> &[HistoryEvent] {
        &self.history
    }

    /// State transitions as AWS bills them for standard workflows: each state
    /// entered, each retry, the start and the end (AWS page "AWS Step Functions
    /// pricing": a transition is counted "each time a step of your workflow is
    /// executed", retries included).
    #[must_use]
    pub fn transitions(&self) -> u64 {
        self.transitions
    }

    /// The states that it is in, one for each branch that has not ended; a
    /// Parallel state stands for itself only in its branches.
    #[must_use]
    pub fn current_states(&self) -> Vec<String> {
        let visits = self.branches.values().filter_map(Branch::visit);
        let leaves = visits.filter(|visit| !matches!(visit.activity, Activity::Parallel { .. }));
        leaves.map(|visit| visit.state.clone()).collect()
    }
}
