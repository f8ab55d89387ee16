//! The check of the checker: for each deliberate break a run that breaks with it and is clean
//! without it.

use std::fmt;
use std::sync::Arc;

use tidegate_core::invariants::Violation;

use crate::aimed;
use crate::plant::Plant;
use crate::random::drawn;
use crate::script::Script;
use crate::setting::Setting;
use crate::shrink;
use crate::verdict::Depth;

/// Runs that are tried before a break counts as missed.
const MOST: u64 = 20_000;

/// Where a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Drawn from a seed.
    Seed(u64),
    /// One fault at one call, with an alarm or without: [`aimed::scripts`].
    Aimed(u64),
    /// Clocks that are off: [`aimed::clock_scripts`].
    Clocks(u64),
    /// Alarms that clear before anyone looks: [`aimed::cleared_scripts`].
    Cleared(u64),
    /// Sweeps that are held up: [`aimed::late_sweep_scripts`].
    LateSweep(u64),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "seed {seed}"),
            Self::Aimed(number) => write!(f, "fault {number}"),
            Self::Clocks(number) => write!(f, "clock {number}"),
            Self::Cleared(number) => write!(f, "cleared alarm {number}"),
            Self::LateSweep(number) => write!(f, "late sweep {number}"),
        }
    }
}

/// A run that breaks with a break, and not without it.
#[derive(Debug, Clone)]
pub struct Prey {
    /// Where it came from.
    pub source: Source,
    /// Its setting.
    pub setting: Arc<Setting>,
    /// Its script.
    pub script: Script,
    /// What it breaks.
    pub found: Vec<Violation>,
}

/// Why a hunt came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HuntError {
    /// No run breaks the invariant that the break is for: the checker is blind to it.
    #[error("{plant} breaks invariant {} in none of {runs} runs", plant.invariant())]
    Missed {
        /// The break.
        plant: Plant,
        /// How many were tried.
        runs: u64,
    },
    /// The same run breaks without the break: the fault is ours.
    #[error("{plant}: {} is broken without it too: {}", prey.source, found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Ours {
        /// The break.
        plant: Plant,
        /// The run.
        prey: Box<Prey>,
        /// What is broken without it.
        found: Vec<Violation>,
    },
}

/// Looks for a run that a break breaks. `settings` are [`crate::setting::all`].
///
/// # Errors
/// That there is none, or that it breaks all the same.
pub fn hunt(settings: &[Arc<Setting>], plant: Plant) -> Result<Prey, HuntError> {
    let mut runs = 0;
    let prey = runs_for(settings, plant).find_map(|(source, setting, script)| {
        runs += 1;
        let found = shrink::run(&setting, &script, Some(plant), Depth::Full);
        let wanted = found.iter().any(|one| one.invariant == plant.invariant());
        wanted.then_some(Prey {
            source,
            setting,
            script,
            found,
        })
    });
    let Some(prey) = prey else {
        return Err(HuntError::Missed { plant, runs });
    };
    let found = shrink::run(&prey.setting, &prey.script, None, Depth::Full);
    if found.is_empty() {
        return Ok(prey);
    }
    let prey = Box::new(prey);
    Err(HuntError::Ours { plant, prey, found })
}

type Runs<'a> = Box<dyn Iterator<Item = (Source, Arc<Setting>, Script)> + 'a>;

type Scripts = fn(&Arc<Setting>) -> Box<dyn Iterator<Item = Script>>;

/// Where the runs that show a break are: most anywhere, some only where a function is held up at the
/// right call.
fn runs_for(settings: &[Arc<Setting>], plant: Plant) -> Runs<'_> {
    let listed = |name: &'static str, scripts: Scripts, source: fn(u64) -> Source| -> Runs<'_> {
        let setting = settings.iter().filter(move |setting| setting.name == name);
        Box::new(setting.flat_map(move |setting| {
            let numbered = scripts(setting).zip(0..);
            numbered.map(move |(script, number)| (source(number), Arc::clone(setting), script))
        }))
    };
    match plant {
        Plant::DoesNotQuiesce | Plant::DoesNotReassert | Plant::CompletesUnconverged => {
            listed("canary", |one| Box::new(aimed::scripts(one)), Source::Aimed)
        }
        // A first deployment has all the traffic at once, and nothing is watched after it: the alarm
        // must come between two calls.
        Plant::RollsBackToNothing => {
            listed("first-canary", |one| Box::new(aimed::scripts(one)), Source::Aimed)
        }
        // The alarm of a test is there for seconds: a deployment must be stopped in them.
        Plant::LeavesTheTestAlarm => listed(
            "canary-with-monitoring",
            |one| Box::new(aimed::scripts(one)),
            Source::Aimed,
        ),
        Plant::QuiescesByItsClock => listed(
            "canary",
            |one| Box::new(aimed::clock_scripts(one)),
            Source::Clocks,
        ),
        Plant::ForgetsClearedAlarms => {
            listed("canary", |_| Box::new(aimed::cleared_scripts()), Source::Cleared)
        }
        Plant::ScalesInLate => listed(
            "canary",
            |one| Box::new(aimed::late_sweep_scripts(one)),
            Source::LateSweep,
        ),
        Plant::AdmitsWhileLocked
        | Plant::SharesMoreThanAll
        | Plant::ScalesStableInEarly
        | Plant::RaisesWithoutHealth
        | Plant::WritesUnconditionally
        | Plant::RescuesNobody
        | Plant::IgnoresAlarms
        | Plant::TrustsAlarmEvents
        | Plant::StartsUnderAlarm
        | Plant::PassesMissingData
        | Plant::PassesOnErrors
        | Plant::BakesUnmeasured
        | Plant::RestoresWeightsOnly
        | Plant::AbortLeavesWeights
        | Plant::AbortKeepsAFloor
        | Plant::BelievesItsWeights
        | Plant::ReturnsToCandidate
        | Plant::RegistersByTag
        | Plant::ApprovalsBindNothing
        | Plant::AuthorsApprove
        | Plant::RefusalStopsNothing
        | Plant::TakesOlderPushes
        | Plant::KeepsCounters
        | Plant::JournalsApart
        | Plant::TellsNobody
        | Plant::KeepsTheLock
        | Plant::IgnoresFreezes
        | Plant::SkipsSmoke
        | Plant::ForgetsQuarantine
        | Plant::MigratesAgain
        | Plant::UndoesOnPaper
        | Plant::AppliesAnother
        | Plant::BelievesItsUndo
        | Plant::BelievesFlagsAreBack
        | Plant::LeavesTheIndex
        | Plant::TakesAwayWhatWasThere
        | Plant::LeavesTheDashboard
        | Plant::KeepsWhatIsWritten
        | Plant::LostTokenHangs
        | Plant::QueueWedges
        | Plant::SupersededStays => Box::new((1..=MOST).filter_map(|seed| {
            let (setting, script) = drawn(settings, seed)?;
            Some((Source::Seed(seed), setting, script))
        })),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::print_stdout, reason = "figures, with --nocapture")]
    fn every_planted_bug_is_found_and_its_run_is_clean_without_it() {
        let settings: Vec<_> = crate::setting::all().unwrap().into_iter().map(Arc::new).collect();
        let mut missed = Vec::new();
        for plant in Plant::ALL {
            match hunt(&settings, plant) {
                Ok(prey) => println!("{plant}: {} of {}", prey.source, prey.setting.name),
                Err(error) => missed.push(error.to_string()),
            }
        }
        assert_eq!(missed, Vec::<String>::new());
    }
}
