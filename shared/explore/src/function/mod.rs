//! The functions as sequences of calls. Between any two calls anything can happen: the function can
//! die, be held up, or lose an answer.
//!
//! The order of calls is that of `functions/*/src/handler.rs` and `shared/lambda/src`.

mod admit;
mod after;
mod look;
mod people;
mod phase;
mod sweep;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tidegate_core::change;
use tidegate_core::decision::Outcome;
use tidegate_core::deployment::{Deployment, Phase};
use tidegate_core::event::Event;
use tidegate_core::exit::{AbortCause, ExitState};
use tidegate_core::ids::{ChangeId, DeploymentId, Slot};
use tidegate_core::observation::{Observation, Question};
use tidegate_core::phases::RollbackStep;
use tidegate_core::spec::{GatePhase, SuiteName};
use tidegate_core::suite::SuiteAnswer;
use tidegate_core::target::TargetState;
use tidegate_core::wiring::Forward;

use crate::aws::Writing;
use crate::machine::Failure;
use crate::plant::Plant;
use crate::script::FaultKind;
use crate::setting::{Ms, instant};
use crate::store::{Commit, Refused};
use crate::world::{FUNCTION_TIMEOUT_MS, LATE_LANDING_MS, Tick, World};

/// What a function is started for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Job {
    /// `plan`.
    Plan,
    /// `prepare`, `shift`, `validate`, `complete`.
    Phase(Phase),
    /// A phase's function, asked to undo what the phase changed.
    Undo(Phase),
    /// `rollback`.
    Rollback {
        /// Which state.
        step: RollbackStep,
        /// What was caught.
        failure: Failure,
    },
    /// `abort-handle`.
    Handle {
        /// To keep.
        token: u32,
    },
    /// `gate`.
    Gate {
        /// Which.
        before: GatePhase,
        /// To keep.
        token: u32,
    },
    /// `on-image-push`.
    Push {
        /// Which image.
        image: usize,
        /// Id of the event.
        event: u32,
    },
    /// `on-alarm`.
    Alarm,
    /// `on-alarm`, for the alarm of a test.
    Hear {
        /// When that was set.
        raised_at: Ms,
    },
    /// `api`: approve or reject.
    Decide {
        /// Who.
        person: usize,
        /// Yes or no.
        approve: bool,
        /// For another plan.
        stale: bool,
    },
    /// `api`: abort.
    Abort,
    /// `api`: deploy.
    Deploy {
        /// Which image.
        image: usize,
        /// Who.
        person: usize,
    },
    /// `api`: rollback.
    TakeBack,
    /// `sweep`, by the schedule of a contract.
    Due,
    /// `sweep`.
    Sweep {
        /// How far its clock is off.
        skew: Ms,
    },
}

/// Who waits for a function's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A state machine.
    Execution(usize),
    /// EventBridge, which tries twice more.
    Event {
        /// How often it was tried before.
        attempt: u8,
    },
    /// Nobody who tries again.
    Nobody,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Head and target, strongly consistent.
    Load,
    /// Links of the alarms that are watched.
    Link,
    /// The listener rule.
    Forward,
    /// Everything else; then the decision.
    Observe,
    /// The prepared commit, and what its end leads to.
    Send(After),
    /// One action, or the look before it.
    Apply(usize),
    /// The write of an action that has looked.
    Write(usize, Writing),
    /// A head, to record that the alarm of a test arrived.
    Hear(usize),
    /// No call: what the state machine is told.
    Answer,
    /// The abort handle's token, to release it.
    ReadHandle,
    /// `SendTaskSuccess`.
    Succeed(u32),
    /// `SendTaskFailure`.
    Fail(u32),
    /// Keeps the token.
    PutToken,
    /// Looks for what came before the token.
    Look,
    /// The target, to admit a push.
    AdmitLoad,
    /// The target, to start what waits.
    NextLoad,
    /// `StartExecution` of a deployment.
    Start(DeploymentId),
    /// `StartExecution` of a rollback.
    StartBack(DeploymentId, u32),
    /// Deployments that watch the alarm.
    Watchers,
    /// A head, to write the wish to stop.
    WishLoad(usize),
    /// The abort handle's token, to fail it.
    Tell(usize),
    /// A head, to decide at its gate.
    DecideLoad,
    /// A gate's token.
    TellGate(usize, GatePhase),
    /// Head and target, to take a completed deployment back.
    ReverseLoad,
    /// Everything that the sweep reads.
    SweepLook,
    /// The target, to mark the other slot as scaled in.
    MarkLoad(Option<(usize, Slot)>),
    /// The sweep scales in.
    ScaleIn(usize, Slot),
    /// A watch, by its place: its deployment and the target, to write what was seen.
    WatchLoad(usize),
    /// The schedule of a contract.
    Schedule,
    /// A head, to record after its end that a contract was scheduled.
    Record,
    /// The outstanding contract, to make it or drop it; whether its own schedule says so.
    ContractLoad(bool),
}

