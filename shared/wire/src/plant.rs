//! Defects that are put in on purpose, at the wire: what the judge must find.

use tidegate_local::Options;
use tidegate_local::faults::Faults;

/// A defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The table takes every write, whatever its condition says.
    TableWithoutConditions,
    /// The listener rule takes the candidate's weight again once the rollback has read it back.
    RuleReturns,
    /// Nobody looks for what events missed.
    NoSweep,
}

impl Plant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TableWithoutConditions, Self::RuleReturns, Self::NoSweep];

    /// Changes how the cloud is made.
    pub(crate) fn shape(self, options: &mut Options) {
        match self {
            Self::NoSweep => options.sweep = false,
            Self::TableWithoutConditions | Self::RuleReturns => {}
        }
    }

    /// Puts it into the cloud.
    pub(crate) fn arm(self, faults: &mut Faults) {
        match self {
            Self::TableWithoutConditions => faults.planted.unconditional = true,
            Self::RuleReturns => faults.planted.rule_returns = true,
            Self::NoSweep => {}
        }
    }
}
