//! An analyzer is asked once, stops nothing that it need not, and changes nothing unasked.

use super::*;
use crate::analyzer::read_answer;
use crate::change::{Proposal, Proposed, Work};
use crate::deployment::Phase;
use crate::ids::ChangeId;
use crate::phases::decide;
use crate::spec::GatePhase;
use crate::testing::{planned, tell};

const FILE: &str = "environment: production\nstrategy: rolling\nreplicas: 4\n\
    analyzer: {function: 'web-analyzer:live', threshold: 1";
const ASKS: &str = ", approvals: [{role: devops-lead}]";
const REQUIRED: &str = ", required: true";
const STACK: &str =
    "infrastructure:\n  stack: {name: shop, template: 'https://bucket.s3.amazonaws.com/shop-7.yaml'}\n";

fn id() -> ChangeId {
    ChangeId::of("analyzer", "web-analyzer")
}

fn entered(more: &str, after: &str) -> Deployment {
    let mut deployment = planned(&format!("{FILE}{more}}}\n{after}"));
    let phase = Phase::Infrastructure;
    tell(&mut deployment, 20, Event::PhaseEntered { phase });
    deployment
}

fn analysis(variables: usize) -> Proposal {
    let changes: Vec<String> = (0..variables).map(|at| format!("v{at}")).collect();
    let answer = serde_json::json!({
        "recommendations": [],
        "variables": {"location": "s3://b/k", "sha256": "ab".repeat(32), "changes": changes},
    });
    read_answer(answer.to_string().as_bytes(), None).unwrap()
}

fn answered(deployment: &mut Deployment, variables: usize) {
    let proposal = Box::new(analysis(variables));
    tell(deployment, 30, Event::ChangeProposed { id: id(), proposal });
}

fn look(deployment: &Deployment, proposed: Proposed, seconds: i64) -> Decision {
    let world = Observation {
        proposals: [(id(), proposed)].into(),
        ..Observation::default()
    };
    decide(Phase::Infrastructure, deployment, &world, at(seconds))
}

fn failed() -> Proposed {
    Proposed::Failed {
        reason: "out of memory".to_owned(),
    }
}

#[test]
fn it_is_asked_while_there_is_time_and_its_answer_looked_for_at_once() {
    let decision = look(&entered("", ""), Proposed::NotBegun, 25);
    assert_eq!(decision.outcome, Outcome::Continue);
    let [action] = decision.actions.as_slice() else {
        panic!("{decision:?}")
    };
    assert!(action.takes_long());
    assert!(matches!(action.proposal().unwrap().work, Work::Analyze { .. }));
}

#[test]
fn without_its_answer_the_deployment_goes_on_unless_it_is_required() {
    for (proposed, seconds) in [(failed(), 25), (Proposed::NotBegun, 920)] {
        let decision = look(&entered("", ""), proposed, seconds);
        let [Event::ChangeProposed { proposal, .. }] = decision.events.as_slice() else {
            panic!("{decision:?}")
        };
        assert!(proposal.is_empty());
        assert!(
            proposal.summary().starts_with("no analysis"),
            "{}",
            proposal.summary()
        );
    }
    for (proposed, seconds) in [(failed(), 25), (Proposed::NotBegun, 920)] {
        let decision = look(&entered(REQUIRED, ""), proposed, seconds);
        let Outcome::Abort(AbortCause::ChangeFailed { change, .. }) = decision.outcome else {
            panic!("{decision:?}")
        };
        assert_eq!(change, id());
    }
    let decision = look(&entered(REQUIRED, ""), Proposed::NotBegun, 919);
    assert_eq!(decision.actions.len(), 1);
}

#[test]
fn variables_up_to_the_threshold_need_nobody() {
    let mut deployment = entered("", "");
    answered(&mut deployment, 1);
    let decision = look(&deployment, Proposed::NotBegun, 40);
    assert!(
        matches!(
            decision.events.as_slice(),
            [Event::ChangeStarted { .. }, Event::ChangeMade { .. }]
        ),
        "{decision:?}"
    );
    assert_eq!(decision.actions, []);
}

#[test]
fn more_variables_are_for_people_and_without_them_stop_it() {
    let mut deployment = entered(ASKS, "");
    let plan = deployment.asked_hash(GatePhase::Infrastructure);
    answered(&mut deployment, 2);
    let decision = look(&deployment, Proposed::NotBegun, 40);
    let [Event::GateOpened { plan_hash, .. }] = decision.events.as_slice() else {
        panic!("{decision:?}")
    };
    assert_ne!(Some(plan_hash), plan.as_ref());
    let mut deployment = entered("", "");
    answered(&mut deployment, 2);
    let Outcome::Abort(cause) = look(&deployment, Proposed::NotBegun, 40).outcome else {
        panic!("it goes on")
    };
    assert!(
        cause.describe().contains("add `approvals` to `analyzer`"),
        "{}",
        cause.describe()
    );
}

#[test]
fn who_agrees_to_variables_does_not_agree_to_a_stack() {
    let mut deployment = entered(ASKS, STACK);
    answered(&mut deployment, 2);
    let lost = crate::change::Effect {
        kind: crate::change::EffectKind::Delete,
        what: "bucket".to_owned(),
    };
    let proposal = Box::new(Proposal::new("arn".to_owned(), vec![lost], Vec::new()));
    let stack = ChangeId::of("stack", "shop");
    tell(&mut deployment, 31, Event::ChangeProposed { id: stack, proposal });
    let Outcome::Abort(cause) = look(&deployment, Proposed::NotBegun, 40).outcome else {
        panic!("it goes on")
    };
    assert!(
        cause.describe().contains("add `approvals` to `infrastructure`"),
        "{}",
        cause.describe()
    );
    // The other way round, those of the infrastructure stand for both.
    let mut deployment = entered("", &format!("{STACK}  approvals: [{{role: tech-lead}}]\n"));
    answered(&mut deployment, 2);
    let gate = deployment.gate_rule(GatePhase::Infrastructure).unwrap();
    assert_eq!(gate.approvals[0].role.to_string(), "tech-lead");
}
