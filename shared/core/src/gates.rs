//! People decide: who may, what counts, when a gate is passed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{Person, PlanHash, Role};
use crate::spec::{ApprovalRule, Gate, GatePhase};

impl GatePhase {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Migrate => "migrate",
            Self::Infrastructure => "infrastructure",
            Self::Configure => "configure",
            Self::Shift => "shift",
            Self::Validate => "validate",
            Self::Complete => "complete",
            Self::Contract => "contract",
        }
    }
}

/// An open or passed gate of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateState {
    /// When people were asked.
    pub opened_at: Timestamp,
    /// Approvals after this do not count.
    pub expires_at: Timestamp,
    /// The plan that they are asked about.
    pub plan_hash: PlanHash,
    /// What they said.
    pub decisions: Vec<GateDecision>,
    /// When enough had approved.
    pub passed_at: Option<Timestamp>,
}

impl GateState {
    /// A gate that was just opened.
    pub fn open(at: Timestamp, expires_at: Timestamp, plan_hash: PlanHash) -> Self {
        Self {
            opened_at: at,
            expires_at,
            plan_hash,
            decisions: Vec::new(),
            passed_at: None,
        }
    }
}

/// What one person said at a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateDecision {
    /// Who.
    pub by: Person,
    /// In which role it counts.
    pub role: Role,
    /// Yes or no.
    pub approve: bool,
    /// Why, where said.
    pub reason: String,
    /// For which plan.
    pub plan_hash: PlanHash,
    /// When.
    pub at: Timestamp,
}

impl GateDecision {
    /// One line for a person.
    pub fn describe(&self) -> String {
        let verb = if self.approve { "approved" } else { "rejected" };
        let reason = if self.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", self.reason)
        };
        format!("{} {verb} as {}{reason}", self.by, self.role)
    }
}

/// The `people` file: who is who through every door, and what they may decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// By their one name.
    pub people: BTreeMap<String, PersonEntry>,
}

/// One person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PersonEntry {
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// IAM principals: user ARNs, or role ARNs with the session's name (`role/dev/maria`).
    #[serde(default)]
    pub principals: BTreeSet<String>,
    /// Slack member id.
    #[serde(default)]
    pub slack: Option<String>,
}

impl People {
    /// The person behind an identity: an IAM principal, a Slack id, or the name itself.
    pub fn identify(&self, identity: &str) -> Option<(Person, &PersonEntry)> {
        let (name, entry) = self.people.iter().find(|(name, entry)| {
            name.as_str() == identity
                || entry.principals.contains(identity)
                || entry.slack.as_deref() == Some(identity)
        })?;
        Some((name.parse().ok()?, entry))
    }
}

/// Why a decision does not count. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateRefusal {
    /// No gate is open.
    #[error("no approval is asked for at the moment")]
    NotOpen,
    /// Too late.
    #[error("the approval expired at {0:.0}; deploy again to ask anew")]
    Expired(Timestamp),
    /// Another plan.
    #[error(
        "that is approval for plan {given}, but the plan now is {current}; look at it again with `tidegate get` and approve that one"
    )]
    StalePlan {
        /// Given for.
        given: String,
        /// Asked for.
        current: String,
    },
    /// The author.
    #[error("{0} is the author of this change, and authors don't approve their own")]
    Author(Person),
    /// A second decision.
    #[error("{0} has already decided at this gate, and one decision per person counts")]
    Again(Person),
    /// The wrong hat.
    #[error(
        "{person} has none of the roles that are asked for ({wanted}); the `people` file says who has which"
    )]
    WrongRole {
        /// Who.
        person: Person,
        /// Asked for.
        wanted: String,
    },
}

/// Judges one decision, and says in which role it counts. `authors` are all who answer for the change.
///
/// # Errors
/// Why it does not count (invariants 13 and 14).
pub fn admit_decision<'a>(
    rule: &Gate,
    state: Option<&GateState>,
    authors: impl IntoIterator<Item = &'a Person>,
    by: &Person,
    roles: &BTreeSet<Role>,
    plan_hash: &PlanHash,
    now: Timestamp,
) -> Result<Role, GateRefusal> {
    let state = state
        .filter(|state| state.passed_at.is_none())
        .ok_or(GateRefusal::NotOpen)?;
    if now >= state.expires_at {
        return Err(GateRefusal::Expired(state.expires_at));
    }
    if *plan_hash != state.plan_hash {
        return Err(GateRefusal::StalePlan {
            given: plan_hash.short().to_owned(),
            current: state.plan_hash.short().to_owned(),
        });
    }
    if authors.into_iter().any(|author| author == by) {
        return Err(GateRefusal::Author(by.clone()));
    }
    if state.decisions.iter().any(|decision| decision.by == *by) {
        return Err(GateRefusal::Again(by.clone()));
    }
    role_that_counts(rule, state, roles).ok_or_else(|| GateRefusal::WrongRole {
        person: by.clone(),
        wanted: rule
            .approvals
            .iter()
            .map(|a| a.role.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    })
}

/// The role in which a person's approval helps most: one that is still short, else any asked for.
fn role_that_counts(rule: &Gate, state: &GateState, roles: &BTreeSet<Role>) -> Option<Role> {
    let held = |approval: &&ApprovalRule| roles.contains(&approval.role);
    rule.approvals
        .iter()
        .filter(held)
        .find(|approval| given(state, &approval.role) < approval.count)
        .or_else(|| rule.approvals.iter().find(held))
        .map(|approval| approval.role.clone())
}

fn given(state: &GateState, role: &Role) -> u32 {
    let count = state
        .decisions
        .iter()
        .filter(|d| d.approve && d.role == *role)
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether enough people approved.
pub fn satisfied(rule: &Gate, state: &GateState) -> bool {
    rule.approvals
        .iter()
        .all(|approval| given(state, &approval.role) >= approval.count)
}

/// What is still missing, for a person: `1 tech-lead, 1 product`.
pub fn still_needed(rule: &Gate, state: &GateState) -> String {
    rule.approvals
        .iter()
        .filter_map(|approval| {
            let missing = approval.count.saturating_sub(given(state, &approval.role));
            (missing > 0).then(|| format!("{missing} {}", approval.role))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
