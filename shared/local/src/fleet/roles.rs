//! What roles may not do. All else they may: the local cloud does not read policies.

use serde::{Deserialize, Serialize};

use super::Fleet;

/// Something that a role may not do, as IAM's simulation tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// End of the role's ARN.
    pub role: String,
    /// Action, such as `ecs:UpdateService`.
    pub action: String,
    /// Beginning of the ARNs on which it may not.
    pub on: String,
    /// Why.
    pub why: Refusal,
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No policy speaks of it.
    Unmentioned,
    /// A policy denies it.
    Denied,
    /// A service control policy does not let it through.
    ByOrganization,
    /// The role's permissions boundary does not let it through.
    ByBoundary,
}

impl Fleet {
    /// Why a role may not do something; nothing where it may.
    pub(crate) fn refuses(&self, role: &str, action: &str, resource: &str) -> Option<Refusal> {
        let mut refused = self.refused.iter();
        let hit = refused
            .find(|one| role.ends_with(&one.role) && action == one.action && resource.starts_with(&one.on));
        hit.map(|one| one.why)
    }
}
