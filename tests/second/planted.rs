//! Differences that are put there, to see that they are found: moto gets a definition that is not the
//! one that our interpreter ran.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::exit::ExitState;
use tidegate_local::endpoints::Fault;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::files::SHORT;
use tidegate_tests::{Scene, play_once};

use super::{LIMIT, moto, recording, replay};

const TARGET: &str = "web/production";

/// What is never asked for is waited for in vain; a slower machine only finds the same later.
const PLANTED_LIMIT: Duration = Duration::from_secs(3);

async fn completes(scene: &Scene) {
    scene.given(TARGET, 5, SHORT).await;
    scene.push('2', Behaviour::default());
    scene.runs(TARGET, ExitState::Completed).await;
}

async fn rolls_back(scene: &Scene) {
    scene.given(TARGET, 5, SHORT).await;
    scene.push('2', Behaviour::failing(5.0, 20));
    scene.runs(TARGET, ExitState::RolledBack).await;
}

async fn is_throttled(scene: &Scene) {
    scene.given(TARGET, 5, SHORT).await;
    scene.cloud(|state| state.faults.fail("UpdateService", Fault::throttling(), 8));
    scene.push('2', Behaviour::default());
    scene.runs(TARGET, ExitState::Completed).await;
}

/// Replays a story on machines of which one has something else in one place; what is found.
fn found(story: impl AsyncFn(&Scene), place: &str, other: &Value, limit: Duration) -> Option<String> {
    let moto = moto()?;
    let runs = play_once(story, |state| recording::record(&state.engine));
    let plant = |definition: &str| {
        let mut definition: Value = serde_json::from_str(definition).unwrap();
        if let Some(held) = definition.pointer_mut(place) {
            assert_ne!(held, other, "nothing was planted");
            *held = other.clone();
        }
        definition.to_string()
    };
    Some(replay(moto, &runs, limit, plant).differences.join("\n"))
}

fn finds(story: impl AsyncFn(&Scene), place: &str, other: &Value, told: &str) {
    let Some(found) = found(story, place, other, PLANTED_LIMIT) else {
        return;
    };
    assert!(found.contains(told), "not found; but:\n{found}");
}

#[test]
fn a_planted_next_is_found() {
    finds(
        completes,
        "/States/Roll out/Branches/0/States/Shift done?/Choices/0/Next",
        &json!("Complete"),
        "ours: Validate > Validate done? > Complete",
    );
}

#[test]
fn a_planted_catch_is_found() {
    finds(
        rolls_back,
        "/States/Roll out/Catch/0/ErrorEquals",
        &json!(["States.Timeout"]),
        "ours: Roll back > How it ended > Rolled back\n    moto: (nothing more)",
    );
}

#[test]
fn a_planted_retry_is_found() {
    finds(
        is_throttled,
        "/States/Roll out/Branches/0/States/Shift/Retry/1/ErrorEquals",
        &json!(["Transient"]),
        "moto: Roll back",
    );
}

#[test]
fn a_planted_input_is_found() {
    finds(
        rolls_back,
        "/States/Restore/Parameters/Payload/step",
        &json!("reassert"),
        "Restore calls rollback with another input",
    );
}

#[test]
fn a_planted_wait_is_found() {
    finds(
        completes,
        "/States/Roll out/Branches/0/States/Wait in shift/Next",
        &json!("Prepare"),
        "moto: Prepare",
    );
}

#[test]
fn nothing_is_found_where_nothing_was_planted() {
    let found = found(completes, "/nowhere", &Value::Null, LIMIT);
    assert_eq!(found.unwrap_or_default(), "");
}
