use insta::assert_snapshot;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::analysis::{Check, Verdict};
use crate::deployment::{Kind, Origin, Override, Phase, Plan, Request, Revision, StableRevision, Traffic};
use crate::event::Event;
use crate::exit::{AbortCause, Exit, ExitState};
use crate::gates::GateDecision;
use crate::ids::{Epoch, PlanHash, Slot, SpecHash, Weight};
use crate::journal;
use crate::spec::{GatePhase, Step};
use crate::testing::at;
use crate::wiring::Wiring;

mod marks;
mod words;

const FILE: &str = r##"
environment: production
strategy: canary
replicas: 10
canary:
  steps:
    - weight: 5
      pause: 10m
    - weight: 25
      pause: 15m
    - weight: 100
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
        count: 2
      - role: product
notifications:
  dashboard: "https://dash.example/d/web?a=1&b=2"
  slackChannel: "#deploys"
"##;

/// A deployment and its journal, written at given seconds after the start.
struct Story {
    deployment: Deployment,
    entries: Vec<Entry>,
}

fn start() -> Timestamp {
    "2026-11-20T09:00:00Z".parse().unwrap()
}

impl Story {
    fn new() -> Self {
        Self::with(
            Kind::Forward,
            Origin::Person {
                person: "maria".parse().unwrap(),
            },
            "1.4.2",
        )
    }

    fn with(kind: Kind, origin: Origin, tag: &str) -> Self {
        let spec = crate::spec::parse("production-config.yaml", FILE).unwrap().spec;
        let revision = Revision {
            repository: "web".to_owned(),
            digest: format!("sha256:{}", "3f".repeat(32)).parse().unwrap(),
            tag: Some(tag.to_owned()),
            pushed_at: start(),
            spec_hash: SpecHash::of(FILE.as_bytes()),
            task_definition: None,
        };
        let request = Request {
            id: "web-production-7".parse().unwrap(),
            target: "web/production".parse().unwrap(),
            kind,
            epoch: Epoch(7),
            revision: revision.clone(),
            spec: spec.into(),
            origin: origin.clone(),
            overrides: Vec::new(),
        };
        let mut story = Self {
            deployment: Deployment::new(request, start()),
            entries: Vec::new(),
        };
        let overrides = Vec::new();
        story.tell(
            0,
            Event::DeploymentRequested {
                revision,
                origin,
                epoch: Epoch(7),
                overrides,
            },
        );
        story
    }

    /// Adds an entry and gives what people and systems hear of it.
    fn tell(&mut self, seconds: i64, event: Event) -> Vec<Message> {
        let entries = journal::append(&mut self.deployment, vec![event], "test", at(seconds));
        let messages = entries
            .iter()
            .flat_map(|entry| compose(&self.deployment, entry))
            .collect();
        self.entries.extend(entries);
        messages
    }

    fn planned() -> Self {
        let mut story = Self::new();
        story.tell(1, Event::Planned { plan: plan().into() });
        story
    }

    fn at_gate() -> Self {
        let mut story = Self::planned();
        story.tell(
            2,
            Event::PhaseEntered {
                phase: Phase::Prepare,
            },
        );
        story.tell(20, Event::PhaseEntered { phase: Phase::Shift });
        story
    }

    /// A weight is decided, and reached at this instant.
    fn rise(&mut self, seconds: i64, step: usize, percent: u8) {
        let weight = Weight::new(percent).unwrap();
        let decided = Event::WeightDecided {
            step,
            weight,
            healthy: 4,
            needed: 3,
        };
        self.tell(seconds - 5, decided);
        self.tell(seconds, Event::WeightReached { step, weight });
    }

    fn at_25() -> Self {
        let mut story = Self::at_gate();
        for (seconds, step, weight) in [(100, 0, 5), (750, 1, 25)] {
            story.rise(seconds, step, weight);
        }
        story
    }

    fn rolling_back() -> Self {
        let mut story = Self::at_25();
        story.tell(
            900,
            Event::AbortRequested {
                cause: alarm("5 datapoints were above 1"),
            },
        );
        story.tell(
            902,
            Event::RollbackStarted {
                epoch: Epoch(8),
                cause: alarm("5 datapoints were above 1"),
            },
        );
        story
    }
}

