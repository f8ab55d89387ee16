//! Where moto's interpreter is known to do otherwise than ours, who is right, and how far such a
//! scenario is compared all the same. Each line is met by a scenario; one that no scenario meets any
//! more fails the suite.
//!
//! What moto can't do at all is put right before it starts, in `moto_server.py`.

use serde_json::Value;

use super::paths::Path;

/// A known difference.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// What differs.
    pub what: &'static str,
    /// Who is right, by what, and what is compared instead; printed with the figures.
    pub reason: &'static str,
}

/// `StopExecution` in the middle of a Parallel state.
pub const STOP: Known = Known {
    what: "StopExecution within a Parallel state",
    reason: "ours is right: the execution ends ABORTED at once (StopExecution, API reference); moto goes on \
             waiting for the lanes. The path until then is compared",
};

/// The whole table.
pub const ALL: [&Known; 1] = [&STOP];

/// Whether two inputs of a task are the same. A function's failure is in them as the text of its
/// payload, whose order and spaces say nothing.
pub fn alike(ours: &Value, moto: &Value) -> bool {
    let with_payload = |input: &Value| {
        let mut input = input.clone();
        let text = input["failure"]["Cause"].as_str();
        if let Some(payload) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            input["failure"]["Cause"] = payload;
        }
        input
    };
    with_payload(ours) == with_payload(moto)
}

/// The line for an end that moto does not come to, where that is a known difference.
pub fn end(ours: &Path, moto: &Path) -> Option<&'static Known> {
    let stopped = ours.status == "ABORTED" && moto.status == "RUNNING";
    (stopped && ours.lanes == moto.lanes).then_some(&STOP)
}
