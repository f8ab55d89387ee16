//! Condition and key expressions, as far as Tidegate writes them: comparisons, `attribute_exists`,
//! `attribute_not_exists`, `begins_with`, `AND`, `OR`, `NOT` and parentheses (DynamoDB Developer
//! Guide, "Condition and filter expressions, operators, and functions").

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A value of an attribute. Tidegate's items hold texts and whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Attribute {
    S(String),
    N(String),
}

impl Attribute {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::S(text) => Some(text),
            Self::N(_) => None,
        }
    }

    /// Nothing where the two are of different types, which no comparison is true for.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::S(one), Self::S(two)) => Some(one.as_bytes().cmp(two.as_bytes())),
            (Self::N(one), Self::N(two)) => Some(one.parse::<i128>().ok()?.cmp(&two.parse().ok()?)),
            (Self::S(_), Self::N(_)) | (Self::N(_), Self::S(_)) => None,
        }
    }
}

pub(crate) type Attributes = BTreeMap<String, Attribute>;

/// An expression that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Exists(String),
    Missing(String),
    BeginsWith(Operand, Operand),
    Compare(Operand, Comparison, Operand),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operand {
    Attribute(String),
    /// With its colon.
    Given(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl Condition {
    /// Reads an expression; nothing where it is beyond what is known here.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let words = words(text)?;
        let mut parser = Parser { words: &words };
        let condition = parser.either()?;
        parser.words.is_empty().then_some(condition)
    }

    /// Whether it holds for an item; a missing item has no attributes.
    pub(crate) fn holds(&self, item: &Attributes, given: &Attributes) -> bool {
        let value = |operand: &Operand| match operand {
            Operand::Attribute(name) => item.get(name).cloned(),
            Operand::Given(name) => given.get(name).cloned(),
        };
        match self {
            Self::Exists(name) => item.contains_key(name),
            Self::Missing(name) => !item.contains_key(name),
            Self::BeginsWith(whole, start) => match (value(whole), value(start)) {
                (Some(Attribute::S(whole)), Some(Attribute::S(start))) => whole.starts_with(&start),
                (Some(_) | None, Some(_) | None) => false,
            },
            Self::Compare(left, comparison, right) => match (value(left), value(right)) {
                (Some(left), Some(right)) => comparison.holds(left.compare(&right)),
                // What is not there differs from everything, and is neither more nor less.
                (Some(_) | None, Some(_) | None) => *comparison == Comparison::NotEqual,
            },
            Self::And(one, two) => one.holds(item, given) && two.holds(item, given),
            Self::Or(one, two) => one.holds(item, given) || two.holds(item, given),
            Self::Not(inner) => !inner.holds(item, given),
        }
    }

    /// The value that an attribute must be equal to for this to hold.
    pub(crate) fn demands<'a>(&self, name: &str, given: &'a Attributes) -> Option<&'a str> {
        match self {
            Self::Compare(Operand::Attribute(held), Comparison::Equal, Operand::Given(value)) => {
                (held == name).then(|| given.get(value)?.text()).flatten()
            }
            Self::And(one, two) => one.demands(name, given).or_else(|| two.demands(name, given)),
            Self::Exists(_)
            | Self::Missing(_)
            | Self::BeginsWith(..)
            | Self::Compare(..)
            | Self::Or(..)
            | Self::Not(_) => None,
        }
    }
}

fn words(text: &str) -> Option<Vec<&str>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | ',' | '=' => 1,
            '<' if rest.starts_with("<=") || rest.starts_with("<>") => 2,
            '>' if rest.starts_with(">=") => 2,
            '<' | '>' => 1,
            ':' | 'a'..='z' | 'A'..='Z' => {
                let letter = |(at, letter): (usize, char)| {
                    (at > 0 && !letter.is_ascii_alphanumeric() && letter != '_').then_some(at)
                };
                rest.char_indices().find_map(letter).unwrap_or(rest.len())
            }
            _ => return None,
        };
        let (word, left) = rest.split_at(length);
        words.push(word);
        rest = left.trim_start();
    }
    Some(words)
}

struct Parser<'a> {
    words: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn took(&mut self, wanted: &str) -> bool {
        let there = self
            .words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        if there {
            self.next();
        }
        there
    }

    fn either(&mut self) -> Option<Condition> {
        let mut left = self.both()?;
        while self.took("OR") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Condition> {
        let mut left = self.single()?;
        while self.took("AND") {
            left = Condition::And(Box::new(left), Box::new(self.single()?));
        }
        Some(left)
    }

    fn single(&mut self) -> Option<Condition> {
        if self.took("NOT") {
            return Some(Condition::Not(Box::new(self.single()?)));
        }
        if self.took("(") {
            let inner = self.either()?;
            return self.took(")").then_some(inner);
        }
        let first = self.next()?;
        if self.took("(") {
            return self.function(first);
        }
        let left = operand(first)?;
        let comparison = Comparison::of(self.next()?)?;
        Some(Condition::Compare(left, comparison, operand(self.next()?)?))
    }

    fn function(&mut self, name: &str) -> Option<Condition> {
        let first = self.next()?;
        let condition = match name {
            "attribute_exists" => Condition::Exists(first.to_owned()),
            "attribute_not_exists" => Condition::Missing(first.to_owned()),
            "begins_with" => {
                if !self.took(",") {
                    return None;
                }
                Condition::BeginsWith(operand(first)?, operand(self.next()?)?)
            }
            _ => return None,
        };
        self.took(")").then_some(condition)
    }
}

fn operand(word: &str) -> Option<Operand> {
    let first = word.chars().next()?;
    if first == ':' {
        Some(Operand::Given(word.to_owned()))
    } else if first.is_ascii_alphabetic() {
        Some(Operand::Attribute(word.to_owned()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn attributes(pairs: &[(&str, Attribute)]) -> Attributes {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    fn number(text: &str) -> Attribute {
        Attribute::N(text.to_owned())
    }

    #[test]
    fn conditions_hold_as_on_aws() {
        let item = attributes(&[("seq", number("9")), ("sk", Attribute::S("J#01".to_owned()))]);
        let given = attributes(&[
            (":nine", number("9")),
            (":ten", number("10")),
            (":j", Attribute::S("J#".to_owned())),
        ]);
        for (text, holds) in [
            ("seq = :nine", true),
            ("seq <> :nine", false),
            ("seq < :ten", true),
            ("seq >= :ten", false),
            ("missing = :ten", false),
            ("missing <> :ten", true),
            ("missing < :ten", false),
            ("seq = :j", false),
            ("begins_with(sk, :j)", true),
            ("begins_with(seq, :nine)", false),
            ("attribute_exists(seq) AND NOT attribute_exists(pk)", true),
            ("attribute_not_exists(seq) OR seq <= :nine", true),
            ("NOT (seq = :nine OR seq = :ten)", false),
            ("seq = :ten OR seq = :nine AND attribute_exists(pk)", false),
        ] {
            assert_eq!(
                Condition::parse(text).unwrap().holds(&item, &given),
                holds,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "",
            "seq",
            "seq =",
            "size(seq) = :n",
            "seq BETWEEN :a AND :b",
            "#seq = :n",
            "seq = :n AND",
            "(seq = :n",
            "seq = :n)",
            "contains(seq, :n)",
        ] {
            assert!(Condition::parse(text).is_none(), "{text}");
        }
    }
}
