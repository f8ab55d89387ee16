//! A weight holds and is watched. The first window of these tests begins at 420 s, on a whole minute.

use super::*;
use crate::analysis::Verdict::{self, Fail, Inconclusive, Pass};
use crate::ids::Slot;
use crate::spec::{Analysis, Strategy};
use crate::testing::*;

/// A window, in seconds, with its verdict and the counts after it: passed, failed, inconclusive.
type Seen = (i64, i64, Verdict, [u32; 3]);

fn checks(decision: &Decision) -> Vec<Seen> {
    let seconds = |then: jiff::Timestamp| then.duration_since(at(0)).as_secs();
    let seen = |event: &Event| match event {
        Event::Checked {
            check,
            passed,
            failed,
            inconclusive,
        } => Some((
            seconds(check.from),
            seconds(check.until),
            check.verdict,
            [*passed, *failed, *inconclusive],
        )),
        _ => None,
    };
    decision.events.iter().filter_map(seen).collect()
}

/// Whatever follows the checks, with the outcome.
fn rest(mut decision: Decision) -> Decision {
    decision
        .events
        .retain(|event| !matches!(event, Event::Checked { .. }));
    decision
}

fn next_step() -> Decision {
    record(vec![Event::ScalingStarted { step: 1, tasks: 4 }])
}

fn shift_done() -> Decision {
    Decision {
        events: vec![Event::ShiftDone],
        ..done()
    }
}

fn analysis(deployment: &mut Deployment) -> &mut Analysis {
    match &mut deployment.spec.strategy {
        Strategy::Canary(steps) => steps.analysis.as_mut().unwrap(),
        other => panic!("not a canary: {other:?}"),
    }
}

/// One minute of 100 requests for each verdict, from the first window on: 5 of them failed, none did,
/// or nothing is known.
fn world(deployment: &Deployment, minutes: &[Verdict]) -> Observation {
    let mut world = with_candidate(&deployment.spec, 4, 25);
    let samples = (0..)
        .zip(minutes)
        .filter_map(|(index, verdict)| match verdict {
            Pass => Some(minute(FIRST_WINDOW + 60 * index, 100.0, 0.0)),
            Fail => Some(minute(FIRST_WINDOW + 60 * index, 100.0, 5.0)),
            Inconclusive => None,
        })
        .collect();
    world.slots.insert(Slot::Green, service("web:2", 4));
    world.samples.insert(Slot::Green, samples);
    world
}

/// A bake that has counted so much already, up to that second.
fn counted(until: i64, passed: u32, failed: u32, inconclusive: u32) -> Deployment {
    let mut deployment = baking(CANARY);
    let bake = &mut deployment.shift.bake;
    bake.checked_until = Some(at(until));
    (bake.passed, bake.failed, bake.inconclusive) = (passed, failed, inconclusive);
    deployment
}

/// How long it waits without any new sample, and why.
fn waits(deployment: &Deployment, seconds: i64) -> (u32, String) {
    let decision = shift(deployment, &world(deployment, &[]), seconds);
    assert_eq!(checks(&decision), Vec::new());
    match decision.outcome {
        Outcome::Wait { seconds, reason } => (seconds, reason),
        other => panic!("it does not wait: {other:?}"),
    }
}

#[test]
fn a_step_without_a_pause_is_done_at_once() {
    let mut deployment = baking(CANARY);
    deployment.plan.as_mut().unwrap().steps[0].bake_seconds = 0;
    assert_eq!(
        shift(&deployment, &world(&deployment, &[]), BAKE_BEGINS),
        next_step()
    );
}

#[test]
fn the_last_step_ends_the_shift() {
    let mut deployment = baking(CANARY);
    tell(&mut deployment, 700, Event::ScalingStarted { step: 1, tasks: 4 });
    let full = weight(100);
    tell(
        &mut deployment,
        750,
        Event::WeightReached {
            step: 1,
            weight: full,
        },
    );
    let mut world = world(&deployment, &[]);
    world.forward = Some(forward(100));
    assert_eq!(shift(&deployment, &world, 751), shift_done());
}

