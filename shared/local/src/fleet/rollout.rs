//! The service scheduler: brings every service to its desired count, replaces
//! tasks by rolling deployments, and breaks the circuit when they keep failing.

use jiff::Timestamp;
use serde_json::Value;

use super::ecs::{Deployment, EcsService, RolloutState, ServiceEvent, StopCode, Task, TaskStatus};
use super::tasks::NewTask;
use super::{Fleet, after};

/// Events that a service keeps (ECS API reference, `Service.events`).
const EVENTS_KEPT: usize = 100;
/// The scheduler waits this many seconds longer with every failed task ...
const BACKOFF_STEP_SECONDS: i64 = 5;
/// ... up to this many.
const BACKOFF_MAX_SECONDS: i64 = 60;

/// Failed tasks that break the circuit (ECS developer guide, "Amazon ECS
/// deployment circuit breaker"): half of the desired count, from 3 to 200.
pub(crate) fn failure_threshold(desired: u32) -> u32 {
    desired.div_ceil(2).clamp(3, 200)
}

/// The tasks of one service, as the scheduler looks at them.
struct Count {
    /// Wanted tasks of the primary deployment: ARN and whether they serve.
    new: Vec<(String, bool)>,
    /// Wanted tasks of older deployments.
    old: Vec<(String, bool)>,
}

impl Count {
    fn serving(&self) -> usize {
        self.new
            .iter()
            .chain(&self.old)
            .filter(|(_, serving)| *serving)
            .count()
    }

    fn total(&self) -> usize {
        self.new.len() + self.old.len()
    }
}

impl Fleet {
    /// Lets the scheduler look at every service once. Returns whether it did
    /// anything.
    pub(crate) fn schedule_services(&mut self, now: Timestamp) -> bool {
        let due = self.services.values().any(|service| {
            service
                .primary()
                .and_then(|primary| primary.not_before)
                .is_some_and(|at| at <= now)
        });
        if !std::mem::take(&mut self.dirty) && !due {
            return false;
        }
        let keys: Vec<String> = self.services.keys().cloned().collect();
        let mut acted = false;
        for key in keys {
            acted |= self.schedule_service(&key, now);
        }
        acted
    }

    fn schedule_service(&mut self, key: &str, now: Timestamp) -> bool {
        if let Some(primary) = self.primary_mut(key)
            && primary.not_before.is_some_and(|at| at <= now)
        {
            primary.not_before = None;
        }
        let broken = self.break_circuit(key, now);
        let count = self.count_tasks(key);
        let started = self.start_missing(key, &count);
        let stopped = self.stop_surplus(key, &count);
        let completed = self.complete_rollout(key, now);
        broken || started || stopped || completed
    }

    fn primary_mut(&mut self, key: &str) -> Option<&mut Deployment> {
        self.services.get_mut(key)?.deployments.first_mut()
    }

    fn count_tasks(&self, key: &str) -> Count {
        let primary = self
            .services
            .get(key)
            .and_then(EcsService::primary)
            .map(|primary| primary.id.as_str());
        let mut count = Count {
            new: Vec::new(),
            old: Vec::new(),
        };
        for task in self.tasks_of_service(key).filter(|task| task.is_wanted()) {
            let entry = (task.arn.clone(), self.is_serving(task));
            if task.started_by.as_deref() == primary {
                count.new.push(entry);
            } else {
                count.old.push(entry);
            }
        }
        count
    }

    /// Tasks of a service that are not stopped yet.
    pub(crate) fn tasks_of_service<'f>(&'f self, key: &'f str) -> impl Iterator<Item = &'f Task> {
        self.tasks
            .values()
            .filter(move |task| task.service.as_deref() == Some(key))
            .filter(|task| task.status != TaskStatus::Stopped)
    }

