//! Looks whether a person has made what the file expects of the infrastructure.

pub mod handler;

pub use handler::Infrastructure;
