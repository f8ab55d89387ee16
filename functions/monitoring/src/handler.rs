//! Monitoring: what watches the service, put there one after the other and read back, before the candidate
//! gets traffic.

use aws_types::SdkConfig;
use tidegate_aws::change::{self, monitor::Clients, not_mine};
use tidegate_aws::error::AwsError;
use tidegate_aws::observe;
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
pub struct Monitoring {
    store: Store,
    clock: Clock,
    clients: Clients,
}

impl Monitoring {
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
                logs: aws_sdk_cloudwatchlogs::Client::new(sdk),
            },
        })
    }

    /// Makes what the file asks for until it has to wait, or brings back what was there.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        phase::run(
            &self.store,
            &self.clock,
            Phase::Monitoring,
            &input,
            async |deployment, question| self.observe(deployment, question).await,
            async |deployment, action| self.apply(deployment, action).await,
        )
        .await
    }

    async fn observe(&self, deployment: &Deployment, question: &Question) -> Result<Observation, AwsError> {
        let mut observation = Observation::default();
        if question.alarms() {
            observation.alarms = observe::watched_alarms(&self.clients.cloudwatch, deployment).await?;
        }
        if let Some(change) = question.change() {
            let seen = match &change.work {
                Work::Monitor { name, wanted } => {
                    self.clients.observe(deployment, change, name, wanted).await?
                }
                Work::TestAlarm { name, .. } => {
                    let now = self.clock.now();
                    self.clients.observe_test(deployment, change, name, now).await?
                }
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::Analyze { .. }
                | Work::SetFlags { .. }
                | Work::Stack { .. }
                | Work::Terraform { .. } => return Err(not_mine(deployment, change)),
            };
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }

    async fn apply(&self, deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
        let (change, direction, before) = change::of(deployment, action)?;
        match (&change.work, direction) {
            (Work::Monitor { name, wanted }, Direction::Make) => {
                self.clients.make(name, wanted, before).await
            }
            (Work::Monitor { name, wanted }, Direction::Undo) => {
                self.clients.undo(name, wanted, before).await
            }
            (Work::TestAlarm { name, topic }, Direction::Make) => {
                let of = (name.as_str(), topic.as_deref());
                self.clients
                    .make_test(deployment, change, of, self.clock.now())
                    .await
            }
            (Work::TestAlarm { name, .. }, Direction::Undo) => self.clients.delete_test(name).await,
            (
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::Analyze { .. }
                | Work::SetFlags { .. }
                | Work::Stack { .. }
                | Work::Terraform { .. },
                _,
            ) => Err(not_mine(deployment, change)),
        }
    }
}
