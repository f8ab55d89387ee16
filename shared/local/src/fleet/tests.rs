//! The fleet's rules, in sentences.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::alarms::{Conclusion, conclude};
use super::rollout::failure_threshold;
use super::*;

const STABLE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const NEXT: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn start() -> Timestamp {
    "2026-01-05T10:00:00Z".parse().unwrap()
}

fn spec(slots: bool) -> GoldenSpec<'static> {
    GoldenSpec {
        service: "web",
        environment: "production",
        replicas: 4,
        repository: "web",
        image_digest: Some(STABLE),
        with_load_balancer: true,
        slots,
    }
}

fn fleet(slots: bool) -> (Fleet, GoldenService) {
    let mut fleet = Fleet::new(7, "eu-west-1", "123456789012");
    fleet.advance(start());
    let made = fleet.create_golden_service(&spec(slots));
    (fleet, made)
}

fn pass(fleet: &mut Fleet, seconds: i64) -> Vec<FleetEvent> {
    let to = after(fleet.now(), seconds);
    fleet.advance(to)
}

/// Registers a revision with another image and lets a service go to it.
fn deploy(fleet: &mut Fleet, service: &str, digest: &str, desired: u32) -> String {
    let mut body = fleet.task_definition("web-production").unwrap().body.clone();
    let image = format!("{}/web@{digest}", fleet.registry());
    body["containerDefinitions"][0]["image"] = image.into();
    let arn = fleet.register_task_definition("web-production", body);
    let key = service_key("production", service);
    fleet.services.get_mut(&key).unwrap().desired = desired;
    fleet.new_deployment(&key, &arn);
    fleet.settle();
    arn
}

fn weigh(fleet: &mut Fleet, made: &GoldenService, blue: u16, green: u16) {
    let targets = made.target_groups.iter().zip([blue, green]);
    let targets = targets
        .map(|(arn, weight)| Forward {
            target_group: arn.clone(),
            weight,
            carry: 0.0,
        })
        .collect();
    let action = RuleAction::Forward {
        targets,
        sticky: false,
        sticky_seconds: None,
    };
    fleet.set_rule_action(made.rule.as_ref().unwrap(), action);
}

/// A candidate of a behaviour, healthy in the green slot.
fn with_candidate(behaviour: Behaviour) -> (Fleet, GoldenService) {
    let (mut fleet, made) = fleet(true);
    fleet.store_image("web", "v2", Some(NEXT), behaviour);
    deploy(&mut fleet, "web-green", NEXT, 4);
    pass(&mut fleet, 120);
    assert_eq!(fleet.serving_tasks("production", "web-green"), 4);
    (fleet, made)
}

fn alarm_value(fleet: &Fleet, name: &str) -> AlarmValue {
    fleet.alarm(name).unwrap().state.value
}

fn read(fleet: &Fleet, group: &str, name: &str, stat: Stat, minutes: usize) -> Vec<Option<f64>> {
    let balancer = fleet.load_balancers.values().next().unwrap();
    let stat = MetricStat {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: name.to_owned(),
        dimensions: Dimensions::from([
            ("LoadBalancer".to_owned(), balancer.dimension.clone()),
            (
                "TargetGroup".to_owned(),
                fleet.target_groups[group].dimension.clone(),
            ),
        ]),
        period_seconds: 60,
        stat,
        unit: None,
    };
    let end = fleet.settings.visible_until(fleet.now());
    let count = i64::try_from(minutes).unwrap();
    fleet.metrics.read(
        &stat,
        &PeriodWindow {
            first: end - 60 * count,
            count: minutes,
            period_seconds: 60,
            visible_until: end,
        },
    )
}

#[test]
fn a_golden_service_is_steady_from_the_start() {
    let (mut fleet, made) = fleet(true);
    assert_eq!(fleet.serving_tasks("production", "web-blue"), 4);
    assert_eq!(fleet.serving_tasks("production", "web-green"), 0);
    assert_eq!(made.alarms.len(), 4);
    assert!(
        made.alarms
            .contains(&"web-production-green-error-rate".to_owned())
    );
    let events = pass(&mut fleet, 1_800);
    assert_eq!(events, []);
    assert!(
        made.alarms
            .iter()
            .all(|name| alarm_value(&fleet, name) == AlarmValue::Ok)
    );
}

