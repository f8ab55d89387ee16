//! The deployment files that runs are made with, and the names of the things around them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tidegate_core::change::alarms_made;
use tidegate_core::gates::{People, PersonEntry};
use tidegate_core::ids::{Digest, InvalidName, Person, PlanHash, Slot, SpecHash, Target};
use tidegate_core::shared::Shared;
use tidegate_core::spec::{self, Spec, SpecErrors};
use tidegate_core::wiring::{Balancer, Wiring};

/// Milliseconds of virtual time since [`BASE_SECONDS`].
pub type Ms = i64;

/// When every run begins: 2026-01-05T10:00:00Z.
pub const BASE_SECONDS: i64 = 1_767_607_200;

/// Digests that exist: 0 serves at the start, the others are pushed.
pub const IMAGES: usize = 6;

/// Task definitions that can be registered in one run.
const DEFINITIONS: usize = 64;

/// The instant of a virtual time.
pub fn instant(at: Ms) -> Timestamp {
    Timestamp::from_millisecond(BASE_SECONDS * 1000 + at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The virtual time of an instant.
pub fn virtual_ms(at: Timestamp) -> Ms {
    at.as_millisecond() - BASE_SECONDS * 1000
}

/// Why a setting can't be made.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// The deployment file is not one.
    #[error("failed to read the deployment file: {0}")]
    Spec(Box<SpecErrors>),
    /// A name is not one.
    #[error("failed to name the target: {0}")]
    Name(#[from] InvalidName),
}

/// Everything that does not change during a run.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its name, for people.
    pub name: String,
    /// The deployment file.
    pub spec: Shared<Spec>,
    /// Its hash.
    pub spec_hash: SpecHash,
    /// The target.
    pub target: Target,
    /// Where it lives.
    pub wiring: Wiring,
    /// Whether something serves before the first deployment.
    pub has_stable: bool,
    /// Whether it has more to do than most, and is drawn seldom: people agree in its calm runs, or a later part
    /// would never be come to, and in some others a person meddles with what it changes.
    pub seldom: bool,
    /// Who may decide what.
    pub people: People,
    /// Their names, in the order in which scripts count them.
    pub persons: Vec<Person>,
    /// A hash of no plan, for approvals of another one.
    pub other_plan: PlanHash,
    /// The digests.
    pub digests: Vec<Digest>,
    /// `repository_uri@digest` of each.
    pub uris: Vec<String>,
    /// Names of task definitions.
    pub definitions: Vec<String>,
    /// The watched alarms; the first one fires.
    pub alarms: Vec<String>,
    /// The alarms that a deployment makes.
    pub made_alarms: Vec<String>,
    /// Names of the target groups as readings have them.
    pub groups: BTreeMap<Slot, String>,
}

/// Index of a slot.
pub const fn index(slot: Slot) -> usize {
    match slot {
        Slot::Blue => 0,
        Slot::Green => 1,
    }
}

/// The slot of an index.
pub const fn slot(index: usize) -> Slot {
    if index == 0 { Slot::Blue } else { Slot::Green }
}

impl Setting {
    /// Whether people are asked in it.
    pub fn asks(&self) -> bool {
        let consent = self
            .spec
            .infrastructure
            .as_ref()
            .and_then(|one| one.consent.as_ref());
        !self.spec.gates.is_empty() || consent.is_some()
    }

    /// A setting for a deployment file's text.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(name: &str, text: &str, has_stable: bool) -> Result<Self, SettingError> {
        let parsed = spec::parse(name, text).map_err(|error| SettingError::Spec(Box::new(error)))?;
        Self::of(name, parsed.spec, parsed.hash, has_stable)
    }

    /// A setting for a deployment file that was read.
    ///
    /// # Errors
    /// Never for names that the file's reader let through.
    pub fn of(name: &str, spec: Spec, spec_hash: SpecHash, has_stable: bool) -> Result<Self, SettingError> {
        let service = match &spec.service {
            Some(service) => service.clone(),
            None => "web".parse()?,
        };
        let target = Target {
            service,
            environment: spec.environment.clone(),
        };
        let digests = (0..IMAGES)
            .map(|n| format!("sha256:{n:064x}").parse::<Digest>())
            .collect::<Result<Vec<_>, _>>()?;
        let repository = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{}", target.service);
        let uris = digests.iter().map(|d| format!("{repository}@{d}")).collect();
        let family = format!(
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/{}-{}",
            target.service, target.environment
        );
        let asked: u32 = spec
            .gates
            .iter()
            .flat_map(|gate| gate.approvals.iter().map(|one| one.count))
            .max()
            .unwrap_or(0);
        let persons = ["ada", "ben", "cleo", "dan"]
            .iter()
            .map(|name| (*name).to_owned())
            // As many more as a gate asks for.
            .chain((0..asked.saturating_mul(4)).map(|n| format!("person-{n}")))
            .map(|name| name.parse())
            .collect::<Result<Vec<Person>, _>>()?;
        let wiring = wiring(&target, &spec);
        Ok(Self {
            name: name.to_owned(),
            made_alarms: alarms_made(&target, &spec, &wiring),
            wiring,
            groups: groups(&target, &spec),
            alarms: spec
                .auto_rollback
                .alarms
                .clone()
                .unwrap_or_else(|| vec![format!("{}-{}-errors", target.service, target.environment)]),
            people: people(&persons, &spec),
            persons,
            other_plan: PlanHash::of(b"another plan"),
            uris,
            digests,
            definitions: (0..DEFINITIONS).map(|n| format!("{family}:{}", n + 1)).collect(),
            spec: spec.into(),
            spec_hash,
            target,
            has_stable,
            seldom: false,
        })
    }

    /// The name of the dashboard that deployments make.
    pub fn dashboard(&self) -> String {
        format!("{}-{}", self.target.service, self.target.environment)
    }

    /// Whether a listener rule shares the traffic.
    pub const fn balanced(&self) -> bool {
        self.wiring.balancer.is_some()
    }

    /// Whether there are two ECS services.
    pub fn two_slots(&self) -> bool {
        self.wiring.services.len() == 2
    }
}

