//! Registers the task token of an approval.

pub mod config;
pub mod handler;

pub use handler::Gate;
