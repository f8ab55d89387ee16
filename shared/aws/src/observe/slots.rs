//! The ECS services of a target, with the targets behind them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service, TaskDefinitionStatus};
use aws_sdk_elasticloadbalancingv2::types::{TargetGroup, TargetHealthStateEnum};
use tidegate_core::ids::{Digest, Slot};
use tidegate_core::observation::{Rollout, SlotState};
use tidegate_core::spec::HealthCheck;
use tidegate_core::wiring::Wiring;

use super::services::describe_services;
use super::task_definitions::describe_task_definition;
use crate::container::{application_container, digest_of};
use crate::error::AwsError;

/// What the task definitions that were read say of their images. A revision never changes its
/// containers, so a function asks for each once; only whether it is active can change, and what
/// depends on that starts with an empty one.
#[derive(Debug, Default)]
pub struct KnownImages(Mutex<BTreeMap<String, Image>>);

impl KnownImages {
    fn get(&self, key: &str) -> Option<Image> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    fn put(&self, key: String, image: Image) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, image);
    }
}

/// Reads the services of a target; one that does not exist is absent. `health_check` is what the
/// slots' target groups shall have.
///
/// # Errors
/// Where AWS can't be asked, or a target group or task definition in use can't be read.
pub async fn slots(
    ecs: &aws_sdk_ecs::Client,
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    wiring: &Wiring,
    health_check: Option<&HealthCheck>,
    images: &KnownImages,
) -> Result<BTreeMap<Slot, SlotState>, AwsError> {
    let names: Vec<String> = wiring.services.values().cloned().collect();
    let services = describe_services(ecs, &wiring.cluster, &names)
        .await?
        .unwrap_or_default();
    let groups = match health_check {
        Some(_) => target_groups(elb, wiring).await?,
        None => Vec::new(),
    };
    let mut slots = BTreeMap::new();
    for (slot, name) in &wiring.services {
        let Some(service) = services.iter().find(|one| one.service_name() == Some(name)) else {
            continue;
        };
        let group = wiring
            .balancer
            .as_ref()
            .and_then(|one| one.target_groups.get(slot));
        // Where no task of the current task definition runs, none is healthy, whoever else is.
        let runs = primary(service).is_some_and(|current| current.running_count() > 0);
        let healthy_targets = match group {
            Some(arn) if runs => Some(healthy_targets(elb, arn).await?),
            _ => None,
        };
        let task_definition = service.task_definition().unwrap_or_default().to_owned();
        let image = image(ecs, service, &task_definition, images).await?;
        let state = SlotState {
            inactive: image.inactive,
            digest: image.digest,
            desired: count(service.desired_count()),
            running: count(service.running_count()),
            healthy: healthy_of_current(service, healthy_targets),
            rollout: rollout(service),
            health_check_matches: health_check_matches(health_check, group, &groups),
            task_definition,
        };
        slots.insert(*slot, state);
    }
    Ok(slots)
}

/// ECS counts are never below zero.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn primary(service: &Service) -> Option<&Deployment> {
    service
        .deployments()
        .iter()
        .find(|one| one.status() == Some("PRIMARY"))
}

/// Healthy tasks of the task definition that the service is set to, never more than there are.
///
/// A target group does not tell old tasks from new ones. While both run, all old ones are taken
/// for healthy and left out, so that a slot never seems ready before it is (invariant 4). The
/// number is exact when ECS's deployment is over.
fn healthy_of_current(service: &Service, healthy_targets: Option<u32>) -> u32 {
    let Some(current) = primary(service) else {
        return 0;
    };
    // Right after `UpdateService`, an answer can still have the deployment before it.
    if current.task_definition() != service.task_definition() {
        return 0;
    }
    let running = count(current.running_count());
    let others: u32 = service
        .deployments()
        .iter()
        .filter(|one| one.id() != current.id())
        .map(|one| count(one.running_count()))
        .sum();
    healthy_targets.map_or(running, |healthy| healthy.saturating_sub(others).min(running))
}

fn rollout(service: &Service) -> Rollout {
    let Some(current) = primary(service) else {
        return Rollout::InProgress;
    };
    match current.rollout_state() {
        Some(DeploymentRolloutState::Completed) => Rollout::Completed,
        Some(DeploymentRolloutState::Failed) => {
            let reason = current.rollout_state_reason().unwrap_or("ECS gives no reason");
            Rollout::Failed(reason.to_owned())
        }
        // Absent, in progress, or a state that this SDK does not know: not over yet.
        _ => Rollout::InProgress,
    }
}

/// What a service's task definition says of its image.
#[derive(Debug, Clone)]
struct Image {
    digest: Option<Digest>,
    inactive: bool,
}

