//! What a deployment file means, after it was read and checked.
//!
//! Nothing here can hold a nonsense value: the parser refuses those with a line and a column.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::analyzer::Analyzer;
use super::cost::{Cost, Explorer};
use super::evidence::{Evidence, Hotfix};
use super::monitoring::Monitoring;
use crate::analysis::{Condition, KnownMetric};
use crate::change::flags::FlagsWork;
use crate::change::index::IndexWork;
use crate::change::{Expected, Source, StackWork, TerraformWork, Undo};
use crate::http::HttpTest;
use crate::ids::{EnvironmentName, Role, ServiceName, Target, Weight};
use crate::security::SecurityCheck;
use crate::suite::SuiteFunction;

/// A validated deployment file of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// `service`: given in the file, or beside it (`--service`).
    pub service: Option<ServiceName>,
    /// `environment`.
    pub environment: EnvironmentName,
    /// `strategy` with the section that belongs to it.
    pub strategy: Strategy,
    /// `replicas`: tasks of the service at full traffic.
    pub replicas: u32,
    /// `resources`.
    pub resources: Resources,
    /// `autoDeploy`: whether a pushed image starts a deployment by itself (default true).
    pub auto_deploy: bool,
    /// `checkPermissions`: whether IAM is asked what the functions may do (default false).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_permissions: bool,
    /// `account`: number of the AWS account that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `trigger`.
    pub trigger: Trigger,
    /// `cluster`: name of the ECS cluster (default: the environment's name).
    pub cluster: Option<String>,
    /// `loadBalancer: false` for a service that takes its work from elsewhere (default true).
    pub load_balancer: bool,
    /// `healthCheck`.
    pub health_check: Option<HealthCheck>,
    /// `autoRollback`.
    pub auto_rollback: AutoRollback,
    /// `gates`: points where people must decide.
    pub gates: Vec<Gate>,
    /// `freezes`: times in which nothing moves forward.
    pub freezes: Vec<Freeze>,
    /// `postDeploymentTests`: names of suites. `smoke` runs on the candidate before it gets any
    /// production weight, the others after the last step.
    pub post_deployment_tests: Vec<SuiteName>,
    /// Those of them that are Lambda functions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suite_functions: BTreeMap<SuiteName, SuiteFunction>,
    /// Those that are tasks with `logTail: false`: what they write stays out of the journal.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub silent_suites: BTreeSet<SuiteName>,
    /// `validate`: what must hold of the new revision, beside its suites.
    #[serde(default, skip_serializing_if = "Validation::is_empty")]
    pub validate: Validation,
    /// `watch`: what is done about alarms after completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// `report`: where the report is kept after the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportStore>,
    /// `prepare`.
    #[serde(default, skip_serializing_if = "Preparation::is_empty")]
    pub prepare: Preparation,
    /// `migrations`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migration>,
    /// `analyzer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analyzer: Option<Analyzer>,
    /// `infrastructure`: what a person makes, looked at before the candidate gets traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infrastructure: Option<Infrastructure>,
    /// `configuration`.
    #[serde(default, skip_serializing_if = "Configuration::is_empty")]
    pub configuration: Configuration,
    /// `monitoring`: what watches the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<Monitoring>,
    /// `cost`: what a deployment may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// `notifications`.
    pub notifications: Notifications,
    /// `timeouts`.
    pub timeouts: Timeouts,
    /// `evidence`: what must be known of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// `hotfix`: what an urgent one may leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hotfix: Option<Hotfix>,
}

/// How the candidate replaces the stable revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Strategy {
    /// Stop all, start all. One ECS service; there is downtime.
    Recreate,
    /// ECS's own rolling update with the deployment circuit breaker. One ECS service.
    Rolling,
    /// Everything at once after a test time on the candidate. Two slots.
    BlueGreen(BlueGreen),
    /// By steps of weight. Two slots. `linear` is a canary whose steps were counted out.
    Canary(Steps),
    /// By equal steps of weight. Two slots.
    Linear(Steps),
}

