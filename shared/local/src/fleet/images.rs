//! ECR: repositories, images by digest, and how each version behaves when it runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fleet, FleetEvent};

/// How the tasks of a version start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Start {
    /// Starts and answers its health checks at once.
    #[default]
    Ok,
    /// Exits with code 1 a few seconds after it started.
    Crash,
    /// Runs, but never passes a health check.
    NeverHealthy,
    /// Passes its health checks this many seconds after it started.
    Slow {
        /// Seconds between the start of the container and its first good answer.
        seconds: u32,
    },
}

/// The simulation profile of one version. The default is a healthy one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Behaviour {
    /// How its tasks start.
    pub start: Start,
    /// Share of its requests, in percent, that it answers with a 5xx.
    pub error_percent: f64,
    /// It errs only while its share of the traffic, in percent, is at or above this.
    pub error_from_weight: u8,
    /// It errs only this many seconds after it reached that share.
    pub error_after_seconds: u32,
    /// 99th percentile of its response time, in milliseconds.
    pub latency_p99_ms: f64,
    /// Below this share of the traffic, in percent, it is as quick as a healthy version.
    pub latency_from_weight: u8,
    /// Exit code of each suite that is run as a task with this image; 0 where absent.
    pub suite_exit_codes: BTreeMap<String, i64>,
    /// What each suite that is run as a task with this image writes before it ends.
    pub suite_lines: BTreeMap<String, Vec<String>>,
    /// Seconds that a suite runs before it ends.
    pub suite_seconds: u32,
    /// Errors come and go: this many seconds on, as many off.
    pub flap: Option<u32>,
    /// What ECR's scan makes of it.
    pub scan: Scan,
    /// Who signed it.
    pub signed: Signed,
}

/// How ECR's scan on push ends, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Scan {
    /// Seconds after the push at which it is over.
    pub seconds: u32,
    /// How it ends.
    pub end: ScanEnd,
    /// Findings of severity `CRITICAL`.
    pub critical: u32,
    /// Findings of severity `HIGH`.
    pub high: u32,
}

/// How a scan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScanEnd {
    /// With findings, if there are any.
    #[default]
    Complete,
    /// `UNSUPPORTED_IMAGE`.
    Unsupported,
    /// It never begins: the repository does not scan on push.
    Never,
}

/// The signature of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Signed {
    /// By Notation, as an OCI referrer.
    #[default]
    Notation,
    /// By cosign, under its tag.
    Cosign,
    /// Not at all.
    No,
}

/// 99th percentile of a healthy version's response time, in milliseconds.
pub(crate) const HEALTHY_P99_MS: f64 = 120.0;

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            start: Start::Ok,
            error_percent: 0.0,
            error_from_weight: 0,
            error_after_seconds: 0,
            latency_p99_ms: HEALTHY_P99_MS,
            latency_from_weight: 0,
            suite_exit_codes: BTreeMap::new(),
            suite_lines: BTreeMap::new(),
            suite_seconds: 15,
            flap: None,
            scan: Scan::default(),
            signed: Signed::default(),
        }
    }
}

impl Behaviour {
    /// A version that answers `percent` of its requests with a 5xx once its
    /// share of the traffic is at or above `from_weight` percent.
    pub fn failing(percent: f64, from_weight: u8) -> Self {
        Self {
            error_percent: percent,
            error_from_weight: from_weight,
            ..Self::default()
        }
    }

    /// A version whose tasks start in the given way.
    pub fn starting(start: Start) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// Whether it errs, given its share of the traffic in percent and the
    /// seconds since it reached `error_from_weight`.
    pub(crate) fn errs(&self, share: f64, exposed_seconds: Option<i64>) -> bool {
        let Some(exposed) = exposed_seconds else {
            return false;
        };
        let delay = i64::from(self.error_after_seconds);
        if share < f64::from(self.error_from_weight) || exposed < delay {
            return false;
        }
        match self.flap {
            Some(period) if period > 0 => ((exposed - delay) / i64::from(period)) % 2 == 0,
            Some(_) | None => true,
        }
    }

    /// The 99th percentile of its response time at a share of the traffic, in
    /// milliseconds.
    pub(crate) fn p99_ms(&self, share: f64) -> f64 {
        if share < f64::from(self.latency_from_weight) {
            HEALTHY_P99_MS
        } else {
            self.latency_p99_ms
        }
    }
}

/// An image in a repository; its key there is its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Tags that point to it now.
    pub tags: BTreeSet<String>,
    /// When the registry took it.
    pub pushed_at: Timestamp,
    /// How it behaves when it runs.
    pub behaviour: Behaviour,
}

/// An ECR repository.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Repository {
    /// Images by digest (`sha256:...`).
    pub images: BTreeMap<String, Image>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Whether a pushed image is scanned, by the repository's own setting.
    #[serde(default)]
    pub scan_on_push: bool,
    /// Whether a tag can't be moved.
    #[serde(default)]
    pub immutable_tags: bool,
}

/// An image in our own registry, by its identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImageId {
    /// Name of the repository.
    pub repository: String,
    /// Digest of the manifest (`sha256:...`).
    pub digest: String,
}

