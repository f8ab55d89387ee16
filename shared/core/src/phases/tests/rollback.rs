//! Traffic first, then waiting out what may still run, then tidying up.

use super::*;
use crate::deployment::{Abort, Kind, Phase};
use crate::exit::{Exit, ExitState};
use crate::ids::{PlanHash, Slot};
use crate::observation::{Alarm, AlarmState, Rollout, SlotState};
use crate::phases::{RollbackStep, cause_from_failure, decide_rollback};
use crate::spec::GatePhase;
use crate::testing::*;

/// Seconds until which functions of the old epoch may still run after traffic was returned at 1010.
const QUIET: i64 = 1010 + 75;
/// The last second at which the rollback may still wait for tasks: 10 minutes and the quiesce time.
const LOOK_AT_SERVICE: &str =
    "look at the events of the ECS service and at what else sets its tasks (autoscaling, another pipeline)";

const IN_TIME: i64 = ROLLBACK_BEGINS + 600 + 75;

fn decide(step: RollbackStep, deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide_rollback(step, deployment, world, at(seconds))
}

fn traffic(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide(RollbackStep::Traffic, deployment, world, seconds)
}

fn reassert(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide(RollbackStep::Reassert, deployment, world, seconds)
}

fn restore(deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide(RollbackStep::Restore, deployment, world, seconds)
}

/// A wait as it is decided for the first time: with its reason in the journal.
fn told(decision: Decision) -> Decision {
    match &decision.outcome {
        Outcome::Wait { reason, .. } => {
            let mut events = decision.events.clone();
            events.push(Event::Waiting {
                reason: reason.clone(),
            });
            Decision { events, ..decision }
        }
        other => panic!("it does not wait: {other:?}"),
    }
}

fn failed(reason: &str, remedy: &str) -> Decision {
    Decision {
        outcome: Outcome::RollbackFailed {
            reason: reason.to_owned(),
            remedy: remedy.to_owned(),
        },
        ..done()
    }
}

fn gone() -> Decision {
    failed(
        "the ECS service of the stable revision is gone",
        "create it again or set what should serve in the console; the candidate keeps its traffic",
    )
}

fn done_with(event: Event) -> Decision {
    Decision {
        events: vec![event],
        ..done()
    }
}

fn returned(quiesced: i64) -> Decision {
    let quiesced_at = at(quiesced);
    done_with(Event::TrafficReturned { quiesced_at })
}

/// The rule is put back, and that is on record where the rule was seen.
fn restored() -> Decision {
    Decision {
        events: vec![Event::ForwardActionRestored {
            weights: vec![100, 0],
        }],
        ..set_back()
    }
}

fn set_back() -> Decision {
    act(vec![Action::SetTrafficWeight { forward: forward(0) }])
}

fn restart(desired: u32) -> Action {
    Action::UpdateService {
        slot: Slot::Blue,
        task_definition: "web:1".to_owned(),
        desired,
        grace_seconds: None,
        circuit_breaker: true,
    }
}

fn stop(slot: Slot) -> Action {
    Action::SetDesiredCount { slot, desired: 0 }
}

fn exited(state: ExitState, at_seconds: i64, reason: &str, remedy: &str) -> Decision {
    let exit = Exit {
        state,
        at: at(at_seconds),
        reason: reason.to_owned(),
        remedy: Some(remedy.to_owned()),
    };
    done_with(Event::Exited { exit })
}

/// The end after the alarm of these tests.
fn rolled_back(seconds: i64) -> Decision {
    exited(
        ExitState::RolledBack,
        seconds,
        "alarm web-production-errors went to ALARM: 8 errors",
        "repair the image and push it again; this digest is quarantined, and `--override quarantine` deploys it all the same",
    )
}

/// A rollback out of a bake.
fn begun(file: &str) -> Deployment {
    rolling_back(baking(file))
}

