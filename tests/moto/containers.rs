//! ECS: what is found, read and set of services, task definitions and tasks.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::TaskDefinitionField;
use jiff::{SignedDuration, Timestamp};
use tidegate_aws::apply::apply;
use tidegate_aws::observe;
use tidegate_core::action::Action;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::Slot;
use tidegate_core::observation::SlotState;
use tidegate_core::spec::{ContainerConfiguration, Quantity, Resources, SuiteName};
use tidegate_local::Cloud;

use super::compare::{Comparison, Side, answer, raw};
use super::fixture::{deployment, digest, spec, suite, target};

const NEW_IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/web";
/// The copy that the suite registers is the family's second revision.
const COPY: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web-production:2";

/// All of it.
pub async fn compare(both: &mut Comparison, cloud: &Cloud) {
    finding(both).await;
    reading(both).await;
    registering(both).await;
    setting(both).await;
    refusing(both).await;
    testing(both, cloud).await;
}

async fn finding(both: &mut Comparison) {
    both.same("find the wiring of a service", async |side| {
        answer(observe::find_wiring(&side.ecs, &side.elb, &target("web/production"), &spec("")).await)
    })
    .await;
    both.same("find the wiring in an unknown cluster", async |side| {
        answer(observe::find_wiring(&side.ecs, &side.elb, &target("web/nowhere"), &spec("")).await)
    })
    .await;
    both.same("find the wiring of an unknown service", async |side| {
        answer(observe::find_wiring(&side.ecs, &side.elb, &target("ghost/production"), &spec("")).await)
    })
    .await;
}

async fn slots(side: &Side, path: Option<&str>) -> Result<BTreeMap<Slot, SlotState>, String> {
    let check = path.map(super::fixture::health_check);
    observe::slots(
        &side.ecs,
        &side.elb,
        &side.wiring,
        check.as_ref(),
        &observe::KnownImages::default(),
    )
    .await
    .map_err(|error| answer::<()>(Err(error)))
}

async fn reading(both: &mut Comparison) {
    both.same("read a slot that serves", async |side| {
        format!(
            "{:?}",
            slots(side, None).await.map(|mut slots| slots.remove(&Slot::Blue))
        )
    })
    .await;
    both.same("read an empty slot", async |side| {
        let shown = slots(side, None)
            .await
            .map(|mut slots| slots.remove(&Slot::Green));
        format!("{shown:?}")
    })
    .await;
    both.same("read what an empty slot is set to", async |side| {
        let shown = slots(side, None).await.map(|mut slots| {
            let green = slots.remove(&Slot::Green)?;
            Some((green.task_definition, green.digest, green.desired, green.healthy))
        });
        format!("{shown:?}")
    })
    .await;
    both.same("read a slot's other health check", async |side| {
        let shown = slots(side, Some("/elsewhere")).await;
        format!(
            "{:?}",
            shown.map(|slots| slots
                .values()
                .map(|one| one.health_check_matches)
                .collect::<Vec<_>>())
        )
    })
    .await;
}

/// An action of the deployment on this side's resources.
pub async fn act(side: &Side, action: &Action) -> String {
    answer(apply(&side.ecs, &side.elb, &deployment(side, 1), action).await)
}

fn register() -> Action {
    Action::RegisterTaskDefinition {
        copy_of: "web-production".to_owned(),
        image: format!("{NEW_IMAGE}@{}", digest('b')),
        resources: Resources {
            limits: Quantity {
                cpu_millis: Some(2000),
                memory_mib: Some(4096),
            },
            requests: Quantity {
                cpu_millis: Some(1000),
                memory_mib: Some(1024),
            },
        },
        container: ContainerConfiguration::default(),
        deployment: "web-1".parse().unwrap(),
    }
}

async fn registered(side: &Side) -> String {
    let id = "web-1".parse().unwrap();
    answer(observe::registered_task_definition(&side.ecs, "web-production:1", &id, None).await)
}

