//! What is refused at load, and how the refusal is worded.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_states::{Machine, substitute};

use crate::world::{merge, task, token_task};

fn refusal(definition: &Value) -> String {
    Machine::parse(&definition.to_string())
        .expect_err("the definition is refused")
        .to_string()
}

/// The refusal of a machine with the one state `T`.
fn refused(state: Value) -> String {
    refusal(&json!({ "StartAt": "T", "States": { "T": state } }))
}

/// The refusal of a function's task with these fields.
fn refused_task(fields: Value) -> String {
    refused(task("work", merge(json!({ "End": true }), fields)))
}

#[test]
fn an_unknown_field_is_named_with_its_state() {
    assert_eq!(
        refused_task(json!({ "TimeoutSecond": 5 })),
        "state `T`: field `TimeoutSecond` is not supported here"
    );
    assert_eq!(
        refusal(&json!({ "StartAt": "T", "Sates": 1, "States": { "T": { "Type": "Succeed" } } })),
        "the machine: field `Sates` is not supported here"
    );
    let retry = json!({ "Retry": [{ "ErrorEquals": ["A"], "Interval": 1 }] });
    assert_eq!(
        refused_task(retry),
        "state `T`: field `Retry[0].Interval` is not supported here"
    );
}

#[test]
fn fields_of_other_states_and_of_the_rest_of_the_language_are_refused() {
    assert!(refused(json!({ "Type": "Map", "End": true })).contains("`Type` must be Task"));
    assert!(
        refused(json!({ "Type": "Pass", "Retry": [], "End": true })).contains("`Retry` is not supported")
    );
    assert!(
        refused(json!({ "Type": "Pass", "Assign": {}, "End": true })).contains("`Assign` is not supported")
    );
    assert!(refused(json!({ "Type": "Succeed", "End": true })).contains("`End` is not supported"));
    assert!(
        refused_task(json!({ "HeartbeatSecondsPath": "$.a" }))
            .contains("`HeartbeatSecondsPath` is not supported")
    );
    let jsonata =
        json!({ "QueryLanguage": "JSONata", "StartAt": "T", "States": { "T": { "Type": "Succeed" } } });
    assert!(refusal(&jsonata).contains("must be \"JSONPath\""));
    let rule = json!({ "Variable": "$.a", "StringLessThan": "x", "Next": "T" });
    assert!(refused(json!({ "Type": "Choice", "Choices": [rule] })).contains("must be compared by one of"));
}

#[test]
fn ways_must_lead_to_states_of_the_same_level() {
    assert_eq!(
        refused(json!({ "Type": "Pass", "Next": "Gone" })),
        "state `T`: field `Next` leads to `Gone`, which is not a state there"
    );
    assert!(
        refusal(&json!({ "StartAt": "Gone", "States": { "T": { "Type": "Succeed" } } }))
            .contains("the machine: field `StartAt` leads to `Gone`")
    );
    assert!(
        refused_task(json!({ "Catch": [{ "ErrorEquals": ["A"], "Next": "Gone" }] }))
            .contains("`Catch` leads to `Gone`")
    );
    let choice = json!({ "Type": "Choice", "Default": "Gone", "Choices": [{ "Variable": "$.a", "IsNull": true, "Next": "T" }] });
    assert!(refused(choice).contains("`Default` leads to `Gone`"));
    let out_of_branch = json!({ "StartAt": "Par", "States": {
        "Par": { "Type": "Parallel", "Next": "S", "Branches": [{ "StartAt": "P", "States": { "P": { "Type": "Pass", "Next": "S" } } }] },
        "S": { "Type": "Succeed" },
    } });
    assert!(refusal(&out_of_branch).contains("state `P`: field `Next` leads to `S`"));
}

