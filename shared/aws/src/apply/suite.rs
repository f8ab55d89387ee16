//! Test suites, each a task of its own.

use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair};
use tidegate_core::ids::Slot;
use tidegate_core::spec::SuiteName;

use super::Applier;
use crate::error::AwsError;
use crate::naming::suite_started_by;
use crate::observe::services::describe_service;
use crate::observe::task_definitions::describe_task_definition;
use crate::task::{NewTask, run_beside};

/// Starts a suite where the slot's own tasks run. The client token makes a second start none.
pub(super) async fn run(
    applier: &Applier<'_>,
    suite: &SuiteName,
    slot: Slot,
    client_token: &str,
) -> Result<(), AwsError> {
    let cluster = &applier.wiring.cluster;
    let service = describe_service(applier.ecs, cluster, applier.service(slot)?).await?;
    let family = suite.family(applier.target);
    let described = describe_task_definition(applier.ecs, &family).await?;
    let environment = environment(applier, slot);
    let names = described.definition.container_definitions().iter();
    let containers = names.filter_map(|one| one.name()).map(|name| {
        let environment = Some(environment.clone());
        let container = ContainerOverride::builder().name(name);
        container.set_environment(environment).build()
    });
    let task = NewTask {
        cluster,
        task_definition: &family,
        containers: containers.collect(),
        started_by: &suite_started_by(applier.deployment, suite),
        client_token,
    };
    let what = || format!("failed to start suite {} of {}", suite.0, applier.target);
    run_beside(applier.ecs, service, task, what).await
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
