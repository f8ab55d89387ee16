#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::exit::ExitState;
use crate::testing::{CANARY, at, checked, plan, request, spec, suite, weight};

const REASON: &str = "error_rate 0.2 %";

fn requested_by(origin: Origin, tag: Option<&str>) -> Event {
    let revision = Revision {
        tag: tag.map(str::to_owned),
        ..request(CANARY).revision
    };
    Event::DeploymentRequested {
        revision,
        origin,
        epoch: Epoch(7),
        overrides: Vec::new(),
    }
}

fn pushed() -> Origin {
    Origin::Push {
        event_id: "event-7".to_owned(),
    }
}

fn maria() -> Origin {
    Origin::Person {
        person: "maria".parse().unwrap(),
    }
}

#[track_caller]
fn reads(event: &Event, line: &str) {
    assert_eq!(event.describe(), line);
}

#[test]
fn a_request_names_the_image_and_who_asked() {
    reads(&requested_by(pushed(), Some("v2")), "image web:v2 was pushed");
    reads(&requested_by(pushed(), None), "image web@222222222222 was pushed");
    reads(&requested_by(maria(), Some("v2")), "maria asked to deploy web:v2");
}

#[test]
fn a_plan_is_told_with_its_weights_its_slot_and_its_alarms() {
    let mut plan = plan(&spec(CANARY));
    plan.alarms.push("web-production-latency".to_owned());
    let short = plan.hash.short().to_owned();
    reads(
        &Event::Planned {
            plan: plan.clone().into(),
        },
        &format!("planned: from stable to 25/100 % in the green slot, 2 alarms watched, plan {short}"),
    );
    plan.stable = None;
    reads(
        &Event::Planned { plan: plan.into() },
        &format!("planned: first deployment to 25/100 % in the green slot, 2 alarms watched, plan {short}"),
    );
}

#[test]
fn the_events_of_gates_name_the_phase_behind_them() {
    let before = GatePhase::Shift;
    let plan_hash = PlanHash::of(b"plan");
    let short = plan_hash.short().to_owned();
    let opened = Event::GateOpened {
        before,
        expires_at: "2026-11-20T10:00:00.9Z".parse().unwrap(),
        plan_hash: plan_hash.clone(),
    };
    let asked = format!("approval needed before shift until 2026-11-20T10:00:00Z for plan {short}");
    reads(&opened, &asked);
    let decision = GateDecision {
        by: "maria".parse().unwrap(),
        role: "tech-lead".parse().unwrap(),
        approve: false,
        reason: "not today".to_owned(),
        plan_hash,
        at: at(0),
    };
    reads(
        &Event::Decided { before, decision },
        "maria rejected as tech-lead: not today",
    );
    reads(&Event::GatePassed { before }, "approved: shift may begin");
}

#[test]
fn steps_are_counted_from_one() {
    reads(
        &Event::ScalingStarted { step: 0, tasks: 3 },
        "step 1: starting tasks, 3 in all",
    );
    reads(
        &Event::TestingStarted { step: 2 },
        "step 3: testing the candidate without production traffic",
    );
    let decided = Event::WeightDecided {
        step: 1,
        weight: weight(50),
        healthy: 3,
        needed: 2,
    };
    reads(
        &decided,
        "step 2: raising the candidate to 50 % (3 healthy, 2 needed)",
    );
    let reached = Event::WeightReached {
        step: 1,
        weight: weight(50),
    };
    reads(&reached, "step 2: the candidate has 50 % of the traffic");
}

#[test]
fn suites_pass_with_zero_and_fail_with_any_other_code() {
    let ended = |exit_code| Event::SuiteEnded {
        suite: suite("smoke"),
        exit_code,
        log: Vec::new(),
    };
    let started = Event::SuiteStarted {
        suite: suite("smoke"),
    };
    reads(&started, "suite smoke started");
    reads(&ended(0), "suite smoke passed");
    reads(&ended(1), "suite smoke failed with exit code 1");
    reads(&ended(-1), "suite smoke failed with exit code -1");
}

#[test]
fn a_check_begins_with_its_verdict() {
    reads(&checked(Verdict::Pass, REASON), "check Pass: error_rate 0.2 %");
    reads(&checked(Verdict::Fail, REASON), "check Fail: error_rate 0.2 %");
    reads(
        &checked(Verdict::Inconclusive, REASON),
        "check Inconclusive: error_rate 0.2 %",
    );
}

#[test]
fn the_way_forward_is_told_in_one_line_each() {
    let phase = Phase::Shift;
    reads(&Event::PhaseEntered { phase }, "phase shift begins");
    let reason = "a freeze holds".to_owned();
    reads(&Event::Waiting { reason }, "waiting: a freeze holds");
    let registered = |arn: &str| Event::TaskDefinitionRegistered { arn: arn.to_owned() };
    reads(
        &registered("arn:aws:ecs:us-east-1:1:task-definition/web:2"),
        "task definition web:2 registered",
    );
    reads(&registered("web:2"), "task definition web:2 registered");
    reads(&Event::ShiftDone, "all steps are done");
}

