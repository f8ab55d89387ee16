//! `evidence` and `hotfix`: what must be known of an image, and what an urgent one may leave out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::build::{approvals, distinct, duplicate};
use super::fields::{Fields, Items};
use super::model::{ApprovalRule, Gate, GatePhase, Spec, SuiteName};
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::ids::{EnvironmentName, Role};

/// `evidence`: what must be known of an image before anything is touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// `suites`: recorded by CI for this digest, all of their tests passed.
    pub suites: Vec<SuiteName>,
    /// `sbom`: one is recorded.
    pub sbom: bool,
    /// `ticket`: one is recorded.
    pub ticket: bool,
    /// `scan`: what ECR's scan may have found.
    pub scan: Option<ScanRule>,
    /// `signature: required`: a signature of this digest lies in ECR.
    pub signature: bool,
    /// `provenIn`: the digest was deployed there, to the end.
    pub proven_in: Option<EnvironmentName>,
    /// `rehearsed`: the digest was taken back and deployed again there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsed: Option<RehearsalRule>,
    /// `notify`: roles that a missing piece concerns.
    pub notify: Vec<Role>,
}

/// `evidence.scan`: at most so many findings of a severity; without a number any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanRule {
    /// `critical`.
    pub critical: Option<u32>,
    /// `high`.
    pub high: Option<u32>,
    /// `medium`.
    pub medium: Option<u32>,
    /// `low`.
    pub low: Option<u32>,
    /// `wait`, seconds: how long a scan that is not over is waited for (default 600).
    pub wait_seconds: u32,
}

/// `evidence.rehearsed`: where the way back was gone, and how long ago at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsalRule {
    /// `in`: a test environment of the same service.
    pub environment: EnvironmentName,
    /// `within`, seconds (default 90 days): an older one proves nothing.
    pub within_seconds: u32,
}

/// A piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceKind {
    /// `suites`.
    Suites,
    /// `sbom`.
    Sbom,
    /// `ticket`.
    Ticket,
    /// `scan`.
    Scan,
    /// `signature`.
    Signature,
    /// `provenIn`.
    ProvenIn,
    /// `rehearsed`.
    Rehearsed,
}

impl EvidenceKind {
    /// All of them, in the order of the file.
    pub const ALL: [Self; 7] = [
        Self::Suites,
        Self::Sbom,
        Self::Ticket,
        Self::Scan,
        Self::Signature,
        Self::ProvenIn,
        Self::Rehearsed,
    ];

    /// Its key in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suites => "suites",
            Self::Sbom => "sbom",
            Self::Ticket => "ticket",
            Self::Scan => "scan",
            Self::Signature => "signature",
            Self::ProvenIn => "provenIn",
            Self::Rehearsed => "rehearsed",
        }
    }
}

/// `hotfix`: what `tidegate deploy --hotfix` may leave out, and who must agree to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hotfix {
    /// `skip`.
    pub skip: Vec<EvidenceKind>,
    /// `approvals`, before anything is touched, beside those that the file asks for anyway.
    pub approvals: Vec<ApprovalRule>,
    /// `expires`, seconds (default 86,400).
    pub expires_seconds: u32,
}

impl Evidence {
    /// Whether the file asks for a piece.
    pub fn asks_for(&self, kind: EvidenceKind) -> bool {
        match kind {
            EvidenceKind::Suites => !self.suites.is_empty(),
            EvidenceKind::Sbom => self.sbom,
            EvidenceKind::Ticket => self.ticket,
            EvidenceKind::Scan => self.scan.is_some(),
            EvidenceKind::Signature => self.signature,
            EvidenceKind::ProvenIn => self.proven_in.is_some(),
            EvidenceKind::Rehearsed => self.rehearsed.is_some(),
        }
    }
}

impl Spec {
    /// The file as it holds for a hotfix: its approvals stand in the gate before prepare.
    #[must_use]
    pub fn for_hotfix(&self) -> Self {
        let mut spec = self.clone();
        let Some(hotfix) = &self.hotfix else {
            return spec;
        };
        let there = spec
            .gates
            .iter_mut()
            .find(|gate| gate.before == GatePhase::Prepare);
        match there {
            Some(gate) => add_approvals(&mut gate.approvals, &hotfix.approvals),
            None => spec.gates.insert(
                0,
                Gate {
                    before: GatePhase::Prepare,
                    approvals: hotfix.approvals.clone(),
                    expires_seconds: hotfix.expires_seconds,
                },
            ),
        }
        spec
    }
}

