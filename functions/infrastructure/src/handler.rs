//! Infrastructure: stacks are updated and Terraform is applied as was proposed, and what a person makes is
//! looked at, until it is as the file says.

use aws_types::SdkConfig;
use tidegate_aws::analyzer::Analyzers;
use tidegate_aws::change::verify::Clients;
use tidegate_aws::change::{self, not_mine, stack, terraform, verify};
use tidegate_aws::error::AwsError;
use tidegate_aws::observe;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::Store;
use tidegate_core::action::Action;
use tidegate_core::change::{Direction, Seen, Work};
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
    cloudformation: aws_sdk_cloudformation::Client,
    s3: OnDemand<aws_sdk_s3::Client>,
    analyzers: Analyzers,
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
                rds: OnDemand::new(sdk, aws_sdk_rds::Client::new),
            },
            cloudformation: aws_sdk_cloudformation::Client::new(sdk),
            s3: OnDemand::new(sdk, aws_sdk_s3::Client::new),
            analyzers: Analyzers::new(sdk),
        })
    }

    /// Updates and looks until everything is as it should be, or until it has to wait for that.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        self.analyzers.begin();
        phase::run(
            &self.store,
            &self.clock,
            Phase::Infrastructure,
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
        if let Some(change) = question.proposal() {
            let proposed = match &change.work {
                Work::Stack { stack } => {
                    stack::observe_proposal(&self.cloudformation, deployment, stack).await?
                }
                Work::Terraform { terraform } => {
                    terraform::observe_proposal(self.terraform(), deployment, change, terraform).await?
                }
                Work::Analyze { .. } => self.analyzers.observe(deployment, change),
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::SetFlags { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. } => return Err(not_mine(deployment, change)),
            };
            observation.proposals.insert(change.id.clone(), proposed);
        }
        if let Some(change) = question.change() {
            let seen = match &change.work {
                Work::Verify { expected } => verify::observe(&self.clients, expected).await?,
                Work::Terraform { terraform } => {
                    terraform::observe(self.terraform(), deployment, change, terraform).await?
                }
                Work::Stack { stack } => {
                    stack::observe(&self.cloudformation, deployment, change, stack).await?
                }
                // What it said is all that it does.
                Work::Analyze { .. } => Seen::NOTHING,
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::SetFlags { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. } => {
                    return Err(not_mine(deployment, change));
                }
            };
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }

    fn terraform(&self) -> terraform::Clients<'_> {
        terraform::Clients {
            ecs: &self.clients.ecs,
            s3: self.s3.get(),
        }
    }

    async fn apply(&self, deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
        let client = &self.cloudformation;
        if let Some(change) = action.proposal() {
            return match &change.work {
                Work::Stack { stack } => stack::propose(client, deployment, change, stack).await,
                Work::Terraform { terraform } => {
                    terraform::propose(self.terraform(), deployment, change, terraform).await
                }
                Work::Analyze { analyzer } => self.analyzers.propose(deployment, change, analyzer).await,
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::SetFlags { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. } => Err(not_mine(deployment, change)),
            };
        }
        let (change, direction, before) = change::of(deployment, action)?;
        match (&change.work, direction) {
            // There is nothing to do but to look: a person makes what is asked for.
            (Work::Verify { .. } | Work::Analyze { .. }, _) => Ok(()),
            (Work::Stack { stack }, Direction::Make) => stack::make(client, deployment, change, stack).await,
            (Work::Stack { stack }, Direction::Undo) => {
                stack::undo(client, deployment, change, stack, before).await
            }
            (Work::Terraform { terraform }, Direction::Make) => {
                terraform::make(self.terraform(), deployment, change, terraform).await
            }
            // It is forward-only: nobody asks for this.
            (Work::Terraform { .. }, Direction::Undo) => Err(not_mine(deployment, change)),
            (
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::SetFlags { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. },
                _,
            ) => Err(not_mine(deployment, change)),
        }
    }
}
