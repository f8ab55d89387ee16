//! The one place of the command line that reads the environment, besides clap's own variables and
//! AWS's.

/// Whether `NO_COLOR` is set to anything (<https://no-color.org>).
pub fn no_color() -> bool {
    lookup("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The name under which the local cloud knows whoever types: the operating system's user.
pub fn user_name() -> String {
    lookup("USER")
        .or_else(|| lookup("USERNAME"))
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "you".to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the command line reads the environment"
)]
fn lookup(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
