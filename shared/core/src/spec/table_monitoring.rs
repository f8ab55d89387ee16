//! Keys of the section `monitoring`.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Kind, Section, TextRule};
use super::table::{is_account, key, name};

static ALARM_NAME: TextRule = name("the name of an alarm such as errors");
static TOPIC: TextRule = TextRule {
    what: "the ARN of an SNS topic",
    rule: "arn:aws:sns:REGION:ACCOUNT:NAME",
    pattern: "^arn:aws(-[a-z]{1,10}){0,3}:sns:[a-z0-9-]{1,30}:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
    accepts: |text| {
        let parts: Vec<&str> = text.split(':').collect();
        let &["arn", partition, "sns", region, account, name] = &parts[..] else {
            return false;
        };
        let plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 256
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        partition.starts_with("aws") && plain(region) && is_account(account) && plain(name)
    },
};

/// The times that CloudWatch Logs knows (API reference of `PutRetentionPolicy`).
const RETENTION: [&str; 22] = [
    "1d", "3d", "5d", "7d", "14d", "30d", "60d", "90d", "120d", "150d", "180d", "365d", "400d", "545d",
    "731d", "1096d", "1827d", "2192d", "2557d", "2922d", "3288d", "3653d",
];

pub(super) static MONITORING: Section = Section {
    doc: "What watches the service in CloudWatch.",
    keys: &[
        key(
            "dashboard",
            Kind::Flag,
            Default("false"),
            "Make the dashboard {service}-{environment}: alarms, and for each slot requests, errors, latency, targets, \
             tasks, CPU and memory. One of that name that Tidegate did not make is left alone.",
        ),
        key(
            "alarms",
            Kind::List {
                of: &Kind::Section(&ALARM),
                min: 1,
                max: 20,
            },
            Optional,
            "Alarms, one for each slot: {service}-{environment}-{slot}-{name}. They are watched from the deployment on \
             that makes them, whatever autoRollback.alarms names.",
        ),
        key(
            "topic",
            Kind::Text(&TOPIC),
            Optional,
            "SNS topic that these alarms tell, during deployments and at all other times.",
        ),
        key(
            "test",
            Kind::Section(&TEST),
            Optional,
            "Set an alarm that stands for nothing, and see its event arrive at Tidegate, before the candidate gets              traffic. The alarm is deleted afterwards.",
        ),
        key(
            "logRetention",
            Kind::Choice(&RETENTION),
            Optional,
            "How long the application's log group keeps its lines. AWS deletes older ones, and no rollback brings those \
             back.",
        ),
    ],
};

static TEST: Section = Section {
    doc: "A test of the way that an alarm takes to Tidegate.",
    keys: &[
        key(
            "topic",
            Kind::Text(&TOPIC),
            Optional,
            "SNS topic that the test alarm tells, too. Nobody checks that it arrives there.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 60, max: 3600 },
            Default("5m"),
            "How long its event may take. After that the deployment stops.",
        ),
    ],
};

static ALARM: Section = Section {
    doc: "An alarm on what the load balancer measures of a slot.",
    keys: &[
        key(
            "name",
            Kind::Text(&ALARM_NAME),
            Required,
            "Last part of the alarms' names.",
        ),
        key(
            "when",
            Kind::Condition,
            Required,
            "When it fires: error_rate, latency_p99 or availability, such as error_rate > 1%.",
        ),
        key(
            "for",
            Kind::Duration { min: 60, max: 3600 },
            Default("1m"),
            "For how long that must hold, in whole minutes.",
        ),
    ],
};
