//! Changes besides the image: what is planned, and how each one stands.

use jiff::Timestamp;
use tidegate_core::change::{Change, ChangeStage, Proposal, Stays};
use tidegate_core::deployment::{Deployment, Phase, Plan};
use tidegate_core::spec::GatePhase;

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

/// What follows in a deployment of its own, a line each.
pub(super) fn contract(plan: &Plan) -> Vec<String> {
    let Some(contract) = &plan.contract else {
        return Vec::new();
    };
    let after = duration(contract.after_seconds.into());
    let head = format!("  {:<9} {after} after completion, when people agree:", "contract");
    let lines = contract.changes.iter();
    let lines = lines.map(|change| format!("  {:<9} {}", "", clean(&change.describe())));
    std::iter::once(head).chain(lines).collect()
}

/// How the changes of a phase stand, a line each.
pub(super) fn of_phase(deployment: &Deployment, phase: Phase, now: Timestamp) -> Vec<String> {
    let of_it = deployment.changes_of(phase);
    let lines = of_it.flat_map(|change| {
        // Once it is made, the journal says what came of it.
        let open = !deployment.changes.contains_key(&change.id);
        let proposal = deployment.proposals.get(&change.id).filter(|_| open);
        let would = proposal.map(|one| proposed(one, "     ")).unwrap_or_default();
        let log = deployment.changes.get(&change.id);
        let log = log.map_or(&[][..], |state| &state.log).iter();
        let words = log.map(|line| format!("       | {}", clean(line)));
        std::iter::once(line(deployment, change, now))
            .chain(would)
            .chain(words)
    });
    lines.collect()
}

/// What a change would do, its sum first.
pub(super) fn proposed(proposal: &Proposal, indent: &str) -> Vec<String> {
    let sum = format!("{indent}would do: {}", proposal.summary());
    let lines = proposal
        .lines
        .iter()
        .map(|line| format!("{indent}  {}", clean(line)));
    std::iter::once(sum).chain(lines).collect()
}

/// What people at a gate agree to besides the plan.
pub fn behind(deployment: &Deployment, before: GatePhase) -> String {
    let proposals = deployment.proposed(before);
    let lines = proposals.flat_map(|(change, proposal)| {
        let heading = format!("  {}", clean(change.id.as_str()));
        std::iter::once(heading).chain(proposed(proposal, "    "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a rollback has chosen, and what may be done about it.
fn stays(stays: Option<&Stays>) -> String {
    let choice = stays.and_then(|stays| stays.choice);
    let choice = choice.map_or_else(String::new, |choice| format!(" ({})", choice.as_str()));
    let advice = stays.and_then(|stays| stays.advice.as_deref());
    let advice = advice.map_or_else(String::new, |advice| format!("; {}", clean(advice)));
    format!("stays{choice}{advice}")
}

fn line(deployment: &Deployment, change: &Change, now: Timestamp) -> String {
    let (mark, words) = match deployment.changes.get(&change.id) {
        None => (Mark::NotBegun, format!("({})", change.undo.as_str())),
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
                    None => (Mark::Done, stays(state.stays.as_ref())),
                },
            }
        }
    };
    format!("   {} {} {words}", mark.symbol(), clean(change.id.as_str()))
        .trim_end()
        .to_owned()
}
