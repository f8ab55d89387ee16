//! Indexes of DynamoDB tables: what a plan says of them, and what becomes of one that is interrupted.

use std::collections::BTreeMap;

use super::*;
use crate::change::index::{
    AttributeType, IndexDefinition, IndexNow, IndexStage, KeyAttribute, Projection, TableFound, TableNow,
    TableStatus,
};
use crate::change::{Before, Progress, Seen};
use crate::deployment::{Phase, Plan};
use crate::ids::ChangeId;
use crate::phases::{decide, decide_undo, make_plan};
use crate::testing::{at_rest, planned, requested, rolling_back, set_aside, tell, wiring};

const ADDS: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    migrations: [{name: a, table: orders, addIndex: {name: by-a, partitionKey: {a: S}}, timeout: 4h}]\n";
const REMOVES: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    gates: [{before: contract, approvals: [{role: tech-lead}]}]\n\
    migrations: [{name: a, table: orders, removeIndex: by-a, stage: contract, after: 7d}]\n";

/// Made from second 30 on.
const BEGUN: i64 = 30;

fn id() -> ChangeId {
    ChangeId::of("migration", "a")
}

/// Begun where there was none.
fn making() -> Deployment {
    let mut deployment = planned(ADDS);
    let phase = Phase::Migrate;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    let before = Some(Before::Absent);
    tell(&mut deployment, BEGUN, Event::ChangeStarted { id: id(), before });
    deployment
}

fn seen(made: Progress) -> Observation {
    let seen = Seen {
        before: None,
        made,
        undone: Progress::NotBegun,
    };
    Observation {
        changes: [(id(), seen)].into(),
        ..Observation::default()
    }
}

fn waiting() -> Progress {
    let note = "index other is being made".to_owned();
    Progress::Waiting { note }
}

fn index(attribute: &str) -> IndexNow {
    let name = attribute.to_owned();
    let kind = AttributeType::S;
    IndexNow {
        definition: Some(IndexDefinition {
            partition_key: vec![KeyAttribute { name, kind }],
            sort_key: Vec::new(),
            projection: Projection::All,
        }),
        stage: IndexStage::Active,
    }
}

/// A target at rest, with a table that has these indexes.
fn world(deployment: &Deployment, indexes: &[(&str, IndexNow)]) -> Observation {
    let indexes = indexes.iter();
    let table = TableNow {
        status: TableStatus::Active,
        on_demand: true,
        attributes: BTreeMap::new(),
        projected_locally: 0,
        indexes: indexes
            .map(|(name, index)| ((*name).to_owned(), index.clone()))
            .collect(),
        items: 12_000,
        bytes: 4 << 20,
    };
    let mut world = at_rest(&deployment.spec);
    world.tables = [("orders".to_owned(), TableFound::Table(table))].into();
    world
}

fn plan(deployment: &Deployment, world: &Observation) -> Decision {
    make_plan(deployment, wiring(&deployment.spec), world, at(5))
}

fn made(decision: &Decision) -> &Plan {
    match &decision.events[..] {
        [Event::Planned { plan }] => plan,
        other => panic!("{other:?} {:?}", decision.outcome),
    }
}

#[test]
fn a_plan_says_how_large_the_table_is_and_its_hash_covers_it() {
    let deployment = requested(ADDS);
    let small = plan(&deployment, &world(&deployment, &[]));
    assert_eq!(
        made(&small).changes[0].describe(),
        "migration:a: add index by-a to DynamoDB table orders: partition key a (S), all attributes; the table has about \
         12,000 items, 4 MiB (revertible)"
    );
    let there = plan(&deployment, &world(&deployment, &[("by-a", index("a"))]));
    assert!(
        made(&there).changes[0]
            .describe()
            .ends_with("; it is there already (revertible)")
    );
    assert!(made(&there).expected_seconds < made(&small).expected_seconds);
    assert_ne!(made(&there).hash, made(&small).hash);
    // A dry run that may not look at tables says what it knows.
    let blind = plan(&deployment, &at_rest(&deployment.spec));
    assert!(
        made(&blind).changes[0]
            .describe()
            .ends_with("all attributes (revertible)")
    );
}

#[test]
fn a_plan_is_blocked_by_what_dynamodb_would_refuse() {
    let mut deployment = requested(ADDS);
    let other = world(&deployment, &[("by-a", index("b"))]);
    let Outcome::Blocked(missing) = plan(&deployment, &other).outcome else {
        panic!("not blocked")
    };
    assert!(
        missing[0].what.starts_with("index by-a as the file asks"),
        "{missing:?}"
    );
    let names: Vec<String> = (0..20).map(|at| format!("other-{at}")).collect();
    let full: Vec<_> = names.iter().map(|name| (name.as_str(), index("a"))).collect();
    let full = world(&deployment, &full);
    assert!(matches!(plan(&deployment, &full).outcome, Outcome::Blocked(_)));
    set_aside(&mut deployment, "index-quota");
    assert_eq!(plan(&deployment, &full).outcome, Outcome::Done);
}

