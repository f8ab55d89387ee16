//! Suites run one after the other, each one once.

use super::*;
use crate::ids::Slot;
use crate::observation::SuiteRun;
use crate::phases::shift::{Suites, run_suites};
use crate::spec::SuiteName;
use crate::testing::*;

const BEGAN: i64 = TEST_BEGINS + 5;

fn of(deployment: &Deployment, world: &Observation, suites: &[SuiteName], seconds: i64) -> Option<Decision> {
    match run_suites(deployment, world, suites, at(seconds)) {
        Suites::AllPassed => None,
        Suites::Undecided(decision) => Some(decision),
    }
}

/// A deployment with the smoke test running.
fn running() -> Deployment {
    let mut deployment = testing(BLUE_GREEN);
    let suite = suite("smoke");
    tell(&mut deployment, BEGAN, Event::SuiteStarted { suite });
    deployment
}

fn seen(deployment: &Deployment, run: SuiteRun) -> Observation {
    let mut world = with_candidate(&deployment.spec, 4, 0);
    world.suites.insert(suite("smoke"), run);
    world
}

fn ended(exit_code: i32) -> Option<Decision> {
    let suite = suite("smoke");
    Some(record(vec![Event::SuiteEnded {
        suite,
        exit_code,
        log: Vec::new(),
    }]))
}

fn token(decision: Option<Decision>) -> String {
    match decision.unwrap().actions.as_slice() {
        [Action::RunSuite { client_token, .. }] => client_token.clone(),
        other => panic!("no suite is run, but {other:?}"),
    }
}

#[test]
fn suites_need_a_plan() {
    let deployment = requested(BLUE_GREEN);
    let world = at_rest(&deployment.spec);
    assert_eq!(
        of(&deployment, &world, &[suite("smoke")], 10),
        Some(phase_failed("there is no plan yet"))
    );
}

#[test]
fn a_suite_is_put_on_record_before_it_runs() {
    let deployment = testing(BLUE_GREEN);
    let suites = [suite("smoke")];
    let started = Some(record(vec![Event::SuiteStarted {
        suite: suite("smoke"),
    }]));
    let world = with_candidate(&deployment.spec, 4, 0);
    assert_eq!(of(&deployment, &world, &suites, BEGAN), started);
    // Even where a run of it is seen already.
    for run in [SuiteRun::running(), SuiteRun::broken(), SuiteRun::ended(0)] {
        let world = seen(&deployment, run.clone());
        assert_eq!(of(&deployment, &world, &suites, BEGAN), started, "{run:?}");
    }
}

#[test]
fn a_suite_that_is_on_record_is_run_against_the_candidate() {
    let deployment = running();
    let world = with_candidate(&deployment.spec, 4, 0);
    let decision = of(&deployment, &world, &[suite("smoke")], BEGAN + 1).unwrap();
    let run = Action::RunSuite {
        suite: suite("smoke"),
        slot: Slot::Green,
        client_token: crate::hash::sha256_hex(b"web-production-7/smoke"),
    };
    assert_eq!(decision, act_and_wait(vec![run], 20, "suite smoke is running"));
}

