//! One scalar of the file: text to value, by its kind.

use jiff::Timestamp;

use super::keys::Kind;
use super::nearest::nearest;
use super::problem::ProblemCode;
use crate::analysis::Condition;

/// A scalar that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Flag(bool),
    /// Also percentages, seconds, thousandths of a CPU and MiB.
    Whole(u32),
    Number(f64),
    Instant(Timestamp),
    Condition(Condition),
    Text(String),
}

/// Why a scalar was not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub code: ProblemCode,
    pub message: String,
    pub help: String,
    /// The part of the text that is wrong: first byte and length. All of it where absent.
    pub part: Option<(usize, usize)>,
}

fn refusal(code: ProblemCode, message: String, help: impl Into<String>) -> Refusal {
    Refusal {
        code,
        message,
        help: help.into(),
        part: None,
    }
}

/// Reads `text`; `name` is how messages call the value, and `plain` tells that it was not quoted.
pub(super) fn read(kind: &Kind, name: &str, text: &str, plain: bool) -> Result<Scalar, Refusal> {
    match kind {
        Kind::Flag => flag(name, text, plain),
        Kind::Integer { min, max } => {
            let value = integer(name, text, plain)?;
            let whole = u32::try_from(value)
                .ok()
                .filter(|value| (*min..=*max).contains(value));
            whole
                .map(Scalar::Whole)
                .ok_or_else(|| out_of_range(name, text, &min.to_string(), &max.to_string()))
        }
        Kind::Number { min, max } => number(name, text, plain, *min, *max),
        Kind::Duration { min, max } => {
            let seconds = duration(name, text)?;
            let whole = u32::try_from(seconds)
                .ok()
                .filter(|value| (*min..=*max).contains(value));
            let shown = |seconds: u32| show_duration(seconds);
            whole
                .map(Scalar::Whole)
                .ok_or_else(|| out_of_range(name, text, &shown(*min), &shown(*max)))
        }
        Kind::Share => share(name, text),
        Kind::Cpu => cpu(name, text),
        Kind::Memory => memory(name, text),
        Kind::Instant => text.parse::<Timestamp>().map(Scalar::Instant).map_err(|_| {
            let message = format!("`{name}` is not a time: {}", quoted(text));
            refusal(
                ProblemCode::WrongType,
                message,
                "write date, time and zone: 2026-12-24T18:00:00Z or 2026-12-24T18:00:00+01:00",
            )
        }),
        Kind::Condition => condition(name, text),
        Kind::Choice(words) => choice(name, text, words),
        Kind::Text(rule) | Kind::TextOrSection(rule, _) => {
            if (rule.accepts)(text) {
                return Ok(Scalar::Text(text.to_owned()));
            }
            let message = format!("`{name}` takes {}, not {}", rule.what, quoted(text));
            Err(refusal(ProblemCode::InvalidText, message, rule.rule))
        }
        Kind::List { .. } | Kind::Section(_) | Kind::Map { .. } => Err(wrong_type(kind, name, text)),
    }
}

fn wrong_type(kind: &Kind, name: &str, text: &str) -> Refusal {
    let message = format!("`{name}` takes {}, not {}", kind.takes(), quoted(text));
    let help = match kind {
        Kind::List { .. } => {
            format!(
                "write `- {}` on a line of its own below `{name}`",
                shortened(text)
            )
        }
        Kind::Section(_) | Kind::Map { .. } => {
            format!("write the keys below `{name}`, indented by two spaces")
        }
        Kind::Flag
        | Kind::Integer { .. }
        | Kind::Number { .. }
        | Kind::Duration { .. }
        | Kind::Share
        | Kind::Cpu
        | Kind::Memory
        | Kind::Instant
        | Kind::Condition
        | Kind::Choice(_)
        | Kind::TextOrSection(..)
        | Kind::Text(_) => format!("write {}", kind.takes()),
    };
    refusal(ProblemCode::WrongType, message, help)
}

