//! Keys of the section `validate`.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Kind, Section, TextRule};
use super::table::{SUITE, is_printable, key, name};
use super::validation::threshold;
use crate::analysis::KnownMetric;
use crate::suite::LONGEST_SECONDS;

static TEST_NAME: TextRule = name("the name of an HTTP test such as health");
static TEST_URL: TextRule = TextRule {
    what: "the URL of a page such as https://web.example.com/health",
    rule: "it starts with https:// or http:// and has at most 2000 characters, none of them a space",
    pattern: "^https?://[!-~]{1,1900}$",
    accepts: |text| {
        text.len() <= 2000
            && text.starts_with("http")
            && text.contains("://")
            && text.chars().all(|c| c.is_ascii_graphic())
    },
};
static POINTER: TextRule = TextRule {
    what: "a JSON pointer such as /build/version",
    rule: "it starts with / and has at most 200 printable characters (RFC 6901)",
    pattern: "^/[ -~]{0,199}$",
    accepts: |text| text.starts_with('/') && is_printable(text, 200),
};
static EXPECTED: TextRule = TextRule {
    what: "a text in quotes",
    rule: "1 to 500 printable characters",
    pattern: "^[!-~]([ -~]{0,499})$",
    accepts: |text| is_printable(text, 500),
};
static HEADER: TextRule = TextRule {
    what: "the name of a header such as x-version",
    rule: "letters, digits and dashes, at most 64 characters",
    pattern: "^[A-Za-z0-9-]{1,64}$",
    accepts: |text| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    },
};

static PERCENT: TextRule = TextRule {
    what: "a percentage such as 1% or 0.5%",
    rule: "a number from 0 to 100 and %",
    pattern: "^([0-9]{1,2}(\\.[0-9]{1,6})?|100)%$",
    accepts: |text| threshold(KnownMetric::ErrorRate, text).is_some(),
};
static RESPONSE_TIME: TextRule = TextRule {
    what: "a response time such as 800ms or 1.5s",
    rule: "a number and ms or s",
    pattern: "^([1-9][0-9]{0,3}ms|[1-9](\\.[0-9]{1,3})?s)$",
    accepts: |text| threshold(KnownMetric::LatencyP99, text).is_some(),
};

pub(super) static VALIDATION: Section = Section {
    doc: "What must hold of the new revision, beside the suites of postDeploymentTests.",
    keys: &[
        key(
            "http",
            Kind::List {
                of: &Kind::Section(&HTTP_TEST),
                min: 1,
                max: 20,
            },
            Optional,
            "Pages that are asked for, and how they shall be. One that fails after its retries rolls back.",
        ),
        key(
            "allowPrivate",
            Kind::Flag,
            Default("false"),
            "Pages may lie in private networks (10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7): for functions \
             that run in a VPC. Loopback, link-local and metadata addresses are refused all the same.",
        ),
        key(
            "security",
            Kind::List {
                of: &Kind::Choice(&[
                    "notPrivileged",
                    "readOnlyRoot",
                    "noPlainSecrets",
                    "noPublicIp",
                    "httpsOnly",
                    "modernTls",
                ]),
                min: 1,
                max: 6,
            },
            Optional,
            "What must hold of the new revision's containers (notPrivileged, readOnlyRoot, noPlainSecrets), its \
             network (noPublicIp) and its load balancer (httpsOnly, modernTls: TLS 1.2 or newer). Looked at before \
             the candidate gets traffic where there is a time before.",
        ),
        key(
            "performance",
            Kind::Section(&PERFORMANCE),
            Optional,
            "Bounds of what all of the traffic is answered with, measured on the load balancer after the suites began.",
        ),
    ],
};

pub(super) static FUNCTION: TextRule = TextRule {
    what: "a Lambda function such as web-tests or web-tests:live",
    rule: "the name of a function of this account, at most 64 letters, digits, dashes and underscores, and \
           behind a colon an alias or a version",
    pattern: "^[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?$",
    accepts: is_function,
};

