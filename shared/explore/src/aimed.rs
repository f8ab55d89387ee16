//! One fault at every single call of a calm run, with an alarm right after it: nothing is left to
//! chance.

use std::sync::Arc;

use crate::coverage::Covered;
use crate::plant::Plant;
use crate::script::{Delivery, Fault, FaultKind, Script, Stimulus, What};
use crate::setting::{Ms, Setting};
use crate::verdict::Depth;
use crate::world::World;
use tidegate_core::invariants::Violation;

/// What is tried at each call.
pub const KINDS: [FaultKind; 6] = [
    FaultKind::CrashBefore,
    FaultKind::CrashAfter,
    FaultKind::ReplyLost,
    FaultKind::Throttled,
    FaultKind::Pause { ms: 30_000 },
    // Past the function's timeout: the call is under way and lands late.
    FaultKind::Pause { ms: 71_000 },
];

/// A run in which all goes well, and people agree where that is what makes it interesting.
fn calm(approves: bool) -> Script {
    Script {
        approves,
        ..Script::calm()
    }
}

/// When each call of a calm run is made.
pub fn call_times(setting: &Arc<Setting>) -> Vec<Ms> {
    let mut world = World::new(setting, &Arc::new(calm(setting.seldom)), None);
    world.call_times = Some(Vec::new());
    world.run();
    world.call_times.unwrap_or_default()
}

/// Every script with one fault, without and with an alarm right after it.
pub fn scripts(setting: &Arc<Setting>) -> impl Iterator<Item = Script> + use<> {
    let calls = call_times(setting).into_iter().zip(0_u32..);
    let approves = setting.seldom;
    calls.flat_map(move |(at, call)| {
        KINDS.into_iter().flat_map(move |kind| {
            [None, Some(at + 500)].into_iter().map(move |alarm| {
                let mut script = calm(approves);
                script.faults.push(Fault { call, kind });
                script.stimuli.extend(alarm.map(|at| Stimulus {
                    at,
                    what: What::Alarm {
                        delivery: Delivery::PROMPT,
                    },
                }));
                script
            })
        })
    })
}

/// How far a clock is off in [`clock_scripts`]: further than old functions are waited out.
const OFF_MS: [Ms; 2] = [-120_000, 120_000];

/// Of the calls after an alarm, so many are tried.
const CALLS_BACK: u32 = 36;

/// A function that goes on after its time while an alarm takes the traffic back, and on the way back
/// a clock that is off and a lost answer, at every pair of calls.
pub fn clock_scripts(setting: &Arc<Setting>) -> impl Iterator<Item = Script> + use<> {
    let calls = call_times(setting).into_iter().zip(0_u32..);
    let approves = setting.seldom;
    calls.flat_map(move |(at, late)| {
        OFF_MS.into_iter().flat_map(move |ms| {
            (late + 1..late + CALLS_BACK).flat_map(move |off| {
                (off..late + CALLS_BACK).map(move |lost| {
                    let mut script = calm(approves);
                    let fault = |call, kind| Fault { call, kind };
                    script.faults = vec![
                        fault(late, FaultKind::Pause { ms: 71_000 }),
                        fault(off, FaultKind::Skew { ms }),
                        fault(lost, FaultKind::ReplyLost),
                    ];
                    script.stimuli.push(Stimulus {
                        at: at + 500,
                        what: What::Alarm {
                            delivery: Delivery::PROMPT,
                        },
                    });
                    script
                })
            })
        })
    })
}

/// The alarm fires once every five seconds of a calm run, clears five seconds later, and its event is
/// lost.
pub fn cleared_scripts() -> impl Iterator<Item = Script> {
    (1..180).map(|at| {
        let mut script = Script::calm();
        let delivery = Delivery {
            copies: 0,
            ..Delivery::PROMPT
        };
        let fires = What::Alarm { delivery };
        script.stimuli.push(Stimulus {
            at: at * 5_000,
            what: fires,
        });
        script.stimuli.push(Stimulus {
            at: at * 5_000 + 5_000,
            what: What::AlarmClears,
        });
        script
    })
}

/// Of the calls of a calm run, so many are the sweep's at its end.
const CALLS_SWEEP: usize = 12;

/// A sweep that is held up as long as a function can be, at each of the last calls, and a push right
/// after it.
pub fn late_sweep_scripts(setting: &Arc<Setting>) -> impl Iterator<Item = Script> + use<> {
    let calls: Vec<(Ms, u32)> = call_times(setting).into_iter().zip(0..).collect();
    let from = calls.len().saturating_sub(CALLS_SWEEP);
    calls.into_iter().skip(from).flat_map(|(at, call)| {
        [500, 2_000, 5_000, 8_000].map(|later| {
            let mut script = Script::calm();
            for image in &mut script.images {
                image.startup_ms = Some(10_000);
            }
            script.faults.push(Fault {
                call,
                kind: FaultKind::Pause { ms: 71_000 },
            });
            script.stimuli.push(Stimulus {
                at: at + later,
                what: What::Push {
                    image: 2,
                    delivery: Delivery::PROMPT,
                },
            });
            script
        })
    })
}

/// What came of scripts: how many, what they hit, and the first that broke an invariant, with its
/// place among them.
pub type Outcome = (u64, Covered, Option<Broken>);

/// A script that breaks an invariant.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Its place among the scripts, from 0.
    pub number: u64,
    /// The script.
    pub script: Script,
    /// What it breaks.
    pub found: Vec<Violation>,
}

/// Runs every script with one fault, until one breaks an invariant.
pub fn run(setting: &Arc<Setting>, plant: Option<Plant>) -> Outcome {
    run_scripts(setting, plant, scripts(setting))
}

/// Runs scripts until one breaks an invariant.
pub fn run_scripts(
    setting: &Arc<Setting>,
    plant: Option<Plant>,
    scripts: impl Iterator<Item = Script>,
) -> Outcome {
    let mut covered = Covered::default();
    let mut runs = 0;
    for (script, number) in scripts.zip(0..) {
        let mut world = World::new(setting, &Arc::new(script.clone()), plant);
        world.run();
        runs += 1;
        covered.add(&world.covered);
        let found = world.into_verdict(Depth::Unhashed, true);
        if !found.is_empty() {
            let broken = Broken {
                number,
                script,
                found,
            };
            return (runs, covered, Some(broken));
        }
    }
    (runs, covered, None)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::shrink;

    #[test]
    #[expect(clippy::print_stdout, reason = "figures, with --nocapture")]
    fn one_fault_at_every_call_of_every_setting_breaks_nothing() {
        let mut covered = Covered::default();
        let mut runs = 0;
        for setting in crate::setting::all().unwrap() {
            let setting = Arc::new(setting);
            let (some, hit, failed) = run(&setting, None);
            runs += some;
            covered.add(&hit);
            if let Some(Broken { script, found, .. }) = failed {
                let (trace, _) = shrink::retell(&setting, &script, None);
                panic!("{}: {found:?}\n{script}\n{}", setting.name, trace.join("\n"));
            }
        }
        println!("{runs} runs with one fault: {covered}");
    }
}
