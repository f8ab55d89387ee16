//! Environment variables, each with a clear error. Read once, at start.

/// Looks a variable up. Real functions read the environment, the local cloud a map.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not set, or empty.
    #[error("environment variable {0} is not set; infra/template.yaml sets it for every function")]
    Missing(&'static str),
    /// Set to nonsense.
    #[error("environment variable {name} is wrong: {reason}")]
    Invalid {
        /// Which.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// A variable that must be there.
///
/// # Errors
/// Where it is missing or empty.
pub fn required(lookup: Lookup<'_>, name: &'static str) -> Result<String, ConfigError> {
    optional(lookup, name).ok_or(ConfigError::Missing(name))
}

/// A variable that may be absent or empty.
pub fn optional(lookup: Lookup<'_>, name: &'static str) -> Option<String> {
    lookup(name).filter(|value| !value.trim().is_empty())
}

/// The name of the table, which every function needs.
///
/// # Errors
/// Where it is missing.
pub fn table(lookup: Lookup<'_>) -> Result<String, ConfigError> {
    required(lookup, "TIDEGATE_TABLE")
}
