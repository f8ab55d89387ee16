//! Contracts in a file.

use super::changes::messages;
use super::*;

/// A contract with what belongs to it.
pub(super) const CONTRACT: &str = "
migrations:
  - {name: add, command: [up], stage: expand}
  - {name: fill, command: [fill], stage: backfill}
  - {name: drop, command: [drop], verify: [check], stage: contract, after: 7d}
gates:
  - {before: contract, approvals: [{role: tech-lead}]}
";

#[test]
fn a_migration_has_a_stage_and_a_contract_has_a_time() {
    let spec = accept(&target("rolling", CONTRACT)).spec;
    let stages: Vec<MigrationStage> = spec.migrations.iter().map(|one| one.stage).collect();
    let contract = MigrationStage::Contract {
        after_seconds: 604_800,
    };
    assert_eq!(
        stages,
        [MigrationStage::Expand, MigrationStage::Backfill, contract]
    );
    assert_eq!(spec.migrations[2].undo, crate::change::Undo::ForwardOnly);
    assert_eq!(spec.contract_after_seconds(), Some(604_800));
    assert_eq!(spec.gates[0].before, GatePhase::Contract);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    assert!(
        !json.contains("\"stage\":\"expand\""),
        "the default is not stored"
    );
}

#[test]
fn a_contract_that_would_be_too_early_is_refused() {
    let gate = "gates: [{before: contract, approvals: [{role: tech-lead}]}]\n";
    let one = |rest: &str| messages(&format!("{gate}migrations: [{{name: a, command: [up]{rest}}}]\n"));
    let fine = format!("{gate}migrations: [{{name: a, command: [up], stage: contract, after: 30m}}]\n");
    accept(&target("rolling", &fine));
    assert_eq!(
        one(", stage: contract"),
        ["5:39 a contract is never made in the deployment that brings the code which does without it"]
    );
    assert_eq!(
        one(", stage: contract, after: 20m"),
        [
            "5:63 the deployment can still be taken back, or is watched, for 30m: this contract would be too early"
        ]
    );
    let watched = "watch: {for: 2d}\n";
    let early = messages(&format!(
        "{watched}{gate}migrations: [{{name: a, command: [up], stage: contract, after: 1d}}]\n"
    ));
    assert_eq!(
        early,
        [
            "6:63 the deployment can still be taken back, or is watched, for 2d: this contract would be too early"
        ]
    );
}

#[test]
fn a_contract_needs_people_and_has_no_way_back() {
    let text =
        |rest: &str| format!("migrations: [{{name: a, command: [up], stage: contract, after: 7d{rest}}}]\n");
    assert_eq!(messages(&text("")), ["4:46 nobody is asked before this contract"]);
    let gate = "gates: [{before: contract, approvals: [{role: tech-lead}]}]\n";
    let back = messages(&format!("{gate}{}", text(", down: [back]")));
    assert_eq!(
        back,
        ["5:39 a contract can't be taken back: what older code needs is gone"]
    );
    assert_eq!(
        messages(gate),
        ["4:8 a gate before `contract` is never asked: no migration has `stage: contract`"]
    );
    let waits = messages("migrations: [{name: a, command: [up], stage: backfill, after: 7d}]\n");
    assert_eq!(
        waits,
        ["4:56 only a contract waits: this is made before the new revision gets traffic"]
    );
}
