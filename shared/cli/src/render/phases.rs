//! The tree of phases: how far a deployment is, and what it does right now.

use jiff::Timestamp;
use tidegate_core::analysis::Verdict;
use tidegate_core::deployment::{Deployment, Phase, Plan, Rollback, Stage, Traffic};
use tidegate_core::exit::ExitState;
use tidegate_core::http::HttpMoment;
use tidegate_core::spec::{Analysis, Step, Strategy, SuiteName};
use tidegate_core::watch::Watching;

use super::words::{bar, clean, count, duration, seconds_between};
use super::{Paint, changes, gates};

/// How a phase stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Done,
    Underway,
    Failed,
    NotBegun,
}

impl Mark {
    /// The mark. All take two columns, so that what follows lines up.
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Done => "✅",
            Self::Underway => "⏳",
            Self::Failed => "❌",
            Self::NotBegun => "· ",
        }
    }
}

/// What stands under a phase is indented this far.
const INDENT: &str = "   ";

/// The whole tree, with the gates before their phases.
pub(super) fn tree(deployment: &Deployment, now: Timestamp, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    if !deployment.kind.is_reversal() {
        let (reached, mark) = stand(deployment);
        for phase in deployment.phases() {
            let mark = match phase.cmp(&reached) {
                _ if mark == Mark::Done => Mark::Done,
                std::cmp::Ordering::Less => Mark::Done,
                // A phase whose gate holds has been entered, but has done nothing.
                std::cmp::Ordering::Equal if gates::holds(deployment, phase) => Mark::NotBegun,
                std::cmp::Ordering::Equal => mark,
                std::cmp::Ordering::Greater => Mark::NotBegun,
            };
            lines.extend(gates::before(deployment, phase, now, paint));
            lines.push(heading(mark, phase, &about(deployment, phase, mark), paint));
            lines.extend(changes::of_phase(deployment, phase, now));
            if phase == Phase::Shift && mark != Mark::NotBegun {
                lines.extend(shift(deployment, mark, now, paint));
            }
            if phase == Phase::Validate || (phase == Phase::Shift && mark == Mark::Underway) {
                lines.extend(security(deployment, phase));
                lines.extend(cost(deployment, phase));
                lines.extend(pages(deployment, phase));
                lines.extend(suites(deployment, phase, now));
                lines.extend(performance(deployment, phase));
            }
        }
    }
    lines.extend(watch(deployment, now));
    lines.extend(rollback(deployment, now, paint));
    lines
}

/// The forward phase that was reached, and how it stands.
fn stand(deployment: &Deployment) -> (Phase, Mark) {
    let stopped = deployment.abort.is_some() || deployment.rollback.is_some();
    let mark = match deployment.exit.as_ref().map(|exit| exit.state) {
        Some(ExitState::Completed) => Mark::Done,
        Some(ExitState::Blocked | ExitState::Aborted | ExitState::RolledBack | ExitState::RollbackFailed) => {
            Mark::Failed
        }
        None if stopped => Mark::Failed,
        None => Mark::Underway,
    };
    let reached = match deployment.phase {
        // The head no longer says where the forward path was left, but what it had done by then does.
        Phase::Rollback if deployment.plan.is_none() => Phase::Plan,
        Phase::Rollback if deployment.revision.task_definition.is_none() => Phase::Prepare,
        Phase::Rollback if deployment.shift.stage == Stage::Done => Phase::Validate,
        Phase::Rollback => stopped_before(deployment).unwrap_or(Phase::Shift),
        Phase::Plan
        | Phase::Prepare
        | Phase::Migrate
        | Phase::Infrastructure
        | Phase::Configure
        | Phase::Monitoring
        | Phase::Shift
        | Phase::Validate
        | Phase::Complete => deployment.phase,
    };
    (reached, mark)
}

/// The phase of the last change that was begun, where the shift never was.
fn stopped_before(deployment: &Deployment) -> Option<Phase> {
    let shifted = deployment.shift.since > deployment.requested_at;
    deployment.last_changing().filter(|_| !shifted)
}

