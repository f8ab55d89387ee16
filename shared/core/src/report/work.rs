//! What was changed besides the image, what came of it, and what it wrote last.

use super::Source;
use super::page::{Block, Cell, Table};
use crate::change::{Change, ChangeStage};
use crate::messages::text::clean;

/// The plan's changes; nothing where there are none.
pub(super) fn blocks(source: Source<'_>) -> Vec<Block> {
    let changes = source.deployment.planned_changes();
    if changes.is_empty() {
        return Vec::new();
    }
    let (mut rows, mut logs) = (Vec::new(), Vec::new());
    for change in changes {
        let (texts, lines) = told(source, change);
        rows.push(vec![
            Cell::Text(change.describe()),
            Cell::Text(stands(source.deployment.change_stage(&change.id)).to_owned()),
            Cell::Text(texts.join("; ")),
        ]);
        if !lines.is_empty() {
            logs.push(Block::Text(format!("Last lines of {}:", change.id)));
            logs.push(Block::Lines(lines));
        }
    }
    let head = vec!["Change", "How it stands", "What came of it"];
    let mut blocks = vec![Block::Table(Table { head, rows })];
    blocks.append(&mut logs);
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
    let outcomes = source
        .journal
        .iter()
        .filter_map(|entry| entry.event.came_of_change());
    for (_, text, log) in outcomes.filter(|(id, ..)| **id == change.id) {
        texts.push(clean(text));
        lines.extend(log.iter().map(|line| clean(line)));
    }
    (texts, lines)
}