fn plan() -> Plan {
    let step = |weight, bake_seconds| Step {
        weight: Weight::new(weight).unwrap(),
        bake_seconds,
    };
    Plan {
        contract: None,
        wiring: Wiring {
            cluster: "production".to_owned(),
            services: BTreeMap::new(),
            balancer: None,
        },
        traffic: Traffic::Weighted,
        stable: Some(StableRevision {
            slot: Slot::Blue,
            task_definition: "arn:stable".to_owned(),
            digest: None,
            desired: 10,
        }),
        candidate: Slot::Green,
        image: "web@sha256:3f".to_owned(),
        capacity: 10,
        steps: vec![step(5, 600), step(25, 900), step(100, 0)],
        changes: Vec::new(),
        container: Vec::new(),
        alarms: vec!["web-production-5xx".to_owned()],
        forward_before: None,
        expected_seconds: 1800,
        evidence: None,
        permissions: None,
        cost: None,
        hash: PlanHash::of(b"plan"),
    }
}

fn alarm(reason: &str) -> AbortCause {
    AbortCause::AlarmRaised {
        alarm: "web-production-5xx".to_owned(),
        raised_at: Some(at(895)),
        reason: reason.to_owned(),
    }
}

fn exited(state: ExitState, seconds: i64, reason: &str, remedy: Option<&str>) -> Event {
    Event::Exited {
        exit: Exit {
            state,
            at: at(seconds),
            reason: reason.to_owned(),
            remedy: remedy.map(str::to_owned),
        },
    }
}

fn gate_opened() -> Event {
    Event::GateOpened {
        before: GatePhase::Shift,
        expires_at: at(86_420),
        plan_hash: PlanHash::of(b"plan"),
    }
}

fn decided(by: &str, role: &str, approve: bool, seconds: i64) -> Event {
    Event::Decided {
        before: GatePhase::Shift,
        decision: GateDecision {
            by: by.parse().unwrap(),
            role: role.parse().unwrap(),
            approve,
            reason: "looks good".to_owned(),
            plan_hash: PlanHash::of(b"plan"),
            at: at(seconds),
        },
    }
}

fn letter(messages: &[Message]) -> &Letter {
    messages
        .iter()
        .find_map(|message| match message {
            Message::People(letter) => Some(&**letter),
            Message::Bus(_) => None,
        })
        .unwrap()
}

fn bus(messages: &[Message]) -> Vec<&BusEvent> {
    messages
        .iter()
        .filter_map(|message| match message {
            Message::People(_) => None,
            Message::Bus(event) => Some(event),
        })
        .collect()
}

/// All that a reviewer wants to see of a message, Slack's blocks in the order in which they show.
fn golden(messages: &[Message]) -> String {
    let letter = letter(messages);
    let attributes: Vec<String> = letter
        .attributes
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let mut lines = vec![
        format!("id:         {}", letter.id),
        format!("subject:    {}", letter.subject),
        format!("attributes: {}", attributes.join(" ")),
        "--- text".to_owned(),
        letter.text.clone(),
        "--- slack".to_owned(),
        format!("fallback: {}", letter.slack["text"].as_str().unwrap()),
    ];
    for block in letter.slack["blocks"].as_array().unwrap() {
        lines.push(format!("[{}]", block["type"].as_str().unwrap()));
        lines.extend(
            texts(block)
                .into_iter()
                .map(|text| format!("  {}", text.replace('\n', " | "))),
        );
    }
    for event in bus(messages) {
        lines.push(format!(
            "--- bus: {}: {}",
            event.detail_type.as_str(),
            event.detail["reason"]
        ));
    }
    lines.join("\n")
}

fn texts(block: &Value) -> Vec<&str> {
    let list = |key: &str| block[key].as_array().cloned().map_or(0, |list| list.len());
    let mut found: Vec<&str> = block["text"]["text"].as_str().into_iter().collect();
    for key in ["fields", "elements"] {
        found.extend((0..list(key)).filter_map(|index| block[key][index]["text"].as_str()));
    }
    found
}

#[test]
fn a_request_is_announced() {
    let mut story = Story::new();
    let entry = story.entries.remove(0);
    assert_snapshot!(golden(&compose(&story.deployment, &entry)));
}

#[test]
fn a_gate_tells_who_is_asked_and_what_to_type() {
    assert_snapshot!(golden(&Story::at_gate().tell(20, gate_opened())));
}

#[test]
fn an_approval_tells_who_is_still_needed() {
    let mut story = Story::at_gate();
    story.tell(20, gate_opened());
    let first = story.tell(60, decided("tom", "tech-lead", true, 60));
    assert_snapshot!(golden(&first));
    story.tell(70, decided("ann", "tech-lead", true, 70));
    let last = story.tell(80, decided("joe", "product", true, 80));
    assert!(
        letter(&last)
            .text
            .contains("that was the last one needed: shift begins")
    );
    let refused = story.tell(90, decided("eve", "product", false, 90));
    assert_eq!(letter(&refused).severity, Severity::Attention);
}

