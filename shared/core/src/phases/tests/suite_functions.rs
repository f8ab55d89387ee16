//! Suites that are Lambda functions are called once, unless their answer was lost.

use super::*;
use crate::phases::shift::{Suites, run_suites};
use crate::release::SuiteCounts;
use crate::suite::{SuiteAnswer, SuiteCalled, SuiteFunction, SuiteReport};
use crate::testing::*;

const BEGAN: i64 = TEST_BEGINS + 5;

/// In a test of two minutes, with a suite of 30 seconds and one retry.
fn file() -> String {
    BLUE_GREEN.replace(
        "[smoke, load]",
        "[{name: smoke, lambda: web-test, timeout: 30s, retries: 1}]",
    )
}

fn function() -> SuiteFunction {
    SuiteFunction {
        function: "web-test".to_owned(),
        timeout_seconds: 30,
        retries: 1,
        silent: false,
    }
}

fn of(deployment: &Deployment, answer: Option<(u32, SuiteCalled)>, seconds: i64) -> Option<Decision> {
    let mut world = with_candidate(&deployment.spec, 4, 0);
    let answer = answer.map(|(attempt, result)| (suite("smoke"), SuiteAnswer { attempt, result }));
    world.suite_answers.extend(answer);
    match run_suites(deployment, &world, &[suite("smoke")], at(seconds)) {
        Suites::AllPassed => None,
        Suites::Undecided(decision) => Some(decision),
    }
}

fn called_event(attempt: u32) -> Event {
    Event::SuiteCalled {
        suite: suite("smoke"),
        function: "web-test".to_owned(),
        attempt,
        of: 2,
    }
}

fn calls(attempt: u32) -> Decision {
    let action = Action::CallSuite {
        suite: suite("smoke"),
        function: function(),
        attempt,
    };
    Decision::act(vec![action]).after(vec![called_event(attempt)])
}

/// Called at these instants, the last of which is still without an answer.
fn called(instants: &[i64]) -> Deployment {
    let mut deployment = testing(&file());
    for (attempt, seconds) in (1..).zip(instants) {
        tell(&mut deployment, *seconds, called_event(attempt));
    }
    deployment
}

fn answered(failed: u32) -> SuiteCalled {
    let counts = SuiteCounts {
        passed: 3,
        failed,
        skipped: 0,
    };
    SuiteCalled::Answered {
        report: SuiteReport {
            counts,
            ..SuiteReport::default()
        },
    }
}

#[test]
fn the_first_call_is_on_record_with_the_action() {
    let deployment = testing(&file());
    assert_eq!(of(&deployment, None, BEGAN), Some(calls(1)));
    assert!(calls(1).actions.iter().all(Action::takes_long));
    let deployment = called(&[BEGAN]);
    assert_eq!(deployment.suites_started.get(&suite("smoke")), Some(&at(BEGAN)));
}

#[test]
fn an_answer_ends_the_suite_and_a_failed_one_the_deployment() {
    let mut deployment = called(&[BEGAN]);
    let SuiteCalled::Answered { report } = answered(1) else {
        panic!("an answer")
    };
    let event = Event::SuiteAnswered {
        suite: suite("smoke"),
        report: Box::new(report),
    };
    let decision = of(&deployment, Some((1, answered(1))), BEGAN + 2);
    assert_eq!(decision, Some(record(vec![event.clone()])));
    tell(&mut deployment, BEGAN + 2, event);
    let stopped = of(&deployment, None, BEGAN + 2).unwrap().outcome;
    let reason = "suite smoke failed: 1 of 4 tests".to_owned();
    assert_eq!(stopped, Outcome::Abort(AbortCause::SuiteFailed { reason }));
    let mut deployment = called(&[BEGAN]);
    let SuiteCalled::Answered { report } = answered(0) else {
        panic!("an answer")
    };
    let report = Box::new(report);
    let suite = suite("smoke");
    tell(&mut deployment, BEGAN + 2, Event::SuiteAnswered { suite, report });
    assert_eq!(of(&deployment, None, BEGAN + 2), None);
}

