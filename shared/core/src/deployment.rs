//! A deployment: the fold of its journal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::analysis::{Check, Verdict};
use crate::change::{Before, Change, ChangeStage, ChangeState, ContainerSetting, Proposal, Stays, Work};
use crate::contract::ContractPlan;
use crate::cost::{CostCheck, Forecast};
use crate::event::Event;
use crate::evidence::EvidenceUsed;
use crate::exit::{AbortCause, Exit};
use crate::gates::GateState;
use crate::http::{HttpMoment, HttpProgress, HttpTest, HttpTry};
use crate::ids::{ChangeId, DeploymentId, Digest, Epoch, Person, PlanHash, Slot, SpecHash, Target, Weight};
use crate::observation::METRICS_LAG_SECONDS;
use crate::phases::later;
use crate::security::Finding;
use crate::shared::Shared;
use crate::spec::{GatePhase, Spec, Step, SuiteName};
use crate::suite::{SuiteCall, SuiteReport};
use crate::watch::Watched;
use crate::wiring::{Forward, Wiring};

/// One attempt to make a candidate revision stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its id, and its execution's name.
    pub id: DeploymentId,
    /// Of what, and where.
    pub target: Target,
    /// Whether it brings a candidate forward, or takes a completed one back.
    pub kind: Kind,
    /// The epoch under which it may act. A rollback raises it.
    pub epoch: Epoch,
    /// What shall run.
    pub revision: Revision,
    /// The deployment file, as it holds for this deployment ([`Spec::for_hotfix`]).
    pub spec: Shared<Spec>,
    /// What started it.
    pub origin: Origin,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Requirements that a person chose to set aside, each with its reason.
    pub overrides: Vec<Override>,
    /// The phase that it is in.
    pub phase: Phase,
    /// When that phase began.
    pub phase_since: Timestamp,
    /// What will be done; absent before the plan phase.
    pub plan: Option<Shared<Plan>>,
    /// When that was decided: alarms count from here on.
    #[serde(default)]
    pub planned_at: Option<Timestamp>,
    /// Gates by the phase that they stand before.
    pub gates: BTreeMap<GatePhase, GateState>,
    /// Where the shift stands.
    pub shift: Shift,
    /// Highest weight that the candidate was ever meant to have.
    pub peak_weight: Weight,
    /// Suites that ended.
    pub suites: BTreeMap<SuiteName, i32>,
    /// Suites that were started.
    pub suites_started: BTreeMap<SuiteName, Timestamp>,
    /// The last lines of suites that did not pass.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suite_logs: BTreeMap<SuiteName, Vec<String>>,
    /// Suites that were called as functions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suite_calls: BTreeMap<SuiteName, SuiteCall>,
    /// HTTP tests that were tried.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub http: BTreeMap<String, HttpProgress>,
    /// What was found of its security, once that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Vec<Finding>>,
    /// What performance was measured as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<Check>,
    /// What was seen of the cost of what runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostCheck>,
    /// What was seen of it after its completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
    /// Changes that were begun.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<ChangeId, ChangeState>,
    /// What changes would do, of those that say it before they are made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub proposals: BTreeMap<ChangeId, Proposal>,
    /// The wish to stop. Set once; the first one counts.
    pub abort: Option<Abort>,
    /// Where the rollback stands.
    pub rollback: Option<Rollback>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// Why it waits, for a person; empty while it acts.
    pub waiting_for: String,
    /// Sequence number of its last journal entry.
    pub seq: u64,
    /// Hash of its last journal entry.
    pub journal_head: String,
}

/// What a deployment does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Kind {
    /// Make a candidate stable.
    Forward,
    /// Return to the revision before a completed deployment.
    Reversal {
        /// The completed one.
        of: DeploymentId,
    },
    /// Make the contract of a completed deployment.
    Contract {
        /// The completed one.
        of: DeploymentId,
        /// Who answers for what it brought.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        authors: Vec<Person>,
    },
}

