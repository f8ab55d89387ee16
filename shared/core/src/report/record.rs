//! The timeline, and whether the record holds.

use super::Source;
use super::page::{Block, Cell, Section, Table};
use crate::journal;
use crate::messages::timeline;

pub(super) fn timeline(source: Source<'_>) -> Section {
    let start = source
        .journal
        .first()
        .map_or(source.deployment.requested_at, |entry| entry.at);
    Section {
        heading: "Timeline",
        blocks: vec![Block::Lines(timeline::lines(start, source.journal))],
    }
}

pub(super) fn section(source: Source<'_>) -> Section {
    let id = &source.deployment.id;
    let holds = match journal::verify_with_head(source.deployment, source.journal) {
        Ok(()) => "verified: every entry as it was written".to_owned(),
        Err(broken) => format!("BROKEN: {broken}"),
    };
    let row = |what: &str, cell: Cell| vec![Cell::Text(what.to_owned()), cell];
    let rows = vec![
        row("Journal", Cell::Text(format!("{} entries", source.journal.len()))),
        row("Hash chain", Cell::text(&holds)),
        row("Its end", Cell::code(&source.deployment.journal_head)),
        row("Every entry", Cell::Code(format!("tidegate history {id} --all"))),
        row("Check it", Cell::Code(format!("tidegate audit verify {id}"))),
    ];
    Section {
        heading: "Record",
        blocks: vec![Block::Table(Table {
            head: vec!["What", "Where it stands"],
            rows,
        })],
    }
}
