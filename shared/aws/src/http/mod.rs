//! HTTP tests: pages of a deployed service, asked as anybody could ask them.
//!
//! Where a page lies is said by a deployment file, which is not trusted: the guard stands in the
//! resolver, so that the address that was looked at is the one that is dialled, and each redirect is
//! looked at again. An address that stands in the URL itself never gets to a resolver, so it is looked at
//! before.

mod join;
mod resolve;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::dns::SharedDnsResolver;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use tidegate_core::deployment::Deployment;
use tidegate_core::http::{
    BODY_LIMIT, Host, HttpTest, HttpTry, HttpUrl, Identity, MAX_REDIRECTS, Page, VersionPlace, fit, judge,
    refusal,
};
use tidegate_core::observation::Question;

pub use resolve::{Guarded, RefusedAddress, System};

/// Makes a connector on a resolver.
type Dial = dyn Fn(SharedDnsResolver) -> Result<SharedHttpConnector, String> + Send + Sync;

/// The way to pages on the internet. Connections are made when the first page is asked for: the
/// system's roots take a while to read, and most deployments ask for none.
#[derive(Clone)]
pub struct Web {
    resolver: SharedDnsResolver,
    dial: Arc<Dial>,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

impl Web {
    /// The internet, with the system's resolver and roots.
    pub fn internet() -> Self {
        Self::through(SharedDnsResolver::new(System), connector)
    }

    /// Another resolver, and another HTTP layer beneath. `dial` gets the resolver with the guard around
    /// it, and must ask it for every name.
    pub fn through(
        resolver: SharedDnsResolver,
        dial: impl Fn(SharedDnsResolver) -> Result<SharedHttpConnector, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            resolver,
            dial: Arc::new(dial),
        }
    }

    /// Tries the tests that are due, all at the same time. `now` tells the time.
    pub async fn try_tests(
        &self,
        deployment: &Deployment,
        question: &Question,
        now: impl Fn() -> Timestamp,
    ) -> BTreeMap<String, HttpTry> {
        let validate = &deployment.spec.validate;
        let due: Vec<(&HttpTest, u32)> = validate
            .http
            .iter()
            .filter_map(|test| Some((test, *question.http().get(&test.name)?)))
            .collect();
        let Some(plan) = deployment.plan.as_ref().filter(|_| !due.is_empty()) else {
            return BTreeMap::new();
        };
        let identity = Identity {
            tag: deployment.revision.tag.as_deref(),
            digest: deployment.revision.digest.as_str(),
            commit: plan
                .evidence
                .as_ref()
                .and_then(|known| Some(known.commit.as_ref()?.as_str())),
        };
        let guarded = Guarded::new(self.resolver.clone(), validate.allow_private);
        let connector = (self.dial)(SharedDnsResolver::new(guarded));
        let tries = due.into_iter().map(|(test, number)| {
            let asking = Asking {
                test,
                url: test.url_of(plan.candidate),
                identity,
                connector: connector.as_ref(),
                allow_private: validate.allow_private,
            };
            let now = &now;
            async move { (test.name.clone(), asking.once(number, now).await) }
        });
        join::all(tries).await.into_iter().collect()
    }
}

/// HTTPS with the system's roots. No connection is kept: each try resolves and dials anew, as a customer
/// who comes for the first time.
fn connector(resolver: SharedDnsResolver) -> Result<SharedHttpConnector, String> {
    let context = TlsContext::builder()
        .with_trust_store(TrustStore::default())
        .build()
        .map_err(|error| format!("the system's roots can't be read: {error}"))?;
    let connector = Connector::builder()
        .pool_max_idle_per_host(0)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_with_resolver(resolver);
    Ok(SharedHttpConnector::new(connector))
}

/// One test and how to try it.
struct Asking<'a> {
    test: &'a HttpTest,
    url: String,
    identity: Identity<'a>,
    connector: Result<&'a SharedHttpConnector, &'a String>,
    allow_private: bool,
}

/// What came of a try: the last status that was seen, and what was wrong.
struct Came {
    status: Option<u16>,
    problem: Option<String>,
}

impl Came {
    fn wrong(status: Option<u16>, problem: impl AsRef<str>) -> Self {
        Self {
            status,
            problem: Some(fit(problem.as_ref())),
        }
    }
}

