#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::spec::Metric;

fn minute(index: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_040 + index * 60).unwrap()
}

fn sample(index: i64, requests: f64, errors: f64, latency: f64) -> Samples {
    Samples {
        at: minute(index),
        requests: Some(requests),
        errors_5xx: (errors > 0.0).then_some(errors),
        latency_p99_ms: Some(latency),
        custom: BTreeMap::new(),
    }
}

fn rule(metric: KnownMetric, min: Option<f64>, max: Option<f64>) -> MetricRule {
    MetricRule {
        name: metric.as_str().to_owned(),
        metric: metric.into(),
        max,
        min,
    }
}

/// The rules of the production file.
fn rules() -> Analysis {
    Analysis {
        interval_seconds: 60,
        threshold: 5,
        metrics: vec![
            rule(KnownMetric::ErrorRate, None, Some(0.1)),
            rule(KnownMetric::LatencyP99, None, Some(500.0)),
        ],
        min_requests: 10,
        freshness_seconds: 180,
        inconclusive_limit: 10,
        compare: None,
    }
}

fn conditions() -> Vec<Condition> {
    ["error_rate > 1%", "latency_p99 > 1000ms", "availability < 99.9%"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect()
}

#[test]
fn a_healthy_minute_passes() {
    let check = assess(
        &rules(),
        &conditions(),
        &[sample(0, 2000.0, 1.0, 300.0)],
        &[],
        minute(0),
        minute(1),
    );
    assert_eq!(check.verdict, Verdict::Pass, "{}", check.reason);
    assert_eq!(check.measurements.len(), 5);
    assert_eq!(check.measurements[0].value, Some(0.05));
    assert_eq!(
        check.measurements[0].reason,
        "error_rate is 0.05 %, asked at most 0.1 %"
    );
    assert_eq!(check.condition_breached, None);
}

#[test]
fn a_bound_breaks_before_the_condition_does() {
    let check = assess(
        &rules(),
        &conditions()[..1],
        &[sample(0, 1000.0, 5.0, 600.0)],
        &[],
        minute(0),
        minute(1),
    );
    assert_eq!(check.verdict, Verdict::Fail);
    assert_eq!(check.condition_breached, None);
    assert_eq!(
        check.reason,
        "error_rate is 0.5 %, asked at most 0.1 %; latency_p99 is 600 ms, asked at most 500 ms"
    );
}

#[test]
fn a_condition_that_holds_is_named() {
    let check = assess(
        &rules(),
        &conditions(),
        &[sample(0, 1000.0, 50.0, 300.0)],
        &[],
        minute(0),
        minute(1),
    );
    assert_eq!(check.verdict, Verdict::Fail);
    assert_eq!(check.condition_breached.as_deref(), Some("error_rate > 1%"));
}

#[test]
fn rates_are_sums_over_sums_and_latency_is_the_worst_minute() {
    let samples = [sample(0, 10.0, 1.0, 100.0), sample(1, 990.0, 0.0, 400.0)];
    let check = assess(&rules(), &[], &samples, &[], minute(0), minute(2));
    assert_eq!(check.measurements[0].value, Some(0.1));
    assert_eq!(check.measurements[1].value, Some(400.0));
    assert_eq!(check.verdict, Verdict::Pass);
}

#[test]
fn a_rate_at_its_bound_is_within_it() {
    let conditions: Vec<Condition> = ["error_rate > 0.1%", "availability < 99.9%"]
        .map(|text| text.parse().unwrap())
        .to_vec();
    for thousands in 1..200 {
        let count = f64::from(thousands);
        let samples = [sample(0, count * 1000.0, count, 1.0)];
        let check = assess(&rules(), &conditions, &samples, &[], minute(0), minute(1));
        assert_eq!(check.verdict, Verdict::Pass, "{}", check.reason);
    }
}

#[test]
fn minutes_outside_the_window_do_not_count() {
    let samples = [
        sample(-1, 1000.0, 900.0, 9e3),
        sample(0, 1000.0, 0.0, 10.0),
        sample(1, 1000.0, 900.0, 9e3),
    ];
    let check = assess(&rules(), &conditions(), &samples, &[], minute(0), minute(1));
    assert_eq!(check.verdict, Verdict::Pass, "{}", check.reason);
}

#[test]
fn too_little_data_is_inconclusive_and_says_why() {
    let nothing = assess(&rules(), &conditions(), &[], &[], minute(0), minute(1));
    assert_eq!(nothing.verdict, Verdict::Inconclusive);
    assert!(nothing.reason.contains("no data in this window"));

    let few = assess(
        &rules(),
        &[],
        &[sample(0, 9.0, 9.0, 9e9)],
        &[],
        minute(0),
        minute(1),
    );
    assert_eq!(few.verdict, Verdict::Inconclusive);
    assert!(
        few.reason.contains("only 9 requests; 10 are needed"),
        "{}",
        few.reason
    );

    let stale = assess(
        &rules(),
        &[],
        &[sample(0, 1000.0, 0.0, 1.0)],
        &[],
        minute(0),
        minute(10),
    );
    assert_eq!(stale.verdict, Verdict::Inconclusive);
    assert!(stale.reason.contains("600 s old"), "{}", stale.reason);

    let mut odd = sample(0, 1000.0, 0.0, 1.0);
    odd.latency_p99_ms = Some(f64::NAN);
    let odd = assess(&rules(), &[], &[odd], &[], minute(0), minute(1));
    assert_eq!(odd.verdict, Verdict::Inconclusive);
    assert_eq!(odd.reason, "latency_p99: a sample is NaN, which can't be");
}

#[test]
fn each_metric_must_be_fresh_by_itself() {
    // Requests arrive until the end of a long window, latencies stopped at its start.
    let mut samples: Vec<Samples> = (0..10).map(|i| sample(i, 1000.0, 0.0, 100.0)).collect();
    for late in &mut samples[1..] {
        late.latency_p99_ms = None;
    }
    let check = assess(&rules(), &[], &samples, &[], minute(0), minute(10));
    assert_eq!(check.measurements[0].verdict, Verdict::Pass);
    assert_eq!(check.verdict, Verdict::Inconclusive);
    assert_eq!(
        check.reason,
        "latency_p99: the newest data is 600 s old, more than 180 s"
    );
}

#[test]
fn a_failed_metric_wins_over_one_without_data() {
    let mut samples = sample(0, 1000.0, 500.0, 0.0);
    samples.latency_p99_ms = None;
    let check = assess(&rules(), &[], &[samples], &[], minute(0), minute(1));
    assert_eq!(check.verdict, Verdict::Fail);
    assert_eq!(check.measurements[1].verdict, Verdict::Inconclusive);
}

#[test]
fn a_check_of_nothing_does_not_pass() {
    let rules = Analysis {
        metrics: Vec::new(),
        ..rules()
    };
    let check = assess(
        &rules,
        &[],
        &[sample(0, 1000.0, 0.0, 1.0)],
        &[],
        minute(0),
        minute(1),
    );
    assert_eq!(check.verdict, Verdict::Inconclusive);
    assert!(check.reason.starts_with("nothing is measured"));
}

#[test]
fn a_service_without_requests_is_judged_by_its_own_metrics() {
    let metric = Metric::Expression("SEARCH(...)".to_owned());
    let lag = MetricRule {
        name: "queue_lag".to_owned(),
        metric,
        max: Some(30.0),
        min: None,
    };
    let rules = Analysis {
        metrics: vec![lag],
        min_requests: 0,
        ..rules()
    };
    let mut samples = Samples {
        at: minute(0),
        requests: None,
        errors_5xx: None,
        latency_p99_ms: None,
        custom: BTreeMap::from([("queue_lag".to_owned(), 12.0)]),
    };
    let at = |samples: &Samples| {
        assess(
            &rules,
            &[],
            std::slice::from_ref(samples),
            &[],
            minute(0),
            minute(1),
        )
        .verdict
    };
    assert_eq!(at(&samples), Verdict::Pass);
    samples.custom.insert("queue_lag".to_owned(), 31.0);
    assert_eq!(at(&samples), Verdict::Fail);
    samples.custom.insert("queue_lag".to_owned(), f64::INFINITY);
    assert_eq!(at(&samples), Verdict::Inconclusive);
    samples.custom.clear();
    assert_eq!(at(&samples), Verdict::Inconclusive);
}

#[test]
fn a_candidate_slower_than_stable_fails_the_comparison() {
    let compare = Compare {
        metrics: vec!["latency_p99".to_owned()],
        significance: 0.01,
        min_samples: 5,
    };
    let rules = Analysis {
        compare: Some(compare),
        ..rules()
    };
    let slot = |base: f64, minutes: i64| -> Vec<Samples> {
        (0..minutes)
            .map(|i| sample(i, 1000.0, 0.0, base + i32::try_from(i).map(f64::from).unwrap()))
            .collect()
    };
    let run = |candidate: &[Samples], stable: &[Samples]| {
        assess(&rules, &[], candidate, stable, minute(5), minute(6))
            .measurements
            .remove(2)
    };
    let slower = run(&slot(200.0, 6), &slot(100.0, 6));
    assert_eq!(slower.verdict, Verdict::Fail, "{}", slower.reason);
    assert_eq!(run(&slot(100.0, 6), &slot(200.0, 6)).verdict, Verdict::Pass);
    let few = run(&slot(200.0, 6), &slot(100.0, 4));
    assert_eq!(few.verdict, Verdict::Inconclusive);
    assert!(
        few.reason
            .contains("6 samples of the candidate and 4 of stable; 5 of each")
    );
}

#[test]
fn a_bound_is_kept_up_to_and_at_its_value_on_both_sides() {
    let rules = Analysis {
        metrics: vec![rule(KnownMetric::LatencyP99, Some(100.0), Some(500.0))],
        ..rules()
    };
    let cases = [
        (99.9, Verdict::Fail),
        (100.0, Verdict::Pass),
        (300.0, Verdict::Pass),
        (500.0, Verdict::Pass),
        (500.1, Verdict::Fail),
    ];
    for (latency, verdict) in cases {
        let samples = [sample(0, 1000.0, 0.0, latency)];
        let check = assess(&rules, &[], &samples, &[], minute(0), minute(1));
        assert_eq!(check.verdict, verdict, "{latency}: {}", check.reason);
        assert_eq!(check.measurements[0].bound, "from 100 ms to 500 ms");
    }
}

#[test]
fn a_lower_bound_alone_is_told_as_one() {
    let rules = Analysis {
        metrics: vec![rule(KnownMetric::Availability, Some(99.0), None)],
        ..rules()
    };
    for (errors, verdict) in [(10.0, Verdict::Pass), (11.0, Verdict::Fail), (9.0, Verdict::Pass)] {
        let samples = [sample(0, 1000.0, errors, 1.0)];
        let check = assess(&rules, &[], &samples, &[], minute(0), minute(1));
        assert_eq!(check.verdict, verdict, "{errors}: {}", check.reason);
        assert_eq!(check.measurements[0].bound, "at least 99 %");
    }
}

#[test]
fn a_metric_without_a_bound_never_passes() {
    let rules = Analysis {
        metrics: vec![rule(KnownMetric::LatencyP99, None, None)],
        ..rules()
    };
    let samples = [sample(0, 1000.0, 0.0, 1.0)];
    let check = assess(&rules, &[], &samples, &[], minute(0), minute(1));
    assert_eq!(check.verdict, Verdict::Inconclusive);
    assert_eq!(check.measurements[0].bound, "no bound");
}

#[test]
fn exactly_as_many_requests_as_are_needed_are_enough() {
    for (requests, verdict) in [
        (9.0, Verdict::Inconclusive),
        (10.0, Verdict::Pass),
        (11.0, Verdict::Pass),
    ] {
        let samples = [sample(0, requests, 0.0, 1.0)];
        let check = assess(&rules(), &[], &samples, &[], minute(0), minute(1));
        assert_eq!(check.verdict, verdict, "{requests}: {}", check.reason);
    }
}

#[test]
fn data_counts_up_to_the_age_that_the_file_allows() {
    let verdict = |age_minutes: i64, freshness_seconds: u32| {
        let rules = Analysis {
            freshness_seconds,
            ..rules()
        };
        let samples = [sample(0, 1000.0, 0.0, 1.0)];
        assess(&rules, &[], &samples, &[], minute(0), minute(age_minutes)).verdict
    };
    assert_eq!(verdict(3, 180), Verdict::Pass);
    assert_eq!(verdict(3, 179), Verdict::Inconclusive);
    assert_eq!(verdict(4, 180), Verdict::Inconclusive);
    // A minute that has just ended is never too old.
    assert_eq!(verdict(1, 0), Verdict::Pass);
    assert_eq!(verdict(2, 0), Verdict::Inconclusive);
}

/// The comparison of latencies in the minute that begins with the sixth.
fn compared(compare: Compare, candidate: &[Samples], stable: &[Samples]) -> Measurement {
    let rules = Analysis {
        compare: Some(compare),
        ..rules()
    };
    let mut check = assess(&rules, &[], candidate, stable, minute(5), minute(6));
    check.measurements.remove(2)
}

fn latencies(values: &[f64], first: i64) -> Vec<Samples> {
    (first..)
        .zip(values)
        .map(|(index, latency)| sample(index, 1000.0, 0.0, *latency))
        .collect()
}

fn by_latency(significance: f64, min_samples: u32) -> Compare {
    Compare {
        metrics: vec!["latency_p99".to_owned()],
        significance,
        min_samples,
    }
}

#[test]
fn samples_from_the_windows_end_on_are_not_compared() {
    let slow = latencies(&[200.0, 201.0, 202.0, 203.0, 204.0, 205.0], 1);
    let fast = latencies(&[100.0, 101.0, 102.0, 103.0, 104.0, 105.0], 1);
    // Six of each, the sixth in the minute after the window.
    let enough = compared(by_latency(0.01, 5), &slow, &fast);
    assert_eq!(enough.verdict, Verdict::Fail, "{}", enough.reason);
    let few = compared(by_latency(0.01, 6), &slow, &fast);
    assert_eq!(few.verdict, Verdict::Inconclusive);
    assert_eq!(
        few.reason,
        "latency_p99 against stable: 5 samples of the candidate and 5 of stable; 6 of each are needed"
    );
}

#[test]
fn only_a_p_value_below_the_significance_is_worse_than_stable() {
    // One against one: the larger one is the candidate's in one of two arrangements.
    let (slow, fast) = (latencies(&[200.0], 5), latencies(&[100.0], 5));
    let at = compared(by_latency(0.5, 1), &slow, &fast);
    assert_eq!((at.value, at.verdict), (Some(0.5), Verdict::Pass));
    assert_eq!(at.reason, "latency_p99 is not worse than stable (p = 0.5000)");
    let above = compared(by_latency(0.51, 1), &slow, &fast);
    assert_eq!((above.value, above.verdict), (Some(0.5), Verdict::Fail));
    assert_eq!(above.reason, "latency_p99 is worse than stable (p = 0.5000)");
    assert_eq!(above.bound, "not worse than stable at p < 0.51");
}

/// What a metric is over these minutes.
fn over(metric: KnownMetric, minutes: &[Samples]) -> Result<f64, String> {
    let minutes: Vec<&Samples> = minutes.iter().collect();
    Reading::Known(metric).over(&minutes)
}

#[test]
fn each_metric_has_its_value_over_a_window() {
    let minutes = [
        sample(0, 100.0, 5.0, 100.0),
        sample(1, 300.0, 15.0, 400.0),
        sample(2, 0.0, 0.0, 50.0),
    ];
    let values = KnownMetric::ALL.map(|metric| over(metric, &minutes).unwrap());
    let names = KnownMetric::ALL.map(KnownMetric::as_str);
    assert_eq!(
        names,
        ["error_rate", "latency_p99", "availability", "request_count"]
    );
    assert_eq!(values[0], 5.0);
    assert_eq!(values[1], 400.0);
    assert_eq!(values[2], 95.0);
    assert!((values[3] - 400.0 / 3.0).abs() < 1e-9);
}

#[test]
fn errors_ahead_of_their_requests_count_as_all_of_them() {
    let minutes = [sample(0, 100.0, 120.0, 1.0)];
    assert_eq!(over(KnownMetric::ErrorRate, &minutes), Ok(100.0));
    assert_eq!(over(KnownMetric::Availability, &minutes), Ok(0.0));
}

#[test]
fn a_minute_without_a_request_count_is_left_out_with_its_errors() {
    let mut blind = sample(1, 1.0, 50.0, 1.0);
    blind.requests = None;
    let minutes = [sample(0, 100.0, 1.0, 1.0), blind.clone()];
    assert_eq!(over(KnownMetric::ErrorRate, &minutes), Ok(1.0));
    assert_eq!(over(KnownMetric::ErrorRate, &[blind]), Err("no data".to_owned()));
}

#[test]
fn no_requests_have_no_rate() {
    let minutes = [sample(0, 0.0, 0.0, 1.0)];
    assert_eq!(
        over(KnownMetric::ErrorRate, &minutes),
        Err("no requests".to_owned())
    );
    assert_eq!(over(KnownMetric::RequestCount, &minutes), Ok(0.0));
}

#[test]
fn numbers_that_can_not_be_measured_are_refused() {
    for (odd, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (-1.0, "-1")] {
        let refused = Err(format!("a sample is {shown}, which can't be"));
        assert_eq!(
            over(KnownMetric::LatencyP99, &[sample(0, 1.0, 0.0, odd)]),
            refused
        );
        assert_eq!(
            over(KnownMetric::RequestCount, &[sample(0, odd, 0.0, 1.0)]),
            refused
        );
        let mut errors = sample(0, 1.0, 0.0, 1.0);
        errors.errors_5xx = Some(odd);
        assert_eq!(over(KnownMetric::ErrorRate, &[errors]), refused);
    }
}

#[test]
fn an_expression_is_the_mean_of_its_minutes_and_may_be_negative() {
    let minute_with = |index: i64, value: f64| {
        let mut minute = sample(index, 1.0, 0.0, 1.0);
        minute.custom.insert("drift".to_owned(), value);
        minute
    };
    let read = |minutes: &[Samples], name: &'static str| {
        let minutes: Vec<&Samples> = minutes.iter().collect();
        Reading::Custom(name).over(&minutes)
    };
    let minutes = [
        minute_with(0, -3.0),
        minute_with(1, 1.0),
        minute_with(2, -4.0),
        sample(3, 1.0, 0.0, 1.0),
    ];
    assert_eq!(read(&minutes, "drift"), Ok(-2.0));
    assert_eq!(read(&minutes, "lag"), Err("no data".to_owned()));
    let huge = [minute_with(0, f64::MAX), minute_with(1, f64::MAX)];
    assert_eq!(
        read(&huge, "drift"),
        Err("the samples are too large to add up".to_owned())
    );
    assert_eq!(Reading::Custom("drift").per_minute(&minutes), [-3.0, 1.0, -4.0]);
    assert_eq!(Reading::Custom("drift").unit(), Unit::Count);
    assert!(Reading::Custom("drift").is_in(&minutes[0]));
    assert!(!Reading::Custom("drift").is_in(&minutes[3]));
}

