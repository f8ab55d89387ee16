//! Databases of the services, as far as their settings and snapshots go, and what was backed up.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Fleet;

/// A database instance or a cluster of RDS.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Database {
    /// Storage that it has.
    pub gibibytes: u32,
    /// How long a snapshot takes.
    pub snapshot_seconds: u32,
    /// Whether its snapshots fail in the end.
    pub snapshots_fail: bool,
    /// How it is set up.
    #[serde(default)]
    pub settings: DatabaseSettings,
}

/// How a database is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSettings {
    /// The cluster that an instance is part of.
    pub cluster: Option<String>,
    /// Status that RDS tells.
    pub status: String,
    /// Class of an instance.
    pub class: String,
    /// Version of its engine.
    pub version: String,
    /// Key of KMS that it is encrypted with.
    pub kms_key: Option<String>,
    /// Whether it has a public address.
    pub public: bool,
    /// Whether it stands in several zones.
    pub multi_az: bool,
    /// Whether it is protected from being deleted.
    pub deletion_protection: bool,
    /// How long its automated backups are kept; 0 where there are none.
    pub retention_days: u32,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            cluster: None,
            status: "available".to_owned(),
            class: "db.r6g.large".to_owned(),
            version: "16.4".to_owned(),
            kms_key: Some("arn:aws:kms:us-east-1:123456789012:key/1a2b3c".to_owned()),
            public: false,
            multi_az: true,
            deletion_protection: true,
            retention_days: 7,
        }
    }
}

/// A backup of a table, or a snapshot of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its name; only those of snapshots are unique.
    pub name: String,
    /// Name of the table, the database or the cluster.
    pub of: String,
    /// How large it is.
    pub bytes: u64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it is complete.
    pub ready_at: Timestamp,
}

impl Fleet {
    /// Begins a backup.
    pub(crate) fn take_backup(
        &mut self,
        arn: &str,
        of: &str,
        name: &str,
        bytes: u64,
        seconds: i64,
    ) -> Backup {
        let now = self.now();
        let backup = Backup {
            name: name.to_owned(),
            of: of.to_owned(),
            bytes,
            created_at: now,
            ready_at: now
                .checked_add(SignedDuration::from_secs(seconds))
                .unwrap_or(Timestamp::MAX),
        };
        self.backups.insert(arn.to_owned(), backup.clone());
        backup
    }

    /// Names of the backups of a table or a database, oldest first.
    pub fn backups_of(&self, of: &str) -> Vec<String> {
        let mut own: Vec<&Backup> = self.backups.values().filter(|one| one.of == of).collect();
        own.sort_by_key(|one| one.created_at);
        own.into_iter().map(|one| one.name.clone()).collect()
    }
}