#[test]
fn a_step_tells_its_weight_and_how_long_it_is_watched() {
    let mut story = Story::at_gate();
    let weight = Weight::new(5).unwrap();
    story.tell(
        95,
        Event::WeightDecided {
            step: 0,
            weight,
            healthy: 1,
            needed: 1,
        },
    );
    assert_snapshot!(golden(&story.tell(100, Event::WeightReached { step: 0, weight })));
}

#[test]
fn an_alarm_stops_and_traffic_comes_back() {
    let mut story = Story::at_25();
    assert_snapshot!(
        "alarm_abort",
        golden(&story.tell(
            900,
            Event::AbortRequested {
                cause: alarm("above 1")
            }
        ))
    );
    let started = Event::RollbackStarted {
        epoch: Epoch(8),
        cause: alarm("above 1"),
    };
    assert_snapshot!("alarm_rollback", golden(&story.tell(902, started)));
    let returned = story.tell(911, Event::TrafficReturned { quiesced_at: at(986) });
    assert_snapshot!("alarm_returned", golden(&returned));
    let again = story.tell(990, Event::TrafficReturned { quiesced_at: at(995) });
    assert_eq!(
        letter(&again).subject,
        "web/production: all traffic is on stable again"
    );
    let exit = exited(
        ExitState::RolledBack,
        1100,
        "alarm web-production-5xx",
        Some("repair the image"),
    );
    assert_snapshot!("alarm_rolled_back", golden(&story.tell(1100, exit)));
}

#[test]
fn a_failed_rollback_pages() {
    let mut story = Story::rolling_back();
    let exit = exited(
        ExitState::RollbackFailed,
        2000,
        "the listener rule does not take the weights",
        None,
    );
    let messages = story.tell(2000, exit);
    assert_eq!(letter(&messages).severity, Severity::Page);
    assert_snapshot!(golden(&messages));
}

#[test]
fn blocked_tells_what_is_missing_and_its_remedies() {
    let exit = exited(
        ExitState::Blocked,
        1,
        "the image is not in ECR; alarm a is in ALARM",
        Some("push it again; wait until the alarm is OK"),
    );
    assert_snapshot!(golden(&Story::new().tell(1, exit)));
}

#[test]
fn completed_tells_the_way_back() {
    let mut story = Story::at_25();
    story.tell(
        2000,
        Event::WeightReached {
            step: 2,
            weight: Weight::FULL,
        },
    );
    story.tell(2001, Event::ShiftDone);
    story.tell(
        2002,
        Event::PhaseEntered {
            phase: Phase::Validate,
        },
    );
    story.tell(
        2003,
        Event::PhaseEntered {
            phase: Phase::Complete,
        },
    );
    assert_snapshot!(golden(
        &story.tell(2550, exited(ExitState::Completed, 2550, "it serves", None))
    ));
}

#[test]
fn a_rollback_that_moves_no_traffic_is_told_once() {
    let mut story = Story::at_gate();
    let cause = AbortCause::AskedFor {
        by: "tom".parse().unwrap(),
        reason: "wrong day".to_owned(),
    };
    let stop = story.tell(30, Event::AbortRequested { cause: cause.clone() });
    assert!(letter(&stop).text.contains("no production traffic was moved"));
    assert_eq!(
        story.tell(
            31,
            Event::RollbackStarted {
                epoch: Epoch(8),
                cause
            }
        ),
        []
    );
    assert_eq!(
        story.tell(32, Event::TrafficReturned { quiesced_at: at(100) }),
        []
    );
    let exit = story.tell(140, exited(ExitState::Aborted, 140, "tom asked for it", None));
    assert!(
        letter(&exit)
            .text
            .contains("✅ Plan  ✅ Prepare  ❌ Shift  · Validate  · Complete  ✅ Rollback")
    );
}

#[test]
fn giving_way_to_a_newer_image_is_no_alarm() {
    let mut story = Story::planned();
    let cause = AbortCause::Superseded {
        by: None,
        digest: "sha256:aa".to_owned(),
    };
    assert_eq!(
        letter(&story.tell(5, Event::AbortRequested { cause })).severity,
        Severity::Info
    );
    let exit = story.tell(9, exited(ExitState::Aborted, 9, "superseded", None));
    assert_eq!(letter(&exit).severity, Severity::Info);
}

