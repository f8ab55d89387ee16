//! What the sweep concludes from what it reads.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::event::Event;
use crate::exit::{Exit, ExitState};
use crate::ids::PlanHash;
use crate::observation::AlarmState;
use crate::spec::GatePhase;
use crate::target::StableRecord;
use crate::testing::*;

fn stop(deployment: &Deployment, alarms: &[Alarm], green: u32) -> Option<AbortCause> {
    must_stop(deployment, alarms, Some(&forward(green)), at(900))
}

fn raised(raised_at: Option<Timestamp>) -> Option<AbortCause> {
    Some(AbortCause::AlarmRaised {
        alarm: ALARM.to_owned(),
        raised_at,
        reason: "8 errors".to_owned(),
    })
}

fn changed(reason: &str) -> Option<AbortCause> {
    let reason = reason.to_owned();
    Some(AbortCause::ChangedOutside { reason })
}

#[test]
fn nothing_stops_a_deployment_of_which_all_is_well() {
    let quiet = [
        alarm(ALARM, AlarmState::Ok),
        alarm("young", AlarmState::InsufficientData),
        alarm("gone", AlarmState::Unreadable),
    ];
    assert_eq!(stop(&baking(CANARY), &quiet, 25), None);
    assert_eq!(stop(&scaling(CANARY), &quiet, 0), None);
    assert_eq!(stop(&requested(CANARY), &[], 50), None);
    assert_eq!(must_stop(&baking(CANARY), &quiet, None, at(900)), None);
}

#[test]
fn an_alarm_whose_event_was_lost_stops_the_deployment() {
    let mut deployment = baking(CANARY);
    let mut loud = alarm(ALARM, AlarmState::Alarm);
    let alarms = [alarm("quiet", AlarmState::Ok), loud.clone()];
    assert_eq!(stop(&deployment, &alarms, 25), raised(None));
    assert_eq!(must_stop(&deployment, &alarms, None, at(900)), raised(None));
    // Also where it has cleared again by now.
    loud.state = AlarmState::Ok;
    loud.fired_at = Some(at(850));
    assert_eq!(
        stop(&deployment, std::slice::from_ref(&loud), 25),
        raised(Some(at(850)))
    );
    set_aside(&mut deployment, "alarm:quiet");
    assert_eq!(
        stop(&deployment, std::slice::from_ref(&loud), 25),
        raised(Some(at(850)))
    );
    set_aside(&mut deployment, "alarm:web-production-errors");
    assert_eq!(stop(&deployment, &[loud], 25), None);
}

#[test]
fn a_gate_whose_time_is_over_stops_the_deployment() {
    let mut deployment = scaling(CANARY);
    let before = GatePhase::Shift;
    let expires_at = at(1000);
    let opened = Event::GateOpened {
        before,
        expires_at,
        plan_hash: PlanHash::of(b"plan"),
    };
    tell(&mut deployment, 120, opened);
    let expired = Some(AbortCause::ApprovalExpired {
        expired_at: expires_at,
    });
    let at_second = |deployment: &Deployment, seconds| must_stop(deployment, &[], None, at(seconds));
    assert_eq!(at_second(&deployment, 999), None);
    assert_eq!(at_second(&deployment, 1000), expired);
    assert_eq!(at_second(&deployment, 1001), expired);
    tell(&mut deployment, 500, Event::GatePassed { before });
    assert_eq!(at_second(&deployment, 1001), None);
}

#[test]
fn weights_that_nobody_here_set_stop_the_deployment() {
    let baking = baking(CANARY);
    assert_eq!(
        stop(&baking, &[], 0),
        changed("the listener rule gives the candidate 0 %, but it was left at 25 %")
    );
    assert_eq!(
        stop(&scaling(CANARY), &[], 1),
        changed("the listener rule gives the candidate 1 %, but it was left at 0 %")
    );
    let mut odd = forward(25);
    odd.target_groups[0].1 = 74;
    assert_eq!(
        must_stop(&baking, &[], Some(&odd), at(900)),
        changed("the listener rule gives the candidate no clear share, but it was left at 25 %")
    );
}

#[test]
fn weights_do_not_stop_a_deployment_that_is_setting_them_or_has_none() {
    for green in [0, 25, 60] {
        assert_eq!(stop(&raising(CANARY), &[], green), None);
        assert_eq!(stop(&baking(WORKER), &[], green), None);
        assert_eq!(stop(&baking(ROLLING), &[], green), None);
    }
    // Where nobody knows the target groups, there is nothing to compare.
    let mut unwired = baking(CANARY);
    unwired.plan.as_mut().unwrap().wiring.balancer = None;
    assert_eq!(stop(&unwired, &[], 60), None);
    let mut unplanned = baking(CANARY);
    unplanned.plan = None;
    assert_eq!(stop(&unplanned, &[], 60), None);
}

#[test]
fn a_service_that_has_weights_to_read_but_is_moved_by_tasks_is_not_compared() {
    let mut deployment = baking(CANARY);
    for traffic in [Traffic::Tasks, Traffic::Rolling, Traffic::Recreate] {
        deployment.plan.as_mut().unwrap().traffic = traffic;
        assert_eq!(stop(&deployment, &[], 60), None);
    }
}

