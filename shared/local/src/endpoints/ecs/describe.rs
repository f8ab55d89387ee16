//! Clusters, services, task definitions and tasks as ECS writes them.

use serde_json::{Value, json};

use super::super::args::{epoch, with, without_nulls};
use super::cluster_arn;
use crate::fleet::{Deployment, EcsService, Fleet, Task, TaskDefinition, TaskStatus, Transition};

/// Counts of tasks by what AWS counts them as.
#[derive(Default)]
struct Counts {
    running: usize,
    pending: usize,
}

impl Counts {
    fn of<'t>(tasks: impl Iterator<Item = &'t Task>) -> Self {
        let mut counts = Self::default();
        for task in tasks {
            match task.status {
                TaskStatus::Running => counts.running += 1,
                TaskStatus::Provisioning | TaskStatus::Pending => {
                    // One that is being stopped before it ran is no longer awaited.
                    counts.pending += usize::from(task.is_wanted());
                }
                TaskStatus::Deactivating | TaskStatus::Stopped => {}
            }
        }
        counts
    }
}

pub(super) fn cluster(fleet: &Fleet, name: &str) -> Value {
    let counts = Counts::of(fleet.tasks.values().filter(|task| task.cluster == name));
    let services = fleet
        .services
        .values()
        .filter(|service| service.cluster == name)
        .count();
    json!({
        "clusterArn": cluster_arn(fleet, name),
        "clusterName": name,
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": counts.running,
        "pendingTasksCount": counts.pending,
        "activeServicesCount": services,
        "statistics": [],
        "tags": [],
        "settings": [],
        "capacityProviders": ["FARGATE"],
        "defaultCapacityProviderStrategy": [],
    })
}

pub(super) fn service(fleet: &Fleet, key: &str, service: &EcsService) -> Value {
    let counts = Counts::of(fleet.tasks_of_service(key));
    let deployments: Vec<Value> = service
        .deployments
        .iter()
        .enumerate()
        .map(|(index, one)| deployment(fleet, key, service, one, index == 0))
        .collect();
    let load_balancers: Vec<Value> = service
        .attachments
        .iter()
        .map(|attachment| {
            json!({
                "targetGroupArn": attachment.target_group,
                "containerName": attachment.container,
                "containerPort": attachment.port,
            })
        })
        .collect();
    let events: Vec<Value> = service
        .events
        .iter()
        .map(|event| json!({"id": event.id, "createdAt": epoch(event.at), "message": event.message}))
        .collect();
    let described = json!({
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": cluster_arn(fleet, &service.cluster),
        "status": "ACTIVE",
        "desiredCount": service.desired,
        "runningCount": counts.running,
        "pendingCount": counts.pending,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": service.task_definition(),
        "serviceRegistries": [],
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {
                "enable": service.configuration.breaker,
                "rollback": service.configuration.breaker_rollback,
            },
            "maximumPercent": service.configuration.maximum_percent,
            "minimumHealthyPercent": service.configuration.minimum_healthy_percent,
        },
        "deploymentController": {"type": "ECS"},
        "healthCheckGracePeriodSeconds": service.grace_seconds,
        "schedulingStrategy": "REPLICA",
        "createdAt": epoch(service.created_at),
        "createdBy": format!("arn:aws:iam::{}:role/local", fleet.account),
        "roleArn": format!(
            "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            fleet.account
        ),
        "placementConstraints": [],
        "placementStrategy": [],
        "enableECSManagedTags": false,
        "enableExecuteCommand": false,
        "propagateTags": "NONE",
    });
    with(
        described,
        [
            ("deployments", deployments.into()),
            ("events", events.into()),
            ("loadBalancers", load_balancers.into()),
            ("networkConfiguration", service.network.clone()),
        ],
    )
}

fn deployment(
    fleet: &Fleet,
    key: &str,
    service: &EcsService,
    deployment: &Deployment,
    primary: bool,
) -> Value {
    let counts = Counts::of(
        fleet
            .tasks_of_service(key)
            .filter(|task| task.started_by.as_deref() == Some(&deployment.id)),
    );
    let described = json!({
        "id": deployment.id,
        "status": if primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.task_definition,
        "desiredCount": if primary { service.desired } else { 0 },
        "pendingCount": counts.pending,
        "runningCount": counts.running,
        "failedTasks": deployment.failed_tasks,
        "createdAt": epoch(deployment.created_at),
        "updatedAt": epoch(deployment.updated_at),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "rolloutState": deployment.rollout.as_str(),
        "rolloutStateReason": deployment.reason,
    });
    with(described, [("networkConfiguration", service.network.clone())])
}

