//! What watches a target: dashboard, alarms, how long lines are kept. What AWS has of it, against what
//! was recorded before it was put there.
//!
//! CloudWatch has no compare-and-set. So a definition is ours where it is the one that we put there, and
//! nobody else's is ever overwritten or deleted.

use serde::{Deserialize, Serialize};

use super::alarm::AlarmDefinition;
use super::stack::StoredText;
use super::{Before, Progress, Seen};
use crate::hash::sha256_hex;

/// The largest dashboard from before that is kept so that a rollback can return to it, bytes. The record
/// of a deployment is one DynamoDB item, and those end at 400 KB.
pub const MAX_KEPT_DASHBOARD_BYTES: usize = 30_000;

/// The largest alarm from before that is kept so, bytes as JSON: a file has up to twenty, each for two slots.
pub const MAX_KEPT_ALARM_BYTES: usize = 4_000;

/// How every mark of ours begins, whichever target it is for.
const MARK: &str = "Made by Tidegate for ";

/// Whether a description or the body of a dashboard says that Tidegate made it.
pub fn is_ours(text: &str) -> bool {
    text.contains(MARK)
}

/// The state of something that watches a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Monitored {
    /// A CloudWatch dashboard.
    Dashboard {
        /// Its body, JSON.
        body: StoredText,
    },
    /// A CloudWatch alarm.
    Alarm {
        /// Its definition.
        alarm: Box<AlarmDefinition>,
    },
    /// How long a log group keeps its lines.
    Retention {
        /// In days; for ever where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u32>,
    },
}

impl Monitored {
    /// What it is, for the line of a plan.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Dashboard { .. } => "make or update the CloudWatch dashboard".to_owned(),
            Self::Alarm { alarm } => {
                let says = alarm.description.split(MARK).next().unwrap_or_default();
                format!("make or update the alarm: {}", says.trim().trim_end_matches('.'))
            }
            Self::Retention { days } => format!("keep its lines {}", time(*days)),
        }
    }

    /// What was there, for whoever must bring it back by hand.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Dashboard { body } => {
                let hash = sha256_hex(body.0.as_bytes());
                format!("the dashboard with SHA-256 {hash}, which the journal has")
            }
            Self::Alarm { alarm } => {
                format!("the alarm \"{}\", which the journal has", alarm.description)
            }
            Self::Retention { days } => format!("its lines were kept {}", time(*days)),
        }
    }

    /// Whether both say the same, however they are written.
    fn same(&self, other: &Self) -> bool {
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        match (self, other) {
            (Self::Dashboard { body }, Self::Dashboard { body: other }) => {
                body == other || parsed(&body.0).is_some_and(|one| Some(one) == parsed(&other.0))
            }
            (Self::Alarm { .. }, Self::Alarm { .. }) | (Self::Retention { .. }, Self::Retention { .. }) => {
                self == other
            }
            (Self::Dashboard { .. }, Self::Alarm { .. } | Self::Retention { .. })
            | (Self::Alarm { .. }, Self::Dashboard { .. } | Self::Retention { .. })
            | (Self::Retention { .. }, Self::Dashboard { .. } | Self::Alarm { .. }) => false,
        }
    }

    /// Why it is not replaced; nothing where it may be.
    fn is_kept(&self, wanted: &Self) -> Option<String> {
        if self.same(wanted) {
            return None;
        }
        let (marked, what, bytes, most) = match self {
            Self::Dashboard { body } => (
                is_ours(&body.0),
                "a dashboard",
                body.0.len(),
                MAX_KEPT_DASHBOARD_BYTES,
            ),
            Self::Alarm { alarm } => {
                let bytes = serde_json::to_string(alarm).map_or(usize::MAX, |text| text.len());
                (
                    is_ours(&alarm.description),
                    "an alarm",
                    bytes,
                    MAX_KEPT_ALARM_BYTES,
                )
            }
            // It belongs to nobody in particular.
            Self::Retention { .. } => return None,
        };
        if !marked {
            return Some(format!(
                "there is {what} of that name that Tidegate did not make: give it another name or delete it, or hand \
                 it over by writing \"{}\" into its {}",
                wanted.mark().unwrap_or(MARK),
                match self {
                    Self::Dashboard { .. } => "text",
                    Self::Alarm { .. } | Self::Retention { .. } => "description",
                }
            ));
        }
        (bytes > most).then(|| {
            format!(
                "its definition of now has {bytes} bytes, and more than {most} can't be kept to \
                 bring it back: make it smaller or delete it"
            )
        })
    }

    /// The sentence by which it is known as ours.
    fn mark(&self) -> Option<&str> {
        let text = match self {
            Self::Dashboard { body } => &body.0,
            Self::Alarm { alarm } => &alarm.description,
            Self::Retention { .. } => return None,
        };
        let (_, rest) = text.split_once(MARK)?;
        let end = rest.find('.')?;
        let start = text.len() - rest.len() - MARK.len();
        text.get(start..start + MARK.len() + end + 1)
    }
}

fn time(days: Option<u32>) -> String {
    match days {
        None => "for ever".to_owned(),
        Some(1) => "for 1 day".to_owned(),
        Some(days) => format!("for {days} days"),
    }
}

