//! Resources that a person makes or changes by hand, and how they shall be. Tidegate only looks:
//! what differs is told until it does not any more.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::messages::text::duration;

/// A resource of AWS and the settings that it shall have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// What it is.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// Name of its ECS cluster, of what is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// What it shall have; other settings may be as they are.
    pub settings: Settings,
}

/// Values by setting, in AWS's own words. Most settings have one value.
pub type Settings = BTreeMap<Setting, BTreeSet<String>>;

/// A kind of resource that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourceKind {
    /// A service of ECS.
    EcsService,
    /// A target group of a load balancer.
    TargetGroup,
    /// A DynamoDB table.
    DynamodbTable,
    /// A repository of ECR.
    EcrRepository,
    /// A metric alarm of CloudWatch.
    Alarm,
    /// A database instance of RDS.
    Database,
    /// A database cluster of RDS: of Aurora, or of several zones.
    DatabaseCluster,
}

/// A setting of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Setting {
    /// Tasks wanted.
    DesiredCount,
    /// `FARGATE`, `EC2` or `EXTERNAL`.
    LaunchType,
    /// All subnets of its tasks.
    Subnets,
    /// All security groups of its tasks.
    SecurityGroups,
    /// Whether its tasks get public addresses.
    PublicIp,
    /// `HTTP`, `HTTPS`, `TCP` and so on.
    Protocol,
    /// The port.
    Port,
    /// `ip`, `instance`, `lambda` or `alb`.
    TargetType,
    /// Path of the health check.
    HealthCheckPath,
    /// Seconds between two health checks.
    HealthCheckInterval,
    /// `PAY_PER_REQUEST` or `PROVISIONED`.
    BillingMode,
    /// Whether the table can be restored to any second of the last days.
    PointInTimeRecovery,
    /// Whether the table can't be deleted.
    DeletionProtection,
    /// Indexes that are there and active; there may be more.
    Indexes,
    /// Whether a pushed image is scanned.
    ScanOnPush,
    /// Whether a tag can't be moved to another image.
    ImmutableTags,
    /// Name of the metric.
    Metric,
    /// Its namespace.
    Namespace,
    /// The threshold.
    Threshold,
    /// How the metric is compared to it.
    Comparison,
    /// Seconds of one period.
    Period,
    /// Periods that are looked at.
    EvaluationPeriods,
    /// Whose key a table is encrypted with: `DEFAULT`, which is DynamoDB's own, or `KMS`.
    Encryption,
    /// ARN of the key of KMS that encrypts it.
    KmsKey,
    /// `available`, or `stopped`.
    Status,
    /// Class of the instance, such as `db.r6g.large`.
    InstanceClass,
    /// The engine, such as `postgres`.
    Engine,
    /// Version of the engine, or the first parts of it.
    EngineVersion,
    /// Whether what it stores is encrypted.
    Encrypted,
    /// Whether it has a public address.
    PubliclyAccessible,
    /// Whether it stands in more than one zone.
    MultiAz,
    /// Seconds that its automated backups are kept, at least.
    BackupRetention,
}

