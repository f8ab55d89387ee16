//! Validate: pages and suites are tried on what serves now, it performs as it should, and is healthy.

use jiff::Timestamp;

use super::cost::run_cost;
use super::http::run_http;
use super::performance::run_performance;
use super::prepare::no_plan;
use super::security::run_security;
use super::shift::{Suites, run_suites};
use crate::decision::{Decision, Outcome, POLL_SECONDS};
use crate::deployment::Deployment;
use crate::exit::AbortCause;
use crate::http::HttpMoment;
use crate::ids::Weight;
use crate::observation::Observation;
use crate::spec::SuiteName;

/// Tries the HTTP tests, runs every suite that has not run yet, measures, then looks whether the new revision is healthy.
pub fn decide_validate(deployment: &Deployment, observation: &Observation, now: Timestamp) -> Decision {
    let Some(plan) = &deployment.plan else {
        return no_plan();
    };
    if let Some(decision) = run_security(deployment, observation) {
        return decision;
    }
    if let Some(decision) = run_cost(deployment, observation) {
        return decision;
    }
    if let Some(decision) = run_http(deployment, observation, HttpMoment::AfterShift, now) {
        return decision;
    }
    let suites: Vec<SuiteName> = deployment.spec.post_deployment_tests.clone();
    match run_suites(deployment, observation, &suites, now) {
        Suites::Undecided(decision) => return decision,
        Suites::AllPassed => {}
    }
    if let Some(decision) = run_performance(deployment, observation, now) {
        return decision;
    }
    let needed = deployment.tasks_for(Weight::FULL);
    let healthy = observation
        .slots
        .get(&plan.candidate)
        .map_or(0, |slot| slot.healthy);
    if healthy >= needed {
        return Decision::only(Outcome::Done);
    }
    let waited = now.duration_since(deployment.phase_since).as_secs();
    if waited > i64::from(deployment.spec.timeouts.healthy_seconds) {
        return Decision::abort(AbortCause::CandidateUnhealthy {
            reason: format!("{healthy} of {needed} targets are healthy after the last step"),
        });
    }
    Decision::wait(POLL_SECONDS, format!("{healthy} of {needed} targets are healthy"))
}
