//! What a deployment will cost, and whether what runs then costs that.

use serde::{Deserialize, Serialize};

use super::{CostSeen, LIST, Money, Prices, TaskSize, TasksSeen, prices_of};
use crate::analysis::Verdict;
use crate::ids::Slot;
use crate::spec::Cost;

/// Tasks and what they cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// How many.
    pub tasks: u32,
    /// Of each.
    pub size: TaskSize,
    /// Whether they run on ARM.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub arm: bool,
    /// In a month of 730 hours.
    pub monthly: Money,
}

/// What a deployment will cost, as far as tasks go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// What serves now; absent for a first deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Fleet>,
    /// What will serve.
    pub after: Fleet,
    /// What both fleets cost beside each other: the candidate's tasks until they have all of the traffic, then the old
    /// ones while they stay warm.
    pub meanwhile: Money,
    /// Which prices it rests on, in words.
    pub prices: String,
    /// What is beyond the limits of the file, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<String>,
}

/// So many tasks of one of the fleets for so long, besides the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Whether it is the candidate's.
    pub candidate: bool,
    /// How many.
    pub tasks: u32,
    /// How long.
    pub seconds: u64,
}

/// What running tasks cost, against what was forecast and the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CostCheck {
    /// `Fail`: more than the forecast, and beyond a limit. `Inconclusive`: it can't be told.
    pub verdict: Verdict,
    /// What runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<Fleet>,
    /// In words.
    pub reason: String,
}

impl Fleet {
    fn of(asked: &Cost, tasks: &TasksSeen, count: u32) -> Result<(Self, Prices), String> {
        let size = tasks
            .size
            .ok_or("its task definition does not say how much CPU and memory a task has")?;
        let prices = prices_of(asked.prices.as_ref(), tasks)?;
        let fleet = Self {
            tasks: count,
            size,
            arm: tasks.arm,
            monthly: prices.monthly(size, count),
        };
        Ok((fleet, prices))
    }

    /// `10 tasks of 0.25 vCPU and 0.5 GB (ARM)`.
    pub fn describe(&self) -> String {
        let s = if self.tasks == 1 { "" } else { "s" };
        let arm = if self.arm { " (ARM)" } else { "" };
        format!("{} task{s} of {}{arm}", self.tasks, self.size.describe())
    }
}

/// The forecast of a plan, or why there can be none. The candidate is a copy of `stable`, or of what its own slot has,
/// and has `count` tasks at full traffic.
///
/// # Errors
/// What is not known.
pub fn forecast(
    asked: &Cost,
    seen: &CostSeen,
    (stable, candidate): (Option<Slot>, Slot),
    count: u32,
    beside: &[Stretch],
) -> Result<Forecast, String> {
    let copied = stable.unwrap_or(candidate);
    let (Some(model), Some(size)) = (seen.tasks.get(&copied), seen.copied.get(&copied)) else {
        return Err("its tasks could not be read".to_owned());
    };
    let before = match stable {
        Some(_) => Some(Fleet::of(asked, model, model.count)?),
        None => None,
    };
    let planned = TasksSeen {
        size: *size,
        ..model.clone()
    };
    let (after, prices) = Fleet::of(asked, &planned, count)?;
    let cost = |stretch: &Stretch| {
        let (size, prices) = match (&before, stretch.candidate) {
            (Some((stable, prices)), false) => (stable.size, *prices),
            (None, false) => return Money::ZERO,
            (_, true) => (after.size, prices),
        };
        prices.cost(size, stretch.tasks, stretch.seconds)
    };
    let meanwhile = beside.iter().map(cost).sum();
    let before = before.map(|(fleet, _)| fleet);
    let list = if asked.prices.is_some() {
        "prices of the deployment file"
    } else {
        LIST
    };
    let beyond = asked.beyond(before.as_ref().map(|fleet| fleet.monthly), after.monthly);
    Ok(Forecast {
        before,
        after,
        meanwhile,
        prices: format!(
            "{list}{}",
            if model.spot {
                ", Spot counted as on demand"
            } else {
                ""
            }
        ),
        beyond,
    })
}

impl Forecast {
    /// `$12.00 a month, 20 % more than now ($10.00), beyond the 10 % more that it may; the deployment itself about
    /// $0.04`.
    pub fn summary(&self) -> String {
        let monthly = self.after.monthly;
        let than = self.before.as_ref().and_then(|before| {
            let against = monthly.against(before.monthly)?;
            let than = if against == "the same" { "as" } else { "than" };
            Some(format!(", {against} {than} now ({})", before.monthly))
        });
        let than = than.unwrap_or_default();
        let beyond = said(&self.beyond);
        format!(
            "{monthly} a month{than}{beyond}; the deployment itself about {}",
            self.meanwhile
        )
    }

    /// What it rests on: tasks before and after, and prices.
    pub fn basis(&self) -> String {
        let before = self.before.as_ref().map(Fleet::describe);
        let before = before.map_or_else(String::new, |before| format!(", now {before}"));
        format!(
            "{}{before}; vCPU and memory alone, at {}",
            self.after.describe(),
            self.prices
        )
    }

    /// All of it in one line.
    pub fn describe(&self) -> String {
        format!("{} ({})", self.summary(), self.basis())
    }
}

/// Behind a sum: `, beyond the 10 % more that it may`.
fn said(beyond: &[String]) -> String {
    beyond.iter().map(|one| format!(", {one}")).collect()
}

/// What the candidate costs as it runs, against the forecast and the limits. What people have agreed to, or did not
/// have to, is no failure.
pub fn check(asked: &Cost, planned: &Forecast, seen: &TasksSeen) -> CostCheck {
    let (fleet, prices) = match Fleet::of(asked, seen, seen.count) {
        Ok(found) => found,
        Err(reason) => {
            return CostCheck {
                verdict: Verdict::Inconclusive,
                fleet: None,
                reason: format!("what runs can't be priced: {reason}"),
            };
        }
    };
    let beyond = asked.beyond(planned.before.as_ref().map(|fleet| fleet.monthly), fleet.monthly);
    let against = match fleet.monthly.against(planned.after.monthly) {
        Some(same) if same == "the same" => "as forecast".to_owned(),
        Some(against) => format!("{against} than forecast"),
        None => "forecast as nothing".to_owned(),
    };
    let most = seen.most.filter(|most| *most > fleet.tasks).map(|most| {
        let monthly = prices.monthly(fleet.size, most);
        format!("; autoscaling may make {most} of them: {monthly} a month")
    });
    let fails = fleet.monthly > planned.after.monthly && !beyond.is_empty();
    let limit = if fails { said(&beyond) } else { String::new() };
    CostCheck {
        verdict: if fails { Verdict::Fail } else { Verdict::Pass },
        reason: format!(
            "{} a month, {against}{limit}: {}{}",
            fleet.monthly,
            fleet.describe(),
            most.unwrap_or_default()
        ),
        fleet: Some(fleet),
    }
}

impl Cost {
    /// Which limits a month's cost is beyond.
    fn beyond(&self, before: Option<Money>, after: Money) -> Vec<String> {
        let increase = self.max_increase_percent.zip(before);
        let increase = increase.filter(|(percent, before)| after.is_beyond(*before, *percent));
        let monthly = self.max_monthly.filter(|most| after > *most);
        let increase = increase.map(|(percent, _)| format!("beyond the {percent} % more that it may"));
        let monthly = monthly.map(|most| format!("beyond the {most} that it may"));
        increase.into_iter().chain(monthly).collect()
    }
}
