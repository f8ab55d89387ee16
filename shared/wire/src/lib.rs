//! Faults at every call to AWS.
//!
//! The real functions, through real SDK clients, driven by the shipped state machines, on the local
//! cloud in virtual time. With one seed the calls to AWS come in one order, so every one of them can
//! be told by its number and be made to go wrong:
//!
//! ```text
//! [script]  canary+alarm/17/lose-reply      what goes wrong where
//!    │
//! [run]     plays it ──> [judge] holds the end against every invariant, and asks who serves
//!    │
//! [plan]    all single faults, events, drawn pairs  [pairs] all pairs   [pool] on all cores
//! [story]   a failing run for a reader          [coverage] which calls met which faults
//! [instants] an alarm at any instant: how fast traffic is back
//! [plant]   defects put in on purpose: a check that can't fail is none
//! ```

pub mod coverage;
pub mod instants;
pub mod judge;
pub mod pairs;
pub mod plan;
pub mod plant;
pub mod pool;
pub mod run;
pub mod script;
pub mod story;
pub mod strategy;

mod files;

pub use run::{Run, play_script};
pub use script::{Case, Kind, Script, Upset, Way};
pub use strategy::Strategy;
