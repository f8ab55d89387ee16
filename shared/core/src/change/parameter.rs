//! A parameter of Systems Manager: what AWS has of it, against what was recorded before it was set.
//!
//! Parameter Store has no compare-and-set. So a value is ours where it is the one that we set, and nobody
//! else's is ever overwritten: neither when it is set nor when it is put back.

use super::{Before, Progress, Seen};

/// A parameter as AWS has it. No `Debug`, so that no value gets into a log by itself.
#[expect(missing_debug_implementations, reason = "its value is not to be printed")]
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// Its version: 1 at first, one more each time that it is set.
    pub version: i64,
    /// Its value, of the one that is a secret what AWS shows without decryption.
    pub value: String,
    /// Whether it is a `SecureString`.
    pub secure: bool,
}

/// The version whose value is needed to judge a parameter that was set since.
pub fn version_to_compare(now: Option<&Held>, before: Option<&Before>) -> Option<i64> {
    match (now, before) {
        (Some(now), Some(Before::Parameter { version })) if now.version != *version => Some(*version),
        (Some(_) | None, Some(_) | None) => None,
    }
}

/// How setting a parameter to `wanted` stands, and putting it back.
///
/// `earlier` is the value of [`version_to_compare`], where AWS still keeps it.
pub fn seen(now: Option<&Held>, earlier: Option<&str>, before: Option<&Before>, wanted: &str) -> Seen {
    if now.is_some_and(|held| held.secure) {
        let reason = "Tidegate sets no secrets, and it is a SecureString: set it by hand, and take it out of \
                      `configuration.parameters`";
        return Seen {
            before: None,
            made: failed(reason),
            undone: failed("somebody has made it a SecureString since"),
        };
    }
    Seen {
        before: Some(now.map_or(Before::Absent, |held| Before::Parameter {
            version: held.version,
        })),
        made: made(now, before, wanted),
        undone: undone(now, earlier, before, wanted),
    }
}

fn made(now: Option<&Held>, before: Option<&Before>, wanted: &str) -> Progress {
    match (now, before) {
        (Some(held), Some(Before::Parameter { version })) if held.value == wanted => {
            done(if held.version == *version {
                format!("it had that value already (version {version})")
            } else {
                format!("version {} (before: {version})", held.version)
            })
        }
        (Some(held), Some(_) | None) if held.value == wanted => {
            done(format!("version {} (before: none)", held.version))
        }
        (Some(held), Some(Before::Parameter { version })) if held.version == *version => Progress::NotBegun,
        (Some(held), Some(_)) => failed(&others(held)),
        (None, Some(Before::Parameter { .. })) => failed("somebody has deleted it meanwhile"),
        // Not begun, so there is nothing that could have gone wrong.
        (Some(_), None) | (None, Some(_) | None) => Progress::NotBegun,
    }
}

fn undone(now: Option<&Held>, earlier: Option<&str>, before: Option<&Before>, wanted: &str) -> Progress {
    match (now, before) {
        (None, Some(Before::Parameter { .. })) => failed("somebody has deleted it since"),
        (None, Some(_) | None) => done("there is none, as before".to_owned()),
        (Some(held), Some(Before::Parameter { version })) if held.version == *version => {
            done(format!("version {version} is still there"))
        }
        (Some(held), Some(Before::Parameter { version })) => match earlier {
            None => failed(&format!("version {version} is not kept any more")),
            Some(earlier) if held.value == earlier => done(format!(
                "its value is that of version {version} again (now version {})",
                held.version
            )),
            Some(_) if held.value == wanted => Progress::NotBegun,
            Some(_) => failed(&others(held)),
        },
        (Some(held), Some(_) | None) if held.value == wanted => Progress::NotBegun,
        (Some(held), Some(_) | None) => failed(&others(held)),
    }
}

fn others(held: &Held) -> String {
    format!(
        "somebody else has set it meanwhile (version {}); it is left as it is",
        held.version
    )
}

fn done(detail: String) -> Progress {
    Progress::done(detail)
}

