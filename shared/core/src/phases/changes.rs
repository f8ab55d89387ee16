//! Changes: made one after the other, each recorded before it is begun and after it was read back;
//! undone in the reverse order, each by how it can be.

use jiff::Timestamp;

use super::undoing::undo;
use super::{later, proposals, seconds_until};
use crate::action::Action;
use crate::change::{Change, ChangeStage, Progress, Seen};
use crate::decision::{Decision, Outcome, POLL_SECONDS, QUIESCE_SECONDS};
use crate::deployment::{Deployment, Phase};
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;

/// AWS tells of what has ended for at least so long: ECS forgets stopped tasks after an hour.
const REMEMBERED_SECONDS: i64 = 3000;

/// Between two looks at something that is being undone, at most: people wait for it. A day of them fits an
/// execution's history.
const UNDO_POLL_SECONDS: u32 = 60;

/// Makes the next change of a phase; nothing where all are made.
pub(super) fn make_changes(
    phase: Phase,
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Option<Decision> {
    let change = deployment.change_to_make(phase)?;
    let seen = observation.changes.get(&change.id);
    Some(match deployment.change_stage(&change.id) {
        None => proposals::nothing_to_do(change, deployment.proposals.get(&change.id))
            .or_else(|| wait_to_begin(deployment, change, seen, now))
            .unwrap_or_else(|| begin(change, seen)),
        Some(ChangeStage::Failed) => failed(change, "it failed"),
        Some(
            ChangeStage::Making
            | ChangeStage::Made
            | ChangeStage::Undoing
            | ChangeStage::Undone
            | ChangeStage::Held,
        ) => look(deployment, change, seen, now),
    })
}

/// While something else is in the way nothing is recorded: what somebody else makes meanwhile was there before, and is
/// not taken back.
fn wait_to_begin(
    deployment: &Deployment,
    change: &Change,
    seen: Option<&Seen>,
    now: Timestamp,
) -> Option<Decision> {
    let Progress::Waiting { note } = &seen?.made else {
        return None;
    };
    let last = deployment.changes.values().map(|state| state.since).max();
    let since = last.map_or(deployment.phase_since, |last| last.max(deployment.phase_since));
    Some(match now >= later(since, change.timeout_seconds.into()) {
        true => failed(change, &format!("{}: {note}", too_long(change))),
        false => waits(change, note),
    })
}

fn waits(change: &Change, note: &str) -> Decision {
    Decision::wait(change.poll_seconds(), format!("{} waits: {note}", change.id))
}

/// What is there is recorded first, so that a rollback knows what to bring back even if the function
/// dies in the middle.
fn begin(change: &Change, seen: Option<&Seen>) -> Decision {
    // What can't work is not begun, so that there is nothing to undo.
    if let Some(Progress::Failed { reason, .. }) = seen.map(|seen| &seen.made) {
        return failed(change, reason);
    }
    let before = seen.and_then(|seen| seen.before.clone());
    Decision {
        events: vec![Event::ChangeStarted {
            id: change.id.clone(),
            before: before.clone(),
        }],
        actions: vec![Action::MakeChange {
            change: Box::new(change.clone()),
            before,
        }],
        outcome: Outcome::Continue,
    }
}

fn look(deployment: &Deployment, change: &Change, seen: Option<&Seen>, now: Timestamp) -> Decision {
    let late = overdue(deployment, change, now);
    match seen.map_or(&Progress::NotBegun, |seen| &seen.made) {
        Progress::NotBegun if late => failed(change, &too_long(change)),
        Progress::Running { note } if change.work.is_by_hand() => by_hand(deployment, change, note, late),
        Progress::Waiting { note } | Progress::Running { note } if late => {
            failed(change, &format!("{}: {note}", too_long(change)))
        }
        // What was asked for does not show yet, or was never asked for.
        Progress::NotBegun => Decision::act_and_wait(
            vec![Action::MakeChange {
                change: Box::new(change.clone()),
                before: deployment.before_of(&change.id).cloned(),
            }],
            POLL_SECONDS,
            format!("{} is being started", change.id),
        ),
        Progress::Waiting { note } => waits(change, note),
        Progress::Running { note } => Decision::wait(change.poll_seconds(), format!("{}: {note}", change.id)),
        Progress::Done { detail, log } => Decision::record(vec![Event::ChangeMade {
            id: change.id.clone(),
            detail: detail.clone(),
            log: log.clone(),
        }]),
        Progress::Failed { reason, log } => {
            let event = Event::ChangeFailed {
                id: change.id.clone(),
                reason: reason.clone(),
                log: log.clone(),
            };
            failed(change, reason).after(vec![event])
        }
    }
}

/// A person is asked for once, with all that differs, and told how long there is time for it.
fn by_hand(deployment: &Deployment, change: &Change, differs: &str, late: bool) -> Decision {
    if late {
        return Decision::abort(AbortCause::NotApplied {
            change: change.id.clone(),
            what: differs.to_owned(),
            waited_seconds: change.timeout_seconds,
        });
    }
    // What differs comes early: a line of the timeline is short.
    let reason = format!("{}: {differs}; a person has to apply it", change.id);
    let wait = Decision::wait(change.poll_seconds(), reason);
    let asked = deployment
        .changes
        .get(&change.id)
        .is_some_and(|state| state.asked);
    if asked {
        return wait;
    }
    wait.after(vec![Event::PersonNeeded {
        id: change.id.clone(),
        what: differs.to_owned(),
        until: later(started(deployment, change), change.timeout_seconds.into()),
    }])
}

fn too_long(change: &Change) -> String {
    format!("it took longer than {} s", change.timeout_seconds)
}

fn failed(change: &Change, reason: &str) -> Decision {
    Decision::abort(AbortCause::ChangeFailed {
        change: change.id.clone(),
        reason: reason.to_owned(),
    })
}

/// Undoes the next change of a phase, in the reverse order; done where none is left.
pub fn decide_undo(
    phase: Phase,
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let Some(change) = deployment.change_to_undo(phase) else {
        return Decision::only(Outcome::Done);
    };
    let none = Seen::NOTHING;
    let seen = observation.changes.get(&change.id).unwrap_or(&none);
    let decision = match deployment.change_stage(&change.id) {
        Some(ChangeStage::Undoing) => look_at_undo(deployment, change, seen, now),
        Some(ChangeStage::Making) => after_interruption(deployment, change, seen, now),
        Some(ChangeStage::Failed) => match &seen.undone {
            // It failed before anything was touched.
            Progress::Done { detail, .. } if change.has_no_way_back().is_some() => {
                Decision::record(vec![Event::ChangeUndone {
                    id: change.id.clone(),
                    detail: detail.clone(),
                }])
            }
            Progress::NotBegun
            | Progress::Waiting { .. }
            | Progress::Running { .. }
            | Progress::Done { .. }
            | Progress::Failed { .. } => undo(deployment, change, true),
        },
        // A function that made it too may still be running: what it writes must come first.
        Some(ChangeStage::Made) if deployment.rollback.is_none() && now < settled(deployment, change) => {
            let seconds = seconds_until(now, settled(deployment, change));
            Decision::wait(
                seconds,
                format!("waiting out functions that may still make {}", change.id),
            )
        }
        Some(ChangeStage::Made | ChangeStage::Undone | ChangeStage::Held) | None => {
            undo(deployment, change, false)
        }
    };
    decision.explained(deployment)
}

/// The forward path was stopped while the change was being made. Nobody makes it any more by now, but
/// what was started runs to its end: stopped in the middle, it could be neither undone nor kept.
fn after_interruption(deployment: &Deployment, change: &Change, seen: &Seen, now: Timestamp) -> Decision {
    match &seen.made {
        Progress::NotBegun if now < later(started(deployment, change), REMEMBERED_SECONDS) => {
            not_begun(change)
        }
        // Whoever sees what it waits for sees that it is not there.
        Progress::Waiting { .. } => not_begun(change),
        Progress::Running { .. } if change.work.is_stopped() => undo(deployment, change, false),
        Progress::Running { note } if !overdue(deployment, change, now) => {
            Decision::wait(POLL_SECONDS, format!("{} runs to its end: {note}", change.id))
        }
        // No trace after so long says nothing.
        Progress::NotBegun | Progress::Running { .. } | Progress::Failed { .. } => {
            undo(deployment, change, true)
        }
        Progress::Done { .. } => undo(deployment, change, false),
    }
}

fn not_begun(change: &Change) -> Decision {
    Decision::record(vec![Event::ChangeUndone {
        id: change.id.clone(),
        detail: "it had not begun".to_owned(),
    }])
}

fn look_at_undo(deployment: &Deployment, change: &Change, seen: &Seen, now: Timestamp) -> Decision {
    let held = |reason: String, log: &[String]| {
        Decision::record(vec![Event::ChangeHeld {
            id: change.id.clone(),
            choice: None,
            reason,
            advice: None,
            remedy: Some(match deployment.before_of(&change.id) {
                Some(before) if change.temporary => format!("put it back yourself: {}", before.describe()),
                Some(before) => format!(
                    "undo it yourself ({}), or decide that stable works with it",
                    before.describe()
                ),
                None => "undo it yourself, or decide that stable works with it".to_owned(),
            }),
            log: log.to_vec(),
        }])
    };
    let late = overdue(deployment, change, now);
    match &seen.undone {
        Progress::NotBegun | Progress::Waiting { .. } | Progress::Running { .. } if late => held(
            format!("undoing it took longer than {} s", change.timeout_seconds),
            &[],
        ),
        Progress::NotBegun => Decision::act_and_wait(
            vec![Action::UndoChange {
                change: Box::new(change.clone()),
                before: deployment.before_of(&change.id).cloned(),
            }],
            POLL_SECONDS,
            format!("{} is being undone", change.id),
        ),
        Progress::Waiting { note } | Progress::Running { note } => Decision::wait(
            change.poll_seconds().min(UNDO_POLL_SECONDS),
            format!("{} is being undone: {note}", change.id),
        ),
        Progress::Done { detail, .. } => Decision::record(vec![Event::ChangeUndone {
            id: change.id.clone(),
            detail: detail.clone(),
        }]),
        Progress::Failed { reason, log } => held(format!("undoing it failed: {reason}"), log),
    }
}

/// When what goes on with it was begun.
fn started(deployment: &Deployment, change: &Change) -> Timestamp {
    let state = deployment.changes.get(&change.id);
    state.map_or(deployment.phase_since, |state| state.since)
}

/// When every function that began to make it is over.
fn settled(deployment: &Deployment, change: &Change) -> Timestamp {
    later(started(deployment, change), QUIESCE_SECONDS)
}

fn overdue(deployment: &Deployment, change: &Change, now: Timestamp) -> bool {
    now >= later(started(deployment, change), change.timeout_seconds.into())
}
