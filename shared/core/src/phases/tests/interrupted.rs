//! Changes that take too long, and changes that the stop found in the middle.

use super::*;
use crate::change::{Change, Choice, Direction, Next, Progress, Seen, Undo};
use crate::deployment::Phase;
use crate::event::Event;
use crate::ids::ChangeId;
use crate::phases::{RollbackStep, decide, decide_rollback, decide_undo};
use crate::testing::{ROLLBACK_BEGINS, planned, rolling_back, tell};

/// Made from second 30 on; it may take five minutes.
const BEGUN: i64 = 30;
const OVERDUE: i64 = BEGUN + 300;

const REVERTIBLE: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    migrations: [{name: add, command: [up], down: [down], timeout: 5m}]\n";
const FORWARD_ONLY: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    migrations: [{name: add, command: [up], timeout: 5m}]\n";

fn id() -> ChangeId {
    ChangeId::of("migration", "add")
}

fn change(deployment: &Deployment) -> Change {
    deployment.planned_changes()[0].clone()
}

/// Begun, and nothing came of it yet.
fn making(file: &str) -> Deployment {
    let mut deployment = planned(file);
    let phase = Phase::Migrate;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    let before = None;
    tell(&mut deployment, BEGUN, Event::ChangeStarted { id: id(), before });
    deployment
}

fn running() -> Progress {
    Progress::running("task 1 is RUNNING")
}

fn seen(made: Progress, undone: Progress) -> Observation {
    let before = None;
    Observation {
        changes: [(id(), Seen { before, made, undone })].into(),
        ..Observation::default()
    }
}

fn forward(made: Progress, seconds: i64) -> Decision {
    let world = seen(made, Progress::NotBegun);
    decide(Phase::Migrate, &making(REVERTIBLE), &world, at(seconds))
}

/// On the way back, with the change as it was left.
fn back(file: &str, made: Progress, seconds: i64) -> Decision {
    let world = seen(made, Progress::NotBegun);
    decide_undo(Phase::Migrate, &rolling_back(making(file)), &world, at(seconds))
}

