//! Reading the parameters of a call. The query protocol knows only texts, so
//! numbers and truths are read from texts as well.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Fault;

/// The members of a structure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Args<'a>(&'a Map<String, Value>);

impl<'a> Args<'a> {
    pub(crate) fn new(members: &'a Map<String, Value>) -> Self {
        Self(members)
    }

    pub(crate) fn members(self) -> &'a Map<String, Value> {
        self.0
    }

    /// A member that is there and not null.
    pub(crate) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(Value::as_str)
    }

    /// A text that is there and not empty.
    pub(crate) fn filled(self, name: &str) -> Option<&'a str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    pub(crate) fn owned(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A list; a single value is none, and neither is an absent one.
    pub(crate) fn list(self, name: &str) -> &'a [Value] {
        match self.value(name) {
            Some(Value::Array(items)) => items,
            _ => &[],
        }
    }

    pub(crate) fn texts(self, name: &str) -> Vec<&'a str> {
        self.list(name).iter().filter_map(Value::as_str).collect()
    }

    /// The structures of a list; anything else in it is passed over.
    pub(crate) fn structures(self, name: &str) -> Vec<Args<'a>> {
        self.list(name)
            .iter()
            .filter_map(Value::as_object)
            .map(Args)
            .collect()
    }

    pub(crate) fn structure(self, name: &str) -> Option<Args<'a>> {
        self.value(name).and_then(Value::as_object).map(Args)
    }

    pub(crate) fn truth(self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(crate) fn number(self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// A whole number within a range; outside of it, or if it is no number, the
    /// fault says so under the given code.
    pub(crate) fn whole(
        self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
        code: &str,
    ) -> Result<Option<i64>, Fault> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        match number {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            Some(_) | None => Err(Fault::new(
                code,
                format!(
                    "Invalid value for {name}: it must be between {} and {}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// As [`Args::whole`], for what fits an unsigned 32-bit number.
    pub(crate) fn count(
        self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
        code: &str,
    ) -> Result<Option<u32>, Fault> {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        let number = self.whole(name, range, code)?;
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    /// A time: seconds since 1970, or ISO 8601.
    pub(crate) fn time(self, name: &str) -> Option<Timestamp> {
        match self.value(name)? {
            Value::Number(number) => from_seconds(number.as_f64()?),
            Value::String(text) => text.parse().ok().or_else(|| from_seconds(text.parse().ok()?)),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A part of a long list: from `token` (an offset that an earlier answer
    /// gave), at most `limit`; and the next token.
    pub(crate) fn page<T>(
        self,
        items: Vec<T>,
        token: &str,
        limit: &str,
        most: usize,
    ) -> (Vec<T>, Option<String>) {
        let from: usize = self.text(token).and_then(|text| text.parse().ok()).unwrap_or(0);
        let asked = self.number(limit).filter(|limit| *limit >= 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 1, and a float-to-int cast saturates"
        )]
        let size = asked.map_or(most, |limit| (limit as usize).min(most));
        let total = items.len();
        let page: Vec<T> = items.into_iter().skip(from).take(size).collect();
        let next = from.saturating_add(page.len());
        (page, (next < total).then(|| next.to_string()))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float-to-int cast saturates, and out of range is refused"
)]
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() {
        return None;
    }
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}

/// A time as AWS JSON writes it: seconds since 1970, to the millisecond.
pub(crate) fn epoch(at: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds fit 53 bits")]
    let seconds = at.as_millisecond() as f64 / 1000.0;
    Value::from(seconds)
}

/// Makes an object, leaving out members that are null.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(mut members) => {
            members.retain(|_, value| !value.is_null());
            Value::Object(members)
        }
        other => other,
    }
}

/// Puts members into an object as they are; `json!` would copy each of them, with all that is in it.
pub(crate) fn with<const N: usize>(mut object: Value, members: [(&str, Value); N]) -> Value {
    if let Value::Object(held) = &mut object {
        held.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

/// An object of members that are made already.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    with(Value::Object(Map::new()), members)
}
