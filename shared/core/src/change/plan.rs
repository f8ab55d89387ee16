//! From the deployment file to the changes that a plan has.

use super::index::{IndexWork, TableFound};
use super::{Change, StackWork, TerraformWork, Undo, Work, monitoring};
use crate::analyzer;
use crate::deployment::Phase;
use crate::ids::{ChangeId, Target};
use crate::observation::Observation;
use crate::place::Place;
use crate::spec::{Backup, Flags, Infrastructure, Migration, MigrationWork, Parameter, Spec};
use crate::wiring::Wiring;

/// What a plan knows of the target.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Which it is.
    pub target: &'a Target,
    /// Its resources on AWS.
    pub wiring: &'a Wiring,
    /// What was read of them.
    pub observation: &'a Observation,
}

impl Around<'_> {
    /// Where it is: every ECS service has a task definition.
    pub(super) fn place(&self) -> Option<Place> {
        let slots = self.observation.slots.values();
        slots
            .into_iter()
            .find_map(|slot| Place::of(&slot.task_definition))
    }

    /// The alarms that there are or will be.
    pub(super) fn alarms(&self) -> Vec<String> {
        let alarms = self.observation.alarms.iter();
        let mut names: Vec<String> = alarms.map(|alarm| alarm.name.clone()).collect();
        // Those that are made now are found in another order the next time.
        names.sort();
        names
    }
}

/// Every change that the file asks for, in the order in which they are made.
pub fn planned(spec: &Spec, around: &Around<'_>) -> Vec<Change> {
    let services = around
        .wiring
        .services
        .values()
        .filter(|_| spec.prepare.suspend_autoscaling);
    let suspended = services.map(|service| suspended(service));
    let backups = spec.prepare.backups.iter().map(backup);
    backups
        .chain(suspended)
        .chain(
            spec.migrations
                .iter()
                .filter(|one| !one.contracts())
                .flat_map(|one| migration(one, Some(around.observation))),
        )
        .chain(spec.analyzer.iter().map(analyzer::planned))
        .chain(spec.infrastructure.iter().flat_map(infrastructure))
        .chain(spec.configuration.parameters.iter().map(parameter))
        .chain(spec.configuration.flags.iter().map(flags))
        .chain(monitoring::planned(spec, around))
        .collect()
}

/// What the deployment that makes the file's contracts does: backups where only those bring back what is
/// lost, then each contract.
pub fn contracting(spec: &Spec, observation: &Observation) -> Vec<Change> {
    let backups = spec.prepare.backups.iter().map(backup);
    backups.chain(contracts_of(spec, Some(observation))).collect()
}

/// The file's contracts, in order.
pub fn contracts(spec: &Spec) -> Vec<Change> {
    contracts_of(spec, None).collect()
}

fn contracts_of<'a>(
    spec: &'a Spec,
    observation: Option<&'a Observation>,
) -> impl Iterator<Item = Change> + 'a {
    let contracts = spec.migrations.iter().filter(|one| one.contracts());
    contracts.flat_map(move |one| migration(one, observation))
}

/// The changes of indexes that a file asks for: those of this deployment, then those of its contracts.
pub fn indexes(spec: &Spec) -> impl Iterator<Item = &IndexWork> {
    let now = spec.migrations.iter().filter(|one| !one.contracts());
    let later = spec.migrations.iter().filter(|one| one.contracts());
    now.chain(later).filter_map(Migration::index)
}

fn backup(backup: &Backup) -> Change {
    // A table and a database may have one name.
    let name = backup.source.title().replace(' ', ":");
    Change {
        id: ChangeId::of("backup", &name),
        phase: Phase::Prepare,
        undo: Undo::Nothing,
        temporary: false,
        work: Work::Backup {
            source: backup.source.clone(),
        },
        timeout_seconds: backup.timeout_seconds,
    }
}

/// Long enough for a throttled API; the call itself takes a moment.
pub(super) const SETTING_SECONDS: u32 = 300;

