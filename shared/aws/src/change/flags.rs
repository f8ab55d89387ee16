//! Feature flags in AppConfig. A configuration is read only to be merged and compared, here: what is
//! recorded of it are version numbers and a hash.
//!
//! Both writes are conditional: a version is stored only while no other was stored since it was looked, and
//! deployed only while no other deployment was started.

use aws_sdk_appconfig::Client;
use aws_sdk_appconfig::primitives::Blob;
use aws_sdk_appconfig::types::DeploymentState;
use tidegate_core::change::flags::{
    Deployed, DeployedStage, FlagsBefore, FlagsNow, FlagsPlace, FlagsWork, MAX_CONTENT_BYTES,
    MOST_DEPLOYMENTS, holds, merged, refused, seen,
};
use tidegate_core::change::{Before, Change, Progress, Seen};
use tidegate_core::deployment::Deployment;

use crate::error::{AwsError, Kind};
use crate::naming::flags_version;

/// The type of a profile whose content is feature flags.
const FEATURE_FLAGS: &str = "AWS.AppConfig.FeatureFlags";
/// Everybody gets it at once; the way back does not wait.
const ALL_AT_ONCE: &str = "AppConfig.AllAtOnce";
/// Names are looked for on so many pages.
const MOST_PAGES: usize = 20;

/// How the flags stand.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    work: &FlagsWork,
) -> Result<Seen, AwsError> {
    let before = deployment.before_of(&change.id);
    Ok(match look(client, deployment, change, work, before).await? {
        Ok(now) => seen(&now, before, work),
        Err(reason) => Seen {
            before: None,
            made: Progress::failed(reason.clone()),
            undone: Progress::failed(reason),
        },
    })
}

/// Where the flags are, before anything is touched; or why they can't be set as the file asks.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn find(client: &Client, work: &FlagsWork) -> Result<Result<FlagsPlace, String>, AwsError> {
    let place = match resolve(client, work).await? {
        Ok(place) => place,
        Err(reason) => return Ok(Err(reason)),
    };
    let now = read(client, place, work, "").await?;
    Ok(match refused(&now, work) {
        Some(reason) => Err(reason),
        None => Ok(now.place),
    })
}

/// Stores a version with the flags as the file asks, and has AppConfig deploy it.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    work: &FlagsWork,
    before: Option<&Before>,
) -> Result<(), AwsError> {
    let (Ok(now), Some(Before::Flags { held })) =
        (look(client, deployment, change, work, before).await?, before)
    else {
        return Ok(());
    };
    // What went wrong shows at the next look.
    if seen(&now, before, work).made != Progress::NotBegun {
        return Ok(());
    }
    let version = match now.ours {
        Some(version) => version,
        None if holds(&now.content, work) => return Ok(()),
        None => match store(client, deployment, change, work, &now).await? {
            Some(version) => version,
            None => return Ok(()),
        },
    };
    let strategy = &held.place.strategy;
    start(client, deployment, work, &now, (version, strategy)).await
}

/// Has AppConfig return to the version that was deployed.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn undo(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    work: &FlagsWork,
    before: Option<&Before>,
) -> Result<(), AwsError> {
    let (Ok(now), Some(Before::Flags { held })) =
        (look(client, deployment, change, work, before).await?, before)
    else {
        return Ok(());
    };
    if seen(&now, before, work).undone != Progress::NotBegun {
        return Ok(());
    }
    let Some(number) = now.to_stop() else {
        return Ok(());
    };
    if stop(client, held, work, number).await? {
        return Ok(());
    }
    start(client, deployment, work, &now, (held.version, ALL_AT_ONCE)).await
}

/// What AppConfig has; or, of what was not looked at before, why it is not what it has to be.
async fn look(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    work: &FlagsWork,
    before: Option<&Before>,
) -> Result<Result<FlagsNow, String>, AwsError> {
    let place = match before {
        Some(Before::Flags { held }) => held.place.clone(),
        Some(
            Before::Absent
            | Before::Scaling { .. }
            | Before::Parameter { .. }
            | Before::Index { .. }
            | Before::Stack { .. }
            | Before::TerraformState
            | Before::Monitored { .. },
        )
        | None => match resolve(client, work).await? {
            Ok(place) => place,
            Err(reason) => return Ok(Err(reason)),
        },
    };
    // One that takes another back looks for what that one has stored.
    let of = deployment.maker();
    let ours = flags_version(of, &change.id);
    read(client, place, work, &ours).await.map(Ok)
}

