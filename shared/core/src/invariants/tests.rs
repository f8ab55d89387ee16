//! Every invariant has at least one view that breaks it, made from a good one by one change.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::*;
use crate::analysis::{Check, Measurement, Verdict};
use crate::deployment::{Abort, Deployment, Kind, Origin, Plan, Request, Revision, StableRevision, Traffic};
use crate::event::Event;
use crate::evidence::{EvidenceSeen, EvidenceUsed, Scan};
use crate::exit::{AbortCause, Exit, ExitState};
use crate::gates::{GateDecision, People};
use crate::ids::{Epoch, PlanHash, Slot, SpecHash};
use crate::journal;
use crate::messages::MessageId;
use crate::release::Findings;
use crate::spec::{GatePhase, Step, SuiteName};
use crate::target::{Lock, Quarantine, TargetState};
use crate::testing::{ALARM, at, digest, two_steps, weight};
use crate::wiring::{Balancer, Forward, Wiring};

mod changes;
mod people;
mod proposals;
mod record;
mod settings;
mod traffic;
mod view;

const FILE: &str = two_steps!(
    "
  analysis:
    interval: 1m
    threshold: 3
    metrics:
      - name: error_rate
        max: 1
gates:
  - before: shift
    approvals:
      - role: tech-lead
freezes:
  - from: 2026-12-24T00:00:00Z
    until: 2026-12-27T00:00:00Z
    reason: holidays
postDeploymentTests: [smoke]
"
);
const PEOPLE: &str = r#"{"people": {"maria": {"roles": ["tech-lead"]}, "tom": {"roles": ["product"]}}}"#;

fn arn(slot: Slot) -> String {
    format!("arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web-{slot}/1")
}

fn forward(blue: u32) -> Forward {
    Forward {
        target_groups: vec![(arn(Slot::Blue), blue), (arn(Slot::Green), 100 - blue)],
        stickiness: None,
    }
}

fn plan() -> Plan {
    Plan {
        contract: None,
        traffic: Traffic::Weighted,
        candidate: Slot::Green,
        stable: Some(StableRevision {
            slot: Slot::Blue,
            task_definition: "web:1".to_owned(),
            digest: Some(digest("1")),
            desired: 4,
        }),
        image: format!("registry/web@{}", digest("2")),
        capacity: 4,
        expected_seconds: 420,
        evidence: None,
        permissions: None,
        cost: None,
        steps: vec![
            Step {
                weight: weight(25),
                bake_seconds: 300,
            },
            Step {
                weight: weight(100),
                bake_seconds: 0,
            },
        ],
        changes: Vec::new(),
        container: Vec::new(),
        alarms: vec![ALARM.to_owned()],
        forward_before: Some(forward(100)),
        wiring: Wiring {
            cluster: "production".to_owned(),
            services: BTreeMap::new(),
            balancer: Some(Balancer {
                rule_arn: "rule".to_owned(),
                target_groups: [Slot::Blue, Slot::Green].map(|slot| (slot, arn(slot))).into(),
                load_balancer_dimension: "app/web/1".to_owned(),
            }),
        },
        hash: PlanHash::of(b"plan"),
    }
}

fn passed(from: i64, until: i64) -> Event {
    Event::Checked {
        check: Check {
            verdict: Verdict::Pass,
            measurements: vec![Measurement {
                metric: "error_rate".to_owned(),
                value: Some(0.0),
                bound: "at most 1 %".to_owned(),
                verdict: Verdict::Pass,
                reason: String::new(),
            }],
            reason: String::new(),
            condition_breached: None,
            from: at(from),
            until: at(until),
        },
        passed: 1,
        failed: 0,
        inconclusive: 0,
    }
}

fn approval(by: &str, approve: bool) -> Event {
    Event::Decided {
        before: GatePhase::Shift,
        decision: GateDecision {
            by: by.parse().unwrap(),
            role: "tech-lead".parse().unwrap(),
            approve,
            reason: String::new(),
            plan_hash: plan().hash,
            at: at(10),
        },
    }
}

fn decided(step: usize, percent: u8, needed: u32) -> Event {
    Event::WeightDecided {
        step,
        weight: weight(percent),
        healthy: needed,
        needed,
    }
}

