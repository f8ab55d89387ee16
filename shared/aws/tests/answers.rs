//! The real SDK clients over canned answers: what AWS says in the cases that matter, and what is
//! made of it. Answers have the shape that each service's API reference gives.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_aws::error::Kind;
use tidegate_aws::executions::{self, ExecutionStatus, TokenAnswer};
use tidegate_aws::{notify, observe};
use tidegate_core::evidence::{ScanState, Signature};
use tidegate_core::ids::{DeploymentId, Digest, Slot};
use tidegate_core::observation::{ImageState, Rollout};
use tidegate_core::wiring::{Balancer, Wiring};

/// Answers in their order; what was asked is kept.
#[derive(Debug, Clone, Default)]
struct Wire {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Wire {
    fn new(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let texts = answers.into_iter().map(|(status, body)| {
            (
                status,
                body.as_str().map_or_else(|| body.to_string(), str::to_owned),
            )
        });
        Self {
            answers: Arc::new(Mutex::new(texts.collect())),
            asked: Arc::default(),
        }
    }

    fn client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let text = || Value::String(String::from_utf8_lossy(body).into_owned());
        self.asked
            .lock()
            .unwrap()
            .push(serde_json::from_slice(body).unwrap_or_else(|_| text()));
        let (status, body) = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or((500, String::new()));
        let status = StatusCode::try_from(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}

macro_rules! client {
    ($sdk:ident, $wire:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region($sdk::config::Region::new("eu-central-1"))
                .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
                .retry_config(RetryConfig::disabled())
                .http_client($wire.client())
                .build(),
        )
    };
}

fn refused(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": "no" }))
}

fn wiring() -> Wiring {
    Wiring {
        cluster: "production".to_owned(),
        services: [(Slot::Blue, "web-blue".to_owned())].into(),
        balancer: None,
    }
}

/// The same behind a load balancer.
fn balanced() -> Wiring {
    let balancer = Balancer {
        rule_arn: "arn:rule".to_owned(),
        target_groups: [(Slot::Blue, "arn:tg".to_owned())].into(),
        load_balancer_dimension: "app/web/1".to_owned(),
    };
    Wiring {
        balancer: Some(balancer),
        ..wiring()
    }
}

fn digest() -> Digest {
    format!("sha256:{}", "d".repeat(64)).parse().unwrap()
}

#[tokio::test]
async fn a_service_is_read_with_its_rollout_and_digest() {
    let service = json!({
        "serviceName": "web-blue", "status": "ACTIVE", "taskDefinition": "arn:td/web:2",
        "desiredCount": 3, "runningCount": 3, "pendingCount": 0,
        "deployments": [{ "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": "arn:td/web:2",
            "runningCount": 3, "rolloutState": "FAILED", "rolloutStateReason": "circuit breaker" }],
    });
    let task = json!({ "taskDefinition": { "containerDefinitions": [
        { "name": "web", "image": format!("registry/web@{}", digest()) } ] } });
    let wire = Wire::new([
        (200, json!({ "services": [service], "failures": [] })),
        (200, task),
        (200, json!({ "services": [service], "failures": [] })),
    ]);
    let images = observe::KnownImages::default();
    let elb = Wire::default();
    let (ecs, elb_client) = (
        client!(aws_sdk_ecs, wire),
        client!(aws_sdk_elasticloadbalancingv2, elb),
    );
    let slots = observe::slots(&ecs, &elb_client, &wiring(), None, &images)
        .await
        .unwrap();
    let blue = slots.get(&Slot::Blue).unwrap();
    assert_eq!((blue.desired, blue.running, blue.healthy), (3, 3, 3));
    assert_eq!(blue.digest, Some(digest()));
    assert_eq!(blue.rollout, Rollout::Failed("circuit breaker".to_owned()));
    assert!(elb.asked().is_empty(), "there is no load balancer to ask");
    let again = observe::slots(&ecs, &elb_client, &wiring(), None, &images)
        .await
        .unwrap();
    assert_eq!(again, slots);
    assert_eq!(wire.asked().len(), 3, "a task definition is read once");
}

#[tokio::test]
async fn where_no_task_runs_nobody_asks_for_healthy_targets() {
    let wiring = balanced();
    let service = json!({ "serviceName": "web-blue", "status": "ACTIVE", "taskDefinition": "web:2",
        "desiredCount": 1, "runningCount": 0, "deployments": [{ "id": "1", "status": "PRIMARY",
            "taskDefinition": "web:2", "runningCount": 0, "rolloutState": "IN_PROGRESS" }] });
    let ecs = Wire::new([
        (200, json!({ "services": [service] })),
        (200, json!({ "taskDefinition": { "containerDefinitions": [] } })),
    ]);
    let elb = Wire::default();
    let slots = observe::slots(
        &client!(aws_sdk_ecs, ecs),
        &client!(aws_sdk_elasticloadbalancingv2, elb),
        &wiring,
        None,
        &observe::KnownImages::default(),
    )
    .await
    .unwrap();
    assert_eq!(slots.get(&Slot::Blue).unwrap().healthy, 0);
    assert!(elb.asked().is_empty());
}

#[tokio::test]
async fn a_deleted_service_and_a_missing_cluster_leave_the_slot_absent() {
    let deleted = json!({ "services": [{ "serviceName": "web-blue", "status": "INACTIVE" }] });
    let missing = json!({ "services": [], "failures": [{ "arn": "arn:web-blue", "reason": "MISSING" }] });
    for answer in [
        (200, deleted),
        (200, missing),
        refused("ClusterNotFoundException"),
    ] {
        let wire = Wire::new([answer]);
        let elb = client!(aws_sdk_elasticloadbalancingv2, wire);
        let slots = observe::slots(
            &client!(aws_sdk_ecs, wire),
            &elb,
            &wiring(),
            None,
            &observe::KnownImages::default(),
        )
        .await
        .unwrap();
        assert!(slots.is_empty());
    }
}

#[tokio::test]
async fn healthy_targets_and_weights_come_from_the_load_balancer() {
    let wiring = balanced();
    let service = json!({ "serviceName": "web-blue", "status": "ACTIVE", "taskDefinition": "web:2",
        "desiredCount": 2, "runningCount": 2, "loadBalancers": [{ "containerName": "web" }],
        "deployments": [{ "id": "1", "status": "PRIMARY", "taskDefinition": "web:2", "runningCount": 2,
            "rolloutState": "COMPLETED" }] });
    let containers = json!([{ "name": "web", "image": "web:latest" }]);
    let ecs = Wire::new([
        (200, json!({ "services": [service] })),
        (
            200,
            json!({ "taskDefinition": { "containerDefinitions": containers } }),
        ),
    ]);
    let health = "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>\
        <member><TargetHealth><State>healthy</State></TargetHealth></member>\
        <member><TargetHealth><State>initial</State></TargetHealth></member>\
        </TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>";
    let rule = "<DescribeRulesResponse><DescribeRulesResult><Rules><member><RuleArn>arn:rule</RuleArn>\
        <Actions><member><Type>forward</Type><ForwardConfig><TargetGroups>\
        <member><TargetGroupArn>arn:tg</TargetGroupArn><Weight>95</Weight></member>\
        <member><TargetGroupArn>arn:tg2</TargetGroupArn><Weight>5</Weight></member></TargetGroups>\
        <TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>60</DurationSeconds>\
        </TargetGroupStickinessConfig></ForwardConfig></member></Actions></member></Rules>\
        </DescribeRulesResult></DescribeRulesResponse>";
    let elb = Wire::new([(200, json!(health)), (200, json!(rule))]);
    let elb_client = client!(aws_sdk_elasticloadbalancingv2, elb);
    let slots = observe::slots(
        &client!(aws_sdk_ecs, ecs),
        &elb_client,
        &wiring,
        None,
        &observe::KnownImages::default(),
    )
    .await
    .unwrap();
    let blue = slots.get(&Slot::Blue).unwrap();
    assert_eq!((blue.healthy, blue.digest.clone()), (1, None));
    let forward = observe::forward(&elb_client, "arn:rule").await.unwrap();
    assert_eq!(
        forward.target_groups,
        [("arn:tg".to_owned(), 95), ("arn:tg2".to_owned(), 5)]
    );
    assert_eq!(forward.stickiness, Some((true, Some(60))));
}

#[tokio::test]
async fn a_task_definition_is_found_by_its_tag_behind_a_newer_one() {
    let answer = |revision: i32, deployment: &str| {
        let arn = format!("arn:aws:ecs:r:1:task-definition/web:{revision}");
        let definition = json!({ "taskDefinitionArn": arn, "revision": revision, "status": "ACTIVE" });
        let tags = json!([{ "key": "tidegate:deployment", "value": deployment }]);
        (200, json!({ "taskDefinition": definition, "tags": tags }))
    };
    let id: DeploymentId = "web-production-8-abc".parse().unwrap();
    let wire = Wire::new([answer(9, "another"), answer(8, id.as_str())]);
    let copied = "arn:aws:ecs:r:1:task-definition/web:7";
    let found = observe::registered_task_definition(&client!(aws_sdk_ecs, wire), copied, &id, None)
        .await
        .unwrap();
    assert_eq!(found.as_deref(), Some("arn:aws:ecs:r:1:task-definition/web:8"));
    let names: Vec<Value> = wire
        .asked()
        .iter()
        .map(|asked| asked["taskDefinition"].clone())
        .collect();
    assert_eq!(names, [json!("web"), json!("web:8")]);
}

#[tokio::test]
async fn an_image_or_repository_that_is_gone_is_an_answer_and_a_throttle_is_not() {
    for code in ["ImageNotFoundException", "RepositoryNotFoundException"] {
        let wire = Wire::new([refused(code)]);
        let state = observe::image(&client!(aws_sdk_ecr, wire), "web", &digest())
            .await
            .unwrap();
        assert_eq!(state, ImageState::Missing);
    }
    let wire = Wire::new([refused("ThrottlingException")]);
    let error = observe::image(&client!(aws_sdk_ecr, wire), "web", &digest())
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.is_retryable()), (Kind::Throttled, true));
}

