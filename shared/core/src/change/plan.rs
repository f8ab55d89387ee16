//! From the deployment file to the changes that a plan has.

use super::{Change, StackWork, Undo, Work};
use crate::deployment::Phase;
use crate::ids::ChangeId;
use crate::spec::{Backup, Infrastructure, Migration, Parameter, Spec};
use crate::wiring::Wiring;

/// Every change that the file asks for, in the order in which they are made.
pub fn planned(spec: &Spec, wiring: &Wiring) -> Vec<Change> {
    let services = wiring
        .services
        .values()
        .filter(|_| spec.prepare.suspend_autoscaling);
    let suspended = services.map(|service| suspended(service));
    let backups = spec.prepare.backups.iter().map(backup);
    backups
        .chain(suspended)
        .chain(spec.migrations.iter().flat_map(migration))
        .chain(spec.infrastructure.iter().flat_map(infrastructure))
        .chain(spec.configuration.parameters.iter().map(parameter))
        .collect()
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
const SETTING_SECONDS: u32 = 300;

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
fn migration(migration: &Migration) -> Vec<Change> {
    let made = Change {
        id: ChangeId::of("migration", &migration.name),
        phase: Phase::Migrate,
        undo: migration.undo,
        temporary: false,
        work: Work::Run {
            command: migration.command.clone(),
            down: migration.down.clone(),
            silent: migration.silent,
        },
        timeout_seconds: migration.timeout_seconds,
    };
    let verified = migration.verify.as_ref().map(|command| Change {
        id: ChangeId::of("verify", &migration.name),
        phase: Phase::Migrate,
        undo: Undo::Nothing,
        temporary: false,
        work: Work::Run {
            command: command.clone(),
            down: None,
            silent: migration.silent,
        },
        timeout_seconds: migration.timeout_seconds,
    });
    std::iter::once(made).chain(verified).collect()
}

/// What Tidegate makes first, then the look at what a person makes.
fn infrastructure(infrastructure: &Infrastructure) -> Vec<Change> {
    let stack = infrastructure.stack.iter();
    let stack = stack.map(|one| stack_update(&one.work, one.timeout_seconds));
    stack.chain(verification(infrastructure)).collect()
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
