//! What it costs: before and after, as forecast, as it runs, and by the bill.

use super::Source;
use super::page::{Block, Cell, Section, Table};
use crate::cost::Fleet;
use crate::messages::text::clean;

/// The section; nothing where the file does not ask for it.
pub(super) fn section(source: Source<'_>) -> Option<Section> {
    let forecast = source.deployment.plan.as_ref()?.cost.as_ref()?;
    let row = |what: &str, fleet: &Fleet| {
        vec![
            Cell::Text(what.to_owned()),
            Cell::Text(fleet.describe()),
            Cell::Text(fleet.monthly.to_string()),
        ]
    };
    let mut rows = Vec::new();
    rows.extend(forecast.before.as_ref().map(|fleet| row("Before", fleet)));
    rows.push(row("Forecast", &forecast.after));
    let checked = source.deployment.cost.as_ref();
    let runs = checked.and_then(|check| check.fleet.as_ref());
    rows.extend(runs.map(|fleet| row("As it runs", fleet)));
    let table = Table {
        head: vec!["What", "Tasks", "A month"],
        rows,
    };
    let mut texts = vec![format!("Forecast: {}.", forecast.describe())];
    texts.extend(checked.map(|check| format!("Looked at as it runs: {}.", check.reason)));
    let watched = source.deployment.watched.as_ref();
    let billed = watched.and_then(|watched| watched.cost.as_ref());
    texts.extend(billed.map(|billed| format!("By the bill: {}.", billed.describe())));
    let texts = texts.iter().map(|text| Block::Text(clean(text)));
    Some(Section {
        heading: "Cost",
        blocks: std::iter::once(Block::Table(table)).chain(texts).collect(),
    })
}