#[test]
fn values_are_shown_with_their_unit_to_three_decimals() {
    let shown = [
        (Unit::Percent, 0.1, "0.1 %"),
        (Unit::Percent, 99.999_61, "100 %"),
        (Unit::Percent, 33.333_333, "33.333 %"),
        (Unit::Milliseconds, 480.0, "480 ms"),
        (Unit::Count, 12.0, "12"),
        (Unit::Count, 0.000_5, "0.001"),
    ];
    for (unit, value, text) in shown {
        assert_eq!(unit.show(value), text);
    }
}

#[test]
fn known_metrics_are_found_by_their_names_and_say_which_way_is_worse() {
    for metric in KnownMetric::ALL {
        assert_eq!(KnownMetric::named(metric.as_str()), Some(metric));
        assert_eq!(metric.to_string(), metric.as_str());
        assert_eq!(Metric::from(metric).known(), Some(metric));
    }
    assert_eq!(KnownMetric::named("cpu"), None);
    let worse = KnownMetric::ALL.map(KnownMetric::higher_is_worse);
    assert_eq!(worse, [true, true, false, false]);
    let units = KnownMetric::ALL.map(KnownMetric::unit);
    assert_eq!(
        units,
        [Unit::Percent, Unit::Milliseconds, Unit::Percent, Unit::Count]
    );
}

