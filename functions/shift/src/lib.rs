//! Scales, tests, raises the weight and watches it.

pub mod handler;

pub use handler::Shift;
