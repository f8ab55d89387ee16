//! Section `validate`.

use super::*;
use crate::http::{HttpMoment, VersionPlace};
use crate::security::SecurityCheck;

fn page(keys: &str) -> String {
    format!("validate:\n  http:\n    - {{name: health, {keys}}}\n")
}

fn messages(strategy: &str, extra: &str) -> Vec<String> {
    let errors = errors(&target(strategy, extra));
    let problems = errors.problems().iter();
    problems
        .map(|one| format!("{}:{} {}", one.line, one.column, one.message))
        .collect()
}

#[test]
fn a_page_is_read_with_its_defaults() {
    let spec = accept(&target(
        "rolling",
        &page("url: \"https://web.example.com/health\""),
    ))
    .spec;
    let [test] = &spec.validate.http[..] else {
        panic!("{:?}", spec.validate)
    };
    assert_eq!(
        (test.name.as_str(), test.status, test.tries()),
        ("health", 200, 4)
    );
    assert_eq!((test.every_seconds, test.timeout_seconds), (5, 5));
    assert_eq!(test.when, HttpMoment::AfterShift);
    assert!(!spec.validate.allow_private);
    let full = accept(&target("rolling", super::changes::CHANGES)).spec;
    let versions: Vec<_> = full
        .validate
        .http
        .iter()
        .map(|test| test.version.clone())
        .collect();
    assert_eq!(
        versions,
        [
            None,
            Some(VersionPlace::Json("/version".to_owned())),
            Some(VersionPlace::Header("x-version".to_owned()))
        ]
    );
    assert!(full.validate.allow_private);
    let json = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), full);
}

