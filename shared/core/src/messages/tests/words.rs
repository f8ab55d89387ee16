//! What a story says of traffic, time and what comes next, and what a timeline shows.

use super::*;
use crate::analysis::Measurement;
use crate::deployment::{HOTFIX, Override};
use crate::evidence::{EvidenceSeen, EvidenceUsed, Signature};
use crate::ids::Digest;
use crate::spec::EvidenceKind;
use crate::spec::SuiteName;

/// What a letter says under a name.
fn row(messages: &[Message], name: &str) -> String {
    let wanted = format!("{name}:");
    letter(messages)
        .text
        .lines()
        .find_map(|line| line.strip_prefix(&wanted))
        .map(|value| value.trim_start().to_owned())
        .unwrap_or_default()
}

fn stop() -> Event {
    Event::AbortRequested {
        cause: AbortCause::TimedOut,
    }
}

/// What an end says of traffic.
fn traffic_at_end(mut story: Story, state: ExitState) -> String {
    row(&story.tell(2000, exited(state, 2000, "because", None)), "Traffic")
}

fn returned(mut story: Story) -> Story {
    story.tell(911, Event::TrafficReturned { quiesced_at: at(986) });
    story
}

fn by_ecs(mut story: Story) -> Story {
    story.deployment.plan.as_mut().unwrap().traffic = Traffic::Rolling;
    story
}

/// The last weight was decided and not read back yet.
fn raising() -> Story {
    let mut story = Story::at_25();
    let raise = Event::WeightDecided {
        step: 2,
        weight: Weight::FULL,
        healthy: 10,
        needed: 10,
    };
    story.tell(880, raise);
    story
}

#[test]
fn traffic_is_told_as_it_was_read() {
    let shared = "25 % to the candidate, 75 % to stable";
    assert_eq!(row(&Story::at_25().tell(900, stop()), "Traffic"), shared);
    let unread = "25 % to the candidate when last read; 100 % was asked for since";
    assert_eq!(row(&raising().tell(900, stop()), "Traffic"), unread);
    // The same weight once more is no other one.
    let mut again = Story::at_25();
    let weight = Weight::new(25).unwrap();
    again.tell(
        890,
        Event::WeightDecided {
            step: 1,
            weight,
            healthy: 3,
            needed: 3,
        },
    );
    assert_eq!(row(&again.tell(900, stop()), "Traffic"), shared);
    // A higher wish from before, and nothing under way.
    let mut lower = Story::at_25();
    lower.deployment.peak_weight = Weight::FULL;
    assert_eq!(row(&lower.tell(900, stop()), "Traffic"), shared);
}

#[test]
fn in_one_service_traffic_moves_with_the_tasks() {
    let moving = "moving with the tasks, as ECS replaces them";
    assert_eq!(row(&by_ecs(raising()).tell(900, stop()), "Traffic"), moving);
    let mut moved = by_ecs(Story::at_25());
    assert_eq!(
        row(&moved.tell(900, stop()), "Traffic"),
        "25 % to the candidate, 75 % to stable"
    );
    let none = "0 % to the candidate, 100 % to stable";
    let back = returned(by_ecs(Story::rolling_back()));
    assert_eq!(traffic_at_end(back, ExitState::RolledBack), none);
}

#[test]
fn on_the_way_back_a_weight_is_what_was_last_read() {
    let last = "25 % to the candidate, 75 % to stable, when last read";
    assert_eq!(traffic_at_end(Story::rolling_back(), ExitState::Aborted), last);
    let none = "0 % to the candidate, 100 % to stable";
    assert_eq!(
        traffic_at_end(returned(Story::rolling_back()), ExitState::RolledBack),
        none
    );
    assert_eq!(
        traffic_at_end(returned(Story::rolling_back()), ExitState::RollbackFailed),
        format!("{none}, when last read")
    );
    let mut interrupted = raising();
    let cause = AbortCause::TimedOut;
    interrupted.tell(
        900,
        Event::RollbackStarted {
            epoch: Epoch(8),
            cause,
        },
    );
    assert_eq!(traffic_at_end(returned(interrupted), ExitState::RolledBack), none);
}

#[test]
fn a_reversal_knows_of_traffic_only_once_it_is_back() {
    let of = Kind::Reversal {
        of: "web-production-6".parse().unwrap(),
    };
    let person = "maria".parse().unwrap();
    let mut story = Story::with(of, Origin::Person { person }, "1.4.2");
    let request = compose(&story.deployment, &story.entries[0]);
    assert_eq!(
        letter(&request).subject,
        "web/production: going back to before deployment web-production-6"
    );
    assert_eq!(row(&request, "Traffic"), "as it was when this began");
    let cause = AbortCause::TimedOut;
    story.tell(
        2,
        Event::RollbackStarted {
            epoch: Epoch(8),
            cause,
        },
    );
    assert_eq!(
        traffic_at_end(returned(story), ExitState::RolledBack),
        "0 % to the candidate, 100 % to stable"
    );
}

