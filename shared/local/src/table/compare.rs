//! Both tables at once: the quick one is only worth something where it answers as dynoxide does.

use std::collections::HashMap;

use dynoxide::{Database, DynoxideError};
use jiff::Timestamp;
use serde_json::Value;

use super::quick::Quick;
use crate::dynamo;
use crate::endpoints::{Call, Reply};

/// Two tables that get every call.
pub(crate) struct Compared {
    database: Database,
    quick: Quick,
    /// The quick stream's number of a record, by dynoxide's.
    numbers: HashMap<String, u64>,
    /// In words.
    pub(crate) differences: Vec<String>,
}

impl Compared {
    pub(crate) fn with(database: Database) -> Self {
        Self {
            database,
            quick: Quick::default(),
            numbers: HashMap::new(),
            differences: Vec::new(),
        }
    }

    /// Answers as dynoxide does.
    pub(crate) fn handle(&mut self, call: &Call, now: Timestamp) -> Reply {
        let reply = dynamo::handle(&self.database, call);
        let quick = self.quick.handle(call, now);
        let (one, two) = (essence(&reply), essence(&quick));
        if one != two {
            let request = String::from_utf8_lossy(&call.body);
            let operation = &call.operation;
            self.differences.push(format!(
                "{operation} {request}: dynoxide {one:?}, the quick table {two:?}"
            ));
        }
        reply
    }

    /// Reads both streams on; gives dynoxide's records.
    pub(crate) fn read_stream(
        &mut self,
        iterator: &mut Option<String>,
        position: &mut Option<u64>,
        checkpoint: Option<&str>,
    ) -> Result<Vec<Value>, DynoxideError> {
        let records = dynamo::read_stream(&self.database, iterator, checkpoint)?;
        if position.is_none() {
            *position = checkpoint.and_then(|number| self.numbers.get(number).copied());
        }
        let before = position.unwrap_or(0);
        let quick = self.quick.read_stream(position, None);
        for (record, number) in records.iter().zip(before + 1..) {
            let theirs = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default();
            self.numbers.insert(theirs.to_owned(), number);
        }
        let told = |records: &[Value]| -> Vec<Value> { records.iter().map(essential).collect() };
        if told(&records) != told(&quick) {
            self.differences
                .push(format!("stream: dynoxide {records:?}, the quick table {quick:?}"));
        }
        Ok(records)
    }
}

/// What a caller acts on: the status, and the answer or the kind of refusal with its reasons.
fn essence(reply: &Reply) -> (u16, Value) {
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status != 200
        && let Some(members) = body.as_object_mut()
    {
        members.retain(|name, _| name == "__type" || name == "CancellationReasons");
        for reason in members
            .get_mut("CancellationReasons")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            reason.retain(|name, _| name == "Code");
        }
    }
    (reply.status, body)
}

/// What a function acts on. Ids, times and sequence numbers are each table's own.
fn essential(record: &Value) -> Value {
    let change = &record["dynamodb"];
    serde_json::json!([record["eventName"], change["Keys"], change["NewImage"],])
}
