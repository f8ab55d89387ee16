//! Operations of Elastic Load Balancing v2.

mod describe;
mod modify;

use serde_json::Value;

use super::Fault;
use super::args::{Args, object, without_nulls};
use crate::fleet::Fleet;

/// Most entries of one answer.
const PAGE: usize = 400;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "DescribeLoadBalancers" => load_balancers(fleet, args),
        "DescribeListeners" => listeners(fleet, args),
        "DescribeRules" => rules(fleet, args),
        "DescribeTargetGroups" => target_groups(fleet, args),
        "DescribeTargetHealth" => target_health(fleet, args),
        "ModifyRule" => modify::modify_rule(fleet, args),
        "ModifyTargetGroup" => modify::modify_target_group(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn validation(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

fn target_group_not_found() -> Fault {
    Fault::new("TargetGroupNotFound", "One or more target groups not found")
}

fn rule_not_found() -> Fault {
    Fault::new("RuleNotFound", "One or more rules not found")
}

fn listener_not_found() -> Fault {
    Fault::new("ListenerNotFound", "One or more listeners not found")
}

fn load_balancer_not_found() -> Fault {
    Fault::new("LoadBalancerNotFound", "One or more load balancers not found")
}

/// An answer with a list and the marker of its next part.
fn paged(args: Args<'_>, name: &str, items: Vec<Value>) -> Value {
    let (items, next) = args.page(items, "Marker", "PageSize", PAGE);
    without_nulls(object([(name, items.into()), ("NextMarker", next.into())]))
}

fn load_balancers(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (arns, names) = (args.texts("LoadBalancerArns"), args.texts("Names"));
    let every = arns.is_empty() && names.is_empty();
    let found: Vec<Value> = fleet
        .load_balancers
        .iter()
        .filter(|(arn, balancer)| {
            every || arns.contains(&arn.as_str()) || names.contains(&balancer.name.as_str())
        })
        .map(|(arn, balancer)| describe::load_balancer(fleet, arn, balancer))
        .collect();
    if !every && found.len() < arns.len().max(names.len()) {
        return Err(load_balancer_not_found());
    }
    Ok(paged(args, "LoadBalancers", found))
}

fn listeners(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let arns = args.texts("ListenerArns");
    let balancer = args.filled("LoadBalancerArn");
    if let Some(balancer) = balancer
        && !fleet.load_balancers.contains_key(balancer)
    {
        return Err(load_balancer_not_found());
    }
    if arns.iter().any(|arn| !fleet.listeners.contains_key(*arn)) {
        return Err(listener_not_found());
    }
    if balancer.is_none() && arns.is_empty() {
        return Err(validation(
            "You must specify either listener ARNs or a load balancer ARN",
        ));
    }
    let found = fleet
        .listeners
        .iter()
        .filter(|(arn, listener)| {
            balancer.is_none_or(|balancer| listener.load_balancer == balancer)
                && (arns.is_empty() || arns.contains(&arn.as_str()))
        })
        .map(|(arn, listener)| describe::listener(fleet, arn, listener))
        .collect();
    Ok(paged(args, "Listeners", found))
}

fn rules(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let arns = args.texts("RuleArns");
    let listener = args.filled("ListenerArn");
    match (listener, arns.is_empty()) {
        (Some(listener), _) if !fleet.listeners.contains_key(listener) => {
            return Err(listener_not_found());
        }
        (Some(_), false) => {
            return Err(validation("You can't specify both rule ARNs and a listener ARN"));
        }
        (None, true) => {
            return Err(validation("You must specify either rule ARNs or a listener ARN"));
        }
        (Some(_), true) | (None, false) => {}
    }
    if arns.iter().any(|arn| !fleet.rules.contains_key(*arn)) {
        return Err(rule_not_found());
    }
    let mut found: Vec<_> = fleet
        .rules
        .iter()
        .filter(|(arn, rule)| {
            listener.is_none_or(|listener| rule.listener == listener)
                && (arns.is_empty() || arns.contains(&arn.as_str()))
        })
        .collect();
    // The default rule comes last, as it is tried last.
    found.sort_by_key(|(_, rule)| rule.priority.unwrap_or(u32::MAX));
    let found = found
        .into_iter()
        .map(|(arn, rule)| describe::rule(arn, rule))
        .collect();
    Ok(paged(args, "Rules", found))
}

fn target_groups(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (arns, names) = (args.texts("TargetGroupArns"), args.texts("Names"));
    let balancer = args.filled("LoadBalancerArn");
    if let Some(balancer) = balancer
        && !fleet.load_balancers.contains_key(balancer)
    {
        return Err(load_balancer_not_found());
    }
    let every = arns.is_empty() && names.is_empty();
    let found: Vec<Value> = fleet
        .target_groups
        .iter()
        .filter(|(arn, group)| every || arns.contains(&arn.as_str()) || names.contains(&group.name.as_str()))
        .filter(|(arn, _)| {
            balancer.is_none_or(|balancer| fleet.load_balancers_of(arn).iter().any(|held| held == balancer))
        })
        .map(|(arn, group)| describe::target_group(fleet, arn, group))
        .collect();
    if !every && found.len() < arns.len().max(names.len()) {
        return Err(target_group_not_found());
    }
    Ok(paged(args, "TargetGroups", found))
}

fn target_health(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let group = args
        .filled("TargetGroupArn")
        .ok_or_else(|| validation("TargetGroupArn is required"))
        .and_then(|arn| fleet.target_groups.get(arn).ok_or_else(target_group_not_found))?;
    let asked: Vec<&str> = args
        .structures("Targets")
        .into_iter()
        .filter_map(|target| target.filled("Id"))
        .collect();
    let mut descriptions: Vec<Value> = group
        .targets
        .iter()
        .filter(|(ip, _)| asked.is_empty() || asked.contains(&ip.as_str()))
        .map(|(ip, target)| describe::target(&fleet.region, ip, target))
        .collect();
    for ip in asked {
        if !group.targets.contains_key(ip) {
            descriptions.push(describe::unregistered(ip, group.port));
        }
    }
    Ok(object([("TargetHealthDescriptions", descriptions.into())]))
}
