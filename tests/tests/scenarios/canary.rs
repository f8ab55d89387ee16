//! Canaries with a load balancer.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::{AlarmValue, Behaviour, Start};
use tidegate_tests::files::{PRODUCTION, SHORT, without_conditions};

use crate::scenario;

const TARGET: &str = "web/production";
const GREEN_ERRORS: &str = "web-production-green-error-rate";

#[test]
fn canary_of_a_healthy_image_completes() {
    scenario(
        "canary-of-a-healthy-image-completes",
        "The production file as it stands: a push goes through 5, 25, 50 and 100 %, and completes.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn canary_alarm_at_25_percent_rolls_back() {
    scenario(
        "canary-alarm-at-25-percent-rolls-back",
        "An image that fails under load: its own alarm takes the traffic back within a minute or two.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::failing(5.0, 25));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn canary_alarm_at_5_percent_rolls_back() {
    scenario(
        "canary-alarm-at-5-percent-rolls-back",
        "An alarm in the first bake: any alarm of the service counts, also one of the stable slot.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 5).await;
            scene.wait(100).await;
            scene.alarm("web-production-blue-latency-p99", AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn canary_alarm_at_50_percent_rolls_back() {
    scenario(
        "canary-alarm-at-50-percent-rolls-back",
        "An alarm in the last bake, after most of the work is done: still all the way back.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 50).await;
            scene.wait(300).await;
            scene.alarm(GREEN_ERRORS, AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn canary_alarm_while_scaling_rolls_back() {
    scenario(
        "canary-alarm-while-scaling-rolls-back",
        "An alarm while tasks for the next step are starting: nobody waits for them.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 5).await;
            scene.waits_for(&id, "1 of 3 candidate tasks").await;
            scene.alarm(GREEN_ERRORS, AlarmValue::Alarm);
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn canary_flapping_alarm_rolls_back_once() {
    scenario(
        "canary-flapping-alarm-rolls-back-once",
        "An alarm that is over within seconds has been seen: the first time counts, the rest is ignored.",
        async |scene| {
            scene.given(TARGET, 10, PRODUCTION).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 25).await;
            for value in [
                AlarmValue::Alarm,
                AlarmValue::Ok,
                AlarmValue::Alarm,
                AlarmValue::Ok,
            ] {
                scene.alarm(GREEN_ERRORS, value);
                scene.stage.wait(2).await;
            }
            scene.ends(&id, ExitState::RolledBack).await;
        },
    );
}

#[test]
fn canary_never_healthy_is_aborted_before_it_takes_traffic() {
    scenario(
        "canary-never-healthy-is-aborted-before-it-takes-traffic",
        "Tasks that run but never pass a health check get no weight, and are given up in time.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::starting(Start::NeverHealthy));
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn canary_crashing_image_is_aborted_by_the_circuit_breaker() {
    scenario(
        "canary-crashing-image-is-aborted-by-the-circuit-breaker",
        "Tasks that exit as they start: ECS gives them up, and so does Tidegate, before any weight.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::starting(Start::Crash));
            scene.runs(TARGET, ExitState::Aborted).await;
        },
    );
}

#[test]
fn canary_slow_start_is_waited_for() {
    scenario(
        "canary-slow-start-is-waited-for",
        "Tasks that need three minutes to warm up get their weight when they are ready, not before.",
        async |scene| {
            let file = format!("{SHORT}healthCheck:\n  path: /health\n  initialDelay: 5m\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::starting(Start::Slow { seconds: 180 }));
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn canary_analysis_fails_without_any_alarm() {
    scenario(
        "canary-analysis-fails-without-any-alarm",
        "A file that watches no alarm: analysis alone finds half a percent of errors and gives up.",
        async |scene| {
            let file = format!("{}autoRollback:\n  alarms: []\n", without_conditions(PRODUCTION));
            scene.given(TARGET, 10, &file).await;
            scene.push('2', Behaviour::failing(0.5, 25));
            scene.runs(TARGET, ExitState::RolledBack).await;
        },
    );
}
