//! Whether the way back of an image was rehearsed: in a test environment it completed, was taken back, and
//! completed again, as `tidegate rehearse` does it.
//!
//! It is read from what deployments there came to, not from what somebody says of them: whoever takes an image
//! back by hand and deploys it again has rehearsed it just as well.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::{ChangeStage, Direction};
use crate::deployment::{Deployment, Kind, Phase};
use crate::exit::ExitState;
use crate::ids::{ChangeId, DeploymentId, Digest, EnvironmentName};
use crate::messages::text::duration;
use crate::phases::later;
use crate::spec::{Migration, MigrationWork, RehearsalRule};
use crate::target::TargetState;

/// A way back that was gone, and forward again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Where.
    pub environment: EnvironmentName,
    /// The deployment that took it back.
    pub back: DeploymentId,
    /// The one that completed after it.
    pub again: DeploymentId,
    /// When it had been taken back.
    pub at: Timestamp,
    /// From the wish to take it back until all traffic was on what served before, seconds.
    pub safe_after_seconds: i64,
    /// Migrations that were taken back, each with the command that did it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undone: BTreeMap<ChangeId, Vec<String>>,
}

impl Rehearsal {
    /// As a piece of evidence: `rehearsed in staging (traffic back after 4 s)`.
    pub fn describe(&self) -> String {
        let Self {
            environment,
            safe_after_seconds,
            ..
        } = self;
        format!(
            "rehearsed in {environment} (traffic back after {})",
            duration(*safe_after_seconds)
        )
    }
}

/// The newest rehearsal of an image among deployments, newest first; nothing where it was rolled back since.
pub fn rehearsal<'a>(
    target: &TargetState,
    digest: &Digest,
    deployments: impl IntoIterator<Item = &'a Deployment>,
) -> Option<Rehearsal> {
    if target.quarantine.contains_key(digest) {
        return None;
    }
    let mut again: Option<&Deployment> = None;
    for one in deployments {
        if one.target != target.target || one.revision.digest != *digest {
            continue;
        }
        if one.kind == Kind::Forward && ended(one, ExitState::Completed).is_some() {
            again = Some(one);
        }
        if let Some(found) = again.and_then(|again| taken_back(one, again)) {
            return Some(found);
        }
    }
    None
}

/// When it ended, if it ended so.
fn ended(deployment: &Deployment, state: ExitState) -> Option<Timestamp> {
    let exit = deployment.exit.as_ref().filter(|exit| exit.state == state)?;
    Some(exit.at)
}

/// What one deployment shows that took the image back, before another completed with it.
fn taken_back(back: &Deployment, again: &Deployment) -> Option<Rehearsal> {
    let at = ended(back, ExitState::RolledBack)?;
    let before = back.plan.as_ref()?.stable.as_ref()?;
    // A return from an image to itself shows nothing of what another one makes of its changes.
    let itself = before.digest.as_ref() == Some(&back.revision.digest);
    if !back.kind.is_reversal() || itself || at > again.requested_at {
        return None;
    }
    let traffic_back_at = back.rollback.as_ref()?.traffic_back_at?;
    Some(Rehearsal {
        environment: back.target.environment.clone(),
        back: back.id.clone(),
        again: again.id.clone(),
        at,
        safe_after_seconds: traffic_back_at.duration_since(back.requested_at).as_secs(),
        undone: undone(back),
    })
}

fn undone(back: &Deployment) -> BTreeMap<ChangeId, Vec<String>> {
    let migrations = back.changes_of(Phase::Migrate);
    let undone = migrations.filter(|change| back.change_stage(&change.id) == Some(ChangeStage::Undone));
    undone
        .filter_map(|change| {
            let down = change.work.command(Direction::Undo)?;
            Some((change.id.clone(), down.to_vec()))
        })
        .collect()
}

/// What a rehearsal lacks, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// What.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Holds what was seen against what the file asks for: it is not too old, and every migration of this file
/// that has a way back was taken back in it.
///
/// # Errors
/// What is lacking.
pub fn judge<'a>(
    deployment: &Deployment,
    image: &str,
    rule: &RehearsalRule,
    seen: Option<&'a Rehearsal>,
    now: Timestamp,
) -> Result<&'a Rehearsal, Lacking> {
    let environment = &rule.environment;
    let within = duration(rule.within_seconds.into());
    let target = format!("{}/{environment}", deployment.target.service);
    let rehearse = format!("`tidegate rehearse {target} {}`", deployment.revision.digest);
    let Some(seen) = seen.filter(|seen| seen.environment == *environment) else {
        return Err(Lacking {
            what: format!("{image} taken back and deployed again in {environment}, within {within}"),
            remedy: format!("rehearse its way back there: {rehearse}"),
        });
    };
    if seen.at < later(now, -i64::from(rule.within_seconds)) {
        return Err(Lacking {
            what: format!(
                "a rehearsal of {image} in {environment} within {within} (the last one was at {:.0})",
                seen.at
            ),
            remedy: format!("rehearse its way back again: {rehearse}"),
        });
    }
    let left: Vec<&str> = deployment
        .spec
        .migrations
        .iter()
        .filter(|migration| !shown(migration, seen))
        .map(|migration| migration.name.as_str())
        .collect();
    if !left.is_empty() {
        let names = left.join(", ");
        return Err(Lacking {
            what: format!(
                "a rehearsal of {image} in {environment} that takes back {names} (that of {:.0} did not, or by another `down`)",
                seen.at
            ),
            remedy: format!(
                "give the deployment file of {target} the same {names} under `migrations`, and rehearse: {rehearse}"
            ),
        });
    }
    Ok(seen)
}

/// Whether a migration was taken back, as far as it can be: a contract, which is made later, never can.
/// An index is taken back by Tidegate itself, so there is no `down` that could be wrong.
fn shown(migration: &Migration, seen: &Rehearsal) -> bool {
    let MigrationWork::Command { down: Some(down), .. } = &migration.work else {
        return true;
    };
    seen.undone.get(&ChangeId::of("migration", &migration.name)) == Some(down)
}

#[cfg(test)]
#[path = "rehearsal_tests.rs"]
mod tests;