#[test]
fn a_contracts_table_is_looked_at_before_the_code_goes_out() {
    let deployment = requested(REMOVES);
    let mut world = world(&deployment, &[("by-a", index("a"))]);
    let decision = plan(&deployment, &world);
    let contract = made(&decision).contract.as_ref().unwrap();
    assert_eq!(
        contract.changes[0].describe(),
        "contract:a: remove index by-a of DynamoDB table orders (forward-only: DynamoDB would build it anew; how it was \
         stands in the journal, and `addIndex` makes it again)"
    );
    world.tables = [("orders".to_owned(), TableFound::Absent)].into();
    assert!(matches!(plan(&deployment, &world).outcome, Outcome::Blocked(_)));
}

#[test]
fn an_index_that_can_not_begin_waits_and_says_for_what() {
    let look = |seconds| decide(Phase::Migrate, &making(), &seen(waiting()), at(seconds));
    let waits = look(BEGUN + 60);
    assert_eq!(waits.actions, []);
    let reason = "migration:a waits: index other is being made";
    let Outcome::Wait {
        seconds,
        reason: told,
    } = &waits.outcome
    else {
        panic!("{waits:?}")
    };
    // Four hours in 240 looks.
    assert_eq!((*seconds, told.as_str()), (60, reason));
    let late = look(BEGUN + 4 * 3600);
    let cause = AbortCause::ChangeFailed {
        change: id(),
        reason: "it took longer than 14400 s: index other is being made".to_owned(),
    };
    assert_eq!(late.outcome, Outcome::Abort(cause));
}

#[test]
fn on_the_way_back_what_waits_had_not_begun_and_what_runs_is_stopped() {
    let back = |made: Progress, seconds: i64| {
        decide_undo(Phase::Migrate, &rolling_back(making()), &seen(made), at(seconds))
    };
    let detail = "it had not begun".to_owned();
    let undone = vec![Event::ChangeUndone { id: id(), detail }];
    // However long ago that was: DynamoDB forgets no index.
    for seconds in [BEGUN + 60, BEGUN + 5000] {
        assert_eq!(back(waiting(), seconds).events, undone);
    }
    let filled = Progress::running("DynamoDB fills it from the table's 7 items");
    let stopped = back(filled, BEGUN + 60);
    assert_eq!(stopped.events, [Event::UndoStarted { id: id() }]);
    assert!(matches!(&stopped.actions[..], [Action::UndoChange { .. }]));
}

#[test]
fn an_index_that_is_being_removed_is_looked_at_once_a_minute() {
    let mut deployment = rolling_back(making());
    tell(&mut deployment, 300, Event::UndoStarted { id: id() });
    let mut world = seen(Progress::running("it is there"));
    if let Some(seen) = world.changes.get_mut(&id()) {
        seen.undone = Progress::running("DynamoDB deletes it");
    }
    let look = |seconds| decide_undo(Phase::Migrate, &deployment, &world, at(seconds));
    let Outcome::Wait { seconds, reason } = look(360).outcome else {
        panic!("{:?}", look(360))
    };
    let told = "migration:a is being undone: DynamoDB deletes it";
    assert_eq!((seconds, reason.as_str()), (60, told));
    let [Event::ChangeHeld { remedy, .. }] = &look(300 + 4 * 3600).events[..] else {
        panic!("{:?}", look(300 + 4 * 3600))
    };
    assert!(
        remedy
            .as_ref()
            .is_some_and(|text| text.contains("there was nothing")),
        "{remedy:?}"
    );
}

#[test]
fn nothing_is_on_record_while_something_is_in_the_way() {
    let mut deployment = planned(ADDS);
    let phase = Phase::Migrate;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    let hold = decide(phase, &deployment, &seen(waiting()), at(40));
    let Outcome::Wait { reason, .. } = &hold.outcome else {
        unreachable!("it can't be asked for: {hold:?}")
    };
    assert!(reason.ends_with("waits: index other is being made"), "{reason}");
    let begun = |decision: &Decision| {
        let mut events = decision.events.iter();
        events.any(|event| matches!(event, Event::ChangeStarted { .. }))
    };
    assert!(!begun(&hold) && hold.actions.is_empty());
    // It is begun once it can be, and waits no longer than it may take.
    assert!(begun(&decide(
        phase,
        &deployment,
        &seen(Progress::NotBegun),
        at(60)
    )));
    let last = 20 + 4 * 3600;
    let late = |seconds| decide(phase, &deployment, &seen(waiting()), at(seconds)).outcome;
    assert!(matches!(late(last - 1), Outcome::Wait { .. }));
    assert!(matches!(late(last), Outcome::Abort(_)));
}
