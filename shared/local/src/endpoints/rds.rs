//! Operations of RDS: how database instances and clusters are set up, and snapshots of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Fault;
use super::args::{Args, epoch};
use crate::fleet::{Backup, Database, Fleet};

/// Of what a snapshot is. The two have the same operations, under other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Instance,
    Cluster,
}

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "CreateDBSnapshot" => create(fleet, Of::Instance, args),
        "CreateDBClusterSnapshot" => create(fleet, Of::Cluster, args),
        "DescribeDBClusters" => found(fleet, Of::Cluster, args),
        "DescribeDBInstances" => found(fleet, Of::Instance, args),
        "DescribeDBSnapshots" => describe(fleet, Of::Instance, args),
        "DescribeDBClusterSnapshots" => describe(fleet, Of::Cluster, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

impl Of {
    /// Of a snapshot, in answers and in names of parameters.
    const fn snapshot(self) -> &'static str {
        match self {
            Self::Instance => "DBSnapshot",
            Self::Cluster => "DBClusterSnapshot",
        }
    }

    /// Of what it is of.
    const fn source(self) -> &'static str {
        match self {
            Self::Instance => "DBInstance",
            Self::Cluster => "DBCluster",
        }
    }

    const fn engine(self) -> &'static str {
        match self {
            Self::Instance => "postgres",
            Self::Cluster => "aurora-postgresql",
        }
    }

    /// What stands behind the codes of its faults.
    const fn fault(self) -> &'static str {
        match self {
            Self::Instance => "",
            Self::Cluster => "Fault",
        }
    }

    /// Letters that an identifier of a snapshot may have (API reference).
    const fn longest(self) -> usize {
        match self {
            Self::Instance => 255,
            Self::Cluster => 63,
        }
    }

    fn arn(self, fleet: &Fleet, snapshot: &str) -> String {
        let kind = match self {
            Self::Instance => "snapshot",
            Self::Cluster => "cluster-snapshot",
        };
        format!("arn:aws:rds:{}:{}:{kind}:{snapshot}", fleet.region, fleet.account)
    }

    const fn held(self, fleet: &Fleet) -> &BTreeMap<String, Database> {
        match self {
            Self::Instance => &fleet.databases,
            Self::Cluster => &fleet.clusters_of_databases,
        }
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

fn create(fleet: &mut Fleet, of: Of, args: Args<'_>) -> Result<Value, Fault> {
    let (snapshot, source, fault) = (of.snapshot(), of.source(), of.fault());
    // RDS keeps identifiers in small letters.
    let database = filled(args, &format!("{source}Identifier"))?.to_lowercase();
    let name = filled(args, &format!("{snapshot}Identifier"))?.to_lowercase();
    let fits = name.len() <= of.longest() && !name.contains("--") && !name.ends_with('-');
    if !fits || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("The parameter {snapshot}Identifier is not a valid identifier: {name}"),
        ));
    }
    let Some(held) = of.held(fleet).get(&database).cloned() else {
        let message = format!("{source} {database} not found.");
        return Err(Fault::new(&format!("{source}NotFound{fault}"), message).with_status(404));
    };
    let arn = of.arn(fleet, &name);
    if fleet.backups.contains_key(&arn) {
        let message = format!(
            "Cannot create the snapshot because a snapshot with the identifier {name} already exists."
        );
        return Err(Fault::new(&format!("{snapshot}AlreadyExists{fault}"), message));
    }
    let bytes = u64::from(held.gibibytes) << 30;
    let seconds = i64::from(held.snapshot_seconds);
    let backup = fleet.take_backup(&arn, &database, &name, bytes, seconds);
    let shown = shown(fleet, of, &arn, &backup);
    Ok(Map::from_iter([(snapshot.to_owned(), shown)]).into())
}

/// Of the one snapshot that is asked for by name.
fn describe(fleet: &Fleet, of: Of, args: Args<'_>) -> Result<Value, Fault> {
    let snapshot = of.snapshot();
    let name = filled(args, &format!("{snapshot}Identifier"))?.to_lowercase();
    let arn = of.arn(fleet, &name);
    let Some(backup) = fleet.backups.get(&arn) else {
        let message = format!("{snapshot} {name} not found.");
        let code = format!("{snapshot}NotFound{}", of.fault());
        return Err(Fault::new(&code, message).with_status(404));
    };
    // RDS names the items of its lists after what they are.
    let items = Map::from_iter([(snapshot.to_owned(), shown(fleet, of, &arn, backup))]);
    Ok(Map::from_iter([(format!("{snapshot}s"), items.into())]).into())
}

