//! Operations of EventBridge Scheduler: one-time schedules, made and read.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{Fleet, Schedule};

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "CreateSchedule" => create(fleet, args),
        "GetSchedule" => get(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: &str) -> Fault {
    Fault::new("ValidationException", message).with_status(400)
}

fn arn(fleet: &Fleet, group: &str, name: &str) -> String {
    format!(
        "arn:aws:scheduler:{}:{}:schedule/{group}/{name}",
        fleet.region, fleet.account
    )
}

fn create(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let schedule = read(args)?;
    if schedule.at <= fleet.now() {
        return Err(invalid("Schedule expression is in the past."));
    }
    let key = schedule.key();
    let arn = arn(fleet, &schedule.group, &schedule.name);
    match fleet.schedules.get(&key) {
        // The same request once more.
        Some(held) if *held == schedule => {}
        Some(_) => {
            let message = format!("Schedule {} already exists.", schedule.name);
            return Err(Fault::new("ConflictException", message).with_status(409));
        }
        None => {
            fleet.schedules.insert(key, schedule);
        }
    }
    Ok(json!({ "ScheduleArn": arn }))
}

fn read(args: Args<'_>) -> Result<Schedule, Fault> {
    let text = |args: Args<'_>, name: &str| {
        let missing = || invalid(&format!("1 validation error detected: {name} must not be null"));
        args.filled(name).map(str::to_owned).ok_or_else(missing)
    };
    let name = text(args, "Name")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() > 64 || !name.chars().all(fits) {
        return Err(invalid(
            "Name failed to satisfy constraint: [0-9a-zA-Z-_.]+, at most 64",
        ));
    }
    let expression = text(args, "ScheduleExpression")?;
    let at = expression
        .strip_prefix("at(")
        .and_then(|rest| rest.strip_suffix(')'));
    let at = at.and_then(|at| format!("{at}Z").parse::<Timestamp>().ok());
    let at = at.ok_or_else(|| invalid(&format!("Invalid Schedule Expression {expression}.")))?;
    let target = args
        .structure("Target")
        .ok_or_else(|| invalid("1 validation error detected: target must not be null"))?;
    Ok(Schedule {
        group: args.filled("GroupName").unwrap_or("default").to_owned(),
        name,
        at,
        function: text(target, "Arn")?,
        role: text(target, "RoleArn")?,
        input: target.filled("Input").unwrap_or("{}").to_owned(),
        token: args.filled("ClientToken").unwrap_or_default().to_owned(),
    })
}

fn get(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = args.filled("Name").unwrap_or_default();
    let group = args.filled("groupName").unwrap_or("default");
    let Some(held) = fleet.schedules.get(&format!("{group}/{name}")) else {
        let message = format!("Schedule {name} does not exist.");
        return Err(Fault::new("ResourceNotFoundException", message).with_status(404));
    };
    Ok(json!({
        "Arn": arn(fleet, &held.group, &held.name),
        "GroupName": held.group,
        "Name": held.name,
        "ScheduleExpression": held.expression(),
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "ActionAfterCompletion": "DELETE",
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": { "Arn": held.function, "RoleArn": held.role, "Input": held.input },
    }))
}
