//! Deploying by hand, stopping, and taking a completed deployment back.

use tidegate_aws::executions;
use tidegate_aws::observe;
use tidegate_aws::store::StoreError;
use tidegate_core::change::index;
use tidegate_core::deployment::{Deployment, HOTFIX, Origin, Override};
use tidegate_core::exit::{AbortCause, ExitState};
use tidegate_core::ids::{DeploymentId, Digest};
use tidegate_core::observation::ImageState;
use tidegate_core::target::{Admission, Push};
use tidegate_lambda::admit::Opened;
use tidegate_lambda::open::{ExecutionInput, store_new};
use tidegate_lambda::stop::{self, Stopped};

use crate::handler::Api;
use crate::http::ApiError;
use crate::identity::Caller;
use crate::model::{DeployAnswer, DeployRequest, StopAnswer, StopRequest, kept};

/// How often a lost race is run again.
const TRIES: usize = 8;

impl Api {
    pub(crate) async fn deploy(
        &self,
        caller: &Caller,
        request: DeployRequest,
    ) -> Result<DeployAnswer, ApiError> {
        let overrides = overrides(caller, &request)?;
        let target = self.load_target(&request.target).await?.value;
        if request.hotfix && target.spec.hotfix.is_none() {
            return Err(ApiError::Conflict(format!(
                "the deployment file of {} has no `hotfix` section: add one that says what a hotfix may leave out and \
                 who must agree, or deploy without --hotfix",
                request.target
            )));
        }
        let service = target.target.service.as_str();
        let repository = target.spec.trigger.repository.as_deref().unwrap_or(service);
        let (digest, tag, pushed_at) = self.find_image(repository, &request.image).await?;
        let push = Push {
            repository: repository.to_owned(),
            digest: digest.clone(),
            tag,
            pushed_at,
            origin: Origin::Person {
                person: caller.person.clone(),
            },
            overrides,
        };
        let by = caller.person.as_str();
        let opened = self.opener.admit(&request.target, &push, None, by).await?;
        let answer = |outcome: &str, deployment, behind| DeployAnswer {
            outcome: outcome.to_owned(),
            deployment,
            behind,
            digest,
        };
        match opened {
            Opened::As(Admission::Start(started)) => Ok(answer("started", Some(started.id), None)),
            Opened::As(Admission::Queued { behind }) => Ok(answer("queued", None, Some(behind))),
            Opened::As(Admission::Superseding { running, .. }) => {
                Ok(answer("superseding", None, Some(running)))
            }
            Opened::As(Admission::Refused(refusal)) => Err(ApiError::Conflict(refusal.to_string())),
            Opened::SeenBefore => Err(ApiError::Conflict("this was asked for before".to_owned())),
        }
    }

    pub(crate) async fn find_image(
        &self,
        repository: &str,
        image: &str,
    ) -> Result<(Digest, Option<String>, jiff::Timestamp), ApiError> {
        let missing = || ApiError::NotFound(format!("repository {repository} has no image `{image}`"));
        if let Ok(digest) = image.parse::<Digest>() {
            return match observe::image(&self.ecr, repository, &digest).await? {
                ImageState::Found { pushed_at, .. } => Ok((digest, None, pushed_at)),
                ImageState::Missing => Err(missing()),
            };
        }
        let (digest, pushed_at) = observe::image_by_tag(&self.ecr, repository, image)
            .await?
            .ok_or_else(missing)?;
        Ok((digest, Some(image.to_owned()), pushed_at))
    }

    pub(crate) async fn abort(
        &self,
        caller: &Caller,
        id: &DeploymentId,
        request: StopRequest,
    ) -> Result<StopAnswer, ApiError> {
        let cause = asked_for(caller, &request);
        let opener = &self.opener;
        let by = caller.person.as_str();
        let outcome = match stop::request(&opener.store, &opener.sfn, &opener.clock, id, &cause, by).await? {
            Stopped::Requested => "stopping",
            Stopped::Already => "already stopping",
            Stopped::Ended => {
                let state = self
                    .get_deployment(id)
                    .await?
                    .exit
                    .map_or("over", |exit| exit.state.as_str());
                return Err(ApiError::Conflict(format!(
                    "{id} has ended ({state}); `tidegate rollback {id}` takes a completed one back"
                )));
            }
        };
        Ok(StopAnswer {
            outcome: outcome.to_owned(),
            deployment: id.clone(),
        })
    }

