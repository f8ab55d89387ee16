//! Changes that a function looks at before it writes, and the event of a test alarm
//! (`shared/aws/src/change`, `functions/on-alarm`).

use std::sync::Arc;

use tidegate_core::action::Action;
use tidegate_core::change::test_alarm::{TestStep, next_step};
use tidegate_core::change::{Change, Direction, Progress, Work};

use super::{After, Flow, Invocation, Job, Op};
use crate::aws::{Applying, Writing};
use crate::plant::Plant;
use crate::setting::{Ms, instant};
use crate::store::{Append, Commit};
use crate::world::{FUNCTION_TIMEOUT_MS, Tick, World};

impl Invocation {
    /// The change that an action is about.
    fn change_of(&self, at: usize) -> Option<(&Change, Direction)> {
        let (change, direction, _) = self.actions.get(at)?.change()?;
        Some((change, direction))
    }
}

/// Whether whoever makes a change looks at it first.
const fn looks_first(work: &Work) -> bool {
    match work {
        Work::Index { .. } | Work::Monitor { .. } | Work::TestAlarm { .. } => true,
        Work::Run { .. }
        | Work::Verify { .. }
        | Work::Backup { .. }
        | Work::SuspendScaling { .. }
        | Work::SetParameter { .. }
        | Work::SetFlags { .. }
        | Work::Stack { .. }
        | Work::Terraform { .. }
        | Work::Analyze { .. } => false,
    }
}

impl World {
    /// Whether there is nothing to set any more, of a setting that is looked at and set in one go. In the settings
    /// that came first nobody else sets any, and a write that comes late looks at nothing.
    pub(super) fn nothing_to_set(&self, one: &Invocation, at: usize) -> bool {
        let late = self.now - one.started > FUNCTION_TIMEOUT_MS;
        let action = one.actions.get(at).and_then(Action::change);
        let (Some((change, direction, before)), true) = (action, self.setting.seldom && !late) else {
            return false;
        };
        let head = self.store.heads.get(one.deployment);
        let sets = matches!(change.work, Work::SetParameter { .. } | Work::SetFlags { .. });
        let Some(head) = head.filter(|_| sets) else {
            return false;
        };
        let clock = one.clock(self.now);
        let seen = self.change_seen(one.deployment, &head.deployment, (change, before), clock);
        match direction {
            Direction::Make => seen.made != Progress::NotBegun,
            Direction::Undo => seen.undone != Progress::NotBegun,
        }
    }

    /// Looks before it writes, where an action asks for that; false where it does not.
    pub(super) fn looked(&self, one: &mut Invocation, at: usize) -> bool {
        let Some((change, direction)) = one.change_of(at) else {
            return false;
        };
        if !looks_first(&change.work) {
            return false;
        }
        if let Some(writing) = self.to_write(one, change, direction, at) {
            one.ops.push(Op::Write(at, writing));
        }
        true
    }

    /// What is to be written, by what is there now.
    fn to_write(
        &self,
        one: &Invocation,
        change: &Change,
        direction: Direction,
        at: usize,
    ) -> Option<Writing> {
        let deployment = &self.store.heads.get(one.deployment)?.deployment;
        let before = one.actions.get(at).and_then(Action::change)?.2;
        let clock = one.clock(self.now);
        let seen = self.change_seen(one.deployment, deployment, (change, before), clock);
        match (direction, &change.work) {
            (Direction::Make, Work::TestAlarm { .. }) => {
                match next_step(&seen.made, deployment.changes.get(&change.id))? {
                    TestStep::Raise => Some(Writing::Put),
                    TestStep::Delete => Some(Writing::TakeBack),
                }
            }
            // It is deleted, whatever it was for.
            (Direction::Undo, Work::TestAlarm { .. }) => {
                (self.plant != Some(Plant::LeavesTheTestAlarm)).then_some(Writing::TakeBack)
            }
            // Without a record of what was there nothing could be put back.
            (Direction::Make, _) => {
                (seen.made == Progress::NotBegun && before.is_some()).then_some(Writing::Put)
            }
            (Direction::Undo, _) => (seen.undone == Progress::NotBegun).then_some(Writing::TakeBack),
        }
    }

    /// Writes what was right when it was looked at.
    pub(super) fn write(&mut self, one: &Invocation, at: usize, writing: Writing) -> Flow {
        let Some((change, _, before)) = one.actions.get(at).and_then(Action::change) else {
            return Flow::On;
        };
        let applying = Applying {
            setting: &self.setting,
            script: &self.script,
            plant: self.plant,
            deployment: one.deployment,
            maker: self.maker_at(one.deployment),
            image: self.image_at(one.deployment),
            now: self.now,
        };
        self.aws.write(change, before, writing, &applying);
        if matches!((&change.work, writing), (Work::TestAlarm { .. }, Writing::Put)) {
            self.test_alarm_raised(one.deployment);
        }
        Flow::On
    }

    /// Its event comes soon. Of images whose suites fail the first is lost; of those that never start, all.
    fn test_alarm_raised(&mut self, deployment: usize) {
        let raised = self.aws.watchers.raised();
        let image = self.aws.definitions.iter().find(|d| d.by == Some(deployment));
        let image = self.script.images[image.map_or(0, |d| d.image)];
        if image.startup_ms.is_none() || image.suite_code != 0 && raised % 2 == 1 {
            return;
        }
        let (raised_at, attempt) = (self.now, 0);
        self.at(
            self.now + image.suite_ms / 100,
            Tick::TestEvent { raised_at, attempt },
        );
    }

    /// Deployments that watch the alarm of a test.
    pub(super) fn test_watchers(&self, one: &mut Invocation) {
        let watching = self.store.heads.iter().enumerate();
        let watching = watching.filter(|(_, head)| head.watches && head.deployment.test_alarm().is_some());
        one.ops.extend(watching.map(|(index, _)| Op::Hear(index)));
    }

    /// Records that the alarm of a test arrived, once, while its deployment waits for it.
    pub(super) fn hear(&self, one: &mut Invocation, index: usize) -> Flow {
        let (Some(head), Job::Hear { raised_at }) = (self.store.heads.get(index), &one.job) else {
            return Flow::On;
        };
        let deployment = Arc::clone(&head.deployment);
        let raised_at: Ms = *raised_at;
        let heard = deployment.test_alarm().map(str::to_owned);
        let heard = heard.and_then(|alarm| deployment.hears(&alarm, Some(instant(raised_at))));
        let Some(event) = heard else {
            return Flow::On;
        };
        one.draft = Some(Box::new(Commit {
            append: Some(Append {
                index,
                seq: deployment.seq,
                events: vec![event],
                by: one.author().into(),
                at: one.clock(self.now),
            }),
            ..Commit::default()
        }));
        one.ops.push(Op::Send(After::Hear(index)));
        Flow::On
    }
}