/// A rollback whose traffic was returned at 1010.
fn quiescing(file: &str) -> Deployment {
    let mut deployment = begun(file);
    let quiesced_at = at(QUIET);
    tell(&mut deployment, 1010, Event::TrafficReturned { quiesced_at });
    deployment
}

fn slot(world: &mut Observation, slot: Slot) -> &mut SlotState {
    world.slots.get_mut(&slot).unwrap()
}

/// A first deployment: there is no stable revision.
fn first(file: &str) -> Deployment {
    let mut deployment = begun(file);
    deployment.plan.as_mut().unwrap().stable = None;
    deployment
}

const STEPS: [RollbackStep; 4] = [
    RollbackStep::Traffic,
    RollbackStep::Reassert,
    RollbackStep::Restore,
    RollbackStep::Fail,
];

#[test]
fn a_deployment_that_has_ended_is_not_rolled_back_again() {
    let mut deployment = begun(CANARY);
    let world = with_candidate(&deployment.spec, 4, 25);
    deployment.exit = Some(Exit {
        state: ExitState::RolledBack,
        at: at(1200),
        reason: String::new(),
        remedy: None,
    });
    for step in STEPS {
        assert_eq!(decide(step, &deployment, &world, 1300), done(), "{step:?}");
    }
}

#[test]
fn a_rollback_without_an_epoch_of_its_own_touches_nothing() {
    let deployment = baking(CANARY);
    let world = with_candidate(&deployment.spec, 4, 25);
    for step in STEPS {
        assert_eq!(
            decide(step, &deployment, &world, 1300),
            failed(
                "the rollback was not started under an epoch of its own",
                "start it again"
            )
        );
    }
}

#[test]
fn a_rollback_whose_functions_failed_calls_a_person() {
    let mut unplanned = begun(CANARY);
    unplanned.plan = None;
    for deployment in [begun(CANARY), unplanned] {
        let world = at_rest(&deployment.spec);
        assert_eq!(
            decide(RollbackStep::Fail, &deployment, &world, 1300),
            failed(
                "the rollback's own functions failed",
                "look at the weights of the listener rule and at the rollback's execution",
            )
        );
    }
}

#[test]
fn without_a_plan_nothing_was_touched_and_nothing_is() {
    let deployment = rolling_back(requested(CANARY));
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(traffic(&deployment, &world, 1001), done());
    assert_eq!(reassert(&deployment, &world, 1001), done());
    assert_eq!(
        restore(&deployment, &world, 1001),
        exited(
            ExitState::Aborted,
            1001,
            "alarm web-production-errors went to ALARM: 8 errors",
            "nothing to undo; push or deploy again"
        )
    );
}

#[test]
fn the_end_says_what_happened_and_what_is_to_be_done() {
    let alarm = "alarm web-production-errors went to ALARM: 8 errors";
    let newer = "superseded by the newer image sha256:3";
    let quarantined = "repair the image and push it again; this digest is quarantined, and `--override quarantine` deploys it all the same";
    let its_turn = "nothing to do; the newer image has its turn";
    let reversal = Kind::Reversal {
        of: "web-production-6".parse().unwrap(),
    };
    // (kind, took traffic, superseded) -> (state, reason, remedy)
    let cases = [
        (
            Kind::Forward,
            true,
            false,
            ExitState::RolledBack,
            alarm,
            quarantined,
        ),
        (Kind::Forward, true, true, ExitState::RolledBack, newer, its_turn),
        (
            Kind::Forward,
            false,
            false,
            ExitState::Aborted,
            alarm,
            "nothing to undo; push or deploy again",
        ),
        (Kind::Forward, false, true, ExitState::Aborted, newer, its_turn),
        (reversal, false, false, ExitState::RolledBack, alarm, quarantined),
    ];
    for (kind, took, superseded, state, reason, remedy) in cases {
        let mut deployment = rolling_back(if took { baking(CANARY) } else { scaling(CANARY) });
        deployment.kind = kind;
        if superseded {
            deployment.abort = Some(Abort {
                cause: AbortCause::Superseded {
                    by: None,
                    digest: "sha256:3".to_owned(),
                },
                at: at(900),
            });
        }
        tell(&mut deployment, 1200, Event::CandidateScaledIn);
        let world = at_rest(&deployment.spec);
        assert_eq!(
            restore(&deployment, &world, 1201),
            exited(state, 1201, reason, remedy)
        );
    }
    let mut unexplained = begun(CANARY);
    unexplained.abort = None;
    tell(&mut unexplained, 1200, Event::CandidateScaledIn);
    assert_eq!(
        restore(&unexplained, &at_rest(&unexplained.spec), 1201),
        exited(ExitState::RolledBack, 1201, "", quarantined)
    );
}

