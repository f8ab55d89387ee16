//! Paths, templates, intrinsic functions, Pass, Choice, Succeed and Fail.

use serde_json::{Value, json};
use tidegate_states::{Status, names};

use crate::world::{World, machine, task};

/// The output of a Pass state with these fields.
fn pass(fields: Value, input: Value) -> World {
    let state = crate::world::merge(json!({ "Type": "Pass", "End": true }), fields);
    World::start(machine("P", json!({ "P": state })), input)
}

fn choose(rule: Value, input: Value) -> World {
    let rule = crate::world::merge(rule, json!({ "Next": "Yes" }));
    let states = json!({
        "C": { "Type": "Choice", "Choices": [rule], "Default": "No" },
        "Yes": { "Type": "Pass", "Result": "yes", "End": true },
        "No": { "Type": "Pass", "Result": "no", "End": true },
    });
    World::start(machine("C", states), input)
}

#[test]
fn a_pass_state_gives_its_input_or_its_result() {
    assert_eq!(*pass(json!({}), json!({ "a": 1 })).output(), json!({ "a": 1 }));
    assert_eq!(
        *pass(json!({ "Result": [1] }), json!({ "a": 1 })).output(),
        json!([1])
    );
    assert_eq!(
        *pass(json!({ "Result": 2, "ResultPath": "$.b.c" }), json!({ "a": 1 })).output(),
        json!({ "a": 1, "b": { "c": 2 } })
    );
    assert_eq!(
        *pass(json!({ "Result": 2, "ResultPath": null }), json!({ "a": 1 })).output(),
        json!({ "a": 1 })
    );
}

#[test]
fn paths_select_input_and_output() {
    let input = json!({ "list": [{ "a": 5 }], "odd key": 6 });
    assert_eq!(
        *pass(json!({ "InputPath": "$.list[0].a" }), input.clone()).output(),
        json!(5)
    );
    assert_eq!(
        *pass(json!({ "InputPath": "$['odd key']" }), input.clone()).output(),
        json!(6)
    );
    assert_eq!(
        *pass(json!({ "OutputPath": "$.list[0]" }), input.clone()).output(),
        json!({ "a": 5 })
    );
    assert_eq!(
        *pass(json!({ "InputPath": null }), input.clone()).output(),
        json!({})
    );
    assert_eq!(
        *pass(
            json!({ "Result": 9, "ResultPath": "$.list[0].a", "OutputPath": "$.list" }),
            input
        )
        .output(),
        json!([{ "a": 9 }])
    );
}

#[test]
fn a_result_path_that_does_not_fit_fails_by_its_name() {
    let world = pass(json!({ "Result": 2, "ResultPath": "$.a.b" }), json!({ "a": 1 }));
    assert_eq!(world.execution.error(), Some(names::RESULT_PATH_MATCH_FAILURE));
}

#[test]
fn parameters_take_values_from_input_and_context() {
    let parameters = json!({
        "fixed": "$.a", "a.$": "$.a", "deep": { "list": [{ "n.$": "$$.Execution.Name" }] },
        "machine.$": "$$.StateMachine.Name", "state.$": "$$.State.Name", "since.$": "$$.Execution.StartTime",
        "whole.$": "$$.Execution.Input.a", "tries.$": "$$.State.RetryCount",
    });
    let expected = json!({
        "fixed": "$.a", "a": 1, "deep": { "list": [{ "n": "one" }] }, "machine": "rollout", "state": "P",
        "since": "2026-03-01T12:00:00.000Z", "whole": 1, "tries": 0,
    });
    assert_eq!(
        *pass(json!({ "Parameters": parameters }), json!({ "a": 1 })).output(),
        expected
    );
}

#[test]
fn a_parameter_whose_path_leads_nowhere_fails_by_its_name() {
    let world = pass(json!({ "Parameters": { "x.$": "$.missing" } }), json!({}));
    assert_eq!(world.execution.error(), Some(names::PARAMETER_PATH_FAILURE));
}

