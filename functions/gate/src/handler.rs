//! A gate's task token: kept for whoever decides, used at once where enough had decided before.

use aws_types::SdkConfig;
use serde::{Deserialize, Serialize};
use tidegate_aws::executions;
use tidegate_aws::store::Store;
use tidegate_core::ids::DeploymentId;
use tidegate_core::spec::GatePhase;
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::{Clock, FunctionError, stop};

/// What the state machine gives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Before which phase.
    pub before: GatePhase,
    /// The task token. It goes into the table and nowhere else.
    pub token: String,
}

/// The function.
#[derive(Debug)]
pub struct Gate {
    store: Store,
    clock: Clock,
    sfn: aws_sdk_sfn::Client,
}

impl Gate {
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

    /// Keeps the token, then looks whether the gate was passed before it was registered.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: Input) -> Result<(), FunctionError> {
        let name = stop::gate_token(input.before);
        self.store
            .put_token(&input.deployment, &name, &input.token, self.clock.now())
            .await?;
        let deployment = self
            .store
            .deployment(&input.deployment)
            .await?
            .ok_or_else(|| FunctionError::NotFound(format!("deployment {}", input.deployment)))?;
        let passed = deployment
            .gates
            .get(&deployment.asked_at(input.before))
            .is_some_and(|gate| gate.passed_at.is_some());
        if passed || deployment.exit.is_some() {
            executions::succeed_token(&self.sfn, &input.token, "{}").await?;
        }
        Ok(())
    }
}
