//! A period's outcomes, added up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::outcome::{LeadFrom, LeftOut, Outcome};
use super::rate::Rate;
use super::spread::{Spread, number};
use super::targets::{Judged, judge_change_failure, judge_recovery, judge_success, judge_without_downtime};
use crate::exit::ExitState;
use crate::ids::{DeploymentId, Target};

const DAY_SECONDS: f64 = 86_400.0;
const WEEK_SECONDS: i64 = 7 * 86_400;

/// More weeks than this are not shown one by one.
const MOST_WEEKS: usize = 520;

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// From here on.
    pub since: Timestamp,
    /// Before this.
    pub until: Timestamp,
}

impl Period {
    fn contains(&self, at: Timestamp) -> bool {
        self.since <= at && at < self.until
    }

    /// How many days it has; a second at least.
    fn days(&self) -> f64 {
        let seconds = self.until.duration_since(self.since).as_secs().max(1);
        u32::try_from(seconds).map_or(f64::from(u32::MAX), f64::from) / DAY_SECONDS
    }
}

/// The measures of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measures {
    /// Which.
    pub period: Period,
    /// Of each target that a deployment ended for, in order.
    pub targets: Vec<TargetFigures>,
    /// Of all of them together.
    pub all: Figures,
}

/// The measures of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetFigures {
    /// `service/environment`.
    pub target: String,
    /// Its measures.
    pub figures: Figures,
}

/// The measures of some deployments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// How many ended, by how.
    pub ended: Ended,
    /// Completed ones in a day, over the whole period.
    pub completed_per_day: f64,
    /// Completed ones in a week, over the whole period.
    pub completed_per_week: f64,
    /// From commit or push to completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_time: Option<Spread>,
    /// How many of the lead times count from the commit; the others count from the image's push.
    pub lead_times_from_commit: usize,
    /// Completed, of those that were tried.
    pub success: Rate,
    /// Against its target.
    pub success_target: Judged,
    /// Failed, of those that took traffic.
    pub change_failure: Rate,
    /// Against its target.
    pub change_failure_target: Judged,
    /// Taken back, of those that took traffic, superseded ones too.
    pub rollback: Rate,
    /// From the alarm or the decision to stop until traffic was back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Spread>,
    /// Failed changes whose traffic was never read back.
    pub unrecovered: usize,
    /// Against its target.
    pub recovery_target: Judged,
    /// Whose traffic moved while the old revision still served.
    pub without_downtime: Rate,
    /// Against its target.
    pub without_downtime_target: Judged,
    /// Seven days each, the last one ends with the period; the first one may be cut by its begin.
    pub weeks: Vec<Week>,
}

/// How deployments ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// `Completed`.
    pub completed: usize,
    /// Of those, taken back later.
    pub reversed: usize,
    /// `RolledBack`, without the superseded ones.
    pub rolled_back: usize,
    /// `RollbackFailed`.
    pub rollback_failed: usize,
    /// `Aborted`, without those that are left out.
    pub aborted: usize,
    /// `Blocked`: left out of every rate.
    pub blocked: usize,
    /// Superseded by a newer image: left out.
    pub superseded: usize,
    /// Not approved, before they took traffic: left out.
    pub not_approved: usize,
}

/// Seven days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// Its begin.
    pub from: Timestamp,
    /// Completed in it.
    pub completed: usize,
    /// Tried in it and not completed, or taken back later.
    pub failed: usize,
}

/// The measures of the outcomes that fall into a period.
///
/// Hand over what came after the period, too, where it is known: a reversal counts for the deployment
/// that it takes back.
pub fn measure(outcomes: &[Outcome], period: Period) -> Measures {
    let reversals = Reversals::among(outcomes);
    let counted: Vec<&Outcome> = outcomes
        .iter()
        .filter(|one| one.reverses.is_none() && period.contains(one.ended))
        .collect();
    let mut by_target: BTreeMap<&Target, Vec<&Outcome>> = BTreeMap::new();
    for one in &counted {
        by_target.entry(&one.target).or_default().push(one);
    }
    let targets = by_target
        .into_iter()
        .map(|(target, outcomes)| TargetFigures {
            target: target.to_string(),
            figures: figures(&outcomes, &reversals, period),
        })
        .collect();
    Measures {
        period,
        targets,
        all: figures(&counted, &reversals, period),
    }
}

/// What was taken back after it had completed, with the seconds that the traffic took.
struct Reversals<'a> {
    done: BTreeMap<&'a DeploymentId, Option<i64>>,
}

