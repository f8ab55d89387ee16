//! `ModifyRule` and `ModifyTargetGroup`.

use serde_json::{Value, json};

use super::super::Fault;
use super::super::args::Args;
use super::{describe, rule_not_found, target_group_not_found, validation};
use crate::fleet::{Fleet, Forward, MAX_WEIGHT, RuleAction};

/// Most target groups of a forward action (ELBv2 quotas for Application Load
/// Balancers: target groups per action).
const MAX_TARGET_GROUPS: usize = 5;
/// Longest group stickiness in seconds (`TargetGroupStickinessConfig`).
const MAX_STICKY_SECONDS: u32 = 604_800;
const CODE: &str = "ValidationError";

pub(super) fn modify_rule(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let arn = args
        .filled("RuleArn")
        .ok_or_else(|| validation("RuleArn is required"))?;
    let held = fleet.rules.get(arn).ok_or_else(rule_not_found)?;
    if held.priority.is_none() {
        return Err(Fault::new(
            "OperationNotPermitted",
            "Default rule cannot be modified",
        ));
    }
    let action = match args.structures("Actions").as_slice() {
        [] => None,
        [only] => Some(read_action(fleet, *only)?),
        [..] => {
            return Err(Fault::new("TooManyActions", "Only one action is supported here"));
        }
    };
    let paths = read_paths(args);
    if let Some(paths) = paths
        && let Some(rule) = fleet.rules.get_mut(arn)
    {
        rule.paths = paths;
    }
    if let Some(action) = action {
        fleet.set_rule_action(arn, action);
    }
    let rule = fleet.rules.get(arn).ok_or_else(rule_not_found)?;
    Ok(json!({"Rules": [describe::rule(arn, rule)]}))
}

/// The path patterns of the conditions, if there are conditions.
fn read_paths(args: Args<'_>) -> Option<Vec<String>> {
    let conditions = args.structures("Conditions");
    if conditions.is_empty() {
        return None;
    }
    let mut paths = Vec::new();
    for condition in conditions {
        if condition.filled("Field") != Some("path-pattern") {
            continue;
        }
        let configured = condition
            .structure("PathPatternConfig")
            .map(|config| config.texts("Values"))
            .filter(|values| !values.is_empty());
        let values = configured.unwrap_or_else(|| condition.texts("Values"));
        paths.extend(values.into_iter().map(str::to_owned));
    }
    Some(paths)
}

fn read_action(fleet: &Fleet, action: Args<'_>) -> Result<RuleAction, Fault> {
    match action.filled("Type") {
        Some("forward") => read_forward(fleet, action),
        Some("fixed-response") => {
            let status = action
                .structure("FixedResponseConfig")
                .and_then(|config| config.filled("StatusCode"))
                .and_then(|status| status.parse().ok())
                .filter(|status| (200..600).contains(status))
                .ok_or_else(|| validation("FixedResponseConfig needs a valid StatusCode"))?;
            Ok(RuleAction::Fixed(status))
        }
        Some(other) => Err(validation(format!("Action type '{other}' is not supported here"))),
        None => Err(validation("An action type must be specified")),
    }
}

fn read_forward(fleet: &Fleet, action: Args<'_>) -> Result<RuleAction, Fault> {
    let config = action.structure("ForwardConfig");
    let tuples = config
        .map(|config| config.structures("TargetGroups"))
        .unwrap_or_default();
    let mut targets: Vec<Forward> = Vec::new();
    for tuple in tuples {
        let arn = tuple
            .filled("TargetGroupArn")
            .ok_or_else(|| validation("TargetGroupArn is required"))?;
        let weight = tuple
            .count("Weight", 0..=u32::from(MAX_WEIGHT), CODE)?
            .and_then(|weight| u16::try_from(weight).ok());
        // Without a weight, a target group has weight 1.
        targets.push(forward(arn, weight.unwrap_or(1)));
    }
    if targets.is_empty() {
        let arn = action
            .filled("TargetGroupArn")
            .ok_or_else(|| validation("A target group must be specified for a forward action"))?;
        targets.push(forward(arn, 1));
    }
    if targets.len() > MAX_TARGET_GROUPS {
        return Err(validation("A forward action can have at most 5 target groups"));
    }
    for (index, target) in targets.iter().enumerate() {
        if !fleet.target_groups.contains_key(&target.target_group) {
            return Err(target_group_not_found());
        }
        let again = |other: &Forward| other.target_group == target.target_group;
        if targets.iter().skip(index + 1).any(again) {
            return Err(validation(
                "A target group can be named only once in a forward action",
            ));
        }
    }
    let stickiness = config.and_then(|config| config.structure("TargetGroupStickinessConfig"));
    let sticky = stickiness
        .and_then(|config| config.truth("Enabled"))
        .unwrap_or(false);
    let sticky_seconds = match stickiness {
        Some(config) => config.count("DurationSeconds", 1..=MAX_STICKY_SECONDS, CODE)?,
        None => None,
    };
    if sticky && sticky_seconds.is_none() {
        return Err(validation(
            "The duration of the target group stickiness must be specified if it is enabled",
        ));
    }
    Ok(RuleAction::Forward {
        targets,
        sticky,
        sticky_seconds,
    })
}

fn forward(target_group: &str, weight: u16) -> Forward {
    Forward {
        target_group: target_group.to_owned(),
        weight,
        carry: 0.0,
    }
}

pub(super) fn modify_target_group(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let arn = args
        .filled("TargetGroupArn")
        .ok_or_else(|| validation("TargetGroupArn is required"))?;
    let mut check = fleet
        .target_groups
        .get(arn)
        .ok_or_else(target_group_not_found)?
        .health_check
        .clone();
    if let Some(seconds) = args.count("HealthCheckIntervalSeconds", 5..=300, CODE)? {
        check.interval_seconds = seconds;
    }
    if let Some(seconds) = args.count("HealthCheckTimeoutSeconds", 2..=120, CODE)? {
        check.timeout_seconds = seconds;
    }
    if let Some(count) = args.count("HealthyThresholdCount", 2..=10, CODE)? {
        check.healthy_threshold = count;
    }
    if let Some(count) = args.count("UnhealthyThresholdCount", 2..=10, CODE)? {
        check.unhealthy_threshold = count;
    }
    if let Some(path) = args.filled("HealthCheckPath") {
        check.path = path.to_owned();
    }
    if let Some(codes) = args
        .structure("Matcher")
        .and_then(|matcher| matcher.filled("HttpCode"))
    {
        check.matcher = codes.to_owned();
    }
    if check.timeout_seconds >= check.interval_seconds {
        return Err(validation(
            "Health check timeout must be smaller than the health check interval",
        ));
    }
    if let Some(group) = fleet.target_groups.get_mut(arn) {
        group.health_check = check;
    }
    let group = fleet.target_groups.get(arn).ok_or_else(target_group_not_found)?;
    Ok(json!({"TargetGroups": [describe::target_group(fleet, arn, group)]}))
}
