//! What goes in and out, as the command line and the page see it.

use serde::{Deserialize, Serialize};
use tidegate_core::ids::{DeploymentId, Digest, Target};
use tidegate_core::journal::Entry;
use tidegate_core::release::ReleasePart;
use tidegate_core::spec::{GatePhase, Problem};

/// `POST /deployments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployRequest {
    /// Where.
    pub target: Target,
    /// A tag or a digest in the target's repository.
    pub image: String,
    /// Requirements to set aside: `alarm:NAME`, `quarantine`, `stable-image`.
    #[serde(default)]
    pub overrides: Vec<String>,
    /// Leave out what the file allows a hotfix to leave out, with its approvals.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hotfix: bool,
    /// Why; needed with overrides and for a hotfix.
    #[serde(default)]
    pub reason: String,
}

/// `PUT /releases`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseRequest {
    /// ECR repository's name.
    pub repository: String,
    /// A tag or a digest in it.
    pub image: String,
    /// What to record; what is absent stays as it is.
    pub record: ReleasePart,
}

/// What became of a wish to deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeployAnswer {
    /// `started`, `queued` or `superseding`.
    pub outcome: String,
    /// The deployment, where one started.
    pub deployment: Option<DeploymentId>,
    /// The running one that it waits for.
    pub behind: Option<DeploymentId>,
    /// The image that a tag stood for.
    pub digest: Digest,
}

/// `POST /deployments/{id}/decisions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionRequest {
    /// Yes or no.
    pub approve: bool,
    /// The plan that was looked at: its hash, or at least the first 12 digits of it.
    pub plan_hash: String,
    /// Which gate; the open one where absent.
    #[serde(default)]
    pub before: Option<GatePhase>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// What a decision came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionAnswer {
    /// `passed`, `rejected` or `waiting`.
    pub outcome: String,
    /// What is still needed.
    pub still_needed: String,
}

/// `POST /deployments/{id}/abort` and `/rollback`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopRequest {
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// What became of a wish to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopAnswer {
    /// `stopping`, `already stopping` or `rolling back`.
    pub outcome: String,
    /// The deployment whose journal tells how it goes: a rollback after completion has its own.
    pub deployment: DeploymentId,
}

/// `PUT /targets/{service}/{environment}/spec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyAnswer {
    /// Which target.
    pub target: Target,
    /// The file's hash.
    pub spec_hash: String,
    /// `created`, `updated` or `unchanged`.
    pub outcome: String,
    /// What is odd but allowed.
    pub warnings: Vec<Problem>,
}

/// `GET /deployments/{id}/journal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalAnswer {
    /// In order.
    pub entries: Vec<Entry>,
}

/// Every answer that is no success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// A name for programs.
    pub error: String,
    /// A sentence for people, with what to do next.
    pub message: String,
    /// Problems of a deployment file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// A reason as it is recorded: so much of what a person wrote.
pub(crate) fn kept(reason: &str) -> String {
    reason.trim().chars().take(500).collect()
}
