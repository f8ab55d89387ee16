//! What the sweep concludes from what it reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::deployment::{Deployment, Plan, Stage, Traffic};
use crate::exit::AbortCause;
use crate::ids::{DeploymentId, Slot, Weight};
use crate::journal::Entry;
use crate::messages::{Channel, owed};
use crate::observation::{Alarm, SlotState};
use crate::phases::later;
use crate::target::TargetState;
use crate::wiring::Forward;

/// Why a running deployment must stop although no event said so.
pub fn must_stop(
    deployment: &Deployment,
    alarms: &[Alarm],
    forward: Option<&Forward>,
    now: Timestamp,
) -> Option<AbortCause> {
    let set_aside = |alarm: &Alarm| deployment.overrides(&format!("alarm:{}", alarm.name));
    let firing = alarms.iter().find(|alarm| alarm.fired() && !set_aside(alarm));
    if let Some(alarm) = firing {
        return Some(AbortCause::AlarmRaised {
            alarm: alarm.name.clone(),
            raised_at: alarm.fired_at,
            reason: alarm.reason.clone(),
        });
    }
    let expired = deployment
        .gates
        .values()
        .find(|gate| gate.passed_at.is_none() && now >= gate.expires_at);
    if let Some(gate) = expired {
        return Some(AbortCause::ApprovalExpired {
            expired_at: gate.expires_at,
        });
    }
    drift(deployment, forward?)
}

/// Weights that are not what was read back last. While one is being set, it may be either.
fn drift(deployment: &Deployment, forward: &Forward) -> Option<AbortCause> {
    let plan = deployment.plan.as_ref()?;
    if plan.traffic != Traffic::Weighted || deployment.shift.stage == Stage::Raising {
        return None;
    }
    let group = plan
        .wiring
        .balancer
        .as_ref()?
        .target_groups
        .get(&plan.candidate)?;
    let seen = forward.weight_of(group);
    if seen == Some(deployment.shift.weight) {
        return None;
    }
    let seen = seen.map_or_else(|| "no clear share".to_owned(), |weight| weight.to_string());
    Some(AbortCause::ChangedOutside {
        reason: format!(
            "the listener rule gives the candidate {seen}, but it was left at {}",
            deployment.shift.weight
        ),
    })
}

/// A batch of the table's stream is told within seconds; what is older than this was lost.
const TELLING_SECONDS: i64 = 45;

/// For so long after its end, a deployment's messages are looked after, seconds. What could not be
/// told by then stands in the dead-letter queue, whose alarm calls a person.
const LOOKED_AFTER_SECONDS: i64 = 900;

/// Whether the messages of a deployment that ended then are still looked after.
pub fn looked_after(ended_at: Timestamp, now: Timestamp) -> bool {
    now < later(ended_at, LOOKED_AFTER_SECONDS)
}

/// Entries that somebody should have heard of by now, and has not (invariant 19).
pub fn untold<'a>(
    deployment: &Deployment,
    journal: &'a [Entry],
    delivered: &BTreeSet<(u64, Channel)>,
    now: Timestamp,
) -> Vec<&'a Entry> {
    let lost = |entry: &&Entry| {
        now >= later(entry.at, TELLING_SECONDS)
            && owed(deployment, entry)
                .iter()
                .any(|channel| !delivered.contains(&(entry.seq, *channel)))
    };
    journal.iter().filter(lost).collect()
}

/// The completed deployment whose rollback window is over, with the slot beside it still to look at.
pub fn window_over(state: &TargetState, now: Timestamp) -> Option<DeploymentId> {
    let stable = state.stable.as_ref()?;
    (!stable.other_scaled_in && now >= stable.warm_until).then(|| stable.deployment.clone())
}

/// What is left of the revision before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Tasks that nobody needs.
    ScaleIn(Slot),
    /// Nothing.
    Nothing,
    /// The slot that should be idle has weight: someone's decision, not the sweep's.
    Drift(String),
}

/// Whether the slot beside the completed candidate can be scaled in (invariant 3).
pub fn left_over(plan: &Plan, slots: &BTreeMap<Slot, SlotState>, forward: Option<&Forward>) -> Finding {
    let other = plan.candidate.other();
    let running = slots.get(&other).is_some_and(|slot| slot.desired > 0);
    if !running || matches!(plan.traffic, Traffic::Rolling | Traffic::Recreate) {
        return Finding::Nothing;
    }
    let group = plan
        .wiring
        .balancer
        .as_ref()
        .and_then(|balancer| balancer.target_groups.get(&other));
    match (group, forward) {
        (Some(group), Some(forward)) if forward.weight_of(group) != Some(Weight::ZERO) => Finding::Drift(
            format!("the {other} slot should be idle but the listener rule gives it traffic"),
        ),
        _ => Finding::ScaleIn(other),
    }
}

/// Name of the execution that rescues a dead deployment: at most 80 characters, unique by attempt.
pub fn rescue_name(id: &DeploymentId, attempt: u32) -> String {
    let suffix = format!("-r{attempt}");
    let keep = 80 - suffix.len();
    let text: String = id.as_str().chars().take(keep).collect();
    format!("{text}{suffix}")
}

#[cfg(test)]
#[path = "sweep_tests.rs"]
mod tests;
