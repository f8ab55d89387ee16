//! Changes besides the image: what is planned, and how each one stands.

use jiff::Timestamp;
use tidegate_core::change::{Change, ChangeStage};
use tidegate_core::deployment::{Deployment, Phase, Plan};

use super::phases::Mark;
use super::words::{clean, duration, seconds_between};

/// The plan's changes, a line each.
pub(super) fn planned(plan: &Plan) -> Vec<String> {
    let lines = plan
        .changes
        .iter()
        .zip(std::iter::once("changes").chain(std::iter::repeat("")));
    let changes = lines.map(|(change, label)| format!("  {label:<9} {}", clean(&change.describe())));
    let container = plan
        .container
        .iter()
        .zip(std::iter::once("container").chain(std::iter::repeat("")));
    let container = container.map(|(set, label)| format!("  {label:<9} {}", clean(&set.describe())));
    container.chain(changes).collect()
}

/// How the changes of a phase stand, a line each.
pub(super) fn of_phase(deployment: &Deployment, phase: Phase, now: Timestamp) -> Vec<String> {
    let of_it = deployment.changes_of(phase);
    of_it
        .flat_map(|change| {
            let log = deployment.changes.get(&change.id);
            let log = log.map_or(&[][..], |state| &state.log).iter();
            let words = log.map(|line| format!("       | {}", clean(line)));
            std::iter::once(line(deployment, change, now)).chain(words)
        })
        .collect()
}

fn line(deployment: &Deployment, change: &Change, now: Timestamp) -> String {
    let (mark, words) = match deployment.changes.get(&change.id) {
        None => (Mark::NotBegun, String::new()),
        Some(state) => {
            let since = || duration(seconds_between(state.since, now));
            match state.stage {
                ChangeStage::Making => (Mark::Underway, format!("since {}", since())),
                ChangeStage::Made => (Mark::Done, String::new()),
                ChangeStage::Failed => (Mark::Failed, "failed".to_owned()),
                ChangeStage::Undoing => (Mark::Underway, format!("being undone since {}", since())),
                ChangeStage::Undone => (Mark::Done, "undone".to_owned()),
                ChangeStage::Held => match &state.remedy {
                    Some(remedy) => (Mark::Failed, format!("stays; next: {}", clean(remedy))),
                    None => (Mark::Done, "stays".to_owned()),
                },
            }
        }
    };
    format!("   {} {} {words}", mark.symbol(), clean(change.id.as_str()))
        .trim_end()
        .to_owned()
}