#[test]
fn intrinsic_functions_format_and_convert() {
    let parameters = json!({
        "text.$": r"States.Format('{} at {}% \{{}\}, it\'s {}', $.name, 5, true, States.Format('<{}>', null))",
        "json.$": "States.JsonToString($.list)",
        "back.$": "States.StringToJson($.raw)",
    });
    let input = json!({ "name": "web", "list": [1, "a"], "raw": "{\"k\": 2}" });
    let expected =
        json!({ "text": "web at 5% {true}, it's <null>", "json": "[1,\"a\"]", "back": { "k": 2 } });
    assert_eq!(
        *pass(json!({ "Parameters": parameters }), input).output(),
        expected
    );
}

#[test]
fn an_intrinsic_function_that_can_not_be_applied_fails_by_its_name() {
    let bad_text = pass(
        json!({ "Parameters": { "x.$": "States.StringToJson($.raw)" } }),
        json!({ "raw": "{" }),
    );
    assert_eq!(bad_text.execution.error(), Some(names::INTRINSIC_FAILURE));
    let list = pass(
        json!({ "Parameters": { "x.$": "States.Format('{}', $.raw)" } }),
        json!({ "raw": [] }),
    );
    assert_eq!(list.execution.error(), Some(names::INTRINSIC_FAILURE));
}

#[test]
fn a_choice_compares_texts_numbers_and_flags() {
    let input = json!({ "s": "web-prod", "n": 5.0, "b": true, "z": null, "star": "a*b" });
    let cases = [
        (json!({ "Variable": "$.s", "StringEquals": "web-prod" }), true),
        (json!({ "Variable": "$.n", "StringEquals": "5" }), false),
        (json!({ "Variable": "$.s", "StringMatches": "*b-p*d" }), true),
        (json!({ "Variable": "$.s", "StringMatches": "web" }), false),
        (json!({ "Variable": "$.s", "StringMatches": "web*x" }), false),
        (json!({ "Variable": "$.star", "StringMatches": "a\\*b" }), true),
        (json!({ "Variable": "$.s", "StringMatches": "web\\*" }), false),
        (json!({ "Variable": "$.n", "NumericEquals": 5 }), true),
        (json!({ "Variable": "$.n", "NumericGreaterThan": 5 }), false),
        (json!({ "Variable": "$.n", "NumericGreaterThanEquals": 5 }), true),
        (json!({ "Variable": "$.n", "NumericLessThan": 5.5 }), true),
        (json!({ "Variable": "$.n", "NumericLessThanEquals": 4 }), false),
        (json!({ "Variable": "$.b", "BooleanEquals": true }), true),
        (json!({ "Variable": "$.b", "IsString": true }), false),
        (json!({ "Variable": "$.z", "IsNull": true }), true),
        (json!({ "Variable": "$.missing", "IsPresent": false }), true),
        (
            json!({ "Not": { "Variable": "$.b", "BooleanEquals": true } }),
            false,
        ),
        (
            json!({ "And": [{ "Variable": "$.missing", "IsPresent": true }, { "Variable": "$.missing", "IsNull": true }] }),
            false,
        ),
        (
            json!({ "Or": [{ "Variable": "$.b", "BooleanEquals": true }, { "Variable": "$.missing", "IsNull": true }] }),
            true,
        ),
    ];
    for (rule, holds) in cases {
        let expected = if holds { "yes" } else { "no" };
        assert_eq!(
            *choose(rule.clone(), input.clone()).output(),
            json!(expected),
            "{rule}"
        );
    }
}

#[test]
fn a_choice_on_a_missing_variable_fails_as_a_runtime_error() {
    let world = choose(json!({ "Variable": "$.missing", "StringEquals": "x" }), json!({}));
    assert_eq!(world.execution.error(), Some(names::RUNTIME));
}

