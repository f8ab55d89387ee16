//! The demo of every section: a release that was tested, scanned, signed, and rehearsed in staging goes to
//! production with its backups, migrations, infrastructure, configuration and monitoring; the next one fails at a
//! quarter of the traffic, and all of it comes back.

use serde_json::{Map, Value, json};
use tidegate_core::change::{ChangeStage, Work};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_core::report::{html, report};

use super::{
    DemoError, ERROR_PERCENT, ERRORS_FROM_WEIGHT, LIMIT_SECONDS, Report, Told, told_of, traffic_back,
};
use crate::cloud::Options;
use crate::fleet::{
    Behaviour, Bucket, Database, FunctionAnswer, GoldenSpec, ParameterKind, Scan, ServiceIndex, ServiceTable,
    Terraform, UserFunction,
};
use crate::stage::{FIRST_DIGEST, Stage, play};

/// The deployment file of production: every section that there is.
pub const FILE: &str = include_str!("full.yaml");
/// The one of staging, which takes every push, with the migrations whose way back is rehearsed there.
const STAGING: &str = "\
environment: staging
strategy: rolling
replicas: 1
migrations:
  - name: add-email
    command: [bin/migrate, up, add-email]
    down: [bin/migrate, down, add-email]
";
const REHEARSED_IN: &str = "web/staging";
const PEOPLE: &str = r#"{"people": {
  "dora": {"roles": ["devops-lead"]},
  "maria": {"roles": ["tech-lead"]},
  "tom": {"roles": ["product"]},
  "lars": {"roles": ["on-call"]},
  "ines": {"roles": ["tech-lead"]}
}}"#;

const TARGET: &str = "web/production";
const TERRAFORM: &str = "web-production-terraform";
const TEMPLATE: &str = "https://templates.s3.us-east-1.amazonaws.com/shop/latest.json";
const TIMEOUT: &str = "/web/production/timeout";
const BANNER: &str = "/web/production/banner";
const SLOW: &str = "web-production-green-slow";
/// How long people take until they decide, or make what is asked of them (seconds).
const PEOPLE_SECONDS: u64 = 240;

/// A page about one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its report, one HTML page.
    pub html: String,
}

/// Plays the demo of every section in virtual time.
///
/// # Errors
/// Where it can't be played to its end. Whether it went as it should is in the report.
pub fn run(seed: u64) -> Result<(Report, Vec<Page>), DemoError> {
    play(&Options::virtual_time(seed), async |stage: Stage| {
        tell(&stage).await
    })
}

async fn tell(stage: &Stage) -> Result<(Report, Vec<Page>), DemoError> {
    set_the_stage(stage).await?;
    let before = left_behind(stage);
    let healthy = Image {
        tag: "v2.0.0",
        digit: '2',
        commit: "8c5d1f0a3b7e",
        behaviour: scanned(Behaviour::default()),
    };
    let first = release(stage, "A release with every section on", &healthy).await?;
    let after = left_behind(stage);
    stage.wait(1800).await;
    let faulty = Image {
        tag: "v2.1.0",
        digit: '3',
        commit: "f00d5ca1ab1e",
        behaviour: scanned(Behaviour::failing(ERROR_PERCENT, ERRORS_FROM_WEIGHT)),
    };
    // The next release changes other things: the stack, a schema, and both parameters once more.
    let next = template(&["orders", "mails", "wishlists"]);
    stage.cloud.with(|state| {
        state.fleet.put_template(TEMPLATE, &next);
        if let Some(terraform) = state.fleet.terraform.get_mut(TERRAFORM) {
            terraform.set_changes(&[("aws_sns_topic.wishlists", &["create"])]);
        }
    });
    let file = FILE
        .replace("-email", "-wishlist")
        .replace("value: \"30\"", "value: \"45\"")
        .replace("> 800ms", "> 700ms")
        .replace("Try the new checkout", "Now with wishlists")
        .replace("new-checkout: {enabled: off", "new-checkout: {enabled: on");
    for (target, file) in [
        (TARGET, &file),
        (REHEARSED_IN, &STAGING.replace("-email", "-wishlist")),
    ] {
        stage.apply(target, file).await.map_err(DemoError::Stopped)?;
    }
    let title = format!("A release whose errors start at {ERRORS_FROM_WEIGHT} % of the traffic");
    let second = release(stage, &title, &faulty).await?;
    let back = traffic_back(stage, &second.deployment);
    let problems = problems(&first, &second, &before, &after, &left_behind(stage));
    let pages = vec![first.page, second.page];
    let report = Report {
        deployments: vec![first.told, second.told],
        alarm_to_traffic_back_ms: back.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX)),
        problems,
    };
    Ok((report, pages))
}