impl Kind {
    /// Whether it takes a completed deployment back.
    pub const fn is_reversal(&self) -> bool {
        matches!(self, Self::Reversal { .. })
    }

    /// Whether it makes a contract, and moves no traffic.
    pub const fn is_contract(&self) -> bool {
        matches!(self, Self::Contract { .. })
    }
}

/// What runs: the digest is its identity, the tag only a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// ECR repository's name.
    pub repository: String,
    /// The image.
    pub digest: Digest,
    /// The label under which it came.
    pub tag: Option<String>,
    /// When ECR got it.
    pub pushed_at: Timestamp,
    /// The deployment file.
    pub spec_hash: SpecHash,
    /// Once registered.
    pub task_definition: Option<String>,
}

impl Revision {
    /// How a person calls it: the tag where there is one.
    pub fn label(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository),
            None => format!("{}@{}", self.repository, self.digest.short()),
        }
    }
}

/// What started a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "by")]
pub enum Origin {
    /// An image push, by EventBridge or found by the sweep.
    Push {
        /// EventBridge's id of the event, or `sweep`.
        event_id: String,
    },
    /// An alarm of a completed deployment that was watched.
    Watch {
        /// Which.
        alarm: String,
    },
    /// The wait of a contract is over.
    Contract {
        /// Whose contract: the completed deployment.
        of: DeploymentId,
    },
    /// A person.
    Person {
        /// Who: the author of the change where gates are concerned.
        person: Person,
    },
}

impl Origin {
    /// Who answers for the change, where that is known.
    pub fn author(&self) -> Option<&Person> {
        match self {
            Self::Push { .. } | Self::Watch { .. } | Self::Contract { .. } => None,
            Self::Person { person } => Some(person),
        }
    }
}

/// The name under which a hotfix is on record among the requirements that were set aside: it sets those
/// aside that its section of the file names.
pub const HOTFIX: &str = "hotfix";

/// A requirement set aside by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// `alarm:NAME`, `contract`, `quarantine`, `stable-image`, or [`HOTFIX`].
    pub what: String,
    /// Who.
    pub by: Person,
    /// Why.
    pub reason: String,
}

/// A named stretch of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Requirements, current state, steps.
    Plan,
    /// Task definition, health check.
    Prepare,
    /// Migrations.
    Migrate,
    /// Infrastructure as code.
    Infrastructure,
    /// Parameters and flags.
    Configure,
    /// Dashboards and alarms.
    Monitoring,
    /// Traffic.
    Shift,
    /// Suites.
    Validate,
    /// The candidate becomes stable.
    Complete,
    /// The way back.
    Rollback,
}

impl Phase {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Prepare => "prepare",
            Self::Migrate => "migrate",
            Self::Infrastructure => "infrastructure",
            Self::Configure => "configure",
            Self::Monitoring => "monitoring",
            Self::Shift => "shift",
            Self::Validate => "validate",
            Self::Complete => "complete",
            Self::Rollback => "rollback",
        }
    }

    /// The gate that may stand before it.
    pub const fn gate(self) -> Option<GatePhase> {
        match self {
            Self::Prepare => Some(GatePhase::Prepare),
            Self::Shift => Some(GatePhase::Shift),
            Self::Validate => Some(GatePhase::Validate),
            Self::Complete => Some(GatePhase::Complete),
            Self::Migrate => Some(GatePhase::Migrate),
            Self::Infrastructure => Some(GatePhase::Infrastructure),
            Self::Configure => Some(GatePhase::Configure),
            Self::Plan | Self::Monitoring | Self::Rollback => None,
        }
    }
}

