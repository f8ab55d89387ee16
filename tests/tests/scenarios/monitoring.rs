//! What watches the service: made before it gets traffic, and taken back with it.

use tidegate_core::exit::ExitState;
use tidegate_local::faults::{CallFate, EventFate};
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const BOARD: &str = "web-production";
const GROUP: &str = "/ecs/web-production";
const BLUE: &str = "web-production-blue-few-errors";
const GREEN: &str = "web-production-green-few-errors";

/// The alarms of the golden path fire above 1 % only.
const MONITORING: &str = "\
monitoring:
  dashboard: true
  alarms:
    - {name: few-errors, when: error_rate > 0.2%, for: 2m}
  logRetention: 30d
";

fn file() -> String {
    format!("{SHORT}{MONITORING}")
}

/// Too few errors for everything but the file's own alarm.
fn slightly_broken() -> Behaviour {
    Behaviour::failing(0.6, 20)
}

fn alarm(scene: &Scene, name: &str) -> Option<(f64, u32)> {
    scene.cloud(|state| {
        let alarm = state.fleet.alarm(name)?;
        Some((alarm.threshold, alarm.evaluation_periods))
    })
}

fn retention(scene: &Scene) -> Option<u32> {
    scene.cloud(|state| state.fleet.retention(GROUP))
}

fn board(scene: &Scene) -> Option<String> {
    scene.cloud(|state| state.fleet.dashboard(BOARD).map(str::to_owned))
}

fn assert_made(scene: &Scene) {
    assert_eq!(alarm(scene, BLUE), Some((0.2, 2)));
    assert_eq!(alarm(scene, GREEN), Some((0.2, 2)));
    assert_eq!(retention(scene), Some(30));
    let body = board(scene).unwrap();
    assert!(body.contains("Made by Tidegate for web/production."));
    assert!(body.contains(GREEN), "an alarm of the file is on its dashboard");
}

fn assert_gone(scene: &Scene) {
    assert_eq!(alarm(scene, BLUE), None);
    assert_eq!(alarm(scene, GREEN), None);
    assert_eq!(retention(scene), None);
    assert_eq!(board(scene), None);
}

#[test]
fn what_watches_the_service_is_there_before_it_gets_traffic() {
    scenario(
        "what-watches-the-service-is-there-before-it-gets-traffic",
        "Alarms for both slots, the log group's retention and the dashboard; the next deployment finds them.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            assert_made(scene);
            scene.ends(&id, ExitState::Completed).await;
            assert_made(scene);
            scene.wait(120).await;
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_made(scene);
        },
    );
}

#[test]
fn an_alarm_that_the_deployment_made_takes_it_back() {
    scenario(
        "an-alarm-that-the-deployment-made-takes-it-back",
        "It did not exist when the deployment was planned. With the code its alarms, dashboard and retention go.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', slightly_broken());
            let ended = scene.runs(TARGET, ExitState::RolledBack).await;
            let abort = ended.abort.unwrap();
            assert!(abort.cause.describe().contains(GREEN), "{:?}", abort.cause);
            assert_gone(scene);
        },
    );
}

#[test]
fn a_stricter_alarm_that_is_taken_back_is_as_it_was() {
    scenario(
        "a-stricter-alarm-that-is-taken-back-is-as-it-was",
        "The second deployment makes it stricter; the rollback brings the first one's definition back exactly.",
        async |scene| {
            let lax = file().replace("> 0.2%, for: 2m", "> 0.9%, for: 3m");
            scene.given(TARGET, 5, &lax).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(alarm(scene, GREEN), Some((0.9, 3)));
            let before = scene.cloud(|state| state.fleet.alarm(GREEN).cloned()).unwrap();
            scene.wait(1900).await;
            scene.apply(TARGET, &file()).await.unwrap();
            scene.push('3', slightly_broken());
            scene.runs(TARGET, ExitState::RolledBack).await;
            let after = scene.cloud(|state| state.fleet.alarm(GREEN).cloned()).unwrap();
            assert_eq!((after.threshold, after.evaluation_periods), (0.9, 3));
            assert_eq!(after.description, before.description);
            assert_eq!(after.subject, before.subject);
            assert_eq!(retention(scene), Some(30), "it was 30 days before, too");
            assert!(board(scene).is_some());
        },
    );
}

