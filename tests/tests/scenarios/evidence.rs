//! What must be known of an image before it is deployed, and what an urgent one may leave out.

use serde_json::json;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_local::fleet::{Behaviour, Scan, ScanEnd, Signed};
use tidegate_tests::Scene;
use tidegate_tests::files::{SHORT, digest};

use crate::scenario;

const STAGING: &str = "web/staging";
const TARGET: &str = "web/production";

/// One service that takes every push.
const BEFORE: &str = "environment: staging\nstrategy: rolling\nreplicas: 1\n";

/// Everything that a file can ask for.
const ASKED: &str = "\
autoDeploy: false
evidence:
  suites: [unit]
  sbom: true
  ticket: true
  scan: {critical: 0, high: 5, wait: 5m}
  signature: required
  provenIn: staging
  notify: [devops-lead]
hotfix:
  skip: [scan, provenIn]
  approvals: [{role: tech-lead}]
  expires: 1h
";

fn scanned(seconds: u32, critical: u32, high: u32) -> Behaviour {
    Behaviour {
        scan: Scan {
            seconds,
            critical,
            high,
            ..Scan::default()
        },
        ..Behaviour::default()
    }
}

fn unit(passed: u32, failed: u32) -> serde_json::Value {
    json!({ "suites": { "unit": { "passed": passed, "failed": failed } } })
}

fn bill() -> serde_json::Value {
    json!({ "sbom": { "sha256": "ab".repeat(32), "place": "s3://builds/web/v2.spdx.json" } })
}

/// What CI knows of a good image.
async fn released(scene: &Scene, image: &str) {
    let built = json!({
        "commit": "0a1b2c3d4e5f", "author": "ines", "committedAt": "2026-03-02T08:10:00Z", "ticket": "SHOP-7",
    });
    for part in [built, unit(120, 0), bill()] {
        scene.release("ci", image, part).await.unwrap();
    }
}

/// An image that nobody is told of.
fn stored(scene: &Scene, digit: char, behaviour: Behaviour) {
    let tag = format!("v{digit}");
    scene.cloud(|state| {
        state
            .fleet
            .store_image("web", &tag, Some(&digest(digit)), behaviour);
    });
}

