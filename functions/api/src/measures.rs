//! Measures of a period, from the deployments in the table.

use jiff::SignedDuration;
use tidegate_aws::store::Place;
use tidegate_core::ids::EnvironmentName;
use tidegate_core::measures::{Measures, Outcome, Period, Since, measure};

use crate::handler::Api;
use crate::http::ApiError;

/// Deployments in one read.
const PAGE: u32 = 100;

/// The list is by when deployments were asked for, a period by when they ended. None takes longer
/// than this (7 days, `infra/statemachines/deployment.asl.json`, and its way back).
const LONGEST: SignedDuration = SignedDuration::from_hours(8 * 24);

impl Api {
    pub(crate) async fn measures(
        &self,
        service: Option<&str>,
        environment: Option<&str>,
        since: Option<&str>,
    ) -> Result<Measures, ApiError> {
        let since: Since = since
            .map_or_else(|| Ok(Since::default()), str::parse)
            .map_err(|error| ApiError::BadRequest(format!("`since`: {error}")))?;
        let period = since.until(self.opener.clock.now());
        let mut outcomes = Vec::new();
        for environment in self.environments(environment).await? {
            self.outcomes(&environment, period, &mut outcomes).await?;
        }
        outcomes.retain(|one| service.is_none_or(|service| one.target.service.as_str() == service));
        Ok(measure(&outcomes, period))
    }

    /// Reads an environment's deployments page by page, and keeps only what came of each.
    async fn outcomes(
        &self,
        environment: &EnvironmentName,
        period: Period,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), ApiError> {
        let asked_since = period.since.checked_sub(LONGEST).unwrap_or(period.since);
        let mut before: Option<Place> = None;
        loop {
            let page = self
                .store()
                .deployments_before(environment, before.as_ref(), PAGE)
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            before = Some(Place::of(last));
            let done = last.requested_at < asked_since;
            outcomes.extend(
                page.iter()
                    .filter_map(|deployment| Outcome::of(deployment, deployment.committed_at())),
            );
            if done {
                return Ok(());
            }
        }
    }
}
