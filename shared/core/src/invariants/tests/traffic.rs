//! Both sides of each edge of the rules about weights and tasks.

use super::*;
use crate::decision::QUIESCE_SECONDS;

const ID: &str = "web-production-1";

/// A change of the deployment's plan, in a view whose deployment has one.
fn planned(view: &mut View) -> &mut Plan {
    view.deployments[0].deployment.plan.as_mut().unwrap()
}

fn by_hand(seconds: i64, blue: u32) -> WeightReading {
    WeightReading {
        by: Writer::Outside,
        ..weights(seconds, blue)
    }
}

/// The good views hold for a rule alone too.
#[track_caller]
fn fine(invariant: u8, view: &View) {
    assert_eq!(said(invariant, view), Vec::<String>::new());
}

#[track_caller]
fn finds(invariant: u8, view: &View, expected: &[&str]) {
    assert_eq!(said(invariant, view), expected);
}

#[test]
fn i2_a_plan_that_recorded_other_weights_is_found() {
    let mut view = completed();
    planned(&mut view).forward_before = Some(Forward {
        target_groups: vec![(arn(Slot::Blue), 99), (arn(Slot::Green), 0)],
        stickiness: None,
    });
    assert_eq!(said(2, &view).len(), 1);
    planned(&mut view).forward_before = Some(Forward {
        target_groups: vec![(arn(Slot::Blue), 40), (arn(Slot::Green), 60)],
        stickiness: None,
    });
    fine(2, &view);
}

#[test]
fn i3_tasks_that_stay_or_rise_are_fine() {
    let mut view = completed();
    view.slots.insert(3, slot(300, Slot::Blue, 4));
    view.slots.insert(4, slot(310, Slot::Blue, 6));
    fine(3, &view);
}

#[test]
fn i3_a_slot_that_serves_keeps_at_least_a_task() {
    let mut view = completed();
    view.slots.push(slot(500, Slot::Green, 3));
    view.slots.push(slot(510, Slot::Green, 0));
    finds(
        3,
        &view,
        &[
            "the green slot went from 3 to 0 tasks at 2026-11-20T09:08:30Z although it had 100 % of the traffic",
        ],
    );
}

#[test]
fn i3_a_candidate_that_lost_its_weight_may_be_scaled_in() {
    let mut view = rolled_back();
    view.slots.push(slot(285, Slot::Green, 0));
    fine(3, &view);
}

#[test]
fn i3_stable_is_kept_from_the_plan_on() {
    let scaled_in = |seconds| {
        let mut view = completed();
        view.slots.insert(2, slot(seconds, Slot::Blue, 2));
        said(3, &view).len()
    };
    assert_eq!(scaled_in(0), 0, "before the plan");
    assert_eq!(scaled_in(1), 1, "with the plan");
}

#[test]
fn i3_stable_is_kept_until_the_window_is_over() {
    let ended = 463;
    let mut view = completed();
    let window = i64::from(view.deployments[0].deployment.spec.auto_rollback.window_seconds);
    for (seconds, kept) in [
        (ended, true),
        (ended + window - 1, true),
        (ended + window, false),
        (ended + window + 1, false),
    ] {
        view.slots.truncate(4);
        view.slots.push(slot(seconds, Slot::Blue, 2));
        assert_eq!(!said(3, &view).is_empty(), kept, "{seconds} s");
    }
}

#[test]
fn i3_a_rollback_leaves_stable_as_it_was() {
    let mut view = rolled_back();
    view.slots.push(slot(800, Slot::Blue, 2));
    finds(
        3,
        &view,
        &[
            "the blue slot went from 4 to 2 tasks at 2026-11-20T09:13:20Z although web-production-1 had left it with 4 tasks",
        ],
    );
}

