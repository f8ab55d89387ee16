//! The sweep: finds what events missed (`functions/sweep`).

use jiff::SignedDuration;
use tidegate_core::action::Action;
use tidegate_core::decision::QUIESCE_SECONDS;
use tidegate_core::deployment::Kind;
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::Slot;
use tidegate_core::spec::GatePhase;
use tidegate_core::sweep::{self, Finding};
use tidegate_core::target::Admission;
use tidegate_core::wiring::Forward;

use super::{After, Flow, Invocation, Op};
use crate::aws::Applying;
use crate::machine::Machine;
use crate::plant::Plant;
use crate::setting::{Ms, instant, virtual_ms};
use crate::store::{Commit, TokenName};
use crate::world::World;

const START_GRACE_MS: Ms = 20_000;
const MAX_RESCUES: u32 = 20;

/// What the sweep would do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Todo {
    /// Tell the execution of a wish.
    Tell(usize),
    /// Tell the execution of a passed gate.
    TellGate(usize, GatePhase),
    /// Ask it to stop.
    Stop(usize, AbortCause),
    /// Start the execution of a deployment.
    Start(usize),
    /// Start a rollback for one whose execution is gone.
    Rescue(usize, u32),
    /// Start what waits.
    Next,
    /// Scale in what nobody returns to.
    ScaleIn(usize, Slot),
    /// Mark that there is nothing to scale in.
    Mark,
    /// Look after a watch, by its place.
    Watch(usize),
    /// Make the outstanding contract, or drop it.
    Contract,
    /// Admit an image that no event told of.
    Push,
}

impl World {
    /// Everything that a sweep would find whose clock shows `now`.
    pub fn sweep_findings(&self, now: Ms) -> Vec<Todo> {
        let mut found = Vec::new();
        match &self.store.target.lock {
            Some(lock) => {
                let age = now - virtual_ms(lock.since);
                if let Some(index) = self.store.find(&lock.deployment) {
                    self.look_at_running(index, age, now, &mut found);
                }
            }
            None => found.extend(self.look_at_idle(now)),
        }
        if self
            .newest_unseen(now)
            .is_some_and(|image| self.would_take(image, now))
        {
            found.push(Todo::Push);
        }
        found
    }

    /// An image that is refused stays unseen; finding it again each minute changes nothing.
    fn would_take(&self, image: usize, now: Ms) -> bool {
        let mut target = (*self.store.target).clone();
        let admitted = self
            .push_from_registry(image)
            .map(|push| target.admit(push, instant(now)));
        !matches!(admitted, Some(Admission::Refused(_)) | None)
    }

    fn look_at_running(&self, index: usize, age: Ms, now: Ms, found: &mut Vec<Todo>) {
        let deployment = &self.store.heads[index].deployment;
        let machine = match deployment.kind {
            Kind::Forward | Kind::Contract { .. } => Machine::Deployment,
            Kind::Reversal { .. } => Machine::Rollback,
        };
        match self.execution_status(index, machine, 0) {
            Some(true) => self.look_inside(index, now, found),
            None if age < START_GRACE_MS => {}
            None if deployment.rollback.is_none() && !deployment.kind.is_reversal() => {
                found.push(Todo::Start(index));
            }
            None | Some(false) if self.rescues() => {
                for attempt in 1..=MAX_RESCUES {
                    match self.execution_status(index, Machine::Rollback, attempt) {
                        Some(true) => return,
                        Some(false) => {}
                        None => return found.push(Todo::Rescue(index, attempt)),
                    }
                }
            }
            None | Some(false) => {}
        }
    }

    fn rescues(&self) -> bool {
        match self.plant {
            Some(Plant::RescuesNobody) => false,
            // The newer push is thought to see to it.
            Some(Plant::SupersededStays) => self.store.target.queue.is_none(),
            _ => true,
        }
    }

    /// The listener rule, as far as the sweep looks at it.
    fn swept_forward(&self) -> Option<Forward> {
        let forward = self.aws.forward(&self.setting);
        forward.filter(|_| self.plant != Some(Plant::CompletesUnconverged))
    }

    fn look_inside(&self, index: usize, now: Ms, found: &mut Vec<Todo>) {
        let deployment = &self.store.heads[index].deployment;
        if deployment.rollback.is_some() || deployment.exit.is_some() {
            return;
        }
        if deployment.abort.is_some() {
            if self.store.token(index, TokenName::Abort).is_some() {
                found.push(Todo::Tell(index));
            }
            return;
        }
        for (before, gate) in &deployment.gates {
            if gate.passed_at.is_some() && deployment.gate_before(deployment.phase) == Some(*before) {
                found.push(Todo::TellGate(index, *before));
            }
        }
        if deployment.plan.is_none() {
            return;
        }
        let forward = self.swept_forward();
        let alarms = self.observe_alarms(deployment.planned_at);
        let cause = sweep::must_stop(deployment, &alarms, forward.as_ref(), instant(now));
        let hung = self.plant == Some(Plant::LostTokenHangs);
        if let Some(cause) =
            cause.filter(|cause| !hung || !matches!(cause, AbortCause::ApprovalExpired { .. }))
        {
            found.push(Todo::Stop(index, cause));
        }
    }