    /// Starts as many tasks of the primary deployment as are missing and as
    /// `maximumPercent` leaves room for.
    fn start_missing(&mut self, key: &str, count: &Count) -> bool {
        let Some(service) = self.services.get(key) else {
            return false;
        };
        let Some(primary) = service.primary() else {
            return false;
        };
        if primary.not_before.is_some() || primary.rollout == RolloutState::Failed {
            return false;
        }
        let missing = (service.desired as usize).saturating_sub(count.new.len());
        let room = upper_limit(service).saturating_sub(count.total());
        let starting = missing.min(room);
        let new = |service: &EcsService, primary: &Deployment| NewTask {
            cluster: service.cluster.clone(),
            service: Some(key.to_owned()),
            group: format!("service:{}", service.name),
            started_by: Some(primary.id.clone()),
            task_definition: primary.task_definition.clone(),
            overrides: Value::Null,
        };
        let wanted: Vec<NewTask> = (0..starting).map(|_| new(service, primary)).collect();
        let mut arns = Vec::new();
        for task in wanted {
            arns.push(self.start_task(task));
        }
        if let Some(first) = arns.first() {
            let id = first.rsplit('/').next().unwrap_or_default().to_owned();
            let name = self.service_name(key);
            self.tell(
                key,
                format!("(service {name}) has started {starting} tasks: (task {id})."),
            );
        }
        starting > 0
    }

    /// Stops what is too much: tasks of the primary deployment above the
    /// desired count, and older ones as `minimumHealthyPercent` allows.
    fn stop_surplus(&mut self, key: &str, count: &Count) -> bool {
        let Some(service) = self.services.get(key) else {
            return false;
        };
        let desired = service.desired as usize;
        let mut stopping: Vec<String> = Vec::new();

        let mut new: Vec<&(String, bool)> = count.new.iter().collect();
        // Those that do not serve go first.
        new.sort_by_key(|(_, serving)| *serving);
        let surplus = count.new.len().saturating_sub(desired);
        stopping.extend(new.iter().take(surplus).map(|(arn, _)| arn.clone()));

        let blocked = count.new.len() < desired && count.total() >= upper_limit(service);
        let serving = count.serving();
        let floor = if blocked { lower_limit(service) } else { desired };
        let mut may_stop = serving.saturating_sub(floor);
        for (arn, serves) in &count.old {
            if !serves {
                stopping.push(arn.clone());
            } else if may_stop > 0 {
                may_stop -= 1;
                stopping.push(arn.clone());
            }
        }
        for arn in &stopping {
            let reason = self.scaling_reason(key, arn);
            self.stop_task(arn, StopCode::ServiceSchedulerInitiated, reason);
        }
        !stopping.is_empty()
    }

    fn scaling_reason(&self, key: &str, task: &str) -> String {
        let deployment = self
            .tasks
            .get(task)
            .and_then(|task| task.started_by.clone())
            .unwrap_or_default();
        let arn = self
            .services
            .get(key)
            .map(|service| service.arn.clone())
            .unwrap_or_default();
        format!("Scaling activity initiated by deployment {deployment} of service {arn}")
    }

    /// Ends a rollout whose tasks all serve and whose predecessors are gone.
    fn complete_rollout(&mut self, key: &str, now: Timestamp) -> bool {
        let count = self.count_tasks(key);
        let Some(service) = self.services.get_mut(key) else {
            return false;
        };
        let desired = service.desired as usize;
        let steady = count.old.is_empty()
            && count.new.len() == desired
            && count.new.iter().all(|(_, serving)| *serving);
        let name = service.name.clone();
        let Some(primary) = service.deployments.first_mut() else {
            return false;
        };
        if !steady || primary.rollout != RolloutState::InProgress {
            return false;
        }
        primary.rollout = RolloutState::Completed;
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated_at = now;
        let id = primary.id.clone();
        service.last_completed = Some(primary.task_definition.clone());
        service.deployments.truncate(1);
        self.tell(
            key,
            format!("(service {name}) (deployment {id}) deployment completed."),
        );
        self.tell(key, format!("(service {name}) has reached a steady state."));
        true
    }

