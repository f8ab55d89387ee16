//! Canaries with a load balancer.

use tidegate_core::exit::ExitState;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{AlarmValue, Behaviour, Start};
use tidegate_local::stage::FIRST_DIGEST;
use tidegate_tests::files::{PRODUCTION, SHORT, without_conditions};
use tidegate_tests::{reason, remedy};

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

/// Stable is watched for a quarter of an hour once all is taken back.
fn watched() -> String {
    format!("{SHORT}autoRollback: {{bake: 15m}}\n")
}

#[test]
fn stable_is_watched_before_a_rollback_counts_as_done() {
    scenario(
        "stable-is-watched-before-a-rollback-counts-as-done",
        "Traffic goes back at once; then stable shows for a quarter of an hour that it does well. The function dies \
         after each thing that it writes on the way: the watch is begun once.",
        async |scene| {
            scene.given(TARGET, 5, &watched()).await;
            scene.push('2', Behaviour::failing(5.0, 20));
            let id = scene.started(TARGET).await;
            scene
                .until("traffic is back", async |stage| {
                    let deployment = stage.deployment(&id).await;
                    let rollback = deployment.and_then(|deployment| deployment.rollback);
                    rollback.is_some_and(|rollback| rollback.traffic_back_at.is_some())
                })
                .await;
            // After it has read the weights again, scaled the candidate in, begun the watch.
            let write = ("rollback", "TransactWriteItems", CallFate::KillAfter);
            scene.cloud(|state| state.faults.numbered.next.extend([write; 3]));
            // Whatever is pushed meanwhile waits until it is known whether stable does well.
            scene.push('3', Behaviour::default());
            let deployment = scene.ends(&id, ExitState::RolledBack).await;
            let rollback = deployment.rollback.unwrap();
            let left = deployment
                .exit
                .unwrap()
                .at
                .duration_since(rollback.traffic_back_at.unwrap());
            assert!(left.as_secs() >= 900, "{left}");
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn stable_that_does_not_do_well_either_calls_a_person() {
    scenario(
        "stable-that-does-not-do-well-either-calls-a-person",
        "The alarm goes on when the candidate is gone: it was not the cause, or something of it stays. Traffic is on \
         stable, and a person is called.",
        async |scene| {
            scene.given(TARGET, 5, &watched()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            // What both need is broken.
            let broken = scene.cloud(|state| {
                let fleet = &mut state.fleet;
                fleet.set_behaviour("web", FIRST_DIGEST, Behaviour::failing(5.0, 1))
            });
            assert!(broken);
            let deployment = scene.ends(&id, ExitState::RollbackFailed).await;
            assert!(
                reason(&deployment).contains("alarm web-production-blue-error-rate is in ALARM"),
                "{deployment:?}"
            );
            assert!(remedy(&deployment).contains("the candidate may not be the cause"));
        },
    );
}

#[test]
fn an_abort_before_any_traffic_watches_nothing() {
    scenario(
        "an-abort-before-any-traffic-watches-nothing",
        "Nothing moved, so there is nothing that stable has to show.",
        async |scene| {
            scene.given(TARGET, 5, &watched()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.wait(20).await;
            scene.stop("maria", "abort", &id).await.unwrap();
            let deployment = scene.ends(&id, ExitState::Aborted).await;
            assert!(deployment.rollback.is_none_or(|it| it.baked_until.is_none()));
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
