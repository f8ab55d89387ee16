//! Sections that change something besides the image.

use super::*;
use crate::change::{Expected, ResourceKind, Setting, Undo};

/// Every key of these sections, in a file that is accepted.
pub(super) const CHANGES: &str = "
prepare:
  backups:
    - {table: orders, timeout: 30m}
    - {database: web-db}
    - {cluster: web-cluster, timeout: 2h}
  suspendAutoscaling: true
migrations:
  - name: add-email
    command: [bin/migrate, up, add-email]
    verify: [bin/migrate, check]
    down: [bin/migrate, down, add-email]
    undo: revertible
    timeout: 5m
    logTail: false
  - name: orders-by-customer
    table: orders
    addIndex:
      name: by-customer
      partitionKey: {customer: S}
      sortKey: {placed: N}
      attributes: [total]
      capacity: {read: 5, write: 10}
    timeout: 6h
  - {name: orders-by-day, table: orders, addIndex: {name: by-day, partitionKey: {day: S}, project: keysOnly}}
infrastructure:
  stack:
    name: shop-network
    template: https://templates.s3.eu-west-1.amazonaws.com/shop/7.yaml
    parameters: [{name: Size, value: '3'}]
    capabilities: [CAPABILITY_IAM]
    role: arn:aws:iam::123456789012:role/shop-stack
    drift: true
    timeout: 30m
  terraform:
    taskDefinition: web-production-terraform
    container: terraform
    bucket: shop-plans
    prefix: tidegate/web
    imageVariable: image
    variables: {size: large, replicas: 3}
    generatedVariables: true
    timeout: 20m
  approvals: [{role: devops-lead, count: 2}]
  threshold: 10
  expires: 4h
  verify:
    - ecsService: {name: web-blue, cluster: shop, desiredCount: 4, launchType: FARGATE, subnets: [subnet-1, subnet-2], securityGroups: [sg-1], publicIp: false}
    - targetGroup: {name: web-blue, protocol: HTTP, port: 8080, targetType: ip, healthCheckPath: /health, healthCheckInterval: 10s}
    - dynamodbTable: {name: orders, billingMode: PAY_PER_REQUEST, pointInTimeRecovery: true, deletionProtection: true, encryption: KMS, kmsKey: \"arn:aws:kms:eu-west-1:123456789012:key/1a2b\", indexes: [by-customer]}
    - ecrRepository: {name: web, scanOnPush: true, immutableTags: true}
    - alarm: {name: web-errors, metric: HTTPCode_Target_5XX_Count, namespace: AWS/ApplicationELB, threshold: 0.5, comparison: GreaterThanThreshold, period: 1m, evaluationPeriods: 3}
    - database: {name: web-db, status: available, instanceClass: db.r6g.large, engine: postgres, engineVersion: 16, encrypted: true, kmsKey: \"arn:aws:kms:eu-west-1:123456789012:key/1a2b\", publiclyAccessible: false, multiAz: true, deletionProtection: true, backupRetention: 7d}
    - databaseCluster: {name: web-cluster, status: available, engine: aurora-postgresql, engineVersion: 16.10, encrypted: true, kmsKey: \"arn:aws:kms:eu-west-1:123456789012:key/1a2b\", publiclyAccessible: false, multiAz: true, deletionProtection: true, backupRetention: 36h}
  timeout: 4h
validate:
  http:
    - {name: health, url: \"https://web.example.com/health\", status: 204, body: all well, retries: 5, every: 10s, timeout: 3s}
    - {name: version, url: \"https://web.example.com/info\", when: after-shift, json: {path: /ok, equals: \"true\"}, version: {json: /version}}
    - {name: header, url: \"https://10.0.0.7:8443/\", version: {header: X-Version}}
  allowPrivate: true
  security: [notPrivileged, readOnlyRoot, noPlainSecrets, noPublicIp, httpsOnly, modernTls]
  performance: {for: 10m, errorRate: 0.5%, p99: 1.5s, minRequests: 100}
analyzer:
  function: web-analyzer:live
  timeout: 30s
  required: true
  threshold: 2
  approvals: [{role: devops-lead}]
  expires: 4h
  pricePerGbSecond: 0.0000133334
postDeploymentTests:
  - smoke
  - {name: checkout, lambda: \"web-test:live\", timeout: 30s, retries: 2, logTail: false}
watch: {for: 12h, onAlarm: rollback}
report: {bucket: shop.records-1, prefix: team_a/tidegate}
autoRollback: {window: 12h}
cost:
  maxIncrease: 20%
  maxMonthly: 499.99
  approvals: [{role: devops-lead}]
  expires: 4h
  onExcess: rollback
  prices: {vcpuHour: 0.0324, gbHour: 0.00356}
  explorer:
    tag: {key: service, value: web}
    monitor: \"arn:aws:ce::123456789012:anomalymonitor/1a2b-3c\"
configuration:
  parameters:
    - {name: /web/production/timeout, value: \"30\"}
  environment:
    LOG_LEVEL: debug
    PORT: 8080
  secrets:
    DB_PASSWORD: \"arn:aws:secretsmanager:us-east-1:123456789012:secret:web/db-a1b2c3:password::\"
    API_KEY: /web/production/api-key
  flags:
    application: web
    environment: production
    profile: flags
    strategy: AppConfig.Linear
    set:
      new-checkout: off
      banner: {enabled: on, limit: 5, colour: \"5\", fast: true}
    timeout: 1h
";

/// The same of one that has a load balancer to measure it.
pub(super) const MONITORING: &str = "
monitoring:
  dashboard: true
  alarms:
    - {name: errors, when: error_rate > 1%, for: 3m}
    - {name: slow, when: latency_p99 > 800ms}
  topic: \"arn:aws:sns:us-east-1:123456789012:page\"
  test: {topic: \"arn:aws:sns:us-east-1:123456789012:page\", timeout: 2m}
  logRetention: 30d
";

#[test]
fn what_watches_a_service_is_part_of_its_file() {
    let spec = accept(&target("rolling", MONITORING)).spec;
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let monitoring = spec.monitoring.unwrap();
    let rules: Vec<String> = monitoring.alarms.iter().map(AlarmRule::describe).collect();
    assert_eq!(rules, ["error_rate > 1% for 3m", "latency_p99 > 800ms for 1m"]);
    assert_eq!(
        (monitoring.dashboard, monitoring.log_retention_days),
        (true, Some(30))
    );
    assert_eq!(monitoring.test.unwrap().timeout_seconds, 120);
    assert_eq!(accept(&target("rolling", "")).spec.monitoring, None);
    let one = |text: &str| messages(&format!("monitoring: {{{text}}}\n"));
    assert_eq!(
        one("alarms: [{name: a, when: error_rate > 1%}, {name: a, when: error_rate > 2%}]"),
        ["4:64 the alarm `a` is given twice"]
    );
    assert_eq!(
        one("alarms: [{name: a, when: request_count < 1, for: 90s}]"),
        [
            "4:39 the slot that is not in use has no requests, so this alarm says nothing",
            "4:63 a load balancer measures whole minutes",
        ]
    );
    for wrong in [
        "logRetention: 31d",
        "topic: page",
        "alarms: []",
        "dashboards: true",
    ] {
        assert_eq!(one(wrong).len(), 1, "{wrong}: {:?}", one(wrong));
    }
    assert_eq!(
        messages("loadBalancer: false\nmonitoring: {alarms: [{name: a, when: error_rate > 1%}]}\n"),
        ["5:14 a load balancer measures what these alarms are about, and there is none"]
    );
    let warned = accept(&target(
        "rolling",
        "monitoring: {topic: \"arn:aws:sns:us-east-1:123456789012:page\"}\n",
    ));
    assert_eq!(warned.warnings.len(), 1);
}

pub(super) fn messages(extra: &str) -> Vec<String> {
    let errors = errors(&target("rolling", extra));
    let problems = errors.problems().iter();
    problems
        .map(|one| format!("{}:{} {}", one.line, one.column, one.message))
        .collect()
}

#[test]
fn a_file_sets_parameters_each_once() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let expected = Parameter {
        name: "/web/production/timeout".to_owned(),
        value: "30".to_owned(),
    };
    assert_eq!(spec.configuration.parameters, [expected]);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let file = |items: &str| messages(&format!("configuration: {{parameters: [{items}]}}\n"));
    assert_eq!(
        file("{name: /a, value: x}, {name: /a, value: y}"),
        ["4:59 the parameter `/a` is given twice"]
    );
    for name in ["a/b", "/", "/a//b", "/a b", "/aws/x", "/SSM", "/a/"] {
        let found = file(&format!("{{name: \"{name}\", value: x}}"));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
    }
    let found = file("{name: /a, value: \"{{b}}\"}");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_file_sets_variables_and_refers_to_secrets() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let container = spec.configuration.container;
    let pairs = |of: &std::collections::BTreeMap<String, String>| {
        let pairs = of.iter();
        pairs.map(|(name, to)| format!("{name}={to}")).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&container.environment), ["LOG_LEVEL=debug", "PORT=8080"]);
    let password = "arn:aws:secretsmanager:us-east-1:123456789012:secret:web/db-a1b2c3:password::";
    assert_eq!(
        pairs(&container.secrets),
        [
            "API_KEY=/web/production/api-key".to_owned(),
            format!("DB_PASSWORD={password}")
        ]
    );
    let file = |text: &str| messages(&format!("configuration: {{{text}}}\n"));
    assert_eq!(
        file("environment: {A: x}, secrets: {A: /a}"),
        ["4:48 the variable `A` is given twice"]
    );
    assert_eq!(
        file("environment: {1A: x}"),
        [
            "4:31 `configuration.environment` takes the name of an environment variable such as LOG_LEVEL, \
             not `1A`"
        ]
    );
    assert_eq!(
        file("environment: {A: [x]}"),
        ["4:34 `configuration.environment.A` takes the value of an environment variable, not a list"]
    );
    assert_eq!(file("environment: {A: }").len(), 1);
    assert_eq!(file("environment: [A]").len(), 1);
}

#[test]
fn a_file_sets_flags_with_their_attributes() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let flags = spec.configuration.flags.clone().unwrap();
    assert_eq!(flags.timeout_seconds, 3600);
    assert_eq!(flags.work.title(), "web/production/flags");
    assert_eq!(
        flags.work.told(),
        "banner on with colour \"5\" and fast true and limit 5, new-checkout off"
    );
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let file = |set: &str| {
        messages(&format!(
            "configuration: {{flags: {{application: a, environment: b, profile: c, set: {set}}}}}\n"
        ))
    };
    assert_eq!(
        file("{a: maybe}"),
        ["4:78 `configuration.flags.set.a` takes `on` or `off`"]
    );
    assert_eq!(
        file("{a: {enabled: maybe}}"),
        ["4:88 `enabled` of the flag `a` takes `on` or `off`"]
    );
    assert_eq!(
        file("{}"),
        ["4:69 `configuration.flags.set` has 0 names; it takes at least 1"]
    );
    assert_eq!(file("{a: {limit: [5]}}").len(), 1);
    assert_eq!(file("{a: {limit: }}").len(), 1);
    assert_eq!(file("{a: {}}").len(), 1);
    assert_eq!(file("{A: on}").len(), 1);
    assert_eq!(file("{a: {Limit: 5}}").len(), 1);
    let gate = "gates:\n  - before: configure\n    approvals: [{role: product}]\n";
    let flags = "configuration: {flags: {application: a, environment: b, profile: c, set: {a: on}}}\n";
    let accepted = accept(&target("rolling", &format!("{gate}{flags}"))).spec;
    let flags = accepted.configuration.flags.unwrap();
    assert_eq!(flags.work.strategy, "AppConfig.AllAtOnce");
}

#[test]
fn a_secret_is_referred_to_and_never_written_out_nor_told() {
    for literal in [
        "hunter2-hunter2",
        "AKIAIOSFODNN7EXAMPLE",
        "arn:aws:s3:::bucket",
        "arn:aws:ssm:us-east-1:123456789012:document/x",
        "arn:aws:secretsmanager:us-east-1:12:secret:x",
        "/a b",
        "/",
    ] {
        let text = format!("configuration: {{secrets: {{A: \"{literal}\"}}}}\n");
        let found = messages(&text);
        assert_eq!(
            found,
            ["4:30 `configuration.secrets.A` takes where a secret is kept, and never the secret itself"]
        );
    }
    let warned = |value: &str| {
        let text = format!("configuration: {{environment: {{DB_PASSWORD: \"{value}\"}}}}\n");
        let warnings = accept(&target("rolling", &text)).warnings;
        assert!(warnings.iter().all(|one| !one.message.contains(value)));
        warnings.iter().any(|one| one.code == ProblemCode::LooksSecret)
    };
    assert!(warned("correct horse"));
    assert!(!warned("/run/secrets/db"));
}

#[test]
fn a_gate_before_configure_needs_something_that_it_sets() {
    let gate = "gates:\n  - before: configure\n    approvals: [{role: product}]\n";
    let without = messages(&format!("{gate}configuration: {{}}\n"));
    assert_eq!(without.len(), 1, "{without:?}");
    accept(&target("rolling", &format!("{gate}{CHANGES}")));
}

#[test]
fn a_value_that_looks_like_a_secret_is_warned_about_without_saying_it() {
    let warned = |name: &str, value: &str| {
        let text = format!("configuration: {{parameters: [{{name: {name}, value: \"{value}\"}}]}}\n");
        let warnings = accept(&target("rolling", &text)).warnings;
        assert!(warnings.iter().all(|one| !one.message.contains(value)));
        warnings.iter().any(|one| one.code == ProblemCode::LooksSecret)
    };
    assert!(warned("/web/db-password", "correct horse"));
    assert!(warned("/web/apikey", "0123456789abcdef"));
    assert!(warned("/web/key", "AKIAIOSFODNN7EXAMPLE"));
    assert!(warned("/web/database", "postgres://web:hunter2@db/web"));
    assert!(!warned("/web/database", "postgres://web@db/web"));
    assert!(!warned("/web/token-seconds", "3600"));
    assert!(!warned("/web/token-url", "https://login.example.com/token"));
    assert!(!warned("/web/timeout", "30"));
}

#[test]
fn a_migration_says_how_it_is_made_checked_and_taken_back() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let expected = Migration {
        stage: MigrationStage::Expand,
        name: "add-email".to_owned(),
        work: MigrationWork::Command {
            command: words("bin/migrate up add-email"),
            verify: Some(words("bin/migrate check")),
            down: Some(words("bin/migrate down add-email")),
        },
        undo: Undo::Revertible,
        timeout_seconds: 300,
        silent: true,
    };
    assert_eq!(spec.migrations[..1], [expected]);
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
}

#[test]
fn how_a_migration_is_undone_follows_from_whether_it_has_a_way_down() {
    let undo = |rest: &str| {
        let text = format!("migrations: [{{name: a, command: [up]{rest}}}]\n");
        accept(&target("rolling", &text)).spec.migrations[0].undo
    };
    assert_eq!(undo(""), Undo::ForwardOnly);
    assert_eq!(undo(", down: [back]"), Undo::Revertible);
    assert_eq!(undo(", undo: needs-restore"), Undo::NeedsRestore);
    assert_eq!(undo(", undo: forward-only"), Undo::ForwardOnly);
}

#[test]
fn a_migration_does_not_contradict_itself() {
    let one = |rest: &str| messages(&format!("migrations: [{{name: a, command: [up]{rest}}}]\n"));
    assert_eq!(
        one(", undo: revertible"),
        ["4:45 a revertible migration needs a `down` command"]
    );
    assert_eq!(
        one(", down: [back], undo: forward-only"),
        ["4:45 `down` is never run for a migration that is forward-only"]
    );
    let twice = "migrations: [{name: a, command: [up]}, {name: a, command: [up]}]\n";
    assert_eq!(messages(twice), ["4:47 the migration `a` is given twice"]);
}

#[test]
fn a_gate_stands_only_before_a_phase_that_has_work() {
    let gate = "gates:\n  - before: migrate\n    approvals: [{role: product}]\n";
    assert_eq!(
        messages(gate),
        ["5:3 a gate before `migrate` is never asked: the file has no `migrations`"]
    );
    let spec = accept(&target("rolling", &format!("{gate}{CHANGES}"))).spec;
    assert_eq!(spec.gates[0].before, GatePhase::Migrate);
}

#[test]
fn a_file_says_what_a_person_shall_have_made() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let infrastructure = spec.infrastructure.clone().unwrap();
    assert_eq!(infrastructure.timeout_seconds, 4 * 3600);
    let described: Vec<String> = infrastructure.verify.iter().map(Expected::describe).collect();
    assert_eq!(
        described,
        [
            "ecsService web-blue with desiredCount 4, launchType FARGATE, subnets subnet-1 + subnet-2, \
             securityGroups sg-1, publicIp false",
            "targetGroup web-blue with protocol HTTP, port 8080, targetType ip, healthCheckPath /health, \
             healthCheckInterval 10 s",
            "dynamodbTable orders with billingMode PAY_PER_REQUEST, pointInTimeRecovery true, \
             deletionProtection true, indexes by-customer, encryption KMS, \
             kmsKey arn:aws:kms:eu-west-1:123456789012:key/1a2b",
            "ecrRepository web with scanOnPush true, immutableTags true",
            "alarm web-errors with metric HTTPCode_Target_5XX_Count, namespace AWS/ApplicationELB, \
             threshold 0.5, comparison GreaterThanThreshold, period 60 s, evaluationPeriods 3",
            "database web-db with deletionProtection true, kmsKey arn:aws:kms:eu-west-1:123456789012:key/1a2b, \
             status available, instanceClass db.r6g.large, engine postgres, engineVersion 16, encrypted true, \
             publiclyAccessible false, multiAz true, backupRetention 7 d",
            "databaseCluster web-cluster with deletionProtection true, \
             kmsKey arn:aws:kms:eu-west-1:123456789012:key/1a2b, status available, engine aurora-postgresql, \
             engineVersion 16.10, encrypted true, publiclyAccessible false, multiAz true, \
             backupRetention 1 d 12 h",
        ]
    );
    assert_eq!(infrastructure.verify[0].cluster.as_deref(), Some("shop"));
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
}

#[test]
fn a_file_says_what_a_stack_shall_be_and_who_agrees_to_what_is_lost() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let infrastructure = spec.infrastructure.clone().unwrap();
    let stack = infrastructure.stack.unwrap();
    assert_eq!(
        (stack.work.name.as_str(), stack.timeout_seconds),
        ("shop-network", 1800)
    );
    assert_eq!(stack.work.parameters["Size"], "3");
    assert!(stack.work.capabilities.contains("CAPABILITY_IAM") && stack.work.drift);
    let consent = infrastructure.consent.unwrap();
    assert_eq!(
        (consent.approvals[0].count, consent.expires_seconds),
        (2, 4 * 3600)
    );
    assert_eq!(infrastructure.threshold, Some(10));
}

#[test]
fn a_file_says_what_terraform_is_planned_with() {
    let spec = accept(&target("rolling", CHANGES)).spec;
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let terraform = spec.infrastructure.unwrap().terraform.unwrap();
    assert_eq!(terraform.timeout_seconds, 1200);
    let work = terraform.work;
    assert_eq!(
        (work.task_definition.as_str(), work.container.as_deref()),
        ("web-production-terraform", Some("terraform"))
    );
    assert_eq!(
        work.place(&"web-1".parse().unwrap()),
        "s3://shop-plans/tidegate/web/web-1"
    );
    assert_eq!(work.variables["replicas"], "3");
    assert_eq!(work.variables_for("web@sha256:00")["image"], "web@sha256:00");

    let of =
        |more: &str| format!("infrastructure: {{terraform: {{taskDefinition: a, bucket: abc{more}}}}}\n");
    let least = accept(&target("rolling", &of(""))).spec;
    let least = least.infrastructure.unwrap().terraform.unwrap();
    assert_eq!(
        (least.work.prefix.as_str(), least.timeout_seconds),
        ("tidegate", 3600)
    );
    assert!(work.generated && !least.work.generated);
    let nothing = messages(&of(", generatedVariables: true"));
    assert!(nothing[0].ends_with("nothing generates variables: there is no `analyzer`"));
    let twice = of(", imageVariable: image, variables: {image: b}");
    assert!(messages(&twice)[0].ends_with("the variable `image` is given twice"));
    let long: Vec<String> = (0..9).map(|at| format!("v{at}: {}", "x".repeat(900))).collect();
    let long = of(&format!(", variables: {{{}}}", long.join(", ")));
    assert!(messages(&long)[0].contains("longer than what ECS can give to a task"));
    let secret = accept(&target(
        "rolling",
        &of(", variables: {password: hunter2-hunter2}"),
    ));
    assert!(
        secret
            .warnings
            .iter()
            .any(|one| one.message.contains("looks like a secret"))
    );
}

#[test]
fn infrastructure_does_something_and_somebody_may_agree_to_it() {
    let warned = |extra: &str| {
        let accepted = accept(&target("rolling", extra));
        let warnings = accepted.warnings.iter();
        warnings.map(|one| one.message.clone()).collect::<Vec<_>>()
    };
    let stack = "infrastructure:\n  stack: {name: shop, template: 'https://bucket/shop'}\n";
    assert_eq!(
        warned(stack),
        ["nobody may agree to what would be replaced or deleted: such an update stops the deployment"]
    );
    let gate = "gates: [{before: infrastructure, approvals: [{role: product}]}]\n";
    for asked in ["  approvals: [{role: devops-lead}]\n", gate] {
        assert_eq!(warned(&format!("{stack}{asked}")), [""; 0]);
    }
    let looks = "infrastructure:\n  threshold: 3\n  verify: [{alarm: {name: a}}]\n";
    assert_eq!(
        warned(looks),
        ["`threshold` is about what is updated as code, and nothing is"]
    );
    assert_eq!(
        messages("infrastructure: {timeout: 1h}\n"),
        ["4:1 `infrastructure` says nothing to do"]
    );
    let twice = "infrastructure: {stack: {name: a, template: 'https://b/c', parameters: [{name: A, value: b}, \
                 {name: A, value: c}]}}\n";
    assert!(messages(twice)[0].ends_with("the parameter `A` is given twice"));
}

#[test]
fn every_setting_of_every_kind_is_a_key_of_the_file() {
    let mut of_kind: Vec<(String, &str)> = Vec::new();
    table::TARGET.walk("", &mut |path, key| {
        if let Some(kind) = path.strip_prefix("infrastructure.verify[].") {
            of_kind.push((kind.to_owned(), key.name));
        }
    });
    let settings = ResourceKind::ALL.into_iter().flat_map(|kind| {
        let names = kind.settings().iter().map(|setting| setting.as_str());
        names.map(move |name| (kind.as_str().to_owned(), name))
    });
    let settings: Vec<_> = settings.collect();
    of_kind.retain(|(kind, key)| *key != "name" && (kind != "ecsService" || *key != "cluster"));
    assert_eq!(settings, of_kind);
}

#[test]
fn a_resource_is_of_one_known_kind_with_settings_of_its_own() {
    let one = |resource: &str| {
        let text = format!("infrastructure: {{verify: [{resource}]}}\n");
        let errors = errors(&target("rolling", &text));
        let problems = errors.problems().iter();
        problems
            .map(|one| format!("{}; {}", one.message, one.help.as_deref().unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        one("{dynamoTable: {name: orders}}")[0],
        "`dynamoTable` is not a key in `infrastructure.verify[0]`; did you mean `dynamodbTable`?"
    );
    assert_eq!(
        one("{dynamodbTable: {name: orders, pointInTimeRecover: true}}"),
        [
            "`pointInTimeRecover` is not a key in `infrastructure.verify[0].dynamodbTable`; did you mean \
          `pointInTimeRecovery`?"
        ]
    );
    assert_eq!(
        one("{alarm: {name: a}, ecrRepository: {name: web}}"),
        [
            "a resource is of one kind; begin an item of its own for each resource (one of ecsService, \
          targetGroup, dynamodbTable, ecrRepository, alarm, database, databaseCluster)"
        ]
    );
    assert_eq!(
        one("{alarm: {name: a}}, {alarm: {name: a, threshold: 1}}"),
        ["the alarm a is given twice; keep one of the two"]
    );
}

#[test]
fn an_ecs_service_is_looked_for_in_the_files_cluster() {
    let text = "infrastructure: {verify: [{ecsService: {name: web, desiredCount: 2}}]}\n";
    let spec = accept(&target("rolling", text)).spec;
    let expected = &spec.infrastructure.unwrap().verify[0];
    assert_eq!(expected.cluster.as_deref(), Some(spec.environment.as_str()));
    assert_eq!(
        expected.settings[&Setting::DesiredCount]
            .iter()
            .collect::<Vec<_>>(),
        ["2"]
    );
}

#[test]
fn autoscaling_is_left_alone_unless_the_file_says_otherwise() {
    let planned = |extra: &str| {
        let spec = accept(&target("rolling", extra)).spec;
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
        (json.contains("prepare"), spec.prepare.suspend_autoscaling)
    };
    assert_eq!(planned(""), (false, false));
    assert_eq!(planned("prepare: {suspendAutoscaling: false}\n"), (false, false));
    assert_eq!(planned("prepare: {suspendAutoscaling: true}\n"), (true, true));
}

#[test]
fn a_backup_is_of_one_table_or_one_database() {
    let one = |items: &str| messages(&format!("prepare: {{backups: [{items}]}}\n"));
    assert_eq!(
        one("{timeout: 5m}"),
        ["4:22 a backup needs a `table`, a `database` or a `cluster`"]
    );
    assert_eq!(
        one("{database: orders, cluster: orders}"),
        ["4:40 a backup is of one thing"]
    );
    assert_eq!(
        one("{table: orders, database: orders}"),
        ["4:37 a backup is of one thing"]
    );
    assert_eq!(
        one("{table: orders}, {database: orders}, {table: orders}"),
        ["4:66 the table orders is given twice"]
    );
    assert_eq!(one("{database: Web_DB}").len(), 1);
    let spec = accept(&target("rolling", CHANGES)).spec;
    let backups: Vec<_> = spec.prepare.backups.iter().collect();
    assert_eq!(
        backups.iter().map(|one| one.source.title()).collect::<Vec<_>>(),
        ["table orders", "database web-db", "cluster web-cluster"]
    );
    assert_eq!(
        backups.iter().map(|one| one.timeout_seconds).collect::<Vec<_>>(),
        [1800, 3600, 7200]
    );
}

#[test]
fn what_only_a_backup_brings_back_warns_where_none_is_taken() {
    let warned = |prepare: &str| {
        let text = format!("{prepare}migrations: [{{name: a, command: [up], undo: needs-restore}}]\n");
        let warnings = accept(&target("rolling", &text)).warnings;
        warnings
            .into_iter()
            .map(|one| (one.code, one.message))
            .collect::<Vec<_>>()
    };
    let message = "only a backup brings back what `a` changes, and none is taken".to_owned();
    assert_eq!(warned(""), [(ProblemCode::NoBackup, message)]);
    assert_eq!(warned("prepare: {backups: [{table: orders}]}\n"), []);
}

#[test]
fn a_value_is_a_setting_by_its_length_its_kind_or_its_beginning() {
    use crate::spec::looks_secret;
    for setting in [
        "1234567",
        "12345678.5",
        "/run/secrets/a",
        "arn:aws:ssm:a",
        "https://a.example",
    ] {
        assert!(!looks_secret("DB_PASSWORD", setting), "{setting}");
    }
    assert!(looks_secret("DB_PASSWORD", "1234567x"));
    assert!(!looks_secret("LEVEL", "1234567x"));
    for key in [
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        assert!(looks_secret("LEVEL", key), "{key}");
    }
}

#[test]
fn where_a_secret_is_kept_is_named_whole() {
    let reads = |place: &str| {
        let text = format!("configuration: {{secrets: {{A: \"{place}\"}}}}\n");
        parse("deploy.yaml", &target("rolling", &text)).is_ok()
    };
    let arn = |partition: &str, region: &str, account: &str, resource: &str| {
        format!("arn:{partition}:secretsmanager:{region}:{account}:{resource}")
    };
    assert!(reads(&arn(
        "aws",
        "us-east-1",
        "123456789012",
        "secret:web/db-a1b2c3"
    )));
    assert!(reads(&arn("aws-cn", "cn-north-1", "123456789012", "secret:a")));
    for wrong in [
        arn("gcp", "us-east-1", "123456789012", "secret:a"),
        arn("aws", "", "123456789012", "secret:a"),
        arn("aws", "us east", "123456789012", "secret:a"),
        arn("aws", "us-east-1", "12345678901", "secret:a"),
        arn("aws", "us-east-1", "12345678901x", "secret:a"),
        arn("aws", "us-east-1", "123456789012", "secret:"),
        arn("aws", "us-east-1", "123456789012", "parameter/a"),
        arn("aws", "us-east-1", "123456789012", "secret:a b"),
        arn(
            "aws",
            "us-east-1",
            "123456789012",
            &format!("secret:{}", "a".repeat(2048)),
        ),
    ] {
        assert!(!reads(&wrong), "{wrong}");
    }
}

#[test]
fn a_section_that_is_absent_is_not_stored() {
    let keys = |text: &str| -> Vec<String> {
        let json = serde_json::to_value(accept(&target("rolling", text)).spec).unwrap();
        json.as_object().unwrap().keys().cloned().collect()
    };
    let (without, with) = (keys(""), keys(CHANGES));
    for name in ["validate", "configuration", "migrations", "infrastructure"] {
        assert!(!without.iter().any(|key| key == name), "{without:?}");
        assert!(with.iter().any(|key| key == name), "{with:?}");
    }
    let container = |text: &str| {
        let json = serde_json::to_value(accept(&target("rolling", text)).spec).unwrap();
        json["configuration"].get("container").is_some()
    };
    assert!(!container(
        "configuration: {parameters: [{name: /a, value: \"1\"}]}\n"
    ));
    assert!(container("configuration: {environment: {A: \"1\"}}\n"));
    assert!(container("configuration: {secrets: {A: /a}}\n"));
}

#[test]
fn a_watch_that_outlasts_the_old_revision_is_warned_of_where_it_is_to_take_back() {
    let warned = |watch: &str, window: &str| {
        let text = format!("watch: {{for: 2h, onAlarm: {watch}}}\nautoRollback: {{window: {window}}}\n");
        let warnings = accept(&target(
            "canary",
            &format!("{text}canary: {{steps: [{{weight: 100}}]}}\n"),
        ))
        .warnings;
        warnings
            .iter()
            .any(|one| one.message.starts_with("an alarm later than"))
    };
    assert!(warned("rollback", "1h"));
    assert!(!warned("rollback", "2h"));
    assert!(!warned("rollback", "3h"));
    assert!(!warned("tell", "1h"));
}

#[test]
fn a_topic_that_no_alarm_tells_is_warned_of() {
    let warned = |rest: &str| {
        let text = format!("canary: {{steps: [{{weight: 100}}]}}\nmonitoring: {{{rest}}}\n");
        let warnings = accept(&target("canary", &text)).warnings;
        warnings
            .iter()
            .any(|one| one.message.starts_with("no alarm tells this topic"))
    };
    let topic = "topic: \"arn:aws:sns:us-east-1:123456789012:page\"";
    let alarms = "alarms: [{name: errors, when: error_rate > 1%}]";
    assert!(warned(topic));
    assert!(!warned(&format!("{topic}, {alarms}")));
    assert!(!warned(alarms) && !warned("logRetention: 30d"));
}

#[test]
fn what_a_deployment_may_cost_is_part_of_its_file() {
    use crate::cost::Money;
    use crate::spec::OnExcess;
    let spec = accept(&target("rolling", CHANGES)).spec;
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&json).unwrap(), spec);
    let cost = spec.cost.unwrap();
    assert_eq!(
        (cost.max_increase_percent, cost.max_monthly),
        (Some(20), Some(Money::micros(499_990_000)))
    );
    assert_eq!(cost.prices.unwrap().gb_hour, Money::micros(3_560));
    assert_eq!(
        (cost.on_excess, cost.consent.unwrap().expires_seconds),
        (OnExcess::Rollback, 14_400)
    );
    assert_eq!(cost.explorer.unwrap().tag_value, "web");
    let bare = accept(&target("rolling", "cost: {maxMonthly: 500}\n"))
        .spec
        .cost
        .unwrap();
    assert_eq!(
        (bare.on_excess, bare.consent, bare.prices),
        (OnExcess::Tell, None, None)
    );
    assert_eq!(
        messages("cost: {explorer: {tag: {key: a, value: b}}}\n"),
        ["4:8 `explorer` is asked at the end of the watch, and there is none"]
    );
    assert_eq!(messages("cost: {maxIncrease: 20}\n").len(), 1);
    let idle = accept(&target(
        "rolling",
        "cost: {approvals: [{role: cfo}], onExcess: rollback}\n",
    ));
    let warnings: Vec<&str> = idle
        .warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(
        warnings,
        [
            "`approvals` has no effect without a limit that the cost could be beyond",
            "`onExcess` has no effect without a limit that the cost could be beyond"
        ]
    );
}
