//! What happened, in the past tense. The journal is made of these.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::analysis::{Check, Verdict};
use crate::change::{Before, ChangeState, Choice, Proposal, in_brackets};
use crate::cost::{CostCheck, CostCompared};
use crate::deployment::{HOTFIX, Origin, Override, Phase, Plan, Revision};
use crate::exit::{AbortCause, Exit};
use crate::gates::GateDecision;
use crate::http::HttpTry;
use crate::ids::{ChangeId, DeploymentId, Epoch, PlanHash, Weight};
use crate::security::{Finding, SecurityCheck};
use crate::shared::Shared;
use crate::spec::{GatePhase, SuiteName};
use crate::suite::SuiteReport;
use crate::watch::Trend;

/// One thing that happened to a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
pub enum Event {
    /// It was asked for and given an epoch.
    DeploymentRequested {
        /// What shall run.
        revision: Revision,
        /// What started it.
        origin: Origin,
        /// Under which epoch.
        epoch: Epoch,
        /// Requirements set aside.
        overrides: Vec<Override>,
    },
    /// A phase began.
    PhaseEntered {
        /// Which.
        phase: Phase,
    },
    /// Nothing moves for now, and this is why.
    Waiting {
        /// For a person on call.
        reason: String,
    },
    /// The plan was made.
    Planned {
        /// All of it.
        plan: Shared<Plan>,
    },
    /// People are asked.
    GateOpened {
        /// Before which phase.
        before: GatePhase,
        /// Until when.
        expires_at: Timestamp,
        /// For which plan.
        plan_hash: PlanHash,
    },
    /// A person decided.
    Decided {
        /// At which gate.
        before: GatePhase,
        /// What, and who.
        decision: GateDecision,
    },
    /// Enough people approved.
    GatePassed {
        /// Which gate.
        before: GatePhase,
    },
    /// The candidate's task definition exists.
    TaskDefinitionRegistered {
        /// ARN.
        arn: String,
    },
    /// Tasks are started for a step.
    ScalingStarted {
        /// Index of the step.
        step: usize,
        /// Tasks that the step needs.
        tasks: u32,
    },
    /// The candidate is tested without production traffic.
    TestingStarted {
        /// Index of the step.
        step: usize,
    },
    /// A suite was started.
    SuiteStarted {
        /// Which.
        suite: SuiteName,
    },
    /// A suite ended.
    SuiteEnded {
        /// Which.
        suite: SuiteName,
        /// 0 passes.
        exit_code: i32,
        /// The last lines that it wrote, where it did not pass.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// A suite that is a Lambda function is being called.
    SuiteCalled {
        /// Which.
        suite: SuiteName,
        /// Which function.
        function: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// Of how many.
        of: u32,
    },
    /// Lambda did not take the call of a suite, so that nothing runs.
    SuiteNotRun {
        /// Which.
        suite: SuiteName,
        /// Which attempt.
        attempt: u32,
        /// What Lambda said.
        reason: String,
    },
    /// A suite has not ended in its time. Its task is left to run.
    SuiteOverdue {
        /// Which.
        suite: SuiteName,
        /// How much time it had, seconds.
        seconds: u32,
        /// The last lines that it wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// A suite that is a Lambda function has answered.
    SuiteAnswered {
        /// Which.
        suite: SuiteName,
        /// What.
        report: Box<SuiteReport>,
    },
    /// An HTTP test was tried.
    HttpTested {
        /// Which.
        test: String,
        /// What came of it.
        tried: HttpTry,
    },
    /// What concerns the security of the service was looked at.
    SecurityChecked {
        /// What was asked.
        checks: Vec<SecurityCheck>,
        /// What is not as it should be.
        findings: Vec<Finding>,
    },
    /// What all of the traffic is answered with was measured.
    PerformanceMeasured {
        /// With every measurement.
        check: Check,
    },
    /// What runs was priced.
    CostChecked {
        /// Against the forecast and the limits.
        check: CostCheck,
    },
    /// The weight shall be raised.
    WeightDecided {
        /// Index of the step.
        step: usize,
        /// To this.
        weight: Weight,
        /// Healthy targets of the candidate at that moment.
        healthy: u32,
        /// Targets that the weight needs.
        needed: u32,
    },
    /// The weight was read back; the bake begins.
    WeightReached {
        /// Index of the step.
        step: usize,
        /// As read.
        weight: Weight,
    },
    /// A window of the bake was assessed. The counters are those after it.
    Checked {
        /// With every measurement.
        check: Check,
        /// Passed so far.
        passed: u32,
        /// Failed so far.
        failed: u32,
        /// Inconclusive in a row.
        inconclusive: u32,
    },
    /// The last step is done.
    ShiftDone,
    /// The forward path shall stop.
    AbortRequested {
        /// Why.
        cause: AbortCause,
    },
    /// The way back began, under a new epoch.
    RollbackStarted {
        /// The new epoch.
        epoch: Epoch,
        /// Why.
        cause: AbortCause,
    },
    /// The listener rule was put back as it was recorded.
    ForwardActionRestored {
        /// Weights of the target groups, in their order.
        weights: Vec<u32>,
    },
    /// Traffic was read back as returned to stable.
    TrafficReturned {
        /// From when no function of the old epoch can be running.
        quiesced_at: Timestamp,
    },
    /// The weights were read again after the quiesce time and still hold.
    TrafficReasserted,
    /// The candidate was seen scaled in.
    CandidateScaledIn,
    /// Everything is taken back and stable is healthy; from here on it is watched (`autoRollback.bake`).
    StableBakeStarted {
        /// Until when.
        until: Timestamp,
    },
    /// Stable did well for all of that time.
    StableBaked {
        /// What was seen at its end.
        detail: String,
    },
    /// It is known what a change would do.
    ChangeProposed {
        /// Which.
        id: ChangeId,
        /// What.
        proposal: Box<Proposal>,
    },
    /// A change is begun.
    ChangeStarted {
        /// Which.
        id: ChangeId,
        /// What is there before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Before>,
    },
    /// The event of a test alarm arrived.
    TestAlarmHeard {
        /// Of which test.
        id: ChangeId,
        /// When the alarm was raised, as CloudWatch says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raised_at: Option<Timestamp>,
    },
    /// A change goes on only once a person has done something. Recorded once for a change.
    PersonNeeded {
        /// Which.
        id: ChangeId,
        /// What is not as it shall be.
        what: String,
        /// How long it waits.
        until: Timestamp,
    },
    /// A change was read back as made.
    ChangeMade {
        /// Which.
        id: ChangeId,
        /// What came of it.
        detail: String,
        /// The last lines that it wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// A change went wrong.
    ChangeFailed {
        /// Which.
        id: ChangeId,
        /// How.
        reason: String,
        /// The last lines that it wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// A change is being undone.
    UndoStarted {
        /// Which.
        id: ChangeId,
    },
    /// A change was read back as undone.
    ChangeUndone {
        /// Which.
        id: ChangeId,
        /// What came of it.
        detail: String,
    },
    /// A change stays, although the deployment was taken back.
    ChangeHeld {
        /// Which.
        id: ChangeId,
        /// What was chosen; nothing where it was to be reverted, and could not be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choice: Option<Choice>,
        /// Why.
        reason: String,
        /// What a person must do, where one must.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remedy: Option<String>,
        /// What a person should do, where traffic is well without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
        /// The last lines that undoing it wrote.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        log: Vec<String>,
    },
    /// The changes of a completed deployment, which this one takes back.
    ChangesTakenOver {
        /// Where they stood.
        changes: BTreeMap<ChangeId, ChangeState>,
    },
    /// An alarm fired while the completed deployment was watched.
    WatchAlarmed {
        /// Which.
        alarm: String,
        /// When it went to `ALARM`, where CloudWatch says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fired_at: Option<Timestamp>,
        /// CloudWatch's reason.
        reason: String,
        /// What a person can do.
        remedy: String,
    },
    /// The watch over the completed deployment is over.
    WatchEnded {
        /// How it compares with the time before, where its time was over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trend: Option<Trend>,
        /// What serves instead, where something else does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaced_by: Option<DeploymentId>,
    },
    /// What the completed deployment costs was asked of the bill.
    CostCompared {
        /// With the time before.
        compared: Box<CostCompared>,
    },
    /// The contract of the completed deployment waits for its time.
    ContractScheduled {
        /// Names of its migrations.
        migrations: Vec<String>,
        /// When it is asked for.
        due_at: Timestamp,
        /// Name of the schedule.
        schedule: String,
    },
    /// The contract of the completed deployment is not made.
    ContractDropped {
        /// Names of its migrations.
        migrations: Vec<String>,
        /// Why.
        reason: String,
        /// What a person can do.
        remedy: String,
    },
    /// The end.
    Exited {
        /// Which, why, and what to do.
        exit: Exit,
    },
}

impl Event {
    /// The plan, where it is the event that has one.
    pub fn planned(&self) -> Option<&Plan> {
        match self {
            Self::Planned { plan } => Some(plan),
            _ => None,
        }
    }

    /// One line for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::DeploymentRequested {
                revision,
                origin,
                overrides,
                ..
            } => describe_request(revision, origin, overrides),
            Self::PhaseEntered { phase } => format!("phase {} begins", phase.as_str()),
            Self::Waiting { reason } => format!("waiting: {reason}"),
            Self::Planned { plan } => describe_plan(plan),
            Self::GateOpened {
                before,
                expires_at,
                plan_hash,
            } => format!(
                "approval needed before {} until {expires_at:.0} for plan {}",
                before.as_str(),
                plan_hash.short()
            ),
            Self::Decided { decision, .. } => decision.describe(),
            Self::GatePassed { before } => format!("approved: {} may begin", before.as_str()),
            Self::TaskDefinitionRegistered { arn } => {
                format!(
                    "task definition {} registered",
                    arn.rsplit('/').next().unwrap_or(arn)
                )
            }
            Self::ScalingStarted { step, tasks } => {
                format!("step {}: starting tasks, {tasks} in all", step + 1)
            }
            Self::TestingStarted { step } => {
                format!(
                    "step {}: testing the candidate without production traffic",
                    step + 1
                )
            }
            Self::SuiteStarted { suite } => format!("suite {} started", suite.0),
            Self::SuiteEnded { suite, exit_code, .. } => describe_end(suite, *exit_code),
            Self::SuiteCalled {
                suite,
                function,
                attempt,
                of,
            } => describe_call(suite, function, *attempt, *of),
            Self::SuiteNotRun { suite, reason, .. } => format!("suite {} was not run: {reason}", suite.0),
            Self::SuiteOverdue { suite, seconds, .. } => did_not_end(suite, *seconds),
            Self::SuiteAnswered { suite, report } => format!("suite {} {}", suite.0, report.describe()),
            Self::HttpTested { test, tried } => tried.describe(test),
            Self::SecurityChecked { checks, findings } => describe_security(checks, findings),
            Self::PerformanceMeasured { check } => format!("performance: {}", check.reason),
            Self::CostChecked { check } => format!("cost: {}", check.reason),
            Self::WeightDecided {
                step,
                weight,
                healthy,
                needed,
            } => format!(
                "step {}: raising the candidate to {weight} ({healthy} healthy, {needed} needed)",
                step + 1
            ),
            Self::WeightReached { step, weight } => {
                format!("step {}: the candidate has {weight} of the traffic", step + 1)
            }
            Self::Checked { check, .. } => describe_check(check),
            Self::ShiftDone => "all steps are done".to_owned(),
            Self::AbortRequested { cause } => format!("stop: {}", cause.describe()),
            Self::RollbackStarted { epoch, .. } => {
                format!("rollback begins under epoch {epoch}")
            }
            Self::ForwardActionRestored { .. } => "listener rule set back as recorded".to_owned(),
            Self::TrafficReturned { .. } => "all traffic is back on stable (read back)".to_owned(),
            Self::TrafficReasserted => "weights read again: still on stable".to_owned(),
            Self::CandidateScaledIn => "candidate scaled in".to_owned(),
            Self::StableBakeStarted { until } => format!("stable is watched until {until:.0}"),
            Self::StableBaked { detail } => format!("stable does well: {detail}"),
            Self::ChangeProposed { id, proposal } => describe_proposal(id, proposal),
            Self::ChangeStarted { id, .. } => format!("{id} begins"),
            Self::TestAlarmHeard { id, .. } => format!("{id}: its event arrived"),
            Self::PersonNeeded { id, what, until } => {
                format!("{id} needs a person until {until:.0}: {what}")
            }
            Self::ChangeMade { id, detail, .. } => format!("{id} made: {detail}"),
            Self::ChangeFailed { id, reason, .. } => format!("{id} failed: {reason}"),
            Self::UndoStarted { id } => format!("{id} is being undone (revert)"),
            Self::ChangeUndone { id, detail } => format!("{id} undone: {detail}"),
            Self::ChangeHeld {
                id, choice, reason, ..
            } => format!("{id} stays{}: {reason}", in_brackets(*choice)),
            Self::ChangesTakenOver { changes } => describe_taken_over(changes.len()),
            Self::WatchAlarmed { alarm, reason, .. } => format!("watched: alarm {alarm} fired: {reason}"),
            Self::WatchEnded { trend, replaced_by } => describe_watch(trend.as_ref(), replaced_by.as_ref()),
            Self::CostCompared { compared } => format!("cost: {}", compared.describe()),
            Self::ContractScheduled { .. } | Self::ContractDropped { .. } => self.describe_contract(),
            Self::Exited { exit } => format!("{}: {}", exit.state.as_str(), exit.reason),
        }
    }

    fn describe_contract(&self) -> String {
        if let Self::ContractScheduled {
            migrations,
            due_at,
            schedule,
        } = self
        {
            let contract = migrations.join(", ");
            format!("contract {contract} is asked for at {due_at:.0} (schedule {schedule})")
        } else if let Self::ContractDropped {
            migrations, reason, ..
        } = self
        {
            format!("contract {} is not made: {reason}", migrations.join(", "))
        } else {
            String::new()
        }
    }

    /// The suite that this says has failed, and the last lines that it wrote.
    pub fn failed_suite(&self) -> Option<(&SuiteName, &[String])> {
        if let Self::SuiteEnded {
            suite,
            exit_code,
            log,
        } = self
        {
            (*exit_code != 0).then_some((suite, log))
        } else if let Self::SuiteOverdue { suite, log, .. } = self {
            Some((suite, log))
        } else if let Self::SuiteAnswered { suite, report } = self {
            (report.exit_code() != 0).then_some((suite, &report.log))
        } else {
            None
        }
    }

    /// What came of a change, where it is about that: which, in words, and the last lines that it wrote.
    pub fn came_of_change(&self) -> Option<(&ChangeId, &str, &[String])> {
        if let Self::ChangeMade { id, detail, log } = self {
            Some((id, detail, log))
        } else if let Self::ChangeFailed { id, reason, log } | Self::ChangeHeld { id, reason, log, .. } = self
        {
            Some((id, reason, log))
        } else if let Self::ChangeUndone { id, detail } = self {
            Some((id, detail, &[]))
        } else {
            None
        }
    }
}

/// What a suite is told to have done that was still running when its time was over.
pub(crate) fn did_not_end(suite: &SuiteName, seconds: u32) -> String {
    format!("suite {} did not end within {seconds} s", suite.0)
}

fn describe_request(revision: &Revision, origin: &Origin, overrides: &[Override]) -> String {
    let hotfix = overrides.iter().find(|one| one.what == HOTFIX);
    let how = hotfix.map_or_else(String::new, |one| format!(" as a hotfix: {}", one.reason));
    let label = revision.label();
    match origin {
        Origin::Push { .. } => format!("image {label} was pushed"),
        Origin::Watch { alarm } => format!("alarm {alarm} asks to take {label} back"),
        Origin::Contract { of } => format!("the time of the contract of {of} has come ({label})"),
        Origin::Person { person } => format!("{person} asked to deploy {label}{how}"),
    }
}

fn describe_check(check: &Check) -> String {
    let mark = match check.verdict {
        Verdict::Pass => "Pass",
        Verdict::Fail => "Fail",
        Verdict::Inconclusive => "Inconclusive",
    };
    format!("check {mark}: {}", check.reason)
}

fn describe_proposal(id: &ChangeId, proposal: &Proposal) -> String {
    match &proposal.said {
        Some(said) => format!("{id}: {said}"),
        None => format!("{id} would do: {}", proposal.told()),
    }
}

fn describe_taken_over(changes: usize) -> String {
    format!("{changes} changes of the completed deployment are to be undone")
}

fn describe_end(suite: &SuiteName, exit_code: i32) -> String {
    match exit_code {
        0 => format!("suite {} passed", suite.0),
        other => format!("suite {} failed with exit code {other}", suite.0),
    }
}

fn describe_call(suite: &SuiteName, function: &str, attempt: u32, of: u32) -> String {
    match attempt {
        1 => format!("suite {} is called: Lambda function {function}", suite.0),
        again => format!(
            "suite {} is called again ({again} of {of}): no answer came, and its time is over",
            suite.0
        ),
    }
}

fn describe_security(checks: &[SecurityCheck], findings: &[Finding]) -> String {
    let whats: Vec<&str> = findings.iter().map(|one| one.what.as_str()).collect();
    match whats.as_slice() {
        [] => format!("security: {} checks passed", checks.len()),
        some => format!("security: {}", some.join("; ")),
    }
}

fn describe_watch(trend: Option<&Trend>, replaced_by: Option<&DeploymentId>) -> String {
    match (trend, replaced_by) {
        (Some(trend), _) => format!("watch over: {}", trend.describe()),
        (None, Some(by)) => format!("watch over: {by} came after it"),
        (None, None) => "watch over".to_owned(),
    }
}

fn describe_plan(plan: &Plan) -> String {
    let changes = match plan.changes.len() {
        0 => String::new(),
        1 => "1 change, ".to_owned(),
        several => format!("{several} changes, "),
    };
    if !plan.moves_traffic() {
        return format!(
            "planned: {changes}no traffic moved, {} alarms watched, plan {}",
            plan.alarms.len(),
            plan.hash.short()
        );
    }
    let known = plan
        .evidence
        .as_ref()
        .map_or_else(String::new, |evidence| format!(", {}", evidence.summary()));
    let permitted = plan
        .permissions
        .map_or_else(String::new, |count| format!(", all {count} permissions there"));
    let cost = plan.cost.as_ref();
    let cost = cost.map_or_else(String::new, |cost| format!(", {}", cost.summary()));
    let contract = plan
        .contract
        .as_ref()
        .map_or_else(String::new, |contract| format!(", {}", contract.describe()));
    format!(
        "planned: {changes}{} to {} % in the {} slot, {} alarms watched{known}{permitted}{cost}{contract}, plan {}",
        if plan.stable.is_some() {
            "from stable"
        } else {
            "first deployment"
        },
        plan.weights(),
        plan.candidate,
        plan.alarms.len(),
        plan.hash.short()
    )
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
