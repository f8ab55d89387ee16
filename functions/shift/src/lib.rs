//! Scales, tests, raises the weight and watches it.

pub mod config;
pub mod handler;

pub use handler::Shift;
