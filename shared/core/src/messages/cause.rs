//! Why a deployment was stopped, in the few words that fit a subject line.

use super::text::clean;
use crate::exit::AbortCause;

/// A few words; [`AbortCause::describe`] has the whole of it.
pub(super) fn headline(cause: &AbortCause) -> String {
    match cause {
        AbortCause::AlarmRaised { alarm, .. } => format!("alarm {} went to ALARM", clean(alarm)),
        AbortCause::AskedFor { by, .. } => format!("{} asked for it", clean(by.as_str())),
        AbortCause::Superseded { .. } => "a newer image takes its place".to_owned(),
        AbortCause::Rejected { by, .. } => format!("{} rejected it", clean(by.as_str())),
        AbortCause::ApprovalExpired { .. } => "nobody approved it in time".to_owned(),
        AbortCause::AnalysisFailed { .. } => "analysis failed".to_owned(),
        AbortCause::AnalysisInconclusive { .. } => "analysis came to no conclusion".to_owned(),
        AbortCause::ConditionMet { .. } => "a rollback condition is met".to_owned(),
        AbortCause::CandidateUnhealthy { .. } => "the candidate is not healthy".to_owned(),
        AbortCause::SuiteFailed { .. } => "tests failed".to_owned(),
        AbortCause::ChangedOutside { .. } => "something was changed from outside".to_owned(),
        AbortCause::ChangeFailed { change, .. } => format!("{} failed", clean(change.as_str())),
        AbortCause::NotApplied { .. } => "nobody applied in time what differs".to_owned(),
        AbortCause::PhaseFailed { .. } => "a phase failed".to_owned(),
        AbortCause::TimedOut => "it took too long".to_owned(),
    }
}
