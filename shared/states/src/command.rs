//! What an execution asks of its host, and what the host answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{TaskId, TaskToken};

/// What the host has to do. Carry it out after the execution is stored, so
/// that a crash between the two is repaired by
/// [`outstanding`](crate::Execution::outstanding).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Call a function. Answer with [`Delivery::TaskSucceeded`] or
    /// [`Delivery::TaskFailed`], also where a token is given.
    Invoke {
        /// The task to answer.
        task: TaskId,
        /// The function's name or ARN, as the definition gives it.
        function: String,
        /// The function's input.
        payload: Value,
        /// The token that the payload hands out, for the host to know whose it
        /// is. Only a token's delivery ends such a task well.
        token: Option<TaskToken>,
    },
    /// Start a machine. Answer with [`Delivery::ExecutionStarted`] and, when it
    /// ends, [`Delivery::ExecutionEnded`]; with [`Delivery::TaskFailed`] where
    /// it can't be started.
    StartExecution {
        /// The task to answer.
        task: TaskId,
        /// ARN of the machine.
        machine_arn: String,
        /// The name to start under. The same for the same task, so that
        /// starting again after a crash is idempotent.
        name: String,
        /// The child's input.
        input: Value,
    },
    /// The task has ended without its answer: it timed out, or its branch or
    /// the execution was stopped. A function that runs keeps running, as on
    /// AWS, and its answer is ignored; a child execution is to be stopped.
    Cancelled {
        /// The task.
        task: TaskId,
    },
}

/// What the host reports to an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Delivery {
    /// A function returned.
    TaskSucceeded {
        /// The task.
        task: TaskId,
        /// What the function returned.
        output: Value,
    },
    /// A function failed, or a call or a start was refused.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// The error's name: what Retry and Catch compare.
        error: String,
        /// What happened, for people.
        cause: String,
    },
    /// `SendTaskSuccess`.
    TokenSucceeded {
        /// The task's token.
        token: TaskToken,
        /// The task's result.
        output: Value,
    },
    /// `SendTaskFailure`.
    TokenFailed {
        /// The task's token.
        token: TaskToken,
        /// The error's name, which AWS lets callers leave out.
        error: Option<String>,
        /// What happened, for people.
        cause: Option<String>,
    },
    /// `SendTaskHeartbeat`.
    TokenHeartbeat {
        /// The task's token.
        token: TaskToken,
    },
    /// A child execution was started: it will not be asked for again.
    ExecutionStarted {
        /// The task.
        task: TaskId,
        /// The child's ARN.
        arn: String,
    },
    /// A child execution ended. [`crate::Execution::ended`] makes the report.
    ExecutionEnded {
        /// The task.
        task: TaskId,
        /// How it ended.
        result: EndedExecution,
    },
    /// `StopExecution`.
    Stop {
        /// An error's name, if the caller gives one.
        error: Option<String>,
        /// Why, for people.
        cause: Option<String>,
    },
}

/// How far an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It has not ended.
    Running,
    /// It reached an end.
    Succeeded,
    /// A failure reached its top.
    Failed,
    /// It took longer than the machine's `TimeoutSeconds`.
    TimedOut,
    /// It was stopped.
    Aborted,
}

impl Status {
    /// AWS's word for it, such as `TIMED_OUT`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

/// An execution that has ended, as `DescribeExecution` would tell of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedExecution {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// ARN of its machine.
    pub machine_arn: String,
    /// What it was started with.
    pub input: Value,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub stopped: Timestamp,
    /// How it ended.
    pub ending: Ending,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    /// Well.
    Succeeded {
        /// Its output.
        output: Value,
    },
    /// With a failure.
    Failed {
        /// The error's name.
        error: Option<String>,
        /// What happened, for people.
        cause: Option<String>,
    },
    /// It took longer than the machine allows.
    TimedOut {
        /// The error's name.
        error: Option<String>,
        /// What happened, for people.
        cause: Option<String>,
    },
    /// It was stopped.
    Aborted {
        /// The error's name.
        error: Option<String>,
        /// What happened, for people.
        cause: Option<String>,
    },
}

impl Ending {
    /// The status that belongs to it.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Succeeded { .. } => Status::Succeeded,
            Self::Failed { .. } => Status::Failed,
            Self::TimedOut { .. } => Status::TimedOut,
            Self::Aborted { .. } => Status::Aborted,
        }
    }

    /// The output, where it ended well.
    #[must_use]
    pub fn output(&self) -> Option<&Value> {
        match self {
            Self::Succeeded { output } => Some(output),
            Self::Failed { .. } | Self::TimedOut { .. } | Self::Aborted { .. } => None,
        }
    }

    /// The error's name, where there is one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Succeeded { .. } => None,
            Self::Failed { error, .. } | Self::TimedOut { error, .. } | Self::Aborted { error, .. } => {
                error.as_deref()
            }
        }
    }

    /// What happened, where it did not end well.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Succeeded { .. } => None,
            Self::Failed { cause, .. } | Self::TimedOut { cause, .. } | Self::Aborted { cause, .. } => {
                cause.as_deref()
            }
        }
    }
}

impl EndedExecution {
    /// What `startExecution.sync:2` gives its task: input and output as JSON,
    /// not as text, and instants in milliseconds (AWS page "Start a new state
    /// machine from a running execution").
    pub(crate) fn to_result(&self) -> Value {
        let mut fields = Map::new();
        let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        set("ExecutionArn", self.arn.as_str().into());
        set("Input", self.input.clone());
        set("Name", self.name.as_str().into());
        set("StartDate", self.started.as_millisecond().into());
        set("StateMachineArn", self.machine_arn.as_str().into());
        set("Status", self.ending.status().as_str().into());
        set("StopDate", self.stopped.as_millisecond().into());
        if let Some(output) = self.ending.output() {
            set("Output", output.clone());
        }
        if let Some(error) = self.ending.error() {
            set("Error", error.into());
        }
        if let Some(cause) = self.ending.cause() {
            set("Cause", cause.into());
        }
        Value::Object(fields)
    }
}
