//! The end of a run: the product's own checker on everything that was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::DeploymentId;
use tidegate_core::invariants::{
    AlarmReading, ChangeRun, Definition, ExecutionSeen, Record, SettingReading, SlotReading, View, Violation,
    WeightReading, Writer, check_where,
};
use tidegate_core::journal::Entry;
use tidegate_core::messages::MessageId;

use crate::aws::ServiceSeen;
use crate::observe::PASSWORD;
use crate::setting::{Ms, index, instant, slot};
use crate::store::{Batch, Head};
use crate::world::World;

/// Which part of the checker is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All invariants; journals are made and their chains verified.
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
        found.extend(over.then(|| self.left_behind()).flatten());
        let skew = self.script.most_skew_ms();
        let chain = |invariant| invariant == 18;
        if skew != 0 && depth == Depth::Full {
            found.extend(check_where(&self.clone().into_view(Depth::Full, over, 0), chain));
        }
        let whole = skew == 0 && depth == Depth::Full;
        let view = self.into_view(if whole { depth } else { Depth::Unhashed }, over, skew);
        found.extend(check_where(&view, |invariant| whole || !chain(invariant)));
        found
    }

    /// What the journal can't tell: whether anything that is there for a while only still is, at the end of
    /// everything.
    fn left_behind(&self) -> Option<Violation> {
        let suspended = self.aws.suspended.first();
        let suspended = suspended.map(|change| format!("{change} is still in force"));
        let test = || {
            let alarm = self.aws.watchers.test();
            alarm.map(|_| "the alarm of a test is still there".to_owned())
        };
        let left = suspended.or_else(test)?;
        let heads = self.store.heads.iter();
        let mut exits = heads.filter_map(|head| head.deployment.exit.as_ref());
        // A person puts it back then.
        let excused = exits.any(|exit| exit.state == ExitState::RollbackFailed);
        (!excused).then(|| Violation {
            invariant: 26,
            what: format!("{left} when all is over"),
        })
    }

    /// What can be seen of the target. Where clocks were off by up to `skew`, times are the true ones,
    /// and what the product can only do by its own clock is allowed for ([`allow`]).
    pub fn into_view(mut self, depth: Depth, over: bool, skew: Ms) -> View {
        let heads = std::mem::take(&mut self.store.heads);
        let notices = told(&heads, &self.notices);
        let ids: Vec<_> = heads.iter().map(|head| head.deployment.id.clone()).collect();
        View {
            now: instant(self.now),
            over,
            people: self.setting.people.clone(),
            groups: self.setting.groups.clone(),
            deployments: heads
                .into_iter()
                .enumerate()
                .map(|(at, head)| self.record(at, head, depth, skew))
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
            runs: self.change_runs(&ids),
            settings: self.setting_readings(),
            secrets: match self.setting.spec.migrations.is_empty() {
                true => Vec::new(),
                false => vec![PASSWORD.to_owned()],
            },
            leaks: Vec::new(),
            notices,
            target: Arc::unwrap_or_clone(self.store.target),
        }
    }

    fn change_runs(&self, ids: &[DeploymentId]) -> Vec<ChangeRun> {
        let runs = self.aws.changes.iter();
        runs.filter_map(|run| {
            Some(ChangeRun {
                at: instant(run.began_at),
                deployment: ids.get(run.deployment)?.clone(),
                change: run.change.clone(),
                direction: run.direction,
                artifact: run.artifact.clone(),
            })
        })
        .collect()
    }

    fn setting_readings(&self) -> Vec<SettingReading> {
        let log = self.aws.settings_log.iter();
        log.map(|set| SettingReading {
            at: instant(set.at),
            name: set.name.clone(),
            value: set.value.clone(),
            by: if set.outside {
                Writer::Outside
            } else {
                Writer::Tidegate
            },
        })
        .collect()
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
        // One that is made is at rest from then on.
        let made = self.setting.made_alarms.iter().flat_map(|name| {
            let log = self.aws.settings_log.iter();
            let of_it = log.filter(move |set| {
                set.name.strip_prefix("alarm:") == Some(name.as_str()) && set.value.is_some()
            });
            of_it.map(move |set| reading(set.at, name, false))
        });
        let first = self.setting.alarms.first().into_iter().flat_map(|name| {
            let log = self.aws.alarm_log.iter();
            log.map(move |(at, firing)| reading(*at, name, *firing))
        });
        quiet.chain(made).chain(first).collect()
    }

    fn record(&self, at: usize, head: Head, depth: Depth, skew: Ms) -> Record {
        let hashed = (depth == Depth::Full).then(|| head.journal());
        let (mut deployment, mut journal) = head.into_entries(skew != 0);
        if let Some((hash, entries)) = hashed {
            (deployment.journal_head, journal) = (hash, entries);
        }
        if skew != 0 {
            allow(skew, &mut deployment, &mut journal);
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

/// Freezes, the time limit of a gate, the window for a rollback and the start of an analysis can only
/// be told by a clock. Where that is off by `skew`, they begin and end so much earlier or later.
fn allow(skew: Ms, deployment: &mut Deployment, journal: &mut [Entry]) {
    let skew = SignedDuration::from_millis(skew);
    for freeze in &mut deployment.spec.freezes {
        freeze.from = freeze.from.saturating_add(skew).unwrap_or(freeze.from);
        freeze.until = freeze.until.saturating_sub(skew).unwrap_or(freeze.until);
    }
    for gate in deployment.gates.values_mut() {
        let limit = gate.expires_at;
        gate.opened_at = gate.opened_at.saturating_sub(skew).unwrap_or(gate.opened_at);
        gate.expires_at = limit.saturating_add(skew * 2).unwrap_or(limit);
    }
    let window = &mut deployment.spec.auto_rollback.window_seconds;
    let off = u32::try_from((skew * 2).as_secs() + 1).unwrap_or(u32::MAX);
    *window = window.saturating_sub(off);
    for entry in journal {
        if let Event::Checked { check, .. } = &mut entry.event {
            check.from = check.from.saturating_add(skew).unwrap_or(check.from);
        }
    }
}

/// Ids of the messages that were told.
fn told(heads: &[Head], notices: &[(usize, u64)]) -> BTreeSet<String> {
    let id = |(at, seq): &(usize, u64)| {
        let head = &heads[*at];
        // What is seen of a deployment after its end comes behind it.
        let ends = |batch: &&Arc<Batch>| matches!(batch.events.last(), Some(Event::Exited { .. }));
        let last = head.batches.iter().rev().find(ends)?;
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
