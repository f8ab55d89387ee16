//! Operations of CloudWatch Logs: what tasks wrote, and how long it is kept.

use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{Fleet, Task};

/// Most events of one answer.
const MAX_EVENTS: u32 = 10_000;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "GetLogEvents" => events(fleet, args),
        "DescribeLogGroups" => groups(fleet, args),
        "PutRetentionPolicy" => keep(fleet, args),
        "DeleteRetentionPolicy" => keep_for_ever(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

/// What `PutRetentionPolicy` takes, days (its API reference).
const RETENTION: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

fn groups(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let prefix = args.filled("logGroupNamePrefix").unwrap_or_default();
    let found = fleet
        .log_groups()
        .into_iter()
        .filter(|name| name.starts_with(prefix));
    let written: Vec<Value> = found.map(|name| write_group(fleet, name)).collect();
    let (written, next) = args.page(written, "nextToken", "limit", 50);
    let mut answer = json!({ "logGroups": written });
    if let (Some(next), Some(members)) = (next, answer.as_object_mut()) {
        members.insert("nextToken".to_owned(), next.into());
    }
    Ok(answer)
}

fn write_group(fleet: &Fleet, name: &str) -> Value {
    let (region, account) = (&fleet.region, &fleet.account);
    let mut group = json!({
        "logGroupName": name,
        "arn": format!("arn:aws:logs:{region}:{account}:log-group:{name}:*"),
        "creationTime": 0,
        "storedBytes": 0,
    });
    if let (Some(days), Some(members)) = (fleet.retention(name), group.as_object_mut()) {
        members.insert("retentionInDays".to_owned(), days.into());
    }
    group
}

/// The group that a call names.
fn known(fleet: &Fleet, args: Args<'_>) -> Result<String, Fault> {
    let name = args.filled("logGroupName").unwrap_or_default();
    match fleet.log_groups().contains(name) {
        true => Ok(name.to_owned()),
        false => Err(Fault::new(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        )),
    }
}

fn keep(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let group = known(fleet, args)?;
    let days = args.count("retentionInDays", 1..=3653, "InvalidParameterException")?;
    let days = days
        .filter(|days| RETENTION.contains(days))
        .ok_or_else(|| Fault::new("InvalidParameterException", "Invalid retention value."))?;
    fleet.set_retention(&group, Some(days));
    Ok(json!({}))
}

fn keep_for_ever(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let group = known(fleet, args)?;
    fleet.set_retention(&group, None);
    Ok(json!({}))
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
