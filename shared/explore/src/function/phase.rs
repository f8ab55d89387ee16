//! Phases and the rollback: load, observe, decide, persist, apply (`shared/lambda/src/phase.rs`,
//! `functions/plan`, `functions/rollback`).

use std::sync::Arc;

use tidegate_core::action::Action;
use tidegate_core::analysis::Verdict;
use tidegate_core::decision::{Decision, Outcome, QUIESCE_SECONDS};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::event::Event;
use tidegate_core::exit::{Exit, ExitState, Missing};
use tidegate_core::ids::Weight;
use tidegate_core::observation::{Observation, Question};
use tidegate_core::phases::{
    RollbackStep, cause_from_failure, decide, decide_rollback, decide_undo, make_plan, seconds_until,
};
use tidegate_core::spec::{Analysis, Spec, Strategy};
use tidegate_core::target::TargetState;
use tidegate_core::wiring::Forward;

use super::{After, Flow, Held, Invocation, Job, Op, Output, Status};
use crate::aws::Applying;
use crate::machine::Failure;
use crate::plant::Plant;
use crate::setting::index;
use crate::store::{Append, Commit};
use crate::world::World;

/// Rounds in one invocation of a phase or of the rollback.
const MAX_ROUNDS: u8 = 12;

/// Rounds of `plan`.
const PLAN_ROUNDS: u8 = 5;

impl Invocation {
    fn by(&self) -> &'static str {
        match &self.job {
            Job::Plan => Phase::Plan.as_str(),
            Job::Phase(phase) | Job::Undo(phase) => phase.as_str(),
            Job::Rollback { .. } => Phase::Rollback.as_str(),
            Job::Handle { .. }
            | Job::Gate { .. }
            | Job::Push { .. }
            | Job::Alarm
            | Job::Hear { .. }
            | Job::Decide { .. }
            | Job::Abort
            | Job::Deploy { .. }
            | Job::TakeBack
            | Job::Due
            | Job::Sweep { .. } => "",
        }
    }

    /// After the end: the abort handle is released, then the contract is scheduled that it leads to.
    fn release(&mut self, contract: bool) {
        self.ops.extend(contract.then_some(Op::Schedule));
        self.ops.push(Op::ReadHandle);
    }

    /// After the decision was recorded: its actions, then the answer.
    pub(super) fn follow_decision(&mut self) {
        self.ops.push(Op::Answer);
        for at in (0..self.actions.len()).rev() {
            self.ops.push(Op::Apply(at));
        }
    }
}

impl World {
    pub(super) fn next_round(&mut self, one: &mut Invocation) -> Flow {
        let most = if one.job == Job::Plan {
            PLAN_ROUNDS
        } else {
            MAX_ROUNDS
        };
        if one.rounds < most {
            return self.look_again(one);
        }
        if one.job == Job::Plan {
            return Flow::End(Err(Failure::CONFLICT));
        }
        Flow::End(Ok(Output::in_progress(5)))
    }

    /// Reads again, unless nothing was done since but to record what was decided. The write was
    /// conditional: it would have failed had somebody else written (`shared/lambda/src/phase.rs`).
    fn look_again(&mut self, one: &mut Invocation) -> Flow {
        let recorded = matches!(one.job, Job::Phase(_)) && one.actions.is_empty();
        let held = one.held.take().filter(|_| recorded);
        let Some(held) = held.filter(|held| held.deployment.exit.is_none()) else {
            one.read = None;
            one.ops.push(Op::Load);
            return Flow::On;
        };
        let question = Question::of(&held.deployment, one.clock(self.now));
        let covered = one.read.as_ref().is_some_and(|read| read.0.covers(&question));
        one.held = Some(held);
        if covered {
            return self.conclude(one);
        }
        self.ask_aws(one);
        Flow::On
    }

    /// The reads of a forward phase.
    fn ask_aws(&self, one: &mut Invocation) {
        one.ops.push(Op::Observe);
        if one.job == Job::Phase(Phase::Shift) && self.setting.balanced() {
            one.ops.push(Op::Forward);
        }
    }

