//! Wait states, the execution's own timeout, stops and limits.

use serde_json::{Value, json};
use tidegate_states::{Command, Delivery, MAX_HISTORY_EVENTS, Machine, Status, names};

use crate::world::{World, machine, merge, task};

fn wait(fields: Value, input: Value) -> World {
    let states = json!({ "W": merge(json!({ "Type": "Wait", "End": true }), fields) });
    World::start(machine("W", states), input)
}

#[test]
fn a_wait_lasts_as_long_as_it_says_or_reads() {
    let input = json!({ "s": 45, "at": "2026-03-01T12:01:00Z" });
    let cases = [
        (json!({ "Seconds": 30 }), 30_000),
        (json!({ "SecondsPath": "$.s" }), 45_000),
        (json!({ "Timestamp": "2026-03-01T12:00:20+00:00" }), 20_000),
        (json!({ "TimestampPath": "$.at" }), 60_000),
    ];
    for (fields, millis) in cases {
        let mut world = wait(fields.clone(), input.clone());
        assert_eq!(world.wakes_in_millis(), millis, "{fields}");
        world.run_to(60);
        assert_eq!(*world.output(), input);
    }
}

#[test]
fn a_wait_until_the_past_is_over_at_once() {
    assert_eq!(
        wait(json!({ "Seconds": 0 }), json!({})).execution.status(),
        Status::Succeeded
    );
    let past = wait(
        json!({ "TimestampPath": "$.at" }),
        json!({ "at": "2020-01-01T00:00:00Z" }),
    );
    assert_eq!(past.execution.status(), Status::Succeeded);
}

#[test]
fn a_wait_on_nonsense_fails_as_a_runtime_error() {
    assert_eq!(
        wait(json!({ "SecondsPath": "$.s" }), json!({ "s": -1 }))
            .execution
            .error(),
        Some(names::RUNTIME)
    );
    assert_eq!(
        wait(json!({ "TimestampPath": "$.s" }), json!({ "s": "soon" }))
            .execution
            .error(),
        Some(names::RUNTIME)
    );
}

#[test]
fn a_tick_before_anything_is_due_does_nothing() {
    let mut world = wait(json!({ "Seconds": 30 }), json!({}));
    let before = world.execution.clone();
    world.oversleep_to(29);
    world.tick();
    assert_eq!(world.execution, before);
}

#[test]
fn an_execution_over_its_own_limit_times_out_and_nothing_catches_that() {
    let states = json!({
        "T": task("slow", json!({ "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "S" }], "Next": "S" })),
        "S": { "Type": "Succeed" },
    });
    let definition = json!({ "StartAt": "T", "TimeoutSeconds": 90, "States": states });
    let mut world = World::start(Machine::parse(&definition.to_string()).unwrap(), json!({}));
    let task = world.called().task;
    world.run_to(90);
    assert_eq!(
        (world.execution.status(), world.execution.error()),
        (Status::TimedOut, Some(names::TIMEOUT))
    );
    assert_eq!(world.commands, [Command::Cancelled { task }]);
    assert_eq!(world.events().last().unwrap(), "ExecutionTimedOut");
    assert_eq!(world.execution.next_wake(), None);
}

#[test]
fn a_stopped_execution_stays_as_it_is() {
    let mut world = wait(json!({ "Seconds": 30 }), json!({}));
    world.deliver(Delivery::Stop {
        error: Some("Person".to_owned()),
        cause: Some("by hand".to_owned()),
    });
    assert_eq!(
        (world.execution.status(), world.execution.cause()),
        (Status::Aborted, Some("by hand"))
    );
    let stopped = world.execution.clone();
    world.run_to(60);
    world.tick();
    world.deliver(Delivery::Stop {
        error: None,
        cause: None,
    });
    assert_eq!(world.execution, stopped);
}

#[test]
fn an_endless_loop_is_ended_by_the_limit_of_the_history() {
    let states = json!({
        "C": { "Type": "Choice", "Choices": [{ "Variable": "$.stop", "BooleanEquals": true, "Next": "S" }], "Default": "P" },
        "P": { "Type": "Pass", "Next": "C" },
        "S": { "Type": "Succeed" },
    });
    let world = World::start(machine("C", states), json!({ "stop": false }));
    assert_eq!(
        (world.execution.status(), world.execution.error()),
        (Status::Failed, Some(names::RUNTIME))
    );
    assert_eq!(world.execution.history().len(), MAX_HISTORY_EVENTS);
    assert_eq!(world.events().last().unwrap(), "ExecutionFailed");
}

#[test]
fn an_oversized_input_fails_the_execution_at_once() {
    let world = wait(json!({ "Seconds": 1 }), json!("x".repeat(262_144)));
    assert_eq!(world.execution.error(), Some(names::DATA_LIMIT_EXCEEDED));
    let fits = wait(json!({ "Seconds": 1 }), json!("x".repeat(262_142)));
    assert_eq!(
        fits.execution.status(),
        Status::Running,
        "two quotes and the text are exactly 256 KiB"
    );
}
