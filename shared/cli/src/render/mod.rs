//! What people see, made by pure functions of what was read and the time.

mod changes;
mod deployment;
mod gates;
mod list;
mod measures;
mod paint;
mod phases;
mod plan;
mod release;
mod target;
pub mod words;

pub use changes::behind;
pub use deployment::{deployment, ended_well};
pub use gates::open_gate;
pub use list::list;
pub use measures::{any_missed, measures};
pub use paint::Paint;
pub use plan::{missing, plan};
pub use release::release;
pub use target::notes;
pub use words::clean;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
pub mod samples;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