#[test]
fn what_the_state_machine_caught_becomes_the_cause() {
    let mut deployment = raising(CANARY);
    let cause = |deployment: &Deployment, error: &str, text: &str, seconds: i64| {
        cause_from_failure(deployment, error, text, at(seconds))
    };
    let failed = |reason: &str| AbortCause::PhaseFailed {
        reason: reason.to_owned(),
    };
    assert_eq!(
        cause(&deployment, "States.Timeout", "", 500),
        AbortCause::TimedOut
    );
    // The machine's own name for a timeout within its lane.
    assert_eq!(cause(&deployment, "TimedOut", "", 500), AbortCause::TimedOut);
    assert_eq!(
        cause(&deployment, "AwsUnavailable", "throttled", 500),
        failed("AwsUnavailable: throttled")
    );
    // Of a function's error payload, the message is told.
    let payload = r#"{"errorType":"AwsUnavailable","errorMessage":"throttled by \"ECS\"","trace":[]}"#;
    assert_eq!(
        cause(&deployment, "AwsUnavailable", payload, 500),
        failed("AwsUnavailable: throttled by \"ECS\"")
    );
    let other = r#"{"errorType":"AwsUnavailable"}"#;
    assert_eq!(
        cause(&deployment, "AwsUnavailable", other, 500),
        failed(&format!("AwsUnavailable: {other}"))
    );
    let long = "ä".repeat(401);
    assert_eq!(
        cause(&deployment, "E", &long, 500),
        failed(&format!("E: {}", "ä".repeat(400)))
    );

    let expires_at = at(1000);
    for before in [GatePhase::Prepare, GatePhase::Shift] {
        let plan_hash = PlanHash::of(b"plan");
        let opened = Event::GateOpened {
            before,
            expires_at,
            plan_hash,
        };
        tell(&mut deployment, 400, opened);
    }
    let expired = AbortCause::ApprovalExpired {
        expired_at: expires_at,
    };
    assert_eq!(
        cause(&deployment, "States.Timeout", "", 999),
        AbortCause::TimedOut
    );
    assert_eq!(cause(&deployment, "States.Timeout", "", 1000), expired);
    assert_eq!(cause(&deployment, "E", "", 1001), expired);
    for before in [GatePhase::Prepare, GatePhase::Shift] {
        tell(&mut deployment, 900, Event::GatePassed { before });
    }
    assert_eq!(cause(&deployment, "E", "x", 1001), failed("E: x"));
}

#[test]
fn weights_are_put_back_exactly_and_read_back() {
    let deployment = begun(CANARY);
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(traffic(&deployment, &world, 1010), restored());
    let mut odd = world.clone();
    odd.forward.as_mut().unwrap().stickiness = None;
    odd.forward.as_mut().unwrap().target_groups = forward(0).target_groups;
    assert_eq!(traffic(&deployment, &odd, 1010), restored());
    let back = with_candidate(&deployment.spec, 4, 0);
    assert_eq!(traffic(&deployment, &back, 1010), returned(QUIET));
}

#[test]
fn a_rule_that_cannot_be_read_is_written_all_the_same() {
    let deployment = begun(CANARY);
    let mut world = with_candidate(&deployment.spec, 4, 25);
    world.forward = None;
    assert_eq!(traffic(&deployment, &world, 1010), set_back());
}

