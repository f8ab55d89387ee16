//! How secrets are told from other texts, as far as that can be told.

/// How keys of well-known services begin.
const KEY_BEGINNINGS: [&str; 10] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// Whether a text begins as keys of well-known services do.
pub(crate) fn begins_as_key(text: &str) -> bool {
    KEY_BEGINNINGS.iter().any(|start| text.starts_with(start))
}
