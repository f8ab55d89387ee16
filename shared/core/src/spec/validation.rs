//! `validate`: what must hold of the new revision.

use std::collections::BTreeMap;

use super::build::{distinct, duplicate, needs_load_balancer};
use super::fields::{Fields, Items};
use super::model::{Performance, Validation};
use super::problem::{Draft, ProblemCode, Problems, Span};
use crate::analysis::{Condition, KnownMetric};
use crate::http::{Host, HttpMoment, HttpTest, HttpUrl, JsonExpected, SLOT, VersionPlace, fit, refusal};
use crate::security::SecurityCheck;

/// Reads the section; an empty one where the file has none.
pub(super) fn validation(fields: &Fields, problems: &mut Problems) -> Validation {
    let Some(section) = fields.section("validate") else {
        return Validation::default();
    };
    if !["http", "performance", "security"]
        .iter()
        .any(|key| section.is_given(key))
    {
        let draft = Draft::new(
            ProblemCode::MissingKey,
            section.span,
            "`validate` says nothing to do",
        );
        problems.push(draft.help("add `http`, `performance` or `security`"));
    }
    let allow_private = section.flag("allowPrivate").unwrap_or_default();
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    let mut http = Vec::new();
    for item in section.list("http").into_iter().flat_map(Items::sections) {
        if let Some(name) = item.text("name") {
            let span = item.value_span("name");
            if let Some(first) = seen.insert(name, span) {
                problems.push(duplicate(span, first, &format!("the HTTP test `{name}`")));
            }
        }
        let reachable = place(item, allow_private, problems);
        reaches_candidate(fields, item, problems);
        http.extend(test(item, problems).filter(|_| reachable));
    }
    Validation {
        http,
        allow_private,
        performance: performance(fields, section, problems),
        security: security(fields, section, problems),
    }
}

fn security(fields: &Fields, section: &Fields, problems: &mut Problems) -> Vec<SecurityCheck> {
    let Some(items) = section.list("security") else {
        return Vec::new();
    };
    let names = distinct(items, "check", problems);
    let checks: Vec<SecurityCheck> = names
        .iter()
        .filter_map(|name| SecurityCheck::named(name))
        .collect();
    if fields.flag("loadBalancer") == Some(false)
        && let Some(check) = checks.iter().find(|check| check.needs_balancer())
    {
        problems.push(needs_load_balancer(section.key_span("security"), check.as_str()));
    }
    checks
}

/// The number of a bound such as `1%` or `800ms`, in the metric's unit.
pub(super) fn threshold(metric: KnownMetric, text: &str) -> Option<f64> {
    let condition: Condition = format!("{metric} > {text}").parse().ok()?;
    Some(condition.threshold().value())
}

fn performance(fields: &Fields, section: &Fields, problems: &mut Problems) -> Option<Performance> {
    let bounds = section.section("performance")?;
    if fields.flag("loadBalancer") == Some(false) {
        problems.push(needs_load_balancer(
            section.key_span("performance"),
            "validate.performance",
        ));
    }
    if !["errorRate", "p99"].iter().any(|key| bounds.is_given(key)) {
        let message = "`performance` has no bound";
        let draft = Draft::new(ProblemCode::MissingKey, bounds.span, message);
        problems.push(draft.help("add `errorRate: 1%` or `p99: 800ms`"));
    }
    let bound = |key: &str, metric| threshold(metric, bounds.text(key)?);
    Some(Performance {
        for_seconds: bounds.whole("for")?,
        error_rate: bound("errorRate", KnownMetric::ErrorRate),
        p99_ms: bound("p99", KnownMetric::LatencyP99),
        min_requests: bounds.whole("minRequests")?,
    })
}

