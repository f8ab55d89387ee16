//! A user's own deployment file: how long it takes, what an alarm in each step does, and which
//! settings never let it finish or never let it go back.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use fastrand::Rng;
use serde::Serialize;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::ids::SpecHash;
use tidegate_core::spec::{Analysis, Spec, Strategy};

use crate::aimed::KINDS;
use crate::script::{Delivery, Fault, Image, Script, Stimulus, What};
use crate::setting::{Ms, Setting, SettingError, virtual_ms};
use crate::verdict::Depth;
use crate::world::World;

/// What the runs are made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many random runs.
    pub runs: u32,
    /// Of the random numbers: the same seed gives the same answer.
    pub seed: u64,
    /// Requests that the service gets in a minute.
    pub requests: u32,
    /// In every random run; drawn at random where empty.
    pub faults: Vec<WishedFault>,
}

/// A fault that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishedFault {
    /// The alarm fires while the candidate has this weight, percent.
    Alarm(u8),
    /// A function dies at some call.
    Crash,
    /// A call is throttled.
    Throttle,
    /// An answer is lost.
    LostReply,
    /// A function is held up.
    Pause,
    /// The image answers with errors.
    Errors,
    /// The image's tasks never become healthy.
    Unhealthy,
}

/// Why a fault is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault: alarm@WEIGHT, crash, throttle, lost-reply, pause, errors and unhealthy are, \
     such as `alarm@25`"
)]
pub struct NoFault(String);

impl FromStr for WishedFault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let weight = |text: &str| text.strip_prefix("alarm@")?.parse().ok().filter(|w| *w <= 100);
        match text {
            "crash" => Ok(Self::Crash),
            "throttle" => Ok(Self::Throttle),
            "lost-reply" => Ok(Self::LostReply),
            "pause" => Ok(Self::Pause),
            "errors" => Ok(Self::Errors),
            "unhealthy" => Ok(Self::Unhealthy),
            other => weight(other)
                .map(Self::Alarm)
                .ok_or_else(|| NoFault(other.to_owned())),
        }
    }
}

/// What the runs came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// How long it takes when all goes well, seconds; absent where it does not complete.
    pub calm_seconds: Option<i64>,
    /// How it ends when all goes well.
    pub calm_exit: String,
    /// What an alarm does, step by step.
    pub steps: Vec<StepAnswer>,
    /// Random runs.
    pub runs: u32,
    /// Their seed.
    pub seed: u64,
    /// How they ended.
    pub exits: BTreeMap<String, u32>,
    /// Of those that completed, seconds.
    pub median_seconds: Option<i64>,
    /// 95 of 100 that completed were as quick as this, seconds.
    pub p95_seconds: Option<i64>,
    /// What is wrong with the settings.
    pub problems: Vec<String>,
    /// What must never happen and did: a defect of Tidegate.
    pub violations: Vec<String>,
}

/// What an alarm does in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepAnswer {
    /// Of the candidate, percent.
    pub weight: u8,
    /// From the alarm until the traffic is back on stable; absent where there is no load balancer, or
    /// it does not come back.
    pub traffic_back_ms: Option<Ms>,
    /// The same where the alarm's event is lost and the sweep finds it.
    pub traffic_back_without_event_ms: Option<Ms>,
    /// How the deployment ends.
    pub exit: String,
    /// The next step followed at once: there was no time for an alarm.
    pub too_short: bool,
}

impl Answer {
    /// Nothing is wrong.
    pub fn fine(&self) -> bool {
        self.problems.is_empty() && self.violations.is_empty()
    }
}

/// An alarm is given so long after a step began.
const AFTER_MS: Ms = 200;

