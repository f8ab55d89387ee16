//! Suites that are Lambda functions: called, and their answers kept until they are on record.

use std::collections::BTreeMap;

use aws_types::SdkConfig;
use tidegate_core::action::Action;
use tidegate_core::deployment::Deployment;
use tidegate_core::spec::SuiteName;
use tidegate_core::suite::{
    SuiteAnswer, SuiteCalled, SuiteFunction, SuiteReport, payload, read_answer, read_error,
};

use crate::apply::apply;
use crate::call::{Called, Functions, call, functions};
use crate::error::{AwsError, Kind};
use crate::kept::Kept;

/// Calls suites for one invocation of a function of ours after the other.
#[derive(Debug)]
pub struct SuiteFunctions {
    functions: Functions,
    answer: Kept<(SuiteName, SuiteAnswer)>,
}

impl SuiteFunctions {
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

    /// Carries out an action of a phase that has suites: a call of one here, all else by [`apply`].
    ///
    /// # Errors
    /// Where AWS refuses or can't be asked.
    pub async fn apply(
        &self,
        ecs: &aws_sdk_ecs::Client,
        elb: &aws_sdk_elasticloadbalancingv2::Client,
        deployment: &Deployment,
        action: &Action,
    ) -> Result<(), AwsError> {
        let Action::CallSuite {
            suite,
            function,
            attempt,
        } = action
        else {
            return apply(ecs, elb, deployment, action).await;
        };
        self.call(deployment, suite, function, *attempt).await
    }

    /// Calls a suite and waits for its answer, which [`SuiteFunctions::answers`] then has. A lost answer is
    /// no error: whoever looks next finds none.
    ///
    /// # Errors
    /// Before the deployment has a plan.
    async fn call(
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
        self.answer
            .put(deployment, answer.map(|answer| (suite.clone(), answer)));
        Ok(())
    }

    /// What was answered for a deployment and may not be on record.
    pub fn answers(&self, deployment: &Deployment) -> BTreeMap<SuiteName, SuiteAnswer> {
        self.answer.of(deployment).into_iter().collect()
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
