//! Migrate: the file's migrations, one after the other, each a task of the new revision.

use aws_types::SdkConfig;
use tidegate_aws::change::{self, not_mine, run};
use tidegate_aws::error::AwsError;
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
pub struct Migrate {
    store: Store,
    clock: Clock,
    cloudwatch: aws_sdk_cloudwatch::Client,
    tasks: run::Clients,
}

impl Migrate {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            tasks: run::Clients {
                ecs: aws_sdk_ecs::Client::new(sdk),
                logs: aws_sdk_cloudwatchlogs::Client::new(sdk),
            },
        })
    }

    /// Runs the migrations until it has to wait, or takes them back.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        phase::run(
            &self.store,
            &self.clock,
            Phase::Migrate,
            &input,
            async |deployment, question| self.observe(deployment, question).await,
            async |deployment, action| self.apply(deployment, action).await,
        )
        .await
    }

    async fn observe(&self, deployment: &Deployment, question: &Question) -> Result<Observation, AwsError> {
        let mut observation = Observation::default();
        if question.alarms() {
            observation.alarms = observe::watched_alarms(&self.cloudwatch, deployment).await?;
        }
        if let Some(change) = question.change() {
            let Work::Run { .. } = &change.work else {
                return Err(not_mine(deployment, change));
            };
            let seen = run::observe(&self.tasks, deployment, change).await?;
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }

    async fn apply(&self, deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
        let (change, direction, _) = change::of(deployment, action)?;
        let Work::Run { .. } = &change.work else {
            return Err(not_mine(deployment, change));
        };
        run::start(&self.tasks.ecs, deployment, change, direction).await
    }
}
