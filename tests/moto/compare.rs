//! The same call on both sides, and what to make of two different answers.

use std::collections::BTreeSet;
use std::fmt::Debug;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use serde_json::Value;
use tidegate_aws::error::AwsError;
use tidegate_aws::on_demand::OnDemand;
use tidegate_aws::store::{Store, StoreError};
use tidegate_core::wiring::Wiring;
use tidegate_local::Cloud;
use tidegate_local::endpoints::Request;
use tidegate_local::names::TABLE;

use super::known::DIFFERS;
use super::wire;

/// Where a call goes for which there is no client.
#[derive(Debug)]
pub enum Door {
    /// The local cloud's endpoints.
    Local(Cloud),
    /// moto's port.
    Moto(u16),
}

impl Door {
    /// Makes a call of DynamoDB Streams: its answer, or the code of its refusal.
    pub fn streams(&self, operation: &str, body: &Value) -> Result<Value, String> {
        const TARGET: &str = "DynamoDBStreams_20120810";
        let (status, body) = match self {
            Self::Local(cloud) => {
                let target = format!("{TARGET}.{operation}");
                let body = body.to_string().into_bytes().into();
                let reply = cloud.answer(&Request {
                    method: "POST",
                    host: "streams.dynamodb.us-east-1.amazonaws.com",
                    path: "/",
                    query: "",
                    headers: &[("X-Amz-Target".to_owned(), target)],
                    body: &body,
                });
                (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
            }
            Self::Moto(port) => {
                let answer = wire::json(*port, "dynamodb", TARGET, operation, body)?;
                (answer.status, answer.body)
            }
        };
        let answer: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
        if status == 200 {
            return Ok(answer);
        }
        let code = answer["__type"].as_str().unwrap_or(&body);
        Err(code.rsplit('#').next().unwrap_or(code).to_owned())
    }
}

/// Clients of one side, and what its names are there.
#[derive(Debug)]
pub struct Side {
    pub ecs: aws_sdk_ecs::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub logs: OnDemand<aws_sdk_cloudwatchlogs::Client>,
    pub ecr: aws_sdk_ecr::Client,
    pub sns: aws_sdk_sns::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
    pub sfn: aws_sdk_sfn::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub store: Store,
    /// For what has no client.
    pub door: Door,
    /// The golden-path service; the ARNs have random parts, so each side has its own.
    pub wiring: Wiring,
    /// A task token that is waited for; each side makes its own.
    pub token: String,
    /// Names that differ by chance, with the word that stands for them in what is compared.
    pub words: Vec<(String, &'static str)>,
}

impl Side {
    /// Clients of these settings, on a side that has nothing yet.
    pub fn new(sdk: &SdkConfig, door: Door) -> Self {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            ecs: aws_sdk_ecs::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(sdk),
            logs: OnDemand::new(sdk, aws_sdk_cloudwatchlogs::Client::new),
            ecr: aws_sdk_ecr::Client::new(sdk),
            sns: aws_sdk_sns::Client::new(sdk),
            eventbridge: aws_sdk_eventbridge::Client::new(sdk),
            sfn: aws_sdk_sfn::Client::new(sdk),
            store: Store::new(dynamodb.clone(), TABLE),
            dynamodb,
            door,
            wiring: Wiring {
                cluster: String::new(),
                services: [].into(),
                balancer: None,
            },
            token: String::new(),
            words: Vec::new(),
        }
    }

    fn neutral(&self, answer: String) -> String {
        self.words
            .iter()
            .fold(answer, |text, (name, word)| text.replace(name, word))
    }
}

/// Both sides, and how they compare so far.
#[derive(Debug)]
pub struct Comparison {
    pub local: Side,
    pub moto: Side,
    /// Calls that were compared.
    pub calls: u32,
    /// What moto is known to do otherwise, as far as it was met.
    pub known: BTreeSet<&'static str>,
    /// What is different and should not be.
    pub differences: Vec<String>,
    asked: BTreeSet<&'static str>,
}

impl Comparison {
    /// Nothing compared yet.
    pub fn new(local: Side, moto: Side) -> Self {
        Self {
            local,
            moto,
            calls: 0,
            known: BTreeSet::new(),
            differences: Vec::new(),
            asked: BTreeSet::new(),
        }
    }

    /// Makes a call on both sides. `what` names it once in the whole suite.
    pub async fn same(&mut self, what: &'static str, call: impl AsyncFn(&Side) -> String) {
        let local = self.local.neutral(call(&self.local).await);
        let moto = self.moto.neutral(call(&self.moto).await);
        self.calls += 1;
        if !self.asked.insert(what) {
            self.differences.push(format!("`{what}` is asked twice"));
        }
        match DIFFERS.iter().find(|one| one.call == what) {
            None if local == moto => {}
            None => self
                .differences
                .push(format!("{what}\n    local {local}\n    moto  {moto}")),
            Some(_) if local == moto => self.differences.push(format!(
                "{what}: moto answers as the local cloud by now; take it out of the table"
            )),
            Some(one) if !local.contains(one.aws) => self
                .differences
                .push(format!("{what}\n    local {local}\n    AWS   {}", one.aws)),
            Some(_) => {
                self.known.insert(what);
            }
        }
    }

    /// Entries of the table that stand for nothing.
    pub fn close(&mut self) {
        for one in &DIFFERS {
            if !self.asked.contains(one.call) {
                self.differences
                    .push(format!("`{}` is in the table but is never asked", one.call));
            }
        }
    }
}

/// An answer as far as Tidegate reads it: a failure is its sort and its code, never its text.
pub fn answer<T: Debug>(result: Result<T, AwsError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("refused: {:?}, {:?}", error.kind, error.code),
    }
}

/// The same, straight from a client.
pub fn raw<T, E>(result: Result<T, SdkError<E, HttpResponse>>) -> String
where
    T: Debug,
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    answer(result.map_err(|error| AwsError::sdk("failed to ask", error)))
}

/// The same, from the store.
pub fn stored<T: Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(StoreError::Aws(error)) => answer::<()>(Err(error)),
        Err(StoreError::Conflict { what }) => format!("conflict: {what}"),
        Err(StoreError::Fenced) => "fenced".to_owned(),
        Err(StoreError::AlreadySeen) => "already seen".to_owned(),
        Err(StoreError::Corrupt { key, .. }) => format!("corrupt: {key}"),
    }
}
