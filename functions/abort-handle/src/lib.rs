//! Registers the task token that stops a deployment.

pub mod handler;

pub use handler::AbortHandle;
