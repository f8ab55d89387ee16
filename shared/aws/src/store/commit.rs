//! The one way to change a deployment or a target: everything in one transaction.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use jiff::Timestamp;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, Epoch, Target};
use tidegate_core::journal::Entry;
use tidegate_core::release::Release;
use tidegate_core::target::TargetState;

use super::item::{Item, expires, key, number, text, with, with_doc};
use super::{Loaded, Store, StoreError, keys};
use crate::error::AwsError;

/// Whose lock a write needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The target.
    pub target: Target,
    /// The holder.
    pub deployment: DeploymentId,
    /// Its epoch.
    pub epoch: Epoch,
}

impl Fence {
    /// The fence of a deployment under its own epoch.
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            target: deployment.target.clone(),
            deployment: deployment.id.clone(),
            epoch: deployment.epoch,
        }
    }
}

/// Writes that take effect together or not at all.
#[derive(Debug)]
pub struct Commit {
    writes: Vec<(TransactWriteItem, Guard)>,
    problem: Option<StoreError>,
}

/// The table's name is set when the transaction is sent; the SDK's builders want one before.
const UNNAMED: &str = "-";

/// What it means when a write's condition fails.
#[derive(Debug, Clone, Copy)]
enum Guard {
    Version(&'static str),
    Fence,
    Seen,
}

impl Default for Commit {
    fn default() -> Self {
        Self::new()
    }
}

impl Commit {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            writes: Vec::new(),
            problem: None,
        }
    }

    /// A deployment's head with the entries that explain the change.
    ///
    /// ```text
    /// writer A: read seq 7 ── decide ── write seq 8 if seq = 7 ── ok
    /// writer B: read seq 7 ────── decide ────── write seq 8 if seq = 7 ── refused, reads again
    /// ```
    #[must_use]
    pub fn deployment(mut self, head: &Deployment, entries: &[Entry]) -> Self {
        let Some(first) = entries.first() else {
            return self;
        };
        let before = first.seq - 1;
        let item = key(keys::deployment(&head.id), keys::HEAD);
        let item = with(item, "seq", number(head.seq));
        let item = with(item, "epoch", number(head.epoch));
        let item = with(item, "gsi1pk", text(keys::environment(&head.target.environment)));
        let item = with(item, "gsi1sk", text(keys::place(head.requested_at, &head.id)));
        let item = self.document(item, head);
        let put = Put::builder().set_item(Some(item));
        let put = if before == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("seq = :before")
                .expression_attribute_values(":before", number(before))
        };
        self.push(put, Guard::Version("deployment"));
        for entry in entries {
            let item = self.document(key(keys::deployment(&head.id), keys::journal(entry.seq)), entry);
            let put = Put::builder()
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)");
            self.push(put, Guard::Version("journal"));
        }
        self
    }

    /// A target's record, conditional on the version that was read.
    #[must_use]
    pub fn target(mut self, state: &Loaded<TargetState>) -> Self {
        let target = &state.value;
        let item = key(keys::target(&target.target), keys::HEAD);
        let mut item = with(item, "version", number(state.version + 1));
        if let Some(lock) = &target.lock {
            item = with(item, "lockDeployment", text(lock.deployment.as_str()));
            item = with(item, "lockEpoch", number(lock.epoch));
        }
        let item = self.document(item, target);
        let put = Put::builder().set_item(Some(item));
        let put = if state.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", number(state.version))
        };
        self.push(put, Guard::Version("target"));
        self
    }

    /// A release, conditional on the version that was read: of two jobs that write at once, one reads again.
    #[must_use]
    pub fn release(mut self, held: &Loaded<Release>) -> Self {
        let release = &held.value;
        let item = key(keys::release(&release.repository, &release.digest), keys::HEAD);
        let item = with(item, "version", number(held.version + 1));
        let item = self.document(item, release);
        let put = Put::builder().set_item(Some(item));
        let put = if held.version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", number(held.version))
        };
        self.push(put, Guard::Version("release"));
        self
    }

    /// Only while the lock is still this deployment's, under this epoch.
    ///
    /// ```text
    /// old function: load ── observe ── decide ─────────── write if epoch = 3 ── refused
    /// rollback:               epoch 3 -> 4 ── weights back
    /// ```
    #[must_use]
    pub fn fenced(mut self, fence: &Fence) -> Self {
        let check = ConditionCheck::builder()
            .set_key(Some(key(keys::target(&fence.target), keys::HEAD)))
            .condition_expression("lockDeployment = :deployment AND lockEpoch = :epoch")
            .expression_attribute_values(":deployment", text(fence.deployment.as_str()))
            .expression_attribute_values(":epoch", number(fence.epoch))
            .table_name(UNNAMED);
        if let Ok(check) = check.build() {
            self.writes.push((
                TransactWriteItem::builder().condition_check(check).build(),
                Guard::Fence,
            ));
        }
        self
    }

    /// Only if this event was not taken before.
    #[must_use]
    pub fn unseen(mut self, event: &str, now: Timestamp) -> Self {
        let item = with(key(keys::event(event), keys::SEEN), "expires", expires(now));
        let put = Put::builder()
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)");
        self.push(put, Guard::Seen);
        self
    }

    /// Remembers that this deployment watches these alarms. Written before the alarms are read, so
    /// that one which fires in between is found by its event.
    #[must_use]
    pub fn watches(mut self, deployment: &DeploymentId, alarms: &[String], now: Timestamp) -> Self {
        for alarm in alarms {
            let item = key(keys::alarm(alarm), keys::deployment(deployment));
            let item = with(item, "deployment", text(deployment.as_str()));
            let item = with(item, "expires", expires(now));
            // The same link again is the same link: nothing to guard but the key.
            let put = Put::builder()
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk) OR deployment = :deployment")
                .expression_attribute_values(":deployment", text(deployment.as_str()));
            self.push(put, Guard::Version("alarm link"));
        }
        self
    }

    /// A target's deployment file by its hash, and the target in the list.
    #[must_use]
    pub fn spec(mut self, target: &Target, hash: &str, file: &str) -> Self {
        let spec = with(
            key(keys::target(target), format!("SPEC#{hash}")),
            "text",
            text(file),
        );
        let listed = key(keys::TARGETS, target.to_string());
        for item in [spec, listed] {
            let put = Put::builder()
                .condition_expression("attribute_not_exists(pk) OR sk = :sk")
                .expression_attribute_values(":sk", item.get("sk").cloned().unwrap_or_else(|| text("")))
                .set_item(Some(item));
            self.push(put, Guard::Version("spec"));
        }
        self
    }

    fn document<T: serde::Serialize>(&mut self, item: Item, value: &T) -> Item {
        let bare = item.clone();
        with_doc(item, value).unwrap_or_else(|error| {
            self.problem.get_or_insert(error);
            bare
        })
    }

    fn push(&mut self, put: aws_sdk_dynamodb::types::builders::PutBuilder, guard: Guard) {
        if let Ok(put) = put.table_name(UNNAMED).build() {
            self.writes
                .push((TransactWriteItem::builder().put(put).build(), guard));
        }
    }
}

