#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::analysis::{Check, Verdict};
use crate::exit::ExitState;
use crate::gates::GateDecision;
use crate::testing::{
    CANARY, ROLLING, WORKER, alarm_raised, at, baking, plan, planned, request, requested, rolling_back,
    set_aside, suite, tell, testing, weight,
};

/// What a deployment becomes by one event, nine hundred seconds in.
fn told(before: &Deployment, event: &Event) -> Deployment {
    let mut after = before.clone();
    after.apply(event, at(900));
    after
}

/// A deployment of its first step that waits for something.
fn waiting() -> Deployment {
    let mut deployment = baking(CANARY);
    let reason = "a freeze holds".to_owned();
    tell(&mut deployment, 500, Event::Waiting { reason });
    deployment
}

/// `waiting`, with a stage that has just begun.
fn in_stage(step: usize, stage: Stage) -> Deployment {
    let mut deployment = waiting();
    deployment.waiting_for = String::new();
    deployment.shift.step = step;
    deployment.shift.stage = stage;
    deployment.shift.since = at(900);
    deployment
}

#[test]
fn a_new_deployment_stands_at_the_very_beginning() {
    let asked = request(CANARY);
    let new = Deployment::new(asked.clone(), at(0));
    assert_eq!(new.id, asked.id);
    assert_eq!(new.target, asked.target);
    assert_eq!(new.kind, Kind::Forward);
    assert_eq!(new.epoch, asked.epoch);
    assert_eq!(new.revision, asked.revision);
    assert_eq!(new.spec, asked.spec);
    assert_eq!(new.origin, asked.origin);
    assert_eq!((new.requested_at, new.phase_since), (at(0), at(0)));
    assert_eq!(new.phase, Phase::Plan);
    assert_eq!(new.shift.stage, Stage::Scaling);
    assert_eq!((new.shift.step, new.shift.tasks), (0, 0));
    assert_eq!((new.shift.weight, new.peak_weight), (Weight::ZERO, Weight::ZERO));
    assert_eq!((new.plan.as_ref(), new.exit.as_ref()), (None, None));
    assert_eq!((new.seq, new.journal_head.as_str()), (0, ""));
}

#[test]
fn a_revision_is_called_by_its_tag_or_else_by_its_digest() {
    let mut revision = request(CANARY).revision;
    assert_eq!(revision.label(), "web:v2");
    revision.tag = None;
    assert_eq!(revision.label(), "web@222222222222");
}

#[test]
fn a_person_answers_for_what_they_started_and_nobody_for_a_push() {
    let maria: Person = "maria".parse().unwrap();
    let person = Origin::Person {
        person: maria.clone(),
    };
    assert_eq!(person.author(), Some(&maria));
    assert_eq!(request(CANARY).origin.author(), None);
}

#[test]
fn phases_have_their_names_and_the_gates_before_them() {
    let phases = [
        (Phase::Plan, "plan", None),
        (Phase::Prepare, "prepare", Some(GatePhase::Prepare)),
        (Phase::Shift, "shift", Some(GatePhase::Shift)),
        (Phase::Validate, "validate", Some(GatePhase::Validate)),
        (Phase::Complete, "complete", Some(GatePhase::Complete)),
        (Phase::Rollback, "rollback", None),
    ];
    for (phase, name, gate) in phases {
        assert_eq!(phase.as_str(), name);
        assert_eq!(phase.gate(), gate, "{name}");
    }
}

#[test]
fn a_requirement_is_set_aside_by_its_whole_name() {
    let mut deployment = requested(CANARY);
    assert!(!deployment.overrides("quarantine"));
    set_aside(&mut deployment, "alarm:web-errors");
    assert!(deployment.overrides("alarm:web-errors"));
    assert!(!deployment.overrides("alarm:web"));
    assert!(!deployment.overrides("quarantine"));
}

