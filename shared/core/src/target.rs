//! A target's own record: its lock, epoch, queue, quarantine and stable revision, and which push
//! becomes a deployment.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contract::{Contracted, Outstanding};
use crate::cost::CostWatch;
use crate::decision::QUIESCE_SECONDS;
use crate::deployment::{Deployment, HOTFIX, Kind, Origin, Override, Request, Revision, Traffic};
use crate::exit::{AbortCause, Exit, ExitState};
use crate::ids::{DeploymentId, Digest, Epoch, Slot, SpecHash, Target};
use crate::phases::{later, seconds_until};
use crate::shared::Shared;
use crate::spec::{NewerPush, OnAlarm, Spec, Trigger};
use crate::watch::Watching;

/// What is known of a target between deployments. Written only with a condition on its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetState {
    /// Which.
    pub target: Target,
    /// The deployment file in force.
    pub spec: Shared<Spec>,
    /// Its hash.
    pub spec_hash: SpecHash,
    /// When a file was applied first: older images are not looked at.
    pub applied_at: Timestamp,
    /// The newest epoch that was given out.
    pub epoch: Epoch,
    /// Who holds the target.
    pub lock: Option<Lock>,
    /// The push that waits for its turn.
    pub queue: Option<Push>,
    /// The newest push that was admitted, by the registry's time.
    pub newest: Option<Newest>,
    /// What serves, as far as Tidegate brought it there.
    pub stable: Option<StableRecord>,
    /// Until then, a sweep that was to stop idle tasks may still do so, however long it is held up.
    #[serde(default)]
    pub tidying_until: Option<Timestamp>,
    /// The deployment that ended last.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// Completed deployments that are watched, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watching: Vec<Watching>,
    /// Completed deployments whose costs are still to be compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<CostWatch>,
    /// The contract that is still to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Outstanding>,
    /// Contracts that were made, by the names of their migrations: each name is made once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contracted: BTreeMap<String, Contracted>,
    /// Digests that were rolled back.
    pub quarantine: BTreeMap<Digest, Quarantine>,
}

/// Who holds a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Since when.
    pub since: Timestamp,
}

/// What says which of two pushes is the newer one. The registry's times are whole seconds; of two images
/// of one second, the digest makes the same one the newer one for everybody, or the sweep would go from
/// one to the other and back for ever.
pub(crate) const fn push_order(pushed_at: Timestamp, digest: &Digest) -> (Timestamp, &Digest) {
    (pushed_at, digest)
}

/// The newest push that is known: [`push_order`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Newest {
    /// ECR's time.
    pub pushed_at: Timestamp,
    /// The image.
    pub digest: Digest,
}

/// The revision that a completed deployment made stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StableRecord {
    /// By which deployment.
    pub deployment: DeploymentId,
    /// In which slot.
    pub slot: Slot,
    /// The image.
    pub digest: Digest,
    /// Until when the revision before it stays warm.
    pub warm_until: Timestamp,
    /// Whether the sweep has nothing to stop in the other slot: it was scaled in, or a rollback failed
    /// since and a person decides what is to serve.
    pub other_scaled_in: bool,
}

/// The end of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Which.
    pub deployment: DeploymentId,
    /// When.
    pub at: Timestamp,
    /// How.
    pub state: ExitState,
}

/// Why a digest may not be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// By which deployment's end.
    pub deployment: DeploymentId,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A wish to deploy an image to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Push {
    /// ECR repository's name.
    pub repository: String,
    /// The image.
    pub digest: Digest,
    /// Its label.
    pub tag: Option<String>,
    /// ECR's time.
    pub pushed_at: Timestamp,
    /// What brought it.
    pub origin: Origin,
    /// Requirements set aside.
    pub overrides: Vec<Override>,
}

/// What becomes of a push.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// A deployment starts.
    Start(Box<Request>),
    /// It waits for the running deployment; what waited before is dropped.
    Queued {
        /// The running one.
        behind: DeploymentId,
    },
    /// It waits, and the running deployment is asked to stop.
    Superseding {
        /// The running one.
        running: DeploymentId,
        /// Why it is to stop.
        cause: AbortCause,
    },
    /// It makes no deployment.
    Refused(Refusal),
}

