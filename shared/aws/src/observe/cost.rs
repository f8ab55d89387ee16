//! The tasks of a target's services, as far as they cost something.

use std::collections::BTreeMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{CpuArchitecture, LaunchType, OsFamily, Service, TaskDefinition};
use tidegate_core::cost::{CostSeen, TaskSize, TasksSeen};
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::Slot;
use tidegate_core::observation::ImageState;
use tidegate_core::wiring::Wiring;

use super::services::{describe_service, describe_services};
use super::task_definitions::describe_task_definition;
use crate::apply::copied_size;
use crate::error::AwsError;

/// The tasks of every slot, and the size of those that a deployment will have; nothing where its file does not ask.
///
/// # Errors
/// Where AWS can't be asked, or a task definition in use can't be read or copied.
pub async fn cost_planned(
    ecs: &Client,
    deployment: &Deployment,
    wiring: &Wiring,
    image: &ImageState,
) -> Result<Option<CostSeen>, AwsError> {
    let (Some(_), ImageState::Found { uri, .. }) = (&deployment.spec.cost, image) else {
        return Ok(None);
    };
    let names: Vec<String> = wiring.services.values().cloned().collect();
    let services = describe_services(ecs, &wiring.cluster, &names).await?;
    let services = services.unwrap_or_default();
    let mut seen = CostSeen::default();
    for (slot, name) in &wiring.services {
        let Some(service) = services.iter().find(|one| one.service_name() == Some(name)) else {
            continue;
        };
        let definition = definition_of(ecs, service).await?;
        seen.tasks.insert(*slot, tasks(service, &definition));
        let size = copied_size(definition, uri, &deployment.spec.resources)?;
        seen.copied.insert(*slot, size);
    }
    Ok(Some(seen))
}

/// The candidate's tasks as they run; nothing before there is a plan.
///
/// # Errors
/// Where AWS can't be asked.
#[cfg(feature = "autoscaling")]
pub async fn cost_running(
    ecs: &Client,
    scaling: &aws_sdk_applicationautoscaling::Client,
    deployment: &Deployment,
) -> Result<Option<CostSeen>, AwsError> {
    let Some(plan) = &deployment.plan else {
        return Ok(None);
    };
    let Some(name) = plan.wiring.services.get(&plan.candidate) else {
        return Ok(None);
    };
    let service = describe_service(ecs, &plan.wiring.cluster, name).await?;
    let mut tasks = tasks(&service, &definition_of(ecs, &service).await?);
    tasks.most = crate::change::scaling::most_tasks(scaling, plan, name).await?;
    let tasks: BTreeMap<Slot, TasksSeen> = BTreeMap::from([(plan.candidate, tasks)]);
    Ok(Some(CostSeen {
        tasks,
        ..CostSeen::default()
    }))
}

async fn definition_of(ecs: &Client, service: &Service) -> Result<TaskDefinition, AwsError> {
    let name = service.task_definition().unwrap_or_default();
    Ok(describe_task_definition(ecs, name).await?.definition)
}

fn tasks(service: &Service, definition: &TaskDefinition) -> TasksSeen {
    let platform = definition.runtime_platform();
    let arm = platform.and_then(|one| one.cpu_architecture()) == Some(&CpuArchitecture::Arm64);
    TasksSeen {
        size: size(definition),
        count: u32::try_from(service.desired_count()).unwrap_or(0),
        arm,
        spot: providers(service).any(|name| name == "FARGATE_SPOT"),
        elsewhere: elsewhere(service, definition),
        most: None,
    }
}

fn providers(service: &Service) -> impl Iterator<Item = &str> {
    let strategy = service.capacity_provider_strategy().iter();
    strategy.map(|one| one.capacity_provider())
}

/// Where tasks run that have no list price of Fargate for Linux.
fn elsewhere(service: &Service, definition: &TaskDefinition) -> Option<String> {
    let family = definition
        .runtime_platform()
        .and_then(|one| one.operating_system_family());
    if let Some(family) = family.filter(|family| **family != OsFamily::Linux) {
        return Some(format!("on {}", family.as_str()));
    }
    if let Some(own) = providers(service).find(|name| !matches!(*name, "FARGATE" | "FARGATE_SPOT")) {
        return Some(format!("on capacity provider {own}"));
    }
    match service.launch_type() {
        Some(LaunchType::Fargate) => None,
        None if providers(service).next().is_some() => None,
        Some(other) => Some(format!("on {}", other.as_str())),
        None => Some("on what ECS does not say".to_owned()),
    }
}