pub(super) fn task_definition(fleet: &Fleet, definition: &TaskDefinition) -> Value {
    let mut members = definition.body.clone();
    members.remove("tags");
    for (name, value) in [
        ("taskDefinitionArn", json!(definition.arn)),
        ("family", json!(definition.family)),
        ("revision", json!(definition.revision)),
        (
            "status",
            json!(if definition.active { "ACTIVE" } else { "INACTIVE" }),
        ),
        ("compatibilities", json!(["EC2", "FARGATE"])),
        ("requiresAttributes", json!([])),
        ("registeredAt", epoch(definition.registered_at)),
        (
            "registeredBy",
            json!(format!("arn:aws:iam::{}:role/local", fleet.account)),
        ),
    ] {
        members.insert(name.to_owned(), value);
    }
    for name in ["volumes", "placementConstraints"] {
        members.entry(name).or_insert_with(|| json!([]));
    }
    Value::Object(members)
}

pub(super) fn task(fleet: &Fleet, task: &Task) -> Value {
    let definition = fleet.task_definition(&task.task_definition);
    let member = |name: &str| {
        definition
            .and_then(|definition| definition.body.get(name).cloned())
            .unwrap_or(Value::Null)
    };
    let stop = task.stop.as_ref();
    let overrides = match &task.overrides {
        Value::Null => json!({"containerOverrides": []}),
        given => given.clone(),
    };
    without_nulls(json!({
        "taskArn": task.arn,
        "clusterArn": cluster_arn(fleet, &task.cluster),
        "taskDefinitionArn": task.task_definition,
        "group": task.group,
        "startedBy": task.started_by,
        "lastStatus": task.status.as_str(),
        "desiredStatus": if task.is_wanted() { "RUNNING" } else { "STOPPED" },
        "healthStatus": "UNKNOWN",
        "connectivity": if task.status == TaskStatus::Running { "CONNECTED" } else { "DISCONNECTED" },
        "availabilityZone": format!("{}a", fleet.region),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "cpu": member("cpu"),
        "memory": member("memory"),
        "createdAt": epoch(task.created_at),
        "startedAt": task.started_at.map(epoch),
        "stoppingAt": stop.map(|stop| epoch(stop.at)),
        "stoppedAt": task.stopped_at.map(epoch),
        "executionStoppedAt": task.stopped_at.map(epoch),
        "stopCode": stop.map(|stop| stop.code.as_str()),
        "stoppedReason": stop.map(|stop| &stop.reason),
        "containers": containers(task, definition),
        "attachments": [{
            "id": short_id(&task.arn),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [{"name": "privateIPv4Address", "value": task.ip}],
        }],
        "attributes": [],
        "overrides": overrides,
        "enableExecuteCommand": false,
        "tags": [],
        "version": version(task),
    }))
}

fn short_id(arn: &str) -> &str {
    super::short(arn)
}

/// Grows with every change of a task's state, as AWS's counter does.
fn version(task: &Task) -> u8 {
    let stopping = u8::from(!task.is_wanted());
    stopping
        + match task.status {
            TaskStatus::Provisioning => 1,
            TaskStatus::Pending => 2,
            TaskStatus::Running => 3,
            TaskStatus::Deactivating => 4,
            TaskStatus::Stopped => 5,
        }
}

fn containers(task: &Task, definition: Option<&TaskDefinition>) -> Vec<Value> {
    let status = match task.status {
        TaskStatus::Running | TaskStatus::Deactivating => "RUNNING",
        TaskStatus::Provisioning | TaskStatus::Pending => "PENDING",
        TaskStatus::Stopped => "STOPPED",
    };
    let failed_to_pull = task.status == TaskStatus::Stopped
        && task.started_at.is_none()
        && task.next.is_none_or(|(_, next)| next == Transition::FailToPull);
    let reason = task
        .stop
        .as_ref()
        .filter(|_| failed_to_pull)
        .map(|stop| stop.reason.as_str());
    let id = super::short(&task.arn);
    definition
        .into_iter()
        .flat_map(TaskDefinition::containers)
        .enumerate()
        .map(|(index, container)| {
            without_nulls(json!({
                "containerArn": task.arn.replacen(":task/", ":container/", 1) + &format!("/{index}"),
                "taskArn": task.arn,
                "name": container.get("name"),
                "image": container.get("image"),
                "imageDigest": task.image.as_ref().map(|image| &image.digest),
                "runtimeId": format!("{id}-{index}"),
                "lastStatus": status,
                "healthStatus": "UNKNOWN",
                "exitCode": task.exit_code,
                "reason": reason,
                "networkBindings": [],
                "networkInterfaces": [{"attachmentId": id, "privateIpv4Address": task.ip}],
                "cpu": container.get("cpu").map(|cpu| Value::from(cpu.to_string())),
            }))
        })
        .collect()
}
