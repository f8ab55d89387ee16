//! The simulated AWS: two ECS services, a listener rule, an alarm, images and suites. The second
//! interpreter of [`Action`]; the first is `shared/aws/src/apply`.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::action::Action;
use tidegate_core::change::flags::{self, Deployed, DeployedStage, FlagsNow, FlagsPlace, FlagsWork, merged};
use tidegate_core::change::index::IndexTo;
use tidegate_core::change::parameter::{Held, seen, version_to_compare};
use tidegate_core::change::{Before, Change, Direction, Seen, Suspended, Work, indexes};
use tidegate_core::ids::{ChangeId, Slot};
use tidegate_core::wiring::Forward;

use crate::plant::Plant;
use crate::script::{Image, Script};
use crate::setting::{Ms, Setting, index, slot};
use crate::tables::{Tables, some_definition};
use crate::watchers::Watchers;

/// An ECS service and its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    /// Its task definition.
    pub definition: usize,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks of this definition that are healthy.
    pub healthy: u32,
    /// Tasks of the definition before that still serve, and its image.
    pub old: u32,
    /// The definition before.
    pub before: usize,
    /// When the tasks that are starting become healthy.
    pub ready_at: Option<Ms>,
    /// When ECS gives them up.
    pub fails_at: Option<Ms>,
    /// The circuit breaker opened.
    pub failed: bool,
    /// Whether the health check is what the file asks for.
    pub checked: bool,
}

/// A task definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registered {
    /// Its image.
    pub image: usize,
    /// By which deployment.
    pub by: Option<usize>,
}

/// A suite that was started.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Suite {
    /// `clientToken`.
    pub token: String,
    /// Of which deployment.
    pub deployment: usize,
    /// Which.
    pub name: String,
    /// When it ends.
    pub ends_at: Ms,
    /// With what.
    pub code: i32,
}

/// A task that makes or undoes a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangeRun {
    /// Of which deployment.
    pub deployment: usize,
    /// Which change.
    pub change: ChangeId,
    /// Which way.
    pub direction: Direction,
    /// When it began.
    pub began_at: Ms,
    /// When it ends.
    pub ends_at: Ms,
    /// How it ends.
    pub good: bool,
    /// What was executed, of a change that was proposed.
    pub artifact: Option<String>,
}

/// Weights from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightsSet {
    /// When.
    pub at: Ms,
    /// Blue and green.
    pub weights: [u32; 2],
    /// By a person with a console.
    pub outside: bool,
}

/// A setting from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingSet {
    /// When.
    pub at: Ms,
    /// Which: by the change that sets it.
    pub name: String,
    /// To what.
    pub value: Option<String>,
    /// By a person with a console, or before anything happened.
    pub outside: bool,
}

/// A service from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceSeen {
    /// When.
    pub at: Ms,
    /// Which.
    pub slot: usize,
    /// As it was then.
    pub service: Service,
}

/// Everything that AWS has for the target, and what it was.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Blue and green.
    pub services: [Service; 2],
    /// Weights of the listener rule.
    pub weights: [u32; 2],
    /// Stickiness of the rule.
    pub sticky: Option<(bool, Option<i32>)>,
    /// Whether the alarm is in `ALARM`.
    pub firing: bool,
    /// Task definitions.
    pub definitions: Vec<Registered>,
    /// Suites.
    pub suites: Vec<Suite>,
    /// Tasks of changes, in the order in which they began.
    pub changes: Vec<ChangeRun>,
    /// Changes of which a deployment has asked what they would do.
    pub proposed: BTreeSet<(usize, ChangeId)>,
    /// Changes that set something, where it is set.
    pub suspended: BTreeSet<ChangeId>,
    /// Values of parameters by name, a version each, oldest first.
    pub parameters: BTreeMap<String, Vec<Option<String>>>,
    /// Versions of feature flags, oldest first, and which deployment has stored each.
    pub flag_versions: Vec<(Option<usize>, String)>,
    /// What AppConfig has deployed of them, newest first.
    pub flags: Vec<Deployed>,
    /// Tables of the service.
    pub tables: Tables,
    /// What watches the target.
    pub watchers: Watchers,
    /// A person with a console is at it.
    pub meddling: bool,
    /// Settings by the name of the change that sets them, oldest first.
    pub settings_log: Vec<SettingSet>,
    /// Images in the registry, with the time of the push.
    pub pushed: Vec<(usize, Ms)>,
    /// Weights, oldest first.
    pub weights_log: Vec<WeightsSet>,
    /// Services, oldest first.
    pub services_log: Vec<ServiceSeen>,
    /// The alarm, oldest first.
    pub alarm_log: Vec<(Ms, bool)>,
}

