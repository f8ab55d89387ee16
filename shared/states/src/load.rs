//! Reads a definition into a [`Machine`].

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{LoadError, Place};
use crate::failure::names;
use crate::fields::Fields;
use crate::load_rules;
use crate::machine::{
    ChoiceState, Effort, FailState, Filters, INVOKE, INVOKE_WITH_TOKEN, Kind, Machine, ParallelState,
    PassState, Resource, START_EXECUTION, Seconds, State, TaskState, Text, Then, Until, WaitState,
};
use crate::path::Path;
use crate::retry::{Catcher, Jitter, Retrier};
use crate::template::{Expression, Template};

/// AWS page "Step Functions service quotas": maximum definition size 1 MB.
const MAX_DEFINITION_BYTES: usize = 1024 * 1024;
/// Amazon States Language, "Top-level fields": at most 80 characters.
const MAX_NAME_CHARS: usize = 80;
/// AWS page "Handling errors": `MaxDelaySeconds` is less than this.
const MAX_DELAY_SECONDS: u32 = 31_622_400;

type States = BTreeMap<String, State>;

/// Reads a whole definition. What can only be seen over several states is
/// left to `validate`.
pub(crate) fn machine(text: &str) -> Result<Machine, LoadError> {
    if text.len() > MAX_DEFINITION_BYTES {
        return Err(LoadError::TooLarge {
            bytes: text.len(),
            limit: MAX_DEFINITION_BYTES,
        });
    }
    let value = crate::json::parse(text).map_err(|source| LoadError::Json { source })?;
    let mut fields = Fields::of(Place::Machine, value)?;
    let comment = fields.text("Comment")?;
    let timeout_seconds = fields.count("TimeoutSeconds", 1)?;
    expect_text(&mut fields, "Version", "1.0")?;
    expect_text(&mut fields, "QueryLanguage", "JSONPath")?;
    let mut states = States::new();
    let start_at = flow(fields, None, &mut states)?;
    Ok(Machine {
        comment,
        timeout_seconds,
        start_at,
        states,
    })
}