#[test]
fn a_step_tells_what_follows_it() {
    let reached = |step, weight| {
        let weight = Weight::new(weight).unwrap();
        let told = Story::at_25().tell(1000, Event::WeightReached { step, weight });
        (row(&told, "Step"), row(&told, "Next"))
    };
    let pair = |step: &str, next: &str| (step.to_owned(), next.to_owned());
    assert_eq!(reached(0, 5), pair("1 of 3", "watched for 10 min, then 25 %"));
    assert_eq!(reached(1, 25), pair("2 of 3", "watched for 15 min, then 100 %"));
    assert_eq!(reached(2, 100), pair("3 of 3", "then the validation"));
    assert_eq!(reached(5, 100), pair("6 of 6", "then the validation"));
}

#[test]
fn an_approval_counts_the_decisions_up_to_itself() {
    let mut story = Story::at_gate();
    story.tell(20, gate_opened());
    story.tell(60, decided("tom", "tech-lead", true, 60));
    let first = story.entries.last().unwrap().clone();
    story.tell(70, decided("ann", "tech-lead", true, 70));
    story.tell(80, decided("joe", "product", true, 80));
    assert_eq!(
        row(&compose(&story.deployment, &first), "Next"),
        "still needed: 1 tech-lead, 1 product, with `tidegate approve web-production-7`"
    );
    // No rule for that gate in the file, and no gate that opened.
    let mut bare = Story::at_gate();
    let unopened = bare.tell(60, decided("tom", "tech-lead", true, 60));
    assert_eq!(row(&unopened, "Next"), "shift begins when enough have approved");
}

#[test]
fn a_completed_deployment_tells_for_how_long_the_old_one_stays() {
    let next = |change: fn(&mut Deployment)| {
        let mut story = Story::at_25();
        change(&mut story.deployment);
        row(
            &story.tell(2000, exited(ExitState::Completed, 2000, "it serves", None)),
            "Next",
        )
    };
    assert_eq!(
        next(|_| ()),
        "nothing; for 30 min the old revision stays warm for `tidegate rollback`"
    );
    let one = |deployment: &mut Deployment| deployment.spec.auto_rollback.window_seconds = 1;
    assert_eq!(
        next(one),
        "nothing; for 1 s the old revision stays warm for `tidegate rollback`"
    );
    assert_eq!(next(|it| it.spec.auto_rollback.window_seconds = 0), "nothing");
    assert_eq!(next(|it| it.plan.as_mut().unwrap().stable = None), "nothing");
    assert_eq!(
        next(|it| it.plan.as_mut().unwrap().traffic = Traffic::Rolling),
        "nothing"
    );
    assert_eq!(next(|it| it.plan = None), "nothing");
}

#[test]
fn each_end_tells_what_to_do_where_it_brings_no_remedy() {
    let ends = |state, remedy| {
        let told = Story::at_25().tell(2000, exited(state, 2000, "", remedy));
        assert_eq!(row(&told, "Why"), "", "an empty reason has no line");
        assert_eq!(row(&told, "Took"), "33 min 20 s");
        (row(&told, "Next"), letter(&told).severity)
    };
    let history = "see `tidegate history web-production-7`".to_owned();
    for state in [ExitState::Blocked, ExitState::Aborted, ExitState::RolledBack] {
        assert_eq!(
            ends(state, None),
            (history.clone(), Severity::Attention),
            "{state:?}"
        );
        assert_eq!(
            ends(state, Some("repair it")),
            ("repair it".to_owned(), Severity::Attention)
        );
    }
    assert_eq!(
        ends(ExitState::RollbackFailed, None).0,
        "look at the weights of the listener rule. `tidegate get web-production-7` shows where traffic is"
    );
    assert_eq!(
        ends(ExitState::RollbackFailed, Some("call ops")),
        (
            "call ops. `tidegate get web-production-7` shows where traffic is".to_owned(),
            Severity::Page
        )
    );
    assert_eq!(
        ends(ExitState::Completed, Some("look at it")),
        ("look at it".to_owned(), Severity::Info)
    );
}

