#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::deployment::Phase;
use crate::ids::Slot;
use crate::spec::{Freeze, OnAlarm};
use crate::target::{ReversalRefusal, StableRecord};
use crate::testing::{CANARY, at, digest, plan, request, spec};
use crate::watch::Watching;

const HOUR: i64 = 3600;

fn file() -> String {
    format!(
        "{CANARY}migrations:
  - {{name: add, command: [up]}}
  - {{name: drop, command: [drop], verify: [check], stage: contract, after: 2h}}
gates:
  - {{before: contract, approvals: [{{role: tech-lead}}]}}
"
    )
}

/// A deployment of the file that has completed at that second.
fn completed(id: &str, seconds: i64) -> (Deployment, Exit) {
    let mut asked = request(CANARY);
    asked.id = id.parse().unwrap();
    asked.spec = spec(&file()).into();
    let mut deployment = Deployment::new(asked, at(0));
    let mut planned = plan(&deployment.spec);
    planned.contract = Some(ContractPlan {
        changes: crate::change::contracts(&deployment.spec),
        after_seconds: deployment.spec.contract_after_seconds().unwrap(),
    });
    deployment.plan = Some(planned.into());
    deployment.revision.task_definition = Some("web:2".to_owned());
    let exit = Exit {
        state: ExitState::Completed,
        at: at(seconds),
        reason: String::new(),
        remedy: None,
    };
    (deployment, exit)
}

/// A target that one of them has made stable.
fn target() -> (TargetState, Deployment) {
    let (deployment, exit) = completed("web-production-7", 0);
    let hash = deployment.revision.spec_hash.clone();
    let mut state = TargetState::new(deployment.target.clone(), deployment.spec.clone(), hash, at(-100));
    state.release(&deployment, &exit);
    (state, deployment)
}

fn ran(state: &mut TargetState, of: &Deployment, now: i64, exit: ExitState) -> Deployment {
    let origin = Origin::Contract { of: of.id.clone() };
    let request = state.open_contract(of, origin, at(now)).unwrap();
    let deployment = Deployment::new(request, at(now));
    let exit = Exit {
        state: exit,
        at: at(now + 60),
        reason: String::new(),
        remedy: None,
    };
    state.release(&deployment, &exit);
    deployment
}

#[test]
fn it_is_due_after_its_time_and_opened_once() {
    let (mut state, deployment) = target();
    let contract = state.contract.clone().unwrap();
    assert_eq!(contract.migrations, ["drop"]);
    assert_eq!((contract.baked_at, contract.due_at), (at(HOUR / 2), at(2 * HOUR)));
    assert_eq!(state.contract_step(at(2 * HOUR - 1)), None);
    assert_eq!(state.contract_step(at(2 * HOUR)), Some(Step::Open));
    let origin = || Origin::Contract {
        of: deployment.id.clone(),
    };
    let request = state.open_contract(&deployment, origin(), at(2 * HOUR)).unwrap();
    assert!(matches!(&request.kind, Kind::Contract { of, .. } if *of == deployment.id));
    assert_eq!(request.id.as_str(), "web-production-1-contract-22222222");
    assert_eq!(state.contract_step(at(3 * HOUR)), None, "it is on its way");
    let again = state
        .open_contract(&deployment, origin(), at(3 * HOUR))
        .unwrap_err();
    assert_eq!(again, ContractRefusal::Busy(request.id));
}

#[test]
fn what_was_made_is_not_planned_again_and_bars_what_is_older() {
    let (mut state, deployment) = target();
    let made = ran(&mut state, &deployment, 2 * HOUR, ExitState::Completed);
    assert_eq!(state.contract, None);
    let contracted = &state.contracted["drop"];
    assert_eq!((&contracted.of, &contracted.by), (&deployment.id, &made.id));
    assert_eq!(state.stable.as_ref().unwrap().deployment, deployment.id);
    assert_eq!(state.lock, None);
    let mut spec = Spec::clone(&deployment.spec);
    assert!(spec.has_any(&state.contracted));
    spec.leave_out(&state.contracted);
    assert!(!spec.has_any(&state.contracted) && spec.migrations.len() == 1);
    let known = state.contracts();
    assert_eq!(known.made_since(at(-10)), None);
    assert_eq!(known.made_since(at(-11)).unwrap().0, "drop");
    let origin = Origin::Watch { alarm: String::new() };
    let refused = state.reverse(&deployment, origin, at(10)).unwrap_err();
    assert!(matches!(refused, ReversalRefusal::Contracted { .. }), "{refused}");
}