#[test]
fn traffic_that_is_back_is_not_returned_twice() {
    let deployment = quiescing(CANARY);
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(traffic(&deployment, &world, 1020), done());
}

#[test]
fn a_rule_that_was_not_recorded_calls_a_person() {
    let mut deployment = begun(CANARY);
    deployment.plan.as_mut().unwrap().forward_before = None;
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(
        traffic(&deployment, &world, 1010),
        failed("the listener rule was not recorded", "set its weights yourself")
    );
}

#[test]
fn a_rule_that_does_not_take_the_weights_back_calls_a_person_in_the_end() {
    let deployment = begun(CANARY);
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(traffic(&deployment, &world, IN_TIME), restored());
    assert_eq!(
        traffic(&deployment, &world, IN_TIME + 1),
        failed(
            "the listener rule does not take the weights back",
            "set stable's target group to 100 in the console"
        )
    );
}

#[test]
fn stables_tasks_are_started_again_before_traffic_goes_to_them() {
    let deployment = begun(CANARY);
    let healthy = "stable's tasks are starting: 0 healthy";
    let mut starting = with_candidate(&deployment.spec, 4, 25);
    slot(&mut starting, Slot::Blue).healthy = 0;
    assert_eq!(traffic(&deployment, &starting, 1010), told(wait(20, healthy)));

    let mut stopped = starting.clone();
    slot(&mut stopped, Slot::Blue).desired = 0;
    let again = told(act_and_wait(vec![restart(4)], 20, healthy));
    assert_eq!(traffic(&deployment, &stopped, 1010), again);

    let mut replaced = with_candidate(&deployment.spec, 4, 25);
    slot(&mut replaced, Slot::Blue).task_definition = "web:0".to_owned();
    let four = told(act_and_wait(
        vec![restart(4)],
        20,
        "stable's tasks are starting: 4 healthy",
    ));
    assert_eq!(traffic(&deployment, &replaced, 1010), four);
    assert_eq!(traffic(&deployment, &replaced, IN_TIME), four);

    for world in [&starting, &stopped, &replaced] {
        assert_eq!(
            traffic(&deployment, world, IN_TIME + 1),
            failed(
                "the stable revision has no healthy target to take the traffic",
                "look at the stable slot's stopped tasks; the candidate keeps its traffic",
            )
        );
    }

    // One healthy task is better than a candidate that an alarm speaks against.
    let mut one = with_candidate(&deployment.spec, 4, 25);
    slot(&mut one, Slot::Blue).healthy = 1;
    assert_eq!(traffic(&deployment, &one, 1010), restored());
}

#[test]
fn what_has_completed_serves_until_all_of_stables_tasks_are_healthy() {
    let mut deployment = begun(CANARY);
    deployment.kind = Kind::Reversal {
        of: "web-production-6".parse().unwrap(),
    };
    let mut world = with_candidate(&deployment.spec, 4, 100);
    let starting = |healthy| format!("stable's tasks are starting: {healthy} healthy");
    let blue = |world: &mut Observation, desired, healthy| {
        slot(world, Slot::Blue).desired = desired;
        slot(world, Slot::Blue).healthy = healthy;
    };
    // Something that is no deployment of ours has scaled it in.
    blue(&mut world, 3, 3);
    let again = told(act_and_wait(vec![restart(4)], 20, &starting(3)));
    assert_eq!(traffic(&deployment, &world, 1010), again);
    for healthy in [1, 3] {
        blue(&mut world, 4, healthy);
        assert_eq!(
            traffic(&deployment, &world, 1010),
            told(wait(20, &starting(healthy)))
        );
    }
    assert_eq!(
        traffic(&deployment, &world, IN_TIME + 1),
        failed(
            "the stable revision has 3 of 4 healthy targets for the traffic",
            "look at the stable slot's stopped tasks; the candidate keeps its traffic",
        )
    );
    blue(&mut world, 4, 4);
    assert_eq!(
        traffic(&deployment, &world, IN_TIME + 1),
        failed(
            "the listener rule does not take the weights back",
            "set stable's target group to 100 in the console",
        )
    );
    assert_eq!(traffic(&deployment, &world, 1010), restored());
}

