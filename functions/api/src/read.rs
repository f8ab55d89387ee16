//! Reading deployments and journals.

use tidegate_aws::store::Place;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, EnvironmentName};

use crate::handler::Api;
use crate::http::ApiError;
use crate::model::JournalAnswer;

/// Deployments in one list.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 200;

/// One service's deployments are looked for among this many times [`MAX_LIMIT`] of its environment's.
const MAX_PAGES: u32 = 20;

/// Which deployments to list, as the query says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<'a> {
    /// Of this service.
    pub service: Option<&'a str>,
    /// In this environment.
    pub environment: Option<&'a str>,
    /// At most so many.
    pub limit: Option<&'a str>,
    /// Those after this one in the list, which is the newest first.
    pub before: Option<&'a str>,
}

impl Api {
    pub(crate) async fn get_deployment(&self, id: &DeploymentId) -> Result<Deployment, ApiError> {
        self.store().deployment(id).await?.ok_or_else(|| {
            ApiError::NotFound(format!("there is no deployment {id}; `tidegate get` lists them"))
        })
    }

    pub(crate) async fn get_journal(&self, id: &DeploymentId) -> Result<JournalAnswer, ApiError> {
        self.get_deployment(id).await?;
        Ok(JournalAnswer {
            entries: self.store().journal(id).await?,
        })
    }

    pub(crate) async fn list_deployments(&self, which: Listing<'_>) -> Result<Vec<Deployment>, ApiError> {
        let limit = match which.limit {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=MAX_LIMIT).contains(n))
                .ok_or_else(|| ApiError::BadRequest(format!("`limit` is a number from 1 to {MAX_LIMIT}")))?,
        };
        let before = match which.before {
            None => None,
            Some(id) => {
                let id = id
                    .parse()
                    .map_err(|error| ApiError::BadRequest(format!("`before`: {error}")))?;
                Some(Place::of(&self.get_deployment(&id).await?))
            }
        };
        let mut found = Vec::new();
        for environment in self.environments(which.environment).await? {
            found.extend(
                self.newest(&environment, which.service, before.as_ref(), limit)
                    .await?,
            );
        }
        // By place, as each environment's list is: the last one is where the next list begins.
        found.sort_by_cached_key(|deployment| std::cmp::Reverse(Place::of(deployment)));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// The newest of an environment, or of one service in it: these are thinned out of all.
    async fn newest(
        &self,
        environment: &EnvironmentName,
        service: Option<&str>,
        before: Option<&Place>,
        limit: u32,
    ) -> Result<Vec<Deployment>, ApiError> {
        let Some(service) = service else {
            return Ok(self
                .store()
                .deployments_before(environment, before, limit)
                .await?);
        };
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut found, mut before) = (Vec::new(), before.cloned());
        for _ in 0..MAX_PAGES {
            let page = self
                .store()
                .deployments_before(environment, before.as_ref(), MAX_LIMIT)
                .await?;
            before = page.last().map(Place::of);
            let all = page.len() < usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX);
            found.extend(
                page.into_iter()
                    .filter(|deployment| deployment.target.service.as_str() == service),
            );
            if all || found.len() >= wanted {
                break;
            }
        }
        Ok(found)
    }

    pub(crate) async fn environments(&self, only: Option<&str>) -> Result<Vec<EnvironmentName>, ApiError> {
        if let Some(text) = only {
            return Ok(vec![
                text.parse()
                    .map_err(|error| ApiError::BadRequest(format!("{error}")))?,
            ]);
        }
        let mut environments: Vec<EnvironmentName> = self
            .store()
            .targets()
            .await?
            .into_iter()
            .map(|target| target.environment)
            .collect();
        environments.sort();
        environments.dedup();
        Ok(environments)
    }
}
