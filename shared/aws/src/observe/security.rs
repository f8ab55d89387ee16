//! What concerns the security of a service: its task definition, its network, its listeners.

use aws_sdk_ecs::types::{AssignPublicIp, ContainerDefinition};
use aws_sdk_elasticloadbalancingv2::types::{ActionTypeEnum, Listener, ProtocolEnum};
use tidegate_core::deployment::Deployment;
use tidegate_core::security::{ContainerSeen, ListenerSeen, SecurityCheck, SecuritySeen};
use tidegate_core::spec::looks_secret;
use tidegate_core::wiring::Balancer;

use super::services::describe_service;
use super::task_definitions::describe_task_definition;
use crate::error::AwsError;

/// Reads what the checks of the file look at; nothing before there is a task definition.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn security(
    ecs: &aws_sdk_ecs::Client,
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    deployment: &Deployment,
) -> Result<Option<SecuritySeen>, AwsError> {
    let (Some(plan), Some(arn)) = (&deployment.plan, &deployment.revision.task_definition) else {
        return Ok(None);
    };
    let described = describe_task_definition(ecs, arn).await?;
    let containers = described.definition.container_definitions();
    let mut seen = SecuritySeen {
        containers: containers.iter().map(container).collect(),
        ..SecuritySeen::default()
    };
    if let Some(name) = plan.wiring.services.get(&plan.candidate) {
        let service = describe_service(ecs, &plan.wiring.cluster, name).await?;
        let network = service.network_configuration();
        let network = network.and_then(|network| network.awsvpc_configuration());
        seen.public_ip = network.and_then(|one| one.assign_public_ip()) == Some(&AssignPublicIp::Enabled);
    }
    let checks = &deployment.spec.validate.security;
    if let Some(balancer) = plan.wiring.balancer.as_ref()
        && checks.iter().any(|check: &SecurityCheck| check.needs_balancer())
    {
        seen.listeners = listeners(elb, balancer).await?;
    }
    Ok(Some(seen))
}

/// Of variables only the names are kept.
fn container(definition: &ContainerDefinition) -> ContainerSeen {
    let secret = definition.environment().iter().filter(|one| {
        let (name, value) = (one.name().unwrap_or_default(), one.value().unwrap_or_default());
        looks_secret(name, value)
    });
    ContainerSeen {
        name: definition.name().unwrap_or_default().to_owned(),
        privileged: definition.privileged() == Some(true),
        read_only_root: definition.readonly_root_filesystem() == Some(true),
        plain_secrets: secret.filter_map(|one| one.name().map(str::to_owned)).collect(),
    }
}

async fn listeners(
    elb: &aws_sdk_elasticloadbalancingv2::Client,
    balancer: &Balancer,
) -> Result<Vec<ListenerSeen>, AwsError> {
    let groups = balancer.target_groups.values().cloned().collect();
    let answer = elb
        .describe_target_groups()
        .set_target_group_arns(Some(groups))
        .send()
        .await
        .map_err(|error| AwsError::sdk("failed to describe the target groups", error))?;
    let mut balancers: Vec<&String> = answer
        .target_groups()
        .iter()
        .flat_map(|group| group.load_balancer_arns())
        .collect();
    balancers.sort();
    balancers.dedup();
    let mut seen = Vec::new();
    for arn in balancers {
        let mut pages = elb
            .describe_listeners()
            .load_balancer_arn(arn)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                AwsError::sdk(format!("failed to describe the listeners of {arn}"), error)
            })?;
            seen.extend(
                page.listeners()
                    .iter()
                    .map(|one| listener(one, &balancer.rule_arn)),
            );
        }
    }
    Ok(seen)
}

fn listener(listener: &Listener, rule: &str) -> ListenerSeen {
    // A rule's ARN is its listener's with another word for its kind and a part more.
    let owner = rule.replacen(":listener-rule/", ":listener/", 1);
    let serves = listener
        .listener_arn()
        .is_some_and(|arn| owner.strip_prefix(arn).is_some_and(|rest| rest.starts_with('/')));
    let secure = |protocol: &str| protocol.eq_ignore_ascii_case("https");
    let redirects = listener.default_actions().iter().any(|action| {
        let to = action.redirect_config().and_then(|redirect| redirect.protocol());
        action.r#type() == Some(&ActionTypeEnum::Redirect) && to.is_some_and(secure)
    });
    ListenerSeen {
        port: listener
            .port()
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default(),
        tls: matches!(listener.protocol(), Some(ProtocolEnum::Https | ProtocolEnum::Tls)),
        redirects: redirects && !serves,
        policy: listener.ssl_policy().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::KeyValuePair;
    use aws_sdk_elasticloadbalancingv2::types::{Action, RedirectActionConfig};

    use super::*;

    #[test]
    fn of_variables_only_names_are_kept() {
        let variable = |name: &str, value: &str| KeyValuePair::builder().name(name).value(value).build();
        let definition = ContainerDefinition::builder()
            .name("web")
            .environment(variable("DB_PASSWORD", "hunter2-hunter2"))
            .environment(variable("LOG_LEVEL", "debug"))
            .build();
        let seen = container(&definition);
        assert_eq!(seen.plain_secrets.iter().collect::<Vec<_>>(), ["DB_PASSWORD"]);
        assert!(!format!("{seen:?}").contains("hunter2"));
        // What ECS does not say is not so.
        assert!(!seen.privileged && !seen.read_only_root);
    }

    #[test]
    fn a_listener_that_redirects_serves_nobody_unless_the_rule_is_its_own() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2";
        let redirect = RedirectActionConfig::builder().protocol("HTTPS").build();
        let action = Action::builder()
            .r#type(ActionTypeEnum::Redirect)
            .redirect_config(redirect);
        let redirecting = Listener::builder()
            .listener_arn(arn)
            .port(80)
            .protocol(ProtocolEnum::Http)
            .default_actions(action.build())
            .build();
        let own = format!("{}/3", arn.replace(":listener/", ":listener-rule/"));
        let other = own.replace("/1/2/3", "/1/22/3");
        assert!(!listener(&redirecting, &own).redirects);
        assert!(listener(&redirecting, &other).redirects);
        let plain = Listener::builder()
            .listener_arn(arn)
            .protocol(ProtocolEnum::Http)
            .build();
        assert!(!listener(&plain, &other).redirects && !listener(&plain, &other).tls);
        let secure = Listener::builder()
            .protocol(ProtocolEnum::Https)
            .ssl_policy("ELBSecurityPolicy-2016-08")
            .build();
        let seen = listener(&secure, &own);
        assert_eq!(
            (seen.tls, seen.policy.as_deref()),
            (true, Some("ELBSecurityPolicy-2016-08"))
        );
    }
}