fn two_slots(spec: &Spec) -> bool {
    use spec::Strategy;
    match spec.strategy {
        Strategy::BlueGreen(_) | Strategy::Canary(_) | Strategy::Linear(_) => true,
        Strategy::Recreate | Strategy::Rolling => false,
    }
}

fn groups(target: &Target, spec: &Spec) -> BTreeMap<Slot, String> {
    if !spec.load_balancer || !two_slots(spec) {
        return BTreeMap::new();
    }
    [Slot::Blue, Slot::Green]
        .map(|slot| (slot, format!("{}-{}-{slot}", target.service, target.environment)))
        .into_iter()
        .collect()
}

fn wiring(target: &Target, spec: &Spec) -> Wiring {
    let names: &[Slot] = if two_slots(spec) {
        &[Slot::Blue, Slot::Green]
    } else {
        &[Slot::Blue]
    };
    let elb = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
    let target_groups: BTreeMap<Slot, String> = groups(target, spec)
        .into_iter()
        .map(|(slot, name)| (slot, format!("{elb}:targetgroup/{name}/0123456789abcdef")))
        .collect();
    Wiring {
        cluster: target.environment.to_string(),
        services: names
            .iter()
            .map(|slot| (*slot, format!("{}-{slot}", target.service)))
            .collect(),
        balancer: (!target_groups.is_empty()).then(|| Balancer {
            rule_arn: format!("{elb}:listener-rule/app/web/1/2/3"),
            target_groups,
            load_balancer_dimension: "app/web/1".to_owned(),
        }),
    }
}

