//! Tables of DynamoDB and their global secondary indexes. Each index is known by its name, so none is made
//! twice; a table makes or deletes one at a time, and takes its time for it.

use std::collections::BTreeMap;

use tidegate_core::change::index::{
    AttributeType, IndexDefinition, IndexNow, IndexStage, IndexTo, IndexWork, KeyAttribute, Projection,
    TableFound, TableNow, TableStatus,
};

use crate::setting::Ms;

/// Of an index that nobody has told anything of.
pub fn some_definition() -> IndexDefinition {
    IndexDefinition {
        partition_key: vec![KeyAttribute {
            name: "customer".to_owned(),
            kind: AttributeType::S,
        }],
        sort_key: Vec::new(),
        projection: Projection::All,
    }
}

/// An index and its times.
#[derive(Debug, Clone)]
struct Index {
    definition: IndexDefinition,
    /// When it begins to be filled.
    fills_at: Ms,
    /// When it is ready.
    ready_at: Ms,
    /// When it is gone, of one that is being deleted.
    gone_at: Option<Ms>,
}

impl Index {
    const fn stage(&self, now: Ms) -> IndexStage {
        if self.gone_at.is_some() {
            IndexStage::Deleting
        } else if now >= self.ready_at {
            IndexStage::Active
        } else if now >= self.fills_at {
            IndexStage::Backfilling
        } else {
            IndexStage::Allocating
        }
    }

    fn is_there(&self, now: Ms) -> bool {
        self.gone_at.is_none_or(|gone| now < gone)
    }
}

/// Tables by name, each with its indexes by name.
#[derive(Debug, Clone, Default)]
pub struct Tables(BTreeMap<String, BTreeMap<String, Index>>);

impl Tables {
    /// A table exists, and the index of a change, where it does before anything happens.
    pub fn begin(&mut self, table: &str, index: Option<(&str, &IndexDefinition)>) {
        let indexes = self.0.entry(table.to_owned()).or_default();
        if let Some((name, definition)) = index {
            let long_ago = Index {
                definition: definition.clone(),
                fills_at: -1,
                ready_at: -1,
                gone_at: None,
            };
            indexes.insert(name.to_owned(), long_ago);
        }
    }

    /// A table as DynamoDB describes it.
    pub fn found(&self, table: &str, now: Ms) -> TableFound {
        let Some(indexes) = self.0.get(table) else {
            return TableFound::Absent;
        };
        let there = indexes.iter().filter(|(_, index)| index.is_there(now));
        let seen = there.map(|(name, index)| {
            let seen = IndexNow {
                definition: Some(index.definition.clone()),
                stage: index.stage(now),
            };
            (name.clone(), seen)
        });
        TableFound::Table(TableNow {
            status: TableStatus::Active,
            on_demand: true,
            attributes: BTreeMap::new(),
            projected_locally: 0,
            indexes: seen.collect(),
            items: 1000,
            bytes: 1 << 20,
        })
    }

    /// Asks for the index, or for its end, which takes `ms`; false where DynamoDB refuses.
    pub fn ask(&mut self, work: &IndexWork, ms: Ms, now: Ms) -> bool {
        match &work.to {
            IndexTo::Added { definition, .. } => self.create(work, definition, ms, now),
            IndexTo::Removed => self.delete(work, ms, now),
        }
    }

    fn create(&mut self, work: &IndexWork, definition: &IndexDefinition, ms: Ms, now: Ms) -> bool {
        if self.is_busy(work, now) {
            return false;
        }
        let Some(indexes) = self.0.get_mut(&work.table) else {
            return false;
        };
        if indexes.get(&work.name).is_some_and(|index| index.is_there(now)) {
            return false;
        }
        let index = Index {
            definition: definition.clone(),
            fills_at: now + ms / 2,
            ready_at: now + ms,
            gone_at: None,
        };
        indexes.insert(work.name.clone(), index);
        true
    }

    /// Deletes the index of a change, which takes `ms`; false where DynamoDB refuses, as while it makes room for it.
    pub fn delete(&mut self, work: &IndexWork, ms: Ms, now: Ms) -> bool {
        if self.is_busy(work, now) {
            return false;
        }
        let indexes = self.0.get_mut(&work.table);
        let Some(index) = indexes.and_then(|indexes| indexes.get_mut(&work.name)) else {
            return false;
        };
        match index.stage(now) {
            IndexStage::Backfilling | IndexStage::Active if index.is_there(now) => {
                index.gone_at = Some(now + ms);
                true
            }
            IndexStage::Allocating
            | IndexStage::Backfilling
            | IndexStage::Updating
            | IndexStage::Deleting
            | IndexStage::Active => false,
        }
    }

    /// Whether another index of the table is being made or deleted.
    fn is_busy(&self, work: &IndexWork, now: Ms) -> bool {
        let indexes = self.0.get(&work.table);
        let mut others = indexes
            .into_iter()
            .flatten()
            .filter(|(name, _)| **name != work.name);
        others.any(|(_, index)| index.is_there(now) && index.stage(now) != IndexStage::Active)
    }
}

#[cfg(test)]
#[expect(clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn add(name: &str) -> IndexWork {
        IndexWork {
            table: "orders".to_owned(),
            name: name.to_owned(),
            to: IndexTo::Added {
                definition: some_definition(),
                capacity: None,
            },
        }
    }

    fn stage(tables: &Tables, name: &str, now: Ms) -> Option<IndexStage> {
        let TableFound::Table(table) = tables.found("orders", now) else {
            panic!("there is no table");
        };
        table.indexes.get(name).map(|index| index.stage)
    }

    #[test]
    fn one_index_is_made_or_deleted_at_a_time_and_none_while_room_is_made_for_it() {
        let mut tables = Tables::default();
        tables.begin("orders", None);
        assert!(tables.ask(&add("a"), 10_000, 0));
        assert!(!tables.ask(&add("a"), 10_000, 1), "it is there already");
        assert!(!tables.ask(&add("b"), 10_000, 1), "another one is being made");
        assert!(!tables.delete(&add("a"), 5_000, 1), "room is being made for it");
        assert_eq!(stage(&tables, "a", 1), Some(IndexStage::Allocating));
        assert_eq!(stage(&tables, "a", 5_000), Some(IndexStage::Backfilling));
        assert_eq!(stage(&tables, "a", 10_000), Some(IndexStage::Active));
        assert!(tables.delete(&add("a"), 5_000, 10_000));
        assert!(!tables.delete(&add("a"), 5_000, 10_001), "it is being deleted");
        assert!(!tables.ask(&add("a"), 10_000, 10_001), "it is not gone yet");
        assert_eq!(stage(&tables, "a", 10_001), Some(IndexStage::Deleting));
        assert_eq!(stage(&tables, "a", 15_000), None);
        assert!(tables.ask(&add("a"), 10_000, 15_000));
    }
}
