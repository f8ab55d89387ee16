//! The candidate's task definition: a copy with another image and other sizes.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Compatibility, ContainerDefinition, Tag, TaskDefinition};
use tidegate_core::cost::TaskSize;
use tidegate_core::ids::DeploymentId;
use tidegate_core::spec::{ContainerConfiguration, Resources};

use super::fargate::round_up;
use super::number;
use crate::container::{application_container, configure, repository_of};
use crate::error::{AwsError, Kind};
use crate::naming::DEPLOYMENT_TAG;
use crate::observe::cost::size;
use crate::observe::task_definitions::describe_task_definition;

/// Registers the copy. Registering twice makes two revisions, so callers look for the tag first.
pub(super) async fn register(
    ecs: &Client,
    copy_of: &str,
    image: &str,
    resources: &Resources,
    container: &ContainerConfiguration,
    deployment: &DeploymentId,
) -> Result<(), AwsError> {
    let what = || format!("failed to register a copy of task definition {copy_of} with image {image}");
    let described = describe_task_definition(ecs, copy_of).await?;
    let copy = changed(described.definition, image, resources, container)
        .map_err(|cause| AwsError::answer(what(), Kind::Invalid, cause))?;
    // Every field that `RegisterTaskDefinition` takes, but for `inferenceAccelerators`, which AWS has
    // withdrawn with Elastic Inference.
    ecs.register_task_definition()
        .set_family(copy.family)
        .set_task_role_arn(copy.task_role_arn)
        .set_execution_role_arn(copy.execution_role_arn)
        .set_network_mode(copy.network_mode)
        .set_container_definitions(copy.container_definitions)
        .set_volumes(copy.volumes)
        .set_placement_constraints(copy.placement_constraints)
        .set_requires_compatibilities(copy.requires_compatibilities)
        .set_cpu(copy.cpu)
        .set_memory(copy.memory)
        .set_tags(Some(tags(described.tags, deployment)))
        .set_pid_mode(copy.pid_mode)
        .set_ipc_mode(copy.ipc_mode)
        .set_proxy_configuration(copy.proxy_configuration)
        .set_ephemeral_storage(copy.ephemeral_storage)
        .set_runtime_platform(copy.runtime_platform)
        .set_enable_fault_injection(copy.enable_fault_injection)
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    Ok(())
}

/// The tags of the copied one, with ours. Tags of `aws:` are AWS's own and can't be given.
fn tags(copied: Vec<Tag>, deployment: &DeploymentId) -> Vec<Tag> {
    let keeps = |tag: &Tag| {
        tag.key()
            .is_some_and(|key| key != DEPLOYMENT_TAG && !key.starts_with("aws:"))
    };
    let ours = Tag::builder()
        .key(DEPLOYMENT_TAG)
        .value(deployment.as_str())
        .build();
    copied.into_iter().filter(keeps).chain([ours]).collect()
}

/// The same task definition with another image, sizes and variables, or why that can't be.
fn changed(
    mut copy: TaskDefinition,
    image: &str,
    resources: &Resources,
    configuration: &ContainerConfiguration,
) -> Result<TaskDefinition, String> {
    let repository = repository_of(image).to_owned();
    let mut containers = copy.container_definitions.take().unwrap_or_default();
    let name = application_container(&containers, Some(&repository))?
        .name()
        .map(str::to_owned);
    for container in &mut containers {
        let is_application = container.name() == name.as_deref();
        // A migration or a worker of the same repository runs the same digest (invariant 12).
        if is_application || container.image().map(repository_of) == Some(&repository) {
            container.image = Some(image.to_owned());
        }
        if is_application {
            resize(container, resources);
            configure(container, configuration);
        }
    }
    let on_fargate = copy.requires_compatibilities().contains(&Compatibility::Fargate);
    let size = TaskValues {
        cpu: copy.cpu.take(),
        memory: copy.memory.take(),
    };
    let size = if on_fargate {
        size_on_fargate(&size, &containers, resources)?
    } else {
        size_on_instances(size, resources)
    };
    (copy.cpu, copy.memory) = (size.cpu, size.memory);
    copy.container_definitions = Some(containers);
    Ok(copy)
}

