//! ECR: images by digest and tag.

use jiff::Timestamp;
use tidegate_aws::observe::{self, PushedImage};
use tidegate_core::ids::Digest;
use tidegate_core::observation::ImageState;

use super::compare::{Comparison, answer, raw};
use super::fixture::digest;

/// All of it. When an image was pushed is each side's own; that there is a time is compared.
pub async fn compare(both: &mut Comparison) {
    let v2 = observe::image_by_tag(&both.moto.ecr, "web", "v2").await.unwrap();
    let v2 = v2.map(|(digest, _)| digest).unwrap();
    for (what, repository, wanted) in [
        ("confirm an image's digest", "web", v2.clone()),
        ("confirm an unknown digest", "web", digest('e')),
        ("confirm a digest in an unknown repository", "ghost", v2.clone()),
    ] {
        both.same(what, async |side| {
            answer(
                observe::image(&side.ecr, repository, &wanted)
                    .await
                    .map(without_time),
            )
        })
        .await;
    }
    for (what, repository, tag) in [
        ("find an image by tag", "web", "v2"),
        ("find an image by its other tag", "web", "v2-again"),
        ("find an unknown tag", "web", "v9"),
        ("find a tag in an unknown repository", "ghost", "v2"),
    ] {
        both.same(what, async |side| {
            let found = observe::image_by_tag(&side.ecr, repository, tag).await;
            answer(found.map(|found| found.map(|(digest, _)| digest)))
        })
        .await;
    }
    lists(both, &v2).await;
}

async fn lists(both: &mut Comparison, v2: &Digest) {
    for (what, repository, since) in [
        ("list the images of a repository", "web", Timestamp::UNIX_EPOCH),
        ("list the images that are still to come", "web", Timestamp::MAX),
        (
            "list the images of an unknown repository",
            "ghost",
            Timestamp::UNIX_EPOCH,
        ),
    ] {
        both.same(what, async |side| {
            let found = observe::images_since(&side.ecr, repository, since).await;
            answer(found.map(tags))
        })
        .await;
    }
    both.same("refuse an image by tag and another digest", async |side| {
        let id = aws_sdk_ecr::types::ImageIdentifier::builder()
            .image_digest(v2.as_str())
            .image_tag("initial");
        let call = side
            .ecr
            .describe_images()
            .repository_name("web")
            .image_ids(id.build());
        raw(call.send().await.map(|_| ()))
    })
    .await;
    both.same("describe an unknown repository", async |side| {
        let call = side.ecr.describe_repositories().repository_names("ghost");
        raw(call.send().await.map(|_| ()))
    })
    .await;
}

fn without_time(state: ImageState) -> Option<String> {
    match state {
        ImageState::Found { uri, .. } => Some(uri),
        ImageState::Missing => None,
    }
}

fn tags(images: Vec<PushedImage>) -> Vec<(Option<String>, Digest)> {
    let mut tags: Vec<_> = images.into_iter().map(|one| (one.tag, one.digest)).collect();
    tags.sort();
    tags
}
