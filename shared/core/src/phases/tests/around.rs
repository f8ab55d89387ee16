//! Prepare, validate and complete: what is done before and after traffic is moved.

use super::*;
use crate::deployment::{Phase, Stage};
use crate::exit::{Exit, ExitState};
use crate::ids::Slot;
use crate::phases::{decide_complete, decide_prepare, decide_validate};
use crate::testing::*;

/// When validation begins.
const VALIDATION: i64 = 810;

fn unregistered(file: &str) -> Deployment {
    let mut deployment = planned(file);
    deployment.revision.task_definition = None;
    deployment
}

fn register(deployment: &Deployment, copy_of: &str) -> Decision {
    act(vec![Action::RegisterTaskDefinition {
        copy_of: copy_of.to_owned(),
        image: format!("registry/web@{}", digest("2")),
        resources: deployment.spec.resources,
        container: deployment.spec.configuration.container.clone(),
        deployment: "web-production-7".parse().unwrap(),
    }])
}

fn validate(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide_validate(deployment, world, at(seconds))
}

/// A deployment that validates, all of whose suites have passed.
fn validated() -> Deployment {
    let mut deployment = shifted(BLUE_GREEN, Phase::Validate);
    for name in ["smoke", "load"] {
        deployment.suites.insert(suite(name), 0);
    }
    deployment
}

#[test]
fn every_phase_after_the_plan_needs_one() {
    let deployment = requested(CANARY);
    let world = at_rest(&deployment.spec);
    let missing = phase_failed("there is no plan yet");
    assert_eq!(decide_prepare(&deployment, &world), missing);
    assert_eq!(validate(&deployment, &world, 10), missing);
    assert_eq!(decide_complete(&deployment, at(10)), missing);
}

#[test]
fn the_candidates_task_definition_is_a_copy_of_stables() {
    let deployment = unregistered(CANARY);
    let mut world = at_rest(&deployment.spec);
    assert_eq!(
        decide_prepare(&deployment, &world),
        register(&deployment, "web:1")
    );
    // A run before this one has registered it: it is found, not registered twice.
    world.registered_task_definition = Some("web:2".to_owned());
    let arn = "web:2".to_owned();
    assert_eq!(
        decide_prepare(&deployment, &world),
        record(vec![Event::TaskDefinitionRegistered { arn }])
    );
}

#[test]
fn a_first_deployment_copies_what_the_service_was_made_with() {
    let mut deployment = unregistered(CANARY);
    deployment.plan.as_mut().unwrap().stable = None;
    let mut world = at_rest(&deployment.spec);
    assert_eq!(
        decide_prepare(&deployment, &world),
        register(&deployment, "web:0")
    );
    world.slots.remove(&Slot::Green);
    assert_eq!(
        decide_prepare(&deployment, &world),
        phase_failed("there is no task definition to copy")
    );
}

#[test]
fn the_candidates_health_check_is_set_where_the_balancer_has_another_one() {
    let deployment = planned(CANARY);
    let mut world = at_rest(&deployment.spec);
    assert_eq!(decide_prepare(&deployment, &world), done());
    world.slots.get_mut(&Slot::Blue).unwrap().health_check_matches = false;
    assert_eq!(decide_prepare(&deployment, &world), done());
    world.slots.get_mut(&Slot::Green).unwrap().health_check_matches = false;
    let health_check = deployment.spec.health_check.clone().unwrap();
    assert_eq!(
        decide_prepare(&deployment, &world),
        act(vec![Action::ConfigureHealthCheck {
            slot: Slot::Green,
            health_check,
        }])
    );
    let mut unasked = planned(CANARY);
    unasked.spec.health_check = None;
    assert_eq!(decide_prepare(&unasked, &world), done());
    let mut elsewhere = planned(WORKER);
    elsewhere.spec.health_check = deployment.spec.health_check.clone();
    assert_eq!(decide_prepare(&elsewhere, &world), done());
    world.slots.remove(&Slot::Green);
    assert_eq!(decide_prepare(&deployment, &world), done());
}

#[test]
fn every_suite_runs_after_the_last_step() {
    let mut deployment = shifted(BLUE_GREEN, Phase::Validate);
    let world = with_candidate(&deployment.spec, 4, 100);
    deployment.suites.insert(suite("smoke"), 0);
    let load = suite("load");
    assert_eq!(
        validate(&deployment, &world, VALIDATION),
        record(vec![Event::SuiteStarted { suite: load.clone() }])
    );
    deployment.suites.insert(load, 2);
    let reason = "suite load ended with exit code 2".to_owned();
    assert_eq!(
        validate(&deployment, &world, VALIDATION),
        abort(AbortCause::SuiteFailed { reason })
    );
}

#[test]
fn validation_is_done_when_all_targets_are_healthy() {
    let deployment = validated();
    let mut world = with_candidate(&deployment.spec, 4, 100);
    for healthy in [4, 5] {
        world.slots.get_mut(&Slot::Green).unwrap().healthy = healthy;
        assert_eq!(validate(&deployment, &world, VALIDATION + 601), done());
    }
    world.slots.get_mut(&Slot::Green).unwrap().healthy = 3;
    for seconds in [0, 600] {
        assert_eq!(
            validate(&deployment, &world, VALIDATION + seconds),
            wait(20, "3 of 4 targets are healthy")
        );
    }
    assert_eq!(
        validate(&deployment, &world, VALIDATION + 601),
        unhealthy("3 of 4 targets are healthy after the last step")
    );
    world.slots.remove(&Slot::Green);
    assert_eq!(
        validate(&deployment, &world, VALIDATION),
        wait(20, "0 of 4 targets are healthy")
    );
}

#[test]
fn a_deployment_completes_after_its_shift_only() {
    let mut deployment = shifted(CANARY, Phase::Complete);
    let exit = Exit {
        state: ExitState::Completed,
        at: at(900),
        reason: "web:v2 serves all traffic from the green slot".to_owned(),
        remedy: None,
    };
    assert_eq!(
        decide_complete(&deployment, at(900)),
        Decision {
            events: vec![Event::Exited { exit }],
            ..done()
        }
    );
    for stage in [Stage::Scaling, Stage::Testing, Stage::Raising, Stage::Baking] {
        deployment.shift.stage = stage;
        assert_eq!(
            decide_complete(&deployment, at(900)),
            phase_failed("the shift has not ended; it can't be completed")
        );
    }
}
