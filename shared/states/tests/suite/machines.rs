//! What a drawing or a linter sees of a machine.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use tidegate_states::{EdgeKind, Machine, StateType, substitute};

use crate::world::{machine, task, token_task};

#[test]
fn states_are_listed_from_the_start_with_branches_and_ways_out() {
    let machine = machine(
        "Plan",
        json!({
            "Plan": task("plan", json!({ "Comment": "decides", "Next": "Rollout", "TimeoutSeconds": 5 })),
            "Rollout": { "Type": "Parallel", "Next": "Enough?", "Branches": [
                { "StartAt": "Handle", "States": { "Handle": token_task(json!({ "End": true })) } },
            ], "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Broken" }] },
            "Enough?": { "Type": "Choice", "Default": "Broken", "Choices": [
                { "And": [{ "Variable": "$[0].n", "NumericGreaterThan": 3 }, { "Variable": "$[0].s", "StringEquals": "Done" }], "Next": "Good" },
            ] },
            "Good": { "Type": "Succeed" },
            "Broken": { "Type": "Fail" },
        }),
    );
    let views = machine.states();
    let names: Vec<&str> = views.iter().map(|view| view.name).collect();
    assert_eq!(names, ["Plan", "Rollout", "Handle", "Enough?", "Broken", "Good"]);
    assert_eq!(
        (views[0].comment, views[0].has_timeout, views[0].kind),
        (Some("decides"), true, StateType::Task)
    );
    assert_eq!(views[2].inside, Some(("Rollout", 0)));
    assert_eq!(views[1].branches, ["Handle"]);
    let all = ["States.ALL".to_owned()];
    assert_eq!(views[1].nexts[1].when, EdgeKind::Catch(&all));
    assert_eq!(
        views[3].nexts[0].when,
        EdgeKind::Rule("$[0].n > 3 and $[0].s is Done".to_owned())
    );
    assert_eq!(
        (views[3].nexts[1].to, &views[3].nexts[1].when),
        ("Broken", &EdgeKind::Default)
    );
}

#[test]
fn the_machines_that_are_deployed_are_within_the_subset() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/statemachines");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let definitions: Vec<_> = files
        .filter(|path| path.to_string_lossy().ends_with(".asl.json"))
        .collect();
    assert!(definitions.len() >= 2);
    for path in definitions {
        let text = std::fs::read_to_string(&path).unwrap();
        let names = text
            .split("${")
            .skip(1)
            .map(|after| after.split('}').next().unwrap().to_owned());
        let values: BTreeMap<String, String> =
            names.map(|name| (name.clone(), format!("the-{name}"))).collect();
        let machine = Machine::parse(&substitute(&text, &values).unwrap());
        assert!(machine.is_ok(), "{}: {machine:?}", path.display());
    }
}
