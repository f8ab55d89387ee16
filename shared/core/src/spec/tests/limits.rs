//! Names, texts and lists at their limits, and what must hold between two values.

use super::*;
use crate::ids::ServiceName;

fn codes(text: &str) -> Vec<ProblemCode> {
    match parse_document("deploy.yaml", text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.problems().iter().map(|problem| problem.code).collect(),
    }
}

/// What is said of a target file with this line in place of one that is right.
fn line(extra: &str) -> Vec<ProblemCode> {
    codes(&target("rolling", extra))
}

/// A text of `allowed` characters is taken, one of one more is not, and none is not.
#[track_caller]
fn longest(allowed: usize, text: impl Fn(usize) -> String, with: impl Fn(&str) -> String) {
    assert_eq!(codes(&with(&text(allowed))), [], "{allowed}");
    assert_eq!(
        codes(&with(&text(allowed + 1))),
        [ProblemCode::InvalidText],
        "{}",
        allowed + 1
    );
}

/// Each of these is refused as a text.
#[track_caller]
fn refused(texts: &[&str], with: impl Fn(&str) -> String) {
    for text in texts {
        assert_eq!(codes(&with(text)), [ProblemCode::InvalidText], "`{text}`");
    }
}

fn letters(length: usize) -> String {
    "a".repeat(length)
}

const NO_LABELS: [&str; 7] = ["", "-a", "a-", "2a", "aB", "a_b", "a b"];

#[test]
fn an_environment_is_a_short_label() {
    let file = |name: &str| format!("environment: \"{name}\"\nstrategy: rolling\nreplicas: 2\n");
    longest(24, letters, file);
    refused(&NO_LABELS, file);
    assert_eq!(codes(&file("eu-1-prod2")), []);
}

#[test]
fn a_service_of_a_usual_length_is_kept() {
    for name in ["w", "web-2", &letters(32)] {
        let spec = accept(&target("rolling", &format!("service: {name}\n"))).spec;
        assert_eq!(spec.service.as_ref().map(ServiceName::as_str), Some(name));
    }
    let with = |name: &str| target("rolling", &format!("service: \"{name}\"\n"));
    refused(&NO_LABELS, with);
    longest(32, letters, with);
}

#[test]
fn suites_and_roles_are_labels() {
    let suite = |name: &str| target("rolling", &format!("postDeploymentTests: [\"{name}\"]\n"));
    longest(40, letters, suite);
    refused(&NO_LABELS, suite);
    let role = |name: &str| {
        let gate = format!("gates: [{{before: shift, approvals: [{{role: \"{name}\"}}]}}]\n");
        target("rolling", &gate)
    };
    longest(40, letters, role);
    refused(&NO_LABELS, role);
}

#[test]
fn a_cluster_has_a_name_of_ecs() {
    let cluster = |name: &str| target("rolling", &format!("cluster: \"{name}\"\n"));
    longest(255, letters, cluster);
    assert_eq!(codes(&cluster("Main_1-a")), []);
    refused(&["", "a b", "a.b", "é", "a/b"], cluster);
}

#[test]
fn an_account_has_twelve_digits() {
    let account = |name: &str| target("rolling", &format!("account: \"{name}\"\n"));
    assert_eq!(codes(&account("123456789012")), []);
    refused(
        &["", "12345678901", "1234567890123", "12345678901a", "shop"],
        account,
    );
}

#[test]
fn a_repository_has_a_name_of_ecr() {
    let repository = |name: &str| target("rolling", &format!("trigger: {{repository: \"{name}\"}}\n"));
    longest(256, letters, repository);
    for name in ["ab", "team/web", "a.b_c-d/e9"] {
        assert_eq!(codes(&repository(name)), [], "{name}");
    }
    refused(
        &["", "a", "Web", "2web", "/web", "web:v1", "aB", "a b"],
        repository,
    );
}

#[test]
fn a_tag_is_a_pattern() {
    let tag = |name: &str| target("rolling", &format!("trigger: {{tags: [\"{name}\"]}}\n"));
    longest(128, letters, tag);
    for name in ["*", "?", "v1.2_x-Y*", "9"] {
        assert_eq!(codes(&tag(name)), [], "{name}");
    }
    refused(&["", "v 1", "v/1", "é", "v+"], tag);
}

#[test]
fn a_path_begins_at_the_root() {
    let path = |text: &str| target("rolling", &format!("healthCheck: {{path: \"{text}\"}}\n"));
    longest(1024, |length| format!("/{}", letters(length - 1)), path);
    assert_eq!(codes(&path("/")), []);
    refused(&["", "health", "/a b", "/é"], path);
}