/// What an image reference of a container points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// An image that is there.
    Ours(ImageId),
    /// An image of another registry, which is taken to be there and healthy.
    Elsewhere,
    /// No such image.
    Missing,
}

impl Fleet {
    /// Makes an ECR repository, unless it is there.
    pub fn create_repository(&mut self, name: &str) {
        let now = self.now();
        let repository = self.repositories.entry(name.to_owned()).or_default();
        repository.created_at.get_or_insert(now);
    }

    /// Sets whether pushed images are scanned and whether tags can be moved; nothing where there is no
    /// such repository.
    pub fn set_repository(&mut self, name: &str, scan_on_push: bool, immutable_tags: bool) {
        if let Some(repository) = self.repositories.get_mut(name) {
            (repository.scan_on_push, repository.immutable_tags) = (scan_on_push, immutable_tags);
        }
    }

    /// Pushes an image: a tag that is there already moves to it. Without a
    /// digest a new one is made up. The event is returned *and* handed out by
    /// the next [`Fleet::advance`].
    pub fn push_image(
        &mut self,
        repository: &str,
        tag: &str,
        digest: Option<&str>,
        behaviour: Behaviour,
    ) -> FleetEvent {
        let event = self.store_image(repository, tag, digest, behaviour);
        self.pending.push(event.clone());
        event
    }

    /// As [`Fleet::push_image`], but nobody is told: for images that were there
    /// before the story begins, and for events that AWS loses.
    pub fn store_image(
        &mut self,
        repository: &str,
        tag: &str,
        digest: Option<&str>,
        behaviour: Behaviour,
    ) -> FleetEvent {
        let now = self.now();
        let digest = match digest {
            Some(digest) => digest.to_owned(),
            None => format!("sha256:{}", self.ids.hex(64)),
        };
        self.create_repository(repository);
        if let Some(held) = self.repositories.get_mut(repository) {
            for image in held.images.values_mut() {
                image.tags.remove(tag);
            }
            let image = held.images.entry(digest.clone()).or_insert_with(|| Image {
                tags: BTreeSet::new(),
                pushed_at: now,
                behaviour: Behaviour::default(),
            });
            image.behaviour = behaviour;
            image.tags.insert(tag.to_owned());
        }
        FleetEvent::EcrPushed {
            id: self.ids.uuid(),
            region: self.region.clone(),
            account: self.account.clone(),
            at: now,
            repository: repository.to_owned(),
            digest,
            tag: tag.to_owned(),
        }
    }

    /// Changes how a version behaves from now on, also where it runs already.
    /// Returns `false` where there is no such image.
    pub fn set_behaviour(&mut self, repository: &str, digest: &str, behaviour: Behaviour) -> bool {
        let image = self
            .repositories
            .get_mut(repository)
            .and_then(|held| held.images.get_mut(digest));
        let Some(image) = image else {
            return false;
        };
        image.behaviour = behaviour;
        self.behaviour_changed = true;
        self.settle();
        true
    }

    /// Removes an image, as a lifecycle policy would. Returns `false` where
    /// there was none. Tasks that run it go on; new ones can't pull it.
    pub fn remove_image(&mut self, repository: &str, digest: &str) -> bool {
        self.repositories
            .get_mut(repository)
            .is_some_and(|held| held.images.remove(digest).is_some())
    }

    /// The registry's host name.
    pub fn registry(&self) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com", self.account, self.region)
    }

    /// The behaviour of an image, or a healthy one where it is not ours.
    pub(crate) fn behaviour(&self, image: Option<&ImageId>) -> Behaviour {
        image
            .and_then(|id| self.repositories.get(&id.repository)?.images.get(&id.digest))
            .map(|found| found.behaviour.clone())
            .unwrap_or_default()
    }

    /// Finds what an image reference (`host/repository@sha256:...` or
    /// `host/repository:tag`) points to. A reference without our registry's
    /// host is looked up here too, if such a repository exists.
    pub(crate) fn resolve_image(&self, reference: &str) -> Resolved {
        let registry = self.registry();
        let ours = reference
            .strip_prefix(&registry)
            .and_then(|rest| rest.strip_prefix('/'));
        let path = ours.unwrap_or(reference);
        let (repository, digest, tag) = match path.split_once('@') {
            Some((name, digest)) => {
                let name = name.split_once(':').map_or(name, |(bare, _)| bare);
                (name, Some(digest), None)
            }
            None => match path.rsplit_once(':') {
                Some((name, tag)) => (name, None, Some(tag)),
                None => (path, None, Some("latest")),
            },
        };
        let Some(held) = self.repositories.get(repository) else {
            return match ours {
                Some(_) => Resolved::Missing,
                None => Resolved::Elsewhere,
            };
        };
        let found = match (digest, tag) {
            (Some(digest), _) => held.images.get_key_value(digest),
            (None, Some(tag)) => held.images.iter().find(|(_, image)| image.tags.contains(tag)),
            (None, None) => None,
        };
        match found {
            Some((digest, _)) => Resolved::Ours(ImageId {
                repository: repository.to_owned(),
                digest: digest.clone(),
            }),
            None => Resolved::Missing,
        }
    }
}
