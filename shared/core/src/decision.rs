//! What a phase decides.

use crate::action::Action;
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::{AbortCause, Exit, Missing};
use crate::spec::GatePhase;

/// A function of the old epoch can't be running any more this long after the epoch was raised:
/// the functions' timeout (60 s in `infra/template.yaml`; a test compares) and time for its last
/// call to take effect.
pub const QUIESCE_SECONDS: i64 = 75;

/// Between two looks at something that takes a while, seconds.
pub const POLL_SECONDS: u32 = 20;

/// Events to record, then actions to do, then what to tell the state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Recorded first, in one transaction with the new head.
    pub events: Vec<Event>,
    /// Done after that; each may be done again.
    pub actions: Vec<Action>,
    /// Told last.
    pub outcome: Outcome,
}

/// Where a phase stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Look again at once: what was done should show.
    Continue,
    /// Look again later.
    Wait {
        /// How much later.
        seconds: u32,
        /// Why, for a person on call.
        reason: String,
    },
    /// The phase is over.
    Done,
    /// People must decide first.
    AwaitingApproval {
        /// At which gate.
        before: GatePhase,
    },
    /// Requirements are missing; nothing was touched.
    Blocked(Vec<Missing>),
    /// The forward path must stop: the phase fails, and the rollback begins.
    Abort(AbortCause),
    /// The rollback can't do what it must; a person is needed.
    RollbackFailed {
        /// What is wrong.
        reason: String,
        /// What to do.
        remedy: String,
    },
}

impl Decision {
    /// Nothing to record or do.
    pub fn only(outcome: Outcome) -> Self {
        Self {
            events: Vec::new(),
            actions: Vec::new(),
            outcome,
        }
    }

    /// Events, and then look again at once.
    pub fn record(events: Vec<Event>) -> Self {
        Self {
            events,
            actions: Vec::new(),
            outcome: Outcome::Continue,
        }
    }

    /// Actions that should show at once.
    pub fn act(actions: Vec<Action>) -> Self {
        Self {
            events: Vec::new(),
            actions,
            outcome: Outcome::Continue,
        }
    }

    /// Actions, and a wait for them to show.
    pub fn act_and_wait(actions: Vec<Action>, seconds: u32, reason: impl Into<String>) -> Self {
        Self {
            events: Vec::new(),
            actions,
            outcome: Outcome::Wait {
                seconds,
                reason: reason.into(),
            },
        }
    }

    /// Only a wait.
    pub fn wait(seconds: u32, reason: impl Into<String>) -> Self {
        Self::act_and_wait(Vec::new(), seconds, reason)
    }

    /// Stop the forward path.
    pub fn abort(cause: AbortCause) -> Self {
        Self::only(Outcome::Abort(cause))
    }

    /// The end of the deployment, recorded.
    pub fn end(exit: Exit) -> Self {
        Self {
            events: vec![Event::Exited { exit }],
            actions: Vec::new(),
            outcome: Outcome::Done,
        }
    }

    /// Adds events before those that are there.
    #[must_use]
    pub fn after(mut self, mut events: Vec<Event>) -> Self {
        events.append(&mut self.events);
        self.events = events;
        self
    }

    /// Makes every outcome leave its trace in the journal: why it waits, and why it stops.
    #[must_use]
    pub fn explained(mut self, deployment: &Deployment) -> Self {
        match &self.outcome {
            Outcome::Wait { reason, .. } if *reason != deployment.waiting_for || !self.events.is_empty() => {
                self.events.push(Event::Waiting {
                    reason: reason.clone(),
                });
            }
            Outcome::Abort(cause) if deployment.abort.is_none() => {
                self.events.push(Event::AbortRequested { cause: cause.clone() });
            }
            Outcome::Wait { .. }
            | Outcome::Abort(_)
            | Outcome::Continue
            | Outcome::Done
            | Outcome::AwaitingApproval { .. }
            | Outcome::Blocked(_)
            | Outcome::RollbackFailed { .. } => {}
        }
        self
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
