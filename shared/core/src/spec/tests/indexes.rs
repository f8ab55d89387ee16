//! Migrations that change an index of a DynamoDB table.

use super::changes::messages;
use super::*;
use crate::change::Undo;
use crate::change::index::{Capacity, IndexTo, Projection};

/// An index that a contract removes; it stands in a file of its own, because it is not in [`super::changes::CHANGES`].
pub(super) const REMOVES: &str = "
migrations:
  - {name: drop-by-mail, table: orders, removeIndex: by-mail, stage: contract, after: 7d}
gates:
  - {before: contract, approvals: [{role: tech-lead}]}
";

fn migrations(items: &str) -> Vec<Migration> {
    accept(&target("rolling", &format!("migrations: [{items}]\n")))
        .spec
        .migrations
}

fn refused(items: &str) -> Vec<String> {
    messages(&format!("migrations: [{items}]\n"))
}

/// An index with more in its item and in itself.
fn added(item: &str, index: &str) -> String {
    format!("{{name: a, table: orders, addIndex: {{name: by-a, partitionKey: {{a: S}}{index}}}{item}}}")
}

#[test]
fn an_index_is_added_with_its_keys_and_attributes() {
    let spec = accept(&target("rolling", super::changes::CHANGES)).spec;
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let [_, first, second] = &spec.migrations[..] else {
        panic!("{:?}", spec.migrations)
    };
    let described = |one: &Migration| one.index().unwrap().describe(None);
    assert_eq!(
        described(first),
        "add index by-customer to DynamoDB table orders: partition key customer (S), sort key placed (N), with total, 5 \
         read and 10 write capacity units"
    );
    assert_eq!(
        described(second),
        "add index by-day to DynamoDB table orders: partition key day (S), keys only"
    );
    assert_eq!((first.undo, first.timeout_seconds), (Undo::Revertible, 21_600));
    assert_eq!((second.undo, second.timeout_seconds), (Undo::Revertible, 7200));
    let IndexTo::Added { capacity, .. } = &first.index().unwrap().to else {
        panic!("{first:?}")
    };
    assert_eq!(*capacity, Some(Capacity { read: 5, write: 10 }));
}

#[test]
fn an_index_has_everything_unless_the_file_says_otherwise() {
    let projection = |index: &str| match &migrations(&added("", index))[0].index().unwrap().to {
        IndexTo::Added { definition, .. } => definition.projection.clone(),
        IndexTo::Removed => unreachable!(),
    };
    assert_eq!(projection(""), Projection::All);
    assert_eq!(projection(", project: all"), Projection::All);
    assert_eq!(projection(", project: keysOnly"), Projection::KeysOnly);
    let listed = ["x", "y"].map(str::to_owned).into();
    assert_eq!(projection(", attributes: [y, x, y]"), Projection::Only(listed));
}

#[test]
fn an_index_is_removed_by_a_contract_only() {
    let spec = accept(&target("rolling", REMOVES)).spec;
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let removed = &spec.migrations[0];
    assert_eq!(
        removed.index().unwrap().describe(None),
        "remove index by-mail of DynamoDB table orders"
    );
    assert_eq!((removed.undo, removed.contracts()), (Undo::ForwardOnly, true));
    assert_eq!(
        refused("{name: a, table: orders, removeIndex: by-mail}"),
        ["4:39 older code may still read this index"]
    );
    assert_eq!(
        refused("{name: a, table: orders, removeIndex: by-mail, stage: backfill}"),
        ["4:39 older code may still read this index"]
    );
}

#[test]
fn a_migration_does_one_thing() {
    assert_eq!(
        refused("{name: a}"),
        ["4:15 a migration needs a `command`, an `addIndex` or a `removeIndex`"]
    );
    assert_eq!(
        refused("{name: a, command: [up], table: orders, removeIndex: by-mail}"),
        ["4:54 a migration does one thing"]
    );
    assert_eq!(
        refused("{name: a, command: [up], table: orders}"),
        ["4:39 a command says itself what it changes"]
    );
    assert_eq!(
        refused("{name: a, addIndex: {name: by-a, partitionKey: {a: S}}}"),
        ["4:24 an index is one of a table"]
    );
}