fn reached(step: usize, percent: u8) -> Event {
    Event::WeightReached {
        step,
        weight: weight(percent),
    }
}

fn exited(state: ExitState, seconds: i64) -> Event {
    let exit = Exit {
        state,
        at: at(seconds),
        reason: String::new(),
        remedy: None,
    };
    Event::Exited { exit }
}

fn alarm_raised() -> AbortCause {
    AbortCause::AlarmRaised {
        alarm: ALARM.to_owned(),
        raised_at: None,
        reason: String::new(),
    }
}

/// The way to the first weight.
fn way_up() -> Vec<(i64, Event)> {
    let gate = Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(3600),
        plan_hash: plan().hash,
    };
    let smoke = Event::SuiteEnded {
        suite: SuiteName("smoke".to_owned()),
        exit_code: 0,
        log: Vec::new(),
    };
    vec![
        (1, Event::Planned { plan: plan().into() }),
        (
            2,
            Event::TaskDefinitionRegistered {
                arn: "web:2".to_owned(),
            },
        ),
        (3, gate),
        (10, approval("maria", true)),
        (
            10,
            Event::GatePassed {
                before: GatePhase::Shift,
            },
        ),
        (11, Event::ScalingStarted { step: 0, tasks: 1 }),
        (60, smoke),
        (61, decided(0, 25, 1)),
        (62, reached(0, 25)),
    ]
}

/// A deployment that completes.
fn completing() -> Vec<(i64, Event)> {
    let mut events = way_up();
    events.extend([
        (190, passed(120, 180)),
        (400, Event::ScalingStarted { step: 1, tasks: 4 }),
        (460, decided(1, 100, 4)),
        (461, reached(1, 100)),
        (462, Event::ShiftDone),
        (463, exited(ExitState::Completed, 463)),
    ]);
    events
}

/// A deployment that an alarm takes back.
fn returning() -> Vec<(i64, Event)> {
    let mut events = way_up();
    let cause = alarm_raised();
    events.extend([
        (200, Event::AbortRequested { cause: cause.clone() }),
        (
            201,
            Event::RollbackStarted {
                epoch: Epoch(2),
                cause,
            },
        ),
        (202, Event::TrafficReturned { quiesced_at: at(277) }),
        (280, Event::TrafficReasserted),
        (290, exited(ExitState::RolledBack, 290)),
    ]);
    events
}

fn record(number: u64, pushed: i64, begins: i64, events: Vec<(i64, Event)>) -> Record {
    let revision = Revision {
        repository: "web".to_owned(),
        digest: digest("2"),
        tag: Some("v2".to_owned()),
        pushed_at: at(pushed),
        spec_hash: SpecHash::of(FILE.as_bytes()),
        task_definition: None,
    };
    let origin = Origin::Push {
        event_id: format!("event-{number}"),
    };
    let request = Request {
        id: format!("web-production-{number}").parse().unwrap(),
        target: "web/production".parse().unwrap(),
        kind: Kind::Forward,
        epoch: Epoch(number),
        revision: revision.clone(),
        spec: crate::spec::parse("file", FILE).unwrap().spec.into(),
        origin: origin.clone(),
        overrides: Vec::new(),
    };
    let mut deployment = Deployment::new(request, at(begins));
    let first = Event::DeploymentRequested {
        revision,
        origin,
        epoch: Epoch(number),
        overrides: Vec::new(),
    };
    let mut entries = journal::append(&mut deployment, vec![first], "test", at(begins));
    for (seconds, event) in events {
        entries.extend(journal::append(
            &mut deployment,
            vec![event],
            "test",
            at(begins + seconds),
        ));
    }
    let ended = deployment.exit.as_ref().map(|exit| exit.at);
    Record {
        deployment,
        journal: entries,
        executions: vec![ExecutionSeen {
            started: at(begins),
            ended,
        }],
    }
}

fn weights(seconds: i64, blue: u32) -> WeightReading {
    WeightReading {
        at: at(seconds),
        weights: BTreeMap::from([
            ("web-blue".to_owned(), blue),
            ("web-green".to_owned(), 100 - blue),
        ]),
        by: Writer::Tidegate,
    }
}

