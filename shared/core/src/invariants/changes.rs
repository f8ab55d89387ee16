//! Changes besides the image: invariants 25 and 26.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::view::{Record, View, Writer};
use crate::change::{Change, ChangeStage, Direction, Undo, Work};
use crate::event::Event;
use crate::exit::{Exit, ExitState};
use crate::ids::ChangeId;

/// 25. A change is made once and undone once, each after it was recorded, and made no more after that.
///
/// Sees the tasks that were started for changes, and what DynamoDB took of changes of indexes: one that somebody else
/// has removed is made again. A change that sets a value has none: setting it twice is the same as once.
pub(super) fn changes_run_once(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    let mut began: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for run in &view.runs {
        let key = (&run.deployment, &run.change, run.direction);
        began.entry(key).or_default().push(run.at);
    }
    for ((deployment, change, direction), at) in &began {
        let way = direction.as_str();
        let mut records = view.deployments.iter();
        let record = records.find(|record| record.deployment.id == **deployment);
        let again = |pair: &[Timestamp]| {
            let [first, next] = pair else { return false };
            record.is_some_and(|record| removed_by_others(view, record, change, *first, *next))
        };
        if !at.windows(2).all(again) {
            found.push(format!(
                "{deployment}: {change} was started {} times to {way} it",
                at.len()
            ));
        }
        let undone = began.get(&(*deployment, *change, Direction::Undo));
        let late = undone.is_some_and(|undone| at.iter().max() > undone.iter().min());
        if *direction == Direction::Make && late {
            found.push(format!(
                "{deployment}: {change} was made after it was being undone"
            ));
        }
        if !record.is_some_and(|record| recorded(record, change, *direction)) {
            found.push(format!(
                "{deployment}: {change} was begun ({way}) without a record of it"
            ));
        }
    }
    found
}

/// Whether somebody else has taken away what a change added, in between: an index, which is then made again, or gone
/// without being undone.
fn removed_by_others(
    view: &View,
    record: &Record,
    change: &ChangeId,
    from: Timestamp,
    until: Timestamp,
) -> bool {
    let mut changes = record.deployment.planned_changes().iter();
    let Some(Work::Index { index, .. }) = changes.find(|one| one.id == *change).map(|one| &one.work) else {
        return false;
    };
    let name = format!("index:{}", index.title());
    let mut removed = view
        .settings
        .iter()
        .filter(|one| one.by == Writer::Outside && one.value.is_none());
    removed.any(|one| one.name == name && (from..=until).contains(&one.at))
}

fn recorded(record: &Record, change: &crate::ids::ChangeId, direction: Direction) -> bool {
    record
        .journal
        .iter()
        .any(|entry| match (&entry.event, direction) {
            (Event::ChangeStarted { id, .. }, Direction::Make)
            | (Event::UndoStarted { id }, Direction::Undo) => id == change,
            _ => false,
        })
}

/// 26. Every exit accounts for every change of the plan.
///
/// A completed deployment has made them all and put back what was temporary, or tells a person what to
/// put back; one that went back has undone what is revertible, kept only what its type keeps, and says
/// what that is.
///
/// Sees the record, and for changes that are tasks whether undoing was only written down. After a
/// rollback that failed anything may be left: a person was called.
pub(super) fn exits_account_for_changes(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let deployment = &record.deployment;
        let (Some(plan), Some(exit)) = (&deployment.plan, &deployment.exit) else {
            continue;
        };
        for change in &plan.changes {
            let stage = deployment.change_stage(&change.id);
            let good = match exit.state {
                ExitState::Completed if change.temporary => match stage {
                    Some(ChangeStage::Undone) => true,
                    Some(ChangeStage::Held) => is_told(exit, change),
                    Some(
                        ChangeStage::Making | ChangeStage::Made | ChangeStage::Failed | ChangeStage::Undoing,
                    )
                    | None => false,
                },
                ExitState::Completed => stage == Some(ChangeStage::Made),
                ExitState::Blocked => stage.is_none(),
                ExitState::Aborted | ExitState::RolledBack => went_back(view, record, change, exit),
                ExitState::RollbackFailed => true,
            };
            if !good {
                let how = exit.state.as_str();
                found.push(record.says(format!("it ended as {how}, and {} is {stage:?}", change.id)));
            }
        }
    }
    found
}

/// Whether an end says what a person must do about a change.
fn is_told(exit: &Exit, change: &Change) -> bool {
    let remedy = exit.remedy.as_ref();
    remedy.is_some_and(|remedy| remedy.contains(change.id.as_str()))
}

fn went_back(view: &View, record: &Record, change: &Change, exit: &Exit) -> bool {
    let run = |direction| {
        view.runs.iter().any(|run| {
            (&run.deployment, &run.change, run.direction) == (&record.deployment.id, &change.id, direction)
        })
    };
    // A reversal undoes what another deployment made.
    let task = match change.work {
        Work::Run { .. } => true,
        Work::Index { .. }
        | Work::Backup { .. }
        | Work::SuspendScaling { .. }
        | Work::SetParameter { .. }
        | Work::Analyze { .. }
        | Work::SetFlags { .. }
        | Work::Stack { .. }
        | Work::Terraform { .. }
        | Work::Monitor { .. }
        | Work::TestAlarm { .. }
        | Work::Verify { .. } => false,
    };
    let made = run(Direction::Make) || task && record.deployment.kind.is_reversal() && !view.runs.is_empty();
    // What proposes takes itself back where it fails.
    let failed = |event: &Event| matches!(event, Event::ChangeFailed { id, .. } if *id == change.id);
    let by_itself = change.work.proposes() && record.journal.iter().any(|entry| failed(&entry.event));
    let began = view
        .runs
        .iter()
        .find(|run| (&run.deployment, &run.change) == (&record.deployment.id, &change.id));
    let by_others =
        began.is_some_and(|run| removed_by_others(view, record, &change.id, run.at, Timestamp::MAX));
    let state = record.deployment.changes.get(&change.id);
    let undo = change.undo_from(record.deployment.before_of(&change.id));
    match (state.map(|state| state.stage), undo) {
        (None, _) => true,
        (Some(_), Undo::Nothing) => true,
        (Some(ChangeStage::Undone), Undo::Revertible) => {
            !made || run(Direction::Undo) || by_itself || by_others
        }
        // It had not begun, or it was refused.
        (Some(ChangeStage::Undone), Undo::ForwardOnly | Undo::NeedsRestore) => !made || by_itself,
        (Some(ChangeStage::Held), Undo::ForwardOnly) => is_told(exit, change),
        (Some(ChangeStage::Held), Undo::Revertible | Undo::NeedsRestore) => false,
        (
            Some(ChangeStage::Making | ChangeStage::Made | ChangeStage::Failed | ChangeStage::Undoing),
            Undo::Revertible | Undo::ForwardOnly | Undo::NeedsRestore,
        ) => false,
    }
}