/// Why a push makes no deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A newer one came before.
    #[error("a newer image ({newest}) was pushed at {newest_at:.0}; the older one never replaces it")]
    Older {
        /// Which.
        newest: Digest,
        /// When.
        newest_at: Timestamp,
    },
    /// The same push again.
    #[error("this push was already taken: an event delivered twice makes one deployment")]
    Duplicate,
    /// It serves already.
    #[error("{0} is what serves already")]
    AlreadyStable(Digest),
    /// It was rolled back.
    #[error(
        "{digest} is in quarantine since {at:.0}: {reason}; repair and push again, or deploy it by hand with `--override quarantine`"
    )]
    Quarantined {
        /// Which.
        digest: Digest,
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Whether a trigger takes a pushed image.
pub fn takes(trigger: &Trigger, target: &Target, repository: &str, tag: Option<&str>) -> bool {
    let wanted = trigger.repository.as_deref().unwrap_or(target.service.as_str());
    wanted == repository && tag.is_some_and(|tag| trigger.tags.iter().any(|p| glob(p, tag)))
}

/// `*` stands for any run of characters, `?` for one. Linear in the text for each star.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match star {
                Some((after, from)) => {
                    p = after;
                    t = from + 1;
                    star = Some((after, t));
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

impl TargetState {
    /// A target whose file was applied for the first time.
    pub fn new(target: Target, spec: impl Into<Shared<Spec>>, spec_hash: SpecHash, now: Timestamp) -> Self {
        Self {
            target,
            spec: spec.into(),
            spec_hash,
            applied_at: now,
            epoch: Epoch::default(),
            lock: None,
            queue: None,
            newest: None,
            stable: None,
            tidying_until: None,
            ended: None,
            watching: Vec::new(),
            costs: Vec::new(),
            contract: None,
            contracted: BTreeMap::new(),
            quarantine: BTreeMap::new(),
        }
    }

    /// Decides what becomes of a push, and changes this record accordingly (invariants 1, 16, 24).
    pub fn admit(&mut self, push: Push, now: Timestamp) -> Admission {
        if let Some(refusal) = self.refusal(&push) {
            return Admission::Refused(refusal);
        }
        // Only forwards: after a person went back to an older image by hand, events and the sweep must
        // not take the newer one for one that they have not seen (invariant 16).
        let pushed = push_order(push.pushed_at, &push.digest);
        if self
            .newest
            .as_ref()
            .is_none_or(|newest| push_order(newest.pushed_at, &newest.digest) <= pushed)
        {
            self.newest = Some(Newest {
                pushed_at: push.pushed_at,
                digest: push.digest.clone(),
            });
        }
        if let Some(behind) = self.resting(now) {
            self.queue = Some(push);
            return Admission::Queued { behind };
        }
        let Some(lock) = &self.lock else {
            return Admission::Start(Box::new(self.start(push, now)));
        };
        let running = lock.deployment.clone();
        let cause = AbortCause::Superseded {
            by: None,
            digest: push.digest.short().to_owned(),
        };
        self.queue = Some(push);
        match self.spec.trigger.on_newer_push {
            NewerPush::Queue => Admission::Queued { behind: running },
            NewerPush::Supersede => Admission::Superseding { running, cause },
        }
    }

    /// The next deployment out of the queue, once the lock is free.
    pub fn next_in_queue(&mut self, now: Timestamp) -> Option<Request> {
        if self.lock.is_some() || self.resting(now).is_some() {
            return None;
        }
        let push = self.queue.take()?;
        if self.quarantine.contains_key(&push.digest) && !overrides(&push, "quarantine") {
            return None;
        }
        Some(self.start(push, now))
    }

    /// The deployment whose rollback failed so short a time ago that its functions may still run.
    /// A rollback that goes well waits for them itself; one that fails tells people at once, and
    /// only what comes next has to wait (invariant 6).
    pub fn resting(&self, now: Timestamp) -> Option<DeploymentId> {
        let ended = self.ended.as_ref()?;
        let quiet = ended.state != ExitState::RollbackFailed || now >= later(ended.at, QUIESCE_SECONDS);
        (!quiet).then(|| ended.deployment.clone())
    }

    /// Seconds for which no tasks may be started in the slot that was idle: a sweep that was told to
    /// stop them may be late.
    pub fn tidying(&self, now: Timestamp) -> Option<u32> {
        let until = self.tidying_until.filter(|until| now < *until)?;
        Some(seconds_until(now, until))
    }

    fn refusal(&self, push: &Push) -> Option<Refusal> {
        if let Some(held) = self.quarantine.get(&push.digest)
            && !overrides(push, "quarantine")
        {
            return Some(Refusal::Quarantined {
                digest: push.digest.clone(),
                at: held.at,
                reason: held.reason.clone(),
            });
        }
        // A person may deploy an older image knowingly; an event may not.
        if matches!(push.origin, Origin::Person { .. }) {
            return None;
        }
        let newest = self.newest.as_ref()?;
        let pushed = push_order(push.pushed_at, &push.digest);
        match pushed.cmp(&push_order(newest.pushed_at, &newest.digest)) {
            Ordering::Equal => return Some(Refusal::Duplicate),
            Ordering::Less => {
                return Some(Refusal::Older {
                    newest: newest.digest.clone(),
                    newest_at: newest.pushed_at,
                });
            }
            Ordering::Greater => {}
        }
        let stable = self.stable.as_ref()?;
        (stable.digest == push.digest && self.lock.is_none())
            .then(|| Refusal::AlreadyStable(push.digest.clone()))
    }

    fn start(&mut self, push: Push, now: Timestamp) -> Request {
        // What waited before is dropped here too: between the end of one deployment and the sweep that
        // starts the next, a newer push finds the lock free, and the older one must not follow it.
        self.queue = None;
        let id = self.take_lock(&push.digest, "", now);
        let mut spec = if overrides(&push, HOTFIX) {
            self.spec.for_hotfix().into()
        } else {
            self.spec.clone()
        };
        if spec.has_any(&self.contracted) {
            spec.leave_out(&self.contracted);
        }
        Request {
            id,
            target: self.target.clone(),
            kind: Kind::Forward,
            epoch: self.epoch,
            revision: Revision {
                repository: push.repository,
                digest: push.digest,
                tag: push.tag,
                pushed_at: push.pushed_at,
                spec_hash: self.spec_hash.clone(),
                task_definition: None,
            },
            spec,
            origin: push.origin,
            overrides: push.overrides,
        }
    }

    /// Raises the epoch and gives the lock to a deployment whose id follows from it.
    pub(crate) fn take_lock(&mut self, digest: &Digest, mark: &str, now: Timestamp) -> DeploymentId {
        self.epoch = self.epoch.next();
        let short: String = digest.short().chars().take(8).collect();
        let text = format!(
            "{}-{}-{}-{mark}{short}",
            self.target.service, self.target.environment, self.epoch
        );
        // Made of checked names, so it is one too; the fallback keeps the lock unique all the same.
        let id = text.parse().unwrap_or_else(|_| fallback_id(self.epoch));
        self.lock = Some(Lock {
            deployment: DeploymentId::clone(&id),
            epoch: self.epoch,
            since: now,
        });
        id
    }

    /// Whether a deployment may still act (invariant 6).
    pub fn fences(&self, deployment: &DeploymentId, epoch: Epoch) -> bool {
        self.lock
            .as_ref()
            .is_none_or(|lock| lock.deployment != *deployment || lock.epoch != epoch)
    }

    /// Gives the holder a new epoch: what acts under the old one is fenced off from here on.
    pub fn raise_epoch(&mut self, deployment: &DeploymentId) -> Option<Epoch> {
        let lock = self.lock.as_mut().filter(|lock| lock.deployment == *deployment)?;
        self.epoch = self.epoch.next();
        lock.epoch = self.epoch;
        Some(self.epoch)
    }

    /// Frees the lock with what a deployment's end means for the target.
    pub fn release(&mut self, deployment: &Deployment, exit: &Exit) {
        if self
            .lock
            .as_ref()
            .is_some_and(|lock| lock.deployment == deployment.id)
        {
            self.lock = None;
        }
        self.ended = Some(Ended {
            deployment: deployment.id.clone(),
            at: exit.at,
            state: exit.state,
        });
        self.follow_contract(deployment, exit);
        match exit.state {
            // What serves is what served.
            ExitState::Completed if deployment.kind.is_contract() => {}
            ExitState::RolledBack | ExitState::RollbackFailed if deployment.kind.is_contract() => {}
            ExitState::Completed => {
                self.stable = stable_after(deployment, exit.at);
                // Someone set its quarantine aside, and it proved itself.
                self.quarantine.remove(&deployment.revision.digest);
                let watch = deployment.spec.watch.as_ref();
                self.watching
                    .extend(watch.map(|watch| Watching::of(deployment, watch, exit.at)));
            }
            ExitState::RolledBack | ExitState::RollbackFailed => self.quarantine(deployment, exit),
            ExitState::Blocked | ExitState::Aborted => {}
        }
        if exit.state == ExitState::RolledBack && deployment.kind.is_reversal() {
            self.stable = None;
        }
        if let (ExitState::RollbackFailed, Kind::Reversal { of }) = (exit.state, &deployment.kind) {
            // A person is at it: another try would be in the way.
            let watched = self
                .watching
                .iter_mut()
                .find(|watching| watching.deployment == *of);
            if let Some(watching) = watched {
                watching.on_alarm = OnAlarm::Tell;
            }
        }
        // Which slot serves is not known: the sweep could stop the tasks that do (invariant 3).
        if exit.state == ExitState::RollbackFailed
            && !deployment.kind.is_contract()
            && let Some(stable) = &mut self.stable
        {
            stable.other_scaled_in = true;
        }
    }

    fn quarantine(&mut self, deployment: &Deployment, exit: &Exit) {
        if deployment
            .abort
            .as_ref()
            .is_some_and(|abort| abort.cause.blameless())
        {
            return;
        }
        let entry = Quarantine {
            deployment: deployment.id.clone(),
            at: exit.at,
            reason: exit.reason.clone(),
        };
        self.quarantine.insert(deployment.revision.digest.clone(), entry);
    }

    /// A reversal of a completed deployment, with the lock taken for it.
    ///
    /// # Errors
    /// Why it can't be: something else runs, it is not what serves, or the window is over.
    pub fn reverse(
        &mut self,
        completed: &Deployment,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Request, ReversalRefusal> {
        if let Some(lock) = &self.lock {
            return Err(ReversalRefusal::Busy(lock.deployment.clone()));
        }
        if let Some(failed) = self.resting(now) {
            return Err(ReversalRefusal::Resting(failed));
        }
        let stable = self
            .stable
            .as_ref()
            .filter(|stable| stable.deployment == completed.id)
            .ok_or_else(|| ReversalRefusal::NotStable(completed.id.clone()))?;
        if let Some(migration) = self.contracted_of(&completed.id) {
            return Err(ReversalRefusal::Contracted {
                of: completed.id.clone(),
                migration: migration.to_owned(),
            });
        }
        // A sweep that has begun to stop the old tasks may be late, and its clock another than this one's.
        // A mark of an earlier time is before this window: nothing completes while one is in force.
        let tidied = self.tidying_until.is_some_and(|until| until > stable.warm_until);
        if now >= stable.warm_until || tidied {
            return Err(ReversalRefusal::WindowOver(stable.warm_until));
        }
        let has_stable = completed.plan.as_ref().is_some_and(|plan| plan.stable.is_some());
        if !has_stable {
            return Err(ReversalRefusal::NothingBefore(completed.id.clone()));
        }
        let id = self.take_lock(&completed.revision.digest, "back-", now);
        Ok(Request {
            id,
            target: self.target.clone(),
            kind: Kind::Reversal {
                of: completed.id.clone(),
            },
            epoch: self.epoch,
            revision: completed.revision.clone(),
            spec: completed.spec.clone(),
            origin,
            overrides: Vec::new(),
        })
    }
}

/// Why a completed deployment can't be taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReversalRefusal {
    /// Something runs.
    #[error("deployment {0} is running; abort or roll back that one")]
    Busy(DeploymentId),
    /// The rollback of another one failed just now.
    #[error("the rollback of {0} failed just now and its functions may still run; try again in two minutes")]
    Resting(DeploymentId),
    /// Another one came after it.
    #[error("{0} is not what serves now")]
    NotStable(DeploymentId),
    /// Too late.
    #[error(
        "the rollback window ended at {0:.0} and the old tasks are gone; deploy the older image with `tidegate deploy`"
    )]
    WindowOver(Timestamp),
    /// What the revision before needs is gone.
    #[error(
        "contract {migration} of {of} was made: the revision before it needs what is gone. Repair forward with a new image; where only \
         that revision helps, restore a backup first, then deploy its image with `--override contract`"
    )]
    Contracted {
        /// The completed deployment.
        of: DeploymentId,
        /// Which.
        migration: String,
    },
    /// The first one.
    #[error("{0} was the first deployment: there is nothing before it")]
    NothingBefore(DeploymentId),
}

fn overrides(push: &Push, what: &str) -> bool {
    push.overrides.iter().any(|o| o.what == what)
}

fn fallback_id(epoch: Epoch) -> DeploymentId {
    let text = format!("deployment-{epoch}");
    match text.parse() {
        Ok(id) => id,
        Err(_) => unreachable!("letters, dashes and digits are a deployment id"),
    }
}

fn stable_after(deployment: &Deployment, at: Timestamp) -> Option<StableRecord> {
    let plan = deployment.plan.as_ref()?;
    let window = SignedDuration::from_secs(deployment.spec.auto_rollback.window_seconds.into());
    let one_service = matches!(plan.traffic, Traffic::Rolling | Traffic::Recreate);
    Some(StableRecord {
        deployment: deployment.id.clone(),
        slot: plan.candidate,
        digest: deployment.revision.digest.clone(),
        warm_until: at.checked_add(window).unwrap_or(Timestamp::MAX),
        other_scaled_in: one_service,
    })
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
