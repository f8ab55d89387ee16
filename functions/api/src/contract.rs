//! Contracts, made or dropped because a person says so.

use tidegate_aws::store::{Commit, StoreError};
use tidegate_core::deployment::Origin;
use tidegate_core::event::Event;
use tidegate_core::ids::Target;
use tidegate_core::journal;
use tidegate_lambda::open::store_new;

use crate::handler::Api;
use crate::http::ApiError;
use crate::identity::Caller;
use crate::model::{StopAnswer, StopRequest, kept};

/// How often a lost race is run again.
const TRIES: usize = 8;

impl Api {
    /// Opens the deployment that makes a target's outstanding contract; it asks people first. Earlier than by
    /// itself it may be, but not while the code can still be taken back.
    pub(crate) async fn run_contract(
        &self,
        caller: &Caller,
        target: &Target,
    ) -> Result<StopAnswer, ApiError> {
        for _ in 0..TRIES {
            let mut held = self.load_target(target).await?;
            let contract = held.value.contract.clone().ok_or_else(none)?;
            let completed = self.get_deployment(&contract.deployment).await?;
            let origin = Origin::Person {
                person: caller.person.clone(),
            };
            let now = self.opener.clock.now();
            let opened = held.value.open_contract(&completed, origin, now);
            let request = opened.map_err(|refusal| ApiError::Conflict(refusal.to_string()))?;
            let (id, by) = (request.id.clone(), caller.person.as_str());
            match store_new(self.store(), &held, request, Vec::new(), None, by, now).await {
                Ok(_) => {
                    self.opener.start_execution(&id).await?;
                    return Ok(StopAnswer {
                        outcome: "started".to_owned(),
                        deployment: id,
                    });
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::keeps_changing(target))
    }

    /// Drops a target's outstanding contract. Its schedule finds nothing to do then.
    pub(crate) async fn cancel_contract(
        &self,
        caller: &Caller,
        target: &Target,
        request: StopRequest,
    ) -> Result<StopAnswer, ApiError> {
        let reason = kept(&request.reason);
        let why = match reason.is_empty() {
            true => String::new(),
            false => format!(": {reason}"),
        };
        for _ in 0..TRIES {
            let mut held = self.load_target(target).await?;
            let dropped = held.value.drop_contract();
            let contract = dropped.map_err(|refusal| ApiError::Conflict(refusal.to_string()))?;
            let mut deployment = self.get_deployment(&contract.deployment).await?;
            let by = caller.person.as_str();
            let event = Event::ContractDropped {
                migrations: contract.migrations,
                reason: format!("{by} dropped it{why}"),
                remedy: "nothing; the next deployment of a file that has it plans it again".to_owned(),
            };
            let entries = journal::append(&mut deployment, vec![event], by, self.opener.clock.now());
            let commit = Commit::new().deployment(&deployment, &entries).target(&held);
            match self.store().commit(commit).await {
                Ok(()) => {
                    return Ok(StopAnswer {
                        outcome: "dropped".to_owned(),
                        deployment: deployment.id,
                    });
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::keeps_changing(target))
    }
}

fn none() -> ApiError {
    ApiError::Conflict(tidegate_core::contract::ContractRefusal::None.to_string())
}