#[test]
fn a_bake_where_nothing_is_measured_lasts_as_long_as_the_file_says() {
    // With neither analysis nor conditions, and with conditions that are switched off.
    let mut off = baking(WORKER);
    off.spec.auto_rollback.conditions = vec!["error_rate > 2%".parse().unwrap()];
    off.spec.auto_rollback.enabled = false;
    for deployment in [baking(WORKER), off] {
        let world = world(&deployment, &[]);
        let reason = "baking at 25 % until 2026-11-20T09:11:10Z";
        for (seconds, left) in [(0, 300), (299, 1)] {
            assert_eq!(
                shift(&deployment, &world, BAKE_BEGINS + seconds),
                wait(left, reason)
            );
        }
        for seconds in [300, 301] {
            assert_eq!(shift(&deployment, &world, BAKE_BEGINS + seconds), next_step());
        }
    }
}

#[test]
fn a_long_bake_is_looked_at_every_quarter_of_an_hour() {
    let mut deployment = baking(WORKER);
    deployment.plan.as_mut().unwrap().steps[0].bake_seconds = 3600;
    let world = world(&deployment, &[]);
    let reason = "baking at 25 % until 2026-11-20T10:06:10Z";
    for (seconds, expected) in [(0, 900), (2699, 900), (2701, 899)] {
        assert_eq!(
            shift(&deployment, &world, BAKE_BEGINS + seconds),
            wait(expected, reason)
        );
    }
}

#[test]
fn services_that_one_ecs_service_replaces_are_not_analysed() {
    for file in [ROLLING, RECREATE] {
        let mut deployment = baking(file);
        deployment.plan.as_mut().unwrap().steps[0].bake_seconds = 60;
        let world = world(&deployment, &[]);
        assert_eq!(shift(&deployment, &world, BAKE_BEGINS + 60), shift_done());
    }
}

#[test]
fn a_window_is_assessed_a_minute_after_its_end() {
    let deployment = baking(CANARY);
    let world = world(&deployment, &[Pass; 5]);
    let first = (420, 480, Pass, [1, 0, 0]);
    let second = (480, 540, Pass, [2, 0, 0]);
    assert_eq!(checks(&shift(&deployment, &world, 539)), []);
    assert_eq!(checks(&shift(&deployment, &world, 540)), [first]);
    assert_eq!(checks(&shift(&deployment, &world, 599)), [first]);
    assert_eq!(checks(&shift(&deployment, &world, 600)), [first, second]);
}

#[test]
fn a_bake_without_a_window_yet_begins_with_its_own_start() {
    let mut deployment = baking(CANARY);
    deployment.shift.bake.checked_until = None;
    let world = world(&deployment, &[Pass; 5]);
    assert_eq!(
        checks(&shift(&deployment, &world, 370 + 120)),
        [(370, 430, Pass, [1, 0, 0])]
    );
}

#[test]
fn windows_are_as_long_as_the_interval() {
    let mut deployment = baking(CANARY);
    analysis(&mut deployment).interval_seconds = 120;
    let world = world(&deployment, &[Pass; 5]);
    assert_eq!(checks(&shift(&deployment, &world, 599)), []);
    assert_eq!(
        checks(&shift(&deployment, &world, 600)),
        [(420, 540, Pass, [1, 0, 0])]
    );
}

#[test]
fn a_step_that_passes_is_done_with_the_window_in_which_its_bake_ends() {
    // The bake ends at 670: the window until 660 is too short, the one until 720 covers it.
    let deployment = counted(600, 3, 0, 0);
    let world = world(&deployment, &[Pass; 5]);
    let early = shift(&deployment, &world, 779);
    assert_eq!(checks(&early), [(600, 660, Pass, [4, 0, 0])]);
    assert_eq!(rest(early), wait(1, "baking at 25 % until 2026-11-20T09:11:10Z"));
    let decision = shift(&deployment, &world, 780);
    assert_eq!(
        checks(&decision),
        [(600, 660, Pass, [4, 0, 0]), (660, 720, Pass, [5, 0, 0])]
    );
    assert_eq!(rest(decision), next_step());
}

