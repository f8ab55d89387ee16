//! What is changed for the time of the deployment only.

use super::*;
use crate::change::{Before, Change, ChangeStage, Next, Progress, Seen, Suspended};
use crate::deployment::Phase;
use crate::ids::ChangeId;
use crate::phases::{decide, decide_complete, decide_undo};
use crate::testing::{alarm_raised, rolling_back, shifted, tell};

const FILE: &str =
    "environment: production\nstrategy: rolling\nreplicas: 4\nprepare: {suspendAutoscaling: true}\n";

fn id() -> ChangeId {
    ChangeId::of("autoscaling", "web-blue")
}

fn was() -> Before {
    Before::Scaling {
        suspended: Suspended {
            scale_in: false,
            scale_out: false,
            scheduled: true,
        },
        min: 2,
        max: 9,
    }
}

fn progress(done: bool) -> Progress {
    match done {
        true => Progress::done("read back"),
        false => Progress::NotBegun,
    }
}

/// What AWS says, suspended or not.
fn seen(suspended: bool) -> Observation {
    let seen = Seen {
        before: Some(was()),
        made: progress(suspended),
        undone: progress(!suspended),
    };
    Observation {
        changes: [(change(&shifted(FILE, Phase::Prepare)).id, seen)].into(),
        ..Observation::default()
    }
}

fn change(deployment: &Deployment) -> Change {
    let changes = &deployment.plan.as_ref().unwrap().changes;
    assert_eq!(changes.len(), 1);
    changes[0].clone()
}

/// Shifted, with autoscaling suspended at second 300.
fn suspended() -> Deployment {
    let mut deployment = shifted(FILE, Phase::Validate);
    let id = change(&deployment).id;
    let before = Some(was());
    tell(
        &mut deployment,
        299,
        Event::ChangeStarted {
            id: id.clone(),
            before,
        },
    );
    let made = Event::ChangeMade {
        id,
        detail: String::new(),
        log: Vec::new(),
    };
    tell(&mut deployment, 300, made);
    deployment
}

fn undo(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide_undo(Phase::Prepare, deployment, world, at(seconds))
}

fn undoing(deployment: &Deployment) -> Decision {
    let change = change(deployment);
    Decision {
        events: vec![Event::UndoStarted {
            id: change.id.clone(),
        }],
        actions: vec![Action::UndoChange {
            change: Box::new(change),
            before: Some(was()),
        }],
        outcome: Outcome::Continue,
    }
}

#[test]
fn what_was_there_is_recorded_before_anything_is_suspended() {
    let mut deployment = crate::testing::planned(FILE);
    let entered = Event::PhaseEntered {
        phase: Phase::Prepare,
    };
    tell(&mut deployment, 20, entered);
    let decision = decide(Phase::Prepare, &deployment, &seen(false), at(21));
    let before = Some(was());
    let expected = Decision {
        events: vec![Event::ChangeStarted {
            id: id(),
            before: before.clone(),
        }],
        actions: vec![Action::MakeChange {
            change: Box::new(change(&deployment)),
            before,
        }],
        outcome: Outcome::Continue,
    };
    assert_eq!(decision, expected);
}

#[test]
fn a_good_deployment_puts_it_back_before_it_completes() {
    let mut deployment = suspended();
    assert_eq!(
        deployment.after(Phase::Validate),
        Some(Next::Undo(Phase::Prepare))
    );
    assert_eq!(undo(&deployment, &seen(true), 1000), undoing(&deployment));
    tell(&mut deployment, 1000, Event::UndoStarted { id: id() });
    assert_eq!(
        deployment.after(Phase::Validate),
        Some(Next::Undo(Phase::Prepare))
    );
    let detail = "read back".to_owned();
    let undone = Event::ChangeUndone { id: id(), detail };
    assert_eq!(
        undo(&deployment, &seen(false), 1001),
        record(vec![undone.clone()])
    );
    tell(&mut deployment, 1001, undone);
    assert_eq!(undo(&deployment, &seen(false), 1002), done());
    assert_eq!(
        deployment.after_undo(Some(Phase::Prepare)),
        Some(Next::Phase(Phase::Complete))
    );
    assert_eq!(
        deployment.after(Phase::Validate),
        Some(Next::Phase(Phase::Complete))
    );
}

#[test]
fn functions_that_may_still_suspend_are_waited_out_first() {
    let deployment = suspended();
    let last = 300 + crate::decision::QUIESCE_SECONDS;
    let early = undo(&deployment, &seen(true), last - 1);
    assert!(
        matches!(early.outcome, Outcome::Wait { seconds: 1, .. }),
        "{early:?}"
    );
    assert_eq!(early.actions, []);
    assert_eq!(undo(&deployment, &seen(true), last), undoing(&deployment));
    // The rollback has waited already.
    let back = rolling_back(suspended());
    assert_eq!(undo(&back, &seen(true), 301), undoing(&back));
}

#[test]
fn what_cannot_be_put_back_is_said_at_the_end_and_takes_nothing_back() {
    let mut deployment = suspended();
    tell(&mut deployment, 1000, Event::UndoStarted { id: id() });
    let decision = undo(&deployment, &seen(true), 1300);
    assert!(
        matches!(&decision.events[..], [Event::ChangeHeld { .. }]),
        "{decision:?}"
    );
    tell(&mut deployment, 1300, decision.events[0].clone());
    assert_eq!(deployment.change_stage(&id()), Some(ChangeStage::Held));
    assert_eq!(
        deployment.after(Phase::Validate),
        Some(Next::Phase(Phase::Complete))
    );
    let ended = decide_complete(&deployment, at(1301));
    let Some(Event::Exited { exit }) = ended.events.first() else {
        panic!("{ended:?}");
    };
    let expected = "autoscaling:web-blue: put it back yourself: scaling in was on, scaling out on, \
                    scheduled scaling suspended, from 2 to 9 tasks";
    assert_eq!(exit.remedy.as_deref(), Some(expected));
}

#[test]
fn nothing_is_said_at_the_end_where_all_is_as_it_was() {
    let mut deployment = suspended();
    let detail = String::new();
    tell(&mut deployment, 1001, Event::ChangeUndone { id: id(), detail });
    let ended = decide_complete(&deployment, at(1301));
    assert!(matches!(&ended.events[..], [Event::Exited { exit }] if exit.remedy.is_none()));
}

#[test]
fn an_alarm_while_it_is_suspended_comes_first() {
    let mut deployment = suspended();
    let cause = alarm_raised();
    tell(
        &mut deployment,
        400,
        Event::AbortRequested { cause: cause.clone() },
    );
    let decision = decide(Phase::Validate, &deployment, &seen(true), at(401));
    assert_eq!(decision, abort(cause));
}
