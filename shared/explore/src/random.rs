//! Many runs, each from its own seed.

use std::fmt;
use std::sync::Arc;

use tidegate_core::invariants::Violation;

use crate::coverage::Covered;
use crate::plant::Plant;
use crate::script::Script;
use crate::setting::{FIRST, Ms, SECOND, Setting, THIRD};
use crate::verdict::Depth;
use crate::way_back::{Return, Way};
use crate::world::{Counts, World};

/// One run in so many has its journals hashed and their chains verified.
pub const FULL_EVERY: u64 = 64;

/// One run in so many has a setting that has more to do than most: millions of runs play them often enough.
const SELDOM: usize = 32;

/// What many runs came to.
#[derive(Debug, Clone, Default)]
pub struct Campaign {
    /// Runs.
    pub runs: u64,
    /// How much was done in them.
    pub invocations: u64,
    /// Calls of functions.
    pub calls: u64,
    /// What was hit.
    pub covered: Covered,
    /// Alarms and how long they took, with the seeds of their runs.
    pub returns: Vec<(u64, Return)>,
    /// The first run that failed.
    pub failure: Option<Failed>,
}

/// A run that failed.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Its seed.
    pub seed: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
}

/// The setting and the script of a seed.
pub fn drawn(settings: &[Arc<Setting>], seed: u64) -> Option<(Arc<Setting>, Script)> {
    let (first, rest) = settings.split_at(FIRST.min(settings.len()));
    let (second, rest) = rest.split_at(SECOND.min(rest.len()));
    let (third, fourth) = rest.split_at(THIRD.min(rest.len()));
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x7469_6465);
    let mut setting = first.get(rng.usize(0..first.len().max(1)))?;
    // Each from a stream of its own, so that the other seeds keep their setting.
    let later = [
        (second, 0x6c61_7465, FIRST + SECOND),
        (third, 0x6c61_7374, FIRST + SECOND + THIRD),
        (fourth, 0x666f_7572, fourth.len() * SELDOM),
    ];
    for (some, stream, of) in later {
        let mut rng = fastrand::Rng::with_seed(seed ^ stream);
        if let Some(one) = some.get(rng.usize(0..of.max(1))) {
            setting = one;
        }
    }
    Some((Arc::clone(setting), Script::draw(seed, setting)))
}

impl Campaign {
    /// Runs one seed; true where all is well.
    pub fn run(&mut self, settings: &[Arc<Setting>], seed: u64, plant: Option<Plant>) -> bool {
        let Some((setting, script)) = drawn(settings, seed) else {
            return false;
        };
        let mut world = World::new(&setting, &Arc::new(script), plant);
        world.run();
        let full = plant.is_some() || seed.is_multiple_of(FULL_EVERY);
        let depth = if full { Depth::Full } else { Depth::Unhashed };
        self.runs += 1;
        let Counts {
            invocations, calls, ..
        } = world.counts;
        self.invocations += u64::from(invocations);
        self.calls += u64::from(calls);
        self.covered.add(&world.covered);
        let returns = std::mem::take(&mut world.returns);
        self.returns.extend(returns.into_iter().map(|one| (seed, one)));
        let violations = world.into_verdict(depth, true);
        if violations.is_empty() {
            return true;
        }
        self.failure = Some(Failed { seed, violations });
        false
    }

    /// Runs seeds until one fails or there are enough.
    pub fn run_all(&mut self, settings: &[Arc<Setting>], first: u64, runs: u64, plant: Option<Plant>) {
        for seed in first..first.saturating_add(runs) {
            if !self.run(settings, seed, plant) {
                return;
            }
        }
    }

    /// Takes in what another campaign came to. Of two failures the one with the smaller seed stays.
    pub fn add(&mut self, mut other: Self) {
        self.runs += other.runs;
        self.invocations += other.invocations;
        self.calls += other.calls;
        self.covered.add(&other.covered);
        self.returns.append(&mut other.returns);
        self.failure = match (self.failure.take(), other.failure) {
            (Some(mine), Some(theirs)) if theirs.seed < mine.seed => Some(theirs),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// How long alarms took on one kind of way; nothing without alarms.
    pub fn return_figures(&self, way: Way) -> Option<Figures> {
        let mut of: Vec<&(u64, Return)> = self.returns.iter().filter(|(_, one)| one.way == way).collect();
        of.sort_by_key(|(seed, one)| (one.ms, *seed));
        let at = |percent: usize| of.get((of.len().max(1) - 1) * percent / 100);
        let (slowest, longest) = at(100)?;
        let (busiest, most) = of.iter().max_by_key(|(_, one)| one.invocations)?;
        Some(Figures {
            alarms: of.len(),
            median_ms: at(50)?.1.ms,
            p95_ms: at(95)?.1.ms,
            p99_ms: at(99)?.1.ms,
            most_ms: longest.ms,
            slowest: *slowest,
            invocations: most.invocations,
            busiest: *busiest,
            transitions: of.iter().map(|(_, one)| one.transitions).max()?,
        })
    }
}

/// How long alarms took to bring the traffic back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many.
    pub alarms: usize,
    /// Half of them took no longer, milliseconds of virtual time.
    pub median_ms: Ms,
    /// 95 percent took no longer.
    pub p95_ms: Ms,
    /// 99 percent took no longer.
    pub p99_ms: Ms,
    /// The longest.
    pub most_ms: Ms,
    /// The seed of the longest.
    pub slowest: u64,
    /// Functions on the way, at most.
    pub invocations: u32,
    /// The seed of the one with so many.
    pub busiest: u64,
    /// States that were entered meanwhile, at most.
    pub transitions: u32,
}

impl Figures {
    /// Whether all kept the bound of their way.
    pub fn within(&self, way: Way) -> bool {
        self.beyond(way).is_empty()
    }

