//! A deployment's journal as a timeline that needs no explanation: one line for each thing that moved.
//!
//! ```text
//! +00:12:30   25 %  ███░░░░░░░  the candidate has 25 % of the traffic
//! ```

use jiff::Timestamp;

use super::cause;
use super::text::{clean, duration, shorten};
use crate::analysis::{Check, KnownMetric, Unit, Verdict};
use crate::change::{ContainerSetting, SettingNow};
use crate::deployment::{HOTFIX, Origin, Phase, Plan};
use crate::event::Event;
use crate::exit::ExitState;
use crate::gates::GateDecision;
use crate::ids::Weight;
use crate::journal::Entry;

/// The longest text of a line, characters: with time and bar it fits 140 columns.
const TEXT_MAX: usize = 110;

/// A wait of at least this long is worth a line of [`lines`], seconds.
const LONG_WAIT_SECONDS: i64 = 300;

/// Blocks of a full bar.
const BAR: usize = 10;

/// One line without colour or newline; nothing where the entry tells a manager nothing.
///
/// Waits have no line here, since one entry does not say how long it lasted: [`lines`] shows the long
/// ones. Checks are condensed: the first that passes in a bake, every one that fails, the first of a
/// row without conclusion.
pub fn line(deployment_start: Timestamp, entry: &Entry) -> Option<String> {
    let text = text(&entry.event)?;
    Some(put(deployment_start, entry.at, weight(&entry.event), &text))
}

/// The lines of a whole journal, or of a part of it without gaps. Also shows why nothing moved for
/// five minutes or more, except while a step bakes, where nothing is meant to move.
pub fn lines(deployment_start: Timestamp, entries: &[Entry]) -> Vec<String> {
    let mut baking = false;
    let reversal = is_reversal(entries);
    let contract = is_contract(entries);
    let mut shown = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        baking = bakes_after(baking, &entry.event);
        if let Event::Waiting { reason } = &entry.event {
            let later = entries.get(index + 1);
            let lasted = later.map_or(0, |later| later.at.duration_since(entry.at).as_secs());
            if !baking && lasted >= LONG_WAIT_SECONDS {
                let text = format!("waiting for {}: {}", duration(lasted), clean(reason));
                shown.push(put(deployment_start, entry.at, None, &text));
            }
        }
        match (reversal, index) {
            (true, 0) => {
                shown.extend(taking_back(entry).map(|text| put(deployment_start, entry.at, None, &text)))
            }
            (false, 0) if contract => {
                shown.extend(contracting(entry).map(|text| put(deployment_start, entry.at, None, &text)));
            }
            // It registers nothing and makes nothing stable.
            (false, _) if contract && is_traffic_phase(&entry.event) => {}
            // The plan of a reversal is that of the deployment which it takes back.
            (true, 1) => {}
            (true | false, _) => {
                shown.extend(line(deployment_start, entry));
                shown.extend(last_words(&entry.event));
                let known = known(&entry.event).into_iter();
                shown.extend(known.map(|text| put(deployment_start, entry.at, None, &text)));
            }
        }
    }
    shown
}

/// Most lines shown of what a task wrote before it failed; the journal has more.
const LAST_WORDS: usize = 5;

/// What was written last before something went wrong.
fn last_words(event: &Event) -> Vec<String> {
    let log = if let Event::ChangeFailed { log, .. } | Event::ChangeHeld { log, .. } = event {
        log
    } else {
        event.failed_suite().map_or(&[][..], |(_, log)| log)
    };
    let skipped = log.len().saturating_sub(LAST_WORDS);
    let lines = log.iter().skip(skipped);
    lines
        .map(|line| format!("{:30}| {}", "", shorten(&clean(line), TEXT_MAX)))
        .collect()
}

/// What a plan rests on and what it costs, on lines of their own.
fn known(event: &Event) -> Vec<String> {
    let Event::Planned { plan } = event else {
        return Vec::new();
    };
    let evidence = plan.evidence.iter().map(|evidence| clean(&evidence.summary()));
    let known = evidence.filter(|summary| !summary.is_empty());
    let cost = plan.cost.iter().map(|cost| format!("cost: {}", cost.summary()));
    known
        .map(|summary| format!("known of it: {summary}"))
        .chain(cost)
        .collect()
}

