//! `run` and `tell`.

use clap::Args;
use tidegate_wire::plan::{Survey, sample};
use tidegate_wire::run::Setting;
use tidegate_wire::{Case, Script, Strategy, play_script, pool, story};

use super::board::Board;
use super::{Common, Outcome, chosen, strategy};

/// Which faults to play.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this strategy; can be given more than once.
    #[arg(long, value_parser = strategy)]
    strategy: Vec<Strategy>,
    /// Only so many of the single faults, drawn with the seed.
    #[arg(long)]
    singles: Option<usize>,
    /// So many pairs of faults, drawn with the seed.
    #[arg(long, default_value_t = 0)]
    pairs: usize,
    /// No single faults and no deliveries: pairs only.
    #[arg(long)]
    pairs_only: bool,
    /// Lists the pairs of call site and fault that were not met.
    #[arg(long)]
    uncovered: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn tell(script: &Script) -> Outcome {
    let survey = Survey::of(&[script.case.strategy])?;
    let setting = Setting {
        story: true,
        ..survey.setting(script.case)
    };
    let run = play_script(script, &setting)?;
    println!("{}", story::tell(&run));
    Ok(run.problems.is_empty())
}

pub(crate) fn run(options: &Options) -> Outcome {
    let survey = Survey::of(&chosen(&options.strategy))?;
    let cases: Vec<Case> = survey.runs().map(|run| run.script.case).collect();
    let seed = options.common.seed;
    let mut scripts = Vec::new();
    if !options.pairs_only {
        let singles: Vec<Script> = cases.iter().flat_map(|case| survey.singles(*case)).collect();
        scripts = match options.singles {
            Some(count) => sample(singles, count, seed),
            None => singles,
        };
        scripts.extend(cases.iter().flat_map(|case| survey.events(*case)));
    }
    scripts.extend(survey.drawn_pairs(options.pairs, seed));
    let mut board = Board::new("faults", scripts.len() + cases.len());
    for run in survey.runs() {
        println!(
            "{:<16} {} calls, {} events, {} batches, ends as {}",
            run.script.case.to_string(),
            run.sites.len(),
            run.events,
            run.batches,
            run.exit.map_or("nothing", |exit| exit.as_str())
        );
        board.take(run);
    }
    pool::play_all(scripts.into_iter(), &survey, options.common.jobs(), |run| {
        board.take(&run)
    })?;
    println!("\n{}", board.coverage.table());
    println!("{}", board.coverage.uncovered(options.uncovered));
    Ok(board.close(seed))
}
