//! What did not go smoothly, and how it was resolved.

use jiff::Timestamp;

use super::Source;
use super::page::{Block, Section, verdict_name, when};
use crate::analysis::Verdict;
use crate::event::Event;
use crate::journal::Entry;
use crate::messages::text::{clean, duration};

/// Nothing moved for at least this long, seconds. Shorter waits are everyday.
const LONG_WAIT_SECONDS: i64 = 300;

pub(super) fn section(source: Source<'_>) -> Section {
    let issues = issues(source);
    let block = if issues.is_empty() {
        Block::Text("None.".to_owned())
    } else {
        Block::List(issues)
    };
    let mut blocks = vec![block];
    let failed = source
        .journal
        .iter()
        .filter_map(|entry| entry.event.failed_suite());
    for (suite, log) in failed.filter(|(_, log)| !log.is_empty()) {
        blocks.push(Block::Text(format!("Last lines of suite {}:", clean(&suite.0))));
        blocks.push(Block::Lines(log.iter().map(|line| clean(line)).collect()));
    }
    Section {
        heading: "Issues",
        blocks,
    }
}

fn issues(source: Source<'_>) -> Vec<String> {
    let mut found = checks(source.journal);
    let mut baking = false;
    for (index, entry) in source.journal.iter().enumerate() {
        baking = matches!(entry.event, Event::WeightReached { .. })
            || (baking && matches!(entry.event, Event::Waiting { .. } | Event::Checked { .. }));
        let next = source.journal.get(index + 1).map(|next| next.at);
        found.extend(trouble(entry));
        // While a step bakes, nothing is meant to move.
        found.extend(next.filter(|_| !baking).and_then(|next| long_wait(entry, next)));
    }
    found
}

/// What one entry tells of that should not have been.
fn trouble(entry: &Entry) -> Option<String> {
    let what = if let Event::SuiteEnded { suite, exit_code, .. } = &entry.event {
        (*exit_code != 0).then(|| format!("suite {} failed with exit code {exit_code}", clean(&suite.0)))
    } else if let Event::SuiteAnswered { report, .. } = &entry.event {
        (report.exit_code() != 0).then(|| clean(&entry.event.describe()))
    } else if let Event::SuiteNotRun { .. } | Event::SuiteOverdue { .. } = &entry.event {
        Some(clean(&entry.event.describe()))
    } else if let Event::HttpTested { test, tried } = &entry.event {
        (!tried.passed()).then(|| clean(&tried.describe(test)))
    } else if let Event::AbortRequested { cause } = &entry.event {
        Some(format!("stopped: {}", clean(&cause.describe())))
    } else {
        None
    };
    Some(format!("{}: {}", when(entry.at), what?))
}

fn long_wait(entry: &Entry, next: Timestamp) -> Option<String> {
    let Event::Waiting { reason } = &entry.event else {
        return None;
    };
    let lasted = next.duration_since(entry.at).as_secs();
    let said = || {
        format!(
            "{}: waited {}: {}",
            when(entry.at),
            duration(lasted),
            clean(reason)
        )
    };
    (lasted >= LONG_WAIT_SECONDS).then(said)
}

/// Checks that did not pass, equal ones in a row together, each with the end of its window: several
/// can be written down at one time.
fn checks(journal: &[Entry]) -> Vec<String> {
    let mut runs: Vec<(Verdict, String, Timestamp, usize)> = Vec::new();
    for entry in journal {
        let Event::Checked { check, .. } = &entry.event else {
            continue;
        };
        if check.verdict == Verdict::Pass {
            continue;
        }
        let reason = clean(&check.reason);
        match runs.last_mut() {
            Some((verdict, said, _, count)) if *verdict == check.verdict && *said == reason => *count += 1,
            Some(_) | None => runs.push((check.verdict, reason, check.until, 1)),
        }
    }
    runs.into_iter()
        .map(|(verdict, reason, at, count)| {
            let times = if count == 1 {
                String::new()
            } else {
                format!(" ({count} times)")
            };
            format!("{}: check {}{times}: {reason}", when(at), verdict_name(verdict))
        })
        .collect()
}
