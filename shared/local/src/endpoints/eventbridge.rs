//! Operations of EventBridge.

use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{BusEntry, Fleet};

/// Most entries of one call (EventBridge API reference, `PutEvents`).
const MAX_ENTRIES: usize = 10;
/// Most bytes of one entry's detail.
const MAX_BYTES: usize = 256 * 1_024;

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "PutEvents" => put_events(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn put_events(fleet: &mut Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let entries = args.structures("Entries");
    if entries.is_empty() || entries.len() > MAX_ENTRIES {
        return Err(Fault::new(
            "ValidationException",
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: \
             Member must have length between 1 and 10",
        ));
    }
    let mut failed = 0;
    let mut answers = Vec::new();
    for entry in entries {
        match read_entry(fleet, entry) {
            Ok(entry) => {
                answers.push(json!({"EventId": entry.id}));
                fleet.bus_outbox.push(entry);
            }
            Err((code, message)) => {
                failed += 1;
                answers.push(json!({"ErrorCode": code, "ErrorMessage": message}));
            }
        }
    }
    Ok(json!({"FailedEntryCount": failed, "Entries": answers}))
}

/// Reads an entry; a bad one fails alone, with AWS's code and message.
fn read_entry(fleet: &mut Fleet, entry: Args<'_>) -> Result<BusEntry, (&'static str, &'static str)> {
    let needed = |name: &str, message: &'static str| {
        entry
            .filled(name)
            .map(str::to_owned)
            .ok_or(("InvalidArgument", message))
    };
    let source = needed(
        "Source",
        "Parameter Source is not valid. Reason: Source is a required argument.",
    )?;
    let detail_type = needed(
        "DetailType",
        "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
    )?;
    let detail = needed(
        "Detail",
        "Parameter Detail is not valid. Reason: Detail is a required argument.",
    )?;
    if detail.len() > MAX_BYTES {
        return Err(("InvalidArgument", "Total size of the entry is too large."));
    }
    if source.starts_with("aws.") {
        return Err((
            "NotAuthorizedForSourceException",
            "Not authorized for the source.",
        ));
    }
    let detail: Value = serde_json::from_str(&detail)
        .ok()
        .filter(Value::is_object)
        .ok_or(("MalformedDetail", "Detail is malformed."))?;
    Ok(BusEntry {
        at: entry.time("Time").unwrap_or_else(|| fleet.now()),
        id: fleet.ids.uuid(),
        bus: entry.filled("EventBusName").unwrap_or("default").to_owned(),
        source,
        detail_type,
        resources: entry.texts("Resources").into_iter().map(str::to_owned).collect(),
        detail,
    })
}
