//! The same things on both sides: what the local cloud makes by itself, copied to moto with the calls
//! that make it on AWS.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use aws_sdk_ecs::types::{AwsVpcConfiguration, NetworkConfiguration, Service};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, ProtocolEnum, RuleCondition,
    TargetDescription, TargetGroupTuple, TargetTypeEnum,
};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use tidegate_core::ids::Slot;
use tidegate_core::wiring::{Balancer, Wiring};
use tidegate_lambda::start::base_config;
use tidegate_local::fleet::{Behaviour, GoldenService, GoldenSpec};
use tidegate_local::names::{BUS, REGION, TABLE};
use tidegate_local::{Cloud, Options, cloud::Latency};

use super::compare::{Door, Side};
use super::{translate, wire};

/// What a set-up call can go wrong with; a person reads it.
pub type Problem = Box<dyn std::error::Error>;

/// The image that runs at the start. moto makes its digest from those of its layers.
const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","layers":[{"digest":"sha256:aa"}]}"#;
/// A second one, without traffic.
const SECOND: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","layers":[{"digest":"sha256:bb"}]}"#;
/// Tasks of the blue slot; moto is started to say that as many run.
const REPLICAS: u32 = 3;

/// Task definition of the suite `smoke`.
const SUITE_FAMILY: &str = "web-production-test-smoke";

/// Both sides, alike.
#[derive(Debug)]
pub struct World {
    /// The local cloud. Nothing drives it: only calls move it.
    pub cloud: Cloud,
    /// Its side.
    pub local: Side,
    /// The other.
    pub moto: Side,
}

/// Makes the golden-path service `web` in `production` on both.
pub async fn make(port: u16) -> Result<World, Problem> {
    let config = moto_config(port);
    let mut moto = Side::new(&config, Door::Moto(port));
    let translated = config.to_builder().http_client(translate::client(port)).build();
    moto.cloudwatch = aws_sdk_cloudwatch::Client::new(&translated);
    let digests = push_to_moto(&moto).await?;
    let cloud = cloud()?;
    let mut local = Side::new(&cloud.sdk_config(), Door::Local(cloud.clone()));
    let golden = fill_local(&cloud, &digests);
    local.wiring = local_wiring(&golden).ok_or("the golden service has no load balancer")?;
    for family in ["web-production", SUITE_FAMILY] {
        copy_task_definition(&local, &moto, family).await?;
    }
    moto.wiring = copy_balancer(&local, &moto, port, &golden).await?;
    copy_services(&local, &moto, port).await?;
    copy_alarms(&local, &moto).await?;
    make_table(&moto).await?;
    moto.sns.create_topic().name("tidegate").send().await?;
    moto.eventbridge.create_event_bus().name(BUS).send().await?;
    for side in [&mut local, &mut moto] {
        side.words = words(&side.wiring);
    }
    Ok(World { cloud, local, moto })
}

fn cloud() -> Result<Cloud, Problem> {
    let options = Options {
        latency: Latency::NONE,
        sweep: false,
        ..Options::virtual_time(7)
    };
    Ok(Cloud::new(&options)?.0)
}

/// Settings as the functions have them, but for the endpoint, a plain connection, and no second tries:
/// what moto fails at, it fails at again.
fn moto_config(port: u16) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "moto");
    base_config()
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .time_source(SystemTimeSource::new())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .build()
}

/// The digests of the two images.
async fn push_to_moto(moto: &Side) -> Result<Vec<String>, Problem> {
    moto.ecr.create_repository().repository_name("web").send().await?;
    let mut digests = Vec::new();
    for (manifest, tag) in [(MANIFEST, "initial"), (SECOND, "v2"), (SECOND, "v2-again")] {
        let put = moto
            .ecr
            .put_image()
            .repository_name("web")
            .image_manifest(manifest);
        let answer = put.image_tag(tag).send().await?;
        let id = answer
            .image
            .and_then(|image| image.image_id)
            .and_then(|id| id.image_digest);
        digests.push(id.ok_or("moto gives no digest")?);
    }
    Ok(digests)
}

