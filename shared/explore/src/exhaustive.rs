//! Every interleaving of a small setting, by the model checker stateright.
//!
//! A state is a whole [`World`]; what may happen next is chosen: any function's next call, the
//! earliest timer, anything from outside that has not happened yet, or the death of a function. Time
//! moves only with timers; so many functions may be held up while it does, as long as their timeout
//! lets them. States are told apart by what the functions and AWS can see of them, not by their history;
//! rules of the checker that look at histories therefore see the first way to each state only.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stateright::{Checker, Model, Property};
use tidegate_core::deployment::Deployment;

use crate::function::{Job, Op};
use crate::machine::{At, Lane, Task};
use crate::plant::Plant;
use crate::script::{Delivery, Image, Script, Stimulus, What};
use crate::setting::{Ms, Setting, SettingError};
use crate::verdict::Depth;
use crate::world::{Tick, World};

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// A function makes its next call.
    Call(u32),
    /// A function dies before its next call.
    Die(u32),
    /// A function is held up before a call that changes something.
    Hold(u32),
    /// Something from outside happens now.
    Outside(usize),
    /// Time moves to the earliest timer.
    Time,
}

/// A state of the exploration.
#[derive(Debug, Clone)]
pub struct State {
    world: World,
    /// Deaths that are left.
    deaths: u8,
    /// A function is still to be held up before the change of this number.
    hold_at: Option<u32>,
    /// Changes that were made, as long as that matters.
    changes: u32,
    /// The function that is held up, and since when.
    held: Option<(u32, Ms)>,
    /// What is broken here.
    broken: Option<String>,
    over: bool,
}

/// A small setting, with what may happen in it.
#[derive(Debug, Clone)]
pub struct Small {
    setting: Arc<Setting>,
    script: Arc<Script>,
    deaths: u8,
    /// Of how many changes each one is held up, in an exploration of its own.
    holds: u32,
    hold_at: Option<u32>,
    plant: Option<Plant>,
    deadline: Option<Instant>,
}

/// Short, with one step below everything.
const FILE: &str = "\
environment: production
strategy: canary
replicas: 1
trigger: {onNewerPush: supersede}
canary:
  steps:
    - {weight: 50, pause: 1m}
    - weight: 100
autoRollback:
  alarms: [web-production-errors]
  window: 1m
";

/// Everything from outside has come by then.
const PATIENCE_MS: i64 = 8 * 60_000;

const PROMPT: Delivery = Delivery {
    copies: 1,
    late_ms: 0,
};

impl Small {
    /// The small setting of a name: `calm` (one push, one death), `alarm` (one push, an alarm and a
    /// zombie), `person` (one push, a person who stops it, and a zombie), `pushes` (two pushes and a
    /// zombie), `zombie` (two pushes, an alarm, a person and a zombie), `all` (that and a death).
    ///
    /// # Errors
    /// Never for the file above, as a test shows.
    pub fn named(name: &str, plant: Option<Plant>) -> Result<Self, SettingError> {
        let push = |image| What::Push {
            image,
            delivery: PROMPT,
        };
        let alarm = What::Alarm { delivery: PROMPT };
        let (what, deaths, holds): (&[What], u8, u32) = match name {
            "calm" => (&[push(1)], 1, 0),
            "alarm" => (&[push(1), alarm], 0, 32),
            "person" => (&[push(1), What::Abort], 0, 32),
            "pushes" => (&[push(1), push(2)], 0, 48),
            "zombie" => (&[push(1), push(2), alarm, What::Abort], 0, 48),
            _ => (&[push(1), push(2), alarm, What::Abort], 1, 48),
        };
        let image = Image {
            startup_ms: Some(10_000),
            ..Image::GOOD
        };
        let mut script = Script::calm();
        script.images = vec![image; script.images.len()];
        script.stimuli = what.iter().map(|what| Stimulus { at: 0, what: *what }).collect();
        Ok(Self {
            setting: Arc::new(Setting::parse("small", FILE, true)?),
            script: Arc::new(script),
            deaths,
            holds,
            hold_at: None,
            plant,
            deadline: None,
        })
    }