fn suspended(service: &str) -> Change {
    Change {
        id: ChangeId::of("autoscaling", service),
        phase: Phase::Prepare,
        undo: Undo::Revertible,
        temporary: true,
        work: Work::SuspendScaling {
            service: service.to_owned(),
        },
        timeout_seconds: SETTING_SECONDS,
    }
}

/// The migration itself, then the look whether it did what it should.
fn migration(migration: &Migration, observation: Option<&Observation>) -> Vec<Change> {
    let kind = match migration.contracts() {
        true => "contract",
        false => "migration",
    };
    let change = |kind: &str, undo: Undo, work: Work| Change {
        id: ChangeId::of(kind, &migration.name),
        phase: Phase::Migrate,
        undo,
        temporary: false,
        work,
        timeout_seconds: migration.timeout_seconds,
    };
    match &migration.work {
        MigrationWork::Command {
            command,
            verify,
            down,
        } => {
            let run = |command: &[String], down: Option<&Vec<String>>| Work::Run {
                command: command.to_vec(),
                down: down.cloned(),
                silent: migration.silent,
            };
            let made = change(kind, migration.undo, run(command, down.as_ref()));
            let verified = verify.iter();
            let verified = verified.map(|verify| change("verify", Undo::Nothing, run(verify, None)));
            std::iter::once(made).chain(verified).collect()
        }
        MigrationWork::Index { index } => {
            let work = Work::Index {
                index: index.clone(),
                planned: match observation.and_then(|seen| seen.tables.get(&index.table)) {
                    Some(TableFound::Table(now)) => Some(now.size(index)),
                    Some(TableFound::Absent | TableFound::Own) | None => None,
                },
            };
            vec![change(kind, migration.undo, work)]
        }
    }
}

/// What Tidegate makes first, then the look at what a person makes.
fn infrastructure(infrastructure: &Infrastructure) -> Vec<Change> {
    let stack = infrastructure.stack.iter();
    let stack = stack.map(|one| stack_update(&one.work, one.timeout_seconds));
    let terraform = infrastructure.terraform.iter();
    let terraform = terraform.map(|one| terraform_apply(&one.work, one.timeout_seconds));
    stack
        .chain(terraform)
        .chain(verification(infrastructure))
        .collect()
}

fn terraform_apply(terraform: &TerraformWork, timeout_seconds: u32) -> Change {
    Change {
        id: ChangeId::of("terraform", &terraform.task_definition),
        phase: Phase::Infrastructure,
        undo: Undo::ForwardOnly,
        temporary: false,
        work: Work::Terraform {
            terraform: terraform.clone(),
        },
        timeout_seconds,
    }
}

fn stack_update(stack: &StackWork, timeout_seconds: u32) -> Change {
    Change {
        id: ChangeId::of("stack", &stack.name),
        phase: Phase::Infrastructure,
        undo: Undo::Revertible,
        temporary: false,
        work: Work::Stack { stack: stack.clone() },
        timeout_seconds,
    }
}

/// One look at everything, so that a person is told all that differs at once.
fn verification(infrastructure: &Infrastructure) -> Option<Change> {
    (!infrastructure.verify.is_empty()).then(|| Change {
        id: ChangeId::of("verify", "infrastructure"),
        phase: Phase::Infrastructure,
        undo: Undo::Nothing,
        temporary: false,
        work: Work::Verify {
            expected: infrastructure.verify.clone(),
        },
        timeout_seconds: infrastructure.timeout_seconds,
    })
}

fn parameter(parameter: &Parameter) -> Change {
    Change {
        id: ChangeId::of("parameter", &parameter.name),
        phase: Phase::Configure,
        undo: Undo::Revertible,
        temporary: false,
        work: Work::SetParameter {
            name: parameter.name.clone(),
            value: parameter.value.clone(),
        },
        timeout_seconds: SETTING_SECONDS,
    }
}

fn flags(flags: &Flags) -> Change {
    Change {
        id: ChangeId::of("flags", &flags.work.title()),
        phase: Phase::Configure,
        undo: Undo::Revertible,
        temporary: false,
        work: Work::SetFlags {
            flags: flags.work.clone(),
        },
        timeout_seconds: flags.timeout_seconds,
    }
}
