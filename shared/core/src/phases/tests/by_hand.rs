//! What a person applies by hand, and Tidegate looks at.

use super::*;
use crate::change::{Progress, Seen};
use crate::deployment::Phase;
use crate::exit::ExitState;
use crate::ids::ChangeId;
use crate::phases::{RollbackStep, decide, decide_rollback};
use crate::testing::{planned, rolling_back, tell};

const FILE: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    infrastructure: {verify: [{ecrRepository: {name: web}}], timeout: 1h}\n";
const BEGUN: i64 = 30;
const MISSING: &str = "ecrRepository web does not exist";

fn id() -> ChangeId {
    ChangeId::of("verify", "infrastructure")
}

fn looking() -> Deployment {
    let mut deployment = planned(FILE);
    let phase = Phase::Infrastructure;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    let before = None;
    tell(&mut deployment, BEGUN, Event::ChangeStarted { id: id(), before });
    deployment
}

fn look(deployment: &Deployment, made: Progress, seconds: i64) -> Decision {
    let seen = Seen {
        before: None,
        made,
        undone: Progress::NotBegun,
    };
    let world = Observation {
        changes: [(id(), seen)].into(),
        ..Observation::default()
    };
    decide(Phase::Infrastructure, deployment, &world, at(seconds))
}

#[test]
fn a_person_is_asked_once_with_all_that_differs_and_until_when() {
    let mut deployment = looking();
    let first = look(&deployment, Progress::running(MISSING), 40);
    let reason = format!("verify:infrastructure: {MISSING}; a person has to apply it");
    let asked = Event::PersonNeeded {
        id: id(),
        what: MISSING.to_owned(),
        until: at(BEGUN + 3600),
    };
    let waiting = Event::Waiting {
        reason: reason.clone(),
    };
    assert_eq!(first, wait(60, &reason).after(vec![asked, waiting]));
    for event in first.events {
        tell(&mut deployment, 40, event);
    }
    assert_eq!(
        look(&deployment, Progress::running(MISSING), 100),
        wait(60, &reason)
    );
    let less = look(&deployment, Progress::running("less"), 160);
    assert!(matches!(&less.events[..], [Event::Waiting { .. }]), "{less:?}");
}

#[test]
fn what_is_there_already_asks_nobody() {
    let made = look(&looking(), Progress::done("as the file says"), 40);
    assert!(matches!(&made.events[..], [Event::ChangeMade { .. }]), "{made:?}");
}

#[test]
fn what_nobody_applied_in_time_is_what_to_do_next() {
    let mut deployment = looking();
    let early = look(&deployment, Progress::running(MISSING), BEGUN + 3599);
    assert!(matches!(early.outcome, Outcome::Wait { .. }), "{early:?}");
    let late = look(&deployment, Progress::running(MISSING), BEGUN + 3600);
    let cause = AbortCause::NotApplied {
        change: id(),
        what: MISSING.to_owned(),
        waited_seconds: 3600,
    };
    assert_eq!(late.outcome, Outcome::Abort(cause.clone()));
    tell(&mut deployment, BEGUN + 3600, Event::AbortRequested { cause });
    let back = rolling_back(deployment);
    let mut world = crate::testing::at_rest(&back.spec);
    world.forward = None;
    let end = decide_rollback(RollbackStep::Restore, &back, &world, at(9000));
    let [Event::Exited { exit }] = &end.events[..] else {
        panic!("{end:?}")
    };
    assert_eq!(exit.state, ExitState::Aborted);
    assert_eq!(
        exit.remedy.as_deref(),
        Some("apply what differs (ecrRepository web does not exist), then push or deploy again")
    );
}
