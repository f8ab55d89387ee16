//! Keys of the section `infrastructure`. What can be expected of a kind of resource is a section of its
//! own, so that a key of another kind is refused with the nearest one of this kind.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Key, Kind, Section, TextRule};
use super::table::{is_printable, key};

static RESOURCE_NAME: TextRule = TextRule {
    what: "the name of a resource",
    rule: "1 to 255 printable characters",
    pattern: "^[!-~]([ -~]{0,254})$",
    accepts: |text| is_printable(text, 255),
};
static RESOURCE_ID: TextRule = TextRule {
    what: "an id such as subnet-0a1b2c3d",
    rule: "letters, digits and dashes, at most 64 characters",
    pattern: "^[A-Za-z0-9-]{1,64}$",
    accepts: |text| {
        (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    },
};
static CHECK_PATH: TextRule = TextRule {
    what: "a path such as /health",
    rule: "it starts with / and has at most 1024 characters, none of them a space",
    pattern: "^/[!-~]{0,1023}$",
    accepts: |text| text.starts_with('/') && text.len() <= 1024 && text.chars().all(|c| c.is_ascii_graphic()),
};

const NAME: Key = key("name", Kind::Text(&RESOURCE_NAME), Required, "Its name on AWS.");

pub(super) static INFRASTRUCTURE: Section = Section {
    doc: "What the service runs on.",
    keys: &[
        key(
            "verify",
            Kind::List {
                of: &Kind::Section(&RESOURCE),
                min: 1,
                max: 50,
            },
            Required,
            "Resources that a person makes or changes by hand, each looked at call by call. While anything \
             differs, the deployment waits before the candidate gets traffic, and says what differs.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 60, max: 43_200 },
            Default("1h"),
            "How long the person has.",
        ),
    ],
};

static RESOURCE: Section = Section {
    doc: "One resource: exactly one of these kinds, with its name and what it should have.",
    keys: &[
        key(
            "ecsService",
            Kind::Section(&ECS_SERVICE),
            Optional,
            "A service of ECS.",
        ),
        key(
            "targetGroup",
            Kind::Section(&TARGET_GROUP),
            Optional,
            "A target group of a load balancer.",
        ),
        key(
            "dynamodbTable",
            Kind::Section(&DYNAMODB_TABLE),
            Optional,
            "A DynamoDB table.",
        ),
        key(
            "ecrRepository",
            Kind::Section(&ECR_REPOSITORY),
            Optional,
            "A repository of ECR.",
        ),
        key(
            "alarm",
            Kind::Section(&METRIC_ALARM),
            Optional,
            "A metric alarm of CloudWatch.",
        ),
    ],
};

static ECS_SERVICE: Section = Section {
    doc: "A service of ECS.",
    keys: &[
        NAME,
        key(
            "cluster",
            Kind::Text(&RESOURCE_NAME),
            Optional,
            "Its ECS cluster (default: that of the file).",
        ),
        key(
            "desiredCount",
            Kind::Integer { min: 0, max: 5000 },
            Optional,
            "Tasks wanted.",
        ),
        key(
            "launchType",
            Kind::Choice(&["FARGATE", "EC2", "EXTERNAL"]),
            Optional,
            "What its tasks run on.",
        ),
        key(
            "subnets",
            Kind::List {
                of: &Kind::Text(&RESOURCE_ID),
                min: 1,
                max: 16,
            },
            Optional,
            "All subnets of its tasks.",
        ),
        key(
            "securityGroups",
            Kind::List {
                of: &Kind::Text(&RESOURCE_ID),
                min: 1,
                max: 5,
            },
            Optional,
            "All security groups of its tasks.",
        ),
        key(
            "publicIp",
            Kind::Flag,
            Optional,
            "Whether its tasks get public addresses.",
        ),
    ],
};

static TARGET_GROUP: Section = Section {
    doc: "A target group of a load balancer.",
    keys: &[
        NAME,
        key(
            "protocol",
            Kind::Choice(&["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE"]),
            Optional,
            "What it speaks to its targets.",
        ),
        key(
            "port",
            Kind::Integer { min: 1, max: 65_535 },
            Optional,
            "Port of its targets.",
        ),
        key(
            "targetType",
            Kind::Choice(&["ip", "instance", "lambda", "alb"]),
            Optional,
            "What its targets are.",
        ),
        key(
            "healthCheckPath",
            Kind::Text(&CHECK_PATH),
            Optional,
            "Path of its health check.",
        ),
        key(
            "healthCheckInterval",
            Kind::Duration { min: 5, max: 300 },
            Optional,
            "Time between two health checks.",
        ),
    ],
};

static DYNAMODB_TABLE: Section = Section {
    doc: "A DynamoDB table.",
    keys: &[
        NAME,
        key(
            "billingMode",
            Kind::Choice(&["PAY_PER_REQUEST", "PROVISIONED"]),
            Optional,
            "How it is paid for.",
        ),
        key(
            "pointInTimeRecovery",
            Kind::Flag,
            Optional,
            "Whether it can be restored to any second of the last days.",
        ),
        key(
            "deletionProtection",
            Kind::Flag,
            Optional,
            "Whether it can't be deleted.",
        ),
        key(
            "indexes",
            Kind::List {
                of: &Kind::Text(&RESOURCE_NAME),
                min: 1,
                max: 25,
            },
            Optional,
            "Indexes that are there and active. It may have more.",
        ),
    ],
};

static ECR_REPOSITORY: Section = Section {
    doc: "A repository of ECR.",
    keys: &[
        NAME,
        key(
            "scanOnPush",
            Kind::Flag,
            Optional,
            "Whether a pushed image is scanned.",
        ),
        key(
            "immutableTags",
            Kind::Flag,
            Optional,
            "Whether a tag can't be moved to another image.",
        ),
    ],
};

static METRIC_ALARM: Section = Section {
    doc: "A metric alarm of CloudWatch.",
    keys: &[
        NAME,
        key(
            "metric",
            Kind::Text(&RESOURCE_NAME),
            Optional,
            "Name of its metric.",
        ),
        key(
            "namespace",
            Kind::Text(&RESOURCE_NAME),
            Optional,
            "Namespace of its metric.",
        ),
        key(
            "threshold",
            Kind::Number {
                min: -1e15,
                max: 1e15,
            },
            Optional,
            "Its threshold.",
        ),
        key(
            "comparison",
            Kind::Choice(&[
                "GreaterThanThreshold",
                "GreaterThanOrEqualToThreshold",
                "LessThanThreshold",
                "LessThanOrEqualToThreshold",
            ]),
            Optional,
            "How its metric is compared with the threshold.",
        ),
        key(
            "period",
            Kind::Duration { min: 1, max: 604_800 },
            Optional,
            "Length of one period.",
        ),
        key(
            "evaluationPeriods",
            Kind::Integer { min: 1, max: 10_080 },
            Optional,
            "Periods that it looks at.",
        ),
    ],
};
