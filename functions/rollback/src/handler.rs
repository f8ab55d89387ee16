//! Rollback: raise the epoch, return traffic, wait out what is stale, restore, record.

use aws_types::SdkConfig;
use serde::{Deserialize, Serialize};
use tidegate_aws::error::AwsError;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::{Commit, Store, StoreError};
use tidegate_aws::{apply, observe};
use tidegate_core::decision::{Decision, Outcome, QUIESCE_SECONDS};
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::event::Event;
use tidegate_core::exit::{Exit, ExitState};
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal;
use tidegate_core::observation::Observation;
use tidegate_core::phases::{RollbackStep, cause_from_failure, decide_rollback};
use tidegate_lambda::config::{ConfigError, Lookup, table};
use tidegate_lambda::open::Failure;
use tidegate_lambda::phase::{Held, PhaseOutput, Status};
use tidegate_lambda::{Clock, FunctionError};

/// Rounds in one invocation: start, set, read back, and room for lost races.
const MAX_ROUNDS: usize = 12;

/// What the state machine gives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Which state of `rollback.asl.json`.
    pub step: RollbackStep,
    /// What stopped the forward path, as the Catch saw it.
    #[serde(default)]
    pub failure: Failure,
}

/// The function.
#[derive(Debug)]
pub struct Rollback {
    store: Store,
    clock: Clock,
    cloudwatch: OnDemand<aws_sdk_cloudwatch::Client>,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    images: observe::KnownImages,
}

