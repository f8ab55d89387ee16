//! Proposals: what some changes would do is known before people are asked, and exactly that is made.

use jiff::Timestamp;

use super::later;
use crate::action::Action;
use crate::analyzer::unanswered;
use crate::change::{Change, Proposal, Proposed, Work};
use crate::decision::{Decision, Outcome};
use crate::deployment::{Deployment, Phase};
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;

/// Has the next proposal of a phase made, and records it; nothing where all are known.
pub(super) fn propose(
    phase: Phase,
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Option<Decision> {
    let change = deployment.change_to_propose(phase)?;
    let seconds = time_for(phase, deployment, change);
    let late = now >= later(deployment.phase_since, seconds);
    Some(
        match observation
            .proposals
            .get(&change.id)
            .unwrap_or(&Proposed::NotBegun)
        {
            Proposed::Ready { proposal } => Decision::record(vec![Event::ChangeProposed {
                id: change.id.clone(),
                proposal: proposal.clone(),
            }]),
            Proposed::Failed { reason } if may_be_missing(change) => {
                Decision::record(vec![without(change, reason)])
            }
            Proposed::NotBegun | Proposed::Running { .. } if late && may_be_missing(change) => {
                let reason = format!("it gave no answer within {seconds} s");
                Decision::record(vec![without(change, &reason)])
            }
            Proposed::Failed { reason } if matches!(change.work, Work::Analyze { .. }) => refused(
                change,
                &format!("there is no analysis, which the file requires: {reason}"),
            ),
            Proposed::Failed { reason } => {
                refused(change, &format!("what it would do can't be told: {reason}"))
            }
            Proposed::NotBegun | Proposed::Running { .. } if late => refused(
                change,
                &format!("what it would do was not told within {seconds} s"),
            ),
            // Its answer comes to who called it.
            Proposed::NotBegun if matches!(change.work, Work::Analyze { .. }) => {
                Decision::act(vec![Action::ProposeChange {
                    change: Box::new(change.clone()),
                }])
            }
            Proposed::NotBegun => Decision::act_and_wait(
                vec![Action::ProposeChange {
                    change: Box::new(change.clone()),
                }],
                change.proposal_poll_seconds(),
                format!("{}: what it would do is being found out", change.id),
            ),
            Proposed::Running { note } => {
                let seconds = change.proposal_poll_seconds();
                Decision::wait(seconds, format!("{}: {note}", change.id))
            }
        },
    )
}

/// Since the phase began, seconds: what is proposed before it takes its own time.
fn time_for(phase: Phase, deployment: &Deployment, change: &Change) -> i64 {
    let proposing = deployment.changes_of(phase).filter(|one| one.work.proposes());
    let earlier = proposing.take_while(|one| one.id != change.id);
    earlier
        .chain([change])
        .map(|one| i64::from(one.proposal_seconds()))
        .sum()
}

/// Stops where people must agree to a proposal, and the file names nobody.
pub(super) fn nobody_to_ask(phase: Phase, deployment: &Deployment) -> Option<Decision> {
    let before = deployment.gate_before(phase)?;
    let (change, proposal) = deployment.nobody_agrees_to(before)?;
    let section = match matches!(change.work, Work::Analyze { .. }) {
        true => "analyzer",
        false => "infrastructure",
    };
    let reason = format!(
        "the file names nobody to agree to it: add `approvals` to `{section}`, and deploy again. It would do: {}",
        proposal.told()
    );
    Some(refused(change, &reason))
}

/// Whether the deployment goes on without its proposal.
fn may_be_missing(change: &Change) -> bool {
    matches!(&change.work, Work::Analyze { analyzer } if !analyzer.required)
}

fn without(change: &Change, reason: &str) -> Event {
    Event::ChangeProposed {
        id: change.id.clone(),
        proposal: Box::new(unanswered(reason)),
    }
}

/// A change that has nothing to do, or was done with its proposal, is made as soon as it is begun.
pub(super) fn nothing_to_do(change: &Change, proposal: Option<&Proposal>) -> Option<Decision> {
    let looks = matches!(change.work, Work::Analyze { .. });
    let proposal = proposal.filter(|proposal| proposal.is_empty() || looks)?;
    Some(Decision {
        events: vec![
            Event::ChangeStarted {
                id: change.id.clone(),
                before: None,
            },
            Event::ChangeMade {
                id: change.id.clone(),
                detail: match looks {
                    true => "it was heard, and does nothing by itself".to_owned(),
                    false => proposal.summary(),
                },
                log: Vec::new(),
            },
        ],
        actions: Vec::new(),
        outcome: Outcome::Continue,
    })
}

fn refused(change: &Change, reason: &str) -> Decision {
    Decision::abort(AbortCause::ChangeFailed {
        change: change.id.clone(),
        reason: reason.to_owned(),
    })
}
