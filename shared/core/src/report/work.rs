//! What was changed besides the image, what came of it, and what it wrote last.

use super::Source;
use super::page::{Block, Cell, Table};
use crate::change::{Change, ChangeStage};
use crate::event::Event;
use crate::messages::text::clean;

/// The plan's changes; nothing where there are none.
pub(super) fn blocks(source: Source<'_>) -> Vec<Block> {
    let changes = source.deployment.planned_changes();
    if changes.is_empty() {
        return Vec::new();
    }
    let rows = changes.iter().map(|change| {
        vec![
            Cell::Text(change.describe()),
            Cell::Text(stands(source.deployment.change_stage(&change.id)).to_owned()),
            Cell::Text(told(source, change).0.join("; ")),
        ]
    });
    let table = Table {
        head: vec!["Change", "How it stands", "What came of it"],
        rows: rows.collect(),
    };
    let mut blocks = vec![Block::Table(table)];
    for change in changes {
        let log = told(source, change).1;
        if !log.is_empty() {
            blocks.push(Block::Text(format!("Last lines of {}:", change.id)));
            blocks.push(Block::Lines(log));
        }
    }
    blocks
}

const fn stands(stage: Option<ChangeStage>) -> &'static str {
    match stage {
        None => "not begun",
        Some(ChangeStage::Making) => "being made",
        Some(ChangeStage::Made) => "made",
        Some(ChangeStage::Failed) => "failed",
        Some(ChangeStage::Undoing) => "being undone",
        Some(ChangeStage::Undone) => "undone",
        Some(ChangeStage::Held) => "stays",
    }
}

/// What the journal says of a change, and the lines that it wrote.
fn told(source: Source<'_>, change: &Change) -> (Vec<String>, Vec<String>) {
    let (mut texts, mut lines) = (Vec::new(), Vec::new());
    for entry in source.journal {
        let (id, text, log) = match &entry.event {
            Event::ChangeMade { id, detail, log } => (id, detail, &log[..]),
            Event::ChangeFailed { id, reason, log } | Event::ChangeHeld { id, reason, log, .. } => {
                (id, reason, &log[..])
            }
            Event::ChangeUndone { id, detail } => (id, detail, &[][..]),
            Event::DeploymentRequested { .. }
            | Event::PhaseEntered { .. }
            | Event::Planned { .. }
            | Event::GateOpened { .. }
            | Event::Decided { .. }
            | Event::GatePassed { .. }
            | Event::TaskDefinitionRegistered { .. }
            | Event::Waiting { .. }
            | Event::ScalingStarted { .. }
            | Event::TestingStarted { .. }
            | Event::SuiteStarted { .. }
            | Event::SuiteEnded { .. }
            | Event::WeightDecided { .. }
            | Event::WeightReached { .. }
            | Event::Checked { .. }
            | Event::ShiftDone
            | Event::AbortRequested { .. }
            | Event::RollbackStarted { .. }
            | Event::ForwardActionRestored { .. }
            | Event::TrafficReturned { .. }
            | Event::TrafficReasserted
            | Event::CandidateScaledIn
            | Event::ChangeProposed { .. }
            | Event::ChangeStarted { .. }
            | Event::UndoStarted { .. }
            | Event::ChangesTakenOver { .. }
            | Event::Exited { .. } => continue,
        };
        if *id == change.id {
            texts.push(clean(text));
            lines.extend(log.iter().map(|line| clean(line)));
        }
    }
    (texts, lines)
}