/// ECS gives tasks up after this long: ten failed starts.
const BREAKER_MS: Ms = 300_000;

impl Aws {
    /// As a target is before its first deployment here: blue serves image 0, or nothing does.
    pub fn new(setting: &Setting, script: &Script) -> Self {
        let tasks = if setting.has_stable {
            setting.spec.replicas
        } else {
            0
        };
        let service = |desired| Service {
            definition: 0,
            desired,
            healthy: desired,
            old: 0,
            before: 0,
            ready_at: None,
            fails_at: None,
            failed: false,
            checked: true,
        };
        let mut aws = Self {
            services: [service(tasks), service(0)],
            weights: [100, 0],
            sticky: Some((true, Some(60))),
            firing: script.alarm_at_start,
            definitions: vec![Registered { image: 0, by: None }],
            suites: Vec::new(),
            changes: Vec::new(),
            proposed: BTreeSet::new(),
            suspended: BTreeSet::new(),
            parameters: BTreeMap::new(),
            flag_versions: Vec::new(),
            flags: Vec::new(),
            tables: Tables::default(),
            watchers: Watchers::new(setting),
            meddling: false,
            settings_log: Vec::new(),
            pushed: vec![(0, -3_600_000)],
            weights_log: vec![WeightsSet {
                at: -1,
                weights: [100, 0],
                outside: false,
            }],
            services_log: Vec::new(),
            alarm_log: vec![(-1, script.alarm_at_start)],
        };
        for slot in 0..2 {
            aws.note(slot, -1);
        }
        // Every other one exists.
        for (at, parameter) in setting.spec.configuration.parameters.iter().enumerate() {
            let was = (at % 2 == 0).then(|| "as it was".to_owned());
            aws.set_parameter(&parameter.name, was, -1);
        }
        if let Some(flags) = &setting.spec.configuration.flags {
            aws.deploy_flags(None, NO_FLAGS.to_owned(), &flags.work, -1);
        }
        aws.begin_tables(setting);
        if setting.spec.prepare.suspend_autoscaling {
            for service in setting.wiring.services.values() {
                let id = ChangeId::of("autoscaling", service);
                aws.note_setting(&id, Some(ON.to_owned()), -1);
            }
        }
        aws
    }

    /// Every other index that is added exists already, and all that are removed.
    fn begin_tables(&mut self, setting: &Setting) {
        for (at, work) in indexes(&setting.spec).enumerate() {
            let definition = match &work.to {
                IndexTo::Added { definition, .. } => (at % 2 == 1).then(|| definition.clone()),
                IndexTo::Removed => Some(some_definition()),
            };
            let index = definition
                .as_ref()
                .map(|definition| (work.name.as_str(), definition));
            self.tables.begin(&work.table, index);
            let id = ChangeId::of("index", &work.title());
            self.note_setting(&id, definition.map(|one| one.to_string()), -1);
        }
    }

    /// The listener rule as AWS shows it.
    pub fn forward(&self, setting: &Setting) -> Option<Forward> {
        let groups = &setting.wiring.balancer.as_ref()?.target_groups;
        Some(Forward {
            target_groups: groups
                .iter()
                .map(|(slot, arn)| (arn.clone(), self.weights[index(*slot)]))
                .collect(),
            stickiness: self.sticky,
        })
    }

    /// Carries out an action.
    pub fn apply(&mut self, action: &Action, world: &Applying<'_>) {
        match action {
            Action::RegisterTaskDefinition { image, .. } => self.register(image, world),
            Action::UpdateService {
                slot,
                task_definition,
                desired,
                ..
            } => {
                let definition = world
                    .setting
                    .definitions
                    .iter()
                    .position(|arn| arn == task_definition)
                    .unwrap_or(0);
                self.update(index(*slot), definition, *desired, world);
            }
            Action::SetDesiredCount { slot, desired } => {
                let definition = self.services[index(*slot)].definition;
                self.update(index(*slot), definition, *desired, world);
            }
            Action::ConfigureHealthCheck { slot, .. } => self.services[index(*slot)].checked = true,
            Action::SetTrafficWeight { forward } => self.set_weights(forward, world),
            Action::RunSuite {
                suite,
                slot,
                client_token,
            } => self.run_suite(&suite.0, *slot, client_token, world),
            // Whoever calls it has its answer: `World::suite_answer`.
            Action::CallSuite { .. } => {}
            Action::ProposeChange { change } => {
                self.proposed.insert((world.deployment, change.id.clone()));
            }
            Action::MakeChange { change, before } => {
                self.change(change, Direction::Make, before.as_ref(), world);
            }
            Action::UndoChange { change, before } => {
                self.change(change, Direction::Undo, before.as_ref(), world);
            }
        }
    }

