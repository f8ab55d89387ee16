//! `monitoring`: what watches the service in CloudWatch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::build::duplicate;
use super::fields::{Fields, Items};
use super::problem::{Draft, ProblemCode, Problems, Span};
use super::scalar::show_duration;
use crate::analysis::{Condition, KnownMetric};

/// `monitoring`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// `dashboard`.
    pub dashboard: bool,
    /// `alarms`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmRule>,
    /// `topic`: ARN of an SNS topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// `test`: of the way that alarms take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<AlarmTest>,
    /// `logRetention`, days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
}

/// `monitoring.test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmTest {
    /// `topic`: ARN of an SNS topic that hears of the test, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// `timeout`, seconds: how long the event may take (default 300).
    pub timeout_seconds: u32,
}

/// `monitoring.alarms[]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmRule {
    /// `name`, distinct within the file.
    pub name: String,
    /// `when`.
    pub when: Condition,
    /// `for`, seconds, whole minutes.
    pub for_seconds: u32,
}

impl AlarmRule {
    /// When it fires: `error_rate > 1% for 3m`.
    pub fn describe(&self) -> String {
        format!("{} for {}", self.when, show_duration(self.for_seconds))
    }
}

/// `monitoring`.
pub(super) fn monitoring(fields: &Fields, problems: &mut Problems) -> Option<Monitoring> {
    let section = fields.section("monitoring")?;
    let alarms = alarms(section, problems);
    if section.is_given("alarms") && fields.flag("loadBalancer") == Some(false) {
        let message = "a load balancer measures what these alarms are about, and there is none";
        let draft = Draft::new(
            ProblemCode::NeedsLoadBalancer,
            section.key_span("alarms"),
            message,
        );
        problems.push(draft.help("take `alarms` out, or `loadBalancer: false`"));
    }
    if section.is_given("topic") && !section.is_given("alarms") {
        let message = "no alarm tells this topic: the section has no `alarms`";
        let draft = Draft::new(ProblemCode::NoEffect, section.value_span("topic"), message);
        problems.push(draft.help("add `alarms`, or take `topic` out").warning());
    }
    let days = section.text("logRetention");
    Some(Monitoring {
        dashboard: section.flag("dashboard")?,
        alarms,
        topic: section.text("topic").map(str::to_owned),
        test: section.section("test").and_then(|test| {
            Some(AlarmTest {
                topic: test.text("topic").map(str::to_owned),
                timeout_seconds: test.whole("timeout")?,
            })
        }),
        // The table knows only whole days.
        log_retention_days: days.and_then(|days| days.trim_end_matches('d').parse().ok()),
    })
}

fn alarms(section: &Fields, problems: &mut Problems) -> Vec<AlarmRule> {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut alarms = Vec::new();
    for item in section.list("alarms").into_iter().flat_map(Items::sections) {
        if let Some(name) = item.text("name") {
            let span = item.value_span("name");
            if let Some(first) = seen.insert(name, span) {
                problems.push(duplicate(span, first, &format!("the alarm `{name}`")));
            }
        }
        alarms.extend(alarm(item, problems));
    }
    alarms
}

fn alarm(item: &Fields, problems: &mut Problems) -> Option<AlarmRule> {
    let when = item.condition("when");
    if when.is_some_and(|when| when.metric() == KnownMetric::RequestCount) {
        let message = "the slot that is not in use has no requests, so this alarm says nothing";
        let draft = Draft::new(ProblemCode::Contradiction, item.value_span("when"), message);
        problems.push(draft.help("use error_rate, latency_p99 or availability"));
    }
    let seconds = item.whole("for");
    if seconds.is_some_and(|seconds| seconds % 60 != 0) {
        let message = "a load balancer measures whole minutes";
        let draft = Draft::new(ProblemCode::Contradiction, item.value_span("for"), message);
        problems.push(draft.help("write whole minutes such as 3m"));
    }
    Some(AlarmRule {
        name: item.text("name")?.to_owned(),
        when: when?,
        for_seconds: seconds?,
    })
}
