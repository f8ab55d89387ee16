//! Suites that are Lambda functions.

use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, FunctionAnswer, UserFunction};
use tidegate_tests::files::SHORT;
use tidegate_tests::{Scene, reason};

use crate::scenario;

const TARGET: &str = "web/production";

const SUITES: &str = "\
postDeploymentTests:
  - {name: smoke, lambda: web-test-smoke, timeout: 20s}
  - {name: checkout, lambda: \"web-test-checkout:live\", retries: 1}
validate:
  http:
    - {name: health, url: \"https://web.production.example.com/health\"}
";

fn returns(payload: &str) -> FunctionAnswer {
    FunctionAnswer::Returns(payload.to_owned())
}

/// The service, whose smoke suite passes and whose checkout suite answers so.
async fn given(scene: &Scene, checkout: Vec<FunctionAnswer>) {
    scene.given(TARGET, 5, &format!("{SHORT}{SUITES}")).await;
    let smoke = UserFunction::answering(vec![returns(r#"{"passed": 3, "failed": 0}"#)]);
    let mut checkout = UserFunction::answering(checkout);
    checkout.aliases = vec!["live".to_owned()];
    checkout.lines = ["buys a book", "PASSWORD=hunter2 pays for it"]
        .map(str::to_owned)
        .to_vec();
    scene.cloud(|state| {
        state.fleet.functions.insert("web-test-smoke".to_owned(), smoke);
        state
            .fleet
            .functions
            .insert("web-test-checkout".to_owned(), checkout);
    });
}

/// What the checkout suite was asked.
fn asked(scene: &Scene) -> Vec<serde_json::Value> {
    scene.cloud(|state| state.fleet.functions["web-test-checkout"].asked.clone())
}

/// How often the checkout suite was put on record as called.
async fn calls(scene: &Scene, id: &DeploymentId) -> usize {
    let journal = scene.stage.journal(id).await;
    let called = |event: &Event| matches!(event, Event::SuiteCalled { suite, .. } if suite.0 == "checkout");
    journal.iter().filter(|entry| called(&entry.event)).count()
}

#[test]
fn suites_that_are_functions_pass() {
    scenario(
        "suites-that-are-functions-pass",
        "Each is called once, with what it has to know; one before the candidate gets traffic, one after.",
        async |scene| {
            let report = r#"{"passed": 2, "skipped": 1, "report": "<testsuite><testcase name='buys'/><testcase name='pays'/></testsuite>"}"#;
            given(scene, vec![returns(report)]).await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let asked = asked(scene);
            assert_eq!(asked.len(), 1);
            let payload = &asked[0];
            assert_eq!(payload["suite"], "checkout");
            assert_eq!(payload["deployment"], done.id.as_str());
            assert_eq!((&payload["attempt"], &payload["of"]), (&1.into(), &2.into()));
            assert_eq!(payload["revision"], "web:v2");
            assert_eq!(payload["digest"], done.revision.digest.as_str());
            assert_eq!(
                payload["urls"]["health"],
                "https://web.production.example.com/health"
            );
            let journal = scene.stage.journal(&done.id).await;
            let log = journal.iter().find_map(|entry| match &entry.event {
                Event::SuiteAnswered { suite, report } if suite.0 == "checkout" => Some(report.log.clone()),
                _ => None,
            });
            let log = log.unwrap();
            assert!(log.contains(&"PASSWORD=*** pays for it".to_owned()), "{log:?}");
        },
    );
}

#[test]
fn a_suite_that_is_a_function_and_fails_rolls_back() {
    scenario(
        "a-suite-that-is-a-function-and-fails-rolls-back",
        "Two of its tests failed, which are named; it is not asked again.",
        async |scene| {
            let report = r#"{"report": "<testsuite><testcase name='buys'/><testcase name='pays'><failure message='card refused'/></testcase><testcase name='ships'><error/></testcase></testsuite>"}"#;
            given(scene, vec![returns(report)]).await;
            scene.push('2', Behaviour::default());
            let back = scene.runs(TARGET, ExitState::RolledBack).await;
            assert!(
                reason(&back).contains("2 of 3 tests: pays: card refused; ships"),
                "{}",
                reason(&back)
            );
            assert_eq!(asked(scene).len(), 1);
        },
    );
}

#[test]
fn a_suite_whose_function_breaks_is_no_pass() {
    scenario(
        "a-suite-whose-function-breaks-is-no-pass",
        "Lambda says that it timed out: the suite said nothing of the revision, so all of it goes back.",
        async |scene| {
            let error = FunctionAnswer::Fails(
                "Sandbox.Timedout".to_owned(),
                "RequestId: 1 Error: Task timed out after 3.00 seconds".to_owned(),
            );
            given(scene, vec![error]).await;
            scene.push('2', Behaviour::default());
            let back = scene.runs(TARGET, ExitState::RolledBack).await;
            assert!(reason(&back).contains("Task timed out"), "{}", reason(&back));
            assert_eq!(asked(scene).len(), 1);
        },
    );
}

#[test]
fn a_suite_that_answers_with_no_json_is_no_pass() {
    scenario(
        "a-suite-that-answers-with-no-json-is-no-pass",
        "What it wrote is shown, without what looks like a secret.",
        async |scene| {
            given(scene, vec![returns("<html>token=hunter2 all good</html>")]).await;
            scene.push('2', Behaviour::default());
            let back = scene.runs(TARGET, ExitState::RolledBack).await;
            assert!(reason(&back).contains("no JSON"), "{}", reason(&back));
            assert!(!reason(&back).contains("hunter2"), "{}", reason(&back));
        },
    );
}

#[test]
fn a_suite_that_is_throttled_is_called_later() {
    scenario(
        "a-suite-that-is-throttled-is-called-later",
        "Lambda takes the third call: what did not run is no attempt.",
        async |scene| {
            let good = returns(r#"{"passed": 2}"#);
            given(
                scene,
                vec![FunctionAnswer::Throttled, FunctionAnswer::Throttled, good],
            )
            .await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let asked = asked(scene);
            let attempts: Vec<_> = asked.iter().map(|payload| &payload["attempt"]).collect();
            assert_eq!(attempts, [1, 1, 1]);
            assert_eq!(calls(scene, &done.id).await, 3);
        },
    );
}

#[test]
fn a_function_that_dies_while_a_suite_runs_asks_again_once_its_time_is_over() {
    scenario(
        "a-function-that-dies-while-a-suite-runs-asks-again-once-its-time-is-over",
        "Nobody knows whether the first call still runs, so the second one waits for the end of its time.",
        async |scene| {
            given(scene, vec![returns(r#"{"passed": 2}"#)]).await;
            let killed = ("validate", "Invoke", CallFate::KillAfter);
            scene.cloud(|state| state.faults.numbered.next.push(killed));
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let asked = asked(scene);
            let attempts: Vec<_> = asked.iter().map(|payload| &payload["attempt"]).collect();
            assert_eq!(attempts, [1, 2]);
            let journal = scene.stage.journal(&done.id).await;
            let mut called = journal.iter().filter(
                |entry| matches!(&entry.event, Event::SuiteCalled { suite, .. } if suite.0 == "checkout"),
            );
            let (first, second) = (called.next().unwrap().at, called.next().unwrap().at);
            assert!(second.duration_since(first).as_secs() >= 45);
        },
    );
}

#[test]
fn a_suite_whose_answers_are_lost_rolls_back() {
    scenario(
        "a-suite-whose-answers-are-lost-rolls-back",
        "It was called as often as the file allows, and nobody knows how it ended.",
        async |scene| {
            given(scene, vec![returns(r#"{"passed": 2}"#)]).await;
            for _ in 0..2 {
                let lost = ("validate", "Invoke", CallFate::LoseReply);
                scene.cloud(|state| state.faults.numbered.next.push(lost));
            }
            scene.push('2', Behaviour::default());
            let back = scene.runs(TARGET, ExitState::RolledBack).await;
            assert!(
                reason(&back).contains("no answer came to 2 calls"),
                "{}",
                reason(&back)
            );
            assert_eq!(asked(scene).len(), 2);
        },
    );
}

#[test]
fn a_suite_whose_function_is_missing_blocks() {
    scenario(
        "a-suite-whose-function-is-missing-blocks",
        "Before anything is touched, with what to do about it.",
        async |scene| {
            given(scene, vec![returns(r#"{"passed": 2}"#)]).await;
            scene.cloud(|state| {
                let checkout = state.fleet.functions.get_mut("web-test-checkout").unwrap();
                checkout.aliases.clear();
            });
            scene.push('2', Behaviour::default());
            let blocked = scene.runs(TARGET, ExitState::Blocked).await;
            assert!(
                reason(&blocked).contains("web-test-checkout:live"),
                "{}",
                reason(&blocked)
            );
        },
    );
}
