//! Describing, making, setting and deleting alarms.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Fault;
use super::super::args::{Args, epoch, object, without_nulls};
use super::{queries, validation};
use crate::fleet::{
    Alarm, AlarmState, AlarmValue, Comparison, Fleet, Query, Source, Stat, Subject, TreatMissing,
};

/// Most alarms of one answer (CloudWatch API reference, `DescribeAlarms`).
const MAX_RECORDS: usize = 100;
/// Alarms of one answer, if the call names no number.
const DEFAULT_RECORDS: usize = 50;
const ACTIONS: [&str; 3] = ["OKActions", "AlarmActions", "InsufficientDataActions"];

pub(super) fn describe(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let names = args.texts("AlarmNames");
    let prefix = args.filled("AlarmNamePrefix");
    if !names.is_empty() && prefix.is_some() {
        return Err(validation("AlarmNamePrefix and AlarmNames can't both be given."));
    }
    let state = match args.filled("StateValue") {
        Some(text) => {
            Some(AlarmValue::parse(text).ok_or_else(|| validation(format!("Invalid StateValue {text}")))?)
        }
        None => None,
    };
    let types = args.texts("AlarmTypes");
    let metric_alarms = types.is_empty() || types.contains(&"MetricAlarm");
    let found: Vec<Value> = fleet
        .alarms
        .values()
        .filter(|_| metric_alarms)
        .filter(|alarm| names.is_empty() || names.contains(&alarm.name.as_str()))
        .filter(|alarm| prefix.is_none_or(|prefix| alarm.name.starts_with(prefix)))
        .filter(|alarm| state.is_none_or(|state| alarm.state.value == state))
        .map(|alarm| write(fleet, alarm))
        .collect();
    let most = if args.value("MaxRecords").is_some() || !names.is_empty() {
        MAX_RECORDS
    } else {
        DEFAULT_RECORDS
    };
    let (found, next) = args.page(found, "NextToken", "MaxRecords", most);
    Ok(without_nulls(object([
        ("MetricAlarms", found.into()),
        ("CompositeAlarms", json!([])),
        ("NextToken", next.into()),
    ])))
}

fn write(fleet: &Fleet, alarm: &Alarm) -> Value {
    let mut value = json!({
        "AlarmName": alarm.name,
        "AlarmArn": Alarm::arn(&fleet.region, &fleet.account, &alarm.name),
        "AlarmDescription": alarm.description,
        "AlarmConfigurationUpdatedTimestamp": epoch(alarm.updated_at),
        "ActionsEnabled": true,
        "StateValue": alarm.state.value.as_str(),
        "StateReason": alarm.state.reason,
        "StateReasonData": alarm.state.reason_data,
        "StateUpdatedTimestamp": epoch(alarm.state.at),
        "StateTransitionedTimestamp": epoch(alarm.transitioned_at),
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison.as_str(),
        "TreatMissingData": alarm.treat_missing.as_str(),
    });
    if let Value::Object(members) = &mut value {
        for name in ACTIONS {
            let actions = alarm.actions.get(name).cloned().unwrap_or_default();
            members.insert(name.to_owned(), json!(actions));
        }
        write_subject(alarm, members);
    }
    without_nulls(value)
}

fn write_subject(alarm: &Alarm, members: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    match &alarm.subject {
        Subject::Single(stat) => {
            put("MetricName", json!(stat.name));
            put("Namespace", json!(stat.namespace));
            put("Dimensions", queries::write_dimensions(&stat.dimensions));
            put("Period", json!(stat.period_seconds));
            if let Some(unit) = &stat.unit {
                put("Unit", json!(unit));
            }
            match stat.stat {
                Stat::Percentile(_) => put("ExtendedStatistic", json!(stat.stat.text())),
                Stat::Sum | Stat::Average | Stat::Minimum | Stat::Maximum | Stat::SampleCount => {
                    put("Statistic", json!(stat.stat.text()));
                }
            }
        }
        Subject::Math {
            queries,
            period_seconds,
        } => {
            let written: Vec<Value> = queries
                .iter()
                .map(|query| queries::write(query, *period_seconds))
                .collect();
            put("Metrics", Value::Array(written));
        }
    }
}

fn name<'a>(args: Args<'a>) -> Result<&'a str, Fault> {
    args.filled("AlarmName")
        .filter(|name| name.len() <= 255)
        .ok_or_else(|| validation("The parameter AlarmName is required, with at most 255 characters."))
}

