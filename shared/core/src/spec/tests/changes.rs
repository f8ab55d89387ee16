//! Sections that change something besides the image.

use super::*;
use crate::change::Undo;

/// Every key of these sections, in a file that is accepted.
pub(super) const CHANGES: &str = "
migrations:
  - name: add-email
    command: [bin/migrate, up, add-email]
    verify: [bin/migrate, check]
    down: [bin/migrate, down, add-email]
    undo: revertible
    timeout: 5m
";

fn messages(extra: &str) -> Vec<String> {
    let errors = errors(&target("rolling", extra));
    let problems = errors.problems().iter();
    problems
        .map(|one| format!("{}:{} {}", one.line, one.column, one.message))
        .collect()
}

#[test]
fn a_migration_says_how_it_is_made_checked_and_taken_back() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let expected = Migration {
        name: "add-email".to_owned(),
        command: words("bin/migrate up add-email"),
        verify: Some(words("bin/migrate check")),
        down: Some(words("bin/migrate down add-email")),
        undo: Undo::Revertible,
        timeout_seconds: 300,
    };
    assert_eq!(spec.migrations, [expected]);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
}

#[test]
fn how_a_migration_is_undone_follows_from_whether_it_has_a_way_down() {
    let undo = |rest: &str| {
        let text = format!("migrations: [{{name: a, command: [up]{rest}}}]\n");
        accept(&target("rolling", &text)).spec.migrations[0].undo
    };
    assert_eq!(undo(""), Undo::ForwardOnly);
    assert_eq!(undo(", down: [back]"), Undo::Revertible);
    assert_eq!(undo(", undo: needs-restore"), Undo::NeedsRestore);
    assert_eq!(undo(", undo: forward-only"), Undo::ForwardOnly);
}

#[test]
fn a_migration_does_not_contradict_itself() {
    let one = |rest: &str| messages(&format!("migrations: [{{name: a, command: [up]{rest}}}]\n"));
    assert_eq!(
        one(", undo: revertible"),
        ["4:45 a revertible migration needs a `down` command"]
    );
    assert_eq!(
        one(", down: [back], undo: forward-only"),
        ["4:45 `down` is never run for a migration that is forward-only"]
    );
    let twice = "migrations: [{name: a, command: [up]}, {name: a, command: [up]}]\n";
    assert_eq!(messages(twice), ["4:47 the migration `a` is given twice"]);
}

#[test]
fn a_gate_stands_only_before_a_phase_that_has_work() {
    let gate = "gates:\n  - before: migrate\n    approvals: [{role: product}]\n";
    assert_eq!(
        messages(gate),
        ["5:3 a gate before `migrate` is never asked: the file has no `migrations`"]
    );
    let spec = accept(&target("rolling", &format!("{gate}{CHANGES}"))).spec;
    assert_eq!(spec.gates[0].before, GatePhase::Migrate);
}
