//! Every key of a deployment file. The parser refuses what is not here, and the JSON Schema is
//! written from here.

use super::keys::{Key, Kind, Presence, Section, TextRule};
use super::table_analyzer::ANALYZER;
use super::table_changes::{MIGRATION, PREPARE};
use super::table_configuration::CONFIGURATION;
use super::table_cost::COST;
use super::table_infrastructure::INFRASTRUCTURE;
use super::table_monitoring::MONITORING;
use super::table_validation::{TEST_SUITE, VALIDATION};
use Presence::{Default, Optional, Required};

const DAY: u32 = 86_400;

pub(super) const fn key(name: &'static str, kind: Kind, presence: Presence, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        doc,
        presence,
    }
}

pub(super) fn is_label(text: &str, max: usize) -> bool {
    text.len() <= max
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.ends_with('-')
}

pub(super) fn is_printable(text: &str, max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control)
}

/// The number of an AWS account.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

static SERVICE: TextRule = TextRule {
    what: "a service name",
    rule: "lowercase letters, digits and dashes, starting with a letter, at most 32 characters",
    pattern: "^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$",
    accepts: |text| is_label(text, 32),
};
static ENVIRONMENT: TextRule = TextRule {
    what: "an environment name",
    rule: "lowercase letters, digits and dashes, starting with a letter, at most 24 characters",
    pattern: "^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$",
    accepts: |text| is_label(text, 24),
};
/// The rule of names that people give in a file.
pub(super) const fn name(what: &'static str) -> TextRule {
    TextRule {
        what,
        rule: "lowercase letters, digits and dashes, starting with a letter, at most 40 characters",
        pattern: "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
        accepts: |text| is_label(text, 40),
    }
}

static ROLE: TextRule = name("a role such as tech-lead");
pub(super) static SUITE: TextRule = name("the name of a test suite");
static REGION: TextRule = TextRule {
    what: "an AWS region such as eu-west-1",
    rule: "lowercase words with dashes and a number at the end",
    pattern: "^[a-z]{2,4}(-[a-z]{2,12}){1,3}-[1-9]$",
    accepts: |text| {
        let mut parts = text.split('-').rev();
        let number = parts.next().unwrap_or_default();
        text.len() <= 64
            && number.len() == 1
            && number.chars().all(|c| c.is_ascii_digit())
            && parts.clone().count() >= 2
            && parts.all(|part| part.len() >= 2 && part.chars().all(|c| c.is_ascii_lowercase()))
    },
};
static CLUSTER: TextRule = TextRule {
    what: "the name of an ECS cluster",
    rule: "letters, digits, dashes and underscores, at most 255 characters",
    pattern: "^[A-Za-z0-9_-]{1,255}$",
    accepts: |text| {
        (1..=255).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    },
};
static ACCOUNT: TextRule = TextRule {
    what: "the number of an AWS account, in quotes",
    rule: "12 digits",
    pattern: "^[0-9]{12}$",
    accepts: is_account,
};
static REPOSITORY: TextRule = TextRule {
    what: "the name of an ECR repository",
    rule: "2 to 256 lowercase letters, digits and . _ - /, starting with a letter, without a tag and \
           without the registry's host",
    pattern: "^[a-z][a-z0-9._/-]{1,255}$",
    accepts: |text| {
        (2..=256).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '/'))
    },
};
static TAGS: TextRule = TextRule {
    what: "a pattern of tags such as v*",
    rule: "letters, digits, . _ - and the wildcards * and ?, at most 128 characters",
    pattern: "^[A-Za-z0-9._*?-]{1,128}$",
    accepts: |text| {
        (1..=128).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*' | '?'))
    },
};
static URL_PATH: TextRule = TextRule {
    what: "a path such as /health",
    rule: "it starts with / and has at most 1024 characters, none of them a space",
    pattern: "^/[!-~]{0,1023}$",
    accepts: |text| text.starts_with('/') && text.len() <= 1024 && text.chars().all(|c| c.is_ascii_graphic()),
};
static METRIC: TextRule = TextRule {
    what: "the name of a metric",
    rule: "lowercase letters, digits and underscores, starting with a letter, at most 64 characters",
    pattern: "^[a-z][a-z0-9_]{0,63}$",
    accepts: |text| {
        text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    },
};
static EXPRESSION: TextRule = TextRule {
    what: "a CloudWatch metric expression",
    rule: "1 to 2048 printable characters (CloudWatch, MetricDataQuery)",
    pattern: "^[!-~]([ -~]{0,2047})$",
    accepts: |text| is_printable(text, 2048),
};
static ALARM: TextRule = TextRule {
    what: "the name of a CloudWatch alarm",
    rule: "1 to 255 printable characters",
    pattern: "^[!-~]([ -~]{0,254})$",
    accepts: |text| is_printable(text, 255),
};
static REASON: TextRule = TextRule {
    what: "a reason in words",
    rule: "1 to 200 printable characters",
    pattern: "^[!-~]([ -~]{0,199})$",
    accepts: |text| is_printable(text, 200),
};
static CHANNEL: TextRule = TextRule {
    what: "a Slack channel such as \"#deployments\"",
    rule: "1 to 80 printable characters",
    pattern: "^[!-~]([ -~]{0,79})$",
    accepts: |text| is_printable(text, 80),
};
static LINK: TextRule = TextRule {
    what: "a link",
    rule: "it starts with https:// or http:// and has at most 2000 characters, none of them a space",
    pattern: "^https?://[!-~]{1,1900}$",
    accepts: |text| {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty())
            && text.len() <= 2000
            && text.chars().all(|c| c.is_ascii_graphic())
    },
};

