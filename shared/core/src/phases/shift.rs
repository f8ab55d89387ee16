//! Shift: step by step, scale, test, raise the weight, watch it.

use jiff::{SignedDuration, Timestamp};

use super::http::run_http;
use super::prepare::no_plan;
use super::security::run_security;
use super::suite_functions::run_function;
use super::{later, seconds_until, wait_for_freeze};
use crate::action::Action;
use crate::analysis::{Check, Condition, Verdict, assess};
use crate::decision::{Decision, Outcome, POLL_SECONDS};
use crate::deployment::{Deployment, Plan, Stage, Traffic};
use crate::event::{Event, did_not_end};
use crate::exit::AbortCause;
use crate::http::HttpMoment;
use crate::ids::{Slot, Weight};
use crate::observation::{Alarm, AlarmState, METRICS_LAG_SECONDS, Observation, Rollout, SlotState, SuiteRun};
use crate::spec::{Analysis, Step, Strategy, SuiteName};

/// The longest time between two looks at a bake, seconds: a person who watches sees it move.
const LONGEST_WAIT_SECONDS: i64 = 900;

/// The suite that must pass before any production weight (invariant 23).
pub(crate) const SMOKE: &str = "smoke";

/// Decides the next move of the shift.
pub fn decide_shift(deployment: &Deployment, observation: &Observation, now: Timestamp) -> Decision {
    let Some(plan) = &deployment.plan else {
        return no_plan();
    };
    let Some(step) = plan.steps.get(deployment.shift.step) else {
        return Decision::only(Outcome::Done);
    };
    if let Some(reason) = changed_outside(deployment, plan, *step, observation) {
        return Decision::abort(AbortCause::ChangedOutside { reason });
    }
    let round = Round {
        deployment,
        plan,
        step: *step,
        observation,
        now,
    };
    if let Some(held) = round.unreadable_alarm() {
        return held;
    }
    match deployment.shift.stage {
        Stage::Scaling => round.decide_scaling(),
        Stage::Testing => round.decide_testing(),
        Stage::Raising => round.decide_raising(),
        Stage::Baking => round.decide_baking(),
        Stage::Done => Decision::only(Outcome::Done),
    }
}

/// Weights that are neither what was read back last nor what is being set: someone else's hand.
/// A person who takes traffic away in the console must win, so the answer is to roll back.
fn changed_outside(
    deployment: &Deployment,
    plan: &Plan,
    step: Step,
    observation: &Observation,
) -> Option<String> {
    if plan.traffic != Traffic::Weighted {
        return None;
    }
    let seen = candidate_weight(plan, observation);
    let believed = deployment.shift.weight;
    let raising = deployment.shift.stage == Stage::Raising;
    match seen {
        Some(weight) if weight == believed || (raising && weight == step.weight) => None,
        Some(weight) => Some(format!(
            "the listener rule gives the candidate {weight}, but it was left at {believed}"
        )),
        None => Some("the listener rule no longer shares 100 between the two target groups".to_owned()),
    }
}

fn candidate_weight(plan: &Plan, observation: &Observation) -> Option<Weight> {
    let group = plan
        .wiring
        .balancer
        .as_ref()?
        .target_groups
        .get(&plan.candidate)?;
    observation.forward.as_ref()?.weight_of(group)
}

/// One look at one step.
struct Round<'a> {
    deployment: &'a Deployment,
    plan: &'a Plan,
    step: Step,
    observation: &'a Observation,
    now: Timestamp,
}