/// Deployments, versions and the content that is deployed.
async fn read(
    client: &Client,
    place: FlagsPlace,
    work: &FlagsWork,
    ours: &str,
) -> Result<FlagsNow, AwsError> {
    let (deployments, newest_deployment) = deployments(client, &place, work).await?;
    let (newest_version, ours) = versions(client, &place, work, ours).await?;
    let mut now = FlagsNow {
        place,
        deployments,
        newest_deployment,
        newest_version,
        ours,
        content: Vec::new(),
    };
    if let Some(deployed) = now.deployed() {
        now.content = content(client, &now.place, work, deployed.version).await?;
    }
    Ok(now)
}

/// The deployments of this configuration, newest first, to the last one that was completed; and the number
/// of the newest one of the environment.
async fn deployments(
    client: &Client,
    place: &FlagsPlace,
    work: &FlagsWork,
) -> Result<(Vec<Deployed>, i32), AwsError> {
    let what = || format!("failed to list AppConfig's deployments of {}", work.title());
    let (mut found, mut newest, mut read) = (Vec::new(), None, 0);
    let mut next: Option<String> = None;
    loop {
        let call = client
            .list_deployments()
            .application_id(&place.application)
            .environment_id(&place.environment)
            .max_results(50)
            .set_next_token(next);
        let page = call.send().await.map_err(|error| AwsError::sdk(what(), error))?;
        for one in page.items() {
            newest.get_or_insert(one.deployment_number());
            read += 1;
            let same = match one.configuration_profile_id() {
                Some(id) => id == place.profile,
                None => one.configuration_name() == Some(&work.profile),
            };
            if !same {
                continue;
            }
            let stage = one.state().and_then(stage);
            let version = one.configuration_version().and_then(|text| text.parse().ok());
            let (Some(stage), Some(version)) = (stage, version) else {
                let cause = format!(
                    "deployment {} has a state or version of no known kind",
                    one.deployment_number()
                );
                return Err(AwsError::answer(what(), Kind::Other, cause));
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 100, and a float-to-int cast saturates"
            )]
            let percent = one.percentage_complete().unwrap_or_default() as u32;
            found.push(Deployed {
                number: one.deployment_number(),
                version,
                stage,
                percent,
            });
            if stage == DeployedStage::Complete {
                return Ok((found, newest.unwrap_or_default()));
            }
        }
        next = page.next_token().map(str::to_owned);
        if next.is_none() || read >= MOST_DEPLOYMENTS {
            return Ok((found, newest.unwrap_or_default()));
        }
    }
}

fn stage(state: &DeploymentState) -> Option<DeployedStage> {
    match state {
        DeploymentState::Validating | DeploymentState::Deploying => Some(DeployedStage::Deploying),
        DeploymentState::Baking => Some(DeployedStage::Baking),
        DeploymentState::Complete => Some(DeployedStage::Complete),
        DeploymentState::RollingBack => Some(DeployedStage::RollingBack),
        DeploymentState::RolledBack => Some(DeployedStage::RolledBack),
        DeploymentState::Reverted => Some(DeployedStage::Reverted),
        // The SDK's type may grow.
        _ => None,
    }
}

/// The newest version that is stored, and the one of that description. AppConfig lists the newest first.
async fn versions(
    client: &Client,
    place: &FlagsPlace,
    work: &FlagsWork,
    ours: &str,
) -> Result<(i32, Option<i32>), AwsError> {
    let call = client
        .list_hosted_configuration_versions()
        .application_id(&place.application)
        .configuration_profile_id(&place.profile)
        .max_results(50);
    let page = call
        .send()
        .await
        .map_err(|error| AwsError::sdk(format!("failed to list the versions of {}", work.title()), error))?;
    let newest = page.items().iter().map(|one| one.version_number()).max();
    let mut ours = page.items().iter().filter(|one| one.description() == Some(ours));
    Ok((
        newest.unwrap_or_default(),
        ours.next().map(|one| one.version_number()),
    ))
}