fn heading(mark: Mark, phase: Phase, about: &str, paint: Paint) -> String {
    let width = if about.is_empty() { 0 } else { 9 };
    let name = format!("{:<width$}", phase.as_str());
    let name = match mark {
        Mark::Done => name,
        Mark::Underway => paint.bold(&name),
        Mark::Failed => paint.bad(&name),
        Mark::NotBegun => paint.dim(&name),
    };
    format!("{} {name} {about}", mark.symbol()).trim_end().to_owned()
}

/// What a phase found or made, on its own line.
fn about(deployment: &Deployment, phase: Phase, mark: Mark) -> String {
    if mark == Mark::NotBegun {
        return String::new();
    }
    match phase {
        Phase::Plan => deployment.plan.as_deref().map(plan_words).unwrap_or_default(),
        Phase::Prepare => {
            let arn = deployment.revision.task_definition.as_deref().unwrap_or_default();
            clean(arn.rsplit('/').next().unwrap_or(arn))
        }
        Phase::Migrate
        | Phase::Infrastructure
        | Phase::Configure
        | Phase::Monitoring
        | Phase::Shift
        | Phase::Validate
        | Phase::Complete
        | Phase::Rollback => String::new(),
    }
}

fn plan_words(plan: &Plan) -> String {
    let seconds = i64::try_from(plan.expected_seconds).unwrap_or(i64::MAX);
    format!(
        "{} % in {}, {} watched, about {}, plan {}",
        plan.weights(),
        plan.candidate,
        count(plan.alarms.len(), "alarm"),
        duration(seconds),
        plan.hash.short()
    )
}

fn shift(deployment: &Deployment, mark: Mark, now: Timestamp, paint: Paint) -> Vec<String> {
    let Some(plan) = &deployment.plan else {
        return Vec::new();
    };
    let weight = deployment.shift.weight;
    let mut lines = vec![
        format!("{INDENT}{} {weight}", bar(weight)),
        format!("{INDENT}{}", steps(deployment, plan, mark)),
    ];
    let step = plan.steps.get(deployment.shift.step);
    if let Some(step) = step.filter(|_| mark == Mark::Underway) {
        lines.push(format!("{INDENT}{}", paint.bold(&doing(deployment, *step, now))));
    }
    lines.extend(verdicts(deployment).map(|line| format!("{INDENT}{line}")));
    lines
}

/// Every step with its mark: `✅ 5 %  ⏳ 25 %  ·  50 %  ·  100 %`.
fn steps(deployment: &Deployment, plan: &Plan, mark: Mark) -> String {
    let at = deployment.shift.step;
    let over = deployment.shift.stage == Stage::Done;
    let words = plan.steps.iter().enumerate().map(|(index, step)| {
        let mark = if over || index < at {
            Mark::Done
        } else if index == at {
            mark
        } else {
            Mark::NotBegun
        };
        format!("{} {}", mark.symbol(), step.weight)
    });
    words.collect::<Vec<_>>().join("  ")
}

/// What is being done for the step, with the time left where it is known.
fn doing(deployment: &Deployment, step: Step, now: Timestamp) -> String {
    let number = deployment.shift.step + 1;
    let passed = seconds_between(deployment.shift.since, now);
    match deployment.shift.stage {
        Stage::Scaling => format!(
            "step {number}: tasks start for {} ({})",
            step.weight,
            duration(passed)
        ),
        Stage::Testing => {
            format!(
                "step {number}: the candidate is tested without production traffic ({})",
                duration(passed)
            )
        }
        Stage::Raising => format!(
            "step {number}: the weight is set to {} and read back",
            step.weight
        ),
        Stage::Baking => match i64::from(step.bake_seconds) - passed {
            left if left > 0 => format!(
                "step {number}: bakes at {}, {} of {} left",
                step.weight,
                duration(left),
                duration(step.bake_seconds.into())
            ),
            _ => format!(
                "step {number}: bake at {} is over, waiting for the last check",
                step.weight
            ),
        },
        Stage::Done => "all steps are done".to_owned(),
    }
}

