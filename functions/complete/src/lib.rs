//! Makes the candidate stable and releases the abort handle.

pub mod handler;

pub use handler::Complete;
