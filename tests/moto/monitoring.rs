//! CloudWatch once more: what Tidegate puts there itself reads back as it was put, and goes again.

use tidegate_aws::change::monitor::Clients;
use tidegate_core::change::test_alarm;
use tidegate_core::change::{AlarmDefinition, AlarmMetric, AlarmQuery, Before, Exact, Monitored, StoredText};

use super::compare::{Comparison, Side, answer};

const ALARM: &str = "web-production-blue-slow";
const BOARD: &str = "web-production";
const GROUP: &str = "/ecs/web-production";
const BODY: &str = r#"{"widgets":[{"type":"text","x":0,"y":0,"width":24,"height":2,"properties":{"markdown":"Made by Tidegate for web/production."}}]}"#;

fn clients(side: &Side) -> Clients {
    Clients {
        cloudwatch: side.cloudwatch.clone(),
        logs: side.logs.get().clone(),
    }
}

/// All of it.
pub async fn compare(both: &mut Comparison) {
    // Here every task definition has its log group by itself.
    let made = both.moto.logs.get().create_log_group().log_group_name(GROUP);
    made.send().await.unwrap();
    for (make, undo, name, wanted, before) in [
        (
            "make an alarm on a metric",
            "delete the alarm",
            ALARM,
            alarm(on_metric()),
            Before::Absent,
        ),
        (
            "make an alarm on an expression",
            "delete that alarm",
            ALARM,
            alarm(on_expression()),
            Before::Absent,
        ),
        (
            "make an alarm for a test",
            "delete the alarm of a test",
            "tidegate_test_web_production",
            alarm(test_alarm::definition(&"web/production".parse().unwrap(), None)),
            Before::Absent,
        ),
        (
            "make a dashboard",
            "delete the dashboard",
            BOARD,
            dashboard(BODY),
            Before::Absent,
        ),
        (
            "keep lines for 30 days",
            "keep lines for ever",
            GROUP,
            kept(Some(30)),
            Before::Monitored { held: kept(None) },
        ),
    ] {
        both.same(make, async |side| {
            let clients = clients(side);
            let made = answer(clients.make(name, &wanted, Some(&before)).await);
            format!("{made} {}", is(&clients, name, &wanted).await)
        })
        .await;
        let there = is(&clients(&both.local), name, &wanted).await;
        assert_eq!(there, "as wanted", "{make}");
        both.same(undo, async |side| {
            let clients = clients(side);
            let undone = answer(clients.undo(name, &wanted, Some(&before)).await);
            format!("{undone} {}", is(&clients, name, &wanted).await)
        })
        .await;
    }
}

/// Whether what is there is exactly what was wanted, else all of it.
async fn is(clients: &Clients, name: &str, wanted: &Monitored) -> String {
    match clients.read(name, wanted).await {
        Ok(Some(now)) if now == *wanted => "as wanted".to_owned(),
        other => answer(other),
    }
}

fn alarm(definition: AlarmDefinition) -> Monitored {
    Monitored::Alarm {
        alarm: Box::new(definition),
    }
}

fn dashboard(body: &str) -> Monitored {
    Monitored::Dashboard {
        body: StoredText(body.to_owned()),
    }
}

fn kept(days: Option<u32>) -> Monitored {
    Monitored::Retention { days }
}

fn metric(name: &str, statistic: &str) -> AlarmMetric {
    AlarmMetric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: name.to_owned(),
        dimensions: [
            ("LoadBalancer".to_owned(), "app/web/1".to_owned()),
            ("TargetGroup".to_owned(), "targetgroup/web/1".to_owned()),
        ]
        .into(),
        statistic: statistic.to_owned(),
        period_seconds: 60,
        unit: None,
    }
}

fn on_metric() -> AlarmDefinition {
    let topic = "arn:aws:sns:us-east-1:123456789012:page".to_owned();
    AlarmDefinition {
        description: "Made by Tidegate for web/production.".to_owned(),
        actions_enabled: true,
        ok_actions: vec![topic.clone()],
        alarm_actions: vec![topic],
        metric: Some(metric("TargetResponseTime", "p99")),
        evaluation_periods: 3,
        datapoints_to_alarm: Some(3),
        threshold: Some(Exact(0.8)),
        comparison: "GreaterThanThreshold".to_owned(),
        treat_missing: Some("notBreaching".to_owned()),
        ..AlarmDefinition::default()
    }
}

fn on_expression() -> AlarmDefinition {
    let input = |id: &str, name: &str| AlarmQuery {
        id: id.to_owned(),
        label: None,
        expression: None,
        metric: Some(metric(name, "Sum")),
        period_seconds: None,
        returns: false,
        account: None,
    };
    let rate = AlarmQuery {
        id: "rate".to_owned(),
        label: Some("error rate in percent".to_owned()),
        expression: Some("100*FILL(errors,0)/requests".to_owned()),
        metric: None,
        period_seconds: Some(60),
        returns: true,
        account: None,
    };
    AlarmDefinition {
        metric: None,
        queries: vec![
            rate,
            input("errors", "HTTPCode_Target_5XX_Count"),
            input("requests", "RequestCount"),
        ],
        ..on_metric()
    }
}
