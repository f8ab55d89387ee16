//! Deployments that plan contracts, and those that make them.

use super::*;
use crate::change::ChangeStage;
use crate::contract::{Contracted, Outstanding};
use crate::deployment::{Kind, Phase};
use crate::exit::{ExitState, Missing};
use crate::ids::Slot;
use crate::phases::{RollbackStep, decide, decide_complete, decide_rollback, make_plan};
use crate::spec::GatePhase;
use crate::testing::*;

fn file() -> String {
    format!(
        "{CANARY}autoRollback: {{alarms: [{ALARM}]}}
migrations:
  - {{name: drop, command: [drop], stage: contract, after: 2h}}
gates:
  - {{before: contract, approvals: [{{role: tech-lead}}]}}
"
    )
}

/// The deployment that makes the contract of the one whose candidate serves.
fn contracting() -> Deployment {
    let mut asked = request(&file());
    asked.kind = Kind::Contract {
        of: "web-production-6".parse().unwrap(),
        authors: Vec::new(),
    };
    asked.spec = asked.spec.for_contract().into();
    asked.revision.task_definition = Some("web:2".to_owned());
    Deployment::new(asked, at(0))
}

/// The world in which that candidate serves, from green.
fn served(spec: &crate::spec::Spec) -> Observation {
    let mut world = with_candidate(spec, 4, 100);
    world.slots.insert(Slot::Blue, service("web:1", 0));
    world
}

fn make(deployment: &Deployment, world: &Observation) -> Decision {
    make_plan(deployment, wiring(&deployment.spec), world, at(5))
}

fn missing(decision: Decision) -> Vec<String> {
    match decision.outcome {
        Outcome::Blocked(missing) => missing.into_iter().map(|Missing { what, .. }| what).collect(),
        other => panic!("not blocked: {other:?}"),
    }
}

fn with_plan(mut deployment: Deployment) -> Deployment {
    let world = served(&deployment.spec);
    for event in make(&deployment, &world).events {
        tell(&mut deployment, 5, event);
    }
    let phase = Phase::Migrate;
    tell(&mut deployment, 10, Event::PhaseEntered { phase });
    deployment
}

fn outstanding(name: &str) -> Option<Outstanding> {
    Some(Outstanding {
        deployment: "web-production-6".parse().unwrap(),
        migrations: vec![name.to_owned()],
        code_from: at(-10),
        baked_at: at(0),
        due_at: at(7200),
        tried: None,
    })
}

#[test]
fn its_plan_moves_no_traffic_and_needs_the_code_that_does_without() {
    let deployment = contracting();
    let world = served(&deployment.spec);
    let planned = with_plan(contracting()).plan.unwrap();
    assert!(planned.steps.is_empty() && planned.contract.is_none());
    let ids: Vec<&str> = planned.changes.iter().map(|one| one.id.as_str()).collect();
    assert_eq!((ids, planned.expected_seconds), (vec!["contract:drop"], 60));
    assert_eq!(planned.stable.as_ref().unwrap().slot, Slot::Green);
    let mut other = world.clone();
    other.slots.insert(Slot::Green, service("web:3", 4));
    assert_eq!(
        missing(make(&deployment, &other)),
        [
            "the revision of web-production-6 in service: web:3 serves, and may need what the contract takes away"
        ]
    );
    let mut unasked = deployment;
    unasked.spec.gates.clear();
    assert_eq!(
        missing(make(&unasked, &world)),
        ["people who agree: the file of its deployment has no gate before `contract`"]
    );
}

#[test]
fn a_deployment_plans_its_contract_unless_its_image_may_need_what_goes() {
    let deployment = requested(&file());
    let mut world = at_rest(&deployment.spec);
    let planned = |world: &Observation, deployment: &Deployment| {
        let events = make(deployment, world).events;
        let [Event::Planned { plan }] = events.as_slice() else {
            panic!("not planned: {events:?}");
        };
        plan.contract.clone()
    };
    assert_eq!(
        planned(&world, &deployment).unwrap().describe(),
        "contract drop after 2 h"
    );
    assert_eq!(planned(&world, &requested(CANARY)), None);
    world.contracts.outstanding = outstanding("drop");
    assert!(planned(&world, &deployment).is_some(), "it takes it over");
    let mut older = deployment.clone();
    older.revision.pushed_at = at(-11);
    assert_eq!(planned(&world, &older), None);
    world.contracts.outstanding = outstanding("other");
    let what = "an end of contract other (web-production-6), which is asked for at 2026-11-20T11:00:00Z: another contract \
                can't be planned before it";
    assert_eq!(missing(make(&deployment, &world)), [what]);
    assert!(planned(&world, &requested(CANARY)).is_none(), "that one has none");
}

