//! The table: heads, the target, tokens and seen events, with the conditions of
//! `shared/aws/src/store/commit.rs`.
//!
//! Entries are kept as batches of events; hashes are made when a journal is asked for, by the
//! product's own `journal::append`.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::deployment::{Deployment, Request};
use tidegate_core::event::Event;
use tidegate_core::ids::{DeploymentId, Epoch};
use tidegate_core::journal::{self, Entry};
use tidegate_core::spec::GatePhase;
use tidegate_core::target::TargetState;

use crate::setting::Ms;

/// Who writes: a function's own name, or a person's.
pub type Author = Cow<'static, str>;

/// A deployment that begins, with its first entries.
pub type Opening = (Request, Vec<Event>, Author, Timestamp);

/// What was written at once for one deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What happened.
    pub events: Vec<Event>,
    /// Who wrote it.
    pub by: Author,
    /// By the writer's clock.
    pub at: Timestamp,
    /// What a right clock would have shown then.
    pub real: Timestamp,
}

/// A deployment's head with its history.
#[derive(Debug, Clone)]
pub struct Head {
    /// As stored; its hash is left out until a journal is asked for.
    pub deployment: Arc<Deployment>,
    /// What was written, oldest first.
    pub batches: Vec<Arc<Batch>>,
    /// Whether it watches the alarm.
    pub watches: bool,
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenName {
    /// The abort handle's.
    Abort,
    /// A gate's.
    Gate(GatePhase),
}

impl TokenName {
    /// That of the state in which people are asked: a contract is asked about before it migrates
    /// (`shared/lambda/src/stop.rs`).
    pub fn of_gate(before: GatePhase) -> Self {
        Self::Gate(match before {
            GatePhase::Contract => GatePhase::Migrate,
            other => other,
        })
    }
}

/// Why a write was refused. Nothing was written then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Someone wrote first.
    Conflict,
    /// The lock is not the writer's any more.
    Fenced,
    /// The event was taken before.
    AlreadySeen,
}

/// Events for one deployment, if it still is where it was read.
#[derive(Debug, Clone)]
pub struct Append {
    /// Index of the deployment.
    pub index: usize,
    /// As it was read.
    pub seq: u64,
    /// What happened.
    pub events: Vec<Event>,
    /// Who writes.
    pub by: Author,
    /// By the writer's clock.
    pub at: Timestamp,
}

/// Writes that take effect together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// A deployment that begins, with its first entries.
    pub open: Option<Opening>,
    /// Entries of a deployment.
    pub append: Option<Append>,
    /// The target's record, and the version that was read.
    pub target: Option<(u64, TargetState)>,
    /// Whose lock it needs.
    pub fence: Option<(DeploymentId, Epoch)>,
    /// Only if this event was not taken before.
    pub unseen: Option<u32>,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    /// The target's record.
    pub target: Arc<TargetState>,
    /// Its version.
    pub version: u64,
    /// Deployments, oldest first.
    pub heads: Vec<Head>,
    /// Tokens by deployment and name; the newest counts.
    pub tokens: Vec<(usize, TokenName, u32)>,
    /// Events that were taken.
    pub seen: Vec<u32>,
}