fn held(decision: &Decision) -> (&str, Option<&str>) {
    match &decision.events[..] {
        [Event::ChangeHeld { reason, remedy, .. }] => (reason, remedy.as_deref()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_that_takes_too_long_stops_the_deployment_at_its_limit() {
    let early = forward(Progress::NotBegun, OVERDUE - 1);
    assert_eq!(early.actions.len(), 1, "{early:?}");
    let late = forward(Progress::NotBegun, OVERDUE);
    let cause = |reason: &str| AbortCause::ChangeFailed {
        change: id(),
        reason: reason.to_owned(),
    };
    assert_eq!(late.outcome, Outcome::Abort(cause("it took longer than 300 s")));
    assert_eq!(late.actions, []);
    let waits = forward(running(), OVERDUE - 1);
    assert!(matches!(waits.outcome, Outcome::Wait { .. }), "{waits:?}");
    let late = forward(running(), OVERDUE);
    let reason = "it took longer than 300 s: task 1 is RUNNING";
    assert_eq!(late.outcome, Outcome::Abort(cause(reason)));
    // What is done is done, however long it took.
    let made = forward(Progress::done("exit code 0"), OVERDUE + 1000);
    assert!(matches!(&made.events[..], [Event::ChangeMade { .. }]), "{made:?}");
}

#[test]
fn what_left_no_trace_had_not_begun_as_long_as_traces_are_kept() {
    let forgotten = BEGUN + 3000;
    let early = back(REVERTIBLE, Progress::NotBegun, forgotten - 1);
    let detail = "it had not begun".to_owned();
    assert_eq!(early, record(vec![Event::ChangeUndone { id: id(), detail }]));
    let late = back(REVERTIBLE, Progress::NotBegun, forgotten);
    assert_eq!(late.events, [Event::UndoStarted { id: id() }]);
    let deployment = making(REVERTIBLE);
    let [Action::UndoChange { .. }] = &late.actions[..] else {
        panic!("{late:?}")
    };
    let (made, direction, before) = late.actions[0].change().unwrap();
    assert_eq!(
        (made, direction, before),
        (&change(&deployment), Direction::Undo, None)
    );
}

#[test]
fn what_was_started_runs_to_its_end_before_it_is_undone_but_not_for_ever() {
    let early = back(REVERTIBLE, running(), OVERDUE - 1);
    let reason = "migration:add runs to its end: task 1 is RUNNING";
    assert!(
        matches!(&early.outcome, Outcome::Wait { reason: told, .. } if told == reason),
        "{early:?}"
    );
    let late = back(REVERTIBLE, running(), OVERDUE);
    assert_eq!(late.events, [Event::UndoStarted { id: id() }]);
}

#[test]
fn what_only_goes_forward_is_held_and_says_whether_it_may_be_half_made() {
    let whole = back(FORWARD_ONLY, Progress::done("exit code 0"), 100);
    assert_eq!(
        held(&whole),
        ("it is forward-only, and stable works with it", None)
    );
    let half = back(FORWARD_ONLY, running(), OVERDUE);
    let reason =
        "it may be half made, and goes on only forward: the next deployment that has it makes it again";
    assert_eq!(held(&half), (reason, None));
    let chosen = |decision: &Decision| match &decision.events[..] {
        [Event::ChangeHeld { choice, advice, .. }] => (*choice, advice.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(chosen(&whole), (Some(Choice::Hold), None));
    let look = Some("look at its log before that".to_owned());
    assert_eq!(chosen(&half), (Some(Choice::RollForward), look));
    assert_eq!(change(&making(FORWARD_ONLY)).undo, Undo::ForwardOnly);
}

/// The end of a deployment whose change was left so.
fn next_step(file: &str, made: Progress, seconds: i64) -> String {
    let mut deployment = rolling_back(making(file));
    let world = seen(made, Progress::done("exit code 0"));
    while deployment.change_to_undo(Phase::Migrate).is_some() {
        let decision = decide_undo(Phase::Migrate, &deployment, &world, at(seconds));
        assert!(!decision.events.is_empty(), "{decision:?}");
        for event in decision.events {
            tell(&mut deployment, seconds, event);
        }
    }
    tell(&mut deployment, seconds, Event::CandidateScaledIn);
    let mut world = crate::testing::at_rest(&deployment.spec);
    world.forward = None;
    let decision = decide_rollback(RollbackStep::Restore, &deployment, &world, at(seconds));
    match &decision.events[..] {
        [Event::Exited { exit }] => exit.remedy.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_end_says_what_was_left_why_and_what_to_do_about_it() {
    assert_eq!(
        next_step(REVERTIBLE, Progress::done("exit code 0"), 1100),
        "what it changed is undone; push or deploy again"
    );
    assert_eq!(
        next_step(FORWARD_ONLY, Progress::done("exit code 0"), 1100),
        "push or deploy again; not taken back: migration:add (hold: it is forward-only, and stable works with it)"
    );
    assert_eq!(
        next_step(FORWARD_ONLY, running(), 1100),
        "push or deploy again; not taken back: migration:add (roll forward: it may be half made, and goes on only \
         forward: the next deployment that has it makes it again). migration:add: look at its log before that"
    );
}

#[test]
fn undoing_is_asked_for_again_until_it_is_late() {
    let mut deployment = rolling_back(making(REVERTIBLE));
    tell(&mut deployment, 1100, Event::UndoStarted { id: id() });
    let undo = |undone: Progress, seconds: i64| {
        let world = seen(running(), undone);
        decide_undo(Phase::Migrate, &deployment, &world, at(seconds))
    };
    let again = undo(Progress::NotBegun, 1399);
    assert!(
        matches!(&again.actions[..], [Action::UndoChange { .. }]),
        "{again:?}"
    );
    let remedy = Some("undo it yourself, or decide that stable works with it");
    let reason = "undoing it took longer than 300 s";
    assert_eq!(held(&undo(Progress::NotBegun, 1400)), (reason, remedy));
    assert_eq!(held(&undo(running(), 1400)), (reason, remedy));
    let waits = undo(running(), 1399);
    assert!(matches!(waits.outcome, Outcome::Wait { .. }), "{waits:?}");
    let reason = "undoing it failed: exit code 1";
    assert_eq!(
        held(&undo(Progress::failed("exit code 1"), 1101)),
        (reason, remedy)
    );
}

#[test]
fn a_rollback_that_left_out_a_change_calls_a_person() {
    let mut deployment = rolling_back(making(REVERTIBLE));
    assert_eq!(deployment.after_undo(None), Some(Next::Undo(Phase::Migrate)));
    assert_eq!(deployment.after_undo(Some(Phase::Migrate)), None);
    assert_eq!(
        deployment.after_undo(Some(Phase::Configure)),
        Some(Next::Undo(Phase::Migrate))
    );
    assert_eq!(deployment.last_changing(), Some(Phase::Migrate));
    assert_eq!(Next::Undo(Phase::Migrate).word(), "undo-migrate");
    assert_eq!(Next::Phase(Phase::Shift).word(), "shift");
    let quiesced_at = at(ROLLBACK_BEGINS + 85);
    for event in [
        Event::TrafficReturned { quiesced_at },
        Event::TrafficReasserted,
        Event::CandidateScaledIn,
    ] {
        tell(&mut deployment, ROLLBACK_BEGINS + 100, event);
    }
    let world = crate::testing::at_rest(&deployment.spec);
    let now = at(ROLLBACK_BEGINS + 101);
    let decision = decide_rollback(RollbackStep::Restore, &deployment, &world, now);
    let reason = "traffic is on stable, but undo-migrate was left out";
    assert!(
        matches!(&decision.outcome, Outcome::RollbackFailed { reason: told, .. } if told == reason),
        "{decision:?}"
    );
}

#[test]
fn a_change_says_what_it_runs_and_how_it_is_taken_back() {
    let change = change(&making(REVERTIBLE));
    let command = |direction| change.work.command(direction).map(<[String]>::to_vec);
    assert_eq!(command(Direction::Make), Some(vec!["up".to_owned()]));
    assert_eq!(command(Direction::Undo), Some(vec!["down".to_owned()]));
    assert_eq!(
        change.describe(),
        "migration:add: run `up` (revertible with `down`)"
    );
    let suspended = planned(
        "environment: production\nstrategy: rolling\nreplicas: 4\nprepare: {suspendAutoscaling: true}\n\
         infrastructure: {verify: [{ecrRepository: {name: web}}]}\n",
    );
    let told: Vec<String> = suspended.planned_changes().iter().map(Change::describe).collect();
    assert_eq!(
        told,
        [
            "autoscaling:web-blue: suspend autoscaling of ECS service web-blue (put back at the end)",
            "verify:infrastructure: a person sees to ecrRepository web (nothing to undo)",
        ]
    );
}
