//! One check of a candidate: the samples of a window against the rules of the file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::mann_whitney::mann_whitney;
use super::measure::{KnownMetric, Reading, Samples, Unit, requests};
use crate::spec::{Analysis, Compare, MetricRule};

/// What a check or one of its measurements concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Measured, and within its bounds.
    Pass,
    /// Measured, and out of its bounds.
    Fail,
    /// Not measured well enough to say. Never counts as Pass.
    Inconclusive,
}

impl Verdict {
    /// The verdict of two together: Fail wins over Inconclusive, which wins over Pass.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::Inconclusive, _) | (_, Self::Inconclusive) => Self::Inconclusive,
            (Self::Pass, Self::Pass) => Self::Pass,
        }
    }
}

/// One check of the candidate in the window from `from` (inclusive) to `until` (exclusive).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// All measurements together.
    pub verdict: Verdict,
    /// Metrics first, then comparisons with stable, then conditions, each in the file's order.
    pub measurements: Vec<Measurement>,
    /// The verdict in words for a person on call.
    pub reason: String,
    /// The first condition of `autoRollback` that holds: enough by itself to roll back.
    pub condition_breached: Option<String>,
    /// Start of the window.
    pub from: Timestamp,
    /// End of the window.
    pub until: Timestamp,
}

/// One thing that was measured in a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// Name of the metric.
    pub metric: String,
    /// Its value, in the metric's unit; for a comparison the p-value. Absent where there was too
    /// little data.
    pub value: Option<f64>,
    /// What was asked of it, such as `at most 0.1 %`.
    pub bound: String,
    /// What follows.
    pub verdict: Verdict,
    /// The verdict in words.
    pub reason: String,
}

/// Samples are one minute apart.
const PERIOD_SECONDS: i64 = 60;

/// Assesses the window `[from, until)`: minutes that start in it.
///
/// `candidate` and `stable` may reach back before the window. Bounds and conditions look at the
/// window alone; `compare` looks at all samples before `until`, because one window rarely holds
/// enough of them: hand over the samples since the step began.
///
/// The verdict counts conditions too. Where `autoRollback.enabled` is false, pass none here and
/// assess them apart to tell of them.
pub fn assess(
    rules: &Analysis,
    conditions: &[Condition],
    candidate: &[Samples],
    stable: &[Samples],
    from: Timestamp,
    until: Timestamp,
) -> Check {
    let window: Vec<&Samples> = candidate
        .iter()
        .filter(|minute| from <= minute.at && minute.at < until)
        .collect();
    let obstacle = obstacle(rules, &window);
    let window = Window {
        minutes: &window,
        until,
        rules,
        obstacle: obstacle.as_deref(),
    };
    let judged: Vec<(&Condition, Measurement)> = conditions
        .iter()
        .map(|one| (one, judge_condition(*one, &window)))
        .collect();
    let condition_breached = judged
        .iter()
        .find(|(_, measurement)| measurement.verdict == Verdict::Fail)
        .map(|(condition, _)| condition.to_string());

    let mut measurements: Vec<Measurement> = rules
        .metrics
        .iter()
        .map(|rule| judge_rule(rule, &window))
        .collect();
    if let Some(compare) = &rules.compare {
        let (candidate, stable) = (before(candidate, until), before(stable, until));
        measurements.extend(
            compare
                .metrics
                .iter()
                .map(|name| judge_comparison(compare, name, (&candidate, &stable), &window)),
        );
    }
    measurements.extend(judged.into_iter().map(|(_, measurement)| measurement));
    let (verdict, reason) = conclude(&measurements);
    Check {
        verdict,
        measurements,
        reason,
        condition_breached,
        from,
        until,
    }
}

fn before(samples: &[Samples], until: Timestamp) -> Vec<Samples> {
    samples
        .iter()
        .filter(|minute| minute.at < until)
        .cloned()
        .collect()
}

/// The minutes of a check, and what is known of them as a whole.
struct Window<'a> {
    minutes: &'a [&'a Samples],
    until: Timestamp,
    rules: &'a Analysis,
    /// What keeps every measurement from being conclusive.
    obstacle: Option<&'a str>,
}

impl Window<'_> {
    /// The value of a metric, where it has fresh data.
    fn read(&self, reading: Reading<'_>) -> Result<f64, String> {
        let value = reading.over(self.minutes)?;
        let newest = self
            .minutes
            .iter()
            .filter(|minute| reading.is_in(minute))
            .map(|one| one.at)
            .max();
        let Some(newest) = newest else {
            return Err("no data".to_owned());
        };
        // Age counts from the minute's start, so a minute that has just ended is 60 s old already.
        let age = self.until.duration_since(newest).as_secs();
        let limit = self.rules.freshness_seconds;
        if age > i64::from(limit).max(PERIOD_SECONDS) {
            return Err(format!("the newest data is {age} s old, more than {limit} s"));
        }
        Ok(value)
    }
}

/// What keeps every measurement of the window from being conclusive.
fn obstacle(rules: &Analysis, window: &[&Samples]) -> Option<String> {
    if window.is_empty() {
        return Some("no data in this window".to_owned());
    }
    if rules.min_requests == 0 {
        return None;
    }
    match requests(window) {
        None => Some(format!(
            "no readable request count; {} requests are needed",
            rules.min_requests
        )),
        Some(seen) if seen < f64::from(rules.min_requests) => {
            let seen = Unit::Count.show(seen);
            Some(format!("only {seen} requests; {} are needed", rules.min_requests))
        }
        Some(_) => None,
    }
}