fn slot(seconds: i64, slot: Slot, tasks: u32) -> SlotReading {
    let (image, number) = match slot {
        Slot::Blue => ("1", 1),
        Slot::Green => ("2", 2),
    };
    SlotReading {
        at: at(seconds),
        slot,
        desired: tasks,
        healthy: tasks,
        digests: BTreeSet::from([digest(image)]),
        task_definition: format!("web:{number}"),
    }
}

fn view(record: Record, weights: Vec<WeightReading>) -> View {
    let spec = record.deployment.spec.clone();
    let hash = record.deployment.revision.spec_hash.clone();
    let mut target = TargetState::new(record.deployment.target.clone(), spec, hash, at(-100));
    target.epoch = record.deployment.epoch;
    let notices = record
        .journal
        .iter()
        .map(|entry| MessageId::of(entry).to_string())
        .collect();
    let definition = |digit: &str| Definition {
        digest: Some(digest(digit)),
        active: true,
    };
    View {
        now: at(1000),
        over: true,
        target,
        people: serde_json::from_str::<People>(PEOPLE).unwrap(),
        groups: BTreeMap::from([
            (Slot::Blue, "web-blue".to_owned()),
            (Slot::Green, "web-green".to_owned()),
        ]),
        forward: weights
            .last()
            .map(|last| forward(*last.weights.get("web-blue").unwrap())),
        weights,
        slots: vec![
            slot(-60, Slot::Blue, 4),
            slot(-60, Slot::Green, 0),
            slot(50, Slot::Green, 1),
            slot(450, Slot::Green, 4),
        ],
        definitions: BTreeMap::from([
            ("web:1".to_owned(), definition("1")),
            ("web:2".to_owned(), definition("2")),
        ]),
        alarms: vec![AlarmReading {
            at: at(-60),
            name: ALARM.to_owned(),
            firing: false,
        }],
        runs: Vec::new(),
        settings: Vec::new(),
        secrets: Vec::new(),
        leaks: Vec::new(),
        notices,
        deployments: vec![record],
    }
}

fn completed() -> View {
    view(
        record(1, -5, 0, completing()),
        vec![weights(-60, 100), weights(61, 75), weights(460, 0)],
    )
}

fn rolled_back() -> View {
    let mut view = view(
        record(1, -5, 0, returning()),
        vec![weights(-60, 100), weights(61, 75), weights(201, 100)],
    );
    let entry = Quarantine {
        deployment: view.deployments[0].deployment.id.clone(),
        at: at(290),
        reason: String::new(),
    };
    view.target.quarantine.insert(digest("2"), entry);
    view.slots.retain(|reading| reading.at < at(400));
    view.alarms.push(AlarmReading {
        at: at(199),
        name: ALARM.to_owned(),
        firing: true,
    });
    view
}

/// A view whose one deployment has this history.
fn with(events: Vec<(i64, Event)>) -> View {
    let base = completed();
    let mut made = view(record(1, -5, 0, events), base.weights);
    made.over = false;
    made
}

#[track_caller]
fn breaks(invariant: u8, view: &View) {
    let broken = check(view);
    assert!(
        broken.iter().any(|one| one.invariant == invariant),
        "invariant {invariant} did not notice; noticed: {broken:?}"
    );
}

/// What one invariant's rule says of a view.
fn said(invariant: u8, view: &View) -> Vec<String> {
    let (number, rule) = RULES[usize::from(invariant) - 1];
    assert_eq!(number, invariant);
    rule(view)
}

/// A history with one event put in after the one at `index`.
fn inserted(mut events: Vec<(i64, Event)>, after: usize, event: Event) -> Vec<(i64, Event)> {
    let seconds = events[after].0;
    events.insert(after + 1, (seconds, event));
    events
}

fn position(events: &[(i64, Event)], is: impl Fn(&Event) -> bool) -> usize {
    events.iter().position(|(_, event)| is(event)).unwrap()
}

#[test]
fn all_is_well_with_good_views() {
    assert_eq!(check(&completed()), []);
    assert_eq!(check(&rolled_back()), []);
}

#[test]
fn every_invariant_has_its_number() {
    let numbers: Vec<u8> = RULES.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=29).collect::<Vec<u8>>());
}

