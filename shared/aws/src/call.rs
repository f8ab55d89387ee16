//! Calling a Lambda function that belongs to the user, and waiting for its answer.
//!
//! Exactly once for each time that this is asked: the SDK's own retries are off here, because an answer that
//! is lost on the way says nothing of whether the function ran. Whoever asks counts the attempts.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::base64;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use crate::error::{AwsError, Kind};
use crate::on_demand::OnDemand;

/// Lambda's client: most deployments call no function.
pub type Functions = OnDemand<Client>;

/// Lambda, with nothing called yet.
pub fn functions(sdk: &SdkConfig) -> Functions {
    OnDemand::new(sdk, Client::new)
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// The function ran to its end.
    Returned {
        /// What it returned.
        payload: Vec<u8>,
        /// `FunctionError`, where it ended with an error.
        error: Option<String>,
        /// The last 4 KB that it wrote.
        log: String,
    },
    /// Lambda did not take the call, and may take a later one.
    NotRun(String),
    /// It can't be called as things are.
    Refused(String),
    /// No answer within the time.
    TimedOut,
    /// The answer was lost on the way: nobody knows whether the function ran.
    Lost(String),
}

/// Calls a function, `NAME` or `NAME:ALIAS`, and waits at most so many seconds.
pub async fn call(functions: &Functions, function: &str, payload: Vec<u8>, seconds: u32) -> Called {
    let (name, qualifier) = split(function);
    let time = Duration::from_secs(seconds.into());
    let once = Builder::new()
        .retry_config(RetryConfig::disabled())
        // Nothing comes while the function runs.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(time)
                .operation_timeout(time)
                .build(),
        );
    let answer = functions
        .get()
        .invoke()
        .function_name(name)
        .set_qualifier(qualifier.map(str::to_owned))
        .log_type(LogType::Tail)
        .payload(Blob::new(payload))
        .customize()
        .config_override(once)
        .send()
        .await;
    match answer {
        Ok(output) => returned(output),
        Err(error) => failed(function, error),
    }
}

/// Functions, of those that are named, that do not exist or may not be looked at.
///
/// # Errors
/// Where Lambda can't be asked.
pub async fn unknown_functions(
    of: &Functions,
    functions: impl IntoIterator<Item = &str>,
) -> Result<Vec<String>, AwsError> {
    let mut unknown = Vec::new();
    for function in functions {
        let (name, qualifier) = split(function);
        let answer = of
            .get()
            .get_function_configuration()
            .function_name(name)
            .set_qualifier(qualifier.map(str::to_owned))
            .send()
            .await
            .map_err(|error| AwsError::sdk(format!("failed to look at Lambda function {function}"), error));
        match answer {
            Ok(_) => {}
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::Denied) => {
                unknown.push(function.to_owned());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(unknown)
}

fn split(function: &str) -> (&str, Option<&str>) {
    match function.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (function, None),
    }
}

fn returned(output: InvokeOutput) -> Called {
    let log = output.log_result.and_then(|text| base64::decode(text).ok());
    Called::Returned {
        payload: output.payload.map(Blob::into_inner).unwrap_or_default(),
        error: output.function_error,
        log: String::from_utf8_lossy(&log.unwrap_or_default()).into_owned(),
    }
}

fn failed(function: &str, error: SdkError<InvokeError, HttpResponse>) -> Called {
    if matches!(error, SdkError::TimeoutError(_)) {
        return Called::TimedOut;
    }
    let later = error.as_service_error().is_some_and(is_for_later);
    let answered = error.as_service_error().is_some();
    let error = AwsError::sdk(format!("failed to call Lambda function {function}"), error);
    match error.kind {
        _ if later => Called::NotRun(error.cause),
        Kind::Throttled => Called::NotRun(error.cause),
        Kind::NotFound | Kind::Denied | Kind::Invalid | Kind::Conflict => Called::Refused(error.cause),
        Kind::Other if answered => Called::Refused(error.cause),
        Kind::Transient | Kind::Other => {
            tracing::warn!(function, error = %error.cause, "the answer of a function was lost");
            Called::Lost(error.cause)
        }
    }
}

/// Refusals before the function runs that pass by themselves (Lambda API Reference, `Invoke`, "Errors").
fn is_for_later(error: &InvokeError) -> bool {
    error.is_too_many_requests_exception()
        || error.is_ec2_throttled_exception()
        || error.is_eni_limit_reached_exception()
        || error.is_eni_not_ready_exception()
        || error.is_subnet_ip_address_limit_reached_exception()
        || error.is_resource_conflict_exception()
        || error.is_resource_not_ready_exception()
        || error.is_snap_start_not_ready_exception()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_with_or_without_an_alias() {
        assert_eq!(split("web-load:live"), ("web-load", Some("live")));
        assert_eq!(split("web-load"), ("web-load", None));
    }
}
