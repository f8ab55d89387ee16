//! `tidegate simulate`: what a deployment file leads to, before anything is deployed.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use tidegate_core::spec::{self, Document, MAX_BYTES};
use tidegate_explore::simulate::{Answer, Options, StepAnswer, WishedFault, simulate};

use super::lint::errors_text;
use crate::context::Context;
use crate::output::note;
use crate::source;
use crate::status::{CliError, Status};

/// Which file, and what goes wrong.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Deployment file, or `-` for stdin.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many random runs.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub runs: u32,
    /// Seed of the random runs: the same seed gives the same answer.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Requests that the service gets in a minute.
    #[arg(long, value_name = "N", default_value_t = 6000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub requests: u32,
    /// What goes wrong in every random run: alarm@WEIGHT, crash, throttle, lost-reply, pause, errors
    /// or unhealthy. Drawn at random where none is given.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<WishedFault>,
}

/// Simulates.
///
/// # Errors
/// The file can't be read.
pub fn run(args: &SimulateArgs, cx: &Context) -> Result<Status, CliError> {
    let bytes = source::read(&args.file, MAX_BYTES)?;
    let name = source::name(&args.file);
    let parsed = match spec::parse_bytes(&name, &bytes) {
        Ok(Document::Target(parsed)) => parsed,
        Ok(Document::Regions(_)) => {
            note(&format!("{name}: {}", spec::REGIONS_NOT_BUILT));
            return Ok(Status::Failed);
        }
        Err(errors) => {
            note(&errors_text(&errors, cx));
            return Ok(Status::Failed);
        }
    };
    let options = Options {
        runs: args.runs,
        seed: args.seed,
        requests: args.requests,
        faults: args.faults.clone(),
    };
    let answer = simulate(&parsed.spec, &parsed.hash, &options)
        .map_err(|error| CliError::Failed(format!("failed to simulate {name}: {error}")))?;
    cx.out.show(&answer, || words(&answer))?;
    Ok(if answer.fine() { Status::Ok } else { Status::Failed })
}

fn words(answer: &Answer) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{words}");
    };
    match answer.calm_seconds {
        Some(seconds) => line(format!(
            "When all goes well it completes after {}.",
            span(seconds)
        )),
        None => line(format!(
            "When all goes well it still ends as {}.",
            answer.calm_exit
        )),
    }
    for step in &answer.steps {
        line(step_words(step));
    }
    if answer.runs > 0 {
        line(format!("{} random runs, seed {}:", answer.runs, answer.seed));
        for (exit, count) in &answer.exits {
            line(format!("  {count:>7} {exit}"));
        }
    }
    if let (Some(median), Some(most)) = (answer.median_seconds, answer.p95_seconds) {
        line(format!(
            "Those that completed took {} in the middle, {} at the 95th percentile.",
            span(median),
            span(most)
        ));
    }
    for problem in &answer.problems {
        line(format!("❌ {problem}"));
    }
    for violation in &answer.violations {
        line(format!(
            "❌ a defect of Tidegate, please report it with the seed: {violation}"
        ));
    }
    text.trim_end().to_owned()
}

fn step_words(step: &StepAnswer) -> String {
    let seconds = |ms: i64| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
    let weight = step.weight;
    if step.too_short {
        return format!("  At {weight} % there is no time for an alarm: the next step follows at once.");
    }
    match (step.traffic_back_ms, step.traffic_back_without_event_ms) {
        (Some(told), Some(untold)) => format!(
            "  An alarm at {weight} % brings the traffic back in {}, or in {} if its event is lost; it \
             ends as {}.",
            seconds(told),
            seconds(untold),
            step.exit
        ),
        (_, _) => format!("  An alarm at {weight} % ends it as {}.", step.exit),
    }
}

fn span(seconds: i64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        assert_eq!(span(59), "59 s");
        assert_eq!(span(61), "1 min 1 s");
        assert_eq!(span(7_260), "2 h 1 min");
    }

    #[test]
    fn a_step_without_time_is_told_so() {
        let step = StepAnswer {
            weight: 100,
            traffic_back_ms: None,
            traffic_back_without_event_ms: None,
            exit: "Completed".to_owned(),
            too_short: true,
        };
        assert!(step_words(&step).contains("no time for an alarm"));
    }
}
