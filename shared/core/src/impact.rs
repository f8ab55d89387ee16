//! How bad it was for customers, by rule: from how much of the traffic was meant for a revision that was taken
//! back, and for how long.

use jiff::Timestamp;

use crate::deployment::{Deployment, Kind};
use crate::exit::ExitState;
use crate::ids::Weight;
use crate::measures::outcome::detected_at;
use crate::measures::targets::RECOVERY_BELOW_SECONDS;

/// From this share of the traffic on, most customers had to do with it.
const MOST: u8 = 50;

/// How bad it was for customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Impact {
    /// It did not come back by itself.
    Critical,
    /// Half of the traffic or more, or longer than a recovery may take.
    Major,
    /// A smaller part of the traffic, and soon over.
    Minor,
    /// No customer had to do with it.
    None,
}

impl Impact {
    /// One word, as messages and reports have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Major => "major",
            Self::Minor => "minor",
            Self::None => "none",
        }
    }

    /// Of a rollback that has ended, or is over as far as traffic goes.
    ///
    /// `failing_since` is the end of the first window whose check failed, where one did.
    pub(crate) fn of(deployment: &Deployment, failing_since: Option<Timestamp>) -> Self {
        let failed = deployment
            .exit
            .as_ref()
            .is_some_and(|exit| exit.state == ExitState::RollbackFailed);
        if failed {
            return Self::Critical;
        }
        if share(deployment) == Weight::ZERO {
            return Self::None;
        }
        let back = deployment.rollback.as_ref().and_then(|one| one.traffic_back_at);
        match (first_sign(deployment, failing_since), back) {
            (Some(first), Some(back)) => Self::within(deployment, first, back),
            (None, _) | (_, None) => Self::Critical,
        }
    }

    /// Of what goes on at a time, before traffic is back.
    pub(crate) fn so_far(deployment: &Deployment, failing_since: Option<Timestamp>, at: Timestamp) -> Self {
        if share(deployment) == Weight::ZERO {
            return Self::None;
        }
        Self::within(
            deployment,
            first_sign(deployment, failing_since).unwrap_or(at),
            at,
        )
    }

    fn within(deployment: &Deployment, first: Timestamp, until: Timestamp) -> Self {
        let long = until.duration_since(first).as_secs_f64() >= RECOVERY_BELOW_SECONDS;
        if long || share(deployment).percent() >= MOST {
            Self::Major
        } else {
            Self::Minor
        }
    }
}

/// The largest share of the traffic that it was meant to have. What was completed had all of it.
pub(crate) fn share(deployment: &Deployment) -> Weight {
    match deployment.kind {
        Kind::Forward | Kind::Contract { .. } => deployment.peak_weight,
        Kind::Reversal { .. } => Weight::FULL,
    }
}

/// Whether all traffic was seen on stable again.
pub(crate) fn is_back(deployment: &Deployment) -> bool {
    let rollback = deployment.rollback.as_ref();
    rollback.is_some_and(|rollback| rollback.traffic_back_at.is_some())
}

/// When something was first seen to be wrong.
pub(crate) fn first_sign(deployment: &Deployment, failing_since: Option<Timestamp>) -> Option<Timestamp> {
    failing_since.into_iter().chain(detected_at(deployment)).min()
}