impl Asking<'_> {
    async fn once(&self, number: u32, now: &impl Fn() -> Timestamp) -> HttpTry {
        let began = now();
        let limit = Duration::from_secs(self.test.timeout_seconds.into());
        let slow = || {
            let seconds = self.test.timeout_seconds;
            Came::wrong(None, format!("there was no answer within {seconds} s"))
        };
        let came = tokio::time::timeout(limit, self.ask()).await;
        let took = now().duration_since(began);
        let came = match came {
            // In a cloud whose time runs faster, the time that counts is its own.
            Ok(came) if took.unsigned_abs() <= limit => came,
            Ok(_) | Err(_) => slow(),
        };
        HttpTry {
            number,
            of: self.test.tries(),
            status: came.status,
            millis: u32::try_from(took.as_millis().max(0)).unwrap_or(u32::MAX),
            problem: came.problem,
        }
    }

    async fn ask(&self) -> Came {
        let connector = match self.connector {
            Ok(connector) => connector,
            Err(reason) => return Came::wrong(None, reason),
        };
        let mut url = match HttpUrl::parse(&self.url) {
            Ok(url) => url,
            Err(problem) => return Came::wrong(None, format!("its URL can't be asked: {problem}")),
        };
        let mut status = None;
        for _ in 0..=MAX_REDIRECTS {
            let answer = match self.get(connector, &url).await {
                Ok(answer) => answer,
                Err(problem) => return Came::wrong(status, problem),
            };
            let code = answer.status().as_u16();
            status = Some(code);
            let location = answer.headers().get("location");
            let followed = matches!(code, 301 | 302 | 303 | 307 | 308) && code != self.test.status;
            match location.filter(|_| followed).map(|to| url.redirect(to)) {
                None => return self.read(answer).await,
                Some(Ok(next)) => url = next,
                Some(Err(problem)) => return Came::wrong(status, problem),
            }
        }
        Came::wrong(status, format!("it redirects more than {MAX_REDIRECTS} times"))
    }

    async fn get(&self, connector: &SharedHttpConnector, url: &HttpUrl) -> Result<HttpResponse, String> {
        if let Host::Address(address) = url.host
            && let Some(reason) = refusal(address, self.allow_private)
        {
            return Err(format!("its URL is refused: {reason}"));
        }
        let mut request = HttpRequest::new(SdkBody::empty());
        request
            .set_uri(url.to_string())
            .map_err(|_| "its URL can't be asked".to_owned())?;
        let headers = request.headers_mut();
        headers.insert("user-agent", "tidegate");
        headers.insert("accept", "*/*");
        headers.insert("accept-encoding", "identity");
        connector
            .call(request)
            .await
            .map_err(|error| unanswered(&url.host, &error))
    }

    async fn read(&self, answer: HttpResponse) -> Came {
        let status = answer.status().as_u16();
        let header = match &self.test.version {
            Some(VersionPlace::Header(name)) => answer.headers().get(name).map(str::to_owned),
            Some(VersionPlace::Json(_)) | None => None,
        };
        let (body, cut) = match body(answer.into_body()).await {
            Ok(read) => read,
            Err(reason) => return Came::wrong(Some(status), format!("the body broke off: {reason}")),
        };
        let page = Page {
            status,
            header: header.as_deref(),
            body: &body,
            cut,
        };
        Came {
            status: Some(status),
            problem: judge(self.test, self.identity, page).err(),
        }
    }
}

/// The first part of a body, and whether there was more.
async fn body(body: SdkBody) -> Result<(Vec<u8>, bool), String> {
    let mut stream = ByteStream::new(body);
    let mut read: Vec<u8> = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| innermost(&error).to_string())?;
        let room = BODY_LIMIT.saturating_sub(read.len());
        read.extend(chunk.iter().take(room));
        if chunk.len() > room {
            return Ok((read, true));
        }
    }
    Ok((read, false))
}

/// Why there was no answer, in words.
fn unanswered(host: &Host, error: &(dyn Error + 'static)) -> String {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refused) = error.downcast_ref::<RefusedAddress>() {
            return format!("{host} is refused: {refused}");
        }
        next = error.source();
    }
    format!("{host} did not answer: {}", innermost(error))
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
