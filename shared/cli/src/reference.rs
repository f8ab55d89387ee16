//! How people name a deployment: its id, the beginning of its id, or its target.

use std::fmt;
use std::str::FromStr;

use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, InvalidName, Target};

use crate::api::{Api, Filter, MAX_LIMIT};
use crate::status::CliError;

/// What was typed where a deployment is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `service/environment`: its running deployment, else its newest.
    Target(Target),
    /// An id, or the beginning of one.
    Id(DeploymentId),
}

impl FromStr for Reference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.contains('/') {
            text.parse().map(Self::Target)
        } else {
            text.parse().map(Self::Id)
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => target.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

/// Finds the deployment that is meant.
///
/// # Errors
/// None, or more than one, fits.
pub async fn find(api: &Api, reference: &Reference) -> Result<Deployment, CliError> {
    match reference {
        Reference::Target(target) => running_or_newest(api, target).await,
        Reference::Id(id) => match api.deployment(id).await {
            Err(CliError::NotFound(message)) => by_prefix(api, id, message).await,
            found => found,
        },
    }
}

/// The deployment that holds the target; else the newest.
async fn running_or_newest(api: &Api, target: &Target) -> Result<Deployment, CliError> {
    let state = api.target(target).await?;
    if let Some(lock) = &state.lock {
        return api.deployment(&lock.deployment).await;
    }
    let filter = Filter {
        service: Some(target.service.clone()),
        environment: Some(target.environment.clone()),
        limit: MAX_LIMIT,
        before: None,
    };
    let newest = api.deployments(&filter).await?.into_iter().next();
    newest.ok_or_else(|| {
        CliError::NotFound(format!(
            "{target} has no deployment yet: push an image, or `tidegate deploy {target} IMAGE`"
        ))
    })
}

async fn by_prefix(api: &Api, prefix: &DeploymentId, not_found: String) -> Result<Deployment, CliError> {
    let filter = Filter {
        limit: MAX_LIMIT,
        ..Filter::default()
    };
    let ids: Vec<DeploymentId> = api
        .deployments(&filter)
        .await?
        .into_iter()
        .map(|one| one.id)
        .collect();
    match unique(prefix, &ids, not_found) {
        Ok(id) => api.deployment(&id).await,
        Err(error) => Err(error),
    }
}

/// The only id that begins so.
fn unique(prefix: &DeploymentId, ids: &[DeploymentId], not_found: String) -> Result<DeploymentId, CliError> {
    let fitting: Vec<&DeploymentId> = ids
        .iter()
        .filter(|id| id.as_str().starts_with(prefix.as_str()))
        .collect();
    match fitting.as_slice() {
        [] => Err(CliError::NotFound(not_found)),
        [one] => Ok((*one).clone()),
        several => {
            let shown: Vec<String> = several.iter().take(5).map(|id| format!("\n  {id}")).collect();
            Err(CliError::Usage(format!(
                "{} deployments begin with `{prefix}`; give more of the id, or the target as SERVICE/ENVIRONMENT:{}",
                several.len(),
                shown.concat()
            )))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::status::Status;

    fn ids(texts: &[&str]) -> Vec<DeploymentId> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_slash_makes_a_target() {
        let reference: Reference = "web/production".parse().unwrap();
        assert_eq!(reference, Reference::Target("web/production".parse().unwrap()));
    }

    #[test]
    fn anything_else_is_an_id_or_its_beginning() {
        assert_eq!(
            "web-production-7".parse::<Reference>().unwrap().to_string(),
            "web-production-7"
        );
        for text in ["", "web production", "Web/production", "web/", "a/b/c", "../x"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_must_fit_exactly_one() {
        let all = ids(&[
            "web-production-7-aa",
            "web-production-71-bb",
            "api-production-1-cc",
        ]);
        let find = |prefix: &str| unique(&prefix.parse().unwrap(), &all, "none".to_owned());
        assert_eq!(find("api").unwrap().as_str(), "api-production-1-cc");
        assert_eq!(find("web-production-7-").unwrap().as_str(), "web-production-7-aa");
        assert_eq!(find("web").unwrap_err().status(), Status::Usage);
        assert_eq!(find("shop").unwrap_err().status(), Status::NotFound);
    }
}