    /// What happens on a way.
    fn retell(&self, way: Vec<Choice>) -> Vec<String> {
        let Some(mut state) = self.init_states().pop() else {
            return Vec::new();
        };
        state.world.trace = Some(Vec::new());
        for choice in way {
            if let Choice::Die(id) = choice {
                state.world.tell(|| format!("function {id} dies"));
            }
            match self.next_state(&state, choice) {
                Some(next) => state = next,
                None => break,
            }
        }
        state.world.trace.unwrap_or_default()
    }

    fn is_late(&self) -> bool {
        #[expect(
            clippy::disallowed_methods,
            reason = "the exploration is bounded in real time"
        )]
        let now = Instant::now();
        self.deadline.is_some_and(|deadline| now >= deadline)
    }
}

impl Model for Small {
    type State = State;
    type Action = Choice;

    fn init_states(&self) -> Vec<State> {
        let mut world = World::new(&self.setting, &self.script, self.plant);
        world.chosen = true;
        vec![State {
            world,
            deaths: self.deaths,
            hold_at: self.hold_at,
            changes: 0,
            held: None,
            broken: None,
            over: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Choice>) {
        if state.over || state.broken.is_some() {
            return;
        }
        let mut idle = true;
        for timer in &state.world.timers {
            match timer.tick {
                Tick::Call(id) => {
                    idle &= state.is_held(id);
                    state.choices(id, actions);
                }
                Tick::Stimulus(index) => {
                    // The first push comes first: before it there is nothing to interleave with.
                    if index == 0 || !has_first(&state.world) {
                        actions.push(Choice::Outside(index));
                    }
                }
                Tick::PushEvent { .. }
                | Tick::AlarmEvent { .. }
                | Tick::TestEvent { .. }
                | Tick::Contract
                | Tick::Kill(_)
                | Tick::Bury(_)
                | Tick::Machine { .. }
                | Tick::Sweep
                | Tick::Notice { .. } => {}
            }
        }
        // What comes from outside comes within this time: waiting longer for it shows nothing new.
        let patience = state.world.now < PATIENCE_MS
            || position(&state.world, |tick| matches!(tick, Tick::Stimulus(_))).is_none();
        if idle && patience && !has_first(&state.world) {
            actions.push(Choice::Time);
        }
    }

    fn next_state(&self, state: &State, action: Choice) -> Option<State> {
        let mut next = state.clone();
        let world = &mut next.world;
        let timer = match action {
            Choice::Hold(id) => {
                next.hold_at = None;
                next.held = Some((id, world.now));
                return Some(next);
            }
            Choice::Call(id) | Choice::Die(id) => position(world, |tick| tick == Tick::Call(id))?,
            Choice::Outside(index) => position(world, |tick| tick == Tick::Stimulus(index))?,
            Choice::Time => earliest_timer(world)?,
        };
        let timer = world.timers.swap_remove(timer);
        if let Choice::Die(id) = action {
            next.deaths -= 1;
            let at = world.running.iter().position(|one| one.id == id)?;
            let one = world.running.remove(at);
            world.hand_back(id, one.caller, &one.job, Err(crate::machine::Failure::LAMBDA));
        } else {
            if let Choice::Call(id) = action {
                next.changes += u32::from(state.is_before_change(id));
                next.held = state.held.filter(|(held, _)| *held != id);
            }
            world.fire(timer);
            if matches!(action, Choice::Outside(_)) {
                deliver(world);
            }
        }
        forget_the_dead(world);
        next.over = next.world.now > 4 * 3_600_000 || next.world.is_quiet();
        next.look();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is broken", |_, state: &State| state.broken.is_none()),
            Property::sometimes("a deployment completes", |_, state: &State| {
                state.over && state.ends_as("Completed")
            }),
            Property::sometimes("a deployment is rolled back", |_, state: &State| {
                state.ends_as("RolledBack")
            }),
            Property::sometimes("a zombie writes", |_, state: &State| state.world.counts.late > 0),
            Property::sometimes("a zombie sets weights in a rollback", |_, state: &State| {
                state.zombie_in_rollback()
            }),
            Property::sometimes("a second deployment completes", |_, state: &State| {
                let second = state.world.store.heads.get(1);
                second.is_some_and(|head| ends_as(&head.deployment, "Completed"))
            }),
        ]
    }

    fn within_boundary(&self, _: &State) -> bool {
        !self.is_late()
    }
}

/// Whether the first push has not come yet.
fn has_first(world: &World) -> bool {
    world.timers.iter().any(|timer| timer.tick == Tick::Stimulus(0))
}

fn position(world: &World, wanted: impl Fn(Tick) -> bool) -> Option<usize> {
    world.timers.iter().position(|timer| wanted(timer.tick))
}

/// The earliest timer that is neither a function's call nor from outside.
fn earliest_timer(world: &World) -> Option<usize> {
    let due = world.timers.iter().enumerate();
    due.filter(|(_, timer)| !matches!(timer.tick, Tick::Call(_) | Tick::Stimulus(_)))
        .min_by_key(|(_, timer)| (timer.at, timer.order))
        .map(|(index, _)| index)
}

/// Events come at once: what they start can still be later than everything else.
fn deliver(world: &mut World) {
    let event = |tick| {
        matches!(
            tick,
            Tick::PushEvent { .. } | Tick::AlarmEvent { .. } | Tick::TestEvent { .. }
        )
    };
    while let Some(at) = position(world, event) {
        let timer = world.timers.swap_remove(at);
        world.fire(timer);
    }
}

/// Timers of functions that are gone, and of waits that are over, make no difference any more.
fn forget_the_dead(world: &mut World) {
    let running: Vec<u32> = world.running.iter().map(|one| one.id).collect();
    world.timers.retain(|timer| match timer.tick {
        Tick::Call(id) | Tick::Kill(id) | Tick::Bury(id) => running.contains(&id),
        _ => true,
    });
}

impl State {
    /// What a function may do now. One is held up before what changes something: held up before it
    /// reads, it would see what is there when it goes on, as one that starts then does.
    fn choices(&self, id: u32, actions: &mut Vec<Choice>) {
        if self.hold_at == Some(self.changes) && self.is_before_change(id) {
            return actions.push(Choice::Hold(id));
        }
        // Held up, it goes on when some time has passed.
        if self
            .held
            .is_none_or(|(held, since)| held != id || since < self.world.now)
        {
            actions.push(Choice::Call(id));
        }
        if self.deaths > 0 {
            actions.push(Choice::Die(id));
        }
    }

