//! Changes that are a task: the candidate's own task definition, with another command.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{ContainerDefinition, ContainerOverride, KeyValuePair, Task};
use tidegate_core::change::{Change, ChangeStage, Direction, Progress, Seen, Work};
use tidegate_core::deployment::{Deployment, Plan};

use super::task::candidate_service;
use crate::container::{application_container, repository_of};
use crate::error::{AwsError, Kind};
use crate::naming::change_token;
use crate::observe::task_definitions::describe_task_definition;
use crate::started::{id_of, newest, tasks_started_by};
use crate::tail;
use crate::task::{NewTask, run_beside};

/// Who runs tasks, and who has what they wrote.
#[derive(Debug)]
pub struct Clients {
    /// ECS.
    pub ecs: Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
}

/// How the tasks of a change stand, those that make it and those that undo it.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(clients: &Clients, deployment: &Deployment, change: &Change) -> Result<Seen, AwsError> {
    let plan = super::plan(deployment, change)?;
    let progress = async |direction| {
        let started_by = change_token(&deployment.id, &change.id, direction);
        let tasks = tasks_started_by(&clients.ecs, &plan.wiring.cluster, &started_by).await?;
        let Some(task) = newest(tasks) else {
            return Ok(Progress::NotBegun);
        };
        let ended = progress_of(&task, plan);
        Ok::<_, AwsError>(with_log(clients, deployment, change, direction, &task, ended).await)
    };
    let undoing = deployment.rollback.is_some() && change.work.command(Direction::Undo).is_some();
    Ok(Seen {
        before: None,
        made: progress(Direction::Make).await?,
        undone: match undoing {
            true => progress(Direction::Undo).await?,
            false => Progress::NotBegun,
        },
    })
}

/// Adds the last lines of a task whose end is about to be recorded.
async fn with_log(
    clients: &Clients,
    deployment: &Deployment,
    change: &Change,
    direction: Direction,
    task: &Task,
    ended: Progress,
) -> Progress {
    let recorded = match (deployment.change_stage(&change.id), direction) {
        (Some(ChangeStage::Making), Direction::Make) => deployment.rollback.is_none(),
        (Some(ChangeStage::Undoing), Direction::Undo) => true,
        (
            None
            | Some(
                ChangeStage::Making
                | ChangeStage::Made
                | ChangeStage::Failed
                | ChangeStage::Undoing
                | ChangeStage::Undone
                | ChangeStage::Held,
            ),
            Direction::Make | Direction::Undo,
        ) => false,
    };
    let Work::Run { silent: false, .. } = &change.work else {
        return ended;
    };
    match ended {
        Progress::Done { detail, .. } if recorded => Progress::Done {
            detail,
            log: last_lines(clients, deployment, task).await,
        },
        Progress::Failed { reason, .. } if recorded => Progress::Failed {
            reason,
            log: last_lines(clients, deployment, task).await,
        },
        Progress::NotBegun
        | Progress::Waiting { .. }
        | Progress::Running { .. }
        | Progress::Done { .. }
        | Progress::Failed { .. } => ended,
    }
}

async fn last_lines(clients: &Clients, deployment: &Deployment, task: &Task) -> Vec<String> {
    let definition = task.task_definition_arn().unwrap_or_default();
    let described = match describe_task_definition(&clients.ecs, definition).await {
        Ok(described) => described,
        Err(error) => return vec![tail::note(&error.to_string())],
    };
    let image = deployment.plan.as_ref().map(|plan| repository_of(&plan.image));
    let containers: &[ContainerDefinition] = described.definition.container_definitions();
    match application_container(containers, image) {
        Ok(container) => tail::read(&clients.logs, container, id_of(task)).await,
        Err(reason) => vec![tail::note(&reason)],
    }
}

