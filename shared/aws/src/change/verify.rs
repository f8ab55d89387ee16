//! Resources that a person makes: read call by call, and held against what is expected of them.

mod databases;

use std::collections::BTreeSet;

use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm};
use aws_sdk_dynamodb::types::{
    BillingMode, ContinuousBackupsDescription, IndexStatus, PointInTimeRecoveryStatus, SseStatus,
    TableDescription,
};
use aws_sdk_ecr::types::{ImageTagMutability, Repository};
use aws_sdk_ecs::types::{AssignPublicIp, Service};
use aws_sdk_elasticloadbalancingv2::types::TargetGroup;
use tidegate_core::change::{Expected, Progress, ResourceKind, Seen, Setting, Settings};

use crate::error::{AwsError, Kind};
use crate::observe::services::describe_services;
use crate::on_demand::OnDemand;

/// Whom to ask about each kind of resource.
#[derive(Debug)]
pub struct Clients {
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// ECR.
    pub ecr: aws_sdk_ecr::Client,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// Elastic Load Balancing.
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    /// RDS, which few files ask about.
    pub rds: OnDemand<aws_sdk_rds::Client>,
}

/// How the resources stand, with everything that differs.
///
/// # Errors
/// Where AWS can't be asked.
pub async fn observe(clients: &Clients, expected: &[Expected]) -> Result<Seen, AwsError> {
    let mut differences = Vec::new();
    for one in expected {
        let found = read(clients, one).await?;
        differences.extend(one.differences(found.as_ref()));
    }
    Ok(Seen {
        before: None,
        made: progress(expected.len(), &differences),
        undone: Progress::NotBegun,
    })
}

fn progress(resources: usize, differences: &[String]) -> Progress {
    match differences {
        [] => Progress::done(match resources {
            1 => "the one resource is as the file says".to_owned(),
            _ => format!("all {resources} resources are as the file says"),
        }),
        several => Progress::running(several.join("; ")),
    }
}

/// The settings of a resource as they are; nothing where it does not exist.
async fn read(clients: &Clients, expected: &Expected) -> Result<Option<Settings>, AwsError> {
    let what = format!("failed to look at {}", expected.title());
    match expected.kind {
        ResourceKind::EcsService => {
            let cluster = expected.cluster.as_deref().unwrap_or("default");
            let names = [expected.name.clone()];
            let found = describe_services(&clients.ecs, cluster, &names).await?;
            let found = found.unwrap_or_default();
            Ok(found.first().map(of_service))
        }
        ResourceKind::TargetGroup => {
            let call = clients.elb.describe_target_groups().names(&expected.name);
            let answer = found(call.send().await.map_err(|error| AwsError::sdk(what, error)))?;
            Ok(answer.and_then(|answer| Some(of_target_group(answer.target_groups().first()?))))
        }
        ResourceKind::DynamodbTable => read_table(&clients.dynamodb, &expected.name, &what).await,
        ResourceKind::EcrRepository => {
            let call = clients
                .ecr
                .describe_repositories()
                .repository_names(&expected.name);
            let answer = found(call.send().await.map_err(|error| AwsError::sdk(what, error)))?;
            Ok(answer.and_then(|answer| Some(of_repository(answer.repositories().first()?))))
        }
        ResourceKind::Alarm => {
            let call = clients
                .cloudwatch
                .describe_alarms()
                .alarm_names(&expected.name)
                .alarm_types(AlarmType::MetricAlarm);
            let answer = call.send().await.map_err(|error| AwsError::sdk(what, error))?;
            Ok(answer.metric_alarms().first().map(of_alarm))
        }
        ResourceKind::Database => databases::instance(clients.rds.get(), &expected.name, what).await,
        ResourceKind::DatabaseCluster => databases::cluster(clients.rds.get(), expected, what).await,
    }
}

async fn read_table(
    dynamodb: &aws_sdk_dynamodb::Client,
    name: &str,
    what: &str,
) -> Result<Option<Settings>, AwsError> {
    let call = dynamodb.describe_table().table_name(name).send().await;
    let Some(answer) = found(call.map_err(|error| AwsError::sdk(what, error)))? else {
        return Ok(None);
    };
    let call = dynamodb
        .describe_continuous_backups()
        .table_name(name)
        .send()
        .await;
    let Some(backups) = found(call.map_err(|error| AwsError::sdk(what, error)))? else {
        return Ok(None);
    };
    let table = answer.table();
    Ok(table.map(|table| of_table(table, backups.continuous_backups_description())))
}

/// What does not exist is no error here, but what a person has to make.
fn found<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.kind {
            Kind::NotFound => Ok(None),
            Kind::Throttled
            | Kind::Transient
            | Kind::Denied
            | Kind::Invalid
            | Kind::Conflict
            | Kind::Other => Err(error),
        },
    }
}

