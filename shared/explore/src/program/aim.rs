//! `aimed` and `clocks`: scripts that are listed, not drawn.

use std::sync::Arc;

use clap::Args;
use tidegate_explore::aimed::{self, Broken};
use tidegate_explore::coverage::Covered;
use tidegate_explore::script::Script;
use tidegate_explore::setting::Setting;

use super::clock::Watch;
use super::story::{self, List};

/// Which clock scripts to run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ClockOptions {
    /// About so many of them, spread over all [default: all].
    #[arg(long)]
    pub(crate) clocks: Option<u64>,
}

/// One fault at every call.
pub(crate) fn run(settings: &[Arc<Setting>]) -> bool {
    let all = settings.iter().map(|setting| (setting, aimed::scripts(setting)));
    play("one fault at every call", List::Aimed, all)
}

/// Clocks that are off, on the way back of settings with a load balancer.
pub(crate) fn clocks(settings: &[Arc<Setting>], options: &ClockOptions) -> bool {
    let balanced: Vec<_> = settings.iter().filter(|one| one.balanced()).collect();
    let all = |setting| aimed::clock_scripts(setting).count() as u64;
    let total: u64 = balanced.iter().map(|setting| all(setting)).sum();
    let wanted = options.clocks.unwrap_or(total);
    // Drawn, not every n-th: the scripts are listed by call, and a stride would keep to some calls.
    let mut rng = fastrand::Rng::with_seed(1);
    let mut taken = move || rng.u64(0..total.max(1)) < wanted;
    // Every script keeps its number, so that it can be played again.
    let scripts = balanced.into_iter().map(|setting| {
        let chosen: Vec<bool> = (0..all(setting)).map(|_| taken()).collect();
        (setting, aimed::clock_scripts(setting), chosen)
    });
    let what = "clocks that are off beside late functions";
    let mut board = Board::new(what);
    for (setting, scripts, chosen) in scripts {
        let numbered = scripts.zip(0..).zip(chosen);
        let numbered = numbered.filter_map(|(one, chosen)| chosen.then_some(one));
        if !board.take(setting, List::Clocks, numbered) {
            break;
        }
    }
    board.close()
}

fn play<'a>(
    what: &'static str,
    list: List,
    all: impl Iterator<Item = (&'a Arc<Setting>, impl Iterator<Item = Script>)>,
) -> bool {
    let mut board = Board::new(what);
    for (setting, scripts) in all {
        if !board.take(setting, list, scripts.zip(0..)) {
            break;
        }
    }
    board.close()
}

/// What has been played so far.
struct Board {
    what: &'static str,
    runs: u64,
    covered: Covered,
    watch: Watch,
    sound: bool,
}

impl Board {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            runs: 0,
            covered: Covered::default(),
            watch: Watch::start(),
            sound: true,
        }
    }

    /// Plays scripts of a setting; false once one breaks something.
    fn take(
        &mut self,
        setting: &Arc<Setting>,
        list: List,
        scripts: impl Iterator<Item = (Script, u64)>,
    ) -> bool {
        for (script, number) in scripts {
            let (_, covered, broken) = aimed::run_scripts(setting, None, std::iter::once(script));
            self.runs += 1;
            self.covered.add(&covered);
            let (what, runs) = (self.what, self.runs);
            self.watch
                .sign(|| format!("{what}: {runs} runs, now {}", setting.name));
            if let Some(Broken { script, found, .. }) = broken {
                println!("FAILED: {}, script {number} of {}", self.what, setting.name);
                let again = story::listed(setting, list, number);
                story::script(setting, script, found.first(), &again);
                self.sound = false;
                return false;
            }
        }
        true
    }

    fn close(self) -> bool {
        let ended = self.covered.ended();
        println!(
            "{}: {} runs, {ended} deployments, {}",
            self.what,
            self.runs,
            self.watch.rate(ended)
        );
        self.sound
    }
}
