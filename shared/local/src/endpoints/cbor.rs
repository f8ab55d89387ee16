//! CBOR (RFC 8949), as Smithy's RPC v2 uses it. Times are tag 1.

use minicbor::data::{IanaTag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

use super::reply::is_time;

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 32;

/// Reads one value; `None` if it is not well-formed, has something after it, or
/// holds what JSON can't (byte strings, map keys that are no texts).
pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
    let mut decoder = Decoder::new(bytes);
    let value = item(&mut decoder, 0)?;
    (decoder.position() == bytes.len()).then_some(value)
}

fn item(decoder: &mut Decoder<'_>, depth: u32) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    match decoder.datatype().ok()? {
        Type::Bool => decoder.bool().ok().map(Value::Bool),
        Type::Null => decoder.null().ok().map(|()| Value::Null),
        Type::Undefined => decoder.undefined().ok().map(|()| Value::Null),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().ok().map(Value::from),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64().ok().map(Value::from),
        Type::F16 | Type::F32 | Type::F64 => Number::from_f64(decoder.f64().ok()?).map(Value::Number),
        Type::String => decoder.str().ok().map(Value::from),
        Type::StringIndef => {
            let mut text = String::new();
            for part in decoder.str_iter().ok()? {
                text.push_str(part.ok()?);
            }
            Some(Value::String(text))
        }
        Type::Array | Type::ArrayIndef => array(decoder, depth),
        Type::Map | Type::MapIndef => map(decoder, depth),
        Type::Tag => {
            decoder.tag().ok()?;
            item(decoder, depth + 1)
        }
        _ => None,
    }
}

/// Whether another element follows: by count, or up to the break.
fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Option<bool> {
    match left {
        Some(0) => Some(false),
        Some(count) => {
            *count -= 1;
            Some(true)
        }
        None if decoder.datatype().ok()? == Type::Break => {
            decoder.skip().ok()?;
            Some(false)
        }
        None => Some(true),
    }
}

fn array(decoder: &mut Decoder<'_>, depth: u32) -> Option<Value> {
    let mut left = decoder.array().ok()?;
    // The announced length is not trusted: nothing is reserved for it.
    let mut items = Vec::new();
    while more(decoder, &mut left)? {
        items.push(item(decoder, depth + 1)?);
    }
    Some(Value::Array(items))
}

fn map(decoder: &mut Decoder<'_>, depth: u32) -> Option<Value> {
    let mut left = decoder.map().ok()?;
    let mut members = Map::new();
    while more(decoder, &mut left)? {
        let Value::String(name) = item(decoder, depth + 1)? else {
            return None;
        };
        members.insert(name, item(decoder, depth + 1)?);
    }
    Some(Value::Object(members))
}

/// Writes a value. Writing to memory does not fail; if it did, the answer would
/// be cut short and the client would say so.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let _ = write(&mut encoder, value, false);
    encoder.into_writer()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value, time: bool) -> Written {
    match value {
        Value::Null => encoder.null()?,
        Value::Bool(truth) => encoder.bool(*truth)?,
        Value::Number(number) if time => encoder
            .tag(IanaTag::Timestamp)?
            .f64(number.as_f64().unwrap_or_default())?,
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(count), _) => encoder.u64(count)?,
            (None, Some(count)) => encoder.i64(count)?,
            (None, None) => encoder.f64(number.as_f64().unwrap_or_default())?,
        },
        Value::String(text) => encoder.str(text)?,
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            for item in items {
                write(encoder, item, time)?;
            }
            encoder
        }
        Value::Object(members) => {
            let filled = members.iter().filter(|(_, value)| !value.is_null());
            encoder.map(filled.clone().count() as u64)?;
            for (name, value) in filled {
                encoder.str(name)?;
                write(encoder, value, is_time(name))?;
            }
            encoder
        }
    };
    Ok(())
}
