//! Changes of the indexes of a service's tables, refused as DynamoDB refuses them.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_core::change::index::{AttributeType, IndexDefinition, KeyAttribute, MOST_INDEXES, Projection};

use super::Fault;
use super::args::Args;
use crate::fleet::{Fleet, ServiceIndex, ServiceTable};

/// An index as `DescribeTable` shows it.
pub(super) fn shown(name: &str, index: &ServiceIndex, now: Timestamp) -> Value {
    let (status, backfilling) = index.status(now);
    let definition = &index.definition;
    let key =
        |role: &'static str| move |key: &KeyAttribute| json!({"AttributeName": key.name, "KeyType": role});
    let partition = definition.partition_key.iter().map(key("HASH"));
    let sort = definition.sort_key.iter().map(key("RANGE"));
    let mut shown = json!({
        "IndexName": name,
        "IndexStatus": status,
        "KeySchema": partition.chain(sort).collect::<Vec<_>>(),
        "Projection": match &definition.projection {
            Projection::All => json!({"ProjectionType": "ALL"}),
            Projection::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
            Projection::Only(listed) => json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": listed}),
        },
    });
    if let Some(backfilling) = backfilling {
        shown["Backfilling"] = Value::from(backfilling);
    }
    shown
}

/// `UpdateTable`, as far as it is about one index.
pub(super) fn update(fleet: &mut Fleet, table: &str, args: Args<'_>) -> Result<(), Fault> {
    let updates = args.structures("GlobalSecondaryIndexUpdates");
    let [update] = updates[..] else {
        return Err(invalid(
            "the local cloud changes one index at a time, and nothing else",
        ));
    };
    let now = fleet.now();
    let Some(held) = fleet.service_tables.get(table) else {
        return Ok(());
    };
    if let Some(create) = update.structure("Create") {
        let name = create.filled("IndexName").unwrap_or_default();
        at_rest(held, table, name, now)?;
        let definition = definition(create, args)?;
        creatable(held, (name, &definition), create, now)?;
        fleet.add_index(table, name, definition);
        return Ok(());
    }
    let delete = update.structure("Delete");
    let name = delete.and_then(|one| one.filled("IndexName")).unwrap_or_default();
    if !held.indexes(now).any(|(other, _)| other == name) {
        return Err(Fault::new(
            "ResourceNotFoundException",
            "Requested resource not found",
        ));
    }
    at_rest(held, table, name, now)?;
    fleet.remove_index(table, name);
    Ok(())
}

/// One change of a table at a time, and one index that is made or deleted.
fn at_rest(table: &ServiceTable, called: &str, name: &str, now: Timestamp) -> Result<(), Fault> {
    if table.status(now) != "ACTIVE" {
        return Err(Fault::new(
            "ResourceInUseException",
            format!("Attempt to change a resource which is still in use: Table is being updated: {called}"),
        ));
    }
    let mut others = table.indexes(now).filter(|(other, _)| *other != name);
    if others.any(|(_, index)| index.status(now).0 != "ACTIVE") {
        return Err(Fault::new(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ));
    }
    Ok(())
}

fn creatable(
    table: &ServiceTable,
    (name, definition): (&str, &IndexDefinition),
    create: Args<'_>,
    now: Timestamp,
) -> Result<(), Fault> {
    if table.indexes(now).any(|(other, _)| other == name) {
        return Err(Fault::new(
            "ValidationException",
            "Attempting to create an index which already exists",
        ));
    }
    let quota = table.index_quota.unwrap_or(MOST_INDEXES);
    if table.indexes(now).count() >= quota {
        return Err(invalid(&format!(
            "GlobalSecondaryIndex count exceeds the per-table limit of {quota}"
        )));
    }
    let types = table.key_types(now);
    let other = |key: &KeyAttribute| types.get(key.name.as_str()).is_some_and(|kind| *kind != key.kind);
    if definition.keys().any(other) {
        return Err(invalid("an attribute of the key has another type in the table"));
    }
    match (
        table.on_demand,
        create.structure("ProvisionedThroughput").is_some(),
    ) {
        (true, true) => Err(invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )),
        (false, false) => Err(invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
        (true, false) | (false, true) => Ok(()),
    }
}

fn definition(create: Args<'_>, request: Args<'_>) -> Result<IndexDefinition, Fault> {
    let types = request.structures("AttributeDefinitions");
    let kind = |name: &str| {
        let named = types.iter().find(|one| one.text("AttributeName") == Some(name));
        named.and_then(|one| AttributeType::named(one.text("AttributeType")?))
    };
    let keys = |role: &str| {
        let keys = create.structures("KeySchema").into_iter();
        let keys = keys.filter(|key| key.text("KeyType") == Some(role));
        let keys = keys.map(|key| {
            let name = key.owned("AttributeName").unwrap_or_default();
            let kind = kind(&name).ok_or_else(|| {
                invalid("Some index key attributes are not defined in AttributeDefinitions")
            })?;
            Ok(KeyAttribute { name, kind })
        });
        keys.collect::<Result<Vec<_>, Fault>>()
    };
    let projection = create.structure("Projection");
    let listed = projection.map_or_else(Vec::new, |one| one.texts("NonKeyAttributes"));
    Ok(IndexDefinition {
        partition_key: keys("HASH")?,
        sort_key: keys("RANGE")?,
        projection: match projection.and_then(|one| one.text("ProjectionType")) {
            Some("ALL") => Projection::All,
            Some("KEYS_ONLY") => Projection::KeysOnly,
            Some("INCLUDE") => Projection::Only(listed.into_iter().map(str::to_owned).collect()),
            Some(_) | None => return Err(invalid("Unknown ProjectionType")),
        },
    })
}

fn invalid(what: &str) -> Fault {
    Fault::new(
        "ValidationException",
        format!("One or more parameter values were invalid: {what}"),
    )
}