#[test]
fn tasks_start_in_about_twenty_seconds_and_are_healthy_two_checks_later() {
    let (mut fleet, _) = fleet(true);
    fleet.store_image("web", "v2", Some(NEXT), Behaviour::default());
    deploy(&mut fleet, "web-green", NEXT, 3);
    let running = |fleet: &Fleet| {
        fleet
            .tasks_of_service("production/web-green")
            .filter(|task| task.status == TaskStatus::Running)
            .count()
    };
    pass(&mut fleet, 15);
    assert_eq!(running(&fleet), 0);
    pass(&mut fleet, 10);
    assert_eq!(running(&fleet), 3);
    assert_eq!(fleet.serving_tasks("production", "web-green"), 0);
    pass(&mut fleet, 22);
    assert_eq!(fleet.serving_tasks("production", "web-green"), 3);
    let service = fleet.ecs_service("production", "web-green").unwrap();
    assert_eq!(service.primary().unwrap().rollout, RolloutState::Completed);
    assert!(service.events[0].message.contains("steady state"));
}

#[test]
fn a_service_scales_in_after_its_targets_drained() {
    let (mut fleet, made) = fleet(true);
    fleet.services.get_mut("production/web-blue").unwrap().desired = 1;
    fleet.dirty = true;
    fleet.settle();
    let group = &made.target_groups[0];
    assert_eq!(fleet.target_groups[group].count(TargetState::Draining), 3);
    assert_eq!(fleet.target_groups[group].healthy_count(), 1);
    pass(&mut fleet, 31);
    assert_eq!(fleet.target_groups[group].targets.len(), 1);
    assert_eq!(fleet.tasks_of_service("production/web-blue").count(), 1);
}

#[test]
fn a_rolling_deployment_never_falls_below_its_healthy_minimum() {
    let (mut fleet, _) = fleet(false);
    fleet.store_image("web", "v2", Some(NEXT), Behaviour::default());
    let arn = deploy(&mut fleet, "web", NEXT, 4);
    for _ in 0..30 {
        pass(&mut fleet, 5);
        assert!(fleet.serving_tasks("production", "web") >= 4);
        assert!(
            fleet
                .tasks_of_service("production/web")
                .filter(|task| task.is_wanted())
                .count()
                <= 8
        );
    }
    let service = fleet.ecs_service("production", "web").unwrap();
    assert_eq!(service.deployments.len(), 1);
    assert_eq!(service.primary().unwrap().rollout, RolloutState::Completed);
    assert!(
        fleet
            .tasks_of_service("production/web")
            .all(|task| task.task_definition == arn)
    );
}

#[test]
fn a_full_service_makes_room_within_its_minimum() {
    let (mut fleet, _) = fleet(false);
    fleet.store_image("web", "v2", Some(NEXT), Behaviour::default());
    fleet.services.get_mut("production/web").unwrap().configuration = DeploymentConfiguration {
        maximum_percent: 100,
        minimum_healthy_percent: 50,
        breaker: false,
        breaker_rollback: false,
    };
    deploy(&mut fleet, "web", NEXT, 4);
    let mut least = 4;
    for _ in 0..60 {
        pass(&mut fleet, 5);
        least = least.min(fleet.serving_tasks("production", "web"));
    }
    assert_eq!(least, 2);
    let service = fleet.ecs_service("production", "web").unwrap();
    assert_eq!(service.primary().unwrap().rollout, RolloutState::Completed);
}

#[test]
fn an_unknown_image_can_not_be_pulled() {
    let (mut fleet, _) = fleet(true);
    deploy(&mut fleet, "web-green", NEXT, 1);
    pass(&mut fleet, 20);
    let task = fleet
        .tasks()
        .find(|task| task.service.as_deref() == Some("production/web-green"))
        .unwrap();
    let stop = task.stop.as_ref().unwrap();
    assert_eq!(stop.code, StopCode::TaskFailedToStart);
    assert!(stop.reason.starts_with("CannotPullContainerError"));
    assert_eq!(task.started_at, None);
}

