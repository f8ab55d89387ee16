//! How far back a person wants to look: `30d`, or an instant.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use super::figures::Period;

/// The longest look back, in days: ten years.
const MOST_DAYS: i64 = 3660;

/// From when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// So many hours before now.
    Hours(i64),
    /// From an instant.
    At(Timestamp),
}

/// Why a text is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither a span such as 24h, 30d or 12w (ten years at most) nor an instant such as 2026-11-20T09:00:00Z"
)]
pub struct NotSince(String);

impl Since {
    /// The period until `now`.
    pub fn until(&self, now: Timestamp) -> Period {
        let since = match self {
            Self::Hours(hours) => now
                .checked_sub(SignedDuration::from_hours(*hours))
                .unwrap_or(Timestamp::MIN),
            Self::At(at) => (*at).min(now),
        };
        Period { since, until: now }
    }
}

impl Default for Since {
    /// Thirty days.
    fn default() -> Self {
        Self::Hours(30 * 24)
    }
}

impl FromStr for Since {
    type Err = NotSince;

    fn from_str(text: &str) -> Result<Self, NotSince> {
        let refused = || NotSince(text.chars().take(60).filter(|c| !c.is_control()).collect());
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let unit = text.chars().last().ok_or_else(refused)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 7 * 24,
            // Free text: whatever is none of the units.
            _ => return Err(refused()),
        };
        let digits = text.strip_suffix(unit).unwrap_or_default();
        // A sign would be read, too.
        let plain = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let number: u32 = plain.and_then(|digits| digits.parse().ok()).ok_or_else(refused)?;
        let total = i64::from(number) * hours;
        if (1..=MOST_DAYS * 24).contains(&total) {
            Ok(Self::Hours(total))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(hours) if hours % 24 == 0 => write!(f, "{}d", hours / 24),
            Self::Hours(hours) => write!(f, "{hours}h"),
            Self::At(at) => at.fmt(f),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn spans_and_instants_are_read_and_shown() {
        for (text, shown) in [
            ("30d", "30d"),
            ("12w", "84d"),
            ("36h", "36h"),
            ("48h", "2d"),
            ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z"),
        ] {
            assert_eq!(text.parse::<Since>().unwrap().to_string(), shown);
        }
        assert_eq!(Since::default().to_string(), "30d");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "d",
            "30",
            "-1d",
            "0d",
            "1.5d",
            "30 d",
            "30m",
            "+3d",
            "99999w",
            "3661d",
            "30d\n",
            "yesterday",
            "3é",
        ] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
        assert!("3660d".parse::<Since>().is_ok());
    }

    #[test]
    fn the_period_ends_now_and_does_not_begin_after_it() {
        let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let period = "1d".parse::<Since>().unwrap().until(now);
        assert_eq!(
            (period.since.to_string(), period.until),
            ("2026-11-19T09:00:00Z".to_owned(), now)
        );
        assert_eq!(
            Since::At(now + SignedDuration::from_hours(1)).until(now).since,
            now
        );
    }

    #[test]
    fn what_is_refused_is_shown_without_what_a_terminal_would_act_on() {
        let refused = "3\u{1b}[2Jdays".parse::<Since>().unwrap_err();
        assert_eq!(refused, NotSince("3[2Jdays".to_owned()));
    }
}
