//! Keys of the table, by access pattern.
//!
//! | pk | sk | what |
//! | --- | --- | --- |
//! | `TARGETS` | `web/production` | which targets exist |
//! | `TARGET#web/production` | `HEAD` | lock, epoch, queue, quarantine, stable revision |
//! | `TARGET#web/production` | `SPEC#<hash>` | the deployment file as it was applied |
//! | `DEPLOYMENT#<id>` | `HEAD` | the deployment, the fold of its journal |
//! | `DEPLOYMENT#<id>` | `JOURNAL#<seq>` | one journal entry |
//! | `DEPLOYMENT#<id>` | `TOKEN#<name>` | a task token; it never leaves the functions |
//! | `DEPLOYMENT#<id>` | `DELIVERY#<seq>#<channel>` | a message that was delivered |
//! | `DEPLOYMENT#<id>` | `RETELL#<seq>#<minute>` | a journal entry again, for the stream (expires) |
//! | `ALARM#<name>` | `DEPLOYMENT#<id>` | who watches an alarm (expires) |
//! | `EVENT#<id>` | `SEEN` | an event that was taken (expires) |
//! | `RELEASE#web@<digest>` | `HEAD` | what CI recorded of an image |
//! | `PEOPLE` | `FILE` | the `people` file |
//!
//! Index `gsi1`: `ENVIRONMENT#production`, `<time>#<id>` lists deployments by environment and time.

use jiff::Timestamp;
use tidegate_core::ids::{DeploymentId, Digest, EnvironmentName, Target};
use tidegate_core::messages::Channel;

pub(crate) const TARGETS: &str = "TARGETS";
pub(crate) const HEAD: &str = "HEAD";
pub(crate) const SEEN: &str = "SEEN";
pub(crate) const PEOPLE: &str = "PEOPLE";
pub(crate) const FILE: &str = "FILE";
pub(crate) const JOURNAL: &str = "JOURNAL#";
pub(crate) const DELIVERY: &str = "DELIVERY#";
pub(crate) const RETELL: &str = "RETELL#";

pub(crate) fn target(target: &Target) -> String {
    format!("TARGET#{target}")
}

pub(crate) fn deployment(id: &DeploymentId) -> String {
    format!("DEPLOYMENT#{id}")
}

pub(crate) fn release(repository: &str, digest: &Digest) -> String {
    format!("RELEASE#{repository}@{digest}")
}

/// Ten digits, so that entries sort as numbers do.
pub(crate) fn journal(seq: u64) -> String {
    format!("{JOURNAL}{seq:010}")
}

pub(crate) fn token(name: &str) -> String {
    format!("TOKEN#{name}")
}

pub(crate) fn delivery(seq: u64, channel: Channel) -> String {
    format!("{DELIVERY}{seq:010}#{}", channel.as_str())
}

/// The marker that such a key stands for.
pub(crate) fn delivered(sk: &str) -> Option<(u64, Channel)> {
    let (seq, name) = sk.strip_prefix(DELIVERY)?.split_once('#')?;
    let channel = Channel::ALL.into_iter().find(|one| one.as_str() == name)?;
    Some((seq.parse().ok()?, channel))
}

/// One a minute: the stream tells only of items that are new.
pub(crate) fn retell(seq: u64, now: Timestamp) -> String {
    format!("{RETELL}{seq:010}#{}", now.as_second().div_euclid(60))
}

pub(crate) fn alarm(name: &str) -> String {
    format!("ALARM#{name}")
}

pub(crate) fn event(id: &str) -> String {
    format!("EVENT#{id}")
}

pub(crate) fn environment(name: &EnvironmentName) -> String {
    format!("ENVIRONMENT#{name}")
}

/// Where a deployment stands in its environment's list: by time, then by id.
pub(crate) fn place(requested_at: Timestamp, id: &DeploymentId) -> String {
    format!("{requested_at}#{id}")
}
