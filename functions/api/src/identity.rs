//! Who is asking. The function URL's IAM authentication says which principal; the `people` file
//! says which person that is.

use std::collections::BTreeSet;

use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlRequest;
use tidegate_core::gates::People;
use tidegate_core::ids::{Person, Role};

use crate::http::ApiError;

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The person, or the principal itself where the file does not know it.
    pub(crate) person: Person,
    /// Roles; none for an unknown principal.
    pub(crate) roles: BTreeSet<Role>,
}

/// The caller of a request.
///
/// # Errors
/// Where nobody vouched for an identity.
pub(crate) fn caller(request: &LambdaFunctionUrlRequest, people: &People) -> Result<Caller, ApiError> {
    let iam = request
        .request_context
        .authorizer
        .as_ref()
        .and_then(|a| a.iam.as_ref());
    let principal = iam.and_then(|iam| iam.user_arn.as_deref()).ok_or_else(|| {
        ApiError::Forbidden("the request carries no IAM identity; sign it with AWS credentials".to_owned())
    })?;
    for name in names(principal) {
        if let Some((person, entry)) = people.identify(&name) {
            return Ok(Caller {
                person,
                roles: entry.roles.clone(),
            });
        }
    }
    let person = principal
        .parse()
        .map_err(|error| ApiError::Forbidden(format!("failed to read the identity: {error}")))?;
    Ok(Caller {
        person,
        roles: BTreeSet::new(),
    })
}

/// The ways in which a principal may stand in the file: its ARN, and for a role's session
/// `role/NAME/SESSION`.
fn names(principal: &str) -> Vec<String> {
    let mut names = vec![principal.to_owned()];
    if let Some((_, session)) = principal.split_once(":assumed-role/") {
        names.push(format!("role/{session}"));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_session_of_a_role_is_known_by_role_and_session() {
        let principal = "arn:aws:sts::123456789012:assumed-role/dev/maria";
        assert_eq!(names(principal), [principal, "role/dev/maria"]);
    }
}
