//! Global secondary indexes of DynamoDB tables. DynamoDB knows each by its name, so it makes none twice; what
//! it refuses because something else goes on is tried again at the next look.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
    GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate, IndexStatus, KeySchemaElement, KeyType,
    Projection, ProjectionType, ProvisionedThroughput, ScalarAttributeType, TableDescription, TableStatus,
};
use aws_smithy_types::error::operation::BuildError;
use tidegate_core::change::index::{
    AttributeType, Capacity, IndexDefinition, IndexNow, IndexStage, IndexTo, IndexWork, KeyAttribute,
    Projection as Projected, TableFound, TableNow, TableStatus as Status, seen,
};
use tidegate_core::change::{Before, Change, Progress, Seen};
use tidegate_core::deployment::Deployment;

use crate::error::{AwsError, Kind};

/// Where the tables are, and which one is not the service's.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    /// DynamoDB.
    pub client: &'a Client,
    /// Name of Tidegate's own table, where that is known.
    pub own: Option<&'a str>,
}

/// The tables of changes, as they are.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn find(
    tables: Tables<'_>,
    works: impl Iterator<Item = &IndexWork>,
) -> Result<BTreeMap<String, TableFound>, AwsError> {
    let mut found = BTreeMap::new();
    for work in works {
        if !found.contains_key(&work.table) {
            found.insert(work.table.clone(), read(tables, &work.table).await?);
        }
    }
    Ok(found)
}

/// How the change of an index stands.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(
    tables: Tables<'_>,
    deployment: &Deployment,
    change: &Change,
    work: &IndexWork,
) -> Result<Seen, AwsError> {
    stands(tables, work, deployment.before_of(&change.id)).await
}

/// Has DynamoDB make the index or delete it, where that has not begun and nothing else is in the way.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(tables: Tables<'_>, work: &IndexWork, before: Option<&Before>) -> Result<(), AwsError> {
    // Without a record of what was there nothing could be put back.
    if before.is_none() || stands(tables, work, before).await?.made != Progress::NotBegun {
        return Ok(());
    }
    let answer = ask(tables.client, work).await;
    unless_late(answer, async || Ok(stands(tables, work, before).await?.made)).await
}

/// Asks DynamoDB for the index, or for its end, whatever there is.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn ask(client: &Client, work: &IndexWork) -> Result<(), AwsError> {
    match &work.to {
        IndexTo::Added { definition, capacity } => create(client, work, definition, *capacity).await,
        IndexTo::Removed => delete(client, work).await,
    }
}

/// Deletes the index that was added, where DynamoDB lets it be deleted now.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn undo(tables: Tables<'_>, work: &IndexWork, before: Option<&Before>) -> Result<(), AwsError> {
    if work.removes() || stands(tables, work, before).await?.undone != Progress::NotBegun {
        return Ok(());
    }
    let answer = delete(tables.client, work).await;
    unless_late(answer, async || Ok(stands(tables, work, before).await?.undone)).await
}

async fn stands(tables: Tables<'_>, work: &IndexWork, before: Option<&Before>) -> Result<Seen, AwsError> {
    Ok(seen(&read(tables, &work.table).await?, before, work))
}

async fn read(tables: Tables<'_>, name: &str) -> Result<TableFound, AwsError> {
    // A name may stand in an ARN's place, and an ARN in a name's.
    if tables
        .own
        .is_some_and(|own| own == name || own.ends_with(&format!(":table/{name}")))
    {
        return Ok(TableFound::Own);
    }
    let what = || format!("failed to describe table {name}");
    let answer = tables.client.describe_table().table_name(name).send().await;
    match answer.map_err(|error| AwsError::sdk(what(), error)) {
        Ok(answer) => {
            let table = answer.table();
            let now = table.and_then(of_table).map(TableFound::Table);
            now.ok_or_else(|| {
                let cause = "the answer lacks its status, or an index has one of no known kind";
                AwsError::answer(what(), Kind::Other, cause)
            })
        }
        Err(error) if error.kind == Kind::NotFound => Ok(TableFound::Absent),
        Err(error) => Err(error),
    }
}

