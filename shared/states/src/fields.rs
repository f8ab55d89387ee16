//! Takes the fields of one object apart, and refuses what is left over.

use serde_json::{Map, Value};

use crate::error::{LoadError, Place};
use crate::path::Path;

/// The fields of one object that have not been read yet.
pub(crate) struct Fields {
    place: Place,
    /// The way from the place to this object, such as `Retry[0].`.
    prefix: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The fields of `value`, which stands at `place`.
    pub(crate) fn of(place: Place, value: Value) -> Result<Self, LoadError> {
        match value {
            Value::Object(map) => Ok(Self {
                place,
                prefix: String::new(),
                map,
            }),
            other => Err(LoadError::InvalidField {
                place,
                field: "(itself)".to_owned(),
                reason: format!("must be an object, not {other}"),
            }),
        }
    }

    /// The fields of an object inside this one.
    pub(crate) fn nested(&self, field: &str, value: Value) -> Result<Self, LoadError> {
        match value {
            Value::Object(map) => Ok(Self {
                place: self.place.clone(),
                prefix: format!("{}{field}.", self.prefix),
                map,
            }),
            _ => Err(self.invalid(field, "must be an object")),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn invalid(&self, field: &str, reason: impl Into<String>) -> LoadError {
        LoadError::InvalidField {
            place: self.place.clone(),
            field: format!("{}{field}", self.prefix),
            reason: reason.into(),
        }
    }

    pub(crate) fn missing(&self, field: &str) -> LoadError {
        LoadError::MissingField {
            place: self.place.clone(),
            field: format!("{}{field}", self.prefix),
        }
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.map.contains_key(field)
    }

    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.map.remove(field)
    }

    pub(crate) fn text(&mut self, field: &str) -> Result<Option<String>, LoadError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(field, "must be a string")),
        }
    }

    pub(crate) fn required_text(&mut self, field: &str) -> Result<String, LoadError> {
        self.text(field)?.ok_or_else(|| self.missing(field))
    }

    pub(crate) fn flag(&mut self, field: &str) -> Result<Option<bool>, LoadError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.invalid(field, "must be true or false")),
        }
    }

    /// A whole number from `least` to 99,999,999, the most that AWS takes.
    pub(crate) fn count(&mut self, field: &str, least: u32) -> Result<Option<u32>, LoadError> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        match number {
            Some(n) if (least..=99_999_999).contains(&n) => Ok(Some(n)),
            Some(_) | None => Err(self.invalid(
                field,
                format!("must be a whole number from {least} to 99999999, not {value}"),
            )),
        }
    }

    pub(crate) fn number(&mut self, field: &str) -> Result<Option<f64>, LoadError> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        value
            .as_f64()
            .map(Some)
            .ok_or_else(|| self.invalid(field, "must be a number"))
    }

    pub(crate) fn path(&mut self, field: &str) -> Result<Option<Path>, LoadError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let path = Path::parse(&text).map_err(|reason| self.invalid(field, reason))?;
        if path.is_token() {
            return Err(self.invalid(field, "reads the task token, which only Parameters may"));
        }
        Ok(Some(path))
    }

    /// A path that is `$` unless given, and may be `null`.
    pub(crate) fn nullable_path(&mut self, field: &str) -> Result<Option<Path>, LoadError> {
        if self.map.get(field) == Some(&Value::Null) {
            self.map.remove(field);
            return Ok(None);
        }
        Ok(Some(self.path(field)?.unwrap_or_else(Path::whole)))
    }

    pub(crate) fn list(&mut self, field: &str) -> Result<Option<Vec<Value>>, LoadError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.invalid(field, "must be a list")),
        }
    }

    /// Ends the reading: whatever is left is not supported.
    pub(crate) fn finish(self) -> Result<(), LoadError> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(left) => Err(LoadError::UnknownField {
                place: self.place,
                field: format!("{}{left}", self.prefix),
            }),
        }
    }
}
