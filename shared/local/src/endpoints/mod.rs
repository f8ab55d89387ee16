//! AWS's endpoints in front of the fleet: [`parse`] recognises which operation a
//! request asks for and in which protocol, [`handle`] answers it.
//!
//! Exactly the operations that Tidegate calls are here, with every field that
//! an SDK needs; any other operation is answered with AWS's own error shape.
//! Nothing that comes in can make it panic.

mod appconfig;
mod args;
mod autoscaling;
mod cbor;
mod cloudformation;
mod cloudwatch;
mod costexplorer;
mod ecr;
mod ecs;
mod elbv2;
mod eventbridge;
mod fault;
mod iam;
mod indexes;
mod lambda;
mod logs;
mod query;
mod rds;
mod recognise;
mod reply;
mod rest;
mod s3;
mod scheduler;
mod sns;
mod ssm;
mod sts;
mod tables;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod tests;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::fleet::Fleet;

pub use fault::Fault;
pub(crate) use lambda::seconds_of;
pub(crate) use recognise::TELLING;
pub use recognise::{Request, parse};
pub use reply::{Reply, fault_reply, value_reply};
pub(crate) use tables::is_of_a_service;

/// An AWS service that a request may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Elastic Container Service.
    Ecs,
    /// Elastic Load Balancing v2.
    Elbv2,
    /// AppConfig.
    AppConfig,
    /// Application Auto Scaling.
    AutoScaling,
    /// CloudFormation.
    CloudFormation,
    /// CloudWatch.
    CloudWatch,
    /// Cost Explorer.
    CostExplorer,
    /// CloudWatch Logs.
    Logs,
    /// Relational Database Service.
    Rds,
    /// Elastic Container Registry.
    Ecr,
    /// Simple Notification Service.
    Sns,
    /// Systems Manager, of which Parameter Store.
    Ssm,
    /// EventBridge.
    Events,
    /// Identity and Access Management, of which the simulation of policies.
    Iam,
    /// Security Token Service.
    Sts,
    /// DynamoDB; but for the settings of services' tables, recognised and not answered here.
    DynamoDb,
    /// DynamoDB Streams; recognised, but not answered here.
    DynamoDbStreams,
    /// Step Functions; recognised, but not answered here.
    States,
    /// Lambda: functions of the users; those of Tidegate are not answered here.
    Lambda,
    /// Simple Storage Service.
    S3,
    /// EventBridge Scheduler.
    Scheduler,
}

impl Service {
    /// XML namespace of a service that speaks the query protocol.
    fn xml_namespace(self) -> &'static str {
        match self {
            Self::Elbv2 => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
            Self::CloudWatch => "http://monitoring.amazonaws.com/doc/2010-08-01/",
            Self::Rds => "http://rds.amazonaws.com/doc/2014-10-31/",
            Self::CloudFormation => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Ecs
            | Self::AppConfig
            | Self::AutoScaling
            | Self::CostExplorer
            | Self::Ecr
            | Self::Ssm
            | Self::Events
            | Self::Logs
            | Self::DynamoDb
            | Self::DynamoDbStreams
            | Self::States
            | Self::Lambda
            | Self::S3
            | Self::Scheduler => "",
        }
    }
}

/// How a request is written, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// Form in, XML out.
    Query,
    /// Smithy RPC v2 in CBOR.
    Cbor,
    /// Methods and paths, as Lambda and S3 have them. The body of a [`Call`] is JSON: the members of path,
    /// query, headers and body together.
    Rest,
}

/// A request that was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What it is for.
    pub service: Service,
    /// Name of the operation, such as `DescribeServices`.
    pub operation: String,
    /// How it is written.
    pub protocol: Protocol,
    /// The body as it came.
    pub body: Bytes,
}

impl Call {
    /// Its parameters as JSON, however they are written. In the query protocol
    /// every leaf is a text.
    ///
    /// # Errors
    ///
    /// A [`Fault`] with AWS's `SerializationException`, if they can't be read.
    pub fn input(&self) -> Result<Value, Fault> {
        match self.protocol {
            Protocol::Json10 | Protocol::Json11 | Protocol::Rest => {
                if self.body.iter().all(u8::is_ascii_whitespace) {
                    return Ok(Value::Object(Map::new()));
                }
                serde_json::from_slice(&self.body).map_err(|_| Fault::serialization())
            }
            Protocol::Query => query::decode(&self.body).ok_or_else(Fault::serialization),
            Protocol::Cbor => {
                if self.body.is_empty() {
                    return Ok(Value::Object(Map::new()));
                }
                cbor::decode(&self.body).ok_or_else(Fault::serialization)
            }
        }
    }
}

/// Answers a call at an instant: the fleet is first brought up to it. Events
/// that follow from the call are handed out by the next [`Fleet::advance`].
pub fn handle(fleet: &mut Fleet, now: Timestamp, call: &Call) -> Reply {
    fleet.run_to(now);
    fleet.calls = fleet.calls.wrapping_add(1);
    let request_id = request_id(fleet.calls);
    let answer = call.input().and_then(|input| match &input {
        Value::Object(members) => answer(fleet, call, members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Fault::serialization())
        }
    });
    fleet.settle();
    match answer {
        Ok(value) => value_reply(call, &value, &request_id),
        Err(fault) => fault_reply(call, &fault, &request_id),
    }
}

fn answer(fleet: &mut Fleet, call: &Call, input: &Map<String, Value>) -> Result<Value, Fault> {
    let args = args::Args::new(input);
    match call.service {
        Service::Ecs => ecs::answer(fleet, &call.operation, args),
        Service::AppConfig => appconfig::answer(fleet, &call.operation, args),
        Service::AutoScaling => autoscaling::answer(fleet, &call.operation, args),
        Service::CloudFormation => cloudformation::answer(fleet, &call.operation, args),
        Service::Elbv2 => elbv2::answer(fleet, &call.operation, args),
        Service::CloudWatch => cloudwatch::answer(fleet, &call.operation, args),
        Service::CostExplorer => costexplorer::answer(fleet, &call.operation, args),
        Service::Ecr => ecr::answer(fleet, &call.operation, args),
        Service::Sns => sns::answer(fleet, &call.operation, args),
        Service::Ssm => ssm::answer(fleet, &call.operation, args),
        Service::Events => eventbridge::answer(fleet, &call.operation, args),
        Service::Logs => logs::answer(fleet, &call.operation, args),
        Service::Rds => rds::answer(fleet, &call.operation, args),
        Service::Iam => iam::answer(fleet, &call.operation, args),
        Service::Sts => sts::answer(fleet, &call.operation),
        Service::S3 => s3::answer(fleet, &call.operation, args),
        Service::Scheduler => scheduler::answer(fleet, &call.operation, args),
        Service::DynamoDb => tables::answer(fleet, &call.operation, args),
        Service::Lambda => lambda::answer(fleet, &call.operation, args),
        Service::DynamoDbStreams | Service::States => Err(Fault::unknown_operation(&call.operation)),
    }
}

/// A request id in the usual shape, numbered rather than random.
fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}