/// What each task of a copy of `definition` with an image and the file's sizes will have.
///
/// # Errors
/// Where it can't be copied.
pub(crate) fn copied_size(
    definition: TaskDefinition,
    image: &str,
    resources: &Resources,
) -> Result<Option<TaskSize>, AwsError> {
    let arn = definition.task_definition_arn().unwrap_or_default().to_owned();
    let copy =
        changed(definition, image, resources, &ContainerConfiguration::default()).map_err(|cause| {
            let what = format!("failed to size a copy of task definition {arn}");
            AwsError::answer(what, Kind::Invalid, cause)
        })?;
    Ok(size(&copy))
}

/// CPU and memory of the application's container, where the file says.
fn resize(container: &mut ContainerDefinition, resources: &Resources) {
    if let Some(millis) = resources.requests.cpu_millis {
        container.cpu = number(units(millis));
    }
    let limit = resources.limits.memory_mib.map(number).or(container.memory);
    let request = resources
        .requests
        .memory_mib
        .map(number)
        .or(container.memory_reservation);
    // ECS wants the limit above the reservation; one that is not adds nothing and is left out:
    // the reservation where the file sets the limit, the copied limit where it does not.
    (container.memory, container.memory_reservation) = match (limit, request) {
        (Some(limit), Some(request)) if limit <= request => match resources.limits.memory_mib {
            Some(_) => (Some(limit), None),
            None => (None, Some(request)),
        },
        pair => pair,
    };
}

