//! What follows the end of a deployment: its watch, and the contract that it leads to
//! (`functions/sweep/src/handler/{watch,contract}.rs`, `functions/complete`).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::contract::{SCHEDULE_GRACE_SECONDS, Step};
use tidegate_core::deployment::{Deployment, Origin};
use tidegate_core::event::Event;
use tidegate_core::observation::Alarm;
use tidegate_core::spec::OnAlarm;
use tidegate_core::target::{ReversalRefusal, TargetState};
use tidegate_core::watch::{End, Watching, cause_of};

use super::admit::opened;
use super::sweep::Todo;
use super::{After, Flow, Invocation, Next, Op};
use crate::setting::{Ms, instant, virtual_ms};
use crate::store::{Append, Commit};
use crate::world::{Tick, World};

/// What is to be done about a watch.
enum Seen<'a> {
    Ended(End),
    Fired(&'a Watching, Alarm),
}

impl World {
    /// What a sweep finds of what has ended, whose clock shows `now`.
    pub(super) fn look_after(&self, now: Ms) -> Option<Todo> {
        let target = &self.store.target;
        let watches = (0..target.watching.len()).find(|at| self.watched(*at, instant(now)).is_some());
        let grace = SignedDuration::from_secs(SCHEDULE_GRACE_SECONDS);
        let late = || target.contract_step(instant(now).checked_sub(grace).ok()?);
        watches
            .map(Todo::Watch)
            .or_else(|| late().map(|_| Todo::Contract))
    }