#[test]
fn a_deployment_is_active_until_it_ends() {
    let mut deployment = requested(CANARY);
    assert!(deployment.active());
    let exit = exit(ExitState::Aborted);
    tell(&mut deployment, 900, Event::Exited { exit });
    assert!(!deployment.active());
}

#[test]
fn a_deployment_took_traffic_once_a_weight_was_decided() {
    assert!(!planned(CANARY).took_traffic());
    let mut deployment = planned(CANARY);
    deployment.peak_weight = weight(1);
    assert!(deployment.took_traffic());
    deployment.peak_weight = Weight::FULL;
    assert!(deployment.took_traffic());
}

#[test]
fn a_freeze_holds_from_its_first_instant_to_the_one_before_its_last() {
    let file = format!(
        "{CANARY}freezes:\n  - from: 2026-11-20T10:00:00Z\n    until: 2026-11-20T11:00:00Z\n    reason: sale\n  \
         - from: 2026-11-20T12:00:00Z\n    until: 2026-11-20T13:00:00Z\n    reason: fair\n"
    );
    let deployment = requested(&file);
    let reason = |now: i64| deployment.freeze_at(at(now)).map(|freeze| freeze.reason.as_str());
    let hour = 3600;
    let expected = [
        (0, None),
        (hour - 1, None),
        (hour, Some("sale")),
        (hour + 1, Some("sale")),
        (2 * hour - 1, Some("sale")),
        (2 * hour, None),
        (3 * hour - 1, None),
        (3 * hour, Some("fair")),
        (4 * hour - 1, Some("fair")),
        (4 * hour, None),
        (5 * hour, None),
    ];
    for (now, freeze) in expected {
        assert_eq!(reason(now), freeze, "{now} s");
    }
}

#[test]
fn behind_a_load_balancer_a_weight_needs_its_share_of_the_capacity_rounded_up() {
    let mut deployment = planned(CANARY);
    for (percent, tasks) in [
        (0, 0),
        (1, 1),
        (25, 1),
        (26, 2),
        (50, 2),
        (75, 3),
        (76, 4),
        (100, 4),
    ] {
        assert_eq!(deployment.tasks_for(weight(percent)), tasks, "{percent} %");
    }
    // Stable has scaled out meanwhile: the plan's number counts, not the file's.
    deployment.plan.as_mut().unwrap().capacity = 30;
    assert_eq!(deployment.tasks_for(weight(25)), 8);
    assert_eq!(deployment.tasks_for(Weight::FULL), 30);
}

#[test]
fn without_a_load_balancer_the_candidates_share_is_of_all_tasks_together() {
    let mut deployment = planned(WORKER);
    // 4 of stable and 2 of 6 are 33 %, 1 of 5 would be 20 %.
    let expected = [
        (0, 0),
        (1, 1),
        (20, 1),
        (21, 2),
        (25, 2),
        (50, 4),
        (75, 12),
        (80, 16),
        (99, 396),
        (100, 4),
    ];
    for (percent, tasks) in expected {
        assert_eq!(deployment.tasks_for(weight(percent)), tasks, "{percent} %");
    }
    deployment.plan.as_mut().unwrap().capacity = u32::MAX;
    assert_eq!(
        deployment.tasks_for(weight(99)),
        u32::MAX,
        "more than there can be"
    );
}

#[test]
fn one_service_has_all_its_tasks_at_any_weight() {
    let mut deployment = planned(ROLLING);
    let plan = deployment.plan.as_mut().unwrap();
    plan.capacity = 9;
    for traffic in [Traffic::Rolling, Traffic::Recreate] {
        deployment.plan.as_mut().unwrap().traffic = traffic;
        assert_eq!(deployment.tasks_for(weight(25)), 4);
        assert_eq!(deployment.tasks_for(Weight::FULL), 4);
    }
}

#[test]
fn before_the_plan_the_files_replicas_are_the_capacity() {
    let deployment = requested(WORKER);
    assert_eq!(deployment.tasks_for(weight(25)), 1);
    assert_eq!(deployment.tasks_for(weight(60)), 3);
}

