//! Where the phases stand with each entry, and what each entry is called.

use super::*;
use crate::spec::SuiteName;
use crate::testing::checked;

/// One of each event, with the phase that it belongs to; none where it belongs to the one that is
/// underway.
pub(super) fn one_of_each() -> Vec<(Event, Option<Phase>)> {
    let suite = || SuiteName("smoke".to_owned());
    let before = GatePhase::Shift;
    let weight = Weight::FULL;
    let of_shift = [
        Event::ScalingStarted { step: 0, tasks: 1 },
        Event::TestingStarted { step: 0 },
        Event::WeightDecided {
            step: 0,
            weight,
            healthy: 1,
            needed: 1,
        },
        Event::WeightReached { step: 0, weight },
        checked(Verdict::Pass, ""),
        Event::ShiftDone,
        gate_opened(),
        decided("tom", "tech-lead", true, 30),
        Event::GatePassed { before },
    ];
    let of_rollback = [
        Event::RollbackStarted {
            epoch: Epoch(8),
            cause: AbortCause::TimedOut,
        },
        Event::ForwardActionRestored {
            weights: vec![100, 0],
        },
        Event::TrafficReturned { quiesced_at: at(100) },
        Event::TrafficReasserted,
        Event::CandidateScaledIn,
    ];
    let of_any = [
        Event::Waiting {
            reason: "tasks start".to_owned(),
        },
        Event::TaskDefinitionRegistered {
            arn: "web:2".to_owned(),
        },
        Event::SuiteStarted { suite: suite() },
        Event::SuiteEnded {
            suite: suite(),
            exit_code: 0,
            log: Vec::new(),
        },
        Event::AbortRequested {
            cause: AbortCause::TimedOut,
        },
        Event::PersonNeeded {
            id: crate::ids::ChangeId::of("verify", "infrastructure"),
            what: "it does not exist".to_owned(),
            until: at(100),
        },
        exited(ExitState::Aborted, 30, "because", None),
    ];
    let of_plan = [
        Story::new().entries.remove(0).event,
        Event::Planned { plan: plan().into() },
    ];
    let phase = Phase::Validate;
    let mut all = vec![(Event::PhaseEntered { phase }, Some(phase))];
    all.extend(of_plan.map(|event| (event, Some(Phase::Plan))));
    all.extend(of_shift.map(|event| (event, Some(Phase::Shift))));
    all.extend(of_rollback.map(|event| (event, Some(Phase::Rollback))));
    all.extend(of_any.map(|event| (event, None)));
    all
}

/// The line of the phases with one more event.
fn line(mut story: Story, event: Event) -> String {
    story.tell(1000, event);
    super::super::marks::line(&story.deployment, story.entries.last().unwrap())
}

fn rollback_started() -> Event {
    Event::RollbackStarted {
        epoch: Epoch(8),
        cause: AbortCause::TimedOut,
    }
}

#[test]
fn every_event_is_named_and_put_into_its_phase() {
    for (event, own) in one_of_each() {
        for underway in [Phase::Prepare, Phase::Complete] {
            let mut deployment = Story::planned().deployment;
            deployment.phase = underway;
            let mut written = deployment.clone();
            let entry = journal::append(&mut written, vec![event.clone()], "test", at(30)).remove(0);
            let attributes = attributes::of(&deployment, &entry, Severity::Attention);
            let word = serde_json::to_value(&event).unwrap()["event"].clone();
            assert_eq!(attributes["event"], word.as_str().unwrap());
            assert_eq!(attributes["phase"], own.unwrap_or(underway).as_str(), "{word}");
            assert_eq!(attributes["severity"], "attention");
            let ended = matches!(event, Event::Exited { .. });
            assert_eq!(attributes.contains_key("exitState"), ended, "{word}");
            let told = is_told(&event) || owed(&deployment, &entry).is_empty();
            assert!(told, "{word} is owed to somebody, and not looked at");
        }
    }
}

#[test]
fn each_gate_belongs_to_the_phase_behind_it() {
    let gates = [
        (GatePhase::Prepare, Phase::Prepare),
        (GatePhase::Shift, Phase::Shift),
        (GatePhase::Validate, Phase::Validate),
        (GatePhase::Complete, Phase::Complete),
    ];
    for (before, phase) in gates {
        let mut story = Story::planned();
        story.tell(2, Event::GatePassed { before });
        let entry = story.entries.last().unwrap();
        assert_eq!(super::super::marks::phase_at(&story.deployment, entry), phase);
    }
}

#[test]
fn phases_are_done_underway_or_not_begun() {
    let entered = |phase| line(Story::planned(), Event::PhaseEntered { phase });
    assert_eq!(
        entered(Phase::Plan),
        "⏳ Plan  · Prepare  · Shift  · Validate  · Complete"
    );
    assert_eq!(
        entered(Phase::Shift),
        "✅ Plan  ✅ Prepare  ⏳ Shift  · Validate  · Complete"
    );
    assert_eq!(
        entered(Phase::Complete),
        "✅ Plan  ✅ Prepare  ✅ Shift  ✅ Validate  ⏳ Complete"
    );
}

