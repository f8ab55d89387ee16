//! Which calls met which faults.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_local::faults::Site;

use crate::run::Run;
use crate::script::{Kind, Upset};

/// Counts by call site and kind of fault.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    sites: BTreeMap<Site, BTreeMap<Kind, u32>>,
    exits: BTreeMap<&'static str, u32>,
    runs: u32,
}

impl Coverage {
    /// Takes a run in.
    pub fn take(&mut self, run: &Run) {
        self.runs += 1;
        for site in &run.sites {
            if !self.sites.contains_key(site) {
                self.sites.insert(site.clone(), BTreeMap::new());
            }
        }
        for hit in &run.hits {
            let kind = run.script.upsets.iter().find_map(|upset| match upset {
                Upset::Call(number, kind) if *number == hit.number => Some(*kind),
                Upset::Call(..) | Upset::Event(..) | Upset::Batch(..) => None,
            });
            if let Some(kind) = kind {
                *self
                    .sites
                    .entry(hit.site.clone())
                    .or_default()
                    .entry(kind)
                    .or_default() += 1;
            }
        }
        let exit = run.exit.map_or("none", |exit| exit.as_str());
        *self.exits.entry(exit).or_default() += 1;
    }

    /// Pairs of call site and kind that were met, and how many there are.
    pub fn share(&self) -> (usize, usize) {
        let met = self.sites.values().map(BTreeMap::len).sum();
        (met, self.sites.len() * Kind::ALL.len())
    }

    /// Pairs that were not met, in words.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (site, kinds) in &self.sites {
            for kind in Kind::ALL.iter().filter(|kind| !kinds.contains_key(kind)) {
                missing.push(format!("{}: {} {}", site.caller, site.operation, kind.name()));
            }
        }
        missing
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut text = format!("{:<16}{:<26}", "function", "operation");
        for kind in Kind::ALL {
            write!(text, "{:>14}", kind.name()).ok();
        }
        text.push('\n');
        for (site, kinds) in &self.sites {
            write!(text, "{:<16}{:<26}", site.caller, site.operation).ok();
            for kind in Kind::ALL {
                write!(text, "{:>14}", kinds.get(&kind).copied().unwrap_or(0)).ok();
            }
            text.push('\n');
        }
        let (met, all) = self.share();
        writeln!(
            text,
            "\n{met} of {all} pairs of call site and fault were met in {} runs",
            self.runs
        )
        .ok();
        let exits: Vec<String> = self
            .exits
            .iter()
            .map(|(exit, count)| format!("{exit} {count}"))
            .collect();
        writeln!(text, "ends: {}", exits.join(", ")).ok();
        text
    }
}
