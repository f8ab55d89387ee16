//! A CloudFormation stack, updated by a change set that was shown before it is executed.
//!
//! What was begun is found again by the client request token, which every event of an operation carries
//! (CloudFormation API Reference, `StackEvent`). A change set that was executed may be gone.

mod drift;
mod propose;
mod trail;

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetType, ExecutionStatus, Parameter, Stack, StackStatus,
};
use tidegate_core::change::{
    Before, Change, ChangeStage, Direction, MAX_KEPT_TEMPLATE_BYTES, Progress, Proposal, Seen, StackBefore,
    StackWork, StoredText,
};
use tidegate_core::deployment::{Deployment, Kind as DeploymentKind};
use tidegate_core::hash::sha256_hex;

use crate::error::{AwsError, Kind};
use crate::naming::{change_set, change_token};
use propose::{Found, find_change_set, no_changes};
pub use propose::{observe_proposal, propose};
use trail::Trail;

/// How CloudFormation shows a parameter that it hides.
const HIDDEN: &str = "****";

/// How the stack stands: what it is before it is begun, then how making or undoing it goes on.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<Seen, AwsError> {
    let mut seen = Seen::NOTHING;
    match deployment.change_stage(&change.id) {
        None => seen.before = Some(before(client, stack).await?),
        Some(ChangeStage::Making) => seen.made = made(client, deployment, change, stack).await?,
        Some(ChangeStage::Undoing) => seen.undone = undone(client, deployment, change, stack).await?,
        Some(ChangeStage::Made | ChangeStage::Failed | ChangeStage::Undone | ChangeStage::Held) => {}
    }
    Ok(seen)
}

/// Executes exactly the change set that was proposed. One that can't be executed any more is left for
/// the next look to tell.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn make(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<(), AwsError> {
    let proposal = proposal(deployment, change, stack)?;
    let found = find_change_set(client, stack, &proposal.artifact).await?;
    match found.as_ref().and_then(|found| found.execution.as_ref()) {
        Some(ExecutionStatus::Available) => {
            let token = change_token(&deployment.id, &change.id, Direction::Make);
            execute(client, stack, &proposal.artifact, &token).await
        }
        // It is on its way, was executed, or never can be.
        Some(_) | None => Ok(()),
    }
}

/// Takes the stack back to the template and the parameters from before: a change set of its own, made
/// and then executed. An update that is still going on is cancelled first.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn undo(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
    before: Option<&Before>,
) -> Result<(), AwsError> {
    let Some(Before::Stack { stack: was }) = before else {
        // Nothing to return to: the decision keeps such a stack.
        return Ok(());
    };
    let name = change_set(&deployment.id, Direction::Undo);
    let token = change_token(&deployment.id, &change.id, Direction::Undo);
    match find_change_set(client, stack, &name).await? {
        Some(found) if found.execution == Some(ExecutionStatus::Available) => {
            return execute(client, stack, &found.arn, &token).await;
        }
        Some(_) => return Ok(()),
        None => {}
    }
    match what_was_made(client, deployment, change, stack).await? {
        Progress::NotBegun => {}
        // There is nothing to take back, or it must not be.
        Progress::Waiting { .. }
        | Progress::Running { .. }
        | Progress::Done { .. }
        | Progress::Failed { .. } => return Ok(()),
    }
    let status = describe(client, stack)
        .await?
        .and_then(|found| found.stack_status);
    match status {
        Some(StackStatus::UpdateInProgress) => cancel(client, deployment, change, stack).await,
        Some(status) if is_busy(&status) => Ok(()),
        Some(_) => create_undo(client, stack, was, &name, &token).await,
        None => Ok(()),
    }
}

