//! Items: key attributes beside one JSON document, readable in the DynamoDB console.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{KEEP_SECONDS, StoreError};

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(crate) fn with(mut item: Item, name: &str, value: AttributeValue) -> Item {
    item.insert(name.to_owned(), value);
    item
}

/// An attribute for the table's TTL. Reads must not rely on expired items being gone.
pub(crate) fn expires(now: Timestamp) -> AttributeValue {
    number(now.as_second().saturating_add(KEEP_SECONDS))
}

pub(crate) fn with_doc<T: Serialize>(item: Item, value: &T) -> Result<Item, StoreError> {
    let doc = serde_json::to_string(value).map_err(|error| corrupt(&item, &error))?;
    Ok(with(item, "doc", text(doc)))
}

pub(crate) fn doc<T: DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    let Some(AttributeValue::S(doc)) = item.get("doc") else {
        return Err(corrupt(item, &"it has no document"));
    };
    serde_json::from_str(doc).map_err(|error| corrupt(item, &error))
}

pub(crate) fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn integer(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn corrupt(item: &Item, reason: &dyn std::fmt::Display) -> StoreError {
    let part = |name| string(item, name).unwrap_or("?");
    StoreError::Corrupt {
        key: format!("{} / {}", part("pk"), part("sk")),
        reason: reason.to_string(),
    }
}