#[test]
fn fail_wins_over_inconclusive_which_wins_over_pass() {
    use Verdict::{Fail, Inconclusive, Pass};
    for (one, other, both) in [
        (Pass, Pass, Pass),
        (Pass, Inconclusive, Inconclusive),
        (Inconclusive, Inconclusive, Inconclusive),
        (Inconclusive, Fail, Fail),
        (Pass, Fail, Fail),
        (Fail, Fail, Fail),
    ] {
        assert_eq!((one.and(other), other.and(one)), (both, both));
    }
}

fn any_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(f64::NAN)),
        1 => Just(Some(-1.0)),
        1 => Just(Some(f64::INFINITY)),
        8 => (0.0..2000.0_f64).prop_map(Some),
    ]
}

fn any_samples() -> impl Strategy<Value = Samples> {
    (-3_i64..6, any_value(), any_value(), any_value()).prop_map(
        |(index, requests, errors_5xx, latency_p99_ms)| Samples {
            at: minute(index),
            requests,
            errors_5xx,
            latency_p99_ms,
            custom: BTreeMap::new(),
        },
    )
}

proptest! {
    #[test]
    fn a_pass_has_enough_fresh_readable_data(
        candidate in proptest::collection::vec(any_samples(), 0..8),
        stable in proptest::collection::vec(any_samples(), 0..8),
        from in -1_i64..4,
        length in -1_i64..5,
    ) {
        let until = minute(from + length);
        let check = assess(&rules(), &conditions(), &candidate, &stable, minute(from), until);
        let window: Vec<&Samples> =
            candidate.iter().filter(|s| minute(from) <= s.at && s.at < until).collect();
        if check.verdict == Verdict::Pass {
            prop_assert!(check.measurements.iter().all(|one| one.value.is_some_and(f64::is_finite)));
            prop_assert!(window.iter().filter_map(|s| s.requests).sum::<f64>() >= 10.0);
            prop_assert!(window.iter().any(|s| s.latency_p99_ms.is_some()));
            prop_assert!(window.iter().any(|s| until.duration_since(s.at).as_secs() <= 180));
        }
        prop_assert_eq!(
            check.verdict == Verdict::Fail,
            check.measurements.iter().any(|one| one.verdict == Verdict::Fail)
        );
        if check.condition_breached.is_some() {
            prop_assert_eq!(check.verdict, Verdict::Fail);
        }
    }

    #[test]
    fn taking_data_away_never_makes_a_check_pass(
        candidate in proptest::collection::vec(any_samples(), 0..8),
    ) {
        let blind: Vec<Samples> = candidate
            .iter()
            .map(|s| Samples { requests: None, ..s.clone() })
            .collect();
        let check = assess(&rules(), &conditions(), &blind, &[], minute(0), minute(3));
        prop_assert_eq!(check.verdict, Verdict::Inconclusive);
    }
}