#[test]
fn the_circuit_breaker_goes_back_to_what_worked() {
    for start in [Start::Crash, Start::NeverHealthy] {
        let (mut fleet, _) = fleet(false);
        let before = fleet
            .ecs_service("production", "web")
            .unwrap()
            .task_definition()
            .to_owned();
        fleet.store_image("web", "v2", Some(NEXT), Behaviour::starting(start));
        let bad = deploy(&mut fleet, "web", NEXT, 4);
        pass(&mut fleet, 900);
        let service = fleet.ecs_service("production", "web").unwrap();
        assert_eq!(service.task_definition(), before, "{start:?}");
        assert_ne!(service.task_definition(), bad);
        assert_eq!(service.primary().unwrap().rollout, RolloutState::Completed);
        assert!(
            service
                .events
                .iter()
                .any(|event| event.message.contains("deployment failed"))
        );
        assert_eq!(fleet.serving_tasks("production", "web"), 4);
    }
}

#[test]
fn without_rollback_the_failed_deployment_stays_and_starts_nothing_more() {
    let (mut fleet, _) = fleet(true);
    fleet.store_image("web", "v2", Some(NEXT), Behaviour::starting(Start::Crash));
    let key = "production/web-green";
    let service = fleet.services.get_mut(key).unwrap();
    service.configuration.breaker_rollback = false;
    deploy(&mut fleet, "web-green", NEXT, 2);
    pass(&mut fleet, 600);
    let primary = fleet.services[key].primary().unwrap().clone();
    assert_eq!(primary.rollout, RolloutState::Failed);
    assert!(primary.failed_tasks >= 3);
    assert_eq!(fleet.tasks_of_service(key).count(), 0);
}

#[test]
fn the_failure_threshold_is_half_of_the_desired_count_within_bounds() {
    assert_eq!(
        [0, 1, 6, 7, 25, 400, 5_000].map(failure_threshold),
        [3, 3, 3, 4, 13, 200, 200]
    );
}

#[test]
fn a_slow_version_is_given_its_grace_period() {
    let (mut fleet, _) = fleet(true);
    fleet.store_image(
        "web",
        "v2",
        Some(NEXT),
        Behaviour::starting(Start::Slow { seconds: 30 }),
    );
    deploy(&mut fleet, "web-green", NEXT, 1);
    pass(&mut fleet, 90);
    assert_eq!(fleet.serving_tasks("production", "web-green"), 1);
    assert_eq!(
        fleet.services["production/web-green"]
            .primary()
            .unwrap()
            .failed_tasks,
        0
    );

    fleet.set_behaviour("web", NEXT, Behaviour::starting(Start::Slow { seconds: 300 }));
    deploy(&mut fleet, "web-green", NEXT, 1);
    pass(&mut fleet, 120);
    assert!(
        fleet.services["production/web-green"]
            .primary()
            .unwrap()
            .failed_tasks
            > 0
    );
}

#[test]
fn traffic_follows_the_weights_exactly() {
    let (mut fleet, made) = with_candidate(Behaviour::default());
    weigh(&mut fleet, &made, 95, 5);
    // 10:02:00 plus five minutes, and until the metrics are visible.
    pass(&mut fleet, 330);
    let [blue, green] =
        [0, 1].map(|index: usize| read(&fleet, &made.target_groups[index], "RequestCount", Stat::Sum, 4));
    assert_eq!(blue, vec![Some(2_850.0); 4]);
    assert_eq!(green, vec![Some(150.0); 4]);
    let last = fleet.weights_log.last().unwrap();
    assert_eq!((last.blue, last.green), (95, 5));
}

#[test]
fn a_minute_without_requests_or_errors_has_no_datapoint() {
    let (mut fleet, made) = with_candidate(Behaviour::default());
    pass(&mut fleet, 300);
    let read =
        |group: usize, name| super::tests::read(&fleet, &made.target_groups[group], name, Stat::Sum, 3);
    assert_eq!(read(1, "RequestCount"), vec![None; 3]);
    assert_eq!(read(0, "HTTPCode_Target_5XX_Count"), vec![None; 3]);
    assert!(read(0, "HTTPCode_Target_2XX_Count").iter().all(Option::is_some));
    assert!(read(1, "HealthyHostCount").iter().all(Option::is_some));
}