#[tokio::test]
async fn pushes_are_listed_over_all_pages_once_for_each_tag() {
    let image = |at: i64, tags: &[&str]| json!({ "imageDigest": digest().as_str(), "imageTags": tags, "imagePushedAt": at });
    let wire = Wire::new([
        (
            200,
            json!({ "imageDetails": [image(300, &["b", "a"])], "nextToken": "more" }),
        ),
        (
            200,
            json!({ "imageDetails": [image(200, &["c"]), image(100, &["old"])] }),
        ),
    ]);
    let since = Timestamp::from_second(200).unwrap();
    let found = observe::images_since(&client!(aws_sdk_ecr, wire), "web", since)
        .await
        .unwrap();
    let tags: Vec<_> = found.iter().filter_map(|one| one.tag.as_deref()).collect();
    assert_eq!(tags, ["c", "a", "b"]);
}

#[tokio::test]
async fn a_token_that_nobody_waits_for_is_gone_and_no_error() {
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let wire = Wire::new([refused(code)]);
        let answer = executions::fail_token(&client!(aws_sdk_sfn, wire), "token", "E", "why")
            .await
            .unwrap();
        assert_eq!(answer, TokenAnswer::Gone);
    }
    let wire = Wire::new([refused("AccessDeniedException")]);
    let error = executions::succeed_token(&client!(aws_sdk_sfn, wire), "secret-token", "{}")
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(!format!("{error} {error:?}").contains("secret-token"));
}

