//! IAM's simulation of what the functions' roles may do.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use tidegate_core::permissions::{Denial, Permission};

use crate::error::{AwsError, Kind};

/// Most pages of one answer: more than all actions with all resources of a plan have.
const MOST_PAGES: usize = 10;

/// Roles of Tidegate's functions, by function.
#[derive(Debug, Clone, Default)]
pub struct Roles(BTreeMap<String, String>);

impl Roles {
    /// Reads `shift=ARN,rollback=ARN`.
    pub fn read(text: &str) -> Self {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(function, role)| (function.trim().to_owned(), role.trim().to_owned()))
                .collect(),
        )
    }

    /// Functions of these permissions whose role is not known.
    pub fn unknown(&self, needed: &BTreeSet<Permission>) -> BTreeSet<&'static str> {
        let functions = needed.iter().map(|one| one.function);
        functions
            .filter(|function| !self.0.contains_key(*function))
            .collect()
    }
}

/// What a role is asked about at once: one service's actions on its resources, under one condition.
type Group<'a> = (&'a str, &'a str, Option<&'a (&'static str, String)>);

/// The permissions that are not there, with the reason for each, in their order.
///
/// # Errors
/// Where IAM can't be asked, or does not answer what was asked.
pub async fn denied(
    client: &Client,
    roles: &Roles,
    needed: &BTreeSet<Permission>,
) -> Result<Vec<(Permission, Denial)>, AwsError> {
    let mut groups: BTreeMap<Group<'_>, Vec<&Permission>> = BTreeMap::new();
    for one in needed {
        let service = one.action.split(':').next().unwrap_or_default();
        let group = (one.function, service, one.context.as_ref());
        groups.entry(group).or_default().push(one);
    }
    let mut denied = Vec::new();
    for ((function, _, context), asked) in groups {
        let Some(role) = roles.0.get(function) else {
            continue;
        };
        let decisions = simulate(client, role, context, &asked).await?;
        for one in asked {
            match decisions.get(&(one.action.to_owned(), one.resource.clone())) {
                Some(None) => {}
                Some(Some(denial)) => denied.push((one.clone(), *denial)),
                None => {
                    let what = format!("failed to ask IAM what {role} may do");
                    let cause = format!("it says nothing of {} on {}", one.action, one.resource);
                    return Err(AwsError::answer(what, Kind::Other, cause));
                }
            }
        }
    }
    denied.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(denied)
}

/// Whether each action is denied on each resource, and why.
type Decisions = BTreeMap<(String, String), Option<Denial>>;

async fn simulate(
    client: &Client,
    role: &str,
    context: Option<&(&'static str, String)>,
    asked: &[&Permission],
) -> Result<Decisions, AwsError> {
    let what = || format!("failed to ask IAM what {role} may do");
    let actions: BTreeSet<&str> = asked.iter().map(|one| one.action).collect();
    let resources: BTreeSet<&str> = asked.iter().map(|one| one.resource.as_str()).collect();
    let owned = |texts: &BTreeSet<&str>| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let entries = context.map(|(key, value)| {
        let entry = ContextEntry::builder()
            .context_key_name(*key)
            .context_key_values(value);
        entry.context_key_type(ContextKeyTypeEnum::String).build()
    });
    let (mut decisions, mut next) = (BTreeMap::new(), None);
    for _ in 0..MOST_PAGES {
        let call = client
            .simulate_principal_policy()
            .policy_source_arn(role)
            .set_action_names(owned(&actions))
            .set_resource_arns(owned(&resources))
            .set_context_entries(entries.clone().map(|entry| vec![entry]))
            .set_marker(next);
        let page = call.send().await.map_err(|error| AwsError::sdk(what(), error))?;
        page.evaluation_results()
            .iter()
            .for_each(|one| read(one, &mut decisions));
        next = page.marker.filter(|_| page.is_truncated);
        if next.is_none() {
            return Ok(decisions);
        }
    }
    Err(AwsError::answer(what(), Kind::Other, "its answer does not end"))
}

/// The decision of an action, and those of single resources, where there are several.
fn read(result: &EvaluationResult, into: &mut Decisions) {
    let organization = result.organizations_decision_detail();
    let boundary = result.permissions_boundary_decision_detail();
    let denial = |decision: &PolicyEvaluationDecisionType, within_boundary: bool| match decision {
        PolicyEvaluationDecisionType::Allowed => None,
        _ if organization.is_some_and(|detail| !detail.allowed_by_organizations()) => {
            Some(Denial::Organization)
        }
        PolicyEvaluationDecisionType::ExplicitDeny => Some(Denial::Explicit),
        _ if !within_boundary => Some(Denial::Boundary),
        // The SDK's type may grow: what is not allowed is denied.
        _ => Some(Denial::Implicit),
    };
    let action = result.eval_action_name();
    if let Some(resource) = result.eval_resource_name() {
        let within = boundary.is_none_or(|detail| detail.allowed_by_permissions_boundary());
        let decision = denial(result.eval_decision(), within);
        into.entry((action.to_owned(), resource.to_owned()))
            .or_insert(decision);
    }
    for specific in result.resource_specific_results() {
        let detail = specific.permissions_boundary_decision_detail();
        let within = detail.is_none_or(|detail| detail.allowed_by_permissions_boundary());
        let decision = denial(specific.eval_resource_decision(), within);
        into.insert(
            (action.to_owned(), specific.eval_resource_name().to_owned()),
            decision,
        );
    }
}
