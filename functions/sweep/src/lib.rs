//! Finds what events missed.

pub mod config;
pub mod handler;

pub use handler::Sweep;
