//! Whose the dashboards and alarms are whose names a deployment will use.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::AlarmType;
use tidegate_core::change::{Names, is_ours};

use crate::error::{AwsError, Kind};

/// What there is of these names that Tidegate did not make: `alarm web-production-blue-errors`.
///
/// # Errors
/// Where CloudWatch can't be asked.
pub async fn taken(cloudwatch: &Client, names: &Names) -> Result<Vec<String>, AwsError> {
    let mut taken = Vec::new();
    if !names.alarms.is_empty() {
        taken.extend(alarms(cloudwatch, &names.alarms).await?);
    }
    if let Some(name) = &names.dashboard {
        taken.extend(dashboard(cloudwatch, name).await?);
    }
    Ok(taken)
}

/// A file has at most 20 alarms, each for two slots; one answer has 100.
async fn alarms(cloudwatch: &Client, names: &[String]) -> Result<Vec<String>, AwsError> {
    let answer = cloudwatch
        .describe_alarms()
        .set_alarm_names(Some(names.to_vec()))
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .max_records(100)
        .send()
        .await
        .map_err(|error| {
            let what = format!("failed to describe alarms {}", names.join(", "));
            AwsError::sdk(what, error)
        })?;
    let metric = answer.metric_alarms().iter();
    let theirs = metric.filter(|alarm| !alarm.alarm_description().is_some_and(is_ours));
    let theirs = theirs.filter_map(|alarm| alarm.alarm_name());
    let composite = answer.composite_alarms().iter();
    let composite = composite.filter_map(|alarm| alarm.alarm_name());
    Ok(theirs
        .chain(composite)
        .map(|name| format!("alarm {name}"))
        .collect())
}

async fn dashboard(cloudwatch: &Client, name: &str) -> Result<Option<String>, AwsError> {
    let answer = cloudwatch.get_dashboard().dashboard_name(name).send().await;
    match answer.map_err(|error| AwsError::sdk(format!("failed to read dashboard {name}"), error)) {
        Ok(answer) if answer.dashboard_body().is_some_and(is_ours) => Ok(None),
        Ok(_) => Ok(Some(format!("dashboard {name}"))),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
