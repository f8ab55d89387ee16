//! The rules of the specification ("Specification: Embedded metric format" in the CloudWatch User
//! Guide), checked on what we write.

use serde_json::Value;

use super::{completed, rolled_back};
use crate::exit::ExitState;
use crate::measures::outcome::Lead;
use crate::measures::{LeadFrom, Outcome, emf};

/// Values of `Unit` in CloudWatch's `MetricDatum`, as far as we use them.
const UNITS: [&str; 2] = ["Count", "Seconds"];

/// Where a document breaks the specification; empty where it does not.
fn broken(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut must = |holds: bool, rule: &str| {
        if !holds {
            found.push(rule.to_owned());
        }
    };
    must(line.len() <= 256 * 1024, "a document has at most 256 KB");
    must(!line.contains('\n'), "a log event is one line");
    let Ok(root) = serde_json::from_str::<Value>(line) else {
        return vec!["a log event is one JSON object with nothing around it".to_owned()];
    };
    let meta = &root["_aws"];
    must(meta["Timestamp"].is_u64(), "Timestamp is milliseconds since 1970");
    let Some(directives) = meta["CloudWatchMetrics"].as_array() else {
        return vec!["CloudWatchMetrics is an array".to_owned()];
    };
    for directive in directives {
        let namespace = directive["Namespace"].as_str().unwrap_or_default();
        must(
            (1..=1024).contains(&namespace.len()),
            "Namespace has 1 to 1024 characters",
        );
        must(!namespace.starts_with("AWS/"), "AWS/ is reserved");
        let sets = directive["Dimensions"].as_array().cloned().unwrap_or_default();
        must(!sets.is_empty(), "there is a dimension set");
        for set in &sets {
            let names = set.as_array().cloned().unwrap_or_default();
            must(names.len() <= 30, "a dimension set has at most 30 members");
            for name in &names {
                let value = root[name.as_str().unwrap_or_default()].as_str();
                must(
                    value.is_some_and(|value| (1..=1024).contains(&value.len()) && value.is_ascii()),
                    "a dimension's target is a text of 1 to 1024 ASCII characters on the root",
                );
            }
        }
        let metrics = directive["Metrics"].as_array().cloned().unwrap_or_default();
        must(
            (1..=100).contains(&metrics.len()),
            "a directive has at most 100 metrics",
        );
        for metric in &metrics {
            let name = metric["Name"].as_str().unwrap_or_default();
            must((1..=1024).contains(&name.len()), "a metric has a name");
            must(
                root[name].is_number(),
                "a metric's target is a number on the root",
            );
            must(
                metric["Unit"].as_str().is_some_and(|unit| UNITS.contains(&unit)),
                "a unit is one of CloudWatch's",
            );
        }
    }
    found
}

fn value(outcome: &Outcome, name: &str) -> Option<i64> {
    let root: Value = serde_json::from_str(&emf::line(outcome)).unwrap();
    root[name].as_i64()
}

#[test]
fn every_kind_of_end_keeps_to_the_specification() {
    for state in [
        ExitState::Completed,
        ExitState::Blocked,
        ExitState::Aborted,
        ExitState::RolledBack,
        ExitState::RollbackFailed,
    ] {
        let outcome = Outcome {
            state,
            ..rolled_back("d", 1, 20)
        };
        assert_eq!(broken(&emf::line(&outcome)), Vec::<String>::new(), "{state:?}");
    }
}

#[test]
fn the_check_of_the_specification_finds_what_is_wrong() {
    let good = emf::line(&completed("d", 1));
    for (from, to) in [
        ("\"Service\":\"web\"", "\"Service\":\"\""),
        ("\"Service\":\"web\"", "\"Elsewhere\":\"web\""),
        ("\"Completed\":1", "\"Completed\":\"1\""),
        ("\"Unit\":\"Count\"", "\"Unit\":\"Pieces\""),
        ("\"Timestamp\":", "\"Time\":"),
        ("\"Tidegate\"", "\"AWS/Tidegate\""),
        ("{", "INFO {"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from} is not there");
        assert!(!broken(&bad).is_empty(), "{to}");
    }
}

#[test]
fn a_completed_one_counts_once_with_its_times() {
    let outcome = completed("d", 1);
    assert_eq!(value(&outcome, "Deployments"), Some(1));
    assert_eq!(value(&outcome, "Completed"), Some(1));
    assert_eq!(value(&outcome, "RolledBack"), Some(0));
    assert_eq!(value(&outcome, "FailedChanges"), Some(0));
    assert_eq!(value(&outcome, "DurationSeconds"), Some(2400));
    assert_eq!(value(&outcome, "LeadTimeFromPushSeconds"), Some(3600));
    assert_eq!(value(&outcome, "LeadTimeSeconds"), None);
    assert_eq!(value(&outcome, "TimeToSafeSeconds"), None);
    let lead = Some(Lead {
        seconds: 7200,
        from: LeadFrom::Commit,
    });
    let outcome = Outcome { lead, ..outcome };
    assert_eq!(value(&outcome, "LeadTimeSeconds"), Some(7200));
    assert_eq!(value(&outcome, "LeadTimeFromPushSeconds"), None);
}

#[test]
fn one_that_was_rolled_back_tells_how_long_it_was_unsafe() {
    let outcome = rolled_back("d", 1, 20);
    assert_eq!(value(&outcome, "TimeToSafeSeconds"), Some(20));
    assert_eq!(value(&outcome, "FailedChanges"), Some(1));
    let unseen = Outcome {
        took_traffic: false,
        state: ExitState::Aborted,
        ..outcome
    };
    assert_eq!(value(&unseen, "TimeToSafeSeconds"), None);
    assert_eq!(value(&unseen, "FailedChanges"), Some(0));
}

#[test]
fn a_reversal_is_no_deployment_but_a_failed_change() {
    let reversal = Outcome {
        reverses: Some("d".parse().unwrap()),
        ..rolled_back("back", 1, 20)
    };
    assert_eq!(value(&reversal, "Deployments"), Some(0));
    assert_eq!(value(&reversal, "Reversals"), Some(1));
    assert_eq!(value(&reversal, "FailedChanges"), Some(1));
}
