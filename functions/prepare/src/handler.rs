//! Prepare: backups, what is suspended for the time of the deployment, the candidate's task definition
//! and its health check.

use aws_types::SdkConfig;
use tidegate_aws::change::{backup, not_mine, scaling};
use tidegate_aws::error::AwsError;
use tidegate_aws::store::Store;
use tidegate_aws::{apply, observe};
use tidegate_core::action::Action;
use tidegate_core::change::{Change, Direction, Seen, Work};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::observation::{Observation, Question};
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::phase::{self, PhaseInput, PhaseOutput};
use tidegate_lambda::{Clock, FunctionError};

/// The function.
#[derive(Debug)]
pub struct Prepare {
    store: Store,
    clock: Clock,
    autoscaling: aws_sdk_applicationautoscaling::Client,
    backups: backup::Clients,
    cloudwatch: aws_sdk_cloudwatch::Client,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    images: observe::KnownImages,
}

impl Prepare {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Ok(Self {
            store: Store::new(dynamodb.clone(), table(lookup)?),
            clock: Clock::of(sdk),
            autoscaling: aws_sdk_applicationautoscaling::Client::new(sdk),
            backups: backup::Clients {
                dynamodb,
                rds: aws_sdk_rds::Client::new(sdk),
            },
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            images: observe::KnownImages::default(),
        })
    }

    /// Runs the phase until it has to wait, or puts back what it changed.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        phase::run(
            &self.store,
            &self.clock,
            Phase::Prepare,
            &input,
            async |deployment, question| self.observe(deployment, question).await,
            async |deployment, action| self.apply(deployment, action).await,
        )
        .await
    }

    async fn apply(&self, deployment: &Deployment, action: &Action) -> Result<(), AwsError> {
        let Some((change, direction, before)) = action.change() else {
            return apply::apply(&self.ecs, &self.elb, deployment, action).await;
        };
        if let (Work::Backup { source }, Direction::Make) = (&change.work, direction) {
            return backup::make(&self.backups, deployment, source).await;
        }
        let Work::SuspendScaling { service } = &change.work else {
            return Err(not_mine(deployment, change));
        };
        match direction {
            Direction::Make => scaling::make(&self.autoscaling, deployment, change, service, before).await,
            Direction::Undo => scaling::undo(&self.autoscaling, deployment, change, service, before).await,
        }
    }

    async fn observe(&self, deployment: &Deployment, question: &Question) -> Result<Observation, AwsError> {
        let mut observation = match question.alarms() {
            true => self.observe_forward(deployment).await?,
            // On the way back only the changes are looked at.
            false => Observation::default(),
        };
        if let Some(change) = question.change() {
            let seen = self.observe_change(deployment, change).await?;
            observation.changes.insert(change.id.clone(), seen);
        }
        Ok(observation)
    }

    async fn observe_change(&self, deployment: &Deployment, change: &Change) -> Result<Seen, AwsError> {
        if let Work::Backup { source } = &change.work {
            return backup::observe(&self.backups, deployment, source).await;
        }
        let Work::SuspendScaling { service } = &change.work else {
            return Err(not_mine(deployment, change));
        };
        scaling::observe(&self.autoscaling, deployment, change, service).await
    }

    async fn observe_forward(&self, deployment: &Deployment) -> Result<Observation, AwsError> {
        let Some(plan) = &deployment.plan else {
            return Ok(Observation::default());
        };
        let health_check = deployment.spec.health_check.as_ref();
        let slots = observe::slots(&self.ecs, &self.elb, &plan.wiring, health_check, &self.images).await?;
        let candidate = slots
            .get(&plan.candidate)
            .map(|slot| slot.task_definition.clone());
        let family = plan
            .stable
            .as_ref()
            .map(|stable| stable.task_definition.clone())
            .or(candidate);
        let registered = match (&deployment.revision.task_definition, family) {
            (None, Some(family)) => {
                let asked = &deployment.spec.configuration.container;
                let image = &plan.image;
                let configured = (!asked.is_empty()).then_some(observe::Configured { image, asked });
                observe::registered_task_definition(&self.ecs, &family, &deployment.id, configured).await?
            }
            (Some(_), _) | (None, None) => None,
        };
        Ok(Observation {
            alarms: observe::watched_alarms(&self.cloudwatch, deployment).await?,
            registered_task_definition: registered,
            slots,
            ..Observation::default()
        })
    }
}
