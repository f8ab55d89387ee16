//! Services that say by method and path what they are asked: AppConfig, Lambda, S3, Scheduler.
//!
//! A request's path, query, headers and body are gathered into one object, as
//! if it had come in JSON, so that its operation is answered as any other.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Request, Service, query};

/// Which operation a method and a path are, and where its members go.
pub(super) struct Route {
    /// The service.
    pub(super) service: Service,
    /// What it is called in signatures.
    signed: &'static str,
    method: &'static str,
    /// Segments as `{Member}`; `{Member+}` is the whole rest.
    path: &'static str,
    /// The operation.
    pub(super) operation: &'static str,
    /// Headers of the request and the members that they are, in small letters.
    asked: &'static [(&'static str, &'static str)],
    /// The member that the request's body is, where it is not JSON of its own.
    body: Option<&'static str>,
    /// Members of the answer and the headers that they become.
    pub(super) told: &'static [(&'static str, &'static str)],
    /// The member of the answer that its body is, where it is not JSON of its own.
    pub(super) payload: Option<&'static str>,
    /// HTTP status of a good answer.
    pub(super) status: u16,
}

/// A route whose request and answer are JSON.
const fn json(
    service: Service,
    signed: &'static str,
    method: &'static str,
    path: &'static str,
    operation: &'static str,
) -> Route {
    Route {
        service,
        signed,
        method,
        path,
        operation,
        asked: &[],
        body: None,
        told: &[],
        payload: None,
        status: 200,
    }
}

const ROUTES: [Route; 17] = [
    json(
        Service::Scheduler,
        "scheduler",
        "POST",
        "/schedules/{Name}",
        "CreateSchedule",
    ),
    json(
        Service::Scheduler,
        "scheduler",
        "GET",
        "/schedules/{Name}",
        "GetSchedule",
    ),
    json(
        Service::Lambda,
        "lambda",
        "GET",
        "/2015-03-31/functions/{FunctionName}/configuration",
        "GetFunctionConfiguration",
    ),
    appconfig("GET", "/applications", "ListApplications"),
    appconfig("GET", "/deploymentstrategies", "ListDeploymentStrategies"),
    appconfig(
        "GET",
        "/applications/{ApplicationId}/environments",
        "ListEnvironments",
    ),
    appconfig(
        "GET",
        "/applications/{ApplicationId}/configurationprofiles",
        "ListConfigurationProfiles",
    ),
    appconfig(
        "GET",
        "/applications/{ApplicationId}/configurationprofiles/{ConfigurationProfileId}/hostedconfigurationversions",
        "ListHostedConfigurationVersions",
    ),
    Route {
        told: HOSTED,
        payload: Some("Content"),
        ..appconfig(
            "GET",
            "/applications/{ApplicationId}/configurationprofiles/{ConfigurationProfileId}/hostedconfigurationversions/{VersionNumber}",
            "GetHostedConfigurationVersion",
        )
    },
    Route {
        asked: &[
            ("description", "Description"),
            ("latest-version-number", "LatestVersionNumber"),
        ],
        body: Some("Content"),
        told: HOSTED,
        payload: Some("Content"),
        status: 201,
        ..appconfig(
            "POST",
            "/applications/{ApplicationId}/configurationprofiles/{ConfigurationProfileId}/hostedconfigurationversions",
            "CreateHostedConfigurationVersion",
        )
    },
    appconfig(
        "GET",
        "/applications/{ApplicationId}/environments/{EnvironmentId}/deployments",
        "ListDeployments",
    ),
    Route {
        status: 201,
        ..appconfig(
            "POST",
            "/applications/{ApplicationId}/environments/{EnvironmentId}/deployments",
            "StartDeployment",
        )
    },
    Route {
        asked: &[("allow-revert", "AllowRevert")],
        status: 202,
        ..appconfig(
            "DELETE",
            "/applications/{ApplicationId}/environments/{EnvironmentId}/deployments/{DeploymentNumber}",
            "StopDeployment",
        )
    },
    Route {
        asked: &[
            ("x-amz-invocation-type", "InvocationType"),
            ("x-amz-log-type", "LogType"),
        ],
        body: Some("Payload"),
        told: &[
            ("FunctionError", "x-amz-function-error"),
            ("ExecutedVersion", "x-amz-executed-version"),
            ("LogResult", "x-amz-log-result"),
        ],
        payload: Some("Payload"),
        ..json(
            Service::Lambda,
            "lambda",
            "POST",
            "/2015-03-31/functions/{FunctionName}/invocations",
            "Invoke",
        )
    },
    Route {
        told: OBJECT,
        payload: Some("Body"),
        ..json(Service::S3, "s3", "GET", "/{Bucket}/{Key+}", "GetObject")
    },
    Route {
        told: OBJECT,
        payload: Some("Body"),
        ..json(Service::S3, "s3", "HEAD", "/{Bucket}/{Key+}", "HeadObject")
    },
    Route {
        asked: &[
            ("if-none-match", "IfNoneMatch"),
            ("if-match", "IfMatch"),
            ("content-type", "ContentType"),
            ("x-amz-meta-tidegate-entries", "Entries"),
        ],
        body: Some("Body"),
        told: OBJECT,
        payload: Some("Body"),
        ..json(Service::S3, "s3", "PUT", "/{Bucket}/{Key+}", "PutObject")
    },
];

