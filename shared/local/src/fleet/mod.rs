//! One simulated fleet: container services, load balancers, traffic, metrics
//! and alarms, on a clock that is given.
//!
//! Everything is synchronous, deterministic and serialisable: a fleet that is
//! saved and restored has the same future. Call [`Fleet::advance`] with the
//! starting time before anything else, then again whenever
//! [`Fleet::next_event`] is reached or something was changed.
//!
//! What is simplified against AWS is said at each place; two things are missing
//! on purpose: a task has no capacity limit, and one availability zone is all
//! there is.

mod alarms;
mod backups;
mod bills;
mod ecs;
mod elb;
mod events;
mod expression;
mod flags;
mod functions;
mod golden;
mod images;
mod metrics;
mod monitoring;
mod objects;
mod pages;
mod parameters;
mod random;
mod roles;
mod rollout;
mod scaling;
mod schedules;
mod stacks;
mod tables;
mod tasks;
mod terraform;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use alarms::{
    Alarm, AlarmChange, AlarmState, AlarmValue, Comparison, Query, Source, Subject, TreatMissing,
};
pub use backups::{Backup, Database, DatabaseSettings};
pub use bills::Bill;
pub use ecs::{
    Attachment, Deployment, DeploymentConfiguration, EcsService, RolloutState, ServiceEvent, Stop, StopCode,
    SuiteEnd, Task, TaskDefinition, TaskStatus, Transition,
};
pub use elb::{
    Forward, HealthCheck, Listener, LoadBalancer, MAX_WEIGHT, Rule, RuleAction, Target, TargetGroup,
    TargetState, WeightChange,
};
pub use events::FleetEvent;
pub use expression::{Expression, ExpressionError};
pub use flags::{
    FlagApplication, FlagDeployment, FlagEnvironment, FlagProfile, FlagStage, FlagStrategy, FlagVersion,
};
pub use functions::{FunctionAnswer, UserFunction};
pub use golden::{GoldenService, GoldenSpec};
pub use images::{Behaviour, Image, ImageId, Repository, Scan, ScanEnd, Signed, Start};
pub use metrics::{Dimensions, MetricStat, MetricStore, Point, Series, Stat};
pub use objects::{Bucket, Object};
pub use pages::{PageAnswer, PageFault, Site};
pub use parameters::{Parameter, ParameterKind, ParameterVersion, SettingSeen};
pub use roles::{Refusal, Refused};
pub use scaling::ScalableTarget;
pub use schedules::Schedule;
pub use stacks::{ChangeSet, Executed, ResourceChange, Stack, StackEvent, Stacks};
pub(crate) use tables::TABLE_KEY;
pub use tables::{ServiceIndex, ServiceTable};
pub use terraform::Terraform;
pub use traffic::{Served, Window};

pub(crate) use alarms::read_query;
pub(crate) use ecs::service_key;
pub(crate) use metrics::{MINUTE, Window as PeriodWindow};
pub(crate) use stacks::SET_BY_HAND;
pub(crate) use tasks::NewTask;
pub(crate) use terraform::plan_file;

use random::Ids;

/// Longest step of the simulation in seconds.
const STEP_SECONDS: i64 = 10;
/// A fleet that was asleep for longer than this many seconds (a week) goes on
/// as if only a day of it had passed.
const LONG_SLEEP_SECONDS: i64 = 7 * 86_400;

/// What can be set about the simulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Seconds after the end of a minute until its metrics are visible.
    pub metrics_delay_seconds: u32,
    /// While set, no metrics are recorded, as in an outage of CloudWatch.
    pub metrics_missing: bool,
    /// Requests per second that a new rule matches.
    pub requests_per_second: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            metrics_delay_seconds: 30,
            metrics_missing: false,
            requests_per_second: 50.0,
        }
    }
}

/// A message that was published to an SNS topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// When.
    pub at: Timestamp,
    /// Its id.
    pub message_id: String,
    /// ARN of the topic.
    pub topic: String,
    /// Its subject.
    pub subject: Option<String>,
    /// Its text.
    pub message: String,
    /// Its attributes: name to type and value.
    pub attributes: BTreeMap<String, (String, String)>,
}

/// An entry that was put on an event bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BusEntry {
    /// When.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
    /// Name or ARN of the bus.
    pub bus: String,
    /// `source`.
    pub source: String,
    /// `detail-type`.
    pub detail_type: String,
    /// `resources`.
    pub resources: Vec<String>,
    /// `detail`.
    pub detail: Value,
}

