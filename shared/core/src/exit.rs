//! How deployments end, and why they are stopped.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::deployment::{Deployment, Origin};
use crate::ids::{ChangeId, DeploymentId, Person, Role};
use crate::messages::text::duration;

/// The five ends. A deployment reaches exactly one; it is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ExitState {
    /// The candidate is stable now.
    Completed,
    /// A requirement was missing. Nothing was touched.
    Blocked,
    /// Stopped before the candidate took traffic.
    Aborted,
    /// Traffic and everything else is back on the stable revision.
    RolledBack,
    /// A person is needed now.
    RollbackFailed,
}

impl ExitState {
    /// AWS-style name, used in events and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Blocked => "Blocked",
            Self::Aborted => "Aborted",
            Self::RolledBack => "RolledBack",
            Self::RollbackFailed => "RollbackFailed",
        }
    }
}

/// An end with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exit {
    /// Which.
    pub state: ExitState,
    /// When.
    pub at: Timestamp,
    /// Why, for a person.
    pub reason: String,
    /// What to do next, where something is to be done.
    pub remedy: Option<String>,
}

impl Exit {
    /// An end before anything was touched: every missing requirement with its remedy, and whom that
    /// concerns.
    pub fn blocked(missing: &[Missing], deployment: &Deployment, at: Timestamp) -> Self {
        let whats: Vec<&str> = distinct(missing.iter().map(|one| &*one.what));
        Self {
            state: ExitState::Blocked,
            at,
            reason: format!("missing: {}", whats.join("; ")),
            remedy: Some(remedies(missing, deployment)),
        }
    }
}

/// Whom all of it concerns is told once, at the end; whom a part of it concerns, with that part.
fn remedies(missing: &[Missing], deployment: &Deployment) -> String {
    let whom: Vec<String> = missing.iter().map(|one| one.whom(deployment)).collect();
    let all = match distinct(whom.iter().map(String::as_str)).as_slice() {
        [all] => Some((*all).to_owned()),
        _ => None,
    };
    let each = missing.iter().zip(&whom).map(|(one, whom)| match all {
        Some(_) => one.remedy.clone(),
        None if whom.is_empty() => one.remedy.clone(),
        None => format!("{} (concerns {whom})", one.remedy),
    });
    let each: Vec<String> = each.collect();
    // One remedy may be that of several.
    let parts = distinct(each.iter().map(String::as_str)).join("; ");
    match all {
        Some(all) if !all.is_empty() => format!("{parts}. This concerns {all}"),
        Some(_) | None => parts,
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut parts: Vec<&str> = Vec::new();
    for text in texts {
        if !parts.contains(&text) {
            parts.push(text);
        }
    }
    parts
}

/// A requirement that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// Roles that it concerns; where none is named, whoever deploys and who approves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Role>,
}

impl Missing {
    /// One that concerns whoever deploys.
    pub const fn new(what: String, remedy: String) -> Self {
        Self {
            what,
            remedy,
            notify: Vec::new(),
        }
    }

    /// Whom it concerns, in words: the roles that its section of the file names, else who asked for the deployment,
    /// and the roles that the file asks for approvals.
    fn whom(&self, deployment: &Deployment) -> String {
        let named: BTreeSet<&str> = self.notify.iter().map(Role::as_str).collect();
        if !named.is_empty() {
            return Vec::from_iter(named).join(", ");
        }
        let asked = match &deployment.origin {
            Origin::Person { person } => Some(format!("{person} (who asked for it)")),
            Origin::Push { .. } => Some(format!("whoever pushed {}", deployment.revision.label())),
            Origin::Watch { .. } | Origin::Contract { .. } => None,
        };
        let gates = deployment.spec.gates.iter();
        let roles = gates.flat_map(|gate| gate.approvals.iter().map(|rule| rule.role.as_str()));
        let roles = distinct(roles).into_iter().map(str::to_owned);
        asked.into_iter().chain(roles).collect::<Vec<_>>().join(", ")
    }
}