#[test]
fn every_state_must_be_reached_and_reach_an_end() {
    let stranded =
        json!({ "StartAt": "A", "States": { "A": { "Type": "Succeed" }, "B": { "Type": "Succeed" } } });
    assert_eq!(refusal(&stranded), "state `B`: no way leads here from the start");
    let endless = json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "Next": "A" } } });
    assert_eq!(refusal(&endless), "state `A`: no way leads from here to an end");
    assert!(refused(json!({ "Type": "Pass" })).contains("`Next` is missing"));
    assert!(
        refused(json!({ "Type": "Pass", "Next": "T", "End": true }))
            .contains("`End` can't stand beside Next")
    );
}

#[test]
fn names_are_unique_in_the_whole_machine_and_not_too_long() {
    let twice = json!({ "StartAt": "Par", "States": {
        "Par": { "Type": "Parallel", "End": true, "Branches": [{ "StartAt": "Par", "States": { "Par": { "Type": "Succeed" } } }] },
    } });
    assert!(refusal(&twice).contains("another state of this machine has the same name"));
    let long = "x".repeat(81);
    assert!(
        refusal(&json!({ "StartAt": long, "States": { &long: { "Type": "Succeed" } } }))
            .contains("longer than 80")
    );
    let same_key = r#"{ "StartAt": "A", "States": { "A": { "Type": "Succeed" }, "A": { "Type": "Fail" } } }"#;
    let error = Machine::parse(same_key).unwrap_err();
    assert!(
        std::error::Error::source(&error)
            .unwrap()
            .to_string()
            .contains("key `A` stands twice")
    );
}

#[test]
fn error_names_of_handlers_must_make_sense() {
    let retry = |entries: Value| refused_task(json!({ "Retry": entries }));
    assert!(
        retry(json!([{ "ErrorEquals": ["States.ALL", "A"] }]))
            .contains("must stand alone and in the last entry")
    );
    assert!(
        retry(json!([{ "ErrorEquals": ["States.ALL"] }, { "ErrorEquals": ["A"] }]))
            .contains("`Retry[0].ErrorEquals` names States.ALL")
    );
    assert!(retry(json!([{ "ErrorEquals": ["States.Timeouts"] }])).contains("not a reserved name"));
    assert!(retry(json!([{ "ErrorEquals": ["States.Runtime"] }])).contains("which nothing can catch"));
    assert!(retry(json!([{ "ErrorEquals": [] }])).contains("at least one name"));
    assert!(retry(json!([{}])).contains("`Retry[0].ErrorEquals` is missing"));
}

#[test]
fn numbers_of_retriers_and_timeouts_have_bounds() {
    let retry = |field: &str, value: Value| {
        refused_task(json!({ "Retry": [{ "ErrorEquals": ["A"], field: value }] }))
    };
    assert!(retry("BackoffRate", json!(0.5)).contains("at least 1"));
    assert!(retry("IntervalSeconds", json!(0)).contains("whole number from 1"));
    assert!(retry("MaxAttempts", json!(-1)).contains("whole number from 0"));
    assert!(retry("MaxDelaySeconds", json!(1)).contains("more than IntervalSeconds"));
    assert!(retry("JitterStrategy", json!("SOME")).contains("FULL or NONE"));
    assert!(refused_task(json!({ "TimeoutSeconds": 0 })).contains("whole number from 1"));
    assert!(
        refused_task(json!({ "TimeoutSeconds": 1, "TimeoutSecondsPath": "$.a" }))
            .contains("can't stand beside")
    );
    assert!(
        refused(token_task(
            json!({ "HeartbeatSeconds": 9, "TimeoutSeconds": 9, "End": true })
        ))
        .contains("less than TimeoutSeconds")
    );
    assert!(refused_task(json!({ "HeartbeatSeconds": 9 })).contains("needs a .waitForTaskToken task"));
    assert!(refused(json!({ "Type": "Wait", "End": true })).contains("only one of them"));
    assert!(
        refused(json!({ "Type": "Wait", "Seconds": 1, "SecondsPath": "$.a", "End": true }))
            .contains("only one of them")
    );
}

