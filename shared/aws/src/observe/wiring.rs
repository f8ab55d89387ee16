//! Where a target lives on AWS: cluster, services, target groups, and the listener rule that
//! shares the traffic. Found by reading, never by guessing ARNs.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::Service;
use tidegate_core::exit::Missing;
use tidegate_core::ids::{Slot, Target};
use tidegate_core::spec::{Spec, Strategy};
use tidegate_core::wiring::{Balancer, Forward, Wiring, wrong_account};

use super::forward::forward_of;
use super::services::describe_services;
use crate::error::AwsError;
use crate::naming::{load_balancer_dimension, slot_service};

/// What was found of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiringFound {
    /// The resources, by convention where they do not exist.
    pub wiring: Wiring,
    /// Names of the ECS services that do not exist. Whether that matters is for a phase to decide.
    pub missing_services: Vec<String>,
    /// What else is missing: the cluster, a target group, the listener rule.
    pub missing: Vec<Missing>,
}

/// Finds a target's resources by the conventions of `infra/service.yaml`: the cluster has the
/// environment's name unless the file says otherwise, the services are `{service}-blue` and
/// `{service}-green`, or `{service}` where ECS itself replaces the tasks.
///
/// # Errors
/// Where AWS can't be asked. What does not exist is no error, but part of the answer.
pub async fn find_wiring(
    ecs: &aws_sdk_ecs::Client,
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    target: &Target,
    spec: &Spec,
) -> Result<WiringFound, AwsError> {
    let cluster = spec
        .cluster
        .clone()
        .unwrap_or_else(|| target.environment.to_string());
    let names = service_names(target, &spec.strategy);
    let wanted: Vec<String> = names.values().cloned().collect();
    let Some(found) = describe_services(ecs, &cluster, &wanted).await? else {
        let missing = Missing {
            what: format!("ECS cluster {cluster}"),
            remedy: "create it from infra/service.yaml, or name the `cluster` in the file".to_owned(),
            notify: Vec::new(),
        };
        let wiring = Wiring {
            cluster,
            services: names,
            balancer: None,
        };
        return Ok(WiringFound {
            wiring,
            missing_services: wanted,
            missing: vec![missing],
        });
    };
    let mut arns = found.iter().filter_map(Service::service_arn);
    let elsewhere = arns.find_map(|arn| wrong_account(spec.account.as_deref(), arn));
    let services: BTreeMap<Slot, Service> = names
        .iter()
        .filter_map(|(slot, name)| {
            let service = found.iter().find(|one| one.service_name() == Some(name))?;
            Some((*slot, service.clone()))
        })
        .collect();
    let missing_services: Vec<String> = names
        .iter()
        .filter(|(slot, _)| !services.contains_key(*slot))
        .map(|(_, name)| name.clone())
        .collect();
    // Without its services a target has no target groups to look for: one gap, named once.
    let (balancer, mut missing) = if spec.load_balancer && missing_services.is_empty() {
        find_balancer(elb, &services).await?
    } else {
        (None, Vec::new())
    };
    missing.extend(elsewhere);
    let wiring = Wiring {
        cluster,
        services: names,
        balancer,
    };
    Ok(WiringFound {
        wiring,
        missing_services,
        missing,
    })
}

fn service_names(target: &Target, strategy: &Strategy) -> BTreeMap<Slot, String> {
    match strategy {
        Strategy::BlueGreen(_) | Strategy::Canary(_) | Strategy::Linear(_) => [Slot::Blue, Slot::Green]
            .into_iter()
            .map(|slot| (slot, slot_service(target, slot)))
            .collect(),
        Strategy::Recreate | Strategy::Rolling => BTreeMap::from([(Slot::Blue, target.service.to_string())]),
    }
}

type TargetGroups = BTreeMap<Slot, Vec<String>>;

