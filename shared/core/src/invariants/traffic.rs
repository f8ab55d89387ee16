//! Weights and tasks: invariants 2 to 6, 8, 11, 21 and 22.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::decision::QUIESCE_SECONDS;
use crate::deployment::{Kind, Traffic};
use crate::event::Event;
use crate::exit::ExitState;
use crate::ids::Weight;

use super::limits::STOP_BOUND_SECONDS;
use super::view::{Change, Record, SlotReading, View, Writer, seconds_between};

/// 2. In every state written or read, the weights of a target's listener rule sum to 100 and name
///    only its own two target groups.
///
/// Sees every write to the rule, and the forward action that each plan recorded.
pub(super) fn weights_are_whole(view: &View) -> Vec<String> {
    let own: Vec<&String> = view.groups.values().collect();
    let wrong = |weights: &BTreeMap<String, u32>| {
        weights.values().sum::<u32>() != 100 || weights.keys().any(|group| !own.contains(&group))
    };
    let written = view
        .weights
        .iter()
        .filter(|reading| wrong(&reading.weights))
        .map(|reading| format!("weights {:?} were set at {:.0}", reading.weights, reading.at));
    let read = view.deployments.iter().filter_map(|record| {
        let before = record.plan()?.forward_before.as_ref()?;
        wrong(&View::named(before)).then(|| record.says(format!("it recorded the weights {before:?}")))
    });
    written.chain(read).collect()
}

/// 3. The stable slot is never scaled in, and its task definition never deregistered, while it has
///    weight or is what a rollback would return to.
///
/// Sees desired counts as they change and task definitions as they are now. Where traffic moves with
/// the tasks (no load balancer), the last step scales stable in by design, once the candidate carries
/// all, and a late function of it may do so once more until the quiesce time is over; in one ECS
/// service, stable has no tasks of its own to keep.
pub(super) fn stable_stays(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    let mut last: BTreeMap<_, &SlotReading> = BTreeMap::new();
    for reading in &view.slots {
        let before = last.insert(reading.slot, reading);
        if let Some(before) = before.filter(|before| reading.desired < before.desired) {
            let why = needed_because(view, reading);
            found.extend(why.map(|why| {
                format!(
                    "the {} slot went from {} to {} tasks at {:.0} although {why}",
                    reading.slot, before.desired, reading.desired, reading.at
                )
            }));
        }
    }
    for record in view
        .deployments
        .iter()
        .filter(|record| record.deployment.active())
    {
        let stable = record.plan().and_then(|plan| plan.stable.as_ref());
        let gone = stable
            .and_then(|stable| view.definitions.get(&stable.task_definition))
            .is_some_and(|definition| !definition.active);
        if gone {
            found.push(record.says("the task definition of stable was deregistered"));
        }
    }
    found
}

/// Why the tasks of a slot are needed at the instant of a reading.
fn needed_because(view: &View, reading: &SlotReading) -> Option<String> {
    let (slot, at) = (reading.slot, reading.at);
    // The newest deployment whose plan holds at that instant says what the slot is for.
    let record = view
        .deployments
        .iter()
        .rev()
        .find(|record| record.planned_at().is_some_and(|planned| planned <= at))?;
    let plan = record.plan()?;
    match plan.traffic {
        Traffic::Rolling | Traffic::Recreate => return None,
        Traffic::Weighted => {
            let weight = view.weight_at(slot, at).unwrap_or(0);
            if weight > 0 && reading.desired == 0 {
                return Some(format!("it had {weight} % of the traffic"));
            }
        }
        Traffic::Tasks if may_be_scaled_in(record, at) => return None,
        Traffic::Tasks => {}
    }
    let stable = plan.stable.as_ref().filter(|stable| stable.slot == slot)?;
    if record.active_at(at) {
        return Some(format!("{} would return to it", record.deployment.id));
    }
    let exit = record.deployment.exit.as_ref()?;
    let window = SignedDuration::from_secs(record.deployment.spec.auto_rollback.window_seconds.into());
    let warm = exit.at.checked_add(window).is_ok_and(|until| at < until);
    match exit.state {
        ExitState::Completed => warm.then(|| "the rollback window was open".to_owned()),
        ExitState::Blocked | ExitState::Aborted | ExitState::RolledBack | ExitState::RollbackFailed => {
            Some(format!(
                "{} had left it with {} tasks",
                record.deployment.id, stable.desired
            ))
        }
    }
}

