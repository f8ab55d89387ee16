//! The change set that says what an update would do.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    Capability, ChangeAction, ChangeSetStatus, ChangeSetType, ExecutionStatus, Parameter, Replacement,
    ResourceChange, StackStatus,
};
use tidegate_core::change::{Change, Direction, Effect, EffectKind, Proposal, Proposed, StackWork};
use tidegate_core::deployment::Deployment;

use super::{already_there, describe, drift, is_busy, is_made, values};
use crate::error::AwsError;
use crate::naming::{change_set, proposal_token};

/// Pages of a change set that are read: far above the 500 resources of a stack.
const MAX_PAGES: usize = 20;

/// A change set as it stands.
pub(super) struct Found {
    /// Its ARN, never given to another.
    pub arn: String,
    /// Whether it can be executed.
    pub execution: Option<ExecutionStatus>,
    /// Whether making it failed.
    pub failed: bool,
    /// Whether it is made.
    pub complete: bool,
    /// What CloudFormation says of it.
    pub reason: String,
    /// What it was made for.
    pub description: String,
    /// Its first page of changes, and how to get the next.
    changes: Vec<ResourceChange>,
    next: Option<String>,
}

/// Makes the change set. A second call makes none.
///
/// # Errors
/// Where AWS refuses or can't be asked.
pub async fn propose(
    client: &Client,
    deployment: &Deployment,
    change: &Change,
    stack: &StackWork,
) -> Result<(), AwsError> {
    let found = describe(client, stack).await?;
    let status = found.as_ref().and_then(|found| found.stack_status());
    if status.is_some_and(is_busy) {
        // The next look tells that it is waited for.
        return Ok(());
    }
    let there = found.filter(is_made);
    let detection = match (&there, stack.drift) {
        (Some(_), true) => match drift::detect(client, stack).await? {
            Some(id) => Some(id),
            None => return Ok(()),
        },
        (Some(_) | None, _) => None,
    };
    let description = drift::description(
        &format!("Tidegate's deployment {}", deployment.id),
        detection.as_deref(),
    );
    let kept = match &there {
        Some(found) => {
            let has = values(found).into_keys().collect();
            kept_parameters(client, stack, &has).await?
        }
        None => Vec::new(),
    };
    let given = stack.parameters.iter().map(|(name, value)| {
        Parameter::builder()
            .parameter_key(name)
            .parameter_value(value)
            .build()
    });
    let kept = kept.into_iter().map(|name| {
        Parameter::builder()
            .parameter_key(name)
            .use_previous_value(true)
            .build()
    });
    let capabilities = stack
        .capabilities
        .iter()
        .map(|one| Capability::from(one.as_str()));
    let answer = client
        .create_change_set()
        .stack_name(&stack.name)
        .change_set_name(change_set(&deployment.id, Direction::Make))
        .change_set_type(match there {
            Some(_) => ChangeSetType::Update,
            None => ChangeSetType::Create,
        })
        .template_url(&stack.template)
        .set_parameters(Some(given.chain(kept).collect()))
        .set_capabilities(Some(capabilities.collect()))
        .set_role_arn(stack.role.clone())
        .client_token(proposal_token(&deployment.id, &change.id))
        .description(description)
        .send()
        .await;
    already_there(answer.map(|_| ()).map_err(|error| {
        AwsError::sdk(
            format!("failed to make the change set of stack {}", stack.name),
            error,
        )
    }))
}

/// Parameters of the stack that the new template still has and the file does not set.
async fn kept_parameters(
    client: &Client,
    stack: &StackWork,
    has: &BTreeSet<String>,
) -> Result<Vec<String>, AwsError> {
    let answer = client
        .get_template_summary()
        .template_url(&stack.template)
        .send()
        .await
        .map_err(|error| {
            AwsError::sdk(
                format!("failed to read the new template of stack {}", stack.name),
                error,
            )
        })?;
    let declared = answer.parameters().iter().filter_map(|one| one.parameter_key());
    Ok(declared
        .filter(|name| has.contains(*name) && !stack.parameters.contains_key(*name))
        .map(str::to_owned)
        .collect())
}

