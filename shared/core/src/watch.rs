//! The watch over a completed deployment: its alarms for a day or so, without holding the target.
//!
//! The sweep looks; nothing waits. What was seen is written into the journal of the deployment that is
//! watched, after its end, which stays what it was.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::analysis::{Samples, Unit};
use crate::cost::CostCompared;
use crate::deployment::Deployment;
use crate::event::Event;
use crate::exit::{AbortCause, ExitState};
use crate::ids::DeploymentId;
use crate::journal::Entry;
use crate::observation::Alarm;
use crate::phases::later;
use crate::spec::{OnAlarm, Watch};
use crate::target::{Ended, TargetState};

/// A bake that was shorter than this says little; then all that the candidate served is compared with,
/// seconds.
const SHORT_BAKE_SECONDS: i64 = 300;

/// So long after a deployment that came to nothing, alarms may still fire because of it, seconds: metrics
/// are late, and an alarm looks at several minutes.
const SETTLE_SECONDS: i64 = 300;

/// A completed deployment that is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watching {
    /// Which.
    pub deployment: DeploymentId,
    /// Since when: its completion.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What an alarm does.
    pub on_alarm: OnAlarm,
    /// Alarms that were told of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<String>,
    /// When something was last written of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote_at: Option<Timestamp>,
}

impl Watching {
    /// The watch that begins as a deployment completes.
    pub fn of(deployment: &Deployment, watch: &Watch, from: Timestamp) -> Self {
        Self {
            deployment: deployment.id.clone(),
            from,
            until: later(from, watch.for_seconds.into()),
            on_alarm: watch.on_alarm,
            told: BTreeSet::new(),
            wrote_at: None,
        }
    }

    /// How it ends, if it does now.
    pub fn end(&self, state: &TargetState, now: Timestamp) -> Option<End> {
        match state.came_after(&self.deployment) {
            Some(by) => Some(End::Replaced(by.clone())),
            None => (now >= self.until).then_some(End::Over),
        }
    }

    /// Since when alarms count: its completion, or when another deployment that came to nothing has left
    /// no trace in the metrics any more. What fired because of that one says nothing of this one.
    pub fn since(&self, state: &TargetState) -> Timestamp {
        let touched =
            |ended: &&Ended| ended.deployment != self.deployment && ended.state != ExitState::Blocked;
        let other = state.ended.as_ref().filter(touched);
        other.map_or(self.from, |ended| self.from.max(later(ended.at, SETTLE_SECONDS)))
    }

    /// What an alarm does now: another deployment that came to nothing has used the slot to which this one
    /// would be taken back.
    pub fn acts(&self, state: &TargetState) -> OnAlarm {
        if self.since(state) == self.from {
            self.on_alarm
        } else {
            OnAlarm::Tell
        }
    }

    /// The alarm to act on: the first that fired since then and that nobody was told of.
    pub fn alarm<'a>(
        &self,
        deployment: &Deployment,
        alarms: &'a [Alarm],
        since: Timestamp,
    ) -> Option<&'a Alarm> {
        alarms
            .iter()
            .filter(|alarm| alarm.fired_at.is_some_and(|at| at >= since))
            .filter(|alarm| !deployment.overrides(&format!("alarm:{}", alarm.name)))
            .find(|alarm| !self.told.contains(&alarm.name))
    }
}

impl TargetState {
    /// What came after a completed deployment, if something did: what serves now, or what took it back.
    pub fn came_after<'a>(&'a self, completed: &'a DeploymentId) -> Option<&'a DeploymentId> {
        let serves = self.stable.as_ref().map(|stable| &stable.deployment);
        let ended = || self.ended.as_ref().map(|ended| &ended.deployment);
        (serves != Some(completed)).then(|| serves.or_else(ended).unwrap_or(completed))
    }
}

/// How a watch ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Its time is over.
    Over,
    /// Something else serves by now, or this deployment was taken back.
    Replaced(DeploymentId),
}

/// An alarm as the cause of taking a completed deployment back.
pub fn cause_of(alarm: &Alarm) -> AbortCause {
    AbortCause::AlarmRaised {
        alarm: alarm.name.clone(),
        raised_at: alarm.fired_at,
        reason: alarm.reason.clone(),
    }
}

/// What was seen of a completed deployment while it was watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Watched {
    /// Alarms that fired, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it compares with the time before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
    /// What it costs by the bill, as last asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<CostCompared>>,
}

/// What a revision was answered with at first, and since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trend {
    /// While it was tried.
    pub before: Figures,
    /// While it was watched.
    pub during: Figures,
}

/// Measurements of a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Minutes that have data.
    pub minutes: u32,
    /// Requests in all.
    pub requests: f64,
    /// 5xx answers, percent of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// 99th percentile of the response time, milliseconds: the median of the minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_p99_ms: Option<f64>,
}

impl Figures {
    /// Of the minutes that start from `from` on and before `until`.
    pub fn of(samples: &[Samples], from: Timestamp, until: Timestamp) -> Self {
        let minutes: Vec<&Samples> = samples
            .iter()
            .filter(|minute| from <= minute.at && minute.at < until)
            .collect();
        let good = |value: &f64| value.is_finite() && *value >= 0.0;
        let mut requests = 0.0;
        let mut errors = 0.0;
        for minute in &minutes {
            if let Some(count) = minute.requests.filter(good) {
                requests += count;
                errors += minute.errors_5xx.filter(good).unwrap_or(0.0).min(count);
            }
        }
        let mut p99: Vec<f64> = minutes
            .iter()
            .filter_map(|minute| minute.latency_p99_ms.filter(good))
            .collect();
        p99.sort_by(f64::total_cmp);
        Self {
            minutes: u32::try_from(minutes.len()).unwrap_or(u32::MAX),
            requests,
            error_rate: (requests > 0.0).then(|| errors * 100.0 / requests),
            latency_p99_ms: p99.get(p99.len() / 2).copied(),
        }
    }
}

impl Trend {
    /// In words: `error rate 0.02 % (0.01 % before), p99 130 ms (120 ms before)`.
    pub fn describe(&self) -> String {
        let pair = |name: &str, unit: Unit, during: Option<f64>, before: Option<f64>| {
            let shown =
                |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| unit.show(value));
            format!("{name} {} ({} before)", shown(during), shown(before))
        };
        let (during, before) = (&self.during, &self.before);
        format!(
            "{}, {}, {} requests",
            pair("error rate", Unit::Percent, during.error_rate, before.error_rate),
            pair(
                "p99",
                Unit::Milliseconds,
                during.latency_p99_ms,
                before.latency_p99_ms
            ),
            Unit::Count.show(during.requests.round())
        )
    }
}

/// From when on a deployment is compared with its watch: the last step that baked for a while, or else
/// its first weight.
pub fn compared_from(journal: &[Entry], completed_at: Timestamp) -> Option<Timestamp> {
    let reached = || {
        let entries = journal.iter();
        entries.filter(|entry| matches!(entry.event, Event::WeightReached { .. }))
    };
    let last = reached().next_back()?.at;
    if completed_at.duration_since(last).as_secs() >= SHORT_BAKE_SECONDS {
        return Some(last);
    }
    reached().next().map(|entry| entry.at)
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
