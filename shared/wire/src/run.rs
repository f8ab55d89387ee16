//! Plays one script to its end.

use std::cell::RefCell;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tidegate_core::deployment::Deployment;
use tidegate_core::event::Event;
use tidegate_core::exit::ExitState;
use tidegate_core::journal::Entry;
use tidegate_local::cloud::{CloudError, Noted, Ran};
use tidegate_local::faults::{EventFate, Hit, Site};
use tidegate_local::fleet::{AlarmValue, Behaviour, WeightChange};
use tidegate_local::stage::{Stage, play_on};
use tidegate_local::{Options, TableKind};

use crate::plant::Plant;
use crate::script::{Script, Way};
use crate::{files, judge};

/// Decides every id and all noise.
const SEED: u64 = 7;

/// The image that is deployed.
pub const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// Between two looks at whether it is over, seconds.
const LOOK_SECONDS: u64 = 20;

/// Longer than any of these deployments takes with any faults, seconds.
const LONG_SECONDS: u64 = 6 * 3600;

/// Without a deployment after this time the push was forgotten, seconds.
const FORGOTTEN_SECONDS: u64 = 900;

/// Longer than a sweep leaves to others what it could do (45 s, `TELLING_SECONDS` in
/// `shared/core/src/sweep.rs`) and than it is until it looks again (60 s), seconds.
const SWEPT_SECONDS: u64 = 110;

/// So often, at most, it is waited for what is on its way and for what a sweep still finds to do.
const SWEEPS: u32 = 2;

/// A person who got no answer tries again so many times.
const PERSON_TRIES: u32 = 6;

/// How a script is played.
#[derive(Debug, Clone)]
pub struct Setting {
    /// When it is turned back, from the push on; only for [`Way::Back`].
    pub turn_after: Option<Duration>,
    /// Whether no alarm event is delivered.
    pub lose_alarm_events: bool,
    /// A defect.
    pub plant: Option<Plant>,
    /// Whether what is needed to tell a story is kept.
    pub story: bool,
    /// What holds the table.
    pub table: TableKind,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            turn_after: None,
            lose_alarm_events: false,
            plant: None,
            story: false,
            table: TableKind::Quick,
        }
    }
}

/// What came of a script.
#[derive(Debug, Clone)]
pub struct Run {
    /// The script.
    pub script: Script,
    /// How the deployment ended.
    pub exit: Option<ExitState>,
    /// What must not be; nothing where all is well.
    pub problems: Vec<String>,
    /// Faults that happened.
    pub hits: Vec<Hit>,
    /// Calls of functions from the push on, by their number.
    pub sites: Vec<Site>,
    /// How many of those were made before it came to rest: the deployment had ended, nobody held the
    /// target and no execution ran.
    pub until_rest: usize,
    /// Deliveries of EventBridge from the push on.
    pub events: u64,
    /// Batches of the stream from the push on.
    pub batches: u64,
    /// When the image was pushed.
    pub pushed_at: Timestamp,
    /// When it was turned back.
    pub turned_at: Option<Timestamp>,
    /// When the candidate was first given something: weight, or where there is none, tasks.
    pub first_change: Option<Timestamp>,
    /// When the shift was done.
    pub shift_done: Option<Timestamp>,
    /// When all that Tidegate can do to bring traffic back was done: the listener rule had its weights
    /// back, or where there is none, ECS was told to run the old tasks.
    pub back_at: Option<Timestamp>,
    /// When the old version served alone, with all its tasks: at once behind a listener rule; else when
    /// ECS had started and stopped its tasks.
    pub served_at: Option<Timestamp>,
    /// Functions that ran from the turn until it was back, messages and sweeps left out.
    pub runs_back: usize,
    /// State transitions from the turn until then.
    pub transitions_back: usize,
    /// For a story.
    pub told: Told,
}

/// What is kept for a story.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Deployments with their journals.
    pub journals: Vec<(Deployment, Vec<Entry>)>,
    /// Functions that failed.
    pub failed: Vec<Ran>,
    /// Calls that change something.
    pub changes: Vec<Noted>,
    /// Weights of the listener rule.
    pub weights: Vec<WeightChange>,
}

/// Plays a script.
///
/// # Errors
/// Where the local cloud can't be made.
pub fn play_script(script: &Script, setting: &Setting) -> Result<Run, CloudError> {
    let mut options = Options::virtual_time(SEED);
    if let Some(plant) = setting.plant {
        plant.shape(&mut options);
    }
    play_on(setting.table, &options, async |stage: Stage| {
        let player = Player {
            stage,
            script,
            setting,
            turned_at: RefCell::default(),
        };
        Ok(player.play().await)
    })
}

