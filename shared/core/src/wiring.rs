//! The AWS resources of a target, as they were found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exit::Missing;
use crate::ids::{Slot, Weight};
use crate::place::Place;

/// Where a target lives on AWS. Found by reading, never by guessing ARNs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wiring {
    /// Name of the ECS cluster.
    pub cluster: String,
    /// Names of the ECS services, by slot. A target with one ECS service has only `blue`.
    pub services: BTreeMap<Slot, String>,
    /// The listener rule and the target groups; absent without a load balancer.
    pub balancer: Option<Balancer>,
}

/// What ELB has for a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balancer {
    /// ARN of the listener rule whose weights share the traffic.
    pub rule_arn: String,
    /// ARNs of the target groups, by slot.
    pub target_groups: BTreeMap<Slot, String>,
    /// The `LoadBalancer` dimension of CloudWatch metrics (`app/name/id`).
    pub load_balancer_dimension: String,
}

impl Balancer {
    /// The `TargetGroup` dimension of CloudWatch metrics: the ARN's last part.
    pub fn target_group_dimension(&self, slot: Slot) -> Option<&str> {
        let arn = self.target_groups.get(&slot)?;
        arn.rsplit_once(':').map(|(_, last)| last)
    }
}

/// What is missing where a file is for one account and the resource of this ARN
/// (`arn:aws:ecs:REGION:ACCOUNT:service/...`) was found in another.
pub fn wrong_account(asked: Option<&str>, arn: &str) -> Option<Missing> {
    let asked = asked?;
    let place = Place::of(arn);
    let found = place.as_ref().map_or("", Place::account);
    (found != asked).then(|| {
        Missing::new(
            format!("AWS account {asked}, which the file is for: this is account {found}"),
            "apply the file to the Tidegate of that account (`AWS_PROFILE`, `TIDEGATE_API_URL`), or mend `account`"
                .to_owned(),
        )
    })
}

/// A forward action of a listener rule, with all that a rollback must restore exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forward {
    /// Target groups with their weights, in AWS's order.
    pub target_groups: Vec<(String, u32)>,
    /// Stickiness of target groups: on or off, and seconds.
    pub stickiness: Option<(bool, Option<i32>)>,
}

impl Forward {
    /// The share of a target group in percent, where the weights sum to 100.
    pub fn weight_of(&self, target_group: &str) -> Option<Weight> {
        if self.target_groups.iter().map(|(_, weight)| weight).sum::<u32>() != 100 {
            return None;
        }
        let (_, weight) = self.target_groups.iter().find(|(arn, _)| arn == target_group)?;
        u8::try_from(*weight).ok().and_then(Weight::new)
    }

    /// The same action with `weight` for one target group and the rest for the other.
    /// `None` where the action does not name exactly these two.
    pub fn with_weight(&self, target_group: &str, other: &str, weight: Weight) -> Option<Self> {
        let names: Vec<&str> = self.target_groups.iter().map(|(arn, _)| arn.as_str()).collect();
        if names.len() != 2 || !names.contains(&target_group) || !names.contains(&other) {
            return None;
        }
        let share = |arn: &str| {
            if arn == target_group {
                weight
            } else {
                weight.rest()
            }
        };
        Some(Self {
            target_groups: self
                .target_groups
                .iter()
                .map(|(arn, _)| (arn.clone(), u32::from(share(arn).percent())))
                .collect(),
            stickiness: self.stickiness,
        })
    }
}

#[cfg(test)]
#[path = "wiring_tests.rs"]
mod tests;
