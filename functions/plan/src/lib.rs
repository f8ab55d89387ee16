//! Checks every requirement and makes the plan.

pub mod handler;

pub use handler::Plan;