/// Names of calls, for figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in Op")]
pub enum OpName {
    Load,
    Link,
    Forward,
    Observe,
    Send,
    Apply,
    Write,
    Hear,
    ReadHandle,
    Succeed,
    Fail,
    PutToken,
    Look,
    AdmitLoad,
    NextLoad,
    Start,
    StartBack,
    Watchers,
    WishLoad,
    Tell,
    DecideLoad,
    TellGate,
    ReverseLoad,
    SweepLook,
    MarkLoad,
    ScaleIn,
    WatchLoad,
    Schedule,
    Record,
    ContractLoad,
}

impl OpName {
    /// Every kind of call.
    pub const ALL: [Self; 30] = [
        Self::Load,
        Self::Link,
        Self::Forward,
        Self::Observe,
        Self::Send,
        Self::Apply,
        Self::Write,
        Self::Hear,
        Self::ReadHandle,
        Self::Succeed,
        Self::Fail,
        Self::PutToken,
        Self::Look,
        Self::AdmitLoad,
        Self::NextLoad,
        Self::Start,
        Self::StartBack,
        Self::Watchers,
        Self::WishLoad,
        Self::Tell,
        Self::DecideLoad,
        Self::TellGate,
        Self::ReverseLoad,
        Self::SweepLook,
        Self::MarkLoad,
        Self::ScaleIn,
        Self::WatchLoad,
        Self::Schedule,
        Self::Record,
        Self::ContractLoad,
    ];
}

impl Op {
    /// Its kind; nothing for what is no call.
    pub const fn name(&self) -> Option<OpName> {
        Some(match self {
            Self::Load => OpName::Load,
            Self::Link => OpName::Link,
            Self::Forward => OpName::Forward,
            Self::Observe => OpName::Observe,
            Self::Send(_) => OpName::Send,
            Self::Apply(_) => OpName::Apply,
            Self::Write(..) => OpName::Write,
            Self::Hear(_) => OpName::Hear,
            Self::Answer => return None,
            Self::ReadHandle => OpName::ReadHandle,
            Self::Succeed(_) => OpName::Succeed,
            Self::Fail(_) => OpName::Fail,
            Self::PutToken => OpName::PutToken,
            Self::Look => OpName::Look,
            Self::AdmitLoad => OpName::AdmitLoad,
            Self::NextLoad => OpName::NextLoad,
            Self::Start(_) => OpName::Start,
            Self::StartBack(..) => OpName::StartBack,
            Self::Watchers => OpName::Watchers,
            Self::WishLoad(_) => OpName::WishLoad,
            Self::Tell(_) => OpName::Tell,
            Self::DecideLoad => OpName::DecideLoad,
            Self::TellGate(..) => OpName::TellGate,
            Self::ReverseLoad => OpName::ReverseLoad,
            Self::SweepLook => OpName::SweepLook,
            Self::MarkLoad(_) => OpName::MarkLoad,
            Self::ScaleIn(..) => OpName::ScaleIn,
            Self::WatchLoad(_) => OpName::WatchLoad,
            Self::Schedule => OpName::Schedule,
            Self::Record => OpName::Record,
            Self::ContractLoad(_) => OpName::ContractLoad,
        })
    }

