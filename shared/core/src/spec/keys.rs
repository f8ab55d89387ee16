//! The vocabulary of the table of keys: what a key may hold.

use super::nearest::nearest;

/// A section of the file: keys and what they hold. Parser and JSON Schema both follow it.
#[derive(Debug)]
pub(super) struct Section {
    /// What it is for, for the schema.
    pub doc: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [Key],
}

/// One key of a section.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What it means, for the schema and so for editors.
    pub doc: &'static str,
    pub presence: Presence,
}

/// Most names below one name of a [`Kind::Map`].
pub(super) const MOST_WITHIN: usize = 25;

/// What holds where a key is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// The file is refused.
    Required,
    /// There is no value, or a later step finds one.
    Optional,
    /// This text is read as if it stood in the file.
    Default(&'static str),
}

/// What a value must be.
#[derive(Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number, both bounds inclusive.
    Integer { min: u32, max: u32 },
    /// A number, both bounds inclusive.
    Number { min: f64, max: f64 },
    /// `10m`, bounds in seconds, inclusive.
    Duration { min: u32, max: u32 },
    /// `10%`, or a bare `10`, 1 to 100.
    Share,
    /// `500m`, `2`, `0.5`.
    Cpu,
    /// `512Mi`, `2Gi`.
    Memory,
    /// RFC 3339.
    Instant,
    /// `error_rate > 1%`.
    Condition,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text that follows a rule.
    Text(&'static TextRule),
    /// A list of at least `min` and at most `max`.
    List {
        of: &'static Kind,
        min: usize,
        max: usize,
    },
    /// Keys below it.
    Section(&'static Section),
    /// A text that follows a rule, or keys below it.
    TextOrSection(&'static TextRule, &'static Section),
    /// Names that the file chooses, each with a text; at least and at most so many. Where `within` is given, a name may
    /// have names of its own below it, each with such a text.
    Map {
        names: &'static TextRule,
        of: &'static TextRule,
        within: Option<&'static TextRule>,
        min: usize,
        max: usize,
    },
}

/// The rule of a text.
#[derive(Debug)]
pub(super) struct TextRule {
    /// What it is: `a service name`.
    pub what: &'static str,
    /// The rule in words.
    pub rule: &'static str,
    /// The rule as a regular expression, for the schema. At least as strict as `accepts` is not asked;
    /// whatever it matches is accepted.
    pub pattern: &'static str,
    /// The rule.
    pub accepts: fn(&str) -> bool,
}

impl Kind {
    /// What it takes, for messages.
    pub(super) fn takes(&self) -> String {
        match self {
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Integer { .. } => "a whole number".to_owned(),
            Self::Number { .. } => "a number".to_owned(),
            Self::Duration { .. } => "a duration such as 30s, 10m or 1h".to_owned(),
            Self::Share => "a percentage such as 10%".to_owned(),
            Self::Cpu => "CPUs such as 500m or 2".to_owned(),
            Self::Memory => "memory such as 512Mi or 2Gi".to_owned(),
            Self::Instant => "a time such as 2026-12-24T18:00:00Z".to_owned(),
            Self::Condition => "a condition such as `error_rate > 1%`".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Text(rule) => rule.what.to_owned(),
            Self::List { .. } => "a list".to_owned(),
            Self::Section(section) => {
                let keys: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
                format!("a section with {}", keys.join(", "))
            }
            Self::TextOrSection(rule, section) => {
                format!("{}, or {}", rule.what, Self::Section(section).takes())
            }
            Self::Map { of, .. } => format!("names, each with {}", of.what),
        }
    }

    /// The section that it is, or that its items are.
    pub(super) fn section(&self) -> Option<&'static Section> {
        match self {
            Self::Section(section) | Self::TextOrSection(_, section) => Some(section),
            Self::List { of, .. } => of.section(),
            Self::Flag
            | Self::Integer { .. }
            | Self::Number { .. }
            | Self::Duration { .. }
            | Self::Share
            | Self::Cpu
            | Self::Memory
            | Self::Instant
            | Self::Condition
            | Self::Choice(_)
            | Self::Text(_)
            | Self::Map { .. } => None,
        }
    }
}

impl Section {
    /// The key of that name.
    pub(super) fn key(&'static self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The key that `name` was most likely meant to be.
    pub(super) fn nearest(&self, name: &str) -> Option<&'static str> {
        nearest(name, self.keys.iter().map(|key| key.name))
    }

    /// Calls `visit` with every key below this section and the path of the section that holds it:
    /// `canary.steps[]` for `pause`, an empty one at the top.
    pub(super) fn walk(&'static self, path: &str, visit: &mut dyn FnMut(&str, &'static Key)) {
        for key in self.keys {
            visit(path, key);
            if let Some(section) = key.kind.section() {
                let dot = if path.is_empty() { "" } else { "." };
                let items = if matches!(key.kind, Kind::List { .. }) {
                    "[]"
                } else {
                    ""
                };
                section.walk(&format!("{path}{dot}{}{items}", key.name), visit);
            }
        }
    }
}