fn of_table(table: &TableDescription) -> Option<TableNow> {
    let attributes = table.attribute_definitions().iter();
    let attributes = attributes.filter_map(|one| {
        let kind = AttributeType::named(one.attribute_type().as_str())?;
        Some((one.attribute_name().to_owned(), kind))
    });
    let attributes = attributes.collect();
    let mut indexes = BTreeMap::new();
    for one in table.global_secondary_indexes() {
        indexes.insert(one.index_name()?.to_owned(), of_index(one, &attributes)?);
    }
    let local = table.local_secondary_indexes().iter();
    let local = local.filter_map(|one| one.projection());
    let mode = table
        .billing_mode_summary()
        .and_then(|summary| summary.billing_mode());
    let count = |number: Option<i64>| u64::try_from(number.unwrap_or_default()).unwrap_or_default();
    Some(TableNow {
        status: match table.table_status()? {
            TableStatus::Active => Status::Active,
            TableStatus::Updating => Status::Updating,
            // Whatever else it is, nothing can be asked of it.
            other => Status::Other(other.as_str().to_owned()),
        },
        on_demand: mode == Some(&BillingMode::PayPerRequest),
        attributes,
        projected_locally: local.map(|one| one.non_key_attributes().len()).sum(),
        indexes,
        items: count(table.item_count()),
        bytes: count(table.table_size_bytes()),
    })
}

fn of_index(
    index: &GlobalSecondaryIndexDescription,
    attributes: &BTreeMap<String, AttributeType>,
) -> Option<IndexNow> {
    let keys = |wanted: KeyType| {
        let keys = index.key_schema().iter();
        let keys = keys.filter(|key| *key.key_type() == wanted);
        let key = |key: &KeySchemaElement| {
            Some(KeyAttribute {
                name: key.attribute_name().to_owned(),
                kind: *attributes.get(key.attribute_name())?,
            })
        };
        keys.map(key).collect::<Option<Vec<_>>>()
    };
    let definition = || {
        let projection = index.projection()?;
        Some(IndexDefinition {
            partition_key: keys(KeyType::Hash)?,
            sort_key: keys(KeyType::Range)?,
            projection: match projection.projection_type()? {
                ProjectionType::All => Projected::All,
                ProjectionType::KeysOnly => Projected::KeysOnly,
                ProjectionType::Include => {
                    Projected::Only(projection.non_key_attributes().iter().cloned().collect())
                }
                // The SDK's type may grow.
                _ => return None,
            },
        })
    };
    Some(IndexNow {
        definition: definition(),
        stage: match index.index_status()? {
            IndexStatus::Active => IndexStage::Active,
            IndexStatus::Updating => IndexStage::Updating,
            IndexStatus::Deleting => IndexStage::Deleting,
            IndexStatus::Creating if index.backfilling() == Some(true) => IndexStage::Backfilling,
            IndexStatus::Creating => IndexStage::Allocating,
            // The SDK's type may grow.
            _ => return None,
        },
    })
}

async fn create(
    client: &Client,
    work: &IndexWork,
    definition: &IndexDefinition,
    capacity: Option<Capacity>,
) -> Result<(), AwsError> {
    let what = format!("failed to add index {} to table {}", work.name, work.table);
    let parts = attributes(definition).and_then(|keys| Ok((keys, action(work, definition, capacity)?)));
    let (keys, action) = parts.map_err(|error| AwsError::input(what.clone(), error))?;
    let call = client
        .update_table()
        .table_name(&work.table)
        .set_attribute_definitions(Some(keys))
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(action).build());
    call.send()
        .await
        .map_err(|error| AwsError::sdk(what, error))
        .map(drop)
}

