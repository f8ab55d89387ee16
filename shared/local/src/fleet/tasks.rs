//! The life of a task: from `PROVISIONING` to `STOPPED`.

use jiff::Timestamp;
use serde_json::Value;

use super::ecs::{Stop, StopCode, SuiteEnd, Task, TaskStatus, Transition};
use super::elb::{Target, TargetState};
use super::images::{ImageId, Resolved, Start};
use super::{Fleet, after, random};

/// Seconds until a task's network interface is there.
const PROVISION_SECONDS: i64 = 6;
/// Seconds that the image takes to be pulled, before noise.
const PULL_SECONDS: i64 = 13;
/// Seconds that a crashing version runs before it exits.
const CRASH_SECONDS: i64 = 4;
/// Seconds after which a task without a target group, whose container is never
/// healthy, is given up: three failed container health checks.
const CONTAINER_CHECK_SECONDS: i64 = 60;
/// Seconds that a task without a target takes to stop.
const STOP_SECONDS: i64 = 2;
/// Seconds for which a stopped task can still be described (ECS API reference,
/// `DescribeTasks`: at least one hour).
const STOPPED_KEPT_SECONDS: i64 = 3_600;

/// What a task is started for.
pub(crate) struct NewTask {
    pub(crate) cluster: String,
    pub(crate) service: Option<String>,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    pub(crate) task_definition: String,
    pub(crate) overrides: Value,
}

impl Fleet {
    /// Starts a task and returns its ARN.
    pub(crate) fn start_task(&mut self, new: NewTask) -> String {
        let now = self.now();
        let arn = format!(
            "arn:aws:ecs:{}:{}:task/{}/{}",
            self.region,
            self.account,
            new.cluster,
            self.ids.hex(32)
        );
        let image = match self.image_of(&new.task_definition) {
            Resolved::Ours(id) => Some(id),
            Resolved::Elsewhere | Resolved::Missing => None,
        };
        let suite = match new.service {
            Some(_) => None,
            None => Some(self.suite_end(image.as_ref(), &new)),
        };
        self.addresses = self.addresses.wrapping_add(1);
        let ip = format!(
            "10.0.{}.{}",
            (self.addresses / 250) % 250,
            self.addresses % 250 + 4
        );
        let task = Task {
            arn: arn.clone(),
            cluster: new.cluster,
            service: new.service,
            group: new.group,
            started_by: new.started_by,
            task_definition: new.task_definition,
            image,
            status: TaskStatus::Provisioning,
            ip,
            next: Some((after(now, PROVISION_SECONDS), Transition::Pend)),
            created_at: now,
            started_at: None,
            stop: None,
            stopped_at: None,
            exit_code: None,
            suite,
            overrides: new.overrides,
        };
        self.tasks.insert(arn.clone(), task);
        self.dirty = true;
        arn
    }

    /// The image that decides how a task definition's tasks behave: the first
    /// of our registry; missing, if any of its images is.
    pub(crate) fn image_of(&self, task_definition: &str) -> Resolved {
        let Some(definition) = self.task_definition(task_definition) else {
            return Resolved::Missing;
        };
        let mut first: Option<ImageId> = None;
        for reference in definition.images() {
            match self.resolve_image(reference) {
                Resolved::Ours(id) => {
                    first.get_or_insert(id);
                }
                Resolved::Elsewhere => {}
                Resolved::Missing => return Resolved::Missing,
            }
        }
        first.map_or(Resolved::Elsewhere, Resolved::Ours)
    }

    /// How a task of `RunTask` will end: the suite is the first of the
    /// version's suites whose name stands in the command, the environment,
    /// `startedBy`, or the family.
    fn suite_end(&self, image: Option<&ImageId>, new: &NewTask) -> SuiteEnd {
        let behaviour = self.behaviour(image);
        let words = words(&new.overrides, new.started_by.as_deref(), &new.task_definition);
        let exit_code = behaviour
            .suite_exit_codes
            .iter()
            .find(|(suite, _)| words.iter().any(|word| word.contains(suite.as_str())))
            .map_or(0, |(_, code)| *code);
        SuiteEnd {
            seconds: behaviour.suite_seconds,
            exit_code,
        }
    }

