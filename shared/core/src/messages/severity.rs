//! How bad it is for customers, with which a message about a stop or a rollback begins.

use jiff::Timestamp;

use super::text::duration;
use crate::deployment::Deployment;
use crate::exit::AbortCause;
use crate::impact::{Impact, first_sign, is_back, share};

/// Before traffic is back; nothing where nothing is wrong with the image, or none of the traffic could move.
pub(super) fn so_far(deployment: &Deployment, at: Timestamp) -> Option<String> {
    let impact = Impact::so_far(deployment, failing_since(deployment), at);
    concerns_customers(deployment).then(|| match impact {
        Impact::None => nobody(),
        Impact::Critical | Impact::Major | Impact::Minor => {
            format!("{} so far: {}", impact.as_str(), meant(deployment))
        }
    })
}

/// Once traffic is back, or did not come back.
pub(super) fn over(deployment: &Deployment) -> Option<String> {
    let impact = Impact::of(deployment, failing_since(deployment));
    (concerns_customers(deployment) || impact == Impact::Critical).then(|| match impact {
        Impact::None => nobody(),
        Impact::Critical if is_back(deployment) => {
            "critical: traffic is back, but a person must see to the rest now".to_owned()
        }
        Impact::Critical => "critical: traffic was not seen to return by itself".to_owned(),
        Impact::Major | Impact::Minor => format!(
            "{}: {}{}",
            impact.as_str(),
            meant(deployment),
            lasted(deployment).unwrap_or_default()
        ),
    })
}

fn concerns_customers(deployment: &Deployment) -> bool {
    let cause = deployment.abort.as_ref().map(|abort| &abort.cause);
    !deployment.kind.is_contract() && !cause.is_some_and(AbortCause::blameless)
}

fn nobody() -> String {
    "none: no customer had to do with it".to_owned()
}

fn meant(deployment: &Deployment) -> String {
    format!("{} of the traffic was meant for the candidate", share(deployment))
}

/// `, back 2 min after the first sign`.
fn lasted(deployment: &Deployment) -> Option<String> {
    let back = deployment.rollback.as_ref()?.traffic_back_at?;
    let first = first_sign(deployment, failing_since(deployment))?;
    let seconds = back.duration_since(first).as_secs();
    Some(format!(", back {} after the first sign", duration(seconds)))
}

const fn failing_since(deployment: &Deployment) -> Option<Timestamp> {
    deployment.shift.bake.failing_since
}
