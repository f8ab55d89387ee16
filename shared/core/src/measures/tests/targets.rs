use proptest::prelude::*;

use super::{completed, last_days, rolled_back};
use crate::exit::ExitState;
use crate::measures::{Answer, Figures, Outcome, measure};

/// The figures of so many that completed and so many that were rolled back within some seconds.
fn figures(good: usize, bad: usize, seconds: i64) -> Figures {
    let good = (0..good).map(|n| completed(&format!("good-{n}"), 1));
    let bad = (0..bad).map(|n| rolled_back(&format!("bad-{n}"), 1, seconds));
    let outcomes: Vec<Outcome> = good.chain(bad).collect();
    measure(&outcomes, last_days(30)).all
}

#[test]
fn few_good_ones_are_not_enough_to_meet_a_target() {
    for good in [0, 1, 19] {
        let figures = figures(good, 0, 0);
        for judged in [
            &figures.success_target,
            &figures.change_failure_target,
            &figures.without_downtime_target,
        ] {
            assert_eq!(judged.answer, Answer::NotEnoughData, "{good}: {judged:?}");
            assert!(
                judged.why.starts_with(&format!("{good} of the 20 ")),
                "{judged:?}"
            );
        }
    }
    let enough = figures(20, 0, 0);
    assert_eq!(enough.success_target.answer, Answer::Met);
    assert_eq!(enough.change_failure_target.answer, Answer::Met);
    assert_eq!(enough.without_downtime_target.answer, Answer::Met);
}

#[test]
fn the_bounds_themselves_do_not_meet_the_targets() {
    // 95 % and 5 %, exactly.
    let at_bound = figures(19, 1, 10);
    assert_eq!(at_bound.success_target.answer, Answer::Missed);
    assert_eq!(at_bound.change_failure_target.answer, Answer::Missed);
    let beyond = figures(20, 1, 10);
    assert_eq!(beyond.success_target.answer, Answer::Met);
    assert_eq!(beyond.change_failure_target.answer, Answer::Met);
}

#[test]
fn one_failure_among_few_has_missed_already() {
    // Nineteen more without a fault would give 95 %, which is not more than 95 %.
    assert_eq!(figures(0, 1, 10).success_target.answer, Answer::Missed);
    assert_eq!(figures(3, 1, 10).change_failure_target.answer, Answer::Missed);
}

#[test]
fn recovery_needs_three_and_half_an_hour_is_too_long() {
    assert_eq!(figures(30, 0, 0).recovery_target.answer, Answer::NotEnoughData);
    assert_eq!(figures(0, 2, 60).recovery_target.answer, Answer::NotEnoughData);
    assert_eq!(figures(0, 3, 60).recovery_target.answer, Answer::Met);
    assert_eq!(figures(0, 3, 1799).recovery_target.answer, Answer::Met);
    assert_eq!(figures(0, 3, 1800).recovery_target.answer, Answer::Missed);
    // One of an hour and a half can't be made up for by two that take no time.
    assert_eq!(figures(0, 1, 5400).recovery_target.answer, Answer::Missed);
    assert_eq!(figures(0, 1, 5399).recovery_target.answer, Answer::NotEnoughData);
}

#[test]
fn one_that_never_came_back_misses_the_target() {
    let lost = Outcome {
        state: ExitState::RollbackFailed,
        to_safe_seconds: None,
        ..rolled_back("lost", 1, 0)
    };
    let figures = measure(&[lost], last_days(30)).all;
    assert_eq!(figures.recovery_target.answer, Answer::Missed);
    assert_eq!(
        figures.recovery_target.why,
        "1 failed without a measured way back"
    );
}

#[test]
fn one_interruption_misses_a_hundred_percent() {
    let mut outcomes: Vec<Outcome> = (0..30).map(|n| completed(&format!("d{n}"), 1)).collect();
    outcomes[7].interrupts = Some(true);
    let figures = measure(&outcomes, last_days(30)).all;
    assert_eq!(figures.without_downtime_target.answer, Answer::Missed);
}

proptest! {
    /// Another good one never makes an answer worse, another bad one never better.
    #[test]
    fn answers_follow_what_happens(good in 0usize..60, bad in 0usize..6) {
        let rank = |answer| match answer {
            Answer::Missed => 0,
            Answer::NotEnoughData => 1,
            Answer::Met => 2,
        };
        let of = |good, bad| rank(figures(good, bad, 10).success_target.answer);
        prop_assert!(of(good + 1, bad) >= of(good, bad));
        if good + bad >= 20 {
            prop_assert!(of(good, bad + 1) <= of(good, bad));
        }
    }
}
