//! What the explorations of faults found, each as a story of its own.

use tidegate_core::exit::ExitState;
use tidegate_local::faults::EventFate;
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_tests::files::SHORT;

use crate::scenario;

const ALARM: &str = "web-production-green-error-rate";
const TARGET: &str = "web/production";

#[test]
fn alarm_that_clears_before_anyone_looks_rolls_back() {
    scenario(
        "alarm-that-clears-before-anyone-looks-rolls-back",
        "It fires for ten seconds between two sweeps and its event is lost: its history tells. \
         (Wire: `alarm --lost --seed 2 --strategy canary`.)",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| {
                for _ in 0..2 {
                    state
                        .faults
                        .event("CloudWatch Alarm State Change", EventFate::Dropped);
                }
            });
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.wait(10).await;
            scene.alarm(ALARM, AlarmValue::Ok);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn lost_batches_of_the_stream_are_told_again() {
    scenario(
        "lost-batches-of-the-stream-are-told-again",
        "The table's stream loses everything for a while: the sweep finds what nobody heard of. \
         (Wire: `canary/batch-*/drop`.)",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| {
                let numbered = &mut state.faults.numbered;
                numbered.on = true;
                numbered.batches = (0..8).map(|batch| (batch, EventFate::Dropped)).collect();
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(120).await;
        },
    );
}

#[test]
fn push_after_a_failed_rollback_waits_for_old_functions() {
    scenario(
        "push-after-a-failed-rollback-waits-for-old-functions",
        "People hear of it at once; the next image starts only when no function of the failed one can still act.",
        async |scene| {
            let file = format!("{SHORT}postDeploymentTests: [integration]\n");
            scene.given_service(TARGET, 5, &file, true, true, false).await;
            scene.suite("production", "integration", 1);
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::RollbackFailed).await;
            scene.suite("production", "integration", 0);
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn push_beside_a_sweep_that_scales_in_waits_for_it() {
    scenario(
        "push-beside-a-sweep-that-scales-in-waits-for-it",
        "A sweep that was told to stop the idle tasks may be late: none are started until its time is over. \
         (Explored with the defect `scales-in-late`.)",
        async |scene| {
            let file = format!("{SHORT}autoRollback:\n  window: 10m\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            scene
                .until("the sweep tidies up", async |stage| {
                    stage
                        .target(TARGET)
                        .await
                        .is_some_and(|target| target.tidying_until.is_some())
                })
                .await;
            scene.push('3', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "sweep").await;
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}
