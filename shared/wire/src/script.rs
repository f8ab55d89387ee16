//! What goes wrong where, in one line that can be typed: `canary+alarm/17/lose-reply`.

use std::fmt;
use std::str::FromStr;

use tidegate_local::faults::{CallFate, EventFate, Numbered};

use crate::strategy::Strategy;

/// Whether the deployment is left alone or turned back in its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// A healthy image.
    Forward,
    /// An alarm goes off (without a load balancer: a person stops it).
    Back,
}

/// A strategy and a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Case {
    /// Strategy.
    pub strategy: Strategy,
    /// Way.
    pub way: Way,
}

impl Case {
    /// Every case.
    pub fn all() -> Vec<Self> {
        let ways = [Way::Forward, Way::Back];
        Strategy::ALL
            .into_iter()
            .flat_map(|strategy| ways.map(|way| Self { strategy, way }))
            .collect()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.strategy.name())?;
        match self.way {
            Way::Forward => Ok(()),
            Way::Back => f.write_str("+alarm"),
        }
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The function dies before the call reaches AWS.
    KillBefore,
    /// The function dies after the call took effect.
    KillAfter,
    /// The call takes effect, its reply is lost.
    LoseReply,
    /// AWS refuses it once.
    Throttle,
    /// AWS refuses it and its retries until the SDK gives up, and again at the next try.
    ThrottleLong,
    /// The function stands still until its time limit, and the call lands after that.
    Stall,
    /// The call gets stuck and lands 45 s later; the function tries again long before.
    Straggle,
    /// As `Straggle`, but so late that nothing could be safe: only for planted defects.
    Ghost,
}

impl Kind {
    /// All that can happen. [`Kind::Ghost`] can't: AWS does not hold a request for minutes.
    pub const ALL: [Self; 7] = [
        Self::KillBefore,
        Self::KillAfter,
        Self::LoseReply,
        Self::Throttle,
        Self::ThrottleLong,
        Self::Stall,
        Self::Straggle,
    ];

    /// Name, as scripts write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillBefore => "kill-before",
            Self::KillAfter => "kill-after",
            Self::LoseReply => "lose-reply",
            Self::Throttle => "throttle",
            Self::ThrottleLong => "throttle-long",
            Self::Stall => "stall",
            Self::Straggle => "straggle",
            Self::Ghost => "ghost",
        }
    }

    /// What it means to the local cloud.
    pub const fn fate(self) -> CallFate {
        match self {
            Self::KillBefore => CallFate::KillBefore,
            Self::KillAfter => CallFate::KillAfter,
            Self::LoseReply => CallFate::LoseReply,
            Self::Throttle => CallFate::Throttle(1),
            // The SDK tries four times.
            Self::ThrottleLong => CallFate::Throttle(7),
            Self::Stall => CallFate::Stall,
            Self::Straggle => CallFate::Straggle(45),
            Self::Ghost => CallFate::Straggle(230),
        }
    }
}

/// What happens to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// Never.
    Drop,
    /// Twice.
    Double,
    /// A minute and a half late.
    Delay,
    /// The next one comes before it: an event waits for the next event; a batch is handed out once
    /// more after the next one, because the stream forgot how far it was.
    Overtake,
}

impl Delivery {
    /// All.
    pub const ALL: [Self; 4] = [Self::Drop, Self::Double, Self::Delay, Self::Overtake];

    const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Double => "double",
            Self::Delay => "delay",
            Self::Overtake => "overtake",
        }
    }

    const fn fate(self) -> EventFate {
        match self {
            Self::Drop => EventFate::Dropped,
            Self::Double => EventFate::Doubled,
            Self::Delay => EventFate::Late(90),
            Self::Overtake => EventFate::Overtaken,
        }
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upset {
    /// The call of that number.
    Call(u64, Kind),
    /// EventBridge's delivery of that number.
    Event(u64, Delivery),
    /// The stream's batch of that number.
    Batch(u64, Delivery),
}

impl Upset {
    /// Puts it into the local cloud.
    pub fn arm(self, numbered: &mut Numbered) {
        match self {
            Self::Call(number, kind) => {
                numbered.calls.insert(number, kind.fate());
            }
            Self::Event(number, delivery) => {
                numbered.events.insert(number, delivery.fate());
            }
            Self::Batch(number, delivery) => {
                numbered.batches.insert(number, delivery.fate());
            }
        }
    }
}

impl fmt::Display for Upset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(number, kind) => write!(f, "{number}/{}", kind.name()),
            Self::Event(number, delivery) => write!(f, "event-{number}/{}", delivery.name()),
            Self::Batch(number, delivery) => write!(f, "batch-{number}/{}", delivery.name()),
        }
    }
}

/// A whole run in one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script {
    /// Case.
    pub case: Case,
    /// What goes wrong, none for a clean run.
    pub upsets: Vec<Upset>,
}

impl Script {
    /// A run in which all goes well.
    pub const fn clean(case: Case) -> Self {
        Self {
            case,
            upsets: Vec::new(),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.case)?;
        for (index, upset) in self.upsets.iter().enumerate() {
            write!(f, "{}{upset}", if index == 0 { "/" } else { "," })?;
        }
        Ok(())
    }
}

/// A line that is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read script `{0}`: it looks like canary+alarm/17/lose-reply,29/kill-before")]
pub struct BadScript(String);

impl FromStr for Script {
    type Err = BadScript;

    fn from_str(text: &str) -> Result<Self, BadScript> {
        let bad = || BadScript(text.to_owned());
        let (case, upsets) = text.split_once('/').unwrap_or((text, ""));
        let (strategy, way) = match case.strip_suffix("+alarm") {
            Some(strategy) => (strategy, Way::Back),
            None => (case, Way::Forward),
        };
        let strategy = Strategy::of(strategy).ok_or_else(bad)?;
        let upsets = upsets.split(',').filter(|part| !part.is_empty());
        let upsets: Option<Vec<Upset>> = upsets.map(upset).collect();
        Ok(Self {
            case: Case { strategy, way },
            upsets: upsets.ok_or_else(bad)?,
        })
    }
}

fn upset(text: &str) -> Option<Upset> {
    let (place, what) = text.split_once('/')?;
    let delivery = || Delivery::ALL.into_iter().find(|delivery| delivery.name() == what);
    if let Some(number) = place.strip_prefix("event-") {
        return Some(Upset::Event(number.parse().ok()?, delivery()?));
    }
    if let Some(number) = place.strip_prefix("batch-") {
        return Some(Upset::Batch(number.parse().ok()?, delivery()?));
    }
    let kinds = Kind::ALL.into_iter().chain([Kind::Ghost]);
    let kind = kinds.into_iter().find(|kind| kind.name() == what)?;
    Some(Upset::Call(place.parse().ok()?, kind))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_script_reads_as_it_is_written() {
        for text in [
            "canary",
            "canary+alarm/17/lose-reply",
            "tasks/3/stall,9/kill-after",
            "linear+alarm/event-1/drop,batch-4/double",
            "rolling/event-0/overtake",
        ] {
            assert_eq!(text.parse::<Script>().unwrap().to_string(), text);
        }
        for text in ["", "blue", "canary/x/stall", "canary/1", "canary/1/explode"] {
            assert!(text.parse::<Script>().is_err(), "{text}");
        }
    }
}