#[test]
fn the_way_back_is_told_in_one_line_each() {
    let cause = AbortCause::TimedOut;
    let stop = Event::AbortRequested { cause: cause.clone() };
    reads(&stop, "stop: it took longer than a deployment may");
    let epoch = Epoch(8);
    reads(
        &Event::RollbackStarted { epoch, cause },
        "rollback begins under epoch 8",
    );
    let weights = vec![100, 0];
    reads(
        &Event::ForwardActionRestored { weights },
        "listener rule set back as recorded",
    );
    let quiesced_at = at(75);
    reads(
        &Event::TrafficReturned { quiesced_at },
        "all traffic is back on stable (read back)",
    );
    reads(&Event::TrafficReasserted, "weights read again: still on stable");
    reads(&Event::CandidateScaledIn, "candidate scaled in");
}

#[test]
fn an_end_is_told_with_its_state_and_reason() {
    let exit = Exit {
        state: ExitState::RolledBack,
        at: at(0),
        reason: "alarm web-errors went to ALARM".to_owned(),
        remedy: Some("repair it".to_owned()),
    };
    reads(
        &Event::Exited { exit },
        "RolledBack: alarm web-errors went to ALARM",
    );
}

#[test]
fn events_read_back_from_json_as_they_were_written() {
    let events = [
        requested_by(pushed(), None),
        requested_by(maria(), Some("v2")),
        checked(Verdict::Fail, REASON),
        Event::Planned {
            plan: plan(&spec(CANARY)).into(),
        },
        Event::SuiteEnded {
            suite: suite("smoke"),
            exit_code: 3,
            log: Vec::new(),
        },
        Event::ShiftDone,
    ];
    for event in events {
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
    assert_eq!(
        serde_json::to_string(&Event::TrafficReasserted).unwrap(),
        r#"{"event":"trafficReasserted"}"#
    );
}

#[test]
fn a_hotfix_is_told_with_its_reason() {
    let other = Override {
        what: "quarantine".to_owned(),
        by: "maria".parse().unwrap(),
        reason: "another reason".to_owned(),
    };
    let hotfix = Override {
        what: HOTFIX.to_owned(),
        reason: "login is down".to_owned(),
        ..other.clone()
    };
    let asked = |overrides| Event::DeploymentRequested {
        revision: request(CANARY).revision,
        origin: maria(),
        epoch: Epoch(7),
        overrides,
    };
    reads(&asked(vec![other.clone()]), "maria asked to deploy web:v2");
    reads(
        &asked(vec![other, hotfix]),
        "maria asked to deploy web:v2 as a hotfix: login is down",
    );
}

#[test]
fn findings_of_security_are_told_and_so_is_that_there_are_none() {
    let checks = vec![SecurityCheck::NotPrivileged, SecurityCheck::HttpsOnly];
    let finding = |what: &str| Finding {
        check: SecurityCheck::HttpsOnly,
        what: what.to_owned(),
        remedy: "redirect it".to_owned(),
    };
    let looked = |findings| Event::SecurityChecked {
        checks: checks.clone(),
        findings,
    };
    reads(&looked(Vec::new()), "security: 2 checks passed");
    let two = vec![
        finding("listener 80 serves plain HTTP"),
        finding("listener 81 serves plain HTTP"),
    ];
    reads(
        &looked(two),
        "security: listener 80 serves plain HTTP; listener 81 serves plain HTTP",
    );
}

#[test]
fn the_end_of_a_watch_says_why_it_ended() {
    let ended = |trend, replaced_by: Option<&str>| Event::WatchEnded {
        trend,
        replaced_by: replaced_by.map(|id| id.parse().unwrap()),
    };
    reads(&ended(None, None), "watch over");
    reads(
        &ended(None, Some("web-production-8")),
        "watch over: web-production-8 came after it",
    );
    let figures = crate::watch::Figures::of(&[], at(0), at(60));
    let trend = Trend {
        before: figures.clone(),
        during: figures,
    };
    let told = format!("watch over: {}", trend.describe());
    reads(&ended(Some(trend), None), &told);
}

#[test]
fn a_try_of_an_http_test_is_told_with_its_status_and_its_time() {
    let tried = |status, problem: Option<&str>| {
        let tried = HttpTry {
            number: 2,
            of: 4,
            status,
            millis: 120,
            problem: problem.map(str::to_owned),
        };
        Event::HttpTested {
            test: "health".to_owned(),
            tried,
        }
    };
    reads(&tried(Some(200), None), "HTTP test health passed (200, 120 ms)");
    reads(
        &tried(None, Some("it was refused")),
        "HTTP test health failed, 2 of 4 (120 ms): it was refused",
    );
}
