//! Contracts: migrations that take away what only older code needs. None runs in the deployment that brings
//! the code which does without it, but in one of its own, when that code has served for a while and people
//! agree.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::deployment::{Deployment, Kind, Origin, Phase, Request};
use crate::exit::{Exit, ExitState};
use crate::ids::{DeploymentId, Person};
use crate::messages::text::duration;
use crate::phases::later;
use crate::spec::{GatePhase, Migration, MigrationStage, Spec};
use crate::target::TargetState;

/// So long the schedule has to tell that a contract is due before the sweep does it, seconds.
pub const SCHEDULE_GRACE_SECONDS: i64 = 60;

/// What a deployment leads to after its end: the contracts of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContractPlan {
    /// What is made, in order; each looked at afterwards where the file says how.
    pub changes: Vec<Change>,
    /// How long after completion it is asked for, seconds.
    pub after_seconds: u32,
}

impl ContractPlan {
    /// Names of the migrations, in order.
    pub fn names(&self) -> Vec<String> {
        names(&self.changes)
    }

    /// `contract drop-old-email`.
    pub fn title(&self) -> String {
        title(&self.names())
    }

    /// `contract drop-old-email after 7 d`.
    pub fn describe(&self) -> String {
        let after = duration(self.after_seconds.into());
        format!("{} after {after}", self.title())
    }
}

/// Names of the contracts among changes.
fn names(changes: &[Change]) -> Vec<String> {
    let ids = changes.iter().map(|change| change.id.as_str());
    ids.filter_map(|id| id.strip_prefix("contract:"))
        .map(str::to_owned)
        .collect()
}

/// A contract that is still to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outstanding {
    /// The completed deployment whose revision runs it.
    pub deployment: DeploymentId,
    /// Names of the migrations.
    pub migrations: Vec<String>,
    /// When the first image was pushed that does without what it takes away.
    pub code_from: Timestamp,
    /// When the code has been watched for long enough, so that a person may have it made.
    pub baked_at: Timestamp,
    /// When it is asked for by itself.
    pub due_at: Timestamp,
    /// The deployment that was to make it last. After that it is left to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<DeploymentId>,
}

impl Outstanding {
    /// `contract drop-old-email`.
    pub fn title(&self) -> String {
        title(&self.migrations)
    }
}

/// `contract drop-old-email`.
fn title(migrations: &[String]) -> String {
    format!("contract {}", migrations.join(", "))
}

/// A contract that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contracted {
    /// The completed deployment whose code does without what it took away.
    pub of: DeploymentId,
    /// The deployment that made it.
    pub by: DeploymentId,
    /// When the first image was pushed that does without it.
    pub code_from: Timestamp,
    /// When it was made.
    pub at: Timestamp,
}

/// What a plan knows of the target's contracts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contracts {
    /// The one that is still to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outstanding: Option<Outstanding>,
    /// Those that were made, by the names of their migrations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub made: BTreeMap<String, Contracted>,
}

impl Contracts {
    /// Whether there is nothing to know.
    pub fn is_empty(&self) -> bool {
        self.outstanding.is_none() && self.made.is_empty()
    }

    /// The contract that was made since an image was pushed which may need what it took away.
    pub fn made_since(&self, pushed_at: Timestamp) -> Option<(&str, &Contracted)> {
        let mut made = self.made.iter();
        made.find(|(_, made)| pushed_at < made.code_from)
            .map(|(name, made)| (name.as_str(), made))
    }

    /// The contract that must be over before others can be planned.
    pub fn in_the_way(&self, planned: &ContractPlan) -> Option<&Outstanding> {
        let outstanding = self.outstanding.as_ref()?;
        (outstanding.migrations != planned.names()).then_some(outstanding)
    }
}

/// What is to be done about an outstanding contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is made: a deployment of its own asks people first.
    Open,
    /// It is not made any more.
    Drop {
        /// Why.
        reason: String,
        /// What a person can do.
        remedy: String,
    },
}

/// Why a contract can't be made now, or not dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractRefusal {
    /// There is none.
    #[error("no contract is outstanding")]
    None,
    /// Something runs.
    #[error("deployment {0} is running; wait for its end, or abort it")]
    Busy(DeploymentId),
    /// A rollback failed just now.
    #[error("the rollback of {0} failed just now and its functions may still run; try again in two minutes")]
    Resting(DeploymentId),
    /// Too early.
    #[error(
        "{of} can still be taken back, or is still watched, until {until:.0}; its contract can be made after that"
    )]
    NotBaked {
        /// Whose contract.
        of: DeploymentId,
        /// Until when.
        until: Timestamp,
    },
    /// Something else serves.
    #[error("{0} is not what serves now; its contract is not made")]
    NotStable(DeploymentId),
    /// A freeze holds.
    #[error("nothing moves forward until {until:.0}: {reason}")]
    Frozen {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
}

impl TargetState {
    /// What is known of contracts.
    pub fn contracts(&self) -> Contracts {
        Contracts {
            outstanding: self.contract.clone(),
            made: self.contracted.clone(),
        }
    }