fn metric(name: &str, expression: &str) -> String {
    let section = "canary:\n  steps: [{weight: 100}]\n  analysis:\n    metrics:";
    let item = format!("[{{name: \"{name}\", max: 1, expression: \"{expression}\"}}]");
    target("canary", &format!("{section} {item}\n"))
}

#[test]
fn a_metric_has_a_name_and_an_expression() {
    longest(64, letters, |name| metric(name, "m1"));
    assert_eq!(codes(&metric("queue_lag_2", "m1")), []);
    refused(&["", "_a", "2a", "Lag", "a-b", "a b"], |name| metric(name, "m1"));
    longest(2048, letters, |expression| metric("lag", expression));
    refused(&["", "  ", "m1\\u0007"], |expression| metric("lag", expression));
}

#[test]
fn texts_for_people_are_printable_and_bounded() {
    let alarm = |text: &str| target("rolling", &format!("autoRollback: {{alarms: [\"{text}\"]}}\n"));
    longest(255, letters, alarm);
    longest(255, |length| "é".repeat(length), alarm);
    refused(&["", " ", "a\\nb"], alarm);
    let reason = |text: &str| {
        let times = "from: 2026-12-24T18:00:00Z, until: 2026-12-24T18:00:01Z";
        target(
            "rolling",
            &format!("freezes: [{{{times}, reason: \"{text}\"}}]\n"),
        )
    };
    longest(200, letters, reason);
    refused(&["", "a\\tb"], reason);
    let channel = |text: &str| {
        target(
            "rolling",
            &format!("notifications: {{slackChannel: \"{text}\"}}\n"),
        )
    };
    longest(80, letters, channel);
    refused(&["", "#\\u0000"], channel);
}

#[test]
fn a_dashboard_is_a_link() {
    let link = |text: &str| target("rolling", &format!("notifications: {{dashboard: \"{text}\"}}\n"));
    longest(2000, |length| format!("https://{}", letters(length - 8)), link);
    assert_eq!(codes(&link("http://a")), []);
    refused(
        &[
            "",
            "https://",
            "http://",
            "ftp://a",
            "a.example",
            "https://a b",
            "https://é",
        ],
        link,
    );
}

fn regions(items: &[(&str, &str, u32)]) -> String {
    let rows: String = items
        .iter()
        .map(|(name, role, weight)| format!("  - {{name: \"{name}\", role: {role}, weight: {weight}}}\n"))
        .collect();
    format!("regions:\n{rows}")
}

#[test]
fn a_region_has_a_name_of_aws() {
    let region = |name: &str| regions(&[(name, "primary", 100)]);
    for name in ["eu-west-1", "us-gov-east-1", "ap-southeast-9", "cn-north-1"] {
        assert_eq!(codes(&region(name)), [], "{name}");
    }
    let long = format!("{}-{}-1", letters(40), letters(22));
    assert_eq!(
        (long.len(), codes(&region(&long))),
        (65, vec![ProblemCode::InvalidText])
    );
    let whole = format!("{}-{}-1", letters(40), letters(21));
    assert_eq!((whole.len(), codes(&region(&whole))), (64, Vec::new()));
    refused(
        &[
            "",
            "1",
            "eu-1",
            "eu-west",
            "eu-west-a",
            "eu-west-12",
            "eu-w-1",
            "e-west-1",
            "EU-west-1",
            "eu_x-west-1",
        ],
        region,
    );
}

#[test]
fn the_weights_of_regions_add_up_to_a_hundred() {
    let help = |weights: [u32; 2]| {
        let text = regions(&[
            ("eu-west-1", "canary", weights[0]),
            ("us-east-1", "primary", weights[1]),
        ]);
        match parse_document("deploy.yaml", &text) {
            Ok(_) => String::new(),
            Err(errors) => errors.problems()[0].help.clone().unwrap(),
        }
    };
    assert_eq!(help([50, 50]), "");
    assert_eq!(help([50, 49]), "1 % are missing");
    assert_eq!(help([50, 51]), "1 % are too many");
}

#[test]
fn one_canary_region_goes_first() {
    let roles = |roles: [&str; 3]| {
        let [a, b, c] = roles;
        codes(&regions(&[
            ("eu-west-1", a, 30),
            ("us-east-1", b, 30),
            ("us-west-2", c, 40),
        ]))
    };
    assert_eq!(roles(["canary", "secondary", "primary"]), []);
    assert_eq!(roles(["secondary", "secondary", "primary"]), []);
    assert_eq!(
        roles(["secondary", "canary", "primary"]),
        [ProblemCode::Contradiction]
    );
    assert_eq!(
        roles(["canary", "canary", "primary"]),
        [ProblemCode::DuplicateValue]
    );
}