/// Everyone has every role that any gate asks for, but Dan, who has none.
fn people(persons: &[Person], spec: &Spec) -> People {
    let gates = spec.gates.iter().flat_map(|gate| &gate.approvals);
    let consent = spec
        .infrastructure
        .iter()
        .flat_map(|one| &one.consent)
        .flat_map(|one| &one.approvals);
    let roles: std::collections::BTreeSet<_> = gates.chain(consent).map(|one| one.role.clone()).collect();
    let entry = |index: usize| PersonEntry {
        roles: if index != 3 {
            roles.clone()
        } else {
            Default::default()
        },
        ..PersonEntry::default()
    };
    People {
        people: persons
            .iter()
            .enumerate()
            .map(|(index, person)| (person.to_string(), entry(index)))
            .collect(),
    }
}

const CANARY: &str = "\
environment: production
strategy: canary
replicas: 4
canary:
  steps:
    - {weight: 10, pause: 5m}
    - {weight: 50, pause: 3m}
    - weight: 100
  analysis:
    interval: 1m
    threshold: 2
    inconclusiveLimit: 3
    metrics:
      - {name: error_rate, max: 1}
autoRollback:
  alarms: [web-production-errors]
  window: 10m
";
const SUPERSEDE: &str = "\
environment: production
strategy: canary
replicas: 2
trigger: {onNewerPush: supersede}
canary:
  steps:
    - {weight: 20, pause: 2m}
    - {weight: 100, pause: 1m}
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";
const LINEAR: &str = "\
environment: production
strategy: linear
replicas: 4
linear: {increment: 50, pause: 2m}
autoRollback:
  alarms: [web-production-errors]
  conditions: [error_rate > 5%]
  window: 5m
";
const BLUEGREEN: &str = "\
environment: production
strategy: bluegreen
replicas: 3
trafficSwitch: {testDuration: 2m}
postDeploymentTests: [smoke, api]
validate:
  http:
    - {name: early, url: 'https://${slot}.web.example.com/', when: before-traffic, retries: 1}
    - {name: late, url: 'https://web.example.com/', retries: 2, every: 10s}
autoRollback:
  alarms: [web-production-errors]
  window: 10m
";
const GATED: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
gates:
  - before: shift
    approvals:
      - {role: tech-lead, count: 2}
    expires: 20m
  - before: complete
    approvals:
      - role: product
    expires: 20m
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";
const FROZEN: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 2m}
    - weight: 100
freezes:
  - {from: '2026-01-05T10:06:00Z', until: '2026-01-05T10:30:00Z', reason: inventory}
autoRollback:
  alarms: [web-production-errors]
";
const TASKS: &str = "\
environment: production
strategy: canary
loadBalancer: false
replicas: 4
canary:
  steps:
    - {weight: 20, pause: 2m}
    - weight: 100
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";
const ROLLING: &str = "\
environment: production
strategy: rolling
replicas: 3
postDeploymentTests: [api]
autoRollback:
  alarms: [web-production-errors]
";
const RECREATE: &str = "\
environment: production
strategy: recreate
replicas: 2
autoRollback:
  alarms: [web-production-errors]
";

const GATED_BLUEGREEN: &str = "\
environment: production
strategy: bluegreen
replicas: 2
trafficSwitch: {testDuration: 1m}
postDeploymentTests: [smoke, api]
gates:
  - before: prepare
    approvals:
      - role: tech-lead
    expires: 15m
  - before: validate
    approvals:
      - {role: product, count: 2}
    expires: 20m
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const MIGRATING: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
migrations:
  - {name: index, command: [up, index], verify: [check, index], down: [down, index], timeout: 4m}
  - {name: backfill, command: [up, backfill], timeout: 4m}
configuration:
  parameters:
    - {name: /web/limit, value: new}
    - {name: /web/banner, value: new}
  flags: {application: web, environment: production, profile: flags, set: {beta: off}}
gates:
  - before: migrate
    approvals:
      - role: tech-lead
    expires: 15m
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const STACKED: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
infrastructure:
  stack: {name: shop, template: 'https://templates/shop-7.yaml', timeout: 4m}
  approvals:
    - role: tech-lead
  expires: 15m
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const INDEXED: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
migrations:
  - {name: by-customer, table: orders, timeout: 4m, addIndex: {name: by-customer, partitionKey: {customer: S}}}
  - {name: by-day, table: orders, timeout: 4m, addIndex: {name: by-day, partitionKey: {day: S}}}
  - {name: by-size, table: orders, timeout: 4m, addIndex: {name: by-size, partitionKey: {size: N}, project: keysOnly}}
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const FOUNDED: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
prepare:
  suspendAutoscaling: true
  backups: [{table: orders, timeout: 4m}]
