//! What holds at every stage of the shift, and its first one: tasks for the weight that comes.

use super::*;
use crate::deployment::Stage;
use crate::ids::Slot;
use crate::observation::{AlarmState, Rollout};
use crate::testing::*;

const UNREADABLE: &str = "alarm web-production-errors can't be read: 8 errors";

fn update(slot: Slot, desired: u32, grace_seconds: Option<u32>) -> Action {
    Action::UpdateService {
        slot,
        task_definition: "web:2".to_owned(),
        desired,
        grace_seconds,
        circuit_breaker: true,
    }
}

fn stop(slot: Slot) -> Action {
    Action::SetDesiredCount { slot, desired: 0 }
}

fn started(step: usize, tasks: u32) -> Event {
    Event::ScalingStarted { step, tasks }
}

fn decided(step: usize, percent: u8, healthy: u32, needed: u32) -> Event {
    Event::WeightDecided {
        step,
        weight: weight(percent),
        healthy,
        needed,
    }
}

/// The second step of the canary, where all 4 tasks are needed.
fn second_step() -> Deployment {
    let mut deployment = baking(CANARY);
    tell(&mut deployment, 800, started(1, 4));
    deployment
}

#[test]
fn a_shift_without_a_plan_fails() {
    let deployment = requested(CANARY);
    let world = at_rest(&deployment.spec);
    assert_eq!(
        shift(&deployment, &world, 100),
        phase_failed("there is no plan yet")
    );
}

#[test]
fn a_shift_is_done_after_its_last_step() {
    let mut past = scaling(CANARY);
    past.shift.step = 2;
    let mut ended = second_step();
    tell(&mut ended, 900, Event::ShiftDone);
    assert_eq!(
        (ended.shift.step, ended.shift.stage, ended.shift.weight),
        (1, Stage::Done, weight(25))
    );
    assert_eq!(shift(&past, &at_rest(&past.spec), 900), done());
    assert_eq!(shift(&ended, &with_candidate(&ended.spec, 4, 25), 900), done());
}

#[test]
fn weights_that_nobody_here_set_stop_the_shift() {
    let scaling = scaling(CANARY);
    let raising = raising(CANARY);
    let baking = baking(CANARY);
    let found = |green: &str, left: &str| {
        changed_outside(&format!(
            "the listener rule gives the candidate {green}, but it was left at {left}"
        ))
    };
    let cases = [
        (&scaling, 25, found("25 %", "0 %")),
        (&scaling, 100, found("100 %", "0 %")),
        (&raising, 24, found("24 %", "0 %")),
        (&raising, 100, found("100 %", "0 %")),
        (&baking, 0, found("0 %", "25 %")),
        (&baking, 100, found("100 %", "25 %")),
    ];
    for (deployment, green, expected) in cases {
        let world = with_candidate(&deployment.spec, 1, green);
        assert_eq!(shift(deployment, &world, 400), expected, "{green}");
    }
}

#[test]
fn weights_that_are_as_left_or_as_being_set_do_not_stop_the_shift() {
    let (scaling, raising, baking) = (scaling(CANARY), raising(CANARY), baking(CANARY));
    for (deployment, green) in [(&scaling, 0), (&raising, 0), (&raising, 25), (&baking, 25)] {
        let world = with_candidate(&deployment.spec, 1, green);
        let outcome = shift(deployment, &world, 400).outcome;
        assert!(!matches!(outcome, Outcome::Abort(_)), "{green}: {outcome:?}");
    }
}

#[test]
fn a_listener_rule_that_shares_nothing_clear_stops_the_shift() {
    let deployment = scaling(CANARY);
    let expected = changed_outside("the listener rule no longer shares 100 between the two target groups");
    let mut absent = at_rest(&deployment.spec);
    absent.forward = None;
    let mut odd = at_rest(&deployment.spec);
    odd.forward.as_mut().unwrap().target_groups[0].1 = 99;
    let mut unwired = scaling(CANARY);
    unwired.plan.as_mut().unwrap().wiring.balancer = None;
    assert_eq!(shift(&deployment, &absent, 101), expected);
    assert_eq!(shift(&deployment, &odd, 101), expected);
    assert_eq!(shift(&unwired, &at_rest(&deployment.spec), 101), expected);
}

