//! What goes wrong on purpose.

use std::collections::VecDeque;

use crate::endpoints::{Call, Fault};

/// Faults that are waiting to happen. Each is used up as it happens.
#[derive(Debug, Default)]
pub struct Faults {
    /// Slack answers 503 while set.
    pub slack_down: bool,
    calls: VecDeque<CallFault>,
    events: VecDeque<EventFault>,
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
        let found = self
            .events
            .iter()
            .position(|held| held.detail_type == detail_type);
        found
            .and_then(|at| self.events.remove(at))
            .map_or(EventFate::Normal, |held| held.fate)
    }
}
