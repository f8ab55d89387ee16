//! A CloudWatch alarm as it is defined: what Tidegate puts there, and what was there before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::analysis::{Comparison, Condition, KnownMetric, Threshold};
use crate::ids::{Slot, Target};
use crate::spec::AlarmRule;
use crate::wiring::Balancer;

/// The namespace of a load balancer's metrics.
pub(super) const BALANCER: &str = "AWS/ApplicationELB";
/// A load balancer publishes its metrics once a minute.
pub(super) const PERIOD_SECONDS: i32 = 60;

/// All of a metric alarm's definition that a rollback needs to bring it back exactly
/// (`PutMetricAlarm`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmDefinition {
    /// `AlarmDescription`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `ActionsEnabled`.
    pub actions_enabled: bool,
    /// `OKActions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ok_actions: Vec<String>,
    /// `AlarmActions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarm_actions: Vec<String>,
    /// `InsufficientDataActions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub insufficient_data_actions: Vec<String>,
    /// The metric, of an alarm on a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<AlarmMetric>,
    /// `Metrics`, of an alarm on an expression.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<AlarmQuery>,
    /// `EvaluationPeriods`.
    pub evaluation_periods: i32,
    /// `DatapointsToAlarm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<i32>,
    /// `Threshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Exact>,
    /// `ThresholdMetricId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_metric: Option<String>,
    /// `ComparisonOperator`, in AWS's words.
    pub comparison: String,
    /// `TreatMissingData`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treat_missing: Option<String>,
    /// `EvaluateLowSampleCountPercentile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_samples: Option<String>,
}

/// A metric with its statistic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmMetric {
    /// `Namespace`.
    pub namespace: String,
    /// `MetricName`.
    pub name: String,
    /// `Dimensions`.
    pub dimensions: BTreeMap<String, String>,
    /// `Statistic` or `ExtendedStatistic`: `Sum`, `p99`.
    pub statistic: String,
    /// `Period`, seconds.
    pub period_seconds: i32,
    /// `Unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// One of an alarm's metric data queries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmQuery {
    /// `Id`.
    pub id: String,
    /// `Label`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `Expression`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// `MetricStat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<AlarmMetric>,
    /// `Period`, seconds, of an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// `ReturnData`.
    pub returns: bool,
    /// `AccountId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A number that is compared bit by bit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exact(pub f64);

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}

impl Eq for Exact {}

/// The name of the alarm of a rule for one slot. It begins as the alarms do that are watched without a
/// list.
pub(super) fn name_of(target: &Target, slot: Slot, rule: &AlarmRule) -> String {
    format!("{}-{}-{slot}-{}", target.service, target.environment, rule.name)
}

/// How a text that Tidegate puts on AWS says whose it is.
pub(super) fn mark(target: &Target) -> String {
    format!("Made by Tidegate for {target}.")
}

/// What an alarm of the file is for one slot: the same metrics that decide about a deployment.
pub(super) fn definition(
    target: &Target,
    balancer: &Balancer,
    slot: Slot,
    rule: &AlarmRule,
    topic: Option<&str>,
) -> Option<AlarmDefinition> {
    let group = balancer.target_group_dimension(slot)?;
    let metric = |name: &str, statistic: &str| AlarmMetric {
        namespace: BALANCER.to_owned(),
        name: name.to_owned(),
        dimensions: BTreeMap::from([
            (
                "LoadBalancer".to_owned(),
                balancer.load_balancer_dimension.clone(),
            ),
            ("TargetGroup".to_owned(), group.to_owned()),
        ]),
        statistic: statistic.to_owned(),
        period_seconds: PERIOD_SECONDS,
        unit: None,
    };
    let (single, queries) = match rule.when.metric() {
        KnownMetric::ErrorRate => (
            None,
            vec![
                expression("rate", "error rate in percent", "100*FILL(errors,0)/requests"),
                input("errors", metric("HTTPCode_Target_5XX_Count", "Sum")),
                input("requests", metric("RequestCount", "Sum")),
            ],
        ),
        // Beside errors that tasks answer with, these requests found no task that would take them.
        KnownMetric::Availability => (
            None,
            vec![
                expression(
                    "availability",
                    "availability in percent",
                    "100*(1-(FILL(errors,0)+FILL(refused,0))/requests)",
                ),
                input("errors", metric("HTTPCode_Target_5XX_Count", "Sum")),
                input("refused", metric("TargetConnectionErrorCount", "Sum")),
                input("requests", metric("RequestCount", "Sum")),
            ],
        ),
        KnownMetric::LatencyP99 => (Some(metric("TargetResponseTime", "p99")), Vec::new()),
        // Refused by the file's rules: a slot at rest has no requests.
        KnownMetric::RequestCount => return None,
    };
    let periods = i32::try_from(rule.for_seconds / 60).unwrap_or(i32::MAX);
    let topics: Vec<String> = topic.map(str::to_owned).into_iter().collect();
    Some(AlarmDefinition {
        description: format!("{} in the {slot} slot. {}", rule.describe(), mark(target)),
        actions_enabled: true,
        ok_actions: topics.clone(),
        alarm_actions: topics,
        insufficient_data_actions: Vec::new(),
        metric: single,
        queries,
        evaluation_periods: periods,
        datapoints_to_alarm: Some(periods),
        threshold: Some(Exact(threshold(rule.when))),
        threshold_metric: None,
        comparison: operator(rule.when.comparison()).to_owned(),
        // A slot without traffic has no data, and nothing is wrong with it.
        treat_missing: Some("notBreaching".to_owned()),
        low_samples: None,
    })
}

/// In the unit that the metric has on AWS.
fn threshold(condition: Condition) -> f64 {
    match condition.threshold() {
        Threshold::Percent(value) | Threshold::Count(value) => value,
        Threshold::Milliseconds(value) => value / 1000.0,
    }
}

const fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Above => "GreaterThanThreshold",
        Comparison::AtLeast => "GreaterThanOrEqualToThreshold",
        Comparison::Below => "LessThanThreshold",
        Comparison::AtMost => "LessThanOrEqualToThreshold",
    }
}

fn expression(id: &str, label: &str, expression: &str) -> AlarmQuery {
    AlarmQuery {
        id: id.to_owned(),
        label: Some(label.to_owned()),
        expression: Some(expression.to_owned()),
        metric: None,
        period_seconds: Some(PERIOD_SECONDS),
        returns: true,
        account: None,
    }
}

fn input(id: &str, metric: AlarmMetric) -> AlarmQuery {
    AlarmQuery {
        id: id.to_owned(),
        label: None,
        expression: None,
        metric: Some(metric),
        period_seconds: None,
        returns: false,
        account: None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Exact, mark};

    #[test]
    fn what_tidegate_makes_says_so_and_for_whom() {
        // What was made once is known by it, so it never changes.
        assert_eq!(
            mark(&"web/production".parse().unwrap()),
            "Made by Tidegate for web/production."
        );
    }

    #[test]
    fn thresholds_are_equal_where_all_their_bits_are() {
        assert_eq!(Exact(0.5), Exact(0.5));
        assert_ne!(Exact(0.5), Exact(0.25));
        assert_ne!(Exact(0.0), Exact(-0.0));
    }
}
