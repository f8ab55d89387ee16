//! Operations of Cost Explorer: costs of days by one tag, and anomalies of one monitor.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::Fleet;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "GetCostAndUsage" => costs(fleet, args),
        "GetAnomalies" => anomalies(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("ValidationException", message)
}

fn date(args: Option<Args<'_>>, name: &str) -> Result<Date, Fault> {
    let text = args.and_then(|args| args.filled(name)).unwrap_or_default();
    text.parse()
        .map_err(|_| invalid(format!("{name} `{text}` is not a date as yyyy-MM-dd")))
}

fn costs(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let period = args.structure("TimePeriod");
    let (start, end) = (date(period, "Start")?, date(period, "End")?);
    if start >= end {
        return Err(invalid(
            "Start date (and hour) should be before end date (and hour)",
        ));
    }
    let metrics = args.texts("Metrics");
    if (args.filled("Granularity"), metrics.as_slice()) != (Some("DAILY"), &["UnblendedCost"]) {
        return Err(invalid("the local cloud knows the unblended costs of days"));
    }
    let now = fleet.now();
    let bill = &mut fleet.bill;
    bill.requests += 1;
    let tags = args
        .structure("Filter")
        .and_then(|filter| filter.structure("Tags"));
    let (key, value) = &bill.tag;
    let ours = tags.is_some_and(|tags| {
        tags.filled("Key") == Some(key) && tags.texts("Values").contains(&value.as_str())
    });
    let shown = |day: Date, next: Date| {
        let micros = if ours { bill.of(day, now) } else { 0 };
        let amount = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        json!({
            "TimePeriod": { "Start": day.to_string(), "End": next.to_string() },
            "Total": { "UnblendedCost": { "Amount": amount, "Unit": "USD" } },
            "Groups": [],
            "Estimated": true,
        })
    };
    let mut days = Vec::new();
    let mut day = start;
    while day < end {
        let next = day.tomorrow().map_err(|_| invalid("no such day"))?;
        days.push(shown(day, next));
        day = next;
    }
    Ok(json!({ "ResultsByTime": days, "DimensionValueAttributes": [] }))
}

fn anomalies(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let since = date(args.structure("DateInterval"), "StartDate")?;
    let monitor = args.filled("MonitorArn").unwrap_or_default();
    let bill = &mut fleet.bill;
    bill.requests += 1;
    let found = bill.anomalies.iter().filter(|(day, ..)| *day >= since);
    let found = found.enumerate().map(|(number, (day, service, dollars))| {
        json!({
            "AnomalyId": format!("00000000-0000-4000-8000-{number:012x}"),
            "AnomalyStartDate": format!("{day}T00:00:00Z"),
            "DimensionValue": service,
            "RootCauses": [{ "Service": service, "Region": "us-east-1" }],
            "AnomalyScore": { "MaxScore": 0.9, "CurrentScore": 0.9 },
            "Impact": { "MaxImpact": dollars, "TotalImpact": dollars },
            "MonitorArn": monitor,
        })
    });
    Ok(json!({ "Anomalies": found.collect::<Vec<Value>>() }))
}