    /// Counts a task of a service that failed against its deployment.
    pub(crate) fn count_failure(&mut self, task: &str, now: Timestamp) {
        let Some((key, deployment)) = self
            .tasks
            .get(task)
            .and_then(|task| Some((task.service.clone()?, task.started_by.clone()?)))
        else {
            return;
        };
        let Some(found) = self.services.get_mut(&key).and_then(|service| {
            service
                .deployments
                .iter_mut()
                .find(|candidate| candidate.id == deployment)
        }) else {
            return;
        };
        found.failed_tasks = found.failed_tasks.saturating_add(1);
        found.updated_at = now;
        let wait = (i64::from(found.failed_tasks) * BACKOFF_STEP_SECONDS).min(BACKOFF_MAX_SECONDS);
        found.not_before = Some(after(now, wait));
    }

    /// Fails a rollout with too many failed tasks and goes back to what worked
    /// last, as far as the service's circuit breaker is set up to.
    fn break_circuit(&mut self, key: &str, now: Timestamp) -> bool {
        let Some(service) = self.services.get_mut(key) else {
            return false;
        };
        let (configuration, desired) = (service.configuration, service.desired);
        let last_completed = service.last_completed.clone();
        let name = service.name.clone();
        let Some(primary) = service.deployments.first_mut() else {
            return false;
        };
        if !configuration.breaker
            || primary.rollout != RolloutState::InProgress
            || primary.failed_tasks < failure_threshold(desired)
        {
            return false;
        }
        primary.rollout = RolloutState::Failed;
        primary.reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
        primary.updated_at = now;
        let failed = (primary.id.clone(), primary.task_definition.clone());
        self.tell(
            key,
            format!(
                "(service {name}) (deployment {}) deployment failed: tasks failed to start.",
                failed.0
            ),
        );
        if let Some(back) = last_completed.filter(|back| configuration.breaker_rollback && *back != failed.1)
        {
            let id = self.new_deployment(key, &back);
            if let Some(primary) = self.primary_mut(key) {
                primary.reason =
                    format!("ECS deployment circuit breaker: rolling back to deploymentId {id}.");
            }
            self.tell(key, format!("(service {name}) rolling back to deployment {id}."));
        }
        true
    }

    /// Puts a new deployment of a task definition in front and returns its id.
    pub(crate) fn new_deployment(&mut self, key: &str, task_definition: &str) -> String {
        let now = self.now();
        let id = format!("ecs-svc/{}", self.ids.decimal(19));
        if let Some(service) = self.services.get_mut(key) {
            service.deployments.insert(
                0,
                Deployment {
                    id: id.clone(),
                    task_definition: task_definition.to_owned(),
                    rollout: RolloutState::InProgress,
                    reason: format!("ECS deployment {id} in progress."),
                    failed_tasks: 0,
                    not_before: None,
                    created_at: now,
                    updated_at: now,
                },
            );
        }
        self.dirty = true;
        id
    }

    fn service_name(&self, key: &str) -> String {
        self.services
            .get(key)
            .map(|service| service.name.clone())
            .unwrap_or_default()
    }

    /// Adds a line to a service's events.
    fn tell(&mut self, key: &str, message: String) {
        let event = ServiceEvent {
            id: self.ids.uuid(),
            at: self.now(),
            message,
        };
        if let Some(service) = self.services.get_mut(key) {
            service.events.insert(0, event);
            service.events.truncate(EVENTS_KEPT);
        }
    }
}

/// Most tasks that a service may have while deploying; rounded down.
fn upper_limit(service: &EcsService) -> usize {
    let limit = u64::from(service.desired) * u64::from(service.configuration.maximum_percent) / 100;
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Fewest serving tasks that a service may have while deploying; rounded up.
fn lower_limit(service: &EcsService) -> usize {
    let percent = u64::from(service.configuration.minimum_healthy_percent);
    let limit = (u64::from(service.desired) * percent).div_ceil(100);
    usize::try_from(limit).unwrap_or(usize::MAX)
}
