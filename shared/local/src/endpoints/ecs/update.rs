//! `UpdateService`, and registering and describing task definitions.

use serde_json::{Value, json};

use super::super::Fault;
use super::super::args::{Args, object};
use super::{client, cluster, describe, invalid, required_service};
use crate::fleet::{DeploymentConfiguration, Fleet};

/// Most tasks of a service (ECS service quotas).
const MAX_DESIRED: u32 = 5_000;
const CODE: &str = "InvalidParameterException";

/// What a call of `UpdateService` asks for, checked as a whole before anything
/// is changed.
struct Update {
    task_definition: Option<String>,
    desired: Option<u32>,
    grace_seconds: Option<u32>,
    configuration: Option<DeploymentConfiguration>,
    network: Option<Value>,
    force: bool,
}

pub(super) fn update_service(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let reference = args
        .filled("service")
        .ok_or_else(|| invalid("Service can not be blank."))?;
    let key = required_service(fleet, &cluster, reference)?;
    let update = read_update(fleet, &key, args)?;
    apply_update(fleet, &key, update);
    fleet.settle();
    let service = fleet
        .services
        .get(&key)
        .ok_or_else(|| Fault::new("ServiceNotFoundException", "Service not found."))?;
    Ok(object([("service", describe::service(fleet, &key, service))]))
}

fn read_update(fleet: &Fleet, key: &str, args: Args<'_>) -> Result<Update, Fault> {
    let task_definition = match args.filled("taskDefinition") {
        Some(reference) => {
            let found = fleet
                .task_definition(reference)
                .ok_or_else(|| client("TaskDefinition not found."))?;
            if !found.active {
                return Err(client("TaskDefinition is inactive"));
            }
            Some(found.arn.clone())
        }
        None => None,
    };
    let current = fleet
        .services
        .get(key)
        .map(|service| service.configuration)
        .unwrap_or_default();
    Ok(Update {
        task_definition,
        desired: args.count("desiredCount", 0..=MAX_DESIRED, CODE)?,
        grace_seconds: args.count("healthCheckGracePeriodSeconds", 0..=i32::MAX.unsigned_abs(), CODE)?,
        configuration: args
            .structure("deploymentConfiguration")
            .map(|given| read_configuration(current, given))
            .transpose()?,
        network: args.value("networkConfiguration").cloned(),
        force: args.truth("forceNewDeployment").unwrap_or(false),
    })
}

/// Members that are not given keep their value.
fn read_configuration(
    mut configuration: DeploymentConfiguration,
    given: Args<'_>,
) -> Result<DeploymentConfiguration, Fault> {
    if let Some(percent) = given.count("maximumPercent", 0..=1_000, CODE)? {
        configuration.maximum_percent = percent;
    }
    if let Some(percent) = given.count("minimumHealthyPercent", 0..=100, CODE)? {
        configuration.minimum_healthy_percent = percent;
    }
    if let Some(breaker) = given.structure("deploymentCircuitBreaker") {
        configuration.breaker = breaker.truth("enable").unwrap_or(false);
        configuration.breaker_rollback = breaker.truth("rollback").unwrap_or(false);
    }
    if configuration.maximum_percent < 100
        || (configuration.maximum_percent == 100 && configuration.minimum_healthy_percent == 100)
    {
        return Err(invalid(
            "The deployment configuration leaves no room to replace a task: maximumPercent must \
             be at least 100, and above minimumHealthyPercent.",
        ));
    }
    Ok(configuration)
}

fn apply_update(fleet: &mut Fleet, key: &str, update: Update) {
    let Some(service) = fleet.services.get_mut(key) else {
        return;
    };
    let current = service.task_definition().to_owned();
    let network_changed = update
        .network
        .as_ref()
        .is_some_and(|network| *network != service.network);
    if let Some(desired) = update.desired {
        service.desired = desired;
    }
    if let Some(seconds) = update.grace_seconds {
        service.grace_seconds = seconds;
    }
    if let Some(configuration) = update.configuration {
        service.configuration = configuration;
    }
    if let Some(network) = update.network {
        service.network = network;
    }
    let wanted = update.task_definition.unwrap_or_else(|| current.clone());
    // Only these make a new deployment (ECS API reference, `UpdateService`); a
    // new desired count alone does not.
    if update.force || network_changed || wanted != current {
        fleet.new_deployment(key, &wanted);
    }
    fleet.dirty = true;
}

pub(super) fn register(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let family = args
        .filled("family")
        .ok_or_else(|| client("Family should not be null or empty."))?;
    let well_formed = family.len() <= 255
        && family
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !well_formed {
        return Err(client(
            "Family contains invalid characters, or is longer than 255 characters.",
        ));
    }
    let containers = args.structures("containerDefinitions");
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    for container in containers {
        for (member, message) in [
            ("name", "Container.name should not be null or empty."),
            ("image", "Container.image should not be null or empty."),
        ] {
            if container.filled(member).is_none() {
                return Err(client(message));
            }
        }
    }
    let arn = fleet.register_task_definition(family, args.members().clone());
    describe_by(fleet, &arn)
}

pub(super) fn describe(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let reference = args
        .filled("taskDefinition")
        .ok_or_else(|| client("Task definition can not be blank."))?;
    describe_by(fleet, reference)
}

fn describe_by(fleet: &Fleet, reference: &str) -> Result<Value, Fault> {
    let definition = fleet
        .task_definition(reference)
        .ok_or_else(|| client("Unable to describe task definition."))?;
    let tags = definition.body.get("tags").cloned().unwrap_or_else(|| json!([]));
    Ok(object([
        ("taskDefinition", describe::task_definition(fleet, definition)),
        ("tags", tags),
    ]))
}

pub(super) fn deregister(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let reference = args.filled("taskDefinition").unwrap_or_default();
    let arn = fleet
        .task_definition(reference)
        .map(|definition| (definition.family.clone(), definition.arn.clone()))
        .ok_or_else(|| client("The specified task definition does not exist."))?;
    let (family, arn) = arn;
    if let Some(found) = fleet
        .task_definitions
        .get_mut(&family)
        .and_then(|revisions| revisions.iter_mut().find(|held| held.arn == arn))
    {
        found.active = false;
    }
    let described = describe_by(fleet, &arn)?;
    Ok(json!({"taskDefinition": described.get("taskDefinition")}))
}
