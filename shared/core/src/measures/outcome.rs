//! What one deployment came to.

use jiff::Timestamp;

use crate::deployment::{Deployment, Kind, Traffic};
use crate::exit::{AbortCause, Exit, ExitState};
use crate::ids::{DeploymentId, Target};

/// An ended deployment, as far as measures are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub deployment: DeploymentId,
    /// Of what, and where.
    pub target: Target,
    /// The completed deployment that this one takes back; absent for one that goes forward.
    pub reverses: Option<DeploymentId>,
    /// How it ended.
    pub state: ExitState,
    /// When.
    pub ended: Timestamp,
    /// From the wish to deploy to the end.
    pub duration_seconds: i64,
    /// Whether customers ever had to do with it.
    pub took_traffic: bool,
    /// Why it is in no rate, where that is so.
    pub left_out: Option<LeftOut>,
    /// From commit or push to completion.
    pub lead: Option<Lead>,
    /// From the alarm or the decision to stop until all traffic was read back on stable.
    pub to_safe_seconds: Option<i64>,
    /// Whether the way in which traffic moved interrupts a service; absent where none served before.
    pub interrupts: Option<bool>,
}

/// A lead time and what it counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lead {
    /// How long.
    pub seconds: i64,
    /// From what.
    pub from: LeadFrom,
}

/// What a lead time counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadFrom {
    /// The commit, as the release record has it.
    Commit,
    /// The push of the image: nobody recorded the commit.
    Push,
}

/// Why a deployment says nothing about how well changes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// A requirement was missing: nothing was tried.
    Blocked,
    /// A newer image took its place.
    Superseded,
    /// People did not approve it, and it had no traffic yet.
    NotApproved,
}

impl Outcome {
    /// Of a deployment that has ended; nothing while it runs, nor of a contract.
    ///
    /// `committed_at` is when the change was committed, where a release record says so.
    pub fn of(deployment: &Deployment, committed_at: Option<Timestamp>) -> Option<Self> {
        let exit = deployment.exit.as_ref()?;
        let reverses = match &deployment.kind {
            Kind::Forward => None,
            Kind::Reversal { of } => Some(of.clone()),
            // It brings nothing out that could fail or succeed.
            Kind::Contract { .. } => return None,
        };
        let lead = (reverses.is_none() && exit.state == ExitState::Completed)
            .then(|| lead(deployment, committed_at, exit.at));
        Some(Self {
            deployment: deployment.id.clone(),
            target: deployment.target.clone(),
            reverses,
            state: exit.state,
            ended: exit.at,
            duration_seconds: seconds(deployment.requested_at, exit.at),
            took_traffic: deployment.took_traffic(),
            left_out: left_out(deployment, exit),
            lead,
            to_safe_seconds: to_safe(deployment),
            interrupts: interrupts(deployment, exit),
        })
    }

    /// Whether its traffic was taken back before it completed.
    pub fn taken_back(&self) -> bool {
        match self.state {
            ExitState::RolledBack | ExitState::RollbackFailed => self.took_traffic,
            ExitState::Completed | ExitState::Blocked | ExitState::Aborted => false,
        }
    }

    /// Whether the change failed while it was brought out. It can fail later, too, by a reversal.
    pub fn failed(&self) -> bool {
        self.taken_back() && self.left_out.is_none()
    }
}

fn lead(deployment: &Deployment, committed_at: Option<Timestamp>, done: Timestamp) -> Lead {
    let (start, from) = match committed_at {
        Some(at) => (at, LeadFrom::Commit),
        None => (deployment.revision.pushed_at, LeadFrom::Push),
    };
    Lead {
        seconds: seconds(start, done),
        from,
    }
}

fn left_out(deployment: &Deployment, exit: &Exit) -> Option<LeftOut> {
    let cause = deployment.abort.as_ref().map(|abort| &abort.cause);
    match exit.state {
        ExitState::Blocked => Some(LeftOut::Blocked),
        ExitState::Completed | ExitState::RollbackFailed => None,
        ExitState::Aborted | ExitState::RolledBack => match cause? {
            AbortCause::Superseded { .. } => Some(LeftOut::Superseded),
            AbortCause::Rejected { .. } | AbortCause::ApprovalExpired { .. } => {
                (!deployment.took_traffic()).then_some(LeftOut::NotApproved)
            }
            AbortCause::AlarmRaised { .. }
            | AbortCause::AskedFor { .. }
            | AbortCause::AnalysisFailed { .. }
            | AbortCause::AnalysisInconclusive { .. }
            | AbortCause::ConditionMet { .. }
            | AbortCause::CandidateUnhealthy { .. }
            | AbortCause::SuiteFailed { .. }
            | AbortCause::ChangedOutside { .. }
            | AbortCause::ChangeFailed { .. }
            | AbortCause::NotApplied { .. }
            | AbortCause::PhaseFailed { .. }
            | AbortCause::TimedOut => None,
        },
    }
}

/// When it was first known that something is wrong: the alarm's own time where it is known, and not
/// before the deployment or after the decision, else the decision to stop.
pub fn detected_at(deployment: &Deployment) -> Option<Timestamp> {
    let abort = deployment.abort.as_ref()?;
    let raised = if let AbortCause::AlarmRaised { raised_at, .. } = &abort.cause {
        *raised_at
    } else {
        None
    };
    let known = raised.filter(|at| deployment.requested_at <= *at && *at <= abort.at);
    Some(known.unwrap_or(abort.at))
}

fn to_safe(deployment: &Deployment) -> Option<i64> {
    let back = deployment.rollback.as_ref()?.traffic_back_at?;
    Some(seconds(detected_at(deployment)?, back))
}

fn interrupts(deployment: &Deployment, exit: &Exit) -> Option<bool> {
    let plan = deployment.plan.as_ref()?;
    plan.stable.as_ref()?;
    Some(plan.traffic == Traffic::Recreate || exit.state == ExitState::RollbackFailed)
}

/// Whole seconds between two times; 0 where clocks disagree about their order.
fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs().max(0)
}
