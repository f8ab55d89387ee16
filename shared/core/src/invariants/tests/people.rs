//! Both sides of each edge of the rules about people, alarms, measurements and suites.

use super::*;

const ID: &str = "web-production-1";

#[track_caller]
fn fine(invariant: u8, view: &View) {
    assert_eq!(said(invariant, view), Vec::<String>::new());
}

fn is_decided(event: &Event) -> bool {
    matches!(event, Event::Decided { .. })
}

#[test]
fn i13_a_decision_counts_from_the_opening_to_the_instant_before_the_gate_expires() {
    let opened = |opens: i64, expires: i64| {
        let mut events = completing();
        for (seconds, event) in &mut events {
            if let Event::GateOpened { expires_at, .. } = event {
                *expires_at = at(expires);
                *seconds = opens;
            }
        }
        said(13, &with(events))
    };
    let late = [format!("{ID}: maria decided out of time")];
    // Maria decides at 10.
    assert!(opened(3, 11).is_empty());
    assert_eq!(opened(3, 10), late);
    assert_eq!(opened(3, 9), late);
    assert!(opened(10, 3600).is_empty());
    assert_eq!(opened(11, 3600), late);
}

#[test]
fn i13_a_gate_is_passed_once_and_nothing_is_decided_after_it() {
    let events = completing();
    let index = position(&events, |event| matches!(event, Event::GatePassed { .. }));
    let again = with(inserted(events.clone(), index, events[index].1.clone()));
    assert_eq!(
        said(13, &again),
        [format!("{ID}: the gate before shift was passed twice")]
    );
    let after = with(inserted(events, index, approval("tom", true)));
    assert_eq!(
        said(13, &after),
        [format!("{ID}: tom decided after the gate was passed")]
    );
}

#[test]
fn i13_each_fault_of_a_decision_is_told_apart() {
    let mut events = completing();
    let index = position(&events, is_decided);
    if let Event::Decided { decision, .. } = &mut events[index].1 {
        decision.plan_hash = PlanHash::of(b"another");
    }
    let other = format!("{ID}: maria decided about another plan");
    assert_eq!(said(13, &with(events)), [other]);
    let mut events = completing();
    events.retain(|(_, event)| !is_decided(event));
    let few = format!("{ID}: the gate before shift was passed by too few");
    assert_eq!(said(13, &with(events)), [few]);
}

#[test]
fn i14_a_role_must_be_held_and_asked_for() {
    let decided_as = |by: &str, role: &str| {
        let mut events = completing();
        let index = position(&events, is_decided);
        events[index].1 = approval(by, true);
        if let Event::Decided { decision, .. } = &mut events[index].1 {
            decision.role = role.parse().unwrap();
        }
        said(14, &with(events))
    };
    assert!(decided_as("maria", "tech-lead").is_empty());
    for (by, role) in [
        ("tom", "tech-lead"),
        ("tom", "product"),
        ("maria", "product"),
        ("eve", "tech-lead"),
    ] {
        assert_eq!(decided_as(by, role), [format!("{ID}: {by} decided as {role}")]);
    }
}

#[test]
fn i14_one_person_may_decide_at_two_gates_and_not_about_an_own_change() {
    let mut events = completing();
    let index = position(&events, is_decided);
    let twice = with(inserted(events.clone(), index, approval("maria", false)));
    assert_eq!(said(14, &twice), [format!("{ID}: maria decided twice")]);

    let mut elsewhere = approval("maria", true);
    if let Event::Decided { before, .. } = &mut elsewhere {
        *before = GatePhase::Complete;
    }
    events = inserted(events, index, elsewhere);
    let mut view = with(events);
    let second = crate::spec::Gate {
        before: GatePhase::Complete,
        ..view.deployments[0].deployment.spec.gates[0].clone()
    };
    view.deployments[0].deployment.spec.gates.push(second);
    fine(14, &view);

    let mut view = completed();
    let author = |name: &str| Origin::Person {
        person: name.parse().unwrap(),
    };
    view.deployments[0].deployment.origin = author("tom");
    fine(14, &view);
    view.deployments[0].deployment.origin = author("maria");
    assert_eq!(
        said(14, &view),
        [format!("{ID}: maria decided about an own change")]
    );
}

