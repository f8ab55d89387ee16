//! DynamoDB: indexes of a service's tables. moto's are active and gone at once, so the local cloud's are brought to
//! that state between two calls; how they get there is asked in the tests of its endpoints.

use jiff::Timestamp;
use tidegate_aws::change::index::{self, Tables};
use tidegate_core::change::Before;
use tidegate_core::change::index::{
    AttributeType, IndexDefinition, IndexTo, IndexWork, KeyAttribute, Projection, TableFound,
};
use tidegate_local::Cloud;
use tidegate_local::fleet::ServiceTable;

use super::compare::{Comparison, Side, answer};

const ORDERS: &str = "orders";

/// The same table on both sides.
pub async fn make(cloud: &Cloud, moto: &Side) -> Result<(), super::world::Problem> {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    cloud.with(|state| {
        let table = ServiceTable {
            on_demand: true,
            ..ServiceTable::default()
        };
        state.fleet.service_tables.insert(ORDERS.to_owned(), table);
    });
    let id = AttributeDefinition::builder().attribute_name("id");
    let key = KeySchemaElement::builder().attribute_name("id");
    let call = moto
        .dynamodb
        .create_table()
        .table_name(ORDERS)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(id.attribute_type(ScalarAttributeType::S).build()?)
        .key_schema(key.key_type(KeyType::Hash).build()?);
    call.send().await?;
    Ok(())
}

/// All of it.
pub async fn compare(both: &mut Comparison, cloud: &Cloud) {
    let by_customer = add(
        "by-customer",
        &[("customer", AttributeType::S), ("placed", AttributeType::N)],
    );
    found(both, "read a table without indexes", ORDERS, "by-customer").await;
    found(both, "read a table that is not there", "ghosts", "by-customer").await;
    made(both, "add an index", &by_customer).await;
    settle(cloud);
    found(
        both,
        "read an index of everything that was added",
        ORDERS,
        "by-customer",
    )
    .await;
    asked(both, "add an index that is there", &by_customer).await;
    let mut listed = add("by-day", &[("day", AttributeType::B)]);
    if let IndexTo::Added { definition, .. } = &mut listed.to {
        definition.projection = Projection::Only(["total".to_owned(), "customer".to_owned()].into());
    }
    made(both, "add an index of two attributes", &listed).await;
    settle(cloud);
    found(
        both,
        "read an index of two attributes that was added",
        ORDERS,
        "by-day",
    )
    .await;
    let ghost = IndexWork {
        to: IndexTo::Removed,
        ..add("by-ghost", &[])
    };
    asked(both, "remove an index that is not there", &ghost).await;
    let elsewhere = IndexWork {
        table: "ghosts".to_owned(),
        ..listed.clone()
    };
    asked(both, "add an index to a table that is not there", &elsewhere).await;
    let removed = IndexWork {
        to: IndexTo::Removed,
        ..listed
    };
    made(both, "remove an index", &removed).await;
    settle(cloud);
    found(both, "read the table without the index", ORDERS, "by-day").await;
}

fn add(name: &str, keys: &[(&str, AttributeType)]) -> IndexWork {
    let mut keys = keys.iter().map(|(name, kind)| KeyAttribute {
        name: (*name).to_owned(),
        kind: *kind,
    });
    IndexWork {
        table: ORDERS.to_owned(),
        name: name.to_owned(),
        to: IndexTo::Added {
            definition: IndexDefinition {
                partition_key: keys.next().into_iter().collect(),
                sort_key: keys.collect(),
                projection: Projection::All,
            },
            capacity: None,
        },
    }
}

/// Everything that DynamoDB has begun is over.
fn settle(cloud: &Cloud) {
    cloud.with(|state| {
        for index in state
            .fleet
            .service_tables
            .values_mut()
            .flat_map(|one| one.indexes.values_mut())
        {
            (index.filled_from, index.active_from) = (Timestamp::MIN, Timestamp::MIN);
            index.gone_from = index.gone_from.map(|_| Timestamp::MIN);
        }
    });
}

fn tables(side: &Side) -> Tables<'_> {
    Tables {
        client: &side.dynamodb,
        own: None,
    }
}

/// A table as Tidegate reads it, with the one index that was changed last.
async fn found(both: &mut Comparison, what: &'static str, table: &str, index: &str) {
    let work = IndexWork {
        table: table.to_owned(),
        ..add(index, &[])
    };
    both.same(what, async |side| {
        let found = index::find(tables(side), std::iter::once(&work)).await;
        answer(found.map(|found| match found.get(table) {
            Some(TableFound::Table(now)) => {
                let sizes = (now.items, now.bytes, now.projected_locally);
                let names: Vec<String> = now.indexes.keys().cloned().collect();
                let index = now.indexes.get(index);
                format!(
                    "{:?}, {}, {sizes:?}, {names:?}, {index:?}",
                    now.status, now.on_demand
                )
            }
            other => format!("{other:?}"),
        }))
    })
    .await;
}

/// A change of an index as Tidegate makes it, of one that is recorded as it is.
async fn made(both: &mut Comparison, what: &'static str, work: &IndexWork) {
    both.same(what, async |side| {
        let found = index::find(tables(side), std::iter::once(work)).await;
        let before = match found.ok().and_then(|mut found| found.remove(&work.table)) {
            Some(TableFound::Table(now)) => now
                .indexes
                .get(&work.name)
                .and_then(|index| index.definition.clone())
                .map_or(Before::Absent, |held| Before::Index { held }),
            Some(TableFound::Absent | TableFound::Own) | None => Before::Absent,
        };
        answer(index::make(tables(side), work, Some(&before)).await)
    })
    .await;
}

/// The call alone, without a look before it.
async fn asked(both: &mut Comparison, what: &'static str, work: &IndexWork) {
    both.same(what, async |side| answer(index::ask(&side.dynamodb, work).await))
        .await;
}