    /// What a task of `RunTask` has written, with when; nothing before it runs.
    pub(crate) fn lines_of(&self, task: &Task) -> Vec<(Timestamp, String)> {
        let ended = task.exit_code.and(task.stopped_at);
        let runs = task.started_at.filter(|_| task.stopped_at.is_none());
        let (None, Some(at)) = (&task.service, ended.or(runs)) else {
            return Vec::new();
        };
        let words = words(&task.overrides, task.started_by.as_deref(), &task.task_definition);
        let behaviour = self.behaviour(task.image.as_ref());
        let mut written = behaviour.suite_lines.iter();
        let lines = written.find(|(suite, _)| words.iter().any(|word| word.contains(suite.as_str())));
        let lines = lines.map_or(&[][..], |(_, lines)| lines);
        lines.iter().map(|line| (at, line.clone())).collect()
    }

    /// Carries out every transition of a task that is due. Returns whether
    /// there was any.
    pub(crate) fn advance_tasks(&mut self, now: Timestamp) -> bool {
        let mut due: Vec<(Timestamp, String, Transition)> = self
            .tasks
            .values()
            .filter_map(|task| {
                let (at, transition) = task.next?;
                (at <= now).then(|| (at, task.arn.clone(), transition))
            })
            .collect();
        due.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
        let any = !due.is_empty();
        for (_, arn, transition) in due {
            self.apply_transition(&arn, transition, now);
            self.dirty = true;
        }
        any
    }

    fn apply_transition(&mut self, arn: &str, transition: Transition, now: Timestamp) {
        if let Some(task) = self.tasks.get_mut(arn) {
            task.next = None;
        }
        match transition {
            Transition::Pend => self.pend(arn, now),
            Transition::Run => self.run(arn, now),
            Transition::FailToPull => self.fail_to_pull(arn, now),
            Transition::Exit(code) => self.exit(arn, code, now),
            Transition::GiveUp => self.give_up(arn, now),
            Transition::End => self.end(arn, now),
        }
    }

    fn pend(&mut self, arn: &str, now: Timestamp) {
        let Some(definition) = self.tasks.get(arn).map(|task| task.task_definition.clone()) else {
            return;
        };
        let resolved = self.image_of(&definition);
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 3")]
        let jitter = (random::noise(self.seed, arn, 0) * 3.0) as i64;
        let Some(task) = self.tasks.get_mut(arn) else {
            return;
        };
        task.status = TaskStatus::Pending;
        task.next = Some(match resolved {
            Resolved::Missing => (after(now, PULL_SECONDS / 2), Transition::FailToPull),
            Resolved::Ours(id) => {
                // A tag may have moved since the task was made.
                task.image = Some(id);
                (after(now, PULL_SECONDS + jitter), Transition::Run)
            }
            Resolved::Elsewhere => (after(now, PULL_SECONDS + jitter), Transition::Run),
        });
    }

    fn run(&mut self, arn: &str, now: Timestamp) {
        let Some(task) = self.tasks.get(arn) else {
            return;
        };
        let behaviour = self.behaviour(task.image.as_ref());
        let attachments = self.attachments_of(task);
        let (ip, suite) = (task.ip.clone(), task.suite);
        let answers_from = match behaviour.start {
            Start::Ok | Start::Crash => Some(now),
            Start::NeverHealthy => None,
            Start::Slow { seconds } => Some(after(now, i64::from(seconds))),
        };
        for (target_group, port) in &attachments {
            if let Some(group) = self.target_groups.get_mut(target_group) {
                group.targets.insert(
                    ip.clone(),
                    Target {
                        port: *port,
                        task: arn.to_owned(),
                        state: TargetState::Initial,
                        answers_from,
                        streak_from: now,
                        streak_passes: answers_from.is_some_and(|from| from <= now),
                    },
                );
            }
        }
        let next = match (behaviour.start, suite) {
            (Start::Crash, _) => Some((after(now, CRASH_SECONDS), Transition::Exit(1))),
            (Start::Ok | Start::NeverHealthy | Start::Slow { .. }, Some(end)) => Some((
                after(now, i64::from(end.seconds)),
                Transition::Exit(end.exit_code),
            )),
            (Start::NeverHealthy, None) if attachments.is_empty() => {
                Some((after(now, CONTAINER_CHECK_SECONDS), Transition::GiveUp))
            }
            (Start::Ok | Start::NeverHealthy | Start::Slow { .. }, None) => None,
        };
        if let Some(task) = self.tasks.get_mut(arn) {
            task.status = TaskStatus::Running;
            task.started_at = Some(now);
            task.next = next;
        }
    }

