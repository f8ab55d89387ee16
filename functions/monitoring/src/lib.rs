//! Makes dashboard and alarms what the file says, and brings back what was there.

pub mod handler;

pub use handler::Monitoring;