#[test]
fn everything_known_of_an_image_goes_into_its_plan() {
    scenario(
        "everything-known-of-an-image-goes-into-its-plan",
        "Tested, scanned, signed, proven in staging: maria approves what she sees, and ines, who wrote it, can't.",
        async |scene| {
            let gate = "gates:\n  - before: shift\n    approvals: [{role: tech-lead}]\n";
            scene.given_one(STAGING, 1, BEFORE).await;
            scene.given(TARGET, 5, &format!("{SHORT}{ASKED}{gate}")).await;
            scene.people().await;
            scene.push('2', scanned(0, 0, 3));
            released(scene, "v2").await;
            scene.runs(STAGING, ExitState::Completed).await;
            scene.deploy("tom", TARGET, "v2", &[]).await.unwrap();
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("ines", &id, true, &plan).await.unwrap_err();
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn each_missing_piece_of_evidence_blocks() {
    scenario(
        "each-missing-piece-of-evidence-blocks",
        "One piece comes after the other, and each time what is left is named with its remedy and whom it concerns.",
        async |scene| {
            scene
                .given_one(STAGING, 1, &format!("{BEFORE}autoDeploy: false\n"))
                .await;
            scene.given(TARGET, 5, &format!("{SHORT}{ASKED}")).await;
            let unsigned = Behaviour {
                signed: Signed::No,
                ..scanned(0, 2, 9)
            };
            scene.cloud(|state| state.fleet.create_repository("web"));
            stored(scene, '2', unsigned);
            let blocked = async || {
                scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
                scene.runs(TARGET, ExitState::Blocked).await;
            };
            blocked().await;
            scene.release("ci", "v2", unit(118, 2)).await.unwrap();
            scene.release("ci", "v2", bill()).await.unwrap();
            blocked().await;
            scene.release("ci", "v2", unit(120, 0)).await.unwrap();
            scene
                .release("ci", "v2", json!({ "ticket": "SHOP-7" }))
                .await
                .unwrap();
            blocked().await;
            // Another ticket would be another release.
            scene
                .release("ci", "v2", json!({ "ticket": "SHOP-8" }))
                .await
                .unwrap_err();
            scene.cloud(|state| {
                let rescanned = Behaviour {
                    signed: Signed::No,
                    ..scanned(0, 0, 5)
                };
                state.fleet.set_behaviour("web", &digest('2'), rescanned)
            });
            blocked().await;
            scene.cloud(|state| {
                let signed = Behaviour {
                    signed: Signed::Cosign,
                    ..scanned(0, 0, 5)
                };
                state.fleet.set_behaviour("web", &digest('2'), signed)
            });
            blocked().await;
            scene.deploy("maria", STAGING, "v2", &[]).await.unwrap();
            scene.runs(STAGING, ExitState::Completed).await;
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_scan_that_is_not_over_is_waited_for() {
    scenario(
        "a-scan-that-is-not-over-is-waited-for",
        "ECR still scans what was pushed just now: the plan waits, and then knows.",
        async |scene| {
            let file = format!("{SHORT}evidence:\n  scan: {{critical: 0}}\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', scanned(90, 0, 1));
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "ECR's scan").await;
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_scan_that_never_ends_blocks_when_its_time_is_over() {
    scenario(
        "a-scan-that-never-ends-blocks-when-its-time-is-over",
        "Of two images one is scanned for hours, the other not at all: neither is taken for clean.",
        async |scene| {
            let file = format!("{SHORT}evidence:\n  scan: {{critical: 0, wait: 4m}}\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', scanned(7200, 0, 0));
            scene.runs(TARGET, ExitState::Blocked).await;
            let mut unscanned = Behaviour::default();
            unscanned.scan.end = ScanEnd::Never;
            scene.push('3', unscanned);
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}

#[test]
fn a_person_stops_what_waits_for_its_scan() {
    scenario(
        "a-person-stops-what-waits-for-its-scan",
        "Nothing was touched yet, so there is nothing to take back.",
        async |scene| {
            let file = format!("{SHORT}evidence:\n  scan: {{critical: 0}}\n");
            scene.given(TARGET, 5, &file).await;
            scene.push('2', scanned(400, 0, 0));
            let id = scene.started(TARGET).await;
            scene.waits_for(&id, "ECR's scan").await;
            scene.stop("olaf", "abort", &id).await.unwrap();
            scene.ends(&id, ExitState::Blocked).await;
        },
    );
}

#[test]
fn a_hotfix_leaves_out_what_the_file_allows() {
    scenario(
        "a-hotfix-leaves-out-what-the-file-allows",
        "Payments fail: no time for staging, nor for the scan. A tech lead who did not write it agrees instead.",
        async |scene| {
            scene
                .given_one(STAGING, 1, &format!("{BEFORE}autoDeploy: false\n"))
                .await;
            scene.given(TARGET, 5, &format!("{SHORT}{ASKED}")).await;
            scene.people().await;
            stored(scene, '2', scanned(7200, 0, 0));
            released(scene, "v2").await;
            scene
                .hotfix("tom", STAGING, "v2", "payments fail")
                .await
                .unwrap_err();
            scene.hotfix("tom", TARGET, "v2", "").await.unwrap_err();
            scene.hotfix("tom", TARGET, "v2", "payments fail").await.unwrap();
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("ines", &id, true, &plan).await.unwrap_err();
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_hotfix_that_nobody_agrees_to_touches_nothing() {
    scenario(
        "a-hotfix-that-nobody-agrees-to-touches-nothing",
        "Urgent or not, without its signature it is blocked; signed, it is refused by the tech lead.",
        async |scene| {
            scene.given(TARGET, 5, &format!("{SHORT}{ASKED}")).await;
            scene.people().await;
            let unsigned = Behaviour {
                signed: Signed::No,
                ..Behaviour::default()
            };
            stored(scene, '2', unsigned);
            released(scene, "v2").await;
            scene.hotfix("tom", TARGET, "v2", "payments fail").await.unwrap();
            scene.runs(TARGET, ExitState::Blocked).await;
            scene.cloud(|state| {
                state
                    .fleet
                    .set_behaviour("web", &digest('2'), Behaviour::default())
            });
            scene.hotfix("tom", TARGET, "v2", "payments fail").await.unwrap();
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, false, &plan).await.unwrap();
            scene.ends(&id, ExitState::Aborted).await;
        },
    );
}

/// What a rehearsal is of.
const MIGRATION: &str = "\
migrations:
  - {name: add-email, command: [bin/migrate, up], down: [bin/migrate, down]}
";

/// A file that asks for a rehearsal of its way back.
fn rehearsed() -> String {
    let asked = "\
autoDeploy: false
evidence:
  rehearsed: {in: staging, within: 30d}
  notify: [devops-lead]
hotfix:
  skip: [rehearsed]
  approvals: [{role: tech-lead}]
";
    format!("{SHORT}{asked}{MIGRATION}")
}

/// What `tidegate rehearse web/staging` does, where the image serves already.
async fn rehearse(scene: &Scene, image: &str) {
    let completed = scene.runs(STAGING, ExitState::Completed).await.id;
    take_back(scene, &completed, image).await;
}

async fn take_back(scene: &Scene, completed: &DeploymentId, image: &str) -> DeploymentId {
    let back = scene.stop("olaf", "rollback", completed).await.unwrap();
    scene.ends(&back, ExitState::RolledBack).await;
    scene
        .deploy("olaf", STAGING, image, &["quarantine"])
        .await
        .unwrap();
    assert_eq!(scene.started(STAGING).await, back);
    scene.runs(STAGING, ExitState::Completed).await.id
}

#[test]
fn a_way_back_that_was_rehearsed_goes_into_the_plan() {
    scenario(
        "a-way-back-that-was-rehearsed-goes-into-the-plan",
        "Completed in staging is not enough: only after it was taken back there, its migration too, production gets it.",
        async |scene| {
            scene.given_one(STAGING, 1, &format!("{BEFORE}{MIGRATION}")).await;
            scene.given(TARGET, 5, &rehearsed()).await;
            scene.push('2', Behaviour::default());
            let completed = scene.runs(STAGING, ExitState::Completed).await.id;
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Blocked).await;
            take_back(scene, &completed, "v2").await;
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_rehearsal_without_its_migration_blocks() {
    scenario(
        "a-rehearsal-without-its-migration-blocks",
        "Staging has another file: what was rehearsed there says nothing of the migration, until it is rehearsed with it.",
        async |scene| {
            scene.given_one(STAGING, 1, BEFORE).await;
            scene.given(TARGET, 5, &rehearsed()).await;
            scene.push('2', Behaviour::default());
            rehearse(scene, "v2").await;
            scene.deploy("maria", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Blocked).await;
            // The next image comes with the right file.
            let file = format!("{BEFORE}{MIGRATION}");
            scene.apply(STAGING, &file).await.unwrap();
            scene.push('3', Behaviour::default());
            rehearse(scene, "v3").await;
            scene.deploy("maria", TARGET, "v3", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Completed).await;
        },
    );
}

#[test]
fn a_rehearsal_that_is_too_old_blocks_unless_it_is_urgent() {
    scenario(
        "a-rehearsal-that-is-too-old-blocks-unless-it-is-urgent",
        "What is too long ago counts no more: rehearse again, or let a tech lead agree to do without.",
        async |scene| {
            scene.given_one(STAGING, 1, &format!("{BEFORE}{MIGRATION}")).await;
            scene.given(TARGET, 5, &rehearsed().replace("30d", "2h")).await;
            scene.people().await;
            scene.push('2', Behaviour::default());
            rehearse(scene, "v2").await;
            scene
                .release("ci", "v2", json!({ "author": "ines" }))
                .await
                .unwrap();
            scene.wait(7200).await;
            scene.deploy("tom", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Blocked).await;
            scene.hotfix("tom", TARGET, "v2", "payments fail").await.unwrap();
            let id = scene.started(TARGET).await;
            let plan = scene.gate(&id).await;
            scene.decide("maria", &id, true, &plan).await.unwrap();
            scene.ends(&id, ExitState::Completed).await;
        },
    );
}

#[test]
fn an_author_whom_nobody_knows_can_not_approve_unseen() {
    scenario(
        "an-author-whom-nobody-knows-can-not-approve-unseen",
        "The commit is by an address that the people file does not have: blocked until it says who that is.",
        async |scene| {
            let file = format!(
                "{SHORT}evidence: {{ticket: true}}\ngates:\n  - before: shift\n    approvals: [{{role: tech-lead}}]\n"
            );
            scene.given(TARGET, 5, &file).await;
            scene.people().await;
            stored(scene, '2', Behaviour::default());
            let built = json!({ "author": "ines@example.com", "ticket": "SHOP-7" });
            scene.release("ci", "v2", built).await.unwrap();
            scene.deploy("tom", TARGET, "v2", &[]).await.unwrap();
            scene.runs(TARGET, ExitState::Blocked).await;
        },
    );
}
