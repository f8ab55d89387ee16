//! What the environment must say.

use tidegate_lambda::config::{ConfigError, Lookup, required, table};

/// The function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the table.
    pub table: String,
    /// ARN of the deployment state machine.
    pub deployment_machine: String,
    /// ARN of the rollback state machine.
    pub rollback_machine: String,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: table(lookup)?,
            deployment_machine: required(lookup, "TIDEGATE_DEPLOYMENT_MACHINE")?,
            rollback_machine: required(lookup, "TIDEGATE_ROLLBACK_MACHINE")?,
        })
    }
}
