//! Samples of each slot, from CloudWatch.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use jiff::Timestamp;
use tidegate_core::analysis::Samples;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::Slot;
use tidegate_core::observation::Question;
use tidegate_core::spec::{Analysis, Metric as MetricKind, Spec, Strategy};
use tidegate_core::wiring::Wiring;

use crate::error::AwsError;
use crate::time::{from_sdk, to_sdk};

/// An ALB publishes its metrics once a minute (AWS, "CloudWatch metrics for your Application Load
/// Balancer").
const PERIOD_SECONDS: i32 = 60;

/// The measurements that a decision asks for, up to now; none where it asks for none yet.
///
/// # Errors
/// As [`samples`].
pub async fn samples_asked(
    cloudwatch: &Client,
    deployment: &Deployment,
    question: &Question,
    now: Timestamp,
) -> Result<BTreeMap<Slot, Vec<Samples>>, AwsError> {
    let (Some(plan), Some(from)) = (&deployment.plan, question.samples_from()) else {
        return Ok(BTreeMap::new());
    };
    samples(cloudwatch, &plan.wiring, &deployment.spec, from, now).await
}

/// Reads the minutes from `from` to `to` of every slot, oldest first, in one `GetMetricData` call.
/// Minutes without data are left out, and so are metrics that CloudWatch can't give.
///
/// # Errors
/// Where CloudWatch can't be asked.
pub async fn samples(
    cloudwatch: &Client,
    wiring: &Wiring,
    spec: &Spec,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeMap<Slot, Vec<Samples>>, AwsError> {
    let queries = queries(wiring, analysis_of(&spec.strategy));
    let mut merged = Merge::new(wiring.services.keys().copied());
    if queries.is_empty() {
        return Ok(merged.finish());
    }
    let mut pages = cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries.iter().map(Query::to_sdk).collect()))
        .start_time(to_sdk(from))
        .end_time(to_sdk(to))
        .scan_by(ScanBy::TimestampAscending)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            AwsError::sdk(
                format!("failed to read metrics in cluster {}", wiring.cluster),
                error,
            )
        })?;
        for result in page.metric_data_results() {
            let query = queries.iter().find(|query| result.id() == Some(&query.id));
            match query {
                Some(query) if is_readable(result) => merged.add(query, result),
                Some(query) => tracing::warn!(
                    query = query.id,
                    status = result.status_code().map(StatusCode::as_str),
                    "metric can't be read; it counts as missing"
                ),
                None => {}
            }
        }
    }
    Ok(merged.finish())
}

/// The rules of the file; none where only its conditions are looked at.
fn analysis_of(strategy: &Strategy) -> Option<&Analysis> {
    match strategy {
        Strategy::Canary(steps) | Strategy::Linear(steps) => steps.analysis.as_ref(),
        Strategy::BlueGreen(bluegreen) => bluegreen.analysis.as_ref(),
        Strategy::Recreate | Strategy::Rolling => None,
    }
}

/// `PartialData` only says that more pages follow.
fn is_readable(result: &MetricDataResult) -> bool {
    matches!(
        result.status_code(),
        None | Some(StatusCode::Complete | StatusCode::PartialData)
    )
}

/// One thing that is measured of a slot.
#[derive(Debug, Clone, PartialEq)]
struct Query {
    /// Of the form that CloudWatch takes: a lowercase letter, then letters, digits, underscores.
    id: String,
    slot: Slot,
    field: Field,
    source: Source,
}

/// Where a result goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Requests,
    Errors5xx,
    LatencyP99,
    Custom(String),
}

/// What CloudWatch is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Balancer {
        metric: &'static str,
        stat: &'static str,
        target_group: String,
        load_balancer: String,
    },
    Expression(String),
}

