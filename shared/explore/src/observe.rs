//! What functions read of the simulated AWS, in the form that the decisions take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use tidegate_core::analysis::Samples;
use tidegate_core::change::index::TableFound;
use tidegate_core::change::{
    Before, Change, ChangeStage, Direction, Effect, EffectKind, Progress, Proposal, Proposed, Seen,
    StackBefore, StoredText, Work, index as indexes, indexes as indexes_of, monitored, tail, test_alarm,
};
use tidegate_core::deployment::{Deployment, Stage, Traffic};
use tidegate_core::http::HttpTry;
use tidegate_core::ids::{ChangeId, Slot};
use tidegate_core::observation::{
    Alarm, AlarmState, ImageState, Observation, Question, Rollout, SlotState, SuiteRun,
};
use tidegate_core::spec::{Metric, SuiteName};
use tidegate_core::wiring::Forward;

use crate::aws::{self, Service, artifact, scaling};
use crate::plant::Plant;
use crate::setting::{Ms, index, instant, virtual_ms};
use crate::watchers::LOG_GROUP;
use crate::world::World;

/// What a migration writes, and nobody may read.
pub const PASSWORD: &str = "hunter2-hunter2";

/// A stack that can be returned to.
fn was() -> Before {
    Before::Stack {
        stack: Box::new(StackBefore {
            template: Some(StoredText("{}".to_owned())),
            template_hash: String::new(),
            parameters: BTreeMap::new(),
            hidden: BTreeSet::new(),
        }),
    }
}

impl World {
    /// The services.
    pub fn observe_slots(&self) -> BTreeMap<Slot, SlotState> {
        aws::slots(&self.setting)
            .map(|slot| (slot, self.slot_state(&self.aws.services[index(slot)])))
            .collect()
    }

    fn slot_state(&self, service: &Service) -> SlotState {
        let rollout = if service.failed {
            Rollout::Failed("tasks failed to start".to_owned())
        } else if service.ready_at.is_some() || service.fails_at.is_some() {
            Rollout::InProgress
        } else {
            Rollout::Completed
        };
        let serving = service.healthy + service.old;
        let blind = self.plant == Some(Plant::RaisesWithoutHealth);
        SlotState {
            task_definition: self.setting.definitions[service.definition].clone(),
            inactive: false,
            digest: Some(self.setting.digests[self.aws.image_of(service)].clone()),
            desired: service.desired,
            running: serving,
            healthy: if blind { service.desired } else { serving },
            rollout: if blind { Rollout::Completed } else { rollout },
            health_check_matches: service.checked,
        }
    }

    /// The alarms, as far as the file wants them watched, and whether they fired since an instant.
    pub fn observe_alarms(&self, since: Option<Timestamp>) -> Vec<Alarm> {
        let deaf = matches!(self.plant, Some(Plant::IgnoresAlarms | Plant::TrustsAlarmEvents));
        let state = if self.aws.firing && !deaf {
            AlarmState::Alarm
        } else {
            AlarmState::Ok
        };
        let forgets = deaf || self.plant == Some(Plant::ForgetsClearedAlarms);
        let fired_at = since.filter(|_| !forgets).and_then(|since| {
            let mut log = self.aws.alarm_log.iter().rev();
            let (at, _) = log.find(|(_, firing)| *firing)?;
            let at = instant(*at);
            (at >= since).then_some(at)
        });
        let watched = self.setting.alarms.iter().enumerate();
        let watched = watched.map(|(at, name)| Alarm {
            name: name.clone(),
            state: if at == 0 { state } else { AlarmState::Ok },
            reason: String::new(),
            fired_at: fired_at.filter(|_| at == 0),
        });
        // Those that deployments make exist only then.
        let made = self.setting.made_alarms.iter().map(|name| Alarm {
            name: name.clone(),
            state: match self.aws.watchers.get(name) {
                Some(_) => AlarmState::Ok,
                None => AlarmState::Unreadable,
            },
            reason: String::new(),
            fired_at: None,
        });
        watched.chain(made).collect()
    }

