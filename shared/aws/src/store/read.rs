//! Reads. Strongly consistent wherever something is decided on them.

use std::collections::BTreeSet;

use tidegate_core::deployment::Deployment;
use tidegate_core::evidence::{Proof, proof};
use tidegate_core::ids::{DeploymentId, Digest, EnvironmentName, SpecHash, Target};
use tidegate_core::journal::Entry;
use tidegate_core::messages::Channel;
use tidegate_core::rehearsal::{Rehearsal, rehearsal};
use tidegate_core::release::Release;
use tidegate_core::target::TargetState;

use super::item::{Item, doc, integer, key, string, text};
use super::{Store, StoreError, keys};
use crate::error::AwsError;

/// A record with the version that the next write of it is conditional on.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded<T> {
    /// The record.
    pub value: T,
    /// Its version.
    pub version: u64,
}

/// All that is stored of a deployment and that people may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// Its head.
    pub deployment: Deployment,
    /// Its journal, in order.
    pub journal: Vec<Entry>,
    /// Messages that were delivered: which entry's, and where.
    pub delivered: BTreeSet<(u64, Channel)>,
}

/// A deployment's head with what was told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its head, where it exists.
    pub deployment: Option<Deployment>,
    /// Messages that were delivered: which entry's, and where.
    pub delivered: BTreeSet<(u64, Channel)>,
}

/// What a query found under a deployment's key.
#[derive(Debug, Default)]
struct Gathered {
    head: Option<Deployment>,
    journal: Vec<Entry>,
    delivered: BTreeSet<(u64, Channel)>,
}

/// Which items under a key a query reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sort<'a> {
    All,
    StartsWith(&'a str),
    UpTo(&'a str),
}

/// Where a deployment stands in the list of its environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// Of a deployment.
    pub fn of(deployment: &Deployment) -> Self {
        Self(keys::place(deployment.requested_at, &deployment.id))
    }
}

impl Store {
    /// A deployment's head.
    pub async fn deployment(&self, id: &DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let item = self.get(key(keys::deployment(id), keys::HEAD)).await?;
        item.as_ref().map(doc).transpose()
    }

    /// A deployment with its journal and what was told of it, in one query (a page of 1 MB each).
    pub async fn whole(&self, id: &DeploymentId) -> Result<Option<Whole>, StoreError> {
        let Gathered {
            head,
            journal,
            delivered,
        } = self.gather(id, Sort::All).await?;
        Ok(head.map(|deployment| Whole {
            deployment,
            journal,
            delivered,
        }))
    }

    /// A deployment's head and what was told of it, in one query: markers of deliveries sort before
    /// the head, and the journal after it.
    pub async fn told(&self, id: &DeploymentId) -> Result<Told, StoreError> {
        let gathered = self.gather(id, Sort::UpTo(keys::HEAD)).await?;
        Ok(Told {
            deployment: gathered.head,
            delivered: gathered.delivered,
        })
    }

    async fn gather(&self, id: &DeploymentId, sort: Sort<'_>) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::default();
        for item in self.query_all(&keys::deployment(id), sort).await? {
            match string(&item, "sk") {
                Some(keys::HEAD) => gathered.head = Some(doc(&item)?),
                Some(sk) if sk.starts_with(keys::JOURNAL) => gathered.journal.push(doc(&item)?),
                Some(sk) => gathered.delivered.extend(keys::delivered(sk)),
                None => {}
            }
        }
        Ok(gathered)
    }

    /// A target's record.
    pub async fn target(&self, target: &Target) -> Result<Option<Loaded<TargetState>>, StoreError> {
        let Some(item) = self.get(key(keys::target(target), keys::HEAD)).await? else {
            return Ok(None);
        };
        Ok(Some(Loaded {
            value: doc(&item)?,
            version: integer(&item, "version").unwrap_or(0),
        }))
    }

    /// What is recorded of an image.
    pub async fn release(
        &self,
        repository: &str,
        digest: &Digest,
    ) -> Result<Option<Loaded<Release>>, StoreError> {
        let Some(item) = self
            .get(key(keys::release(repository, digest), keys::HEAD))
            .await?
        else {
            return Ok(None);
        };
        Ok(Some(Loaded {
            value: doc(&item)?,
            version: integer(&item, "version").unwrap_or(0),
        }))
    }

    /// The deployment that brought a digest to its end in a target, if that still holds. Looks at the
    /// target's record, and then at the newest thousand deployments of its environment.
    pub async fn proof(&self, target: &Target, digest: &Digest) -> Result<Option<Proof>, StoreError> {
        let Some(held) = self.target(target).await? else {
            return Ok(None);
        };
        if let Some(found) = proof(&held.value, digest, &[]) {
            return Ok(Some(found));
        }
        self.among_newest(target, digest, |seen| proof(&held.value, digest, seen))
            .await
    }

