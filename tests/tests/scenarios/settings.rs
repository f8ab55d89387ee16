//! What is changed for the time of a deployment only, and found as it was at every end.

use tidegate_core::exit::ExitState;
use tidegate_local::fleet::{Behaviour, ScalableTarget};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";

const SUSPENDS: &str = "\
prepare:
  suspendAutoscaling: true
";

fn file() -> String {
    format!("{SHORT}{SUSPENDS}")
}

/// Blue scales from 3 to 12 tasks, but not at a time of day; green was never registered.
async fn given(scene: &Scene) {
    scene.given(TARGET, 5, &file()).await;
    scene.cloud(|state| {
        state.fleet.register_scalable("production", "web-blue", 3, 12);
        let fleet = &mut state.fleet;
        fleet.set_scalable("production", "web-blue", |target| {
            target.scheduled_suspended = true
        });
    });
}

fn blue(scene: &Scene) -> ScalableTarget {
    scene.cloud(|state| state.fleet.scalable("production", "web-blue").cloned().unwrap())
}

/// In, out, at a time.
fn suspended(scene: &Scene) -> (bool, bool, bool) {
    let target = blue(scene);
    assert_eq!((target.min, target.max), (3, 12));
    (
        target.in_suspended,
        target.out_suspended,
        target.scheduled_suspended,
    )
}

const ALL: (bool, bool, bool) = (true, true, true);
const AS_IT_WAS: (bool, bool, bool) = (false, false, true);

#[test]
fn autoscaling_rests_while_a_deployment_runs() {
    scenario(
        "autoscaling-rests-while-a-deployment-runs",
        "Suspended before anything else is touched; before the end, exactly what was suspended before is.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            assert_eq!(suspended(scene), ALL);
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(suspended(scene), AS_IT_WAS);
            let green = scene.cloud(|state| state.fleet.scalable("production", "web-green").cloned());
            assert_eq!(green, None);
        },
    );
}

#[test]
fn an_alarm_puts_autoscaling_back_too() {
    scenario(
        "an-alarm-puts-autoscaling-back-too",
        "Traffic first, then the settings.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(suspended(scene), AS_IT_WAS);
        },
    );
}

#[test]
fn autoscaling_that_cannot_be_put_back_is_left_to_a_person() {
    scenario(
        "autoscaling-that-cannot-be-put-back-is-left-to-a-person",
        "The service of the good revision is not taken back for it: its end says what is left to do.",
        async |scene| {
            given(scene).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            scene.at_weight(&id, 20).await;
            // Somebody sets it again and again, for another reason.
            scene.cloud(|state| state.fleet.pin_scalable("production", "web-blue"));
            let ended = scene.ends(&id, ExitState::Completed).await;
            let remedy = ended.exit.and_then(|exit| exit.remedy).unwrap();
            assert!(remedy.contains("autoscaling:web-blue"), "{remedy}");
            assert_eq!(suspended(scene), ALL);
        },
    );
}
