//! What holds for every phase: a wish to stop first, then the phase's entry, its gate, its own work.

use super::*;
use crate::deployment::{Abort, Phase};
use crate::exit::{Exit, ExitState};
use crate::observation::AlarmState;
use crate::phases::{decide, later, seconds_until};
use crate::spec::GatePhase;
use crate::testing::*;
use jiff::Timestamp;

const GATED: &str = two_steps!(
    "
autoRollback:
  alarms: [web-production-errors]
gates:
  - before: shift
    approvals:
      - role: tech-lead
    expires: 1h
"
);

fn decided(phase: Phase, deployment: &Deployment, world: &Observation, seconds: i64) -> Decision {
    decide(phase, deployment, world, at(seconds))
}

/// A stop as it is decided for the first time: with its cause in the journal.
fn stop(cause: AbortCause) -> Decision {
    Decision {
        events: vec![Event::AbortRequested { cause: cause.clone() }],
        ..abort(cause)
    }
}

fn raised(seconds: i64) -> AbortCause {
    AbortCause::AlarmRaised {
        alarm: ALARM.to_owned(),
        raised_at: Some(at(seconds)),
        reason: "8 errors".to_owned(),
    }
}

fn entered(phase: Phase) -> Decision {
    record(vec![Event::PhaseEntered { phase }])
}

/// A deployment that has its gate before the shift open since 110 s.
fn gated() -> Deployment {
    let mut deployment = scaling(GATED);
    let opened = Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(110 + 3600),
        plan_hash: plan(&deployment.spec).hash,
    };
    tell(&mut deployment, 110, opened);
    deployment
}

#[test]
fn an_alarm_stops_every_phase_after_the_plan() {
    for (deployment, phase) in [
        (planned(CANARY), Phase::Prepare),
        (baking(CANARY), Phase::Shift),
        (shifted(CANARY, Phase::Validate), Phase::Validate),
        (shifted(CANARY, Phase::Complete), Phase::Complete),
    ] {
        let mut world = with_candidate(&deployment.spec, 4, 25);
        world.alarms = vec![alarm("another", AlarmState::Ok), alarm(ALARM, AlarmState::Alarm)];
        assert_eq!(
            decided(phase, &deployment, &world, 900),
            stop(raised(900)),
            "{phase:?}"
        );
        // Also one that has cleared again; its own time is told, where that is known.
        world.alarms[1].state = AlarmState::Ok;
        world.alarms[1].fired_at = Some(at(850));
        assert_eq!(decided(phase, &deployment, &world, 900), stop(raised(850)));
    }
}

#[test]
fn an_alarm_that_was_set_aside_stops_nothing() {
    let mut deployment = shifted(CANARY, Phase::Validate);
    let mut world = with_candidate(&deployment.spec, 4, 100);
    world.alarms = vec![alarm("known", AlarmState::Alarm), alarm(ALARM, AlarmState::Alarm)];
    set_aside(&mut deployment, "alarm:known");
    assert_eq!(
        decided(Phase::Validate, &deployment, &world, 900),
        stop(raised(900))
    );
    set_aside(&mut deployment, "alarm:web-production-errors");
    assert_eq!(decided(Phase::Validate, &deployment, &world, 900), done());
}

#[test]
fn alarms_do_not_stop_the_plan_because_they_block_it() {
    let deployment = requested(CANARY);
    let mut world = at_rest(&deployment.spec);
    world.alarms = vec![alarm(ALARM, AlarmState::Alarm)];
    assert_eq!(decided(Phase::Plan, &deployment, &world, 5), done());
}

#[test]
fn a_wish_to_stop_is_honoured_in_every_phase_with_its_own_cause() {
    for phase in [
        Phase::Plan,
        Phase::Prepare,
        Phase::Shift,
        Phase::Validate,
        Phase::Complete,
    ] {
        let mut deployment = shifted(CANARY, phase);
        let cause = AbortCause::TimedOut;
        deployment.abort = Some(Abort {
            cause: cause.clone(),
            at: at(850),
        });
        let mut world = with_candidate(&deployment.spec, 4, 100);
        world.alarms = vec![alarm(ALARM, AlarmState::Alarm)];
        // It is in the journal already.
        assert_eq!(decided(phase, &deployment, &world, 900), abort(cause));
    }
}

#[test]
fn a_deployment_that_has_completed_stays_so() {
    let mut deployment = shifted(CANARY, Phase::Complete);
    deployment.exit = Some(Exit {
        state: ExitState::Completed,
        at: at(850),
        reason: String::new(),
        remedy: None,
    });
    deployment.abort = Some(Abort {
        cause: AbortCause::TimedOut,
        at: at(860),
    });
    let world = with_candidate(&deployment.spec, 4, 100);
    assert_eq!(decided(Phase::Complete, &deployment, &world, 900), done());
    assert_eq!(
        decided(Phase::Validate, &deployment, &world, 900),
        abort(AbortCause::TimedOut)
    );
    deployment.abort = None;
    deployment.exit = None;
    let mut world = world;
    world.alarms = vec![alarm(ALARM, AlarmState::Alarm)];
    assert_eq!(
        decided(Phase::Complete, &deployment, &world, 900),
        stop(raised(900))
    );
}

