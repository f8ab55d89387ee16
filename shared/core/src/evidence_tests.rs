#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::deployment::{Kind, Origin, Override};
use crate::release::{ReleasePart, Sbom};
use crate::spec::Spec;
use crate::target::Quarantine;
use crate::testing::{CANARY, at, completed_in, digest, requested, spec, suite};

const ASKED: &str = "\
evidence:
  suites: [unit, load]
  sbom: true
  ticket: true
  scan: {critical: 0, high: 5, wait: 5m}
  signature: required
  provenIn: staging
  rehearsed: {in: staging}
  notify: [devops-lead]
hotfix:
  skip: [scan, provenIn, rehearsed]
  approvals: [{role: tech-lead}]
";

fn deployment() -> Deployment {
    requested(&format!("{CANARY}{ASKED}"))
}

fn hotfix() -> Deployment {
    let mut deployment = deployment();
    deployment.overrides.push(Override {
        what: crate::deployment::HOTFIX.to_owned(),
        by: "maria".parse().unwrap(),
        reason: "payments fail".to_owned(),
    });
    deployment.spec = deployment.spec.for_hotfix().into();
    deployment
}

fn counts(passed: u32, failed: u32) -> SuiteCounts {
    SuiteCounts {
        passed,
        failed,
        skipped: 0,
    }
}

fn release() -> Release {
    let ci: Person = "ci".parse().unwrap();
    let mut release = Release::new("web".to_owned(), digest("2"), ci.clone(), at(0));
    let part = ReleasePart {
        commit: Some("0a1b2c3d".parse().unwrap()),
        author: Some("maria".parse().unwrap()),
        ticket: Some("SHOP-7".parse().unwrap()),
        suites: BTreeMap::from([(suite("unit"), counts(120, 0)), (suite("load"), counts(3, 0))]),
        sbom: Some(Sbom {
            sha256: "ab".repeat(32),
            place: "sbom.json".to_owned(),
        }),
        ..ReleasePart::default()
    };
    release.record(part, &ci, at(0)).unwrap();
    release
}

fn scanned(critical: u32, high: u32) -> ScanState {
    ScanState::Done(Scan {
        digest: digest("2"),
        at: Some(at(-5)),
        findings: Findings {
            critical,
            high,
            ..Findings::default()
        },
    })
}

/// Everything that is asked for.
fn whole() -> EvidenceSeen {
    EvidenceSeen {
        digest: digest("2"),
        release: Some(release()),
        author: Some(Author::Known("maria".parse().unwrap())),
        scan: Some(scanned(0, 5)),
        signature: Some(Signature::Notation),
        proven: Some(Proof {
            environment: "staging".parse().unwrap(),
            deployment: "web-staging-4".parse().unwrap(),
        }),
        rehearsed: Some(Rehearsal {
            environment: "staging".parse().unwrap(),
            back: "web-staging-5-back".parse().unwrap(),
            again: "web-staging-6".parse().unwrap(),
            at: at(-3600),
            safe_after_seconds: 4,
            undone: BTreeMap::new(),
        }),
    }
}

fn judged(deployment: &Deployment, seen: &EvidenceSeen, seconds: i64) -> Judgement {
    judge(deployment, Some(seen), at(seconds)).unwrap()
}

fn missing(change: impl FnOnce(&mut EvidenceSeen)) -> Vec<String> {
    let mut seen = whole();
    change(&mut seen);
    let judged = judged(&deployment(), &seen, 1000);
    assert!(
        judged
            .missing
            .iter()
            .all(|one| one.notify == ["devops-lead".parse().unwrap()])
    );
    assert_eq!(judged.pending, None);
    judged.missing.into_iter().map(|one| one.what).collect()
}

#[test]
fn a_file_that_asks_for_nothing_is_not_judged() {
    assert_eq!(judge(&requested(CANARY), Some(&whole()), at(0)), None);
}

#[test]
fn everything_that_was_asked_for_is_kept() {
    let judged = judged(&deployment(), &whole(), 0);
    assert_eq!(judged.missing, []);
    assert_eq!(judged.pending, None);
    let used = judged.used;
    assert_eq!(
        used.summary(),
        "load 3/3, unit 120/120, SBOM, SHOP-7, scan 0 critical, 5 high, signed (Notation), proven in staging, \
         rehearsed in staging (traffic back after 4 s)"
    );
    assert_eq!(
        (used.author.unwrap().as_str(), used.left_out),
        ("maria", Vec::new())
    );
    assert_eq!(used.commit.unwrap().as_str(), "0a1b2c3d");
}