#[test]
fn a_service_without_a_balancer_has_no_weights_to_be_changed() {
    let deployment = scaling(WORKER);
    let mut world = with_candidate(&deployment.spec, 2, 0);
    world.forward = Some(forward(50));
    assert_eq!(
        shift(&deployment, &world, 101),
        record(vec![decided(0, 25, 2, 2)])
    );
}

#[test]
fn an_alarm_that_cannot_be_read_holds_for_a_while_and_then_rolls_back() {
    let deployment = baking(CANARY);
    let mut world = with_candidate(&deployment.spec, 1, 25);
    world.alarms = vec![
        alarm("web-production-latency", AlarmState::Ok),
        alarm(ALARM, AlarmState::Unreadable),
    ];
    // 10 minutes for tasks and 5 of this bake.
    let limit = BAKE_BEGINS + 600 + 300;
    assert_eq!(shift(&deployment, &world, BAKE_BEGINS), wait(20, UNREADABLE));
    assert_eq!(shift(&deployment, &world, limit), wait(20, UNREADABLE));
    let reason = UNREADABLE.to_owned();
    assert_eq!(
        shift(&deployment, &world, limit + 1),
        abort(AbortCause::AnalysisInconclusive { reason })
    );
}

#[test]
fn an_unreadable_alarm_that_was_set_aside_holds_nothing() {
    let mut deployment = scaling(CANARY);
    set_aside(&mut deployment, "alarm:web-production-errors");
    let mut world = with_candidate(&deployment.spec, 1, 0);
    world.alarms = vec![alarm(ALARM, AlarmState::Unreadable)];
    let expected = record(vec![decided(0, 25, 1, 1)]);
    assert_eq!(shift(&deployment, &world, 101), expected);
    // Alarms in any other state are not unreadable.
    for state in [AlarmState::Ok, AlarmState::InsufficientData, AlarmState::Alarm] {
        world.alarms = vec![alarm("another", state)];
        assert_eq!(shift(&deployment, &world, 101), expected, "{state:?}");
    }
}

#[test]
fn no_tasks_are_started_in_a_freeze() {
    let mut deployment = scaling(CANARY);
    freeze(&mut deployment, 150, 1150);
    let world = at_rest(&deployment.spec);
    let frozen = "freeze until 2026-11-20T09:19:10Z: holidays";
    let starts = |seconds| !shift(&deployment, &world, seconds).actions.is_empty();
    assert!(starts(149));
    // Looked at again every 10 minutes, and at the end.
    for (now, seconds) in [(150, 600), (549, 600), (550, 600), (551, 599), (1149, 1)] {
        assert_eq!(shift(&deployment, &world, now), wait(seconds, frozen), "{now}");
    }
    assert!(starts(1150));
}

#[test]
fn a_candidate_without_service_or_task_definition_fails_the_phase() {
    let missing = phase_failed("the candidate's ECS service or task definition is missing");
    let deployment = scaling(CANARY);
    let mut world = at_rest(&deployment.spec);
    world.slots.remove(&Slot::Green);
    assert_eq!(shift(&deployment, &world, 101), missing);

    let mut unregistered = scaling(CANARY);
    unregistered.revision.task_definition = None;
    assert_eq!(shift(&unregistered, &at_rest(&unregistered.spec), 101), missing);
}

#[test]
fn a_candidate_that_ecs_gave_up_is_unhealthy() {
    let failed = || Rollout::Failed("tasks failed to start".to_owned());
    let deployment = scaling(CANARY);
    let mut world = with_candidate(&deployment.spec, 1, 0);
    world.slots.get_mut(&Slot::Green).unwrap().rollout = failed();
    assert_eq!(
        shift(&deployment, &world, 101),
        unhealthy("tasks failed to start")
    );

    // In one service, ECS's circuit breaker has put the old task definition back by now.
    let rolling = scaling(ROLLING);
    let mut world = at_rest(&rolling.spec);
    world.slots.get_mut(&Slot::Blue).unwrap().rollout = failed();
    assert_eq!(shift(&rolling, &world, 101), unhealthy("tasks failed to start"));
}

