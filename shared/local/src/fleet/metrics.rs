//! The store of CloudWatch metrics: one point a minute, visible late.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Seconds of history that are kept.
const HISTORY_SECONDS: i64 = 3 * 3_600;
/// Length of a stored point in seconds.
pub(crate) const MINUTE: i64 = 60;

/// Dimensions of a metric, by name.
pub type Dimensions = BTreeMap<String, String>;

/// What one minute of a metric holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// Sum of the values.
    pub sum: f64,
    /// Number of values.
    pub count: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Values with how often they occurred, for percentiles; may be empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<(f64, f64)>,
}

impl Point {
    /// A single value.
    pub fn of(value: f64) -> Self {
        Self {
            sum: value,
            count: 1.0,
            min: value,
            max: value,
            samples: vec![(value, 1.0)],
        }
    }

    /// `count` events that were counted: as many samples with the value 1.
    pub(crate) fn counted(count: f64) -> Self {
        Self {
            sum: count,
            count,
            min: 1.0,
            max: 1.0,
            samples: Vec::new(),
        }
    }

    /// Values with how often each occurred.
    pub(crate) fn from_samples(samples: Vec<(f64, f64)>) -> Option<Self> {
        let count: f64 = samples.iter().map(|(_, weight)| weight).sum();
        if count <= 0.0 {
            return None;
        }
        Some(Self {
            sum: samples.iter().map(|(value, weight)| value * weight).sum(),
            count,
            min: samples
                .iter()
                .map(|(value, _)| *value)
                .fold(f64::INFINITY, f64::min),
            max: samples.iter().map(|(value, _)| *value).fold(0.0, f64::max),
            samples,
        })
    }

    /// Adds another point's values to this one's.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.count <= 0.0 {
            *self = other.clone();
            return;
        }
        self.sum += other.sum;
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.samples.extend(other.samples.iter().copied());
    }

    /// The value of a statistic.
    pub(crate) fn statistic(&self, stat: Stat) -> f64 {
        match stat {
            Stat::Sum => self.sum,
            Stat::Average => self.sum / self.count,
            Stat::Minimum => self.min,
            Stat::Maximum => self.max,
            Stat::SampleCount => self.count,
            Stat::Percentile(percent) => self.percentile(percent),
        }
    }

    /// The least value that at least `percent` percent of the values do not
    /// exceed; the greatest one where only aggregates are known.
    fn percentile(&self, percent: f64) -> f64 {
        let mut samples = self.samples.clone();
        samples.sort_by(|left, right| left.0.total_cmp(&right.0));
        let wanted = self.count * percent / 100.0;
        let mut seen = 0.0;
        for (value, weight) in samples {
            seen += weight;
            if seen >= wanted - 1e-9 {
                return value;
            }
        }
        self.max
    }
}

/// A statistic of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Stat {
    /// Sum of the values.
    Sum,
    /// Their mean.
    Average,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
    /// How many there are.
    SampleCount,
    /// A percentile, in percent.
    Percentile(f64),
}

impl Stat {
    /// Reads AWS's notation (`Sum`, `p99`, `p99.9`).
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "Sum" => Some(Self::Sum),
            "Average" => Some(Self::Average),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            "SampleCount" => Some(Self::SampleCount),
            other => {
                let percent: f64 = other.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Percentile(percent))
            }
        }
    }

    /// AWS's notation.
    pub fn text(self) -> String {
        match self {
            Self::Sum => "Sum".to_owned(),
            Self::Average => "Average".to_owned(),
            Self::Minimum => "Minimum".to_owned(),
            Self::Maximum => "Maximum".to_owned(),
            Self::SampleCount => "SampleCount".to_owned(),
            Self::Percentile(percent) => format!("p{percent}"),
        }
    }
}

/// A statistic of one metric over periods of a fixed length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricStat {
    /// Namespace, such as `AWS/ApplicationELB`.
    pub namespace: String,
    /// Name of the metric.
    pub name: String,
    /// Its dimensions; they must match exactly, as on AWS.
    pub dimensions: Dimensions,
    /// Length of a period in seconds, a multiple of 60.
    pub period_seconds: u32,
    /// The statistic.
    pub stat: Stat,
    /// Unit that was asked for; points are stored without.
    pub unit: Option<String>,
}

/// One metric's points by the Unix second at which their minute starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Series {
    /// Its points.
    pub points: BTreeMap<i64, Point>,
}

/// Every metric of the fleet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MetricStore {
    series: BTreeMap<String, Series>,
}

/// The periods that a query looks at: `count` of them, each `period_seconds`
/// long, the first from the Unix second `first`; nothing at or after
/// `visible_until` is there yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) first: i64,
    pub(crate) count: usize,
    pub(crate) period_seconds: i64,
    pub(crate) visible_until: i64,
}

impl Window {
    /// Unix second at which a period starts.
    pub(crate) fn start_of(&self, index: usize) -> i64 {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.first
            .saturating_add(index.saturating_mul(self.period_seconds))
    }
}

fn key(namespace: &str, name: &str, dimensions: &Dimensions) -> String {
    let mut key = format!("{namespace}|{name}");
    for (name, value) in dimensions {
        key.push('|');
        key.push_str(name);
        key.push('=');
        key.push_str(value);
    }
    key
}

impl MetricStore {
    /// Adds values to the minute that starts at a Unix second.
    pub(crate) fn record(
        &mut self,
        namespace: &str,
        name: &str,
        dimensions: &Dimensions,
        minute: i64,
        point: &Point,
    ) {
        let series = self.series.entry(key(namespace, name, dimensions)).or_default();
        series.points.entry(minute).or_default().merge(point);
    }

    /// Forgets what is older than three hours.
    pub(crate) fn prune(&mut self, now: i64) {
        for series in self.series.values_mut() {
            while let Some(first) = series.points.first_entry() {
                if *first.key() >= now - HISTORY_SECONDS {
                    break;
                }
                first.remove();
            }
        }
        self.series.retain(|_, series| !series.points.is_empty());
    }

    /// Whether a metric has any point.
    pub(crate) fn knows(&self, stat: &MetricStat) -> bool {
        self.series
            .contains_key(&key(&stat.namespace, &stat.name, &stat.dimensions))
    }

    /// The statistic in each period of a window; `None` where there is no point.
    pub(crate) fn read(&self, stat: &MetricStat, window: &Window) -> Vec<Option<f64>> {
        let series = self
            .series
            .get(&key(&stat.namespace, &stat.name, &stat.dimensions));
        (0..window.count)
            .map(|index| {
                let from = window.start_of(index);
                let until = from
                    .saturating_add(window.period_seconds)
                    .min(window.visible_until);
                let points = &series?.points;
                let mut merged = Point::default();
                if from < until {
                    for point in points.range(from..until).map(|(_, point)| point) {
                        merged.merge(point);
                    }
                }
                (merged.count > 0.0).then(|| merged.statistic(stat.stat))
            })
            .collect()
    }
}
