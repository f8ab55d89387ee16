//! Operations of CloudFormation, as far as stacks are updated by change sets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Fault;
use super::args::{Args, without_nulls};
use crate::fleet::{ChangeSet, Fleet, SET_BY_HAND, Stack, StackEvent};

/// Most events of one answer.
const PAGE: usize = 100;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    fleet.settle_stacks();
    match operation {
        "DescribeStacks" => describe_stacks(fleet, args),
        "DescribeStackEvents" => describe_events(fleet, args),
        "GetTemplate" => Ok(json!({ "TemplateBody": stack(fleet, args)?.1.template })),
        "GetTemplateSummary" => summary(fleet, args),
        "CreateChangeSet" => create(fleet, args),
        "DescribeChangeSet" => describe_change_set(fleet, args),
        "ExecuteChangeSet" => execute(fleet, args),
        "CancelUpdateStack" => cancel(fleet, args),
        "DetectStackDrift" => detect_drift(fleet, args),
        "DescribeStackDriftDetectionStatus" => describe_detection(fleet, args),
        "DescribeStackResourceDrifts" => describe_drifts(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

fn named<'a>(args: Args<'a>) -> Result<&'a str, Fault> {
    let name = args
        .filled("StackName")
        .ok_or_else(|| invalid("StackName is missing"))?;
    Ok(match name.strip_prefix("arn:") {
        Some(arn) => arn.split('/').nth(1).unwrap_or(name),
        None => name,
    })
}

fn stack<'f, 'a>(fleet: &'f Fleet, args: Args<'a>) -> Result<(&'a str, &'f Stack), Fault> {
    let name = named(args)?;
    let missing = || invalid(format!("Stack with id {name} does not exist"));
    let held = fleet.cloudformation.stacks.get(name).ok_or_else(missing)?;
    Ok((name, held))
}

fn describe_stacks(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, held) = stack(fleet, args)?;
    let secret = declared(&held.template);
    let shown = |(key, value): (&String, &String)| {
        let hidden = secret[key]["NoEcho"].as_bool() == Some(true);
        json!({"ParameterKey": key, "ParameterValue": if hidden { "****" } else { value }})
    };
    let parameters: Vec<Value> = held.parameters.iter().map(shown).collect();
    Ok(json!({"Stacks": [{
        "StackId": held.id,
        "StackName": name,
        "StackStatus": held.status,
        "CreationTime": held.created_at.to_string(),
        "Parameters": parameters,
    }]}))
}

fn describe_events(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, held) = stack(fleet, args)?;
    let shown = |(at, event): (usize, &StackEvent)| {
        let own = event.resource == name;
        without_nulls(json!({
            "StackId": held.id,
            "StackName": name,
            "EventId": format!("{}-{at}", event.resource),
            "LogicalResourceId": event.resource,
            "PhysicalResourceId": if own { held.id.clone() } else { format!("{name}-{}", event.resource) },
            "ResourceType": event.kind,
            "Timestamp": event.at.to_string(),
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason,
            "ClientRequestToken": event.token,
        }))
    };
    // Newest first.
    let events: Vec<Value> = held.events.iter().enumerate().rev().map(shown).collect();
    let (events, next) = args.page(events, "NextToken", "MaxResults", PAGE);
    Ok(without_nulls(json!({"StackEvents": events, "NextToken": next})))
}

/// The parameters that a template declares.
fn declared(template: &str) -> Value {
    let template: Value = serde_json::from_str(template).unwrap_or_default();
    template["Parameters"].clone()
}

fn template(fleet: &Fleet, args: Args<'_>) -> Result<String, Fault> {
    if let Some(body) = args.filled("TemplateBody") {
        return Ok(body.to_owned());
    }
    let url = args.filled("TemplateURL").unwrap_or_default();
    let held = fleet.cloudformation.templates.get(url).cloned();
    held.ok_or_else(|| invalid("S3 error: The specified key does not exist."))
}

fn summary(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let declared = declared(&template(fleet, args)?);
    let shown = |(name, of_it): (&String, &Value)| {
        without_nulls(json!({
            "ParameterKey": name,
            "ParameterType": of_it["Type"].as_str().unwrap_or("String"),
            "DefaultValue": of_it["Default"],
            "NoEcho": of_it["NoEcho"].as_bool().unwrap_or(false),
        }))
    };
    let declared = declared.as_object().cloned().unwrap_or_default();
    let parameters: Vec<Value> = declared.iter().map(shown).collect();
    Ok(json!({ "Parameters": parameters }))
}

