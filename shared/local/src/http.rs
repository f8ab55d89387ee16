//! The SDK's HTTP layer, in process: a request is recognised, answered by the state, and given back.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::cloud::Shared;
use crate::driver::FUNCTION_TIMEOUT;
use crate::endpoints::{Call, Reply, Request, TELLING, parse, seconds_of};
use crate::faults::CallFate;
use crate::running::{Cut, Running};

/// A request that was sent as the function's time ran out takes effect this much later.
const IN_FLIGHT: Duration = Duration::from_millis(400);

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
            let body = || request.body().bytes().unwrap_or_default();
            // A configuration goes back to where it is kept, with all that stands in it.
            if !request.uri().ends_with("/hostedconfigurationversions") {
                shared.look_for_secrets(body, || format!("a request of {caller} to {}", request.uri()));
            }
            let reply = match read(&request) {
                Incoming::Slack(body) => shared.slack(&body),
                Incoming::Unreadable(reply) => reply,
                Incoming::Aws(call) => carry(&shared, caller, call).await?,
            };
            shared.clock.sleep(latency / 2).await;
            respond(reply)
        })
    }
}

/// What a request is.
enum Incoming {
    Slack(Bytes),
    Aws(Call),
    Unreadable(Reply),
}

fn read(request: &HttpRequest) -> Incoming {
    let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
    let (host, path) = place(request.uri());
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    if host == "hooks.slack.test" {
        return Incoming::Slack(body);
    }
    let held = request.headers();
    let telling = TELLING
        .into_iter()
        .filter_map(|name| Some((name, held.get(name)?)));
    let headers: Vec<(String, String)> = telling
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let request = Request {
        method: request.method(),
        host,
        path,
        query,
        headers: &headers,
        body: &body,
    };
    match parse(&request) {
        Ok(call) => Incoming::Aws(call),
        Err(reply) => Incoming::Unreadable(reply),
    }
}

/// Host and path of what the SDK made: an absolute address without a user or a port.
pub(crate) fn place(uri: &str) -> (&str, &str) {
    let (_, rest) = uri.split_once("://").unwrap_or(("", uri));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    (host, if path.is_empty() { "/" } else { path })
}

/// Answers a call, unless something is to go wrong with it.
async fn carry(shared: &Arc<Shared>, caller: &'static str, call: Call) -> Result<Reply, ConnectorError> {
    let fate = shared.lock().faults.numbered.fate(caller, &call.operation);
    match fate {
        CallFate::Normal => {
            let reply = shared.serve(caller, &call);
            // Whoever calls a function waits for it.
            let seconds = seconds_of(&shared.lock().fleet, &call);
            if seconds > 0 {
                shared.clock.sleep(Duration::from_secs(seconds.into())).await;
            }
            Ok(reply)
        }
        CallFate::Throttle(_) => Ok(shared.throttle(caller, &call)),
        CallFate::KillBefore => cut(Cut::Crashed).await,
        CallFate::KillAfter => {
            shared.serve(caller, &call);
            cut(Cut::Crashed).await
        }
        CallFate::LoseReply => {
            shared.serve(caller, &call);
            shared.clock.sleep(shared.latency.call / 2).await;
            Err(ConnectorError::io("the connection was reset by the peer".into()))
        }
        CallFate::Stall => {
            let since = Running::current().map_or_else(|| shared.clock.now(), |running| running.since);
            land_late(shared, caller, call, later(since, FUNCTION_TIMEOUT + IN_FLIGHT));
            cut(Cut::Stalled).await
        }
        CallFate::Straggle(seconds) => {
            let then = later(shared.clock.now(), Duration::from_secs(seconds.into()));
            land_late(shared, caller, call, then);
            std::future::pending().await
        }
    }
}

/// Ends the run that this call belongs to; it is never polled again.
pub(crate) async fn cut(how: Cut) -> Result<Reply, ConnectorError> {
    if let Some(running) = Running::current() {
        running.cut(how);
    }
    std::future::pending().await
}

/// A request that is on its way outlives whoever sent it.
fn land_late(shared: &Arc<Shared>, caller: &'static str, call: Call, then: Timestamp) {
    let shared = Arc::clone(shared);
    shared.lock().underway += 1;
    tokio::task::spawn_local(async move {
        shared.clock.sleep_until(then).await;
        shared.serve(caller, &call);
        let mut state = shared.lock();
        state.underway = state.underway.saturating_sub(1);
    });
}

fn later(since: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time)
        .ok()
        .and_then(|time| since.checked_add(time).ok())
        .unwrap_or(since)
}

pub(crate) fn respond(reply: Reply) -> Result<HttpResponse, ConnectorError> {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::place;
    use crate::cloud::Options;
    use crate::fleet::ParameterKind;

    #[test]
    fn the_place_of_a_request_is_its_host_and_its_path() {
        for (uri, host, path) in [
            (
                "https://ecs.eu-west-1.amazonaws.com/",
                "ecs.eu-west-1.amazonaws.com",
                "/",
            ),
            ("https://hooks.slack.test", "hooks.slack.test", "/"),
            (
                "http://a/service/B/operation/C?x=/y",
                "a",
                "/service/B/operation/C",
            ),
            ("/only/a/path", "", "/only/a/path"),
        ] {
            assert_eq!(place(uri), (host, path), "{uri}");
        }
    }

    #[tokio::test]
    async fn a_secret_in_a_request_is_noticed() {
        let (cloud, _driver) = crate::cloud::Cloud::new(&Options::virtual_time(1)).unwrap();
        let ssm = aws_sdk_ssm::Client::new(&cloud.sdk_config());
        cloud.with(|state| {
            state
                .fleet
                .set_parameter("/web/key", "hunter2", ParameterKind::Secure);
            state
                .fleet
                .set_parameter("/web/size", "large", ParameterKind::Text);
        });
        let put = async |value: &str| {
            let put = ssm
                .put_parameter()
                .name("/web/other")
                .value(value)
                .overwrite(true);
            // Whether it is taken is not the question.
            put.r#type(aws_sdk_ssm::types::ParameterType::String)
                .send()
                .await
                .ok();
            cloud.with(|state| state.leaks.len())
        };
        assert_eq!(put("large").await, 0);
        assert_eq!(put("was hunter2").await, 1);
    }
}
