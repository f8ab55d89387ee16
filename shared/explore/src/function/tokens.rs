//! Task tokens: the abort handle, gates, and their release.

use super::{Caller, Flow, Invocation, Job, Op, Output};
use crate::plant::Plant;
use crate::store::TokenName;
use crate::world::World;

use tidegate_core::spec::GatePhase;

impl World {
    /// After the end: the abort handle is released. One that is not registered yet finds the exit.
    pub(super) fn read_handle(&mut self, one: &mut Invocation) -> Flow {
        if let Some(token) = self.store.token(one.deployment, TokenName::Abort) {
            one.ops.push(Op::Succeed(token));
        }
        Flow::On
    }

    pub(super) fn put_token(&mut self, one: &mut Invocation) -> Flow {
        let (name, token) = match one.job {
            Job::Handle { token } => (TokenName::Abort, token),
            Job::Gate { before, token } => (TokenName::of_gate(before), token),
            _ => return Flow::End(Ok(Output::DONE)),
        };
        self.store.tokens.push((one.deployment, name, token));
        if self.script.approves && name != TokenName::Abort {
            for person in 0..self.setting.persons.len() {
                let (approve, stale) = (true, false);
                self.call(
                    Job::Decide {
                        person,
                        approve,
                        stale,
                    },
                    Caller::Nobody,
                    None,
                );
            }
        }
        Flow::On
    }

    /// Looks for a wish, a passed gate or an end that came before the token.
    pub(super) fn look(&mut self, one: &mut Invocation) -> Flow {
        let Some(head) = self.store.heads.get(one.deployment) else {
            return Flow::On;
        };
        let deployment = &head.deployment;
        match one.job {
            Job::Handle { token } if deployment.exit.is_some() => one.ops.push(Op::Succeed(token)),
            Job::Handle { .. } if deployment.abort.is_some() => one.ops.push(Op::Tell(one.deployment)),
            Job::Gate { before, token } => {
                let gate = deployment.gates.get(&deployment.asked_at(before));
                let passed = gate.is_some_and(|gate| gate.passed_at.is_some());
                if passed || deployment.exit.is_some() {
                    one.ops.push(Op::Succeed(token));
                }
            }
            _ => {}
        }
        Flow::On
    }

    /// Reads the abort handle's token, to fail it.
    pub(super) fn tell_stop(&mut self, one: &mut Invocation, index: usize) -> Flow {
        if let Some(token) = self.store.token(index, TokenName::Abort) {
            one.ops.push(Op::Fail(token));
        }
        Flow::On
    }

    /// Reads a gate's token, to succeed it.
    pub(super) fn tell_gate(&mut self, one: &mut Invocation, index: usize, before: GatePhase) -> Flow {
        if self.plant == Some(Plant::LostTokenHangs) && matches!(one.job, Job::Sweep { .. }) {
            return Flow::On;
        }
        if let Some(token) = self.store.token(index, TokenName::of_gate(before)) {
            one.ops.push(Op::Succeed(token));
        }
        Flow::On
    }
}
