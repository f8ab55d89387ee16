//! What a completed deployment costs by the bill: whole days before it against whole days after it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::Money;
use crate::deployment::Deployment;
use crate::ids::DeploymentId;
use crate::phases::later;

/// Days before a deployment that are looked at.
const DAYS_BEFORE: i64 = 7;

/// Cost Explorer has a day's costs at most so long after it (AWS Cost Management, "Analyzing your costs with AWS Cost
/// Explorer": refreshed at least once every 24 hours), seconds.
const LATE_SECONDS: i64 = 86_400;

/// A question that came to nothing is asked again after this, seconds.
const AGAIN_SECONDS: i64 = 86_400;

/// So often it is asked, each time for money.
const MOST_ASKED: u32 = 4;

/// Anomalies that are named.
const MOST_ANOMALIES: usize = 5;

/// A completed deployment whose costs are still to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostWatch {
    /// Which.
    pub deployment: DeploymentId,
    /// When it completed.
    pub completed_at: Timestamp,
    /// When to ask next.
    pub due_at: Timestamp,
    /// How often was asked.
    pub asked: u32,
    /// When something was last written of it.
    pub wrote_at: Timestamp,
}

/// The days that are compared, each whole and known to Cost Explorer by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first one before.
    pub from: Date,
    /// The day on which the deployment began: the first that is not before it.
    pub began: Date,
    /// The first one after.
    pub after: Date,
    /// Up to this one, exclusive, days are known; none after it where it is not later than `after`.
    pub until: Date,
}

/// What a day cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daily {
    /// Which, by UTC.
    pub day: Date,
    /// How much.
    pub cost: Money,
}

/// The mean of days that have costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DailyMean {
    /// How many.
    pub days: u32,
    /// The mean.
    pub mean: Money,
}

/// An unusual cost that AWS has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostAnomaly {
    /// Since which day, as AWS writes it.
    pub since: String,
    /// Of what: service, region and usage, as far as AWS says.
    pub what: String,
    /// How much more than expected so far.
    pub impact: Money,
}

/// What was read: of each part, or why it could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CostRead {
    /// Days with their costs; nothing where there was no day to ask for.
    pub days: Option<Result<Vec<Daily>, String>>,
    /// Anomalies; nothing where the file has no monitor.
    pub anomalies: Option<Result<Vec<CostAnomaly>, String>>,
}

/// What a completed deployment costs by the bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostCompared {
    /// What was found of its days.
    pub found: CostFound,
    /// Anomalies since it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<CostAnomaly>,
    /// Why anomalies could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// What was found of days before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "found")]
pub enum CostFound {
    /// There are days on both sides.
    Days {
        /// Before it.
        before: DailyMean,
        /// After it.
        after: DailyMean,
        /// What is beyond the file's limit, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beyond: Option<String>,
    },
    /// Not known: that is neither more nor less.
    NoData {
        /// Why.
        why: String,
        /// When it is asked again, where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_at: Option<Timestamp>,
    },
    /// Something else serves by now.
    Replaced {
        /// What.
        by: DeploymentId,
    },
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn days_from(day: Date, days: i64) -> Date {
    day.saturating_add(Span::new().days(days))
}

/// From when on the first whole day after a completion is known.
fn known_from(completed_at: Timestamp) -> Timestamp {
    let over = days_from(day_of(completed_at), 2);
    let over = over.to_zoned(TimeZone::UTC).map(|start| start.timestamp());
    later(over.unwrap_or(completed_at), LATE_SECONDS)
}

/// The days of a deployment that can be asked for by now.
pub fn days_of(deployment: &Deployment, completed_at: Timestamp, now: Timestamp) -> Days {
    let began = day_of(deployment.planned_at.unwrap_or(deployment.requested_at));
    let known = now.saturating_sub(SignedDuration::from_secs(LATE_SECONDS));
    Days {
        from: days_from(began, -DAYS_BEFORE),
        began,
        after: days_from(day_of(completed_at), 1),
        until: day_of(known.unwrap_or(now)),
    }
}

impl Days {
    /// Whether there is a day after to ask for.
    pub fn any_after(&self) -> bool {
        self.after < self.until
    }
}

impl DailyMean {
    /// A day without costs is one that is not known, or has no such tag.
    fn of(days: &[Daily], from: Date, until: Date) -> Option<Self> {
        let days = days.iter().filter(|one| from <= one.day && one.day < until);
        let costs: Vec<Money> = days
            .map(|one| one.cost)
            .filter(|cost| *cost > Money::ZERO)
            .collect();
        let count = u32::try_from(costs.len()).ok().filter(|count| *count > 0)?;
        let sum: Money = costs.into_iter().sum();
        Some(Self {
            days: count,
            mean: sum.scaled(1, count.into()),
        })
    }

