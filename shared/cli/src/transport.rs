//! One HTTP exchange: to the local cloud as it is, to AWS signed with SigV4.

use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_types::SdkConfig;
use aws_types::region::Region;
use http::{HeaderValue, Method, Request, Uri};
use jiff::Timestamp;

use crate::clock;
use crate::status::CliError;

/// Until a connection stands.
const CONNECT_SECONDS: u64 = 3;

/// Until an answer is there. A function URL answers within its function's time limit or not at all.
const READ_SECONDS: u64 = 35;

/// The local cloud says what time it has, which may run faster than ours.
const NOW_HEADER: &str = "x-tidegate-now";

/// The way to Tidegate.
#[derive(Debug)]
pub struct Transport {
    base: String,
    connector: Connector,
    door: Door,
}

/// Which Tidegate, and how it knows who asks.
#[derive(Debug)]
enum Door {
    Local {
        identity: HeaderValue,
    },
    Aws {
        credentials: SharedCredentialsProvider,
        region: Region,
    },
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What came with it.
    pub body: Vec<u8>,
    /// The time that the server has, where it says.
    pub now: Option<Timestamp>,
}

/// What is sent.
#[derive(Debug, Default)]
pub struct Body {
    /// MIME type.
    pub content_type: &'static str,
    /// As sent.
    pub bytes: Vec<u8>,
}

impl Transport {
    /// To the local cloud, which takes the caller's word for who it is.
    ///
    /// # Errors
    /// An address or a name that can't be used.
    pub fn local(endpoint: &str, identity: &str) -> Result<Self, CliError> {
        let base = base_of(endpoint, "--endpoint")?;
        let identity = HeaderValue::from_str(identity).map_err(|_| {
            CliError::Usage(format!(
                "`{identity}` can't be sent as a name: use --as with plain letters"
            ))
        })?;
        Ok(Self {
            connector: connector(&base),
            base,
            door: Door::Local { identity },
        })
    }

    /// To a function URL on AWS.
    ///
    /// # Errors
    /// An address that can't be used, or nothing to sign with.
    pub fn aws(url: &str, config: &SdkConfig) -> Result<Self, CliError> {
        let base = base_of(url, "--api-url")?;
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| no_credentials("no provider is configured"))?;
        let region = config.region().cloned().ok_or_else(|| {
            CliError::Usage("no AWS region is known: add --region or set AWS_REGION".to_owned())
        })?;
        Ok(Self {
            connector: connector(&base),
            base,
            door: Door::Aws { credentials, region },
        })
    }

    /// Whether this is the local cloud.
    pub const fn is_local(&self) -> bool {
        match self.door {
            Door::Local { .. } => true,
            Door::Aws { .. } => false,
        }
    }

    /// The address, for messages.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and waits for its answer, whatever its status.
    ///
    /// # Errors
    /// Where no answer came.
    pub async fn send(&self, method: Method, path: &str, body: Body) -> Result<Answer, CliError> {
        let request = self.request(method, path, body).await?;
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| unusable(&error))?;
        let response = self.connector.call(request).await.map_err(|error| {
            let causes = chain(&error);
            self.unreachable(&causes)
        })?;
        let status = response.status().as_u16();
        let now = response
            .headers()
            .get(NOW_HEADER)
            .and_then(|text| text.parse().ok());
        let body = ByteStream::new(response.into_body())
            .collect()
            .await
            .map_err(|error| self.unreachable(&format!("the answer broke off: {error}")))?;
        Ok(Answer {
            status,
            body: body.to_vec(),
            now,
        })
    }

    async fn request(&self, method: Method, path: &str, body: Body) -> Result<Request<Vec<u8>>, CliError> {
        let url = format!("{}{path}", self.base);
        let mut request = Request::builder().method(method).uri(&url);
        if !body.content_type.is_empty() {
            request = request.header("content-type", body.content_type);
        }
        let mut request = request.body(body.bytes).map_err(|error| unusable(&error))?;
        match &self.door {
            Door::Local { identity } => {
                request.headers_mut().insert("x-tidegate-as", identity.clone());
            }
            Door::Aws { credentials, region } => sign_request(&mut request, credentials, region).await?,
        }
        Ok(request)
    }

    fn unreachable(&self, cause: &str) -> CliError {
        CliError::Unreachable(match self.door {
            Door::Local { .. } => format!(
                "can't reach the local cloud at {} ({cause}): start it with `cargo run -- up`, or say where it is \
                 with --endpoint; for AWS use --api-url",
                self.base
            ),
            Door::Aws { .. } => format!(
                "can't reach Tidegate at {} ({cause}): check --api-url (the stack's output `ApiUrl`) and the network",
                self.base
            ),
        })
    }
}

