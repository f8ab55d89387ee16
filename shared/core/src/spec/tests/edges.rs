//! Both sides of each edge of what a file may say.

use miette::{Diagnostic, Severity};

use super::*;
use crate::analysis::KnownMetric;

/// Code, underlined text and help of each problem.
fn found(text: &str) -> Vec<(ProblemCode, String, String)> {
    match parse_document("deploy.yaml", text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .problems()
            .iter()
            .map(|problem| {
                let end = problem.offset + problem.length;
                let underlined = text.get(problem.offset..end).unwrap_or("(not in the file)");
                let help = problem.help.clone().unwrap_or_default();
                (problem.code, underlined.to_owned(), help)
            })
            .collect(),
    }
}

fn codes(text: &str) -> Vec<ProblemCode> {
    found(text).into_iter().map(|(code, _, _)| code).collect()
}

fn analysed(before: &str, lines: &str) -> String {
    let section = format!("canary:\n  steps: [{{weight: 100}}]\n  analysis:\n{lines}");
    target("canary", &format!("{before}{section}"))
}

fn metric(bounds: &str) -> String {
    analysed("", &format!("    metrics: [{{{bounds}}}]\n"))
}

fn linear(increment: u32) -> Vec<(u8, u32)> {
    let text = target(
        "linear",
        &format!("linear:\n  increment: {increment}\n  pause: 1m\n"),
    );
    let Strategy::Linear(linear) = accept(&text).spec.strategy else {
        panic!("not a linear file")
    };
    let pair = |step: &Step| (step.weight.percent(), step.bake_seconds);
    linear.steps.iter().map(pair).collect()
}

#[test]
fn linear_steps_number_fifty_at_most_and_the_last_is_not_watched() {
    assert_eq!(linear(100), [(100, 0)]);
    assert_eq!(linear(99), [(99, 60), (100, 0)]);
    assert_eq!(linear(50), [(50, 60), (100, 0)]);
    let many = linear(2);
    assert_eq!(many.len(), 50);
    assert_eq!((many[0], many[48], many[49]), ((2, 60), (98, 60), (100, 0)));
    let odd = linear(3);
    assert_eq!((odd.len(), odd[32], odd[33]), (34, (99, 60), (100, 0)));
}

#[test]
fn the_step_before_the_last_may_be_ninety_nine() {
    let canary = |steps: &str| target("canary", &format!("canary: {{steps: [{steps}]}}\n"));
    assert_eq!(codes(&canary("{weight: 99}, {weight: 100}")), []);
    let falls = &found(&canary("{weight: 99}, {weight: 98}, {weight: 100}"))[0];
    assert_eq!(
        (falls.0, falls.2.as_str()),
        (ProblemCode::WeightNotRising, "write a weight from 100 to 100")
    );
    let messages: Vec<String> = errors(&canary("{weight: 30}, {weight: 30}, {weight: 20}"))
        .problems()
        .iter()
        .map(|problem| problem.message.clone())
        .collect();
    assert_eq!(
        messages,
        [
            "the weight 30 repeats the one before it, 30",
            "the weight 20 falls below the one before it, 30",
            "the last step ends at 20 %, not at 100 %",
        ]
    );
}

#[test]
fn of_a_step_that_can_not_be_read_nothing_more_is_said() {
    let canary = |steps: &str| target("canary", &format!("canary: {{steps: [{steps}]}}\n"));
    assert_eq!(
        codes(&canary("{weight: 5}, {weight: much}")),
        [ProblemCode::WrongType]
    );
    assert_eq!(
        codes(&canary("{weight: 5}, {weight: 100, pause: 1}")),
        [ProblemCode::WrongUnit]
    );
    assert_eq!(codes(&canary("{weight: 5}, 100")), [ProblemCode::WrongType]);
}

#[test]
fn a_section_that_is_there_but_wrong_is_not_called_missing() {
    assert_eq!(
        codes(&target("canary", "canary: none\n")),
        [ProblemCode::WrongType]
    );
    assert_eq!(
        codes(&target("linear", "linear: none\n")),
        [ProblemCode::WrongType]
    );
    assert_eq!(codes(&target("linear", "")), [ProblemCode::MissingKey]);
    assert_eq!(
        codes(&target("rolling", "trafficSwitch: {testDuration: 1m}\n")),
        [ProblemCode::SectionDoesNotFit]
    );
}

