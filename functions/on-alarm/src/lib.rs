//! Stops deployments that watch an alarm which went to ALARM.

pub mod config;
pub mod handler;

pub use handler::OnAlarm;