    /// Head and target, and whether there is anything to do.
    pub(super) fn load(&mut self, one: &mut Invocation) -> Flow {
        let Some(head) = self.store.heads.get(one.deployment) else {
            return Flow::End(Err(Failure("NotFound")));
        };
        let held = Held {
            deployment: Arc::clone(&head.deployment),
            target: Arc::clone(&self.store.target),
            version: self.store.version,
        };
        let deployment = &held.deployment;
        if let Some(exit) = &deployment.exit {
            if one.job == Job::Phase(Phase::Complete) && exit.state == ExitState::Completed {
                one.release(deployment.contract_plan().is_some());
                return Flow::On;
            }
            return Flow::End(over(&one.job, exit.state));
        }
        if held.target.fences(&deployment.id, deployment.epoch) {
            return Flow::End(Err(Failure::STALE));
        }
        let tidying = held.target.tidying(one.clock(self.now));
        let tidying = tidying.filter(|_| self.plant != Some(Plant::ScalesInLate));
        if let Some(seconds) = tidying.filter(|_| one.job == Job::Phase(Phase::Shift)) {
            let reason = "a sweep may still be stopping the tasks that were idle";
            let decision = Decision::wait(seconds, reason).explained(deployment);
            return self.prepare(one, held, decision);
        }
        let balanced = self.setting.balanced();
        one.ops.push(Op::Observe);
        match &one.job {
            Job::Plan if deployment.plan.is_some() => return Flow::End(Ok(Output::DONE)),
            Job::Plan => one.ops.extend([Op::Forward, Op::Link]),
            Job::Phase(Phase::Shift) if balanced => one.ops.push(Op::Forward),
            Job::Rollback { .. } if deployment.rollback.is_none() => {
                one.ops.pop();
                one.held = Some(held);
                return self.begin_rollback(one);
            }
            Job::Rollback { step, .. } if balanced && *step != RollbackStep::Fail => {
                one.ops.push(Op::Forward)
            }
            _ => {}
        }
        one.held = Some(held);
        Flow::On
    }

    pub(super) fn link(&mut self, one: &mut Invocation) -> Flow {
        if let Some(head) = self.store.heads.get_mut(one.deployment) {
            head.watches = true;
        }
        Flow::On
    }

