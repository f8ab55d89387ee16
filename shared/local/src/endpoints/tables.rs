//! What DynamoDB says of the settings of a service's tables, its backups of them, and changes of their indexes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{Args, epoch};
use super::{Call, Fault, indexes};
use crate::fleet::{Backup, Fleet, ServiceTable, TABLE_KEY};
use crate::names::TABLE;

/// Whether a call is about the settings of a table that is not Tidegate's own.
pub(crate) fn is_of_a_service(call: &Call) -> bool {
    if !matches!(
        call.operation.as_str(),
        "DescribeTable" | "UpdateTable" | "DescribeContinuousBackups" | "CreateBackup" | "ListBackups"
    ) {
        return false;
    }
    let input = call.input().unwrap_or_default();
    input["TableName"].as_str().is_some_and(|name| name != TABLE)
}

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    let name = args.filled("TableName").unwrap_or_default();
    match operation {
        "DescribeTable" => {
            let described = describe(fleet, name, held(fleet, name, NO_RESOURCE)?);
            Ok(json!({ "Table": described }))
        }
        "UpdateTable" => {
            held(fleet, name, NO_RESOURCE)?;
            indexes::update(fleet, name, args)?;
            let described = describe(fleet, name, held(fleet, name, NO_RESOURCE)?);
            Ok(json!({ "TableDescription": described }))
        }
        "DescribeContinuousBackups" => Ok(backups(held(fleet, name, NO_TABLE)?)),
        "CreateBackup" => {
            let bytes = held(fleet, name, NO_TABLE)?.bytes;
            create_backup(fleet, name, bytes, args)
        }
        "ListBackups" => Ok(list_backups(fleet, name, args)),
        other => Err(Fault::unknown_operation(other)),
    }
}

/// What the operations of tables say where there is none, and those of backups.
const NO_RESOURCE: &str = "ResourceNotFoundException";
const NO_TABLE: &str = "TableNotFoundException";

fn held<'a>(fleet: &'a Fleet, name: &str, code: &str) -> Result<&'a ServiceTable, Fault> {
    fleet.service_tables.get(name).ok_or_else(|| {
        Fault::new(
            code,
            format!("Requested resource not found: Table: {name} not found"),
        )
    })
}

fn describe(fleet: &Fleet, name: &str, table: &ServiceTable) -> Value {
    let now = fleet.now();
    let arn = format!("arn:aws:dynamodb:{}:{}:table/{name}", fleet.region, fleet.account);
    let types = table.key_types(now).into_iter();
    let types = types.map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind.as_str()}));
    let mut described = json!({
        "TableName": name,
        "TableArn": arn,
        "TableStatus": table.status(now),
        "DeletionProtectionEnabled": table.deletion_protection,
        "KeySchema": [{"AttributeName": TABLE_KEY, "KeyType": "HASH"}],
        "AttributeDefinitions": types.collect::<Vec<_>>(),
        "ItemCount": table.items,
        "TableSizeBytes": table.bytes,
    });
    let indexes: Vec<Value> = table
        .indexes(now)
        .map(|(name, index)| indexes::shown(name, index, now))
        .collect();
    if !indexes.is_empty() {
        described["GlobalSecondaryIndexes"] = Value::from(indexes);
    }
    if table.on_demand {
        described["BillingModeSummary"] = json!({"BillingMode": "PAY_PER_REQUEST"});
    }
    if let Some(key) = &table.kms_key {
        described["SSEDescription"] = json!({"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key});
    }
    described
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

/// How long DynamoDB takes for a backup, whatever the size of the table.
const BACKUP_SECONDS: i64 = 20;

fn create_backup(fleet: &mut Fleet, table: &str, bytes: u64, args: Args<'_>) -> Result<Value, Fault> {
    let Some(name) = args.filled("BackupName") else {
        return Err(Fault::new("ValidationException", "BackupName is missing"));
    };
    let now = fleet.now();
    let mut underway = fleet.backups.values();
    if underway.any(|one| one.of == table && one.ready_at > now) {
        return Err(Fault::new(
            "BackupInUseException",
            format!("Backup is being created for table {table}"),
        ));
    }
    // DynamoDB takes a second backup of one name without a word.
    let arn = format!(
        "arn:aws:dynamodb:{}:{}:table/{table}/backup/{:014}-{:08}",
        fleet.region,
        fleet.account,
        now.as_millisecond(),
        fleet.backups.len()
    );
    let backup = fleet.take_backup(&arn, table, name, bytes, BACKUP_SECONDS);
    Ok(json!({ "BackupDetails": shown(&arn, &backup, now) }))
}

fn list_backups(fleet: &Fleet, table: &str, args: Args<'_>) -> Value {
    let since = args.time("TimeRangeLowerBound");
    let own = fleet.backups.iter().filter(|(arn, backup)| {
        backup.of == table
            && arn.contains(":dynamodb:")
            && since.is_none_or(|since| backup.created_at >= since)
    });
    let summaries: Vec<Value> = own
        .map(|(arn, backup)| {
            let mut shown = shown(arn, backup, fleet.now());
            shown["TableName"] = Value::from(table);
            shown
        })
        .collect();
    json!({ "BackupSummaries": summaries })
}

fn shown(arn: &str, backup: &Backup, now: Timestamp) -> Value {
    json!({
        "BackupArn": arn,
        "BackupName": backup.name,
        "BackupStatus": if backup.ready_at <= now { "AVAILABLE" } else { "CREATING" },
        "BackupType": "USER",
        "BackupSizeBytes": backup.bytes,
        "BackupCreationDateTime": epoch(backup.created_at),
    })
}
