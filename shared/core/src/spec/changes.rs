//! The sections that change something besides the image.

use std::collections::BTreeMap;

use super::build::duplicate;
use super::fields::{Fields, Items};
use super::model::{Gate, GatePhase, Migration, Preparation};
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::change::Undo;

/// `prepare`.
pub(super) fn prepare(fields: &Fields) -> Preparation {
    let section = fields.section("prepare");
    Preparation {
        suspend_autoscaling: section.and_then(|section| section.flag("suspendAutoscaling")) == Some(true),
    }
}

/// `migrations`.
pub(super) fn migrations(fields: &Fields, problems: &mut Problems) -> Vec<Migration> {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut migrations = Vec::new();
    for section in fields.list("migrations").into_iter().flat_map(Items::sections) {
        if let Some(name) = section.text("name") {
            let span = section.value_span("name");
            if let Some(first) = seen.insert(name.to_owned(), span) {
                problems.push(duplicate(span, first, &format!("the migration `{name}`")));
            }
        }
        migrations.extend(migration(section, problems));
    }
    migrations
}

fn migration(section: &Fields, problems: &mut Problems) -> Option<Migration> {
    let down = words(section, "down");
    let undo = match section.text("undo") {
        Some("revertible") => Undo::Revertible,
        Some("needs-restore") => Undo::NeedsRestore,
        // The table knows these three words only.
        Some(_) => Undo::ForwardOnly,
        None if section.is_given("down") => Undo::Revertible,
        None => Undo::ForwardOnly,
    };
    let contradicts =
        |message: &str, key: &str| Draft::new(ProblemCode::Contradiction, section.value_span(key), message);
    if undo == Undo::Revertible && !section.is_given("down") {
        let draft = contradicts("a revertible migration needs a `down` command", "undo");
        problems.push(draft.help("add `down`, or write `undo: forward-only`"));
    }
    if undo != Undo::Revertible && section.is_given("down") {
        let message = format!("`down` is never run for a migration that is {}", undo.as_str());
        problems.push(contradicts(&message, "down").help("take `down` out, or write `undo: revertible`"));
    }
    Some(Migration {
        name: section.text("name")?.to_owned(),
        command: words(section, "command")?,
        verify: words(section, "verify"),
        down,
        undo,
        timeout_seconds: section.whole("timeout")?,
    })
}

fn words(section: &Fields, key: &str) -> Option<Vec<String>> {
    let items = section.list(key)?;
    Some(items.texts().map(|(_, text)| text.to_owned()).collect())
}

/// A gate before a phase that has no work would never be asked.
pub(super) fn gates_have_work(fields: &Fields, gates: &[Gate], problems: &mut Problems) {
    for gate in gates {
        let section = match gate.before {
            GatePhase::Migrate => "migrations",
            GatePhase::Infrastructure => "infrastructure",
            GatePhase::Configure => "configuration",
            GatePhase::Prepare | GatePhase::Shift | GatePhase::Validate | GatePhase::Complete => continue,
        };
        if !fields.is_given(section) {
            let before = gate.before.as_str();
            let message = format!("a gate before `{before}` is never asked: the file has no `{section}`");
            let draft = Draft::new(ProblemCode::NoEffect, fields.value_span("gates"), message);
            problems.push(draft.help("put the gate before `prepare` or `shift`"));
        }
    }
}