/// Whether this journal takes a completed deployment back: request and plan were written as one.
fn is_reversal(entries: &[Entry]) -> bool {
    let [first, second, ..] = entries else {
        return false;
    };
    matches!(second.event, Event::Planned { .. }) && first.at == second.at && first.by == second.by
}

/// Whether this journal makes a contract: its plan moves no traffic.
fn is_contract(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| matches!(&entry.event, Event::Planned { plan } if !plan.moves_traffic()))
}

/// A phase whose words are about a candidate.
const fn is_traffic_phase(event: &Event) -> bool {
    matches!(
        event,
        Event::PhaseEntered {
            phase: Phase::Prepare | Phase::Complete
        }
    )
}

/// The first line of a journal that makes a contract.
fn contracting(entry: &Entry) -> Option<String> {
    let Event::DeploymentRequested { revision, origin, .. } = &entry.event else {
        return None;
    };
    Some(match origin {
        Origin::Person { person } => format!(
            "{} asked for the contract of {}",
            clean(person.as_str()),
            clean(&revision.label())
        ),
        Origin::Push { .. } | Origin::Watch { .. } | Origin::Contract { .. } => text(&entry.event)?,
    })
}

/// The first line of a journal that takes a completed deployment back.
fn taking_back(entry: &Entry) -> Option<String> {
    let Event::DeploymentRequested { revision, origin, .. } = &entry.event else {
        return None;
    };
    let who = match origin {
        Origin::Push { .. } => "an event".to_owned(),
        Origin::Watch { alarm } => format!("alarm {}", clean(alarm)),
        Origin::Contract { of } => format!("the contract of {of}"),
        Origin::Person { person } => clean(person.as_str()),
    };
    Some(format!("{who} asked to take {} back", clean(&revision.label())))
}

fn bakes_after(before: bool, event: &Event) -> bool {
    match event {
        Event::WeightReached { .. } => true,
        Event::Waiting { .. } | Event::Checked { .. } => before,
        Event::DeploymentRequested { .. }
        | Event::PhaseEntered { .. }
        | Event::Planned { .. }
        | Event::GateOpened { .. }
        | Event::Decided { .. }
        | Event::GatePassed { .. }
        | Event::TaskDefinitionRegistered { .. }
        | Event::ScalingStarted { .. }
        | Event::TestingStarted { .. }
        | Event::SuiteStarted { .. }
        | Event::SuiteCalled { .. }
        | Event::SuiteNotRun { .. }
        | Event::SuiteOverdue { .. }
        | Event::SuiteAnswered { .. }
        | Event::SuiteEnded { .. }
        | Event::HttpTested { .. }
        | Event::PerformanceMeasured { .. }
        | Event::SecurityChecked { .. }
        | Event::CostChecked { .. }
        | Event::CostCompared { .. }
        | Event::WatchAlarmed { .. }
        | Event::WatchEnded { .. }
        | Event::ContractScheduled { .. }
        | Event::ContractDropped { .. }
        | Event::WeightDecided { .. }
        | Event::ShiftDone
        | Event::AbortRequested { .. }
        | Event::RollbackStarted { .. }
        | Event::ForwardActionRestored { .. }
        | Event::TrafficReturned { .. }
        | Event::TrafficReasserted
        | Event::CandidateScaledIn
        | Event::StableBakeStarted { .. }
        | Event::StableBaked { .. }
        | Event::ChangeProposed { .. }
        | Event::ChangeStarted { .. }
        | Event::TestAlarmHeard { .. }
        | Event::PersonNeeded { .. }
        | Event::ChangeMade { .. }
        | Event::ChangeFailed { .. }
        | Event::UndoStarted { .. }
        | Event::ChangeUndone { .. }
        | Event::ChangeHeld { .. }
        | Event::ChangesTakenOver { .. }
        | Event::Exited { .. } => false,
    }
}

fn put(start: Timestamp, at: Timestamp, weight: Option<Weight>, text: &str) -> String {
    let (percent, bar) = weight.map_or_else(Default::default, |weight| (weight.to_string(), bar(weight)));
    format!(
        "{}  {percent:>5}  {bar:BAR$}  {}",
        clock(start, at),
        shorten(text, TEXT_MAX)
    )
    .trim_end()
    .to_owned()
}