/// Two services, what they stand on, and the people.
async fn set_the_stage(stage: &Stage) -> Result<(), DemoError> {
    stage.golden("web", "production", 10);
    stage.service(&GoldenSpec {
        service: "web",
        environment: "staging",
        replicas: 1,
        repository: "web",
        image_digest: Some(FIRST_DIGEST),
        with_load_balancer: true,
        slots: false,
    });
    stage.cloud.with(|state| {
        let answer = r#"{"passed": 24, "failed": 0, "skipped": 1}"#.to_owned();
        let mut checkout = UserFunction::answering(vec![FunctionAnswer::Returns(answer)]);
        checkout.aliases.push("live".to_owned());
        state
            .fleet
            .functions
            .insert("web-test-checkout".to_owned(), checkout);
        let advice =
            r#"{"recommendations": [{"severity": "medium", "text": "two tasks would do at night"}]}"#;
        let analyzer = UserFunction::answering(vec![FunctionAnswer::Returns(advice.to_owned())]);
        state.fleet.functions.insert("web-analyzer".to_owned(), analyzer);
    });
    for suite in ["smoke", "integration", "synthetic"] {
        stage.suite("web", "production", suite);
    }
    stage.cloud.with(|state| {
        let fleet = &mut state.fleet;
        for slot in ["web-blue", "web-green"] {
            fleet.register_scalable("production", slot, 10, 40);
        }
        let table = ServiceTable {
            on_demand: true,
            bytes: 812 << 20,
            items: 1_048_312,
            indexes: [("by-mail".to_owned(), ServiceIndex::by("mail"))].into(),
            ..ServiceTable::default()
        };
        fleet.service_tables.insert("orders".to_owned(), table);
        let database = Database {
            gibibytes: 100,
            snapshot_seconds: 180,
            ..Database::default()
        };
        fleet.databases.insert("web-db".to_owned(), database.clone());
        fleet
            .clusters_of_databases
            .insert("web-cluster".to_owned(), database);
        fleet.buckets.insert("shop-records".to_owned(), Bucket::default());
        fleet.create_repository("web");
        fleet.set_repository("web", true, false);
        fleet.set_parameter(TIMEOUT, "20", ParameterKind::Text);
        let (application, environment, profile) = FLAGS;
        fleet.create_flags(application, environment, profile, FLAGS_BEFORE);
        fleet.set_stack("shop", &template(&["orders"]), &[("Retention", "4")]);
        fleet.put_template(TEMPLATE, &template(&["orders", "mails"]));
        let changes: &[(&str, &[&str])] = &[
            ("aws_sns_topic.mails", &["create"]),
            ("aws_cloudwatch_log_group.mails", &["create"]),
        ];
        fleet.set_terraform(TERRAFORM, "shop-plans", 45, Terraform::planning(changes));
    });
    // Some minutes of ordinary traffic first.
    stage.wait(300).await;
    for (path, body) in [
        ("/people", PEOPLE),
        ("/targets/web/staging/spec", STAGING),
        ("/targets/web/production/spec", FILE),
    ] {
        stage
            .ask("platform", "PUT", path, body)
            .await
            .map_err(DemoError::Stopped)?;
    }
    Ok(())
}

/// A CloudFormation template of so many queues.
fn template(queues: &[&str]) -> Value {
    let queue = |name: &&str| {
        let properties = json!({ "QueueName": name, "Retention": { "Ref": "Retention" } });
        let resource = json!({ "Type": "AWS::SQS::Queue", "Properties": properties });
        ((*name).to_owned(), resource)
    };
    let resources: Map<String, Value> = queues.iter().map(queue).collect();
    json!({
        "Parameters": { "Retention": { "Type": "Number", "Default": "4" } },
        "Resources": resources,
    })
}

/// An image as CI made it.
struct Image {
    tag: &'static str,
    digit: char,
    commit: &'static str,
    behaviour: Behaviour,
}

/// Scanned within a minute: nothing critical, two findings of high severity; signed.
fn scanned(behaviour: Behaviour) -> Behaviour {
    Behaviour {
        scan: Scan {
            seconds: 60,
            critical: 0,
            high: 2,
            ..Scan::default()
        },
        ..behaviour
    }
}

/// A deployment that is over.
struct Ended {
    told: Told,
    deployment: Deployment,
    page: Page,
}

