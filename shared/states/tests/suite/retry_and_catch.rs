//! Retry and Catch.

use serde_json::{Value, json};
use tidegate_states::{Delivery, Status, names};

use crate::world::{World, machine, task};

fn with_handlers(retry: Value, catch: Value) -> World {
    let states = json!({
        "T": task("work", json!({ "Retry": retry, "Catch": catch, "End": true })),
        "Caught": { "Type": "Succeed" },
        "Other": { "Type": "Pass", "Result": "other", "End": true },
    });
    let mut states = states;
    // Each test needs only the handlers that it uses: keep what is reachable.
    let used = catch.to_string();
    states
        .as_object_mut()
        .unwrap()
        .retain(|name, _| name == "T" || used.contains(name.as_str()));
    World::start(machine("T", states), json!({ "in": 1 }))
}

#[test]
fn retries_wait_longer_each_time_up_to_the_maximum_delay() {
    let retry = json!([{ "ErrorEquals": ["Busy"], "IntervalSeconds": 2, "BackoffRate": 3.0, "MaxAttempts": 3, "MaxDelaySeconds": 10 }]);
    let mut world = with_handlers(retry, json!([]));
    world.fail("Busy");
    assert_eq!(world.wakes_in_millis(), 2_000);
    world.run_to(1);
    assert!(world.commands.is_empty(), "it is too early for the retry");
    world.run_to(2);
    world.fail("Busy");
    assert_eq!(world.wakes_in_millis(), 2_000 + 6_000);
    world.run_to(8);
    world.fail("Busy");
    assert_eq!(world.wakes_in_millis(), 8_000 + 10_000, "18 s are cut to 10 s");
    world.run_to(18);
    world.fail("Busy");
    assert_eq!(
        (world.execution.status(), world.execution.error()),
        (Status::Failed, Some("Busy"))
    );
}

#[test]
fn a_retry_is_a_new_task_and_counts_as_a_transition() {
    let mut world = with_handlers(json!([{ "ErrorEquals": ["Busy"] }]), json!([]));
    let first = world.called().task;
    world.deliver(Delivery::TaskFailed {
        task: first,
        error: "Busy".to_owned(),
        cause: String::new(),
    });
    world.run_to(1);
    let second = world.called().task;
    assert_ne!(first, second);
    world.deliver(Delivery::TaskSucceeded {
        task: first,
        output: json!("late"),
    });
    assert_eq!(
        world.execution.status(),
        Status::Running,
        "the first task's answer is too late"
    );
    world.deliver(Delivery::TaskSucceeded {
        task: second,
        output: json!("good"),
    });
    assert_eq!(*world.output(), json!("good"));
    assert_eq!(
        world.execution.transitions(),
        4,
        "start, the state, its retry, end"
    );
}

#[test]
fn full_jitter_stays_within_the_delay_and_follows_the_seed() {
    let retry = json!([{ "ErrorEquals": ["States.ALL"], "IntervalSeconds": 8, "BackoffRate": 1.0, "MaxAttempts": 50, "JitterStrategy": "FULL" }]);
    let delays = |seed: u64| -> Vec<i64> {
        let states = json!({ "T": task("work", json!({ "Retry": retry, "End": true })) });
        let mut world = World::start_seeded(machine("T", states), json!({}), seed);
        let mut delays = Vec::new();
        for _ in 0..50 {
            world.fail("Busy");
            let wake = world.execution.next_wake().unwrap();
            delays.push(wake.as_millisecond() - world.now.as_millisecond());
            world.now = wake;
            world.tick();
        }
        delays
    };
    let (one, again, other) = (delays(1), delays(1), delays(2));
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert!(one.iter().all(|delay| (0..=8_000).contains(delay)));
    assert!(
        one.iter().any(|delay| *delay < 2_000) && one.iter().any(|delay| *delay > 6_000),
        "the whole range is used"
    );
}

#[test]
fn each_retrier_counts_its_own_attempts() {
    let retry =
        json!([{ "ErrorEquals": ["A"], "MaxAttempts": 1 }, { "ErrorEquals": ["B"], "MaxAttempts": 1 }]);
    let mut world = with_handlers(retry, json!([]));
    world.fail("A");
    world.run_to(1);
    world.fail("B");
    world.run_to(2);
    world.fail("A");
    assert_eq!(world.execution.status(), Status::Failed);
}

