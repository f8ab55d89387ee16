//! Complete: the candidate is the stable revision now.

use jiff::Timestamp;

use super::contract;
use super::prepare::no_plan;
use crate::contract::ContractPlan;
use crate::decision::Decision;
use crate::deployment::{Deployment, Stage};
use crate::exit::{AbortCause, Exit, ExitState};

/// Ends the deployment well. The lock and the target's stable revision change in the same transaction.
pub fn decide_complete(deployment: &Deployment, now: Timestamp) -> Decision {
    let Some(plan) = &deployment.plan else {
        return no_plan();
    };
    if let Some(title) = deployment.contract_title() {
        return contract::made(deployment, &title, now);
    }
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
        remedy: left.or_else(|| deployment.contract_plan().map(|one| asked_later(deployment, one))),
    };
    Decision::end(exit)
}

/// What follows by itself, so that nobody is surprised.
fn asked_later(deployment: &Deployment, contract: &ContractPlan) -> String {
    let target = &deployment.target;
    format!(
        "{} follows when its time has come and people agree; `tidegate get {target}` says when, `tidegate \
         contract cancel {target}` drops it",
        contract.title()
    )
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
