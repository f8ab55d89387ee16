//! State and journal in DynamoDB. Every write has a condition; what belongs together is one
//! transaction.

mod commit;
mod item;
mod keys;
mod read;
mod small;

pub use commit::{Commit, Fence};
pub use read::{Loaded, Place, Told, Whole, journal_entry};

use crate::error::AwsError;

/// How long seen events and alarm links are kept: longer than EventBridge retries (24 hours) and
/// than a deployment may take (7 days, `infra/statemachines/deployment.asl.json`).
pub(crate) const KEEP_SECONDS: i64 = 8 * 24 * 3600;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else wrote first; read again and decide again.
    #[error("another writer was first ({what}); nothing was written")]
    Conflict {
        /// Which condition failed.
        what: &'static str,
    },
    /// The lock or the epoch is no longer the writer's: it must not act any more.
    #[error("the target is no longer held under this epoch; nothing was written")]
    Fenced,
    /// An event that was taken before.
    #[error("this event was already taken")]
    AlreadySeen,
    /// An item that can't be read as what it should be.
    #[error("failed to read item {key}: {reason}")]
    Corrupt {
        /// Its key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// DynamoDB did not answer well.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

impl Store {
    /// The table of that name.
    pub fn new(client: aws_sdk_dynamodb::Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// Name of the table.
    pub fn table_name(&self) -> &str {
        &self.table
    }
}
