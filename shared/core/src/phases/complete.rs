//! Complete: the candidate is the stable revision now.

use jiff::Timestamp;

use super::prepare::no_plan;
use crate::decision::{Decision, Outcome};
use crate::deployment::{Deployment, Stage};
use crate::event::Event;
use crate::exit::{AbortCause, Exit, ExitState};

/// Ends the deployment well. The lock and the target's stable revision change in the same transaction.
pub fn decide_complete(deployment: &Deployment, now: Timestamp) -> Decision {
    let Some(plan) = &deployment.plan else {
        return no_plan();
    };
    if deployment.shift.stage != Stage::Done {
        return Decision::abort(AbortCause::PhaseFailed {
            reason: "the shift has not ended; it can't be completed".to_owned(),
        });
    }
    let left = not_put_back(deployment);
    let exit = Exit {
        state: ExitState::Completed,
        at: now,
        reason: format!(
            "{} serves all traffic from the {} slot",
            deployment.revision.label(),
            plan.candidate
        ),
        remedy: left,
    };
    Decision {
        events: vec![Event::Exited { exit }],
        actions: Vec::new(),
        outcome: Outcome::Done,
    }
}

/// What was changed for the time of the deployment and could not be put back: no reason to take a good
/// revision back, but somebody must.
fn not_put_back(deployment: &Deployment) -> Option<String> {
    let left: Vec<String> = deployment
        .planned_changes()
        .iter()
        .filter(|change| change.temporary)
        .filter_map(|change| {
            let remedy = deployment.changes.get(&change.id)?.remedy.as_ref()?;
            Some(format!("{}: {remedy}", change.id))
        })
        .collect();
    (!left.is_empty()).then(|| left.join("; "))
}
