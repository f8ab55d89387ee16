//! The sweep, every minute: finds what events missed, and looks after what is watched. Each finding is handled the way its event
//! would have been; one target's trouble does not keep the others from being looked at.

use aws_types::SdkConfig;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tidegate_aws::executions::{self, ExecutionStatus};
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::{Commit, Loaded, StoreError, Whole};
use tidegate_aws::{apply, observe};
use tidegate_core::action::Action;
use tidegate_core::decision::QUIESCE_SECONDS;
use tidegate_core::deployment::{Deployment, Kind, Origin};
use tidegate_core::exit::AbortCause;
use tidegate_core::ids::{DeploymentId, Target};
use tidegate_core::sweep::{self, Finding};
use tidegate_core::target::{Admission, Push, TargetState, takes};
use tidegate_lambda::admit::{Opened, Opener};
use tidegate_lambda::config::{ConfigError, Lookup};
use tidegate_lambda::open::ExecutionInput;
use tidegate_lambda::{FunctionError, stop};

use crate::config::Config;
use crate::handler::contract::Told;

mod contract;
mod cost;
mod watch;

/// A deployment that was stored longer ago than this and has no execution lost its start (seconds).
const START_GRACE_SECONDS: i64 = 20;

/// Rollbacks that the sweep starts for one dead deployment, at the most. Each one that dies makes
/// room for the next.
const MAX_RESCUES: u32 = 20;

/// What a schedule gives. Of the one of every minute, nothing matters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Input {
    /// The target whose contract is due, from a contract's own schedule.
    #[serde(default)]
    pub contract: Option<Target>,
}

/// What was found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// One line each.
    pub findings: Vec<String>,
}

/// The function.
#[derive(Debug)]
pub struct Sweep {
    opener: Opener,
    rollback_machine: String,
    cloudwatch: aws_sdk_cloudwatch::Client,
    ce: OnDemand<aws_sdk_costexplorer::Client>,
    ecr: aws_sdk_ecr::Client,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    images: observe::KnownImages,
}