/// How putting `wanted` there stands, and bringing back what was.
pub fn seen(now: Option<&Monitored>, before: Option<&Before>, wanted: &Monitored) -> Seen {
    let was = now.map_or(Before::Absent, |now| Before::Monitored { held: now.clone() });
    Seen {
        before: Some(was),
        made: made(now, before, wanted),
        undone: undone(now, before, wanted),
    }
}

fn made(now: Option<&Monitored>, before: Option<&Before>, wanted: &Monitored) -> Progress {
    match (now, before) {
        // Of nothing that was begun: what can't work is not begun.
        (Some(now), None) => now.is_kept(wanted).map_or(Progress::NotBegun, Progress::failed),
        (None, None | Some(Before::Absent)) => match wanted {
            Monitored::Retention { .. } => Progress::failed("there is no such log group".to_owned()),
            Monitored::Dashboard { .. } | Monitored::Alarm { .. } => Progress::NotBegun,
        },
        (None, Some(_)) => Progress::failed("somebody has deleted it meanwhile".to_owned()),
        (Some(now), Some(before)) if now.same(wanted) => Progress::done(became(before, wanted)),
        (Some(now), Some(Before::Monitored { held: was })) if now.same(was) => Progress::NotBegun,
        (Some(_), Some(_)) => Progress::failed(OTHERS.to_owned()),
    }
}

/// What came of putting `wanted` there.
fn became(before: &Before, wanted: &Monitored) -> String {
    match (before, wanted) {
        (Before::Monitored { held }, _) if held.same(wanted) => "it was so already".to_owned(),
        (
            Before::Monitored {
                held: Monitored::Retention { days: was },
            },
            Monitored::Retention { days },
        ) => format!("{} (before: {})", time(*days), time(*was)),
        (Before::Monitored { .. }, _) => "updated".to_owned(),
        (
            Before::Absent
            | Before::Scaling { .. }
            | Before::Parameter { .. }
            | Before::Flags { .. }
            | Before::Index { .. }
            | Before::Stack { .. }
            | Before::TerraformState,
            _,
        ) => "there was none before".to_owned(),
    }
}

const OTHERS: &str = "somebody else has changed it meanwhile; it is left as it is";

