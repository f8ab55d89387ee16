//! Indexes of DynamoDB tables, asked by the SDK's client and by what Tidegate does with it.

use tidegate_aws::change::index::{self, Tables};
use tidegate_core::change::Before;
use tidegate_core::change::index::{
    Capacity, IndexDefinition, IndexTo, IndexWork, KeyAttribute, Projection, TableFound, seen,
};

use super::*;
use crate::fleet::ServiceIndex;

fn key(name: &str, kind: &str) -> Vec<KeyAttribute> {
    let name = name.to_owned();
    let kind = tidegate_core::change::index::AttributeType::named(kind).unwrap();
    vec![KeyAttribute { name, kind }]
}

fn add(name: &str, attribute: &str, capacity: Option<Capacity>) -> IndexWork {
    IndexWork {
        table: "orders".to_owned(),
        name: name.to_owned(),
        to: IndexTo::Added {
            definition: IndexDefinition {
                partition_key: key(attribute, "S"),
                sort_key: key("placed", "N"),
                projection: Projection::Only(["total".to_owned()].into()),
            },
            capacity,
        },
    }
}

fn remove(name: &str) -> IndexWork {
    IndexWork {
        to: IndexTo::Removed,
        ..add(name, "x", None)
    }
}

const ABSENT: Option<&Before> = Some(&Before::Absent);

struct World {
    fleet: InProcess,
    client: aws_sdk_dynamodb::Client,
}

impl World {
    fn new(table: ServiceTable) -> Self {
        let (fleet, _) = InProcess::new();
        let client = client!(aws_sdk_dynamodb, fleet);
        fleet.with(|fleet| fleet.service_tables.insert("orders".to_owned(), table));
        Self { fleet, client }
    }

    fn tables(&self) -> Tables<'_> {
        Tables {
            client: &self.client,
            own: Some("tidegate"),
        }
    }

    async fn found(&self, work: &IndexWork) -> TableFound {
        let found = index::find(self.tables(), std::iter::once(work)).await.unwrap();
        found[&work.table].clone()
    }

    /// How making it stands, and undoing it.
    async fn stands(&self, work: &IndexWork, before: Option<&Before>) -> (Progress, Progress) {
        let seen = seen(&self.found(work).await, before, work);
        (seen.made, seen.undone)
    }

    /// What was there, as it is recorded before anything is asked for.
    async fn before(&self, work: &IndexWork) -> Option<Before> {
        seen(&self.found(work).await, None, work).before
    }

    async fn make(
        &self,
        work: &IndexWork,
        before: Option<&Before>,
    ) -> Result<(), tidegate_aws::error::AwsError> {
        index::make(self.tables(), work, before).await
    }

    fn asked(&self) -> Vec<String> {
        self.fleet
            .with(|fleet| fleet.service_tables["orders"].asked.clone())
    }
}

fn on_demand() -> ServiceTable {
    ServiceTable {
        on_demand: true,
        bytes: 8 << 30,
        items: 3_000_000,
        ..ServiceTable::default()
    }
}

#[tokio::test]
async fn an_index_is_made_once_filled_and_deleted_when_dynamodb_can() {
    let world = World::new(on_demand());
    let work = add("by-customer", "customer", None);
    assert_eq!(world.before(&work).await, Some(Before::Absent));
    world.make(&work, None).await.unwrap();
    assert_eq!(world.asked(), [""; 0], "nothing without a record");
    for _ in 0..2 {
        world.make(&work, ABSENT).await.unwrap();
        assert_eq!(world.asked(), ["add by-customer"]);
    }
    let room = Progress::running("DynamoDB makes room for it");
    assert_eq!(world.stands(&work, ABSENT).await.0, room);
    index::undo(world.tables(), &work, ABSENT).await.unwrap();
    assert_eq!(world.asked().len(), 1, "not while room is made for it");
    world.fleet.pass(61);
    let filled = Progress::running("DynamoDB fills it from the table's 3,000,000 items");
    assert_eq!(world.stands(&work, ABSENT).await, (filled, Progress::NotBegun));
    for _ in 0..2 {
        index::undo(world.tables(), &work, ABSENT).await.unwrap();
        assert_eq!(world.asked(), ["add by-customer", "remove by-customer"]);
    }
    assert_eq!(
        world.stands(&work, ABSENT).await.1,
        Progress::running("DynamoDB deletes it")
    );
    world.fleet.pass(60);
    assert_eq!(world.stands(&work, ABSENT).await.1, Progress::done("it is gone"));
}

