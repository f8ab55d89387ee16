//! Backups before anything is changed, and what they are good for.

use super::*;
use crate::change::{ChangeStage, Progress, Seen};
use crate::deployment::Phase;
use crate::exit::AbortCause;
use crate::ids::ChangeId;
use crate::phases::{decide, decide_undo};
use crate::testing::{alarm_raised, rolling_back, shifted, tell};

const FILE: &str = "\
environment: production
strategy: rolling
replicas: 4
prepare: {suspendAutoscaling: true, backups: [{table: orders, timeout: 6h}, {database: orders}]}
migrations: [{name: drop-fax, command: [up], undo: needs-restore}]
";

fn id(name: &str) -> ChangeId {
    ChangeId::of("backup", name)
}

fn seen(name: &str, made: Progress) -> Observation {
    let seen = Seen {
        before: None,
        made,
        undone: Progress::NotBegun,
    };
    Observation {
        changes: [(id(name), seen)].into(),
        ..Observation::default()
    }
}

fn begun(name: &str) -> Event {
    Event::ChangeStarted {
        id: id(name),
        before: None,
    }
}

fn made(id: ChangeId, detail: &str) -> Event {
    Event::ChangeMade {
        id,
        detail: detail.to_owned(),
        log: Vec::new(),
    }
}

#[test]
fn backups_come_first_each_complete_before_the_next() {
    let mut deployment = shifted(FILE, Phase::Prepare);
    let first = |deployment: &Deployment| {
        deployment
            .change_to_make(Phase::Prepare)
            .map(|one| one.id.clone())
    };
    assert_eq!(first(&deployment), Some(id("table:orders")));
    tell(&mut deployment, 300, begun("table:orders"));
    assert_eq!(first(&deployment), Some(id("table:orders")));
    tell(&mut deployment, 301, made(id("table:orders"), "1 GiB in arn:1"));
    assert_eq!(first(&deployment), Some(id("database:orders")));
    tell(&mut deployment, 302, begun("database:orders"));
    tell(
        &mut deployment,
        303,
        made(id("database:orders"), "2 GiB in arn:2"),
    );
    let next = first(&deployment).unwrap();
    assert!(next.as_str().starts_with("autoscaling:"), "{next}");
}

#[test]
fn a_long_backup_is_looked_at_less_often() {
    let mut deployment = shifted(FILE, Phase::Prepare);
    tell(&mut deployment, 300, begun("table:orders"));
    let running = || Progress::running("it is being taken");
    let wait = |deployment: &Deployment, name: &str| match decide(
        Phase::Prepare,
        deployment,
        &seen(name, running()),
        at(330),
    )
    .outcome
    {
        Outcome::Wait { seconds, .. } => seconds,
        other => unreachable!("{other:?}"),
    };
    // Six hours, then the default of one.
    assert_eq!(wait(&deployment, "table:orders"), 180);
    tell(&mut deployment, 301, made(id("table:orders"), ""));
    tell(&mut deployment, 302, begun("database:orders"));
    assert_eq!(wait(&deployment, "database:orders"), 30);
}

#[test]
fn a_backup_that_fails_or_takes_too_long_stops_the_deployment() {
    let mut deployment = shifted(FILE, Phase::Prepare);
    tell(&mut deployment, 300, begun("table:orders"));
    let failed = Progress::failed("snapshot x is failed");
    let running = Progress::running("it is being taken");
    for (progress, seconds) in [(failed, 301), (running, 300 + 6 * 3600)] {
        let world = seen("table:orders", progress);
        let decision = decide(Phase::Prepare, &deployment, &world, at(seconds));
        let Outcome::Abort(AbortCause::ChangeFailed { change, .. }) = decision.outcome else {
            unreachable!("{decision:?}")
        };
        assert_eq!(change, id("table:orders"));
        assert_eq!(decision.actions, []);
    }
    // Nothing of it is undone.
    let deployment = rolling_back(deployment);
    assert_eq!(deployment.change_to_undo(Phase::Prepare), None);
}

#[test]
fn what_needs_a_restore_names_the_backups_that_were_taken() {
    let remedy = |backups: &[(&str, &str)]| {
        let mut deployment = shifted(FILE, Phase::Validate);
        for (name, detail) in backups {
            tell(&mut deployment, 300, begun(name));
            tell(&mut deployment, 301, made(id(name), detail));
        }
        let migration = ChangeId::of("migration", "drop-fax");
        let started = Event::ChangeStarted {
            id: migration.clone(),
            before: None,
        };
        tell(&mut deployment, 302, started);
        tell(
            &mut deployment,
            303,
            made(migration.clone(), "task f00 ended with exit code 0"),
        );
        tell(
            &mut deployment,
            304,
            Event::AbortRequested {
                cause: alarm_raised(),
            },
        );
        // What a task made is no backup.
        assert_eq!(deployment.changes[&migration].kept, None);
        assert_eq!(deployment.change_stage(&migration), Some(ChangeStage::Made));
        let back = rolling_back(deployment);
        let decision = decide_undo(Phase::Migrate, &back, &Observation::default(), at(900));
        match decision.events.into_iter().next() {
            Some(Event::ChangeHeld { remedy, .. }) => remedy.unwrap(),
            other => unreachable!("{other:?}"),
        }
    };
    assert_eq!(
        remedy(&[
            ("table:orders", "1 GiB in arn:1"),
            ("database:orders", "2 GiB in arn:2")
        ]),
        "decide whether stable can work with it as it is; if not, restore table orders (1 GiB in arn:1), \
         database orders (2 GiB in arn:2)"
    );
    assert_eq!(
        remedy(&[]),
        "decide whether stable can work with it as it is; if not, restore the backup"
    );
}
