//! Invariant 28.

use super::*;
use crate::change::flags::FlagsWork;
use crate::change::index::{IndexTo, IndexWork};
use crate::change::{Change, ChangeStage, ChangeState, Undo, Work};
use crate::deployment::{Kind, Phase};
use crate::ids::ChangeId;
use crate::invariants::settings::settings_are_put_back;
use crate::invariants::{SettingReading, Writer};

const NAME: &str = "parameter:/web/timeout";

/// The good view, taken back: its deployment set a parameter in second 100, and these values followed.
fn taken_back(values: &[(i64, Option<&str>, Writer)]) -> View {
    let mut view = completed();
    let record = &mut view.deployments[0];
    let id = ChangeId::of("parameter", "/web/timeout");
    let ended = record.exited_at().unwrap();
    if let Some(plan) = &mut record.deployment.plan {
        plan.changes = vec![Change {
            id: id.clone(),
            phase: Phase::Configure,
            undo: Undo::Revertible,
            temporary: false,
            work: Work::SetParameter {
                name: "/web/timeout".to_owned(),
                value: "30".to_owned(),
            },
            timeout_seconds: 60,
        }];
    }
    let mut entry = record.journal[0].clone();
    entry.event = Event::ChangeStarted { id, before: None };
    entry.at = at(100);
    record.journal.push(entry);
    record.deployment.exit = Some(Exit {
        state: ExitState::RolledBack,
        at: ended,
        reason: String::new(),
        remedy: None,
    });
    let readings = values.iter().map(|(second, value, by)| SettingReading {
        at: at(*second),
        name: NAME.to_owned(),
        value: value.map(str::to_owned),
        by: *by,
    });
    view.settings = readings.collect();
    view
}

fn found(values: &[(i64, Option<&str>, Writer)]) -> usize {
    settings_are_put_back(&taken_back(values)).len()
}

const OURS: Writer = Writer::Tidegate;
const THEIRS: Writer = Writer::Outside;

#[test]
fn i28_a_value_is_what_it_was_and_what_was_not_there_is_gone() {
    let (old, new) = (Some("20"), Some("30"));
    assert_eq!(found(&[(-5, old, THEIRS), (101, new, OURS), (200, old, OURS)]), 0);
    assert_eq!(found(&[(-5, old, THEIRS), (101, new, OURS)]), 1);
    assert_eq!(
        found(&[(-5, old, THEIRS), (101, new, OURS), (200, None, OURS)]),
        1
    );
    assert_eq!(
        found(&[(-5, None, THEIRS), (101, new, OURS), (200, None, OURS)]),
        0
    );
    assert_eq!(found(&[(-5, None, THEIRS), (101, new, OURS)]), 1);
    assert_eq!(found(&[(-5, old, THEIRS)]), 0, "it was never set");
}

#[test]
fn i28_what_somebody_else_has_set_is_theirs_and_what_is_after_the_end_is_not_looked_at() {
    let (old, new) = (Some("20"), Some("30"));
    let theirs = (150, Some("45"), THEIRS);
    assert_eq!(found(&[(-5, old, THEIRS), (101, new, OURS), theirs]), 0);
    let late = (100_000, new, OURS);
    assert_eq!(
        found(&[(-5, old, THEIRS), (101, new, OURS), (200, old, OURS), late]),
        0
    );
    let mut view = taken_back(&[(-5, old, THEIRS), (101, new, OURS)]);
    for state in [ExitState::Completed, ExitState::RollbackFailed] {
        if let Some(exit) = &mut view.deployments[0].deployment.exit {
            exit.state = state;
        }
        assert_eq!(settings_are_put_back(&view), Vec::<String>::new());
    }
}

#[test]
fn i28_a_reversal_puts_back_what_the_completed_deployment_set() {
    let (old, new) = (Some("20"), Some("30"));
    let reversed = |values: &[(i64, Option<&str>, Writer)]| {
        let mut view = taken_back(values);
        let mut back = view.deployments[0].clone();
        let of = back.deployment.id.clone();
        back.deployment.id = "web-production-9-back".parse().unwrap();
        back.deployment.kind = Kind::Reversal { of };
        let started = |event: &Event| matches!(event, Event::ChangeStarted { .. });
        back.journal.retain(|entry| !started(&entry.event));
        if let Some(exit) = &mut view.deployments[0].deployment.exit {
            exit.state = ExitState::Completed;
        }
        view.deployments.push(back);
        settings_are_put_back(&view).len()
    };
    assert_eq!(
        reversed(&[(-5, old, THEIRS), (101, new, OURS), (200, old, OURS)]),
        0
    );
    assert_eq!(reversed(&[(-5, old, THEIRS), (101, new, OURS)]), 1);
}

