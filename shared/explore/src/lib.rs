//! Explores what can go wrong, without AWS, a clock or a network: crashes before and after every
//! call, lost replies, functions that go on after their caller gave up, events that are lost,
//! doubled or late, alarms, pushes and people at every moment.
//!
//! The decisions are those of `tidegate-core`, unchanged. What is modelled here is everything around
//! them: the table with its conditions ([`store`]), AWS ([`aws`], the second interpreter of
//! `Action`, with [`tables`] and [`watchers`]), the functions as sequences of calls ([`function`]) and the state machines
//! ([`machine`]). [`world`] puts them on one virtual time line.
//!
//! In the order in which a reader needs them: [`setting`] (deployment files), [`script`] (what
//! happens in a run; drawn from a seed, or written by hand), [`world`], [`verdict`] (the checker),
//! [`way_back`] (from an alarm to its traffic),
//! [`random`], [`aimed`] and [`shrink`] (many runs, and the smallest failing one), [`exhaustive`] (every
//! interleaving of a small setting), [`plant`] (deliberate breaks) and [`hunt`] (each must be found),
//! [`simulate`] (a user's own deployment file).

pub mod aimed;
pub mod aws;
mod checks;
pub mod coverage;
mod decisions;
#[cfg(feature = "exhaustive")]
pub mod exhaustive;
pub mod function;
pub mod hunt;
pub mod machine;
mod meddle;
pub mod observe;
pub mod plant;
pub mod random;
pub mod script;
pub mod setting;
pub mod shrink;
pub mod simulate;
pub mod store;
pub mod tables;
pub mod verdict;
pub mod watchers;
pub mod way_back;
pub mod world;
