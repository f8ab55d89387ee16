//! Deployment files and people of the scenarios.

/// The seeds' file of development: `recreate`.
pub const DEV: &str = include_str!("../../.deploy/dev-config.yaml");
/// The seeds' file of staging: `bluegreen` with suites.
pub const STAGING: &str = include_str!("../../.deploy/staging-config.yaml");
/// The seeds' file of production: `canary`.
pub const PRODUCTION: &str = include_str!("../../.deploy/production-config.yaml");
/// The seeds' file of several regions.
pub const MULTI_REGION: &str = include_str!("../../.deploy/multi-region-config.yaml");

/// The file of production without its conditions, so that only analysis and alarms judge.
pub fn without_conditions(file: &str) -> String {
    let kept: Vec<&str> = file
        .lines()
        .take_while(|line| !line.starts_with("autoRollback"))
        .collect();
    format!("{}\n", kept.join("\n"))
}

/// A short canary of two steps: 20 % for five minutes, then all.
pub const SHORT: &str = "\
environment: production
strategy: canary
replicas: 5
canary:
  steps:
    - weight: 20
      pause: 5m
    - weight: 100
  analysis:
    interval: 1m
    threshold: 3
    metrics:
      - name: error_rate
        max: 1
";

/// Who may decide what.
pub const PEOPLE: &str = r#"{"people": {
  "maria": {"roles": ["tech-lead"]},
  "tom": {"roles": ["product"]},
  "ines": {"roles": ["tech-lead", "product"]},
  "olaf": {"roles": ["on-call"]}
}}"#;

/// An image digest of one digit, 64 times.
pub fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// Equal steps of 25 %, five minutes each.
pub const LINEAR: &str = "\
environment: production
strategy: linear
replicas: 4
linear:
  increment: 25
  pause: 5m
  analysis:
    interval: 1m
    threshold: 3
    metrics:
      - name: error_rate
        max: 1
";

/// ECS's own rolling update.
pub const ROLLING: &str = "\
environment: production
strategy: rolling
replicas: 4
";

/// A canary without a load balancer: a fifth of the tasks, then all.
pub const TASKS: &str = "\
environment: production
strategy: canary
replicas: 8
loadBalancer: false
canary:
  steps:
    - weight: 20
      pause: 10m
    - weight: 100
";