#[test]
fn a_wait_that_is_on_record_is_not_recorded_again() {
    let mut deployment = begun(CANARY);
    let reason = "stable's tasks are starting: 0 healthy";
    let mut world = with_candidate(&deployment.spec, 4, 25);
    slot(&mut world, Slot::Blue).healthy = 0;
    deployment.waiting_for = reason.to_owned();
    assert_eq!(traffic(&deployment, &world, 1010), wait(20, reason));
}

#[test]
fn a_first_deployment_that_took_traffic_keeps_it() {
    let kept = failed(
        "this was the first deployment: there is no stable revision to return to, and the candidate keeps its traffic",
        "deploy a good image, or take the service down yourself",
    );
    for file in [CANARY, WORKER, ROLLING, RECREATE] {
        let deployment = first(file);
        let world = with_candidate(&deployment.spec, 4, 25);
        assert_eq!(traffic(&deployment, &world, 1010), kept, "{file}");
    }
    let mut before = rolling_back(scaling(CANARY));
    before.plan.as_mut().unwrap().stable = None;
    let world = with_candidate(&before.spec, 4, 0);
    assert_eq!(traffic(&before, &world, 1010), returned(QUIET));
}

#[test]
fn work_is_returned_by_starting_stable_and_then_stopping_the_candidate() {
    let deployment = begun(WORKER);
    let mut world = with_candidate(&deployment.spec, 4, 0);
    let starting = |reason| told(act_and_wait(vec![restart(4)], 20, reason));
    slot(&mut world, Slot::Blue).desired = 0;
    let from_nothing = starting("stable's tasks are starting: 4 healthy");
    assert_eq!(traffic(&deployment, &world, 1010), from_nothing);
    slot(&mut world, Slot::Blue).desired = 3;
    assert_eq!(
        traffic(&deployment, &world, IN_TIME),
        starting("stable's tasks are starting")
    );
    let refused = failed(
        "stable's ECS service does not take its tasks back",
        LOOK_AT_SERVICE,
    );
    assert_eq!(traffic(&deployment, &world, IN_TIME + 1), refused);
    slot(&mut world, Slot::Blue).desired = 4;
    slot(&mut world, Slot::Blue).task_definition = "web:7".to_owned();
    assert_eq!(traffic(&deployment, &world, 1010), from_nothing);
    slot(&mut world, Slot::Blue).task_definition = "web:1".to_owned();
    slot(&mut world, Slot::Blue).desired = 4;
    slot(&mut world, Slot::Blue).healthy = 0;
    assert_eq!(
        traffic(&deployment, &world, 1010),
        told(wait(20, "stable's tasks are starting: 0 healthy"))
    );
    slot(&mut world, Slot::Blue).healthy = 1;
    assert_eq!(
        traffic(&deployment, &world, IN_TIME),
        act(vec![stop(Slot::Green)])
    );
    let stays = failed(
        "the candidate's ECS service does not stop its tasks",
        LOOK_AT_SERVICE,
    );
    assert_eq!(traffic(&deployment, &world, IN_TIME + 1), stays);
    slot(&mut world, Slot::Green).desired = 0;
    assert_eq!(traffic(&deployment, &world, 1010), returned(QUIET));
    world.slots.remove(&Slot::Green);
    assert_eq!(traffic(&deployment, &world, 1010), returned(QUIET));
    world.slots.remove(&Slot::Blue);
    assert_eq!(traffic(&deployment, &world, 1010), gone());
}

