//! Parameters of Systems Manager. Nothing is ever decrypted, and an old value is read only to be compared
//! or put back, here.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;
use tidegate_core::change::parameter::{Held, seen, version_to_compare};
use tidegate_core::change::{Before, Change, Progress, Seen};
use tidegate_core::deployment::Deployment;

use crate::error::{AwsError, Kind};

/// How a parameter stands.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    name: &str,
    value: &str,
) -> Result<Seen, AwsError> {
    let before = deployment.before_of(&change.id);
    Ok(look(client, name, value, before).await?.0)
}

/// Sets the value, where nobody else has set one since.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(client: &Client, name: &str, value: &str, before: Option<&Before>) -> Result<(), AwsError> {
    let (seen, _) = look(client, name, value, before).await?;
    match (seen.made, before) {
        (Progress::NotBegun, Some(Before::Parameter { .. })) => overwrite(client, name, value).await,
        (Progress::NotBegun, Some(Before::Absent)) => create(client, name, value).await,
        // Without a record of what was there nothing could be put back; what went wrong shows at the next look.
        (
            Progress::NotBegun
            | Progress::Waiting { .. }
            | Progress::Running { .. }
            | Progress::Done { .. }
            | Progress::Failed { .. },
            _,
        ) => Ok(()),
    }
}

/// Puts the value of the version before back, or deletes what was not there.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn undo(client: &Client, name: &str, value: &str, before: Option<&Before>) -> Result<(), AwsError> {
    let (seen, earlier) = look(client, name, value, before).await?;
    match (seen.undone, before, earlier) {
        (Progress::NotBegun, Some(Before::Parameter { .. }), Some(earlier)) => {
            overwrite(client, name, &earlier).await
        }
        (Progress::NotBegun, Some(Before::Absent), _) => delete(client, name).await,
        (
            Progress::NotBegun
            | Progress::Waiting { .. }
            | Progress::Running { .. }
            | Progress::Done { .. }
            | Progress::Failed { .. },
            ..,
        ) => Ok(()),
    }
}

/// How it stands, and the value that was there before where it has to be compared.
async fn look(
    client: &Client,
    name: &str,
    value: &str,
    before: Option<&Before>,
) -> Result<(Seen, Option<String>), AwsError> {
    let now = read(client, name).await?;
    let earlier = match version_to_compare(now.as_ref(), before) {
        Some(version) => read(client, &format!("{name}:{version}")).await?,
        None => None,
    };
    let earlier = earlier.filter(|held| !held.secure).map(|held| held.value);
    Ok((seen(now.as_ref(), earlier.as_deref(), before, value), earlier))
}

/// One version of a parameter, or the last one; nothing where there is none.
async fn read(client: &Client, selector: &str) -> Result<Option<Held>, AwsError> {
    let what = || format!("failed to read parameter {selector}");
    // Without decryption a secret comes as it is stored: encrypted.
    let answer = client.get_parameter().name(selector).send().await;
    let answer = match answer.map_err(|error| AwsError::sdk(what(), error)) {
        Ok(answer) => answer,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let parameter = answer.parameter();
    let held = parameter.and_then(|parameter| {
        Some(Held {
            version: parameter.version(),
            value: parameter.value()?.to_owned(),
            secure: match parameter.r#type()? {
                ParameterType::String | ParameterType::StringList => false,
                // A type of which nothing is known is left alone like a secret.
                _ => true,
            },
        })
    });
    held.map(Some)
        .ok_or_else(|| AwsError::answer(what(), Kind::Other, "the answer lacks its value or type"))
}

fn is_absent(error: &AwsError) -> bool {
    matches!(
        error.code.as_deref(),
        Some("ParameterNotFound" | "ParameterVersionNotFound")
    )
}

/// Its type stays as it is.
async fn overwrite(client: &Client, name: &str, value: &str) -> Result<(), AwsError> {
    let call = client.put_parameter().name(name).value(value).overwrite(true);
    call.send()
        .await
        .map(|_| ())
        .map_err(|error| AwsError::sdk(format!("failed to set parameter {name}"), error))
}

async fn create(client: &Client, name: &str, value: &str) -> Result<(), AwsError> {
    let call = client.put_parameter().name(name).value(value);
    let created = call.r#type(ParameterType::String).overwrite(false).send().await;
    match created.map_err(|error| AwsError::sdk(format!("failed to create parameter {name}"), error)) {
        Ok(_) => Ok(()),
        // By an attempt of ours whose answer was lost, or by somebody else: the next look tells.
        Err(error) if error.code.as_deref() == Some("ParameterAlreadyExists") => Ok(()),
        Err(error) => Err(error),
    }
}

async fn delete(client: &Client, name: &str) -> Result<(), AwsError> {
    let deleted = client.delete_parameter().name(name).send().await;
    match deleted.map_err(|error| AwsError::sdk(format!("failed to delete parameter {name}"), error)) {
        Ok(_) => Ok(()),
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
