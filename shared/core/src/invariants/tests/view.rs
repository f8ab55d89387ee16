//! What a view answers at an instant.

use super::*;

#[test]
fn a_deployment_goes_on_from_its_request_to_its_end() {
    let view = completed();
    let record = &view.deployments[0];
    for (seconds, active) in [
        (-1, false),
        (0, true),
        (1, true),
        (462, true),
        (463, false),
        (464, false),
    ] {
        assert_eq!(record.active_at(at(seconds)), active, "{seconds} s");
        assert_eq!(view.active_at(at(seconds)).is_some(), active, "{seconds} s");
    }
    assert!(with(way_up()).deployments[0].active_at(at(100_000)));
}

#[test]
fn of_two_deployments_the_newer_one_goes_on() {
    let mut view = with(way_up());
    view.deployments.push(record(2, 400, 500, way_up()));
    let active = |seconds| view.active_at(at(seconds)).map(|one| one.deployment.epoch.0);
    assert_eq!((active(499), active(500)), (Some(1), Some(2)));
}

#[test]
fn instants_are_those_of_the_first_entries() {
    let view = rolled_back();
    let record = &view.deployments[0];
    assert_eq!(record.planned_at(), Some(at(1)));
    assert_eq!(record.rollback_at(), Some(at(201)));
    assert_eq!(record.exited_at(), Some(at(290)));
    assert_eq!(record.first(|event| matches!(event, Event::ShiftDone)), None);
    assert_eq!(record.traffic(), Some(Traffic::Weighted));
    let after: Vec<u64> = record
        .after(|event| matches!(event, Event::TrafficReturned { .. }))
        .iter()
        .map(|entry| entry.seq)
        .collect();
    let last = record.journal.len() as u64;
    assert_eq!(after, [last - 1, last]);
    assert!(
        record
            .after(|event| matches!(event, Event::Exited { .. }))
            .is_empty()
    );
    assert!(record.after(|event| matches!(event, Event::ShiftDone)).is_empty());
    assert_eq!(record.says("it ended"), "web-production-1: it ended");
}

#[test]
fn readings_hold_until_the_next_of_the_same_thing() {
    let view = completed();
    let tasks = |slot, seconds| view.slot_at(slot, at(seconds)).map(|reading| reading.desired);
    assert_eq!(tasks(Slot::Green, -61), None);
    assert_eq!(tasks(Slot::Green, -60), Some(0));
    assert_eq!(tasks(Slot::Green, 49), Some(0));
    assert_eq!(tasks(Slot::Green, 50), Some(1));
    assert_eq!(tasks(Slot::Blue, 50), Some(4));
    assert_eq!(tasks(Slot::Green, 900), Some(4));

    let share = |slot, seconds| view.weight_at(slot, at(seconds));
    assert_eq!(share(Slot::Green, -61), None);
    assert_eq!(share(Slot::Green, 60), Some(0));
    assert_eq!(share(Slot::Green, 61), Some(25));
    assert_eq!(share(Slot::Blue, 61), Some(75));
    assert_eq!(share(Slot::Green, 460), Some(100));
}

#[test]
fn an_alarm_is_as_it_was_last_seen_and_unknown_before() {
    let mut view = rolled_back();
    view.alarms.push(AlarmReading {
        at: at(150),
        name: "another".to_owned(),
        firing: false,
    });
    view.alarms.sort_by_key(|reading| reading.at);
    let firing = |name, seconds| view.alarm_at(name, at(seconds));
    assert_eq!(firing(ALARM, -61), None);
    assert_eq!(firing(ALARM, -60), Some(false));
    assert_eq!(firing(ALARM, 198), Some(false));
    assert_eq!(firing(ALARM, 199), Some(true));
    assert_eq!(firing("another", 149), None);
    assert_eq!(firing("another", 199), Some(false));
    assert_eq!(firing("api-errors", 199), None);
}

#[test]
fn a_change_is_one_of_a_target_group_that_is_ours() {
    let mut view = completed();
    view.weights.insert(2, weights(300, 75));
    view.weights[1].weights.insert("api-blue".to_owned(), 7);
    let changes: Vec<_> = view
        .changes()
        .iter()
        .map(|change| (change.at, change.slot, change.from, change.to, change.by))
        .collect();
    let ours = Writer::Tidegate;
    assert_eq!(
        changes,
        [
            (at(61), Slot::Blue, 100, 75, ours),
            (at(61), Slot::Green, 0, 25, ours),
            (at(460), Slot::Blue, 75, 0, ours),
            (at(460), Slot::Green, 25, 100, ours),
        ]
    );
}

#[test]
fn target_groups_are_named_by_the_part_before_the_last_of_their_arn() {
    let named = View::named(&Forward {
        target_groups: vec![(arn(Slot::Blue), 75), ("bare".to_owned(), 25)],
        stickiness: None,
    });
    let expected = BTreeMap::from([("web-blue".to_owned(), 75), ("bare".to_owned(), 25)]);
    assert_eq!(named, expected);
}

#[test]
fn only_the_rules_that_are_wanted_are_asked() {
    let mut view = completed();
    view.notices.clear();
    view.forward = None;
    view.weights[1].weights.insert("web-green".to_owned(), 30);
    let numbers = |wanted: fn(u8) -> bool| -> BTreeSet<u8> {
        check_where(&view, wanted)
            .iter()
            .map(|violation| violation.invariant)
            .collect()
    };
    assert_eq!(numbers(|number| number == 19), BTreeSet::from([19]));
    assert_eq!(numbers(|number| number == 1), BTreeSet::new());
    assert!(numbers(|_| true).is_superset(&BTreeSet::from([2, 19])));
}