fn is_function(text: &str) -> bool {
    let is_name = |text: &str, most: usize| {
        (1..=most).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    match text.split_once(':') {
        Some((name, alias)) => is_name(name, 64) && is_name(alias, 128),
        None => is_name(text, 64),
    }
}

pub(super) static TEST_SUITE: Section = Section {
    doc: "A test suite with settings. With lambda it is a Lambda function: it gets a JSON with suite, deployment, attempt, service, \
          environment, slot, revision, digest and urls, and answers {\"passed\": 12, \"failed\": 0, \
          \"skipped\": 1, \"report\": JUnit XML}; counts, report or both.",
    keys: &[
        key("name", Kind::Text(&SUITE), Required, "How the suite is called."),
        key(
            "lambda",
            Kind::Text(&FUNCTION),
            Optional,
            "The function, with an alias or a version where it has one; without it the suite is an ECS task.",
        ),
        key(
            "timeout",
            Kind::Duration {
                min: 1,
                max: LONGEST_SECONDS,
            },
            Default("40s"),
            "How long the function may take. A longer suite runs as a task, with timeouts.suite.",
        ),
        key(
            "retries",
            Kind::Integer { min: 0, max: 5 },
            Default("1"),
            "Calls after one whose answer was lost on the way: then nobody knows whether it ran. A suite that \
             failed is not called again.",
        ),
        key(
            "logTail",
            Kind::Flag,
            Default("true"),
            "The last lines that it wrote are kept in the journal; of a task, where it failed.",
        ),
    ],
};

static PERFORMANCE: Section = Section {
    doc: "Bounds that hold while the candidate has all of the traffic; errorRate, p99 or both.",
    keys: &[
        key(
            "for",
            Kind::Duration { min: 60, max: 3600 },
            Default("5m"),
            "How long it is measured at least, from the beginning of the validate phase; longer while suites run.",
        ),
        key(
            "errorRate",
            Kind::Text(&PERCENT),
            Optional,
            "Answers with 5xx, at most so many percent of all.",
        ),
        key(
            "p99",
            Kind::Text(&RESPONSE_TIME),
            Optional,
            "99th percentile of the response time in its worst minute, at most.",
        ),
        key(
            "minRequests",
            Kind::Integer {
                min: 1,
                max: 1_000_000,
            },
            Default("10"),
            "With fewer requests in that time there is no conclusion; after 15 minutes without one it rolls back.",
        ),
    ],
};

static HTTP_TEST: Section = Section {
    doc: "One page. Redirects are followed on the same host only.",
    keys: &[
        key("name", Kind::Text(&TEST_NAME), Required, "How messages call it."),
        key(
            "url",
            Kind::Text(&TEST_URL),
            Required,
            "Where it is, without credentials. ${slot} becomes the candidate's slot, blue or green: before the \
             candidate has traffic, only a host or port of that slot reaches it.",
        ),
        key(
            "when",
            Kind::Choice(&["before-traffic", "after-shift"]),
            Default("after-shift"),
            "before-traffic: on the candidate before it gets any traffic. after-shift: when it has all of it.",
        ),
        key(
            "status",
            Kind::Integer { min: 100, max: 599 },
            Default("200"),
            "Status of the answer. A redirect is followed, unless its status is asked for.",
        ),
        key(
            "body",
            Kind::Text(&EXPECTED),
            Optional,
            "A text that the first 64 KB of the answer contain.",
        ),
        key(
            "json",
            Kind::Section(&JSON),
            Optional,
            "A value of the answer, which is JSON.",
        ),
        key(
            "version",
            Kind::Section(&VERSION),
            Optional,
            "Where the answer says which revision it comes from: it must be this one's tag, its digest, or the \
             commit of its release record (7 digits or more).",
        ),
        key(
            "retries",
            Kind::Integer { min: 0, max: 20 },
            Default("3"),
            "Tries after the first one, over the whole deployment.",
        ),
        key(
            "every",
            Kind::Duration { min: 1, max: 300 },
            Default("5s"),
            "From one try to the next.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 1, max: 10 },
            Default("5s"),
            "How long a try may take, with its redirects.",
        ),
    ],
};

static JSON: Section = Section {
    doc: "A value of a JSON document.",
    keys: &[
        key("path", Kind::Text(&POINTER), Required, "Where it is."),
        key(
            "equals",
            Kind::Text(&EXPECTED),
            Required,
            "What is there; a number or a flag in quotes.",
        ),
    ],
};

static VERSION: Section = Section {
    doc: "Where an answer says which revision it comes from: json or header.",
    keys: &[
        key("json", Kind::Text(&POINTER), Optional, "In its body."),
        key("header", Kind::Text(&HEADER), Optional, "In a header."),
    ],
};