/// `trafficSwitch` of `bluegreen`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreen {
    /// `testDuration`, seconds: how long the candidate is tested before it gets production weight,
    /// and how long it is watched after the switch.
    pub test_duration_seconds: u32,
    /// `rollbackOnError` (default true): roll back on a failed check; otherwise hold for a person.
    pub rollback_on_error: bool,
    /// `analysis`.
    pub analysis: Option<Analysis>,
}

/// Steps of a canary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Steps {
    /// Rising weights, the last one 100.
    pub steps: Vec<Step>,
    /// `analysis`.
    pub analysis: Option<Analysis>,
}

/// One step: raise the candidate to `weight`, then watch it for `bake_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Share of traffic.
    pub weight: Weight,
    /// `pause`, seconds (0 where it was absent).
    pub bake_seconds: u32,
}

/// `analysis`: what is measured while a step bakes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// `interval`, seconds: one check for each interval (at least 60: ALB metrics come once a minute).
    pub interval_seconds: u32,
    /// `threshold`: failed checks in a step before giving up.
    pub threshold: u32,
    /// `metrics`.
    pub metrics: Vec<MetricRule>,
    /// `minRequests`: fewer requests in an interval make a check inconclusive (default 10).
    pub min_requests: u32,
    /// `freshness`, seconds: data older than this counts as missing (default 180).
    pub freshness_seconds: u32,
    /// `inconclusiveLimit`: inconclusive checks in a row before rolling back (default 10).
    pub inconclusive_limit: u32,
    /// `compare`: compare candidate with stable.
    pub compare: Option<Compare>,
}

/// One metric and its bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricRule {
    /// `name`: one that Tidegate knows, or any name where `expression` says how to measure it.
    pub name: String,
    /// Which.
    pub metric: Metric,
    /// `max`, in the metric's unit (percent, milliseconds).
    pub max: Option<f64>,
    /// `min`, in the metric's unit.
    pub min: Option<f64>,
}

/// What can be measured for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// 5xx answers of the slot's tasks, percent of its requests.
    ErrorRate,
    /// 99th percentile of the response time, milliseconds.
    LatencyP99,
    /// Answers that were not 5xx, percent of the slot's requests.
    Availability,
    /// Requests in a minute.
    RequestCount,
    /// A CloudWatch metric math or SEARCH expression; `${targetGroup}`, `${loadBalancer}`,
    /// `${slot}`, `${ecsService}` and `${cluster}` are filled in for each slot.
    Expression(String),
}

/// `compare`: the candidate's samples against stable's, by the Mann-Whitney U test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Compare {
    /// `metrics` to compare; higher is worse.
    pub metrics: Vec<String>,
    /// `significance`: one-sided p-value below which the candidate is worse (default 0.01).
    pub significance: f64,
    /// `minSamples`: fewer in either slot are inconclusive (default 5).
    pub min_samples: u32,
}

/// `resources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resources {
    /// The most that a task may take.
    pub limits: Quantity,
    /// What a task is given at least.
    pub requests: Quantity,
}

/// CPU and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quantity {
    /// `cpu` in thousandths of a vCPU (`500m`, `2`, `0.5`).
    pub cpu_millis: Option<u32>,
    /// `memory` in MiB (`512Mi`, `2Gi`).
    pub memory_mib: Option<u32>,
}

/// `trigger`: which pushed images become deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// `repository`: ECR repository (default: the service's name).
    pub repository: Option<String>,
    /// `tags`: patterns with `*` and `?` (default `*`).
    pub tags: Vec<String>,
    /// `onNewerPush`.
    pub on_newer_push: NewerPush,
}

/// What a push does while a deployment of the same target is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NewerPush {
    /// Wait for its turn; a newer one takes the place of one that waits.
    Queue,
    /// Abort the running deployment, then start.
    Supersede,
}