    fn is_held(&self, id: u32) -> bool {
        self.held.is_some_and(|(held, _)| held == id)
    }

    fn is_before_change(&self, id: u32) -> bool {
        let one = self.world.running.iter().find(|one| one.id == id);
        one.is_some_and(|one| one.ops.last().is_some_and(Op::changes))
    }

    fn ends_as(&self, exit: &str) -> bool {
        self.world
            .store
            .heads
            .iter()
            .any(|head| ends_as(&head.deployment, exit))
    }

    /// The rule was at rest, a rollback goes on, and the candidate has weight again.
    fn zombie_in_rollback(&self) -> bool {
        self.world.counts.late > 0
            && self.world.store.heads.iter().any(|head| {
                let returned = head
                    .deployment
                    .rollback
                    .as_ref()
                    .is_some_and(|one| one.traffic_back_at.is_some() && one.reasserted_at.is_none());
                let weight = self.world.candidate_weight(head.deployment.plan.as_deref());
                returned && head.deployment.active() && weight.is_some_and(|weight| weight > 0)
            })
    }

    fn look(&mut self) {
        if let Some((invariant, what)) = self.world.broken.first() {
            self.broken = Some(format!("invariant {invariant}: {what}"));
        } else if self.over {
            let found = self.world.verdict(Depth::Unhashed, true);
            // Here everything between two timers happens at one instant, so 9 can't tell an alarm that
            // fired before it was read from one that fired after.
            let first = found.iter().find(|one| one.invariant != 9);
            self.broken = first.map(ToString::to_string);
        }
    }
}

fn ends_as(deployment: &Deployment, exit: &str) -> bool {
    deployment
        .exit
        .as_ref()
        .is_some_and(|one| one.state.as_str() == exit)
}

/// Hashes text without keeping it.
struct Text<'a, H>(&'a mut H);

