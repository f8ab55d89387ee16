//! What a rollback does about a change: revert, hold or roll forward, by its type and by how far it came.

use crate::action::Action;
use crate::change::{Change, Choice, Undo, taken};
use crate::decision::{Decision, Outcome};
use crate::deployment::Deployment;
use crate::event::Event;

/// Chooses for a change that was begun.
pub(super) fn undo(deployment: &Deployment, change: &Change, half_made: bool) -> Decision {
    let before = deployment.before_of(&change.id);
    // Whatever proposes records what is there before it begins; without it there was nothing to do.
    if change.work.proposes() && before.is_none() {
        return Decision::record(vec![Event::ChangeUndone {
            id: change.id.clone(),
            detail: "there was nothing to change".to_owned(),
        }]);
    }
    if let Some(reason) = change.kept_because(before) {
        return hold(deployment, change, &format!("it is forward-only: {reason}"));
    }
    match change.undo {
        Undo::Revertible => revert(deployment, change),
        Undo::ForwardOnly if half_made => roll_forward(deployment, change),
        Undo::ForwardOnly => match change.has_no_way_back() {
            Some(why) => hold(deployment, change, &format!("it is forward-only: {why}")),
            None => hold(deployment, change, "it is forward-only, and stable works with it"),
        },
        Undo::NeedsRestore => Decision::record(vec![Event::ChangeHeld {
            id: change.id.clone(),
            choice: Some(Choice::Hold),
            reason: "only a backup brings back what was there".to_owned(),
            remedy: Some(how_to_restore(deployment)),
            advice: None,
            log: Vec::new(),
        }]),
        Undo::Nothing => hold(deployment, change, "there is nothing to undo"),
    }
}

fn revert(deployment: &Deployment, change: &Change) -> Decision {
    Decision {
        events: vec![Event::UndoStarted {
            id: change.id.clone(),
        }],
        actions: vec![Action::UndoChange {
            change: Box::new(change.clone()),
            before: deployment.before_of(&change.id).cloned(),
        }],
        outcome: Outcome::Continue,
    }
}

fn hold(deployment: &Deployment, change: &Change, reason: &str) -> Decision {
    Decision::record(vec![Event::ChangeHeld {
        id: change.id.clone(),
        choice: Some(Choice::Hold),
        reason: reason.to_owned(),
        remedy: None,
        advice: change.advice_where_held(deployment),
        log: Vec::new(),
    }])
}

fn roll_forward(deployment: &Deployment, change: &Change) -> Decision {
    Decision::record(vec![Event::ChangeHeld {
        id: change.id.clone(),
        choice: Some(Choice::RollForward),
        reason: deployment.why_it_goes_forward().to_owned(),
        remedy: None,
        advice: Some(change.advice_where_half_made(deployment)),
        log: Vec::new(),
    }])
}

fn how_to_restore(deployment: &Deployment) -> String {
    let backups = taken(deployment);
    let restore = match backups.is_empty() {
        true => "the backup".to_owned(),
        false => backups.join(", "),
    };
    format!("decide whether stable can work with it as it is; if not, restore {restore}")
}