struct Player<'a> {
    stage: Stage,
    script: &'a Script,
    setting: &'a Setting,
    turned_at: RefCell<Option<Timestamp>>,
}

impl Player<'_> {
    async fn play(&self) -> Run {
        let strategy = self.script.case.strategy;
        self.stage.cloud.with(|state| state.history.on = true);
        self.stage.service(&strategy.golden());
        self.stage.cloud.with(|state| strategy.furnish(&mut state.fleet));
        self.stage.wait(90).await;
        let mut problems = Vec::new();
        if let Err(refused) = self.apply().await {
            problems.push(format!("what was to be deployed was refused: {refused}"));
        }
        self.arm();
        let pushed_at = self.stage.now();
        self.stage
            .push(strategy.service(), "v2", DIGEST, Behaviour::default());
        if self.script.case.way == Way::Back
            && let Some(after) = self.setting.turn_after
        {
            self.stage.cloud.clock().sleep(after).await;
            self.turn_back().await;
        }
        if !self.rest().await {
            problems.push("it never came to rest".to_owned());
        }
        let until_rest = self.stage.cloud.with(|state| state.faults.numbered.seen.len());
        self.settle().await;
        let run = self.close(pushed_at, problems).await;
        Run { until_rest, ..run }
    }

    async fn apply(&self) -> Result<(), String> {
        let strategy = self.script.case.strategy;
        if let Some(people) = files::people(strategy) {
            self.stage.ask("platform", "PUT", "/people", people).await?;
        }
        self.stage.apply(&strategy.target(), strategy.file()).await
    }

    fn arm(&self) {
        self.stage.cloud.with(|state| {
            state.calls.clear();
            state.runs.clear();
            let faults = &mut state.faults;
            faults.numbered.on = true;
            for upset in &self.script.upsets {
                upset.arm(&mut faults.numbered);
            }
            if let Some(plant) = self.setting.plant {
                plant.arm(faults);
            }
            if self.setting.lose_alarm_events {
                // More than there can be.
                for _ in 0..50 {
                    faults.event("CloudWatch Alarm State Change", EventFate::Dropped);
                }
            }
        });
    }

    /// The image goes bad and its alarm goes off, or a person stops it where there is no alarm.
    async fn turn_back(&self) {
        let strategy = self.script.case.strategy;
        *self.turned_at.borrow_mut() = Some(self.stage.now());
        let Some(alarm) = strategy.alarm() else {
            return self.stop_by_hand().await;
        };
        self.stage.cloud.with(|state| {
            let bad = Behaviour::failing(20.0, 0);
            state.fleet.set_behaviour(strategy.service(), DIGEST, bad);
            state
                .fleet
                .set_alarm_state(alarm, AlarmValue::Alarm, "customers see errors");
        });
    }

    async fn stop_by_hand(&self) {
        let target = self.script.case.strategy.target();
        for _ in 0..PERSON_TRIES {
            let Some(id) = self.stage.running(&target).await else {
                return;
            };
            let path = format!("/deployments/{id}/abort");
            let reason = r#"{"reason": "customers complain"}"#;
            if self.stage.ask("olaf", "POST", &path, reason).await.is_ok() {
                return;
            }
            self.stage.wait(10).await;
        }
    }

    /// A person agrees to whatever is asked, and at the next look once more if there was no answer.
    async fn agree(&self) {
        let Some(id) = self.stage.running(&self.script.case.strategy.target()).await else {
            return;
        };
        let Some(deployment) = self.stage.deployment(&id).await else {
            return;
        };
        for gate in deployment.gates.values().filter(|gate| gate.passed_at.is_none()) {
            let plan = gate.plan_hash.to_string();
            let _again = self.stage.decide("maria", &id, true, &plan, "as planned").await;
        }
    }

    /// Waits until nothing runs, nobody holds the target, nothing is watched and no contract is to be made.
    async fn rest(&self) -> bool {
        let strategy = self.script.case.strategy;
        let target = strategy.target();
        let mut passed = 0;
        while passed < LONG_SECONDS {
            self.stage.wait(LOOK_SECONDS).await;
            passed += LOOK_SECONDS;
            if files::people(strategy).is_some() {
                self.agree().await;
            }
            if self.stage.cloud.with(|state| state.engine.is_busy()) {
                continue;
            }
            let record = self.stage.target(&target).await;
            let free = record.as_ref().is_some_and(|target| {
                target.lock.is_none() && target.contract.is_none() && target.watching.is_empty()
            });
            let begun = record.is_some_and(|target| target.newest.is_some());
            if free && (begun || passed > FORGOTTEN_SECONDS) {
                return true;
            }
        }
        false
    }

    /// Lets what is on its way arrive, until a sweep has found nothing to do that it may do: then
    /// nothing has changed since, and those that follow find nothing either.
    async fn settle(&self) {
        let writes = || {
            self.stage.cloud.with(|state| {
                let calls = state.calls.iter();
                calls
                    .filter(|call| call.caller != "outside" && call.writes())
                    .count()
            })
        };
        for _ in 0..SWEEPS {
            let before = writes();
            self.stage.wait(SWEPT_SECONDS).await;
            if self.stage.cloud.with(|state| state.is_still()) && writes() == before {
                return;
            }
        }
    }

    async fn close(&self, pushed_at: Timestamp, mut problems: Vec<String>) -> Run {
        let strategy = self.script.case.strategy;
        let mut deployments = Vec::new();
        for head in self.stage.deployments("production").await {
            let journal = self.stage.journal(&head.id).await;
            deployments.push((head, journal));
        }
        let target = self.stage.target(&strategy.target()).await;
        let now = self.stage.now();
        let turned_at = *self.turned_at.borrow();
        problems.extend(self.stage.cloud.table_differences());
        self.stage.cloud.with(|state| {
            match target {
                Some(target) => {
                    problems.extend(judge::problems(
                        state,
                        self.script.case,
                        target,
                        deployments.clone(),
                        now,
                    ));
                }
                None => problems.push("the target's record is gone".to_owned()),
            }
            let entries = || deployments.iter().flat_map(|(_, journal)| journal);
            let shift_done = entries()
                .find(|entry| matches!(entry.event, Event::ShiftDone))
                .map(|entry| entry.at);
            let back_at = turned_at.and_then(|turned| {
                if strategy.weighted() {
                    judge::weights_back(state, turned)
                } else {
                    judge::tasks_ordered_back(state, turned)
                }
            });
            let served_at = turned_at.and_then(|turned| judge::old_serves_alone(state, strategy, turned));
            let between =
                |at: Timestamp| turned_at.is_some_and(|t| t <= at) && back_at.is_some_and(|b| at <= b);
            let runs = state.runs.iter();
            let runs_back = runs.filter(|run| between(run.at) && !matches!(run.function, "notify" | "sweep"));
            let runs_back = runs_back.count();
            let executions = state.engine.executions();
            let history = executions.iter().flat_map(|(_, execution)| execution.history());
            let transitions = history.filter(|event| {
                between(event.at) && matches!(event.kind, tidegate_states::EventKind::StateEntered { .. })
            });
            let transitions_back = transitions.count();
            let calls = || state.calls.iter().filter(|call| call.caller != "outside");
            let first_change = if strategy.weighted() {
                let log = state.fleet.weights_log.iter();
                log.map(|change| change.at).find(|at| *at > pushed_at)
            } else {
                let mut updates = calls().filter(|call| call.operation == "UpdateService");
                updates.next().map(|call| call.at)
            };
            let told = if self.setting.story || !problems.is_empty() {
                Told {
                    failed: state
                        .runs
                        .iter()
                        .filter(|run| run.error.is_some())
                        .cloned()
                        .collect(),
                    changes: calls()
                        .filter(|call| judge::changes_fleet(call))
                        .cloned()
                        .collect(),
                    weights: state.fleet.weights_log.clone(),
                    journals: deployments.clone(),
                }
            } else {
                Told::default()
            };
            let numbered = std::mem::take(&mut state.faults.numbered);
            Run {
                script: self.script.clone(),
                exit: judge::exit_of(&deployments),
                problems,
                hits: numbered.hits,
                sites: numbered.seen,
                until_rest: 0,
                events: numbered.events_seen,
                batches: numbered.batches_seen,
                pushed_at,
                turned_at,
                first_change,
                shift_done,
                back_at,
                served_at,
                runs_back,
                transitions_back,
                told,
            }
        })
    }
}

impl Run {
    /// The calls that were made before all was at rest.
    pub fn before_rest(&self) -> &[Site] {
        self.sites.get(..self.until_rest).unwrap_or(&self.sites)
    }

    /// How long after the push an instant was.
    pub fn since_push(&self, at: Timestamp) -> SignedDuration {
        at.duration_since(self.pushed_at)
    }
}