#[test]
fn i1_two_active_deployments() {
    let mut view = completed();
    view.over = false;
    for number in [2, 3] {
        view.deployments.push(record(number, 900, 990, Vec::new()));
    }
    breaks(1, &view);
}

#[test]
fn i1_a_deployment_that_began_before_the_last_one_ended() {
    let mut view = completed();
    view.deployments.push(record(2, 100, 300, completing()));
    breaks(1, &view);
}

#[test]
fn i2_weights_that_do_not_sum_up() {
    let mut view = completed();
    view.weights[1].weights.insert("web-green".to_owned(), 30);
    breaks(2, &view);
}

#[test]
fn i2_a_target_group_of_someone_else() {
    let mut view = completed();
    view.weights[1].weights = BTreeMap::from([("api-blue".to_owned(), 100)]);
    breaks(2, &view);
}

#[test]
fn i3_stable_is_scaled_in_during_a_deployment() {
    let mut view = completed();
    view.slots.insert(3, slot(300, Slot::Blue, 2));
    breaks(3, &view);
}

#[test]
fn i3_stable_is_scaled_in_within_the_window() {
    let mut view = completed();
    view.slots.push(slot(800, Slot::Blue, 0));
    breaks(3, &view);
}

#[test]
fn i3_stable_without_a_balancer_is_scaled_in_after_the_way_back_began() {
    let mut view = rolled_back();
    let plan = view.deployments[0].deployment.plan.as_mut().unwrap();
    plan.traffic = Traffic::Tasks;
    let began = 201;
    let scaled_in = |view: &View, seconds| {
        let mut view = view.clone();
        view.slots.push(slot(seconds, Slot::Blue, 2));
        said(3, &view).len()
    };
    let before = scaled_in(&view, began + crate::decision::QUIESCE_SECONDS);
    assert_eq!(
        scaled_in(&view, began + crate::decision::QUIESCE_SECONDS + 1),
        before + 1
    );
}

#[test]
fn i3_the_task_definition_of_stable_is_deregistered() {
    let mut view = with(way_up());
    view.definitions.get_mut("web:1").unwrap().active = false;
    breaks(3, &view);
}

#[test]
fn i4_weight_for_targets_that_are_not_there() {
    let mut view = completed();
    view.slots.retain(|reading| reading.at != at(450));
    breaks(4, &view);
}

#[test]
fn i4_a_decision_that_needs_too_little() {
    let mut events = completing();
    let index = position(&events, |event| {
        matches!(event, Event::WeightDecided { step: 1, .. })
    });
    events[index].1 = decided(1, 100, 2);
    breaks(4, &with(events));
}

#[test]
fn i5_weight_after_the_rollback_began() {
    let events = returning();
    let index = position(&events, |event| matches!(event, Event::RollbackStarted { .. }));
    breaks(5, &with(inserted(events, index, decided(1, 100, 4))));
}

#[test]
fn i5_a_late_rise_of_the_rule() {
    let mut view = rolled_back();
    view.weights.push(weights(285, 75));
    breaks(5, &view);
}

#[test]
fn i6_a_stale_write_remains() {
    let mut view = rolled_back();
    view.weights.push(weights(230, 75));
    breaks(6, &view);
}

#[test]
fn i6_an_entry_of_an_old_epoch() {
    let mut view = rolled_back();
    view.deployments[0].journal.last_mut().unwrap().epoch = Epoch(1);
    breaks(6, &view);
}

#[test]
fn i7_two_ends() {
    let mut events = completing();
    events.push((470, exited(ExitState::Aborted, 470)));
    breaks(7, &with(events));
}

#[test]
fn i7_no_end() {
    let mut view = with(way_up());
    view.over = true;
    breaks(7, &view);
}

#[test]
fn i8_an_alarm_that_nobody_heard() {
    let mut view = completed();
    view.alarms.push(AlarmReading {
        at: at(100),
        name: ALARM.to_owned(),
        firing: true,
    });
    breaks(8, &view);
}