    /// Target groups and ports that a task of a service is registered with.
    fn attachments_of(&self, task: &Task) -> Vec<(String, u16)> {
        task.service
            .as_ref()
            .and_then(|key| self.services.get(key))
            .map(|service| {
                service
                    .attachments
                    .iter()
                    .map(|attachment| (attachment.target_group.clone(), attachment.port))
                    .collect()
            })
            .unwrap_or_default()
    }

    fn fail_to_pull(&mut self, arn: &str, now: Timestamp) {
        let image = self
            .tasks
            .get(arn)
            .and_then(|task| self.task_definition(&task.task_definition))
            .and_then(|definition| definition.images().next().map(str::to_owned))
            .unwrap_or_default();
        let reason = format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): \
             failed to resolve ref {image}: {image}: not found"
        );
        self.count_failure(arn, now);
        self.stop_at_once(arn, StopCode::TaskFailedToStart, reason, None, now);
    }

    fn exit(&mut self, arn: &str, code: i64, now: Timestamp) {
        let of_service = self.tasks.get(arn).is_some_and(|task| task.service.is_some());
        if of_service {
            self.count_failure(arn, now);
        }
        let code = self.terraform_exit(arn).unwrap_or(code);
        let reason = "Essential container in task exited".to_owned();
        self.stop_at_once(arn, StopCode::EssentialContainerExited, reason, Some(code), now);
    }

    /// The service stops a task whose health checks fail.
    fn give_up(&mut self, arn: &str, now: Timestamp) {
        let attached = self.tasks.get(arn).map(|task| self.attachments_of(task));
        let reason = match attached.as_ref().and_then(|groups| groups.first()) {
            Some((target_group, _)) => {
                format!("Task failed ELB health checks in (target-group {target_group})")
            }
            None => "Task failed container health checks".to_owned(),
        };
        self.count_failure(arn, now);
        self.stop_task(arn, StopCode::ServiceSchedulerInitiated, reason);
    }

    fn stop_at_once(
        &mut self,
        arn: &str,
        code: StopCode,
        reason: String,
        exit_code: Option<i64>,
        now: Timestamp,
    ) {
        if let Some(task) = self.tasks.get_mut(arn) {
            task.exit_code = exit_code;
            task.stop.get_or_insert(Stop {
                code,
                reason,
                at: now,
            });
        }
        self.end(arn, now);
    }

    /// Begins to stop a task: its target is drained first.
    pub(crate) fn stop_task(&mut self, arn: &str, code: StopCode, reason: String) {
        let now = self.now();
        let Some(task) = self.tasks.get(arn) else {
            return;
        };
        if !task.is_wanted() || task.status == TaskStatus::Stopped {
            return;
        }
        let ip = task.ip.clone();
        let mut wait = STOP_SECONDS;
        for (target_group, _) in self.attachments_of(task) {
            if let Some(group) = self.target_groups.get_mut(&target_group)
                && let Some(target) = group.targets.get_mut(&ip)
            {
                // Only a target that takes requests has any to finish.
                if target.state == TargetState::Healthy {
                    wait = wait.max(i64::from(group.drain_seconds));
                }
                target.state = TargetState::Draining;
            }
        }
        if let Some(task) = self.tasks.get_mut(arn) {
            if task.status == TaskStatus::Running {
                task.exit_code = Some(143);
                task.status = TaskStatus::Deactivating;
            }
            task.stop = Some(Stop {
                code,
                reason,
                at: now,
            });
            task.next = Some((after(now, wait), Transition::End));
        }
        self.dirty = true;
    }

    fn end(&mut self, arn: &str, now: Timestamp) {
        let Some(task) = self.tasks.get_mut(arn) else {
            return;
        };
        task.status = TaskStatus::Stopped;
        task.stopped_at = Some(now);
        task.next = None;
        let ip = task.ip.clone();
        for group in self.target_groups.values_mut() {
            if group.targets.get(&ip).is_some_and(|target| target.task == arn) {
                group.targets.remove(&ip);
            }
        }
    }

    /// Checks every target. A target that turned unhealthy lets its service
    /// give the task up, once its grace period is over.
    pub(crate) fn advance_health(&mut self, now: Timestamp) -> bool {
        self.refresh_answers(now);
        let mut changed = Vec::new();
        for group in self.target_groups.values_mut() {
            changed.extend(group.check_targets(now));
        }
        for (arn, state) in &changed {
            let grace = self
                .tasks
                .get(arn)
                .and_then(|task| self.services.get(task.service.as_ref()?))
                .map_or(0, |service| i64::from(service.grace_seconds));
            let Some(task) = self.tasks.get_mut(arn) else {
                continue;
            };
            let started = task.started_at.unwrap_or(now);
            match (state, task.next) {
                (TargetState::Unhealthy, None) => {
                    task.next = Some((after(started, grace).max(now), Transition::GiveUp));
                }
                (TargetState::Healthy, Some((_, Transition::GiveUp))) => task.next = None,
                (
                    TargetState::Unhealthy
                    | TargetState::Healthy
                    | TargetState::Initial
                    | TargetState::Draining,
                    _,
                ) => {}
            }
        }
        self.dirty |= !changed.is_empty();
        !changed.is_empty()
    }

    /// A version whose behaviour was changed while it runs answers its checks
    /// by the new one.
    fn refresh_answers(&mut self, now: Timestamp) {
        if !std::mem::take(&mut self.behaviour_changed) {
            return;
        }
        let answers: Vec<(String, Option<Timestamp>)> = self
            .tasks
            .values()
            .filter(|task| task.status == TaskStatus::Running && task.image.is_some())
            .map(|task| {
                let started = task.started_at.unwrap_or(now);
                let from = match self.behaviour(task.image.as_ref()).start {
                    Start::Ok | Start::Crash => Some(started),
                    Start::NeverHealthy => None,
                    Start::Slow { seconds } => Some(after(started, i64::from(seconds))),
                };
                (task.arn.clone(), from)
            })
            .collect();
        for (arn, from) in answers {
            for group in self.target_groups.values_mut() {
                for target in group.targets.values_mut().filter(|target| target.task == arn) {
                    target.answers_from = from;
                }
            }
        }
    }

    /// Forgets tasks that stopped long ago.
    pub(crate) fn forget_stopped(&mut self, now: Timestamp) {
        self.tasks.retain(|_, task| {
            task.stopped_at
                .is_none_or(|at| after(at, STOPPED_KEPT_SECONDS) > now)
        });
    }

    /// Whether a task runs and is not about to fail, and, where it has a target
    /// group, is healthy there.
    pub(crate) fn is_serving(&self, task: &Task) -> bool {
        task.status == TaskStatus::Running
            && task.is_wanted()
            && task.next.is_none()
            && self.attachments_of(task).iter().all(|(target_group, _)| {
                self.target_groups
                    .get(target_group)
                    .and_then(|group| group.targets.get(&task.ip))
                    .is_some_and(|target| target.state == TargetState::Healthy)
            })
    }
}

/// All by which a task is known: command, environment, `startedBy` and task definition.
fn words<'a>(overrides: &'a Value, started_by: Option<&'a str>, task_definition: &'a str) -> Vec<&'a str> {
    let mut words = Vec::new();
    collect_strings(overrides, &mut words, 0);
    words.extend(started_by);
    words.push(task_definition);
    words
}

/// Collects every text inside a JSON value, a few levels deep.
fn collect_strings<'v>(value: &'v Value, into: &mut Vec<&'v str>, depth: u8) {
    if depth > 8 {
        return;
    }
    match value {
        Value::String(text) => into.push(text),
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_strings(item, into, depth + 1)),
        Value::Object(fields) => fields
            .values()
            .for_each(|field| collect_strings(field, into, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