#[test]
fn what_changes_nothing_leaves_the_deployment_as_it_was() {
    let before = waiting();
    let requested = Event::DeploymentRequested {
        revision: before.revision.clone(),
        origin: before.origin.clone(),
        epoch: Epoch(99),
        overrides: Vec::new(),
    };
    assert_eq!(told(&before, &requested), before);
    let weights = vec![100, 0];
    assert_eq!(told(&before, &Event::ForwardActionRestored { weights }), before);
}

#[test]
fn a_phase_that_begins_ends_the_wait_of_the_one_before() {
    let before = waiting();
    let mut after = before.clone();
    after.phase = Phase::Validate;
    after.phase_since = at(900);
    after.waiting_for = String::new();
    let phase = Phase::Validate;
    assert_eq!(told(&before, &Event::PhaseEntered { phase }), after);
}

#[test]
fn the_shifts_first_stage_begins_with_its_phase_and_no_other_does() {
    let mut before = planned(CANARY);
    before.waiting_for = "approval".to_owned();
    for (phase, since) in [(Phase::Shift, at(900)), (Phase::Complete, at(0))] {
        let after = told(&before, &Event::PhaseEntered { phase });
        assert_eq!(after.shift.since, since, "{phase:?}");
        assert_eq!((after.phase, after.phase_since), (phase, at(900)));
    }
}

#[test]
fn a_wait_is_kept_in_words() {
    let before = baking(CANARY);
    let reason = "a freeze holds".to_owned();
    let after = told(
        &before,
        &Event::Waiting {
            reason: reason.clone(),
        },
    );
    assert_eq!(
        after,
        Deployment {
            waiting_for: reason,
            ..before
        }
    );
}

#[test]
fn a_plan_is_kept_with_its_instant() {
    let before = requested(CANARY);
    let made = plan(&before.spec);
    let after = told(
        &before,
        &Event::Planned {
            plan: made.clone().into(),
        },
    );
    assert_eq!(
        after,
        Deployment {
            plan: Some(made.into()),
            planned_at: Some(at(900)),
            ..before
        }
    );
}

fn gate_opened() -> Event {
    Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(4500),
        plan_hash: PlanHash::of(b"plan"),
    }
}

fn decision(by: &str) -> GateDecision {
    GateDecision {
        by: by.parse().unwrap(),
        role: "tech-lead".parse().unwrap(),
        approve: true,
        reason: String::new(),
        plan_hash: PlanHash::of(b"plan"),
        at: at(899),
    }
}

#[test]
fn a_gate_opens_collects_decisions_and_is_passed() {
    let before = planned(CANARY);
    let opened = told(&before, &gate_opened());
    let mut gate = GateState::open(at(900), at(4500), PlanHash::of(b"plan"));
    let mut expected = before;
    expected.gates.insert(GatePhase::Shift, gate.clone());
    assert_eq!(opened, expected);

    let mut asked = opened;
    asked.waiting_for = "approval".to_owned();
    for by in ["maria", "tom"] {
        let event = Event::Decided {
            before: GatePhase::Shift,
            decision: decision(by),
        };
        asked = told(&asked, &event);
    }
    gate.decisions = vec![decision("maria"), decision("tom")];
    assert_eq!(asked.gates.get(&GatePhase::Shift), Some(&gate));
    assert_eq!(asked.waiting_for, "approval");

    let before = GatePhase::Shift;
    let passed = told(&asked, &Event::GatePassed { before });
    gate.passed_at = Some(at(900));
    assert_eq!(passed.gates.get(&GatePhase::Shift), Some(&gate));
    assert_eq!(passed.waiting_for, "");
}

#[test]
fn what_is_said_of_a_gate_that_never_opened_is_not_kept() {
    let deployment = told(&planned(CANARY), &gate_opened());
    let before = GatePhase::Complete;
    let decision = decision("maria");
    assert_eq!(
        told(&deployment, &Event::Decided { before, decision }),
        deployment
    );
    assert_eq!(told(&deployment, &Event::GatePassed { before }), deployment);
}

