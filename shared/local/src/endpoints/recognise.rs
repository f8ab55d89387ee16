//! Recognising what a request asks for.

use bytes::Bytes;

use super::reply::fault_reply;
use super::{Call, Fault, Protocol, Reply, Service, query, rest};

/// Headers that tell what a request asks for; no others are looked at.
pub(crate) const TELLING: [&str; 12] = [
    "allow-revert",
    "authorization",
    "content-type",
    "description",
    "if-match",
    "if-none-match",
    "latest-version-number",
    "smithy-protocol",
    "x-amz-invocation-type",
    "x-amz-log-type",
    "x-amz-meta-tidegate-entries",
    "x-amz-target",
];

/// An HTTP request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Host without a port.
    pub host: &'a str,
    /// Path without the query string.
    pub path: &'a str,
    /// Query string without its question mark.
    pub query: &'a str,
    /// Headers in any case.
    pub headers: &'a [(String, String)],
    /// Body.
    pub body: &'a Bytes,
}

impl Request<'_> {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The service that the request was signed for: the fourth part of the
    /// credential scope of Signature Version 4.
    pub fn signing_service(&self) -> Option<&str> {
        let authorization = self.header("authorization")?;
        let (_, credential) = authorization.split_once("Credential=")?;
        let scope = credential.split(',').next()?;
        scope.split('/').nth(3)
    }

    fn call(&self, service: Service, operation: &str, protocol: Protocol) -> Call {
        Call {
            service,
            operation: operation.to_owned(),
            protocol,
            body: self.body.clone(),
        }
    }
}

/// Services by the prefix of `X-Amz-Target`.
const TARGETS: [(&str, Service); 11] = [
    ("AmazonEC2ContainerServiceV20141113", Service::Ecs),
    ("AmazonEC2ContainerRegistry_V20150921", Service::Ecr),
    ("AWSInsightsIndexService", Service::CostExplorer),
    ("AmazonSSM", Service::Ssm),
    ("AWSEvents", Service::Events),
    ("AnyScaleFrontendService", Service::AutoScaling),
    ("Logs_20140328", Service::Logs),
    ("GraniteServiceVersion20100801", Service::CloudWatch),
    ("DynamoDB_20120810", Service::DynamoDb),
    ("DynamoDBStreams_20120810", Service::DynamoDbStreams),
    ("AWSStepFunctions", Service::States),
];

/// Services that speak the query protocol: the version of their API, and the
/// name that they are signed for.
const QUERIES: [(&str, &str, Service); 7] = [
    ("2010-05-15", "cloudformation", Service::CloudFormation),
    ("2015-12-01", "elasticloadbalancing", Service::Elbv2),
    ("2010-08-01", "monitoring", Service::CloudWatch),
    ("2010-03-31", "sns", Service::Sns),
    ("2014-10-31", "rds", Service::Rds),
    ("2011-06-15", "sts", Service::Sts),
    ("2010-05-08", "iam", Service::Iam),
];

/// Recognises a request.
///
/// # Errors
///
/// The reply to send, if it is for nothing that the local cloud knows.
pub fn parse(request: &Request<'_>) -> Result<Call, Reply> {
    if request.header("smithy-protocol") == Some("rpc-v2-cbor") {
        return parse_rpc(request);
    }
    if let Some(target) = request.header("x-amz-target") {
        return parse_target(request, target);
    }
    if let Some((route, body)) = rest::recognise(request) {
        return Ok(Call {
            service: route.service,
            operation: route.operation.to_owned(),
            protocol: Protocol::Rest,
            body,
        });
    }
    parse_form(request)
}

/// `/service/{Service}/operation/{Operation}` of Smithy's RPC v2.
fn parse_rpc(request: &Request<'_>) -> Result<Call, Reply> {
    let mut parts = request.path.trim_start_matches('/').split('/');
    let named = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("service"), Some(service), Some("operation"), Some(operation)) => {
            service_of_target(service).map(|service| (service, operation))
        }
        _ => None,
    };
    match named {
        Some((service, operation)) => Ok(request.call(service, operation, Protocol::Cbor)),
        None => Err(refuse(request, Protocol::Cbor, request.path)),
    }
}

fn service_of_target(prefix: &str) -> Option<Service> {
    TARGETS
        .iter()
        .find(|(held, _)| *held == prefix)
        .map(|(_, service)| *service)
}

fn parse_target(request: &Request<'_>, target: &str) -> Result<Call, Reply> {
    let old = request
        .header("content-type")
        .is_some_and(|kind| kind.contains("json-1.0"));
    let protocol = if old { Protocol::Json10 } else { Protocol::Json11 };
    let named = target
        .split_once('.')
        .and_then(|(prefix, operation)| Some((service_of_target(prefix)?, operation)));
    match named {
        Some((service, operation)) => Ok(request.call(service, operation, protocol)),
        None => Err(refuse(request, protocol, target)),
    }
}

fn parse_form(request: &Request<'_>) -> Result<Call, Reply> {
    let pairs = query::pairs(request.body).unwrap_or_default();
    let field = |name: &str| {
        pairs
            .iter()
            .find(|(held, _)| held == name)
            .map(|(_, value)| value.as_str())
    };
    let (version, signed) = (field("Version"), request.signing_service());
    let service = QUERIES
        .iter()
        .find(|(held, _, _)| Some(*held) == version)
        .or_else(|| QUERIES.iter().find(|(_, held, _)| Some(*held) == signed))
        .map(|(_, _, service)| *service);
    match (service, field("Action")) {
        // The operation becomes the name of an XML element: letters and digits only.
        (Some(service), Some(action)) if action.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Ok(request.call(service, action, Protocol::Query))
        }
        (_, Some(action)) => Err(refuse(request, Protocol::Query, action)),
        (_, None) => Err(refuse(request, Protocol::Query, request.path)),
    }
}

fn refuse(request: &Request<'_>, protocol: Protocol, what: &str) -> Reply {
    // Which service it is does not matter: only the shape of the error does.
    let service = match protocol {
        Protocol::Query | Protocol::Cbor => Service::CloudWatch,
        Protocol::Json10 | Protocol::Json11 | Protocol::Rest => Service::Ecs,
    };
    let fault = Fault::unknown_operation(what);
    fault_reply(
        &request.call(service, "Unknown", protocol),
        &fault,
        "00000000-0000-4000-8000-000000000000",
    )
}
