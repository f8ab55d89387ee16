//! ECS services as `DescribeServices` shows them.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::types::Service;

use crate::error::{AwsError, Kind};

/// `MISSING` is the only failure that means that a service does not exist (Amazon ECS Developer
/// Guide, "API failure reasons").
const MISSING: &str = "MISSING";

/// The services of these names that exist, in no particular order. A deleted service stays
/// readable for a while; it counts as one that does not exist. Nothing where the cluster does not
/// exist.
///
/// # Errors
/// Where AWS can't be asked, or can't say whether a service exists.
pub(crate) async fn describe_services(
    ecs: &Client,
    cluster: &str,
    names: &[String],
) -> Result<Option<Vec<Service>>, AwsError> {
    let what = || {
        format!(
            "failed to describe services {} in cluster {cluster}",
            names.join(", ")
        )
    };
    let call = ecs
        .describe_services()
        .cluster(cluster)
        .set_services(Some(names.to_vec()));
    let answer = match call.send().await {
        Ok(answer) => answer,
        Err(error) if is_missing_cluster(&error) => return Ok(None),
        Err(error) => return Err(AwsError::sdk(what(), error)),
    };
    if let Some(failure) = answer.failures().iter().find(|one| one.reason() != Some(MISSING)) {
        let cause = format!(
            "{}: {}",
            failure.arn().unwrap_or("a service"),
            failure.reason().unwrap_or("no reason given")
        );
        return Err(AwsError::answer(what(), Kind::Other, cause));
    }
    let services = answer.services.unwrap_or_default();
    Ok(Some(
        services
            .into_iter()
            .filter(|one| one.status() == Some("ACTIVE"))
            .collect(),
    ))
}

/// One service that has to exist.
///
/// # Errors
/// Where it does not, or AWS can't be asked.
pub(crate) async fn describe_service(ecs: &Client, cluster: &str, name: &str) -> Result<Service, AwsError> {
    let names = [name.to_owned()];
    let found = describe_services(ecs, cluster, &names).await?.unwrap_or_default();
    found.into_iter().next().ok_or_else(|| {
        let what = format!("failed to describe service {name} in cluster {cluster}");
        AwsError::answer(what, Kind::NotFound, "it does not exist")
    })
}

fn is_missing_cluster<R>(error: &SdkError<DescribeServicesError, R>) -> bool {
    error
        .as_service_error()
        .is_some_and(DescribeServicesError::is_cluster_not_found_exception)
}
