//! So many of so many.

use serde::{Deserialize, Serialize};

use super::spread::number;

/// A share with what it is a share of, so that nobody takes 1 of 1 for 100 of 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many are meant.
    pub part: usize,
    /// Of how many.
    pub whole: usize,
}

impl Rate {
    /// Counts those of `all` that fit.
    pub(super) fn of<T>(all: &[T], fits: impl Fn(&T) -> bool) -> Self {
        Self {
            part: all.iter().filter(|one| fits(one)).count(),
            whole: all.len(),
        }
    }

    /// In percent; nothing where there is nothing to have a share of.
    pub fn percent(self) -> Option<f64> {
        (self.whole > 0).then(|| number(self.part) * 100.0 / number(self.whole))
    }
}