impl Round<'_> {
    fn index(&self) -> usize {
        self.deployment.shift.step
    }

    fn needed(&self) -> u32 {
        self.deployment.tasks_for(self.step.weight).max(1)
    }

    fn candidate(&self) -> Option<&SlotState> {
        self.observation.slots.get(&self.plan.candidate)
    }

    /// An alarm that can't be read may be firing: nothing moves on, and not for ever (invariant 10).
    fn unreadable_alarm(&self) -> Option<Decision> {
        let unreadable = |alarm: &&Alarm| {
            alarm.state == AlarmState::Unreadable
                && !self.deployment.overrides(&format!("alarm:{}", alarm.name))
        };
        let alarm = self.observation.alarms.iter().find(unreadable)?;
        let patience =
            i64::from(self.deployment.spec.timeouts.healthy_seconds) + i64::from(self.step.bake_seconds);
        let reason = format!("alarm {} can't be read: {}", alarm.name, alarm.reason);
        if self.waited() > patience {
            return Some(Decision::abort(AbortCause::AnalysisInconclusive { reason }));
        }
        Some(Decision::wait(POLL_SECONDS, reason))
    }

    fn frozen(&self) -> Option<Decision> {
        wait_for_freeze(self.deployment, self.now)
    }

    fn decide_scaling(&self) -> Decision {
        if let Some(held) = self.frozen() {
            return held;
        }
        let (Some(slot), Some(arn)) = (self.candidate(), &self.deployment.revision.task_definition) else {
            return no_candidate();
        };
        if let Rollout::Failed(reason) = &slot.rollout
            && (slot.task_definition == *arn || self.plan.traffic == Traffic::Rolling)
        {
            return Decision::abort(AbortCause::CandidateUnhealthy {
                reason: reason.clone(),
            });
        }
        let ours = slot.task_definition == *arn;
        let needed = self.needed();
        if ours && slot.desired >= needed && slot.healthy >= needed && slot.rollout == Rollout::Completed {
            return self.after_scaling(slot);
        }
        if self.waited() > i64::from(self.deployment.spec.timeouts.healthy_seconds) {
            return Decision::abort(AbortCause::CandidateUnhealthy {
                reason: format!(
                    "{} of {needed} tasks were healthy after {} s",
                    slot.healthy, self.deployment.spec.timeouts.healthy_seconds
                ),
            });
        }
        self.scale(slot, arn, ours)
    }

    fn scale(&self, slot: &SlotState, arn: &str, ours: bool) -> Decision {
        let needed = self.needed();
        let update = |desired| Action::UpdateService {
            slot: self.plan.candidate,
            task_definition: arn.to_owned(),
            desired,
            grace_seconds: self
                .deployment
                .spec
                .health_check
                .as_ref()
                .map(|h| h.initial_delay_seconds),
            circuit_breaker: true,
        };
        let reason = format!("{} of {needed} candidate tasks are healthy", slot.healthy);
        // Said once for each step, however often the service has to be told.
        let said = self.deployment.shift.tasks == needed;
        let started: Vec<Event> = (!said)
            .then(|| Event::ScalingStarted {
                step: self.index(),
                tasks: needed,
            })
            .into_iter()
            .collect();
        if self.plan.traffic == Traffic::Recreate && !ours {
            // All old tasks stop before the first new one starts; that is what was asked for.
            return if slot.desired > 0 {
                let stop = Action::SetDesiredCount {
                    slot: self.plan.candidate,
                    desired: 0,
                };
                Decision::act_and_wait(vec![stop], POLL_SECONDS, "the old tasks are stopping")
                    .after(self.taking_traffic(slot))
            } else if slot.running > 0 {
                Decision::wait(POLL_SECONDS, format!("{} old tasks are stopping", slot.running))
            } else {
                Decision::act_and_wait(vec![update(needed)], self.start_up_seconds(), reason).after(started)
            };
        }
        if ours && slot.desired >= needed {
            return Decision::wait(POLL_SECONDS, reason);
        }
        let first = self.plan.traffic == Traffic::Rolling && !self.deployment.took_traffic();
        let events = if first { self.taking_traffic(slot) } else { started };
        Decision::act_and_wait(vec![update(needed)], self.start_up_seconds(), reason).after(events)
    }

    /// In one service, the new tasks take traffic as they start, so the intent is on record first.
    fn taking_traffic(&self, slot: &SlotState) -> Vec<Event> {
        if self.deployment.took_traffic() {
            return Vec::new();
        }
        vec![
            Event::WeightDecided {
                step: self.index(),
                weight: self.step.weight,
                healthy: slot.healthy,
                needed: self.needed(),
            },
            Event::ScalingStarted {
                step: self.index(),
                tasks: self.needed(),
            },
        ]
    }

    /// A first guess at how long tasks take to become healthy: start, the file's initial delay,
    /// two health checks. One wait that is right costs fewer transitions than polling.
    fn start_up_seconds(&self) -> u32 {
        const TASK_START: u32 = 30;
        let checks = self
            .deployment
            .spec
            .health_check
            .as_ref()
            .map_or(30, |h| h.initial_delay_seconds.saturating_add(30));
        TASK_START.saturating_add(checks).min(300)
    }

    fn after_scaling(&self, slot: &SlotState) -> Decision {
        match self.plan.traffic {
            Traffic::Weighted | Traffic::Tasks if self.index() == 0 && self.has_tests() => {
                Decision::record(vec![Event::TestingStarted { step: 0 }])
            }
            Traffic::Weighted | Traffic::Tasks => self.decide_weight(slot),
            Traffic::Rolling | Traffic::Recreate => self.reached(),
        }
    }

    fn has_tests(&self) -> bool {
        let mut pages = self.deployment.http_tests(HttpMoment::BeforeTraffic);
        let looks = !self.deployment.spec.validate.security.is_empty();
        self.test_seconds() > 0 || !self.smoke().is_empty() || pages.next().is_some() || looks
    }

    fn test_seconds(&self) -> i64 {
        match &self.deployment.spec.strategy {
            Strategy::BlueGreen(bluegreen) => i64::from(bluegreen.test_duration_seconds),
            Strategy::Recreate | Strategy::Rolling | Strategy::Canary(_) | Strategy::Linear(_) => 0,
        }
    }

    fn smoke(&self) -> Vec<SuiteName> {
        let tests = &self.deployment.spec.post_deployment_tests;
        tests.iter().filter(|suite| suite.0 == SMOKE).cloned().collect()
    }

    fn decide_testing(&self) -> Decision {
        if let Some(decision) = run_security(self.deployment, self.observation) {
            return decision;
        }
        let moment = HttpMoment::BeforeTraffic;
        if let Some(decision) = run_http(self.deployment, self.observation, moment, self.now) {
            return decision;
        }
        match run_suites(self.deployment, self.observation, &self.smoke(), self.now) {
            Suites::Undecided(decision) => return decision,
            Suites::AllPassed => {}
        }
        let until = later(self.deployment.shift.since, self.test_seconds());
        let Some(slot) = self.candidate() else {
            return no_candidate();
        };
        if slot.healthy < self.needed() {
            return Decision::abort(AbortCause::CandidateUnhealthy {
                reason: format!(
                    "{} of {} candidate tasks stayed healthy during its test",
                    slot.healthy,
                    self.needed()
                ),
            });
        }
        if self.now < until {
            let seconds = seconds_until(self.now, until);
            return Decision::wait(seconds, format!("testing the candidate until {until:.0}"));
        }
        self.decide_weight(slot)
    }

    /// The last look before weight is raised: no freeze, enough healthy targets (invariants 4, 22).
    fn decide_weight(&self, slot: &SlotState) -> Decision {
        if let Some(held) = self.frozen() {
            return held;
        }
        Decision::record(vec![Event::WeightDecided {
            step: self.index(),
            weight: self.step.weight,
            healthy: slot.healthy,
            needed: self.needed(),
        }])
    }

    fn decide_raising(&self) -> Decision {
        let Some(slot) = self.candidate() else {
            return no_candidate();
        };
        if self.at_weight() {
            return self.reached();
        }
        if let Some(held) = self.frozen() {
            return held;
        }
        if slot.healthy < self.needed() {
            return Decision::abort(AbortCause::CandidateUnhealthy {
                reason: format!("{} of {} targets are healthy", slot.healthy, self.needed()),
            });
        }
        if self.waited() > i64::from(self.deployment.spec.timeouts.healthy_seconds) {
            return Decision::abort(AbortCause::PhaseFailed {
                reason: format!("the weight does not become {}", self.step.weight),
            });
        }
        match self.raise() {
            Some(action) => Decision::act(vec![action]),
            None => Decision::abort(AbortCause::ChangedOutside {
                reason: "the listener rule no longer names the two target groups".to_owned(),
            }),
        }
    }

    fn raise(&self) -> Option<Action> {
        match self.plan.traffic {
            Traffic::Weighted => {
                let groups = &self.plan.wiring.balancer.as_ref()?.target_groups;
                let candidate = groups.get(&self.plan.candidate)?;
                let stable = groups.get(&self.plan.candidate.other())?;
                let forward = self.observation.forward.as_ref()?;
                let forward = forward.with_weight(candidate, stable, self.step.weight)?;
                Some(Action::SetTrafficWeight { forward })
            }
            Traffic::Tasks => Some(Action::SetDesiredCount {
                slot: self.plan.candidate.other(),
                desired: 0,
            }),
            Traffic::Rolling | Traffic::Recreate => None,
        }
    }

    fn at_weight(&self) -> bool {
        match self.plan.traffic {
            Traffic::Weighted => candidate_weight(self.plan, self.observation) == Some(self.step.weight),
            Traffic::Tasks if self.step.weight == Weight::FULL => {
                let stable = self.observation.slots.get(&self.plan.candidate.other());
                stable.is_none_or(|slot| slot.desired == 0)
            }
            Traffic::Tasks | Traffic::Rolling | Traffic::Recreate => true,
        }
    }

    fn reached(&self) -> Decision {
        Decision::record(vec![Event::WeightReached {
            step: self.index(),
            weight: self.step.weight,
        }])
    }

    fn decide_baking(&self) -> Decision {
        let end = later(self.deployment.shift.since, self.step.bake_seconds.into());
        if self.step.bake_seconds == 0 {
            return self.step_done();
        }
        match self.analysis() {
            Some((analysis, conditions)) => self.assess_windows(&analysis, conditions, end),
            None if self.now >= end => self.step_done(),
            None => {
                let seconds = seconds_until(self.now, end).min(LONGEST_WAIT_SECONDS as u32);
                Decision::wait(seconds, format!("baking at {} until {end:.0}", self.step.weight))
            }
        }
    }

    /// The rules that hold while a step bakes; none where nothing is measured.
    fn analysis(&self) -> Option<(Analysis, &[Condition])> {
        let spec = &self.deployment.spec;
        let own = match &spec.strategy {
            Strategy::Canary(s) | Strategy::Linear(s) => s.analysis.clone(),
            Strategy::BlueGreen(b) => b.analysis.clone(),
            Strategy::Recreate | Strategy::Rolling => None,
        };
        let conditions: &[Condition] = if spec.auto_rollback.enabled {
            &spec.auto_rollback.conditions
        } else {
            &[]
        };
        if own.is_none() && conditions.is_empty() {
            return None;
        }
        Some((own.unwrap_or_else(Analysis::conditions_only), conditions))
    }

    fn assess_windows(&self, analysis: &Analysis, conditions: &[Condition], end: Timestamp) -> Decision {
        let bake = &self.deployment.shift.bake;
        let start = bake.checked_until.unwrap_or(self.deployment.shift.since);
        let interval = SignedDuration::from_secs(i64::from(analysis.interval_seconds.max(1)));
        let readable = later(self.now, -METRICS_LAG_SECONDS);
        let mut events = Vec::new();
        let mut tally = Tally {
            passed: bake.passed,
            failed: bake.failed,
            inconclusive: bake.inconclusive,
        };
        let mut from = start;
        let mut last = None;
        while let Ok(until) = from.checked_add(interval) {
            if until > readable {
                break;
            }
            let check = self.check(analysis, conditions, from, until);
            let stop = tally.count(&check, analysis);
            last = Some(check.verdict);
            events.push(Event::Checked {
                check,
                passed: tally.passed,
                failed: tally.failed,
                inconclusive: tally.inconclusive,
            });
            if let Some(cause) = stop {
                return self.give_up(cause).after(events);
            }
            from = until;
        }
        let good = match last {
            Some(verdict) => verdict == Verdict::Pass,
            None => tally.passed > 0 && tally.inconclusive == 0 && self.deployment.waiting_for.is_empty(),
        };
        if good && from >= end {
            return self.step_done().after(events);
        }
        let wait = self.next_look(analysis, conditions, &tally, from, end);
        let reason = self.baking_reason(&tally, analysis, from, end);
        Decision::wait(wait, reason).after(events)
    }

    fn check(
        &self,
        analysis: &Analysis,
        conditions: &[Condition],
        from: Timestamp,
        until: Timestamp,
    ) -> Check {
        let samples = |slot: Slot| self.observation.samples.get(&slot).map_or(&[][..], Vec::as_slice);
        let candidate = self.plan.candidate;
        assess(
            analysis,
            conditions,
            samples(candidate),
            samples(candidate.other()),
            from,
            until,
        )
    }

    /// The earliest instant at which anything could be decided. Waiting until then loses nothing:
    /// giving up takes `threshold` failed windows, and alarms do not wait for this function.
    fn next_look(
        &self,
        analysis: &Analysis,
        conditions: &[Condition],
        tally: &Tally,
        from: Timestamp,
        end: Timestamp,
    ) -> u32 {
        let interval = i64::from(analysis.interval_seconds.max(1));
        let failures_left = i64::from(analysis.threshold.saturating_sub(tally.failed).max(1));
        let unclear_left = i64::from(
            analysis
                .inconclusive_limit
                .saturating_sub(tally.inconclusive)
                .max(1),
        );
        let unwatched = !conditions.is_empty() && self.plan.alarms.is_empty();
        let windows = if unwatched || from >= end {
            1
        } else {
            failures_left.min(unclear_left)
        };
        let decisive = later(from, windows * interval + METRICS_LAG_SECONDS);
        // The first window that ends at or after the end of the bake.
        let left = end.duration_since(from).as_secs().max(1);
        let whole = later(
            from,
            ((left + interval - 1) / interval) * interval + METRICS_LAG_SECONDS,
        );
        let until = decisive.min(whole);
        let seconds = i64::from(seconds_until(self.now, until)).min(LONGEST_WAIT_SECONDS);
        u32::try_from(seconds).unwrap_or(POLL_SECONDS)
    }

    fn baking_reason(&self, tally: &Tally, analysis: &Analysis, from: Timestamp, end: Timestamp) -> String {
        let weight = self.step.weight;
        if tally.inconclusive > 0 {
            return format!(
                "holding at {weight}: {} of {} inconclusive checks before rolling back",
                tally.inconclusive, analysis.inconclusive_limit
            );
        }
        if tally.failed > 0 {
            return format!(
                "holding at {weight}: {} of {} failed checks before rolling back",
                tally.failed, analysis.threshold
            );
        }
        if from >= end {
            return format!("holding at {weight} until a check passes");
        }
        format!("baking at {weight} until {end:.0}")
    }

    fn give_up(&self, cause: AbortCause) -> Decision {
        match &self.deployment.spec.strategy {
            // `rollbackOnError: false`: a person decides; alarms still roll back.
            Strategy::BlueGreen(bluegreen) if !bluegreen.rollback_on_error => Decision::wait(
                300,
                format!(
                    "{}; waiting for a person: `tidegate abort` or `tidegate rollback`",
                    cause.describe()
                ),
            ),
            Strategy::BlueGreen(_)
            | Strategy::Recreate
            | Strategy::Rolling
            | Strategy::Canary(_)
            | Strategy::Linear(_) => Decision::abort(cause),
        }
    }

    fn step_done(&self) -> Decision {
        let next = self.index() + 1;
        match self.plan.steps.get(next) {
            Some(step) => {
                let tasks = self.deployment.tasks_for(step.weight);
                Decision::record(vec![Event::ScalingStarted { step: next, tasks }])
            }
            None => Decision {
                events: vec![Event::ShiftDone],
                actions: Vec::new(),
                outcome: Outcome::Done,
            },
        }
    }

    /// Seconds since this stage began. Nothing can move during a freeze, so that time does not count.
    fn waited(&self) -> i64 {
        let thawed = self
            .deployment
            .spec
            .freezes
            .iter()
            .map(|freeze| freeze.until)
            .filter(|until| *until <= self.now)
            .max();
        let since = self.deployment.shift.since;
        let since = thawed.map_or(since, |thawed| thawed.max(since));
        self.now.duration_since(since).as_secs()
    }
}

