//! `error_rate > 1%`: one condition of `autoRollback.conditions`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::measure::{KnownMetric, Unit};
use crate::spec::nearest::nearest;

/// A condition that is enough by itself to roll back, such as `latency_p99 > 1000ms`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    metric: KnownMetric,
    comparison: Comparison,
    threshold: Threshold,
}

/// How the metric is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

/// A number with the unit of its metric: finite, not negative, and at most 100 where in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// `1%`
    Percent(f64),
    /// `1000ms`; `1s` is read as the same.
    Milliseconds(f64),
    /// `10`
    Count(f64),
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// What kind of mistake it is.
    pub kind: ConditionErrorKind,
    /// First byte of the mistake in the text.
    pub offset: usize,
    /// Length of the mistake in bytes.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// The nearest right thing.
    pub help: String,
}

/// What kind of mistake a condition has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionErrorKind {
    /// There is no text.
    Empty,
    /// The first word is not a metric.
    UnknownMetric,
    /// Neither `>`, `>=`, `<` nor `<=` follows the metric.
    MissingComparison,
    /// A comparison that does not exist, such as `==`.
    UnknownComparison,
    /// Nothing follows the comparison.
    MissingThreshold,
    /// What follows the comparison is not a number.
    NotANumber,
    /// The number has no unit, and its metric has one.
    MissingUnit,
    /// The unit is not one of the metric.
    WrongUnit,
    /// The number can't be a value of the metric.
    OutOfRange,
}

impl Condition {
    /// A condition; nothing where the threshold's unit is not the metric's, or its value can't be.
    pub fn new(metric: KnownMetric, comparison: Comparison, threshold: Threshold) -> Option<Self> {
        let fits = threshold.unit() == metric.unit() && threshold.in_range();
        fits.then_some(Self {
            metric,
            comparison,
            threshold,
        })
    }

    /// What is measured.
    pub const fn metric(&self) -> KnownMetric {
        self.metric
    }

    /// How it is compared.
    pub const fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// What it is compared with.
    pub const fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Whether `value`, in the metric's unit, meets the condition. NaN meets none.
    pub fn holds(&self, value: f64) -> bool {
        let threshold = self.threshold.value();
        match self.comparison {
            Comparison::Above => value > threshold,
            Comparison::AtLeast => value >= threshold,
            Comparison::Below => value < threshold,
            Comparison::AtMost => value <= threshold,
        }
    }
}

impl Comparison {
    const ALL: [Self; 4] = [Self::AtLeast, Self::AtMost, Self::Above, Self::Below];

    /// Its sign in a deployment file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
}

impl Threshold {
    /// The number, in [`Threshold::unit`].
    pub const fn value(self) -> f64 {
        match self {
            Self::Percent(value) | Self::Milliseconds(value) | Self::Count(value) => value,
        }
    }

    /// The unit.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Percent(_) => Unit::Percent,
            Self::Milliseconds(_) => Unit::Milliseconds,
            Self::Count(_) => Unit::Count,
        }
    }

    fn in_range(self) -> bool {
        let value = self.value();
        let most = match self.unit() {
            Unit::Percent => 100.0,
            // A day, and a number that a float still counts exactly.
            Unit::Milliseconds => 86_400_000.0,
            Unit::Count => 1e12,
        };
        value.is_finite() && (0.0..=most).contains(&value)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(value) => write!(f, "{value}%"),
            Self::Milliseconds(value) => write!(f, "{value}ms"),
            Self::Count(value) => write!(f, "{value}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.metric,
            self.comparison.as_str(),
            self.threshold
        )
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

impl TryFrom<String> for Condition {
    type Error = ConditionError;
    fn try_from(text: String) -> Result<Self, ConditionError> {
        text.parse()
    }
}

impl FromStr for Condition {
    type Err = ConditionError;
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let mut scanner = Scanner { text, at: 0 };
        let metric = read_metric(&mut scanner)?;
        let comparison = read_comparison(&mut scanner, metric)?;
        let threshold = read_threshold(&mut scanner, metric, comparison)?;
        Ok(Self {
            metric,
            comparison,
            threshold,
        })
    }
}

/// A place in the text.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Takes the characters that fit, with the place of the first.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> (usize, &'a str) {
        let (start, rest) = (self.at, self.rest());
        let word = rest
            .get(..rest.find(|c| !fits(c)).unwrap_or(rest.len()))
            .unwrap_or_default();
        self.at += word.len();
        (start, word)
    }
}