async fn image(
    ecs: &aws_sdk_ecs::Client,
    service: &Service,
    task_definition: &str,
    known: &KnownImages,
) -> Result<Image, AwsError> {
    // The container that the load balancer talks to is the application, whatever its image.
    let behind_balancer = service
        .load_balancers()
        .iter()
        .find_map(|one| one.container_name());
    let key = format!("{task_definition} {}", behind_balancer.unwrap_or_default());
    if let Some(image) = known.get(&key) {
        return Ok(image);
    }
    let described = describe_task_definition(ecs, task_definition).await?;
    let containers = described.definition.container_definitions();
    let container = containers
        .iter()
        .find(|one| behind_balancer.is_some() && one.name() == behind_balancer)
        .or_else(|| application_container(containers, None).ok());
    let image = Image {
        digest: container.and_then(|one| one.image()).and_then(digest_of),
        inactive: described.definition.status() == Some(&TaskDefinitionStatus::Inactive),
    };
    known.put(key, image.clone());
    Ok(image)
}

async fn healthy_targets(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    target_group: &str,
) -> Result<u32, AwsError> {
    let answer = elb
        .describe_target_health()
        .target_group_arn(target_group)
        .send()
        .await
        .map_err(|error| {
            AwsError::sdk(
                format!("failed to describe target health of {target_group}"),
                error,
            )
        })?;
    let healthy = answer
        .target_health_descriptions()
        .iter()
        .filter_map(|one| one.target_health()?.state())
        .filter(|state| **state == TargetHealthStateEnum::Healthy)
        .count();
    Ok(u32::try_from(healthy).unwrap_or(u32::MAX))
}

async fn target_groups(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    wiring: &Wiring,
) -> Result<Vec<TargetGroup>, AwsError> {
    let Some(balancer) = &wiring.balancer else {
        return Ok(Vec::new());
    };
    let answer = elb
        .describe_target_groups()
        .set_target_group_arns(Some(balancer.target_groups.values().cloned().collect()))
        .send()
        .await
        .map_err(|error| {
            let cluster = &wiring.cluster;
            AwsError::sdk(
                format!("failed to describe the target groups in cluster {cluster}"),
                error,
            )
        })?;
    Ok(answer.target_groups.unwrap_or_default())
}

fn health_check_matches(wanted: Option<&HealthCheck>, arn: Option<&String>, groups: &[TargetGroup]) -> bool {
    let (Some(wanted), Some(arn)) = (wanted, arn) else {
        return true;
    };
    let Some(group) = groups.iter().find(|one| one.target_group_arn() == Some(arn)) else {
        return false;
    };
    let seconds = |value: Option<i32>| value.map(count);
    group.health_check_path() == Some(&wanted.path)
        && seconds(group.health_check_timeout_seconds()) == Some(wanted.timeout_seconds)
        && seconds(group.health_check_interval_seconds()) == Some(wanted.interval_seconds)
        && seconds(group.unhealthy_threshold_count()) == Some(wanted.failure_threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(id: &str, task_definition: &str, running: i32) -> Deployment {
        Deployment::builder()
            .id(id)
            .status(if id == "new" { "PRIMARY" } else { "ACTIVE" })
            .task_definition(task_definition)
            .running_count(running)
            .build()
    }

    fn service(task_definition: &str, deployments: Vec<Deployment>) -> Service {
        Service::builder()
            .task_definition(task_definition)
            .set_deployments(Some(deployments))
            .build()
    }

    #[test]
    fn healthy_targets_of_old_tasks_do_not_count() {
        let rolling = service(
            "web:2",
            vec![deployment("new", "web:2", 4), deployment("old", "web:1", 4)],
        );
        assert_eq!(
            healthy_of_current(&rolling, Some(4)),
            0,
            "the four may all be old ones"
        );
        assert_eq!(healthy_of_current(&rolling, Some(6)), 2);
        let done = service("web:2", vec![deployment("new", "web:2", 4)]);
        assert_eq!(healthy_of_current(&done, Some(4)), 4);
        assert_eq!(healthy_of_current(&done, Some(9)), 4, "targets of someone else");
    }

    #[test]
    fn without_a_balancer_running_tasks_of_the_primary_deployment_count() {
        let rolling = service(
            "web:2",
            vec![deployment("new", "web:2", 1), deployment("old", "web:1", 4)],
        );
        assert_eq!(healthy_of_current(&rolling, None), 1);
    }

    #[test]
    fn a_stale_answer_has_no_healthy_tasks() {
        let stale = service("web:2", vec![deployment("new", "web:1", 4)]);
        assert_eq!(healthy_of_current(&stale, Some(4)), 0);
        assert_eq!(healthy_of_current(&service("web:2", vec![]), Some(4)), 0);
    }

    #[test]
    fn a_health_check_matches_in_every_value_or_not_at_all() {
        let wanted = HealthCheck {
            path: "/health".to_owned(),
            initial_delay_seconds: 30,
            timeout_seconds: 5,
            interval_seconds: 10,
            failure_threshold: 3,
        };
        let group = TargetGroup::builder()
            .target_group_arn("tg")
            .health_check_path("/health")
            .health_check_timeout_seconds(5)
            .health_check_interval_seconds(10)
            .unhealthy_threshold_count(3);
        let arn = "tg".to_owned();
        let matches = |group: TargetGroup| health_check_matches(Some(&wanted), Some(&arn), &[group]);
        assert!(matches(group.clone().build()));
        assert!(!matches(group.unhealthy_threshold_count(2).build()));
        assert!(!health_check_matches(Some(&wanted), Some(&arn), &[]));
        assert!(health_check_matches(None, Some(&arn), &[]));
    }
}
