//! Task definitions, found by the tag that Tidegate gives them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::describe_task_definition::DescribeTaskDefinitionError;
use aws_sdk_ecs::types::{
    ContainerDefinition, LogDriver, Tag, TaskDefinition, TaskDefinitionField, TaskDefinitionStatus,
};
use tidegate_core::change::SettingNow;
use tidegate_core::ids::DeploymentId;
use tidegate_core::permissions::TaskRoles;
use tidegate_core::spec::ContainerConfiguration;

use crate::container::{application_container, configured, repository_of};
use crate::error::{AwsError, Kind};
use crate::naming::{DEPLOYMENT_TAG, family_and_revision};

/// How many of the newest revisions are looked at. Others may register revisions of the same
/// family meanwhile, but seldom more than a few.
const LOOK_BACK: u32 = 5;

/// A task definition and its tags.
pub(crate) struct Described {
    pub definition: TaskDefinition,
    pub tags: Vec<Tag>,
}

/// Reads a task definition by ARN, `family:revision`, or family (its newest active revision).
///
/// # Errors
/// Where it does not exist or can't be read.
pub(crate) async fn describe_task_definition(ecs: &Client, name: &str) -> Result<Described, AwsError> {
    let found = try_describe_task_definition(ecs, name).await?;
    found.ok_or_else(|| {
        let what = format!("failed to describe task definition {name}");
        AwsError::answer(what, Kind::NotFound, "it does not exist")
    })
}

/// The same, with nothing for one that does not exist.
///
/// ECS has no error of its own for that. `ClientException` is what it answers to a well-formed name
/// that it does not know.
pub(crate) async fn try_describe_task_definition(
    ecs: &Client,
    name: &str,
) -> Result<Option<Described>, AwsError> {
    let call = ecs
        .describe_task_definition()
        .task_definition(name)
        .include(TaskDefinitionField::Tags);
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(DescribeTaskDefinitionError::is_client_exception) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(AwsError::sdk(
                format!("failed to describe task definition {name}"),
                error,
            ));
        }
    };
    let tags = answer.tags.unwrap_or_default();
    Ok(answer
        .task_definition
        .map(|definition| Described { definition, tags }))
}

/// What the application's container of a task definition shall be configured with.
#[derive(Debug, Clone, Copy)]
pub struct Configured<'a> {
    /// An image of the application's repository, by which its container is found.
    pub image: &'a str,
    /// What it gets.
    pub asked: &'a ContainerConfiguration,
}

/// How the variables that the file sets stand in a task definition.
///
/// # Errors
/// Where it can't be read, or the application's container can't be told.
pub async fn container_settings(
    ecs: &Client,
    task_definition: &str,
    of: Configured<'_>,
) -> Result<BTreeMap<String, SettingNow>, AwsError> {
    let described = describe_task_definition(ecs, task_definition).await?;
    settings(&described.definition, of).map_err(|cause| {
        let what = format!("failed to read the variables of task definition {task_definition}");
        AwsError::answer(what, Kind::Invalid, cause)
    })
}

/// The log group that the application's container of a task definition writes to; nothing where it has
/// none in this region, or can't be told.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn log_group(ecs: &Client, task_definition: &str, image: &str) -> Result<Option<String>, AwsError> {
    let described = describe_task_definition(ecs, task_definition).await?;
    let containers = described.definition.container_definitions();
    let region = ecs.config().region().map(|region| region.as_ref());
    let container = application_container(containers, Some(repository_of(image))).ok();
    Ok(container.and_then(|container| group_of(container, region)))
}

/// The roles that tasks of these definitions get, as far as the definitions exist.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn task_roles(ecs: &Client, definitions: &BTreeSet<String>) -> Result<TaskRoles, AwsError> {
    let mut found = TaskRoles::default();
    for name in definitions {
        let Some(described) = try_describe_task_definition(ecs, name).await? else {
            continue;
        };
        let definition = described.definition;
        let roles = [definition.task_role_arn, definition.execution_role_arn];
        let roles = roles.into_iter().flatten().filter(|role| !role.is_empty());
        found.0.insert(name.clone(), roles.collect());
    }
    Ok(found)
}

/// By the settings of the `awslogs` driver.
fn group_of(container: &ContainerDefinition, region: Option<&str>) -> Option<String> {
    let settings = container.log_configuration()?;
    if settings.log_driver() != &LogDriver::Awslogs {
        return None;
    }
    let options = settings.options()?;
    let here = options.get("awslogs-region").map(String::as_str) == region;
    options.get("awslogs-group").filter(|_| here).cloned()
}

fn settings(definition: &TaskDefinition, of: Configured<'_>) -> Result<BTreeMap<String, SettingNow>, String> {
    let repository = repository_of(of.image);
    let container = application_container(definition.container_definitions(), Some(repository))?;
    Ok(configured(container, of.asked))
}

/// The ARN of the task definition that was registered for `deployment` as a copy of `copy_of`
/// (ARN or family); nothing where there is none yet. One with our tag that is not configured as it
/// shall be is none of ours.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn registered_task_definition(
    ecs: &Client,
    copy_of: &str,
    deployment: &DeploymentId,
    configured: Option<Configured<'_>>,
) -> Result<Option<String>, AwsError> {
    let as_asked = |described: &Described| {
        let same = |of| settings(&described.definition, of).is_ok_and(|all| is_same(&all));
        configured.is_none_or(same)
    };
    let (family, copied) = family_and_revision(copy_of);
    let Some(newest) = try_describe_task_definition(ecs, family).await? else {
        return Ok(None);
    };
    if let Some(arn) = arn_if_ours(&newest, deployment).filter(|_| as_asked(&newest)) {
        return Ok(Some(arn));
    }
    let newest = count(newest.definition.revision());
    for revision in older_revisions(copied, newest) {
        let name = format!("{family}:{revision}");
        let Some(described) = try_describe_task_definition(ecs, &name).await? else {
            continue;
        };
        if let Some(arn) = arn_if_ours(&described, deployment).filter(|_| as_asked(&described)) {
            return Ok(Some(arn));
        }
    }
    Ok(None)
}

fn is_same(all: &BTreeMap<String, SettingNow>) -> bool {
    all.values().all(|now| *now == SettingNow::Same)
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// The revisions before the newest that can be a copy of `copied`: a copy is newer than its model.
fn older_revisions(copied: Option<u32>, newest: u32) -> impl Iterator<Item = u32> {
    let first = match copied {
        Some(copied) => copied.saturating_add(1).max(newest.saturating_sub(LOOK_BACK - 1)),
        None => newest,
    };
    (first..newest).rev()
}

fn arn_if_ours(described: &Described, deployment: &DeploymentId) -> Option<String> {
    let active = described.definition.status() == Some(&TaskDefinitionStatus::Active);
    let tagged = described
        .tags
        .iter()
        .any(|tag| tag.key() == Some(DEPLOYMENT_TAG) && tag.value() == Some(deployment.as_str()));
    let arn = described
        .definition
        .task_definition_arn()
        .filter(|_| active && tagged)?;
    Some(arn.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_revisions_newer_than_the_model_are_looked_at() {
        let looked = |copied, newest| older_revisions(copied, newest).collect::<Vec<_>>();
        assert_eq!(looked(Some(7), 7), [0; 0]);
        assert_eq!(looked(Some(7), 8), [0; 0]);
        assert_eq!(looked(Some(7), 10), [9, 8]);
        assert_eq!(looked(Some(1), 100), [99, 98, 97, 96]);
        assert_eq!(looked(None, 100), [0; 0]);
    }
}