/// The fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// AWS region that it is in.
    pub region: String,
    /// AWS account that it is in.
    pub account: String,
    /// What can be set about the simulation.
    pub settings: Settings,
    /// ARNs of the SNS topics that exist.
    pub topics: BTreeSet<String>,
    /// Everything that was published to SNS; the owner may drain it.
    pub outbox: Vec<Published>,
    /// Everything that was put on an event bus; the owner routes and drains it.
    pub bus_outbox: Vec<BusEntry>,
    /// Every change of a rule's weights.
    pub weights_log: Vec<WeightChange>,
    /// What each version, by digest, has served.
    pub served: BTreeMap<String, Served>,
    /// DynamoDB tables of the services, by name.
    #[serde(default)]
    pub service_tables: BTreeMap<String, ServiceTable>,
    /// CloudFormation.
    #[serde(default)]
    pub cloudformation: Stacks,
    pub(crate) seed: u64,
    pub(crate) ids: Ids,
    pub(crate) calls: u64,
    pub(crate) addresses: u32,
    pub(crate) clock: Option<Timestamp>,
    pub(crate) dirty: bool,
    pub(crate) behaviour_changed: bool,
    pub(crate) clusters: BTreeSet<String>,
    pub(crate) services: BTreeMap<String, EcsService>,
    pub(crate) task_definitions: BTreeMap<String, Vec<TaskDefinition>>,
    pub(crate) tasks: BTreeMap<String, Task>,
    pub(crate) run_tokens: BTreeMap<String, (Value, Vec<String>)>,
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) load_balancers: BTreeMap<String, LoadBalancer>,
    pub(crate) listeners: BTreeMap<String, Listener>,
    pub(crate) rules: BTreeMap<String, Rule>,
    pub(crate) target_groups: BTreeMap<String, TargetGroup>,
    pub(crate) metrics: MetricStore,
    pub(crate) alarms: BTreeMap<String, Alarm>,
    /// Database instances of RDS, by identifier.
    #[serde(default)]
    pub databases: BTreeMap<String, Database>,
    /// Database clusters of RDS, by identifier.
    #[serde(default)]
    pub clusters_of_databases: BTreeMap<String, Database>,
    /// Backups of tables and snapshots of databases, by ARN.
    #[serde(default)]
    pub backups: BTreeMap<String, Backup>,
    #[serde(default)]
    pub(crate) scalable: BTreeMap<String, ScalableTarget>,
    /// Applications of AppConfig, by id.
    #[serde(default)]
    pub(crate) applications: BTreeMap<String, FlagApplication>,
    /// Deployment strategies of AppConfig that are not predefined, by id.
    #[serde(default)]
    pub(crate) flag_strategies: BTreeMap<String, FlagStrategy>,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    pub(crate) dashboards: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) retention: BTreeMap<String, u32>,
    #[serde(default)]
    pub(crate) settings_log: Vec<SettingSeen>,
    /// What is special about names on the internet.
    #[serde(default)]
    pub sites: pages::Sites,
    /// Configurations of Terraform, by the family of the task definition that runs them.
    #[serde(default)]
    pub terraform: BTreeMap<String, Terraform>,
    /// What roles may not do.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// Buckets of S3, by name.
    #[serde(default)]
    pub buckets: BTreeMap<String, Bucket>,
    /// One-time schedules, by `group/name`.
    #[serde(default)]
    pub schedules: BTreeMap<String, Schedule>,
    /// Lambda functions of the users, by name.
    #[serde(default)]
    pub functions: BTreeMap<String, UserFunction>,
    /// What Cost Explorer shows.
    #[serde(default)]
    pub bill: Bill,
    #[serde(default)]
    pub(crate) pages: u64,
    #[serde(default)]
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) pending: Vec<FleetEvent>,
}

/// An instant some seconds after another one.
pub(crate) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}

