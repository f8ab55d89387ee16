//! Operations of CloudWatch Logs: what tasks wrote.

use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{Fleet, Task};

/// Most events of one answer.
const MAX_EVENTS: u32 = 10_000;

/// Answers an operation.
pub(super) fn answer(fleet: &Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "GetLogEvents" => events(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn events(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (group, stream) = (args.filled("logGroupName"), args.filled("logStreamName"));
    let (Some(group), Some(stream)) = (group, stream) else {
        return Err(Fault::new(
            "InvalidParameterException",
            "1 validation error detected",
        ));
    };
    let missing = || {
        Fault::new(
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        )
    };
    let mut tasks = fleet.tasks.values();
    let task = tasks
        .find(|task| is_of(fleet, task, group, stream))
        .ok_or_else(missing)?;
    let lines = fleet.lines_of(task);
    let limit = args.count("limit", 1..=MAX_EVENTS, "InvalidParameterException")?;
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    let newest = args.truth("startFromHead") != Some(true);
    let skipped = match newest {
        true => lines.len().saturating_sub(limit),
        false => 0,
    };
    let events: Vec<Value> = lines
        .into_iter()
        .skip(skipped)
        .take(limit)
        .map(|(at, line)| {
            json!({
                "timestamp": at.as_millisecond(),
                "ingestionTime": at.as_millisecond(),
                "message": line,
            })
        })
        .collect();
    Ok(json!({ "events": events, "nextForwardToken": "f/0", "nextBackwardToken": "b/0" }))
}

/// Whether a task's container writes to that stream.
fn is_of(fleet: &Fleet, task: &Task, group: &str, stream: &str) -> bool {
    let id = task.arn.rsplit('/').next().unwrap_or_default();
    let Some(definition) = fleet.task_definition(&task.task_definition) else {
        return false;
    };
    let containers = definition
        .body
        .get("containerDefinitions")
        .and_then(Value::as_array);
    containers.into_iter().flatten().any(|container| {
        let options = &container["logConfiguration"]["options"];
        let prefix = options["awslogs-stream-prefix"].as_str().unwrap_or_default();
        let name = container["name"].as_str().unwrap_or_default();
        options["awslogs-group"] == group && format!("{prefix}/{name}/{id}") == stream
    })
}