#[test]
fn i3_without_a_balancer_stable_hands_its_tasks_over_with_the_last_step() {
    let scaled_in = |seconds, traffic| {
        let mut view = completed();
        planned(&mut view).traffic = traffic;
        view.slots.push(slot(seconds, Slot::Blue, 2));
        said(3, &view).len()
    };
    assert_eq!(scaled_in(459, Traffic::Tasks), 1);
    assert_eq!(scaled_in(460, Traffic::Tasks), 0);
    assert_eq!(scaled_in(461, Traffic::Tasks), 0);
    assert_eq!(scaled_in(459, Traffic::Rolling), 0);
    assert_eq!(scaled_in(459, Traffic::Recreate), 0);
}

#[test]
fn i4_what_others_do_and_what_falls_is_not_ours_to_carry() {
    let mut view = completed();
    view.slots.retain(|reading| reading.at != at(450));
    view.weights[2].by = Writer::Outside;
    fine(4, &view);
    // Stable falls by our hand while it has no healthy target.
    let mut view = completed();
    let mut sick = slot(55, Slot::Blue, 4);
    sick.healthy = 0;
    view.slots.insert(3, sick);
    fine(4, &view);
}

#[test]
fn i4_a_rise_is_told_with_what_it_lacked() {
    let mut view = completed();
    view.slots[3].healthy = 3;
    finds(
        4,
        &view,
        &["green was raised to 100 % at 2026-11-20T09:07:40Z with 3 healthy targets of 4"],
    );
    view.slots[3].healthy = 4;
    fine(4, &view);
    view.slots[3].healthy = 5;
    fine(4, &view);
}

#[test]
fn i4_stable_is_raised_with_what_it_has_before_and_during_a_rollback() {
    let mut weak = slot(290, Slot::Blue, 4);
    weak.healthy = 1;
    let mut view = completed();
    view.slots.insert(3, weak);
    view.weights.insert(2, weights(300, 80));
    fine(4, &view);
    let mut view = rolled_back();
    view.slots.push(SlotReading {
        healthy: 1,
        ..slot(190, Slot::Blue, 4)
    });
    fine(4, &view);
    view.slots.last_mut().unwrap().healthy = 0;
    assert_eq!(said(4, &view).len(), 1, "not even one");
}

#[test]
fn i4_a_rise_before_the_rollback_needs_its_capacity() {
    let risen = |seconds: i64| {
        let mut view = rolled_back();
        // One healthy task of the candidate, and all of the traffic.
        view.weights = vec![weights(-60, 100), weights(seconds, 0)];
        said(4, &view).len()
    };
    assert_eq!(risen(200), 1);
    // From its first instant on, what rises is for invariant 5.
    assert_eq!(risen(201), 0);
    assert_eq!(risen(202), 0);
}

#[test]
fn i4_a_decision_with_too_few_healthy_targets_is_found() {
    let first = |healthy, needed, traffic| {
        let mut events = completing();
        let index = position(&events, |event| {
            matches!(event, Event::WeightDecided { step: 0, .. })
        });
        events[index].1 = Event::WeightDecided {
            step: 0,
            weight: weight(25),
            healthy,
            needed,
        };
        let mut view = with(events);
        planned(&mut view).traffic = traffic;
        if traffic == Traffic::Rolling {
            // There is no rule to raise.
            view.weights.truncate(1);
        }
        said(4, &view)
    };
    let weighted = Traffic::Weighted;
    let lacking = format!("{ID}: 25 % was decided with 0 of 1 healthy");
    assert_eq!(first(0, 1, weighted), [lacking]);
    assert!(first(1, 1, weighted).is_empty());
    assert!(first(2, 1, weighted).is_empty());
    assert!(first(2, 2, weighted).is_empty(), "more than it needs");
    assert_eq!(first(0, 0, weighted).len(), 1, "less than it needs");
    // One ECS service counts its tasks by itself.
    assert!(first(0, 1, Traffic::Rolling).is_empty());
}

