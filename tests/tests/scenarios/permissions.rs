//! What Tidegate's functions may do, asked before anything is touched.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_core::change::Before;
use tidegate_core::change::flags::FlagsPlace;
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::permissions::{Known, Schedules, TaskRoles, needed};
use tidegate_local::faults::{CallFate, Site};
use tidegate_local::fleet::{
    AlarmValue, Behaviour, Bucket, Database, Fleet, FunctionAnswer, Refusal, Refused, ServiceIndex,
    ServiceTable, Terraform, UserFunction,
};
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

/// Everything that a file can have changed.
const EVERYTHING: &str = "\
checkPermissions: true
postDeploymentTests: [smoke, checkout, {name: load, lambda: web-test-load}]
autoRollback: {window: 10m}
report: {bucket: shop-records}
prepare:
  suspendAutoscaling: true
  backups: [{table: orders}, {database: web-db}, {cluster: web-cluster}]
migrations:
  - {name: add-email, command: [bin/migrate, up], down: [bin/migrate, down], undo: revertible}
  - {name: orders-by-day, table: orders, addIndex: {name: by-day, partitionKey: {day: S}}}
  - {name: drop-mail, stage: contract, after: 12m, command: [bin/migrate, drop], undo: needs-restore}
  - {name: drop-by-mail, stage: contract, after: 12m, table: orders, removeIndex: by-mail}
gates: [{before: contract, approvals: [{role: tech-lead}], expires: 1h}]
analyzer: {function: web-analyzer}
infrastructure:
  stack:
    name: shop
    template: https://templates.s3.us-east-1.amazonaws.com/shop/8.json
    role: arn:aws:iam::123456789012:role/shop-stack
    drift: true
  terraform: {taskDefinition: web-production-terraform, bucket: shop-plans}
  approvals: [{role: devops-lead}]