/// The types of the keys. Those of other keys stay as they are.
fn attributes(definition: &IndexDefinition) -> Result<Vec<AttributeDefinition>, BuildError> {
    let keys = definition.keys().map(|key| {
        AttributeDefinition::builder()
            .attribute_name(&key.name)
            .attribute_type(ScalarAttributeType::from(key.kind.as_str()))
            .build()
    });
    keys.collect()
}

fn action(
    work: &IndexWork,
    definition: &IndexDefinition,
    capacity: Option<Capacity>,
) -> Result<CreateGlobalSecondaryIndexAction, BuildError> {
    let mut action = CreateGlobalSecondaryIndexAction::builder()
        .index_name(&work.name)
        .projection(projection(&definition.projection));
    let keys = [
        (KeyType::Hash, &definition.partition_key),
        (KeyType::Range, &definition.sort_key),
    ];
    for (role, attributes) in keys {
        for key in attributes {
            let element = KeySchemaElement::builder()
                .attribute_name(&key.name)
                .key_type(role.clone());
            action = action.key_schema(element.build()?);
        }
    }
    if let Some(capacity) = capacity {
        let throughput = ProvisionedThroughput::builder()
            .read_capacity_units(capacity.read.into())
            .write_capacity_units(capacity.write.into());
        action = action.provisioned_throughput(throughput.build()?);
    }
    action.build()
}

fn projection(projected: &Projected) -> Projection {
    let projection = Projection::builder();
    match projected {
        Projected::All => projection.projection_type(ProjectionType::All),
        Projected::KeysOnly => projection.projection_type(ProjectionType::KeysOnly),
        Projected::Only(listed) => projection
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(listed.iter().cloned().collect())),
    }
    .build()
}

async fn delete(client: &Client, work: &IndexWork) -> Result<(), AwsError> {
    let what = format!("failed to remove index {} of table {}", work.name, work.table);
    let action = DeleteGlobalSecondaryIndexAction::builder().index_name(&work.name);
    let action = action
        .build()
        .map_err(|error| AwsError::input(what.clone(), error))?;
    let call = client
        .update_table()
        .table_name(&work.table)
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().delete(action).build());
    call.send()
        .await
        .map_err(|error| AwsError::sdk(what, error))
        .map(drop)
}

/// What passes by itself is no failure: the next look says what it waits for, or tries again. Neither is it where
/// another run of the function was faster, so that by now the index is there, or gone.
async fn unless_late(
    answer: Result<(), AwsError>,
    look: impl AsyncFnOnce() -> Result<Progress, AwsError>,
) -> Result<(), AwsError> {
    let Err(error) = answer else {
        return Ok(());
    };
    if is_busy(&error) {
        tracing::info!("waiting, because it {error}");
        return Ok(());
    }
    let late = matches!(error.kind, Kind::Invalid | Kind::NotFound);
    match late && look().await? != Progress::NotBegun {
        true => Ok(()),
        false => Err(error),
    }
}

