//! Complete: the end of a deployment that went well.

use aws_types::SdkConfig;
use tidegate_aws::error::AwsError;
use tidegate_aws::store::Store;
use tidegate_aws::{executions, observe};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::observation::Observation;
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::phase::{self, PhaseInput, PhaseOutput, Status};
use tidegate_lambda::stop::ABORT_TOKEN;
use tidegate_lambda::{Clock, FunctionError};

/// The function.
#[derive(Debug)]
pub struct Complete {
    store: Store,
    clock: Clock,
    cloudwatch: aws_sdk_cloudwatch::Client,
    sfn: aws_sdk_sfn::Client,
}

impl Complete {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            sfn: aws_sdk_sfn::Client::new(sdk),
        })
    }

    /// Records the end, frees the target, then releases the abort handle.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        let output = phase::run(
            &self.store,
            &self.clock,
            Phase::Complete,
            &input,
            async |deployment, _| self.observe(deployment).await,
            // Completing changes nothing on AWS.
            async |_, _| Ok(()),
        )
        .await?;
        if output.status == Status::Done {
            self.release_handle(&input).await?;
        }
        Ok(output)
    }

    async fn observe(&self, deployment: &Deployment) -> Result<Observation, AwsError> {
        Ok(Observation {
            alarms: observe::watched_alarms(&self.cloudwatch, deployment).await?,
            ..Observation::default()
        })
    }

    /// A handle that is not registered yet finds the exit when it is, and releases itself.
    async fn release_handle(&self, input: &PhaseInput) -> Result<(), FunctionError> {
        if let Some(token) = self.store.token(&input.deployment, ABORT_TOKEN).await? {
            executions::succeed_token(&self.sfn, &token, "{}").await?;
        }
        Ok(())
    }
}