pub(super) fn set_state(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = name(args)?;
    let value = args
        .filled("StateValue")
        .and_then(AlarmValue::parse)
        .ok_or_else(|| validation("StateValue must be one of OK, ALARM, INSUFFICIENT_DATA."))?;
    let reason = args
        .text("StateReason")
        .ok_or_else(|| validation("The parameter StateReason is required."))?;
    let data = args.owned("StateReasonData");
    if let Some(data) = &data
        && serde_json::from_str::<Value>(data).is_err()
    {
        return Err(Fault::new("InvalidFormat", "StateReasonData is not valid JSON."));
    }
    if fleet.change_alarm(name, value, reason.to_owned(), data, true) {
        Ok(json!({}))
    } else {
        Err(Fault::new("ResourceNotFound", "Unknown alarm").with_status(404))
    }
}

pub(super) fn delete(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let names = args.texts("AlarmNames");
    // All or nothing, as on AWS.
    if names.iter().any(|name| !fleet.alarms.contains_key(*name)) {
        return Err(Fault::new("ResourceNotFound", "Unknown alarm").with_status(404));
    }
    for name in names {
        fleet.delete_alarm(name);
    }
    Ok(json!({}))
}

pub(super) fn put(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let name = name(args)?;
    let subject = read_subject(args)?;
    let threshold = args
        .number("Threshold")
        .ok_or_else(|| validation("The parameter Threshold is required."))?;
    let comparison = args
        .filled("ComparisonOperator")
        .and_then(Comparison::parse)
        .ok_or_else(|| validation("The parameter ComparisonOperator is missing or not supported."))?;
    let treat_missing = match args.filled("TreatMissingData") {
        Some(text) => {
            TreatMissing::parse(text).ok_or_else(|| validation(format!("Invalid TreatMissingData {text}")))?
        }
        None => TreatMissing::default(),
    };
    let periods = args
        .count("EvaluationPeriods", 1..=1_440, "ValidationError")?
        .ok_or_else(|| validation("The parameter EvaluationPeriods is required."))?;
    let to_alarm = args
        .count("DatapointsToAlarm", 1..=periods, "ValidationError")?
        .unwrap_or(periods);
    let actions: BTreeMap<String, Vec<String>> = ACTIONS
        .iter()
        .map(|list| {
            let arns = args.texts(list).into_iter().map(str::to_owned).collect();
            ((*list).to_owned(), arns)
        })
        .collect();
    let now = fleet.now();
    fleet.put_alarm(Alarm {
        name: name.to_owned(),
        description: args.owned("AlarmDescription"),
        subject,
        comparison,
        threshold,
        evaluation_periods: periods,
        datapoints_to_alarm: to_alarm,
        treat_missing,
        state: AlarmState {
            value: AlarmValue::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            at: now,
        },
        transitioned_at: now,
        history: Vec::new(),
        updated_at: now,
        actions,
        set_by_hand: false,
    });
    Ok(json!({}))
}

fn read_subject(args: Args<'_>) -> Result<Subject, Fault> {
    let read = queries::read(args, "Metrics")?;
    if read.is_empty() {
        let stat = args
            .filled("Statistic")
            .or_else(|| args.filled("ExtendedStatistic"))
            .and_then(Stat::parse)
            .ok_or_else(|| validation("Statistic or ExtendedStatistic is missing or not supported."))?;
        let period =
            queries::read_period(args)?.ok_or_else(|| validation("The parameter Period is required."))?;
        let metric = queries::read_metric(args, stat, period, args.owned("Unit"))?;
        return Ok(Subject::Single(metric));
    }
    let returned = read.iter().filter(|(query, _)| query.return_data).count();
    if returned != 1 {
        return Err(validation(
            "Exactly one of the metric data queries must have ReturnData set to true.",
        ));
    }
    let period_seconds = read
        .iter()
        .filter_map(|(query, own)| match &query.source {
            Source::Metric(stat) => Some(stat.period_seconds),
            Source::Math(_) => *own,
        })
        .max()
        .ok_or_else(|| validation("A metric math alarm needs at least one metric."))?;
    let queries: Vec<Query> = read.into_iter().map(|(query, _)| query).collect();
    Ok(Subject::Math {
        queries,
        period_seconds,
    })
}