#[test]
fn a_gate_tells_the_plan_with_its_alarms_and_what_happens_otherwise() {
    let opened = |alarms: usize, seconds: u64| {
        let mut story = Story::at_gate();
        let plan = story.deployment.plan.as_mut().unwrap();
        plan.alarms = (0..alarms).map(|number| format!("alarm-{number}")).collect();
        plan.expected_seconds = seconds;
        row(&story.tell(20, gate_opened()), "For plan")
    };
    let steps = format!(
        "{}: 5/25/100 % in the green slot, about",
        PlanHash::of(b"plan").short()
    );
    assert_eq!(opened(0, 1800), format!("{steps} 30 min, no alarm watched"));
    assert_eq!(opened(1, 60), format!("{steps} 1 min, 1 alarm watched"));
    assert_eq!(opened(2, 0), format!("{steps} 0 s, 2 alarms watched"));

    let before = row(&Story::at_gate().tell(20, gate_opened()), "Next");
    assert!(before.ends_with("it ends, with no traffic moved"), "{before}");
    let during = row(&Story::at_25().tell(900, gate_opened()), "Next");
    assert!(during.ends_with("traffic goes back to stable"), "{during}");
}

#[test]
fn traffic_that_came_back_tells_how_long_after_the_alarm() {
    let mut story = Story::rolling_back();
    let told = story.tell(911, Event::TrafficReturned { quiesced_at: at(986) });
    assert_eq!(row(&told, "After alarm"), "16 s");
    assert_eq!(
        letter(&told).subject,
        "web/production: all traffic is back on stable, 11 s after the stop"
    );
    assert!(row(&told, "Why").starts_with("alarm web-production-5xx went to ALARM"));
    let again = story.tell(912, Event::TrafficReturned { quiesced_at: at(987) });
    assert_eq!(row(&again, "After alarm"), "");
    assert!(row(&again, "Why").starts_with("a late write had changed it"));
}

#[test]
fn what_was_pushed_is_said_to_have_been() {
    let event_id = "e".to_owned();
    let story = Story::with(Kind::Forward, Origin::Push { event_id }, "1.4.2");
    let told = compose(&story.deployment, &story.entries[0]);
    assert_eq!(row(&told, "Why"), "the image was pushed to ECR");
    assert_eq!(row(&told, "Started by"), "an image push");
    assert_eq!(row(&told, "Set aside"), "");
    assert_eq!(letter(&told).severity, Severity::Info);
}

#[test]
fn each_cause_fits_a_subject() {
    let reason = || "a very long reason".to_owned();
    let by = || "tom".parse().unwrap();
    let causes = [
        (alarm(""), "alarm web-production-5xx went to ALARM"),
        (
            AbortCause::AskedFor {
                by: by(),
                reason: reason(),
            },
            "tom asked for it",
        ),
        (
            AbortCause::Superseded {
                by: None,
                digest: String::new(),
            },
            "a newer image takes its place",
        ),
        (
            AbortCause::Rejected {
                by: by(),
                reason: reason(),
            },
            "tom rejected it",
        ),
        (
            AbortCause::ApprovalExpired { expired_at: at(0) },
            "nobody approved it in time",
        ),
        (AbortCause::AnalysisFailed { reason: reason() }, "analysis failed"),
        (
            AbortCause::AnalysisInconclusive { reason: reason() },
            "analysis came to no conclusion",
        ),
        (
            AbortCause::ConditionMet { condition: reason() },
            "a rollback condition is met",
        ),
        (
            AbortCause::CandidateUnhealthy { reason: reason() },
            "the candidate is not healthy",
        ),
        (AbortCause::SuiteFailed { reason: reason() }, "tests failed"),
        (
            AbortCause::ChangedOutside { reason: reason() },
            "something was changed from outside",
        ),
        (AbortCause::PhaseFailed { reason: reason() }, "a phase failed"),
        (AbortCause::TimedOut, "it took too long"),
    ];
    for (cause, words) in causes {
        let told = Story::at_25().tell(900, Event::AbortRequested { cause });
        assert_eq!(
            letter(&told).subject,
            format!("web/production: stopping: {words}")
        );
    }
}

/// The text of an event's line in a timeline.
fn shown(event: Event) -> Option<String> {
    let mut story = Story::planned();
    story.tell(60, event);
    let line = timeline::line(start(), story.entries.last().unwrap())?;
    let text = line
        .get("+00:01:00".len()..)
        .unwrap()
        .trim_start_matches([' ', '%', '█', '░', '0', '1', '2', '5']);
    Some(text.to_owned())
}

