//! Invariant 27.

use super::*;
use crate::change::{Change, Direction, Effect, EffectKind, Proposal, StackWork, Undo, Work};
use crate::deployment::Phase;
use crate::ids::ChangeId;
use crate::invariants::proposals::applied_is_proposed;
use crate::spec::GatePhase;

fn id() -> ChangeId {
    ChangeId::of("stack", "shop")
}

fn proposal(kind: EffectKind) -> Proposal {
    let effect = Effect {
        kind,
        what: "AWS::S3::Bucket Logs".to_owned(),
    };
    Proposal::new("change-set/1".to_owned(), vec![effect], Vec::new())
}

/// One deployment with a stack, whose journal has these events, and that executed this.
fn stacked(proposal: &Proposal, events: Vec<Event>, applied: Option<&str>) -> View {
    let mut view = completed();
    let record = &mut view.deployments[0];
    let stack = StackWork {
        name: "shop".to_owned(),
        template: "https://bucket/shop".to_owned(),
        parameters: BTreeMap::new(),
        capabilities: BTreeSet::new(),
        role: None,
        drift: false,
    };
    if let Some(plan) = &mut record.deployment.plan {
        plan.changes = vec![Change {
            id: id(),
            phase: Phase::Infrastructure,
            undo: Undo::Revertible,
            temporary: false,
            work: Work::Stack { stack },
            timeout_seconds: 60,
        }];
    }
    record.deployment.proposals.insert(id(), proposal.clone());
    for event in events {
        let mut entry = record.journal[0].clone();
        entry.event = event;
        record.journal.push(entry);
    }
    let deployment = record.deployment.id.clone();
    let run = |artifact: &str| ChangeRun {
        at: at(50),
        deployment: deployment.clone(),
        change: id(),
        direction: Direction::Make,
        artifact: Some(artifact.to_owned()),
    };
    view.runs = applied.into_iter().map(run).collect();
    view
}

fn told(proposal: &Proposal) -> Event {
    Event::ChangeProposed {
        id: id(),
        proposal: Box::new(proposal.clone()),
    }
}

fn begun() -> Event {
    Event::ChangeStarted {
        id: id(),
        before: None,
    }
}

#[test]
fn i27_only_what_was_proposed_is_applied() {
    let added = proposal(EffectKind::Add);
    let good = stacked(&added, vec![told(&added), begun()], Some("change-set/1"));
    assert_eq!(applied_is_proposed(&good), Vec::<String>::new());
    let other = stacked(&added, vec![told(&added), begun()], Some("change-set/2"));
    assert!(applied_is_proposed(&other)[0].contains("not proposed"));
    let untold = stacked(&added, vec![begun()], None);
    assert!(applied_is_proposed(&untold)[0].contains("without a proposal"));
    let late = stacked(&added, vec![begun(), told(&added)], None);
    assert!(applied_is_proposed(&late)[0].contains("before its proposal"));
    let again = stacked(&added, vec![told(&added), told(&added), begun()], None);
    assert!(applied_is_proposed(&again)[0].contains("2 times"));
}

#[test]
fn i27_what_is_lost_is_agreed_to_first() {
    let lost = proposal(EffectKind::Delete);
    let unasked = stacked(&lost, vec![told(&lost), begun()], Some("change-set/1"));
    assert!(applied_is_proposed(&unasked)[0].contains("agreed to"));
    let passed = Event::GatePassed {
        before: GatePhase::Infrastructure,
    };
    let asked = vec![told(&lost), passed.clone(), begun()];
    assert_eq!(
        applied_is_proposed(&stacked(&lost, asked, None)),
        Vec::<String>::new()
    );
    let late = vec![told(&lost), begun(), passed];
    assert_eq!(applied_is_proposed(&stacked(&lost, late, None)).len(), 1);
}

#[test]
fn i27_a_gate_of_the_file_is_passed_first_and_other_changes_do_not_count() {
    let added = proposal(EffectKind::Add);
    let begins = |gated: bool| {
        let mut view = stacked(&added, vec![told(&added), begun()], None);
        let gate = crate::testing::spec(&format!(
            "{}gates: [{{before: infrastructure, approvals: [{{role: lead}}]}}]\n\
             infrastructure: {{stack: {{name: a, template: 'https://b.s3.amazonaws.com/a'}}}}\n",
            crate::testing::ROLLING
        ));
        if gated {
            view.deployments[0].deployment.spec.gates = gate.gates;
        }
        applied_is_proposed(&view).len()
    };
    assert_eq!((begins(false), begins(true)), (0, 1));
    let other = Event::ChangeProposed {
        id: ChangeId::of("stack", "other"),
        proposal: Box::new(added.clone()),
    };
    let view = stacked(&added, vec![other, told(&added), begun()], None);
    assert_eq!(applied_is_proposed(&view), Vec::<String>::new());
}
