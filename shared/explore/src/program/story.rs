//! `replay`: one run in full.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use tidegate_core::invariants::Violation;
use tidegate_explore::aimed;
use tidegate_explore::hunt::{Prey, Source};
use tidegate_explore::random::drawn;
use tidegate_explore::script::Script;
use tidegate_explore::setting::Setting;
use tidegate_explore::shrink;

/// Which run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The run of a seed.
    #[arg(long, required_unless_present = "list", conflicts_with = "list")]
    seed: Option<u64>,
    /// A listed script, of this list.
    #[arg(long, value_enum, requires = "number")]
    list: Option<List>,
    /// The script of this number, from 0.
    #[arg(long)]
    number: Option<u64>,
    /// The setting of a listed script.
    #[arg(long, default_value = "canary")]
    setting: String,
    /// Leaves nothing out: does not make a failing run smaller first.
    #[arg(long)]
    whole: bool,
}

/// Scripts that are listed, not drawn.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum List {
    /// One fault at every call, without and with an alarm after it.
    Aimed,
    /// Clocks that are off beside late functions.
    Clocks,
    /// Alarms that clear before anyone looks.
    Cleared,
    /// Sweeps that are held up beside a push.
    LateSweep,
}

impl List {
    fn script(self, setting: &Arc<Setting>, number: u64) -> Option<Script> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        match self {
            Self::Aimed => aimed::scripts(setting).nth(number),
            Self::Clocks => aimed::clock_scripts(setting).nth(number),
            Self::Cleared => aimed::cleared_scripts().nth(number),
            Self::LateSweep => aimed::late_sweep_scripts(setting).nth(number),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Aimed => "aimed",
            Self::Clocks => "clocks",
            Self::Cleared => "cleared",
            Self::LateSweep => "late-sweep",
        }
    }
}

/// Plays a run again; true where all is well.
pub(crate) fn replay(settings: &[Arc<Setting>], options: &Options) -> bool {
    if let Some(number) = options.seed {
        return seed(settings, number, options.whole);
    }
    let Some(setting) = settings.iter().find(|one| one.name == options.setting) else {
        let names: Vec<&str> = settings.iter().map(|one| one.name.as_str()).collect();
        println!(
            "there is no setting {}; there are {}",
            options.setting,
            names.join(", ")
        );
        return false;
    };
    let listed = options.list.zip(options.number);
    match listed.and_then(|(list, number)| list.script(setting, number)) {
        Some(script) => play(setting, script, options.whole),
        None => {
            println!("there is no script of that number");
            false
        }
    }
}

/// Plays the run of a seed again.
pub(crate) fn seed(settings: &[Arc<Setting>], seed: u64, whole: bool) -> bool {
    let Some((setting, script)) = drawn(settings, seed) else {
        return false;
    };
    let sound = play(&setting, script, whole);
    if !sound {
        say_again(&format!("--seed {seed}"));
    }
    sound
}

/// Tells a script that broke something, as small as it can be.
pub(crate) fn script(setting: &Arc<Setting>, script: Script, first: Option<&Violation>, again: &str) {
    if let Some(first) = first {
        println!("{first}");
    }
    play(setting, script, false);
    say_again(again);
}

/// What plays a run again that a planted bug led to.
pub(crate) fn again(prey: &Prey) -> String {
    let setting = &prey.setting;
    match prey.source {
        Source::Seed(seed) => format!("--seed {seed}"),
        Source::Aimed(number) => listed(setting, List::Aimed, number),
        Source::Clocks(number) => listed(setting, List::Clocks, number),
        Source::Cleared(number) => listed(setting, List::Cleared, number),
        Source::LateSweep(number) => listed(setting, List::LateSweep, number),
    }
}

/// What plays a listed script again.
pub(crate) fn listed(setting: &Setting, list: List, number: u64) -> String {
    format!(
        "--list {} --setting {} --number {number}",
        list.name(),
        setting.name
    )
}

pub(crate) fn say_again(arguments: &str) {
    println!("again: cargo run --profile bench-run -p tidegate-explore -- replay {arguments}");
}

fn play(setting: &Arc<Setting>, mut script: Script, whole: bool) -> bool {
    let (mut trace, mut found) = shrink::retell(setting, &script, None);
    if let Some(first) = found.first().filter(|_| !whole) {
        script = shrink::shrink(setting, &script, None, first.invariant);
        (trace, found) = shrink::retell(setting, &script, None);
    }
    println!("setting {}\n{script}\n{}", setting.name, trace.join("\n"));
    for violation in &found {
        println!("{violation}");
    }
    found.is_empty()
}
