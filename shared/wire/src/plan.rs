//! Which scripts to play.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_local::cloud::CloudError;
use tidegate_local::faults::Site;

use crate::run::{Run, Setting, play_script};
use crate::script::{Case, Delivery, Kind, Script, Upset, Way};
use crate::strategy::Strategy;

/// Clean runs of every case: how many calls there are, and when a deployment is turned back.
#[derive(Debug, Clone)]
pub struct Survey {
    clean: BTreeMap<Case, Run>,
    turns: BTreeMap<Strategy, Duration>,
}

impl Survey {
    /// Plays every case without faults.
    ///
    /// # Errors
    /// Where the local cloud can't be made.
    pub fn make() -> Result<Self, CloudError> {
        Self::of(&Strategy::ALL)
    }

    /// Plays the cases of some strategies without faults.
    ///
    /// # Errors
    /// Where the local cloud can't be made.
    pub fn of(strategies: &[Strategy]) -> Result<Self, CloudError> {
        let mut survey = Self {
            clean: BTreeMap::new(),
            turns: BTreeMap::new(),
        };
        for strategy in strategies.iter().copied() {
            let forward = Case {
                strategy,
                way: Way::Forward,
            };
            let run = play_script(&Script::clean(forward), &Setting::default())?;
            let begun = run.first_change.map(|at| run.since_push(at)).unwrap_or_default();
            let turn = Duration::try_from(begun).unwrap_or_default() + strategy.turned_after();
            survey.turns.insert(strategy, turn);
            survey.clean.insert(forward, run);
            let back = Case {
                strategy,
                way: Way::Back,
            };
            let run = play_script(&Script::clean(back), &survey.setting(back))?;
            survey.clean.insert(back, run);
        }
        Ok(survey)
    }

    /// How a case is played.
    pub fn setting(&self, case: Case) -> Setting {
        let turn_after = match case.way {
            Way::Forward => None,
            Way::Back => self.turns.get(&case.strategy).copied(),
        };
        Setting {
            turn_after,
            ..Setting::default()
        }
    }

    /// The clean run of a case.
    pub fn clean(&self, case: Case) -> Option<&Run> {
        self.clean.get(&case)
    }

    /// All clean runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.clean.values()
    }

    fn calls(&self, case: Case) -> u64 {
        self.clean(case).map_or(0, |run| run.sites.len() as u64)
    }

    /// Every fault of every call of a case.
    pub fn singles(&self, case: Case) -> Vec<Script> {
        let each = (0..self.calls(case)).flat_map(|number| Kind::ALL.map(|kind| (number, kind)));
        each.map(|(number, kind)| Script {
            case,
            upsets: vec![Upset::Call(number, kind)],
        })
        .collect()
    }

    /// For every call site that clean runs come by, and every fault, one script that brings the two
    /// together; which case and which of the site's calls it is, is drawn.
    pub fn covering(&self, seed: u64) -> Vec<Script> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut places: BTreeMap<&Site, Vec<(Case, u64)>> = BTreeMap::new();
        for (case, run) in &self.clean {
            for (site, number) in run.sites.iter().zip(0..) {
                places.entry(site).or_default().push((*case, number));
            }
        }
        let mut scripts = Vec::with_capacity(places.len() * Kind::ALL.len());
        for calls in places.values() {
            for kind in Kind::ALL {
                let Some((case, number)) = random.choice(calls).copied() else {
                    continue;
                };
                scripts.push(Script {
                    case,
                    upsets: vec![Upset::Call(number, kind)],
                });
            }
        }
        scripts
    }

    /// Every way in which a delivery of a case can fare.
    pub fn events(&self, case: Case) -> Vec<Script> {
        let Some(clean) = self.clean(case) else {
            return Vec::new();
        };
        let script = |upset| Script {
            case,
            upsets: vec![upset],
        };
        let events = (0..clean.events).flat_map(|n| Delivery::ALL.map(|d| Upset::Event(n, d)));
        let batches = (0..clean.batches).flat_map(|n| Delivery::ALL.map(|d| Upset::Batch(n, d)));
        events.chain(batches).map(script).collect()
    }

    /// Drawn pairs of faults of all cases that were surveyed.
    pub fn drawn_pairs(&self, count: usize, seed: u64) -> Vec<Script> {
        let mut random = fastrand::Rng::with_seed(seed);
        let cases: Vec<Case> = self.clean.keys().copied().collect();
        let mut drawn = Vec::with_capacity(count);
        if cases.iter().all(|case| self.calls(*case) < 2) {
            return drawn;
        }
        while drawn.len() < count {
            let Some(case) = random.choice(&cases).copied() else {
                return drawn;
            };
            let calls = self.calls(case);
            let first = random.u64(0..calls);
            // Mostly close together, where they meet; a tenth anywhere later.
            let reach = if random.u8(0..10) == 0 { calls } else { 40 };
            let second = first + 1 + random.u64(0..reach.max(1));
            let mut kind = || random.choice(Kind::ALL).unwrap_or(Kind::KillAfter);
            let upsets = vec![Upset::Call(first, kind()), Upset::Call(second, kind())];
            drawn.push(Script { case, upsets });
        }
        drawn
    }
}

/// A seeded sample without repeats, in order.
pub fn sample(mut scripts: Vec<Script>, count: usize, seed: u64) -> Vec<Script> {
    let mut random = fastrand::Rng::with_seed(seed);
    random.shuffle(&mut scripts);
    scripts.truncate(count);
    scripts.sort();
    scripts
}
