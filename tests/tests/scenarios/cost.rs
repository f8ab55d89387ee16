//! `cost`: forecast in the plan, looked at as it runs, compared with the bill after the watch.

use tidegate_core::analysis::Verdict;
use tidegate_core::cost::CostFound;
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::Behaviour;
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const DAY: u32 = 86_400;

/// Twice the size that the service has.
const TWICE: &str = "resources: {limits: {cpu: 500m, memory: 1Gi}}\n";

/// Asks for the bill, and tells of more than a fifth more.
const BILLED: &str = "\
cost:
  maxIncrease: 20%
  explorer:
    tag: {key: service, value: web}
    monitor: arn:aws:ce::123456789012:anomalymonitor/1a2b3c
";

async fn given(scene: &Scene, more: &str) {
    scene.given(TARGET, 5, &format!("{SHORT}{more}")).await;
    scene.people().await;
}

#[test]
fn a_forecast_within_its_limits_holds_nothing_up() {
    scenario(
        "a-forecast-within-its-limits-holds-nothing-up",
        "The same tasks as before; what autoscaling may make of them is told once they run.",
        async |scene| {
            given(scene, "cost: {maxIncrease: 20%, maxMonthly: 100}\n").await;
            scene.cloud(|state| state.fleet.register_scalable("production", "web-green", 5, 12));
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let forecast = done.plan.as_ref().unwrap().cost.clone().unwrap();
            assert_eq!(forecast.before.unwrap().monthly, forecast.after.monthly);
            assert_eq!(done.cost.unwrap().verdict, Verdict::Pass);
        },
    );
}

#[test]
fn a_forecast_beyond_its_limit_is_agreed_to_first() {
    scenario(
        "a-forecast-beyond-its-limit-is-agreed-to-first",
        "Tasks of twice the size: the tech lead sees what a month will cost before anything is touched.",
        async |scene| {
            let limit = "cost: {maxIncrease: 20%, approvals: [{role: tech-lead}]}\n";
            given(scene, &format!("{TWICE}{limit}")).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let hash = scene.gate(&id).await;
            assert_eq!(scene.deployment(&id).await.revision.task_definition, None);
            scene.decide("maria", &id, true, &hash).await.unwrap();
            let done = scene.ends(&id, ExitState::Completed).await;
            // What was agreed to is no failure.
            assert_eq!(done.cost.unwrap().verdict, Verdict::Pass);
        },
    );
}

#[test]
fn a_cost_that_nobody_agrees_to_touches_nothing() {
    scenario(
        "a-cost-that-nobody-agrees-to-touches-nothing",
        "The tech lead says no.",
        async |scene| {
            let limit = "cost: {maxMonthly: 50, approvals: [{role: tech-lead}]}\n";
            given(scene, &format!("{TWICE}{limit}")).await;
            scene.push('2', Behaviour::default());
            let id = scene.started(TARGET).await;
            let hash = scene.gate(&id).await;
            scene.decide("maria", &id, false, &hash).await.unwrap();
            let done = scene.ends(&id, ExitState::Aborted).await;
            assert_eq!(done.revision.task_definition, None);
        },
    );
}

#[test]
fn a_cost_that_nobody_may_agree_to_blocks() {
    scenario(
        "a-cost-that-nobody-may-agree-to-blocks",
        "The file has a limit and names nobody who may go beyond it.",
        async |scene| {
            given(scene, &format!("{TWICE}cost: {{maxIncrease: 20%}}\n")).await;
            scene.push('2', Behaviour::default());
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

/// Somebody makes twelve tasks of the five while they bake.
async fn scaled_by_hand(scene: &Scene, section: &str) -> Deployment {
    let file = SHORT.replace("weight: 100\n", "weight: 100\n      pause: 2m\n");
    scene.given(TARGET, 5, &format!("{file}{section}")).await;
    scene.push('2', Behaviour::default());
    let id = scene.started(TARGET).await;
    scene.at_weight(&id, 100).await;
    aws_sdk_ecs::Client::new(&scene.stage.cloud.sdk_config())
        .update_service()
        .cluster("production")
        .service("web-green")
        .desired_count(12)
        .send()
        .await
        .unwrap();
    scene.ended(&id).await
}

#[test]
fn tasks_that_cost_more_than_they_may_take_it_back() {
    scenario(
        "tasks-that-cost-more-than-they-may-take-it-back",
        "More than was forecast and more than the limit, and the file asks for a rollback.",
        async |scene| {
            let done = scaled_by_hand(scene, "cost: {maxIncrease: 20%, onExcess: rollback}\n").await;
            assert_eq!(done.exit.unwrap().state, ExitState::RolledBack);
            assert_eq!(done.cost.unwrap().verdict, Verdict::Fail);
        },
    );
}

#[test]
fn tasks_that_cost_more_than_they_may_are_told() {
    scenario(
        "tasks-that-cost-more-than-they-may-are-told",
        "The same, where the file does not ask for a rollback: people hear of it, and it completes.",
        async |scene| {
            let done = scaled_by_hand(scene, "cost: {maxIncrease: 20%}\n").await;
            assert_eq!(done.exit.unwrap().state, ExitState::Completed);
        },
    );
}

#[test]
fn a_function_that_dies_while_it_looks_at_the_cost_looks_again() {
    scenario(
        "a-function-that-dies-while-it-looks-at-the-cost-looks-again",
        "Validate dies after it has read autoscaling; the cost is on record once.",
        async |scene| {
            given(scene, "cost: {maxIncrease: 20%}\n").await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("validate", "DescribeScalableTargets", CallFate::KillAfter));
            });
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            let journal = scene.stage.journal(&done.id).await;
            let checks = journal.iter();
            let checks = checks.filter(|entry| matches!(entry.event, Event::CostChecked { .. }));
            assert_eq!(checks.count(), 1);
        },
    );
}

