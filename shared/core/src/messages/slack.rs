//! A story as a Slack message, in Block Kit, for an incoming webhook.
//!
//! Limits are those of Slack's reference, <https://docs.slack.dev/reference/block-kit/blocks>: 50
//! blocks in a message; header text 150 characters; section text 3000, at most 10 fields of 2000
//! each; at most 10 elements in a context block. Slack does not say how it counts, so characters are
//! counted as UTF-16 units, the longest way that is usual.
//!
//! Foreign text can't become markup, a link or a mention: `&`, `<` and `>` are escaped
//! (<https://docs.slack.dev/messaging/formatting-message-text>), and `verbatim` keeps Slack from making
//! links and mentions of bare text.

use serde_json::{Value, json};

use super::Severity;
use super::marks;
use super::story::Story;
use super::text::clean;
use crate::deployment::Deployment;
use crate::journal::Entry;
use crate::links::dashboard_there;

const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3000;
const FIELD_MAX: usize = 2000;
const FIELDS_MAX: usize = 10;
/// What is shown where blocks are not, such as a phone's notification.
const FALLBACK_MAX: usize = 1000;

/// The webhook's body.
pub(super) fn render(deployment: &Deployment, entry: &Entry, story: &Story) -> Value {
    let target = &deployment.target;
    let version = clean(&deployment.revision.label());
    let header = format!("{} in {}: {version}", target.service, target.environment);
    let fallback = format!("{} in {}: {}", target.service, target.environment, story.headline);
    let mut blocks = vec![
        json!({ "type": "header", "text": {
            "type": "plain_text", "text": escaped(&header, HEADER_MAX), "emoji": false,
        }}),
        section(&format!("{}*", lead(story.severity)), &story.headline, "*"),
        json!({ "type": "section", "fields": fields(story) }),
        section("", &marks::line(deployment, entry), ""),
    ];
    blocks.extend(story.why.as_ref().map(|why| section("*Why:* ", why, "")));
    blocks.extend(story.next.as_ref().map(|next| section("*Next:* ", next, "")));
    blocks.push(json!({ "type": "context", "elements": context(deployment) }));
    json!({ "text": escaped(&fallback, FALLBACK_MAX), "blocks": blocks })
}

const fn lead(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "",
        Severity::Attention => "⚠️ ",
        Severity::Page => "🚨 ",
    }
}

fn section(before: &str, text: &str, after: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(before, text, after, SECTION_MAX) })
}

fn fields(story: &Story) -> Vec<Value> {
    let field = |(name, value): &(&str, String)| mrkdwn(&format!("*{name}*\n"), value, "", FIELD_MAX);
    story.facts.iter().take(FIELDS_MAX).map(field).collect()
}

fn context(deployment: &Deployment) -> Vec<Value> {
    let plain = |text: String| mrkdwn("", &text, "", FIELD_MAX);
    let mut elements = vec![plain(format!("deployment {}", deployment.id))];
    elements.extend(
        deployment
            .plan
            .as_ref()
            .map(|plan| plain(format!("plan {}", plan.hash.short()))),
    );
    elements.push(plain(format!("image {}", deployment.revision.digest.short())));
    elements.extend(dashboard_there(deployment).as_deref().map(dashboard));
    elements
}

/// A link where it is one and fits, else its text.
fn dashboard(link: &str) -> Value {
    // `|` would end the address, and the label begin.
    let link = clean(link).replace('|', "%7C");
    let address = escaped(&link, usize::MAX);
    // One that was cut leads nowhere.
    let whole = !link.ends_with('…');
    let is_link = whole && (link.starts_with("https://") || link.starts_with("http://"));
    if is_link && !link.contains(' ') && units(&address) < FIELD_MAX - 20 {
        json!({ "type": "mrkdwn", "text": format!("<{address}|dashboard>"), "verbatim": true })
    } else {
        mrkdwn("dashboard ", &link, "", FIELD_MAX)
    }
}

