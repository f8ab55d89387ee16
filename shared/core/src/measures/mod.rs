//! How well a service is delivered, from its deployments alone: the measures and targets of the
//! seeds ("Metrics and KPIs").
//!
//! [`outcome`] says what one deployment came to, [`figures`] adds a period's outcomes up, [`spread`]
//! and [`rate`] are the two kinds of numbers, [`targets`] says what is asked of them, [`emf`] writes
//! one outcome as a metric for CloudWatch.
//!
//! What counts, and why:
//!
//! - A deployment belongs to the period in which it **ended**; one that runs is in no number.
//! - **Left out** of every rate: blocked (nothing was tried), superseded (a newer image took its
//!   place), and not approved before it took traffic (people decided, nothing failed). They are
//!   counted apart. A failed rollback is never left out.
//! - **Success rate**: completed of all that were tried. One that was taken back later did complete:
//!   it counts against the change failure rate.
//! - **Change failure rate**: of those that took traffic, those whose traffic was taken back (by an
//!   alarm, a check, a person, a failing phase) and those that were reversed after they completed.
//! - **Rollback rate**: the same with the superseded ones, because their traffic moved back too.
//! - **Time to recovery**: of each failed change, from the alarm (where its time is known, else the
//!   decision to stop) until all traffic was read back on stable. A failure whose traffic was never
//!   read back has no time, and keeps the target from being met.
//! - **Lead time**: from the commit, or else from the image's push, until completion.
//! - **Without downtime**: traffic moved while the old revision still served. `recreate` stops it
//!   first, a rollback that failed left a person with it. No probe is asked: this is about the way
//!   traffic moved. First deployments have nothing to interrupt.

pub mod emf;
pub mod figures;
pub mod outcome;
pub mod rate;
pub mod since;
pub mod spread;
pub mod targets;

pub use figures::{Figures, Measures, Period, TargetFigures, Week, measure};
pub use outcome::{LeadFrom, LeftOut, Outcome};
pub use rate::Rate;
pub use since::{NotSince, Since};
pub use spread::Spread;
pub use targets::{Answer, Judged};

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
