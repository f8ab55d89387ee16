//! Turns an image push into deployments.

pub mod config;
pub mod handler;

pub use handler::OnImagePush;