/// Simulates a deployment file.
///
/// # Errors
/// Where the file's names make no target.
pub fn simulate(spec: &Spec, hash: &SpecHash, options: &Options) -> Result<Answer, SettingError> {
    let mut spec = spec.clone();
    let mut problems = static_problems(&spec);
    // Dates mean nothing on a virtual time line.
    spec.freezes.clear();
    let setting = Arc::new(Setting::of("file", spec, hash.clone(), true)?);
    let calm = run(&setting, calm_script(options));
    let calm_exit = exit_of(&calm);
    let completed = calm_exit == ExitState::Completed.as_str();
    if !completed {
        problems.push(never_finishes(&setting, &calm, options));
    }
    let steps = step_answers(&setting, &calm, options);
    problems.extend(stays(&setting, &steps));
    let mut answer = Answer {
        calm_seconds: completed.then(|| duration_ms(&calm).unwrap_or(0) / 1000),
        calm_exit,
        steps,
        runs: options.runs,
        seed: options.seed,
        exits: BTreeMap::new(),
        median_seconds: None,
        p95_seconds: None,
        problems,
        violations: violations(&calm),
    };
    random_runs(&setting, options, &calm, &mut answer);
    Ok(answer)
}

fn calm_script(options: &Options) -> Script {
    let mut script = Script::calm();
    script.requests = options.requests;
    script.approves = true;
    script.stimuli = vec![Stimulus {
        at: 0,
        what: What::Deploy { image: 1, person: 3 },
    }];
    script
}

fn run(setting: &Arc<Setting>, script: Script) -> World {
    let mut world = World::new(setting, &Arc::new(script), None);
    world.call_times = Some(Vec::new());
    world.run();
    world
}

fn exit_of(world: &World) -> String {
    let exit = world
        .store
        .heads
        .first()
        .and_then(|head| head.deployment.exit.as_ref());
    exit.map_or_else(|| "never".to_owned(), |exit| exit.state.as_str().to_owned())
}

fn duration_ms(world: &World) -> Option<Ms> {
    let head = &world.store.heads.first()?.deployment;
    let ended = virtual_ms(head.exit.as_ref()?.at);
    Some(ended - virtual_ms(head.requested_at))
}

fn violations(world: &World) -> Vec<String> {
    let found = world.verdict(Depth::Unhashed, true);
    found.iter().map(ToString::to_string).collect()
}

/// When each step's weight was reached.
fn reached(world: &World) -> Vec<(u8, Ms)> {
    let batches = world
        .store
        .heads
        .first()
        .into_iter()
        .flat_map(|head| &head.batches);
    batches
        .flat_map(|batch| {
            batch
                .events
                .iter()
                .map(move |event| (event, virtual_ms(batch.at)))
        })
        .filter_map(|(event, at)| match event {
            Event::WeightReached { weight, .. } => Some((weight.percent(), at)),
            _ => None,
        })
        .collect()
}

fn with_alarm(options: &Options, at: Ms, copies: u8) -> Script {
    let mut script = calm_script(options);
    script.stimuli.push(Stimulus {
        at,
        what: What::Alarm {
            delivery: Delivery { copies, late_ms: 300 },
        },
    });
    script
}

fn step_answers(setting: &Arc<Setting>, calm: &World, options: &Options) -> Vec<StepAnswer> {
    if setting.alarms.is_empty() {
        return Vec::new();
    }
    let answer = |(weight, at): (u8, Ms)| {
        let told = run(setting, with_alarm(options, at + AFTER_MS, 1));
        let untold = run(setting, with_alarm(options, at + AFTER_MS, 0));
        let back = |world: &World| world.returns.first().map(|one| one.ms);
        let exit = exit_of(&told);
        StepAnswer {
            weight,
            traffic_back_ms: back(&told),
            traffic_back_without_event_ms: back(&untold),
            too_short: exit == ExitState::Completed.as_str(),
            exit,
        }
    };
    reached(calm).into_iter().map(answer).collect()
}

fn analysis(spec: &Spec) -> Option<&Analysis> {
    match &spec.strategy {
        Strategy::Canary(steps) | Strategy::Linear(steps) => steps.analysis.as_ref(),
        Strategy::BlueGreen(bluegreen) => bluegreen.analysis.as_ref(),
        Strategy::Recreate | Strategy::Rolling => None,
    }
}

