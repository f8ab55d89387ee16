//! What was changed, from what to what.

use super::page::{Block, Cell, Section, Table};
use super::{Source, work};
use crate::change::{Change, ContainerSetting, SettingNow, SettingTo};
use crate::deployment::Plan;
use crate::exit::ExitState;
use crate::messages::text::clean;

pub(super) fn section(source: Source<'_>) -> Option<Section> {
    let plan = source.deployment.plan.as_ref()?;
    let table = Table {
        head: vec!["What", "Before", "After"],
        rows: rows(source, plan),
    };
    let mut blocks = match table.rows.is_empty() {
        true => Vec::new(),
        false => vec![Block::Table(table)],
    };
    for (id, proposal) in &source.deployment.proposals {
        blocks.push(Block::Text(format!("{id} was to do: {}.", proposal.summary())));
        if !proposal.lines.is_empty() {
            let rows = proposal.lines.iter().map(|line| vec![Cell::text(line)]);
            blocks.push(Block::Table(Table {
                head: vec!["Resource"],
                rows: rows.collect(),
            }));
        }
    }
    blocks.extend(work::blocks(source));
    if let Some(contract) = &plan.contract {
        let lines: Vec<String> = contract.changes.iter().map(Change::describe).collect();
        let text = format!(
            "{}, in a deployment of its own: {}.",
            contract.describe(),
            lines.join("; ")
        );
        blocks.push(Block::Text(clean(&text)));
    }
    if let Some(text) = standing(source) {
        blocks.insert(0, Block::Text(text.to_owned()));
    }
    Some(Section {
        heading: "Changes",
        blocks,
    })
}

/// Whether what the table says under "after" holds.
fn standing(source: Source<'_>) -> Option<&'static str> {
    let contract = source.deployment.kind.is_contract();
    match source.deployment.exit.as_ref()?.state {
        ExitState::Aborted if contract => Some("Planned; the journal says what became of each."),
        ExitState::Completed => None,
        ExitState::Blocked => Some("Planned; nothing of it was done."),
        ExitState::Aborted | ExitState::RolledBack if source.deployment.left().next().is_some() => Some(
            "Planned. What stands under before serves again; of the other changes, how each stands says whether it was \
             taken back.",
        ),
        ExitState::Aborted | ExitState::RolledBack => {
            Some("Planned and taken back: what stands under before serves again.")
        }
        ExitState::RollbackFailed => Some("Planned; how much of it holds must be looked at by a person."),
    }
}

fn rows(source: Source<'_>, plan: &Plan) -> Vec<Vec<Cell>> {
    let none = || Cell::Text("nothing".to_owned());
    let stable = plan.stable.as_ref();
    let revision = &source.deployment.revision;
    let row = |what: &str, before: Cell, after: Cell| vec![Cell::Text(what.to_owned()), before, after];
    let task_definition = |arn: &str| Cell::code(arn.rsplit('/').next().unwrap_or(arn));
    if !plan.moves_traffic() {
        return Vec::new();
    }
    let mut rows = vec![
        row(
            "Image",
            stable.map_or_else(none, |stable| {
                stable.digest.as_ref().map_or_else(
                    || Cell::Text("named by tag".to_owned()),
                    |digest| Cell::code(digest.as_str()),
                )
            }),
            Cell::code(revision.digest.as_str()),
        ),
        row(
            "Task definition",
            stable.map_or_else(none, |stable| task_definition(&stable.task_definition)),
            revision
                .task_definition
                .as_deref()
                .map_or_else(|| Cell::Text("not registered".to_owned()), task_definition),
        ),
        row(
            "Serving slot",
            stable.map_or_else(none, |stable| Cell::Text(stable.slot.to_string())),
            Cell::Text(plan.candidate.to_string()),
        ),
        row(
            "Tasks",
            stable.map_or_else(none, |stable| Cell::Text(stable.desired.to_string())),
            Cell::Text(plan.capacity.to_string()),
        ),
    ];
    rows.extend(plan.container.iter().filter_map(variable));
    rows
}

/// A variable that becomes another one. What it was may be a secret, so it is not told.
fn variable(setting: &ContainerSetting) -> Option<Vec<Cell>> {
    let before = match setting.now {
        SettingNow::Same => return None,
        SettingNow::Absent => "nothing",
        SettingNow::Other => "something else",
    };
    let after = match &setting.to {
        SettingTo::Value(text) | SettingTo::Reference(text) => Cell::code(text),
    };
    let what = Cell::Text(format!("Variable {}", setting.name));
    Some(vec![what, Cell::Text(before.to_owned()), after])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(now: SettingNow) -> Option<String> {
        let to = SettingTo::Value("debug".to_owned());
        let name = "LEVEL".to_owned();
        variable(&ContainerSetting { name, to, now }).map(|cells| format!("{cells:?}"))
    }

    #[test]
    fn a_variable_is_told_where_it_becomes_another_one() {
        assert_eq!(row(SettingNow::Same), None);
        let (new, other) = (row(SettingNow::Absent), row(SettingNow::Other));
        for (row, before) in [(new, "nothing"), (other, "something else")] {
            let row = row.unwrap_or_default();
            assert!(row.contains("Variable LEVEL") && row.contains("debug"), "{row}");
            assert!(row.contains(before), "{row}");
        }
    }
}