fn flag(name: &str, text: &str, plain: bool) -> Result<Scalar, Refusal> {
    match text {
        "true" if plain => return Ok(Scalar::Flag(true)),
        "false" if plain => return Ok(Scalar::Flag(false)),
        // Any other text is a mistake; which one decides the help.
        _ => {}
    }
    let help = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" => "write `true`, without quotes",
        "false" | "no" | "off" | "n" | "0" => "write `false`, without quotes",
        _ => "write `true` or `false`",
    };
    let message = format!("`{name}` takes true or false, not {}", quoted(text));
    Err(refusal(ProblemCode::WrongType, message, help))
}

fn integer(name: &str, text: &str, plain: bool) -> Result<i64, Refusal> {
    if plain && let Ok(value) = text.parse::<i64>() {
        return Ok(value);
    }
    let message = format!("`{name}` takes a whole number, not {}", quoted(text));
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(12).collect();
    let help = if digits.is_empty() {
        format!("write `{name}: 10`")
    } else {
        format!("did you mean `{digits}`?")
    };
    Err(refusal(ProblemCode::WrongType, message, help))
}

fn number(name: &str, text: &str, plain: bool, min: f64, max: f64) -> Result<Scalar, Refusal> {
    let decimal = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    match text.parse::<f64>() {
        Ok(value) if plain && decimal && (min..=max).contains(&value) => Ok(Scalar::Number(value)),
        Ok(_) if plain && decimal => Err(out_of_range(name, text, &min.to_string(), &max.to_string())),
        Ok(_) | Err(_) => {
            let message = format!("`{name}` takes a plain number, not {}", quoted(text));
            let bare = text.trim_end_matches(|c: char| !c.is_ascii_digit());
            let help = if bare.parse::<f64>().is_ok() {
                format!(
                    "did you mean `{}`? rates are in percent, latencies in milliseconds",
                    shortened(bare)
                )
            } else {
                "rates are in percent, latencies in milliseconds, without the unit".to_owned()
            };
            Err(refusal(ProblemCode::WrongType, message, help))
        }
    }
}

fn out_of_range(name: &str, text: &str, min: &str, max: &str) -> Refusal {
    let message = format!(
        "`{name}` is {}, which is not between {min} and {max}",
        shortened(text)
    );
    refusal(
        ProblemCode::OutOfRange,
        message,
        format!("write something from {min} to {max}"),
    )
}

const NEEDS_UNIT: &str = "a duration needs a unit";

/// `1h30m`: whole numbers, each with a unit, from large to small.
fn duration(name: &str, text: &str) -> Result<u64, Refusal> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        let message = format!("`{name}` is {} without a unit", shortened(text));
        let number = if text.len() > 6 { "10" } else { text };
        let help = format!("{NEEDS_UNIT}: {number}s, {number}m or 1h");
        return Err(refusal(ProblemCode::WrongUnit, message, help));
    }
    let wrong = || {
        let message = format!("`{name}` takes a duration, not {}", quoted(text));
        refusal(
            ProblemCode::WrongUnit,
            message,
            format!("{NEEDS_UNIT}: 10s, 10m or 1h"),
        )
    };
    let (mut rest, mut total, mut last) = (text, 0_u64, u64::MAX);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            // Free text: whatever is none of the units.
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        if seconds >= last {
            return Err(wrong());
        }
        total = number
            .checked_mul(seconds)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(wrong)?;
        (rest, last) = (after, seconds);
    }
    Ok(total)
}

