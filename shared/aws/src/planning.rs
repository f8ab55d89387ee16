//! What a plan is made of: all that is read of AWS before anything is touched. The plan function and
//! `tidegate plan` read it in one way, so that what a dry run shows is what a deployment finds.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::change::flags::FlagsPlace;
use tidegate_core::change::{Names, SettingNow, alarms_made, indexes};
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{Slot, Weight};
use tidegate_core::observation::{ImageState, Observation, SlotState};
use tidegate_core::wiring::{Forward, Wiring};

use crate::call::{Functions, unknown_functions};
use crate::change::flags;
use crate::change::index::{self, Tables};
use crate::error::AwsError;
use crate::observe;
use crate::on_demand::OnDemand;

/// The clients that planning reads with.
#[derive(Debug)]
pub struct Planning<'a> {
    /// Feature flags, where the file sets any.
    pub appconfig: &'a OnDemand<aws_sdk_appconfig::Client>,
    /// Alarms and dashboards.
    pub cloudwatch: &'a aws_sdk_cloudwatch::Client,
    /// Images.
    pub ecr: &'a aws_sdk_ecr::Client,
    /// Services and task definitions.
    pub ecs: &'a aws_sdk_ecs::Client,
    /// Listener rules and health.
    pub elb: &'a aws_sdk_elasticloadbalancingv2::Client,
    /// Suites and analyzers that are functions.
    pub functions: &'a Functions,
    /// Tables whose indexes the file changes.
    pub tables: Tables<'a>,
}

/// What was read.
#[derive(Debug)]
pub struct Found {
    /// What the plan is decided on.
    pub observation: Observation,
    /// Where the flags are that the file sets.
    pub flags: Option<FlagsPlace>,
}

impl Planning<'_> {
    /// The alarms to watch: named in the file, or by the prefix of the golden path, and those that the
    /// deployment will make.
    ///
    /// # Errors
    /// CloudWatch can't be asked.
    pub async fn alarms(&self, deployment: &Deployment, wiring: &Wiring) -> Result<Vec<String>, AwsError> {
        let target = &deployment.target;
        let mut alarms = match deployment.spec.auto_rollback.alarms.clone() {
            Some(named) => named,
            None => {
                let prefix = format!("{}-{}-", target.service, target.environment);
                let found = observe::alarms(self.cloudwatch, None, &prefix).await?;
                found.into_iter().map(|alarm| alarm.name).collect()
            }
        };
        for name in alarms_made(target, &deployment.spec, wiring) {
            if !alarms.contains(&name) {
                alarms.push(name);
            }
        }
        Ok(alarms)
    }

    /// Everything else but what Tidegate's own table knows (evidence, contracts) and the roles of tasks.
    ///
    /// # Errors
    /// AWS can't be asked, or does not let the caller read something.
    pub async fn read(
        &self,
        deployment: &Deployment,
        wiring: &Wiring,
        alarms: &[String],
    ) -> Result<Found, AwsError> {
        let known = observe::KnownImages::default();
        let slots = observe::slots(self.ecs, self.elb, wiring, None, &known).await?;
        let forward = match &wiring.balancer {
            Some(balancer) => Some(observe::forward(self.elb, &balancer.rule_arn).await?),
            None => None,
        };
        let (target, spec) = (&deployment.target, &deployment.spec);
        let repository = &deployment.revision.repository;
        let image = observe::image(self.ecr, repository, &deployment.revision.digest).await?;
        let mut running = slots.iter().filter(|(_, state)| state.desired > 0);
        let stable = running.find_map(|(slot, state)| {
            let digest = state.digest.as_ref()?;
            is_serving(wiring, forward.as_ref(), *slot).then_some(digest)
        });
        let stable_image = match stable {
            Some(digest) => Some(observe::image(self.ecr, repository, digest).await?),
            None => None,
        };
        let (flags, refused_flags) = match self.flags(deployment).await? {
            Some(Ok(place)) => (Some(place), None),
            Some(Err(reason)) => (None, Some(reason)),
            None => (None, None),
        };
        let names = Names::of(target, spec, wiring);
        let observation = Observation {
            container: self.container(deployment, &slots, &image).await?,
            log_groups: self.log_groups(deployment, &slots, &image).await?,
            refused_flags,
            cost: observe::cost_planned(self.ecs, deployment, wiring, &image).await?,
            tables: index::find(self.tables, indexes(spec)).await?,
            taken: observe::taken(self.cloudwatch, &names).await?,
            alarms: observe::alarms(self.cloudwatch, Some(alarms), "").await?,
            unknown_suites: observe::unknown_suites(self.ecs, target, &spec.task_suites()).await?,
            unknown_functions: unknown_functions(self.functions, spec.called_functions()).await?,
            image: Some(image),
            stable_image,
            forward,
            slots,
            ..Observation::default()
        };
        Ok(Found { observation, flags })
    }

    /// The flags that the file sets, or why they can't be set.
    async fn flags(&self, deployment: &Deployment) -> Result<Option<Result<FlagsPlace, String>>, AwsError> {
        Ok(match &deployment.spec.configuration.flags {
            Some(flags) => Some(flags::find(self.appconfig.get(), &flags.work).await?),
            None => None,
        })
    }

    /// How the variables that the file sets stand in each slot's task definition.
    async fn container(
        &self,
        deployment: &Deployment,
        slots: &BTreeMap<Slot, SlotState>,
        image: &ImageState,
    ) -> Result<BTreeMap<Slot, BTreeMap<String, SettingNow>>, AwsError> {
        let asked = &deployment.spec.configuration.container;
        let ImageState::Found { uri: image, .. } = image else {
            return Ok(BTreeMap::new());
        };
        let mut found = BTreeMap::new();
        for (slot, state) in slots.iter().filter(|_| !asked.is_empty()) {
            let of = observe::Configured { image, asked };
            let settings = observe::container_settings(self.ecs, &state.task_definition, of).await?;
            found.insert(*slot, settings);
        }
        Ok(found)
    }

    /// Where the application writes its lines, as far as the file asks.
    async fn log_groups(
        &self,
        deployment: &Deployment,
        slots: &BTreeMap<Slot, SlotState>,
        image: &ImageState,
    ) -> Result<Vec<String>, AwsError> {
        let monitoring = deployment.spec.monitoring.as_ref();
        let asked = monitoring.is_some_and(|one| one.log_retention_days.is_some());
        let ImageState::Found { uri: image, .. } = image else {
            return Ok(Vec::new());
        };
        let mut groups = BTreeSet::new();
        for state in slots.values().filter(|_| asked) {
            groups.extend(observe::log_group(self.ecs, &state.task_definition, image).await?);
        }
        Ok(groups.into_iter().collect())
    }
}

/// Whether a slot has weight, as far as there are weights.
fn is_serving(wiring: &Wiring, forward: Option<&Forward>, slot: Slot) -> bool {
    let groups = wiring.balancer.as_ref().map(|balancer| &balancer.target_groups);
    let group = groups.and_then(|groups| groups.get(&slot));
    let weight = group.and_then(|group| forward?.weight_of(group));
    weight.is_none_or(|weight| weight > Weight::ZERO)
}
