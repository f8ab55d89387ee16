//! The decisions of the phases, one by one: the whole decision, on both sides of every limit.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod analyzer;
mod around;
mod backups;
mod baking;
mod by_hand;
mod configuring;
mod contracts;
mod cost;
mod forward;
mod indexes;
mod interrupted;
mod monitoring;
mod pages;
mod performance;
mod planning;
mod proposals;
mod raising;
mod rollback;
mod scaling;
mod security;
mod settings;
mod suite_functions;
mod suites;
mod test_time;

use super::decide_shift;
use crate::action::Action;
use crate::decision::{Decision, Outcome};
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::AbortCause;
use crate::observation::Observation;
use crate::testing::at;

/// The shift's decision so many seconds after the deployment was asked for.
fn shift(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide_shift(deployment, world, at(seconds))
}

fn record(events: Vec<Event>) -> Decision {
    Decision {
        events,
        actions: Vec::new(),
        outcome: Outcome::Continue,
    }
}

fn done() -> Decision {
    Decision {
        events: Vec::new(),
        actions: Vec::new(),
        outcome: Outcome::Done,
    }
}

fn act(actions: Vec<Action>) -> Decision {
    Decision {
        events: Vec::new(),
        actions,
        outcome: Outcome::Continue,
    }
}

fn wait(seconds: u32, reason: &str) -> Decision {
    let reason = reason.to_owned();
    Decision {
        events: Vec::new(),
        actions: Vec::new(),
        outcome: Outcome::Wait { seconds, reason },
    }
}

fn act_and_wait(actions: Vec<Action>, seconds: u32, reason: &str) -> Decision {
    Decision {
        actions,
        ..wait(seconds, reason)
    }
}

fn abort(cause: AbortCause) -> Decision {
    Decision {
        events: Vec::new(),
        actions: Vec::new(),
        outcome: Outcome::Abort(cause),
    }
}

fn unhealthy(reason: &str) -> Decision {
    let reason = reason.to_owned();
    abort(AbortCause::CandidateUnhealthy { reason })
}

fn phase_failed(reason: &str) -> Decision {
    let reason = reason.to_owned();
    abort(AbortCause::PhaseFailed { reason })
}

fn changed_outside(reason: &str) -> Decision {
    let reason = reason.to_owned();
    abort(AbortCause::ChangedOutside { reason })
}
