//! What a fleet costs: forecast before people are asked, looked at once it runs, and compared with the bill.
//!
//! Only vCPU and memory of tasks, as Fargate sells them. Load balancer, traffic, logs and storage are no part of a
//! forecast; what the bill says of them is compared afterwards.

mod compare;
mod forecast;
mod money;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use compare::{
    CostAnomaly, CostCompared, CostFound, CostRead, CostWatch, Daily, DailyMean, Days, compare, days_of,
};
pub use forecast::{CostCheck, Fleet, Forecast, Stretch, check, forecast};
pub use money::Money;

use crate::ids::Slot;

/// Hours of a month, as AWS's own calculator counts them (AWS Pricing Calculator, "Assumptions").
const HOURS_OF_MONTH: u64 = 730;

const SECONDS_OF_HOUR: u64 = 3600;

/// CPU and memory of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSize {
    /// CPU units, 1,024 to a vCPU.
    pub cpu_units: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
}

impl TaskSize {
    /// `0.25 vCPU and 0.5 GB`.
    pub fn describe(self) -> String {
        let of_1024 = |number: u32| {
            let thousandths = u64::from(number) * 1000 / 1024;
            let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        format!(
            "{} vCPU and {} GB",
            of_1024(self.cpu_units),
            of_1024(self.memory_mib)
        )
    }
}

/// What an hour of a vCPU and of a GB of memory costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// `vcpuHour`.
    pub vcpu_hour: Money,
    /// `gbHour`.
    pub gb_hour: Money,
}

/// Linux on x86 (AWS Fargate Pricing, US East (N. Virginia), on demand).
const LIST_X86: Prices = Prices {
    vcpu_hour: Money::micros(40_480),
    gb_hour: Money::micros(4_445),
};

/// Linux on ARM (same page).
const LIST_ARM: Prices = Prices {
    vcpu_hour: Money::micros(32_380),
    gb_hour: Money::micros(3_560),
};

/// Where and when the list is from.
const LIST: &str = "list prices of us-east-1, March 2026";

/// The tasks of an ECS service, as far as they cost something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksSeen {
    /// Of each; absent where the task definition does not say.
    pub size: Option<TaskSize>,
    /// How many are wanted.
    pub count: u32,
    /// Whether they run on ARM.
    pub arm: bool,
    /// Whether they run, or may, on spare capacity, whose price changes.
    pub spot: bool,
    /// Where they run instead, if it is not Linux on Fargate: `on EC2`.
    pub elsewhere: Option<String>,
    /// The most that autoscaling may make of them, where that was looked at.
    pub most: Option<u32>,
}

/// What was read of a target's tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CostSeen {
    /// Of each slot.
    pub tasks: BTreeMap<Slot, TasksSeen>,
    /// The size that a copy of each slot's task definition will have, where one is to be made.
    pub copied: BTreeMap<Slot, Option<TaskSize>>,
}

/// Prices for tasks: the file's, or the list's where it has one.
fn prices_of(given: Option<&Prices>, tasks: &TasksSeen) -> Result<Prices, String> {
    match (given, &tasks.elsewhere) {
        (Some(given), _) => Ok(*given),
        (None, Some(elsewhere)) => Err(format!(
            "its tasks run {elsewhere}, for which there is no list price"
        )),
        (None, None) if tasks.arm => Ok(LIST_ARM),
        (None, None) => Ok(LIST_X86),
    }
}

impl Prices {
    /// So many tasks for so many seconds, to the nearest micro-dollar.
    fn cost(self, size: TaskSize, tasks: u32, seconds: u64) -> Money {
        let hour = self.vcpu_hour.times(size.cpu_units.into()) + self.gb_hour.times(size.memory_mib.into());
        hour.times(u64::from(tasks))
            .scaled(seconds, 1024 * SECONDS_OF_HOUR)
    }

    fn monthly(self, size: TaskSize, tasks: u32) -> Money {
        self.cost(size, tasks, HOURS_OF_MONTH * SECONDS_OF_HOUR)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
