//! Carries out what was decided. Every action says how things shall be, so that doing it again
//! changes nothing. That it took effect is only known when it is read back.

mod balancer;
mod fargate;
mod services;
mod suite;
mod task_definition;

pub use fargate::round_up;
pub(crate) use task_definition::copied_size;

use tidegate_core::action::Action;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, Slot, Target};
use tidegate_core::wiring::Wiring;

use crate::error::{AwsError, Kind};

/// Carries out one action of a deployment, on the resources that its plan has.
///
/// # Errors
/// Where AWS refuses or can't be asked, or there is no plan. Whether a call with a retryable error
/// took effect is unknown; the same action may be carried out again.
pub async fn apply(
    ecs: &aws_sdk_ecs::Client,
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    deployment: &Deployment,
    action: &Action,
) -> Result<(), AwsError> {
    let Some(plan) = &deployment.plan else {
        let what = format!("failed to act on {}", deployment.target);
        return Err(AwsError::answer(what, Kind::Invalid, "there is no plan yet"));
    };
    let applier = Applier {
        ecs,
        elb,
        wiring: &plan.wiring,
        target: &deployment.target,
        deployment: &deployment.id,
    };
    applier.apply(action).await
}

/// What actions are carried out with, and on what.
struct Applier<'a> {
    ecs: &'a aws_sdk_ecs::Client,
    elb: &'a aws_sdk_elasticloadbalancingv2::Client,
    wiring: &'a Wiring,
    target: &'a Target,
    deployment: &'a DeploymentId,
}

impl Applier<'_> {
    async fn apply(&self, action: &Action) -> Result<(), AwsError> {
        match action {
            Action::RegisterTaskDefinition {
                copy_of,
                image,
                resources,
                container,
                deployment,
            } => task_definition::register(self.ecs, copy_of, image, resources, container, deployment).await,
            Action::UpdateService {
                slot,
                task_definition,
                desired,
                grace_seconds,
                circuit_breaker,
            } => {
                let update = services::Update {
                    task_definition,
                    desired: *desired,
                    grace_seconds: *grace_seconds,
                    circuit_breaker: *circuit_breaker,
                };
                services::update(self, *slot, update).await
            }
            Action::SetDesiredCount { slot, desired } => {
                services::set_desired_count(self, *slot, *desired).await
            }
            Action::ConfigureHealthCheck { slot, health_check } => {
                balancer::configure_health_check(self, *slot, health_check).await
            }
            Action::SetTrafficWeight { forward } => balancer::set_forward(self, forward).await,
            Action::RunSuite {
                suite,
                slot,
                client_token,
            } => suite::run(self, suite, *slot, client_token).await,
            // Who calls suites keeps their answers.
            Action::CallSuite { suite, .. } => {
                let what = format!("failed to call suite {} for {}", suite.0, self.target);
                Err(AwsError::answer(
                    what,
                    Kind::Invalid,
                    "another part calls functions",
                ))
            }
            // The function of the change's phase knows how.
            Action::ProposeChange { change }
            | Action::MakeChange { change, .. }
            | Action::UndoChange { change, .. } => {
                let what = format!("failed to change {} for {}", change.id, self.target);
                Err(AwsError::answer(
                    what,
                    Kind::Invalid,
                    "another function makes changes",
                ))
            }
        }
    }

    fn service(&self, slot: Slot) -> Result<&str, AwsError> {
        self.wiring
            .services
            .get(&slot)
            .map(String::as_str)
            .ok_or_else(|| {
                let what = format!("failed to act on the {slot} slot of {}", self.target);
                AwsError::answer(what, Kind::Invalid, "it has no ECS service by the plan")
            })
    }
}

/// Counts and seconds as AWS takes them; what is above two thousand million is refused there.
fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
