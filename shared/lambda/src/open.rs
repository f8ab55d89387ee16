//! Opening a deployment: from a wish to a stored deployment that holds its target, and on to the
//! execution that carries it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_aws::store::{Commit, Loaded, Store, StoreError};
use tidegate_core::deployment::{Deployment, Request};
use tidegate_core::event::Event;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal;
use tidegate_core::target::TargetState;

/// The input of an execution of either state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionInput {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// For the rollback machine: what was caught.
    pub failure: Failure,
}

/// What a Catch hands on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Error name.
    #[serde(rename = "Error", default)]
    pub error: String,
    /// Its text.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

impl ExecutionInput {
    /// The input of a deployment.
    pub fn forward(deployment: DeploymentId) -> Self {
        Self {
            deployment,
            failure: Failure::default(),
        }
    }

    /// The input of a way back that no Catch began: by whom and why.
    pub fn back(deployment: DeploymentId, error: &str, cause: &str) -> Self {
        Self {
            deployment,
            failure: Failure {
                error: error.to_owned(),
                cause: cause.to_owned(),
            },
        }
    }

    /// As JSON text.
    pub fn to_json(&self) -> String {
        // Plain texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Stores a new deployment together with the target that it now holds, and marks the event that
/// asked for it as seen. `more` follows the first journal entry.
///
/// # Errors
/// [`StoreError::Conflict`] where the target changed meanwhile, [`StoreError::AlreadySeen`] where
/// the event was taken before. Nothing was written then.
pub async fn store_new(
    store: &Store,
    target: &Loaded<TargetState>,
    request: Request,
    more: Vec<Event>,
    event: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<Deployment, StoreError> {
    let first = Event::DeploymentRequested {
        revision: request.revision.clone(),
        origin: request.origin.clone(),
        epoch: request.epoch,
        overrides: request.overrides.clone(),
    };
    let mut deployment = Deployment::new(request, now);
    let mut events = vec![first];
    events.extend(more);
    let entries = journal::append(&mut deployment, events, by, now);
    let mut commit = Commit::new().deployment(&deployment, &entries).target(target);
    if let Some(event) = event {
        commit = commit.unseen(event, now);
    }
    store.commit(commit).await?;
    Ok(deployment)
}
