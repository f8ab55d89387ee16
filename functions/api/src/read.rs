//! Reading deployments and journals.

use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, EnvironmentName};

use crate::handler::Api;
use crate::http::ApiError;
use crate::model::JournalAnswer;

/// Deployments in one list.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 200;

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

    pub(crate) async fn list_deployments(
        &self,
        service: Option<&str>,
        environment: Option<&str>,
        limit: Option<&str>,
    ) -> Result<Vec<Deployment>, ApiError> {
        let limit = match limit {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=MAX_LIMIT).contains(n))
                .ok_or_else(|| ApiError::BadRequest(format!("`limit` is a number from 1 to {MAX_LIMIT}")))?,
        };
        // One service's deployments are thinned out of all of its environment's.
        let look_at = if service.is_some() { MAX_LIMIT } else { limit };
        let mut found = Vec::new();
        for environment in self.environments(environment).await? {
            found.extend(self.store().deployments(&environment, look_at).await?);
        }
        found
            .retain(|deployment| service.is_none_or(|service| deployment.target.service.as_str() == service));
        found.sort_by_key(|deployment| std::cmp::Reverse(deployment.requested_at));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn environments(&self, only: Option<&str>) -> Result<Vec<EnvironmentName>, ApiError> {
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