/// What a task is given: the task's own size, or what its containers are given where that is left out, as it may be on
/// instances. Nothing where neither says.
pub(crate) fn size(definition: &TaskDefinition) -> Option<TaskSize> {
    let parsed = |value: Option<&str>| value?.parse::<u32>().ok();
    let containers = definition.container_definitions();
    let sum = |of: &dyn Fn(&aws_sdk_ecs::types::ContainerDefinition) -> i32| {
        let all = containers.iter().map(|one| u32::try_from(of(one)).unwrap_or(0));
        Some(all.sum()).filter(|sum: &u32| *sum > 0)
    };
    let cpu = parsed(definition.cpu()).or_else(|| sum(&|one| one.cpu()));
    let memory = parsed(definition.memory())
        .or_else(|| sum(&|one| one.memory().or(one.memory_reservation()).unwrap_or(0)));
    Some(TaskSize {
        cpu_units: cpu?,
        memory_mib: memory?,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use aws_sdk_ecs::types::{CapacityProviderStrategyItem, ContainerDefinition, RuntimePlatform};

    use super::*;

    fn definition() -> aws_sdk_ecs::types::builders::TaskDefinitionBuilder {
        TaskDefinition::builder().cpu("512").memory("1024")
    }

    fn service(provider: Option<&str>, launch: Option<LaunchType>) -> Service {
        let item = |name: &str| {
            CapacityProviderStrategyItem::builder()
                .capacity_provider(name)
                .build()
        };
        Service::builder()
            .desired_count(4)
            .set_launch_type(launch)
            .set_capacity_provider_strategy(provider.map(|name| vec![item(name).unwrap()]))
            .build()
    }

    #[test]
    fn tasks_on_fargate_have_a_list_price_and_others_say_where_they_run() {
        let linux = definition().build();
        let fargate = tasks(&service(None, Some(LaunchType::Fargate)), &linux);
        assert_eq!((fargate.count, fargate.arm, fargate.spot), (4, false, false));
        assert_eq!(fargate.elsewhere, None);
        let spot = tasks(&service(Some("FARGATE_SPOT"), None), &linux);
        assert_eq!((spot.spot, spot.elsewhere), (true, None));
        for (provider, launch, expected) in [
            (None, Some(LaunchType::Ec2), "on EC2"),
            (Some("own"), None, "on capacity provider own"),
            (None, None, "on what ECS does not say"),
        ] {
            let seen = tasks(&service(provider, launch), &linux);
            assert_eq!(seen.elsewhere.as_deref(), Some(expected));
        }
        let platform = RuntimePlatform::builder()
            .cpu_architecture(CpuArchitecture::Arm64)
            .operating_system_family(OsFamily::WindowsServer2022Core);
        let windows = definition().runtime_platform(platform.build()).build();
        let seen = tasks(&service(None, Some(LaunchType::Fargate)), &windows);
        assert_eq!(seen.elsewhere.as_deref(), Some("on WINDOWS_SERVER_2022_CORE"));
        assert!(seen.arm);
    }

    #[test]
    fn a_task_without_a_size_of_its_own_has_that_of_its_containers() {
        let whole = definition().build();
        let of = |cpu_units, memory_mib| {
            Some(TaskSize {
                cpu_units,
                memory_mib,
            })
        };
        assert_eq!(size(&whole), of(512, 1024));
        let container = |cpu: i32| ContainerDefinition::builder().cpu(cpu);
        let sum = TaskDefinition::builder()
            .container_definitions(container(100).memory(300).build())
            .container_definitions(container(28).memory_reservation(212).build());
        assert_eq!(size(&sum.clone().build()), of(128, 512));
        assert_eq!(size(&sum.memory("600").build()), of(128, 600));
        let unsaid = TaskDefinition::builder().container_definitions(container(0).memory(300).build());
        assert_eq!(size(&unsaid.build()), None);
    }
}
