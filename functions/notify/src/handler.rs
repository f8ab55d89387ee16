//! The table's stream: journal entries become messages, each delivered at least once.

use std::collections::BTreeSet;

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord};
use aws_types::SdkConfig;
use serde::{Deserialize, Serialize};
use tidegate_aws::notify as send;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::{Store, Told, Whole, journal_entry};
use tidegate_core::archive;
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal::Entry;
use tidegate_core::measures::{Outcome, emf};
use tidegate_core::messages::{BusEvent, Channel, Letter, Message, compose, is_told};
use tidegate_core::spec::ReportStore;
use tidegate_lambda::config::{ConfigError, Lookup};
use tidegate_lambda::{Clock, FunctionError};

use crate::config::Config;
use crate::metrics::Lines;
use crate::slack::Connection;

/// Which entries were told, and where.
type Delivered = BTreeSet<(u64, Channel)>;

/// Which records to deliver again (`ReportBatchItemFailures`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// From the first of these on, the stream delivers again.
    #[serde(rename = "batchItemFailures")]
    pub batch_item_failures: Vec<Failure>,
}

/// One record that was not dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The record's sequence number.
    #[serde(rename = "itemIdentifier")]
    pub item_identifier: String,
}

/// The function.
pub struct Notify {
    store: Store,
    clock: Clock,
    sns: aws_sdk_sns::Client,
    eventbridge: aws_sdk_eventbridge::Client,
    s3: OnDemand<aws_sdk_s3::Client>,
    slack: Connection,
    metrics: Lines,
    config: Config,
}