#[test]
fn an_end_marks_the_phase_that_was_reached() {
    let ends = |state| line(Story::at_gate(), exited(state, 1000, "because", None));
    let failed = "✅ Plan  ✅ Prepare  ❌ Shift  · Validate  · Complete";
    assert_eq!(
        ends(ExitState::Completed),
        "✅ Plan  ✅ Prepare  ✅ Shift  ✅ Validate  ✅ Complete"
    );
    assert_eq!(ends(ExitState::Blocked), failed);
    assert_eq!(ends(ExitState::Aborted), failed);
    assert_eq!(ends(ExitState::RollbackFailed), format!("{failed}  ❌ Rollback"));
}

#[test]
fn the_way_back_is_marked_where_there_is_one() {
    let failed = "✅ Plan  ✅ Prepare  ❌ Shift  · Validate  · Complete";
    let stop = || Event::AbortRequested {
        cause: AbortCause::TimedOut,
    };
    assert_eq!(line(Story::at_25(), stop()), failed);
    assert_eq!(
        line(Story::rolling_back(), stop()),
        format!("{failed}  ⏳ Rollback")
    );
    for (event, own) in one_of_each() {
        if own == Some(Phase::Rollback) {
            assert_eq!(line(Story::at_25(), event), format!("{failed}  ⏳ Rollback"));
        }
    }
    for (state, mark) in [
        (ExitState::RolledBack, "✅"),
        (ExitState::Aborted, "✅"),
        (ExitState::Blocked, "❌"),
        (ExitState::RollbackFailed, "❌"),
    ] {
        let exit = exited(state, 1000, "because", None);
        assert_eq!(
            line(Story::rolling_back(), exit),
            format!("{failed}  {mark} Rollback")
        );
    }
}

#[test]
fn a_rollback_fails_the_phase_that_had_been_reached() {
    let failed_at = |deployment: Deployment| {
        let entries = Vec::new();
        let line = line(Story { deployment, entries }, rollback_started());
        let failed = line.split("  ").find(|phase| phase.starts_with('❌')).unwrap();
        failed.trim_start_matches("❌ ").to_owned()
    };
    let fresh = Story::new().deployment;
    let planned = Story::planned().deployment;
    assert_eq!(failed_at(fresh), "Plan");
    assert_eq!(failed_at(planned.clone()), "Prepare");

    // Each sign of the shift by itself.
    let mut weighted = planned.clone();
    weighted.peak_weight = Weight::new(1).unwrap();
    assert_eq!(failed_at(weighted), "Shift");
    let mut begun = planned.clone();
    begun.shift.since = at(1);
    assert_eq!(failed_at(begun), "Shift");
    let mut gated = planned;
    gated.apply(&gate_opened(), at(2));
    assert_eq!(failed_at(gated), "Shift");

    let mut done = Story::at_25().deployment;
    assert_eq!(failed_at(done.clone()), "Shift");
    done.apply(&Event::ShiftDone, at(900));
    assert_eq!(failed_at(done.clone()), "Validate");
    let before = GatePhase::Complete;
    let gate = Event::GateOpened {
        before,
        expires_at: at(5000),
        plan_hash: PlanHash::of(b"plan"),
    };
    done.apply(&gate, at(950));
    assert_eq!(failed_at(done), "Complete");
}

#[test]
fn what_is_told_is_owed_to_someone() {
    for (event, _) in one_of_each() {
        let mut deployment = Story::at_25().deployment;
        let entry = journal::append(&mut deployment, vec![event], "test", at(1000)).remove(0);
        let channels: Vec<Channel> = compose(&deployment, &entry)
            .iter()
            .map(|message| match message {
                Message::People(_) => Channel::Sns,
                Message::Bus(_) => Channel::Bus,
            })
            .collect();
        assert_eq!(owed(&deployment, &entry), channels, "{:?}", entry.event);
    }
}

#[test]
fn people_and_systems_hear_of_these_events_and_of_no_others() {
    let heard: Vec<String> = one_of_each()
        .into_iter()
        .filter_map(|(event, _)| {
            let mut deployment = Story::at_25().deployment;
            let entry = journal::append(&mut deployment, vec![event], "test", at(1000)).remove(0);
            let names: Vec<&str> = owed(&deployment, &entry)
                .into_iter()
                .map(Channel::as_str)
                .collect();
            let word = serde_json::to_value(&entry.event).unwrap()["event"].clone();
            (!names.is_empty()).then(|| format!("{} {}", word.as_str().unwrap(), names.join(" ")))
        })
        .collect();
    assert_eq!(
        heard,
        [
            "phaseEntered bus",
            "deploymentRequested sns",
            "weightReached sns",
            "shiftDone bus",
            "gateOpened sns",
            "decided sns",
            "rollbackStarted sns",
            "trafficReturned sns",
            "abortRequested sns",
            "personNeeded sns",
            "exited sns bus",
        ]
    );
}

#[test]
fn an_id_is_the_deployment_and_the_number_of_the_entry() {
    let story = Story::at_gate();
    let id = MessageId::of(&story.entries[2]);
    assert_eq!(id.as_str(), "web-production-7/3");
    assert_eq!(format!("{id:>20}"), "  web-production-7/3");
}

#[test]
fn what_nobody_hears_of_is_known_from_the_event_alone() {
    for (event, _) in one_of_each() {
        let mut deployment = Story::at_25().deployment;
        let told = is_told(&event);
        let entry = journal::append(&mut deployment, vec![event], "test", at(1000)).remove(0);
        assert!(told || owed(&deployment, &entry).is_empty(), "{:?}", entry.event);
    }
    let reason = String::new();
    assert!(!is_told(&Event::Waiting { reason }));
}
