//! Intrinsic functions: `States.Format`, `States.JsonToString` and
//! `States.StringToJson` (AWS page "Intrinsic functions for JSONPath states").

use serde_json::Value;

use crate::failure::{Failure, names};
use crate::path::{Path, Scope};

/// How deep calls may stand in calls (AWS page as above: 10).
const MAX_DEPTH: usize = 10;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    /// `pieces` has one more entry than `arguments`, which stand between them.
    Format {
        pieces: Vec<String>,
        arguments: Vec<Argument>,
    },
    JsonToString(Box<Argument>),
    StringToJson(Box<Argument>),
}

/// What stands between the parentheses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    Path(Path),
    Literal(Value),
    Call(Call),
}

impl Call {
    /// Reads a call. The error is the rest of a sentence about the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text, depth: 0 };
        let wrong = |why: String| format!("has the expression `{text}`, {why}");
        let call = parser.call().map_err(wrong)?;
        if parser.rest.trim().is_empty() {
            Ok(call)
        } else {
            Err(wrong("which goes on after its closing parenthesis".to_owned()))
        }
    }

    /// Every path in the call.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let arguments: Vec<&Argument> = match self {
            Self::Format { arguments, .. } => arguments.iter().collect(),
            Self::JsonToString(argument) | Self::StringToJson(argument) => vec![argument],
        };
        let paths = arguments.into_iter().map(|argument| match argument {
            Argument::Path(path) => vec![path],
            Argument::Literal(_) => Vec::new(),
            Argument::Call(call) => call.paths(),
        });
        paths.flatten().collect()
    }

    pub(crate) fn evaluate(&self, scope: Scope<'_>) -> Result<Value, Failure> {
        match self {
            Self::Format { pieces, arguments } => format_pieces(pieces, arguments, scope),
            Self::JsonToString(argument) => Ok(Value::String(argument.evaluate(scope)?.to_string())),
            Self::StringToJson(argument) => {
                let value = argument.evaluate(scope)?;
                let text = value
                    .as_str()
                    .ok_or_else(|| intrinsic("States.StringToJson takes a string"))?;
                serde_json::from_str(text).map_err(|error| {
                    intrinsic(&format!(
                        "States.StringToJson was given text that is not JSON: {error}"
                    ))
                })
            }
        }
    }
}

fn intrinsic(cause: &str) -> Failure {
    Failure::new(names::INTRINSIC_FAILURE, cause)
}

fn format_pieces(pieces: &[String], arguments: &[Argument], scope: Scope<'_>) -> Result<Value, Failure> {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    for (position, piece) in pieces.iter().enumerate() {
        if position > 0
            && let Some(argument) = arguments.next()
        {
            match argument.evaluate(scope)? {
                Value::String(text) => out.push_str(&text),
                Value::Array(_) | Value::Object(_) => {
                    return Err(intrinsic(
                        "States.Format takes no lists and objects: use States.JsonToString on them",
                    ));
                }
                plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => out.push_str(&plain.to_string()),
            }
        }
        out.push_str(piece);
    }
    Ok(Value::String(out))
}

impl Argument {
    fn evaluate(&self, scope: Scope<'_>) -> Result<Value, Failure> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Call(call) => call.evaluate(scope),
            Self::Path(path) => path.get(scope).cloned().ok_or_else(|| {
                intrinsic(&format!(
                    "the path `{}` of an argument leads nowhere",
                    path.as_str()
                ))
            }),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn call(&mut self) -> Result<Call, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("which is nested deeper than {MAX_DEPTH}"));
        }
        let (name, after) = self.rest.split_once('(').ok_or("which is not a call")?;
        self.rest = after;
        let call = match name.trim() {
            "States.Format" => self.format()?,
            "States.JsonToString" => Call::JsonToString(Box::new(self.only_argument()?)),
            "States.StringToJson" => Call::StringToJson(Box::new(self.only_argument()?)),
            other => return Err(format!("whose function `{other}` is not supported")),
        };
        self.depth -= 1;
        Ok(call)
    }

    fn format(&mut self) -> Result<Call, String> {
        self.skip_space();
        let raw = self
            .quoted()?
            .ok_or("whose first argument is not a quoted string")?;
        let pieces = split_placeholders(raw)?;
        let mut arguments = Vec::new();
        while !self.closes()? {
            arguments.push(self.argument()?);
        }
        if pieces.len() != arguments.len() + 1 {
            return Err(format!(
                "which has {} places `{{}}` for {} values",
                pieces.len() - 1,
                arguments.len()
            ));
        }
        Ok(Call::Format { pieces, arguments })
    }

    fn only_argument(&mut self) -> Result<Argument, String> {
        let argument = self.argument()?;
        if self.closes()? {
            Ok(argument)
        } else {
            Err("whose function takes one argument".to_owned())
        }
    }

    fn argument(&mut self) -> Result<Argument, String> {
        self.skip_space();
        if let Some(raw) = self.quoted()? {
            return Ok(Argument::Literal(Value::String(unescape(raw))));
        }
        if self.rest.starts_with("States.") {
            return Ok(Argument::Call(self.call()?));
        }
        let end = self
            .rest
            .find([',', ')'])
            .ok_or("whose parenthesis is not closed")?;
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let word = word.trim();
        if word.starts_with('$') {
            return Path::parse(word)
                .map(Argument::Path)
                .map_err(|why| format!("which {why}"));
        }
        serde_json::from_str(word).map(Argument::Literal).map_err(|_| {
            format!("whose argument `{word}` is no path, quoted string, number, true, false or null")
        })
    }

    /// A quoted string as it stands, without its quotes, if one comes next.
    fn quoted(&mut self) -> Result<Option<&'a str>, String> {
        let Some(after) = self.rest.strip_prefix('\'') else {
            return Ok(None);
        };
        let mut escaped = false;
        for (at, c) in after.char_indices() {
            match (escaped, c) {
                (false, '\\') => escaped = true,
                (false, '\'') => {
                    self.rest = &after[at + 1..];
                    return Ok(Some(&after[..at]));
                }
                (_, _) => escaped = false,
            }
        }
        Err("whose quoted string is not closed".to_owned())
    }

    /// Steps over `,` (false) or `)` (true).
    fn closes(&mut self) -> Result<bool, String> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix(')') {
            self.rest = rest;
            return Ok(true);
        }
        self.rest = self
            .rest
            .strip_prefix(',')
            .ok_or("whose arguments are not parted by `,` and closed by `)`")?;
        Ok(false)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn unescape(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or('\\')
        } else {
            c
        });
    }
    out
}

/// The texts around each `{}`; `\{`, `\}`, `\'` and `\\` stand for themselves.
fn split_placeholders(raw: &str) -> Result<Vec<String>, String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => piece.push(chars.next().unwrap_or('\\')),
            '{' if chars.next() == Some('}') => pieces.push(std::mem::take(&mut piece)),
            '{' | '}' => {
                return Err("which has a brace that is neither `{}` nor escaped by `\\`".to_owned());
            }
            plain => piece.push(plain),
        }
    }
    pieces.push(piece);
    Ok(pieces)
}
