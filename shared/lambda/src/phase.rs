//! The loop of a phase: load, observe, decide, persist, apply; again while something moves.

use serde::{Deserialize, Serialize};
use tidegate_aws::error::AwsError;
use tidegate_aws::store::{Commit, Fence, Loaded, Store, StoreError};
use tidegate_core::action::Action;
use tidegate_core::change::Next;
use tidegate_core::decision::{Decision, Outcome};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::event::Event;
use tidegate_core::exit::{Exit, ExitState};
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal;
use tidegate_core::observation::{Observation, Question};
use tidegate_core::phases::{decide, decide_undo, seconds_until};
use tidegate_core::target::TargetState;

use crate::clock::Clock;
use crate::error::FunctionError;

/// Rounds in one invocation. The longest chain that needs no waiting (end of a bake, next step
/// already scaled, weight raised and read back) takes seven.
const MAX_ROUNDS: usize = 12;

/// Seconds until another look where the rounds ran out: something changes at every look.
const BREATHE_SECONDS: u32 = 5;

/// What takes long is begun only within so many seconds of an invocation: with
/// [`tidegate_core::suite::LONGEST_SECONDS`] there are then some left, of its 60, to record what came of it.
const BEGIN_WITHIN_SECONDS: i64 = 10;

/// What the state machine gives to a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseInput {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// ARN of the execution that asks.
    pub execution: String,
    /// Whether what the phase changed is to be undone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undo: bool,
}

/// What a phase tells the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseOutput {
    /// Where it stands.
    pub status: Status,
    /// For `InProgress`: look again after so many seconds. For `AwaitingApproval`: give up after.
    pub wait_seconds: u32,
    /// Why, for a person who looks at the execution.
    pub reason: String,
    /// How the deployment ended, where it did.
    pub exit: Option<ExitState>,
    /// For `Done`: what comes next ([`Next::word`]); empty otherwise.
    #[serde(default)]
    pub next: String,
}

/// Matched by the Choice states of `infra/statemachines/*.asl.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Look again later.
    InProgress,
    /// On to the next.
    Done,
    /// People must decide.
    AwaitingApproval,
    /// A requirement is missing.
    Blocked,
    /// The rollback can't do what it must.
    Failed,
}

impl PhaseOutput {
    /// An output with nothing to wait for.
    pub fn at_once(status: Status, reason: impl Into<String>, exit: Option<ExitState>) -> Self {
        Self {
            status,
            wait_seconds: 1,
            reason: reason.into(),
            exit,
            next: String::new(),
        }
    }

    /// Look again later.
    pub fn in_progress(seconds: u32, reason: impl Into<String>) -> Self {
        Self {
            status: Status::InProgress,
            wait_seconds: seconds.max(1),
            reason: reason.into(),
            exit: None,
            next: String::new(),
        }
    }

    /// On to what comes next.
    pub fn done(next: Option<Next>) -> Self {
        Self {
            next: next.map(Next::word).unwrap_or_default(),
            ..Self::at_once(Status::Done, "", None)
        }
    }
}

/// A deployment with the target that it must hold.
#[derive(Debug, Clone)]
pub struct Held {
    /// The deployment as stored.
    pub deployment: Deployment,
    /// Its target as stored.
    pub target: Loaded<TargetState>,
}

impl Held {
    /// Loads both, strongly consistent.
    ///
    /// # Errors
    /// Where one does not exist, or the table does not answer.
    pub async fn load(store: &Store, id: &DeploymentId) -> Result<Self, FunctionError> {
        let deployment = store
            .deployment(id)
            .await?
            .ok_or_else(|| FunctionError::NotFound(format!("deployment {id}")))?;
        let target = store
            .target(&deployment.target)
            .await?
            .ok_or_else(|| FunctionError::NotFound(format!("target {}", deployment.target)))?;
        Ok(Self { deployment, target })
    }

    /// Whether the deployment still holds its target under its epoch.
    pub fn holds(&self) -> bool {
        !self
            .target
            .value
            .fences(&self.deployment.id, self.deployment.epoch)
    }

    /// Records events under the fence. The deployment is then as it was stored.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where someone wrote first, [`StoreError::Fenced`] where the target
    /// is no longer held.
    pub async fn record(
        &mut self,
        store: &Store,
        events: Vec<Event>,
        by: &str,
        clock: &Clock,
    ) -> Result<(), StoreError> {
        let mut head = self.deployment.clone();
        let entries = journal::append(&mut head, events, by, clock.now());
        let commit = Commit::new().deployment(&head, &entries);
        store.commit(commit.fenced(&Fence::of(&self.deployment))).await?;
        self.deployment = head;
        Ok(())
    }