/// `+HH:MM:SS`; hours go on beyond 24.
fn clock(start: Timestamp, at: Timestamp) -> String {
    let seconds = at.duration_since(start).as_secs().max(0);
    format!(
        "+{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Ten blocks. Empty only at 0 and full only at 100, so that neither is mistaken for almost.
fn bar(weight: Weight) -> String {
    let percent = usize::from(weight.percent());
    let filled = match percent {
        0 => 0,
        100 => BAR,
        percent => ((percent * BAR + 50) / 100).clamp(1, BAR - 1),
    };
    format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled))
}

/// The candidate's weight, where the entry has read it.
fn weight(event: &Event) -> Option<Weight> {
    if let Event::WeightReached { weight, .. } = event {
        return Some(*weight);
    }
    matches!(event, Event::TrafficReturned { .. }).then_some(Weight::ZERO)
}

fn text(event: &Event) -> Option<String> {
    match event {
        Event::DeploymentRequested {
            revision,
            origin,
            overrides,
            ..
        } => {
            let version = clean(&revision.label());
            let what = match origin {
                Origin::Push { .. } => format!("image {version} was pushed"),
                Origin::Watch { alarm } => format!("alarm {} asks to take {version} back", clean(alarm)),
                Origin::Contract { of } => format!("the time of the contract of {of} has come ({version})"),
                Origin::Person { person } => format!("{} asked to deploy {version}", clean(person.as_str())),
            };
            let hotfix = overrides.iter().find(|one| one.what == HOTFIX);
            let what = match hotfix {
                Some(hotfix) => format!("{what} as a hotfix: {}", clean(&hotfix.reason)),
                None => what,
            };
            let others = overrides.iter().filter(|one| one.what != HOTFIX);
            let aside: Vec<String> = others.map(|one| clean(&one.what)).collect();
            Some(if aside.is_empty() {
                what
            } else {
                format!("{what}, setting aside {}", aside.join(", "))
            })
        }
        Event::PhaseEntered { phase } => Some(phase_text(*phase).to_owned()),
        Event::Planned { plan } => Some(plan_text(plan)),
        Event::GateOpened {
            before, expires_at, ..
        } => Some(format!(
            "approval needed before {}, until {expires_at:.0}",
            before.as_str()
        )),
        Event::Decided { before, decision } => Some(decision_text(before.as_str(), decision)),
        Event::GatePassed { before } => Some(format!("approved: {} may begin", before.as_str())),
        Event::ScalingStarted { tasks, .. } => {
            Some(format!("the candidate is brought to {}", count(*tasks, "task")))
        }
        Event::TestingStarted { .. } => Some("the candidate is tested without production traffic".to_owned()),
        Event::SuiteEnded { .. }
        | Event::SuiteCalled { .. }
        | Event::SuiteNotRun { .. }
        | Event::SuiteOverdue { .. }
        | Event::SuiteAnswered { .. }
        | Event::HttpTested { .. }
        | Event::PerformanceMeasured { .. }
        | Event::SecurityChecked { .. }
        | Event::CostChecked { .. }
        | Event::CostCompared { .. } => Some(clean(&event.describe())),
        Event::WeightReached { weight, .. } => Some(format!("the candidate has {weight} of the traffic")),
        Event::Checked {
            check,
            passed,
            failed,
            inconclusive,
        } => check_text(check, *passed, *failed, *inconclusive),
        Event::ShiftDone => Some("all steps are done".to_owned()),
        Event::AbortRequested { cause } => Some(format!("stop: {}", clean(&cause.describe()))),
        Event::RollbackStarted { cause, .. } => Some(format!("rollback begins: {}", cause::headline(cause))),
        Event::TrafficReturned { .. } => Some("all traffic is on stable, read back".to_owned()),
        Event::TrafficReasserted => Some("read again: nothing moved it since".to_owned()),
        Event::CandidateScaledIn => Some("the candidate is scaled in".to_owned()),
        Event::StableBakeStarted { until } => Some(format!("stable is watched until {until:.0}")),
        Event::StableBaked { detail } => Some(format!("stable does well: {detail}")),
        Event::WatchAlarmed { .. }
        | Event::WatchEnded { .. }
        | Event::ContractScheduled { .. }
        | Event::ContractDropped { .. }
        | Event::ChangeProposed { .. }
        | Event::PersonNeeded { .. }
        | Event::ChangeMade { .. }
        | Event::ChangeFailed { .. }
        | Event::ChangeUndone { .. }
        | Event::ChangeHeld { .. }
        | Event::ChangesTakenOver { .. } => Some(clean(&event.describe())),
        Event::Exited { exit } => Some(format!("{}: {}", exit_text(exit.state), clean(&exit.reason))),
        // Intents whose result follows, and waits.
        Event::Waiting { .. }
        | Event::TaskDefinitionRegistered { .. }
        | Event::SuiteStarted { .. }
        | Event::WeightDecided { .. }
        | Event::ForwardActionRestored { .. }
        | Event::ChangeStarted { .. }
        | Event::TestAlarmHeard { .. }
        | Event::UndoStarted { .. } => None,
    }
}

