//! The local cloud over HTTP: AWS's endpoints for SDKs and the `aws` command line, the `api`
//! function's URL, and what only a local cloud has (`/_local`).

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request as HttpRequest, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cloud::Cloud;
use crate::endpoints::{Reply, Request};
use crate::fleet::{Behaviour, GoldenSpec};
use crate::names::function_of;
use crate::stage::ask;

/// The largest request that is read. DynamoDB's own limit for a transaction is 4 MB.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;

/// `POST /_local/push`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushRequest {
    /// Repository.
    pub repository: String,
    /// Tag.
    pub tag: String,
    /// Digest; a new one where absent.
    #[serde(default)]
    pub digest: Option<String>,
    /// How the version behaves.
    #[serde(default)]
    pub behaviour: Behaviour,
}

/// `POST /_local/services`: makes a golden-path service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceRequest {
    /// Service.
    pub service: String,
    /// Environment.
    pub environment: String,
    /// Tasks.
    pub replicas: u32,
    /// Digest that runs at the beginning.
    #[serde(default)]
    pub digest: Option<String>,
    /// One ECS service instead of two slots.
    #[serde(default)]
    pub single: bool,
}

/// Serves a cloud until the listener fails.
///
/// # Errors
/// Where connections can't be accepted.
pub async fn serve(cloud: Cloud, listener: TcpListener) -> std::io::Result<()> {
    let router = Router::new()
        .route("/_local/health", get(health))
        .route("/_local/push", post(push))
        .route("/_local/services", post(service))
        .route("/api/{*path}", any(api))
        .route("/2015-03-31/functions/{function}/invocations", post(invoke))
        .fallback(aws)
        .with_state(Arc::new(cloud));
    axum::serve(listener, router).await
}

type Shared = Extract<Arc<Cloud>>;

/// Pages of other sites can reach a port of this machine through the browser; a name that is not
/// ours gives them away.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]") && headers.get(header::ORIGIN).is_none()
}

fn refuse(status: StatusCode, error: &str, message: impl Into<String>) -> Response {
    let body = json!({ "error": error, "message": message.into() });
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn foreign() -> Response {
    refuse(
        StatusCode::FORBIDDEN,
        "Forbidden",
        "the local cloud answers only to programs on this machine",
    )
}

async fn health(Extract(cloud): Shared) -> Response {
    let body = json!({ "status": "up", "now": cloud.clock().now().to_string() });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn read<T: serde::de::DeserializeOwned>(request: HttpRequest) -> Result<T, Response> {
    if !is_local(request.headers()) {
        return Err(foreign());
    }
    let bad = |text: String| refuse(StatusCode::BAD_REQUEST, "BadRequest", text);
    let bytes = to_bytes(request.into_body(), MAX_BODY_BYTES)
        .await
        .map_err(|error| bad(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| bad(format!("failed to read the body: {error}")))
}

async fn push(Extract(cloud): Shared, request: HttpRequest) -> Response {
    let asked: PushRequest = match read(request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    if let Some(digest) = &asked.digest
        && digest.parse::<tidegate_core::ids::Digest>().is_err()
    {
        return refuse(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            format!("`{digest}` is no image digest"),
        );
    }
    let event = cloud.with(|state| {
        let digest = asked.digest.as_deref();
        state
            .fleet
            .push_image(&asked.repository, &asked.tag, digest, asked.behaviour.clone())
    });
    let event = event.to_eventbridge();
    let answer = json!({ "repository": asked.repository, "tag": asked.tag, "digest": event["detail"]["image-digest"] });
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

async fn service(Extract(cloud): Shared, request: HttpRequest) -> Response {
    let asked: ServiceRequest = match read(request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let made = cloud.with(|state| {
        state.fleet.create_golden_service(&GoldenSpec {
            service: &asked.service,
            environment: &asked.environment,
            replicas: asked.replicas,
            repository: &asked.service,
            image_digest: asked.digest.as_deref(),
            with_load_balancer: true,
            slots: !asked.single,
        })
    });
    let answer = json!({ "cluster": made.cluster, "services": made.services, "rule": made.rule, "alarms": made.alarms });
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

/// The function URL of `api`. Who is asking is said by `x-tidegate-as`; on AWS, IAM vouches for it.
async fn api(Extract(cloud): Shared, request: HttpRequest) -> Response {
    if !is_local(request.headers()) {
        return foreign();
    }
    let who = request
        .headers()
        .get("x-tidegate-as")
        .and_then(|who| who.to_str().ok())
        .unwrap_or("you")
        .to_owned();
    let method = request.method().as_str().to_owned();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let path = path.strip_prefix("/api").unwrap_or(path).to_owned();
    let body = match to_bytes(request.into_body(), MAX_BODY_BYTES).await {
        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "BadRequest", error.to_string()),
    };
    match ask(&cloud, &who, &method, &path, &body).await {
        Ok((status, body)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            let now = cloud.clock().now().to_string();
            (
                status,
                [
                    ("content-type", "application/json"),
                    ("x-tidegate-now", now.as_str()),
                ],
                body,
            )
                .into_response()
        }
        Err(failure) => refuse(
            StatusCode::BAD_GATEWAY,
            &failure.error_type,
            failure.error_message,
        ),
    }
}

/// `aws lambda invoke`.
async fn invoke(Extract(cloud): Shared, request: HttpRequest) -> Response {
    let name = request.uri().path().split('/').nth(3).and_then(function_of);
    let Some(name) = name else {
        return refuse(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            "Function not found",
        );
    };
    let payload: Value = match read(request).await {
        Ok(payload) => payload,
        Err(response) => return response,
    };
    // As on AWS, a function that fails is a call that succeeded.
    match cloud.invoke(name, payload).await {
        Ok(value) => value.to_string().into_response(),
        Err(failure) => {
            let body = json!({ "errorType": failure.error_type, "errorMessage": failure.error_message });
            ([("x-amz-function-error", "Unhandled")], body.to_string()).into_response()
        }
    }
}

async fn aws(Extract(cloud): Shared, request: HttpRequest) -> Response {
    if !is_local(request.headers()) {
        return foreign();
    }
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = match to_bytes(request.into_body(), MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "BadRequest", error.to_string()),
    };
    reply(cloud.answer(&Request {
        method: method.as_str(),
        // The host is this machine's: what AWS has in hosts is in the path here.
        host: "",
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: &headers,
        body: &body,
    }))
}

fn reply(reply: Reply) -> Response {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(reply.body))
        .unwrap_or_else(|error| refuse(StatusCode::BAD_GATEWAY, "InternalFailure", error.to_string()))
}
