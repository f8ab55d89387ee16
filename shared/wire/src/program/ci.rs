//! `ci`: a bounded part of everything, the same every time, with a code that says whether it holds.

use clap::Args;
use tidegate_wire::plan::{Survey, sample};
use tidegate_wire::{Case, Script, Strategy, pool};

use super::board::Board;
use super::{Common, Outcome, alarm};

/// How much. A debug build plays a tenth: it is that much slower.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Single faults; without it, as many as it takes to meet every fault at every call site
    /// [default in a debug build: 80].
    #[arg(long)]
    singles: Option<usize>,
    /// Deliveries that are dropped, doubled, delayed or overtaken.
    #[arg(long, default_value_t = scaled(400))]
    deliveries: usize,
    /// Pairs of faults.
    #[arg(long, default_value_t = scaled(600))]
    pairs: usize,
    /// Alarms at random instants.
    #[arg(long, default_value_t = scaled(1200))]
    instants: usize,
    /// Alarms at random instants whose events are lost.
    #[arg(long, default_value_t = scaled(240))]
    lost: usize,
    /// Lists the pairs of call site and fault that were not met.
    #[arg(long)]
    uncovered: bool,
    #[command(flatten)]
    common: Common,
}

const fn scaled(count: usize) -> usize {
    if cfg!(debug_assertions) { count / 10 } else { count }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let Common { seed, .. } = options.common;
    let survey = Survey::make()?;
    let bounded = options.singles.or(cfg!(debug_assertions).then_some(80));
    let mut scripts: Vec<Script> = survey.covering(seed);
    let wanted = scripts.len();
    if let Some(count) = bounded {
        scripts = sample(scripts, count, seed);
    }
    let deliveries = Case::all().into_iter().flat_map(|case| survey.events(case));
    scripts.extend(sample(deliveries.collect(), options.deliveries, seed));
    scripts.extend(survey.drawn_pairs(options.pairs, seed));

    let mut board = Board::new("faults", scripts.len() + survey.runs().count());
    survey.runs().for_each(|run| board.take(run));
    pool::play_all(scripts.into_iter(), &survey, options.common.jobs(), |run| {
        board.take(&run);
    })?;
    println!("{}", board.coverage.table());
    println!("{}", board.coverage.uncovered(options.uncovered));
    let missed = board.coverage.missing_of_clean_runs();
    let covered = bounded.is_some() || missed == 0;
    if !covered {
        println!("{missed} of {wanted} faults that were planned did not happen: the plan is wrong");
    }
    let sound = board.close(seed);
    println!();
    let prompt = alarm::play(&survey, &Strategy::ALL, options.instants, false, options.common)?;
    println!();
    let found = alarm::play(&survey, &Strategy::ALL, options.lost, true, options.common)?;
    Ok(sound && covered && prompt && found)
}