#[test]
fn one_that_was_not_made_is_left_to_people() {
    for exit in [ExitState::Blocked, ExitState::Aborted, ExitState::RollbackFailed] {
        let (mut state, deployment) = target();
        let tried = ran(&mut state, &deployment, 2 * HOUR, exit);
        let contract = state.contract.clone().unwrap();
        assert_eq!(contract.tried, Some(tried.id));
        assert_eq!(state.contract_step(at(9 * HOUR)), None);
        assert!(state.quarantine.is_empty() && state.stable.is_some());
        assert!(!state.stable.as_ref().unwrap().other_scaled_in);
        let by = Origin::Contract {
            of: deployment.id.clone(),
        };
        state.open_contract(&deployment, by, at(9 * HOUR)).unwrap();
        // The next deployment that has it starts its time anew.
        state.lock = None;
        let (next, end) = completed("web-production-9", 10 * HOUR);
        state.release(&next, &end);
        let contract = state.contract.unwrap();
        assert_eq!((contract.tried, contract.due_at), (None, at(12 * HOUR)));
    }
}

#[test]
fn the_next_deployment_of_the_same_contract_takes_its_time_over() {
    let (mut state, first) = target();
    let (next, exit) = completed("web-production-8", HOUR);
    state.release(&next, &exit);
    let contract = state.contract.clone().unwrap();
    assert_eq!((&contract.deployment, contract.due_at), (&next.id, at(2 * HOUR)));
    assert_eq!(contract.baked_at, at(HOUR + HOUR / 2));
    let origin = Origin::Contract { of: first.id.clone() };
    let other = state.open_contract(&first, origin, at(2 * HOUR)).unwrap_err();
    assert_eq!(other, ContractRefusal::NotStable(first.id));
    // Not while it can be taken back.
    let (late, exit) = completed("web-production-9", 2 * HOUR - 60);
    state.release(&late, &exit);
    assert_eq!(state.contract.unwrap().due_at, at(2 * HOUR - 60 + HOUR / 2));
}

#[test]
fn it_is_dropped_where_something_else_serves() {
    let (mut state, deployment) = target();
    let stable = state.stable.clone().unwrap();
    state.stable = Some(StableRecord {
        deployment: "web-production-8".parse().unwrap(),
        slot: Slot::Blue,
        digest: digest("3"),
        ..stable
    });
    let Some(Step::Drop { reason, remedy }) = state.contract_step(at(60)) else {
        unreachable!("another one serves");
    };
    assert_eq!(
        reason,
        "web-production-8 serves now, and may need what it takes away"
    );
    assert!(remedy.contains("with drop in its file"), "{remedy}");
    state.stable = None;
    let Some(Step::Drop { reason, .. }) = state.contract_step(at(60)) else {
        unreachable!("it was taken back");
    };
    assert_eq!(reason, "web-production-7 was taken back");
    let origin = Origin::Contract {
        of: deployment.id.clone(),
    };
    let refused = state
        .open_contract(&deployment, origin, at(9 * HOUR))
        .unwrap_err();
    assert_eq!(refused, ContractRefusal::NotStable(deployment.id));
    assert_eq!(state.lock, None);
}

#[test]
fn a_person_waits_for_the_bake_the_watch_and_the_end_of_a_freeze() {
    let (mut state, deployment) = target();
    let refusal = |change: &dyn Fn(&mut TargetState), now: i64| {
        let mut state = state.clone();
        change(&mut state);
        let origin = Origin::Contract {
            of: deployment.id.clone(),
        };
        state.open_contract(&deployment, origin, at(now)).err()
    };
    let as_it_is = |_: &mut TargetState| {};
    let until = |seconds| ContractRefusal::NotBaked {
        of: deployment.id.clone(),
        until: at(seconds),
    };
    assert_eq!(refusal(&as_it_is, HOUR / 2 - 1), Some(until(HOUR / 2)));
    assert_eq!(refusal(&as_it_is, HOUR / 2), None);
    let watched = |state: &mut TargetState| {
        state.watching.push(Watching {
            deployment: deployment.id.clone(),
            from: at(0),
            until: at(HOUR),
            on_alarm: OnAlarm::Tell,
            told: std::collections::BTreeSet::new(),
            wrote_at: None,
        });
    };
    assert_eq!(
        refusal(&watched, HOUR),
        Some(until(HOUR)),
        "its end is not written yet"
    );
    let frozen = |state: &mut TargetState| {
        state.spec.freezes.push(Freeze {
            from: at(0),
            until: at(2 * HOUR),
            reason: "holidays".to_owned(),
        });
    };
    let freeze = ContractRefusal::Frozen {
        until: at(2 * HOUR),
        reason: "holidays".to_owned(),
    };
    assert_eq!(refusal(&frozen, 2 * HOUR - 1), Some(freeze));
    assert_eq!(refusal(&frozen, 2 * HOUR), None);
    let none = |state: &mut TargetState| state.contract = None;
    assert_eq!(refusal(&none, HOUR), Some(ContractRefusal::None));
    assert_eq!(state.drop_contract().unwrap().migrations, ["drop"]);
    assert_eq!(state.drop_contract(), Err(ContractRefusal::None));
}

