//! What is known of an image, held against what the deployment file asks for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::deployment::{Deployment, Revision};
use crate::exit::{ExitState, Missing};
use crate::gates::People;
use crate::ids::{Commit, DeploymentId, Digest, EnvironmentName, Person, Ticket};
use crate::phases::{later, seconds_until};
use crate::rehearsal::{self, Rehearsal};
use crate::release::{Findings, Release, SuiteCounts};
use crate::spec::{Evidence, EvidenceKind, ScanRule, SuiteName};
use crate::target::TargetState;

/// Between two looks at a scan that is not over, seconds.
const POLL_SECONDS: u32 = 20;

/// ECR has begun a scan on push this long after the push, seconds; an image that it does not know
/// then will not be scanned by itself.
const SCAN_BEGINS_SECONDS: i64 = 120;

/// What was read of an image. Parts that the file does not ask for are absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceSeen {
    /// Of which image.
    pub digest: Digest,
    /// What CI recorded.
    pub release: Option<Release>,
    /// The release's author, as the `people` file knows them.
    pub author: Option<Author>,
    /// What ECR says of its scan; absent where it was not asked.
    pub scan: Option<ScanState>,
    /// A signature in ECR.
    pub signature: Option<Signature>,
    /// A deployment of it in the environment before.
    pub proven: Option<Proof>,
    /// How its way back was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed: Option<Rehearsal>,
}

/// Who wrote a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Author {
    /// A person of the `people` file, under that one name.
    Known(Person),
    /// Somebody whom it does not know.
    Unknown(Person),
}

impl Author {
    /// Whom the `people` file knows under a name of version control.
    pub fn of(name: Person, people: &People) -> Self {
        match people.identify(name.as_str()) {
            Some((person, _)) => Self::Known(person),
            None => Self::Unknown(name),
        }
    }
}

/// How a scan stands, with ECR's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "state")]
pub enum ScanState {
    /// ECR knows of none.
    NotFound,
    /// It is not over.
    Pending {
        /// `IN_PROGRESS` or `PENDING`.
        status: String,
    },
    /// There will be none.
    Failed {
        /// `FAILED`, `UNSUPPORTED_IMAGE`, ...
        status: String,
        /// ECR's description.
        reason: String,
    },
    /// It is over.
    Done(Scan),
}

/// A scan that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    /// The image that it looked at, as ECR says.
    pub digest: Digest,
    /// When it ended, where ECR says.
    pub at: Option<Timestamp>,
    /// What it found.
    pub findings: Findings,
}

/// A signature that lies beside an image. That it is there was seen, not by whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// By Notation (also AWS Signer and ECR's own signing), as an OCI referrer.
    Notation,
    /// By cosign, as an OCI referrer or under its tag.
    Cosign,
}

impl Signature {
    /// Its tool.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notation => "Notation",
            Self::Cosign => "cosign",
        }
    }
}

/// A deployment that brought an image to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Where.
    pub environment: EnvironmentName,
    /// Which deployment.
    pub deployment: DeploymentId,
}

/// What a plan rests on: kept with the deployment and approved with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceUsed {
    /// Of which image.
    pub digest: Digest,
    /// What it was built from.
    pub commit: Option<Commit>,
    /// When that was committed.
    pub committed_at: Option<Timestamp>,
    /// Who wrote it.
    pub author: Option<Person>,
    /// Why it was made.
    pub ticket: Option<Ticket>,
    /// The suites that were asked for.
    pub suites: BTreeMap<SuiteName, SuiteCounts>,
    /// SHA-256 of the software bill of materials.
    pub sbom: Option<String>,
    /// The scan.
    pub scan: Option<Scan>,
    /// The signature.
    pub signature: Option<Signature>,
    /// Where it was proven.
    pub proven: Option<Proof>,
    /// How its way back was rehearsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed: Option<Rehearsal>,
    /// What it lacks, as a hotfix may.
    pub left_out: Vec<EvidenceKind>,
}

impl EvidenceUsed {
    /// What is known of the image itself, before anything is judged.
    pub fn of(seen: &EvidenceSeen) -> Self {
        let release = seen.release.as_ref();
        Self {
            digest: seen.digest.clone(),
            commit: release.and_then(|release| release.commit.clone()),
            committed_at: release.and_then(|release| release.committed_at),
            author: seen.author.as_ref().map(|author| match author {
                Author::Known(person) | Author::Unknown(person) => person.clone(),
            }),
            ticket: release.and_then(|release| release.ticket.clone()),
            suites: BTreeMap::new(),
            sbom: None,
            scan: None,
            signature: None,
            proven: None,
            rehearsed: None,
            left_out: Vec::new(),
        }
    }

