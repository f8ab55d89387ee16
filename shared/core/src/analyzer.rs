//! An analyzer: a Lambda function of the user that looks at a revision before people are asked about the
//! infrastructure, and recommends.
//!
//! It is a change that proposes and does nothing: its recommendations and the variables that it generated
//! are the proposal, so that they are told, hashed and approved as every other one. It only reads, so a
//! call whose answer was lost is no harm.

use serde::{Deserialize, Serialize};

use crate::change::{Change, Effect, EffectKind, Proposal, Undo, Work};
use crate::deployment::{Deployment, Phase};
use crate::http::fit;
use crate::ids::ChangeId;
use crate::spec::{Analyzer, Consent};
use crate::suite::not_too_long;

/// Most recommendations that are told.
const MAX_RECOMMENDATIONS: usize = 20;

/// Most variables that an analyzer may change.
const MAX_VARIABLES: usize = 200;

/// What stands before the version of an object, in the artifact of a proposal.
const VERSION: &str = "?versionId=";

/// What stands before its hash.
const SHA256: &str = " (SHA-256 ";

/// The artifact of a proposal without variables.
const NO_VARIABLES: &str = "no variables";

/// What a plan says of an analyzer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalyzerWork {
    /// `NAME` or `NAME:ALIAS`.
    pub function: String,
    /// How long it may take, seconds.
    pub timeout_seconds: u32,
    /// Whether the deployment stops without its answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// How much a recommendation matters, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    High,
    Medium,
    Low,
    #[serde(other)]
    Info,
}

#[derive(Deserialize)]
struct Recommendation {
    severity: Severity,
    text: String,
}

/// Variables that it generated, kept in S3. Their values are never read here.
#[derive(Deserialize)]
struct Variables {
    location: String,
    version: Option<String>,
    sha256: String,
    changes: Vec<String>,
}

/// The answer as an analyzer writes it; other keys are left alone.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    recommendations: Vec<Recommendation>,
    variables: Option<Variables>,
}

/// What a function is given that analyses a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalyzerPayload {
    /// The deployment.
    pub deployment: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// The image's repository.
    pub repository: String,
    /// The image.
    pub digest: String,
    /// The label under which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// What it was built from, where CI has recorded that and the file asks for evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Why it was made, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// What an analyzer is given.
pub fn payload(deployment: &Deployment) -> AnalyzerPayload {
    let evidence = deployment.plan.as_ref().and_then(|plan| plan.evidence.as_ref());
    AnalyzerPayload {
        deployment: deployment.id.as_str().to_owned(),
        service: deployment.target.service.to_string(),
        environment: deployment.target.environment.to_string(),
        repository: deployment.revision.repository.clone(),
        digest: deployment.revision.digest.to_string(),
        tag: deployment.revision.tag.clone(),
        commit: evidence.and_then(|one| Some(one.commit.as_ref()?.to_string())),
        ticket: evidence.and_then(|one| Some(one.ticket.as_ref()?.to_string())),
    }
}

/// The change that asks an analyzer.
pub(crate) fn planned(analyzer: &Analyzer) -> Change {
    let name = analyzer.work.function.split(':').next().unwrap_or_default();
    Change {
        id: ChangeId::of("analyzer", name),
        phase: Phase::Infrastructure,
        undo: Undo::Nothing,
        temporary: false,
        work: Work::Analyze {
            analyzer: analyzer.work.clone(),
        },
        timeout_seconds: analyzer.work.timeout_seconds,
    }
}

/// Reads what an analyzer returned.
///
/// # Errors
/// What is wrong with it.
pub fn read_answer(payload: &[u8], cost: Option<String>) -> Result<Proposal, String> {
    not_too_long(payload)?;
    let written: Written = serde_json::from_slice(payload).map_err(|error| {
        let what = "its answer is not {recommendations: [{severity, text}], variables}";
        format!("{what} (line {}, column {})", error.line(), error.column())
    })?;
    let (artifact, changed) = match &written.variables {
        Some(variables) => (artifact(variables)?, variables.changes.as_slice()),
        None => (NO_VARIABLES.to_owned(), &[][..]),
    };
    let mut recommendations = written.recommendations;
    recommendations.sort_by_key(|one| one.severity);
    let said = said(&recommendations, changed.len());
    let left = recommendations.len().saturating_sub(MAX_RECOMMENDATIONS);
    recommendations.truncate(MAX_RECOMMENDATIONS);
    let mut notes: Vec<String> = recommendations.iter().map(Recommendation::told).collect();
    notes.extend((left > 0).then(|| format!("... and {left} more recommendations")));
    notes.extend(
        written
            .variables
            .is_some()
            .then(|| format!("variables: {artifact}")),
    );
    notes.extend(cost);
    let effects = changed.iter().map(|name| Effect {
        kind: EffectKind::Change,
        what: format!("variable {}", fit(name)),
    });
    Ok(Proposal::new(artifact, effects.collect(), notes).saying(said))
}