fn undone(now: Option<&Monitored>, before: Option<&Before>, wanted: &Monitored) -> Progress {
    match (now, before) {
        (None, Some(Before::Monitored { .. })) => {
            Progress::failed("somebody has deleted it since".to_owned())
        }
        (None, Some(_) | None) => Progress::done("there is none, as before".to_owned()),
        (Some(now), Some(Before::Monitored { held: was })) if now.same(was) => {
            Progress::done("it is as it was".to_owned())
        }
        (Some(now), Some(_) | None) if now.same(wanted) => Progress::NotBegun,
        (Some(_), Some(_) | None) => Progress::failed(OTHERS.to_owned()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const MINE: &str = "Made by Tidegate for web/production.";

    fn board(text: &str) -> Monitored {
        Monitored::Dashboard {
            body: StoredText(format!("{{\"text\": \"{text}\"}}")),
        }
    }

    fn ours(text: &str) -> Monitored {
        board(&format!("{text} {MINE}"))
    }

    fn alarm(description: &str) -> Monitored {
        Monitored::Alarm {
            alarm: Box::new(AlarmDefinition {
                description: description.to_owned(),
                ..AlarmDefinition::default()
            }),
        }
    }

    fn was(held: Monitored) -> Option<Before> {
        Some(Before::Monitored { held })
    }

    fn told(progress: &Progress) -> &str {
        match progress {
            Progress::Done { detail, .. } => detail,
            Progress::Failed { reason, .. } => reason,
            Progress::NotBegun | Progress::Waiting { .. } | Progress::Running { .. } => "",
        }
    }

    fn both(now: Option<Monitored>, before: Option<Before>) -> (String, String) {
        let seen = seen(now.as_ref(), before.as_ref(), &ours("new"));
        (told(&seen.made).to_owned(), told(&seen.undone).to_owned())
    }

    #[test]
    fn what_is_not_there_is_made_and_deleted() {
        let none = || Some(Before::Absent);
        assert_eq!(
            both(None, none()),
            (String::new(), "there is none, as before".to_owned())
        );
        let (made, undone) = both(Some(ours("new")), none());
        assert_eq!((made.as_str(), undone.as_str()), ("there was none before", ""));
    }

    #[test]
    fn what_is_ours_is_replaced_and_brought_back() {
        let before = seen(Some(&ours("old")), None, &ours("new"));
        assert_eq!(before.made, Progress::NotBegun);
        assert_eq!(before.before, was(ours("old")));
        let (made, undone) = both(Some(ours("old")), was(ours("old")));
        assert_eq!((made.as_str(), undone.as_str()), ("", "it is as it was"));
        let (made, undone) = both(Some(ours("new")), was(ours("old")));
        assert_eq!((made.as_str(), undone.as_str()), ("updated", ""));
        let (made, undone) = both(Some(ours("new")), was(ours("new")));
        assert_eq!(
            (made.as_str(), undone.as_str()),
            ("it was so already", "it is as it was")
        );
    }

    #[test]
    fn what_somebody_else_has_changed_or_deleted_is_left() {
        let left = "somebody else has changed it meanwhile; it is left as it is";
        for before in [Some(Before::Absent), was(ours("old"))] {
            let (made, undone) = both(Some(ours("theirs")), before);
            assert_eq!((made.as_str(), undone.as_str()), (left, left));
        }
        let (made, undone) = both(None, was(ours("old")));
        assert_eq!(made, "somebody has deleted it meanwhile");
        assert_eq!(undone, "somebody has deleted it since");
    }

    #[test]
    fn what_is_not_ours_or_too_large_to_keep_is_not_begun() {
        let begin = |now: &Monitored, wanted: &Monitored| seen(Some(now), None, wanted).made;
        let refused = begin(&board("theirs"), &ours("new"));
        assert!(told(&refused).contains("by writing \"Made by Tidegate for web/production.\" into its text"));
        let refused = begin(&alarm("theirs"), &alarm(MINE));
        assert!(told(&refused).contains("into its description"), "{refused:?}");
        let large = alarm(&format!("{} {MINE}", "x".repeat(MAX_KEPT_ALARM_BYTES)));
        assert!(told(&begin(&large, &alarm(MINE))).contains("can't be kept"));
        let large = ours(&"x".repeat(MAX_KEPT_DASHBOARD_BYTES));
        assert!(told(&begin(&large, &ours("new"))).contains("can't be kept"));
        // Nothing is replaced by what is the same.
        assert_eq!(begin(&large, &large), Progress::NotBegun);
        assert_eq!(
            begin(&alarm(MINE), &alarm(&format!("new {MINE}"))),
            Progress::NotBegun
        );
    }

    #[test]
    fn a_body_that_is_only_written_otherwise_is_the_same() {
        let wanted = Monitored::Dashboard {
            body: StoredText("{\"a\":1,\"b\":[2]}".to_owned()),
        };
        let now = Monitored::Dashboard {
            body: StoredText("{ \"b\": [2],\n\"a\": 1 }".to_owned()),
        };
        let seen = seen(Some(&now), Some(&Before::Absent), &wanted);
        assert!(matches!(seen.made, Progress::Done { .. }));
    }

    #[test]
    fn a_retention_belongs_to_nobody_and_no_log_group_is_made() {
        let days = |days| Monitored::Retention { days };
        let wanted = days(Some(30));
        let first = seen(Some(&days(None)), None, &wanted);
        assert_eq!((first.made, first.before), (Progress::NotBegun, was(days(None))));
        let before = was(days(None));
        let made = seen(Some(&wanted), before.as_ref(), &wanted);
        assert_eq!(told(&made.made), "for 30 days (before: for ever)");
        assert_eq!(made.undone, Progress::NotBegun);
        assert_eq!(
            told(&seen(None, None, &wanted).made),
            "there is no such log group"
        );
    }

    #[test]
    fn kept_to_be_brought_back_and_shown_nowhere() {
        let kept = format!("{:?} {}", was(ours("hunter2")), ours("hunter2").describe());
        assert!(!kept.contains("hunter2"), "{kept}");
    }

    #[test]
    fn what_was_there_is_told_to_whoever_must_bring_it_back() {
        let hash = sha256_hex(b"{\"text\": \"old\"}");
        assert_eq!(
            board("old").describe(),
            format!("the dashboard with SHA-256 {hash}, which the journal has")
        );
        assert_eq!(
            alarm("slow").describe(),
            "the alarm \"slow\", which the journal has"
        );
        let kept = |days| Monitored::Retention { days }.describe();
        assert_eq!(kept(Some(30)), "its lines were kept for 30 days");
        assert_ne!(kept(None), kept(Some(30)));
    }

    #[test]
    fn an_alarm_may_be_kept_up_to_its_limit() {
        let wanted = alarm(MINE);
        let of = |bytes: usize| {
            let empty = serde_json::to_vec(&alarm(MINE)).unwrap().len();
            let alarm_only = match alarm(&format!("{}{MINE}", "x".repeat(bytes.saturating_sub(empty)))) {
                Monitored::Alarm { alarm } => alarm,
                other => panic!("{other:?}"),
            };
            Monitored::Alarm { alarm: alarm_only }
        };
        let size = |held: &Monitored| match held {
            Monitored::Alarm { alarm } => serde_json::to_vec(alarm).unwrap().len(),
            other => panic!("{other:?}"),
        };
        let mut length = MAX_KEPT_ALARM_BYTES;
        while size(&of(length)) < MAX_KEPT_ALARM_BYTES {
            length += 1;
        }
        assert_eq!(size(&of(length)), MAX_KEPT_ALARM_BYTES);
        assert_eq!(seen(Some(&of(length)), None, &wanted).made, Progress::NotBegun);
        let larger = seen(Some(&of(length + 1)), None, &wanted).made;
        assert!(told(&larger).contains("make it smaller"), "{larger:?}");
    }
}
