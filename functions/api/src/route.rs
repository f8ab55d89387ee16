//! Which path is which.

use tidegate_core::ids::{DeploymentId, Target};

use crate::http::ApiError;

/// A route with what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    ListTargets,
    GetTarget(Target),
    GetSpec(Target),
    ApplySpec(Target),
    ApplyPeople,
    Record,
    GetRelease { repository: String, image: String },
    ListDeployments,
    Measures,
    Deploy,
    GetDeployment(DeploymentId),
    GetJournal(DeploymentId),
    Decide(DeploymentId),
    Abort(DeploymentId),
    Rollback(DeploymentId),
    RunContract(Target),
    CancelContract(Target),
}

/// Finds the route.
///
/// # Errors
/// A path or a name that does not exist.
pub(crate) fn route(method: &str, path: &str) -> Result<Route, ApiError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let target = |service: &str, environment: &str| -> Result<Target, ApiError> {
        format!("{service}/{environment}").parse().map_err(bad)
    };
    let route = match (method, parts.as_slice()) {
        ("GET", ["targets"]) => Route::ListTargets,
        ("GET", ["targets", service, environment]) => Route::GetTarget(target(service, environment)?),
        ("GET", ["targets", service, environment, "spec"]) => Route::GetSpec(target(service, environment)?),
        ("PUT", ["targets", service, environment, "spec"]) => Route::ApplySpec(target(service, environment)?),
        ("POST", ["targets", service, environment, "contract", "run"]) => {
            Route::RunContract(target(service, environment)?)
        }
        ("POST", ["targets", service, environment, "contract", "cancel"]) => {
            Route::CancelContract(target(service, environment)?)
        }
        ("PUT", ["people"]) => Route::ApplyPeople,
        ("PUT", ["releases"]) => Route::Record,
        // A repository's name may have slashes in it.
        ("GET", ["releases", repository @ .., image]) if !repository.is_empty() => Route::GetRelease {
            repository: repository.join("/"),
            image: (*image).to_owned(),
        },
        ("GET", ["deployments"]) => Route::ListDeployments,
        ("GET", ["measures"]) => Route::Measures,
        ("POST", ["deployments"]) => Route::Deploy,
        ("GET", ["deployments", id]) => Route::GetDeployment(deployment(id)?),
        ("GET", ["deployments", id, "journal"]) => Route::GetJournal(deployment(id)?),
        ("POST", ["deployments", id, "decisions"]) => Route::Decide(deployment(id)?),
        ("POST", ["deployments", id, "abort"]) => Route::Abort(deployment(id)?),
        ("POST", ["deployments", id, "rollback"]) => Route::Rollback(deployment(id)?),
        _ => return Err(ApiError::NotFound(format!("there is no {method} {path}"))),
    };
    Ok(route)
}

fn deployment(id: &str) -> Result<DeploymentId, ApiError> {
    id.parse().map_err(bad)
}

fn bad(error: tidegate_core::ids::InvalidName) -> ApiError {
    ApiError::BadRequest(error.to_string())
}