/// The counters of the bake, against their limits.
fn verdicts(deployment: &Deployment) -> Option<String> {
    let bake = &deployment.shift.bake;
    let analysis = analysis_of(&deployment.spec.strategy)?;
    if deployment.shift.stage != Stage::Baking && bake.passed + bake.failed + bake.inconclusive == 0 {
        return None;
    }
    Some(format!(
        "checks: {} passed, {} failed (limit {}), {} inconclusive in a row (limit {})",
        bake.passed, bake.failed, analysis.threshold, bake.inconclusive, analysis.inconclusive_limit
    ))
}

const fn analysis_of(strategy: &Strategy) -> Option<&Analysis> {
    match strategy {
        Strategy::Recreate | Strategy::Rolling => None,
        Strategy::BlueGreen(bluegreen) => bluegreen.analysis.as_ref(),
        Strategy::Canary(steps) | Strategy::Linear(steps) => steps.analysis.as_ref(),
    }
}

/// What was found of its security, where that was looked at: in the shift where there is a time before
/// traffic, in validate otherwise.
fn security(deployment: &Deployment, phase: Phase) -> Vec<String> {
    let two_slots = deployment
        .plan
        .as_ref()
        .is_some_and(|plan| matches!(plan.traffic, Traffic::Weighted | Traffic::Tasks));
    let place = if two_slots { Phase::Shift } else { Phase::Validate };
    let found = deployment.security.as_ref().filter(|_| phase == place);
    let Some(findings) = found else {
        return Vec::new();
    };
    if findings.is_empty() {
        return vec![format!("{INDENT}✅ security: nothing was found")];
    }
    let lines = findings.iter();
    lines
        .map(|one| format!("{INDENT}❌ security: {}", clean(&one.what)))
        .collect()
}

/// The HTTP tests of a phase that were tried.
fn pages(deployment: &Deployment, phase: Phase) -> Vec<String> {
    let Some(moment) = HttpMoment::of(phase) else {
        return Vec::new();
    };
    let tests = deployment.http_tests(moment);
    let tried = tests.filter_map(|test| Some((test, &deployment.http.get(&test.name)?.last)));
    tried
        .map(|(test, last)| {
            let over = deployment.http_next(test).is_none();
            let mark = match (last.passed(), over) {
                (true, _) => "✅",
                (false, true) => "❌",
                (false, false) => "⏳",
            };
            format!("{INDENT}{mark} {}", clean(&last.describe(&test.name)))
        })
        .collect()
}

/// The watch over a completed deployment.
fn watch(deployment: &Deployment, now: Timestamp) -> Vec<String> {
    let completed = deployment
        .exit
        .as_ref()
        .filter(|exit| exit.state == ExitState::Completed);
    let (Some(exit), Some(rule)) = (completed, &deployment.spec.watch) else {
        return Vec::new();
    };
    let watched = deployment.watched.as_ref();
    let mut lines: Vec<String> = watched
        .into_iter()
        .flat_map(|watched| &watched.alarms)
        .map(|alarm| format!("{INDENT}⚠️ alarm {} fired while it was watched", clean(alarm)))
        .collect();
    let until = Watching::of(deployment, rule, exit.at).until;
    lines.push(
        match watched.and_then(|watched| watched.ended_at.map(|_| &watched.trend)) {
            Some(Some(trend)) => format!("{INDENT}✅ watch over: {}", trend.describe()),
            Some(None) => format!("{INDENT}watch over"),
            None => format!(
                "{INDENT}👀 watched for another {}",
                duration(seconds_between(now, until))
            ),
        },
    );
    let billed = watched.and_then(|watched| watched.cost.as_ref());
    lines.extend(billed.map(|billed| {
        let mark = if billed.is_unusual() { "⚠️ " } else { "" };
        format!("{INDENT}{mark}cost: {}", clean(&billed.describe()))
    }));
    lines
}

/// What the tasks that run cost.
fn cost(deployment: &Deployment, phase: Phase) -> Option<String> {
    let check = deployment.cost.as_ref().filter(|_| phase == Phase::Validate)?;
    let mark = match check.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "⚠️",
    };
    Some(format!("{INDENT}{mark} cost: {}", clean(&check.reason)))
}

