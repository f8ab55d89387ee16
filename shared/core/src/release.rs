//! A release: what CI knows of an image, kept by its digest. Several jobs write their parts of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{Commit, Digest, Person, Ticket};
use crate::spec::SuiteName;

/// Most suites of one release.
pub const MAX_SUITES: usize = 50;

/// Longest name of a place, characters.
const MAX_PLACE: usize = 500;

/// What is recorded of a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// ECR repository's name.
    pub repository: String,
    /// The image.
    pub digest: Digest,
    /// What it was built from.
    pub commit: Option<Commit>,
    /// Who wrote that, as version control says: the author of the change where gates are concerned.
    pub author: Option<Person>,
    /// When it was committed.
    pub committed_at: Option<Timestamp>,
    /// Why it was made.
    pub ticket: Option<Ticket>,
    /// Test suites that ran on it.
    pub suites: BTreeMap<SuiteName, SuiteResult>,
    /// What is in it.
    pub sbom: Option<Sbom>,
    /// What CI's own scanner found. Gates go by ECR's scan; this is for people to compare.
    pub scan: Option<Findings>,
    /// Where CI put a signature. Gates go by what is in ECR; this is for people to follow.
    pub signature: Option<String>,
    /// Who wrote to it last.
    pub recorded_by: Person,
    /// When.
    pub at: Timestamp,
}

/// How a suite ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteResult {
    /// Its tests.
    #[serde(flatten)]
    pub counts: SuiteCounts,
    /// Who recorded it.
    pub by: Person,
    /// When.
    pub at: Timestamp,
}

/// Tests of a suite by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteCounts {
    /// Passed.
    pub passed: u32,
    /// Failed, or ended in an error.
    pub failed: u32,
    /// Not run.
    #[serde(default)]
    pub skipped: u32,
}

impl SuiteCounts {
    /// Whether it proves anything: all that ran passed, and something ran.
    pub const fn proves(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }

    /// `118/120`, of those that ran.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.passed, self.passed.saturating_add(self.failed))
    }
}

/// A software bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sbom {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Where it is kept, or its file's name.
    pub place: String,
}

/// Findings of a scan by severity, in ECR's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Findings {
    /// `CRITICAL`.
    pub critical: u32,
    /// `HIGH`.
    pub high: u32,
    /// `MEDIUM`.
    pub medium: u32,
    /// `LOW`.
    pub low: u32,
}

impl Findings {
    /// `2 critical, 5 high`: the two that people go by always, the others where there are any.
    pub fn shown(&self) -> String {
        let mut text = format!("{} critical, {} high", self.critical, self.high);
        for (count, name) in [(self.medium, "medium"), (self.low, "low")] {
            if count > 0 {
                text = format!("{text}, {count} {name}");
            }
        }
        text
    }
}

/// One writer's part of a release. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleasePart {
    /// What it was built from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Who wrote that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Person>,
    /// When it was committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// Why it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// Suites; one that is there already is replaced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub suites: BTreeMap<SuiteName, SuiteCounts>,
    /// What is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<Sbom>,
    /// What CI's own scanner found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan: Option<Findings>,
    /// Where CI put a signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Why a part is not taken. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRefusal {
    /// Nothing was given.
    #[error("there is nothing to record: give a commit, an author, a ticket, a suite or an SBOM")]
    Nothing,
    /// It says something else than what is recorded.
    #[error(
        "the {field} of this image is recorded as {held}, and an image has only one; to release {given}, build and push again"
    )]
    Differs {
        /// Which field.
        field: &'static str,
        /// As recorded.
        held: String,
        /// As given.
        given: String,
    },
    /// A name that breaks its rule.
    #[error("`{0}` is not the name of a suite: lowercase letters, digits and dashes, at most 40 characters")]
    SuiteName(String),
    /// A list that only grows.
    #[error("a release has at most {MAX_SUITES} suites")]
    TooManySuites,
    /// Not a hash.
    #[error("the SHA-256 of an SBOM is 64 lowercase hexadecimal digits")]
    SbomHash,
    /// Not a place.
    #[error("the place of an SBOM or a signature has 1 to {MAX_PLACE} printable characters")]
    Place,
}

impl Release {
    /// Nothing is recorded yet.
    pub fn new(repository: String, digest: Digest, by: Person, now: Timestamp) -> Self {
        Self {
            repository,
            digest,
            commit: None,
            author: None,
            committed_at: None,
            ticket: None,
            suites: BTreeMap::new(),
            sbom: None,
            scan: None,
            signature: None,
            recorded_by: by,
            at: now,
        }
    }

    /// Adds one writer's part. Commit, author, time and ticket say what the image is: once they are
    /// recorded they stay. Results are replaced by newer ones.
    ///
    /// # Errors
    /// Why it is not taken; then nothing was changed.
    pub fn record(&mut self, part: ReleasePart, by: &Person, now: Timestamp) -> Result<(), ReleaseRefusal> {
        check(&part)?;
        let mut next = self.clone();
        settle("commit", &mut next.commit, part.commit)?;
        settle("author", &mut next.author, part.author)?;
        settle("time of the commit", &mut next.committed_at, part.committed_at)?;
        settle("ticket", &mut next.ticket, part.ticket)?;
        for (suite, counts) in part.suites {
            let by = by.clone();
            next.suites.insert(suite, SuiteResult { counts, by, at: now });
        }
        if next.suites.len() > MAX_SUITES {
            return Err(ReleaseRefusal::TooManySuites);
        }
        next.sbom = part.sbom.or(next.sbom);
        next.scan = part.scan.or(next.scan);
        next.signature = part.signature.or(next.signature);
        next.recorded_by = by.clone();
        next.at = now;
        *self = next;
        Ok(())
    }
}

fn settle<T: PartialEq + ToString>(
    field: &'static str,
    held: &mut Option<T>,
    given: Option<T>,
) -> Result<(), ReleaseRefusal> {
    match (&held, given) {
        (Some(held), Some(given)) if *held != given => Err(ReleaseRefusal::Differs {
            field,
            held: held.to_string(),
            given: given.to_string(),
        }),
        (None, Some(given)) => {
            *held = Some(given);
            Ok(())
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn check(part: &ReleasePart) -> Result<(), ReleaseRefusal> {
    if *part == ReleasePart::default() {
        return Err(ReleaseRefusal::Nothing);
    }
    if let Some(name) = part.suites.keys().find(|name| !name.is_valid()) {
        return Err(ReleaseRefusal::SuiteName(name.0.chars().take(60).collect()));
    }
    // A digest of the image and the hash of a file have the same form.
    let is_hash = |text: &str| format!("sha256:{text}").parse::<Digest>().is_ok();
    if part.sbom.as_ref().is_some_and(|sbom| !is_hash(&sbom.sha256)) {
        return Err(ReleaseRefusal::SbomHash);
    }
    let places = [
        part.sbom.as_ref().map(|sbom| &sbom.place),
        part.signature.as_ref(),
    ];
    let is_place = |text: &String| {
        (1..=MAX_PLACE).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if places.into_iter().flatten().any(|place| !is_place(place)) {
        return Err(ReleaseRefusal::Place);
    }
    Ok(())
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