/// What can be seen without a run.
fn static_problems(spec: &Spec) -> Vec<String> {
    let mut found = Vec::new();
    let conditions = spec.auto_rollback.enabled && !spec.auto_rollback.conditions.is_empty();
    let alarms = spec
        .auto_rollback
        .alarms
        .as_ref()
        .is_none_or(|alarms| !alarms.is_empty());
    if !alarms && !conditions && analysis(spec).is_none() {
        found.push(
            "nothing ever rolls it back: no alarm, no analysis and no condition; name alarms in \
             `autoRollback.alarms`, or leave the key out to watch every alarm of the service"
                .to_owned(),
        );
    }
    for freeze in &spec.freezes {
        let days = freeze.until.duration_since(freeze.from).as_hours() / 24;
        if days > 90 {
            found.push(format!(
                "the freeze from {:.0} lasts {days} days: nothing is deployed in all that time",
                freeze.from
            ));
        }
    }
    if analysis(spec).is_some_and(|analysis| analysis.inconclusive_limit <= 1) {
        found.push(
            "one check without enough requests rolls it back (`inconclusiveLimit: 1`): a quiet minute is \
             enough"
                .to_owned(),
        );
    }
    found
}

fn never_finishes(setting: &Arc<Setting>, calm: &World, options: &Options) -> String {
    let exit = calm
        .store
        .heads
        .first()
        .and_then(|head| head.deployment.exit.as_ref());
    let why = exit.map_or_else(|| "it goes on for ever".to_owned(), |exit| exit.reason.clone());
    let enough = [12, 60, 300, 1200, 6_000, 30_000, 120_000, 600_000]
        .into_iter()
        .filter(|requests| *requests > options.requests)
        .find(|requests| {
            let more = Options {
                requests: *requests,
                ..options.clone()
            };
            exit_of(&run(setting, calm_script(&more))) == ExitState::Completed.as_str()
        });
    let hint = enough.map_or_else(String::new, |requests| {
        format!(
            "; with {requests} requests a minute it would: lower `minRequests`, or start with more weight"
        )
    });
    format!(
        "with {} requests a minute and a good image it never completes: {why}{hint}",
        options.requests
    )
}

/// Steps in which an alarm does not bring the traffic back.
fn stays(setting: &Setting, steps: &[StepAnswer]) -> Vec<String> {
    let one_that_bakes = |step: &&StepAnswer| setting.balanced() && !step.too_short;
    steps
        .iter()
        .filter(one_that_bakes)
        .filter(|step| step.traffic_back_ms.is_none() && step.exit != ExitState::RolledBack.as_str())
        .map(|step| {
            format!(
                "an alarm at {} % does not bring the traffic back: {}",
                step.weight, step.exit
            )
        })
        .collect()
}

fn random_runs(setting: &Arc<Setting>, options: &Options, calm: &World, answer: &mut Answer) {
    let mut rng = Rng::with_seed(options.seed);
    let calls = calm.counts.calls.max(1);
    let times = reached(calm);
    let mut completed = Vec::new();
    for _ in 0..options.runs {
        let script = draw(&mut rng, options, calls, &times);
        let world = run(setting, script);
        let exit = exit_of(&world);
        if exit == ExitState::Completed.as_str() {
            completed.extend(duration_ms(&world));
        }
        *answer.exits.entry(exit).or_default() += 1;
        if answer.violations.len() < 5 {
            answer.violations.extend(violations(&world));
        }
    }
    completed.sort_unstable();
    let at = |percent: usize| {
        completed
            .get((completed.len().max(1) - 1) * percent / 100)
            .map(|ms| ms / 1000)
    };
    answer.median_seconds = at(50);
    answer.p95_seconds = at(95);
}

