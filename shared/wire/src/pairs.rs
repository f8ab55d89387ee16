//! Every pair of faults of one case, in parts that can be played one by one.
//!
//! The first fault is one of any call of the clean run; the second one is one of any call that the run
//! with the first fault makes after it, so also of what the first one leads to: a retry, a rollback, a
//! sweep that has more to do. Calls count until all is at rest; what follows are sweeps that find
//! nothing to do.
//!
//! Two kinds are one where a call only reads: to die before it reaches AWS and to die after it was
//! answered. Proof: both end the function at the same instant, when the request arrives (the answer is
//! never on its way); nothing in AWS is changed by a read ([`Site::reads`]); and nobody but the dead
//! function would have seen the answer. So the two worlds are equal from that instant on. It is not
//! only believed: for every such call of the clean run both are played and compared to the letter
//! ([`Pairs::differing`]). Nothing else is merged: whatever differs in time, or in what the caller sees,
//! is played.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::str::FromStr;

use tidegate_local::cloud::CloudError;
use tidegate_local::faults::Site;

use crate::plan::Survey;
use crate::pool;
use crate::run::{Run, Setting};
use crate::script::{Case, Kind, Script, Upset};

/// A share of the pairs: every `of`-th, so that each part is a sample of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    number: usize,
    of: usize,
}

impl Part {
    /// All pairs.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// The parts of a whole that is cut in so many.
    pub fn all(of: usize) -> impl Iterator<Item = Self> {
        (1..=of).map(move |number| Self { number, of })
    }