#[test]
fn a_reversal_goes_only_back() {
    let of = Kind::Reversal {
        of: "web-production-6".parse().unwrap(),
    };
    let mut story = Story::with(
        of,
        Origin::Person {
            person: "maria".parse().unwrap(),
        },
        "1.4.2",
    );
    story.tell(1, Event::Planned { plan: plan().into() });
    let cause = AbortCause::AskedFor {
        by: "maria".parse().unwrap(),
        reason: "complaints".to_owned(),
    };
    let started = story.tell(
        2,
        Event::RollbackStarted {
            epoch: Epoch(8),
            cause,
        },
    );
    assert!(letter(&started).text.contains("Phases:      ⏳ Rollback\n"));
    assert!(
        letter(&started)
            .text
            .contains("Traffic:     as it was when this began\n")
    );
    let returned = story.tell(12, Event::TrafficReturned { quiesced_at: at(90) });
    assert_eq!(
        letter(&returned).subject,
        "web/production: all traffic is back on stable, 10 s after the stop"
    );
}

#[test]
fn a_requirement_that_was_set_aside_draws_attention() {
    let mut story = Story::new();
    let aside = Override {
        what: "alarm:a".to_owned(),
        by: "tom".parse().unwrap(),
        reason: "known flake".to_owned(),
    };
    let event = Event::DeploymentRequested {
        revision: story.deployment.revision.clone(),
        origin: Origin::Push {
            event_id: "e".to_owned(),
        },
        epoch: Epoch(7),
        overrides: vec![aside],
    };
    let messages = story.tell(0, event);
    assert_eq!(letter(&messages).severity, Severity::Attention);
    assert!(
        letter(&messages)
            .text
            .contains("Set aside:   alarm:a by tom (known flake)")
    );
}

#[test]
fn an_unread_weight_is_not_told_as_a_fact() {
    let mut story = Story::at_25();
    story.tell(
        1700,
        Event::WeightDecided {
            step: 2,
            weight: Weight::FULL,
            healthy: 10,
            needed: 10,
        },
    );
    let stop = story.tell(1701, Event::AbortRequested { cause: alarm("") });
    assert!(
        letter(&stop)
            .text
            .contains("25 % to the candidate when last read; 100 % was asked for since")
    );
}

#[test]
fn a_first_deployment_promises_no_way_back() {
    let mut story = Story::new();
    story.tell(
        1,
        Event::Planned {
            plan: Plan {
                stable: None,
                ..plan()
            }
            .into(),
        },
    );
    story.tell(
        2,
        Event::WeightDecided {
            step: 0,
            weight: Weight::FULL,
            healthy: 1,
            needed: 1,
        },
    );
    story.tell(
        3,
        Event::WeightReached {
            step: 0,
            weight: Weight::FULL,
        },
    );
    let stop = story.tell(4, Event::AbortRequested { cause: alarm("") });
    assert!(
        letter(&stop)
            .text
            .contains("100 % to the candidate, there is no stable revision")
    );
    assert!(letter(&stop).text.contains("a person will have to act"));
}

#[test]
fn systems_hear_of_execution_validation_and_every_end() {
    let mut story = Story::at_25();
    let done = story.tell(2000, Event::ShiftDone);
    assert_eq!(done.len(), 1, "nobody is written to");
    let id = "web-production-7/9";
    assert_eq!(
        bus(&done)[0].detail,
        json!({
            "deployment": "web-production-7",
            "service": "web",
            "environment": "production",
            "digest": format!("sha256:{}", "3f".repeat(32)),
            "tag": "1.4.2",
            "reason": "web:1.4.2 has all the traffic",
            "at": "2026-11-20T09:33:20Z",
            "messageId": id,
        })
    );
    assert_eq!(done[0].id().as_str(), id);
    let ready = story.tell(
        2001,
        Event::PhaseEntered {
            phase: Phase::Validate,
        },
    );
    assert_eq!(bus(&ready)[0].detail_type.as_str(), "Ready for validation");
    assert_eq!(
        story.tell(
            2002,
            Event::PhaseEntered {
                phase: Phase::Complete
            }
        ),
        []
    );
    for (state, words) in [
        (ExitState::Completed, "Deployment Completed"),
        (ExitState::Blocked, "Deployment Blocked"),
        (ExitState::Aborted, "Deployment Aborted"),
        (ExitState::RolledBack, "Deployment Rolled Back"),
        (ExitState::RollbackFailed, "Deployment Rollback Failed"),
    ] {
        let messages = Story::at_25().tell(3000, exited(state, 3000, "because", None));
        assert_eq!(messages.len(), 2, "people and systems");
        assert_eq!(bus(&messages)[0].detail_type.as_str(), words);
        assert_eq!(
            serde_json::to_value(bus(&messages)[0].detail_type).unwrap(),
            words
        );
        assert_eq!(letter(&messages).attributes["exitState"], state.as_str());
    }
}