/// What will be done, fixed and hashed before anything is touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Where.
    pub wiring: Wiring,
    /// How traffic is moved.
    pub traffic: Traffic,
    /// What a rollback returns to; absent for a first deployment.
    pub stable: Option<StableRevision>,
    /// The slot that gets the new revision.
    pub candidate: Slot,
    /// The image by digest, as the task definition names it.
    pub image: String,
    /// Tasks that full traffic needs: the larger of the file's replicas and stable's live number.
    pub capacity: u32,
    /// The steps.
    pub steps: Vec<Step>,
    /// What is changed besides the image, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What is changed in a deployment of its own, some time after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractPlan>,
    /// What the file sets in the new revision's task definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container: Vec<ContainerSetting>,
    /// The watched alarms.
    pub alarms: Vec<String>,
    /// The forward action as it was before, which a rollback restores.
    pub forward_before: Option<Forward>,
    /// Expected time in seconds, without waiting for people.
    pub expected_seconds: u64,
    /// What is known of the image, where the file asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceUsed>,
    /// How many permissions it needs, where the file asks whether the functions have them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<u32>,
    /// What it will cost, where the file asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Forecast>,
    /// The hash of all of the above with the revision; approvals are given for it.
    pub hash: PlanHash,
}

impl Plan {
    /// What was asked about permissions, where the file asks.
    pub fn permitted(&self) -> Option<String> {
        let count = self.permissions?;
        Some(format!("all {count} that it needs, by IAM's simulation"))
    }

    /// Whether traffic is moved; a contract leaves it as it is.
    pub fn moves_traffic(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Its steps' weights as people read them: `5/25/50/100`.
    pub fn weights(&self) -> String {
        let weights: Vec<String> = self
            .steps
            .iter()
            .map(|step| step.weight.percent().to_string())
            .collect();
        weights.join("/")
    }
}

/// How a target's traffic is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Traffic {
    /// By the weights of a listener rule.
    Weighted,
    /// By the numbers of tasks of two ECS services (no load balancer).
    Tasks,
    /// By ECS itself, in one service, as a rolling update.
    Rolling,
    /// By ECS itself, in one service, all stopped before all are started.
    Recreate,
}

impl Traffic {
    /// Tasks that `weight` percent of the traffic needs, of `capacity` at full traffic; of one service always all of its
    /// `replicas`.
    pub(crate) fn tasks_for(self, weight: Weight, capacity: u32, replicas: u32) -> u32 {
        let share = u64::from(weight.percent());
        let tasks = match self {
            // c / (stable + c) = weight, with stable untouched.
            Self::Tasks if weight < Weight::FULL => (u64::from(capacity) * share).div_ceil(100 - share),
            Self::Tasks | Self::Weighted => (u64::from(capacity) * share).div_ceil(100),
            Self::Rolling | Self::Recreate => u64::from(replicas),
        };
        u32::try_from(tasks).unwrap_or(u32::MAX)
    }
}

/// The revision that serves now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StableRevision {
    /// Its slot.
    pub slot: Slot,
    /// Its task definition.
    pub task_definition: String,
    /// Its image, where named by digest.
    pub digest: Option<Digest>,
    /// Tasks that it had when the plan was made.
    pub desired: u32,
}

/// Where the shift stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shift {
    /// Index of the step that is underway.
    pub step: usize,
    /// What is being done for it.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
    /// Tasks that were asked for last.
    pub tasks: u32,
    /// The candidate's weight as last read back.
    pub weight: Weight,
    /// Analysis of the bake that is underway; starts from zero with every bake.
    pub bake: Bake,
}

/// What is being done for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Tasks are started for the weight that comes.
    Scaling,
    /// The candidate is tested without production traffic.
    Testing,
    /// The weight is being set and read back.
    Raising,
    /// The weight holds and is watched.
    Baking,
    /// All steps are done.
    Done,
}

/// Counters of the bake that is underway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bake {
    /// Windows up to here were checked.
    pub checked_until: Option<Timestamp>,
    /// Checks that passed.
    pub passed: u32,
    /// Checks that failed.
    pub failed: u32,
    /// Checks without a conclusion, in a row.
    pub inconclusive: u32,
    /// The end of the first window whose check failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
}

/// The wish to stop, with its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Abort {
    /// Why.
    pub cause: AbortCause,
    /// When it was written.
    pub at: Timestamp,
}

