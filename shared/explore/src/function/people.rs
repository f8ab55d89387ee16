//! What people do through the `api` function (`functions/api/src/{decide,deploy}.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_core::event::Event;
use tidegate_core::exit::{AbortCause, ExitState};
use tidegate_core::gates::{GateDecision, admit_decision, satisfied};
use tidegate_core::ids::{Person, Role};

use super::admit::opened;
use super::{After, Flow, Invocation, Job, Op, Output};
use crate::plant::Plant;
use crate::store::{Append, Commit};
use crate::world::World;

fn asked_for(by: &Person) -> AbortCause {
    AbortCause::AskedFor {
        by: by.clone(),
        reason: "no reason given".to_owned(),
    }
}

impl World {
    /// Which deployment a person means: the one that runs.
    pub(super) fn aim_abort(&mut self, one: &mut Invocation) {
        one.rounds = 1;
        one.cause = Some(asked_for(&self.setting.persons[0]));
        let running = self.store.heads.iter().position(|head| head.deployment.active());
        one.ops.extend(running.map(Op::WishLoad));
    }

    /// Reads a head and judges a decision at its open gate.
    pub(super) fn decide_load(&mut self, one: &mut Invocation) -> Flow {
        let Job::Decide {
            person,
            approve,
            stale,
        } = one.job
        else {
            return Flow::On;
        };
        let open = self.store.heads.iter().position(|head| head.deployment.active());
        let Some(index) = open else { return Flow::On };
        let head = Arc::clone(&self.store.heads[index].deployment);
        let gate = head.gates.iter().find(|(_, gate)| gate.passed_at.is_none());
        let (Some((before, state)), None) = (gate, &head.abort) else {
            return Flow::On;
        };
        let Some(rule) = head.gate_rule(*before) else {
            return Flow::On;
        };
        let by = self.setting.persons[person].clone();
        let roles: BTreeSet<Role> = self
            .setting
            .people
            .identify(by.as_str())
            .map_or_else(BTreeSet::new, |(_, entry)| entry.roles.clone());
        let plan = if stale {
            &self.setting.other_plan
        } else {
            &state.plan_hash
        };
        let now = one.clock(self.now);
        let authors = head
            .authors()
            .filter(|_| self.plant != Some(Plant::AuthorsApprove));
        let mut lenient = state.clone();
        if self.plant == Some(Plant::AuthorsApprove) {
            lenient.decisions.clear();
        }
        if self.plant == Some(Plant::ApprovalsBindNothing) {
            lenient.plan_hash = plan.clone();
            lenient.expires_at = jiff::Timestamp::MAX;
        }
        let Ok(role) = admit_decision(&rule, Some(&lenient), authors, &by, &roles, plan, now) else {
            return Flow::End(Ok(Output::DONE));
        };
        let decision = GateDecision {
            by: by.clone(),
            role,
            approve,
            reason: String::new(),
            plan_hash: plan.clone(),
            at: now,
        };
        let mut after = state.clone();
        after.decisions.push(decision.clone());
        let mut events = vec![Event::Decided {
            before: *before,
            decision,
        }];
        let refused = self.plant == Some(Plant::RefusalStopsNothing);
        if !approve && refused {
            events.push(Event::GatePassed { before: *before });
        } else if !approve {
            let reason = String::new();
            events.push(Event::AbortRequested {
                cause: AbortCause::Rejected { by, reason },
            });
        } else if satisfied(&rule, &after) {
            events.push(Event::GatePassed { before: *before });
        }
        one.draft = Some(Box::new(Commit {
            append: Some(Append {
                index,
                seq: head.seq,
                events,
                by: self.setting.persons[person].to_string().into(),
                at: now,
            }),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Decide(index)));
        Flow::On
    }

    /// Tells the execution what came of a decision.
    pub(super) fn follow_gate(&mut self, one: &mut Invocation, index: usize) {
        let last = self.store.heads[index].batches.last();
        for event in last.into_iter().flat_map(|batch| batch.events.iter()) {
            match event {
                Event::GatePassed { before } => one.ops.push(Op::TellGate(index, *before)),
                Event::AbortRequested { .. } => one.ops.push(Op::Tell(index)),
                _ => {}
            }
        }
    }

    /// Takes back what runs, or what was completed last.
    pub(super) fn reverse_load(&mut self, one: &mut Invocation) -> Flow {
        let Some(index) = self.store.heads.len().checked_sub(1) else {
            return Flow::On;
        };
        let head = Arc::clone(&self.store.heads[index].deployment);
        let cause = asked_for(&self.setting.persons[1]);
        let Some(exit) = &head.exit else {
            one.cause = Some(cause);
            one.ops.push(Op::WishLoad(index));
            return Flow::On;
        };
        if exit.state != ExitState::Completed {
            return Flow::On;
        }
        let (version, now) = (self.store.version, one.clock(self.now));
        let mut target = (*self.store.target).clone();
        let origin = tidegate_core::deployment::Origin::Person {
            person: self.setting.persons[1].clone(),
        };
        let Ok(request) = target.reverse(&head, origin, now) else {
            return Flow::On;
        };
        let plan = head.plan.clone().map(|plan| Event::Planned { plan });
        let changes = head.changes.clone();
        let taken_over = (!changes.is_empty()).then_some(Event::ChangesTakenOver { changes });
        let more = plan
            .into_iter()
            .chain(taken_over)
            .chain([Event::AbortRequested { cause }])
            .collect();
        one.draft = Some(Box::new(Commit {
            target: Some((version, target)),
            open: Some(opened(request, more, "ben", now)),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Reverse));
        Flow::On
    }

    pub(super) fn follow_reverse(&mut self, one: &mut Invocation) {
        if let Some(head) = self.store.heads.last() {
            one.ops.push(Op::StartBack(head.deployment.id.clone(), 0));
        }
    }
}
