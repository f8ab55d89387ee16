//! `ci`: a bounded part of everything, the same every time, with a code that says whether it holds.

use std::sync::Arc;

use clap::Args;
use tidegate_explore::setting::Setting;

use super::{Outcome, aim, interleave, plants, scaled, seeds, threads};

/// How much. A debug build plays a fiftieth from seeds and of the clocks: it is that much slower.
#[derive(Debug, Args)]
#[group(id = "ci")]
pub(crate) struct Options {
    #[command(flatten)]
    seeds: seeds::Options,
    /// About so many scripts with clocks that are off.
    #[arg(long, default_value_t = scaled(60_000))]
    clocks: u64,
    /// Seconds for the interleavings.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Which small setting is interleaved: calm, alarm, person, pushes, zombie or all.
    #[arg(long, default_value = "zombie")]
    model: String,
}

/// Everything, also after something was found: one run shows all that is wrong.
pub(crate) fn run(settings: &[Arc<Setting>], options: &Options) -> Outcome {
    let random = seeds::run(settings, &options.seeds);
    println!();
    let aimed = aim::run(settings);
    let clocks = aim::ClockOptions {
        clocks: Some(options.clocks),
    };
    let clocks = aim::clocks(settings, &clocks);
    println!();
    let interleaved = interleave::run(&interleave::Options {
        seconds: options.seconds,
        threads: Some(threads(options.seeds.jobs).min(2)),
        model: options.model.clone(),
    })?;
    println!();
    let planted = plants::run(settings);
    Ok(random && aimed && clocks && interleaved && planted)
}
