//! Words, numbers and bars.

use jiff::Timestamp;
use tidegate_core::ids::Weight;

/// Blocks of a full bar.
const BLOCKS: usize = 20;

/// Whole seconds from one time to another; 0 where the second comes first.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs().max(0)
}

/// A duration in its two largest units, such as `6m 40s` or `3h 2m`.
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let two = |large: i64, unit: &str, small: i64, smaller: &str| {
        if small == 0 {
            format!("{large}{unit}")
        } else {
            format!("{large}{unit} {small}{smaller}")
        }
    };
    if days > 0 {
        two(days, "d", hours, "h")
    } else if hours > 0 {
        two(hours, "h", minutes, "m")
    } else if minutes > 0 {
        two(minutes, "m", seconds % 60, "s")
    } else {
        format!("{seconds}s")
    }
}

/// How long ago, such as `12m ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", duration(seconds_between(then, now)))
}

/// A weight as a bar. Empty only at 0 and full only at 100, so that neither is mistaken for almost.
pub fn bar(weight: Weight) -> String {
    let percent = usize::from(weight.percent());
    let filled = match percent {
        0 => 0,
        100 => BLOCKS,
        percent => ((percent * BLOCKS + 50) / 100).clamp(1, BLOCKS - 1),
    };
    format!("{}{}", "█".repeat(filled), "░".repeat(BLOCKS - filled))
}

/// Text of someone else without control characters, so that no alarm's reason moves the cursor or
/// colours the screen.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// `1 alarm`, `3 alarms`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let shown: Vec<String> = [0, 59, 60, 400, 3600, 10_920, 90_000, -5].map(duration).into();
        assert_eq!(shown, ["0s", "59s", "1m", "6m 40s", "1h", "3h 2m", "1d 1h", "0s"]);
    }

    #[test]
    fn a_bar_is_full_only_at_100() {
        let blocks = |percent| {
            bar(Weight::new(percent).unwrap())
                .chars()
                .filter(|c| *c == '█')
                .count()
        };
        assert_eq!([0, 1, 25, 50, 99, 100].map(blocks), [0, 1, 5, 10, 19, 20]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