/// Whether stable, without a load balancer, may be scaled in: by the last step once it is decided, and
/// then by a function of it that is late, until it was waited out on the way back.
fn may_be_scaled_in(record: &Record, at: Timestamp) -> bool {
    let back = match record.deployment.kind {
        Kind::Forward | Kind::Contract { .. } => record.rollback_at(),
        Kind::Reversal { .. } => record.planned_at(),
    };
    if let Some(began) = back.filter(|began| *began <= at) {
        return seconds_between(began, at) <= QUIESCE_SECONDS;
    }
    record.journal.iter().any(|entry| {
        let full = matches!(entry.event, Event::WeightDecided { weight, .. } if weight == Weight::FULL);
        entry.at <= at && full
    })
}

/// 4. Weight is raised only towards a slot whose healthy targets cover the capacity that weight needs.
///
/// Sees every change of the rule that Tidegate made, with the healthy targets of that moment, and
/// what each decision says that it saw. A rollback raises stable with what stable has: some tasks
/// that serve are better than a candidate that fails, so there at least one must be healthy.
pub(super) fn rises_are_carried(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for change in view.changes() {
        if change.by == Writer::Outside || change.to < change.from {
            continue;
        }
        let healthy = view
            .slot_at(change.slot, change.at)
            .map_or(0, |slot| slot.healthy);
        let needed = needed_for(view, &change);
        if healthy < needed {
            found.push(format!(
                "{} was raised to {} % at {:.0} with {healthy} healthy targets of {needed}",
                change.slot, change.to, change.at
            ));
        }
    }
    for record in &view.deployments {
        let shared = matches!(record.traffic(), Some(Traffic::Weighted | Traffic::Tasks));
        for entry in record.journal.iter().filter(|_| shared) {
            if let Event::WeightDecided {
                weight,
                healthy,
                needed,
                ..
            } = &entry.event
                && (healthy < needed || *needed < record.deployment.tasks_for(*weight))
            {
                found.push(record.says(format!("{weight} was decided with {healthy} of {needed} healthy")));
            }
        }
    }
    found
}

fn needed_for(view: &View, change: &Change) -> u32 {
    let forward = view.active_at(change.at).filter(|record| {
        let candidate = record.plan().is_some_and(|plan| plan.candidate == change.slot);
        candidate && record.rollback_at().is_none_or(|began| change.at < began)
    });
    let weight = u8::try_from(change.to).ok().and_then(Weight::new);
    match (forward, weight) {
        (Some(record), Some(weight)) => record.deployment.tasks_for(weight),
        _ => 1,
    }
}

/// 5. After a rollback decision the candidate's weight never rises again.
///
/// Sees the journal, where nothing may be decided or reached any more, and the rule itself. ALB has
/// no compare-and-set: a function of the old epoch may still write until the quiesce time is over,
/// which [`old_epochs_leave_nothing`] then covers. After that, not even for an instant.
pub(super) fn no_rise_after_rollback(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let after = record.after(|event| matches!(event, Event::RollbackStarted { .. }));
        let forward = after.iter().any(|entry| {
            matches!(
                entry.event,
                Event::WeightDecided { .. } | Event::WeightReached { .. }
            )
        });
        if forward {
            found.push(record.says("weight was decided after its rollback began"));
        }
        let (Some(began), Some(plan)) = (record.rollback_at(), record.plan()) else {
            continue;
        };
        for change in view.changes() {
            let late = seconds_between(began, change.at) > QUIESCE_SECONDS;
            let rises = change.slot == plan.candidate && change.to > change.from;
            if rises && late && record.active_at(change.at) && change.by == Writer::Tidegate {
                let to = change.to;
                found.push(record.says(format!("the candidate rose to {to} % after its rollback began")));
            }
        }
    }
    found
}