    /// Records events of which the last is the exit, and frees the target in the same transaction.
    ///
    /// # Errors
    /// As [`Held::record`].
    pub async fn end(
        mut self,
        store: &Store,
        mut events: Vec<Event>,
        exit: Exit,
        by: &str,
        clock: &Clock,
    ) -> Result<(), StoreError> {
        if !events.iter().any(|event| matches!(event, Event::Exited { .. })) {
            events.push(Event::Exited { exit: exit.clone() });
        }
        let entries = journal::append(&mut self.deployment, events, by, clock.now());
        self.target.value.release(&self.deployment, &exit);
        store
            .commit(
                Commit::new()
                    .deployment(&self.deployment, &entries)
                    .target(&self.target),
            )
            .await
    }
}

/// Runs a forward phase until it has to wait. What was read stays good while events were only
/// recorded: each write is conditional, so that it would have failed had somebody else written.
///
/// # Errors
/// `AbortRequested` where the deployment must stop, `StaleEpoch` where it is no longer ours, and
/// whatever AWS says.
pub async fn run(
    store: &Store,
    clock: &Clock,
    phase: Phase,
    input: &PhaseInput,
    observe: impl AsyncFn(&Deployment, &Question) -> Result<Observation, AwsError>,
    apply: impl AsyncFn(&Deployment, &Action) -> Result<(), AwsError>,
) -> Result<PhaseOutput, FunctionError> {
    if input.undo {
        return undo(store, clock, phase, input, observe, apply).await;
    }
    let by = phase.as_str();
    let begun = clock.now();
    let mut held = Held::load(store, &input.deployment).await?;
    let mut read: Option<(Question, Observation)> = None;
    for _ in 0..MAX_ROUNDS {
        if let Some(output) = over(&held, phase)? {
            return Ok(output);
        }
        if let Some(output) = wait_for_sweep(store, clock, phase, &mut held).await? {
            return Ok(output);
        }
        let question = Question::of(&held.deployment, clock.now());
        let (asked, observation) = match read.take().filter(|(asked, _)| asked.covers(&question)) {
            Some(read) => read,
            None => {
                let observation = observe(&held.deployment, &question).await?;
                (question, observation)
            }
        };
        let decision = decide(phase, &held.deployment, &observation, clock.now());
        let spent = clock.now().duration_since(begun).as_secs();
        if spent > BEGIN_WITHIN_SECONDS && decision.actions.iter().any(Action::takes_long) {
            return Ok(PhaseOutput::in_progress(1, "the next look has the time for it"));
        }
        log(&held.deployment, phase, &decision);
        match persist(store, clock, by, &mut held, &decision).await {
            Ok(()) => {}
            // Someone wrote first: read again, decide again.
            Err(StoreError::Conflict { .. }) => {
                held = Held::load(store, &input.deployment).await?;
                continue;
            }
            Err(error) => return Err(error.into()),
        }
        for action in &decision.actions {
            apply(&held.deployment, action).await?;
        }
        let next = held.deployment.after(phase);
        if let Some(output) = answer(&held.deployment, decision.outcome, next, clock)? {
            return Ok(output);
        }
        if decision.actions.is_empty() {
            read = Some((asked, observation));
        } else {
            held = Held::load(store, &input.deployment).await?;
        }
    }
    Ok(PhaseOutput::in_progress(BREATHE_SECONDS, "still moving"))
}

/// Undoes what a phase changed, until it has to wait: in a rollback, after traffic is back and no
/// function of the forward path can be running.
///
/// # Errors
/// As [`run`].
async fn undo(
    store: &Store,
    clock: &Clock,
    phase: Phase,
    input: &PhaseInput,
    observe: impl AsyncFn(&Deployment, &Question) -> Result<Observation, AwsError>,
    apply: impl AsyncFn(&Deployment, &Action) -> Result<(), AwsError>,
) -> Result<PhaseOutput, FunctionError> {
    for _ in 0..MAX_ROUNDS {
        let mut held = Held::load(store, &input.deployment).await?;
        if held.deployment.exit.is_some() || !held.holds() {
            return Err(FunctionError::StaleEpoch);
        }
        let question = Question::undo(&held.deployment, phase);
        let observation = match question.change() {
            Some(_) => observe(&held.deployment, &question).await?,
            None => Observation::default(),
        };
        let decision = decide_undo(phase, &held.deployment, &observation, clock.now());
        log(&held.deployment, phase, &decision);
        match persist(store, clock, phase.as_str(), &mut held, &decision).await {
            Ok(()) => {}
            Err(StoreError::Conflict { .. }) => continue,
            Err(error) => return Err(error.into()),
        }
        for action in &decision.actions {
            apply(&held.deployment, action).await?;
        }
        let next = held.deployment.after_undo(Some(phase));
        if let Some(output) = answer(&held.deployment, decision.outcome, next, clock)? {
            return Ok(output);
        }
    }
    Ok(PhaseOutput::in_progress(BREATHE_SECONDS, "still moving"))
}

