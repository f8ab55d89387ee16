//! The program around the library: arguments, progress, figures.

mod aim;
mod ci;
mod clock;
mod interleave;
mod plants;
mod seeds;
mod story;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::{Parser, Subcommand};
use tidegate_explore::plant::Plant;
use tidegate_explore::setting::{Setting, SettingError, all};

const LONG: &str = "Looks for runs that break what must never break.

The decisions are Tidegate's own; the table, AWS, the functions as sequences of calls and the state \
machines are simulated on one virtual time line. Functions die before and after every call, lose \
answers, are throttled, are held up past their time limit and land late, and their clocks are off; \
events are lost, doubled and late; alarms, pushes and people come at every moment. After each run \
every invariant is checked.";

const AFTER: &str =
    "Figures go to stdout, progress to stderr. A run that breaks an invariant is made as small \
as it can be, told step by step, and followed by the command that plays it again.

An alarm whose event comes at once, with nothing wrong besides, has traffic back within one second \
and three invocations; one whose event is lost, within one sweep interval and a second.

Exit codes: 0 all is well, 1 an invariant or a bound was broken or a planted bug was not found, 2 it could \
not start.";

#[derive(Debug, Parser)]
#[command(name = "tidegate-explore")]
#[command(about = "Looks for runs that break what must never break")]
#[command(long_about = LONG, after_long_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The bounded whole: from seeds, one fault at every call, clocks, interleavings, planted bugs.
    Ci(ci::Options),
    /// From seeds (`--random`, the default), or every interleaving (`--exhaustive`).
    Explore(ExploreOptions),
    /// One fault at every call of a calm run of every setting, without and with an alarm after it.
    Aimed,
    /// A late function, an alarm, a clock that is off and a lost answer, at every pair of calls.
    Clocks(aim::ClockOptions),
    /// Plays one run again and tells everything that happens.
    Replay(story::Options),
    /// Looks for every planted bug, or tells the run in which one of them shows.
    Plants {
        /// Only this one.
        plant: Option<Plant>,
    },
    /// Lists the published bugs that are kept as naive variants.
    Published,
}

#[derive(Debug, clap::Args)]
struct ExploreOptions {
    /// From seeds.
    #[arg(long, conflicts_with = "exhaustive")]
    random: bool,
    /// Every interleaving of a small setting.
    #[arg(long)]
    exhaustive: bool,
    #[command(flatten)]
    seeds: seeds::Options,
    #[command(flatten)]
    interleave: interleave::Options,
}

/// Reads the arguments and does what they say.
pub(crate) fn main() -> ExitCode {
    let verb = Cli::parse().verb;
    let settings: Result<Vec<Arc<Setting>>, SettingError> =
        all().map(|all| all.into_iter().map(Arc::new).collect());
    match settings.and_then(|settings| perform(&settings, verb)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is well.
type Outcome = Result<bool, SettingError>;

fn perform(settings: &[Arc<Setting>], verb: Verb) -> Outcome {
    match verb {
        Verb::Ci(options) => ci::run(settings, &options),
        Verb::Explore(options) if options.exhaustive => interleave::run(&options.interleave),
        Verb::Explore(options) => Ok(seeds::run(settings, &options.seeds)),
        Verb::Aimed => Ok(aim::run(settings)),
        Verb::Clocks(options) => Ok(aim::clocks(settings, &options)),
        Verb::Replay(options) => Ok(story::replay(settings, &options)),
        Verb::Plants { plant: Some(plant) } => Ok(plants::tell(settings, plant)),
        Verb::Plants { plant: None } => Ok(plants::run(settings)),
        Verb::Published => {
            plants::published();
            Ok(true)
        }
    }
}

/// As many threads as asked for, or as there are processors.
fn threads(asked: Option<usize>) -> usize {
    let all = || thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or_else(all).max(1)
}

/// A debug build is that much slower: it gets a fiftieth.
const fn scaled(count: u64) -> u64 {
    if cfg!(debug_assertions) { count / 50 } else { count }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_go_together() {
        Cli::command().debug_assert();
    }
}
