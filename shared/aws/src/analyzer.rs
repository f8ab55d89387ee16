//! The user's analyzer: called once, its answer kept until it is on record.

use aws_types::SdkConfig;
use tidegate_core::analyzer::{AnalyzerWork, cost, payload, read_answer};
use tidegate_core::change::{Change, Proposed};
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::ChangeId;
use tidegate_core::suite::read_error;

use crate::call::{Called, Functions, call, functions};
use crate::error::{AwsError, Kind};
use crate::kept::Kept;

/// Calls the analyzer for one invocation of a function of ours after the other.
#[derive(Debug)]
pub struct Analyzers {
    functions: Functions,
    answer: Kept<(ChangeId, Proposed)>,
}

impl Analyzers {
    /// With nothing answered.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            functions: functions(sdk),
            answer: Kept::default(),
        }
    }

    /// At the beginning of every invocation.
    pub fn begin(&self) {
        self.answer.clear();
    }

    /// Calls it and waits for its answer, which [`Analyzers::observe`] then has.
    ///
    /// # Errors
    /// Where what it is given can't be written.
    pub async fn propose(
        &self,
        deployment: &Deployment,
        change: &Change,
        work: &AnalyzerWork,
    ) -> Result<(), AwsError> {
        let what = || format!("failed to ask {} for {}", change.id, deployment.target);
        let given = serde_json::to_vec(&payload(deployment))
            .map_err(|error| AwsError::answer(what(), Kind::Invalid, error.to_string()))?;
        let called = call(&self.functions, &work.function, given, work.timeout_seconds).await;
        let price = deployment.spec.analyzer.as_ref();
        let price = price.map_or(0.0, |analyzer| analyzer.price_per_gb_second);
        let proposed = proposed(called, work, price);
        self.answer.put(deployment, Some((change.id.clone(), proposed)));
        Ok(())
    }

    /// What it has answered just now.
    pub fn observe(&self, deployment: &Deployment, change: &Change) -> Proposed {
        let ours = self.answer.of(deployment).filter(|(of, _)| *of == change.id);
        ours.map_or(Proposed::NotBegun, |(_, proposed)| proposed)
    }
}

fn proposed(called: Called, work: &AnalyzerWork, price_per_gb_second: f64) -> Proposed {
    let read = match called {
        Called::Returned {
            payload,
            error: None,
            log,
        } => read_answer(&payload, cost(&log, price_per_gb_second)),
        Called::Returned {
            payload,
            error: Some(kind),
            ..
        } => Err(read_error(&kind, &payload)),
        Called::TimedOut => Err(format!("it did not answer within {} s", work.timeout_seconds)),
        Called::NotRun(reason) | Called::Refused(reason) => Err(format!("it can't be called: {reason}")),
        Called::Lost(reason) => Err(format!("its answer was lost: {reason}")),
    };
    match read {
        Ok(proposal) => Proposed::Ready {
            proposal: Box::new(proposal),
        },
        Err(reason) => Proposed::Failed { reason },
    }
}
