//! Changes that say what they would do before they are made.

use super::*;
use crate::change::{Before, Effect, EffectKind, Progress, Proposal, Proposed, Seen, StackBefore, Undo};
use crate::deployment::Phase;
use crate::exit::AbortCause;
use crate::gates::{GateDecision, satisfied};
use crate::ids::ChangeId;
use crate::observation::Question;
use crate::phases::{decide, decide_undo};
use crate::spec::GatePhase;
use crate::testing::{planned, rolling_back, tell};

const STACK: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    infrastructure:\n  stack: {name: shop, template: 'https://bucket.s3.amazonaws.com/shop-7.yaml'}\n";
const ASKS: &str = "  approvals: [{role: devops-lead}]\n";

fn id() -> ChangeId {
    ChangeId::of("stack", "shop")
}

/// In the phase, with nothing known yet.
fn entered(file: &str) -> Deployment {
    let mut deployment = planned(file);
    let phase = Phase::Infrastructure;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    deployment
}

fn proposal(kind: EffectKind, count: usize) -> Proposal {
    let effect = |at: usize| Effect {
        kind,
        what: format!("AWS::SQS::Queue Q{at}"),
    };
    let effects = (0..count).map(effect).collect();
    Proposal::new("arn:change-set/1".to_owned(), effects, Vec::new())
}

fn proposed(file: &str, proposal: Proposal) -> Deployment {
    let mut deployment = entered(file);
    let proposal = Box::new(proposal);
    tell(&mut deployment, 30, Event::ChangeProposed { id: id(), proposal });
    deployment
}

fn world(proposed: Proposed) -> Observation {
    Observation {
        proposals: [(id(), proposed)].into(),
        ..Observation::default()
    }
}

fn seen(before: Before) -> Observation {
    let seen = Seen {
        before: Some(before),
        made: Progress::NotBegun,
        undone: Progress::NotBegun,
    };
    Observation {
        changes: [(id(), seen)].into(),
        ..Observation::default()
    }
}

fn was() -> Before {
    Before::Stack {
        stack: Box::new(StackBefore {
            template: Some(crate::change::StoredText("{}".to_owned())),
            template_hash: "00".to_owned(),
            parameters: std::collections::BTreeMap::new(),
            hidden: std::collections::BTreeSet::new(),
        }),
    }
}

fn step(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide(Phase::Infrastructure, deployment, world, at(seconds))
}