#[test]
fn an_answer_to_another_attempt_is_none() {
    let deployment = called(&[BEGAN, BEGAN + 40]);
    let decision = of(&deployment, Some((1, answered(0))), BEGAN + 41).unwrap();
    assert!(matches!(decision.outcome, Outcome::Wait { .. }), "{decision:?}");
}

#[test]
fn a_lost_answer_is_waited_for_until_the_suite_can_not_run_any_more() {
    let deployment = called(&[BEGAN]);
    for (seconds, left) in [(BEGAN, 35), (BEGAN + 34, 1)] {
        let decision = of(&deployment, None, seconds).unwrap();
        assert_eq!(decision.actions, []);
        let Outcome::Wait { seconds, reason } = decision.outcome else {
            panic!("it does not wait")
        };
        assert_eq!(seconds, left);
        assert!(reason.contains("called again"), "{reason}");
    }
    assert_eq!(of(&deployment, None, BEGAN + 35), Some(calls(2)));
    let deployment = called(&[BEGAN, BEGAN + 35]);
    let Outcome::Wait { reason, .. } = of(&deployment, None, BEGAN + 69).unwrap().outcome else {
        panic!("it does not wait")
    };
    assert!(reason.contains("given up"), "{reason}");
    let decision = of(&deployment, None, BEGAN + 70).unwrap();
    let reason = "suite smoke: no answer came to 2 calls, so nobody knows how it ended".to_owned();
    assert_eq!(
        decision.outcome,
        Outcome::Abort(AbortCause::SuiteFailed { reason })
    );
}

#[test]
fn a_call_that_lambda_does_not_take_is_no_attempt_and_not_tried_for_ever() {
    let mut deployment = called(&[BEGAN]);
    let refused = || SuiteCalled::NotRun {
        reason: "Rate Exceeded.".to_owned(),
    };
    let not_run = Event::SuiteNotRun {
        suite: suite("smoke"),
        attempt: 1,
        reason: "Rate Exceeded.".to_owned(),
    };
    let decision = of(&deployment, Some((1, refused())), BEGAN + 1).unwrap();
    assert_eq!(decision.events, std::slice::from_ref(&not_run));
    assert!(matches!(decision.outcome, Outcome::Wait { .. }));
    tell(&mut deployment, BEGAN + 1, not_run.clone());
    assert_eq!(of(&deployment, None, BEGAN + 21), Some(calls(1)));
    tell(&mut deployment, BEGAN + 900, called_event(1));
    let decision = of(&deployment, Some((1, refused())), BEGAN + 900).unwrap();
    assert_eq!(decision.events, [not_run]);
    let reason = "suite smoke could not be run within 900 s: Rate Exceeded.".to_owned();
    assert_eq!(
        decision.outcome,
        Outcome::Abort(AbortCause::SuiteFailed { reason })
    );
    let decision = of(&deployment, Some((1, refused())), BEGAN + 899).unwrap();
    assert!(matches!(decision.outcome, Outcome::Wait { .. }));
}

#[test]
fn a_suite_is_given_what_it_has_to_know() {
    let deployment = called(&[BEGAN]);
    let given = crate::suite::payload(&deployment, &suite("smoke"), &function(), 2).unwrap();
    assert_eq!((given.attempt, given.of, given.timeout_seconds), (2, 2, 30));
    assert_eq!(given.deployment, deployment.id.as_str());
    assert_eq!(given.digest, deployment.revision.digest);
    assert_eq!(given.slot, deployment.plan.as_ref().unwrap().candidate);
    assert!(given.target_group.is_some());
    let requested = requested(&file());
    assert_eq!(
        crate::suite::payload(&requested, &suite("smoke"), &function(), 1),
        None
    );
}

#[test]
fn a_function_that_is_missing_blocks() {
    let deployment = requested(&file());
    let mut world = at_rest(&deployment.spec);
    world.unknown_functions.push("web-test".to_owned());
    let decision = crate::phases::make_plan(&deployment, wiring(&deployment.spec), &world, at(10));
    let Outcome::Blocked(missing) = decision.outcome else {
        panic!("it is not blocked")
    };
    assert_eq!(missing.len(), 1);
    assert!(missing[0].what.contains("web-test"), "{missing:?}");
}
