//! What went wrong: how bad it was, when it was known, decided and over, and what a person still has
//! to write down.

use jiff::Timestamp;

use super::Source;
use super::page::{Block, Cell, Section, Table, when};
use crate::analysis::Verdict;
use crate::event::Event;
use crate::exit::AbortCause;
use crate::ids::Weight;
use crate::impact::{Impact, is_back, share};
use crate::measures::outcome::detected_at;
use crate::messages::text::{clean, duration};

/// What the word means.
const fn describe(impact: Impact, is_back: bool) -> &'static str {
    match impact {
        Impact::Critical if is_back => "Traffic is back, but a person had to see to the rest",
        Impact::Critical => "Traffic was not seen to return by itself",
        Impact::Major => {
            "Half of the traffic or more was meant for it, or it took 30 minutes or longer to return"
        }
        Impact::Minor => "Less than half of the traffic was meant for it, and it returned within 30 minutes",
        Impact::None => "No customer had to do with it",
    }
}

pub(super) fn section(source: Source<'_>) -> Option<Section> {
    let deployment = source.deployment;
    deployment.rollback.as_ref()?;
    let times = times(source);
    let cause = deployment.abort.as_ref().map(|abort| &abort.cause);
    // A rollback that failed is one, whatever it was for.
    let impact = impact(source);
    let incident = impact == Impact::Critical || !cause.is_some_and(AbortCause::blameless);
    let mut blocks = vec![Block::Text(if incident {
        format!(
            "Severity by rule: {}. {}.",
            impact.as_str(),
            describe(impact, is_back(deployment))
        )
    } else {
        "No incident: a newer image took its place.".to_owned()
    })];
    blocks.extend(cause.map(|cause| {
        let words = clean(&cause.describe());
        Block::Text(format!("Cause: {}.", words.trim_end_matches('.')))
    }));
    let share = share(deployment);
    if share > Weight::ZERO {
        blocks.push(Block::Text(format!(
            "Largest share of traffic that was meant for it: {share}."
        )));
    }
    blocks.push(Block::Table(timed(&times)));
    if incident && impact != Impact::None {
        blocks.push(Block::ToFillIn(to_fill_in()));
    }
    Some(Section {
        heading: "Incident",
        blocks,
    })
}

pub(super) fn impact(source: Source<'_>) -> Impact {
    Impact::of(source.deployment, first_failed_check(source))
}

/// The end of the first window, at the weight that it was stopped at, whose check failed.
fn first_failed_check(source: Source<'_>) -> Option<Timestamp> {
    let mut first = None;
    for entry in source.journal {
        if matches!(entry.event, Event::WeightReached { .. }) {
            first = None;
        } else if let Event::Checked { check, .. } = &entry.event
            && check.verdict == Verdict::Fail
        {
            first = first.or(Some(check.until));
        }
    }
    first
}

/// What happened when, from the first sign to the end.
fn times(source: Source<'_>) -> Vec<(&'static str, Timestamp)> {
    let deployment = source.deployment;
    let rollback = deployment.rollback.as_ref();
    let mut times: Vec<(&'static str, Timestamp)> = [
        ("First failed check", first_failed_check(source)),
        ("Detected", detected_at(deployment)),
        ("Decided to stop", deployment.abort.as_ref().map(|abort| abort.at)),
        ("Rollback began", rollback.map(|one| one.started_at)),
        (
            "Safe: all traffic on stable",
            rollback.and_then(|one| one.traffic_back_at),
        ),
        (
            "Read again: still on stable",
            rollback.and_then(|one| one.reasserted_at),
        ),
        ("Candidate scaled in", rollback.and_then(|one| one.scaled_in_at)),
        ("Ended", deployment.exit.as_ref().map(|exit| exit.at)),
    ]
    .into_iter()
    .filter_map(|(what, at)| Some((what, at?)))
    .collect();
    times.sort_by_key(|(_, at)| *at);
    times
}

fn timed(times: &[(&'static str, Timestamp)]) -> Table {
    let first = times.first().map(|(_, at)| *at);
    let rows = times
        .iter()
        .map(|(what, at)| {
            let since = first.map_or(0, |first| at.duration_since(first).as_millis());
            vec![
                Cell::Text((*what).to_owned()),
                Cell::Text(when(*at)),
                Cell::Text(elapsed(since)),
            ]
        })
        .collect();
    Table {
        head: vec!["What", "When", "After the first sign"],
        rows,
    }
}

/// With tenths where they matter: traffic is back within a second or so.
fn elapsed(milliseconds: i128) -> String {
    match milliseconds {
        1..10_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => duration(i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX)),
    }
}

fn to_fill_in() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Impact", "who noticed what, and how many"),
        ("Root cause", "what in the change, and why it got this far"),
        ("Detection", "what could have found it earlier"),
        ("Response", "what went well, what was slow or lucky"),
        ("Told", "customers, status page, who else, and when"),
        ("Actions", "each with an owner and a date"),
    ]
}