/// Where the rollback stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// When it was decided.
    pub started_at: Timestamp,
    /// When traffic was first read back as returned.
    pub traffic_back_at: Option<Timestamp>,
    /// No function of the old epoch can still be running after this.
    pub quiesced_at: Option<Timestamp>,
    /// When the weights were read again after that.
    pub reasserted_at: Option<Timestamp>,
    /// When the candidate was seen scaled in.
    pub scaled_in_at: Option<Timestamp>,
    /// Until when stable is watched, once everything is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baked_until: Option<Timestamp>,
}

impl Rollback {
    /// Whether stable was watched for as long as the file says, so that it counts how it stands.
    pub fn bake_is_over(&self, now: Timestamp) -> bool {
        self.baked_until.is_some_and(|until| until <= now)
    }
}

/// What it takes to open a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its id.
    pub id: DeploymentId,
    /// Of what.
    pub target: Target,
    /// Forward or reversal.
    pub kind: Kind,
    /// The epoch that it was given.
    pub epoch: Epoch,
    /// What shall run.
    pub revision: Revision,
    /// The deployment file.
    pub spec: Shared<Spec>,
    /// What started it.
    pub origin: Origin,
    /// Requirements set aside.
    pub overrides: Vec<Override>,
}

/// ALB metrics are by whole minutes. The one in which the weight changed has seen both weights, so
/// analysis begins with the next.
fn next_whole_minute(at: Timestamp) -> Timestamp {
    let minutes =
        at.as_millisecond().div_euclid(60_000) + i64::from(at.as_millisecond().rem_euclid(60_000) > 0);
    Timestamp::from_second(minutes.saturating_mul(60)).unwrap_or(at)
}

impl Deployment {
    /// A deployment that was just asked for. Its journal is empty; the first entry is
    /// [`Event::DeploymentRequested`].
    pub fn new(request: Request, now: Timestamp) -> Self {
        Self {
            id: request.id,
            target: request.target,
            kind: request.kind,
            epoch: request.epoch,
            revision: request.revision,
            spec: request.spec,
            origin: request.origin,
            requested_at: now,
            overrides: request.overrides,
            phase: Phase::Plan,
            phase_since: now,
            plan: None,
            planned_at: None,
            gates: BTreeMap::new(),
            shift: Shift {
                step: 0,
                stage: Stage::Scaling,
                since: now,
                tasks: 0,
                weight: Weight::ZERO,
                bake: Bake::default(),
            },
            peak_weight: Weight::ZERO,
            suites: BTreeMap::new(),
            suites_started: BTreeMap::new(),
            suite_logs: BTreeMap::new(),
            suite_calls: BTreeMap::new(),
            http: BTreeMap::new(),
            security: None,
            performance: None,
            cost: None,
            watched: None,
            changes: BTreeMap::new(),
            proposals: BTreeMap::new(),
            abort: None,
            rollback: None,
            exit: None,
            waiting_for: String::new(),
            seq: 0,
            journal_head: String::new(),
        }
    }

    /// Whether a requirement was set aside.
    pub fn overrides(&self, what: &str) -> bool {
        self.overrides.iter().any(|o| o.what == what)
    }

    /// Who made a hotfix of it, and why; nothing where it is none.
    pub fn hotfix(&self) -> Option<&Override> {
        self.overrides.iter().find(|one| one.what == HOTFIX)
    }

    /// With what a deployment begins that takes this one back.
    pub fn reversal(&self, cause: AbortCause) -> Vec<Event> {
        let plan = self.plan.clone();
        let changes = self.changes.clone();
        let taken_over = (!changes.is_empty()).then_some(Event::ChangesTakenOver { changes });
        plan.map(|plan| Event::Planned { plan })
            .into_iter()
            .chain(taken_over)
            .chain([Event::AbortRequested { cause }])
            .collect()
    }

    /// Everybody who answers for the change, and so can't approve it: who asked for the deployment, and
    /// who wrote what it brings, where the plan knows that.
    pub fn authors(&self) -> impl Iterator<Item = &Person> {
        let plan = self.plan.as_ref();
        let wrote = plan.and_then(|plan| plan.evidence.as_ref()?.author.as_ref());
        let brought = if let Kind::Contract { authors, .. } = &self.kind {
            authors.as_slice()
        } else {
            &[]
        };
        self.origin.author().into_iter().chain(wrote).chain(brought)
    }