/// 6. No write of an older epoch remains in effect when the rollback ends.
///
/// Sees that the rule holds what the plan recorded at the end of each rollback and until the next
/// plan, and that no entry after the rollback's start carries an older epoch. A late write that sets
/// just those weights once more leaves nothing in effect: a function of the rollback may be late too.
pub(super) fn old_epochs_leave_nothing(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let mut epoch = record.journal.first().map_or(0, |entry| entry.epoch.0);
        for entry in &record.journal {
            if entry.epoch.0 < epoch {
                found.push(record.says(format!("entry {} was written under an old epoch", entry.seq)));
            }
            epoch = epoch.max(entry.epoch.0);
        }
        let Some((expected, ended)) = returned(record) else {
            continue;
        };
        if view
            .weights_at(ended)
            .is_some_and(|reading| reading.weights != expected)
        {
            found.push(record.says("its rollback ended with other weights than it had recorded"));
        }
        let next = view
            .deployments
            .iter()
            .filter(|later| later.deployment.epoch > record.deployment.epoch)
            .find_map(Record::planned_at);
        let stray = view.weights.iter().any(|reading| {
            let between = reading.at > ended && next.is_none_or(|next| reading.at < next);
            between && reading.by == Writer::Tidegate && reading.weights != expected
        });
        if stray {
            found.push(record.says("weights were written after its rollback had ended"));
        }
    }
    found
}

/// The weights that a finished rollback must have left, and when it ended.
fn returned(record: &Record) -> Option<(BTreeMap<String, u32>, Timestamp)> {
    let exit = record.deployment.exit.as_ref()?;
    let plan = record.plan().filter(|plan| plan.traffic == Traffic::Weighted)?;
    let before = plan.forward_before.as_ref()?;
    match exit.state {
        ExitState::RolledBack => Some((View::named(before), record.exited_at()?)),
        ExitState::Completed | ExitState::Blocked | ExitState::Aborted | ExitState::RollbackFailed => None,
    }
}

/// 8. An alarm at any instant between the first weight and the end of the last bake leads to
///    stable = 100.
///
/// Sees every change of a watched alarm, also a short one. `RollbackFailed` counts as an answer: a
/// person was called; [`nothing_is_no_return`] and 19 say when that may be.
pub(super) fn alarms_return_traffic(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let Some(began) = record.first(|event| matches!(event, Event::WeightDecided { .. })) else {
            continue;
        };
        // A rollback that began without a wish, because the execution died, is an answer too.
        let answers = |event: &Event| {
            matches!(
                event,
                Event::AbortRequested { .. } | Event::RollbackStarted { .. }
            )
        };
        // On its way back already, an alarm asks for nothing more.
        let stops = |event: &Event| matches!(event, Event::ShiftDone) || answers(event);
        let end = record.first(stops).unwrap_or(view.now);
        let watched = |name: &String| record.plan().is_some_and(|plan| plan.alarms.contains(name));
        let raised = view.alarms.iter().find(|reading| {
            let aside = record.deployment.overrides(&format!("alarm:{}", reading.name));
            reading.firing && watched(&reading.name) && !aside && began < reading.at && reading.at < end
        });
        let Some(raised) = raised else { continue };
        let answered = record.first(answers);
        let late = seconds_between(raised.at, answered.unwrap_or(view.now)) > STOP_BOUND_SECONDS;
        if late || (view.over && answered.is_none()) {
            found.push(record.says(format!("alarm {} did not stop it in time", raised.name)));
        }
        let exit = record.deployment.exit.as_ref().map(|exit| exit.state);
        if matches!(exit, Some(ExitState::Completed)) {
            found.push(record.says(format!("it completed although {} went to ALARM", raised.name)));
        }
        let back = record
            .exited_at()
            .zip(record.plan())
            .and_then(|(ended, plan)| view.weight_at(plan.stable.as_ref()?.slot, ended));
        if matches!(exit, Some(ExitState::RolledBack)) && back.is_some_and(|weight| weight != 100) {
            found.push(record.says("stable does not have all the traffic after an alarm"));
        }
    }
    found
}

