#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;

const COMMITTED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../infra/deployment-file.schema.json"
);

#[test]
#[expect(clippy::disallowed_methods, reason = "how a person asks for a new schema")]
fn the_committed_schema_is_the_one_of_the_parser() {
    let fresh = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(COMMITTED, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == fresh,
        "infra/deployment-file.schema.json is out of date; regenerate it with \
         `UPDATE_SCHEMA=1 cargo test -p tidegate-core schema`"
    );
}

/// Paths of all keys of a schema.
fn schema_keys(schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for (name, property) in properties {
        let below = format!("{path}/{name}");
        assert!(property["description"].is_string(), "{below} has no description");
        schema_keys(property, &below, keys);
        schema_keys(&property["items"], &below, keys);
        // A text or a section.
        for either in property["items"]["anyOf"].as_array().into_iter().flatten() {
            schema_keys(either, &below, keys);
        }
        keys.insert(below);
    }
}

/// Paths of all keys of the table.
fn table_keys(section: &Section, path: &str, keys: &mut BTreeSet<String>) {
    for key in section.keys {
        let below = format!("{path}/{}", key.name);
        if let Some(section) = key.kind.section() {
            table_keys(section, &below, keys);
        }
        keys.insert(below);
    }
}

#[test]
fn schema_and_parser_know_the_same_keys() {
    let schema = json_schema();
    for (name, section) in [("targetFile", &table::TARGET), ("regionsFile", &table::REGIONS)] {
        let (mut in_schema, mut in_table) = (BTreeSet::new(), BTreeSet::new());
        schema_keys(&schema["$defs"][name], "", &mut in_schema);
        table_keys(section, "", &mut in_table);
        assert_eq!(in_schema, in_table);
    }
}

/// Whatever a pattern of the schema matches, the parser accepts.
#[test]
fn what_the_schema_allows_as_text_the_parser_accepts() {
    let mut runner = TestRunner::deterministic();
    let mut rules = 0;
    for root in [&table::TARGET, &table::REGIONS] {
        root.walk("", &mut |path, key| {
            let mut texts_of = Vec::new();
            match &key.kind {
                Kind::Text(rule)
                | Kind::TextOrSection(rule, _)
                | Kind::List {
                    of: Kind::Text(rule) | Kind::TextOrSection(rule, _),
                    ..
                } => texts_of.push(*rule),
                Kind::Map {
                    names, of, within, ..
                } => {
                    texts_of.extend([*names, *of]);
                    texts_of.extend(*within);
                }
                Kind::Flag
                | Kind::Integer { .. }
                | Kind::Number { .. }
                | Kind::Duration { .. }
                | Kind::Share
                | Kind::Cpu
                | Kind::Memory
                | Kind::Instant
                | Kind::Condition
                | Kind::Choice(_)
                | Kind::List { .. }
                | Kind::Section(_) => return,
            }
            for rule in texts_of {
                let pattern = rule.pattern.trim_start_matches('^').trim_end_matches('$');
                let texts = proptest::string::string_regex(pattern).unwrap();
                for _ in 0..50 {
                    let text = texts.new_tree(&mut runner).unwrap().current();
                    assert!((rule.accepts)(&text), "{path}.{}: {text:?}", key.name);
                }
                rules += 1;
            }
        });
    }
    assert!(rules >= 12, "{rules}");
}

#[test]
fn defaults_have_the_type_of_their_key() {
    let schema = json_schema();
    let target = &schema["$defs"]["targetFile"]["properties"];
    assert_eq!(target["autoDeploy"]["default"], json!(true));
    assert_eq!(
        target["autoRollback"]["properties"]["window"]["default"],
        json!("30m")
    );
    assert_eq!(
        target["healthCheck"]["properties"]["failureThreshold"]["default"],
        json!(3)
    );
    let compare = &target["canary"]["properties"]["analysis"]["properties"]["compare"];
    assert_eq!(compare["properties"]["significance"]["default"], json!(0.01));
}
