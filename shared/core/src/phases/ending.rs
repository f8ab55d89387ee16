//! How a rollback ends that did all that there was to do: as what, and what to do next.

use jiff::Timestamp;

use super::contract;
use super::rollback::failed;
use crate::decision::Decision;
use crate::deployment::Deployment;
use crate::exit::{AbortCause, Exit, ExitState};
use crate::ids::ChangeId;

/// The exit, or a call for a person where something is not undone.
pub(super) fn ended(deployment: &Deployment, now: Timestamp) -> Decision {
    if let Some(decision) = changes_left(deployment) {
        return decision;
    }
    if let Some(title) = deployment.contract_title() {
        return contract::stopped(deployment, &title, now);
    }
    let cause = deployment.abort.as_ref().map(|abort| &abort.cause);
    let back = deployment.took_traffic() || deployment.kind.is_reversal();
    let state = match back {
        true => ExitState::RolledBack,
        false => ExitState::Aborted,
    };
    let next = next_step(deployment, cause, back);
    let exit = Exit {
        state,
        at: now,
        reason: cause.map_or_else(String::new, AbortCause::describe),
        remedy: Some(with_left(deployment, next)),
    };
    Decision::end(exit)
}

/// What to do next, and what was left, with why and what to do about it.
pub(super) fn with_left(deployment: &Deployment, next: String) -> String {
    match deployment.told_of_left() {
        Some(left) => format!("{next}; {left}"),
        None => next,
    }
}

fn next_step(deployment: &Deployment, cause: Option<&AbortCause>, back: bool) -> String {
    if let Some(AbortCause::NotApplied { what, .. }) = cause {
        return format!("apply what differs ({what}), then push or deploy again");
    }
    let next = if cause.is_some_and(AbortCause::blameless) {
        "nothing to do; the newer image has its turn"
    } else if back {
        "repair the image and push it again; this digest is quarantined, and `--override quarantine` deploys it all the same"
    } else if deployment.changes.is_empty() {
        "nothing to undo; push or deploy again"
    } else if deployment.left().next().is_some() {
        "push or deploy again"
    } else {
        "what it changed is undone; push or deploy again"
    };
    next.to_owned()
}

/// Traffic is back, but something that the deployment changed is not: a person decides.
fn changes_left(deployment: &Deployment) -> Option<Decision> {
    let remedies: Vec<(&ChangeId, &str)> = deployment
        .changes
        .iter()
        .filter_map(|(id, state)| Some((id, state.remedy.as_deref()?)))
        .collect();
    if !remedies.is_empty() {
        let ids: Vec<&str> = remedies.iter().map(|(id, _)| id.as_str()).collect();
        let each: Vec<String> = remedies
            .iter()
            .map(|(id, what)| format!("{id}: {what}"))
            .collect();
        let reason = format!("traffic is on stable, but not undone: {}", ids.join(", "));
        return Some(failed(&reason, &with_left(deployment, each.join("; "))));
    }
    let left = deployment.after_undo(None)?;
    // The state machine goes there before it comes here.
    Some(failed(
        &format!("traffic is on stable, but {} was left out", left.word()),
        "look at the rollback's execution, and undo the plan's changes yourself",
    ))
}