#[test]
fn what_failed_in_the_slot_before_does_not_count_against_the_candidate() {
    let deployment = scaling(CANARY);
    let mut world = at_rest(&deployment.spec);
    world.slots.get_mut(&Slot::Green).unwrap().rollout = Rollout::Failed("long ago".to_owned());
    assert_eq!(
        shift(&deployment, &world, 101),
        Decision {
            events: vec![started(0, 1)],
            ..act_and_wait(
                vec![update(Slot::Green, 1, Some(40))],
                100,
                "0 of 1 candidate tasks are healthy"
            )
        }
    );
}

#[test]
fn the_candidate_is_started_once_and_then_waited_for() {
    let mut deployment = scaling(CANARY);
    let mut world = at_rest(&deployment.spec);
    let told = act_and_wait(
        vec![update(Slot::Green, 1, Some(40))],
        100,
        "0 of 1 candidate tasks are healthy",
    );
    let first = Decision {
        events: vec![started(0, 1)],
        ..told.clone()
    };
    assert_eq!(shift(&deployment, &world, 101), first);
    // It is on record now; a service that was not told is told again.
    tell(&mut deployment, 101, started(0, 1));
    assert_eq!(shift(&deployment, &world, 102), told);

    world.slots.insert(Slot::Green, service("web:2", 1));
    let slot = world.slots.get_mut(&Slot::Green).unwrap();
    (slot.healthy, slot.rollout) = (0, Rollout::InProgress);
    assert_eq!(
        shift(&deployment, &world, 110),
        wait(20, "0 of 1 candidate tasks are healthy")
    );
}

#[test]
fn a_candidate_of_the_right_revision_with_too_few_tasks_gets_more() {
    let deployment = second_step();
    let mut world = with_candidate(&deployment.spec, 3, 25);
    let more = act_and_wait(
        vec![update(Slot::Green, 4, Some(40))],
        100,
        "3 of 4 candidate tasks are healthy",
    );
    assert_eq!(shift(&deployment, &world, 801), more);
    world.slots.get_mut(&Slot::Green).unwrap().desired = 4;
    assert_eq!(
        shift(&deployment, &world, 801),
        wait(20, "3 of 4 candidate tasks are healthy")
    );
}

#[test]
fn enough_tasks_of_another_revision_are_replaced() {
    let deployment = second_step();
    let mut world = with_candidate(&deployment.spec, 4, 25);
    world.slots.get_mut(&Slot::Green).unwrap().task_definition = "web:0".to_owned();
    assert_eq!(
        shift(&deployment, &world, 801),
        act_and_wait(
            vec![update(Slot::Green, 4, Some(40))],
            100,
            "4 of 4 candidate tasks are healthy"
        )
    );
}

#[test]
fn the_weight_is_decided_only_for_enough_healthy_tasks_after_the_rollout() {
    let deployment = second_step();
    let ready = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(
        shift(&deployment, &ready, 801),
        record(vec![decided(1, 100, 4, 4)])
    );
    let mut more = ready.clone();
    more.slots.insert(Slot::Green, service("web:2", 5));
    assert_eq!(
        shift(&deployment, &more, 801),
        record(vec![decided(1, 100, 5, 4)])
    );

    let lacking: [fn(&mut crate::observation::SlotState); 4] = [
        |slot| slot.healthy = 3,
        |slot| slot.desired = 3,
        |slot| slot.rollout = Rollout::InProgress,
        |slot| slot.task_definition = "web:0".to_owned(),
    ];
    for (index, take) in lacking.into_iter().enumerate() {
        let mut world = ready.clone();
        take(world.slots.get_mut(&Slot::Green).unwrap());
        let decision = shift(&deployment, &world, 801);
        assert_eq!(decision.events, Vec::new(), "{index}");
        assert!(matches!(decision.outcome, Outcome::Wait { .. }), "{index}");
    }
}

#[test]
fn tasks_that_do_not_become_healthy_in_time_stop_the_shift() {
    let deployment = second_step();
    let mut world = with_candidate(&deployment.spec, 4, 25);
    world.slots.get_mut(&Slot::Green).unwrap().healthy = 3;
    let hold = wait(20, "3 of 4 candidate tasks are healthy");
    assert_eq!(shift(&deployment, &world, 800 + 600), hold);
    assert_eq!(
        shift(&deployment, &world, 800 + 601),
        unhealthy("3 of 4 tasks were healthy after 600 s")
    );
}