#[test]
fn urls_that_no_test_may_ask_are_refused_with_their_place() {
    for (url, words) in [
        (
            "https://me:word@web.example.com/",
            "must not have a user or a password",
        ),
        (
            "http://169.254.169.254/latest/meta-data/",
            "gives out credentials",
        ),
        ("http://[fd00:ec2::254]/", "gives out credentials"),
        ("http://localhost:80:80/", "port must be a number"),
        ("http://127.0.0.1/", "function's own machine"),
        ("http://10.0.0.7/", "`allowPrivate: true` would allow it"),
        ("http://[::ffff:10.0.0.7]/", "a private network"),
        ("http://0x7f.1/", "unusual notation"),
    ] {
        let found = messages("rolling", &page(&format!("url: \"{url}\"")));
        assert_eq!(found.len(), 1, "{url}: {found:?}");
        assert!(
            found[0].starts_with("6:") && found[0].contains(words),
            "{found:?}"
        );
        assert!(!found[0].contains("word@"), "{found:?}");
    }
    let private = page("url: \"http://10.0.0.7/\"");
    accept(&target("rolling", &format!("{private}  allowPrivate: true\n")));
    let loopback = page("url: \"http://127.0.0.1/\"");
    let found = messages("rolling", &format!("{loopback}  allowPrivate: true\n"));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_page_says_what_it_means_once() {
    let url = "url: \"https://web.example.com/\"";
    let found = messages("rolling", &page(&format!("{url}, version: {{}}")));
    assert!(
        found[0].contains("does not say where the version is"),
        "{found:?}"
    );
    let found = messages(
        "rolling",
        &page(&format!("{url}, version: {{json: /v, header: x-v}}")),
    );
    assert!(found[0].contains("in the body and in a header"), "{found:?}");
    let twice = format!("{}    - {{name: health, {url}}}\n", page(url));
    let found = messages("rolling", &twice);
    assert!(
        found[0].contains("the HTTP test `health` is given twice"),
        "{found:?}"
    );
    let found = messages("rolling", "validate: {allowPrivate: true}\n");
    assert!(found[0].contains("`validate` says nothing to do"), "{found:?}");
    let found = messages("rolling", &page(&format!("{url}, when: before-traffic")));
    assert!(found[0].contains("no candidate waits for traffic"), "{found:?}");
}

#[test]
fn checks_of_security_are_named_each_once() {
    let file = |names: &str| format!("validate: {{security: [{names}]}}\n");
    let spec = accept(&target("rolling", &file("httpsOnly, notPrivileged"))).spec;
    assert_eq!(
        spec.validate.security,
        [SecurityCheck::HttpsOnly, SecurityCheck::NotPrivileged]
    );
    let all: Vec<&str> = SecurityCheck::ALL.iter().map(|check| check.as_str()).collect();
    let spec = accept(&target("rolling", &file(&all.join(", ")))).spec;
    assert_eq!(spec.validate.security, SecurityCheck::ALL);
    let found = messages("rolling", &file("httpsOnly, httpsOnly"));
    assert!(
        found[0].contains("the check `httpsOnly` is given twice"),
        "{found:?}"
    );
    let found = messages("rolling", &file("httpOnly"));
    assert_eq!(found.len(), 1, "{found:?}");
    let found = messages(
        "rolling",
        &format!("loadBalancer: false\n{}", file("noPublicIp, modernTls")),
    );
    assert!(
        found[0].contains("`modernTls` is read from the load balancer"),
        "{found:?}"
    );
}

#[test]
fn performance_has_bounds_with_units() {
    let file = |keys: &str| format!("validate: {{performance: {{{keys}}}}}\n");
    let spec = accept(&target("rolling", &file("errorRate: 0.5%, p99: 1.5s"))).spec;
    let bounds = spec.validate.performance.unwrap();
    assert_eq!((bounds.error_rate, bounds.p99_ms), (Some(0.5), Some(1500.0)));
    assert_eq!((bounds.for_seconds, bounds.min_requests), (300, 10));
    for (keys, words) in [
        ("for: 5m", "`performance` has no bound"),
        ("errorRate: 1", "errorRate"),
        ("errorRate: 101%", "errorRate"),
        ("p99: 800", "p99"),
        ("p99: 1m", "p99"),
    ] {
        let found = messages("rolling", &file(keys));
        assert_eq!(found.len(), 1, "{keys}: {found:?}");
        assert!(found[0].contains(words), "{keys}: {found:?}");
    }
    let found = messages("rolling", &format!("loadBalancer: false\n{}", file("p99: 1s")));
    assert!(found[0].contains("is read from the load balancer"), "{found:?}");
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let canary = "canary: {steps: [{weight: 100}]}\n";
    let warnings = |keys: &str| {
        let parsed = accept(&target("canary", &format!("{canary}{}", page(keys))));
        let warnings = parsed.warnings.iter();
        warnings.map(|one| one.message.clone()).collect::<Vec<_>>()
    };
    let warned = |keys: &str, words: &str| warnings(keys).iter().any(|text| text.contains(words));
    let stable = "this URL is answered by what is stable";
    assert!(warned(
        "url: \"https://web.example.com/\", when: before-traffic",
        stable
    ));
    assert!(!warned(
        "url: \"https://${slot}.web.example.com/\", when: before-traffic",
        stable
    ));
    assert!(!warned("url: \"https://web.example.com/\"", stable));
    let secret = "looks like a secret";
    assert!(warned("url: \"https://web.example.com/?token=abcdefgh\"", secret));
    assert!(
        !warnings("url: \"https://web.example.com/?token=abcdefgh\"")
            .concat()
            .contains("abcdefgh")
    );
    assert!(!warned("url: \"https://web.example.com/?page=1\"", secret));
}

#[test]
fn names_of_suites_follow_one_rule() {
    let valid = |name: &str| SuiteName(name.to_owned()).is_valid();
    for good in ["a", "smoke", "load-2", "a1", &"a".repeat(40)] {
        assert!(valid(good), "{good}");
    }
    for bad in ["", "2a", "-a", "a-", "A", "a_b", "a b", &"a".repeat(41)] {
        assert!(!valid(bad), "{bad}");
    }
}

#[test]
fn a_place_of_the_version_that_cannot_be_read_is_not_called_missing() {
    let of = |version: &str| {
        messages("rolling", &page(&format!("version: {{{version}}}")))
            .into_iter()
            .filter(|one| one.contains("does not say where"))
            .count()
    };
    assert_eq!(of(""), 1);
    assert_eq!((of("json: []"), of("header: []")), (0, 0));
}