fn create(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = named(args)?.to_owned();
    let set = args
        .filled("ChangeSetName")
        .ok_or_else(|| invalid("ChangeSetName is missing"))?
        .to_owned();
    let held = fleet.cloudformation.stacks.get(&name);
    let creates = args.filled("ChangeSetType") == Some("CREATE");
    match held {
        Some(held) if held.change_sets.contains_key(&set) => {
            return Err(Fault::new(
                "AlreadyExistsException",
                format!("ChangeSet {set} already exists"),
            ));
        }
        Some(held) if held.operation.is_some() => {
            let status = &held.status;
            return Err(invalid(format!(
                "Stack:{} is in {status} state and can not be updated.",
                held.id
            )));
        }
        Some(held) if creates && held.is_made() => {
            return Err(invalid(format!(
                "Stack [{name}] already exists and cannot be created again"
            )));
        }
        None if !creates => return Err(invalid(format!("Stack [{name}] does not exist"))),
        Some(_) | None => {}
    }
    let before = held.map(|held| held.parameters.clone()).unwrap_or_default();
    let template = template(fleet, args)?;
    let parameters = parameters(&template, &before, args)?;
    let id = fleet.create_change_set(&name, &set, template, parameters);
    let held = fleet.cloudformation.stacks.get_mut(&name);
    if let Some(made) = held.and_then(|held| held.change_sets.get_mut(&set)) {
        made.description = args.owned("Description").unwrap_or_default();
    }
    Ok(json!({"Id": id, "StackId": fleet.stack_arn(&name)}))
}

/// What the parameters will be: as given, as before where asked for, or as the template says.
fn parameters(
    template: &str,
    before: &BTreeMap<String, String>,
    args: Args<'_>,
) -> Result<BTreeMap<String, String>, Fault> {
    let declared = declared(template);
    let mut all = BTreeMap::new();
    for given in args.structures("Parameters") {
        let name = given.filled("ParameterKey").unwrap_or_default();
        if declared.get(name).is_none() {
            return Err(invalid(format!(
                "Parameters: [{name}] do not exist in the template"
            )));
        }
        let value = match given.truth("UsePreviousValue") {
            Some(true) => before.get(name).cloned(),
            Some(false) | None => given.owned("ParameterValue"),
        };
        all.extend(value.map(|value| (name.to_owned(), value)));
    }
    for (name, of_it) in declared.as_object().into_iter().flatten() {
        if all.contains_key(name) {
            continue;
        }
        let default = of_it["Default"].as_str();
        let default = default.ok_or_else(|| invalid(format!("Parameters: [{name}] must have values")))?;
        all.insert(name.clone(), default.to_owned());
    }
    Ok(all)
}

fn change_set<'f>(fleet: &'f Fleet, args: Args<'_>) -> Result<(String, String, &'f ChangeSet), Fault> {
    let wanted = args.filled("ChangeSetName").unwrap_or_default();
    let (stack_name, held) = stack(fleet, args)?;
    let mut sets = held.change_sets.iter();
    let found = sets.find(|(name, set)| name.as_str() == wanted || set.id == wanted);
    let missing = || {
        Fault::new(
            "ChangeSetNotFound",
            format!("ChangeSet [{wanted}] does not exist"),
        )
        .with_status(404)
    };
    let (name, set) = found.ok_or_else(missing)?;
    Ok((stack_name.to_owned(), name.clone(), set))
}

fn states(fleet: &Fleet, set: &ChangeSet) -> (&'static str, &'static str, Option<&'static str>) {
    if set.ready_at > fleet.now() {
        return ("CREATE_IN_PROGRESS", "UNAVAILABLE", None);
    }
    if set.is_empty() {
        let reason = "The submitted information didn't contain changes. Submit different information to \
                      create a change set.";
        return ("FAILED", "UNAVAILABLE", Some(reason));
    }
    let execution = match (set.executing, set.obsolete) {
        (true, _) => "EXECUTE_IN_PROGRESS",
        (false, true) => "OBSOLETE",
        (false, false) => "AVAILABLE",
    };
    ("CREATE_COMPLETE", execution, None)
}