    /// When what it brings was committed, where the plan knows that.
    pub fn committed_at(&self) -> Option<Timestamp> {
        self.plan.as_ref()?.evidence.as_ref()?.committed_at
    }

    /// Whether it still goes on.
    pub fn active(&self) -> bool {
        self.exit.is_none()
    }

    /// Whether the candidate ever was to take traffic.
    pub fn took_traffic(&self) -> bool {
        self.peak_weight > Weight::ZERO
    }

    /// The freeze that holds at `now`, if any.
    pub fn freeze_at(&self, now: Timestamp) -> Option<&crate::spec::Freeze> {
        self.spec.freeze_at(now)
    }

    /// Tasks that `weight` percent of the traffic needs (rounded up, at least one for any weight).
    pub fn tasks_for(&self, weight: Weight) -> u32 {
        let capacity = self
            .plan
            .as_ref()
            .map_or(self.spec.replicas, |plan| plan.capacity);
        let traffic = self.plan.as_ref().map_or(Traffic::Weighted, |plan| plan.traffic);
        traffic.tasks_for(weight, capacity, self.spec.replicas)
    }

    /// The HTTP tests of a moment, in the file's order.
    pub fn http_tests(&self, moment: HttpMoment) -> impl Iterator<Item = &HttpTest> {
        let tests = self.spec.validate.http.iter();
        tests.filter(move |test| test.when == moment)
    }

    /// The number of an HTTP test's next try and when that may be; nothing where it has passed, or was
    /// tried as often as it may be.
    pub fn http_next(&self, test: &HttpTest) -> Option<(u32, Timestamp)> {
        match self.http.get(&test.name) {
            None => Some((1, Timestamp::MIN)),
            Some(stood) if stood.last.passed() || stood.last.number >= test.tries() => None,
            Some(stood) => {
                let due = later(stood.at, test.every_seconds.into());
                Some((stood.last.number.saturating_add(1), due))
            }
        }
    }

    /// The HTTP tests that are of now, which depends on the phase, its gate and its stage.
    pub fn http_moment(&self) -> Option<HttpMoment> {
        let moment = HttpMoment::of(self.phase)?;
        let is_now = match moment {
            HttpMoment::BeforeTraffic => self.shift.stage == Stage::Testing,
            HttpMoment::AfterShift => {
                let gate = GatePhase::Validate;
                let passed = self.gates.get(&gate).is_some_and(|gate| gate.passed_at.is_some());
                passed || self.gate_rule(gate).is_none()
            }
        };
        is_now.then_some(moment)
    }

    /// From when on performance is measured: the first whole minute of the validate phase.
    pub fn performance_from(&self) -> Timestamp {
        next_whole_minute(self.phase_since)
    }

    /// The minutes in which performance can be judged by now: at least as many as the file says, once all
    /// suites are over. Nothing where it can't be yet, need not be, or was.
    pub fn performance_window(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let bounds = self.spec.validate.performance.as_ref()?;
        let over = |suite: &SuiteName| self.suites.contains_key(suite);
        let tested = self.spec.post_deployment_tests.iter().all(over);
        if self.phase != Phase::Validate || self.performance.is_some() || !tested {
            return None;
        }
        let from = self.performance_from();
        let readable = later(now, -METRICS_LAG_SECONDS);
        let minutes = readable.duration_since(from).as_secs().div_euclid(60);
        let enough = minutes.saturating_mul(60) >= i64::from(bounds.for_seconds);
        enough.then(|| (from, later(from, minutes.saturating_mul(60))))
    }

