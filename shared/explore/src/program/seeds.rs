//! `explore --random`.

use std::sync::Arc;
use std::{panic, thread};

use clap::Args;
use tidegate_explore::random::Campaign;
use tidegate_explore::setting::Setting;
use tidegate_explore::way_back::Way;

use super::clock::Watch;
use super::{scaled, story, threads};

/// Runs between two looks at the clock.
const CHUNK: u64 = 4_000;

/// Which seeds to run.
#[derive(Debug, Clone, Copy, Args)]
#[group(id = "seeds")]
pub(crate) struct Options {
    /// How many runs; each is one to some deployments.
    #[arg(long, default_value_t = scaled(100_000))]
    pub(crate) runs: u64,
    /// The first seed; the same seed plays the same run.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads of the runs from seeds [default: one for each processor].
    #[arg(long)]
    pub(crate) jobs: Option<usize>,
    /// Lists what was not hit.
    #[arg(long)]
    pub(crate) missed: bool,
}

/// Runs seeds, prints the figures, and tells a run that fails.
pub(crate) fn run(settings: &[Arc<Setting>], options: &Options) -> bool {
    let (campaign, watch) = play(settings, options);
    let ended = campaign.covered.ended();
    println!(
        "from seeds: {} runs from seed {}, {ended} deployments, {} calls; deployments: {}",
        campaign.runs,
        options.seed,
        campaign.calls,
        watch.rate(ended)
    );
    println!("coverage: {}", campaign.covered);
    let unknown = campaign.covered.unknown_transitions();
    if !unknown.is_empty() {
        println!("transitions that no machine has: {}", unknown.join(", "));
    }
    if options.missed {
        let missed = campaign.covered.missed();
        println!(
            "not hit: {}",
            if missed.is_empty() {
                "nothing".to_owned()
            } else {
                missed.join(", ")
            }
        );
        println!("not hit, for a reason: {}", campaign.covered.spared().join("; "));
    }
    let prompt = Way::ALL.map(|way| returns(&campaign, way));
    if let Some(failed) = &campaign.failure {
        println!("FAILED: seed {}", failed.seed);
        story::seed(settings, failed.seed, false);
    }
    campaign.failure.is_none() && unknown.is_empty() && prompt.iter().all(|one| *one)
}

/// Says how long alarms took on one kind of way; false where that is too long.
fn returns(campaign: &Campaign, way: Way) -> bool {
    let Some(figures) = campaign.return_figures(way) else {
        return true;
    };
    println!("alarm to traffic back, {way}: {figures}");
    let within = figures.within(way);
    if !within {
        println!("FAILED: the bound is {:?} ms and functions", way.bound());
        for seed in figures.beyond(way) {
            story::say_again(&format!("--seed {seed} --whole"));
        }
    }
    within
}

fn play(settings: &[Arc<Setting>], options: &Options) -> (Campaign, Watch) {
    let jobs = threads(options.jobs) as u64;
    let mut watch = Watch::start();
    let mut whole = Campaign::default();
    let mut seed = options.seed;
    let end = options.seed.saturating_add(options.runs);
    while seed < end && whole.failure.is_none() {
        let each = CHUNK.min((end - seed).div_ceil(jobs));
        let shares = (0..jobs).map(|job| {
            let first = seed.saturating_add(job * each).min(end);
            (first, each.min(end - first))
        });
        let shares: Vec<(u64, u64)> = shares.collect();
        thread::scope(|scope| {
            let run = |(first, runs)| {
                scope.spawn(move || {
                    let mut campaign = Campaign::default();
                    campaign.run_all(settings, first, runs, None);
                    campaign
                })
            };
            let running: Vec<_> = shares.into_iter().map(run).collect();
            for one in running {
                match one.join() {
                    Ok(campaign) => whole.add(campaign),
                    Err(panicked) => panic::resume_unwind(panicked),
                }
            }
        });
        seed = seed.saturating_add(jobs * each).min(end);
        let ended = whole.covered.ended();
        let (done, all) = (whole.runs, options.runs);
        watch.sign(|| format!("from seeds: {done} of {all} runs, {ended} deployments"));
    }
    (whole, watch)
}
