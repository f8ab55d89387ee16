//! What the environment must say.

use tidegate_lambda::config::{ConfigError, Lookup, table};

/// The function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the table.
    pub table: String,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: table(lookup)?,
        })
    }
}