    /// What is to be done about the outstanding contract of a target that nobody holds; nothing where it
    /// waits, or is left to people.
    pub fn contract_step(&self, now: Timestamp) -> Option<Step> {
        let contract = self.contract.as_ref()?;
        if let Some(step) = self.contract_dropped(contract) {
            return Some(step);
        }
        let early = contract.tried.is_some() || now < contract.due_at;
        (!early && self.contract_stands(contract, now).is_ok()).then_some(Step::Open)
    }

    /// Another revision may need what the contract takes away: unless its own file has the contract, too, and
    /// then it took it over as it completed.
    fn contract_dropped(&self, contract: &Outstanding) -> Option<Step> {
        let serves = self.stable.as_ref().map(|stable| &stable.deployment);
        let reason = match serves {
            Some(serves) if *serves == contract.deployment => return None,
            Some(serves) => format!("{serves} serves now, and may need what it takes away"),
            None => format!("{} was taken back", contract.deployment),
        };
        let remedy = format!(
            "look whether what serves does without it; a deployment of code that does, with {} in its file, plans it \
             again",
            contract.migrations.join(", ")
        );
        Some(Step::Drop { reason, remedy })
    }

    fn contract_stands(&self, contract: &Outstanding, now: Timestamp) -> Result<(), ContractRefusal> {
        if let Some(lock) = &self.lock {
            return Err(ContractRefusal::Busy(lock.deployment.clone()));
        }
        if let Some(failed) = self.resting(now) {
            return Err(ContractRefusal::Resting(failed));
        }
        let of = || contract.deployment.clone();
        if self.contract_dropped(contract).is_some() {
            return Err(ContractRefusal::NotStable(of()));
        }
        let watched = self
            .watching
            .iter()
            .find(|one| one.deployment == contract.deployment);
        let until = watched.map_or(contract.baked_at, |one| one.until.max(contract.baked_at));
        if now < until || watched.is_some() {
            return Err(ContractRefusal::NotBaked { of: of(), until });
        }
        match self.spec.freeze_at(now) {
            Some(freeze) => Err(ContractRefusal::Frozen {
                until: freeze.until,
                reason: freeze.reason.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The deployment that makes the outstanding contract, with the lock taken for it. `completed` is the one
    /// whose contract it is.
    ///
    /// # Errors
    /// Why it can't be made now. Nothing is changed then.
    pub fn open_contract(
        &mut self,
        completed: &Deployment,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Request, ContractRefusal> {
        let contract = self.contract.clone().ok_or(ContractRefusal::None)?;
        self.contract_stands(&contract, now)?;
        if completed.id != contract.deployment {
            return Err(ContractRefusal::NotStable(completed.id.clone()));
        }
        let id = self.take_lock(&completed.revision.digest, "contract-", now);
        if let Some(contract) = &mut self.contract {
            contract.tried = Some(id.clone());
        }
        Ok(Request {
            id,
            target: self.target.clone(),
            kind: Kind::Contract {
                of: completed.id.clone(),
                authors: completed.authors().cloned().collect::<Vec<Person>>(),
            },
            epoch: self.epoch,
            revision: completed.revision.clone(),
            spec: completed.spec.for_contract().into(),
            origin,
            overrides: Vec::new(),
        })
    }

    /// Drops the outstanding contract because a person says so, and gives it.
    ///
    /// # Errors
    /// There is none, or it is being made.
    pub fn drop_contract(&mut self) -> Result<Outstanding, ContractRefusal> {
        let contract = self.contract.as_ref().ok_or(ContractRefusal::None)?;
        let holder = self.lock.as_ref().map(|lock| &lock.deployment);
        if let Some(holder) = holder.filter(|holder| contract.tried.as_ref() == Some(*holder)) {
            return Err(ContractRefusal::Busy(holder.clone()));
        }
        self.contract.take().ok_or(ContractRefusal::None)
    }

    /// What the completion of a deployment means for contracts.
    pub(crate) fn follow_contract(&mut self, deployment: &Deployment, exit: &Exit) {
        if exit.state != ExitState::Completed {
            if let Some(contract) = self.contract.as_mut().filter(|_| deployment.gave_way()) {
                contract.tried = None;
            }
            return;
        }
        match &deployment.kind {
            Kind::Forward => {
                if let Some(planned) = deployment.contract_plan() {
                    let before = self.contract.take();
                    self.contract = Some(outstanding(before, deployment, planned, exit.at));
                }
            }
            Kind::Contract { of, .. } => {
                let Some(contract) = self.contract.take() else {
                    return;
                };
                for name in contract.migrations {
                    let made = Contracted {
                        of: of.clone(),
                        by: deployment.id.clone(),
                        code_from: contract.code_from,
                        at: exit.at,
                    };
                    self.contracted.insert(name, made);
                }
            }
            Kind::Reversal { .. } => {}
        }
    }

    /// The contract because of which a completed deployment can't be taken back.
    pub(crate) fn contracted_of(&self, completed: &DeploymentId) -> Option<&str> {
        let mut made = self.contracted.iter();
        made.find(|(_, made)| made.of == *completed)
            .map(|(name, _)| name.as_str())
    }
}

/// The contract of a deployment that has just completed. Where the one before it had the same and nobody has
/// tried it yet, its time goes on: that code did without it, too, and a rollback returns to that. But only when
/// this one can't be taken back any more.
fn outstanding(
    before: Option<Outstanding>,
    deployment: &Deployment,
    planned: &ContractPlan,
    at: Timestamp,
) -> Outstanding {
    let migrations = planned.names();
    let window = deployment.spec.auto_rollback.window_seconds;
    let watch = deployment
        .spec
        .watch
        .as_ref()
        .map_or(0, |watch| watch.for_seconds);
    let baked_at = later(at, window.max(watch).into());
    if let Some(before) = before.filter(|one| one.migrations == migrations && one.tried.is_none()) {
        return Outstanding {
            deployment: deployment.id.clone(),
            baked_at,
            due_at: before.due_at.max(baked_at),
            ..before
        };
    }
    Outstanding {
        deployment: deployment.id.clone(),
        migrations,
        code_from: deployment.revision.pushed_at,
        baked_at,
        due_at: later(at, planned.after_seconds.into()).max(baked_at),
        tried: None,
    }
}

fn is_made(migration: &Migration, made: &BTreeMap<String, Contracted>) -> bool {
    migration.contracts() && made.contains_key(&migration.name)
}

impl Deployment {
    /// What it leads to after its end, by its plan.
    pub fn contract_plan(&self) -> Option<&ContractPlan> {
        self.plan.as_ref()?.contract.as_ref()
    }

    /// What is made, of a deployment that makes a contract: `contract drop-old-email`.
    pub fn contract_title(&self) -> Option<String> {
        let made = matches!(self.kind, Kind::Contract { .. });
        let contracts = || self.spec.migrations.iter().map(|one| one.name.clone());
        made.then(|| title(&contracts().collect::<Vec<_>>()))
    }

    /// Whether it gave way to a newer image before it took anything away: then it is asked for again.
    pub(crate) fn gave_way(&self) -> bool {
        let blameless = self.abort.as_ref().is_some_and(|abort| abort.cause.blameless());
        self.kind.is_contract() && blameless && !self.contract_begun()
    }

    /// Whether anything was taken away, as far as is known; a backup before it takes nothing.
    pub(crate) fn contract_begun(&self) -> bool {
        let mut contracts = self.changes_of(Phase::Migrate);
        contracts.any(|change| self.changes.contains_key(&change.id))
    }

    /// The gate behind which the state machine waits where it says `before`: it runs contracts as it runs the
    /// other migrations.
    pub const fn asked_at(&self, before: GatePhase) -> GatePhase {
        match (&self.kind, before) {
            (Kind::Contract { .. }, GatePhase::Migrate) => GatePhase::Contract,
            (Kind::Forward | Kind::Reversal { .. } | Kind::Contract { .. }, before) => before,
        }
    }

    /// The gate that may stand before a phase of this deployment.
    pub fn gate_before(&self, phase: Phase) -> Option<GatePhase> {
        phase.gate().map(|before| self.asked_at(before))
    }
}

impl Spec {
    /// As it holds for the deployment that makes its contracts, and nothing else.
    #[must_use]
    pub fn for_contract(&self) -> Self {
        let mut spec = self.clone();
        spec.migrations.retain(Migration::contracts);
        spec.gates.retain(|gate| gate.before == GatePhase::Contract);
        let restores = |one: &Migration| one.undo == crate::change::Undo::NeedsRestore;
        if !spec.migrations.iter().any(restores) {
            spec.prepare.backups.clear();
        }
        spec.prepare.suspend_autoscaling = false;
        spec.health_check = None;
        spec.post_deployment_tests.clear();
        spec.suite_functions.clear();
        spec.silent_suites.clear();
        spec.validate = crate::spec::Validation::default();
        spec.watch = None;
        spec.analyzer = None;
        spec.infrastructure = None;
        spec.configuration = crate::spec::Configuration::default();
        spec.monitoring = None;
        spec.evidence = None;
        spec.cost = None;
        spec.hotfix = None;
        spec
    }

    /// Whether a contract of the file was made before.
    pub(crate) fn has_any(&self, made: &BTreeMap<String, Contracted>) -> bool {
        self.migrations.iter().any(|one| is_made(one, made))
    }

    /// Leaves out contracts that were made before: each name is made once.
    pub(crate) fn leave_out(&mut self, made: &BTreeMap<String, Contracted>) {
        self.migrations.retain(|one| !is_made(one, made));
    }

    /// How long after completion the contracts are asked for: the longest time that one of them says.
    pub fn contract_after_seconds(&self) -> Option<u32> {
        let stages = self.migrations.iter().map(|one| one.stage);
        stages
            .filter_map(|stage| match stage {
                MigrationStage::Contract { after_seconds } => Some(after_seconds),
                MigrationStage::Expand | MigrationStage::Backfill => None,
            })
            .max()
    }
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
