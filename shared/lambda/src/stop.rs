//! Stopping a deployment: the wish is written first, then the abort handle is failed. A wish that
//! comes before the handle is registered, or while it is being used, is found by both.

use tidegate_aws::executions::{self, TokenAnswer};
use tidegate_aws::store::{Commit, Store, StoreError};
use tidegate_core::event::Event;
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal;
use tidegate_core::spec::GatePhase;

use crate::clock::Clock;
use crate::error::FunctionError;

/// Name of the abort handle's token.
pub const ABORT_TOKEN: &str = "abort";

/// Name of the token of the gate before a phase. Contracts wait where the state machine has the other
/// migrations wait.
pub fn gate_token(before: GatePhase) -> String {
    let state = if before == GatePhase::Contract {
        GatePhase::Migrate
    } else {
        before
    };
    format!("gate-{}", state.as_str())
}

/// What became of a wish to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It is written; the execution knows or will read it.
    Requested,
    /// Someone was first; the execution was told again.
    Already,
    /// The deployment has ended; there is nothing to stop.
    Ended,
}

/// How often a lost race for the head is run again.
const TRIES: usize = 8;

/// Asks a deployment to stop.
///
/// # Errors
/// Where the table or Step Functions do not answer.
pub async fn request(
    store: &Store,
    sfn: &aws_sdk_sfn::Client,
    clock: &Clock,
    id: &DeploymentId,
    cause: &AbortCause,
    by: &str,
) -> Result<Stopped, FunctionError> {
    let stopped = write_wish(store, clock, id, cause, by).await?;
    if stopped != Stopped::Ended {
        tell(store, sfn, id, cause).await?;
    }
    Ok(stopped)
}

async fn write_wish(
    store: &Store,
    clock: &Clock,
    id: &DeploymentId,
    cause: &AbortCause,
    by: &str,
) -> Result<Stopped, FunctionError> {
    for _ in 0..TRIES {
        let mut head = store
            .deployment(id)
            .await?
            .ok_or_else(|| FunctionError::NotFound(format!("deployment {id}")))?;
        if head.exit.is_some() {
            return Ok(Stopped::Ended);
        }
        if head.abort.is_some() {
            return Ok(Stopped::Already);
        }
        let event = Event::AbortRequested { cause: cause.clone() };
        let entries = journal::append(&mut head, vec![event], by, clock.now());
        match store.commit(Commit::new().deployment(&head, &entries)).await {
            Ok(()) => return Ok(Stopped::Requested),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(FunctionError::Conflict(format!("deployment {id}")))
}

/// Fails the abort handle, where it is registered. A token that is gone is fine: the lane has ended.
///
/// # Errors
/// Where the table or Step Functions do not answer.
pub async fn tell(
    store: &Store,
    sfn: &aws_sdk_sfn::Client,
    id: &DeploymentId,
    cause: &AbortCause,
) -> Result<(), FunctionError> {
    let Some(token) = store.token(id, ABORT_TOKEN).await? else {
        return Ok(());
    };
    let answer = executions::fail_token(sfn, &token, "AbortRequested", &cause.describe()).await?;
    match answer {
        TokenAnswer::Taken => tracing::info!(deployment = %id, "abort handle failed: {}", cause.describe()),
        TokenAnswer::Gone => tracing::info!(deployment = %id, "abort handle is gone already"),
    }
    Ok(())
}