async fn create_undo(
    client: &Client,
    stack: &StackWork,
    was: &StackBefore,
    name: &str,
    token: &str,
) -> Result<(), AwsError> {
    let given = was.parameters.iter().map(|(name, value)| {
        Parameter::builder()
            .parameter_key(name)
            .parameter_value(&value.0)
            .build()
    });
    let hidden = was.hidden.iter().map(|name| {
        Parameter::builder()
            .parameter_key(name)
            .use_previous_value(true)
            .build()
    });
    // What was deployed once was allowed once.
    let capabilities = [
        Capability::CapabilityIam,
        Capability::CapabilityNamedIam,
        Capability::CapabilityAutoExpand,
    ];
    let answer = client
        .create_change_set()
        .stack_name(&stack.name)
        .change_set_name(name)
        .change_set_type(ChangeSetType::Update)
        .set_template_body(was.template.as_ref().map(|text| text.0.clone()))
        .set_parameters(Some(given.chain(hidden).collect()))
        .set_capabilities(Some(capabilities.to_vec()))
        .set_role_arn(stack.role.clone())
        .client_token(token)
        .description("Tidegate takes the stack back to what it was")
        .send()
        .await;
    already_there(answer.map(|_| ()).map_err(|error| {
        AwsError::sdk(
            format!("failed to make the change set that takes {} back", stack.name),
            error,
        )
    }))
}

