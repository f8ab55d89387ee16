//! The `api` function as typed calls.

use std::cell::Cell;

use api::model::{
    ApplyAnswer, DecisionAnswer, DecisionRequest, DeployAnswer, DeployRequest, ErrorAnswer, JournalAnswer,
    ReleaseRequest, StopAnswer, StopRequest,
};
use http::Method;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_core::deployment::Deployment;
use tidegate_core::gates::People;
use tidegate_core::ids::{DeploymentId, EnvironmentName, ServiceName, Target};
use tidegate_core::measures::{Measures, Since};
use tidegate_core::release::Release;
use tidegate_core::target::TargetState;

use crate::clock;
use crate::status::CliError;
use crate::transport::{Body, Transport};

/// The longest list that the function gives.
pub const MAX_LIMIT: u32 = 200;

/// Typed calls.
#[derive(Debug)]
pub struct Api {
    transport: Transport,
    now: Cell<Option<Timestamp>>,
}

/// The `people` file was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleAnswer {
    /// How many people are in it.
    pub people: usize,
}

/// Which deployments to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// The newest so many, at most [`MAX_LIMIT`].
    pub limit: u32,
    /// Only those older than this one.
    pub before: Option<DeploymentId>,
}

/// Which deployments to measure.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// That ended since then.
    pub since: Since,
}

impl Scope {
    fn query(&self) -> String {
        let mut query = format!("since={}", self.since);
        if let Some(service) = &self.service {
            query.push_str(&format!("&service={service}"));
        }
        if let Some(environment) = &self.environment {
            query.push_str(&format!("&environment={environment}"));
        }
        query
    }
}

impl Filter {
    fn query(&self) -> String {
        let mut query = format!("limit={}", self.limit);
        if let Some(service) = &self.service {
            query.push_str(&format!("&service={service}"));
        }
        if let Some(environment) = &self.environment {
            query.push_str(&format!("&environment={environment}"));
        }
        if let Some(before) = &self.before {
            query.push_str(&format!("&before={before}"));
        }
        query
    }
}

impl Api {
    /// Over a transport.
    pub const fn new(transport: Transport) -> Self {
        Self {
            transport,
            now: Cell::new(None),
        }
    }

    /// The server's time as of its last answer; ours where it never said. The local cloud's time may
    /// run faster than ours.
    pub fn now(&self) -> Timestamp {
        self.now.get().unwrap_or_else(clock::now)
    }

    /// `GET /targets/{service}/{environment}`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn target(&self, target: &Target) -> Result<TargetState, CliError> {
        self.get(&format!("/targets/{target}")).await
    }

    /// `PUT /targets/{service}/{environment}/spec`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn apply_spec(&self, target: &Target, text: &str) -> Result<ApplyAnswer, CliError> {
        let body = Body {
            content_type: "application/yaml",
            bytes: text.as_bytes().to_vec(),
        };
        self.call(Method::PUT, &format!("/targets/{target}/spec"), body)
            .await
    }

    /// `PUT /people`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn apply_people(&self, people: &People) -> Result<PeopleAnswer, CliError> {
        self.call(Method::PUT, "/people", json_body(people)?).await
    }

    /// `PUT /releases`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn record_release(&self, request: &ReleaseRequest) -> Result<Release, CliError> {
        self.call(Method::PUT, "/releases", json_body(request)?).await
    }

    /// `GET /releases/{repository}/{image}`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn release(&self, repository: &str, image: &str) -> Result<Release, CliError> {
        self.get(&format!("/releases/{repository}/{image}")).await
    }

    /// `GET /deployments`, newest first.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn deployments(&self, filter: &Filter) -> Result<Vec<Deployment>, CliError> {
        self.get(&format!("/deployments?{}", filter.query())).await
    }

    /// `GET /measures`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn measures(&self, which: &Scope) -> Result<Measures, CliError> {
        self.get(&format!("/measures?{}", which.query())).await
    }

    /// `GET /deployments/{id}`.
    ///
    /// # Errors
    /// Not found, refused, or no readable answer.
    pub async fn deployment(&self, id: &DeploymentId) -> Result<Deployment, CliError> {
        self.get(&format!("/deployments/{id}")).await
    }

    /// `GET /deployments/{id}/journal`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn journal(&self, id: &DeploymentId) -> Result<JournalAnswer, CliError> {
        self.get(&format!("/deployments/{id}/journal")).await
    }

    /// `POST /deployments`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn deploy(&self, request: &DeployRequest) -> Result<DeployAnswer, CliError> {
        self.call(Method::POST, "/deployments", json_body(request)?).await
    }

    /// `POST /deployments/{id}/decisions`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn decide(
        &self,
        id: &DeploymentId,
        request: &DecisionRequest,
    ) -> Result<DecisionAnswer, CliError> {
        self.call(
            Method::POST,
            &format!("/deployments/{id}/decisions"),
            json_body(request)?,
        )
        .await
    }

    /// `POST /deployments/{id}/abort`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn abort(&self, id: &DeploymentId, request: &StopRequest) -> Result<StopAnswer, CliError> {
        self.call(
            Method::POST,
            &format!("/deployments/{id}/abort"),
            json_body(request)?,
        )
        .await
    }

    /// `POST /deployments/{id}/rollback`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn rollback(&self, id: &DeploymentId, request: &StopRequest) -> Result<StopAnswer, CliError> {
        self.call(
            Method::POST,
            &format!("/deployments/{id}/rollback"),
            json_body(request)?,
        )
        .await
    }

    /// `POST /targets/{service}/{environment}/contract/run`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn run_contract(&self, target: &Target) -> Result<StopAnswer, CliError> {
        let path = format!("/targets/{target}/contract/run");
        self.call(Method::POST, &path, Body::default()).await
    }

    /// `POST /targets/{service}/{environment}/contract/cancel`.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn cancel_contract(
        &self,
        target: &Target,
        request: &StopRequest,
    ) -> Result<StopAnswer, CliError> {
        let path = format!("/targets/{target}/contract/cancel");
        self.call(Method::POST, &path, json_body(request)?).await
    }

    /// `POST /_local/push`, which only the local cloud has.
    ///
    /// # Errors
    /// See [`Api::deployment`].
    pub async fn push<T: Serialize>(&self, request: &T) -> Result<serde_json::Value, CliError> {
        let answer = self
            .transport
            .send(Method::POST, "/_local/push", json_body(request)?)
            .await?;
        self.read(answer.status, &answer.body)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.call(Method::GET, path, Body::default()).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T, CliError> {
        let path = if self.transport.is_local() {
            format!("/api{path}")
        } else {
            path.to_owned()
        };
        let answer = self.transport.send(method, &path, body).await?;
        if answer.now.is_some() {
            self.now.set(answer.now);
        }
        self.read(answer.status, &answer.body)
    }

    fn read<T: DeserializeOwned>(&self, status: u16, body: &[u8]) -> Result<T, CliError> {
        if !(200..300).contains(&status) {
            return Err(failure(status, body, self.transport.base()));
        }
        serde_json::from_slice(body).map_err(|error| {
            CliError::Unreachable(format!(
                "{} answered what this version can't read ({error}): is it Tidegate, and of the same version?",
                self.transport.base()
            ))
        })
    }
}