/// Nobody counts twice, so the same role asked for by both needs two people.
fn add_approvals(asked: &mut Vec<ApprovalRule>, more: &[ApprovalRule]) {
    for one in more {
        match asked.iter_mut().find(|rule| rule.role == one.role) {
            Some(rule) => rule.count = rule.count.saturating_add(one.count),
            None => asked.push(one.clone()),
        }
    }
}

/// Reads `evidence`.
pub(super) fn evidence(fields: &Fields, problems: &mut Problems) -> Option<Evidence> {
    let section = fields.section("evidence")?;
    let suites = section
        .list("suites")
        .map(|items| distinct(items, "suite", problems));
    let notify = section
        .list("notify")
        .map(|items| distinct(items, "role", problems));
    let own = fields.name("environment");
    let proven_in: Option<EnvironmentName> = section.name("provenIn");
    if proven_in.is_some() && proven_in == own {
        let span = section.value_span("provenIn");
        problems.push(of_itself("provenIn", span).help("name the one before it"));
    }
    let rehearsed = section.section("rehearsed").and_then(|rehearsed| {
        let environment: EnvironmentName = rehearsed.name("in")?;
        if own.as_ref() == Some(&environment) {
            let span = rehearsed.value_span("in");
            problems
                .push(of_itself("rehearsed.in", span).help("name a test environment of the same service"));
        }
        Some(RehearsalRule {
            environment,
            within_seconds: rehearsed.whole("within")?,
        })
    });
    Some(Evidence {
        suites: suites.unwrap_or_default().into_iter().map(SuiteName).collect(),
        sbom: section.flag("sbom").unwrap_or_default(),
        ticket: section.flag("ticket").unwrap_or_default(),
        scan: section.section("scan").and_then(scan),
        signature: section.text("signature").is_some(),
        proven_in,
        rehearsed,
        notify: notify
            .unwrap_or_default()
            .iter()
            .filter_map(|role| role.parse().ok())
            .collect(),
    })
}

/// What an environment is to show of itself, it can't have shown before.
fn of_itself(key: &str, span: Span) -> Draft {
    let message = format!("`evidence.{key}` is the environment that this file is for");
    Draft::new(ProblemCode::Contradiction, span, message)
}

fn scan(section: &Fields) -> Option<ScanRule> {
    Some(ScanRule {
        critical: section.whole("critical"),
        high: section.whole("high"),
        medium: section.whole("medium"),
        low: section.whole("low"),
        wait_seconds: section.whole("wait")?,
    })
}

/// Reads `hotfix`, which makes sense only beside what it may leave out.
pub(super) fn hotfix(
    fields: &Fields,
    evidence: Option<&Evidence>,
    problems: &mut Problems,
) -> Option<Hotfix> {
    let section = fields.section("hotfix")?;
    let mut seen: BTreeMap<EvidenceKind, Span> = BTreeMap::new();
    let mut skip = Vec::new();
    for (span, text) in section.list("skip").into_iter().flat_map(Items::texts) {
        let Some(kind) = EvidenceKind::ALL.into_iter().find(|kind| kind.as_str() == text) else {
            continue;
        };
        if let Some(first) = seen.insert(kind, span) {
            problems.push(duplicate(span, first, &format!("`{text}`")));
        }
        if !evidence.is_some_and(|evidence| evidence.asks_for(kind)) {
            let message = format!("a hotfix may leave out `{text}`, which `evidence` does not ask for");
            let draft = Draft::new(ProblemCode::NoEffect, span, message);
            problems.push(
                draft
                    .help("ask for it in `evidence`, or remove it here")
                    .warning(),
            );
        }
        skip.push(kind);
    }
    Some(Hotfix {
        skip,
        approvals: approvals(section, problems),
        expires_seconds: section.whole("expires")?,
    })
}