/// Seconds in the largest unit that divides them.
pub(super) fn show_duration(seconds: u32) -> String {
    match seconds {
        0 => "0s".to_owned(),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

fn share(name: &str, text: &str) -> Result<Scalar, Refusal> {
    let digits = text.strip_suffix('%').unwrap_or(text).trim_end();
    match digits.parse::<u32>() {
        Ok(value) if (1..=100).contains(&value) => Ok(Scalar::Whole(value)),
        Ok(_) => Err(out_of_range(name, text, "1%", "100%")),
        Err(_) => {
            let message = format!("`{name}` takes a percentage, not {}", quoted(text));
            Err(refusal(
                ProblemCode::WrongUnit,
                message,
                "write a whole percentage such as 10%",
            ))
        }
    }
}

/// The least that ECS takes: 128 CPU units, an eighth of a vCPU.
const CPU_MIN_MILLIS: u32 = 125;
/// The most that ECS takes: 196,608 CPU units.
const CPU_MAX_MILLIS: u32 = 192_000;

fn cpu(name: &str, text: &str) -> Result<Scalar, Refusal> {
    let millis = match text.strip_suffix('m') {
        Some(millis) => digits(millis),
        None => vcpus(text),
    };
    match millis {
        Some(millis) if (CPU_MIN_MILLIS..=CPU_MAX_MILLIS).contains(&millis) => Ok(Scalar::Whole(millis)),
        Some(_) => Err(out_of_range(name, text, "125m", "192")),
        None => {
            let message = format!("`{name}` takes CPUs, not {}", quoted(text));
            let help = "write thousandths of a vCPU such as 500m, or vCPUs such as 2 or 0.5";
            Err(refusal(ProblemCode::WrongUnit, message, help))
        }
    }
}

/// Digits and nothing else; `parse` alone would take a sign too.
fn digits(text: &str) -> Option<u32> {
    text.chars()
        .all(|c| c.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// `2` or `0.25`, in thousandths.
fn vcpus(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 3 {
        return None;
    }
    let fraction = digits(&format!("{fraction:0<3}"))?;
    digits(whole)?.checked_mul(1000)?.checked_add(fraction)
}

fn memory(name: &str, text: &str) -> Result<Scalar, Refusal> {
    let mib = match (text.strip_suffix("Mi"), text.strip_suffix("Gi")) {
        (Some(number), _) => digits(number),
        (None, Some(number)) => digits(number).and_then(|gib| gib.checked_mul(1024)),
        (None, None) => None,
    };
    match mib {
        // Docker's least for a container, and a TiB.
        Some(mib) if (6..=1_048_576).contains(&mib) => Ok(Scalar::Whole(mib)),
        Some(_) => Err(out_of_range(name, text, "6Mi", "1024Gi")),
        None => {
            let number: String = text.chars().take_while(char::is_ascii_digit).take(9).collect();
            let help = if number.is_empty() {
                "memory needs a unit: 512Mi or 2Gi".to_owned()
            } else {
                format!("memory needs a unit: {number}Mi or {number}Gi")
            };
            let message = format!("`{name}` takes memory in Mi or Gi, not {}", quoted(text));
            Err(refusal(ProblemCode::WrongUnit, message, help))
        }
    }
}

fn condition(name: &str, text: &str) -> Result<Scalar, Refusal> {
    text.parse::<Condition>()
        .map(Scalar::Condition)
        .map_err(|error| Refusal {
            code: ProblemCode::InvalidCondition,
            message: format!("`{name}` can't be read: {error}"),
            help: error.help,
            part: Some((error.offset, error.length)),
        })
}

fn choice(name: &str, text: &str, words: &'static [&'static str]) -> Result<Scalar, Refusal> {
    if words.contains(&text) {
        return Ok(Scalar::Text(text.to_owned()));
    }
    let all = words.join(", ");
    let help = match nearest(text, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`? (one of {all})"),
        None => format!("write one of {all}"),
    };
    let message = format!("`{name}` can't be {}", quoted(text));
    Err(refusal(ProblemCode::UnknownChoice, message, help))
}

/// What was written, shortened, in backticks; words for what has no text.
fn quoted(text: &str) -> String {
    if text.trim().is_empty() {
        "an empty text".to_owned()
    } else {
        format!("`{}`", shortened(text))
    }
}

/// At most 60 characters on one line.
pub(super) fn shortened(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(60)
        .collect();
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ANY: Kind = Kind::Duration {
        min: 0,
        max: u32::MAX,
    };

    #[test]
    fn durations_are_numbers_with_units_from_large_to_small() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5400),
            ("1d", 86_400),
        ] {
            assert_eq!(
                read(&ANY, "pause", text, true).unwrap(),
                Scalar::Whole(seconds),
                "{text}"
            );
        }
        for text in [
            "",
            "10",
            "m",
            "10M",
            "1m1h",
            "5m5m",
            "1.5h",
            "-1s",
            "500ms",
            "99999999999999999999s",
        ] {
            assert_eq!(
                read(&ANY, "pause", text, true).unwrap_err().code,
                ProblemCode::WrongUnit,
                "{text}"
            );
        }
    }

    #[test]
    fn a_bare_number_is_told_its_unit() {
        let refusal = read(&ANY, "pause", "10", true).unwrap_err();
        assert_eq!(refusal.help, "a duration needs a unit: 10s, 10m or 1h");
    }

    #[test]
    fn shown_durations_read_back() {
        for seconds in [0, 1, 59, 60, 61, 3600, 5400, 86_400, 86_401] {
            let text = show_duration(seconds);
            assert_eq!(read(&ANY, "x", &text, true).unwrap(), Scalar::Whole(seconds));
        }
    }

    #[test]
    fn cpu_and_memory_have_their_units() {
        for (text, millis) in [
            ("500m", 500),
            ("2000m", 2000),
            ("2", 2000),
            ("0.5", 500),
            ("1.125", 1125),
        ] {
            assert_eq!(
                read(&Kind::Cpu, "cpu", text, true).unwrap(),
                Scalar::Whole(millis),
                "{text}"
            );
        }
        for text in ["", "m", "+500m", "0.", "1.2345", "2 vCPU", "-1"] {
            assert!(read(&Kind::Cpu, "cpu", text, true).is_err(), "{text}");
        }
        assert_eq!(
            read(&Kind::Memory, "memory", "512Mi", true).unwrap(),
            Scalar::Whole(512)
        );
        assert_eq!(
            read(&Kind::Memory, "memory", "2Gi", true).unwrap(),
            Scalar::Whole(2048)
        );
        let refusal = read(&Kind::Memory, "memory", "512MB", true).unwrap_err();
        assert_eq!(refusal.help, "memory needs a unit: 512Mi or 512Gi");
        assert!(read(&Kind::Memory, "memory", "9999999Gi", true).is_err());
    }

    /// A text with what is made of it: a value, or the code and help of a refusal.
    type Case<'a> = (&'a str, Result<u32, (ProblemCode, &'a str)>);

    #[track_caller]
    fn table(kind: &Kind, cases: &[Case<'_>]) {
        for (text, expected) in cases {
            let found = match read(kind, "it", text, true) {
                Ok(Scalar::Whole(value)) => Ok(value),
                Ok(other) => unreachable!("{text}: {other:?}"),
                Err(refusal) => Err((refusal.code, refusal.help)),
            };
            let expected = expected.map_err(|(code, help)| (code, help.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
    }

    const RANGE: ProblemCode = ProblemCode::OutOfRange;
    const UNIT: ProblemCode = ProblemCode::WrongUnit;
    const TYPE: ProblemCode = ProblemCode::WrongType;

    #[test]
    fn a_flag_is_one_of_two_bare_words_and_each_slip_is_told_the_right_one() {
        let flag = |text, plain| match read(&Kind::Flag, "it", text, plain) {
            Ok(Scalar::Flag(value)) => Ok(value),
            Ok(other) => unreachable!("{other:?}"),
            Err(refusal) => Err(refusal.help),
        };
        assert_eq!((flag("true", true), flag("false", true)), (Ok(true), Ok(false)));
        for text in ["true", "TRUE", "yes", "On", "y", "1"] {
            assert_eq!(
                flag(text, false),
                Err("write `true`, without quotes".to_owned()),
                "{text}"
            );
        }
        for text in ["false", "False", "no", "OFF", "n", "0"] {
            assert_eq!(
                flag(text, false),
                Err("write `false`, without quotes".to_owned()),
                "{text}"
            );
        }
        assert_eq!(flag("maybe", true), Err("write `true` or `false`".to_owned()));
    }

    #[test]
    fn a_whole_number_keeps_within_its_range() {
        let help = "write something from 2 to 10";
        table(
            &Kind::Integer { min: 2, max: 10 },
            &[
                ("1", Err((RANGE, help))),
                ("2", Ok(2)),
                ("10", Ok(10)),
                ("11", Err((RANGE, help))),
                ("-3", Err((RANGE, help))),
                ("99999999999", Err((RANGE, help))),
                ("5 tasks", Err((TYPE, "did you mean `5`?"))),
                ("five", Err((TYPE, "write `it: 10`"))),
                (
                    "1234567890123456789012",
                    Err((TYPE, "did you mean `123456789012`?")),
                ),
            ],
        );
        let quoted = read(&Kind::Integer { min: 2, max: 10 }, "it", "5", false).unwrap_err();
        assert_eq!(quoted.message, "`it` takes a whole number, not `5`");
    }

    #[test]
    fn a_number_is_plain_decimal_and_within_its_range() {
        let kind = Kind::Number { min: -1.0, max: 2.5 };
        let number = |text, plain| match read(&kind, "it", text, plain) {
            Ok(Scalar::Number(value)) => Ok(value),
            Ok(other) => unreachable!("{other:?}"),
            Err(refusal) => Err((refusal.code, refusal.help)),
        };
        for (text, value) in [("-1", -1.0), ("2.5", 2.5), ("+1e0", 1.0), ("25E-1", 2.5)] {
            assert_eq!(number(text, true), Ok(value), "{text}");
        }
        let range = Err((RANGE, "write something from -1 to 2.5".to_owned()));
        assert_eq!(number("-1.1", true), range);
        assert_eq!(number("2.6", true), range);
        let unit = "rates are in percent, latencies in milliseconds, without the unit";
        for text in ["inf", "nan", "infinity", "", "one", "%", "1_0 %x"] {
            let help = number(text, true).unwrap_err();
            assert_eq!(help.0, TYPE, "{text}");
        }
        assert_eq!(number("nan", true), Err((TYPE, unit.to_owned())));
        let meant = "did you mean `1`? rates are in percent, latencies in milliseconds";
        assert_eq!(number("1%", true), Err((TYPE, meant.to_owned())));
        assert_eq!(number("1", false), Err((TYPE, meant.to_owned())));
    }

    #[test]
    fn a_duration_keeps_within_its_range_and_shows_it_in_its_units() {
        let help = "write something from 2s to 2m";
        let wrong = "a duration needs a unit: 10s, 10m or 1h";
        table(
            &Kind::Duration { min: 2, max: 120 },
            &[
                ("1s", Err((RANGE, help))),
                ("2s", Ok(2)),
                ("1m59s", Ok(119)),
                ("2m", Ok(120)),
                ("121s", Err((RANGE, help))),
                ("99999d", Err((RANGE, help))),
                (
                    "123456",
                    Err((UNIT, "a duration needs a unit: 123456s, 123456m or 1h")),
                ),
                ("1234567", Err((UNIT, wrong))),
                ("30s1m", Err((UNIT, wrong))),
                ("1m1m", Err((UNIT, wrong))),
                ("1m30", Err((UNIT, wrong))),
                ("s", Err((UNIT, wrong))),
                ("18446744073709551615d", Err((UNIT, wrong))),
                ("1d18446744073709551615s", Err((UNIT, wrong))),
            ],
        );
    }

    #[test]
    fn durations_are_shown_in_the_largest_unit_that_divides_them() {
        for (seconds, shown) in [
            (0, "0s"),
            (1, "1s"),
            (59, "59s"),
            (60, "1m"),
            (90, "90s"),
            (3540, "59m"),
            (3600, "1h"),
            (5400, "90m"),
            (86_400, "1d"),
            (90_000, "25h"),
            (172_800, "2d"),
        ] {
            assert_eq!(show_duration(seconds), shown);
        }
    }

    #[test]
    fn a_share_is_a_whole_percentage_with_or_without_its_sign() {
        let help = "write something from 1% to 100%";
        let wrong = "write a whole percentage such as 10%";
        table(
            &Kind::Share,
            &[
                ("0%", Err((RANGE, help))),
                ("1%", Ok(1)),
                ("25", Ok(25)),
                ("10 %", Ok(10)),
                ("100%", Ok(100)),
                ("101", Err((RANGE, help))),
                ("half", Err((UNIT, wrong))),
                ("10%%", Err((UNIT, wrong))),
                ("2.5%", Err((UNIT, wrong))),
            ],
        );
    }

    #[test]
    fn cpus_keep_within_what_ecs_takes() {
        let help = "write something from 125m to 192";
        let wrong = "write thousandths of a vCPU such as 500m, or vCPUs such as 2 or 0.5";
        table(
            &Kind::Cpu,
            &[
                ("124m", Err((RANGE, help))),
                ("125m", Ok(125)),
                ("0.125", Ok(125)),
                ("0.1", Err((RANGE, help))),
                ("1.05", Ok(1050)),
                ("192", Ok(192_000)),
                ("192000m", Ok(192_000)),
                ("192001m", Err((RANGE, help))),
                ("192.001", Err((RANGE, help))),
                ("0.1255", Err((UNIT, wrong))),
                ("1.", Err((UNIT, wrong))),
                (".5m", Err((UNIT, wrong))),
                ("1.x", Err((UNIT, wrong))),
                ("4294968", Err((UNIT, wrong))),
            ],
        );
    }

    #[test]
    fn memory_keeps_within_a_tebibyte() {
        let help = "write something from 6Mi to 1024Gi";
        table(
            &Kind::Memory,
            &[
                ("5Mi", Err((RANGE, help))),
                ("6Mi", Ok(6)),
                ("1048576Mi", Ok(1_048_576)),
                ("1048577Mi", Err((RANGE, help))),
                ("1Gi", Ok(1024)),
                ("1024Gi", Ok(1_048_576)),
                ("1025Gi", Err((RANGE, help))),
                (
                    "4194304Gi",
                    Err((UNIT, "memory needs a unit: 4194304Mi or 4194304Gi")),
                ),
                ("Mi", Err((UNIT, "memory needs a unit: 512Mi or 2Gi"))),
                ("much", Err((UNIT, "memory needs a unit: 512Mi or 2Gi"))),
                ("+6Mi", Err((UNIT, "memory needs a unit: 512Mi or 2Gi"))),
                (
                    "12345678901",
                    Err((UNIT, "memory needs a unit: 123456789Mi or 123456789Gi")),
                ),
            ],
        );
    }

    #[test]
    fn a_choice_is_one_of_its_words() {
        let kind = Kind::Choice(&["queue", "supersede"]);
        let choice = |text| read(&kind, "it", text, true);
        assert_eq!(choice("queue").unwrap(), Scalar::Text("queue".to_owned()));
        let near = choice("supercede").unwrap_err();
        assert_eq!(near.help, "did you mean `supersede`? (one of queue, supersede)");
        let far = choice("later").unwrap_err();
        assert_eq!(far.help, "write one of queue, supersede");
        assert_eq!(far.message, "`it` can't be `later`");
        assert_eq!(choice(" ").unwrap_err().message, "`it` can't be an empty text");
    }

    #[test]
    fn a_time_has_a_date_a_time_and_a_zone() {
        let read = |text| read(&Kind::Instant, "it", text, true);
        let expected: Timestamp = "2026-12-24T17:00:00Z".parse().unwrap();
        assert_eq!(
            read("2026-12-24T18:00:00+01:00").unwrap(),
            Scalar::Instant(expected)
        );
        let refused = read("2026-12-24").unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (TYPE, "`it` is not a time: `2026-12-24`")
        );
    }

    #[test]
    fn sixty_characters_of_a_mistake_are_shown() {
        let sixty = "é".repeat(60);
        assert_eq!(shortened(&sixty), sixty);
        assert_eq!(shortened(&format!("{sixty}e")), format!("{sixty}…"));
        assert_eq!(shortened("a\tb\nc"), "a b c");
        assert_eq!(quoted("x"), "`x`");
        assert_eq!(quoted(" \n"), "an empty text");
    }
}
