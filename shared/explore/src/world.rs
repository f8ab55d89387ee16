//! One target on a virtual time line: what is due next, and what happens then.

use std::sync::Arc;

use tidegate_core::event::Event;
use tidegate_core::ids::Epoch;
use tidegate_core::invariants::ORPHAN_BOUND_SECONDS;
use tidegate_core::target::TargetState;

use crate::aws::Aws;
use crate::coverage::Covered;
use crate::function::{Caller, Invocation, Job};
use crate::machine::{Execution, Failure};
use crate::plant::Plant;
use crate::script::{Delivery, Script, What, shown};
use crate::setting::{Ms, Setting, instant, virtual_ms};
use crate::store::Store;
use crate::way_back::{Alarmed, Return};

/// A function is killed so long after its start (`infra/template.yaml`).
pub const FUNCTION_TIMEOUT_MS: Ms = 60_000;

/// A call that was under way then still lands until so much later.
pub const LATE_LANDING_MS: Ms = 12_000;

/// One call of a function takes so long.
const CALL_MS: Ms = 20;

/// The sweep's schedule.
pub const SWEEP_MS: Ms = 60_000;

/// No run takes longer than this; one that does has got stuck.
pub const LONGEST_MS: Ms = 14 * 3_600_000;

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timer {
    /// When.
    pub at: Ms,
    /// In which order, at the same time.
    pub order: u32,
    /// What.
    pub tick: Tick,
}

/// What can be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tick {
    /// Something from outside, by its index in the script.
    Stimulus(usize),
    /// The event of a push comes.
    PushEvent {
        /// Of which image.
        image: usize,
        /// Its id.
        event: u32,
        /// How often its function was started before.
        attempt: u8,
    },
    /// The event of the alarm comes.
    AlarmEvent {
        /// How often its function was started before.
        attempt: u8,
    },
    /// The event of a test's alarm comes.
    TestEvent {
        /// When that was set.
        raised_at: Ms,
        /// How often its function was started before.
        attempt: u8,
    },
    /// The schedule of a contract.
    Contract,
    /// A function makes its next call.
    Call(u32),
    /// A function's time is over.
    Kill(u32),
    /// Nothing of a function can land any more.
    Bury(u32),
    /// A state machine goes on.
    Machine {
        /// Which execution.
        execution: usize,
        /// Which wait or retry of it.
        stamp: u32,
    },
    /// The schedule of the sweep.
    Sweep,
    /// The stream brings an end to whoever tells it.
    Notice {
        /// Which deployment.
        deployment: usize,
        /// Which entry.
        seq: u64,
    },
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Functions that were started.
    pub invocations: u32,
    /// States that were entered.
    pub transitions: u32,
    /// Calls of functions.
    pub calls: u32,
    /// Calls that landed after their function's time was over and its caller had been told so.
    pub late: u32,
    /// Faults that happened, and executions that a person stopped.
    pub faults: u32,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct World {
    /// What does not change.
    pub setting: Arc<Setting>,
    /// What happens from outside.
    pub script: Arc<Script>,
    /// A deliberate break.
    pub plant: Option<Plant>,
    /// Now.
    pub now: Ms,
    /// What is due.
    pub timers: Vec<Timer>,
    /// Next number, for whatever needs one.
    pub number: u32,
    /// The table.
    pub store: Store,
    /// AWS.
    pub aws: Aws,
    /// Executions, oldest first.
    pub executions: Vec<Execution>,
    /// Functions that run.
    pub running: Vec<Arc<Invocation>>,
    /// Ends that were told.
    pub notices: Vec<(usize, u64)>,
    /// Until when an outage lasts.
    pub outage_until: Ms,
    /// How much was done.
    pub counts: Counts,
    /// What was hit.
    pub covered: Covered,
    /// Invariants that were seen broken on the way.
    pub broken: Vec<(u8, String)>,
    /// The alarm that brings traffic back, while it is measured.
    pub alarmed: Option<Alarmed>,
    /// The function whose call, or whose end, is happening.
    pub calling: Option<u32>,
    /// What was measured of it.
    pub returns: Vec<Return>,
    /// One line for each thing that happens, where wanted.
    pub trace: Option<Vec<String>>,
    /// When each call was made, where wanted.
    pub call_times: Option<Vec<Ms>>,
    /// Every function gets its end of time, and calls wait to be chosen: for exhaustive exploration.
    pub chosen: bool,
}

