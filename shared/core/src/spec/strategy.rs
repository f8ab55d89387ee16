//! The strategy with its section: steps, switch and analysis.

use std::collections::BTreeMap;

use super::build::{distinct, duplicate, needs_load_balancer, with_section};
use super::fields::{Fields, Items};
use super::model::{Analysis, BlueGreen, Compare, Metric, MetricRule, Step, Steps, Strategy};
use super::nearest::nearest;
use super::problem::{Draft, ProblemCode, Problems, Span};
use super::table;
use crate::analysis::{KnownMetric, Unit};
use crate::ids::Weight;

/// The sections that belong to one strategy each.
const SECTIONS: [(&str, &str); 3] = [
    ("canary", "canary"),
    ("linear", "linear"),
    ("trafficSwitch", "bluegreen"),
];

/// No more steps than this, so that a rollout stays far below the history limit of Step Functions.
const MAX_STEPS: u32 = 50;

pub(super) fn build(fields: &Fields, problems: &mut Problems) -> Option<Strategy> {
    let strategy = fields.text("strategy")?;
    refuse_other_sections(fields, strategy, problems);
    match strategy {
        "canary" => canary(fields, problems).map(Strategy::Canary),
        "linear" => linear(fields, problems).map(Strategy::Linear),
        "bluegreen" => blue_green(fields, problems).map(Strategy::BlueGreen),
        "rolling" => Some(Strategy::Rolling),
        "recreate" => Some(Strategy::Recreate),
        // The table knows these five words only.
        _ => None,
    }
}

fn refuse_other_sections(fields: &Fields, strategy: &str, problems: &mut Problems) {
    for (section, owner) in SECTIONS {
        if owner == strategy || !fields.is_given(section) {
            continue;
        }
        let message = format!("`{section}` does not fit `strategy: {strategy}`");
        let draft = Draft::new(ProblemCode::SectionDoesNotFit, fields.key_span(section), message)
            .also(fields.value_span("strategy"), "the strategy")
            .help(format!("remove `{section}`, or write `strategy: {owner}`"));
        problems.push(draft);
    }
}

/// The section of the strategy; a file without it is told so.
fn required<'a>(fields: &'a Fields, key: &str, keys: &str, problems: &mut Problems) -> Option<&'a Fields> {
    let section = fields.section(key);
    if section.is_none() && !fields.is_given(key) {
        let span = fields.value_span("strategy");
        let message = format!("`strategy: {key}` needs a section `{key}`");
        let draft = Draft::new(ProblemCode::MissingKey, span, message);
        problems.push(draft.help(format!("add `{key}:` with {keys}")));
    }
    section
}

fn canary(fields: &Fields, problems: &mut Problems) -> Option<Steps> {
    let section = required(
        fields,
        "canary",
        "`steps`, a list of `weight` and `pause`",
        problems,
    )?;
    let items = section.list("steps");
    let steps = items.and_then(|items| steps(items, problems));
    let analysis = analysis(fields, section, "canary", problems);
    Some(Steps {
        steps: steps?,
        analysis: analysis?,
    })
}

fn steps(items: &Items, problems: &mut Problems) -> Option<Vec<Step>> {
    let mut steps: Vec<(Span, Step)> = Vec::new();
    for section in items.sections() {
        let weight = section
            .whole("weight")
            .and_then(|weight| u8::try_from(weight).ok());
        let Some(weight) = weight.and_then(Weight::new) else {
            continue;
        };
        let Some(bake_seconds) = section.whole("pause") else {
            continue;
        };
        let span = section.value_span("weight");
        if let Some((before, previous)) = steps.last()
            && weight <= previous.weight
        {
            let (now, then) = (weight.percent(), previous.weight.percent());
            let how = if now == then { "repeats" } else { "falls below" };
            let message = format!("the weight {now} {how} the one before it, {then}");
            let draft = Draft::new(ProblemCode::WeightNotRising, span, message);
            problems.push(draft.also(*before, "the step before").help(rising_help(then)));
        }
        steps.push((span, Step { weight, bake_seconds }));
    }
    if !items.complete || steps.len() < items.items.len() {
        return None;
    }
    if let Some((span, last)) = steps.last()
        && last.weight < Weight::FULL
    {
        let message = format!("the last step ends at {} %, not at 100 %", last.weight.percent());
        let draft = Draft::new(ProblemCode::WeightsIncomplete, *span, message);
        problems.push(draft.help("add a last step `- weight: 100`"));
    }
    Some(steps.into_iter().map(|(_, step)| step).collect())
}

fn rising_help(before: u8) -> String {
    if before >= 100 {
        "100 is the last step; remove what comes after it".to_owned()
    } else {
        format!("write a weight from {} to 100", before + 1)
    }
}

