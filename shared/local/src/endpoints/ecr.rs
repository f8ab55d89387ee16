//! Operations of the Elastic Container Registry.

use serde_json::{Value, json};

use super::Fault;
use super::args::{Args, epoch, object, without_nulls};
use crate::fleet::{Fleet, Image, Repository, Scan, ScanEnd, Signed};

/// Media type of an image's manifest.
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Most images of one answer of `DescribeImages`.
const MAX_IMAGES: usize = 1_000;

/// Answers an operation.
pub(super) fn answer(fleet: &Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "DescribeImages" => describe_images(fleet, args),
        "DescribeRepositories" => describe_repositories(fleet, args),
        "BatchGetImage" => batch_get_image(fleet, args),
        "DescribeImageScanFindings" => scan_findings(fleet, args),
        "ListImageReferrers" => list_referrers(fleet, args),
        "ListImages" => list_images(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn repository_not_found(fleet: &Fleet, name: &str) -> Fault {
    Fault::new(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{}'",
            fleet.account
        ),
    )
}

/// The repository that a call names.
fn repository<'f>(fleet: &'f Fleet, args: Args<'_>) -> Result<(String, &'f Repository), Fault> {
    let name = args.filled("repositoryName").ok_or_else(|| {
        Fault::new(
            "InvalidParameterException",
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must not be null'",
        )
    })?;
    fleet
        .repositories
        .get(name)
        .map(|held| (name.to_owned(), held))
        .ok_or_else(|| repository_not_found(fleet, name))
}

/// Finds an image by digest, tag, or both, which then must agree.
fn find<'r>(repository: &'r Repository, id: Args<'_>) -> Option<(&'r str, &'r Image)> {
    let (digest, tag) = (id.filled("imageDigest"), id.filled("imageTag"));
    if digest.is_none() && tag.is_none() {
        return None;
    }
    // A signature of cosign is an image of its own, under a tag made of what it signs.
    let signed = tag
        .and_then(|tag| tag.strip_suffix(".sig"))
        .map(|tag| tag.replace('-', ":"));
    if let Some(signed) = signed {
        let found = repository.images.get_key_value(&signed);
        return found
            .filter(|(_, image)| image.behaviour.signed == Signed::Cosign)
            .map(|(digest, image)| (digest.as_str(), image));
    }
    repository
        .images
        .iter()
        .find(|(held, image)| {
            digest.is_none_or(|digest| digest == held.as_str())
                && tag.is_none_or(|tag| image.tags.contains(tag))
        })
        .map(|(digest, image)| (digest.as_str(), image))
}

fn describe_images(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, repository) = repository(fleet, args)?;
    let ids = args.structures("imageIds");
    let mut found: Vec<(&str, &Image)> = Vec::new();
    if ids.is_empty() {
        found.extend(
            repository
                .images
                .iter()
                .map(|(digest, image)| (digest.as_str(), image)),
        );
    }
    for id in ids {
        let image = find(repository, id).ok_or_else(|| {
            let part = |name: &str| id.filled(name).unwrap_or("null").to_owned();
            Fault::new(
                "ImageNotFoundException",
                format!(
                    "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist \
                     within the repository with name '{name}' in the registry with id '{}'",
                    part("imageDigest"),
                    part("imageTag"),
                    fleet.account
                ),
            )
        })?;
        if !found.iter().any(|(digest, _)| *digest == image.0) {
            found.push(image);
        }
    }
    let (found, next) = args.page(found, "nextToken", "maxResults", MAX_IMAGES);
    let details: Vec<Value> = found
        .into_iter()
        .map(|(digest, image)| image_detail(fleet, &name, digest, image))
        .collect();
    Ok(without_nulls(object([
        ("imageDetails", details.into()),
        ("nextToken", next.into()),
    ])))
}

fn image_detail(fleet: &Fleet, repository: &str, digest: &str, image: &Image) -> Value {
    let tags: Vec<&String> = image.tags.iter().collect();
    without_nulls(json!({
        "registryId": fleet.account,
        "repositoryName": repository,
        "imageDigest": digest,
        "imageTags": if tags.is_empty() { Value::Null } else { json!(tags) },
        "imageSizeInBytes": 12_582_912,
        "imagePushedAt": epoch(image.pushed_at),
        "imageManifestMediaType": MANIFEST,
        "artifactMediaType": "application/vnd.docker.container.image.v1+json",
        "imageStatus": "ACTIVE",
    }))
}

fn list_images(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (_, repository) = repository(fleet, args)?;
    let mut ids = Vec::new();
    for (digest, image) in &repository.images {
        if image.tags.is_empty() {
            ids.push(json!({"imageDigest": digest}));
        }
        for tag in &image.tags {
            ids.push(json!({"imageDigest": digest, "imageTag": tag}));
        }
    }
    let (ids, next) = args.page(ids, "nextToken", "maxResults", MAX_IMAGES);
    Ok(without_nulls(json!({"imageIds": ids, "nextToken": next})))
}

