use super::{completed, days_before, last_days, rolled_back, until};
use crate::exit::ExitState;
use crate::measures::{LeftOut, Outcome, Rate, Spread, measure};

#[test]
fn spreads_of_few_values_claim_no_percentiles() {
    assert_eq!(Spread::of([]), None);
    let one = Spread::of([60]).unwrap();
    assert_eq!((one.count, one.mean_seconds, one.median_seconds), (1, 60.0, 60.0));
    assert_eq!((one.p90_seconds, one.max_seconds), (None, 60.0));
    let nine = Spread::of(1..=9).unwrap();
    assert_eq!((nine.median_seconds, nine.p90_seconds), (5.0, None));
    let ten = Spread::of((1..=10).rev()).unwrap();
    assert_eq!(
        (ten.median_seconds, ten.p90_seconds, ten.max_seconds),
        (5.5, Some(9.0), 10.0)
    );
    let eleven = Spread::of(1..=11).unwrap();
    assert_eq!(eleven.p90_seconds, Some(10.0));
    assert_eq!(Spread::of(1..=20).unwrap().p90_seconds, Some(18.0));
}

#[test]
fn a_share_of_nothing_is_no_number() {
    assert_eq!(Rate { part: 0, whole: 0 }.percent(), None);
    assert_eq!(Rate { part: 1, whole: 4 }.percent(), Some(25.0));
}

#[test]
fn nothing_deployed_gives_nothing_and_no_pass() {
    let measures = measure(&[], last_days(30));
    assert!(measures.targets.is_empty());
    assert_eq!(measures.all.success.percent(), None);
    assert_eq!(measures.all.lead_time, None);
    assert_eq!(measures.all.weeks.len(), 5);
}

#[test]
fn a_deployment_belongs_to_the_period_in_which_it_ended() {
    let mut at_until = completed("d", 0);
    at_until.ended = until();
    let outcomes = [
        completed("a", 31),
        completed("b", 30),
        completed("c", 1),
        at_until,
    ];
    let all = measure(&outcomes, last_days(30)).all;
    assert_eq!(all.ended.completed, 2);
    assert!(
        (all.completed_per_week - 2.0 * 7.0 / 30.0).abs() < 1e-9,
        "{}",
        all.completed_per_week
    );
    assert!((all.completed_per_day - 2.0 / 30.0).abs() < 1e-9);
}

#[test]
fn what_is_left_out_is_counted_apart_and_in_no_rate() {
    let left_out = |id: &str, state, took_traffic, why| Outcome {
        state,
        took_traffic,
        left_out: Some(why),
        lead: None,
        ..completed(id, 2)
    };
    let outcomes = [
        completed("a", 3),
        left_out("b", ExitState::Blocked, false, LeftOut::Blocked),
        left_out("c", ExitState::RolledBack, true, LeftOut::Superseded),
        left_out("d", ExitState::Aborted, false, LeftOut::NotApproved),
    ];
    let all = measure(&outcomes, last_days(7)).all;
    assert_eq!(all.success, Rate { part: 1, whole: 1 });
    assert_eq!(all.change_failure, Rate { part: 0, whole: 1 });
    // Its traffic did move back.
    assert_eq!(all.rollback, Rate { part: 1, whole: 2 });
    let ended = all.ended;
    assert_eq!((ended.blocked, ended.superseded, ended.not_approved), (1, 1, 1));
    assert_eq!((ended.completed, ended.rolled_back, ended.aborted), (1, 0, 0));
}

#[test]
fn a_reversal_makes_the_completed_one_a_failed_change_even_after_the_period() {
    let reversal = Outcome {
        reverses: Some("a".parse().unwrap()),
        state: ExitState::RolledBack,
        lead: None,
        to_safe_seconds: Some(12),
        ended: until(),
        ..completed("back", 0)
    };
    let all = measure(&[completed("a", 1), completed("b", 2), reversal], last_days(7)).all;
    assert_eq!(all.success, Rate { part: 2, whole: 2 });
    assert_eq!(all.change_failure, Rate { part: 1, whole: 2 });
    assert_eq!(all.rollback, Rate { part: 1, whole: 2 });
    assert_eq!(all.recovery.unwrap().max_seconds, 12.0);
    assert_eq!((all.ended.completed, all.ended.reversed), (2, 1));
}

#[test]
fn a_reversal_that_was_blocked_took_nothing_back() {
    let blocked = Outcome {
        reverses: Some("a".parse().unwrap()),
        state: ExitState::Blocked,
        took_traffic: false,
        ..completed("back", 1)
    };
    let all = measure(&[completed("a", 1), blocked], last_days(7)).all;
    assert_eq!(all.change_failure, Rate { part: 0, whole: 1 });
}

