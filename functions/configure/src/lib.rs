//! Sets parameters and flags that the new revision is configured with, and puts them back.

pub mod handler;

pub use handler::Configure;
