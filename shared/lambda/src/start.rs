//! Start-up of a function: logs, configuration, clients, run. One path, kept short: a cold start is
//! on the way of every rollback.

use std::error::Error;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::level_filters::LevelFilter;

use crate::config::{ConfigError, Lookup, required};
use crate::error::FunctionError;

/// The roots of AWS's own endpoints (Amazon Trust Services). Parsing the system's whole store takes
/// most of a start (7.1 ms against 2.8 ms with one certificate).
const AMAZON_ROOTS: &str = include_str!("../roots/amazon.pem");

/// Runs a function until Lambda ends it.
///
/// `build` makes the handler from clients and configuration; `handle` is called for every event.
///
/// # Errors
/// Bad configuration, or a broken Lambda runtime API.
pub fn run<H, I, O>(
    build: impl FnOnce(&SdkConfig, Lookup<'_>) -> Result<H, ConfigError>,
    handle: impl AsyncFn(&H, I) -> Result<O, FunctionError>,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    I: DeserializeOwned,
    O: Serialize,
{
    start_logs();
    let lookup: Lookup<'_> = &environment;
    let sdk = sdk_config(lookup)?;
    let handler = build(&sdk, lookup)?;
    let (handler, handle) = (&handler, &handle);
    let service = service_fn(move |event: LambdaEvent<I>| async move {
        handle(handler, event.payload).await.map_err(|error| {
            tracing::error!(
                error_name = error.name(),
                error = error.describe(),
                "function failed"
            );
            Diagnostic::from(error)
        })
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(lambda_runtime::run(service))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where functions read the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// JSON lines with the level from `TIDEGATE_LOG` (default `info`), as CloudWatch Logs Insights reads.
fn start_logs() {
    // A level that can't be read must not keep a function from starting.
    let level = environment("TIDEGATE_LOG")
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(level)
        .without_time()
        .with_target(false)
        .init();
}

/// Clients' configuration from the variables that Lambda sets. Credentials there hold as long as
/// the process, so no provider chain is needed.
fn sdk_config(lookup: Lookup<'_>) -> Result<SdkConfig, ConfigError> {
    let credentials = Credentials::new(
        required(lookup, "AWS_ACCESS_KEY_ID")?,
        required(lookup, "AWS_SECRET_ACCESS_KEY")?,
        lookup("AWS_SESSION_TOKEN"),
        None,
        "lambda environment",
    );
    let region = Region::new(required(lookup, "AWS_REGION")?);
    let mut sdk = base_config()
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(https(AMAZON_ROOTS)?)
        .time_source(SystemTimeSource::new());
    sdk.set_endpoint_url(lookup("AWS_ENDPOINT_URL"));
    Ok(sdk.build())
}

/// What holds for every client, on AWS and in the local cloud: the one retry policy, and time limits
/// that leave room for retries within a function's 60 seconds.
pub fn base_config() -> aws_types::sdk_config::Builder {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(std::time::Duration::from_secs(2))
        .operation_attempt_timeout(std::time::Duration::from_secs(6))
        .operation_timeout(std::time::Duration::from_secs(20))
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(timeouts)
        .sleep_impl(TokioSleep::new())
}

/// An HTTPS client that trusts the given roots (PEM) and nothing else.
///
/// # Errors
/// Where the roots can't be read.
pub fn https(roots: &str) -> Result<SharedHttpClient, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid {
        name: "(TLS roots)",
        reason,
    };
    let store = TrustStore::empty().with_pem_certificate(roots.as_bytes());
    let context = TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| invalid(error.to_string()))?;
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https())
}