#[test]
fn i5_a_function_of_the_old_epoch_may_write_until_it_must_be_gone() {
    let began = 201;
    let risen = |reading: WeightReading| {
        let mut view = rolled_back();
        view.weights.push(reading);
        said(5, &view)
    };
    let expected = [format!(
        "{ID}: the candidate rose to 25 % after its rollback began"
    )];
    assert!(risen(weights(began + QUIESCE_SECONDS, 75)).is_empty());
    assert_eq!(risen(weights(began + QUIESCE_SECONDS + 1, 75)), expected);
    assert_eq!(risen(weights(289, 75)), expected);
    assert!(risen(weights(290, 75)).is_empty(), "after its end");
    assert!(risen(by_hand(285, 75)).is_empty(), "by another's hand");
}

#[test]
fn i5_traffic_that_returns_late_is_no_rise_of_the_candidate() {
    let mut view = rolled_back();
    view.weights = vec![weights(-60, 100), weights(61, 75), weights(285, 100)];
    fine(5, &view);
}

#[test]
fn i6_what_is_written_after_the_end_is_told_apart_from_what_was_left() {
    let ended = 290;
    let written = |reading: WeightReading| {
        let mut view = rolled_back();
        view.weights.push(reading);
        said(6, &view)
    };
    let left = [format!(
        "{ID}: its rollback ended with other weights than it had recorded"
    )];
    let stray = format!("{ID}: weights were written after its rollback had ended");
    assert_eq!(written(weights(ended - 1, 75)), left);
    assert_eq!(written(weights(ended, 75)), left);
    assert_eq!(written(weights(ended + 1, 75)), [stray]);
    assert!(written(weights(ended + 1, 100)).is_empty(), "the same once more");
    assert!(written(by_hand(ended + 1, 75)).is_empty(), "by another's hand");
}

#[test]
fn i6_the_next_deployments_weights_are_its_own() {
    let written = |seconds: i64| {
        let mut view = rolled_back();
        // Planned at 501.
        view.deployments.push(record(3, 400, 500, completing()));
        view.weights.push(weights(seconds, 75));
        said(6, &view).len()
    };
    assert_eq!(written(500), 1);
    assert_eq!(written(501), 0);
    assert_eq!(written(561), 0);
}

fn alarm_reading(seconds: i64, name: &str, firing: bool) -> AlarmReading {
    AlarmReading {
        at: at(seconds),
        name: name.to_owned(),
        firing,
    }
}

#[test]
fn i8_alarms_count_from_the_first_weight_to_the_end_of_the_steps() {
    let raised = |reading: AlarmReading| {
        let mut view = completed();
        view.alarms.push(reading);
        said(8, &view)
    };
    let unheard = [
        format!("{ID}: alarm {ALARM} did not stop it in time"),
        format!("{ID}: it completed although {ALARM} went to ALARM"),
    ];
    for seconds in [62, 461] {
        assert_eq!(
            raised(alarm_reading(seconds, ALARM, true)),
            unheard,
            "{seconds} s"
        );
    }
    for seconds in [60, 61, 462, 463] {
        assert!(
            raised(alarm_reading(seconds, ALARM, true)).is_empty(),
            "{seconds} s"
        );
    }
    assert!(raised(alarm_reading(100, ALARM, false)).is_empty(), "it clears");
    assert!(
        raised(alarm_reading(100, "api-errors", true)).is_empty(),
        "nobody watches it"
    );
}

#[test]
fn i8_an_alarm_that_was_set_aside_asks_for_nothing() {
    let mut view = completed();
    view.alarms.push(alarm_reading(100, ALARM, true));
    view.deployments[0]
        .deployment
        .overrides
        .push(crate::deployment::Override {
            what: format!("alarm:{ALARM}"),
            by: "maria".parse().unwrap(),
            reason: "known".to_owned(),
        });
    fine(8, &view);
}