/// How what is there is held against what is expected.
enum Rule {
    /// It is the same.
    Same,
    /// It is the same, in seconds.
    SameSeconds,
    /// It has at least these.
    Among,
    /// It is at least so long.
    AtLeast,
    /// It begins with the same parts: `16` is any 16.4, `16.1` is no 16.10.
    Version,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::EcsService,
        Self::TargetGroup,
        Self::DynamodbTable,
        Self::EcrRepository,
        Self::Alarm,
        Self::Database,
        Self::DatabaseCluster,
    ];

    /// Its name in the deployment file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcsService => "ecsService",
            Self::TargetGroup => "targetGroup",
            Self::DynamodbTable => "dynamodbTable",
            Self::EcrRepository => "ecrRepository",
            Self::Alarm => "alarm",
            Self::Database => "database",
            Self::DatabaseCluster => "databaseCluster",
        }
    }

    /// What can be expected of it.
    pub const fn settings(self) -> &'static [Setting] {
        match self {
            Self::EcsService => &[
                Setting::DesiredCount,
                Setting::LaunchType,
                Setting::Subnets,
                Setting::SecurityGroups,
                Setting::PublicIp,
            ],
            Self::TargetGroup => &[
                Setting::Protocol,
                Setting::Port,
                Setting::TargetType,
                Setting::HealthCheckPath,
                Setting::HealthCheckInterval,
            ],
            Self::DynamodbTable => &[
                Setting::BillingMode,
                Setting::PointInTimeRecovery,
                Setting::DeletionProtection,
                Setting::Encryption,
                Setting::KmsKey,
                Setting::Indexes,
            ],
            Self::EcrRepository => &[Setting::ScanOnPush, Setting::ImmutableTags],
            Self::Alarm => &[
                Setting::Metric,
                Setting::Namespace,
                Setting::Threshold,
                Setting::Comparison,
                Setting::Period,
                Setting::EvaluationPeriods,
            ],
            Self::Database => &[
                Setting::Status,
                Setting::InstanceClass,
                Setting::Engine,
                Setting::EngineVersion,
                Setting::Encrypted,
                Setting::KmsKey,
                Setting::PubliclyAccessible,
                Setting::MultiAz,
                Setting::DeletionProtection,
                Setting::BackupRetention,
            ],
            Self::DatabaseCluster => &[
                Setting::Status,
                Setting::Engine,
                Setting::EngineVersion,
                Setting::Encrypted,
                Setting::KmsKey,
                Setting::PubliclyAccessible,
                Setting::MultiAz,
                Setting::DeletionProtection,
                Setting::BackupRetention,
            ],
        }
    }
}

impl Setting {
    /// Its name in the deployment file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DesiredCount => "desiredCount",
            Self::LaunchType => "launchType",
            Self::Subnets => "subnets",
            Self::SecurityGroups => "securityGroups",
            Self::PublicIp => "publicIp",
            Self::Protocol => "protocol",
            Self::Port => "port",
            Self::TargetType => "targetType",
            Self::HealthCheckPath => "healthCheckPath",
            Self::HealthCheckInterval => "healthCheckInterval",
            Self::BillingMode => "billingMode",
            Self::PointInTimeRecovery => "pointInTimeRecovery",
            Self::DeletionProtection => "deletionProtection",
            Self::Indexes => "indexes",
            Self::ScanOnPush => "scanOnPush",
            Self::ImmutableTags => "immutableTags",
            Self::Metric => "metric",
            Self::Namespace => "namespace",
            Self::Threshold => "threshold",
            Self::Comparison => "comparison",
            Self::Period => "period",
            Self::EvaluationPeriods => "evaluationPeriods",
            Self::Encryption => "encryption",
            Self::KmsKey => "kmsKey",
            Self::Status => "status",
            Self::InstanceClass => "instanceClass",
            Self::Engine => "engine",
            Self::EngineVersion => "engineVersion",
            Self::Encrypted => "encrypted",
            Self::PubliclyAccessible => "publiclyAccessible",
            Self::MultiAz => "multiAz",
            Self::BackupRetention => "backupRetention",
        }
    }

    const fn rule(self) -> Rule {
        match self {
            Self::HealthCheckInterval | Self::Period => Rule::SameSeconds,
            Self::Indexes => Rule::Among,
            Self::BackupRetention => Rule::AtLeast,
            Self::EngineVersion => Rule::Version,
            Self::DesiredCount
            | Self::LaunchType
            | Self::Subnets
            | Self::SecurityGroups
            | Self::PublicIp
            | Self::Protocol
            | Self::Port
            | Self::TargetType
            | Self::HealthCheckPath
            | Self::BillingMode
            | Self::PointInTimeRecovery
            | Self::DeletionProtection
            | Self::ScanOnPush
            | Self::ImmutableTags
            | Self::Metric
            | Self::Namespace
            | Self::Threshold
            | Self::Comparison
            | Self::EvaluationPeriods
            | Self::Encryption
            | Self::KmsKey
            | Self::Status
            | Self::InstanceClass
            | Self::Engine
            | Self::Encrypted
            | Self::PubliclyAccessible
            | Self::MultiAz => Rule::Same,
        }
    }

    /// A value of it, for messages.
    fn told(self, value: &str) -> String {
        match self.rule() {
            Rule::SameSeconds => format!("{value} s"),
            Rule::AtLeast => value.parse().map_or_else(|_| value.to_owned(), duration),
            Rule::Same | Rule::Among | Rule::Version => value.to_owned(),
        }
    }
}