#[test]
fn each_phase_and_each_end_has_its_line() {
    for (phase, text) in [
        (Phase::Plan, "plan: look at what runs and what is required"),
        (Phase::Prepare, "prepare: register the new revision"),
        (Phase::Shift, "shift: move traffic step by step"),
        (Phase::Validate, "validate: test what serves now"),
        (Phase::Complete, "complete: the candidate becomes stable"),
        (Phase::Rollback, "rollback: return to stable"),
    ] {
        assert_eq!(shown(Event::PhaseEntered { phase }).unwrap(), text);
    }
    for (state, word) in [
        (ExitState::Completed, "COMPLETED"),
        (ExitState::Blocked, "BLOCKED"),
        (ExitState::Aborted, "ABORTED"),
        (ExitState::RolledBack, "ROLLED BACK"),
        (ExitState::RollbackFailed, "ROLLBACK FAILED"),
    ] {
        let line = shown(exited(state, 60, "because", None)).unwrap();
        assert_eq!(line, format!("{word}: because"));
    }
}

#[test]
fn intents_whose_result_follows_have_no_line() {
    let silent: Vec<String> = super::marks::one_of_each()
        .into_iter()
        .filter(|(event, _)| shown(event.clone()).is_none())
        .map(|(event, _)| serde_json::to_value(&event).unwrap()["event"].to_string())
        .collect();
    let expected = [
        "\"weightDecided\"",
        "\"forwardActionRestored\"",
        "\"waiting\"",
        "\"taskDefinitionRegistered\"",
        "\"suiteStarted\"",
    ];
    assert_eq!(silent, expected);
}

#[test]
fn the_lines_of_a_way_forward() {
    let text = |event| shown(event).unwrap();
    let tasks = |tasks| text(Event::ScalingStarted { step: 0, tasks });
    assert_eq!(tasks(1), "the candidate is brought to 1 task");
    assert_eq!(tasks(2), "the candidate is brought to 2 tasks");
    assert_eq!(tasks(0), "the candidate is brought to 0 tasks");
    let suite = || SuiteName("smoke".to_owned());
    let ended = |exit_code| {
        text(Event::SuiteEnded {
            suite: suite(),
            exit_code,
            log: Vec::new(),
        })
    };
    assert_eq!(ended(0), "suite smoke passed");
    assert_eq!(ended(3), "suite smoke failed with exit code 3");
    assert_eq!(
        text(Event::TestingStarted { step: 0 }),
        "the candidate is tested without production traffic"
    );
    let planned = |alarms: usize| {
        let mut plan = plan();
        plan.alarms = vec![String::new(); alarms];
        text(Event::Planned { plan: plan.into() })
    };
    assert_eq!(planned(1), "planned: 5/25/100 %, about 30 min, 1 alarm watched");
    assert_eq!(planned(2), "planned: 5/25/100 %, about 30 min, 2 alarms watched");
    assert_eq!(
        text(gate_opened()),
        "approval needed before shift, until 2026-11-21T09:00:20Z"
    );
    assert_eq!(
        text(decided("tom", "tech-lead", true, 30)),
        "tom approved shift as tech-lead: looks good"
    );
    let mut silent = decided("tom", "tech-lead", false, 30);
    if let Event::Decided { decision, .. } = &mut silent {
        decision.reason = " ".to_owned();
    }
    assert_eq!(text(silent), "tom rejected shift as tech-lead");
    let before = GatePhase::Shift;
    assert_eq!(text(Event::GatePassed { before }), "approved: shift may begin");
    assert_eq!(text(Event::ShiftDone), "all steps are done");
}

#[test]
fn the_lines_of_a_way_back() {
    let text = |event| shown(event).unwrap();
    assert_eq!(text(stop()), "stop: it took longer than a deployment may");
    let cause = AbortCause::TimedOut;
    let started = Event::RollbackStarted {
        epoch: Epoch(8),
        cause,
    };
    assert_eq!(text(started), "rollback begins: it took too long");
    let quiesced_at = at(100);
    assert_eq!(
        text(Event::TrafficReturned { quiesced_at }),
        "all traffic is on stable, read back"
    );
    let mut story = Story::at_25();
    story.tell(900, Event::TrafficReturned { quiesced_at });
    assert_eq!(
        timeline::line(start(), story.entries.last().unwrap()).unwrap(),
        "+00:15:00    0 %  ░░░░░░░░░░  all traffic is on stable, read back"
    );
    assert_eq!(
        text(Event::TrafficReasserted),
        "read again: nothing moved it since"
    );
    assert_eq!(text(Event::CandidateScaledIn), "the candidate is scaled in");
}

fn checked(verdict: Verdict, passed: u32, failed: u32, inconclusive: u32) -> Event {
    let measurement = |metric: &str, value| Measurement {
        metric: metric.to_owned(),
        value,
        bound: String::new(),
        verdict,
        reason: String::new(),
    };
    Event::Checked {
        check: Check {
            verdict,
            measurements: vec![
                measurement("error_rate", Some(0.02)),
                measurement("latency_p99", None),
                measurement("error_rate", Some(7.0)),
                measurement("queue_lag", Some(12.0)),
            ],
            reason: "error_rate is 0.02 %".to_owned(),
            condition_breached: None,
            from: at(0),
            until: at(60),
        },
        passed,
        failed,
        inconclusive,
    }
}

