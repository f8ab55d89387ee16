//! Cost Explorer: days by one tag, known a day late, and anomalies.

use super::*;

fn asked(key: &str) -> Value {
    json!({
        "TimePeriod": { "Start": "2026-02-26", "End": "2026-03-03" },
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost"],
        "Filter": { "Tags": { "Key": key, "Values": ["web"], "MatchOptions": ["EQUALS"] } },
    })
}

fn amounts(fleet: &InProcess, key: &str) -> Vec<String> {
    let (status, answer) = fleet.json("AWSInsightsIndexService.GetCostAndUsage", &asked(key));
    assert_eq!(status, 200, "{answer}");
    let days = answer["ResultsByTime"].as_array().unwrap();
    let amount = |day: &Value| {
        day["Total"]["UnblendedCost"]["Amount"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    days.iter().map(amount).collect()
}

#[test]
fn days_cost_what_is_billed_for_the_tag_once_they_are_known() {
    let (fleet, _) = InProcess::new();
    let today = fleet.with(|fleet| fleet.now().to_zoned(jiff::tz::TimeZone::UTC).date());
    let to = jiff::civil::date(2026, 3, 2) - today;
    fleet.pass(i64::from(to.get_days()) * 86_400);
    fleet.with(|fleet| {
        fleet.bill_daily(-30, 10);
        fleet.bill_daily(-1, 12);
    });
    let known = ["10.000000", "10.000000", "10.000000", "0.000000", "0.000000"];
    assert_eq!(amounts(&fleet, "service"), known);
    fleet.pass(86_400);
    assert_eq!(amounts(&fleet, "service")[3], "12.000000");
    assert_eq!(amounts(&fleet, "team"), ["0.000000"; 5]);
    assert_eq!(fleet.with(|fleet| fleet.bill.requests), 3);
}

#[test]
fn what_is_not_understood_is_refused() {
    let (fleet, _) = InProcess::new();
    for (member, value) in [
        ("Granularity", json!("HOURLY")),
        ("Metrics", json!(["BlendedCost"])),
        (
            "TimePeriod",
            json!({ "Start": "2026-03-03", "End": "2026-03-03" }),
        ),
        ("TimePeriod", json!({ "Start": "today", "End": "2026-03-03" })),
    ] {
        let mut body = asked("service");
        body[member] = value;
        let (status, answer) = fleet.json("AWSInsightsIndexService.GetCostAndUsage", &body);
        assert_eq!(status, 400, "{answer}");
    }
    let (status, _) = fleet.json("AWSInsightsIndexService.GetAnomalies", &json!({}));
    assert_eq!(status, 400);
}
