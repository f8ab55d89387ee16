//! From a push to a deployment: the same way for events, people and the sweep.

use aws_types::SdkConfig;
use tidegate_aws::executions;
use tidegate_aws::store::{Commit, Loaded, Store, StoreError};
use tidegate_core::ids::{DeploymentId, Target};
use tidegate_core::target::{Admission, Push, TargetState};

use crate::clock::Clock;
use crate::error::FunctionError;
use crate::open::{ExecutionInput, store_new};
use crate::stop;

/// How often a lost race for the target's record is run again.
const TRIES: usize = 8;

/// What it takes to open deployments.
#[derive(Debug, Clone)]
pub struct Opener {
    /// The table.
    pub store: Store,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// The clock.
    pub clock: Clock,
    /// ARN of the deployment state machine.
    pub machine: String,
}

/// What became of a push at one target.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// As admitted.
    As(Admission),
    /// The event had been taken before.
    SeenBefore,
}

impl Opener {
    /// Clients of a configuration, for that table and that deployment state machine.
    pub fn new(sdk: &SdkConfig, table: String, machine: String) -> Self {
        Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(sdk), table),
            sfn: aws_sdk_sfn::Client::new(sdk),
            clock: Clock::of(sdk),
            machine,
        }
    }

    /// Admits a push to a target and does what the admission says.
    ///
    /// # Errors
    /// Where the target does not exist, or AWS does not answer. A deployment that was stored but not
    /// started is started by the next sweep.
    pub async fn admit(
        &self,
        target: &Target,
        push: &Push,
        event: Option<&str>,
        by: &str,
    ) -> Result<Opened, FunctionError> {
        for _ in 0..TRIES {
            let mut held = self.load(target).await?;
            let admission = held.value.admit(push.clone(), self.clock.now());
            match self.store(&held, &admission, event, by).await {
                Ok(()) => {
                    self.follow_up(&admission, by).await?;
                    return Ok(Opened::As(admission));
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(StoreError::AlreadySeen) => return Ok(Opened::SeenBefore),
                Err(error) => return Err(error.into()),
            }
        }
        Err(FunctionError::Conflict(format!("target {target}")))
    }

    /// Starts what waits in a target's queue, if the target is free.
    ///
    /// # Errors
    /// As [`Opener::admit`].
    pub async fn start_next(&self, target: &Target, by: &str) -> Result<Option<DeploymentId>, FunctionError> {
        let mut held = self.load(target).await?;
        let before = held.value.queue.clone();
        let request = held.value.next_in_queue(self.clock.now());
        let stored = match request {
            Some(request) => {
                let id = request.id.clone();
                store_new(
                    &self.store,
                    &held,
                    request,
                    Vec::new(),
                    None,
                    by,
                    self.clock.now(),
                )
                .await
                .map(|_| Some(id))
            }
            // A quarantined image was taken out of the queue.
            None if before != held.value.queue => self
                .store
                .commit(Commit::new().target(&held))
                .await
                .map(|()| None),
            None => Ok(None),
        };
        match stored {
            Ok(Some(id)) => {
                self.start_execution(&id).await?;
                Ok(Some(id))
            }
            // Whoever was first does it.
            Ok(None) | Err(StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts the execution of a stored deployment. Its name is the deployment's id, so it starts once.
    ///
    /// # Errors
    /// Where Step Functions does not answer.
    pub async fn start_execution(&self, id: &DeploymentId) -> Result<(), FunctionError> {
        let input = ExecutionInput::forward(id.clone()).to_json();
        executions::start(&self.sfn, &self.machine, id.as_str(), &input).await?;
        Ok(())
    }

    async fn load(&self, target: &Target) -> Result<Loaded<TargetState>, FunctionError> {
        let missing = || FunctionError::NotFound(format!("target {target}"));
        self.store.target(target).await?.ok_or_else(missing)
    }

    async fn store(
        &self,
        held: &Loaded<TargetState>,
        admission: &Admission,
        event: Option<&str>,
        by: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        match admission {
            Admission::Start(request) => {
                store_new(&self.store, held, (**request).clone(), Vec::new(), event, by, now)
                    .await
                    .map(|_| ())
            }
            Admission::Queued { .. } | Admission::Superseding { .. } => {
                let commit = Commit::new().target(held);
                let commit = match event {
                    Some(event) => commit.unseen(event, now),
                    None => commit,
                };
                self.store.commit(commit).await
            }
            Admission::Refused(_) => Ok(()),
        }
    }

    async fn follow_up(&self, admission: &Admission, by: &str) -> Result<(), FunctionError> {
        match admission {
            Admission::Start(request) => self.start_execution(&request.id).await,
            Admission::Superseding { running, cause } => {
                stop::request(&self.store, &self.sfn, &self.clock, running, cause, by)
                    .await
                    .map(|_| ())
            }
            Admission::Queued { .. } | Admission::Refused(_) => Ok(()),
        }
    }
}