fn error(
    kind: ConditionErrorKind,
    (offset, found): (usize, &str),
    message: String,
    help: String,
) -> ConditionError {
    ConditionError {
        kind,
        offset,
        length: found.len(),
        message,
        help,
    }
}

fn read_metric(scanner: &mut Scanner<'_>) -> Result<KnownMetric, ConditionError> {
    scanner.skip_space();
    let (at, word) = scanner.take_while(|c| !c.is_whitespace() && !is_sign(c));
    if let Some(metric) = KnownMetric::named(word) {
        return Ok(metric);
    }
    if word.is_empty() {
        let message = "a condition starts with a metric".to_owned();
        let help = "write it like `error_rate > 1%`".to_owned();
        return Err(error(ConditionErrorKind::Empty, (at, word), message, help));
    }
    let names = KnownMetric::ALL.map(KnownMetric::as_str);
    let help = match nearest(word, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the metrics are {}", names.join(", ")),
    };
    let message = format!("`{}` is not a metric", shortened(word));
    Err(error(
        ConditionErrorKind::UnknownMetric,
        (at, word),
        message,
        help,
    ))
}

fn is_sign(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '≥' | '≤')
}

fn read_comparison(scanner: &mut Scanner<'_>, metric: KnownMetric) -> Result<Comparison, ConditionError> {
    scanner.skip_space();
    let (at, sign) = scanner.take_while(is_sign);
    if let Some(comparison) = Comparison::ALL.into_iter().find(|one| one.as_str() == sign) {
        return Ok(comparison);
    }
    if sign.is_empty() {
        let (_, found) = scanner.take_while(|c| !c.is_whitespace());
        let message = format!("a comparison must follow `{metric}`");
        let help = format!("write `{}`", example(metric));
        return Err(error(
            ConditionErrorKind::MissingComparison,
            (at, found),
            message,
            help,
        ));
    }
    let message = format!("`{}` is not a comparison", shortened(sign));
    let help = match sign {
        "≥" | "=>" => "did you mean `>=`?".to_owned(),
        "≤" | "=<" => "did you mean `<=`?".to_owned(),
        // Whatever else was written, these are all that there is.
        _ => "the comparisons are >, >=, < and <=".to_owned(),
    };
    Err(error(
        ConditionErrorKind::UnknownComparison,
        (at, sign),
        message,
        help,
    ))
}

fn read_threshold(
    scanner: &mut Scanner<'_>,
    metric: KnownMetric,
    comparison: Comparison,
) -> Result<Threshold, ConditionError> {
    scanner.skip_space();
    let (at, number) = scanner.take_while(|c| c.is_ascii_digit() || c == '.');
    let (unit_at, unit) = (scanner.at, scanner.rest().trim());
    if number.is_empty() {
        let help = format!("write `{}`", example(metric));
        let (kind, message) = if unit.is_empty() {
            let message = format!("a number must follow `{}`", comparison.as_str());
            (ConditionErrorKind::MissingThreshold, message)
        } else {
            (
                ConditionErrorKind::NotANumber,
                format!("`{}` is not a number", shortened(unit)),
            )
        };
        return Err(error(kind, (at, unit), message, help));
    }
    let Ok(value) = number.parse::<f64>() else {
        let message = format!("`{}` is not a number", shortened(number));
        let help = format!("write `{}`", example(metric));
        return Err(error(ConditionErrorKind::NotANumber, (at, number), message, help));
    };
    let space = scanner.rest().len() - scanner.rest().trim_start().len();
    let threshold = with_unit(metric, value, number, (unit_at + space, unit), at)?;
    if threshold.in_range() {
        return Ok(threshold);
    }
    let message = format!("{} can't be a value of `{metric}`", shortened(number));
    let help = match metric.unit() {
        Unit::Percent => "a percentage is between 0 and 100",
        Unit::Milliseconds => "a latency is at most a day",
        Unit::Count => "a count is at most 1000000000000",
    };
    Err(error(
        ConditionErrorKind::OutOfRange,
        (at, number),
        message,
        help.to_owned(),
    ))
}

