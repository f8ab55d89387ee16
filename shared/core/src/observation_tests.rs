//! What counts as fired, and what makes an observation stale.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::event::Event;
use crate::testing::{
    BAKE_BEGINS, BLUE_GREEN, CANARY, FIRST_WINDOW, alarm, at, baking, planned, raising, requested, scaling,
    suite, tell, testing,
};

fn question(deployment: &Deployment, seconds: i64) -> Question {
    Question::of(deployment, at(seconds))
}

#[test]
fn an_alarm_has_fired_if_it_does_or_did() {
    let states = [
        AlarmState::Ok,
        AlarmState::InsufficientData,
        AlarmState::Unreadable,
        AlarmState::Alarm,
    ];
    for state in states {
        let now = alarm("errors", state);
        let before = Alarm {
            fired_at: Some(at(5)),
            ..now.clone()
        };
        assert_eq!(now.fired(), state == AlarmState::Alarm, "{state:?}");
        assert!(before.fired(), "{state:?}");
    }
}

#[test]
fn the_alarms_that_fire_are_given_in_their_order() {
    let mut cleared = alarm("cleared", AlarmState::Ok);
    cleared.fired_at = Some(at(5));
    let world = Observation {
        alarms: vec![
            alarm("quiet", AlarmState::Ok),
            cleared,
            alarm("gone", AlarmState::Unreadable),
            alarm("loud", AlarmState::Alarm),
        ],
        ..Observation::default()
    };
    let names: Vec<&str> = world.firing().map(|alarm| alarm.name.as_str()).collect();
    assert_eq!(names, ["cleared", "loud"]);
    assert_eq!(Observation::default().firing().count(), 0);
}

#[test]
fn samples_are_read_from_the_start_of_a_bake_once_a_window_can_be_over() {
    let deployment = baking(CANARY);
    let needed = Some(at(BAKE_BEGINS));
    // The first window begins at 420, and metrics of that minute are complete a minute later.
    for (seconds, expected) in [
        (FIRST_WINDOW, None),
        (FIRST_WINDOW + 60, None),
        (FIRST_WINDOW + 61, needed),
        (FIRST_WINDOW + 600, needed),
    ] {
        assert_eq!(
            question(&deployment, seconds).samples_from(),
            expected,
            "{seconds}"
        );
    }
    let mut unchecked = baking(CANARY);
    unchecked.shift.bake.checked_until = None;
    assert_eq!(question(&unchecked, BAKE_BEGINS).samples_from(), needed);
}

#[test]
fn samples_are_read_while_a_weight_bakes_only() {
    for deployment in [
        requested(CANARY),
        planned(CANARY),
        scaling(CANARY),
        testing(CANARY),
        raising(CANARY),
    ] {
        assert_eq!(question(&deployment, 5000).samples_from(), None);
    }
    let mut over = baking(CANARY);
    tell(&mut over, 800, Event::ShiftDone);
    assert_eq!(question(&over, 5000).samples_from(), None);
}

#[test]
fn an_observation_answers_the_same_question_again() {
    for deployment in [requested(CANARY), planned(CANARY), baking(CANARY)] {
        let same = question(&deployment, 600);
        assert!(same.covers(&same.clone()));
    }
}

#[test]
fn an_observation_from_before_the_plan_does_not_answer_after_it() {
    let (before, after) = (question(&requested(CANARY), 600), question(&planned(CANARY), 600));
    assert!(!before.covers(&after));
    assert!(!after.covers(&before));
    // Planned or not, with all else the same.
    let mut unplanned = planned(CANARY);
    unplanned.plan = None;
    assert!(!question(&unplanned, 600).covers(&after));
    assert!(!after.covers(&question(&unplanned, 600)));
    // Alarms count from another instant.
    let mut later = planned(CANARY);
    later.planned_at = Some(at(6));
    assert!(!question(&later, 600).covers(&after));
}