fn judge_rule(rule: &MetricRule, window: &Window<'_>) -> Measurement {
    let reading = Reading::of(&rule.metric, &rule.name);
    let unit = reading.unit();
    let bound = match (rule.min, rule.max) {
        (Some(min), Some(max)) => format!("from {} to {}", unit.show(min), unit.show(max)),
        (Some(min), None) => format!("at least {}", unit.show(min)),
        (None, Some(max)) => format!("at most {}", unit.show(max)),
        (None, None) => "no bound".to_owned(),
    };
    let judge = |value: f64| match (rule.min, rule.max) {
        (None, None) => Verdict::Inconclusive,
        (min, max) if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) => {
            Verdict::Fail
        }
        (_, _) => Verdict::Pass,
    };
    judge_value(
        (&rule.name, unit),
        bound,
        window.read(reading),
        window.obstacle,
        judge,
    )
}

fn judge_condition(condition: Condition, window: &Window<'_>) -> Measurement {
    let metric = condition.metric();
    let bound = format!(
        "not {} {}",
        condition.comparison().as_str(),
        condition.threshold()
    );
    let judge = |value| {
        if condition.holds(value) {
            Verdict::Fail
        } else {
            Verdict::Pass
        }
    };
    let value = window.read(Reading::Known(metric));
    judge_value(
        (metric.as_str(), metric.unit()),
        bound,
        value,
        window.obstacle,
        judge,
    )
}

fn judge_value(
    (name, unit): (&str, Unit),
    bound: String,
    value: Result<f64, String>,
    obstacle: Option<&str>,
    judge: impl Fn(f64) -> Verdict,
) -> Measurement {
    let (value, verdict, reason) = match (value, obstacle) {
        (Err(why), None) => (None, Verdict::Inconclusive, format!("{name}: {why}")),
        (value, Some(why)) => (value.ok(), Verdict::Inconclusive, format!("{name}: {why}")),
        (Ok(value), None) => {
            let words = format!("{name} is {}, asked {bound}", unit.show(value));
            (Some(value), judge(value), words)
        }
    };
    Measurement {
        metric: name.to_owned(),
        value,
        bound,
        verdict,
        reason,
    }
}

fn judge_comparison(
    compare: &Compare,
    name: &str,
    (candidate, stable): (&[Samples], &[Samples]),
    window: &Window<'_>,
) -> Measurement {
    let reading = window
        .rules
        .metrics
        .iter()
        .find(|rule| rule.name == name)
        .map_or_else(
            || KnownMetric::named(name).map_or(Reading::Custom(name), Reading::Known),
            |rule| Reading::of(&rule.metric, name),
        );
    let (ours, theirs) = (reading.per_minute(candidate), reading.per_minute(stable));
    let bound = format!("not worse than stable at p < {}", compare.significance);
    let inconclusive = |why: String| Measurement {
        metric: name.to_owned(),
        value: None,
        bound: bound.clone(),
        verdict: Verdict::Inconclusive,
        reason: format!("{name} against stable: {why}"),
    };
    if let Some(why) = window.obstacle {
        return inconclusive(why.to_owned());
    }
    if let Err(why) = window.read(reading) {
        return inconclusive(why);
    }
    let few = ours.len().min(theirs.len());
    if u32::try_from(few).is_ok_and(|few| few < compare.min_samples) {
        let (ours, theirs, needed) = (ours.len(), theirs.len(), compare.min_samples);
        return inconclusive(format!(
            "{ours} samples of the candidate and {theirs} of stable; {needed} of each are needed"
        ));
    }
    let Some(test) = mann_whitney(&ours, &theirs) else {
        return inconclusive("the samples can't be compared".to_owned());
    };
    let p = test.p_one_sided_greater;
    let (verdict, words) = if p < compare.significance {
        (Verdict::Fail, "worse than stable")
    } else {
        (Verdict::Pass, "not worse than stable")
    };
    let reason = format!("{name} is {words} (p = {p:.4})");
    Measurement {
        metric: name.to_owned(),
        value: Some(p),
        bound,
        verdict,
        reason,
    }
}

/// The verdict of all measurements, and the reasons of those that decided it.
fn conclude(measurements: &[Measurement]) -> (Verdict, String) {
    if measurements.is_empty() {
        let reason = "nothing is measured, so nothing can pass: no metric and no condition".to_owned();
        return (Verdict::Inconclusive, reason);
    }
    let verdict = measurements
        .iter()
        .fold(Verdict::Pass, |verdict, one| verdict.and(one.verdict));
    let mut reasons: Vec<&str> = Vec::new();
    for one in measurements.iter().filter(|one| one.verdict == verdict) {
        // Metric and condition often say the same of the same data.
        if !reasons.contains(&one.reason.as_str()) {
            reasons.push(&one.reason);
        }
    }
    (verdict, reasons.join("; "))
}

#[cfg(test)]
#[path = "assess_tests.rs"]
mod tests;
