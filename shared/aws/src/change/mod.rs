//! Changes besides the image: how each kind is seen, made and undone. One file for each kind, so that
//! a function links only what its phase changes.

#[cfg(all(feature = "dynamodb", feature = "rds"))]
pub mod backup;
#[cfg(feature = "appconfig")]
pub mod flags;
#[cfg(feature = "dynamodb")]
pub mod index;
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
#[cfg(all(feature = "ecs", any(feature = "logs", feature = "s3")))]
mod task;
#[cfg(all(feature = "ecs", feature = "elbv2", feature = "s3"))]
pub mod terraform;
#[cfg(all(
    feature = "cloudwatch",
    feature = "dynamodb",
    feature = "ecr",
    feature = "ecs",
    feature = "elbv2",
    feature = "rds"
))]
pub mod verify;

use tidegate_core::action::Action;
use tidegate_core::change::{Before, Change, Direction};
use tidegate_core::deployment::Deployment;
#[cfg(any(
    feature = "autoscaling",
    all(feature = "ecs", any(feature = "logs", feature = "s3"))
))]
use tidegate_core::deployment::Plan;

use crate::error::{AwsError, Kind};

/// Why a function that is asked for another phase's change does nothing.
pub fn not_mine(deployment: &Deployment, change: &Change) -> AwsError {
    let what = format!("failed to change {} for {}", change.id, deployment.target);
    AwsError::answer(what, Kind::Invalid, "another phase's function makes this change")
}

/// The change that an action makes or undoes, and what was there before.
///
/// # Errors
/// Where the action is about something else, which a phase that only makes changes does not do.
pub fn of<'a>(
    deployment: &Deployment,
    action: &'a Action,
) -> Result<(&'a Change, Direction, Option<&'a Before>), AwsError> {
    action.change().ok_or_else(|| {
        let what = format!("failed to change anything for {}", deployment.target);
        AwsError::answer(
            what,
            Kind::Invalid,
            "this phase does only what changes of the plan ask for",
        )
    })
}

/// The plan that a change is part of.
#[cfg(any(
    feature = "autoscaling",
    all(feature = "ecs", any(feature = "logs", feature = "s3"))
))]
fn plan<'a>(deployment: &'a Deployment, change: &Change) -> Result<&'a Plan, AwsError> {
    deployment.plan.as_deref().ok_or_else(|| {
        let what = format!("failed to look at {} of {}", change.id, deployment.target);
        AwsError::answer(what, Kind::Invalid, "there is no plan yet")
    })
}
