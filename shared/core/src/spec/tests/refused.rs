//! What is refused, where, and with which advice.

use miette::NarratableReportHandler;

use super::*;

/// One expected problem: code, line, column, the text that is underlined, and the help.
type Expected<'a> = (ProblemCode, usize, usize, &'a str, &'a str);

#[track_caller]
fn refuses(text: &str, expected: &[Expected<'_>]) {
    let errors = errors(text);
    let found: Vec<Expected<'_>> = errors
        .problems()
        .iter()
        .map(|problem| {
            let end = problem.offset + problem.length;
            let underlined = text.get(problem.offset..end).unwrap_or("(not in the file)");
            let help = problem.help.as_deref().unwrap_or_default();
            (problem.code, problem.line, problem.column, underlined, help)
        })
        .collect();
    assert_eq!(found, expected, "{}", errors.plain());
}

fn canary(steps: &str) -> String {
    target(
        "canary",
        &format!("canary:\n  steps:\n{steps}autoRollback:\n  alarms: [a]\n"),
    )
}

fn analysed(lines: &str) -> String {
    target(
        "canary",
        &format!("canary:\n  steps: [{{weight: 100}}]\n  analysis:\n{lines}"),
    )
}

#[test]
fn an_unknown_key_is_told_the_nearest_one() {
    refuses(
        &canary("    - weight: 100\n      puase: 10m\n"),
        &[(ProblemCode::UnknownKey, 7, 7, "puase", "did you mean `pause`?")],
    );
    refuses(
        &target("rolling", "health_check:\n  path: /\n"),
        &[(
            ProblemCode::UnknownKey,
            4,
            1,
            "health_check",
            "did you mean `healthCheck`?",
        )],
    );
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    refuses(
        &target("rolling", "pause: 10m\n"),
        &[(
            ProblemCode::UnknownKey,
            4,
            1,
            "pause",
            "`pause` belongs in `canary.steps[]`, `linear`",
        )],
    );
    refuses(
        &canary("    - {weight: 100, replicas: 2}\n"),
        &[(
            ProblemCode::UnknownKey,
            6,
            21,
            "replicas",
            "`replicas` belongs in the top level",
        )],
    );
}

#[test]
fn a_stranger_is_told_all_keys() {
    refuses(
        &canary("    - {weight: 100, colour: red}\n"),
        &[(
            ProblemCode::UnknownKey,
            6,
            21,
            "colour",
            "the keys here are weight, pause",
        )],
    );
}

#[test]
fn a_duration_without_a_unit_is_told_its_unit() {
    refuses(
        &canary("    - weight: 100\n      pause: 10\n"),
        &[(
            ProblemCode::WrongUnit,
            7,
            14,
            "10",
            "a duration needs a unit: 10s, 10m or 1h",
        )],
    );
    refuses(
        &target("rolling", "timeouts: {healthy: 5 minutes}\n"),
        &[(
            ProblemCode::WrongUnit,
            4,
            21,
            "5 minutes",
            "a duration needs a unit: 10s, 10m or 1h",
        )],
    );
}

#[test]
fn memory_without_a_unit_is_told_its_unit() {
    refuses(
        &target("rolling", "resources:\n  limits:\n    memory: 512\n"),
        &[(
            ProblemCode::WrongUnit,
            6,
            13,
            "512",
            "memory needs a unit: 512Mi or 512Gi",
        )],
    );
}

#[test]
fn weights_must_rise_to_exactly_a_hundred() {
    refuses(
        &canary("    - weight: 25\n    - weight: 5\n    - weight: 100\n"),
        &[(
            ProblemCode::WeightNotRising,
            7,
            15,
            "5",
            "write a weight from 26 to 100",
        )],
    );
    refuses(
        &canary("    - weight: 25\n    - weight: 25\n    - weight: 100\n"),
        &[(
            ProblemCode::WeightNotRising,
            7,
            15,
            "25",
            "write a weight from 26 to 100",
        )],
    );
    refuses(
        &canary("    - weight: 100\n    - weight: 100\n"),
        &[(
            ProblemCode::WeightNotRising,
            7,
            15,
            "100",
            "100 is the last step; remove what comes after it",
        )],
    );
    refuses(
        &canary("    - weight: 5\n    - weight: 50\n"),
        &[(
            ProblemCode::WeightsIncomplete,
            7,
            15,
            "50",
            "add a last step `- weight: 100`",
        )],
    );
    refuses(
        &canary("    - weight: 150\n"),
        &[(
            ProblemCode::OutOfRange,
            6,
            15,
            "150",
            "write something from 1 to 100",
        )],
    );
    refuses(
        &canary("    - weight: 0\n    - weight: 100\n"),
        &[(
            ProblemCode::OutOfRange,
            6,
            15,
            "0",
            "write something from 1 to 100",
        )],
    );
}

#[test]
fn a_duplicated_key_shows_both_places() {
    let text = target("rolling", "replicas: 3\n");
    refuses(
        &text,
        &[(ProblemCode::DuplicateKey, 4, 1, "replicas", "keep one of the two")],
    );
    let also = errors(&text).problems()[0].also.clone().unwrap();
    assert_eq!(
        (also.line, also.column, also.label.as_str()),
        (3, 1, "first given here")
    );
}

#[test]
fn a_section_must_fit_the_strategy() {
    refuses(
        &target("rolling", "canary:\n  steps: [{weight: 100}]\n"),
        &[(
            ProblemCode::SectionDoesNotFit,
            4,
            1,
            "canary",
            "remove `canary`, or write `strategy: canary`",
        )],
    );
    refuses(
        &target("canary", ""),
        &[(
            ProblemCode::MissingKey,
            2,
            11,
            "canary",
            "add `canary:` with `steps`, a list of `weight` and `pause`",
        )],
    );
}

#[test]
fn what_every_file_needs_is_asked_for() {
    refuses(
        "strategy: rolling\n",
        &[
            (
                ProblemCode::MissingKey,
                1,
                1,
                "strategy",
                "add `environment:` with an environment name",
            ),
            (
                ProblemCode::MissingKey,
                1,
                1,
                "strategy",
                "add `replicas:` with a whole number",
            ),
        ],
    );
    refuses(
        &canary("    - pause: 10m\n"),
        &[(
            ProblemCode::MissingKey,
            6,
            7,
            "pause",
            "add `weight:` with a whole number",
        )],
    );
}

#[test]
fn wrong_types_say_what_is_taken() {
    refuses(
        "environment: x\nstrategy: rollin\nreplicas: \"2\"\n",
        &[
            (
                ProblemCode::UnknownChoice,
                2,
                11,
                "rollin",
                "did you mean `rolling`? (one of canary, linear, bluegreen, rolling, recreate)",
            ),
            (ProblemCode::WrongType, 3, 11, "\"2\"", "did you mean `2`?"),
        ],
    );
    refuses(
        &target(
            "rolling",
            "autoDeploy: yes\npostDeploymentTests: smoke\nhealthCheck: /health\n",
        ),
        &[
            (
                ProblemCode::WrongType,
                4,
                13,
                "yes",
                "write `true`, without quotes",
            ),
            (
                ProblemCode::WrongType,
                5,
                22,
                "smoke",
                "write each item on a line of its own below `postDeploymentTests`, after `- `",
            ),
            (
                ProblemCode::WrongType,
                6,
                14,
                "/health",
                "write the keys below `healthCheck`, indented by two spaces",
            ),
        ],
    );
    refuses(
        &target("rolling", "cluster: [a]\n"),
        &[(
            ProblemCode::WrongType,
            4,
            10,
            "[a",
            "write `cluster: ` and the value on the same line",
        )],
    );
}

#[test]
fn numbers_out_of_range_say_the_range() {
    refuses(
        "environment: x\nstrategy: rolling\nreplicas: 5001\n",
        &[(
            ProblemCode::OutOfRange,
            3,
            11,
            "5001",
            "write something from 1 to 5000",
        )],
    );
    refuses(
        &target(
            "rolling",
            "healthCheck: {path: /, timeout: 1s, failureThreshold: 11}\n",
        ),
        &[
            (
                ProblemCode::OutOfRange,
                4,
                33,
                "1s",
                "write something from 2s to 2m",
            ),
            (
                ProblemCode::OutOfRange,
                4,
                55,
                "11",
                "write something from 2 to 10",
            ),
        ],
    );
    refuses(
        &target("linear", "linear: {increment: 1, pause: 1m}\n"),
        &[(
            ProblemCode::OutOfRange,
            4,
            21,
            "1",
            "write `increment: 2` or more",
        )],
    );
}

#[test]
fn the_interval_must_be_above_the_timeout() {
    refuses(
        &target(
            "rolling",
            "healthCheck:\n  path: /\n  timeout: 30s\n  interval: 30s\n",
        ),
        &[(
            ProblemCode::Contradiction,
            7,
            13,
            "30s",
            "a limit of ELB: write `interval: 35s` or more",
        )],
    );
}

#[test]
fn a_value_eaten_by_a_comment_is_explained() {
    refuses(
        &target("rolling", "notifications:\n  slackChannel: #deployments\n"),
        &[(
            ProblemCode::WrongType,
            5,
            3,
            "slackChannel",
            "in YAML a `#` starts a comment: put the value into quotes, \"#...\"",
        )],
    );
}

#[test]
fn conditions_are_underlined_where_they_go_wrong() {
    refuses(
        &target(
            "rolling",
            "autoRollback:\n  conditions:\n    - eror_rate > 1%\n    - \"latency_p99 > 1000\"\n    - \
             error_rate > 1%\n    - error_rate>1%\n",
        ),
        &[
            (
                ProblemCode::InvalidCondition,
                6,
                7,
                "eror_rate",
                "did you mean `error_rate`?",
            ),
            (
                ProblemCode::InvalidCondition,
                7,
                22,
                "1000",
                "did you mean `1000ms`?",
            ),
            (
                ProblemCode::DuplicateValue,
                9,
                7,
                "error_rate>1%",
                "keep one of the two",
            ),
        ],
    );
}

#[test]
fn metrics_must_be_measurable_and_bounded() {
    refuses(
        &analysed(
            "    metrics:\n      - {name: error_rat, max: 1}\n      - {name: lag, max: 1}\n      - {name: \
             latency_p99}\n      - {name: availability, min: 101}\n      - {name: error_rate, min: 2, \
             max: 1}\n      - {name: error_rate, max: 0.1%}\n",
        ),
        &[
            (
                ProblemCode::UnknownMetric,
                8,
                16,
                "error_rat",
                "did you mean `error_rate`? any other metric needs an `expression`",
            ),
            (
                ProblemCode::UnknownMetric,
                9,
                16,
                "lag",
                "add an `expression`, or use one of error_rate, latency_p99, availability, request_count",
            ),
            (
                ProblemCode::MissingKey,
                10,
                16,
                "latency_p99",
                "add `max:`, `min:` or both",
            ),
            (
                ProblemCode::OutOfRange,
                11,
                35,
                "101",
                "a percentage is between 0 and 100",
            ),
            (
                ProblemCode::Contradiction,
                12,
                33,
                "2",
                "`min` must be below `max`",
            ),
            (
                ProblemCode::DuplicateValue,
                13,
                16,
                "error_rate",
                "keep one of the two",
            ),
            (
                ProblemCode::WrongType,
                13,
                33,
                "0.1%",
                "did you mean `0.1`? rates are in percent, latencies in milliseconds",
            ),
        ],
    );
}

#[test]
fn comparisons_need_metrics_that_are_worse_when_higher() {
    refuses(
        &analysed(
            "    metrics: [{name: lag, max: 1, expression: 'm1/${targetgroup}'}]\n    compare: {metrics: \
             [availability, lagg, lag, lag]}\n",
        ),
        &[
            (
                ProblemCode::InvalidText,
                7,
                47,
                "'m1/${targetgroup}'",
                "did you mean `${targetGroup}`?",
            ),
            (
                ProblemCode::UnknownMetric,
                8,
                25,
                "availability",
                "compare `error_rate` or `latency_p99`",
            ),
            (ProblemCode::UnknownMetric, 8, 39, "lagg", "did you mean `lag`?"),
            (ProblemCode::DuplicateValue, 8, 50, "lag", "keep one of the two"),
        ],
    );
}

#[test]
fn without_a_load_balancer_nothing_reads_from_it() {
    let help = "use a metric with an `expression` of its own, or a CloudWatch alarm";
    refuses(
        &target(
            "rolling",
            "loadBalancer: false\nautoRollback: {conditions: [error_rate > 1%]}\n",
        ),
        &[(ProblemCode::NeedsLoadBalancer, 5, 29, "error_rate > 1%", help)],
    );
}

#[test]
fn gates_name_known_phases_and_people() {
    refuses(
        &target(
            "rolling",
            "gates:\n  - before: shfit\n    approvals: [{role: Tech Lead}]\n  - before: shift\n    \
             approvals: [{role: a, count: 0}, {role: b}, {role: b}]\n  - before: shift\n    approvals: []\n",
        ),
        &[
            (
                ProblemCode::UnknownChoice,
                5,
                13,
                "shfit",
                "did you mean `shift`? (one of prepare, migrate, infrastructure, configure, shift, validate, complete, contract)",
            ),
            (
                ProblemCode::InvalidText,
                6,
                24,
                "Tech Lead",
                "lowercase letters, digits and dashes, starting with a letter, at most 40 characters",
            ),
            (
                ProblemCode::OutOfRange,
                8,
                34,
                "0",
                "write something from 1 to 10",
            ),
            (ProblemCode::DuplicateValue, 8, 56, "b", "keep one of the two"),
            (ProblemCode::DuplicateValue, 9, 13, "shift", "keep one of the two"),
            (
                ProblemCode::OutOfRange,
                10,
                5,
                "approvals",
                "add one, or remove the key",
            ),
        ],
    );
}

#[test]
fn a_freeze_must_end_after_it_starts() {
    refuses(
        &target(
            "rolling",
            "freezes:\n  - from: 2026-12-24T18:00:00Z\n    until: 2026-12-24T18:00:00Z\n    reason: x\n  \
             - from: tomorrow\n    until: 2026-12-24\n    reason: x\n",
        ),
        &[
            (
                ProblemCode::Contradiction,
                6,
                12,
                "2026-12-24T18:00:00Z",
                "`until` must be later than 2026-12-24T18:00:00Z",
            ),
            (
                ProblemCode::WrongType,
                8,
                11,
                "tomorrow",
                "write date, time and zone: 2026-12-24T18:00:00Z or 2026-12-24T18:00:00+01:00",
            ),
            (
                ProblemCode::WrongType,
                9,
                12,
                "2026-12-24",
                "write date, time and zone: 2026-12-24T18:00:00Z or 2026-12-24T18:00:00+01:00",
            ),
        ],
    );
}

#[test]
fn requests_stay_below_limits() {
    refuses(
        &target(
            "rolling",
            "resources:\n  limits: {cpu: 1}\n  requests: {cpu: 1500m}\n",
        ),
        &[(
            ProblemCode::Contradiction,
            6,
            19,
            "1500m",
            "raise the limit or lower the request",
        )],
    );
}

#[test]
fn regions_add_up() {
    refuses(
        "regions:\n  - {name: us-west-2, role: secondary, weight: 10%}\n  - {name: us-west-2, role: \
         canary, weight: 80}\nstrategy: canary\n",
        &[
            (
                ProblemCode::WeightsIncomplete,
                1,
                1,
                "regions",
                "10 % are missing",
            ),
            (
                ProblemCode::DuplicateValue,
                3,
                12,
                "us-west-2",
                "keep one of the two",
            ),
            (
                ProblemCode::Contradiction,
                3,
                29,
                "canary",
                "move it to the top: regions are rolled out in the order of the file",
            ),
            (
                ProblemCode::UnknownKey,
                4,
                1,
                "strategy",
                "the keys here are service, environment, regions, failurePolicy",
            ),
        ],
    );
}

#[test]
fn a_megabyte_of_aliases_ends_at_once() {
    let mut text = "a: &a [x]\n".to_owned();
    while text.len() < 1 << 20 {
        text.push_str("b: [*a, *a, *a, *a, *a, *a, *a, *a]\n");
    }
    let large = errors(&text);
    assert_eq!(large.problems().len(), 1);
    assert_eq!(large.problems()[0].code, ProblemCode::TooLarge);
    assert!(
        large
            .plain()
            .contains("a deployment file has at most 262144 bytes (256 KiB)"),
        "{}",
        large.plain()
    );

    text.truncate(MAX_BYTES);
    let found = errors(&text);
    assert_eq!(found.problems().len(), 1);
    let problem = &found.problems()[0];
    assert_eq!(
        (problem.code, problem.line, problem.column),
        (ProblemCode::Alias, 1, 4)
    );
    assert_eq!(&text[problem.offset..problem.offset + problem.length], "&a");
}

#[test]
fn yaml_that_is_more_than_we_take_is_refused() {
    let quotes = "write the value out; a text that starts with `*` or `&` goes into quotes";
    refuses(
        "environment: *name\n",
        &[(ProblemCode::Alias, 1, 14, "*name", quotes)],
    );
    let tag = "remove the tag; a text that starts with `!` goes into quotes";
    refuses(
        "environment: !!str x\n",
        &[(ProblemCode::Tag, 1, 14, "!!str", tag)],
    );
    let split = "one file describes one target: split it at `---`";
    refuses(
        "a: 1\n---\nb: 2\n",
        &[(ProblemCode::SeveralDocuments, 2, 1, "---", split)],
    );
    let start = "start with `environment: ...` and `strategy: ...`";
    refuses("", &[(ProblemCode::Empty, 1, 1, "", start)]);
    refuses("# nothing\n", &[(ProblemCode::Empty, 1, 1, "", start)]);
    refuses("- a\n", &[(ProblemCode::WrongType, 1, 1, "- a", start)]);
    refuses("a: [!x 1, 2!]\n", &[(ProblemCode::Tag, 1, 5, "!x", tag)]);
    refuses("a: &x\n  b: 1&2\n", &[(ProblemCode::Alias, 1, 4, "&x", quotes)]);
    let braces = "{".repeat(1000);
    refuses(
        &braces,
        &[(
            ProblemCode::TooDeep,
            1,
            256,
            "",
            "a deployment file needs 5 levels at most",
        )],
    );
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    refuses(
        &deep,
        &[(
            ProblemCode::TooDeep,
            1,
            35,
            "[",
            "a deployment file needs 5 levels at most",
        )],
    );
}

#[test]
fn tabs_and_broken_yaml_are_explained() {
    refuses(
        "environment: x\ncanary:\n\tsteps: []\n",
        &[(ProblemCode::Tab, 3, 1, "\t", "use two spaces for each level")],
    );
    refuses(
        "environment: x\n  \tstrategy: rolling\n",
        &[(ProblemCode::Tab, 2, 3, "\t", "use two spaces for each level")],
    );
    let errors = errors("environment: x\nstrategy: \"rolling\nreplicas: 1\n");
    assert_eq!(errors.problems()[0].code, ProblemCode::Syntax);
    assert!(errors.problems()[0].line >= 2, "{}", errors.plain());
}

#[test]
fn what_is_there_instead_is_named() {
    for (text, what) in [
        ("12\n", "a number"),
        ("true\n", "true or false"),
        ("rolling\n", "a text"),
        ("[rolling]\n", "a list"),
    ] {
        let message = errors(text).problems()[0].message.clone();
        assert_eq!(
            message,
            format!("a deployment file is a section of keys, not {what}")
        );
    }
}

#[test]
fn a_value_that_cannot_be_read_hides_no_other_problem() {
    let tags = "trigger: {tags: [v1, v1]}\n";
    let second_tag = |text: &str| {
        let problems = errors(text).problems().to_vec();
        let codes: Vec<ProblemCode> = problems.iter().map(|problem| problem.code).collect();
        (codes.len(), codes.contains(&ProblemCode::DuplicateValue))
    };
    let unread = analysed("    metrics: [{name: error_rate, max: 1}]\n    minRequests: many\n");
    assert_eq!(second_tag(&format!("{unread}{tags}")), (2, true));
    let unread = target("rolling", "autoRollback: {window: many}\n");
    assert_eq!(second_tag(&format!("{unread}{tags}")), (2, true));
}

#[test]
fn bytes_that_are_not_utf8_are_explained() {
    let refused = parse_bytes("deploy.yaml", b"environment: x\nservice: caf\xe9\n").unwrap_err();
    assert_eq!(
        refused.plain(),
        "deploy.yaml:2:13: the file is not UTF-8 from here on (save it as UTF-8)"
    );
}

#[test]
fn at_most_twenty_problems_are_shown_and_the_rest_is_counted() {
    let keys: String = (0..30).map(|i| format!("zzzzzz{i}: 1\n")).collect();
    let errors = errors(&target("rolling", &keys));
    assert_eq!((errors.problems().len(), errors.omitted()), (MAX_PROBLEMS, 10));
    assert_eq!(
        errors.to_string(),
        "deploy.yaml has 30 problems, the first 20 are shown"
    );
    assert!(errors.plain().ends_with("\nand 10 more"));
}

#[test]
fn problems_are_data_too() {
    let json = serde_json::to_value(errors(&target("rolling", "replicas: 3\n")).problems()).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{
            "code": "duplicate_key",
            "warning": false,
            "message": "`replicas` is given twice",
            "help": "keep one of the two",
            "line": 4,
            "column": 1,
            "offset": 51,
            "length": 8,
            "also": { "label": "first given here", "line": 3, "column": 1, "offset": 39, "length": 8 },
        }])
    );
}

