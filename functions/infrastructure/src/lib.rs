//! Updates the infrastructure, and looks whether a person has made what the file expects of it.

pub mod handler;

pub use handler::Infrastructure;
