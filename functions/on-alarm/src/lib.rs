//! Stops deployments that watch an alarm which went to ALARM.

pub mod handler;

pub use handler::OnAlarm;
