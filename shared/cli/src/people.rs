//! The `people` file: YAML or JSON in, who is who out.
//!
//! YAML is read narrowly: every value is a text, a list or a section; no anchors, aliases or tags. JSON
//! is a kind of YAML, so one reader does for both.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};
use tidegate_core::gates::People;

/// Largest file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// Deepest nesting. The format needs four.
const MAX_DEPTH: usize = 8;

const SHAPE: &str =
    "it looks like `people: {maria: {roles: [tech-lead], principals: [arn:...], slack: U012}}`";

/// Reads the file.
///
/// # Errors
/// What is wrong, with line and column where one is known.
pub fn parse(name: &str, bytes: &[u8]) -> Result<People, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "{name} is larger than {} KiB: a people file names people and roles only",
            MAX_BYTES / 1024
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!(
            "{name} is not UTF-8 from byte {} on: save it as UTF-8",
            error.valid_up_to()
        )
    })?;
    let value = tree(name, text.trim_start_matches('\u{feff}'))?;
    let people: People =
        serde_json::from_value(value).map_err(|error| format!("{name}: {error}; {SHAPE}"))?;
    if people.people.is_empty() {
        return Err(format!(
            "{name} names nobody, and nobody could approve anything; {SHAPE}"
        ));
    }
    Ok(people)
}

/// A list or section that has not ended.
enum Open {
    List(Vec<Value>),
    Section(Map<String, Value>, Option<String>),
}

fn tree(name: &str, text: &str) -> Result<Value, String> {
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut root: Option<Value> = None;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| {
            let at = error.marker();
            format!(
                "{name}:{}:{}: not YAML: {}",
                at.line(),
                at.col() + 1,
                error.info()
            )
        })?;
        let at = |words: &str| format!("{name}:{}:{}: {words}", span.start.line(), span.start.col() + 1);
        let done = match event {
            Event::Scalar(_, _, anchor, ref tag) if anchor != 0 || tag.is_some() => {
                return Err(at("anchors and tags are not accepted"));
            }
            Event::Scalar(text, style, _, _) => Some(scalar(&text, style)),
            Event::SequenceStart(..) => {
                stack.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                stack.push(Open::Section(Map::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(close),
            Event::Alias(_) => return Err(at("aliases are not accepted: write it out")),
            Event::DocumentStart(_) if root.is_some() => {
                return Err(at("a second document starts here: one is enough"));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => None,
        };
        if stack.len() > MAX_DEPTH {
            return Err(at("nested too deeply"));
        }
        if let Some(value) = done {
            match stack.last_mut() {
                Some(open) => place(open, value).map_err(|words| at(&words))?,
                None => root = Some(value),
            }
        }
    }
    root.filter(|value| !value.is_null())
        .ok_or_else(|| format!("{name} is empty; {SHAPE}"))
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let null = style == ScalarStyle::Plain && matches!(text, "" | "~" | "null");
    if null {
        Value::Null
    } else {
        Value::String(text.to_owned())
    }
}

fn close(open: Open) -> Value {
    match open {
        Open::List(items) => Value::Array(items),
        Open::Section(entries, _) => Value::Object(entries),
    }
}

fn place(open: &mut Open, value: Value) -> Result<(), String> {
    match open {
        Open::List(items) => items.push(value),
        Open::Section(entries, key) => match key.take() {
            Some(name) => {
                entries.insert(name, value);
            }
            None => match value {
                Value::String(name) if entries.contains_key(&name) => {
                    return Err(format!("`{name}` is given twice"));
                }
                Value::String(name) => *key = Some(name),
                _ => return Err("a key must be a plain text".to_owned()),
            },
        },
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = "people:\n  maria:\n    roles: [tech-lead, on-call]\n    slack: U012\n  sam:\n    roles: [product]\n    slack: ~\n";
        let json = r#"{"people":{"maria":{"roles":["tech-lead","on-call"],"slack":"U012"},"sam":{"roles":["product"],"slack":null}}}"#;
        let people = parse("people.yaml", yaml.as_bytes()).unwrap();
        assert_eq!(people, parse("people.json", json.as_bytes()).unwrap());
        assert_eq!(people.people.get("maria").unwrap().roles.len(), 2);
        assert_eq!(people.people.get("sam").unwrap().slack, None);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let error = |text: &str| parse("people.yaml", text.as_bytes()).unwrap_err();
        assert!(error("").contains("is empty"));
        assert!(error("people: {}").contains("names nobody"));
        assert!(error("people:\n  maria:\n    role: [x]\n").contains("unknown field `role`"));
        assert!(
            error("people:\n  a: {roles: []}\n  a: {roles: []}\n")
                .starts_with("people.yaml:3:3: `a` is given twice")
        );
        assert!(error("people: &x {a: {roles: []}}\nb: *x\n").contains("aliases are not accepted"));
        assert!(error("people: [").starts_with("people.yaml:"));
        assert!(error(&"[".repeat(50)).contains("nested too deeply"));
        assert!(error("a: {b: {roles: [Tech Lead]}}").contains("unknown field"));
        assert!(error(&"x".repeat(MAX_BYTES + 1)).contains("larger than"));
    }
}
