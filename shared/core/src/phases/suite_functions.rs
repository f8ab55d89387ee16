//! Suites that are Lambda functions: called once, unless the answer was lost.

use jiff::Timestamp;

use super::seconds_until;
use crate::action::Action;
use crate::decision::{Decision, POLL_SECONDS};
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;
use crate::spec::SuiteName;
use crate::suite::{SuiteCall, SuiteCalled, SuiteFunction};

/// What to do for a suite that has not ended.
pub(super) fn run_function(
    deployment: &Deployment,
    observation: &Observation,
    suite: &SuiteName,
    function: &SuiteFunction,
    now: Timestamp,
) -> Decision {
    let Some(call) = deployment.suite_calls.get(suite) else {
        return called(suite, function, 1);
    };
    let answer = observation.suite_answers.get(suite);
    match answer.filter(|answer| answer.attempt == call.attempt && call.at.is_some()) {
        Some(answer) => match &answer.result {
            SuiteCalled::Answered { report } => Decision::record(vec![Event::SuiteAnswered {
                suite: suite.clone(),
                report: Box::new(report.clone()),
            }]),
            SuiteCalled::NotRun { reason } => not_run(deployment, suite, call, reason, now),
        },
        None => without_answer(suite, function, call, now),
    }
}

/// Recorded and done by one function only: the write is conditional.
fn called(suite: &SuiteName, function: &SuiteFunction, attempt: u32) -> Decision {
    let action = Action::CallSuite {
        suite: suite.clone(),
        function: function.clone(),
        attempt,
    };
    Decision::act(vec![action]).after(vec![Event::SuiteCalled {
        suite: suite.clone(),
        function: function.function.clone(),
        attempt,
        of: function.attempts(),
    }])
}

/// Nothing ran, so the attempt does not count; it is not tried for ever.
fn not_run(
    deployment: &Deployment,
    suite: &SuiteName,
    call: &SuiteCall,
    reason: &str,
    now: Timestamp,
) -> Decision {
    let name = &suite.0;
    let limit = i64::from(deployment.spec.timeouts.suite_seconds);
    let since = deployment.suites_started.get(suite).copied().unwrap_or(now);
    let event = Event::SuiteNotRun {
        suite: suite.clone(),
        attempt: call.attempt,
        reason: reason.to_owned(),
    };
    let decision = match now.duration_since(since).as_secs() >= limit {
        true => Decision::abort(AbortCause::SuiteFailed {
            reason: format!("suite {name} could not be run within {limit} s: {reason}"),
        }),
        false => Decision::wait(
            POLL_SECONDS,
            format!("suite {name} is called again: it was not run"),
        ),
    };
    decision.after(vec![event])
}

/// Either nothing runs, or who waited for the answer is gone, or the connection is. Calling a suite while
/// it may still run would double it.
fn without_answer(suite: &SuiteName, function: &SuiteFunction, call: &SuiteCall, now: Timestamp) -> Decision {
    let Some(over_at) = call.over_at(function) else {
        return called(suite, function, call.attempt);
    };
    let name = &suite.0;
    let last = call.attempt >= function.attempts();
    if now < over_at {
        let next = if last { "given up" } else { "called again" };
        return Decision::wait(
            seconds_until(now, over_at),
            format!("no answer came from suite {name}, which may still run: it is {next} at {over_at:.0}"),
        );
    }
    if !last {
        return called(suite, function, call.attempt.saturating_add(1));
    }
    let calls = if call.attempt == 1 { "call" } else { "calls" };
    Decision::abort(AbortCause::SuiteFailed {
        reason: format!(
            "suite {name}: no answer came to {} {calls}, so nobody knows how it ended",
            call.attempt
        ),
    })
}
