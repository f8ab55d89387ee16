//! Images as ECR has them.

use aws_sdk_ecr::Client;
use aws_sdk_ecr::error::SdkError;
use aws_sdk_ecr::operation::describe_images::{DescribeImagesError, DescribeImagesOutput};
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageIdentifier, TagStatus};
use jiff::Timestamp;
use tidegate_core::ids::Digest;
use tidegate_core::observation::ImageState;

use crate::error::{AwsError, Kind};
use crate::time::from_sdk;

/// An image under one of its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// Its identity.
    pub digest: Digest,
    /// The tag. An image that has several is there once for each.
    pub tag: Option<String>,
    /// When ECR got it.
    pub pushed_at: Timestamp,
}

/// What ECR says of a digest.
///
/// # Errors
/// Where ECR can't be asked. An image or repository that is not there is an answer.
pub async fn image(ecr: &Client, repository: &str, digest: &Digest) -> Result<ImageState, AwsError> {
    let what = || format!("failed to describe image {digest} in repository {repository}");
    let id = ImageIdentifier::builder().image_digest(digest.as_str()).build();
    let Some(detail) = describe(ecr, repository, id, what).await? else {
        return Ok(ImageState::Missing);
    };
    let (_, pushed_at) = pushed(&detail).map_err(|cause| AwsError::answer(what(), Kind::Other, cause))?;
    let uri = repository_uri(ecr, repository).await?;
    Ok(ImageState::Found {
        uri: format!("{uri}@{digest}"),
        pushed_at,
    })
}

/// The digest that a tag names now, and when it was pushed; nothing where there is none.
///
/// # Errors
/// Where ECR can't be asked.
pub async fn image_by_tag(
    ecr: &Client,
    repository: &str,
    tag: &str,
) -> Result<Option<(Digest, Timestamp)>, AwsError> {
    let what = || format!("failed to describe image {repository}:{tag}");
    let id = ImageIdentifier::builder().image_tag(tag).build();
    let Some(detail) = describe(ecr, repository, id, what).await? else {
        return Ok(None);
    };
    let found = pushed(&detail).map_err(|cause| AwsError::answer(what(), Kind::Other, cause))?;
    Ok(Some(found))
}

/// The tagged images that were pushed at `since` or later, oldest first. None where the repository
/// does not exist.
///
/// # Errors
/// Where ECR can't be asked.
pub async fn images_since(
    ecr: &Client,
    repository: &str,
    since: Timestamp,
) -> Result<Vec<PushedImage>, AwsError> {
    let what = || format!("failed to list the images of repository {repository}");
    let tagged = DescribeImagesFilter::builder()
        .tag_status(TagStatus::Tagged)
        .build();
    let mut pages = ecr
        .describe_images()
        .repository_name(repository)
        .filter(tagged)
        .into_paginator()
        .send();
    let mut images = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(AwsError::sdk(what(), error)),
        };
        for detail in page.image_details() {
            let (digest, pushed_at) =
                pushed(detail).map_err(|cause| AwsError::answer(what(), Kind::Other, cause))?;
            if pushed_at < since {
                continue;
            }
            images.extend(detail.image_tags().iter().map(|tag| PushedImage {
                digest: digest.clone(),
                tag: Some(tag.clone()),
                pushed_at,
            }));
        }
    }
    images.sort_by(|a, b| (a.pushed_at, &a.digest, &a.tag).cmp(&(b.pushed_at, &b.digest, &b.tag)));
    Ok(images)
}

async fn describe(
    ecr: &Client,
    repository: &str,
    id: ImageIdentifier,
    what: impl Fn() -> String,
) -> Result<Option<ImageDetail>, AwsError> {
    let call = ecr.describe_images().repository_name(repository).image_ids(id);
    match call.send().await {
        Ok(DescribeImagesOutput { image_details, .. }) => {
            Ok(image_details.unwrap_or_default().into_iter().next())
        }
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(AwsError::sdk(what(), error)),
    }
}

fn is_missing<R>(error: &SdkError<DescribeImagesError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_image_not_found_exception() || error.is_repository_not_found_exception()
    })
}

async fn repository_uri(ecr: &Client, repository: &str) -> Result<String, AwsError> {
    let what = || format!("failed to describe repository {repository}");
    let answer = ecr
        .describe_repositories()
        .repository_names(repository)
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    let uri = answer.repositories().iter().find_map(|one| one.repository_uri());
    uri.map(str::to_owned)
        .ok_or_else(|| AwsError::answer(what(), Kind::NotFound, "the answer has no repository URI"))
}

fn pushed(detail: &ImageDetail) -> Result<(Digest, Timestamp), String> {
    let digest = detail.image_digest().ok_or("the answer has no digest")?;
    let digest: Digest = digest.parse().map_err(|error| format!("{error}"))?;
    let at = detail.image_pushed_at().and_then(from_sdk);
    Ok((digest, at.ok_or("the answer has no time of push")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;

    #[test]
    fn an_image_has_a_digest_and_a_time_or_is_an_error() {
        let digest = format!("sha256:{}", "b".repeat(64));
        let whole = ImageDetail::builder()
            .image_digest(&digest)
            .image_tags("1.2.3")
            .image_pushed_at(DateTime::from_secs(1_700_000_000));
        let found = pushed(&whole.clone().build());
        assert_eq!(found.map(|(_, at)| at.as_second()), Ok(1_700_000_000));
        assert!(pushed(&whole.clone().image_digest("latest").build()).is_err());
        assert!(pushed(&whole.set_image_pushed_at(None).build()).is_err());
    }
}