    fn register(&mut self, uri: &str, world: &Applying<'_>) {
        let newest = self.pushed.last().map_or(0, |(image, _)| *image);
        let image = world
            .setting
            .uris
            .iter()
            .position(|known| known == uri)
            .unwrap_or(0);
        let image = match world.plant {
            Some(Plant::RegistersByTag) => newest,
            _ => image,
        };
        if self.definitions.len() < world.setting.definitions.len() {
            self.definitions.push(Registered {
                image,
                by: Some(world.deployment),
            });
        }
    }

    fn update(&mut self, at: usize, definition: usize, desired: u32, world: &Applying<'_>) {
        let image = world.script.images[self.definitions.get(definition).map_or(0, |d| d.image)];
        let service = &mut self.services[at];
        if service.definition == definition && service.desired == desired && !service.failed {
            return;
        }
        if service.definition != definition {
            service.old = service.old.max(service.healthy).min(desired);
            service.before = service.definition;
            service.definition = definition;
            service.healthy = 0;
            service.failed = false;
        }
        service.desired = desired;
        service.healthy = service.healthy.min(desired);
        service.old = service.old.min(desired);
        let starting = service.healthy < desired;
        service.ready_at = image.startup_ms.filter(|_| starting).map(|ms| world.now + ms);
        service.fails_at = (starting && image.startup_ms.is_none()).then_some(world.now + BREAKER_MS);
        self.note(at, world.now);
    }

    /// Every task of a slot stops, and ECS starts as many.
    pub fn stop_tasks(&mut self, at: usize, script: &Script, now: Ms) {
        let image = script.images[self.image_of(&self.services[at])];
        let service = &mut self.services[at];
        if service.healthy > 0 {
            (service.healthy, service.old) = (0, 0);
            service.ready_at = image.startup_ms.map(|ms| now + ms);
            self.note(at, now);
        }
    }

    fn set_weights(&mut self, forward: &Forward, world: &Applying<'_>) {
        let Some(balancer) = &world.setting.wiring.balancer else {
            return;
        };
        let mut weights = self.weights;
        for (arn, weight) in &forward.target_groups {
            if let Some((slot, _)) = balancer.target_groups.iter().find(|(_, known)| *known == arn) {
                weights[index(*slot)] = *weight;
            }
        }
        if world.plant == Some(Plant::SharesMoreThanAll) && weights[0] < self.weights[0] {
            weights[0] = self.weights[0];
        }
        if world.plant != Some(Plant::RestoresWeightsOnly) {
            self.sticky = forward.stickiness;
        } else {
            self.sticky = None;
        }
        self.write_weights(weights, world.now, false);
    }

    /// Sets the weights of the rule.
    pub fn write_weights(&mut self, weights: [u32; 2], at: Ms, outside: bool) {
        self.weights = weights;
        self.weights_log.push(WeightsSet { at, weights, outside });
    }

    fn run_suite(&mut self, name: &str, at: Slot, token: &str, world: &Applying<'_>) {
        if self.suites.iter().any(|suite| suite.token == token) {
            return;
        }
        let definition = self.services[index(at)].definition;
        let image = world.script.images[self.definitions.get(definition).map_or(0, |d| d.image)];
        self.suites.push(Suite {
            token: token.to_owned(),
            deployment: world.deployment,
            name: name.to_owned(),
            ends_at: world.now + image.suite_ms,
            code: image.suite_code,
        });
    }

