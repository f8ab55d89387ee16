//! A local cloud with something on it: for the demo, the scenarios and the benchmark.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_aws::store::Store;
use tidegate_core::deployment::Deployment;
use tidegate_core::ids::{DeploymentId, Target};
use tidegate_core::journal::Entry;
use tidegate_core::messages::timeline;
use tidegate_core::target::TargetState;
use tokio::task::LocalSet;

use crate::cloud::{Cloud, CloudError, Failure, Options};
use crate::fleet::{Behaviour, GoldenSpec};
use crate::names::TABLE;
use crate::table::TableKind;

/// Digest of the version that runs when a stage opens.
pub const FIRST_DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// Runs a story on a fresh local cloud in virtual time, with the cloud's own life going on beside it.
///
/// # Errors
/// Where the cloud can't be made, or what the story says.
pub fn play<T, E: From<CloudError>>(
    options: &Options,
    story: impl AsyncFnOnce(Stage) -> Result<T, E>,
) -> Result<T, E> {
    play_on(TableKind::Dynoxide, options, story)
}

/// As [`play`], on a table of that kind.
///
/// # Errors
/// As [`play`].
pub fn play_on<T, E: From<CloudError>>(
    table: TableKind,
    options: &Options,
    story: impl AsyncFnOnce(Stage) -> Result<T, E>,
) -> Result<T, E> {
    // The SDK draws the jitter of its retries from this thread's generator: one seed, one story.
    fastrand::seed(options.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = runtime.map_err(|error| CloudError::Database(format!("no runtime: {error}")))?;
    LocalSet::new().block_on(&runtime, async {
        let (cloud, driver) = Cloud::with_table(options, table)?;
        tokio::task::spawn_local(driver.run());
        story(Stage::on(cloud)).await
    })
}

/// A cloud with helpers to tell a story on it.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The cloud.
    pub cloud: Cloud,
    store: Store,
}

impl Stage {
    /// Puts helpers on a cloud.
    pub fn on(cloud: Cloud) -> Self {
        let store = Store::new(aws_sdk_dynamodb::Client::new(&cloud.sdk_config()), TABLE);
        Self { cloud, store }
    }

    /// Makes a golden-path service that runs `FIRST_DIGEST`.
    pub fn golden(&self, service: &str, environment: &str, replicas: u32) {
        self.service(&GoldenSpec {
            service,
            environment,
            replicas,
            repository: service,
            image_digest: Some(FIRST_DIGEST),
            with_load_balancer: true,
            slots: true,
        });
    }

    /// Makes a service, and the task definitions of its test suites.
    pub fn service(&self, spec: &GoldenSpec<'_>) {
        self.cloud.with(|state| {
            state.fleet.create_golden_service(spec);
        });
    }

    /// Registers the task definition of a test suite.
    pub fn suite(&self, service: &str, environment: &str, suite: &str) {
        let family = format!("{service}-{environment}-test-{suite}");
        let logs = logs_of_suites(&self.cloud.with(|state| state.fleet.region.clone()));
        let image = "public.ecr.aws/docker/library/busybox:stable";
        let definition = json!({
            "containerDefinitions": [{ "name": "suite", "image": image, "logConfiguration": logs }],
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
        });
        if let Value::Object(members) = definition {
            self.cloud
                .with(|state| state.fleet.register_task_definition(&family, members));
        }
    }

    /// Calls the `api` function as a person.
    ///
    /// # Errors
    /// The status and body of an answer that is no success, or the function's failure.
    pub async fn ask(&self, who: &str, method: &str, path: &str, body: &str) -> Result<Value, String> {
        let (status, body) = ask(&self.cloud, who, method, path, body)
            .await
            .map_err(|f| f.error_message)?;
        let value = serde_json::from_str(&body).unwrap_or(Value::String(body));
        if status == 200 {
            Ok(value)
        } else {
            Err(format!("{status}: {}", value["message"].as_str().unwrap_or("?")))
        }
    }

    /// Applies a deployment file.
    ///
    /// # Errors
    /// As [`Stage::ask`].
    pub async fn apply(&self, target: &str, file: &str) -> Result<(), String> {
        self.ask("platform", "PUT", &format!("/targets/{target}/spec"), file)
            .await
            .map(|_| ())
    }

    /// Decides as a person at a deployment's open gate, about a plan of that hash.
    ///
    /// # Errors
    /// As [`Stage::ask`].
    pub async fn decide(
        &self,
        who: &str,
        id: &DeploymentId,
        approve: bool,
        plan: &str,
        reason: &str,
    ) -> Result<Value, String> {
        let body = json!({ "approve": approve, "planHash": plan, "reason": reason });
        self.ask(
            who,
            "POST",
            &format!("/deployments/{id}/decisions"),
            &body.to_string(),
        )
        .await
    }

