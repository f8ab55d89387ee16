//! The end of a run: the product's own checker on everything that was seen.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::invariants::{
    AlarmReading, Definition, ExecutionSeen, Record, SlotReading, View, Violation, WeightReading, Writer,
    check,
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
        let mut found: Vec<Violation> = self
            .broken
            .iter()
            .map(|(invariant, what)| Violation {
                invariant: *invariant,
                what: what.clone(),
            })
            .collect();
        let seen = check(&self.view(depth, over));
        found.extend(
            seen.into_iter()
                .filter(|one| depth == Depth::Full || one.invariant != 18),
        );
        found
    }

    /// What can be seen of the target.
    pub fn view(&self, depth: Depth, over: bool) -> View {
        View {
            now: instant(self.now),
            over,
            target: (*self.store.target).clone(),
            people: self.setting.people.clone(),
            groups: self.setting.groups.clone(),
            deployments: (0..self.store.heads.len())
                .map(|at| self.record(at, depth))
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
            notices: self.told(),
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

    fn record(&self, at: usize, depth: Depth) -> Record {
        let head = &self.store.heads[at];
        let (journal, hash) = match depth {
            Depth::Full => {
                let (folded, entries) = head.journal();
                (entries, folded.journal_head)
            }
            Depth::Unhashed => (head.entries(), String::new()),
        };
        let mut deployment = (*head.deployment).clone();
        deployment.journal_head = hash;
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

    fn told(&self) -> BTreeSet<String> {
        let id = |(at, seq): &(usize, u64)| {
            let head = &self.store.heads[*at];
            let last = head.batches.last()?;
            MessageId::of(&Entry {
                deployment: head.deployment.id.clone(),
                seq: *seq,
                at: last.at,
                by: String::new(),
                epoch: head.deployment.epoch,
                event: last.events.last()?.clone(),
                previous: String::new(),
                hash: String::new(),
            })
            .as_str()
            .to_owned()
            .into()
        };
        self.notices.iter().filter_map(id).collect()
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
