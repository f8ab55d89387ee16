//! What a watch sees, acts on and ends with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::deployment::Phase;
use crate::exit::Exit;
use crate::ids::SpecHash;
use crate::observation::AlarmState;
use crate::testing::*;

const WATCH: &str = "watch: {for: 2h, onAlarm: rollback}\n";
const COMPLETED: i64 = 1000;

/// A completed deployment that is watched, and its target.
fn completed() -> (TargetState, Deployment) {
    let deployment = shifted(&format!("{CANARY}{WATCH}"), Phase::Complete);
    let mut state = target_of(&deployment);
    state.release(&deployment, &exit(ExitState::Completed, COMPLETED));
    (state, deployment)
}

fn target_of(deployment: &Deployment) -> TargetState {
    let hash = SpecHash::of(b"");
    TargetState::new(deployment.target.clone(), deployment.spec.clone(), hash, at(0))
}

fn exit(state: ExitState, seconds: i64) -> Exit {
    Exit {
        state,
        at: at(seconds),
        reason: String::new(),
        remedy: None,
    }
}

fn fired(name: &str, seconds: Option<i64>) -> Alarm {
    Alarm {
        fired_at: seconds.map(at),
        ..alarm(name, AlarmState::Ok)
    }
}

#[test]
fn a_watch_begins_with_completion_and_ends_with_its_time() {
    let (state, deployment) = completed();
    let [watching] = &state.watching[..] else {
        panic!("{:?}", state.watching)
    };
    assert_eq!(watching.deployment, deployment.id);
    assert_eq!(
        (watching.from, watching.until),
        (at(COMPLETED), at(COMPLETED + 7200))
    );
    assert_eq!(watching.end(&state, at(COMPLETED + 7199)), None);
    assert_eq!(watching.end(&state, at(COMPLETED + 7200)), Some(End::Over));
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<TargetState>(&json).unwrap(), state);
    // Without the section there is none.
    let plain = shifted(CANARY, Phase::Complete);
    let mut state = target_of(&plain);
    state.release(&plain, &exit(ExitState::Completed, COMPLETED));
    assert_eq!(state.watching, []);
    assert!(!serde_json::to_string(&state).unwrap().contains("watching"));
}

#[test]
fn what_replaces_a_deployment_ends_its_watch() {
    let (mut state, deployment) = completed();
    let watching = state.watching[0].clone();
    let mut next = deployment.clone();
    next.id = "web-production-8".parse().unwrap();
    // One that was rolled back leaves it what serves.
    state.release(&next, &exit(ExitState::RolledBack, 2000));
    assert_eq!(watching.end(&state, at(2000)), None);
    state.release(&next, &exit(ExitState::Completed, 2500));
    assert_eq!(
        watching.end(&state, at(2500)),
        Some(End::Replaced(next.id.clone()))
    );
    assert_eq!(state.watching.len(), 2);
    assert_eq!(state.watching[1].end(&state, at(2500)), None);
}

#[test]
fn a_rollback_that_failed_is_not_tried_again_by_the_watch() {
    let (mut state, deployment) = completed();
    let mut back = deployment.clone();
    back.id = "web-production-8-back".parse().unwrap();
    back.kind = crate::deployment::Kind::Reversal {
        of: deployment.id.clone(),
    };
    state.release(&back, &exit(ExitState::RollbackFailed, 2000));
    assert_eq!(state.watching[0].on_alarm, OnAlarm::Tell);
    state.release(&back, &exit(ExitState::RolledBack, 2000));
    assert_eq!(
        state.watching[0].end(&state, at(2000)),
        Some(End::Replaced(back.id))
    );
}