    /// Pushes an image; AWS tells of it.
    pub fn push(&self, repository: &str, tag: &str, digest: &str, behaviour: Behaviour) {
        self.cloud.with(|state| {
            state.fleet.push_image(repository, tag, Some(digest), behaviour);
        });
    }

    /// Lets time pass.
    pub async fn wait(&self, seconds: u64) {
        self.cloud.clock().sleep(Duration::from_secs(seconds)).await;
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.cloud.clock().now()
    }

    /// A target's record.
    pub async fn target(&self, target: &str) -> Option<TargetState> {
        let target: Target = target.parse().ok()?;
        self.store
            .target(&target)
            .await
            .ok()
            .flatten()
            .map(|held| held.value)
    }

    /// The deployment that holds a target.
    pub async fn running(&self, target: &str) -> Option<DeploymentId> {
        self.target(target).await?.lock.map(|lock| lock.deployment)
    }

    /// A deployment.
    pub async fn deployment(&self, id: &DeploymentId) -> Option<Deployment> {
        self.store.deployment(id).await.ok().flatten()
    }

    /// Its journal.
    pub async fn journal(&self, id: &DeploymentId) -> Vec<Entry> {
        self.store.journal(id).await.unwrap_or_default()
    }

    /// All deployments of an environment, oldest first.
    pub async fn deployments(&self, environment: &str) -> Vec<Deployment> {
        let Ok(environment) = environment.parse() else {
            return Vec::new();
        };
        let mut all = self
            .store
            .deployments(&environment, 200)
            .await
            .unwrap_or_default();
        all.sort_by_key(|deployment| (deployment.requested_at, deployment.epoch));
        all
    }

    /// Waits, a second at a time, until something holds; whether it did within the limit.
    pub async fn until(&self, limit_seconds: u64, holds: impl AsyncFn(&Self) -> bool) -> bool {
        for _ in 0..limit_seconds {
            if holds(self).await {
                return true;
            }
            self.wait(1).await;
        }
        false
    }

    /// Waits until a target has a running deployment.
    pub async fn until_running(&self, target: &str) -> Option<DeploymentId> {
        self.until(120, async |stage| stage.running(target).await.is_some())
            .await;
        self.running(target).await
    }

    /// Waits until a deployment has ended and everyone was told.
    pub async fn until_exit(&self, id: &DeploymentId, limit_seconds: u64) -> Option<Deployment> {
        let ended = async |stage: &Self| {
            // Cheap while an execution runs: a deployment ends with its execution.
            let busy = stage.cloud.with(|state| state.engine.is_busy());
            !busy && stage.deployment(id).await.is_some_and(|d| d.exit.is_some())
        };
        self.until(limit_seconds, ended).await;
        self.wait(5).await;
        self.deployment(id).await
    }

    /// The story of a deployment, a line each.
    pub async fn timeline(&self, id: &DeploymentId) -> Vec<String> {
        let entries = self.journal(id).await;
        let start = entries.first().map_or_else(|| self.now(), |entry| entry.at);
        timeline::lines(start, &entries)
    }
}

/// Where the tasks of test suites write what they have to say.
pub fn logs_of_suites(region: &str) -> Value {
    json!({
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/ecs/suites",
            "awslogs-region": region,
            "awslogs-stream-prefix": "suites",
        },
    })
}

/// Calls the `api` function of a cloud as its function URL would, with an identity that IAM vouched for.
///
/// # Errors
/// Where the function itself fails.
pub async fn ask(
    cloud: &Cloud,
    who: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String), Failure> {
    let (raw_path, query) = path.split_once('?').unwrap_or((path, ""));
    let parameters: serde_json::Map<String, Value> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let now = cloud.clock().now();
    let request = json!({
        "version": "2.0",
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": {},
        "queryStringParameters": parameters,
        "requestContext": {
            "accountId": crate::names::ACCOUNT,
            "authorizer": { "iam": {
                "userArn": who,
                "accountId": crate::names::ACCOUNT,
                "accessKey": "LOCAL",
                "callerId": "LOCAL",
                "userId": who,
            } },
            "http": { "method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "local" },
            "timeEpoch": now.as_millisecond(),
        },
        "body": body,
        "isBase64Encoded": false,
    });
    let answer = cloud.invoke("api", request).await?;
    let status = answer["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .unwrap_or(502);
    Ok((status, answer["body"].as_str().unwrap_or_default().to_owned()))
}