fn one(value: impl ToString) -> BTreeSet<String> {
    BTreeSet::from([value.to_string()])
}

fn maybe(value: Option<impl ToString>) -> BTreeSet<String> {
    value.into_iter().map(|value| value.to_string()).collect()
}

fn of_service(service: &Service) -> Settings {
    let network = service
        .network_configuration()
        .and_then(|network| network.awsvpc_configuration());
    let texts = |texts: &[String]| texts.iter().cloned().collect();
    Settings::from([
        (Setting::DesiredCount, one(service.desired_count())),
        (
            Setting::LaunchType,
            maybe(service.launch_type().map(|one| one.as_str())),
        ),
        (
            Setting::Subnets,
            texts(network.map_or(&[], |network| network.subnets())),
        ),
        (
            Setting::SecurityGroups,
            texts(network.map_or(&[], |network| network.security_groups())),
        ),
        (
            Setting::PublicIp,
            maybe(network.map(|network| network.assign_public_ip() == Some(&AssignPublicIp::Enabled))),
        ),
    ])
}

fn of_target_group(group: &TargetGroup) -> Settings {
    Settings::from([
        (Setting::Protocol, maybe(group.protocol().map(|one| one.as_str()))),
        (Setting::Port, maybe(group.port())),
        (
            Setting::TargetType,
            maybe(group.target_type().map(|one| one.as_str())),
        ),
        (Setting::HealthCheckPath, maybe(group.health_check_path())),
        (
            Setting::HealthCheckInterval,
            maybe(group.health_check_interval_seconds()),
        ),
    ])
}

fn of_table(table: &TableDescription, backups: Option<&ContinuousBackupsDescription>) -> Settings {
    // A table that was never on demand has no summary.
    let billing = table.billing_mode_summary().and_then(|one| one.billing_mode());
    let indexes = table.global_secondary_indexes().iter();
    let active = indexes.filter(|index| index.index_status() == Some(&IndexStatus::Active));
    // Local indexes are made with the table, and so have no status.
    let local = table.local_secondary_indexes().iter();
    let names = active
        .map(|index| index.index_name())
        .chain(local.map(|index| index.index_name()));
    let recovery = backups
        .and_then(|backups| backups.point_in_time_recovery_description())
        .and_then(|recovery| recovery.point_in_time_recovery_status());
    Settings::from([
        (
            Setting::BillingMode,
            one(billing.unwrap_or(&BillingMode::Provisioned).as_str()),
        ),
        (
            Setting::PointInTimeRecovery,
            one(recovery == Some(&PointInTimeRecoveryStatus::Enabled)),
        ),
        (
            Setting::DeletionProtection,
            one(table.deletion_protection_enabled() == Some(true)),
        ),
        (Setting::Encryption, one(encryption(table))),
        (
            Setting::KmsKey,
            maybe(table.sse_description().and_then(|sse| sse.kms_master_key_arn())),
        ),
        (Setting::Indexes, names.flatten().map(str::to_owned).collect()),
    ])
}

/// A table is always encrypted; one with DynamoDB's own key has no description of that (Amazon DynamoDB API
/// Reference, `SSESpecification`).
fn encryption(table: &TableDescription) -> &str {
    match table.sse_description().and_then(|sse| sse.status()) {
        None | Some(SseStatus::Disabled) => "DEFAULT",
        Some(SseStatus::Enabled) => "KMS",
        // It is on its way from one to the other.
        Some(other) => other.as_str(),
    }
}

fn of_repository(repository: &Repository) -> Settings {
    let scan = repository
        .image_scanning_configuration()
        .is_some_and(|scanning| scanning.scan_on_push());
    // With exclusions some tags can still be moved.
    let immutable = repository.image_tag_mutability() == Some(&ImageTagMutability::Immutable);
    Settings::from([
        (Setting::ScanOnPush, one(scan)),
        (Setting::ImmutableTags, one(immutable)),
    ])
}

