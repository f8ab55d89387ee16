//! ECS: what clusters, services, task definitions and tasks are made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ImageId;

/// A revision of a task definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// Its family.
    pub family: String,
    /// Its number within the family, from 1.
    pub revision: u32,
    /// Its ARN, with the revision.
    pub arn: String,
    /// `false` once it is deregistered.
    pub active: bool,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Everything else, as it was registered.
    pub body: Map<String, Value>,
}

impl TaskDefinition {
    /// The image references of its containers, in order.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.containers()
            .filter_map(|container| container.get("image")?.as_str())
    }

    /// The definitions of its containers, in order.
    pub fn containers(&self) -> impl Iterator<Item = &Value> {
        self.body
            .get("containerDefinitions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }
}

/// A service's place behind a target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// ARN of the target group.
    pub target_group: String,
    /// Container that takes the traffic.
    pub container: String,
    /// Its port.
    pub port: u16,
}

/// `rolloutState` of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RolloutState {
    /// Tasks are being replaced.
    InProgress,
    /// The service is steady on this deployment.
    Completed,
    /// The circuit breaker gave it up.
    Failed,
}

impl RolloutState {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// One deployment of a service. The first in the list is the `PRIMARY` one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its id (`ecs-svc/...`).
    pub id: String,
    /// ARN of the task definition that it brings.
    pub task_definition: String,
    /// How far it is.
    pub rollout: RolloutState,
    /// Why, in AWS's words.
    pub reason: String,
    /// Tasks that failed to start or to become healthy.
    pub failed_tasks: u32,
    /// The scheduler starts no task before this: it slows down after failures.
    pub not_before: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// How a service replaces its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentConfiguration {
    /// Upper limit of tasks while deploying, in percent of the desired count.
    pub maximum_percent: u32,
    /// Lower limit of healthy tasks while deploying, in percent of the desired count.
    pub minimum_healthy_percent: u32,
    /// Whether the circuit breaker is on.
    pub breaker: bool,
    /// Whether the circuit breaker goes back to what worked last.
    pub breaker_rollback: bool,
}

impl Default for DeploymentConfiguration {
    /// AWS's defaults for a replica service.
    fn default() -> Self {
        Self {
            maximum_percent: 200,
            minimum_healthy_percent: 100,
            breaker: false,
            breaker_rollback: false,
        }
    }
}

/// One line of a service's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, in AWS's words.
    pub message: String,
}

/// An ECS service; its key in the fleet is `cluster/name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EcsService {
    /// Name of its cluster.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Tasks that it should run.
    pub desired: u32,
    /// Target groups that its tasks are registered with.
    pub attachments: Vec<Attachment>,
    /// Its deployments, the primary one first.
    pub deployments: Vec<Deployment>,
    /// How it replaces tasks.
    pub configuration: DeploymentConfiguration,
    /// Task definition of the last deployment that completed.
    pub last_completed: Option<String>,
    /// `networkConfiguration` as AWS writes it.
    pub network: Value,
    /// Seconds for which failed health checks of a new task are ignored.
    pub grace_seconds: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its events, the newest first; at most 100, as AWS keeps.
    pub events: Vec<ServiceEvent>,
}

impl EcsService {
    /// The deployment that the service is going to.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// ARN of the task definition of the primary deployment.
    pub fn task_definition(&self) -> &str {
        self.primary().map_or("", |primary| &primary.task_definition)
    }
}

/// `lastStatus` of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Its network interface is being made.
    Provisioning,
    /// Its image is being pulled.
    Pending,
    /// Its containers run.
    Running,
    /// Its target is being drained.
    Deactivating,
    /// It is gone.
    Stopped,
}

impl TaskStatus {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// `stopCode` of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopCode {
    /// It could not be started.
    TaskFailedToStart,
    /// One of its essential containers exited.
    EssentialContainerExited,
    /// Somebody stopped it.
    UserInitiated,
    /// Its service stopped it.
    ServiceSchedulerInitiated,
}

impl StopCode {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskFailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
        }
    }
}

/// What happens to a task next, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transition {
    /// The network interface is there.
    Pend,
    /// The image is pulled and the containers start.
    Run,
    /// The image can't be pulled.
    FailToPull,
    /// The essential container exits with this code.
    Exit(i64),
    /// The service gives it up, because its health checks fail.
    GiveUp,
    /// Its target is drained and it ends.
    End,
}

/// Why a task stopped or is stopping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// AWS's code.
    pub code: StopCode,
    /// `stoppedReason` in AWS's words.
    pub reason: String,
    /// When stopping began.
    pub at: Timestamp,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its ARN.
    pub arn: String,
    /// Name of its cluster.
    pub cluster: String,
    /// Key (`cluster/name`) of the service that it belongs to.
    pub service: Option<String>,
    /// `group` as AWS shows it.
    pub group: String,
    /// Deployment id of its service, or what `RunTask` was given.
    pub started_by: Option<String>,
    /// ARN of its task definition.
    pub task_definition: String,
    /// The image in our registry that decides how it behaves.
    pub image: Option<ImageId>,
    /// `lastStatus`.
    pub status: TaskStatus,
    /// Its private address.
    pub ip: String,
    /// What it does next by itself, and when.
    pub next: Option<(Timestamp, Transition)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its containers started.
    pub started_at: Option<Timestamp>,
    /// Why it stops, once it does.
    pub stop: Option<Stop>,
    /// When it was gone.
    pub stopped_at: Option<Timestamp>,
    /// Exit code of its containers.
    pub exit_code: Option<i64>,
    /// For a task of `RunTask`: how it will end.
    pub suite: Option<SuiteEnd>,
    /// `overrides` as they were given.
    pub overrides: Value,
}

/// How a task that was started with `RunTask` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteEnd {
    /// Seconds that it runs.
    pub seconds: u32,
    /// Its exit code.
    pub exit_code: i64,
}

impl Task {
    /// Whether it is meant to go on running.
    pub fn is_wanted(&self) -> bool {
        self.stop.is_none()
    }
}

/// `cluster/name`, the key of a service in the fleet.
pub(crate) fn service_key(cluster: &str, service: &str) -> String {
    format!("{cluster}/{service}")
}
