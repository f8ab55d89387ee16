//! Changes besides the image: how each kind is seen, made and undone. One file for each kind, so that
//! a function links only what its phase changes.

#[cfg(all(feature = "dynamodb", feature = "rds"))]
pub mod backup;
#[cfg(all(feature = "cloudwatch", feature = "logs"))]
pub mod monitor;
#[cfg(feature = "ssm")]
pub mod parameter;
#[cfg(all(feature = "ecs", feature = "logs"))]
pub mod run;
#[cfg(feature = "autoscaling")]
pub mod scaling;
#[cfg(feature = "cloudformation")]
pub mod stack;
#[cfg(all(feature = "ecs", feature = "logs"))]
mod tail;
#[cfg(all(
    feature = "cloudwatch",
    feature = "dynamodb",
    feature = "ecr",
    feature = "ecs",
    feature = "elbv2"
))]
pub mod verify;

use tidegate_core::change::Change;
use tidegate_core::deployment::Deployment;
#[cfg(any(feature = "autoscaling", all(feature = "ecs", feature = "elbv2")))]
use tidegate_core::deployment::Plan;

use crate::error::{AwsError, Kind};

/// Why a function that is asked for another phase's change does nothing.
pub fn not_mine(deployment: &Deployment, change: &Change) -> AwsError {
    let what = format!("failed to change {} for {}", change.id, deployment.target);
    AwsError::answer(what, Kind::Invalid, "another phase's function makes this change")
}

/// The plan that a change is part of.
#[cfg(any(feature = "autoscaling", all(feature = "ecs", feature = "elbv2")))]
fn plan<'a>(deployment: &'a Deployment, change: &Change) -> Result<&'a Plan, AwsError> {
    deployment.plan.as_ref().ok_or_else(|| {
        let what = format!("failed to look at {} of {}", change.id, deployment.target);
        AwsError::answer(what, Kind::Invalid, "there is no plan yet")
    })
}