#[test]
fn of_checks_the_first_pass_every_failure_and_the_first_of_a_row_without_conclusion_are_shown() {
    let first = "first check passed: error rate 0.02 %, queue lag 12";
    assert_eq!(shown(checked(Verdict::Pass, 1, 0, 0)).as_deref(), Some(first));
    assert_eq!(shown(checked(Verdict::Pass, 2, 0, 0)), None);
    for failed in [1, 2] {
        let line = format!("check failed ({failed} so far): error_rate is 0.02 %");
        assert_eq!(shown(checked(Verdict::Fail, 1, failed, 0)), Some(line));
    }
    let unclear = "check without conclusion: error_rate is 0.02 %";
    assert_eq!(
        shown(checked(Verdict::Inconclusive, 1, 0, 1)).as_deref(),
        Some(unclear)
    );
    assert_eq!(shown(checked(Verdict::Inconclusive, 1, 0, 2)), None);
}

#[test]
fn only_long_waits_are_shown_and_none_while_a_step_bakes() {
    let waited = |mut story: Story, seconds: i64| {
        let begun = 2000;
        let reason = "tasks\u{1b} start".to_owned();
        story.tell(begun, Event::Waiting { reason });
        story.tell(begun + seconds, stop());
        let lines = timeline::lines(start(), &story.entries);
        lines.iter().find(|line| line.contains("waiting")).cloned()
    };
    assert_eq!(waited(Story::at_gate(), 299), None);
    let shown = "+00:33:20                     waiting for 5 min: tasks start";
    assert_eq!(waited(Story::at_gate(), 300).as_deref(), Some(shown));
    assert_eq!(waited(Story::at_25(), 300), None);
    assert_eq!(waited(Story::at_25(), 90_000), None);
    // A check does not end the bake, the next step does.
    let mut checked_once = Story::at_25();
    checked_once.tell(900, checked(Verdict::Pass, 1, 0, 0));
    assert_eq!(waited(checked_once, 300), None);
    let mut next = Story::at_25();
    next.tell(1700, Event::ScalingStarted { step: 2, tasks: 10 });
    assert!(waited(next, 300).is_some());
    // The last wait may still go on: how long is not known.
    let mut last = Story::at_gate();
    let reason = "tasks start".to_owned();
    last.tell(2000, Event::Waiting { reason });
    assert!(
        !timeline::lines(start(), &last.entries)
            .join("")
            .contains("waiting")
    );
}

/// A request and what follows it, by these writers at these times.
fn journal_of(origin: Origin, second: Event, writers: [&str; 2], seconds: [i64; 2]) -> Vec<String> {
    let mut story = Story::with(Kind::Forward, origin, "1.4.2");
    let request = story.entries.remove(0).event;
    let mut entries = Vec::new();
    for (event, (by, when)) in [request, second]
        .into_iter()
        .zip(writers.into_iter().zip(seconds))
    {
        entries.extend(journal::append(&mut story.deployment, vec![event], by, at(when)));
    }
    timeline::lines(start(), &entries)
}

#[test]
fn a_reversal_is_known_by_a_plan_that_was_written_with_its_request() {
    let maria = || Origin::Person {
        person: "maria".parse().unwrap(),
    };
    let planned = || Event::Planned { plan: plan().into() };
    let lines = journal_of(maria(), planned(), ["api", "api"], [0, 0]);
    assert_eq!(
        lines,
        ["+00:00:00                     maria asked to take web:1.4.2 back"]
    );
    let event_id = "e".to_owned();
    let lines = journal_of(Origin::Push { event_id }, planned(), ["api", "api"], [0, 0]);
    assert_eq!(
        lines,
        ["+00:00:00                     an event asked to take web:1.4.2 back"]
    );
    for (second, writers, seconds) in [
        (planned(), ["api", "plan"], [0, 0]),
        (planned(), ["api", "api"], [0, 1]),
        (stop(), ["api", "api"], [0, 0]),
    ] {
        let lines = journal_of(maria(), second, writers, seconds);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("maria asked to deploy web:1.4.2"), "{lines:?}");
    }
    assert_eq!(timeline::lines(start(), &[]), Vec::<String>::new());
}

#[test]
fn hours_of_a_timeline_go_on_beyond_a_day() {
    let mut story = Story::at_gate();
    story.tell(90_061, Event::ShiftDone);
    let line = timeline::line(start(), story.entries.last().unwrap()).unwrap();
    assert!(line.starts_with("+25:01:01 "), "{line}");
    // An entry from before the start is at the start.
    let early = timeline::line(at(100), &story.entries[0]).unwrap();
    assert!(early.starts_with("+00:00:00 "), "{early}");
}