#[test]
fn i8_an_alarm_is_answered_within_its_bound() {
    let answered = |raised: i64, answer: Event| {
        let mut events = way_up();
        events.push((400, answer));
        let mut view = with(events);
        view.alarms.push(alarm_reading(raised, ALARM, true));
        said(8, &view)
    };
    let late = [format!("{ID}: alarm {ALARM} did not stop it in time")];
    let stop = || Event::AbortRequested {
        cause: alarm_raised(),
    };
    let rollback = || Event::RollbackStarted {
        epoch: Epoch(2),
        cause: AbortCause::TimedOut,
    };
    assert!(answered(400 - STOP_BOUND_SECONDS, stop()).is_empty());
    assert_eq!(answered(399 - STOP_BOUND_SECONDS, stop()), late);
    assert!(answered(400 - STOP_BOUND_SECONDS, rollback()).is_empty());
    assert_eq!(answered(399 - STOP_BOUND_SECONDS, rollback()), late);
}

#[test]
fn i8_while_the_bound_is_not_over_an_answer_may_still_come() {
    let raised = |seconds, over| {
        let mut view = with(way_up());
        view.over = over;
        view.alarms.push(alarm_reading(seconds, ALARM, true));
        said(8, &view).len()
    };
    assert_eq!(raised(1000 - STOP_BOUND_SECONDS, false), 0);
    assert_eq!(raised(999 - STOP_BOUND_SECONDS, false), 1);
    assert_eq!(raised(1000 - STOP_BOUND_SECONDS, true), 1);
}

#[test]
fn i8_a_rollback_for_an_alarm_gives_all_to_stable() {
    let mut view = rolled_back();
    view.weights[2] = weights(201, 99);
    finds(
        8,
        &view,
        &["web-production-1: stable does not have all the traffic after an alarm"],
    );
}

#[test]
fn i11_only_a_deployment_that_rolled_back_must_leave_the_rule_as_it_was() {
    let mut view = completed();
    view.forward = None;
    fine(11, &view);
    let mut view = rolled_back();
    view.forward = None;
    assert_eq!(said(11, &view).len(), 1);
    // A later one has a plan of its own.
    view.deployments.push(record(3, 400, 500, completing()));
    fine(11, &view);
}

#[test]
fn i21_each_way_of_going_back_to_nothing_is_told() {
    let first = |events: Vec<(i64, Event)>| {
        let mut view = with(events);
        planned(&mut view).stable = None;
        said(21, &view)
    };
    let nothing = format!("{ID}: it rolled back to nothing");
    let taken = format!("{ID}: it took traffic away with nothing to take it");
    assert_eq!(first(returning()), [nothing.clone(), taken.clone()]);

    let without_return = |state| {
        let mut events = returning();
        events.retain(|(_, event)| !matches!(event, Event::TrafficReturned { .. } | Event::Exited { .. }));
        events.push((290, exited(state, 290)));
        events
    };
    assert_eq!(first(without_return(ExitState::RolledBack)), [nothing]);
    assert!(first(without_return(ExitState::RollbackFailed)).is_empty());

    let mut restored = without_return(ExitState::RollbackFailed);
    let weights = vec![100, 0];
    restored.insert(
        restored.len() - 1,
        (202, Event::ForwardActionRestored { weights }),
    );
    assert_eq!(first(restored), [taken]);

    let mut untouched = returning();
    untouched.retain(|(_, event)| !matches!(event, Event::WeightDecided { .. }));
    assert!(first(untouched).is_empty(), "it never took traffic");
}

/// A view whose deployment was frozen from one instant to the other.
fn frozen(mut view: View, from: i64, until: i64) -> View {
    let freeze = view.deployments[0].deployment.spec.freezes.first_mut().unwrap();
    (freeze.from, freeze.until) = (at(from), at(until));
    view
}