fn json_body<T: Serialize>(value: &T) -> Result<Body, CliError> {
    let bytes = serde_json::to_vec(value)
        .map_err(|error| CliError::Usage(format!("failed to put the request into JSON: {error}")))?;
    Ok(Body {
        content_type: "application/json",
        bytes,
    })
}

/// What an answer that is no success means for the exit code.
fn failure(status: u16, body: &[u8], base: &str) -> CliError {
    let message = match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(answer) => {
            let problems = answer
                .problems
                .iter()
                .map(|problem| format!("\n  {}", problem.plain("deployment file")));
            format!("{}{}", answer.message, problems.collect::<String>())
        }
        // Not from our function: the function URL itself, or someone else's server.
        Err(_) => match status {
            403 => format!(
                "AWS refused the request to {base} before Tidegate saw it: your principal needs \
                 lambda:InvokeFunctionUrl on the `api` function; check who you are with `aws sts get-caller-identity`"
            ),
            404 => format!("{base} has no such page: is this Tidegate's address?"),
            _ => format!(
                "{base} answered HTTP {status}: try again, and look at the `api` function's log if it stays"
            ),
        },
    };
    match status {
        404 => CliError::NotFound(message),
        403 | 409 => CliError::Refused(message),
        400 => CliError::Usage(message),
        422 => CliError::Failed(message),
        _ => CliError::Unreachable(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;

    fn status_of(http: u16) -> Status {
        failure(http, br#"{"error":"Name","message":"words"}"#, "http://host").status()
    }

    #[test]
    fn http_statuses_become_the_documented_exit_codes() {
        assert_eq!(status_of(400), Status::Usage);
        assert_eq!(status_of(403), Status::Refused);
        assert_eq!(status_of(404), Status::NotFound);
        assert_eq!(status_of(409), Status::Refused);
        assert_eq!(status_of(422), Status::Failed);
        assert_eq!(status_of(502), Status::Unreachable);
    }

    #[test]
    fn a_refusal_of_the_function_url_says_what_to_check() {
        let message = failure(403, br#"{"Message":"Forbidden"}"#, "https://host").to_string();
        assert!(message.contains("lambda:InvokeFunctionUrl"), "{message}");
    }

    #[test]
    fn what_is_measured_becomes_a_query() {
        let mut scope = Scope {
            environment: "production".parse().ok(),
            service: None,
            since: Since::default(),
        };
        assert_eq!(scope.query(), "since=30d&environment=production");
        scope.service = "web".parse().ok();
        scope.since = Since::At("2026-11-20T09:00:00Z".parse().unwrap_or_default());
        assert_eq!(
            scope.query(),
            "since=2026-11-20T09:00:00Z&service=web&environment=production"
        );
    }

    #[test]
    fn filters_become_a_query() {
        let filter = Filter {
            environment: "production".parse().ok(),
            service: "web".parse().ok(),
            limit: 5,
            before: "web-production-7".parse().ok(),
        };
        assert_eq!(
            filter.query(),
            "limit=5&service=web&environment=production&before=web-production-7"
        );
    }
}