#[test]
fn a_bar_is_rounded_to_the_nearest_block() {
    let filled = |percent| {
        let weight = Weight::new(percent).unwrap();
        let mut story = Story::at_gate();
        story.tell(60, Event::WeightReached { step: 0, weight });
        let line = timeline::line(start(), story.entries.last().unwrap()).unwrap();
        assert_eq!(line.matches(['█', '░']).count(), 10, "{line}");
        line.matches('█').count()
    };
    assert_eq!([4, 5, 14, 15, 24, 94, 95].map(filled), [1, 1, 1, 2, 2, 9, 9]);
}

#[test]
fn a_hotfix_and_what_is_known_of_its_image_are_told() {
    let mut known = plan();
    let mut evidence = EvidenceUsed::of(&EvidenceSeen::nothing(Digest::clone(
        &Story::new().deployment.revision.digest,
    )));
    evidence.author = Some("ines".parse().unwrap());
    evidence.signature = Some(Signature::Cosign);
    evidence.left_out = vec![EvidenceKind::Scan, EvidenceKind::ProvenIn];
    known.evidence = Some(evidence);
    let overrides = vec![Override {
        what: HOTFIX.to_owned(),
        by: "maria".parse().unwrap(),
        reason: "payments fail".to_owned(),
    }];
    let mut story = Story::new();
    story.deployment.overrides.clone_from(&overrides);
    story.deployment.origin = Origin::Person {
        person: "maria".parse().unwrap(),
    };
    let asked = story.tell(
        0,
        Event::DeploymentRequested {
            revision: story.deployment.revision.clone(),
            origin: story.deployment.origin.clone(),
            epoch: Epoch(7),
            overrides,
        },
    );
    assert!(letter(&asked).subject.ends_with("is on its way as a hotfix"));
    assert!(letter(&asked).text.contains("hotfix by maria (payments fail)"));
    story.tell(1, Event::Planned { plan: known.into() });
    let gate = story.tell(2, gate_opened());
    let text = &letter(&gate).text;
    assert!(
        text.contains("signed (cosign), left out: scan, provenIn"),
        "{text}"
    );
    assert!(
        text.contains("maria and ines are the authors and can't"),
        "{text}"
    );
    let lines = timeline::lines(start(), &story.entries);
    let has = |words: &str| lines.iter().any(|line| line.contains(words));
    assert!(has("as a hotfix: payments fail"), "{lines:?}");
    assert!(
        has("known of it: signed (cosign), left out: scan, provenIn"),
        "{lines:?}"
    );
    assert!(!has("setting aside"), "{lines:?}");
}

#[test]
fn a_gate_shows_every_change_with_its_type_in_every_form() {
    let mut story = Story::planned();
    let file = format!(
        "{FILE}migrations:\n  - {{name: a, command: [up], down: [down]}}\n  - {{name: b, command: [up, b]}}\n"
    );
    let spec = crate::spec::parse("production-config.yaml", &file).unwrap().spec;
    let mut plan = plan();
    plan.changes = crate::testing::plan(&spec).changes;
    story.tell(2, Event::Planned { plan: plan.into() });
    let asked = story.tell(20, gate_opened());
    let letter = letter(&asked);
    let words = "migration:b (forward-only): run `up b`; migration:a (revertible): run `up`";
    assert!(
        letter.text.contains(&format!("Changes:     {words}")),
        "{}",
        letter.text
    );
    assert!(letter.slack.to_string().contains(words), "{}", letter.slack);
}

#[test]
fn a_stop_and_its_rollback_begin_with_how_bad_it_is() {
    let mut story = Story::at_25();
    let begins = |messages: &[Message]| {
        let text = &letter(messages).text;
        text.lines().nth(2).unwrap().to_owned()
    };
    let cause = || alarm("5 datapoints were above 1");
    let stop = story.tell(900, Event::AbortRequested { cause: cause() });
    let so_far = "Severity:    minor so far: 25 % of the traffic was meant for the candidate";
    assert_eq!(begins(&stop), so_far);
    let epoch = Epoch(8);
    let back = story.tell(
        902,
        Event::RollbackStarted {
            epoch,
            cause: cause(),
        },
    );
    assert_eq!(begins(&back), so_far);
    let returned = story.tell(911, Event::TrafficReturned { quiesced_at: at(986) });
    let over =
        "Severity:    minor: 25 % of the traffic was meant for the candidate, back 16 s after the first sign";
    assert_eq!(begins(&returned), over);
    let ended = story.tell(1100, exited(ExitState::RolledBack, 1100, "alarm", None));
    assert_eq!(begins(&ended), over);
    let paged = Story::rolling_back().tell(2000, exited(ExitState::RollbackFailed, 2000, "no", None));
    assert_eq!(
        begins(&paged),
        "Severity:    critical: traffic was not seen to return by itself"
    );
    let rest = "critical: traffic is back, but a person must see to the rest now";
    let left = story.tell(
        1101,
        exited(ExitState::RollbackFailed, 1101, "not undone: a", None),
    );
    assert_eq!(row(&left, "Severity"), rest);
}

