//! The table's stream, as Lambda's event source mapping reads it: everything that the calls of
//! [`super::keeping`] wrote, in order, and nothing of what was refused.

use serde_json::{Value, json};
use tidegate_core::ids::SpecHash;
use tidegate_local::names::TABLE;

use super::compare::{Comparison, Side};

/// Reads that find nothing before the end of the stream is believed. A page of records has at most
/// 1 MB, and may be empty before the end (GetRecords, API reference).
const EMPTY_PAGES: usize = 3;

/// Fewer records than the calls before write at least: two empty streams are alike, too.
const WRITTEN: usize = 40;

/// All of it.
pub async fn compare(both: &mut Comparison) {
    let count = everything(&both.local).map_or(0, |all| all.len());
    if count < WRITTEN {
        both.differences
            .push(format!("the stream has {count} records only"));
    }
    both.same("describe the table's stream", async |side| told(describe(side)))
        .await;
    both.same("describe an unknown stream", async |side| {
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/ghost/stream/2026-01-01T00:00:00.000";
        let answer = side.door.streams("DescribeStream", &json!({ "StreamArn": arn }));
        told(answer.map(|_| "a stream"))
    })
    .await;
    both.same("read everything that was written from the stream", async |side| {
        told(everything(side).map(|all| all.iter().map(summary).collect::<Vec<_>>().join("\n      ")))
    })
    .await;
    both.same("go on after a record of the stream", async |side| {
        told(after(side, 3).map(|record| summary(&record)))
    })
    .await;
    both.same("go on after the last record of the stream", async |side| {
        let last = everything(side).map(|all| all.len().saturating_sub(1));
        told(
            last.and_then(|last| after(side, last))
                .map(|record| summary(&record)),
        )
    })
    .await;
}

fn told<T: std::fmt::Display>(answer: Result<T, String>) -> String {
    match answer {
        Ok(answer) => answer.to_string(),
        Err(code) => format!("refused: {code}"),
    }
}

fn stream_arn(side: &Side) -> Result<String, String> {
    let streams = side.door.streams("ListStreams", &json!({ "TableName": TABLE }))?;
    let arn = streams["Streams"][0]["StreamArn"].as_str();
    Ok(arn.ok_or("the table has no stream")?.to_owned())
}

fn description(side: &Side) -> Result<Value, String> {
    let stream = side
        .door
        .streams("DescribeStream", &json!({ "StreamArn": stream_arn(side)? }))?;
    Ok(stream["StreamDescription"].clone())
}

fn describe(side: &Side) -> Result<String, String> {
    let stream = description(side)?;
    let part = |name: &str| stream[name].to_string();
    let shards = stream["Shards"].as_array().map_or(0, Vec::len);
    Ok(format!(
        "{} {} {}, {shards} shards",
        part("TableName"),
        part("StreamStatus"),
        part("StreamViewType"),
    ))
}

fn iterator(side: &Side, from: Value) -> Result<Value, String> {
    let stream = description(side)?;
    let mut asked = from;
    asked["StreamArn"] = stream["StreamArn"].clone();
    asked["ShardId"] = stream["Shards"][0]["ShardId"].clone();
    let answer = side.door.streams("GetShardIterator", &asked)?;
    Ok(answer["ShardIterator"].clone())
}

/// The records from an iterator to the end of what was written.
fn read(side: &Side, mut iterator: Value) -> Result<Vec<Value>, String> {
    let mut records = Vec::new();
    let mut empty = 0;
    while iterator.is_string() && empty < EMPTY_PAGES {
        // As many as the event source mapping takes at once.
        let asked = json!({ "ShardIterator": iterator, "Limit": 10 });
        let page = side.door.streams("GetRecords", &asked)?;
        let found = page["Records"].as_array().cloned().unwrap_or_default();
        empty = if found.is_empty() { empty + 1 } else { 0 };
        records.extend(found);
        iterator = page["NextShardIterator"].clone();
    }
    Ok(records)
}

fn everything(side: &Side) -> Result<Vec<Value>, String> {
    read(
        side,
        iterator(side, json!({ "ShardIteratorType": "TRIM_HORIZON" }))?,
    )
}

/// The record after the one at this place, found by that one's sequence number.
fn after(side: &Side, place: usize) -> Result<Value, String> {
    let all = everything(side)?;
    let known = all.get(place).ok_or("too few records")?;
    let from = json!({
        "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
        "SequenceNumber": known["dynamodb"]["SequenceNumber"],
    });
    let next = read(side, iterator(side, from)?)?.into_iter().next();
    Ok(next.unwrap_or_else(|| json!("nothing")))
}

/// What `notify` and a person see of a record; a whole item by its hash.
fn summary(record: &Value) -> String {
    let data = &record["dynamodb"];
    let key = |name: &str| data["Keys"][name]["S"].as_str().unwrap_or("?").to_owned();
    let image = SpecHash::of(data["NewImage"].to_string().as_bytes());
    let short: String = image.as_str().chars().take(8).collect();
    let old = if data["OldImage"].is_null() {
        ""
    } else {
        " with its old image"
    };
    format!(
        "{} {} {} {short}{old} {}",
        record["eventName"].as_str().unwrap_or("?"),
        key("pk"),
        key("sk"),
        data["StreamViewType"].as_str().unwrap_or("?"),
    )
}
