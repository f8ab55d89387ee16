//! Operations of the Security Token Service.

use serde_json::{Value, json};

use super::Fault;
use crate::fleet::Fleet;

/// Answers an operation.
pub(super) fn answer(fleet: &Fleet, operation: &str) -> Result<Value, Fault> {
    match operation {
        "GetCallerIdentity" => Ok(json!({
            "Account": fleet.account,
            "Arn": format!("arn:aws:iam::{}:user/local", fleet.account),
            "UserId": "AIDALOCALLOCALLOCAL00",
        })),
        other => Err(Fault::unknown_operation(other)),
    }
}