    /// Whether it changes something by itself, so that it can land after its function was killed.
    pub const fn changes(&self) -> bool {
        match self {
            Self::Send(_)
            | Self::Apply(_)
            | Self::Write(..)
            | Self::ScaleIn(..)
            | Self::Schedule
            | Self::Start(_)
            | Self::StartBack(..) => true,
            Self::Load
            | Self::Link
            | Self::Forward
            | Self::Observe
            | Self::Hear(_)
            | Self::Answer
            | Self::ReadHandle
            | Self::Succeed(_)
            | Self::Fail(_)
            | Self::PutToken
            | Self::Look
            | Self::AdmitLoad
            | Self::NextLoad
            | Self::Watchers
            | Self::WishLoad(_)
            | Self::Tell(_)
            | Self::DecideLoad
            | Self::TellGate(..)
            | Self::ReverseLoad
            | Self::SweepLook
            | Self::MarkLoad(_)
            | Self::WatchLoad(_)
            | Self::Record
            | Self::ContractLoad(_) => false,
        }
    }
}

/// What a commit was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// A decision of a phase.
    Phase,
    /// The start of a rollback.
    Begin,
    /// A wish to stop.
    Wish(usize),
    /// That the alarm of a test arrived.
    Hear(usize),
    /// An admitted push.
    Admit,
    /// What waited.
    Next,
    /// A person's decision.
    Decide(usize),
    /// A reversal.
    Reverse,
    /// What was seen of a deployment after its end.
    Ended,
    /// That a contract was scheduled.
    Recorded,
    /// The other slot is marked as scaled in.
    Marked(Option<(usize, Slot)>),
}

/// What a state machine matches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Look again later.
    InProgress,
    /// On to the next.
    Done,
    /// People must decide.
    AwaitingApproval,
    /// A requirement is missing.
    Blocked,
    /// The rollback can't do what it must.
    Failed,
}

/// A function's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Output {
    /// Where it stands.
    pub status: Status,
    /// Until the next look.
    pub wait_seconds: u32,
    /// How the deployment ended, where it did.
    pub exit: Option<ExitState>,
    /// Where it is done: what comes next.
    pub next: Option<change::Next>,
}

impl Output {
    const DONE: Self = Self::at_once(Status::Done, None);

    const fn at_once(status: Status, exit: Option<ExitState>) -> Self {
        Self {
            status,
            wait_seconds: 1,
            exit,
            next: None,
        }
    }

    const fn in_progress(seconds: u32) -> Self {
        Self {
            wait_seconds: if seconds == 0 { 1 } else { seconds },
            ..Self::at_once(Status::InProgress, None)
        }
    }
}

/// A deployment and its target, as they were read.
#[derive(Debug, Clone)]
struct Held {
    deployment: Arc<Deployment>,
    target: Arc<TargetState>,
    version: u64,
}

/// A function that runs.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Its number.
    pub id: u32,
    /// What for.
    pub job: Job,
    /// Who waits.
    pub caller: Caller,
    /// Which deployment.
    pub deployment: usize,
    /// Since when.
    pub started: Ms,
    /// Calls that are left; the next one is last.
    pub ops: Vec<Op>,
    /// Rounds of its loop.
    pub rounds: u8,
    skew: Ms,
    /// As it was when the clock was read for the draft.
    drafted_skew: Ms,
    held_up: bool,
    held: Option<Held>,
    /// What was read last, and for which question: good for as long as it did nothing but record.
    read: Option<Arc<(Question, Observation)>>,
    /// The analyzer that was called, and has answered.
    heard: Option<ChangeId>,
    /// What suites that are functions have answered.
    suite_answers: BTreeMap<SuiteName, SuiteAnswer>,
    /// That a contract was scheduled, until it is on record.
    scheduled: Option<Box<Event>>,
    forward: Option<Forward>,
    outcome: Option<Outcome>,
    actions: Vec<tidegate_core::action::Action>,
    gate_left: Option<u32>,
    then: Option<change::Next>,
    quiesced_at: Option<Timestamp>,
    exited: bool,
    draft: Option<Box<Commit>>,
    next: Option<Next>,
    cause: Option<AbortCause>,
}