    fn change(
        &mut self,
        change: &Change,
        direction: Direction,
        before: Option<&Before>,
        world: &Applying<'_>,
    ) {
        match (&change.work, direction) {
            // A backup, a change set and a plan of Terraform are begun once, as a task is.
            (Work::Run { .. } | Work::Backup { .. } | Work::Stack { .. } | Work::Terraform { .. }, _) => {
                self.run_change(change, direction, world);
            }
            // There is nothing to do but to look; what is looked at first is written after that: `write`.
            (
                Work::Verify { .. }
                | Work::Analyze { .. }
                | Work::Index { .. }
                | Work::Monitor { .. }
                | Work::TestAlarm { .. },
                _,
            ) => {}
            // Nothing is looked at once more here: a write that comes late must do no harm even so.
            (Work::SetParameter { name, value }, Direction::Make) => {
                self.set_parameter(name, Some(value.clone()), world.now);
            }
            (Work::SetParameter { .. }, Direction::Undo) if world.plant == Some(Plant::BelievesItsUndo) => {}
            (Work::SetParameter { name, .. }, Direction::Undo) => {
                let before = match before {
                    Some(Before::Parameter { version }) => self.version(name, *version),
                    Some(
                        Before::Absent
                        | Before::Scaling { .. }
                        | Before::Flags { .. }
                        | Before::Index { .. }
                        | Before::Stack { .. }
                        | Before::TerraformState
                        | Before::Monitored { .. },
                    )
                    | None => None,
                };
                self.set_parameter(name, before, world.now);
            }
            (Work::SetFlags { flags }, Direction::Make) => {
                let held = self.flag_versions.iter().find(|(by, _)| by.is_none());
                let (_, held) = held.cloned().unwrap_or_default();
                // The content that is there was made by us, and takes every flag.
                let content = merged(held.as_bytes(), flags).unwrap_or_default();
                self.deploy_flags(Some(world.deployment), content, flags, world.now);
            }
            (Work::SetFlags { .. }, Direction::Undo) if world.plant == Some(Plant::BelievesFlagsAreBack) => {}
            (Work::SetFlags { .. }, Direction::Undo) => self.take_flags_back(change, world),
            (Work::SuspendScaling { .. }, Direction::Make) => {
                self.suspended.insert(change.id.clone());
                self.note_setting(&change.id, Some("suspended".to_owned()), world.now);
            }
            // It was suspended when it was found: so it stays.
            (Work::SuspendScaling { .. }, Direction::Undo) if before == Some(&scaling(true)) => {}
            (Work::SuspendScaling { .. }, Direction::Undo) => {
                self.suspended.remove(&change.id);
                self.note_setting(&change.id, Some(ON.to_owned()), world.now);
            }
        }
    }

    /// Writes what a function has found to be right to write.
    pub fn write(
        &mut self,
        change: &Change,
        before: Option<&Before>,
        writing: Writing,
        world: &Applying<'_>,
    ) {
        let now = world.now;
        match (&change.work, writing) {
            (Work::Index { index, .. }, writing) => {
                let ms = self.image_for(world).suite_ms;
                let (taken, direction) = match writing {
                    Writing::Put => (self.tables.ask(index, ms, now), Direction::Make),
                    Writing::TakeBack => (self.tables.delete(index, ms, now), Direction::Undo),
                };
                if taken {
                    let value = match (&index.to, writing) {
                        (IndexTo::Added { definition, .. }, Writing::Put) => Some(definition.to_string()),
                        (IndexTo::Added { .. }, Writing::TakeBack) | (IndexTo::Removed, _) => None,
                    };
                    let id = ChangeId::of("index", &index.title());
                    self.note_setting(&id, value, now);
                    self.began(change, direction, world);
                }
            }
            (Work::Monitor { name, wanted }, writing) => {
                match writing {
                    Writing::Put => self.watchers.put(name, wanted),
                    Writing::TakeBack => self.watchers.put_back(name, before),
                }
                self.note_setting(&change.id, self.watchers.told(name), now);
            }
            (Work::TestAlarm { .. }, Writing::Put) => self.watchers.raise_test(now),
            (Work::TestAlarm { .. }, Writing::TakeBack) => self.watchers.delete_test(),
            (
                Work::Run { .. }
                | Work::Verify { .. }
                | Work::Backup { .. }
                | Work::SuspendScaling { .. }
                | Work::SetParameter { .. }
                | Work::SetFlags { .. }
                | Work::Stack { .. }
                | Work::Terraform { .. }
                | Work::Analyze { .. },
                _,
            ) => {}
        }
    }

