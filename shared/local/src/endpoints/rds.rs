//! Operations of RDS: snapshots of database instances.

use serde_json::{Value, json};

use super::Fault;
use super::args::{Args, epoch};
use crate::fleet::{Backup, Fleet};

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "CreateDBSnapshot" => create(fleet, args),
        "DescribeDBSnapshots" => describe(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn filled<'a>(args: Args<'a>, name: &str) -> Result<&'a str, Fault> {
    args.filled(name).ok_or_else(|| {
        Fault::new(
            "MissingParameter",
            format!("The request must contain the parameter {name}"),
        )
    })
}

fn arn(fleet: &Fleet, snapshot: &str) -> String {
    format!(
        "arn:aws:rds:{}:{}:snapshot:{snapshot}",
        fleet.region, fleet.account
    )
}

fn create(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    // RDS keeps identifiers in small letters.
    let database = filled(args, "DBInstanceIdentifier")?.to_lowercase();
    let name = filled(args, "DBSnapshotIdentifier")?.to_lowercase();
    let fits = name.len() <= 255 && !name.contains("--") && !name.ends_with('-');
    if !fits || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("The parameter DBSnapshotIdentifier is not a valid identifier: {name}"),
        ));
    }
    let Some(held) = fleet.databases.get(&database).cloned() else {
        let message = format!("DBInstance {database} not found.");
        return Err(Fault::new("DBInstanceNotFound", message).with_status(404));
    };
    let arn = arn(fleet, &name);
    if fleet.backups.contains_key(&arn) {
        let message = format!(
            "Cannot create the snapshot because a snapshot with the identifier {name} already exists."
        );
        return Err(Fault::new("DBSnapshotAlreadyExists", message));
    }
    let bytes = u64::from(held.gibibytes) << 30;
    let seconds = i64::from(held.snapshot_seconds);
    let backup = fleet.take_backup(&arn, &database, &name, bytes, seconds);
    Ok(json!({ "DBSnapshot": shown(fleet, &arn, &backup) }))
}

/// Of the one snapshot that is asked for by name.
fn describe(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = filled(args, "DBSnapshotIdentifier")?.to_lowercase();
    let arn = arn(fleet, &name);
    let Some(backup) = fleet.backups.get(&arn) else {
        let message = format!("DBSnapshot {name} not found.");
        return Err(Fault::new("DBSnapshotNotFound", message).with_status(404));
    };
    // RDS names the items of its lists after what they are.
    Ok(json!({ "DBSnapshots": { "DBSnapshot": shown(fleet, &arn, backup) } }))
}

fn shown(fleet: &Fleet, arn: &str, backup: &Backup) -> Value {
    let over = backup.ready_at <= fleet.now();
    let fails = fleet
        .databases
        .get(&backup.of)
        .is_some_and(|one| one.snapshots_fail);
    let whole = backup.ready_at.duration_since(backup.created_at).as_secs().max(1);
    let gone = fleet.now().duration_since(backup.created_at).as_secs();
    json!({
        "DBSnapshotIdentifier": backup.name,
        "DBSnapshotArn": arn,
        "DBInstanceIdentifier": backup.of,
        "Status": match (over, fails) {
            (false, _) => "creating",
            (true, true) => "failed",
            (true, false) => "available",
        },
        "PercentProgress": (gone * 100 / whole).clamp(0, 100),
        "AllocatedStorage": backup.bytes >> 30,
        "SnapshotCreateTime": epoch(backup.created_at),
        "SnapshotType": "manual",
        "Engine": "postgres",
        "Encrypted": true,
    })
}
