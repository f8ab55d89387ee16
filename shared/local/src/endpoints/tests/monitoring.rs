//! Dashboards, alarms and retentions, asked by the SDK's clients through what Tidegate does with them.

use tidegate_aws::change::monitor;
use tidegate_core::change::{AlarmDefinition, AlarmMetric, Before, Exact, Monitored, StoredText};

use super::*;

const GROUP: &str = "/ecs/web-production";
const BODY: &str = r#"{"widgets":[{"type":"text","x":0,"y":0,"width":24,"height":2,"properties":{"markdown":"Made by Tidegate for web/production."}}]}"#;

fn clients(fleet: &InProcess) -> monitor::Clients {
    monitor::Clients {
        cloudwatch: client!(aws_sdk_cloudwatch, fleet),
        logs: client!(aws_sdk_cloudwatchlogs, fleet),
    }
}

fn alarm(threshold: f64) -> Monitored {
    let metric = AlarmMetric {
        namespace: "AWS/ApplicationELB".to_owned(),
        name: "TargetResponseTime".to_owned(),
        dimensions: [("LoadBalancer".to_owned(), "app/web/1".to_owned())].into(),
        statistic: "p99".to_owned(),
        period_seconds: 60,
        unit: None,
    };
    Monitored::Alarm {
        alarm: Box::new(AlarmDefinition {
            description: "slow. Made by Tidegate for web/production.".to_owned(),
            actions_enabled: true,
            ok_actions: Vec::new(),
            alarm_actions: vec!["arn:aws:sns:eu-west-1:123456789012:page".to_owned()],
            insufficient_data_actions: Vec::new(),
            metric: Some(metric),
            queries: Vec::new(),
            evaluation_periods: 3,
            datapoints_to_alarm: Some(2),
            threshold: Some(Exact(threshold)),
            threshold_metric: None,
            comparison: "GreaterThanThreshold".to_owned(),
            treat_missing: Some("notBreaching".to_owned()),
            low_samples: None,
        }),
    }
}

fn threshold(fleet: &InProcess) -> Option<f64> {
    fleet.with(|fleet| fleet.alarm("slow").map(|alarm| alarm.threshold))
}

#[tokio::test]
async fn an_alarm_is_made_once_replaced_and_brought_back() {
    let (fleet, _) = InProcess::new();
    let clients = clients(&fleet);
    let (first, second) = (alarm(0.8), alarm(0.5));
    let absent = Some(&Before::Absent);
    for _ in 0..2 {
        clients.make("slow", &first, absent).await.unwrap();
        assert_eq!(threshold(&fleet), Some(0.8));
    }
    let before = Before::Monitored { held: first.clone() };
    for _ in 0..2 {
        clients.make("slow", &second, Some(&before)).await.unwrap();
        assert_eq!(threshold(&fleet), Some(0.5));
    }
    for _ in 0..2 {
        clients.undo("slow", &second, Some(&before)).await.unwrap();
        assert_eq!(threshold(&fleet), Some(0.8));
    }
    for _ in 0..2 {
        clients.undo("slow", &first, absent).await.unwrap();
        assert_eq!(threshold(&fleet), None);
    }
}

#[tokio::test]
async fn a_dashboard_is_made_once_and_deleted() {
    let (fleet, _) = InProcess::new();
    let clients = clients(&fleet);
    let wanted = Monitored::Dashboard {
        body: StoredText(BODY.to_owned()),
    };
    let board = || fleet.with(|fleet| fleet.dashboard("web").map(str::to_owned));
    for _ in 0..2 {
        clients.make("web", &wanted, Some(&Before::Absent)).await.unwrap();
        assert_eq!(board().as_deref(), Some(BODY));
    }
    for _ in 0..2 {
        clients.undo("web", &wanted, Some(&Before::Absent)).await.unwrap();
        assert_eq!(board(), None);
    }
    fleet.with(|fleet| fleet.put_dashboard("web", "{}"));
    clients.make("web", &wanted, Some(&Before::Absent)).await.unwrap();
    clients.undo("web", &wanted, Some(&Before::Absent)).await.unwrap();
    assert_eq!(board().as_deref(), Some("{}"), "somebody else's is left");
}

#[tokio::test]
async fn a_retention_goes_back_to_for_ever() {
    let (fleet, _) = InProcess::new();
    let clients = clients(&fleet);
    let wanted = Monitored::Retention { days: Some(30) };
    let before = Before::Monitored {
        held: Monitored::Retention { days: None },
    };
    let days = || fleet.with(|fleet| fleet.retention(GROUP));
    clients.make(GROUP, &wanted, Some(&before)).await.unwrap();
    assert_eq!(days(), Some(30));
    clients.undo(GROUP, &wanted, Some(&before)).await.unwrap();
    assert_eq!(days(), None);
    let refused = client!(aws_sdk_cloudwatchlogs, fleet);
    let call = refused.put_retention_policy().log_group_name("/none");
    assert!(call.retention_in_days(30).send().await.is_err());
}
