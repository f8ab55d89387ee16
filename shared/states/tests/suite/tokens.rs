//! Tasks that wait for their token.

use serde_json::{Value, json};
use tidegate_states::{Command, DeliverError, Delivery, Status, TaskToken, names};

use crate::world::{World, failed, machine, succeeded, token_task};

fn waiting(fields: Value) -> World {
    World::start(
        machine(
            "T",
            json!({ "T": token_task(crate::world::merge(json!({ "End": true }), fields)) }),
        ),
        json!({}),
    )
}

#[test]
fn only_its_token_ends_the_task_well() {
    let mut world = waiting(json!({}));
    let called = world.called();
    let token = called.token.unwrap();
    assert_eq!(called.payload, json!({ "token": token }));
    assert!(token.as_str().len() >= 32);
    world.deliver(Delivery::TaskSucceeded {
        task: called.task,
        output: json!("asked"),
    });
    assert_eq!(world.execution.status(), Status::Running);
    assert_eq!(world.execution.current_states(), ["T"]);
    world.deliver(succeeded(&token, json!({ "yes": true })));
    assert_eq!(*world.output(), json!({ "yes": true }));
    let expected = [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ];
    assert_eq!(world.events(), expected);
}

#[test]
fn a_token_may_come_back_before_its_function_returns() {
    let mut world = waiting(json!({}));
    let called = world.called();
    world.deliver(succeeded(&called.token.unwrap(), json!(1)));
    assert_eq!(*world.output(), json!(1));
    world.deliver(Delivery::TaskSucceeded {
        task: called.task,
        output: json!("late"),
    });
    assert_eq!(*world.output(), json!(1));
}

#[test]
fn a_failed_call_fails_the_task_and_its_retry_has_a_new_token() {
    let mut world = waiting(json!({ "Retry": [{ "ErrorEquals": ["Lambda.ServiceException"] }] }));
    let called = world.called();
    let old = called.token.unwrap();
    world.deliver(Delivery::TaskFailed {
        task: called.task,
        error: "Lambda.ServiceException".to_owned(),
        cause: String::new(),
    });
    world.run_to(1);
    let new = world.called().token.unwrap();
    assert_ne!(old, new);
    assert_eq!(
        world.try_deliver(succeeded(&old, json!(1))),
        Err(DeliverError::TaskEnded { task: called.task })
    );
    world.deliver(succeeded(&new, json!(2)));
    assert_eq!(*world.output(), json!(2));
}

#[test]
fn a_task_whose_token_never_comes_times_out() {
    let mut world = waiting(json!({ "TimeoutSeconds": 60 }));
    let called = world.called();
    let token = called.token.unwrap();
    world.run_to(60);
    assert_eq!(
        (world.execution.status(), world.execution.error()),
        (Status::Failed, Some(names::TIMEOUT))
    );
    assert_eq!(world.commands, [Command::Cancelled { task: called.task }]);
    assert_eq!(
        world.try_deliver(succeeded(&token, json!(1))),
        Err(DeliverError::TaskEnded { task: called.task })
    );
}

#[test]
fn an_answer_at_the_deadline_is_late_even_if_nobody_has_looked_at_the_clock() {
    let mut world = waiting(json!({ "TimeoutSeconds": 60 }));
    let called = world.called();
    world.oversleep_to(60);
    let before = world.execution.clone();
    assert_eq!(
        world.try_deliver(succeeded(&called.token.unwrap(), json!(1))),
        Err(DeliverError::TaskEnded { task: called.task })
    );
    assert_eq!(world.execution, before, "a refused delivery changes nothing");
    world.tick();
    assert_eq!(world.execution.error(), Some(names::TIMEOUT));
}

#[test]
fn heartbeats_keep_a_task_alive_and_a_missed_one_ends_it() {
    let mut world = waiting(json!({ "HeartbeatSeconds": 10, "TimeoutSeconds": 100 }));
    let token = world.called().token.unwrap();
    world.run_to(9);
    world.deliver(Delivery::TokenHeartbeat { token: token.clone() });
    world.run_to(18);
    assert_eq!(world.execution.status(), Status::Running);
    world.run_to(19);
    assert_eq!(world.execution.error(), Some(names::HEARTBEAT_TIMEOUT));
    assert!(matches!(
        world.try_deliver(Delivery::TokenHeartbeat { token }),
        Err(DeliverError::TaskEnded { .. })
    ));
}

#[test]
fn a_timeout_can_be_read_from_the_input() {
    let states = json!({ "T": token_task(json!({ "TimeoutSecondsPath": "$.limit", "End": true })) });
    let world = World::start(machine("T", states.clone()), json!({ "limit": 5 }));
    assert_eq!(world.wakes_in_millis(), 5_000);
    let world = World::start(machine("T", states), json!({ "limit": 0 }));
    assert_eq!(world.execution.error(), Some(names::RUNTIME));
}

#[test]
fn an_unknown_token_is_told_from_one_that_is_over() {
    let mut world = waiting(json!({}));
    let token = world.called().token.unwrap();
    let strange = TaskToken::new("strange");
    assert!(world.execution.knows_token(&token) && !world.execution.knows_token(&strange));
    assert_eq!(
        world.try_deliver(failed(&strange, "Stop")),
        Err(DeliverError::UnknownToken)
    );
    assert_eq!(world.execution.open_tokens(), [&token]);
    world.deliver(failed(&token, "Stop"));
    assert_eq!(world.execution.error(), Some("Stop"));
    assert!(world.execution.open_tokens().is_empty());
    assert!(matches!(
        world.try_deliver(failed(&token, "Stop")),
        Err(DeliverError::TaskEnded { .. })
    ));
}