    /// What there is to say of a watch.
    fn watched(&self, at: usize, now: Timestamp) -> Option<Seen<'_>> {
        let target = &self.store.target;
        let watching = target.watching.get(at)?;
        if let Some(end) = watching.end(target, now) {
            return Some(Seen::Ended(end));
        }
        let index = self.store.find(&watching.deployment)?;
        let since = watching.since(target);
        let alarms = self.observe_alarms(Some(since));
        let alarm = watching.alarm(&self.store.heads[index].deployment, &alarms, since)?;
        Some(Seen::Fired(watching, alarm.clone()))
    }

    /// Looks after a watch.
    pub(super) fn watch_load(&self, one: &mut Invocation, at: usize) -> Flow {
        let now = one.clock(self.now);
        let held = &self.store.target;
        let index = held
            .watching
            .get(at)
            .and_then(|one| self.store.find(&one.deployment));
        let (Some(index), Some(seen)) = (index, self.watched(at, now)) else {
            return Flow::On;
        };
        let completed = Arc::clone(&self.store.heads[index].deployment);
        let mut target = (**held).clone();
        let event = match seen {
            Seen::Ended(end) => {
                target.watching.remove(at);
                Event::WatchEnded {
                    trend: None,
                    replaced_by: match end {
                        End::Over => None,
                        End::Replaced(by) => Some(by),
                    },
                }
            }
            Seen::Fired(watching, alarm) => {
                let remedy = match watching.acts(held) {
                    OnAlarm::Tell => "take it back".to_owned(),
                    OnAlarm::Rollback => match self.take_back_watched(one, &completed, &alarm) {
                        Ok(()) => return Flow::On,
                        Err(refused) => refused.to_string(),
                    },
                };
                if let Some(watching) = target.watching.get_mut(at) {
                    watching.told.insert(alarm.name.clone());
                    watching.wrote_at = Some(now);
                }
                Event::WatchAlarmed {
                    alarm: alarm.name,
                    fired_at: alarm.fired_at,
                    reason: alarm.reason,
                    remedy,
                }
            }
        };
        self.after_the_end(one, index, event, target);
        Flow::On
    }

    /// Opens the deployment that takes a watched one back; also done where a later sweep does.
    fn take_back_watched(
        &self,
        one: &mut Invocation,
        completed: &Deployment,
        alarm: &Alarm,
    ) -> Result<(), ReversalRefusal> {
        let now = one.clock(self.now);
        let mut target = (*self.store.target).clone();
        let origin = Origin::Watch {
            alarm: alarm.name.clone(),
        };
        let request = match target.reverse(completed, origin, now) {
            Ok(request) => request,
            Err(ReversalRefusal::Busy(_) | ReversalRefusal::Resting(_)) => return Ok(()),
            Err(refused) => return Err(refused),
        };
        one.draft = Some(Box::new(Commit {
            target: Some((self.store.version, target)),
            open: Some(opened(
                request,
                completed.reversal(cause_of(alarm)),
                one.author(),
                now,
            )),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Reverse));
        Ok(())
    }

    /// Writes what was seen of a deployment after its end.
    fn after_the_end(&self, one: &mut Invocation, index: usize, event: Event, target: TargetState) {
        one.draft = Some(Box::new(Commit {
            append: Some(Append {
                index,
                seq: self.store.heads[index].deployment.seq,
                events: vec![event],
                by: one.author().into(),
                at: one.clock(self.now),
            }),
            target: Some((self.store.version, target)),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Ended));
    }

    /// A deployment that has completed has its contract scheduled, once; a schedule that is there already is as
    /// good.
    pub(super) fn schedule(&mut self, one: &mut Invocation) -> Flow {
        let Some(head) = self.store.heads.get(one.deployment) else {
            return Flow::On;
        };
        let deployment = Arc::clone(&head.deployment);
        let contract = self.store.target.contract.clone();
        let Some(contract) = contract.filter(|contract| contract.deployment == deployment.id) else {
            return Flow::On;
        };
        let tick = Tick::Contract;
        if !self.timers.iter().any(|timer| timer.tick == tick) {
            self.at(virtual_ms(contract.due_at).max(self.now), tick);
        }
        let event = Event::ContractScheduled {
            migrations: contract.migrations.clone(),
            due_at: contract.due_at,
            schedule: "contract".to_owned(),
        };
        one.scheduled = Some(Box::new(event));
        one.ops.push(Op::Record);
        Flow::On
    }

    /// Records after the end that a contract was scheduled, once.
    pub(super) fn record_schedule(&self, one: &mut Invocation) -> Flow {
        let (Some(head), Some(event)) = (self.store.heads.get(one.deployment), &one.scheduled) else {
            return Flow::On;
        };
        let known = |batch: &Arc<crate::store::Batch>| batch.events.contains(event);
        if head.batches.iter().any(known) {
            return Flow::On;
        }
        one.draft = Some(Box::new(Commit {
            append: Some(Append {
                index: one.deployment,
                seq: head.deployment.seq,
                events: vec![(**event).clone()],
                by: "complete".into(),
                at: one.clock(self.now),
            }),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Recorded));
        Flow::On
    }

    /// Opens the deployment that makes the outstanding contract, or drops it.
    pub(super) fn contract_load(&self, one: &mut Invocation, told_by_schedule: bool) -> Flow {
        let now = one.clock(self.now);
        let grace = if told_by_schedule {
            0
        } else {
            SCHEDULE_GRACE_SECONDS
        };
        let mut target = (*self.store.target).clone();
        let free = target.lock.is_none() && target.queue.is_none();
        let due = now.checked_sub(SignedDuration::from_secs(grace)).unwrap_or(now);
        let step = target.contract_step(due).filter(|_| free);
        let (Some(step), Some(contract)) = (step, target.contract.clone()) else {
            return Flow::On;
        };
        let Some(index) = self.store.find(&contract.deployment) else {
            return Flow::On;
        };
        let completed = Arc::clone(&self.store.heads[index].deployment);
        match step {
            Step::Drop { reason, remedy } => {
                target.contract = None;
                let event = Event::ContractDropped {
                    migrations: contract.migrations,
                    reason,
                    remedy,
                };
                self.after_the_end(one, index, event, target);
            }
            Step::Open => {
                let origin = Origin::Contract {
                    of: completed.id.clone(),
                };
                let Ok(request) = target.open_contract(&completed, origin, now) else {
                    return Flow::On;
                };
                one.next = Some(Next::Start(request.id.clone()));
                one.draft = Some(Box::new(Commit {
                    target: Some((self.store.version, target)),
                    open: Some(opened(request, Vec::new(), one.author(), now)),
                    ..Commit::default()
                }));
                one.ops.push(Op::Send(After::Next));
            }
        }
        Flow::On
    }
}
