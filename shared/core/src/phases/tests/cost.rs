//! Cost: forecast in the plan, agreed to where it is beyond a limit, and looked at once it runs.

use std::collections::BTreeMap;

use super::*;
use crate::analysis::Verdict;
use crate::cost::{CostSeen, Money, TaskSize, TasksSeen};
use crate::deployment::Phase;
use crate::ids::{PlanHash, Slot};
use crate::observation::Question;
use crate::phases::cost::run_cost;
use crate::phases::make_plan;
use crate::spec::GatePhase;
use crate::testing::*;

/// A vCPU-hour is a dollar, memory is free.
const PRICED: &str = "cost: {prices: {vcpuHour: 1, gbHour: 0}, maxIncrease: 50%";

fn file(more: &str) -> String {
    format!("{CANARY}{PRICED}{more}}}\n")
}

fn tasks(count: u32, vcpu: u32) -> TasksSeen {
    TasksSeen {
        size: size(vcpu),
        count,
        arm: false,
        spot: false,
        elsewhere: None,
        most: None,
    }
}

const fn size(vcpu: u32) -> Option<TaskSize> {
    Some(TaskSize {
        cpu_units: 1024 * vcpu,
        memory_mib: 2048,
    })
}

fn world(deployment: &Deployment, vcpu: u32) -> Observation {
    Observation {
        cost: Some(CostSeen {
            tasks: BTreeMap::from([(Slot::Blue, tasks(4, 2)), (Slot::Green, tasks(0, 2))]),
            copied: BTreeMap::from([(Slot::Blue, size(vcpu)), (Slot::Green, size(vcpu))]),
        }),
        ..at_rest(&deployment.spec)
    }
}

fn plan_of(file: &str, vcpu: u32) -> (Deployment, Decision) {
    let mut deployment = requested(file);
    let seen = world(&deployment, vcpu);
    let decision = make_plan(&deployment, wiring(&deployment.spec), &seen, at(5));
    for event in &decision.events {
        tell(&mut deployment, 5, event.clone());
    }
    (deployment, decision)
}

#[test]
fn a_plan_says_what_it_costs_and_its_hash_covers_that() {
    let hash = |deployment: &Deployment| -> PlanHash { deployment.plan.as_ref().unwrap().hash.clone() };
    let (same, _) = plan_of(&file(""), 2);
    let forecast = same.plan.as_ref().unwrap().cost.clone().unwrap();
    assert_eq!(
        forecast.before.as_ref().unwrap().monthly,
        Money::dollars(4.0 * 2.0 * 730.0)
    );
    assert_eq!(forecast.after.monthly, Money::dollars(4.0 * 2.0 * 730.0));
    // Steps of 25 % for five minutes and 100 %, a minute each to start, then four old tasks for half an hour.
    let seconds = 360 + 4 * (60 + 1800);
    assert_eq!(
        forecast.meanwhile,
        Money::dollars(f64::from(seconds) * 2.0 / 3600.0),
        "{}",
        forecast.describe()
    );
    let (more, _) = plan_of(&file(""), 3);
    assert_ne!(hash(&same), hash(&more));
    assert_eq!(plan_of(CANARY, 2).0.plan.unwrap().cost, None);
}

#[test]
fn beyond_a_limit_people_are_asked_or_it_is_blocked() {
    let (_, decision) = plan_of(&file(""), 4);
    let Outcome::Blocked(missing) = decision.outcome else {
        panic!("{decision:?}");
    };
    assert!(
        missing[0].what.starts_with("a cost within the limits: $11680.00 a month, 100 % more than now ($5840.00), beyond the 50 % more"),
        "{}",
        missing[0].what
    );
    let gated = format!(
        "{}gates: [{{before: prepare, approvals: [{{role: product}}]}}]\n",
        file("")
    );
    assert!(plan_of(&gated, 4).0.plan.is_some());
    let asks = file(", approvals: [{role: tech-lead}], expires: 2h");
    let (within, _) = plan_of(&asks, 3);
    assert_eq!(within.gate_rule(GatePhase::Prepare), None);
    let (beyond, _) = plan_of(&asks, 4);
    let rule = beyond.gate_rule(GatePhase::Prepare).unwrap();
    assert_eq!((rule.approvals.len(), rule.expires_seconds), (1, 7200));
    assert_eq!(beyond.gate_rule(GatePhase::Shift), None);
    let (unread, decision) = {
        let mut deployment = requested(&asks);
        let seen = at_rest(&deployment.spec);
        let decision = make_plan(&deployment, wiring(&deployment.spec), &seen, at(5));
        deployment.phase = Phase::Plan;
        (deployment, decision)
    };
    assert!(unread.plan.is_none() && matches!(decision.outcome, Outcome::Blocked(_)));
}

fn running(file: &str) -> Deployment {
    let mut deployment = shifted(file, Phase::Validate);
    deployment.plan = plan_of(file, 2).0.plan;
    deployment
}

fn runs(count: u32) -> Observation {
    Observation {
        cost: Some(CostSeen {
            tasks: BTreeMap::from([(Slot::Green, tasks(count, 2))]),
            ..CostSeen::default()
        }),
        ..Observation::default()
    }
}

#[test]
fn what_runs_is_priced_once_and_only_where_the_file_says() {
    let mut deployment = running(&file(""));
    assert!(Question::of(&deployment, at(900)).cost());
    assert!(!Question::of(&shifted(CANARY, Phase::Validate), at(900)).cost());
    assert!(!Question::of(&baking(&file("")), at(900)).cost());
    assert_eq!(run_cost(&shifted(CANARY, Phase::Validate), &runs(40)), None);
    let waits = run_cost(&deployment, &Observation::default());
    assert_eq!(waits, Some(wait(1, "what runs is about to be priced")));
    let decision = run_cost(&deployment, &runs(4)).unwrap();
    let [Event::CostChecked { check }] = decision.events.as_slice() else {
        panic!("{decision:?}");
    };
    assert_eq!(check.verdict, Verdict::Pass);
    tell(&mut deployment, 900, decision.events[0].clone());
    assert_eq!(run_cost(&deployment, &runs(40)), None);
    assert!(!Question::of(&deployment, at(901)).cost());
}

#[test]
fn what_costs_more_than_it_may_goes_back_only_where_the_file_says() {
    for (more, back) in [("", false), (", onExcess: rollback", true)] {
        let mut deployment = running(&file(more));
        for event in run_cost(&deployment, &runs(7)).unwrap().events {
            tell(&mut deployment, 900, event);
        }
        let decision = run_cost(&deployment, &Observation::default());
        if !back {
            assert_eq!(decision, None);
            continue;
        }
        let Some(Outcome::Abort(AbortCause::SuiteFailed { reason })) = decision.map(|one| one.outcome) else {
            panic!("it stays");
        };
        assert!(
            reason.starts_with(
                "cost: $10220.00 a month, 75 % more than forecast, beyond the 50 % more that it may: 7 tasks"
            ),
            "{reason}"
        );
    }
}
