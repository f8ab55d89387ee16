#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::testing::{at, digest, suite};

fn ci() -> Person {
    "ci".parse().unwrap()
}

fn empty() -> Release {
    Release::new("web".to_owned(), digest("2"), ci(), at(0))
}

fn commit(text: &str) -> ReleasePart {
    ReleasePart {
        commit: Some(text.parse().unwrap()),
        ..ReleasePart::default()
    }
}

fn tested(name: &str, passed: u32, failed: u32, skipped: u32) -> ReleasePart {
    let counts = SuiteCounts {
        passed,
        failed,
        skipped,
    };
    ReleasePart {
        suites: BTreeMap::from([(suite(name), counts)]),
        ..ReleasePart::default()
    }
}

#[test]
fn parts_of_several_jobs_come_together() {
    let mut release = empty();
    release.record(commit("0a1b2c3"), &ci(), at(1)).unwrap();
    release
        .record(tested("unit", 120, 0, 3), &"runner".parse().unwrap(), at(2))
        .unwrap();
    assert_eq!(release.commit.as_ref().map(Commit::as_str), Some("0a1b2c3"));
    let unit = &release.suites[&suite("unit")];
    assert_eq!((unit.by.as_str(), unit.at), ("runner", at(2)));
    assert_eq!((release.recorded_by.as_str(), release.at), ("runner", at(2)));
}

#[test]
fn a_suite_recorded_again_replaces_the_first() {
    let mut release = empty();
    release.record(tested("unit", 118, 2, 0), &ci(), at(1)).unwrap();
    assert!(!release.suites[&suite("unit")].counts.proves());
    release.record(tested("unit", 120, 0, 0), &ci(), at(2)).unwrap();
    assert!(release.suites[&suite("unit")].counts.proves());
    assert_eq!(release.suites.len(), 1);
}

#[test]
fn what_an_image_is_does_not_change() {
    let mut release = empty();
    release.record(commit("0a1b2c3"), &ci(), at(1)).unwrap();
    release.record(commit("0a1b2c3"), &ci(), at(2)).unwrap();
    let before = release.clone();
    // The suite beside it is not taken either: all or nothing.
    let part = ReleasePart {
        suites: tested("unit", 1, 0, 0).suites,
        ..commit("ffffffff")
    };
    let refused = release.record(part, &ci(), at(3)).unwrap_err();
    assert!(refused.to_string().contains("recorded as 0a1b2c3"), "{refused}");
    assert_eq!(release, before);
}

#[test]
fn only_a_suite_in_which_something_ran_and_nothing_failed_proves_anything() {
    let proves = |passed, failed, skipped| {
        SuiteCounts {
            passed,
            failed,
            skipped,
        }
        .proves()
    };
    assert!(proves(1, 0, 0) && proves(120, 0, 7));
    assert!(!proves(0, 0, 0) && !proves(0, 0, 7) && !proves(119, 1, 0));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |part: ReleasePart| empty().record(part, &ci(), at(1)).unwrap_err();
    let sbom = |sha256: &str, place: &str| ReleasePart {
        sbom: Some(Sbom {
            sha256: sha256.to_owned(),
            place: place.to_owned(),
        }),
        ..ReleasePart::default()
    };
    let hash = "ab".repeat(32);
    assert_eq!(refused(ReleasePart::default()), ReleaseRefusal::Nothing);
    assert_eq!(
        refused(tested("Unit Tests", 1, 0, 0)),
        ReleaseRefusal::SuiteName("Unit Tests".to_owned())
    );
    assert_eq!(refused(sbom("abc", "sbom.json")), ReleaseRefusal::SbomHash);
    assert_eq!(refused(sbom(&hash, "")), ReleaseRefusal::Place);
    assert_eq!(refused(sbom(&hash, &"x".repeat(501))), ReleaseRefusal::Place);
    empty().record(sbom(&hash, "sbom.json"), &ci(), at(1)).unwrap();
    let many = ReleasePart {
        suites: (0..=MAX_SUITES)
            .map(|n| (suite(&format!("s{n}")), SuiteCounts::default()))
            .collect(),
        ..ReleasePart::default()
    };
    assert_eq!(refused(many), ReleaseRefusal::TooManySuites);
}

#[test]
fn findings_and_counts_are_shown_in_short() {
    let found = Findings {
        critical: 2,
        high: 0,
        medium: 4,
        low: 0,
    };
    assert_eq!(found.shown(), "2 critical, 0 high, 4 medium");
    let counts = SuiteCounts {
        passed: 118,
        failed: 2,
        skipped: 9,
    };
    assert_eq!(counts.shown(), "118/120");
}

#[test]
fn as_many_suites_are_taken_as_may_be() {
    let most = ReleasePart {
        suites: (0..MAX_SUITES)
            .map(|n| (suite(&format!("s{n}")), SuiteCounts::default()))
            .collect(),
        ..ReleasePart::default()
    };
    let mut release = empty();
    release.record(most, &ci(), at(1)).unwrap();
    assert_eq!(release.suites.len(), MAX_SUITES);
}