#[test]
fn the_slack_payload_is_what_a_webhook_takes() {
    let mut story = Story::new();
    let messages = story.tell(1, exited(ExitState::Aborted, 1, "<!channel> & co", Some("none")));
    let text = |text: &str| json!({ "type": "mrkdwn", "text": text, "verbatim": true });
    let section = |body: &str| json!({ "type": "section", "text": text(body) });
    let expected = json!({
        "text": "web in production: web:1.4.2 was aborted before it took traffic",
        "blocks": [
            { "type": "header", "text":
                { "type": "plain_text", "text": "web in production: web:1.4.2", "emoji": false } },
            section("⚠️ *web:1.4.2 was aborted before it took traffic*"),
            { "type": "section", "fields": [
                text("*Severity*\nnone: no customer had to do with it"),
                text("*Version*\nweb:1.4.2"),
                text("*Started by*\nmaria"),
                text("*Traffic*\n0 % to the candidate, 100 % to stable"),
                text("*Took*\n1 s"),
            ]},
            section("❌ Plan  · Prepare  · Shift  · Validate  · Complete"),
            section("*Why:* &lt;!channel&gt; &amp; co"),
            section("*Next:* none"),
            { "type": "context", "elements": [
                text("deployment web-production-7"),
                text("image 3f3f3f3f3f3f"),
                text("<https://dash.example/d/web?a=1&amp;b=2|dashboard>"),
            ]},
        ],
    });
    assert_eq!(letter(&messages).slack, expected);
}

#[test]
fn the_event_attribute_is_the_journal_s_own_word() {
    let story = Story::rolling_back();
    for entry in &story.entries {
        for message in compose(&story.deployment, entry) {
            let Message::People(letter) = message else {
                continue;
            };
            let word = serde_json::to_value(&entry.event).unwrap()["event"].clone();
            assert_eq!(letter.attributes["event"], word.as_str().unwrap());
            assert!(letter.attributes.values().all(|value| !value.is_empty()));
        }
    }
}

#[test]
fn the_same_entry_gives_the_same_message() {
    let story = Story::rolling_back();
    for entry in &story.entries {
        assert_eq!(
            compose(&story.deployment, entry),
            compose(&story.deployment, entry)
        );
    }
}

#[test]
fn a_timeline_reads_like_a_story() {
    let mut story = Story::at_gate();
    story.tell(22, Event::ScalingStarted { step: 0, tasks: 1 });
    story.tell(
        24,
        Event::Waiting {
            reason: "0 of 1 candidate tasks are healthy".to_owned(),
        },
    );
    for (seconds, step, weight) in [(100, 0, 5), (750, 1, 25)] {
        story.rise(seconds, step, weight);
        let check = |verdict| Check {
            verdict,
            measurements: Vec::new(),
            reason: "error_rate is 0.02 %, asked at most 1 %".to_owned(),
            condition_breached: None,
            from: at(seconds),
            until: at(seconds + 60),
        };
        for passed in 1..4 {
            let (failed, inconclusive) = (0, 0);
            let check = check(Verdict::Pass);
            story.tell(
                seconds + 120,
                Event::Checked {
                    check,
                    passed,
                    failed,
                    inconclusive,
                },
            );
            story.tell(
                seconds + 120,
                Event::Waiting {
                    reason: "baking".to_owned(),
                },
            );
        }
    }
    story.tell(870, Event::ScalingStarted { step: 2, tasks: 10 });
    story.tell(
        871,
        Event::Waiting {
            reason: "freeze until noon: \u{1b}[2Jparty".to_owned(),
        },
    );
    story.tell(
        4471,
        Event::AbortRequested {
            cause: alarm("above 1"),
        },
    );
    story.tell(
        4472,
        Event::RollbackStarted {
            epoch: Epoch(8),
            cause: alarm("above 1"),
        },
    );
    story.tell(
        4480,
        Event::TrafficReturned {
            quiesced_at: at(4560),
        },
    );
    story.tell(4560, Event::TrafficReasserted);
    story.tell(
        90_000,
        exited(
            ExitState::RolledBack,
            90_000,
            &"very long reason ".repeat(20),
            None,
        ),
    );
    assert_snapshot!(timeline::lines(start(), &story.entries).join("\n"));
}

