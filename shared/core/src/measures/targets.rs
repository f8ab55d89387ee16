//! What is asked of the measures, and whether it is met.
//!
//! A target is met only by enough deployments: with fewer, the answer is that there is not enough
//! data. It is missed as soon as it could not be met any more even if all that are lacking came out
//! well, so bad news does not wait for company.

use serde::{Deserialize, Serialize};

use super::rate::Rate;
use super::spread::{Spread, number};

/// Fewer than this can't show a rate above 95 % or below 5 %: one failure more would miss it.
pub const ENOUGH_DEPLOYMENTS: usize = 20;

/// Fewer recoveries than this have no mean worth the name.
pub const ENOUGH_RECOVERIES: usize = 3;

/// Deployments that succeed, percent: more than this (seed 002, "Target SLOs").
pub const SUCCESS_ABOVE_PERCENT: f64 = 95.0;

/// Changes that fail, percent: fewer than this (seed 002).
pub const CHANGE_FAILURE_BELOW_PERCENT: f64 = 5.0;

/// Mean time to recovery, seconds: less than this (seed 002).
pub const RECOVERY_BELOW_SECONDS: f64 = 30.0 * 60.0;

/// Whether a target is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// By enough deployments.
    Met,
    /// Or it can't be met any more.
    Missed,
    /// Too few to say. Never a pass.
    NotEnoughData,
}

/// A target, the answer, and why that is the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// What is asked: `> 95 %`.
    pub target: String,
    /// Whether it is met.
    pub answer: Answer,
    /// In words, where the number alone does not say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Judged {
    fn new(target: &str, answer: Answer, why: String) -> Self {
        Self {
            target: target.to_owned(),
            answer,
            why,
        }
    }
}

pub(super) fn judge_success(rate: Rate) -> Judged {
    let bad = rate.whole - rate.part;
    judge("> 95 %", rate.whole, "tried", |whole| {
        number(whole - bad) * 100.0 > SUCCESS_ABOVE_PERCENT * number(whole)
    })
}

pub(super) fn judge_change_failure(rate: Rate) -> Judged {
    judge("< 5 %", rate.whole, "with traffic", |whole| {
        number(rate.part) * 100.0 < CHANGE_FAILURE_BELOW_PERCENT * number(whole)
    })
}

pub(super) fn judge_without_downtime(rate: Rate) -> Judged {
    judge("100 %", rate.whole, "with traffic", |_| rate.part == rate.whole)
}

/// `holds` says whether the target holds where so many deployments came in all, those that are
/// lacking without a fault.
fn judge(target: &str, whole: usize, what: &str, holds: impl Fn(usize) -> bool) -> Judged {
    if !holds(whole.max(ENOUGH_DEPLOYMENTS)) {
        return Judged::new(target, Answer::Missed, String::new());
    }
    if whole >= ENOUGH_DEPLOYMENTS {
        return Judged::new(target, Answer::Met, String::new());
    }
    let why = format!("{whole} of the {ENOUGH_DEPLOYMENTS} deployments {what} that this takes");
    Judged::new(target, Answer::NotEnoughData, why)
}

pub(super) fn judge_recovery(times: Option<&Spread>, unrecovered: usize) -> Judged {
    let target = "< 30 min";
    if unrecovered > 0 {
        let why = format!("{unrecovered} failed without a measured way back");
        return Judged::new(target, Answer::Missed, why);
    }
    let Some(times) = times else {
        return Judged::new(target, Answer::NotEnoughData, "no change failed".to_owned());
    };
    let lacking = number(times.count.max(ENOUGH_RECOVERIES));
    if times.mean_seconds * number(times.count) / lacking >= RECOVERY_BELOW_SECONDS {
        return Judged::new(target, Answer::Missed, String::new());
    }
    if times.count >= ENOUGH_RECOVERIES {
        return Judged::new(target, Answer::Met, String::new());
    }
    let why = format!(
        "{} of the {ENOUGH_RECOVERIES} recoveries that this takes",
        times.count
    );
    Judged::new(target, Answer::NotEnoughData, why)
}