/// From CI to the end in production: recorded, rehearsed in staging, deployed by lars, approved.
async fn release(stage: &Stage, title: &str, image: &Image) -> Result<Ended, DemoError> {
    let stopped = |what: &str| DemoError::Stopped(format!("web:{}: {what}", image.tag));
    let digest = format!("sha256:{}", image.digit.to_string().repeat(64));
    stage.push("web", image.tag, &digest, image.behaviour.clone());
    record(stage, image).await?;
    rehearse(stage, image).await?;
    let start = stage.now();
    let target = json!({ "service": "web", "environment": "production" });
    let body = json!({ "target": target, "image": image.tag, "overrides": [], "reason": "" });
    stage
        .ask("lars", "POST", "/deployments", &body.to_string())
        .await
        .map_err(DemoError::Stopped)?;
    let id = stage
        .until_running(TARGET)
        .await
        .ok_or_else(|| stopped("it started no deployment"))?;
    decide_and_do(stage, &id).await?;
    let ended = stage.until_exit(&id, LIMIT_SECONDS).await;
    let deployment = ended.ok_or_else(|| stopped("its deployment is gone"))?;
    let told = told_of(stage, format!("{title}: web:{}", image.tag), &deployment, start).await;
    let page = Page {
        html: html::render(&report(&deployment, &stage.journal(&id).await)),
        deployment: id,
    };
    Ok(Ended {
        told,
        deployment,
        page,
    })
}

/// What `tidegate rehearse` does: the push is deployed in staging, taken back, and deployed again.
async fn rehearse(stage: &Stage, image: &Image) -> Result<(), DemoError> {
    let ended = async || {
        let id = stage.until_running(REHEARSED_IN).await?;
        let deployment = stage.until_exit(&id, LIMIT_SECONDS).await?;
        Some(deployment.id)
    };
    let nothing = || DemoError::Stopped(format!("web:{}: nothing started in staging", image.tag));
    let completed = ended().await.ok_or_else(nothing)?;
    let reason = "rehearsal of the rollback";
    let back = json!({ "reason": reason });
    let target = json!({ "service": "web", "environment": "staging" });
    let again =
        json!({ "target": target, "image": image.tag, "overrides": ["quarantine"], "reason": reason });
    for (path, body) in [
        (format!("/deployments/{completed}/rollback"), back),
        ("/deployments".to_owned(), again),
    ] {
        stage
            .ask("lars", "POST", &path, &body.to_string())
            .await
            .map_err(DemoError::Stopped)?;
        ended().await.ok_or_else(nothing)?;
    }
    Ok(())
}

/// What CI says of an image.
async fn record(stage: &Stage, image: &Image) -> Result<(), DemoError> {
    let committed = stage.now();
    let parts = [
        json!({ "commit": image.commit, "author": "ines", "committedAt": committed, "ticket": "SHOP-7" }),
        json!({ "suites": {
            "unit": { "passed": 412, "failed": 0 }, "integration": { "passed": 38, "failed": 0 },
        } }),
        json!({ "sbom": { "sha256": "ab".repeat(32), "place": format!("s3://builds/web/{}.spdx.json", image.tag) } }),
    ];
    for part in parts {
        let body = json!({ "repository": "web", "image": image.tag, "record": part });
        stage
            .ask("ci", "PUT", "/releases", &body.to_string())
            .await
            .map_err(DemoError::Stopped)?;
    }
    Ok(())
}

/// People do their part until the deployment ends: each open gate is approved, and what a person has to
/// make is made, after a while each.
async fn decide_and_do(stage: &Stage, id: &DeploymentId) -> Result<(), DemoError> {
    for _ in 0..LIMIT_SECONDS / 10 {
        stage.wait(10).await;
        let Some(deployment) = stage.deployment(id).await else {
            return Ok(());
        };
        if deployment.exit.is_some() {
            return Ok(());
        }
        if looks_at_infrastructure(&deployment) {
            stage.wait(PEOPLE_SECONDS).await;
            stage.cloud.with(|state| {
                if let Some(table) = state.fleet.service_tables.get_mut("orders") {
                    table.point_in_time_recovery = true;
                }
            });
        }
        if let Some(gate) = deployment.gates.values().find(|gate| gate.passed_at.is_none()) {
            stage.wait(PEOPLE_SECONDS).await;
            approve(stage, id, &gate.plan_hash.to_string()).await;
        }
    }
    Ok(())
}