#[test]
fn a_window_that_ends_with_the_bake_is_the_last() {
    let mut deployment = counted(600, 3, 0, 0);
    deployment.plan.as_mut().unwrap().steps[0].bake_seconds = 290;
    let world = world(&deployment, &[Pass; 5]);
    assert_eq!(rest(shift(&deployment, &world, 720)), next_step());
    deployment.plan.as_mut().unwrap().steps[0].bake_seconds = 291;
    assert_eq!(
        rest(shift(&deployment, &world, 720)),
        wait(60, "baking at 25 % until 2026-11-20T09:11:01Z")
    );
}

#[test]
fn a_bake_does_not_end_with_a_window_that_did_not_pass() {
    let deployment = counted(660, 4, 0, 0);
    let failed = shift(
        &deployment,
        &world(&deployment, &[Pass, Pass, Pass, Pass, Fail]),
        780,
    );
    assert_eq!(checks(&failed), [(660, 720, Fail, [4, 1, 0])]);
    assert_eq!(
        rest(failed),
        wait(60, "holding at 25 %: 1 of 3 failed checks before rolling back")
    );
    let unclear = shift(&deployment, &world(&deployment, &[Pass; 4]), 780);
    assert_eq!(checks(&unclear), [(660, 720, Inconclusive, [4, 0, 1])]);
    assert_eq!(
        rest(unclear),
        wait(
            60,
            "holding at 25 %: 1 of 4 inconclusive checks before rolling back"
        )
    );
}

#[test]
fn a_bake_that_is_over_without_a_new_window_is_done_only_where_the_last_one_passed() {
    // A function that was killed after its checks were recorded runs again, and finds nothing new.
    let seconds = 781;
    let passed = counted(720, 5, 0, 0);
    assert_eq!(shift(&passed, &world(&passed, &[]), seconds), next_step());

    let nothing = counted(720, 0, 0, 0);
    assert_eq!(
        waits(&nothing, seconds),
        (59, "holding at 25 % until a check passes".to_owned())
    );
    let unclear = counted(720, 5, 0, 1);
    assert_eq!(
        waits(&unclear, seconds),
        (
            59,
            "holding at 25 %: 1 of 4 inconclusive checks before rolling back".to_owned()
        )
    );
    let mut holding = counted(720, 5, 1, 0);
    holding.waiting_for = "holding at 25 %: 1 of 3 failed checks before rolling back".to_owned();
    assert_eq!(waits(&holding, seconds), (59, holding.waiting_for.clone()));
    // And not before its end.
    let early = counted(660, 5, 0, 0);
    assert_eq!(
        waits(&early, 719),
        (61, "baking at 25 % until 2026-11-20T09:11:10Z".to_owned())
    );
}

#[test]
fn as_many_failed_checks_as_the_file_says_roll_back() {
    let deployment = baking(CANARY);
    let world = world(&deployment, &[Fail, Pass, Fail, Fail, Fail]);
    let decision = shift(&deployment, &world, 780);
    // What comes after the last straw is not looked at.
    assert_eq!(
        checks(&decision),
        [
            (420, 480, Fail, [0, 1, 0]),
            (480, 540, Pass, [1, 1, 0]),
            (540, 600, Fail, [1, 2, 0]),
            (600, 660, Fail, [1, 3, 0]),
        ]
    );
    let reason = "error_rate is 5 %, asked at most 1 %".to_owned();
    assert_eq!(rest(decision), abort(AbortCause::AnalysisFailed { reason }));
}

#[test]
fn as_many_inconclusive_checks_in_a_row_as_the_file_says_roll_back() {
    let deployment = baking(CANARY);
    let mut world = world(
        &deployment,
        &[
            Inconclusive,
            Fail,
            Inconclusive,
            Inconclusive,
            Inconclusive,
            Inconclusive,
        ],
    );
    let decision = shift(&deployment, &world, 900);
    assert_eq!(
        checks(&decision),
        [
            (420, 480, Inconclusive, [0, 0, 1]),
            (480, 540, Fail, [0, 1, 0]),
            (540, 600, Inconclusive, [0, 1, 1]),
            (600, 660, Inconclusive, [0, 1, 2]),
            (660, 720, Inconclusive, [0, 1, 3]),
            (720, 780, Inconclusive, [0, 1, 4]),
        ]
    );
    let reason = "error_rate: no data in this window".to_owned();
    assert_eq!(rest(decision), abort(AbortCause::AnalysisInconclusive { reason }));
    // A check that passes ends the row as one that fails does.
    world
        .samples
        .get_mut(&Slot::Green)
        .unwrap()
        .push(minute(660, 100.0, 0.0));
    assert_eq!(
        checks(&shift(&deployment, &world, 780)).last(),
        Some(&(660, 720, Pass, [1, 1, 0]))
    );
}

