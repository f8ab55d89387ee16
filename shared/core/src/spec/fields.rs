//! What was understood of a file, before its meaning is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{Presence, Section};
use super::problem::Span;
use super::scalar::{self, Scalar};
use crate::analysis::Condition;

/// A value that fits its key.
#[derive(Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Items),
    Section(Fields),
    Map(Vec<Named>),
}

/// A name that the file chose, and its text. One below another name is `outer.inner`.
#[derive(Debug)]
pub(super) struct Named {
    pub name: String,
    pub name_span: Span,
    pub text: String,
    pub text_span: Span,
    /// Neither quoted nor a block, so that `5` is a number.
    pub plain: bool,
}

/// The items of a list that were understood.
#[derive(Debug)]
pub(super) struct Items {
    pub items: Vec<(Span, Value)>,
    /// Whether none was refused. Rules about the list as a whole need all of it.
    pub complete: bool,
}

/// The keys of a section that were understood.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The section's own key, or the first key where it is an item or the file.
    pub span: Span,
    values: BTreeMap<&'static str, Field>,
    refused: BTreeSet<&'static str>,
}

#[derive(Debug)]
struct Field {
    key_span: Span,
    value_span: Span,
    value: Value,
    given: bool,
}

impl Fields {
    /// Whether the key stands in the file, right or wrong.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.refused.contains(key) || self.values.get(key).is_some_and(|field| field.given)
    }

    /// Where the value stands; the section where it does not.
    pub(super) fn value_span(&self, key: &str) -> Span {
        self.values
            .get(key)
            .filter(|field| field.given)
            .map_or(self.span, |field| field.value_span)
    }

    /// Where the key stands; the section where it does not.
    pub(super) fn key_span(&self, key: &str) -> Span {
        self.values
            .get(key)
            .filter(|field| field.given)
            .map_or(self.span, |field| field.key_span)
    }

    fn scalar(&self, key: &str) -> Option<&Scalar> {
        match &self.values.get(key)?.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::List(_) | Value::Section(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.scalar(key)? {
            Scalar::Flag(flag) => Some(*flag),
            Scalar::Whole(_)
            | Scalar::Number(_)
            | Scalar::Instant(_)
            | Scalar::Condition(_)
            | Scalar::Text(_) => None,
        }
    }

    /// Also percentages, seconds, thousandths of a CPU and MiB.
    pub(super) fn whole(&self, key: &str) -> Option<u32> {
        match self.scalar(key)? {
            Scalar::Whole(whole) => Some(*whole),
            Scalar::Flag(_)
            | Scalar::Number(_)
            | Scalar::Instant(_)
            | Scalar::Condition(_)
            | Scalar::Text(_) => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        match self.scalar(key)? {
            Scalar::Number(number) => Some(*number),
            Scalar::Flag(_)
            | Scalar::Whole(_)
            | Scalar::Instant(_)
            | Scalar::Condition(_)
            | Scalar::Text(_) => None,
        }
    }

    pub(super) fn instant(&self, key: &str) -> Option<jiff::Timestamp> {
        match self.scalar(key)? {
            Scalar::Instant(instant) => Some(*instant),
            Scalar::Flag(_)
            | Scalar::Whole(_)
            | Scalar::Number(_)
            | Scalar::Condition(_)
            | Scalar::Text(_) => None,
        }
    }

    pub(super) fn condition(&self, key: &str) -> Option<Condition> {
        match self.scalar(key)? {
            Scalar::Condition(condition) => Some(*condition),
            Scalar::Flag(_) | Scalar::Whole(_) | Scalar::Number(_) | Scalar::Instant(_) | Scalar::Text(_) => {
                None
            }
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.scalar(key)? {
            Scalar::Text(text) => Some(text),
            Scalar::Flag(_)
            | Scalar::Whole(_)
            | Scalar::Number(_)
            | Scalar::Instant(_)
            | Scalar::Condition(_) => None,
        }
    }

    /// A text as a name with a type of its own. The table's rule is the type's rule.
    pub(super) fn name<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    pub(super) fn section(&self, key: &str) -> Option<&Fields> {
        match &self.values.get(key)?.value {
            Value::Section(fields) => Some(fields),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn list(&self, key: &str) -> Option<&Items> {
        match &self.values.get(key)?.value {
            Value::List(items) => Some(items),
            Value::Scalar(_) | Value::Section(_) | Value::Map(_) => None,
        }
    }

    /// Names that the file chose.
    pub(super) fn map(&self, key: &str) -> &[Named] {
        match self.values.get(key).map(|field| &field.value) {
            Some(Value::Map(named)) => named,
            Some(Value::Scalar(_) | Value::Section(_) | Value::List(_)) | None => &[],
        }
    }
}

impl Items {
    /// The items that are sections.
    pub(super) fn sections(&self) -> impl Iterator<Item = &Fields> {
        self.items.iter().filter_map(|(_, value)| match value {
            Value::Section(fields) => Some(fields),
            Value::Scalar(_) | Value::List(_) | Value::Map(_) => None,
        })
    }

    /// The items that are scalars, with their places.
    pub(super) fn scalars(&self) -> impl Iterator<Item = (Span, &Scalar)> {
        self.items.iter().filter_map(|(span, value)| match value {
            Value::Scalar(scalar) => Some((*span, scalar)),
            Value::List(_) | Value::Section(_) | Value::Map(_) => None,
        })
    }

    /// The items that are texts, with their places.
    pub(super) fn texts(&self) -> impl Iterator<Item = (Span, &str)> {
        self.scalars().filter_map(|(span, scalar)| match scalar {
            Scalar::Text(text) => Some((span, text.as_str())),
            Scalar::Flag(_)
            | Scalar::Whole(_)
            | Scalar::Number(_)
            | Scalar::Instant(_)
            | Scalar::Condition(_) => None,
        })
    }
}

impl Fields {
    /// No key of the section that stands at `span`.
    pub(super) fn at(span: Span) -> Self {
        Self {
            span,
            ..Self::default()
        }
    }

    /// Adds a key of the file.
    pub(super) fn give(&mut self, key: &'static str, key_span: Span, value_span: Span, value: Value) {
        self.values.insert(
            key,
            Field {
                key_span,
                value_span,
                value,
                given: true,
            },
        );
    }

    /// Adds a key of the file whose value was refused.
    pub(super) fn refuse(&mut self, key: &'static str) {
        self.refused.insert(key);
    }
}

/// The defaults of a section that the file does not have.
pub(super) fn defaults(section: &'static Section) -> Fields {
    let mut fields = Fields::default();
    fill_in(section, &mut fields);
    fields
}

/// Adds the defaults of the keys that the file does not have.
pub(super) fn fill_in(section: &'static Section, fields: &mut Fields) {
    for key in section.keys {
        let Presence::Default(text) = key.presence else {
            continue;
        };
        if fields.values.contains_key(key.name) || fields.refused.contains(key.name) {
            continue;
        }
        // A test reads every default, so none is lost here.
        if let Ok(scalar) = scalar::read(&key.kind, key.name, text, true) {
            let (span, value) = (fields.span, Value::Scalar(scalar));
            let field = Field {
                key_span: span,
                value_span: span,
                value,
                given: false,
            };
            fields.values.insert(key.name, field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::table;

    #[test]
    fn every_default_of_the_table_is_readable() {
        let mut count = 0;
        for root in [&table::TARGET, &table::REGIONS] {
            root.walk("", &mut |path, key| {
                if let Presence::Default(text) = key.presence {
                    let read = scalar::read(&key.kind, key.name, text, true);
                    assert!(read.is_ok(), "{path}.{}: {read:?}", key.name);
                    count += 1;
                }
            });
        }
        assert!(count > 15);
    }
}