fn expect_text(fields: &mut Fields, field: &str, only: &str) -> Result<(), LoadError> {
    match fields.text(field)? {
        Some(text) if text != only => {
            Err(fields.invalid(field, format!("must be \"{only}\", not \"{text}\"")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads `StartAt` and `States`, of the machine or of a branch, into `states`,
/// and returns the first state's name.
fn flow(
    mut fields: Fields,
    inside: Option<(String, usize)>,
    states: &mut States,
) -> Result<String, LoadError> {
    let start_at = fields.required_text("StartAt")?;
    let definitions = match fields.take("States") {
        Some(Value::Object(map)) if !map.is_empty() => map,
        Some(_) => {
            return Err(fields.invalid("States", "must be an object with at least one state"));
        }
        None => return Err(fields.missing("States")),
    };
    if !definitions.contains_key(&start_at) {
        return Err(unknown_target(&fields, "StartAt", start_at));
    }
    let names: Vec<String> = definitions.keys().cloned().collect();
    read_states(definitions, inside.as_ref(), states)?;
    fields.finish()?;
    check_targets(&names, states)?;
    Ok(start_at)
}

fn unknown_target(fields: &Fields, field: &str, target: String) -> LoadError {
    LoadError::UnknownTarget {
        place: fields.place().clone(),
        field: field.to_owned(),
        target,
    }
}

fn read_states(
    definitions: Map<String, Value>,
    inside: Option<&(String, usize)>,
    states: &mut States,
) -> Result<(), LoadError> {
    for (name, value) in definitions {
        let mut fields = Fields::of(Place::State(name.clone()), value)?;
        if name.chars().count() > MAX_NAME_CHARS {
            return Err(fields.invalid("(name)", format!("is longer than {MAX_NAME_CHARS} characters")));
        }
        let comment = fields.text("Comment")?;
        let kind = kind(&name, &mut fields, states)?;
        fields.finish()?;
        let state = State {
            comment,
            inside: inside.cloned(),
            kind,
        };
        if states.insert(name.clone(), state).is_some() {
            return Err(LoadError::DuplicateState { state: name });
        }
    }
    Ok(())
}

/// Every way out of these states leads to one of these states: no way leads
/// into or out of a branch.
fn check_targets(names: &[String], states: &States) -> Result<(), LoadError> {
    let wrong = |name: &String, field: &str, target: &String| LoadError::UnknownTarget {
        place: Place::State(name.clone()),
        field: field.to_owned(),
        target: target.clone(),
    };
    for name in names {
        let Some(state) = states.get(name) else {
            continue;
        };
        let mut targets: Vec<(&str, &String)> = Vec::new();
        if let Some(Then::Next(next)) = state.kind.then() {
            targets.push(("Next", next));
        }
        if let Kind::Choice(choice) = &state.kind {
            targets.extend(choice.rules.iter().map(|rule| ("Choices", &rule.next)));
            targets.extend(choice.default.iter().map(|next| ("Default", next)));
        }
        let catchers = state.kind.effort().map_or(&[][..], |effort| &effort.catch);
        targets.extend(catchers.iter().map(|catcher| ("Catch", &catcher.next)));
        if let Some((field, target)) = targets.into_iter().find(|(_, target)| !names.contains(target)) {
            return Err(wrong(name, field, target));
        }
    }
    Ok(())
}

fn kind(name: &str, fields: &mut Fields, states: &mut States) -> Result<Kind, LoadError> {
    Ok(match fields.required_text("Type")?.as_str() {
        "Task" => Kind::Task(Box::new(task(fields)?)),
        "Choice" => Kind::Choice(choice(fields)?),
        "Wait" => Kind::Wait(wait(fields)?),
        "Parallel" => Kind::Parallel(Box::new(parallel(name, fields, states)?)),
        "Pass" => Kind::Pass(Box::new(pass(fields)?)),
        "Succeed" => Kind::Succeed(filters(fields)?),
        "Fail" => Kind::Fail(fail(fields)?),
        other => {
            let reason = format!("must be Task, Choice, Wait, Parallel, Pass, Succeed or Fail, not {other}");
            return Err(fields.invalid("Type", reason));
        }
    })
}

fn filters(fields: &mut Fields) -> Result<Filters, LoadError> {
    Ok(Filters {
        input: fields.nullable_path("InputPath")?,
        output: fields.nullable_path("OutputPath")?,
    })
}

fn then(fields: &mut Fields) -> Result<Then, LoadError> {
    match (fields.text("Next")?, fields.flag("End")?) {
        (Some(next), None) => Ok(Then::Next(next)),
        (None, Some(true)) => Ok(Then::End),
        (Some(_), Some(_)) => Err(fields.invalid("End", "can't stand beside Next")),
        (None, Some(false)) => Err(fields.invalid("End", "must be true where it is given")),
        (None, None) => Err(fields.missing("Next")),
    }
}

fn template(fields: &mut Fields, field: &str, may_use_token: bool) -> Result<Option<Template>, LoadError> {
    let Some(value) = fields.take(field) else {
        return Ok(None);
    };
    let template = Template::parse(value).map_err(|reason| fields.invalid(field, reason))?;
    if template.uses_token() && !may_use_token {
        return Err(fields.invalid(
            field,
            "reads the task token, which only Parameters of a .waitForTaskToken task may",
        ));
    }
    Ok(Some(template))
}

fn result_path(fields: &mut Fields) -> Result<Option<Path>, LoadError> {
    let path = fields.nullable_path("ResultPath")?;
    if path.as_ref().is_some_and(Path::is_context) {
        return Err(fields.invalid("ResultPath", "can't write to the context object"));
    }
    Ok(path)
}

fn effort(fields: &mut Fields, parameters: Option<Template>) -> Result<Effort, LoadError> {
    Ok(Effort {
        filters: filters(fields)?,
        parameters,
        result_selector: template(fields, "ResultSelector", false)?,
        result_path: result_path(fields)?,
        retry: retriers(fields)?,
        catch: catchers(fields)?,
        then: then(fields)?,
    })
}

fn task(fields: &mut Fields) -> Result<TaskState, LoadError> {
    let resource = resource(fields)?;
    let waits = resource.waits_for_token();
    let parameters = template(fields, "Parameters", waits)?;
    check_parameters(fields, &resource, parameters.as_ref())?;
    let timeout = seconds(fields, "TimeoutSeconds", "TimeoutSecondsPath", 1)?;
    let heartbeat_seconds = fields.count("HeartbeatSeconds", 1)?;
    match (heartbeat_seconds, &timeout) {
        (Some(_), _) if !waits => {
            return Err(fields.invalid(
                "HeartbeatSeconds",
                "needs a .waitForTaskToken task: nothing else sends heartbeats",
            ));
        }
        (Some(heartbeat), Some(Seconds::Fixed(most))) if heartbeat >= *most => {
            return Err(fields.invalid("HeartbeatSeconds", "must be less than TimeoutSeconds"));
        }
        (_, _) => {}
    }
    Ok(TaskState {
        effort: effort(fields, parameters)?,
        resource,
        timeout,
        heartbeat_seconds,
    })
}

fn resource(fields: &mut Fields) -> Result<Resource, LoadError> {
    let text = fields.required_text("Resource")?;
    match text.as_str() {
        INVOKE => Ok(Resource::Invoke {
            wait_for_token: false,
        }),
        INVOKE_WITH_TOKEN => Ok(Resource::Invoke { wait_for_token: true }),
        START_EXECUTION => Ok(Resource::StartExecution),
        arn if is_function_arn(arn) => Ok(Resource::Function { arn: text }),
        other => {
            let reason = format!(
                "must be a Lambda function's ARN, {INVOKE}, {INVOKE_WITH_TOKEN} or {START_EXECUTION}, not {other}"
            );
            Err(fields.invalid("Resource", reason))
        }
    }
}

fn is_function_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    matches!(parts.as_slice(), ["arn", _, "lambda", _, _, "function", name, ..] if !name.is_empty())
}

/// The integrations take known parameters only.
fn check_parameters(
    fields: &Fields,
    resource: &Resource,
    parameters: Option<&Template>,
) -> Result<(), LoadError> {
    let (required, optional) = match resource {
        Resource::Function { .. } => return Ok(()),
        Resource::Invoke { .. } => ("FunctionName", ["Payload"].as_slice()),
        Resource::StartExecution => ("StateMachineArn", ["Input", "Name"].as_slice()),
    };
    let parameters = parameters.ok_or_else(|| fields.missing("Parameters"))?;
    if !parameters.is_object() {
        return Err(fields.invalid("Parameters", "must be an object"));
    }
    let keys = parameters.keys();
    if let Some(unknown) = keys
        .iter()
        .find(|key| **key != required && !optional.contains(key))
    {
        return Err(LoadError::UnknownField {
            place: fields.place().clone(),
            field: format!("Parameters.{unknown}"),
        });
    }
    if !keys.contains(&required) {
        return Err(fields.missing(&format!("Parameters.{required}")));
    }
    // A token that nobody receives would leave the task waiting for ever.
    if resource.waits_for_token() && !parameters.uses_token() {
        return Err(fields.invalid(
            "Parameters",
            "must hand out $$.Task.Token, or nobody could end the task",
        ));
    }
    Ok(())
}

fn seconds(fields: &mut Fields, plain: &str, path: &str, least: u32) -> Result<Option<Seconds>, LoadError> {
    if fields.has(plain) && fields.has(path) {
        return Err(fields.invalid(path, format!("can't stand beside {plain}")));
    }
    if let Some(count) = fields.count(plain, least)? {
        return Ok(Some(Seconds::Fixed(count)));
    }
    Ok(fields.path(path)?.map(Seconds::At))
}

fn retriers(fields: &mut Fields) -> Result<Vec<Retrier>, LoadError> {
    let items = fields.list("Retry")?.unwrap_or_default();
    let count = items.len();
    let read = items.into_iter().enumerate().map(|(index, item)| {
        let mut entry = fields.nested(&format!("Retry[{index}]"), item)?;
        let errors = error_equals(&mut entry, index + 1 == count)?;
        let interval_seconds = entry.count("IntervalSeconds", 1)?.unwrap_or(1);
        let max_attempts = entry.count("MaxAttempts", 0)?.unwrap_or(3);
        let backoff_rate = entry.number("BackoffRate")?.unwrap_or(2.0);
        if backoff_rate < 1.0 {
            return Err(entry.invalid("BackoffRate", "must be at least 1"));
        }
        let max_delay_seconds = entry.count("MaxDelaySeconds", 1)?;
        if max_delay_seconds.is_some_and(|most| most <= interval_seconds || most >= MAX_DELAY_SECONDS) {
            let reason = format!("must be more than IntervalSeconds and less than {MAX_DELAY_SECONDS}");
            return Err(entry.invalid("MaxDelaySeconds", reason));
        }
        let jitter = match entry.text("JitterStrategy")?.as_deref() {
            None | Some("NONE") => Jitter::None,
            Some("FULL") => Jitter::Full,
            Some(_) => return Err(entry.invalid("JitterStrategy", "must be FULL or NONE")),
        };
        entry.finish()?;
        Ok(Retrier {
            errors,
            interval_seconds,
            max_attempts,
            backoff_rate,
            max_delay_seconds,
            jitter,
        })
    });
    read.collect()
}

fn catchers(fields: &mut Fields) -> Result<Vec<Catcher>, LoadError> {
    let items = fields.list("Catch")?.unwrap_or_default();
    let count = items.len();
    let read = items.into_iter().enumerate().map(|(index, item)| {
        let mut entry = fields.nested(&format!("Catch[{index}]"), item)?;
        let errors = error_equals(&mut entry, index + 1 == count)?;
        let next = entry.required_text("Next")?;
        let result_path = result_path(&mut entry)?;
        entry.finish()?;
        Ok(Catcher {
            errors,
            next,
            result_path,
        })
    });
    read.collect()
}

fn error_equals(entry: &mut Fields, is_last: bool) -> Result<Vec<String>, LoadError> {
    let items = entry
        .list("ErrorEquals")?
        .ok_or_else(|| entry.missing("ErrorEquals"))?;
    let names: Option<Vec<String>> = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect();
    let errors = match names {
        Some(errors) if !errors.is_empty() => errors,
        Some(_) | None => {
            return Err(entry.invalid("ErrorEquals", "must be a list with at least one name"));
        }
    };
    if let Some(error) = errors.iter().find(|error| *error == names::RUNTIME) {
        return Err(entry.invalid("ErrorEquals", format!("names {error}, which nothing can catch")));
    }
    let reserved =
        |error: &&String| error.starts_with("States.") && !names::MATCHABLE.contains(&error.as_str());
    if let Some(error) = errors.iter().find(reserved) {
        return Err(entry.invalid(
            "ErrorEquals",
            format!("names {error}, which is not a reserved name of the language"),
        ));
    }
    if errors.iter().any(|error| error == names::ALL) && (errors.len() > 1 || !is_last) {
        return Err(entry.invalid(
            "ErrorEquals",
            "names States.ALL, which must stand alone and in the last entry",
        ));
    }
    Ok(errors)
}

fn choice(fields: &mut Fields) -> Result<ChoiceState, LoadError> {
    let filters = filters(fields)?;
    let default = fields.text("Default")?;
    let items = fields.list("Choices")?.ok_or_else(|| fields.missing("Choices"))?;
    if items.is_empty() {
        return Err(fields.invalid("Choices", "must have at least one rule"));
    }
    let rules = items.into_iter().enumerate();
    let rules =
        rules.map(|(index, item)| load_rules::rule(fields.nested(&format!("Choices[{index}]"), item)?));
    Ok(ChoiceState {
        filters,
        rules: rules.collect::<Result<_, _>>()?,
        default,
    })
}

fn wait(fields: &mut Fields) -> Result<WaitState, LoadError> {
    let ways = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
    if ways.iter().filter(|way| fields.has(way)).count() != 1 {
        return Err(fields.invalid(
            "Seconds",
            "must be given, or else SecondsPath, Timestamp or TimestampPath, and only one of them",
        ));
    }
    let until = if let Some(seconds) = seconds(fields, "Seconds", "SecondsPath", 0)? {
        Until::After(seconds)
    } else if let Some(path) = fields.path("TimestampPath")? {
        Until::TimestampAt(path)
    } else {
        let text = fields.required_text("Timestamp")?;
        let instant = text.parse();
        Until::Timestamp(
            instant.map_err(|error| fields.invalid("Timestamp", format!("is not an instant: {error}")))?,
        )
    };
    Ok(WaitState {
        filters: filters(fields)?,
        until,
        then: then(fields)?,
    })
}

fn parallel(name: &str, fields: &mut Fields, states: &mut States) -> Result<ParallelState, LoadError> {
    let parameters = template(fields, "Parameters", false)?;
    let effort = effort(fields, parameters)?;
    let items = fields
        .list("Branches")?
        .ok_or_else(|| fields.missing("Branches"))?;
    if items.is_empty() {
        return Err(fields.invalid("Branches", "must have at least one branch"));
    }
    let mut branches = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let mut branch = Fields::of(
            Place::Branch {
                state: name.to_owned(),
                index,
            },
            item,
        )?;
        branch.text("Comment")?;
        branches.push(flow(branch, Some((name.to_owned(), index)), states)?);
    }
    Ok(ParallelState { effort, branches })
}

fn pass(fields: &mut Fields) -> Result<PassState, LoadError> {
    Ok(PassState {
        filters: filters(fields)?,
        parameters: template(fields, "Parameters", false)?,
        result: fields.take("Result"),
        result_path: result_path(fields)?,
        then: then(fields)?,
    })
}

fn fail(fields: &mut Fields) -> Result<FailState, LoadError> {
    Ok(FailState {
        error: text(fields, "Error", "ErrorPath")?,
        cause: text(fields, "Cause", "CausePath")?,
    })
}

fn text(fields: &mut Fields, plain: &str, path: &str) -> Result<Option<Text>, LoadError> {
    if fields.has(plain) && fields.has(path) {
        return Err(fields.invalid(path, format!("can't stand beside {plain}")));
    }
    if let Some(text) = fields.text(plain)? {
        return Ok(Some(Text::Fixed(text)));
    }
    let Some(text) = fields.text(path)? else {
        return Ok(None);
    };
    let expression = Expression::parse(&text).map_err(|reason| fields.invalid(path, reason))?;
    if expression.uses_token() {
        return Err(fields.invalid(path, "reads the task token, which only Parameters may"));
    }
    Ok(Some(Text::Computed(expression)))
}
