//! How a state fails, and the error names that the language reserves.

use serde_json::{Value, json};

/// Reserved error names (Amazon States Language, "Errors", appendix A, and AWS
/// page "Handling errors in Step Functions workflows").
pub mod names {
    /// Matches every error but [`RUNTIME`] and [`DATA_LIMIT_EXCEEDED`].
    pub const ALL: &str = "States.ALL";
    /// A task failed; as a matcher, every error but the timeouts and what
    /// [`ALL`] leaves out.
    pub const TASK_FAILED: &str = "States.TaskFailed";
    /// A task or the execution took longer than `TimeoutSeconds`; as a
    /// matcher, a missed heartbeat too.
    pub const TIMEOUT: &str = "States.Timeout";
    /// No heartbeat came within `HeartbeatSeconds`.
    pub const HEARTBEAT_TIMEOUT: &str = "States.HeartbeatTimeout";
    /// The definition can't be applied to the data. Nothing catches it.
    pub const RUNTIME: &str = "States.Runtime";
    /// A payload is over 256 KiB. Only its own name catches it.
    pub const DATA_LIMIT_EXCEEDED: &str = "States.DataLimitExceeded";
    /// No rule of a Choice state matched and it has no `Default`.
    pub const NO_CHOICE_MATCHED: &str = "States.NoChoiceMatched";
    /// A path in `Parameters` or `ResultSelector` leads nowhere.
    pub const PARAMETER_PATH_FAILURE: &str = "States.ParameterPathFailure";
    /// `ResultPath` can't be applied to the state's input.
    pub const RESULT_PATH_MATCH_FAILURE: &str = "States.ResultPathMatchFailure";
    /// As a matcher, any failure of a Parallel state's branch.
    pub const BRANCH_FAILED: &str = "States.BranchFailed";
    /// An intrinsic function can't be applied to its arguments.
    pub const INTRINSIC_FAILURE: &str = "States.IntrinsicFailure";
    /// The role lacks a permission; a host may report it.
    pub const PERMISSIONS: &str = "States.Permissions";

    /// Every reserved name that `ErrorEquals` may hold.
    pub(crate) const MATCHABLE: [&str; 11] = [
        ALL,
        TASK_FAILED,
        TIMEOUT,
        HEARTBEAT_TIMEOUT,
        DATA_LIMIT_EXCEEDED,
        NO_CHOICE_MATCHED,
        PARAMETER_PATH_FAILURE,
        RESULT_PATH_MATCH_FAILURE,
        BRANCH_FAILED,
        INTRINSIC_FAILURE,
        PERMISSIONS,
    ];
}

/// An error on its way to a retrier, a catcher or the end of the execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
    /// Whether it came out of a branch of the Parallel state that it now fails.
    pub(crate) from_branch: bool,
}

impl Failure {
    pub(crate) fn new(error: &str, cause: impl Into<String>) -> Self {
        Self::reported(Some(error.to_owned()), Some(cause.into()))
    }

    /// A failure as a function, a token's holder or a Fail state words it.
    pub(crate) fn reported(error: Option<String>, cause: Option<String>) -> Self {
        Self {
            error,
            cause,
            from_branch: false,
        }
    }

    pub(crate) fn runtime(cause: impl Into<String>) -> Self {
        Self::new(names::RUNTIME, cause)
    }

    pub(crate) fn name(&self) -> &str {
        self.error.as_deref().unwrap_or_default()
    }

    /// What a catcher's `ResultPath` receives.
    pub(crate) fn to_output(&self) -> Value {
        json!({ "Error": self.name(), "Cause": self.cause.as_deref().unwrap_or_default() })
    }

    /// Whether `pattern`, one entry of an `ErrorEquals`, takes this failure.
    pub(crate) fn matches(&self, pattern: &str) -> bool {
        let name = self.name();
        let timeout = matches!(name, names::TIMEOUT | names::HEARTBEAT_TIMEOUT);
        let terminal = matches!(name, names::RUNTIME | names::DATA_LIMIT_EXCEEDED);
        match pattern {
            names::ALL => !terminal,
            names::TASK_FAILED => !terminal && !timeout,
            names::TIMEOUT => timeout,
            names::BRANCH_FAILED => (self.from_branch && !terminal) || name == names::BRANCH_FAILED,
            exact => name == exact && name != names::RUNTIME,
        }
    }
}
