//! `pairs`: every pair of faults of one case, in parts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_wire::pairs::{Pairs, Part};
use tidegate_wire::plan::Survey;
use tidegate_wire::{Case, Kind, Script, pool};

use super::board::{Board, Figures};
use super::{Common, Outcome};

/// Which pairs to play.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Strategy and way, such as `shortest`, `shortest+alarm` or `rolling`.
    #[arg(long, default_value = "shortest", value_parser = case)]
    case: Case,
    /// Only this part, such as `3/8`: every eighth pair, beginning with the third.
    #[arg(long, conflicts_with = "parts")]
    part: Option<Part>,
    /// In so many parts, one after the other.
    #[arg(long, default_value_t = 1)]
    parts: usize,
    /// Keeps the figures of every part that was played in this file; parts that are in it already are
    /// not played again, but count.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Says only how many pairs there are.
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    common: Common,
}

fn case(text: &str) -> Result<Case, String> {
    let script: Script = text.parse().map_err(|error| format!("{error}"))?;
    if script.upsets.is_empty() {
        Ok(script.case)
    } else {
        Err("a case has no faults: it looks like shortest+alarm".to_owned())
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let survey = Survey::of(&[options.case.strategy])?;
    let jobs = options.common.jobs();
    let calls = survey
        .clean(options.case)
        .map_or(0, |run| run.before_rest().len());
    let mut board = Board::new("single faults", calls * Kind::ALL.len());
    let pairs = Pairs::of(&survey, options.case, jobs, |run| board.take(run))?;
    if let Some(clean) = survey.clean(options.case) {
        println!(
            "{}: {} calls until all is at rest, {} with the last sweep; {} first faults, {} pairs",
            options.case,
            clean.until_rest,
            clean.sites.len(),
            pairs.firsts(),
            pairs.count()
        );
    }
    println!(
        "dying before and after a read is one: played both ways and compared at {} reads, {} differ",
        pairs.merged(),
        pairs.differing().len()
    );
    for script in pairs.differing() {
        println!("  differs from kill-before: {script}");
    }
    let sound = board.close(options.common.seed) && pairs.differing().is_empty();
    if options.count {
        return Ok(sound);
    }
    let parts: Vec<Part> = match options.part {
        Some(part) => vec![part],
        None => Part::all(options.parts.max(1)).collect(),
    };
    let sum = play(&pairs, &survey, &parts, options)?;
    println!(
        "all {} parts: {} of {} pairs played, {} failed; in {} the second fault was not reached: these are no passes",
        parts.len(),
        sum.played,
        pairs.count(),
        sum.failed,
        sum.unmet
    );
    Ok(sound && sum.failed == 0)
}

/// Plays the parts that are not in the record, and sums up all.
fn play(
    pairs: &Pairs,
    survey: &Survey,
    parts: &[Part],
    options: &Options,
) -> Result<Figures, tidegate_local::cloud::CloudError> {
    let mut record = Record::read(options.record.as_deref(), options.case, pairs.count());
    let mut sum = Figures::default();
    for part in parts {
        if let Some(known) = record.parts.get(&part.to_string()) {
            println!("part {part}: played before, {} failed", known.failed);
            sum = sum.and(*known);
            continue;
        }
        let mut board = Board::new("pairs", part.share(pairs.count()));
        let scripts = pairs.scripts(*part);
        pool::play_all(scripts, survey, options.common.jobs(), |run| board.take(&run))?;
        println!("part {part}:\n{}", board.coverage.table());
        board.close(options.common.seed);
        sum = sum.and(board.figures());
        if let Err(error) = record.add(*part, board.figures()) {
            println!("failed to keep the figures of part {part}: {error}");
        }
    }
    Ok(sum)
}

/// What was played before, a line for each part.
struct Record<'a> {
    path: Option<&'a Path>,
    /// Which pairs the lines are of: those of another build are not taken.
    of: String,
    parts: BTreeMap<String, Figures>,
}

impl<'a> Record<'a> {
    fn read(path: Option<&'a Path>, case: Case, count: usize) -> Self {
        let of = format!("{case} {count}");
        let text = path
            .and_then(|path| fs::read_to_string(path).ok())
            .unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(&of)?.strip_prefix(' ')?;
            let mut words = rest.split(' ');
            let part = words.next()?.to_owned();
            let mut number = || words.next()?.parse().ok();
            let figures = Figures {
                played: number()?,
                failed: number()?,
                unmet: number()?,
            };
            Some((part, figures))
        });
        Self {
            path,
            parts: lines.collect(),
            of,
        }
    }

    fn add(&mut self, part: Part, figures: Figures) -> io::Result<()> {
        let Some(path) = self.path else {
            return Ok(());
        };
        let mut text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let Figures {
            played,
            failed,
            unmet,
        } = figures;
        text.push_str(&format!("{} {part} {played} {failed} {unmet}\n", self.of));
        fs::write(path, text)
    }
}
