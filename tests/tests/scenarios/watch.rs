//! After completion: alarms are looked at for a while, and nothing holds the target.

use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{AlarmValue, Behaviour};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const ALARM: &str = "web-production-green-error-rate";

/// A deployment that has completed and is watched for an hour.
async fn watched(scene: &Scene, on_alarm: &str, window: &str) -> DeploymentId {
    let rules = format!("watch: {{for: 1h, onAlarm: {on_alarm}}}\nautoRollback: {{window: {window}}}\n");
    scene.given(TARGET, 5, &format!("{SHORT}{rules}")).await;
    scene.push('2', Behaviour::default());
    scene.runs(TARGET, ExitState::Completed).await.id
}

/// Alarms that were told of, and whether the watch is over.
async fn seen(scene: &Scene, id: &DeploymentId) -> (usize, bool) {
    let journal = scene.stage.journal(id).await;
    let count = |is: fn(&Event) -> bool| journal.iter().filter(|entry| is(&entry.event)).count();
    let ended = count(|event| matches!(event, Event::WatchEnded { .. }));
    assert!(ended <= 1);
    (
        count(|event| matches!(event, Event::WatchAlarmed { .. })),
        ended == 1,
    )
}

#[test]
fn a_watch_ends_with_how_it_went() {
    scenario(
        "a-watch-ends-with-how-it-went",
        "An hour without an alarm: errors and response times against those of the deployment.",
        async |scene| {
            let id = watched(scene, "tell", "30m").await;
            scene.wait(3500).await;
            assert_eq!(seen(scene, &id).await, (0, false));
            scene.wait(240).await;
            assert_eq!(seen(scene, &id).await, (0, true));
            let trend = scene.deployment(&id).await.watched.unwrap().trend.unwrap();
            assert!(trend.during.minutes >= 55, "{trend:?}");
            assert_eq!(trend.during.error_rate, Some(0.0));
        },
    );
}

#[test]
fn an_alarm_while_it_is_watched_is_told_once() {
    scenario(
        "an-alarm-while-it-is-watched-is-told-once",
        "Forty minutes after completion, when the old revision is gone: people hear of it, and of its second time not again.",
        async |scene| {
            let id = watched(scene, "tell", "30m").await;
            scene.wait(2400).await;
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.wait(180).await;
            scene.alarm(ALARM, AlarmValue::Ok);
            scene.wait(60).await;
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.wait(300).await;
            assert_eq!(seen(scene, &id).await, (1, false));
            let now = scene.deployment(&id).await;
            assert_eq!(now.exit.unwrap().state, ExitState::Completed);
        },
    );
}

#[test]
fn an_alarm_while_it_is_watched_takes_it_back() {
    scenario(
        "an-alarm-while-it-is-watched-takes-it-back",
        "Ten minutes after completion, while the old revision is warm; the sweep dies as it starts the way back, and the next one does it.",
        async |scene| {
            let id = watched(scene, "rollback", "1h").await;
            scene.wait(600).await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("sweep", "StartExecution", CallFate::KillBefore));
            });
            scene.alarm(ALARM, AlarmValue::Alarm);
            let back = scene.started(TARGET).await;
            let done = scene.ends(&back, ExitState::RolledBack).await;
            assert!(done.exit.unwrap().reason.contains(ALARM));
            scene.wait(120).await;
            assert_eq!(seen(scene, &id).await, (0, true));
        },
    );
}

#[test]
fn an_alarm_after_the_window_takes_nothing_back() {
    scenario(
        "an-alarm-after-the-window-takes-nothing-back",
        "The old revision is gone by then: what is left is to tell, with what can be done.",
        async |scene| {
            let id = watched(scene, "rollback", "10m").await;
            scene.wait(1200).await;
            scene.alarm(ALARM, AlarmValue::Alarm);
            scene.wait(180).await;
            assert_eq!(seen(scene, &id).await, (1, false));
            let target = TARGET.parse().unwrap();
            let (_, all) = scene.heads(&target).await;
            assert_eq!(all.len(), 1);
        },
    );
}

#[test]
fn a_newer_deployment_ends_the_watch_over_the_one_before() {
    scenario(
        "a-newer-deployment-ends-the-watch-over-the-one-before",
        "What serves now is watched, not what served before.",
        async |scene| {
            let id = watched(scene, "tell", "30m").await;
            scene.wait(300).await;
            scene.push('3', Behaviour::default());
            let next = scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(120).await;
            assert_eq!(seen(scene, &id).await, (0, true));
            assert_eq!(seen(scene, &next.id).await, (0, false));
        },
    );
}

#[test]
fn an_alarm_of_another_deployment_is_not_the_watched_ones() {
    scenario(
        "an-alarm-of-another-deployment-is-not-the-watched-ones",
        "The next image fails at a fifth of the traffic and goes back; the one before it goes on being watched.",
        async |scene| {
            let id = watched(scene, "rollback", "1h").await;
            scene.wait(300).await;
            scene.push('3', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            scene.wait(900).await;
            assert_eq!(seen(scene, &id).await, (0, false));
            let target = TARGET.parse().unwrap();
            let (_, all) = scene.heads(&target).await;
            assert_eq!(all.len(), 2);
        },
    );
}
