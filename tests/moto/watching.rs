//! CloudWatch: alarms and metrics. See `translate` for how the SDK's client reaches moto.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, StateValue};
use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};
use tidegate_aws::observe;
use tidegate_core::analysis::Samples;
use tidegate_core::ids::Slot;

use super::compare::{Comparison, Side, answer, raw};
use super::fixture::{NOW, spec};

/// All of it.
pub async fn compare(both: &mut Comparison) {
    alarms(both).await;
    metrics(both).await;
}

async fn alarms(both: &mut Comparison) {
    let named = ["web-production-blue-error-rate".to_owned(), "ghost".to_owned()];
    both.same("read alarms by prefix", async |side| {
        answer(observe::alarms(&side.cloudwatch, None, "web-production-").await)
    })
    .await;
    both.same("read alarms by a prefix that none has", async |side| {
        answer(observe::alarms(&side.cloudwatch, None, "ghost-").await)
    })
    .await;
    both.same("read alarms by name, one unknown", async |side| {
        answer(observe::alarms(&side.cloudwatch, Some(&named), "").await)
    })
    .await;
    for (set, read, state) in [
        (
            "set an alarm to ALARM",
            "read the alarm in ALARM",
            StateValue::Alarm,
        ),
        (
            "set an alarm to INSUFFICIENT_DATA",
            "read the alarm without data",
            StateValue::InsufficientData,
        ),
        ("set an alarm to OK", "read the alarm in OK", StateValue::Ok),
    ] {
        both.same(set, async |side| {
            let call = side.cloudwatch.set_alarm_state().alarm_name(&named[0]);
            raw(call
                .state_value(state.clone())
                .state_reason("by hand")
                .send()
                .await
                .map(|_| ()))
        })
        .await;
        both.same(read, async |side| {
            answer(observe::alarms(&side.cloudwatch, Some(&named[..1]), "").await)
        })
        .await;
    }
    both.same("set an unknown alarm", async |side| {
        let call = side.cloudwatch.set_alarm_state().alarm_name("ghost");
        raw(call
            .state_value(StateValue::Ok)
            .state_reason("by hand")
            .send()
            .await
            .map(|_| ()))
    })
    .await;
}

type Minutes = std::collections::BTreeMap<Slot, Vec<Samples>>;

async fn samples(side: &Side, from: i64, to: i64) -> Result<Minutes, String> {
    let at = |minutes| NOW + SignedDuration::from_mins(minutes);
    observe::samples(&side.cloudwatch, &side.wiring, &spec(""), at(from), at(to))
        .await
        .map_err(|error| answer::<()>(Err(error)))
}

async fn metrics(both: &mut Comparison) {
    let given = samples(&both.local, 0, 5).await.unwrap();
    let blue = given.get(&Slot::Blue).cloned().unwrap_or_default();
    assert!(
        blue.len() >= 4,
        "the simulated traffic has made no metrics: {blue:?}"
    );
    tell(&both.moto, &blue).await;
    both.same("read requests and errors of every minute", async |side| {
        format!("{:?}", samples(side, 0, 5).await.map(counts))
    })
    .await;
    both.same("read requests and errors from within a minute", async |side| {
        format!("{:?}", samples(side, 2, 4).await.map(counts))
    })
    .await;
    both.same("read the 99th percentile of every minute", async |side| {
        format!("{:?}", samples(side, 0, 5).await)
    })
    .await;
    both.same("read minutes without data", async |side| {
        format!("{:?}", samples(side, -60, -30).await)
    })
    .await;
    both.same("read metrics backwards in time", async |side| {
        format!("{:?}", samples(side, 5, 0).await)
    })
    .await;
}

/// When, requests, errors.
type Counts = (Timestamp, Option<f64>, Option<f64>);

/// Requests and errors: what is summed.
fn counts(minutes: Minutes) -> Vec<(Slot, Vec<Counts>)> {
    let both = |one: &Samples| (one.at, one.requests, one.errors_5xx);
    minutes
        .into_iter()
        .map(|(slot, samples)| (slot, samples.iter().map(both).collect()))
        .collect()
}

/// Puts onto moto what the simulated load balancer has measured of the blue slot, but for the latency:
/// to a percentile of something moto answers `null`, which no SDK takes.
async fn tell(moto: &Side, minutes: &[Samples]) {
    let balancer = moto.wiring.balancer.as_ref().unwrap();
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let dimensions = vec![
        dimension(
            "TargetGroup",
            balancer.target_group_dimension(Slot::Blue).unwrap(),
        ),
        dimension("LoadBalancer", &balancer.load_balancer_dimension),
    ];
    let datum = |name: &str, at: Timestamp, value: f64| {
        MetricDatum::builder()
            .metric_name(name)
            .set_dimensions(Some(dimensions.clone()))
            .timestamp(DateTime::from_secs(at.as_second()))
            .value(value)
            .unit(StandardUnit::Count)
            .build()
    };
    for one in minutes {
        let values = [
            ("RequestCount", one.requests),
            ("HTTPCode_Target_5XX_Count", one.errors_5xx),
        ];
        let data = values
            .into_iter()
            .filter_map(|(name, value)| Some(datum(name, one.at, value?)))
            .collect();
        let call = moto.cloudwatch.put_metric_data().namespace("AWS/ApplicationELB");
        call.set_metric_data(Some(data)).send().await.unwrap();
    }
}