/// A deployment that Maria denied at 10 and that ended at 100, with these readings of its rule.
fn denied(readings: Vec<WeightReading>) -> Vec<String> {
    let mut events = way_up();
    let index = position(&events, is_decided);
    events.truncate(index);
    events.push((10, approval("maria", false)));
    events.push((100, exited(ExitState::Aborted, 100)));
    said(15, &view(record(1, -5, 0, events), readings))
}

#[test]
fn i15_after_a_denial_the_candidates_weight_does_not_rise() {
    let risen = |seconds| denied(vec![weights(-60, 100), weights(seconds, 75)]);
    let found = [format!("{ID}: the candidate's weight rose after it was denied")];
    assert!(risen(9).is_empty());
    assert!(risen(10).is_empty());
    assert_eq!(risen(11), found);
    assert_eq!(risen(99), found);
    assert!(risen(100).is_empty(), "it has ended");
}

#[test]
fn i15_what_others_do_and_what_stable_gains_is_no_rise() {
    let by_hand = WeightReading {
        by: Writer::Outside,
        ..weights(50, 75)
    };
    assert!(denied(vec![weights(-60, 100), by_hand]).is_empty());
    assert!(denied(vec![weights(-60, 75), weights(50, 100)]).is_empty());
    assert!(denied(vec![weights(-60, 100)]).is_empty());
}

#[test]
fn i15_each_kind_of_denial_counts_for_what_comes_after_it() {
    let stopped = |cause: AbortCause| said(15, &with(inserted(way_up(), 4, Event::AbortRequested { cause })));
    let by = || "maria".parse().unwrap();
    let reason = String::new;
    let found = [
        format!("{ID}: 25 % was decided after it was denied"),
        format!("{ID}: the candidate's weight rose after it was denied"),
        format!("{ID}: the candidate's weight rose after it was denied"),
    ];
    assert_eq!(
        stopped(AbortCause::Rejected {
            by: by(),
            reason: reason()
        }),
        found
    );
    assert_eq!(stopped(AbortCause::ApprovalExpired { expired_at: at(5) }), found);
    assert!(
        stopped(AbortCause::AskedFor {
            by: by(),
            reason: reason()
        })
        .is_empty()
    );
    // A denial that comes after the weights changes nothing of the past.
    let mut late = way_up();
    late.push((900, approval("tom", false)));
    fine(15, &with(late));
}

fn alarm_seen(readings: &[(i64, bool)]) -> View {
    let mut view = completed();
    view.alarms = readings
        .iter()
        .map(|(seconds, firing)| AlarmReading {
            at: at(*seconds),
            name: ALARM.to_owned(),
            firing: *firing,
        })
        .collect();
    view
}

#[test]
fn i9_an_alarm_is_fine_at_the_look_or_at_the_plan() {
    // Asked for at 0, planned at 1.
    fine(9, &alarm_seen(&[(-60, false), (1, true)]));
    fine(9, &alarm_seen(&[(-60, true), (1, false)]));
    let found = [format!(
        "{ID}: it was planned although alarm {ALARM} was not fine"
    )];
    assert_eq!(said(9, &alarm_seen(&[(-60, true)])), found);
    assert_eq!(said(9, &alarm_seen(&[(-60, false), (0, true)])), found);
    assert_eq!(said(9, &alarm_seen(&[(2, false)])), found, "it did not exist yet");
}

#[test]
fn i9_a_reversal_and_an_override_go_on_in_spite_of_it() {
    let mut view = alarm_seen(&[(-60, true)]);
    view.deployments[0].deployment.kind = Kind::Reversal {
        of: "web-production-0".parse().unwrap(),
    };
    fine(9, &view);
    let mut view = alarm_seen(&[(-60, true)]);
    let set_aside = |what: &str| crate::deployment::Override {
        what: what.to_owned(),
        by: "maria".parse().unwrap(),
        reason: "known".to_owned(),
    };
    view.deployments[0].deployment.overrides = vec![set_aside("alarm:another")];
    assert_eq!(said(9, &view).len(), 1);
    view.deployments[0].deployment.overrides = vec![set_aside(&format!("alarm:{ALARM}"))];
    fine(9, &view);
}