    pub(crate) async fn rollback(
        &self,
        caller: &Caller,
        id: &DeploymentId,
        request: StopRequest,
    ) -> Result<StopAnswer, ApiError> {
        let deployment = self.get_deployment(id).await?;
        match deployment.exit.as_ref().map(|exit| exit.state) {
            None => self.abort(caller, id, request).await,
            Some(ExitState::Completed) => self.reverse(caller, &deployment, &request).await,
            Some(state) => Err(ApiError::Conflict(format!(
                "{id} ended as {}: there is nothing to roll back",
                state.as_str()
            ))),
        }
    }

    /// A completed deployment is taken back by a deployment of its own, so that its journal tells of it.
    async fn reverse(
        &self,
        caller: &Caller,
        completed: &Deployment,
        request: &StopRequest,
    ) -> Result<StopAnswer, ApiError> {
        let cause = asked_for(caller, request);
        let by = caller.person.as_str();
        for _ in 0..TRIES {
            let mut held = self.load_target(&completed.target).await?;
            let origin = Origin::Person {
                person: caller.person.clone(),
            };
            let now = self.opener.clock.now();
            let opened = held
                .value
                .reverse(completed, origin, now)
                .map_err(|refusal| ApiError::Conflict(refusal.to_string()))?;
            let id = opened.id.clone();
            let events = completed.reversal(cause.clone());
            match store_new(self.store(), &held, opened, events, None, by, now).await {
                Ok(_) => return self.start_reversal(id, &cause).await,
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ApiError::keeps_changing(&completed.target))
    }

    async fn start_reversal(&self, id: DeploymentId, cause: &AbortCause) -> Result<StopAnswer, ApiError> {
        let input = ExecutionInput::back(id.clone(), "AskedFor", &cause.describe()).to_json();
        executions::start(&self.opener.sfn, &self.rollback_machine, id.as_str(), &input).await?;
        Ok(StopAnswer {
            outcome: "rolling back".to_owned(),
            deployment: id,
        })
    }
}

fn asked_for(caller: &Caller, request: &StopRequest) -> AbortCause {
    let given = kept(&request.reason);
    let reason = match given.is_empty() {
        true => "no reason given".to_owned(),
        false => given,
    };
    AbortCause::AskedFor {
        by: caller.person.clone(),
        reason,
    }
}

fn overrides(caller: &Caller, request: &DeployRequest) -> Result<Vec<Override>, ApiError> {
    const KNOWN: [&str; 5] = [
        "contract",
        index::OVERRIDE,
        "quarantine",
        "stable-image",
        "stable-task-definition",
    ];
    let known = |what: &str| KNOWN.contains(&what) || what.starts_with("alarm:");
    if let Some(unknown) = request.overrides.iter().find(|what| !known(what)) {
        return Err(ApiError::BadRequest(format!(
            "`{unknown}` can't be overridden; what can: alarm:NAME, {}",
            KNOWN.join(", ")
        )));
    }
    if (request.hotfix || !request.overrides.is_empty()) && request.reason.trim().is_empty() {
        let what = if request.hotfix { "a hotfix" } else { "an override" };
        return Err(ApiError::BadRequest(format!(
            "{what} needs a reason: --reason \"...\""
        )));
    }
    let reason = kept(&request.reason);
    let recorded = |what: &String| Override {
        what: what.clone(),
        by: caller.person.clone(),
        reason: reason.clone(),
    };
    let hotfix = request.hotfix.then(|| HOTFIX.to_owned());
    Ok(hotfix.iter().chain(&request.overrides).map(recorded).collect())
}
