//! The run of a function that is going on: what a call of it can do to the whole of it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Notify;

tokio::task_local! {
    static RUNNING: Running;
}

/// One run of a function. Cheap to clone; all clones are the same run.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// When the function was called.
    pub(crate) since: Timestamp,
    crashed: Arc<Notify>,
    stalled: Arc<Notify>,
}

/// How a run ended without an answer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The process is gone, from one instant to the next.
    Crashed,
    /// Nothing in it moves any more; Lambda ends it at its time limit.
    Stalled,
}

impl Running {
    /// A run that begins.
    pub(crate) fn since(since: Timestamp) -> Self {
        Self {
            since,
            crashed: Arc::default(),
            stalled: Arc::default(),
        }
    }

    /// The run that the code which asks belongs to; none outside of functions.
    pub(crate) fn current() -> Option<Self> {
        RUNNING.try_with(Clone::clone).ok()
    }

    /// Runs a function's future as this run.
    pub(crate) async fn carry<F: Future>(&self, work: F) -> F::Output {
        RUNNING.scope(self.clone(), work).await
    }

    /// Cuts it: the future is dropped where it stands.
    pub(crate) fn cut(&self, how: Cut) {
        match how {
            Cut::Crashed => self.crashed.notify_one(),
            Cut::Stalled => self.stalled.notify_one(),
        }
    }

    /// Waits until it is cut.
    pub(crate) async fn was_cut(&self) -> Cut {
        tokio::select! {
            biased;
            () = self.crashed.notified() => Cut::Crashed,
            () = self.stalled.notified() => Cut::Stalled,
        }
    }
}
