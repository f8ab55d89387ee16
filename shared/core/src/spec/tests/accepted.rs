//! What files mean.

use super::changes::{CHANGES, MONITORING};
use super::contracts::CONTRACT;
use super::indexes::REMOVES;
use super::*;
use crate::ids::Weight;

const DEV: &str = include_str!("../../../../../.deploy/dev-config.yaml");
const STAGING: &str = include_str!("../../../../../.deploy/staging-config.yaml");
const PRODUCTION: &str = include_str!("../../../../../.deploy/production-config.yaml");
const MULTI_REGION: &str = include_str!("../../../../../.deploy/multi-region-config.yaml");

fn step(percent: u8, minutes: u32) -> Step {
    Step {
        weight: Weight::new(percent).unwrap(),
        bake_seconds: minutes * 60,
    }
}

#[test]
fn the_dev_file_recreates_one_small_task_on_every_push() {
    let parsed = accept(DEV);
    let spec = parsed.spec;
    assert_eq!(spec.environment.as_str(), "development");
    assert_eq!(spec.strategy, Strategy::Recreate);
    assert_eq!(spec.replicas, 1);
    assert_eq!(
        spec.resources.limits,
        Quantity {
            cpu_millis: Some(500),
            memory_mib: Some(512)
        }
    );
    assert_eq!(spec.resources.requests, Quantity::default());
    assert!(spec.auto_deploy);
    let check = spec.health_check.unwrap();
    assert_eq!(
        (
            check.path.as_str(),
            check.initial_delay_seconds,
            check.timeout_seconds
        ),
        ("/health", 10, 5)
    );
    assert_eq!((check.interval_seconds, check.failure_threshold), (30, 3));
    assert_eq!(parsed.hash, crate::ids::SpecHash::of(DEV.as_bytes()));
    assert_eq!(parsed.warnings, []);
}

#[test]
fn the_staging_file_switches_at_once_after_five_minutes_and_runs_three_suites() {
    let spec = accept(STAGING).spec;
    let Strategy::BlueGreen(switch) = &spec.strategy else {
        panic!("{:?}", spec.strategy)
    };
    assert_eq!(
        switch,
        &BlueGreen {
            test_duration_seconds: 300,
            rollback_on_error: true,
            analysis: None
        }
    );
    assert_eq!(spec.replicas, 2);
    assert_eq!(
        spec.resources.limits,
        Quantity {
            cpu_millis: Some(1000),
            memory_mib: Some(1024)
        }
    );
    let suites: Vec<&str> = spec
        .post_deployment_tests
        .iter()
        .map(|suite| suite.0.as_str())
        .collect();
    assert_eq!(suites, ["integration", "smoke", "load"]);
}

#[test]
fn the_production_file_is_a_canary_of_four_steps_that_is_measured_and_taken_back() {
    let parsed = accept(PRODUCTION);
    let spec = parsed.spec;
    let Strategy::Canary(canary) = &spec.strategy else {
        panic!("{:?}", spec.strategy)
    };
    assert_eq!(
        canary.steps,
        [step(5, 10), step(25, 10), step(50, 15), step(100, 0)]
    );
    let analysis = canary.analysis.as_ref().unwrap();
    assert_eq!((analysis.interval_seconds, analysis.threshold), (60, 5));
    assert_eq!(
        analysis.metrics,
        [
            MetricRule {
                name: "error_rate".to_owned(),
                metric: Metric::ErrorRate,
                max: Some(0.1),
                min: None
            },
            MetricRule {
                name: "latency_p99".to_owned(),
                metric: Metric::LatencyP99,
                max: Some(500.0),
                min: None
            },
        ]
    );
    let more = (
        analysis.min_requests,
        analysis.freshness_seconds,
        analysis.inconclusive_limit,
    );
    assert_eq!(more, (10, 180, 10));
    assert_eq!(spec.replicas, 10);
    assert_eq!(
        spec.resources.limits,
        Quantity {
            cpu_millis: Some(2000),
            memory_mib: Some(2048)
        }
    );
    assert_eq!(
        spec.resources.requests,
        Quantity {
            cpu_millis: Some(1000),
            memory_mib: Some(1024)
        }
    );
    assert!(spec.auto_rollback.enabled);
    assert_eq!(spec.auto_rollback.alarms, None);
    assert_eq!(spec.auto_rollback.window_seconds, 1800);
    let conditions: Vec<String> = spec
        .auto_rollback
        .conditions
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        conditions,
        ["error_rate > 1%", "latency_p99 > 1000ms", "availability < 99.9%"]
    );
    assert_eq!(parsed.warnings, []);
}