fn draw(rng: &mut Rng, options: &Options, calls: u32, times: &[(u8, Ms)]) -> Script {
    let mut script = calm_script(options);
    script.images[1] = Image {
        startup_ms: Some(rng.i64(15_000..120_000)),
        ..Image::GOOD
    };
    let wished: Vec<WishedFault> = if options.faults.is_empty() {
        drawn_faults(rng, times)
    } else {
        options.faults.clone()
    };
    for fault in wished {
        let call = rng.u32(0..calls);
        let kind = match fault {
            WishedFault::Crash => Some(KINDS[rng.usize(0..2)]),
            WishedFault::LostReply => Some(KINDS[2]),
            WishedFault::Throttle => Some(KINDS[3]),
            WishedFault::Pause => Some(KINDS[rng.usize(4..6)]),
            WishedFault::Alarm(_) | WishedFault::Errors | WishedFault::Unhealthy => None,
        };
        script.faults.extend(kind.map(|kind| Fault { call, kind }));
        match fault {
            WishedFault::Errors => script.images[1].errors_permille = 100,
            WishedFault::Unhealthy => script.images[1].startup_ms = None,
            WishedFault::Alarm(weight) => {
                // Tasks start at another pace here, so the time is that of the calm run with them.
                script.images[1].startup_ms = Image::GOOD.startup_ms;
                let at = times
                    .iter()
                    .find(|(one, _)| *one >= weight)
                    .map(|(_, at)| at + AFTER_MS);
                script.stimuli.extend(at.map(|at| Stimulus {
                    at,
                    what: What::Alarm {
                        delivery: Delivery::PROMPT,
                    },
                }));
            }
            WishedFault::Crash | WishedFault::LostReply | WishedFault::Throttle | WishedFault::Pause => {}
        }
    }
    script
}

fn drawn_faults(rng: &mut Rng, times: &[(u8, Ms)]) -> Vec<WishedFault> {
    let some = rng.usize(0..3);
    (0..some)
        .map(|_| match rng.u8(0..12) {
            0..=2 => WishedFault::Crash,
            3..=4 => WishedFault::LostReply,
            5..=6 => WishedFault::Throttle,
            7..=8 => WishedFault::Pause,
            9 => WishedFault::Errors,
            10 => WishedFault::Unhealthy,
            _ => WishedFault::Alarm(times.get(rng.usize(0..times.len().max(1))).map_or(0, |(w, _)| *w)),
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tidegate_core::spec;

    fn answer(text: &str, requests: u32) -> Answer {
        let parsed = spec::parse("file", text).unwrap();
        let options = Options {
            runs: 40,
            seed: 1,
            requests,
            faults: Vec::new(),
        };
        simulate(&parsed.spec, &parsed.hash, &options).unwrap()
    }

    fn shipped(name: &str) -> String {
        let path = format!("{}/../../.deploy/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_example_files_complete_and_come_back_in_every_step() {
        for name in ["dev-config.yaml", "staging-config.yaml", "production-config.yaml"] {
            let answer = answer(&shipped(name), 6000);
            assert!(answer.fine(), "{name}: {answer:?}");
            assert!(answer.calm_seconds.is_some(), "{name}: {answer:?}");
        }
        let answer = answer(&shipped("production-config.yaml"), 6000);
        let quick = answer.steps.iter().take(3);
        assert!(
            quick
                .clone()
                .all(|step| step.traffic_back_ms.is_some_and(|ms| ms < 1000)),
            "{:?}",
            answer.steps
        );
    }

    #[test]
    fn requests_that_never_suffice_are_told() {
        let answer = answer(&shipped("production-config.yaml"), 30);
        assert!(answer.problems[0].contains("never completes"), "{answer:?}");
        assert!(answer.problems[0].contains("minRequests"), "{answer:?}");
    }

    #[test]
    fn a_file_that_nothing_rolls_back_is_told() {
        let text = "environment: dev\nstrategy: rolling\nreplicas: 1\nautoRollback: {alarms: []}\n";
        let answer = answer(text, 600);
        assert!(
            answer.problems[0].contains("nothing ever rolls it back"),
            "{answer:?}"
        );
    }
}