    /// How the way back of a digest was rehearsed in a target, if that still holds. Looks as far back as
    /// [`Store::proof`].
    pub async fn rehearsal(&self, target: &Target, digest: &Digest) -> Result<Option<Rehearsal>, StoreError> {
        let Some(held) = self.target(target).await? else {
            return Ok(None);
        };
        self.among_newest(target, digest, |seen| rehearsal(&held.value, digest, seen))
            .await
    }

    /// Asks with the deployments of a digest in a target, the newest first, until it has an answer: with more
    /// of them each time.
    async fn among_newest<T>(
        &self,
        target: &Target,
        digest: &Digest,
        find: impl Fn(&[Deployment]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        const MAX_PAGES: usize = 10;
        const PAGE: u32 = 100;
        let mut seen: Vec<Deployment> = Vec::new();
        let mut before = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .deployments_before(&target.environment, before.as_ref(), PAGE)
                .await?;
            before = page.last().map(Place::of);
            let of_it = |one: &Deployment| one.target == *target && one.revision.digest == *digest;
            seen.extend(page.into_iter().filter(of_it));
            if let Some(found) = find(&seen) {
                return Ok(Some(found));
            }
            if before.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Every target that a file was applied for.
    pub async fn targets(&self) -> Result<Vec<Target>, StoreError> {
        let items = self.query_all(keys::TARGETS, Sort::All).await?;
        Ok(items
            .iter()
            .filter_map(|item| string(item, "sk")?.parse().ok())
            .collect())
    }

    /// The deployment file of that hash, as it was applied.
    pub async fn spec_text(&self, target: &Target, hash: &SpecHash) -> Result<Option<String>, StoreError> {
        let item = self
            .get(key(keys::target(target), format!("SPEC#{hash}")))
            .await?;
        Ok(item.and_then(|item| string(&item, "text").map(str::to_owned)))
    }

    /// A deployment's whole journal, in order.
    pub async fn journal(&self, id: &DeploymentId) -> Result<Vec<Entry>, StoreError> {
        let items = self
            .query_all(&keys::deployment(id), Sort::StartsWith(keys::JOURNAL))
            .await?;
        items.iter().map(doc).collect()
    }

    /// Deployments of an environment, newest first, at most `limit`. From the index, so a moment
    /// behind.
    pub async fn deployments(
        &self,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        self.deployments_before(environment, None, limit).await
    }

    /// As [`Store::deployments`], from the one after `before` on.
    pub async fn deployments_before(
        &self,
        environment: &EnvironmentName,
        before: Option<&Place>,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut from = None;
        // A page ends at 1 MB, too (API reference, Query), however many were asked for.
        while found.len() < limit {
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name("gsi1")
                .expression_attribute_values(":pk", text(keys::environment(environment)))
                .scan_index_forward(false)
                .set_exclusive_start_key(from)
                .limit(i32::try_from(limit - found.len()).unwrap_or(i32::MAX));
            query = match before {
                Some(Place(place)) => query
                    .key_condition_expression("gsi1pk = :pk AND gsi1sk < :before")
                    .expression_attribute_values(":before", text(place)),
                None => query.key_condition_expression("gsi1pk = :pk"),
            };
            let page = query.send().await.map_err(|error| {
                AwsError::sdk(format!("failed to list deployments of {environment}"), error)
            })?;
            for item in page.items() {
                found.push(doc(item)?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(found)
    }

    pub(super) async fn get(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let what = format!("failed to read {}", string(&key, "pk").unwrap_or("?"));
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| AwsError::sdk(what, error))?;
        Ok(answer.item)
    }

    pub(super) async fn query_all(&self, pk: &str, sort: Sort<'_>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .expression_attribute_values(":pk", text(pk));
            query = match sort {
                Sort::All => query.key_condition_expression("pk = :pk"),
                Sort::StartsWith(prefix) => query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix)),
                Sort::UpTo(last) => query
                    .key_condition_expression("pk = :pk AND sk <= :last")
                    .expression_attribute_values(":last", text(last)),
            };
            let page = query
                .send()
                .await
                .map_err(|error| AwsError::sdk(format!("failed to query {pk}"), error))?;
            found.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Reads the journal entry of a stream record's new image, from its sort key and its document:
/// written just now, or told again. Nothing where it is another item.
///
/// # Errors
/// An entry that can't be read.
pub fn journal_entry(sk: &str, doc: &str) -> Result<Option<Entry>, StoreError> {
    if !sk.starts_with(keys::JOURNAL) && !sk.starts_with(keys::RETELL) {
        return Ok(None);
    }
    let corrupt = |error: serde_json::Error| StoreError::Corrupt {
        key: sk.to_owned(),
        reason: error.to_string(),
    };
    serde_json::from_str(doc).map(Some).map_err(corrupt)
}