#[test]
fn each_missing_piece_is_named_alone() {
    let release = |change: fn(&mut Release)| {
        missing(|seen| {
            if let Some(release) = &mut seen.release {
                change(release);
            }
        })
    };
    assert_eq!(
        release(|release| {
            release.suites.remove(&suite("load"));
        }),
        ["a result of suite load for web:v2"]
    );
    assert_eq!(
        release(|release| {
            if let Some(unit) = release.suites.get_mut(&suite("unit")) {
                unit.counts = counts(118, 2);
            }
        }),
        ["suite unit of web:v2 with every test passed (118/120 did)"]
    );
    assert_eq!(
        release(|release| release.sbom = None),
        ["a software bill of materials of web:v2"]
    );
    assert_eq!(release(|release| release.ticket = None), ["a ticket of web:v2"]);
    assert_eq!(
        missing(|seen| seen.scan = Some(scanned(1, 6))),
        ["a scan of web:v2 within its limits: 1 critical (0 allowed), 6 high (5 allowed)"]
    );
    assert_eq!(
        missing(|seen| seen.signature = None),
        ["a signature of web:v2 in ECR"]
    );
    assert_eq!(missing(|seen| seen.proven = None), ["web:v2 proven in staging"]);
    assert_eq!(
        missing(|seen| seen.proven.as_mut().unwrap().environment = "dev".parse().unwrap()),
        ["web:v2 proven in staging"]
    );
    assert_eq!(
        missing(|seen| seen.rehearsed = None),
        ["web:v2 taken back and deployed again in staging, within 90 d"]
    );
}

#[test]
fn evidence_of_another_image_is_none() {
    let other = missing(|seen| seen.digest = digest("3"));
    assert_eq!(other.len(), 8, "{other:?}");
    let scan = missing(|seen| {
        if let Some(ScanState::Done(scan)) = &mut seen.scan {
            scan.digest = digest("3");
        }
    });
    assert_eq!(scan, ["a scan of web:v2 (ECR's is of 333333333333)"]);
    assert_eq!(judge(&deployment(), None, at(1000)).unwrap().missing.len(), 8);
}

#[test]
fn a_scan_that_is_not_over_is_waited_for_until_its_time_is_over() {
    let mut seen = whole();
    let status = "IN_PROGRESS".to_owned();
    seen.scan = Some(ScanState::Pending { status });
    let deployment = deployment();
    let pending = |seconds| judged(&deployment, &seen, seconds).pending;
    assert_eq!(pending(0), Some((20, "ECR's scan of web:v2".to_owned())));
    assert_eq!(pending(295).unwrap().0, 5);
    let late = judged(&deployment, &seen, 300);
    assert_eq!(late.pending, None);
    let text = "a finished scan of web:v2 (ECR said IN_PROGRESS when it was looked at last)";
    assert_eq!(late.missing[0].what, text);
}

#[test]
fn a_scan_begins_soon_after_the_push_or_not_at_all() {
    let mut seen = whole();
    seen.scan = Some(ScanState::NotFound);
    // Pushed at -10 seconds.
    assert!(judged(&deployment(), &seen, 109).pending.is_some());
    let late = judged(&deployment(), &seen, 110);
    assert_eq!(late.pending, None);
    assert_eq!(
        late.missing[0].what,
        "a finished scan of web:v2 (ECR knows of none)"
    );
    assert!(
        late.missing[0]
            .remedy
            .contains("aws ecr start-image-scan --repository-name web")
    );
}

#[test]
fn a_scan_that_failed_is_missing_at_once() {
    let found = missing(|seen| {
        seen.scan = Some(ScanState::Failed {
            status: "UNSUPPORTED_IMAGE".to_owned(),
            reason: "scratch".to_owned(),
        });
    });
    assert_eq!(
        found,
        ["a scan of web:v2 that ECR can do (UNSUPPORTED_IMAGE: scratch)"]
    );
}

#[test]
fn a_hotfix_leaves_out_what_the_file_allows_and_nothing_else() {
    let nothing = EvidenceSeen {
        author: Some(Author::Known("tom".parse().unwrap())),
        ..EvidenceSeen::nothing(digest("2"))
    };
    let judged_now = judged(&hotfix(), &nothing, 0);
    // Nobody waits for a scan that may be left out.
    assert_eq!(judged_now.pending, None);
    assert_eq!(
        judged_now.used.left_out,
        [
            EvidenceKind::Scan,
            EvidenceKind::ProvenIn,
            EvidenceKind::Rehearsed
        ]
    );
    let what: Vec<&str> = judged_now.missing.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(what.len(), 5, "{what:?}");
    let whole = judged(&hotfix(), &whole(), 0);
    assert_eq!((whole.missing, whole.used.left_out), (Vec::new(), Vec::new()));
}

