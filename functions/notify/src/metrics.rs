//! Metrics, as lines that CloudWatch finds in the function's log.

use std::fmt;
use std::io::Write;

/// Where lines of the embedded metric format go.
pub struct Lines(Box<dyn Fn(&str) + Send + Sync>);

impl Lines {
    /// To stdout, which is the function's log: each line an event of its own.
    pub fn stdout() -> Self {
        Self::to(|line| {
            // A metric that can't be written must not keep a message from anyone.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        })
    }

    /// To someone else.
    pub fn to(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Box::new(take))
    }

    /// Writes one.
    pub(crate) fn write(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}