fn test(item: &Fields, problems: &mut Problems) -> Option<HttpTest> {
    let version = match item.section("version") {
        Some(section) => Some(version_place(section, problems)?),
        None => None,
    };
    let json = item.section("json").and_then(|section| {
        Some(JsonExpected {
            path: section.text("path")?.to_owned(),
            equals: section.text("equals")?.to_owned(),
        })
    });
    Some(HttpTest {
        name: item.text("name")?.to_owned(),
        url: item.text("url")?.to_owned(),
        when: match item.text("when")? {
            "before-traffic" => HttpMoment::BeforeTraffic,
            // The table knows these two words only.
            _ => HttpMoment::AfterShift,
        },
        status: u16::try_from(item.whole("status")?).ok()?,
        body: item.text("body").map(str::to_owned),
        json,
        version,
        retries: item.whole("retries")?,
        every_seconds: item.whole("every")?,
        timeout_seconds: item.whole("timeout")?,
    })
}

fn version_place(section: &Fields, problems: &mut Problems) -> Option<VersionPlace> {
    match (section.text("json"), section.text("header")) {
        (Some(json), None) => Some(VersionPlace::Json(json.to_owned())),
        (None, Some(header)) => Some(VersionPlace::Header(header.to_ascii_lowercase())),
        (Some(_), Some(_)) => {
            let message = "the version is asked for in the body and in a header";
            let draft = Draft::new(ProblemCode::Contradiction, section.value_span("header"), message);
            problems.push(
                draft
                    .also(section.value_span("json"), "the body")
                    .help("keep one of the two"),
            );
            None
        }
        (None, None) => {
            if !section.is_given("json") && !section.is_given("header") {
                let message = "`version` does not say where the version is";
                let draft = Draft::new(ProblemCode::MissingKey, section.span, message);
                problems.push(draft.help("add `json: /version` or `header: x-version`"));
            }
            None
        }
    }
}

/// Whether the URL is one, and leads nowhere that is refused as it stands; names are looked at again
/// once they are resolved.
fn place(item: &Fields, allow_private: bool, problems: &mut Problems) -> bool {
    let Some(text) = item.text("url") else {
        return false;
    };
    let span = item.value_span("url");
    let url = match HttpUrl::parse(&text.replace(SLOT, "green")) {
        Ok(url) => url,
        Err(problem) => {
            let draft = Draft::new(
                ProblemCode::InvalidText,
                span,
                format!("`url` can't be asked: {problem}"),
            );
            problems.push(draft.help("write it as https://web.example.com/health"));
            return false;
        }
    };
    if fit(text).contains("***") {
        let draft = Draft::new(
            ProblemCode::LooksSecret,
            span,
            "`url` has what looks like a secret, and this file is none",
        );
        problems.push(draft.help("test a page that needs none").warning());
    }
    if let Host::Address(address) = url.host
        && let Some(reason) = refusal(address, allow_private)
    {
        let draft = Draft::new(
            ProblemCode::InvalidText,
            span,
            format!("`url` is refused: {reason}"),
        );
        problems.push(draft.help("a test asks pages of the public internet"));
        return false;
    }
    true
}

/// Without traffic a candidate is reached by an address of its slot only, and where there is one ECS
/// service there is no candidate without traffic.
fn reaches_candidate(fields: &Fields, item: &Fields, problems: &mut Problems) {
    if item.text("when") != Some("before-traffic") {
        return;
    }
    if let Some(strategy @ ("rolling" | "recreate")) = fields.text("strategy") {
        let message =
            format!("with the strategy {strategy}, no candidate waits for traffic that a test could ask");
        let draft = Draft::new(ProblemCode::Contradiction, item.value_span("when"), message);
        problems.push(draft.help("leave out `when`, to test after the last step"));
    } else if item.text("url").is_some_and(|url| !url.contains(SLOT)) {
        let message = "before the candidate has traffic, this URL is answered by what is stable";
        let draft = Draft::new(ProblemCode::NoEffect, item.value_span("url"), message).warning();
        problems.push(draft.help(
            "name the slot, such as https://${slot}.web.example.com/, with a listener rule or port for each slot",
        ));
    }
}