/// A file of one target.
pub(super) static TARGET: Section = Section {
    doc: "Deployment file of one service in one environment.",
    keys: &[
        key(
            "service",
            Kind::Text(&SERVICE),
            Optional,
            "Name of the service. May be given beside the file instead (--service).",
        ),
        key(
            "environment",
            Kind::Text(&ENVIRONMENT),
            Required,
            "Where the service is deployed.",
        ),
        key(
            "strategy",
            Kind::Choice(&["canary", "linear", "bluegreen", "rolling", "recreate"]),
            Required,
            "How a new revision replaces the one that serves. canary: by steps of weight. linear: by \
             equal steps of weight. bluegreen: all at once after a test time. rolling: ECS's own \
             rolling update. recreate: stop all, start all, with downtime.",
        ),
        key(
            "replicas",
            Kind::Integer { min: 1, max: 5000 },
            Required,
            "Tasks of the service at full traffic (at most 5000, the quota of ECS).",
        ),
        key(
            "resources",
            Kind::Section(&RESOURCES),
            Optional,
            "CPU and memory of a task.",
        ),
        key(
            "autoDeploy",
            Kind::Flag,
            Default("true"),
            "Whether a pushed image starts a deployment by itself.",
        ),
        key(
            "checkPermissions",
            Kind::Flag,
            Default("false"),
            "Whether IAM is asked, before anything is touched, if Tidegate's functions may do all that the plan needs, \
             the way back included.",
        ),
        key(
            "account",
            Kind::Text(&ACCOUNT),
            Optional,
            "The AWS account that it is for: in another one, every deployment is blocked before anything is touched.",
        ),
        key(
            "trigger",
            Kind::Section(&TRIGGER),
            Optional,
            "Which pushed images become deployments.",
        ),
        key(
            "cluster",
            Kind::Text(&CLUSTER),
            Optional,
            "ECS cluster (default: the environment's name).",
        ),
        key(
            "loadBalancer",
            Kind::Flag,
            Default("true"),
            "false for a service that takes its work from elsewhere, such as a queue.",
        ),
        key(
            "healthCheck",
            Kind::Section(&HEALTH_CHECK),
            Optional,
            "Health check of the target groups.",
        ),
        key(
            "canary",
            Kind::Section(&CANARY),
            Optional,
            "For the strategy canary.",
        ),
        key(
            "linear",
            Kind::Section(&LINEAR),
            Optional,
            "For the strategy linear.",
        ),
        key(
            "trafficSwitch",
            Kind::Section(&TRAFFIC_SWITCH),
            Optional,
            "For the strategy bluegreen.",
        ),
        key(
            "autoRollback",
            Kind::Section(&AUTO_ROLLBACK),
            Optional,
            "When a deployment is taken back.",
        ),
        key(
            "watch",
            Kind::Section(&WATCH),
            Optional,
            "What is done about alarms after completion, when nothing holds the target any more.",
        ),
        key(
            "report",
            Kind::Section(&REPORT),
            Optional,
            "Where the report of each deployment is kept after its end.",
        ),
        key(
            "gates",
            Kind::List {
                of: &Kind::Section(&GATE),
                min: 0,
                max: 8,
            },
            Optional,
            "Points where people must decide.",
        ),
        key(
            "freezes",
            Kind::List {
                of: &Kind::Section(&FREEZE),
                min: 0,
                max: 100,
            },
            Optional,
            "Times in which nothing moves forward. A rollback always may.",
        ),
        key(
            "postDeploymentTests",
            Kind::List {
                of: &Kind::TextOrSection(&SUITE, &TEST_SUITE),
                min: 0,
                max: 20,
            },
            Optional,
            "Test suites; each runs as the ECS task definition {service}-{environment}-test-{suite}, or as a \
             Lambda function. smoke runs on the candidate before it gets any traffic, the others after the last step.",
        ),
        key(
            "validate",
            Kind::Section(&VALIDATION),
            Optional,
            "What must hold of the new revision, beside the suites of postDeploymentTests.",
        ),
        key(
            "prepare",
            Kind::Section(&PREPARE),
            Optional,
            "What is done before anything else is touched.",
        ),
        key(
            "migrations",
            Kind::List {
                of: &Kind::Section(&MIGRATION),
                min: 0,
                max: 20,
            },
            Optional,
            "Changes of schema or data, made before the new revision gets traffic: each a task of it, or an index of a \
             DynamoDB table.",
        ),
        key(
            "analyzer",
            Kind::Section(&ANALYZER),
            Optional,
            "A function that looks at the revision and recommends, before people are asked about the infrastructure.",
        ),
        key(
            "infrastructure",
            Kind::Section(&INFRASTRUCTURE),
            Optional,
            "What the service runs on: updated as code, or made by a person. The candidate gets no traffic \
             before all of it is there.",
        ),
        key(
            "configuration",
            Kind::Section(&CONFIGURATION),
            Optional,
            "What the new revision is configured with, set before it gets traffic and taken back with it.",
        ),
        key(
            "monitoring",
            Kind::Section(&MONITORING),
            Optional,
            "What watches the service in CloudWatch, made before the candidate gets traffic and taken back with it.",
        ),
        key(
            "cost",
            Kind::Section(&COST),
            Optional,
            "What a deployment may cost, and what is asked of the bill.",
        ),
        key(
            "notifications",
            Kind::Section(&NOTIFICATIONS),
            Optional,
            "What messages show.",
        ),
        key(
            "timeouts",
            Kind::Section(&TIMEOUTS),
            Optional,
            "How long things may take.",
        ),
        key(
            "evidence",
            Kind::Section(&EVIDENCE),
            Optional,
            "What must be known of an image before anything is touched. With it, the release's author \
             counts as the author of the change.",
        ),
        key(
            "hotfix",
            Kind::Section(&HOTFIX),
            Optional,
            "What tidegate deploy --hotfix may leave out, and who must agree to that.",
        ),
    ],
};

