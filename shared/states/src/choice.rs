//! The tests of a Choice state's rules.

use std::fmt;

use serde_json::Value;

use crate::failure::Failure;
use crate::path::{Path, Scope};

/// A test that holds or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Compare { variable: Path, comparison: Comparison },
}

/// How a variable is compared. A variable of another type never matches.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Comparison {
    StringEquals(String),
    /// `*` stands for any text, `\*` for itself.
    StringMatches(String),
    NumericEquals(f64),
    NumericGreaterThan(f64),
    NumericGreaterThanEquals(f64),
    NumericLessThan(f64),
    NumericLessThanEquals(f64),
    BooleanEquals(bool),
    IsPresent(bool),
    IsNull(bool),
    IsString(bool),
}

impl Test {
    /// Whether the test holds. `And` and `Or` stop at the first test that
    /// decides, so that `IsPresent` can guard what follows it.
    pub(crate) fn evaluate(&self, scope: Scope<'_>) -> Result<bool, Failure> {
        match self {
            Self::And(tests) => decide_in_order(tests, scope, false),
            Self::Or(tests) => decide_in_order(tests, scope, true),
            Self::Not(test) => Ok(!test.evaluate(scope)?),
            Self::Compare { variable, comparison } => {
                let value = variable.get(scope);
                match (value, comparison) {
                    (value, Comparison::IsPresent(wanted)) => Ok(value.is_some() == *wanted),
                    (Some(value), comparison) => Ok(comparison.holds(value)),
                    (None, _) => Err(Failure::runtime(format!(
                        "the choice state's path `{}` leads nowhere: guard it with IsPresent",
                        variable.as_str()
                    ))),
                }
            }
        }
    }
}

fn decide_in_order(tests: &[Test], scope: Scope<'_>, decisive: bool) -> Result<bool, Failure> {
    for test in tests {
        if test.evaluate(scope)? == decisive {
            return Ok(decisive);
        }
    }
    Ok(!decisive)
}

impl Comparison {
    fn holds(&self, value: &Value) -> bool {
        let number = |test: &dyn Fn(f64) -> bool| value.as_f64().is_some_and(test);
        match self {
            Self::StringEquals(text) => value.as_str() == Some(text),
            Self::StringMatches(pattern) => value.as_str().is_some_and(|text| glob_matches(pattern, text)),
            Self::NumericEquals(wanted) => number(&|n| n == *wanted),
            Self::NumericGreaterThan(bound) => number(&|n| n > *bound),
            Self::NumericGreaterThanEquals(bound) => number(&|n| n >= *bound),
            Self::NumericLessThan(bound) => number(&|n| n < *bound),
            Self::NumericLessThanEquals(bound) => number(&|n| n <= *bound),
            Self::BooleanEquals(wanted) => value.as_bool() == Some(*wanted),
            Self::IsPresent(wanted) => *wanted,
            Self::IsNull(wanted) => value.is_null() == *wanted,
            Self::IsString(wanted) => value.is_string() == *wanted,
        }
    }
}

/// One part of a pattern of `StringMatches`.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Any,
    Char(char),
}

fn glob_matches(pattern: &str, text: &str) -> bool {
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Any,
            '\\' => Part::Char(chars.next().unwrap_or('\\')),
            plain => Part::Char(plain),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // Greedy with one point to come back to: the last `*` seen, and how much
    // of the text it has taken.
    let (mut part, mut at, mut back) = (0, 0, None);
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                back = Some((part, at));
                part += 1;
            }
            Some(Part::Char(c)) if *c == text[at] => {
                part += 1;
                at += 1;
            }
            Some(Part::Char(_)) | None => {
                let Some((star, taken)) = back else {
                    return false;
                };
                back = Some((star, taken + 1));
                part = star + 1;
                at = taken + 1;
            }
        }
    }
    parts[part..].iter().all(|part| *part == Part::Any)
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(tests) => write_joined(f, tests, " and "),
            Self::Or(tests) => write_joined(f, tests, " or "),
            Self::Not(test) => write!(f, "not ({test})"),
            Self::Compare { variable, comparison } => write!(f, "{} {comparison}", variable.as_str()),
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, tests: &[Test], word: &str) -> fmt::Result {
    for (position, test) in tests.iter().enumerate() {
        if position > 0 {
            f.write_str(word)?;
        }
        match test {
            Test::And(_) | Test::Or(_) => write!(f, "({test})")?,
            Test::Not(_) | Test::Compare { .. } => write!(f, "{test}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = |wanted: &bool| if *wanted { "is" } else { "is not" };
        match self {
            Self::StringEquals(text) => write!(f, "is {text}"),
            Self::StringMatches(pattern) => write!(f, "is like {pattern}"),
            Self::NumericEquals(n) => write!(f, "= {n}"),
            Self::NumericGreaterThan(n) => write!(f, "> {n}"),
            Self::NumericGreaterThanEquals(n) => write!(f, ">= {n}"),
            Self::NumericLessThan(n) => write!(f, "< {n}"),
            Self::NumericLessThanEquals(n) => write!(f, "<= {n}"),
            Self::BooleanEquals(wanted) => write!(f, "is {wanted}"),
            Self::IsPresent(wanted) => write!(f, "{} present", is(wanted)),
            Self::IsNull(wanted) => write!(f, "{} null", is(wanted)),
            Self::IsString(wanted) => write!(f, "{} a string", is(wanted)),
        }
    }
}