#[test]
fn a_suite_has_one_token_of_64_characters_of_its_own() {
    let suites = [suite("smoke")];
    let deployment = running();
    let world = with_candidate(&deployment.spec, 4, 0);
    let first = token(of(&deployment, &world, &suites, BEGAN + 1));
    let again = token(of(&deployment, &world, &suites, BEGAN + 30));
    let mut another = running();
    another.id = "web-production-8".parse().unwrap();
    let other = token(of(&another, &world, &suites, BEGAN + 1));
    assert_eq!(first.len(), 64);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[test]
fn a_suite_that_runs_is_waited_for_until_its_time_is_over() {
    let deployment = running();
    let suites = [suite("smoke")];
    let world = seen(&deployment, SuiteRun::running());
    let hold = Some(wait(20, "suite smoke is running"));
    assert_eq!(of(&deployment, &world, &suites, BEGAN + 1), hold);
    assert_eq!(of(&deployment, &world, &suites, BEGAN + 900), hold);
    let reason = "suite smoke did not end within 900 s".to_owned();
    let late = |log: &[String]| {
        let overdue = Event::SuiteOverdue {
            suite: suite("smoke"),
            seconds: 900,
            log: log.to_vec(),
        };
        let reason = reason.clone();
        Some(abort(AbortCause::SuiteFailed { reason }).after(vec![overdue]))
    };
    assert_eq!(of(&deployment, &world, &suites, BEGAN + 901), late(&[]));
    let log = ["waiting for the queue".to_owned()];
    let hangs = seen(&deployment, SuiteRun::Running { log: log.to_vec() });
    assert_eq!(of(&deployment, &hangs, &suites, BEGAN + 901), late(&log));
    // One that could never be started is given up at the same time.
    let world = with_candidate(&deployment.spec, 4, 0);
    assert_eq!(of(&deployment, &world, &suites, BEGAN + 901), late(&[]));
    let mut deployment = deployment;
    let overdue = Event::SuiteOverdue {
        suite: suite("smoke"),
        seconds: 900,
        log: log.to_vec(),
    };
    assert_eq!(overdue.describe(), reason);
    tell(&mut deployment, BEGAN + 901, overdue);
    assert_eq!(deployment.suite_logs[&suite("smoke")], log);
}

#[test]
fn the_end_of_a_suite_is_told_with_its_code() {
    let deployment = running();
    let suites = [suite("smoke")];
    for (run, expected) in [
        (SuiteRun::ended(0), ended(0)),
        (SuiteRun::ended(3), ended(3)),
        // As a shell says when a command can't be started.
        (SuiteRun::broken(), ended(127)),
    ] {
        // However late it is seen.
        for seconds in [1, 901] {
            let world = seen(&deployment, run.clone());
            assert_eq!(of(&deployment, &world, &suites, BEGAN + seconds), expected);
        }
    }
}

#[test]
fn what_a_suite_wrote_that_failed_is_kept_and_told() {
    let mut deployment = running();
    let suites = [suite("smoke")];
    let log = vec!["FAILED checkout".to_owned()];
    let ended = |exit_code, log: &Vec<String>| Event::SuiteEnded {
        suite: suite("smoke"),
        exit_code,
        log: log.clone(),
    };
    let failed = SuiteRun::Ended {
        exit_code: 3,
        log: log.clone(),
    };
    let stopped = SuiteRun::Broken { log: log.clone() };
    for (run, exit_code) in [(failed, 3), (stopped, 127)] {
        let world = seen(&deployment, run);
        let told = Some(record(vec![ended(exit_code, &log)]));
        assert_eq!(of(&deployment, &world, &suites, BEGAN + 1), told);
    }
    let passed = ended(0, &log);
    assert_eq!(passed.failed_suite(), None);
    assert_eq!(
        ended(3, &log).failed_suite(),
        Some((&suite("smoke"), log.as_slice()))
    );
    tell(&mut deployment, BEGAN + 1, ended(3, &Vec::new()));
    assert!(deployment.suite_logs.is_empty());
    tell(&mut deployment, BEGAN + 1, ended(3, &log));
    assert_eq!(deployment.suite_logs[&suite("smoke")], log);
}

#[test]
fn a_suite_that_failed_stops_those_after_it() {
    let mut deployment = running();
    let suites = [suite("smoke"), suite("load")];
    let world = with_candidate(&deployment.spec, 4, 0);
    for code in [1, -1, 127] {
        deployment.suites.insert(suite("smoke"), code);
        let reason = format!("suite smoke ended with exit code {code}");
        assert_eq!(
            of(&deployment, &world, &suites, 400),
            Some(abort(AbortCause::SuiteFailed { reason }))
        );
    }
}

#[test]
fn suites_run_in_their_order_until_all_have_passed() {
    let mut deployment = running();
    let suites = [suite("smoke"), suite("load")];
    let world = with_candidate(&deployment.spec, 4, 0);
    deployment.suites.insert(suite("smoke"), 0);
    let next = suite("load");
    assert_eq!(
        of(&deployment, &world, &suites, 400),
        Some(record(vec![Event::SuiteStarted { suite: next.clone() }]))
    );
    deployment.suites.insert(next, 0);
    assert_eq!(of(&deployment, &world, &suites, 400), None);
    assert_eq!(of(&deployment, &world, &[], 400), None);
}
