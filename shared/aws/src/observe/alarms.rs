//! CloudWatch alarms. One that can't be read is part of the answer: it must never pass for `OK`
//! (invariant 10).

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, AlarmType, HistoryItemType, ScanBy, StateValue};
use jiff::Timestamp;
use serde::Deserialize;
use tidegate_core::deployment::Deployment;
use tidegate_core::observation::{Alarm, AlarmState};

use crate::error::{AwsError, Kind};
use crate::time::{from_sdk, to_sdk};

/// `AlarmNames` takes 100 (Amazon CloudWatch API Reference, `DescribeAlarms`); so does `MaxRecords`.
const AT_ONCE: usize = 100;

/// Reads the alarms of these names, in their order, or where there are no names every alarm whose
/// name starts with `prefix`, by name. Metric and composite alarms.
///
/// # Errors
/// Where CloudWatch can't be asked now. A named alarm that does not exist and alarms that may not be
/// read are `UNREADABLE`, with the reason.
pub async fn alarms(
    cloudwatch: &Client,
    names: Option<&[String]>,
    prefix: &str,
) -> Result<Vec<Alarm>, AwsError> {
    let found = match names {
        Some(names) => named(cloudwatch, names).await,
        None => prefixed(cloudwatch, prefix).await,
    }?;
    Ok(found.into_iter().map(|seen| seen.alarm).collect())
}

/// Reads the alarms that a deployment watches. Of one that changed its state since the plan was made
/// and is not in `ALARM`, the history is read: it may have fired between two looks, and its event may
/// be lost. One whose history may not be read is `UNREADABLE`.
///
/// # Errors
/// Where CloudWatch can't be asked now.
pub async fn watched_alarms(cloudwatch: &Client, deployment: &Deployment) -> Result<Vec<Alarm>, AwsError> {
    let Some(plan) = &deployment.plan else {
        return Ok(Vec::new());
    };
    let since = deployment.planned_at.unwrap_or(deployment.requested_at);
    alarms_since(cloudwatch, &plan.alarms, since).await
}

/// Reads the alarms of these names as [`watched_alarms`] does, with whether they fired since then.
///
/// # Errors
/// Where CloudWatch can't be asked now.
pub async fn alarms_since(
    cloudwatch: &Client,
    names: &[String],
    since: Timestamp,
) -> Result<Vec<Alarm>, AwsError> {
    let mut watched = Vec::with_capacity(names.len());
    for mut seen in named(cloudwatch, names).await? {
        if seen.alarm.state == AlarmState::Alarm {
            seen.alarm.fired_at = seen.changed_at;
        } else if seen.changed_at.is_some_and(|at| at > since) {
            look_back(cloudwatch, &mut seen.alarm, since).await?;
        }
        watched.push(seen.alarm);
    }
    Ok(watched)
}

/// Whether the alarm was in `ALARM` since then, and why.
async fn look_back(cloudwatch: &Client, alarm: &mut Alarm, since: Timestamp) -> Result<(), AwsError> {
    let mut pages = cloudwatch
        .describe_alarm_history()
        .alarm_name(&alarm.name)
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .history_item_type(HistoryItemType::StateUpdate)
        .start_date(to_sdk(since))
        .scan_by(ScanBy::TimestampDescending)
        .into_paginator()
        .page_size(AT_ONCE as i32)
        .send();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let error = AwsError::sdk(
                    format!("failed to read the history of alarm {}", alarm.name),
                    error,
                );
                if error.kind != Kind::Denied {
                    return Err(error);
                }
                *alarm = unreadable(&alarm.name, &error.to_string());
                return Ok(());
            }
        };
        let fired = page
            .alarm_history_items()
            .iter()
            .find_map(fired)
            .filter(|(at, _)| *at > since);
        if let Some((at, reason)) = fired {
            alarm.fired_at = Some(at);
            alarm.reason = reason;
            return Ok(());
        }
    }
    Ok(())
}

/// When and why an alarm went to `ALARM`, where that is what an item of its history tells.
fn fired(item: &AlarmHistoryItem) -> Option<(Timestamp, String)> {
    let data: HistoryData = serde_json::from_str(item.history_data()?).ok()?;
    let at = item.timestamp().and_then(from_sdk)?;
    (data.new_state.state_value == StateValue::Alarm.as_str()).then_some((at, data.new_state.state_reason))
}

