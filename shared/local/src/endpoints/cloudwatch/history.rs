//! What an alarm went through.

use serde_json::{Value, json};

use super::super::Fault;
use super::super::args::{Args, epoch, without_nulls};
use crate::fleet::{Alarm, AlarmChange, Fleet};

/// Most items of one answer (CloudWatch API reference, `DescribeAlarmHistory`).
const MAX_RECORDS: usize = 100;

/// Changes of state only: of what is made, changed or done by an alarm, nothing is kept here.
pub(super) fn describe(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = args.filled("AlarmName");
    let wanted = args
        .filled("HistoryItemType")
        .is_none_or(|kind| kind == "StateUpdate");
    let types = args.texts("AlarmTypes");
    // Without the types, metric alarms are told of.
    let metric_alarms = types.is_empty() || types.contains(&"MetricAlarm");
    let (from, until) = (args.time("StartDate"), args.time("EndDate"));
    let mut items: Vec<(&Alarm, &AlarmChange)> = fleet
        .alarms
        .values()
        .filter(|alarm| wanted && metric_alarms && name.is_none_or(|name| alarm.name == name))
        .flat_map(|alarm| alarm.history.iter().map(move |change| (alarm, change)))
        .filter(|(_, change)| from.is_none_or(|from| change.to.at >= from))
        .filter(|(_, change)| until.is_none_or(|until| change.to.at <= until))
        .collect();
    items.sort_by_key(|(_, change)| change.to.at);
    if args.text("ScanBy") != Some("TimestampAscending") {
        items.reverse();
    }
    let items = items.into_iter().map(|(alarm, change)| write(alarm, change));
    let (items, next) = args.page(items.collect(), "NextToken", "MaxRecords", MAX_RECORDS);
    Ok(without_nulls(
        json!({ "AlarmHistoryItems": items, "NextToken": next }),
    ))
}

fn write(alarm: &Alarm, change: &AlarmChange) -> Value {
    let (old, new) = (change.from.as_str(), change.to.value.as_str());
    let data = json!({
        "version": "1.0",
        "oldState": { "stateValue": old },
        "newState": { "stateValue": new, "stateReason": change.to.reason },
    });
    json!({
        "AlarmName": alarm.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": epoch(change.to.at),
        "HistoryItemType": "StateUpdate",
        "HistorySummary": format!("Alarm updated from {old} to {new}"),
        "HistoryData": data.to_string(),
    })
}
