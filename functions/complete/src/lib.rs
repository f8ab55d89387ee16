//! Makes the candidate stable and releases the abort handle.

pub mod config;
pub mod handler;

pub use handler::Complete;
