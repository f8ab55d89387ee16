//! `cargo run --profile bench-run -p tidegate-wire -- run`: every fault at every call to AWS.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use tidegate_local::cloud::CloudError;
use tidegate_wire::coverage::Coverage;
use tidegate_wire::instants::{self, Measured};
use tidegate_wire::plan::{Survey, sample};
use tidegate_wire::run::Setting;
use tidegate_wire::{Case, Run, Script, Strategy, play_script, pool, story};

/// Stories of failing runs that are printed in full.
const STORIES: usize = 5;

#[derive(Debug, Parser)]
#[command(about = "Makes every call to AWS go wrong in every way, and looks where traffic ends up")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plays faults.
    Run(Faults),
    /// Raises an alarm at random instants and measures how fast traffic is back.
    Alarm(Instants),
}

#[derive(Debug, Args)]
struct Faults {
    /// One script, told in full, such as `canary/17/lose-reply`.
    #[arg(long)]
    only: Option<Script>,
    /// Only these strategies.
    #[arg(long, value_parser = strategy)]
    strategy: Vec<Strategy>,
    /// Only so many of the single faults, drawn with the seed.
    #[arg(long)]
    singles: Option<usize>,
    /// So many pairs of faults, drawn with the seed.
    #[arg(long, default_value_t = 0)]
    pairs: usize,
    /// All pairs of the strategies given.
    #[arg(long)]
    all_pairs: bool,
    /// No single faults and events: pairs only.
    #[arg(long)]
    pairs_only: bool,
    /// Decides what is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

#[derive(Debug, Args)]
struct Instants {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    instants: usize,
    /// Only these strategies.
    #[arg(long, value_parser = strategy)]
    strategy: Vec<Strategy>,
    /// No alarm event is ever delivered: the sweep finds it.
    #[arg(long)]
    lost: bool,
    /// Decides the instants.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

fn strategy(name: &str) -> Result<Strategy, String> {
    let names = || Strategy::ALL.map(Strategy::name).join(", ");
    Strategy::of(name).ok_or_else(|| format!("it is one of {}", names()))
}

fn main() -> ExitCode {
    let done = match Cli::parse().verb {
        Verb::Run(faults) => match &faults.only {
            Some(script) => one(script),
            None => many(&faults),
        },
        Verb::Alarm(args) => alarm(&args),
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

fn one(script: &Script) -> Result<bool, CloudError> {
    let survey = Survey::of(&[script.case.strategy])?;
    let setting = Setting {
        story: true,
        ..survey.setting(script.case)
    };
    let run = play_script(script, &setting)?;
    println!("{}", story::tell(&run));
    Ok(run.problems.is_empty())
}

fn chosen(strategies: &[Strategy]) -> Vec<Strategy> {
    if strategies.is_empty() {
        Strategy::ALL.to_vec()
    } else {
        strategies.to_vec()
    }
}

fn many(faults: &Faults) -> Result<bool, CloudError> {
    let survey = Survey::of(&chosen(&faults.strategy))?;
    let cases: Vec<Case> = survey.runs().map(|run| run.script.case).collect();
    let mut progress = Progress::new();
    for run in survey.runs() {
        println!(
            "{:<16} {} calls, {} events, {} batches, ends as {}",
            run.script.case.to_string(),
            run.sites.len(),
            run.events,
            run.batches,
            run.exit.map_or("nothing", |exit| exit.as_str())
        );
        progress.take(run);
    }
    let mut scripts = Vec::new();
    if !faults.pairs_only {
        let singles: Vec<Script> = cases.iter().flat_map(|case| survey.singles(*case)).collect();
        scripts = match faults.singles {
            Some(count) => sample(singles, count, faults.seed),
            None => singles,
        };
        scripts.extend(cases.iter().flat_map(|case| survey.events(*case)));
    }
    scripts.extend(survey.drawn_pairs(faults.pairs, faults.seed));
    let pairs = cases.iter().filter(|_| faults.all_pairs);
    let pairs: Vec<_> = pairs.map(|case| survey.all_pairs(*case)).collect();
    let all = scripts.into_iter().chain(pairs.into_iter().flatten());
    pool::play_all(all, &survey, faults.jobs, |run| progress.take(&run))?;
    Ok(progress.close(faults.seed))
}

/// What has been seen so far.
struct Progress {
    coverage: Coverage,
    played: usize,
    failed: Vec<String>,
    began: Instant,
}

impl Progress {
    fn new() -> Self {
        Self {
            coverage: Coverage::default(),
            played: 0,
            failed: Vec::new(),
            began: now(),
        }
    }

    fn take(&mut self, run: &Run) {
        self.played += 1;
        self.coverage.take(run);
        if !run.problems.is_empty() {
            let first = run.problems.first().map_or("", String::as_str);
            if self.failed.len() < STORIES {
                println!("{}", story::tell(run));
            } else {
                println!("{}  {first}", run.script);
            }
            self.failed.push(run.script.to_string());
        }
        if self.played.is_multiple_of(200) {
            let (met, all) = self.coverage.share();
            eprint!(
                "\r{} played, {:.0}/s, {met} of {all} pairs met, {} failed   ",
                self.played,
                self.rate(),
                self.failed.len()
            );
            std::io::stderr().flush().ok();
        }
    }

    fn rate(&self) -> f64 {
        self.played as f64 / now().duration_since(self.began).as_secs_f64().max(0.001)
    }

    fn close(&self, seed: u64) -> bool {
        println!("\n{}", self.coverage.table());
        let missing = self.coverage.missing();
        if !missing.is_empty() {
            println!("not met: {}", missing.join(", "));
        }
        println!(
            "{} deployments, {:.1} a second, seed {seed}, {} failed",
            self.played,
            self.rate(),
            self.failed.len()
        );
        if let Some(first) = self.failed.first() {
            println!("again: cargo run --profile bench-run -p tidegate-wire -- run --only \"{first}\"");
        }
        self.failed.is_empty()
    }
}

fn alarm(args: &Instants) -> Result<bool, CloudError> {
    let strategies = chosen(&args.strategy);
    let survey = Survey::of(&strategies)?;
    let drawn = instants::draw(&survey, &strategies, args.instants, args.seed, args.lost);
    let mut measured: Vec<Measured> = Vec::new();
    let mut failed = 0;
    let mut ends = Coverage::default();
    let (began, total) = (now(), drawn.len());
    pool::play_each(drawn.into_iter(), args.jobs, |run| {
        ends.take(&run);
        measured.extend(Measured::of(&run));
        if !run.problems.is_empty() {
            failed += 1;
            if failed <= STORIES {
                println!("{}", story::tell(&run));
            }
        }
    })?;
    println!("{}", instants::table(&measured));
    let seconds = now().duration_since(began).as_secs_f64();
    println!(
        "{total} instants, seed {}, {:.1} a second, {} turned traffic back, {failed} failed",
        args.seed,
        total as f64 / seconds.max(0.001),
        measured.len()
    );
    Ok(failed == 0)
}

#[expect(
    clippy::disallowed_methods,
    reason = "measures how many deployments it plays in real time"
)]
fn now() -> Instant {
    Instant::now()
}