fn no_candidate() -> Decision {
    Decision::abort(AbortCause::PhaseFailed {
        reason: "the candidate's ECS service or task definition is missing".to_owned(),
    })
}

impl Analysis {
    /// The rules of a file that has conditions but no `analysis`: one look a minute.
    pub(super) fn conditions_only() -> Self {
        Self {
            interval_seconds: 60,
            threshold: 1,
            metrics: Vec::new(),
            min_requests: 10,
            freshness_seconds: 180,
            inconclusive_limit: 10,
            compare: None,
        }
    }
}

/// Checks of a bake, counted.
struct Tally {
    passed: u32,
    failed: u32,
    inconclusive: u32,
}

impl Tally {
    /// Counts one check, and says whether it is the last straw.
    fn count(&mut self, check: &Check, analysis: &Analysis) -> Option<AbortCause> {
        if let Some(condition) = &check.condition_breached {
            self.failed = self.failed.saturating_add(1);
            return Some(AbortCause::ConditionMet {
                condition: condition.clone(),
            });
        }
        match check.verdict {
            Verdict::Pass => {
                self.passed = self.passed.saturating_add(1);
                self.inconclusive = 0;
                None
            }
            Verdict::Fail => {
                self.failed = self.failed.saturating_add(1);
                self.inconclusive = 0;
                (self.failed >= analysis.threshold).then(|| AbortCause::AnalysisFailed {
                    reason: check.reason.clone(),
                })
            }
            Verdict::Inconclusive => {
                self.inconclusive = self.inconclusive.saturating_add(1);
                (self.inconclusive >= analysis.inconclusive_limit).then(|| AbortCause::AnalysisInconclusive {
                    reason: check.reason.clone(),
                })
            }
        }
    }
}

