//! Deciding at a gate.

use tidegate_aws::executions;
use tidegate_aws::store::{Commit, StoreError};
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::AbortCause;
use tidegate_core::gates::{GateDecision, GateRefusal, GateState, admit_decision, satisfied, still_needed};
use tidegate_core::ids::{DeploymentId, PlanHash, Role};
use tidegate_core::journal;
use tidegate_core::spec::{Gate, GatePhase};
use tidegate_lambda::stop;

use crate::handler::Api;
use crate::http::ApiError;
use crate::identity::Caller;
use crate::model::{DecisionAnswer, DecisionRequest, kept};

/// How often a lost race is run again.
const TRIES: usize = 8;

/// Digits of a plan's hash that are enough to name it.
const SHORT_HASH: usize = 12;

/// What a decision leads to.
enum Led {
    Passed,
    Rejected(AbortCause),
    Waiting(String),
}

impl Api {
    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        id: &DeploymentId,
        request: DecisionRequest,
    ) -> Result<DecisionAnswer, ApiError> {
        for _ in 0..TRIES {
            let mut head = self.get_deployment(id).await?;
            let (rule, state) = open_gate(&head, request.before)?;
            let before = rule.before;
            let plan_hash = looked_at(&request.plan_hash, &state)?;
            let role = self.admit(caller, &head, &rule, &state, &plan_hash)?;
            let decision = self.decision(caller, &request, role, plan_hash);
            let (events, led) = conclude(&rule, state, decision, caller);
            let entries = journal::append(&mut head, events, caller.person.as_str(), self.opener.clock.now());
            match self
                .store()
                .commit(Commit::new().deployment(&head, &entries))
                .await
            {
                Ok(()) => return self.tell_gate(id, before, led).await,
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::keeps_changing(id))
    }

    fn admit(
        &self,
        caller: &Caller,
        head: &Deployment,
        rule: &Gate,
        state: &GateState,
        plan_hash: &PlanHash,
    ) -> Result<Role, ApiError> {
        let now = self.opener.clock.now();
        admit_decision(
            rule,
            Some(state),
            head.authors(),
            &caller.person,
            &caller.roles,
            plan_hash,
            now,
        )
        .map_err(|refusal| match refusal {
            GateRefusal::Author(_) | GateRefusal::WrongRole { .. } => {
                ApiError::Forbidden(refusal.to_string())
            }
            GateRefusal::NotOpen
            | GateRefusal::Expired(_)
            | GateRefusal::StalePlan { .. }
            | GateRefusal::Again(_) => ApiError::Conflict(refusal.to_string()),
        })
    }

    fn decision(
        &self,
        caller: &Caller,
        request: &DecisionRequest,
        role: Role,
        plan_hash: PlanHash,
    ) -> GateDecision {
        GateDecision {
            by: caller.person.clone(),
            role,
            approve: request.approve,
            reason: kept(&request.reason),
            plan_hash,
            at: self.opener.clock.now(),
        }
    }

    /// Tells the execution. If this is lost, the next sweep tells it again.
    async fn tell_gate(
        &self,
        id: &DeploymentId,
        before: GatePhase,
        led: Led,
    ) -> Result<DecisionAnswer, ApiError> {
        let answer = |outcome: &str, still_needed: String| DecisionAnswer {
            outcome: outcome.to_owned(),
            still_needed,
        };
        match led {
            Led::Waiting(needed) => Ok(answer("waiting", needed)),
            Led::Passed => {
                if let Some(token) = self.store().token(id, &stop::gate_token(before)).await? {
                    executions::succeed_token(&self.opener.sfn, &token, "{}").await?;
                }
                Ok(answer("passed", String::new()))
            }
            Led::Rejected(cause) => {
                stop::tell(self.store(), &self.opener.sfn, id, &cause).await?;
                Ok(answer("rejected", String::new()))
            }
        }
    }
}

/// The gate that is meant: the named one, or the one that is open.
fn open_gate(head: &Deployment, before: Option<GatePhase>) -> Result<(Gate, GateState), ApiError> {
    let nothing = || ApiError::Conflict(format!("{} asks for no approval at the moment", head.id));
    if head.exit.is_some() || head.abort.is_some() {
        return Err(nothing());
    }
    let (phase, state) = head
        .gates
        .iter()
        .find(|(phase, state)| before.map_or(state.passed_at.is_none(), |before| **phase == before))
        .ok_or_else(nothing)?;
    let rule = head.gate_rule(*phase).ok_or_else(nothing)?;
    Ok((rule, state.clone()))
}

/// The plan that the caller looked at, from its hash or the first digits of it.
fn looked_at(text: &str, state: &GateState) -> Result<PlanHash, ApiError> {
    if text.len() >= SHORT_HASH && state.plan_hash.as_str().starts_with(text) {
        return Ok(state.plan_hash.clone());
    }
    if let Ok(other) = text.parse() {
        return Ok(other);
    }
    let refusal = GateRefusal::StalePlan {
        given: text.chars().take(SHORT_HASH).collect(),
        current: state.plan_hash.short().to_owned(),
    };
    Err(ApiError::Conflict(refusal.to_string()))
}

fn conclude(rule: &Gate, mut state: GateState, decision: GateDecision, caller: &Caller) -> (Vec<Event>, Led) {
    let before = rule.before;
    let decided = Event::Decided {
        before,
        decision: decision.clone(),
    };
    if !decision.approve {
        let cause = AbortCause::Rejected {
            by: caller.person.clone(),
            reason: decision.reason,
        };
        return (
            vec![decided, Event::AbortRequested { cause: cause.clone() }],
            Led::Rejected(cause),
        );
    }
    state.decisions.push(decision);
    if satisfied(rule, &state) {
        return (vec![decided, Event::GatePassed { before }], Led::Passed);
    }
    (vec![decided], Led::Waiting(still_needed(rule, &state)))
}
