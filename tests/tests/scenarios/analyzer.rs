//! A function of the user that looks at the revision before people are asked about the infrastructure.

use serde_json::json;
use tidegate_core::change::Proposal;
use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, FunctionAnswer, UserFunction};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";

const ANALYZER: &str = "\
analyzer:
  function: web-analyzer:live
  threshold: 1
  approvals: [{role: tech-lead}]
";

/// What an analyzer says that changes these variables.
fn analysis(changes: &[&str]) -> FunctionAnswer {
    let answer = json!({
        "recommendations": [
            {"severity": "low", "text": "tag the log group"},
            {"severity": "high", "text": "the task role may read every bucket"},
        ],
        "variables": {
            "location": "s3://generated/web/production.tfvars.json",
            "sha256": "ab".repeat(32),
            "changes": changes,
        },
    });
    FunctionAnswer::Returns(answer.to_string())
}

async fn given(scene: &Scene, more: &str, answers: Vec<FunctionAnswer>) {
    scene.given(TARGET, 5, &format!("{SHORT}{ANALYZER}{more}")).await;
    scene.people().await;
    let mut function = UserFunction::answering(answers);
    function.aliases.push("live".to_owned());
    function.lines.push("reading the repository".to_owned());
    scene.cloud(|state| state.fleet.functions.insert("web-analyzer".to_owned(), function));
}

fn asked(scene: &Scene) -> usize {
    scene.cloud(|state| state.fleet.functions["web-analyzer"].asked.len())
}

fn proposal(deployment: &Deployment) -> &Proposal {
    deployment.proposals.values().next().unwrap()
}

#[test]
fn what_an_analyzer_recommends_is_told_and_stops_nothing() {
    scenario(
        "what-an-analyzer-recommends-is-told-and-stops-nothing",
        "Two recommendations and one variable, which is no more than the file lets pass; what it cost is on record.",
        async |scene| {
            given(scene, "", vec![analysis(&["log_retention"])]).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let lines = &proposal(&done).lines;
            assert!(
                lines.contains(&"~ variable log_retention".to_owned()),
                "{lines:?}"
            );
            assert!(
                lines
                    .iter()
                    .any(|line| line == "it took 2.0 s with 512 MB, about $0.000017"),
                "{lines:?}"
            );
            assert_eq!(asked(scene), 1);
            let payload = scene.cloud(|state| state.fleet.functions["web-analyzer"].asked[0].clone());
            assert_eq!(payload["digest"], done.revision.digest.as_str());
        },
    );
}

#[test]
fn variables_beyond_the_threshold_are_agreed_to_first() {
    scenario(
        "variables-beyond-the-threshold-are-agreed-to-first",
        "Two variables, and one may change without a person: the approval is for exactly this object in S3.",
        async |scene| {
            given(scene, "", vec![analysis(&["cpu", "memory"])]).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let hash = scene.gate(&id).await;
            scene.decide("maria", &id, true, &hash).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
            assert_eq!(asked(scene), 1);
        },
    );
}

#[test]
fn variables_that_nobody_agrees_to_touch_nothing() {
    scenario(
        "variables-that-nobody-agrees-to-touch-nothing",
        "The tech lead says no: the deployment ends before anything got traffic.",
        async |scene| {
            given(scene, "", vec![analysis(&["cpu", "memory"])]).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let hash = scene.gate(&id).await;
            scene.decide("maria", &id, false, &hash).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
        },
    );
}

#[test]
fn an_analyzer_without_an_answer_stops_nothing_unless_it_is_required() {
    scenario(
        "an-analyzer-without-an-answer-stops-nothing-unless-it-is-required",
        "It breaks, and the deployment goes on and says so; then the file requires it, and nothing gets traffic.",
        async |scene| {
            let broken = || FunctionAnswer::Fails("Runtime.Error".to_owned(), "out of memory".to_owned());
            given(scene, "", vec![broken()]).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let said = proposal(&done).summary();
            assert!(
                said.contains("none is required") && said.contains("out of memory"),
                "{said}"
            );
            let required = format!("{SHORT}{ANALYZER}  required: true\n");
            scene.apply(TARGET, &required).await.unwrap();
            scene.push('3', Behaviour::default());
            let stopped = scene.runs(TARGET, ExitState::Aborted).await;
            let reason = &stopped.exit.as_ref().unwrap().reason;
            assert!(reason.contains("out of memory"), "{reason}");
        },
    );
}

#[test]
fn an_analyzer_is_asked_again_by_the_function_after_one_that_died() {
    scenario(
        "an-analyzer-is-asked-again-by-the-function-after-one-that-died",
        "It only looks, so nothing is doubled; its second answer is the one on record. Then an alarm takes it all back.",
        async |scene| {
            given(scene, "", vec![analysis(&["cpu"])]).await;
            let killed = ("infrastructure", "Invoke", CallFate::KillAfter);
            scene.cloud(|state| state.faults.numbered.next.push(killed));
            scene.push('2', Behaviour::failing(20.0, 20));
            scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(asked(scene), 2);
        },
    );
}

#[test]
fn an_analyzer_that_is_missing_stops_nothing_unless_it_is_required() {
    scenario(
        "an-analyzer-that-is-missing-stops-nothing-unless-it-is-required",
        "Without the function the deployment goes on; where the file requires it, it is blocked before anything is touched.",
        async |scene| {
            given(scene, "", vec![analysis(&[])]).await;
            scene.cloud(|state| state.fleet.functions.clear());
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            let required = format!("{SHORT}{ANALYZER}  required: true\n");
            scene.apply(TARGET, &required).await.unwrap();
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}