#[test]
fn i22_each_forward_step_minds_the_freeze() {
    let raised = format!("{ID}: {} during a freeze", decided(1, 100, 4).describe());
    finds(22, &frozen(completed(), 455, 470), &[&raised]);
    let scaled = format!(
        "{ID}: {} during a freeze",
        Event::ScalingStarted { step: 0, tasks: 1 }.describe()
    );
    finds(22, &frozen(completed(), 11, 12), &[&scaled]);
    assert_eq!(said(22, &frozen(completed(), 1, 2)).len(), 1, "the plan");
    // The next step's tasks are announced, a weight that was decided is read back.
    fine(22, &frozen(completed(), 399, 401));
    fine(22, &frozen(completed(), 461, 500));
}

#[test]
fn i22_a_freeze_ends_with_its_last_instant() {
    fine(22, &frozen(completed(), 400, 460));
    assert_eq!(said(22, &frozen(completed(), 400, 461)).len(), 1);
    assert_eq!(said(22, &frozen(completed(), 460, 461)).len(), 1);
}

#[test]
fn i22_a_reversal_is_not_held() {
    let mut view = frozen(completed(), 0, 900);
    view.deployments[0].deployment.kind = Kind::Reversal {
        of: "web-production-0".parse().unwrap(),
    };
    view.weights.truncate(1);
    fine(22, &view);
}

/// What is said of the rule alone: the journal has no forward step in the freeze.
fn rule_in_freeze(events: Vec<(i64, Event)>, reading: WeightReading, from: i64, until: i64) -> Vec<String> {
    let mut view = view(
        record(1, -5, 0, events),
        vec![weights(-60, 100), weights(61, 75), reading],
    );
    view.over = false;
    said(22, &frozen(view, from, until))
}

#[test]
fn i22_a_rise_of_the_rule_counts_once_a_call_from_before_must_be_over() {
    let risen = |seconds, from, until| rule_in_freeze(way_up(), weights(seconds, 0), from, until);
    let expected = ["green rose to 100 % during a freeze"];
    assert_eq!(risen(300 + QUIESCE_SECONDS, 300, 900), expected);
    assert!(
        risen(299 + QUIESCE_SECONDS, 300, 900).is_empty(),
        "under way before"
    );
    assert!(risen(500, 300, 500).is_empty(), "the freeze is over");
    assert_eq!(risen(499, 300, 500), expected);
}

#[test]
fn i22_only_our_own_rises_of_a_candidate_that_goes_forward_count() {
    let of = |reading| rule_in_freeze(way_up(), reading, 100, 900);
    assert!(of(by_hand(300, 0)).is_empty(), "by another's hand");
    assert!(of(weights(300, 100)).is_empty(), "stable rises");
    assert!(of(weights(300, 90)).is_empty(), "the candidate falls");
    assert_eq!(of(weights(300, 50)).len(), 1);
    // A rollback in a freeze, and a stray write of the old epoch in it.
    let mut back = way_up();
    let cause = alarm_raised();
    back.push((
        201,
        Event::RollbackStarted {
            epoch: Epoch(2),
            cause,
        },
    ));
    assert!(rule_in_freeze(back.clone(), weights(300, 100), 100, 900).is_empty());
    assert!(rule_in_freeze(back, weights(300, 50), 100, 900).is_empty());
}

#[test]
fn i22_only_a_freeze_as_the_reason_holds_a_rollback() {
    let events = returning();
    let index = position(&events, |event| matches!(event, Event::RollbackStarted { .. }));
    let held = |reason: &str, index| {
        let reason = reason.to_owned();
        said(
            22,
            &with(inserted(events.clone(), index, Event::Waiting { reason })),
        )
    };
    let expected = format!("{ID}: its rollback waited for a freeze to end");
    assert_eq!(held("freeze until tomorrow", index), [expected]);
    assert!(held("tasks stop", index).is_empty());
    assert!(held("freeze until tomorrow", index - 1).is_empty(), "before it");
}