/// `healthCheck`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// `path`.
    pub path: String,
    /// `initialDelay`, seconds.
    pub initial_delay_seconds: u32,
    /// `timeout`, seconds (2 to 120, an ELB limit).
    pub timeout_seconds: u32,
    /// `interval`, seconds (5 to 300, above `timeout`; an ELB limit).
    pub interval_seconds: u32,
    /// `failureThreshold`: failed checks before a task counts as unhealthy (2 to 10, an ELB limit).
    pub failure_threshold: u32,
}

/// `autoRollback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoRollback {
    /// `enabled` (default true). Off: conditions only tell; alarms still roll back.
    pub enabled: bool,
    /// `conditions`, each one enough by itself.
    pub conditions: Vec<Condition>,
    /// `alarms`: names of CloudWatch alarms. Where it is absent, every alarm whose name starts with
    /// `{service}-{environment}-` is watched.
    pub alarms: Option<Vec<String>>,
    /// `window`, seconds: how long after completion the old slot stays warm for `tidegate rollback`
    /// (default 1800).
    pub window_seconds: u32,
    /// `bake`, seconds: how long stable is watched once all is taken back, before the rollback counts as
    /// done; not at all where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_seconds: Option<u32>,
}

/// `watch`: what is done about alarms after completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// `for`, seconds.
    pub for_seconds: u32,
    /// `onAlarm`.
    pub on_alarm: OnAlarm,
}

/// `watch.onAlarm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAlarm {
    /// Tell people.
    Tell,
    /// Take the deployment back while the revision before it is warm; tell people after that.
    Rollback,
}

/// `report`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportStore {
    /// `bucket`: an S3 bucket.
    pub bucket: String,
    /// `prefix`: how the keys begin, without a slash at its end.
    pub prefix: String,
}

/// `gates[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// `before`.
    pub before: GatePhase,
    /// `approvals`: how many of which role.
    pub approvals: Vec<ApprovalRule>,
    /// `expires`, seconds (default 86,400).
    pub expires_seconds: u32,
}

/// Phases that can have a gate before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatePhase {
    /// Before anything is touched.
    Prepare,
    /// Before the migrations run.
    Migrate,
    /// Before infrastructure is changed.
    Infrastructure,
    /// Before parameters and flags are set.
    Configure,
    /// Before the candidate gets traffic.
    Shift,
    /// Before the suites run.
    Validate,
    /// Before the deployment is declared complete.
    Complete,
    /// Before a contract is made, in a deployment of its own.
    Contract,
}

/// `gates[].approvals[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// `role`.
    pub role: Role,
    /// `count` (default 1).
    pub count: u32,
}

/// `freezes[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// `from`, inclusive.
    pub from: Timestamp,
    /// `until`, exclusive.
    pub until: Timestamp,
    /// `reason`.
    pub reason: String,
}

/// Name of a test suite: lowercase letters, digits, dashes. It runs as the ECS task definition
/// `{service}-{environment}-test-{suite}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SuiteName(pub String);

/// `validate`: what must hold of the new revision, beside its suites.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Validation {
    /// `http`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpTest>,
    /// `allowPrivate`: pages may lie in private networks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// `performance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
    /// `security`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security: Vec<SecurityCheck>,
}

/// `validate.performance`: bounds of what all of the traffic is answered with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// `for`, seconds: how long it is measured at least.
    pub for_seconds: u32,
    /// `errorRate`, percent: at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// `p99`, milliseconds: at most, in the worst minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// `minRequests`: with fewer in that time there is no conclusion.
    pub min_requests: u32,
}

impl Validation {
    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `prepare`: what is done before anything else is touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preparation {
    /// `backups`, in order, each complete before the next one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<Backup>,
    /// `suspendAutoscaling`: nothing but the deployment changes the number of tasks while it runs.
    #[serde(default)]
    pub suspend_autoscaling: bool,
}

/// `prepare.backups[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// `table` or `database`.
    pub source: Source,
    /// `timeout`: how long it may take.
    pub timeout_seconds: u32,
}

