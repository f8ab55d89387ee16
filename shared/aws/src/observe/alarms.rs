//! CloudWatch alarms. One that can't be read is part of the answer: it must never pass for `OK`
//! (invariant 10).

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarms::builders::DescribeAlarmsFluentBuilder;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use tidegate_core::observation::{Alarm, AlarmState};

use crate::error::{AwsError, Kind};

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
    match names {
        Some(names) => named(cloudwatch, names).await,
        None => prefixed(cloudwatch, prefix).await,
    }
}

async fn named(cloudwatch: &Client, names: &[String]) -> Result<Vec<Alarm>, AwsError> {
    let mut alarms = Vec::with_capacity(names.len());
    for chunk in names.chunks(AT_ONCE) {
        let call = cloudwatch.describe_alarms().set_alarm_names(Some(chunk.to_vec()));
        let what = || format!("failed to describe alarms {}", chunk.join(", "));
        match describe(call, what).await {
            Ok(mut found) => alarms.extend(chunk.iter().map(|name| {
                found
                    .remove(name)
                    .unwrap_or_else(|| unreadable(name, "it does not exist"))
            })),
            Err(error) if error.kind == Kind::Denied => {
                alarms.extend(chunk.iter().map(|name| unreadable(name, &error.to_string())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(alarms)
}

async fn prefixed(cloudwatch: &Client, prefix: &str) -> Result<Vec<Alarm>, AwsError> {
    let call = cloudwatch.describe_alarms().alarm_name_prefix(prefix);
    let what = || format!("failed to describe alarms {prefix}*");
    match describe(call, what).await {
        Ok(found) => Ok(found.into_values().collect()),
        Err(error) if error.kind == Kind::Denied => {
            Ok(vec![unreadable(&format!("{prefix}*"), &error.to_string())])
        }
        Err(error) => Err(error),
    }
}

async fn describe(
    call: DescribeAlarmsFluentBuilder,
    what: impl Fn() -> String,
) -> Result<BTreeMap<String, Alarm>, AwsError> {
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
        let metric = page
            .metric_alarms()
            .iter()
            .filter_map(|one| alarm(one.alarm_name(), one.state_value(), one.state_reason()));
        let composite = page
            .composite_alarms()
            .iter()
            .filter_map(|one| alarm(one.alarm_name(), one.state_value(), one.state_reason()));
        found.extend(metric.chain(composite).map(|alarm| (alarm.name.clone(), alarm)));
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
    })
}

fn unreadable(name: &str, reason: &str) -> Alarm {
    Alarm {
        name: name.to_owned(),
        state: AlarmState::Unreadable,
        reason: reason.to_owned(),
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