#[test]
fn a_hotfix_is_offered_where_it_would_be_enough() {
    let remedy = |change: fn(&mut EvidenceSeen)| {
        let mut seen = whole();
        change(&mut seen);
        judged(&deployment(), &seen, 1000).missing.remove(0).remedy
    };
    let offer = "tidegate deploy web/production v2 --hotfix --reason";
    assert!(remedy(|seen| seen.proven = None).contains(offer));
    assert!(remedy(|seen| seen.rehearsed = None).contains(offer));
    assert!(!remedy(|seen| seen.signature = None).contains(offer));
    let both = remedy(|seen| {
        seen.proven = None;
        seen.signature = None;
    });
    assert!(!both.contains(offer), "{both}");
}

#[test]
fn who_wrote_the_change_is_known_wherever_people_approve() {
    let mut seen = whole();
    seen.author = None;
    assert_eq!(judged(&deployment(), &seen, 0).missing, []);
    let lacks = |seen: &EvidenceSeen| judged(&hotfix(), seen, 0).missing.remove(0).what;
    assert_eq!(
        lacks(&seen),
        "the author of web:v2: who wrote a change can't approve it"
    );
    seen.author = Some(Author::Unknown("m@example.com".parse().unwrap()));
    assert!(lacks(&seen).starts_with("m@example.com, the author of web:v2, in the people file"));
}

#[test]
fn a_hotfix_asks_for_its_approvals_beside_those_of_the_gate() {
    type Shown = (String, Vec<(String, u32)>, u32);
    let gates = |more: &str| -> Vec<Shown> {
        let spec: Spec = spec(&format!("{CANARY}{ASKED}{more}"));
        let gates = spec.for_hotfix().gates;
        let rule = |one: &crate::spec::ApprovalRule| (one.role.to_string(), one.count);
        gates
            .iter()
            .map(|gate| {
                let approvals = gate.approvals.iter().map(rule).collect();
                (gate.before.as_str().to_owned(), approvals, gate.expires_seconds)
            })
            .collect()
    };
    let lead = ("tech-lead".to_owned(), 1);
    assert_eq!(gates(""), [("prepare".to_owned(), vec![lead.clone()], 86_400)]);
    let before = "gates:\n  - before: prepare\n    approvals: [{role: product}, {role: tech-lead, count: 2}]\n    expires: 1h\n";
    let both = vec![("product".to_owned(), 1), ("tech-lead".to_owned(), 3)];
    assert_eq!(gates(before), [("prepare".to_owned(), both, 3600)]);
    let without = requested(CANARY).spec;
    assert_eq!(without.for_hotfix(), *without);
}

#[test]
fn a_completed_deployment_of_the_digest_is_a_proof_until_it_is_rolled_back() {
    let (mut target, done) = completed_in("staging", "2");
    let proven = |target: &TargetState, all: &[Deployment], digit: &str| proof(target, &digest(digit), all);
    let expected = Proof {
        environment: "staging".parse().unwrap(),
        deployment: done.id.clone(),
    };
    // In the record, also before the list knows of it.
    assert_eq!(proven(&target, &[], "2"), Some(expected.clone()));
    assert_eq!(proven(&target, &[], "3"), None);
    target.stable = None;
    assert_eq!(proven(&target, &[], "2"), None);
    let all = [done.clone()];
    assert_eq!(proven(&target, &all, "2"), Some(expected));
    let changed = |change: fn(&mut Deployment)| {
        let mut other = done.clone();
        change(&mut other);
        proven(&target, &[other], "2")
    };
    assert_eq!(changed(|one| one.exit = None), None);
    assert_eq!(
        changed(|one| {
            if let Some(exit) = &mut one.exit {
                exit.state = ExitState::RolledBack;
            }
        }),
        None
    );
    assert_eq!(
        changed(|one| one.kind = Kind::Reversal { of: one.id.clone() }),
        None
    );
    assert_eq!(changed(|one| one.revision.digest = digest("3")), None);
    assert_eq!(changed(|one| one.target.service = "shop".parse().unwrap()), None);
    target.quarantine.insert(
        digest("2"),
        Quarantine {
            deployment: done.id.clone(),
            at: at(0),
            reason: "alarm".to_owned(),
        },
    );
    assert_eq!(proven(&target, &all, "2"), None);
}

#[test]
fn authors_are_who_asked_and_who_wrote() {
    let mut deployment = deployment();
    let names =
        |deployment: &Deployment| -> Vec<String> { deployment.authors().map(ToString::to_string).collect() };
    assert!(names(&deployment).is_empty());
    deployment.origin = Origin::Person {
        person: "tom".parse().unwrap(),
    };
    let mut plan = crate::testing::plan(&deployment.spec);
    plan.evidence = Some(judged(&deployment, &whole(), 0).used);
    deployment.plan = Some(plan.into());
    assert_eq!(names(&deployment), ["tom", "maria"]);
}