#[test]
fn what_no_customer_had_to_do_with_is_told_as_that_and_a_newer_image_as_nothing() {
    let stop = |cause| {
        let told = Story::at_gate().tell(30, Event::AbortRequested { cause });
        letter(&told).text.clone()
    };
    assert!(stop(AbortCause::TimedOut).contains("Severity:    none: no customer had to do with it"));
    let newer = AbortCause::Superseded {
        by: None,
        digest: "333".to_owned(),
    };
    assert!(!stop(newer).contains("Severity"));
}

#[test]
fn a_check_that_failed_long_before_makes_it_major() {
    let mut story = Story::at_25();
    story.tell(800, checked(Verdict::Fail, 0, 1, 0));
    let since = story.deployment.shift.bake.failing_since.unwrap();
    story.tell(860, checked(Verdict::Pass, 1, 1, 0));
    assert_eq!(story.deployment.shift.bake.failing_since, Some(since));
    let seconds = since.duration_since(start()).as_secs() + 1800;
    let stop = |mut story: Story, seconds| {
        let cause = AbortCause::TimedOut;
        let told = story.tell(seconds, Event::AbortRequested { cause });
        letter(&told).text.clone()
    };
    let text = stop(story, seconds);
    assert!(text.contains("Severity:    major so far"), "{text}");
    let mut next = Story::at_25();
    next.tell(800, checked(Verdict::Fail, 0, 1, 0));
    next.rise(1700, 2, 25);
    assert_eq!(next.deployment.shift.bake.failing_since, None);
}

#[test]
fn a_person_who_is_needed_is_told_what_differs_and_until_when() {
    let mut story = Story::planned();
    let asked = story.tell(
        100,
        Event::PersonNeeded {
            id: crate::ids::ChangeId::of("verify", "infrastructure"),
            what: "dynamodbTable orders: pointInTimeRecovery is false, not true".to_owned(),
            until: at(3700),
        },
    );
    let letter = letter(&asked);
    assert_eq!(letter.severity, Severity::Attention);
    assert_eq!(
        letter.subject,
        "web/production: verify:infrastructure of web:1.4.2 needs a person"
    );
    for words in [
        "pointInTimeRecovery is false, not true",
        "apply what differs",
        "After 2026-11-20T10:01:40Z, in 1 h, it ends",
    ] {
        assert!(letter.text.contains(words), "{}", letter.text);
    }
    let lines = timeline::lines(start(), &story.entries);
    assert!(
        lines
            .last()
            .unwrap()
            .contains("verify:infrastructure needs a person until 2026-11-20T10:01:40Z"),
        "{lines:?}"
    );
}

#[test]
fn a_watch_tells_of_its_end_unless_another_deployment_took_its_place() {
    let ended = |trend, replaced_by: Option<&str>| Event::WatchEnded {
        trend,
        replaced_by: replaced_by.map(|id| id.parse().unwrap()),
    };
    let told = Story::at_25().tell(900, ended(None, None));
    assert!(
        letter(&told).subject.ends_with("was watched to its end"),
        "{}",
        letter(&told).subject
    );
    assert!(
        Story::at_25()
            .tell(900, ended(None, Some("web-production-8")))
            .is_empty()
    );
}

