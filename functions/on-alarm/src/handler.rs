//! The EventBridge event "CloudWatch Alarm State Change": deployments that watch the alarm stop.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_types::SdkConfig;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_aws::store::{Commit, Store, StoreError};
use tidegate_core::deployment::Deployment;
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal;
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::{Clock, FunctionError, stop};

/// `detail` of the event (Amazon CloudWatch User Guide, "Alarm events and EventBridge").
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmChange {
    /// Name.
    pub alarm_name: String,
    /// The new state.
    pub state: AlarmStateDetail,
}

/// A state within the event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AlarmStateDetail {
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub value: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// When, as CloudWatch writes it (`2019-10-02T17:04:40.985+0000`).
    #[serde(default)]
    pub timestamp: Option<String>,
}

/// How often a lost race for the record is run again.
const TRIES: usize = 8;

/// What was stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Deployments that were asked to stop.
    pub stopped: Vec<DeploymentId>,
}

/// The function.
#[derive(Debug)]
pub struct OnAlarm {
    store: Store,
    sfn: aws_sdk_sfn::Client,
    clock: Clock,
}

impl OnAlarm {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            sfn: aws_sdk_sfn::Client::new(sdk),
            clock: Clock::of(sdk),
        })
    }

    /// Stops every running deployment that watches the alarm, unless the alarm was set aside for it. A test
    /// alarm stops nothing: that it arrived is recorded.
    ///
    /// # Errors
    /// Where AWS does not answer; EventBridge then delivers again.
    pub async fn handle(&self, event: EventBridgeEvent<AlarmChange>) -> Result<Output, FunctionError> {
        let change = &event.detail;
        let mut output = Output::default();
        if change.state.value != "ALARM" {
            return Ok(output);
        }
        let cause = AbortCause::AlarmRaised {
            alarm: change.alarm_name.clone(),
            raised_at: change.state.timestamp.as_deref().and_then(raised_at),
            reason: change.state.reason.clone(),
        };
        for id in self.store.watchers(&change.alarm_name, self.clock.now()).await? {
            let Some(deployment) = self.store.deployment(&id).await? else {
                continue;
            };
            if deployment.test_alarm() == Some(&change.alarm_name) {
                self.hear(deployment, change).await?;
                continue;
            }
            let aside = format!("alarm:{}", change.alarm_name);
            if deployment.exit.is_some() || deployment.overrides(&aside) {
                continue;
            }
            match stop::request(&self.store, &self.sfn, &self.clock, &id, &cause, "on-alarm").await? {
                stop::Stopped::Requested | stop::Stopped::Already => output.stopped.push(id),
                stop::Stopped::Ended => {}
            }
        }
        tracing::info!(alarm = change.alarm_name, stopped = ?output.stopped, "alarm seen");
        Ok(output)
    }

    /// Records that a test alarm arrived, once, while its deployment waits for it.
    async fn hear(&self, mut deployment: Deployment, change: &AlarmChange) -> Result<(), FunctionError> {
        let raised_at = change.state.timestamp.as_deref().and_then(raised_at);
        let id = deployment.id.clone();
        for _ in 0..TRIES {
            let Some(event) = deployment.hears(&change.alarm_name, raised_at) else {
                return Ok(());
            };
            let entries = journal::append(&mut deployment, vec![event], "on-alarm", self.clock.now());
            let commit = Commit::new().deployment(&deployment, &entries);
            match self.store.commit(commit).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            deployment = match self.store.deployment(&id).await? {
                Some(deployment) => deployment,
                None => return Ok(()),
            };
        }
        Err(FunctionError::Conflict(format!("deployment {id}")))
    }
}

/// CloudWatch writes the offset without a colon; a time that can't be read is only missing from the record.
fn raised_at(text: &str) -> Option<Timestamp> {
    let text = match text.strip_suffix("+0000") {
        Some(utc) => format!("{utc}Z"),
        None => text.to_owned(),
    };
    text.parse().ok()
}