#[tokio::test]
async fn an_execution_runs_has_ended_or_does_not_exist() {
    let machine = "arn:aws:states:r:1:stateMachine:deployment";
    let status = |status: &str| {
        (
            200,
            json!({ "executionArn": "a", "stateMachineArn": machine, "status": status, "startDate": 1 }),
        )
    };
    let wire = Wire::new([
        status("PENDING_REDRIVE"),
        status("TIMED_OUT"),
        refused("ExecutionDoesNotExist"),
    ]);
    let sfn = client!(aws_sdk_sfn, wire);
    for expected in [Some(ExecutionStatus::Running), Some(ExecutionStatus::Ended), None] {
        assert_eq!(
            executions::status(&sfn, machine, "web-7").await.unwrap(),
            expected
        );
    }
    assert_eq!(
        wire.asked()[0]["executionArn"],
        "arn:aws:states:r:1:execution:deployment:web-7"
    );
}

#[tokio::test]
async fn an_event_that_the_bus_did_not_take_is_an_error() {
    let entry = json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "slow" });
    let wire = Wire::new([(200, json!({ "FailedEntryCount": 1, "Entries": [entry] }))]);
    let bus = client!(aws_sdk_eventbridge, wire);
    let detail = json!({});
    let now = Timestamp::UNIX_EPOCH;
    let result = notify::put_event(&bus, "default", "Deployment executed", &detail, now).await;
    assert_eq!(result.unwrap_err().kind, Kind::Throttled);
    assert_eq!(wire.asked()[0]["Entries"][0]["Source"], "tidegate");
}

fn scan_answer(status: &str, found: Value) -> (u16, Value) {
    let answer = json!({
        "imageId": { "imageDigest": digest().as_str() },
        "imageScanStatus": { "status": status, "description": "as ECR says" },
        "imageScanFindings": found,
    });
    (200, answer)
}

async fn scan_of(answers: impl IntoIterator<Item = (u16, Value)>) -> ScanState {
    let wire = Wire::new(answers);
    observe::scan(&client!(aws_sdk_ecr, wire), "web", &digest())
        .await
        .unwrap()
}

