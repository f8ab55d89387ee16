//! Security checks: looked at once, before the candidate gets traffic where there is a time before.

use crate::decision::Decision;
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;
use crate::security::findings;

/// What to do for `validate.security`; nothing once nothing was found.
pub(super) fn run_security(deployment: &Deployment, observation: &Observation) -> Option<Decision> {
    let checks = &deployment.spec.validate.security;
    if checks.is_empty() {
        return None;
    }
    match (&deployment.security, &observation.security) {
        (Some(found), _) => {
            let first = found.first()?;
            let others = match found.len() - 1 {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            let reason = format!("security: {}{others}; {}", first.what, first.remedy);
            Some(Decision::abort(AbortCause::SuiteFailed { reason }))
        }
        (None, Some(seen)) => Some(Decision::record(vec![Event::SecurityChecked {
            checks: checks.clone(),
            findings: findings(checks, seen),
        }])),
        (None, None) => Some(Decision::wait(1, "security is about to be looked at")),
    }
}