impl Fleet {
    /// An empty fleet. The seed decides every id and all noise.
    pub fn new(seed: u64, region: &str, account: &str) -> Self {
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
            settings: Settings::default(),
            topics: BTreeSet::new(),
            outbox: Vec::new(),
            bus_outbox: Vec::new(),
            weights_log: Vec::new(),
            served: BTreeMap::new(),
            service_tables: BTreeMap::new(),
            cloudformation: Stacks::default(),
            seed,
            ids: Ids::new(seed),
            calls: 0,
            addresses: 0,
            clock: None,
            dirty: false,
            behaviour_changed: false,
            clusters: BTreeSet::new(),
            services: BTreeMap::new(),
            task_definitions: BTreeMap::new(),
            tasks: BTreeMap::new(),
            run_tokens: BTreeMap::new(),
            repositories: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            rules: BTreeMap::new(),
            target_groups: BTreeMap::new(),
            metrics: MetricStore::default(),
            alarms: BTreeMap::new(),
            databases: BTreeMap::new(),
            clusters_of_databases: BTreeMap::new(),
            backups: BTreeMap::new(),
            scalable: BTreeMap::new(),
            applications: BTreeMap::new(),
            flag_strategies: BTreeMap::new(),
            parameters: BTreeMap::new(),
            dashboards: BTreeMap::new(),
            retention: BTreeMap::new(),
            settings_log: Vec::new(),
            sites: BTreeMap::new(),
            terraform: BTreeMap::new(),
            refused: Vec::new(),
            buckets: BTreeMap::new(),
            schedules: BTreeMap::new(),
            functions: BTreeMap::new(),
            bill: Bill::default(),
            pages: 0,
            secrets: BTreeSet::new(),
            pending: Vec::new(),
        }
    }

    /// The instant that the simulation has reached; 1970 before the first
    /// [`Fleet::advance`].
    pub fn now(&self) -> Timestamp {
        self.clock.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves the simulation forward and returns what happened since it was last
    /// asked. A time that has passed changes nothing; the first call only sets
    /// the clock.
    pub fn advance(&mut self, to: Timestamp) -> Vec<FleetEvent> {
        self.run_to(to);
        self.take_events()
    }

    /// What happened since it was last asked, without moving on.
    pub fn take_events(&mut self) -> Vec<FleetEvent> {
        std::mem::take(&mut self.pending)
    }

    /// The next instant at which something will happen by itself, so that the
    /// owner can sleep until then; the present where an event waits to be taken.
    pub fn next_event(&self) -> Option<Timestamp> {
        let now = self.now();
        if !self.pending.is_empty() {
            return Some(now);
        }
        let ticking = !self.rules.is_empty() || !self.alarms.is_empty();
        let tick = ticking.then(|| self.next_flush(now).min(self.next_evaluation(now)));
        [self.next_due(now), tick].into_iter().flatten().min()
    }

    pub(crate) fn run_to(&mut self, to: Timestamp) {
        let Some(mut now) = self.clock else {
            self.clock = Some(to);
            self.settle();
            return;
        };
        self.settle();
        if to.duration_since(now).as_secs() > LONG_SLEEP_SECONDS {
            now = after(to, -86_400);
        }
        while now < to {
            let flush = self.next_flush(now);
            let evaluation = self.next_evaluation(now);
            let next = [
                Some(to),
                Some(after(now, STEP_SECONDS)),
                Some(flush),
                Some(evaluation),
                self.next_due(now),
            ]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(to);
            self.serve_traffic(now, next);
            self.clock = Some(next);
            if next == flush {
                self.flush_minute(next.as_second());
                self.forget_stopped(next);
            }
            self.settle();
            if next == evaluation {
                self.evaluate_alarms(next);
            }
            now = next;
        }
    }

    /// Lets everything that is due now happen, and the scheduler react.
    pub(crate) fn settle(&mut self) {
        let now = self.now();
        // Each round can only follow from the one before: a few are enough, and
        // the bound keeps a mistake from hanging the fleet.
        for _ in 0..50 {
            let tasks = self.advance_tasks(now);
            let health = self.advance_health(now);
            let services = self.schedule_services(now);
            if !tasks && !health && !services {
                break;
            }
        }
    }

    /// The next instant after the present at which a task, a target or the
    /// scheduler acts.
    fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let tasks = self.tasks.values().filter_map(|task| Some(task.next?.0));
        let targets = self
            .target_groups
            .values()
            .filter_map(|group| group.next_change(now));
        let services = self
            .services
            .values()
            .filter_map(|service| service.primary()?.not_before);
        tasks.chain(targets).chain(services).filter(|at| *at > now).min()
    }

    /// The next full minute.
    fn next_flush(&self, now: Timestamp) -> Timestamp {
        next_multiple(now, 0)
    }

    /// The next instant at which alarms are evaluated: when a minute's metrics
    /// become visible.
    fn next_evaluation(&self, now: Timestamp) -> Timestamp {
        next_multiple(now, i64::from(self.settings.metrics_delay_seconds))
    }

    /// Makes an SNS topic, unless it is there, and returns its ARN.
    pub fn create_topic(&mut self, name: &str) -> String {
        let arn = format!("arn:aws:sns:{}:{}:{name}", self.region, self.account);
        self.topics.insert(arn.clone());
        arn
    }

    /// Makes an ECS cluster, unless it is there.
    pub fn create_cluster(&mut self, name: &str) {
        self.clusters.insert(name.to_owned());
    }

    /// Registers a revision of a task definition from the members of
    /// `RegisterTaskDefinition`, and returns its ARN.
    pub fn register_task_definition(&mut self, family: &str, mut body: Map<String, Value>) -> String {
        body.remove("family");
        let registered_at = self.now();
        let revisions = self.task_definitions.entry(family.to_owned()).or_default();
        let revision = u32::try_from(revisions.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let arn = format!(
            "arn:aws:ecs:{}:{}:task-definition/{family}:{revision}",
            self.region, self.account
        );
        revisions.push(TaskDefinition {
            family: family.to_owned(),
            revision,
            arn: arn.clone(),
            active: true,
            registered_at,
            body,
        });
        arn
    }

    /// Makes a task definition `INACTIVE`, as somebody who tidies up does.
    pub fn deregister_task_definition(&mut self, arn: &str) {
        let mut all = self.task_definitions.values_mut().flatten();
        if let Some(found) = all.find(|definition| definition.arn == arn) {
            found.active = false;
        }
    }

    /// A task definition by ARN, `family:revision`, or family (its newest active
    /// revision).
    pub fn task_definition(&self, reference: &str) -> Option<&TaskDefinition> {
        let short = match reference.strip_prefix("arn:") {
            Some(rest) => rest.rsplit_once('/')?.1,
            None => reference,
        };
        match short.split_once(':') {
            Some((family, revision)) => {
                let revision: u32 = revision.parse().ok()?;
                let found = self
                    .task_definitions
                    .get(family)?
                    .get(usize::try_from(revision.checked_sub(1)?).ok()?)?;
                (!reference.starts_with("arn:") || found.arn == reference).then_some(found)
            }
            None => self
                .task_definitions
                .get(short)?
                .iter()
                .rev()
                .find(|definition| definition.active),
        }
    }

    /// An ECS service by cluster and name.
    pub fn ecs_service(&self, cluster: &str, name: &str) -> Option<&EcsService> {
        self.services.get(&service_key(cluster, name))
    }

    /// Every ECS service.
    pub fn ecs_services(&self) -> impl Iterator<Item = &EcsService> {
        self.services.values()
    }

    /// Every task, also those that stopped within the last hour.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }

    /// A target group by ARN.
    pub fn target_group(&self, arn: &str) -> Option<&TargetGroup> {
        self.target_groups.get(arn)
    }

    /// A listener rule by ARN.
    pub fn rule(&self, arn: &str) -> Option<&Rule> {
        self.rules.get(arn)
    }

    /// Every listener rule with its ARN.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.rules.iter().map(|(arn, rule)| (arn.as_str(), rule))
    }

    /// Every ECR repository with its name.
    pub fn repositories(&self) -> impl Iterator<Item = (&str, &Repository)> {
        self.repositories.iter().map(|(name, held)| (name.as_str(), held))
    }

    /// Every alarm.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values()
    }

    /// How many tasks of a service are wanted, run and, where they have a
    /// target group, are healthy there.
    pub fn serving_tasks(&self, cluster: &str, service: &str) -> usize {
        let key = service_key(cluster, service);
        self.tasks_of_service(&key)
            .filter(|task| self.is_serving(task))
            .count()
    }
}

/// The next instant after `now` that lies `offset` seconds after a full minute.
fn next_multiple(now: Timestamp, offset: i64) -> Timestamp {
    let minutes = (now.as_second() - offset).div_euclid(MINUTE) + 1;
    Timestamp::from_second(minutes * MINUTE + offset).unwrap_or(Timestamp::MAX)
}
