//! `tidegate-explore`: looks for runs that break an invariant.
//!
//! `cargo run --profile bench-run -p tidegate-explore -- explore --random --runs 1000000 --seed 1`

#![expect(clippy::print_stdout, reason = "a command line tool")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use tidegate_explore::exhaustive;
use tidegate_explore::plant::PUBLISHED;
use tidegate_explore::random::{Campaign, drawn};
use tidegate_explore::setting::{Setting, SettingError, all};
use tidegate_explore::shrink;

/// Seeds between two lines of progress.
const PROGRESS: u64 = 50_000;

/// Looks for runs that break what must never break.
#[derive(Debug, Parser)]
#[command(name = "tidegate-explore")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Explores: from seeds (`--random`, the default), or every interleaving (`--exhaustive`).
    Explore(ExploreArgs),
    /// Runs one seed again and tells everything that happens.
    Replay {
        /// The seed.
        #[arg(long)]
        seed: u64,
        /// Leave nothing out: do not shrink a failing run first.
        #[arg(long)]
        whole: bool,
    },
    /// A late function, an alarm, a clock that is off and a lost answer, at every pair of calls.
    Clocks,
    /// Lists the published bugs that are kept as naive variants.
    Published,
}

#[derive(Debug, Args)]
struct ExploreArgs {
    /// From seeds.
    #[arg(long, conflicts_with = "exhaustive")]
    random: bool,
    /// Every interleaving of a small setting.
    #[arg(long)]
    exhaustive: bool,
    /// How many runs.
    #[arg(long, default_value_t = 100_000)]
    runs: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// With `--exhaustive`: stop after so many seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// With `--exhaustive`: threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// With `--exhaustive`: which small setting, by its name.
    #[arg(long, default_value = "zombie")]
    model: String,
    /// List what was not hit.
    #[arg(long)]
    missed: bool,
}

fn main() -> ExitCode {
    let settings: Result<Vec<Arc<Setting>>, SettingError> =
        all().map(|all| all.into_iter().map(Arc::new).collect());
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let fine = match Cli::parse().verb {
        Verb::Explore(args) if args.exhaustive => {
            match exhaustive::explore(&args.model, args.threads, Duration::from_secs(args.seconds)) {
                Ok(report) => {
                    println!("{report}");
                    report.fine()
                }
                Err(error) => {
                    println!("{error}");
                    false
                }
            }
        }
        Verb::Explore(args) => random(&settings, &args),
        Verb::Replay { seed, whole } => replay(&settings, seed, whole),
        Verb::Clocks => {
            for setting in settings.iter().filter(|one| one.balanced()) {
                let (runs, _, failed) = tidegate_explore::aimed::run_scripts(
                    setting,
                    None,
                    tidegate_explore::aimed::clock_scripts(setting),
                );
                println!("{} {runs} {}", setting.name, failed.is_some());
                if let Some((script, found)) = failed {
                    let script = shrink::shrink(setting, &script, None, found[0].invariant);
                    let (trace, found) = shrink::retell(setting, &script, None);
                    println!("{script}\n{}\n{found:?}", trace.join("\n"));
                }
            }
            true
        }
        Verb::Published => {
            for one in PUBLISHED {
                println!("{:<32} {:<48} {:?}", one.reference, one.what, one.naive);
            }
            true
        }
    };
    if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::disallowed_methods, reason = "rates are measured in real time")]
fn random(settings: &[Arc<Setting>], args: &ExploreArgs) -> bool {
    let began = Instant::now();
    let mut campaign = Campaign::default();
    let mut seed = args.seed;
    let end = args.seed.saturating_add(args.runs);
    while seed < end && campaign.failure.is_none() {
        let some = PROGRESS.min(end - seed);
        campaign.run_all(settings, seed, some, None);
        seed += some;
        let seconds = began.elapsed().as_secs_f64();
        let ended = campaign.covered.ended();
        println!(
            "{} runs from seed {}, {ended} deployments, {:.0} deployments/s, {:.0} calls/s",
            campaign.runs,
            args.seed,
            ended as f64 / seconds,
            campaign.calls as f64 / seconds,
        );
    }
    println!("coverage: {}", campaign.covered);
    if args.missed {
        println!("not hit: {}", campaign.covered.missed().join(", "));
    }
    for (lost, which) in [(false, "prompt"), (true, "lost or late")] {
        if let Some(figures) = campaign.return_figures(lost) {
            println!("alarm to traffic back, event {which}: {figures}");
        }
    }
    match campaign.failure {
        Some(failed) => {
            println!("FAILED: seed {}", failed.seed);
            replay(settings, failed.seed, false)
        }
        None => true,
    }
}

fn replay(settings: &[Arc<Setting>], seed: u64, whole: bool) -> bool {
    let Some((setting, mut script)) = drawn(settings, seed) else {
        return false;
    };
    let (mut trace, mut found) = shrink::retell(&setting, &script, None);
    if let Some(first) = found.first().filter(|_| !whole) {
        script = shrink::shrink(&setting, &script, None, first.invariant);
        (trace, found) = shrink::retell(&setting, &script, None);
    }
    println!("setting {}\n{script}\n{}", setting.name, trace.join("\n"));
    for violation in &found {
        println!("{violation}");
    }
    found.is_empty()
}
