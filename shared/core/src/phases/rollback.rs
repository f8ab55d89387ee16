//! Rollback: traffic first, then wait out what may still be running, then tidy up.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ending::ended;
use super::{later, seconds_until};
use crate::action::Action;
use crate::change::alarms_made;
use crate::decision::{Decision, Outcome, POLL_SECONDS, QUIESCE_SECONDS};
use crate::deployment::{Deployment, Kind, Plan, Rollback, StableRevision, Traffic};
use crate::event::Event;
use crate::exit::AbortCause;
use crate::ids::{Slot, Weight};
use crate::observation::{AlarmState, Observation, Rollout, SlotState};

/// What a person does where ECS does not show what was asked of it.
const LOOK_AT_SERVICE: &str =
    "look at the events of the ECS service and at what else sets its tasks (autoscaling, another pipeline)";

/// Between two looks at stable while it is watched: it is healthy, and nothing is decided before the end.
const BAKE_POLL_SECONDS: u32 = 60;

/// So much longer than the file says, alarms that can't be read are asked for.
const UNREAD_SECONDS: i64 = 300;

/// A state of `rollback.asl.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RollbackStep {
    /// Return traffic to stable.
    Traffic,
    /// Read back after the quiesce time.
    Reassert,
    /// Scale the candidate in and check stable.
    Restore,
    /// Everything else failed: record it so that a person is called.
    Fail,
}

/// Decides one state of the rollback. Freezes and windows do not apply here.
pub fn decide_rollback(
    step: RollbackStep,
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    if deployment.exit.is_some() {
        return Decision::only(Outcome::Done);
    }
    let Some(rollback) = &deployment.rollback else {
        return failed(
            "the rollback was not started under an epoch of its own",
            "start it again",
        );
    };
    let decision = match (&deployment.plan, step) {
        (_, RollbackStep::Fail) => failed(
            "the rollback's own functions failed",
            "look at the weights of the listener rule and at the rollback's execution",
        ),
        // Nothing was planned, so nothing was touched.
        (None, RollbackStep::Traffic | RollbackStep::Reassert) => Decision::only(Outcome::Done),
        (None, RollbackStep::Restore) => ended(deployment, now),
        // A contract moves no traffic and starts no tasks that stay: there is none to return.
        (Some(_), RollbackStep::Traffic | RollbackStep::Reassert) if deployment.kind.is_contract() => {
            Decision::only(Outcome::Done)
        }
        (Some(_), RollbackStep::Restore) if deployment.kind.is_contract() => ended(deployment, now),
        (Some(plan), step) => {
            let round = Round {
                deployment,
                plan,
                rollback,
                observation,
                now,
            };
            match step {
                RollbackStep::Traffic => round.decide_traffic(),
                RollbackStep::Reassert => round.decide_reassert(),
                RollbackStep::Restore | RollbackStep::Fail => round.decide_restore(),
            }
        }
    };
    decision.explained(deployment)
}

/// The machine's own name for a timeout within a lane: one that begins with `States.` may not leave it
/// by a Fail state (Amazon States Language, "Errors"), and not every interpreter lets it out at all.
const TIMED_OUT: &str = "TimedOut";

/// What stopped the forward path, where nobody wrote a wish to stop: from the error that the state
/// machine caught.
pub fn cause_from_failure(deployment: &Deployment, error: &str, cause: &str, now: Timestamp) -> AbortCause {
    let expired = deployment
        .gates
        .values()
        .find(|gate| gate.passed_at.is_none() && now >= gate.expires_at);
    if let Some(gate) = expired {
        return AbortCause::ApprovalExpired {
            expired_at: gate.expires_at,
        };
    }
    if matches!(error, TIMED_OUT | "States.Timeout") {
        return AbortCause::TimedOut;
    }
    let cause: String = message_of(cause).chars().take(400).collect();
    AbortCause::PhaseFailed {
        reason: format!("{error}: {cause}"),
    }
}

/// Step Functions gives a function's failure as the text of its whole error payload (AWS Lambda
/// Developer Guide, "Handling errors in Step Functions"); people are told the message in it.
fn message_of(cause: &str) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload {
        error_message: String,
    }
    serde_json::from_str::<Payload>(cause).map_or_else(|_| cause.to_owned(), |payload| payload.error_message)
}

pub(super) fn failed(reason: &str, remedy: &str) -> Decision {
    Decision::only(Outcome::RollbackFailed {
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
    })
}