static RESOURCES: Section = Section {
    doc: "CPU and memory of a task.",
    keys: &[
        key(
            "limits",
            Kind::Section(&QUANTITY),
            Optional,
            "The most that a task may take.",
        ),
        key(
            "requests",
            Kind::Section(&QUANTITY),
            Optional,
            "What a task is given at least.",
        ),
    ],
};

static QUANTITY: Section = Section {
    doc: "CPU and memory.",
    keys: &[
        key(
            "cpu",
            Kind::Cpu,
            Optional,
            "In thousandths of a vCPU (500m) or in vCPUs (2, 0.5).",
        ),
        key("memory", Kind::Memory, Optional, "In MiB (512Mi) or GiB (2Gi)."),
    ],
};

static TRIGGER: Section = Section {
    doc: "Which pushed images become deployments.",
    keys: &[
        key(
            "repository",
            Kind::Text(&REPOSITORY),
            Optional,
            "ECR repository (default: the service's name).",
        ),
        key(
            "tags",
            Kind::List {
                of: &Kind::Text(&TAGS),
                min: 1,
                max: 20,
            },
            Optional,
            "Patterns of tags with * and ? (default: every tag).",
        ),
        key(
            "onNewerPush",
            Kind::Choice(&["queue", "supersede"]),
            Default("queue"),
            "What a push does while a deployment is running. queue: waits for its turn. supersede: \
             aborts the running deployment, then starts.",
        ),
    ],
};

