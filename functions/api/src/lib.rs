//! The one door for people: authorisation, identity and audit.

pub mod config;
mod contract;
mod decide;
mod deploy;
pub mod handler;
pub mod http;
mod identity;
mod measures;
pub mod model;
mod read;
mod release;
mod route;
mod targets;

pub use handler::Api;
