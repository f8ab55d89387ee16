//! What has been played so far: progress while it runs, figures at the end.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tidegate_wire::coverage::Coverage;
use tidegate_wire::{Run, Upset, story};

use super::clock::Watch;

/// Stories of failing runs that are printed in full.
const STORIES: usize = 5;

/// Between two signs of life, on a terminal and elsewhere.
const SIGNS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];

/// What can be added up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Deployments.
    pub(crate) played: usize,
    /// Those that ended wrong.
    pub(crate) failed: usize,
    /// Those in which a fault did not happen, because its call was not made or was throttled already:
    /// they show nothing of it.
    pub(crate) unmet: usize,
}

impl Figures {
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            played: self.played + more.played,
            failed: self.failed + more.failed,
            unmet: self.unmet + more.unmet,
        }
    }
}

/// Takes runs in.
pub(crate) struct Board {
    pub(crate) coverage: Coverage,
    what: &'static str,
    /// How many there will be.
    total: usize,
    played: usize,
    unmet: usize,
    failed: Vec<String>,
    watch: Watch,
    told: Duration,
    terminal: bool,
}

impl Board {
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        Self {
            coverage: Coverage::default(),
            what,
            total,
            played: 0,
            unmet: 0,
            failed: Vec::new(),
            watch: Watch::start(),
            told: Duration::ZERO,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(crate) fn take(&mut self, run: &Run) {
        self.played += 1;
        self.coverage.take(run);
        let wanted = run.script.upsets.iter();
        let calls = wanted.filter(|upset| matches!(upset, Upset::Call(..))).count();
        self.unmet += usize::from(run.hits.len() < calls);
        if let Some(first) = run.problems.first() {
            if self.failed.len() < STORIES {
                println!("{}", story::tell(run));
            } else {
                println!("{}  {first}", run.script);
            }
            self.failed.push(run.script.to_string());
        }
        self.sign();
    }

    fn sign(&mut self) {
        let [often, seldom] = SIGNS;
        let pause = if self.terminal { often } else { seldom };
        let passed = self.watch.passed();
        if passed < self.told + pause {
            return;
        }
        self.told = passed;
        let (met, all) = self.coverage.share();
        let (start, end) = if self.terminal {
            ("\r\x1b[K", "")
        } else {
            ("", "\n")
        };
        eprint!(
            "{start}{}: {} of {} played, {}, {met} of {all} pairs of call site and fault met, {} failed{end}",
            self.what,
            self.played,
            self.total,
            self.watch.rate(self.played),
            self.failed.len()
        );
        std::io::stderr().flush().ok();
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            played: self.played,
            failed: self.failed.len(),
            unmet: self.unmet,
        }
    }

    /// Ends the progress line.
    fn quiet(&self) {
        if self.terminal && !self.told.is_zero() {
            eprintln!();
        }
    }

    /// The figures in one line, and how to see the first failure again; whether all went well.
    pub(crate) fn close(&self, seed: u64) -> bool {
        self.quiet();
        println!(
            "{}: {} deployments, {}, seed {seed}, {} failed; {}",
            self.what,
            self.played,
            self.watch.rate(self.played),
            self.failed.len(),
            self.coverage.ends()
        );
        if self.unmet > 0 {
            println!(
                "in {} of them a fault was not reached: they are no passes",
                self.unmet
            );
        }
        for script in self.failed.iter().take(STORIES) {
            println!("  again: cargo run --profile bench-run -p tidegate-wire -- tell \"{script}\"");
        }
        self.failed.is_empty()
    }
}
