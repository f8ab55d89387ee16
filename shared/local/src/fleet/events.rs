//! What the fleet tells by itself, as EventBridge delivers it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::alarms::{Alarm, AlarmState, Query, Source, Subject, aws_time};
use super::metrics::MetricStat;

/// Something that happened in the fleet and that AWS would put on the default
/// event bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FleetEvent {
    /// An alarm's state became another one.
    AlarmStateChanged {
        /// Id of the event.
        id: String,
        /// Region of the fleet.
        region: String,
        /// Account of the fleet.
        account: String,
        /// When it happened.
        at: Timestamp,
        /// The alarm with its new state.
        alarm: Box<Alarm>,
        /// The state before.
        previous: AlarmState,
    },
    /// An image was pushed.
    EcrPushed {
        /// Id of the event.
        id: String,
        /// Region of the fleet.
        region: String,
        /// Account of the fleet.
        account: String,
        /// When it happened.
        at: Timestamp,
        /// Repository that it was pushed to.
        repository: String,
        /// Its digest.
        digest: String,
        /// Its tag.
        tag: String,
    },
}

impl FleetEvent {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::AlarmStateChanged { at, .. } | Self::EcrPushed { at, .. } => *at,
        }
    }

    /// Id of the event, the same at every delivery.
    pub fn id(&self) -> &str {
        match self {
            Self::AlarmStateChanged { id, .. } | Self::EcrPushed { id, .. } => id,
        }
    }

    /// The event as EventBridge delivers it (CloudWatch user guide, "Alarm
    /// events and EventBridge"; ECR user guide, "Amazon ECR events and
    /// EventBridge").
    pub fn to_eventbridge(&self) -> Value {
        match self {
            Self::AlarmStateChanged {
                id,
                region,
                account,
                at,
                alarm,
                previous,
            } => json!({
                "version": "0",
                "id": id,
                "detail-type": "CloudWatch Alarm State Change",
                "source": "aws.cloudwatch",
                "account": account,
                "time": seconds(*at),
                "region": region,
                "resources": [Alarm::arn(region, account, &alarm.name)],
                "detail": {
                    "alarmName": alarm.name,
                    "state": state(&alarm.state),
                    "previousState": state(previous),
                    "configuration": configuration(alarm),
                },
            }),
            Self::EcrPushed {
                id,
                region,
                account,
                at,
                repository,
                digest,
                tag,
            } => json!({
                "version": "0",
                "id": id,
                "detail-type": "ECR Image Action",
                "source": "aws.ecr",
                "account": account,
                "time": seconds(*at),
                "region": region,
                "resources": [],
                "detail": {
                    "result": "SUCCESS",
                    "repository-name": repository,
                    "image-digest": digest,
                    "action-type": "PUSH",
                    "image-tag": tag,
                },
            }),
        }
    }
}

/// A time to the second: `2019-10-02T17:04:40Z`.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn state(state: &AlarmState) -> Value {
    let mut value = Map::new();
    value.insert("value".to_owned(), json!(state.value.as_str()));
    value.insert("reason".to_owned(), json!(state.reason));
    if let Some(data) = &state.reason_data {
        value.insert("reasonData".to_owned(), json!(data));
    }
    value.insert("timestamp".to_owned(), json!(aws_time(state.at)));
    Value::Object(value)
}

fn configuration(alarm: &Alarm) -> Value {
    let metrics: Vec<Value> = match &alarm.subject {
        Subject::Single(stat) => vec![json!({
            // EventBridge shows a single metric under an id of CloudWatch's own.
            "id": "m1",
            "metricStat": metric_stat(stat),
            "returnData": true,
        })],
        Subject::Math { queries, .. } => queries.iter().map(query).collect(),
    };
    let mut value = Map::from_iter([("metrics".to_owned(), Value::Array(metrics))]);
    if let Some(description) = &alarm.description {
        value.insert("description".to_owned(), json!(description));
    }
    Value::Object(value)
}

fn metric_stat(stat: &MetricStat) -> Value {
    let dimensions: BTreeMap<&String, &String> = stat.dimensions.iter().collect();
    json!({
        "metric": {
            "namespace": stat.namespace,
            "name": stat.name,
            "dimensions": dimensions,
        },
        "period": stat.period_seconds,
        "stat": stat.stat.text(),
    })
}

fn query(query: &Query) -> Value {
    let mut value = Map::from_iter([
        ("id".to_owned(), json!(query.id)),
        ("returnData".to_owned(), json!(query.return_data)),
    ]);
    match &query.source {
        Source::Metric(stat) => value.insert("metricStat".to_owned(), metric_stat(stat)),
        Source::Math(expression) => value.insert("expression".to_owned(), json!(expression)),
    };
    if let Some(label) = &query.label {
        value.insert("label".to_owned(), json!(label));
    }
    Value::Object(value)
}