/// What an admitted push leads to.
#[derive(Debug, Clone)]
enum Next {
    /// Its execution starts.
    Start(DeploymentId),
    /// What runs is asked to stop.
    Supersede(DeploymentId, AbortCause),
}

/// How far a call got.
enum Flow {
    /// The next one follows.
    On,
    /// The function ends.
    End(Result<Output, Failure>),
}

/// How often a lost race is run again, outside of phases.
const TRIES: u8 = 8;

/// The versions that were read, the entry that is drafted, the weights that were seen, and how many
/// actions are left.
pub type Hidden = (
    Option<(u64, u64)>,
    Option<u64>,
    Option<Vec<u32>>,
    usize,
    Option<Seen>,
);

/// What was read: alarms that fire, tasks, weights.
pub type Seen = (usize, Vec<(u32, u32)>, Option<Vec<u32>>);

impl Invocation {
    /// A function that was just started.
    pub fn new(id: u32, job: Job, caller: Caller, deployment: Option<usize>, now: Ms) -> Self {
        let ops = match &job {
            Job::Plan | Job::Phase(_) | Job::Undo(_) | Job::Rollback { .. } => vec![Op::Load],
            Job::Handle { .. } | Job::Gate { .. } => vec![Op::Look, Op::PutToken],
            Job::Push { .. } | Job::Deploy { .. } => vec![Op::AdmitLoad],
            Job::Alarm | Job::Hear { .. } => vec![Op::Watchers],
            Job::Decide { .. } => vec![Op::DecideLoad],
            Job::Abort => Vec::new(),
            Job::TakeBack => vec![Op::ReverseLoad],
            Job::Due => vec![Op::ContractLoad(true)],
            Job::Sweep { .. } => vec![Op::SweepLook],
        };
        let skew = match job {
            Job::Sweep { skew } => skew,
            _ => 0,
        };
        Self {
            id,
            job,
            caller,
            deployment: deployment.unwrap_or(usize::MAX),
            started: now,
            ops,
            rounds: 0,
            skew,
            drafted_skew: skew,
            held_up: false,
            held: None,
            read: None,
            heard: None,
            suite_answers: BTreeMap::new(),
            scheduled: None,
            forward: None,
            outcome: None,
            actions: Vec::new(),
            gate_left: None,
            then: None,
            quiesced_at: None,
            exited: false,
            draft: None,
            next: None,
            cause: None,
        }
    }

    /// Its clock.
    fn clock(&self, now: Ms) -> Timestamp {
        instant(now + self.skew)
    }

    /// What can't be told from its calls that are left: for exhaustive exploration.
    pub fn hidden(&self) -> Hidden {
        let held = self.held.as_ref().map(|held| (held.deployment.seq, held.version));
        let append = self.draft.as_ref().and_then(|draft| draft.append.as_ref());
        let seen = self.forward.as_ref();
        let weights = seen.map(|forward| forward.target_groups.iter().map(|(_, weight)| *weight).collect());
        let read = self.read.as_ref().map(|read| {
            let observation = &read.1;
            let firing = observation.firing().count();
            let slots = observation
                .slots
                .values()
                .map(|slot| (slot.desired, slot.healthy));
            let weights = observation.forward.as_ref().map(|forward| {
                let weights = forward.target_groups.iter().map(|(_, weight)| *weight);
                weights.collect::<Vec<_>>()
            });
            (firing, slots.collect::<Vec<_>>(), weights)
        });
        let append = append.map(|append| append.seq);
        (held, append, weights, self.actions.len(), read)
    }
}