    fn look_at_idle(&self, now: Ms) -> Option<Todo> {
        let target = &self.store.target;
        if target.queue.is_some() {
            return (self.plant != Some(Plant::QueueWedges)).then_some(Todo::Next);
        }
        if let Some(todo) = self.look_after(now) {
            return Some(todo);
        }
        let id = sweep::window_over(target, instant(now))?;
        let index = self.store.find(&id)?;
        let plan = self.store.heads[index].deployment.plan.as_ref()?;
        let forward = self.swept_forward();
        match sweep::left_over(plan, &self.observe_slots(), forward.as_ref()) {
            Finding::ScaleIn(slot) => Some(Todo::ScaleIn(index, slot)),
            Finding::Nothing => Some(Todo::Mark),
            Finding::Drift(_) => None,
        }
    }

    /// The newest image that no event told of.
    pub(super) fn newest_unseen(&self, now: Ms) -> Option<usize> {
        let target = &self.store.target;
        if !target.spec.auto_deploy {
            return None;
        }
        let since = target
            .newest
            .as_ref()
            .map_or(target.applied_at, |newest| newest.pushed_at);
        let since = virtual_ms(since);
        let newest = target.newest.as_ref().map(|newest| &newest.digest);
        let unseen = self.aws.pushed.iter().filter(|(image, at)| {
            *at >= since && newest.is_none_or(|newest| *newest != self.setting.digests[*image])
        });
        let (image, at) = unseen.max_by_key(|(_, at)| *at)?;
        (now - at >= START_GRACE_MS).then_some(*image)
    }

    pub(super) fn sweep_look(&mut self, one: &mut Invocation) -> Flow {
        for todo in self.sweep_findings(self.now + one.skew).into_iter().rev() {
            self.tell(|| format!("the sweep finds {todo:?}"));
            match todo {
                Todo::Tell(index) => one.ops.push(Op::Tell(index)),
                Todo::TellGate(index, before) => one.ops.push(Op::TellGate(index, before)),
                Todo::Stop(index, cause) => {
                    one.cause = Some(cause);
                    one.ops.push(Op::WishLoad(index));
                }
                Todo::Start(index) => one
                    .ops
                    .push(Op::Start(self.store.heads[index].deployment.id.clone())),
                Todo::Rescue(index, attempt) => {
                    let id = self.store.heads[index].deployment.id.clone();
                    one.ops.push(Op::StartBack(id, attempt));
                }
                Todo::Next => one.ops.push(Op::NextLoad),
                Todo::ScaleIn(index, slot) => one.ops.push(Op::MarkLoad(Some((index, slot)))),
                Todo::Mark => one.ops.push(Op::MarkLoad(None)),
                Todo::Watch(at) => one.ops.push(Op::WatchLoad(at)),
                Todo::Contract => one.ops.push(Op::ContractLoad(false)),
                Todo::Push => one.ops.push(Op::AdmitLoad),
            }
        }
        Flow::On
    }

    /// Persist, then act: a deployment that starts meanwhile makes the write fail. One that starts
    /// after it shifts nothing before a sweep that is held up has had its time.
    pub(super) fn mark_load(&mut self, one: &mut Invocation, which: Option<(usize, Slot)>) -> Flow {
        let mut target = (*self.store.target).clone();
        if let Some(stable) = &mut target.stable {
            stable.other_scaled_in = true;
        }
        if which.is_some() {
            let waited_out = SignedDuration::from_secs(QUIESCE_SECONDS);
            target.tidying_until = one.clock(self.now).checked_add(waited_out).ok();
        }
        one.draft = Some(Box::new(Commit {
            target: Some((self.store.version, target)),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Marked(which)));
        Flow::On
    }

    pub(super) fn scale_in(&mut self, index: usize, slot: Slot) -> Flow {
        let applying = Applying {
            setting: &self.setting,
            script: &self.script,
            plant: self.plant,
            deployment: index,
            maker: self.maker_at(index),
            image: self.image_at(index),
            now: self.now,
        };
        self.aws
            .apply(&Action::SetDesiredCount { slot, desired: 0 }, &applying);
        Flow::On
    }
}
