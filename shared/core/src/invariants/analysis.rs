//! Alarms, measurements and suites: invariants 9, 10, 17 and 23.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::analysis::{Check, Verdict};
use crate::change::{Change, Monitored};
use crate::deployment::{Plan, Traffic};
use crate::event::Event;
use crate::http::HttpMoment;
use crate::spec::Strategy;

use super::view::{Record, View};

/// A function that read an alarm writes what it concluded within this time.
const FUNCTION_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// 9. An alarm that is already in `ALARM` at the start blocks, or needs a recorded override.
///
/// Sees the alarm's state at the instant of the plan; one that does not exist counts as unreadable, but for
/// one that the plan makes: that has to exist before the first weight.
pub(super) fn firing_alarms_block(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let (Some(at), Some(plan)) = (record.planned_at(), record.plan()) else {
            continue;
        };
        // A reversal goes by the plan of the deployment that it takes back.
        if record.deployment.kind.is_reversal() {
            continue;
        }
        for name in &plan.alarms {
            // One that fires between the look and the write is for the event that it sends.
            let look = at.checked_sub(FUNCTION_TIMEOUT).unwrap_or(at);
            let start = look.max(record.deployment.requested_at);
            let fine = [start, at]
                .iter()
                .any(|instant| view.alarm_at(name, *instant) == Some(false));
            if fine || record.deployment.overrides(&format!("alarm:{name}")) {
                continue;
            }
            if !is_made(plan, name) || view.alarm_at(name, at).is_some() {
                found.push(record.says(format!("it was planned although alarm {name} was not fine")));
                continue;
            }
            let weight = record.first(|event| matches!(event, Event::WeightDecided { .. }));
            if weight.is_some_and(|weight| view.alarm_at(name, weight).is_none()) {
                found.push(record.says(format!("it moved traffic although alarm {name} did not exist")));
            }
        }
    }
    found
}

/// Whether a plan makes an alarm.
fn is_made(plan: &Plan, alarm: &str) -> bool {
    let mut made = plan.changes.iter().filter_map(Change::monitored);
    made.any(|(name, wanted)| match wanted {
        Monitored::Alarm { .. } => name == alarm,
        Monitored::Dashboard { .. } | Monitored::Retention { .. } => false,
    })
}

/// 10. An unreadable alarm, missing data, or fewer samples than the minimum never counts as Pass.
///
/// Sees every check with its measurements: a Pass has at least one, each has a value and passed; and
/// a step with rules is left only after a check that passed. How many requests there really were
/// is in the check's reason only.
pub(super) fn nothing_passes_unmeasured(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let mut passed = false;
        let mut baked = false;
        for entry in &record.journal {
            if let Event::Checked { check, .. } = &entry.event {
                passed = check.verdict == Verdict::Pass;
                if passed && !measured(check) {
                    found.push(record.says(format!("entry {} passed without being measured", entry.seq)));
                }
            } else if let Event::WeightReached { step, .. } = &entry.event {
                passed = false;
                baked = bakes(record, *step);
            } else if matches!(entry.event, Event::ShiftDone | Event::ScalingStarted { .. })
                && baked
                && !passed
            {
                found.push(record.says(format!("entry {} follows a bake that did not pass", entry.seq)));
                baked = false;
            }
        }
    }
    found
}

/// Whether something was measured, and all of it passed.
fn measured(check: &Check) -> bool {
    let all = check
        .measurements
        .iter()
        .all(|one| one.value.is_some() && one.verdict == Verdict::Pass);
    all && !check.measurements.is_empty()
}

/// Whether a step is measured before it is left.
fn bakes(record: &Record, step: usize) -> bool {
    let spec = &record.deployment.spec;
    let rules = match &spec.strategy {
        Strategy::Canary(steps) | Strategy::Linear(steps) => steps.analysis.is_some(),
        Strategy::BlueGreen(bluegreen) => bluegreen.analysis.is_some(),
        Strategy::Recreate | Strategy::Rolling => false,
    };
    let conditions = spec.auto_rollback.enabled && !spec.auto_rollback.conditions.is_empty();
    let bake = record
        .plan()
        .and_then(|plan| plan.steps.get(step))
        .map_or(0, |step| step.bake_seconds);
    bake > 0 && (rules || conditions)
}

/// 17. Superseding or resuming starts analysis from zero.
///
/// Sees that the first check of every bake looks at nothing from before it, and counts from zero.
pub(super) fn starts_from_zero(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let mut began = None;
        for entry in &record.journal {
            if let Event::WeightReached { .. } = &entry.event {
                began = Some(entry.at);
            } else if let Event::Checked {
                check,
                passed,
                failed,
                inconclusive,
            } = &entry.event
            {
                let Some(since) = began.take() else { continue };
                if passed + failed + inconclusive != 1 {
                    found.push(record.says(format!("entry {} counts on from before", entry.seq)));
                }
                if check.from < since {
                    found.push(record.says(format!("entry {} looks at what was before", entry.seq)));
                }
            }
        }
    }
    found
}

/// 23. A candidate whose smoke test failed never gets production weight.
///
/// Sees the suite's end and the decisions after it; where traffic is shared between two slots, the
/// suite and the HTTP tests of that moment must have passed before the first weight. In one ECS service there is no candidate to test
/// before it serves.
pub(super) fn smoke_comes_first(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let shared = matches!(record.traffic(), Some(Traffic::Weighted | Traffic::Tasks));
        let wanted = record
            .deployment
            .spec
            .post_deployment_tests
            .iter()
            .any(|s| s.0 == "smoke");
        let pages = &record.deployment.spec.validate.http;
        let mut unproven: BTreeSet<&str> = pages
            .iter()
            .filter(|test| test.when == HttpMoment::BeforeTraffic)
            .map(|test| test.name.as_str())
            .collect();
        let mut code = None;
        for entry in &record.journal {
            if let Event::SuiteEnded { suite, exit_code, .. } = &entry.event {
                if suite.0 == "smoke" {
                    code = Some(*exit_code);
                }
            } else if let Event::SuiteAnswered { suite, report } = &entry.event {
                if suite.0 == "smoke" {
                    code = Some(report.exit_code());
                }
            } else if let Event::HttpTested { test, tried } = &entry.event {
                if tried.passed() {
                    unproven.remove(test.as_str());
                }
                if tried.number > tried.of {
                    found.push(record.says(format!("entry {} tries {test} too often", entry.seq)));
                }
            } else if let Event::WeightDecided { weight, .. } = &entry.event
                && shared
                && let Some(test) = unproven.first()
            {
                found.push(record.says(format!("{weight} was decided before HTTP test {test} passed")));
            } else if let Event::WeightDecided { weight, .. } = &entry.event
                && wanted
                && shared
                && code != Some(0)
            {
                found.push(record.says(format!("{weight} was decided without a smoke test that passed")));
            }
        }
    }
    found
}
