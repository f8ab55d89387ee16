//! What happened in an execution, as `GetExecutionHistory` tells it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::machine::StateType;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Its number, from 1.
    pub id: u64,
    /// The event that led to it; 0 for the first of the execution and of the
    /// first state.
    pub previous_id: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// The service integration of a task, as the history names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// `lambda` or `states`.
    pub resource_type: String,
    /// Such as `invoke.waitForTaskToken`.
    pub resource: String,
}

/// An error's name and what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetails {
    /// The error's name.
    pub error: Option<String>,
    /// What happened, for people.
    pub cause: Option<String>,
}

/// What happened. Payloads are kept as JSON and written out as text, as AWS
/// does, by [`HistoryEvent::to_aws`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the AWS API's HistoryEvent")]
pub enum EventKind {
    ExecutionStarted {
        input: Value,
    },
    ExecutionSucceeded {
        output: Value,
    },
    ExecutionFailed(ErrorDetails),
    ExecutionTimedOut(ErrorDetails),
    ExecutionAborted(ErrorDetails),
    /// `TaskStateEntered`, `WaitStateEntered` and so on.
    StateEntered {
        state: StateType,
        name: String,
        input: Value,
    },
    /// `TaskStateExited` and so on.
    StateExited {
        state: StateType,
        name: String,
        output: Value,
    },
    /// `TaskStateAborted` and so on.
    StateAborted {
        state: StateType,
    },
    ParallelStateStarted,
    ParallelStateSucceeded,
    ParallelStateFailed,
    LambdaFunctionScheduled {
        resource: String,
        input: Value,
        timeout_seconds: Option<u32>,
    },
    LambdaFunctionStarted,
    LambdaFunctionSucceeded {
        output: Value,
    },
    LambdaFunctionFailed(ErrorDetails),
    LambdaFunctionTimedOut(ErrorDetails),
    TaskScheduled {
        integration: Integration,
        region: String,
        parameters: Value,
        timeout_seconds: Option<u32>,
        heartbeat_seconds: Option<u32>,
    },
    TaskStarted {
        integration: Integration,
    },
    TaskSubmitted {
        integration: Integration,
        output: Value,
    },
    TaskSucceeded {
        integration: Integration,
        output: Value,
    },
    TaskFailed {
        integration: Integration,
        details: ErrorDetails,
    },
    TaskTimedOut {
        integration: Integration,
        details: ErrorDetails,
    },
}

impl HistoryEvent {
    /// The event in the shape of the API's answer; `timestamp` in seconds since
    /// 1970, as the AWS JSON protocol writes it.
    #[must_use]
    pub fn to_aws(&self) -> Value {
        let mut fields = Map::new();
        // Milliseconds in 53 bits: exact for the next 280,000 years.
        let seconds = self.at.as_millisecond() as f64 / 1000.0;
        fields.insert("id".to_owned(), self.id.into());
        fields.insert("previousEventId".to_owned(), self.previous_id.into());
        fields.insert("timestamp".to_owned(), seconds.into());
        fields.insert("type".to_owned(), self.kind.type_name().into());
        if let Some((key, details)) = self.kind.details() {
            fields.insert(key, details);
        }
        Value::Object(fields)
    }
}

