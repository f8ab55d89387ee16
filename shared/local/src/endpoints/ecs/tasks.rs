//! Listing, describing, running and stopping tasks.

use serde_json::{Value, json};

use super::super::Fault;
use super::super::args::{Args, without_nulls};
use super::{client, cluster, describe, invalid, missing, required_service, short};
use crate::fleet::{Fleet, NewTask, StopCode, Task};

/// Most tasks of one answer of `ListTasks` and one call of `DescribeTasks`.
const MAX_TASKS: usize = 100;
/// Most tasks that one call of `RunTask` starts.
const MAX_RUN: u32 = 10;
const CODE: &str = "InvalidParameterException";

pub(super) fn list(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let service = match args.filled("serviceName") {
        Some(reference) => Some(required_service(fleet, &cluster, reference)?),
        None => None,
    };
    let running = match args.filled("desiredStatus") {
        None | Some("RUNNING") => true,
        Some("STOPPED") => false,
        Some("PENDING") => return Ok(json!({"taskArns": []})),
        Some(other) => return Err(invalid(format!("Invalid desiredStatus {other}"))),
    };
    let family = args.filled("family");
    let started_by = args.filled("startedBy");
    let matches = |task: &&Task| {
        task.cluster == cluster
            && task.is_wanted() == running
            && service
                .as_ref()
                .is_none_or(|key| task.service.as_ref() == Some(key))
            && started_by.is_none_or(|by| task.started_by.as_deref() == Some(by))
            && family.is_none_or(|family| {
                fleet
                    .task_definition(&task.task_definition)
                    .is_some_and(|definition| definition.family == family)
            })
    };
    let arns: Vec<&str> = fleet
        .tasks
        .values()
        .filter(matches)
        .map(|task| task.arn.as_str())
        .collect();
    let (arns, next) = args.page(arns, "nextToken", "maxResults", MAX_TASKS);
    Ok(without_nulls(json!({"taskArns": arns, "nextToken": next})))
}

/// The ARN of a task that is given by ARN or id.
fn find<'f>(fleet: &'f Fleet, cluster: &str, reference: &str) -> Option<&'f Task> {
    let id = short(reference);
    fleet
        .tasks
        .values()
        .find(|task| task.cluster == cluster && short(&task.arn) == id)
}

pub(super) fn describe(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let asked = args.texts("tasks");
    if asked.is_empty() {
        return Err(invalid("Tasks cannot be empty."));
    }
    if asked.len() > MAX_TASKS {
        return Err(invalid("Too many tasks: at most 100 can be described at once."));
    }
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for reference in asked {
        match find(fleet, &cluster, reference) {
            Some(task) => tasks.push(describe::task(fleet, task)),
            None => failures.push(missing(format!(
                "arn:aws:ecs:{}:{}:task/{cluster}/{}",
                fleet.region,
                fleet.account,
                short(reference)
            ))),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

pub(super) fn run(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let reference = args
        .filled("taskDefinition")
        .ok_or_else(|| invalid("Task definition can not be blank."))?;
    let definition = fleet
        .task_definition(reference)
        .ok_or_else(|| client("TaskDefinition not found."))?;
    if !definition.active {
        return Err(client("TaskDefinition is inactive"));
    }
    let awsvpc = definition.body.get("networkMode").and_then(Value::as_str) == Some("awsvpc");
    if awsvpc && args.structure("networkConfiguration").is_none() {
        return Err(invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    let (arn, family) = (definition.arn.clone(), definition.family.clone());
    let count = args.count("count", 1..=MAX_RUN, CODE)?.unwrap_or(1);
    let started_by = args.owned("startedBy");
    if started_by.as_ref().is_some_and(|by| by.len() > 128) {
        return Err(invalid("startedBy is longer than 128 characters."));
    }
    let token = args
        .filled("clientToken")
        .map(|token| format!("{cluster}/{token}"));
    if let Some(earlier) = token.as_ref().and_then(|token| fleet.run_tokens.get(token)) {
        return repeat(fleet, earlier, args);
    }
    let group = args.owned("group").unwrap_or_else(|| format!("family:{family}"));
    let mut arns = Vec::new();
    for _ in 0..count {
        arns.push(fleet.start_task(NewTask {
            cluster: cluster.clone(),
            service: None,
            group: group.clone(),
            started_by: started_by.clone(),
            task_definition: arn.clone(),
            overrides: args.value("overrides").cloned().unwrap_or(Value::Null),
        }));
    }
    if let Some(token) = token {
        let request = Value::Object(args.members().clone());
        fleet.run_tokens.insert(token, (request, arns.clone()));
    }
    Ok(describe_run(fleet, &arns))
}

/// A call with a token that was used: the same tasks, if it asks for the same.
fn repeat(fleet: &Fleet, earlier: &(Value, Vec<String>), args: Args<'_>) -> Result<Value, Fault> {
    let (request, arns) = earlier;
    if request.as_object() == Some(args.members()) {
        Ok(describe_run(fleet, arns))
    } else {
        Err(Fault::new(
            "ConflictException",
            "The clientToken was used before with other parameters.",
        ))
    }
}

fn describe_run(fleet: &Fleet, arns: &[String]) -> Value {
    let tasks: Vec<Value> = arns
        .iter()
        .filter_map(|arn| fleet.tasks.get(arn))
        .map(|task| describe::task(fleet, task))
        .collect();
    json!({"tasks": tasks, "failures": []})
}

pub(super) fn stop(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let cluster = cluster(fleet, args)?;
    let reference = args
        .filled("task")
        .ok_or_else(|| invalid("Task can not be blank."))?;
    let not_found = || invalid("The referenced task was not found.");
    let arn = find(fleet, &cluster, reference)
        .map(|task| task.arn.clone())
        .ok_or_else(not_found)?;
    let reason = args.filled("reason").unwrap_or("Task stopped by user").to_owned();
    fleet.stop_task(&arn, StopCode::UserInitiated, reason);
    let task = fleet.tasks.get(&arn).ok_or_else(not_found)?;
    Ok(json!({"task": describe::task(fleet, task)}))
}
