//! Migrations that change an index of a DynamoDB table: what goes together, and what does not.

use std::collections::BTreeMap;

use super::build::duplicate;
use super::fields::Fields;
use super::model::MigrationWork;
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::change::Undo;
use crate::change::index::{
    AttributeType, Capacity, IndexDefinition, IndexTo, IndexWork, KeyAttribute, Projection,
};

/// The keys of which a migration has one.
const KINDS: [&str; 3] = ["command", "addIndex", "removeIndex"];
/// Keys about tasks, of which an index has none.
const OF_TASKS: [&str; 3] = ["verify", "down", "logTail"];

/// Which of the kinds a migration is; nothing where the file does not say, or says several.
pub(super) fn kind(section: &Fields, problems: &mut Problems) -> Option<&'static str> {
    let given: Vec<&str> = KINDS.into_iter().filter(|key| section.is_given(key)).collect();
    let (span, message, help) = match given[..] {
        [one] => return Some(one),
        [] => (
            section.span,
            "a migration needs a `command`, an `addIndex` or a `removeIndex`",
            "say what it does: `command: [bin/migrate, up]`",
        ),
        [_, second, ..] => (
            section.key_span(second),
            "a migration does one thing",
            "begin an item of its own for each",
        ),
    };
    let draft = Draft::new(ProblemCode::Contradiction, span, message);
    problems.push(draft.help(help));
    None
}

/// `addIndex` or `removeIndex`, with how it is undone.
pub(super) fn index(section: &Fields, problems: &mut Problems) -> Option<(MigrationWork, Undo)> {
    let removes = section.is_given("removeIndex");
    has_no_task(section, removes, problems);
    stage_fits(section, removes, problems)?;
    let undo = undo(section, removes, problems);
    if !section.is_given("table") {
        let key = if removes { "removeIndex" } else { "addIndex" };
        let message = "an index is one of a table";
        let draft = Draft::new(ProblemCode::MissingKey, section.key_span(key), message);
        problems.push(draft.help("name it: `table: orders`"));
    }
    let (name, to) = match removes {
        true => (section.text("removeIndex")?.to_owned(), IndexTo::Removed),
        false => {
            let added = section.section("addIndex")?;
            let to = IndexTo::Added {
                definition: definition(added, problems)?,
                capacity: capacity(added),
            };
            (added.text("name")?.to_owned(), to)
        }
    };
    let table = section.text("table")?.to_owned();
    let index = IndexWork { table, name, to };
    Some((MigrationWork::Index { index }, undo))
}

/// What a task has and an index has not.
fn has_no_task(section: &Fields, removes: bool, problems: &mut Problems) {
    for key in OF_TASKS.into_iter().filter(|key| section.is_given(key)) {
        let message = format!("`{key}` is about a task, and DynamoDB makes an index without one");
        let help = match (key, removes) {
            ("verify", false) => "take it out: the index counts as made when DynamoDB says that it is active",
            ("down", false) => "take it out: a rollback removes the index that was added",
            _ => "take it out",
        };
        let draft = Draft::new(ProblemCode::Contradiction, section.key_span(key), message);
        problems.push(draft.help(help));
    }
}

/// An index is added before traffic, and removed by a contract; nothing where the file says otherwise.
fn stage_fits(section: &Fields, removes: bool, problems: &mut Problems) -> Option<()> {
    let (span, message, help) = match (section.text("stage"), removes) {
        (Some("contract"), true) | (None | Some("expand" | "backfill"), false) => return Some(()),
        (Some(_), false) => (
            section.value_span("stage"),
            "an index that is added takes nothing away from older code",
            "take `stage` and `after` out",
        ),
        (Some(_) | None, true) => (
            section.key_span("removeIndex"),
            "older code may still read this index",
            "write `stage: contract`, and with `after: 7d` how long code serves that does without it",
        ),
    };
    let draft = Draft::new(ProblemCode::Contradiction, span, message);
    problems.push(draft.help(help));
    None
}