async fn registering(both: &mut Comparison) {
    both.same(
        "look for a task definition that is not registered yet",
        registered,
    )
    .await;
    both.same("register a copy of a task definition", async |side| {
        act(side, &register()).await
    })
    .await;
    both.same("find the registered copy by its tag", registered).await;
    both.same("read every field that a copy takes", async |side| {
        let call = side.ecs.describe_task_definition().task_definition(COPY);
        let found = call.include(TaskDefinitionField::Tags).send().await;
        raw(found.map(|found| {
            let tags = found.tags;
            (found.task_definition.map(fields), tags)
        }))
    })
    .await;
    both.same(
        "read a container's image, ports, environment and sizes",
        async |side| {
            let found = side
                .ecs
                .describe_task_definition()
                .task_definition(COPY)
                .send()
                .await;
            raw(found.map(|found| {
                let definition = found.task_definition?;
                let container = definition.container_definitions?.into_iter().next()?;
                Some((
                    (container.name, container.image, container.cpu, container.memory),
                    (
                        container.memory_reservation,
                        container.port_mappings,
                        container.environment,
                    ),
                    container.essential,
                    container.log_configuration.map(|logs| {
                        let options: BTreeMap<_, _> = logs.options.unwrap_or_default().into_iter().collect();
                        (logs.log_driver, options)
                    }),
                ))
            }))
        },
    )
    .await;
}

/// What is copied, but for the containers.
fn fields(one: aws_sdk_ecs::types::TaskDefinition) -> impl std::fmt::Debug {
    (
        (
            one.task_definition_arn,
            one.family,
            one.revision,
            one.cpu,
            one.memory,
        ),
        (one.task_role_arn, one.execution_role_arn, one.network_mode),
        (
            one.volumes,
            one.placement_constraints,
            one.requires_compatibilities,
        ),
        (
            one.pid_mode,
            one.ipc_mode,
            one.proxy_configuration,
            one.ephemeral_storage,
        ),
        (one.runtime_platform, one.enable_fault_injection),
    )
}

fn update(slot: Slot, task_definition: &str) -> Action {
    Action::UpdateService {
        slot,
        task_definition: task_definition.to_owned(),
        desired: 2,
        grace_seconds: Some(30),
        circuit_breaker: true,
    }
}

async fn set_to(side: &Side) -> String {
    let shown = slots(side, None).await.map(|mut slots| {
        let green = slots.remove(&Slot::Green)?;
        Some((green.task_definition, green.digest, green.desired))
    });
    format!("{shown:?}")
}

async fn setting(both: &mut Comparison) {
    both.same("set a service", async |side| {
        act(side, &update(Slot::Green, COPY)).await
    })
    .await;
    both.same("read what a service was set to", set_to).await;
    both.same("set a service again", async |side| {
        act(side, &update(Slot::Green, COPY)).await
    })
    .await;
    both.same("set the number of tasks", async |side| {
        let desired = 1;
        let slot = Slot::Green;
        act(side, &Action::SetDesiredCount { slot, desired }).await
    })
    .await;
    both.same("read the number of tasks back", set_to).await;
    both.same("read a service's deployments after it was set", async |side| {
        let call = side
            .ecs
            .describe_services()
            .cluster("production")
            .services("web-green");
        raw(call.send().await.map(|found| {
            let service = found.services.unwrap_or_default().into_iter().next()?;
            let primary = service
                .deployments()
                .iter()
                .find(|one| one.status() == Some("PRIMARY"))?;
            Some((
                service.task_definition.clone(),
                primary.task_definition.clone(),
                service.desired_count,
            ))
        }))
    })
    .await;
}