static HEALTH_CHECK: Section = Section {
    doc: "Health check of the target groups.",
    keys: &[
        key(
            "path",
            Kind::Text(&URL_PATH),
            Required,
            "Path that answers 200 while a task is healthy.",
        ),
        key(
            "initialDelay",
            Kind::Duration { min: 0, max: 7200 },
            Default("0s"),
            "How long after its start a task may fail the check.",
        ),
        key(
            "timeout",
            Kind::Duration { min: 2, max: 120 },
            Default("5s"),
            "How long an answer may take: 2s to 120s, a limit of ELB.",
        ),
        key(
            "interval",
            Kind::Duration { min: 5, max: 300 },
            Optional,
            "Time between checks: 5s to 300s, above timeout (default: 30s, or timeout and 5s where that is more).",
        ),
        key(
            "failureThreshold",
            Kind::Integer { min: 2, max: 10 },
            Default("3"),
            "Failed checks in a row before a task counts as unhealthy: 2 to 10, a limit of ELB.",
        ),
    ],
};

static CANARY: Section = Section {
    doc: "Steps of a canary.",
    keys: &[
        key(
            "steps",
            Kind::List {
                of: &Kind::Section(&STEP),
                min: 1,
                max: 50,
            },
            Required,
            "Rising weights, the last one 100.",
        ),
        key(
            "analysis",
            Kind::Section(&ANALYSIS),
            Optional,
            "What is measured while a step bakes.",
        ),
    ],
};

static STEP: Section = Section {
    doc: "One step: raise the candidate to the weight, then watch it.",
    keys: &[
        key(
            "weight",
            Kind::Integer { min: 1, max: 100 },
            Required,
            "The candidate's share of the traffic, in percent.",
        ),
        key(
            "pause",
            Kind::Duration { min: 0, max: DAY },
            Default("0s"),
            "How long the candidate is watched at this weight.",
        ),
    ],
};

static LINEAR: Section = Section {
    doc: "Equal steps of weight.",
    keys: &[
        key(
            "increment",
            Kind::Integer { min: 1, max: 100 },
            Required,
            "Weight that each step adds, in percent. The last step ends at 100. At most 50 steps.",
        ),
        key(
            "pause",
            Kind::Duration { min: 0, max: DAY },
            Required,
            "How long the candidate is watched after each step but the last.",
        ),
        key(
            "analysis",
            Kind::Section(&ANALYSIS),
            Optional,
            "What is measured while a step bakes.",
        ),
    ],
};

static TRAFFIC_SWITCH: Section = Section {
    doc: "The switch of a blue-green deployment.",
    keys: &[
        key(
            "testDuration",
            Kind::Duration { min: 0, max: DAY },
            Default("5m"),
            "How long the candidate is tested before it gets traffic, and watched after the switch.",
        ),
        key(
            "rollbackOnError",
            Kind::Flag,
            Default("true"),
            "Roll back on a failed check; otherwise hold for a person.",
        ),
        key(
            "analysis",
            Kind::Section(&ANALYSIS),
            Optional,
            "What is measured after the switch.",
        ),
    ],
};

static ANALYSIS: Section = Section {
    doc: "What is measured of the candidate.",
    keys: &[
        key(
            "interval",
            Kind::Duration { min: 60, max: 3600 },
            Default("1m"),
            "One check for each interval; at least 1m, because load balancer metrics come once a minute.",
        ),
        key(
            "threshold",
            Kind::Integer { min: 1, max: 1000 },
            Default("1"),
            "Failed checks in a step before giving up.",
        ),
        key(
            "metrics",
            Kind::List {
                of: &Kind::Section(&METRIC_RULE),
                min: 1,
                max: 20,
            },
            Required,
            "Metrics and their bounds.",
        ),
        key(
            "minRequests",
            Kind::Integer {
                min: 0,
                max: 1_000_000,
            },
            Optional,
            "Fewer requests in an interval make a check inconclusive (default 10, or 0 without a load balancer).",
        ),
        key(
            "freshness",
            Kind::Duration { min: 60, max: 3600 },
            Default("3m"),
            "Data older than this counts as missing.",
        ),
        key(
            "inconclusiveLimit",
            Kind::Integer { min: 1, max: 1000 },
            Default("10"),
            "Inconclusive checks in a row before rolling back.",
        ),
        key(
            "compare",
            Kind::Section(&COMPARE),
            Optional,
            "Compare the candidate with the revision that serves, by the Mann-Whitney U test.",
        ),
    ],
};

