//! Writing answers and errors in the protocol of the call.

use serde_json::{Value, json};

use super::fault::UNKNOWN_OPERATION;
use super::{Call, Fault, Protocol, Service, cbor, query, rest};

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, content_type: &str, request_id: &str, body: Vec<u8>) -> Self {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            status,
            headers: vec![
                header("content-type", content_type),
                header("x-amzn-requestid", request_id),
            ],
            body,
        }
    }

    fn with_header(mut self, name: &str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}

/// Whether a member of that name holds times. JSON writes them as numbers, the
/// other protocols in their own way.
pub(crate) fn is_time(name: &str) -> bool {
    matches!(
        name,
        "AlarmConfigurationUpdatedTimestamp"
            | "CreatedTime"
            | "SnapshotCreateTime"
            | "StateTransitionedTimestamp"
            | "StateUpdatedTimestamp"
            | "Timestamp"
            | "Timestamps"
    )
}

/// The answer to a call that went well.
pub fn value_reply(call: &Call, value: &Value, request_id: &str) -> Reply {
    match call.protocol {
        Protocol::Json10 | Protocol::Json11 => Reply::new(
            200,
            content_type(call.protocol),
            request_id,
            serde_json::to_vec(value).unwrap_or_default(),
        ),
        Protocol::Rest => rest_reply(call, value, request_id),
        Protocol::Cbor => Reply::new(200, content_type(call.protocol), request_id, cbor::encode(value))
            .with_header("smithy-protocol", "rpc-v2-cbor".to_owned()),
        Protocol::Query => {
            let operation = &call.operation;
            let mut xml = format!("<{operation}Response xmlns=\"{}\">", call.service.xml_namespace());
            query::write_element(&mut xml, &format!("{operation}Result"), value);
            xml.push_str(&format!(
                "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                 </{operation}Response>"
            ));
            Reply::new(200, content_type(call.protocol), request_id, xml.into_bytes())
        }
    }
}

/// Members that a route tells in headers are left out of the body.
fn rest_reply(call: &Call, value: &Value, request_id: &str) -> Reply {
    let route = rest::route(call.service, &call.operation);
    let told = route.map_or(&[][..], |route| route.told);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let body = match route.and_then(|route| route.payload) {
        Some(member) => value.get(member).map(text).unwrap_or_default().into_bytes(),
        None => {
            let mut value = value.clone();
            if let Some(members) = value.as_object_mut() {
                members.retain(|name, _| told.iter().all(|(member, _)| member != name));
            }
            serde_json::to_vec(&value).unwrap_or_default()
        }
    };
    let of_its_own = told
        .iter()
        .any(|(member, header)| *header == "content-type" && value.get(*member).is_some());
    let status = route.map_or(200, |route| route.status);
    let mut reply = Reply::new(status, content_type(call.protocol), request_id, body);
    if of_its_own {
        reply.headers.retain(|(name, _)| name != "content-type");
    }
    for (member, header) in told {
        if let Some(value) = value.get(*member) {
            reply = reply.with_header(header, text(value));
        }
    }
    reply
}

/// An error of S3's, in XML as its are.
fn s3_fault(fault: &Fault, request_id: &str) -> Reply {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>".to_owned();
    query::escape(&mut xml, &fault.code);
    xml.push_str("</Code><Message>");
    query::escape(&mut xml, &fault.message);
    xml.push_str(&format!("</Message><RequestId>{request_id}</RequestId></Error>"));
    Reply::new(fault.status, "application/xml", request_id, xml.into_bytes())
}

/// The answer to a call that failed.
pub fn fault_reply(call: &Call, fault: &Fault, request_id: &str) -> Reply {
    let fault = &in_protocol(call.protocol, fault);
    let content = content_type(call.protocol);
    match call.protocol {
        Protocol::Rest if call.service == Service::S3 => s3_fault(fault, request_id),
        Protocol::Json10 | Protocol::Json11 | Protocol::Rest => {
            let body = json!({"__type": fault.code, "message": fault.message});
            let reply = Reply::new(fault.status, content, request_id, body.to_string().into_bytes())
                .with_header("x-amzn-errortype", fault.code.clone());
            match call.service {
                Service::CloudWatch => reply.with_header("x-amzn-query-error", query_error(fault)),
                Service::Ecs
                | Service::Elbv2
                | Service::AutoScaling
                | Service::CloudFormation
                | Service::Ecr
                | Service::Logs
                | Service::Rds
                | Service::Sns
                | Service::CostExplorer
                | Service::Ssm
                | Service::Events
                | Service::Iam
                | Service::Sts
                | Service::DynamoDb
                | Service::DynamoDbStreams
                | Service::States
                | Service::Lambda
                | Service::S3
                | Service::Scheduler
                | Service::AppConfig => reply,
            }
        }
        Protocol::Cbor => {
            let body = json!({"__type": fault.code, "message": fault.message});
            Reply::new(fault.status, content, request_id, cbor::encode(&body))
                .with_header("smithy-protocol", "rpc-v2-cbor".to_owned())
                .with_header("x-amzn-query-error", query_error(fault))
        }
        Protocol::Query => {
            let mut xml = format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>",
                call.service.xml_namespace()
            );
            xml.push_str(fault.blame());
            xml.push_str("</Type><Code>");
            query::escape(&mut xml, &fault.code);
            xml.push_str("</Code><Message>");
            query::escape(&mut xml, &fault.message);
            xml.push_str(&format!(
                "</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            ));
            Reply::new(fault.status, content, request_id, xml.into_bytes())
        }
    }
}

/// The code that the query protocol knows an error under, for clients that were
/// written for it.
fn query_error(fault: &Fault) -> String {
    format!("{};{}", fault.code, fault.blame())
}

/// Errors that the protocols name differently.
fn in_protocol(protocol: Protocol, fault: &Fault) -> Fault {
    let mut fault = fault.clone();
    let query = match protocol {
        Protocol::Query => true,
        Protocol::Json10 | Protocol::Json11 | Protocol::Cbor | Protocol::Rest => false,
    };
    if query && fault.code == UNKNOWN_OPERATION {
        fault.code = "InvalidAction".to_owned();
    }
    if query && fault.code == "SerializationException" {
        fault.code = "MalformedQueryString".to_owned();
    }
    if query && fault.code == "ThrottlingException" {
        fault.code = "Throttling".to_owned();
    }
    fault
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::Query => "text/xml",
        Protocol::Cbor => "application/cbor",
        Protocol::Rest => "application/json",
    }
}
