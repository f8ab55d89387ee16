//! One decision per phase: `(deployment, observation, now) -> Decision`.

mod changes;
mod complete;
mod contract;
mod cost;
mod ending;
mod http;
mod performance;
mod plan;
mod prepare;
mod proposals;
mod rollback;
mod security;
mod shift;
mod suite_functions;
#[cfg(test)]
mod tests;
mod undoing;
mod validate;

use jiff::{SignedDuration, Timestamp};

pub use changes::decide_undo;
use changes::make_changes;
pub use complete::decide_complete;
pub use plan::{make_plan, traffic_of};
pub use prepare::decide_prepare;
pub use rollback::{RollbackStep, cause_from_failure, decide_rollback};
pub(crate) use shift::SMOKE;
pub use shift::decide_shift;
pub use validate::decide_validate;

use crate::decision::{Decision, Outcome};
use crate::deployment::{Deployment, Phase};
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;

/// Decides for a forward phase, with what holds for all of them: a wish to stop and a watched
/// alarm come before anything else, what changes would do before the gate, the gate before the phase's own
/// work, and every wait is explained.
pub fn decide(phase: Phase, deployment: &Deployment, observation: &Observation, now: Timestamp) -> Decision {
    let decision = stop_first(phase, deployment, observation, now)
        .or_else(|| enter(phase, deployment))
        .or_else(|| proposals::propose(phase, deployment, observation, now))
        .or_else(|| proposals::nobody_to_ask(phase, deployment))
        .or_else(|| stand_at_gate(phase, deployment, now))
        .unwrap_or_else(|| match phase {
            Phase::Prepare => {
                let changes = make_changes(phase, deployment, observation, now);
                changes.unwrap_or_else(|| decide_prepare(deployment, observation))
            }
            Phase::Migrate | Phase::Infrastructure | Phase::Configure | Phase::Monitoring => {
                let held = contract::frozen(deployment, now);
                let changes = held.or_else(|| make_changes(phase, deployment, observation, now));
                changes.unwrap_or_else(|| Decision::only(Outcome::Done))
            }
            Phase::Shift => decide_shift(deployment, observation, now),
            Phase::Validate => decide_validate(deployment, observation, now),
            Phase::Complete => decide_complete(deployment, now),
            // Plans are made by `make_plan`, which needs the wiring; rollbacks by `decide_rollback`.
            Phase::Plan | Phase::Rollback => Decision::only(Outcome::Done),
        });
    decision.explained(deployment)
}

fn stop_first(
    phase: Phase,
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Option<Decision> {
    if deployment.exit.is_some() && phase == Phase::Complete {
        return Some(Decision::only(Outcome::Done));
    }
    if let Some(abort) = &deployment.abort {
        return Some(Decision::abort(abort.cause.clone()));
    }
    // Before the plan, an alarm blocks instead (invariant 9).
    if phase == Phase::Plan {
        return None;
    }
    let alarm = observation
        .firing()
        .find(|alarm| !deployment.overrides(&format!("alarm:{}", alarm.name)))?;
    Some(Decision::abort(AbortCause::AlarmRaised {
        alarm: alarm.name.clone(),
        raised_at: alarm.fired_at.or(Some(now)),
        reason: alarm.reason.clone(),
    }))
}

fn enter(phase: Phase, deployment: &Deployment) -> Option<Decision> {
    (deployment.phase < phase).then(|| Decision::record(vec![Event::PhaseEntered { phase }]))
}

fn stand_at_gate(phase: Phase, deployment: &Deployment, now: Timestamp) -> Option<Decision> {
    let before = deployment.gate_before(phase)?;
    let rule = deployment.gate_rule(before)?;
    let plan_hash = deployment.asked_hash(before)?;
    match deployment.gates.get(&before) {
        Some(gate) if gate.passed_at.is_some() => None,
        Some(gate) if now >= gate.expires_at => Some(Decision::abort(AbortCause::ApprovalExpired {
            expired_at: gate.expires_at,
        })),
        Some(_) => Some(Decision::only(Outcome::AwaitingApproval { before })),
        None => Some(Decision {
            events: vec![Event::GateOpened {
                before,
                expires_at: later(now, rule.expires_seconds.into()),
                plan_hash,
            }],
            actions: Vec::new(),
            outcome: Outcome::AwaitingApproval { before },
        }),
    }
}

/// Waits while a freeze holds. Looks again now and then: the freeze may be lifted in the file of a later
/// deployment only, but alarms and a wish to stop must be seen meanwhile.
fn wait_for_freeze(deployment: &Deployment, now: Timestamp) -> Option<Decision> {
    let freeze = deployment.freeze_at(now)?;
    let seconds = seconds_until(now, freeze.until).min(600);
    let reason = format!("freeze until {:.0}: {}", freeze.until, freeze.reason);
    Some(Decision::wait(seconds, reason))
}

/// `now` and so many seconds, or the end of time.
pub(crate) fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

/// Whole seconds from `now` until `then`, at least 1; never too few.
pub fn seconds_until(now: Timestamp, then: Timestamp) -> u32 {
    let millis = then.duration_since(now).as_millis().max(1);
    u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
}