/// How the change set stands, with all that it would do once it is made.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe_proposal(
    client: &Client,
    deployment: &Deployment,
    stack: &StackWork,
) -> Result<Proposed, AwsError> {
    let name = change_set(&deployment.id, Direction::Make);
    let Some(mut found) = find_change_set(client, stack, &name).await? else {
        return not_there(client, stack).await;
    };
    let nothing = no_changes(&found);
    if found.failed && !nothing {
        return Ok(Proposed::Failed { reason: found.reason });
    }
    if !found.complete && !nothing {
        let note = "CloudFormation is making the change set".to_owned();
        return Ok(Proposed::Running { note });
    }
    let Some(drift) = drift::found(client, stack, &found.description).await? else {
        let note = "CloudFormation looks for what was changed outside of it".to_owned();
        return Ok(Proposed::Running { note });
    };
    if nothing {
        let proposal = Proposal::new(found.arn, Vec::new(), drift.notes);
        return Ok(ready(proposal.with_drift(drift.count, drift.unknown)));
    }
    let there = describe(client, stack)
        .await?
        .is_some_and(|found| is_made(&found));
    let mut changes = std::mem::take(&mut found.changes);
    for _ in 1..MAX_PAGES {
        let Some(next) = found.next.take() else { break };
        let page = page(client, stack, &found.arn, Some(next)).await?;
        if let Some(page) = page {
            changes.extend(page.changes);
            found.next = page.next;
        }
    }
    let new = (!there).then(|| "the stack does not exist yet; a rollback would keep it".to_owned());
    let notes = drift.notes.into_iter().chain(new).collect();
    let effects = changes.iter().filter_map(effect).collect();
    Ok(ready(
        Proposal::new(found.arn, effects, notes).with_drift(drift.count, drift.unknown),
    ))
}

fn ready(proposal: Proposal) -> Proposed {
    Proposed::Ready {
        proposal: Box::new(proposal),
    }
}

/// Why there is no change set yet.
async fn not_there(client: &Client, stack: &StackWork) -> Result<Proposed, AwsError> {
    let found = describe(client, stack).await?;
    let Some(status) = found.and_then(|found| found.stack_status) else {
        return Ok(Proposed::NotBegun);
    };
    let is = format!("stack {} is in {}", stack.name, status.as_str());
    Ok(match status {
        status if is_busy(&status) => Proposed::Running {
            note: format!("{is}: whoever updates it is waited for"),
        },
        StackStatus::RollbackComplete | StackStatus::RollbackFailed | StackStatus::CreateFailed => {
            Proposed::Failed {
                reason: format!("{is}: delete it, it never came to be, and deploy again"),
            }
        }
        StackStatus::UpdateRollbackFailed | StackStatus::DeleteFailed => Proposed::Failed {
            reason: format!("{is}: repair it in the console, and deploy again"),
        },
        _ => Proposed::NotBegun,
    })
}

/// CloudFormation fails a change set that would do nothing, and says so only in words (as the AWS
/// command line's `deploy` reads them).
pub(super) fn no_changes(found: &Found) -> bool {
    let says = |text: &str| found.reason.contains(text);
    found.failed && (says("didn't contain changes") || says("No updates are to be performed"))
}

/// A change set by name or ARN; nothing where there is none.
///
/// # Errors
/// Where AWS can't be asked.
pub(super) async fn find_change_set(
    client: &Client,
    stack: &StackWork,
    name: &str,
) -> Result<Option<Found>, AwsError> {
    page(client, stack, name, None).await
}

