//! DynamoDB tables of the services, as far as their settings go. Tidegate's own table is a real one
//! and not here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A table of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceTable {
    /// Whether it is paid for by request, not by provisioned throughput.
    pub on_demand: bool,
    /// Whether it can be restored to a point in time.
    pub point_in_time_recovery: bool,
    /// Whether it is protected from being deleted.
    pub deletion_protection: bool,
    /// How large it is.
    #[serde(default)]
    pub bytes: u64,
    /// Its indexes, and whether each has been built.
    pub indexes: BTreeMap<String, bool>,
}
