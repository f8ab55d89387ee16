//! AWS errors.

/// An error that an operation answers with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// AWS's code, such as `ClusterNotFoundException`.
    pub code: String,
    /// For people.
    pub message: String,
}

impl Fault {
    /// An error that the caller made (HTTP 400).
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Too many requests, as most services say it.
    pub fn throttling() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    /// The service failed (HTTP 500).
    pub fn internal() -> Self {
        Self::new("InternalFailure", "The request processing has failed.").with_status(500)
    }

    /// The operation is not there. The protocol decides the code.
    pub fn unknown_operation(operation: &str) -> Self {
        let shown: String = operation.chars().take(100).collect();
        Self::new(
            UNKNOWN_OPERATION,
            format!("The operation {shown} is not available in the local cloud."),
        )
    }

    /// The request can't be read.
    pub fn serialization() -> Self {
        Self::new("SerializationException", "The request could not be read.")
    }

    /// Who is at fault, in the words of the query protocol.
    pub(crate) fn blame(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }
}

/// Code of [`Fault::unknown_operation`]; the query protocol says `InvalidAction`.
pub(crate) const UNKNOWN_OPERATION: &str = "UnknownOperationException";
