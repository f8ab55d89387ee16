//! What all functions share: one start-up path, one way to read configuration, one way to build a
//! client, the error names that the state machines match on, and the loop of a phase.

#[cfg(feature = "sfn")]
pub mod admit;
pub mod clock;
pub mod config;
pub mod error;
pub mod open;
pub mod phase;
pub mod start;
#[cfg(feature = "sfn")]
pub mod stop;

pub use clock::Clock;
pub use error::FunctionError;
