//! Services that take their work from elsewhere.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::{Behaviour, Start};
use tidegate_tests::files::TASKS;

use crate::scenario;

const WORKER: &str = "worker/production";

#[test]
fn canary_by_share_of_tasks_completes() {
    scenario(
        "canary-by-share-of-tasks-completes",
        "A worker without a load balancer: the share of tasks is the share of the work.",
        async |scene| {
            scene.given_service(WORKER, 8, TASKS, false, true, true).await;
            scene.push_to("worker", '2', Behaviour::default());
            scene.runs(WORKER, ExitState::Completed).await;
        },
    );
}

#[test]
fn canary_by_share_of_tasks_is_aborted_by_hand() {
    scenario(
        "canary-by-share-of-tasks-is-aborted-by-hand",
        "A person stops it with a fifth of the tasks on the candidate.",
        async |scene| {
            scene.given_service(WORKER, 8, TASKS, false, true, true).await;
            scene.push_to("worker", '2', Behaviour::default());
            let id = scene.started(WORKER).await;
            scene.at_weight(&id, 20).await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn canary_by_share_of_tasks_crashes() {
    scenario(
        "canary-by-share-of-tasks-crashes",
        "Candidate tasks that exit as they start take no work from stable.",
        async |scene| {
            scene.given_service(WORKER, 8, TASKS, false, true, true).await;
            scene.push_to("worker", '2', Behaviour::starting(Start::Crash));
            scene.runs(WORKER, ExitState::Aborted).await;
        },
    );
}

#[test]
fn rollback_by_hand_of_a_worker() {
    scenario(
        "rollback-by-hand-of-a-worker",
        "Stable's tasks were stopped at the last step: a rollback starts them first.",
        async |scene| {
            scene.given_service(WORKER, 8, TASKS, false, true, true).await;
            scene.push_to("worker", '2', Behaviour::default());
            let id = scene.started(WORKER).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
        },
    );
}