impl World {
    /// A function makes its next call, unless something goes wrong at it.
    pub fn make_call(&mut self, id: u32) {
        let Some(position) = self.running.iter().position(|one| one.id == id) else {
            return;
        };
        let mut shared = self.running.remove(position);
        let one = Arc::make_mut(&mut shared);
        let fault = match one.ops.last() {
            Some(op) if op.name().is_some() && !one.held_up => self.fault_now(op),
            Some(_) | None => None,
        };
        let late = self.now - one.started > FUNCTION_TIMEOUT_MS;
        if late {
            // It was killed meanwhile; whoever waits is told, if that was not done.
            let caller = std::mem::replace(&mut one.caller, Caller::Nobody);
            self.hand_back(id, caller, &one.job, Err(Failure::LAMBDA));
            if one.ops.last().is_none_or(|op| !op.changes()) {
                return;
            }
            self.counts.late += 1;
        }
        one.held_up = false;
        match fault {
            Some(FaultKind::CrashBefore) => {
                return self.hand_back(id, one.caller, &one.job, Err(Failure::LAMBDA));
            }
            Some(FaultKind::Throttled) => {
                return self.hand_back(id, one.caller, &one.job, Err(Failure::THROTTLED));
            }
            Some(FaultKind::Pause { ms }) => {
                self.hold_up(one, ms);
                self.running.insert(position.min(self.running.len()), shared);
                return;
            }
            Some(FaultKind::Skew { ms }) => one.skew = ms,
            Some(FaultKind::CrashAfter | FaultKind::ReplyLost) | None => {}
        }
        let flow = self.perform(one);
        self.measure_return();
        let lost = match fault {
            Some(FaultKind::CrashAfter) => Some(Failure::LAMBDA),
            Some(FaultKind::ReplyLost) => Some(Failure::TRANSIENT),
            _ => None,
        };
        if let Some(failure) = lost {
            return self.hand_back(id, one.caller, &one.job, Err(failure));
        }
        match flow {
            _ if late => {}
            Flow::On => {
                self.running.insert(position.min(self.running.len()), shared);
                self.next_call(id);
            }
            Flow::End(result) => self.hand_back(id, one.caller, &one.job, result),
        }
    }

    fn fault_now(&mut self, op: &Op) -> Option<FaultKind> {
        let call = self.counts.calls;
        self.counts.calls += 1;
        let now = self.now;
        if let Some(times) = &mut self.call_times {
            times.push(now);
        }
        let single = self.script.faults.iter().find(|fault| fault.call == call);
        let fault = single.map(|fault| fault.kind).or_else(|| self.outage_now(call))?;
        self.counts.faults += 1;
        if let Some(name) = op.name() {
            self.covered.fault(fault, name);
        }
        self.tell(|| format!("call {call}: {op:?}: {fault}"));
        Some(fault)
    }

    /// What goes wrong at every call for a while, if this is that while.
    fn outage_now(&mut self, call: u32) -> Option<FaultKind> {
        let outage = self.script.outage?;
        if outage.call == call {
            self.outage_until = self.now + outage.ms;
        }
        (self.now < self.outage_until).then_some(outage.kind)
    }

    /// Past the function's timeout its caller is told that it died; the call can still land.
    fn hold_up(&mut self, one: &mut Invocation, ms: Ms) {
        one.held_up = true;
        let resumed = self.now + ms;
        let end = one.started + FUNCTION_TIMEOUT_MS;
        self.at(resumed.min(end + LATE_LANDING_MS), Tick::Call(one.id));
        if resumed > end {
            self.at(end, Tick::Kill(one.id));
        }
    }