#[test]
fn a_cost_is_told_where_a_person_should_look_or_the_bill_has_said_its_last() {
    use crate::analysis::Verdict;
    use crate::cost::{CostAnomaly, CostCheck, CostCompared, CostFound, DailyMean, Money};
    let mut story = Story::at_25();
    let file = format!("{}cost: {{maxIncrease: 20%}}\n", crate::testing::CANARY);
    let with_cost = |text: &str| crate::spec::parse("deploy.yaml", text).unwrap().spec.cost;
    story.deployment.spec.cost = with_cost(&file);
    let checked = |verdict| Event::CostChecked {
        check: CostCheck {
            verdict,
            fleet: None,
            reason: "$9.00 a month".to_owned(),
        },
    };
    assert!(story.tell(900, checked(Verdict::Pass)).is_empty());
    assert!(
        letter(&story.tell(901, checked(Verdict::Fail)))
            .subject
            .ends_with("costs more than it may")
    );
    assert!(
        letter(&story.tell(902, checked(Verdict::Inconclusive)))
            .subject
            .ends_with("costs is not known")
    );
    // Taking it back is told as such.
    story.deployment.spec.cost = with_cost(&file.replace("20%", "20%, onExcess: rollback"));
    assert!(story.tell(903, checked(Verdict::Fail)).is_empty());
    let compared = |found, anomalies| Event::CostCompared {
        compared: Box::new(CostCompared {
            found,
            anomalies,
            unread: None,
        }),
    };
    let mean = |dollars| DailyMean {
        days: 1,
        mean: Money::dollars(dollars),
    };
    let days = |beyond: Option<&str>| CostFound::Days {
        before: mean(10.0),
        after: mean(12.0),
        beyond: beyond.map(str::to_owned),
    };
    let unknown = |again_at| CostFound::NoData {
        why: "no tag".to_owned(),
        again_at,
    };
    let anomaly = CostAnomaly {
        since: "2026-03-01".to_owned(),
        what: "ECS".to_owned(),
        impact: Money::dollars(3.0),
    };
    let again = unknown(Some(start()));
    for (event, ending) in [
        (compared(days(None), vec![]), "costs by the bill"),
        (
            compared(days(Some("beyond")), vec![]),
            "costs more by the bill than it may",
        ),
        (compared(again.clone(), vec![anomaly]), "unusual"),
        (compared(unknown(None), vec![]), "costs by the bill is not known"),
    ] {
        let told = story.tell(910, event);
        assert!(
            letter(&told).subject.ends_with(ending),
            "{}",
            letter(&told).subject
        );
    }
    assert!(story.tell(920, compared(again, vec![])).is_empty());
    let by = "web-production-8".parse().unwrap();
    assert!(
        story
            .tell(921, compared(CostFound::Replaced { by }, vec![]))
            .is_empty()
    );
}

#[test]
fn a_gate_tells_what_the_proposals_behind_it_would_do() {
    use crate::change::{Change, Effect, EffectKind, Proposal, StackWork, Undo, Work};
    use crate::ids::ChangeId;
    let mut story = Story::planned();
    let id = ChangeId::of("stack", "shop");
    let stack = StackWork {
        name: "shop".to_owned(),
        template: "https://bucket/shop".to_owned(),
        parameters: std::collections::BTreeMap::new(),
        capabilities: std::collections::BTreeSet::new(),
        role: None,
        drift: false,
    };
    story.deployment.plan.as_mut().unwrap().changes = vec![Change {
        id: id.clone(),
        phase: Phase::Infrastructure,
        undo: Undo::Revertible,
        temporary: false,
        work: Work::Stack { stack },
        timeout_seconds: 60,
    }];
    let what = "bucket logs".to_owned();
    let effect = Effect {
        kind: EffectKind::Delete,
        what,
    };
    let proposal = Box::new(Proposal::new("arn".to_owned(), vec![effect], Vec::new()));
    story.tell(2, Event::ChangeProposed { id, proposal });
    let opened = |before| Event::GateOpened {
        before,
        expires_at: at(900),
        plan_hash: PlanHash::of(b"plan"),
    };
    let told = story.tell(3, opened(GatePhase::Infrastructure));
    assert_eq!(
        row(&told, "It would do"),
        "stack:shop: 1 to delete; - bucket logs"
    );
    assert_eq!(
        row(&Story::planned().tell(3, opened(GatePhase::Shift)), "It would do"),
        ""
    );
}

#[test]
fn a_timeline_shows_the_last_lines_of_what_failed_and_counts_what_is_set() {
    use crate::change::{ContainerSetting, SettingNow, SettingTo};
    use crate::ids::ChangeId;
    let set = |name: &str, now| ContainerSetting {
        name: name.to_owned(),
        to: SettingTo::Value("1".to_owned()),
        now,
    };
    let mut planned = plan();
    planned.container = vec![
        set("A", SettingNow::Same),
        set("B", SettingNow::Absent),
        set("C", SettingNow::Other),
    ];
    let mut story = Story::new();
    story.tell(1, Event::Planned { plan: planned.into() });
    let id = ChangeId::of("migration", "a");
    let log = (1..=7).map(|line| format!("line {line}")).collect();
    let reason = "exit code 1".to_owned();
    story.tell(2, Event::ChangeFailed { id, reason, log });
    let lines = timeline::lines(start(), &story.entries);
    let last: Vec<&str> = lines.iter().filter_map(|line| line.split("| ").nth(1)).collect();
    assert_eq!(last, ["line 3", "line 4", "line 5", "line 6", "line 7"]);
    assert!(
        lines.iter().any(|line| line.contains("planned: 2 variables, ")),
        "{lines:?}"
    );
}
