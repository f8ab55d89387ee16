//! Errors of functions. Their names are what the state machines' Retry and Catch match on.

use lambda_runtime::Diagnostic;
use tidegate_aws::error::{AwsError, Kind};
use tidegate_aws::store::StoreError;

/// Why a function failed.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The forward path must stop; the rollback begins.
    #[error("{0}")]
    AbortRequested(String),
    /// Another execution holds the target now; this one must not act.
    #[error("the target is held under another epoch; this execution must not act any more")]
    StaleEpoch,
    /// Others kept writing first; the state machine tries again.
    #[error("failed to write: {0} changed at the same time, several times over")]
    Conflict(String),
    /// The input names something that does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The input makes no sense.
    #[error("failed to understand the input: {0}")]
    Invalid(String),
    /// The record of this deployment can't be read.
    #[error(transparent)]
    Corrupt(StoreError),
    /// AWS did not do what was asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl FunctionError {
    /// The `errorType` of Lambda's answer, matched by `infra/statemachines/*.asl.json`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AbortRequested(_) => "AbortRequested",
            Self::StaleEpoch => "StaleEpoch",
            Self::Conflict(_) => "Conflict",
            Self::NotFound(_) => "NotFound",
            Self::Invalid(_) => "Invalid",
            Self::Corrupt(_) => "Corrupt",
            Self::Aws(error) => match error.kind {
                Kind::Throttled => "Throttled",
                Kind::Transient => "Transient",
                Kind::Denied => "Denied",
                Kind::NotFound | Kind::Invalid | Kind::Conflict | Kind::Other => "AwsError",
            },
        }
    }

    /// The error with all that led to it, for a person.
    pub fn describe(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(inner) = source {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text.push_str(": ");
                text.push_str(&inner_text);
            }
            source = inner.source();
        }
        text
    }
}

impl From<StoreError> for FunctionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Self::Conflict(what.to_owned()),
            StoreError::Fenced => Self::StaleEpoch,
            StoreError::AlreadySeen => Self::Conflict("a seen event".to_owned()),
            StoreError::Corrupt { .. } => Self::Corrupt(error),
            StoreError::Aws(error) => Self::Aws(error),
        }
    }
}

impl From<FunctionError> for Diagnostic {
    fn from(error: FunctionError) -> Self {
        Self {
            error_type: error.name().to_owned(),
            error_message: error.describe(),
        }
    }
}
