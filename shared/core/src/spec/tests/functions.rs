//! Suites that are Lambda functions.

use super::*;

fn suites(items: &str) -> String {
    target("rolling", &format!("postDeploymentTests: [{items}]\n"))
}

#[test]
fn suites_are_names_or_functions_in_one_order() {
    let text = suites(
        "smoke, {name: load, lambda: \"web-test:live\", timeout: 30s, retries: 2, logTail: false}, {name: api, lambda: web_api}",
    );
    let spec = accept(&text).spec;
    let names: Vec<&str> = spec
        .post_deployment_tests
        .iter()
        .map(|suite| suite.0.as_str())
        .collect();
    assert_eq!(names, ["smoke", "load", "api"]);
    assert_eq!(spec.task_suites(), [SuiteName("smoke".to_owned())]);
    let called: Vec<&str> = spec.called_functions().into_iter().collect();
    assert_eq!(called, ["web-test:live", "web_api"]);
    let load = &spec.suite_functions[&SuiteName("load".to_owned())];
    assert_eq!((load.timeout_seconds, load.retries, load.silent), (30, 2, true));
    let api = &spec.suite_functions[&SuiteName("api".to_owned())];
    assert_eq!((api.timeout_seconds, api.retries, api.silent), (40, 1, false));
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    // What is not there is not stored.
    let plain = serde_json::to_string(&accept(&suites("smoke")).spec).unwrap();
    assert!(!plain.contains("suiteFunctions"), "{plain}");
}

#[test]
fn a_suite_that_is_a_task_may_keep_its_lines_to_itself() {
    let spec = accept(&suites(
        "smoke, {name: load, logTail: false}, {name: api, logTail: true}",
    ))
    .spec;
    assert_eq!(spec.task_suites().len(), 3);
    let silent: Vec<&str> = spec.silent_suites.iter().map(|suite| suite.0.as_str()).collect();
    assert_eq!(silent, ["load"]);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let plain = serde_json::to_string(&accept(&suites("smoke, {name: api}")).spec).unwrap();
    assert!(!plain.contains("silentSuites"), "{plain}");
}

#[test]
fn what_can_not_be_called_is_refused_with_its_place() {
    for (items, words) in [
        (
            "{name: load, timeout: 30s, retries: 1}",
            "`timeout` is of a suite that is a Lambda function",
        ),
        (
            "{name: load, retries: 1}",
            "`retries` is of a suite that is a Lambda function",
        ),
        (
            "{name: load, lambda: \"a b\"}",
            "takes a Lambda function such as web-tests or web-tests:live",
        ),
        (
            "{name: load, lambda: \"arn:aws:lambda:us-east-1:1:function:web\"}",
            "takes a Lambda function",
        ),
        ("{name: load, lambda: \":live\"}", "takes a Lambda function"),
        ("{name: load, lambda: \"web:\"}", "takes a Lambda function"),
        (
            "{name: load, lambda: web, timeout: 41s}",
            "not between 1s and 40s",
        ),
        ("{name: load, lambda: web, retries: 6}", "not between 0 and 5"),
        (
            "{name: load, function: web}",
            "`function` is not a key in `postDeploymentTests[0]`",
        ),
        (
            "load, {name: load, lambda: web}",
            "the suite `load` is given twice",
        ),
        ("Load", "takes the name of a test suite, not `Load`"),
        (
            "[load]",
            "takes the name of a test suite, or a section with name, lambda",
        ),
    ] {
        let errors = errors(&suites(items));
        let found: Vec<&str> = errors.problems().iter().map(|one| one.message.as_str()).collect();
        assert!(
            found.iter().any(|message| message.contains(words)),
            "{items}: {found:?}"
        );
    }
}

#[test]
fn an_analyzer_is_read_with_its_defaults_and_asks_somebody() {
    let parsed = accept(&target("rolling", "analyzer: {function: web-analyzer}\n"));
    let analyzer = parsed.spec.analyzer.clone().unwrap();
    assert_eq!(
        (analyzer.work.timeout_seconds, analyzer.work.required),
        (40, false)
    );
    assert_eq!((analyzer.threshold, analyzer.consent), (0, None));
    assert_eq!(analyzer.price_per_gb_second, 0.000_016_666_7);
    assert!(parsed.spec.called_functions().is_empty());
    let warned: Vec<&str> = parsed.warnings.iter().map(|one| one.message.as_str()).collect();
    assert!(
        warned
            .iter()
            .any(|message| message.contains("nobody may agree to variables")),
        "{warned:?}"
    );
    let full = accept(&target("rolling", super::changes::CHANGES)).spec;
    assert!(full.called_functions().contains("web-analyzer:live"));
    let consent = full.analyzer.unwrap().consent.unwrap();
    assert_eq!(
        (
            consent.approvals[0].role.to_string().as_str(),
            consent.expires_seconds
        ),
        ("devops-lead", 14_400)
    );
    let gate = "gates: [{before: infrastructure, approvals: [{role: tech-lead}]}]\n";
    accept(&target(
        "rolling",
        &format!("{gate}analyzer: {{function: web-analyzer}}\n"),
    ));
}
