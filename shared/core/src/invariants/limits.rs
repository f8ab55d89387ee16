//! Bounds of the invariants that speak of time.

/// After the last execution of a deployment has ended without an exit, another one runs within this
/// many seconds: one sweep that finds it, one that lost a race, and the calls between.
pub const ORPHAN_BOUND_SECONDS: i64 = 180;

/// An exit is in the outbox of SNS within this many seconds: the stream's batch, and a few retries.
pub const NOTICE_BOUND_SECONDS: i64 = 300;

/// An alarm or a lost alarm event has led to a wish to stop within this many seconds: the sweep
/// finds what an event did not tell.
pub const STOP_BOUND_SECONDS: i64 = 180;