fn describe_repositories(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let asked = args.texts("repositoryNames");
    let names: Vec<&str> = if asked.is_empty() {
        fleet.repositories.keys().map(String::as_str).collect()
    } else {
        asked
    };
    let mut repositories = Vec::new();
    for name in names {
        let held = fleet
            .repositories
            .get(name)
            .ok_or_else(|| repository_not_found(fleet, name))?;
        repositories.push(json!({
            "repositoryArn": format!("arn:aws:ecr:{}:{}:repository/{name}", fleet.region, fleet.account),
            "registryId": fleet.account,
            "repositoryName": name,
            "repositoryUri": format!("{}/{name}", fleet.registry()),
            "createdAt": epoch(held.created_at.unwrap_or(jiff::Timestamp::UNIX_EPOCH)),
            "imageTagMutability": if held.immutable_tags { "IMMUTABLE" } else { "MUTABLE" },
            "imageScanningConfiguration": {"scanOnPush": held.scan_on_push},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }));
    }
    let (repositories, next) = args.page(repositories, "nextToken", "maxResults", MAX_IMAGES);
    Ok(without_nulls(
        json!({"repositories": repositories, "nextToken": next}),
    ))
}

fn batch_get_image(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, repository) = repository(fleet, args)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in args.structures("imageIds") {
        match find(repository, id) {
            Some((digest, _)) => images.push(json!({
                "registryId": fleet.account,
                "repositoryName": name,
                "imageId": without_nulls(json!({
                    "imageDigest": digest, "imageTag": id.filled("imageTag")
                })),
                "imageManifest": json!({"schemaVersion": 2, "mediaType": MANIFEST}).to_string(),
                "imageManifestMediaType": MANIFEST,
            })),
            None => failures.push(json!({
                "imageId": id.members(),
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image not found",
            })),
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

/// The scan that a push has started; one finding of an answer for each that was asked of the simulation.
fn scan_findings(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (name, repository) = repository(fleet, args)?;
    let found = args.structure("imageId").and_then(|id| find(repository, id));
    let Some((digest, image)) = found else {
        return Err(Fault::new(
            "ImageNotFoundException",
            format!("The image does not exist within the repository with name '{name}'"),
        ));
    };
    let scan = &image.behaviour.scan;
    let over = image.pushed_at + jiff::SignedDuration::from_secs(scan.seconds.into());
    let status = match scan.end {
        ScanEnd::Never => {
            return Err(Fault::new(
                "ScanNotFoundException",
                format!("Image scan does not exist for the image with '{digest}' in the repository '{name}'"),
            ));
        }
        _ if fleet.now() < over => "IN_PROGRESS",
        ScanEnd::Complete => "COMPLETE",
        ScanEnd::Unsupported => "UNSUPPORTED_IMAGE",
    };
    let found = match status {
        "COMPLETE" => findings(scan, over, args),
        _ => (Value::Null, None),
    };
    Ok(without_nulls(json!({
        "registryId": fleet.account,
        "repositoryName": name,
        "imageId": {"imageDigest": digest},
        "imageScanStatus": {"status": status, "description": format!("The scan is {status}.")},
        "imageScanFindings": found.0,
        "nextToken": found.1,
    })))
}

fn findings(scan: &Scan, at: jiff::Timestamp, args: Args<'_>) -> (Value, Option<String>) {
    let of = |severity: &'static str, count: u32| {
        (0..count).map(move |n| json!({"name": format!("CVE-2026-{severity}-{n}"), "severity": severity}))
    };
    let all = of("CRITICAL", scan.critical)
        .chain(of("HIGH", scan.high))
        .collect();
    let (page, next) = args.page(all, "nextToken", "maxResults", MAX_IMAGES);
    let counts: serde_json::Map<String, Value> = [("CRITICAL", scan.critical), ("HIGH", scan.high)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| (severity.to_owned(), json!(count)))
        .collect();
    let found = json!({
        "findings": page,
        "findingSeverityCounts": counts,
        "imageScanCompletedAt": epoch(at),
        "vulnerabilitySourceUpdatedAt": epoch(at),
    });
    (found, next)
}

fn list_referrers(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let (_, repository) = repository(fleet, args)?;
    let subject = args.structure("subjectId");
    let digest = subject.and_then(|id| id.filled("imageDigest")).ok_or_else(|| {
        Fault::new(
            "InvalidParameterException",
            "Invalid parameter at 'subjectId' failed to satisfy constraint: 'must not be null'",
        )
    })?;
    // An SBOM hangs on every image: not everything that refers to one is a signature.
    let image = repository.images.get(digest);
    let signed = image.is_some_and(|image| image.behaviour.signed == Signed::Notation);
    let kinds = [
        (image.is_some(), "application/spdx+json"),
        (signed, "application/vnd.cncf.notary.signature"),
    ];
    let referrers: Vec<Value> = kinds
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, kind)| {
            json!({
                "digest": format!("sha256:{}", tidegate_core::hash::sha256_hex(format!("{kind} of {digest}").as_bytes())),
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "artifactType": kind,
                "size": 728,
                "artifactStatus": "ACTIVE",
            })
        })
        .collect();
    let (referrers, next) = args.page(referrers, "nextToken", "maxResults", MAX_IMAGES);
    Ok(without_nulls(json!({"referrers": referrers, "nextToken": next})))
}