fn with_unit(
    metric: KnownMetric,
    value: f64,
    number: &str,
    (unit_at, unit): (usize, &str),
    number_at: usize,
) -> Result<Threshold, ConditionError> {
    let right = match metric.unit() {
        Unit::Percent => format!("{number}%"),
        Unit::Milliseconds => format!("{number}ms"),
        Unit::Count => number.to_owned(),
    };
    match (metric.unit(), unit) {
        (Unit::Percent, "%") => Ok(Threshold::Percent(value)),
        (Unit::Milliseconds, "ms") => Ok(Threshold::Milliseconds(value)),
        (Unit::Milliseconds, "s") => Ok(Threshold::Milliseconds(value * 1000.0)),
        (Unit::Count, "") => Ok(Threshold::Count(value)),
        (Unit::Percent | Unit::Milliseconds, "") => {
            let message = format!("the threshold of `{metric}` needs a unit");
            let help = format!("did you mean `{right}`?");
            Err(error(
                ConditionErrorKind::MissingUnit,
                (number_at, number),
                message,
                help,
            ))
        }
        // The unit is free text: everything that is none of ours ends here.
        (Unit::Percent | Unit::Milliseconds | Unit::Count, found) => {
            let takes = match metric.unit() {
                Unit::Percent => "percent (`%`)",
                Unit::Milliseconds => "`ms` or `s`",
                Unit::Count => "a number without a unit",
            };
            let message = format!(
                "`{}` does not fit `{metric}`, which takes {takes}",
                shortened(found)
            );
            let help = format!("did you mean `{right}`?");
            Err(error(
                ConditionErrorKind::WrongUnit,
                (unit_at, found),
                message,
                help,
            ))
        }
    }
}

fn example(metric: KnownMetric) -> &'static str {
    match metric {
        KnownMetric::ErrorRate => "error_rate > 1%",
        KnownMetric::LatencyP99 => "latency_p99 > 1000ms",
        KnownMetric::Availability => "availability < 99.9%",
        KnownMetric::RequestCount => "request_count < 10",
    }
}