fn queries(wiring: &Wiring, analysis: Option<&Analysis>) -> Vec<Query> {
    let mut queries = Vec::new();
    for slot in wiring.services.keys().copied() {
        queries.extend(balancer_queries(wiring, slot));
        let rules = analysis.map_or(&[][..], |analysis| &analysis.metrics);
        for (index, rule) in rules.iter().enumerate() {
            match &rule.metric {
                MetricKind::Expression(text) => {
                    let Some(expression) = filled_in(text, wiring, slot) else {
                        tracing::warn!(
                            metric = rule.name,
                            "expression needs a load balancer; it counts as missing"
                        );
                        continue;
                    };
                    queries.push(Query {
                        id: format!("{slot}_custom_{index}"),
                        slot,
                        field: Field::Custom(rule.name.clone()),
                        source: Source::Expression(expression),
                    });
                }
                MetricKind::ErrorRate
                | MetricKind::LatencyP99
                | MetricKind::Availability
                | MetricKind::RequestCount => {}
            }
        }
    }
    queries
}

fn balancer_queries(wiring: &Wiring, slot: Slot) -> Vec<Query> {
    let Some(balancer) = &wiring.balancer else {
        return Vec::new();
    };
    let Some(target_group) = balancer.target_group_dimension(slot) else {
        return Vec::new();
    };
    let query = |field, name, metric, stat| Query {
        id: format!("{slot}_{name}"),
        slot,
        field,
        source: Source::Balancer {
            metric,
            stat,
            target_group: target_group.to_owned(),
            load_balancer: balancer.load_balancer_dimension.clone(),
        },
    };
    vec![
        query(Field::Requests, "requests", "RequestCount", "Sum"),
        query(Field::Errors5xx, "errors", "HTTPCode_Target_5XX_Count", "Sum"),
        query(Field::LatencyP99, "latency", "TargetResponseTime", "p99"),
    ]
}

/// The expression for a slot; nothing where it names a load balancer that is not there.
fn filled_in(text: &str, wiring: &Wiring, slot: Slot) -> Option<String> {
    let balancer = wiring.balancer.as_ref();
    let values = [
        (
            "${targetGroup}",
            balancer.and_then(|one| one.target_group_dimension(slot)),
        ),
        (
            "${loadBalancer}",
            balancer.map(|one| one.load_balancer_dimension.as_str()),
        ),
        ("${slot}", Some(slot.as_str())),
        ("${ecsService}", wiring.services.get(&slot).map(String::as_str)),
        ("${cluster}", Some(wiring.cluster.as_str())),
    ];
    values
        .into_iter()
        .try_fold(text.to_owned(), |text, (name, value)| {
            if !text.contains(name) {
                return Some(text);
            }
            value.map(|value| text.replace(name, value))
        })
}

impl Query {
    fn to_sdk(&self) -> MetricDataQuery {
        let query = MetricDataQuery::builder().id(&self.id).return_data(true);
        match &self.source {
            Source::Expression(text) => query.expression(text).period(PERIOD_SECONDS).build(),
            Source::Balancer {
                metric,
                stat,
                target_group,
                load_balancer,
            } => {
                let dimension =
                    |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
                let metric = Metric::builder()
                    .namespace("AWS/ApplicationELB")
                    .metric_name(*metric)
                    .dimensions(dimension("TargetGroup", target_group))
                    .dimensions(dimension("LoadBalancer", load_balancer))
                    .build();
                let stat = MetricStat::builder()
                    .metric(metric)
                    .period(PERIOD_SECONDS)
                    .stat(*stat)
                    .build();
                query.metric_stat(stat).build()
            }
        }
    }
}

/// Results, page by page, put together by slot and minute.
struct Merge {
    minutes: BTreeMap<Slot, BTreeMap<Timestamp, Samples>>,
    /// The series that a custom metric's values come from; nothing once there were several.
    series: BTreeMap<String, Option<String>>,
}

impl Merge {
    fn new(slots: impl Iterator<Item = Slot>) -> Self {
        Self {
            minutes: slots.map(|slot| (slot, BTreeMap::new())).collect(),
            series: BTreeMap::new(),
        }
    }

