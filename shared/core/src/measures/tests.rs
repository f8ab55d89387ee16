//! Outcomes from real folds, then figures from outcomes, then what is asked of them.

mod emf;
mod figures;
mod outcome;
mod targets;

use jiff::{SignedDuration, Timestamp};

use super::{LeadFrom, Outcome, Period};
use crate::exit::ExitState;
use crate::measures::outcome::Lead;

/// The end of the period of these tests.
fn until() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

/// So many days before the end.
fn days_before(days: i64) -> Timestamp {
    until() - SignedDuration::from_hours(24 * days)
}

fn last_days(days: i64) -> Period {
    Period {
        since: days_before(days),
        until: until(),
    }
}

/// A completed deployment of `web/production` that ended so many days before the end.
fn completed(id: &str, days: i64) -> Outcome {
    Outcome {
        deployment: id.parse().unwrap(),
        target: "web/production".parse().unwrap(),
        reverses: None,
        state: ExitState::Completed,
        ended: days_before(days),
        duration_seconds: 2400,
        took_traffic: true,
        left_out: None,
        lead: Some(Lead {
            seconds: 3600,
            from: LeadFrom::Push,
        }),
        to_safe_seconds: None,
        interrupts: Some(false),
    }
}

/// One that was rolled back within so many seconds.
fn rolled_back(id: &str, days: i64, seconds: i64) -> Outcome {
    Outcome {
        state: ExitState::RolledBack,
        lead: None,
        to_safe_seconds: Some(seconds),
        ..completed(id, days)
    }
}
