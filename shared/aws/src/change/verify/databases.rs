//! Databases of RDS: instances, and clusters of Aurora or of several zones.

use std::collections::BTreeSet;

use aws_sdk_rds::types::{DbCluster, DbInstance, Filter, StorageEncryptionType};
use tidegate_core::change::{Expected, Setting, Settings};

use super::{found, maybe, one};
use crate::error::AwsError;

const SECONDS_OF_A_DAY: i64 = 86_400;

/// The settings of an instance; nothing where it does not exist.
pub(super) async fn instance(
    rds: &aws_sdk_rds::Client,
    name: &str,
    what: String,
) -> Result<Option<Settings>, AwsError> {
    let call = rds.describe_db_instances().db_instance_identifier(name).send();
    let answer = found(call.await.map_err(|error| AwsError::sdk(what, error)))?;
    Ok(answer.and_then(|answer| Some(of_instance(answer.db_instances().first()?))))
}

/// The settings of a cluster; nothing where it does not exist.
pub(super) async fn cluster(
    rds: &aws_sdk_rds::Client,
    expected: &Expected,
    what: String,
) -> Result<Option<Settings>, AwsError> {
    let name = expected.name.as_str();
    let call = rds.describe_db_clusters().db_cluster_identifier(name).send();
    let answer = found(call.await.map_err(|error| AwsError::sdk(what.clone(), error)))?;
    let Some(cluster) = answer.as_ref().and_then(|answer| answer.db_clusters().first()) else {
        return Ok(None);
    };
    let public = match cluster.publicly_accessible() {
        None if expected.settings.contains_key(&Setting::PubliclyAccessible) => {
            Some(any_is_public(rds, name, what).await?)
        }
        told => told,
    };
    Ok(Some(of_cluster(cluster, public)))
}

/// A cluster of Aurora has no address of that kind, but its instances have (Amazon RDS API Reference, `DBCluster`).
async fn any_is_public(rds: &aws_sdk_rds::Client, cluster: &str, what: String) -> Result<bool, AwsError> {
    let own = Filter::builder().name("db-cluster-id").values(cluster).build();
    // A cluster has 16 instances at most, and a page has room for 100.
    let call = rds.describe_db_instances().filters(own).send();
    let answer = call.await.map_err(|error| AwsError::sdk(what, error))?;
    let mut instances = answer.db_instances().iter();
    Ok(instances.any(|one| one.publicly_accessible() == Some(true)))
}

pub(super) fn of_instance(instance: &DbInstance) -> Settings {
    Settings::from([
        (Setting::Status, maybe(instance.db_instance_status())),
        (Setting::InstanceClass, maybe(instance.db_instance_class())),
        (Setting::Engine, maybe(instance.engine())),
        (Setting::EngineVersion, maybe(instance.engine_version())),
        (
            Setting::Encrypted,
            one(is_encrypted(
                instance.storage_encrypted(),
                instance.storage_encryption_type(),
            )),
        ),
        (Setting::KmsKey, maybe(instance.kms_key_id())),
        (
            Setting::PubliclyAccessible,
            one(instance.publicly_accessible() == Some(true)),
        ),
        (Setting::MultiAz, one(instance.multi_az() == Some(true))),
        (
            Setting::DeletionProtection,
            one(instance.deletion_protection() == Some(true)),
        ),
        (
            Setting::BackupRetention,
            retention(instance.backup_retention_period()),
        ),
    ])
}

pub(super) fn of_cluster(cluster: &DbCluster, public: Option<bool>) -> Settings {
    Settings::from([
        (Setting::Status, maybe(cluster.status())),
        (Setting::Engine, maybe(cluster.engine())),
        (Setting::EngineVersion, maybe(cluster.engine_version())),
        (
            Setting::Encrypted,
            one(is_encrypted(
                cluster.storage_encrypted(),
                cluster.storage_encryption_type(),
            )),
        ),
        (Setting::KmsKey, maybe(cluster.kms_key_id())),
        (Setting::PubliclyAccessible, maybe(public)),
        (Setting::MultiAz, one(cluster.multi_az() == Some(true))),
        (
            Setting::DeletionProtection,
            one(cluster.deletion_protection() == Some(true)),
        ),
        (
            Setting::BackupRetention,
            retention(cluster.backup_retention_period()),
        ),
    ])
}

/// With a key that AWS owns, `StorageEncrypted` is false and the type is `sse-rds` (Amazon RDS API Reference,
/// `DBCluster`). A type that is not known yet is some way of encrypting it only where `StorageEncrypted` says so.
fn is_encrypted(by_key: Option<bool>, by: Option<&StorageEncryptionType>) -> bool {
    let known = [StorageEncryptionType::Cmk, StorageEncryptionType::Sse];
    by_key == Some(true) || by.is_some_and(|by| known.contains(by))
}

/// Seconds; none where automated backups are off.
fn retention(days: Option<i32>) -> BTreeSet<String> {
    let kept = days.filter(|days| *days > 0);
    maybe(kept.map(|days| i64::from(days) * SECONDS_OF_A_DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_with_a_key_of_aws_is_encrypted() {
        let read = |key: bool, by: StorageEncryptionType| {
            let instance = DbInstance::builder()
                .storage_encrypted(key)
                .storage_encryption_type(by.clone())
                .build();
            let cluster = DbCluster::builder()
                .storage_encrypted(key)
                .storage_encryption_type(by)
                .build();
            let of_instance = of_instance(&instance)[&Setting::Encrypted].clone();
            assert_eq!(of_instance, of_cluster(&cluster, None)[&Setting::Encrypted]);
            of_instance
        };
        assert_eq!(read(true, StorageEncryptionType::Cmk), one(true));
        assert_eq!(read(false, StorageEncryptionType::Sse), one(true));
        assert_eq!(read(false, StorageEncryptionType::Unencrypted), one(false));
        assert_eq!(read(false, "sse-new".into()), one(false));
        let silent = DbInstance::builder().build();
        assert_eq!(of_instance(&silent)[&Setting::Encrypted], one(false));
    }

    #[test]
    fn backups_that_are_off_are_kept_for_no_time() {
        assert_eq!(retention(Some(7)), one(604_800));
        assert_eq!(retention(Some(0)), BTreeSet::new());
        assert_eq!(retention(None), BTreeSet::new());
    }

    #[test]
    fn an_address_that_nobody_told_of_is_not_taken_for_none() {
        let cluster = DbCluster::builder().build();
        assert_eq!(
            of_cluster(&cluster, None)[&Setting::PubliclyAccessible],
            BTreeSet::new()
        );
        assert_eq!(
            of_cluster(&cluster, Some(false))[&Setting::PubliclyAccessible],
            one(false)
        );
    }
}
