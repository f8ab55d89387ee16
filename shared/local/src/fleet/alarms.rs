//! CloudWatch metric alarms: what they watch, and how they are evaluated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Expression;
use super::metrics::{MINUTE, MetricStat, MetricStore, Window};
use super::traffic::ALB;
use super::{Fleet, FleetEvent};

/// CloudWatch looks at more periods than an alarm asks for, and evaluates the
/// most recent ones that have data (CloudWatch user guide, "Configuring how
/// CloudWatch alarms treat missing data": its example looks at five for three).
const EXTRA_PERIODS: usize = 2;
/// Changes of state that are kept for each alarm; AWS keeps those of 30 days.
const KEPT_CHANGES: usize = 50;
/// How deeply expressions may refer to each other.
const MAX_REFERENCES: u32 = 10;

/// State of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlarmValue {
    /// Within the threshold.
    #[serde(rename = "OK")]
    Ok,
    /// Outside of it.
    #[serde(rename = "ALARM")]
    Alarm,
    /// Not enough data to tell.
    #[serde(rename = "INSUFFICIENT_DATA")]
    InsufficientData,
}

impl AlarmValue {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    /// Reads AWS's word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData]
            .into_iter()
            .find(|value| value.as_str() == text)
    }
}

/// How a value is compared to the threshold; it breaches where this holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `>`
    GreaterThanThreshold,
    /// `>=`
    GreaterThanOrEqualToThreshold,
    /// `<`
    LessThanThreshold,
    /// `<=`
    LessThanOrEqualToThreshold,
}

impl Comparison {
    const ALL: [Self; 4] = [
        Self::GreaterThanThreshold,
        Self::GreaterThanOrEqualToThreshold,
        Self::LessThanThreshold,
        Self::LessThanOrEqualToThreshold,
    ];

    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold => "GreaterThanThreshold",
            Self::GreaterThanOrEqualToThreshold => "GreaterThanOrEqualToThreshold",
            Self::LessThanThreshold => "LessThanThreshold",
            Self::LessThanOrEqualToThreshold => "LessThanOrEqualToThreshold",
        }
    }

    /// Reads AWS's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanThreshold => value > threshold,
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }

    /// In the words of a state's reason.
    fn words(self) -> &'static str {
        match self {
            Self::GreaterThanThreshold => "greater than",
            Self::GreaterThanOrEqualToThreshold => "greater than or equal to",
            Self::LessThanThreshold => "less than",
            Self::LessThanOrEqualToThreshold => "less than or equal to",
        }
    }
}

/// What a period without data means to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TreatMissing {
    /// Nothing, unless all is missing: then the state is `INSUFFICIENT_DATA`.
    #[default]
    Missing,
    /// It counts as within the threshold.
    NotBreaching,
    /// It counts as outside of it.
    Breaching,
    /// The state is kept.
    Ignore,
}

impl TreatMissing {
    const ALL: [Self; 4] = [Self::Missing, Self::NotBreaching, Self::Breaching, Self::Ignore];

    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotBreaching => "notBreaching",
            Self::Breaching => "breaching",
            Self::Ignore => "ignore",
        }
    }

    /// Reads AWS's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Where a query's values come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A metric.
    Metric(MetricStat),
    /// Metric math over other queries.
    Math(String),
}

/// One query of metric data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Name by which expressions refer to it.
    pub id: String,
    /// Where its values come from.
    pub source: Source,
    /// How it is labelled.
    pub label: Option<String>,
    /// Whether its values are an answer, rather than only input to others.
    pub return_data: bool,
}

/// What an alarm watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Subject {
    /// One metric.
    Single(MetricStat),
    /// The one query that returns data, over periods of this many seconds.
    Math {
        /// All queries.
        queries: Vec<Query>,
        /// Length of a period in seconds.
        period_seconds: u32,
    },
}

/// A state with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmState {
    /// The state.
    pub value: AlarmValue,
    /// Why, for people.
    pub reason: String,
    /// Why, as JSON.
    pub reason_data: Option<String>,
    /// When it was set.
    pub at: Timestamp,
}

