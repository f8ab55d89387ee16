//! Settings besides the image: invariant 28.

use super::view::{Record, SettingReading, View, Writer};
use crate::change::{Change, ChangeStage, Undo, Work};
use crate::deployment::Kind;
use crate::event::Event;
use crate::exit::ExitState;
use jiff::Timestamp;

/// 28. An exit that takes a deployment back leaves every parameter, flag, index, dashboard, alarm and retention as it
///     was before the deployment set it; and every exit so leaves what is set for a while only: autoscaling.
///
/// Sees the values themselves, not what the journal says of them. One that somebody else has set since is
/// theirs. After a rollback that failed anything may be left: a person was called.
pub(super) fn settings_are_put_back(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let (Some(exit), Some(ended)) = (&record.deployment.exit, record.exited_at()) else {
            continue;
        };
        for change in record.deployment.planned_changes() {
            // What could not be put back is told to a person: invariant 26.
            let kept = record.deployment.change_stage(&change.id) == Some(ChangeStage::Held);
            let back = match exit.state {
                ExitState::Aborted | ExitState::RolledBack => true,
                ExitState::Completed => change.temporary && !kept,
                ExitState::Blocked | ExitState::RollbackFailed => false,
            };
            if !back {
                continue;
            }
            let index;
            let name = match &change.work {
                // What is forward-only stays.
                Work::Index { index: of, .. } if change.undo == Undo::Revertible => {
                    index = format!("index:{}", of.title());
                    index.as_str()
                }
                Work::SetParameter { .. }
                | Work::SetFlags { .. }
                | Work::SuspendScaling { .. }
                | Work::Monitor { .. } => change.id.as_str(),
                Work::Run { .. }
                | Work::Index { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::Analyze { .. }
                | Work::Stack { .. }
                | Work::Terraform { .. }
                | Work::TestAlarm { .. } => continue,
            };
            let readings: Vec<&SettingReading> =
                view.settings.iter().filter(|one| one.name == name).collect();
            let Some(began) = began(view, record, change) else {
                continue;
            };
            if let Some((was, is)) = left(&readings, began, ended) {
                found.push(record.says(format!("{name} was {was:?}, and is {is:?} at its end")));
            }
        }
    }
    found
}

/// When a change was begun: by this deployment, or by the one that this one takes back.
fn began(view: &View, record: &Record, change: &Change) -> Option<Timestamp> {
    let maker = match &record.deployment.kind {
        Kind::Forward | Kind::Contract { .. } => record,
        Kind::Reversal { of } => view.deployments.iter().find(|one| one.deployment.id == *of)?,
    };
    maker.first(|event| matches!(event, Event::ChangeStarted { id, .. } if *id == change.id))
}

type Value = Option<String>;

/// The value before the first write of ours since the beginning and the one at the end, where they differ
/// and only we wrote in between.
fn left(readings: &[&SettingReading], began: Timestamp, ended: Timestamp) -> Option<(Value, Value)> {
    let first = readings
        .iter()
        .position(|one| one.at >= began && one.by == Writer::Tidegate)?;
    let was = readings.get(first.checked_sub(1)?)?.value.clone();
    let since: Vec<_> = readings
        .get(first..)?
        .iter()
        .filter(|one| one.at <= ended)
        .collect();
    if since.iter().any(|one| one.by == Writer::Outside) {
        return None;
    }
    let is = since.last()?.value.clone();
    (is != was).then_some((was, is))
}
