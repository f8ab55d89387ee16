//! The harness of the scenarios: a story is told on a local cloud in virtual time, every invariant is
//! checked at every step of it, and what came of it is compared with a golden file.
//!
//! ```text
//! [scenario] ── plays twice with one seed ──> [scene]  what a story can do
//!     │                                          └── tidegate_local::view   what the checker sees
//!     └── compares with tests/goldens/NAME.txt, made by [golden]
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a harness of tests: it fails by panicking"
)]

pub mod files;
mod golden;
mod scenario;
mod scene;

pub use golden::compare_file;
pub use scenario::{play_once, scenario};
pub use scene::{Scene, reason, remedy};