impl Rollback {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table(lookup)?),
            clock: Clock::of(sdk),
            cloudwatch: OnDemand::new(sdk, aws_sdk_cloudwatch::Client::new),
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            images: observe::KnownImages::default(),
        })
    }

    /// Runs one state of the rollback until it has to wait.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: Input) -> Result<PhaseOutput, FunctionError> {
        for _ in 0..MAX_ROUNDS {
            let held = Held::load(&self.store, &input.deployment).await?;
            if let Some(exit) = &held.deployment.exit {
                return Ok(ended(exit));
            }
            if !held.holds() {
                return Err(FunctionError::StaleEpoch);
            }
            if let Some(output) = self.round(held, &input).await? {
                return Ok(output);
            }
        }
        Ok(PhaseOutput::in_progress(5, "still moving"))
    }

    async fn round(&self, held: Held, input: &Input) -> Result<Option<PhaseOutput>, FunctionError> {
        let written = if held.deployment.rollback.is_none() {
            self.begin(held, &input.failure).await.map(|()| None)
        } else {
            let observation = match input.step {
                // The last resort must not depend on anything that may be what broke.
                RollbackStep::Fail => Observation::default(),
                RollbackStep::Traffic | RollbackStep::Reassert | RollbackStep::Restore => {
                    self.observe(&held.deployment).await?
                }
            };
            let decision = decide_rollback(input.step, &held.deployment, &observation, self.clock.now());
            self.carry_out(held, input.step, decision).await?
        };
        match written {
            Ok(output) => Ok(output),
            Err(StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Raises the epoch. From here on, nothing of the forward path can write.
    async fn begin(&self, mut held: Held, failure: &Failure) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut head = held.deployment.clone();
        let cause = match &head.abort {
            Some(abort) => abort.cause.clone(),
            None => cause_from_failure(&head, &failure.error, &failure.cause, now),
        };
        let Some(epoch) = held.target.value.raise_epoch(&head.id) else {
            return Err(StoreError::Fenced);
        };
        tracing::warn!(deployment = %head.id, %epoch, "rollback begins: {}", cause.describe());
        let started = Event::RollbackStarted { epoch, cause };
        let entries = journal::append(&mut head, vec![started], Phase::Rollback.as_str(), now);
        self.store
            .commit(Commit::new().deployment(&head, &entries).target(&held.target))
            .await
    }

    async fn observe(&self, deployment: &Deployment) -> Result<Observation, AwsError> {
        let Some(plan) = &deployment.plan else {
            return Ok(Observation::default());
        };
        let forward = match &plan.wiring.balancer {
            Some(balancer) => Some(observe::forward(&self.elb, &balancer.rule_arn).await?),
            None => None,
        };
        let slots = observe::slots(&self.ecs, &self.elb, &plan.wiring, None, &self.images).await?;
        // Traffic never waits for an alarm to be read: this is after everything is taken back.
        let rollback = deployment.rollback.as_ref();
        let alarms = match rollback.is_some_and(|rollback| rollback.bake_is_over(self.clock.now())) {
            true => observe::alarms(self.cloudwatch.get(), Some(&plan.alarms), "").await?,
            false => Vec::new(),
        };
        Ok(Observation {
            slots,
            forward,
            alarms,
            ..Observation::default()
        })
    }

    async fn carry_out(
        &self,
        held: Held,
        step: RollbackStep,
        decision: Decision,
    ) -> Result<Result<Option<PhaseOutput>, StoreError>, FunctionError> {
        let deployment = held.deployment.clone();
        if let Err(error) = self.persist(held, &decision).await {
            return Ok(Err(error));
        }
        for action in &decision.actions {
            tracing::info!(deployment = %deployment.id, action = ?action, "applying");
            apply::apply(&self.ecs, &self.elb, &deployment, action).await?;
        }
        Ok(Ok(match decision.outcome {
            Outcome::Continue => None,
            Outcome::Wait { seconds, reason } => Some(PhaseOutput::in_progress(seconds, reason)),
            // The end is read back in the next round.
            Outcome::RollbackFailed { .. } => None,
            Outcome::Done if decision.events.iter().any(|e| matches!(e, Event::Exited { .. })) => None,
            Outcome::Done => Some(step_done(step, &deployment)),
            Outcome::AwaitingApproval { .. } | Outcome::Blocked(_) | Outcome::Abort(_) => {
                return Err(FunctionError::Invalid("a rollback waits for nobody".to_owned()));
            }
        }))
    }

    async fn persist(&self, mut held: Held, decision: &Decision) -> Result<(), StoreError> {
        let by = Phase::Rollback.as_str();
        let exit = match &decision.outcome {
            Outcome::RollbackFailed { reason, remedy } => Some(Exit {
                state: ExitState::RollbackFailed,
                at: self.clock.now(),
                reason: reason.clone(),
                remedy: Some(remedy.clone()),
            }),
            Outcome::Continue
            | Outcome::Wait { .. }
            | Outcome::Done
            | Outcome::AwaitingApproval { .. }
            | Outcome::Blocked(_)
            | Outcome::Abort(_) => decision.events.iter().find_map(|event| match event {
                Event::Exited { exit } => Some(exit.clone()),
                _ => None,
            }),
        };
        match exit {
            Some(exit) => {
                held.end(&self.store, decision.events.clone(), exit, by, &self.clock)
                    .await
            }
            None if decision.events.is_empty() => Ok(()),
            None => {
                held.record(&self.store, decision.events.clone(), by, &self.clock)
                    .await
            }
        }
    }
}

/// Once traffic is back, the state machine waits for as long as a function of the old epoch may still
/// run: all of it, by its own clock. What is left of that time by the journal may be told by another
/// function's clock than this one's, and one of the two may be minutes off. Before there was a plan,
/// no function had anything to do.
fn step_done(step: RollbackStep, deployment: &Deployment) -> PhaseOutput {
    let wait = match step {
        RollbackStep::Traffic if deployment.plan.is_some() => {
            u32::try_from(QUIESCE_SECONDS).unwrap_or(u32::MAX)
        }
        RollbackStep::Traffic | RollbackStep::Reassert | RollbackStep::Restore | RollbackStep::Fail => 1,
    };
    let next = match step {
        RollbackStep::Reassert => deployment.after_undo(None),
        RollbackStep::Traffic | RollbackStep::Restore | RollbackStep::Fail => None,
    };
    PhaseOutput {
        wait_seconds: wait,
        ..PhaseOutput::done(next)
    }
}

fn ended(exit: &Exit) -> PhaseOutput {
    let status = match exit.state {
        ExitState::RollbackFailed => Status::Failed,
        ExitState::Completed | ExitState::Blocked | ExitState::Aborted | ExitState::RolledBack => {
            Status::Done
        }
    };
    PhaseOutput::at_once(status, exit.reason.clone(), Some(exit.state))
}