    /// In short, for those who approve: `unit 120/120, scan 0 critical, 2 high, signed (Notation)`.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = self
            .suites
            .iter()
            .map(|(suite, counts)| format!("{} {}", suite.0, counts.shown()))
            .collect();
        parts.extend(self.sbom.as_ref().map(|_| "SBOM".to_owned()));
        parts.extend(self.ticket.as_ref().map(ToString::to_string));
        parts.extend(
            self.scan
                .as_ref()
                .map(|scan| format!("scan {}", scan.findings.shown())),
        );
        parts.extend(self.signature.map(|by| format!("signed ({})", by.as_str())));
        parts.extend(
            self.proven
                .as_ref()
                .map(|proof| format!("proven in {}", proof.environment)),
        );
        parts.extend(self.rehearsed.as_ref().map(Rehearsal::describe));
        if !self.left_out.is_empty() {
            let names: Vec<&str> = self.left_out.iter().map(|kind| kind.as_str()).collect();
            parts.push(format!("left out: {}", names.join(", ")));
        }
        parts.join(", ")
    }
}

/// What judging comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What a plan may rest on, if nothing is missing.
    pub used: EvidenceUsed,
    /// What is missing.
    pub missing: Vec<Missing>,
    /// What is not over yet: look again after so many seconds, and why.
    pub pending: Option<(u32, String)>,
}

/// The deployment of `digest` that a target's environment has completed, if that still holds: an image
/// that was rolled back there proves nothing.
pub fn proof<'a>(
    target: &TargetState,
    digest: &Digest,
    deployments: impl IntoIterator<Item = &'a Deployment>,
) -> Option<Proof> {
    if target.quarantine.contains_key(digest) {
        return None;
    }
    let environment = target.target.environment.clone();
    // What serves is in the record itself; what served before it, only in the list.
    let serving = target.stable.as_ref().filter(|stable| stable.digest == *digest);
    let deployment = serving.map(|stable| stable.deployment.clone()).or_else(|| {
        let completed = |one: &&Deployment| {
            let exit = one.exit.as_ref().map(|exit| exit.state);
            one.target == target.target
                && one.revision.digest == *digest
                && one.kind == crate::deployment::Kind::Forward
                && exit == Some(ExitState::Completed)
        };
        let found = deployments.into_iter().find(completed)?;
        Some(found.id.clone())
    })?;
    Some(Proof {
        environment,
        deployment,
    })
}

/// Holds what was seen against what the file asks for; nothing where it asks for nothing.
pub fn judge(deployment: &Deployment, seen: Option<&EvidenceSeen>, now: Timestamp) -> Option<Judgement> {
    let asked = deployment.spec.evidence.as_ref()?;
    let revision = &deployment.revision;
    // Of another image, or not read at all: nothing is known of this one.
    let nothing = EvidenceSeen::nothing(revision.digest.clone());
    let seen = seen
        .filter(|seen| seen.digest == revision.digest)
        .unwrap_or(&nothing);
    let mut judge = Judge {
        deployment,
        asked,
        seen,
        now,
        found: Judgement {
            used: EvidenceUsed::of(seen),
            missing: Vec::new(),
            pending: None,
        },
        lacking: Vec::new(),
    };
    judge.suites();
    judge.records();
    judge.scan();
    judge.signature();
    judge.proven();
    judge.rehearsed();
    judge.offer_hotfix();
    judge.author();
    Some(judge.found)
}

impl EvidenceSeen {
    /// Nothing is known of an image.
    pub const fn nothing(digest: Digest) -> Self {
        Self {
            digest,
            release: None,
            author: None,
            scan: None,
            signature: None,
            proven: None,
            rehearsed: None,
        }
    }
}

/// An image as commands take it: `web:v2`, or by digest where it has no tag.
fn image(revision: &Revision) -> String {
    match &revision.tag {
        Some(_) => revision.label(),
        None => format!("{}@{}", revision.repository, revision.digest),
    }
}

struct Judge<'a> {
    deployment: &'a Deployment,
    asked: &'a Evidence,
    seen: &'a EvidenceSeen,
    now: Timestamp,
    found: Judgement,
    /// Pieces that are missing and were not left out.
    lacking: Vec<EvidenceKind>,
}