/// A completing deployment with its one check changed.
fn checked(change: impl Fn(&mut Check)) -> Vec<(i64, Event)> {
    let mut events = completing();
    for (_, event) in &mut events {
        if let Event::Checked { check, .. } = event {
            change(check);
        }
    }
    events
}

#[test]
fn i10_a_pass_is_made_of_measurements_that_passed() {
    let unmeasured = |change: fn(&mut Check)| {
        let found = said(10, &with(checked(change)));
        found.len() == 1 && found[0].ends_with("passed without being measured")
    };
    assert!(unmeasured(|check| check.measurements.clear()));
    assert!(unmeasured(|check| check.measurements[0].value = None));
    assert!(unmeasured(|check| check.measurements[0].verdict = Verdict::Fail));
    assert!(unmeasured(
        |check| check.measurements[0].verdict = Verdict::Inconclusive
    ));
    assert!(!unmeasured(|check| check.reason = "fine".to_owned()));
}

#[test]
fn i10_a_check_that_failed_need_not_be_measured_and_is_no_pass() {
    let events = completing();
    let index = position(&events, |event| matches!(event, Event::Checked { .. }));
    let failed = checked(|check| {
        check.verdict = Verdict::Fail;
        check.measurements.clear();
    });
    // Failed, then passed.
    fine(
        10,
        &with(inserted(events.clone(), index - 1, failed[index].1.clone())),
    );
    // Passed, then failed.
    let found = said(10, &with(inserted(events, index, failed[index].1.clone())));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with("follows a bake that did not pass"),
        "{found:?}"
    );
}

#[test]
fn i10_a_pass_of_one_step_is_none_of_the_next() {
    let mut view = with(completing());
    fine(10, &view);
    view.deployments[0].deployment.plan.as_mut().unwrap().steps[1].bake_seconds = 1;
    assert_eq!(said(10, &view).len(), 1);
}

#[test]
fn i10_a_step_without_rules_or_without_a_bake_is_not_measured() {
    let unchecked = |analysis: bool, conditions: &[&str], enabled: bool, bake: u32| {
        let mut events = completing();
        events.retain(|(_, event)| !matches!(event, Event::Checked { .. }));
        let mut view = with(events);
        let deployment = &mut view.deployments[0].deployment;
        if let crate::spec::Strategy::Canary(steps) = &mut deployment.spec.strategy
            && !analysis
        {
            steps.analysis = None;
        }
        let rollback = &mut deployment.spec.auto_rollback;
        rollback.enabled = enabled;
        rollback.conditions = conditions.iter().map(|text| text.parse().unwrap()).collect();
        deployment.plan.as_mut().unwrap().steps[0].bake_seconds = bake;
        said(10, &view).len()
    };
    let condition: &[&str] = &["error_rate > 1%"];
    assert_eq!(unchecked(true, &[], true, 300), 1);
    assert_eq!(unchecked(true, &[], true, 1), 1);
    assert_eq!(unchecked(true, &[], true, 0), 0);
    assert_eq!(unchecked(false, condition, true, 300), 1);
    assert_eq!(unchecked(false, condition, true, 0), 0);
    assert_eq!(unchecked(false, condition, false, 300), 0, "conditions only tell");
    assert_eq!(unchecked(false, &[], true, 300), 0);
    assert_eq!(unchecked(true, condition, false, 300), 1);
}