/// Signs for Lambda, whose function URL checks the signature before our code runs.
async fn sign_request(
    request: &mut Request<Vec<u8>>,
    credentials: &SharedCredentialsProvider,
    region: &Region,
) -> Result<(), CliError> {
    let credentials = credentials
        .provide_credentials()
        .await
        .map_err(|error| no_credentials(&chain(&error)))?;
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region.as_ref())
        .name("lambda")
        .time(clock::now().into())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unusable(&error))?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers,
        SignableBody::Bytes(request.body()),
    )
    .map_err(|error| unusable(&error))?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| unusable(&error))?
        .into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

fn connector(base: &str) -> Connector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
        .read_timeout(Duration::from_secs(READ_SECONDS))
        .build();
    let builder = Connector::builder()
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new());
    if base.starts_with("https:") {
        builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    } else {
        // Root certificates are read only where they are needed: they may not be installed.
        builder.build_http()
    }
}

/// An address without its last slash.
fn base_of(url: &str, option: &str) -> Result<String, CliError> {
    let wrong = || {
        CliError::Usage(format!(
            "`{url}` is no address for {option}: it looks like https://host or http://host:port"
        ))
    };
    let base = url.trim().trim_end_matches('/');
    let uri: Uri = base.parse().map_err(|_| wrong())?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    if web && uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none() {
        Ok(base.to_owned())
    } else {
        Err(wrong())
    }
}

fn no_credentials(cause: &str) -> CliError {
    CliError::Unreachable(format!(
        "no AWS credentials ({cause}): run `aws configure`, choose a --profile, or after `aws sso login` run \
         `eval \"$(aws configure export-credentials --format env)\"`"
    ))
}

fn unusable(error: &dyn std::error::Error) -> CliError {
    CliError::Usage(format!("failed to make the request: {error}"))
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_last_slash() {
        assert_eq!(
            base_of("http://127.0.0.1:4577/", "--endpoint").unwrap(),
            "http://127.0.0.1:4577"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "localhost:4577",
            "ftp://host",
            "https://",
            "https://host/?a=b",
        ] {
            assert!(
                matches!(base_of(url, "--endpoint"), Err(CliError::Usage(_))),
                "{url}"
            );
        }
    }

    #[test]
    fn requests_to_aws_are_signed_for_lambda() {
        let credentials = aws_credential_types::Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            Some("token".into()),
            None,
            "test",
        );
        let mut request = Request::builder()
            .method("POST")
            .uri("https://abc.lambda-url.eu-west-1.on.aws/deployments")
            .header("content-type", "application/json")
            .body(b"{}".to_vec())
            .unwrap();
        let provider = SharedCredentialsProvider::new(credentials);
        let region = Region::from_static("eu-west-1");
        let signing = sign_request(&mut request, &provider, &region);
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(signing)
            .unwrap();
        let authorization = request.headers().get("authorization").unwrap().to_str().unwrap();
        assert!(
            authorization.contains("/eu-west-1/lambda/aws4_request"),
            "{authorization}"
        );
        assert!(
            authorization.contains("content-type;host;x-amz-date"),
            "{authorization}"
        );
        assert_eq!(request.headers().get("x-amz-security-token").unwrap(), "token");
    }
}
