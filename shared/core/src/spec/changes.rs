//! The sections that change something besides the image.

use std::collections::BTreeMap;

use super::build::duplicate;
use super::contracts;
use super::fields::{Fields, Items};
use super::indexes;
use super::model::{Backup, Gate, GatePhase, Migration, MigrationWork, Preparation};
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::change::{Source, Undo};

/// `prepare`.
pub(super) fn prepare(fields: &Fields, problems: &mut Problems) -> Preparation {
    let Some(section) = fields.section("prepare") else {
        return Preparation::default();
    };
    let mut seen: BTreeMap<Source, Span> = BTreeMap::new();
    let mut backups = Vec::new();
    for item in section.list("backups").into_iter().flat_map(Items::sections) {
        let Some((source, span)) = source(item, problems) else {
            continue;
        };
        if let Some(first) = seen.insert(source.clone(), span) {
            problems.push(duplicate(span, first, &format!("the {}", source.title())));
        }
        backups.extend(item.whole("timeout").map(|timeout_seconds| Backup {
            source,
            timeout_seconds,
        }));
    }
    Preparation {
        backups,
        suspend_autoscaling: section.flag("suspendAutoscaling") == Some(true),
    }
}

/// What an item of `backups` is about, and where it stands.
fn source(item: &Fields, problems: &mut Problems) -> Option<(Source, Span)> {
    type Of = fn(String) -> Source;
    let kinds = [
        ("table", Source::Table as Of),
        ("database", Source::Database),
        ("cluster", Source::Cluster),
    ];
    let mut given = kinds.into_iter().filter(|(key, _)| item.is_given(key));
    let (span, message) = match (given.next(), given.next()) {
        (Some((key, of)), None) => return Some((of(item.text(key)?.to_owned()), item.value_span(key))),
        (_, Some((second, _))) => (item.key_span(second), "a backup is of one thing"),
        (None, None) => (item.span, "a backup needs a `table`, a `database` or a `cluster`"),
    };
    let draft = Draft::new(ProblemCode::Contradiction, span, message);
    problems.push(draft.help("begin an item of its own for each table, each database and each cluster"));
    None
}

/// `migrations`.
pub(super) fn migrations(fields: &Fields, prepare: &Preparation, problems: &mut Problems) -> Vec<Migration> {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let (mut indexes, mut types) = (BTreeMap::new(), BTreeMap::new());
    let mut migrations = Vec::new();
    for section in fields.list("migrations").into_iter().flat_map(Items::sections) {
        if let Some(name) = section.text("name") {
            let span = section.value_span("name");
            if let Some(first) = seen.insert(name.to_owned(), span) {
                problems.push(duplicate(span, first, &format!("the migration `{name}`")));
            }
        }
        let Some(migration) = migration(section, problems) else {
            continue;
        };
        if migration.undo == Undo::NeedsRestore && prepare.backups.is_empty() {
            problems.push(no_backup(section, &migration));
        }
        if let Some(index) = migration.index() {
            let key = if index.removes() {
                "removeIndex"
            } else {
                "addIndex"
            };
            let span = section.value_span(key);
            indexes::once(&mut indexes, span, index, problems);
            indexes::types(&mut types, span, index, problems);
        }
        migrations.push(migration);
    }
    migrations
}

fn no_backup(section: &Fields, migration: &Migration) -> Draft {
    let message = format!(
        "only a backup brings back what `{}` changes, and none is taken",
        migration.name
    );
    let draft = Draft::new(ProblemCode::NoBackup, section.value_span("undo"), message);
    draft
        .help("name the table, the database or the cluster in `prepare.backups`")
        .warning()
}

fn migration(section: &Fields, problems: &mut Problems) -> Option<Migration> {
    let (work, undo) = match indexes::kind(section, problems)? {
        "command" => command(section, problems)?,
        _ => indexes::index(section, problems)?,
    };
    Some(Migration {
        name: section.text("name")?.to_owned(),
        timeout_seconds: timeout(section, &work, problems)?,
        work,
        undo,
        silent: section.flag("logTail") == Some(false),
        stage: contracts::stage(section, undo, problems)?,
    })
}