/// Invariant 21 for a stable revision whose service somebody deleted.
fn stable_is_gone() -> Decision {
    failed(
        "the ECS service of the stable revision is gone",
        "create it again or set what should serve in the console; the candidate keeps its traffic",
    )
}

struct Round<'a> {
    deployment: &'a Deployment,
    plan: &'a Plan,
    rollback: &'a Rollback,
    observation: &'a Observation,
    now: Timestamp,
}

impl Round<'_> {
    fn slot(&self, slot: Slot) -> Option<&SlotState> {
        self.observation.slots.get(&slot)
    }

    fn decide_traffic(&self) -> Decision {
        if self.rollback.traffic_back_at.is_some() {
            return Decision::only(Outcome::Done);
        }
        self.return_traffic().unwrap_or_else(|| {
            let quiesced_at = later(self.now, QUIESCE_SECONDS);
            Decision {
                events: vec![Event::TrafficReturned { quiesced_at }],
                actions: Vec::new(),
                outcome: Outcome::Done,
            }
        })
    }

    fn decide_reassert(&self) -> Decision {
        if self.rollback.reasserted_at.is_some() {
            return Decision::only(Outcome::Done);
        }
        let quiesced_at = self
            .rollback
            .quiesced_at
            .unwrap_or_else(|| later(self.now, QUIESCE_SECONDS));
        if self.now < quiesced_at {
            let seconds = seconds_until(self.now, quiesced_at);
            return Decision::wait(
                seconds,
                "waiting out functions of the old epoch that may still run",
            );
        }
        match self.return_traffic() {
            // A stale function wrote after us. Its time is over now, but read once more.
            Some(again) => again.after(vec![Event::TrafficReturned {
                quiesced_at: later(self.now, 5),
            }]),
            None => Decision {
                events: vec![Event::TrafficReasserted],
                actions: Vec::new(),
                outcome: Outcome::Done,
            },
        }
    }

    /// What is still to do for the traffic; nothing where it is back.
    fn return_traffic(&self) -> Option<Decision> {
        let Some(stable) = &self.plan.stable else {
            return self.without_stable();
        };
        match self.plan.traffic {
            Traffic::Weighted => self.return_weights(stable),
            Traffic::Tasks => self.return_tasks(stable),
            Traffic::Rolling | Traffic::Recreate => self.return_service(stable),
        }
    }

    /// Invariant 21: with nothing to return to, traffic stays where it is and a person is called.
    fn without_stable(&self) -> Option<Decision> {
        self.deployment.took_traffic().then(|| {
            failed(
                "this was the first deployment: there is no stable revision to return to, and the candidate keeps its traffic",
                "deploy a good image, or take the service down yourself",
            )
        })
    }

    fn return_weights(&self, stable: &StableRevision) -> Option<Decision> {
        let Some(before) = &self.plan.forward_before else {
            return Some(failed(
                "the listener rule was not recorded",
                "set its weights yourself",
            ));
        };
        if self.observation.forward.as_ref() == Some(before) {
            return None;
        }
        if let Some(decision) = self.stable_must_serve(stable) {
            return Some(decision);
        }
        if self.overdue() {
            return Some(failed(
                "the listener rule does not take the weights back",
                "set stable's target group to 100 in the console",
            ));
        }
        let weights = before.target_groups.iter().map(|(_, weight)| *weight).collect();
        let restored = Event::ForwardActionRestored { weights };
        let asked = self.observation.forward.is_some();
        let events = if asked { vec![restored] } else { Vec::new() };
        let act = Decision::act(vec![Action::SetTrafficWeight {
            forward: before.clone(),
        }]);
        Some(act.after(events))
    }

    /// Stable is never scaled in, so this waits only after a completed deployment's window, after another
    /// deployment used its slot since, or when someone else stopped stable's tasks: traffic towards
    /// nothing would be an outage. A candidate that is being stopped is worse than a few of stable's
    /// tasks; what has completed serves until all of them are healthy.
    fn stable_must_serve(&self, stable: &StableRevision) -> Option<Decision> {
        let Some(state) = self.slot(stable.slot) else {
            return Some(stable_is_gone());
        };
        let enough = match self.deployment.kind {
            Kind::Forward | Kind::Contract { .. } => 1,
            Kind::Reversal { .. } => stable.desired.max(1),
        };
        let wrong = state.desired < enough || state.task_definition != stable.task_definition;
        if state.healthy >= enough && !wrong {
            return None;
        }
        if self.overdue() {
            let healthy = state.healthy;
            let reason = match wrong || healthy == 0 {
                true => "the stable revision has no healthy target to take the traffic".to_owned(),
                false => {
                    format!("the stable revision has {healthy} of {enough} healthy targets for the traffic")
                }
            };
            return Some(failed(
                &reason,
                "look at the stable slot's stopped tasks; the candidate keeps its traffic",
            ));
        }
        let reason = format!("stable's tasks are starting: {} healthy", state.healthy);
        let actions = if wrong {
            vec![self.restore_service(stable)]
        } else {
            Vec::new()
        };
        Some(Decision::act_and_wait(actions, POLL_SECONDS, reason))
    }

    fn restore_service(&self, stable: &StableRevision) -> Action {
        Action::UpdateService {
            slot: stable.slot,
            task_definition: stable.task_definition.clone(),
            desired: stable.desired,
            grace_seconds: None,
            circuit_breaker: true,
        }
    }

    fn return_tasks(&self, stable: &StableRevision) -> Option<Decision> {
        if let Some(decision) = self.stable_must_serve(stable) {
            return Some(decision);
        }
        let state = self.slot(stable.slot)?;
        let candidate = self.slot(stable.slot.other());
        if state.desired < stable.desired {
            let restore = vec![self.restore_service(stable)];
            let started = Decision::act_and_wait(restore, POLL_SECONDS, "stable's tasks are starting");
            let what = "stable's ECS service does not take its tasks back";
            return Some(self.in_time(started, what, LOOK_AT_SERVICE));
        }
        if candidate.is_some_and(|slot| slot.desired > 0) {
            let stop = Action::SetDesiredCount {
                slot: stable.slot.other(),
                desired: 0,
            };
            let what = "the candidate's ECS service does not stop its tasks";
            return Some(self.in_time(Decision::act(vec![stop]), what, LOOK_AT_SERVICE));
        }
        None
    }

    /// The decision, or a call for a person where the same was decided for too long: someone else, an
    /// autoscaler say, undoes it each time.
    fn in_time(&self, decision: Decision, what: &str, remedy: &str) -> Decision {
        if self.overdue() {
            return failed(what, remedy);
        }
        decision
    }

    /// ECS moves traffic with the tasks: it is back when only stable's tasks are left, not when ECS
    /// was told so.
    fn return_service(&self, stable: &StableRevision) -> Option<Decision> {
        let Some(state) = self.slot(stable.slot) else {
            return Some(stable_is_gone());
        };
        let asked = state.task_definition == stable.task_definition && state.desired >= stable.desired;
        if !asked {
            let restore = Decision::act(vec![self.restore_service(stable)]);
            let what = "the ECS service does not go back to stable's task definition and tasks";
            return Some(self.in_time(restore, what, LOOK_AT_SERVICE));
        }
        if state.rollout == Rollout::Completed && state.healthy >= stable.desired {
            return None;
        }
        let seen = format!(
            "{} of {} of stable's tasks are healthy",
            state.healthy, stable.desired
        );
        if self.overdue() {
            return Some(failed(
                &seen,
                "look at the stopped tasks of the ECS service and their logs",
            ));
        }
        Some(Decision::wait(POLL_SECONDS, seen))
    }

    fn decide_restore(&self) -> Decision {
        if let Some(decision) = self.scale_in() {
            return decision;
        }
        let Some(stable) = &self.plan.stable else {
            return ended(self.deployment, self.now);
        };
        let healthy = self.slot(stable.slot).map_or(0, |slot| slot.healthy);
        if let Some(until) = self.rollback.baked_until {
            return self.bake(until, healthy, stable.desired);
        }
        if healthy >= stable.desired {
            return self
                .begin_bake()
                .unwrap_or_else(|| ended(self.deployment, self.now));
        }
        if self.overdue() {
            return failed(
                &format!("stable has {healthy} of {} healthy targets", stable.desired),
                "traffic is on stable; look at its stopped tasks and their logs",
            );
        }
        Decision::wait(
            POLL_SECONDS,
            format!("stable has {healthy} of {} healthy targets", stable.desired),
        )
    }

    /// Where the file asks for it and traffic was elsewhere, stable has to show that it does well again.
    fn begin_bake(&self) -> Option<Decision> {
        let seconds = self.deployment.spec.auto_rollback.bake_seconds?;
        let moved = self.deployment.took_traffic() || self.deployment.kind.is_reversal();
        let until = later(self.now, seconds.into());
        moved.then(|| Decision::record(vec![Event::StableBakeStarted { until }]))
    }

    /// What counts is how stable stands at the end: an alarm takes its time to see that it is over.
    fn bake(&self, until: Timestamp, healthy: u32, desired: u32) -> Decision {
        if self.now < until {
            let left = seconds_until(self.now, until).min(BAKE_POLL_SECONDS);
            return Decision::wait(left, "traffic is on stable, which is watched for a while");
        }
        let unread: Vec<&str> = self.alarms_of_stable(AlarmState::Unreadable);
        if !unread.is_empty() && self.now < later(until, UNREAD_SECONDS) {
            return Decision::wait(
                BAKE_POLL_SECONDS,
                format!("can't be read: alarm {}", unread.join(", ")),
            );
        }
        let firing = self.alarms_of_stable(AlarmState::Alarm);
        let mut wrong = Vec::new();
        if healthy < desired {
            wrong.push(format!("stable has {healthy} of {desired} healthy targets"));
        }
        wrong.extend(firing.iter().map(|name| format!("alarm {name} is in ALARM")));
        wrong.extend(unread.iter().map(|name| format!("alarm {name} can't be read")));
        if wrong.is_empty() {
            let alarms = self.alarms_of_stable(AlarmState::Ok).len();
            let detail = format!("{healthy} of {desired} healthy targets, {alarms} alarms OK");
            return ended(self.deployment, self.now).after(vec![Event::StableBaked { detail }]);
        }
        failed(
            &format!(
                "traffic is on stable, but it does not do well: {}",
                wrong.join("; ")
            ),
            "the candidate may not be the cause, or something that it changed stays: look at stable's tasks, \
             their logs and these alarms",
        )
    }

    /// The watched alarms in that state, but for those of the candidate's slot, which nobody uses now,
    /// and those that this deployment made and that went with it.
    fn alarms_of_stable(&self, state: AlarmState) -> Vec<&str> {
        let target = &self.deployment.target;
        let slot = format!(
            "{}-{}-{}-",
            target.service, target.environment, self.plan.candidate
        );
        let made = alarms_made(target, &self.deployment.spec, &self.plan.wiring);
        let alarms = self
            .observation
            .alarms
            .iter()
            .filter(|alarm| alarm.state == state);
        alarms
            .map(|alarm| alarm.name.as_str())
            .filter(|name| !name.starts_with(&slot))
            .filter(|name| state != AlarmState::Unreadable || !made.iter().any(|own| own == name))
            .collect()
    }

    fn scale_in(&self) -> Option<Decision> {
        if self.rollback.scaled_in_at.is_some() {
            return None;
        }
        match self.plan.traffic {
            // One service: what runs there is stable.
            Traffic::Rolling | Traffic::Recreate if self.plan.stable.is_some() => None,
            Traffic::Weighted | Traffic::Tasks | Traffic::Rolling | Traffic::Recreate => {
                let candidate = self.slot(self.plan.candidate)?;
                if candidate.desired == 0 {
                    return Some(Decision::record(vec![Event::CandidateScaledIn]));
                }
                // Someone else, or a function of a deployment before this one, gave it traffic that it
                // was never meant to have: without its tasks, nobody would serve that.
                if self
                    .candidate_weight()
                    .is_some_and(|weight| weight > Weight::ZERO)
                {
                    return Some(failed(
                        "the listener rule gives the candidate traffic, so its tasks were not stopped",
                        "set the weights in the console to what should serve, then stop what should not",
                    ));
                }
                let stop = Action::SetDesiredCount {
                    slot: self.plan.candidate,
                    desired: 0,
                };
                let what = "traffic is on stable, but the candidate's ECS service does not stop its tasks";
                Some(self.in_time(Decision::act(vec![stop]), what, LOOK_AT_SERVICE))
            }
        }
    }

    fn candidate_weight(&self) -> Option<Weight> {
        let balancer = self.plan.wiring.balancer.as_ref()?;
        let group = balancer.target_groups.get(&self.plan.candidate)?;
        self.observation.forward.as_ref()?.weight_of(group)
    }

    fn overdue(&self) -> bool {
        let limit = i64::from(self.deployment.spec.timeouts.healthy_seconds);
        self.now.duration_since(self.rollback.started_at).as_secs() > limit + QUIESCE_SECONDS
    }
}
