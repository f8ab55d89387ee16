//! The query protocol: a form with dotted names in, XML out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::reply::is_time;

/// Deepest nesting of a form's names that is read.
const MAX_DEPTH: usize = 16;
/// Most fields of a form that are read.
const MAX_FIELDS: usize = 10_000;

/// Fields of a form, by the dotted parts of their names.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// Reads the pairs of a form.
pub(crate) fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
    let body = std::str::from_utf8(body).ok()?;
    body.split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Some((unescape(name)?, unescape(value)?))
        })
        .collect()
}

/// Reads a form as the parameters of a call; `None` if it is not well-formed.
pub(crate) fn decode(body: &[u8]) -> Option<Value> {
    let pairs = pairs(body)?;
    if pairs.len() > MAX_FIELDS {
        return None;
    }
    let mut root = Node::default();
    for (name, value) in pairs {
        let mut node = &mut root;
        for (depth, part) in name.split('.').enumerate() {
            if depth >= MAX_DEPTH {
                return None;
            }
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(value);
    }
    Some(root.into_value(0))
}

impl Node {
    fn into_value(mut self, depth: usize) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.unwrap_or_default());
        }
        if depth > 0 && self.children.len() == 1 {
            if let Some(members) = self.children.remove("member") {
                return Value::Array(members.into_items(depth));
            }
            if let Some(entries) = self.children.remove("entry") {
                return entries.into_map(depth);
            }
        }
        let members = self
            .children
            .into_iter()
            .map(|(name, child)| (name, child.into_value(depth + 1)))
            .collect();
        Value::Object(members)
    }

    /// Numbered children in the order of their numbers.
    fn into_items(self, depth: usize) -> Vec<Value> {
        let mut items: Vec<(u64, Node)> = self
            .children
            .into_iter()
            .filter_map(|(number, child)| Some((number.parse().ok()?, child)))
            .collect();
        items.sort_by_key(|(number, _)| *number);
        items
            .into_iter()
            .map(|(_, child)| child.into_value(depth + 2))
            .collect()
    }

    /// Numbered entries with a name (or key) and a value.
    fn into_map(self, depth: usize) -> Value {
        let mut map = Map::new();
        for entry in self.into_items(depth) {
            let Value::Object(mut entry) = entry else {
                continue;
            };
            let name = entry.remove("Name").or_else(|| entry.remove("key"));
            let value = entry.remove("Value").or_else(|| entry.remove("value"));
            if let (Some(Value::String(name)), Some(value)) = (name, value) {
                map.insert(name, value);
            }
        }
        Value::Object(map)
    }
}

/// Undoes percent-encoding, and `+` for a space.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Writes an element and everything in it. Lists have `member` elements.
pub(crate) fn write_element(xml: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => return,
        Value::Array(_) | Value::Object(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    match value {
        Value::Null => {}
        Value::Bool(truth) => xml.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| is_time(name)) {
            Some(seconds) => xml.push_str(&iso(seconds)),
            None => xml.push_str(&number.to_string()),
        },
        Value::String(text) => escape(xml, text),
        Value::Array(items) => {
            for item in items {
                match item.as_f64().filter(|_| is_time(name)) {
                    Some(seconds) => {
                        xml.push_str("<member>");
                        xml.push_str(&iso(seconds));
                        xml.push_str("</member>");
                    }
                    None => write_element(xml, "member", item),
                }
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                match value {
                    // RDS names the items of a list after what they are.
                    Value::Array(items) if *name == format!("{member}s") => {
                        items.iter().for_each(|item| write_element(xml, member, item));
                    }
                    Value::Array(_)
                    | Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Object(_) => write_element(xml, member, value),
                }
            }
        }
    }
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// Seconds since 1970 as ISO 8601.
fn iso(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float-to-int cast saturates, and out of range is refused"
    )]
    let milliseconds = (seconds * 1000.0).round() as i64;
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

/// Writes a text; characters that XML can't hold are left out.
pub(crate) fn escape(xml: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\t' | '\n' => xml.push(letter),
            '\r' => xml.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => xml.push(other),
        }
    }
}