impl<H: Hasher> Write for Text<'_, H> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// Numbers that were given out, by rank: which one was given first matters, how many came between
/// does not.
struct Ranks(Vec<u32>);

impl Ranks {
    fn of(world: &World) -> Self {
        let mut numbers: Vec<u32> = world.running.iter().map(|one| one.id).collect();
        numbers.extend(world.store.tokens.iter().map(|(_, _, token)| *token));
        numbers.extend(&world.store.seen);
        for timer in &world.timers {
            match timer.tick {
                Tick::Machine { stamp, .. } => numbers.push(stamp),
                Tick::PushEvent { event, .. } => numbers.push(event),
                _ => {}
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    fn rank(&self, number: u32) -> Result<usize, bool> {
        self.0.binary_search(&number).map_err(|_| number == 0)
    }

    fn task(&self, task: Task) -> impl Hash {
        (self.rank(task.function), task.tries, self.rank(task.stamp))
    }

    fn hash_at<H: Hasher>(&self, at: At, state: &mut H) {
        std::mem::discriminant(&at).hash(state);
        match at {
            At::Plan(task) | At::Record(task) => self.task(task).hash(state),
            At::Lanes(lane, handle) => {
                (self.task(handle.task), self.rank(handle.token), handle.released).hash(state);
                std::mem::discriminant(&lane).hash(state);
                match lane {
                    Lane::Call(phase, task) => (phase, self.task(task)).hash(state),
                    Lane::Wait(phase, stamp) | Lane::UndoWait(phase, stamp) => {
                        (phase, self.rank(stamp)).hash(state);
                    }
                    Lane::Undo(phase, task) => (phase, self.task(task)).hash(state),
                    Lane::Gate(phase, before, task, token, limit) => {
                        (phase, before, self.task(task), self.rank(token), self.rank(limit)).hash(state);
                    }
                    Lane::Done => {}
                }
            }
            At::Child(execution) => execution.hash(state),
            At::Back(step, task) => (step, self.task(task)).hash(state),
            At::BackWait(step, stamp) => (step, self.rank(stamp)).hash(state),
            At::Undo(phase, task) => (phase, self.task(task)).hash(state),
            At::UndoWait(phase, stamp) => (phase, self.rank(stamp)).hash(state),
            At::Over => {}
        }
    }

    fn hash_job<H: Hasher>(&self, job: &Job, state: &mut H) {
        match *job {
            Job::Handle { token } => (0, self.rank(token)).hash(state),
            Job::Gate { before, token } => (1, before, self.rank(token)).hash(state),
            Job::Push { image, event } => (2, image, self.rank(event)).hash(state),
            Job::Plan
            | Job::Phase(_)
            | Job::Undo(_)
            | Job::Rollback { .. }
            | Job::Alarm
            | Job::Hear { .. }
            | Job::Decide { .. }
            | Job::Abort
            | Job::Deploy { .. }
            | Job::TakeBack
            | Job::Due
            | Job::Sweep { .. } => job.hash(state),
        }
    }

    fn hash_tick<H: Hasher>(&self, tick: Tick, state: &mut H) {
        match tick {
            Tick::Call(id) => (0, self.rank(id)).hash(state),
            Tick::Kill(id) => (1, self.rank(id)).hash(state),
            Tick::Bury(id) => (2, self.rank(id)).hash(state),
            Tick::Machine { execution, stamp } => (3, execution, self.rank(stamp)).hash(state),
            Tick::PushEvent {
                image,
                event,
                attempt,
            } => {
                (4, image, self.rank(event), attempt).hash(state);
            }
            Tick::Stimulus(_)
            | Tick::AlarmEvent { .. }
            | Tick::TestEvent { .. }
            | Tick::Contract
            | Tick::Sweep
            | Tick::Notice { .. } => {
                tick.hash(state);
            }
        }
    }

    fn hash_op<H: Hasher>(&self, op: &Op, state: &mut H) {
        match op {
            Op::Succeed(token) | Op::Fail(token) => {
                (op.name().map(|name| name as u8), self.rank(*token)).hash(state)
            }
            // Writing into a hash can't fail.
            other => {
                let _ = write!(Text(state), "{other:?}");
            }
        }
    }
}

impl State {
    fn key(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let world = &self.world;
        let ranks = Ranks::of(world);
        (
            self.deaths,
            self.hold_at.map(|at| (at, self.changes)),
            self.held.map(|(id, since)| (ranks.rank(id), since)),
            self.over,
            self.broken.is_some(),
            world.now,
        )
            .hash(state);
        (world.aws.services, world.aws.weights, world.aws.firing).hash(state);
        (&world.aws.suspended, &world.aws.proposed).hash(state);
        world.aws.parameters.hash(state);
        (&world.aws.flags, &world.aws.flag_versions).hash(state);
        (&world.aws.definitions, &world.aws.suites, world.store.version).hash(state);
        for (of, name, token) in &world.store.tokens {
            (of, name, ranks.rank(*token)).hash(state);
        }
        world.store.seen.len().hash(state);
        for head in &world.store.heads {
            // A head is the fold of its entries, so their kinds and times tell it apart.
            for batch in &head.batches {
                batch.at.as_millisecond().hash(state);
                for event in &batch.events {
                    std::mem::discriminant(event).hash(state);
                }
            }
            head.watches.hash(state);
        }
        for one in &world.executions {
            ranks.hash_at(one.at, state);
            (one.deployment, one.failure, one.parent, one.ended.is_some()).hash(state);
        }
        for one in &world.running {
            ranks.hash_job(&one.job, state);
            (one.caller, one.started, one.rounds, one.hidden()).hash(state);
            for op in &one.ops {
                ranks.hash_op(op, state);
            }
        }
        let mut timers: Vec<_> = world.timers.iter().collect();
        timers.sort_by_key(|timer| (timer.at, timer.order));
        for timer in timers {
            timer.at.hash(state);
            ranks.hash_tick(timer.tick, state);
        }
    }
}

/// What an exploration came to.
#[derive(Debug, Default)]
pub struct Report {
    /// States that were reached.
    pub states: usize,
    /// Different ones.
    pub unique: usize,
    /// The longest way.
    pub depth: usize,
    /// Real time.
    pub seconds: f64,
    /// Explorations of their own: one for each change before which a function is held up.
    pub parts: u32,
    /// In so many of them there was nothing left.
    pub closed: u32,
    /// The way to the first broken state.
    pub broken: Option<String>,
    /// What was reached at least once.
    pub reached: BTreeSet<&'static str>,
}

impl Report {
    fn add(&mut self, part: Self) {
        self.states += part.states;
        self.unique += part.unique;
        self.depth = self.depth.max(part.depth);
        self.seconds += part.seconds;
        self.parts += part.parts;
        self.closed += part.closed;
        self.broken = self.broken.take().or(part.broken);
        self.reached.extend(part.reached);
    }

    /// Nothing is broken.
    pub const fn fine(&self) -> bool {
        self.broken.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.unique as f64 / self.seconds.max(0.001);
        writeln!(
            f,
            "{} states, {} unique, depth {}, {:.0} s, {rate:.0} unique/s, {} of {} parts to closure; reached: {}",
            self.states,
            self.unique,
            self.depth,
            self.seconds,
            self.closed,
            self.parts,
            Vec::from_iter(self.reached.iter().copied()).join(", ")
        )?;
        match &self.broken {
            Some(way) => write!(f, "BROKEN:\n{way}"),
            None => write!(f, "nothing is broken"),
        }
    }
}

/// Explores a small setting until it is closed or the time is over: first without a zombie, then with
/// a function held up before the first change, the second, and so on, each in an exploration of its
/// own that may take its share of the time that is left. `progress` hears after each of them.
///
/// # Errors
/// Never for the names of [`Small::named`].
#[expect(clippy::disallowed_methods, reason = "shares of real time")]
pub fn explore(
    name: &str,
    threads: usize,
    most: Duration,
    mut progress: impl FnMut(&Report),
) -> Result<Report, SettingError> {
    let model = Small::named(name, None)?;
    let began = Instant::now();
    let parts = std::iter::once(None).chain((0..model.holds).map(Some));
    let mut whole = Report::default();
    for (done, hold_at) in parts.enumerate() {
        let left = most.saturating_sub(began.elapsed());
        let shares = model.holds + 1 - u32::try_from(done).unwrap_or(0);
        let part = Small {
            hold_at,
            ..model.clone()
        };
        whole.add(explore_with(part, threads, left / shares.max(1))?);
        progress(&whole);
        if !whole.fine() {
            break;
        }
    }
    Ok(whole)
}

/// Explores a model.
///
/// # Errors
/// None.
#[expect(clippy::disallowed_methods, reason = "rates are measured in real time")]
pub fn explore_with(mut model: Small, threads: usize, most: Duration) -> Result<Report, SettingError> {
    let began = Instant::now();
    model.deadline = began.checked_add(most);
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(stateright::HasDiscoveries::AnyFailures)
        .spawn_dfs()
        .join();
    let seconds = began.elapsed().as_secs_f64();
    let discoveries = checker.discoveries();
    let broken = discoveries.get("nothing is broken").map(|path| {
        let last = path.last_state();
        let mut way = String::new();
        for line in checker.model().retell(path.clone().into_actions()) {
            way.push_str(&line);
            way.push('\n');
        }
        let what = last.broken.clone().unwrap_or_default();
        format!("{way}{what}")
    });
    Ok(Report {
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        seconds,
        parts: 1,
        closed: u32::from(seconds < most.as_secs_f64()),
        broken,
        reached: discoveries
            .keys()
            .copied()
            .filter(|name| *name != "nothing is broken")
            .collect(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Changes of a calm deployment, of which one is the sweep's that stops idle tasks.
    const SWEEP_SCALES_IN: std::ops::Range<u32> = 12..30;

    #[test]
    #[expect(clippy::print_stdout, reason = "figures, with --nocapture")]
    fn no_interleaving_within_the_time_breaks_anything() {
        for name in ["calm", "alarm", "all"] {
            let report = explore(name, 1, Duration::from_secs(4), |_| {}).unwrap();
            println!("{name}: {report}");
            assert!(report.fine(), "{report}");
            assert!(report.unique > 100, "{report}");
        }
    }

    #[test]
    fn a_late_sweep_that_stops_the_next_deployments_tasks_is_found() {
        let broken = SWEEP_SCALES_IN.into_iter().find_map(|at| {
            let late = Small {
                hold_at: Some(at),
                ..Small::named("pushes", Some(Plant::ScalesInLate)).unwrap()
            };
            let report = explore_with(late, 1, Duration::from_secs(3)).unwrap();
            report.broken.filter(|broken| broken.contains("invariant 3:"))
        });
        assert!(broken.is_some());
    }
}
