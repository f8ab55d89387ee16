//! What the environment must say.

use tidegate_lambda::config::{ConfigError, Lookup, optional, required, table};

/// The function's configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the table.
    pub table: String,
    /// ARN of the topic.
    pub topic: String,
    /// Name or ARN of the event bus.
    pub bus: String,
    /// URL of the Slack incoming webhook; a secret. Nothing is sent to Slack without one.
    pub slack_webhook: Option<String>,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: table(lookup)?,
            topic: required(lookup, "TIDEGATE_TOPIC")?,
            bus: required(lookup, "TIDEGATE_BUS")?,
            slack_webhook: optional(lookup, "TIDEGATE_SLACK_WEBHOOK"),
        })
    }
}
