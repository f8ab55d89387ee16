//! The weight is set and read back.

use super::*;
use crate::deployment::Traffic;
use crate::ids::Slot;
use crate::testing::*;

const MISSING: &str = "the candidate's ECS service or task definition is missing";

fn reached(percent: u8) -> Decision {
    record(vec![Event::WeightReached {
        step: 0,
        weight: weight(percent),
    }])
}

fn set(green: u32) -> Decision {
    act(vec![Action::SetTrafficWeight {
        forward: forward(green),
    }])
}

/// The only step of a service without a load balancer, whose last one is to take all work.
fn worker_at_full() -> Deployment {
    let mut deployment = raising(WORKER);
    deployment.shift.step = 1;
    deployment
}

#[test]
fn the_weight_is_set_with_the_stickiness_kept_until_it_is_read_back() {
    let deployment = raising(CANARY);
    let world = with_candidate(&deployment.spec, 1, 0);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), set(25));
    let world = with_candidate(&deployment.spec, 1, 25);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), reached(25));
}

#[test]
fn a_weight_that_never_comes_fails_the_phase() {
    let deployment = raising(CANARY);
    let world = with_candidate(&deployment.spec, 1, 0);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS + 600), set(25));
    assert_eq!(
        shift(&deployment, &world, RAISE_BEGINS + 601),
        phase_failed("the weight does not become 25 %")
    );
    // What is there is there, however long it took.
    let world = with_candidate(&deployment.spec, 1, 25);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS + 601), reached(25));
}

#[test]
fn weight_is_raised_only_towards_enough_healthy_targets() {
    let deployment = raising(BLUE_GREEN);
    let mut world = with_candidate(&deployment.spec, 4, 0);
    for (healthy, expected) in [
        (3, unhealthy("3 of 4 targets are healthy")),
        (4, set(100)),
        (5, set(100)),
    ] {
        world.slots.get_mut(&Slot::Green).unwrap().healthy = healthy;
        assert_eq!(shift(&deployment, &world, RAISE_BEGINS), expected, "{healthy}");
    }
}

#[test]
fn weight_is_not_raised_in_a_freeze_but_what_is_there_is_told() {
    let mut deployment = raising(CANARY);
    freeze(&mut deployment, RAISE_BEGINS + 10, RAISE_BEGINS + 40);
    let before = with_candidate(&deployment.spec, 1, 0);
    assert_eq!(shift(&deployment, &before, RAISE_BEGINS + 9), set(25));
    assert_eq!(
        shift(&deployment, &before, RAISE_BEGINS + 10),
        wait(30, "freeze until 2026-11-20T09:06:30Z: holidays")
    );
    let after = with_candidate(&deployment.spec, 1, 25);
    assert_eq!(shift(&deployment, &after, RAISE_BEGINS + 10), reached(25));
}

#[test]
fn a_candidate_whose_service_is_gone_stops_it() {
    let deployment = raising(CANARY);
    let mut world = with_candidate(&deployment.spec, 1, 0);
    world.slots.remove(&Slot::Green);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), phase_failed(MISSING));
}

#[test]
fn a_rule_with_a_third_target_group_is_not_written() {
    let deployment = raising(CANARY);
    let mut world = with_candidate(&deployment.spec, 1, 0);
    let rule = world.forward.as_mut().unwrap();
    rule.target_groups.push(("another".to_owned(), 0));
    assert_eq!(
        shift(&deployment, &world, RAISE_BEGINS),
        changed_outside("the listener rule no longer names the two target groups")
    );
}

#[test]
fn without_a_balancer_the_share_below_100_is_there_with_the_tasks() {
    let deployment = raising(WORKER);
    let world = with_candidate(&deployment.spec, 2, 0);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), reached(25));
}

#[test]
fn without_a_balancer_all_work_is_taken_by_stopping_stable() {
    let deployment = worker_at_full();
    let mut world = with_candidate(&deployment.spec, 4, 0);
    let reached = record(vec![Event::WeightReached {
        step: 1,
        weight: weight(100),
    }]);
    let stop = Action::SetDesiredCount {
        slot: Slot::Blue,
        desired: 0,
    };
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), act(vec![stop]));
    world.slots.get_mut(&Slot::Blue).unwrap().desired = 0;
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), reached);
    world.slots.remove(&Slot::Blue);
    assert_eq!(shift(&deployment, &world, RAISE_BEGINS), reached);
}

#[test]
fn in_one_service_the_weight_comes_with_the_tasks() {
    for file in [ROLLING, RECREATE] {
        let deployment = raising(file);
        let plan = deployment.plan.as_ref().unwrap();
        assert!(matches!(plan.traffic, Traffic::Rolling | Traffic::Recreate));
        let world = with_candidate(&deployment.spec, 4, 0);
        assert_eq!(shift(&deployment, &world, RAISE_BEGINS), reached(100));
    }
}