/// One change of an alarm's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmChange {
    /// The state before.
    pub from: AlarmValue,
    /// The new one, with its reason and its time.
    pub to: AlarmState,
}

/// A metric alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// What it watches.
    pub subject: Subject,
    /// How its values are compared.
    pub comparison: Comparison,
    /// What they are compared to.
    pub threshold: f64,
    /// Periods that are looked at.
    pub evaluation_periods: u32,
    /// How many of these must breach.
    pub datapoints_to_alarm: u32,
    /// What missing data means.
    pub treat_missing: TreatMissing,
    /// Its state.
    pub state: AlarmState,
    /// When its state last became another one.
    pub transitioned_at: Timestamp,
    /// States that it came to, oldest first: what `DescribeAlarmHistory` tells.
    #[serde(default)]
    pub history: Vec<AlarmChange>,
    /// When it was made or changed.
    pub updated_at: Timestamp,
    /// `AlarmActions`, `OKActions` and `InsufficientDataActions`, kept but not acted on.
    pub actions: BTreeMap<String, Vec<String>>,
    /// Whether its state was set by `SetAlarmState`.
    pub set_by_hand: bool,
}

impl Alarm {
    /// ARN of the alarm with a name.
    pub(crate) fn arn(region: &str, account: &str, name: &str) -> String {
        format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}")
    }

    fn period_seconds(&self) -> i64 {
        let seconds = match &self.subject {
            Subject::Single(stat) => stat.period_seconds,
            Subject::Math { period_seconds, .. } => *period_seconds,
        };
        i64::from(seconds).max(MINUTE)
    }

    /// The metrics that it reads.
    fn metrics(&self) -> Vec<&MetricStat> {
        match &self.subject {
            Subject::Single(stat) => vec![stat],
            Subject::Math { queries, .. } => queries
                .iter()
                .filter_map(|query| match &query.source {
                    Source::Metric(stat) => Some(stat),
                    Source::Math(_) => None,
                })
                .collect(),
        }
    }

    fn values(&self, store: &MetricStore, window: &Window) -> Vec<Option<f64>> {
        match &self.subject {
            Subject::Single(stat) => store.read(stat, window),
            Subject::Math { queries, .. } => queries
                .iter()
                .find(|query| query.return_data)
                .map(|query| read_query(store, queries, &query.id, window))
                .unwrap_or_default(),
        }
    }
}

/// The values of one of several queries in each period of a window. A query
/// that is not there, or that refers to itself, has none.
pub(crate) fn read_query(
    store: &MetricStore,
    queries: &[Query],
    id: &str,
    window: &Window,
) -> Vec<Option<f64>> {
    read_query_at(store, queries, id, window, 0).unwrap_or_else(|| vec![None; window.count])
}

fn read_query_at(
    store: &MetricStore,
    queries: &[Query],
    id: &str,
    window: &Window,
    depth: u32,
) -> Option<Vec<Option<f64>>> {
    if depth > MAX_REFERENCES {
        return None;
    }
    let query = queries.iter().find(|query| query.id == id)?;
    let text = match &query.source {
        Source::Metric(stat) => return Some(store.read(stat, window)),
        Source::Math(text) => text,
    };
    let expression = Expression::parse(text).ok()?;
    let mut columns: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for reference in expression.ids() {
        if !columns.contains_key(reference) {
            let column = read_query_at(store, queries, reference, window, depth + 1)?;
            columns.insert(reference.to_owned(), column);
        }
    }
    let values = (0..window.count)
        .map(|index| {
            let row = columns
                .iter()
                .map(|(id, column)| (id.clone(), column.get(index).copied().flatten()))
                .collect();
            expression.evaluate(&row)
        })
        .collect();
    Some(values)
}

/// What an evaluation concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// The alarm is in this state.
    Is(AlarmValue),
    /// The alarm stays as it is.
    Keep,
}