    fn add(&mut self, query: &Query, result: &MetricDataResult) {
        if !self.is_one_series(query, result.label().unwrap_or_default()) {
            return;
        }
        let minutes = self.minutes.entry(query.slot).or_default();
        for (at, value) in result.timestamps().iter().zip(result.values()) {
            let Some(at) = from_sdk(at) else {
                continue;
            };
            let minute = minutes.entry(at).or_insert_with(|| empty(at));
            match &query.field {
                Field::Requests => minute.requests = Some(*value),
                Field::Errors5xx => minute.errors_5xx = Some(*value),
                // CloudWatch has `TargetResponseTime` in seconds.
                Field::LatencyP99 => minute.latency_p99_ms = Some(*value * 1000.0),
                Field::Custom(name) => {
                    minute.custom.insert(name.clone(), *value);
                }
            }
        }
    }

    /// A SEARCH can answer with many series under one id, told apart by their labels. Which of them
    /// is meant nobody knows, so all are dropped, and the metric counts as missing.
    fn is_one_series(&mut self, query: &Query, label: &str) -> bool {
        let Field::Custom(name) = &query.field else {
            return true;
        };
        let seen = self
            .series
            .entry(query.id.clone())
            .or_insert_with(|| Some(label.to_owned()));
        if seen.as_deref() == Some(label) {
            return true;
        }
        if seen.take().is_some() {
            tracing::warn!(
                metric = name,
                "expression has several series; wrap it in SUM, AVG or MAX"
            );
            let minutes = self.minutes.entry(query.slot).or_default();
            for minute in minutes.values_mut() {
                minute.custom.remove(name);
            }
        }
        false
    }

    fn finish(self) -> BTreeMap<Slot, Vec<Samples>> {
        let has_data = |minute: &Samples| {
            minute.requests.is_some()
                || minute.errors_5xx.is_some()
                || minute.latency_p99_ms.is_some()
                || !minute.custom.is_empty()
        };
        self.minutes
            .into_iter()
            .map(|(slot, minutes)| (slot, minutes.into_values().filter(has_data).collect()))
            .collect()
    }
}