#[test]
fn i8_an_alarm_that_was_answered_late() {
    let mut view = rolled_back();
    view.alarms[1].at = at(63);
    view.deployments[0].journal.iter_mut().for_each(|entry| {
        if entry.at >= at(200) {
            entry.at += SignedDuration::from_secs(200);
        }
    });
    breaks(8, &view);
}

#[test]
fn i9_a_plan_in_spite_of_an_alarm() {
    let mut view = completed();
    view.alarms[0].firing = true;
    breaks(9, &view);
}

#[test]
fn i9_a_plan_with_an_alarm_that_does_not_exist() {
    let mut view = completed();
    view.alarms.clear();
    breaks(9, &view);
}

/// The good view, but that its plan makes the alarm itself, which is there from that second on.
fn alarm_made(at_second: i64) -> View {
    let mut view = completed();
    let wanted = crate::change::Monitored::Alarm {
        alarm: Box::default(),
    };
    let change = crate::change::Change {
        id: crate::ids::ChangeId::of("alarm", ALARM),
        phase: crate::deployment::Phase::Monitoring,
        undo: crate::change::Undo::Revertible,
        temporary: false,
        work: crate::change::Work::Monitor {
            name: ALARM.to_owned(),
            wanted,
        },
        timeout_seconds: 60,
    };
    let plan = view.deployments[0].deployment.plan.as_mut().unwrap();
    plan.changes.push(change);
    view.alarms.retain(|reading| reading.name != ALARM);
    view.alarms.push(AlarmReading {
        at: at(at_second),
        name: ALARM.to_owned(),
        firing: false,
    });
    view
}

#[test]
fn i9_an_alarm_that_the_plan_makes_exists_before_the_first_weight() {
    let says = |view: &View| crate::invariants::analysis::firing_alarms_block(view);
    assert_eq!(says(&alarm_made(20)), [0; 0].map(|_: u8| String::new()));
    assert_eq!(says(&alarm_made(300)).len(), 1);
}

#[test]
fn i10_a_pass_without_a_value() {
    let mut events = completing();
    for (_, event) in &mut events {
        if let Event::Checked { check, .. } = event {
            check.measurements[0].value = None;
        }
    }
    breaks(10, &with(events));
}

#[test]
fn i10_a_bake_that_was_left_without_a_pass() {
    let mut events = completing();
    events.retain(|(_, event)| !matches!(event, Event::Checked { .. }));
    breaks(10, &with(events));
}

#[test]
fn i11_another_rule_than_recorded() {
    let mut view = rolled_back();
    view.forward.as_mut().unwrap().stickiness = Some((true, Some(60)));
    breaks(11, &view);
}

#[test]
fn i12_another_image_is_registered() {
    let mut view = completed();
    view.definitions.get_mut("web:2").unwrap().digest = Some(digest("3"));
    breaks(12, &view);
}

#[test]
fn i12_another_image_serves() {
    let mut view = completed();
    view.slots[2].digests.insert(digest("3"));
    breaks(12, &view);
}

#[test]
fn i12_another_image_is_planned() {
    let mut events = completing();
    let mut other = plan();
    other.image = format!("registry/web@{}", digest("3"));
    events[0].1 = Event::Planned { plan: other.into() };
    breaks(12, &with(events));
}

#[test]
fn i12_the_plan_rests_on_evidence_of_another_image() {
    let with_evidence = |of: &str, scanned: &str| {
        let mut events = completing();
        let mut known = plan();
        let seen = EvidenceSeen::nothing(digest(of));
        let mut evidence = EvidenceUsed::of(&seen);
        evidence.scan = Some(Scan {
            digest: digest(scanned),
            at: None,
            findings: Findings::default(),
        });
        known.evidence = Some(evidence);
        events[0].1 = Event::Planned { plan: known.into() };
        with(events)
    };
    let same = "2";
    assert_eq!(check(&with_evidence(same, same)), []);
    breaks(12, &with_evidence("3", same));
    breaks(12, &with_evidence(same, "3"));
}

#[test]
fn i13_an_approval_of_another_plan() {
    let mut events = completing();
    for (_, event) in &mut events {
        if let Event::Decided { decision, .. } = event {
            decision.plan_hash = PlanHash::of(b"another");
        }
    }
    breaks(13, &with(events));
}

