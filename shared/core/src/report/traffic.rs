//! How traffic moved, what was measured meanwhile, and what was concluded.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Source;
use super::page::{Block, Cell, Plot, Point, Section, Table, when};
use crate::analysis::{Check, Comparison, KnownMetric, Unit, Verdict};
use crate::deployment::Kind;
use crate::event::Event;
use crate::ids::Weight;
use crate::messages::text::{clean, duration};
use crate::spec::{Analysis, Spec, Strategy};

pub(super) fn section(source: Source<'_>) -> Option<Section> {
    let moved = source.journal.iter().any(|entry| {
        matches!(
            entry.event,
            Event::WeightReached { .. } | Event::TrafficReturned { .. }
        )
    });
    if !moved {
        return None;
    }
    let mut blocks = vec![Block::Plot(Box::new(weights(source)))];
    let steps = steps(source);
    if !steps.is_empty() {
        blocks.push(Block::Table(table(&steps)));
    }
    blocks.extend(
        metrics(source)
            .into_iter()
            .map(|plot| Block::Plot(Box::new(plot))),
    );
    Some(Section {
        heading: "Traffic and verdicts",
        blocks,
    })
}

/// From the request to the last entry.
fn span(source: Source<'_>) -> (Timestamp, Timestamp) {
    let from = source.deployment.requested_at;
    let until = source.journal.last().map_or(from, |entry| entry.at);
    (from, until)
}

fn percent(weight: Weight) -> f64 {
    f64::from(weight.percent())
}

/// The candidate's weight, with a mark for each check.
fn weights(source: Source<'_>) -> Plot {
    let (from, until) = span(source);
    let mut value = match source.deployment.kind {
        Kind::Forward | Kind::Contract { .. } => 0.0,
        Kind::Reversal { .. } => 100.0,
    };
    let mut points = vec![Point {
        at: from,
        value,
        verdict: None,
    }];
    let mut said = Vec::new();
    for entry in source.journal {
        let (mut at, mut verdict) = (entry.at, None);
        if let Event::WeightReached { weight, .. } = &entry.event {
            value = percent(*weight);
            said.push(format!("{weight} at {}", entry.at.strftime("%H:%M")));
        } else if matches!(entry.event, Event::TrafficReturned { .. }) {
            value = 0.0;
            said.push(format!("0 % at {}", entry.at.strftime("%H:%M")));
        } else if let Event::Checked { check, .. } = &entry.event {
            // Several can be written down at one time; each belongs where its window ends.
            (at, verdict) = (check.until, Some(check.verdict));
        } else {
            continue;
        }
        points.push(Point { at, value, verdict });
    }
    points.push(Point {
        at: until,
        value,
        verdict: None,
    });
    Plot {
        title: "Candidate's share of the traffic".to_owned(),
        said: format!("The candidate had {}.", said.join(", then ")),
        from,
        until,
        unit: Unit::Percent,
        steps: true,
        points,
        bounds: Vec::new(),
        events: stops(source),
    }
}

/// When it was stopped.
fn stops(source: Source<'_>) -> Vec<(Timestamp, &'static str)> {
    let stop = source.journal.iter().find(|entry| {
        matches!(
            entry.event,
            Event::AbortRequested { .. } | Event::RollbackStarted { .. }
        )
    });
    stop.map(|entry| (entry.at, "stop")).into_iter().collect()
}

/// One weight and how it was watched.
struct Watched {
    step: usize,
    weight: Weight,
    from: Timestamp,
    until: Timestamp,
    passed: u32,
    failed: u32,
    inconclusive: u32,
}

fn steps(source: Source<'_>) -> Vec<Watched> {
    let mut steps: Vec<Watched> = Vec::new();
    let mut open = false;
    for entry in source.journal {
        if let (true, Some(last)) = (open, steps.last_mut()) {
            last.until = entry.at;
        }
        if let Event::WeightReached { step, weight } = &entry.event {
            open = true;
            steps.push(Watched {
                step: *step,
                weight: *weight,
                from: entry.at,
                until: entry.at,
                passed: 0,
                failed: 0,
                inconclusive: 0,
            });
        } else if let (Event::Checked { check, .. }, Some(last)) = (&entry.event, steps.last_mut()) {
            let count = match check.verdict {
                Verdict::Pass => &mut last.passed,
                Verdict::Fail => &mut last.failed,
                Verdict::Inconclusive => &mut last.inconclusive,
            };
            *count += 1;
        } else if !matches!(entry.event, Event::Waiting { .. }) {
            open = false;
        }
    }
    steps
}