#[test]
fn of_regions_that_can_not_all_be_read_no_sum_is_made() {
    let text = "regions:\n  - {name: eu-west-1, role: canary, weight: 10%}\n  - {name: us-east-1, role: primary, weight: most}\n";
    assert_eq!(codes(text), [ProblemCode::WrongUnit]);
    let text =
        "regions:\n  - {name: eu-west-1, role: canary, weight: 10%}\n  - {name: us-east-1, weight: 80%}\n";
    assert_eq!(codes(text), [ProblemCode::MissingKey]);
}

#[test]
fn a_request_may_be_as_much_as_the_limit() {
    let resources = |request: &str, limit: &str| {
        line(&format!(
            "resources:\n  limits: {{{limit}}}\n  requests: {{{request}}}\n"
        ))
    };
    let contradiction = [ProblemCode::Contradiction];
    assert_eq!(resources("cpu: 500m", "cpu: 500m"), []);
    assert_eq!(resources("cpu: 499m", "cpu: 500m"), []);
    assert_eq!(resources("cpu: 501m", "cpu: 500m"), contradiction);
    assert_eq!(resources("memory: 512Mi", "memory: 512Mi"), []);
    assert_eq!(resources("memory: 513Mi", "memory: 512Mi"), contradiction);
    assert_eq!(resources("memory: 513Mi", "cpu: 500m"), []);
}

#[test]
fn an_interval_is_above_its_timeout() {
    let check = |timeout: &str, interval: &str| {
        line(&format!(
            "healthCheck: {{path: /, timeout: {timeout}, interval: {interval}}}\n"
        ))
    };
    assert_eq!(check("29s", "30s"), []);
    assert_eq!(check("30s", "30s"), [ProblemCode::Contradiction]);
    assert_eq!(check("31s", "30s"), [ProblemCode::Contradiction]);
    assert_eq!(check("30s", "often"), [ProblemCode::WrongUnit]);
    let follows = |timeout: &str| {
        let text = format!("healthCheck: {{path: /, timeout: {timeout}}}\n");
        accept(&target("rolling", &text))
            .spec
            .health_check
            .unwrap()
            .interval_seconds
    };
    assert_eq!((follows("24s"), follows("25s"), follows("26s")), (30, 30, 31));
}

#[test]
fn a_freeze_of_a_second_is_one() {
    let freeze = |until: &str| {
        line(&format!(
            "freezes: [{{from: 2026-12-24T18:00:00Z, until: {until}, reason: x}}]\n"
        ))
    };
    assert_eq!(freeze("2026-12-24T18:00:01Z"), []);
    assert_eq!(freeze("2026-12-24T18:00:00Z"), [ProblemCode::Contradiction]);
    assert_eq!(freeze("2026-12-24T17:59:59Z"), [ProblemCode::Contradiction]);
}

#[test]
fn the_window_and_an_approval_may_last_a_week() {
    assert_eq!(line("autoRollback: {window: 7d}\n"), []);
    assert_eq!(line("autoRollback: {window: 6d23h59m59s}\n"), []);
    assert_eq!(line("autoRollback: {window: 7d1s}\n"), [ProblemCode::OutOfRange]);
    let gate = |expires: &str| {
        line(&format!(
            "gates: [{{before: shift, approvals: [{{role: a}}], expires: {expires}}}]\n"
        ))
    };
    assert_eq!((gate("1m"), gate("7d")), (Vec::new(), Vec::new()));
    assert_eq!(gate("59s"), [ProblemCode::OutOfRange]);
    assert_eq!(gate("7d1s"), [ProblemCode::OutOfRange]);
}

#[test]
fn lists_have_a_least_and_a_greatest_length() {
    let tags = |count: usize| {
        let tags: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        target("rolling", &format!("trigger: {{tags: [{}]}}\n", tags.join(", ")))
    };
    assert_eq!(codes(&tags(1)), []);
    assert_eq!(codes(&tags(20)), []);
    let help = |count| {
        let problem = errors(&tags(count)).problems()[0].clone();
        assert_eq!(problem.code, ProblemCode::OutOfRange);
        (problem.message, problem.help.unwrap())
    };
    let message = |count: usize| format!("`trigger.tags` has {count} items; it takes 1 to 20");
    assert_eq!(help(0), (message(0), "add one, or remove the key".to_owned()));
    assert_eq!(help(21), (message(21), "remove some".to_owned()));
}

