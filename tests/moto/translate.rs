//! CloudWatch of moto for an SDK client. The SDK speaks only Smithy RPC v2 in CBOR with CloudWatch, and
//! moto only the older protocols; both have the same names and values, so requests go to moto in AWS
//! JSON and its answers come back in CBOR.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use minicbor::data::{IanaTag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Value};

use super::wire;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// An HTTP client for the SDK's CloudWatch client.
pub fn client(port: u16) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Translator { port });
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct Translator {
    port: u16,
}

impl HttpConnector for Translator {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self
            .ask(&request)
            .map_err(|error| ConnectorError::other(error, None));
        HttpConnectorFuture::ready(answer)
    }
}

impl Translator {
    fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Failed> {
        // `/service/GraniteServiceVersion20100801/operation/DescribeAlarms`
        let operation = request.uri().rsplit('/').next().unwrap_or_default();
        let body = read(&mut Decoder::new(request.body().bytes().unwrap_or_default()))?;
        let answer = wire::json(
            self.port,
            "monitoring",
            "GraniteServiceVersion20100801",
            operation,
            &body,
        )?;
        let mut bytes = Encoder::new(Vec::new());
        write(&mut bytes, &serde_json::from_str(&answer.body)?, false)?;
        let body = SdkBody::from(bytes.into_writer());
        let mut response = HttpResponse::new(answer.status.try_into()?, body);
        response
            .headers_mut()
            .try_append("smithy-protocol", "rpc-v2-cbor")?;
        // The code as the query protocol has it, which is the one that the SDK reads.
        if let Some(code) = answer.header("x-amzn-query-error") {
            response
                .headers_mut()
                .try_append("x-amzn-query-error", code.to_owned())?;
        }
        Ok(response)
    }
}

/// What the SDK writes: it never nests deeply, and its times are tagged numbers.
fn read(cbor: &mut Decoder<'_>) -> Result<Value, Failed> {
    Ok(match cbor.datatype()? {
        Type::Bool => cbor.bool()?.into(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => cbor.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => cbor.i64()?.into(),
        Type::F16 | Type::F32 | Type::F64 => cbor.f64()?.into(),
        Type::String => cbor.str()?.into(),
        Type::Tag => {
            cbor.tag()?;
            read(cbor)?
        }
        Type::Array | Type::ArrayIndef => {
            let mut left = cbor.array()?;
            let mut items = Vec::new();
            while another(cbor, &mut left)? {
                items.push(read(cbor)?);
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let mut left = cbor.map()?;
            let mut members = Map::new();
            while another(cbor, &mut left)? {
                members.insert(cbor.str()?.to_owned(), read(cbor)?);
            }
            Value::Object(members)
        }
        other => return Err(format!("the SDK writes {other}").into()),
    })
}

/// Whether a collection goes on: by its count, or up to the break.
fn another(cbor: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, Failed> {
    if let Some(count) = left {
        let goes_on = *count > 0;
        *count = count.saturating_sub(1);
        return Ok(goes_on);
    }
    let ends = cbor.datatype()? == Type::Break;
    if ends {
        cbor.skip()?;
    }
    Ok(!ends)
}

/// What moto answers; `time` for numbers under a name that says so.
fn write(cbor: &mut Encoder<Vec<u8>>, value: &Value, time: bool) -> Result<(), Failed> {
    match value {
        Value::Null => cbor.null()?,
        Value::Bool(truth) => cbor.bool(*truth)?,
        Value::String(text) => cbor.str(text)?,
        Value::Number(number) if time => {
            let seconds = number.as_f64().unwrap_or_default();
            cbor.tag(IanaTag::Timestamp)?.f64(seconds)?
        }
        Value::Number(number) => match number.as_i64() {
            Some(whole) => cbor.i64(whole)?,
            None => cbor.f64(number.as_f64().unwrap_or_default())?,
        },
        Value::Array(items) => {
            cbor.array(u64::try_from(items.len())?)?;
            for item in items {
                write(cbor, item, time)?;
            }
            return Ok(());
        }
        Value::Object(members) => {
            cbor.map(u64::try_from(members.len())?)?;
            for (name, member) in members {
                cbor.str(name)?;
                write(cbor, member, name.contains("Timestamp"))?;
            }
            return Ok(());
        }
    };
    Ok(())
}
