//! Test suites: whether they exist, and how their tasks stand.

use std::collections::BTreeMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{DesiredStatus, Task};
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::Target;
use tidegate_core::observation::SuiteRun;
use tidegate_core::spec::SuiteName;

use super::task_definitions::try_describe_task_definition;
use crate::error::AwsError;
use crate::naming::suite_started_by;
use crate::task::newest;

/// How the suites that were started for a deployment, and have not been seen to end, stand. One
/// without a task is absent: it was not started after all, or it ended more than an hour ago, after
/// which ECS forgets stopped tasks.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn suites(
    ecs: &Client,
    deployment: &Deployment,
) -> Result<BTreeMap<SuiteName, SuiteRun>, AwsError> {
    let mut runs = BTreeMap::new();
    let Some(plan) = &deployment.plan else {
        return Ok(runs);
    };
    let underway = deployment
        .suites_started
        .keys()
        .filter(|suite| !deployment.suites.contains_key(*suite))
        .filter(|suite| !deployment.spec.suite_functions.contains_key(*suite));
    for suite in underway {
        let started_by = suite_started_by(&deployment.id, suite);
        let tasks = tasks_started_by(ecs, &plan.wiring.cluster, &started_by).await?;
        if let Some(task) = newest(tasks) {
            runs.insert(suite.clone(), run_of(&task, suite));
        }
    }
    Ok(runs)
}

/// The suites that have no task definition.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn unknown_suites(
    ecs: &Client,
    target: &Target,
    suites: &[SuiteName],
) -> Result<Vec<SuiteName>, AwsError> {
    let mut unknown = Vec::new();
    for suite in suites {
        if try_describe_task_definition(ecs, &suite.family(target))
            .await?
            .is_none()
        {
            unknown.push(suite.clone());
        }
    }
    Ok(unknown)
}

pub(crate) async fn tasks_started_by(
    ecs: &Client,
    cluster: &str,
    started_by: &str,
) -> Result<Vec<Task>, AwsError> {
    let mut arns = Vec::new();
    // `ListTasks` answers with one desired status at a time, and a task that ends goes from one to the
    // other: asked in this order, it is seen at least once.
    for desired in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let answer = ecs
            .list_tasks()
            .cluster(cluster)
            .started_by(started_by)
            .desired_status(desired)
            .send()
            .await
            .map_err(|error| AwsError::sdk(format!("failed to list tasks in cluster {cluster}"), error))?;
        arns.extend(answer.task_arns.unwrap_or_default());
    }
    arns.sort();
    arns.dedup();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let answer = ecs
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(arns))
        .send()
        .await
        .map_err(|error| AwsError::sdk(format!("failed to describe tasks in cluster {cluster}"), error))?;
    Ok(answer.tasks.unwrap_or_default())
}

/// The exit code of the suite's container: the only one, or the one of the suite's name. Where
/// neither is there, any container that failed makes the suite fail.
fn run_of(task: &Task, suite: &SuiteName) -> SuiteRun {
    if task.last_status() != Some("STOPPED") {
        return SuiteRun::Running;
    }
    let containers = task.containers();
    let own = match containers {
        [only] => Some(only),
        several => several.iter().find(|one| one.name() == Some(&suite.0)),
    };
    if let Some(container) = own {
        return container
            .exit_code()
            .map_or(SuiteRun::Broken, |exit_code| SuiteRun::Ended { exit_code });
    }
    let codes: Option<Vec<i32>> = containers.iter().map(|one| one.exit_code()).collect();
    match codes {
        Some(codes) if !codes.is_empty() => SuiteRun::Ended {
            exit_code: codes.into_iter().find(|code| *code != 0).unwrap_or(0),
        },
        Some(_) | None => SuiteRun::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::Container;

    fn run(status: &str, containers: &[(&str, Option<i32>)]) -> SuiteRun {
        let containers = containers
            .iter()
            .map(|(name, code)| Container::builder().name(*name).set_exit_code(*code).build())
            .collect();
        let task = Task::builder()
            .last_status(status)
            .set_containers(Some(containers))
            .build();
        run_of(&task, &SuiteName("smoke".to_owned()))
    }

    #[test]
    fn a_suite_runs_until_its_task_has_stopped() {
        assert_eq!(run("RUNNING", &[("any", None)]), SuiteRun::Running);
        assert_eq!(run("DEPROVISIONING", &[("any", Some(0))]), SuiteRun::Running);
        assert_eq!(
            run("STOPPED", &[("any", Some(3))]),
            SuiteRun::Ended { exit_code: 3 }
        );
    }

    #[test]
    fn a_task_that_never_ran_is_broken_and_no_pass() {
        assert_eq!(run("STOPPED", &[("any", None)]), SuiteRun::Broken);
        assert_eq!(run("STOPPED", &[]), SuiteRun::Broken);
        assert_eq!(run("STOPPED", &[("a", Some(0)), ("b", None)]), SuiteRun::Broken);
    }

    #[test]
    fn the_container_of_the_suites_name_decides_before_a_sidecar() {
        assert_eq!(
            run("STOPPED", &[("proxy", Some(137)), ("smoke", Some(0))]),
            SuiteRun::Ended { exit_code: 0 }
        );
        assert_eq!(
            run("STOPPED", &[("a", Some(0)), ("b", Some(2))]),
            SuiteRun::Ended { exit_code: 2 }
        );
    }
}
