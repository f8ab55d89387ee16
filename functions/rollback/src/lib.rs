//! Returns traffic and everything else to the stable revision.

pub mod handler;

pub use handler::Rollback;