/// Concludes from the values of the last periods, oldest first, as CloudWatch
/// documents it ("How alarm state is evaluated when data is missing"): `periods`
/// are asked for; `values` are those and a few before them.
pub(crate) fn conclude(
    values: &[Option<f64>],
    periods: usize,
    to_alarm: usize,
    treat: TreatMissing,
    breaches: impl Fn(f64) -> bool,
) -> Conclusion {
    let recent: Vec<f64> = values.iter().rev().copied().flatten().take(periods).collect();
    let breaching = recent.iter().filter(|value| breaches(**value)).count();
    let fine = recent.len() - breaching;
    let missing = periods.saturating_sub(recent.len());
    if breaching >= to_alarm {
        return Conclusion::Is(AlarmValue::Alarm);
    }
    if missing == 0 {
        return Conclusion::Is(AlarmValue::Ok);
    }
    match treat {
        TreatMissing::NotBreaching => Conclusion::Is(AlarmValue::Ok),
        TreatMissing::Breaching if breaching + missing >= to_alarm => Conclusion::Is(AlarmValue::Alarm),
        TreatMissing::Breaching => Conclusion::Is(AlarmValue::Ok),
        TreatMissing::Missing if recent.is_empty() => Conclusion::Is(AlarmValue::InsufficientData),
        // All that there is breaches: CloudWatch alarms rather than waits.
        TreatMissing::Missing if fine == 0 => Conclusion::Is(AlarmValue::Alarm),
        TreatMissing::Ignore if fine == 0 => Conclusion::Keep,
        TreatMissing::Missing | TreatMissing::Ignore => Conclusion::Is(AlarmValue::Ok),
    }
}

impl Fleet {
    /// Evaluates every alarm.
    pub(crate) fn evaluate_alarms(&mut self, now: Timestamp) {
        let names: Vec<String> = self.alarms.keys().cloned().collect();
        for name in names {
            if let Some((value, reason, data)) = self.evaluate_alarm(&name, now) {
                self.change_alarm(&name, value, reason, Some(data), false);
            }
        }
    }

    /// The state that an alarm goes to, if it changes.
    fn evaluate_alarm(&self, name: &str, now: Timestamp) -> Option<(AlarmValue, String, String)> {
        let alarm = self.alarms.get(name)?;
        let known = alarm
            .metrics()
            .iter()
            .any(|stat| stat.namespace == ALB || self.metrics.knows(stat));
        if alarm.set_by_hand && !known {
            // An alarm on a metric that nobody sends is there to be set by hand.
            return None;
        }
        let period = alarm.period_seconds();
        let periods = usize::try_from(alarm.evaluation_periods.max(1)).ok()?;
        let count = periods + EXTRA_PERIODS;
        let end = self.settings.visible_until(now);
        let window = Window {
            first: end - period * i64::try_from(count).ok()?,
            count,
            period_seconds: period,
            visible_until: end,
        };
        let values = alarm.values(&self.metrics, &window);
        let to_alarm = usize::try_from(alarm.datapoints_to_alarm.max(1)).ok()?;
        let conclusion = conclude(&values, periods, to_alarm, alarm.treat_missing, |value| {
            alarm.comparison.breaches(value, alarm.threshold)
        });
        match conclusion {
            Conclusion::Keep => None,
            Conclusion::Is(value) if value == alarm.state.value => None,
            Conclusion::Is(value) => {
                let (reason, data) = explain(alarm, value, &values, &window, now);
                Some((value, reason, data))
            }
        }
    }

    /// Sets an alarm's state and tells of it, if it is another one. Returns
    /// `false` where there is no such alarm.
    pub(crate) fn change_alarm(
        &mut self,
        name: &str,
        value: AlarmValue,
        reason: String,
        reason_data: Option<String>,
        by_hand: bool,
    ) -> bool {
        let now = self.now();
        let Some(alarm) = self.alarms.get_mut(name) else {
            return false;
        };
        let previous = std::mem::replace(
            &mut alarm.state,
            AlarmState {
                value,
                reason,
                reason_data,
                at: now,
            },
        );
        alarm.set_by_hand = by_hand;
        if previous.value == value {
            return true;
        }
        alarm.transitioned_at = now;
        if alarm.history.len() >= KEPT_CHANGES {
            alarm.history.remove(0);
        }
        alarm.history.push(AlarmChange {
            from: previous.value,
            to: alarm.state.clone(),
        });
        let event = FleetEvent::AlarmStateChanged {
            id: self.ids.uuid(),
            region: self.region.clone(),
            account: self.account.clone(),
            at: now,
            alarm: Box::new(alarm.clone()),
            previous,
        };
        self.pending.push(event);
        true
    }