/// Where a list of suites stands.
pub(super) enum Suites {
    /// Every one ended with 0.
    AllPassed,
    /// This comes first.
    Undecided(Decision),
}

/// Runs suites one after the other; each one once, however often this is asked.
pub(super) fn run_suites(
    deployment: &Deployment,
    observation: &Observation,
    suites: &[SuiteName],
    now: Timestamp,
) -> Suites {
    let Some(plan) = &deployment.plan else {
        return Suites::Undecided(no_plan());
    };
    for suite in suites {
        match deployment.suites.get(suite) {
            Some(0) => continue,
            Some(code) => {
                let said = deployment
                    .suite_calls
                    .get(suite)
                    .and_then(|call| call.said.clone());
                let reason = match said {
                    Some(said) => format!("suite {} {said}", suite.0),
                    None => format!("suite {} ended with exit code {code}", suite.0),
                };
                return Suites::Undecided(Decision::abort(AbortCause::SuiteFailed { reason }));
            }
            None => {}
        }
        return Suites::Undecided(match deployment.spec.suite_functions.get(suite) {
            Some(function) => run_function(deployment, observation, suite, function, now),
            None => run_suite(deployment, plan, observation, suite, now),
        });
    }
    Suites::AllPassed
}

fn run_suite(
    deployment: &Deployment,
    plan: &Plan,
    observation: &Observation,
    suite: &SuiteName,
    now: Timestamp,
) -> Decision {
    let ended = |exit_code, log: &[String]| {
        Decision::record(vec![Event::SuiteEnded {
            suite: suite.clone(),
            exit_code,
            log: log.to_vec(),
        }])
    };
    let started = deployment.suites_started.get(suite);
    match (started, observation.suites.get(suite)) {
        (None, None | Some(_)) => Decision::record(vec![Event::SuiteStarted { suite: suite.clone() }]),
        (Some(_), Some(SuiteRun::Ended { exit_code, log })) => ended(*exit_code, log),
        // 127 as a shell says when a command can't be started.
        (Some(_), Some(SuiteRun::Broken { log })) => ended(127, log),
        (Some(_), run @ (None | Some(SuiteRun::Running { .. }))) => {
            if deployment.is_suite_overdue(suite, now) {
                return overdue(deployment, suite, run);
            }
            let run = Action::RunSuite {
                suite: suite.clone(),
                slot: plan.candidate,
                client_token: client_token(deployment, suite),
            };
            let actions = if observation.suites.contains_key(suite) {
                Vec::new()
            } else {
                vec![run]
            };
            Decision::act_and_wait(actions, POLL_SECONDS, format!("suite {} is running", suite.0))
        }
    }
}

/// Its task is left to run: stopped, it might leave behind what it was about to put away.
fn overdue(deployment: &Deployment, suite: &SuiteName, run: Option<&SuiteRun>) -> Decision {
    let seconds = deployment.spec.timeouts.suite_seconds;
    let log = match run {
        Some(SuiteRun::Running { log } | SuiteRun::Ended { log, .. } | SuiteRun::Broken { log }) => {
            log.clone()
        }
        None => Vec::new(),
    };
    let reason = did_not_end(suite, seconds);
    Decision::abort(AbortCause::SuiteFailed { reason }).after(vec![Event::SuiteOverdue {
        suite: suite.clone(),
        seconds,
        log,
    }])
}

/// ECS takes 64 characters at most.
fn client_token(deployment: &Deployment, suite: &SuiteName) -> String {
    let text = format!("{}/{}", deployment.id, suite.0);
    crate::hash::sha256_hex(text.as_bytes())
}
