//! Suites that are Lambda functions: called, and their answers kept until they are on record.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_types::SdkConfig;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::DeploymentId;
use tidegate_core::spec::SuiteName;
use tidegate_core::suite::{
    SuiteAnswer, SuiteCalled, SuiteFunction, SuiteReport, payload, read_answer, read_error,
};

use crate::call::{Called, Functions, call, functions};
use crate::error::{AwsError, Kind};

/// Calls suites for one invocation of a function of ours after the other.
#[derive(Debug)]
pub struct SuiteFunctions {
    functions: Functions,
    /// The last answer, until it is on record. An answer of an invocation that has ended is none any more:
    /// whoever reads the record then can't have it, and must decide the same everywhere.
    answer: Mutex<Option<(DeploymentId, SuiteName, SuiteAnswer)>>,
}

impl SuiteFunctions {
    /// With nothing answered.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            functions: functions(sdk),
            answer: Mutex::new(None),
        }
    }

    /// At the beginning of every invocation.
    pub fn begin(&self) {
        self.keep(None);
    }

    /// Calls a suite and waits for its answer, which [`SuiteFunctions::answers`] then has. A lost answer is
    /// no error: whoever looks next finds none.
    ///
    /// # Errors
    /// Before the deployment has a plan.
    pub async fn call(
        &self,
        deployment: &Deployment,
        suite: &SuiteName,
        function: &SuiteFunction,
        attempt: u32,
    ) -> Result<(), AwsError> {
        let what = || format!("failed to call suite {} of {}", suite.0, deployment.target);
        let given = payload(deployment, suite, function, attempt)
            .ok_or_else(|| AwsError::answer(what(), Kind::Invalid, "there is no plan yet"))?;
        let given = serde_json::to_vec(&given)
            .map_err(|error| AwsError::answer(what(), Kind::Invalid, error.to_string()))?;
        let called = call(
            &self.functions,
            &function.function,
            given,
            function.timeout_seconds,
        )
        .await;
        let answer = result(called, function).map(|result| SuiteAnswer { attempt, result });
        self.keep(answer.map(|answer| (deployment.id.clone(), suite.clone(), answer)));
        Ok(())
    }

    /// What was answered for a deployment and may not be on record.
    pub fn answers(&self, deployment: &Deployment) -> BTreeMap<SuiteName, SuiteAnswer> {
        let kept = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = kept.iter().filter(|(id, _, _)| *id == deployment.id);
        ours.map(|(_, suite, answer)| (suite.clone(), answer.clone()))
            .collect()
    }

    fn keep(&self, answer: Option<(DeploymentId, SuiteName, SuiteAnswer)>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

/// What a call came to; nothing where the answer was lost.
fn result(called: Called, function: &SuiteFunction) -> Option<SuiteCalled> {
    let report = match called {
        Called::Returned { payload, error, log } => {
            let report = match error {
                Some(kind) => SuiteReport::broken(&read_error(&kind, &payload)),
                None => read_answer(&payload),
            };
            match function.silent {
                true => report,
                false => report.with_log(&log),
            }
        }
        Called::TimedOut => SuiteReport::broken(&format!(
            "it did not answer within {} s",
            function.timeout_seconds
        )),
        Called::Refused(reason) => SuiteReport::broken(&format!("it can't be called: {reason}")),
        Called::NotRun(reason) => {
            let reason = SuiteReport::broken(&reason).problem.unwrap_or_default();
            return Some(SuiteCalled::NotRun { reason });
        }
        Called::Lost(_) => return None,
    };
    Some(SuiteCalled::Answered { report })
}