#[test]
fn no_attempts_means_no_retry_even_where_a_later_retrier_would() {
    let retry = json!([{ "ErrorEquals": ["Final"], "MaxAttempts": 0 }, { "ErrorEquals": ["States.ALL"] }]);
    let mut world = with_handlers(retry, json!([]));
    world.fail("Final");
    assert_eq!(world.execution.status(), Status::Failed);
}

#[test]
fn the_first_catcher_that_names_the_error_takes_it() {
    let catch = json!([{ "ErrorEquals": ["Busy"], "Next": "Other" }, { "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    let mut world = with_handlers(json!([]), catch.clone());
    world.fail("Busy");
    assert_eq!(*world.output(), json!("other"));
    let mut world = with_handlers(json!([]), catch);
    world.fail("Strange");
    assert_eq!(*world.output(), json!({ "Error": "Strange", "Cause": "because" }));
}

#[test]
fn a_catcher_puts_the_error_where_its_result_path_says() {
    let catch =
        json!([{ "ErrorEquals": ["States.TaskFailed"], "Next": "Caught", "ResultPath": "$.failure" }]);
    let mut world = with_handlers(json!([]), catch);
    world.fail("Busy");
    assert_eq!(
        *world.output(),
        json!({ "in": 1, "failure": { "Error": "Busy", "Cause": "because" } })
    );
}

#[test]
fn retries_come_before_catchers() {
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    let mut world = with_handlers(json!([{ "ErrorEquals": ["Busy"], "MaxAttempts": 1 }]), catch);
    world.fail("Busy");
    assert_eq!(world.execution.status(), Status::Running);
    world.run_to(1);
    world.fail("Busy");
    assert_eq!(world.execution.status(), Status::Succeeded);
}

#[test]
fn a_timed_out_task_is_caught_as_timeout_and_not_as_task_failed() {
    let states = json!({
        "T": task("work", json!({
            "TimeoutSeconds": 30, "End": true,
            "Catch": [{ "ErrorEquals": ["States.TaskFailed"], "Next": "Wrong" }, { "ErrorEquals": ["States.Timeout"], "Next": "Right" }],
        })),
        "Wrong": { "Type": "Fail" },
        "Right": { "Type": "Succeed" },
    });
    let mut world = World::start(machine("T", states), json!({}));
    let task = world.called().task;
    world.run_to(29);
    assert_eq!(world.execution.status(), Status::Running);
    world.run_to(30);
    assert_eq!(world.execution.status(), Status::Succeeded);
    assert_eq!(world.commands, [tidegate_states::Command::Cancelled { task }]);
    assert!(world.events().contains(&"LambdaFunctionTimedOut".to_owned()));
}

#[test]
fn the_wildcard_takes_neither_runtime_errors_nor_oversized_payloads() {
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    let mut world = with_handlers(json!([]), catch.clone());
    world.succeed(json!("x".repeat(300_000)));
    assert_eq!(world.execution.error(), Some(names::DATA_LIMIT_EXCEEDED));
    let states = json!({
        "T": task("work", json!({ "InputPath": "$.missing", "Catch": catch, "End": true })),
        "Caught": { "Type": "Succeed" },
    });
    let world = World::start(machine("T", states), json!({}));
    assert_eq!(world.execution.error(), Some(names::RUNTIME));
}

#[test]
fn an_oversized_payload_is_caught_by_its_own_name() {
    let catch = json!([{ "ErrorEquals": ["States.DataLimitExceeded"], "Next": "Caught" }]);
    let mut world = with_handlers(json!([]), catch);
    world.succeed(json!("x".repeat(300_000)));
    assert_eq!(world.execution.status(), Status::Succeeded);
}

#[test]
fn a_state_entered_anew_has_all_its_retries_again() {
    let states = json!({
        "T": task("work", json!({
            "Retry": [{ "ErrorEquals": ["Busy"], "MaxAttempts": 1 }],
            "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "T" }], "Next": "S",
        })),
        "S": { "Type": "Succeed" },
    });
    let mut world = World::start(machine("T", states), json!({}));
    world.fail("Busy");
    world.run_to(1);
    world.fail("Busy");
    world.fail("Busy");
    assert!(world.commands.is_empty(), "it waits for its retry");
    assert_eq!(world.wakes_in_millis(), 2_000);
}
