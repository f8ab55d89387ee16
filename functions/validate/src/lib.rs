//! Runs the suites and looks whether the new revision is healthy.

pub mod handler;

pub use handler::Validate;
