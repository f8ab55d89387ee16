//! What must hold before anything is touched, and times in which nothing moves.

use tidegate_core::exit::ExitState;
use tidegate_local::endpoints::Fault;
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_local::stage::FIRST_DIGEST;
use tidegate_tests::files::{SHORT, digest};

use crate::scenario;

const ALARM: &str = "web-production-green-error-rate";
const TARGET: &str = "web/production";

#[test]
fn alarm_that_fires_already_blocks() {
    scenario(
        "alarm-that-fires-already-blocks",
        "A service in trouble is not deployed to; nothing is touched.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

#[test]
fn alarm_set_aside_by_a_person_lets_it_start() {
    scenario(
        "alarm-set-aside-by-a-person-lets-it-start",
        "The new image is the remedy for the alarm: a person says so, and it is on record.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.people().await;
            scene.stage.cloud.with(|state| {
                state
                    .fleet
                    .store_image("web", "v2", Some(&digest('2')), Behaviour::default());
            });
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene
                .deploy("maria", TARGET, "v2", &[&format!("alarm:{ALARM}")])
                .await
                .unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn alarm_that_does_not_exist_blocks() {
    scenario(
        "alarm-that-does-not-exist-blocks",
        "The file names an alarm that nobody made: what can't be read is not taken for good.",
        async |scene| {
            let file = format!("{SHORT}autoRollback:\n  alarms: [web-burn-rate]\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

#[test]
fn first_deployment_completes() {
    scenario(
        "first-deployment-completes",
        "Nothing serves yet: one step to 100 %, and no one to return to.",
        async |scene| {
            scene.given_service(TARGET, 5, SHORT, true, true, false).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn first_deployment_that_fails_calls_a_person() {
    scenario(
        "first-deployment-that-fails-calls-a-person",
        "Nothing to return to: the candidate keeps its traffic, and someone is called.",
        async |scene| {
            let file = format!("{SHORT}postDeploymentTests: [integration]\n");
            scene.given_service(TARGET, 5, &file, true, true, false).await;
            scene.suite("production", "integration", 1);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::RollbackFailed).await;
        },
    );
}

#[test]
fn image_of_stable_is_gone() {
    scenario(
        "image-of-stable-is-gone",
        "A lifecycle rule has removed the image that a rollback would need: blocked, unless a person accepts that.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.fleet.remove_image("web", FIRST_DIGEST));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
            scene
                .deploy("maria", TARGET, "v2", &["stable-image"])
                .await
                .unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn task_definition_of_stable_is_deregistered() {
    scenario(
        "task-definition-of-stable-is-deregistered",
        "Somebody has tidied up what a rollback would go back to: nothing is touched.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| {
                let service = state.fleet.ecs_service("production", "web-blue");
                let arn = service.map(|one| one.task_definition().to_owned()).unwrap();
                state.fleet.deregister_task_definition(&arn);
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

#[test]
fn execution_that_was_never_started_is_started_by_the_sweep() {
    scenario(
        "execution-that-was-never-started-is-started-by-the-sweep",
        "Step Functions did not answer when the deployment was stored: it is not forgotten.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.faults.fail("StartExecution", Fault::internal(), 4));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn freeze_blocks_the_start() {
    scenario(
        "freeze-blocks-the-start",
        "Quarter end: nothing starts, and the message says until when.",
        async |scene| {
            let file = format!(
                "{SHORT}freezes:\n  - from: 2026-03-02T09:00:00Z\n    until: 2026-03-02T10:00:00Z\n    reason: quarter end\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

#[test]
fn freeze_holds_a_canary_where_it_is() {
    scenario(
        "freeze-holds-a-canary-where-it-is",
        "A freeze that begins in mid-canary: the candidate keeps its share, and goes on afterwards.",
        async |scene| {
            let file = format!(
                "{SHORT}freezes:\n  - from: 2026-03-02T09:05:00Z\n    until: 2026-03-02T09:40:00Z\n    reason: board meeting\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn freeze_never_blocks_a_rollback() {
    scenario(
        "freeze-never-blocks-a-rollback",
        "An alarm during a freeze: traffic goes back at once.",
        async |scene| {
            let file = format!(
                "{SHORT}freezes:\n  - from: 2026-03-02T09:05:00Z\n    until: 2026-03-02T09:40:00Z\n    reason: board meeting\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "freeze").await;
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}