#[test]
fn bars_are_empty_and_full_only_at_the_ends() {
    let bar = |percent| {
        let weight = Weight::new(percent).unwrap();
        let mut story = Story::at_gate();
        story.tell(60, Event::WeightReached { step: 0, weight });
        timeline::line(start(), story.entries.last().unwrap()).unwrap()
    };
    let filled = |percent| bar(percent).matches('█').count();
    assert_eq!(
        bar(25),
        "+00:01:00   25 %  ███░░░░░░░  the candidate has 25 % of the traffic"
    );
    assert_eq!([0, 1, 50, 99, 100].map(filled), [0, 1, 5, 9, 10]);
}

/// What Slack and SNS refuse; `mark` is foreign text that must not survive unescaped.
fn check_limits(letter: &Letter) -> Result<(), TestCaseError> {
    prop_assert!(letter.subject.len() < 100 && letter.subject.chars().all(|c| (' '..='~').contains(&c)));
    prop_assert!(letter.text.len() < 100_000);
    prop_assert!(letter.text.chars().all(|c| c == '\n' || !c.is_control()));
    for (name, value) in &letter.attributes {
        prop_assert!(!name.is_empty() && !value.is_empty());
    }
    let blocks = letter.slack["blocks"].as_array().unwrap();
    prop_assert!(blocks.len() <= 50);
    check_text(letter.slack["text"].as_str().unwrap(), 3000)?;
    for block in blocks {
        let (max, many) = match block["type"].as_str().unwrap() {
            "header" => (150, 0),
            "section" if block["fields"].is_array() => (2000, block["fields"].as_array().unwrap().len()),
            "section" => (3000, 0),
            "context" => (3000, block["elements"].as_array().unwrap().len()),
            other => return Err(TestCaseError::fail(format!("a block of type {other}"))),
        };
        prop_assert!(many <= 10);
        for text in texts(block) {
            check_text(text, max)?;
        }
    }
    Ok(())
}

fn check_text(text: &str, max: usize) -> Result<(), TestCaseError> {
    prop_assert!(!text.is_empty());
    prop_assert!(
        text.encode_utf16().count() <= max,
        "{} of {max}: {text}",
        text.len()
    );
    // The one link that is ours.
    let foreign = text.replace("<https://dash.example/d/web?a=1&amp;b=2|dashboard>", "");
    prop_assert!(!foreign.contains(['<', '>']), "{text}");
    let bare = foreign
        .replace("&amp;", "")
        .replace("&lt;", "")
        .replace("&gt;", "");
    prop_assert!(!bare.contains('&'), "{text}");
    Ok(())
}

/// Text as an attacker or a stack trace writes it.
fn foreign() -> impl Strategy<Value = String> {
    let nasty = prop_oneof![
        Just("<!channel>".to_owned()),
        Just("&amp;<@U123|x>\r\n> *bold* `code`".to_owned()),
        Just("\u{202e}\u{1b}]0;x\u{7}\u{0}".to_owned()),
        Just("🚨é漢".to_owned()),
        any::<String>(),
    ];
    (proptest::collection::vec(nasty, 0..6), 1_usize..400)
        .prop_map(|(parts, times)| parts.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_limits_or_escapes(text in foreign(), tag in foreign()) {
        let person = "a<b>&c".parse().unwrap();
        let mut story = Story::with(Kind::Forward, Origin::Person { person }, &tag);
        story.tell(1, Event::Planned { plan: plan().into() });
        story.tell(95, Event::WeightDecided { step: 0, weight: Weight::FULL, healthy: 1, needed: 1 });
        let cause = AbortCause::AlarmRaised { alarm: text.clone(), raised_at: None, reason: text.clone() };
        for event in [
            gate_opened(),
            Event::WeightReached { step: 0, weight: Weight::FULL },
            Event::AbortRequested { cause: cause.clone() },
            Event::RollbackStarted { epoch: Epoch(8), cause },
            Event::TrafficReturned { quiesced_at: at(200) },
            exited(ExitState::RolledBack, 300, &text, Some(&text)),
        ] {
            check_limits(letter(&story.tell(100, event)))?;
        }
        for line in timeline::lines(start(), &story.entries) {
            prop_assert!(line.chars().count() <= 140 && !line.chars().any(char::is_control), "{line}");
        }
    }
}
