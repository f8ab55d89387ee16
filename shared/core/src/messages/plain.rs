//! A story as plain text, for mail and for every other subscriber of the topic.

use super::marks;
use super::story::Story;
use super::text::clean;
use crate::deployment::Deployment;
use crate::journal::Entry;
use crate::links::dashboard_there;

/// Width of the column of names.
const COLUMN: usize = 13;

/// A few lines: what and where, then the facts, why, and what to do next.
pub(super) fn render(deployment: &Deployment, entry: &Entry, story: &Story) -> String {
    let target = &deployment.target;
    let mut lines = vec![
        format!(
            "{} in {}: {}.",
            target.service, target.environment, story.headline
        ),
        String::new(),
    ];
    let mut row = |name: &str, value: &str| lines.push(format!("{:COLUMN$}{value}", format!("{name}:")));
    for (name, value) in &story.facts {
        row(name, value);
    }
    row("Phases", &marks::line(deployment, entry));
    if let Some(why) = &story.why {
        row("Why", why);
    }
    if let Some(next) = &story.next {
        row("Next", next);
    }
    row("Deployment", deployment.id.as_str());
    row("Digest", deployment.revision.digest.as_str());
    if let Some(plan) = &deployment.plan {
        row("Plan", plan.hash.short());
    }
    if let Some(link) = dashboard_there(deployment) {
        row("Dashboard", &clean(&link));
    }
    if let Some(channel) = &deployment.spec.notifications.slack_channel {
        row("Slack", &clean(channel));
    }
    row("At", &format!("{:.0}", entry.at));
    lines.push(String::new());
    lines.join("\n")
}
