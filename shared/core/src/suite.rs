//! Suites that are Lambda functions: how one is called, and what its answer means.
//!
//! A function is invoked synchronously, because an asynchronous invocation has no answer. The intent is on
//! record before the call, with the number of the attempt, so a function of ours that dies while it waits
//! loses an answer but never the count; nobody knows then whether the suite still runs, so it is called
//! again only once its time is over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::tail;
use crate::deployment::Deployment;
use crate::http::{HttpMoment, SLOT, fit};
use crate::ids::{Digest, Slot};
use crate::junit;
use crate::phases::later;
use crate::release::SuiteCounts;
use crate::spec::SuiteName;

/// The longest that a suite may take as a Lambda function, seconds: who waits for it is a function of ours
/// with 60 seconds (`infra/template.yaml`), and has to read before and to record after.
pub const LONGEST_SECONDS: u32 = 40;

/// The largest answer that is read, bytes. Lambda's own limit is 6 MB.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// Beyond its time, an answer may still be on its way for so long (seconds).
const SPARE_SECONDS: u32 = 5;

/// Most failed tests that are named.
const MAX_FAILURES: usize = 5;

/// A suite of `postDeploymentTests` that is a Lambda function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteFunction {
    /// `lambda`: a function of this account, `NAME` or `NAME:ALIAS`.
    pub function: String,
    /// `timeout`, seconds.
    pub timeout_seconds: u32,
    /// `retries`: calls after one whose answer was lost. A suite that failed is not called again.
    pub retries: u32,
    /// `logTail: false`: what it writes stays out of the journal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
}

impl SuiteFunction {
    /// Calls in all.
    pub const fn attempts(&self) -> u32 {
        self.retries.saturating_add(1)
    }
}

/// Where a suite that is a function stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteCall {
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// When it was called; absent where Lambda did not take the call, so that nothing runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What its answer came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl SuiteCall {
    /// When an answer can no longer come; nothing where nothing runs.
    pub fn over_at(&self, function: &SuiteFunction) -> Option<Timestamp> {
        let seconds = function.timeout_seconds.saturating_add(SPARE_SECONDS);
        Some(later(self.at?, seconds.into()))
    }
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteAnswer {
    /// Of which attempt.
    pub attempt: u32,
    /// What.
    pub result: SuiteCalled,
}

/// How a call ended. A lost answer is none of these: there is no answer then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "called")]
pub enum SuiteCalled {
    /// The suite ran, or can never run.
    Answered {
        /// What it said.
        report: SuiteReport,
    },
    /// Lambda did not take the call: nothing ran, and a later call may be taken.
    NotRun {
        /// What Lambda said.
        reason: String,
    },
}

/// What a suite said. Every text in it is masked and short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuiteReport {
    /// Its tests.
    pub counts: SuiteCounts,
    /// Tests that failed, the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// Why it says nothing of the revision, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The last lines that the function wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl SuiteReport {
    /// A suite that did not do what it should.
    pub fn broken(problem: &str) -> Self {
        Self {
            problem: Some(fit(problem)),
            ..Self::default()
        }
    }

    /// As a task would end: 0 passes, 1 failed, 127 as a shell says when a command can't be started.
    pub const fn exit_code(&self) -> i32 {
        if self.problem.is_some() {
            127
        } else if self.counts.failed > 0 {
            1
        } else {
            0
        }
    }

    /// What it came to: `passed: 12 tests, 1 skipped`.
    pub fn describe(&self) -> String {
        let SuiteCounts {
            passed,
            failed,
            skipped,
        } = self.counts;
        if let Some(problem) = &self.problem {
            return format!("failed: {problem}");
        }
        let ran = passed.saturating_add(failed);
        let tests = if ran == 1 { "test" } else { "tests" };
        let skipped = match skipped {
            0 => String::new(),
            some => format!(", {some} skipped"),
        };
        if failed == 0 {
            return format!("passed: {ran} {tests}{skipped}");
        }
        let named = match self.failures.as_slice() {
            [] => String::new(),
            some => format!(": {}", some.join("; ")),
        };
        format!("failed: {failed} of {ran} {tests}{skipped}{named}")
    }

    /// The same with the last lines that the function wrote.
    #[must_use]
    pub fn with_log(mut self, lines: &str) -> Self {
        self.log = tail(lines.lines().filter(|line| !is_of_lambda(line)));
        self
    }
}

