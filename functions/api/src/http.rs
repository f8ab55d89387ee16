//! Requests and answers of a Lambda function URL.

use aws_lambda_events::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlResponse};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tidegate_core::spec::Problem;
use tidegate_lambda::FunctionError;

use crate::model::ErrorAnswer;

/// The largest body that is read: a deployment file may have 256 KiB.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// An answer that is no success.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// The caller may not.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It can't be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// The deployment file has problems.
    #[error("the deployment file can't be used: {}", said(.0))]
    BadFile(Vec<Problem>),
    /// Something of AWS failed.
    #[error(transparent)]
    Function(#[from] FunctionError),
}

/// The first problem in words, and where the others are to be found.
fn said(problems: &[Problem]) -> String {
    let first = problems.first().map_or_else(String::new, |problem| {
        format!("line {}: {}", problem.line, problem.message)
    });
    match problems.len() {
        0 | 1 => first,
        many => format!("{first} (and {} more; `tidegate lint` shows them all)", many - 1),
    }
}

impl ApiError {
    /// Others wrote it each time that it was tried.
    pub(crate) fn keeps_changing(what: impl std::fmt::Display) -> Self {
        Self::Conflict(format!("{what} keeps changing; try again"))
    }

    const fn status(&self) -> i64 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::Conflict(_) => 409,
            Self::BadFile(_) => 422,
            Self::Function(error) => match error {
                FunctionError::NotFound(_) => 404,
                FunctionError::Invalid(_) => 400,
                FunctionError::Conflict(_) => 409,
                FunctionError::AbortRequested(_)
                | FunctionError::StaleEpoch
                | FunctionError::Corrupt(_)
                | FunctionError::Aws(_) => 502,
            },
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::Forbidden(_) => "Forbidden",
            Self::NotFound(_) => "NotFound",
            Self::Conflict(_) => "Conflict",
            Self::BadFile(_) => "BadDeploymentFile",
            Self::Function(error) => error.name(),
        }
    }
}

impl From<tidegate_aws::store::StoreError> for ApiError {
    fn from(error: tidegate_aws::store::StoreError) -> Self {
        Self::Function(error.into())
    }
}

impl From<tidegate_aws::error::AwsError> for ApiError {
    fn from(error: tidegate_aws::error::AwsError) -> Self {
        Self::Function(error.into())
    }
}

/// The body's bytes.
///
/// # Errors
/// A body that is too large or not what it says it is.
pub(crate) fn body(request: &LambdaFunctionUrlRequest) -> Result<Vec<u8>, ApiError> {
    let text = request.body.as_deref().unwrap_or_default();
    if text.len() > MAX_BODY_BYTES {
        return Err(ApiError::BadRequest(format!(
            "the body is larger than {MAX_BODY_BYTES} bytes"
        )));
    }
    if request.is_base64_encoded {
        return BASE64_STANDARD
            .decode(text)
            .map_err(|error| ApiError::BadRequest(format!("the body is not base64: {error}")));
    }
    Ok(text.as_bytes().to_vec())
}

/// The body as JSON; an empty one as `{}`.
///
/// # Errors
/// A body that is not what the route takes.
pub(crate) fn json_body<T: DeserializeOwned>(request: &LambdaFunctionUrlRequest) -> Result<T, ApiError> {
    let body = body(request)?;
    let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
    serde_json::from_slice(body)
        .map_err(|error| ApiError::BadRequest(format!("failed to read the body: {error}")))
}

/// A success.
pub(crate) fn answer<T: Serialize>(value: &T) -> LambdaFunctionUrlResponse {
    respond(
        200,
        serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned()),
    )
}

/// Anything else.
pub(crate) fn error_answer(error: ApiError) -> LambdaFunctionUrlResponse {
    let message = match &error {
        ApiError::Function(inner) => inner.describe(),
        ApiError::BadRequest(_)
        | ApiError::Forbidden(_)
        | ApiError::NotFound(_)
        | ApiError::Conflict(_)
        | ApiError::BadFile(_) => error.to_string(),
    };
    let (status, name) = (error.status(), error.name().to_owned());
    let problems = match error {
        ApiError::BadFile(problems) => problems,
        _ => Vec::new(),
    };
    let answer = ErrorAnswer {
        error: name,
        message,
        problems,
    };
    respond(
        status,
        serde_json::to_string(&answer).unwrap_or_else(|_| "{}".to_owned()),
    )
}

fn respond(status: i64, body: String) -> LambdaFunctionUrlResponse {
    let mut response = LambdaFunctionUrlResponse::default();
    response.status_code = status;
    if let Ok(json) = "application/json".parse() {
        response.headers.insert("content-type", json);
    }
    response.body = Some(body);
    response
}
