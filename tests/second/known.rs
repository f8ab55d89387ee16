//! Where moto's interpreter is known to do otherwise than ours, who is right, and how far such a
//! scenario is compared all the same. Each line is met by a scenario; one that no scenario meets any
//! more fails the suite.
//!
//! What moto can't do at all is put right before it starts, in `moto_server.py`.

use serde_json::{Value, json};

use super::paths::Path;

/// A known difference.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// What differs.
    pub what: &'static str,
    /// Who is right, by what, and what is compared instead; printed with the figures.
    pub reason: &'static str,
}

/// A function's failure in `$.failure`.
pub const CAUSE: Known = Known {
    what: "the Cause of a function's failure",
    reason: "moto is right: it is the whole error payload as text (AWS Lambda Developer Guide, \"Error \
             handling\" with Step Functions); the local cloud gives the message alone, and the message is compared",
};

/// An error name of Step Functions' own in a Fail state.
pub const OWN_NAME: Known = Known {
    what: "a Fail state that ends with States.Timeout by its ErrorPath",
    reason: "moto refuses: a state's own error names must not begin with `States.` (Amazon States Language, \
             \"Errors\"). It is not documented what AWS does; ours passes it on. The scenario is replayed once \
             more with another name in those Fail states",
};

/// `StopExecution` in the middle of a Parallel state.
pub const STOP: Known = Known {
    what: "StopExecution within a Parallel state",
    reason: "ours is right: the execution ends ABORTED at once (StopExecution, API reference); moto goes on \
             waiting for the lanes. The path until then is compared",
};

/// The whole table.
pub const ALL: [&Known; 3] = [&CAUSE, &OWN_NAME, &STOP];

/// The name that stands for `States.Timeout` where moto refuses it.
pub const STAND_IN: &str = "StandIn";

/// The line for a differing input of a task, where the difference is a known one.
pub fn input(ours: &Value, moto: &Value) -> Option<&'static Known> {
    let alike = {
        let mut moto = moto.clone();
        moto["failure"] = ours["failure"].clone();
        moto == *ours
    };
    let (ours, moto) = (&ours["failure"], &moto["failure"]);
    let payload = json!({ "errorType": ours["Error"], "errorMessage": ours["Cause"] });
    let cause = moto["Cause"].as_str().unwrap_or_default();
    let told = serde_json::from_str::<Value>(cause).unwrap_or_default();
    if alike && moto["Error"] == ours["Error"] && told == payload {
        return Some(&CAUSE);
    }
    // A timeout has no cause; ours says in words what the name says already.
    let renamed = ours["Error"] == "States.Timeout" && moto["Error"] == STAND_IN && cause.is_empty();
    (alike && renamed).then_some(&OWN_NAME)
}

/// The line for an end that moto does not come to, where that is a known difference.
pub fn end(ours: &Path, moto: &Path) -> Option<&'static Known> {
    let stopped = ours.status == "ABORTED" && moto.status == "RUNNING";
    (stopped && ours.lanes == moto.lanes).then_some(&STOP)
}

/// Whether moto ended an execution because of an error name that it refuses.
pub fn refuses_name(described: &Value) -> bool {
    let cause = described["cause"].as_str().unwrap_or_default();
    described["error"] == "States.Runtime"
        && cause.contains("Custom Error Names MUST NOT begin with the prefix")
}

/// A definition whose Fail states with an `ErrorPath` end with the stand-in, and nothing else changed.
pub fn with_stand_in(definition: &str) -> String {
    let mut definition: Value = serde_json::from_str(definition).unwrap_or_default();
    rename(&mut definition);
    definition.to_string()
}

fn rename(machine: &mut Value) {
    let states = machine.get_mut("States").and_then(Value::as_object_mut);
    for state in states.into_iter().flat_map(|states| states.values_mut()) {
        if state["Type"] == "Fail"
            && let Some(fields) = state.as_object_mut()
            && fields.remove("ErrorPath").is_some()
        {
            fields.insert("Error".to_owned(), STAND_IN.into());
        }
        let branches = state.get_mut("Branches").and_then(Value::as_array_mut);
        branches.into_iter().flatten().for_each(rename);
    }
}