/// Whether Lambda itself has written a line, beside what the function did (Lambda Developer Guide, "View logs").
fn is_of_lambda(line: &str) -> bool {
    let marks = [
        "START RequestId: ",
        "END RequestId: ",
        "REPORT RequestId: ",
        "INIT_START ",
    ];
    marks.iter().any(|mark| line.starts_with(mark))
}

/// The answer as a suite writes it; other keys are left alone.
#[derive(Deserialize)]
struct Written {
    passed: Option<u32>,
    failed: Option<u32>,
    skipped: Option<u32>,
    report: Option<String>,
}

/// Reads what a suite's function returned: `{"passed", "failed", "skipped", "report"}`, the last one JUnit
/// XML, which says the counts too where they are absent.
pub fn read_answer(payload: &[u8]) -> SuiteReport {
    match read(payload) {
        Ok(report) => report,
        Err(problem) => SuiteReport::broken(&problem),
    }
}

/// Refuses an answer of a function beyond [`MAX_ANSWER`].
pub(crate) fn not_too_long(payload: &[u8]) -> Result<(), String> {
    match payload.len() {
        bytes if bytes > MAX_ANSWER => Err(format!("its answer has {bytes} bytes, more than {MAX_ANSWER}")),
        _ => Ok(()),
    }
}

fn read(payload: &[u8]) -> Result<SuiteReport, String> {
    not_too_long(payload)?;
    let written: Written = serde_json::from_slice(payload).map_err(|error| {
        let shown = String::from_utf8_lossy(payload.get(..payload.len().min(60)).unwrap_or_default());
        match error.classify() {
            serde_json::error::Category::Data => {
                "its answer is not {passed, failed, skipped, report}".to_owned()
            }
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => format!("its answer is no JSON: {}", fit(&shown)),
        }
    })?;
    let (reported, names) = match &written.report {
        Some(text) => {
            let read = junit::read("report", text)?;
            (Some(read.counts), read.failures)
        }
        None => (None, Vec::new()),
    };
    if written.passed.is_none() && written.failed.is_none() && reported.is_none() {
        return Err("its answer has neither counts nor a `report`".to_owned());
    }
    let reported = reported.unwrap_or_default();
    let counts = SuiteCounts {
        passed: written.passed.unwrap_or(reported.passed),
        // Whatever failed by one of the two has failed.
        failed: written.failed.unwrap_or_default().max(reported.failed),
        skipped: written.skipped.unwrap_or(reported.skipped),
    };
    if counts.passed == 0 && counts.failed == 0 {
        return Err("no test ran".to_owned());
    }
    Ok(SuiteReport {
        counts,
        failures: names.iter().take(MAX_FAILURES).map(|name| fit(name)).collect(),
        ..SuiteReport::default()
    })
}

/// What `FunctionError` says beside the error's own words.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_type: Option<String>,
    error_message: Option<String>,
}

/// Reads what a function returned that ended with an error.
pub fn read_error(kind: &str, payload: &[u8]) -> String {
    let said =
        serde_json::from_slice::<Failure>(payload.get(..payload.len().min(MAX_ANSWER)).unwrap_or_default());
    let said = said.ok().map_or_else(String::new, |failure| {
        let parts = [failure.error_type, failure.error_message];
        parts.into_iter().flatten().collect::<Vec<String>>().join(": ")
    });
    match said.is_empty() {
        true => fit(&format!("the function ended with an error ({kind})")),
        false => fit(&format!("the function ended with an error: {said}")),
    }
}

/// What a suite's function is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuitePayload {
    /// Which suite.
    pub suite: SuiteName,
    /// Of which deployment.
    pub deployment: String,
    /// Which attempt, from 1: a suite that has to run once only keeps it with the deployment.
    pub attempt: u32,
    /// Of how many.
    pub of: u32,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// The candidate's slot.
    pub slot: Slot,
    /// The label of the revision: `web:v2`.
    pub revision: String,
    /// Its image.
    pub digest: Digest,
    /// Its task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// The candidate's target group, where there is a load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group: Option<String>,
    /// Addresses of `validate.http` that are of now, by their test.
    pub urls: BTreeMap<String, String>,
    /// Seconds until nobody waits for the answer any more.
    pub timeout_seconds: u32,
}