#[test]
fn one_service_is_set_back_and_traffic_is_back_with_its_tasks() {
    for file in [ROLLING, RECREATE] {
        let deployment = begun(file);
        let set_back = act(vec![restart(4)]);
        let world = with_candidate(&deployment.spec, 4, 0);
        assert_eq!(traffic(&deployment, &world, 1010), set_back);
        let mut world = at_rest(&deployment.spec);
        slot(&mut world, Slot::Blue).desired = 3;
        assert_eq!(traffic(&deployment, &world, 1010), set_back);

        let mut world = at_rest(&deployment.spec);
        assert_eq!(traffic(&deployment, &world, 1010), returned(QUIET));
        slot(&mut world, Slot::Blue).rollout = Rollout::InProgress;
        let rolling = wait(20, "4 of 4 of stable's tasks are healthy");
        assert_eq!(traffic(&deployment, &world, 1010), told(rolling));

        let mut world = at_rest(&deployment.spec);
        slot(&mut world, Slot::Blue).healthy = 3;
        let short = told(wait(20, "3 of 4 of stable's tasks are healthy"));
        assert_eq!(traffic(&deployment, &world, IN_TIME), short);
        assert_eq!(
            traffic(&deployment, &world, IN_TIME + 1),
            failed(
                "3 of 4 of stable's tasks are healthy",
                "look at the stopped tasks of the ECS service and their logs"
            )
        );
        slot(&mut world, Slot::Blue).desired = 3;
        assert_eq!(traffic(&deployment, &world, IN_TIME), set_back);
        let refused = "the ECS service does not go back to stable's task definition and tasks";
        assert_eq!(
            traffic(&deployment, &world, IN_TIME + 1),
            failed(refused, LOOK_AT_SERVICE)
        );
        world.slots.clear();
        assert_eq!(traffic(&deployment, &world, 1010), gone());
    }
}

#[test]
fn weights_do_not_go_to_a_stable_whose_service_is_gone() {
    let deployment = begun(CANARY);
    let mut world = with_candidate(&deployment.spec, 4, 25);
    world.slots.remove(&Slot::Blue);
    assert_eq!(traffic(&deployment, &world, 1010), gone());
}

#[test]
fn a_candidate_that_is_started_again_and_again_calls_a_person() {
    let deployment = quiescing(CANARY);
    let world = with_candidate(&deployment.spec, 4, 0);
    assert_eq!(
        restore(&deployment, &world, IN_TIME),
        act(vec![stop(Slot::Green)])
    );
    let why = "traffic is on stable, but the candidate's ECS service does not stop its tasks";
    assert_eq!(
        restore(&deployment, &world, IN_TIME + 1),
        failed(why, LOOK_AT_SERVICE)
    );
}

#[test]
fn old_functions_are_waited_out_before_the_weights_are_read_again() {
    let deployment = quiescing(CANARY);
    let reason = "waiting out functions of the old epoch that may still run";
    let world = with_candidate(&deployment.spec, 4, 0);
    assert_eq!(reassert(&deployment, &world, 1010), told(wait(75, reason)));
    assert_eq!(reassert(&deployment, &world, QUIET - 1), told(wait(1, reason)));
    for seconds in [QUIET, QUIET + 1] {
        assert_eq!(
            reassert(&deployment, &world, seconds),
            done_with(Event::TrafficReasserted)
        );
    }
    // Where nobody has read the traffic back as returned, the time begins now.
    let unread = begun(CANARY);
    assert_eq!(reassert(&unread, &world, 1500), told(wait(75, reason)));
}

#[test]
fn a_stale_write_is_undone_and_looked_at_once_more() {
    let deployment = quiescing(CANARY);
    let world = with_candidate(&deployment.spec, 4, 25);
    let mut expected = restored();
    expected.events.insert(
        0,
        Event::TrafficReturned {
            quiesced_at: at(QUIET + 5),
        },
    );
    assert_eq!(reassert(&deployment, &world, QUIET), expected);
}

#[test]
fn weights_that_were_read_again_are_not_read_a_third_time() {
    let mut deployment = quiescing(CANARY);
    tell(&mut deployment, QUIET, Event::TrafficReasserted);
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(reassert(&deployment, &world, QUIET + 1), done());
}

