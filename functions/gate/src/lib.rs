//! Registers the task token of an approval.

pub mod handler;

pub use handler::Gate;