#[test]
fn requests_without_a_healthy_target_are_refused_by_the_load_balancer() {
    let (mut fleet, made) = fleet(true);
    weigh(&mut fleet, &made, 50, 50);
    pass(&mut fleet, 120);
    let balancer = fleet.load_balancers.values().next().unwrap();
    let stat = MetricStat {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: "HTTPCode_ELB_5XX_Count".to_owned(),
        dimensions: Dimensions::from([("LoadBalancer".to_owned(), balancer.dimension.clone())]),
        period_seconds: 60,
        stat: Stat::Sum,
        unit: None,
    };
    let window = PeriodWindow {
        first: start().as_second(),
        count: 1,
        period_seconds: 60,
        visible_until: fleet.settings.visible_until(fleet.now()),
    };
    assert_eq!(fleet.metrics.read(&stat, &window), [Some(1_500.0)]);
}

#[test]
fn an_alarm_rises_within_two_minutes_of_errors_and_falls_after_them() {
    let (mut fleet, made) = with_candidate(Behaviour::failing(5.0, 25));
    let alarm = "web-production-green-error-rate";
    weigh(&mut fleet, &made, 95, 5);
    assert_eq!(pass(&mut fleet, 600), []);
    weigh(&mut fleet, &made, 75, 25);
    let events = pass(&mut fleet, 120);
    let [event] = events.as_slice() else {
        unreachable!("one alarm expected, not {events:?}");
    };
    let json = event.to_eventbridge();
    assert_eq!(json["detail"]["alarmName"], alarm);
    assert_eq!(json["detail"]["state"]["value"], "ALARM");
    assert_eq!(json["detail"]["previousState"]["value"], "OK");
    assert_eq!(json["source"], "aws.cloudwatch");
    assert_eq!(json["detail-type"], "CloudWatch Alarm State Change");
    assert_eq!(
        json["resources"][0],
        format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{alarm}")
    );
    assert_eq!(
        json["detail"]["configuration"]["metrics"][1]["metricStat"]["stat"],
        "Sum"
    );
    weigh(&mut fleet, &made, 100, 0);
    pass(&mut fleet, 300);
    assert_eq!(alarm_value(&fleet, alarm), AlarmValue::Ok);
    assert_eq!(
        alarm_value(&fleet, "web-production-blue-error-rate"),
        AlarmValue::Ok
    );
}

#[test]
fn latency_above_the_threshold_raises_its_alarm() {
    let slow = Behaviour {
        latency_p99_ms: 2_500.0,
        ..Behaviour::default()
    };
    let (mut fleet, made) = with_candidate(slow);
    weigh(&mut fleet, &made, 50, 50);
    pass(&mut fleet, 150);
    assert_eq!(
        alarm_value(&fleet, "web-production-green-latency-p99"),
        AlarmValue::Alarm
    );
    assert_eq!(
        alarm_value(&fleet, "web-production-green-error-rate"),
        AlarmValue::Ok
    );
    let p99 = read(
        &fleet,
        &made.target_groups[1],
        "TargetResponseTime",
        Stat::Percentile(99.0),
        1,
    );
    assert!((2.4..2.6).contains(&p99[0].unwrap()));
    let average = read(
        &fleet,
        &made.target_groups[1],
        "TargetResponseTime",
        Stat::Average,
        1,
    );
    assert!(average[0].unwrap() < 1.5);
}

#[test]
fn flapping_errors_raise_and_lower_the_alarm_again_and_again() {
    let flapping = Behaviour {
        flap: Some(300),
        ..Behaviour::failing(10.0, 0)
    };
    let (mut fleet, made) = with_candidate(flapping);
    weigh(&mut fleet, &made, 50, 50);
    let events = pass(&mut fleet, 1_800);
    assert!(events.len() >= 5, "{}", events.len());
}

#[test]
fn an_outage_of_the_metrics_leaves_nothing_to_see() {
    let (mut fleet, made) = with_candidate(Behaviour::failing(50.0, 0));
    fleet.settings.metrics_missing = true;
    weigh(&mut fleet, &made, 50, 50);
    assert_eq!(pass(&mut fleet, 600), []);
    assert_eq!(
        read(&fleet, &made.target_groups[1], "RequestCount", Stat::Sum, 5),
        vec![None; 5]
    );
}