impl Notify {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(
        sdk: &SdkConfig,
        lookup: Lookup<'_>,
        slack: Connection,
        metrics: Lines,
    ) -> Result<Self, ConfigError> {
        let config = Config::read(lookup)?;
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), config.table.clone()),
            clock: Clock::of(sdk),
            sns: aws_sdk_sns::Client::new(sdk),
            eventbridge: aws_sdk_eventbridge::Client::new(sdk),
            s3: OnDemand::new(sdk, aws_sdk_s3::Client::new),
            slack,
            metrics,
            config,
        })
    }

    /// Deals with the records in order, up to the first that fails.
    ///
    /// # Errors
    /// None: a record that fails is reported, and the stream delivers from there again.
    pub async fn handle(&self, event: StreamEvent) -> Result<Output, FunctionError> {
        let mut output = Output::default();
        let mut read = None;
        for record in &event.records {
            if let Err(error) = self.tell(record, &mut read).await {
                tracing::error!(
                    error_name = error.name(),
                    error = error.describe(),
                    "delivery failed"
                );
                let number = record.change.sequence_number.clone().unwrap_or_default();
                output.batch_item_failures.push(Failure {
                    item_identifier: number,
                });
                break;
            }
        }
        Ok(output)
    }

    /// `read` is what was read for the record before: what was read after a batch was delivered is as
    /// new as each of its entries, and only this function tells.
    async fn tell(
        &self,
        record: &EventRecord,
        read: &mut Option<(DeploymentId, Told)>,
    ) -> Result<(), FunctionError> {
        let text = |name: &str| match record.change.new_image.get(name) {
            Some(serde_dynamo::AttributeValue::S(text)) => Some(text.as_str()),
            _ => None,
        };
        let (Some(sk), Some(doc)) = (text("sk"), text("doc")) else {
            return Ok(());
        };
        let Some(entry) = journal_entry(sk, doc)?.filter(|entry| is_told(&entry.event)) else {
            return Ok(());
        };
        let known = read.take().filter(|(known, _)| *known == entry.deployment);
        let (_, told) = match known {
            Some(known) => read.insert(known),
            None => {
                let told = self.store.told(&entry.deployment).await?;
                read.insert((entry.deployment.clone(), told))
            }
        };
        let Some(deployment) = &told.deployment else {
            return Ok(());
        };
        let delivered = &mut told.delivered;
        for message in compose(deployment, &entry) {
            match message {
                Message::Bus(event) => self.tell_machines(deployment, &entry, &event, delivered).await?,
                Message::People(letter) => self.tell_people(&entry, &letter, delivered).await?,
            }
        }
        match deployment.kept_after(&entry.event) {
            Some(store) if !delivered.contains(&(entry.seq, Channel::Archive)) => {
                self.keep(store, &entry, delivered).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps report and record. A bucket that does not take them must not hold up what others are told:
    /// the sweep has it tried again for a while.
    async fn keep(
        &self,
        store: &ReportStore,
        entry: &Entry,
        delivered: &mut Delivered,
    ) -> Result<(), FunctionError> {
        let Some(whole) = self.store.whole(&entry.deployment).await? else {
            return Ok(());
        };
        match self.keep_all(store, &whole).await {
            Ok(()) => self.mark(entry, Channel::Archive, delivered).await,
            Err(error) => {
                tracing::error!(
                    event = "report_not_kept",
                    deployment = entry.deployment.as_str(),
                    bucket = store.bucket,
                    error,
                    "the report is not kept: see whether the bucket exists and the stack's ReportPattern has it"
                );
                Ok(())
            }
        }
    }

    async fn keep_all(&self, store: &ReportStore, whole: &Whole) -> Result<(), String> {
        let objects = archive::objects(store, &whole.deployment, &whole.journal);
        for object in objects.map_err(|error| error.to_string())? {
            let entries = whole.deployment.seq;
            let kept = tidegate_aws::archive::keep(self.s3.get(), &store.bucket, &object, entries).await;
            kept.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn tell_machines(
        &self,
        deployment: &Deployment,
        entry: &Entry,
        event: &BusEvent,
        delivered: &mut Delivered,
    ) -> Result<(), FunctionError> {
        if delivered.contains(&(entry.seq, Channel::Bus)) {
            return Ok(());
        }
        let kind = event.detail_type.as_str();
        send::put_event(&self.eventbridge, &self.config.bus, kind, &event.detail, entry.at).await?;
        self.count(deployment, entry);
        self.mark(entry, Channel::Bus, delivered).await
    }

    /// Counts an end as a metric, under the marker of the bus: each end has an event there, and what
    /// was delivered once is not counted again.
    fn count(&self, deployment: &Deployment, entry: &Entry) {
        if matches!(entry.event, Event::Exited { .. })
            && let Some(outcome) = Outcome::of(deployment, deployment.committed_at())
        {
            self.metrics.write(&emf::line(&outcome));
        }
    }

    async fn tell_people(
        &self,
        entry: &Entry,
        letter: &Letter,
        delivered: &mut Delivered,
    ) -> Result<(), FunctionError> {
        if !delivered.contains(&(entry.seq, Channel::Sns)) {
            let Config { topic, .. } = &self.config;
            send::publish(
                &self.sns,
                topic,
                &letter.subject,
                &letter.text,
                &letter.attributes,
            )
            .await?;
            self.mark(entry, Channel::Sns, delivered).await?;
        }
        let Some(webhook) = &self.config.slack_webhook else {
            return Ok(());
        };
        if delivered.contains(&(entry.seq, Channel::Slack)) {
            return Ok(());
        }
        match self.slack.send(webhook, &letter.slack).await {
            Ok(()) => self.mark(entry, Channel::Slack, delivered).await,
            Err(error) => {
                // The fallback: whoever watches the logs sees what Slack would have shown.
                tracing::error!(
                    event = "slack_fallback",
                    message_id = letter.id.as_str(),
                    error = %error,
                    text = letter.text,
                    "Slack did not take the message"
                );
                Ok(())
            }
        }
    }

    async fn mark(
        &self,
        entry: &Entry,
        channel: Channel,
        delivered: &mut Delivered,
    ) -> Result<(), FunctionError> {
        let now = self.clock.now();
        self.store
            .mark_delivered(&entry.deployment, entry.seq, channel, now)
            .await?;
        delivered.insert((entry.seq, channel));
        Ok(())
    }
}
