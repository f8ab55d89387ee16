//! Names of the local account's resources: those that `infra/template.yaml` gives.

/// Region.
pub const REGION: &str = "us-east-1";
/// Account.
pub const ACCOUNT: &str = "123456789012";
/// Table.
pub const TABLE: &str = "tidegate";
/// Event bus.
pub const BUS: &str = "tidegate";
/// Group of the schedules.
pub const SCHEDULE_GROUP: &str = "tidegate";
/// Where the local Slack listens.
pub const SLACK_WEBHOOK: &str = "https://hooks.slack.test/services/local";

/// The Lambda functions, by folder name.
pub const FUNCTIONS: [&str; 17] = [
    "plan",
    "prepare",
    "migrate",
    "infrastructure",
    "configure",
    "monitoring",
    "shift",
    "validate",
    "complete",
    "gate",
    "abort-handle",
    "rollback",
    "on-image-push",
    "on-alarm",
    "notify",
    "sweep",
    "api",
];

/// ARN of a function.
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:tidegate-{name}")
}

/// The function that an ARN or a name means.
pub fn function_of(reference: &str) -> Option<&'static str> {
    let name = reference.rsplit(':').next()?;
    let name = name.strip_prefix("tidegate-").unwrap_or(name);
    FUNCTIONS.into_iter().find(|known| *known == name)
}

/// ARN of a state machine.
pub fn machine_arn(name: &str) -> String {
    format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:tidegate-{name}")
}

/// ARN of the role of a function.
pub fn role_arn(function: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/tidegate-{function}")
}

/// ARN of an execution.
pub fn execution_arn(machine_arn: &str, name: &str) -> String {
    format!("{}:{name}", machine_arn.replace(":stateMachine:", ":execution:"))
}

/// What the environment of every function says.
pub fn variable(name: &str) -> Option<String> {
    let value = match name {
        "TIDEGATE_TABLE" => TABLE.to_owned(),
        "TIDEGATE_BUS" => BUS.to_owned(),
        "TIDEGATE_TOPIC" => format!("arn:aws:sns:{REGION}:{ACCOUNT}:tidegate"),
        "TIDEGATE_DEPLOYMENT_MACHINE" => machine_arn("deployment"),
        "TIDEGATE_ROLLBACK_MACHINE" => machine_arn("rollback"),
        "TIDEGATE_ROLES" => FUNCTIONS
            .map(|name| format!("{name}={}", role_arn(name)))
            .join(","),
        "TIDEGATE_SCHEDULE_GROUP" => SCHEDULE_GROUP.to_owned(),
        "TIDEGATE_SCHEDULE_ROLE" => format!("arn:aws:iam::{ACCOUNT}:role/tidegate-schedule"),
        "TIDEGATE_SWEEP_FUNCTION" => function_arn("sweep"),
        "TIDEGATE_DEAD_LETTERS" => format!("arn:aws:sqs:{REGION}:{ACCOUNT}:tidegate-event-dead-letters"),
        "TIDEGATE_SLACK_WEBHOOK" => SLACK_WEBHOOK.to_owned(),
        _ => return None,
    };
    Some(value)
}
