//! The golden-path service: what `infra/service.yaml` makes on AWS, made here
//! at once and in a steady state.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::alarms::{Alarm, AlarmState, AlarmValue, Comparison, Query, Source, Subject, TreatMissing};
use super::ecs::{
    Attachment, Deployment, DeploymentConfiguration, EcsService, RolloutState, TaskStatus, service_key,
};
use super::elb::{Forward, HealthCheck, Listener, LoadBalancer, Rule, RuleAction, TargetGroup, TargetState};
use super::images::Behaviour;
use super::metrics::{Dimensions, MetricStat, Stat};
use super::tasks::NewTask;
use super::traffic::{ALB, Window};
use super::{Fleet, after};

/// Image of a slot that has never had one.
const PLACEHOLDER_IMAGE: &str = "public.ecr.aws/docker/library/busybox:stable";
/// Port that the service's container listens on.
const PORT: u16 = 8_080;
/// Priority of the service's listener rule.
const PRIORITY: u32 = 10;

/// What a golden-path service is to look like.
#[derive(Debug, Clone, Copy)]
pub struct GoldenSpec<'a> {
    /// Name of the service.
    pub service: &'a str,
    /// Environment; also the name of the ECS cluster.
    pub environment: &'a str,
    /// Tasks that run at the beginning.
    pub replicas: u32,
    /// Its ECR repository.
    pub repository: &'a str,
    /// Digest that runs at the beginning; it is put into the repository, if it
    /// is not there. `None`: nothing runs yet.
    pub image_digest: Option<&'a str>,
    /// Whether it has a load balancer.
    pub with_load_balancer: bool,
    /// Whether it has two slots (blue and green), rather than one ECS service.
    pub slots: bool,
}

/// What was made for a golden-path service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenService {
    /// Name of the ECS cluster.
    pub cluster: String,
    /// Names of its ECS services; blue first.
    pub services: Vec<String>,
    /// ARNs of its target groups; blue first.
    pub target_groups: Vec<String>,
    /// ARN of its load balancer.
    pub load_balancer: Option<String>,
    /// ARN of its listener.
    pub listener: Option<String>,
    /// ARN of its listener rule.
    pub rule: Option<String>,
    /// Names of its alarms.
    pub alarms: Vec<String>,
}

impl Fleet {
    /// Makes a golden-path service in a steady state: the cluster, the ECS
    /// services, and with a load balancer also target groups, listener, rule and
    /// alarms.
    pub fn create_golden_service(&mut self, spec: &GoldenSpec<'_>) -> GoldenService {
        self.create_cluster(spec.environment);
        self.create_repository(spec.repository);
        let definition = self.golden_task_definition(spec);
        let slots: &[&str] = if spec.slots { &["-blue", "-green"] } else { &[""] };
        let mut made = GoldenService {
            cluster: spec.environment.to_owned(),
            services: Vec::new(),
            target_groups: Vec::new(),
            load_balancer: None,
            listener: None,
            rule: None,
            alarms: Vec::new(),
        };
        for slot in slots {
            if spec.with_load_balancer {
                let name = format!("{}-{}{slot}", spec.service, spec.environment);
                made.target_groups.push(self.create_target_group(&name));
            }
        }
        if spec.with_load_balancer {
            self.golden_listener(spec, &mut made);
        }
        for (index, slot) in slots.iter().enumerate() {
            let runs = index == 0 && spec.image_digest.is_some();
            let name = format!("{}{slot}", spec.service);
            let desired = if runs { spec.replicas } else { 0 };
            let target_group = made.target_groups.get(index).cloned();
            self.golden_ecs_service(spec, &name, desired, target_group, &definition);
            made.services.push(name);
        }
        for (slot, target_group) in slots.iter().zip(made.target_groups.clone()) {
            let prefix = format!("{}-{}{slot}", spec.service, spec.environment);
            made.alarms
                .extend(self.golden_alarms(&prefix, &target_group, &made));
        }
        self.settle();
        made
    }