fn fill_local(cloud: &Cloud, digests: &[String]) -> GoldenService {
    let digest = |index: usize| digests.get(index).map(String::as_str);
    cloud.with(|state| {
        let fleet = &mut state.fleet;
        let golden = fleet.create_golden_service(&GoldenSpec {
            service: "web",
            environment: "production",
            replicas: REPLICAS,
            repository: "web",
            image_digest: digest(0),
            with_load_balancer: true,
            slots: true,
        });
        fleet.register_task_definition(SUITE_FAMILY, suite());
        for (tag, digest) in [("v2", digest(1)), ("v2-again", digest(2))] {
            fleet.store_image("web", tag, digest, Behaviour::default());
        }
        // Some minutes of traffic, so that there is something to measure; few errors, so that no alarm
        // goes off.
        if let Some(digest) = digest(0) {
            fleet.set_behaviour("web", digest, Behaviour::failing(0.5, 0));
        }
        let later = fleet.now() + SignedDuration::from_mins(8);
        fleet.advance(later);
        golden
    })
}

fn suite() -> Map<String, Value> {
    let image = "public.ecr.aws/docker/library/busybox:stable";
    let containers =
        json!([{ "name": "suite", "image": image, "essential": true, "cpu": 256, "memory": 512 }]);
    [
        ("containerDefinitions", containers),
        ("requiresCompatibilities", json!(["FARGATE"])),
        ("networkMode", json!("awsvpc")),
        ("cpu", json!("256")),
        ("memory", json!("512")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn local_wiring(golden: &GoldenService) -> Option<Wiring> {
    let [blue, green] = golden.target_groups.as_slice() else {
        return None;
    };
    let (_, dimension) = golden.load_balancer.as_ref()?.split_once(":loadbalancer/")?;
    Some(wiring(golden.rule.as_ref()?, [blue, green], dimension))
}

fn wiring(rule: &str, groups: [&String; 2], dimension: &str) -> Wiring {
    let [blue, green] = groups;
    Wiring {
        cluster: "production".to_owned(),
        services: [
            (Slot::Blue, "web-blue".to_owned()),
            (Slot::Green, "web-green".to_owned()),
        ]
        .into(),
        balancer: Some(Balancer {
            rule_arn: rule.to_owned(),
            target_groups: [(Slot::Blue, blue.clone()), (Slot::Green, green.clone())].into(),
            load_balancer_dimension: dimension.to_owned(),
        }),
    }
}

/// The names of one side that are not the other's.
fn words(wiring: &Wiring) -> Vec<(String, &'static str)> {
    let Some(balancer) = &wiring.balancer else {
        return Vec::new();
    };
    let mut words = vec![
        (balancer.rule_arn.clone(), "RULE"),
        (balancer.load_balancer_dimension.clone(), "BALANCER"),
    ];
    for (slot, arn) in &balancer.target_groups {
        let word = match slot {
            Slot::Blue => "BLUE",
            Slot::Green => "GREEN",
        };
        words.push((arn.clone(), word));
    }
    words
}

/// Registers a task definition of the local cloud on moto as well.
async fn copy_task_definition(local: &Side, moto: &Side, family: &str) -> Result<(), Problem> {
    let answer = local
        .ecs
        .describe_task_definition()
        .task_definition(family)
        .send()
        .await?;
    let copy = answer.task_definition.ok_or("no task definition")?;
    moto.ecs
        .register_task_definition()
        .family(family)
        .set_task_role_arn(copy.task_role_arn)
        .set_execution_role_arn(copy.execution_role_arn)
        .set_network_mode(copy.network_mode)
        .set_container_definitions(copy.container_definitions)
        .set_volumes(copy.volumes)
        .set_placement_constraints(copy.placement_constraints)
        .set_requires_compatibilities(copy.requires_compatibilities)
        .set_cpu(copy.cpu)
        .set_memory(copy.memory)
        .set_runtime_platform(copy.runtime_platform)
        .send()
        .await?;
    Ok(())
}

/// moto's default VPC, two of its subnets and its security group.
struct Network {
    vpc: String,
    subnets: Vec<String>,
    group: String,
}

fn network(port: u16) -> Result<Network, Problem> {
    let subnets = wire::query(port, "ec2", "Action=DescribeSubnets&Version=2016-11-15")?;
    let groups = wire::query(port, "ec2", "Action=DescribeSecurityGroups&Version=2016-11-15")?;
    let all = |xml: &str, name: &str| -> Vec<String> {
        wire::elements(xml, name).into_iter().map(str::to_owned).collect()
    };
    Ok(Network {
        vpc: all(&subnets, "vpcId")
            .into_iter()
            .next()
            .ok_or("moto has no VPC")?,
        subnets: all(&subnets, "subnetId").into_iter().take(2).collect(),
        group: all(&groups, "groupId")
            .into_iter()
            .next()
            .ok_or("moto has no security group")?,
    })
}

/// Load balancer, target groups with healthy targets, listener and rule.
async fn copy_balancer(
    local: &Side,
    moto: &Side,
    port: u16,
    golden: &GoldenService,
) -> Result<Wiring, Problem> {
    let network = network(port)?;
    let mut groups = Vec::new();
    for arn in &golden.target_groups {
        groups.push(copy_target_group(local, moto, arn, &network.vpc).await?);
    }
    let [blue, green] = groups.as_slice() else {
        return Err("not two target groups".into());
    };
    let targets = (0..REPLICAS).map(|index| {
        let address = format!("172.31.0.{}", index + 10);
        TargetDescription::builder().id(address).port(8080).build()
    });
    let call = moto.elb.register_targets().target_group_arn(blue);
    call.set_targets(Some(targets.collect())).send().await?;
    let balancer = moto.elb.create_load_balancer().name("web-production");
    let balancer = balancer
        .set_subnets(Some(network.subnets))
        .security_groups(network.group)
        .send()
        .await?;
    let balancer = balancer
        .load_balancers()
        .first()
        .and_then(|one| one.load_balancer_arn());
    let balancer = balancer.ok_or("no load balancer")?.to_owned();
    let rule = make_rule(moto, &balancer, [blue, green]).await?;
    let (_, dimension) = balancer.split_once(":loadbalancer/").ok_or("an odd ARN")?;
    Ok(wiring(&rule, [blue, green], dimension))
}

async fn copy_target_group(local: &Side, moto: &Side, arn: &str, vpc: &str) -> Result<String, Problem> {
    let answer = local
        .elb
        .describe_target_groups()
        .target_group_arns(arn)
        .send()
        .await?;
    let group = answer.target_groups.unwrap_or_default().into_iter().next();
    let group = group.ok_or("no target group")?;
    let made = moto
        .elb
        .create_target_group()
        .set_name(group.target_group_name)
        .protocol(ProtocolEnum::Http)
        .set_port(group.port)
        .vpc_id(vpc)
        .target_type(TargetTypeEnum::Ip)
        .set_health_check_path(group.health_check_path)
        .set_health_check_interval_seconds(group.health_check_interval_seconds)
        .set_health_check_timeout_seconds(group.health_check_timeout_seconds)
        .set_unhealthy_threshold_count(group.unhealthy_threshold_count)
        .set_healthy_threshold_count(group.healthy_threshold_count)
        .send()
        .await?;
    let arn = made
        .target_groups()
        .first()
        .and_then(|one| one.target_group_arn());
    Ok(arn.ok_or("no target group")?.to_owned())
}

/// A listener that answers 404, and a rule in front of it that shares the traffic.
async fn make_rule(moto: &Side, balancer: &str, groups: [&String; 2]) -> Result<String, Problem> {
    let fixed = FixedResponseActionConfig::builder().status_code("404").build();
    let default = Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(fixed);
    let call = moto
        .elb
        .create_listener()
        .load_balancer_arn(balancer)
        .protocol(ProtocolEnum::Http);
    let listener = call.port(80).default_actions(default.build()).send().await?;
    let listener = listener
        .listeners()
        .first()
        .and_then(|one| one.listener_arn().map(str::to_owned));
    let forward = groups.into_iter().zip([100, 0]).map(|(arn, weight)| {
        TargetGroupTuple::builder()
            .target_group_arn(arn)
            .weight(weight)
            .build()
    });
    let forward = ForwardActionConfig::builder()
        .set_target_groups(Some(forward.collect()))
        .build();
    let action = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .forward_config(forward)
        .build();
    let all = RuleCondition::builder()
        .field("path-pattern")
        .values("/*")
        .build();
    let call = moto.elb.create_rule().set_listener_arn(listener).priority(10);
    let rule = call.conditions(all).actions(action).send().await?;
    let arn = rule.rules().first().and_then(|one| one.rule_arn());
    Ok(arn.ok_or("no rule")?.to_owned())
}

async fn copy_services(local: &Side, moto: &Side, port: u16) -> Result<(), Problem> {
    let network = network(port)?;
    moto.ecs
        .create_cluster()
        .cluster_name("production")
        .send()
        .await?;
    let call = local.ecs.describe_services().cluster("production");
    let answer = call.services("web-blue").services("web-green").send().await?;
    let groups = moto.wiring.balancer.as_ref().ok_or("no load balancer")?;
    for (service, group) in answer.services().iter().zip(groups.target_groups.values()) {
        create_service(moto, service, group, &network).await?;
    }
    Ok(())
}

async fn create_service(
    moto: &Side,
    service: &Service,
    group: &str,
    network: &Network,
) -> Result<(), Problem> {
    let mut balancers = service.load_balancers().to_vec();
    for balancer in &mut balancers {
        balancer.target_group_arn = Some(group.to_owned());
    }
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(network.subnets.clone()))
        .security_groups(&network.group)
        .build()?;
    moto.ecs
        .create_service()
        .cluster("production")
        .set_service_name(service.service_name.clone())
        .set_task_definition(service.task_definition.clone())
        .desired_count(service.desired_count)
        .set_launch_type(service.launch_type.clone())
        .set_load_balancers(Some(balancers))
        .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
        .set_deployment_configuration(service.deployment_configuration.clone())
        .send()
        .await?;
    Ok(())
}

/// The alarms, in the state that they have in the local cloud.
async fn copy_alarms(local: &Side, moto: &Side) -> Result<(), Problem> {
    let answer = local.cloudwatch.describe_alarms().send().await?;
    for alarm in answer.metric_alarms.unwrap_or_default() {
        moto.cloudwatch
            .put_metric_alarm()
            .set_alarm_name(alarm.alarm_name.clone())
            .set_alarm_description(alarm.alarm_description)
            .set_metric_name(alarm.metric_name)
            .set_namespace(alarm.namespace)
            .set_statistic(alarm.statistic)
            .set_extended_statistic(alarm.extended_statistic)
            .set_dimensions(alarm.dimensions)
            .set_period(alarm.period)
            .set_metrics(alarm.metrics)
            .set_evaluation_periods(alarm.evaluation_periods)
            .set_datapoints_to_alarm(alarm.datapoints_to_alarm)
            .set_threshold(alarm.threshold)
            .set_comparison_operator(alarm.comparison_operator)
            .set_treat_missing_data(alarm.treat_missing_data)
            .send()
            .await?;
        moto.cloudwatch
            .set_alarm_state()
            .set_alarm_name(alarm.alarm_name)
            .set_state_value(alarm.state_value)
            .state_reason(alarm.state_reason.unwrap_or_default())
            .send()
            .await?;
    }
    Ok(())
}

/// The table of `infra/template.yaml`.
async fn make_table(moto: &Side) -> Result<(), Problem> {
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name("gsi1")
        .key_schema(key("gsi1pk", KeyType::Hash)?)
        .key_schema(key("gsi1sk", KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()?;
    let mut call = moto
        .dynamodb
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewImage)
                .build()?,
        )
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .global_secondary_indexes(index);
    for name in ["pk", "sk", "gsi1pk", "gsi1sk"] {
        let text = AttributeDefinition::builder().attribute_name(name);
        call = call.attribute_definitions(text.attribute_type(ScalarAttributeType::S).build()?);
    }
    call.send().await?;
    Ok(())
}
