//! The endpoints, asked by the real SDK clients and by hand-written requests.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::types as cw;
use aws_sdk_elasticloadbalancingv2::types as elb;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_aws::archive;
use tidegate_aws::change::verify::{self, Clients};
use tidegate_aws::observe;
use tidegate_aws::on_demand::OnDemand;
use tidegate_core::archive::Object;
use tidegate_core::change::{Expected, Progress, ResourceKind, Setting, Settings};
use tidegate_core::evidence::{ScanState, Signature};
use tidegate_core::ids::Digest;

use super::*;
use crate::fleet::{
    AlarmValue, Behaviour, Bucket, Database, DatabaseSettings, GoldenService, GoldenSpec, Scan, ScanEnd,
    ServiceTable, Signed,
};

const STABLE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const NEXT: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// A fleet that answers SDK clients in process, at its own present.
#[derive(Debug, Clone)]
struct InProcess(Arc<Mutex<Fleet>>);

impl InProcess {
    fn new() -> (Self, GoldenService) {
        let mut fleet = Fleet::new(7, "eu-west-1", "123456789012");
        fleet.advance("2026-01-05T10:00:00Z".parse().unwrap());
        let made = fleet.create_golden_service(&GoldenSpec {
            service: "web",
            environment: "production",
            replicas: 2,
            repository: "web",
            image_digest: Some(STABLE),
            with_load_balancer: true,
            slots: true,
        });
        (Self(Arc::new(Mutex::new(fleet))), made)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Fleet) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn pass(&self, seconds: i64) {
        self.with(|fleet| {
            let to = fleet.now() + jiff::SignedDuration::from_secs(seconds);
            fleet.advance(to);
        });
    }

