//! Runs migrations as tasks of the new revision, and takes them back.

pub mod handler;

pub use handler::Migrate;
