//! Test suites that are tasks: whether they exist.

use aws_sdk_ecs::Client;
use tidegate_core::ids::Target;
use tidegate_core::spec::SuiteName;

use super::task_definitions::try_describe_task_definition;
use crate::error::AwsError;

/// The suites that have no task definition.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn unknown_suites(
    ecs: &Client,
    target: &Target,
    suites: &[SuiteName],
) -> Result<Vec<SuiteName>, AwsError> {
    let mut unknown = Vec::new();
    for suite in suites {
        if try_describe_task_definition(ecs, &suite.family(target))
            .await?
            .is_none()
        {
            unknown.push(suite.clone());
        }
    }
    Ok(unknown)
}