#[test]
fn a_newer_push_waits_or_takes_over() {
    let on_push = |word: &str| {
        let text = format!("trigger: {{onNewerPush: {word}}}\n");
        accept(&target("rolling", &text)).spec.trigger.on_newer_push
    };
    assert_eq!(
        (on_push("queue"), on_push("supersede")),
        (NewerPush::Queue, NewerPush::Supersede)
    );
    assert_eq!(
        accept(&target("rolling", "")).spec.trigger.on_newer_push,
        NewerPush::Queue
    );
}

#[test]
fn conditions_without_a_load_balancer_are_refused_and_none_are_fine() {
    let worker = |rollback: &str| line(&format!("loadBalancer: false\nautoRollback: {{{rollback}}}\n"));
    assert_eq!(worker("conditions: []"), []);
    assert_eq!(
        worker("conditions: [error_rate > 1%]"),
        [ProblemCode::NeedsLoadBalancer]
    );
    assert_eq!(
        line("loadBalancer: true\nautoRollback: {conditions: [error_rate > 1%]}\n"),
        []
    );
}

#[test]
fn a_condition_is_underlined_behind_quotes_and_escapes() {
    let underlined = |item: &str| {
        let text = target(
            "rolling",
            &format!("autoRollback:\n  conditions:\n    - {item}\n"),
        );
        let problem = errors(&text).problems()[0].clone();
        text.get(problem.offset..problem.offset + problem.length)
            .unwrap()
            .to_owned()
    };
    assert_eq!(underlined("error_rate >> 1%"), ">>");
    assert_eq!(underlined("'error_rate >> 1%'"), ">>");
    assert_eq!(underlined("\"error_rate >> 1%\""), ">>");
    // Not in the file as it is read.
    assert_eq!(underlined("\"error_rate \\x3e> 1%\""), "\"error_rate \\x3e> 1%\"");
}

#[test]
fn marks_that_are_not_taken_are_underlined_whole() {
    let underlined = |text: &str| {
        let problem = errors(text).problems()[0].clone();
        text.get(problem.offset..problem.offset + problem.length)
            .unwrap()
            .to_owned()
    };
    for (text, mark) in [
        ("a: &name x\n", "&name"),
        ("a: [*x, 1]\n", "*x"),
        ("a: {b: *y}\n", "*y"),
        ("a: !tag x\n", "!tag"),
        ("a: !!int 1\n", "!!int"),
        ("é: !x y\n", "!x"),
        ("a: [!y]\n", "!y"),
    ] {
        assert_eq!(underlined(text), mark, "{text:?}");
    }
}

#[test]
fn a_list_of_names_has_a_most() {
    let with = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("A{at}: x")).collect();
        line(&format!(
            "configuration: {{environment: {{{}}}}}\n",
            names.join(", ")
        ))
    };
    assert_eq!(with(100), []);
    assert_eq!(with(101), [ProblemCode::OutOfRange]);
}

#[test]
fn a_bucket_and_a_prefix_are_named_as_s3_names_them() {
    let bucket = |name: &str| line(&format!("report: {{bucket: {name}}}\n"));
    for good in ["abc", "a.b-c1", "1ab", &"a".repeat(63)] {
        assert_eq!(bucket(good), [], "{good}");
    }
    for bad in ["ab", "-ab", "ab.", "aBc", "a_b", &"a".repeat(64)] {
        assert_eq!(bucket(bad), [ProblemCode::InvalidText], "{bad}");
    }
    let prefix = |name: &str| line(&format!("report: {{bucket: abc, prefix: \"{name}\"}}\n"));
    for good in ["a", "a/B_c-1/2", "1/2/3/4/5", &"a".repeat(40)] {
        assert_eq!(prefix(good), [], "{good}");
    }
    for bad in [
        "",
        "/a",
        "a/",
        "a//b",
        "a b",
        "a.b",
        "1/2/3/4/5/6",
        &"a".repeat(41),
    ] {
        assert_eq!(prefix(bad), [ProblemCode::InvalidText], "{bad}");
    }
}

#[test]
fn names_of_tables_and_databases_are_as_aws_takes_them() {
    let backup = |kind: &str, name: &str| line(&format!("prepare: {{backups: [{{{kind}: \"{name}\"}}]}}\n"));
    for good in ["abc", "a.b-c_1", &"a".repeat(255)] {
        assert_eq!(backup("table", good), [], "{good}");
    }
    for bad in ["ab", "a b c", &"a".repeat(256)] {
        assert_eq!(backup("table", bad), [ProblemCode::InvalidText], "{bad}");
    }
}