#[test]
fn an_image_that_is_older_than_a_contract_needs_an_override() {
    let mut deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    let made = Contracted {
        of: "web-production-5".parse().unwrap(),
        by: "web-production-6".parse().unwrap(),
        code_from: at(-9),
        at: at(-5),
    };
    world.contracts.made.insert("drop".to_owned(), made);
    let what = "what contract drop took away at 2026-11-20T08:59:55Z: this image is older than the code that does \
                without it";
    assert_eq!(missing(make(&deployment, &world)), [what]);
    set_aside(&mut deployment, "contract");
    assert_eq!(make(&deployment, &world).outcome, Outcome::Done);
}

#[test]
fn people_are_asked_first_and_a_freeze_is_waited_out() {
    let mut deployment = with_plan(contracting());
    let world = served(&deployment.spec);
    let look = |deployment: &Deployment, now: i64| decide(Phase::Migrate, deployment, &world, at(now));
    let asked = look(&deployment, 20);
    let before = GatePhase::Contract;
    assert_eq!(asked.outcome, Outcome::AwaitingApproval { before });
    for event in asked.events {
        tell(&mut deployment, 20, event);
    }
    tell(&mut deployment, 30, Event::GatePassed { before });
    freeze(&mut deployment, 25, 125);
    let waits = Outcome::Wait {
        seconds: 85,
        reason: "freeze until 2026-11-20T09:02:05Z: holidays".to_owned(),
    };
    assert_eq!(look(&deployment, 40).outcome, waits);
    assert_eq!(look(&deployment, 125).actions.len(), 1);
    // What was begun before a freeze runs to its end.
    let id = crate::ids::ChangeId::of("contract", "drop");
    tell(&mut deployment, 41, Event::ChangeStarted { id, before: None });
    assert_ne!(look(&deployment, 42).outcome, waits);
    assert_eq!(
        deployment.after(Phase::Migrate),
        Some(crate::change::Next::Phase(Phase::Complete))
    );
}

#[test]
fn its_end_says_what_became_of_it() {
    let deployment = with_plan(contracting());
    let reason = |decision: Decision| match decision.events.as_slice() {
        [Event::Exited { exit }] => (
            exit.state,
            exit.reason.clone(),
            exit.remedy.clone().unwrap_or_default(),
        ),
        other => panic!("no end: {other:?}"),
    };
    let (state, why, _) = reason(decide_complete(&deployment, at(60)));
    assert_eq!(
        (state, why.as_str()),
        (
            ExitState::Completed,
            "contract drop was made; web:v2 serves as before"
        )
    );
    let world = served(&deployment.spec);
    let back = |deployment: &Deployment, step| decide_rollback(step, deployment, &world, at(2000));
    let stopped = rolling_back(deployment.clone());
    for step in [RollbackStep::Traffic, RollbackStep::Reassert] {
        assert_eq!(back(&stopped, step), done(), "there is no traffic to return");
    }
    let (state, _, remedy) = reason(back(&stopped, RollbackStep::Restore));
    assert_eq!(state, ExitState::Aborted);
    assert!(
        remedy.starts_with("contract drop is not tried again by itself"),
        "{remedy}"
    );
    let mut half = deployment.clone();
    let id = crate::ids::ChangeId::of("contract", "drop");
    tell(
        &mut half,
        41,
        Event::ChangeStarted {
            id: id.clone(),
            before: None,
        },
    );
    let mut half = rolling_back(half);
    let held = Event::ChangeHeld {
        id: id.clone(),
        choice: None,
        advice: None,
        reason: "it is forward-only".to_owned(),
        remedy: None,
        log: Vec::new(),
    };
    tell(&mut half, 1100, held);
    assert_eq!(half.change_stage(&id), Some(ChangeStage::Held));
    let (_, _, remedy) = reason(back(&half, RollbackStep::Restore));
    assert!(
        remedy.starts_with("contract drop is not tried again by itself")
            && remedy.ends_with("; not taken back: contract:drop (it is forward-only)"),
        "{remedy}"
    );
    let mut newer = deployment;
    let cause = AbortCause::Superseded {
        by: None,
        digest: "333".to_owned(),
    };
    tell(&mut newer, 30, Event::AbortRequested { cause });
    let (state, _, remedy) = reason(back(&rolling_back(newer), RollbackStep::Restore));
    assert_eq!(state, ExitState::Aborted);
    assert!(remedy.starts_with("nothing; it is asked for again"), "{remedy}");
}
