//! HTTP tests: tried until they pass, so often and no more, however many functions die.

use super::*;
use crate::deployment::Phase;
use crate::http::{HttpMoment, HttpTry};
use crate::observation::Question;
use crate::phases::decide;
use crate::phases::http::run_http;
use crate::testing::*;

const PAGES: &str = "\
validate:
  http:
    - {name: health, url: \"https://web.example.com/health\", retries: 2, every: 10s}
    - {name: version, url: \"https://web.example.com/version\", retries: 0}
    - {name: early, url: \"https://${slot}.web.example.com/health\", when: before-traffic}
";

fn validating() -> Deployment {
    shifted(&format!("{BLUE_GREEN}{PAGES}"), Phase::Validate)
}

fn tried(number: u32, of: u32, problem: Option<&str>) -> HttpTry {
    HttpTry {
        number,
        of,
        status: Some(if problem.is_some() { 503 } else { 200 }),
        millis: 40,
        problem: problem.map(str::to_owned),
    }
}

fn event(test: &str, tried: HttpTry) -> Event {
    Event::HttpTested {
        test: test.to_owned(),
        tried,
    }
}

fn seen(tries: &[(&str, HttpTry)]) -> Observation {
    let mut world = Observation::default();
    for (test, tried) in tries {
        world.http.insert((*test).to_owned(), tried.clone());
    }
    world
}

fn of(deployment: &Deployment, world: &Observation, seconds: i64) -> Option<Decision> {
    run_http(deployment, world, HttpMoment::AfterShift, at(seconds))
}

fn asked(deployment: &Deployment, seconds: i64) -> Vec<(String, u32)> {
    let question = Question::of(deployment, at(seconds));
    question
        .http()
        .iter()
        .map(|(name, number)| (name.clone(), *number))
        .collect()
}

fn due(tests: &[(&str, u32)]) -> Vec<(String, u32)> {
    tests
        .iter()
        .map(|(name, number)| ((*name).to_owned(), *number))
        .collect()
}

#[test]
fn all_that_are_due_are_tried_at_once_and_put_on_record() {
    let mut deployment = validating();
    assert_eq!(asked(&deployment, 5000), due(&[("health", 1), ("version", 1)]));
    let world = seen(&[
        ("health", tried(1, 3, Some("down"))),
        ("version", tried(1, 1, None)),
    ]);
    let events = vec![
        event("health", tried(1, 3, Some("down"))),
        event("version", tried(1, 1, None)),
    ];
    assert_eq!(of(&deployment, &world, 5000), Some(record(events.clone())));
    for event in events {
        tell(&mut deployment, 5000, event);
    }
    // What was read before is no second try.
    let hold = Some(wait(
        10,
        "HTTP test health failed 1 of 3 times; it is tried again",
    ));
    assert_eq!(of(&deployment, &world, 5000), hold);
    assert_eq!(asked(&deployment, 5009), due(&[]));
    assert_eq!(asked(&deployment, 5010), due(&[("health", 2)]));
    // It became due between reading and deciding.
    let soon = Some(wait(1, "HTTP test health failed 1 of 3 times; it is tried again"));
    assert_eq!(of(&deployment, &world, 5010), soon);
    let world = seen(&[("health", tried(2, 3, None))]);
    tell(&mut deployment, 5010, event("health", tried(2, 3, None)));
    assert_eq!(of(&deployment, &world, 5010), None);
    assert_eq!(asked(&deployment, 9000), due(&[]));
}

#[test]
fn one_that_was_tried_often_enough_stops_the_deployment() {
    let mut deployment = validating();
    for (number, seconds) in [(1, 5000), (2, 5010), (3, 5020)] {
        assert!(
            of(&deployment, &Observation::default(), seconds)
                .unwrap()
                .actions
                .is_empty()
        );
        tell(
            &mut deployment,
            seconds,
            event("health", tried(number, 3, Some("the status is 503, not 200"))),
        );
    }
    let reason = "HTTP test health failed 3 times: the status is 503, not 200";
    let stop = |reason: &str| {
        let reason = reason.to_owned();
        Some(abort(AbortCause::SuiteFailed { reason }))
    };
    assert_eq!(of(&deployment, &Observation::default(), 5020), stop(reason));
    assert_eq!(asked(&deployment, 9000), due(&[("version", 1)]));
    let mut deployment = validating();
    tell(
        &mut deployment,
        5000,
        event("version", tried(1, 1, Some("the body is no JSON"))),
    );
    assert_eq!(
        of(&deployment, &Observation::default(), 5000),
        stop("HTTP test version failed: the body is no JSON")
    );
}

#[test]
fn nothing_is_asked_before_its_time() {
    for phase in [Phase::Prepare, Phase::Shift, Phase::Complete] {
        let deployment = shifted(&format!("{BLUE_GREEN}{PAGES}"), phase);
        assert_eq!(asked(&deployment, 9000), due(&[]), "{phase:?}");
    }
    let early = testing(&format!("{BLUE_GREEN}{PAGES}"));
    assert_eq!(asked(&early, 400), due(&[("early", 1)]));
    let gate = "gates: [{before: validate, approvals: [{role: tech-lead}]}]\n";
    let gated = shifted(&format!("{BLUE_GREEN}{PAGES}{gate}"), Phase::Validate);
    assert_eq!(asked(&gated, 9000), due(&[]));
}

#[test]
fn a_candidate_is_tried_before_it_gets_any_traffic() {
    let mut deployment = testing(&format!("{BLUE_GREEN}{PAGES}"));
    let mut world = with_candidate(&deployment.spec, 4, 0);
    world.http.insert("early".to_owned(), tried(1, 4, Some("down")));
    let decision = shift(&deployment, &world, TEST_BEGINS + 5);
    assert_eq!(decision, record(vec![event("early", tried(1, 4, Some("down")))]));
    tell(
        &mut deployment,
        TEST_BEGINS + 5,
        event("early", tried(1, 4, Some("down"))),
    );
    let decision = shift(&deployment, &world, TEST_BEGINS + 5);
    assert_eq!(
        decision,
        wait(5, "HTTP test early failed 1 of 4 times; it is tried again")
    );
    for number in 2..=4 {
        tell(
            &mut deployment,
            TEST_BEGINS + 5,
            event("early", tried(number, 4, Some("down"))),
        );
    }
    let reason = "HTTP test early failed 4 times: down".to_owned();
    let decision = shift(&deployment, &world, TEST_BEGINS + 5);
    assert_eq!(decision, abort(AbortCause::SuiteFailed { reason }));
}

#[test]
fn pages_come_before_suites() {
    let mut deployment = validating();
    let world = seen(&[("health", tried(1, 3, None)), ("version", tried(1, 1, None))]);
    let first = decide(Phase::Validate, &deployment, &world, at(5000));
    assert_eq!(first.events.len(), 2);
    for event in first.events {
        tell(&mut deployment, 5000, event);
    }
    let next = decide(Phase::Validate, &deployment, &world, at(5000));
    let began = deployment.spec.post_deployment_tests.first().cloned();
    assert_eq!(
        next.events.first(),
        began.map(|suite| Event::SuiteStarted { suite }).as_ref()
    );
}

#[test]
fn an_answer_to_an_earlier_question_is_none_to_the_next_try() {
    let mut deployment = validating();
    let first = Question::of(&deployment, at(5000));
    assert!(first.covers(&first));
    tell(&mut deployment, 5000, event("health", tried(1, 3, Some("down"))));
    tell(&mut deployment, 5000, event("version", tried(1, 1, None)));
    let meanwhile = Question::of(&deployment, at(5005));
    assert!(first.covers(&meanwhile));
    let again = Question::of(&deployment, at(5010));
    assert!(!first.covers(&again) && !meanwhile.covers(&again));
}
