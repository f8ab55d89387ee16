//! An alarm at any instant: how many functions, state transitions and milliseconds until traffic is
//! back.

use std::fmt::Write as _;
use std::time::Duration;

use tidegate_core::exit::ExitState;

use crate::plan::Survey;
use crate::run::{Run, Setting};
use crate::script::{Case, Script, Way};
use crate::strategy::Strategy;

/// One instant and what followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Strategy.
    pub strategy: Strategy,
    /// Functions that ran.
    pub runs: u64,
    /// State transitions.
    pub transitions: u64,
    /// Virtual milliseconds.
    pub millis: u64,
}

impl Measured {
    /// What a run shows; nothing where the alarm came before any traffic or after the end.
    pub fn of(run: &Run) -> Option<Self> {
        let took = run.back_at?.duration_since(run.turned_at?);
        (run.exit == Some(ExitState::RolledBack)).then_some(())?;
        Some(Self {
            strategy: run.script.case.strategy,
            runs: run.runs_back as u64,
            transitions: run.transitions_back as u64,
            millis: u64::try_from(took.as_millis()).ok()?,
        })
    }
}

/// Draws instants between a deployment's first change and the end of its last bake.
pub fn draw(
    survey: &Survey,
    strategies: &[Strategy],
    count: usize,
    seed: u64,
    lost: bool,
) -> Vec<(Script, Setting)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut drawn = Vec::with_capacity(count);
    for index in 0..count {
        let Some(strategy) = strategies.get(index % strategies.len().max(1)).copied() else {
            break;
        };
        let clean = survey.clean(Case {
            strategy,
            way: Way::Forward,
        });
        let span =
            clean.and_then(|run| Some((run.since_push(run.first_change?), run.since_push(run.shift_done?))));
        let Some((first, last)) = span else { continue };
        let millis = |time: jiff::SignedDuration| u64::try_from(time.as_millis()).unwrap_or(0);
        let at = random.u64(millis(first)..millis(last).max(millis(first) + 1));
        let setting = Setting {
            turn_after: Some(Duration::from_millis(at)),
            lose_alarm_events: lost,
            ..Setting::default()
        };
        let case = Case {
            strategy,
            way: Way::Back,
        };
        drawn.push((Script::clean(case), setting));
    }
    drawn
}

/// Minimum, median, 95th and 99th percentile and maximum, by strategy and in all.
pub fn table(measured: &[Measured]) -> String {
    let mut text = format!(
        "{:<12}{:>8}  {:<32}{:<32}{}\n",
        "strategy", "instants", "functions min/p50/p95/p99/max", "transitions", "virtual ms"
    );
    let mut row = |name: &str, of: &[Measured]| {
        writeln!(
            text,
            "{name:<12}{:>8}  {:<32}{:<32}{}",
            of.len(),
            spread(of, |one| one.runs),
            spread(of, |one| one.transitions),
            spread(of, |one| one.millis)
        )
        .ok();
    };
    for strategy in Strategy::ALL {
        let of: Vec<Measured> = measured
            .iter()
            .filter(|one| one.strategy == strategy)
            .copied()
            .collect();
        if !of.is_empty() {
            row(strategy.name(), &of);
        }
    }
    row("all", measured);
    text
}

fn spread(of: &[Measured], value: impl Fn(&Measured) -> u64) -> String {
    let mut values: Vec<u64> = of.iter().map(value).collect();
    values.sort_unstable();
    let at = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
        values.get(rank).copied().unwrap_or(0)
    };
    format!("{}/{}/{}/{}/{}", at(0), at(50), at(95), at(99), at(100))
}
