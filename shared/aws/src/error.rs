//! One error for every AWS call: what was tried, what AWS said, and whether to try again.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call to AWS that failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct AwsError {
    /// What was tried.
    pub what: String,
    /// What AWS said, or what happened on the way.
    pub cause: String,
    /// What sort of failure it is.
    pub kind: Kind,
    /// AWS's error code, such as `ClusterNotFoundException`, where AWS answered at all.
    pub code: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What sort of failure it is. Decided from types, error codes and the HTTP status, never from a
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls. The same call may work a little later.
    Throttled,
    /// A time-out, a broken connection, or AWS's own fault. Whether the call took effect is unknown.
    Transient,
    /// What the call is about does not exist.
    NotFound,
    /// The caller may not do this.
    Denied,
    /// The call as it is can never work.
    Invalid,
    /// Someone else was there first; look again before deciding anew.
    Conflict,
    /// None of these.
    Other,
}

impl AwsError {
    /// From an SDK call. `what` reads "failed to describe service web-blue in cluster production".
    pub fn sdk<E>(what: impl Into<String>, error: SdkError<E, HttpResponse>) -> Self
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        Self {
            what: what.into(),
            cause: cause_of(&error),
            kind: kind_of(&error),
            code: error.code().map(str::to_owned),
            source: Some(Box::new(error)),
        }
    }

    /// For an answer that is well-formed and yet not what it has to be.
    pub fn answer(what: impl Into<String>, kind: Kind, cause: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            cause: cause.into(),
            kind,
            code: None,
            source: None,
        }
    }

    /// For a failure that an otherwise good answer reports by code, such as an entry of `PutEvents`.
    pub fn reported(what: impl Into<String>, code: &str, message: &str) -> Self {
        Self {
            what: what.into(),
            cause: format!("{code}: {message}"),
            kind: kind_of_code(code).unwrap_or(Kind::Other),
            code: Some(code.to_owned()),
            source: None,
        }
    }

    /// For a call that was not made, because the SDK refused to put its input together.
    #[cfg(any(feature = "dynamodb", feature = "scheduler", feature = "sns"))]
    pub(crate) fn input(what: impl Into<String>, error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            what: what.into(),
            cause: error.to_string(),
            kind: Kind::Invalid,
            code: None,
            source: Some(Box::new(error)),
        }
    }

    /// Whether the same call may work a little later.
    pub const fn is_retryable(&self) -> bool {
        match self.kind {
            Kind::Throttled | Kind::Transient => true,
            Kind::NotFound | Kind::Denied | Kind::Invalid | Kind::Conflict | Kind::Other => false,
        }
    }
}

