//! Changes of the load balancer: weights and health checks.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupStickinessConfig, TargetGroupTuple,
};
use tidegate_core::ids::Slot;
use tidegate_core::spec::HealthCheck;
use tidegate_core::wiring::Forward;

use super::{Applier, number};
use crate::error::{AwsError, Kind};
use crate::observe::rule_of;

/// Sets the health check of a slot's target group.
pub(super) async fn configure_health_check(
    applier: &Applier<'_>,
    slot: Slot,
    health_check: &HealthCheck,
) -> Result<(), AwsError> {
    let what = || {
        format!(
            "failed to set the health check of the {slot} slot of {}",
            applier.target
        )
    };
    let balancer = applier.wiring.balancer.as_ref();
    let group = balancer
        .and_then(|one| one.target_groups.get(&slot))
        .ok_or_else(|| AwsError::answer(what(), Kind::Invalid, "it has no target group by the plan"))?;
    applier
        .elb
        .modify_target_group()
        .target_group_arn(group)
        .health_check_path(&health_check.path)
        .health_check_timeout_seconds(number(health_check.timeout_seconds))
        .health_check_interval_seconds(number(health_check.interval_seconds))
        .unhealthy_threshold_count(number(health_check.failure_threshold))
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    Ok(())
}

/// Sets the forward action of the target's listener rule and keeps its other actions.
///
/// `ModifyRule` has no compare-and-set, and a rule reads as it was for a moment after a change. So the
/// weights are always written, even where they read as wanted; reading back is the next run's.
pub(super) async fn set_forward(applier: &Applier<'_>, forward: &Forward) -> Result<(), AwsError> {
    let what = || {
        let weights: Vec<String> = forward
            .target_groups
            .iter()
            .map(|(_, weight)| weight.to_string())
            .collect();
        format!(
            "failed to set the weights of {} to {}",
            applier.target,
            weights.join("/")
        )
    };
    let Some(balancer) = &applier.wiring.balancer else {
        return Err(AwsError::answer(
            what(),
            Kind::Invalid,
            "it has no listener rule by the plan",
        ));
    };
    // Both would be a programming error of ours, and the worst one: traffic to someone else.
    let known = |arn: &String| balancer.target_groups.values().any(|own| own == arn);
    let sum: u32 = forward.target_groups.iter().map(|(_, weight)| weight).sum();
    if sum != 100 || !forward.target_groups.iter().all(|(arn, _)| known(arn)) {
        let cause = "the weights do not sum to 100, or name a foreign target group";
        return Err(AwsError::answer(what(), Kind::Invalid, cause));
    }
    let rule = rule_of(applier.elb, &balancer.rule_arn).await?;
    let actions = with_forward(rule.actions.unwrap_or_default(), forward)
        .ok_or_else(|| AwsError::answer(what(), Kind::Invalid, "the rule has no forward action"))?;
    applier
        .elb
        .modify_rule()
        .rule_arn(&balancer.rule_arn)
        .set_actions(Some(actions))
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    Ok(())
}

/// The actions of a rule with another forward action; nothing where there was none.
fn with_forward(mut actions: Vec<Action>, forward: &Forward) -> Option<Vec<Action>> {
    let action = actions
        .iter_mut()
        .find(|action| action.r#type() == Some(&ActionTypeEnum::Forward))?;
    // The short form would contradict the weights.
    action.target_group_arn = None;
    action.forward_config = Some(forward_config(forward));
    for action in &mut actions {
        // AWS never tells the client secret, and without this word it would want it again.
        if let Some(oidc) = &mut action.authenticate_oidc_config {
            oidc.use_existing_client_secret = Some(true);
        }
    }
    Some(actions)
}

fn forward_config(forward: &Forward) -> ForwardActionConfig {
    let groups = forward.target_groups.iter().map(|(arn, weight)| {
        TargetGroupTuple::builder()
            .target_group_arn(arn)
            .weight(number(*weight))
            .build()
    });
    let stickiness = forward.stickiness.map(|(enabled, seconds)| {
        TargetGroupStickinessConfig::builder()
            .enabled(enabled)
            .set_duration_seconds(seconds)
            .build()
    });
    ForwardActionConfig::builder()
        .set_target_groups(Some(groups.collect()))
        .set_target_group_stickiness_config(stickiness)
        .build()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::observe::forward::forward_of;
    use aws_sdk_elasticloadbalancingv2::types::AuthenticateOidcActionConfig;

    fn wanted() -> Forward {
        Forward {
            target_groups: vec![("tg-blue".to_owned(), 95), ("tg-green".to_owned(), 5)],
            stickiness: Some((true, Some(300))),
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let before = Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .target_group_arn("tg-blue")
            .order(1)
            .build();
        let actions = with_forward(vec![before], &wanted()).unwrap();
        assert_eq!(forward_of(&actions[0]), Some(wanted()));
        assert_eq!(
            (actions[0].target_group_arn(), actions[0].order()),
            (None, Some(1))
        );
    }

    #[test]
    fn a_login_before_the_forward_action_stays_with_its_secret() {
        let login = Action::builder()
            .r#type(ActionTypeEnum::AuthenticateOidc)
            .authenticate_oidc_config(AuthenticateOidcActionConfig::builder().client_id("web").build())
            .build();
        let forward = Action::builder().r#type(ActionTypeEnum::Forward).build();
        let actions = with_forward(vec![login, forward], &wanted()).unwrap();
        let login = actions[0].authenticate_oidc_config().unwrap();
        assert_eq!(
            (login.client_id(), login.use_existing_client_secret()),
            (Some("web"), Some(true))
        );
        assert_eq!(forward_of(&actions[1]), Some(wanted()));
    }

    #[test]
    fn a_rule_that_forwards_nowhere_is_not_changed() {
        let redirect = Action::builder().r#type(ActionTypeEnum::Redirect).build();
        assert!(with_forward(vec![redirect], &wanted()).is_none());
    }
}
