//! What ECR knows of an image beside its bytes: the scan's findings, and signatures.

use std::collections::HashMap;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::error::SdkError;
use aws_sdk_ecr::operation::describe_image_scan_findings::{
    DescribeImageScanFindingsError, DescribeImageScanFindingsOutput,
};
use aws_sdk_ecr::types::{
    FindingSeverity, ImageIdentifier, ImageReferrer, ImageScanFindings, ScanStatus, SubjectIdentifier,
};
use tidegate_core::evidence::{Scan, ScanState, Signature};
use tidegate_core::ids::Digest;
use tidegate_core::release::Findings;

use super::images::image_by_tag;
use crate::error::{AwsError, Kind};
use crate::time::from_sdk;

/// Most findings of one answer (API Reference, `DescribeImageScanFindings`).
const PAGE: i32 = 1000;

/// No more pages than this are read of one list: a list without end is refused, not followed.
const MAX_PAGES: usize = 20;

/// How ECR's scan of a digest stands.
///
/// # Errors
/// Where ECR can't be asked. An image without a scan is an answer.
pub async fn scan(ecr: &Client, repository: &str, digest: &Digest) -> Result<ScanState, AwsError> {
    let what = || format!("failed to read the scan of {digest} in repository {repository}");
    let first = match page(ecr, repository, digest, None).await {
        Ok(first) => first,
        Err(error) if has_no_scan(&error) => return Ok(ScanState::NotFound),
        Err(error) => return Err(AwsError::sdk(what(), error)),
    };
    let known = first.image_scan_status();
    let status = known.and_then(|known| known.status()).cloned();
    let words = || {
        status
            .as_ref()
            .map_or_else(String::new, |status| status.as_str().to_owned())
    };
    match &status {
        // `ACTIVE` is enhanced scanning's word for an image that was scanned and is watched from then on.
        Some(ScanStatus::Complete | ScanStatus::Active) => {}
        Some(ScanStatus::InProgress | ScanStatus::Pending) | None => {
            return Ok(ScanState::Pending { status: words() });
        }
        // `FAILED`, `UNSUPPORTED_IMAGE` and what ECR may add: none of them is a scan.
        Some(_) => {
            let reason = known
                .and_then(|known| known.description())
                .unwrap_or_default()
                .to_owned();
            return Ok(ScanState::Failed {
                status: words(),
                reason,
            });
        }
    }
    let looked_at = first
        .image_id()
        .and_then(|id| id.image_digest())
        .unwrap_or_default();
    let looked_at: Digest = looked_at
        .parse()
        .map_err(|error| AwsError::answer(what(), Kind::Other, format!("{error}")))?;
    let Some(found) = first.image_scan_findings() else {
        // Done, and nothing to show for it yet: that is no clean bill.
        return Ok(ScanState::Pending { status: words() });
    };
    let at = found.image_scan_completed_at().and_then(from_sdk);
    let findings = match found.finding_severity_counts() {
        Some(counts) => findings(counts),
        None => counted(ecr, repository, digest, &first).await?,
    };
    Ok(ScanState::Done(Scan {
        digest: looked_at,
        at,
        findings,
    }))
}

async fn page(
    ecr: &Client,
    repository: &str,
    digest: &Digest,
    from: Option<String>,
) -> Result<
    DescribeImageScanFindingsOutput,
    SdkError<DescribeImageScanFindingsError, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
> {
    ecr.describe_image_scan_findings()
        .repository_name(repository)
        .image_id(ImageIdentifier::builder().image_digest(digest.as_str()).build())
        .max_results(PAGE)
        .set_next_token(from)
        .send()
        .await
}

fn has_no_scan<R>(error: &SdkError<DescribeImageScanFindingsError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(DescribeImageScanFindingsError::is_scan_not_found_exception)
}

fn findings(counts: &HashMap<FindingSeverity, i32>) -> Findings {
    let of = |severity: &FindingSeverity| {
        counts
            .get(severity)
            .map_or(0, |count| u32::try_from(*count).unwrap_or(u32::MAX))
    };
    Findings {
        critical: of(&FindingSeverity::Critical),
        high: of(&FindingSeverity::High),
        medium: of(&FindingSeverity::Medium),
        low: of(&FindingSeverity::Low),
    }
}

