//! Migrate: the file's migrations, one after the other, each a task of the new revision or a change of an index.

use aws_types::SdkConfig;
use tidegate_aws::change::index::Tables;
use tidegate_aws::change::{self, index, not_mine, run};
use tidegate_aws::error::AwsError;
use tidegate_aws::observe;
use tidegate_aws::store::Store;
use tidegate_core::action::Action;
use tidegate_core::change::{Change, Direction, Seen, Work};
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
    dynamodb: aws_sdk_dynamodb::Client,
    tasks: run::Clients,
}

impl Migrate {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Ok(Self {
            store: Store::new(dynamodb.clone(), table(lookup)?),
            clock: Clock::of(sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            dynamodb,
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
            let seen = self.observe_change(deployment, change).await?;
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }

    async fn observe_change(&self, deployment: &Deployment, change: &Change) -> Result<Seen, AwsError> {
        if let Work::Index { index, .. } = &change.work {
            return index::observe(self.tables(), deployment, change, index).await;
        }
        let Work::Run { .. } = &change.work else {
            return Err(not_mine(deployment, change));
        };
        run::observe(&self.tasks, deployment, change).await
    }

    async fn apply(&self, deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
        let (change, direction, before) = change::of(deployment, action)?;
        if let Work::Index { index, .. } = &change.work {
            return match direction {
                Direction::Make => index::make(self.tables(), index, before).await,
                Direction::Undo => index::undo(self.tables(), index, before).await,
            };
        }
        let Work::Run { .. } = &change.work else {
            return Err(not_mine(deployment, change));
        };
        run::start(&self.tasks.ecs, deployment, change, direction).await
    }

    fn tables(&self) -> Tables<'_> {
        Tables {
            client: &self.dynamodb,
            own: Some(self.store.table_name()),
        }
    }
}
