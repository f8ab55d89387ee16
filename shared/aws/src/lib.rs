//! What Tidegate reads of AWS and does to it, with the real SDK clients.
//!
//! No decision is made here: [`observe`] turns AWS's answers into the values that
//! `tidegate-core` decides on, [`apply`] carries out one of its actions. Each service's client is
//! behind a Cargo feature, so that a Lambda function links only what it may call. There is no
//! clock, no environment and no randomness: whoever calls says what time it is, and retries belong
//! to the SDK and the state machine.

#[cfg(feature = "lambda")]
pub mod analyzer;
#[cfg(feature = "costexplorer")]
pub mod billing;
#[cfg(feature = "lambda")]
pub mod call;
pub mod change;
pub mod error;
pub mod naming;
pub mod on_demand;

#[cfg(all(feature = "ecs", feature = "elbv2"))]
pub mod apply;
#[cfg(feature = "s3")]
pub mod archive;
#[cfg(feature = "sfn")]
pub mod executions;
#[cfg(feature = "http")]
pub mod http;
pub mod notify;
pub mod observe;
#[cfg(feature = "iam")]
pub mod permissions;
#[cfg(all(
    feature = "appconfig",
    feature = "cloudwatch",
    feature = "dynamodb",
    feature = "ecr",
    feature = "ecs",
    feature = "elbv2",
    feature = "lambda"
))]
pub mod planning;
#[cfg(feature = "scheduler")]
pub mod schedule;
#[cfg(feature = "dynamodb")]
pub mod store;
#[cfg(all(feature = "ecs", feature = "elbv2", feature = "lambda"))]
pub mod suites;

#[cfg(feature = "ecs")]
mod container;
#[cfg(feature = "lambda")]
mod kept;
#[cfg(all(feature = "ecs", any(feature = "logs", feature = "s3")))]
mod started;
#[cfg(all(feature = "ecs", feature = "logs"))]
mod tail;
#[cfg(feature = "ecs")]
mod task;
#[cfg(any(feature = "cloudwatch", feature = "ecr", feature = "eventbridge"))]
mod time;