/// What performance was measured as.
fn performance(deployment: &Deployment, phase: Phase) -> Option<String> {
    let check = deployment
        .performance
        .as_ref()
        .filter(|_| phase == Phase::Validate)?;
    let mark = if check.verdict == Verdict::Pass {
        "✅"
    } else {
        "❌"
    };
    Some(format!("{INDENT}{mark} performance: {}", clean(&check.reason)))
}

/// The suites that were started in a phase: `smoke` while the weight shifts, the others afterwards.
fn suites(deployment: &Deployment, phase: Phase, now: Timestamp) -> Vec<String> {
    let of_phase = |name: &str| (name == "smoke") == (phase == Phase::Shift);
    let started = deployment
        .suites_started
        .iter()
        .filter(|(suite, _)| of_phase(&suite.0));
    started
        .flat_map(|(suite, since)| {
            let name = clean(&suite.0);
            let line = match deployment.suites.get(suite) {
                None => format!(
                    "{INDENT}⏳ suite {name} runs for {}",
                    duration(seconds_between(*since, now))
                ),
                Some(code) if said(deployment, suite).is_some() => {
                    let mark = if *code == 0 { "✅" } else { "❌" };
                    let said = said(deployment, suite).unwrap_or_default();
                    format!("{INDENT}{mark} suite {name} {}", clean(said))
                }
                Some(0) => format!("{INDENT}✅ suite {name} passed"),
                Some(code) => format!("{INDENT}❌ suite {name} failed with exit code {code}"),
            };
            let log = deployment.suite_logs.get(suite).into_iter().flatten();
            let words = log.map(|line| format!("{INDENT}   | {}", clean(line)));
            std::iter::once(line).chain(words)
        })
        .collect()
}

/// What a suite that is a function came to.
fn said<'a>(deployment: &'a Deployment, suite: &SuiteName) -> Option<&'a str> {
    deployment.suite_calls.get(suite)?.said.as_deref()
}

/// The way back, where there is one.
fn rollback(deployment: &Deployment, now: Timestamp, paint: Paint) -> Vec<String> {
    let reversal = deployment.kind.is_reversal();
    let Some(rollback) = &deployment.rollback else {
        return if reversal && deployment.exit.is_none() {
            vec![heading(
                Mark::Underway,
                Phase::Rollback,
                "is about to begin",
                paint,
            )]
        } else {
            Vec::new()
        };
    };
    let mark = match deployment.exit.as_ref().map(|exit| exit.state) {
        None => Mark::Underway,
        Some(ExitState::RollbackFailed) => Mark::Failed,
        Some(ExitState::Completed | ExitState::Blocked | ExitState::Aborted | ExitState::RolledBack) => {
            Mark::Done
        }
    };
    let mut lines = vec![heading(mark, Phase::Rollback, "", paint)];
    lines.extend(
        way_back(deployment, rollback, now)
            .into_iter()
            .map(|line| format!("{INDENT}{line}")),
    );
    lines
}

fn way_back(deployment: &Deployment, rollback: &Rollback, now: Timestamp) -> Vec<String> {
    let wished_at = deployment
        .abort
        .as_ref()
        .map_or(rollback.started_at, |abort| abort.at);
    let step = |at: Option<Timestamp>, done: &str, open: String| match at {
        Some(at) => format!(
            "✅ {done}, {} after the stop",
            duration(seconds_between(wished_at, at))
        ),
        None if deployment.exit.is_some() => format!("·  {open}"),
        None => format!("⏳ {open}"),
    };
    let quiesce = match rollback.quiesced_at {
        Some(at) if at > now => format!(
            "wait {} until nothing of the old epoch can run",
            duration(seconds_between(now, at))
        ),
        Some(_) | None => "read the weights again".to_owned(),
    };
    vec![
        step(
            rollback.traffic_back_at,
            "all traffic on stable, read back",
            "return all traffic to stable".to_owned(),
        ),
        step(rollback.reasserted_at, "read again: still on stable", quiesce),
        step(
            rollback.scaled_in_at,
            "candidate scaled in",
            "scale the candidate in".to_owned(),
        ),
    ]
}
