//! The decisions of Tidegate: what a deployment is, and what to do about it next.
//!
//! Pure: no AWS, no clock, no environment, no randomness, no async. Time and everything that was
//! read of the world come in as values, decisions go out as values:
//!
//! ```text
//! (deployment, observation, now) -> Decision { events, actions, outcome }
//! ```
//!
//! In the order in which a reader needs them: [`ids`], [`spec`], [`deployment`] and [`event`]
//! (what is known), [`observation`] (what is seen), [`action`] and [`decision`] (what is to be
//! done), [`change`] and [`contract`] (what is changed besides the image), [`phases`] (who decides what), [`target`]
//! (which push becomes a deployment), [`gates`] (people), [`cost`] (what it costs), [`release`] and [`evidence`] (what must be known
//! of an image), [`journal`] (the record), [`report`] and [`runbook`] (what people read).

pub mod action;
pub mod analysis;
pub mod analyzer;
pub mod archive;
pub mod change;
pub mod contract;
pub mod cost;
pub mod decision;
pub mod deployment;
pub mod event;
pub mod evidence;
pub mod exit;
pub mod gates;
pub mod hash;
pub mod http;
pub mod ids;
mod impact;
pub mod invariants;
pub mod journal;
pub mod junit;
mod links;
pub mod measures;
pub mod messages;
pub mod observation;
pub mod permissions;
pub mod phases;
pub mod place;
pub mod rehearsal;
pub mod release;
pub mod report;
pub mod runbook;
mod secrets;
pub mod security;
pub mod shared;
pub mod spec;
pub mod suite;
pub mod sweep;
pub mod target;
#[cfg(test)]
mod testing;
pub mod watch;
pub mod wiring;
