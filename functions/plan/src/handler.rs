//! Plan: find the resources, link the alarms, read everything, decide.

use std::collections::BTreeMap;

use aws_types::SdkConfig;
use tidegate_aws::call::{Functions, functions};
use tidegate_aws::change::index::Tables;
use tidegate_aws::observe;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::permissions::Roles;
use tidegate_aws::planning::Planning;
use tidegate_aws::store::{Commit, Store, StoreError};
use tidegate_core::change::alarm_tested;
use tidegate_core::change::flags::FlagsPlace;
use tidegate_core::decision::{Decision, Outcome};
use tidegate_core::deployment::{Deployment, Phase, Revision};
use tidegate_core::event::Event;
use tidegate_core::evidence::{Author, EvidenceSeen};
use tidegate_core::exit::{Exit, Missing};
use tidegate_core::ids::{EnvironmentName, Slot, Target};
use tidegate_core::observation::{Observation, SlotState};
use tidegate_core::permissions::{self, Known, Schedules};
use tidegate_core::phases::make_plan;
use tidegate_core::spec::Evidence;
use tidegate_core::wiring::Wiring;
use tidegate_lambda::config::{ConfigError, Lookup, optional, table};
use tidegate_lambda::phase::{Held, PhaseInput, PhaseOutput, Status};
use tidegate_lambda::{Clock, FunctionError};

/// How often a lost race for the record is run again.
const TRIES: usize = 5;

/// The function.
#[derive(Debug)]
pub struct Plan {
    store: Store,
    clock: Clock,
    appconfig: OnDemand<aws_sdk_appconfig::Client>,
    cloudwatch: aws_sdk_cloudwatch::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    ecr: aws_sdk_ecr::Client,
    functions: Functions,
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    iam: OnDemand<aws_sdk_iam::Client>,
    roles: Roles,
    schedules: Option<Schedules>,
}

impl Plan {
    /// Clients and configuration.
    ///
    /// # Errors
    /// A variable that is missing.
    pub fn new(sdk: &SdkConfig, lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Ok(Self {
            store: Store::new(dynamodb.clone(), table(lookup)?),
            clock: Clock::of(sdk),
            appconfig: OnDemand::new(sdk, aws_sdk_appconfig::Client::new),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            dynamodb,
            ecr: aws_sdk_ecr::Client::new(sdk),
            functions: functions(sdk),
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            iam: OnDemand::new(sdk, aws_sdk_iam::Client::new),
            roles: Roles::read(&optional(lookup, "TIDEGATE_ROLES").unwrap_or_default()),
            schedules: schedules(lookup),
        })
    }

    /// Makes the plan, or ends the deployment as `Blocked` with what is missing.
    ///
    /// # Errors
    /// Names that the state machine matches on.
    pub async fn handle(&self, input: PhaseInput) -> Result<PhaseOutput, FunctionError> {
        for _ in 0..TRIES {
            let held = Held::load(&self.store, &input.deployment).await?;
            if let Some(output) = already(&held)? {
                return Ok(output);
            }
            let decision = self.decide(&held).await?;
            match self.persist(held, &decision).await {
                Ok(output) => return Ok(output),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FunctionError::Conflict(format!(
            "deployment {}",
            input.deployment
        )))
    }

    async fn decide(&self, held: &Held) -> Result<Decision, FunctionError> {
        let deployment = &held.deployment;
        let found = observe::find_wiring(&self.ecs, &self.elb, &deployment.target, &deployment.spec).await?;
        if !found.missing.is_empty() {
            return Ok(Decision::only(Outcome::Blocked(found.missing)));
        }
        let alarms = self.link_alarms(deployment, &found.wiring).await?;
        let mut observation = self.observe(deployment, &found.wiring, &alarms).await?;
        observation.contracts = held.target.value.contracts();
        let decision = make_plan(deployment, found.wiring, &observation, self.clock.now());
        self.permitted(deployment, &observation, decision).await
    }

    /// The same, unless the functions may not do what it needs.
    async fn permitted(
        &self,
        deployment: &Deployment,
        observation: &Observation,
        decision: Decision,
    ) -> Result<Decision, FunctionError> {
        let planned = decision.events.iter().find_map(Event::planned);
        let (Some(plan), Some(known)) = (planned, &observation.permissions) else {
            return Ok(decision);
        };
        let needed = permissions::needed(deployment, plan, known);
        let mut missing = permissions::unknown(&self.roles.unknown(&needed));
        if missing.is_empty() {
            let denied = tidegate_aws::permissions::denied(self.iam.get(), &self.roles, &needed).await?;
            missing = permissions::missing(&denied);
        }
        Ok(match missing.is_empty() {
            true => decision,
            false => Decision::only(Outcome::Blocked(missing)),
        })
    }

    fn planning(&self) -> Planning<'_> {
        Planning {
            appconfig: &self.appconfig,
            cloudwatch: &self.cloudwatch,
            ecr: &self.ecr,
            ecs: &self.ecs,
            elb: &self.elb,
            functions: &self.functions,
            tables: Tables {
                client: &self.dynamodb,
                own: Some(self.store.table_name()),
            },
        }
    }

