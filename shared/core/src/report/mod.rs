//! A report of one deployment, from its record and its journal: Markdown for a pull request or a wiki,
//! and one HTML page that needs nothing else, for a browser, a phone or paper.
//!
//! [`report`] makes the content, a [`Page`] of plain texts; [`markdown`] and [`html`] give it a form.
//! Whatever others wrote (names, reasons, alarms) is cleaned where it enters the page and escaped
//! where it leaves it. One file for each section: `head`, `incident`, `phases`, `approvals`,
//! `traffic`, `issues`, `changes`,
//! `cost`, `record`.

mod approvals;
mod changes;
mod cost;
mod head;
pub mod html;
mod incident;
mod issues;
pub mod markdown;
pub mod page;
mod phases;
mod record;
mod svg;
mod traffic;
mod work;

use crate::deployment::Deployment;
use crate::journal::Entry;
use page::Page;

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    deployment: &'a Deployment,
    journal: &'a [Entry],
}

/// The content of a deployment's report. Of one that still runs it tells what is known by now.
///
/// `journal` is the deployment's, in order; its chain is verified, and the page says what came of that.
pub fn report(deployment: &Deployment, journal: &[Entry]) -> Page {
    let source = Source { deployment, journal };
    let sections = [
        incident::section(source),
        Some(phases::section(source)),
        approvals::section(source),
        traffic::section(source),
        Some(issues::section(source)),
        changes::section(source),
        cost::section(source),
        Some(record::timeline(source)),
        Some(record::section(source)),
    ];
    Page {
        title: head::title(deployment),
        facts: head::facts(deployment),
        sections: sections.into_iter().flatten().collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
