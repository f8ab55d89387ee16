//! What people and other systems are told, made from the journal alone.
//!
//! [`compose`] turns one journal entry into the messages that it deserves, most often none. The same
//! entry always gives the same messages under the same id, so they can be sent until someone has
//! taken them, and receivers can drop the second copy (invariant 19).
//!
//! In order: `story` says what happened in words, `marks` where the phases stand, `plain` and `slack`
//! put a story into their form, `bus` makes the EventBridge events, `attributes` what SNS filters on.
//! Everything that was written by someone else passes through `text` first. [`timeline`] tells the
//! same journal in one line per entry.

mod attributes;
mod bus;
mod cause;
mod changes;
mod marks;
mod plain;
mod severity;
mod slack;
mod story;
pub(crate) mod text;
pub mod timeline;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use bus::{BUS_SOURCE, BusEvent, DetailType};

use crate::deployment::{Deployment, Phase};
use crate::event::Event;
use crate::journal::Entry;

/// The id under which receivers drop a second copy: `{deployment}/{seq}` of the journal entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(String);

impl MessageId {
    /// The id of whatever an entry has to say.
    pub fn of(entry: &Entry) -> Self {
        Self(format!("{}/{}", entry.deployment, entry.seq))
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How much it matters to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Someone should look during the day.
    Attention,
    /// Someone must act now.
    Page,
}

impl Severity {
    /// `info`, `attention` or `page`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Attention => "attention",
            Self::Page => "page",
        }
    }
}

/// One thing to deliver. An entry can have one of each kind, under the same id: dedupe by id within
/// a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// For people, through SNS and Slack.
    People(Box<Letter>),
    /// For other systems, through EventBridge.
    Bus(BusEvent),
}

impl Message {
    /// The id to dedupe on.
    pub const fn id(&self) -> &MessageId {
        match self {
            Self::People(letter) => &letter.id,
            Self::Bus(event) => &event.id,
        }
    }
}

/// A message for people, in every form that it is sent in.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The id to dedupe on.
    pub id: MessageId,
    /// How much it matters.
    pub severity: Severity,
    /// SNS `Subject`: printable ASCII, fewer than 100 characters.
    pub subject: String,
    /// SNS `Message`: what, where, who, weight, why, what to do next.
    pub text: String,
    /// SNS message attributes for filter policies, all of type `String`, none empty: `messageId`
    /// (to drop a second copy by), `service`, `environment`, `deployment`, `event`, `phase`,
    /// `severity`, and `exitState` once it ended.
    pub attributes: BTreeMap<String, String>,
    /// The body to post to a Slack incoming webhook.
    pub slack: serde_json::Value,
}

/// Where messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The EventBridge bus, for machines.
    Bus,
    /// The SNS topic, for people.
    Sns,
    /// Slack, for people.
    Slack,
    /// The bucket in which reports are kept.
    Archive,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bus, Self::Sns, Self::Slack, Self::Archive];

    /// Its name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Sns => "sns",
            Self::Slack => "slack",
            Self::Archive => "archive",
        }
    }
}

/// Channels that must hear of an entry. Slack is not among them: a team may have none, and a message
/// that it does not take goes to the log.
pub fn owed(deployment: &Deployment, entry: &Entry) -> Vec<Channel> {
    let people = story::tell(deployment, entry).map(|_| Channel::Sns);
    let machines = bus::event(deployment, entry).map(|_| Channel::Bus);
    let archive = deployment.kept_after(&entry.event).map(|_| Channel::Archive);
    [people, machines, archive].into_iter().flatten().collect()
}

/// The messages of one journal entry, those for people first; none where nobody needs to hear of it.
///
/// `deployment` is the fold of the journal up to and including `entry`. A later one does no harm
/// except that phase marks and weights then show the later state.
pub fn compose(deployment: &Deployment, entry: &Entry) -> Vec<Message> {
    let letter = story::tell(deployment, entry).map(|story| {
        Message::People(Box::new(Letter {
            id: MessageId::of(entry),
            severity: story.severity,
            subject: text::subject(&format!("{}: {}", deployment.target, story.headline)),
            text: plain::render(deployment, entry, &story),
            attributes: attributes::of(deployment, entry, story.severity),
            slack: slack::render(deployment, entry, &story),
        }))
    });
    let event = bus::event(deployment, entry).map(Message::Bus);
    letter.into_iter().chain(event).collect()
}

/// Whether anybody hears of such an event. Where nobody does, a deployment need not be read for it.
pub const fn is_told(event: &Event) -> bool {
    matches!(
        event,
        Event::DeploymentRequested { .. }
            | Event::PhaseEntered {
                phase: Phase::Validate,
            }
            | Event::GateOpened { .. }
            | Event::Decided { .. }
            | Event::WeightReached { .. }
            | Event::ShiftDone
            | Event::AbortRequested { .. }
            | Event::RollbackStarted { .. }
            | Event::TrafficReturned { .. }
            | Event::PersonNeeded { .. }
            | Event::WatchAlarmed { .. }
            | Event::WatchEnded { .. }
            | Event::CostChecked { .. }
            | Event::CostCompared { .. }
            | Event::ContractDropped { .. }
            | Event::Exited { .. }
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
