//! Operations of Identity and Access Management: the simulation of what roles may do.

use serde_json::{Value, json};

use super::Fault;
use super::args::Args;
use crate::fleet::{Fleet, Refusal};

/// Answers an operation.
pub(super) fn answer(fleet: &Fleet, operation: &str, args: Args<'_>) -> Result<Value, Fault> {
    match operation {
        "SimulatePrincipalPolicy" => simulate(fleet, args),
        other => Err(Fault::unknown_operation(other)),
    }
}

/// Each action with each resource: allowed, but for what the fleet refuses.
fn simulate(fleet: &Fleet, args: Args<'_>) -> Result<Value, Fault> {
    let Some(role) = args.filled("PolicySourceArn") else {
        let message = "1 validation error detected: Value at 'policySourceArn' failed to satisfy constraint";
        return Err(Fault::new("ValidationError", message));
    };
    let (actions, resources) = (args.texts("ActionNames"), args.texts("ResourceArns"));
    let results: Vec<Value> = actions
        .iter()
        .flat_map(|action| resources.iter().map(move |resource| (action, resource)))
        .map(|(action, resource)| {
            let refused = fleet.refuses(role, action, resource);
            result(action, resource, refused)
        })
        .collect();
    Ok(json!({ "EvaluationResults": results, "IsTruncated": false }))
}

fn result(action: &str, resource: &str, refused: Option<Refusal>) -> Value {
    let decision = match refused {
        None => "allowed",
        Some(Refusal::Denied) => "explicitDeny",
        Some(Refusal::Unmentioned | Refusal::ByOrganization | Refusal::ByBoundary) => "implicitDeny",
    };
    json!({
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision,
        "OrganizationsDecisionDetail": {
            "AllowedByOrganizations": refused != Some(Refusal::ByOrganization),
        },
        "PermissionsBoundaryDecisionDetail": {
            "AllowedByPermissionsBoundary": refused != Some(Refusal::ByBoundary),
        },
        "MissingContextValues": [],
    })
}