async fn content(
    client: &Client,
    place: &FlagsPlace,
    work: &FlagsWork,
    version: i32,
) -> Result<Vec<u8>, AwsError> {
    let what = || format!("failed to read version {version} of {}", work.title());
    let call = client
        .get_hosted_configuration_version()
        .application_id(&place.application)
        .configuration_profile_id(&place.profile)
        .version_number(version);
    let answer = call.send().await.map_err(|error| AwsError::sdk(what(), error))?;
    let content = answer.content.map(Blob::into_inner).unwrap_or_default();
    match content.len() <= MAX_CONTENT_BYTES {
        true => Ok(content),
        false => {
            let cause = format!("it has more than {MAX_CONTENT_BYTES} bytes");
            Err(AwsError::answer(what(), Kind::Invalid, cause))
        }
    }
}

/// Stores a version with what is deployed and the flags of the file; its number, unless somebody else has
/// stored one meanwhile.
async fn store(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    work: &FlagsWork,
    now: &FlagsNow,
) -> Result<Option<i32>, AwsError> {
    let what = format!("failed to store a version of {}", work.title());
    let content =
        merged(&now.content, work).map_err(|reason| AwsError::answer(what.clone(), Kind::Invalid, reason))?;
    let stored = client
        .create_hosted_configuration_version()
        .application_id(&now.place.application)
        .configuration_profile_id(&now.place.profile)
        .description(flags_version(&deployment.id, &change.id))
        .content_type("application/json")
        .content(Blob::new(content))
        .latest_version_number(now.newest_version)
        .send()
        .await;
    match stored.map_err(|error| AwsError::sdk(what.clone(), error)) {
        Ok(stored) => Ok(Some(stored.version_number())),
        // The next look tells what is there now.
        Err(error) if error.kind == Kind::Conflict => Ok(None),
        // Its message may say what stands in the configuration.
        Err(error) if error.code.as_deref() == Some("BadRequestException") => {
            let cause =
                "AppConfig refuses it: does each attribute fit the constraints that the flag has for it?";
            Err(AwsError::answer(what, Kind::Invalid, cause))
        }
        Err(error) => Err(error),
    }
}

/// Has AppConfig deploy a version by a strategy, unless another deployment was started meanwhile.
async fn start(
    client: &Client,
    deployment: &Deployment,
    work: &FlagsWork,
    now: &FlagsNow,
    (version, strategy): (i32, &str),
) -> Result<(), AwsError> {
    let call = client
        .start_deployment()
        .application_id(&now.place.application)
        .environment_id(&now.place.environment)
        .configuration_profile_id(&now.place.profile)
        .deployment_strategy_id(strategy)
        .configuration_version(version.to_string())
        .description(format!("Tidegate: {}", deployment.id))
        .latest_deployment_number(now.newest_deployment);
    let what = format!(
        "failed to have AppConfig deploy version {version} of {}",
        work.title()
    );
    match call.send().await.map_err(|error| AwsError::sdk(what, error)) {
        Ok(_) => Ok(()),
        // One of another configuration is underway in the environment, or was started since: the next look tells.
        Err(error) if error.kind == Kind::Conflict => Ok(()),
        Err(error) => Err(error),
    }
}

/// Stops a deployment of AppConfig's, or takes it back where it is complete: at once, and whatever alarms say.
/// Whether that could be: AppConfig takes back for 72 hours.
async fn stop(client: &Client, held: &FlagsBefore, work: &FlagsWork, number: i32) -> Result<bool, AwsError> {
    let call = client
        .stop_deployment()
        .application_id(&held.place.application)
        .environment_id(&held.place.environment)
        .deployment_number(number)
        .allow_revert(true);
    let what = format!(
        "failed to stop AppConfig's deployment {number} of {}",
        work.title()
    );
    match call.send().await.map_err(|error| AwsError::sdk(what, error)) {
        Ok(_) => Ok(true),
        Err(error) if error.code.as_deref() == Some("BadRequestException") => Ok(false),
        Err(error) => Err(error),
    }
}