#[tokio::test]
async fn only_a_scan_that_is_over_has_findings() {
    let found = json!({
        "imageScanCompletedAt": 1_700_000_000.5,
        "findingSeverityCounts": { "CRITICAL": 2, "MEDIUM": 7, "INFORMATIONAL": 40, "UNDEFINED": 1 },
    });
    for status in ["COMPLETE", "ACTIVE"] {
        let ScanState::Done(scan) = scan_of([scan_answer(status, found.clone())]).await else {
            unreachable!("{status} is over")
        };
        assert_eq!(
            (scan.findings.critical, scan.findings.high, scan.findings.medium),
            (2, 0, 7)
        );
        assert_eq!(
            (scan.digest, scan.at.unwrap().as_second()),
            (digest(), 1_700_000_000)
        );
    }
    for status in ["IN_PROGRESS", "PENDING"] {
        let pending = ScanState::Pending {
            status: status.to_owned(),
        };
        assert_eq!(scan_of([scan_answer(status, Value::Null)]).await, pending);
    }
    // Done with nothing to show for it is no clean bill.
    let without = scan_of([scan_answer("ACTIVE", Value::Null)]).await;
    assert!(matches!(without, ScanState::Pending { .. }), "{without:?}");
    for status in [
        "FAILED",
        "UNSUPPORTED_IMAGE",
        "SCAN_ELIGIBILITY_EXPIRED",
        "A_NEW_WORD",
    ] {
        let failed = ScanState::Failed {
            status: status.to_owned(),
            reason: "as ECR says".to_owned(),
        };
        assert_eq!(scan_of([scan_answer(status, found.clone())]).await, failed);
    }
    assert_eq!(
        scan_of([refused("ScanNotFoundException")]).await,
        ScanState::NotFound
    );
    let wire = Wire::new([refused("ThrottlingException")]);
    let throttled = observe::scan(&client!(aws_sdk_ecr, wire), "web", &digest()).await;
    assert!(throttled.unwrap_err().is_retryable());
}

#[tokio::test]
async fn findings_without_sums_are_counted_over_all_pages() {
    let page = |found: Value, next: Option<&str>| {
        let (status, mut answer) = scan_answer("COMPLETE", found);
        answer["nextToken"] = json!(next);
        (status, answer)
    };
    let first = json!({ "findings": [{ "name": "CVE-1", "severity": "CRITICAL" }, { "name": "CVE-2", "severity": "LOW" }] });
    let second = json!({ "enhancedFindings": [{ "title": "CVE-3", "severity": "CRITICAL" }] });
    let ScanState::Done(scan) = scan_of([page(first, Some("2")), page(second, None)]).await else {
        unreachable!("it is over")
    };
    assert_eq!((scan.findings.critical, scan.findings.low), (2, 1));
}

#[tokio::test]
async fn a_signature_is_told_from_what_else_refers_to_an_image() {
    let referrer = |kind: &str, notes: Value| {
        json!({
            "digest": digest().as_str(), "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": kind, "size": 700, "annotations": notes,
        })
    };
    let page =
        |referrers: Value, next: Option<&str>| (200, json!({ "referrers": referrers, "nextToken": next }));
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let provenance = referrer(
        bundle,
        json!({ "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1" }),
    );
    let bill = referrer("application/spdx+json", json!({}));
    let signed = referrer(
        bundle,
        json!({ "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1" }),
    );
    let notation = referrer("application/vnd.cncf.notary.signature", json!({}));
    let look = async |answers: Vec<(u16, Value)>| {
        let wire = Wire::new(answers);
        let found = observe::signature(&client!(aws_sdk_ecr, wire), "web", &digest()).await;
        (found.unwrap(), wire.asked())
    };
    let (found, asked) = look(vec![page(json!([bill, notation]), None)]).await;
    assert_eq!(found, Some(Signature::Notation));
    assert_eq!(asked[0]["subjectId"]["imageDigest"], digest().as_str());
    let both = vec![page(json!([provenance]), Some("2")), page(json!([signed]), None)];
    assert_eq!(look(both).await.0, Some(Signature::Cosign));
    let none = vec![
        page(json!([provenance, bill]), None),
        refused("ImageNotFoundException"),
    ];
    let (found, asked) = look(none).await;
    assert_eq!(found, None);
    let tag = format!("{}.sig", digest().as_str().replace(':', "-"));
    assert_eq!(asked[1]["imageIds"][0]["imageTag"], tag.as_str());
    let image =
        json!({ "imageDetails": [{ "imageDigest": digest().as_str(), "imagePushedAt": 1_700_000_000 }] });
    let tagged = vec![page(json!([]), None), (200, image)];
    assert_eq!(look(tagged).await.0, Some(Signature::Cosign));
}
