//! Changes besides the image: how each kind is seen, made and undone. One file for each kind, so that
//! a function links only what its phase changes.

#[cfg(feature = "ecs")]
pub mod run;
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

use crate::error::{AwsError, Kind};

/// Why a function that is asked for another phase's change does nothing.
pub fn not_mine(deployment: &Deployment, change: &Change) -> AwsError {
    let what = format!("failed to change {} for {}", change.id, deployment.target);
    AwsError::answer(what, Kind::Invalid, "another phase's function makes this change")
}