impl Store {
    /// Writes everything, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::Fenced`] or [`StoreError::AlreadySeen`] where a
    /// condition failed; nothing was written then.
    pub async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        if let Some(problem) = commit.problem {
            return Err(problem);
        }
        let guards: Vec<Guard> = commit.writes.iter().map(|(_, guard)| *guard).collect();
        let items: Vec<TransactWriteItem> = commit
            .writes
            .into_iter()
            .map(|(item, _)| self.named(item))
            .collect();
        if items.is_empty() {
            return Ok(());
        }
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(refused(&guards, error)),
        }
    }

    fn named(&self, mut item: TransactWriteItem) -> TransactWriteItem {
        if let Some(put) = &mut item.put {
            put.table_name.clone_from(&self.table);
        }
        if let Some(check) = &mut item.condition_check {
            check.table_name.clone_from(&self.table);
        }
        item
    }
}

/// Which condition failed. A fence comes first: a fenced writer must not try again.
fn refused(guards: &[Guard], error: SdkError<TransactWriteItemsError>) -> StoreError {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return AwsError::sdk("failed to write to the table", error).into();
    };
    let codes: Vec<&str> = canceled
        .cancellation_reasons()
        .iter()
        .map(|reason| reason.code().unwrap_or("None"))
        .collect();
    let failed = |wanted: fn(&Guard) -> bool| {
        guards
            .iter()
            .zip(&codes)
            .find(|(guard, code)| **code == "ConditionalCheckFailed" && wanted(guard))
    };
    if failed(|guard| matches!(guard, Guard::Fence)).is_some() {
        return StoreError::Fenced;
    }
    if failed(|guard| matches!(guard, Guard::Seen)).is_some() {
        return StoreError::AlreadySeen;
    }
    if let Some((Guard::Version(what), _)) = failed(|guard| matches!(guard, Guard::Version(_))) {
        return StoreError::Conflict { what };
    }
    if codes.contains(&"TransactionConflict") {
        return StoreError::Conflict {
            what: "a transaction at the same time",
        };
    }
    AwsError::sdk("failed to write to the table", error).into()
}