    /// Folds one event in. The only way in which a deployment changes.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::DeploymentRequested { .. }
            | Event::ForwardActionRestored { .. }
            | Event::ContractScheduled { .. }
            | Event::ContractDropped { .. } => {}
            Event::PhaseEntered { phase } => self.enter_phase(*phase, at),
            Event::Waiting { reason } => self.waiting_for.clone_from(reason),
            Event::Planned { plan } => self.keep_plan(plan, at),
            Event::GateOpened {
                before,
                expires_at,
                plan_hash,
            } => {
                self.gates
                    .insert(*before, GateState::open(at, *expires_at, plan_hash.clone()));
            }
            Event::Decided { before, decision } => {
                if let Some(gate) = self.gates.get_mut(before) {
                    gate.decisions.push(decision.clone());
                }
            }
            Event::GatePassed { before } => self.pass_gate(*before, at),
            Event::TaskDefinitionRegistered { arn } => {
                self.revision.task_definition = Some(arn.clone());
            }
            Event::ScalingStarted { step, tasks } => {
                self.enter_stage(*step, Stage::Scaling, at);
                self.shift.tasks = *tasks;
            }
            Event::TestingStarted { step } => self.enter_stage(*step, Stage::Testing, at),
            Event::SuiteStarted { .. }
            | Event::SuiteEnded { .. }
            | Event::SuiteCalled { .. }
            | Event::SuiteNotRun { .. }
            | Event::SuiteOverdue { .. }
            | Event::SuiteAnswered { .. } => self.follow_suite(event, at),
            Event::HttpTested { test, tried } => self.keep_try(test, tried, at),
            Event::SecurityChecked { .. } | Event::PerformanceMeasured { .. } | Event::CostChecked { .. } => {
                self.keep_found(event)
            }
            Event::WeightDecided { step, weight, .. } => {
                self.enter_stage(*step, Stage::Raising, at);
                self.peak_weight = self.peak_weight.max(*weight);
            }
            Event::WeightReached { step, weight } => {
                self.enter_stage(*step, Stage::Baking, at);
                self.shift.weight = *weight;
                self.shift.bake = Bake {
                    checked_until: Some(next_whole_minute(at)),
                    ..Bake::default()
                };
            }
            Event::Checked {
                check,
                passed,
                failed,
                inconclusive,
            } => {
                let failed_now = (check.verdict == Verdict::Fail).then_some(check.until);
                self.shift.bake = Bake {
                    checked_until: Some(check.until),
                    passed: *passed,
                    failed: *failed,
                    inconclusive: *inconclusive,
                    failing_since: self.shift.bake.failing_since.or(failed_now),
                };
            }
            Event::ShiftDone => self.enter_stage(self.shift.step, Stage::Done, at),
            Event::AbortRequested { cause } => self.wish_to_stop(cause, at),
            Event::RollbackStarted { epoch, cause } => self.begin_rollback(*epoch, cause, at),
            Event::TrafficReturned { quiesced_at } => self.return_traffic(*quiesced_at, at),
            Event::TrafficReasserted => {
                self.update_rollback(|rollback| rollback.reasserted_at = Some(at));
            }
            Event::CandidateScaledIn => {
                self.update_rollback(|rollback| rollback.scaled_in_at = Some(at));
            }
            Event::StableBakeStarted { until } => {
                self.update_rollback(|rollback| rollback.baked_until = Some(*until));
            }
            // Evidence for people: the exit follows it.
            Event::StableBaked { .. } => {}
            Event::ChangeProposed { id, proposal } => self.keep_proposal(id, proposal),
            Event::ChangeStarted { id, before } => self.begin_change(id, before.as_ref(), at),
            Event::PersonNeeded { id, .. } => self.ask_person(id),
            Event::ChangeMade { id, detail, .. } => self.keep_change(id, detail, at),
            Event::TestAlarmHeard { id, .. } => self.hear_test(id),
            Event::ChangeFailed { id, log, .. } => self.fail_change(id, log, at),
            Event::UndoStarted { id } => self.move_change(id, ChangeStage::Undoing, at),
            Event::ChangeUndone { id, .. } => self.move_change(id, ChangeStage::Undone, at),
            Event::ChangeHeld { .. } => self.hold_change(event, at),
            Event::ChangesTakenOver { changes } => self.changes.clone_from(changes),
            Event::WatchAlarmed { .. } | Event::WatchEnded { .. } | Event::CostCompared { .. } => {
                self.keep_watch(event, at);
            }
            Event::Exited { exit } => {
                self.exit = Some(exit.clone());
                self.waiting_for.clear();
            }
        }
    }

    fn return_traffic(&mut self, quiesced_at: Timestamp, at: Timestamp) {
        self.update_rollback(|rollback| {
            rollback.traffic_back_at.get_or_insert(at);
            rollback.quiesced_at = Some(quiesced_at);
            rollback.reasserted_at = None;
        });
        self.shift.weight = Weight::ZERO;
    }

    fn enter_phase(&mut self, phase: Phase, at: Timestamp) {
        self.phase = phase;
        self.phase_since = at;
        self.waiting_for.clear();
        if phase == Phase::Shift {
            self.shift.since = at;
        }
    }

    fn pass_gate(&mut self, before: GatePhase, at: Timestamp) {
        if let Some(gate) = self.gates.get_mut(&before) {
            gate.passed_at = Some(at);
        }
        self.waiting_for.clear();
    }

    /// Whether the time is over that a suite has which is a task.
    pub fn is_suite_overdue(&self, suite: &SuiteName, now: Timestamp) -> bool {
        let limit = i64::from(self.spec.timeouts.suite_seconds);
        let started = self.suites_started.get(suite);
        started.is_some_and(|since| now.duration_since(*since).as_secs() > limit)
    }

    fn follow_suite(&mut self, event: &Event, at: Timestamp) {
        if let Some((suite, log)) = event.failed_suite().filter(|(_, log)| !log.is_empty()) {
            self.suite_logs.insert(suite.clone(), log.to_vec());
        }
        if let Event::SuiteStarted { suite } = event {
            self.suites_started.insert(suite.clone(), at);
        } else if let Event::SuiteEnded { suite, exit_code, .. } = event {
            self.suites.insert(suite.clone(), *exit_code);
        } else if let Event::SuiteCalled { suite, attempt, .. } = event {
            self.call_suite(suite, *attempt, at);
        } else if let Event::SuiteAnswered { suite, report } = event {
            self.keep_report(suite, report);
        } else if let Event::SuiteNotRun { suite, .. } = event
            && let Some(call) = self.suite_calls.get_mut(suite)
        {
            call.at = None;
        }
    }

    fn call_suite(&mut self, suite: &SuiteName, attempt: u32, at: Timestamp) {
        self.suites_started.entry(suite.clone()).or_insert(at);
        let call = SuiteCall {
            attempt,
            at: Some(at),
            said: None,
        };
        self.suite_calls.insert(suite.clone(), call);
        self.waiting_for.clear();
    }

    fn keep_report(&mut self, suite: &SuiteName, report: &SuiteReport) {
        if let Some(call) = self.suite_calls.get_mut(suite) {
            call.said = Some(report.describe());
        }
        self.suites.insert(suite.clone(), report.exit_code());
        self.waiting_for.clear();
    }

    fn keep_try(&mut self, test: &str, tried: &HttpTry, at: Timestamp) {
        let last = tried.clone();
        self.http.insert(test.to_owned(), HttpProgress { last, at });
        self.waiting_for.clear();
    }

    fn keep_found(&mut self, event: &Event) {
        if let Event::SecurityChecked { findings, .. } = event {
            self.security = Some(findings.clone());
        } else if let Event::PerformanceMeasured { check } = event {
            self.performance = Some(check.clone());
        } else if let Event::CostChecked { check } = event {
            self.cost = Some(check.clone());
        }
        self.waiting_for.clear();
    }

    fn keep_watch(&mut self, event: &Event, at: Timestamp) {
        let watched = self.watched.get_or_insert_default();
        if let Event::WatchAlarmed { alarm, .. } = event {
            watched.alarms.push(alarm.clone());
        } else if let Event::WatchEnded { trend, .. } = event {
            watched.ended_at = Some(at);
            watched.trend.clone_from(trend);
        } else if let Event::CostCompared { compared } = event {
            watched.cost = Some(compared.clone());
        }
    }

    fn keep_proposal(&mut self, id: &ChangeId, proposal: &Proposal) {
        self.proposals.insert(id.clone(), proposal.clone());
        self.waiting_for.clear();
    }

    fn keep_plan(&mut self, plan: &Shared<Plan>, at: Timestamp) {
        self.plan = Some(plan.clone());
        self.planned_at = Some(at);
    }

    fn begin_rollback(&mut self, epoch: Epoch, cause: &AbortCause, at: Timestamp) {
        self.epoch = epoch;
        self.phase = Phase::Rollback;
        self.phase_since = at;
        self.waiting_for.clear();
        self.wish_to_stop(cause, at);
        self.rollback = Some(Rollback {
            started_at: at,
            traffic_back_at: None,
            quiesced_at: None,
            reasserted_at: None,
            scaled_in_at: None,
            baked_until: None,
        });
    }

    /// The first wish counts.
    fn wish_to_stop(&mut self, cause: &AbortCause, at: Timestamp) {
        self.abort.get_or_insert_with(|| Abort {
            cause: cause.clone(),
            at,
        });
    }

    fn enter_stage(&mut self, step: usize, stage: Stage, at: Timestamp) {
        self.shift.step = step;
        self.shift.stage = stage;
        self.shift.since = at;
        self.waiting_for.clear();
    }

    fn begin_change(&mut self, id: &ChangeId, before: Option<&Before>, at: Timestamp) {
        let state = ChangeState {
            stage: ChangeStage::Making,
            since: at,
            before: before.cloned(),
            heard: false,
            asked: false,
            kept: None,
            log: Vec::new(),
            remedy: None,
            stays: None,
        };
        self.changes.insert(id.clone(), state);
    }

    fn keep_change(&mut self, id: &ChangeId, detail: &str, at: Timestamp) {
        self.move_change(id, ChangeStage::Made, at);
        let mut planned = self.planned_changes().iter();
        let keeps = planned.any(|change| change.id == *id && matches!(change.work, Work::Backup { .. }));
        if let Some(state) = self.changes.get_mut(id).filter(|_| keeps) {
            state.kept = Some(detail.to_owned());
        }
    }

    fn fail_change(&mut self, id: &ChangeId, log: &[String], at: Timestamp) {
        self.move_change(id, ChangeStage::Failed, at);
        if let Some(state) = self.changes.get_mut(id) {
            state.log = log.to_vec();
        }
    }

    fn hold_change(&mut self, event: &Event, at: Timestamp) {
        let Event::ChangeHeld {
            id,
            choice,
            reason,
            remedy,
            advice,
            log,
        } = event
        else {
            return;
        };
        self.move_change(id, ChangeStage::Held, at);
        if let Some(state) = self.changes.get_mut(id) {
            // Where nothing was undone, what it wrote when it failed says more.
            if !log.is_empty() {
                state.log.clone_from(log);
            }
            state.remedy.clone_from(remedy);
            state.stays = Some(Stays {
                choice: *choice,
                reason: reason.clone(),
                advice: advice.clone(),
            });
        }
    }

    fn ask_person(&mut self, id: &ChangeId) {
        if let Some(state) = self.changes.get_mut(id) {
            state.asked = true;
        }
        self.waiting_for.clear();
    }

    fn hear_test(&mut self, id: &ChangeId) {
        if let Some(state) = self.changes.get_mut(id) {
            state.heard = true;
        }
    }

    fn move_change(&mut self, id: &ChangeId, stage: ChangeStage, at: Timestamp) {
        if let Some(state) = self.changes.get_mut(id) {
            state.stage = stage;
            state.since = at;
        }
        self.waiting_for.clear();
    }

    fn update_rollback(&mut self, change: impl FnOnce(&mut Rollback)) {
        if let Some(rollback) = &mut self.rollback {
            change(rollback);
        }
    }
}

#[cfg(test)]
#[path = "deployment_tests.rs"]
mod tests;