#[test]
fn a_registered_task_definition_becomes_the_revisions() {
    let before = requested(CANARY);
    let arn = "web:2".to_owned();
    let after = told(&before, &Event::TaskDefinitionRegistered { arn });
    let mut expected = before;
    expected.revision.task_definition = Some("web:2".to_owned());
    assert_eq!(after, expected);
}

#[test]
fn each_stage_of_a_step_begins_with_its_event() {
    let before = waiting();
    let mut scaling = in_stage(1, Stage::Scaling);
    scaling.shift.tasks = 4;
    assert_eq!(
        told(&before, &Event::ScalingStarted { step: 1, tasks: 4 }),
        scaling
    );
    assert_eq!(
        told(&before, &Event::TestingStarted { step: 1 }),
        in_stage(1, Stage::Testing)
    );
    assert_eq!(told(&before, &Event::ShiftDone), in_stage(0, Stage::Done));
}

#[test]
fn suites_are_kept_by_name_with_start_and_exit_code() {
    let before = testing(CANARY);
    let suite = suite("smoke");
    let started = told(&before, &Event::SuiteStarted { suite: suite.clone() });
    let mut expected = before;
    expected.suites_started.insert(suite.clone(), at(900));
    assert_eq!(started, expected);

    let exit_code = 3;
    let ended = told(
        &started,
        &Event::SuiteEnded {
            suite: suite.clone(),
            exit_code,
            log: Vec::new(),
        },
    );
    expected.suites.insert(suite, 3);
    assert_eq!(ended, expected);
}

#[test]
fn a_decided_weight_raises_the_peak_and_never_lowers_it() {
    let before = waiting();
    assert_eq!(before.peak_weight, weight(25));
    for (decided, peak) in [(100, 100), (10, 25)] {
        let event = Event::WeightDecided {
            step: 1,
            weight: weight(decided),
            healthy: 4,
            needed: 4,
        };
        let mut expected = in_stage(1, Stage::Raising);
        expected.peak_weight = weight(peak);
        assert_eq!(told(&before, &event), expected, "{decided} %");
    }
}

#[test]
fn a_reached_weight_starts_analysis_from_zero() {
    let mut before = waiting();
    before.shift.bake = Bake {
        checked_until: Some(at(480)),
        passed: 1,
        failed: 2,
        inconclusive: 3,
        failing_since: Some(at(420)),
    };
    let event = Event::WeightReached {
        step: 1,
        weight: weight(100),
    };
    let mut expected = in_stage(1, Stage::Baking);
    expected.shift.weight = Weight::FULL;
    expected.shift.bake = Bake {
        checked_until: Some(at(900)),
        passed: 0,
        failed: 0,
        inconclusive: 0,
        failing_since: None,
    };
    assert_eq!(told(&before, &event), expected);
}

#[test]
fn the_first_window_is_the_first_minute_that_is_all_of_one_weight() {
    let millis = |millis: i64| at(0) + jiff::SignedDuration::from_millis(millis);
    let reached = Event::WeightReached {
        step: 0,
        weight: weight(25),
    };
    let expected = [
        (0, 0),
        (1, 60),
        (999, 60),
        (1_000, 60),
        (59_999, 60),
        (60_000, 60),
        (60_001, 120),
        (-1, 0),
        (-60_000, -60),
        (-60_001, -60),
    ];
    for (now, window) in expected {
        let mut deployment = baking(CANARY);
        deployment.apply(&reached, millis(now));
        assert_eq!(deployment.shift.bake.checked_until, Some(at(window)), "{now} ms");
    }
}

#[test]
fn a_check_moves_the_counters_and_the_window() {
    let before = waiting();
    let event = Event::Checked {
        check: Check {
            verdict: Verdict::Pass,
            measurements: Vec::new(),
            reason: String::new(),
            condition_breached: None,
            from: at(780),
            until: at(840),
        },
        passed: 4,
        failed: 2,
        inconclusive: 1,
    };
    let mut expected = before.clone();
    expected.shift.bake = Bake {
        checked_until: Some(at(840)),
        passed: 4,
        failed: 2,
        inconclusive: 1,
        failing_since: None,
    };
    assert_eq!(told(&before, &event), expected);
}