#[test]
fn a_dashboard_that_tidegate_did_not_make_is_not_replaced() {
    scenario(
        "a-dashboard-that-tidegate-did-not-make-is-not-replaced",
        "The plan says whose name is taken, and what to do about it; nothing was touched.",
        async |scene| {
            const THEIRS: &str = "{\"widgets\":[]}";
            scene.given(TARGET, 5, &file()).await;
            scene.cloud(|state| state.fleet.put_dashboard(BOARD, THEIRS));
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Blocked).await;
            assert_eq!(board(scene).as_deref(), Some(THEIRS));
            assert_eq!(alarm(scene, BLUE), None);
            assert_eq!(retention(scene), None);
        },
    );
}

#[test]
fn a_dashboard_that_comes_up_after_the_plan_is_not_replaced() {
    scenario(
        "a-dashboard-that-comes-up-after-the-plan-is-not-replaced",
        "The deployment stops before it touches it, and says what to do; what it had made until then goes.",
        async |scene| {
            const THEIRS: &str = "{\"widgets\":[]}";
            scene.people().await;
            let gate = "gates:\n  - before: prepare\n    approvals: [{role: tech-lead}]\n    expires: 1h\n";
            scene.given(TARGET, 5, &format!("{}{gate}", file())).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.cloud(|state| state.fleet.put_dashboard(BOARD, THEIRS));
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(board(scene).as_deref(), Some(THEIRS));
            assert_eq!(alarm(scene, BLUE), None);
            assert_eq!(retention(scene), None);
        },
    );
}

#[test]
fn an_alarm_that_somebody_changes_meanwhile_is_left_to_a_person() {
    scenario(
        "an-alarm-that-somebody-changes-meanwhile-is-left-to-a-person",
        "The rollback does not delete what is not as it was made; traffic is safe, and someone must look.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            scene.cloud(|state| {
                let mut theirs = state.fleet.alarm(BLUE).cloned().unwrap();
                theirs.threshold = 5.0;
                state.fleet.put_alarm(theirs);
            });
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::RollbackFailed).await;
            assert_eq!(alarm(scene, BLUE), Some((5.0, 2)));
            assert_eq!(alarm(scene, GREEN), None);
            assert_eq!(board(scene), None);
        },
    );
}

#[test]
fn a_function_that_dies_while_it_makes_an_alarm_makes_it_once() {
    scenario(
        "a-function-that-dies-while-it-makes-an-alarm-makes-it-once",
        "Whether the call was sent or not, the next attempt looks first.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("monitoring", "PutMetricAlarm", CallFate::KillAfter));
                next.push(("monitoring", "PutDashboard", CallFate::KillBefore));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_made(scene);
            let puts = scene.cloud(|state| {
                let calls = state.calls.iter();
                calls.filter(|call| call.operation == "PutMetricAlarm").count()
            });
            assert_eq!(puts, 2);
        },
    );
}

#[test]
fn rollback_by_hand_after_completion_takes_back_what_watches() {
    scenario(
        "rollback-by-hand-after-completion-takes-back-what-watches",
        "The completed deployment's journal has what was there before it.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.cloud(|state| state.fleet.set_retention(GROUP, Some(7)));
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.ends(&id, ExitState::Completed).await;
            scene.wait(300).await;
            let back = scene.stop("olaf", "rollback", &id).await.unwrap();
            scene.ends(&back, ExitState::RolledBack).await;
            assert_eq!(alarm(scene, GREEN), None);
            assert_eq!(board(scene), None);
            assert_eq!(retention(scene), Some(7));
        },
    );
}