#[test]
fn time_in_a_freeze_does_not_count_against_the_candidate() {
    let mut deployment = second_step();
    freeze(&mut deployment, 850, 1500);
    freeze(&mut deployment, 850, 1200);
    // This one is still to come.
    freeze(&mut deployment, 5000, 6000);
    let mut world = with_candidate(&deployment.spec, 4, 25);
    world.slots.get_mut(&Slot::Green).unwrap().healthy = 3;
    let hold = wait(20, "3 of 4 candidate tasks are healthy");
    assert_eq!(shift(&deployment, &world, 1500), hold);
    assert_eq!(shift(&deployment, &world, 1500 + 600), hold);
    assert_eq!(
        shift(&deployment, &world, 1500 + 601),
        unhealthy("3 of 4 tasks were healthy after 600 s")
    );
}

#[test]
fn a_freeze_before_the_step_gives_it_no_more_time_and_takes_none() {
    let mut deployment = second_step();
    freeze(&mut deployment, 100, 300);
    let mut world = with_candidate(&deployment.spec, 4, 25);
    world.slots.get_mut(&Slot::Green).unwrap().healthy = 3;
    let hold = wait(20, "3 of 4 candidate tasks are healthy");
    assert_eq!(shift(&deployment, &world, 800 + 600), hold);
    assert_eq!(
        shift(&deployment, &world, 800 + 601),
        unhealthy("3 of 4 tasks were healthy after 600 s")
    );
}

#[test]
fn the_first_wait_for_tasks_is_as_long_as_they_should_take() {
    // 30 s to start, the file's delay, 30 s for two checks; at most 5 minutes.
    for (delay, seconds) in [
        (Some(0), 60),
        (Some(40), 100),
        (Some(239), 299),
        (Some(241), 300),
        (None, 60),
    ] {
        let mut deployment = scaling(CANARY);
        match (delay, &mut deployment.spec.health_check) {
            (Some(delay), Some(check)) => check.initial_delay_seconds = delay,
            (None | Some(_), check) => *check = None,
        }
        let decision = shift(&deployment, &at_rest(&deployment.spec), 101);
        assert_eq!(decision.actions, vec![update(Slot::Green, 1, delay)]);
        let reason = "0 of 1 candidate tasks are healthy".to_owned();
        assert_eq!(decision.outcome, Outcome::Wait { seconds, reason }, "{delay:?}");
    }
}

#[test]
fn a_rolling_update_says_that_it_takes_traffic_before_it_does() {
    let mut deployment = scaling(ROLLING);
    let mut world = at_rest(&deployment.spec);
    let told = act_and_wait(
        vec![update(Slot::Blue, 4, None)],
        60,
        "4 of 4 candidate tasks are healthy",
    );
    let first = Decision {
        events: vec![decided(0, 100, 4, 4), started(0, 4)],
        ..told.clone()
    };
    assert_eq!(shift(&deployment, &world, 101), first);
    for event in first.events {
        tell(&mut deployment, 101, event);
    }
    assert_eq!(deployment.shift.stage, Stage::Scaling);
    assert_eq!(shift(&deployment, &world, 102), told);
    // After a change of the number, it is said again that tasks are started, not that traffic is taken.
    deployment.shift.tasks = 3;
    let again = Decision {
        events: vec![started(0, 4)],
        ..told
    };
    assert_eq!(shift(&deployment, &world, 102), again);

    world.slots.insert(Slot::Blue, service("web:2", 4));
    let weight = weight(100);
    assert_eq!(
        shift(&deployment, &world, 200),
        record(vec![Event::WeightReached { step: 0, weight }])
    );
}