impl Preparation {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `migrations[]`: a change of a database's schema or data, run as a task of the new revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// `name`, distinct within the file.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub work: MigrationWork,
    /// `undo` (default: revertible with `down` and of an index that is added, forward-only otherwise).
    pub undo: Undo,
    /// `timeout`, seconds, of each of its commands.
    pub timeout_seconds: u32,
    /// `logTail: false`: what its tasks write stays out of the journal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// `stage`, with `after` of a contract.
    #[serde(default, skip_serializing_if = "MigrationStage::is_expand")]
    pub stage: MigrationStage,
}

/// What a migration does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", untagged)]
pub enum MigrationWork {
    /// It runs tasks of the new revision.
    Command {
        /// `command` of the new revision's image.
        command: Vec<String>,
        /// `verify`: a command that fails where the migration did not do what it should.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verify: Option<Vec<String>>,
        /// `down`: the command that takes it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down: Option<Vec<String>>,
    },
    /// It adds or removes an index of a DynamoDB table.
    Index {
        /// `table`, with `addIndex` or `removeIndex`.
        index: IndexWork,
    },
}

impl Migration {
    /// Whether it takes away what older code needs.
    pub const fn contracts(&self) -> bool {
        matches!(self.stage, MigrationStage::Contract { .. })
    }

    /// The index that it adds or removes, where it is about one.
    pub const fn index(&self) -> Option<&IndexWork> {
        match &self.work {
            MigrationWork::Index { index } => Some(index),
            MigrationWork::Command { .. } => None,
        }
    }
}

/// `migrations[].stage`: when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum MigrationStage {
    /// It adds, before the candidate gets traffic.
    #[default]
    Expand,
    /// It fills what was added, before the candidate gets traffic.
    Backfill,
    /// It takes away what older code needs: in a deployment of its own, later.
    Contract {
        /// `after`: how long after the deployment's completion, seconds.
        after_seconds: u32,
    },
}

impl MigrationStage {
    /// Whether it is what the file need not say.
    pub const fn is_expand(&self) -> bool {
        matches!(self, Self::Expand)
    }
}

/// `infrastructure`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Infrastructure {
    /// `stack`: a stack of CloudFormation that is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<Stack>,
    /// `terraform`: planned and applied by tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terraform: Option<Terraform>,
    /// `threshold`: with more changes than this, people are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// `approvals`: who is asked where something is replaced or deleted, or much is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// `verify`: resources that a person makes in the console, and how they shall be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verify: Vec<Expected>,
    /// `timeout`, seconds: how long the person has.
    pub timeout_seconds: u32,
}

/// `configuration`: what the new revision is configured with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configuration {
    /// `parameters`: set in Systems Manager before the candidate gets traffic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// `environment` and `secrets`.
    #[serde(skip_serializing_if = "ContainerConfiguration::is_empty")]
    pub container: ContainerConfiguration,
    /// `flags`: set in AppConfig before the candidate gets traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<Flags>,
}

/// `configuration.flags`. Nothing secret: the file is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flags {
    /// Which flags, and what they shall be.
    #[serde(flatten)]
    pub work: FlagsWork,
    /// `timeout`, seconds: until AppConfig has deployed them.
    pub timeout_seconds: u32,
}

/// What the application's container gets in the new revision's task definition; all else of it stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerConfiguration {
    /// `configuration.environment`: names and values. Nothing secret.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// `configuration.secrets`: names, and where the secret is kept (`valueFrom` of ECS).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
}

/// One of `configuration.parameters`. Nothing secret: the file is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// `name`, distinct within the file, with its whole path.
    pub name: String,
    /// `value`.
    pub value: String,
}

/// `infrastructure.stack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// What it shall be.
    #[serde(flatten)]
    pub work: StackWork,
    /// `timeout`, seconds: how long an update may take.
    pub timeout_seconds: u32,
}

/// `infrastructure.terraform`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terraform {
    /// What it shall be planned with.
    #[serde(flatten)]
    pub work: TerraformWork,
    /// `timeout`, seconds: how long planning may take, and applying.
    pub timeout_seconds: u32,
}

