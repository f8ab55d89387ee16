//! Targets, their deployment files, and the `people` file.

use serde::{Deserialize, Serialize};
use tidegate_aws::store::{Commit, Loaded, StoreError};
use tidegate_core::gates::People;
use tidegate_core::ids::{SpecHash, Target};
use tidegate_core::spec::{self, Spec};
use tidegate_core::target::TargetState;

use crate::handler::Api;
use crate::http::ApiError;
use crate::model::ApplyAnswer;

/// How often a lost race is run again.
const TRIES: usize = 8;

/// The `people` file was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleAnswer {
    /// How many people are in it.
    pub people: usize,
}

/// A deployment file as it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpecAnswer {
    /// Its hash.
    pub spec_hash: String,
    /// The YAML.
    pub text: String,
}

impl Api {
    pub(crate) async fn list_targets(&self) -> Result<Vec<TargetState>, ApiError> {
        let mut found = Vec::new();
        for target in self.store().targets().await? {
            if let Some(held) = self.store().target(&target).await? {
                found.push(held.value);
            }
        }
        Ok(found)
    }

    pub(crate) async fn get_target(&self, target: &Target) -> Result<TargetState, ApiError> {
        Ok(self.load_target(target).await?.value)
    }

    pub(crate) async fn get_spec(&self, target: &Target) -> Result<SpecAnswer, ApiError> {
        let state = self.load_target(target).await?.value;
        let text = self
            .store()
            .spec_text(target, &state.spec_hash)
            .await?
            .unwrap_or_default();
        Ok(SpecAnswer {
            spec_hash: state.spec_hash.to_string(),
            text,
        })
    }

    pub(crate) async fn load_target(&self, target: &Target) -> Result<Loaded<TargetState>, ApiError> {
        self.store().target(target).await?.ok_or_else(|| {
            ApiError::NotFound(format!(
                "there is no target {target}; `tidegate apply FILE --service {}` makes it",
                target.service
            ))
        })
    }

    pub(crate) async fn apply_people(&self, people: People) -> Result<PeopleAnswer, ApiError> {
        self.store().put_people(&people).await?;
        Ok(PeopleAnswer {
            people: people.people.len(),
        })
    }

    pub(crate) async fn apply_spec(&self, target: &Target, file: &[u8]) -> Result<ApplyAnswer, ApiError> {
        let text = std::str::from_utf8(file)
            .map_err(|error| ApiError::BadRequest(format!("the deployment file is not UTF-8: {error}")))?;
        let parsed = spec::parse("deployment file", text)
            .map_err(|errors| ApiError::BadFile(errors.problems().to_vec()))?;
        let spec = parsed.spec;
        fits(target, &spec)?;
        for _ in 0..TRIES {
            let (held, outcome) = self.with_spec(target, &spec, &parsed.hash).await?;
            let commit = Commit::new()
                .target(&held)
                .spec(target, parsed.hash.as_str(), text);
            match self.store().commit(commit).await {
                Ok(()) => {
                    return Ok(ApplyAnswer {
                        target: target.clone(),
                        spec_hash: parsed.hash.to_string(),
                        outcome: outcome.to_owned(),
                        warnings: parsed.warnings,
                    });
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::keeps_changing(target))
    }

    /// The target's record with the file in force from now on. A running deployment keeps its own.
    async fn with_spec(
        &self,
        target: &Target,
        spec: &Spec,
        hash: &SpecHash,
    ) -> Result<(Loaded<TargetState>, &'static str), ApiError> {
        Ok(match self.store().target(target).await? {
            None => {
                let now = self.opener.clock.now();
                let state = TargetState::new(target.clone(), spec.clone(), hash.clone(), now);
                (
                    Loaded {
                        value: state,
                        version: 0,
                    },
                    "created",
                )
            }
            Some(mut held) => {
                let outcome = if held.value.spec_hash == *hash {
                    "unchanged"
                } else {
                    "updated"
                };
                held.value.spec = spec.clone().into();
                held.value.spec_hash = hash.clone();
                (held, outcome)
            }
        })
    }
}

fn fits(target: &Target, spec: &Spec) -> Result<(), ApiError> {
    if spec.environment != target.environment {
        return Err(ApiError::BadRequest(format!(
            "the file is for environment {}, not {}",
            spec.environment, target.environment
        )));
    }
    match &spec.service {
        Some(service) if *service != target.service => Err(ApiError::BadRequest(format!(
            "the file is for service {service}, not {}",
            target.service
        ))),
        Some(_) | None => Ok(()),
    }
}
