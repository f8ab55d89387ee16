//! What the environment must say.

use tidegate_aws::schedule::Scheduling;
use tidegate_lambda::config::{ConfigError, Lookup, required, table};

/// The function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the table.
    pub table: String,
    /// Where contracts are scheduled, and what the schedules reach.
    pub scheduling: Scheduling,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: table(lookup)?,
            scheduling: Scheduling {
                group: required(lookup, "TIDEGATE_SCHEDULE_GROUP")?,
                function: required(lookup, "TIDEGATE_SWEEP_FUNCTION")?,
                role: required(lookup, "TIDEGATE_SCHEDULE_ROLE")?,
                dead_letters: required(lookup, "TIDEGATE_DEAD_LETTERS")?,
            },
        })
    }
}