async fn refusing(both: &mut Comparison) {
    both.same("describe services in an unknown cluster", async |side| {
        let call = side
            .ecs
            .describe_services()
            .cluster("nowhere")
            .services("web-blue");
        raw(call.send().await.map(|_| ()))
    })
    .await;
    both.same("describe an unknown service", async |side| {
        let call = side
            .ecs
            .describe_services()
            .cluster("production")
            .services("ghost");
        raw(call.send().await.map(|found| {
            let failures: Vec<_> = found.failures().iter().map(|one| one.reason.clone()).collect();
            (found.services().len(), failures)
        }))
    })
    .await;
    both.same("set an unknown service", async |side| {
        let call = side.ecs.update_service().cluster("production").service("ghost");
        raw(call.desired_count(1).send().await.map(|_| ()))
    })
    .await;
    both.same("set a service in an unknown cluster", async |side| {
        let call = side.ecs.update_service().cluster("nowhere").service("web-blue");
        raw(call.desired_count(1).send().await.map(|_| ()))
    })
    .await;
    both.same("set a service to an unknown task definition", async |side| {
        act(side, &update(Slot::Green, "web-production:99")).await
    })
    .await;
    for (what, name) in [
        ("describe an unknown family", "ghost"),
        ("describe an unknown revision", "web-production:99"),
    ] {
        both.same(what, async |side| {
            let call = side.ecs.describe_task_definition().task_definition(name);
            raw(call.send().await.map(|_| ()))
        })
        .await;
    }
    both.same("list tasks in an unknown cluster", async |side| {
        raw(side
            .ecs
            .list_tasks()
            .cluster("nowhere")
            .started_by("x")
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("describe tasks in an unknown cluster", async |side| {
        raw(side
            .ecs
            .describe_tasks()
            .cluster("nowhere")
            .tasks("x")
            .send()
            .await
            .map(|_| ()))
    })
    .await;
    both.same("run an unknown family", async |side| {
        let call = side.ecs.run_task().cluster("production").task_definition("ghost");
        raw(call.send().await.map(|_| ()))
    })
    .await;
}

fn run_suite(name: &str) -> Action {
    Action::RunSuite {
        suite: SuiteName(name.to_owned()),
        slot: Slot::Green,
        client_token: "web-1-smoke".to_owned(),
    }
}

/// The deployment after it has started the suite.
fn started(side: &Side) -> Deployment {
    let mut deployment = deployment(side, 1);
    deployment.suites_started.insert(suite(), Timestamp::UNIX_EPOCH);
    deployment
}

async fn suites(side: &Side) -> String {
    let clients = observe::SuiteClients {
        ecs: &side.ecs,
        logs: &side.logs,
    };
    answer(observe::suites(clients, &started(side), Timestamp::UNIX_EPOCH).await)
}

async fn tasks(side: &Side) -> Vec<String> {
    let started_by = tidegate_aws::naming::suite_started_by(&"web-1".parse().unwrap(), &suite());
    let call = side.ecs.list_tasks().cluster("production").started_by(started_by);
    call.send()
        .await
        .ok()
        .and_then(|found| found.task_arns)
        .unwrap_or_default()
}

async fn testing(both: &mut Comparison, cloud: &Cloud) {
    let names = [suite(), SuiteName("ghost".to_owned())];
    both.same("look for suites without a task definition", async |side| {
        answer(observe::unknown_suites(&side.ecs, &target("web/production"), &names).await)
    })
    .await;
    both.same("read a suite that was not started", suites).await;
    both.same("start a suite", async |side| act(side, &run_suite("smoke")).await)
        .await;
    both.same("read a suite that runs", suites).await;
    both.same("start a suite without a task definition", async |side| {
        act(side, &run_suite("ghost")).await
    })
    .await;
    both.same("list the tasks of a suite", async |side| {
        format!("{}", tasks(side).await.len())
    })
    .await;
    both.same("start a suite again under the same client token", async |side| {
        let again = act(side, &run_suite("smoke")).await;
        format!("{again}, {} tasks", tasks(side).await.len())
    })
    .await;
    // In the local cloud the suite ends by itself; moto runs nothing, but says 0 of what was stopped.
    cloud.with(|state| {
        let later = state.fleet.now() + SignedDuration::from_mins(2);
        state.fleet.advance(later)
    });
    for task in tasks(&both.moto).await {
        let call = both.moto.ecs.stop_task().cluster("production").task(task);
        call.send().await.unwrap();
    }
    both.same("read a suite that has passed", suites).await;
}
