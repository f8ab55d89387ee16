//! The demo of every section goes as it should, and has every section.
#![expect(clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use tidegate_core::exit::ExitState;
use tidegate_local::demo::full;

/// Sections that belong to another strategy than the demo's canary, or to several regions, and keys
/// that only name what the demo leaves as it is.
const ELSEWHERE: [&str; 6] = [
    "cluster",
    "linear",
    "loadBalancer",
    "service",
    "trafficSwitch",
    "trigger",
];

#[test]
fn a_release_with_every_section_goes_to_production_and_the_next_one_comes_back_whole() {
    let (report, pages) = full::run(1).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.problems, Vec::<String>::new());
    let exits: Vec<_> = report.deployments.iter().map(|told| told.exit).collect();
    assert_eq!(exits, [Some(ExitState::Completed), Some(ExitState::RolledBack)]);
    let weights: Vec<_> = report
        .deployments
        .iter()
        .map(|told| told.candidate_weights.clone())
        .collect();
    assert_eq!(weights, [vec![5, 25, 50, 100], vec![5, 25, 0]]);
    let [first, second] = pages.as_slice() else {
        panic!("{} pages", pages.len());
    };
    for words in ["add-email", "SHOP-7", "dora", "index by-customer"] {
        assert!(first.html.contains(words), "{words}");
    }
    for words in ["add-wishlist", "forward-only", "was rolled back"] {
        assert!(second.html.contains(words), "{words}");
    }
}

#[test]
fn the_demo_has_every_section_that_a_file_can_have() {
    let schema = include_str!("../../infra/deployment-file.schema.json");
    let schema: serde_json::Value = serde_json::from_str(schema).unwrap_or_default();
    let known: BTreeSet<&str> = schema["$defs"]["targetFile"]["properties"]
        .as_object()
        .map(|keys| keys.keys().map(String::as_str).collect())
        .unwrap_or_default();
    assert!(known.contains("canary"), "the schema's sections were not found");
    let has = |key: &&str| {
        full::FILE
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")))
    };
    let missing: Vec<_> = known
        .into_iter()
        .filter(|key| !ELSEWHERE.contains(key) && !has(key))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
