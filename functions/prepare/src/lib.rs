//! Registers the candidate's task definition and sets its health check.

pub mod handler;

pub use handler::Prepare;