    /// The answer goes to whoever waits for it.
    pub fn hand_back(&mut self, id: u32, caller: Caller, job: &Job, result: Result<Output, Failure>) {
        match caller {
            Caller::Execution(execution) => self.answered(execution, id, result),
            Caller::Event { attempt } if attempt < 2 && result.is_err() => {
                let at = self.now + 60_000 * Ms::from(attempt + 1);
                let attempt = attempt + 1;
                match *job {
                    Job::Push { image, event } => self.at(
                        at,
                        Tick::PushEvent {
                            image,
                            event,
                            attempt,
                        },
                    ),
                    Job::Alarm => self.at(at, Tick::AlarmEvent { attempt }),
                    Job::Hear { raised_at } => self.at(at, Tick::TestEvent { raised_at, attempt }),
                    _ => {}
                }
            }
            Caller::Event { .. } | Caller::Nobody => {}
        }
    }

    fn perform(&mut self, one: &mut Invocation) -> Flow {
        if one.job == Job::Abort && one.rounds == 0 {
            self.aim_abort(one);
        }
        let Some(op) = one.ops.pop() else {
            return Flow::End(Ok(Output::DONE));
        };
        if self.trace.is_some() {
            let (id, of) = (one.id, one.deployment);
            let job = one.job.clone();
            self.tell(|| format!("  function {id} ({job:?}, deployment {of}): {op:?}"));
        }
        if !matches!(op, Op::Send(_)) {
            one.drafted_skew = one.skew;
        }
        let flow = match op {
            Op::Load => self.load(one),
            Op::Link => self.link(one),
            Op::Forward => {
                one.forward = self.aws.forward(&self.setting);
                Flow::On
            }
            Op::Observe => self.observe(one),
            Op::Send(after) => self.send(one, after),
            Op::Apply(index) => self.apply(one, index),
            Op::Write(index, writing) => self.write(one, index, writing),
            Op::Hear(index) => self.hear(one, index),
            Op::Answer => return self.answer(one),
            Op::ReadHandle => self.read_handle(one),
            Op::Succeed(token) => {
                self.use_token(token, true);
                Flow::On
            }
            Op::Fail(token) => {
                self.use_token(token, false);
                Flow::On
            }
            Op::PutToken => self.put_token(one),
            Op::Look => self.look(one),
            Op::AdmitLoad => self.admit_load(one),
            Op::NextLoad => self.next_load(one),
            Op::Start(id) => self.start(&id, 0),
            Op::StartBack(id, rescue) => self.start_back(&id, rescue),
            Op::Watchers => self.watchers(one),
            Op::WishLoad(index) => self.wish_load(one, index),
            Op::Tell(index) => self.tell_stop(one, index),
            Op::DecideLoad => self.decide_load(one),
            Op::TellGate(index, before) => self.tell_gate(one, index, before),
            Op::ReverseLoad => self.reverse_load(one),
            Op::SweepLook => self.sweep_look(one),
            Op::MarkLoad(which) => self.mark_load(one, which),
            Op::ScaleIn(index, slot) => self.scale_in(index, slot),
            Op::WatchLoad(at) => self.watch_load(one, at),
            Op::Schedule => self.schedule(one),
            Op::Record => self.record_schedule(one),
            Op::ContractLoad(by_schedule) => self.contract_load(one, by_schedule),
        };
        match flow {
            // What is left needs no call: it happens at once.
            Flow::On if one.ops.last() == Some(&Op::Answer) || one.ops.is_empty() => self.finish(one),
            flow => flow,
        }
    }

    fn finish(&mut self, one: &mut Invocation) -> Flow {
        match one.ops.pop() {
            Some(_) => self.answer(one),
            None => Flow::End(Ok(Output::DONE)),
        }
    }