#[test]
fn only_alarms_since_completion_count_each_once() {
    let (state, mut deployment) = completed();
    let mut watching = state.watching[0].clone();
    let name = |watching: &Watching, deployment: &Deployment, alarms: &[Alarm]| {
        watching
            .alarm(deployment, alarms, at(COMPLETED))
            .map(|alarm| alarm.name.clone())
    };
    let alarms = [
        fired("old", Some(COMPLETED - 1)),
        fired("quiet", None),
        fired("late", Some(COMPLETED)),
        fired("later", Some(COMPLETED + 60)),
    ];
    assert_eq!(name(&watching, &deployment, &alarms), Some("late".to_owned()));
    set_aside(&mut deployment, "alarm:late");
    assert_eq!(name(&watching, &deployment, &alarms), Some("later".to_owned()));
    watching.told.insert("later".to_owned());
    assert_eq!(name(&watching, &deployment, &alarms), None);
    assert!(
        matches!(cause_of(&alarms[2]), AbortCause::AlarmRaised { raised_at: Some(at_), .. } if at_ == at(COMPLETED))
    );
}

#[test]
fn alarms_of_another_deployment_do_not_count() {
    let (mut state, deployment) = completed();
    let watching = state.watching[0].clone();
    assert_eq!(watching.since(&state), at(COMPLETED));
    let mut next = deployment.clone();
    next.id = "web-production-8".parse().unwrap();
    state.release(&next, &exit(ExitState::Blocked, 2000));
    assert_eq!(watching.acts(&state), OnAlarm::Rollback);
    assert_eq!(watching.since(&state), at(COMPLETED));
    state.release(&next, &exit(ExitState::RolledBack, 3000));
    assert_eq!(watching.since(&state), at(3300));
    assert_eq!(watching.acts(&state), OnAlarm::Tell);
    let alarms = [fired("theirs", Some(3299)), fired("ours", Some(3300))];
    let alarm = watching.alarm(&deployment, &alarms, watching.since(&state));
    assert_eq!(alarm.map(|alarm| alarm.name.as_str()), Some("ours"));
}

#[test]
fn figures_are_sums_and_medians_of_their_minutes() {
    let samples: Vec<Samples> = (0..5)
        .map(|index| Samples {
            latency_p99_ms: Some(100.0 + f64::from(index) * 10.0),
            ..minute(i64::from(index) * 60, 200.0, f64::from(index))
        })
        .collect();
    let all = Figures::of(&samples, at(0), at(300));
    assert_eq!(
        (all.minutes, all.requests, all.error_rate),
        (5, 1000.0, Some(1.0))
    );
    assert_eq!(all.latency_p99_ms, Some(120.0));
    let some = Figures::of(&samples, at(60), at(120));
    assert_eq!((some.minutes, some.error_rate), (1, Some(0.5)));
    let none = Figures::of(&samples, at(600), at(900));
    assert_eq!(
        (none.minutes, none.error_rate, none.latency_p99_ms),
        (0, None, None)
    );
    let trend = Trend {
        before: none,
        during: all,
    };
    assert_eq!(
        trend.describe(),
        "error rate 1 % (unknown before), p99 120 ms (unknown before), 1000 requests"
    );
}

#[test]
fn a_watch_is_compared_with_the_last_step_that_baked() {
    let mut deployment = planned(CANARY);
    let reached = |step| Event::WeightReached {
        step,
        weight: weight(20),
    };
    let mut journal = crate::journal::append(&mut deployment, vec![reached(0)], "test", at(100));
    journal.extend(crate::journal::append(
        &mut deployment,
        vec![reached(1)],
        "test",
        at(700),
    ));
    assert_eq!(compared_from(&journal, at(1000)), Some(at(700)));
    assert_eq!(compared_from(&journal, at(999)), Some(at(100)));
    assert_eq!(compared_from(&[], at(999)), None);
}

#[test]
fn numbers_that_are_none_are_not_counted() {
    let odd = |requests: f64, errors: f64, p99: f64| Samples {
        latency_p99_ms: Some(p99),
        ..minute(60, requests, errors)
    };
    let of = |sample: Samples| Figures::of(&[sample], at(0), at(120));
    let good = of(odd(100.0, 1.0, 120.0));
    assert_eq!(
        (good.requests, good.error_rate, good.latency_p99_ms),
        (100.0, Some(1.0), Some(120.0))
    );
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let seen = of(odd(bad, 1.0, bad));
        assert_eq!(
            (seen.requests, seen.error_rate, seen.latency_p99_ms),
            (0.0, None, None),
            "{bad}"
        );
        assert_eq!(of(odd(100.0, bad, 1.0)).error_rate, Some(0.0), "{bad}");
    }
}