/// Whether the deployment waits for what a person makes.
fn looks_at_infrastructure(deployment: &Deployment) -> bool {
    let mut changes = deployment.changes_of(Phase::Infrastructure);
    changes.any(|change| {
        let making = deployment.change_stage(&change.id) == Some(ChangeStage::Making);
        making && matches!(change.work, Work::Verify { .. })
    })
}

/// Everybody who may approves; whoever may not is refused, which changes nothing.
async fn approve(stage: &Stage, id: &DeploymentId, hash: &str) {
    for who in ["dora", "maria", "tom"] {
        // A gate that has its approvals, or does not ask for this role, refuses: that is no trouble.
        let _refused = stage
            .decide(who, id, true, hash, "the plan is as we agreed")
            .await;
    }
}

/// Application, environment and profile of the feature flags.
const FLAGS: (&str, &str, &str) = ("web", "production", "flags");
/// What is deployed of them at first.
const FLAGS_BEFORE: &str =
    r#"{"version":"1","flags":{"banner":{"name":"banner"}},"values":{"banner":{"enabled":true}}}"#;

/// What deployments change besides the image.
#[derive(Debug, PartialEq)]
struct LeftBehind {
    /// Values of the two parameters.
    parameters: [Option<String>; 2],
    /// Which flags are on.
    flags: Option<(bool, bool)>,
    /// Whether autoscaling may scale each service out.
    scales: [bool; 2],
    /// The template of the stack.
    template: Option<String>,
    /// How many plans of Terraform were applied.
    applied: Option<usize>,
    /// The threshold of an alarm, how long lines are kept, and the dashboard.
    watch: (Option<f64>, Option<u32>, Option<String>),
}

fn left_behind(stage: &Stage) -> LeftBehind {
    stage.cloud.with(|state| {
        let fleet = &mut state.fleet;
        let parameters = [TIMEOUT, BANNER].map(|name| Some(fleet.parameter(name)?.last()?.value.clone()));
        let scales = ["web-blue", "web-green"].map(|name| {
            let target = fleet.scalable("production", name);
            target.is_some_and(|target| !target.out_suspended)
        });
        let flags = fleet.flags(FLAGS).and_then(|(_, content)| {
            let flags: serde_json::Value = serde_json::from_str(&content).ok()?;
            let on = |name: &str| flags["values"][name]["enabled"] == true;
            Some((on("banner"), on("new-checkout")))
        });
        LeftBehind {
            parameters,
            flags,
            scales,
            template: fleet.stack("shop").map(|stack| stack.template.clone()),
            applied: fleet.terraform.get(TERRAFORM).map(|one| one.applied.len()),
            watch: (
                fleet.alarm(SLOW).map(|alarm| alarm.threshold),
                fleet.retention("/ecs/web-production"),
                fleet.dashboard("web-production").map(str::to_owned),
            ),
        }
    })
}

fn problems(
    first: &Ended,
    second: &Ended,
    before: &LeftBehind,
    after: &LeftBehind,
    now: &LeftBehind,
) -> Vec<String> {
    let checks = [
        (
            first.told.exit == Some(ExitState::Completed),
            format!("the good release was not completed: {}", first.told.reason),
        ),
        (
            after.parameters == ["30", "Try the new checkout"].map(|value| Some(value.to_owned())),
            "its parameters were not set".to_owned(),
        ),
        (
            before.flags == Some((true, false)) && after.flags == Some((false, false)),
            "its flags were not set".to_owned(),
        ),
        (
            now.flags == after.flags,
            "the flags of the good release are not back".to_owned(),
        ),
        (
            second.told.exit == Some(ExitState::RolledBack),
            format!("the bad release was not rolled back: {}", second.told.reason),
        ),
        (
            now.parameters == after.parameters,
            "the parameters of the good release are not back".to_owned(),
        ),
        (
            now.template == after.template && after.template != before.template,
            "the stack is not as the good release left it".to_owned(),
        ),
        (
            // What Terraform made stays.
            [before, after, now].map(|seen| seen.applied) == [Some(0), Some(1), Some(2)],
            "Terraform did not apply one plan for each release".to_owned(),
        ),
        (
            after.watch.0 == Some(0.8) && after.watch.1 == Some(90) && after.watch.2.is_some(),
            "nothing watches the good release".to_owned(),
        ),
        (
            now.watch == after.watch,
            "what watches the good release is not back".to_owned(),
        ),
        (
            [before, after, now].iter().all(|seen| seen.scales == [true; 2]),
            "autoscaling was left suspended".to_owned(),
        ),
    ];
    let failed = checks.into_iter().filter(|(holds, _)| !holds);
    failed.map(|(_, what)| what).collect()
}
