//! Phases and how long each took.

use jiff::Timestamp;

use super::Source;
use super::page::{Block, Cell, Section, Table, when};
use crate::deployment::Phase;
use crate::event::Event;
use crate::messages::text::duration;

pub(super) fn section(source: Source<'_>) -> Section {
    let begun = begun(source);
    let ends = begun.iter().skip(1).map(|(_, at)| Some(*at));
    let last = source.deployment.exit.as_ref().map(|exit| exit.at);
    let rows = begun
        .iter()
        .zip(ends.chain([last]))
        .map(|((phase, from), until)| {
            let lasted = until.map_or_else(
                || "still underway".to_owned(),
                |until| duration(until.duration_since(*from).as_secs()),
            );
            vec![
                Cell::Text(phase.as_str().to_owned()),
                Cell::Text(when(*from)),
                Cell::Text(lasted),
            ]
        })
        .collect();
    let table = Table {
        head: vec!["Phase", "Began", "Lasted"],
        rows,
    };
    Section {
        heading: "Phases",
        blocks: vec![Block::Table(table)],
    }
}

/// Each phase with its begin: the first one begins with the request.
fn begun(source: Source<'_>) -> Vec<(Phase, Timestamp)> {
    let mut begun = vec![(Phase::Plan, source.deployment.requested_at)];
    for entry in source.journal {
        let phase = if let Event::PhaseEntered { phase } = &entry.event {
            Some(*phase)
        } else {
            matches!(entry.event, Event::RollbackStarted { .. }).then_some(Phase::Rollback)
        };
        if let Some(phase) = phase
            && begun.last().is_none_or(|(last, _)| *last != phase)
        {
            begun.push((phase, entry.at));
        }
    }
    begun
}
