//! Performance bounds: judged once they were measured for long enough, and never without data.

use super::*;
use crate::analysis::Samples;
use crate::deployment::Phase;
use crate::ids::Slot;
use crate::observation::Question;
use crate::phases::performance::run_performance;
use crate::testing::*;

const BOUNDS: &str = "\
validate:
  performance: {errorRate: 1%, p99: 800ms, for: 5m}
";

/// Validate begins at 810 s, so that measuring begins with the minute at 840 s.
fn validating() -> Deployment {
    let file = BLUE_GREEN.replace("postDeploymentTests: [smoke, load]\n", "");
    shifted(&format!("{file}{BOUNDS}"), Phase::Validate)
}

fn seen(errors: f64, p99: f64) -> Observation {
    let minutes = (0..5).map(|index| Samples {
        latency_p99_ms: Some(p99),
        ..minute(840 + index * 60, 100.0, errors)
    });
    let mut world = Observation::default();
    world.samples.insert(Slot::Green, minutes.collect());
    world
}

#[test]
fn nothing_is_judged_before_its_time_is_over() {
    let deployment = validating();
    let from = |seconds: i64| Question::of(&deployment, at(seconds)).samples_from();
    // Five minutes from the first whole one, and one more until CloudWatch has them.
    assert_eq!(from(1199), None);
    assert_eq!(from(1200), Some(at(840)));
    let hold = |seconds| wait(seconds, "measuring performance until 2026-11-20T09:20:00Z");
    assert_eq!(
        run_performance(&deployment, &seen(9.0, 9.0), at(810)),
        Some(hold(390))
    );
    assert_eq!(
        run_performance(&deployment, &seen(9.0, 9.0), at(1199)),
        Some(hold(1))
    );
}

#[test]
fn within_its_bounds_it_passes_and_beyond_them_it_goes_back() {
    for (errors, p99, reason) in [
        (1.0, 800.0, None),
        (1.1, 800.0, Some("error_rate is 1.1 %, asked at most 1 %")),
        (0.0, 801.0, Some("latency_p99 is 801 ms, asked at most 800 ms")),
    ] {
        let mut deployment = validating();
        let world = seen(errors, p99);
        let decision = run_performance(&deployment, &world, at(1200)).unwrap();
        assert_eq!(decision.outcome, Outcome::Continue);
        for event in decision.events {
            tell(&mut deployment, 1200, event);
        }
        let stop = reason.map(|reason| {
            let reason = reason.to_owned();
            abort(AbortCause::AnalysisFailed { reason })
        });
        assert_eq!(run_performance(&deployment, &world, at(1200)), stop);
        assert_eq!(Question::of(&deployment, at(1300)).samples_from(), None);
    }
}

#[test]
fn too_little_data_is_waited_for_and_is_no_pass() {
    let deployment = validating();
    let nothing = Observation::default();
    let hold = wait(
        60,
        "performance can't be judged yet: error_rate: no data in this window",
    );
    let look = |seconds| run_performance(&deployment, &nothing, at(seconds)).unwrap();
    assert_eq!(look(1200).outcome, look(2099).outcome);
    assert!(
        matches!(&look(1200).outcome, Outcome::Wait { reason, .. } if reason.contains("no data in this window")),
        "{:?} {hold:?}",
        look(1200)
    );
    assert!(matches!(
        look(2100).outcome,
        Outcome::Abort(AbortCause::AnalysisInconclusive { .. })
    ));
    // The window grows while it waits.
    let window = deployment.performance_window(at(1330));
    assert_eq!(window, Some((at(840), at(1260))));
}

#[test]
fn without_bounds_nothing_is_measured() {
    let deployment = shifted(BLUE_GREEN, Phase::Validate);
    assert_eq!(
        run_performance(&deployment, &Observation::default(), at(5000)),
        None
    );
    assert_eq!(Question::of(&deployment, at(5000)).samples_from(), None);
}

#[test]
fn too_few_requests_are_no_measure() {
    let bounds = crate::spec::Performance {
        min_requests: 501,
        ..validating().spec.validate.performance.clone().unwrap()
    };
    let mut deployment = validating();
    deployment.spec.validate.performance = Some(bounds.clone());
    let judged = |deployment: &Deployment| run_performance(deployment, &seen(0.0, 1.0), at(1200)).unwrap();
    assert!(matches!(judged(&deployment).outcome, Outcome::Wait { .. }));
    deployment.spec.validate.performance = Some(crate::spec::Performance {
        min_requests: 500,
        ..bounds
    });
    assert_eq!(judged(&deployment).outcome, Outcome::Continue);
}
