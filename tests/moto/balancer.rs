//! ELB: listener rules, target groups and their targets.

use aws_sdk_elasticloadbalancingv2::types::{Action as ElbAction, ActionTypeEnum};
use tidegate_aws::observe;
use tidegate_core::action::Action;
use tidegate_core::ids::Slot;
use tidegate_core::wiring::{Balancer, Forward};

use super::compare::{Comparison, Side, answer, raw};
use super::containers::act;
use super::fixture::health_check;

const ELB: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012";

/// All of it.
pub async fn compare(both: &mut Comparison) {
    weights(both).await;
    health_checks(both).await;
    targets(both).await;
    unknown(both).await;
}

fn balancer(side: &Side) -> &Balancer {
    side.wiring.balancer.as_ref().unwrap()
}

fn group(side: &Side, slot: Slot) -> &str {
    &balancer(side).target_groups[&slot]
}

async fn forward(side: &Side) -> String {
    answer(observe::forward(&side.elb, &balancer(side).rule_arn).await)
}

fn shared(side: &Side, blue: u32, stickiness: Option<(bool, Option<i32>)>) -> Action {
    let arn = |slot| group(side, slot).to_owned();
    Action::SetTrafficWeight {
        forward: Forward {
            target_groups: vec![(arn(Slot::Blue), blue), (arn(Slot::Green), 100 - blue)],
            stickiness,
        },
    }
}

async fn weights(both: &mut Comparison) {
    both.same("read the weights of a rule", forward).await;
    for (what, read_back, blue, stickiness) in [
        ("set 95 to 5", "read 95 to 5", 95, None),
        (
            "set 50 to 50 with stickiness",
            "read 50 to 50 with stickiness",
            50,
            Some((true, Some(300))),
        ),
        (
            "set 0 to 100 without stickiness",
            "read 0 to 100 without stickiness",
            0,
            Some((false, None)),
        ),
        ("set 100 to 0 again", "read 100 to 0 again", 100, None),
    ] {
        both.same(what, async |side| {
            act(side, &shared(side, blue, stickiness)).await
        })
        .await;
        both.same(read_back, forward).await;
    }
}

async fn health_checks(both: &mut Comparison) {
    let configure = |slot| Action::ConfigureHealthCheck {
        slot,
        health_check: health_check("/ready"),
    };
    both.same("set a health check", async |side| {
        act(side, &configure(Slot::Green)).await
    })
    .await;
    both.same("read both slots' health checks back", async |side| {
        let check = health_check("/ready");
        let slots = observe::slots(
            &side.ecs,
            &side.elb,
            &side.wiring,
            Some(&check),
            &observe::KnownImages::default(),
        )
        .await;
        answer(slots.map(|slots| {
            slots
                .values()
                .map(|one| one.health_check_matches)
                .collect::<Vec<_>>()
        }))
    })
    .await;
    both.same("read the fields of a health check", async |side| {
        let call = side
            .elb
            .describe_target_groups()
            .target_group_arns(group(side, Slot::Green));
        raw(call.send().await.map(|found| {
            let one = found.target_groups.unwrap_or_default().into_iter().next()?;
            Some((
                (one.target_group_arn, one.load_balancer_arns.map(|all| all.len())),
                (one.health_check_path, one.health_check_timeout_seconds),
                (one.health_check_interval_seconds, one.unhealthy_threshold_count),
            ))
        }))
    })
    .await;
}

async fn targets(both: &mut Comparison) {
    for (what, slot) in [
        ("read the health of a slot's targets", Slot::Blue),
        ("read the health of no targets", Slot::Green),
    ] {
        both.same(what, async |side| {
            let call = side
                .elb
                .describe_target_health()
                .target_group_arn(group(side, slot));
            raw(call.send().await.map(|found| {
                let all = found.target_health_descriptions.unwrap_or_default();
                let state = |one: aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription| {
                    one.target_health.and_then(|health| health.state)
                };
                all.into_iter().map(state).collect::<Vec<_>>()
            }))
        })
        .await;
    }
    both.same("list the listeners of a load balancer", async |side| {
        let arn = format!("{ELB}:loadbalancer/{}", balancer(side).load_balancer_dimension);
        let found = side.elb.describe_listeners().load_balancer_arn(arn).send().await;
        raw(found.map(|found| found.listeners().len()))
    })
    .await;
    both.same("list the rules of a listener", async |side| {
        let found = side
            .elb
            .describe_rules()
            .listener_arn(listener(side))
            .send()
            .await;
        raw(found.map(|found| {
            let rules = found.rules.unwrap_or_default();
            let mut shown: Vec<_> = rules
                .into_iter()
                .map(|rule| {
                    let kind = rule.actions().first().and_then(|action| action.r#type().cloned());
                    (rule.is_default, rule.priority, kind)
                })
                .collect();
            shown.sort_by_key(|(default, ..)| *default);
            shown
        }))
    })
    .await;
}

/// `.../listener-rule/app/name/id/listener/rule` belongs to `.../listener/app/name/id/listener`.
fn listener(side: &Side) -> String {
    let rule = balancer(side).rule_arn.replace(":listener-rule/", ":listener/");
    rule.rsplit_once('/')
        .map(|(listener, _)| listener.to_owned())
        .unwrap()
}

async fn unknown(both: &mut Comparison) {
    let rest = "app/ghost/0123456789abcdef";
    let rule = format!("{ELB}:listener-rule/{rest}/0123456789abcdef/0123456789abcdef");
    let ghost = format!("{ELB}:targetgroup/ghost/0123456789abcdef");
    both.same("read an unknown rule", async |side| {
        answer(observe::forward(&side.elb, &rule).await)
    })
    .await;
    both.same("set an unknown rule", async |side| {
        let action = to_group(group(side, Slot::Blue));
        raw(side
            .elb
            .modify_rule()
            .rule_arn(&rule)
            .actions(action)
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("set a rule to an unknown target group", async |side| {
        let call = side.elb.modify_rule().rule_arn(&balancer(side).rule_arn);
        raw(call.actions(to_group(&ghost)).send().await.map(|_| ()))
    })
    .await;
    both.same("describe an unknown target group", async |side| {
        raw(side
            .elb
            .describe_target_groups()
            .target_group_arns(&ghost)
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("describe the targets of an unknown target group", async |side| {
        raw(side
            .elb
            .describe_target_health()
            .target_group_arn(&ghost)
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("set the health check of an unknown target group", async |side| {
        let call = side.elb.modify_target_group().target_group_arn(&ghost);
        raw(call.health_check_path("/").send().await.map(|_| ()))
    })
    .await;
    both.same("list the listeners of an unknown load balancer", async |side| {
        let arn = format!("{ELB}:loadbalancer/{rest}");
        raw(side
            .elb
            .describe_listeners()
            .load_balancer_arn(arn)
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("list the rules of an unknown listener", async |side| {
        let arn = format!("{ELB}:listener/{rest}/0123456789abcdef");
        raw(side
            .elb
            .describe_rules()
            .listener_arn(arn)
            .send()
            .await
            .map(|_| ()))
    })
    .await;
}

fn to_group(arn: &str) -> ElbAction {
    ElbAction::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn(arn)
        .build()
}