async fn cancel(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<(), AwsError> {
    let made_by = change_token(deployment.maker(), &change.id, Direction::Make);
    let trail = Trail::read(client, &stack.name, &made_by, None).await?;
    if !trail.is_newest() {
        // Somebody else's update: it ends by itself.
        return Ok(());
    }
    client
        .cancel_update_stack()
        .stack_name(&stack.name)
        .client_request_token(&made_by)
        .send()
        .await
        .map_err(|error| {
            AwsError::sdk(
                format!("failed to cancel the update of stack {}", stack.name),
                error,
            )
        })?;
    Ok(())
}

async fn execute(client: &Client, stack: &StackWork, artifact: &str, token: &str) -> Result<(), AwsError> {
    client
        .execute_change_set()
        .stack_name(&stack.name)
        .change_set_name(artifact)
        .client_request_token(token)
        .send()
        .await
        .map_err(|error| {
            AwsError::sdk(
                format!("failed to execute the change set of stack {}", stack.name),
                error,
            )
        })?;
    Ok(())
}

async fn made(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<Progress, AwsError> {
    let proposal = proposal(deployment, change, stack)?;
    // First the change set, then the events: an execution that ends in between is not missed.
    let found = find_change_set(client, stack, &proposal.artifact).await?;
    let token = change_token(&deployment.id, &change.id, Direction::Make);
    let trail = Trail::read(client, &stack.name, &token, Some(deployment.requested_at)).await?;
    if let Some(progress) = trail.progress() {
        return Ok(progress);
    }
    Ok(match found.and_then(|found| found.execution) {
        Some(ExecutionStatus::Available) => Progress::NotBegun,
        Some(ExecutionStatus::ExecuteInProgress | ExecutionStatus::ExecuteComplete) => {
            Progress::running("the change set is being executed")
        }
        Some(ExecutionStatus::ExecuteFailed) => Progress::failed("the change set could not be executed"),
        // Obsolete, gone, or something that CloudFormation says since.
        Some(_) | None => Progress::failed(format!(
            "stack {} was changed after it was proposed, so that the change set can't be executed any more; \
             deploy again for a new proposal",
            stack.name
        )),
    })
}

async fn undone(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<Progress, AwsError> {
    let name = change_set(&deployment.id, Direction::Undo);
    let found = find_change_set(client, stack, &name).await?;
    let token = change_token(&deployment.id, &change.id, Direction::Undo);
    let trail = Trail::read(client, &stack.name, &token, Some(deployment.requested_at)).await?;
    match (trail.progress(), found) {
        (Some(Progress::Done { .. }), _) => Ok(Progress::done(
            "the stack has its template and its parameters from before",
        )),
        (Some(progress), _) => Ok(progress),
        (None, Some(found)) => Ok(way_back(&found)),
        (None, None) => what_was_made(client, deployment, change, stack).await,
    }
}

/// How the change set stands that takes the stack back, while it was not executed.
fn way_back(found: &Found) -> Progress {
    match &found.execution {
        Some(ExecutionStatus::Available) => Progress::NotBegun,
        Some(ExecutionStatus::ExecuteInProgress | ExecutionStatus::ExecuteComplete) => {
            Progress::running("the change set that takes it back is being executed")
        }
        Some(ExecutionStatus::Unavailable) if !found.failed => {
            Progress::running("the change set that takes it back is being made")
        }
        Some(_) | None if no_changes(found) => Progress::done("the stack is as it was"),
        Some(_) | None => Progress::failed(format!(
            "the change set that takes it back can't be executed: {}",
            found.reason
        )),
    }
}

/// Before a way back was begun: what there is to take back.
async fn what_was_made(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<Progress, AwsError> {
    let token = change_token(deployment.maker(), &change.id, Direction::Make);
    let since = match deployment.kind {
        DeploymentKind::Forward => Some(deployment.requested_at),
        DeploymentKind::Reversal { .. } | DeploymentKind::Contract { .. } => None,
    };
    let trail = Trail::read(client, &stack.name, &token, since).await?;
    Ok(match trail.progress() {
        None if trail.complete => Progress::done("it had not begun"),
        None => Progress::failed(format!(
            "nothing of it is found among the events of stack {}",
            stack.name
        )),
        Some(Progress::Failed { .. }) if trail.rolled_back() => {
            Progress::done("CloudFormation took it back itself")
        }
        Some(Progress::Failed { reason, .. }) => Progress::failed(reason),
        Some(Progress::Running { note }) if trail.is_rolling_back() => Progress::Running { note },
        Some(Progress::Done { .. }) if !trail.is_newest() => Progress::failed(format!(
            "stack {} was updated by somebody else since, and that is not overwritten",
            stack.name
        )),
        Some(
            Progress::Done { .. } | Progress::Waiting { .. } | Progress::Running { .. } | Progress::NotBegun,
        ) => Progress::NotBegun,
    })
}

/// The stack as it is, to return to.
async fn before(client: &Client, stack: &StackWork) -> Result<Before, AwsError> {
    let Some(found) = describe(client, stack).await?.filter(is_made) else {
        return Ok(Before::Absent);
    };
    let answer = client
        .get_template()
        .stack_name(&stack.name)
        .send()
        .await
        .map_err(|error| {
            AwsError::sdk(
                format!("failed to read the template of stack {}", stack.name),
                error,
            )
        })?;
    let template = answer.template_body().unwrap_or_default();
    let (hidden, known): (Vec<_>, Vec<_>) =
        values(&found).into_iter().partition(|(_, value)| value == HIDDEN);
    let kept = !template.is_empty() && template.len() <= MAX_KEPT_TEMPLATE_BYTES;
    Ok(Before::Stack {
        stack: Box::new(StackBefore {
            template: kept.then(|| StoredText(template.to_owned())),
            template_hash: sha256_hex(template.as_bytes()),
            parameters: known
                .into_iter()
                .map(|(name, value)| (name, StoredText(value)))
                .collect(),
            hidden: hidden.into_iter().map(|(name, _)| name).collect(),
        }),
    })
}

fn values(stack: &Stack) -> BTreeMap<String, String> {
    let parameters = stack.parameters().iter();
    parameters
        .filter_map(|one| Some((one.parameter_key()?.to_owned(), one.parameter_value()?.to_owned())))
        .collect()
}

/// The stack; nothing where there is none of its name.
async fn describe(client: &Client, stack: &StackWork) -> Result<Option<Stack>, AwsError> {
    let answer = client.describe_stacks().stack_name(&stack.name).send().await;
    match answer.map_err(|error| AwsError::sdk(format!("failed to read stack {}", stack.name), error)) {
        Ok(answer) => Ok(answer.stacks().first().cloned()),
        // The name follows CloudFormation's rule, so nothing else can be wrong with the call.
        Err(error) if error.code.as_deref() == Some("ValidationError") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether it is more than a name under review.
fn is_made(stack: &Stack) -> bool {
    stack.stack_status() != Some(&StackStatus::ReviewInProgress)
}

fn is_busy(status: &StackStatus) -> bool {
    *status != StackStatus::ReviewInProgress && status.as_str().ends_with("_IN_PROGRESS")
}

fn proposal<'a>(
    deployment: &'a Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<&'a Proposal, AwsError> {
    deployment.proposals.get(&change.id).ok_or_else(|| {
        let what = format!("failed to look at the update of stack {}", stack.name);
        AwsError::answer(what, Kind::Invalid, "nothing was proposed")
    })
}

/// One token makes one change set: that it is there is as good as made.
fn already_there(answer: Result<(), AwsError>) -> Result<(), AwsError> {
    match answer {
        Err(error) if error.code.as_deref() == Some("AlreadyExistsException") => Ok(()),
        other => other,
    }
}
