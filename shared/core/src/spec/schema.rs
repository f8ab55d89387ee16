//! The JSON Schema of a deployment file, from the same table as the parser.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, MOST_WITHIN, Presence, Section};
use super::scalar::{self, Scalar};
use super::table;
use crate::analysis::KnownMetric;

/// The JSON Schema (draft 2020-12) of a deployment file, for editors and other checkers.
///
/// It says what a value may look like. Rules over several values (rising weights, a section that fits
/// the strategy) are the parser's alone.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tidegate deployment file",
        "description": "One service in one environment, or a rollout over several regions.",
        "if": { "type": "object", "required": ["regions"] },
        "then": { "$ref": "#/$defs/regionsFile" },
        "else": { "$ref": "#/$defs/targetFile" },
        "$defs": {
            "targetFile": section(&table::TARGET),
            "regionsFile": section(&table::REGIONS),
        },
    })
}

fn section(section: &Section) -> Value {
    let required: Vec<&str> = section
        .keys
        .iter()
        .filter(|key| key.presence == Presence::Required)
        .map(|key| key.name)
        .collect();
    let properties: Map<String, Value> = section
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut schema = json!({
        "type": "object",
        "description": section.doc,
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = kind(&key.kind);
    schema["description"] = json!(key.doc);
    if let Presence::Default(text) = key.presence {
        schema["default"] = default(&key.kind, key.name, text);
    }
    schema
}

/// The default as it is written in JSON: numbers and flags bare, everything with a unit as text.
fn default(kind: &Kind, name: &str, text: &str) -> Value {
    match (kind, scalar::read(kind, name, text, true)) {
        (Kind::Flag, Ok(Scalar::Flag(flag))) => json!(flag),
        (Kind::Integer { .. }, Ok(Scalar::Whole(whole))) => json!(whole),
        (Kind::Number { .. }, Ok(Scalar::Number(number))) => json!(number),
        (_, _) => json!(text),
    }
}

fn kind(of: &Kind) -> Value {
    match of {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Duration { min, max } => json!({
            "type": "string",
            "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
            "minLength": 2,
            "examples": [scalar::show_duration(*min), scalar::show_duration(*max)],
        }),
        Kind::Share => json!({
            "anyOf": [
                { "type": "string", "pattern": "^([1-9][0-9]?|100)%$" },
                { "type": "integer", "minimum": 1, "maximum": 100 },
            ],
            "examples": ["10%"],
        }),
        Kind::Cpu => json!({
            "anyOf": [
                { "type": "string", "pattern": "^([0-9]+m|[0-9]+(\\.[0-9]{1,3})?)$" },
                { "type": "number", "minimum": 0.125, "maximum": 192 },
            ],
            "examples": ["500m", 2],
        }),
        Kind::Memory => json!({
            "type": "string", "pattern": "^[0-9]+(Mi|Gi)$", "examples": ["512Mi", "2Gi"],
        }),
        Kind::Instant => json!({
            "type": "string", "format": "date-time", "examples": ["2026-12-24T18:00:00Z"],
        }),
        Kind::Condition => {
            let names = KnownMetric::ALL.map(KnownMetric::as_str).join("|");
            json!({
                "type": "string",
                "pattern": format!("^({names}) ?(>=|<=|>|<) ?[0-9]+(\\.[0-9]+)?(%|ms|s)?$"),
                "examples": ["error_rate > 1%", "latency_p99 > 1000ms", "availability < 99.9%"],
            })
        }
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Text(rule) => json!({ "type": "string", "pattern": rule.pattern }),
        Kind::List { of, min, max } => {
            json!({ "type": "array", "items": kind(of), "minItems": min, "maxItems": max })
        }
        Kind::Section(of) => section(of),
        Kind::TextOrSection(rule, of) => json!({ "anyOf": [kind(&Kind::Text(rule)), section(of)] }),
        Kind::Map {
            names,
            of,
            within,
            min,
            max,
        } => {
            let text = json!({ "type": "string", "pattern": of.pattern });
            let mut schema = json!({
                "type": "object",
                "propertyNames": { "pattern": names.pattern },
                "additionalProperties": match within {
                    Some(within) => json!({ "anyOf": [text, {
                        "type": "object",
                        "propertyNames": { "pattern": names.pattern },
                        "additionalProperties": {
                            "type": ["string", "number", "boolean"],
                            "pattern": within.pattern,
                        },
                        "minProperties": 1,
                        "maxProperties": MOST_WITHIN,
                    }] }),
                    None => text,
                },
                "maxProperties": max,
            });
            if *min > 0 {
                schema["minProperties"] = json!(min);
            }
            schema
        }
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