#[test]
fn the_multi_region_file_is_read_but_not_deployed() {
    let Document::Regions(file) = parse_document("multi.yaml", MULTI_REGION).unwrap() else {
        panic!("not a multi-region file")
    };
    let regions: Vec<_> = file
        .regions
        .iter()
        .map(|region| {
            (
                region.name.as_str(),
                region.role,
                region.weight.percent(),
                region.wait_seconds,
            )
        })
        .collect();
    assert_eq!(
        regions,
        [
            ("us-west-2", RegionRole::Canary, 10, 1800),
            ("eu-west-1", RegionRole::Secondary, 25, 900),
            ("ap-southeast-1", RegionRole::Secondary, 25, 900),
            ("us-east-1", RegionRole::Primary, 40, 1200),
        ]
    );
    assert!(file.failure_policy.stop_on_region_failure && file.failure_policy.rollback_failed_region);

    let refused = parse("multi.yaml", MULTI_REGION).unwrap_err();
    assert_eq!(refused.problems()[0].code, ProblemCode::NotBuiltYet);
    assert!(
        refused
            .plain()
            .starts_with("multi.yaml:2:1: deploying to regions in waves is not built yet")
    );
}

/// Every key of a canary file with a value that is not its default.
const EVERYTHING: &str = "\
service: web
environment: production
strategy: canary
replicas: 12
autoDeploy: false
checkPermissions: true
account: \"123456789012\"
trigger:
  repository: team/web
  tags: [v*, \"release-?\"]
  onNewerPush: supersede
cluster: Main_1
loadBalancer: true
healthCheck:
  path: /up
  initialDelay: 1m30s
  timeout: 6s
  interval: 7s
  failureThreshold: 4
resources:
  limits: { cpu: 2, memory: 4Gi }
  requests: { cpu: 0.5, memory: 512Mi }
canary:
  steps:
    - { weight: 10, pause: 1h }
    - weight: 100
      pause: 5m
  analysis:
    interval: 2m
    threshold: 3
    minRequests: 50
    freshness: 4m
    inconclusiveLimit: 6
    metrics:
      - name: availability
        min: 99.5
      - name: queue_lag
        max: 30
        min: -1
        expression: 'SEARCH(\"${ecsService} ${slot}\", \"Maximum\")'
    compare:
      metrics: [latency_p99, queue_lag]
      significance: 0.05
      minSamples: 8
autoRollback:
  enabled: false
  conditions:
    - request_count < 10
  alarms: [web-burn-rate]
  window: 2h
  bake: 15m
gates:
  - before: shift
    approvals:
      - role: tech-lead
      - { role: product, count: 2 }
    expires: 4h
freezes:
  - from: 2026-12-24T18:00:00+01:00
    until: 2026-12-27T06:00:00Z
    reason: holidays
postDeploymentTests: [smoke]
notifications:
  dashboard: https://example.com/d/web
  slackChannel: \"#deployments\"
timeouts:
  healthy: 20m
  suite: 1h
evidence:
  suites: [unit, load]
  sbom: true
  ticket: true
  scan: { critical: 0, high: 5, medium: 50, low: 500, wait: 5m }
  signature: required
  provenIn: staging
  rehearsed: {in: test, within: 30d}
  notify: [devops-lead]
hotfix:
  skip: [scan, provenIn, rehearsed]
  approvals: [{ role: tech-lead, count: 2 }]
  expires: 30m
";

#[test]
#[expect(clippy::too_many_lines, reason = "one assertion for each key")]
fn every_key_acts() {
    let spec = accept(EVERYTHING).spec;
    assert_eq!(spec.service.as_ref().unwrap().as_str(), "web");
    assert!(!spec.auto_deploy);
    assert_eq!(
        spec.trigger,
        Trigger {
            repository: Some("team/web".to_owned()),
            tags: vec!["v*".to_owned(), "release-?".to_owned()],
            on_newer_push: NewerPush::Supersede,
        }
    );
    assert_eq!(spec.account.as_deref(), Some("123456789012"));
    assert_eq!(spec.cluster.as_deref(), Some("Main_1"));
    let check = spec.health_check.as_ref().unwrap();
    let seconds = (
        check.initial_delay_seconds,
        check.timeout_seconds,
        check.interval_seconds,
    );
    assert_eq!(
        (check.path.as_str(), seconds, check.failure_threshold),
        ("/up", (90, 6, 7), 4)
    );
    assert_eq!(
        spec.resources.limits,
        Quantity {
            cpu_millis: Some(2000),
            memory_mib: Some(4096)
        }
    );
    assert_eq!(
        spec.resources.requests,
        Quantity {
            cpu_millis: Some(500),
            memory_mib: Some(512)
        }
    );
    let Strategy::Canary(canary) = &spec.strategy else {
        panic!("{:?}", spec.strategy)
    };
    assert_eq!(canary.steps, [step(10, 60), step(100, 5)]);
    let expression = "SEARCH(\"${ecsService} ${slot}\", \"Maximum\")".to_owned();
    let expected = Analysis {
        interval_seconds: 120,
        threshold: 3,
        metrics: vec![
            MetricRule {
                name: "availability".to_owned(),
                metric: Metric::Availability,
                max: None,
                min: Some(99.5),
            },
            MetricRule {
                name: "queue_lag".to_owned(),
                metric: Metric::Expression(expression),
                max: Some(30.0),
                min: Some(-1.0),
            },
        ],
        min_requests: 50,
        freshness_seconds: 240,
        inconclusive_limit: 6,
        compare: Some(Compare {
            metrics: vec!["latency_p99".to_owned(), "queue_lag".to_owned()],
            significance: 0.05,
            min_samples: 8,
        }),
    };
    assert_eq!(canary.analysis.as_ref(), Some(&expected));
    let rollback = &spec.auto_rollback;
    assert!(!rollback.enabled);
    assert_eq!(rollback.conditions[0].to_string(), "request_count < 10");
    assert_eq!(
        rollback.alarms.as_deref(),
        Some(&["web-burn-rate".to_owned()][..])
    );
    assert_eq!(rollback.window_seconds, 7200);
    assert_eq!(rollback.bake_seconds, Some(900));
    assert_eq!(spec.gates.len(), 1);
    let gate = &spec.gates[0];
    assert_eq!((gate.before, gate.expires_seconds), (GatePhase::Shift, 14_400));
    let approvals: Vec<_> = gate
        .approvals
        .iter()
        .map(|rule| (rule.role.as_str(), rule.count))
        .collect();
    assert_eq!(approvals, [("tech-lead", 1), ("product", 2)]);
    assert_eq!(spec.freezes[0].from, "2026-12-24T17:00:00Z".parse().unwrap());
    assert_eq!(spec.freezes[0].until, "2026-12-27T06:00:00Z".parse().unwrap());
    assert_eq!(spec.freezes[0].reason, "holidays");
    assert_eq!(spec.post_deployment_tests, [SuiteName("smoke".to_owned())]);
    assert_eq!(
        spec.notifications.dashboard.as_deref(),
        Some("https://example.com/d/web")
    );
    assert_eq!(spec.notifications.slack_channel.as_deref(), Some("#deployments"));
    assert_eq!(
        spec.timeouts,
        Timeouts {
            healthy_seconds: 1200,
            suite_seconds: 3600
        }
    );
    let evidence = spec.evidence.as_ref().unwrap();
    assert_eq!(
        evidence.suites,
        [SuiteName("unit".to_owned()), SuiteName("load".to_owned())]
    );
    assert!(evidence.sbom && evidence.ticket && evidence.signature);
    let limits = ScanRule {
        critical: Some(0),
        high: Some(5),
        medium: Some(50),
        low: Some(500),
        wait_seconds: 300,
    };
    assert_eq!(evidence.scan, Some(limits));
    assert_eq!(evidence.proven_in.as_ref().unwrap().as_str(), "staging");
    let rehearsed = evidence.rehearsed.as_ref().unwrap();
    assert_eq!(
        (rehearsed.environment.as_str(), rehearsed.within_seconds),
        ("test", 30 * 86_400)
    );
    assert_eq!(evidence.notify, ["devops-lead".parse().unwrap()]);
    let hotfix = spec.hotfix.as_ref().unwrap();
    let skipped = [
        EvidenceKind::Scan,
        EvidenceKind::ProvenIn,
        EvidenceKind::Rehearsed,
    ];
    assert_eq!(hotfix.skip, skipped);
    assert_eq!((hotfix.approvals[0].count, hotfix.expires_seconds), (2, 1800));
}

#[test]
fn evidence_that_is_named_without_values_asks_for_little() {
    let spec = accept(&target("rolling", "evidence: {scan: {}}\n")).spec;
    let evidence = spec.evidence.unwrap();
    let any = ScanRule {
        critical: None,
        high: None,
        medium: None,
        low: None,
        wait_seconds: 600,
    };
    let expected = Evidence {
        scan: Some(any),
        ..Evidence::default()
    };
    assert_eq!(evidence, expected);
    assert_eq!(spec.hotfix, None);
}

#[test]
fn a_hotfix_that_leaves_out_what_nobody_asks_for_is_warned_of() {
    let text = "hotfix: {skip: [sbom, scan], approvals: [{role: tech-lead}]}\nevidence: {sbom: true}\n";
    let warnings = accept(&target("rolling", text)).warnings;
    let found: Vec<_> = warnings
        .iter()
        .filter(|one| one.message.contains("hotfix"))
        .map(|one| (one.code, one.message.as_str()))
        .collect();
    let said = "a hotfix may leave out `scan`, which `evidence` does not ask for";
    assert_eq!(found, [(ProblemCode::NoEffect, said)]);
}

#[test]
fn a_spec_survives_being_stored() {
    for text in [DEV, STAGING, PRODUCTION, EVERYTHING] {
        let spec = accept(text).spec;
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    }
}

/// The file above would not notice a key that is new in the table.
#[test]
fn the_file_with_everything_has_every_key() {
    let elsewhere = [
        "linear",
        "increment",
        "trafficSwitch",
        "testDuration",
        "rollbackOnError",
    ];
    table::TARGET.walk("", &mut |path, key| {
        let name = format!("{}:", key.name);
        let here = EVERYTHING.contains(&name)
            || CHANGES.contains(&name)
            || MONITORING.contains(&name)
            || CONTRACT.contains(&name)
            || REMOVES.contains(&name);
        assert!(here != elsewhere.contains(&key.name), "{path}.{}", key.name);
    });
}

#[test]
fn linear_steps_are_counted_out_and_end_at_a_hundred() {
    let spec = accept(&target("linear", "linear:\n  increment: 30\n  pause: 10m\n")).spec;
    let Strategy::Linear(linear) = spec.strategy else {
        panic!("{:?}", spec.strategy)
    };
    assert_eq!(
        linear.steps,
        [step(30, 10), step(60, 10), step(90, 10), step(100, 0)]
    );
}

#[test]
fn a_switch_without_a_section_has_the_defaults() {
    let spec = accept(&target("bluegreen", "")).spec;
    let expected = BlueGreen {
        test_duration_seconds: 300,
        rollback_on_error: true,
        analysis: None,
    };
    assert_eq!(spec.strategy, Strategy::BlueGreen(expected));
    assert_eq!(spec.trigger.tags, ["*"]);
    assert_eq!(
        spec.timeouts,
        Timeouts {
            healthy_seconds: 900,
            suite_seconds: 1800
        }
    );
}

#[test]
fn a_switch_keeps_what_it_says() {
    let text = "trafficSwitch:\n  testDuration: 1h\n  rollbackOnError: false\n";
    let Strategy::BlueGreen(switch) = accept(&target("bluegreen", text)).spec.strategy else {
        panic!("not a blue-green file")
    };
    assert_eq!(
        (switch.test_duration_seconds, switch.rollback_on_error),
        (3600, false)
    );
}

#[test]
fn a_worker_without_a_load_balancer_needs_no_requests() {
    let text = "loadBalancer: false\ncanary:\n  steps: [{weight: 100}]\n  analysis:\n    metrics:\n      \
                - {name: lag, max: 1, expression: 'm1'}\n";
    let Strategy::Canary(canary) = accept(&target("canary", text)).spec.strategy else {
        panic!("not a canary file")
    };
    assert_eq!(canary.analysis.unwrap().min_requests, 0);
}

#[test]
fn the_interval_follows_a_long_timeout() {
    let spec = accept(&target("rolling", "healthCheck:\n  path: /\n  timeout: 40s\n")).spec;
    assert_eq!(spec.health_check.unwrap().interval_seconds, 45);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let warnings = accept(&target("canary", "canary:\n  steps: [{weight: 100}]\n")).warnings;
    let found: Vec<_> = warnings
        .iter()
        .map(|one| (one.code, one.warning, one.line))
        .collect();
    assert_eq!(found, [(ProblemCode::MeasuresNothing, true, 2)]);

    let text = "loadBalancer: false\nhealthCheck:\n  path: /\n";
    let warnings = accept(&target("rolling", text)).warnings;
    let found: Vec<_> = warnings
        .iter()
        .map(|one| (one.code, one.line, one.column))
        .collect();
    assert_eq!(found, [(ProblemCode::NoEffect, 5, 1)]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let text = format!("\u{feff}{}", PRODUCTION.replace('\n', "\r\n"));
    assert_eq!(accept(&text).spec, accept(PRODUCTION).spec);
}
