//! Which push becomes a deployment.

use tidegate_core::exit::ExitState;
use tidegate_local::faults::EventFate;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::files::{MULTI_REGION, SHORT, digest};

use crate::scenario;

const PUSHED: &str = "ECR Image Action";
const TARGET: &str = "web/production";

#[test]
fn newer_push_waits_for_its_turn() {
    scenario(
        "newer-push-waits-for-its-turn",
        "A push in mid-canary, with the default policy: it waits, and is deployed when the first has ended.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let first = scene.started(TARGET).await;
            scene.at_weight(&first, 20).await;
            scene.push('3', Behaviour::default());
            scene.ends(&first, ExitState::Completed).await;
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn newer_push_supersedes() {
    scenario(
        "newer-push-supersedes",
        "A push in mid-canary, with `onNewerPush: supersede`: the running one goes back, the newer one starts from zero.",
        async |scene| {
            let file = format!("{SHORT}trigger:\n  onNewerPush: supersede\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', Behaviour::default());
            let first = scene.started(TARGET).await;
            scene.at_weight(&first, 20).await;
            scene.push('3', Behaviour::default());
            scene.ends(&first, ExitState::RolledBack).await;
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn older_push_that_comes_late_is_ignored() {
    scenario(
        "older-push-that-comes-late-is-ignored",
        "The event of the older image comes after the newer one: the registry's time decides, not the event's.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.faults.event(PUSHED, EventFate::Late(90)));
            scene.push('2', Behaviour::default());
            scene.stage.wait(3).await;
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn event_delivered_twice_makes_one_deployment() {
    scenario(
        "event-delivered-twice-makes-one-deployment",
        "EventBridge delivers at least once.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.faults.event(PUSHED, EventFate::Doubled));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn lost_push_is_found_by_the_sweep() {
    scenario(
        "lost-push-is-found-by-the-sweep",
        "No event ever came: the sweep asks the registry what it has.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.cloud(|state| state.faults.event(PUSHED, EventFate::Dropped));
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn tag_pushed_again_with_another_image() {
    scenario(
        "tag-pushed-again-with-another-image",
        "The tag moves to another image in mid-canary: what runs is what was planned, by digest; the new image has its turn.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::default());
            let first = scene.started(TARGET).await;
            scene.at_weight(&first, 20).await;
            scene.stage.push("web", "v2", &digest('3'), Behaviour::default());
            scene.ends(&first, ExitState::Completed).await;
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn rolled_back_image_is_in_quarantine() {
    scenario(
        "rolled-back-image-is-in-quarantine",
        "A digest that was rolled back is refused, by event and by hand, until a person lifts that knowingly.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.push('2', Behaviour::failing(5.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            scene.push('2', Behaviour::default());
            scene.wait(180).await;
            assert_eq!(scene.stage.running(TARGET).await, None);
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap_err();
            scene
                .deploy("maria", TARGET, "v2", &["quarantine"])
                .await
                .unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn several_regions_are_refused_for_now() {
    scenario(
        "several-regions-are-refused-for-now",
        "The seeds' file of several regions is understood, and refused with a reason.",
        async |scene| {
            scene.given(TARGET, 5, SHORT).await;
            scene.apply("web/production", MULTI_REGION).await.unwrap_err();
        },
    );
}
