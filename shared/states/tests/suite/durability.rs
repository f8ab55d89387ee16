//! An execution that is stored and read back.

use serde_json::{Value, json};
use tidegate_states::{Command, Delivery, Execution};

use crate::world::{World, failed, machine, task, token_task};

/// A run through retries with jitter, waits, branches, tokens and a catch.
fn eventful(restarts: bool) -> World {
    let lane = json!({ "StartAt": "Bake", "States": {
        "Bake": { "Type": "Wait", "Seconds": 5, "Next": "Shift" },
        "Shift": task("shift", json!({
            "Retry": [{ "ErrorEquals": ["Busy"], "IntervalSeconds": 9, "JitterStrategy": "FULL" }], "Next": "Bake",
        })),
    } });
    // The lane has to be able to end: a rule that never holds.
    let lane = with_exit(lane);
    let handle = json!({ "StartAt": "Handle", "States": { "Handle": token_task(json!({ "HeartbeatSeconds": 60, "End": true })) } });
    let states = json!({
        "Rollout": { "Type": "Parallel", "Branches": [lane, handle], "End": true,
            "Catch": [{ "ErrorEquals": ["AlarmRaised"], "Next": "Roll back", "ResultPath": "$.why" }] },
        "Roll back": task("rollback", json!({ "End": true })),
    });
    let mut world = World::start(machine("Rollout", states), json!({ "id": 1.5 }));
    world.restarts = restarts;
    let token = world.called().token.unwrap();
    world.run_to(5);
    world.fail("Busy");
    world.run_to(14);
    world.succeed(json!({ "weight": 5 }));
    world.deliver(Delivery::TokenHeartbeat { token: token.clone() });
    world.run_to(17);
    world.deliver(failed(&token, "AlarmRaised"));
    world.succeed(json!("rolled back"));
    world
}

fn with_exit(mut lane: Value) -> Value {
    lane["States"]["Shift"]["Next"] = json!("Enough?");
    lane["States"]["Enough?"] = json!({
        "Type": "Choice", "Default": "Bake", "Choices": [{ "Variable": "$.weight", "NumericEquals": 100, "Next": "Done" }],
    });
    lane["States"]["Done"] = json!({ "Type": "Succeed" });
    lane
}

#[test]
fn an_execution_read_back_before_every_call_takes_the_same_course() {
    let (straight, restarted) = (eventful(false), eventful(true));
    assert_eq!(straight.execution.output(), Some(&json!("rolled back")));
    assert_eq!(straight.execution.history(), restarted.execution.history());
    assert_eq!(straight.execution, restarted.execution);
}

#[test]
fn calls_that_nobody_answered_are_asked_for_again_after_a_restart() {
    let states = json!({ "T": task("work", json!({ "End": true })) });
    let mut world = World::start(machine("T", states), json!({ "a": 1 }));
    let stored = serde_json::to_string(&world.execution).unwrap();
    let read: Execution = serde_json::from_str(&stored).unwrap();
    assert_eq!(read.outstanding(), world.commands);
    world.succeed(json!(1));
    assert!(world.execution.outstanding().is_empty());
}

#[test]
fn a_token_task_whose_function_has_returned_is_not_asked_for_again() {
    let mut world = World::start(
        machine("T", json!({ "T": token_task(json!({ "End": true })) })),
        json!({}),
    );
    let called = world.called();
    let again = world.execution.outstanding();
    assert!(matches!(again.as_slice(), [Command::Invoke { token, .. }] if *token == called.token));
    world.deliver(Delivery::TaskSucceeded {
        task: called.task,
        output: json!(null),
    });
    assert!(world.execution.outstanding().is_empty());
    // The answer to a call that was made twice around a crash.
    world.deliver(Delivery::TaskSucceeded {
        task: called.task,
        output: json!(null),
    });
    world.deliver(Delivery::TaskFailed {
        task: called.task,
        error: "Busy".to_owned(),
        cause: String::new(),
    });
    assert_eq!(world.execution.open_tokens().len(), 1);
}