async fn find_balancer(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    services: &BTreeMap<Slot, Service>,
) -> Result<(Option<Balancer>, Vec<Missing>), AwsError> {
    let groups: TargetGroups = services
        .iter()
        .map(|(slot, service)| (*slot, target_groups_of(service)))
        .collect();
    // One service needs no weights: its balancer only serves to measure, and may be unclear.
    let weighted = groups.len() == 2;
    let bare: Vec<Missing> = services
        .iter()
        .filter(|(slot, _)| groups.get(*slot).is_none_or(Vec::is_empty))
        .map(|(_, service)| no_target_group(service.service_name().unwrap_or_default()))
        .collect();
    if !bare.is_empty() {
        return Ok((None, if weighted { bare } else { Vec::new() }));
    }
    let rules = rules_towards(elb, &groups).await?;
    match choose_rule(&rules, &groups, weighted) {
        Ok(balancer) => Ok((Some(balancer), Vec::new())),
        Err(missing) if weighted => Ok((None, vec![missing])),
        Err(_) => Ok((None, Vec::new())),
    }
}

fn no_target_group(service: &str) -> Missing {
    Missing {
        what: format!("a target group of ECS service {service}"),
        remedy: "give the ECS service one, or write `loadBalancer: false` in the file".to_owned(),
        notify: Vec::new(),
    }
}

fn target_groups_of(service: &Service) -> Vec<String> {
    service
        .load_balancers()
        .iter()
        .filter_map(|one| one.target_group_arn().map(str::to_owned))
        .collect()
}

/// A rule of a listener, with what matters of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FoundRule {
    arn: String,
    is_default: bool,
    load_balancer: String,
    forward: Forward,
}

/// Every forwarding rule of the load balancers that these target groups are attached to.
async fn rules_towards(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    groups: &TargetGroups,
) -> Result<Vec<FoundRule>, AwsError> {
    let arns: BTreeSet<&String> = groups.values().flatten().collect();
    let answer = elb
        .describe_target_groups()
        .set_target_group_arns(Some(arns.into_iter().cloned().collect()))
        .send()
        .await
        .map_err(|error| AwsError::sdk("failed to describe the services' target groups", error))?;
    let balancers: BTreeSet<String> = answer
        .target_groups()
        .iter()
        .flat_map(|group| group.load_balancer_arns().iter().cloned())
        .collect();
    let mut rules = Vec::new();
    for balancer in balancers {
        for listener in listeners_of(elb, &balancer).await? {
            rules.extend(rules_of(elb, &balancer, &listener).await?);
        }
    }
    Ok(rules)
}

async fn listeners_of(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    balancer: &str,
) -> Result<Vec<String>, AwsError> {
    let mut arns = Vec::new();
    let mut pages = elb
        .describe_listeners()
        .load_balancer_arn(balancer)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            AwsError::sdk(format!("failed to describe the listeners of {balancer}"), error)
        })?;
        arns.extend(
            page.listeners()
                .iter()
                .filter_map(|one| one.listener_arn().map(str::to_owned)),
        );
    }
    Ok(arns)
}

async fn rules_of(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    balancer: &str,
    listener: &str,
) -> Result<Vec<FoundRule>, AwsError> {
    let mut rules = Vec::new();
    let mut pages = elb
        .describe_rules()
        .listener_arn(listener)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            AwsError::sdk(
                format!("failed to describe the rules of listener {listener}"),
                error,
            )
        })?;
        rules.extend(page.rules().iter().filter_map(|rule| {
            Some(FoundRule {
                arn: rule.rule_arn()?.to_owned(),
                is_default: rule.is_default().unwrap_or(false),
                load_balancer: balancer.to_owned(),
                forward: rule.actions().iter().find_map(forward_of)?,
            })
        }));
    }
    Ok(rules)
}

