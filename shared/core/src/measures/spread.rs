//! Times of several deployments together.

use serde::{Deserialize, Serialize};

/// From so many values on, a 90th percentile says something that the largest value does not.
const P90_FROM: usize = 10;

/// How a number of times are spread, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// How many there are; above zero.
    pub count: usize,
    /// Arithmetic mean.
    pub mean_seconds: f64,
    /// The middle one, or the mean of the two in the middle.
    pub median_seconds: f64,
    /// 90 % are at most this (nearest rank); absent below ten values, where it would only be the
    /// largest under another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_seconds: Option<f64>,
    /// The largest.
    pub max_seconds: f64,
}

impl Spread {
    /// Of times in seconds; nothing where there are none.
    pub fn of(times: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut times: Vec<f64> = times.into_iter().map(exact).collect();
        times.sort_by(f64::total_cmp);
        let count = times.len();
        let max_seconds = *times.last()?;
        let middle = |index: usize| times.get(index).copied().unwrap_or(max_seconds);
        let median_seconds = f64::midpoint(middle((count - 1) / 2), middle(count / 2));
        // Nearest rank: the smallest value that at least 90 % of all do not exceed.
        let p90 = || middle((count * 9).div_ceil(10) - 1);
        Some(Self {
            count,
            mean_seconds: times.iter().sum::<f64>() / number(count),
            median_seconds,
            p90_seconds: (count >= P90_FROM).then(p90),
            max_seconds,
        })
    }
}

/// Seconds of a few thousand years at most are exact as a float.
fn exact(seconds: i64) -> f64 {
    u32::try_from(seconds).map_or(f64::from(u32::MAX), f64::from)
}

/// A count as a float; counts of deployments are small.
pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