impl Sweep {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let config = Config::read(lookup)?;
        Ok(Self {
            opener: Opener::new(sdk, config.table, config.deployment_machine),
            rollback_machine: config.rollback_machine,
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            ce: OnDemand::new(sdk, aws_sdk_costexplorer::Client::new),
            ecr: aws_sdk_ecr::Client::new(sdk),
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            images: observe::KnownImages::default(),
        })
    }

    /// Looks at every target.
    ///
    /// # Errors
    /// The first error of any target, after all were looked at.
    pub async fn handle(&self, input: Input) -> Result<Output, FunctionError> {
        let mut output = Output::default();
        if let Some(target) = &input.contract {
            self.contract_is_due(target, &mut output).await?;
            return Ok(output);
        }
        let mut trouble = None;
        for target in self.opener.store.targets().await? {
            if let Err(error) = self.look_at(&target, &mut output).await {
                tracing::error!(%target, error_name = error.name(), error = error.describe(), "sweep failed");
                trouble.get_or_insert(error);
            }
        }
        for finding in &output.findings {
            tracing::warn!("{finding}");
        }
        trouble.map_or(Ok(output), Err)
    }

    async fn look_at(&self, target: &Target, output: &mut Output) -> Result<(), FunctionError> {
        let Some(held) = self.opener.store.target(target).await? else {
            return Ok(());
        };
        let found = output.findings.len();
        let running = match held.value.lock.clone() {
            Some(lock) => Some(self.look_at_running(&lock.deployment, &held, output).await?),
            None => {
                self.look_at_idle(target, held.clone(), output).await?;
                None
            }
        };
        // Where nothing was done to it, the target is as it was read.
        let same = output.findings.len() == found;
        self.look_for_untold(running, &held.value, output).await?;
        let state = match same {
            true => Some(held.value),
            false => self.opener.store.target(target).await?.map(|held| held.value),
        };
        match state {
            Some(state) => self.look_for_pushes(target, &state, output).await,
            None => Ok(()),
        }
    }

    /// Looks after the deployment that holds a target, and gives it as it was before.
    async fn look_at_running(
        &self,
        id: &DeploymentId,
        held: &Loaded<TargetState>,
        output: &mut Output,
    ) -> Result<Whole, FunctionError> {
        let Some(whole) = self.opener.store.whole(id).await? else {
            return Err(FunctionError::NotFound(format!(
                "deployment {id}, which holds {}",
                held.value.target
            )));
        };
        let deployment = &whole.deployment;
        let status = self.status(deployment).await?;
        let age = held.value.lock.as_ref().map_or(0, |lock| self.age(lock.since));
        match status {
            Some(ExecutionStatus::Running) => self.look_inside(deployment, output).await,
            None if age < START_GRACE_SECONDS => Ok(()),
            None if deployment.rollback.is_none() && !deployment.kind.is_reversal() => {
                output
                    .findings
                    .push(format!("{id}: its execution was never started; starting it"));
                self.opener.start_execution(id).await
            }
            None | Some(ExecutionStatus::Ended) => self.rescue(deployment, output).await,
        }?;
        Ok(whole)
    }

    async fn status(&self, deployment: &Deployment) -> Result<Option<ExecutionStatus>, FunctionError> {
        let machine = match deployment.kind {
            Kind::Forward | Kind::Contract { .. } => &self.opener.machine,
            Kind::Reversal { .. } => &self.rollback_machine,
        };
        Ok(executions::status(&self.opener.sfn, machine, deployment.id.as_str()).await?)
    }

    /// A running deployment: alarms whose event was lost, gates that ran out, weights that someone
    /// else set.
    async fn look_inside(&self, deployment: &Deployment, output: &mut Output) -> Result<(), FunctionError> {
        if deployment.rollback.is_some() || deployment.exit.is_some() {
            return Ok(());
        }
        if let Some(abort) = &deployment.abort {
            // The wish is written; the one who wrote it may have died before telling.
            return stop::tell(&self.opener.store, &self.opener.sfn, &deployment.id, &abort.cause).await;
        }
        self.tell_passed_gates(deployment).await?;
        let Some(plan) = &deployment.plan else {
            return Ok(());
        };
        let alarms = observe::watched_alarms(&self.cloudwatch, deployment).await?;
        let forward = match &plan.wiring.balancer {
            Some(balancer) => Some(observe::forward(&self.elb, &balancer.rule_arn).await?),
            None => None,
        };
        let now = self.opener.clock.now();
        if let Some(cause) = sweep::must_stop(deployment, &alarms, forward.as_ref(), now) {
            if self.may_be_its_own(deployment, &cause).await? {
                return Ok(());
            }
            output
                .findings
                .push(format!("{}: {}", deployment.id, cause.describe()));
            self.stop(&deployment.id, &cause).await?;
        }
        Ok(())
    }

    /// Whether weights that differ may be those that the deployment itself has set since it was read: then
    /// the next sweep sees them together with what it wrote of them.
    async fn may_be_its_own(
        &self,
        deployment: &Deployment,
        cause: &AbortCause,
    ) -> Result<bool, FunctionError> {
        if !matches!(cause, AbortCause::ChangedOutside { .. }) {
            return Ok(false);
        }
        let now = self.opener.store.deployment(&deployment.id).await?;
        Ok(now.is_none_or(|now| now.seq != deployment.seq))
    }

    /// The one whose approval passed a gate may have died before telling the execution.
    async fn tell_passed_gates(&self, deployment: &Deployment) -> Result<(), FunctionError> {
        for (before, gate) in &deployment.gates {
            let waits = gate.passed_at.is_some() && deployment.gate_before(deployment.phase) == Some(*before);
            if !waits {
                continue;
            }
            let name = stop::gate_token(*before);
            if let Some(token) = self.opener.store.token(&deployment.id, &name).await? {
                executions::succeed_token(&self.opener.sfn, &token, "{}").await?;
            }
        }
        Ok(())
    }

    async fn stop(&self, id: &DeploymentId, cause: &AbortCause) -> Result<(), FunctionError> {
        let opener = &self.opener;
        stop::request(&opener.store, &opener.sfn, &opener.clock, id, cause, "sweep")
            .await
            .map(|_| ())
    }

    /// A deployment whose execution is gone without an exit: roll back under a name of its own.
    async fn rescue(&self, deployment: &Deployment, output: &mut Output) -> Result<(), FunctionError> {
        let id = &deployment.id;
        let cause = "the execution ended without bringing the deployment to an end";
        let input = ExecutionInput::back(id.clone(), "ExecutionDied", cause);
        for attempt in 1..=MAX_RESCUES {
            let name = sweep::rescue_name(id, attempt);
            match executions::status(&self.opener.sfn, &self.rollback_machine, &name).await? {
                Some(ExecutionStatus::Running) => return Ok(()),
                Some(ExecutionStatus::Ended) => {}
                None => {
                    output
                        .findings
                        .push(format!("{id}: its execution is gone; rolling back ({name})"));
                    executions::start(&self.opener.sfn, &self.rollback_machine, &name, &input.to_json())
                        .await?;
                    return Ok(());
                }
            }
        }
        output
            .findings
            .push(format!("{id}: {MAX_RESCUES} rollbacks died; a person is needed"));
        Ok(())
    }

    async fn look_at_idle(
        &self,
        target: &Target,
        held: Loaded<TargetState>,
        output: &mut Output,
    ) -> Result<(), FunctionError> {
        if held.value.queue.is_some() {
            if let Some(id) = self.opener.start_next(target, "sweep").await? {
                output
                    .findings
                    .push(format!("{target}: {id} was next in the queue; starting it"));
            }
            return Ok(());
        }
        let wrote = self.watch(&held, output).await?
            || self.contract(&held, Told::BySweep, output).await?
            || self.compare_costs(&held, output).await?;
        if wrote {
            return Ok(());
        }
        self.scale_in_what_was_left(held, output).await
    }

    /// The slot beside the stable one, once nobody would return to it.
    async fn scale_in_what_was_left(
        &self,
        mut held: Loaded<TargetState>,
        output: &mut Output,
    ) -> Result<(), FunctionError> {
        let store = &self.opener.store;
        let now = self.opener.clock.now();
        let Some(id) = sweep::window_over(&held.value, now) else {
            return Ok(());
        };
        let Some(deployment) = store.deployment(&id).await? else {
            return Ok(());
        };
        let Some(plan) = &deployment.plan else {
            return Ok(());
        };
        let slots = observe::slots(&self.ecs, &self.elb, &plan.wiring, None, &self.images).await?;
        let forward = match &plan.wiring.balancer {
            Some(balancer) => Some(observe::forward(&self.elb, &balancer.rule_arn).await?),
            None => None,
        };
        match sweep::left_over(plan, &slots, forward.as_ref()) {
            Finding::ScaleIn(slot) => {
                output.findings.push(format!(
                    "{}: the {slot} slot is not needed any more",
                    held.value.target
                ));
                // Persist, then act: a deployment that starts meanwhile makes this write fail.
                held.value.tidying_until = now.checked_add(SignedDuration::from_secs(QUIESCE_SECONDS)).ok();
                if !self.mark_scaled_in(&mut held).await? {
                    return Ok(());
                }
                let action = Action::SetDesiredCount { slot, desired: 0 };
                apply::apply(&self.ecs, &self.elb, &deployment, &action).await?;
            }
            Finding::Nothing => {
                self.mark_scaled_in(&mut held).await?;
            }
            Finding::Drift(reason) => {
                output.findings.push(format!("{}: {reason}", held.value.target));
            }
        }
        Ok(())
    }

    async fn mark_scaled_in(&self, held: &mut Loaded<TargetState>) -> Result<bool, FunctionError> {
        if let Some(stable) = &mut held.value.stable {
            stable.other_scaled_in = true;
        }
        match self.opener.store.commit(Commit::new().target(held)).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Messages that got lost on their way from the table's stream, of the deployment that runs and of
    /// the one that ended last.
    async fn look_for_untold(
        &self,
        running: Option<Whole>,
        state: &TargetState,
        output: &mut Output,
    ) -> Result<(), FunctionError> {
        let store = &self.opener.store;
        let now = self.opener.clock.now();
        let ended = state.ended.as_ref();
        let ended = match ended.filter(|ended| sweep::looked_after(ended.at, now)) {
            Some(ended) => store.whole(&ended.deployment).await?,
            None => None,
        };
        let mut watched = Vec::new();
        let alarmed = state.watching.iter();
        let alarmed = alarmed.filter_map(|one| Some((&one.deployment, one.wrote_at?)));
        let priced = state.costs.iter().map(|one| (&one.deployment, one.wrote_at));
        for (of, wrote_at) in alarmed.chain(priced) {
            if sweep::looked_after(wrote_at, now) {
                watched.extend(store.whole(of).await?);
            }
        }
        for whole in running.into_iter().chain(ended).chain(watched) {
            let id = &whole.deployment.id;
            for entry in sweep::untold(&whole.deployment, &whole.journal, &whole.delivered, now) {
                output.findings.push(format!(
                    "{id}: nobody heard of entry {}; telling it again",
                    entry.seq
                ));
                store.retell(entry, now).await?;
            }
        }
        Ok(())
    }

    /// Images that no event told of.
    async fn look_for_pushes(
        &self,
        target: &Target,
        state: &TargetState,
        output: &mut Output,
    ) -> Result<(), FunctionError> {
        if !state.spec.auto_deploy {
            return Ok(());
        }
        let repository = state
            .spec
            .trigger
            .repository
            .as_deref()
            .unwrap_or(target.service.as_str());
        let since = state
            .newest
            .as_ref()
            .map_or(state.applied_at, |newest| newest.pushed_at);
        let mut images = observe::images_since(&self.ecr, repository, since).await?;
        images.retain(|image| {
            takes(&state.spec.trigger, target, repository, image.tag.as_deref())
                && state
                    .newest
                    .as_ref()
                    .is_none_or(|newest| newest.digest != image.digest)
        });
        // Only the newest: what lies between was never to be deployed.
        let Some(image) = images.into_iter().max_by_key(|image| image.pushed_at) else {
            return Ok(());
        };
        // The event may still be on its way; it comes within seconds.
        if self.age(image.pushed_at) < START_GRACE_SECONDS {
            return Ok(());
        }
        let push = Push {
            repository: repository.to_owned(),
            digest: image.digest,
            tag: image.tag,
            pushed_at: image.pushed_at,
            origin: Origin::Push {
                event_id: "sweep".to_owned(),
            },
            overrides: Vec::new(),
        };
        match self.opener.admit(target, &push, None, "sweep").await? {
            // Refused now, it is refused at the next sweep too: nothing was found.
            Opened::As(Admission::Refused(_)) | Opened::SeenBefore => {}
            Opened::As(Admission::Start(_) | Admission::Queued { .. } | Admission::Superseding { .. }) => {
                output
                    .findings
                    .push(format!("{target}: no event told of image {}", push.digest));
            }
        }
        Ok(())
    }

    fn age(&self, since: jiff::Timestamp) -> i64 {
        self.opener.clock.now().duration_since(since).as_secs()
    }
}
