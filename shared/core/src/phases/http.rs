//! HTTP tests: each is tried until it passes, or was tried as often as it may be.

use jiff::Timestamp;

use super::seconds_until;
use crate::decision::Decision;
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::AbortCause;
use crate::http::{HttpMoment, HttpTest};
use crate::observation::Observation;

/// What to do for the HTTP tests of a moment; nothing once all of them have passed.
pub(super) fn run_http(
    deployment: &Deployment,
    observation: &Observation,
    moment: HttpMoment,
    now: Timestamp,
) -> Option<Decision> {
    let tried: Vec<Event> = deployment
        .http_tests(moment)
        .filter_map(|test| tried(deployment, observation, test))
        .collect();
    if !tried.is_empty() {
        return Some(Decision::record(tried));
    }
    let mut tests = deployment.http_tests(moment);
    if let Some(reason) = tests.find_map(|test| given_up(deployment, test)) {
        return Some(Decision::abort(AbortCause::SuiteFailed { reason }));
    }
    // The one that may be tried again first.
    let next = deployment
        .http_tests(moment)
        .filter_map(|test| Some((deployment.http_next(test)?.1, test)))
        .min_by_key(|(due, _)| *due);
    let (due, test) = next?;
    // One that is due was not tried: this was read before it was.
    let seconds = if due <= now { 1 } else { seconds_until(now, due) };
    Some(Decision::wait(seconds, waiting(deployment, test)))
}

/// The try that the observation has, unless it is on record already.
fn tried(deployment: &Deployment, observation: &Observation, test: &HttpTest) -> Option<Event> {
    let (number, _) = deployment.http_next(test)?;
    let tried = observation.http.get(&test.name)?;
    (tried.number == number).then(|| Event::HttpTested {
        test: test.name.clone(),
        tried: tried.clone(),
    })
}

fn given_up(deployment: &Deployment, test: &HttpTest) -> Option<String> {
    let last = &deployment.http.get(&test.name)?.last;
    let problem = last.problem.as_ref()?;
    let over = deployment.http_next(test).is_none();
    over.then(|| match last.number {
        1 => format!("HTTP test {} failed: {problem}", test.name),
        tries => format!("HTTP test {} failed {tries} times: {problem}", test.name),
    })
}

fn waiting(deployment: &Deployment, test: &HttpTest) -> String {
    match deployment.http.get(&test.name).map(|stood| &stood.last) {
        Some(last) => format!(
            "HTTP test {} failed {} of {} times; it is tried again",
            test.name, last.number, last.of
        ),
        None => format!("HTTP test {} is about to be tried", test.name),
    }
}
