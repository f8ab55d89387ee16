//! What functions read of the simulated AWS, in the form that the decisions take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use tidegate_core::analysis::Samples;
use tidegate_core::change::{
    Before, Change, ChangeStage, Direction, Effect, EffectKind, Progress, Proposal, Proposed, Seen,
    StackBefore, StoredText, Work, tail,
};
use tidegate_core::deployment::{Deployment, Stage, Traffic};
use tidegate_core::http::HttpTry;
use tidegate_core::ids::{ChangeId, Slot};
use tidegate_core::observation::{
    Alarm, AlarmState, ImageState, Observation, Question, Rollout, SlotState, SuiteRun,
};
use tidegate_core::spec::{Metric, SuiteName};
use tidegate_core::wiring::Forward;

use crate::aws::{self, Service, artifact};
use crate::plant::Plant;
use crate::setting::{Ms, index, instant, virtual_ms};
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
        self.setting
            .alarms
            .iter()
            .enumerate()
            .map(|(at, name)| Alarm {
                name: name.clone(),
                state: if at == 0 { state } else { AlarmState::Ok },
                reason: String::new(),
                fired_at: fired_at.filter(|_| at == 0),
            })
            .collect()
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
            ..Observation::default()
        }
    }

    /// What a forward phase reads.
    pub fn observe_phase(
        &self,
        of: usize,
        deployment: &Deployment,
        question: &Question,
        forward: Option<Forward>,
        now: Ms,
    ) -> Observation {
        if deployment.plan.is_none() {
            return Observation::default();
        }
        let registered = self.aws.definitions.iter().position(|d| d.by == Some(of));
        Observation {
            slots: self.observe_slots(),
            forward,
            alarms: self.observe_alarms(deployment.planned_at),
            registered_task_definition: registered.map(|at| self.setting.definitions[at].clone()),
            suites: self.observe_suites(of, now),
            changes: self.observe_change(of, deployment, question, now),
            proposals: self.observe_proposal(of, question),
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
                SuiteRun::running()
            };
            (SuiteName(suite.name.clone()), run)
        })
        .collect()
    }

    /// What a change would do that a deployment has asked about: every one replaces something.
    fn observe_proposal(&self, of: usize, question: &Question) -> BTreeMap<ChangeId, Proposed> {
        let proposing = question.proposal().filter(|change| change.work.proposes());
        let proposed = proposing.map(|change| {
            let asked = self.aws.proposed.contains(&(of, change.id.clone()));
            let effect = || Effect {
                kind: EffectKind::Replace,
                what: "AWS::RDS::DBInstance Db".to_owned(),
            };
            let proposed = match asked {
                false => Proposed::NotBegun,
                true => Proposed::Ready {
                    proposal: Box::new(Proposal::new(artifact(of), vec![effect()], Vec::new())),
                },
            };
            (change.id.clone(), proposed)
        });
        proposed.into_iter().collect()
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

    /// How the change stands that is asked about, as a function looks at no other either.
    pub fn observe_change(
        &self,
        of: usize,
        deployment: &Deployment,
        question: &Question,
        now: Ms,
    ) -> BTreeMap<ChangeId, Seen> {
        let set = |change: &Change, direction| {
            let is = self.aws.suspended.contains(&change.id);
            if is != (direction == Direction::Make) {
                return Progress::NotBegun;
            }
            Progress::done("read back")
        };
        let ran = |change: &Change, direction| {
            let mut runs = self.aws.changes.iter().rev();
            let run =
                runs.find(|run| (run.deployment, &run.change, run.direction) == (of, &change.id, direction));
            match run {
                None => Progress::NotBegun,
                Some(run) if run.ends_at > now => Progress::running("its task is running"),
                Some(run) if run.good => Progress::Done {
                    detail: "its task ended with exit code 0".to_owned(),
                    log: self.written().to_vec(),
                },
                Some(_) => Progress::failed("its task ended with exit code 1"),
            }
        };
        let both = |progress: &dyn Fn(&Change, Direction) -> Progress, change: &Change| Seen {
            before: change.work.proposes().then(was),
            made: progress(change, Direction::Make),
            undone: progress(change, Direction::Undo),
        };
        let seen = |change: &Change| match &change.work {
            Work::Run { .. }
            | Work::Index { .. }
            | Work::Verify { .. }
            | Work::Backup { .. }
            | Work::Analyze { .. }
            | Work::Stack { .. }
            | Work::Terraform { .. }
            | Work::Monitor { .. }
            | Work::TestAlarm { .. } => both(&ran, change),
            Work::SuspendScaling { .. } => both(&set, change),
            Work::SetParameter { name, value } => {
                let state = deployment.changes.get(&change.id);
                let before = deployment.before_of(&change.id);
                let mut seen = self.aws.parameter_seen(name, value, before);
                let undoing = state.is_some_and(|state| state.stage == ChangeStage::Undoing);
                if undoing && self.plant == Some(Plant::BelievesItsUndo) {
                    seen.undone = Progress::done("so it is said");
                }
                seen
            }
            Work::SetFlags { flags } => {
                let maker = self.maker(of, deployment);
                let before = deployment.before_of(&change.id);
                let mut seen = self.aws.flags_seen(maker, flags, before);
                if deployment.change_stage(&change.id) == Some(ChangeStage::Undoing)
                    && self.plant == Some(Plant::BelievesFlagsAreBack)
                {
                    seen.undone = Progress::done("so it is said");
                }
                seen
            }
        };
        let asked = question.change().into_iter();
        asked.map(|change| (change.id.clone(), seen(change))).collect()
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
        let Some(plan) = deployment.plan.as_ref().filter(|_| baking) else {
            return BTreeMap::new();
        };
        let since = virtual_ms(deployment.shift.since);
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