/// The whole of a refusal, as it is printed. Reviewing the golden is reviewing what a person reads.
#[test]
#[expect(clippy::disallowed_methods, reason = "how a person asks for a new golden")]
fn a_refusal_reads_like_this() {
    let text = "\
environment: production
strategy: canary
replicas: 10
canary:
  steps:
    - weight: 5
      pause: 10
    - weight: 50
  analysis:
    intervall: 1m
    metrics:
      - name: error_rate
        max: 0.1
autoRollback:
  conditions:
    - error_rate > 1
";
    let mut printed = String::new();
    let refused = parse(".deploy/production-config.yaml", text).unwrap_err();
    NarratableReportHandler::new()
        .render_report(&mut printed, &refused)
        .unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/spec/tests/refusal.txt");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(golden, &printed).unwrap();
    }
    assert_eq!(printed, std::fs::read_to_string(golden).unwrap_or_default());
}

#[test]
fn evidence_and_hotfix_make_sense_together() {
    refuses(
        &target(
            "rolling",
            "evidence: {provenIn: staging, signature: yes please}\n",
        ),
        &[
            (
                ProblemCode::Contradiction,
                4,
                22,
                "staging",
                "name the one before it",
            ),
            (
                ProblemCode::UnknownChoice,
                4,
                42,
                "yes please",
                "write one of required",
            ),
        ],
    );
    refuses(
        &target("rolling", "evidence:\n  rehearsed: {in: staging, within: 10m}\n"),
        &[
            (
                ProblemCode::Contradiction,
                5,
                19,
                "staging",
                "name a test environment of the same service",
            ),
            (
                ProblemCode::OutOfRange,
                5,
                36,
                "10m",
                "write something from 1h to 365d",
            ),
        ],
    );
}