#[test]
fn an_alarm_takes_back_what_was_forecast() {
    scenario(
        "an-alarm-takes-back-what-was-forecast",
        "It goes back before it runs in full: what runs is not priced, and the bill is not asked.",
        async |scene| {
            given(scene, &format!("watch: {{for: 1h}}\n{BILLED}")).await;
            scene.push('2', Behaviour::failing(20.0, 20));
            let done = scene.runs(TARGET, ExitState::RolledBack).await;
            assert_eq!(done.cost, None);
            scene.wait(4000).await;
            assert_eq!(scene.cloud(|state| state.fleet.bill.requests), 0);
        },
    );
}

/// A completed deployment whose bill is asked for, after ten dollars a day and with so many since.
async fn billed(scene: &Scene, watch: &str, since: i64) -> DeploymentId {
    given(scene, &format!("watch: {{for: {watch}}}\n{BILLED}")).await;
    scene.cloud(|state| {
        state.fleet.bill_daily(-30, 10);
        state.fleet.bill_daily(0, since);
    });
    scene.push('2', Behaviour::default());
    scene.runs(TARGET, ExitState::Completed).await.id
}

/// Days in which nothing happens, and the sweep need not look.
async fn days_pass(scene: &Scene, days: u32) {
    scene.cloud(|state| state.rest_sweep(days * DAY));
    scene.stage.wait(u64::from(days * DAY) + 300).await;
}

/// What was found, in order, and how many requests that took.
async fn compared(scene: &Scene, id: &DeploymentId) -> (Vec<CostFound>, u32) {
    let journal = scene.stage.journal(id).await;
    let found = journal.iter().filter_map(|entry| match &entry.event {
        Event::CostCompared { compared } => Some(compared.found.clone()),
        _ => None,
    });
    (found.collect(), scene.cloud(|state| state.fleet.bill.requests))
}

#[test]
fn what_it_costs_by_the_bill_is_told_once_it_is_known() {
    scenario(
        "what-it-costs-by-the-bill-is-told-once-it-is-known",
        "At the end of the watch no whole day is known, which is said as such; once one is, it is compared.",
        async |scene| {
            let id = billed(scene, "1h", 11).await;
            scene.stage.wait(4000).await;
            let (found, requests) = compared(scene, &id).await;
            assert!(matches!(
                found.as_slice(),
                [CostFound::NoData {
                    again_at: Some(_),
                    ..
                }]
            ));
            // Anomalies alone: it is known that no day is known.
            assert_eq!(requests, 1);
            days_pass(scene, 3).await;
            let (found, requests) = compared(scene, &id).await;
            assert!(matches!(
                found.as_slice(),
                [_, CostFound::Days { beyond: None, .. }]
            ));
            assert_eq!(requests, 3);
        },
    );
}

#[test]
fn a_bill_beyond_the_limit_is_told_and_takes_nothing_back() {
    scenario(
        "a-bill-beyond-the-limit-is-told-and-takes-nothing-back",
        "Watched for four days, at whose end two whole ones are known: half as much again, and an anomaly of it. The \
         sweep dies after it has asked, and the next one asks again and tells it once.",
        async |scene| {
            let id = billed(scene, "4d", 15).await;
            scene.cloud(|state| {
                state.fleet.find_anomaly("Amazon Elastic Container Service", 12.4);
                let next = &mut state.faults.numbered.next;
                next.push(("sweep", "GetCostAndUsage", CallFate::KillAfter));
            });
            days_pass(scene, 4).await;
            let (found, requests) = compared(scene, &id).await;
            assert!(matches!(
                found.as_slice(),
                [CostFound::Days { beyond: Some(_), .. }]
            ));
            assert_eq!(requests, 3);
            let now = scene.deployment(&id).await;
            assert_eq!(now.exit.unwrap().state, ExitState::Completed);
        },
    );
}

#[test]
fn a_bill_without_the_tag_is_no_bill_of_nothing() {
    scenario(
        "a-bill-without-the-tag-is-no-bill-of-nothing",
        "Nobody has activated the tag: that nothing is known is told, four times asked, and never as no increase.",
        async |scene| {
            scene.cloud(|state| state.fleet.bill.tag.1 = "other".to_owned());
            let id = billed(scene, "4d", 15).await;
            days_pass(scene, 4).await;
            for _ in 0..4 {
                days_pass(scene, 1).await;
            }
            let (found, requests) = compared(scene, &id).await;
            assert_eq!((found.len(), requests), (4, 8));
            assert!(found.iter().all(|one| matches!(one, CostFound::NoData { .. })));
        },
    );
}

#[test]
fn a_bill_of_two_deployments_is_not_compared() {
    scenario(
        "a-bill-of-two-deployments-is-not-compared",
        "The next deployment comes before a whole day is known: the days after are its own.",
        async |scene| {
            let id = billed(scene, "1h", 15).await;
            scene.stage.wait(4000).await;
            scene.push('3', Behaviour::default());
            scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(120).await;
            let (found, _) = compared(scene, &id).await;
            assert!(matches!(
                found.as_slice(),
                [CostFound::NoData { .. }, CostFound::Replaced { .. }]
            ));
        },
    );
}
