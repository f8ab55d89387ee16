//! `analyzer`: a function that looks at a revision before people are asked about the infrastructure.

use serde::{Deserialize, Serialize};

use super::build::{consent, is_gated};
use super::fields::Fields;
use super::model::Consent;
use super::problem::{Draft, ProblemCode, Problems};
use crate::analyzer::AnalyzerWork;

/// `analyzer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analyzer {
    /// `function`, `timeout` and `required`.
    #[serde(flatten)]
    pub work: AnalyzerWork,
    /// `threshold`: with more changed variables than this, people are asked.
    pub threshold: u32,
    /// `approvals` and `expires`; those of `infrastructure` without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// `pricePerGbSecond`, dollars.
    pub price_per_gb_second: f64,
}

/// Reads the section.
pub(super) fn analyzer(fields: &Fields, problems: &mut Problems) -> Option<Analyzer> {
    let section = fields.section("analyzer")?;
    let consent = consent(section, problems);
    let infrastructure = fields.section("infrastructure");
    let asked = consent.is_some()
        || infrastructure.is_some_and(|section| section.is_given("approvals"))
        || is_gated(fields, "infrastructure");
    if !asked {
        let message =
            "nobody may agree to variables that the analyzer changes: such an answer stops the deployment";
        let draft = Draft::new(ProblemCode::NoEffect, fields.key_span("analyzer"), message);
        problems.push(draft.help("add `approvals` to `analyzer`").warning());
    }
    Some(Analyzer {
        work: AnalyzerWork {
            function: section.text("function")?.to_owned(),
            timeout_seconds: section.whole("timeout")?,
            required: section.flag("required")?,
        },
        threshold: section.whole("threshold")?,
        consent,
        price_per_gb_second: section.number("pricePerGbSecond")?,
    })
}
