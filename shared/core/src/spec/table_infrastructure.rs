//! Keys of the section `infrastructure`. What can be expected of a kind of resource is a section of its
//! own, so that a key of another kind is refused with the nearest one of this kind.

use super::keys::Presence::{Default, Optional, Required};
use super::keys::{Key, Kind, Section, TextRule};
use super::table::{AGREE_WITHIN, APPROVALS, is_printable, key};
use super::table_changes::DATABASE;

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
static KEY_ARN: TextRule = TextRule {
    what: "the ARN of a key of KMS",
    rule: "arn:aws:kms:REGION:ACCOUNT:key/ID",
    pattern: "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,256}$",
    accepts: |text| {
        let rest = text.strip_prefix("arn:aws");
        rest.is_some_and(|rest| rest.contains(":kms:") && rest.contains(":key/"))
            && text.len() <= 400
            && text.chars().all(|c| c.is_ascii_graphic())
    },
};
static VERSION: TextRule = TextRule {
    what: "a version such as 16.4, or its first parts",
    rule: "letters, digits, dots, dashes and underscores, beginning with a digit, at most 64 characters",
    pattern: "^[0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$",
    accepts: |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        (1..=64).contains(&text.len())
            && text.chars().all(plain)
            && text.starts_with(|c: char| c.is_ascii_digit())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    },
};

const NAME: Key = key("name", Kind::Text(&RESOURCE_NAME), Required, "Its name on AWS.");

const KMS_KEY: Key = key(
    "kmsKey",
    Kind::Text(&KEY_ARN),
    Optional,
    "ARN of the key that it is encrypted with.",
);