#[test]
fn paths_and_expressions_are_checked() {
    let input_path = |path: &str| refused_task(json!({ "InputPath": path }));
    for path in [
        "a",
        "$.",
        "$..a",
        "$.a[*]",
        "$.a[?(@.b)]",
        "$.a[0:2]",
        "$.a[0",
        "$a",
        "$$.Execution.RoleArn",
        "$$",
        "$$.Task.Token",
    ] {
        assert!(input_path(path).contains("`InputPath`"), "{path}");
    }
    let parameter = |text: &str| refused_task(json!({ "Parameters": { "x.$": text } }));
    for text in [
        "States.UUID()",
        "States.Format('{}')",
        "States.Format('{', 1)",
        "States.Format($.a)",
        "States.JsonToString($.a, 1)",
        "States.Format('{}', $.a",
        "States.JsonToString(a)",
        "plain",
        "States.Format('x') y",
        "States.Format('x",
    ] {
        assert!(parameter(text).contains("`Parameters`"), "{text}");
    }
    assert!(refused_task(json!({ "Parameters": { "x.$": 1 } })).contains("not a string"));
    assert!(refused_task(json!({ "Parameters": { "x.$": "$.a", "x": 1 } })).contains("twice"));
    assert!(parameter("$$.Task.Token").contains("reads the task token"));
    assert!(refused_task(json!({ "ResultPath": "$$.State" })).contains("`ResultPath`"));
}

#[test]
fn integrations_take_their_own_parameters_only() {
    let invoke = |resource: &str, parameters: Value| {
        refused(
            json!({ "Type": "Task", "Resource": format!("arn:aws:states:::{resource}"), "Parameters": parameters, "End": true }),
        )
    };
    assert!(
        invoke("lambda:invoke", json!({ "Payload": {} })).contains("`Parameters.FunctionName` is missing")
    );
    assert!(
        invoke("lambda:invoke", json!({ "FunctionName": "f", "Qualifier": "1" }))
            .contains("`Parameters.Qualifier` is not supported")
    );
    assert!(
        invoke("lambda:invoke.waitForTaskToken", json!({ "FunctionName": "f" }))
            .contains("must hand out $$.Task.Token")
    );
    assert!(
        invoke("states:startExecution.sync:2", json!({ "Input": {} }))
            .contains("`Parameters.StateMachineArn` is missing")
    );
    assert!(invoke("sns:publish", json!({})).contains("`Resource` must be"));
    assert!(
        refused(json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true }))
            .contains("`Parameters` is missing")
    );
}

#[test]
fn substitutions_are_filled_in_and_unknown_ones_refused() {
    let values = BTreeMap::from([
        ("Arn".to_owned(), "arn:x".to_owned()),
        ("Unused".to_owned(), String::new()),
    ]);
    assert_eq!(
        substitute(r#"{"a": "${Arn}/${Arn}", "p": "$.x $"}"#, &values).unwrap(),
        r#"{"a": "arn:x/arn:x", "p": "$.x $"}"#
    );
    assert!(
        substitute("${Other}", &values)
            .unwrap_err()
            .to_string()
            .contains("`${Other}`")
    );
    assert!(
        substitute("ab${Arn", &values)
            .unwrap_err()
            .to_string()
            .contains("at byte 2")
    );
    assert!(substitute("${}", &values).is_err());
}

#[test]
fn nothing_panics_on_mutilated_definitions() {
    let whole = json!({ "StartAt": "Par", "States": {
        "Par": { "Type": "Parallel", "End": true, "ResultSelector": { "a.$": "States.Format('ä{}', $[0])" }, "Branches": [
            { "StartAt": "T", "States": { "T": token_task(json!({ "End": true, "Retry": [{ "ErrorEquals": ["States.ALL"] }] })) } },
        ] },
    } })
    .to_string();
    assert!(Machine::parse(&whole).is_ok());
    for cut in (0..whole.len()).filter(|cut| whole.is_char_boundary(*cut)) {
        assert!(Machine::parse(&whole[..cut]).is_err());
        let (head, tail) = whole.split_at(cut);
        let skipped: String = tail.chars().skip(1).collect();
        // Whether it is refused depends on the character that is missing.
        let _ = Machine::parse(&format!("{head}{skipped}"));
    }
    assert!(Machine::parse(&"[".repeat(100_000)).is_err());
}
