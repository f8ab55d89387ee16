//! What Tidegate's functions may do, asked before anything is touched.

use std::collections::BTreeSet;

use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::permissions::{TaskRoles, needed};
use tidegate_local::faults::{CallFate, Site};
use tidegate_local::fleet::{AlarmValue, Behaviour, Refusal, Refused, ServiceTable};
use tidegate_tests::files::SHORT;
use tidegate_tests::{Scene, reason, remedy};

use crate::scenario;

const TARGET: &str = "web/production";

/// Work of many kinds, all of which a rollback takes back.
const WORK: &str = "\
checkPermissions: true
postDeploymentTests: [smoke, checkout]
prepare:
  suspendAutoscaling: true
migrations:
  - {name: add-email, command: [bin/migrate, up], down: [bin/migrate, down], undo: revertible}
  - {name: orders-by-day, table: orders, addIndex: {name: by-day, partitionKey: {day: S}}}
configuration:
  parameters:
    - {name: /web/production/timeout, value: \"30\"}
monitoring:
  dashboard: true
  alarms:
    - {name: few-errors, when: error_rate > 0.2%, for: 2m}
  logRetention: 30d
";

async fn given(scene: &Scene) {
    scene.given(TARGET, 5, &format!("{SHORT}{WORK}")).await;
    scene.cloud(|state| {
        state.fleet.register_scalable("production", "web-blue", 3, 12);
        let orders = ServiceTable {
            on_demand: true,
            ..ServiceTable::default()
        };
        state.fleet.service_tables.insert("orders".to_owned(), orders);
    });
    scene.suite("production", "smoke", 0);
    scene.suite("production", "checkout", 0);
}

fn refuse(scene: &Scene, function: &str, action: &str, on: &str, why: Refusal) {
    let refused = Refused {
        role: format!("role/tidegate-{function}"),
        action: action.to_owned(),
        on: on.to_owned(),
        why,
    };
    scene.cloud(|state| state.fleet.refused.push(refused));
}

/// What was changed on AWS, without Tidegate's own records, by whom.
fn changed(scene: &Scene) -> BTreeSet<(&'static str, String)> {
    const OURS: [&str; 7] = [
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
        "PutEvents",
        "Publish",
        "SendTaskSuccess",
    ];
    let ours = |site: &&Site| site.reads() || OURS.contains(&&*site.operation);
    let others = [
        "sweep",
        "notify",
        "on-alarm",
        "on-image-push",
        "gate",
        "abort-handle",
        "api",
    ];
    scene.cloud(|state| {
        let seen = state.faults.numbered.seen.iter();
        seen.filter(|site| !ours(site) && !others.contains(&site.caller))
            .map(|site| (site.caller, site.operation.clone()))
            .collect()
    })
}

/// What was asked for, in the same words.
fn asked(deployment: &Deployment) -> BTreeSet<(&'static str, String)> {
    let plan = deployment.plan.as_ref().unwrap();
    let needed = needed(deployment, plan, &TaskRoles::default());
    let operation = |action: &str| action.split(':').next_back().unwrap().to_owned();
    needed
        .iter()
        .map(|one| (one.function, operation(one.action)))
        .collect()
}

#[test]
fn a_file_of_another_account_touches_nothing() {
    scenario(
        "a-file-of-another-account-touches-nothing",
        "Services of the same names are here, but the file says that it is for another account.",
        async |scene| {
            scene
                .given(TARGET, 5, &format!("{SHORT}account: \"210987654321\"\n"))
                .await;
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            let reason = reason(&blocked);
            assert!(
                reason.contains(
                    "AWS account 210987654321, which the file is for: this is account 123456789012"
                ),
                "{reason}"
            );
            assert!(remedy(&blocked).contains("AWS_PROFILE"), "{}", remedy(&blocked));
        },
    );
}

#[test]
fn all_that_the_functions_will_do_was_asked_before() {
    scenario(
        "all-that-the-functions-will-do-was-asked-before",
        "Forward and back, no function changes anything that IAM was not asked about.",
        async |scene| {
            given(scene).await;
            scene.cloud(|state| state.faults.numbered.on = true);
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            scene.push('3', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.alarm("web-production-green-error-rate", AlarmValue::Alarm);
            let back = scene.ends(&id, ExitState::RolledBack).await;
            for deployment in [&done, &back] {
                // The roles of three kinds of tasks are given, too.
                let roles = deployment.plan.as_ref().unwrap().permissions.unwrap();
                assert!(roles as usize > asked(deployment).len());
            }
            let asked: BTreeSet<_> = asked(&done).union(&asked(&back)).cloned().collect();
            let unasked: Vec<_> = changed(scene).difference(&asked).cloned().collect();
            assert_eq!(unasked, []);
        },
    );
}

#[test]
fn a_role_that_could_not_take_traffic_back_blocks_the_way_forward() {
    scenario(
        "a-role-that-could-not-take-traffic-back-blocks-the-way-forward",
        "Who finds out during a rollback finds out too late.",
        async |scene| {
            given(scene).await;
            let rules = "arn:aws:elasticloadbalancing:";
            refuse(
                scene,
                "rollback",
                "elasticloadbalancing:ModifyRule",
                rules,
                Refusal::Unmentioned,
            );
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            let told = reason(&blocked);
            assert!(
                told.contains("for the function `rollback`: no policy allows it"),
                "{told}"
            );
            let remedy = remedy(&blocked);
            assert!(remedy.contains("`LoadBalancerPattern`"), "{remedy}");
            let journal = scene.stage.journal(&blocked.id).await;
            let begun = |event: &Event| matches!(event, Event::Planned { .. } | Event::ChangeStarted { .. });
            assert!(!journal.iter().any(|entry| begun(&entry.event)));
            // Mended, the same image goes out.
            scene.cloud(|state| state.fleet.refused.clear());
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn roles_that_may_not_be_given_to_tasks_are_told_with_who_forbids_it() {
    scenario(
        "roles-that-may-not-be-given-to-tasks-are-told-with-who-forbids-it",
        "A policy of the organization can't be widened in Tidegate's stack.",
        async |scene| {
            given(scene).await;
            let role = "arn:aws:iam::123456789012:role/";
            refuse(scene, "migrate", "iam:PassRole", role, Refusal::ByOrganization);
            refuse(
                scene,
                "prepare",
                "ecs:RegisterTaskDefinition",
                "arn:",
                Refusal::Denied,
            );
            refuse(
                scene,
                "configure",
                "ssm:PutParameter",
                "arn:",
                Refusal::ByBoundary,
            );
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            let told = reason(&blocked);
            for why in [
                "a service control policy of the organization does not allow it",
                "a policy denies it",
                "the role's permissions boundary does not allow it",
            ] {
                assert!(told.contains(why), "{told}");
            }
        },
    );
}

#[test]
fn a_plan_function_that_dies_while_it_asks_asks_again() {
    scenario(
        "a-plan-function-that-dies-while-it-asks-asks-again",
        "Asking changes nothing: the next try makes the one plan.",
        async |scene| {
            given(scene).await;
            let killed = ("plan", "SimulatePrincipalPolicy", CallFate::KillAfter);
            scene.cloud(|state| state.faults.numbered.next.push(killed));
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let journal = scene.stage.journal(&done.id).await;
            let plans = journal
                .iter()
                .filter(|entry| matches!(entry.event, Event::Planned { .. }));
            assert_eq!(plans.count(), 1);
        },
    );
}
