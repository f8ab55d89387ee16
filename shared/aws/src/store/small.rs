//! Small items: task tokens, delivery markers, alarm links, seen events, the `people` file.

use aws_sdk_dynamodb::error::SdkError;
use jiff::Timestamp;
use tidegate_core::gates::People;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal::Entry;
use tidegate_core::messages::Channel;

use super::item::{Item, doc, expires, integer, key, number, string, text, with, with_doc};
use super::read::Sort;
use super::{Store, StoreError, keys};
use crate::error::AwsError;

impl Store {
    /// Keeps a task token. A later registration replaces an earlier one: Step Functions makes a new
    /// token with every retry, and only the newest is answered.
    pub async fn put_token(
        &self,
        deployment: &DeploymentId,
        name: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = with(
            key(keys::deployment(deployment), keys::token(name)),
            "token",
            text(token),
        );
        let item = with(item, "registered", number(now.as_millisecond()));
        let item = with(item, "expires", expires(now));
        let condition = "attribute_not_exists(pk) OR registered <= :now";
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if is_refused(&error) => Ok(()),
            Err(error) => Err(AwsError::sdk("failed to keep a task token", error).into()),
        }
    }

    /// The newest task token of that name.
    pub async fn token(&self, deployment: &DeploymentId, name: &str) -> Result<Option<String>, StoreError> {
        let item = self
            .get(key(keys::deployment(deployment), keys::token(name)))
            .await?;
        Ok(item.and_then(|item| string(&item, "token").map(str::to_owned)))
    }

    /// Marks a message as delivered. A marker that is there already is fine.
    pub async fn mark_delivered(
        &self,
        deployment: &DeploymentId,
        seq: u64,
        channel: Channel,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let item = key(keys::deployment(deployment), keys::delivery(seq, channel));
        self.put_new(with(item, "at", text(now.to_string())))
            .await
            .map(|_| ())
    }

    /// Puts a journal entry into the stream once more, at most once a minute.
    pub async fn retell(&self, entry: &Entry, now: Timestamp) -> Result<(), StoreError> {
        let key = key(keys::deployment(&entry.deployment), keys::retell(entry.seq, now));
        let item = with(with_doc(key, entry)?, "expires", expires(now));
        self.put_new(item).await.map(|_| ())
    }

    /// Deployments that watch an alarm.
    pub async fn watchers(&self, alarm: &str, now: Timestamp) -> Result<Vec<DeploymentId>, StoreError> {
        let items = self.query_all(&keys::alarm(alarm), Sort::All).await?;
        // TTL removes late, so expired links are filtered here.
        let now = u64::try_from(now.as_second()).unwrap_or(0);
        let alive = |item: &&Item| integer(item, "expires").is_none_or(|at| at > now);
        Ok(items
            .iter()
            .filter(alive)
            .filter_map(|item| string(item, "deployment")?.parse().ok())
            .collect())
    }

    /// Whether an event was taken before.
    pub async fn seen(&self, event: &str) -> Result<bool, StoreError> {
        Ok(self.get(key(keys::event(event), keys::SEEN)).await?.is_some())
    }

    /// The `people` file; empty where none was applied.
    pub async fn people(&self) -> Result<People, StoreError> {
        let item = self.get(key(keys::PEOPLE, keys::FILE)).await?;
        item.as_ref().map_or_else(|| Ok(People::default()), doc)
    }

    /// Replaces the `people` file. The last one applied holds; there is nothing to merge.
    pub async fn put_people(&self, people: &People) -> Result<(), StoreError> {
        let item = with_doc(key(keys::PEOPLE, keys::FILE), people)?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR sk = :sk")
            .expression_attribute_values(":sk", text(keys::FILE))
            .send()
            .await
            .map_err(|error| AwsError::sdk("failed to keep the people file", error))?;
        Ok(())
    }

    /// Puts an item that must be new. Whether it was.
    async fn put_new(&self, item: Item) -> Result<bool, StoreError> {
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if is_refused(&error) => Ok(false),
            Err(error) => Err(AwsError::sdk("failed to write a marker", error).into()),
        }
    }
}

fn is_refused(error: &SdkError<aws_sdk_dynamodb::operation::put_item::PutItemError>) -> bool {
    error
        .as_service_error()
        .is_some_and(|e| e.is_conditional_check_failed_exception())
}