fn linear(fields: &Fields, problems: &mut Problems) -> Option<Steps> {
    let section = required(fields, "linear", "`increment` and `pause`", problems)?;
    let analysis = analysis(fields, section, "linear", problems);
    let (increment, bake_seconds) = (section.whole("increment")?, section.whole("pause")?);
    let count = 100_u32.div_ceil(increment.max(1));
    if count > MAX_STEPS {
        let message = format!("an increment of {increment} makes {count} steps; {MAX_STEPS} are possible");
        let draft = Draft::new(ProblemCode::OutOfRange, section.value_span("increment"), message);
        problems.push(draft.help("write `increment: 2` or more"));
    }
    let steps = (1..=count)
        .filter_map(|index| {
            let percent = u8::try_from((increment * index).min(100)).ok()?;
            let weight = Weight::new(percent)?;
            // The last step is watched by the analysis of completion, as in a canary without a pause.
            let bake_seconds = if index == count { 0 } else { bake_seconds };
            Some(Step { weight, bake_seconds })
        })
        .collect();
    Some(Steps {
        steps,
        analysis: analysis?,
    })
}

fn blue_green(fields: &Fields, problems: &mut Problems) -> Option<BlueGreen> {
    let read = |section: &Fields| {
        let analysis = analysis(fields, section, "trafficSwitch", problems);
        Some(BlueGreen {
            test_duration_seconds: section.whole("testDuration")?,
            rollback_on_error: section.flag("rollbackOnError")?,
            analysis: analysis?,
        })
    };
    with_section(fields, &table::TARGET, "trafficSwitch", read)?
}

/// The analysis of a section: `None` where it was refused, `Some(None)` where there is none.
fn analysis(
    fields: &Fields,
    parent: &Fields,
    parent_name: &str,
    problems: &mut Problems,
) -> Option<Option<Analysis>> {
    let Some(section) = parent.section("analysis") else {
        let refused = parent.is_given("analysis");
        let watched = fields
            .section("autoRollback")
            .is_some_and(|rollback| rollback.is_given("conditions") || rollback.is_given("alarms"));
        if !refused && !watched {
            problems.push(measures_nothing(fields, parent_name));
        }
        return if refused { None } else { Some(None) };
    };
    let load_balancer = fields.flag("loadBalancer") != Some(false);
    let metrics = metrics(section, load_balancer, problems);
    let compare = section
        .section("compare")
        .map(|compare| comparison(compare, &metrics, problems));
    Some(Some(Analysis {
        interval_seconds: section.whole("interval")?,
        threshold: section.whole("threshold")?,
        min_requests: min_requests(section, load_balancer, problems)?,
        freshness_seconds: section.whole("freshness")?,
        inconclusive_limit: section.whole("inconclusiveLimit")?,
        metrics: metrics.into_iter().map(|(_, rule)| rule).collect(),
        compare: match compare {
            Some(compare) => Some(compare?),
            None => None,
        },
    }))
}

fn measures_nothing(fields: &Fields, parent_name: &str) -> Draft {
    let message = "nothing is measured while traffic moves to the new revision";
    Draft::new(
        ProblemCode::MeasuresNothing,
        fields.value_span("strategy"),
        message,
    )
    .help(format!(
        "add `analysis` to `{parent_name}`, or conditions or alarms to `autoRollback`"
    ))
    .warning()
}

/// Requests that a check needs where the file does not say.
const DEFAULT_MIN_REQUESTS: u32 = 10;

fn min_requests(section: &Fields, load_balancer: bool, problems: &mut Problems) -> Option<u32> {
    let Some(count) = section.whole("minRequests") else {
        let default = if load_balancer { DEFAULT_MIN_REQUESTS } else { 0 };
        return (!section.is_given("minRequests")).then_some(default);
    };
    if count > 0 && !load_balancer {
        problems.push(needs_load_balancer(
            section.value_span("minRequests"),
            "minRequests",
        ));
    }
    Some(count)
}

fn metrics(section: &Fields, load_balancer: bool, problems: &mut Problems) -> Vec<(Span, MetricRule)> {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut rules = Vec::new();
    for item in section.list("metrics").into_iter().flat_map(Items::sections) {
        let Some(name) = item.text("name") else { continue };
        let span = item.value_span("name");
        if let Some(first) = seen.insert(name.to_owned(), span) {
            problems.push(duplicate(span, first, &format!("the metric `{name}`")));
        }
        let Some(metric) = metric(item, name, problems) else {
            continue;
        };
        if !load_balancer && !matches!(metric, Metric::Expression(_)) {
            problems.push(needs_load_balancer(span, name));
        }
        let (min, max) = (item.number("min"), item.number("max"));
        check_bounds(item, &metric, (name, min, max), problems);
        rules.push((
            span,
            MetricRule {
                name: name.to_owned(),
                metric,
                max,
                min,
            },
        ));
    }
    rules
}