    /// How many of so many pairs it has.
    pub fn share(self, pairs: usize) -> usize {
        (pairs + self.of - self.number) / self.of
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// A text that is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read part `{0}`: it looks like 3/8")]
pub struct BadPart(String);

impl FromStr for Part {
    type Err = BadPart;

    fn from_str(text: &str) -> Result<Self, BadPart> {
        let read = || {
            let (number, of) = text.split_once('/')?;
            let (number, of) = (number.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&number).then_some(Self { number, of })
        };
        read().ok_or_else(|| BadPart(text.to_owned()))
    }
}

/// A first fault.
#[derive(Debug)]
struct First {
    call: u64,
    kind: Kind,
    /// Of the run with this fault, until rest: which calls only read.
    reads: Vec<bool>,
}

impl First {
    fn seconds(&self) -> impl Iterator<Item = (u64, Kind)> {
        let calls = self.reads.iter().zip(0_u64..);
        let later = calls.filter(|(_, number)| *number > self.call);
        later.flat_map(|(reads, number)| kinds(*reads).map(move |kind| (number, kind)))
    }
}

/// All pairs of a case.
#[derive(Debug)]
pub struct Pairs {
    case: Case,
    firsts: Vec<First>,
    merged: usize,
    differing: Vec<Script>,
}

/// What is kept of a run with one fault.
struct Single {
    reads: Vec<bool>,
    print: u64,
}

impl Pairs {
    /// Plays every single fault of a case, because the second faults are told by the calls that follow
    /// the first one; hands every run to `done`.
    ///
    /// # Errors
    /// Where a local cloud can't be made.
    pub fn of(
        survey: &Survey,
        case: Case,
        jobs: usize,
        mut done: impl FnMut(&Run) + Send,
    ) -> Result<Self, CloudError> {
        let sites: &[Site] = survey.clean(case).map_or(&[], Run::before_rest);
        let numbers = || sites.iter().zip(0_u64..);
        let setting = Setting {
            story: true,
            ..survey.setting(case)
        };
        let scripts = numbers().flat_map(|(_, number)| {
            let script = move |kind| Script {
                case,
                upsets: vec![Upset::Call(number, kind)],
            };
            Kind::ALL.map(|kind| (script(kind), setting.clone()))
        });
        let mut singles = BTreeMap::new();
        pool::play_each(scripts, jobs, |run| {
            done(&run);
            if let [Upset::Call(number, kind)] = run.script.upsets.as_slice() {
                singles.insert((*number, *kind), Single::of(&run));
            }
        })?;
        let mut pairs = Self {
            case,
            firsts: Vec::new(),
            merged: 0,
            differing: Vec::new(),
        };
        for (site, number) in numbers() {
            pairs.add(number, site.reads(), &mut singles);
        }
        Ok(pairs)
    }

    fn add(&mut self, number: u64, reads: bool, singles: &mut BTreeMap<(u64, Kind), Single>) {
        if reads {
            self.merged += 1;
            let print = |kind| singles.get(&(number, kind)).map(|single| single.print);
            if print(Kind::KillBefore) != print(Kind::KillAfter) {
                self.differing.push(Script {
                    case: self.case,
                    upsets: vec![Upset::Call(number, Kind::KillAfter)],
                });
            }
        }
        for kind in kinds(reads) {
            if let Some(single) = singles.remove(&(number, kind)) {
                self.firsts.push(First {
                    call: number,
                    kind,
                    reads: single.reads,
                });
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.firsts.iter().map(|first| first.seconds().count()).sum()
    }

    /// How many first faults there are.
    pub fn firsts(&self) -> usize {
        self.firsts.len()
    }

    /// At how many calls of the clean run two kinds were played as one second and one first fault.
    pub fn merged(&self) -> usize {
        self.merged
    }

    /// Reads at which dying before and dying after did not come to the same: none, or the merging is
    /// wrong.
    pub fn differing(&self) -> &[Script] {
        &self.differing
    }

    /// The scripts of a part.
    pub fn scripts(&self, part: Part) -> impl Iterator<Item = Script> {
        let all = self.firsts.iter().flat_map(|first| {
            let script = |(number, kind)| Script {
                case: self.case,
                upsets: vec![Upset::Call(first.call, first.kind), Upset::Call(number, kind)],
            };
            first.seconds().map(script)
        });
        all.skip(part.number - 1).step_by(part.of)
    }
}

impl Single {
    fn of(run: &Run) -> Self {
        Self {
            reads: run.before_rest().iter().map(Site::reads).collect(),
            print: print(run),
        }
    }
}

/// Everything that a run shows, but for the name of its fault, as one number; of a run that was played
/// for a story.
pub fn print(run: &Run) -> u64 {
    let mut hasher = DefaultHasher::new();
    let seen = (&run.told, &run.sites, run.exit, &run.problems);
    format!("{seen:?} {} {}", run.events, run.batches).hash(&mut hasher);
    hasher.finish()
}

/// The kinds that differ at a call.
fn kinds(reads: bool) -> impl Iterator<Item = Kind> {
    let all = Kind::ALL.into_iter();
    all.filter(move |kind| !reads || *kind != Kind::KillAfter)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::script::Way;
    use crate::strategy::Strategy;

    fn small() -> Pairs {
        let first = |call, kind, reads: &[bool]| First {
            call,
            kind,
            reads: reads.to_vec(),
        };
        Pairs {
            case: Case {
                strategy: Strategy::Shortest,
                way: Way::Forward,
            },
            firsts: vec![
                first(0, Kind::KillBefore, &[true, true, false]),
                first(1, Kind::Stall, &[true, true, false, false]),
            ],
            merged: 0,
            differing: Vec::new(),
        }
    }

    #[test]
    fn parts_are_disjoint_and_make_up_the_whole() {
        let pairs = small();
        let whole: Vec<String> = pairs.scripts(Part::WHOLE).map(|s| s.to_string()).collect();
        // A read and a write after the first; two writes after the second.
        assert_eq!(whole.len(), 6 + 7 + 7 + 7);
        assert_eq!(whole.len(), pairs.count());
        assert_eq!(whole.first().unwrap(), "shortest/0/kill-before,1/kill-before");
        assert_eq!(whole.last().unwrap(), "shortest/1/stall,3/straggle");
        assert!(!whole.contains(&"shortest/0/kill-before,1/kill-after".to_owned()));
        assert!(whole.contains(&"shortest/0/kill-before,2/kill-after".to_owned()));
        for of in [2, 4, 50] {
            let mut joined = Vec::new();
            for part in Part::all(of) {
                let scripts: Vec<String> = pairs.scripts(part).map(|s| s.to_string()).collect();
                assert_eq!(scripts.len(), part.share(whole.len()), "{part}");
                joined.extend(scripts);
            }
            joined.sort();
            let mut sorted = whole.clone();
            sorted.sort();
            assert_eq!(joined, sorted);
        }
    }

    #[test]
    fn a_part_reads_as_it_is_written() {
        assert_eq!("3/8".parse::<Part>().unwrap().to_string(), "3/8");
        for text in ["", "3", "0/8", "9/8", "1/0", "a/b"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
