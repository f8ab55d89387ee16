#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn key(name: &str, kind: AttributeType) -> KeyAttribute {
    let name = name.to_owned();
    KeyAttribute { name, kind }
}

fn definition(partition: &str) -> IndexDefinition {
    IndexDefinition {
        partition_key: vec![key(partition, AttributeType::S)],
        sort_key: vec![key("placed", AttributeType::N)],
        projection: Projection::All,
    }
}

fn add() -> IndexWork {
    IndexWork {
        table: "orders".to_owned(),
        name: "by-customer".to_owned(),
        to: IndexTo::Added {
            definition: definition("customer"),
            capacity: None,
        },
    }
}

fn remove() -> IndexWork {
    IndexWork {
        to: IndexTo::Removed,
        ..add()
    }
}

fn table() -> TableNow {
    TableNow {
        status: TableStatus::Active,
        on_demand: true,
        attributes: [("id".to_owned(), AttributeType::S)].into(),
        projected_locally: 0,
        indexes: BTreeMap::new(),
        items: 1_234_567,
        bytes: 3 << 30,
    }
}

fn with(name: &str, partition: &str, stage: IndexStage) -> TableNow {
    let mut now = table();
    let definition = Some(definition(partition));
    now.indexes
        .insert(name.to_owned(), IndexNow { definition, stage });
    now
}

fn ours(stage: IndexStage) -> TableNow {
    with("by-customer", "customer", stage)
}

fn was() -> Before {
    Before::Index {
        held: definition("customer"),
    }
}

fn says(progress: &Progress) -> String {
    match progress {
        Progress::NotBegun => "not begun".to_owned(),
        Progress::Waiting { note } => format!("waits: {note}"),
        Progress::Running { note } => format!("goes on: {note}"),
        Progress::Done { detail, .. } => format!("done: {detail}"),
        Progress::Failed { reason, .. } => format!("failed: {reason}"),
    }
}

/// How making and undoing stand, in words.
fn both(now: TableNow, before: Option<&Before>, work: &IndexWork) -> (String, String) {
    let seen = seen(&TableFound::Table(now), before, work);
    (says(&seen.made), says(&seen.undone))
}

fn made(now: TableNow, before: Option<&Before>, work: &IndexWork) -> String {
    both(now, before, work).0
}

fn undone(now: TableNow, before: Option<&Before>) -> String {
    both(now, before, &add()).1
}

#[test]
fn an_index_is_followed_until_it_is_active() {
    let absent = Some(&Before::Absent);
    assert_eq!(made(table(), None, &add()), "not begun");
    assert_eq!(made(table(), absent, &add()), "not begun");
    assert_eq!(
        made(ours(IndexStage::Allocating), absent, &add()),
        "goes on: DynamoDB makes room for it"
    );
    assert_eq!(
        made(ours(IndexStage::Backfilling), absent, &add()),
        "goes on: DynamoDB fills it from the table's 1,234,567 items"
    );
    assert_eq!(
        made(ours(IndexStage::Active), absent, &add()),
        "done: it is active: partition key customer (S), sort key placed (N), all attributes"
    );
    assert_eq!(
        made(ours(IndexStage::Active), Some(&was()), &add()),
        "done: it was there already"
    );
    assert_eq!(
        made(table(), Some(&was()), &add()),
        "failed: it was there, and somebody has deleted it meanwhile"
    );
    assert_eq!(
        made(ours(IndexStage::Deleting), absent, &add()),
        "failed: somebody is deleting it"
    );
    assert_eq!(
        made(with("by-customer", "mail", IndexStage::Active), absent, &add()),
        "failed: index by-customer of table orders has partition key mail (S), sort key placed (N), all attributes: \
         somebody else has made it"
    );
}

#[test]
fn an_index_waits_for_whatever_else_is_done_to_its_table() {
    let before = Some(&Before::Absent);
    for (stage, why) in [
        (IndexStage::Allocating, "waits: index other is being made"),
        (IndexStage::Backfilling, "waits: index other is being made"),
        (IndexStage::Deleting, "waits: index other is being deleted"),
        (IndexStage::Updating, "not begun"),
        (IndexStage::Active, "not begun"),
    ] {
        assert_eq!(made(with("other", "mail", stage), before, &add()), why);
    }
    let mut busy = table();
    busy.status = TableStatus::Updating;
    assert_eq!(
        made(busy.clone(), before, &add()),
        "waits: the table is being changed"
    );
    // It is one of its own that keeps the table busy.
    busy.indexes = ours(IndexStage::Allocating).indexes;
    assert_eq!(
        made(busy.clone(), before, &add()),
        "goes on: DynamoDB makes room for it"
    );
    busy.indexes = ours(IndexStage::Active).indexes;
    assert_eq!(
        made(busy, Some(&was()), &remove()),
        "waits: the table is being changed"
    );
}

