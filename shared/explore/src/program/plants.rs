//! `plants` and `published`: the check of the checker.

use std::sync::Arc;

use tidegate_explore::hunt::{HuntError, Prey, hunt};
use tidegate_explore::plant::{PUBLISHED, Plant, by_invariant};
use tidegate_explore::setting::Setting;
use tidegate_explore::shrink;

use super::clock::Watch;
use super::story;

/// Looks for every planted bug and prints the table of invariants.
pub(crate) fn run(settings: &[Arc<Setting>]) -> bool {
    let mut watch = Watch::start();
    let mut failed: Vec<HuntError> = Vec::new();
    let mut caught = 0;
    println!("invariant  planted bugs that break it, and where that shows");
    for (invariant, plants) in by_invariant() {
        let mut line = Vec::new();
        for plant in plants {
            watch.sign(|| format!("planted bugs: {caught} found, now {plant}"));
            match hunt(settings, plant) {
                Ok(prey) => {
                    caught += 1;
                    line.push(format!("{plant} ({}, {})", prey.setting.name, prey.source));
                }
                Err(error) => {
                    line.push(format!("{plant} (FAILED)"));
                    failed.push(error);
                }
            }
        }
        println!("{invariant:>9}  {}", line.join(", "));
    }
    println!(
        "planted bugs: {caught} of {} found, {:.0} s; {} published bugs among them",
        Plant::ALL.len(),
        watch.seconds(),
        PUBLISHED.len()
    );
    for error in &failed {
        println!("FAILED: {error}");
        if let HuntError::Ours { prey, found, .. } = error {
            let again = story::again(prey);
            story::script(&prey.setting, prey.script.clone(), found.first(), &again);
        }
    }
    failed.is_empty()
}

/// Tells the run in which a planted bug shows.
pub(crate) fn tell(settings: &[Arc<Setting>], plant: Plant) -> bool {
    let prey: Prey = match hunt(settings, plant) {
        Ok(prey) => prey,
        Err(error) => {
            println!("{error}");
            return false;
        }
    };
    let script = shrink::shrink(&prey.setting, &prey.script, Some(plant), plant.invariant());
    let (trace, found) = shrink::retell(&prey.setting, &script, Some(plant));
    println!(
        "{plant}: {}, setting {}\n{script}\n{}",
        prey.source,
        prey.setting.name,
        trace.join("\n")
    );
    for violation in found {
        println!("{violation}");
    }
    true
}

/// The published bugs.
pub(crate) fn published() {
    for one in PUBLISHED {
        println!(
            "{:<28}  {:<21}  {}",
            one.reference,
            one.naive.to_string(),
            one.what
        );
    }
}
