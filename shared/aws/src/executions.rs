//! Executions of the state machines, and their task tokens. A token stays in here: no error and no
//! log line says it.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::ExecutionStatus as SdkStatus;

use crate::error::{AwsError, Kind};

/// What became of a wish to start an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It runs: now, or since an earlier start with the same name and input.
    Running {
        /// ARN of the execution.
        arn: String,
    },
    /// The name is taken by one that has ended or has another input. Names are taken for 90 days.
    AlreadyExists,
}

/// Whether an execution still does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// `RUNNING` or `PENDING_REDRIVE`: it goes on by itself.
    Running,
    /// `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`. How is in the deployment's journal.
    Ended,
}

/// What became of a task token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAnswer {
    /// The task took it.
    Taken,
    /// No task waits for it any more: it was answered, it timed out, or its execution ended.
    Gone,
}

/// Starts an execution under a name of ours. `input` is JSON.
///
/// # Errors
/// Where Step Functions refuses or can't be asked.
pub async fn start(sfn: &Client, machine_arn: &str, name: &str, input: &str) -> Result<Started, AwsError> {
    let call = sfn
        .start_execution()
        .state_machine_arn(machine_arn)
        .name(name)
        .input(input);
    match call.send().await {
        Ok(answer) => Ok(Started::Running {
            arn: answer.execution_arn,
        }),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|one| one.is_execution_already_exists()) =>
        {
            Ok(Started::AlreadyExists)
        }
        Err(error) => {
            let what = format!("failed to start execution {name} of {machine_arn}");
            Err(AwsError::sdk(what, error))
        }
    }
}

/// How the execution of this name stands; nothing where it does not exist.
///
/// # Errors
/// Where Step Functions can't be asked, or answers with a status that is not known.
pub async fn status(
    sfn: &Client,
    machine_arn: &str,
    name: &str,
) -> Result<Option<ExecutionStatus>, AwsError> {
    let what = || format!("failed to describe execution {name} of {machine_arn}");
    let arn = execution_arn(machine_arn, name)
        .ok_or_else(|| AwsError::answer(what(), Kind::Invalid, "that is not the ARN of a state machine"))?;
    let answer = match sfn.describe_execution().execution_arn(arn).send().await {
        Ok(answer) => answer,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|one| one.is_execution_does_not_exist()) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(AwsError::sdk(what(), error)),
    };
    let status = match answer.status() {
        SdkStatus::Running | SdkStatus::PendingRedrive => ExecutionStatus::Running,
        SdkStatus::Succeeded | SdkStatus::Failed | SdkStatus::TimedOut | SdkStatus::Aborted => {
            ExecutionStatus::Ended
        }
        // A status that this SDK does not know.
        other => {
            let cause = format!("its status is {}", other.as_str());
            return Err(AwsError::answer(what(), Kind::Other, cause));
        }
    };
    Ok(Some(status))
}

/// Answers a waiting task with success. `output` is JSON.
///
/// # Errors
/// Where Step Functions refuses or can't be asked. A token that nobody waits for is no error.
pub async fn succeed_token(sfn: &Client, token: &str, output: &str) -> Result<TokenAnswer, AwsError> {
    match sfn
        .send_task_success()
        .task_token(token)
        .output(output)
        .send()
        .await
    {
        Ok(_) => Ok(TokenAnswer::Taken),
        Err(error)
            if error.as_service_error().is_some_and(|one| {
                one.is_task_timed_out() || one.is_task_does_not_exist() || one.is_invalid_token()
            }) =>
        {
            Ok(TokenAnswer::Gone)
        }
        Err(error) => Err(AwsError::sdk(
            "failed to answer a waiting task with success",
            error,
        )),
    }
}

/// Answers a waiting task with a failure, by the error's name that a `Catch` matches and a cause
/// for a person. Both are cut to what Step Functions takes.
///
/// # Errors
/// Where Step Functions refuses or can't be asked. A token that nobody waits for is no error.
pub async fn fail_token(
    sfn: &Client,
    token: &str,
    error_name: &str,
    cause: &str,
) -> Result<TokenAnswer, AwsError> {
    let call = sfn
        .send_task_failure()
        .task_token(token)
        .error(shortened(error_name, 256))
        .cause(shortened(cause, 32_768));
    match call.send().await {
        Ok(_) => Ok(TokenAnswer::Taken),
        Err(error)
            if error.as_service_error().is_some_and(|one| {
                one.is_task_timed_out() || one.is_task_does_not_exist() || one.is_invalid_token()
            }) =>
        {
            Ok(TokenAnswer::Gone)
        }
        Err(error) => Err(AwsError::sdk(
            "failed to answer a waiting task with a failure",
            error,
        )),
    }
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The ARN of an execution, from its machine's ARN and its name; nothing where the first is not
/// the ARN of a state machine. A version or alias of the machine is left out, as AWS does.
pub fn execution_arn(machine_arn: &str, name: &str) -> Option<String> {
    let (prefix, machine) = machine_arn.split_once(":stateMachine:")?;
    let machine = machine.split(':').next().filter(|machine| !machine.is_empty())?;
    Some(format!("{prefix}:execution:{machine}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_named_by_its_machine() {
        let machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:deployment";
        let execution = "arn:aws:states:eu-central-1:123456789012:execution:deployment:web-7";
        assert_eq!(execution_arn(machine, "web-7").as_deref(), Some(execution));
        assert_eq!(
            execution_arn(&format!("{machine}:3"), "web-7").as_deref(),
            Some(execution)
        );
        assert_eq!(execution_arn("arn:aws:lambda:r:1:function:x", "web-7"), None);
    }
}