fn empty(at: Timestamp) -> Samples {
    Samples {
        at,
        requests: None,
        errors_5xx: None,
        latency_p99_ms: None,
        custom: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use aws_smithy_types::DateTime;
    use tidegate_core::spec::MetricRule;
    use tidegate_core::wiring::Balancer;

    fn wiring(balanced: bool) -> Wiring {
        let groups = [Slot::Blue, Slot::Green].map(|slot| {
            (
                slot,
                format!("arn:aws:elasticloadbalancing:r:1:targetgroup/web-{slot}/1"),
            )
        });
        Wiring {
            cluster: "production".to_owned(),
            services: [Slot::Blue, Slot::Green]
                .map(|slot| (slot, format!("web-{slot}")))
                .into(),
            balancer: balanced.then(|| Balancer {
                rule_arn: "rule".to_owned(),
                target_groups: groups.into(),
                load_balancer_dimension: "app/web/1".to_owned(),
            }),
        }
    }

    fn analysis(expression: &str) -> Analysis {
        Analysis {
            interval_seconds: 60,
            threshold: 1,
            metrics: vec![MetricRule {
                name: "queue".to_owned(),
                metric: MetricKind::Expression(expression.to_owned()),
                max: Some(1.0),
                min: None,
            }],
            min_requests: 0,
            freshness_seconds: 180,
            inconclusive_limit: 10,
            compare: None,
        }
    }

    fn result(id: &str, label: &str, points: &[(i64, f64)]) -> MetricDataResult {
        let (times, values): (Vec<_>, Vec<_>) = points
            .iter()
            .map(|(minute, value)| (DateTime::from_secs(minute * 60), *value))
            .unzip();
        MetricDataResult::builder()
            .id(id)
            .label(label)
            .set_timestamps(Some(times))
            .set_values(Some(values))
            .build()
    }

    fn merged(queries: &[Query], results: &[MetricDataResult]) -> BTreeMap<Slot, Vec<Samples>> {
        let mut merge = Merge::new([Slot::Blue, Slot::Green].into_iter());
        for one in results {
            merge.add(
                queries.iter().find(|query| one.id() == Some(&query.id)).unwrap(),
                one,
            );
        }
        merge.finish()
    }

    #[test]
    fn both_slots_are_asked_for_in_one_call_by_target_group_and_load_balancer() {
        let queries = queries(&wiring(true), None);
        let ids: Vec<&str> = queries.iter().map(|query| query.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "blue_requests",
                "blue_errors",
                "blue_latency",
                "green_requests",
                "green_errors",
                "green_latency"
            ]
        );
        let sdk = queries.last().unwrap().to_sdk();
        let stat = sdk.metric_stat().unwrap();
        assert_eq!(stat.stat(), Some("p99"));
        let dimensions = stat.metric().unwrap().dimensions();
        let shown: Vec<_> = dimensions
            .iter()
            .filter_map(|one| one.name().zip(one.value()))
            .collect();
        assert_eq!(
            shown,
            [
                ("TargetGroup", "targetgroup/web-green/1"),
                ("LoadBalancer", "app/web/1")
            ]
        );
    }

    #[test]
    fn an_expression_is_filled_in_for_each_slot() {
        let analysis = analysis("SUM(SEARCH('${cluster} ${ecsService} ${targetGroup} ${slot}', 'Sum'))");
        let queries = queries(&wiring(true), Some(&analysis));
        let green = queries.iter().find(|query| query.id == "green_custom_0").unwrap();
        assert_eq!(
            green.source,
            Source::Expression(
                "SUM(SEARCH('production web-green targetgroup/web-green/1 green', 'Sum'))".to_owned()
            )
        );
    }

    #[test]
    fn an_expression_that_needs_a_load_balancer_is_not_asked_without_one() {
        assert!(queries(&wiring(false), Some(&analysis("f(${loadBalancer})"))).is_empty());
        assert_eq!(
            queries(&wiring(false), Some(&analysis("f(${ecsService})"))).len(),
            2
        );
    }

    #[test]
    fn pages_are_put_together_by_minute_with_latency_in_milliseconds() {
        let queries = queries(&wiring(true), None);
        let found = merged(
            &queries,
            &[
                result("green_requests", "r", &[(2, 50.0)]),
                result("green_latency", "l", &[(1, 0.25), (2, 0.5)]),
                result("green_requests", "r", &[(1, 40.0)]),
            ],
        );
        let green = found.get(&Slot::Green).unwrap();
        assert_eq!(green.len(), 2);
        assert_eq!(
            (green[0].requests, green[0].latency_p99_ms),
            (Some(40.0), Some(250.0))
        );
        assert_eq!((green[1].requests, green[1].errors_5xx), (Some(50.0), None));
        assert_eq!(found.get(&Slot::Blue).unwrap(), &[]);
    }

    #[test]
    fn an_expression_with_several_series_counts_as_missing() {
        let queries = queries(&wiring(true), Some(&analysis("SEARCH(x)")));
        let id = "blue_custom_0";
        let one = merged(
            &queries,
            &[result(id, "a", &[(1, 1.0)]), result(id, "a", &[(2, 2.0)])],
        );
        assert_eq!(one.get(&Slot::Blue).unwrap().len(), 2);
        let several = [
            result(id, "a", &[(1, 1.0)]),
            result(id, "b", &[(1, 9.0)]),
            result(id, "a", &[(2, 2.0)]),
        ];
        assert_eq!(merged(&queries, &several).get(&Slot::Blue).unwrap(), &[]);
    }
}
