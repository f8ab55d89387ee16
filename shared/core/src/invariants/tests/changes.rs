//! Invariants 25 and 26.

use super::*;
use crate::change::index::{IndexDefinition, IndexTo, IndexWork, Projection};
use crate::change::{Change, ChangeStage, ChangeState, Direction, Undo, Work};
use crate::deployment::Phase;
use crate::ids::ChangeId;
use crate::invariants::changes::{changes_run_once, exits_account_for_changes};

fn change(undo: Undo, temporary: bool) -> Change {
    Change {
        id: ChangeId::of("migration", "index"),
        phase: Phase::Migrate,
        undo,
        temporary,
        work: Work::Run {
            silent: false,
            command: vec!["up".to_owned()],
            down: None,
        },
        timeout_seconds: 60,
    }
}

/// The good view, whose one deployment has a change that stands so and ended so.
fn changed(change: Change, stage: Option<ChangeStage>, state: ExitState) -> View {
    let mut view = completed();
    let deployment = &mut view.deployments[0].deployment;
    if let Some(stage) = stage {
        let state = ChangeState {
            stage,
            since: at(0),
            before: None,
            heard: false,
            asked: false,
            kept: None,
            log: Vec::new(),
            remedy: None,
            stays: None,
        };
        deployment.changes.insert(change.id.clone(), state);
    }
    if let Some(plan) = &mut deployment.plan {
        plan.changes = vec![change];
    }
    deployment.exit = Some(Exit {
        state,
        at: at(900),
        reason: String::new(),
        remedy: None,
    });
    view
}

fn run(view: &View, second: i64, direction: Direction) -> ChangeRun {
    ChangeRun {
        at: at(second),
        deployment: view.deployments[0].deployment.id.clone(),
        change: ChangeId::of("migration", "index"),
        direction,
        artifact: None,
    }
}

fn recorded(view: &mut View, event: Event) {
    let mut entry = view.deployments[0].journal[0].clone();
    entry.event = event;
    view.deployments[0].journal.push(entry);
}

#[test]
fn i25_a_change_has_one_task_each_way_and_a_record() {
    let id = ChangeId::of("migration", "index");
    let mut view = completed();
    view.runs = vec![run(&view, 10, Direction::Make)];
    assert_eq!(changes_run_once(&view).len(), 1, "nothing was recorded");
    recorded(
        &mut view,
        Event::ChangeStarted {
            id: id.clone(),
            before: None,
        },
    );
    assert_eq!(changes_run_once(&view), Vec::<String>::new());
    view.runs.push(run(&view, 11, Direction::Make));
    assert!(changes_run_once(&view)[0].contains("2 times"));
    view.runs.pop();
    view.runs.push(run(&view, 20, Direction::Undo));
    recorded(&mut view, Event::UndoStarted { id });
    assert_eq!(changes_run_once(&view), Vec::<String>::new());
    view.runs[0].at = at(21);
    assert!(changes_run_once(&view)[0].contains("after it was being undone"));
}

#[test]
fn i26_a_completed_deployment_has_made_every_change_and_put_back_what_was_temporary() {
    let left = |change: Change, stage| {
        let view = changed(change, stage, ExitState::Completed);
        exits_account_for_changes(&view).len()
    };
    let lasting = || change(Undo::Revertible, false);
    assert_eq!(left(lasting(), Some(ChangeStage::Made)), 0);
    assert_eq!(left(lasting(), None), 1);
    assert_eq!(left(lasting(), Some(ChangeStage::Making)), 1);
    let temporary = || change(Undo::Revertible, true);
    assert_eq!(left(temporary(), Some(ChangeStage::Undone)), 0);
    assert_eq!(left(temporary(), Some(ChangeStage::Made)), 1);
}

