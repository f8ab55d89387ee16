//! What watches the service is made before the candidate gets traffic.

use super::*;
use crate::change::Next;
use crate::deployment::Phase;
use crate::observation::AlarmState;
use crate::phases::make_plan;
use crate::testing::{alarm, at_rest, planned, requested, spec, wiring};

const FILE: &str = "environment: production\nstrategy: canary\nreplicas: 4\ncanary: {steps: [{weight: \
                    100}]}\nmonitoring: {alarms: [{name: errors, when: error_rate > 1%}], logRetention: 30d}\n";
const MADE: [&str; 2] = ["web-production-blue-errors", "web-production-green-errors"];

fn decided(state: AlarmState, groups: &[&str]) -> Decision {
    let mut world = at_rest(&spec(FILE));
    world.alarms.extend(MADE.map(|name| alarm(name, state)));
    world.log_groups = groups.iter().map(|group| (*group).to_owned()).collect();
    make_plan(&requested(FILE), wiring(&spec(FILE)), &world, at(10))
}

#[test]
fn an_alarm_that_will_be_made_is_watched_and_need_not_exist_yet() {
    let decision = decided(AlarmState::Unreadable, &["/ecs/web"]);
    let [Event::Planned { plan }] = &decision.events[..] else {
        panic!("{decision:?}")
    };
    assert!(MADE.iter().all(|name| plan.alarms.iter().any(|one| one == name)));
    assert_eq!(plan.changes.len(), 3);
}

#[test]
fn an_alarm_that_will_be_updated_and_fires_blocks_as_every_other() {
    let decision = decided(AlarmState::Alarm, &["/ecs/web"]);
    let Outcome::Blocked(missing) = decision.outcome else {
        panic!("{decision:?}")
    };
    assert_eq!(missing.len(), 2);
}

#[test]
fn a_name_that_somebody_else_uses_blocks_before_anything_is_touched() {
    let mut world = at_rest(&spec(FILE));
    world.log_groups = vec!["/ecs/web".to_owned()];
    world.taken = vec!["dashboard web-production".to_owned()];
    let decision = make_plan(&requested(FILE), wiring(&spec(FILE)), &world, at(10));
    let Outcome::Blocked(missing) = decision.outcome else {
        panic!("{decision:?}")
    };
    assert!(missing[0].what.starts_with("dashboard web-production"));
    assert!(missing[0].remedy.contains("Made by Tidegate for web/production."));
}

#[test]
fn lines_that_go_nowhere_are_not_kept() {
    let decision = decided(AlarmState::Unreadable, &[]);
    let Outcome::Blocked(missing) = decision.outcome else {
        panic!("{decision:?}")
    };
    assert_eq!(missing.len(), 1);
    assert!(missing[0].what.contains("log group") && missing[0].remedy.contains("logRetention"));
}

#[test]
fn monitoring_stands_between_configure_and_shift() {
    let deployment = planned(FILE);
    let next = |phase| deployment.after(phase);
    assert_eq!(next(Phase::Prepare), Some(Next::Phase(Phase::Monitoring)));
    assert_eq!(next(Phase::Monitoring), Some(Next::Phase(Phase::Shift)));
}
