//! Many runs, each from its own seed.

use std::sync::Arc;

use tidegate_core::invariants::Violation;

use crate::coverage::Covered;
use crate::plant::Plant;
use crate::script::Script;
use crate::setting::Setting;
use crate::verdict::Depth;
use crate::world::{Counts, Return, World};

/// One run in so many has its journals hashed and their chains verified.
pub const FULL_EVERY: u64 = 64;

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
    /// Alarms and how long they took.
    pub returns: Vec<Return>,
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
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x7469_6465);
    let setting = settings.get(rng.usize(0..settings.len().max(1)))?;
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
        let full = plant.is_some() || self.runs.is_multiple_of(FULL_EVERY);
        let depth = if full { Depth::Full } else { Depth::Unhashed };
        self.runs += 1;
        let Counts {
            invocations, calls, ..
        } = world.counts;
        self.invocations += u64::from(invocations);
        self.calls += u64::from(calls);
        self.covered.add(&world.covered);
        self.returns.append(&mut world.returns);
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

    /// Minimum, median, 95th percentile and maximum of the alarms' way back, for events that came or
    /// were lost: milliseconds, invocations, transitions.
    pub fn return_figures(&self, event_lost: bool) -> Option<String> {
        let mut of: Vec<&Return> = self
            .returns
            .iter()
            .filter(|one| one.event_lost == event_lost)
            .collect();
        of.sort_by_key(|one| one.ms);
        let at = |percent: usize| of.get((of.len().max(1) - 1) * percent / 100).map(|one| one.ms);
        let most = |part: fn(&Return) -> u32| of.iter().map(|one| part(one)).max();
        Some(format!(
            "{} alarms: {} / {} / {} ms (median / 95 % / most), at most {} invocations and {} transitions",
            of.len(),
            at(50)?,
            at(95)?,
            at(100)?,
            most(|one| one.invocations)?,
            most(|one| one.transitions)?,
        ))
    }
}

impl Campaign {
    /// Runs seeds until one breaks the invariant that a plant is for.
    pub fn run_until(&mut self, settings: &[Arc<Setting>], plant: Plant) {
        for seed in 1..=20_000 {
            self.failure = None;
            self.run(settings, seed, Some(plant));
            let wanted = |failed: &Failed| {
                failed
                    .violations
                    .iter()
                    .any(|one| one.invariant == plant.invariant())
            };
            if self.failure.as_ref().is_some_and(wanted) {
                return;
            }
        }
        self.failure = None;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
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
            let exit = world.store.heads[0].deployment.exit.clone().unwrap();
            let expected = if setting.spec.gates.is_empty() {
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
    #[expect(clippy::print_stdout, reason = "figures, with --nocapture")]
    fn thousands_of_random_runs_break_nothing() {
        let settings = settings();
        let mut campaign = Campaign::default();
        campaign.run_all(&settings, 1, 6_000, None);
        println!(
            "{} runs, {} calls: {}",
            campaign.runs, campaign.calls, campaign.covered
        );
        for lost in [false, true] {
            let which = if lost { "lost or late" } else { "prompt" };
            println!(
                "alarm to traffic back, event {which}: {:?}",
                campaign.return_figures(lost)
            );
        }
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

    #[test]
    #[expect(clippy::print_stdout, reason = "figures, with --nocapture")]
    fn every_planted_bug_is_found_and_its_run_is_clean_without_it() {
        let settings = settings();
        let mut missed = Vec::new();
        for plant in Plant::ALL {
            // These need a function held up at the right call: `aimed` and `exhaustive` find them.
            if matches!(
                plant,
                Plant::DoesNotQuiesce
                    | Plant::DoesNotReassert
                    | Plant::QuiescesByItsClock
                    | Plant::ForgetsClearedAlarms
                    | Plant::ScalesInLate
            ) {
                continue;
            }
            let mut campaign = Campaign::default();
            campaign.run_until(&settings, plant);
            match campaign.failure {
                Some(failed) => {
                    println!("{plant:?}: seed {} after {} runs", failed.seed, campaign.runs);
                    let (setting, script) = drawn(&settings, failed.seed).unwrap();
                    let clean = shrink::run(&setting, &script, None, Depth::Full);
                    assert_eq!(clean, Vec::new(), "{plant:?}: seed {}", failed.seed);
                }
                None => missed.push(plant),
            }
        }
        assert_eq!(missed, Vec::new());
    }
}