    /// Sends a request by hand.
    fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.request("POST", path, headers, body)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.request_to("", method, path, headers, body)
    }

    /// Sends a request to a host with any method.
    fn request_to(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method,
            host,
            path,
            query,
            headers: &headers,
            body: &Bytes::copy_from_slice(body),
        };
        match parse(&request) {
            Ok(call) => self.with(|fleet| handle(fleet, fleet.now(), &call)),
            Err(reply) => reply,
        }
    }

    /// Sends an AWS JSON request and returns status and body.
    fn json(&self, target: &str, body: &Value) -> (u16, Value) {
        let headers = [
            ("X-Amz-Target", target),
            ("Content-Type", "application/x-amz-json-1.1"),
        ];
        let reply = self.send("/", &headers, body.to_string().as_bytes());
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    /// Sends a form and returns status and XML.
    fn form(&self, body: &str) -> (u16, String) {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = self.send("/", &headers, body.as_bytes());
        (reply.status, String::from_utf8(reply.body).unwrap())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().parse::<http::Uri>().unwrap();
        let path = uri.path_and_query().unwrap().as_str();
        let headers: Vec<(&str, &str)> = request.headers().iter().collect();
        let host = uri.host().unwrap_or_default();
        let body = request.body().bytes().unwrap();
        let reply = self.request_to(host, request.method(), path, &headers, body);
        let status = StatusCode::try_from(reply.status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        for (name, value) in reply.headers {
            response.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Builds an SDK client of a crate on a fleet.
macro_rules! client {
    ($sdk:ident, $fleet:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::latest())
                .region($sdk::config::Region::new("eu-west-1"))
                .credentials_provider(Credentials::new("AKIDLOCAL", "local", None, None, "test"))
                .retry_config($sdk::config::retry::RetryConfig::disabled())
                .http_client(SharedHttpClient::new($fleet.clone()))
                .build(),
        )
    };
}

mod costs;
mod flags;
mod indexes;
mod monitoring;
mod parameters;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

#[test]
fn the_ecs_client_registers_updates_and_sees_the_service_converge() {
    let (fleet, _) = InProcess::new();
    let ecs = client!(aws_sdk_ecs, fleet);
    fleet.with(|fleet| fleet.store_image("web", "v2", Some(NEXT), Behaviour::default()));
    runtime().block_on(async {
        let described = ecs
            .describe_task_definition()
            .task_definition("web-production")
            .send()
            .await
            .unwrap();
        let definition = described.task_definition().unwrap().clone();
        assert_eq!(definition.revision(), 1);
        assert_eq!(definition.registered_at().unwrap().secs(), 1_767_607_200);
        let mut container = definition.container_definitions()[0].clone();
        container.image = Some(container.image().unwrap().replace(STABLE, NEXT));
        let registered = ecs
            .register_task_definition()
            .family("web-production")
            .cpu("256")
            .memory("512")
            .network_mode(aws_sdk_ecs::types::NetworkMode::Awsvpc)
            .container_definitions(container)
            .send()
            .await
            .unwrap();
        let arn = registered
            .task_definition()
            .unwrap()
            .task_definition_arn()
            .unwrap()
            .to_owned();
        assert!(arn.ends_with(":task-definition/web-production:2"));
        let updated = ecs
            .update_service()
            .cluster("production")
            .service("web-green")
            .task_definition(&arn)
            .desired_count(3)
            .health_check_grace_period_seconds(90)
            .send()
            .await
            .unwrap();
        let service = updated.service().unwrap();
        assert_eq!(
            (
                service.desired_count(),
                service.running_count(),
                service.pending_count()
            ),
            (3, 0, 3)
        );
        assert_eq!(service.health_check_grace_period_seconds(), Some(90));
        assert_eq!(service.task_definition(), Some(arn.as_str()));
        fleet.pass(120);
        let described = ecs
            .describe_services()
            .cluster("production")
            .services("web-green")
            .services("nothing")
            .send()
            .await
            .unwrap();
        let service = &described.services()[0];
        assert_eq!(service.running_count(), 3);
        let primary = &service.deployments()[0];
        assert_eq!(primary.status(), Some("PRIMARY"));
        assert_eq!(primary.rollout_state().unwrap().as_str(), "COMPLETED");
        assert!(
            service
                .deployment_configuration()
                .unwrap()
                .deployment_circuit_breaker()
                .unwrap()
                .enable()
        );
        assert_eq!(described.failures()[0].reason(), Some("MISSING"));
        let listed = ecs
            .list_tasks()
            .cluster("production")
            .service_name("web-green")
            .send()
            .await
            .unwrap();
        let tasks = ecs
            .describe_tasks()
            .cluster("production")
            .set_tasks(listed.task_arns)
            .send()
            .await
            .unwrap();
        assert_eq!(tasks.tasks().len(), 3);
        assert!(
            tasks
                .tasks()
                .iter()
                .all(|task| task.last_status() == Some("RUNNING"))
        );
        assert_eq!(tasks.tasks()[0].containers()[0].image_digest(), Some(NEXT));
    });
}

#[test]
fn a_suite_runs_once_per_token_and_ends_with_its_exit_code() {
    let (fleet, _) = InProcess::new();
    let ecs = client!(aws_sdk_ecs, fleet);
    let failing = Behaviour {
        suite_exit_codes: [("smoke".to_owned(), 3)].into(),
        ..Behaviour::default()
    };
    fleet.with(|fleet| fleet.set_behaviour("web", STABLE, failing));
    runtime().block_on(async {
        let run = |suite: &str| {
            let container = aws_sdk_ecs::types::ContainerOverride::builder()
                .name("web")
                .command(suite)
                .build();
            let network = aws_sdk_ecs::types::AwsVpcConfiguration::builder()
                .subnets("subnet-1")
                .build()
                .unwrap();
            ecs.run_task()
                .cluster("production")
                .task_definition("web-production")
                .client_token(format!("token-{suite}"))
                .started_by("tidegate")
                .network_configuration(
                    aws_sdk_ecs::types::NetworkConfiguration::builder()
                        .awsvpc_configuration(network)
                        .build(),
                )
                .overrides(
                    aws_sdk_ecs::types::TaskOverride::builder()
                        .container_overrides(container)
                        .build(),
                )
        };
        let mut arns = Vec::new();
        for suite in ["smoke", "smoke", "load"] {
            let started = run(suite).send().await.unwrap();
            arns.push(started.tasks()[0].task_arn().unwrap().to_owned());
        }
        assert_eq!(arns[0], arns[1]);
        assert_ne!(arns[0], arns[2]);
        let conflict = run("smoke").count(2).send().await.unwrap_err();
        assert!(conflict.into_service_error().is_conflict_exception());
        fleet.pass(60);
        let described = ecs
            .describe_tasks()
            .cluster("production")
            .tasks(&arns[0])
            .tasks(&arns[2])
            .send()
            .await
            .unwrap();
        let code = |index: usize| described.tasks()[index].containers()[0].exit_code();
        assert_eq!((code(0), code(1)), (Some(3), Some(0)));
        assert_eq!(
            described.tasks()[0].stop_code().unwrap().as_str(),
            "EssentialContainerExited"
        );
    });
}

#[test]
fn ecs_errors_are_typed() {
    let (fleet, _) = InProcess::new();
    let ecs = client!(aws_sdk_ecs, fleet);
    runtime().block_on(async {
        let error = ecs
            .describe_services()
            .cluster("no")
            .services("web")
            .send()
            .await
            .unwrap_err();
        assert!(error.into_service_error().is_cluster_not_found_exception());
        let error = ecs
            .update_service()
            .cluster("production")
            .service("no")
            .send()
            .await
            .unwrap_err();
        assert!(error.into_service_error().is_service_not_found_exception());
        let error = ecs
            .update_service()
            .cluster("production")
            .service("web-blue")
            .task_definition("no:1")
            .send()
            .await
            .unwrap_err();
        assert!(error.into_service_error().is_client_exception());
    });
}

fn tuple(arn: &str, weight: i32) -> elb::TargetGroupTuple {
    elb::TargetGroupTuple::builder()
        .target_group_arn(arn)
        .weight(weight)
        .build()
}

fn forward(made: &GoldenService, blue: i32, green: i32) -> elb::Action {
    let config = elb::ForwardActionConfig::builder()
        .target_groups(tuple(&made.target_groups[0], blue))
        .target_groups(tuple(&made.target_groups[1], green))
        .build();
    elb::Action::builder()
        .r#type(elb::ActionTypeEnum::Forward)
        .forward_config(config)
        .build()
}

#[test]
fn the_elb_client_moves_weights_and_reads_them_back() {
    let (fleet, made) = InProcess::new();
    let client = client!(aws_sdk_elasticloadbalancingv2, fleet);
    let rule = made.rule.clone().unwrap();
    runtime().block_on(async {
        client
            .modify_rule()
            .rule_arn(&rule)
            .actions(forward(&made, 75, 25))
            .send()
            .await
            .unwrap();
        let described = client
            .describe_rules()
            .listener_arn(made.listener.clone().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(described.rules().len(), 2);
        let first = &described.rules()[0];
        assert_eq!(
            (first.rule_arn(), first.priority()),
            (Some(rule.as_str()), Some("10"))
        );
        assert_eq!(described.rules()[1].is_default(), Some(true));
        let groups = first.actions()[0].forward_config().unwrap().target_groups();
        let weights: Vec<_> = groups.iter().map(|group| group.weight()).collect();
        assert_eq!(weights, [Some(75), Some(25)]);
        let health = client
            .describe_target_health()
            .target_group_arn(&made.target_groups[0])
            .send()
            .await
            .unwrap();
        let healthy = health.target_health_descriptions().iter().all(|target| {
            target.target_health().unwrap().state() == Some(&elb::TargetHealthStateEnum::Healthy)
        });
        assert!(healthy && health.target_health_descriptions().len() == 2);
        let groups = client
            .describe_target_groups()
            .names("web-production-green")
            .send()
            .await
            .unwrap();
        let group = &groups.target_groups()[0];
        assert_eq!(group.target_group_arn(), Some(made.target_groups[1].as_str()));
        assert_eq!(group.load_balancer_arns(), [made.load_balancer.clone().unwrap()]);
        let balancers = client.describe_load_balancers().send().await.unwrap();
        assert!(balancers.load_balancers()[0].created_time().is_some());
    });
    assert_eq!(fleet.with(|fleet| fleet.weights_log.last().unwrap().green), 25);
}

#[test]
fn elb_errors_are_typed_and_change_nothing() {
    let (fleet, made) = InProcess::new();
    let client = client!(aws_sdk_elasticloadbalancingv2, fleet);
    let rule = made.rule.clone().unwrap();
    runtime().block_on(async {
        let modify = |rule: &str, action| client.modify_rule().rule_arn(rule).actions(action).send();
        let error = modify("no", forward(&made, 1, 1)).await.unwrap_err();
        assert!(error.into_service_error().is_rule_not_found_exception());
        for weight in [1_000, -1] {
            let error = modify(&rule, forward(&made, weight, 1)).await.unwrap_err();
            assert_eq!(error.into_service_error().meta().code(), Some("ValidationError"));
        }
        let mut stranger = made.clone();
        "no".clone_into(&mut stranger.target_groups[1]);
        let error = modify(&rule, forward(&stranger, 1, 1)).await.unwrap_err();
        assert!(error.into_service_error().is_target_group_not_found_exception());
    });
    assert_eq!(fleet.with(|fleet| fleet.weights_log.len()), 1);
}

fn metric_stat(fleet: &InProcess, made: &GoldenService, name: &str) -> cw::MetricStat {
    let dimension = |name: &str, value: String| cw::Dimension::builder().name(name).value(value).build();
    let group = fleet.with(|fleet| fleet.target_groups[&made.target_groups[0]].dimension.clone());
    let balancer = fleet.with(|fleet| {
        fleet.load_balancers[made.load_balancer.as_ref().unwrap()]
            .dimension
            .clone()
    });
    cw::MetricStat::builder()
        .metric(
            cw::Metric::builder()
                .namespace("AWS/ApplicationELB")
                .metric_name(name)
                .dimensions(dimension("TargetGroup", group))
                .dimensions(dimension("LoadBalancer", balancer))
                .build(),
        )
        .period(60)
        .stat("Sum")
        .build()
}

#[test]
fn the_cloudwatch_client_reads_metrics_and_metric_math() {
    let (fleet, made) = InProcess::new();
    let client = client!(aws_sdk_cloudwatch, fleet);
    let begin = fleet.with(|fleet| fleet.now().as_second());
    fleet.pass(200);
    let end = fleet.with(|fleet| fleet.now().as_second());
    let data = runtime().block_on(async {
        let query = |id: &str| cw::MetricDataQuery::builder().id(id);
        client
            .get_metric_data()
            .start_time(aws_smithy_types::DateTime::from_secs(begin))
            .end_time(aws_smithy_types::DateTime::from_secs(end))
            .metric_data_queries(
                query("r")
                    .metric_stat(metric_stat(&fleet, &made, "RequestCount"))
                    .build(),
            )
            .metric_data_queries(
                query("e")
                    .metric_stat(metric_stat(&fleet, &made, "HTTPCode_Target_5XX_Count"))
                    .return_data(false)
                    .build(),
            )
            .metric_data_queries(query("rate").expression("100*FILL(e,0)/r").build())
            .scan_by(cw::ScanBy::TimestampAscending)
            .send()
            .await
            .unwrap()
    });
    let [requests, rate] = data.metric_data_results() else {
        unreachable!("two queries return data");
    };
    // Three minutes are over at 10:03:20, and the third is not visible yet.
    assert_eq!(
        (requests.id(), requests.values()),
        (Some("r"), [3_000.0, 3_000.0].as_slice())
    );
    let times: Vec<i64> = requests.timestamps().iter().map(|time| time.secs()).collect();
    assert_eq!(times, [begin, begin + 60]);
    assert_eq!((rate.id(), rate.values()), (Some("rate"), [0.0, 0.0].as_slice()));
}

#[test]
fn the_cloudwatch_client_describes_sets_makes_and_deletes_alarms() {
    let (fleet, made) = InProcess::new();
    let client = client!(aws_sdk_cloudwatch, fleet);
    runtime().block_on(async {
        let described = client
            .describe_alarms()
            .alarm_names("web-production-blue-error-rate")
            .alarm_names("web-production-blue-latency-p99")
            .send()
            .await
            .unwrap();
        let [rate, latency] = described.metric_alarms() else {
            unreachable!("two alarms were asked for");
        };
        assert_eq!(rate.state_value(), Some(&cw::StateValue::Ok));
        assert_eq!((rate.threshold(), rate.metrics().len()), (Some(1.0), 3));
        assert_eq!(latency.extended_statistic(), Some("p99"));
        assert_eq!(latency.treat_missing_data(), Some("notBreaching"));
        assert!(rate.state_updated_timestamp().is_some());
        let set = |name: &str| {
            client
                .set_alarm_state()
                .alarm_name(name)
                .state_value(cw::StateValue::Alarm)
                .state_reason("drill")
                .send()
        };
        set("web-production-blue-error-rate").await.unwrap();
        let error = set("no").await.unwrap_err();
        assert!(error.into_service_error().is_resource_not_found());
        let alarming = client
            .describe_alarms()
            .state_value(cw::StateValue::Alarm)
            .send()
            .await
            .unwrap();
        assert_eq!(alarming.metric_alarms()[0].state_reason(), Some("drill"));
        client
            .put_metric_alarm()
            .alarm_name("own")
            .comparison_operator(cw::ComparisonOperator::LessThanThreshold)
            .threshold(1.5)
            .evaluation_periods(3)
            .datapoints_to_alarm(2)
            .metrics(
                cw::MetricDataQuery::builder()
                    .id("r")
                    .metric_stat(metric_stat(&fleet, &made, "RequestCount"))
                    .build(),
            )
            .send()
            .await
            .unwrap();
        let value = |fleet: &InProcess| fleet.with(|fleet| fleet.alarm("own").unwrap().state.value);
        assert_eq!(value(&fleet), AlarmValue::InsufficientData);
        fleet.pass(300);
        assert_eq!(value(&fleet), AlarmValue::Ok);
        client.delete_alarms().alarm_names("own").send().await.unwrap();
        assert!(fleet.with(|fleet| fleet.alarm("own").is_none()));
    });
}

#[test]
fn the_ecr_client_finds_images_by_tag_and_digest() {
    let (fleet, _) = InProcess::new();
    let client = client!(aws_sdk_ecr, fleet);
    fleet.with(|fleet| fleet.push_image("web", "v2", Some(NEXT), Behaviour::default()));
    runtime().block_on(async {
        let by_tag = |tag: &str| {
            client
                .describe_images()
                .repository_name("web")
                .image_ids(
                    aws_sdk_ecr::types::ImageIdentifier::builder()
                        .image_tag(tag)
                        .build(),
                )
                .send()
        };
        let found = by_tag("v2").await.unwrap();
        let detail = &found.image_details()[0];
        assert_eq!(detail.image_digest(), Some(NEXT));
        assert_eq!(detail.image_pushed_at().unwrap().secs(), 1_767_607_200);
        let error = by_tag("v3").await.unwrap_err();
        assert!(error.into_service_error().is_image_not_found_exception());
        let error = client
            .describe_images()
            .repository_name("no")
            .send()
            .await
            .unwrap_err();
        assert!(error.into_service_error().is_repository_not_found_exception());
        let all = client
            .describe_images()
            .repository_name("web")
            .send()
            .await
            .unwrap();
        assert_eq!(all.image_details().len(), 2);
        let repositories = client.describe_repositories().send().await.unwrap();
        let uri = repositories.repositories()[0].repository_uri();
        assert_eq!(uri, Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com/web"));
    });
}

#[test]
fn the_clients_read_what_a_person_should_have_made() {
    let (fleet, _) = InProcess::new();
    let sdk = aws_types::SdkConfig::builder()
        .behavior_version(aws_sdk_rds::config::BehaviorVersion::latest())
        .region(aws_sdk_rds::config::Region::new("eu-west-1"))
        .credentials_provider(aws_sdk_rds::config::SharedCredentialsProvider::new(
            Credentials::new("AKIDLOCAL", "local", None, None, "test"),
        ))
        .http_client(SharedHttpClient::new(fleet.clone()))
        .build();
    let clients = Clients {
        cloudwatch: client!(aws_sdk_cloudwatch, fleet),
        dynamodb: client!(aws_sdk_dynamodb, fleet),
        ecr: client!(aws_sdk_ecr, fleet),
        ecs: client!(aws_sdk_ecs, fleet),
        elb: client!(aws_sdk_elasticloadbalancingv2, fleet),
        rds: OnDemand::new(&sdk, aws_sdk_rds::Client::new),
    };
    let expected = |kind, name: &str, setting, value: &str| Expected {
        kind,
        name: name.to_owned(),
        cluster: Some("production".to_owned()),
        settings: Settings::from([(setting, BTreeSet::from([value.to_owned()]))]),
    };
    let expected = [
        expected(ResourceKind::EcsService, "web-blue", Setting::DesiredCount, "2"),
        expected(ResourceKind::EcsService, "web-red", Setting::DesiredCount, "2"),
        expected(
            ResourceKind::TargetGroup,
            "web-production-blue",
            Setting::Port,
            "8080",
        ),
        expected(
            ResourceKind::TargetGroup,
            "web-production-red",
            Setting::Port,
            "8080",
        ),
        expected(ResourceKind::EcrRepository, "web", Setting::ImmutableTags, "true"),
        expected(ResourceKind::EcrRepository, "no", Setting::ScanOnPush, "true"),
        expected(
            ResourceKind::Alarm,
            "web-production-blue-error-rate",
            Setting::Threshold,
            "5",
        ),
        expected(ResourceKind::Alarm, "no", Setting::Threshold, "5"),
        expected(
            ResourceKind::DynamodbTable,
            "orders",
            Setting::PointInTimeRecovery,
            "true",
        ),
        expected(ResourceKind::DynamodbTable, "no", Setting::Indexes, "by-day"),
        expected(ResourceKind::Database, "web-db", Setting::MultiAz, "false"),
        expected(ResourceKind::Database, "no", Setting::MultiAz, "true"),
        expected(
            ResourceKind::DatabaseCluster,
            "web-cluster",
            Setting::PubliclyAccessible,
            "true",
        ),
        expected(ResourceKind::DatabaseCluster, "no", Setting::MultiAz, "true"),
    ];
    fleet.with(|fleet| {
        fleet.databases.insert("web-db".to_owned(), Database::default());
        let clusters = &mut fleet.clusters_of_databases;
        clusters.insert("web-cluster".to_owned(), Database::default());
        let table = ServiceTable::default();
        fleet.service_tables.insert("orders".to_owned(), table)
    });
    let seen = runtime().block_on(verify::observe(&clients, &expected)).unwrap();
    let differences = [
        "ecsService web-red does not exist",
        "targetGroup web-production-red does not exist",
        "ecrRepository web: immutableTags is false, not true",
        "ecrRepository no does not exist",
        "alarm web-production-blue-error-rate: threshold is 1, not 5",
        "alarm no does not exist",
        "dynamodbTable orders: pointInTimeRecovery is false, not true",
        "dynamodbTable no does not exist",
        "database web-db: multiAz is true, not false",
        "database no does not exist",
        "databaseCluster web-cluster: publiclyAccessible is false, not true",
        "databaseCluster no does not exist",
    ];
    let note = differences.join("; ");
    assert_eq!(seen.made, Progress::Running { note });
}

#[test]
fn the_ecr_client_reads_scans_and_signatures() {
    let (fleet, _) = InProcess::new();
    let client = client!(aws_sdk_ecr, fleet);
    let pushed = |scan: Scan, signed: Signed| {
        let behaviour = Behaviour {
            scan,
            signed,
            ..Behaviour::default()
        };
        fleet.with(|fleet| fleet.push_image("web", "v2", Some(NEXT), behaviour));
    };
    let digest: Digest = NEXT.parse().unwrap();
    let scan = || {
        runtime()
            .block_on(observe::scan(&client, "web", &digest))
            .unwrap()
    };
    let signature = || {
        runtime()
            .block_on(observe::signature(&client, "web", &digest))
            .unwrap()
    };
    let found = Scan {
        seconds: 30,
        critical: 2,
        high: 1,
        ..Scan::default()
    };
    pushed(found, Signed::Notation);
    assert!(matches!(scan(), ScanState::Pending { status } if status == "IN_PROGRESS"));
    assert_eq!(signature(), Some(Signature::Notation));
    fleet.pass(30);
    let ScanState::Done(done) = scan() else {
        unreachable!("its time is over")
    };
    assert_eq!(
        (done.digest, done.findings.shown()),
        (digest.clone(), "2 critical, 1 high".to_owned())
    );
    let ends = |end: ScanEnd| Scan {
        end,
        ..Scan::default()
    };
    pushed(ends(ScanEnd::Unsupported), Signed::Cosign);
    assert!(matches!(scan(), ScanState::Failed { status, .. } if status == "UNSUPPORTED_IMAGE"));
    assert_eq!(signature(), Some(Signature::Cosign));
    pushed(ends(ScanEnd::Never), Signed::No);
    assert_eq!(scan(), ScanState::NotFound);
    assert_eq!(signature(), None);
}

#[test]
fn messages_and_events_are_kept_for_their_owner() {
    let (fleet, _) = InProcess::new();
    let sns = client!(aws_sdk_sns, fleet);
    let bus = client!(aws_sdk_eventbridge, fleet);
    let topic = fleet.with(|fleet| fleet.create_topic("deployments"));
    runtime().block_on(async {
        let attribute = aws_sdk_sns::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value("production")
            .build()
            .unwrap();
        let publish = |topic: &str| {
            sns.publish()
                .topic_arn(topic)
                .subject("done & dusted")
                .message("line 1\nline 2 = 100 %")
                .message_attributes("environment", attribute.clone())
                .send()
        };
        assert!(publish(&topic).await.unwrap().message_id().is_some());
        let error = publish("arn:aws:sns:eu-west-1:123456789012:no")
            .await
            .unwrap_err();
        assert!(error.into_service_error().is_not_found_exception());
        let entry = |detail: &str| {
            aws_sdk_eventbridge::types::PutEventsRequestEntry::builder()
                .source("tidegate")
                .detail_type("Deployment executed")
                .detail(detail)
                .build()
        };
        let put = bus
            .put_events()
            .entries(entry(r#"{"service":"web"}"#))
            .entries(entry("no json"))
            .send()
            .await
            .unwrap();
        assert_eq!(put.failed_entry_count(), 1);
        assert!(put.entries()[0].event_id().is_some());
        assert_eq!(put.entries()[1].error_code(), Some("MalformedDetail"));
    });
    fleet.with(|fleet| {
        let message = &fleet.outbox[0];
        assert_eq!(message.message, "line 1\nline 2 = 100 %");
        assert_eq!(message.subject.as_deref(), Some("done & dusted"));
        let attribute = ("String".to_owned(), "production".to_owned());
        assert_eq!(message.attributes["environment"], attribute);
        assert_eq!(fleet.bus_outbox.len(), 1);
        assert_eq!(fleet.bus_outbox[0].detail, json!({"service": "web"}));
    });
}

#[test]
fn cloudwatch_answers_alike_in_all_three_protocols() {
    let (fleet, _) = InProcess::new();
    let name = "web-production-blue-latency-p99";
    let (status, json) = fleet.json(
        "GraniteServiceVersion20100801.DescribeAlarms",
        &json!({"AlarmNames": [name]}),
    );
    assert_eq!(status, 200);
    assert_eq!(
        json["MetricAlarms"][0]["StateUpdatedTimestamp"],
        json!(1_767_607_200.0)
    );
    let (status, xml) = fleet.form(&format!(
        "Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1={name}"
    ));
    assert_eq!(status, 200);
    assert!(xml.contains("<MetricAlarms><member><ActionsEnabled>true</ActionsEnabled>"));
    assert!(xml.contains("<StateUpdatedTimestamp>2026-01-05T10:00:00.000Z</StateUpdatedTimestamp>"));
    assert!(!xml.contains("error-rate"));
    let body = cbor::encode(&json!({"AlarmNames": [name]}));
    let path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
    let reply = fleet.send(path, &[("smithy-protocol", "rpc-v2-cbor")], &body);
    assert_eq!(cbor::decode(&reply.body).unwrap(), json);
}

#[test]
fn an_operation_that_is_not_there_is_refused_in_the_shape_of_its_protocol() {
    let (fleet, _) = InProcess::new();
    for target in [
        "AmazonEC2ContainerServiceV20141113.DeleteCluster",
        "Unknown.Thing",
        "nothing",
    ] {
        let (status, body) = fleet.json(target, &json!({}));
        assert_eq!(
            (status, &body["__type"]),
            (400, &json!("UnknownOperationException"))
        );
    }
    let (status, xml) = fleet.form("Action=DeleteRule&Version=2015-12-01");
    assert_eq!(status, 400);
    assert!(xml.contains("<Code>InvalidAction</Code>"));
    let path = "/service/GraniteServiceVersion20100801/operation/Nothing";
    let reply = fleet.send(path, &[("smithy-protocol", "rpc-v2-cbor")], &[]);
    assert_eq!(reply.status, 400);
    assert!(reply.headers.contains(&(
        "x-amzn-query-error".to_owned(),
        "UnknownOperationException;Sender".to_owned()
    )));
    let (_, xml) = fleet.form("Action=GetCallerIdentity&Version=2011-06-15");
    assert!(xml.contains("<Account>123456789012</Account>"));
}

#[test]
fn an_object_is_put_once_and_read_by_version() {
    let (fleet, _) = InProcess::new();
    fleet.with(|fleet| fleet.buckets.insert("records".to_owned(), Bucket::default()));
    let signed = (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=a/20260105/eu-west-1/s3/aws4_request, b",
    );
    let told = |reply: &Reply, name: &str| {
        let header = reply.headers.iter().find(|(held, _)| held == name);
        header.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let put = |body: &str, condition: (&'static str, &str)| {
        let headers = [signed, condition, ("content-type", "text/plain")];
        fleet.request(
            "PUT",
            "/records/web/a%20b+c.txt?x-id=PutObject",
            &headers,
            body.as_bytes(),
        )
    };
    let first = put("one", ("if-none-match", "*"));
    assert_eq!((first.status, first.body.len()), (200, 0));
    let again = put("two", ("if-none-match", "*"));
    assert_eq!(again.status, 412);
    assert!(
        String::from_utf8(again.body)
            .unwrap()
            .contains("<Code>PreconditionFailed</Code>")
    );
    assert_eq!(put("two", ("if-match", "\"other\"")).status, 412);
    assert_eq!(put("two", ("if-match", &told(&first, "etag"))).status, 200);

    let get = |path: &str| fleet.request("GET", path, &[signed], &[]);
    let last = get("/records/web/a%20b+c.txt");
    assert_eq!((last.status, last.body.as_slice()), (200, b"two".as_slice()));
    assert_eq!(told(&last, "content-type"), "text/plain");
    let version = told(&first, "x-amz-version-id");
    assert_eq!(
        get(&format!("/records/web/a%20b%2Bc.txt?versionId={version}")).body,
        b"one"
    );
    for (path, code) in [("/records/none", "NoSuchKey"), ("/others/web", "NoSuchBucket")] {
        let reply = get(path);
        assert_eq!(reply.status, 404);
        assert!(String::from_utf8(reply.body).unwrap().contains(code), "{path}");
    }
    // In a host, as SDKs have it on AWS.
    let headers = [(signed.0.to_owned(), signed.1.to_owned())];
    let call = parse(&Request {
        method: "GET",
        host: "records.s3.eu-west-1.amazonaws.com",
        path: "/none",
        query: "",
        headers: &headers,
        body: &Bytes::new(),
    });
    let call = call.unwrap();
    assert_eq!(
        (call.service, call.operation.as_str()),
        (Service::S3, "GetObject")
    );
    assert_eq!(
        call.input().unwrap(),
        json!({ "Bucket": "records", "Key": "none" })
    );
}

#[test]
fn a_report_is_replaced_by_one_that_tells_more_and_by_no_other() {
    let (fleet, _) = InProcess::new();
    fleet.with(|fleet| fleet.buckets.insert("records".to_owned(), Bucket::default()));
    let s3 = client!(aws_sdk_s3, fleet);
    let keep = |bucket: &'static str, body: &str, entries| {
        let object = Object {
            key: "web/report.md".to_owned(),
            content_type: "text/markdown",
            body: body.to_owned(),
        };
        let s3 = s3.clone();
        let kept = async move { archive::keep(&s3, bucket, &object, entries).await };
        runtime().block_on(kept)
    };
    let held = || fleet.with(|fleet| fleet.buckets["records"].objects["web/report.md"].clone());
    keep("records", "five", 5).unwrap();
    keep("records", "four", 4).unwrap();
    keep("records", "five again", 5).unwrap();
    assert_eq!(held().len(), 1);
    keep("records", "six", 6).unwrap();
    let versions: Vec<String> = held().into_iter().map(|one| one.body).collect();
    assert_eq!(versions, ["five", "six"]);
    // What somebody else has put there says nothing of a journal.
    fleet.with(|fleet| {
        let bucket = fleet.buckets.get_mut("records").unwrap();
        bucket.put("web/report.md", "theirs", None);
    });
    keep("records", "seven", 7).unwrap();
    assert_eq!(held().len(), 4);
    let error = keep("others", "five", 5).unwrap_err();
    assert!(error.to_string().contains("s3://others/web/report.md"), "{error}");
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");
}

#[test]
fn the_services_of_others_are_recognised() {
    let headers = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let body = Bytes::new();
    let recognise = |path: &str, headers: &[(String, String)]| {
        parse(&Request {
            method: "POST",
            host: "",
            path,
            query: "",
            headers,
            body: &body,
        })
        .map(|call| (call.service, call.operation))
        .unwrap()
    };
    let target = headers("x-amz-target", "DynamoDB_20120810.PutItem");
    assert_eq!(recognise("/", &target), (Service::DynamoDb, "PutItem".to_owned()));
    let target = headers("x-amz-target", "AWSStepFunctions.StartExecution");
    assert_eq!(
        recognise("/", &target),
        (Service::States, "StartExecution".to_owned())
    );
    let invoke = recognise("/2015-03-31/functions/plan/invocations", &[]);
    assert_eq!(invoke, (Service::Lambda, "Invoke".to_owned()));
}

/// Every operation with parameters of the wrong shape, and damaged bodies of
/// every protocol: each gets an answer, and none a panic.
#[test]
fn no_input_makes_it_panic() {
    let (fleet, made) = InProcess::new();
    let odd = [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"cluster": 5}),
        json!({"cluster": "production", "services": [null, 1, "web-blue"], "tasks": [{}],
               "service": "web-blue", "desiredCount": -1, "taskDefinition": "web-production:0",
               "maxResults": 1e300, "nextToken": "99999999999999999999"}),
        json!({"StartTime": 1e300, "EndTime": -1e300, "AlarmName": "x", "MetricDataQueries": [[]]}),
        json!({"StartTime": 0, "EndTime": 1e11, "MetricDataQueries": [{"Id": "a", "Expression": "1"}]}),
    ];
    let operations = [
        "AmazonEC2ContainerServiceV20141113.DescribeServices",
        "AmazonEC2ContainerServiceV20141113.UpdateService",
        "AmazonEC2ContainerServiceV20141113.RunTask",
        "AmazonEC2ContainerServiceV20141113.ListTasks",
        "AmazonEC2ContainerServiceV20141113.DescribeTasks",
        "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition",
        "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition",
        "AmazonEC2ContainerRegistry_V20150921.DescribeImages",
        "AmazonEC2ContainerRegistry_V20150921.BatchGetImage",
        "AmazonEC2ContainerRegistry_V20150921.DescribeImageScanFindings",
        "AmazonEC2ContainerRegistry_V20150921.ListImageReferrers",
        "AWSEvents.PutEvents",
        "AmazonSSM.GetParameter",
        "AmazonSSM.PutParameter",
        "AmazonSSM.DeleteParameter",
        "GraniteServiceVersion20100801.GetMetricData",
        "GraniteServiceVersion20100801.PutMetricAlarm",
        "GraniteServiceVersion20100801.DescribeAlarms",
    ];
    for operation in operations {
        for input in &odd {
            let (status, _) = fleet.json(operation, input);
            assert!(status == 200 || status == 400, "{operation} {input}");
        }
    }
    for body in [
        "Action=%",
        "Action",
        "",
        "a.b.c=1&a=2",
        "Action=ModifyRule&Version=2015-12-01&RuleArn=x",
        "Action=Publish&Version=2010-03-31&MessageAttributes.entry.x.Name=a",
        "Action=DescribeRules&Version=2015-12-01&RuleArns.member.0=",
        "Action=<x>&Version=2015-12-01",
    ] {
        assert_eq!(fleet.form(body).0, 400, "{body}");
    }
    let path = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
    let nested = [0x81; 10_000];
    for body in [
        &nested[..],
        &[0xff],
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        let reply = fleet.send(path, &[("smithy-protocol", "rpc-v2-cbor")], body);
        assert_eq!(reply.status, 400);
    }
    assert_eq!(fleet.with(|fleet| fleet.weights_log.len()), 1);
    assert!(fleet.with(|fleet| fleet.rule(made.rule.as_ref().unwrap()).is_some()));
    let _: Timestamp = fleet.with(|fleet| fleet.now());
}

#[test]
fn the_rds_client_takes_each_snapshot_once() {
    let (fleet, _) = InProcess::new();
    let client = client!(aws_sdk_rds, fleet);
    let database = Database {
        gibibytes: 20,
        snapshot_seconds: 100,
        ..Database::default()
    };
    fleet.with(|fleet| fleet.databases.insert("web-db".to_owned(), database));
    let create = |database: &str| {
        client
            .create_db_snapshot()
            .db_instance_identifier(database)
            .db_snapshot_identifier("tidegate-web-1")
            .send()
    };
    let read = || {
        client
            .describe_db_snapshots()
            .db_snapshot_identifier("tidegate-web-1")
            .send()
    };
    runtime().block_on(async {
        let error = read().await.unwrap_err();
        assert!(error.into_service_error().is_db_snapshot_not_found_fault());
        let error = create("no").await.unwrap_err();
        assert!(error.into_service_error().is_db_instance_not_found_fault());
        create("Web-DB").await.unwrap();
        let error = create("web-db").await.unwrap_err();
        assert!(error.into_service_error().is_db_snapshot_already_exists_fault());
        fleet.pass(40);
        let answer = read().await.unwrap();
        let [snapshot] = answer.db_snapshots() else {
            unreachable!("one was taken")
        };
        assert_eq!(
            (snapshot.status(), snapshot.percent_progress()),
            (Some("creating"), Some(40))
        );
        fleet.pass(60);
        let answer = read().await.unwrap();
        let snapshot = &answer.db_snapshots()[0];
        assert_eq!(
            (snapshot.status(), snapshot.allocated_storage()),
            (Some("available"), Some(20))
        );
        assert_eq!(
            snapshot.db_snapshot_arn(),
            Some("arn:aws:rds:eu-west-1:123456789012:snapshot:tidegate-web-1")
        );
        assert_eq!(snapshot.snapshot_create_time().unwrap().secs(), 1_767_607_200);
    });
}

#[test]
fn the_rds_client_takes_each_snapshot_of_a_cluster_once() {
    let (fleet, _) = InProcess::new();
    let client = client!(aws_sdk_rds, fleet);
    let cluster = Database {
        gibibytes: 1,
        snapshot_seconds: 100,
        ..Database::default()
    };
    fleet.with(|fleet| {
        fleet
            .clusters_of_databases
            .insert("web-cluster".to_owned(), cluster)
    });
    let create = |cluster: &str, name: &str| {
        client
            .create_db_cluster_snapshot()
            .db_cluster_identifier(cluster)
            .db_cluster_snapshot_identifier(name)
            .send()
    };
    let read = || {
        client
            .describe_db_cluster_snapshots()
            .db_cluster_snapshot_identifier("tidegate-web-1")
            .send()
    };
    runtime().block_on(async {
        let error = read().await.unwrap_err();
        assert!(
            error
                .into_service_error()
                .is_db_cluster_snapshot_not_found_fault()
        );
        let error = create("no", "tidegate-web-1").await.unwrap_err();
        assert!(error.into_service_error().is_db_cluster_not_found_fault());
        create("web-cluster", &"a".repeat(64)).await.unwrap_err();
        create("web-cluster", "tidegate-web-1").await.unwrap();
        let error = create("web-cluster", "tidegate-web-1").await.unwrap_err();
        assert!(
            error
                .into_service_error()
                .is_db_cluster_snapshot_already_exists_fault()
        );
        fleet.pass(40);
        let answer = read().await.unwrap();
        let snapshot = &answer.db_cluster_snapshots()[0];
        assert_eq!(
            (snapshot.status(), snapshot.percent_progress()),
            (Some("creating"), Some(40))
        );
        fleet.pass(60);
        let answer = read().await.unwrap();
        let snapshot = &answer.db_cluster_snapshots()[0];
        assert_eq!(
            (snapshot.status(), snapshot.db_cluster_snapshot_arn()),
            (
                Some("available"),
                Some("arn:aws:rds:eu-west-1:123456789012:cluster-snapshot:tidegate-web-1")
            )
        );
    });
}

#[test]
fn the_rds_client_reads_how_databases_are_set_up() {
    let (fleet, _) = InProcess::new();
    let client = client!(aws_sdk_rds, fleet);
    let instance = |cluster: Option<&str>, public: bool| Database {
        settings: DatabaseSettings {
            cluster: cluster.map(str::to_owned),
            public,
            ..DatabaseSettings::default()
        },
        ..Database::default()
    };
    fleet.with(|fleet| {
        fleet.databases.insert("web-db".to_owned(), instance(None, true));
        for (name, public) in [("one", false), ("two", true)] {
            let one = instance(Some("web-cluster"), public);
            fleet.databases.insert(name.to_owned(), one);
        }
        let clusters = &mut fleet.clusters_of_databases;
        clusters.insert("web-cluster".to_owned(), Database::default());
    });
    let instance = |name: &str| client.describe_db_instances().db_instance_identifier(name).send();
    let cluster = |name: &str| client.describe_db_clusters().db_cluster_identifier(name).send();
    let within = |filter: &str| {
        let filter = aws_sdk_rds::types::Filter::builder()
            .name(filter)
            .values("web-cluster");
        client.describe_db_instances().filters(filter.build()).send()
    };
    runtime().block_on(async {
        let error = instance("no").await.unwrap_err();
        assert!(error.into_service_error().is_db_instance_not_found_fault());
        let error = cluster("no").await.unwrap_err();
        assert!(error.into_service_error().is_db_cluster_not_found_fault());
        let answer = instance("Web-DB").await.unwrap();
        let [found] = answer.db_instances() else {
            unreachable!("it was asked for by name")
        };
        assert_eq!(found.db_instance_status(), Some("available"));
        assert_eq!(
            (found.publicly_accessible(), found.multi_az()),
            (Some(true), Some(true))
        );
        assert_eq!(
            (found.storage_encrypted(), found.backup_retention_period()),
            (Some(true), Some(7))
        );
        let answer = cluster("web-cluster").await.unwrap();
        let found = &answer.db_clusters()[0];
        assert_eq!(
            (found.status(), found.publicly_accessible()),
            (Some("available"), None)
        );
        let answer = within("db-cluster-id").await.unwrap();
        let names = answer
            .db_instances()
            .iter()
            .map(|one| one.db_instance_identifier().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["one", "two"]);
        within("engine").await.unwrap_err();
    });
}

#[test]
fn the_dynamodb_client_finds_the_backups_of_a_table() {
    let (fleet, _) = InProcess::new();
    let client = client!(aws_sdk_dynamodb, fleet);
    let table = ServiceTable {
        bytes: 4096,
        ..ServiceTable::default()
    };
    fleet.with(|fleet| fleet.service_tables.insert("orders".to_owned(), table));
    let create = |table: &str| {
        client
            .create_backup()
            .table_name(table)
            .backup_name("before")
            .send()
    };
    runtime().block_on(async {
        let error = create("no").await.unwrap_err();
        assert!(error.into_service_error().is_table_not_found_exception());
        create("orders").await.unwrap();
        let error = create("orders").await.unwrap_err();
        assert!(error.into_service_error().is_backup_in_use_exception());
        fleet.pass(60);
        let since = |seconds| {
            let since = aws_smithy_types::DateTime::from_secs(seconds);
            client
                .list_backups()
                .table_name("orders")
                .time_range_lower_bound(since)
                .send()
        };
        let answer = since(1_767_607_200).await.unwrap();
        let [backup] = answer.backup_summaries() else {
            unreachable!("one was taken")
        };
        assert_eq!(
            backup.backup_status().map(|status| status.as_str()),
            Some("AVAILABLE")
        );
        assert_eq!(
            (backup.backup_name(), backup.backup_size_bytes()),
            (Some("before"), Some(4096))
        );
        assert!(since(1_767_607_201).await.unwrap().backup_summaries().is_empty());
    });
}

#[test]
fn the_logs_client_reads_the_last_lines_of_a_task_and_of_no_other() {
    let (fleet, _) = InProcess::new();
    let logs = client!(aws_sdk_cloudwatchlogs, fleet);
    let lines = ["one", "two", "three"].map(str::to_owned).to_vec();
    let behaviour = Behaviour {
        suite_lines: [("migrate".to_owned(), lines)].into(),
        ..Behaviour::default()
    };
    fleet.with(|fleet| fleet.push_image("web", "v1", Some(STABLE), behaviour));
    let arn = fleet.with(|fleet| {
        fleet.start_task(crate::fleet::NewTask {
            cluster: "production".to_owned(),
            service: None,
            group: "family:web".to_owned(),
            started_by: Some("migrate".to_owned()),
            task_definition: "web-production".to_owned(),
            overrides: Value::Null,
        })
    });
    let id = arn.rsplit('/').next().unwrap().to_owned();
    let read = |stream: String| {
        let call = logs.get_log_events().log_group_name("/ecs/web-production");
        call.log_stream_name(stream)
            .start_from_head(false)
            .limit(2)
            .send()
    };
    runtime().block_on(async {
        assert!(read(format!("web/web/{id}")).await.unwrap().events().is_empty());
        fleet.pass(120);
        let answer = read(format!("web/web/{id}")).await.unwrap();
        let texts: Vec<_> = answer
            .events()
            .iter()
            .filter_map(|event| event.message())
            .collect();
        assert_eq!(texts, ["two", "three"]);
        let error = read("web/web/other".to_owned()).await.unwrap_err();
        assert!(error.into_service_error().is_resource_not_found_exception());
    });
}
