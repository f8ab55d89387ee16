//! Cost Explorer: what days have cost, and anomalies. Every request costs $0.01.

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::types::{
    Anomaly, AnomalyDateInterval, DateInterval, Expression, Granularity, MatchOption, ResultByTime, TagValues,
};
use tidegate_core::cost::{CostAnomaly, CostRead, Daily, Days, Money};
use tidegate_core::spec::Explorer;

use crate::error::{AwsError, Kind};

/// What is charged for the day, before discounts are spread over a month.
const METRIC: &str = "UnblendedCost";

/// Anomalies that are asked for; more are not told either.
const MOST_ANOMALIES: i32 = 20;

/// Asks for the days that can be known by now, and for anomalies where the file names a monitor. That something can't be
/// read is part of the answer: it must not hold anything up.
pub async fn read(ce: &Client, asked: &Explorer, days: Days) -> CostRead {
    let said = |error: AwsError| error.cause;
    let costs = match days.any_after() {
        true => Some(daily(ce, asked, days).await.map_err(said)),
        false => None,
    };
    let anomalies = match &asked.monitor {
        Some(monitor) => Some(anomalies(ce, monitor, days).await.map_err(said)),
        None => None,
    };
    CostRead {
        days: costs,
        anomalies,
    }
}

async fn daily(ce: &Client, asked: &Explorer, days: Days) -> Result<Vec<Daily>, AwsError> {
    let what = || {
        format!(
            "failed to ask what tag {} = {} costs",
            asked.tag_key, asked.tag_value
        )
    };
    let refused = |error: aws_smithy_types::error::operation::BuildError| {
        AwsError::answer(what(), Kind::Invalid, error.to_string())
    };
    let period = DateInterval::builder()
        .start(days.from.to_string())
        .end(days.until.to_string())
        .build()
        .map_err(refused)?;
    let tag = TagValues::builder()
        .key(&asked.tag_key)
        .values(&asked.tag_value)
        .match_options(MatchOption::Equals)
        .build();
    // Totals of less than a month are one page.
    let answer = ce
        .get_cost_and_usage()
        .time_period(period)
        .granularity(Granularity::Daily)
        .metrics(METRIC)
        .filter(Expression::builder().tags(tag).build())
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    let days = answer.results_by_time().iter().map(day);
    let days: Result<Vec<Daily>, String> = days.collect();
    days.map_err(|cause| AwsError::answer(what(), Kind::Other, cause))
}

fn day(result: &ResultByTime) -> Result<Daily, String> {
    let start = result.time_period().map(DateInterval::start).unwrap_or_default();
    let day = start.parse().map_err(|_| format!("`{start}` is no day"))?;
    let total = result.total().and_then(|total| total.get(METRIC));
    let unit = total.and_then(|total| total.unit()).unwrap_or("USD");
    if unit != "USD" {
        return Err(format!("the bill is in {unit}, and only USD is understood"));
    }
    let amount = total.and_then(|total| total.amount()).unwrap_or("0");
    let cost = Money::parse(amount).ok_or_else(|| format!("`{amount}` is no amount"))?;
    Ok(Daily { day, cost })
}

async fn anomalies(ce: &Client, monitor: &str, days: Days) -> Result<Vec<CostAnomaly>, AwsError> {
    let what = || format!("failed to ask for anomalies of {monitor}");
    let interval = AnomalyDateInterval::builder()
        .start_date(days.began.to_string())
        .build()
        .map_err(|error| AwsError::answer(what(), Kind::Invalid, error.to_string()))?;
    let answer = ce
        .get_anomalies()
        .monitor_arn(monitor)
        .date_interval(interval)
        .max_results(MOST_ANOMALIES)
        .send()
        .await
        .map_err(|error| AwsError::sdk(what(), error))?;
    Ok(answer.anomalies().iter().map(anomaly).collect())
}

fn anomaly(found: &Anomaly) -> CostAnomaly {
    let causes = found.root_causes().first();
    let parts = causes.map(|cause| [cause.service(), cause.region(), cause.usage_type()]);
    let parts = parts.into_iter().flatten().flatten();
    let parts: Vec<&str> = parts.chain(found.dimension_value()).take(3).collect();
    let impact = found.impact().map_or(0.0, |impact| impact.total_impact());
    let since = found.anomaly_start_date().unwrap_or_default();
    CostAnomaly {
        since: since.chars().take(10).collect(),
        what: match parts.is_empty() {
            true => "of an unknown cause".to_owned(),
            false => parts.join(", "),
        },
        impact: Money::dollars(impact),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use aws_sdk_costexplorer::types::{Impact, MetricValue, RootCause};

    use super::*;

    fn result(start: &str, amount: &str, unit: &str) -> ResultByTime {
        let period = DateInterval::builder()
            .start(start)
            .end("2026-03-02")
            .build()
            .unwrap();
        let total = MetricValue::builder().amount(amount).unit(unit).build();
        ResultByTime::builder()
            .time_period(period)
            .total(METRIC, total)
            .build()
    }

    #[test]
    fn a_day_is_read_to_the_millionth_and_only_in_dollars() {
        let found = day(&result("2026-03-01", "12.3456789012", "USD")).unwrap();
        assert_eq!(
            (found.day.to_string().as_str(), found.cost),
            ("2026-03-01", Money::micros(12_345_678))
        );
        assert!(
            day(&result("2026-03-01", "12", "CNY"))
                .unwrap_err()
                .contains("CNY")
        );
        assert!(day(&result("2026-03-01", "much", "USD")).is_err());
        assert!(day(&result("yesterday", "1", "USD")).is_err());
        assert!(day(&ResultByTime::builder().build()).is_err());
    }

    #[test]
    fn an_anomaly_says_what_and_since_when_as_far_as_aws_does() {
        let impact = Impact::builder().max_impact(3.0).total_impact(12.4).build();
        let cause = RootCause::builder()
            .service("Amazon ECS")
            .region("eu-west-1")
            .build();
        let found = Anomaly::builder()
            .anomaly_id("1")
            .monitor_arn("m")
            .anomaly_start_date("2026-03-01T00:00:00Z")
            .root_causes(cause)
            .impact(impact);
        let told = anomaly(&found.build().unwrap());
        assert_eq!(
            (told.since.as_str(), told.what.as_str(), told.impact),
            ("2026-03-01", "Amazon ECS, eu-west-1", Money::dollars(12.4))
        );
        let bare = Anomaly::builder()
            .anomaly_id("2")
            .monitor_arn("m")
            .build()
            .unwrap();
        assert_eq!(anomaly(&bare).what, "of an unknown cause");
    }
}