#[test]
fn only_the_candidates_samples_are_looked_at() {
    let deployment = baking(CANARY);
    let mut world = world(&deployment, &[Pass]);
    world
        .samples
        .insert(Slot::Blue, vec![minute(FIRST_WINDOW, 100.0, 5.0)]);
    assert_eq!(
        checks(&shift(&deployment, &world, 540)),
        [(420, 480, Pass, [1, 0, 0])]
    );
    world.samples.remove(&Slot::Green);
    assert_eq!(
        checks(&shift(&deployment, &world, 540)),
        [(420, 480, Inconclusive, [0, 0, 1])]
    );
}

#[test]
fn a_condition_that_is_met_rolls_back_at_once() {
    let mut deployment = baking(CANARY);
    deployment.spec.auto_rollback.conditions = vec!["error_rate > 2%".parse().unwrap()];
    let world = world(&deployment, &[Fail, Fail]);
    let decision = shift(&deployment, &world, 600);
    assert_eq!(checks(&decision), [(420, 480, Fail, [0, 1, 0])]);
    let condition = "error_rate > 2%".to_owned();
    assert_eq!(rest(decision), abort(AbortCause::ConditionMet { condition }));

    // Switched off, it is one failed check of three.
    deployment.spec.auto_rollback.enabled = false;
    let decision = shift(&deployment, &world, 600);
    assert_eq!(
        checks(&decision),
        [(420, 480, Fail, [0, 1, 0]), (480, 540, Fail, [0, 2, 0])]
    );
    assert!(matches!(decision.outcome, Outcome::Wait { .. }));
}

#[test]
fn conditions_are_watched_every_minute_without_an_analysis() {
    let mut deployment = baking(BLUE_GREEN);
    deployment.spec.auto_rollback.conditions = vec!["error_rate > 2%".parse().unwrap()];
    let mut world = world(&deployment, &[Pass, Pass]);
    world.forward = Some(forward(100));
    assert_eq!(
        checks(&shift(&deployment, &world, 600)),
        [(420, 480, Pass, [1, 0, 0]), (480, 540, Pass, [2, 0, 0])]
    );
    world.samples.clear();
    let later = shift(&deployment, &world, 420 + 60 * 10 + 60);
    assert_eq!(
        checks(&later).last(),
        Some(&(960, 1020, Inconclusive, [0, 0, 10]))
    );
    let reason = "error_rate: no data in this window".to_owned();
    assert_eq!(rest(later), abort(AbortCause::AnalysisInconclusive { reason }));
}

#[test]
fn a_person_decides_where_the_file_does_not_roll_back_on_errors() {
    let mut deployment = baking(BLUE_GREEN);
    deployment.spec.auto_rollback.conditions = vec!["error_rate > 2%".parse().unwrap()];
    let mut world = world(&deployment, &[Fail]);
    world.forward = Some(forward(100));
    let condition = "error_rate > 2%".to_owned();
    assert_eq!(
        rest(shift(&deployment, &world, 540)),
        abort(AbortCause::ConditionMet { condition })
    );
    if let Strategy::BlueGreen(bluegreen) = &mut deployment.spec.strategy {
        bluegreen.rollback_on_error = false;
    }
    let decision = shift(&deployment, &world, 540);
    assert_eq!(checks(&decision), [(420, 480, Fail, [0, 1, 0])]);
    assert_eq!(
        rest(decision),
        wait(
            300,
            "rollback condition met: error_rate > 2%; waiting for a person: `tidegate abort` or `tidegate rollback`"
        )
    );
}