    /// Sends the prepared commit.
    fn send(&mut self, one: &mut Invocation, after: After) -> Flow {
        let Some(draft) = one.draft.take() else {
            return Flow::On;
        };
        let written = match (&draft.append, &draft.open) {
            (Some(append), _) => Some(append.index),
            (None, Some(_)) => Some(self.store.heads.len()),
            (None, None) => None,
        };
        let forced = self.plant == Some(Plant::WritesUnconditionally);
        // The reader's own copy is in the way of writing in place.
        let seen = one.held.take().map(|held| (held.target, held.version));
        let sent = self.store.commit(*draft, forced, one.drafted_skew);
        if let Some(index) = written
            && sent.is_ok()
        {
            self.break_journal(index);
            self.tell_entries(index);
            self.look_after_write(index);
        }
        match sent {
            Ok(()) => {
                if let (Some((target, version)), Some(index)) = (seen, written) {
                    // As it was stored just now.
                    let deployment = Arc::clone(&self.store.heads[index].deployment);
                    one.held = Some(Held {
                        deployment,
                        target,
                        version,
                    });
                }
                self.sent(one, after)
            }
            Err(Refused::Conflict) => self.lost_race(one, after),
            Err(Refused::Fenced) => Flow::End(Err(Failure::STALE)),
            Err(Refused::AlreadySeen) => Flow::End(Ok(Output::DONE)),
        }
    }

    fn break_journal(&mut self, index: usize) {
        let number = self.counts.calls;
        let head = &mut self.store.heads[index];
        match self.plant {
            Some(Plant::JournalsApart) if number % 7 == 3 && head.batches.len() > 1 => {
                head.batches.pop();
            }
            Some(Plant::KeepsCounters) => {
                let deployment = Arc::make_mut(&mut head.deployment);
                if deployment.shift.bake.passed == 0 && deployment.shift.step > 0 {
                    deployment.shift.bake.passed = 1;
                }
            }
            _ => {}
        }
    }

    fn tell_entries(&mut self, index: usize) {
        if self.trace.is_none() {
            return;
        }
        let head = &self.store.heads[index];
        let lines: Vec<String> = head
            .batches
            .last()
            .into_iter()
            .flat_map(|batch| batch.events.iter())
            .map(|event| format!("{}: {}", head.deployment.id, event.describe()))
            .collect();
        for line in lines {
            self.tell(|| line);
        }
    }

    fn lost_race(&mut self, one: &mut Invocation, after: After) -> Flow {
        let again = match after {
            After::Phase | After::Begin => Op::Load,
            After::Wish(index) => Op::WishLoad(index),
            After::Hear(index) => Op::Hear(index),
            After::Admit => Op::AdmitLoad,
            After::Decide(_) => Op::DecideLoad,
            After::Reverse if one.job == Job::TakeBack => Op::ReverseLoad,
            After::Recorded => Op::Record,
            // Whoever was first does it, or the next sweep.
            After::Next | After::Reverse | After::Ended | After::Marked(_) => return Flow::On,
        };
        one.rounds += 1;
        one.read = None;
        one.held = None;
        match after {
            After::Phase | After::Begin => return self.next_round(one),
            After::Wish(_)
            | After::Hear(_)
            | After::Admit
            | After::Decide(_)
            | After::Reverse
            | After::Next
            | After::Ended
            | After::Recorded
            | After::Marked(_) => {}
        }
        if one.rounds >= TRIES {
            return Flow::End(Err(Failure::CONFLICT));
        }
        one.ops.push(again);
        Flow::On
    }

    fn sent(&mut self, one: &mut Invocation, after: After) -> Flow {
        match after {
            After::Phase => one.follow_decision(),
            After::Begin => {
                one.rounds += 1;
                one.held = None;
                return self.next_round(one);
            }
            After::Wish(index) => one.ops.push(Op::Tell(index)),
            After::Admit | After::Next => self.follow_admission(one),
            After::Decide(index) => self.follow_gate(one, index),
            After::Reverse => self.follow_reverse(one),
            After::Marked(Some((index, slot))) => one.ops.push(Op::ScaleIn(index, slot)),
            After::Hear(_) | After::Ended | After::Recorded | After::Marked(None) => {}
        }
        Flow::On
    }
}
