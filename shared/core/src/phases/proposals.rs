//! Proposals: what some changes would do is known before people are asked, and exactly that is made.

use jiff::Timestamp;

use super::later;
use crate::action::Action;
use crate::change::{Change, Proposal, Proposed};
use crate::decision::{Decision, Outcome, POLL_SECONDS};
use crate::deployment::{Deployment, Phase};
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;

/// A proposal is there within this time, or will not be.
const PROPOSAL_SECONDS: i64 = 900;

/// Has the next proposal of a phase made, and records it; nothing where all are known.
pub(super) fn propose(
    phase: Phase,
    deployment: &Deployment,
    observation: &Observation,
    now: Timestamp,
) -> Option<Decision> {
    let change = deployment.change_to_propose(phase)?;
    let late = now >= later(deployment.phase_since, PROPOSAL_SECONDS);
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
            Proposed::Failed { reason } => {
                refused(change, &format!("what it would do can't be told: {reason}"))
            }
            Proposed::NotBegun | Proposed::Running { .. } if late => refused(
                change,
                &format!("what it would do was not told within {PROPOSAL_SECONDS} s"),
            ),
            Proposed::NotBegun => Decision::act_and_wait(
                vec![Action::ProposeChange {
                    change: Box::new(change.clone()),
                }],
                POLL_SECONDS / 2,
                format!("{}: what it would do is being found out", change.id),
            ),
            Proposed::Running { note } => Decision::wait(POLL_SECONDS / 2, format!("{}: {note}", change.id)),
        },
    )
}

/// Stops where people must agree to a proposal, and the file names nobody.
pub(super) fn nobody_to_ask(phase: Phase, deployment: &Deployment) -> Option<Decision> {
    let before = phase.gate()?;
    let (change, proposal) = deployment.needs_consent(before)?;
    deployment.gate_rule(before).is_none().then(|| {
        let reason = format!(
            "the file names nobody to agree to it: add `approvals` to `infrastructure`, and deploy again. It \
             would do: {}",
            proposal.told()
        );
        refused(change, &reason)
    })
}

/// A change that has nothing to do is made as soon as it is begun.
pub(super) fn nothing_to_do(change: &Change, proposal: Option<&Proposal>) -> Option<Decision> {
    let proposal = proposal.filter(|proposal| proposal.is_empty())?;
    Some(Decision {
        events: vec![
            Event::ChangeStarted {
                id: change.id.clone(),
                before: None,
            },
            Event::ChangeMade {
                id: change.id.clone(),
                detail: proposal.summary(),
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