#[test]
fn the_window_of_a_completed_deployment_ends_once() {
    let spec = spec(CANARY);
    let hash = request(CANARY).revision.spec_hash;
    let mut state = TargetState::new("web/production".parse().unwrap(), spec, hash, at(0));
    assert_eq!(window_over(&state, at(5000)), None);
    let deployment: DeploymentId = "web-production-7".parse().unwrap();
    state.stable = Some(StableRecord {
        deployment: deployment.clone(),
        slot: Slot::Green,
        digest: digest("2"),
        warm_until: at(2000),
        other_scaled_in: false,
    });
    assert_eq!(window_over(&state, at(1999)), None);
    assert_eq!(window_over(&state, at(2000)), Some(deployment.clone()));
    assert_eq!(window_over(&state, at(2001)), Some(deployment));
    state.stable.as_mut().unwrap().other_scaled_in = true;
    assert_eq!(window_over(&state, at(2001)), None);
}

#[test]
fn the_slot_that_was_stable_is_scaled_in_if_it_has_tasks_and_no_traffic() {
    let spec = spec(CANARY);
    let canary = plan(&spec);
    let find =
        |world: &crate::observation::Observation| left_over(&canary, &world.slots, world.forward.as_ref());
    let mut world = with_candidate(&spec, 4, 100);
    assert_eq!(find(&world), Finding::ScaleIn(Slot::Blue));
    let drift =
        Finding::Drift("the blue slot should be idle but the listener rule gives it traffic".to_owned());
    for green in [0, 99] {
        world.forward = Some(forward(green));
        assert_eq!(find(&world), drift, "{green}");
    }
    // A share that is not clear is not zero.
    world.forward.as_mut().unwrap().target_groups[0].1 = 5;
    assert_eq!(find(&world), drift);
    world.forward = Some(forward(0));
    world.slots.get_mut(&Slot::Blue).unwrap().desired = 0;
    assert_eq!(find(&world), Finding::Nothing);
    world.slots.remove(&Slot::Blue);
    assert_eq!(find(&world), Finding::Nothing);
}

#[test]
fn without_a_balancer_the_tasks_alone_say_what_is_left_over() {
    let spec = spec(WORKER);
    let worker = plan(&spec);
    let mut world = with_candidate(&spec, 4, 0);
    assert_eq!(
        left_over(&worker, &world.slots, None),
        Finding::ScaleIn(Slot::Blue)
    );
    world.slots.get_mut(&Slot::Blue).unwrap().desired = 0;
    assert_eq!(left_over(&worker, &world.slots, None), Finding::Nothing);
}

#[test]
fn one_service_has_nothing_beside_it() {
    for file in [ROLLING, RECREATE] {
        let plan = plan(&spec(file));
        let slots = BTreeMap::from([
            (Slot::Blue, service("web:2", 4)),
            (Slot::Green, service("web:1", 4)),
        ]);
        assert_eq!(left_over(&plan, &slots, None), Finding::Nothing, "{file}");
    }
}

#[test]
fn a_rescue_has_a_name_of_its_own_that_step_functions_takes() {
    let id: DeploymentId = "web-production-7".parse().unwrap();
    assert_eq!(rescue_name(&id, 1), "web-production-7-r1");
    assert_eq!(rescue_name(&id, 12), "web-production-7-r12");
    let long: DeploymentId = "x".repeat(80).parse().unwrap();
    assert_eq!(rescue_name(&long, 1), format!("{}-r1", "x".repeat(77)));
    assert_eq!(rescue_name(&long, 10), format!("{}-r10", "x".repeat(76)));
    let fits: DeploymentId = "y".repeat(77).parse().unwrap();
    assert_eq!(rescue_name(&fits, 1), format!("{}-r1", "y".repeat(77)));
}

#[test]
fn messages_of_a_deployment_are_looked_after_for_a_quarter_of_an_hour() {
    for (seconds, expected) in [(0, true), (899, true), (900, false), (901, false)] {
        assert_eq!(looked_after(at(100), at(100 + seconds)), expected, "{seconds}");
    }
}

#[test]
fn what_nobody_was_told_in_time_is_found() {
    let mut deployment = baking(CANARY);
    let exit = Exit {
        state: ExitState::RolledBack,
        at: at(1000),
        reason: "an alarm".to_owned(),
        remedy: None,
    };
    let waiting = Event::Waiting {
        reason: "nothing that anybody must hear of".to_owned(),
    };
    let events = vec![waiting, Event::Exited { exit }];
    let journal = crate::journal::append(&mut deployment, events, "test", at(1000));
    let [_, exited] = journal.as_slice() else {
        panic!("two entries were made: {journal:?}");
    };
    let (people, machines) = ((exited.seq, Channel::Sns), (exited.seq, Channel::Bus));
    let lost = |delivered: &[(u64, Channel)], seconds| {
        let delivered = delivered.iter().copied().collect();
        untold(&deployment, &journal, &delivered, at(seconds))
    };
    assert_eq!(lost(&[], 1044), Vec::<&Entry>::new());
    assert_eq!(lost(&[], 1045), [exited]);
    assert_eq!(lost(&[people], 1045), [exited]);
    assert_eq!(lost(&[machines], 1045), [exited]);
    assert_eq!(lost(&[people, machines], 1045), Vec::<&Entry>::new());
    // Another entry's messages are not this one's, and Slack's are nobody's business.
    let another = [(exited.seq - 1, Channel::Sns), (exited.seq - 1, Channel::Bus)];
    assert_eq!(lost(&another, 5000), [exited]);
    assert_eq!(lost(&[people, (exited.seq, Channel::Slack)], 5000), [exited]);
}
