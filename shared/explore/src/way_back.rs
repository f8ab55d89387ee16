//! From an alarm to its traffic: how long that takes, and through how many functions.

use std::fmt;

use tidegate_core::exit::ExitState;

use crate::function::Job;
use crate::script::Delivery;
use crate::setting::Ms;
use crate::world::{SWEEP_MS, World};

/// An event that comes later than this counts as lost.
const PROMPT_MS: Ms = 400;

/// What happened on the way from an alarm to its traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The event came at once, and nothing had gone wrong in the run.
    Prompt,
    /// The event came at once; a function died, was held up, or lost an answer, before or meanwhile.
    Disturbed,
    /// The event was lost, or late, and nothing had gone wrong besides.
    EventLost,
    /// The event was lost, or late, and something else had gone wrong too.
    EventLostDisturbed,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 4] = [
        Self::Prompt,
        Self::EventLost,
        Self::Disturbed,
        Self::EventLostDisturbed,
    ];

    /// How long the traffic may take, milliseconds, and how many functions may be started for it, where
    /// that is bounded: one second and three functions; without the event one sweep interval more.
    pub const fn bound(self) -> Option<(Ms, u32)> {
        match self {
            Self::Prompt => Some((1_000, 3)),
            Self::EventLost => Some((SWEEP_MS + 1_000, u32::MAX)),
            Self::Disturbed | Self::EventLostDisturbed => None,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prompt => "prompt event",
            Self::EventLost => "event lost or late",
            Self::Disturbed => "prompt event, faults besides",
            Self::EventLostDisturbed => "event lost or late, faults besides",
        })
    }
}

/// How long an alarm took to bring the traffic back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return {
    /// From the alarm until stable had everything.
    pub ms: Ms,
    /// Functions on the way: for the alarm's event, for the abort handle and the rollback of this
    /// deployment, and whichever other one led to the rollback. What else runs beside them is not on
    /// the way: other pushes, people, and the rollout that is left behind.
    pub invocations: u32,
    /// States that were entered meanwhile.
    pub transitions: u32,
    /// What else happened meanwhile.
    pub way: Way,
    /// At which step of the shift it came.
    pub step: usize,
}

/// An alarm whose traffic is not back yet.
#[derive(Debug, Clone)]
pub struct Alarmed {
    at: Ms,
    /// Which deployment gives its traffic back.
    deployment: usize,
    event_lost: bool,
    step: usize,
    /// States that had been entered before.
    transitions: u32,
    /// The last number before: what is started from here on has a higher one.
    number: u32,
    /// Functions on the way.
    functions: Vec<u32>,
}

impl World {
    /// Begins to measure, where an alarm that fires now must bring traffic back.
    pub(crate) fn measure_from_here(&mut self, delivery: Delivery) {
        let active = |head: &crate::store::Head| head.deployment.active();
        let Some(index) = self.store.heads.iter().rposition(active) else {
            return;
        };
        let deployment = &self.store.heads[index].deployment;
        let plan = deployment.plan.as_deref();
        // A first deployment has nothing to give its traffic back to: a person is called.
        let returns = plan.is_some_and(|plan| plan.stable.is_some());
        let weight = self.candidate_weight(plan);
        if deployment.abort.is_some() || !returns || weight.is_none_or(|weight| weight == 0) {
            return;
        }
        self.alarmed = Some(Alarmed {
            at: self.now,
            deployment: index,
            event_lost: delivery.copies == 0 || delivery.late_ms > PROMPT_MS,
            step: deployment.shift.step,
            transitions: self.counts.transitions,
            number: self.number,
            functions: Vec::new(),
        });
    }

    /// Counts a function that is started, where it is one that only the way back needs.
    pub(crate) fn count_on_the_way_back(&mut self, id: u32, job: &Job, deployment: Option<usize>) {
        let Some(alarmed) = &mut self.alarmed else {
            return;
        };
        let of_it = deployment == Some(alarmed.deployment);
        let counts = match job {
            Job::Alarm => true,
            Job::Handle { .. } | Job::Rollback { .. } => of_it,
            // These count where they lead to the rollback: `lead_back`.
            Job::Plan
            | Job::Phase(_)
            | Job::Undo(_)
            | Job::Hear { .. }
            | Job::Gate { .. }
            | Job::Push { .. }
            | Job::Decide { .. }
            | Job::Abort
            | Job::Deploy { .. }
            | Job::TakeBack
            | Job::Due
            | Job::Sweep { .. } => false,
        };
        if counts {
            alarmed.functions.push(id);
        }
    }

    /// The rollback of a deployment begins. Whichever function led to it was on the way, if it was
    /// started since the alarm.
    pub(crate) fn lead_back(&mut self, deployment: usize) {
        let (Some(alarmed), Some(id)) = (&mut self.alarmed, self.calling) else {
            return;
        };
        let since = id > alarmed.number;
        if alarmed.deployment == deployment && since && !alarmed.functions.contains(&id) {
            alarmed.functions.push(id);
        }
    }

