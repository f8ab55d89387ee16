//! Changes of ECS services.

use aws_sdk_ecs::types::{DeploymentCircuitBreaker, DeploymentConfiguration};
use tidegate_core::ids::Slot;

use super::{Applier, number};
use crate::error::AwsError;
use crate::observe::services::describe_service;

/// What a service shall be set to.
pub(super) struct Update<'a> {
    pub task_definition: &'a str,
    pub desired: u32,
    pub grace_seconds: Option<u32>,
    pub circuit_breaker: bool,
}

/// Sets a service. Where it is so already, ECS starts nothing.
pub(super) async fn update(applier: &Applier<'_>, slot: Slot, update: Update<'_>) -> Result<(), AwsError> {
    let name = applier.service(slot)?;
    let cluster = &applier.wiring.cluster;
    let service = describe_service(applier.ecs, cluster, name).await?;
    // ECS takes a grace period only for a service that is behind a load balancer.
    let grace = update
        .grace_seconds
        .filter(|_| !service.load_balancers().is_empty());
    let configuration = update
        .circuit_breaker
        .then(|| with_circuit_breaker(service.deployment_configuration));
    applier
        .ecs
        .update_service()
        .cluster(cluster)
        .service(name)
        .task_definition(update.task_definition)
        .desired_count(number(update.desired))
        .set_health_check_grace_period_seconds(grace.map(number))
        .set_deployment_configuration(configuration)
        .send()
        .await
        .map_err(|error| {
            let task_definition = update.task_definition;
            let what = format!("failed to set service {name} in cluster {cluster} to {task_definition}");
            AwsError::sdk(what, error)
        })?;
    Ok(())
}

/// The service's own configuration with the circuit breaker on and its rollback off: the way back
/// is ours, and two controllers that both turn a service around would fight.
fn with_circuit_breaker(configuration: Option<DeploymentConfiguration>) -> DeploymentConfiguration {
    let mut configuration = configuration.unwrap_or_else(|| DeploymentConfiguration::builder().build());
    let mut breaker = configuration
        .deployment_circuit_breaker
        .take()
        .unwrap_or_else(|| DeploymentCircuitBreaker::builder().build());
    breaker.enable = true;
    breaker.rollback = false;
    configuration.deployment_circuit_breaker = Some(breaker);
    configuration
}

/// Sets only the number of tasks.
pub(super) async fn set_desired_count(
    applier: &Applier<'_>,
    slot: Slot,
    desired: u32,
) -> Result<(), AwsError> {
    let name = applier.service(slot)?;
    let cluster = &applier.wiring.cluster;
    applier
        .ecs
        .update_service()
        .cluster(cluster)
        .service(name)
        .desired_count(number(desired))
        .send()
        .await
        .map_err(|error| {
            let what = format!("failed to set service {name} in cluster {cluster} to {desired} tasks");
            AwsError::sdk(what, error)
        })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_circuit_breaker_is_on_and_the_rest_stays() {
        let before = DeploymentConfiguration::builder()
            .maximum_percent(150)
            .minimum_healthy_percent(50)
            .deployment_circuit_breaker(DeploymentCircuitBreaker::builder().rollback(true).build())
            .build();
        let after = with_circuit_breaker(Some(before));
        assert_eq!(
            (after.maximum_percent(), after.minimum_healthy_percent()),
            (Some(150), Some(50))
        );
        let breaker = after.deployment_circuit_breaker();
        assert_eq!(
            breaker.map(|one| (one.enable(), one.rollback())),
            Some((true, false))
        );
        assert!(with_circuit_breaker(None).deployment_circuit_breaker().is_some());
    }
}
