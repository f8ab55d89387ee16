//! Payload templates: the values of `Parameters` and `ResultSelector`.

use serde_json::{Map, Value};

use crate::failure::{Failure, names};
use crate::intrinsic::Call;
use crate::path::{Path, Scope};

/// A path or a call of an intrinsic function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Path(Path),
    Call(Call),
}

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            Path::parse(text).map(Self::Path)
        } else {
            Call::parse(text).map(Self::Call)
        }
    }

    pub(crate) fn uses_token(&self) -> bool {
        match self {
            Self::Path(path) => path.is_token(),
            Self::Call(call) => call.paths().iter().any(|path| path.is_token()),
        }
    }

    /// The value; a path that leads nowhere fails with `path_error`.
    pub(crate) fn evaluate(&self, scope: Scope<'_>, path_error: &str) -> Result<Value, Failure> {
        match self {
            Self::Path(path) => path.get(scope).cloned().ok_or_else(|| {
                Failure::new(
                    path_error,
                    format!("the path `{}` leads nowhere in {}", path.as_str(), scope.data),
                )
            }),
            Self::Call(call) => call.evaluate(scope),
        }
    }
}

/// A JSON value in which each key that ends in `.$` holds an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Template {
    Literal(Value),
    List(Vec<Template>),
    Object(Vec<(String, Template)>),
    Expression(Expression),
}

impl Template {
    /// Reads a template. The error is the rest of a sentence about the value.
    pub(crate) fn parse(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(fields) => Self::parse_object(fields),
            Value::Array(items) => Ok(Self::List(
                items.into_iter().map(Self::parse).collect::<Result<_, _>>()?,
            )),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                Ok(Self::Literal(plain))
            }
        }
    }

    fn parse_object(fields: Map<String, Value>) -> Result<Self, String> {
        let mut parsed: Vec<(String, Template)> = Vec::new();
        for (key, value) in fields {
            let (key, template) = match (key.strip_suffix(".$"), value) {
                (Some(name), Value::String(text)) => {
                    (name.to_owned(), Self::Expression(Expression::parse(&text)?))
                }
                (Some(_), _) => {
                    return Err(format!("has the key `{key}`, whose value is not a string"));
                }
                (None, value) => (key, Self::parse(value)?),
            };
            if parsed.iter().any(|(known, _)| *known == key) {
                return Err(format!("gives `{key}` twice, with and without `.$`"));
            }
            parsed.push((key, template));
        }
        Ok(Self::Object(parsed))
    }

    /// The keys of an object without their `.$`; none for another value.
    pub(crate) fn keys(&self) -> Vec<&str> {
        match self {
            Self::Object(fields) => fields.iter().map(|(key, _)| key.as_str()).collect(),
            Self::Literal(_) | Self::List(_) | Self::Expression(_) => Vec::new(),
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Whether `$$.Task.Token` stands anywhere in it.
    pub(crate) fn uses_token(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::List(items) => items.iter().any(Self::uses_token),
            Self::Object(fields) => fields.iter().any(|(_, value)| value.uses_token()),
            Self::Expression(expression) => expression.uses_token(),
        }
    }

    pub(crate) fn evaluate(&self, scope: Scope<'_>) -> Result<Value, Failure> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::List(items) => items.iter().map(|item| item.evaluate(scope)).collect(),
            Self::Object(fields) => {
                let entries = fields
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.evaluate(scope)?)));
                entries.collect::<Result<Map<_, _>, _>>().map(Value::Object)
            }
            Self::Expression(expression) => expression.evaluate(scope, names::PARAMETER_PATH_FAILURE),
        }
    }
}