    fn golden_task_definition(&mut self, spec: &GoldenSpec<'_>) -> String {
        let image = match spec.image_digest {
            Some(digest) => {
                let known = self
                    .repositories
                    .get(spec.repository)
                    .is_some_and(|held| held.images.contains_key(digest));
                if !known {
                    self.store_image(spec.repository, "initial", Some(digest), Behaviour::default());
                }
                format!("{}/{}@{digest}", self.registry(), spec.repository)
            }
            None => PLACEHOLDER_IMAGE.to_owned(),
        };
        let family = format!("{}-{}", spec.service, spec.environment);
        let body = json!({
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": format!("arn:aws:iam::{}:role/{family}-execution", self.account),
            "taskRoleArn": format!("arn:aws:iam::{}:role/{family}-task", self.account),
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "volumes": [],
            "placementConstraints": [],
            "containerDefinitions": [{
                "name": spec.service,
                "image": image,
                "cpu": 0,
                "essential": true,
                "portMappings": [{
                    "containerPort": PORT, "hostPort": PORT, "protocol": "tcp"
                }],
                "environment": [{"name": "ENVIRONMENT", "value": spec.environment}],
                "mountPoints": [],
                "volumesFrom": [],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": format!("/ecs/{family}"),
                        "awslogs-region": self.region,
                        "awslogs-stream-prefix": spec.service,
                    },
                },
            }],
        });
        let body = match body {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        self.register_task_definition(&family, body)
    }

    /// Makes a target group with the usual settings and returns its ARN.
    pub fn create_target_group(&mut self, name: &str) -> String {
        let dimension = format!("targetgroup/{name}/{}", self.ids.hex(16));
        let arn = self.elb_arn(&dimension);
        self.target_groups.insert(
            arn.clone(),
            TargetGroup {
                name: name.to_owned(),
                dimension,
                port: PORT,
                health_check: HealthCheck::default(),
                drain_seconds: 30,
                targets: BTreeMap::new(),
                exposed: BTreeMap::new(),
                window: Window::default(),
            },
        );
        arn
    }

    fn elb_arn(&self, rest: &str) -> String {
        format!(
            "arn:aws:elasticloadbalancing:{}:{}:{rest}",
            self.region, self.account
        )
    }

    fn golden_listener(&mut self, spec: &GoldenSpec<'_>, made: &mut GoldenService) {
        let now = self.now();
        let name = format!("{}-{}", spec.service, spec.environment);
        let dimension = format!("app/{name}/{}", self.ids.hex(16));
        let balancer = self.elb_arn(&format!("loadbalancer/{dimension}"));
        let listener_path = format!("{dimension}/{}", self.ids.hex(16));
        let listener = self.elb_arn(&format!("listener/{listener_path}"));
        let mut rule_arn = || format!("listener-rule/{listener_path}/{}", self.ids.hex(16));
        let (default_path, rule_path) = (rule_arn(), rule_arn());
        let (default, rule) = (self.elb_arn(&default_path), self.elb_arn(&rule_path));
        self.load_balancers.insert(
            balancer.clone(),
            LoadBalancer {
                dns_name: format!("{name}.{}.elb.amazonaws.com", self.region),
                name,
                dimension,
                created_at: now,
                window: Window::default(),
            },
        );
        self.listeners.insert(
            listener.clone(),
            Listener {
                load_balancer: balancer.clone(),
                port: 80,
                policy: None,
            },
        );
        let targets = made.target_groups.iter().enumerate().map(|(index, arn)| Forward {
            target_group: arn.clone(),
            weight: if index == 0 { 100 } else { 0 },
            carry: 0.0,
        });
        let forward = RuleAction::Forward {
            targets: targets.collect(),
            sticky: false,
            sticky_seconds: None,
        };
        let rules = [
            (default, None, RuleAction::Fixed(404), 0.0),
            (
                rule.clone(),
                Some(PRIORITY),
                forward,
                self.settings.requests_per_second,
            ),
        ];
        for (arn, priority, action, requests_per_second) in rules {
            self.rules.insert(
                arn,
                Rule {
                    listener: listener.clone(),
                    priority,
                    paths: if priority.is_some() {
                        vec!["/*".to_owned()]
                    } else {
                        Vec::new()
                    },
                    action,
                    requests_per_second,
                },
            );
        }
        self.log_weights(&rule);
        made.load_balancer = Some(balancer);
        made.listener = Some(listener);
        made.rule = Some(rule);
    }

    fn golden_ecs_service(
        &mut self,
        spec: &GoldenSpec<'_>,
        name: &str,
        desired: u32,
        target_group: Option<String>,
        definition: &str,
    ) {
        let now = self.now();
        let key = service_key(spec.environment, name);
        let id = format!("ecs-svc/{}", self.ids.decimal(19));
        let attachments = target_group
            .map(|target_group| Attachment {
                target_group,
                container: spec.service.to_owned(),
                port: PORT,
            })
            .into_iter()
            .collect();
        let service = EcsService {
            cluster: spec.environment.to_owned(),
            name: name.to_owned(),
            arn: format!(
                "arn:aws:ecs:{}:{}:service/{}/{name}",
                self.region, self.account, spec.environment
            ),
            desired,
            attachments,
            deployments: vec![Deployment {
                reason: format!("ECS deployment {id} completed."),
                id: id.clone(),
                task_definition: definition.to_owned(),
                rollout: RolloutState::Completed,
                failed_tasks: 0,
                not_before: None,
                created_at: now,
                updated_at: now,
            }],
            configuration: DeploymentConfiguration {
                breaker: true,
                breaker_rollback: true,
                ..DeploymentConfiguration::default()
            },
            last_completed: spec.image_digest.map(|_| definition.to_owned()),
            network: json!({"awsvpcConfiguration": {
                "subnets": ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"],
                "securityGroups": ["sg-0a1b2c3d4e5f60001"],
                "assignPublicIp": "DISABLED",
            }}),
            grace_seconds: 60,
            created_at: now,
            events: Vec::new(),
        };
        self.services.insert(key.clone(), service);
        for _ in 0..desired {
            let arn = self.start_task(NewTask {
                cluster: spec.environment.to_owned(),
                service: Some(key.clone()),
                group: format!("service:{name}"),
                started_by: Some(id.clone()),
                task_definition: definition.to_owned(),
                overrides: Value::Null,
            });
            self.hurry(&arn);
        }
    }

    /// Makes a task that was just started run and serve at once.
    fn hurry(&mut self, arn: &str) {
        let now = self.now();
        let Some(task) = self.tasks.get_mut(arn) else {
            return;
        };
        task.status = TaskStatus::Running;
        task.started_at = Some(now);
        task.next = None;
        let (ip, key) = (task.ip.clone(), task.service.clone());
        let groups: Vec<String> = key
            .and_then(|key| self.services.get(&key))
            .map(|service| {
                service
                    .attachments
                    .iter()
                    .map(|attachment| attachment.target_group.clone())
                    .collect()
            })
            .unwrap_or_default();
        for group in groups {
            if let Some(group) = self.target_groups.get_mut(&group) {
                group.targets.insert(
                    ip.clone(),
                    super::elb::Target {
                        port: PORT,
                        task: arn.to_owned(),
                        state: TargetState::Healthy,
                        answers_from: Some(after(now, -60)),
                        streak_from: after(now, -60),
                        streak_passes: true,
                    },
                );
            }
        }
    }

    /// Makes the two alarms of a slot and returns their names.
    fn golden_alarms(&mut self, prefix: &str, target_group: &str, made: &GoldenService) -> Vec<String> {
        let balancer = made
            .load_balancer
            .as_ref()
            .and_then(|arn| self.load_balancers.get(arn))
            .map(|balancer| balancer.dimension.clone())
            .unwrap_or_default();
        let group = self
            .target_groups
            .get(target_group)
            .map(|group| group.dimension.clone())
            .unwrap_or_default();
        let dimensions = Dimensions::from([
            ("LoadBalancer".to_owned(), balancer),
            ("TargetGroup".to_owned(), group),
        ]);
        let alarms = [
            self.golden_alarm(
                format!("{prefix}-error-rate"),
                "more than 1 % of the slot's requests fail",
                error_rate(&dimensions),
            ),
            self.golden_alarm(
                format!("{prefix}-latency-p99"),
                "the slot's 99th percentile is above one second",
                Subject::Single(stat(&dimensions, "TargetResponseTime", Stat::Percentile(99.0))),
            ),
        ];
        let names = alarms.iter().map(|alarm| alarm.name.clone()).collect();
        for alarm in alarms {
            self.put_alarm(alarm);
        }
        names
    }

    /// An alarm above 1 (percent or second) in one minute of one, which has been
    /// `OK` for long.
    fn golden_alarm(&self, name: String, description: &str, subject: Subject) -> Alarm {
        let now = self.now();
        Alarm {
            name,
            description: Some(description.to_owned()),
            subject,
            comparison: Comparison::GreaterThanThreshold,
            threshold: 1.0,
            evaluation_periods: 1,
            datapoints_to_alarm: 1,
            treat_missing: TreatMissing::NotBreaching,
            state: AlarmState {
                value: AlarmValue::Ok,
                reason: "Threshold Crossed: no datapoints were received for 1 period and 1 missing \
                         datapoint was treated as [NonBreaching]."
                    .to_owned(),
                reason_data: None,
                at: now,
            },
            transitioned_at: now,
            history: Vec::new(),
            updated_at: now,
            actions: BTreeMap::new(),
            set_by_hand: false,
        }
    }
}

fn stat(dimensions: &Dimensions, name: &str, stat: Stat) -> MetricStat {
    MetricStat {
        namespace: ALB.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.clone(),
        period_seconds: 60,
        stat,
        unit: None,
    }
}

/// Errors in percent of the requests. A minute without errors has no point of
/// its own, hence `FILL`.
fn error_rate(dimensions: &Dimensions) -> Subject {
    let metric = |id: &str, name: &str| Query {
        id: id.to_owned(),
        source: Source::Metric(stat(dimensions, name, Stat::Sum)),
        label: None,
        return_data: false,
    };
    Subject::Math {
        queries: vec![
            Query {
                id: "rate".to_owned(),
                source: Source::Math("100*FILL(errors,0)/requests".to_owned()),
                label: Some("error rate in percent".to_owned()),
                return_data: true,
            },
            metric("errors", "HTTPCode_Target_5XX_Count"),
            metric("requests", "RequestCount"),
        ],
        period_seconds: 60,
    }
}
