//! Which calls met which faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tidegate_local::faults::Site;

use crate::run::Run;
use crate::script::{Kind, Upset};

/// Counts by call site and kind of fault.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    sites: BTreeMap<Site, BTreeMap<Kind, u32>>,
    /// Sites that a run without faults comes by.
    clean: BTreeSet<Site>,
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
        if run.script.upsets.is_empty() {
            self.clean.extend(run.sites.iter().cloned());
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

    fn missing(&self) -> impl Iterator<Item = (&Site, Kind)> {
        self.sites.iter().flat_map(|(site, kinds)| {
            let left = Kind::ALL.into_iter().filter(|kind| !kinds.contains_key(kind));
            left.map(move |kind| (site, kind))
        })
    }

    /// How many pairs of a site that every clean run of its case comes by were not met.
    pub fn missing_of_clean_runs(&self) -> usize {
        self.missing()
            .filter(|(site, _)| self.clean.contains(*site))
            .count()
    }

    /// What was not met: how much, and on request which, a line for each call site.
    pub fn uncovered(&self, each: bool) -> String {
        let missing = self.missing().count();
        if missing == 0 {
            return "every fault was met at every call site\n".to_owned();
        }
        let rare = missing - self.missing_of_clean_runs();
        let mut text =
            format!("not met: {missing} pairs, {rare} of them at call sites that only a fault leads to");
        if !each {
            text.push_str(" (--uncovered lists them)\n");
            return text;
        }
        text.push('\n');
        let mut by_site: BTreeMap<&Site, Vec<&str>> = BTreeMap::new();
        for (site, kind) in self.missing() {
            by_site.entry(site).or_default().push(kind.name());
        }
        for (site, kinds) in by_site {
            let mark = if self.clean.contains(site) { ' ' } else { '*' };
            let kinds = kinds.join(" ");
            writeln!(text, " {mark}{:<16}{:<26}{kinds}", site.caller, site.operation).ok();
        }
        text.push_str(" * only a fault leads there\n");
        text
    }

    /// How the deployments ended.
    pub fn ends(&self) -> String {
        let exits: Vec<String> = self
            .exits
            .iter()
            .map(|(exit, count)| format!("{exit} {count}"))
            .collect();
        exits.join(", ")
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
        text
    }
}
