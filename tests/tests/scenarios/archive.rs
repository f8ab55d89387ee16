//! Reports and records, kept in a bucket after the end.

use tidegate_core::deployment::Deployment;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_core::journal::{self, Entry};
use tidegate_local::faults::CallFate;
use tidegate_local::fleet::{Behaviour, Bucket};
use tidegate_tests::Scene;
use tidegate_tests::files::SHORT;

use crate::scenario;

const TARGET: &str = "web/production";
const BUCKET: &str = "shop-records";
const KEPT: [&str; 4] = ["record.json", "report.html", "report.md", "runbook.html"];

async fn given(scene: &Scene, more: &str) {
    let file = format!("{SHORT}report: {{bucket: {BUCKET}}}\n{more}");
    scene.given(TARGET, 5, &file).await;
}

fn make_bucket(scene: &Scene) {
    scene.cloud(|state| state.fleet.buckets.insert(BUCKET.to_owned(), Bucket::default()));
}

/// Names under the deployment's prefix, each with the number of its versions.
fn names(scene: &Scene, id: &DeploymentId) -> Vec<(String, usize)> {
    let prefix = format!("tidegate/{TARGET}/{id}/");
    scene.cloud(|state| {
        let objects = state.fleet.buckets.get(BUCKET).map(|bucket| &bucket.objects);
        let all = objects.into_iter().flatten();
        all.filter_map(|(key, versions)| Some((key.strip_prefix(&prefix)?.to_owned(), versions.len())))
            .collect()
    })
}

fn read(scene: &Scene, id: &DeploymentId, name: &str) -> String {
    let key = format!("tidegate/{TARGET}/{id}/{name}");
    scene.cloud(|state| {
        let bucket = state.fleet.buckets.get(BUCKET);
        let object = bucket.and_then(|bucket| bucket.get(&key, None));
        object.map(|object| object.body.clone()).unwrap_or_default()
    })
}

/// The record holds by itself: its journal is a chain, and the head is what the journal says.
fn check(scene: &Scene, id: &DeploymentId) -> (Deployment, Vec<Entry>) {
    let record: serde_json::Value = serde_json::from_str(&read(scene, id, "record.json")).unwrap();
    let deployment: Deployment = serde_json::from_value(record["deployment"].clone()).unwrap();
    let entries: Vec<Entry> = serde_json::from_value(record["journal"].clone()).unwrap();
    journal::verify_with_head(&deployment, &entries).unwrap();
    (deployment, entries)
}

fn each(times: usize) -> Vec<(String, usize)> {
    KEPT.iter().map(|name| ((*name).to_owned(), times)).collect()
}

#[test]
fn the_report_of_a_rollback_is_kept_in_its_bucket() {
    scenario(
        "the-report-of-a-rollback-is-kept-in-its-bucket",
        "An alarm takes a release back; the function that keeps its report dies after the first of four objects.",
        async |scene| {
            make_bucket(scene);
            given(scene, "").await;
            scene.cloud(|state| {
                let next = &mut state.faults.numbered.next;
                next.push(("notify", "PutObject", CallFate::KillAfter));
            });
            scene.push('2', Behaviour::failing(20.0, 20));
            let done = scene.runs(TARGET, ExitState::RolledBack).await;
            scene.wait(120).await;
            assert_eq!(names(scene, &done.id), each(1));
            let (kept, _) = check(scene, &done.id);
            assert_eq!(kept, done);
            let page = read(scene, &done.id, "report.html");
            assert!(
                page.starts_with("<!doctype html>") && page.contains("Incident"),
                "{page}"
            );
            let place = format!("s3://{BUCKET}/tidegate/{TARGET}/{}/", done.id);
            assert!(read(scene, &done.id, "report.md").contains(&place));
        },
    );
}

#[test]
fn a_bucket_that_takes_nothing_holds_nobody_up() {
    scenario(
        "a-bucket-that-takes-nothing-holds-nobody-up",
        "The bucket is made five minutes after the end: people hear of it at once, and the sweep has the report kept then.",
        async |scene| {
            given(scene, "").await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(300).await;
            assert_eq!(names(scene, &done.id), []);
            make_bucket(scene);
            scene.wait(120).await;
            assert_eq!(names(scene, &done.id), each(1));
            check(scene, &done.id);
        },
    );
}

#[test]
fn the_end_of_a_watch_is_added_to_the_report() {
    scenario(
        "the-end-of-a-watch-is-added-to-the-report",
        "What was kept at completion is replaced by what tells more.",
        async |scene| {
            make_bucket(scene);
            given(scene, "watch: {for: 10m, onAlarm: tell}\n").await;
            scene.push('2', Behaviour::default());
            let done = scene.runs(TARGET, ExitState::Completed).await;
            scene.wait(60).await;
            assert_eq!(names(scene, &done.id), each(1));
            let (_, before) = check(scene, &done.id);
            scene.wait(780).await;
            assert_eq!(names(scene, &done.id), each(2));
            let (kept, after) = check(scene, &done.id);
            assert_eq!(after.len(), before.len() + 1);
            assert!(kept.watched.unwrap().ended_at.is_some());
        },
    );
}