#[test]
fn the_candidate_is_scaled_in_once_it_has_no_traffic() {
    for file in [CANARY, WORKER] {
        let mut deployment = quiescing(file);
        let mut world = with_candidate(&deployment.spec, 4, 0);
        assert_eq!(restore(&deployment, &world, 1100), act(vec![stop(Slot::Green)]));
        slot(&mut world, Slot::Green).desired = 0;
        let seen = record(vec![Event::CandidateScaledIn]);
        assert_eq!(restore(&deployment, &world, 1100), seen);
        // Said once; whoever starts tasks there later has reasons of his own.
        tell(&mut deployment, 1100, Event::CandidateScaledIn);
        slot(&mut world, Slot::Green).desired = 4;
        assert_eq!(restore(&deployment, &world, 1101), rolled_back(1101));
    }
}

#[test]
fn a_candidate_that_still_has_traffic_keeps_its_tasks() {
    let deployment = quiescing(CANARY);
    let mut world = with_candidate(&deployment.spec, 4, 1);
    let kept = failed(
        "the listener rule gives the candidate traffic, so its tasks were not stopped",
        "set the weights in the console to what should serve, then stop what should not",
    );
    assert_eq!(restore(&deployment, &world, 1100), kept);
    world.forward = Some(forward(100));
    assert_eq!(restore(&deployment, &world, 1100), kept);
    // Where the share is not clear, there is nothing to say that it has any.
    world.forward = None;
    assert_eq!(restore(&deployment, &world, 1100), act(vec![stop(Slot::Green)]));
}

#[test]
fn a_candidate_whose_service_is_gone_needs_no_scaling_in() {
    let deployment = quiescing(CANARY);
    let mut world = with_candidate(&deployment.spec, 4, 0);
    world.slots.remove(&Slot::Green);
    assert_eq!(restore(&deployment, &world, 1100), rolled_back(1100));
}

#[test]
fn one_service_is_not_scaled_in_where_stable_is_back_in_it() {
    for file in [ROLLING, RECREATE] {
        let deployment = quiescing(file);
        let world = at_rest(&deployment.spec);
        assert_eq!(restore(&deployment, &world, 1100), rolled_back(1100), "{file}");

        let mut first = rolling_back(scaling(file));
        first.plan.as_mut().unwrap().stable = None;
        let mut world = with_candidate(&first.spec, 4, 0);
        assert_eq!(restore(&first, &world, 1100), act(vec![stop(Slot::Blue)]));
        slot(&mut world, Slot::Blue).desired = 0;
        tell(&mut first, 1100, Event::CandidateScaledIn);
        assert_eq!(
            restore(&first, &world, 1101),
            exited(
                ExitState::Aborted,
                1101,
                "alarm web-production-errors went to ALARM: 8 errors",
                "nothing to undo; push or deploy again"
            )
        );
    }
}

/// Everything is taken back, and stable is watched until 2000.
fn watched() -> Deployment {
    let mut deployment = quiescing(CANARY);
    deployment.spec.auto_rollback.bake_seconds = Some(900);
    tell(&mut deployment, 1100, Event::CandidateScaledIn);
    let begins = restore(&deployment, &at_rest(&deployment.spec), 1100);
    let until = at(2000);
    assert_eq!(begins, record(vec![Event::StableBakeStarted { until }]));
    tell(&mut deployment, 1100, Event::StableBakeStarted { until });
    deployment
}

fn with_alarm(world: &Observation, name: &str, state: AlarmState) -> Observation {
    let alarm = Alarm {
        name: name.to_owned(),
        state,
        reason: String::new(),
        fired_at: None,
    };
    let mut world = world.clone();
    world.alarms = vec![alarm];
    world
}