configuration:
  parameters: [{name: /web/production/timeout, value: \"30\"}]
  flags: {application: web, environment: production, profile: flags, strategy: Quick, set: {banner: off}}
monitoring:
  dashboard: true
  alarms: [{name: few-errors, when: error_rate > 0.2%, for: 2m}]
  topic: \"arn:aws:sns:us-east-1:123456789012:page\"
  test: {timeout: 3m}
  logRetention: 30d
";

const FLAGS: &str =
    r#"{"version":"1","flags":{"banner":{"name":"banner"}},"values":{"banner":{"enabled":true}}}"#;

/// What that finds there.
fn furnish(fleet: &mut Fleet) {
    fleet.register_scalable("production", "web-blue", 3, 12);
    let orders = ServiceTable {
        on_demand: true,
        indexes: [("by-mail".to_owned(), ServiceIndex::by("mail"))].into(),
        ..ServiceTable::default()
    };
    fleet.service_tables.insert("orders".to_owned(), orders);
    let quick = Database {
        snapshot_seconds: 30,
        ..Database::default()
    };
    fleet.databases.insert("web-db".to_owned(), quick.clone());
    fleet
        .clusters_of_databases
        .insert("web-cluster".to_owned(), quick);
    fleet.buckets.insert("shop-records".to_owned(), Bucket::default());
    for (name, answer) in [
        ("web-test-load", r#"{"passed": 3, "failed": 0}"#),
        ("web-analyzer", r#"{"recommendations": []}"#),
    ] {
        let answers = vec![FunctionAnswer::Returns(answer.to_owned())];
        fleet
            .functions
            .insert(name.to_owned(), UserFunction::answering(answers));
    }
    let queue = |name: &str| json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": name } });
    let before = json!({ "Resources": { "Orders": queue("orders") } });
    let after = json!({ "Resources": { "Orders": queue("orders"), "Mails": queue("mails") } });
    fleet.set_stack("shop", &before, &[]);
    fleet.put_template("https://templates.s3.us-east-1.amazonaws.com/shop/8.json", &after);
    let changes: &[(&str, &[&str])] = &[("aws_sqs_queue.returns", &["create"])];
    let terraform = Terraform::planning(changes);
    fleet.set_terraform("web-production-terraform", "shop-plans", 20, terraform);
    fleet.create_flags("web", "production", "flags", FLAGS);
    fleet.create_flag_strategy("Quick", 0, 0);
}

async fn given_everything(scene: &Scene) {
    scene.given(TARGET, 5, &format!("{SHORT}{EVERYTHING}")).await;
    scene.people().await;
    scene.cloud(|state| furnish(&mut state.fleet));
    scene.suite("production", "smoke", 0);
    scene.suite("production", "checkout", 0);
}

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

/// What was changed on AWS, without Tidegate's own records, messages and executions, by whom.
fn changed(scene: &Scene) -> BTreeSet<(&'static str, String)> {
    const OURS: [&str; 9] = [
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "TransactWriteItems",
        "PutEvents",
        "Publish",
        "SendTaskFailure",
        "SendTaskSuccess",
        "StartExecution",
    ];
    let ours = |site: &&Site| site.reads() || OURS.contains(&&*site.operation);
    scene.cloud(|state| {
        let seen = state.faults.numbered.seen.iter();
        seen.filter(|site| !ours(site))
            .map(|site| (site.caller, site.operation.clone()))
            .collect()
    })
}

/// What was asked for, in the same words.
fn asked(deployment: &Deployment) -> BTreeSet<(&'static str, String)> {
    let plan = deployment.plan.as_ref().unwrap();
    let known = Known {
        roles: TaskRoles::default(),
        flags: flags(deployment),
        schedules: Some(Schedules {
            group: "tidegate".to_owned(),
            role: "arn:aws:iam::123456789012:role/tidegate-schedule".to_owned(),
        }),
    };
    let operation = |action: &str| match action.split(':').next_back().unwrap() {
        // The one action with another name than its operation.
        "InvokeFunction" => "Invoke".to_owned(),
        operation => operation.to_owned(),
    };
    needed(deployment, plan, &known)
        .iter()
        .map(|one| (one.function, operation(one.action)))
        .collect()
}

/// Where its flags are, as it was recorded before they were set.
fn flags(deployment: &Deployment) -> Option<FlagsPlace> {
    let mut changes = deployment.plan.as_ref()?.changes.iter();
    changes.find_map(|change| match deployment.before_of(&change.id)? {
        Before::Flags { held } => Some(held.place.clone()),
        _ => None,
    })
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

/// What every file with every section has done at least: a story that leaves something out shows nothing of it.
const DONE: [(&str, &str); 33] = [
    ("complete", "CreateSchedule"),
    ("configure", "CreateHostedConfigurationVersion"),
    ("configure", "DeleteParameter"),
    ("configure", "PutParameter"),
    ("configure", "StartDeployment"),
    ("configure", "StopDeployment"),
    ("infrastructure", "CreateChangeSet"),
    ("infrastructure", "DetectStackDrift"),
    ("infrastructure", "ExecuteChangeSet"),
    ("infrastructure", "Invoke"),
    ("infrastructure", "RunTask"),
    ("migrate", "RunTask"),
    ("migrate", "UpdateTable"),
    ("monitoring", "DeleteAlarms"),
    ("monitoring", "DeleteDashboards"),
    ("monitoring", "DeleteRetentionPolicy"),
    ("monitoring", "PutDashboard"),
    ("monitoring", "PutMetricAlarm"),
    ("monitoring", "PutRetentionPolicy"),
    ("monitoring", "SetAlarmState"),
    ("notify", "PutObject"),
    ("prepare", "CreateBackup"),
    ("prepare", "CreateDBClusterSnapshot"),
    ("prepare", "CreateDBSnapshot"),
    ("prepare", "RegisterScalableTarget"),
    ("prepare", "RegisterTaskDefinition"),
    ("rollback", "ModifyRule"),
    ("rollback", "UpdateService"),
    ("shift", "ModifyRule"),
    ("shift", "RunTask"),
    ("shift", "UpdateService"),
    ("sweep", "UpdateService"),
    ("validate", "Invoke"),
];

#[test]
fn nothing_of_a_file_with_every_section_is_done_unasked() {
    scenario(
        "nothing-of-a-file-with-every-section-is-done-unasked",
        "One that is taken back, one that completes, and the contract that follows it: whatever they change, IAM was asked about.",
        async |scene| {
            given_everything(scene).await;
            scene.cloud(|state| state.faults.numbered.on = true);
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.alarm("web-production-green-error-rate", AlarmValue::Alarm);
            let back = scene.ends(&id, ExitState::RolledBack).await;
            scene.alarm("web-production-green-error-rate", AlarmValue::Ok);
            scene.push('3', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, true, &plan).await.unwrap();
            let contract = scene.ends(&id, ExitState::Completed).await;
            let asked: BTreeSet<_> = [&back, &done, &contract].into_iter().flat_map(asked).collect();
            let changed = changed(scene);
            let unasked: Vec<_> = changed.difference(&asked).collect();
            assert!(unasked.is_empty(), "{unasked:?}");
            let done = DONE.map(|(function, operation)| (function, operation.to_owned()));
            let undone: Vec<_> = done.iter().filter(|one| !changed.contains(one)).collect();
            assert!(undone.is_empty(), "{undone:?}");
        },
    );
}

#[test]
fn flags_and_schedules_that_may_not_be_made_block_before_anything_is_touched() {
    scenario(
        "flags-and-schedules-that-may-not-be-made-block-before-anything-is-touched",
        "The ids of flags are AppConfig's own, and the schedule of a contract is made at the very end: both are asked about first.",
        async |scene| {
            given_everything(scene).await;
            let flags = "arn:aws:appconfig:us-east-1:123456789012:application/";
            let start = "appconfig:StartDeployment";
            refuse(scene, "configure", start, flags, Refusal::Unmentioned);
            let create = "scheduler:CreateSchedule";
            refuse(scene, "complete", create, "arn:", Refusal::ByOrganization);
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            let told = reason(&blocked);
            assert!(
                told.contains("appconfig:StartDeployment on arn:aws:appconfig"),
                "{told}"
            );
            assert!(
                told.contains("for the function `configure`: no policy allows it"),
                "{told}"
            );
            assert!(told.contains("scheduler:CreateSchedule"), "{told}");
            assert!(
                told.contains("for the function `complete`: a service control policy"),
                "{told}"
            );
            assert!(remedy(&blocked).contains("`FlagApplicationPattern`"));
            // Mended, the same image goes out.
            scene.cloud(|state| state.fleet.refused.clear());
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
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