/// DynamoDB changes one index of a table at a time, and so many tables of an account (Amazon DynamoDB API Reference,
/// `UpdateTable`).
fn is_busy(error: &AwsError) -> bool {
    error.kind == Kind::Conflict || error.code.as_deref() == Some("LimitExceededException")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use aws_sdk_dynamodb::types::{BillingModeSummary, LocalSecondaryIndexDescription};

    use super::*;

    fn key(name: &str, role: KeyType) -> KeySchemaElement {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(role);
        key.build().unwrap()
    }

    fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
        let one = AttributeDefinition::builder().attribute_name(name);
        one.attribute_type(kind).build().unwrap()
    }

    fn index(status: IndexStatus, backfilling: Option<bool>) -> GlobalSecondaryIndexDescription {
        GlobalSecondaryIndexDescription::builder()
            .index_name("by-customer")
            .key_schema(key("customer", KeyType::Hash))
            .key_schema(key("placed", KeyType::Range))
            .projection(projection(&Projected::Only(["total".to_owned()].into())))
            .index_status(status)
            .set_backfilling(backfilling)
            .build()
    }

    fn table(index: GlobalSecondaryIndexDescription) -> TableDescription {
        let local = LocalSecondaryIndexDescription::builder().projection(projection(&Projected::Only(
            ["a".to_owned(), "b".to_owned()].into(),
        )));
        TableDescription::builder()
            .table_status(TableStatus::Active)
            .attribute_definitions(attribute("customer", ScalarAttributeType::S))
            .attribute_definitions(attribute("placed", ScalarAttributeType::N))
            .attribute_definitions(attribute("id", ScalarAttributeType::B))
            .billing_mode_summary(
                BillingModeSummary::builder()
                    .billing_mode(BillingMode::PayPerRequest)
                    .build(),
            )
            .local_secondary_indexes(local.build())
            .global_secondary_indexes(index)
            .item_count(7)
            .table_size_bytes(2048)
            .build()
    }

    #[test]
    fn a_table_is_read_with_its_indexes() {
        let now = of_table(&table(index(IndexStatus::Active, None))).unwrap();
        assert_eq!((now.items, now.bytes, now.on_demand), (7, 2048, true));
        assert_eq!((now.status, now.projected_locally), (Status::Active, 2));
        assert_eq!(now.attributes.len(), 3);
        let index = &now.indexes["by-customer"];
        assert_eq!(
            index.definition.as_ref().unwrap().to_string(),
            "partition key customer (S), sort key placed (N), with total"
        );
        assert_eq!(index.stage, IndexStage::Active);
    }

    #[test]
    fn an_index_that_is_created_is_made_room_for_and_then_filled() {
        let stage = |status: IndexStatus, backfilling: Option<bool>| {
            of_table(&table(index(status, backfilling))).map(|now| now.indexes["by-customer"].stage)
        };
        assert_eq!(stage(IndexStatus::Creating, None), Some(IndexStage::Allocating));
        assert_eq!(
            stage(IndexStatus::Creating, Some(false)),
            Some(IndexStage::Allocating)
        );
        assert_eq!(
            stage(IndexStatus::Creating, Some(true)),
            Some(IndexStage::Backfilling)
        );
        assert_eq!(stage(IndexStatus::Updating, None), Some(IndexStage::Updating));
        assert_eq!(stage(IndexStatus::Deleting, None), Some(IndexStage::Deleting));
        assert_eq!(
            stage(IndexStatus::from("PAUSED"), None),
            None,
            "nobody knows what that is"
        );
    }

    #[test]
    fn a_table_without_a_billing_mode_has_provisioned_throughput() {
        let mut plain = table(index(IndexStatus::Active, None));
        plain.billing_mode_summary = None;
        assert!(!of_table(&plain).unwrap().on_demand);
        plain.table_status = Some(TableStatus::Archived);
        let status = of_table(&plain).unwrap().status;
        assert_eq!(status, Status::Other("ARCHIVED".to_owned()));
        // A key whose type is not told could be anything.
        plain.attribute_definitions = None;
        assert_eq!(of_table(&plain).unwrap().indexes["by-customer"].definition, None);
    }

    #[tokio::test]
    async fn only_what_passes_by_itself_or_is_done_already_is_no_failure() {
        let refused = async |code: &str, now: Progress| {
            // As DynamoDB's answers are told apart: by their code, else by HTTP 400.
            let mut error = AwsError::reported("failed to add index a to table b", code, "");
            if code == "ValidationException" {
                error.kind = Kind::Invalid;
            }
            unless_late(Err(error), async || Ok(now)).await
        };
        for code in ["ResourceInUseException", "LimitExceededException"] {
            assert!(refused(code, Progress::NotBegun).await.is_ok(), "{code}");
        }
        for code in ["ValidationException", "ResourceNotFoundException"] {
            assert!(refused(code, Progress::NotBegun).await.is_err(), "{code}");
            assert!(
                refused(code, Progress::done("it is gone")).await.is_ok(),
                "{code}"
            );
        }
        let denied = refused("AccessDeniedException", Progress::done("it is gone")).await;
        assert!(denied.is_err(), "what may not be done was not done by us");
    }
}
