//! Operations of Application Auto Scaling, for ECS services.

use serde_json::{Value, json};

use super::Fault;
use super::args::{Args, epoch};
use crate::fleet::{Fleet, ScalableTarget};

const DIMENSION: &str = "ecs:service:DesiredCount";

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "DescribeScalableTargets" => describe(fleet, args),
        "RegisterScalableTarget" => register(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

fn of_ecs(args: Args<'_>) -> Result<(), Fault> {
    match args.filled("ServiceNamespace") {
        Some("ecs") => Ok(()),
        Some(other) => Err(invalid(format!("Unsupported service namespace: {other}"))),
        None => Err(invalid(
            "1 validation error detected: Value null at 'serviceNamespace' failed to satisfy constraint: \
             Member must not be null",
        )),
    }
}

fn arn(fleet: &Fleet, resource: &str) -> String {
    format!(
        "arn:aws:application-autoscaling:{}:{}:scalable-target/{resource}",
        fleet.region, fleet.account
    )
}

fn describe(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    of_ecs(args)?;
    let asked = args.texts("ResourceIds");
    let wanted = |resource: &str| asked.is_empty() || asked.contains(&resource);
    let held = fleet.scalable.iter().filter(|(resource, _)| wanted(resource));
    let targets: Vec<Value> = held
        .map(|(resource, target)| shown(fleet, resource, target))
        .collect();
    Ok(json!({ "ScalableTargets": targets }))
}

fn shown(fleet: &Fleet, resource: &str, target: &ScalableTarget) -> Value {
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": resource,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.min,
        "MaxCapacity": target.max,
        "RoleARN": format!(
            "arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
             AWSServiceRoleForApplicationAutoScaling_ECSService",
            fleet.account
        ),
        "CreationTime": epoch(target.created_at),
        "SuspendedState": {
            "DynamicScalingInSuspended": target.in_suspended,
            "DynamicScalingOutSuspended": target.out_suspended,
            "ScheduledScalingSuspended": target.scheduled_suspended,
        },
        "ScalableTargetARN": arn(fleet, resource),
    })
}

/// What a call does not name stays as it is; what is not there needs both bounds.
fn register(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    of_ecs(args)?;
    let resource = args
        .filled("ResourceId")
        .ok_or_else(|| invalid("ResourceId is missing"))?;
    let key = resource.strip_prefix("service/").unwrap_or_default();
    if !fleet.services.contains_key(key) {
        return Err(invalid("ECS service doesn't exist"));
    }
    let (min, max) = (
        args.count("MinCapacity", 0..=100_000, "ValidationException")?,
        args.count("MaxCapacity", 0..=100_000, "ValidationException")?,
    );
    let mut target = match (fleet.scalable.get(resource), min, max) {
        (Some(held), _, _) => held.clone(),
        (None, Some(min), Some(max)) => ScalableTarget {
            min,
            max,
            in_suspended: false,
            out_suspended: false,
            scheduled_suspended: false,
            pinned: false,
            created_at: fleet.now(),
        },
        (None, _, _) => {
            return Err(invalid(
                "You must specify both minimum and maximum capacity for a new scalable target",
            ));
        }
    };
    target.min = min.unwrap_or(target.min);
    target.max = max.unwrap_or(target.max);
    if let Some(state) = args.structure("SuspendedState").filter(|_| !target.pinned) {
        let set = |name: &str, held: &mut bool| *held = state.truth(name).unwrap_or(*held);
        set("DynamicScalingInSuspended", &mut target.in_suspended);
        set("DynamicScalingOutSuspended", &mut target.out_suspended);
        set("ScheduledScalingSuspended", &mut target.scheduled_suspended);
    }
    let service = resource.rsplit('/').next().unwrap_or_default();
    fleet.note_setting(format!("autoscaling:{service}"), Some(target.suspended()));
    fleet.scalable.insert(resource.to_owned(), target);
    Ok(json!({ "ScalableTargetARN": arn(fleet, resource) }))
}
