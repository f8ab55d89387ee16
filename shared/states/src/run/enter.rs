//! Entering a state.

use jiff::Timestamp;
use serde_json::Value;

use super::{Run, data, later};
use crate::execution::{Activity, BranchId, Stage, Visit};
use crate::failure::{Failure, names};
use crate::history::EventKind;
use crate::machine::{
    ChoiceState, FailState, Filters, Kind, PassState, Seconds, Text, Then, Until, WaitState,
};
use crate::path::{Path, Scope};

impl Run<'_> {
    pub(super) fn enter(&mut self, branch: BranchId, name: String, input: Value) {
        let Some(state) = self.machine.state(&name) else {
            // Only with another machine than the execution was started with.
            self.fail_branch(
                branch,
                Failure::runtime(format!("the machine has no state `{name}`")),
            );
            return;
        };
        self.execution.transitions += 1;
        self.log(
            branch,
            EventKind::StateEntered {
                state: state.kind.state_type(),
                name: name.clone(),
                input: input.clone(),
            },
        );
        let retriers = state.kind.effort().map_or(0, |effort| effort.retry.len());
        let visit = Visit {
            state: name,
            entered: self.now,
            input,
            attempts: vec![0; retriers],
            retries: 0,
            activity: Activity::Working,
        };
        let context = data::context(self.execution, &visit, None);
        let raw = visit.input.clone();
        let Some(entered) = self.execution.branches.get_mut(&branch) else {
            return;
        };
        entered.stage = Stage::In(Box::new(visit));
        match &state.kind {
            Kind::Task(_) | Kind::Parallel(_) => self.attempt(branch),
            Kind::Choice(choice) => self.move_on(branch, choose(choice, &raw, &context)),
            Kind::Wait(wait) => match self.wait_until(wait, &raw, &context) {
                Ok(until) if until > self.now => self.set_activity(branch, Activity::Wait { until }),
                Ok(_) => self.wake(branch),
                Err(failure) => self.fail_branch(branch, failure),
            },
            Kind::Pass(pass) => self.move_on(branch, pass_on(pass, &raw, &context)),
            Kind::Succeed(filters) => self.move_on(
                branch,
                pass_through(filters, &raw, &context).map(|output| (output, Then::End)),
            ),
            Kind::Fail(fail) => self.fail_branch(branch, wanted_failure(fail, &raw, &context)),
        }
    }

    /// Leaves a state that takes no time.
    fn move_on(&mut self, branch: BranchId, result: Result<(Value, Then), Failure>) {
        match result {
            Ok((output, then)) => self.leave(branch, output, &then),
            Err(failure) => self.fail_branch(branch, failure),
        }
    }

    fn wait_until(&self, wait: &WaitState, raw: &Value, context: &Value) -> Result<Timestamp, Failure> {
        let data = data::effective_input(&wait.filters, None, raw, context)?;
        let scope = Scope { data: &data, context };
        match &wait.until {
            Until::After(seconds) => Ok(later(self.now, resolve_seconds(seconds, 0, scope)?)),
            Until::Timestamp(at) => Ok(*at),
            Until::TimestampAt(path) => {
                let value = follow(path, scope)?;
                let instant = value.as_str().and_then(|text| text.parse().ok());
                instant.ok_or_else(|| {
                    Failure::runtime(format!(
                        "`{}` holds {value}, which is not an instant",
                        path.as_str()
                    ))
                })
            }
        }
    }

    /// Ends a Wait state.
    pub(super) fn wake(&mut self, branch: BranchId) {
        let Some((state, visit)) = self.stay(branch) else {
            return;
        };
        let Kind::Wait(wait) = &state.kind else {
            return;
        };
        let context = data::context(self.execution, visit, None);
        let output = pass_through(&wait.filters, &visit.input, &context);
        self.move_on(branch, output.map(|output| (output, wait.then.clone())));
    }
}

fn follow<'a>(path: &Path, scope: Scope<'a>) -> Result<&'a Value, Failure> {
    path.get(scope).ok_or_else(|| {
        Failure::runtime(format!(
            "the path `{}` leads nowhere in {}",
            path.as_str(),
            scope.data
        ))
    })
}

/// Seconds as given or read; what is read must be a whole number from `least`
/// to 99,999,999.
pub(super) fn resolve_seconds(seconds: &Seconds, least: u32, scope: Scope<'_>) -> Result<u32, Failure> {
    let path = match seconds {
        Seconds::Fixed(seconds) => return Ok(*seconds),
        Seconds::At(path) => path,
    };
    let value = follow(path, scope)?;
    let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
    number
        .filter(|n| (least..=99_999_999).contains(n))
        .ok_or_else(|| {
            Failure::runtime(format!(
                "`{}` holds {value}, which is not a number of seconds from {least} to 99999999",
                path.as_str()
            ))
        })
}

/// `InputPath`, then `OutputPath`.
fn pass_through(filters: &Filters, raw: &Value, context: &Value) -> Result<Value, Failure> {
    let data = data::effective_input(filters, None, raw, context)?;
    data::final_output(filters, &data, context)
}

fn choose(choice: &ChoiceState, raw: &Value, context: &Value) -> Result<(Value, Then), Failure> {
    let data = data::effective_input(&choice.filters, None, raw, context)?;
    let mut next = choice.default.as_ref();
    for rule in &choice.rules {
        if rule.test.evaluate(Scope { data: &data, context })? {
            next = Some(&rule.next);
            break;
        }
    }
    let next = next.ok_or_else(|| {
        Failure::new(
            names::NO_CHOICE_MATCHED,
            format!("no rule matches {data}, and there is no Default"),
        )
    })?;
    Ok((
        data::final_output(&choice.filters, &data, context)?,
        Then::Next(next.clone()),
    ))
}

fn pass_on(pass: &PassState, raw: &Value, context: &Value) -> Result<(Value, Then), Failure> {
    let data = data::effective_input(&pass.filters, pass.parameters.as_ref(), raw, context)?;
    let result = pass.result.clone().unwrap_or(data);
    let output = data::merged_output(&pass.filters, pass.result_path.as_ref(), raw, result, context)?;
    Ok((output, pass.then.clone()))
}

/// What a Fail state fails with. Where that can't be computed, it fails all the
/// same.
fn wanted_failure(fail: &FailState, raw: &Value, context: &Value) -> Failure {
    let scope = Scope { data: raw, context };
    match (
        resolve_text(fail.error.as_ref(), scope),
        resolve_text(fail.cause.as_ref(), scope),
    ) {
        (Ok(error), Ok(cause)) => Failure::reported(error, cause),
        (Err(failure), _) | (_, Err(failure)) => failure,
    }
}

fn resolve_text(text: Option<&Text>, scope: Scope<'_>) -> Result<Option<String>, Failure> {
    match text {
        None => Ok(None),
        Some(Text::Fixed(text)) => Ok(Some(text.clone())),
        Some(Text::Computed(expression)) => match expression.evaluate(scope, names::RUNTIME)? {
            Value::String(text) => Ok(Some(text)),
            other => Err(Failure::runtime(format!(
                "a Fail state's path holds {other}, which is not a string"
            ))),
        },
    }
}