fn of_alarm(alarm: &MetricAlarm) -> Settings {
    Settings::from([
        (Setting::Metric, maybe(alarm.metric_name())),
        (Setting::Namespace, maybe(alarm.namespace())),
        (Setting::Threshold, maybe(alarm.threshold())),
        (
            Setting::Comparison,
            maybe(alarm.comparison_operator().map(|one| one.as_str())),
        ),
        (Setting::Period, maybe(alarm.period())),
        (Setting::EvaluationPeriods, maybe(alarm.evaluation_periods())),
    ])
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::{
        BillingModeSummary, GlobalSecondaryIndexDescription, LocalSecondaryIndexDescription, SseDescription,
    };
    use aws_sdk_rds::types::{DbCluster, DbInstance};

    use super::*;

    fn texts(settings: &Settings, setting: Setting) -> Vec<&str> {
        settings
            .get(&setting)
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn every_setting_that_a_file_can_ask_for_is_read() {
        let service = Service::builder().build();
        let table = TableDescription::builder().build();
        for kind in ResourceKind::ALL {
            let read = match kind {
                ResourceKind::EcsService => of_service(&service),
                ResourceKind::TargetGroup => of_target_group(&TargetGroup::builder().build()),
                ResourceKind::DynamodbTable => of_table(&table, None),
                ResourceKind::EcrRepository => of_repository(&Repository::builder().build()),
                ResourceKind::Alarm => of_alarm(&MetricAlarm::builder().build()),
                ResourceKind::Database => databases::of_instance(&DbInstance::builder().build()),
                ResourceKind::DatabaseCluster => databases::of_cluster(&DbCluster::builder().build(), None),
            };
            let wanted: BTreeSet<Setting> = kind.settings().iter().copied().collect();
            assert_eq!(read.keys().copied().collect::<BTreeSet<_>>(), wanted, "{kind:?}");
        }
    }

    #[test]
    fn an_index_that_is_being_built_is_not_there_yet() {
        let index = |name: &str, status| {
            GlobalSecondaryIndexDescription::builder()
                .index_name(name)
                .index_status(status)
                .build()
        };
        let table = TableDescription::builder()
            .global_secondary_indexes(index("by-day", IndexStatus::Active))
            .global_secondary_indexes(index("by-customer", IndexStatus::Creating))
            .local_secondary_indexes(
                LocalSecondaryIndexDescription::builder()
                    .index_name("by-size")
                    .build(),
            )
            .build();
        let read = of_table(&table, None);
        assert_eq!(texts(&read, Setting::Indexes), ["by-day", "by-size"]);
    }

    #[test]
    fn a_table_without_a_billing_summary_is_provisioned() {
        let billing = |summary: Option<BillingModeSummary>| {
            let table = TableDescription::builder()
                .set_billing_mode_summary(summary)
                .build();
            of_table(&table, None)
        };
        assert_eq!(texts(&billing(None), Setting::BillingMode), ["PROVISIONED"]);
        let on_demand = BillingModeSummary::builder()
            .billing_mode(BillingMode::PayPerRequest)
            .build();
        assert_eq!(
            texts(&billing(Some(on_demand)), Setting::BillingMode),
            ["PAY_PER_REQUEST"]
        );
    }

    #[test]
    fn a_table_without_a_key_of_kms_has_dynamodbs_own() {
        let read = |status: Option<SseStatus>| {
            let sse = status.map(|status| {
                SseDescription::builder()
                    .status(status)
                    .kms_master_key_arn("arn:key")
                    .build()
            });
            of_table(
                &TableDescription::builder().set_sse_description(sse).build(),
                None,
            )
        };
        assert_eq!(texts(&read(None), Setting::Encryption), ["DEFAULT"]);
        assert_eq!(texts(&read(None), Setting::KmsKey), [""; 0]);
        let own = read(Some(SseStatus::Enabled));
        assert_eq!(texts(&own, Setting::Encryption), ["KMS"]);
        assert_eq!(texts(&own, Setting::KmsKey), ["arn:key"]);
        let changing = read(Some(SseStatus::Updating));
        assert_eq!(texts(&changing, Setting::Encryption), ["UPDATING"]);
    }

    #[test]
    fn tags_with_exclusions_are_not_immutable() {
        let repository = |tags| Repository::builder().image_tag_mutability(tags).build();
        let immutable = |tags| of_repository(&repository(tags))[&Setting::ImmutableTags].clone();
        assert_eq!(immutable(ImageTagMutability::Immutable), one(true));
        assert_eq!(immutable(ImageTagMutability::ImmutableWithExclusion), one(false));
        assert_eq!(immutable(ImageTagMutability::Mutable), one(false));
    }

    #[test]
    fn thresholds_are_compared_as_numbers_are_written_in_the_file() {
        let alarm = MetricAlarm::builder().threshold(5.0).period(60).build();
        assert_eq!(texts(&of_alarm(&alarm), Setting::Threshold), ["5"]);
        assert_eq!(5.0_f64.to_string(), "5");
    }

    #[test]
    fn what_differs_is_told_all_at_once() {
        let differences = ["a".to_owned(), "b".to_owned()];
        assert_eq!(progress(3, &differences), Progress::running("a; b"));
        assert!(matches!(progress(3, &[]), Progress::Done { detail, .. } if detail.contains("all 3")));
    }
}
