//! Child executions.

use serde_json::{Value, json};
use tidegate_states::{Command, DeliverError, Delivery, EndedExecution, Ending, Status, TaskId};

use crate::world::{World, epoch, machine};

const CHILD: &str = "arn:aws:states:eu-west-1:111122223333:stateMachine:rollback";

fn parent(parameters: Value) -> World {
    let state = json!({
        "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": parameters,
        "Catch": [{ "ErrorEquals": ["States.TaskFailed"], "Next": "Caught" }], "TimeoutSeconds": 100, "End": true,
    });
    World::start(
        machine(
            "Child",
            json!({ "Child": state, "Caught": { "Type": "Succeed" } }),
        ),
        json!({ "id": 4 }),
    )
}

fn started(world: &mut World) -> (TaskId, String, Value) {
    match world.commands.remove(0) {
        Command::StartExecution {
            task,
            machine_arn,
            name,
            input,
        } => {
            assert_eq!(machine_arn, CHILD);
            (task, name, input)
        }
        other @ (Command::Invoke { .. } | Command::Cancelled { .. }) => {
            panic!("not a start: {other:?}")
        }
    }
}

fn ended(name: &str, ending: Ending) -> EndedExecution {
    EndedExecution {
        arn: "arn:child".to_owned(),
        name: name.to_owned(),
        machine_arn: CHILD.to_owned(),
        input: json!({ "id": 4 }),
        started: epoch(),
        stopped: epoch(),
        ending,
    }
}

#[test]
fn a_child_that_succeeds_gives_its_description_with_parsed_output() {
    let mut world = parent(json!({ "StateMachineArn": CHILD, "Name": "rb-1", "Input": { "id.$": "$.id" } }));
    let (task, name, input) = started(&mut world);
    assert_eq!((name.as_str(), input), ("rb-1", json!({ "id": 4 })));
    world.deliver(Delivery::ExecutionStarted {
        task,
        arn: "arn:child".to_owned(),
    });
    let result = ended(
        "rb-1",
        Ending::Succeeded {
            output: json!({ "state": "RolledBack" }),
        },
    );
    world.deliver(Delivery::ExecutionEnded { task, result });
    let millis = epoch().as_millisecond();
    let expected = json!({
        "ExecutionArn": "arn:child", "Input": { "id": 4 }, "Name": "rb-1", "Output": { "state": "RolledBack" },
        "StartDate": millis, "StateMachineArn": CHILD, "Status": "SUCCEEDED", "StopDate": millis,
    });
    assert_eq!(*world.output(), expected);
    assert!(world.events().contains(&"TaskSubmitted".to_owned()));
}

#[test]
fn a_child_that_fails_is_a_failed_task_whose_cause_describes_it() {
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (task, name, _) = started(&mut world);
    let ending = Ending::TimedOut {
        error: Some("States.Timeout".to_owned()),
        cause: None,
    };
    world.deliver(Delivery::ExecutionEnded {
        task,
        result: ended(&name, ending),
    });
    let caught = world.output();
    assert_eq!(caught["Error"], "States.TaskFailed");
    let cause: Value = serde_json::from_str(caught["Cause"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&cause["Status"], &cause["Error"], &cause["Name"]),
        (&json!("TIMED_OUT"), &json!("States.Timeout"), &json!(name))
    );
}

#[test]
fn a_child_without_a_given_name_is_always_started_under_the_same_one() {
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (_, name, input) = started(&mut world);
    assert_eq!(input, json!({}));
    assert_eq!(name.len(), 36, "it looks like those of AWS");
    let (_, again, _) = started(&mut parent(json!({ "StateMachineArn": CHILD })));
    assert_eq!(name, again);
}

#[test]
fn a_child_is_asked_for_again_until_it_is_reported_as_started() {
    let mut world = parent(json!({ "StateMachineArn": CHILD, "Name": "rb-1" }));
    let first = world.commands.clone();
    assert_eq!(world.execution.outstanding(), first);
    let (task, _, _) = started(&mut world);
    world.deliver(Delivery::ExecutionStarted {
        task,
        arn: "arn:child".to_owned(),
    });
    assert!(world.execution.outstanding().is_empty());
    assert_eq!(world.execution.running_children(), [(task, CHILD, "rb-1")]);
}

#[test]
fn a_child_is_cancelled_when_its_parent_is_stopped_or_tired_of_waiting() {
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (task, _, _) = started(&mut world);
    world.deliver(Delivery::Stop {
        error: Some("Operator".to_owned()),
        cause: None,
    });
    assert_eq!(
        (world.execution.status(), world.execution.error()),
        (Status::Aborted, Some("Operator"))
    );
    assert_eq!(world.commands, [Command::Cancelled { task }]);
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (task, _, _) = started(&mut world);
    world.run_to(100);
    assert_eq!(world.commands, [Command::Cancelled { task }]);
}

#[test]
fn a_child_that_can_not_be_started_fails_the_task() {
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (task, _, _) = started(&mut world);
    let error = "StepFunctions.ExecutionAlreadyExistsException".to_owned();
    world.deliver(Delivery::TaskFailed {
        task,
        error: error.clone(),
        cause: String::new(),
    });
    assert_eq!(world.output()["Error"], error);
}

#[test]
fn an_answer_of_the_wrong_kind_is_refused() {
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (task, _, _) = started(&mut world);
    let answer = Delivery::TaskSucceeded {
        task,
        output: json!(1),
    };
    assert_eq!(world.try_deliver(answer), Err(DeliverError::WrongAnswer { task }));
}

#[test]
fn an_execution_that_has_ended_reports_itself_to_its_parent() {
    let mut child = World::start(
        machine("S", json!({ "S": { "Type": "Succeed" } })),
        json!({ "id": 4 }),
    );
    let mut world = parent(json!({ "StateMachineArn": CHILD }));
    let (task, _, _) = started(&mut world);
    child.run_to(1);
    world.deliver(Delivery::ExecutionEnded {
        task,
        result: child.execution.ended().unwrap(),
    });
    assert_eq!(world.output()["Output"], json!({ "id": 4 }));
}