    /// Notes how long an alarm took, once the traffic is back.
    pub(crate) fn measure_return(&mut self) {
        let Some(alarmed) = &self.alarmed else {
            return;
        };
        let Some(head) = self.store.heads.get(alarmed.deployment) else {
            return;
        };
        let exit = head.deployment.exit.as_ref();
        if exit.is_some_and(|exit| exit.state == ExitState::RollbackFailed) {
            // A person takes over from here, in a time of their own.
            self.alarmed = None;
        } else if self.candidate_weight(head.deployment.plan.as_deref()) == Some(0) {
            self.returns.push(self.returned(alarmed));
            self.alarmed = None;
        }
    }

    fn returned(&self, alarmed: &Alarmed) -> Return {
        Return {
            ms: self.now - alarmed.at,
            invocations: u32::try_from(alarmed.functions.len()).unwrap_or(u32::MAX),
            transitions: self.counts.transitions - alarmed.transitions,
            way: match (alarmed.event_lost, self.counts.faults > 0) {
                (false, false) => Way::Prompt,
                (false, true) => Way::Disturbed,
                (true, false) => Way::EventLost,
                (true, true) => Way::EventLostDisturbed,
            },
            step: alarmed.step,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::script::{Fault, FaultKind, Script, Stimulus, What};
    use crate::setting::all;

    /// In the middle of the first bake of the setting `canary`.
    const BAKING_MS: Ms = 100_000;

    const LOST: Delivery = Delivery {
        copies: 0,
        late_ms: 300,
    };

    /// A calm canary with an alarm in its first bake, and more.
    fn with_alarm(delivery: Delivery, more: impl IntoIterator<Item = Stimulus>) -> Script {
        let mut script = Script::calm();
        script.stimuli.push(Stimulus {
            at: BAKING_MS,
            what: What::Alarm { delivery },
        });
        script.stimuli.extend(more);
        script
    }

    /// What an alarm came to, and how many functions of any kind were started meanwhile.
    fn play(script: Script) -> (Return, u32) {
        let setting = Arc::new(all().unwrap().remove(0));
        let mut world = World::new(&setting, &Arc::new(script), None);
        let mut before = 0;
        while world.returns.is_empty() {
            let next = world.earliest().unwrap();
            let timer = world.timers.swap_remove(next);
            if timer.at <= BAKING_MS {
                before = world.counts.invocations;
            }
            world.fire(timer);
        }
        (world.returns[0], world.counts.invocations - before)
    }

    fn fault_after_alarm(nth: u32, kind: FaultKind) -> Fault {
        let setting = Arc::new(all().unwrap().remove(0));
        let before = crate::aimed::call_times(&setting);
        let call = before.iter().filter(|at| **at < BAKING_MS).count();
        Fault {
            call: u32::try_from(call).unwrap() + nth,
            kind,
        }
    }

    #[test]
    fn an_alarm_takes_its_event_and_one_rollback() {
        let (back, started) = play(with_alarm(Delivery::PROMPT, []));
        assert_eq!((back.invocations, started, back.way), (2, 2, Way::Prompt));
        assert!(back.ms < 1_000, "{back:?}");
    }

    #[test]
    fn what_runs_beside_it_for_something_else_does_not_count() {
        let beside = [2, 3, 4].map(|image| Stimulus {
            at: BAKING_MS + 10,
            what: What::Push {
                image,
                delivery: Delivery::PROMPT,
            },
        });
        let (back, started) = play(with_alarm(Delivery::PROMPT, beside));
        assert_eq!((back.invocations, started, back.way), (2, 5, Way::Prompt));
    }

    #[test]
    fn an_event_that_comes_twice_counts_twice() {
        let delivery = Delivery {
            copies: 2,
            late_ms: 50,
        };
        let (back, started) = play(with_alarm(delivery, []));
        assert_eq!((back.invocations, started), (3, 3));
    }

    #[test]
    fn a_second_attempt_counts() {
        // The first four calls are those of the alarm's function; the next are the rollback's.
        let mut script = with_alarm(Delivery::PROMPT, []);
        script.faults = vec![fault_after_alarm(6, FaultKind::CrashBefore)];
        let (back, started) = play(script);
        assert_eq!((back.invocations, started, back.way), (3, 3, Way::Disturbed));
    }

    #[test]
    fn a_fourth_function_breaks_the_bound() {
        let delivery = Delivery {
            copies: 2,
            late_ms: 50,
        };
        let mut script = with_alarm(delivery, []);
        script.faults = vec![fault_after_alarm(8, FaultKind::CrashBefore)];
        let (back, _) = play(script);
        let (_, most) = Way::Prompt.bound().unwrap();
        assert!(back.invocations > most, "{back:?}");
    }

    #[test]
    fn whoever_brings_it_when_the_event_is_lost_counts() {
        let (back, _) = play(with_alarm(LOST, []));
        assert_eq!((back.invocations, back.way), (2, Way::EventLost), "the sweep");

        let stop = |what| Stimulus {
            at: BAKING_MS + 100,
            what,
        };
        let (back, _) = play(with_alarm(LOST, [stop(What::Abort)]));
        assert_eq!(back.invocations, 2, "a person");
        assert!(back.ms < 1_000, "{back:?}");
    }
}
