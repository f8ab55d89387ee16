//! Changes that are tasks: where they run.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::Service;
use tidegate_core::deployment::Plan;

use crate::error::{AwsError, Kind};
use crate::observe::services::describe_service;

/// The service beside whose tasks those of a change run: the candidate's.
pub(super) async fn candidate_service(
    ecs: &Client,
    plan: &Plan,
    what: impl Fn() -> String,
) -> Result<Service, AwsError> {
    let Some(name) = plan.wiring.services.get(&plan.candidate) else {
        let cause = "the candidate has no ECS service by the plan";
        return Err(AwsError::answer(what(), Kind::Invalid, cause));
    };
    describe_service(ecs, &plan.wiring.cluster, name).await
}