    /// Raises the epoch; the commit follows.
    fn begin_rollback(&mut self, one: &mut Invocation) -> Flow {
        let (Some(held), Job::Rollback { failure, .. }) = (&one.held, &one.job) else {
            return Flow::On;
        };
        let now = one.clock(self.now);
        let head = &held.deployment;
        let cause = match &head.abort {
            Some(abort) => abort.cause.clone(),
            None => cause_from_failure(head, failure.0, "", now),
        };
        let mut target = (*held.target).clone();
        let Some(epoch) = target.raise_epoch(&head.id) else {
            return Flow::End(Err(Failure::STALE));
        };
        one.draft = Some(Box::new(Commit {
            append: Some(Append {
                index: one.deployment,
                seq: head.seq,
                events: vec![Event::RollbackStarted { epoch, cause }],
                by: one.by().into(),
                at: now,
            }),
            target: Some((held.version, target)),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Begin));
        Flow::On
    }

    /// Reads the rest, decides, and prepares what is to be recorded.
    pub(super) fn observe(&mut self, one: &mut Invocation) -> Flow {
        let Some(held) = &one.held else {
            return Flow::End(Err(Failure("NotFound")));
        };
        if matches!(one.job, Job::Phase(_)) {
            let question = Question::of(&held.deployment, one.clock(self.now));
            let forward = self.believed(one.forward.take(), &held.deployment);
            let clock = one.clock(self.now);
            let mut seen = self.observe_phase(one.deployment, &held.deployment, &question, forward, clock);
            if let Some(change) = question.proposal() {
                let proposed =
                    self.proposal_seen(one.deployment, change, one.heard.as_ref() == Some(&change.id));
                seen.proposals.insert(change.id.clone(), proposed);
            }
            seen.security = question
                .security()
                .then(|| self.observe_security(&held.deployment));
            seen.suite_answers = one.suite_answers.clone();
            if question.cost() {
                seen.cost = self.observe_cost(&held.deployment);
            }
            seen.http = self.observe_pages(&held.deployment, &question);
            one.read = Some(Arc::new((question, seen)));
        }
        self.conclude(one)
    }

    /// Decides, and prepares what is to be recorded.
    fn conclude(&mut self, one: &mut Invocation) -> Flow {
        let Some(held) = one.held.take() else {
            return Flow::End(Err(Failure("NotFound")));
        };
        let mut decision = self.decide(one, &held.deployment);
        self.break_decision(one, &held.deployment, &mut decision);
        self.prepare(one, held, decision)
    }

    /// Prepares what is to be recorded, done and answered.
    fn prepare(&mut self, one: &mut Invocation, held: Held, mut decision: Decision) -> Flow {
        one.drafted_skew = one.skew;
        one.then = match &one.job {
            Job::Phase(phase) => held.deployment.after(*phase),
            Job::Undo(phase) => held.deployment.after_undo(Some(*phase)),
            Job::Rollback {
                step: RollbackStep::Reassert,
                ..
            } => held.deployment.after_undo(None),
            _ => None,
        };
        one.gate_left = gate_left(&held.deployment, &decision.outcome, one.clock(self.now));
        one.quiesced_at = decision
            .events
            .iter()
            .find_map(|event| match event {
                Event::TrafficReturned { quiesced_at } => Some(*quiesced_at),
                _ => None,
            })
            .or_else(|| held.deployment.rollback.as_ref()?.quiesced_at);
        let exit = self.exit_of(one, &held, &decision);
        one.exited = exit.is_some();
        one.actions = std::mem::take(&mut decision.actions);
        let wanted = decision.outcome.clone();
        one.draft = self.draft(one, &held, decision.events, exit);
        one.held = Some(held);
        one.outcome = Some(wanted);
        match one.draft {
            Some(_) => one.ops.push(Op::Send(After::Phase)),
            None => one.follow_decision(),
        }
        Flow::On
    }

    fn decide(&self, one: &mut Invocation, deployment: &Deployment) -> Decision {
        let now = one.clock(self.now);
        let mut changed;
        let deployment = match self.plant {
            Some(plant) => {
                changed = deployment.clone();
                forget_rules(plant, &mut changed.spec);
                &changed
            }
            None => deployment,
        };
        let forward = one.forward.take();
        match &one.job {
            Job::Plan => {
                let mut observation = self.observe_plan(deployment, forward);
                observation.contracts = self.store.target.contracts();
                make_plan(deployment, self.setting.wiring.clone(), &observation, now)
            }
            Job::Phase(phase) => {
                let nothing = Observation::default();
                let seen = one.read.as_deref().map_or(&nothing, |read| &read.1);
                decide(*phase, deployment, seen, now)
            }
            Job::Undo(phase) => {
                let question = Question::undo(deployment, *phase);
                let observation = Observation {
                    changes: self.observe_change(one.deployment, deployment, &question, now),
                    ..Observation::default()
                };
                decide_undo(*phase, deployment, &observation, now)
            }
            Job::Rollback { step, .. } => {
                let observation = self.observe_rollback(*step, deployment, forward);
                let quiesced = deployment.rollback.as_ref().and_then(|one| one.quiesced_at);
                let now = match (self.plant, quiesced) {
                    (Some(Plant::DoesNotQuiesce), Some(at)) => now.max(at),
                    _ => now,
                };
                decide_rollback(*step, deployment, &observation, now)
            }
            _ => Decision::only(Outcome::Done),
        }
    }

    /// The listener rule that a phase goes by: the real one.
    fn believed(&self, forward: Option<Forward>, deployment: &Deployment) -> Option<Forward> {
        let blind = self.plant == Some(Plant::CompletesUnconverged) && is_last_step(deployment);
        let Some(plan) = deployment.plan.as_ref().filter(|_| blind) else {
            return forward;
        };
        let groups = &plan.wiring.balancer.as_ref()?.target_groups;
        let candidate = groups.get(&plan.candidate)?;
        let stable = groups.get(&plan.candidate.other())?;
        forward?.with_weight(candidate, stable, deployment.shift.weight)
    }

    fn observe_rollback(
        &self,
        step: RollbackStep,
        deployment: &Deployment,
        forward: Option<Forward>,
    ) -> Observation {
        let Some(plan) = deployment.plan.as_ref().filter(|_| step != RollbackStep::Fail) else {
            return Observation::default();
        };
        let at_rest = plan
            .stable
            .as_ref()
            .is_some_and(|stable| self.aws.weights[index(stable.slot)] == 100);
        let blind = match self.plant {
            Some(Plant::AbortLeavesWeights) => true,
            Some(Plant::AbortKeepsAFloor) => (1..=FLOOR).contains(&self.aws.weights[index(plan.candidate)]),
            Some(Plant::BelievesItsWeights) => deployment.shift.weight == Weight::ZERO,
            Some(Plant::DoesNotReassert) => step != RollbackStep::Traffic,
            Some(Plant::ReturnsToCandidate) => {
                self.aws.weights[index(plan.candidate)] == 100 && deployment.took_traffic()
            }
            Some(Plant::RestoresWeightsOnly) => at_rest,
            _ => false,
        };
        Observation {
            slots: self.observe_slots(),
            forward: if blind {
                plan.forward_before.clone()
            } else {
                forward
            },
            ..Observation::default()
        }
    }

    fn break_decision(&self, one: &Invocation, deployment: &Deployment, decision: &mut Decision) {
        let first = deployment.plan.as_ref().is_some_and(|plan| plan.stable.is_none());
        match self.plant {
            Some(Plant::UndoesOnPaper) if matches!(one.job, Job::Undo(_)) => {
                decision.actions.clear();
                for event in &mut decision.events {
                    if let Event::UndoStarted { id } = event {
                        *event = Event::ChangeUndone {
                            id: id.clone(),
                            detail: "so it is said".to_owned(),
                        };
                    }
                }
            }
            Some(Plant::PassesMissingData) => {
                for event in &mut decision.events {
                    if let Event::Checked {
                        check,
                        passed,
                        inconclusive,
                        ..
                    } = event
                        && check.verdict == Verdict::Inconclusive
                    {
                        check.verdict = Verdict::Pass;
                        *passed += 1;
                        *inconclusive = 0;
                    }
                }
            }
            Some(Plant::PassesOnErrors) if !matches!(decision.outcome, Outcome::Abort(_)) => {
                for event in &mut decision.events {
                    if let Event::Checked { check, passed, .. } = event
                        && check.verdict == Verdict::Fail
                    {
                        check.verdict = Verdict::Pass;
                        *passed += 1;
                    }
                }
            }
            Some(Plant::CompletesUnconverged) if one.job == Job::Phase(Phase::Shift) => {
                let raises = |action: &Action| matches!(action, Action::SetTrafficWeight { .. });
                if is_last_step(deployment) && decision.actions.iter().any(raises) {
                    decision.events.push(Event::WeightReached {
                        step: deployment.shift.step,
                        weight: Weight::FULL,
                    });
                }
            }
            Some(Plant::AbortKeepsAFloor) => keep_a_floor(one, deployment, decision),
            Some(Plant::RollsBackToNothing) if first => {
                if let Outcome::RollbackFailed { reason, .. } = &decision.outcome {
                    let exit = Exit {
                        state: ExitState::RolledBack,
                        at: one.clock(self.now),
                        reason: reason.clone(),
                        remedy: None,
                    };
                    *decision = Decision::record(vec![Event::Exited { exit }]);
                }
            }
            Some(Plant::ScalesStableInEarly) if one.job == Job::Phase(Phase::Complete) => {
                if let Some(plan) = deployment.plan.as_ref().filter(|_| self.setting.two_slots()) {
                    decision.actions.push(Action::SetDesiredCount {
                        slot: plan.candidate.other(),
                        desired: 0,
                    });
                }
            }
            Some(Plant::ReturnsToCandidate) => {
                for action in &mut decision.actions {
                    if let (Action::SetTrafficWeight { forward }, Job::Rollback { .. }) = (action, &one.job) {
                        for (_, weight) in &mut forward.target_groups {
                            *weight = 100 - *weight;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The exit that a decision means, where it means one.
    fn exit_of(&self, one: &Invocation, held: &Held, decision: &Decision) -> Option<Exit> {
        let now = one.clock(self.now);
        match &decision.outcome {
            Outcome::Blocked(missing) => return Some(Exit::blocked(missing, &held.deployment, now)),
            Outcome::RollbackFailed { reason, remedy } => {
                return Some(Exit {
                    state: ExitState::RollbackFailed,
                    at: now,
                    reason: reason.clone(),
                    remedy: Some(remedy.clone()),
                });
            }
            _ => {}
        }
        decision.events.iter().find_map(|event| match event {
            Event::Exited { exit } => Some(exit.clone()),
            _ => None,
        })
    }

    /// What is to be recorded; nothing where nothing happened.
    fn draft(
        &self,
        one: &mut Invocation,
        held: &Held,
        mut events: Vec<Event>,
        mut exit: Option<Exit>,
    ) -> Option<Box<Commit>> {
        let now = one.clock(self.now);
        if one.job == Job::Plan {
            if let (None, Some(abort)) = (&exit, &held.deployment.abort) {
                // Someone stopped it before it began: nothing was touched.
                let missing = [Missing {
                    what: abort.cause.describe(),
                    remedy: "deploy again when it is time".to_owned(),
                    notify: Vec::new(),
                }];
                exit = Some(Exit::blocked(&missing, &held.deployment, now));
                one.outcome = Some(Outcome::Blocked(missing.to_vec()));
                one.exited = true;
            }
            events.retain(|event| matches!(event, Event::Planned { .. }) && exit.is_none());
        }
        let mut commit = Commit::default();
        match exit {
            Some(exit) => {
                if !events.iter().any(|event| matches!(event, Event::Exited { .. })) {
                    events.push(Event::Exited { exit: exit.clone() });
                }
                commit.target = Some((held.version, self.released(held, &events, &exit, now)));
            }
            None if events.is_empty() => return None,
            None => commit.fence = Some((held.deployment.id.clone(), held.deployment.epoch)),
        }
        commit.append = Some(Append {
            index: one.deployment,
            seq: held.deployment.seq,
            events,
            by: one.by().into(),
            at: now,
        });
        Some(Box::new(commit))
    }

    fn released(&self, held: &Held, events: &[Event], exit: &Exit, now: jiff::Timestamp) -> TargetState {
        let mut deployment = (*held.deployment).clone();
        for event in events {
            deployment.apply(event, now);
        }
        let mut target = (*held.target).clone();
        let lock = target.lock.clone();
        target.release(&deployment, exit);
        match self.plant {
            Some(Plant::KeepsTheLock) if exit.state == ExitState::RolledBack => target.lock = lock,
            Some(Plant::ForgetsQuarantine) => target.quarantine.clear(),
            _ => {}
        }
        target
    }

    pub(super) fn apply(&mut self, one: &mut Invocation, at: usize) -> Flow {
        if self.looked(one, at) || self.nothing_to_set(one, at) {
            return Flow::On;
        }
        let Some(action) = one.actions.get(at) else {
            return Flow::On;
        };
        let applying = Applying {
            setting: &self.setting,
            script: &self.script,
            plant: self.plant,
            deployment: one.deployment,
            maker: self.maker_at(one.deployment),
            image: self.image_at(one.deployment),
            now: self.now,
        };
        self.aws.apply(action, &applying);
        if let Action::CallSuite { suite, attempt, .. } = action {
            let head = self.store.heads.get(one.deployment);
            let answer = head.and_then(|head| self.suite_answer(&head.deployment, *attempt));
            let answer = answer.map(|answer| (suite.clone(), answer));
            one.suite_answers.extend(answer);
        } else if let Some(change) = action.proposal() {
            one.heard = Some(change.id.clone());
        }
        if self.aws.weights != [100, 0] && self.aws.weights.iter().sum::<u32>() != 100 {
            let weights = self.aws.weights;
            self.fail(2, format!("the weights are {weights:?}"));
        }
        Flow::On
    }

    pub(super) fn answer(&mut self, one: &mut Invocation) -> Flow {
        let Some(outcome) = one.outcome.take() else {
            return Flow::End(Ok(Output::DONE));
        };
        let rollback = matches!(one.job, Job::Rollback { .. });
        let output = match outcome {
            Outcome::Continue => {
                one.rounds += 1;
                return self.next_round(one);
            }
            Outcome::RollbackFailed { .. } if rollback => {
                one.rounds += 1;
                return self.next_round(one);
            }
            Outcome::Done if rollback && one.exited => {
                one.rounds += 1;
                return self.next_round(one);
            }
            Outcome::Done if rollback => {
                let left = one.quiesced_at.map_or(0, |at| {
                    let left = at.duration_since(one.clock(self.now)).as_secs() + 1;
                    u32::try_from(left).unwrap_or(0)
                });
                let wait = match self.plant {
                    Some(Plant::DoesNotQuiesce) => 1,
                    Some(Plant::QuiescesByItsClock) => left.max(1),
                    // All of it, by the state machine's clock: what is left by the journal may be told
                    // by another clock than this one's.
                    _ => u32::try_from(QUIESCE_SECONDS).unwrap_or(u32::MAX),
                };
                Output {
                    wait_seconds: wait,
                    next: one.then,
                    ..Output::DONE
                }
            }
            Outcome::Done if one.job == Job::Phase(Phase::Complete) => {
                let head = self.store.heads.get(one.deployment);
                one.release(head.is_some_and(|head| head.deployment.contract_plan().is_some()));
                return Flow::On;
            }
            Outcome::Done => Output {
                next: one.then,
                ..Output::DONE
            },
            Outcome::Wait { seconds, .. } => Output::in_progress(seconds),
            Outcome::AwaitingApproval { .. } => Output {
                status: Status::AwaitingApproval,
                wait_seconds: one.gate_left.unwrap_or(1).max(1),
                ..Output::DONE
            },
            Outcome::Blocked(_) => Output::at_once(Status::Blocked, Some(ExitState::Blocked)),
            Outcome::Abort(_) => return Flow::End(Err(Failure::ABORT)),
            Outcome::RollbackFailed { .. } => {
                Output::at_once(Status::Failed, Some(ExitState::RollbackFailed))
            }
        };
        Flow::End(Ok(output))
    }
}

/// What a rollback that keeps a floor leaves the candidate, percent.
const FLOOR: u32 = 10;

/// A rollback that leaves the candidate a share for the tasks that it keeps.
fn keep_a_floor(one: &Invocation, deployment: &Deployment, decision: &mut Decision) {
    let plan = deployment.plan.as_ref();
    let balancer = plan.and_then(|plan| plan.wiring.balancer.as_ref());
    let (Some(plan), Some(balancer), Job::Rollback { .. }) = (plan, balancer, &one.job) else {
        return;
    };
    let candidate = balancer.target_groups.get(&plan.candidate);
    for action in &mut decision.actions {
        if let Action::SetTrafficWeight { forward } = action {
            for (arn, weight) in &mut forward.target_groups {
                *weight = if Some(&*arn) == candidate {
                    FLOOR
                } else {
                    100 - FLOOR
                };
            }
        }
    }
}

/// Takes away the rules that a break does not look at.
fn forget_rules(plant: Plant, spec: &mut Spec) {
    if plant == Plant::IgnoresFreezes {
        spec.freezes.clear();
    } else if plant == Plant::SkipsSmoke {
        spec.post_deployment_tests.clear();
    } else if plant == Plant::BakesUnmeasured {
        spec.auto_rollback.conditions.clear();
        if let Some(analysis) = analysis_of(spec) {
            *analysis = None;
        }
    } else if plant == Plant::PassesOnErrors
        && let Some(Some(analysis)) = analysis_of(spec)
    {
        // The bake is over before the limits are reached.
        (analysis.threshold, analysis.inconclusive_limit) = (1000, 1000);
    }
}

/// Where a strategy that measures keeps its rules.
fn analysis_of(spec: &mut Spec) -> Option<&mut Option<Analysis>> {
    match &mut spec.strategy {
        Strategy::Canary(steps) | Strategy::Linear(steps) => Some(&mut steps.analysis),
        Strategy::BlueGreen(bluegreen) => Some(&mut bluegreen.analysis),
        Strategy::Rolling | Strategy::Recreate => None,
    }
}

fn is_last_step(deployment: &Deployment) -> bool {
    let steps = deployment.plan.as_ref().map_or(0, |plan| plan.steps.len());
    deployment.shift.step + 1 >= steps
}

/// What is told of a deployment that has ended.
fn over(job: &Job, exit: ExitState) -> Result<Output, Failure> {
    match (job, exit) {
        (Job::Rollback { .. }, ExitState::RollbackFailed) => Ok(Output::at_once(Status::Failed, Some(exit))),
        (Job::Rollback { .. }, _) | (Job::Phase(Phase::Complete), ExitState::Completed) => {
            Ok(Output::at_once(Status::Done, Some(exit)))
        }
        (Job::Plan, ExitState::Blocked) => Ok(Output::at_once(Status::Blocked, Some(exit))),
        (_, _) => Err(Failure::STALE),
    }
}

/// Seconds that a gate is still open.
fn gate_left(deployment: &Deployment, outcome: &Outcome, now: jiff::Timestamp) -> Option<u32> {
    let Outcome::AwaitingApproval { before } = outcome else {
        return None;
    };
    let rule = deployment.gate_rule(*before);
    deployment
        .gates
        .get(before)
        .map(|gate| seconds_until(now, gate.expires_at))
        .or_else(|| rule.map(|gate| gate.expires_seconds))
}