    /// What the plan phase reads.
    pub fn observe_plan(&self, deployment: &Deployment, forward: Option<Forward>) -> Observation {
        let digest = &deployment.revision.digest;
        let image = self.setting.digests.iter().position(|known| known == digest);
        let state = image.and_then(|image| {
            let (_, pushed) = self.aws.pushed.iter().find(|(one, _)| *one == image)?;
            Some(ImageState::Found {
                uri: self.setting.uris[image].clone(),
                pushed_at: instant(*pushed),
            })
        });
        let mut alarms = self.observe_alarms(None);
        if self.plant == Some(Plant::StartsUnderAlarm) {
            for alarm in &mut alarms {
                alarm.state = AlarmState::Ok;
            }
        }
        Observation {
            slots: self.observe_slots(),
            forward,
            alarms,
            image: Some(state.unwrap_or(ImageState::Missing)),
            cost: self.observe_cost(deployment),
            tables: self.observe_tables(deployment),
            log_groups: match &deployment.spec.monitoring {
                Some(_) => vec![LOG_GROUP.to_owned()],
                None => Vec::new(),
            },
            ..Observation::default()
        }
    }

    fn observe_tables(&self, deployment: &Deployment) -> BTreeMap<String, TableFound> {
        let works = indexes_of(&deployment.spec);
        let tables = works.map(|work| (work.table.clone(), self.aws.tables.found(&work.table, self.now)));
        tables.collect()
    }

    /// What a forward phase reads.
    pub fn observe_phase(
        &self,
        of: usize,
        deployment: &Deployment,
        question: &Question,
        forward: Option<Forward>,
        clock: Timestamp,
    ) -> Observation {
        if deployment.plan.is_none() {
            return Observation::default();
        }
        let now = self.now;
        let registered = self.aws.definitions.iter().position(|d| d.by == Some(of));
        Observation {
            slots: self.observe_slots(),
            forward,
            alarms: self.observe_alarms(deployment.planned_at),
            registered_task_definition: registered.map(|at| self.setting.definitions[at].clone()),
            suites: self.observe_suites(of, now),
            changes: self.observe_change(of, deployment, question, clock),
            samples: self.observe_samples(deployment, now),
            ..Observation::default()
        }
    }

    /// The pages that are asked for: good where the candidate's suites pass.
    pub fn observe_pages(&self, deployment: &Deployment, question: &Question) -> BTreeMap<String, HttpTry> {
        let digest = &deployment.revision.digest;
        let image = self.setting.digests.iter().position(|known| known == digest);
        let good = image.is_some_and(|image| self.script.images[image].suite_code == 0);
        let tests = deployment.spec.validate.http.iter();
        let asked = tests.filter_map(|test| Some((test, *question.http().get(&test.name)?)));
        asked
            .map(|(test, number)| {
                let tried = HttpTry {
                    number,
                    of: test.tries(),
                    status: Some(if good { 200 } else { 500 }),
                    millis: 0,
                    problem: (!good).then(|| "its status is 500, not 200".to_owned()),
                };
                (test.name.clone(), tried)
            })
            .collect()
    }

    fn observe_suites(&self, of: usize, now: Ms) -> BTreeMap<SuiteName, SuiteRun> {
        let ours = self.aws.suites.iter().filter(|suite| suite.deployment == of);
        ours.map(|suite| {
            let run = if suite.ends_at <= now {
                SuiteRun::ended(suite.code)
            } else {
                SuiteRun::Running { log: Vec::new() }
            };
            (SuiteName(suite.name.clone()), run)
        })
        .collect()
    }

    /// What a change would do: a stack replaces something, and Terraform's plan does what the image says. What
    /// an analyzer says comes to who called it.
    pub fn proposal_seen(&self, of: usize, change: &Change, heard: bool) -> Proposed {
        let asked = match change.work {
            Work::Analyze { .. } => heard,
            Work::Run { .. }
            | Work::Index { .. }
            | Work::Verify { .. }
            | Work::Backup { .. }
            | Work::SuspendScaling { .. }
            | Work::SetParameter { .. }
            | Work::SetFlags { .. }
            | Work::Stack { .. }
            | Work::Terraform { .. }
            | Work::Monitor { .. }
            | Work::TestAlarm { .. } => self.aws.proposed.contains(&(of, change.id.clone())),
        };
        if !asked {
            return Proposed::NotBegun;
        }
        let effect = || Effect {
            kind: EffectKind::Replace,
            what: "AWS::RDS::DBInstance Db".to_owned(),
        };
        Proposed::Ready {
            proposal: Box::new(Proposal::new(artifact(of), vec![effect()], Vec::new())),
        }
    }

    /// The deployment that made what this one takes back; itself, unless it reverses another.
    fn maker(&self, of: usize, deployment: &Deployment) -> usize {
        self.store.find(deployment.maker()).unwrap_or(of)
    }

    /// The same, of a deployment in the table.
    pub fn maker_at(&self, of: usize) -> usize {
        let head = self.store.heads.get(of);
        head.map_or(of, |head| self.maker(of, &head.deployment))
    }