fn undo(section: &Fields, removes: bool, problems: &mut Problems) -> Undo {
    let fitting = match removes {
        true => Undo::ForwardOnly,
        false => Undo::Revertible,
    };
    let (message, help) = match (section.text("undo"), removes) {
        (None, _) => return fitting,
        (Some("forward-only"), _) => return Undo::ForwardOnly,
        (Some("revertible"), false) => return fitting,
        (Some("revertible"), true) => (
            "an index that was removed is not made again by a rollback",
            "write `undo: forward-only`, or take `undo` out; the journal keeps how the index was",
        ),
        // The table knows these three words only.
        (Some(_), _) => (
            "an index has nothing that only a backup brings back: DynamoDB makes it from the table",
            "take `undo` out",
        ),
    };
    let draft = Draft::new(ProblemCode::Contradiction, section.value_span("undo"), message);
    problems.push(draft.help(help));
    fitting
}

fn definition(added: &Fields, problems: &mut Problems) -> Option<IndexDefinition> {
    let partition = keys(added, "partitionKey");
    let sort = keys(added, "sortKey");
    let mut twice = |span: Span, name: &str| {
        let message = format!("`{name}` is part of the key already");
        let draft = Draft::new(ProblemCode::DuplicateValue, span, message);
        problems.push(draft.help("take it out, or name another attribute"));
    };
    if let Some(one) = sort.iter().find(|one| partition.contains(one)) {
        twice(added.value_span("sortKey"), &one.name);
    }
    let listed = added.list("attributes");
    for (span, name) in listed.into_iter().flat_map(|items| items.texts()) {
        if partition.iter().chain(&sort).any(|key| key.name == name) {
            twice(span, name);
        }
    }
    if added.is_given("project") && added.is_given("attributes") {
        let message = "`attributes` says what the index has beside the keys, and so does `project`";
        let draft = Draft::new(ProblemCode::Contradiction, added.key_span("project"), message);
        problems.push(draft.help("keep one of the two"));
    }
    let listed = listed.map(|items| items.texts().map(|(_, name)| name.to_owned()).collect());
    Some(IndexDefinition {
        projection: match (listed, added.text("project")) {
            (Some(listed), _) => Projection::Only(listed),
            (None, Some("keysOnly")) => Projection::KeysOnly,
            // The table knows these two words only.
            (None, Some(_) | None) => Projection::All,
        },
        partition_key: (!partition.is_empty()).then_some(partition)?,
        sort_key: sort,
    })
}

fn keys(added: &Fields, key: &str) -> Vec<KeyAttribute> {
    let named = added.map(key).iter();
    let key = named.filter_map(|one| {
        let kind = AttributeType::named(&one.text)?;
        let name = one.name.clone();
        Some(KeyAttribute { name, kind })
    });
    key.collect()
}

fn capacity(added: &Fields) -> Option<Capacity> {
    let given = added.section("capacity")?;
    let (read, write) = (given.whole("read")?, given.whole("write")?);
    Some(Capacity { read, write })
}

/// A file changes each index once: what it adds and removes would be made and removed with every deployment.
pub(super) fn once(
    seen: &mut BTreeMap<(String, String), Span>,
    span: Span,
    index: &IndexWork,
    problems: &mut Problems,
) {
    let key = (index.table.clone(), index.name.clone());
    if let Some(first) = seen.insert(key, span) {
        problems.push(duplicate(span, first, &format!("the index `{}`", index.title())));
    }
}

/// Attributes that have two types in the keys of a table's indexes.
pub(super) fn types(
    known: &mut BTreeMap<(String, String), AttributeType>,
    span: Span,
    index: &IndexWork,
    problems: &mut Problems,
) {
    let IndexTo::Added { definition, .. } = &index.to else {
        return;
    };
    for key in definition.keys() {
        let at = (index.table.clone(), key.name.clone());
        if *known.entry(at).or_insert(key.kind) != key.kind {
            let message = format!(
                "`{}` has another type in another index of `{}`",
                key.name, index.table
            );
            let draft = Draft::new(ProblemCode::Contradiction, span, message);
            problems.push(draft.help("one attribute has one type in all keys of a table"));
        }
    }
}