/// Starts the change's task. The client token makes a second start none.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn start(
    ecs: &Client,
    deployment: &Deployment,
    change: &Change,
    direction: Direction,
) -> Result<(), AwsError> {
    let plan = super::plan(deployment, change)?;
    let what = || {
        format!(
            "failed to start the task of {} for {}",
            change.id, deployment.target
        )
    };
    let refused = |reason: &str| AwsError::answer(what(), Kind::Invalid, reason);
    let Some(command) = change.work.command(direction) else {
        return Err(refused("there is no command for it"));
    };
    let Some(family) = &deployment.revision.task_definition else {
        return Err(refused("the candidate's task definition is not registered"));
    };
    let service = candidate_service(ecs, plan, what).await?;
    let described = describe_task_definition(ecs, family).await?;
    let containers = described.definition.container_definitions();
    let container = application_container(containers, Some(repository_of(&plan.image)))
        .map_err(|reason| refused(&reason))?;
    let environment = [
        ("TIDEGATE_DEPLOYMENT", deployment.id.as_str()),
        ("TIDEGATE_CHANGE", change.id.as_str()),
    ];
    let environment = environment.map(|(key, value)| KeyValuePair::builder().name(key).value(value).build());
    let container = ContainerOverride::builder()
        .set_name(container.name().map(str::to_owned))
        .set_command(Some(command.to_vec()))
        .set_environment(Some(environment.to_vec()))
        .build();
    let token = change_token(&deployment.id, &change.id, direction);
    let task = NewTask {
        cluster: &plan.wiring.cluster,
        task_definition: family,
        containers: vec![container],
        started_by: &token,
        client_token: &token,
    };
    run_beside(ecs, service, task, what).await
}

/// The application's container decides; a sidecar's end says nothing.
fn progress_of(task: &Task, plan: &Plan) -> Progress {
    let id = id_of(task);
    if task.last_status() != Some("STOPPED") {
        let status = task.last_status().unwrap_or("starting").to_lowercase();
        return Progress::running(format!("task {id} is {status}"));
    }
    let repository = repository_of(&plan.image);
    let containers = task.containers();
    let own = match containers {
        [only] => Some(only),
        several => several
            .iter()
            .find(|one| one.image().map(repository_of) == Some(repository)),
    };
    let log = Vec::new();
    match own.and_then(|container| container.exit_code()) {
        Some(0) => Progress::Done {
            detail: format!("task {id} ended with exit code 0"),
            log,
        },
        Some(code) => Progress::Failed {
            reason: format!("task {id} ended with exit code {code}"),
            log,
        },
        None => Progress::Failed {
            reason: format!(
                "task {id} stopped without an exit code: {}",
                task.stopped_reason().unwrap_or("no reason given")
            ),
            log,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::Container;

    const IMAGE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:00";

    fn task(status: &str, containers: &[(&str, Option<i32>)]) -> Task {
        let container = |(image, code): &(&str, Option<i32>)| {
            Container::builder().image(*image).set_exit_code(*code).build()
        };
        Task::builder()
            .task_arn("arn:aws:ecs:eu-west-1:123456789012:task/production/f00")
            .last_status(status)
            .set_containers(Some(containers.iter().map(container).collect()))
            .build()
    }

    fn seen(task: &Task) -> Progress {
        let wiring = serde_json::json!({ "cluster": "production", "services": {}, "balancer": null });
        let plan = serde_json::json!({
            "wiring": wiring, "traffic": "weighted", "stable": null, "candidate": "green", "image": IMAGE,
            "capacity": 1, "steps": [], "alarms": [], "forwardBefore": null, "expectedSeconds": 1,
            "hash": "0".repeat(64),
        });
        let plan: Result<Plan, _> = serde_json::from_value(plan);
        plan.map_or(Progress::NotBegun, |plan| progress_of(task, &plan))
    }

    #[test]
    fn a_change_ends_with_the_exit_code_of_the_applications_container() {
        let proxy = "public.ecr.aws/envoy:v1";
        assert!(matches!(
            seen(&task("RUNNING", &[(IMAGE, None)])),
            Progress::Running { .. }
        ));
        assert!(matches!(
            seen(&task("STOPPED", &[(IMAGE, Some(0))])),
            Progress::Done { .. }
        ));
        assert!(matches!(
            seen(&task("STOPPED", &[(proxy, Some(0)), (IMAGE, Some(3))])),
            Progress::Failed { reason, .. } if reason.contains("exit code 3")
        ));
    }

    #[test]
    fn a_task_that_never_ran_has_not_made_its_change() {
        for containers in [&[(IMAGE, None)][..], &[]] {
            assert!(matches!(
                seen(&task("STOPPED", containers)),
                Progress::Failed { reason, .. } if reason.contains("without an exit code")
            ));
        }
    }
}
