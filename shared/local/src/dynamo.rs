//! DynamoDB: dynoxide, called in process. Only the operations that Tidegate and a person with the
//! `aws` command line use.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::endpoints::{Call, Reply};
use crate::names::TABLE;

/// Records in one batch, as the stream's event source mapping in `infra/template.yaml` says.
pub(crate) const BATCH: usize = 10;

/// Answers a call.
pub(crate) fn handle(database: &Database, call: &Call) -> Reply {
    let body = String::from_utf8_lossy(&call.body);
    let (status, body) = match dispatch(database, &call.operation, &body) {
        Ok(body) => (200, body),
        Err(error) => (error.status_code(), error.to_json()),
    };
    let headers = vec![("content-type".to_owned(), "application/x-amz-json-1.0".to_owned())];
    Reply {
        status,
        headers,
        body: body.into_bytes(),
    }
}

fn dispatch(database: &Database, operation: &str, body: &str) -> Result<String, DynoxideError> {
    match operation {
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "DescribeStream" => run(body, |request| database.describe_stream(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "GetItem" => run(body, |request| database.get_item(request)),
        "GetRecords" => run(body, |request| database.get_records(request)),
        "GetShardIterator" => run(body, |request| database.get_shard_iterator(request)),
        "ListStreams" => run(body, |request| database.list_streams(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        other => Err(DynoxideError::ValidationException(format!(
            "{other} is not available in the local cloud"
        ))),
    }
}

fn run<I: DeserializeOwned, O: Serialize>(
    body: &str,
    operation: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body).map_err(|error| {
        DynoxideError::ValidationException(format!("failed to read the request: {error}"))
    })?;
    let answer = operation(request)?;
    serde_json::to_string(&answer)
        .map_err(|error| DynoxideError::ValidationException(format!("failed to write the answer: {error}")))
}

/// A planted defect: the same transaction with nothing that could refuse it.
pub(crate) fn without_conditions(call: &Call) -> Call {
    let mut call = call.clone();
    let Ok(mut body) = serde_json::from_slice::<Value>(&call.body) else {
        return call;
    };
    // Its token would make a second copy of a request harmless.
    if let Some(members) = body.as_object_mut() {
        members.remove("ClientRequestToken");
    }
    if let Some(items) = body["TransactItems"].as_array_mut() {
        items.retain(|item| item.get("ConditionCheck").is_none());
        for put in items.iter_mut().filter_map(|item| item["Put"].as_object_mut()) {
            put.remove("ConditionExpression");
            put.remove("ExpressionAttributeValues");
        }
        call.body = body.to_string().into_bytes().into();
    }
    call
}

/// Makes the table as `infra/template.yaml` does, unless it is there.
pub(crate) fn create_table(database: &Database) -> Result<(), DynoxideError> {
    let there = dispatch(
        database,
        "DescribeTable",
        &json!({ "TableName": TABLE }).to_string(),
    );
    if there.is_ok() {
        return Ok(());
    }
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("pk"), attribute("sk"), attribute("gsi1pk"), attribute("gsi1sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "gsi1",
            "KeySchema": [key("gsi1pk", "HASH"), key("gsi1sk", "RANGE")],
            "Projection": { "ProjectionType": "ALL" },
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
    });
    run(&table.to_string(), |request| database.create_table(request)).map(|_| ())
}

/// The next records of the table's stream: from an iterator, which is moved on, or after a checkpoint.
pub(crate) fn read_stream(
    database: &Database,
    iterator: &mut Option<String>,
    checkpoint: Option<&str>,
) -> Result<Vec<Value>, DynoxideError> {
    let from = match iterator.take() {
        Some(iterator) => iterator,
        None => iterator_after(database, checkpoint)?,
    };
    let request = json!({ "ShardIterator": from, "Limit": BATCH }).to_string();
    let mut answer = read(&dispatch(database, "GetRecords", &request)?)?;
    *iterator = answer["NextShardIterator"].as_str().map(str::to_owned);
    match answer["Records"].take() {
        Value::Array(records) => Ok(records),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Ok(Vec::new())
        }
    }
}

fn iterator_after(database: &Database, checkpoint: Option<&str>) -> Result<String, DynoxideError> {
    let table = read(&dispatch(
        database,
        "DescribeTable",
        &json!({ "TableName": TABLE }).to_string(),
    )?)?;
    let arn = table["Table"]["LatestStreamArn"].clone();
    let stream = read(&dispatch(
        database,
        "DescribeStream",
        &json!({ "StreamArn": arn }).to_string(),
    )?)?;
    let shard = stream["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let mut request = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    if let Some(checkpoint) = checkpoint {
        request["ShardIteratorType"] = json!("AFTER_SEQUENCE_NUMBER");
        request["SequenceNumber"] = json!(checkpoint);
    }
    let answer = read(&dispatch(database, "GetShardIterator", &request.to_string())?)?;
    Ok(answer["ShardIterator"].as_str().unwrap_or_default().to_owned())
}

fn read(text: &str) -> Result<Value, DynoxideError> {
    serde_json::from_str(text).map_err(|error| DynoxideError::ValidationException(error.to_string()))
}