#[test]
fn recreate_stops_all_old_tasks_before_it_starts_new_ones() {
    let mut deployment = scaling(RECREATE);
    let mut world = at_rest(&deployment.spec);
    let stopping = act_and_wait(vec![stop(Slot::Blue)], 20, "the old tasks are stopping");
    let first = Decision {
        events: vec![decided(0, 100, 4, 4), started(0, 4)],
        ..stopping.clone()
    };
    assert_eq!(shift(&deployment, &world, 101), first);
    for event in first.events {
        tell(&mut deployment, 101, event);
    }
    assert_eq!(shift(&deployment, &world, 102), stopping);

    let slot = world.slots.get_mut(&Slot::Blue).unwrap();
    (slot.desired, slot.running, slot.healthy) = (0, 2, 1);
    assert_eq!(
        shift(&deployment, &world, 120),
        wait(20, "2 old tasks are stopping")
    );

    let slot = world.slots.get_mut(&Slot::Blue).unwrap();
    (slot.running, slot.healthy) = (0, 0);
    let start = act_and_wait(
        vec![update(Slot::Blue, 4, None)],
        60,
        "0 of 4 candidate tasks are healthy",
    );
    assert_eq!(shift(&deployment, &world, 140), start);

    world.slots.insert(Slot::Blue, service("web:2", 4));
    let weight = weight(100);
    assert_eq!(
        shift(&deployment, &world, 200),
        record(vec![Event::WeightReached { step: 0, weight }])
    );
}

#[test]
fn recreate_starts_a_service_that_was_empty_at_once() {
    let deployment = scaling(RECREATE);
    let mut world = at_rest(&deployment.spec);
    world.slots.insert(Slot::Blue, service("web:1", 0));
    assert_eq!(
        shift(&deployment, &world, 101),
        Decision {
            events: vec![started(0, 4)],
            ..act_and_wait(
                vec![update(Slot::Blue, 4, None)],
                60,
                "0 of 4 candidate tasks are healthy"
            )
        }
    );
}

#[test]
fn recreate_gives_new_tasks_that_are_too_few_company_without_stopping_them() {
    let mut deployment = scaling(RECREATE);
    tell(&mut deployment, 101, started(0, 4));
    let world = with_candidate(&deployment.spec, 2, 0);
    assert_eq!(
        shift(&deployment, &world, 102),
        act_and_wait(
            vec![update(Slot::Blue, 4, None)],
            60,
            "2 of 4 candidate tasks are healthy"
        )
    );
}

#[test]
fn a_candidate_is_tested_before_its_first_weight_only() {
    let tested = record(vec![Event::TestingStarted { step: 0 }]);
    let at_once = record(vec![decided(0, 100, 4, 4)]);
    let cases: [(u32, &[&str], &Decision); 4] = [
        (120, &[], &tested),
        (0, &["load", "smoke"], &tested),
        (0, &["load"], &at_once),
        (0, &[], &at_once),
    ];
    for (seconds, suites, expected) in cases {
        let mut deployment = scaling(BLUE_GREEN);
        deployment.spec.post_deployment_tests = suites.iter().map(|name| suite(name)).collect();
        if let crate::spec::Strategy::BlueGreen(bluegreen) = &mut deployment.spec.strategy {
            bluegreen.test_duration_seconds = seconds;
        }
        let world = with_candidate(&deployment.spec, 4, 0);
        assert_eq!(&shift(&deployment, &world, 101), expected, "{seconds} {suites:?}");
    }
    let mut canary = second_step();
    canary.spec.post_deployment_tests = vec![suite("smoke")];
    assert_eq!(
        shift(&canary, &with_candidate(&canary.spec, 4, 25), 801),
        record(vec![decided(1, 100, 4, 4)])
    );
}

#[test]
fn what_looks_at_the_candidate_before_its_traffic_is_a_test() {
    let pages =
        "validate: {http: [{name: health, url: \"https://web.example.com/\", when: before-traffic}]}\n";
    let looks = "validate: {security: [notPrivileged]}\n";
    for more in [pages, looks] {
        let mut deployment = scaling(&format!("{BLUE_GREEN}{more}"));
        deployment.spec.post_deployment_tests = Vec::new();
        if let crate::spec::Strategy::BlueGreen(bluegreen) = &mut deployment.spec.strategy {
            bluegreen.test_duration_seconds = 0;
        }
        let world = with_candidate(&deployment.spec, 4, 0);
        let tested = record(vec![Event::TestingStarted { step: 0 }]);
        assert_eq!(shift(&deployment, &world, 101), tested, "{more}");
    }
}
