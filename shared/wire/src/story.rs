//! A run as something to read: what went wrong, what the functions did about it, what came of it.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::run::Run;

/// Tells a run that was played for a story, or that failed.
pub fn tell(run: &Run) -> String {
    let mut text = format!("{}\n", run.script);
    for problem in &run.problems {
        writeln!(text, "  PROBLEM  {problem}").ok();
    }
    for hit in &run.hits {
        let site = &hit.site;
        writeln!(
            text,
            "  fault    call {} ({} {}): {:?}",
            hit.number, site.caller, site.operation, hit.fate
        )
        .ok();
    }
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    if let Some(turned) = run.turned_at {
        lines.push((
            turned,
            "the image goes bad; its alarm (or a person) says so".to_owned(),
        ));
    }
    for (head, journal) in &run.told.journals {
        for entry in journal {
            lines.push((
                entry.at,
                format!("{} {}: {}", head.id, entry.by, entry.event.describe()),
            ));
        }
    }
    for failed in &run.told.failed {
        let error = failed.error.as_deref().unwrap_or_default();
        lines.push((
            failed.at,
            format!("[{}] began, and ended with {error}", failed.function),
        ));
    }
    for call in &run.told.changes {
        lines.push((
            call.at,
            format!("[{}] {} -> {}", call.caller, call.operation, call.status),
        ));
    }
    for change in &run.told.weights {
        lines.push((
            change.at,
            format!("the rule: blue {} %, green {} %", change.blue, change.green),
        ));
    }
    lines.sort_by_key(|(at, _)| *at);
    for (at, line) in lines {
        let since = at.duration_since(run.pushed_at);
        writeln!(text, "  {:>9.3} s  {line}", since.as_secs_f64()).ok();
    }
    let exit = run.exit.map_or("nothing", |exit| exit.as_str());
    writeln!(text, "  it ended as {exit}").ok();
    text
}