    /// The alarms to watch, linked to the deployment. One that it only tests is linked, too, and not
    /// watched. The links are written before the alarms are read, so that none can fire unseen in between.
    async fn link_alarms(
        &self,
        deployment: &Deployment,
        wiring: &Wiring,
    ) -> Result<Vec<String>, FunctionError> {
        let alarms = self.planning().alarms(deployment, wiring).await?;
        let mut linked = alarms.clone();
        linked.extend(alarm_tested(&deployment.target, &deployment.spec));
        for some in linked.chunks(50) {
            self.store
                .commit(Commit::new().watches(&deployment.id, some, self.clock.now()))
                .await?;
        }
        Ok(alarms)
    }

    async fn observe(
        &self,
        deployment: &Deployment,
        wiring: &Wiring,
        alarms: &[String],
    ) -> Result<Observation, FunctionError> {
        let found = self.planning().read(deployment, wiring, alarms).await?;
        let mut observation = found.observation;
        if let Some(asked) = &deployment.spec.evidence {
            observation.evidence = Some(self.evidence(deployment, asked).await?);
        }
        if deployment.spec.check_permissions {
            observation.permissions = Some(self.known(deployment, &observation.slots, found.flags).await?);
        }
        Ok(observation)
    }

    /// What must be known to say which permissions are needed.
    async fn known(
        &self,
        deployment: &Deployment,
        slots: &BTreeMap<Slot, SlotState>,
        flags: Option<FlagsPlace>,
    ) -> Result<Known, FunctionError> {
        let running = slots.values().map(|state| state.task_definition.as_str());
        let definitions = permissions::task_definitions(deployment, running);
        Ok(Known {
            roles: observe::task_roles(&self.ecs, &definitions).await?,
            flags,
            schedules: self.schedules.clone(),
        })
    }

    /// What is known of the image, as far as the file asks.
    async fn evidence(
        &self,
        deployment: &Deployment,
        asked: &Evidence,
    ) -> Result<EvidenceSeen, FunctionError> {
        let Revision {
            repository, digest, ..
        } = &deployment.revision;
        let mut seen = EvidenceSeen::nothing(digest.clone());
        let release = self
            .store
            .release(repository, digest)
            .await?
            .map(|held| held.value);
        if let Some(author) = release.as_ref().and_then(|release| release.author.clone()) {
            seen.author = Some(Author::of(author, &self.store.people().await?));
        }
        seen.release = release;
        if asked.scan.is_some() {
            seen.scan = Some(observe::scan(&self.ecr, repository, digest).await?);
        }
        if asked.signature {
            seen.signature = observe::signature(&self.ecr, repository, digest).await?;
        }
        let elsewhere = |environment: &EnvironmentName| Target {
            service: deployment.target.service.clone(),
            environment: environment.clone(),
        };
        if let Some(environment) = &asked.proven_in {
            seen.proven = self.store.proof(&elsewhere(environment), digest).await?;
        }
        if let Some(rule) = &asked.rehearsed {
            let target = elsewhere(&rule.environment);
            seen.rehearsed = self.store.rehearsal(&target, digest).await?;
        }
        Ok(seen)
    }

    async fn persist(&self, mut held: Held, decision: &Decision) -> Result<PhaseOutput, StoreError> {
        let mut events = decision.events.clone();
        if let Outcome::Blocked(missing) = &decision.outcome {
            return self.block(held, missing).await;
        }
        if let Some(abort) = &held.deployment.abort {
            // Someone stopped it before it began: nothing was touched.
            let missing = [Missing {
                what: abort.cause.describe(),
                remedy: "deploy again when it is time".to_owned(),
                notify: Vec::new(),
            }];
            return self.block(held, &missing).await;
        }
        if let Outcome::Wait { seconds, reason } = &decision.outcome {
            // Already told, where it waits for the same as before.
            if !events.is_empty() {
                held.record(&self.store, events, Phase::Plan.as_str(), &self.clock)
                    .await?;
            }
            return Ok(PhaseOutput::in_progress(*seconds, reason.clone()));
        }
        events.retain(|event| matches!(event, Event::Planned { .. }));
        held.record(&self.store, events, Phase::Plan.as_str(), &self.clock)
            .await?;
        Ok(PhaseOutput::at_once(Status::Done, "planned", None))
    }

    async fn block(&self, held: Held, missing: &[Missing]) -> Result<PhaseOutput, StoreError> {
        let exit = Exit::blocked(missing, &held.deployment, self.clock.now());
        let output = PhaseOutput::at_once(Status::Blocked, exit.reason.clone(), Some(exit.state));
        held.end(&self.store, Vec::new(), exit, Phase::Plan.as_str(), &self.clock)
            .await?;
        Ok(output)
    }
}

/// Where contracts are scheduled; a stack of an older version does not tell this function.
fn schedules(lookup: Lookup<'_>) -> Option<Schedules> {
    Some(Schedules {
        group: optional(lookup, "TIDEGATE_SCHEDULE_GROUP")?,
        role: optional(lookup, "TIDEGATE_SCHEDULE_ROLE")?,
    })
}

/// A plan that was made before, or an end that came before.
fn already(held: &Held) -> Result<Option<PhaseOutput>, FunctionError> {
    match &held.deployment.exit {
        Some(exit) if exit.state == tidegate_core::exit::ExitState::Blocked => {
            return Ok(Some(PhaseOutput::at_once(
                Status::Blocked,
                exit.reason.clone(),
                Some(exit.state),
            )));
        }
        Some(_) => return Err(FunctionError::StaleEpoch),
        None => {}
    }
    if !held.holds() {
        return Err(FunctionError::StaleEpoch);
    }
    let planned = held.deployment.plan.is_some();
    Ok(planned.then(|| PhaseOutput::at_once(Status::Done, "planned before", None)))
}
