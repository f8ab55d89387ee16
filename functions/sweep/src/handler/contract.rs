//! Contracts that are outstanding: made when they are due, dropped where something else serves.

use jiff::SignedDuration;
use tidegate_aws::store::{Loaded, StoreError};
use tidegate_core::contract::{Outstanding, SCHEDULE_GRACE_SECONDS, Step};
use tidegate_core::deployment::Origin;
use tidegate_core::event::Event;
use tidegate_core::ids::Target;
use tidegate_core::target::TargetState;
use tidegate_lambda::FunctionError;
use tidegate_lambda::open::store_new;

use super::{Output, Sweep};

/// Who says that a contract may be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Its own schedule.
    BySchedule,
    /// The sweep of every minute, which gives the schedule some time.
    BySweep,
}

impl Sweep {
    /// What a contract's schedule asks for. Where something is in the way, a later sweep does it.
    pub(super) async fn contract_is_due(
        &self,
        target: &Target,
        output: &mut Output,
    ) -> Result<(), FunctionError> {
        let held = self.opener.store.target(target).await?;
        let free = |held: &Loaded<TargetState>| held.value.lock.is_none() && held.value.queue.is_none();
        if let Some(held) = held.filter(free) {
            self.contract(&held, Told::BySchedule, output).await?;
        }
        Ok(())
    }

    /// Looks after the outstanding contract of a target that nobody holds, and says whether it wrote something:
    /// then the target is not as it was read any more.
    pub(super) async fn contract(
        &self,
        held: &Loaded<TargetState>,
        told: Told,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        let now = self.opener.clock.now();
        let grace = match told {
            Told::BySchedule => SignedDuration::ZERO,
            Told::BySweep => SignedDuration::from_secs(SCHEDULE_GRACE_SECONDS),
        };
        let step = held.value.contract_step(now.checked_sub(grace).unwrap_or(now));
        let (Some(contract), Some(step)) = (held.value.contract.as_ref(), step) else {
            return Ok(false);
        };
        match step {
            Step::Open => self.open_contract(held, contract, told, output).await,
            Step::Drop { reason, remedy } => self.drop_contract(held, contract, reason, remedy, output).await,
        }
    }

    /// Opens the deployment that makes the contract, and starts it. Whoever dies in between leaves one that the
    /// next sweep starts.
    async fn open_contract(
        &self,
        held: &Loaded<TargetState>,
        contract: &Outstanding,
        told: Told,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        let store = &self.opener.store;
        let Some(completed) = store.deployment(&contract.deployment).await? else {
            return Ok(false);
        };
        let now = self.opener.clock.now();
        let origin = Origin::Contract {
            of: completed.id.clone(),
        };
        let mut target = held.clone();
        let request = match target.value.open_contract(&completed, origin, now) {
            Ok(request) => request,
            Err(refusal) => {
                tracing::warn!(target = %held.value.target, "{} waits: {refusal}", contract.title());
                return Ok(false);
            }
        };
        let id = request.id.clone();
        match store_new(store, &target, request, Vec::new(), None, "sweep", now).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
        if told == Told::BySweep {
            output.findings.push(format!(
                "{}: no schedule told that {} is due; starting {id}",
                contract.deployment,
                contract.title()
            ));
        }
        self.opener.start_execution(&id).await?;
        Ok(true)
    }

    async fn drop_contract(
        &self,
        held: &Loaded<TargetState>,
        contract: &Outstanding,
        reason: String,
        remedy: String,
        output: &mut Output,
    ) -> Result<bool, FunctionError> {
        let Some(deployment) = self.opener.store.deployment(&contract.deployment).await? else {
            return Ok(false);
        };
        let event = Event::ContractDropped {
            migrations: contract.migrations.clone(),
            reason,
            remedy,
        };
        output
            .findings
            .push(format!("{}: {}", deployment.id, event.describe()));
        self.write(held, deployment, vec![event], |state| state.contract = None)
            .await
    }
}
