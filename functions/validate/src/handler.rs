//! Validate: pages, suites, and the health of what serves.

use aws_types::SdkConfig;
use tidegate_aws::error::AwsError;
use tidegate_aws::http::Web;
use tidegate_aws::observe;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::Store;
use tidegate_aws::suites::SuiteFunctions;
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::observation::{Observation, Question};
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::phase::{self, PhaseInput, PhaseOutput};
use tidegate_lambda::{Clock, FunctionError};

/// The function.
#[derive(Debug)]
pub struct Validate {
    store: Store,
    clock: Clock,
    autoscaling: OnDemand<aws_sdk_applicationautoscaling::Client>,
    cloudwatch: aws_sdk_cloudwatch::Client,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    logs: OnDemand<aws_sdk_cloudwatchlogs::Client>,
    images: observe::KnownImages,
    web: Web,
    suites: SuiteFunctions,
}

impl Validate {
    /// Clients and configuration; `web` is the way to pages that are tested.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>, web: Web) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            autoscaling: OnDemand::new(sdk, aws_sdk_applicationautoscaling::Client::new),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            logs: OnDemand::new(sdk, aws_sdk_cloudwatchlogs::Client::new),
            images: observe::KnownImages::default(),
            web,
            suites: SuiteFunctions::new(sdk),
        })
    }

    /// Runs the phase until it has to wait.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        self.suites.begin();
        phase::run(
            &self.store,
            &self.clock,
            Phase::Validate,
            &input,
            async |deployment, question| self.observe(deployment, question).await,
            async |deployment, action| self.suites.apply(&self.ecs, &self.elb, deployment, action).await,
        )
        .await
    }

    async fn observe(&self, deployment: &Deployment, question: &Question) -> Result<Observation, AwsError> {
        let Some(plan) = &deployment.plan else {
            return Ok(Observation::default());
        };
        let suites = observe::SuiteClients {
            ecs: &self.ecs,
            logs: &self.logs,
        };
        Ok(Observation {
            slots: observe::slots(&self.ecs, &self.elb, &plan.wiring, None, &self.images).await?,
            alarms: observe::watched_alarms(&self.cloudwatch, deployment).await?,
            suites: observe::suites(suites, deployment, self.clock.now()).await?,
            suite_answers: self.suites.answers(deployment),
            samples: observe::samples_asked(&self.cloudwatch, deployment, question, self.clock.now()).await?,
            security: match question.security() {
                true => observe::security(&self.ecs, &self.elb, deployment).await?,
                false => None,
            },
            cost: match question.cost() {
                true => observe::cost_running(&self.ecs, self.autoscaling.get(), deployment).await?,
                false => None,
            },
            http: self
                .web
                .try_tests(deployment, question, || self.clock.now())
                .await,
            ..Observation::default()
        })
    }
}
