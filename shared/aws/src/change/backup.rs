//! Backups: taken under a name that follows from the deployment, so that a second run finds the first
//! one's, and looked at until they are complete.

use aws_sdk_dynamodb::types::{BackupStatus, BackupSummary, BackupTypeFilter};
use aws_sdk_rds::types::{DbClusterSnapshot, DbSnapshot, Tag};
use aws_smithy_types::DateTime;
use tidegate_core::change::{Progress, Seen, Source, size};
use tidegate_core::deployment::Deployment;

use crate::error::{AwsError, Kind};
use crate::naming::DEPLOYMENT_TAG;

/// How long before the deployment a backup of it may seem to have been taken, seconds: clocks differ.
const CLOCKS_APART_SECONDS: i64 = 3600;

/// Who takes backups.
#[derive(Debug)]
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// RDS.
    pub rds: aws_sdk_rds::Client,
}

/// How the deployment's backup of a source stands.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(clients: &Clients, deployment: &Deployment, source: &Source) -> Result<Seen, AwsError> {
    let name = name(deployment, source);
    let made = match source {
        Source::Table(table) => {
            let backups = backups_of(&clients.dynamodb, deployment, table).await?;
            let own = backups
                .iter()
                .filter(|backup| backup.backup_name() == Some(name.as_str()));
            of_table(own)
        }
        Source::Database(database) => {
            let snapshot = snapshot(&clients.rds, database, &name).await?;
            snapshot.map_or(Progress::NotBegun, |snapshot| progress_of(&snapshot))
        }
        Source::Cluster(cluster) => {
            let snapshot = cluster_snapshot(&clients.rds, cluster, &name).await?;
            snapshot.map_or(Progress::NotBegun, |snapshot| progress_of(&snapshot))
        }
    };
    Ok(Seen {
        before: None,
        made,
        undone: Progress::NotBegun,
    })
}