/// Where ECR gives no sums, its findings are counted, page by page.
async fn counted(
    ecr: &Client,
    repository: &str,
    digest: &Digest,
    first: &DescribeImageScanFindingsOutput,
) -> Result<Findings, AwsError> {
    let what = || format!("failed to read the findings of {digest} in repository {repository}");
    let mut counts = HashMap::new();
    count(first.image_scan_findings(), &mut counts);
    let mut next = first.next_token().map(str::to_owned);
    for _ in 1..MAX_PAGES {
        let Some(token) = next.take() else {
            break;
        };
        let more = page(ecr, repository, digest, Some(token))
            .await
            .map_err(|error| AwsError::sdk(what(), error))?;
        count(more.image_scan_findings(), &mut counts);
        next = more.next_token().map(str::to_owned);
    }
    if next.is_some() {
        return Err(AwsError::answer(what(), Kind::Other, "the list has no end"));
    }
    Ok(findings(&counts))
}

fn count(found: Option<&ImageScanFindings>, counts: &mut HashMap<FindingSeverity, i32>) {
    let Some(found) = found else {
        return;
    };
    let basic = found.findings().iter().filter_map(|one| one.severity().cloned());
    let enhanced = found
        .enhanced_findings()
        .iter()
        .filter_map(|one| one.severity().map(FindingSeverity::from));
    for severity in basic.chain(enhanced) {
        let count = counts.entry(severity).or_default();
        *count = count.saturating_add(1);
    }
}

/// A signature of a digest in its repository: an OCI referrer of Notation or cosign, or an image under
/// the tag that cosign gives to signatures. That it is there is seen, not whose it is.
///
/// # Errors
/// Where ECR can't be asked.
pub async fn signature(
    ecr: &Client,
    repository: &str,
    digest: &Digest,
) -> Result<Option<Signature>, AwsError> {
    let what = || format!("failed to list what refers to {digest} in repository {repository}");
    let invalid = |error: aws_smithy_types::error::operation::BuildError| {
        AwsError::answer(what(), Kind::Invalid, error.to_string())
    };
    let subject = SubjectIdentifier::builder()
        .image_digest(digest.as_str())
        .build()
        .map_err(invalid)?;
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let answer = ecr
            .list_image_referrers()
            .repository_name(repository)
            .subject_id(subject.clone())
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| AwsError::sdk(what(), error))?;
        if let Some(found) = answer.referrers().iter().find_map(signed_by) {
            return Ok(Some(found));
        }
        next = answer.next_token().map(str::to_owned);
        if next.is_none() {
            break;
        }
    }
    // `cosign sign` before version 3: a tag made of the digest.
    let tag = format!("{}.sig", digest.as_str().replace(':', "-"));
    let tagged = image_by_tag(ecr, repository, &tag).await?;
    Ok(tagged.map(|_| Signature::Cosign))
}

/// The tool whose signature a referrer is. Bundles of sigstore carry attestations too: an SBOM or a
/// provenance refers to an image without vouching for it.
fn signed_by(referrer: &ImageReferrer) -> Option<Signature> {
    let note = |name: &str| {
        referrer
            .annotations()
            .and_then(|all| all.get(name))
            .map(String::as_str)
    };
    match referrer.artifact_type()? {
        // Notary Project, "Signature Specification".
        "application/vnd.cncf.notary.signature" => Some(Signature::Notation),
        "application/vnd.dev.cosign.artifact.sig.v1+json" => Some(Signature::Cosign),
        // cosign, "Bundle Specification".
        bundle if bundle.starts_with("application/vnd.dev.sigstore.bundle") => {
            let signs = note("dev.sigstore.bundle.content") == Some("message-signature")
                || note("dev.sigstore.bundle.predicateType") == Some("https://sigstore.dev/cosign/sign/v1");
            signs.then_some(Signature::Cosign)
        }
        _ => None,
    }
}