/// 11. A rollback restores the recorded listener rule exactly.
///
/// Sees the whole forward action as it is now, stickiness too, after the newest planned deployment
/// has rolled back; for older ones the weights, by 6. A hand that changes the rule after the end
/// would be blamed on the rollback, so scenarios don't.
pub(super) fn rule_is_restored(view: &View) -> Vec<String> {
    let newest = view
        .deployments
        .iter()
        .rev()
        .find(|record| record.plan().is_some());
    let Some(record) = newest.filter(|record| returned(record).is_some()) else {
        return Vec::new();
    };
    let before = record.plan().and_then(|plan| plan.forward_before.as_ref());
    if before == view.forward.as_ref() {
        return Vec::new();
    }
    vec![record.says(format!("the rule is {:?}, recorded was {before:?}", view.forward))]
}

/// 21. A deployment without a stable revision never "rolls back" to nothing.
///
/// Sees the exit, and whether traffic was reported as returned.
pub(super) fn nothing_is_no_return(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let first = record.plan().is_some_and(|plan| plan.stable.is_none());
        if !first || !record.deployment.took_traffic() {
            continue;
        }
        let exit = record.deployment.exit.as_ref().map(|exit| exit.state);
        if exit == Some(ExitState::RolledBack) {
            found.push(record.says("it rolled back to nothing"));
        }
        let returned = |event: &Event| {
            matches!(
                event,
                Event::TrafficReturned { .. } | Event::ForwardActionRestored { .. }
            )
        };
        if record.first(returned).is_some() {
            found.push(record.says("it took traffic away with nothing to take it"));
        }
    }
    found
}

/// 22. Freezes are checked before every forward step and never block a rollback.
///
/// Sees the times of plans, scalings and decided weights, rises of the rule, and whether a rollback
/// ever gave a freeze as its reason to wait.
pub(super) fn freezes_hold_forward_only(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        for entry in &record.journal {
            let step = matches!(
                entry.event,
                Event::Planned { .. } | Event::ScalingStarted { .. } | Event::WeightDecided { .. }
            );
            // The next step's scaling is announced as the bake ends; its tasks start after the freeze.
            let announced = matches!(entry.event, Event::ScalingStarted { step, .. } if step > 0);
            let reversal = record.deployment.kind.is_reversal();
            if step && !announced && !reversal && record.deployment.freeze_at(entry.at).is_some() {
                found.push(record.says(format!("{} during a freeze", entry.event.describe())));
            }
        }
        let back = record.after(|event| matches!(event, Event::RollbackStarted { .. }));
        let held = back
            .iter()
            .any(|entry| matches!(&entry.event, Event::Waiting { reason } if reason.contains("freeze")));
        if held {
            found.push(record.says("its rollback waited for a freeze to end"));
        }
    }
    for change in view.changes() {
        let forward = view.active_at(change.at).filter(|record| {
            record.rollback_at().is_none() && record.plan().is_some_and(|p| p.candidate == change.slot)
        });
        let rises = change.to > change.from && change.by == Writer::Tidegate;
        // A call that was under way as the freeze began can still land: ALB can't be asked not to.
        let called = change.at.checked_sub(SignedDuration::from_secs(QUIESCE_SECONDS));
        let frozen = |record: &Record| {
            let at = |instant| record.deployment.freeze_at(instant).is_some();
            at(change.at) && called.is_ok_and(at)
        };
        if rises && forward.is_some_and(frozen) {
            found.push(format!("{} rose to {} % during a freeze", change.slot, change.to));
        }
    }
    found
}
