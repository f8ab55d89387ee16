//! An alarm at any instant: how many functions, state transitions and milliseconds until traffic is
//! back.

use std::fmt::Write as _;
use std::time::Duration;

use tidegate_core::exit::ExitState;

use crate::plan::Survey;
use crate::run::{Run, Setting};
use crate::script::{Case, Script, Way};
use crate::strategy::Strategy;

/// At most so many functions run from an alarm's event until traffic is back.
const FUNCTIONS: u64 = 3;

/// At most so long from an alarm's event until traffic is back, virtual milliseconds.
const MILLIS: u64 = 1000;

/// Between two sweeps, as `infra/template.yaml` has it, milliseconds.
const SWEEP: u64 = 60_000;

/// One instant and what followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Strategy.
    pub strategy: Strategy,
    /// Functions that ran.
    pub runs: u64,
    /// State transitions.
    pub transitions: u64,
    /// Virtual milliseconds until the rule had its weights back, or ECS its orders.
    pub millis: u64,
    /// Virtual milliseconds until the old version served alone, with all its tasks.
    pub served_millis: u64,
}

impl Measured {
    /// What a run shows; nothing where the alarm came before any traffic or after the end.
    pub fn of(run: &Run) -> Option<Self> {
        let turned = run.turned_at?;
        let millis = |at: jiff::Timestamp| u64::try_from(at.duration_since(turned).as_millis()).ok();
        (run.exit == Some(ExitState::RolledBack)).then_some(())?;
        Some(Self {
            strategy: run.script.case.strategy,
            runs: run.runs_back as u64,
            transitions: run.transitions_back as u64,
            millis: millis(run.back_at?)?,
            served_millis: millis(run.served_at?)?,
        })
    }

    /// Which bound it broke, in words. Where the event is lost, a sweep comes first.
    pub fn beyond(&self, lost: bool) -> Option<String> {
        let most = if lost { SWEEP + MILLIS } else { MILLIS };
        if self.millis > most {
            Some(format!("{} ms, at most {most} are allowed", self.millis))
        } else if self.runs > FUNCTIONS && !lost {
            Some(format!(
                "{} functions, at most {FUNCTIONS} are allowed",
                self.runs
            ))
        } else {
            None
        }
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

/// Minimum, median, 95th and 99th percentile and maximum, by strategy, and in all.
pub fn table(measured: &[Measured], lost: bool) -> String {
    let mut text = format!(
        "{:<12}{:>8}  {:<22}{:<22}{:<32}{}\n{:<22}{}\n",
        "strategy",
        "instants",
        "functions",
        "transitions",
        "ms to the rule's weights or",
        "ms until the old version",
        "",
        "min/p50/p95/p99/max in each          ECS's orders                    serves alone, in full"
    );
    let mut row = |name: &str, of: &[Measured]| {
        if of.is_empty() {
            return;
        }
        writeln!(
            text,
            "{name:<12}{:>8}  {:<22}{:<22}{:<32}{}",
            of.len(),
            spread(of, |one| one.runs),
            spread(of, |one| one.transitions),
            spread(of, |one| one.millis),
            spread(of, |one| one.served_millis)
        )
        .ok();
    };
    let some = |wanted: &dyn Fn(Strategy) -> bool| -> Vec<Measured> {
        let of = measured.iter().filter(|one| wanted(one.strategy));
        of.copied().collect()
    };
    for strategy in Strategy::ALL {
        row(strategy.name(), &some(&|one| one == strategy));
    }
    row("by weights", &some(&Strategy::weighted));
    row("by tasks", &some(&|one| !one.weighted()));
    row("all", measured);
    text.push_str(FOOTNOTE);
    if lost {
        text.push_str("Alarm events were lost: the sweep found the alarms, once a minute.\n");
    }
    text
}

/// Why some figures are of another size.
const FOOTNOTE: &str = "\
With a listener rule (bluegreen, canary, linear) the old tasks still run, and traffic is back with the
rule's weights. Without one (recreate, rolling, tasks) Tidegate tells ECS to run the old version, and
the rest is ECS's own work: it pulls the image, starts tasks and waits for their health checks.
";

fn spread(of: &[Measured], value: impl Fn(&Measured) -> u64) -> String {
    let mut values: Vec<u64> = of.iter().map(value).collect();
    values.sort_unstable();
    let at = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
        values.get(rank).copied().unwrap_or(0)
    };
    format!("{}/{}/{}/{}/{}", at(0), at(50), at(95), at(99), at(100))
}