/// AppConfig's ids of what the file names; or which of them there is not.
async fn resolve(client: &Client, work: &FlagsWork) -> Result<Result<FlagsPlace, String>, AwsError> {
    let none = |what: &str, name: &str| Ok(Err(format!("there is no {what} {name} in AppConfig")));
    let Some(application) = application(client, &work.application).await? else {
        return none("application", &work.application);
    };
    let Some(environment) = environment(client, &application, &work.environment).await? else {
        return none(
            "environment",
            &format!("{} of {}", work.environment, work.application),
        );
    };
    let Some(profile) = profile(client, &application, &work.profile).await? else {
        return none(
            "configuration profile",
            &format!("{} of {}", work.profile, work.application),
        );
    };
    let profile = match profile {
        Ok(profile) => profile,
        Err(kind) => {
            return Ok(Err(format!(
                "the configuration profile {} is {kind}, and not hosted feature flags",
                work.profile
            )));
        }
    };
    let Some(strategy) = strategy(client, &work.strategy).await? else {
        return none("deployment strategy", &work.strategy);
    };
    Ok(Ok(FlagsPlace {
        application,
        environment,
        profile,
        strategy,
    }))
}

/// What a page has of the one that is looked for, and the token of the next page.
type Page<T> = Result<(Option<T>, Option<String>), AwsError>;

async fn find_in_pages<T>(
    mut page: impl AsyncFnMut(Option<String>) -> Page<T>,
) -> Result<Option<T>, AwsError> {
    let mut next = None;
    for _ in 0..MOST_PAGES {
        let (found, token) = page(next).await?;
        if found.is_some() || token.is_none() {
            return Ok(found);
        }
        next = token;
    }
    Ok(None)
}

async fn application(client: &Client, name: &str) -> Result<Option<String>, AwsError> {
    find_in_pages(async |next| {
        let call = client.list_applications().max_results(50).set_next_token(next);
        let page = call.send().await;
        let page = page.map_err(|error| AwsError::sdk("failed to list AppConfig's applications", error))?;
        let mut items = page.items().iter();
        let found = items.find(|one| one.name() == Some(name));
        Ok((
            found.and_then(|one| one.id.clone()),
            page.next_token().map(str::to_owned),
        ))
    })
    .await
}

async fn environment(client: &Client, application: &str, name: &str) -> Result<Option<String>, AwsError> {
    find_in_pages(async |next| {
        let call = client.list_environments().application_id(application);
        let page = call.max_results(50).set_next_token(next).send().await;
        let page = page.map_err(|error| AwsError::sdk("failed to list AppConfig's environments", error))?;
        let mut items = page.items().iter();
        let found = items.find(|one| one.name() == Some(name));
        Ok((
            found.and_then(|one| one.id.clone()),
            page.next_token().map(str::to_owned),
        ))
    })
    .await
}

/// Its id, or what it is where it does not hold feature flags.
async fn profile(
    client: &Client,
    application: &str,
    name: &str,
) -> Result<Option<Result<String, String>>, AwsError> {
    find_in_pages(async |next| {
        let call = client.list_configuration_profiles().application_id(application);
        let page = call.max_results(50).set_next_token(next).send().await;
        let page = page.map_err(|error| AwsError::sdk("failed to list AppConfig's profiles", error))?;
        let mut items = page.items().iter();
        let found = items.find(|one| one.name() == Some(name)).and_then(|one| {
            let kind = one.r#type().unwrap_or("of no type");
            let hosted = one.location_uri() == Some("hosted");
            match hosted && kind == FEATURE_FLAGS {
                true => one.id.clone().map(Ok),
                false => Some(Err(format!(
                    "{kind} in {}",
                    one.location_uri().unwrap_or("no place")
                ))),
            }
        });
        Ok((found, page.next_token().map(str::to_owned)))
    })
    .await
}

/// The predefined ones are their own ids.
async fn strategy(client: &Client, name: &str) -> Result<Option<String>, AwsError> {
    if name.starts_with("AppConfig.") {
        return Ok(Some(name.to_owned()));
    }
    find_in_pages(async |next| {
        let call = client
            .list_deployment_strategies()
            .max_results(50)
            .set_next_token(next);
        let page = call.send().await;
        let page = page.map_err(|error| AwsError::sdk("failed to list AppConfig's strategies", error))?;
        let mut items = page.items().iter();
        let found = items.find(|one| one.name() == Some(name));
        Ok((
            found.and_then(|one| one.id.clone()),
            page.next_token().map(str::to_owned),
        ))
    })
    .await
}