#[test]
fn an_index_that_can_not_be_is_not_begun_and_one_that_is_underway_is_not_given_up() {
    let mut now = table();
    now.on_demand = false;
    assert!(made(now.clone(), None, &add()).starts_with("failed: `capacity` of index"));
    assert_eq!(made(now, Some(&Before::Absent), &add()), "not begun");
}

#[test]
fn only_an_index_of_ours_is_taken_back_and_only_when_dynamodb_can() {
    let absent = Some(&Before::Absent);
    assert_eq!(undone(table(), absent), "done: it is gone");
    for stage in [IndexStage::Backfilling, IndexStage::Updating, IndexStage::Active] {
        assert_eq!(undone(ours(stage), absent), "not begun");
    }
    assert_eq!(
        undone(ours(IndexStage::Allocating), absent),
        "goes on: DynamoDB still makes room for it, and deletes nothing meanwhile"
    );
    assert_eq!(
        undone(ours(IndexStage::Deleting), absent),
        "goes on: DynamoDB deletes it"
    );
    // DynamoDB need not tell the keys of one that it deletes.
    let mut going = ours(IndexStage::Deleting);
    going.indexes.get_mut("by-customer").unwrap().definition = None;
    assert_eq!(undone(going, absent), "goes on: DynamoDB deletes it");
    let mut busy = ours(IndexStage::Active);
    busy.status = TableStatus::Updating;
    assert_eq!(
        undone(busy, absent),
        "goes on: it waits: the table is being changed"
    );
    assert_eq!(
        undone(ours(IndexStage::Active), Some(&was())),
        "done: it was there before, and stays"
    );
    assert_eq!(
        undone(with("by-customer", "mail", IndexStage::Active), absent),
        "done: the index of that name is somebody else's, with partition key mail (S), sort key placed (N), all \
         attributes: it stays"
    );
    assert_eq!(
        undone(ours(IndexStage::Active), None),
        "failed: what was there before is not on record"
    );
    let gone = seen(&TableFound::Absent, absent, &add());
    assert_eq!(
        (says(&gone.made), says(&gone.undone)),
        (
            "failed: DynamoDB table orders, of which the file changes index by-customer".to_owned(),
            "done: the table is gone, and the index with it".to_owned()
        )
    );
}

#[test]
fn an_index_is_removed_and_how_it_was_is_kept() {
    let active = || ours(IndexStage::Active);
    let first = seen(&TableFound::Table(active()), None, &remove());
    assert_eq!(first.before, Some(was()));
    assert_eq!(made(active(), Some(&was()), &remove()), "not begun");
    assert_eq!(
        made(ours(IndexStage::Deleting), Some(&was()), &remove()),
        "goes on: DynamoDB deletes it"
    );
    assert_eq!(
        made(table(), Some(&was()), &remove()),
        "done: it is gone; it had partition key customer (S), sort key placed (N), all attributes"
    );
    assert_eq!(
        made(table(), Some(&Before::Absent), &remove()),
        "done: there was none"
    );
    assert_eq!(
        made(ours(IndexStage::Backfilling), Some(&was()), &remove()),
        "waits: somebody is making it"
    );
    for before in [Before::Absent, was()] {
        let other = with("by-customer", "mail", IndexStage::Active);
        assert!(made(other, Some(&before), &remove()).starts_with("failed: somebody has made another index"));
    }
    assert_eq!(both(table(), Some(&was()), &remove()).1, "not begun");
}

fn refused(now: TableNow, work: &IndexWork) -> Option<String> {
    let found = [("orders".to_owned(), TableFound::Table(now))].into();
    let mut missing = refusals(&found, std::iter::once(work), false);
    assert!(missing.len() < 2, "{missing:?}");
    missing.pop().map(|one| format!("{} -> {}", one.what, one.remedy))
}

#[test]
fn a_plan_names_what_stands_in_the_way_of_an_index() {
    let one = |now: TableNow| refused(now, &add()).unwrap();
    assert_eq!(refused(table(), &add()), None);
    assert_eq!(
        refused(ours(IndexStage::Active), &add()),
        None,
        "it is there already"
    );
    let told = one(with("by-customer", "mail", IndexStage::Active));
    assert!(
        told.starts_with("index by-customer as the file asks: table orders has one of that name"),
        "{told}"
    );
    assert!(told.contains("give the new one another name"), "{told}");
    let mut typed = table();
    typed.attributes.insert("placed".to_owned(), AttributeType::S);
    assert!(one(typed).starts_with("attribute placed as type N: it is a key of table orders as type S"));
    let mut provisioned = table();
    provisioned.on_demand = false;
    assert!(one(provisioned.clone()).contains("`capacity: {read: 5, write: 5}`"));
    let mut with_capacity = add();
    let capacity = Some(Capacity { read: 1, write: 1 });
    let definition = definition("customer");
    with_capacity.to = IndexTo::Added { definition, capacity };
    assert_eq!(refused(provisioned, &with_capacity), None);
    let told = refused(table(), &with_capacity).unwrap();
    assert!(told.ends_with("take `capacity` out of `addIndex`"), "{told}");
    for (stage, why) in [
        (IndexStage::Allocating, "index by-customer is being made"),
        (IndexStage::Deleting, "index by-customer is being deleted"),
    ] {
        let told = one(ours(stage));
        assert_eq!(
            told,
            format!("DynamoDB table orders at rest: {why} -> deploy again once that is over")
        );
    }
    let mut archived = table();
    archived.status = TableStatus::Other("ARCHIVED".to_owned());
    assert!(one(archived).starts_with("DynamoDB table orders at rest: the table is ARCHIVED"));
    assert_eq!(refused(table(), &remove()), None, "there is nothing to remove");
    let mut strange = ours(IndexStage::Active);
    strange.indexes.get_mut("by-customer").unwrap().definition = None;
    assert!(one(strange.clone()).contains("of that name with keys of another kind"));
    assert!(
        refused(strange.clone(), &remove())
            .unwrap()
            .contains("remove it by hand")
    );
    assert!(made(strange, None, &remove()).starts_with("failed: keys of index by-customer"));
    assert!(refused(with("other", "mail", IndexStage::Deleting), &remove()).is_some());
}

