//! Slack's incoming webhook.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;

/// Tries in one invocation. After the last one the message goes to the log instead, so that a Slack
/// that is down holds nothing else up.
const TRIES: u32 = 3;

/// Between two tries: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long one try may take.
const TRY_LIMIT: Duration = Duration::from_secs(5);

/// Why a message did not get to Slack. The webhook's URL is a secret and never part of it.
#[derive(Debug, thiserror::Error)]
pub enum SlackError {
    /// The URL of the webhook is none.
    #[error("failed to read the webhook's URL")]
    Url,
    /// Slack did not answer.
    #[error("failed to reach Slack: {0}")]
    Unreachable(String),
    /// Slack refused the message.
    #[error("failed to send to Slack: it answered {0}")]
    Refused(u16),
}

/// How to reach Slack: made at the first message, because its roots are the system's whole store.
#[derive(Debug)]
pub struct Connection {
    given: Option<SharedHttpConnector>,
    made: OnceLock<SharedHttpConnector>,
}

impl Connection {
    /// HTTPS with the system's roots.
    pub const fn https() -> Self {
        Self {
            given: None,
            made: OnceLock::new(),
        }
    }

    /// Another HTTP layer beneath.
    pub const fn through(connector: SharedHttpConnector) -> Self {
        Self {
            given: Some(connector),
            made: OnceLock::new(),
        }
    }

    fn connector(&self) -> Result<&SharedHttpConnector, SlackError> {
        if let Some(given) = &self.given {
            return Ok(given);
        }
        if self.made.get().is_none() {
            let store = TrustStore::default();
            let context = TlsContext::builder()
                .with_trust_store(store)
                .build()
                .map_err(|error| SlackError::Unreachable(error.to_string()))?;
            let tls = Provider::Rustls(CryptoMode::Ring);
            let connector = Connector::builder()
                .tls_provider(tls)
                .tls_context(context)
                .build();
            // Whoever was first made the same one.
            let _ = self.made.set(SharedHttpConnector::new(connector));
        }
        self.made
            .get()
            .ok_or_else(|| SlackError::Unreachable("no connection was made".to_owned()))
    }

    /// Sends a message, trying again a few times.
    ///
    /// # Errors
    /// The last try's error.
    pub async fn send(&self, webhook: &str, payload: &serde_json::Value) -> Result<(), SlackError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match self.send_once(webhook, payload).await {
                Ok(()) => return Ok(()),
                // Slack refuses a message for good with 4xx, except when it is asked too often.
                Err(SlackError::Refused(status)) if status < 500 && status != 429 => {
                    return Err(SlackError::Refused(status));
                }
                Err(error) if attempt >= TRIES => return Err(error),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = pause.saturating_mul(2);
        }
        Err(SlackError::Url)
    }

    async fn send_once(&self, webhook: &str, payload: &serde_json::Value) -> Result<(), SlackError> {
        let mut request = HttpRequest::new(SdkBody::from(payload.to_string()));
        request.set_uri(webhook).map_err(|_| SlackError::Url)?;
        request.set_method("POST").map_err(|_| SlackError::Url)?;
        request.headers_mut().insert("content-type", "application/json");
        let call = self.connector()?.call(request);
        let answer = tokio::time::timeout(TRY_LIMIT, call)
            .await
            .map_err(|_| SlackError::Unreachable("no answer in time".to_owned()))?
            .map_err(|error| SlackError::Unreachable(error.to_string()))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(SlackError::Refused(status.as_u16()))
        }
    }
}