fn aborted(decision: &Decision) -> String {
    match &decision.outcome {
        Outcome::Abort(AbortCause::ChangeFailed { reason, .. }) => reason.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_it_would_do_is_asked_for_recorded_once_and_then_made() {
    let deployment = entered(STACK);
    let question = Question::of(&deployment, at(20));
    assert!(question.proposal().is_some() && question.change().is_none());
    let asked = step(&deployment, &world(Proposed::NotBegun), 20);
    assert!(matches!(&asked.actions[..], [Action::ProposeChange { change }] if change.id == id()));
    let ready = Proposed::Ready {
        proposal: Box::new(proposal(EffectKind::Add, 2)),
    };
    let told = step(&deployment, &world(ready), 30);
    assert!(matches!(&told.events[..], [Event::ChangeProposed { proposal, .. }] if proposal.adds == 2));
    assert!(told.actions.is_empty());
    let deployment = proposed(STACK, proposal(EffectKind::Add, 2));
    let question = Question::of(&deployment, at(31));
    assert!(question.proposal().is_none() && question.change().is_some());
    let begun = step(&deployment, &seen(was()), 31);
    assert!(matches!(
        &begun.events[..],
        [Event::ChangeStarted { before: Some(_), .. }]
    ));
    assert!(matches!(&begun.actions[..], [Action::MakeChange { .. }]));
}

#[test]
fn a_proposal_that_cannot_be_made_or_takes_too_long_stops_the_deployment() {
    let deployment = entered(STACK);
    let failed = Proposed::Failed {
        reason: "no such template".to_owned(),
    };
    assert!(aborted(&step(&deployment, &world(failed), 30)).contains("no such template"));
    let running = Proposed::Running {
        note: "being made".to_owned(),
    };
    let waits = step(&deployment, &world(running.clone()), 30);
    assert!(matches!(waits.outcome, Outcome::Wait { .. }));
    assert!(aborted(&step(&deployment, &world(running), 20 + 900)).contains("within 900 s"));
}

#[test]
fn an_empty_proposal_is_made_at_once() {
    let mut deployment = proposed(STACK, proposal(EffectKind::Add, 0));
    let decision = step(&deployment, &seen(was()), 31);
    assert!(decision.actions.is_empty());
    assert!(matches!(
        &decision.events[..],
        [Event::ChangeStarted { before: None, .. }, Event::ChangeMade { detail, .. }] if detail == "nothing to change"
    ));
    // And there is nothing of it to take back.
    for event in decision.events {
        tell(&mut deployment, 31, event);
    }
    let deployment = rolling_back(deployment);
    let undo = decide_undo(
        Phase::Infrastructure,
        &deployment,
        &Observation::default(),
        at(900),
    );
    assert!(matches!(&undo.events[..], [Event::ChangeUndone { .. }]) && undo.actions.is_empty());
}

#[test]
fn people_are_asked_about_what_is_lost_even_if_the_file_has_no_gate() {
    let file = format!("{STACK}{ASKS}");
    let deployment = proposed(&file, proposal(EffectKind::Replace, 1));
    let decision = step(&deployment, &seen(was()), 31);
    let [
        Event::GateOpened {
            plan_hash, before, ..
        },
    ] = &decision.events[..]
    else {
        panic!("{decision:?}");
    };
    assert_eq!(*before, GatePhase::Infrastructure);
    // The approval is for this proposal, not only for the plan.
    let plan = &deployment.plan.as_ref().unwrap().hash;
    assert_ne!(plan_hash, plan);
    assert_eq!(deployment.asked_hash(GatePhase::Shift).as_ref(), Some(plan));
    let other = proposed(&file, proposal(EffectKind::Replace, 2));
    assert_ne!(
        other.asked_hash(GatePhase::Infrastructure).as_ref(),
        Some(plan_hash)
    );
    // What is only added goes on.
    let harmless = proposed(&file, proposal(EffectKind::Add, 9));
    assert!(matches!(
        &step(&harmless, &seen(was()), 31).actions[..],
        [Action::MakeChange { .. }]
    ));
}

#[test]
fn many_changes_are_asked_about_too() {
    let file = format!("{STACK}{ASKS}  threshold: 3\n");
    let few = proposed(&file, proposal(EffectKind::Add, 3));
    assert_eq!(few.gate_rule(GatePhase::Infrastructure), None);
    let many = proposed(&file, proposal(EffectKind::Add, 4));
    assert!(many.gate_rule(GatePhase::Infrastructure).is_some());
}

#[test]
fn nobody_to_ask_stops_the_deployment_and_says_what_to_do() {
    let deployment = proposed(STACK, proposal(EffectKind::Delete, 1));
    let reason = aborted(&step(&deployment, &seen(was()), 31));
    assert!(
        reason.contains("1 to delete") && reason.contains("`approvals`"),
        "{reason}"
    );
}

#[test]
fn a_gate_of_the_file_asks_for_whom_the_proposal_needs_too() {
    let gate = "gates:\n  - before: infrastructure\n    approvals: [{role: product}]\n";
    let file = format!("{STACK}  approvals: [{{role: devops-lead, count: 2}}, {{role: product}}]\n{gate}");
    let harmless = proposed(&file, proposal(EffectKind::Add, 1));
    let rule = harmless.gate_rule(GatePhase::Infrastructure).unwrap();
    assert_eq!(rule.approvals.len(), 1);
    let risky = proposed(&file, proposal(EffectKind::Delete, 1));
    let rule = risky.gate_rule(GatePhase::Infrastructure).unwrap();
    let asked: Vec<_> = rule
        .approvals
        .iter()
        .map(|one| (one.role.as_str(), one.count))
        .collect();
    assert_eq!(asked, [("product", 1), ("devops-lead", 2)]);
    let mut state = crate::gates::GateState::open(at(31), at(900), risky.asked_hash(rule.before).unwrap());
    state.decisions.push(GateDecision {
        by: "pia".parse().unwrap(),
        role: "product".parse().unwrap(),
        approve: true,
        reason: String::new(),
        plan_hash: state.plan_hash.clone(),
        at: at(40),
    });
    assert!(!satisfied(&rule, &state));
}

#[test]
fn a_stack_that_did_not_exist_stays() {
    let taken_back = |before: Before| {
        let mut deployment = proposed(STACK, proposal(EffectKind::Add, 1));
        let begun = Event::ChangeStarted {
            id: id(),
            before: Some(before),
        };
        tell(&mut deployment, 31, begun);
        let made = Event::ChangeMade {
            id: id(),
            detail: String::new(),
            log: Vec::new(),
        };
        tell(&mut deployment, 60, made);
        let deployment = rolling_back(deployment);
        decide_undo(
            Phase::Infrastructure,
            &deployment,
            &Observation::default(),
            at(900),
        )
    };
    assert!(matches!(
        &taken_back(Before::Absent).events[..],
        [Event::ChangeHeld { reason, remedy: None, .. }] if reason.contains("did not exist")
    ));
    assert!(matches!(
        &taken_back(was()).actions[..],
        [Action::UndoChange { .. }]
    ));
    let change = planned(STACK).plan.unwrap().changes[0].clone();
    assert_eq!(change.undo_from(None), Undo::Revertible);
    assert_eq!(change.undo_from(Some(&was())), Undo::Revertible);
    assert_eq!(change.undo_from(Some(&Before::Absent)), Undo::ForwardOnly);
}

#[test]
fn a_proposal_is_looked_for_every_few_seconds() {
    let running = Proposed::Running {
        note: "being made".to_owned(),
    };
    for found in [Proposed::NotBegun, running] {
        let decision = step(&entered(STACK), &world(found), 30);
        assert!(
            matches!(decision.outcome, Outcome::Wait { seconds: 10, .. }),
            "{decision:?}"
        );
        let proposed = decision.actions.first().and_then(Action::proposal);
        assert_eq!(
            proposed.map(|change| change.id.clone()),
            decision.actions.first().map(|_| id())
        );
        assert!(decision.actions.iter().all(|action| action.change().is_none()));
    }
}

const TERRAFORM: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    infrastructure:\n  stack: {name: shop, template: 'https://bucket.s3.amazonaws.com/shop-7.yaml'}\n  \
    terraform: {taskDefinition: shop-terraform, bucket: shop-plans, timeout: 2h}\n";

fn terraform() -> ChangeId {
    ChangeId::of("terraform", "shop-terraform")
}

/// With Terraform planned, and the stack empty.
fn terraformed(count: usize) -> Deployment {
    let mut deployment = proposed(TERRAFORM, proposal(EffectKind::Add, 0));
    let proposal = Box::new(proposal(EffectKind::Add, count));
    let id = terraform();
    tell(&mut deployment, 40, Event::ChangeProposed { id, proposal });
    deployment
}

#[test]
fn each_proposal_of_a_phase_has_its_own_time() {
    let deployment = proposed(TERRAFORM, proposal(EffectKind::Add, 0));
    let running = Proposed::Running {
        note: "terraform is planning".to_owned(),
    };
    let world = Observation {
        proposals: [(terraform(), running)].into(),
        ..Observation::default()
    };
    // Two hours of its own, after the stack's quarter of one.
    let Outcome::Wait { seconds, .. } = step(&deployment, &world, 20 + 8_099).outcome else {
        unreachable!("it waits");
    };
    assert_eq!(seconds, 30, "hours of looks must fit an execution's history");
    assert!(aborted(&step(&deployment, &world, 20 + 8_100)).contains("within 8100 s"));
}

#[test]
fn what_terraform_made_stays_and_the_plan_says_why() {
    let mut deployment = terraformed(1);
    let changes = deployment.planned_changes();
    let line = changes.iter().find(|change| change.id == terraform());
    let line = line.map(crate::change::Change::describe).unwrap_or_default();
    assert_eq!(
        line,
        "terraform:shop-terraform: apply what a task of shop-terraform plans (forward-only: the way back would be \
         another plan, which nobody has seen)"
    );
    let before = Some(Before::TerraformState);
    let id = terraform();
    tell(&mut deployment, 50, Event::ChangeStarted { id, before });
    let (id, detail, log) = (terraform(), String::new(), Vec::new());
    tell(&mut deployment, 60, Event::ChangeMade { id, detail, log });
    let back = rolling_back(deployment);
    let decision = decide_undo(Phase::Infrastructure, &back, &Observation::default(), at(4_000));
    assert!(decision.actions.is_empty());
    assert!(matches!(
        &decision.events[..],
        [Event::ChangeHeld { reason, remedy: None, .. }] if reason.contains("nobody has seen")
    ));
}

#[test]
fn a_plan_without_changes_is_not_applied_and_leaves_nothing_to_hold() {
    let mut deployment = terraformed(0);
    let (id, detail, log) = (id(), String::new(), Vec::new());
    tell(
        &mut deployment,
        45,
        Event::ChangeStarted {
            id: id.clone(),
            before: None,
        },
    );
    tell(&mut deployment, 46, Event::ChangeMade { id, detail, log });
    let decision = step(&deployment, &Observation::default(), 50);
    assert!(decision.actions.is_empty());
    assert!(matches!(
        &decision.events[..],
        [Event::ChangeStarted { .. }, Event::ChangeMade { .. }]
    ));
    for event in decision.events {
        tell(&mut deployment, 50, event);
    }
    let back = rolling_back(deployment);
    let decision = decide_undo(Phase::Infrastructure, &back, &Observation::default(), at(4_000));
    assert!(matches!(&decision.events[..], [Event::ChangeUndone { .. }]));
}

#[test]
fn a_plan_that_was_refused_leaves_nothing_and_any_other_failure_may() {
    let mut deployment = terraformed(1);
    let before = Some(Before::TerraformState);
    let id = terraform();
    tell(&mut deployment, 50, Event::ChangeStarted { id, before });
    let (id, reason, log) = (terraform(), "stale".to_owned(), Vec::new());
    tell(&mut deployment, 60, Event::ChangeFailed { id, reason, log });
    let back = rolling_back(deployment);
    let undone = |undone: Progress| {
        let seen = Seen {
            before: None,
            made: Progress::NotBegun,
            undone,
        };
        let world = Observation {
            changes: [(terraform(), seen)].into(),
            ..Observation::default()
        };
        decide_undo(Phase::Infrastructure, &back, &world, at(4_000)).events
    };
    let refused = undone(Progress::done("nothing of it was applied"));
    assert!(matches!(&refused[..], [Event::ChangeUndone { .. }]));
    let half = undone(Progress::NotBegun);
    assert!(matches!(&half[..], [Event::ChangeHeld { reason, .. }] if reason.contains("half made")));
}
