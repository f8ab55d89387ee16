//! Samples of a slot, and how a metric is read from those of a window.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::spec::Metric;

/// What CloudWatch says of one slot for one minute. A minute without any data has no `Samples`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Samples {
    /// Start of the minute.
    pub at: Timestamp,
    /// Requests in the minute. An ALB publishes none for a minute without requests.
    pub requests: Option<f64>,
    /// 5xx answers of the slot's tasks in the minute.
    ///
    /// Absent while there are requests means none: an ALB reports its 5xx counts only where they are
    /// not zero (AWS, "CloudWatch metrics for your Application Load Balancer").
    pub errors_5xx: Option<f64>,
    /// 99th percentile of the response time in the minute, milliseconds.
    pub latency_p99_ms: Option<f64>,
    /// Results of the metrics that have an `expression`, by name.
    pub custom: BTreeMap<String, f64>,
}

/// The metrics that Tidegate measures without being told how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownMetric {
    /// 5xx answers of the slot's tasks, percent of its requests.
    ErrorRate,
    /// 99th percentile of the response time, milliseconds.
    LatencyP99,
    /// Answers that were not 5xx, percent of the slot's requests.
    Availability,
    /// Requests in a minute.
    RequestCount,
}

/// In what a metric is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 0 to 100.
    Percent,
    /// Milliseconds.
    Milliseconds,
    /// A plain number.
    Count,
}

impl KnownMetric {
    /// Every one of them.
    pub const ALL: [Self; 4] = [
        Self::ErrorRate,
        Self::LatencyP99,
        Self::Availability,
        Self::RequestCount,
    ];

    /// Its name in a deployment file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::LatencyP99 => "latency_p99",
            Self::Availability => "availability",
            Self::RequestCount => "request_count",
        }
    }

    /// Its unit.
    pub const fn unit(self) -> Unit {
        match self {
            Self::ErrorRate | Self::Availability => Unit::Percent,
            Self::LatencyP99 => Unit::Milliseconds,
            Self::RequestCount => Unit::Count,
        }
    }

    /// Whether a higher value is a worse one.
    pub const fn higher_is_worse(self) -> bool {
        match self {
            Self::ErrorRate | Self::LatencyP99 => true,
            Self::Availability | Self::RequestCount => false,
        }
    }

    /// The metric of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == name)
    }
}

impl fmt::Display for KnownMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Unit {
    /// A value with its unit, rounded to three decimals: `0.1 %`, `480 ms`, `12`.
    pub fn show(self, value: f64) -> String {
        let rounded = (value * 1000.0).round() / 1000.0;
        match self {
            Self::Percent => format!("{rounded} %"),
            Self::Milliseconds => format!("{rounded} ms"),
            Self::Count => format!("{rounded}"),
        }
    }
}

/// What is read from samples: a known metric, or the result of an expression by its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading<'a> {
    Known(KnownMetric),
    Custom(&'a str),
}

impl<'a> Reading<'a> {
    pub(super) fn of(metric: &Metric, name: &'a str) -> Self {
        metric.known().map_or(Self::Custom(name), Self::Known)
    }

    pub(super) const fn unit(self) -> Unit {
        match self {
            Self::Known(metric) => metric.unit(),
            Self::Custom(_) => Unit::Count,
        }
    }

    /// Whether the minute has what this is read from.
    pub(super) fn is_in(self, minute: &Samples) -> bool {
        match self {
            Self::Known(KnownMetric::ErrorRate | KnownMetric::Availability | KnownMetric::RequestCount) => {
                minute.requests.is_some()
            }
            Self::Known(KnownMetric::LatencyP99) => minute.latency_p99_ms.is_some(),
            Self::Custom(name) => minute.custom.contains_key(name),
        }
    }

    /// The value over all of `window`, or why there is none.
    ///
    /// Rates are sums over sums, so a quiet minute weighs little. The latency is the worst minute's,
    /// because percentiles of minutes can't be averaged. The request count is the mean of the minutes
    /// that have data. A custom metric is the mean of its minutes.
    pub(super) fn over(self, window: &[&Samples]) -> Result<f64, String> {
        match self {
            Self::Known(KnownMetric::ErrorRate) => {
                let (requests, errors) = counts(window)?;
                Ok(percent_of(errors, requests))
            }
            Self::Known(KnownMetric::Availability) => {
                let (requests, errors) = counts(window)?;
                Ok(percent_of(requests - errors, requests))
            }
            Self::Known(KnownMetric::LatencyP99) => {
                let values = numbers(window.iter().filter_map(|minute| minute.latency_p99_ms))?;
                Ok(values.into_iter().fold(0.0, f64::max))
            }
            Self::Known(KnownMetric::RequestCount) => {
                mean(&numbers(window.iter().filter_map(|minute| minute.requests))?)
            }
            Self::Custom(name) => {
                let values = window
                    .iter()
                    .filter_map(|minute| minute.custom.get(name).copied());
                mean(&finite(values, f64::is_finite)?)
            }
        }
    }

    /// One value for each minute that has one.
    pub(super) fn per_minute(self, minutes: &[Samples]) -> Vec<f64> {
        minutes
            .iter()
            .filter_map(|minute| self.over(&[minute]).ok())
            .collect()
    }
}

/// Requests of the window; nothing where no minute has a request count, or one is not a number.
pub(super) fn requests(window: &[&Samples]) -> Option<f64> {
    let values = numbers(window.iter().filter_map(|minute| minute.requests)).ok()?;
    Some(values.into_iter().sum())
}

/// Requests and errors of the window, the former above zero and the latter not above the former.
fn counts(window: &[&Samples]) -> Result<(f64, f64), String> {
    // A minute whose requests are missing is left out whole: its errors would have no denominator.
    let counted: Vec<(f64, f64)> = window
        .iter()
        .filter_map(|minute| {
            minute
                .requests
                .map(|requests| (requests, minute.errors_5xx.unwrap_or(0.0)))
        })
        .collect();
    let requests: f64 = numbers(counted.iter().map(|(requests, _)| *requests))?
        .into_iter()
        .sum();
    let errors: f64 = numbers(counted.iter().map(|(_, errors)| *errors))?
        .into_iter()
        .sum();
    if requests <= 0.0 {
        return Err("no requests".to_owned());
    }
    // Counts of one minute can arrive apart, so errors may be ahead of requests for a while.
    Ok((requests, errors.min(requests)))
}

/// `part` in percent of `whole`. Multiplied first: counts are whole numbers, so the one rounding is
/// the division's, and a rate that is exactly at its bound compares as equal to it.
fn percent_of(part: f64, whole: f64) -> f64 {
    part * 100.0 / whole
}

/// The values, all of them finite and not negative, and at least one.
fn numbers(values: impl Iterator<Item = f64>) -> Result<Vec<f64>, String> {
    finite(values, |value| value.is_finite() && value >= 0.0)
}

fn finite(values: impl Iterator<Item = f64>, valid: impl Fn(f64) -> bool) -> Result<Vec<f64>, String> {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return Err("no data".to_owned());
    }
    match values.iter().find(|value| !valid(**value)) {
        Some(odd) => Err(format!("a sample is {odd}, which can't be")),
        None => Ok(values),
    }
}

/// The mean; the values are few, so the count is exact as a float.
fn mean(values: &[f64]) -> Result<f64, String> {
    let count = u32::try_from(values.len()).map_err(|_| "too many samples".to_owned())?;
    let mean = values.iter().sum::<f64>() / f64::from(count);
    if mean.is_finite() {
        Ok(mean)
    } else {
        Err("the samples are too large to add up".to_owned())
    }
}
