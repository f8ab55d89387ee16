//! `explore --exhaustive`.

use std::time::Duration;

use clap::Args;
use tidegate_explore::exhaustive;

use super::clock::Watch;
use super::{Outcome, threads};

/// Which interleavings to explore.
#[derive(Debug, Clone, Args)]
#[group(id = "interleave")]
pub(crate) struct Options {
    /// Of the interleavings: stop after so many seconds.
    #[arg(long, default_value_t = 600)]
    pub(crate) seconds: u64,
    /// Threads of the interleavings [default: one for each processor].
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// Which small setting is interleaved: calm, alarm, person, pushes, zombie or all.
    #[arg(long, default_value = "zombie")]
    pub(crate) model: String,
}

/// Explores, and tells the way to what is broken.
pub(crate) fn run(options: &Options) -> Outcome {
    let most = Duration::from_secs(options.seconds);
    let mut watch = Watch::start();
    let threads = threads(options.threads);
    let report = exhaustive::explore(&options.model, threads, most, |report| {
        watch.sign(|| {
            let (unique, parts) = (report.unique, report.parts);
            format!(
                "interleavings of {}: {unique} unique states, {parts} parts",
                options.model
            )
        });
    })?;
    println!(
        "interleavings of {} on {threads} threads: {report}",
        options.model
    );
    if !report.fine() {
        println!(
            "again: cargo run --profile bench-run -p tidegate-explore -- explore --exhaustive --model {} --seconds {} --threads 1",
            options.model, options.seconds
        );
    }
    Ok(report.fine())
}
