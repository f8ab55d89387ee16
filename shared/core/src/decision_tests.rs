//! What a decision carries, and the trace that it leaves.

use super::*;
use crate::deployment::{Abort, Phase};
use crate::ids::Slot;
use crate::testing::{CANARY, at, baking};

const REASON: &str = "tasks are starting";

fn waiting() -> Event {
    Event::Waiting {
        reason: REASON.to_owned(),
    }
}

fn stop() -> Action {
    Action::SetDesiredCount {
        slot: Slot::Green,
        desired: 0,
    }
}

fn entered(phase: Phase) -> Event {
    Event::PhaseEntered { phase }
}

#[test]
fn each_way_to_make_a_decision_carries_just_what_it_was_given() {
    let wait = Outcome::Wait {
        seconds: 20,
        reason: REASON.to_owned(),
    };
    let cases = [
        (Decision::only(Outcome::Done), vec![], vec![], Outcome::Done),
        (
            Decision::record(vec![waiting()]),
            vec![waiting()],
            vec![],
            Outcome::Continue,
        ),
        (
            Decision::act(vec![stop()]),
            vec![],
            vec![stop()],
            Outcome::Continue,
        ),
        (
            Decision::act_and_wait(vec![stop()], 20, REASON),
            vec![],
            vec![stop()],
            wait.clone(),
        ),
        (Decision::wait(20, REASON), vec![], vec![], wait),
        (
            Decision::abort(AbortCause::TimedOut),
            vec![],
            vec![],
            Outcome::Abort(AbortCause::TimedOut),
        ),
    ];
    for (decision, events, actions, outcome) in cases {
        assert_eq!(
            decision,
            Decision {
                events,
                actions,
                outcome
            }
        );
    }
}

#[test]
fn events_that_come_first_are_put_first() {
    let later = vec![entered(Phase::Shift)];
    let first = vec![entered(Phase::Plan), entered(Phase::Prepare)];
    let decision = Decision::record(later).after(first);
    assert_eq!(
        decision.events,
        [Phase::Plan, Phase::Prepare, Phase::Shift].map(entered)
    );
    assert_eq!(decision.outcome, Outcome::Continue);
}

#[test]
fn a_wait_is_told_when_its_reason_is_new() {
    let mut deployment = baking(CANARY);
    let wait = || Decision::wait(20, REASON);
    assert_eq!(wait().explained(&deployment).events, [waiting()]);
    deployment.waiting_for = REASON.to_owned();
    assert_eq!(wait().explained(&deployment), wait());
}

#[test]
fn a_wait_is_told_again_after_anything_else_was() {
    // Events of a stage clear the reason, so the wait that follows is said anew.
    let mut deployment = baking(CANARY);
    deployment.waiting_for = REASON.to_owned();
    let decision = Decision::wait(20, REASON).after(vec![entered(Phase::Shift)]);
    assert_eq!(
        decision.explained(&deployment).events,
        [entered(Phase::Shift), waiting()]
    );
}

#[test]
fn a_stop_is_told_once() {
    let mut deployment = baking(CANARY);
    let cause = AbortCause::TimedOut;
    let stop = || Decision::abort(AbortCause::TimedOut);
    assert_eq!(
        stop().explained(&deployment).events,
        [Event::AbortRequested { cause: cause.clone() }]
    );
    deployment.abort = Some(Abort { cause, at: at(5) });
    assert_eq!(stop().explained(&deployment), stop());
}

#[test]
fn every_other_outcome_explains_itself() {
    let deployment = baking(CANARY);
    for outcome in [
        Outcome::Continue,
        Outcome::Done,
        Outcome::AwaitingApproval {
            before: GatePhase::Shift,
        },
        Outcome::Blocked(Vec::new()),
        Outcome::RollbackFailed {
            reason: REASON.to_owned(),
            remedy: String::new(),
        },
    ] {
        let decision = Decision::only(outcome.clone());
        assert_eq!(decision.explained(&deployment), Decision::only(outcome));
    }
}