impl Store {
    /// A table with one target.
    pub fn new(target: TargetState) -> Self {
        Self {
            target: Arc::new(target),
            version: 1,
            heads: Vec::new(),
            tokens: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Index of a deployment.
    pub fn find(&self, id: &DeploymentId) -> Option<usize> {
        self.heads.iter().position(|head| head.deployment.id == *id)
    }

    /// The newest token of a name.
    pub fn token(&self, index: usize, name: TokenName) -> Option<u32> {
        self.tokens
            .iter()
            .rev()
            .find(|(of, called, _)| *of == index && *called == name)
            .map(|(_, _, token)| *token)
    }

    /// Why a commit would be refused: a fence first, as on DynamoDB's answer.
    fn refused(&self, commit: &Commit) -> Option<Refused> {
        let fenced = |(id, epoch): &(DeploymentId, Epoch)| self.target.fences(id, *epoch);
        if commit.fence.as_ref().is_some_and(fenced) {
            return Some(Refused::Fenced);
        }
        if commit.unseen.is_some_and(|event| self.seen.contains(&event)) {
            return Some(Refused::AlreadySeen);
        }
        let moved = commit.append.as_ref().is_some_and(|append| {
            self.heads
                .get(append.index)
                .is_none_or(|head| head.deployment.seq != append.seq)
        });
        let changed = commit
            .target
            .as_ref()
            .is_some_and(|(version, _)| *version != self.version);
        let taken = commit
            .open
            .as_ref()
            .is_some_and(|(request, ..)| self.find(&request.id).is_some());
        (moved || changed || taken).then_some(Refused::Conflict)
    }

    /// Writes everything, or nothing, for a writer whose clock is off by `skew`. `forced` leaves the
    /// conditions out, as a naive store would.
    ///
    /// # Errors
    /// The condition that failed.
    pub fn commit(&mut self, commit: Commit, forced: bool, skew: Ms) -> Result<(), Refused> {
        if let Some(refused) = self.refused(&commit).filter(|_| !forced) {
            return Err(refused);
        }
        self.seen.extend(commit.unseen);
        if let Some((_, target)) = commit.target {
            self.target = Arc::new(target);
            self.version += 1;
        }
        if let Some((request, events, by, at)) = commit.open {
            self.heads.push(Head {
                deployment: Arc::new(Deployment::new(request, at)),
                batches: Vec::new(),
                watches: false,
            });
            if let Some(head) = self.heads.last_mut() {
                head.append(events, by, at, skew);
            }
        }
        if let Some(append) = commit.append
            && let Some(head) = self.heads.get_mut(append.index)
        {
            head.append(append.events, append.by, append.at, skew);
        }
        Ok(())
    }
}

impl Head {
    /// Folds events in and keeps them.
    pub fn append(&mut self, events: Vec<Event>, by: Author, at: Timestamp, skew: Ms) {
        let deployment = Arc::make_mut(&mut self.deployment);
        for event in &events {
            deployment.apply(event, at);
            deployment.seq += 1;
        }
        let real = at - SignedDuration::from_millis(skew);
        self.batches.push(Arc::new(Batch { events, by, at, real }));
    }

    /// How it was asked for: the head as it began, with what its first entry says.
    fn request(&self) -> Option<Request> {
        let Event::DeploymentRequested {
            revision,
            origin,
            epoch,
            overrides,
        } = self.batches.first()?.events.first()?
        else {
            return None;
        };
        Some(Request {
            id: self.deployment.id.clone(),
            target: self.deployment.target.clone(),
            kind: self.deployment.kind.clone(),
            epoch: *epoch,
            revision: revision.clone(),
            spec: self.deployment.spec.clone(),
            origin: origin.clone(),
            overrides: overrides.clone(),
        })
    }

    /// The journal with its hashes, and the hash of its last entry.
    pub fn journal(&self) -> (String, Vec<Entry>) {
        let (Some(first), Some(request)) = (self.batches.first(), self.request()) else {
            return (String::new(), Vec::new());
        };
        let mut folded = Deployment::new(request, first.at);
        let entries = self
            .batches
            .iter()
            .flat_map(|batch| journal::append(&mut folded, batch.events.clone(), &batch.by, batch.at))
            .collect();
        (folded.journal_head, entries)
    }

    /// The head, and the journal without hashes: quick, and enough for all but the chain. Times are
    /// those of the writers' clocks, or where `real` the true ones, also in the head.
    pub fn into_entries(self, real: bool) -> (Deployment, Vec<Entry>) {
        let began = self.batches.first().map(|batch| batch.real);
        let mut folded = self
            .request()
            .zip(began)
            .filter(|_| real)
            .map(|(request, began)| Deployment::new(request, began));
        let deployment = Arc::unwrap_or_clone(self.deployment);
        let mut epoch = Epoch::default();
        let mut entries = Vec::with_capacity(deployment.seq as usize);
        for batch in self.batches {
            let batch = Arc::unwrap_or_clone(batch);
            let at = if real { batch.real } else { batch.at };
            for event in batch.events {
                if let Event::RollbackStarted { epoch: raised, .. }
                | Event::DeploymentRequested { epoch: raised, .. } = &event
                {
                    epoch = *raised;
                }
                if let Some(folded) = &mut folded {
                    folded.apply(&event, at);
                }
                entries.push(Entry {
                    deployment: deployment.id.clone(),
                    seq: entries.len() as u64 + 1,
                    at,
                    by: String::new(),
                    epoch,
                    event,
                    previous: String::new(),
                    hash: String::new(),
                });
            }
        }
        (folded.unwrap_or(deployment), entries)
    }
}
