//! Which image: invariants 12, 16 and 24.

use std::collections::BTreeSet;

use crate::deployment::{Kind, Origin, Traffic};
use crate::event::Event;
use crate::exit::ExitState;
use crate::target::push_order;

use super::view::{Record, View};

/// 12. The digest that was scanned, approved, registered and running is the same one.
///
/// Sees the plan's image, the evidence that the plan rests on and what ECR's scan says that it looked
/// at, the registered task definition and the tasks that serve at each weight that was read back.
pub(super) fn one_digest(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for record in &view.deployments {
        let revision = &record.deployment.revision;
        let digest = &revision.digest;
        if let Some(plan) = record.plan()
            && !plan.image.ends_with(&format!("@{digest}"))
        {
            found.push(record.says(format!("the plan names {}", plan.image)));
        }
        found.extend(other_evidence(record));
        let registered = revision
            .task_definition
            .as_ref()
            .and_then(|arn| view.definitions.get(arn));
        if registered.is_some_and(|definition| definition.digest.as_ref() != Some(digest)) {
            found.push(record.says("the task definition names another image"));
        }
        found.extend(running(view, record));
    }
    found
}

/// Evidence of another image in the plan.
fn other_evidence(record: &Record) -> Option<String> {
    let digest = &record.deployment.revision.digest;
    let evidence = record.plan()?.evidence.as_ref()?;
    let scanned = evidence.scan.as_ref().map(|scan| &scan.digest);
    let other = [Some(&evidence.digest), scanned]
        .into_iter()
        .flatten()
        .find(|one| *one != digest)?;
    Some(record.says(format!("the plan rests on evidence of {}", other.short())))
}

/// Tasks of other images that took the candidate's traffic.
fn running(view: &View, record: &Record) -> Vec<String> {
    let Some(plan) = record.plan() else {
        return Vec::new();
    };
    record
        .journal
        .iter()
        .filter(|entry| matches!(entry.event, Event::WeightReached { .. }))
        .filter_map(|entry| {
            let slot = view.slot_at(plan.candidate, entry.at)?;
            let other = slot
                .digests
                .iter()
                .find(|one| **one != record.deployment.revision.digest)?;
            // In one service, ECS drains the old tasks while the new ones serve.
            let shared = matches!(plan.traffic, Traffic::Weighted | Traffic::Tasks);
            shared.then(|| record.says(format!("{} served in the candidate's slot", other.short())))
        })
        .collect()
}

/// 16. The same event, delivered twice or late, makes at most one deployment, and an older push
///     never replaces a newer one.
///
/// Sees deployments that pushes started. An event that made none is not seen.
pub(super) fn one_deployment_per_push(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    let mut events = BTreeSet::new();
    let mut newest = None;
    for record in &view.deployments {
        let Origin::Push { event_id } = &record.deployment.origin else {
            continue;
        };
        if event_id != "sweep" && !events.insert(event_id) {
            found.push(record.says("its event had made a deployment before"));
        }
        let revision = &record.deployment.revision;
        let pushed = push_order(revision.pushed_at, &revision.digest);
        if newest.is_some_and(|newest| pushed <= newest) {
            found.push(record.says("a push that was not newer replaced a newer one"));
        }
        newest = newest.max(Some(pushed));
    }
    found
}

/// 24. A digest that was rolled back is quarantined for that target until a person lifts it.
///
/// Sees the quarantine after each rollback, and later deployments of the digest: those need a
/// recorded override, which is how a person lifts it. A deployment that only gave way to a newer
/// image is not to blame, and is not quarantined.
pub(super) fn rolled_back_is_quarantined(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    for (index, record) in view.deployments.iter().enumerate() {
        let exit = record.deployment.exit.as_ref().map(|exit| exit.state);
        let blameless = record
            .deployment
            .abort
            .as_ref()
            .is_some_and(|abort| abort.cause.blameless());
        if exit != Some(ExitState::RolledBack) || blameless {
            continue;
        }
        let digest = &record.deployment.revision.digest;
        let later: Vec<&Record> = view
            .deployments
            .iter()
            .skip(index + 1)
            .filter(|later| {
                later.deployment.kind == Kind::Forward && later.deployment.revision.digest == *digest
            })
            .collect();
        for again in &later {
            if !again.deployment.overrides("quarantine") {
                found.push(again.says("it deployed a quarantined image without an override"));
            }
            // An override that completed has disproved the quarantine, and lifts it.
            let exit = again.deployment.exit.as_ref().map(|exit| exit.state);
            if exit == Some(ExitState::Completed) {
                break;
            }
        }
        if later.is_empty() && !view.target.quarantine.contains_key(digest) {
            found.push(record.says("its image was rolled back but is not in quarantine"));
        }
    }
    found
}
