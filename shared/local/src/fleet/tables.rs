//! DynamoDB tables of the services, as far as their settings go. Tidegate's own table is a real one
//! and not here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_core::change::index::{AttributeType, IndexDefinition, KeyAttribute, Projection};

use super::{Fleet, after};

/// A table of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceTable {
    /// Whether it is paid for by request, not by provisioned throughput.
    pub on_demand: bool,
    /// Whether it can be restored to a point in time.
    pub point_in_time_recovery: bool,
    /// Whether it is protected from being deleted.
    pub deletion_protection: bool,
    /// Key of KMS that it is encrypted with, where it is not DynamoDB's own.
    #[serde(default)]
    pub kms_key: Option<String>,
    /// How large it is.
    #[serde(default)]
    pub bytes: u64,
    /// How many items it has.
    #[serde(default)]
    pub items: u64,
    /// Until when somebody changes something else about it.
    #[serde(default)]
    pub updating_until: Option<Timestamp>,
    /// Its indexes.
    #[serde(default)]
    pub indexes: BTreeMap<String, ServiceIndex>,
    /// How many indexes AWS lets it have, where that quota was raised.
    #[serde(default)]
    pub index_quota: Option<usize>,
    /// Changes of indexes that were taken, in order: `add by-customer`, `remove by-customer`.
    #[serde(default)]
    pub asked: Vec<String>,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceIndex {
    /// Keys and projection.
    pub definition: IndexDefinition,
    /// When there is room for it, and it begins to be filled.
    pub filled_from: Timestamp,
    /// When it is active.
    pub active_from: Timestamp,
    /// When it is gone, of one that is being deleted.
    pub gone_from: Option<Timestamp>,
}

/// The table's own key, which is not asked about.
pub(crate) const TABLE_KEY: &str = "id";
/// How long DynamoDB makes room for an index.
const ALLOCATION_SECONDS: i64 = 60;
/// How long an index of few items is filled.
const LEAST_FILL_SECONDS: i64 = 60;
/// How much of a larger table is read in a second.
const FILLED_BYTES_A_SECOND: u64 = 8 << 20;
/// How long DynamoDB deletes an index.
const DELETION_SECONDS: i64 = 45;

impl ServiceIndex {
    /// One of everything by one text, which was always there.
    pub fn by(attribute: &str) -> Self {
        let name = attribute.to_owned();
        let kind = AttributeType::S;
        Self {
            definition: IndexDefinition {
                partition_key: vec![KeyAttribute { name, kind }],
                sort_key: Vec::new(),
                projection: Projection::All,
            },
            filled_from: Timestamp::MIN,
            active_from: Timestamp::MIN,
            gone_from: None,
        }
    }

    /// `IndexStatus`, and `Backfilling` of one that was made after the table.
    pub(crate) fn status(&self, now: Timestamp) -> (&'static str, Option<bool>) {
        if self.gone_from.is_some() {
            ("DELETING", None)
        } else if now < self.filled_from {
            ("CREATING", Some(false))
        } else if now < self.active_from {
            ("CREATING", Some(true))
        } else {
            ("ACTIVE", None)
        }
    }
}

impl ServiceTable {
    /// Its indexes, without those that are gone.
    pub(crate) fn indexes(&self, now: Timestamp) -> impl Iterator<Item = (&String, &ServiceIndex)> {
        let there = move |index: &ServiceIndex| index.gone_from.is_none_or(|at| now < at);
        self.indexes.iter().filter(move |(_, index)| there(index))
    }

    /// `TableStatus`: no other change is taken while room is made for an index, or one is deleted.
    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        let mut indexes = self.indexes(now);
        let changing = indexes.any(|(_, index)| index.gone_from.is_some() || now < index.filled_from);
        match changing || self.updating_until.is_some_and(|until| now < until) {
            true => "UPDATING",
            false => "ACTIVE",
        }
    }

    /// Types of everything that is part of a key.
    pub(crate) fn key_types(&self, now: Timestamp) -> BTreeMap<&str, AttributeType> {
        let keys = self.indexes(now).flat_map(|(_, index)| index.definition.keys());
        let own = (TABLE_KEY, AttributeType::S);
        keys.map(|key| (key.name.as_str(), key.kind))
            .chain([own])
            .collect()
    }
}

impl Fleet {
    /// Begins to make an index.
    pub(crate) fn add_index(&mut self, table: &str, name: &str, definition: IndexDefinition) {
        let now = self.now();
        let Some(held) = self.service_tables.get_mut(table) else {
            return;
        };
        let filled_from = after(now, ALLOCATION_SECONDS);
        let fill = i64::try_from(held.bytes / FILLED_BYTES_A_SECOND).unwrap_or(i64::MAX);
        let told = definition.to_string();
        let index = ServiceIndex {
            definition,
            filled_from,
            active_from: after(filled_from, fill.max(LEAST_FILL_SECONDS)),
            gone_from: None,
        };
        held.indexes.insert(name.to_owned(), index);
        held.asked.push(format!("add {name}"));
        self.note_setting(format!("index:{table}/{name}"), Some(told));
    }

    /// Begins to delete an index.
    pub(crate) fn remove_index(&mut self, table: &str, name: &str) {
        let gone = after(self.now(), DELETION_SECONDS);
        let Some(held) = self.service_tables.get_mut(table) else {
            return;
        };
        if let Some(index) = held.indexes.get_mut(name) {
            index.gone_from = Some(gone);
            held.asked.push(format!("remove {name}"));
            self.note_setting(format!("index:{table}/{name}"), None);
        }
    }
}