#[test]
fn the_next_look_is_when_the_bake_could_first_be_given_up_or_end() {
    let reason = "baking at 25 % until 2026-11-20T09:11:10Z".to_owned();
    let until = |deployment: &Deployment, instant: i64| {
        let wait = u32::try_from(instant - 421).unwrap();
        assert_eq!(waits(deployment, 421), (wait, reason.clone()), "{instant}");
    };
    // (failed checks that are enough, inconclusive ones that are, the instant to look again)
    for (threshold, limit, instant) in [
        (1, 9, 420 + 60 + 60),
        (3, 4, 420 + 180 + 60),
        (3, 2, 420 + 120 + 60),
        (0, 9, 420 + 60 + 60),
        (4, 9, 420 + 240 + 60),
        // The bake ends at 670: its last window is over at 720 and readable at 780.
        (5, 9, 780),
        (9, 9, 780),
    ] {
        let mut deployment = counted(FIRST_WINDOW, 0, 0, 0);
        analysis(&mut deployment).threshold = threshold;
        analysis(&mut deployment).inconclusive_limit = limit;
        until(&deployment, instant);
    }
}

#[test]
fn the_end_of_the_bake_is_looked_at_with_the_window_that_covers_it() {
    for (bake_seconds, instant) in [
        (349, 780),
        (350, 780),
        (351, 840),
        (51, 540),
        (110, 540),
        (111, 600),
    ] {
        let mut deployment = counted(FIRST_WINDOW, 0, 0, 0);
        deployment.plan.as_mut().unwrap().steps[0].bake_seconds = bake_seconds;
        analysis(&mut deployment).threshold = 99;
        analysis(&mut deployment).inconclusive_limit = 99;
        let wait = u32::try_from(instant - 421).unwrap();
        assert_eq!(waits(&deployment, 421).0, wait, "{bake_seconds}");
    }
}

#[test]
fn the_longer_the_interval_the_later_the_next_look() {
    for (interval, instant) in [(60, 420 + 180 + 60), (90, 420 + 270 + 60), (200, 420 + 400 + 60)] {
        let mut deployment = counted(FIRST_WINDOW, 0, 0, 0);
        analysis(&mut deployment).interval_seconds = interval;
        let wait = u32::try_from(instant - 421).unwrap();
        assert_eq!(waits(&deployment, 421).0, wait, "{interval}");
    }
}

#[test]
fn checks_that_did_not_pass_bring_the_next_look_forward() {
    let failed = "holding at 25 %: 2 of 3 failed checks before rolling back".to_owned();
    assert_eq!(waits(&counted(420, 0, 2, 0), 421), (119, failed));
    let failed = "holding at 25 %: 1 of 3 failed checks before rolling back".to_owned();
    assert_eq!(waits(&counted(420, 0, 1, 0), 421), (179, failed));
    let unclear = |count| format!("holding at 25 %: {count} of 4 inconclusive checks before rolling back");
    assert_eq!(waits(&counted(420, 0, 0, 3), 421), (119, unclear(3)));
    assert_eq!(waits(&counted(420, 0, 0, 2), 421), (179, unclear(2)));
    // What is unclear is told before what failed.
    assert_eq!(waits(&counted(420, 0, 2, 1), 421), (119, unclear(1)));
}

#[test]
fn conditions_that_no_alarm_watches_are_looked_at_in_every_window() {
    let mut deployment = counted(FIRST_WINDOW, 0, 0, 0);
    assert_eq!(waits(&deployment, 421).0, 239);
    deployment.plan.as_mut().unwrap().alarms.clear();
    assert_eq!(waits(&deployment, 421).0, 239);
    deployment.spec.auto_rollback.conditions = vec!["error_rate > 2%".parse().unwrap()];
    assert_eq!(waits(&deployment, 421).0, 119);
    deployment.plan.as_mut().unwrap().alarms.push(ALARM.to_owned());
    assert_eq!(waits(&deployment, 421).0, 239);
}

#[test]
fn a_long_bake_with_an_analysis_is_looked_at_every_quarter_of_an_hour_too() {
    let mut deployment = counted(FIRST_WINDOW, 0, 0, 0);
    deployment.plan.as_mut().unwrap().steps[0].bake_seconds = 7200;
    analysis(&mut deployment).interval_seconds = 600;
    // One failed of three: two more windows of 10 minutes, which can be read at 1680 s.
    assert_eq!(waits(&deployment, 421).0, 900);
    deployment.shift.bake.failed = 1;
    assert_eq!(waits(&deployment, 780).0, 900);
    assert_eq!(waits(&deployment, 781).0, 899);
    assert_eq!(waits(&deployment, 1079).0, 601);
}