impl World {
    /// A target before anything happens.
    pub fn new(setting: &Arc<Setting>, script: &Arc<Script>, plant: Option<Plant>) -> Self {
        let target = TargetState::new(
            setting.target.clone(),
            setting.spec.clone(),
            setting.spec_hash.clone(),
            instant(-60_000),
        );
        let mut world = Self {
            aws: Aws::new(setting, script),
            store: Store::new(target),
            setting: Arc::clone(setting),
            script: Arc::clone(script),
            plant,
            now: 0,
            timers: Vec::with_capacity(16),
            number: 1,
            executions: Vec::new(),
            running: Vec::new(),
            notices: Vec::new(),
            outage_until: 0,
            counts: Counts::default(),
            covered: Covered::default(),
            broken: Vec::new(),
            alarmed: None,
            calling: None,
            returns: Vec::new(),
            trace: None,
            call_times: None,
            chosen: false,
        };
        for (index, stimulus) in script.stimuli.iter().enumerate() {
            world.at(stimulus.at, Tick::Stimulus(index));
        }
        world.at(SWEEP_MS / 2, Tick::Sweep);
        world
    }

    /// A new number.
    pub const fn next_number(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    /// Makes something due.
    pub fn at(&mut self, at: Ms, tick: Tick) {
        let order = self.next_number();
        self.timers.push(Timer { at, order, tick });
    }

    /// Makes a function's next call due.
    pub fn next_call(&mut self, id: u32) {
        let at = if self.chosen { self.now } else { self.now + CALL_MS };
        self.at(at, Tick::Call(id));
    }

    /// Runs until nothing can happen any more.
    pub fn run(&mut self) {
        while let Some(next) = self.earliest() {
            let timer = self.timers.swap_remove(next);
            if timer.at > LONGEST_MS {
                self.fail(7, "the run did not end".to_owned());
                return;
            }
            self.fire(timer);
            if timer.tick == Tick::Sweep && self.is_quiet() {
                return;
            }
        }
    }

    /// Index of the timer that is due first.
    pub fn earliest(&self) -> Option<usize> {
        let due = self.timers.iter().enumerate();
        due.min_by_key(|(_, timer)| (timer.at, timer.order))
            .map(|(index, _)| index)
    }

    /// Moves time and does what is due.
    pub fn fire(&mut self, timer: Timer) {
        self.now = self.now.max(timer.at);
        self.aws.settle(self.now);
        self.calling = match timer.tick {
            Tick::Call(id) | Tick::Kill(id) => Some(id),
            Tick::Stimulus(_)
            | Tick::PushEvent { .. }
            | Tick::AlarmEvent { .. }
            | Tick::TestEvent { .. }
            | Tick::Contract
            | Tick::Bury(_)
            | Tick::Machine { .. }
            | Tick::Sweep
            | Tick::Notice { .. } => None,
        };
        match timer.tick {
            Tick::Stimulus(index) => self.stimulate(index),
            Tick::PushEvent {
                image,
                event,
                attempt,
            } => {
                self.call(Job::Push { image, event }, Caller::Event { attempt }, None);
            }
            Tick::AlarmEvent { attempt } => {
                let deaf = self.plant == Some(Plant::IgnoresAlarms);
                if !deaf {
                    self.call(Job::Alarm, Caller::Event { attempt }, None);
                }
            }
            Tick::TestEvent { raised_at, attempt } => {
                self.call(Job::Hear { raised_at }, Caller::Event { attempt }, None);
            }
            Tick::Contract => {
                self.call(Job::Due, Caller::Nobody, None);
            }
            Tick::Call(id) => self.make_call(id),
            Tick::Kill(id) => self.kill(id),
            Tick::Bury(id) => self.running.retain(|one| one.id != id),
            Tick::Machine { execution, stamp } => self.machine_goes_on(execution, stamp),
            Tick::Sweep => {
                self.at(self.now + SWEEP_MS, Tick::Sweep);
                if !self.sweep_findings(self.now).is_empty() {
                    self.call(Job::Sweep { skew: 0 }, Caller::Nobody, None);
                }
            }
            Tick::Notice { deployment, seq } => self.notices.push((deployment, seq)),
        }
    }

    /// Nothing runs, nothing waits, and the sweep finds nothing.
    pub fn is_quiet(&self) -> bool {
        let only_sweep = self.timers.iter().all(|timer| timer.tick == Tick::Sweep);
        let idle = self.running.is_empty() && self.executions.iter().all(|one| one.ended.is_some());
        let warm = self
            .store
            .target
            .stable
            .as_ref()
            .is_some_and(|stable| !stable.other_scaled_in && instant(self.now) < stable.warm_until);
        let target = &self.store.target;
        let asked_later = target.contract.as_ref().is_some_and(|one| one.tried.is_none());
        only_sweep
            && idle
            && !warm
            && target.watching.is_empty()
            && !asked_later
            && self.aws.next_change().is_none()
            && self.sweep_findings(self.now).is_empty()
            && self.store.target.lock.as_ref().is_none_or(|lock| {
                // A break may keep it for ever; a deployment that was just admitted is not kept, its
                // execution is still to be started.
                let age = self.now - virtual_ms(lock.since);
                self.plant.is_some() && age > ORPHAN_BOUND_SECONDS * 1000
            })
    }

    fn stimulate(&mut self, index: usize) {
        let Some(stimulus) = self.script.stimuli.get(index).copied() else {
            return;
        };
        self.tell(|| stimulus.what.to_string());
        let by_hand = |job| (job, Caller::Nobody);
        let (job, caller) = match stimulus.what {
            What::Push { image, delivery } => return self.pushed(image, delivery),
            What::Alarm { delivery } => return self.alarm_fires(delivery),
            What::AlarmClears => return self.aws.set_alarm(false, self.now),
            What::StopExecution => return self.stop_execution(),
            What::TasksStop => return self.stop_stable(),
            What::Meddle { which } => {
                let setting = Arc::clone(&self.setting);
                return self.aws.meddle(&setting, which.into(), self.now);
            }
            What::Hand { green } => {
                if self.setting.balanced() && self.serving_by_hand(green) {
                    let green = u32::from(green);
                    self.aws.write_weights([100 - green, green], self.now, true);
                }
                return;
            }
            What::Approve { person, stale } => by_hand(Job::Decide {
                person,
                approve: true,
                stale,
            }),
            What::Reject { person } => by_hand(Job::Decide {
                person,
                approve: false,
                stale: false,
            }),
            What::Abort => by_hand(Job::Abort),
            What::Deploy { image, person } => {
                self.registry_has(image);
                by_hand(Job::Deploy { image, person })
            }
            What::TakeBack => by_hand(Job::TakeBack),
            What::Sweep { skew_ms: skew } => by_hand(Job::Sweep { skew }),
        };
        self.call(job, caller, None);
    }

    /// A hand is only modelled while a candidate is being shifted: elsewhere it is the owner's own
    /// business, and the checker would have to guess what was meant.
    fn serving_by_hand(&self, _green: u8) -> bool {
        let active = self.store.heads.iter().find(|head| head.deployment.active());
        active.is_some_and(|head| {
            let deployment = &head.deployment;
            deployment.plan.is_some() && deployment.took_traffic() && deployment.abort.is_none()
        })
    }

    /// Every task of the slot that a running deployment would return to stops, or of the one that serves.
    fn stop_stable(&mut self) {
        // Between a function's look and what it does after it, nobody could know.
        if !self.running.is_empty() {
            return;
        }
        let newest = self.store.heads.last().map(|head| &head.deployment);
        let active = newest.filter(|deployment| deployment.active());
        let returns_to = active
            .and_then(|one| one.plan.as_ref()?.stable.as_ref())
            .map(|one| one.slot);
        let serves = self.store.target.stable.as_ref().map(|one| one.slot);
        let slot = returns_to.or(serves).unwrap_or(tidegate_core::ids::Slot::Blue);
        self.counts.faults += 1;
        let script = Arc::clone(&self.script);
        self.aws
            .stop_tasks(crate::setting::index(slot), &script, self.now);
    }

    fn registry_has(&mut self, image: usize) {
        if !self.aws.pushed.iter().any(|(one, _)| *one == image) {
            self.aws.pushed.push((image, self.now));
        }
    }

    fn pushed(&mut self, image: usize, delivery: Delivery) {
        // A digest has one time in the registry; the newest push is the last.
        self.aws.pushed.retain(|(one, _)| *one != image);
        // The registry's times are whole seconds.
        self.aws
            .pushed
            .push((image, self.now - self.now.rem_euclid(1000)));
        let event = self.next_number();
        for copy in 0..delivery.copies {
            let at = self.now + delivery.late_ms * Ms::from(copy + 1);
            let attempt = 0;
            self.at(
                at,
                Tick::PushEvent {
                    image,
                    event,
                    attempt,
                },
            );
        }
    }

    fn alarm_fires(&mut self, delivery: Delivery) {
        if self.aws.firing {
            return;
        }
        self.aws.set_alarm(true, self.now);
        self.measure_from_here(delivery);
        for copy in 0..delivery.copies {
            let at = self.now + delivery.late_ms * Ms::from(copy + 1);
            self.at(at, Tick::AlarmEvent { attempt: 0 });
        }
    }

    /// Weight of the candidate of a plan, where a rule shares the traffic.
    pub fn candidate_weight(&self, plan: Option<&tidegate_core::deployment::Plan>) -> Option<u32> {
        let plan = plan.filter(|_| self.setting.balanced())?;
        Some(self.aws.weights[crate::setting::index(plan.candidate)])
    }

    /// Starts a function.
    pub fn call(&mut self, job: Job, caller: Caller, deployment: Option<usize>) -> u32 {
        let id = self.next_number();
        self.counts.invocations += 1;
        self.count_on_the_way_back(id, &job, deployment);
        let one = Invocation::new(id, job, caller, deployment, self.now);
        self.running.push(Arc::new(one));
        if self.chosen {
            self.at(self.now + FUNCTION_TIMEOUT_MS, Tick::Kill(id));
            self.at(self.now + FUNCTION_TIMEOUT_MS + LATE_LANDING_MS, Tick::Bury(id));
        }
        self.next_call(id);
        id
    }

    /// The function's time is over: its caller is told, and only a call under way can still land.
    fn kill(&mut self, id: u32) {
        let Some(one) = self.running.iter_mut().find(|one| one.id == id) else {
            return;
        };
        let one = Arc::make_mut(one);
        let caller = std::mem::replace(&mut one.caller, Caller::Nobody);
        let job = one.job.clone();
        self.hand_back(id, caller, &job, Err(Failure::LAMBDA));
    }

    /// Notes an invariant that does not hold.
    pub fn fail(&mut self, invariant: u8, what: String) {
        self.tell(|| format!("VIOLATION of invariant {invariant}: {what}"));
        self.broken.push((invariant, what));
    }

    /// Writes a line of the trace, where there is one.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{} {}", shown(now), line()));
        }
    }

    /// What every write must leave true, looked at after each.
    pub fn look_after_write(&mut self, index: usize) {
        let active = self.store.heads.iter().filter(|head| head.deployment.active());
        if active.count() > 1 {
            self.fail(1, "two deployments are active".to_owned());
        }
        let lock = self.store.target.lock.as_ref();
        let held = lock.and_then(|lock| self.store.find(&lock.deployment));
        let orphan = held.is_some_and(|held| self.store.heads[held].deployment.exit.is_some());
        if orphan {
            self.fail(20, "what holds the target has ended".to_owned());
        }
        let Some(active) = self.store.heads.get(index).map(|head| head.deployment.active()) else {
            return;
        };
        if active && held != Some(index) {
            self.fail(1, "an active deployment does not hold the target".to_owned());
        }
        let head = &self.store.heads[index];
        let Some(batch) = head.batches.last() else {
            return;
        };
        self.covered
            .events(&batch.events, head.deployment.planned_changes());
        let ended = batch
            .events
            .iter()
            .any(|event| matches!(event, Event::Exited { .. }));
        if ended && self.plant != Some(Plant::TellsNobody) {
            let seq = head.deployment.seq;
            self.at(
                self.now + 1000,
                Tick::Notice {
                    deployment: index,
                    seq,
                },
            );
        }
    }

    /// The newest epoch.
    pub fn epoch(&self) -> Epoch {
        self.store.target.epoch
    }
}