#[test]
fn stable_is_watched_to_the_end_where_the_file_asks_for_it() {
    let deployment = watched();
    let mut world = at_rest(&deployment.spec);
    let reason = "traffic is on stable, which is watched for a while";
    assert_eq!(restore(&deployment, &world, 1101), told(wait(60, reason)));
    assert_eq!(restore(&deployment, &world, 1990), told(wait(10, reason)));
    // What is not well in between may be over at the end.
    slot(&mut world, Slot::Blue).healthy = 3;
    assert_eq!(restore(&deployment, &world, 1999), told(wait(1, reason)));
    let bad = "traffic is on stable, but it does not do well: stable has 3 of 4 healthy targets";
    let Outcome::RollbackFailed { reason, .. } = restore(&deployment, &world, 2000).outcome else {
        panic!("nobody is called");
    };
    assert_eq!(reason, bad);
    slot(&mut world, Slot::Blue).healthy = 4;
    let quiet = with_alarm(&world, "web-production-burn-rate", AlarmState::Ok);
    let detail = "4 of 4 healthy targets, 1 alarms OK".to_owned();
    let expected = rolled_back(2000).after(vec![Event::StableBaked { detail }]);
    assert_eq!(restore(&deployment, &quiet, 2000), expected);
}

#[test]
fn an_alarm_that_goes_on_without_the_candidate_calls_a_person() {
    let deployment = watched();
    let world = at_rest(&deployment.spec);
    let outcome = |name: &str, state, seconds| {
        let world = with_alarm(&world, name, state);
        restore(&deployment, &world, seconds).outcome
    };
    let (firing, unread) = (AlarmState::Alarm, AlarmState::Unreadable);
    for name in ["web-production-burn-rate", "web-production-blue-errors"] {
        let Outcome::RollbackFailed { reason, remedy } = outcome(name, firing, 2000) else {
            panic!("{name}: nobody is called");
        };
        assert!(reason.ends_with(&format!("alarm {name} is in ALARM")), "{reason}");
        assert!(remedy.contains("the candidate may not be the cause"), "{remedy}");
        // CloudWatch may be back in a moment.
        assert!(matches!(
            outcome(name, unread, 2299),
            Outcome::Wait { seconds: 60, .. }
        ));
        assert!(matches!(
            outcome(name, unread, 2300),
            Outcome::RollbackFailed { .. }
        ));
    }
    // Nobody uses what this one is about any more.
    assert_eq!(
        outcome("web-production-green-errors", firing, 2000),
        Outcome::Done
    );
}

#[test]
fn nothing_is_watched_where_no_traffic_was_moved() {
    let mut deployment = rolling_back(scaling(CANARY));
    deployment.spec.auto_rollback.bake_seconds = Some(900);
    tell(&mut deployment, 1100, Event::CandidateScaledIn);
    let ended = restore(&deployment, &at_rest(&deployment.spec), 1100);
    assert_eq!(ended.outcome, Outcome::Done);
    assert!(matches!(ended.events.as_slice(), [Event::Exited { .. }]));
}

#[test]
fn the_rollback_ends_when_stable_is_as_healthy_as_it_was() {
    let mut deployment = quiescing(CANARY);
    tell(&mut deployment, 1100, Event::CandidateScaledIn);
    let mut world = at_rest(&deployment.spec);
    assert_eq!(deployment.phase, Phase::Rollback);
    for healthy in [4, 5] {
        slot(&mut world, Slot::Blue).healthy = healthy;
        assert_eq!(
            restore(&deployment, &world, IN_TIME + 1),
            rolled_back(IN_TIME + 1)
        );
    }
    slot(&mut world, Slot::Blue).healthy = 3;
    let short = "stable has 3 of 4 healthy targets";
    assert_eq!(restore(&deployment, &world, IN_TIME), told(wait(20, short)));
    let remedy = "traffic is on stable; look at its stopped tasks and their logs";
    assert_eq!(restore(&deployment, &world, IN_TIME + 1), failed(short, remedy));
    world.slots.remove(&Slot::Blue);
    assert_eq!(
        restore(&deployment, &world, IN_TIME + 1),
        failed("stable has 0 of 4 healthy targets", remedy)
    );
}
