//! Reports of real journals, as goldens in `tests/goldens/reports`: look at them as their reader.

use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_core::report::{html, markdown, report};
use tidegate_core::runbook::runbook;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::files::{PRODUCTION, without_conditions};
use tidegate_tests::{Scene, compare_file, play_once};

const TARGET: &str = "web/production";

/// The production file with two people to ask and a dashboard.
fn file() -> String {
    format!(
        "{PRODUCTION}gates:\n  - before: shift\n    approvals: [{{role: tech-lead}}, {{role: product}}]\n\
         notifications:\n  dashboard: \"https://dash.example/d/web?from=now-1h&to=now\"\n"
    )
}

async fn compare(scene: &Scene, name: &str, deployment: &Deployment) {
    let journal = scene.stage.journal(&deployment.id).await;
    let page = report(deployment, &journal);
    compare_file(&format!("reports/{name}.md"), &markdown::render(&page));
    compare_file(&format!("reports/{name}.html"), &html::render(&page));
}

#[test]
fn the_report_of_a_canary_that_completed() {
    let story = async |scene: &Scene| {
        scene.people().await;
        scene.given(TARGET, 10, &file()).await;
        scene.push('2', Behaviour::default());
        let id = scene.started(TARGET).await;
        let plan = scene.gate(&id).await;
        scene.wait(90).await;
        scene.decide("maria", &id, true, &plan).await.unwrap();
        scene.decide("tom", &id, true, &plan).await.unwrap();
        let deployment = scene.ends(&id, ExitState::Completed).await;
        compare(scene, "a-canary-that-completed", &deployment).await;
    };
    play_once(story, |_| ());
}

#[test]
fn the_report_of_a_canary_that_its_analysis_took_back() {
    let story = async |scene: &Scene| {
        // No alarm is watched, so that the checks go on until they have failed often enough.
        let file = format!("{}autoRollback:\n  alarms: []\n", without_conditions(PRODUCTION));
        scene.given(TARGET, 10, &file).await;
        scene.push('2', Behaviour::failing(0.5, 25));
        let deployment = scene.runs(TARGET, ExitState::RolledBack).await;
        compare(scene, "a-canary-that-its-analysis-took-back", &deployment).await;
    };
    play_once(story, |_| ());
}

#[test]
fn the_report_of_a_canary_that_its_alarm_took_back() {
    let story = async |scene: &Scene| {
        scene.given(TARGET, 10, PRODUCTION).await;
        scene.push('2', Behaviour::failing(5.0, 25));
        let deployment = scene.runs(TARGET, ExitState::RolledBack).await;
        compare(scene, "a-canary-that-its-alarm-took-back", &deployment).await;
    };
    play_once(story, |_| ());
}

#[test]
fn the_runbook_of_a_service_that_is_watched() {
    const WATCHED: &str = "\
prepare: {suspendAutoscaling: true}
migrations:
  - {name: add-email, command: [bin/migrate, up], down: [bin/migrate, down]}
  - {name: backfill-email, command: [bin/migrate, fill]}
monitoring:
  dashboard: true
  alarms:
    - {name: few-errors, when: error_rate > 0.5%, for: 3m}
  topic: arn:aws:sns:us-east-1:123456789012:on-call
  logRetention: 30d
";
    let story = async |scene: &Scene| {
        scene.people().await;
        scene.given(TARGET, 10, &format!("{PRODUCTION}{WATCHED}")).await;
        scene.push('2', Behaviour::default());
        let deployment = scene.runs(TARGET, ExitState::Completed).await;
        let text = markdown::render(&runbook(&deployment));
        compare_file("reports/a-runbook.md", &text);
        let journal = scene.stage.journal(&deployment.id).await;
        let told = markdown::render(&report(&deployment, &journal));
        assert!(told.contains(&format!("`tidegate runbook {}`", deployment.id)));
    };
    play_once(story, |_| ());
}
