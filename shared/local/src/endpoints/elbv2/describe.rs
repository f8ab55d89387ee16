//! Load balancers, listeners, rules and target groups as ELBv2 writes them.

use serde_json::{Map, Value, json};

use super::super::args::{epoch, object, with};
use crate::fleet::{Fleet, Listener, LoadBalancer, Rule, RuleAction, Target, TargetGroup, TargetState};

/// The one network that there is.
const VPC: &str = "vpc-0a1b2c3d4e5f60001";

pub(super) fn load_balancer(fleet: &Fleet, arn: &str, balancer: &LoadBalancer) -> Value {
    json!({
        "LoadBalancerArn": arn,
        "DNSName": balancer.dns_name,
        "CanonicalHostedZoneId": "Z00000000LOCAL",
        "CreatedTime": epoch(balancer.created_at),
        "LoadBalancerName": balancer.name,
        "Scheme": "internet-facing",
        "VpcId": VPC,
        "State": {"Code": "active"},
        "Type": "application",
        "AvailabilityZones": [{
            "ZoneName": format!("{}a", fleet.region),
            "SubnetId": "subnet-0a1b2c3d4e5f60001",
            "LoadBalancerAddresses": [],
        }],
        "SecurityGroups": ["sg-0a1b2c3d4e5f60001"],
        "IpAddressType": "ipv4",
    })
}

pub(super) fn listener(fleet: &Fleet, arn: &str, listener: &Listener) -> Value {
    let default = fleet
        .rules
        .values()
        .find(|rule| rule.listener == arn && rule.priority.is_none())
        .map(|rule| action(&rule.action));
    json!({
        "ListenerArn": arn,
        "LoadBalancerArn": listener.load_balancer,
        "Port": listener.port,
        "Protocol": if listener.policy.is_some() { "HTTPS" } else { "HTTP" },
        "SslPolicy": listener.policy,
        "DefaultActions": default.into_iter().collect::<Vec<Value>>(),
    })
}

pub(super) fn rule(arn: &str, rule: &Rule) -> Value {
    let conditions = if rule.paths.is_empty() {
        json!([])
    } else {
        json!([{
            "Field": "path-pattern",
            "Values": rule.paths,
            "PathPatternConfig": {"Values": rule.paths},
        }])
    };
    let priority = rule.priority.map(|priority| priority.to_string());
    object([
        ("RuleArn", arn.into()),
        ("Priority", priority.map_or_else(|| "default".into(), Value::from)),
        ("Conditions", conditions),
        ("Actions", vec![action(&rule.action)].into()),
        ("IsDefault", rule.priority.is_none().into()),
    ])
}

fn action(action: &RuleAction) -> Value {
    match action {
        RuleAction::Forward {
            targets,
            sticky,
            sticky_seconds,
        } => {
            let groups: Vec<Value> = targets
                .iter()
                .map(|forward| json!({"TargetGroupArn": forward.target_group, "Weight": forward.weight}))
                .collect();
            let mut stickiness = Map::from_iter([("Enabled".to_owned(), json!(sticky))]);
            if let Some(seconds) = sticky_seconds {
                stickiness.insert("DurationSeconds".to_owned(), json!(seconds));
            }
            let mut action = Map::from_iter([
                ("Type".to_owned(), json!("forward")),
                ("Order".to_owned(), json!(1)),
                (
                    "ForwardConfig".to_owned(),
                    object([
                        ("TargetGroups", groups.into()),
                        ("TargetGroupStickinessConfig", stickiness.into()),
                    ]),
                ),
            ]);
            if let [only] = targets.as_slice() {
                action.insert("TargetGroupArn".to_owned(), json!(only.target_group));
            }
            Value::Object(action)
        }
        RuleAction::Fixed(status) => json!({
            "Type": "fixed-response",
            "Order": 1,
            "FixedResponseConfig": {
                "StatusCode": status.to_string(),
                "ContentType": "text/plain",
                "MessageBody": "",
            },
        }),
    }
}

pub(super) fn target_group(fleet: &Fleet, arn: &str, group: &TargetGroup) -> Value {
    let check = &group.health_check;
    json!({
        "TargetGroupArn": arn,
        "TargetGroupName": group.name,
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": group.port,
        "VpcId": VPC,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": check.interval_seconds,
        "HealthCheckTimeoutSeconds": check.timeout_seconds,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "HealthCheckPath": check.path,
        "Matcher": {"HttpCode": check.matcher},
        "LoadBalancerArns": fleet.load_balancers_of(arn),
        "TargetType": "ip",
        "IpAddressType": "ipv4",
    })
}

pub(super) fn target(region: &str, ip: &str, target: &Target) -> Value {
    let reason = match target.state {
        TargetState::Healthy => None,
        TargetState::Initial => Some(("Elb.RegistrationInProgress", "Target registration is in progress")),
        TargetState::Unhealthy => Some(("Target.FailedHealthChecks", "Health checks failed")),
        TargetState::Draining => Some((
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress",
        )),
    };
    let mut health = Map::from_iter([("State".to_owned(), json!(target.state.as_str()))]);
    if let Some((reason, description)) = reason {
        health.insert("Reason".to_owned(), json!(reason));
        health.insert("Description".to_owned(), json!(description));
    }
    let described = json!({
        "Target": {"Id": ip, "Port": target.port, "AvailabilityZone": format!("{region}a")},
        "HealthCheckPort": target.port.to_string(),
    });
    with(described, [("TargetHealth", health.into())])
}

pub(super) fn unregistered(ip: &str, port: u16) -> Value {
    json!({
        "Target": {"Id": ip, "Port": port},
        "TargetHealth": {
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        },
    })
}
