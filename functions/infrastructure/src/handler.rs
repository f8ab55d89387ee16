//! Infrastructure: what a person makes is looked at, until it is as the file says.

use aws_types::SdkConfig;
use tidegate_aws::change::verify::Clients;
use tidegate_aws::change::{not_mine, verify};
use tidegate_aws::error::{AwsError, Kind};
use tidegate_aws::observe;
use tidegate_aws::store::Store;
use tidegate_core::action::Action;
use tidegate_core::change::Work;
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::observation::{Observation, Question};
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::phase::{self, PhaseInput, PhaseOutput};
use tidegate_lambda::{Clock, FunctionError};

/// The function.
#[derive(Debug)]
pub struct Infrastructure {
    store: Store,
    clock: Clock,
    clients: Clients,
}

impl Infrastructure {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            clients: Clients {
                cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
                dynamodb: aws_sdk_dynamodb::Client::new(sdk),
                ecr: aws_sdk_ecr::Client::new(sdk),
                ecs: aws_sdk_ecs::Client::new(sdk),
                elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            },
        })
    }

    /// Looks until everything is as it should be, or until it has to wait for that.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        phase::run(
            &self.store,
            &self.clock,
            Phase::Infrastructure,
            &input,
            async |deployment, question| self.observe(deployment, question).await,
            async |deployment, action| apply(deployment, action),
        )
        .await
    }

    async fn observe(&self, deployment: &Deployment, question: &Question) -> Result<Observation, AwsError> {
        let mut observation = Observation::default();
        if question.alarms() {
            observation.alarms = observe::watched_alarms(&self.clients.cloudwatch, deployment).await?;
        }
        if let Some(change) = question.change() {
            let Work::Verify { expected } = &change.work else {
                return Err(not_mine(deployment, change));
            };
            let seen = verify::observe(&self.clients, expected).await?;
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }
}

/// There is nothing to do but to look: a person makes what is asked for.
fn apply(deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
    let Some((change, ..)) = action.change() else {
        let what = format!("failed to look at the infrastructure of {}", deployment.target);
        return Err(AwsError::answer(what, Kind::Invalid, "this phase only looks"));
    };
    let Work::Verify { .. } = &change.work else {
        return Err(not_mine(deployment, change));
    };
    Ok(())
}