#[test]
fn an_alarm_of_the_file_that_fires_already_blocks() {
    scenario(
        "an-alarm-of-the-file-that-fires-already-blocks",
        "It exists from the deployment before, and is about what serves now.",
        async |scene| {
            scene.given(TARGET, 5, &file()).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(1900).await;
            scene.alarm(GREEN, AlarmValue::Alarm);
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

const TEST: &str = "tidegate_test_web_production";
const CHANGED: &str = "CloudWatch Alarm State Change";

/// The alarms, and a test of the way that they take.
fn tested() -> String {
    format!("{}  test: {{timeout: 3m}}\n", file())
}

/// How often the test alarm was set to `ALARM`, and whether it is gone.
fn test_alarm(scene: &Scene) -> (usize, bool) {
    scene.cloud(|state| {
        let calls = state.calls.iter();
        let set = calls.filter(|call| call.operation == "SetAlarmState").count();
        (set, state.fleet.alarm(TEST).is_none())
    })
}

#[test]
fn the_way_of_an_alarm_is_tested_before_traffic_depends_on_it() {
    scenario(
        "the-way-of-an-alarm-is-tested-before-traffic-depends-on-it",
        "An alarm that stands for nothing is set, its event arrives, and it stops nothing.",
        async |scene| {
            scene.given(TARGET, 5, &tested()).await;
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Completed).await;
            assert!(ended.abort.is_none());
            // OK and ALARM, then OK again.
            assert_eq!(test_alarm(scene), (3, true));
        },
    );
}

#[test]
fn an_alarm_that_does_not_arrive_stops_the_deployment() {
    scenario(
        "an-alarm-that-does-not-arrive-stops-the-deployment",
        "EventBridge's rule is off: no alarm would be heard in time, so no traffic moves.",
        async |scene| {
            scene.given(TARGET, 5, &tested()).await;
            scene.cloud(|state| {
                for _ in 0..20 {
                    state.faults.event(CHANGED, EventFate::Dropped);
                }
            });
            scene.push('2', Behaviour::default());
            let ended = scene.runs(TARGET, ExitState::Aborted).await;
            assert!(ended.exit.unwrap().reason.contains("tidegate-alarm-raised"));
            assert!(test_alarm(scene).1);
            assert_gone(scene);
        },
    );
}

#[test]
fn a_test_alarm_whose_event_is_lost_is_set_again() {
    scenario(
        "a-test-alarm-whose-event-is-lost-is-set-again",
        "One lost event is no broken way; the second one arrives, twice, and counts once.",
        async |scene| {
            scene.given(TARGET, 5, &tested()).await;
            scene.cloud(|state| {
                state.faults.event(CHANGED, EventFate::Dropped);
                state.faults.event(CHANGED, EventFate::Doubled);
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert_eq!(test_alarm(scene), (5, true));
        },
    );
}

#[test]
fn a_function_that_dies_in_a_test_leaves_no_alarm_behind() {
    scenario(
        "a-function-that-dies-in-a-test-leaves-no-alarm-behind",
        "Killed after the alarm was set, and again before it is deleted.",
        async |scene| {
            scene.given(TARGET, 5, &tested()).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("monitoring", "SetAlarmState", CallFate::KillAfter));
                next.push(("monitoring", "DeleteAlarms", CallFate::KillBefore));
            });
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            assert!(test_alarm(scene).1);
        },
    );
}

#[test]
fn an_abort_in_mid_test_deletes_the_test_alarm() {
    scenario(
        "an-abort-in-mid-test-deletes-the-test-alarm",
        "Its event is late, and is heard by nobody any more.",
        async |scene| {
            scene.given(TARGET, 5, &tested()).await;
            scene.cloud(|state| state.faults.event(CHANGED, EventFate::Late(120)));
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "has not arrived yet").await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
            assert!(test_alarm(scene).1);
            assert_gone(scene);
        },
    );
}
