//! What both sides are asked with.

use jiff::Timestamp;
use tidegate_core::deployment::{Deployment, Kind, Origin, Plan, Request, Revision, Traffic};
use tidegate_core::ids::{DeploymentId, Digest, Epoch, PlanHash, Slot, SpecHash, Target};
use tidegate_core::shared::Shared;
use tidegate_core::spec::{HealthCheck, Spec, SuiteName, parse};

use super::compare::Side;

/// A fixed instant; nothing here takes a time from a clock.
pub const NOW: Timestamp = Timestamp::constant(1_772_442_000, 0);

/// A target by its name.
pub fn target(name: &str) -> Target {
    name.parse().unwrap()
}

/// A canary's deployment file with more lines.
pub fn spec(more: &str) -> Spec {
    let text = format!(
        "environment: production\nstrategy: canary\nreplicas: 3\ncanary:\n  steps:\n    \
         - weight: 5\n      pause: 10m\n    - weight: 100\n{more}"
    );
    parse("deploy.yaml", &text).unwrap().spec
}

/// A digest of one digit.
pub fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64))
        .parse()
        .unwrap()
}

/// The suite that both sides have a task definition for.
pub fn suite() -> SuiteName {
    SuiteName("smoke".to_owned())
}

/// A health check of this path, unlike ELB's defaults in every number.
pub fn health_check(path: &str) -> HealthCheck {
    HealthCheck {
        path: path.to_owned(),
        initial_delay_seconds: 30,
        timeout_seconds: 7,
        interval_seconds: 20,
        failure_threshold: 4,
    }
}

/// Deployment `web-<number>` with a plan on this side's resources.
pub fn deployment(side: &Side, number: u64) -> Deployment {
    let mut deployment = bare(number);
    deployment.plan = Some(Shared::from(Plan {
        contract: None,
        wiring: side.wiring.clone(),
        traffic: Traffic::Weighted,
        stable: None,
        candidate: Slot::Green,
        image: "web".to_owned(),
        capacity: 3,
        steps: Vec::new(),
        changes: Vec::new(),
        container: Vec::new(),
        alarms: Vec::new(),
        forward_before: None,
        expected_seconds: 0,
        evidence: None,
        permissions: None,
        cost: None,
        hash: PlanHash::of(b"plan"),
    }));
    deployment
}

/// The same without a plan: alike on both sides to the last byte.
pub fn bare(number: u64) -> Deployment {
    let request = Request {
        id: id(number),
        target: target("web/production"),
        kind: Kind::Forward,
        epoch: Epoch(number),
        revision: Revision {
            repository: "web".to_owned(),
            digest: digest('b'),
            tag: Some("v2".to_owned()),
            pushed_at: NOW,
            spec_hash: SpecHash::of(b"spec"),
            task_definition: None,
        },
        spec: spec("").into(),
        origin: Origin::Push {
            event_id: "event-1".to_owned(),
        },
        overrides: Vec::new(),
    };
    Deployment::new(request, NOW)
}

/// Id of a deployment.
pub fn id(number: u64) -> DeploymentId {
    format!("web-{number}").parse().unwrap()
}