static METRIC_RULE: Section = Section {
    doc: "A metric and its bounds: max, min or both.",
    keys: &[
        key(
            "name",
            Kind::Text(&METRIC),
            Required,
            "error_rate, latency_p99, availability, request_count, or any name with an expression.",
        ),
        key(
            "max",
            Kind::Number {
                min: -1e15,
                max: 1e15,
            },
            Optional,
            "Upper bound: percent for rates, milliseconds for latencies.",
        ),
        key(
            "min",
            Kind::Number {
                min: -1e15,
                max: 1e15,
            },
            Optional,
            "Lower bound: percent for rates, milliseconds for latencies.",
        ),
        key(
            "expression",
            Kind::Text(&EXPRESSION),
            Optional,
            "CloudWatch metric math or SEARCH expression; ${targetGroup}, ${loadBalancer}, ${slot}, ${ecsService} and ${cluster} are filled in.",
        ),
    ],
};

static COMPARE: Section = Section {
    doc: "Candidate against stable, by the Mann-Whitney U test.",
    keys: &[
        key(
            "metrics",
            Kind::List {
                of: &Kind::Text(&METRIC),
                min: 1,
                max: 20,
            },
            Required,
            "Metrics to compare; higher is worse.",
        ),
        key(
            "significance",
            Kind::Number {
                min: 0.000_001,
                max: 0.5,
            },
            Default("0.01"),
            "One-sided p-value below which the candidate is worse.",
        ),
        key(
            "minSamples",
            Kind::Integer { min: 2, max: 1000 },
            Default("5"),
            "Fewer samples of either are inconclusive.",
        ),
    ],
};

static AUTO_ROLLBACK: Section = Section {
    doc: "When a deployment is taken back.",
    keys: &[
        key(
            "enabled",
            Kind::Flag,
            Default("true"),
            "false: conditions only tell. Alarms still roll back.",
        ),
        key(
            "conditions",
            Kind::List {
                of: &Kind::Condition,
                min: 0,
                max: 20,
            },
            Optional,
            "Conditions such as error_rate > 1%, each one enough by itself.",
        ),
        key(
            "alarms",
            Kind::List {
                of: &Kind::Text(&ALARM),
                min: 0,
                max: 100,
            },
            Optional,
            "CloudWatch alarms to watch (default: those whose names start with {service}-{environment}-).",
        ),
        key(
            "window",
            Kind::Duration { min: 0, max: 7 * DAY },
            Default("30m"),
            "How long after completion the old revision stays warm for tidegate rollback.",
        ),
        key(
            "bake",
            Kind::Duration { min: 0, max: 7200 },
            Optional,
            "How long stable is watched after a rollback, with the target locked: a person is called where its tasks \
             or an alarm of it are not well at the end.",
        ),
    ],
};

static WATCH: Section = Section {
    doc: "The watch over a completed deployment, until its time is over or another one serves.",
    keys: &[
        key(
            "for",
            Kind::Duration {
                min: 600,
                max: 7 * DAY,
            },
            Default("1d"),
            "How long after completion. At its end the journal says how errors and response times went.",
        ),
        key(
            "onAlarm",
            Kind::Choice(&["tell", "rollback"]),
            Default("tell"),
            "tell: people hear of it. rollback: it is taken back, while the old revision is warm \
             (autoRollback.window); after that people hear of it.",
        ),
    ],
};

