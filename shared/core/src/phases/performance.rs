//! Performance: what all of the traffic is answered with, over a while, within the file's bounds.

use jiff::Timestamp;

use super::{later, seconds_until};
use crate::analysis::{Check, Verdict, assess};
use crate::decision::Decision;
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::{METRICS_LAG_SECONDS, Observation};
use crate::spec::{Analysis, Metric, MetricRule, Performance};

/// The longest time between two looks, seconds: a person who watches sees it move.
const LONGEST_WAIT_SECONDS: u32 = 900;

/// Data that is too little for a conclusion is waited for so long, seconds.
const PATIENCE_SECONDS: i64 = 900;

/// What to do for the bounds of `validate.performance`; nothing once they were seen to hold.
pub(super) fn run_performance(
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Option<Decision> {
    let bounds = deployment.spec.validate.performance.as_ref()?;
    if let Some(check) = &deployment.performance {
        let failed = check.verdict != Verdict::Pass;
        let reason = || check.reason.clone();
        return failed.then(|| Decision::abort(AbortCause::AnalysisFailed { reason: reason() }));
    }
    let from = deployment.performance_from();
    let whole = later(from, i64::from(bounds.for_seconds) + METRICS_LAG_SECONDS);
    let Some((from, until)) = deployment.performance_window(now) else {
        let seconds = seconds_until(now, whole).min(LONGEST_WAIT_SECONDS);
        return Some(Decision::wait(
            seconds,
            format!("measuring performance until {whole:.0}"),
        ));
    };
    let candidate = deployment.plan.as_ref().map(|plan| plan.candidate)?;
    let samples = observation.samples.get(&candidate).map_or(&[][..], Vec::as_slice);
    let check = assess(&rules(bounds), &[], samples, &[], from, until);
    Some(match check.verdict {
        Verdict::Pass | Verdict::Fail => Decision::record(vec![Event::PerformanceMeasured { check }]),
        Verdict::Inconclusive => inconclusive(&check, whole, now),
    })
}

/// Too little data is no pass, and not waited for without end (invariant 10).
fn inconclusive(check: &Check, whole: Timestamp, now: Timestamp) -> Decision {
    let reason = check.reason.clone();
    if now >= later(whole, PATIENCE_SECONDS) {
        return Decision::abort(AbortCause::AnalysisInconclusive { reason });
    }
    Decision::wait(60, format!("performance can't be judged yet: {reason}"))
}

/// The bounds as the rules that a bake is judged by.
fn rules(bounds: &Performance) -> Analysis {
    let rule = |name: &str, metric, max: Option<f64>| {
        let name = name.to_owned();
        let max = Some(max?);
        Some(MetricRule {
            name,
            metric,
            max,
            min: None,
        })
    };
    let metrics = [
        rule("error_rate", Metric::ErrorRate, bounds.error_rate),
        rule("latency_p99", Metric::LatencyP99, bounds.p99_ms),
    ];
    Analysis {
        metrics: metrics.into_iter().flatten().collect(),
        min_requests: bounds.min_requests,
        ..Analysis::conditions_only()
    }
}
