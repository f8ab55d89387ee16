//! The internet beside AWS, in process: names lead where the fleet says, and its services answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError, SharedDnsResolver};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use tidegate_aws::http::Web;

use crate::cloud::Shared;
use crate::endpoints::Reply;
use crate::faults::CallFate;
use crate::http::{cut, place, respond};
use crate::running::Cut;

/// As which operation a request for a page is counted among a function's calls.
const OPERATION: &str = "GetPage";

/// A function's way to the internet.
pub(crate) fn web(shared: &Arc<Shared>, caller: &'static str) -> Web {
    let names = Names {
        shared: Arc::clone(shared),
    };
    let shared = Arc::clone(shared);
    Web::through(SharedDnsResolver::new(names), move |resolver| {
        Ok(SharedHttpConnector::new(Internet {
            shared: Arc::clone(&shared),
            caller,
            resolver,
        }))
    })
}

#[derive(Debug)]
struct Names {
    shared: Arc<Shared>,
}

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let found = self.shared.lock().fleet.resolve(name);
        let found = found.ok_or_else(|| ResolveDnsError::new(format!("no host is called {name}")));
        DnsFuture::ready(found)
    }
}

#[derive(Debug, Clone)]
struct Internet {
    shared: Arc<Shared>,
    caller: &'static str,
    resolver: SharedDnsResolver,
}

impl HttpConnector for Internet {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let internet = self.clone();
        HttpConnectorFuture::new(async move { internet.answer(request).await })
    }
}

impl Internet {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (host, _) = place(request.uri());
        let host = host.split(':').next().unwrap_or_default();
        // As the real connector: an address in the URL itself is asked of no resolver.
        if host.parse::<IpAddr>().is_err() {
            let resolved = self.resolver.resolve_dns(host).await;
            resolved.map_err(|error| ConnectorError::io(error.into()))?;
        }
        let latency = self.shared.latency.call;
        self.shared.clock.sleep(latency / 2).await;
        let fate = self.shared.lock().faults.numbered.fate(self.caller, OPERATION);
        let page = || {
            let now = self.shared.clock.now();
            let mut state = self.shared.lock();
            // What has happened until now is seen by the page, too.
            state.fleet.run_to(now);
            state.fleet.page(host)
        };
        let page = match fate {
            CallFate::Normal => page(),
            CallFate::Throttle(_) => crate::fleet::PageAnswer {
                status: 429,
                ..crate::fleet::PageAnswer::default()
            },
            CallFate::KillBefore => return respond(cut(Cut::Crashed).await?),
            CallFate::KillAfter => {
                page();
                return respond(cut(Cut::Crashed).await?);
            }
            CallFate::LoseReply => {
                page();
                return Err(ConnectorError::io("the connection was reset by the peer".into()));
            }
            CallFate::Stall => return respond(cut(Cut::Stalled).await?),
            CallFate::Straggle(_) => std::future::pending().await,
        };
        let seconds = Duration::from_secs(page.seconds.into());
        self.shared.clock.sleep(latency / 2 + seconds).await;
        respond(Reply {
            status: page.status,
            headers: page.headers,
            body: page.body.into_bytes(),
        })
    }
}
