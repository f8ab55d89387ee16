//! Operations of S3: objects of buckets that exist.

use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{Bucket, Fleet, Object};

/// Answers an operation.
pub(super) fn answer(fleet: &mut Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    let name = args.text("Bucket").unwrap_or_default();
    let missing = || Fault::new("NoSuchBucket", "The specified bucket does not exist").with_status(404);
    let bucket = fleet.buckets.get_mut(name).ok_or_else(missing)?;
    let key = args.text("Key").unwrap_or_default();
    match operation {
        "GetObject" => get(bucket, key, args).map(|object| shown(object, Some(&object.body))),
        "HeadObject" => get(bucket, key, args).map(|object| shown(object, None)),
        "PutObject" => put(bucket, key, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

fn get<'a>(bucket: &'a Bucket, key: &str, args: Args<'_>) -> Result<&'a Object, Fault> {
    let version = args.text("versionId");
    bucket.get(key, version).ok_or_else(|| {
        let (code, message) = match version {
            Some(_) => ("NoSuchVersion", "The specified version does not exist."),
            None => ("NoSuchKey", "The specified key does not exist."),
        };
        Fault::new(code, message).with_status(404)
    })
}

/// Conditions are S3's own: nothing there yet (`*`), or exactly what was read.
fn put(bucket: &mut Bucket, key: &str, args: Args<'_>) -> Result<Value, Fault> {
    let held = bucket.get(key, None).map(Object::etag);
    let new = args.text("IfNoneMatch") != Some("*") || held.is_none();
    let same = args
        .text("IfMatch")
        .is_none_or(|etag| held.as_deref() == Some(etag));
    if !new || !same {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Fault::new("PreconditionFailed", message).with_status(412));
    }
    let object = Object {
        version: String::new(),
        body: args.owned("Body").unwrap_or_default(),
        content_type: args.owned("ContentType"),
        entries: args.owned("Entries"),
    };
    bucket.add(key, object);
    let put = bucket.get(key, None).ok_or_else(Fault::internal)?;
    Ok(json!({ "ETag": put.etag(), "VersionId": put.version }))
}

fn shown(object: &Object, body: Option<&str>) -> Value {
    let content_type = object.content_type.as_deref().unwrap_or("binary/octet-stream");
    let mut shown = json!({
        "ETag": object.etag(),
        "VersionId": object.version,
        "ContentType": content_type,
        "ContentLength": object.body.len(),
        "Body": body.unwrap_or_default(),
    });
    // Metadata that an object does not have is no header.
    if let Some(entries) = &object.entries {
        shown["Entries"] = entries.as_str().into();
    }
    shown
}
