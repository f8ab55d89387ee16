//! Operations of Lambda on functions of the users.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::args::Args;
use super::{Call, Fault, Service};
use crate::fleet::{Fleet, FunctionAnswer, UserFunction};

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    let name = args.text("FunctionName").unwrap_or_default();
    let missing = || {
        let message = format!(
            "Function not found: arn:aws:lambda:{}:{}:function:{name}",
            fleet.region, fleet.account
        );
        Fault::new("ResourceNotFoundException", message).with_status(404)
    };
    let qualifier = args.text("Qualifier");
    let known = fleet.functions.get(name).is_some_and(|held| held.has(qualifier));
    if !known {
        return Err(missing());
    }
    let arn = format!(
        "arn:aws:lambda:{}:{}:function:{name}",
        fleet.region, fleet.account
    );
    let function = fleet.functions.get_mut(name).ok_or_else(Fault::internal)?;
    match operation {
        "GetFunctionConfiguration" => Ok(json!({
            "FunctionName": name,
            "FunctionArn": arn,
            "MemorySize": function.memory_mb,
            "Timeout": 60,
        })),
        "Invoke" => invoke(function, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

/// Seconds until a call is answered: what the function takes.
pub(crate) fn seconds_of(fleet: &Fleet, call: &Call) -> u32 {
    if call.service != Service::Lambda || call.operation != "Invoke" {
        return 0;
    }
    let input = call.input().unwrap_or_default();
    let name = input.get("FunctionName").and_then(Value::as_str);
    let function = name.and_then(|name| fleet.functions.get(name));
    function.map_or(0, |function| function.seconds)
}

fn invoke(function: &mut UserFunction, args: Args<'_>) -> Result<Value, Fault> {
    let payload = args.text("Payload").unwrap_or_default();
    let payload = serde_json::from_str(payload).map_err(|_| {
        Fault::new(
            "InvalidRequestContentException",
            "Could not parse request body into json",
        )
    })?;
    let log = log(function);
    let answer = match function.take(payload) {
        FunctionAnswer::Returns(text) => json!({ "Payload": text }),
        FunctionAnswer::Fails(kind, message) => json!({
            "Payload": json!({ "errorType": kind, "errorMessage": message }).to_string(),
            "FunctionError": "Unhandled",
        }),
        FunctionAnswer::Throttled => {
            return Err(Fault::new("TooManyRequestsException", "Rate Exceeded.").with_status(429));
        }
    };
    let mut answer = answer;
    if args.text("LogType") == Some("Tail") {
        answer["LogResult"] = json!(STANDARD.encode(log));
    }
    Ok(answer)
}

/// Its lines between those of Lambda, of which the last is what it is paid by.
fn log(function: &UserFunction) -> String {
    let id = "8f507cfc-5f2f-4d5e-9c4b-000000000000";
    let mut lines = vec![format!("START RequestId: {id} Version: $LATEST")];
    lines.extend(function.lines.iter().cloned());
    lines.push(format!("END RequestId: {id}"));
    let ms = u64::from(function.seconds) * 1000;
    lines.push(format!(
        "REPORT RequestId: {id}\tDuration: {ms}.00 ms\tBilled Duration: {ms} ms\tMemory Size: {} MB\tMax Memory Used: 40 MB",
        function.memory_mb
    ));
    lines.join("\n")
}
