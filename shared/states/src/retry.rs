//! Retriers and catchers (Amazon States Language, "Retrying after error" and
//! "Fallback states").

use jiff::SignedDuration;

use crate::failure::Failure;
use crate::ids::mix;
use crate::path::Path;

/// Whether a retrier's delay is spread out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jitter {
    None,
    /// Anywhere between nothing and the whole delay.
    Full,
}

/// One entry of `Retry`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Retrier {
    pub(crate) errors: Vec<String>,
    pub(crate) interval_seconds: u32,
    pub(crate) max_attempts: u32,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<u32>,
    pub(crate) jitter: Jitter,
}

/// Longest delay that is ever computed, in seconds: what AWS allows at most
/// for an interval (AWS page "Handling errors": 99,999,999).
const MAX_SECONDS: f64 = 99_999_999.0;

impl Retrier {
    /// The delay before retry `attempt` (from 0): interval × rate ^ attempt,
    /// at most the maximum delay, then jittered with `random`, which moves on
    /// only where it is used.
    pub(crate) fn delay(&self, attempt: u32, random: &mut u64) -> SignedDuration {
        let grown = f64::from(self.interval_seconds) * self.backoff_rate.powf(f64::from(attempt));
        let most = self.max_delay_seconds.map_or(MAX_SECONDS, f64::from);
        let seconds = grown.min(most);
        let seconds = match self.jitter {
            Jitter::None => seconds,
            Jitter::Full => {
                *random = mix(*random);
                seconds * unit_fraction(*random)
            }
        };
        // Fits: bounded by MAX_SECONDS above.
        let millis = (seconds * 1000.0).round() as i64;
        SignedDuration::from_millis(millis)
    }
}

/// A number from 0 to below 1, from the upper 32 bits.
fn unit_fraction(random: u64) -> f64 {
    let upper = u32::try_from(random >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

/// One entry of `Catch`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Catcher {
    pub(crate) errors: Vec<String>,
    pub(crate) next: String,
    /// Where the error goes; `None` drops it.
    pub(crate) result_path: Option<Path>,
}

/// Whether an `ErrorEquals` takes the failure.
pub(crate) fn takes(errors: &[String], failure: &Failure) -> bool {
    errors.iter().any(|pattern| failure.matches(pattern))
}