    /// The image that a deployment in the table brings; 0 where it takes something back.
    pub fn image_at(&self, of: usize) -> usize {
        let head = self.store.heads.get(of);
        let forward = head.filter(|head| !head.deployment.kind.is_reversal());
        let digest = forward.map(|head| &head.deployment.revision.digest);
        let image = self
            .setting
            .digests
            .iter()
            .position(|known| Some(known) == digest);
        image.unwrap_or(0)
    }

    /// How the change stands that a function asks about.
    pub fn observe_change(
        &self,
        of: usize,
        deployment: &Deployment,
        question: &Question,
        clock: Timestamp,
    ) -> BTreeMap<ChangeId, Seen> {
        let asked = question.change().into_iter();
        let seen = asked.map(|change| {
            let before = deployment.before_of(&change.id);
            let seen = self.change_seen(of, deployment, (change, before), clock);
            (change.id.clone(), seen)
        });
        seen.collect()
    }

    /// How a change stands, with what was there `before` it; `clock` is that of the function that looks.
    pub fn change_seen(
        &self,
        of: usize,
        deployment: &Deployment,
        (change, before): (&Change, Option<&Before>),
        clock: Timestamp,
    ) -> Seen {
        match &change.work {
            Work::Run { .. } | Work::Backup { .. } => self.task_seen(of, change, None),
            Work::Stack { .. } => self.task_seen(of, change, Some(was())),
            Work::Terraform { .. } => self.terraform_seen(of, deployment, change),
            Work::Analyze { .. } => Seen::NOTHING,
            Work::Verify { .. } => self.looked_at(),
            Work::SuspendScaling { .. } => self.scaling_seen(change, before),
            Work::SetParameter { name, value } => {
                let mut seen = self.aws.parameter_seen(name, value, before);
                self.believe(deployment, change, Plant::BelievesItsUndo, &mut seen);
                seen
            }
            Work::SetFlags { flags } => {
                let mut seen = self.aws.flags_seen(self.maker(of, deployment), flags, before);
                self.believe(deployment, change, Plant::BelievesFlagsAreBack, &mut seen);
                seen
            }
            Work::Index { index, .. } => {
                let found = self.aws.tables.found(&index.table, self.now);
                let mut seen = indexes::seen(&found, before, index);
                if self.plant == Some(Plant::TakesAwayWhatWasThere) {
                    seen.undone = indexes::seen(&found, Some(&Before::Absent), index).undone;
                }
                self.believe(deployment, change, Plant::LeavesTheIndex, &mut seen);
                seen
            }
            Work::Monitor { name, wanted } => {
                let mut seen = monitored::seen(self.aws.watchers.get(name), before, wanted);
                self.believe(deployment, change, Plant::LeavesTheDashboard, &mut seen);
                seen
            }
            Work::TestAlarm { .. } => {
                let alarm = self.aws.watchers.test();
                let mut seen = test_alarm::seen(alarm.as_ref(), deployment, change, clock);
                self.believe(deployment, change, Plant::LeavesTheTestAlarm, &mut seen);
                seen
            }
        }
    }

    /// A break that takes what is being undone for undone.
    fn believe(&self, deployment: &Deployment, change: &Change, plant: Plant, seen: &mut Seen) {
        let undoing = deployment.change_stage(&change.id) == Some(ChangeStage::Undoing);
        if undoing && self.plant == Some(plant) {
            seen.undone = Progress::done("so it is said");
        }
    }

    fn task_seen(&self, of: usize, change: &Change, before: Option<Before>) -> Seen {
        let ran = |direction| {
            let mut runs = self.aws.changes.iter().rev();
            let run =
                runs.find(|run| (run.deployment, &run.change, run.direction) == (of, &change.id, direction));
            match run {
                None => Progress::NotBegun,
                Some(run) if run.ends_at > self.now => Progress::running("its task is running"),
                Some(run) if run.good => Progress::Done {
                    detail: "its task ended with exit code 0".to_owned(),
                    log: self.written().to_vec(),
                },
                Some(_) => Progress::failed("its task ended with exit code 1"),
            }
        };
        Seen {
            before,
            made: ran(Direction::Make),
            undone: ran(Direction::Undo),
        }
    }

    /// Every other plan that fails is refused before it touches anything.
    fn terraform_seen(&self, of: usize, deployment: &Deployment, change: &Change) -> Seen {
        let mut seen = self.task_seen(of, change, Some(Before::TerraformState));
        let mut runs = self.aws.changes.iter();
        let run = runs.find(|run| (run.deployment, &run.change) == (of, &change.id));
        let refused = run.is_some_and(|run| !run.good && run.began_at / 1000 % 2 == 0);
        if refused && deployment.change_stage(&change.id) == Some(ChangeStage::Failed) {
            seen.undone = Progress::done("nothing of it was applied");
        }
        seen
    }