#[test]
fn the_first_wish_to_stop_counts() {
    let before = waiting();
    let first = told(
        &before,
        &Event::AbortRequested {
            cause: alarm_raised(),
        },
    );
    let mut expected = before;
    expected.abort = Some(Abort {
        cause: alarm_raised(),
        at: at(900),
    });
    assert_eq!(first, expected);
    let mut later = first.clone();
    let cause = AbortCause::TimedOut;
    later.apply(&Event::AbortRequested { cause }, at(950));
    assert_eq!(later, first);
}

#[test]
fn a_rollback_begins_under_its_epoch_with_nothing_done_yet() {
    let before = waiting();
    let event = Event::RollbackStarted {
        epoch: Epoch(8),
        cause: alarm_raised(),
    };
    let mut expected = before.clone();
    expected.epoch = Epoch(8);
    expected.phase = Phase::Rollback;
    expected.phase_since = at(900);
    expected.waiting_for = String::new();
    expected.abort = Some(Abort {
        cause: alarm_raised(),
        at: at(900),
    });
    expected.rollback = Some(Rollback {
        started_at: at(900),
        traffic_back_at: None,
        quiesced_at: None,
        reasserted_at: None,
        scaled_in_at: None,
        baked_until: None,
    });
    assert_eq!(told(&before, &event), expected);
}

#[test]
fn a_rollback_keeps_the_wish_that_led_to_it() {
    let mut before = waiting();
    let wish = Abort {
        cause: AbortCause::TimedOut,
        at: at(890),
    };
    before.abort = Some(wish.clone());
    let event = Event::RollbackStarted {
        epoch: Epoch(8),
        cause: alarm_raised(),
    };
    assert_eq!(told(&before, &event).abort, Some(wish));
}

#[test]
fn traffic_that_returned_keeps_its_first_instant_and_is_to_be_read_again() {
    let mut deployment = rolling_back(waiting());
    assert_eq!(deployment.shift.weight, weight(25));
    let returned = |quiesced: i64| Event::TrafficReturned {
        quiesced_at: at(quiesced),
    };
    tell(&mut deployment, 1010, returned(1085));
    assert_eq!(deployment.shift.weight, Weight::ZERO);
    tell(&mut deployment, 1090, Event::TrafficReasserted);
    let rollback = Rollback {
        started_at: at(1000),
        traffic_back_at: Some(at(1010)),
        quiesced_at: Some(at(1085)),
        reasserted_at: Some(at(1090)),
        scaled_in_at: None,
        baked_until: None,
    };
    assert_eq!(deployment.rollback, Some(rollback.clone()));

    tell(&mut deployment, 1095, returned(1170));
    let again = Rollback {
        quiesced_at: Some(at(1170)),
        reasserted_at: None,
        ..rollback
    };
    assert_eq!(deployment.rollback, Some(again.clone()));

    tell(&mut deployment, 1200, Event::CandidateScaledIn);
    let scaled_in = Rollback {
        scaled_in_at: Some(at(1200)),
        ..again
    };
    assert_eq!(deployment.rollback, Some(scaled_in));
}

#[test]
fn without_a_rollback_its_events_make_none() {
    let before = planned(CANARY);
    for event in [
        Event::TrafficReturned { quiesced_at: at(975) },
        Event::TrafficReasserted,
        Event::CandidateScaledIn,
    ] {
        assert_eq!(told(&before, &event), before);
    }
}

fn exit(state: ExitState) -> Exit {
    Exit {
        state,
        at: at(900),
        reason: "done".to_owned(),
        remedy: None,
    }
}