analyzer: {function: web-analyzer, required: true, threshold: 1, approvals: [{role: tech-lead}], expires: 15m}
infrastructure:
  terraform: {taskDefinition: terraform, container: terraform, bucket: plans, timeout: 5m}
  approvals:
    - role: tech-lead
  expires: 15m
  verify:
    - dynamodbTable: {name: orders, pointInTimeRecovery: true}
  timeout: 8m
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const MONITORED: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
configuration:
  parameters:
    - {name: /web/limit, value: new}
    - {name: /web/banner, value: new}
  flags: {application: web, environment: production, profile: flags, set: {beta: off}}
monitoring:
  dashboard: true
  alarms: [{name: slow, when: latency_p99 > 800ms}]
  test: {timeout: 3m}
  logRetention: 30d
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const CHECKED: &str = "\
environment: production
strategy: bluegreen
replicas: 2
trafficSwitch: {testDuration: 1m}
postDeploymentTests:
  - {name: checkout, lambda: web-test-checkout, retries: 1, timeout: 30s}
validate:
  security: [noPublicIp]
  performance: {for: 2m, errorRate: 1%, minRequests: 10}
cost: {maxIncrease: 50%, onExcess: rollback, approvals: [{role: tech-lead}], expires: 15m}
watch: {for: 30m, onAlarm: rollback}
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

const CONTRACTED: &str = "\
environment: production
strategy: canary
replicas: 2
canary:
  steps:
    - {weight: 30, pause: 1m}
    - weight: 100
migrations:
  - {name: drop-fax, stage: contract, after: 10m, command: [up, drop-fax], timeout: 4m}
  - {name: drop-by-mail, stage: contract, after: 10m, table: orders, removeIndex: by-mail, timeout: 4m}
gates:
  - before: contract
    approvals:
      - role: tech-lead
    expires: 15m
autoRollback:
  alarms: [web-production-errors]
  window: 5m
";

/// So many of [`all`] came first: the seeds that were drawn from them keep their setting
/// ([`crate::random::drawn`]).
pub const FIRST: usize = 10;

/// So many came next.
pub const SECOND: usize = 2;

/// And so many after those.
pub const THIRD: usize = 1;

/// Every setting that random runs are drawn from. New ones come last.
///
/// # Errors
/// Never, as a test shows.
pub fn all() -> Result<Vec<Setting>, SettingError> {
    [
        ("canary", CANARY, true),
        ("canary-superseding", SUPERSEDE, true),
        ("linear", LINEAR, true),
        ("bluegreen", BLUEGREEN, true),
        ("canary-with-gates", GATED, true),
        ("canary-with-freeze", FROZEN, true),
        ("canary-by-tasks", TASKS, true),
        ("rolling", ROLLING, true),
        ("recreate", RECREATE, true),
        ("first-canary", SUPERSEDE, false),
        ("bluegreen-with-gates", GATED_BLUEGREEN, true),
        ("canary-with-migrations", MIGRATING, true),
        ("canary-with-stack", STACKED, true),
        ("canary-with-indexes", INDEXED, true),
        ("canary-with-foundations", FOUNDED, true),
        ("canary-with-monitoring", MONITORED, true),
        ("bluegreen-with-checks", CHECKED, true),
        ("canary-with-contract", CONTRACTED, true),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (name, text, has_stable))| {
        Ok(Setting {
            seldom: at >= FIRST + SECOND + THIRD,
            ..Setting::parse(name, text, has_stable)?
        })
    })
    .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_a_good_deployment_file() {
        assert!(all().unwrap().len() > FIRST + SECOND + THIRD);
    }
}