impl<'a> Reversals<'a> {
    fn among(outcomes: &'a [Outcome]) -> Self {
        let mut done: BTreeMap<&DeploymentId, Option<i64>> = BTreeMap::new();
        for one in outcomes.iter().filter(|one| one.state != ExitState::Blocked) {
            if let Some(of) = &one.reverses {
                // Of several tries, the one that brought traffic back tells how long it took.
                let known = done.entry(of).or_default();
                *known = (*known).max(one.to_safe_seconds);
            }
        }
        Self { done }
    }

    fn took_back(&self, one: &Outcome) -> bool {
        self.done.contains_key(&one.deployment)
    }

    /// How long the failed change `one` took to recover from.
    fn to_safe(&self, one: &Outcome) -> Option<i64> {
        match self.done.get(&one.deployment) {
            Some(reversed) => *reversed,
            None => one.to_safe_seconds,
        }
    }
}

fn figures(counted: &[&Outcome], reversals: &Reversals<'_>, period: Period) -> Figures {
    let keep = |fits: &dyn Fn(&Outcome) -> bool| -> Vec<&Outcome> {
        counted.iter().copied().filter(|one| fits(one)).collect()
    };
    let failed = |one: &Outcome| one.failed() || reversals.took_back(one);
    let unsuccessful = |one: &Outcome| {
        one.left_out.is_none() && one.state != ExitState::Completed || reversals.took_back(one)
    };
    let tried = keep(&|one| one.left_out.is_none());
    let with_traffic = keep(&|one| one.took_traffic);
    let judged = keep(&|one| one.took_traffic && one.left_out.is_none());
    let served = keep(&|one| one.took_traffic && one.interrupts.is_some());
    let failures = keep(&failed);
    let recovered: Vec<i64> = failures.iter().filter_map(|one| reversals.to_safe(one)).collect();
    let unrecovered = failures.len() - recovered.len();
    let recovery = Spread::of(recovered);
    let leads: Vec<_> = counted.iter().filter_map(|one| one.lead).collect();
    let success = Rate::of(&tried, |one| one.state == ExitState::Completed);
    let change_failure = Rate::of(&judged, |one| failed(one));
    let without_downtime = Rate::of(&served, |one| one.interrupts == Some(false));
    let days = period.days();
    Figures {
        ended: ended(counted, reversals),
        completed_per_day: number(success.part) / days,
        completed_per_week: number(success.part) * 7.0 / days,
        lead_time: Spread::of(leads.iter().map(|lead| lead.seconds)),
        lead_times_from_commit: leads.iter().filter(|lead| lead.from == LeadFrom::Commit).count(),
        success,
        success_target: judge_success(success),
        change_failure,
        change_failure_target: judge_change_failure(change_failure),
        rollback: Rate::of(&with_traffic, |one| one.taken_back() || reversals.took_back(one)),
        recovery_target: judge_recovery(recovery.as_ref(), unrecovered),
        recovery,
        unrecovered,
        without_downtime,
        without_downtime_target: judge_without_downtime(without_downtime),
        weeks: weeks(counted, &unsuccessful, period),
    }
}

fn ended(counted: &[&Outcome], reversals: &Reversals<'_>) -> Ended {
    let mut ended = Ended::default();
    for one in counted {
        let count = match (one.left_out, one.state) {
            (Some(LeftOut::Blocked), _) | (None, ExitState::Blocked) => &mut ended.blocked,
            (Some(LeftOut::Superseded), _) => &mut ended.superseded,
            (Some(LeftOut::NotApproved), _) => &mut ended.not_approved,
            (None, ExitState::Completed) => &mut ended.completed,
            (None, ExitState::Aborted) => &mut ended.aborted,
            (None, ExitState::RolledBack) => &mut ended.rolled_back,
            (None, ExitState::RollbackFailed) => &mut ended.rollback_failed,
        };
        *count += 1;
    }
    ended.reversed = counted.iter().filter(|one| reversals.took_back(one)).count();
    ended
}

fn weeks(counted: &[&Outcome], failed: &dyn Fn(&Outcome) -> bool, period: Period) -> Vec<Week> {
    let mut weeks = Vec::new();
    let mut until = period.until;
    while until > period.since && weeks.len() < MOST_WEEKS {
        let from = until
            .checked_sub(SignedDuration::from_secs(WEEK_SECONDS))
            .map_or(period.since, |from| from.max(period.since));
        let within: Vec<&Outcome> = counted
            .iter()
            .copied()
            .filter(|one| from <= one.ended && one.ended < until)
            .collect();
        let count = |fits: &dyn Fn(&Outcome) -> bool| within.iter().filter(|one| fits(one)).count();
        weeks.push(Week {
            from,
            completed: count(&|one| one.state == ExitState::Completed),
            failed: count(failed),
        });
        until = from;
    }
    weeks.reverse();
    weeks
}