#[test]
fn an_end_is_kept_and_nothing_is_waited_for_after_it() {
    let before = waiting();
    let exit = exit(ExitState::Completed);
    let after = told(&before, &Event::Exited { exit: exit.clone() });
    let mut expected = before;
    expected.exit = Some(exit);
    expected.waiting_for = String::new();
    assert_eq!(after, expected);
}

#[test]
fn a_reversal_begins_with_the_plan_the_changes_and_the_cause_of_what_it_takes_back() {
    let mut deployment = planned(
        "environment: production\nstrategy: rolling\nreplicas: 4\nmigrations: [{name: a, command: [up]}]\n",
    );
    let plan = deployment.plan.clone().unwrap();
    let cause = alarm_raised();
    let planned = Event::Planned { plan };
    let asked = Event::AbortRequested { cause: cause.clone() };
    assert_eq!(
        deployment.reversal(cause.clone()),
        [planned.clone(), asked.clone()]
    );
    let id = ChangeId::of("migration", "a");
    tell(&mut deployment, 30, Event::ChangeStarted { id, before: None });
    let changes = deployment.changes.clone();
    assert_eq!(
        deployment.reversal(cause),
        [planned, Event::ChangesTakenOver { changes }, asked]
    );
}

#[test]
fn the_time_of_the_commit_is_known_from_the_evidence_only() {
    let mut deployment = planned(CANARY);
    assert_eq!(deployment.committed_at(), None);
    let evidence = crate::evidence::EvidenceUsed {
        digest: deployment.revision.digest.clone(),
        commit: None,
        committed_at: Some(at(-500)),
        author: None,
        ticket: None,
        suites: BTreeMap::new(),
        sbom: None,
        scan: None,
        signature: None,
        proven: None,
        rehearsed: None,
        left_out: Vec::new(),
    };
    deployment.plan.as_mut().unwrap().evidence = Some(evidence);
    assert_eq!(deployment.committed_at(), Some(at(-500)));
}

#[test]
fn a_watch_keeps_its_alarms_and_its_end() {
    let mut deployment = baking(CANARY);
    let alarmed = |alarm: &str| Event::WatchAlarmed {
        alarm: alarm.to_owned(),
        fired_at: None,
        reason: String::new(),
        remedy: String::new(),
    };
    tell(&mut deployment, 900, alarmed("errors"));
    tell(&mut deployment, 901, alarmed("slow"));
    let watched = deployment.watched.clone().unwrap();
    assert_eq!(watched.alarms, ["errors", "slow"]);
    assert_eq!(watched.ended_at, None);
    let over = Event::WatchEnded {
        trend: None,
        replaced_by: None,
    };
    tell(&mut deployment, 950, over);
    let watched = deployment.watched.unwrap();
    assert_eq!((watched.alarms.len(), watched.ended_at), (2, Some(at(950))));
}

#[test]
fn what_a_change_wrote_as_it_failed_stays_where_holding_it_wrote_nothing() {
    let mut deployment = planned(
        "environment: production\nstrategy: rolling\nreplicas: 4\nmigrations: [{name: a, command: [up]}]\n",
    );
    let id = ChangeId::of("migration", "a");
    let line = |text: &str| vec![text.to_owned()];
    let held = |log: Vec<String>| Event::ChangeHeld {
        id: id.clone(),
        choice: None,
        advice: None,
        reason: "it is forward-only".to_owned(),
        remedy: None,
        log,
    };
    tell(
        &mut deployment,
        30,
        Event::ChangeStarted {
            id: id.clone(),
            before: None,
        },
    );
    let reason = "exit code 1".to_owned();
    let failed = Event::ChangeFailed {
        id: id.clone(),
        reason,
        log: line("no such table"),
    };
    tell(&mut deployment, 40, failed);
    tell(&mut deployment, 50, held(Vec::new()));
    assert_eq!(deployment.changes[&id].log, ["no such table"]);
    tell(&mut deployment, 60, held(line("down failed, too")));
    assert_eq!(deployment.changes[&id].log, ["down failed, too"]);
}
