//! The smallest script that still fails.

use std::sync::Arc;

use tidegate_core::invariants::Violation;

use crate::plant::Plant;
use crate::script::{Image, Script};
use crate::setting::Setting;
use crate::verdict::Depth;
use crate::world::World;

/// Runs a script and checks it.
pub fn run(setting: &Arc<Setting>, script: &Script, plant: Option<Plant>, depth: Depth) -> Vec<Violation> {
    let mut world = World::new(setting, &Arc::new(script.clone()), plant);
    world.run();
    world.verdict(depth, true)
}

/// Runs a script and tells everything that happens.
pub fn retell(
    setting: &Arc<Setting>,
    script: &Script,
    plant: Option<Plant>,
) -> (Vec<String>, Vec<Violation>) {
    let mut world = World::new(setting, &Arc::new(script.clone()), plant);
    world.trace = Some(Vec::new());
    world.run();
    let found = world.verdict(Depth::Full, true);
    (world.trace.unwrap_or_default(), found)
}

/// Takes away whatever is not needed for a violation of the same invariant, one thing at a time.
pub fn shrink(setting: &Arc<Setting>, script: &Script, plant: Option<Plant>, invariant: u8) -> Script {
    let fails = |script: &Script| {
        run(setting, script, plant, Depth::Full)
            .iter()
            .any(|one| one.invariant == invariant)
    };
    let mut best = script.clone();
    loop {
        let smaller = simpler(&best).into_iter().find(|candidate| fails(candidate));
        match smaller {
            Some(script) => best = script,
            None => return best,
        }
    }
}

/// Every script with one thing less.
fn simpler(script: &Script) -> Vec<Script> {
    let mut found = Vec::new();
    for at in 0..script.faults.len() {
        let mut one = script.clone();
        one.faults.remove(at);
        found.push(one);
    }
    for at in 0..script.stimuli.len() {
        let mut one = script.clone();
        one.stimuli.remove(at);
        found.push(one);
    }
    for at in 0..script.images.len() {
        if script.images[at] != Image::GOOD {
            let mut one = script.clone();
            one.images[at] = Image::GOOD;
            found.push(one);
        }
    }
    if script.outage.is_some() {
        let mut one = script.clone();
        one.outage = None;
        found.push(one);
    }
    if script.requests != 1200 {
        let mut one = script.clone();
        one.requests = 1200;
        found.push(one);
    }
    if script.alarm_at_start {
        let mut one = script.clone();
        one.alarm_at_start = false;
        found.push(one);
    }
    found
}