#[tokio::test]
async fn one_index_of_a_table_is_changed_at_a_time() {
    let world = World::new(on_demand());
    let (first, second) = (add("by-a", "a", None), add("by-b", "b", None));
    world.make(&first, ABSENT).await.unwrap();
    for (seconds, other) in [(0, "index by-a is being made"), (100, "index by-a is being made")] {
        world.fleet.pass(seconds);
        world.make(&second, ABSENT).await.unwrap();
        let note = other.to_owned();
        assert_eq!(world.stands(&second, ABSENT).await.0, Progress::Waiting { note });
    }
    assert_eq!(world.asked(), ["add by-a"]);
    world.fleet.pass(2000);
    world.make(&second, ABSENT).await.unwrap();
    assert_eq!(world.asked(), ["add by-a", "add by-b"]);
}

#[tokio::test]
async fn an_index_is_removed_with_a_record_of_how_it_was() {
    let mut table = on_demand();
    table
        .indexes
        .insert("by-mail".to_owned(), ServiceIndex::by("mail"));
    let world = World::new(table);
    let work = remove("by-mail");
    let before = world.before(&work).await;
    assert_eq!(
        before.as_ref().map(Before::describe).as_deref(),
        Some("the index had partition key mail (S), all attributes")
    );
    for _ in 0..2 {
        world.make(&work, before.as_ref()).await.unwrap();
        assert_eq!(world.asked(), ["remove by-mail"]);
    }
    world.fleet.pass(50);
    let gone = Progress::done("it is gone; it had partition key mail (S), all attributes");
    assert_eq!(world.stands(&work, before.as_ref()).await.0, gone);
    // There is no way back, and nobody asks for one.
    index::undo(world.tables(), &work, before.as_ref()).await.unwrap();
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn throughput_is_given_where_the_table_has_some() {
    let capacity = Some(Capacity { read: 5, write: 5 });
    let provisioned = World::new(ServiceTable::default());
    let error = provisioned
        .make(&add("by-a", "a", None), ABSENT)
        .await
        .unwrap_err();
    assert_eq!(error.code.as_deref(), Some("ValidationException"));
    provisioned
        .make(&add("by-a", "a", capacity), ABSENT)
        .await
        .unwrap();
    assert_eq!(provisioned.asked(), ["add by-a"]);
    let on_demand = World::new(on_demand());
    let error = on_demand
        .make(&add("by-a", "a", capacity), ABSENT)
        .await
        .unwrap_err();
    assert_eq!(error.code.as_deref(), Some("ValidationException"));
}

#[tokio::test]
async fn a_table_that_is_not_there_or_is_tidegates_own_is_left_alone() {
    let world = World::new(on_demand());
    let missing = IndexWork {
        table: "baskets".to_owned(),
        ..add("by-a", "a", None)
    };
    assert_eq!(world.found(&missing).await, TableFound::Absent);
    let own = IndexWork {
        table: "tidegate".to_owned(),
        ..add("by-a", "a", None)
    };
    assert_eq!(world.found(&own).await, TableFound::Own);
    for work in [missing, own] {
        world.make(&work, ABSENT).await.unwrap();
        assert!(matches!(
            world.stands(&work, None).await.0,
            Progress::Failed { .. }
        ));
    }
}