    fn describe(self) -> String {
        let s = if self.days == 1 { "" } else { "s" };
        format!("{} a day ({} day{s})", self.mean, self.days)
    }
}

/// What was read, as it is told; `asked` counts this time too.
pub fn compare(
    deployment: &Deployment,
    completed_at: Timestamp,
    read: CostRead,
    asked: u32,
    now: Timestamp,
) -> CostCompared {
    let found = found(deployment, completed_at, read.days, asked, now);
    let (mut anomalies, unread) = match read.anomalies {
        Some(Ok(found)) => (found, None),
        Some(Err(reason)) => (Vec::new(), Some(reason)),
        None => (Vec::new(), None),
    };
    anomalies.sort_by_key(|one| std::cmp::Reverse(one.impact));
    anomalies.truncate(MOST_ANOMALIES);
    CostCompared {
        found,
        anomalies,
        unread,
    }
}

fn found(
    deployment: &Deployment,
    completed_at: Timestamp,
    read: Option<Result<Vec<Daily>, String>>,
    asked: u32,
    now: Timestamp,
) -> CostFound {
    let days = days_of(deployment, completed_at, now);
    let no_data = |why: String| {
        let next = match days.any_after() {
            true => later(now, AGAIN_SECONDS),
            false => known_from(completed_at),
        };
        CostFound::NoData {
            why,
            again_at: (asked < MOST_ASKED).then_some(next),
        }
    };
    let read = match read {
        None => return no_data("Cost Explorer has no whole day after it yet".to_owned()),
        Some(Err(reason)) => return no_data(format!("Cost Explorer could not be asked: {reason}")),
        Some(Ok(read)) => read,
    };
    let means = (
        DailyMean::of(&read, days.from, days.began),
        DailyMean::of(&read, days.after, days.until),
    );
    match means {
        (Some(before), Some(after)) => CostFound::Days {
            before,
            after,
            beyond: beyond(deployment, before.mean, after.mean),
        },
        (_, None) => no_data("Cost Explorer has no costs of that tag after it".to_owned()),
        (None, Some(after)) => CostFound::NoData {
            why: format!("{}, and none of that tag in the week before", after.describe()),
            again_at: None,
        },
    }
}

fn beyond(deployment: &Deployment, before: Money, after: Money) -> Option<String> {
    let percent = deployment.spec.cost.as_ref()?.max_increase_percent?;
    let beyond = after.is_beyond(before, percent);
    beyond.then(|| format!("beyond the {percent} % more that it may"))
}

impl CostCompared {
    /// That something else serves by now.
    pub const fn replaced(by: DeploymentId) -> Self {
        Self {
            found: CostFound::Replaced { by },
            anomalies: Vec::new(),
            unread: None,
        }
    }

    /// When it is asked again, where it is.
    pub const fn again_at(&self) -> Option<Timestamp> {
        if let CostFound::NoData { again_at, .. } = &self.found {
            *again_at
        } else {
            None
        }
    }

    /// Whether something else serves by now.
    pub const fn is_replaced(&self) -> bool {
        matches!(self.found, CostFound::Replaced { .. })
    }

    /// Whether a person should look at it.
    pub const fn is_unusual(&self) -> bool {
        !self.anomalies.is_empty() || matches!(self.found, CostFound::Days { beyond: Some(_), .. })
    }

    /// One line for a person.
    pub fn describe(&self) -> String {
        let mut text = match &self.found {
            CostFound::Days {
                before,
                after,
                beyond,
            } => {
                let against = after.mean.against(before.mean).unwrap_or_default();
                let beyond = beyond
                    .as_ref()
                    .map_or_else(String::new, |beyond| format!(", {beyond}"));
                format!(
                    "{}, before {}: {against}{beyond}",
                    after.describe(),
                    before.describe()
                )
            }
            CostFound::NoData { why, again_at } => {
                let then = again_at.map_or_else(
                    || "not asked again".to_owned(),
                    |at| format!("asked again {at:.0}"),
                );
                format!("not known: {why}; {then}")
            }
            CostFound::Replaced { by } => format!("not compared: {by} came after it"),
        };
        for one in &self.anomalies {
            text = format!(
                "{text}; anomaly since {}: {}, {} more than expected so far",
                one.since, one.what, one.impact
            );
        }
        match &self.unread {
            Some(reason) => format!("{text}; anomalies could not be read: {reason}"),
            None => text,
        }
    }
}

impl CostWatch {
    /// That of a deployment whose watch is over, if there is something left to ask.
    pub fn next(
        deployment: &Deployment,
        completed_at: Timestamp,
        compared: &CostCompared,
        asked: u32,
        now: Timestamp,
    ) -> Option<Self> {
        Some(Self {
            deployment: deployment.id.clone(),
            completed_at,
            due_at: compared.again_at()?,
            asked,
            wrote_at: now,
        })
    }
}