fn failed(reason: &str) -> Progress {
    Progress::failed(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "30";

    fn held(version: i64, value: &str) -> Held {
        Held {
            version,
            value: value.to_owned(),
            secure: false,
        }
    }

    fn was(version: i64) -> Before {
        Before::Parameter { version }
    }

    fn detail(progress: &Progress) -> &str {
        match progress {
            Progress::Done { detail, .. } => detail,
            Progress::Failed { reason, .. } => reason,
            Progress::NotBegun | Progress::Waiting { .. } | Progress::Running { .. } => "",
        }
    }

    fn both(now: Option<Held>, earlier: Option<&str>, before: &Before) -> (Progress, Progress) {
        let seen = seen(now.as_ref(), earlier, Some(before), OURS);
        (seen.made, seen.undone)
    }

    #[test]
    fn what_is_recorded_before_is_a_version_and_never_a_value() {
        let first = seen(Some(&held(3, "10")), None, None, OURS);
        assert_eq!(first.before, Some(was(3)));
        assert_eq!(first.made, Progress::NotBegun);
        assert_eq!(seen(None, None, None, OURS).before, Some(Before::Absent));
        assert!(!format!("{first:?}").contains("10"));
    }

    #[test]
    fn a_value_is_set_once_read_back_and_put_back_by_its_version() {
        assert_eq!(both(Some(held(3, "10")), None, &was(3)).0, Progress::NotBegun);
        let (made, undone) = both(Some(held(4, OURS)), Some("10"), &was(3));
        assert_eq!(detail(&made), "version 4 (before: 3)");
        assert_eq!(undone, Progress::NotBegun);
        let (_, undone) = both(Some(held(5, "10")), Some("10"), &was(3));
        assert_eq!(
            detail(&undone),
            "its value is that of version 3 again (now version 5)"
        );
        // Set twice by a function that was killed in between: ours both times.
        let (made, undone) = both(Some(held(5, OURS)), Some("10"), &was(3));
        assert_eq!(detail(&made), "version 5 (before: 3)");
        assert_eq!(undone, Progress::NotBegun);
    }

    #[test]
    fn a_value_that_is_there_already_is_neither_set_nor_put_back() {
        let (made, undone) = both(Some(held(3, OURS)), None, &was(3));
        assert_eq!(detail(&made), "it had that value already (version 3)");
        assert_eq!(detail(&undone), "version 3 is still there");
    }

    #[test]
    fn one_that_was_not_there_is_created_and_deleted() {
        assert_eq!(both(None, None, &Before::Absent).0, Progress::NotBegun);
        let (made, undone) = both(Some(held(1, OURS)), None, &Before::Absent);
        assert_eq!(detail(&made), "version 1 (before: none)");
        assert_eq!(undone, Progress::NotBegun);
        assert_eq!(
            detail(&both(None, None, &Before::Absent).1),
            "there is none, as before"
        );
    }

    #[test]
    fn what_somebody_else_has_set_or_deleted_is_told_and_left() {
        let left = "somebody else has set it meanwhile (version 5); it is left as it is";
        for before in [was(3), Before::Absent] {
            let (made, undone) = both(Some(held(5, "99")), Some("10"), &before);
            assert_eq!(made, failed(left));
            assert_eq!(undone, failed(left));
        }
        let (made, undone) = both(None, None, &was(3));
        assert_eq!(made, failed("somebody has deleted it meanwhile"));
        assert_eq!(undone, failed("somebody has deleted it since"));
        let (_, undone) = both(Some(held(104, OURS)), None, &was(3));
        assert_eq!(undone, failed("version 3 is not kept any more"));
    }

    #[test]
    fn a_secret_is_neither_recorded_nor_written() {
        let secret = Held {
            secure: true,
            ..held(3, OURS)
        };
        let seen = seen(Some(&secret), None, None, OURS);
        assert_eq!(seen.before, None);
        assert!(matches!(seen.made, Progress::Failed { .. }));
        assert!(matches!(seen.undone, Progress::Failed { .. }));
    }

    #[test]
    fn an_earlier_version_is_asked_for_only_where_it_was_replaced() {
        assert_eq!(version_to_compare(Some(&held(4, OURS)), Some(&was(3))), Some(3));
        assert_eq!(version_to_compare(Some(&held(3, OURS)), Some(&was(3))), None);
        assert_eq!(
            version_to_compare(Some(&held(3, OURS)), Some(&Before::Absent)),
            None
        );
        assert_eq!(version_to_compare(None, Some(&was(3))), None);
    }
}