async fn page(
    client: &Client,
    stack: &StackWork,
    name: &str,
    next: Option<String>,
) -> Result<Option<Found>, AwsError> {
    let answer = client
        .describe_change_set()
        .stack_name(&stack.name)
        .change_set_name(name)
        .set_next_token(next)
        .send()
        .await;
    let what = || format!("failed to read the change set of stack {}", stack.name);
    let answer = match answer.map_err(|error| AwsError::sdk(what(), error)) {
        Ok(answer) => answer,
        // `ValidationError`: the stack itself is not there.
        Err(error)
            if matches!(
                error.code.as_deref(),
                Some("ChangeSetNotFound" | "ChangeSetNotFoundException" | "ValidationError")
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let changes = answer.changes().iter();
    Ok(Some(Found {
        arn: answer.change_set_id().unwrap_or_default().to_owned(),
        execution: answer.execution_status().cloned(),
        failed: answer.status() == Some(&ChangeSetStatus::Failed),
        complete: answer.status() == Some(&ChangeSetStatus::CreateComplete),
        reason: answer.status_reason().unwrap_or("no reason given").to_owned(),
        description: answer.description().unwrap_or_default().to_owned(),
        changes: changes.filter_map(|one| one.resource_change().cloned()).collect(),
        next: answer.next_token().map(str::to_owned),
    }))
}

/// What becomes of a resource. What CloudFormation can't tell yet counts as the worse.
fn effect(change: &ResourceChange) -> Option<Effect> {
    let kind = match change.action()? {
        ChangeAction::Add | ChangeAction::Import => EffectKind::Add,
        ChangeAction::Remove => EffectKind::Delete,
        ChangeAction::Modify => match change.replacement() {
            Some(Replacement::False) | None => EffectKind::Change,
            Some(_) => EffectKind::Replace,
        },
        // `Dynamic`, and what CloudFormation knows since.
        _ => EffectKind::Replace,
    };
    let logical = change.logical_resource_id().unwrap_or_default();
    let physical = change.physical_resource_id().filter(|id| *id != logical);
    let physical = physical.map_or_else(String::new, |id| format!(" ({id})"));
    let may = match change.replacement() {
        Some(Replacement::Conditional) => ": may be replaced",
        Some(_) | None => "",
    };
    let resource = change.resource_type().unwrap_or("resource");
    Some(Effect {
        kind,
        what: format!("{resource} {logical}{physical}{may}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(action: ChangeAction, replacement: Option<Replacement>) -> Option<(EffectKind, String)> {
        let change = ResourceChange::builder()
            .action(action)
            .set_replacement(replacement)
            .resource_type("AWS::RDS::DBInstance")
            .logical_resource_id("Db")
            .physical_resource_id("shop-db")
            .build();
        effect(&change).map(|effect| (effect.kind, effect.what))
    }

    #[test]
    fn what_may_be_replaced_counts_as_replaced() {
        let resource = "AWS::RDS::DBInstance Db (shop-db)".to_owned();
        assert_eq!(
            changed(ChangeAction::Modify, Some(Replacement::False)),
            Some((EffectKind::Change, resource.clone()))
        );
        assert_eq!(
            changed(ChangeAction::Modify, Some(Replacement::Conditional)),
            Some((EffectKind::Replace, format!("{resource}: may be replaced")))
        );
        assert_eq!(
            changed(ChangeAction::Modify, Some(Replacement::True)),
            Some((EffectKind::Replace, resource.clone()))
        );
        assert_eq!(
            changed(ChangeAction::Remove, None),
            Some((EffectKind::Delete, resource.clone()))
        );
        assert_eq!(
            changed(ChangeAction::Dynamic, None),
            Some((EffectKind::Replace, resource))
        );
    }

    #[test]
    fn a_change_set_without_changes_is_no_failure() {
        let found = |failed, reason: &str| Found {
            arn: String::new(),
            execution: None,
            failed,
            complete: false,
            reason: reason.to_owned(),
            description: String::new(),
            changes: Vec::new(),
            next: None,
        };
        let nothing = "The submitted information didn't contain changes. Submit different information.";
        assert!(no_changes(&found(true, nothing)));
        assert!(no_changes(&found(true, "No updates are to be performed.")));
        assert!(!no_changes(&found(false, nothing)));
        assert!(!no_changes(&found(true, "Template error")));
    }
}