pub(super) static INFRASTRUCTURE: Section = Section {
    doc: "What the service runs on.",
    keys: &[
        key(
            "stack",
            Kind::Section(&STACK),
            Optional,
            "A CloudFormation stack that is updated by a change set, which is shown before it is executed.",
        ),
        key(
            "terraform",
            Kind::Section(&TERRAFORM),
            Optional,
            "Terraform, planned by a task of ECS; the plan is shown before it is applied by another.",
        ),
        key(
            "approvals",
            APPROVALS,
            Optional,
            "Who must agree where an update replaces or deletes something, or changes more than the \
             threshold. Without it such an update stops the deployment.",
        ),
        key(
            "threshold",
            Kind::Integer { min: 0, max: 10_000 },
            Optional,
            "With more changes than this, the approvals are asked for even if nothing is replaced or deleted.",
        ),
        AGREE_WITHIN,
        key(
            "verify",
            Kind::List {
                of: &Kind::Section(&RESOURCE),
                min: 1,
                max: 50,
            },
            Optional,
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

static STACK_NAME: TextRule = TextRule {
    what: "the name of a CloudFormation stack",
    rule: "letters, digits and dashes, starting with a letter, at most 128 characters",
    pattern: "^[A-Za-z][A-Za-z0-9-]{0,127}$",
    accepts: |text| {
        (1..=128).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    },
};
static TEMPLATE: TextRule = TextRule {
    what: "the URL of a template in S3",
    rule: "it starts with https:// and has at most 1024 characters, none of them a space",
    pattern: "^https://[!-~]{1,1000}$",
    accepts: |text| {
        let rest = text.strip_prefix("https://");
        rest.is_some_and(|rest| !rest.is_empty())
            && text.len() <= 1024
            && text.chars().all(|c| c.is_ascii_graphic())
    },
};
static PARAMETER: TextRule = TextRule {
    what: "the name of a parameter of a template",
    rule: "letters and digits, at most 255 characters",
    pattern: "^[A-Za-z0-9]{1,255}$",
    accepts: |text| (1..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric()),
};
static PARAMETER_VALUE: TextRule = TextRule {
    what: "the value of a parameter",
    rule: "1 to 1000 printable characters",
    pattern: "^[!-~]([ -~]{0,999})$",
    accepts: |text| is_printable(text, 1000),
};
static ROLE_ARN: TextRule = TextRule {
    what: "the ARN of an IAM role",
    rule: "arn:aws:iam::ACCOUNT:role/NAME",
    pattern: "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$",
    accepts: |text| {
        let rest = text.strip_prefix("arn:aws");
        rest.is_some_and(|rest| rest.contains(":iam::") && rest.contains(":role/"))
            && text.len() <= 600
            && text.chars().all(|c| c.is_ascii_graphic())
    },
};

static STACK: Section = Section {
    doc: "A CloudFormation stack.",
    keys: &[
        key(
            "name",
            Kind::Text(&STACK_NAME),
            Required,
            "Its name. A stack that does not exist is made, and a rollback keeps it.",
        ),
        key(
            "template",
            Kind::Text(&TEMPLATE),
            Required,
            "URL of its template, an object in S3. Best one that is never overwritten.",
        ),
        key(
            "parameters",
            Kind::List {
                of: &Kind::Section(&STACK_PARAMETER),
                min: 1,
                max: 200,
            },
            Optional,
            "Parameters that are set; those that are not named keep their value. No secrets: name a \
             parameter of SSM or a secret instead.",
        ),
        key(
            "capabilities",
            Kind::List {
                of: &Kind::Choice(&["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]),
                min: 1,
                max: 3,
            },
            Optional,
            "What CloudFormation must be allowed explicitly.",
        ),
        key(
            "role",
            Kind::Text(&ROLE_ARN),
            Optional,
            "IAM role that CloudFormation acts as (default: the one that the stack has). Tidegate itself may \
             make no resources.",
        ),
        key(
            "drift",
            Kind::Flag,
            Default("false"),
            "Look for what was changed outside of CloudFormation, tell it, and ask the approvals where there is \
             any or where it can't be seen.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 60, max: 43_200 },
            Default("1h"),
            "How long an update may take, and taking it back.",
        ),
    ],
};

static FAMILY: TextRule = TextRule {
    what: "the family of a task definition",
    rule: "letters, digits, dashes and underscores, at most 255 characters",
    pattern: "^[A-Za-z0-9_-]{1,255}$",
    accepts: |text| {
        (1..=255).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    },
};
static BUCKET: TextRule = TextRule {
    what: "the name of a bucket",
    rule: "3 to 63 lowercase letters, digits and dashes, starting and ending with a letter or a digit",
    pattern: "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
    accepts: |text| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        (3..=63).contains(&text.len())
            && text.chars().all(|c| plain(c) || c == '-')
            && text.starts_with(plain)
            && text.ends_with(plain)
    },
};
static PREFIX: TextRule = TextRule {
    what: "the beginning of a key in S3",
    rule: "letters, digits, dashes and underscores, with slashes between them, at most 200 characters",
    pattern: "^[A-Za-z0-9_-]{1,100}(/[A-Za-z0-9_-]{1,30}){0,3}$",
    accepts: |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        text.len() <= 200
            && text
                .split('/')
                .all(|part| !part.is_empty() && part.chars().all(plain))
    },
};
static VARIABLE: TextRule = TextRule {
    what: "the name of a variable of Terraform",
    rule: "letters, digits, underscores and dashes, not starting with a digit or a dash, at most 64 characters",
    pattern: "^[A-Za-z_][A-Za-z0-9_-]{0,63}$",
    accepts: |text| {
        (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    },
};
static VARIABLE_VALUE: TextRule = TextRule {
    what: "the value of a variable",
    rule: "1 to 1000 printable characters",
    pattern: "^[!-~]([ -~]{0,999})$",
    accepts: |text| is_printable(text, 1000),
};

static TERRAFORM: Section = Section {
    doc: "Terraform, in a task of ECS.",
    keys: &[
        key(
            "taskDefinition",
            Kind::Text(&FAMILY),
            Required,
            "Family of the task definition whose container runs infra/terraform/run.sh. Its tasks run in the \
             file's cluster and in the network of the ECS service.",
        ),
        key(
            "container",
            Kind::Text(&RESOURCE_NAME),
            Optional,
            "The container that runs it, where the task definition has more than one.",
        ),
        key(
            "bucket",
            Kind::Text(&BUCKET),
            Required,
            "Bucket that its tasks leave their plans in. A plan has secrets in clear: let only these tasks and \
             Tidegate read it, and let it expire.",
        ),
        key(
            "prefix",
            Kind::Text(&PREFIX),
            Default("tidegate"),
            "Below what key; each deployment has a folder of its own there.",
        ),
        key(
            "imageVariable",
            Kind::Text(&VARIABLE),
            Optional,
            "Variable of the configuration that is given the image, by its digest.",
        ),
        key(
            "variables",
            Kind::Map {
                names: &VARIABLE,
                of: &VARIABLE_VALUE,
                within: None,
                min: 0,
                max: 100,
            },
            Optional,
            "Variables of the configuration, by name. No secrets: let the configuration read them where they \
             are kept.",
        ),
        key(
            "generatedVariables",
            Kind::Flag,
            Default("false"),
            "Plan with the variables that the analyzer generated, too: the very version that it named, checked by its \
             SHA-256. The image and the variables of this file go before them.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 60, max: 21_600 },
            Default("1h"),
            "How long planning may take, and applying.",
        ),
    ],
};

static STACK_PARAMETER: Section = Section {
    doc: "A parameter of a stack.",
    keys: &[
        key(
            "name",
            Kind::Text(&PARAMETER),
            Required,
            "Its name in the template.",
        ),
        key("value", Kind::Text(&PARAMETER_VALUE), Required, "Its value."),
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
        key(
            "database",
            Kind::Section(&DATABASE_INSTANCE),
            Optional,
            "A database instance of RDS.",
        ),
        key(
            "databaseCluster",
            Kind::Section(&DATABASE_CLUSTER),
            Optional,
            "A database cluster of RDS: of Aurora, or of several zones.",
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
        DELETION_PROTECTION,
        key(
            "encryption",
            Kind::Choice(&["DEFAULT", "KMS"]),
            Optional,
            "Whose key it is encrypted with: DynamoDB's own, or one of KMS.",
        ),
        KMS_KEY,
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

const DATABASE_NAME: Key = key("name", Kind::Text(&DATABASE), Required, "Its identifier on AWS.");
const STATUS: Key = key(
    "status",
    Kind::Choice(&["available", "stopped"]),
    Optional,
    "Its status as RDS tells it. While it is another, such as backing-up, the deployment waits.",
);
const ENGINE: Key = key(
    "engine",
    Kind::Text(&RESOURCE_NAME),
    Optional,
    "Its engine, such as postgres or aurora-postgresql.",
);
const ENGINE_VERSION: Key = key(
    "engineVersion",
    Kind::Text(&VERSION),
    Optional,
    "Version of the engine, or the first parts of it: 16 is any 16.4.",
);
const ENCRYPTED: Key = key(
    "encrypted",
    Kind::Flag,
    Optional,
    "Whether what it stores is encrypted, with whichever key.",
);
const PUBLICLY_ACCESSIBLE: Key = key(
    "publiclyAccessible",
    Kind::Flag,
    Optional,
    "Whether it has a public address. Of Aurora, whether any of its instances has one.",
);
const MULTI_AZ: Key = key(
    "multiAz",
    Kind::Flag,
    Optional,
    "Whether it stands in more than one Availability Zone.",
);
const DELETION_PROTECTION: Key = key(
    "deletionProtection",
    Kind::Flag,
    Optional,
    "Whether it can't be deleted.",
);
const BACKUP_RETENTION: Key = key(
    "backupRetention",
    // RDS keeps automated backups for 35 days at most (Amazon RDS API Reference, `ModifyDBInstance`).
    Kind::Duration {
        min: 86_400,
        max: 3_024_000,
    },
    Optional,
    "How long its automated backups are kept, at least.",
);

static DATABASE_INSTANCE: Section = Section {
    doc: "A database instance of RDS.",
    keys: &[
        DATABASE_NAME,
        STATUS,
        key(
            "instanceClass",
            Kind::Text(&RESOURCE_NAME),
            Optional,
            "Its class, such as db.r6g.large.",
        ),
        ENGINE,
        ENGINE_VERSION,
        ENCRYPTED,
        KMS_KEY,
        PUBLICLY_ACCESSIBLE,
        MULTI_AZ,
        DELETION_PROTECTION,
        BACKUP_RETENTION,
    ],
};

static DATABASE_CLUSTER: Section = Section {
    doc: "A database cluster of RDS: of Aurora, or of several zones.",
    keys: &[
        DATABASE_NAME,
        STATUS,
        ENGINE,
        ENGINE_VERSION,
        ENCRYPTED,
        KMS_KEY,
        PUBLICLY_ACCESSIBLE,
        MULTI_AZ,
        DELETION_PROTECTION,
        BACKUP_RETENTION,
    ],
};