static BUCKET: TextRule = TextRule {
    what: "the name of an S3 bucket",
    rule: "3 to 63 lowercase letters, digits, dots and dashes, beginning and ending with a letter or a digit",
    pattern: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    accepts: |text| {
        let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        (3..=63).contains(&text.len())
            && text.chars().all(|c| end(c) || matches!(c, '.' | '-'))
            && text.starts_with(end)
            && text.ends_with(end)
    },
};
/// Of what S3 calls safe characters ("Naming Amazon S3 objects"), those that need no escape anywhere.
static PREFIX: TextRule = TextRule {
    what: "the beginning of keys in the bucket",
    rule: "up to 5 parts with slashes between them, each of up to 40 letters, digits, dashes and underscores",
    pattern: "^[A-Za-z0-9_-]{1,40}(/[A-Za-z0-9_-]{1,40}){0,4}$",
    accepts: |text| {
        let part = |part: &str| {
            (1..=40).contains(&part.len())
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        text.split('/').all(part) && text.split('/').count() <= 5
    },
};
static REPORT: Section = Section {
    doc: "Where the report of each deployment is kept, with its record: \
          {prefix}/{service}/{environment}/{deployment}/report.html, report.md and record.json.",
    keys: &[
        key("bucket", Kind::Text(&BUCKET), Required, "S3 bucket."),
        key(
            "prefix",
            Kind::Text(&PREFIX),
            Default("tidegate"),
            "How the keys begin.",
        ),
    ],
};

static GATE: Section = Section {
    doc: "A point where people must decide.",
    keys: &[
        key(
            "before",
            Kind::Choice(&[
                "prepare",
                "migrate",
                "infrastructure",
                "configure",
                "shift",
                "validate",
                "complete",
                "contract",
            ]),
            Required,
            "The phase that waits. prepare: before anything is touched. shift: before the candidate gets traffic. \
             contract: before migrations of that stage, days after the deployment.",
        ),
        key(
            "approvals",
            APPROVALS,
            Required,
            "How many of which role. Nobody counts twice, nor does the author of the change.",
        ),
        key(
            "expires",
            EXPIRES,
            Default("1d"),
            "How long the gate waits before the deployment ends.",
        ),
    ],
};

/// Who must agree.
pub(super) const APPROVALS: Kind = Kind::List {
    of: &Kind::Section(&APPROVAL),
    min: 1,
    max: 10,
};

/// How long people have to agree.
const EXPIRES: Kind = Kind::Duration {
    min: 60,
    max: 7 * DAY,
};

/// `expires` of a section whose approvals are asked for only where its proposal needs it.
pub(super) const AGREE_WITHIN: Key = key(
    "expires",
    EXPIRES,
    Default("1d"),
    "How long people have to agree.",
);

static APPROVAL: Section = Section {
    doc: "Approvals of one role.",
    keys: &[
        key(
            "role",
            Kind::Text(&ROLE),
            Required,
            "Role in the people file, such as tech-lead.",
        ),
        key(
            "count",
            Kind::Integer { min: 1, max: 10 },
            Default("1"),
            "How many different people.",
        ),
    ],
};

static FREEZE: Section = Section {
    doc: "A time in which nothing moves forward.",
    keys: &[
        key("from", Kind::Instant, Required, "Start, inclusive (RFC 3339)."),
        key("until", Kind::Instant, Required, "End, exclusive (RFC 3339)."),
        key(
            "reason",
            Kind::Text(&REASON),
            Required,
            "Shown to whoever asks why nothing moves.",
        ),
    ],
};

static NOTIFICATIONS: Section = Section {
    doc: "What messages show.",
    keys: &[
        key("dashboard", Kind::Text(&LINK), Optional, "Link to a dashboard."),
        key(
            "slackChannel",
            Kind::Text(&CHANNEL),
            Optional,
            "Channel shown in messages, in quotes; the webhook decides where they go.",
        ),
    ],
};

static TIMEOUTS: Section = Section {
    doc: "How long things may take.",
    keys: &[
        key(
            "healthy",
            Kind::Duration { min: 60, max: 7200 },
            Default("15m"),
            "Tasks becoming healthy.",
        ),
        key(
            "suite",
            Kind::Duration { min: 10, max: 21_600 },
            Default("30m"),
            "One test suite.",
        ),
    ],
};

static EVIDENCE: Section = Section {
    doc: "What must be known of an image before anything is touched.",
    keys: &[
        key(
            "suites",
            Kind::List {
                of: &Kind::Text(&SUITE),
                min: 0,
                max: 20,
            },
            Optional,
            "Test suites that CI has recorded for this digest with tidegate release; all of their tests passed.",
        ),
        key(
            "sbom",
            Kind::Flag,
            Default("false"),
            "CI has recorded a software bill of materials.",
        ),
        key(
            "ticket",
            Kind::Flag,
            Default("false"),
            "CI has recorded a ticket.",
        ),
        key(
            "scan",
            Kind::Section(&SCAN),
            Optional,
            "ECR has scanned the image (basic or enhanced scanning) and found no more than this.",
        ),
        key(
            "signature",
            Kind::Choice(&["required"]),
            Optional,
            "A signature of this digest (Notation or cosign) lies in ECR. That it is there is checked, not by \
             whom it is.",
        ),
        key(
            "provenIn",
            Kind::Text(&ENVIRONMENT),
            Optional,
            "The same digest was deployed in this environment, to the end, and was not rolled back since.",
        ),
        key(
            "rehearsed",
            Kind::Section(&REHEARSED),
            Optional,
            "The way back of the same digest was rehearsed in a test environment with tidegate rehearse.",
        ),
        key(
            "notify",
            Kind::List {
                of: &Kind::Text(&ROLE),
                min: 0,
                max: 10,
            },
            Optional,
            "Roles that a missing piece concerns, named in the message.",
        ),
    ],
};

static REHEARSED: Section = Section {
    doc: "The digest completed there, was taken back, and completed again; and each migration of this file that has a down was \
          taken back with it.",
    keys: &[
        key(
            "in",
            Kind::Text(&ENVIRONMENT),
            Required,
            "A test environment of the same service.",
        ),
        key(
            "within",
            Kind::Duration {
                min: 3600,
                max: 31_536_000,
            },
            Default("90d"),
            "How long ago at most it was taken back there.",
        ),
    ],
};

static SCAN: Section = Section {
    doc: "At most so many findings of each severity; without a number any.",
    keys: &[
        key(
            "critical",
            Kind::Integer { min: 0, max: 100_000 },
            Optional,
            "Findings of severity CRITICAL.",
        ),
        key(
            "high",
            Kind::Integer { min: 0, max: 100_000 },
            Optional,
            "Findings of severity HIGH.",
        ),
        key(
            "medium",
            Kind::Integer { min: 0, max: 100_000 },
            Optional,
            "Findings of severity MEDIUM.",
        ),
        key(
            "low",
            Kind::Integer { min: 0, max: 100_000 },
            Optional,
            "Findings of severity LOW.",
        ),
        key(
            "wait",
            Kind::Duration { min: 0, max: 3600 },
            Default("10m"),
            "How long a scan that is not over is waited for.",
        ),
    ],
};

static HOTFIX: Section = Section {
    doc: "What tidegate deploy --hotfix may leave out, and who must agree to that.",
    keys: &[
        key(
            "skip",
            Kind::List {
                of: &Kind::Choice(&[
                    "suites",
                    "sbom",
                    "ticket",
                    "scan",
                    "signature",
                    "provenIn",
                    "rehearsed",
                ]),
                min: 1,
                max: 7,
            },
            Required,
            "Pieces of evidence that a hotfix may lack.",
        ),
        key(
            "approvals",
            APPROVALS,
            Required,
            "Approvals before anything is touched, beside those that gates ask for.",
        ),
        key(
            "expires",
            EXPIRES,
            Default("1d"),
            "How long that gate waits, where gates has none before prepare.",
        ),
    ],
};

/// A file that rolls out region by region.
pub(super) static REGIONS: Section = Section {
    doc: "Rollout over several regions. Read and checked, but not acted on yet.",
    keys: &[
        key(
            "service",
            Kind::Text(&SERVICE),
            Optional,
            "Name of the service. May be given beside the file instead (--service).",
        ),
        key(
            "environment",
            Kind::Text(&ENVIRONMENT),
            Optional,
            "Where the service is deployed.",
        ),
        key(
            "regions",
            Kind::List {
                of: &Kind::Section(&REGION_STEP),
                min: 1,
                max: 40,
            },
            Required,
            "Regions in the order of the rollout.",
        ),
        key(
            "failurePolicy",
            Kind::Section(&FAILURE_POLICY),
            Optional,
            "What a failed region means for the others.",
        ),
    ],
};

static REGION_STEP: Section = Section {
    doc: "One region.",
    keys: &[
        key("name", Kind::Text(&REGION), Required, "AWS region."),
        key(
            "role",
            Kind::Choice(&["canary", "secondary", "primary"]),
            Required,
            "canary goes first; primary has the most traffic.",
        ),
        key(
            "weight",
            Kind::Share,
            Required,
            "Share of all traffic. The weights of all regions add up to 100%.",
        ),
        key(
            "waitTime",
            Kind::Duration { min: 0, max: DAY },
            Default("0s"),
            "How long to watch before the next region.",
        ),
    ],
};

static FAILURE_POLICY: Section = Section {
    doc: "What a failed region means for the others.",
    keys: &[
        key(
            "stopOnRegionFailure",
            Kind::Flag,
            Default("true"),
            "Stop the rollout.",
        ),
        key(
            "rollbackFailedRegion",
            Kind::Flag,
            Default("true"),
            "Roll the failed region back.",
        ),
    ],
};
