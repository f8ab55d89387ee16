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

/// When each call of a calm run is made.
pub fn call_times(setting: &Arc<Setting>) -> Vec<Ms> {
    let mut world = World::new(setting, &Arc::new(Script::calm()), None);
    world.call_times = Some(Vec::new());
    world.run();
    world.call_times.unwrap_or_default()
}

/// Every script with one fault, without and with an alarm right after it.
pub fn scripts(setting: &Arc<Setting>) -> impl Iterator<Item = Script> + use<> {
    let calls = call_times(setting).into_iter().zip(0_u32..);
    calls.flat_map(|(at, call)| {
        KINDS.into_iter().flat_map(move |kind| {
            [None, Some(at + 500)].into_iter().map(move |alarm| {
                let mut script = Script::calm();
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
    calls.flat_map(|(at, late)| {
        OFF_MS.into_iter().flat_map(move |ms| {
            (late + 1..late + CALLS_BACK).flat_map(move |off| {
                (off..late + CALLS_BACK).map(move |lost| {
                    let mut script = Script::calm();
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

/// What came of scripts: how many, what they hit, and the first that broke an invariant.
pub type Outcome = (u64, Covered, Option<(Script, Vec<Violation>)>);

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
    for script in scripts {
        let mut world = World::new(setting, &Arc::new(script.clone()), plant);
        world.run();
        runs += 1;
        covered.add(&world.covered);
        let found = world.into_verdict(Depth::Unhashed, true);
        if !found.is_empty() {
            return (runs, covered, Some((script, found)));
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
            if let Some((script, found)) = failed {
                let (trace, _) = shrink::retell(&setting, &script, None);
                panic!("{}: {found:?}\n{script}\n{}", setting.name, trace.join("\n"));
            }
        }
        println!("{runs} runs with one fault: {covered}");
    }

    #[test]
    fn a_rollback_that_does_not_wait_out_old_functions_is_found() {
        let setting = Arc::new(crate::setting::all().unwrap().remove(0));
        let (_, _, failed) = run(&setting, Some(Plant::DoesNotQuiesce));
        let (script, found) = failed.unwrap();
        let of_it = |one: &Violation| one.invariant == Plant::DoesNotQuiesce.invariant();
        assert!(found.iter().any(of_it), "{found:?}\n{script}");
    }

    /// The first script that breaks a plant's invariant; without the plant it must be clean.
    fn finds(plant: Plant, setting: &Arc<Setting>, scripts: impl Iterator<Item = Script>) {
        let breaks = |script: &Script| {
            let found = shrink::run(setting, script, Some(plant), Depth::Unhashed);
            found.iter().any(|one| one.invariant == plant.invariant())
        };
        let mut scripts = scripts;
        let script = scripts.find(breaks).unwrap();
        let ours = shrink::run(setting, &script, None, Depth::Full);
        assert_eq!(ours, Vec::new(), "{script}");
    }

    fn canary() -> Arc<Setting> {
        Arc::new(crate::setting::all().unwrap().remove(0))
    }

    #[test]
    fn a_rollback_that_waits_by_another_functions_clock_is_found() {
        let setting = canary();
        finds(Plant::QuiescesByItsClock, &setting, clock_scripts(&setting));
    }

    #[test]
    fn a_rollback_that_does_not_read_back_is_found() {
        let setting = canary();
        finds(Plant::DoesNotReassert, &setting, scripts(&setting));
    }

    #[test]
    fn an_alarm_that_cleared_before_anyone_looked_is_found() {
        let setting = canary();
        let fires = |at| {
            let delivery = Delivery {
                copies: 0,
                ..Delivery::PROMPT
            };
            let mut script = Script::calm();
            let alarm = What::Alarm { delivery };
            script.stimuli.push(Stimulus { at, what: alarm });
            script.stimuli.push(Stimulus {
                at: at + 5_000,
                what: What::AlarmClears,
            });
            script
        };
        let instants = (1..180).map(|at| at * 5_000);
        finds(Plant::ForgetsClearedAlarms, &setting, instants.map(fires));
    }
}
