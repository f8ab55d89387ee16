//! Text that others wrote, made safe to show: one line, no control characters, bounded.

/// The longest piece of foreign text that a message repeats, in characters. What is longer is in the
/// journal.
pub(super) const LONGEST_PIECE: usize = 1200;

/// SNS takes subjects of fewer than 100 characters (API reference, Publish, `Subject`).
const SUBJECT_MAX: usize = 99;

/// On one line, without control characters and without those that change the direction of writing:
/// with these, a text could show as another than it is.
pub(crate) fn clean(text: &str) -> String {
    let visible = |c: char| match c {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    let line: String = text.chars().take(LONGEST_PIECE * 4).filter_map(visible).collect();
    shorten(
        line.split_whitespace().collect::<Vec<_>>().join(" ").as_str(),
        LONGEST_PIECE,
    )
}

/// At most `max` characters, with `…` where something was left out.
pub(super) fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// As SNS takes it: printable ASCII only, begun by a letter (a service's name does), not too long.
pub(super) fn subject(text: &str) -> String {
    let ascii: String = clean(text)
        .chars()
        .map(|c| if c.is_ascii() { c } else { '?' })
        .collect();
    if ascii.len() <= SUBJECT_MAX {
        return ascii;
    }
    let mut short: String = ascii.chars().take(SUBJECT_MAX - 3).collect();
    short.push_str("...");
    short
}

/// A time span as a person says it; the two largest units are enough.
pub(crate) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<String> = parts
        .iter()
        .skip_while(|(number, _)| *number == 0)
        .take(2)
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if shown.is_empty() {
        "0 s".to_owned()
    } else {
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_their_two_largest_units() {
        for (seconds, said) in [
            (-5, "0 s"),
            (0, "0 s"),
            (45, "45 s"),
            (60, "1 min"),
            (750, "12 min 30 s"),
            (3600, "1 h"),
            (3605, "1 h"),
            (90_061, "1 d 1 h"),
            (1, "1 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (3599, "59 min 59 s"),
            (3660, "1 h 1 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d"),
            (86_460, "1 d"),
            (180_000, "2 d 2 h"),
        ] {
            assert_eq!(duration(seconds), said);
        }
    }

    #[test]
    fn what_could_hide_or_fake_text_is_taken_out() {
        assert_eq!(clean("a\u{1b}[31mb\r\nc\u{202e}d\u{200b}"), "a [31mb cd");
    }

    #[test]
    fn of_text_that_does_not_show_only_so_much_is_read() {
        let hidden = |count: usize| format!("{}end", "\u{200b}".repeat(count));
        assert_eq!(clean(&hidden(LONGEST_PIECE * 4 - 3)), "end");
        assert_eq!(clean(&hidden(LONGEST_PIECE * 4 - 2)), "en");
        assert_eq!(clean(&hidden(LONGEST_PIECE * 4)), "");
    }

    #[test]
    fn separators_of_lines_are_spaces_and_marks_of_direction_are_nothing() {
        assert_eq!(clean("a\u{2028}b\u{2029}c"), "a b c");
        assert_eq!(clean("a\u{feff}b\u{2066}c\u{200f}d"), "abcd");
        assert_eq!(clean("  many   words \t here "), "many words here");
        assert_eq!(clean(&"x".repeat(LONGEST_PIECE)), "x".repeat(LONGEST_PIECE));
        assert!(clean(&"x".repeat(LONGEST_PIECE + 1)).ends_with("x…"));
    }

    #[test]
    fn a_subject_of_the_greatest_length_is_kept_whole() {
        let text = "s".repeat(SUBJECT_MAX);
        assert_eq!(subject(&text), text);
        let longer = format!("{text}s");
        assert_eq!(subject(&longer), format!("{}...", "s".repeat(SUBJECT_MAX - 3)));
    }

    #[test]
    fn shortening_says_that_it_did() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äö…");
    }

    #[test]
    fn a_subject_is_short_ascii() {
        let subject = subject(&format!("web/production: {}\n", "é".repeat(200)));
        assert_eq!(subject.len(), 99);
        assert!(subject.ends_with("??..."), "{subject}");
    }
}