impl Expected {
    /// `dynamodbTable orders`.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.as_str(), self.name)
    }

    /// The resource with all that is expected of it, for the plan.
    pub fn describe(&self) -> String {
        let settings = self.settings.iter();
        let settings: Vec<String> = settings
            .map(|(setting, values)| format!("{} {}", setting.as_str(), listed(*setting, values)))
            .collect();
        match settings.is_empty() {
            true => self.title(),
            false => format!("{} with {}", self.title(), settings.join(", ")),
        }
    }

    /// What of it is not as expected, each difference in words; `found` is nothing where the resource
    /// does not exist. Empty where all is as it shall be.
    pub fn differences(&self, found: Option<&Settings>) -> Vec<String> {
        let Some(found) = found else {
            return vec![format!("{} does not exist", self.title())];
        };
        let nothing = BTreeSet::new();
        let wanted = self.settings.iter();
        let texts = wanted.filter_map(|(setting, wanted)| {
            difference(*setting, wanted, found.get(setting).unwrap_or(&nothing))
        });
        texts.map(|text| format!("{}: {text}", self.title())).collect()
    }
}

fn difference(setting: Setting, wanted: &BTreeSet<String>, found: &BTreeSet<String>) -> Option<String> {
    let name = setting.as_str();
    let (good, not) = match setting.rule() {
        Rule::Among => {
            let missing: BTreeSet<String> = wanted.difference(found).cloned().collect();
            return (!missing.is_empty())
                .then(|| format!("{name} {} missing or not active", listed(setting, &missing)));
        }
        Rule::Same | Rule::SameSeconds => (wanted == found, "not"),
        Rule::AtLeast => (every(wanted, found, is_at_least), "not at least"),
        Rule::Version => (every(wanted, found, is_of_version), "not"),
    };
    let found = match found.is_empty() {
        true => "nothing".to_owned(),
        false => listed(setting, found),
    };
    (!good).then(|| format!("{name} is {found}, {not} {}", listed(setting, wanted)))
}

/// Whether something was found, and all of it is good for all that is wanted.
fn every(wanted: &BTreeSet<String>, found: &BTreeSet<String>, good: fn(&str, &str) -> bool) -> bool {
    let each = |found: &String| wanted.iter().all(|wanted| good(wanted, found));
    !found.is_empty() && found.iter().all(each)
}

fn is_at_least(wanted: &str, found: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    match (number(wanted), number(found)) {
        (Some(wanted), Some(found)) => found >= wanted,
        (None, _) | (_, None) => false,
    }
}

