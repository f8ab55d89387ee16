//! Operations of the Simple Notification Service.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{Fleet, Published};

/// Most bytes of a message (SNS API reference, `Publish`).
const MAX_BYTES: usize = 256 * 1_024;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "Publish" => publish(fleet, args),
        "ListTopics" => {
            let topics: Vec<Value> = fleet.topics.iter().map(|arn| json!({"TopicArn": arn})).collect();
            Ok(json!({"Topics": topics}))
        }
        other => Err(Fault::unknown_operation(other)),
    }
}

fn invalid(message: &str) -> Fault {
    Fault::new("InvalidParameter", format!("Invalid parameter: {message}"))
}

fn publish(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let topic = args
        .filled("TopicArn")
        .or_else(|| args.filled("TargetArn"))
        .ok_or_else(|| invalid("TopicArn or TargetArn Reason: no value for required parameter"))?;
    let message = args.filled("Message").ok_or_else(|| invalid("Empty message"))?;
    if message.len() > MAX_BYTES {
        return Err(invalid("Message too long"));
    }
    let subject = args.owned("Subject").filter(|subject| !subject.is_empty());
    let odd = |subject: &String| {
        subject.chars().count() > 100 || !subject.is_ascii() || subject.contains(['\n', '\r'])
    };
    if subject.as_ref().is_some_and(odd) {
        return Err(invalid("Subject"));
    }
    if !fleet.topics.contains(topic) {
        return Err(Fault::new("NotFound", "Topic does not exist").with_status(404));
    }
    let attributes = read_attributes(args)?;
    let message_id = fleet.ids.uuid();
    let published = Published {
        at: fleet.now(),
        message_id: message_id.clone(),
        topic: topic.to_owned(),
        subject,
        message: message.to_owned(),
        attributes,
    };
    fleet.outbox.push(published);
    Ok(json!({"MessageId": message_id}))
}

fn read_attributes(args: Args<'_>) -> Result<BTreeMap<String, (String, String)>, Fault> {
    let mut attributes = BTreeMap::new();
    let Some(given) = args.structure("MessageAttributes") else {
        return Ok(attributes);
    };
    for name in given.members().keys() {
        let attribute = given.structure(name);
        let kind = attribute.and_then(|attribute| attribute.filled("DataType"));
        let value = attribute.and_then(|attribute| {
            attribute
                .filled("StringValue")
                .or_else(|| attribute.filled("BinaryValue"))
        });
        match (kind, value) {
            (Some(kind), Some(value)) => {
                attributes.insert(name.clone(), (kind.to_owned(), value.to_owned()));
            }
            (Some(_), None) | (None, _) => {
                return Err(Fault::new(
                    "ParameterValueInvalid",
                    format!("The message attribute '{name}' must contain a type and a non-empty value."),
                ));
            }
        }
    }
    Ok(attributes)
}
