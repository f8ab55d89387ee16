//! What is kept of a deployment in a bucket of S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use tidegate_core::archive::Object;

use crate::error::{AwsError, Kind};

/// Under which name an object says how many entries of the journal it tells of.
const TOLD: &str = "tidegate-entries";

/// How often is begun anew where somebody else writes the same object.
const TRIES: u32 = 3;

/// What there is of an object.
struct Held {
    etag: String,
    entries: u64,
}

/// Keeps an object that tells of so many entries of the journal. One that tells of more is left: it was
/// written by a function that began later.
///
/// # Errors
/// Where S3 refuses, can't be asked, or somebody else writes it all the time.
pub async fn keep(s3: &Client, bucket: &str, object: &Object, entries: u64) -> Result<(), AwsError> {
    let place = format!("s3://{bucket}/{}", object.key);
    // Looked at only where it is there: of what is not, S3 says nothing to those who may not list the bucket.
    if put(s3, bucket, object, entries, None, &place).await? {
        return Ok(());
    }
    for _ in 0..TRIES {
        let held = held(s3, bucket, &object.key, &place).await?;
        if held.entries >= entries || put(s3, bucket, object, entries, Some(held), &place).await? {
            return Ok(());
        }
    }
    Err(AwsError::answer(
        format!("failed to write {place}"),
        Kind::Conflict,
        "somebody else writes it",
    ))
}

async fn held(s3: &Client, bucket: &str, key: &str, place: &str) -> Result<Held, AwsError> {
    let seen = s3.head_object().bucket(bucket).key(key).send().await;
    let seen = seen.map_err(|error| AwsError::sdk(format!("failed to look at {place}"), error))?;
    let told = seen.metadata().and_then(|all| all.get(TOLD));
    Ok(Held {
        // What somebody else has put there is replaced.
        entries: told.and_then(|told| told.parse().ok()).unwrap_or_default(),
        etag: seen.e_tag.unwrap_or_default(),
    })
}

/// False where it is not there as it was seen.
async fn put(
    s3: &Client,
    bucket: &str,
    object: &Object,
    entries: u64,
    held: Option<Held>,
    place: &str,
) -> Result<bool, AwsError> {
    let call = s3
        .put_object()
        .bucket(bucket)
        .key(&object.key)
        .content_type(object.content_type)
        .metadata(TOLD, entries.to_string())
        .body(ByteStream::from(object.body.clone().into_bytes()));
    let call = match held {
        Some(held) => call.if_match(held.etag),
        None => call.if_none_match("*"),
    };
    match call.send().await {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.code(),
                Some("PreconditionFailed" | "ConditionalRequestConflict")
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(AwsError::sdk(format!("failed to write {place}"), error)),
    }
}
