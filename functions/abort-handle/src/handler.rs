//! The abort handle: keeps its task token, and uses it at once where the wish came first.

use aws_types::SdkConfig;
use serde::{Deserialize, Serialize};
use tidegate_aws::executions;
use tidegate_aws::store::Store;
use tidegate_core::ids::DeploymentId;
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::stop::{self, ABORT_TOKEN};
use tidegate_lambda::{Clock, FunctionError};

/// What the state machine gives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// The task token. It goes into the table and nowhere else.
    pub token: String,
}

/// The function.
#[derive(Debug)]
pub struct AbortHandle {
    store: Store,
    clock: Clock,
    sfn: aws_sdk_sfn::Client,
}

impl AbortHandle {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            sfn: aws_sdk_sfn::Client::new(sdk),
        })
    }

    /// Registers the handle, then looks for a wish or an end that came before it.
    ///
    /// ```text
    /// stop:   write the wish ── read the token ── fail it
    /// handle:      keep the token ── read the wish ── fail it
    /// ```
    ///
    /// Whichever writes last sees what the other wrote.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: Input) -> Result<(), FunctionError> {
        let now = self.clock.now();
        self.store
            .put_token(&input.deployment, ABORT_TOKEN, &input.token, now)
            .await?;
        let deployment = self
            .store
            .deployment(&input.deployment)
            .await?
            .ok_or_else(|| FunctionError::NotFound(format!("deployment {}", input.deployment)))?;
        if deployment.exit.is_some() {
            executions::succeed_token(&self.sfn, &input.token, "{}").await?;
        } else if let Some(abort) = &deployment.abort {
            stop::tell(&self.store, &self.sfn, &deployment.id, &abort.cause).await?;
        }
        Ok(())
    }
}
