//! The table of the procedures in the README: complete, and every story that it names is there.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rows of the table: the step, and the last column.
fn rows() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, table) = readme
        .split_once("### The procedures that it implements")
        .unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    table
        .lines()
        .filter(|line| line.starts_with("| 0"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 6, "{line}");
            assert!(!cells[2].is_empty() && !cells[3].is_empty(), "{line}");
            (cells[1].to_owned(), cells[4].to_owned())
        })
        .collect()
}

/// Goldens and tests of the scenarios.
fn stories() -> BTreeSet<String> {
    let files = |folder: &str| {
        let entries = std::fs::read_dir(root().join("tests").join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let goldens = files("goldens").into_iter();
    let mut stories: BTreeSet<String> = goldens
        .filter(|path| path.extension().is_some_and(|text| text == "txt"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    for path in files("tests/scenarios") {
        let text = std::fs::read_to_string(path).unwrap();
        for (_, rest) in text
            .match_indices("#[test]\nfn ")
            .map(|(at, found)| (at, &text[at + found.len()..]))
        {
            stories.insert(rest.split('(').next().unwrap().to_owned());
        }
    }
    stories
}

#[test]
fn every_story_that_the_table_names_is_there() {
    let stories = stories();
    let mut named = 0;
    for (step, shown) in rows() {
        for name in shown.split('`').skip(1).step_by(2) {
            assert!(
                stories.contains(name),
                "{step} names `{name}`, which is no scenario"
            );
            named += 1;
        }
    }
    assert!(named > 60, "{named}");
}

/// Numbered steps of each part, as the procedures have them.
#[test]
fn every_numbered_step_of_the_procedures_has_its_row() {
    let parts: BTreeMap<&str, u32> = BTreeMap::from([
        ("000-1", 4),
        ("000-2", 4),
        ("000-3", 3),
        ("000-4", 5),
        ("000-5", 4),
        ("000-6", 4),
        ("000-7", 3),
        ("000-8", 5),
        ("000-S", 2),
        ("000-R", 3),
        ("000-C", 3),
        ("001-1", 3),
        ("001-2", 3),
        ("001-3", 3),
        ("001-4", 3),
        ("001-5", 3),
        ("001-6", 3),
        ("002-1", 6),
        ("002-2", 8),
        ("002-3", 8),
        ("002-4", 4),
        ("002-5", 5),
        ("002-6", 4),
        ("002-7", 3),
        ("002-8", 7),
    ]);
    let mut expected: Vec<String> = parts
        .iter()
        .flat_map(|(part, steps)| (1..=*steps).map(move |step| format!("{part}.{step}")))
        .collect();
    expected.extend((1..=12).map(|task| format!("003-T-{task:02}")));
    expected.extend((0..=8).map(|step| format!("004-{step}")));
    expected.sort();
    let mut steps: Vec<String> = rows().into_iter().map(|(step, _)| step).collect();
    steps.sort();
    assert_eq!(steps, expected);
}