const fn appconfig(method: &'static str, path: &'static str, operation: &'static str) -> Route {
    json(Service::AppConfig, "appconfig", method, path, operation)
}

/// What AppConfig says of a version in headers.
const HOSTED: &[(&str, &str)] = &[
    ("VersionNumber", "version-number"),
    ("ContentType", "content-type"),
    ("Description", "description"),
];

/// What S3 says of an object in headers.
const OBJECT: &[(&str, &str)] = &[
    ("ETag", "etag"),
    ("VersionId", "x-amz-version-id"),
    ("ContentType", "content-type"),
    ("ContentLength", "content-length"),
    ("Entries", "x-amz-meta-tidegate-entries"),
];

/// The operation that a request is, with its members as JSON; none if it is for no such service.
pub(super) fn recognise(request: &Request<'_>) -> Option<(&'static Route, Bytes)> {
    let signed = request.signing_service();
    let path = match signed {
        Some("s3") => bucket_in_path(request),
        Some(_) | None => Cow::Borrowed(request.path),
    };
    let mut members = Map::new();
    let route = ROUTES.iter().find(|route| {
        // Every path could be an object's.
        let meant = signed.map_or(route.service != Service::S3, |name| name == route.signed);
        members.clear();
        meant && route.method.eq_ignore_ascii_case(request.method) && fits(route.path, &path, &mut members)
    })?;
    gather(route, request, &mut members)?;
    serde_json::to_vec(&members).ok().map(|body| (route, body.into()))
}

/// The route of an operation that was recognised.
pub(super) fn route(service: Service, operation: &str) -> Option<&'static Route> {
    ROUTES
        .iter()
        .find(|route| route.service == service && route.operation == operation)
}

/// S3's bucket is in the host or in the path.
fn bucket_in_path<'a>(request: &Request<'a>) -> Cow<'a, str> {
    match request.host.split_once(".s3.") {
        Some((bucket, _)) => Cow::Owned(format!("/{bucket}{}", request.path)),
        None => Cow::Borrowed(request.path),
    }
}

/// Whether a path is of a shape; its members are taken out of it.
fn fits(shape: &str, path: &str, members: &mut Map<String, Value>) -> bool {
    let mut rest = path.trim_start_matches('/');
    for part in shape.trim_start_matches('/').split('/') {
        let name = part.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        if let Some(name) = name.and_then(|name| name.strip_suffix('+')) {
            return !rest.is_empty() && insert(members, name, rest);
        }
        let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
        match name {
            Some(_) if segment.is_empty() => return false,
            Some(name) if !insert(members, name, segment) => return false,
            None if segment != part => return false,
            Some(_) | None => {}
        }
        rest = after;
    }
    rest.is_empty()
}

/// Puts a segment among the members, unless it is badly written.
fn insert(members: &mut Map<String, Value>, name: &str, segment: &str) -> bool {
    let text = segment_text(segment);
    let good = text.is_some();
    members.extend(text.map(|text| (name.to_owned(), text)));
    good
}

/// A segment; in a path, unlike in a query, a plus is a plus.
fn segment_text(text: &str) -> Option<Value> {
    query::unescape(&text.replace('+', "%2B")).map(Value::from)
}

/// Puts query, headers and body beside the members of the path; none if a body is not what it should be.
fn gather(route: &Route, request: &Request<'_>, members: &mut Map<String, Value>) -> Option<()> {
    for (name, value) in query::pairs(request.query.as_bytes())? {
        members.insert(name, value.into());
    }
    for (header, member) in route.asked {
        if let Some(value) = request.header(header) {
            members.insert((*member).to_owned(), value.into());
        }
    }
    match route.body {
        Some(member) => {
            let text = String::from_utf8_lossy(request.body).into_owned();
            members.insert(member.to_owned(), text.into());
        }
        None if request.body.iter().all(u8::is_ascii_whitespace) => {}
        None => members.extend(serde_json::from_slice::<Map<String, Value>>(request.body).ok()?),
    }
    Some(())
}