    /// Seeds of those that did not.
    pub fn beyond(&self, way: Way) -> Vec<u64> {
        let Some((ms, invocations)) = way.bound() else {
            return Vec::new();
        };
        let slow = (self.most_ms > ms).then_some(self.slowest);
        let busy = (self.invocations > invocations).then_some(self.busiest);
        slow.into_iter().chain(busy).collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            alarms,
            median_ms,
            p95_ms,
            p99_ms,
            most_ms,
            ..
        } = self;
        write!(
            f,
            "{alarms} alarms: {median_ms} / {p95_ms} / {p99_ms} / {most_ms} ms \
             (median / 95 % / 99 % / most, seed {}), at most {} invocations (seed {}) and {} transitions",
            self.slowest, self.invocations, self.busiest, self.transitions
        )
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use tidegate_core::decision::QUIESCE_SECONDS;

    use super::*;
    use crate::script::{FaultKind, Outage, Stimulus, What};
    use crate::shrink;

    fn settings() -> Vec<Arc<Setting>> {
        crate::setting::all().unwrap().into_iter().map(Arc::new).collect()
    }

    #[test]
    fn a_calm_run_of_every_setting_completes() {
        for setting in settings() {
            let mut world = World::new(&setting, &Arc::new(Script::calm()), None);
            world.trace = Some(Vec::new());
            world.run();
            let found = world.verdict(Depth::Full, true);
            let trace = world.trace.unwrap_or_default().join("\n");
            assert!(found.is_empty(), "{}: {found:?}\n{trace}", setting.name);
            let first = &world.store.heads[0].deployment;
            let exit = first.exit.clone().unwrap();
            let expected = if first.gates.is_empty() {
                "Completed"
            } else {
                "Aborted"
            };
            assert_eq!(
                exit.state.as_str(),
                expected,
                "{}: {exit:?}\n{trace}",
                setting.name
            );
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_journals_byte_for_byte() {
        let settings = settings();
        for seed in 0..200 {
            let (setting, script) = drawn(&settings, seed).unwrap();
            let journals = || {
                let mut world = World::new(&setting, &Arc::new(script.clone()), None);
                world.run();
                world.journals()
            };
            assert_eq!(journals(), journals(), "seed {seed}");
        }
    }

    #[test]
    fn runs_that_once_broke_an_invariant_stay_clean() {
        // A late function of a completed deployment stops stable's tasks while a person takes it back.
        const FOUND: [(u64, &str, &str); 1] = [(
            3_054_702,
            "canary-by-tasks",
            "call 36: the function is held up for 65692 ms",
        )];
        let settings = settings();
        for (seed, name, part) in FOUND {
            let (setting, script) = drawn(&settings, seed).unwrap();
            let told = script.to_string();
            assert_eq!(setting.name, name, "seed {seed}");
            assert!(told.contains(part), "seed {seed}\n{told}");
            let mut world = World::new(&setting, &Arc::new(script), None);
            world.run();
            let found = world.verdict(Depth::Full, true);
            assert!(found.is_empty(), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn tasks_that_a_failed_way_back_left_serving_stay() {
        // A person takes a completed deployment back; then every function fails for as long as `Retry`
        // goes on. When the window is over, the sweep must not stop what serves now.
        let settings = settings();
        let setting = settings.iter().find(|one| one.name == "canary-by-tasks").unwrap();
        let play = |script: &Script| {
            let mut world = World::new(setting, &Arc::new(script.clone()), None);
            world.call_times = Some(Vec::new());
            world.run();
            world
        };
        let mut script = Script::calm();
        let completed = play(&script).executions[0].ended.unwrap();
        script.stimuli.push(Stimulus {
            at: completed + 10_000,
            what: What::TakeBack,
        });
        let calls = play(&script).call_times.unwrap();
        let quiet = completed + 10_000 + QUIESCE_SECONDS * 1000;
        let call = calls.iter().position(|at| *at > quiet).unwrap();
        script.outage = Some(Outage {
            call: u32::try_from(call).unwrap(),
            ms: 90_000,
            kind: FaultKind::Throttled,
        });
        let world = play(&script);
        let exit = world.store.heads[1].deployment.exit.clone().unwrap();
        assert_eq!(exit.state.as_str(), "RollbackFailed", "{exit:?}");
        let served = world.aws.services.map(|service| service.desired);
        assert_eq!(served, [setting.spec.replicas, 0]);
        assert_eq!(world.verdict(Depth::Full, true), []);
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "figures, with --nocapture")]
    fn thousands_of_random_runs_break_nothing() {
        let settings = settings();
        let mut campaign = Campaign::default();
        campaign.run_all(&settings, 1, 6_000, None);
        println!(
            "{} runs, {} calls: {}",
            campaign.runs, campaign.calls, campaign.covered
        );
        for way in Way::ALL {
            println!("alarm to traffic back, {way}: {:?}", campaign.return_figures(way));
            if let Some(figures) = campaign.return_figures(way) {
                assert!(figures.within(way), "{way}: {figures}");
            }
        }
        assert_eq!(campaign.covered.unknown_transitions(), Vec::<String>::new());
        if let Some(failed) = campaign.failure {
            let (setting, script) = drawn(&settings, failed.seed).unwrap();
            let small = shrink::shrink(&setting, &script, None, failed.violations[0].invariant);
            let (trace, found) = shrink::retell(&setting, &small, None);
            let trace = trace.join("\n");
            panic!(
                "seed {}, {}: {:?}\n{small}\n{trace}\n{found:?}",
                failed.seed, setting.name, failed.violations
            );
        }
    }
}