impl EventKind {
    /// The event's `type`.
    #[must_use]
    pub fn type_name(&self) -> String {
        let plain = match self {
            Self::StateEntered { state, .. } => return format!("{state}StateEntered"),
            Self::StateExited { state, .. } => return format!("{state}StateExited"),
            Self::StateAborted { state } => return format!("{state}StateAborted"),
            Self::ExecutionStarted { .. } => "ExecutionStarted",
            Self::ExecutionSucceeded { .. } => "ExecutionSucceeded",
            Self::ExecutionFailed(_) => "ExecutionFailed",
            Self::ExecutionTimedOut(_) => "ExecutionTimedOut",
            Self::ExecutionAborted(_) => "ExecutionAborted",
            Self::ParallelStateStarted => "ParallelStateStarted",
            Self::ParallelStateSucceeded => "ParallelStateSucceeded",
            Self::ParallelStateFailed => "ParallelStateFailed",
            Self::LambdaFunctionScheduled { .. } => "LambdaFunctionScheduled",
            Self::LambdaFunctionStarted => "LambdaFunctionStarted",
            Self::LambdaFunctionSucceeded { .. } => "LambdaFunctionSucceeded",
            Self::LambdaFunctionFailed(_) => "LambdaFunctionFailed",
            Self::LambdaFunctionTimedOut(_) => "LambdaFunctionTimedOut",
            Self::TaskScheduled { .. } => "TaskScheduled",
            Self::TaskStarted { .. } => "TaskStarted",
            Self::TaskSubmitted { .. } => "TaskSubmitted",
            Self::TaskSucceeded { .. } => "TaskSucceeded",
            Self::TaskFailed { .. } => "TaskFailed",
            Self::TaskTimedOut { .. } => "TaskTimedOut",
        };
        plain.to_owned()
    }

    /// The details that the API gives beside the type, and the key that it
    /// gives them under, such as `taskFailedEventDetails`.
    #[must_use]
    pub fn details(&self) -> Option<(String, Value)> {
        let details = self.detail_fields()?;
        let name = self.type_name();
        // All kinds of states share the details of entering and leaving.
        let shared = name.find("StateEntered").or_else(|| name.find("StateExited"));
        let (first, rest) = name.split_at(shared.unwrap_or_default()).1.split_at(1);
        Some((format!("{}{rest}EventDetails", first.to_lowercase()), details))
    }

    fn detail_fields(&self) -> Option<Value> {
        Some(match self {
            Self::StateAborted { .. }
            | Self::ParallelStateStarted
            | Self::ParallelStateSucceeded
            | Self::ParallelStateFailed
            | Self::LambdaFunctionStarted => return None,
            Self::ExecutionStarted { input } => json!({ "input": input.to_string() }),
            Self::ExecutionSucceeded { output } | Self::LambdaFunctionSucceeded { output } => {
                as_output(output)
            }
            Self::ExecutionFailed(details)
            | Self::ExecutionTimedOut(details)
            | Self::ExecutionAborted(details)
            | Self::LambdaFunctionFailed(details)
            | Self::LambdaFunctionTimedOut(details) => details.to_json(),
            Self::StateEntered { name, input, .. } => {
                json!({ "name": name, "input": input.to_string() })
            }
            Self::StateExited { name, output, .. } => {
                json!({ "name": name, "output": output.to_string() })
            }
            Self::LambdaFunctionScheduled {
                resource,
                input,
                timeout_seconds,
            } => {
                let input = input.to_string();
                compact(json!({ "resource": resource, "input": input, "timeoutInSeconds": timeout_seconds }))
            }
            Self::TaskScheduled {
                integration,
                region,
                parameters,
                timeout_seconds,
                heartbeat_seconds,
            } => integration.with(json!({
                "region": region,
                "parameters": parameters.to_string(),
                "timeoutInSeconds": timeout_seconds,
                "heartbeatInSeconds": heartbeat_seconds,
            })),
            Self::TaskStarted { integration } => integration.with(json!({})),
            Self::TaskSubmitted { integration, output } | Self::TaskSucceeded { integration, output } => {
                integration.with(as_output(output))
            }
            Self::TaskFailed { integration, details } | Self::TaskTimedOut { integration, details } => {
                integration.with(details.to_json())
            }
        })
    }
}

fn as_output(output: &Value) -> Value {
    json!({ "output": output.to_string() })
}

impl ErrorDetails {
    fn to_json(&self) -> Value {
        compact(json!({ "error": self.error, "cause": self.cause }))
    }
}

impl Integration {
    fn with(&self, details: Value) -> Value {
        let mut whole = json!({ "resourceType": self.resource_type, "resource": self.resource });
        if let (Value::Object(fields), Value::Object(more)) = (&mut whole, details) {
            fields.extend(more);
        }
        compact(whole)
    }
}

/// Leaves out the fields without a value, as the API does.
fn compact(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| !field.is_null());
    }
    value
}