#[test]
fn a_table_that_is_missing_or_tidegates_own_is_refused() {
    for (found, what) in [
        (TableFound::Absent, "DynamoDB table orders, of which"),
        (
            TableFound::Own,
            "a table of the service: orders is Tidegate's own",
        ),
    ] {
        let found = [("orders".to_owned(), found)].into();
        for work in [add(), remove()] {
            let missing = refusals(&found, std::iter::once(&work), true);
            assert!(missing[0].what.starts_with(what), "{missing:?}");
        }
    }
}

#[test]
fn limits_count_every_index_of_the_file() {
    let mut full = table();
    for at in 0..19 {
        let definition = Some(definition("customer"));
        let stage = IndexStage::Active;
        full.indexes
            .insert(format!("other-{at}"), IndexNow { definition, stage });
    }
    let second = IndexWork {
        name: "by-mail".to_owned(),
        ..add()
    };
    let found = [("orders".to_owned(), TableFound::Table(full))].into();
    let both = [add(), second.clone()];
    let missing = refusals(&found, both.iter(), false);
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(
        missing[0].what,
        "room for index by-mail: table orders has 20 indexes"
    );
    assert!(missing[0].remedy.contains("--override index-quota"));
    assert_eq!(refusals(&found, both.iter(), true), []);
    let away = IndexWork {
        name: "other-0".to_owned(),
        ..remove()
    };
    assert_eq!(refusals(&found, [add(), away, second].iter(), false), []);
}

#[test]
fn all_indexes_list_a_hundred_attributes_at_most() {
    let listed = |from: u32, count: u32| {
        let names = (from..from + count).map(|at| format!("attribute-{at}"));
        let mut definition = definition("customer");
        definition.projection = Projection::Only(names.collect());
        definition
    };
    let mut now = table();
    now.projected_locally = 20;
    for at in 0..3 {
        let definition = Some(listed(at * 20, 20));
        let stage = IndexStage::Active;
        now.indexes
            .insert(format!("other-{at}"), IndexNow { definition, stage });
    }
    let mut work = add();
    work.to = IndexTo::Added {
        definition: listed(0, 20),
        capacity: None,
    };
    assert_eq!(refused(now.clone(), &work), None);
    now.projected_locally = 21;
    assert!(
        refused(now, &work)
            .unwrap()
            .starts_with("room for the attributes")
    );
}

#[test]
fn a_plan_tells_how_large_the_table_is_or_that_nothing_is_to_do() {
    let size = table().size(&add());
    assert!(
        add()
            .describe(Some(&size))
            .ends_with("all attributes; the table has about 1,234,567 items, 3 GiB")
    );
    let there = ours(IndexStage::Active);
    assert!(
        add()
            .describe(Some(&there.size(&add())))
            .ends_with("; it is there already")
    );
    assert!(
        remove()
            .describe(Some(&size))
            .ends_with("; the table has about 1,234,567 items, 3 GiB")
    );
    assert!(
        remove()
            .describe(Some(&table().size(&remove())))
            .ends_with("; there is none")
    );
    assert!(!with("by-customer", "mail", IndexStage::Active).size(&add()).done);
}

#[test]
fn counts_are_told_as_people_read_them() {
    let counts = [0, 999, 1000, 123_456, 1_234_567].map(grouped);
    assert_eq!(counts, ["0", "999", "1,000", "123,456", "1,234,567"]);
}

#[test]
fn work_is_stored_flat_and_read_again() {
    let stored = serde_json::to_string(&remove()).unwrap();
    assert_eq!(
        stored,
        r#"{"table":"orders","name":"by-customer","to":"removed"}"#
    );
    let work = add();
    let stored = serde_json::to_string(&work).unwrap();
    assert_eq!(serde_json::from_str::<IndexWork>(&stored).unwrap(), work);
}