#[test]
fn i10_blue_green_is_measured_by_its_rules_and_one_service_is_not() {
    let unchecked = |strategy: crate::spec::Strategy| {
        let mut events = completing();
        events.retain(|(_, event)| !matches!(event, Event::Checked { .. }));
        let mut view = with(events);
        view.deployments[0].deployment.spec.strategy = strategy;
        said(10, &view).len()
    };
    let crate::spec::Strategy::Canary(steps) = completed().deployments[0].deployment.spec.strategy.clone()
    else {
        unreachable!("the file is a canary's");
    };
    let bluegreen = |analysis| {
        crate::spec::Strategy::BlueGreen(crate::spec::BlueGreen {
            test_duration_seconds: 60,
            rollback_on_error: true,
            analysis,
        })
    };
    assert_eq!(unchecked(bluegreen(steps.analysis.clone())), 1);
    assert_eq!(unchecked(bluegreen(None)), 0);
    assert_eq!(unchecked(crate::spec::Strategy::Linear(steps)), 1);
    assert_eq!(unchecked(crate::spec::Strategy::Rolling), 0);
    assert_eq!(unchecked(crate::spec::Strategy::Recreate), 0);
}

/// A completing deployment whose first check has these counters.
fn counted(counters: (u32, u32, u32), begins: i64) -> Vec<(i64, Event)> {
    let mut events = checked(|check| check.from = at(begins));
    for (_, event) in &mut events {
        if let Event::Checked {
            passed,
            failed,
            inconclusive,
            ..
        } = event
        {
            (*passed, *failed, *inconclusive) = counters;
        }
    }
    events
}

#[test]
fn i17_the_first_check_of_a_bake_counts_one() {
    for counters in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
        fine(17, &with(counted(counters, 120)));
    }
    for counters in [(0, 0, 0), (2, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)] {
        let found = said(17, &with(counted(counters, 120)));
        assert_eq!(found.len(), 1, "{counters:?}");
        assert!(found[0].ends_with("counts on from before"), "{found:?}");
    }
}

#[test]
fn i17_the_first_check_looks_at_nothing_from_before_its_weight() {
    // The weight is reached at 62.
    fine(17, &with(counted((1, 0, 0), 62)));
    let found = said(17, &with(counted((1, 0, 0), 61)));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("looks at what was before"), "{found:?}");
}

#[test]
fn i17_later_checks_of_a_bake_count_on() {
    let events = completing();
    let index = position(&events, |event| matches!(event, Event::Checked { .. }));
    let second = counted((2, 0, 0), 60)[index].1.clone();
    fine(17, &with(inserted(events, index, second)));
}

fn smoke_ends() -> impl Fn(&Event) -> bool {
    |event| matches!(event, Event::SuiteEnded { .. })
}

#[test]
fn i23_only_a_smoke_test_that_is_asked_for_must_pass_first() {
    let mut without = completing();
    without.retain(|(_, event)| !smoke_ends()(event));
    let view = with(without.clone());
    let found = |weight| format!("{ID}: {weight} % was decided without a smoke test that passed");
    assert_eq!(said(23, &view), [found(25), found(100)]);

    let asked = |suites: &[&str], traffic| {
        let mut view = view.clone();
        let deployment = &mut view.deployments[0].deployment;
        deployment.spec.post_deployment_tests =
            suites.iter().map(|name| SuiteName((*name).to_owned())).collect();
        deployment.plan.as_mut().unwrap().traffic = traffic;
        said(23, &view).len()
    };
    assert_eq!(asked(&["smoke"], Traffic::Tasks), 2);
    assert_eq!(asked(&["load", "smoke"], Traffic::Weighted), 2);
    assert_eq!(asked(&["load"], Traffic::Weighted), 0);
    assert_eq!(asked(&[], Traffic::Weighted), 0);
    assert_eq!(asked(&["smoke"], Traffic::Rolling), 0);
}

#[test]
fn i23_another_suites_end_says_nothing_of_smoke() {
    let load = |exit_code| Event::SuiteEnded {
        suite: SuiteName("load".to_owned()),
        exit_code,
        log: Vec::new(),
    };
    let index = position(&completing(), smoke_ends());
    fine(23, &with(inserted(completing(), index, load(1))));
    let mut instead = completing();
    instead[index].1 = load(0);
    assert_eq!(said(23, &with(instead)).len(), 2);
}