fn describe_change_set(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (stack_name, name, set) = change_set(fleet, args)?;
    let (status, execution, reason) = states(fleet, set);
    let shown = |change: &crate::fleet::ResourceChange| {
        let there = change.action != "Add";
        let replacement = match (change.action.as_str(), change.replaced) {
            ("Modify", true) => Value::from("True"),
            ("Modify", false) => Value::from("False"),
            _ => Value::Null,
        };
        json!({"Type": "Resource", "ResourceChange": without_nulls(json!({
            "Action": change.action,
            "LogicalResourceId": change.resource,
            "PhysicalResourceId": there.then(|| format!("{stack_name}-{}", change.resource)),
            "ResourceType": change.kind,
            "Replacement": replacement,
        }))})
    };
    let made = set.ready_at <= fleet.now();
    let changes: Vec<Value> = set.changes.iter().filter(|_| made).map(shown).collect();
    // Pages are small, so that they are all read.
    let (changes, next) = args.page(changes, "NextToken", "MaxResults", 2);
    Ok(without_nulls(json!({
        "ChangeSetId": set.id,
        "ChangeSetName": name,
        "Description": set.description,
        "StackName": stack_name,
        "StackId": fleet.stack_arn(&stack_name),
        "Status": status,
        "StatusReason": reason,
        "ExecutionStatus": execution,
        "Changes": changes,
        "NextToken": next,
    })))
}

fn execute(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (stack_name, name, set) = change_set(fleet, args)?;
    let (_, execution, _) = states(fleet, set);
    if execution != "AVAILABLE" {
        return Err(Fault::new(
            "InvalidChangeSetStatus",
            format!(
                "ChangeSet [{}] cannot be executed in its current execution status of [{execution}]",
                set.id
            ),
        ));
    }
    fleet.execute_change_set(&stack_name, &name, args.owned("ClientRequestToken"));
    Ok(json!({}))
}

fn cancel(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, held) = stack(fleet, args)?;
    if held.status != "UPDATE_IN_PROGRESS" {
        return Err(invalid(
            "CancelUpdateStack cannot be called from current stack status",
        ));
    }
    fleet.cancel_update(name);
    Ok(json!({}))
}

fn detect_drift(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = stack(fleet, args)?.0.to_owned();
    let id = fleet.detect_drift(&name);
    let id = id.ok_or_else(|| {
        invalid(format!(
            "Drift detection is already in progress for stack [{name}]"
        ))
    })?;
    Ok(json!({ "StackDriftDetectionId": id }))
}

fn describe_detection(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let id = args.filled("StackDriftDetectionId").unwrap_or_default();
    let held = fleet.cloudformation.detections.get(id);
    let (stack, until) = held.ok_or_else(|| invalid(format!("Drift detection {id} does not exist")))?;
    let over = *until <= fleet.now();
    let blind = fleet.cloudformation.blind.as_ref().filter(|_| over);
    let status = match (over, blind) {
        (false, _) => "DETECTION_IN_PROGRESS",
        (true, None) => "DETECTION_COMPLETE",
        (true, Some(_)) => "DETECTION_FAILED",
    };
    Ok(without_nulls(json!({
        "StackId": fleet.stack_arn(stack),
        "StackDriftDetectionId": id,
        "DetectionStatus": status,
        "DetectionStatusReason": blind,
        "Timestamp": until.to_string(),
    })))
}

fn describe_drifts(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, held) = stack(fleet, args)?;
    let template: Value = serde_json::from_str(&held.template).unwrap_or_default();
    let drifted = fleet.cloudformation.drifted.get(name).into_iter().flatten();
    let shown = drifted.map(|(resource, paths)| {
        let difference = |path: &String| {
            json!({
                "PropertyPath": path, "ExpectedValue": "as in the template", "ActualValue": SET_BY_HAND,
                "DifferenceType": "NOT_EQUAL",
            })
        };
        let differences: Vec<Value> = paths.iter().map(difference).collect();
        json!({
            "StackId": held.id,
            "LogicalResourceId": resource,
            "PhysicalResourceId": format!("{name}-{resource}"),
            "ResourceType": template["Resources"][resource]["Type"],
            "StackResourceDriftStatus": if paths.is_empty() { "DELETED" } else { "MODIFIED" },
            "PropertyDifferences": differences,
            "Timestamp": fleet.now().to_string(),
        })
    });
    // Pages are small, so that they are all read.
    let (shown, next) = args.page(shown.collect(), "NextToken", "MaxResults", 1);
    Ok(without_nulls(
        json!({"StackResourceDrifts": shown, "NextToken": next}),
    ))
}
