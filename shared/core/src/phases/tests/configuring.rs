//! Values that are set for the new revision, and put back with it.

use super::*;
use crate::change::{Before, Change, ContainerSetting, Next, Progress, Seen, SettingNow, Undo, Work};
use crate::deployment::Phase;
use crate::ids::Slot;
use crate::phases::{decide, decide_undo};
use crate::testing::{planned, rolling_back, shifted, tell};

const FILE: &str = "environment: production\nstrategy: rolling\nreplicas: 4\nconfiguration:\n  parameters:\n    \
                    - {name: /web/timeout, value: \"30\"}\n";

fn change(deployment: &Deployment) -> Change {
    let changes = &deployment.plan.as_ref().unwrap().changes;
    assert_eq!(changes.len(), 1);
    changes[0].clone()
}

fn failed(reason: &str) -> Progress {
    Progress::failed(reason)
}

fn world(deployment: &Deployment, made: Progress, undone: Progress) -> Observation {
    let seen = Seen {
        before: Some(Before::Parameter { version: 3 }),
        made,
        undone,
    };
    Observation {
        changes: [(change(deployment).id, seen)].into(),
        ..Observation::default()
    }
}

#[test]
fn a_parameter_of_the_file_is_a_change_of_the_plan_that_a_rollback_takes_back() {
    let deployment = planned(FILE);
    let change = change(&deployment);
    assert_eq!(
        change.describe(),
        "parameter:/web/timeout: set it to `30` (revertible)"
    );
    assert_eq!((change.phase, change.undo), (Phase::Configure, Undo::Revertible));
    assert_eq!(
        change.work,
        Work::SetParameter {
            name: "/web/timeout".to_owned(),
            value: "30".to_owned()
        }
    );
    assert_eq!(
        deployment.after(Phase::Prepare),
        Some(Next::Phase(Phase::Configure))
    );
}

#[test]
fn variables_are_part_of_the_plan_told_by_name_and_part_of_the_revision_that_is_registered() {
    let file = "environment: production\nstrategy: rolling\nreplicas: 4\nconfiguration:\n  environment: \
                {LEVEL: debug, PORT: 8080, TZ: UTC}\n  secrets: {KEY: /web/key}\n";
    let mut world = crate::testing::at_rest(&crate::testing::spec(file));
    let now = [
        ("LEVEL", SettingNow::Other),
        ("PORT", SettingNow::Absent),
        ("TZ", SettingNow::Same),
        ("KEY", SettingNow::Other),
    ];
    let seen = now.map(|(name, now)| (name.to_owned(), now)).into();
    world.container = [(Slot::Blue, seen)].into();
    let asked = crate::testing::requested(file);
    let wiring = planned(file).plan.unwrap().wiring.clone();
    let decision = crate::phases::make_plan(&asked, wiring, &world, at(10));
    let [Event::Planned { plan }] = &decision.events[..] else {
        panic!("{decision:?}")
    };
    let lines: Vec<String> = plan.container.iter().map(ContainerSetting::describe).collect();
    assert_eq!(
        lines,
        [
            "LEVEL: set it to `debug` (replaces what stable has)",
            "PORT: set it to `8080` (new)",
            "TZ: set it to `UTC` (as it is)",
            "KEY: take it from /web/key (replaces what stable has)",
        ]
    );
    assert_eq!(plan.changes, []);
    let mut deployment = planned(file);
    deployment.revision.task_definition = None;
    let decision = crate::phases::decide_prepare(&deployment, &world);
    let [Action::RegisterTaskDefinition { container, .. }] = &decision.actions[..] else {
        panic!("{decision:?}")
    };
    assert_eq!(container, &deployment.spec.configuration.container);
}

#[test]
fn what_can_never_be_made_is_not_begun() {
    let mut deployment = planned(FILE);
    let phase = Phase::Configure;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    let world = world(&deployment, failed("it is a secret"), Progress::NotBegun);
    let decision = decide(phase, &deployment, &world, at(21));
    let expected = Decision::abort(AbortCause::ChangeFailed {
        change: change(&deployment).id,
        reason: "it is a secret".to_owned(),
    });
    assert_eq!(decision.outcome, expected.outcome);
    assert_eq!(decision.actions, []);
    assert!(matches!(decision.events[..], [Event::AbortRequested { .. }]));
}

#[test]
fn what_cannot_be_put_back_says_what_was_there() {
    let mut deployment = shifted(FILE, Phase::Validate);
    let id = change(&deployment).id;
    let started = Event::ChangeStarted {
        id: id.clone(),
        before: Some(Before::Parameter { version: 3 }),
    };
    tell(&mut deployment, 300, started);
    let made = Event::ChangeMade {
        id: id.clone(),
        detail: String::new(),
        log: Vec::new(),
    };
    tell(&mut deployment, 301, made);
    let mut deployment = rolling_back(deployment);
    tell(&mut deployment, 1100, Event::UndoStarted { id: id.clone() });
    let world = world(&deployment, Progress::NotBegun, failed("somebody has set it"));
    let decision = decide_undo(Phase::Configure, &deployment, &world, at(1110));
    let held = Event::ChangeHeld {
        id,
        choice: None,
        advice: None,
        reason: "undoing it failed: somebody has set it".to_owned(),
        remedy: Some(
            "undo it yourself (version 3 was there), or decide that stable works with it".to_owned(),
        ),
        log: Vec::new(),
    };
    assert_eq!(decision, record(vec![held]));
}
