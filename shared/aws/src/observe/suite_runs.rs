//! How test suites stand that are tasks, and what one wrote that failed.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{Container, Task};
use jiff::Timestamp;
use tidegate_core::deployment::Deployment;
use tidegate_core::observation::SuiteRun;
use tidegate_core::spec::SuiteName;

use super::task_definitions::describe_task_definition;
use crate::error::AwsError;
use crate::naming::suite_started_by;
use crate::on_demand::OnDemand;
use crate::started::{id_of, newest, tasks_started_by};
use crate::tail;

/// Who runs suites, and who has what they wrote.
#[derive(Debug, Clone, Copy)]
pub struct SuiteClients<'a> {
    /// ECS.
    pub ecs: &'a aws_sdk_ecs::Client,
    /// CloudWatch Logs, which is asked only of a suite that failed, or did not end in its time.
    pub logs: &'a OnDemand<aws_sdk_cloudwatchlogs::Client>,
}

/// How the suites that were started for a deployment, and have not been seen to end, stand. One
/// without a task is absent: it was not started after all, or it ended more than an hour ago, after
/// which ECS forgets stopped tasks.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn suites(
    clients: SuiteClients<'_>,
    deployment: &Deployment,
    now: Timestamp,
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
        let tasks = tasks_started_by(clients.ecs, &plan.wiring.cluster, &started_by).await?;
        if let Some(task) = newest(tasks) {
            let run = run_of(&task, suite);
            let silent = deployment.spec.silent_suites.contains(suite);
            let overdue = deployment.is_suite_overdue(suite, now);
            let run = match silent {
                true => run,
                false => with_log(clients, &task, suite, run, overdue).await,
            };
            runs.insert(suite.clone(), run);
        }
    }
    Ok(runs)
}

/// Adds the last lines of a task that did not pass, or not in its time.
async fn with_log(
    clients: SuiteClients<'_>,
    task: &Task,
    suite: &SuiteName,
    run: SuiteRun,
    overdue: bool,
) -> SuiteRun {
    match run {
        SuiteRun::Ended { exit_code, .. } if exit_code != 0 => SuiteRun::Ended {
            exit_code,
            log: last_lines(clients, task, suite).await,
        },
        SuiteRun::Broken { .. } => {
            let why = task
                .stopped_reason()
                .unwrap_or("its task stopped, and nobody says why");
            SuiteRun::Broken {
                log: tidegate_core::change::tail([tail::note(why).as_str()]),
            }
        }
        SuiteRun::Running { .. } if overdue => SuiteRun::Running {
            log: last_lines(clients, task, suite).await,
        },
        SuiteRun::Running { .. } | SuiteRun::Ended { .. } => run,
    }
}

async fn last_lines(clients: SuiteClients<'_>, task: &Task, suite: &SuiteName) -> Vec<String> {
    let definition = task.task_definition_arn().unwrap_or_default();
    let described = match describe_task_definition(clients.ecs, definition).await {
        Ok(described) => described,
        Err(error) => return vec![tail::note(&error.to_string())],
    };
    let containers = described.definition.container_definitions();
    let name = failed(task, suite).and_then(|container| container.name());
    match containers.iter().find(|one| one.name() == name) {
        Some(container) => tail::read(clients.logs.get(), container, id_of(task)).await,
        None => vec![tail::note("nobody knows which of its containers failed")],
    }
}

/// The suite's container: the only one, or the one of the suite's name.
fn own<'a>(task: &'a Task, suite: &SuiteName) -> Option<&'a Container> {
    match task.containers() {
        [only] => Some(only),
        several => several.iter().find(|one| one.name() == Some(&suite.0)),
    }
}

/// The container whose end made the suite fail.
fn failed<'a>(task: &'a Task, suite: &SuiteName) -> Option<&'a Container> {
    let any = || task.containers().iter().find(|one| one.exit_code() != Some(0));
    own(task, suite).or_else(any)
}

/// The exit code of the suite's container: the only one, or the one of the suite's name. Where
/// neither is there, any container that failed makes the suite fail.
fn run_of(task: &Task, suite: &SuiteName) -> SuiteRun {
    if task.last_status() != Some("STOPPED") {
        return SuiteRun::running();
    }
    if let Some(container) = own(task, suite) {
        return container
            .exit_code()
            .map_or_else(SuiteRun::broken, SuiteRun::ended);
    }
    let codes: Option<Vec<i32>> = task.containers().iter().map(|one| one.exit_code()).collect();
    match codes {
        Some(codes) if !codes.is_empty() => {
            SuiteRun::ended(codes.into_iter().find(|code| *code != 0).unwrap_or(0))
        }
        Some(_) | None => SuiteRun::broken(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(run("RUNNING", &[("any", None)]), SuiteRun::running());
        assert_eq!(run("DEPROVISIONING", &[("any", Some(0))]), SuiteRun::running());
        assert_eq!(run("STOPPED", &[("any", Some(3))]), SuiteRun::ended(3));
    }

    #[test]
    fn a_task_that_never_ran_is_broken_and_no_pass() {
        assert_eq!(run("STOPPED", &[("any", None)]), SuiteRun::broken());
        assert_eq!(run("STOPPED", &[]), SuiteRun::broken());
        assert_eq!(run("STOPPED", &[("a", Some(0)), ("b", None)]), SuiteRun::broken());
    }

    #[test]
    fn the_container_of_the_suites_name_decides_before_a_sidecar() {
        assert_eq!(
            run("STOPPED", &[("proxy", Some(137)), ("smoke", Some(0))]),
            SuiteRun::ended(0)
        );
        assert_eq!(
            run("STOPPED", &[("a", Some(0)), ("b", Some(2))]),
            SuiteRun::ended(2)
        );
    }
}