#[test]
fn a_choice_without_default_and_without_match_fails_by_its_name() {
    let states = json!({
        "C": { "Type": "Choice", "Choices": [{ "Variable": "$.n", "NumericEquals": 1, "Next": "S" }] },
        "S": { "Type": "Succeed" },
    });
    let world = World::start(machine("C", states), json!({ "n": 2 }));
    assert_eq!(world.execution.error(), Some(names::NO_CHOICE_MATCHED));
}

#[test]
fn a_fail_state_fails_with_what_it_says_or_reads() {
    let fixed = machine(
        "F",
        json!({ "F": { "Type": "Fail", "Error": "Broken", "Cause": "worn out" } }),
    );
    let world = World::start(fixed, json!({}));
    assert_eq!(
        (
            world.execution.status(),
            world.execution.error(),
            world.execution.cause()
        ),
        (Status::Failed, Some("Broken"), Some("worn out"))
    );
    let read =
        json!({ "F": { "Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('of {}', $.e)" } });
    let world = World::start(machine("F", read), json!({ "e": "Worn" }));
    assert_eq!(
        (world.execution.error(), world.execution.cause()),
        (Some("Worn"), Some("of Worn"))
    );
}

#[test]
fn a_function_by_arn_gets_the_input_and_its_output_is_the_result() {
    let mut world = World::start(
        machine("T", json!({ "T": task("plan", json!({ "End": true })) })),
        json!({ "a": 1 }),
    );
    let called = world.called();
    assert_eq!(called.payload, json!({ "a": 1 }));
    assert_eq!(
        called.function,
        "arn:aws:lambda:eu-west-1:111122223333:function:plan"
    );
    world.deliver(tidegate_states::Delivery::TaskSucceeded {
        task: called.task,
        output: json!({ "b": 2 }),
    });
    assert_eq!(*world.output(), json!({ "b": 2 }));
    let expected = [
        "ExecutionStarted",
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ];
    assert_eq!(world.events(), expected);
}

#[test]
fn the_invoke_integration_wraps_the_output_for_selector_and_result_path() {
    let state = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": { "FunctionName": "plan", "Payload.$": "$.in" },
        "ResultSelector": { "out.$": "$.Payload.x", "code.$": "$.StatusCode" },
        "ResultPath": "$.result", "End": true,
    });
    let mut world = World::start(machine("T", json!({ "T": state })), json!({ "in": { "y": 1 } }));
    let called = world.called();
    assert_eq!(
        (called.function.as_str(), &called.payload, &called.token),
        ("plan", &json!({ "y": 1 }), &None)
    );
    world.deliver(tidegate_states::Delivery::TaskSucceeded {
        task: called.task,
        output: json!({ "x": 3 }),
    });
    assert_eq!(
        *world.output(),
        json!({ "in": { "y": 1 }, "result": { "out": 3, "code": 200 } })
    );
}

#[test]
fn history_events_follow_one_another_and_take_the_shape_of_the_api() {
    let mut world = World::start(
        machine("T", json!({ "T": task("plan", json!({ "End": true })) })),
        json!({}),
    );
    world.succeed(json!(1));
    let links: Vec<(u64, u64)> = world
        .execution
        .history()
        .iter()
        .map(|event| (event.id, event.previous_id))
        .collect();
    assert_eq!(links, [(1, 0), (2, 0), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6)]);
    let entered = world.execution.history().get(1).unwrap().to_aws();
    let expected = json!({
        "id": 2, "previousEventId": 0, "timestamp": 1_772_366_400.0, "type": "TaskStateEntered",
        "stateEnteredEventDetails": { "name": "T", "input": "{}" },
    });
    assert_eq!(entered, expected);
    let kinds = world
        .execution
        .history()
        .iter()
        .filter_map(|event| event.kind.details());
    let keys: Vec<String> = kinds.map(|(key, _)| key).collect();
    let expected = [
        "executionStartedEventDetails",
        "stateEnteredEventDetails",
        "lambdaFunctionScheduledEventDetails",
        "lambdaFunctionSucceededEventDetails",
        "stateExitedEventDetails",
        "executionSucceededEventDetails",
    ];
    assert_eq!(keys, expected);
}