#[test]
fn a_failure_without_a_way_back_is_told() {
    let lost = Outcome {
        state: ExitState::RollbackFailed,
        to_safe_seconds: None,
        interrupts: Some(true),
        ..rolled_back("lost", 1, 0)
    };
    let all = measure(&[rolled_back("a", 1, 20), lost], last_days(7)).all;
    assert_eq!(all.unrecovered, 1);
    assert_eq!(all.recovery.unwrap().count, 1);
    assert_eq!(all.without_downtime, Rate { part: 1, whole: 2 });
    assert_eq!(all.ended.rollback_failed, 1);
}

#[test]
fn aborted_ones_fail_the_deployment_but_not_the_change() {
    let aborted = Outcome {
        state: ExitState::Aborted,
        took_traffic: false,
        ..rolled_back("a", 1, 0)
    };
    let all = measure(&[aborted, completed("b", 1)], last_days(7)).all;
    assert_eq!(all.success, Rate { part: 1, whole: 2 });
    assert_eq!(all.change_failure, Rate { part: 0, whole: 1 });
    assert_eq!(all.recovery, None);
}

#[test]
fn weeks_end_with_the_period_and_together_hold_all_of_it() {
    let outcomes = [
        completed("a", 1),
        completed("b", 7),
        completed("c", 8),
        rolled_back("d", 9, 5),
        completed("e", 10),
    ];
    let weeks = measure(&outcomes, last_days(10)).all.weeks;
    let told: Vec<_> = weeks.iter().map(|w| (w.from, w.completed, w.failed)).collect();
    assert_eq!(told, [(days_before(10), 2, 1), (days_before(7), 2, 0)]);
}

#[test]
fn a_week_shows_what_failed_before_it_took_traffic_and_not_what_was_left_out() {
    let unseen = |id: &str, state, left_out| Outcome {
        state,
        took_traffic: false,
        left_out,
        lead: None,
        ..completed(id, 1)
    };
    let outcomes = [
        unseen("a", ExitState::Aborted, None),
        unseen("b", ExitState::RollbackFailed, None),
        unseen("c", ExitState::Blocked, Some(LeftOut::Blocked)),
    ];
    let weeks = measure(&outcomes, last_days(7)).all.weeks;
    assert_eq!((weeks[0].completed, weeks[0].failed), (0, 2));
}

#[test]
fn targets_are_told_apart_and_together() {
    let staging = Outcome {
        target: "web/staging".parse().unwrap(),
        ..rolled_back("s", 1, 5)
    };
    let measures = measure(&[staging, completed("a", 1)], last_days(7));
    let names: Vec<_> = measures.targets.iter().map(|one| one.target.as_str()).collect();
    assert_eq!(names, ["web/production", "web/staging"]);
    assert_eq!(
        measures.targets[0].figures.change_failure,
        Rate { part: 0, whole: 1 }
    );
    assert_eq!(
        measures.targets[1].figures.change_failure,
        Rate { part: 1, whole: 1 }
    );
    assert_eq!(measures.all.change_failure, Rate { part: 1, whole: 2 });
}

#[test]
fn measures_come_back_from_json_as_they_were() {
    let measures = measure(&[completed("a", 1), rolled_back("b", 2, 30)], last_days(30));
    let text = serde_json::to_string(&measures).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::measures::Measures>(&text).unwrap(),
        measures
    );
}

#[test]
fn only_deployments_with_traffic_say_something_about_interruptions() {
    let of = |took_traffic, interrupts| Outcome {
        took_traffic,
        interrupts,
        ..completed("a", 1)
    };
    let served = |one: Outcome| measure(&[one], last_days(7)).all.without_downtime;
    assert_eq!(served(of(true, Some(false))), Rate { part: 1, whole: 1 });
    assert_eq!(served(of(true, Some(true))), Rate { part: 0, whole: 1 });
    assert_eq!(served(of(true, None)), Rate { part: 0, whole: 0 });
    assert_eq!(served(of(false, Some(false))), Rate { part: 0, whole: 0 });
}

#[test]
fn lead_times_say_from_when_they_were_counted() {
    use crate::measures::LeadFrom;
    use crate::measures::outcome::Lead;
    let from = |id, from| Outcome {
        lead: Some(Lead { seconds: 60, from }),
        ..completed(id, 1)
    };
    let outcomes = [
        from("a", LeadFrom::Commit),
        from("b", LeadFrom::Push),
        from("c", LeadFrom::Commit),
    ];
    assert_eq!(measure(&outcomes, last_days(7)).all.lead_times_from_commit, 2);
}

#[test]
fn what_ended_as_a_week_did_belongs_to_the_next_one() {
    let weeks = measure(&[completed("a", 7)], last_days(14)).all.weeks;
    let told: Vec<usize> = weeks.iter().map(|week| week.completed).collect();
    assert_eq!(told, [0, 1]);
}

#[test]
fn a_period_without_a_beginning_has_as_many_weeks_as_are_shown() {
    let weeks = measure(&[completed("a", 1)], last_days(7 * 600)).all.weeks;
    assert_eq!(weeks.len(), 520);
}
