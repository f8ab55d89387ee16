//! The EventBridge event "CloudWatch Alarm State Change": deployments that watch the alarm stop.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_types::SdkConfig;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_aws::store::Store;
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::DeploymentId;
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

    /// Stops every running deployment that watches the alarm, unless the alarm was set aside for it.
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
            if self.sets_aside(&id, &change.alarm_name).await? {
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

    async fn sets_aside(&self, id: &DeploymentId, alarm: &str) -> Result<bool, FunctionError> {
        let deployment = self.store.deployment(id).await?;
        Ok(deployment.is_none_or(|d| d.exit.is_some() || d.overrides(&format!("alarm:{alarm}"))))
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
