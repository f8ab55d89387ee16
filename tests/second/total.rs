//! The figures of all scenarios together, printed when the last one is through, and what must hold of
//! them as a whole: that no scenario was left out, and that every known difference is still one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::known;
use super::replay::Replayed;
use super::tell;

#[derive(Debug, Default)]
struct Total {
    scenarios: BTreeSet<String>,
    executions: usize,
    entered: usize,
    answers: usize,
    known: Vec<&'static str>,
}

/// Adds a scenario without differences; tells of all of them after the last.
pub fn add(name: &str, replayed: &Replayed) {
    static TOTAL: Mutex<Total> = Mutex::new(Total {
        scenarios: BTreeSet::new(),
        executions: 0,
        entered: 0,
        answers: 0,
        known: Vec::new(),
    });
    let mut total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
    total.scenarios.insert(name.to_owned());
    total.executions += replayed.executions;
    total.entered += replayed.entered;
    total.answers += replayed.answers;
    total.known.extend(replayed.known.iter().map(|line| line.what));
    if total.scenarios == goldens() {
        total.close();
    }
}

impl Total {
    fn close(&self) {
        tell(&format!(
            "{} scenarios on moto as here: {} executions, {} states entered, {} functions' answers, 0 differences but for:",
            self.scenarios.len(),
            self.executions,
            self.entered,
            self.answers
        ));
        for line in known::ALL {
            let met = self.known.iter().filter(|what| **what == line.what).count();
            tell(&format!("  {} ({met} times): {}", line.what, line.reason));
            assert!(
                met > 0,
                "`{}` is no difference any more: take it out of the table",
                line.what
            );
        }
    }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every scenario leaves a golden.
fn goldens() -> BTreeSet<String> {
    let files = std::fs::read_dir(tests().join("goldens")).unwrap().flatten();
    let paths = files.map(|file| file.path());
    let goldens = paths.filter(|path| path.extension().is_some_and(|text| text == "txt"));
    goldens
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// A module that this suite does not have would not be missed by anything else.
#[test]
fn every_scenario_is_played_here_too() {
    let here = include_str!("../tests/second_opinion.rs");
    let mut texts = String::new();
    for file in std::fs::read_dir(tests().join("tests/scenarios")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if name == "main.rs" {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).unwrap();
        // A story whose outcome is looked at by the test itself has no golden, and no path to compare.
        if !text.contains("    scenario(\n") {
            continue;
        }
        assert!(
            here.contains(&format!("#[path = \"scenarios/{name}\"]")),
            "second_opinion.rs does not have scenarios/{name}"
        );
        assert!(
            text.contains("use crate::scenario;"),
            "scenarios/{name} has to take `scenario` from its crate, so that it is played on moto as well"
        );
        texts.push_str(&text);
    }
    let missing: Vec<String> = goldens()
        .into_iter()
        .filter(|name| !texts.contains(&format!("\"{name}\"")))
        .collect();
    assert!(missing.is_empty(), "goldens without a scenario: {missing:?}");
}
