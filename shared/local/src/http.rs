//! The SDK's HTTP layer, in process: a request is recognised, answered by the state, and given back.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use crate::cloud::Shared;
use crate::endpoints::{Reply, Request};

/// The HTTP client that is given to the SDK.
#[derive(Debug, Clone)]
pub struct InProcess {
    shared: Arc<Shared>,
    caller: &'static str,
}

impl InProcess {
    /// A client whose calls are noted under a name, such as the function's.
    pub(crate) const fn new(shared: Arc<Shared>, caller: &'static str) -> Self {
        Self { shared, caller }
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let shared = Arc::clone(&self.shared);
        let caller = self.caller;
        HttpConnectorFuture::new(async move {
            let latency = shared.latency.call;
            shared.clock.sleep(latency / 2).await;
            let reply = answer(&shared, caller, &request);
            shared.clock.sleep(latency / 2).await;
            respond(reply)
        })
    }
}

fn answer(shared: &Shared, caller: &'static str, request: &HttpRequest) -> Reply {
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
    let uri: Option<http::Uri> = request.uri().parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    if host == "hooks.slack.test" {
        return shared.slack(&body);
    }
    let path = uri.as_ref().map_or("/", http::Uri::path);
    shared.answer(
        caller,
        &Request {
            path,
            headers: &headers,
            body: &body,
        },
    )
}

fn respond(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    let status = reply
        .status
        .try_into()
        .map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
    for (name, value) in reply.headers {
        response
            .headers_mut()
            .try_append(name, value)
            .map_err(|error| ConnectorError::other(Box::new(error), None))?;
    }
    Ok(response)
}