#[test]
fn i13_an_approval_after_the_gate_expired() {
    let mut events = completing();
    for (_, event) in &mut events {
        if let Event::GateOpened { expires_at, .. } = event {
            *expires_at = at(9);
        }
    }
    breaks(13, &with(events));
}

#[test]
fn i13_a_gate_that_too_few_passed() {
    let mut events = completing();
    events.retain(|(_, event)| !matches!(event, Event::Decided { .. }));
    breaks(13, &with(events));
}

#[test]
fn i14_the_same_person_twice() {
    let events = completing();
    let index = position(&events, |event| matches!(event, Event::Decided { .. }));
    breaks(14, &with(inserted(events, index, approval("maria", true))));
}

#[test]
fn i14_a_person_without_the_role() {
    let mut events = completing();
    let index = position(&events, |event| matches!(event, Event::Decided { .. }));
    events[index].1 = approval("tom", true);
    breaks(14, &with(events));
}

#[test]
fn i14_the_author() {
    let mut view = completed();
    view.deployments[0].deployment.origin = Origin::Person {
        person: "maria".parse().unwrap(),
    };
    breaks(14, &view);
}

#[test]
fn i15_weight_after_a_denial() {
    let mut events = completing();
    let index = position(&events, |event| matches!(event, Event::Decided { .. }));
    events[index].1 = approval("maria", false);
    breaks(15, &with(events));
}

#[test]
fn i15_weight_after_an_approval_expired() {
    let cause = AbortCause::ApprovalExpired { expired_at: at(5) };
    breaks(
        15,
        &with(inserted(completing(), 2, Event::AbortRequested { cause })),
    );
}

#[test]
fn i16_one_event_makes_two_deployments() {
    let mut view = completed();
    let mut again = record(2, 800, 800, Vec::new());
    again.deployment.origin = view.deployments[0].deployment.origin.clone();
    view.deployments.push(again);
    breaks(16, &view);
}

#[test]
fn i16_an_older_push_replaces_a_newer_one() {
    let mut view = completed();
    view.deployments.push(record(2, -50, 800, Vec::new()));
    breaks(16, &view);
}

#[test]
fn i17_analysis_that_counts_on() {
    let mut events = completing();
    for (_, event) in &mut events {
        if let Event::Checked { passed, .. } = event {
            *passed = 5;
        }
    }
    breaks(17, &with(events));
}

#[test]
fn i17_analysis_that_looks_back() {
    let mut events = completing();
    let index = position(&events, |event| matches!(event, Event::Checked { .. }));
    events[index].1 = passed(0, 60);
    breaks(17, &with(events));
}

#[test]
fn i18_an_entry_that_is_missing() {
    let mut view = completed();
    view.deployments[0].journal.remove(3);
    breaks(18, &view);
}

#[test]
fn i18_a_head_that_no_entry_explains() {
    let mut view = completed();
    view.deployments[0].deployment.abort = Some(Abort {
        cause: AbortCause::TimedOut,
        at: at(1),
    });
    breaks(18, &view);
}

#[test]
fn i19_an_end_that_nobody_heard_of() {
    let mut view = completed();
    view.notices.clear();
    breaks(19, &view);
}

#[test]
fn i20_a_lock_that_an_ended_deployment_holds() {
    let mut view = completed();
    view.target.lock = Some(Lock {
        deployment: view.deployments[0].deployment.id.clone(),
        epoch: Epoch(1),
        since: at(0),
    });
    breaks(20, &view);
}

#[test]
fn i20_a_lock_for_which_nothing_runs() {
    let mut view = with(way_up());
    view.deployments[0].executions[0].ended = Some(at(100));
    view.target.lock = Some(Lock {
        deployment: view.deployments[0].deployment.id.clone(),
        epoch: Epoch(1),
        since: at(0),
    });
    breaks(20, &view);
}

#[test]
fn i20_a_takeover_under_the_same_epoch() {
    let mut events = returning();
    let index = position(&events, |event| matches!(event, Event::RollbackStarted { .. }));
    events[index].1 = Event::RollbackStarted {
        epoch: Epoch(1),
        cause: alarm_raised(),
    };
    breaks(20, &with(events));
}

