//! What measurements say, and what they do not.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::files::{LINEAR, PRODUCTION, SHORT};

use crate::scenario;

const TARGET: &str = "web/production";

#[test]
fn missing_metrics_hold_and_then_roll_back() {
    scenario(
        "missing-metrics-hold-and-then-roll-back",
        "CloudWatch has no data for the candidate: nothing is taken for good, and nobody waits for ever.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.cloud(|state| state.fleet.settings.metrics_missing = true);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn missing_metrics_that_come_back_are_waited_for() {
    scenario(
        "missing-metrics-that-come-back-are-waited-for",
        "A short outage of CloudWatch holds the canary and does not end it.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.cloud(|state| state.fleet.settings.metrics_missing = true);
            scene.waits_for(&id, "inconclusive").await;
            scene.cloud(|state| state.fleet.settings.metrics_missing = false);
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn too_few_requests_prove_nothing() {
    scenario(
        "too-few-requests-prove-nothing",
        "A service at night: six requests a minute to the candidate are not enough to judge it by.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.fleet.set_traffic(0.5));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn flapping_errors_are_counted_together() {
    scenario(
        "flapping-errors-are-counted-together",
        "Errors that come and go every two minutes: good minutes between do not make up for bad ones.",
        async |scene| {
            let file = format!(
                "{}autoRollback:\n  alarms: []\n",
                SHORT.replace("pause: 5m", "pause: 15m")
            );
            scene.given(TARGET, 5, &file).await;
            scene.push(
                '2',
                Behaviour {
                    flap: Some(120),
                    ..Behaviour::failing(4.0, 20)
                },
            );
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn one_condition_is_enough() {
    scenario(
        "one-condition-is-enough",
        "A condition of autoRollback does not wait for the threshold: one minute above it ends the canary.",
        async |scene| {
            let file = format!("{PRODUCTION}  alarms: []\n");
            scene.given(TARGET, 10, &file).await;
            scene.push('2', Behaviour::failing(3.0, 25));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn a_slow_image_is_rolled_back() {
    scenario(
        "a-slow-image-is-rolled-back",
        "No errors, but answers take twice as long as the file allows: below every alarm, and still noticed.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            let slow = Behaviour {
                latency_p99_ms: 900.0,
                ..Behaviour::default()
            };
            scene.push('2', slow);
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn worse_than_stable_is_rolled_back() {
    scenario(
        "worse-than-stable-is-rolled-back",
        "Within every bound, but clearly slower than stable: the comparison finds it.",
        async |scene| {
            let file =
                SHORT.replace("pause: 5m", "pause: 12m") + "    compare:\n      metrics: [latency_p99]\n";
            scene.given(TARGET, 5, &file).await;
            let slower = Behaviour {
                latency_p99_ms: 300.0,
                ..Behaviour::default()
            };
            scene.push('2', slower);
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn as_good_as_stable_completes() {
    scenario(
        "as-good-as-stable-completes",
        "The same comparison lets an image through that is as quick as stable.",
        async |scene| {
            let file =
                SHORT.replace("pause: 5m", "pause: 12m") + "    compare:\n      metrics: [latency_p99]\n";
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn linear_steps_complete() {
    scenario(
        "linear-steps-complete",
        "A linear deployment: equal steps of 25 %, each one watched.",
        async |scene| {
            scene.given(TARGET, 4, LINEAR).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn linear_alarm_in_the_third_step_rolls_back() {
    scenario(
        "linear-alarm-in-the-third-step-rolls-back",
        "A linear deployment whose image fails at 75 %.",
        async |scene| {
            scene.given(TARGET, 4, LINEAR).await;
            scene.push('2', Behaviour::failing(6.0, 75));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}