/// A text object: our own markup around foreign text, together at most `max` long.
fn mrkdwn(before: &str, text: &str, after: &str, max: usize) -> Value {
    let room = max.saturating_sub(units(before) + units(after));
    let text = format!("{before}{}{after}", escaped(text, room));
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// Escaped, and cut so that no escape is cut in two.
fn escaped(text: &str, max: usize) -> String {
    let mut whole = String::with_capacity(text.len());
    // Length of the part that leaves room for the mark of the cut.
    let mut keep = 0;
    let mut length = 0;
    for c in text.chars() {
        let start = whole.len();
        match c {
            '&' => whole.push_str("&amp;"),
            '<' => whole.push_str("&lt;"),
            '>' => whole.push_str("&gt;"),
            c => whole.push(c),
        }
        length += units(whole.get(start..).unwrap_or_default());
        if length < max {
            keep = whole.len();
        }
    }
    if length > max {
        whole.truncate(keep);
        whole.push('…');
    }
    whole
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_never_cut_in_two() {
        assert_eq!(escaped("a<b", 10), "a&lt;b");
        assert_eq!(escaped("<<<", 12), "&lt;&lt;&lt;");
        assert_eq!(escaped("<<<", 11), "&lt;&lt;…");
        assert_eq!(escaped("<<<", 8), "&lt;…");
        assert_eq!(escaped("🚨🚨", 3), "🚨…");
    }

    #[test]
    fn a_dashboard_that_is_no_link_does_not_become_one() {
        let text = |link| dashboard(link)["text"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            text("https://a.example/?x=1&y=2"),
            "<https://a.example/?x=1&amp;y=2|dashboard>"
        );
        assert_eq!(
            text("https://a.example/|@all>"),
            "<https://a.example/%7C@all&gt;|dashboard>"
        );
        assert_eq!(text("javascript:alert(1)"), "dashboard javascript:alert(1)");
        assert_eq!(text("!channel"), "dashboard !channel");
        let long = format!("https://a.example/{}", "x".repeat(1300));
        assert!(text(&long).starts_with("dashboard https://a.example/xxx"));
    }

    #[test]
    fn a_dashboard_of_any_usual_length_is_a_link_and_a_longer_one_is_text() {
        let shown = |link: &str| dashboard(link)["text"].as_str().unwrap_or_default().to_owned();
        // Of this length once escaped, which `&amp;` makes of `&`.
        let of_length = |length: usize| {
            let ands = (length / 10).min(300);
            format!(
                "https://{}{}",
                "&".repeat(ands),
                "a".repeat(length - 8 - 5 * ands)
            )
        };
        let escaped = |link: &str| link.replace('&', "&amp;");
        for length in [20, 150, FIELD_MAX - 21] {
            let link = escaped(&of_length(length));
            assert_eq!(link.len(), length);
            assert_eq!(shown(&of_length(length)), format!("<{link}|dashboard>"));
        }
        for length in [FIELD_MAX - 20, FIELD_MAX - 19] {
            let link = escaped(&of_length(length));
            assert_eq!(shown(&of_length(length)), format!("dashboard {link}"));
        }
        assert_eq!(shown("http://a.example"), "<http://a.example|dashboard>");
        assert_eq!(shown("https://a.example/a b"), "dashboard https://a.example/a b");
    }

    #[test]
    fn our_own_markup_counts_towards_the_length() {
        let text = |length: usize| mrkdwn("**", &"x".repeat(length), "***", 20)["text"].to_string();
        assert_eq!(text(15), format!("\"**{}***\"", "x".repeat(15)));
        assert_eq!(text(16), format!("\"**{}…***\"", "x".repeat(14)));
    }

    #[test]
    fn what_matters_more_is_marked() {
        let marks = [Severity::Info, Severity::Attention, Severity::Page].map(lead);
        assert_eq!(marks, ["", "⚠️ ", "🚨 "]);
    }
}
