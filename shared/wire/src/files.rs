//! Deployment files with many sections, and what they find on the stage.

use serde_json::json;
use tidegate_local::fleet::{
    Bucket, Fleet, FunctionAnswer, ParameterKind, ServiceTable, Terraform, UserFunction,
};

use crate::strategy::Strategy;

/// A change of every kind that is made and undone.
pub(crate) const CHANGES: &str = "\
environment: production
strategy: bluegreen
replicas: 3
trafficSwitch: {testDuration: 2m}
prepare: {suspendAutoscaling: true}
migrations:
  - {name: add-email, command: [up], down: [down]}
configuration:
  parameters: [{name: /web/production/timeout, value: '30'}]
  flags: {application: web, environment: production, profile: flags, strategy: Quick, set: {banner: off}}
monitoring:
  alarms: [{name: many-errors, when: error_rate > 50%, for: 2m}]
  logRetention: 30d
";

/// What is asked, backed up and built before the candidate is there. Nobody is asked: nothing is lost.
pub(crate) const FOUNDATIONS: &str = "\
environment: production
strategy: bluegreen
replicas: 3
checkPermissions: true
trafficSwitch: {testDuration: 2m}
prepare: {backups: [{table: orders}]}
analyzer: {function: web-analyzer}
infrastructure:
  stack:
    name: shop
    template: https://templates.s3.us-east-1.amazonaws.com/shop/8.json
    parameters: [{name: Retention, value: '14'}]
    drift: true
  terraform:
    taskDefinition: web-production-terraform
    bucket: shop-plans
    imageVariable: image
  approvals: [{role: tech-lead}]
  verify:
    - dynamodbTable: {name: orders, pointInTimeRecovery: true}
cost: {maxIncrease: 50%, maxMonthly: 1000}
";

/// What is looked at once it is there, and afterwards.
pub(crate) const CHECKS: &str = "\
environment: production
strategy: bluegreen
replicas: 3
trafficSwitch: {testDuration: 2m}
postDeploymentTests:
  - {name: checkout, lambda: web-test-checkout, timeout: 20s, retries: 1}
validate:
  http:
    - name: candidate
      url: \"https://${slot}.web.production.example.com/health\"
      when: before-traffic
    - name: version
      url: \"https://web.production.example.com/version\"
      version: {json: /version}
  security: [notPrivileged, noPlainSecrets, noPublicIp]
  performance: {for: 2m, errorRate: 5%, minRequests: 10}
cost: {onExcess: rollback, maxMonthly: 1000}
autoRollback: {window: 10m}
watch: {for: 10m, onAlarm: rollback}
report: {bucket: shop-records}
";

/// A contract, agreed to and made in a deployment of its own ten minutes after the one that planned it.
pub(crate) const CONTRACT: &str = "\
environment: production
strategy: rolling
replicas: 2
autoRollback: {window: 5m}
migrations:
  - {name: drop-mail, stage: contract, after: 10m, command: [up]}
gates: [{before: contract, approvals: [{role: tech-lead}], expires: 1h}]
";

/// Who is asked, where anybody is.
pub(crate) fn people(strategy: Strategy) -> Option<&'static str> {
    (strategy == Strategy::Contract).then_some(r#"{"people": {"maria": {"roles": ["tech-lead"]}}}"#)
}

const FLAGS: &str =
    r#"{"version":"1","flags":{"banner":{"name":"banner"}},"values":{"banner":{"enabled":true}}}"#;

/// What a strategy's file finds there besides the service.
pub(crate) fn furnish(strategy: Strategy, fleet: &mut Fleet) {
    match strategy {
        Strategy::Changes => for_changes(fleet),
        Strategy::Foundations => for_foundations(fleet),
        Strategy::Checks => for_checks(fleet),
        Strategy::Recreate
        | Strategy::Rolling
        | Strategy::BlueGreen
        | Strategy::Canary
        | Strategy::Linear
        | Strategy::Tasks
        | Strategy::Contract
        | Strategy::Shortest => {}
    }
}

/// A parameter with another value, flags, and autoscaling of the slot that serves.
fn for_changes(fleet: &mut Fleet) {
    fleet.set_parameter("/web/production/timeout", "20", ParameterKind::Text);
    fleet.create_flags("web", "production", "flags", FLAGS);
    // Few looks: each of its calls is played with every fault.
    fleet.create_flag_strategy("Quick", 0, 0);
    fleet.register_scalable("production", "web-blue", 3, 12);
}

/// A table, a stack that lacks a queue, a configuration of Terraform that lacks one too, and an analyzer.
fn for_foundations(fleet: &mut Fleet) {
    let table = ServiceTable {
        point_in_time_recovery: true,
        ..ServiceTable::default()
    };
    fleet.service_tables.insert("orders".to_owned(), table);
    let queue = |name: &str| json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": name } });
    let parameters = json!({ "Retention": { "Type": "Number", "Default": "4" } });
    let before = json!({ "Parameters": parameters, "Resources": { "Orders": queue("orders") } });
    let after = json!({ "Parameters": parameters, "Resources": { "Orders": queue("orders"), "Mails": queue("mails") } });
    fleet.set_stack("shop", &before, &[("Retention", "4")]);
    fleet.put_template("https://templates.s3.us-east-1.amazonaws.com/shop/8.json", &after);
    let changes: &[(&str, &[&str])] = &[("aws_sqs_queue.returns", &["create"])];
    fleet.set_terraform(
        "web-production-terraform",
        "shop-plans",
        20,
        Terraform::planning(changes),
    );
    let advice = r#"{"recommendations": [{"severity": "low", "text": "tag the log group"}]}"#;
    let analyzer = UserFunction::answering(vec![FunctionAnswer::Returns(advice.to_owned())]);
    fleet.functions.insert("web-analyzer".to_owned(), analyzer);
}

/// A suite that passes, and a bucket for the report.
fn for_checks(fleet: &mut Fleet) {
    let passes = FunctionAnswer::Returns(r#"{"passed": 3, "failed": 0}"#.to_owned());
    let suite = UserFunction::answering(vec![passes]);
    fleet.functions.insert("web-test-checkout".to_owned(), suite);
    fleet.buckets.insert("shop-records".to_owned(), Bucket::default());
}
