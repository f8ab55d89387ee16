//! Complete: the end of a deployment that went well.

use std::cell::OnceCell;

use aws_types::SdkConfig;
use tidegate_aws::error::AwsError;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::schedule::{self, Scheduling};
use tidegate_aws::store::{Commit, Store, StoreError};
use tidegate_aws::{executions, observe};
use tidegate_core::contract::Outstanding;
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::event::Event;
use tidegate_core::journal;
use tidegate_core::observation::Observation;
use tidegate_lambda::config::{ConfigError, Lookup};
use tidegate_lambda::phase::{self, PhaseInput, PhaseOutput, Status};
use tidegate_lambda::stop::ABORT_TOKEN;
use tidegate_lambda::{Clock, FunctionError};

use crate::config::Config;

/// How often a lost race for the record is run again.
const TRIES: usize = 5;

/// The function.
#[derive(Debug)]
pub struct Complete {
    store: Store,
    clock: Clock,
    cloudwatch: aws_sdk_cloudwatch::Client,
    sfn: aws_sdk_sfn::Client,
    scheduler: OnDemand<aws_sdk_scheduler::Client>,
    scheduling: Scheduling,
}

impl Complete {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let config = Config::read(lookup)?;
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), config.table),
            clock: Clock::of(sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            sfn: aws_sdk_sfn::Client::new(sdk),
            scheduler: OnDemand::new(sdk, aws_sdk_scheduler::Client::new),
            scheduling: config.scheduling,
        })
    }

    /// Records the end, frees the target, releases the abort handle, then schedules the contract, if any.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        let contract = OnceCell::new();
        let output = phase::run(
            &self.store,
            &self.clock,
            Phase::Complete,
            &input,
            async |deployment, _| {
                contract.get_or_init(|| deployment.contract_plan().is_some());
                self.observe(deployment).await
            },
            // Completing changes nothing on AWS.
            async |_, _| Ok(()),
        )
        .await?;
        if output.status == Status::Done {
            self.release_handle(&input).await?;
            // Called again after the end, it does not know.
            if contract.get() != Some(&false) {
                self.follow_contract(&input).await?;
            }
        }
        Ok(output)
    }

    /// Schedules the contract of a completed deployment, once. It is outstanding by then, so that without a
    /// schedule the sweep finds it: no reason to let the deployment fail.
    async fn follow_contract(&self, input: &PhaseInput) -> Result<(), FunctionError> {
        let Some(deployment) = self.store.deployment(&input.deployment).await? else {
            return Ok(());
        };
        if deployment.contract_plan().is_none() {
            return Ok(());
        }
        let target = self.store.target(&deployment.target).await?;
        let contract = target.and_then(|held| held.value.contract);
        let Some(contract) = contract.filter(|one| one.deployment == deployment.id) else {
            return Ok(());
        };
        if let Err(error) = self.schedule(&deployment, &contract).await {
            tracing::error!(
                event = "contract_not_scheduled",
                deployment = deployment.id.as_str(),
                error = error.describe(),
                "a sweep will ask for it when it is due"
            );
        }
        Ok(())
    }

    async fn schedule(&self, deployment: &Deployment, contract: &Outstanding) -> Result<(), FunctionError> {
        let first = contract.migrations.first().map_or("contract", String::as_str);
        let name = schedule::name_of(&deployment.id, first);
        let input = serde_json::json!({ "contract": deployment.target }).to_string();
        let scheduler = self.scheduler.get();
        schedule::schedule(scheduler, &self.scheduling, &name, contract.due_at, &input).await?;
        let event = Event::ContractScheduled {
            migrations: contract.migrations.clone(),
            due_at: contract.due_at,
            schedule: name,
        };
        self.record(deployment, event).await
    }

    /// Writes an event after the end, once.
    async fn record(&self, deployment: &Deployment, event: Event) -> Result<(), FunctionError> {
        for _ in 0..TRIES {
            let Some(whole) = self.store.whole(&deployment.id).await? else {
                return Ok(());
            };
            if whole.journal.iter().any(|entry| entry.event == event) {
                return Ok(());
            }
            let mut head = whole.deployment;
            let by = Phase::Complete.as_str();
            let entries = journal::append(&mut head, vec![event.clone()], by, self.clock.now());
            match self.store.commit(Commit::new().deployment(&head, &entries)).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FunctionError::Conflict(format!("deployment {}", deployment.id)))
    }

    async fn observe(&self, deployment: &Deployment) -> Result<Observation, AwsError> {
        Ok(Observation {
            alarms: observe::watched_alarms(&self.cloudwatch, deployment).await?,
            ..Observation::default()
        })
    }

    /// A handle that is not registered yet finds the exit when it is, and releases itself.
    async fn release_handle(&self, input: &PhaseInput) -> Result<(), FunctionError> {
        if let Some(token) = self.store.token(&input.deployment, ABORT_TOKEN).await? {
            executions::succeed_token(&self.sfn, &token, "{}").await?;
        }
        Ok(())
    }
}