/// At most 40 characters of what was written, so that a message stays readable.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_conditions_of_the_production_file_mean_what_they_say() {
        let condition: Condition = "error_rate > 1%".parse().unwrap();
        assert_eq!(condition.metric(), KnownMetric::ErrorRate);
        assert_eq!(condition.comparison(), Comparison::Above);
        assert_eq!(condition.threshold(), Threshold::Percent(1.0));
        assert!(condition.holds(1.5) && !condition.holds(1.0) && !condition.holds(f64::NAN));

        let condition: Condition = "availability < 99.9%".parse().unwrap();
        assert!(condition.holds(99.8) && !condition.holds(99.9));

        let latency: Condition = "latency_p99 > 1000ms".parse().unwrap();
        assert_eq!(latency, " latency_p99>1s ".parse().unwrap());
        assert_eq!(latency.to_string(), "latency_p99 > 1000ms");

        let count: Condition = "request_count <= 10".parse().unwrap();
        assert!(count.holds(10.0) && !count.holds(10.5));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of mistakes")]
    fn a_mistake_is_shown_at_its_place_with_the_nearest_right_thing() {
        use ConditionErrorKind as Kind;
        let cases = [
            ("", Kind::Empty, 0, 0, "write it like `error_rate > 1%`"),
            (
                "eror_rate > 1%",
                Kind::UnknownMetric,
                0,
                9,
                "did you mean `error_rate`?",
            ),
            (
                "cpu > 1%",
                Kind::UnknownMetric,
                0,
                3,
                "the metrics are error_rate, latency_p99, availability, request_count",
            ),
            (
                "error_rate 1%",
                Kind::MissingComparison,
                11,
                2,
                "write `error_rate > 1%`",
            ),
            (
                "error_rate == 1%",
                Kind::UnknownComparison,
                11,
                2,
                "the comparisons are >, >=, < and <=",
            ),
            (
                "error_rate => 1%",
                Kind::UnknownComparison,
                11,
                2,
                "did you mean `>=`?",
            ),
            (
                "error_rate =< 1%",
                Kind::UnknownComparison,
                11,
                2,
                "did you mean `<=`?",
            ),
            (
                "error_rate ≤ 1%",
                Kind::UnknownComparison,
                11,
                3,
                "did you mean `<=`?",
            ),
            (
                "error_rate ≥ 1%",
                Kind::UnknownComparison,
                11,
                3,
                "did you mean `>=`?",
            ),
            (
                "error_rate >",
                Kind::MissingThreshold,
                12,
                0,
                "write `error_rate > 1%`",
            ),
            (
                "error_rate > one",
                Kind::NotANumber,
                13,
                3,
                "write `error_rate > 1%`",
            ),
            (
                "error_rate > -1%",
                Kind::NotANumber,
                13,
                3,
                "write `error_rate > 1%`",
            ),
            (
                "error_rate > 1.2.3%",
                Kind::NotANumber,
                13,
                5,
                "write `error_rate > 1%`",
            ),
            (
                "latency_p99 > 1000",
                Kind::MissingUnit,
                14,
                4,
                "did you mean `1000ms`?",
            ),
            ("error_rate > 1 ms", Kind::WrongUnit, 15, 2, "did you mean `1%`?"),
            (
                "request_count < 10%",
                Kind::WrongUnit,
                18,
                1,
                "did you mean `10`?",
            ),
            (
                "error_rate > 1% or more",
                Kind::WrongUnit,
                14,
                9,
                "did you mean `1%`?",
            ),
            (
                "error_rate > 101%",
                Kind::OutOfRange,
                13,
                3,
                "a percentage is between 0 and 100",
            ),
        ];
        for (text, kind, offset, length, help) in cases {
            let error = text.parse::<Condition>().unwrap_err();
            assert_eq!(
                (error.kind, error.offset, error.length, error.help.as_str()),
                (kind, offset, length, help),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn each_comparison_holds_on_its_own_side_of_the_threshold() {
        // Below it, at it, above it.
        let cases = [
            ("request_count > 10", [false, false, true]),
            ("request_count >= 10", [false, true, true]),
            ("request_count < 10", [true, false, false]),
            ("request_count <= 10", [true, true, false]),
        ];
        for (text, expected) in cases {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(
                [9.9, 10.0, 10.1].map(|value| condition.holds(value)),
                expected,
                "{text}"
            );
            assert!(!condition.holds(f64::NAN), "{text}");
        }
    }

    #[test]
    fn a_long_mistake_is_shown_by_its_first_forty_characters() {
        assert_eq!(shortened(""), "");
        assert_eq!(shortened("one"), "one");
        let forty = "é".repeat(40);
        assert_eq!(shortened(&forty), forty);
        assert_eq!(shortened(&format!("{forty}e")), format!("{forty}…"));
        let error = "error_rate > one".parse::<Condition>().unwrap_err();
        assert_eq!(error.message, "`one` is not a number");
    }

    #[test]
    fn a_condition_is_its_text_in_json() {
        let condition: Condition = "availability < 99.9%".parse().unwrap();
        let json = serde_json::to_string(&condition).unwrap();
        assert_eq!(json, "\"availability < 99.9%\"");
        assert_eq!(serde_json::from_str::<Condition>(&json).unwrap(), condition);
        assert!(serde_json::from_str::<Condition>("\"up\"").is_err());
    }

    fn any_condition() -> impl Strategy<Value = Condition> {
        let metric = proptest::sample::select(KnownMetric::ALL.to_vec());
        let comparison = proptest::sample::select(Comparison::ALL.to_vec());
        (metric, comparison, 0.0..100.0_f64).prop_filter_map("fits", |(metric, comparison, value)| {
            let threshold = match metric.unit() {
                Unit::Percent => Threshold::Percent(value),
                Unit::Milliseconds => Threshold::Milliseconds(value * 100.0),
                Unit::Count => Threshold::Count(value * 1e6),
            };
            Condition::new(metric, comparison, threshold)
        })
    }

    proptest! {
        #[test]
        fn every_condition_round_trips(condition in any_condition()) {
            prop_assert_eq!(condition.to_string().parse::<Condition>(), Ok(condition));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            if let Err(error) = text.parse::<Condition>() {
                prop_assert!(error.offset + error.length <= text.len());
                prop_assert!(text.is_char_boundary(error.offset));
            }
        }

        #[test]
        fn almost_conditions_are_answered(text in "(error_rate|latency_p99) ?[<>=≥]{0,2} ?[0-9.]{0,400}(%|ms|s|é)?") {
            if let Err(error) = text.parse::<Condition>() {
                prop_assert!(text.get(error.offset..error.offset + error.length).is_some());
            }
        }
    }
}
