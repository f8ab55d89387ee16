//! What goes wrong on purpose.

use std::collections::{BTreeMap, VecDeque};

use crate::cloud::changes;
use crate::endpoints::{Call, Fault};

/// Faults that are waiting to happen. Each is used up as it happens.
#[derive(Debug, Default)]
pub struct Faults {
    /// Slack answers 503 while set.
    pub slack_down: bool,
    /// Faults of single calls and deliveries, told by their number.
    pub numbered: Numbered,
    /// Defects that checkers must find.
    pub planted: Planted,
    calls: VecDeque<CallFault>,
    events: VecDeque<EventFault>,
}

/// Faults told by number: with one seed, the calls of functions to AWS come in one order, so that
/// "call 17" means something.
#[derive(Debug, Default)]
pub struct Numbered {
    /// Whether calls and deliveries are counted.
    pub on: bool,
    /// What becomes of the calls of functions, by number from 0.
    pub calls: BTreeMap<u64, CallFate>,
    /// What becomes of the next call of a function to an operation, counted or not.
    pub next: Vec<(&'static str, &'static str, CallFate)>,
    /// What becomes of EventBridge's deliveries, by number from 0.
    pub events: BTreeMap<u64, EventFate>,
    /// What becomes of the stream's batches, by number from 0.
    pub batches: BTreeMap<u64, EventFate>,
    /// Faults that happened so far, in order.
    pub hits: Vec<Hit>,
    /// Calls counted so far, with who made them.
    pub seen: Vec<Site>,
    /// Deliveries of EventBridge counted so far.
    pub events_seen: u64,
    /// Batches of the stream counted so far.
    pub batches_seen: u64,
    throttling: Option<(Site, u32)>,
}

/// Defects that are put in on purpose, to see whether a checker finds what follows from them.
#[derive(Debug, Default)]
pub struct Planted {
    /// The table takes every transaction, whatever its conditions say.
    pub unconditional: bool,
    /// The listener rule takes the candidate's weight again once the rollback scales the candidate in.
    pub rule_returns: bool,
    pub(crate) last_rise: Option<Call>,
}

/// Where in the program a call is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The function.
    pub caller: &'static str,
    /// The operation of AWS.
    pub operation: String,
}

impl Site {
    /// Whether the call only reads: then it makes no difference to anyone but the caller whether it
    /// reached AWS.
    pub fn reads(&self) -> bool {
        !changes(&self.operation)
    }
}

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Number of the call.
    pub number: u64,
    /// Where.
    pub site: Site,
    /// What.
    pub fate: CallFate,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFate {
    /// It is answered.
    Normal,
    /// The function's process dies before the call reaches AWS.
    KillBefore,
    /// The function's process dies after the call took effect.
    KillAfter,
    /// It takes effect, but the connection breaks before the answer.
    LoseReply,
    /// AWS refuses it and the calls of the same kind that follow, so many in all.
    Throttle(u32),
    /// The function stands still until its time limit; the call takes effect just after that.
    Stall,
    /// It gets stuck on its way and takes effect so many seconds later; the caller hears nothing.
    Straggle(u32),
}

impl Numbered {
    /// Counts a call of a function and says what becomes of it.
    pub(crate) fn fate(&mut self, caller: &'static str, operation: &str) -> CallFate {
        let mut next = self.next.iter();
        if let Some(at) = next.position(|(of, to, _)| (*of, *to) == (caller, operation)) {
            return self.next.remove(at).2;
        }
        if !self.on || caller == "outside" {
            return CallFate::Normal;
        }
        let site = Site {
            caller,
            operation: operation.to_owned(),
        };
        let number = self.seen.len() as u64;
        self.seen.push(site.clone());
        if let Some((throttled, left)) = &mut self.throttling
            && *throttled == site
            && *left > 0
        {
            *left -= 1;
            return CallFate::Throttle(1);
        }
        let Some(fate) = self.calls.get(&number).copied() else {
            return CallFate::Normal;
        };
        if let CallFate::Throttle(times) = fate {
            self.throttling = Some((site.clone(), times.saturating_sub(1)));
        }
        self.hits.push(Hit { number, site, fate });
        fate
    }

    /// Counts a batch of the stream and says what becomes of it.
    pub(crate) fn batch(&mut self) -> EventFate {
        if !self.on {
            return EventFate::Normal;
        }
        let number = self.batches_seen;
        self.batches_seen += 1;
        self.batches.get(&number).copied().unwrap_or(EventFate::Normal)
    }

    fn event(&mut self) -> Option<EventFate> {
        if !self.on {
            return None;
        }
        let number = self.events_seen;
        self.events_seen += 1;
        self.events.get(&number).copied()
    }
}

#[derive(Debug)]
struct CallFault {
    operation: String,
    fault: Fault,
    times: u32,
}

#[derive(Debug)]
struct EventFault {
    detail_type: String,
    fate: EventFate,
}

/// What becomes of an EventBridge event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFate {
    /// Delivered once.
    Normal,
    /// Never delivered.
    Dropped,
    /// Delivered twice.
    Doubled,
    /// Delivered so many seconds late.
    Late(u32),
    /// The next one comes first: an event waits for it; a batch comes once more after it.
    Overtaken,
}

impl Faults {
    /// The next `times` calls of that operation fail.
    pub fn fail(&mut self, operation: &str, fault: Fault, times: u32) {
        self.calls.push_back(CallFault {
            operation: operation.to_owned(),
            fault,
            times,
        });
    }

    /// The next event of that detail type fares so.
    pub fn event(&mut self, detail_type: &str, fate: EventFate) {
        self.events.push_back(EventFault {
            detail_type: detail_type.to_owned(),
            fate,
        });
    }

    pub(crate) fn for_call(&mut self, call: &Call) -> Option<Fault> {
        let found = self
            .calls
            .iter_mut()
            .find(|held| held.operation == call.operation && held.times > 0)?;
        found.times -= 1;
        Some(found.fault.clone())
    }

    pub(crate) fn for_event(&mut self, detail_type: &str) -> EventFate {
        if let Some(fate) = self.numbered.event() {
            return fate;
        }
        let found = self
            .events
            .iter()
            .position(|held| held.detail_type == detail_type);
        found
            .and_then(|at| self.events.remove(at))
            .map_or(EventFate::Normal, |held| held.fate)
    }
}