#[test]
fn i28_what_was_written_before_the_change_began_is_not_its() {
    let (older, old, new) = (Some("10"), Some("20"), Some("30"));
    // A deployment before this one had set it.
    let values = [
        (-9, older, THEIRS),
        (-5, old, OURS),
        (101, new, OURS),
        (200, old, OURS),
    ];
    assert_eq!(found(&values), 0);
    // Nothing that was begun, nothing to put back.
    let mut view = taken_back(&[(-5, old, THEIRS), (101, new, OURS)]);
    view.deployments[0].journal.pop();
    assert_eq!(settings_are_put_back(&view), Vec::<String>::new());
}

#[test]
fn i28_flags_are_brought_back_and_what_is_set_for_a_while_is_put_back_at_every_exit() {
    let (on, off) = (Some("on"), Some("suspended"));
    let ends =
        |state: ExitState, work: Work, temporary: bool, stage: Option<ChangeStage>, last: Option<&str>| {
            let mut view = taken_back(&[(-5, on, THEIRS), (101, off, OURS), (200, last, OURS)]);
            let deployment = &mut view.deployments[0].deployment;
            let plan = deployment.plan.as_mut().unwrap();
            (plan.changes[0].work, plan.changes[0].temporary) = (work, temporary);
            let id = plan.changes[0].id.clone();
            if let Some(stage) = stage {
                let state = ChangeState {
                    stage,
                    since: at(200),
                    before: None,
                    heard: false,
                    asked: false,
                    kept: None,
                    log: Vec::new(),
                    remedy: None,
                    stays: None,
                };
                deployment.changes.insert(id, state);
            }
            deployment.exit.as_mut().unwrap().state = state;
            settings_are_put_back(&view).len()
        };
    let flags = || Work::SetFlags {
        flags: FlagsWork {
            application: "web".to_owned(),
            environment: "production".to_owned(),
            profile: "flags".to_owned(),
            strategy: "AppConfig.AllAtOnce".to_owned(),
            set: std::collections::BTreeMap::new(),
        },
    };
    assert_eq!(ends(ExitState::RolledBack, flags(), false, None, off), 1);
    assert_eq!(ends(ExitState::RolledBack, flags(), false, None, on), 0);
    assert_eq!(ends(ExitState::Completed, flags(), false, None, off), 0);
    let scaling = || Work::SuspendScaling {
        service: "web-blue".to_owned(),
    };
    for state in [ExitState::Completed, ExitState::RolledBack, ExitState::Aborted] {
        assert_eq!(ends(state, scaling(), true, None, off), 1, "{state:?}");
        assert_eq!(ends(state, scaling(), true, None, on), 0, "{state:?}");
    }
    let held = Some(ChangeStage::Held);
    assert_eq!(
        ends(ExitState::Completed, scaling(), true, held, off),
        0,
        "a person is told"
    );
}

#[test]
fn i28_an_index_that_was_added_is_gone_again_unless_it_is_forward_only() {
    let ends = |undo: Undo, last: Option<&str>| {
        let mut view = taken_back(&[
            (-5, None, THEIRS),
            (101, Some("customer"), OURS),
            (200, last, OURS),
        ]);
        for reading in &mut view.settings {
            reading.name = "index:orders/by-customer".to_owned();
        }
        let plan = view.deployments[0].deployment.plan.as_mut().unwrap();
        plan.changes[0].undo = undo;
        plan.changes[0].work = Work::Index {
            index: IndexWork {
                table: "orders".to_owned(),
                name: "by-customer".to_owned(),
                to: IndexTo::Removed,
            },
            planned: None,
        };
        settings_are_put_back(&view).len()
    };
    assert_eq!(ends(Undo::Revertible, Some("customer")), 1);
    assert_eq!(ends(Undo::Revertible, None), 0);
    assert_eq!(ends(Undo::ForwardOnly, Some("customer")), 0);
}
