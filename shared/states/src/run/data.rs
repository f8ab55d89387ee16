//! How data flows into and out of a state (AWS page "Processing input and
//! output in Step Functions").

use serde_json::{Map, Value, json};

use crate::execution::{Execution, Visit};
use crate::failure::{Failure, names};
use crate::ids::TaskToken;
use crate::machine::{Effort, Filters};
use crate::path::{Path, Scope};
use crate::template::Template;

/// AWS page "Step Functions service quotas": 256 KiB as UTF-8 for the input and
/// output of a task, a state and an execution.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// The value, unless it is over the payload limit.
pub(super) fn limited(value: Value) -> Result<Value, Failure> {
    let bytes = value.to_string().len();
    if bytes <= MAX_PAYLOAD_BYTES {
        return Ok(value);
    }
    let cause = format!("a payload of {bytes} bytes is over the limit of {MAX_PAYLOAD_BYTES} bytes");
    Err(Failure::new(names::DATA_LIMIT_EXCEEDED, cause))
}

/// The context object (`$$`) of a stay in a state.
pub(super) fn context(execution: &Execution, visit: &Visit, token: Option<&TaskToken>) -> Value {
    let mut context = json!({
        "Execution": {
            "Id": execution.id.arn,
            "Name": execution.id.name,
            "Input": execution.input,
            "StartTime": format!("{:.3}", execution.started),
        },
        "State": {
            "Name": visit.state,
            "EnteredTime": format!("{:.3}", visit.entered),
            "RetryCount": visit.retries,
        },
        "StateMachine": { "Id": execution.id.machine_arn, "Name": execution.id.machine_name() },
    });
    if let (Some(token), Value::Object(fields)) = (token, &mut context) {
        fields.insert("Task".to_owned(), json!({ "Token": token }));
    }
    context
}

/// Applies an `InputPath` or `OutputPath`.
fn filter(path: Option<&Path>, field: &str, data: &Value, context: &Value) -> Result<Value, Failure> {
    let Some(path) = path else {
        return Ok(Value::Object(Map::new()));
    };
    path.get(Scope { data, context })
        .cloned()
        .ok_or_else(|| Failure::runtime(format!("the {field} `{}` leads nowhere in {data}", path.as_str())))
}

/// The effective input: `InputPath`, then `Parameters`.
pub(super) fn effective_input(
    filters: &Filters,
    parameters: Option<&Template>,
    raw: &Value,
    context: &Value,
) -> Result<Value, Failure> {
    let data = filter(filters.input.as_ref(), "InputPath", raw, context)?;
    match parameters {
        None => Ok(data),
        Some(template) => limited(template.evaluate(Scope { data: &data, context })?),
    }
}

/// The output of a state whose result goes through `ResultPath` and
/// `OutputPath`.
pub(super) fn merged_output(
    filters: &Filters,
    result_path: Option<&Path>,
    raw: &Value,
    result: Value,
    context: &Value,
) -> Result<Value, Failure> {
    let merged = put_result(result_path, raw, result)?;
    final_output(filters, &merged, context)
}

/// The output of a state that has no result.
pub(super) fn final_output(filters: &Filters, data: &Value, context: &Value) -> Result<Value, Failure> {
    limited(filter(filters.output.as_ref(), "OutputPath", data, context)?)
}

/// The output of a Task or Parallel state.
pub(super) fn effort_output(
    effort: &Effort,
    raw: &Value,
    result: Value,
    context: &Value,
) -> Result<Value, Failure> {
    let selected = match &effort.result_selector {
        None => result,
        Some(template) => template.evaluate(Scope {
            data: &result,
            context,
        })?,
    };
    merged_output(
        &effort.filters,
        effort.result_path.as_ref(),
        raw,
        selected,
        context,
    )
}

/// Applies a `ResultPath`.
pub(super) fn put_result(path: Option<&Path>, raw: &Value, result: Value) -> Result<Value, Failure> {
    let Some(path) = path else {
        return Ok(raw.clone());
    };
    path.put(raw.clone(), result).ok_or_else(|| {
        let cause = format!(
            "the ResultPath `{}` does not fit the state's input {raw}",
            path.as_str()
        );
        Failure::new(names::RESULT_PATH_MATCH_FAILURE, cause)
    })
}