    pub(crate) fn note_setting(&mut self, change: &ChangeId, value: Option<String>, now: Ms) {
        self.settings_log.push(SettingSet {
            at: now,
            name: change.as_str().to_owned(),
            value,
            outside: now < 0 || self.meddling,
        });
    }

    /// A version is stored once for each deployment; AppConfig has it for everybody at once.
    pub(crate) fn deploy_flags(&mut self, by: Option<usize>, content: String, work: &FlagsWork, now: Ms) {
        let of = |(stored, _): &(Option<usize>, String)| *stored == by;
        let at = self.flag_versions.iter().position(of).unwrap_or_else(|| {
            self.flag_versions.push((by, content));
            self.flag_versions.len() - 1
        });
        let version = number(at);
        self.flags.insert(
            0,
            Deployed {
                number: number(self.flags.len()),
                version,
                stage: DeployedStage::Complete,
                percent: 100,
            },
        );
        let id = ChangeId::of("flags", &work.title());
        self.note_setting(&id, Some(version.to_string()), now);
    }

    fn take_flags_back(&mut self, change: &Change, world: &Applying<'_>) {
        let now = self.flags_now(world.maker);
        let Some(number) = now.to_stop() else {
            return;
        };
        let ours = self.flags.iter_mut().filter(|one| one.number == number);
        ours.for_each(|one| one.stage = DeployedStage::Reverted);
        let is = self
            .flags_now(world.maker)
            .deployed()
            .map(|one| one.version.to_string());
        self.note_setting(&change.id, is, world.now);
    }

    /// Feature flags as AppConfig shows them to a deployment.
    pub fn flags_now(&self, maker: usize) -> FlagsNow {
        let ours = self.flag_versions.iter().position(|(by, _)| *by == Some(maker));
        let mut now = FlagsNow {
            place: FlagsPlace {
                application: "app".to_owned(),
                environment: "env".to_owned(),
                profile: "pro".to_owned(),
                strategy: "AppConfig.AllAtOnce".to_owned(),
            },
            deployments: self.flags.clone(),
            newest_deployment: self.flags.first().map_or(0, |one| one.number),
            newest_version: number(self.flag_versions.len()) - 1,
            ours: ours.map(number),
            content: Vec::new(),
        };
        let deployed = now
            .deployed()
            .and_then(|one| usize::try_from(one.version - 1).ok());
        let content = deployed.and_then(|at| self.flag_versions.get(at));
        now.content = content
            .map(|(_, content)| content.clone().into_bytes())
            .unwrap_or_default();
        now
    }

    /// How a change that sets flags stands.
    pub fn flags_seen(&self, maker: usize, work: &FlagsWork, before: Option<&Before>) -> Seen {
        flags::seen(&self.flags_now(maker), before, work)
    }

    pub(crate) fn set_parameter(&mut self, name: &str, value: Option<String>, now: Ms) {
        self.note_setting(&ChangeId::of("parameter", name), value.clone(), now);
        self.parameters.entry(name.to_owned()).or_default().push(value);
    }

    fn version(&self, name: &str, version: i64) -> Option<String> {
        let at = usize::try_from(version).ok()?;
        self.parameters.get(name)?.get(at)?.clone()
    }

    /// A parameter as AWS shows it.
    pub fn parameter(&self, name: &str) -> Option<Held> {
        let versions = self.parameters.get(name)?;
        Some(Held {
            version: i64::try_from(versions.len()).ok()? - 1,
            value: versions.last()?.clone()?,
            secure: false,
        })
    }

    /// How a change that sets one stands.
    pub fn parameter_seen(&self, name: &str, value: &str, before: Option<&Before>) -> Seen {
        let now = self.parameter(name);
        let earlier = version_to_compare(now.as_ref(), before);
        let earlier = earlier.and_then(|version| self.version(name, version));
        seen(now.as_ref(), earlier.as_deref(), before, value)
    }

    /// One token starts one task, however often it is asked for.
    fn run_change(&mut self, change: &Change, direction: Direction, world: &Applying<'_>) {
        let known = |run: &ChangeRun| {
            (run.deployment, &run.change, run.direction) == (world.deployment, &change.id, direction)
        };
        if world.plant != Some(Plant::MigratesAgain) && self.changes.iter().any(known) {
            return;
        }
        self.began(change, direction, world);
    }

    /// The image that a deployment has registered, or that it is about.
    fn image_for(&self, world: &Applying<'_>) -> Image {
        let image = self.definitions.iter().find(|d| d.by == Some(world.deployment));
        world.script.images[image.map_or(world.image, |d| d.image)]
    }

