//! Backups that are taken before anything is changed, and what a person restores from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Work;
use crate::deployment::Deployment;
use crate::hash::sha256_hex;

/// What is backed up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A DynamoDB table, by its name.
    Table(String),
    /// A database instance of RDS, by its identifier.
    Database(String),
    /// A database cluster, of Aurora or Multi-AZ, by its identifier.
    Cluster(String),
}

impl Source {
    /// `table orders`.
    pub fn title(&self) -> String {
        match self {
            Self::Table(name) => format!("table {name}"),
            Self::Database(name) => format!("database {name}"),
            Self::Cluster(name) => format!("cluster {name}"),
        }
    }

    /// Its name on AWS.
    pub fn name(&self) -> &str {
        match self {
            Self::Table(name) | Self::Database(name) | Self::Cluster(name) => name,
        }
    }

    /// The name of its backup of one deployment, so that a second run finds it instead of taking another.
    ///
    /// It follows the strictest rule of the three: lowercase letters, digits and single dashes, at most 255, of a
    /// cluster 63 (Amazon RDS API Reference, `CreateDBSnapshot`, `CreateDBClusterSnapshot`; Amazon DynamoDB API
    /// Reference, `CreateBackup`). The time is part of it because a backup outlives Tidegate's own table, with which
    /// deployments are counted anew.
    pub fn backup_name(&self, deployment: &str, requested_at: Timestamp) -> String {
        let plain = format!("{deployment}-{}", self.name()).to_lowercase();
        let parts = plain.split(|c: char| !c.is_ascii_alphanumeric());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        // Beside what stands before and after it.
        let most = match self {
            Self::Table(_) | Self::Database(_) => 200,
            Self::Cluster(_) => 45,
        };
        let readable: String = parts.join("-").chars().take(most).collect();
        let exact = format!("{deployment}/{}/{requested_at}", self.title());
        let mut hash = sha256_hex(exact.as_bytes());
        hash.truncate(8);
        format!("tidegate-{}-{hash}", readable.trim_end_matches('-'))
    }
}

/// The backups that a deployment has taken: `table orders (2 GiB in arn:...)`.
pub(crate) fn taken(deployment: &Deployment) -> Vec<String> {
    let changes = deployment.planned_changes().iter();
    let taken = changes.filter_map(|change| match &change.work {
        Work::Backup { source } => {
            let kept = deployment.changes.get(&change.id)?.kept.as_ref()?;
            Some(format!("{} ({kept})", source.title()))
        }
        Work::Run { .. }
        | Work::Index { .. }
        | Work::Verify { .. }
        | Work::SuspendScaling { .. }
        | Work::SetParameter { .. }
        | Work::Analyze { .. }
        | Work::SetFlags { .. }
        | Work::Stack { .. }
        | Work::Terraform { .. }
        | Work::Monitor { .. }
        | Work::TestAlarm { .. } => None,
    });
    taken.collect()
}

/// How much that is, in the largest unit of which there is one: `3 GiB`.
pub fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, bits)| bytes >> bits > 0);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, bits)| format!("{} {unit}", bytes >> bits),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::constant(1_772_442_000, 0);

    #[test]
    fn a_backup_has_a_name_of_its_own_that_both_services_take() {
        let table = Source::Table("Shop.Orders_2024--x".to_owned());
        let name = table.backup_name("web-production-7-0a1b2c3d", AT);
        assert_eq!(
            name.rsplit_once('-').map(|(readable, _)| readable),
            Some("tidegate-web-production-7-0a1b2c3d-shop-orders-2024-x")
        );
        let long = Source::Table("x".repeat(255)).backup_name(&"d".repeat(80), AT);
        let cluster = Source::Cluster("web-cluster".to_owned());
        let short = cluster.backup_name("web-production-7-0a1b2c3d", AT);
        assert!(
            short.starts_with("tidegate-web-production-7-0a1b2c3d-web-cluster-"),
            "{short}"
        );
        // The dash at which it is cut does not stand twice.
        let cut =
            Source::Cluster(format!("{}-x", "c".repeat(18))).backup_name("web-production-7-0a1b2c3d", AT);
        assert!(short.len() <= 63 && cut.len() <= 63, "{short} {cut}");
        for name in [name, long, short, cut] {
            assert!(name.len() <= 255 && !name.contains("--"), "{name}");
            assert!(
                name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
                "{name}"
            );
        }
    }

    #[test]
    fn two_backups_never_share_a_name() {
        let orders = Source::Table("orders".to_owned());
        let name = orders.backup_name("web-1", AT);
        let later = Timestamp::constant(1_772_442_001, 0);
        let others = [
            Source::Database("orders".to_owned()).backup_name("web-1", AT),
            Source::Cluster("orders".to_owned()).backup_name("web-1", AT),
            Source::Table("ORDERS".to_owned()).backup_name("web-1", AT),
            orders.backup_name("web-2", AT),
            orders.backup_name("web-1", later),
        ];
        assert!(!others.contains(&name), "{others:?}");
        assert_eq!(orders.backup_name("web-1", AT), name);
    }

    #[test]
    fn sizes_are_told_in_the_largest_unit() {
        let sizes = [0, 1023, 1 << 10, 5 << 20, (3 << 30) + 1, 2 << 40].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1 KiB", "5 MiB", "3 GiB", "2 TiB"]);
    }
}