/// `HistoryData` of a `StateUpdate` (Amazon CloudWatch API Reference, `AlarmHistoryItem`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryData {
    new_state: HistoryState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryState {
    state_value: String,
    #[serde(default)]
    state_reason: String,
}

/// An alarm with the time of its last change.
struct Seen {
    alarm: Alarm,
    changed_at: Option<Timestamp>,
}

impl Seen {
    fn unreadable(name: &str, reason: &str) -> Self {
        Self {
            alarm: unreadable(name, reason),
            changed_at: None,
        }
    }
}

async fn named(cloudwatch: &Client, names: &[String]) -> Result<Vec<Seen>, AwsError> {
    let mut alarms = Vec::with_capacity(names.len());
    for chunk in names.chunks(AT_ONCE) {
        let call = cloudwatch.describe_alarms().set_alarm_names(Some(chunk.to_vec()));
        let what = || format!("failed to describe alarms {}", chunk.join(", "));
        match describe(call, what).await {
            Ok(mut found) => alarms.extend(chunk.iter().map(|name| {
                found
                    .remove(name)
                    .unwrap_or_else(|| Seen::unreadable(name, "it does not exist"))
            })),
            Err(error) if error.kind == Kind::Denied => {
                alarms.extend(
                    chunk
                        .iter()
                        .map(|name| Seen::unreadable(name, &error.to_string())),
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(alarms)
}

async fn prefixed(cloudwatch: &Client, prefix: &str) -> Result<Vec<Seen>, AwsError> {
    let call = cloudwatch.describe_alarms().alarm_name_prefix(prefix);
    let what = || format!("failed to describe alarms {prefix}*");
    match describe(call, what).await {
        Ok(found) => Ok(found.into_values().collect()),
        Err(error) if error.kind == Kind::Denied => {
            Ok(vec![Seen::unreadable(&format!("{prefix}*"), &error.to_string())])
        }
        Err(error) => Err(error),
    }
}

async fn describe(
    call: DescribeAlarmsFluentBuilder,
    what: impl Fn() -> String,
) -> Result<BTreeMap<String, Seen>, AwsError> {
    let mut found = BTreeMap::new();
    // Without the types, composite alarms would be left out.
    let mut pages = call
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .into_paginator()
        .page_size(AT_ONCE as i32)
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::sdk(what(), error))?;
        let metric = page.metric_alarms().iter().filter_map(|one| {
            let alarm = alarm(one.alarm_name(), one.state_value(), one.state_reason())?;
            Some((alarm, one.state_transitioned_timestamp()))
        });
        let composite = page.composite_alarms().iter().filter_map(|one| {
            let alarm = alarm(one.alarm_name(), one.state_value(), one.state_reason())?;
            Some((alarm, one.state_transitioned_timestamp()))
        });
        found.extend(metric.chain(composite).map(|(alarm, at)| {
            let changed_at = at.and_then(from_sdk);
            (alarm.name.clone(), Seen { alarm, changed_at })
        }));
    }
    Ok(found)
}

fn alarm(name: Option<&str>, state: Option<&StateValue>, reason: Option<&str>) -> Option<Alarm> {
    let name = name?;
    let reason = reason.unwrap_or_default().to_owned();
    let state = match state {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Alarm,
        Some(StateValue::InsufficientData) => AlarmState::InsufficientData,
        // A state that this SDK does not know, or none.
        other => {
            let shown = other.map_or("no state", StateValue::as_str);
            return Some(unreadable(name, &format!("CloudWatch answers with {shown}")));
        }
    };
    Some(Alarm {
        name: name.to_owned(),
        state,
        reason,
        fired_at: None,
    })
}

fn unreadable(name: &str, reason: &str) -> Alarm {
    Alarm {
        name: name.to_owned(),
        state: AlarmState::Unreadable,
        reason: reason.to_owned(),
        fired_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_is_unreadable() {
        let state = |value: Option<StateValue>| alarm(Some("a"), value.as_ref(), None).map(|one| one.state);
        assert_eq!(state(Some(StateValue::Alarm)), Some(AlarmState::Alarm));
        assert_eq!(
            state(Some(StateValue::from("NOVELTY"))),
            Some(AlarmState::Unreadable)
        );
        assert_eq!(state(None), Some(AlarmState::Unreadable));
        assert_eq!(alarm(None, Some(&StateValue::Ok), None), None);
    }
}
