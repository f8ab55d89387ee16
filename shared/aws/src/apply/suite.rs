//! Test suites, each a task of its own.

use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};
use tidegate_core::ids::Slot;
use tidegate_core::spec::SuiteName;

use super::Applier;
use crate::error::{AwsError, Kind};
use crate::naming::{suite_family, suite_started_by};
use crate::observe::services::describe_service;
use crate::observe::task_definitions::describe_task_definition;

/// Starts a suite where the slot's own tasks run. The client token makes a second start none.
pub(super) async fn run(
    applier: &Applier<'_>,
    suite: &SuiteName,
    slot: Slot,
    client_token: &str,
) -> Result<(), AwsError> {
    let call = task(applier, suite, slot).await?.client_token(client_token);
    let what = || format!("failed to start suite {} of {}", suite.0, applier.target);
    let answer = call.send().await.map_err(|error| AwsError::sdk(what(), error))?;
    if let (Some(failure), []) = (answer.failures().first(), answer.tasks()) {
        // Failures of RunTask are about capacity at this moment.
        let reason = failure.reason().unwrap_or("no reason given");
        return Err(AwsError::answer(what(), Kind::Transient, reason));
    }
    Ok(())
}

async fn task(
    applier: &Applier<'_>,
    suite: &SuiteName,
    slot: Slot,
) -> Result<RunTaskFluentBuilder, AwsError> {
    let cluster = &applier.wiring.cluster;
    let service = describe_service(applier.ecs, cluster, applier.service(slot)?).await?;
    let family = suite_family(applier.target, suite);
    let described = describe_task_definition(applier.ecs, &family).await?;
    let environment = environment(applier, slot);
    let containers = described
        .definition
        .container_definitions()
        .iter()
        .filter_map(|one| one.name())
        .map(|name| {
            let environment = Some(environment.clone());
            ContainerOverride::builder()
                .name(name)
                .set_environment(environment)
                .build()
        })
        .collect();
    let overrides = TaskOverride::builder()
        .set_container_overrides(Some(containers))
        .build();
    Ok(applier
        .ecs
        .run_task()
        .cluster(cluster)
        .task_definition(family)
        .count(1)
        .started_by(suite_started_by(applier.deployment, suite))
        .set_launch_type(service.launch_type)
        .set_capacity_provider_strategy(service.capacity_provider_strategy)
        .set_platform_version(service.platform_version)
        .set_network_configuration(service.network_configuration)
        .overrides(overrides))
}

/// What a suite is told: which slot it tests, for which deployment, behind which target group.
fn environment(applier: &Applier<'_>, slot: Slot) -> Vec<KeyValuePair> {
    let group = applier
        .wiring
        .balancer
        .as_ref()
        .and_then(|one| one.target_groups.get(&slot));
    [
        ("TIDEGATE_SLOT", Some(slot.as_str())),
        ("TIDEGATE_DEPLOYMENT", Some(applier.deployment.as_str())),
        ("TIDEGATE_TARGET_GROUP", group.map(String::as_str)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(KeyValuePair::builder().name(name).value(value?).build()))
    .collect()
}