#[test]
fn i26_a_rollback_keeps_only_what_its_type_keeps() {
    let left = |undo, stage, runs: &[Direction]| {
        let mut view = changed(change(undo, false), stage, ExitState::RolledBack);
        let exit = view.deployments[0].deployment.exit.as_mut().unwrap();
        exit.remedy = Some("not taken back: migration:index (hold: stable works with it)".to_owned());
        view.runs = runs.iter().map(|direction| run(&view, 1, *direction)).collect();
        exits_account_for_changes(&view).len()
    };
    let both = [Direction::Make, Direction::Undo];
    assert_eq!(left(Undo::Revertible, Some(ChangeStage::Undone), &both), 0);
    assert_eq!(
        left(Undo::Revertible, Some(ChangeStage::Undone), &[]),
        0,
        "it had not begun"
    );
    assert_eq!(
        left(Undo::Revertible, Some(ChangeStage::Undone), &[Direction::Make]),
        1
    );
    assert_eq!(left(Undo::Revertible, Some(ChangeStage::Held), &both), 1);
    assert_eq!(
        left(Undo::Revertible, Some(ChangeStage::Made), &[Direction::Make]),
        1
    );
    assert_eq!(
        left(Undo::ForwardOnly, Some(ChangeStage::Held), &[Direction::Make]),
        0
    );
    assert_eq!(
        left(Undo::NeedsRestore, Some(ChangeStage::Held), &[Direction::Make]),
        1
    );
    assert_eq!(
        left(Undo::Nothing, Some(ChangeStage::Made), &[Direction::Make]),
        0
    );
    assert_eq!(left(Undo::Revertible, None, &[]), 0);
}

#[test]
fn i26_what_a_rollback_left_is_told() {
    let held = Some(ChangeStage::Held);
    let mut view = changed(change(Undo::ForwardOnly, false), held, ExitState::RolledBack);
    breaks(26, &view);
    let exit = view.deployments[0].deployment.exit.as_mut().unwrap();
    exit.remedy = Some("not taken back: migration:index (hold: stable works with it)".to_owned());
    assert_eq!(exits_account_for_changes(&view), Vec::<String>::new());
}

fn suspending(stage: Option<ChangeStage>, remedy: Option<&str>) -> View {
    let mut view = completed();
    let deployment = &mut view.deployments[0].deployment;
    let id = ChangeId::of("autoscaling", "web-blue");
    let change = Change {
        id: id.clone(),
        phase: Phase::Prepare,
        undo: Undo::Revertible,
        temporary: true,
        work: Work::SuspendScaling {
            service: "web-blue".to_owned(),
        },
        timeout_seconds: 300,
    };
    deployment.plan.as_mut().unwrap().changes.push(change);
    let state = |stage| ChangeState {
        stage,
        since: at(10),
        before: None,
        heard: false,
        asked: false,
        kept: None,
        log: Vec::new(),
        remedy: remedy.map(str::to_owned),
        stays: None,
    };
    deployment.changes.extend(stage.map(|stage| (id, state(stage))));
    view
}

#[test]
fn i26_an_end_that_leaves_autoscaling_suspended() {
    for stage in [
        ChangeStage::Making,
        ChangeStage::Made,
        ChangeStage::Failed,
        ChangeStage::Undoing,
    ] {
        let view = suspending(Some(stage), None);
        breaks(26, &view);
    }
    // A completed deployment has suspended it at some time.
    breaks(26, &suspending(None, None));
    assert_eq!(
        said(26, &suspending(Some(ChangeStage::Undone), None)),
        Vec::<String>::new()
    );
}

#[test]
fn i26_what_could_not_be_put_back_is_told() {
    let mut view = suspending(Some(ChangeStage::Held), Some("undo it yourself"));
    breaks(26, &view);
    let exit = view.deployments[0].deployment.exit.as_mut().unwrap();
    exit.remedy = Some("autoscaling:web-blue: undo it yourself".to_owned());
    assert_eq!(said(26, &view), Vec::<String>::new());
    let mut failed = suspending(Some(ChangeStage::Made), None);
    failed.deployments[0].deployment.exit.as_mut().unwrap().state = ExitState::RollbackFailed;
    assert_eq!(said(26, &failed), Vec::<String>::new());
}