    /// Sets an alarm's state, as the operation `SetAlarmState` does. The next
    /// evaluation takes it back, unless nobody sends the alarm's metric.
    /// Returns `false` where there is no such alarm.
    pub fn set_alarm_state(&mut self, name: &str, value: AlarmValue, reason: &str) -> bool {
        self.change_alarm(name, value, reason.to_owned(), None, true)
    }

    /// An alarm by name.
    pub fn alarm(&self, name: &str) -> Option<&Alarm> {
        self.alarms.get(name)
    }

    /// Makes an alarm or replaces it. A new one is `INSUFFICIENT_DATA` until
    /// its first evaluation; one that is there keeps its state.
    pub fn put_alarm(&mut self, mut alarm: Alarm) {
        if let Some(held) = self.alarms.get(&alarm.name) {
            alarm.state = held.state.clone();
            alarm.transitioned_at = held.transitioned_at;
            alarm.history = held.history.clone();
            alarm.set_by_hand = held.set_by_hand;
        }
        self.note_setting(
            format!("alarm:{}", alarm.name),
            Some(super::monitoring::defined(&alarm)),
        );
        self.alarms.insert(alarm.name.clone(), alarm);
    }
}

/// A state's reason in words and as JSON, as CloudWatch phrases them.
fn explain(
    alarm: &Alarm,
    value: AlarmValue,
    values: &[Option<f64>],
    window: &Window,
    now: Timestamp,
) -> (String, String) {
    let periods = alarm.evaluation_periods as usize;
    let mut recent: Vec<(i64, f64)> = values
        .iter()
        .enumerate()
        .rev()
        .filter_map(|(index, value)| Some((window.start_of(index), (*value)?)))
        .take(periods)
        .collect();
    recent.reverse();
    let data = serde_json::json!({
        "version": "1.0",
        "queryDate": aws_time(now),
        "startDate": recent.first().and_then(|(at, _)| Timestamp::from_second(*at).ok()).map(aws_time),
        "period": window.period_seconds,
        "recentDatapoints": recent.iter().map(|(_, value)| *value).collect::<Vec<f64>>(),
        "threshold": alarm.threshold,
    });
    let shown: Vec<String> = recent
        .iter()
        .map(|(at, value)| format!("{value:?} ({})", day_time(*at)))
        .collect();
    let crossing = match value {
        AlarmValue::Alarm => "was",
        AlarmValue::Ok | AlarmValue::InsufficientData => "was not",
    };
    let reason = if value == AlarmValue::InsufficientData {
        format!("Insufficient Data: {periods} datapoints were unknown.")
    } else if recent.is_empty() {
        format!(
            "Threshold Crossed: no datapoints were received for {periods} period(s) and {periods} \
             missing datapoint(s) were treated as [{}].",
            match value {
                AlarmValue::Alarm => "Breaching",
                AlarmValue::Ok | AlarmValue::InsufficientData => "NonBreaching",
            }
        )
    } else {
        format!(
            "Threshold Crossed: {} out of the last {periods} datapoints [{}] {crossing} {} the \
             threshold ({:?}) (minimum {} datapoint{} for {} transition).",
            recent.len(),
            shown.join(", "),
            alarm.comparison.words(),
            alarm.threshold,
            alarm.datapoints_to_alarm,
            if alarm.datapoints_to_alarm == 1 { "" } else { "s" },
            match value {
                AlarmValue::Alarm => "OK -> ALARM",
                AlarmValue::Ok | AlarmValue::InsufficientData => "ALARM -> OK",
            },
        )
    };
    (reason, data.to_string())
}

/// A time as CloudWatch writes it in events: `2019-10-02T17:04:40.989+0000`.
pub(crate) fn aws_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// A time as CloudWatch writes it in reasons: `02/10/19 16:59:00`.
fn day_time(second: i64) -> String {
    Timestamp::from_second(second)
        .map(|at| at.strftime("%d/%m/%y %H:%M:%S").to_string())
        .unwrap_or_default()
}
