//! The program around the library: arguments, progress, figures.

mod alarm;
mod board;
mod ci;
mod clock;
mod faults;
mod pairs;

use std::process::ExitCode;
use std::thread;

use clap::{Args, Parser, Subcommand};
use tidegate_local::cloud::CloudError;
use tidegate_wire::{Script, Strategy};

const LONG: &str = "Makes every call to AWS go wrong in every way, and looks where traffic ends up.

The real functions, through real SDK clients, driven by the shipped state machines, on the local \
cloud in virtual time. With one seed the calls come in one order, so each can be told by its number \
and be killed before or after it took effect, lose its reply, be throttled once or for long, stand \
still until the function's time limit, or land 45 seconds late. Deliveries of EventBridge and of the \
table's stream are dropped, doubled, delayed and overtaken. After each run every invariant is \
checked, and that exactly one version serves, with all its tasks.";

const AFTER: &str = "A script says what goes wrong where:
  canary                      nothing: a clean run
  canary+alarm/17/lose-reply  call 17 of a canary that an alarm turns back gets no reply
  linear/9/stall,31/throttle  two faults
  shortest/9/stall,31/stall   the same of the smallest deployment: one task, replaced by ECS
  tasks/event-0/drop          the push event is lost
  rolling/batch-4/double      the fifth batch of the table's stream comes twice

Exit codes: 0 all is well, 1 a run ended wrong (its script is printed), 2 the local cloud failed.";

#[derive(Debug, Parser)]
#[command(about = "Makes every call to AWS go wrong in every way, and looks where traffic ends up")]
#[command(long_about = LONG, after_long_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plays faults: all single ones and all deliveries, or what the options say.
    Run(faults::Options),
    /// Plays every pair of faults of the shortest deployment, in parts.
    Pairs(pairs::Options),
    /// Raises an alarm at random instants and measures how fast traffic is back.
    Alarm(alarm::Options),
    /// The bounded whole: every fault at every call site, deliveries, pairs and alarm instants.
    Ci(ci::Options),
    /// Plays one script and tells it in full.
    Tell {
        /// Such as `canary/17/lose-reply`.
        script: Script,
    },
}

/// What every verb that plays many scripts takes.
#[derive(Debug, Clone, Copy, Args)]
struct Common {
    /// Decides what is drawn; the same seed plays the same scripts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads [default: one for each processor].
    #[arg(long)]
    jobs: Option<usize>,
}

impl Common {
    fn jobs(self) -> usize {
        let all = || thread::available_parallelism().map_or(1, usize::from);
        self.jobs.unwrap_or_else(all).max(1)
    }
}

/// Reads the arguments and does what they say.
pub(crate) fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Run(options) => faults::run(&options),
        Verb::Pairs(options) => pairs::run(&options),
        Verb::Alarm(options) => alarm::run(&options),
        Verb::Ci(options) => ci::run(&options),
        Verb::Tell { script } => faults::tell(&script),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

type Outcome = Result<bool, CloudError>;

fn strategy(name: &str) -> Result<Strategy, String> {
    let names = || Strategy::ALL.map(Strategy::name).join(", ");
    Strategy::of(name).ok_or_else(|| format!("it is one of {}", names()))
}

fn chosen(strategies: &[Strategy]) -> Vec<Strategy> {
    if strategies.is_empty() {
        Strategy::ALL.to_vec()
    } else {
        strategies.to_vec()
    }
}
