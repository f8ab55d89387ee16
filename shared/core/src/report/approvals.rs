//! Who was asked, and what they said.

use super::Source;
use super::page::{Block, Cell, Section, Table, when};
use crate::gates::GateState;
use crate::messages::text::duration;

pub(super) fn section(source: Source<'_>) -> Option<Section> {
    let gates = &source.deployment.gates;
    let overrides = &source.deployment.overrides;
    if gates.is_empty() && overrides.is_empty() {
        return None;
    }
    let mut blocks = Vec::new();
    for (before, gate) in gates {
        blocks.push(Block::Text(format!(
            "Before {}: {}.",
            before.as_str(),
            outcome(gate)
        )));
        if !gate.decisions.is_empty() {
            blocks.push(Block::Table(decisions(gate)));
        }
    }
    if !overrides.is_empty() {
        let rows = overrides
            .iter()
            .map(|one| {
                vec![
                    Cell::code(&one.what),
                    Cell::text(one.by.as_str()),
                    Cell::text(&one.reason),
                ]
            })
            .collect();
        blocks.push(Block::Text("Requirements that were set aside:".to_owned()));
        blocks.push(Block::Table(Table {
            head: vec!["What", "By", "Why"],
            rows,
        }));
    }
    Some(Section {
        heading: "Approvals",
        blocks,
    })
}

fn outcome(gate: &GateState) -> String {
    let asked = format!(
        "asked at {} for plan {}",
        when(gate.opened_at),
        gate.plan_hash.short()
    );
    match gate.passed_at {
        Some(at) => {
            let waited = duration(at.duration_since(gate.opened_at).as_secs());
            format!("{asked}, approved after {waited}")
        }
        None => format!(
            "{asked}, not approved (it stood open until {})",
            when(gate.expires_at)
        ),
    }
}

fn decisions(gate: &GateState) -> Table {
    let rows = gate
        .decisions
        .iter()
        .map(|one| {
            vec![
                Cell::text(one.by.as_str()),
                Cell::Text(one.role.to_string()),
                Cell::Text(if one.approve { "approved" } else { "rejected" }.to_owned()),
                Cell::Text(when(one.at)),
                Cell::text(&one.reason),
            ]
        })
        .collect();
    Table {
        head: vec!["Who", "As", "Said", "When", "Why"],
        rows,
    }
}