/// The tables of "How alarm state is evaluated when data is missing" in the
/// CloudWatch user guide: five periods are there, three are asked for. `X`
/// breaches, `0` does not, `-` is missing; the conclusions are for `missing`,
/// `ignore`, `breaching` and `notBreaching`.
#[test]
fn missing_data_is_treated_as_aws_documents() {
    use AlarmValue::{Alarm, InsufficientData, Ok};
    use Conclusion::{Is, Keep};
    let tables = [
        (3, "0-X-X", [Is(Ok), Is(Ok), Is(Ok), Is(Ok)]),
        (3, "----0", [Is(Ok), Is(Ok), Is(Ok), Is(Ok)]),
        (3, "-----", [Is(InsufficientData), Keep, Is(Alarm), Is(Ok)]),
        (3, "0XX-X", [Is(Alarm), Is(Alarm), Is(Alarm), Is(Alarm)]),
        (3, "--X--", [Is(Alarm), Keep, Is(Alarm), Is(Ok)]),
        (2, "0-X-X", [Is(Alarm), Is(Alarm), Is(Alarm), Is(Alarm)]),
        (2, "00X0X", [Is(Alarm), Is(Alarm), Is(Alarm), Is(Alarm)]),
        (2, "0-X--", [Is(Ok), Is(Ok), Is(Alarm), Is(Ok)]),
        (2, "----0", [Is(Ok), Is(Ok), Is(Alarm), Is(Ok)]),
        (2, "---X-", [Is(Alarm), Keep, Is(Alarm), Is(Ok)]),
    ];
    for (to_alarm, points, expected) in tables {
        let values: Vec<Option<f64>> = points
            .chars()
            .map(|point| match point {
                'X' => Some(1.0),
                '0' => Some(0.0),
                _ => None,
            })
            .collect();
        let treatments = [
            TreatMissing::Missing,
            TreatMissing::Ignore,
            TreatMissing::Breaching,
            TreatMissing::NotBreaching,
        ];
        let concluded = treatments.map(|treat| conclude(&values, 3, to_alarm, treat, |value| value > 0.5));
        assert_eq!(concluded, expected, "{to_alarm} of 3 in {points}");
    }
}

#[test]
fn an_alarm_that_was_set_by_hand_is_taken_back_by_the_next_evaluation() {
    let (mut fleet, _) = fleet(true);
    pass(&mut fleet, 60);
    let name = "web-production-blue-error-rate";
    assert!(fleet.set_alarm_state(name, AlarmValue::Alarm, "drill"));
    assert_eq!(fleet.next_event(), Some(fleet.now()));
    assert_eq!(fleet.take_events().len(), 1);
    assert_eq!(alarm_value(&fleet, name), AlarmValue::Alarm);
    let events = pass(&mut fleet, 61);
    assert_eq!(events.len(), 1);
    assert_eq!(alarm_value(&fleet, name), AlarmValue::Ok);
    assert!(!fleet.set_alarm_state("unknown", AlarmValue::Ok, "drill"));
}

#[test]
fn an_alarm_on_a_metric_that_nobody_sends_keeps_the_state_it_was_given() {
    let (mut fleet, _) = fleet(true);
    let mut alarm = fleet.alarm("web-production-blue-latency-p99").unwrap().clone();
    alarm.name = "drill".to_owned();
    alarm.subject = Subject::Single(MetricStat {
        namespace: "Drill".to_owned(),
        name: "Pulled".to_owned(),
        dimensions: Dimensions::new(),
        period_seconds: 60,
        stat: Stat::Sum,
        unit: None,
    });
    fleet.put_alarm(alarm);
    fleet.set_alarm_state("drill", AlarmValue::Alarm, "drill");
    pass(&mut fleet, 600);
    assert_eq!(alarm_value(&fleet, "drill"), AlarmValue::Alarm);
    fleet.put_metric("Drill", "Pulled", &Dimensions::new(), 0.0);
    pass(&mut fleet, 120);
    assert_eq!(alarm_value(&fleet, "drill"), AlarmValue::Ok);
}

#[test]
fn a_pushed_tag_moves_and_the_event_is_the_one_of_ecr() {
    let (mut fleet, _) = fleet(true);
    fleet.push_image("web", "v2", Some(NEXT), Behaviour::default());
    let FleetEvent::EcrPushed { digest, .. } = fleet.push_image("web", "v2", None, Behaviour::default())
    else {
        unreachable!("an image was pushed");
    };
    assert_ne!(digest, NEXT);
    assert!(digest.starts_with("sha256:") && digest.len() == 71);
    assert!(fleet.repositories["web"].images[NEXT].tags.is_empty());
    assert!(fleet.repositories["web"].images[&digest].tags.contains("v2"));
    let events = fleet.take_events();
    assert_eq!(events.len(), 2);
    let json = events[1].to_eventbridge();
    assert_eq!(json["detail-type"], "ECR Image Action");
    assert_eq!(json["source"], "aws.ecr");
    let detail = serde_json::json!({
        "action-type": "PUSH", "result": "SUCCESS", "repository-name": "web",
        "image-tag": "v2", "image-digest": digest,
    });
    assert_eq!(json["detail"], detail);
}