/// The commands of a migration that is a task, with how it is undone.
fn command(section: &Fields, problems: &mut Problems) -> Option<(MigrationWork, Undo)> {
    let undo = match section.text("undo") {
        Some("revertible") => Undo::Revertible,
        Some("needs-restore") => Undo::NeedsRestore,
        // The table knows these three words only.
        Some(_) => Undo::ForwardOnly,
        None if section.is_given("down") => Undo::Revertible,
        None => Undo::ForwardOnly,
    };
    let contradicts = |message: &str, span: Span| Draft::new(ProblemCode::Contradiction, span, message);
    if undo == Undo::Revertible && !section.is_given("down") {
        let draft = contradicts(
            "a revertible migration needs a `down` command",
            section.value_span("undo"),
        );
        problems.push(draft.help("add `down`, or write `undo: forward-only`"));
    }
    if undo != Undo::Revertible && section.is_given("down") {
        let message = format!("`down` is never run for a migration that is {}", undo.as_str());
        let draft = contradicts(&message, section.value_span("down"));
        problems.push(draft.help("take `down` out, or write `undo: revertible`"));
    }
    if section.is_given("table") {
        let draft = contradicts("a command says itself what it changes", section.key_span("table"));
        problems.push(draft.help("take `table` out, or add an index of it with `addIndex`"));
    }
    let work = MigrationWork::Command {
        command: words(section, "command")?,
        verify: words(section, "verify"),
        down: words(section, "down"),
    };
    Some((work, undo))
}

/// ECS forgets a task an hour after its end; DynamoDB forgets no index.
const LONGEST_TASK_SECONDS: u32 = 3000;

/// `timeout`, by default a quarter of an hour for a command, and two hours for an index.
fn timeout(section: &Fields, work: &MigrationWork, problems: &mut Problems) -> Option<u32> {
    let task = match work {
        MigrationWork::Command { .. } => true,
        MigrationWork::Index { .. } => false,
    };
    if !section.is_given("timeout") {
        return Some(if task { 900 } else { 7200 });
    }
    let seconds = section.whole("timeout")?;
    if task && seconds > LONGEST_TASK_SECONDS {
        let message = "a command of a migration runs for 50m at most";
        let draft = Draft::new(ProblemCode::OutOfRange, section.value_span("timeout"), message);
        problems.push(draft.help("make it in several steps, each a migration of its own"));
    }
    Some(seconds)
}

fn words(section: &Fields, key: &str) -> Option<Vec<String>> {
    let items = section.list(key)?;
    Some(items.texts().map(|(_, text)| text.to_owned()).collect())
}

/// A gate before a phase that has no work would never be asked.
pub(super) fn gates_have_work(fields: &Fields, gates: &[Gate], problems: &mut Problems) {
    for gate in gates {
        let sections: &[&str] = match gate.before {
            GatePhase::Migrate => &["migrations"],
            GatePhase::Infrastructure => &["infrastructure"],
            GatePhase::Configure => &["configuration.parameters", "configuration.flags"],
            GatePhase::Prepare
            | GatePhase::Shift
            | GatePhase::Validate
            | GatePhase::Complete
            | GatePhase::Contract => continue,
        };
        let analyzes = gate.before == GatePhase::Infrastructure && fields.is_given("analyzer");
        let given = |section: &&str| match section.split_once('.') {
            Some((outer, key)) => fields.section(outer).is_some_and(|outer| outer.is_given(key)),
            None => fields.is_given(section),
        };
        if !analyzes && !sections.iter().any(given) {
            let before = gate.before.as_str();
            let lacks = sections.join("` and no `");
            let message = format!("a gate before `{before}` is never asked: the file has no `{lacks}`");
            let draft = Draft::new(ProblemCode::NoEffect, fields.value_span("gates"), message);
            problems.push(draft.help("put the gate before `prepare` or `shift`"));
        }
    }
}
