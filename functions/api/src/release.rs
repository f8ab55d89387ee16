//! Releases: what CI records of an image, and reading it back.

use tidegate_aws::store::{Commit, Loaded, StoreError};
use tidegate_core::release::{Release, ReleaseRefusal};

use crate::handler::Api;
use crate::http::ApiError;
use crate::identity::Caller;
use crate::model::ReleaseRequest;

/// How often a lost race is run again.
const TRIES: usize = 8;

impl Api {
    /// Adds a part to what is recorded of an image. Jobs that write at once lose nothing.
    pub(crate) async fn record_release(
        &self,
        caller: &Caller,
        request: ReleaseRequest,
    ) -> Result<Release, ApiError> {
        let (digest, ..) = self.find_image(&request.repository, &request.image).await?;
        for _ in 0..TRIES {
            let now = self.opener.clock.now();
            let held = self.store().release(&request.repository, &digest).await?;
            let mut held = held.unwrap_or_else(|| Loaded {
                value: Release::new(
                    request.repository.clone(),
                    digest.clone(),
                    caller.person.clone(),
                    now,
                ),
                version: 0,
            });
            held.value
                .record(request.record.clone(), &caller.person, now)
                .map_err(refused)?;
            match self.store().commit(Commit::new().release(&held)).await {
                Ok(()) => return Ok(held.value),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::keeps_changing(format!("the release of {digest}")))
    }

    pub(crate) async fn get_release(&self, repository: &str, image: &str) -> Result<Release, ApiError> {
        let (digest, ..) = self.find_image(repository, image).await?;
        let held = self.store().release(repository, &digest).await?;
        held.map(|held| held.value).ok_or_else(|| {
            ApiError::NotFound(format!(
                "nothing is recorded of {digest} in repository {repository}; CI records it with `tidegate release`"
            ))
        })
    }
}

fn refused(refusal: ReleaseRefusal) -> ApiError {
    match refusal {
        ReleaseRefusal::Differs { .. } => ApiError::Conflict(refusal.to_string()),
        ReleaseRefusal::Nothing
        | ReleaseRefusal::SuiteName(_)
        | ReleaseRefusal::TooManySuites
        | ReleaseRefusal::SbomHash
        | ReleaseRefusal::Place => ApiError::BadRequest(refusal.to_string()),
    }
}