#[test]
fn a_phase_is_entered_once_and_none_before_it() {
    let deployment = planned(CANARY);
    let world = at_rest(&deployment.spec);
    assert_eq!(
        decided(Phase::Shift, &deployment, &world, 90),
        entered(Phase::Shift)
    );
    assert_eq!(decided(Phase::Prepare, &deployment, &world, 90), done());
    // A late run of a phase that is over does not go back.
    let later = shifted(CANARY, Phase::Validate);
    let world = with_candidate(&later.spec, 4, 25);
    assert_eq!(decided(Phase::Prepare, &later, &world, 900), done());
    assert_eq!(
        decided(Phase::Complete, &later, &world, 900),
        entered(Phase::Complete)
    );
}

#[test]
fn each_phase_does_its_own_work() {
    let shift = scaling(CANARY);
    let world = at_rest(&shift.spec);
    let decision = decided(Phase::Shift, &shift, &world, 101);
    assert!(matches!(decision.actions[..], [Action::UpdateService { .. }]));
    // Why it waits is in the journal.
    assert_eq!(
        decision.events.last(),
        Some(&Event::Waiting {
            reason: "0 of 1 candidate tasks are healthy".to_owned()
        })
    );
    let mut prepare = planned(CANARY);
    prepare.revision.task_definition = None;
    let decision = decided(Phase::Prepare, &prepare, &world, 20);
    assert!(matches!(
        decision.actions[..],
        [Action::RegisterTaskDefinition { .. }]
    ));
    let mut validate = shifted(CANARY, Phase::Validate);
    validate.spec.post_deployment_tests = vec![suite("load")];
    let decision = decided(Phase::Validate, &validate, &world, 900);
    assert!(matches!(decision.events[..], [Event::SuiteStarted { .. }]));
    let complete = shifted(CANARY, Phase::Complete);
    let decision = decided(Phase::Complete, &complete, &world, 900);
    assert!(matches!(decision.events[..], [Event::Exited { .. }]));
    // Plans and rollbacks are decided elsewhere.
    assert_eq!(decided(Phase::Plan, &requested(CANARY), &world, 5), done());
    let back = rolling_back(baking(CANARY));
    let mut back = back;
    back.abort = None;
    assert_eq!(decided(Phase::Rollback, &back, &world, 1001), done());
}

#[test]
fn a_gate_is_opened_for_the_plan_and_people_are_waited_for() {
    let deployment = scaling(GATED);
    let world = at_rest(&deployment.spec);
    let before = GatePhase::Shift;
    assert_eq!(
        decided(Phase::Shift, &deployment, &world, 110),
        Decision {
            events: vec![Event::GateOpened {
                before,
                expires_at: at(110 + 3600),
                plan_hash: plan(&deployment.spec).hash,
            }],
            actions: Vec::new(),
            outcome: Outcome::AwaitingApproval { before },
        }
    );
    let open = gated();
    for seconds in [111, 110 + 3599] {
        assert_eq!(
            decided(Phase::Shift, &open, &world, seconds),
            Decision {
                outcome: Outcome::AwaitingApproval { before },
                ..done()
            }
        );
    }
}

#[test]
fn a_gate_that_nobody_passed_in_time_stops_the_deployment() {
    let deployment = gated();
    let world = at_rest(&deployment.spec);
    let expired_at = at(110 + 3600);
    for seconds in [110 + 3600, 110 + 3601] {
        assert_eq!(
            decided(Phase::Shift, &deployment, &world, seconds),
            stop(AbortCause::ApprovalExpired { expired_at })
        );
    }
}

#[test]
fn a_gate_that_was_passed_holds_nothing_even_after_its_time() {
    let mut deployment = gated();
    let before = GatePhase::Shift;
    tell(&mut deployment, 200, Event::GatePassed { before });
    let world = at_rest(&deployment.spec);
    for seconds in [201, 110 + 3600] {
        let mut deployment = deployment.clone();
        deployment.shift.since = at(seconds);
        let decision = decided(Phase::Shift, &deployment, &world, seconds);
        assert!(matches!(decision.outcome, Outcome::Wait { .. }), "{seconds}");
    }
}

#[test]
fn a_gate_stands_before_its_own_phase_only() {
    let mut deployment = shifted(GATED, Phase::Validate);
    deployment.gates.clear();
    let world = with_candidate(&deployment.spec, 4, 25);
    assert_eq!(decided(Phase::Validate, &deployment, &world, 900), done());
    assert_eq!(decided(Phase::Prepare, &deployment, &world, 900), done());
}

#[test]
fn times_do_not_run_over_their_ends() {
    assert_eq!(later(at(10), 20), at(30));
    assert_eq!(later(at(10), -20), at(-10));
    assert_eq!(later(Timestamp::MAX, 1), Timestamp::MAX);
    assert_eq!(later(at(0), i64::MAX), Timestamp::MAX);
}

#[test]
fn the_seconds_until_an_instant_are_rounded_up_and_at_least_one() {
    let millis = |count| jiff::SignedDuration::from_millis(count);
    for (then, seconds) in [
        (at(30) + millis(0), 30),
        (at(30) + millis(1), 31),
        (at(30) - millis(1), 30),
        (at(1) + millis(0), 1),
        (at(0) + millis(1), 1),
        (at(0) + millis(0), 1),
        (at(-60) + millis(0), 1),
    ] {
        assert_eq!(seconds_until(at(0), then), seconds);
    }
    assert_eq!(seconds_until(Timestamp::MIN, Timestamp::MAX), u32::MAX);
}