/// Why the forward path was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "cause")]
pub enum AbortCause {
    /// A watched alarm went to `ALARM`.
    AlarmRaised {
        /// Which.
        alarm: String,
        /// When CloudWatch says that it did, where known.
        raised_at: Option<Timestamp>,
        /// CloudWatch's reason.
        reason: String,
    },
    /// A person said so.
    AskedFor {
        /// Who.
        by: Person,
        /// Why.
        reason: String,
    },
    /// A newer push took its place.
    Superseded {
        /// Which deployment comes next, where it has an id already.
        by: Option<DeploymentId>,
        /// The newer image.
        digest: String,
    },
    /// A gate was refused.
    Rejected {
        /// Who.
        by: Person,
        /// Why.
        reason: String,
    },
    /// A gate was not passed in time.
    ApprovalExpired {
        /// When it expired.
        expired_at: Timestamp,
    },
    /// Checks failed more often than the file allows.
    AnalysisFailed {
        /// The last check's reason.
        reason: String,
    },
    /// No conclusion for longer than the file allows.
    AnalysisInconclusive {
        /// The last check's reason.
        reason: String,
    },
    /// A condition of `autoRollback` was met.
    ConditionMet {
        /// The condition, with what was measured.
        condition: String,
    },
    /// The candidate did not become healthy in time, or ECS gave it up.
    CandidateUnhealthy {
        /// What was seen.
        reason: String,
    },
    /// A test suite failed.
    SuiteFailed {
        /// Which, and how.
        reason: String,
    },
    /// Someone else changed the listener rule or the services.
    ChangedOutside {
        /// What was seen.
        reason: String,
    },
    /// A change of the plan could not be made.
    ChangeFailed {
        /// Which.
        change: ChangeId,
        /// How.
        reason: String,
    },
    /// Nobody did in time what the plan leaves to a person.
    NotApplied {
        /// Which change.
        change: ChangeId,
        /// What is still not as it shall be.
        what: String,
        /// How long it waited, seconds.
        waited_seconds: u32,
    },
    /// A phase failed, or its execution died.
    PhaseFailed {
        /// Error name and text.
        reason: String,
    },
    /// The whole deployment took too long.
    TimedOut,
}

impl AbortCause {
    /// One line for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::AlarmRaised { alarm, reason, .. } if reason.is_empty() => {
                format!("alarm {alarm} went to ALARM")
            }
            Self::AlarmRaised { alarm, reason, .. } => format!("alarm {alarm} went to ALARM: {reason}"),
            Self::AskedFor { by, reason } => format!("{by} asked for it: {reason}"),
            Self::Superseded { digest, .. } => format!("superseded by the newer image {digest}"),
            Self::Rejected { by, reason } => format!("{by} rejected it: {reason}"),
            Self::ApprovalExpired { expired_at } => format!("nobody approved it before {expired_at:.0}"),
            Self::AnalysisFailed { reason } => format!("analysis failed: {reason}"),
            Self::AnalysisInconclusive { reason } => format!("analysis came to no conclusion: {reason}"),
            Self::ConditionMet { condition } => format!("rollback condition met: {condition}"),
            Self::CandidateUnhealthy { reason } => format!("the candidate is not healthy: {reason}"),
            Self::SuiteFailed { reason } => format!("tests failed: {reason}"),
            Self::ChangedOutside { reason } => format!("changed from outside: {reason}"),
            Self::ChangeFailed { change, reason } => format!("{change} failed: {reason}"),
            Self::NotApplied {
                change,
                what,
                waited_seconds,
            } => format!(
                "{change} was not applied within {}: {what}",
                duration((*waited_seconds).into())
            ),
            Self::PhaseFailed { reason } => format!("a phase failed: {reason}"),
            Self::TimedOut => "it took longer than a deployment may".to_owned(),
        }
    }

    /// Whether the image itself is not to blame, so that it need not be quarantined.
    pub const fn blameless(&self) -> bool {
        matches!(self, Self::Superseded { .. })
    }
}

#[cfg(test)]
#[path = "exit_tests.rs"]
mod tests;