#[test]
fn what_is_about_tasks_does_not_go_with_an_index() {
    let of_tasks =
        |key: &str| format!("4:85 `{key}` is about a task, and DynamoDB makes an index without one");
    for (rest, key) in [
        (", verify: [check]", "verify"),
        (", down: [down]", "down"),
        (", logTail: false", "logTail"),
    ] {
        assert_eq!(refused(&added(rest, "")), [of_tasks(key)]);
    }
    assert_eq!(
        refused(&added(", stage: contract, after: 7d", ""))[0],
        "4:92 an index that is added takes nothing away from older code"
    );
    let undo = |undo: &str| migrations(&added(&format!(", undo: {undo}"), ""))[0].undo;
    assert_eq!(undo("revertible"), Undo::Revertible);
    assert_eq!(undo("forward-only"), Undo::ForwardOnly);
    assert_eq!(
        refused(&added(", undo: needs-restore", "")),
        ["4:91 an index has nothing that only a backup brings back: DynamoDB makes it from the table"]
    );
    let gate = "gates: [{before: contract, approvals: [{role: tech-lead}]}]\n";
    let removed = |undo: &str| {
        format!(
            "{gate}migrations: [{{name: a, table: orders, removeIndex: by-a, stage: contract, after: 7d, undo: {undo}}}]\n"
        )
    };
    accept(&target("rolling", &removed("forward-only")));
    let reverted = messages(&removed("revertible"));
    assert!(
        reverted[0].ends_with("an index that was removed is not made again by a rollback"),
        "{reverted:?}"
    );
    assert_eq!(messages(&removed("needs-restore")).len(), 1);
}

#[test]
fn names_types_and_numbers_follow_dynamodbs_rules() {
    for wrong in [
        "{name: a, table: orders, addIndex: {name: by, partitionKey: {a: S}}}",
        "{name: a, table: orders, addIndex: {name: \"by a\", partitionKey: {a: S}}}",
        "{name: a, table: \"or ders\", addIndex: {name: by-a, partitionKey: {a: S}}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: SS}}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S, b: S}}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {}}}",
        "{name: a, table: orders, addIndex: {name: by-a}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}, sortKey: {a: S}}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}, attributes: [a]}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}, attributes: []}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}, attributes: [b], project: all}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}, capacity: {read: 5}}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}, capacity: {read: 0, write: 1}}}",
        "{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}}, timeout: 2d}",
        "{name: a, command: [up], timeout: 2h}",
    ] {
        assert_eq!(refused(wrong).len(), 1, "{wrong}: {:?}", refused(wrong));
    }
}

#[test]
fn a_file_changes_each_index_once_and_gives_an_attribute_one_type() {
    let index = |name: &str, table: &str, index: &str, kind: &str| {
        format!("{{name: {name}, table: {table}, addIndex: {{name: {index}, partitionKey: {{a: {kind}}}}}}}")
    };
    let two = |second: &str| refused(&format!("{}, {second}", index("one", "orders", "by-a", "S")));
    assert_eq!(
        two(&index("two", "orders", "by-a", "S")),
        ["4:126 the index `orders/by-a` is given twice"]
    );
    assert_eq!(
        two(&index("two", "orders", "by-b", "N")),
        ["4:126 `a` has another type in another index of `orders`"]
    );
    migrations(&format!(
        "{}, {}",
        index("one", "orders", "by-a", "S"),
        index("two", "baskets", "by-a", "N")
    ));
    let gate = "gates: [{before: contract, approvals: [{role: tech-lead}]}]\n";
    let again = format!(
        "{gate}migrations: [{}, {{name: two, table: orders, removeIndex: by-a, stage: contract, after: 7d}}]\n",
        index("one", "orders", "by-a", "S")
    );
    assert_eq!(messages(&again).len(), 1);
}

#[test]
fn a_migration_that_was_stored_before_there_were_indexes_is_read() {
    let old = r#"{"name":"a","command":["up"],"down":["down"],"undo":"revertible","timeoutSeconds":900}"#;
    let read: Migration = serde_json::from_str(old).unwrap();
    assert_eq!(read.index(), None);
    assert_eq!(serde_json::to_string(&read).unwrap(), old);
}