fn metric(item: &Fields, name: &str, problems: &mut Problems) -> Option<Metric> {
    if let Some(expression) = item.text("expression") {
        check_placeholders(expression, item.value_span("expression"), problems);
        return Some(Metric::Expression(expression.to_owned()));
    }
    if item.is_given("expression") {
        return None;
    }
    if let Some(known) = KnownMetric::named(name) {
        return Some(known.into());
    }
    let names = KnownMetric::ALL.map(KnownMetric::as_str);
    let help = match nearest(name, names) {
        Some(meant) => format!("did you mean `{meant}`? any other metric needs an `expression`"),
        None => format!("add an `expression`, or use one of {}", names.join(", ")),
    };
    let message = format!("`{name}` is not a metric that Tidegate can measure by itself");
    problems.push(Draft::new(ProblemCode::UnknownMetric, item.value_span("name"), message).help(help));
    None
}

/// What is filled in for each slot.
const PLACEHOLDERS: [&str; 5] = ["targetGroup", "loadBalancer", "slot", "ecsService", "cluster"];

fn check_placeholders(expression: &str, span: Span, problems: &mut Problems) {
    for part in expression.split("${").skip(1) {
        let name = part.split_once('}').map(|(name, _)| name);
        if name.is_some_and(|name| PLACEHOLDERS.contains(&name)) {
            continue;
        }
        let shown = super::scalar::shortened(name.unwrap_or(part));
        let message = format!("`${{{shown}}}` can't be filled in");
        let meant = name.and_then(|name| nearest(name, PLACEHOLDERS));
        let help = match meant {
            Some(meant) => format!("did you mean `${{{meant}}}`?"),
            None => format!("these can: ${{{}}}", PLACEHOLDERS.join("}, ${")),
        };
        problems.push(Draft::new(ProblemCode::InvalidText, span, message).help(help));
    }
}

fn check_bounds(
    item: &Fields,
    metric: &Metric,
    (name, min, max): (&str, Option<f64>, Option<f64>),
    problems: &mut Problems,
) {
    if min.is_none() && max.is_none() && !item.is_given("min") && !item.is_given("max") {
        let message = format!("the metric `{name}` has no bound");
        let draft = Draft::new(ProblemCode::MissingKey, item.value_span("name"), message);
        problems.push(draft.help("add `max:`, `min:` or both"));
    }
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        let message = format!("the metric `{name}` can't be at least {low} and at most {high}");
        let draft = Draft::new(ProblemCode::Contradiction, item.value_span("min"), message);
        problems.push(
            draft
                .also(item.value_span("max"), "the maximum")
                .help("`min` must be below `max`"),
        );
    }
    let most = match metric.known().map(KnownMetric::unit) {
        Some(Unit::Percent) => 100.0,
        Some(Unit::Milliseconds | Unit::Count) => f64::MAX,
        None => return,
    };
    for (key, bound) in [("min", min), ("max", max)] {
        let Some(bound) = bound.filter(|bound| !(0.0..=most).contains(bound)) else {
            continue;
        };
        let message = format!("`{key}` is {bound}, which `{name}` can't be");
        let help = if most < f64::MAX {
            "a percentage is between 0 and 100"
        } else {
            "it is never below 0"
        };
        problems.push(Draft::new(ProblemCode::OutOfRange, item.value_span(key), message).help(help));
    }
}

fn comparison(section: &Fields, rules: &[(Span, MetricRule)], problems: &mut Problems) -> Option<Compare> {
    let items = section.list("metrics")?;
    for (span, name) in items.texts() {
        let custom = rules
            .iter()
            .any(|(_, rule)| rule.name == name && matches!(rule.metric, Metric::Expression(_)));
        match KnownMetric::named(name) {
            _ if custom => {}
            Some(known) if known.higher_is_worse() => {}
            Some(_) => {
                let message = format!("`{name}` can't be compared: a higher value of it is a better one");
                let help = "compare `error_rate` or `latency_p99`";
                problems.push(Draft::new(ProblemCode::UnknownMetric, span, message).help(help));
            }
            None => {
                let message = format!("`{name}` is not measured, so it can't be compared");
                let names = rules.iter().map(|(_, rule)| rule.name.as_str());
                let known = KnownMetric::ALL.map(KnownMetric::as_str);
                let help = match nearest(name, names.chain(known)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "add it to `metrics` with an `expression`".to_owned(),
                };
                problems.push(Draft::new(ProblemCode::UnknownMetric, span, message).help(help));
            }
        }
    }
    Some(Compare {
        metrics: distinct(items, "metric", problems),
        significance: section.number("significance")?,
        min_samples: section.whole("minSamples")?,
    })
}
