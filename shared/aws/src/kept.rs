//! What a function of ours was answered and has not recorded yet.

use std::sync::{Mutex, PoisonError};

use tidegate_core::deployment::Deployment;
use tidegate_core::ids::DeploymentId;

/// The last answer, for one invocation of a function of ours after the other, until it is on record. An
/// answer of an invocation that has ended is none any more: whoever reads the record then can't have it, and
/// must decide the same everywhere.
#[derive(Debug)]
pub struct Kept<T>(Mutex<Option<(DeploymentId, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Kept<T> {
    /// With what a call for a deployment came to, instead of what was there.
    pub fn put(&self, deployment: &Deployment, answer: Option<T>) {
        let answer = answer.map(|answer| (deployment.id.clone(), answer));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// At the beginning of every invocation.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What was answered for a deployment.
    pub fn of(&self, deployment: &Deployment) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = kept.as_ref().filter(|(id, _)| *id == deployment.id);
        ours.map(|(_, answer)| answer.clone())
    }
}