/// CPU units, 1,024 to a vCPU, rounded up.
fn units(millis: u32) -> u32 {
    let units = (u64::from(millis) * 1024).div_ceil(1000);
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// `cpu` and `memory` of a task definition, as ECS has them.
struct TaskValues {
    cpu: Option<String>,
    memory: Option<String>,
}

/// The smallest Fargate size that has the file's limits (else what the copied one had) and room for
/// what the containers reserve.
fn size_on_fargate(
    copied: &TaskValues,
    containers: &[ContainerDefinition],
    resources: &Resources,
) -> Result<TaskValues, String> {
    let cpu = match resources.limits.cpu_millis {
        Some(millis) => units(millis),
        None => parsed(copied.cpu.as_deref(), "cpu")?,
    };
    let memory = match resources.limits.memory_mib {
        Some(mib) => mib,
        None => parsed(copied.memory.as_deref(), "memory")?,
    };
    let whole = |value: i32| u32::try_from(value).unwrap_or(0);
    let reserved_cpu: u32 = containers.iter().map(|one| whole(one.cpu)).sum();
    let reserved_memory: u32 = containers
        .iter()
        .filter_map(|one| one.memory_reservation.or(one.memory))
        .map(whole)
        .sum();
    let limit = containers
        .iter()
        .filter_map(|one| one.memory)
        .map(whole)
        .max()
        .unwrap_or(0);
    let wanted = TaskSize {
        cpu_units: cpu.max(reserved_cpu),
        memory_mib: memory.max(reserved_memory).max(limit),
    };
    let size = round_up(wanted).ok_or_else(|| {
        format!(
            "no Fargate task has {} CPU units and {} MiB; the largest has 16384 and 122880",
            wanted.cpu_units, wanted.memory_mib
        )
    })?;
    Ok(TaskValues {
        cpu: Some(size.cpu_units.to_string()),
        memory: Some(size.memory_mib.to_string()),
    })
}

/// On instances, task sizes are optional: only those that were there follow the file.
fn size_on_instances(copied: TaskValues, resources: &Resources) -> TaskValues {
    let cpu = resources
        .limits
        .cpu_millis
        .map(|millis| units(millis).to_string());
    let memory = resources.limits.memory_mib.map(|mib| mib.to_string());
    TaskValues {
        cpu: copied.cpu.map(|old| cpu.unwrap_or(old)),
        memory: copied.memory.map(|old| memory.unwrap_or(old)),
    }
}

/// ECS answers in CPU units and MiB, whatever the form was in which they were given.
fn parsed(value: Option<&str>, name: &str) -> Result<u32, String> {
    let value = value.ok_or_else(|| format!("the copied task definition has no {name}"))?;
    value
        .parse()
        .map_err(|_| format!("the copied task definition's {name} `{value}` is not a number"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::container::configured;
    use aws_sdk_ecs::types::{KeyValuePair, PortMapping, Secret};
    use tidegate_core::change::SettingNow;
    use tidegate_core::spec::Quantity;

    const REPOSITORY: &str = "1.dkr.ecr.eu-central-1.amazonaws.com/web";

    fn image() -> String {
        format!("{REPOSITORY}@sha256:{}", "c".repeat(64))
    }

    fn container(name: &str, image: &str) -> ContainerDefinition {
        ContainerDefinition::builder()
            .name(name)
            .image(image)
            .cpu(0)
            .build()
    }

    fn task(compatibility: Compatibility, containers: Vec<ContainerDefinition>) -> TaskDefinition {
        TaskDefinition::builder()
            .family("web")
            .cpu("256")
            .memory("512")
            .requires_compatibilities(compatibility)
            .set_container_definitions(Some(containers))
            .build()
    }

    fn resources(cpu: (Option<u32>, Option<u32>), memory: (Option<u32>, Option<u32>)) -> Resources {
        Resources {
            requests: Quantity {
                cpu_millis: cpu.0,
                memory_mib: memory.0,
            },
            limits: Quantity {
                cpu_millis: cpu.1,
                memory_mib: memory.1,
            },
        }
    }

    #[test]
    fn every_container_of_the_repository_gets_the_image_and_no_other() {
        let mut web = container("web", &format!("{REPOSITORY}:old"));
        web.port_mappings = Some(vec![PortMapping::builder().container_port(80).build()]);
        let migrate = container("migrate", &format!("{REPOSITORY}:older"));
        let copy = task(
            Compatibility::Fargate,
            vec![migrate, web, container("logs", "fluentbit:3")],
        );
        let copy = changed(
            copy,
            &image(),
            &Resources::default(),
            &ContainerConfiguration::default(),
        )
        .unwrap();
        let images: Vec<_> = copy
            .container_definitions()
            .iter()
            .filter_map(|one| one.image())
            .collect();
        assert_eq!(images, [&image(), &image(), "fluentbit:3"]);
        assert_eq!((copy.cpu(), copy.memory()), (Some("256"), Some("512")));
    }

    #[test]
    fn the_files_sizes_become_container_and_fargate_sizes() {
        let copy = task(Compatibility::Fargate, vec![container("web", "nginx:1")]);
        let sizes = resources((Some(500), Some(1000)), (Some(512), Some(1500)));
        let copy = changed(copy, &image(), &sizes, &ContainerConfiguration::default()).unwrap();
        let web = &copy.container_definitions()[0];
        assert_eq!(
            (web.cpu, web.memory, web.memory_reservation),
            (512, Some(1500), Some(512))
        );
        assert_eq!((copy.cpu(), copy.memory()), (Some("1024"), Some("2048")));
    }

    #[test]
    fn a_task_has_room_for_what_its_containers_reserve() {
        let mut sidecar = container("logs", "fluentbit:3");
        (sidecar.cpu, sidecar.memory) = (256, Some(600));
        let copy = task(
            Compatibility::Fargate,
            vec![container("web", &format!("{REPOSITORY}:1")), sidecar],
        );
        let sizes = resources((Some(250), Some(250)), (Some(512), Some(512)));
        let copy = changed(copy, &image(), &sizes, &ContainerConfiguration::default()).unwrap();
        assert_eq!((copy.cpu(), copy.memory()), (Some("512"), Some("2048")));
    }

    #[test]
    fn a_limit_that_is_not_above_the_reservation_leaves_one_of_them() {
        let mut web = container("web", "x");
        (web.memory, web.memory_reservation) = (Some(512), Some(256));
        resize(&mut web, &resources((None, None), (Some(512), Some(512))));
        assert_eq!((web.memory, web.memory_reservation), (Some(512), None));
        (web.memory, web.memory_reservation) = (Some(512), Some(256));
        resize(&mut web, &resources((None, None), (Some(1024), None)));
        assert_eq!((web.memory, web.memory_reservation), (None, Some(1024)));
    }

    #[test]
    fn instances_take_any_size_and_none() {
        let sizes = resources((None, Some(1500)), (None, Some(700)));
        let copy = task(Compatibility::Ec2, vec![container("web", "nginx:1")]);
        let copy = changed(copy, &image(), &sizes, &ContainerConfiguration::default()).unwrap();
        assert_eq!((copy.cpu(), copy.memory()), (Some("1536"), Some("700")));
        let mut bare = task(Compatibility::Ec2, vec![container("web", "nginx:1")]);
        (bare.cpu, bare.memory) = (None, None);
        let bare = changed(bare, &image(), &sizes, &ContainerConfiguration::default()).unwrap();
        assert_eq!((bare.cpu(), bare.memory()), (None, None));
    }

    #[test]
    fn what_fargate_can_not_hold_is_refused_before_any_call() {
        let copy = task(Compatibility::Fargate, vec![container("web", "nginx:1")]);
        let sizes = resources((None, Some(20_000)), (None, None));
        assert!(
            changed(copy, &image(), &sizes, &ContainerConfiguration::default())
                .unwrap_err()
                .contains("20480 CPU units")
        );
    }

    #[test]
    fn our_tag_replaces_that_of_the_copied_deployment() {
        let tag = |key: &str| Tag::builder().key(key).value("old").build();
        let id: DeploymentId = "web-production-2-abc".parse().unwrap();
        let tags = tags(
            vec![
                tag("team"),
                tag("aws:cloudformation:stack-id"),
                tag(DEPLOYMENT_TAG),
            ],
            &id,
        );
        let shown: Vec<_> = tags.iter().filter_map(|one| one.key().zip(one.value())).collect();
        assert_eq!(shown, [("team", "old"), (DEPLOYMENT_TAG, "web-production-2-abc")]);
    }

    #[test]
    fn only_the_variables_of_the_file_are_replaced_in_the_applications_container() {
        let held = |name: &str, value: &str| KeyValuePair::builder().name(name).value(value).build();
        let secret =
            |name: &str, place: &str| Secret::builder().name(name).value_from(place).build().unwrap();
        let mut web = container("web", &format!("{REPOSITORY}:1"));
        web.environment = Some(vec![
            held("LEVEL", "info"),
            held("TZ", "UTC"),
            held("KEY", "literal"),
        ]);
        web.secrets = Some(vec![
            secret("PASSWORD", "/old"),
            secret("OTHER", "/other"),
            secret("PORT", "/port"),
        ]);
        let mut sidecar = container("logs", "fluentbit:3");
        sidecar.environment = Some(vec![held("LEVEL", "info")]);
        let asked = ContainerConfiguration {
            environment: [("LEVEL", "debug"), ("PORT", "8080")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            secrets: [("PASSWORD", "/new"), ("KEY", "/key")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let seen = configured(&web, &asked);
        assert!(seen.values().all(|now| *now == SettingNow::Other), "{seen:?}");
        let copy = task(Compatibility::Fargate, vec![web, sidecar.clone()]);
        let copy = changed(copy, &image(), &Resources::default(), &asked).unwrap();
        let [web, logs] = copy.container_definitions() else {
            unreachable!("two containers")
        };
        assert_eq!(
            web.environment(),
            [held("LEVEL", "debug"), held("TZ", "UTC"), held("PORT", "8080")]
        );
        assert_eq!(
            web.secrets(),
            [
                secret("PASSWORD", "/new"),
                secret("OTHER", "/other"),
                secret("KEY", "/key")
            ]
        );
        assert_eq!(logs, &sidecar);
        assert!(
            configured(web, &asked)
                .values()
                .all(|now| *now == SettingNow::Same)
        );
        let nothing = configured(logs, &asked);
        assert_eq!(nothing["PORT"], SettingNow::Absent);
    }
}