const fn phase_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Plan => "plan: look at what runs and what is required",
        Phase::Prepare => "prepare: register the new revision",
        Phase::Migrate => "migrate: change schema and data",
        Phase::Infrastructure => "infrastructure: see to what the service runs on",
        Phase::Configure => "configure: set parameters and flags",
        Phase::Monitoring => "monitoring: set up dashboards and alarms",
        Phase::Shift => "shift: move traffic step by step",
        Phase::Validate => "validate: test what serves now",
        Phase::Complete => "complete: the candidate becomes stable",
        Phase::Rollback => "rollback: return to stable",
    }
}

const fn exit_text(state: ExitState) -> &'static str {
    match state {
        ExitState::Completed => "COMPLETED",
        ExitState::Blocked => "BLOCKED",
        ExitState::Aborted => "ABORTED",
        ExitState::RolledBack => "ROLLED BACK",
        ExitState::RollbackFailed => "ROLLBACK FAILED",
    }
}

fn plan_text(plan: &Plan) -> String {
    let seconds = i64::try_from(plan.expected_seconds).unwrap_or(i64::MAX);
    let alarms = u32::try_from(plan.alarms.len()).unwrap_or(u32::MAX);
    let changes = match u32::try_from(plan.changes.len()).unwrap_or(u32::MAX) {
        0 => String::new(),
        some => format!("{}, ", count(some, "change")),
    };
    let differs = |set: &&ContainerSetting| set.now != SettingNow::Same;
    let variables = plan.container.iter().filter(differs).count();
    let variables = match u32::try_from(variables).unwrap_or(u32::MAX) {
        0 => String::new(),
        some => format!("{}, ", count(some, "variable")),
    };
    if !plan.moves_traffic() {
        return format!(
            "planned: {changes}no traffic moved, about {}, {} watched",
            duration(seconds),
            count(alarms, "alarm")
        );
    }
    let contract = plan.contract.as_ref().map_or_else(String::new, |contract| {
        format!(", {}", clean(&contract.describe()))
    });
    format!(
        "planned: {changes}{variables}{} %, about {}, {} watched{contract}",
        plan.weights(),
        duration(seconds),
        count(alarms, "alarm")
    )
}

fn decision_text(gate: &str, decision: &GateDecision) -> String {
    let verb = if decision.approve { "approved" } else { "rejected" };
    let reason = clean(&decision.reason);
    let reason = if reason.is_empty() {
        reason
    } else {
        format!(": {reason}")
    };
    format!(
        "{} {verb} {gate} as {}{reason}",
        clean(decision.by.as_str()),
        decision.role
    )
}

fn check_text(check: &Check, passed: u32, failed: u32, inconclusive: u32) -> Option<String> {
    let reason = clean(&check.reason);
    match check.verdict {
        Verdict::Pass => (passed == 1).then(|| format!("first check passed: {}", measured(check))),
        Verdict::Fail => Some(format!("check failed ({failed} so far): {reason}")),
        Verdict::Inconclusive => (inconclusive == 1).then(|| format!("check without conclusion: {reason}")),
    }
}

/// What was measured, each metric once: bounds matter only where one was missed.
fn measured(check: &Check) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut words = Vec::new();
    for measurement in &check.measurements {
        if seen.contains(&measurement.metric.as_str()) {
            continue;
        }
        seen.push(&measurement.metric);
        let Some(value) = measurement.value else {
            continue;
        };
        let value = match KnownMetric::named(&measurement.metric) {
            Some(known) => known.unit().show(value),
            None => Unit::Count.show(value),
        };
        words.push(format!(
            "{} {value}",
            clean(&measurement.metric.replace('_', " "))
        ));
    }
    words.join(", ")
}

fn count(number: u32, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}
