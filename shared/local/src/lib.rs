//! The local cloud: everything of AWS that Tidegate touches, in one process.
//!
//! ```text
//! handlers (functions/*) ── real SDK clients ── [http] ── [endpoints] ── [fleet]  simulated tasks, traffic, alarms
//!                                                 │   ├── [table]     dynoxide, in memory or on disk; a quick one for long suites
//!                                                 │   └── [engine]    the shipped state machines, run by tidegate-states
//! [driver]: time, EventBridge, the table's stream, schedules, and the functions that they call
//! ```
//!
//! Time is given, never taken: [`clock::CloudClock`] runs in real time, faster, or (on a paused tokio
//! runtime) only as fast as there is something to do.

pub mod clock;
pub mod cloud;
pub mod demo;
pub mod disk;
mod driver;
mod dynamo;
pub mod endpoints;
pub mod engine;
pub mod faults;
pub mod fleet;
mod functions;
pub mod history;
pub mod http;
pub mod names;
mod running;
pub mod sample;
pub mod server;
pub mod stage;
mod table;
pub mod view;
mod web;

pub use clock::CloudClock;
pub use cloud::{Cloud, Options};
pub use table::TableKind;
