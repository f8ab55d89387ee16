//! What can go wrong at load and at delivery.

use std::fmt;

use crate::ids::TaskId;

/// Where in a definition an error stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The outermost object.
    Machine,
    /// The state of this name.
    State(String),
    /// The branch at `index` (from 0) of the Parallel state `state`.
    Branch {
        /// Name of the Parallel state.
        state: String,
        /// Position of the branch, from 0.
        index: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("the machine"),
            Self::State(state) => write!(f, "state `{state}`"),
            Self::Branch { state, index } => write!(f, "branch {index} of state `{state}`"),
        }
    }
}

/// Why a definition is refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The text is not JSON, or a key stands twice in one object.
    #[error("failed to read the definition as JSON")]
    Json {
        /// What the JSON reader says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// The definition is longer than Step Functions takes
    /// (AWS page "Step Functions service quotas": 1 MB).
    #[error("the definition has {bytes} bytes, more than the {limit} that are allowed")]
    TooLarge {
        /// Length of the definition in bytes.
        bytes: usize,
        /// The most that is allowed, in bytes.
        limit: usize,
    },
    /// `${name}` stands in the text and no value is given for it.
    #[error("failed to substitute `${{{name}}}`: no value of that name is given")]
    UnknownSubstitution {
        /// The name between the braces.
        name: String,
    },
    /// `${` without its closing brace, or with a name that can't be one.
    #[error("failed to substitute at byte {offset}: `${{` is not followed by a name and `}}`")]
    MalformedSubstitution {
        /// Byte at which `${` stands.
        offset: usize,
    },
    /// A field that this subset of the language does not have there.
    #[error("{place}: field `{field}` is not supported here")]
    UnknownField {
        /// Where it stands.
        place: Place,
        /// The field, with its way from the place (`Retry[0].Interval`).
        field: String,
    },
    /// A field that must be there is not.
    #[error("{place}: field `{field}` is missing")]
    MissingField {
        /// Where it should stand.
        place: Place,
        /// The field.
        field: String,
    },
    /// A field's value is not one that this subset of the language takes.
    #[error("{place}: field `{field}` {reason}")]
    InvalidField {
        /// Where it stands.
        place: Place,
        /// The field.
        field: String,
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
    /// A field names a state that is not among its neighbours.
    #[error("{place}: field `{field}` leads to `{target}`, which is not a state there")]
    UnknownTarget {
        /// Where it stands.
        place: Place,
        /// The field.
        field: String,
        /// The name that leads nowhere.
        target: String,
    },
    /// Two states of one machine share a name, which AWS refuses even across
    /// branches.
    #[error("state `{state}`: another state of this machine has the same name")]
    DuplicateState {
        /// The name.
        state: String,
    },
    /// No way leads from the start to this state.
    #[error("state `{state}`: no way leads here from the start")]
    UnreachableState {
        /// The state.
        state: String,
    },
    /// No way leads from this state to an end, so an execution could never end.
    #[error("state `{state}`: no way leads from here to an end")]
    EndlessState {
        /// The state.
        state: String,
    },
}

/// Why a delivery is refused. The execution is unchanged then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliverError {
    /// This execution never gave out that token (AWS: `InvalidToken`, or
    /// `TaskDoesNotExist`).
    #[error("the task token is not one of this execution")]
    UnknownToken,
    /// The token's task has ended: answered, timed out, or cancelled (AWS:
    /// `TaskTimedOut`).
    #[error("{task} has already ended")]
    TaskEnded {
        /// The task.
        task: TaskId,
    },
    /// This execution never asked for that task.
    #[error("{task} is not a task of this execution")]
    UnknownTask {
        /// The task.
        task: TaskId,
    },
    /// The kind of the answer does not fit what was asked for, such as a
    /// function's output for a child execution.
    #[error("{task} was asked for another kind of answer")]
    WrongAnswer {
        /// The task.
        task: TaskId,
    },
}
