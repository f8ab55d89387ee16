//! What the measurements of a slot mean.
//!
//! Everything here is a pure function of its arguments. Missing, stale, too few or unreadable
//! measurements are `Inconclusive` and never `Pass` (invariant 10).

mod assess;
mod condition;
mod mann_whitney;
mod measure;

pub use assess::{Check, Measurement, Verdict, assess};
pub use condition::{Comparison, Condition, ConditionError, ConditionErrorKind, Threshold};
pub use mann_whitney::{MannWhitney, mann_whitney};
pub use measure::{KnownMetric, Samples, Unit};
