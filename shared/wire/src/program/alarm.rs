//! `alarm`.

use clap::Args;
use tidegate_wire::instants::{self, Measured};
use tidegate_wire::plan::Survey;
use tidegate_wire::{Strategy, pool};

use super::board::Board;
use super::{Common, Outcome, chosen, strategy};

/// Which instants to try.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many.
    #[arg(long, default_value_t = 1000)]
    instants: usize,
    /// Only this strategy; can be given more than once.
    #[arg(long, value_parser = strategy)]
    strategy: Vec<Strategy>,
    /// No alarm event is ever delivered: the sweep must find it.
    #[arg(long)]
    lost: bool,
    #[command(flatten)]
    common: Common,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let strategies = chosen(&options.strategy);
    let survey = Survey::of(&strategies)?;
    play(
        &survey,
        &strategies,
        options.instants,
        options.lost,
        options.common,
    )
}

/// Plays instants, prints the figures, and says whether all kept their bounds.
pub(super) fn play(
    survey: &Survey,
    strategies: &[Strategy],
    count: usize,
    lost: bool,
    common: Common,
) -> Outcome {
    let drawn = instants::draw(survey, strategies, count, common.seed, lost);
    let what = if lost {
        "alarms, their events lost"
    } else {
        "alarms"
    };
    let mut board = Board::new(what, drawn.len());
    let mut measured: Vec<Measured> = Vec::new();
    let mut slow: Vec<String> = Vec::new();
    pool::play_each(drawn.into_iter(), common.jobs(), |run| {
        board.take(&run);
        let Some(one) = Measured::of(&run) else { return };
        slow.extend(one.beyond(lost).map(|why| {
            let after = run.turned_at.map_or(0.0, |at| run.since_push(at).as_secs_f64());
            format!("{}, alarm {after:.3} s after the push: {why}", run.script)
        }));
        measured.push(one);
    })?;
    println!("{}", instants::table(&measured, lost));
    for line in slow.iter().take(10) {
        println!("too slow: {line}");
    }
    println!(
        "{} turned traffic back, {} beyond the bounds",
        measured.len(),
        slow.len()
    );
    Ok(board.close(common.seed) && slow.is_empty())
}