fn table(steps: &[Watched]) -> Table {
    let rows = steps
        .iter()
        .map(|one| {
            vec![
                Cell::Text((one.step + 1).to_string()),
                Cell::Text(one.weight.to_string()),
                Cell::Text(when(one.from)),
                Cell::Text(duration(one.until.duration_since(one.from).as_secs())),
                Cell::Text(one.passed.to_string()),
                Cell::Text(one.failed.to_string()),
                Cell::Text(one.inconclusive.to_string()),
            ]
        })
        .collect();
    Table {
        head: vec![
            "Step",
            "Weight",
            "Reached",
            "Watched",
            "Pass",
            "Fail",
            "Inconclusive",
        ],
        rows,
    }
}

/// A plot for each metric that has values, in the file's order.
fn metrics(source: Source<'_>) -> Vec<Plot> {
    let spec = &source.deployment.spec;
    let (from, until) = span(source);
    let mut names: Vec<&str> = Vec::new();
    let mut values: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    for entry in source.journal {
        let Event::Checked { check, .. } = &entry.event else {
            continue;
        };
        for (name, point) in readings(check, spec) {
            if !names.contains(&name) {
                names.push(name);
            }
            values.entry(name).or_default().push(point);
        }
    }
    names
        .into_iter()
        .filter_map(|name| {
            let unit = KnownMetric::named(name).map_or(Unit::Count, KnownMetric::unit);
            let points = values.remove(name)?;
            let bounds = bounds(name, spec);
            Some(Plot {
                title: clean(&name.replace('_', " ")),
                said: said(&points, unit, &bounds),
                from,
                until,
                unit,
                steps: false,
                points,
                bounds,
                events: stops(source),
            })
        })
        .collect()
}

/// The values of a check, each metric once, with the worst verdict of all that looked at it.
///
/// A check lists metrics, then comparisons with stable (whose value is a probability), then
/// conditions.
fn readings<'a>(check: &'a Check, spec: &Spec) -> Vec<(&'a str, Point)> {
    let rules = analysis(spec);
    let own = rules.map_or(0, |rules| rules.metrics.len());
    let compared = rules
        .and_then(|rules| rules.compare.as_ref())
        .map_or(0, |compare| compare.metrics.len());
    let mut found: Vec<(&str, Point)> = Vec::new();
    for (index, one) in check.measurements.iter().enumerate() {
        if (own..own + compared).contains(&index) {
            continue;
        }
        let Some(value) = one.value.filter(|value| value.is_finite()) else {
            continue;
        };
        match found.iter_mut().find(|(name, _)| *name == one.metric) {
            Some((_, point)) => point.verdict = point.verdict.map(|verdict| verdict.and(one.verdict)),
            None => found.push((
                &one.metric,
                Point {
                    at: check.until,
                    value,
                    verdict: Some(one.verdict),
                },
            )),
        }
    }
    found
}

const fn analysis(spec: &Spec) -> Option<&Analysis> {
    match &spec.strategy {
        Strategy::Canary(steps) | Strategy::Linear(steps) => steps.analysis.as_ref(),
        Strategy::Recreate | Strategy::Rolling | Strategy::BlueGreen(_) => None,
    }
}

/// What the file asks of a metric.
fn bounds(name: &str, spec: &Spec) -> Vec<(f64, String)> {
    let unit = KnownMetric::named(name).map_or(Unit::Count, KnownMetric::unit);
    let mut bounds = Vec::new();
    let rules = analysis(spec).map_or(&[][..], |rules| rules.metrics.as_slice());
    for rule in rules.iter().filter(|rule| rule.name == name) {
        bounds.extend(rule.max.map(|max| (max, format!("at most {}", unit.show(max)))));
        bounds.extend(rule.min.map(|min| (min, format!("at least {}", unit.show(min)))));
    }
    for one in &spec.auto_rollback.conditions {
        if one.metric().as_str() == name {
            let value = one.threshold().value();
            let sign: Comparison = one.comparison();
            bounds.push((
                value,
                format!("back where {} {}", sign.as_str(), unit.show(value)),
            ));
        }
    }
    bounds
}

fn said(points: &[Point], unit: Unit, bounds: &[(f64, String)]) -> String {
    let values = points.iter().map(|point| point.value);
    let (low, high) = (
        values.clone().fold(f64::INFINITY, f64::min),
        values.fold(f64::NEG_INFINITY, f64::max),
    );
    let failed = points
        .iter()
        .filter(|point| point.verdict == Some(Verdict::Fail))
        .count();
    let bounds: Vec<&str> = bounds.iter().map(|(_, name)| name.as_str()).collect();
    let asked = if bounds.is_empty() {
        "no bound".to_owned()
    } else {
        bounds.join(", ")
    };
    format!(
        "{} measured, {} to {}, {failed} failed ({asked}).",
        points.len(),
        unit.show(low),
        unit.show(high)
    )
}