/// Begins the backup. Where one is underway, or the source is busy otherwise, nothing is done: the next
/// look says more.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(clients: &Clients, deployment: &Deployment, source: &Source) -> Result<(), AwsError> {
    let what = format!("failed to back up {}", source.title());
    let name = name(deployment, source);
    let answer = match source {
        Source::Table(table) => {
            let call = clients
                .dynamodb
                .create_backup()
                .table_name(table)
                .backup_name(name);
            call.send()
                .await
                .map(drop)
                .map_err(|error| AwsError::sdk(what, error))
        }
        Source::Database(database) => {
            let call = clients
                .rds
                .create_db_snapshot()
                .db_instance_identifier(database)
                .db_snapshot_identifier(name)
                .tags(tag(deployment));
            call.send()
                .await
                .map(drop)
                .map_err(|error| AwsError::sdk(what, error))
        }
        Source::Cluster(cluster) => {
            let call = clients
                .rds
                .create_db_cluster_snapshot()
                .db_cluster_identifier(cluster)
                .db_cluster_snapshot_identifier(name)
                .tags(tag(deployment));
            call.send()
                .await
                .map(drop)
                .map_err(|error| AwsError::sdk(what, error))
        }
    };
    match answer {
        Err(error) if !is_busy(&error) => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn tag(deployment: &Deployment) -> Tag {
    let id = deployment.id.as_str();
    Tag::builder().key(DEPLOYMENT_TAG).value(id).build()
}

/// Whether the same call may work once something else is over.
fn is_busy(error: &AwsError) -> bool {
    // Fifty backups are taken at a time in an account (Amazon DynamoDB API Reference, `CreateBackup`).
    error.kind == Kind::Conflict || error.code.as_deref() == Some("LimitExceededException")
}

fn name(deployment: &Deployment, source: &Source) -> String {
    source.backup_name(deployment.id.as_str(), deployment.requested_at)
}

/// A table's backups since the deployment began; nobody can ask for one by its name.
async fn backups_of(
    dynamodb: &aws_sdk_dynamodb::Client,
    deployment: &Deployment,
    table: &str,
) -> Result<Vec<BackupSummary>, AwsError> {
    let since = deployment.requested_at.as_second() - CLOCKS_APART_SECONDS;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let answer = dynamodb
            .list_backups()
            .table_name(table)
            .backup_type(BackupTypeFilter::User)
            .time_range_lower_bound(DateTime::from_secs(since))
            .set_exclusive_start_backup_arn(after)
            .send()
            .await
            .map_err(|error| AwsError::sdk(format!("failed to list the backups of table {table}"), error))?;
        found.extend_from_slice(answer.backup_summaries());
        after = answer.last_evaluated_backup_arn().map(str::to_owned);
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// A list may be behind, so that there are two: one that is complete is enough.
fn of_table<'a>(own: impl Iterator<Item = &'a BackupSummary> + Clone) -> Progress {
    let with = |status: BackupStatus| {
        own.clone()
            .find(move |backup| backup.backup_status() == Some(&status))
    };
    if let Some(backup) = with(BackupStatus::Available) {
        let bytes = u64::try_from(backup.backup_size_bytes().unwrap_or_default()).unwrap_or_default();
        return done(backup.backup_arn().unwrap_or_default(), &size(bytes));
    }
    match with(BackupStatus::Creating) {
        Some(_) => Progress::running("it is being taken"),
        // One that was deleted is taken again.
        None => Progress::NotBegun,
    }
}

/// What RDS says of a snapshot.
#[derive(Debug, Clone, Default)]
struct Snapshot {
    arn: String,
    name: String,
    /// `creating`, `available`, ...
    status: String,
    /// `20 GiB`.
    size: String,
    percent: Option<i32>,
}

impl From<&DbSnapshot> for Snapshot {
    fn from(of: &DbSnapshot) -> Self {
        Self {
            arn: of.db_snapshot_arn().unwrap_or_default().to_owned(),
            name: of.db_snapshot_identifier().unwrap_or_default().to_owned(),
            status: of.status().unwrap_or_default().to_owned(),
            size: format!("{} GiB", of.allocated_storage().unwrap_or_default()),
            percent: of.percent_progress(),
        }
    }
}

impl From<&DbClusterSnapshot> for Snapshot {
    fn from(of: &DbClusterSnapshot) -> Self {
        Self {
            arn: of.db_cluster_snapshot_arn().unwrap_or_default().to_owned(),
            name: of.db_cluster_snapshot_identifier().unwrap_or_default().to_owned(),
            status: of.status().unwrap_or_default().to_owned(),
            // Aurora's storage grows by itself, and has no size of its own to tell (Amazon RDS API Reference,
            // `DBCluster`: `AllocatedStorage` is always 1).
            size: match of.allocated_storage().unwrap_or_default() {
                ..=1 => "a cluster snapshot".to_owned(),
                gibibytes => format!("{gibibytes} GiB"),
            },
            percent: of.percent_progress(),
        }
    }
}

async fn cluster_snapshot(
    rds: &aws_sdk_rds::Client,
    cluster: &str,
    name: &str,
) -> Result<Option<Snapshot>, AwsError> {
    let call = rds
        .describe_db_cluster_snapshots()
        .db_cluster_snapshot_identifier(name)
        .send();
    let what = format!("failed to look for the snapshot of cluster {cluster}");
    match call.await.map_err(|error| AwsError::sdk(what, error)) {
        Ok(answer) => Ok(answer.db_cluster_snapshots().first().map(Snapshot::from)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn snapshot(
    rds: &aws_sdk_rds::Client,
    database: &str,
    name: &str,
) -> Result<Option<Snapshot>, AwsError> {
    let call = rds.describe_db_snapshots().db_snapshot_identifier(name).send();
    let what = format!("failed to look for the snapshot of database {database}");
    match call.await.map_err(|error| AwsError::sdk(what, error)) {
        Ok(answer) => Ok(answer.db_snapshots().first().map(Snapshot::from)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn progress_of(snapshot: &Snapshot) -> Progress {
    match snapshot.status.as_str() {
        "available" => done(&snapshot.arn, &snapshot.size),
        status @ ("failed" | "deleting" | "deleted") => {
            Progress::failed(format!("snapshot {} is {status}", snapshot.name))
        }
        // Whatever else it is, it is not complete.
        status => Progress::running(match snapshot.percent {
            Some(percent) => format!("the snapshot is {status}, {percent} % done"),
            None => format!("the snapshot is {status}"),
        }),
    }
}

fn done(arn: &str, size: &str) -> Progress {
    Progress::done(format!("{size} in {arn}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(status: BackupStatus, bytes: i64) -> BackupSummary {
        BackupSummary::builder()
            .backup_arn(format!("arn:{status}"))
            .backup_status(status)
            .backup_size_bytes(bytes)
            .build()
    }

    #[test]
    fn a_table_is_backed_up_once_one_backup_of_it_is_available() {
        let creating = backup(BackupStatus::Creating, 0);
        let available = backup(BackupStatus::Available, 5 << 20);
        let deleted = backup(BackupStatus::Deleted, 7);
        assert_eq!(of_table([].iter()), Progress::NotBegun);
        assert_eq!(of_table([&deleted].into_iter()), Progress::NotBegun);
        assert!(matches!(
            of_table([&deleted, &creating].into_iter()),
            Progress::Running { .. }
        ));
        assert_eq!(
            of_table([&creating, &available].into_iter()),
            done("arn:AVAILABLE", "5 MiB")
        );
    }

    #[test]
    fn a_snapshot_counts_when_it_is_available_and_is_given_up_when_it_failed() {
        let instance = |status: &str| {
            let snapshot = DbSnapshot::builder()
                .db_snapshot_identifier("tidegate-web-1")
                .db_snapshot_arn("arn:snapshot")
                .status(status)
                .allocated_storage(20)
                .percent_progress(40);
            Snapshot::from(&snapshot.build())
        };
        let cluster = |status: &str| {
            let snapshot = DbClusterSnapshot::builder()
                .db_cluster_snapshot_identifier("tidegate-web-1")
                .db_cluster_snapshot_arn("arn:snapshot")
                .status(status)
                .allocated_storage(20)
                .percent_progress(40);
            Snapshot::from(&snapshot.build())
        };
        for snapshot in [&instance as &dyn Fn(&str) -> Snapshot, &cluster] {
            assert_eq!(
                progress_of(&snapshot("available")),
                done("arn:snapshot", "20 GiB")
            );
            assert_eq!(
                progress_of(&snapshot("creating")),
                Progress::running("the snapshot is creating, 40 % done")
            );
            assert!(matches!(
                progress_of(&snapshot("failed")),
                Progress::Failed { reason, .. } if reason == "snapshot tidegate-web-1 is failed"
            ));
        }
        let aurora = DbClusterSnapshot::builder().allocated_storage(1).build();
        assert_eq!(Snapshot::from(&aurora).size, "a cluster snapshot");
    }

    #[test]
    fn only_what_passes_by_itself_is_waited_for() {
        let refused = |code: &str| AwsError::reported("failed to back up table orders", code, "");
        for code in [
            "BackupInUseException",
            "DBClusterSnapshotAlreadyExistsFault",
            "DBSnapshotAlreadyExists",
            "InvalidDBClusterStateFault",
            "InvalidDBInstanceState",
            "LimitExceededException",
            "TableInUseException",
        ] {
            assert!(is_busy(&refused(code)), "{code}");
        }
        for code in [
            "AccessDenied",
            "DBClusterNotFoundFault",
            "DBInstanceNotFound",
            "SnapshotQuotaExceeded",
        ] {
            assert!(!is_busy(&refused(code)), "{code}");
        }
    }
}