#[test]
fn i25_being_undone_in_the_moment_in_which_it_was_made_is_no_break() {
    let id = ChangeId::of("migration", "index");
    let mut view = completed();
    view.runs = vec![run(&view, 20, Direction::Make), run(&view, 20, Direction::Undo)];
    recorded(
        &mut view,
        Event::ChangeStarted {
            id: id.clone(),
            before: None,
        },
    );
    recorded(&mut view, Event::UndoStarted { id });
    assert_eq!(changes_run_once(&view), Vec::<String>::new());
}

#[test]
fn i26_a_reversal_undoes_what_the_deployment_before_it_made() {
    let left = |kind: crate::deployment::Kind, runs: &[Direction]| {
        let undone = Some(ChangeStage::Undone);
        let mut view = changed(change(Undo::Revertible, false), undone, ExitState::RolledBack);
        view.runs = runs.iter().map(|direction| run(&view, 1, *direction)).collect();
        // Some other deployment's task, so that it is known that tasks are seen at all.
        let mut other = run(&view, 1, Direction::Make);
        other.deployment = "web-production-99".parse().unwrap();
        view.runs.push(other);
        view.deployments[0].deployment.kind = kind;
        exits_account_for_changes(&view).len()
    };
    let reversal = || crate::deployment::Kind::Reversal {
        of: "web-production-99".parse().unwrap(),
    };
    assert_eq!(
        left(reversal(), &[]),
        1,
        "made by the other, and no task undid it"
    );
    assert_eq!(left(reversal(), &[Direction::Undo]), 0);
    assert_eq!(left(crate::deployment::Kind::Forward, &[]), 0, "it had not begun");
}

#[test]
fn i26_only_what_proposes_takes_itself_back_where_it_fails() {
    let left = |work: Work, of: &str| {
        let change = Change {
            work,
            ..change(Undo::Revertible, false)
        };
        let mut view = changed(change, Some(ChangeStage::Undone), ExitState::RolledBack);
        view.runs = vec![run(&view, 1, Direction::Make)];
        let reason = String::new();
        let id = ChangeId::of("migration", of);
        recorded(
            &mut view,
            Event::ChangeFailed {
                id,
                reason,
                log: Vec::new(),
            },
        );
        exits_account_for_changes(&view).len()
    };
    let stack = || Work::Stack {
        stack: crate::change::StackWork {
            name: "shop".to_owned(),
            template: "https://bucket/shop".to_owned(),
            parameters: BTreeMap::new(),
            capabilities: BTreeSet::new(),
            role: None,
            drift: false,
        },
    };
    assert_eq!(left(stack(), "index"), 0);
    assert_eq!(left(stack(), "other"), 1, "another one failed");
    assert_eq!(left(change(Undo::Revertible, false).work, "index"), 1);
}

#[test]
fn i25_and_i26_an_index_that_somebody_else_has_removed_is_made_again_or_gone() {
    let index = || Change {
        work: Work::Index {
            index: IndexWork {
                table: "orders".to_owned(),
                name: "by-customer".to_owned(),
                to: IndexTo::Added {
                    definition: IndexDefinition {
                        partition_key: Vec::new(),
                        sort_key: Vec::new(),
                        projection: Projection::All,
                    },
                    capacity: None,
                },
            },
            planned: None,
        },
        ..change(Undo::Revertible, false)
    };
    let seen = |by: Writer| {
        let mut view = changed(index(), Some(ChangeStage::Undone), ExitState::RolledBack);
        view.runs = vec![run(&view, 10, Direction::Make), run(&view, 30, Direction::Make)];
        let started = Event::ChangeStarted {
            id: index().id,
            before: None,
        };
        recorded(&mut view, started);
        view.settings = vec![SettingReading {
            at: at(20),
            name: "index:orders/by-customer".to_owned(),
            value: None,
            by,
        }];
        (
            changes_run_once(&view).len(),
            exits_account_for_changes(&view).len(),
        )
    };
    assert_eq!(seen(Writer::Outside), (0, 0));
    assert_eq!(seen(Writer::Tidegate), (1, 1));
}
