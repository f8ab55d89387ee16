//! Tells people and machines what the journal says.

pub mod config;
pub mod handler;
pub mod metrics;
pub mod slack;

pub use handler::Notify;