/// A deployment that has ended, or is not ours any more.
fn over(held: &Held, phase: Phase) -> Result<Option<PhaseOutput>, FunctionError> {
    match &held.deployment.exit {
        Some(exit) if phase == Phase::Complete && exit.state == ExitState::Completed => Ok(Some(
            PhaseOutput::at_once(Status::Done, exit.reason.clone(), Some(exit.state)),
        )),
        Some(exit) if phase == Phase::Plan && exit.state == ExitState::Blocked => Ok(Some(
            PhaseOutput::at_once(Status::Blocked, exit.reason.clone(), Some(exit.state)),
        )),
        Some(_) => Err(FunctionError::StaleEpoch),
        None if !held.holds() => Err(FunctionError::StaleEpoch),
        None => Ok(None),
    }
}

/// Before tasks are started in the slot that was idle, a sweep that was to stop them has had its time.
async fn wait_for_sweep(
    store: &Store,
    clock: &Clock,
    phase: Phase,
    held: &mut Held,
) -> Result<Option<PhaseOutput>, FunctionError> {
    let left = held.target.value.tidying(clock.now());
    let Some(seconds) = left.filter(|_| phase == Phase::Shift) else {
        return Ok(None);
    };
    let reason = "a sweep may still be stopping the tasks that were idle";
    let decision = Decision::wait(seconds, reason).explained(&held.deployment);
    match persist(store, clock, phase.as_str(), held, &decision).await {
        // Whoever wrote is read at the next look.
        Ok(()) | Err(StoreError::Conflict { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    answer(&held.deployment, decision.outcome, None, clock)
}

async fn persist(
    store: &Store,
    clock: &Clock,
    by: &str,
    held: &mut Held,
    decision: &Decision,
) -> Result<(), StoreError> {
    if let Outcome::Blocked(missing) = &decision.outcome {
        let exit = Exit::blocked(missing, &held.deployment, clock.now());
        return held
            .clone()
            .end(store, decision.events.clone(), exit, by, clock)
            .await;
    }
    let exit = decision.events.iter().find_map(|event| match event {
        Event::Exited { exit } => Some(exit.clone()),
        _ => None,
    });
    match exit {
        Some(exit) => {
            held.clone()
                .end(store, decision.events.clone(), exit, by, clock)
                .await
        }
        None if decision.events.is_empty() => Ok(()),
        None => held.record(store, decision.events.clone(), by, clock).await,
    }
}

fn answer(
    deployment: &Deployment,
    outcome: Outcome,
    next: Option<Next>,
    clock: &Clock,
) -> Result<Option<PhaseOutput>, FunctionError> {
    let output = match outcome {
        Outcome::Continue => return Ok(None),
        Outcome::Wait { seconds, reason } => PhaseOutput::in_progress(seconds, reason),
        Outcome::Done => PhaseOutput::done(next),
        Outcome::AwaitingApproval { before } => {
            let rule = deployment.gate_rule(before);
            // Never before the gate expires: the rollback then asks why the wait ended.
            let left = deployment.gates.get(&before);
            let left = left.map(|gate| seconds_until(clock.now(), gate.expires_at));
            let seconds = left
                .or_else(|| rule.map(|gate| gate.expires_seconds))
                .unwrap_or(1);
            PhaseOutput {
                status: Status::AwaitingApproval,
                wait_seconds: seconds.max(1),
                reason: format!("approval needed before {}", before.as_str()),
                exit: None,
                next: String::new(),
            }
        }
        Outcome::Blocked(missing) => {
            let exit = Exit::blocked(&missing, deployment, clock.now());
            PhaseOutput::at_once(Status::Blocked, exit.reason, Some(ExitState::Blocked))
        }
        Outcome::Abort(cause) => return Err(FunctionError::AbortRequested(cause.describe())),
        Outcome::RollbackFailed { reason, .. } => {
            PhaseOutput::at_once(Status::Failed, reason, Some(ExitState::RollbackFailed))
        }
    };
    Ok(Some(output))
}

fn log(deployment: &Deployment, phase: Phase, decision: &Decision) {
    for event in &decision.events {
        tracing::info!(deployment = %deployment.id, phase = phase.as_str(), "{}", event.describe());
    }
    for action in &decision.actions {
        tracing::info!(deployment = %deployment.id, phase = phase.as_str(), action = ?action, "applying");
    }
}