/// What stands where an analyzer gave no answer and need not.
pub(crate) fn unanswered(reason: &str) -> Proposal {
    let said = format!("no analysis, and none is required: {}", fit(reason));
    Proposal::new(NO_VARIABLES.to_owned(), Vec::new(), Vec::new()).saying(said)
}

/// Where the variables are, and exactly which: the approval is for this text.
fn artifact(variables: &Variables) -> Result<String, String> {
    let Variables {
        location,
        version,
        sha256,
        changes,
    } = variables;
    let printable = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let key = location
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        // Or nobody could tell which of the two says the version.
        .filter(|_| !location.contains(VERSION));
    if !printable(location, 1100) || !key.is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty()) {
        return Err("its variables are not at s3://BUCKET/KEY".to_owned());
    }
    let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err("its variables have no SHA-256 of 64 hexadecimal digits".to_owned());
    }
    if changes.len() > MAX_VARIABLES {
        return Err(format!(
            "it changes {} variables, more than {MAX_VARIABLES}",
            changes.len()
        ));
    }
    let version = match version {
        Some(version) if printable(version, 1024) => format!("{VERSION}{version}"),
        Some(_) => return Err("the version of its variables can't be read".to_owned()),
        None => String::new(),
    };
    Ok(format!(
        "{location}{version}{SHA256}{})",
        sha256.to_ascii_lowercase()
    ))
}

/// An object in S3 with variables that an analyzer generated: what its proposal is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generated<'a> {
    /// `s3://BUCKET/KEY`.
    pub location: &'a str,
    /// Which version, where the analyzer says.
    pub version: Option<&'a str>,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: &'a str,
}

impl<'a> Generated<'a> {
    /// The object that a proposal of an analyzer is of; nothing where it generated none.
    fn of(artifact: &'a str) -> Option<Self> {
        let (place, sha256) = artifact.strip_suffix(')')?.rsplit_once(SHA256)?;
        let (location, version) = match place.split_once(VERSION) {
            Some((location, version)) => (location, Some(version)),
            None => (place, None),
        };
        Some(Self {
            location,
            version,
            sha256,
        })
    }
}

fn said(recommendations: &[Recommendation], variables: usize) -> String {
    let one_or = |count: usize, one: &str| match count {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        several => format!("{several} {one}s"),
    };
    let first = recommendations.first();
    let worst = first.filter(|one| one.severity <= Severity::Medium);
    let worst = worst.map_or_else(String::new, |one| format!("; {}", one.told()));
    format!(
        "{}, {} changed{worst}",
        one_or(recommendations.len(), "recommendation"),
        one_or(variables, "variable")
    )
}

impl Recommendation {
    fn told(&self) -> String {
        format!("{}: {}", self.severity.as_str(), fit(&self.text))
    }
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a call took and cost, from the line that Lambda writes last: `REPORT RequestId: ... Billed Duration:
/// 2000 ms Memory Size: 512 MB ...` (Lambda Developer Guide, "View logs"). Nothing where it is not there.
pub fn cost(log: &str, price_per_gb_second: f64) -> Option<String> {
    let report = log.lines().rfind(|line| line.starts_with("REPORT "))?;
    let field = |name: &str| {
        let (_, rest) = report.split_once(name)?;
        rest.split_whitespace().next()?.parse::<u32>().ok()
    };
    let (ms, mb) = (field("Billed Duration: ")?, field("Memory Size: ")?);
    let gb_seconds = f64::from(ms) / 1000.0 * f64::from(mb) / 1024.0;
    let price = gb_seconds * price_per_gb_second;
    Some(format!(
        "it took {:.1} s with {mb} MB, about ${price:.6}",
        f64::from(ms) / 1000.0
    ))
}

impl Deployment {
    /// The analyzer of the file, where a change asks it.
    fn analyzer_of(&self, change: &Change) -> Option<&Analyzer> {
        let asks = matches!(change.work, Work::Analyze { .. });
        self.spec.analyzer.as_ref().filter(|_| asks)
    }

    /// The variables that the analyzer generated for this deployment, as far as it has answered.
    pub fn generated_variables(&self) -> Option<Generated<'_>> {
        let asks = |change: &&Change| matches!(change.work, Work::Analyze { .. });
        let change = self.planned_changes().iter().find(asks)?;
        Generated::of(&self.proposals.get(&change.id)?.artifact)
    }

    /// With more changes than this, people are asked about a proposal even if nothing is lost.
    pub fn threshold_of(&self, change: &Change) -> Option<u32> {
        match self.analyzer_of(change) {
            Some(analyzer) => Some(analyzer.threshold),
            None => self.spec.infrastructure.as_ref()?.threshold,
        }
    }

