//! Parallel states, and the abort handle that is made of one.

use serde_json::{Value, json};
use tidegate_states::{Command, Delivery, Status, names};

use crate::world::{World, failed, machine, merge, succeeded, task, token_task};

/// A lane that waits ten minutes, and a lane that waits for its token.
fn rollout(fields: Value) -> World {
    let parallel = json!({
        "Type": "Parallel", "End": true,
        "Branches": [
            { "StartAt": "Bake", "States": {
                "Bake": { "Type": "Wait", "Seconds": 600, "Next": "Shift" },
                "Shift": task("shift", json!({ "End": true })),
            } },
            { "StartAt": "Abort handle", "States": { "Abort handle": token_task(json!({ "End": true })) } },
        ],
    });
    let states = json!({ "Rollout": merge(parallel, fields), "Roll back": { "Type": "Succeed" } });
    let mut states = states;
    let used = states["Rollout"].to_string();
    states
        .as_object_mut()
        .unwrap()
        .retain(|name, _| name == "Rollout" || used.contains(name.as_str()));
    World::start(machine("Rollout", states), json!({ "id": 1 }))
}

fn caught() -> Value {
    json!({ "Catch": [{ "ErrorEquals": ["AlarmRaised"], "Next": "Roll back", "ResultPath": "$.why" }] })
}

#[test]
fn a_failed_token_ends_the_other_lane_at_once_and_is_caught() {
    let mut world = rollout(caught());
    let handle = world.called();
    assert_eq!(world.execution.current_states(), ["Bake", "Abort handle"]);
    world.run_to(100);
    world.deliver(failed(&handle.token.unwrap(), "AlarmRaised"));
    assert_eq!(
        *world.output(),
        json!({ "id": 1, "why": { "Error": "AlarmRaised", "Cause": "because" } })
    );
    assert_eq!(world.execution.stopped().unwrap(), world.now);
    assert_eq!(world.execution.next_wake(), None);
    let events = world.events();
    let tail = [
        "TaskFailed",
        "WaitStateAborted",
        "ParallelStateFailed",
        "ParallelStateExited",
        "SucceedStateEntered",
    ];
    assert!(
        events.windows(tail.len()).any(|window| window == tail),
        "{events:?}"
    );
}

#[test]
fn a_task_of_the_other_lane_is_reported_as_cancelled_and_its_answer_ignored() {
    let mut world = rollout(caught());
    let token = world.called().token.unwrap();
    world.run_to(600);
    let shift = world.called().task;
    world.deliver(failed(&token, "AlarmRaised"));
    assert_eq!(world.commands, [Command::Cancelled { task: shift }]);
    let history = world.execution.history().len();
    world.deliver(Delivery::TaskSucceeded {
        task: shift,
        output: json!(1),
    });
    assert_eq!(world.execution.history().len(), history);
}

#[test]
fn the_output_is_that_of_each_branch_in_order() {
    let mut world =
        rollout(json!({ "ResultSelector": { "lanes.$": "$" }, "ResultPath": "$.done" , "End": true }));
    let token = world.called().token.unwrap();
    world.deliver(succeeded(&token, json!("handle")));
    assert_eq!(
        world.execution.status(),
        Status::Running,
        "the other lane goes on"
    );
    world.run_to(600);
    world.succeed(json!("shifted"));
    assert_eq!(
        *world.output(),
        json!({ "id": 1, "done": { "lanes": ["shifted", "handle"] } })
    );
    assert_eq!(world.execution.transitions(), 2 + 4);
}

#[test]
fn a_failure_that_nobody_catches_fails_the_execution_with_its_own_name() {
    let mut world = rollout(json!({}));
    let token = world.called().token.unwrap();
    world.deliver(failed(&token, "Strange"));
    assert_eq!(
        (world.execution.status(), world.execution.error()),
        (Status::Failed, Some("Strange"))
    );
}

#[test]
fn a_parallel_state_is_retried_as_a_whole() {
    let mut world = rollout(
        json!({ "Retry": [{ "ErrorEquals": ["States.BranchFailed"], "IntervalSeconds": 5, "MaxAttempts": 1 }] }),
    );
    let first = world.called().token.unwrap();
    world.deliver(failed(&first, "Strange"));
    assert_eq!(
        world.execution.current_states(),
        ["Rollout"],
        "it waits for its retry"
    );
    world.run_to(5);
    let second = world.called().token.unwrap();
    assert_ne!(first, second);
    world.deliver(failed(&second, "Strange"));
    assert_eq!(world.execution.error(), Some("Strange"));
}

#[test]
fn a_failure_deep_inside_reaches_the_outer_catch_and_cancels_everything() {
    let inner = json!({ "Type": "Parallel", "End": true, "Branches": [
        { "StartAt": "Deep", "States": { "Deep": task("deep", json!({ "End": true })) } },
        { "StartAt": "Deep handle", "States": { "Deep handle": token_task(json!({ "End": true })) } },
    ] });
    let outer = json!({ "Type": "Parallel", "End": true, "Branches": [
        { "StartAt": "Inner", "States": { "Inner": inner } },
        { "StartAt": "Side", "States": { "Side": token_task(json!({ "End": true })) } },
    ], "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "S" }] });
    let mut world = World::start(
        machine("Outer", json!({ "Outer": outer, "S": { "Type": "Succeed" } })),
        json!({}),
    );
    let calls = world.all_called();
    let by_function: Vec<&str> = calls
        .iter()
        .map(|call| call.function.rsplit(':').next().unwrap())
        .collect();
    assert_eq!(by_function, ["ask", "deep", "ask"]);
    world.deliver(Delivery::TaskFailed {
        task: calls[1].task,
        error: "Bad".to_owned(),
        cause: "deep".to_owned(),
    });
    assert_eq!(*world.output(), json!({ "Error": "Bad", "Cause": "deep" }));
    let cancelled = [
        Command::Cancelled { task: calls[2].task },
        Command::Cancelled { task: calls[0].task },
    ];
    assert_eq!(world.commands, cancelled);
}

#[test]
fn a_runtime_error_in_a_branch_is_not_caught_around_it() {
    let parallel = json!({ "Type": "Parallel", "End": true, "Branches": [
        { "StartAt": "P", "States": { "P": { "Type": "Pass", "InputPath": "$.missing", "End": true } } },
    ], "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "S" }] });
    let world = World::start(
        machine("Par", json!({ "Par": parallel, "S": { "Type": "Succeed" } })),
        json!({}),
    );
    assert_eq!(world.execution.error(), Some(names::RUNTIME));
}

#[test]
fn a_branch_that_fails_at_once_keeps_its_siblings_from_starting() {
    let parallel = json!({ "Type": "Parallel", "End": true, "Branches": [
        { "StartAt": "F", "States": { "F": { "Type": "Fail", "Error": "No" } } },
        { "StartAt": "T", "States": { "T": task("never", json!({ "End": true })) } },
    ] });
    let world = World::start(machine("Par", json!({ "Par": parallel })), json!({}));
    assert_eq!(world.execution.error(), Some("No"));
    assert!(world.commands.is_empty());
}
