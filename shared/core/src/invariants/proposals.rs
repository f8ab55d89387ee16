//! Changes that say what they would do before they are made: invariant 27.

use super::view::{Record, View};
use crate::change::{Change, Direction, Proposal};
use crate::event::Event;
use crate::ids::ChangeId;

/// 27. What is applied is what was proposed, and approved where people were to be asked.
///
/// Sees what was executed, by its name, and the record: a proposal is written down once, before its change
/// begins; where the file or the proposal itself asks for people, the gate was passed in between.
pub(super) fn applied_is_proposed(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        for change in record.deployment.planned_changes() {
            if change.work.proposes() {
                found.extend(broken(view, record, change).map(|what| record.says(what)));
            }
        }
    }
    found
}

fn broken(view: &View, record: &Record, change: &Change) -> impl Iterator<Item = String> {
    let id = &change.id;
    let proposal = record.deployment.proposals.get(id);
    let ours = view.runs.iter().filter(|run| {
        (&run.deployment, &run.change, run.direction) == (&record.deployment.id, id, Direction::Make)
    });
    let other = ours.filter(|run| run.artifact.as_ref() != proposal.map(|one| &one.artifact));
    let other = other.map(|run| format!("{id}: {:?} was applied, which was not proposed", run.artifact));
    let other: Vec<String> = other.collect();
    let told = proposed(record, id);
    let again = (told.len() > 1).then(|| format!("{id} was proposed {} times", told.len()));
    let early = started(record, id).and_then(|began| {
        let (at, proposal) = told.first()?;
        let early = *at > began || !asked(record, change, proposal, began);
        early.then(|| format!("{id} began before its proposal was told and agreed to"))
    });
    let untold =
        (started(record, id).is_some() && told.is_empty()).then(|| format!("{id} began without a proposal"));
    other.into_iter().chain(again).chain(early).chain(untold)
}

/// Whether everybody who had to agree had, before the entry at which the change began.
fn asked(record: &Record, change: &Change, proposal: &Proposal, began: usize) -> bool {
    let deployment = &record.deployment;
    let threshold = deployment.threshold_of(change);
    let Some(before) = change.phase.gate() else {
        return !proposal.needs_consent(threshold);
    };
    let gated = deployment.spec.gate(before).is_some();
    if !gated && !proposal.needs_consent(threshold) {
        return true;
    }
    record.journal.iter().take(began).any(|entry| match &entry.event {
        Event::GatePassed { before: passed } => *passed == before,
        _ => false,
    })
}

fn started(record: &Record, change: &ChangeId) -> Option<usize> {
    let mut journal = record.journal.iter();
    journal.position(|entry| matches!(&entry.event, Event::ChangeStarted { id, .. } if id == change))
}

fn proposed<'a>(record: &'a Record, change: &ChangeId) -> Vec<(usize, &'a Proposal)> {
    let journal = record.journal.iter().enumerate();
    journal
        .filter_map(|(at, entry)| match &entry.event {
            Event::ChangeProposed { id, proposal } if id == change => Some((at, &**proposal)),
            _ => None,
        })
        .collect()
}
