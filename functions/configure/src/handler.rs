//! Configure: what the new revision is configured with, set one after the other and read back.

use aws_types::SdkConfig;
use tidegate_aws::change::{self, flags, not_mine, parameter};
use tidegate_aws::error::AwsError;
use tidegate_aws::observe;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::Store;
use tidegate_core::action::Action;
use tidegate_core::change::{Direction, Work};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::observation::{Observation, Question};
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::phase::{self, PhaseInput, PhaseOutput};
use tidegate_lambda::{Clock, FunctionError};

/// The function.
#[derive(Debug)]
pub struct Configure {
    store: Store,
    clock: Clock,
    appconfig: OnDemand<aws_sdk_appconfig::Client>,
    cloudwatch: aws_sdk_cloudwatch::Client,
    ssm: aws_sdk_ssm::Client,
}

impl Configure {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            appconfig: OnDemand::new(sdk, aws_sdk_appconfig::Client::new),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            ssm: aws_sdk_ssm::Client::new(sdk),
        })
    }

    /// Sets what the file asks for until it has to wait, or puts back what was there.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        phase::run(
            &self.store,
            &self.clock,
            Phase::Configure,
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
            let seen = match &change.work {
                Work::SetParameter { name, value } => {
                    parameter::observe(&self.ssm, deployment, change, name, value).await?
                }
                Work::SetFlags { flags } => {
                    flags::observe(self.appconfig.get(), deployment, change, flags).await?
                }
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::Stack { .. }
                | Work::Terraform { .. }
                | Work::Analyze { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. } => return Err(not_mine(deployment, change)),
            };
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }

    async fn apply(&self, deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
        let (change, direction, before) = change::of(deployment, action)?;
        let ssm = &self.ssm;
        match (&change.work, direction) {
            (Work::SetParameter { name, value }, Direction::Make) => {
                parameter::make(ssm, name, value, before).await
            }
            (Work::SetParameter { name, value }, Direction::Undo) => {
                parameter::undo(ssm, name, value, before).await
            }
            (Work::SetFlags { flags }, Direction::Make) => {
                flags::make(self.appconfig.get(), deployment, change, flags, before).await
            }
            (Work::SetFlags { flags }, Direction::Undo) => {
                flags::undo(self.appconfig.get(), deployment, change, flags, before).await
            }
            (
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::Stack { .. }
                | Work::Terraform { .. }
                | Work::Analyze { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. },
                _,
            ) => Err(not_mine(deployment, change)),
        }
    }
}
