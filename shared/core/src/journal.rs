//! The append-only, hash-chained list of what happened to a deployment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::deployment::Deployment;
use crate::event::Event;
use crate::hash::sha256_hex;
use crate::ids::{DeploymentId, Epoch};

/// One entry. Its hash covers everything else in it, the hash of the entry before included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Whose.
    pub deployment: DeploymentId,
    /// 1 for the first; without gaps.
    pub seq: u64,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// The function or person that wrote it.
    pub by: String,
    /// Under which epoch.
    pub epoch: Epoch,
    /// What happened.
    pub event: Event,
    /// Hash of the entry before; empty for the first.
    pub previous: String,
    /// SHA-256 of this entry's JSON without this field.
    pub hash: String,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// A number is missing or doubled.
    #[error("entry {found} stands where entry {expected} should be")]
    Gap {
        /// By count.
        expected: u64,
        /// In the entry.
        found: u64,
    },
    /// An entry does not follow the one before.
    #[error("entry {seq} does not continue the hash of the entry before it")]
    Unlinked {
        /// Which.
        seq: u64,
    },
    /// An entry was changed.
    #[error("entry {seq} was changed: its content does not match its hash")]
    Changed {
        /// Which.
        seq: u64,
    },
    /// An entry of another deployment.
    #[error("entry {seq} belongs to deployment {found}")]
    Foreign {
        /// Which.
        seq: u64,
        /// Whose.
        found: DeploymentId,
    },
    /// The chain ends elsewhere than the deployment's head says.
    #[error("the chain ends at entry {last} but the deployment's head says {head}")]
    Cut {
        /// Last entry.
        last: u64,
        /// As the head says.
        head: u64,
    },
}

impl Entry {
    fn content_hash(&self) -> String {
        let mut bare = self.clone();
        bare.hash.clear();
        // Serialising our own plain types can't fail; an empty text would not verify anyway.
        sha256_hex(&serde_json::to_vec(&bare).unwrap_or_default())
    }
}

/// Appends events to a deployment: folds each in and gives the entries to store with the new head.
pub fn append(deployment: &mut Deployment, events: Vec<Event>, by: &str, now: Timestamp) -> Vec<Entry> {
    events
        .into_iter()
        .map(|event| {
            deployment.apply(&event, now);
            let mut entry = Entry {
                deployment: deployment.id.clone(),
                seq: deployment.seq + 1,
                at: now,
                by: by.to_owned(),
                epoch: deployment.epoch,
                event,
                previous: deployment.journal_head.clone(),
                hash: String::new(),
            };
            entry.hash = entry.content_hash();
            deployment.seq = entry.seq;
            deployment.journal_head.clone_from(&entry.hash);
            entry
        })
        .collect()
}

/// Checks a whole chain, without asking anyone.
///
/// # Errors
/// The first place that does not hold.
pub fn verify(deployment: &DeploymentId, entries: &[Entry]) -> Result<(), BrokenChain> {
    let mut previous = "";
    for (expected, entry) in (1..).zip(entries) {
        if entry.deployment != *deployment {
            return Err(BrokenChain::Foreign {
                seq: entry.seq,
                found: entry.deployment.clone(),
            });
        }
        if entry.seq != expected {
            return Err(BrokenChain::Gap {
                expected,
                found: entry.seq,
            });
        }
        if entry.previous != previous {
            return Err(BrokenChain::Unlinked { seq: entry.seq });
        }
        if entry.content_hash() != entry.hash {
            return Err(BrokenChain::Changed { seq: entry.seq });
        }
        previous = &entry.hash;
    }
    Ok(())
}

/// Checks a chain against the deployment's head too, so that a cut-off end is seen.
///
/// # Errors
/// The first place that does not hold.
pub fn verify_with_head(head: &Deployment, entries: &[Entry]) -> Result<(), BrokenChain> {
    verify(&head.id, entries)?;
    let last = entries.last().map_or(0, |entry| entry.seq);
    let last_hash = entries.last().map_or("", |entry| entry.hash.as_str());
    if last != head.seq || last_hash != head.journal_head {
        return Err(BrokenChain::Cut { last, head: head.seq });
    }
    Ok(())
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
