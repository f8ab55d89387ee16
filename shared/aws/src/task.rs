//! Tasks of Tidegate's own, started where a service's tasks run.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{ContainerOverride, Service, TaskOverride};

use crate::error::{AwsError, Kind};

/// A task to start once.
#[derive(Debug)]
pub(crate) struct NewTask<'a> {
    pub cluster: &'a str,
    /// Family, or ARN of a revision.
    pub task_definition: &'a str,
    /// What its containers get besides what is registered.
    pub containers: Vec<ContainerOverride>,
    /// By what it is found again.
    pub started_by: &'a str,
    /// What makes a second start none.
    pub client_token: &'a str,
}

/// Starts it where the tasks of a service run; `what` is what fails where it can't be started.
pub(crate) async fn run_beside(
    ecs: &Client,
    service: Service,
    task: NewTask<'_>,
    what: impl Fn() -> String,
) -> Result<(), AwsError> {
    let overrides = TaskOverride::builder().set_container_overrides(Some(task.containers));
    let answer = ecs
        .run_task()
        .cluster(task.cluster)
        .task_definition(task.task_definition)
        .count(1)
        .started_by(task.started_by)
        .client_token(task.client_token)
        .set_launch_type(service.launch_type)
        .set_capacity_provider_strategy(service.capacity_provider_strategy)
        .set_platform_version(service.platform_version)
        .set_network_configuration(service.network_configuration)
        .overrides(overrides.build())
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    match (answer.failures().first(), answer.tasks()) {
        // Failures of RunTask are about capacity at this moment.
        (Some(failure), []) => {
            let reason = failure.reason().unwrap_or("no reason given");
            Err(AwsError::answer(what(), Kind::Transient, reason))
        }
        (Some(_) | None, _) => Ok(()),
    }
}