#[test]
fn a_bound_of_a_rate_is_a_percentage_and_of_a_latency_anything_from_zero() {
    let range = [ProblemCode::OutOfRange];
    for (bounds, codes_of) in [
        ("name: error_rate, max: 0", &[][..]),
        ("name: error_rate, max: 100", &[]),
        ("name: error_rate, max: 100.1", &range),
        ("name: error_rate, min: -0.1", &range),
        ("name: availability, min: 100.1", &range),
        ("name: latency_p99, max: 0", &[]),
        ("name: latency_p99, max: 1000000", &[]),
        ("name: latency_p99, max: -1", &range),
        ("name: request_count, min: -1", &range),
        ("name: lag, max: -1, expression: m1", &[]),
    ] {
        assert_eq!(codes(&metric(bounds)), codes_of, "{bounds}");
    }
    let help = |bounds| found(&metric(bounds))[0].2.clone();
    assert_eq!(
        help("name: error_rate, max: 101"),
        "a percentage is between 0 and 100"
    );
    assert_eq!(help("name: latency_p99, max: -1"), "it is never below 0");
}

#[test]
fn the_least_may_be_the_most_but_not_above_it() {
    assert_eq!(codes(&metric("name: latency_p99, min: 5, max: 5")), []);
    assert_eq!(codes(&metric("name: latency_p99, min: 5, max: 6")), []);
    assert_eq!(
        codes(&metric("name: latency_p99, min: 6, max: 5")),
        [ProblemCode::Contradiction]
    );
}

#[test]
fn a_bound_that_can_not_be_read_is_not_called_missing() {
    assert_eq!(
        codes(&metric("name: latency_p99, min: low")),
        [ProblemCode::WrongType]
    );
    assert_eq!(
        codes(&metric("name: latency_p99, max: high")),
        [ProblemCode::WrongType]
    );
    assert_eq!(codes(&metric("name: latency_p99")), [ProblemCode::MissingKey]);
    assert_eq!(
        codes(&metric("name: lag, max: 1, expression: [a]")),
        [ProblemCode::WrongType]
    );
}

#[test]
fn without_a_load_balancer_only_expressions_are_measured() {
    let worker = |lines: &str| codes(&analysed("loadBalancer: false\n", lines));
    let needs = ProblemCode::NeedsLoadBalancer;
    assert_eq!(worker("    metrics: [{name: lag, max: 1, expression: m1}]\n"), []);
    assert_eq!(worker("    metrics: [{name: error_rate, max: 1}]\n"), [needs]);
    let lag = "    metrics: [{name: lag, max: 1, expression: m1}]\n    minRequests:";
    assert_eq!(worker(&format!("{lag} 0\n")), []);
    assert_eq!(worker(&format!("{lag} 1\n")), [needs]);
    assert_eq!(worker(&format!("{lag} few\n")), [ProblemCode::WrongType]);
    assert_eq!(codes(&analysed("", &format!("{lag} 1\n"))), []);
}

#[test]
fn what_is_watched_is_not_warned_of() {
    let warned = |extra: &str| {
        let text = target(
            "canary",
            &format!("canary: {{steps: [{{weight: 100}}]}}\n{extra}"),
        );
        let codes: Vec<ProblemCode> = accept(&text).warnings.iter().map(|one| one.code).collect();
        codes
    };
    let nothing = [ProblemCode::MeasuresNothing];
    assert_eq!(warned(""), nothing);
    assert_eq!(warned("autoRollback: {window: 1h}\n"), nothing);
    assert_eq!(warned("autoRollback: {alarms: [a]}\n"), []);
    assert_eq!(warned("autoRollback: {conditions: [error_rate > 1%]}\n"), []);
    let measured = metric("name: error_rate, max: 1");
    assert_eq!(accept(&measured).warnings, []);
    // An analysis that was refused is no lack of one.
    let refused = target("canary", "canary: {steps: [{weight: 100}], analysis: none}\n");
    assert_eq!(codes(&refused), [ProblemCode::WrongType]);
}

