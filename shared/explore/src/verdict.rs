//! The end of a run: the product's own checker on everything that was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_core::invariants::{
    AlarmReading, Definition, ExecutionSeen, Record, SlotReading, View, Violation, WeightReading, Writer,
    check, check_where,
};
use tidegate_core::journal::Entry;
use tidegate_core::messages::MessageId;

use crate::aws::ServiceSeen;
use crate::setting::{index, instant, slot};
use crate::store::Head;
use crate::world::World;

/// Which part of the checker is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All 24 invariants; journals are made and their chains verified.
    Full,
    /// All but 18, whose hashes cost more than the rest of a run: journals are made without them.
    Unhashed,
}

impl World {
    /// Everything that is broken, `over` where nothing will happen any more.
    pub fn verdict(&self, depth: Depth, over: bool) -> Vec<Violation> {
        self.clone().into_verdict(depth, over)
    }

    /// The same, at the end of a world: nothing is copied.
    pub fn into_verdict(mut self, depth: Depth, over: bool) -> Vec<Violation> {
        let mut found: Vec<Violation> = std::mem::take(&mut self.broken)
            .into_iter()
            .map(|(invariant, what)| Violation { invariant, what })
            .collect();
        let view = self.into_view(depth, over);
        found.extend(match depth {
            Depth::Full => check(&view),
            Depth::Unhashed => check_where(&view, |invariant| invariant != 18),
        });
        found
    }

    /// What can be seen of the target.
    pub fn into_view(mut self, depth: Depth, over: bool) -> View {
        let heads = std::mem::take(&mut self.store.heads);
        let notices = told(&heads, &self.notices);
        View {
            now: instant(self.now),
            over,
            people: self.setting.people.clone(),
            groups: self.setting.groups.clone(),
            deployments: heads
                .into_iter()
                .enumerate()
                .map(|(at, head)| self.record(at, head, depth))
                .collect(),
            weights: self.weight_readings(),
            forward: self.aws.forward(&self.setting),
            slots: self
                .aws
                .services_log
                .iter()
                .map(|seen| self.slot_reading(seen))
                .collect(),
            definitions: self.definitions(),
            alarms: self.alarm_readings(),
            notices,
            target: Arc::unwrap_or_clone(self.store.target),
        }
    }

    fn alarm_readings(&self) -> Vec<AlarmReading> {
        let reading = |at, name: &String, firing| AlarmReading {
            at: instant(at),
            name: name.clone(),
            firing,
        };
        let quiet = self
            .setting
            .alarms
            .iter()
            .skip(1)
            .map(|name| reading(-1, name, false));
        let first = self.setting.alarms.first().into_iter().flat_map(|name| {
            let log = self.aws.alarm_log.iter();
            log.map(move |(at, firing)| reading(*at, name, *firing))
        });
        quiet.chain(first).collect()
    }

    fn record(&self, at: usize, head: Head, depth: Depth) -> Record {
        let hashed = (depth == Depth::Full).then(|| head.journal());
        let (mut deployment, mut journal) = head.into_entries();
        if let Some((hash, entries)) = hashed {
            (deployment.journal_head, journal) = (hash, entries);
        }
        let ours = self.executions.iter().filter(|one| one.deployment == at);
        Record {
            deployment,
            journal,
            executions: ours
                .map(|one| ExecutionSeen {
                    started: instant(one.started),
                    ended: one.ended.map(instant),
                })
                .collect(),
        }
    }

    fn weight_readings(&self) -> Vec<WeightReading> {
        let groups = &self.setting.groups;
        if groups.is_empty() {
            return Vec::new();
        }
        let log = self.aws.weights_log.iter();
        log.map(|set| WeightReading {
            at: instant(set.at),
            weights: groups
                .iter()
                .map(|(slot, name)| (name.clone(), set.weights[index(*slot)]))
                .collect(),
            by: if set.outside {
                Writer::Outside
            } else {
                Writer::Tidegate
            },
        })
        .collect()
    }

    fn slot_reading(&self, seen: &ServiceSeen) -> SlotReading {
        let service = &seen.service;
        let image = |definition: usize| self.aws.definitions.get(definition).map_or(0, |d| d.image);
        let mut digests = BTreeSet::new();
        if service.healthy > 0 {
            digests.insert(self.setting.digests[image(service.definition)].clone());
        }
        if service.old > 0 {
            digests.insert(self.setting.digests[image(service.before)].clone());
        }
        SlotReading {
            at: instant(seen.at),
            slot: slot(seen.slot),
            desired: service.desired,
            healthy: service.healthy + service.old,
            digests,
            task_definition: self.setting.definitions[service.definition].clone(),
        }
    }

    fn definitions(&self) -> BTreeMap<String, Definition> {
        let known = self.aws.definitions.iter().enumerate();
        known
            .map(|(at, definition)| {
                let seen = Definition {
                    digest: Some(self.setting.digests[definition.image].clone()),
                    active: true,
                };
                (self.setting.definitions[at].clone(), seen)
            })
            .collect()
    }

    /// All journals, with their hashes, as text: the same script gives the same bytes.
    pub fn journals(&self) -> String {
        let of = |head: &Head| {
            let (_, entries) = head.journal();
            entries
                .iter()
                // Plain types always serialise.
                .map(|entry| serde_json::to_string(entry).unwrap_or_default())
                .collect::<Vec<_>>()
                .join("\n")
        };
        self.store.heads.iter().map(of).collect::<Vec<_>>().join("\n")
    }
}

/// Ids of the messages that were told.
fn told(heads: &[Head], notices: &[(usize, u64)]) -> BTreeSet<String> {
    let id = |(at, seq): &(usize, u64)| {
        let head = &heads[*at];
        let last = head.batches.last()?;
        let entry = Entry {
            deployment: head.deployment.id.clone(),
            seq: *seq,
            at: last.at,
            by: String::new(),
            epoch: head.deployment.epoch,
            event: last.events.last()?.clone(),
            previous: String::new(),
            hash: String::new(),
        };
        Some(MessageId::of(&entry).as_str().to_owned())
    };
    notices.iter().filter_map(id).collect()
}