impl Judge<'_> {
    fn image(&self) -> String {
        image(&self.deployment.revision)
    }

    /// Whether a hotfix may do without a piece; then that goes on record.
    fn left_out(&mut self, kind: EvidenceKind) -> bool {
        let spec = &self.deployment.spec;
        let allowed = spec
            .hotfix
            .as_ref()
            .is_some_and(|hotfix| hotfix.skip.contains(&kind));
        let left_out = allowed && self.deployment.hotfix().is_some();
        if left_out && !self.found.used.left_out.contains(&kind) {
            self.found.used.left_out.push(kind);
        }
        left_out
    }

    fn lacks(&mut self, kind: EvidenceKind, what: String, remedy: String) {
        if self.left_out(kind) {
            return;
        }
        self.lacking.push(kind);
        self.miss(what, remedy);
    }

    fn miss(&mut self, what: String, remedy: String) {
        self.found.missing.push(Missing {
            what,
            remedy,
            notify: self.asked.notify.clone(),
        });
    }

    fn suites(&mut self) {
        for suite in &self.asked.suites {
            let release = self.seen.release.as_ref();
            let recorded = release.and_then(|release| release.suites.get(suite));
            let (image, name) = (self.image(), &suite.0);
            let record = format!("record that with `tidegate release {image} --suite {name}=PASSED/TOTAL`");
            match recorded {
                Some(result) if result.counts.proves() => {
                    self.found.used.suites.insert(suite.clone(), result.counts);
                }
                Some(result) => self.lacks(
                    EvidenceKind::Suites,
                    format!(
                        "suite {name} of {image} with every test passed ({} did)",
                        result.counts.shown()
                    ),
                    format!("repair what fails, run suite {name} again and {record}"),
                ),
                None => self.lacks(
                    EvidenceKind::Suites,
                    format!("a result of suite {name} for {image}"),
                    format!("run suite {name} on this image and {record}"),
                ),
            }
        }
    }

    fn records(&mut self) {
        let (image, release) = (self.image(), self.seen.release.as_ref());
        if self.asked.sbom {
            match release.and_then(|release| release.sbom.as_ref()) {
                Some(sbom) => self.found.used.sbom = Some(sbom.sha256.clone()),
                None => self.lacks(
                    EvidenceKind::Sbom,
                    format!("a software bill of materials of {image}"),
                    format!("record the bill of materials with `tidegate release {image} --sbom FILE`"),
                ),
            }
        }
        if self.asked.ticket && self.found.used.ticket.is_none() {
            self.lacks(
                EvidenceKind::Ticket,
                format!("a ticket of {image}"),
                format!("record the ticket with `tidegate release {image} --ticket ID`"),
            );
        }
    }

    fn scan(&mut self) {
        let Some(rule) = self.asked.scan else {
            return;
        };
        let (image, revision) = (self.image(), &self.deployment.revision);
        let options = format!(
            "--repository-name {} --image-id imageDigest={}",
            revision.repository, revision.digest
        );
        match self.seen.scan.as_ref().unwrap_or(&ScanState::NotFound) {
            ScanState::Done(scan) if scan.digest == revision.digest => self.findings(rule, scan, &options),
            ScanState::Done(scan) => self.lacks(
                EvidenceKind::Scan,
                format!("a scan of {image} (ECR's is of {})", scan.digest.short()),
                format!("start one with `aws ecr start-image-scan {options}`"),
            ),
            ScanState::Failed { status, reason } => self.lacks(
                EvidenceKind::Scan,
                format!("a scan of {image} that ECR can do ({status}: {reason})"),
                format!("start another with `aws ecr start-image-scan {options}`, or build on a base that ECR can scan"),
            ),
            ScanState::Pending { status } => {
                let until = later(self.deployment.requested_at, rule.wait_seconds.into());
                let waited = format!("ECR said {status} when it was looked at last");
                self.wait_for_scan(until, format!("ECR's scan of {image}"), &waited, &options);
            }
            ScanState::NotFound => {
                let until = later(revision.pushed_at, SCAN_BEGINS_SECONDS.min(rule.wait_seconds.into()));
                let waited = "ECR knows of none";
                self.wait_for_scan(until, format!("ECR's scan of {image} to begin"), waited, &options);
            }
        }
    }

    fn findings(&mut self, rule: ScanRule, scan: &Scan, options: &str) {
        let found = scan.findings;
        let over: Vec<String> = [
            ("critical", found.critical, rule.critical),
            ("high", found.high, rule.high),
            ("medium", found.medium, rule.medium),
            ("low", found.low, rule.low),
        ]
        .into_iter()
        .filter_map(|(name, found, most)| {
            let most = most.filter(|most| found > *most)?;
            Some(format!("{found} {name} ({most} allowed)"))
        })
        .collect();
        self.found.used.scan = Some(scan.clone());
        if !over.is_empty() {
            self.lacks(
                EvidenceKind::Scan,
                format!("a scan of {} within its limits: {}", self.image(), over.join(", ")),
                format!(
                    "see the findings with `aws ecr describe-image-scan-findings {options}`, build without them and push again"
                ),
            );
        }
    }

    fn wait_for_scan(&mut self, until: Timestamp, what: String, waited: &str, options: &str) {
        // Nobody waits for what may be left out.
        if self.left_out(EvidenceKind::Scan) {
            return;
        }
        if self.now < until {
            let seconds = seconds_until(self.now, until).min(POLL_SECONDS);
            self.found.pending = Some((seconds, what));
            return;
        }
        self.lacks(
            EvidenceKind::Scan,
            format!("a finished scan of {} ({waited})", self.image()),
            format!("turn on scan on push, or start one with `aws ecr start-image-scan {options}`, and deploy again"),
        );
    }

    fn signature(&mut self) {
        if !self.asked.signature {
            return;
        }
        self.found.used.signature = self.seen.signature;
        if self.seen.signature.is_none() {
            let revision = &self.deployment.revision;
            self.lacks(
                EvidenceKind::Signature,
                format!("a signature of {} in ECR", self.image()),
                format!(
                    "sign {}@{} with `notation sign` or `cosign sign`",
                    revision.repository, revision.digest
                ),
            );
        }
    }

    fn proven(&mut self) {
        let Some(environment) = &self.asked.proven_in else {
            return;
        };
        match self
            .seen
            .proven
            .as_ref()
            .filter(|proof| proof.environment == *environment)
        {
            Some(proof) => self.found.used.proven = Some(proof.clone()),
            None => {
                let (service, digest) = (&self.deployment.target.service, &self.deployment.revision.digest);
                self.lacks(
                    EvidenceKind::ProvenIn,
                    format!("{} proven in {environment}", self.image()),
                    format!(
                        "deploy it in {environment} first: `tidegate deploy {service}/{environment} {digest}`"
                    ),
                );
            }
        }
    }

    fn rehearsed(&mut self) {
        let Some(rule) = &self.asked.rehearsed else {
            return;
        };
        let seen = self.seen.rehearsed.as_ref();
        match rehearsal::judge(self.deployment, &self.image(), rule, seen, self.now) {
            Ok(rehearsal) => self.found.used.rehearsed = Some(rehearsal.clone()),
            Err(lacking) => self.lacks(EvidenceKind::Rehearsed, lacking.what, lacking.remedy),
        }
    }

    /// Where all that is missing may be left out by a hotfix, it says so once.
    fn offer_hotfix(&mut self) {
        let Some(hotfix) = &self.deployment.spec.hotfix else {
            return;
        };
        let enough = self.lacking.iter().all(|kind| hotfix.skip.contains(kind));
        let Some(last) = self.found.missing.last_mut().filter(|_| enough) else {
            return;
        };
        let revision = &self.deployment.revision;
        let image = revision.tag.as_deref().unwrap_or(revision.digest.as_str());
        last.remedy.push_str(&format!(
            ". Where it is urgent: `tidegate deploy {} {image} --hotfix --reason \"...\"`",
            self.deployment.target
        ));
    }

    /// Where people approve, who wrote the change must be known, or they could approve their own
    /// (invariant 14). That can't be left out.
    fn author(&mut self) {
        if self.deployment.spec.gates.is_empty() {
            return;
        }
        let image = self.image();
        match &self.seen.author {
            Some(Author::Known(_)) => {}
            Some(Author::Unknown(person)) => self.miss(
                format!("{person}, the author of {image}, in the people file: who wrote a change can't approve it"),
                "add that name to the `principals` of the person, or add a person without roles, and apply the file with \
                 `tidegate apply --people FILE`"
                    .to_owned(),
            ),
            None => self.miss(
                format!("the author of {image}: who wrote a change can't approve it"),
                format!("record the author with `tidegate release {image} --author NAME`"),
            ),
        }
    }
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
