//! A table in memory that knows the requests of `tidegate-aws`'s store and no others. An unknown
//! parameter, operation or expression is refused, so that nothing is ever quietly ignored.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::condition::{Attribute, Attributes, Condition};
use crate::dynamo::BATCH;
use crate::endpoints::{Call, Reply};
use crate::names::REGION;

/// Most actions in a transaction (DynamoDB Developer Guide, "Quotas").
const TRANSACTION: usize = 100;

/// Largest item, bytes (the same page).
const ITEM: usize = 400 * 1024;

/// A page of a query holds no more, bytes (the same page). Queries here are far from it.
const PAGE: usize = 1024 * 1024;

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Quick {
    items: BTreeMap<(String, String), Held>,
    tokens: HashMap<String, Vec<u8>>,
    conditions: HashMap<String, Condition>,
    stream: Vec<Change>,
}

/// An item, with the text that answers give.
#[derive(Debug, Clone)]
struct Held {
    attributes: Attributes,
    text: Arc<str>,
}

/// A record of the stream.
#[derive(Debug)]
struct Change {
    new: bool,
    key: (String, String),
    image: Arc<str>,
    at: Timestamp,
}

/// Why a request is not answered.
#[derive(Debug)]
enum Refusal {
    /// It is wrong, or beyond this table.
    Invalid(String),
    /// A put whose condition does not hold.
    Condition,
    /// Which actions of a transaction have conditions that do not hold.
    Canceled(Vec<bool>),
    /// One token, two transactions.
    Mismatch,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    #[serde(rename = "TableName")]
    _table_name: String,
    key: Attributes,
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    #[serde(rename = "TableName")]
    _table_name: String,
    item: Attributes,
    condition_expression: Option<String>,
    #[serde(default)]
    expression_attribute_values: Attributes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Check {
    #[serde(rename = "TableName")]
    _table_name: String,
    key: Attributes,
    condition_expression: String,
    #[serde(default)]
    expression_attribute_values: Attributes,
}

#[derive(Debug, Deserialize)]
enum Action {
    Put(Put),
    ConditionCheck(Check),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Transaction {
    transact_items: Vec<Action>,
    client_request_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Query {
    #[serde(rename = "TableName")]
    _table_name: String,
    index_name: Option<String>,
    key_condition_expression: String,
    #[serde(default)]
    expression_attribute_values: Attributes,
    scan_index_forward: Option<bool>,
    limit: Option<usize>,
    #[serde(rename = "ConsistentRead")]
    _consistent_read: Option<bool>,
}

impl Quick {
    /// Answers a call.
    pub(crate) fn handle(&mut self, call: &Call, now: Timestamp) -> Reply {
        let answer = match call.operation.as_str() {
            "GetItem" => read(&call.body).and_then(|get| self.get(&get)),
            "PutItem" => read(&call.body).and_then(|put| self.put(put, now)),
            "TransactWriteItems" => {
                read(&call.body).and_then(|transaction| self.transact(transaction, &call.body, now))
            }
            "Query" => read(&call.body).and_then(|query| self.query(&query)),
            other => Err(invalid(format!("{other} is not known to the quick table"))),
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(refusal) => (400, refusal.body().to_string()),
        };
        Reply {
            status,
            headers: vec![("content-type".to_owned(), "application/x-amz-json-1.0".to_owned())],
            body: body.into_bytes(),
        }
    }

    fn get(&self, get: &Get) -> Result<String, Refusal> {
        let key = key_of(&get.key).filter(|_| get.key.len() == 2);
        let key = key.ok_or_else(|| invalid("the key is not pk and sk".to_owned()))?;
        Ok(self
            .items
            .get(&key)
            .map_or_else(|| "{}".to_owned(), |held| format!("{{\"Item\":{}}}", held.text)))
    }

    fn put(&mut self, put: Put, now: Timestamp) -> Result<String, Refusal> {
        let key = checked(&put)?;
        let condition = put.condition_expression.as_deref();
        if !self.allows(&key, condition, &put.expression_attribute_values)? {
            return Err(Refusal::Condition);
        }
        self.write(key, put.item, now)?;
        Ok("{}".to_owned())
    }

    fn transact(&mut self, transaction: Transaction, body: &[u8], now: Timestamp) -> Result<String, Refusal> {
        let token = transaction.client_request_token;
        let before = token.as_ref().and_then(|token| self.tokens.get(token));
        if let Some(before) = before {
            return if same(before, body) {
                Ok("{}".to_owned())
            } else {
                Err(Refusal::Mismatch)
            };
        }
        let actions = transaction.transact_items;
        if actions.is_empty() || actions.len() > TRANSACTION {
            return Err(invalid(format!("a transaction of {} actions", actions.len())));
        }
        let mut keys = BTreeSet::new();
        let mut failed = Vec::with_capacity(actions.len());
        for action in &actions {
            let (key, condition, given) = match action {
                Action::Put(put) => (
                    checked(put)?,
                    put.condition_expression.as_deref(),
                    &put.expression_attribute_values,
                ),
                Action::ConditionCheck(check) => (
                    key_of(&check.key).ok_or_else(|| invalid("the key is not pk and sk".to_owned()))?,
                    Some(check.condition_expression.as_str()),
                    &check.expression_attribute_values,
                ),
            };
            failed.push(!self.allows(&key, condition, given)?);
            if !keys.insert(key) {
                return Err(invalid(
                    "Transaction request cannot include multiple operations on one item".to_owned(),
                ));
            }
        }
        if failed.contains(&true) {
            return Err(Refusal::Canceled(failed));
        }
        for action in actions {
            match action {
                Action::Put(put) => self.write(checked(&put)?, put.item, now)?,
                Action::ConditionCheck(_) => {}
            }
        }
        if let Some(token) = token {
            self.tokens.insert(token, body.to_vec());
        }
        Ok("{}".to_owned())
    }

    fn query(&mut self, query: &Query) -> Result<String, Refusal> {
        let given = &query.expression_attribute_values;
        let condition = self.condition(&query.key_condition_expression)?.clone();
        let mut found: Vec<&Held> = match query.index_name.as_deref() {
            None => {
                let wanted = condition.demands("pk", given);
                let pk = wanted.ok_or_else(|| invalid("no pk is asked for".to_owned()))?;
                let from = (pk.to_owned(), String::new());
                let part = self.items.range(from..).take_while(|((held, _), _)| held == pk);
                part.map(|(_, held)| held).collect()
            }
            Some("gsi1") => {
                let wanted = condition.demands("gsi1pk", given);
                wanted.ok_or_else(|| invalid("no gsi1pk is asked for".to_owned()))?;
                let listed = self
                    .items
                    .values()
                    .filter(|held| held.attributes.contains_key("gsi1sk"));
                let mut listed: Vec<&Held> = listed.collect();
                // Stable: what has the same sort key stays in the order of the table's own keys.
                listed.sort_by(|one, two| index_key(one).cmp(&index_key(two)));
                listed
            }
            Some(other) => return Err(invalid(format!("there is no index {other}"))),
        };
        found.retain(|held| condition.holds(&held.attributes, given));
        if query.scan_index_forward == Some(false) {
            found.reverse();
        }
        let more = query.limit.is_some_and(|limit| found.len() >= limit);
        found.truncate(query.limit.unwrap_or(usize::MAX));
        if found.iter().map(|held| held.text.len()).sum::<usize>() > PAGE {
            return Err(invalid("the quick table has no pages".to_owned()));
        }
        let mut text = String::from("{\"Items\":[");
        for (index, held) in found.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            text.push_str(&held.text);
        }
        let count = found.len();
        write!(text, "],\"Count\":{count},\"ScannedCount\":{count}").ok();
        if let Some(last) = found.last().filter(|_| more) {
            let key = last_key(last, query.index_name.is_some());
            write!(text, ",\"LastEvaluatedKey\":{key}").ok();
        }
        text.push('}');
        Ok(text)
    }

    fn condition(&mut self, text: &str) -> Result<&Condition, Refusal> {
        if !self.conditions.contains_key(text) {
            let read = Condition::parse(text)
                .ok_or_else(|| invalid(format!("the expression `{text}` is not known to the quick table")))?;
            self.conditions.insert(text.to_owned(), read);
        }
        let known = self.conditions.get(text);
        known.ok_or_else(|| invalid("the expression is gone".to_owned()))
    }

    fn allows(
        &mut self,
        key: &(String, String),
        condition: Option<&str>,
        given: &Attributes,
    ) -> Result<bool, Refusal> {
        let Some(condition) = condition else {
            return Ok(true);
        };
        let condition = self.condition(condition)?.clone();
        let nothing = Attributes::new();
        let item = self.items.get(key).map_or(&nothing, |held| &held.attributes);
        Ok(condition.holds(item, given))
    }

    fn write(
        &mut self,
        key: (String, String),
        attributes: Attributes,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let text = serde_json::to_string(&attributes).map_err(|error| invalid(error.to_string()))?;
        let text: Arc<str> = text.into();
        let image = Arc::clone(&text);
        let old = self.items.insert(key.clone(), Held { attributes, text });
        self.stream.push(Change {
            new: old.is_none(),
            key,
            image,
            at: now,
        });
        Ok(())
    }

    /// The next records of the stream, from a position that is moved on, or after a checkpoint.
    pub(crate) fn read_stream(&self, position: &mut Option<u64>, checkpoint: Option<&str>) -> Vec<Value> {
        let after = position.or_else(|| checkpoint?.parse().ok()).unwrap_or(0);
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        let numbered = self.stream.iter().zip(1_u64..);
        let records: Vec<Value> = numbered
            .skip(skip)
            .take(BATCH)
            .map(|(change, number)| change.record(number))
            .collect();
        *position = Some(after + records.len() as u64);
        records
    }
}

impl Change {
    fn record(&self, number: u64) -> Value {
        let (pk, sk) = &self.key;
        let image: Value = serde_json::from_str(&self.image).unwrap_or_default();
        json!({
            "eventID": format!("{number:032x}"),
            "eventName": if self.new { "INSERT" } else { "MODIFY" },
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": {
                "Keys": { "pk": { "S": pk }, "sk": { "S": sk } },
                "NewImage": image,
                "SequenceNumber": number.to_string(),
                "SizeBytes": self.image.len(),
                "StreamViewType": "NEW_IMAGE",
                "ApproximateCreationDateTime": self.at.as_second(),
            },
        })
    }
}

impl Refusal {
    fn body(&self) -> Value {
        let aws = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
        match self {
            Self::Invalid(message) => json!({
                "__type": "com.amazon.coral.validate#ValidationException",
                "message": message,
            }),
            Self::Condition => json!({
                "__type": aws("ConditionalCheckFailedException"),
                "message": "The conditional request failed",
            }),
            Self::Mismatch => json!({ "__type": aws("IdempotentParameterMismatchException"), "message": "" }),
            Self::Canceled(failed) => {
                let code = |failed: &bool| if *failed { "ConditionalCheckFailed" } else { "None" };
                let codes: Vec<&str> = failed.iter().map(code).collect();
                let reasons: Vec<Value> = codes.iter().map(|code| json!({ "Code": code })).collect();
                json!({
                    "__type": aws("TransactionCanceledException"),
                    "Message": format!(
                        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                        codes.join(", ")
                    ),
                    "CancellationReasons": reasons,
                })
            }
        }
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::Invalid(message)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| invalid(format!("the quick table can't read the request: {error}")))
}

/// Whether two requests ask for the same; the order of an item's attributes means nothing.
fn same(one: &[u8], two: &[u8]) -> bool {
    let value = |body| serde_json::from_slice::<Value>(body).ok();
    one == two || value(one).is_some_and(|one| Some(one) == value(two))
}

fn key_of(attributes: &Attributes) -> Option<(String, String)> {
    let part = |name: &str| attributes.get(name)?.text().map(str::to_owned);
    Some((part("pk")?, part("sk")?))
}

/// The key of a put that AWS would take.
fn checked(put: &Put) -> Result<(String, String), Refusal> {
    let key = key_of(&put.item).filter(|(pk, sk)| !pk.is_empty() && !sk.is_empty());
    let key = key.ok_or_else(|| invalid("the item has no key".to_owned()))?;
    let length = |value: &Attribute| match value {
        Attribute::S(text) | Attribute::N(text) => text.len(),
    };
    let size: usize = put
        .item
        .iter()
        .map(|(name, value)| name.len() + length(value))
        .sum();
    if size > ITEM {
        return Err(invalid(
            "Item size has exceeded the maximum allowed size".to_owned(),
        ));
    }
    let numbers = put.item.values().chain(put.expression_attribute_values.values());
    for value in numbers {
        match value {
            Attribute::N(text) if text.parse::<i128>().map(|n| n.to_string()).as_deref() != Ok(text) => {
                return Err(invalid(format!(
                    "the quick table does not know the number {text}"
                )));
            }
            Attribute::N(_) | Attribute::S(_) => {}
        }
    }
    Ok(key)
}

/// Where a page ended, as the next request would begin.
fn last_key(held: &Held, index: bool) -> Value {
    let names: &[&str] = if index {
        &["pk", "sk", "gsi1pk", "gsi1sk"]
    } else {
        &["pk", "sk"]
    };
    let parts = names
        .iter()
        .filter_map(|name| Some((*name, held.attributes.get(*name)?)));
    parts
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

fn index_key(held: &Held) -> Option<&str> {
    held.attributes.get("gsi1sk")?.text()
}
