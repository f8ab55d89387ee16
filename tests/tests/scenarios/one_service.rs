//! Strategies with one ECS service: `recreate` and `rolling`.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::{AlarmValue, Behaviour, Start};
use tidegate_tests::files::{DEV, ROLLING};

use crate::scenario;

const DEVELOPMENT: &str = "web/development";
const TARGET: &str = "web/production";

#[test]
fn recreate_as_the_dev_file_says() {
    scenario(
        "recreate-as-the-dev-file-says",
        "The dev file as it stands: stop the old task, start the new one.",
        async |scene| {
            scene.given_one(DEVELOPMENT, 1, DEV).await;
            scene.push('2', Behaviour::default());
            scene.runs(DEVELOPMENT, ExitState::Completed).await;
        },
    );
}

#[test]
fn recreate_of_a_crashing_image_goes_back() {
    scenario(
        "recreate-of-a-crashing-image-goes-back",
        "The new task never starts: the old revision is started again.",
        async |scene| {
            scene.given_one(DEVELOPMENT, 1, DEV).await;
            scene.push('2', Behaviour::starting(Start::Crash));
            scene.runs(DEVELOPMENT, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn rolling_update_completes() {
    scenario(
        "rolling-update-completes",
        "ECS replaces the tasks one after the other.",
        async |scene| {
            scene.given_one(TARGET, 4, ROLLING).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn rolling_update_of_a_crashing_image_goes_back() {
    scenario(
        "rolling-update-of-a-crashing-image-goes-back",
        "ECS's circuit breaker gives the new tasks up.",
        async |scene| {
            scene.given_one(TARGET, 4, ROLLING).await;
            scene.push('2', Behaviour::starting(Start::Crash));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn rolling_update_with_an_alarm_goes_back() {
    scenario(
        "rolling-update-with-an-alarm-goes-back",
        "Half of the tasks are replaced when the alarm goes off.",
        async |scene| {
            scene.given_one(TARGET, 4, ROLLING).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "candidate tasks are healthy").await;
            scene.wait(30).await;
            scene.alarm("web-production-error-rate", AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}