/// The one rule that forwards to exactly one target group of each slot.
fn choose_rule(rules: &[FoundRule], groups: &TargetGroups, weighted: bool) -> Result<Balancer, Missing> {
    let matching: Vec<(&FoundRule, BTreeMap<Slot, String>)> = rules
        .iter()
        .filter_map(|rule| Some((rule, one_of_each(&rule.forward, groups)?)))
        .collect();
    let [(rule, target_groups)] = matching.as_slice() else {
        return Err(Missing {
            what: format!(
                "one listener rule that forwards to the target groups of {} (found {})",
                groups
                    .keys()
                    .map(|slot| slot.as_str())
                    .collect::<Vec<_>>()
                    .join(" and "),
                matching.len()
            ),
            remedy: "make one from infra/service.yaml whose forward action names exactly these two"
                .to_owned(),
            notify: Vec::new(),
        });
    };
    // `ModifyRule` refuses default rules (Elastic Load Balancing API Reference, `ModifyRule`).
    if rule.is_default && weighted {
        return Err(Missing {
            what: "a listener rule of its own: the weights are in the listener's default action".to_owned(),
            remedy: "move the forward action to a rule with a condition, such as the path `/*`".to_owned(),
            notify: Vec::new(),
        });
    }
    let Some(dimension) = load_balancer_dimension(&rule.load_balancer) else {
        return Err(Missing {
            what: format!("a load balancer with metrics: {} is none", rule.load_balancer),
            remedy: "use an Application Load Balancer".to_owned(),
            notify: Vec::new(),
        });
    };
    Ok(Balancer {
        rule_arn: rule.arn.clone(),
        target_groups: target_groups.clone(),
        load_balancer_dimension: dimension.to_owned(),
    })
}

fn one_of_each(forward: &Forward, groups: &TargetGroups) -> Option<BTreeMap<Slot, String>> {
    if forward.target_groups.len() != groups.len() {
        return None;
    }
    let chosen: BTreeMap<Slot, String> = groups
        .iter()
        .filter_map(|(slot, own)| {
            let (arn, _) = forward.target_groups.iter().find(|(arn, _)| own.contains(arn))?;
            Some((*slot, arn.clone()))
        })
        .collect();
    // Two slots behind one target group can't be given different weights.
    let distinct: BTreeSet<&String> = chosen.values().collect();
    (distinct.len() == groups.len()).then_some(chosen)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const BALANCER: &str = "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/web/50dc";

    fn rule(arn: &str, is_default: bool, groups: &[&str]) -> FoundRule {
        let target_groups = groups.iter().map(|arn| ((*arn).to_owned(), 1)).collect();
        FoundRule {
            arn: arn.to_owned(),
            is_default,
            load_balancer: BALANCER.to_owned(),
            forward: Forward {
                target_groups,
                stickiness: None,
            },
        }
    }

    fn two() -> TargetGroups {
        BTreeMap::from([
            (Slot::Blue, vec!["tg-blue".to_owned(), "tg-internal".to_owned()]),
            (Slot::Green, vec!["tg-green".to_owned()]),
        ])
    }

    #[test]
    fn the_rule_that_names_both_target_groups_is_the_one() {
        let rules = [
            rule("test-traffic", false, &["tg-green"]),
            rule("production", false, &["tg-green", "tg-blue"]),
            rule("three", false, &["tg-green", "tg-blue", "tg-other"]),
        ];
        let balancer = choose_rule(&rules, &two(), true).unwrap();
        assert_eq!(balancer.rule_arn, "production");
        assert_eq!(balancer.target_groups.get(&Slot::Blue).unwrap(), "tg-blue");
        assert_eq!(balancer.load_balancer_dimension, "app/web/50dc");
    }

    #[test]
    fn none_several_and_a_default_rule_are_missing_requirements() {
        let none = choose_rule(&[], &two(), true).unwrap_err();
        assert!(none.what.contains("found 0"), "{}", none.what);
        let both = ["tg-blue", "tg-green"];
        let several = [rule("a", false, &both), rule("b", false, &both)];
        assert!(
            choose_rule(&several, &two(), true)
                .unwrap_err()
                .what
                .contains("found 2")
        );
        let default = [rule("a", true, &both)];
        assert!(
            choose_rule(&default, &two(), true)
                .unwrap_err()
                .what
                .contains("default action")
        );
    }

    #[test]
    fn two_slots_behind_one_target_group_have_no_rule() {
        let groups = BTreeMap::from([
            (Slot::Blue, vec!["tg".to_owned()]),
            (Slot::Green, vec!["tg".to_owned()]),
        ]);
        assert!(choose_rule(&[rule("a", false, &["tg", "tg"])], &groups, true).is_err());
    }

    #[test]
    fn one_service_may_be_measured_behind_a_default_rule() {
        let groups = BTreeMap::from([(Slot::Blue, vec!["tg".to_owned()])]);
        assert!(choose_rule(&[rule("a", true, &["tg"])], &groups, false).is_ok());
    }
}
