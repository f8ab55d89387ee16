//! The EventBridge event "ECR Image Action": which targets take the image, and what becomes of it.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_types::SdkConfig;
use serde::{Deserialize, Serialize};
use tidegate_aws::observe;
use tidegate_core::deployment::Origin;
use tidegate_core::ids::{Digest, Target};
use tidegate_core::observation::ImageState;
use tidegate_core::target::{Admission, Push, takes};
use tidegate_lambda::FunctionError;
use tidegate_lambda::admit::{Opened, Opener};
use tidegate_lambda::config::{ConfigError, Lookup};

use crate::config::Config;

/// `detail` of an "ECR Image Action" (Amazon ECR events and EventBridge, "Event for a completed
/// image push").
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageAction {
    /// `SUCCESS` or `FAILURE`.
    pub result: String,
    /// `PUSH`, `DELETE`, ...
    pub action_type: String,
    /// Repository's name.
    pub repository_name: String,
    /// The image.
    pub image_digest: Option<String>,
    /// Its label; absent for an untagged image.
    pub image_tag: Option<String>,
}

/// What became of the push, for the log and for `cargo lambda invoke`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// One line for each target that takes the image.
    pub targets: Vec<String>,
}

/// The function.
#[derive(Debug)]
pub struct OnImagePush {
    opener: Opener,
    ecr: aws_sdk_ecr::Client,
}

impl OnImagePush {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let config = Config::read(lookup)?;
        Ok(Self {
            opener: Opener::new(sdk, config.table, config.deployment_machine),
            ecr: aws_sdk_ecr::Client::new(sdk),
        })
    }

    /// Opens a deployment for every target that takes the image.
    ///
    /// # Errors
    /// Where AWS does not answer; EventBridge then delivers again, and what was done before is found.
    pub async fn handle(&self, event: EventBridgeEvent<ImageAction>) -> Result<Output, FunctionError> {
        let action = &event.detail;
        if action.action_type != "PUSH" || action.result != "SUCCESS" {
            return Ok(Output::default());
        }
        let Some(digest) = action.image_digest.as_deref() else {
            return Err(FunctionError::Invalid(
                "the event names no image digest".to_owned(),
            ));
        };
        let digest: Digest = digest
            .parse()
            .map_err(|error| FunctionError::Invalid(format!("{error}")))?;
        let mut output = Output::default();
        let targets = self.targets(action).await?;
        if targets.is_empty() {
            tracing::info!(
                repository = action.repository_name,
                tag = action.image_tag,
                "no target takes this image"
            );
            return Ok(output);
        }
        // The event is a hint: the registry says whether the image is there, and since when.
        let ImageState::Found { pushed_at, .. } =
            observe::image(&self.ecr, &action.repository_name, &digest).await?
        else {
            tracing::warn!(%digest, "the registry does not have this image; nothing is deployed");
            return Ok(output);
        };
        let event_id = event.id.clone().unwrap_or_else(|| digest.to_string());
        let push = Push {
            repository: action.repository_name.clone(),
            digest,
            tag: action.image_tag.clone(),
            pushed_at,
            origin: Origin::Push {
                event_id: event_id.clone(),
            },
            overrides: Vec::new(),
        };
        for target in targets {
            let seen = format!("{event_id}#{target}");
            let opened = self
                .opener
                .admit(&target, &push, Some(&seen), "on-image-push")
                .await?;
            let line = format!("{target}: {}", describe(&opened));
            tracing::info!("{line}");
            output.targets.push(line);
        }
        Ok(output)
    }

    /// Targets whose file takes this repository and tag, and wants it deployed without asking.
    async fn targets(&self, action: &ImageAction) -> Result<Vec<Target>, FunctionError> {
        let mut found = Vec::new();
        for target in self.opener.store.targets().await? {
            let Some(state) = self.opener.store.target(&target).await? else {
                continue;
            };
            let spec = &state.value.spec;
            let tag = action.image_tag.as_deref();
            if spec.auto_deploy && takes(&spec.trigger, &target, &action.repository_name, tag) {
                found.push(target);
            }
        }
        Ok(found)
    }
}

fn describe(opened: &Opened) -> String {
    match opened {
        Opened::SeenBefore => "this event was taken before".to_owned(),
        Opened::As(Admission::Start(request)) => format!("deployment {} starts", request.id),
        Opened::As(Admission::Queued { behind }) => format!("waits for {behind}"),
        Opened::As(Admission::Superseding { running, .. }) => format!("supersedes {running}"),
        Opened::As(Admission::Refused(refusal)) => format!("no deployment: {refusal}"),
    }
}
