//! Pushes, wishes to stop and what waits (`shared/lambda/src/{admit,stop,open}.rs`).

use std::sync::Arc;

use tidegate_core::deployment::{Origin, Override, Request};
use tidegate_core::event::Event;
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::DeploymentId;
use tidegate_core::target::{Admission, Push};

use super::{After, Flow, Invocation, Job, Next, Op, Output};
use crate::machine::{Failure, Machine};
use crate::plant::Plant;
use crate::setting::instant;
use crate::store::{Append, Author, Commit, Opening};
use crate::world::World;

impl World {
    /// The push that a function was started for; nothing where the registry does not have it.
    fn push_of(&self, one: &Invocation) -> Option<Push> {
        let (image, origin, overrides) = match one.job {
            Job::Push { image, event } => {
                let event_id = format!("event-{event}");
                (image, Origin::Push { event_id }, Vec::new())
            }
            Job::Deploy { image, person } => {
                let person = self.setting.persons[person].clone();
                let set_aside = |what: &str| Override {
                    what: what.to_owned(),
                    by: person.clone(),
                    reason: "it must be".to_owned(),
                };
                let overrides = vec![set_aside("quarantine")];
                (image, Origin::Person { person }, overrides)
            }
            Job::Sweep { .. } => return self.push_from_registry(self.newest_unseen(self.now + one.skew)?),
            _ => return None,
        };
        self.push(image, origin, overrides)
    }

    /// The push of an image that no event told of.
    pub(super) fn push_from_registry(&self, image: usize) -> Option<Push> {
        let event_id = "sweep".to_owned();
        self.push(image, Origin::Push { event_id }, Vec::new())
    }

    fn push(&self, image: usize, origin: Origin, overrides: Vec<Override>) -> Option<Push> {
        let (_, pushed) = self.aws.pushed.iter().find(|(known, _)| *known == image)?;
        Some(Push {
            repository: self.setting.target.service.to_string(),
            digest: self.setting.digests[image].clone(),
            tag: Some(format!("v{image}")),
            pushed_at: instant(*pushed),
            origin,
            overrides,
        })
    }

    pub(super) fn admit_load(&mut self, one: &mut Invocation) -> Flow {
        let Some(push) = self.push_of(one) else {
            return Flow::End(Ok(Output::DONE));
        };
        let (version, now) = (self.store.version, one.clock(self.now));
        let mut target = (*self.store.target).clone();
        match self.plant {
            Some(Plant::AdmitsWhileLocked) => target.lock = None,
            Some(Plant::TakesOlderPushes) => target.newest = None,
            _ => {}
        }
        let admission = target.admit(push, now);
        let mut draft = Commit {
            unseen: match one.job {
                Job::Push { event, .. } => Some(event),
                _ => None,
            },
            target: Some((version, target)),
            ..Commit::default()
        };
        match admission {
            Admission::Start(request) => {
                one.next = Some(Next::Start(request.id.clone()));
                draft.open = Some(opened(*request, Vec::new(), one.author(), now));
            }
            Admission::Superseding { running, cause } => one.next = Some(Next::Supersede(running, cause)),
            Admission::Queued { .. } => {}
            Admission::Refused(_) => return Flow::On,
        }
        one.draft = Some(Box::new(draft));
        one.ops.push(Op::Send(After::Admit));
        Flow::On
    }

    pub(super) fn follow_admission(&mut self, one: &mut Invocation) {
        match one.next.take() {
            Some(Next::Start(id)) => one.ops.push(Op::Start(id)),
            Some(Next::Supersede(running, cause)) => {
                let Some(index) = self.store.find(&running) else {
                    return;
                };
                if self.plant == Some(Plant::SupersededStays) {
                    return self.abandon(index);
                }
                one.cause = Some(cause);
                one.ops.push(Op::WishLoad(index));
            }
            None => {}
        }
    }

    pub(super) fn next_load(&mut self, one: &mut Invocation) -> Flow {
        let (version, now) = (self.store.version, one.clock(self.now));
        let mut target = (*self.store.target).clone();
        let waited = target.queue.is_some();
        let request = target.next_in_queue(now);
        if request.is_none() && waited == target.queue.is_some() {
            return Flow::On;
        }
        one.next = request.as_ref().map(|request| Next::Start(request.id.clone()));
        one.draft = Some(Box::new(Commit {
            target: Some((version, target)),
            open: request.map(|request| opened(request, Vec::new(), one.author(), now)),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Next));
        Flow::On
    }

    pub(super) fn start(&mut self, id: &DeploymentId, rescue: u32) -> Flow {
        if let Some(index) = self.store.find(id) {
            self.start_execution(index, Machine::Deployment, rescue, Failure::NONE);
        }
        Flow::On
    }

    pub(super) fn start_back(&mut self, id: &DeploymentId, rescue: u32) -> Flow {
        let failure = if rescue > 0 {
            Failure("ExecutionDied")
        } else {
            Failure("AskedFor")
        };
        if let Some(index) = self.store.find(id) {
            self.start_execution(index, Machine::Rollback, rescue, failure);
        }
        Flow::On
    }

    pub(super) fn watchers(&mut self, one: &mut Invocation) -> Flow {
        if matches!(one.job, Job::Hear { .. }) {
            self.test_watchers(one);
            return Flow::On;
        }
        let Some(alarm) = self.setting.alarms.first() else {
            return Flow::On;
        };
        one.cause = Some(AbortCause::AlarmRaised {
            alarm: alarm.clone(),
            raised_at: Some(instant(self.now)),
            reason: "it is too much".to_owned(),
        });
        let aside = format!("alarm:{alarm}");
        let watching = self.store.heads.iter().enumerate().filter(|(_, head)| {
            let deployment = &head.deployment;
            head.watches && deployment.exit.is_none() && !deployment.overrides(&aside)
        });
        one.ops.extend(watching.map(|(index, _)| Op::WishLoad(index)));
        Flow::On
    }

    /// Reads a head, to write the wish to stop into it.
    pub(super) fn wish_load(&mut self, one: &mut Invocation, index: usize) -> Flow {
        let (Some(head), Some(cause)) = (self.store.heads.get(index), &one.cause) else {
            return Flow::On;
        };
        let deployment = Arc::clone(&head.deployment);
        if deployment.exit.is_some() {
            return Flow::On;
        }
        if deployment.abort.is_some() {
            one.ops.push(Op::Tell(index));
            return Flow::On;
        }
        one.draft = Some(Box::new(Commit {
            append: Some(Append {
                index,
                seq: deployment.seq,
                events: vec![Event::AbortRequested { cause: cause.clone() }],
                by: one.author().into(),
                at: one.clock(self.now),
            }),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Wish(index)));
        Flow::On
    }
}

impl Invocation {
    /// Who writes, outside of phases.
    pub(super) const fn author(&self) -> &'static str {
        match self.job {
            Job::Push { .. } => "on-image-push",
            Job::Alarm | Job::Hear { .. } => "on-alarm",
            Job::Sweep { .. } | Job::Due => "sweep",
            _ => "ada",
        }
    }
}

/// A deployment that begins, with its first entry.
pub(super) fn opened(request: Request, more: Vec<Event>, by: &'static str, now: jiff::Timestamp) -> Opening {
    let mut events = vec![Event::DeploymentRequested {
        revision: request.revision.clone(),
        origin: request.origin.clone(),
        epoch: request.epoch,
        overrides: request.overrides.clone(),
    }];
    events.extend(more);
    (request, events, Author::Borrowed(by), now)
}