/// Code and message where AWS answered, else the chain of causes. `SdkError`'s own text says only
/// "service error", and its debug text holds whole answers, so neither is used.
fn cause_of<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
{
    if let Some(code) = error.code() {
        return match error.message() {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        };
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    match error.raw_response() {
        Some(response) => format!("{text} (HTTP {})", response.status().as_u16()),
        None => text,
    }
}

fn kind_of<E>(error: &SdkError<E, HttpResponse>) -> Kind
where
    E: ProvideErrorMetadata,
{
    match error {
        SdkError::ConstructionFailure(_) => Kind::Invalid,
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => Kind::Transient,
        // The connector refused the request itself; everything else happened on the way.
        SdkError::DispatchFailure(failure) if failure.is_user() => Kind::Invalid,
        SdkError::DispatchFailure(_) => Kind::Transient,
        SdkError::ServiceError(failure) => failure
            .err()
            .code()
            .and_then(kind_of_code)
            .unwrap_or_else(|| kind_of_status(failure.raw().status().as_u16())),
        // The SDK's type may grow.
        _ => Kind::Other,
    }
}

fn kind_of_status(status: u16) -> Kind {
    match status {
        429 => Kind::Throttled,
        401 | 403 => Kind::Denied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        400..=499 => Kind::Invalid,
        500.. => Kind::Transient,
        _ => Kind::Other,
    }
}

/// The codes of the operations that Tidegate calls and of AWS's common errors; the throttling ones
/// are those that AWS's SDKs retry (AWS SDKs and Tools Reference Guide, "Retry behavior").
fn kind_of_code(code: &str) -> Option<Kind> {
    Some(match code {
        "BandwidthLimitExceeded"
        | "PriorRequestNotComplete"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "Throttled"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "TransactionInProgressException" => Kind::Throttled,
        "InternalError"
        | "InternalErrorException"
        | "InternalException"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServiceError"
        | "InternalServiceFault"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServerException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => Kind::Transient,
        "ClusterNotFoundException"
        | "DBClusterNotFoundFault"
        | "DBClusterSnapshotNotFoundFault"
        | "DBInstanceNotFound"
        | "DBSnapshotNotFound"
        | "DashboardNotFoundError"
        | "ExecutionDoesNotExist"
        | "ImageNotFoundException"
        | "ListenerNotFound"
        | "LoadBalancerNotFound"
        | "NotFound"
        | "NotFoundException"
        | "RepositoryNotFoundException"
        | "ResourceNotFound"
        | "ResourceNotFoundException"
        | "RuleNotFound"
        | "ServiceNotActiveException"
        | "ServiceNotFoundException"
        | "StateMachineDoesNotExist"
        | "TableNotFoundException"
        | "TargetGroupNotFound"
        | "TaskDoesNotExist" => Kind::NotFound,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "NotAuthorized"
        | "NotAuthorizedForDetailTypeException"
        | "NotAuthorizedForSourceException"
        | "SignatureDoesNotMatch"
        | "UnauthorizedOperation"
        | "UnrecognizedClientException" => Kind::Denied,
        "BackupInUseException"
        | "ConcurrentModificationException"
        | "ConditionalCheckFailedException"
        | "ConflictException"
        | "DBClusterSnapshotAlreadyExistsFault"
        | "DBSnapshotAlreadyExists"
        | "ExecutionAlreadyExists"
        | "IdempotentParameterMismatchException"
        | "InvalidDBClusterStateFault"
        | "InvalidDBInstanceState"
        | "ResourceInUse"
        | "ResourceInUseException"
        | "TableInUseException"
        | "TransactionCanceledException"
        | "TransactionConflictException"
        | "UpdateInProgressException" => Kind::Conflict,
        // Everything else is told apart by the HTTP status.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::metadata::ErrorMetadata;

    #[derive(Debug, thiserror::Error)]
    #[error("service said no")]
    struct Refusal(ErrorMetadata);

    impl ProvideErrorMetadata for Refusal {
        fn meta(&self) -> &ErrorMetadata {
            &self.0
        }
    }

    fn refused(code: Option<&str>, status: u16) -> AwsError {
        let mut meta = ErrorMetadata::builder().message("slow down please, not found");
        if let Some(code) = code {
            meta = meta.code(code);
        }
        let status = StatusCode::try_from(status).unwrap();
        let raw = HttpResponse::new(status, SdkBody::empty());
        AwsError::sdk(
            "failed to try",
            SdkError::service_error(Refusal(meta.build()), raw),
        )
    }

    #[test]
    fn the_code_decides_before_the_status() {
        assert_eq!(refused(Some("ThrottlingException"), 400).kind, Kind::Throttled);
        assert_eq!(refused(Some("ServerException"), 400).kind, Kind::Transient);
        assert_eq!(refused(Some("RuleNotFound"), 400).kind, Kind::NotFound);
        assert_eq!(refused(Some("ClientException"), 400).kind, Kind::Invalid);
    }

    #[test]
    fn an_unknown_code_is_judged_by_its_status_and_never_by_its_message() {
        assert_eq!(refused(Some("Novelty"), 400).kind, Kind::Invalid);
        assert_eq!(refused(Some("Novelty"), 503).kind, Kind::Transient);
        assert_eq!(refused(None, 403).kind, Kind::Denied);
    }

    #[test]
    fn a_lost_reply_may_be_tried_again() {
        let lost = ConnectorError::io("connection reset".into());
        let error = AwsError::sdk::<Refusal>("failed to try", SdkError::dispatch_failure(lost));
        assert!(error.is_retryable());
        assert!(error.to_string().contains("connection reset"), "{error}");
    }

    #[test]
    fn the_text_says_what_was_tried_and_what_aws_answered() {
        let error = refused(Some("AccessDeniedException"), 400);
        assert_eq!(
            error.to_string(),
            "failed to try: AccessDeniedException: slow down please, not found"
        );
        assert!(error.source().is_some());
        assert!(!error.is_retryable());
    }
}
