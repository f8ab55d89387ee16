//! The table: dynoxide as everywhere, or a quick one in memory for suites that play deployments by
//! the hundred thousand, or both at once and compared.

mod compare;
mod condition;
mod quick;

use std::sync::{Mutex, MutexGuard, PoisonError};

use dynoxide::{Database, DynoxideError};
use jiff::Timestamp;
use serde_json::Value;

use crate::dynamo;
use crate::endpoints::{Call, Reply};

use compare::Compared;
use quick::Quick;

/// What holds the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableKind {
    /// dynoxide: all of DynamoDB that the `aws` command line may ask for; on disk where the cloud is.
    #[default]
    Dynoxide,
    /// Only the requests that Tidegate makes, many times as fast; refuses everything else.
    Quick,
    /// Every call goes to both, and differences between the answers are kept.
    Compared,
}

/// The table of a cloud.
pub(crate) enum Table {
    Dynoxide(Database),
    Quick(Mutex<Quick>),
    Compared(Mutex<Compared>),
}

impl Table {
    /// The quick one, empty.
    pub(crate) fn quick() -> Self {
        Self::Quick(Mutex::default())
    }

    /// A table on a database that has it.
    pub(crate) fn on(database: Database, kind: TableKind) -> Self {
        match kind {
            TableKind::Dynoxide => Self::Dynoxide(database),
            TableKind::Quick => Self::quick(),
            TableKind::Compared => Self::Compared(Mutex::new(Compared::with(database))),
        }
    }

    /// Answers a call.
    pub(crate) fn handle(&self, call: &Call, now: Timestamp) -> Reply {
        match self {
            Self::Dynoxide(database) => dynamo::handle(database, call),
            Self::Quick(quick) => hold(quick).handle(call, now),
            Self::Compared(both) => hold(both).handle(call, now),
        }
    }

    /// Where the two tables of [`TableKind::Compared`] did not answer alike; none in the other kinds.
    pub(crate) fn differences(&self) -> Vec<String> {
        match self {
            Self::Dynoxide(_) | Self::Quick(_) => Vec::new(),
            Self::Compared(both) => hold(both).differences.clone(),
        }
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the table's stream on from where it was.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Of dynoxide.
    iterator: Option<String>,
    /// Of the quick table.
    position: Option<u64>,
    /// Whether there may be more than was read.
    pub(crate) more: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            iterator: None,
            position: None,
            more: true,
        }
    }
}

impl Stream {
    /// The next records after `checkpoint`, as Lambda's event source mapping hands them out.
    pub(crate) fn next(
        &mut self,
        table: &Table,
        checkpoint: Option<&str>,
    ) -> Result<Vec<Value>, DynoxideError> {
        if !self.more {
            return Ok(Vec::new());
        }
        let records = match table {
            Table::Dynoxide(database) => dynamo::read_stream(database, &mut self.iterator, checkpoint)?,
            Table::Quick(quick) => hold(quick).read_stream(&mut self.position, checkpoint),
            Table::Compared(both) => {
                hold(both).read_stream(&mut self.iterator, &mut self.position, checkpoint)?
            }
        };
        self.more = !records.is_empty();
        Ok(records)
    }

    /// The next reading starts at the checkpoint again.
    pub(crate) fn rewind(&mut self) {
        *self = Self::default();
    }
}