/// Who must agree to what infrastructure as code would lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// `approvals`.
    pub approvals: Vec<ApprovalRule>,
    /// `expires`, seconds (default 86,400).
    pub expires_seconds: u32,
}

/// `notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notifications {
    /// `dashboard`: link shown in messages.
    pub dashboard: Option<String>,
    /// `slackChannel`: shown in messages; the webhook decides where they go.
    pub slack_channel: Option<String>,
}

/// `timeouts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// `healthy`, seconds: how long tasks may take to become healthy (default 900).
    pub healthy_seconds: u32,
    /// `suite`, seconds: how long one test suite may run (default 1800).
    pub suite_seconds: u32,
}

impl ContainerConfiguration {
    /// Whether nothing is to be set.
    pub fn is_empty(&self) -> bool {
        self.environment.is_empty() && self.secrets.is_empty()
    }
}

impl Configuration {
    /// Whether the file asks for nothing of it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Spec {
    /// Suites that run as tasks.
    pub fn task_suites(&self) -> Vec<SuiteName> {
        let suites = self.post_deployment_tests.iter();
        let tasks = suites.filter(|suite| !self.suite_functions.contains_key(*suite));
        tasks.cloned().collect()
    }

    /// The freeze that holds at an instant.
    pub fn freeze_at(&self, now: Timestamp) -> Option<&Freeze> {
        let mut freezes = self.freezes.iter();
        freezes.find(|freeze| freeze.from <= now && now < freeze.until)
    }

    /// The gate that the file has before a phase.
    pub fn gate(&self, before: GatePhase) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.before == before)
    }

    /// `cost.explorer`.
    pub fn explorer(&self) -> Option<&Explorer> {
        self.cost.as_ref()?.explorer.as_ref()
    }

    /// Lambda functions of the user that a deployment can't do without, each once.
    pub fn called_functions(&self) -> BTreeSet<&str> {
        let suites = self.suite_functions.values();
        let suites = suites.map(|suite| suite.function.as_str());
        // Without one that is not required, the deployment goes on.
        let analyzer = self.analyzer.iter().filter(|analyzer| analyzer.work.required);
        suites
            .chain(analyzer.map(|analyzer| analyzer.work.function.as_str()))
            .collect()
    }
}

impl SuiteName {
    /// Family of its task definition: by this, Tidegate finds it.
    pub fn family(&self, target: &Target) -> String {
        format!("{}-{}-test-{}", target.service, target.environment, self.0)
    }

    /// Whether it follows the rule of such names. Those of a deployment file do.
    pub fn is_valid(&self) -> bool {
        let rule = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        self.0.len() <= 40
            && self.0.starts_with(|c: char| c.is_ascii_lowercase())
            && self.0.chars().all(rule)
            && !self.0.ends_with('-')
    }
}

impl Metric {
    /// The metric that Tidegate measures by itself, where it is one.
    pub const fn known(&self) -> Option<KnownMetric> {
        match self {
            Self::ErrorRate => Some(KnownMetric::ErrorRate),
            Self::LatencyP99 => Some(KnownMetric::LatencyP99),
            Self::Availability => Some(KnownMetric::Availability),
            Self::RequestCount => Some(KnownMetric::RequestCount),
            Self::Expression(_) => None,
        }
    }
}

impl From<KnownMetric> for Metric {
    fn from(known: KnownMetric) -> Self {
        match known {
            KnownMetric::ErrorRate => Self::ErrorRate,
            KnownMetric::LatencyP99 => Self::LatencyP99,
            KnownMetric::Availability => Self::Availability,
            KnownMetric::RequestCount => Self::RequestCount,
        }
    }
}

impl GatePhase {
    /// Every phase that can have a gate, in the order of a deployment.
    pub const ALL: [Self; 8] = [
        Self::Prepare,
        Self::Migrate,
        Self::Infrastructure,
        Self::Configure,
        Self::Shift,
        Self::Validate,
        Self::Complete,
        Self::Contract,
    ];

    /// The phase of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }
}
