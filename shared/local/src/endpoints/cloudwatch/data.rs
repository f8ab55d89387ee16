//! `GetMetricData`.

use serde_json::{Value, json};

use super::super::Fault;
use super::super::args::{Args, epoch};
use super::{queries, validation};
use crate::fleet::{Fleet, MINUTE, PeriodWindow, Query, Source, read_query};

/// Most queries of one call (CloudWatch API reference, `GetMetricData`).
const MAX_QUERIES: usize = 500;
/// Nothing is kept for longer, so that a wide range costs no more than this.
const OLDEST_SECONDS: i64 = 4 * 3_600;

pub(super) fn get(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let time = |name: &str| {
        args.time(name)
            .ok_or_else(|| validation(format!("The parameter {name} is required.")))
    };
    let (start, end) = (time("StartTime")?, time("EndTime")?);
    if start >= end {
        return Err(validation(
            "The parameter StartTime must be less than the parameter EndTime.",
        ));
    }
    let read = queries::read(args, "MetricDataQueries")?;
    if read.is_empty() || read.len() > MAX_QUERIES {
        return Err(validation(
            "MetricDataQueries must have between 1 and 500 entries.",
        ));
    }
    let ascending = match args.filled("ScanBy") {
        None | Some("TimestampDescending") => false,
        Some("TimestampAscending") => true,
        Some(other) => return Err(validation(format!("Invalid ScanBy {other}"))),
    };
    let all: Vec<Query> = read.iter().map(|(query, _)| query.clone()).collect();
    let results: Vec<Value> = read
        .iter()
        .filter(|(query, _)| query.return_data)
        .map(|(query, own)| {
            let period = period_of(query, *own, &all);
            let window = window(fleet, start.as_second(), end.as_second(), period);
            result(fleet, &all, query, &window, ascending)
        })
        .collect();
    Ok(json!({"MetricDataResults": results, "Messages": []}))
}

/// Length of a query's periods: its own, or the longest of those metrics that
/// stand beside an expression.
fn period_of(query: &Query, own: Option<u32>, all: &[Query]) -> i64 {
    let seconds = match &query.source {
        Source::Metric(stat) => stat.period_seconds,
        Source::Math(_) => own.unwrap_or_else(|| {
            all.iter()
                .filter_map(|other| match &other.source {
                    Source::Metric(stat) => Some(stat.period_seconds),
                    Source::Math(_) => None,
                })
                .max()
                .unwrap_or(60)
        }),
    };
    i64::from(seconds).max(MINUTE)
}

/// The periods between two Unix seconds: the first is the one that holds
/// `start`, and one that starts at `end` or later is out.
fn window(fleet: &Fleet, start: i64, end: i64, period: i64) -> PeriodWindow {
    let now = fleet.now().as_second();
    let end = end.min(now.saturating_add(period));
    let start = start.max(now.saturating_sub(OLDEST_SECONDS.max(period)));
    let first = start.div_euclid(period) * period;
    let seconds = end.saturating_sub(first).max(0);
    let count = seconds.div_euclid(period) + i64::from(seconds.rem_euclid(period) != 0);
    PeriodWindow {
        first,
        count: usize::try_from(count).unwrap_or(0),
        period_seconds: period,
        visible_until: fleet.settings.visible_until(fleet.now()),
    }
}

fn result(fleet: &Fleet, all: &[Query], query: &Query, window: &PeriodWindow, ascending: bool) -> Value {
    let mut points: Vec<(i64, f64)> = read_query(&fleet.metrics, all, &query.id, window)
        .into_iter()
        .enumerate()
        .filter_map(|(index, value)| Some((window.start_of(index), value?)))
        // A constant has a value everywhere, but nothing has one in the future.
        .filter(|(at, _)| *at < window.visible_until)
        .collect();
    if !ascending {
        points.reverse();
    }
    let label = query.label.clone().unwrap_or_else(|| match &query.source {
        Source::Metric(stat) => stat.name.clone(),
        Source::Math(_) => query.id.clone(),
    });
    let times: Vec<Value> = points
        .iter()
        .filter_map(|(at, _)| jiff::Timestamp::from_second(*at).ok())
        .map(epoch)
        .collect();
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    json!({
        "Id": query.id,
        "Label": label,
        "Timestamps": times,
        "Values": values,
        "StatusCode": "Complete",
    })
}