#[test]
fn an_observation_without_samples_does_not_answer_for_a_bake() {
    let deployment = baking(CANARY);
    let (without, with) = (
        question(&deployment, FIRST_WINDOW),
        question(&deployment, FIRST_WINDOW + 61),
    );
    assert!(!without.covers(&with));
    assert!(with.covers(&without));
    // Samples of the bake before are not those of this one.
    let mut next = baking(CANARY);
    next.shift.since = at(BAKE_BEGINS + 30);
    let next = question(&next, FIRST_WINDOW + 61);
    assert!(next.samples_from().is_some());
    assert!(!with.covers(&next));
}

#[test]
fn an_observation_answers_for_the_suites_that_ran_when_it_was_made() {
    let nothing = testing(BLUE_GREEN);
    let mut smoke = testing(BLUE_GREEN);
    let started = Event::SuiteStarted {
        suite: suite("smoke"),
    };
    tell(&mut smoke, 210, started);
    let mut ended = smoke.clone();
    let over = Event::SuiteEnded {
        suite: suite("smoke"),
        exit_code: 0,
        log: Vec::new(),
    };
    tell(&mut ended, 230, over);
    let [nothing, smoke, ended] = [nothing, smoke, ended].map(|deployment| question(&deployment, 240));
    assert!(!nothing.covers(&smoke));
    assert!(smoke.covers(&nothing));
    assert!(smoke.covers(&ended));
    assert!(!ended.covers(&smoke));
    assert_eq!(nothing, ended);
}

#[test]
fn an_observation_answers_for_a_task_definition_if_it_looked_for_it() {
    let known = planned(CANARY);
    let mut unknown = planned(CANARY);
    unknown.revision.task_definition = None;
    let [known, unknown] = [known, unknown].map(|deployment| question(&deployment, 30));
    assert!(unknown.covers(&known));
    assert!(!known.covers(&unknown));
    assert!(unknown.covers(&unknown.clone()));
    assert!(known.covers(&known.clone()));
}

#[test]
fn a_lag_of_the_metrics_is_a_minute() {
    let earliest = at(FIRST_WINDOW).duration_since(at(FIRST_WINDOW - METRICS_LAG_SECONDS));
    assert_eq!(earliest.as_secs(), 60);
    assert_eq!(baking(CANARY).shift.bake.checked_until.unwrap(), at(FIRST_WINDOW));
}

#[test]
fn an_observation_answers_for_alarms_and_security_if_it_looked_at_them() {
    let forward = question(&baking(CANARY), 400);
    let back = Question::undo(&crate::testing::rolling_back(baking(CANARY)), Phase::Prepare);
    assert!(forward.alarms() && !back.alarms());
    let without = Question {
        alarms: false,
        ..forward.clone()
    };
    assert!(forward.covers(&without) && !without.covers(&forward));
    let security = Question {
        security: true,
        ..forward.clone()
    };
    assert!(security.covers(&forward) && !forward.covers(&security));
    assert!(security.covers(&security.clone()));
}

#[test]
fn an_observation_answers_for_the_change_that_it_looked_at() {
    const TWO: &str = "environment: production\nstrategy: rolling\nreplicas: 4\nmigrations: [{name: a, command: [up]}, {name: b, command: [up]}]\n";
    let changes = planned(TWO).planned_changes().to_vec();
    let [one, other] = [0, 1].map(|index| changes.get(index).cloned());
    let plain = question(&baking(CANARY), 400);
    let looked = |change: &Option<Change>| Question {
        change: change.clone(),
        ..plain.clone()
    };
    let proposed = |proposal: &Option<Change>| Question {
        proposal: proposal.clone(),
        ..plain.clone()
    };
    for (first, second) in [(looked(&one), looked(&other)), (proposed(&one), proposed(&other))] {
        assert!(first.covers(&first.clone()));
        assert!(first.covers(&plain) && !plain.covers(&first));
        assert!(!first.covers(&second));
    }
}
