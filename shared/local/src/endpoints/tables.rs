//! What DynamoDB says of the settings of a service's tables.

use serde_json::{Value, json};

use super::args::Args;
use super::{Call, Fault};
use crate::fleet::{Fleet, ServiceTable};
use crate::names::TABLE;

/// Whether a call is about the settings of a table that is not Tidegate's own.
pub(crate) fn is_of_a_service(call: &Call) -> bool {
    if !matches!(
        call.operation.as_str(),
        "DescribeTable" | "DescribeContinuousBackups"
    ) {
        return false;
    }
    let input = call.input().unwrap_or_default();
    input["TableName"].as_str().is_some_and(|name| name != TABLE)
}

/// Answers an operation.
pub(super) fn answer(fleet: &Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    let name = args.filled("TableName").unwrap_or_default();
    let table = |code: &str| {
        let missing = || {
            Fault::new(
                code,
                format!("Requested resource not found: Table: {name} not found"),
            )
        };
        fleet.service_tables.get(name).ok_or_else(missing)
    };
    match operation {
        "DescribeTable" => Ok(describe(fleet, name, table("ResourceNotFoundException")?)),
        "DescribeContinuousBackups" => Ok(backups(table("TableNotFoundException")?)),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn describe(fleet: &Fleet, name: &str, table: &ServiceTable) -> Value {
    let indexes: Vec<Value> = table
        .indexes
        .iter()
        .map(|(index, built)| {
            json!({
                "IndexName": index,
                "IndexStatus": if *built { "ACTIVE" } else { "CREATING" },
                "Backfilling": !built,
                "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": index, "KeyType": "HASH"}],
            })
        })
        .collect();
    let mut described = json!({
        "TableName": name,
        "TableArn": format!("arn:aws:dynamodb:{}:{}:table/{name}", fleet.region, fleet.account),
        "TableStatus": "ACTIVE",
        "DeletionProtectionEnabled": table.deletion_protection,
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": indexes,
    });
    if table.on_demand {
        described["BillingModeSummary"] = json!({"BillingMode": "PAY_PER_REQUEST"});
    }
    json!({ "Table": described })
}

fn backups(table: &ServiceTable) -> Value {
    let status = match table.point_in_time_recovery {
        true => "ENABLED",
        false => "DISABLED",
    };
    json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    }})
}