fn shown(fleet: &Fleet, of: Of, arn: &str, backup: &Backup) -> Value {
    let over = backup.ready_at <= fleet.now();
    let held = of.held(fleet).get(&backup.of);
    let fails = held.is_some_and(|one| one.snapshots_fail);
    let whole = backup.ready_at.duration_since(backup.created_at).as_secs().max(1);
    let gone = fleet.now().duration_since(backup.created_at).as_secs();
    let mut shown = json!({
        "Status": match (over, fails) {
            (false, _) => "creating",
            (true, true) => "failed",
            (true, false) => "available",
        },
        "PercentProgress": (gone * 100 / whole).clamp(0, 100),
        "AllocatedStorage": backup.bytes >> 30,
        "SnapshotCreateTime": epoch(backup.created_at),
        "SnapshotType": "manual",
        "Engine": of.engine(),
        "Encrypted": true,
    });
    if let Some(members) = shown.as_object_mut() {
        let (snapshot, source) = (of.snapshot(), of.source());
        for (name, value) in [
            (format!("{snapshot}Identifier"), backup.name.as_str()),
            (format!("{snapshot}Arn"), arn),
            (format!("{source}Identifier"), backup.of.as_str()),
        ] {
            members.insert(name, value.into());
        }
    }
    shown
}

/// Databases and clusters: the one of that name, or all of a cluster.
fn found(fleet: &Fleet, of: Of, args: Args<'_>) -> Result<Value, Fault> {
    let source = of.source();
    let held = of.held(fleet);
    let shown: Vec<Value> = match args.filled(&format!("{source}Identifier")) {
        Some(name) => {
            let name = name.to_lowercase();
            let Some(database) = held.get(&name) else {
                let message = format!("{source} {name} not found.");
                let code = format!("{source}NotFound{}", of.fault());
                return Err(Fault::new(&code, message).with_status(404));
            };
            vec![set_up(of, &name, database)]
        }
        None => {
            let cluster = of_cluster(args)?;
            held.iter()
                .filter(|(_, one)| cluster.is_none_or(|name| one.settings.cluster.as_deref() == Some(name)))
                .map(|(name, one)| set_up(of, name, one))
                .collect()
        }
    };
    let items = Map::from_iter([(source.to_owned(), shown.into())]);
    Ok(Map::from_iter([(format!("{source}s"), items.into())]).into())
}

/// The cluster whose instances are asked for; the one filter that is known here.
fn of_cluster(args: Args<'_>) -> Result<Option<&str>, Fault> {
    let Some(filters) = args.value("Filters") else {
        return Ok(None);
    };
    let text = |path: &str| filters.pointer(path).and_then(Value::as_str);
    match (text("/Filter/1/Name"), text("/Filter/1/Values/Value/1")) {
        (Some("db-cluster-id"), Some(name)) => Ok(Some(name)),
        (name, _) => Err(Fault::new(
            "InvalidParameterValue",
            format!("Unrecognized filter name: {}", name.unwrap_or_default()),
        )),
    }
}

fn set_up(of: Of, name: &str, database: &Database) -> Value {
    let settings = &database.settings;
    let mut shown = json!({
        "Engine": of.engine(),
        "EngineVersion": settings.version,
        "StorageEncrypted": settings.kms_key.is_some(),
        "KmsKeyId": settings.kms_key,
        "MultiAZ": settings.multi_az,
        "DeletionProtection": settings.deletion_protection,
        "BackupRetentionPeriod": settings.retention_days,
    });
    let own = match of {
        Of::Instance => json!({
            "DBInstanceIdentifier": name,
            "DBInstanceStatus": settings.status,
            "DBInstanceClass": settings.class,
            "DBClusterIdentifier": settings.cluster,
            "PubliclyAccessible": settings.public,
        }),
        // One of Aurora tells nothing of addresses: its instances do.
        Of::Cluster => json!({ "DBClusterIdentifier": name, "Status": settings.status }),
    };
    if let (Some(shown), Value::Object(own)) = (shown.as_object_mut(), own) {
        shown.extend(own);
    }
    shown
}