/// What a suite is given at this point of a deployment; nothing before its plan.
pub fn payload(
    deployment: &Deployment,
    suite: &SuiteName,
    function: &SuiteFunction,
    attempt: u32,
) -> Option<SuitePayload> {
    let plan = deployment.plan.as_ref()?;
    let slot = plan.candidate;
    let balancer = plan.wiring.balancer.as_ref();
    let moment = HttpMoment::of(deployment.phase).unwrap_or(HttpMoment::AfterShift);
    let urls = deployment.http_tests(moment);
    Some(SuitePayload {
        suite: suite.clone(),
        deployment: deployment.id.as_str().to_owned(),
        attempt,
        of: function.attempts(),
        service: deployment.target.service.to_string(),
        environment: deployment.target.environment.to_string(),
        slot,
        revision: deployment.revision.label(),
        digest: deployment.revision.digest.clone(),
        task_definition: deployment.revision.task_definition.clone(),
        target_group: balancer.and_then(|one| one.target_groups.get(&slot).cloned()),
        urls: urls
            .map(|test| (test.name.clone(), test.url.replace(SLOT, slot.as_str())))
            .collect(),
        timeout_seconds: function.timeout_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_counts_or_a_report_or_both() {
        for (payload, told) in [
            (r#"{"passed": 12}"#, "passed: 12 tests"),
            (
                r#"{"passed": 1, "failed": 0, "skipped": 2, "more": []}"#,
                "passed: 1 test, 2 skipped",
            ),
            (r#"{"passed": 12, "failed": 2}"#, "failed: 2 of 14 tests"),
            (
                r#"{"report": "<testsuite><testcase name='pays'/><testcase classname='shop' name='buys'><failure message='no stock'/></testcase></testsuite>"}"#,
                "failed: 1 of 2 tests: shop.buys: no stock",
            ),
            // The worse of the two counts.
            (
                r#"{"passed": 3, "failed": 0, "report": "<testsuite><testcase name='a'><error/></testcase></testsuite>"}"#,
                "failed: 1 of 4 tests: a",
            ),
        ] {
            let report = read_answer(payload.as_bytes());
            assert_eq!(report.describe(), told);
            assert_eq!(report.exit_code(), i32::from(told.starts_with("failed")));
        }
    }

    #[test]
    fn what_says_nothing_of_the_revision_is_no_pass() {
        for (payload, told) in [
            ("", "failed: its answer is no JSON:"),
            ("OK", "failed: its answer is no JSON: OK"),
            ("password=hunter2", "failed: its answer is no JSON: password=***"),
            (
                "null",
                "failed: its answer is not {passed, failed, skipped, report}",
            ),
            (
                r#"{"passed": "all"}"#,
                "failed: its answer is not {passed, failed, skipped, report}",
            ),
            (
                r#"{"passed": -1}"#,
                "failed: its answer is not {passed, failed, skipped, report}",
            ),
            ("{}", "failed: its answer has neither counts nor a `report`"),
            (r#"{"passed": 0, "skipped": 3}"#, "failed: no test ran"),
            (
                r#"{"report": "<html/>"}"#,
                "failed: report is not a JUnit report: it begins with <html>, not with <testsuites> or <testsuite>",
            ),
        ] {
            let report = read_answer(payload.as_bytes());
            assert_eq!(report.describe(), told);
            assert_eq!(report.exit_code(), 127, "{payload}");
        }
        let long = read_answer(&vec![b' '; MAX_ANSWER + 1]);
        assert_eq!(
            long.describe(),
            "failed: its answer has 1048577 bytes, more than 1048576"
        );
    }

    #[test]
    fn an_error_is_told_with_its_words_masked() {
        for (payload, told) in [
            (
                r#"{"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 3.00 seconds"}"#,
                "the function ended with an error: Sandbox.Timedout: Task timed out after 3.00 seconds",
            ),
            (
                r#"{"errorMessage": "no connection to postgres://web:hunter2@db"}"#,
                "the function ended with an error: no connection to postgres://web:***@db",
            ),
            ("", "the function ended with an error (Unhandled)"),
        ] {
            assert_eq!(read_error("Unhandled", payload.as_bytes()), told);
        }
    }

    #[test]
    fn what_lambda_writes_beside_it_is_left_out() {
        let lines = "START RequestId: 8f507cfc Version: $LATEST\nSTART buys a book\nPASSWORD=hunter2 pays\nEND RequestId: 8f507cfc\n\
                     REPORT RequestId: 8f507cfc\tDuration: 2000.00 ms\n";
        let log = SuiteReport::default().with_log(lines).log;
        assert_eq!(log, ["START buys a book", "PASSWORD=*** pays"]);
    }

    #[test]
    fn retries_come_after_the_first_call() {
        let function = SuiteFunction {
            function: "web-load".to_owned(),
            timeout_seconds: 30,
            retries: 1,
            silent: false,
        };
        assert_eq!(function.attempts(), 2);
    }
}