fn is_of_version(wanted: &str, found: &str) -> bool {
    let rest = found.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn listed(setting: Setting, values: &BTreeSet<String>) -> String {
    let values: Vec<String> = values.iter().map(|value| setting.told(value)).collect();
    values.join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(given: &[(Setting, &[&str])]) -> Settings {
        let texts = |values: &[&str]| values.iter().map(|one| (*one).to_owned()).collect();
        given
            .iter()
            .map(|(setting, values)| (*setting, texts(values)))
            .collect()
    }

    fn table() -> Expected {
        Expected {
            kind: ResourceKind::DynamodbTable,
            name: "orders".to_owned(),
            cluster: None,
            settings: settings(&[
                (Setting::BillingMode, &["PAY_PER_REQUEST"]),
                (Setting::PointInTimeRecovery, &["true"]),
                (Setting::Indexes, &["by-customer", "by-day"]),
            ]),
        }
    }

    #[test]
    fn every_difference_is_named_and_what_was_not_asked_for_is_none() {
        let found = settings(&[
            (Setting::BillingMode, &["PROVISIONED"]),
            (Setting::DeletionProtection, &["false"]),
            (Setting::Indexes, &["by-day", "by-name"]),
        ]);
        assert_eq!(
            table().differences(Some(&found)),
            [
                "dynamodbTable orders: billingMode is PROVISIONED, not PAY_PER_REQUEST",
                "dynamodbTable orders: pointInTimeRecovery is nothing, not true",
                "dynamodbTable orders: indexes by-customer missing or not active",
            ]
        );
        assert_eq!(table().differences(None), ["dynamodbTable orders does not exist"]);
    }

    #[test]
    fn indexes_beside_those_that_are_asked_for_may_be_there_and_subnets_may_not() {
        let found = settings(&[
            (Setting::BillingMode, &["PAY_PER_REQUEST"]),
            (Setting::PointInTimeRecovery, &["true"]),
            (Setting::Indexes, &["by-customer", "by-day", "by-name"]),
        ]);
        assert_eq!(table().differences(Some(&found)), [""; 0]);
        let service = Expected {
            kind: ResourceKind::EcsService,
            name: "web-blue".to_owned(),
            cluster: Some("production".to_owned()),
            settings: settings(&[(Setting::Subnets, &["subnet-1"])]),
        };
        let found = settings(&[(Setting::Subnets, &["subnet-1", "subnet-2"])]);
        assert_eq!(
            service.differences(Some(&found)),
            ["ecsService web-blue: subnets is subnet-1 + subnet-2, not subnet-1"]
        );
    }

    fn database(setting: Setting, wanted: &str, found: &[&str]) -> Vec<String> {
        let expected = Expected {
            kind: ResourceKind::Database,
            name: "web-db".to_owned(),
            cluster: None,
            settings: settings(&[(setting, &[wanted])]),
        };
        expected.differences(Some(&settings(&[(setting, found)])))
    }

    #[test]
    fn backups_may_be_kept_for_longer_than_is_asked_for() {
        let kept = |found: &[&str]| database(Setting::BackupRetention, "604800", found);
        assert_eq!(kept(&["604800"]), [""; 0]);
        assert_eq!(kept(&["1209600"]), [""; 0]);
        assert_eq!(
            kept(&["86400"]),
            ["database web-db: backupRetention is 1 d, not at least 7 d"]
        );
        assert_eq!(
            kept(&[]),
            ["database web-db: backupRetention is nothing, not at least 7 d"]
        );
    }

    #[test]
    fn a_version_is_asked_for_by_its_first_parts() {
        let version = |wanted: &str, found: &str| database(Setting::EngineVersion, wanted, &[found]);
        for (wanted, found) in [
            ("16", "16.4"),
            ("16.4", "16.4"),
            ("8.0", "8.0.mysql_aurora.3.04.0"),
        ] {
            assert_eq!(version(wanted, found), [""; 0]);
        }
        for (wanted, found) in [("16.1", "16.10"), ("16.4", "16"), ("1", "16.4")] {
            let told = format!("database web-db: engineVersion is {found}, not {wanted}");
            assert_eq!(version(wanted, found), [told]);
        }
        assert_eq!(database(Setting::EngineVersion, "16", &[]).len(), 1);
    }

    #[test]
    fn names_are_those_of_the_file_and_of_what_is_stored() {
        for kind in ResourceKind::ALL {
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.as_str().into()));
            for setting in kind.settings() {
                assert_eq!(serde_json::to_value(setting).ok(), Some(setting.as_str().into()));
            }
        }
    }
}