#[test]
fn it_can_not_be_dropped_while_it_is_made() {
    let (mut state, deployment) = target();
    let by = Origin::Contract {
        of: deployment.id.clone(),
    };
    let request = state.open_contract(&deployment, by, at(HOUR)).unwrap();
    assert_eq!(state.drop_contract(), Err(ContractRefusal::Busy(request.id)));
    // Another deployment that runs does not need it.
    if let Some(lock) = &mut state.lock {
        lock.deployment = "web-production-8".parse().unwrap();
    }
    assert!(state.drop_contract().is_ok());
}

#[test]
fn its_deployment_does_nothing_else_and_asks_at_its_own_gate() {
    let (mut state, deployment) = target();
    let by = Origin::Contract {
        of: deployment.id.clone(),
    };
    let request = state.open_contract(&deployment, by, at(HOUR)).unwrap();
    let contract = Deployment::new(request, at(HOUR));
    let spec = &contract.spec;
    assert_eq!(spec.migrations.len(), 1);
    assert_eq!((&spec.health_check, spec.gates.len()), (&None, 1));
    assert!(crate::change::planned(&deployment.spec, &around(&deployment)).len() == 1);
    let changes = crate::change::contracting(spec, &crate::observation::Observation::default());
    let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
    assert_eq!(ids, ["contract:drop", "verify:drop"]);
    assert_eq!(contract.contract_title().as_deref(), Some("contract drop"));
    assert_eq!(contract.gate_before(Phase::Migrate), Some(GatePhase::Contract));
    assert_eq!(contract.gate_before(Phase::Prepare), Some(GatePhase::Prepare));
    assert_eq!(deployment.gate_before(Phase::Migrate), Some(GatePhase::Migrate));
    assert_eq!(contract.asked_at(GatePhase::Migrate), GatePhase::Contract);
    assert_eq!(contract.revision.task_definition.as_deref(), Some("web:2"));
}

fn around(deployment: &Deployment) -> crate::change::Around<'_> {
    static OBSERVATION: std::sync::OnceLock<crate::observation::Observation> = std::sync::OnceLock::new();
    crate::change::Around {
        target: &deployment.target,
        wiring: &deployment.plan.as_ref().unwrap().wiring,
        observation: OBSERVATION.get_or_init(crate::observation::Observation::default),
    }
}

#[test]
fn who_wrote_the_code_can_not_agree_to_its_contract() {
    let (mut state, mut deployment) = target();
    let ines: Person = "ines".parse().unwrap();
    deployment.origin = Origin::Person { person: ines.clone() };
    let by = Origin::Contract {
        of: deployment.id.clone(),
    };
    let request = state.open_contract(&deployment, by, at(HOUR)).unwrap();
    let contract = Deployment::new(request, at(HOUR));
    assert!(contract.authors().any(|author| *author == ines));
    let kind = serde_json::to_string(&contract.kind).unwrap();
    assert_eq!(serde_json::from_str::<Kind>(&kind).unwrap(), contract.kind);
}

#[test]
fn another_contract_is_in_the_way_of_a_new_one() {
    let (state, deployment) = target();
    let mut planned = deployment.plan.unwrap().contract.clone().unwrap();
    let known = state.contracts();
    assert_eq!(known.in_the_way(&planned), None);
    planned
        .changes
        .retain(|change| change.id.as_str() != "contract:drop");
    assert_eq!(known.in_the_way(&planned).unwrap().title(), "contract drop");
    assert_eq!(planned.describe(), "contract  after 2 h");
    assert!(Contracts::default().is_empty() && !known.is_empty());
}
