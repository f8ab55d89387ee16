//! The forward action of a listener rule.

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{Action, ActionTypeEnum, Rule};
use tidegate_core::wiring::Forward;

use crate::error::{AwsError, Kind};

/// Reads the forward action of a listener rule, weights as AWS has them.
///
/// # Errors
/// Where the rule does not exist, forwards nowhere, or can't be read.
pub async fn forward(elb: &Client, rule_arn: &str) -> Result<Forward, AwsError> {
    let rule = rule_of(elb, rule_arn).await?;
    rule.actions().iter().find_map(forward_of).ok_or_else(|| {
        let what = format!("failed to read the weights of listener rule {rule_arn}");
        AwsError::answer(what, Kind::Invalid, "it has no forward action")
    })
}

/// Reads a listener rule.
///
/// # Errors
/// Where it does not exist or can't be read.
pub(crate) async fn rule_of(elb: &Client, rule_arn: &str) -> Result<Rule, AwsError> {
    let what = || format!("failed to describe listener rule {rule_arn}");
    let answer = elb
        .describe_rules()
        .rule_arns(rule_arn)
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    let rule = answer.rules.unwrap_or_default().into_iter().next();
    rule.ok_or_else(|| AwsError::answer(what(), Kind::NotFound, "it does not exist"))
}

/// What an action forwards to; nothing where it does something else.
pub(crate) fn forward_of(action: &Action) -> Option<Forward> {
    if action.r#type() != Some(&ActionTypeEnum::Forward) {
        return None;
    }
    let Some(config) = action.forward_config() else {
        // The short form names one target group, which AWS gives a weight of 1.
        let only = action.target_group_arn()?.to_owned();
        return Some(Forward {
            target_groups: vec![(only, 1)],
            stickiness: None,
        });
    };
    let target_groups = config
        .target_groups()
        .iter()
        .filter_map(|group| {
            let weight = u32::try_from(group.weight().unwrap_or(1)).ok()?;
            Some((group.target_group_arn()?.to_owned(), weight))
        })
        .collect();
    let stickiness = config
        .target_group_stickiness_config()
        .map(|sticky| (sticky.enabled().unwrap_or(false), sticky.duration_seconds()));
    Some(Forward {
        target_groups,
        stickiness,
    })
}
