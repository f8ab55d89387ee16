//! The one place of the command line that reads the clock. It is used for signatures, and where a
//! server does not say what time it has.

use jiff::Timestamp;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the command line reads the clock"
)]
pub fn now() -> Timestamp {
    Timestamp::now()
}