#[test]
fn i21_a_first_deployment_that_rolls_back() {
    let mut events = returning();
    let mut first = plan();
    first.stable = None;
    events[0].1 = Event::Planned { plan: first.into() };
    breaks(21, &with(events));
}

#[test]
fn i22_a_step_during_a_freeze() {
    let mut view = completed();
    let freeze = view.deployments[0].deployment.spec.freezes.first_mut().unwrap();
    (freeze.from, freeze.until) = (at(455), at(470));
    breaks(22, &view);
}

#[test]
fn i22_a_rollback_that_waits_for_a_freeze() {
    let events = returning();
    let index = position(&events, |event| matches!(event, Event::RollbackStarted { .. }));
    let reason = "freeze until tomorrow: holidays".to_owned();
    breaks(22, &with(inserted(events, index, Event::Waiting { reason })));
}

#[test]
fn i23_weight_after_a_failed_smoke_test() {
    let mut events = completing();
    for (_, event) in &mut events {
        if let Event::SuiteEnded { exit_code, .. } = event {
            *exit_code = 1;
        }
    }
    breaks(23, &with(events));
}

#[test]
fn i24_a_rolled_back_image_that_is_not_in_quarantine() {
    let mut view = rolled_back();
    view.target.quarantine.clear();
    breaks(24, &view);
}

#[test]
fn i24_a_quarantined_image_that_is_deployed_again() {
    let mut view = rolled_back();
    view.deployments.push(record(3, 800, 800, Vec::new()));
    breaks(24, &view);
}

#[test]
fn a_violation_is_told_with_its_number() {
    let violation = Violation {
        invariant: 8,
        what: "stable has 75 %".to_owned(),
    };
    assert_eq!(violation.to_string(), "invariant 8: stable has 75 %");
}

#[test]
fn i29_a_secret_that_is_stored_or_sent() {
    let mut view = completed();
    view.secrets = vec!["hunter2".to_owned()];
    assert_eq!(said(29, &view), [""; 0]);
    let log = vec!["connected as web:hunter2".to_owned()];
    let id = crate::ids::ChangeId::of("migration", "backfill");
    let (mut stored, mut held) = (view.clone(), view.clone());
    stored.deployments[0].journal[0].event = Event::ChangeMade {
        id,
        detail: String::new(),
        log,
    };
    breaks(29, &stored);
    held.deployments[0].deployment.revision.task_definition = Some("hunter2".to_owned());
    breaks(29, &held);
    view.secrets.clear();
    view.leaks = vec!["the answer of plan has a secret in it".to_owned()];
    breaks(29, &view);
}

#[test]
fn i23_weight_before_an_http_test_of_the_candidate_passed() {
    let file = format!(
        "{FILE}validate: {{http: [{{name: health, url: \"https://web.example.com/\", when: before-traffic}}, {{name: late, url: \"https://web.example.com/\", when: after-shift}}]}}\n"
    );
    let spec = crate::spec::parse("file", &file).unwrap().spec;
    let tried = |number: u32, problem: Option<&str>| Event::HttpTested {
        test: "health".to_owned(),
        tried: crate::http::HttpTry {
            number,
            of: 2,
            status: None,
            millis: 1,
            problem: problem.map(str::to_owned),
        },
    };
    let told = |tries: Vec<Event>| {
        let mut events = completing();
        let first = events
            .iter()
            .position(|(_, event)| matches!(event, Event::WeightDecided { .. }))
            .unwrap();
        let second = events[first].0;
        events.splice(first..first, tries.into_iter().map(|event| (second, event)));
        let mut view = with(events);
        view.deployments[0].deployment.spec = spec.clone().into();
        said(23, &view)
    };
    let before = "before HTTP test health passed";
    assert!(told(Vec::new()).iter().all(|one| one.contains(before)));
    assert!(!told(Vec::new()).is_empty());
    assert!(!told(vec![tried(1, Some("503"))]).is_empty());
    assert_eq!(told(vec![tried(1, Some("503")), tried(2, None)]), [""; 0]);
    let often = told(vec![tried(1, Some("503")), tried(2, Some("503")), tried(3, None)]);
    assert!(
        often.len() == 1 && often[0].contains("tries health too often"),
        "{often:?}"
    );
}
