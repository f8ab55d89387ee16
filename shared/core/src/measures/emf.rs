//! One outcome as a line of the CloudWatch embedded metric format: CloudWatch makes metrics of it
//! where it finds it in a log, so that no call is needed (CloudWatch User Guide, "Specification:
//! Embedded metric format").

use serde_json::{Map, Value, json};

use super::outcome::{LeadFrom, LeftOut, Outcome};
use crate::exit::ExitState;

/// Where CloudWatch keeps the metrics.
pub const NAMESPACE: &str = "Tidegate";

/// The dimensions of each metric. With these alone, an alarm on one target stays one metric.
const DIMENSIONS: [&str; 2] = ["Service", "Environment"];

/// Name, unit and value of each metric of an outcome.
type Metric = (&'static str, &'static str, i64);

/// The line of an outcome, without a newline: one log event is one document.
///
/// The same outcome gives the same line. The format counts what it is given at least once, as we do:
/// a line that was printed twice counts twice.
pub fn line(outcome: &Outcome) -> String {
    let metrics = metrics(outcome);
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(name, unit, _)| json!({ "Name": name, "Unit": unit }))
        .collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": outcome.ended.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [DIMENSIONS],
                "Metrics": definitions,
            }],
        }),
    );
    let mut say = |name: &str, value: Value| root.insert(name.to_owned(), value);
    say("Service", outcome.target.service.as_str().into());
    say("Environment", outcome.target.environment.as_str().into());
    // Not dimensions: to find the deployment behind a point with Logs Insights.
    say("Deployment", outcome.deployment.as_str().into());
    say("ExitState", outcome.state.as_str().into());
    for (name, _, value) in metrics {
        say(name, value.into());
    }
    Value::Object(root).to_string()
}

fn metrics(outcome: &Outcome) -> Vec<Metric> {
    let ended = |state| i64::from(outcome.state == state);
    let mut metrics = vec![
        ("Deployments", "Count", i64::from(outcome.reverses.is_none())),
        ("Reversals", "Count", i64::from(outcome.reverses.is_some())),
        ("Completed", "Count", ended(ExitState::Completed)),
        ("RolledBack", "Count", ended(ExitState::RolledBack)),
        ("Aborted", "Count", ended(ExitState::Aborted)),
        ("Blocked", "Count", ended(ExitState::Blocked)),
        ("RollbackFailed", "Count", ended(ExitState::RollbackFailed)),
        ("TookTraffic", "Count", i64::from(outcome.took_traffic)),
        (
            "Superseded",
            "Count",
            i64::from(outcome.left_out == Some(LeftOut::Superseded)),
        ),
        // A reversal says that the change before it failed.
        (
            "FailedChanges",
            "Count",
            i64::from(outcome.failed() || (outcome.reverses.is_some() && ended(ExitState::Blocked) == 0)),
        ),
        ("DurationSeconds", "Seconds", outcome.duration_seconds),
    ];
    if let Some(lead) = outcome.lead {
        let name = match lead.from {
            LeadFrom::Commit => "LeadTimeSeconds",
            LeadFrom::Push => "LeadTimeFromPushSeconds",
        };
        metrics.push((name, "Seconds", lead.seconds));
    }
    if let Some(seconds) = outcome
        .to_safe_seconds
        .filter(|_| outcome.took_traffic || outcome.reverses.is_some())
    {
        metrics.push(("TimeToSafeSeconds", "Seconds", seconds));
    }
    metrics
}