#[test]
fn a_restored_fleet_has_the_same_future() {
    let (mut fleet, made) = with_candidate(Behaviour::failing(3.0, 10));
    weigh(&mut fleet, &made, 80, 20);
    pass(&mut fleet, 47);
    let saved = serde_json::to_string(&fleet).unwrap();
    let mut restored: Fleet = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored, fleet);
    let [first, second] = [&mut fleet, &mut restored].map(|fleet| pass(fleet, 1_200));
    assert!(!first.is_empty());
    assert_eq!(first, second);
    assert_eq!(
        serde_json::to_string(&restored).unwrap(),
        serde_json::to_string(&fleet).unwrap()
    );
}

#[test]
fn waking_at_each_next_event_sees_the_same_alarms_as_one_long_step() {
    let (mut one, made) = with_candidate(Behaviour::failing(5.0, 0));
    weigh(&mut one, &made, 75, 25);
    let mut many = one.clone();
    let end = after(one.now(), 600);
    let states = |events: Vec<FleetEvent>| -> Vec<(Timestamp, AlarmValue)> {
        events
            .into_iter()
            .map(|event| match event {
                FleetEvent::AlarmStateChanged { at, alarm, .. } => (at, alarm.state.value),
                FleetEvent::EcrPushed { at, .. } => (at, AlarmValue::Ok),
            })
            .collect()
    };
    let mut seen = Vec::new();
    while let Some(next) = many.next_event().filter(|next| *next <= end) {
        seen.extend(many.advance(next));
    }
    assert_eq!(states(seen), states(one.advance(end)));
}

#[test]
fn a_service_without_a_load_balancer_or_image_exists_too() {
    let mut fleet = Fleet::new(1, "eu-west-1", "123456789012");
    fleet.advance(start());
    let made = fleet.create_golden_service(&GoldenSpec {
        image_digest: None,
        with_load_balancer: false,
        ..spec(true)
    });
    assert_eq!((made.rule, made.alarms), (None, Vec::new()));
    assert_eq!(fleet.tasks().count(), 0);
    fleet.store_image("web", "v1", Some(STABLE), Behaviour::default());
    deploy(&mut fleet, "web-blue", STABLE, 2);
    pass(&mut fleet, 30);
    assert_eq!(fleet.serving_tasks("production", "web-blue"), 2);
    assert_eq!(
        fleet.services["production/web-blue"].primary().unwrap().rollout,
        RolloutState::Completed
    );
}

#[test]
fn metric_math_computes_as_cloudwatch_does() {
    let value = |text: &str, e: Option<f64>, r: Option<f64>| {
        let values = BTreeMap::from([("e".to_owned(), e), ("r".to_owned(), r)]);
        Expression::parse(text).unwrap().evaluate(&values)
    };
    assert_eq!(value("100*e/r", Some(3.0), Some(60.0)), Some(5.0));
    assert_eq!(value("100*e/r", None, Some(60.0)), None);
    assert_eq!(value("100*FILL(e,0)/r", None, Some(60.0)), Some(0.0));
    assert_eq!(value("100*e/r", Some(1.0), Some(0.0)), None);
    assert_eq!(value("IF(r>0, 100*e/r, 0)", Some(1.0), Some(0.0)), Some(0.0));
    assert_eq!(
        value("IF(r>=50, 1, -(2+e)*3 - 1)", Some(1.0), Some(49.0)),
        Some(-10.0)
    );
    assert_eq!(value("8-3-2", None, None), Some(3.0));
    assert_eq!(value("1+1==2", None, None), Some(1.0));
    for bad in ["", "1+", "(e", "e)", "SUM(e)", "IF(e)", "1 2", "e $ r", "1..2"] {
        assert!(Expression::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(
        Expression::parse(&"(".repeat(500)),
        Err(ExpressionError::TooLarge)
    );
    assert_eq!(
        Expression::parse(&"1+".repeat(900)),
        Err(ExpressionError::TooLarge)
    );
}
