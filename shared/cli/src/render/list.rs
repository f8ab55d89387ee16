//! Deployments as a table.

use jiff::Timestamp;
use tidegate_core::deployment::{Deployment, Kind, Origin, Stage};
use tidegate_core::exit::ExitState;

use super::Paint;
use super::words::{ago, clean};

/// A row of the table.
struct Row {
    cells: [String; 6],
    mood: Mood,
}

/// How a row's state is coloured.
#[derive(Clone, Copy)]
enum Mood {
    Good,
    Running,
    Bad,
}

const HEADINGS: [&str; 6] = ["ID", "TARGET", "IMAGE", "STATE", "WHEN", "BY"];

/// The column that is coloured.
const STATE: usize = 3;

/// Deployments as a table, in the order given.
pub fn list(deployments: &[Deployment], now: Timestamp, paint: Paint) -> String {
    if deployments.is_empty() {
        return "no deployments yet".to_owned();
    }
    let rows: Vec<Row> = deployments.iter().map(|one| row(one, now)).collect();
    let widths: Vec<usize> = HEADINGS
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let cells = rows
                .iter()
                .filter_map(|row| row.cells.get(column))
                .map(|cell| cell.chars().count());
            cells.chain([heading.len()]).max().unwrap_or_default()
        })
        .collect();
    let line = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>()
    };
    let head = paint.dim(line(&HEADINGS.map(str::to_owned)).join("  ").trim_end());
    let body = rows.iter().map(|row| {
        let mut cells = line(&row.cells);
        if let Some(state) = cells.get_mut(STATE) {
            *state = match row.mood {
                Mood::Good => paint.good(state),
                Mood::Running => paint.warn(state),
                Mood::Bad => paint.bad(state),
            };
        }
        cells.join("  ").trim_end().to_owned()
    });
    std::iter::once(head).chain(body).collect::<Vec<_>>().join("\n")
}

fn row(deployment: &Deployment, now: Timestamp) -> Row {
    let (state, mood) = state(deployment);
    let image = match deployment.kind {
        Kind::Forward => clean(&deployment.revision.label()),
        Kind::Reversal { .. } => format!("back from {}", clean(&deployment.revision.label())),
        Kind::Contract { .. } => format!("contract of {}", clean(&deployment.revision.label())),
    };
    let by = match &deployment.origin {
        Origin::Push { .. } => "push".to_owned(),
        Origin::Watch { alarm } => format!("alarm {}", clean(alarm)),
        Origin::Contract { .. } => "schedule".to_owned(),
        Origin::Person { person } => clean(person.as_str()),
    };
    let when = ago(deployment.requested_at, now);
    Row {
        cells: [
            deployment.id.to_string(),
            deployment.target.to_string(),
            image,
            state,
            when,
            by,
        ],
        mood,
    }
}

/// In a few words: the end, or the phase with its weight.
fn state(deployment: &Deployment) -> (String, Mood) {
    if let Some(exit) = &deployment.exit {
        let mood = match (exit.state, &deployment.kind) {
            (ExitState::Completed, _) | (ExitState::RolledBack, Kind::Reversal { .. }) => Mood::Good,
            (ExitState::RolledBack, Kind::Forward | Kind::Contract { .. })
            | (ExitState::Blocked | ExitState::Aborted | ExitState::RollbackFailed, _) => Mood::Bad,
        };
        let mark = match mood {
            Mood::Good => "✅",
            Mood::Running => "⏳",
            Mood::Bad => "❌",
        };
        return (format!("{mark} {}", exit.state.as_str()), mood);
    }
    let waits = deployment.gates.values().any(|gate| gate.passed_at.is_none());
    let words = if deployment.rollback.is_some() {
        "rolling back".to_owned()
    } else if deployment.abort.is_some() {
        "stopping".to_owned()
    } else if waits {
        "needs approval".to_owned()
    } else if deployment.shift.weight.percent() > 0 && deployment.shift.stage != Stage::Done {
        format!("{} {}", deployment.phase.as_str(), deployment.shift.weight)
    } else {
        deployment.phase.as_str().to_owned()
    };
    (format!("⏳ {words}"), Mood::Running)
}
