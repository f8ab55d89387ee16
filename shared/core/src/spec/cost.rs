//! `cost`: what a deployment may cost, and what is asked of the bill.

use serde::{Deserialize, Serialize};

use super::build::consent;
use super::fields::Fields;
use super::model::Consent;
use super::problem::{Draft, ProblemCode, Problems};
use crate::cost::{Money, Prices};

/// `cost`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// `prices`: the list's where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// `maxIncrease`: how much more than now, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_increase_percent: Option<u32>,
    /// `maxMonthly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_monthly: Option<Money>,
    /// `approvals` and `expires`: who agrees to more. Nobody can where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// `onExcess`.
    pub on_excess: OnExcess,
    /// `explorer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explorer: Option<Explorer>,
}

/// What is done where what runs costs more than was forecast and than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnExcess {
    /// People hear of it.
    Tell,
    /// The deployment is taken back.
    Rollback,
}

/// `cost.explorer`: what is asked of the bill after the watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explorer {
    /// `tag.key`: a cost allocation tag that is activated.
    pub tag_key: String,
    /// `tag.value`.
    pub tag_value: String,
    /// `monitor`: ARN of a monitor of Cost Anomaly Detection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<String>,
}

/// The number of a bound such as `20%`.
pub(super) fn percent(text: &str) -> Option<u32> {
    let digits = text.strip_suffix('%')?;
    let short = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| short)
}

/// Reads the section.
pub(super) fn cost(fields: &Fields, problems: &mut Problems) -> Option<Cost> {
    let section = fields.section("cost")?;
    let limited = ["maxIncrease", "maxMonthly"]
        .iter()
        .any(|key| section.is_given(key));
    let rolls_back = section.text("onExcess") == Some("rollback");
    for key in ["approvals", "onExcess"] {
        let idle = section.is_given(key) && (key == "approvals" || rolls_back);
        if !limited && idle {
            let message = format!("`{key}` has no effect without a limit that the cost could be beyond");
            let draft = Draft::new(ProblemCode::NoEffect, section.key_span(key), message);
            problems.push(
                draft
                    .help("add `maxIncrease: 20%` or `maxMonthly: 500`")
                    .warning(),
            );
        }
    }
    if section.is_given("explorer") && !fields.is_given("watch") {
        let message = "`explorer` is asked at the end of the watch, and there is none";
        let draft = Draft::new(ProblemCode::MissingKey, section.key_span("explorer"), message);
        problems.push(draft.help("add `watch: {for: 24h}`"));
    }
    Some(Cost {
        prices: section.section("prices").and_then(prices),
        max_increase_percent: section.text("maxIncrease").and_then(percent),
        max_monthly: section.number("maxMonthly").map(Money::dollars),
        consent: consent(section, problems),
        // The table knows these two words only.
        on_excess: if rolls_back {
            OnExcess::Rollback
        } else {
            OnExcess::Tell
        },
        explorer: section.section("explorer").and_then(explorer),
    })
}

fn prices(section: &Fields) -> Option<Prices> {
    Some(Prices {
        vcpu_hour: Money::dollars(section.number("vcpuHour")?),
        gb_hour: Money::dollars(section.number("gbHour")?),
    })
}

fn explorer(section: &Fields) -> Option<Explorer> {
    let tag = section.section("tag")?;
    Some(Explorer {
        tag_key: tag.text("key")?.to_owned(),
        tag_value: tag.text("value")?.to_owned(),
        monitor: section.text("monitor").map(str::to_owned),
    })
}
