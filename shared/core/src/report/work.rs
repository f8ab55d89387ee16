//! What was changed besides the image, what came of it, and what it wrote last.

use super::Source;
use super::page::{Block, Cell, Table};
use crate::change::{Change, ChangeStage, Undo, in_brackets, taken};
use crate::deployment::Deployment;
use crate::messages::text::clean;

/// The plan's changes; nothing where there are none.
pub(super) fn blocks(source: Source<'_>) -> Vec<Block> {
    let changes = source.deployment.planned_changes();
    if changes.is_empty() {
        return Vec::new();
    }
    let (mut rows, mut logs) = (Vec::new(), Vec::new());
    for change in changes {
        let (mut texts, lines) = told(source, change);
        texts.extend(to_do(source.deployment, change));
        rows.push(vec![
            Cell::Text(change.describe()),
            Cell::Text(clean(&stands(source.deployment, change))),
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

fn stands(deployment: &Deployment, change: &Change) -> String {
    let back = deployment.rollback.is_some();
    let words = match deployment.change_stage(&change.id) {
        None => "not begun",
        Some(ChangeStage::Making) => "being made",
        Some(ChangeStage::Made) => "made",
        Some(ChangeStage::Failed) => "failed",
        Some(ChangeStage::Undoing) => "being undone",
        Some(ChangeStage::Undone) if back => "taken back",
        Some(ChangeStage::Undone) => "put back",
        Some(ChangeStage::Held) => return how_it_stays(deployment, change),
    };
    words.to_owned()
}

fn how_it_stays(deployment: &Deployment, change: &Change) -> String {
    if change.undo == Undo::NeedsRestore {
        let backups = taken(deployment);
        return match backups.is_empty() {
            true => "needs a restore".to_owned(),
            false => format!("needs a restore: {}", backups.join(", ")),
        };
    }
    let state = deployment.changes.get(&change.id);
    let stays = state.and_then(|state| state.stays.as_ref());
    format!("stays{}", in_brackets(stays.and_then(|stays| stays.choice)))
}

/// What a person must or should do about a change that stays.
fn to_do(deployment: &Deployment, change: &Change) -> Option<String> {
    let state = deployment.changes.get(&change.id)?;
    let advice = || state.stays.as_ref()?.advice.as_ref();
    state.remedy.as_ref().or_else(advice).map(|text| clean(text))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::change::Choice;
    use crate::event::Event;
    use crate::ids::ChangeId;
    use crate::report::{markdown, report};
    use crate::testing::{CANARY, planned, rolling_back, tell};

    #[test]
    fn each_change_says_whether_it_was_taken_back_stays_or_needs_a_restore() {
        let file = format!(
            "{CANARY}prepare: {{backups: [{{table: orders}}]}}\nmigrations:\n  - {{name: a, command: [up], down: [down]}}\n\
             \x20 - {{name: b, command: [up]}}\n  - {{name: c, command: [up], undo: needs-restore}}\n"
        );
        let mut deployment = planned(&file);
        let id = |name: &str| ChangeId::of("migration", name);
        let held = |name: &str, choice, advice: Option<&str>, remedy: Option<&str>| Event::ChangeHeld {
            id: id(name),
            choice: Some(choice),
            reason: "as it is".to_owned(),
            remedy: remedy.map(str::to_owned),
            advice: advice.map(str::to_owned),
            log: Vec::new(),
        };
        let backups = |one: &&Change| matches!(one.work, crate::change::Work::Backup { .. });
        let backup = deployment
            .planned_changes()
            .iter()
            .find(backups)
            .map(|one| one.id.clone())
            .unwrap();
        let begun = [backup.clone(), id("a"), id("b"), id("c")];
        for change in begun {
            let before = None;
            tell(&mut deployment, 10, Event::ChangeStarted { id: change, before });
        }
        let detail = "2 GiB in arn:aws:dynamodb:backup/1".to_owned();
        let log = Vec::new();
        tell(
            &mut deployment,
            11,
            Event::ChangeMade {
                id: backup,
                detail,
                log,
            },
        );
        let mut deployment = rolling_back(deployment);
        let detail = "exit code 0".to_owned();
        for event in [
            Event::ChangeUndone { id: id("a"), detail },
            held("b", Choice::RollForward, Some("look at its log"), None),
            held("c", Choice::Hold, None, Some("decide about it")),
        ] {
            tell(&mut deployment, 1100, event);
        }
        let text = markdown::render(&report(&deployment, &[]));
        for words in [
            "| taken back |",
            "| stays (roll forward) | look at its log |",
            "| needs a restore: table orders (2 GiB in arn:aws:dynamodb:backup/1) | decide about it |",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}
