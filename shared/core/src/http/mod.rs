//! HTTP tests: what is asked of a service under its own address, and what came of it.
//!
//! A test only reads, so it is part of what a phase observes; how often it was tried is in the journal,
//! so that tries are counted over the whole deployment, however many functions died in the middle.

mod address;
mod judge;
mod url;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use address::{AddressKind, refusal};
pub use judge::{BODY_LIMIT, Identity, Page, fit, judge};
pub use url::{Host, HttpUrl, UrlProblem};

use crate::deployment::Phase;
use crate::ids::Slot;

/// Filled in with the candidate's slot, in the URL of a test.
pub const SLOT: &str = "${slot}";

/// Redirects that are followed at most, all on the host of the URL.
pub const MAX_REDIRECTS: usize = 3;

/// `validate.http[]`: one page, and how it shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpTest {
    /// `name`, distinct within the file.
    pub name: String,
    /// `url`, with `${slot}` where the file has it.
    pub url: String,
    /// `when`.
    pub when: HttpMoment,
    /// `status` of the answer.
    pub status: u16,
    /// `body`: a text that the answer contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `json`: a value of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonExpected>,
    /// `version`: where the answer says which revision it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionPlace>,
    /// `retries`: tries after the first one.
    pub retries: u32,
    /// `every`, seconds from one try to the next.
    pub every_seconds: u32,
    /// `timeout`, seconds, of a try with its redirects.
    pub timeout_seconds: u32,
}

impl HttpTest {
    /// The address to ask, where the candidate is in that slot.
    pub fn url_of(&self, slot: Slot) -> String {
        self.url.replace(SLOT, slot.as_str())
    }

    /// How often it is tried at most.
    pub const fn tries(&self) -> u32 {
        self.retries.saturating_add(1)
    }
}

/// `validate.http[].when`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpMoment {
    /// In the shift phase, before the candidate gets any production traffic.
    BeforeTraffic,
    /// In the validate phase, when the candidate has all of it.
    AfterShift,
}

impl HttpMoment {
    /// The one that lies in a phase.
    pub fn of(phase: Phase) -> Option<Self> {
        match phase {
            Phase::Shift => Some(Self::BeforeTraffic),
            Phase::Validate => Some(Self::AfterShift),
            Phase::Plan
            | Phase::Prepare
            | Phase::Migrate
            | Phase::Infrastructure
            | Phase::Configure
            | Phase::Monitoring
            | Phase::Complete
            | Phase::Rollback => None,
        }
    }

    /// Its word in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BeforeTraffic => "before-traffic",
            Self::AfterShift => "after-shift",
        }
    }
}

/// `validate.http[].json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonExpected {
    /// JSON pointer (RFC 6901), such as `/build/version`.
    pub path: String,
    /// What is there, as text.
    pub equals: String,
}

/// `validate.http[].version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionPlace {
    /// A JSON pointer into the body.
    Json(String),
    /// A header of the answer.
    Header(String),
}

/// One try of a test, as it is kept: few words, with what looks like a secret masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpTry {
    /// Which, from 1.
    pub number: u32,
    /// How many there may be.
    pub of: u32,
    /// Status of the last answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took.
    pub millis: u32,
    /// What was not as it should be; absent where it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl HttpTry {
    /// Whether all was as it should be.
    pub const fn passed(&self) -> bool {
        self.problem.is_none()
    }

    /// One line for a person.
    pub fn describe(&self, test: &str) -> String {
        let status = self
            .status
            .map_or_else(String::new, |status| format!("{status}, "));
        let took = format!("{status}{} ms", self.millis);
        match &self.problem {
            None => format!("HTTP test {test} passed ({took})"),
            Some(problem) => format!(
                "HTTP test {test} failed, {} of {} ({took}): {problem}",
                self.number, self.of
            ),
        }
    }
}

/// How a test stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpProgress {
    /// Its last try.
    pub last: HttpTry,
    /// When that was written down.
    pub at: Timestamp,
}

#[cfg(test)]
#[path = "tests.rs"]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