    /// A person applies what is expected once in a run; how slow that person is, the first image says.
    fn looked_at(&self) -> Seen {
        let made = match self.now >= self.script.images[1].suite_ms * 4 {
            true => Progress::done("the one resource is as the file says"),
            false => Progress::running("it does not exist"),
        };
        Seen {
            made,
            ..Seen::NOTHING
        }
    }

    fn scaling_seen(&self, change: &Change, before: Option<&Before>) -> Seen {
        let is = self.aws.suspended.contains(&change.id);
        let progress = |is: bool| match is {
            true => Progress::done("read back"),
            false => Progress::NotBegun,
        };
        Seen {
            before: Some(scaling(is)),
            made: progress(is),
            undone: progress(before == Some(&scaling(is))),
        }
    }

    /// The last lines of a task, as a function keeps them.
    fn written(&self) -> &'static [String] {
        static WRITTEN: LazyLock<[String; 1]> =
            LazyLock::new(|| [format!("connected to postgres://web:{PASSWORD}@db/shop")]);
        static KEPT: LazyLock<Vec<String>> = LazyLock::new(|| tail(WRITTEN.iter().map(String::as_str)));
        match self.plant == Some(Plant::KeepsWhatIsWritten) {
            true => &*WRITTEN,
            false => &KEPT,
        }
    }

    /// One sample for each minute of the step that is over.
    fn observe_samples(&self, deployment: &Deployment, now: Ms) -> BTreeMap<Slot, Vec<Samples>> {
        let baking = deployment.shift.stage == Stage::Baking;
        let measured = deployment.performance_window(instant(now)).map(|(from, _)| from);
        let since = measured.or_else(|| baking.then_some(deployment.shift.since));
        let (Some(plan), Some(since)) = (&deployment.plan, since) else {
            return BTreeMap::new();
        };
        let since = virtual_ms(since);
        let first = since - since.rem_euclid(60_000);
        let alone = matches!(plan.traffic, Traffic::Rolling | Traffic::Recreate);
        let minutes = |slot: Slot| {
            let mut samples = Vec::new();
            let mut at = first;
            while at + 60_000 <= now {
                let share = match plan.traffic {
                    Traffic::Weighted => self.aws.weight_at(index(slot), at),
                    Traffic::Tasks | Traffic::Rolling | Traffic::Recreate => 50,
                };
                samples.extend(self.sample(deployment, slot, share, at));
                at += 60_000;
            }
            samples
        };
        aws::slots(&self.setting)
            .filter(|slot| !alone || *slot == plan.candidate)
            .map(|slot| (slot, minutes(slot)))
            .collect()
    }

    fn sample(&self, deployment: &Deployment, slot: Slot, share: u32, at: Ms) -> Option<Samples> {
        let requests = self.script.requests * share / 100;
        if requests == 0 {
            return None;
        }
        let service = &self.aws.services[index(slot)];
        let image = self.script.images[self.aws.image_of(service)];
        let errors = f64::from(requests * image.errors_permille) / 1000.0;
        Some(Samples {
            at: instant(at),
            requests: Some(f64::from(requests)),
            errors_5xx: (errors > 0.0).then_some(errors),
            // A little different in each minute, the same for both slots.
            latency_p99_ms: Some(80.0 + f64::from(u8::try_from(at.rem_euclid(7)).unwrap_or(0))),
            custom: self.custom(deployment),
        })
    }

    /// Metrics with an expression: nobody knows what they would be, so they are within their bounds.
    fn custom(&self, deployment: &Deployment) -> BTreeMap<String, f64> {
        use tidegate_core::spec::Strategy;
        let analysis = match &deployment.spec.strategy {
            Strategy::Canary(steps) | Strategy::Linear(steps) => steps.analysis.as_ref(),
            Strategy::BlueGreen(bluegreen) => bluegreen.analysis.as_ref(),
            Strategy::Rolling | Strategy::Recreate => None,
        };
        let rules = analysis.map_or(&[][..], |analysis| &analysis.metrics);
        rules
            .iter()
            .filter(|rule| matches!(rule.metric, Metric::Expression(_)))
            .map(|rule| (rule.name.clone(), rule.min.or(rule.max).unwrap_or(0.0)))
            .collect()
    }
}