#[test]
fn placeholders_are_those_that_are_filled_in() {
    let expression = |text: &str| {
        found(&metric(&format!("name: lag, max: 1, expression: '{text}'")))
            .into_iter()
            .map(|(_, _, help)| help)
            .collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(expression("m1/${slot}+${cluster}"), none);
    assert_eq!(expression("${targetGroup} ${loadBalancer} ${ecsService}"), none);
    assert_eq!(expression("${slots}"), ["did you mean `${slot}`?"]);
    let all = "these can: ${targetGroup}, ${loadBalancer}, ${slot}, ${ecsService}, ${cluster}";
    assert_eq!(expression("${region}"), [all]);
    assert_eq!(expression("${slot"), [all]);
    assert_eq!(expression("${region} ${slot} ${x"), [all, all]);
}

#[test]
fn what_is_compared_is_worse_when_higher_or_has_an_expression() {
    let compared = |name: &str| {
        let lines = format!(
            "    metrics: [{{name: lag, max: 1, expression: m1}}]\n    compare: {{metrics: [{name}]}}\n"
        );
        found(&analysed("", &lines))
            .into_iter()
            .map(|(_, _, help)| help)
            .collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(compared("lag"), none);
    for metric in KnownMetric::ALL {
        let fine = compared(metric.as_str()).is_empty();
        assert_eq!(fine, metric.higher_is_worse(), "{metric}");
    }
    assert_eq!(compared("latency_p9"), ["did you mean `latency_p99`?"]);
    assert_eq!(compared("zzzzzzzz"), ["add it to `metrics` with an `expression`"]);
}

#[test]
fn a_file_of_exactly_the_greatest_size_is_read() {
    let text = target("rolling", "");
    let padded = |size: usize| format!("{text}#{}", "x".repeat(size - text.len() - 1));
    assert_eq!(padded(MAX_BYTES).len(), MAX_BYTES);
    assert_eq!(codes(&padded(MAX_BYTES)), []);
    assert_eq!(codes(&padded(MAX_BYTES + 1)), [ProblemCode::TooLarge]);
}

#[test]
fn nesting_ends_after_thirty_two_levels() {
    let nested = |lists: usize| {
        codes(&format!(
            "environment: {}{}\n",
            "[".repeat(lists),
            "]".repeat(lists)
        ))
    };
    // The file itself is one.
    assert!(!nested(31).contains(&ProblemCode::TooDeep));
    assert_eq!(nested(32), [ProblemCode::TooDeep]);
}

#[test]
fn what_stands_in_the_wrong_place_is_called_by_what_it_is() {
    let message = |value: &str| {
        errors(&target("rolling", &format!("trigger: {value}\n"))).problems()[0]
            .message
            .clone()
    };
    let takes =
        |what: &str| format!("`trigger` takes a section with repository, tags, onNewerPush, not {what}");
    assert_eq!(message("1.5"), takes("a number"));
    assert_eq!(message("true"), takes("true or false"));
    assert_eq!(message("false"), takes("true or false"));
    assert_eq!(message("\"true\""), takes("a text"));
    assert_eq!(message("\"1\""), takes("a text"));
    assert_eq!(message("word"), takes("a text"));
    assert_eq!(message("[a]"), takes("a list"));
    let listed = errors("environment: {a: 1}\nstrategy: rolling\nreplicas: 1\n");
    assert_eq!(
        listed.problems()[0].message,
        "`environment` takes an environment name, not a section of keys"
    );
    for nothing in ["", "~", "null", "Null", "NULL"] {
        assert_eq!(message(nothing), "`trigger` has no value", "{nothing}");
    }
    assert_eq!(message("\"null\""), takes("a text"));
    assert_eq!(
        errors("just a text\n").problems()[0].message,
        "a deployment file is a section of keys, not a text"
    );
    for empty in ["~\n", "null\n", "---\n"] {
        assert_eq!(codes(empty), [ProblemCode::Empty], "{empty}");
    }
}

#[test]
fn a_key_is_a_word() {
    for text in ["[a]: 1\n", "{a: 1}: 2\n", "environment: {{name}}\n"] {
        let problem = errors(text).problems()[0].clone();
        assert_eq!(problem.code, ProblemCode::Syntax, "{text}");
    }
}

#[test]
fn one_document_may_begin_with_its_mark() {
    let text = target("rolling", "");
    assert_eq!(codes(&format!("---\n{text}")), []);
    assert_eq!(codes(&format!("{text}...\n")), []);
    assert_eq!(
        codes(&format!("---\n{text}---\n{text}")),
        [ProblemCode::SeveralDocuments]
    );
}

#[test]
fn tabs_are_found_on_the_line_and_on_the_one_before_it() {
    for text in ["a:\n\tb: 1\n", "environment: é\na:\n\tb: 1\nc: 2\n"] {
        let problem = errors(text).problems()[0].clone();
        assert_eq!(problem.code, ProblemCode::Tab, "{text:?}: {problem}");
        assert_eq!(text.get(problem.offset..=problem.offset), Some("\t"), "{text:?}");
    }
    // One that indents nothing, and one far away.
    let inside = errors("a: \"x\ty\n");
    assert_ne!(inside.problems()[0].code, ProblemCode::Tab);
}

#[test]
fn columns_count_characters_and_offsets_bytes() {
    let text = target("rolling", "# é漢🚨\n\"clustér\": a\ncluster: \"é漢\u{1f6a8}\"\n");
    let problems = errors(&text);
    let places: Vec<_> = problems
        .problems()
        .iter()
        .map(|one| (one.line, one.column))
        .collect();
    assert_eq!(places, [(5, 1), (6, 10)]);
    let inline = errors(&target("rolling", "freezes: [{reason: é漢, colour: 1}]\n"));
    let unknown = |one: &&Problem| one.code == ProblemCode::UnknownKey;
    let problem = inline.problems().iter().find(unknown).unwrap();
    assert_eq!((problem.line, problem.column), (4, 24));
}

#[test]
fn problems_come_in_the_order_of_the_file() {
    let problems = errors("strategy: rollin\nreplicas: 0\nzzzzzz: 1\nenvironment: X\n");
    let lines: Vec<usize> = problems.problems().iter().map(|one| one.line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
    assert_eq!(problems.to_string(), "deploy.yaml has 4 problems");
    let one = errors(&target("rolling", "zzzzzz: 1\n"));
    assert_eq!(one.to_string(), "deploy.yaml has 1 problem");
    assert_eq!(one.source_name(), "deploy.yaml");
    assert_eq!(one.source_text(), target("rolling", "zzzzzz: 1\n"));
}

#[test]
fn twenty_problems_are_shown_without_a_rest() {
    let keys = |count: usize| -> String { (0..count).map(|i| format!("zzzzzz{i}: 1\n")).collect() };
    let counted = |count| {
        let errors = errors(&target("rolling", &keys(count)));
        (
            errors.problems().len(),
            errors.omitted(),
            errors.plain().contains("more"),
        )
    };
    assert_eq!(counted(MAX_PROBLEMS - 1), (19, 0, false));
    assert_eq!(counted(MAX_PROBLEMS), (20, 0, false));
    assert_eq!(counted(MAX_PROBLEMS + 1), (20, 1, true));
    // Of another kind than unknown keys, too.
    let steps = "{weight: 0}, ".repeat(MAX_PROBLEMS + 1);
    let weights = errors(&target("canary", &format!("canary: {{steps: [{steps}]}}\n")));
    assert_eq!((weights.problems().len(), weights.omitted()), (20, 1));
}

#[test]
fn a_problem_is_a_diagnostic_with_its_code_help_and_places() {
    let errors = errors(&target("rolling", "replicas: 3\n"));
    let problem = &errors.problems()[0];
    assert_eq!(problem.to_string(), "`replicas` is given twice");
    assert_eq!(
        Diagnostic::code(problem).unwrap().to_string(),
        "spec::duplicate_key"
    );
    assert_eq!(
        Diagnostic::help(problem).unwrap().to_string(),
        "keep one of the two"
    );
    assert_eq!(Diagnostic::severity(problem), Some(Severity::Error));
    let labels: Vec<_> = problem
        .labels()
        .unwrap()
        .map(|label| {
            (
                label.label().unwrap().to_owned(),
                label.offset(),
                label.len(),
                label.primary(),
            )
        })
        .collect();
    assert_eq!(
        labels,
        [
            ("given again".to_owned(), 51, 8, true),
            ("first given here".to_owned(), 39, 8, false),
        ]
    );
    assert_eq!(
        problem.plain("x.yaml"),
        "x.yaml:4:1: `replicas` is given twice (keep one of the two)"
    );
    assert_eq!(Diagnostic::code(&errors).unwrap().to_string(), "spec");
    assert_eq!(Diagnostic::related(&errors).unwrap().count(), 1);
    assert!(Diagnostic::source_code(&errors).is_some());

    let canary = target("canary", "canary: {steps: [{weight: 100}]}\n");
    let warning = &accept(&canary).warnings[0];
    assert_eq!(Diagnostic::severity(warning), Some(Severity::Warning));
    assert_eq!(warning.labels().unwrap().count(), 1);
}

#[test]
fn every_code_is_printed_as_it_is_stored() {
    let codes = [
        ProblemCode::TooLarge,
        ProblemCode::NotUtf8,
        ProblemCode::Syntax,
        ProblemCode::Tab,
        ProblemCode::TooDeep,
        ProblemCode::Alias,
        ProblemCode::Tag,
        ProblemCode::SeveralDocuments,
        ProblemCode::Empty,
        ProblemCode::DuplicateKey,
        ProblemCode::UnknownKey,
        ProblemCode::NotBuiltYet,
        ProblemCode::MissingKey,
        ProblemCode::WrongType,
        ProblemCode::WrongUnit,
        ProblemCode::OutOfRange,
        ProblemCode::UnknownChoice,
        ProblemCode::InvalidText,
        ProblemCode::InvalidCondition,
        ProblemCode::WeightNotRising,
        ProblemCode::WeightsIncomplete,
        ProblemCode::SectionDoesNotFit,
        ProblemCode::DuplicateValue,
        ProblemCode::UnknownMetric,
        ProblemCode::Contradiction,
        ProblemCode::NeedsLoadBalancer,
        ProblemCode::MeasuresNothing,
        ProblemCode::NoEffect,
        ProblemCode::NoBackup,
    ];
    for code in codes {
        let stored = serde_json::to_value(code).unwrap();
        assert_eq!(code.to_string(), format!("spec::{}", stored.as_str().unwrap()));
    }
}