    fn began(&mut self, change: &Change, direction: Direction, world: &Applying<'_>) {
        let image = self.image_for(world);
        self.changes.push(ChangeRun {
            deployment: world.deployment,
            change: change.id.clone(),
            direction,
            began_at: world.now,
            ends_at: world.now + image.suite_ms,
            good: match (direction, &change.work) {
                (Direction::Undo, _) => true,
                // DynamoDB gives one of eight backups up, whatever the image is.
                (Direction::Make, Work::Backup { .. }) => world.now / 1000 % 8 != 7,
                (Direction::Make, _) => image.suite_code == 0,
            },
            artifact: (change.work.proposes() && direction == Direction::Make).then(|| match world.plant {
                Some(Plant::AppliesAnother) => artifact(usize::MAX),
                _ => artifact(world.deployment),
            }),
        });
    }

    /// Lets tasks become healthy, or be given up, that should have by now.
    pub fn settle(&mut self, now: Ms) {
        for at in 0..2 {
            let service = &mut self.services[at];
            if let Some(ready) = service.ready_at.filter(|ready| *ready <= now) {
                service.healthy = service.desired;
                service.old = 0;
                service.ready_at = None;
                self.note(at, ready);
            } else if let Some(fails) = service.fails_at.filter(|fails| *fails <= now) {
                service.fails_at = None;
                service.failed = true;
                if service.old > 0 {
                    // The circuit breaker returns to the definition before, whose tasks never left.
                    service.definition = service.before;
                    service.healthy = service.old;
                    service.old = 0;
                }
                self.note(at, fails);
            }
        }
    }

    /// When tasks change next by themselves.
    pub fn next_change(&self) -> Option<Ms> {
        self.services
            .iter()
            .flat_map(|service| [service.ready_at, service.fails_at])
            .flatten()
            .min()
    }

    /// Changes the alarm.
    pub fn set_alarm(&mut self, firing: bool, now: Ms) {
        if self.firing != firing {
            self.firing = firing;
            self.alarm_log.push((now, firing));
        }
    }

    /// Image of a service's task definition.
    pub fn image_of(&self, service: &Service) -> usize {
        self.definitions.get(service.definition).map_or(0, |d| d.image)
    }

    /// The share of a slot at an instant, percent.
    pub fn weight_at(&self, at: usize, when: Ms) -> u32 {
        self.weights_log
            .iter()
            .rev()
            .find(|set| set.at <= when)
            .map_or(0, |set| set.weights[at])
    }

    fn note(&mut self, at: usize, now: Ms) {
        self.services_log.push(ServiceSeen {
            at: now,
            slot: at,
            service: self.services[at],
        });
    }
}

/// What a function does that has looked before it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Writing {
    /// It puts what the change wants.
    Put,
    /// It brings back what was there.
    TakeBack,
}

/// Autoscaling, suspended or not.
pub const fn scaling(is: bool) -> Before {
    Before::Scaling {
        suspended: Suspended {
            scale_in: is,
            scale_out: is,
            scheduled: is,
        },
        min: 1,
        max: 4,
    }
}

/// A configuration without a flag.
const NO_FLAGS: &str = r#"{"version":"1","flags":{},"values":{}}"#;
/// Autoscaling as it is found.
const ON: &str = "on";

/// Versions and deployments are numbered from 1.
fn number(at: usize) -> i32 {
    i32::try_from(at + 1).unwrap_or(i32::MAX)
}

/// What a deployment proposes, by its name.
pub fn artifact(deployment: usize) -> String {
    format!("change-set/{deployment}")
}

/// On whose behalf an action is carried out, and when.
#[derive(Debug)]
pub struct Applying<'a> {
    /// What does not change.
    pub setting: &'a Setting,
    /// How images behave.
    pub script: &'a Script,
    /// A deliberate break.
    pub plant: Option<Plant>,
    /// For which deployment.
    pub deployment: usize,
    /// The deployment that made what this one takes back; itself, unless it reverses another.
    pub maker: usize,
    /// The image that it brings; 0 where it takes something back.
    pub image: usize,
    /// When.
    pub now: Ms,
}

/// Both slots that exist.
pub fn slots(setting: &Setting) -> impl Iterator<Item = Slot> {
    (0..if setting.two_slots() { 2 } else { 1 }).map(slot)
}