    /// Who must agree to a proposal that needs it, as the file says.
    pub fn consent_of(&self, change: &Change) -> Option<&Consent> {
        let analyzer = self.analyzer_of(change);
        let own = analyzer.and_then(|analyzer| analyzer.consent.as_ref());
        own.or_else(|| self.spec.infrastructure.as_ref()?.consent.as_ref())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::suite::MAX_ANSWER;

    fn variables(location: &str, sha256: &str, changes: &[&str]) -> String {
        let variables = serde_json::json!({
            "location": location, "version": "v3", "sha256": sha256, "changes": changes,
        });
        serde_json::json!({ "recommendations": [], "variables": variables }).to_string()
    }

    #[test]
    fn recommendations_are_told_the_worst_first_and_masked() {
        let answer = r#"{"recommendations": [
            {"severity": "low", "text": "tag the bucket"},
            {"severity": "high", "text": "password=hunter2 stands in the file"},
            {"severity": "fancy", "text": "nice"}
        ], "more": 1}"#;
        let proposal = read_answer(answer.as_bytes(), Some("it took 1 s".to_owned())).unwrap();
        assert!(proposal.is_empty());
        assert_eq!(
            proposal.lines,
            [
                "high: password=*** stands in the file",
                "low: tag the bucket",
                "info: nice",
                "it took 1 s"
            ]
        );
        let said = "3 recommendations, no variables changed; high: password=*** stands in the file";
        assert_eq!(proposal.summary(), said);
    }

    #[test]
    fn variables_are_known_by_place_version_and_hash_and_each_is_a_change() {
        let hash = "AB".repeat(32);
        let answer = variables("s3://generated/web.tfvars.json", &hash, &["cpu", "memory"]);
        let proposal = read_answer(answer.as_bytes(), None).unwrap();
        let artifact = format!(
            "s3://generated/web.tfvars.json?versionId=v3 (SHA-256 {})",
            "ab".repeat(32)
        );
        assert_eq!(proposal.artifact, artifact);
        let generated = Generated {
            location: "s3://generated/web.tfvars.json",
            version: Some("v3"),
            sha256: &"ab".repeat(32),
        };
        assert_eq!(Generated::of(&proposal.artifact), Some(generated));
        assert_eq!(Generated::of(NO_VARIABLES), None);
        let unversioned = format!("s3://generated/a(SHA-256 (SHA-256 {hash})");
        let generated = Generated::of(&unversioned).unwrap();
        assert_eq!(
            (generated.location, generated.version),
            ("s3://generated/a(SHA-256", None)
        );
        assert_eq!(proposal.total(), 2);
        assert_eq!(
            proposal.lines,
            [
                "~ variable cpu".to_owned(),
                "~ variable memory".to_owned(),
                format!("variables: {artifact}")
            ]
        );
        assert!(proposal.needs_consent(Some(1)));
        assert!(!proposal.needs_consent(Some(2)));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let hash = "ab".repeat(32);
        for answer in [
            "".to_owned(),
            "[]".to_owned(),
            r#"{"recommendations": [{"text": "no severity"}]}"#.to_owned(),
            variables("https://example.com/a", &hash, &[]),
            variables("s3://bucket", &hash, &[]),
            variables("s3:///key", &hash, &[]),
            variables("s3://bucket/a b", &hash, &[]),
            variables("s3://bucket/a?versionId=1", &hash, &[]),
            variables("s3://bucket/key", "ab", &[]),
            variables("s3://bucket/key", &hash, &["x"; 201]),
        ] {
            assert!(read_answer(answer.as_bytes(), None).is_err(), "{answer}");
        }
        assert!(read_answer(&vec![b' '; MAX_ANSWER + 1], None).is_err());
    }

    #[test]
    fn only_so_many_recommendations_are_told() {
        let many: Vec<_> = (0..25)
            .map(|at| serde_json::json!({"severity": "info", "text": format!("number {at}")}))
            .collect();
        let answer = serde_json::json!({ "recommendations": many }).to_string();
        let proposal = read_answer(answer.as_bytes(), None).unwrap();
        assert_eq!(proposal.lines.len(), 21);
        assert_eq!(proposal.lines[20], "... and 5 more recommendations");
        assert_eq!(proposal.summary(), "25 recommendations, no variables changed");
    }

    #[test]
    fn what_it_cost_is_what_lambda_bills() {
        let log = "START\nlooks\nREPORT RequestId: 1\tDuration: 1990.20 ms\tBilled Duration: 2000 ms\tMemory Size: 512 MB\tMax Memory Used: 40 MB";
        // 2 s of half a gigabyte: one GB-second.
        let told = "it took 2.0 s with 512 MB, about $0.000017";
        assert_eq!(cost(log, 0.000_016_666_7).as_deref(), Some(told));
        for log in [
            "",
            "REPORT RequestId: 1",
            "Billed Duration: 2 ms Memory Size: 1 MB",
        ] {
            assert_eq!(cost(log, 0.1), None, "{log}");
        }
    }
}
