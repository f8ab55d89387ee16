//! The candidate is tested without production traffic.

use super::*;
use crate::ids::Slot;
use crate::testing::*;

/// A candidate in its test whose smoke test has passed.
fn smoke_passed() -> Deployment {
    let mut deployment = testing(BLUE_GREEN);
    let smoke = suite("smoke");
    tell(
        &mut deployment,
        TEST_BEGINS + 5,
        Event::SuiteStarted { suite: smoke.clone() },
    );
    tell(
        &mut deployment,
        TEST_BEGINS + 60,
        Event::SuiteEnded {
            suite: smoke,
            exit_code: 0,
            log: Vec::new(),
        },
    );
    deployment
}

fn decided(healthy: u32) -> Decision {
    record(vec![Event::WeightDecided {
        step: 0,
        weight: weight(100),
        healthy,
        needed: 4,
    }])
}

#[test]
fn the_smoke_test_comes_first_and_the_other_suites_do_not_run_here() {
    let deployment = testing(BLUE_GREEN);
    let world = with_candidate(&deployment.spec, 4, 0);
    let suite = suite("smoke");
    assert_eq!(
        shift(&deployment, &world, TEST_BEGINS + 500),
        record(vec![Event::SuiteStarted { suite }])
    );
}

#[test]
fn a_candidate_whose_smoke_test_failed_gets_no_weight() {
    let mut deployment = smoke_passed();
    deployment.suites.insert(suite("smoke"), 1);
    let world = with_candidate(&deployment.spec, 4, 0);
    let reason = "suite smoke ended with exit code 1".to_owned();
    assert_eq!(
        shift(&deployment, &world, TEST_BEGINS + 500),
        abort(AbortCause::SuiteFailed { reason })
    );
}

#[test]
fn the_test_lasts_as_long_as_the_file_says() {
    let deployment = smoke_passed();
    let world = with_candidate(&deployment.spec, 4, 0);
    let reason = "testing the candidate until 2026-11-20T09:05:20Z";
    for (seconds, left) in [(60, 60), (119, 1)] {
        assert_eq!(
            shift(&deployment, &world, TEST_BEGINS + seconds),
            wait(left, reason)
        );
    }
    for seconds in [120, 121] {
        assert_eq!(shift(&deployment, &world, TEST_BEGINS + seconds), decided(4));
    }
}

#[test]
fn a_canary_with_a_smoke_test_is_tested_no_longer_than_that_takes() {
    let mut deployment = testing(CANARY);
    deployment.spec.post_deployment_tests = vec![suite("smoke")];
    deployment.suites.insert(suite("smoke"), 0);
    let world = with_candidate(&deployment.spec, 1, 0);
    assert_eq!(
        shift(&deployment, &world, TEST_BEGINS),
        record(vec![Event::WeightDecided {
            step: 0,
            weight: weight(25),
            healthy: 1,
            needed: 1,
        }])
    );
}

#[test]
fn a_candidate_that_loses_tasks_in_its_test_gets_no_weight() {
    let deployment = smoke_passed();
    let mut world = with_candidate(&deployment.spec, 4, 0);
    world.slots.get_mut(&Slot::Green).unwrap().healthy = 3;
    let expected = unhealthy("3 of 4 candidate tasks stayed healthy during its test");
    for seconds in [61, 120] {
        assert_eq!(shift(&deployment, &world, TEST_BEGINS + seconds), expected);
    }
    world.slots.get_mut(&Slot::Green).unwrap().healthy = 5;
    assert_eq!(shift(&deployment, &world, TEST_BEGINS + 120), decided(5));
}

#[test]
fn a_candidate_whose_service_is_gone_stops_it() {
    let deployment = smoke_passed();
    let mut world = with_candidate(&deployment.spec, 4, 0);
    world.slots.remove(&Slot::Green);
    assert_eq!(
        shift(&deployment, &world, TEST_BEGINS + 120),
        phase_failed("the candidate's ECS service or task definition is missing")
    );
}

#[test]
fn a_freeze_that_begins_in_the_test_holds_the_weight_back() {
    let mut deployment = smoke_passed();
    freeze(&mut deployment, TEST_BEGINS + 120, TEST_BEGINS + 150);
    let world = with_candidate(&deployment.spec, 4, 0);
    assert_eq!(
        shift(&deployment, &world, TEST_BEGINS + 120),
        wait(30, "freeze until 2026-11-20T09:05:50Z: holidays")
    );
    assert_eq!(shift(&deployment, &world, TEST_BEGINS + 150), decided(4));
}
